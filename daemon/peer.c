/* SPDX-License-Identifier: Apache-2.0 */
/* peer.c: see peer.h.
 *
 * /proc/PID is opened once, and everything is read through that descriptor: it stays bound to the
 * process it was opened for, and answers ESRCH when that one is gone, even if the number was given
 * out again. The start time is read before and after as well; a process that replaced the peer before
 * we looked must have started after it connected, which cannot be seen here (a process descriptor of
 * the peer, SO_PEERPIDFD, needs a newer kernel than Debian 12 has).
 */
#include "daemon/peer.h"

#include "base/text.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>

#define START_TIME_FIELD 22 /* proc(5), /proc/PID/stat */

int peer_of_socket(int fd, struct peer *ret)
{
        struct ucred cred;
        socklen_t len = sizeof cred;
        if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &len) < 0)
                return -errno;
        struct peer peer = { .uid = cred.uid, .pid = cred.pid };
        peer_executable(cred.pid, cred.uid, peer.executable, sizeof peer.executable);
        *ret = peer;
        return 0;
}

/* 0 if unknown. The program's name in field 2 may hold anything, so counting starts after its ')'. */
static unsigned long long start_time(int proc)
{
        _cleanup_close_ int fd = openat(proc, "stat", O_RDONLY | O_CLOEXEC);
        char text[1024];
        ssize_t len = fd < 0 ? -1 : read(fd, text, sizeof text - 1);
        if (len <= 0)
                return 0;
        text[len] = 0;
        char *at = strrchr(text, ')');
        for (int field = 2; at && field < START_TIME_FIELD; field++)
                at = strchr(at + 1, ' ');
        return at ? strtoull(at, NULL, 10) : 0;
}

void peer_executable(pid_t pid, uid_t uid, char *dst, size_t cap)
{
        char path[32], target[4096];
        struct stat owner;
        dst[0] = 0;
        snprintf(path, sizeof path, "/proc/%d", (int)pid);
        _cleanup_close_ int proc = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (proc < 0 || fstat(proc, &owner) < 0 || owner.st_uid != uid)
                return;
        unsigned long long before = start_time(proc);
        ssize_t len = readlinkat(proc, "exe", target, sizeof target - 1);
        if (len <= 0 || before == 0 || start_time(proc) != before)
                return;
        target[len] = 0;
        text_sanitize(dst, cap, target, cap - 4);
}

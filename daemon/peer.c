/* SPDX-License-Identifier: Apache-2.0 */
/* peer.c: see peer.h.
 *
 * /proc/PID is opened once, and everything is read through that descriptor: it stays bound to the
 * process it was opened for, and answers ESRCH when that one is gone, even if the number was given
 * out again. The start time is read before and after as well. That it is the process that connected, and
 * not one that got its number before we looked, only the kernel's descriptor of the peer tells
 * (SO_PEERPIDFD, Linux 6.5): Debian 12's has none, and there this cannot be seen.
 *
 * Whose process it is, `status` says and not the folder's owner: that is root's for a process that lets nobody
 * look into it (prctl(2), PR_SET_DUMPABLE), and such a one still has a unit.
 */
#include "daemon/peer.h"
#include "daemon/peer_internal.h"

#include "base/text.h"

#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <sys/socket.h>

#define START_TIME_FIELD 22 /* proc(5), /proc/PID/stat */
#define ELLIPSIS         "\xE2\x80\xA6"
#ifndef SO_PEERPIDFD
#define SO_PEERPIDFD 77 /* older headers do not know it */
#endif

/* Whether the process that connected has ended: whoever bears its number then is somebody else. */
static bool has_gone(int socket)
{
        int process = -1;
        socklen_t len = sizeof process;
        if (getsockopt(socket, SOL_SOCKET, SO_PEERPIDFD, &process, &len) < 0)
                return errno != ENOPROTOOPT;
        struct pollfd ended = { .fd = process, .events = POLLIN };
        bool gone = poll(&ended, 1, 0) != 0;
        close(process);
        return gone;
}

int peer_of_socket(int fd, struct peer *ret)
{
        struct ucred cred;
        socklen_t len = sizeof cred;
        if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &len) < 0)
                return -errno;
        peer_of_process(cred.pid, cred.uid, ret);
        if (has_gone(fd)) /* asked last, so that all that was read was its own */
                *ret = (struct peer){ .uid = cred.uid, .pid = cred.pid };
        return 0;
}

void peer_of_process(pid_t pid, uid_t uid, struct peer *ret)
{
        char path[32];
        *ret = (struct peer){ .uid = uid, .pid = pid };
        snprintf(path, sizeof path, "/proc/%d", (int)pid);
        _cleanup_close_ int proc = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (proc >= 0)
                peer_look(proc, uid, ret);
}

ssize_t peer_read_file(int folder, const char *name, char *dst, size_t cap)
{
        _cleanup_close_ int fd = openat(folder, name, O_RDONLY | O_CLOEXEC);
        size_t have = 0;
        if (fd < 0)
                return -errno;
        while (have < cap) {
                ssize_t n = read(fd, dst + have, cap - have);
                if (n == 0)
                        return (ssize_t)have;
                if (n < 0 && errno != EINTR)
                        return -errno;
                have += n > 0 ? (size_t)n : 0;
        }
        return -EFBIG;
}

/* 0 if unknown. The program's name in field 2 may hold anything, so counting starts after its ')'. */
static unsigned long long start_time(int proc)
{
        char text[1024];
        ssize_t len = peer_read_file(proc, "stat", text, sizeof text - 1);
        if (len <= 0)
                return 0;
        text[len] = 0;
        char *at = strrchr(text, ')');
        for (int field = 2; at && field < START_TIME_FIELD; field++)
                at = strchr(at + 1, ' ');
        return at ? strtoull(at, NULL, 10) : 0;
}

/* The effective uid, which is the second of the line "Uid:". The name in the first line has its line ends escaped. */
static bool belongs_to(int proc, uid_t uid)
{
        char text[4096], *end = NULL;
        ssize_t len = peer_read_file(proc, "status", text, sizeof text - 1);
        if (len <= 0)
                return false;
        text[len] = 0;
        const char *line = strstr(text, "\nUid:\t");
        const char *second = line ? strchr(line + strlen("\nUid:\t"), '\t') : NULL;
        return second && strtoul(second + 1, &end, 10) == uid && end && *end == '\t';
}

void peer_put_path(char dst[static PEER_TEXT_MAX], const char *path)
{
        const size_t room = PEER_TEXT_MAX - strlen(ELLIPSIS);
        text_sanitize(dst, room, path, room);
        size_t len = strlen(dst), tail = strlen(ELLIPSIS);
        bool marked = len >= tail && strcmp(dst + len - tail, ELLIPSIS) == 0;
        if (len > 0 && strcmp(dst, path) != 0 && !marked)
                memcpy(dst + len, ELLIPSIS, tail + 1);
}

static void read_executable(int proc, struct peer *peer)
{
        char target[4096];
        ssize_t len = readlinkat(proc, "exe", target, sizeof target - 1);
        if (len <= 0)
                return;
        target[len] = 0;
        peer_put_path(peer->executable, target);
}

/* The beginning of a command line is enough; what does not fit is not looked at. */
static void read_arguments(int proc, struct peer *peer)
{
        char text[4096];
        _cleanup_close_ int fd = openat(proc, "cmdline", O_RDONLY | O_CLOEXEC);
        ssize_t len = fd < 0 ? -1 : read(fd, text, sizeof text);
        if (len > 0)
                peer_read_script(peer->executable, text, (size_t)len, peer->script);
}

/* The control group names a Flatpak, and the root folder the same one. */
static void read_flatpak(int proc, const struct peer_group *group, struct peer *peer)
{
        char id[PEER_TEXT_MAX] = "";
        if (group->flatpak[0])
                peer_flatpak_of_root(proc, id);
        if (id[0] && strcmp(id, group->flatpak) == 0)
                memcpy(peer->flatpak, id, sizeof id);
}

/* Where the kernel confines programs by name (AppArmor), its label must be the Snap's. */
static void read_snap(int proc, const struct peer_group *group, struct peer *peer)
{
        char text[512], label[PEER_TEXT_MAX] = "";
        if (!group->snap[0])
                return;
        ssize_t len = peer_read_file(proc, "attr/current", text, sizeof text);
        if (len > 0)
                peer_read_label(text, (size_t)len, label);
        if (len <= 0 || strcmp(label, group->snap) == 0)
                memcpy(peer->snap, group->snap, sizeof peer->snap);
}

static void read_group(int proc, struct peer *peer)
{
        char text[8192];
        struct peer_group group = { 0 };
        ssize_t len = peer_read_file(proc, "cgroup", text, sizeof text);
        if (len > 0)
                peer_read_group(text, (size_t)len, &group);
        memcpy(peer->unit, group.unit, sizeof peer->unit);
        peer->system_unit = group.system_unit;
        read_flatpak(proc, &group, peer);
        read_snap(proc, &group, peer);
}

void peer_look(int proc, uid_t uid, struct peer *peer)
{
        const struct peer before = *peer;
        unsigned long long started = start_time(proc);
        if (started == 0 || !belongs_to(proc, uid))
                return;
        read_executable(proc, peer);
        if (peer_is_interpreter(peer->executable))
                read_arguments(proc, peer);
        read_group(proc, peer);
        peer->sandbox = peer->snap[0] ? PEER_IS_CONFINED : peer_sandbox_of_root(proc);
        if (start_time(proc) != started)
                *peer = before;
}

void peer_key(const struct peer *peer, char dst[static PEER_KEY_MAX])
{
        bool interpreter = peer_is_interpreter(peer->executable);
        const struct {
                const char *kind, *name, *more;
        } rows[] = {
                { "flatpak", peer->flatpak, "" },
                { "snap", peer->snap, "" },
                { "unit", peer->unit, "" },
                { "script", interpreter ? peer->executable : "", peer->script },
                { "program", peer->executable, "" },
        };
        snprintf(dst, PEER_KEY_MAX, "unknown");
        for (size_t i = 0; i < ARRAY_LEN(rows); i++)
                if (rows[i].name[0]) {
                        snprintf(dst, PEER_KEY_MAX, "%s:%s%s%s", rows[i].kind, rows[i].name,
                                rows[i].more[0] ? " " : "", rows[i].more);
                        return;
                }
}

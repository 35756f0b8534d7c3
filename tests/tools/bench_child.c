/* SPDX-License-Identifier: Apache-2.0 */
/* bench_child: stands in for a program of the daemon's (PROGRAM.real beside it) and notes what it cost.
 *
 * Each run adds a line to PROGRAM.usage: microseconds of CPU time of the real program with all that it
 * started and waited for, and of this one. The bench takes both from what the daemon's children cost.
 */
#include "base/base.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/wait.h>

static long cpu_us(int who)
{
        struct rusage usage;
        getrusage(who, &usage);
        return (usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1000000 + usage.ru_utime.tv_usec +
               usage.ru_stime.tv_usec;
}

int main(int argc _unused_, char **argv)
{
        char real[512], usage[512], line[64];
        snprintf(real, sizeof real, "%s.real", argv[0]);
        snprintf(usage, sizeof usage, "%s.usage", argv[0]);
        pid_t pid = fork();
        if (pid == 0) {
                execv(real, argv);
                _exit(127);
        }
        int status = 0;
        if (pid < 0 || waitpid(pid, &status, 0) < 0)
                return 70;
        _cleanup_close_ int fd = open(usage, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
        int len =
                snprintf(line, sizeof line, "%ld\n", cpu_us(RUSAGE_CHILDREN) + cpu_us(RUSAGE_SELF));
        if (fd >= 0 && write(fd, line, (size_t)len) != len)
                return 70;
        return WIFEXITED(status) ? WEXITSTATUS(status) : 70;
}

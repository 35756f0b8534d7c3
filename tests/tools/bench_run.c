/* SPDX-License-Identifier: Apache-2.0 */
/* bench_run: PROGRAM ARGUMENTS: runs it and prints what it cost, one "name value" a line: wall_us, cpu_us,
 * rss_kib. What the program says goes to standard error; its exit code is this one's.
 *
 * Peak memory is counted from the fork on, so it must be forked from something small.
 */
#include "base/base.h"

#include <stdio.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>

static long now_us(void)
{
        struct timespec now;
        clock_gettime(CLOCK_MONOTONIC, &now);
        return now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

static long us(struct timeval time)
{
        return time.tv_sec * 1000000 + time.tv_usec;
}

int main(int argc, char **argv)
{
        long began = now_us();
        pid_t pid = argc > 1 ? fork() : -1;
        if (pid == 0) {
                if (dup2(STDERR_FILENO, STDOUT_FILENO) >= 0)
                        execvp(argv[1], argv + 1);
                _exit(127);
        }
        struct rusage usage;
        int status = 0;
        if (pid < 0 || wait4(pid, &status, 0, &usage) < 0)
                return 70;
        printf("wall_us %ld\ncpu_us %ld\nrss_kib %ld\n", now_us() - began,
                us(usage.ru_utime) + us(usage.ru_stime), usage.ru_maxrss);
        return WIFEXITED(status) ? WEXITSTATUS(status) : 70;
}

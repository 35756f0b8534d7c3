/* SPDX-License-Identifier: Apache-2.0 */
/* support_run.c: what another program prints, bounded in bytes and time. It is started without a shell, with nothing to read. */
#include "client-sdk/cli/support.h"

#include "base/program.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define PATIENCE_MS 10000

static int spawn(const char *program, const char *const *argv, int out, pid_t *ret)
{
        posix_spawn_file_actions_t actions;
        int r = posix_spawn_file_actions_init(&actions);
        if (r != 0)
                return r;
        r = posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
        if (r == 0)
                r = posix_spawn_file_actions_addopen(
                        &actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
        if (r == 0)
                r = posix_spawn_file_actions_adddup2(&actions, out, STDOUT_FILENO);
        if (r == 0)
                r = posix_spawn(ret, program, &actions, NULL, (char *const *)argv, environ);
        posix_spawn_file_actions_destroy(&actions);
        return r;
}

static int64_t clock_ms(void)
{
        struct timespec ts;
        clock_gettime(CLOCK_MONOTONIC, &ts);
        return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

/* True at its end, or when there is room for no more. */
static bool read_out(int fd, char *dst, size_t cap)
{
        int64_t end = clock_ms() + PATIENCE_MS;
        size_t len = 0;
        ssize_t n = 1;
        while (n > 0 && len < cap - 1) {
                struct pollfd ready = { .fd = fd, .events = POLLIN };
                int64_t left = end - clock_ms();
                if (left <= 0)
                        break;
                if (poll(&ready, 1, (int)left) <= 0)
                        continue;
                n = read(fd, dst + len, cap - 1 - len);
                len += n > 0 ? (size_t)n : 0;
        }
        dst[len] = '\0';
        return n == 0 || len == cap - 1;
}

static bool ended_well(pid_t pid, bool whole)
{
        int status = 0;
        if (!whole)
                kill(pid, SIGKILL);
        while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
                ;
        return whole && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

bool support_run(const char *const *argv, char *dst, size_t cap)
{
        char program[PATH_MAX];
        int pipes[2];
        pid_t pid = 0;
        if (!program_find(argv[0], program, sizeof program) || pipe2(pipes, O_CLOEXEC) < 0)
                return false;
        _cleanup_close_ int out = pipes[0];
        int r = spawn(program, argv, pipes[1], &pid);
        close(pipes[1]);
        if (r != 0)
                return false;
        bool whole = read_out(out, dst, cap);
        close(base_take_fd(&out)); /* one that would print more ends by that */
        return ended_well(pid, whole);
}

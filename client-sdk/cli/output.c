/* SPDX-License-Identifier: Apache-2.0 */
/* output.c: see output.h. One that prints too much or takes too long is killed: nothing it would say is read any more. */
#include "client-sdk/cli/output.h"

#include "base/clock.h"
#include "base/outcome.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>

static int set_up(posix_spawn_file_actions_t *actions, const struct output_of *of, int out)
{
        int r = of->in >= 0 ? posix_spawn_file_actions_adddup2(actions, of->in, STDIN_FILENO)
                            : posix_spawn_file_actions_addopen(
                                      actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
        if (r == 0 && of->quiet)
                r = posix_spawn_file_actions_addopen(
                        actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
        return r == 0 ? posix_spawn_file_actions_adddup2(actions, out, STDOUT_FILENO) : r;
}

static int spawn(const struct output_of *of, int out, pid_t *ret)
{
        posix_spawn_file_actions_t actions;
        int r = posix_spawn_file_actions_init(&actions);
        if (r != 0)
                return -r;
        r = set_up(&actions, of, out);
        if (r == 0)
                r = posix_spawn(ret, of->program, &actions, NULL, (char *const *)of->argv, environ);
        posix_spawn_file_actions_destroy(&actions);
        return -r;
}

/* To its end, within the bound and the time. */
static int read_out(int fd, int64_t end, uint8_t *dst, size_t cap, size_t *ret_len)
{
        for (;;) {
                uint8_t more;
                bool full = *ret_len == cap;
                int64_t left = end - clock_ms();
                struct pollfd ready = { .fd = fd, .events = POLLIN };
                if (left <= 0)
                        return -ETIMEDOUT;
                if (poll(&ready, 1, (int)left) <= 0)
                        continue;
                ssize_t n = read(fd, full ? &more : dst + *ret_len, full ? 1 : cap - *ret_len);
                if (n == 0)
                        return 0;
                if (n < 0 && errno != EINTR)
                        return -errno;
                if (n > 0 && full)
                        return -EFBIG;
                *ret_len += n > 0 ? (size_t)n : 0;
        }
}

static int reap(pid_t pid, bool give_up)
{
        int status = 0;
        if (give_up)
                kill(pid, SIGKILL);
        while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
                ;
        return WIFEXITED(status) && WEXITSTATUS(status) == 0 ? 0 : OUTCOME_INTERNAL;
}

int output_read(const struct output_of *of, void *dst, size_t cap, size_t *ret_len)
{
        int pipes[2];
        pid_t pid = 0;
        *ret_len = 0;
        if (pipe2(pipes, O_CLOEXEC) < 0)
                return -errno;
        _cleanup_close_ int out = pipes[0];
        int r = spawn(of, pipes[1], &pid);
        close(pipes[1]);
        if (r < 0)
                return r;
        r = read_out(out, clock_ms() + of->patience_s * INT64_C(1000), dst, cap, ret_len);
        int ended = reap(pid, r < 0);
        return r < 0 ? r : ended;
}

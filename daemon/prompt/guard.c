/* SPDX-License-Identifier: Apache-2.0 */
/* guard.c: see guard.h. A shell that took the terminal back changes input modes, which pinentry-tty
 * does not touch: then the guard keeps its hands off.
 */
#include "daemon/prompt/guard.h"

#include "base/portable.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <termios.h>

#define GRACE_MS 300

struct guard {
        int pipe, pinentry, tty;
        struct termios saved;
};

static void close_others(const struct guard *guard)
{
        for (int fd = 0; fd < 64; fd++)
                if (fd != guard->pipe && fd != guard->pinentry && fd != guard->tty)
                        close(fd);
        (void)portable_close_from(64, false);
}

/* pinentry-curses goes on reading, and burns a processor, where its terminal is gone and its parent is not. */
static void kill_if_hung_up(struct guard *guard, const struct pollfd *tty)
{
        if (!(tty->revents & (POLLHUP | POLLERR | POLLNVAL)))
                return;
        (void)portable_pidfd_kill(guard->pinentry);
        guard->tty = -1; /* poll(2) passes over it, and there is nothing to restore */
}

/* 0: mohr-prompt is no more. Else it dismissed the guard. */
static ssize_t wait_for_end(struct guard *guard)
{
        char dismissed;
        ssize_t n;
        for (;;) {
                struct pollfd ends[] = { { .fd = guard->pipe, .events = POLLIN },
                        { .fd = guard->tty } };
                if (poll(ends, ARRAY_LEN(ends), -1) < 0)
                        continue;
                kill_if_hung_up(guard, &ends[1]);
                if (ends[0].revents == 0)
                        continue;
                n = read(guard->pipe, &dismissed, 1);
                if (n >= 0 || errno != EINTR)
                        return n;
        }
}

static void end_pinentry(const struct guard *guard)
{
        struct pollfd ended = { .fd = guard->pinentry, .events = POLLIN };
        if (poll(&ended, 1, GRACE_MS) > 0)
                return;
        (void)portable_pidfd_kill(guard->pinentry);
        (void)poll(&ended, 1, GRACE_MS);
}

static void restore(const struct guard *guard)
{
        struct termios now;
        if (guard->tty < 0 || tcgetattr(guard->tty, &now) < 0)
                return;
        bool only_local =
                now.c_iflag == guard->saved.c_iflag && now.c_oflag == guard->saved.c_oflag;
        if (only_local && now.c_lflag != guard->saved.c_lflag)
                (void)tcsetattr(guard->tty, TCSANOW, &guard->saved);
}

__attribute__((noreturn)) static void guard_run(struct guard *guard)
{
        setsid();
        close_others(guard);
        if (wait_for_end(guard) == 0) {
                end_pinentry(guard);
                restore(guard);
        }
        _exit(0);
}

static int open_tty(const char *tty, struct termios *ret_saved)
{
        int fd = *tty ? open(tty, O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC) : -1;
        if (fd >= 0 && tcgetattr(fd, ret_saved) < 0) {
                close(fd);
                fd = -1;
        }
        return fd;
}

int guard_start(pid_t pinentry, const char *tty)
{
        struct guard guard = { 0 };
        int ends[2];
        if (pipe2(ends, O_CLOEXEC) < 0)
                return -errno;
        _cleanup_close_ int read_end = ends[0], write_end = ends[1];
        _cleanup_close_ int pinentry_fd = portable_pidfd_open(pinentry); /* -1: SIGTERM must do */
        _cleanup_close_ int tty_fd = open_tty(tty, &guard.saved);
        pid_t pid = fork();
        if (pid < 0)
                return -errno;
        guard.pipe = read_end;
        guard.pinentry = pinentry_fd;
        guard.tty = tty_fd;
        if (pid == 0)
                guard_run(&guard);
        return base_take_fd(&write_end);
}

void guard_dismiss(int fd)
{
        if (fd < 0)
                return;
        ssize_t n = write(fd, "", 1);
        (void)n;
        close(fd);
}

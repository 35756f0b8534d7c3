/* SPDX-License-Identifier: Apache-2.0 */
/* child.c: see child.h. A child is a pid, a pidfd and our end of a SEQPACKET pair.
 *
 * The end is seen on the pidfd, so SIGCHLD need not be blocked or handled. A kernel that has none (before 5.3, and all that apps
 * may do on Android before 12) shows the end of the channel, which a child that lives does not give up; from there on its end is
 * looked for until it has come. Order at the end: frames
 * still queued, then the whole group is killed while the zombie still holds its number, then it is
 * reaped, then exited() is called. A callback may free the child: `gone` tells the frames above it.
 *
 * Nothing here waits without limit. A killed process may hang in the kernel, in a driver that does not let it
 * go: then what is left of it here belongs to the event loop, which reaps it whenever its end comes.
 */
#include "daemon/child.h"

#include "base/portable.h"
#include "base/secret.h"
#include "daemon/child_launch.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/wait.h>

#define FIRST_HIGH 10 /* our copies sit above every number the child wants */

/* Frames come before everything else, so one that never stops speaking is not heard for a while: it may
 * be what a card has taken over. No child that does its work says half as much. */
#define FLOOD_US     1000000
#define FLOOD_FRAMES 500

#define REAP_MS      500 /* how long the end of what was killed is waited for */
#define REAP_STEP_MS 5

#define LOOK_US                                                                                    \
        1000 /* where no descriptor tells of the end: after the channel's; then twice as long, up to ... */
#define LOOK_MAX_US 1000000

struct child {
        pid_t pid;
        int pidfd, fd;
        sd_event_source *frames, *end;
        struct child_callbacks callbacks;
        void *user;
        uint8_t *buf; /* own, or the secret's */
        size_t cap;
        struct secret *secret; /* borrowed */
        uint64_t look_us;
        bool *gone;
        bool abandoned; /* freed by its owner before its end */
};

static int high_fd(int fd)
{
        if (fd < 0)
                return -errno;
        int high = fcntl(fd, F_DUPFD_CLOEXEC, FIRST_HIGH);
        int r = high < 0 ? -errno : high;
        close(fd);
        return r;
}

static int copy_high(int fd)
{
        if (fd < 0)
                return -1;
        int copy = fcntl(fd, F_DUPFD_CLOEXEC, FIRST_HIGH);
        return copy < 0 ? -errno : copy;
}

static int start(struct child *child, const char *const *argv, const char *const *env,
        const int files[static CHILD_FILES])
{
        int pair[2];
        if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
                return -errno;
        child->fd = high_fd(pair[0]);
        _cleanup_close_ int theirs = high_fd(pair[1]);
        _cleanup_close_ int null = high_fd(open("/dev/null", O_RDWR | O_CLOEXEC));
        _cleanup_close_ int first = copy_high(files[0]);
        _cleanup_close_ int second = copy_high(files[1]);
        if (child->fd < 0 || theirs < 0 || null < 0)
                return child->fd < 0 ? child->fd : theirs < 0 ? theirs : null;
        if ((files[0] >= 0 && first < 0) || (files[1] >= 0 && second < 0))
                return files[0] >= 0 && first < 0 ? first : second;
        if (fcntl(child->fd, F_SETFL, O_NONBLOCK) < 0)
                return -errno;
        const struct launch plan = { argv, env, null, theirs, { first, second }, getpid() };
        int r = child_launch(&plan, &child->pid);
        if (r < 0)
                return r;
        child->pidfd = portable_pidfd_open(child->pid);
        return child->pidfd < 0 && errno != ENOSYS ? -errno : 0;
}

/* 1: a frame was handled; 0: nothing more now; < 0: the channel is over. `*gone`: so is the child. */
static int take_frame(struct child *child, const bool *gone)
{
        ssize_t n = recv(child->fd, child->buf, child->cap, MSG_DONTWAIT | MSG_TRUNC);
        if (n < 0)
                return errno == EAGAIN || errno == EINTR ? 0 : -errno;
        if (n == 0)
                return -ECONNRESET;
        if ((size_t)n > child->cap)
                return -EMSGSIZE;
        if (child->secret)
                child->secret->len = (size_t)n;
        child->callbacks.frame(child->user, child->buf, (size_t)n);
        if (!*gone && !child->secret)
                explicit_bzero(child->buf, (size_t)n);
        return 1;
}

static bool ended(const struct child *child, unsigned int ms)
{
        struct pollfd end = { .fd = child->pidfd, .events = POLLIN };
        if (child->pidfd >= 0)
                return poll(&end, 1, (int)ms) > 0;
        for (unsigned int waited = 0;; waited += REAP_STEP_MS) {
                siginfo_t info = { 0 };
                int r = waitid(P_PID, (id_t)child->pid, &info, WEXITED | WNOHANG | WNOWAIT);
                if (info.si_pid != 0 || (r < 0 && errno != EINTR))
                        return true;
                if (waited >= ms)
                        return false;
                (void)poll(NULL, 0, REAP_STEP_MS);
        }
}

/* Of a child that has ended; its group may not have. Whoever traces it (a sanitizer at its end, a debugger)
 * hears of that first, and until it lets go the end is seen here and cannot be taken. */
static int reap(struct child *child)
{
        siginfo_t info = { 0 };
        child_kill(child);
        for (int ms = 0; ms < REAP_MS && info.si_pid == 0; ms += REAP_STEP_MS) {
                int r = waitid(P_PID, (id_t)child->pid, &info, WEXITED | WNOHANG);
                if (r < 0 && errno != EINTR)
                        break;
                if (info.si_pid == 0)
                        (void)poll(NULL, 0, REAP_STEP_MS);
        }
        child->pid = 0;
        return info.si_code == CLD_EXITED ? (info.si_status & 0xff) << 8 : info.si_status & 0x7f;
}

/* The end is worth waiting for, whichever way it is seen: `end` is its source. */
static int expect_end(struct child *child, sd_event_source *end, uint64_t after_us)
{
        if (child->pidfd >= 0)
                return sd_event_source_set_enabled(end, SD_EVENT_ON);
        child->look_us = after_us < LOOK_MAX_US ? after_us : LOOK_MAX_US;
        int r = sd_event_source_set_time_relative(end, child->look_us);
        return r < 0 ? r : sd_event_source_set_enabled(end, SD_EVENT_ONESHOT);
}

static int on_frame(sd_event_source *source, int fd, uint32_t events, void *user)
{
        (void)fd, (void)events;
        struct child *child = user;
        bool gone = false;
        child->gone = &gone;
        int r = take_frame(child, &gone);
        if (gone)
                return 0;
        child->gone = NULL;
        if (r < 0) {
                sd_event_source_set_enabled(source, SD_EVENT_OFF);
                child_kill(child);
                return expect_end(child, child->end, LOOK_US);
        }
        return 0;
}

static int over(struct child *child, sd_event_source *source)
{
        bool gone = false;
        if (child->abandoned) {
                (void)reap(child);
                return sd_event_source_set_floating(source, false); /* release() follows */
        }
        child->gone = &gone;
        sd_event_source_set_enabled(source, SD_EVENT_OFF);
        sd_event_source_set_enabled(child->frames, SD_EVENT_OFF);
        int status = reap(child);
        while (take_frame(child, &gone) > 0 && !gone)
                ;
        if (gone)
                return 0;
        child->gone = NULL;
        child->callbacks.exited(child->user, status);
        return 0;
}

static int on_end(sd_event_source *source, int fd, uint32_t events, void *user)
{
        (void)fd, (void)events;
        return over(user, source);
}

static int on_look(sd_event_source *source, uint64_t usec, void *user)
{
        struct child *child = user;
        (void)usec;
        return ended(child, 0) ? over(child, source)
                               : expect_end(child, source, child->look_us * 2);
}

static int watch_end(struct child *child, sd_event *event)
{
        if (child->pidfd >= 0)
                return sd_event_add_io(event, &child->end, child->pidfd, EPOLLIN, on_end, child);
        int r = sd_event_add_time_relative(
                event, &child->end, CLOCK_MONOTONIC, LOOK_US, 1, on_look, child);
        return r < 0 ? r : sd_event_source_set_enabled(child->end, SD_EVENT_OFF);
}

static int watch(struct child *child, sd_event *event)
{
        int r = sd_event_add_io(event, &child->frames, child->fd, EPOLLIN, on_frame, child);
        if (r >= 0)
                r = watch_end(child, event);
        if (r < 0)
                return r;
        r = sd_event_source_set_priority(child->frames, SD_EVENT_PRIORITY_IMPORTANT);
        return r < 0 ? r : sd_event_source_set_ratelimit(child->frames, FLOOD_US, FLOOD_FRAMES);
}

int child_spawn(struct child **ret, sd_event *event, const char *const *argv,
        const char *const *env, size_t frame_max, const struct child_callbacks *callbacks,
        void *user)
{
        static const int none[CHILD_FILES] = { -1, -1 };
        return child_spawn_with(ret, event, argv, env, none, frame_max, callbacks, user);
}

int child_spawn_with(struct child **ret, sd_event *event, const char *const *argv,
        const char *const *env, const int files[static CHILD_FILES], size_t frame_max,
        const struct child_callbacks *callbacks, void *user)
{
        struct child *child = calloc(1, sizeof *child);
        if (!child)
                return -ENOMEM;
        child->fd = child->pidfd = -1;
        child->callbacks = *callbacks;
        child->user = user;
        child->cap = frame_max;
        child->buf = calloc(1, frame_max);
        int r = child->buf ? start(child, argv, env, files) : -ENOMEM;
        if (r == 0)
                r = watch(child, event);
        if (r < 0) {
                child_free(child);
                return r;
        }
        *ret = child;
        return 0;
}

int child_use_secret(struct child *child, struct secret *secret)
{
        if (secret->cap < child->cap)
                return -EINVAL;
        if (!child->secret)
                free(child->buf);
        child->secret = secret;
        child->buf = secret->data;
        return 0;
}

int child_send(struct child *child, const void *frame, size_t len)
{
        ssize_t n = send(child->fd, frame, len, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (n < 0)
                return -errno;
        return (size_t)n == len ? 0 : -EIO;
}

pid_t child_pid(const struct child *child)
{
        return child->pid;
}

void child_hang_up(struct child *child)
{
        (void)shutdown(child->fd, SHUT_WR);
}

void child_wait(struct child *child, unsigned int ms)
{
        (void)ended(child, ms);
}

void child_kill(struct child *child)
{
        if (child->pid > 0)
                kill(-child->pid, SIGKILL);
}

/* Kills what is alive. False: it has not ended yet. */
static bool put_down(struct child *child)
{
        if (child->pid == 0)
                return true;
        child_kill(child);
        if (!ended(child, REAP_MS))
                return false;
        (void)reap(child);
        return true;
}

static void release(void *user)
{
        struct child *child = user;
        if (child->pidfd >= 0)
                close(child->pidfd);
        free(child);
}

/* Leaves it to the event loop. False: that cannot be, and it stays a zombie until our own end. */
static bool abandon(struct child *child)
{
        if (!child->end || expect_end(child, child->end, LOOK_US) < 0 ||
                sd_event_source_set_destroy_callback(child->end, release) < 0)
                return false;
        child->abandoned = sd_event_source_set_floating(child->end, true) >= 0;
        if (child->abandoned)
                child->end = sd_event_source_unref(child->end);
        else
                (void)sd_event_source_set_destroy_callback(child->end, NULL);
        return child->abandoned;
}

static void close_channel(struct child *child)
{
        if (child->fd >= 0)
                close(child->fd);
        child->fd = -1;
        if (child->secret || !child->buf)
                return;
        explicit_bzero(child->buf, child->cap); /* freed from inside its own frame callback */
        free(child->buf);
        child->buf = NULL;
}

struct child *child_free(struct child *child)
{
        if (!child)
                return NULL;
        child->frames = sd_event_source_disable_unref(child->frames);
        bool over = put_down(child) || !abandon(child);
        close_channel(child);
        if (child->gone)
                *child->gone = true;
        child->gone = NULL;
        if (!over)
                return NULL;
        sd_event_source_disable_unref(child->end);
        release(child);
        return NULL;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* kinds.c: the kinds of sources, as rows: a descriptor that is ready, a time, a call put off, a call after each other one, a signal, a
 * folder's news. poll(2)'s bits are epoll's. Signals and folders are descriptors, too (signalfd(2), inotify(7)): each source has one
 * of its own, and a folder's news are told one by one.
 */
#include "daemon/portable/loop.h"

#include <fcntl.h>
#include <signal.h>

_Static_assert((uint32_t)EPOLLIN == POLLIN && (uint32_t)EPOLLOUT == POLLOUT &&
                       (uint32_t)EPOLLERR == POLLERR && (uint32_t)EPOLLHUP == POLLHUP &&
                       (uint32_t)EPOLLPRI == POLLPRI && (uint32_t)EPOLLRDHUP == POLLRDHUP,
        "what came is told in epoll's words");
#define WORDS (EPOLLIN | EPOLLOUT | EPOLLPRI | EPOLLRDHUP | EPOLLERR | EPOLLHUP)

#define NEWS_MAX 4096

static int dispatch_plain(struct sd_event_source *source)
{
        return source->callback.plain(source, source->user);
}

static int dispatch_io(struct sd_event_source *source)
{
        return source->callback.io(source, source->fd, source->came, source->user);
}

static int dispatch_time(struct sd_event_source *source)
{
        return source->callback.time(source, source->next, source->user);
}

static int dispatch_signal(struct sd_event_source *source)
{
        struct signalfd_siginfo info;
        ssize_t n = read(source->fd, &info, sizeof info);
        if (n < 0)
                return errno == EAGAIN || errno == EINTR ? 0 : -errno;
        return n == sizeof info ? source->callback.signal(source, &info, source->user) : -EIO;
}

static int read_news(struct sd_event_source *source)
{
        ssize_t n = read(source->fd, source->news, NEWS_MAX);
        source->news_at = source->news_len = 0;
        if (n < 0)
                return errno == EAGAIN || errno == EINTR ? 0 : -errno;
        source->news_len = (size_t)n;
        return 0;
}

/* Copied, since the callback may free the source with all that it holds. */
union news {
        struct inotify_event event;
        char room[sizeof(struct inotify_event) + NAME_MAX + 1];
};

static bool next_news(struct sd_event_source *source, union news *ret)
{
        size_t left = source->news_len - source->news_at, len = sizeof ret->event;
        if (left >= len) {
                memcpy(&ret->event, source->news + source->news_at, len);
                len += ret->event.len;
        }
        if (left < len || len > sizeof *ret)
                return false;
        memcpy(ret, source->news + source->news_at, len);
        source->news_at += len;
        return true;
}

static int dispatch_inotify(struct sd_event_source *source)
{
        union news news;
        int r = source->news_at < source->news_len ? 0 : read_news(source);
        if (r < 0)
                return r;
        if (!next_news(source, &news)) {
                bool none = source->news_len == 0;
                source->news_at = source->news_len = 0;
                return none ? 0 : -EIO;
        }
        if (source->news_at < source->news_len && source->enabled != SD_EVENT_OFF)
                loop_mark_pending(source, true);
        return source->callback.inotify(source, &news.event, source->user);
}

/* clang-format off */
static const struct loop_kind
        io        = { .enabled = SD_EVENT_ON, .by_fd = true, .limits = true, .dispatch = dispatch_io },
        timer     = { .enabled = SD_EVENT_ONESHOT, .timed = true, .limits = true, .dispatch = dispatch_time },
        deferred  = { .enabled = SD_EVENT_ONESHOT, .deferred = true, .limits = true, .dispatch = dispatch_plain },
        post      = { .enabled = SD_EVENT_ON, .follows = true, .dispatch = dispatch_plain },
        signalled = { .enabled = SD_EVENT_ON, .by_fd = true, .limits = true, .dispatch = dispatch_signal },
        folder    = { .enabled = SD_EVENT_ON, .by_fd = true, .limits = true, .dispatch = dispatch_inotify };
/* clang-format on */

int sd_event_add_defer(
        sd_event *event, sd_event_source **ret, sd_event_handler_t callback, void *user)
{
        const struct sd_event_source made = {
                .kind = &deferred, .callback.plain = callback, .user = user, .fd = -1
        };
        return loop_attach(event, &made, ret);
}

int sd_event_add_post(
        sd_event *event, sd_event_source **ret, sd_event_handler_t callback, void *user)
{
        const struct sd_event_source made = {
                .kind = &post, .callback.plain = callback, .user = user, .fd = -1
        };
        return loop_attach(event, &made, ret);
}

int sd_event_add_io(sd_event *event, sd_event_source **ret, int fd, uint32_t events,
        sd_event_io_handler_t callback, void *user)
{
        const struct sd_event_source made = {
                .kind = &io, .callback.io = callback, .user = user, .fd = fd, .events = events
        };
        if (fd < 0)
                return -EBADF;
        if (!callback || (events & ~(uint32_t)WORDS))
                return -EINVAL;
        if (fcntl(fd, F_GETFD) < 0)
                return -errno;
        return loop_attach(event, &made, ret);
}

int sd_event_source_get_io_fd(sd_event_source *source)
{
        return source && source->kind == &io ? source->fd : -EDOM;
}

int sd_event_source_set_io_fd_own(sd_event_source *source, int own)
{
        if (!source || source->kind != &io)
                return -EDOM;
        source->owns_fd = own != 0;
        return 0;
}

int sd_event_source_set_io_events(sd_event_source *source, uint32_t events)
{
        if (!source || source->kind != &io)
                return -EDOM;
        if (events & ~(uint32_t)WORDS)
                return -EINVAL;
        if (source->event && source->events != events)
                loop_mark_pending(source, false);
        source->events = events;
        return source->event ? 0 : -ESTALE;
}

/* `accuracy` allows to be late; here nothing is gained by it. */
int sd_event_add_time(sd_event *event, sd_event_source **ret, clockid_t clock, uint64_t usec,
        uint64_t accuracy, sd_event_time_handler_t callback, void *user)
{
        const struct sd_event_source made = {
                .kind = &timer, .callback.time = callback, .user = user, .fd = -1, .next = usec
        };
        (void)accuracy;
        return clock == CLOCK_MONOTONIC ? loop_attach(event, &made, ret) : -EOPNOTSUPP;
}

/* UINT64_MAX is never, both ways. */
static int from_now(const struct sd_event *event, uint64_t usec, uint64_t *ret)
{
        uint64_t now = loop_now(event);
        if (usec != UINT64_MAX && usec > UINT64_MAX - 1 - now)
                return -EOVERFLOW;
        *ret = usec == UINT64_MAX ? usec : now + usec;
        return 0;
}

int sd_event_add_time_relative(sd_event *event, sd_event_source **ret, clockid_t clock,
        uint64_t usec, uint64_t accuracy, sd_event_time_handler_t callback, void *user)
{
        uint64_t at;
        int r = from_now(event, usec, &at);
        return r < 0 ? r : sd_event_add_time(event, ret, clock, at, accuracy, callback, user);
}

int sd_event_source_get_time(sd_event_source *source, uint64_t *ret)
{
        if (!source || source->kind != &timer)
                return -EDOM;
        *ret = source->next;
        return 0;
}

int sd_event_source_set_time(sd_event_source *source, uint64_t usec)
{
        if (!source || source->kind != &timer)
                return -EDOM;
        if (!source->event || source->event->finished)
                return -ESTALE;
        loop_mark_pending(source, false);
        source->next = usec;
        return 0;
}

int sd_event_source_set_time_relative(sd_event_source *source, uint64_t usec)
{
        uint64_t at;
        int r = source && source->event ? from_now(source->event, usec, &at) : -ESTALE;
        return r < 0 ? r : sd_event_source_set_time(source, at);
}

static bool is_blocked(int sig)
{
        sigset_t blocked;
        return sigprocmask(SIG_SETMASK, NULL, &blocked) == 0 && sigismember(&blocked, sig) == 1;
}

int sd_event_add_signal(sd_event *event, sd_event_source **ret, int sig,
        sd_event_signal_handler_t callback, void *user)
{
        sigset_t set;
        struct sd_event_source made = {
                .kind = &signalled, .callback.signal = callback, .user = user, .events = POLLIN
        };
        sigemptyset(&set);
        if (sigaddset(&set, sig) < 0)
                return -EINVAL;
        if (!is_blocked(sig))
                return -EBUSY;
        for (const struct sd_event_source *s = event->first; s; s = s->after)
                if (s->kind == &signalled && s->signal == sig)
                        return -EBUSY;
        made.signal = sig;
        made.owns_fd = true;
        made.fd = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
        return made.fd < 0 ? -errno : loop_attach(event, &made, ret);
}

int sd_event_add_inotify(sd_event *event, sd_event_source **ret, const char *path, uint32_t mask,
        sd_event_inotify_handler_t callback, void *user)
{
        struct sd_event_source made = { .kind = &folder,
                .callback.inotify = callback,
                .user = user,
                .events = POLLIN,
                .owns_fd = true };
        if (mask & IN_MASK_ADD)
                return -EINVAL;
        _cleanup_close_ int fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
        if (fd < 0 || inotify_add_watch(fd, path, mask) < 0)
                return -errno;
        made.news = malloc(NEWS_MAX);
        if (!made.news)
                return -ENOMEM;
        made.fd = base_take_fd(&fd);
        return loop_attach(event, &made, ret);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* dial.c: see dial.h. Numbers first, each a moment after the one before, until one is connected. Names are looked up only if no
 * number was: a resolver takes as long as it likes, so that an alarm ends the process before it is missed.
 */
#include "drivers/phone/dial.h"

#include "base/clock.h"
#include "base/outcome.h"

#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>

#define STAGGER_MS  250
#define TARGETS_MAX 8

struct targets {
        struct target {
                struct sockaddr_storage address;
                socklen_t len;
        } list[TARGETS_MAX];
        size_t count;
};

static void free_addresses(struct addrinfo **list)
{
        if (*list)
                freeaddrinfo(*list);
}

static void look_up(const struct link_place *address, int flags, struct targets *ret)
{
        const struct addrinfo hints = { .ai_family = AF_UNSPEC,
                .ai_socktype = SOCK_STREAM,
                .ai_flags = AI_NUMERICSERV | flags };
        _cleanup_(free_addresses) struct addrinfo *found = NULL;
        if (getaddrinfo(address->host, address->port, &hints, &found) != 0)
                return;
        for (const struct addrinfo *a = found; a && ret->count < TARGETS_MAX; a = a->ai_next) {
                struct target *target = &ret->list[ret->count];
                if (a->ai_addrlen > sizeof target->address)
                        continue;
                memcpy(&target->address, a->ai_addr, a->ai_addrlen);
                target->len = a->ai_addrlen;
                ret->count++;
        }
}

static void collect(const struct whereabouts *where, int flags, struct targets *ret)
{
        ret->count = 0;
        for (size_t i = 0; i < where->count; i++)
                look_up(&where->list[i], flags, ret);
}

static void too_late(int number _unused_)
{
        _Exit(OUTCOME_NO_READER);
}

static void collect_names(const struct whereabouts *where, int64_t until, struct targets *ret)
{
        int64_t left = until - clock_ms();
        signal(SIGALRM, too_late);
        alarm(left > 1000 ? (unsigned int)(left / 1000) : 1);
        collect(where, 0, ret);
        alarm(0);
}

/* -1: this one is out. */
static int begin(const struct target *target)
{
        _cleanup_close_ int fd = socket(
                target->address.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, IPPROTO_TCP);
        if (fd < 0)
                return -1;
        int r = connect(fd, (const struct sockaddr *)&target->address, target->len);
        return r < 0 && errno != EINPROGRESS ? -1 : base_take_fd(&fd);
}

static bool connected(int fd)
{
        int error = 0;
        socklen_t len = sizeof error;
        return getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &len) == 0 && error == 0;
}

/* The first that is ready and connected is taken out; those that failed are closed. */
static int take_first(struct pollfd *attempts, size_t count)
{
        for (size_t i = 0; i < count; i++) {
                if (attempts[i].fd < 0 || !attempts[i].revents)
                        continue;
                if (connected(attempts[i].fd))
                        return base_take_fd(&attempts[i].fd);
                close(attempts[i].fd);
                attempts[i].fd = -1;
        }
        return -1;
}

static bool any(const struct pollfd *attempts, size_t count)
{
        for (size_t i = 0; i < count; i++)
                if (attempts[i].fd >= 0)
                        return true;
        return false;
}

/* Waits for those that are begun, until `until` or until one of them is there. */
static int wait_for_one(struct pollfd *attempts, size_t count, int64_t until)
{
        int fd = -1;
        while (fd < 0 && any(attempts, count)) {
                int64_t left = until - clock_ms();
                int n = left > 0 ? poll(attempts, (nfds_t)count, (int)left) : 0;
                if (n == 0 || (n < 0 && errno != EINTR))
                        return -1;
                fd = n > 0 ? take_first(attempts, count) : -1;
        }
        return fd;
}

static int race(const struct targets *targets, int64_t until)
{
        struct pollfd attempts[TARGETS_MAX];
        size_t begun = 0;
        int fd = -1;
        for (; fd < 0 && begun < targets->count && clock_ms() < until; begun++) {
                attempts[begun] =
                        (struct pollfd){ .fd = begin(&targets->list[begun]), .events = POLLOUT };
                bool last = begun + 1 == targets->count;
                int64_t next = clock_ms() + STAGGER_MS;
                fd = wait_for_one(attempts, begun + 1, last || next > until ? until : next);
        }
        for (size_t i = 0; i < begun; i++)
                if (attempts[i].fd >= 0)
                        close(attempts[i].fd);
        return fd;
}

int dial_phone(const struct whereabouts *where, int *ret_fd)
{
        struct targets targets;
        int64_t start = clock_ms();
        collect(where, AI_NUMERICHOST, &targets);
        bool names = targets.count < where->count;
        _cleanup_close_ int fd = race(&targets, start + (names ? DIAL_MS / 2 : DIAL_MS));
        if (fd < 0 && names) {
                collect_names(where, start + DIAL_MS, &targets);
                fd = race(&targets, start + DIAL_MS);
        }
        if (fd < 0)
                return OUTCOME_NO_READER;
        *ret_fd = base_take_fd(&fd);
        return 0;
}

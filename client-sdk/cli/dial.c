/* SPDX-License-Identifier: Apache-2.0 */
/* dial.c: see dial.h. A name is looked up by the system's resolver, which keeps its own time, and each address it has is tried in
 * its turn; those outside the local networks are left out before a single packet goes there.
 */
#include "client-sdk/cli/dial.h"

#include "base/clock.h"

#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#define CONNECT_MS 5000 /* for one address: three of a lost first packet's repetitions */

static int wait_connected(const struct meeting *meeting, int fd)
{
        struct pollfd ready = { .fd = fd, .events = POLLOUT };
        int error = 0, r = meeting_wait(meeting, &ready, 1, clock_ms() + CONNECT_MS);
        socklen_t len = sizeof error;
        if (r != 0)
                return r;
        if (!ready.revents)
                return -ETIMEDOUT;
        if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &len) < 0)
                return -errno;
        return -error;
}

/* 0, what meeting_wait() says, or why not this one: a negative errno. */
static int try_one(const struct meeting *meeting, const struct addrinfo *info, int *ret_fd)
{
        const int on = 1;
        _cleanup_close_ int fd =
                socket(info->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
        if (fd < 0)
                return -errno;
        if (setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on) < 0)
                return -errno;
        if (connect(fd, info->ai_addr, info->ai_addrlen) < 0) {
                int r = errno == EINPROGRESS ? wait_connected(meeting, fd) : -errno;
                if (r != 0)
                        return r;
        }
        *ret_fd = base_take_fd(&fd);
        return 0;
}

static void free_infos(struct addrinfo **infos)
{
        if (*infos)
                freeaddrinfo(*infos);
}

int dial(const struct meeting *meeting, const struct link_place *address, bool anywhere,
        int *ret_fd, const char **ret_why)
{
        const struct addrinfo hints = { .ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICSERV };
        _cleanup_(free_infos) struct addrinfo *infos = NULL;
        int r = getaddrinfo(address->host, address->port, &hints, &infos), worst = 0;
        *ret_why = r == EAI_SYSTEM ? strerror(errno) : gai_strerror(r);
        if (r != 0)
                return OUTCOME_UNREACHABLE;
        for (const struct addrinfo *info = infos; info; info = info->ai_next) {
                bool allowed = anywhere || link_is_local(info->ai_addr);
                r = allowed ? try_one(meeting, info, ret_fd) : OUTCOME_POLICY;
                if (r == 0 || r == OUTCOME_REFUSED || r == OUTCOME_TIMED_OUT)
                        return r;
                if (r < 0)
                        worst = r;
        }
        *ret_why = strerror(-worst);
        return worst < 0 ? OUTCOME_UNREACHABLE : OUTCOME_POLICY;
}

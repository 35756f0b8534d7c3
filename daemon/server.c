/* SPDX-License-Identifier: Apache-2.0 */
/* server.c: see server.h. Who may connect, how many, and what becomes of them when the daemon drains.
 * What one connection does is connection.c's, what a name means is service.c's.
 *
 * A connection over the cap is accepted and closed, so that its client sees an end instead of a wait.
 * When the process runs out of descriptors the listening socket would stay readable for ever; then
 * accepting pauses for a moment instead of spinning. The timer for that exists from the start, since
 * it needs a descriptor too.
 */
#include "daemon/server.h"

#include "daemon/connection.h"
#include "daemon/descriptor.h"
#include "daemon/service.h"

#include <stdio.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#define PAUSE_US 100000

struct server {
        struct connection_owner owner;
        struct service service;
        uid_t uid; /* the only one that may connect */
        int listen_fd;
        sd_event_source *accept, *pause;
        struct connection *connections;
        uint64_t numbers; /* given to connections so far */
        bool full;        /* said in the log; once per time that it happens */
};

static void refuse(const struct server *s, const char *why, const struct peer *peer)
{
        char pid[16];
        snprintf(pid, sizeof pid, "%d", (int)peer->pid);
        log_kv(s->owner.log, LOG_LEVEL_NOTICE, NULL, "client refused", "why", why, "pid", pid,
                NULL);
}

static void count(const struct server *s, pid_t pid, size_t *ret_all, size_t *ret_same)
{
        *ret_all = *ret_same = 0;
        for (const struct connection *c = s->connections; c; c = c->next) {
                ++*ret_all;
                *ret_same += c->peer.pid == pid;
        }
}

static bool admit(struct server *s, const struct peer *peer)
{
        size_t all, same;
        if (peer->uid != s->uid) {
                refuse(s, "another user", peer);
                return false;
        }
        count(s, peer->pid, &all, &same);
        bool full = all >= SERVER_CONNECTIONS_MAX || same >= SERVER_PER_PROCESS_MAX;
        if (full && !s->full)
                refuse(s, "too many connections", peer);
        s->full = full;
        return !full;
}

static void welcome(struct server *s, int fd)
{
        struct peer peer;
        struct connection *c;
        if (peer_of_socket(fd, &peer) < 0 || !admit(s, &peer)) {
                descriptor_close(fd);
                return;
        }
        if (connection_new(&c, &s->owner, fd, &peer) < 0) {
                refuse(s, "no memory", &peer);
                return;
        }
        c->number = ++s->numbers;
        c->next = s->connections;
        s->connections = c;
}

static int on_pause_over(sd_event_source *source, uint64_t usec, void *userdata)
{
        struct server *s = userdata;
        (void)source;
        (void)usec;
        return sd_event_source_set_enabled(s->accept, SD_EVENT_ON);
}

static void pause_accepting(struct server *s)
{
        log_kv(s->owner.log, LOG_LEVEL_WARNING, NULL, "cannot accept a client", "why",
                strerror(errno), NULL);
        if (sd_event_source_set_time_relative(s->pause, PAUSE_US) >= 0 &&
                sd_event_source_set_enabled(s->pause, SD_EVENT_ONESHOT) >= 0)
                (void)sd_event_source_set_enabled(s->accept, SD_EVENT_OFF);
}

static int on_accept(sd_event_source *source, int listen_fd, uint32_t revents, void *userdata)
{
        struct server *s = userdata;
        (void)source;
        (void)revents;
        int fd = accept4(listen_fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
        if (fd >= 0)
                welcome(s, fd);
        else if (errno != EAGAIN && errno != EINTR && errno != ECONNABORTED)
                pause_accepting(s);
        return 0;
}

static void dispatch(void *user, struct call *call, const struct varlink_call *message)
{
        struct server *s = user;
        service_dispatch(&s->service, call, message);
}

static void closed(void *user, struct connection *gone)
{
        struct server *s = user;
        struct connection **link = &s->connections;
        while (*link != gone)
                link = &(*link)->next;
        *link = gone->next;
        connection_free(gone);
}

int server_new(struct server **ret, sd_event *event, int listen_fd,
        const struct server_method *methods, const struct server_interface *interfaces, void *user,
        const struct log *log)
{
        struct server *s = calloc(1, sizeof *s);
        if (!s)
                return -ENOMEM;
        *s = (struct server){
                .owner = { .event = event,
                        .log = log,
                        .user = s,
                        .dispatch = dispatch,
                        .closed = closed },
                .service = { .methods = methods, .interfaces = interfaces, .user = user },
                .uid = geteuid(),
                .listen_fd = listen_fd,
        };
        int r = sd_event_add_io(event, &s->accept, listen_fd, EPOLLIN, on_accept, s);
        if (r >= 0)
                r = sd_event_add_time(event, &s->pause, CLOCK_MONOTONIC, 0, 0, on_pause_over, s);
        if (r >= 0)
                r = sd_event_source_set_enabled(s->pause, SD_EVENT_OFF);
        if (r < 0) {
                server_free(s);
                return r;
        }
        *ret = s;
        return 0;
}

struct server *server_free(struct server *s)
{
        if (!s)
                return NULL;
        while (s->connections)
                closed(s, s->connections);
        sd_event_source_disable_unref(s->accept);
        sd_event_source_disable_unref(s->pause);
        free(s);
        return NULL;
}

void server_stop_accepting(struct server *s)
{
        s->pause = sd_event_source_disable_unref(s->pause);
        s->accept = sd_event_source_disable_unref(s->accept);
        for (struct connection *c = s->connections; c; c = c->next)
                connection_drain(c);
}

bool server_idle(const struct server *s)
{
        return !s->connections;
}

size_t server_pending(const struct server *s)
{
        size_t pending = 0;
        for (const struct connection *c = s->connections; c; c = c->next)
                pending += connection_pending(c);
        return pending;
}

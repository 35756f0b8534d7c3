/* SPDX-License-Identifier: Apache-2.0 */
/* server.h: the Varlink socket: connections, caps, fairness, peer credentials. It knows no method's
 * meaning: it finds a row in the table it was given and hands it a call.
 *
 * Caps: frame 16 KiB, JSON depth 8, 64 connections per uid, 4 unanswered calls queued per connection
 * (reading stops beyond: back-pressure), output 256 KiB per connection (then it is closed). Peers of
 * another uid are refused. Each wake-up handles at most one frame per connection, so a flood delays
 * nobody else. A `oneway` call gets no reply.
 */
#ifndef MOHR_SERVER_H
#define MOHR_SERVER_H

#include "base/base.h"
#include "base/log.h"
#include <jansson.h>
#include <systemd/sd-event.h>

struct server;
struct call;

struct peer {
        uid_t uid;
        pid_t pid;
        char executable[256]; /* /proc/PID/exe, sanitised; "" if unknown. Shown, never decided on. */
};

struct server_method {
        const char *name; /* "mohr.Identity.Status" */
        /* Must end in call_reply/call_error now or later; owns `call` until then. Parameters are borrowed. */
        void (*handle)(void *user, struct call *call, json_t *parameters);
};

struct server_interface {
        const char *name, *description; /* text of the .varlink file */
};

_must_check_ int server_new(struct server **ret, sd_event *event, int listen_fd,
        const struct server_method *methods, const struct server_interface *interfaces, void *user,
        const struct log *log);
struct server *server_free(struct server *server);
void server_stop_accepting(struct server *server); /* drain: new connections and calls are refused */
size_t server_pending(const struct server *server);

const struct peer *call_peer(const struct call *call);
bool call_wants_more(const struct call *call);
/* Called once if the client hangs up before the last reply; the call is gone when it returns. */
void call_on_hangup(struct call *call, void (*hangup)(void *user), void *user);
/* `parameters` is stolen. The plain forms end the call. */
void call_reply(struct call *call, json_t *parameters);
void call_reply_more(struct call *call, json_t *parameters);
void call_error(struct call *call, const char *error, json_t *parameters);

#endif

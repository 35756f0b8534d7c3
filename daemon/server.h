/* SPDX-License-Identifier: Apache-2.0 */
/* server.h: the Varlink socket: connections, caps, fairness, peer credentials. It knows no method's
 * meaning: it finds a row in the table it was given and hands it a call.
 *
 * Caps: frame 16 KiB, JSON depth 8, 64 connections, at most half of them from one process, output
 * 256 KiB per connection (then it is closed). Peers of another uid are refused, root included. The
 * calls of one connection are served one after the other, in order; while one runs, or its answer has
 * not been taken, nothing more is read from that connection: back-pressure by not asking. Each wake-up
 * handles at most one frame of one connection, so a flood delays nobody else. A `oneway` call gets no
 * reply. A client that half-closes still gets its answers.
 *
 * A method's row says how many descriptors (SCM_RIGHTS) its calls bring, at most two. A call that comes with another
 * number is refused before its handler (InvalidParameter, "descriptor"); three of them end the connection (connection.c).
 */
#ifndef MOHR_SERVER_H
#define MOHR_SERVER_H

#include "base/base.h"
#include "base/log.h"
#include "daemon/peer.h"
#include <jansson.h>
#include <systemd/sd-event.h>

#define SERVER_CONNECTIONS_MAX 64
#define SERVER_PER_PROCESS_MAX 32
#define SERVER_OUTPUT_MAX      (256 * 1024)

struct server;
struct call;

struct server_method {
        const char *name; /* "mohr.Identity.Status"; NULL ends the table */
        /* Must end in call_reply/call_error now or later; owns `call` until then. Parameters are
         * borrowed until that end. NULL: MethodNotImplemented. */
        void (*handle)(void *user, struct call *call, json_t *parameters);
        unsigned char fds_min, fds_max; /* descriptors that its calls bring */
};

struct server_interface {
        const char *name, *description; /* text of the .varlink file; a NULL name ends the table */
};

/* listen_fd is borrowed; both tables must outlive the server. */
_must_check_ int server_new(struct server **ret, sd_event *event, int listen_fd,
        const struct server_method *methods, const struct server_interface *interfaces, void *user,
        const struct log *log);
struct server *server_free(struct server *server); /* hangs up every connection first */
void server_stop_accepting(
        struct server *server);                /* drain: new connections and calls are refused */
bool server_idle(const struct server *server); /* nobody is connected */
size_t server_pending(const struct server *server); /* calls running or answers not yet taken */

const struct peer *call_peer(const struct call *call);
uint64_t call_connection(const struct call *call); /* its number, unique in this process */
bool call_wants_more(const struct call *call);
size_t call_fds(const struct call *call); /* descriptors that came with it and were not taken */
/* The first of those, the caller's from now on; -1 if there is none. What is left is closed
 * with the call. It is whatever a stranger chose to pass: any kind of file, in any mode. */
int call_take_fd(struct call *call);
/* What outlives a call and goes with its connection: one thing at most, forgotten when the connection ends, after a
 * running call's hangup. NULL: nothing was kept. */
void *call_belongings(const struct call *call);
void call_keep(struct call *call, void *belongings, void (*forget)(void *belongings));
/* Called once if the client hangs up before the last reply; the call is gone when it returns. Whoever
 * answers later than its handler returns must set it. */
void call_on_hangup(struct call *call, void (*hangup)(void *user), void *user);
/* `parameters` is stolen; NULL is an answer there was no memory for: the client is hung up on (an error
 * goes out without any). The plain forms end the call. call_reply_more() does nothing unless
 * call_wants_more(). None of them calls back. */
void call_reply(struct call *call, json_t *parameters);
void call_reply_more(struct call *call, json_t *parameters);
void call_error(struct call *call, const char *error, json_t *parameters);

#endif

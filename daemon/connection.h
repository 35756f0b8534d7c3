/* SPDX-License-Identifier: Apache-2.0 */
/* connection.h: one client: its bytes in, its one running call, its bytes out. Inner side of server.h.
 *
 * A connection ends only in an event of its own (never inside a call_* function), so that a handler
 * which answers never finds its call gone under its feet.
 */
#ifndef MOHR_CONNECTION_H
#define MOHR_CONNECTION_H

#include "daemon/descriptor.h"
#include "daemon/server.h"
#include "daemon/varlink.h"

struct connection;

struct connection_owner { /* what a connection needs of its server */
        sd_event *event;
        const struct log *log;
        void *user;
        void (*dispatch)(void *user, struct call *call, const struct varlink_call *message);
        void (*closed)(void *user, struct connection *connection); /* frees it */
};

struct connection {
        struct connection *next; /* the server's list */
        const struct connection_owner *owner;
        int fd;
        uint64_t number;           /* the server gives it */
        struct descriptors passed; /* came with the frame now at the front of `in` */
        sd_event_source *io, *turn;
        struct peer peer;
        struct varlink_decoder in;
        char *out;
        size_t out_len, out_cap;
        struct call *call; /* the running one, or NULL */
        void *belongings;  /* of its calls', or NULL: server.h */
        void (*forget)(void *belongings);
        bool eof;      /* the client will send no more */
        bool refusing; /* draining: no further call is started */
        bool broken;   /* to be closed at its next turn */
};

/* Takes fd over, also on failure. */
_must_check_ int connection_new(struct connection **ret, const struct connection_owner *owner,
        int fd, const struct peer *peer);
struct connection *connection_free(
        struct connection *connection); /* hangup first, if a call runs */
void connection_drain(struct connection *connection);
bool connection_pending(const struct connection *connection);

#endif

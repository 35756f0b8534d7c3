/* SPDX-License-Identifier: Apache-2.0 */
/* wire.h: Varlink from the client's side: one JSON object per NUL byte, over one UNIX socket.
 *
 * What comes from the socket is hostile like everything else: frames are capped, duplicates refused. Nothing
 * waits but wire_wait(), which has a deadline. No method's meaning is known here.
 */
#ifndef MOHR_WIRE_H
#define MOHR_WIRE_H

#include "base/base.h"
#include <jansson.h>

#define WIRE_SEND_MAX    16384 /* mohrd's cap for a frame */
#define WIRE_RECEIVE_MAX 65536
#define WIRE_FOR_EVER    INT64_MAX

#define WIRE_FDS_MAX 2

struct wire {
        int fd;
        char *out; /* the frame that is being sent, NULL: none */
        size_t out_len, out_at;
        int passed[WIRE_FDS_MAX]; /* our copies of what goes with it */
        size_t passed_count;      /* 0 once they went */
        size_t len;               /* bytes in buffer */
        char buffer[WIRE_RECEIVE_MAX];
};

struct wire_call {
        const char *method;
        json_t *parameters; /* stolen, whatever comes of it; NULL: there was no memory for them */
        bool more;
        const int *fds; /* go along with the frame; copied */
        size_t fd_count;
};

struct wire_reply {
        json_t *parameters; /* owned; an object, perhaps empty */
        char error[128];    /* "" for none */
        bool continues;
};

int64_t wire_deadline(int64_t ms_from_now);
/* Takes a call to be sent, which the next two do. -E2BIG, -ENOMEM; -EMFILE and the like for descriptors. */
_must_check_ int wire_queue(struct wire *wire, const struct wire_call *call);
/* Sends what can be sent without waiting. */
_must_check_ int wire_flush(struct wire *wire);
/* Sends and receives what can be without waiting. *ret_found: a reply was there, and is in *ret. OUTCOME_UNREACHABLE
 * when the peer is gone, -EBADMSG for what is no reply. */
_must_check_ int wire_step(struct wire *wire, struct wire_reply *ret, bool *ret_found);
/* What poll() is to wait for before the next step is worth it. */
short wire_events(const struct wire *wire);
/* Waits for that. OUTCOME_TIMED_OUT. */
_must_check_ int wire_wait(const struct wire *wire, int64_t deadline);
/* Closes it and frees what it holds. */
void wire_close(struct wire *wire);
/* The parser alone: one frame without its NUL. */
_must_check_ int wire_parse(const char *frame, size_t len, struct wire_reply *ret);

static inline void wire_reply_cleanup(struct wire_reply *reply)
{
        json_decref(reply->parameters);
}
#define _cleanup_reply_ _cleanup_(wire_reply_cleanup)

#endif

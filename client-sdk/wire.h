/* SPDX-License-Identifier: Apache-2.0 */
/* wire.h: Varlink from the client's side: one JSON object per NUL byte, over one UNIX socket.
 *
 * What comes from the socket is hostile like everything else: frames are capped, duplicates refused,
 * every wait has a deadline. No method's meaning is known here.
 */
#ifndef MOHR_WIRE_H
#define MOHR_WIRE_H

#include "base/base.h"
#include <jansson.h>

#define WIRE_SEND_MAX    16384 /* mohrd's cap for a frame */
#define WIRE_RECEIVE_MAX 65536
#define WIRE_FOR_EVER    INT64_MAX

struct wire {
        int fd;
        size_t len; /* bytes in buffer */
        char buffer[WIRE_RECEIVE_MAX];
};

struct wire_reply {
        json_t *parameters; /* owned; an object, perhaps empty */
        char error[128];    /* "" for none */
        bool continues;
};

int64_t wire_deadline(int64_t ms_from_now);
/* `parameters` is stolen. OUTCOME_UNREACHABLE when the peer is gone, OUTCOME_TIMED_OUT, -E2BIG. */
_must_check_ int wire_call(
        struct wire *wire, const char *method, json_t *parameters, bool more, int64_t deadline);
/* As wire_call; -EBADMSG for what is no reply. */
_must_check_ int wire_receive(struct wire *wire, int64_t deadline, struct wire_reply *ret);
/* The parser alone: one frame without its NUL. */
_must_check_ int wire_parse(const char *frame, size_t len, struct wire_reply *ret);

static inline void wire_reply_cleanup(struct wire_reply *reply)
{
        json_decref(reply->parameters);
}
#define _cleanup_reply_ _cleanup_(wire_reply_cleanup)

#endif

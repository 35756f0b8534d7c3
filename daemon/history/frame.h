/* SPDX-License-Identifier: Apache-2.0 */
/* frame.h: what mohrd and mohr-history say to each other: one question, one answer, each one frame.
 *
 * Both are flat structs with room for every text, so that a frame is read whole or not at all and nobody owns
 * anything. An empty text is one that is not there. Whoever reads a frame believes nothing of it but its form;
 * what a row may hold is decided by rows.h.
 */
#ifndef MOHR_HISTORY_FRAME_H
#define MOHR_HISTORY_FRAME_H

#include "base/base.h"

#define HISTORY_FRAME_MAX  32768
#define HISTORY_VALUES_MAX 6144  /* claims' values as JSON */
#define HISTORY_LIST_MAX   24576 /* a list of grants as JSON */
#define HISTORY_DETAIL_MAX 512
#define HISTORY_DIGEST     32

enum history_op { HISTORY_ASK = 1, HISTORY_END, HISTORY_GRANTS, HISTORY_REVOKE, HISTORY_REFUSE };

struct history_ask_texts { /* as struct history_asked of daemon/history.h */
        char request[33], method[33], app[600], program[256], audience[1025], purpose[2049];
        char organization[257], organization_key[65], signed_request[65], rule[129];
        char document[513], document_digest[65], form[33], consent[33], content[33], key[33];
        uint32_t uid, pid;
        uint32_t app_per_hour, user_per_hour, wrong_pins, pause_s;
        uint8_t required, optional;
        bool use_grant;
};

struct history_end_texts { /* as struct history_ended */
        char request[33], outcome[33], detail[HISTORY_DETAIL_MAX], assertion[65], signature[65],
                grant[33];
        char values[HISTORY_VALUES_MAX + 1];
        uint8_t released, declined;
        int tries_left; /* -1: unknown */
        bool remember;
};

struct history_frame {
        enum history_op op;
        uint32_t id;  /* told again in the answer */
        char why[33]; /* HISTORY_REFUSE: what was refused is `ask` */
        union {
                struct history_ask_texts ask;
                struct history_end_texts end;
                char grant[33]; /* HISTORY_REVOKE */
        };
};

struct history_reply {
        uint32_t id;
        int outcome; /* 0, OUTCOME_POLICY, OUTCOME_CANNOT_RECORD, OUTCOME_USAGE */
        char detail[HISTORY_DETAIL_MAX];
        char grant[33]; /* "": none */
        uint8_t released;
        uint32_t wait_s;
        char history[33]; /* the head, where it moved and should be told: the id; "": not now */
        uint64_t seq;
        uint8_t link[HISTORY_DIGEST];
        char list[HISTORY_LIST_MAX + 1]; /* HISTORY_GRANTS */
};

bool history_is_hex(const char *text, size_t len); /* exactly so many lower-case digits */
/* -EMSGSIZE, -EINVAL: the struct says what no frame may say. */
_must_check_ int history_frame_encode(
        const struct history_frame *frame, uint8_t *dst, size_t cap, size_t *ret_len);
/* -EBADMSG. */
_must_check_ int history_frame_decode(const void *data, size_t len, struct history_frame *ret);
_must_check_ int history_reply_encode(
        const struct history_reply *reply, uint8_t *dst, size_t cap, size_t *ret_len);
_must_check_ int history_reply_decode(const void *data, size_t len, struct history_reply *ret);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* visit_internal.h: a visit's parts as they see each other. Only visit*.c include it.
 *
 *   visit.c        the queue of operations, and the answers
 *   visit_table.c  which operation is allowed when, and what it leads to
 *   visit_pin.c    the operations of the PIN family: nowhere else do digits pass
 */
#ifndef MOHR_RELAY_VISIT_INTERNAL_H
#define MOHR_RELAY_VISIT_INTERNAL_H

#include "daemon/relay/visit.h"

enum visit_state { VISIT_IDLE, VISIT_BEGUN, VISIT_VERIFIED, VISIT_STATES };

struct visit_op { /* one that came */
        struct visit_op *next;
        uint8_t op;
        bool ahead;
        uint16_t id;
        size_t len;
        uint8_t payload[];
};

struct visit {
        struct visit_world world;
        void *user;
        enum visit_state state;
        struct visit_op *first, **last;
        size_t waiting, bytes;
        struct visit_op *running;
        struct visit_notes *notes;
        uint32_t insertion; /* of the card that is there */
        struct announced *announced;
        bool fresh; /* no PIN was asked for or taken by `announced` yet */
        bool armed; /* the helper holds the digits */
        bool spent; /* a VERIFY was sent to the card: this visit has no other */
        bool counted; /* in this transaction the card told how many tries are left, or that it does not tell */
        bool counting; /* the counter that is asked for is that of the PIN which signs */
        bool skipping; /* one asked ahead was out of place: those behind it are, too */
        bool taken;    /* the reader is ours ... */
        bool met; /* ... and its helper met a card, or writes: it is not given back before the end */
        bool keys;    /* the reader asks for PINs itself ... */
        bool by_keys; /* ... and was told to */
        uint16_t sw;  /* of the answer that came last */
        bool asking, over, forbidden;
        enum visit_news
                result; /* of what was announced, as far as it came; ASKS: nothing is to be told */
        int tries;
        unsigned int signatures;
        uint8_t block[2 + CARD_BLOCK_MAX]; /* what they are of, with its length in front */
        size_t block_len;
        struct secret *pin; /* on its way from the link or the prompt to the helper */
};

struct visit_row {
        unsigned int states, needs;
        /* 0: an answer will come; > 0: that is the answer; < 0: broken. */
        int (*start)(struct visit *visit, struct visit_op *op);
        /* What the answer means, before it goes out. 0: its fields go out as they came; 1: they are in `out`; < 0: nonsense. */
        int (*came)(struct visit *visit, int outcome, struct in fields, struct out *out);
        enum link_reason otherwise; /* asked for out of place, and not ahead */
};
/* NULL: no such operation is ever asked by a computer. */
const struct visit_row *visit_row(uint8_t op);
bool visit_allows(const struct visit *visit, const struct visit_row *row);

/* visit.c */
int visit_pass(struct visit *visit, struct visit_op *op); /* to the helper, as it is */
void visit_reply(struct visit *visit, int outcome, uint16_t sw, const struct in *fields);
void visit_replied(void *visit, int outcome, uint16_t sw, struct in *fields); /* a reader_done */
void visit_end(struct visit *visit, enum link_reason reason);
void visit_conclude(
        struct visit *visit); /* tells the person how the announced request ended, once */

/* visit_pin.c */
int visit_announce(struct visit *visit, struct visit_op *op);
int visit_pin(struct visit *visit, struct visit_op *op);
int visit_verify(struct visit *visit, struct visit_op *op);
int visit_pinpad(struct visit *visit, struct visit_op *op);
void visit_withdraw(struct visit *visit); /* the question on the screen: nothing was sent */
int visit_armed(struct visit *visit, int outcome, struct in fields, struct out *out);
int visit_verified(struct visit *visit, int outcome, struct in fields, struct out *out);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* session_internal.h: a session's parts as they see each other. Only session*.c include it.
 *
 *   session.c      the table of operations, frames, what does not touch a PIN
 *   session_pin.c  the counter, and each way in which digits reach the card or its reader asks for them
 */
#ifndef MOHR_SESSION_INTERNAL_H
#define MOHR_SESSION_INTERNAL_H

#include "drivers/helper/session.h"

#include "base/secret.h"
#include "drivers/helper/writer.h"

enum state { IDLE, OPEN, IDENTIFIED, CONFIRMED, ARMED, VERIFIED, RENEWING, STATES };

struct session {
        const struct driver *driver;
        void *reader;
        struct secret *pin;
        struct apdu_link link;
        struct card card;
        enum state state;
        enum state resume;  /* OPEN, IDENTIFIED or CONFIRMED: what outlives END */
        bool supported;     /* the identified card's row allows more than looking */
        bool counted;       /* the counter was read in this transaction and a try is left */
        bool told;          /* the same, or that none is left */
        bool spent;         /* a VERIFY or a new PIN was begun: no PIN is taken any more */
        uint8_t patience_s; /* of a reader that asks for the PIN */
        bool disturbed;     /* the card may have lost its state without the driver noticing */
        int lost;           /* first failure of an exchange in this transaction */
        int gone;
        bool astray; /* what was asked ahead is not meant any more, until a question that was not */
        uint32_t insertion; /* of the card in this transaction */
        bool looked;        /* an earlier transaction was begun: this one may be the PIN's */
        bool locked_anew;   /* in this transaction: see lock_again() */
        struct writer writer;
        uint8_t file[CARD_FILE_MAX];
        uint8_t fields[OPS_FRAME_MAX];
};

struct args {
        uint8_t u8[2];
        uint32_t insertion;
        struct view bytes;
};

/* 0, an outcome, or a negative errno, which mohrd sees as "internal". */
typedef int handler(struct session *session, const struct args *args, struct out *fields);
handler session_counter, session_pin, session_verify, session_pinpad, session_change_pin,
        session_unblock_pin;

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* apdu.h: one ISO/IEC 7816-4 command and its answer, over a transmit function handed in.
 *
 * apdu_exchange() hides what is transport and not meaning: T=0 case-4 without Le, 61xx (GET
 * RESPONSE), 6Cxx (repeat with the right Le, never for a command with side effects), command
 * chaining for data over 255 bytes on short-APDU cards, extended lengths where asked. It bounds every
 * loop, refuses answers longer than asked, and wipes its own command buffer. It knows nothing of
 * files, readers, logs or allocation.
 */
#ifndef MOHR_APDU_H
#define MOHR_APDU_H

#include "base/base.h"
#include "base/bytes.h"

enum apdu_protocol { APDU_T0 = 0, APDU_T1 = 1 }; /* contactless behaves as T=1 */

#define APDU_CMD_MAX                                                                               \
        4106 /* CLA INS P1 P2 + extended Lc (3) + 4096 data + extended Le (3 at most) */
#define APDU_RSP_MAX 4098 /* data + SW */

/* How long a reader is told to wait for the first key at most, and for each next one. */
#define PINPAD_FIRST_KEY_S 45
#define PINPAD_NEXT_KEY_S  20

/* What a reader with a PIN pad needs to know to build VERIFY or CHANGE REFERENCE DATA by itself
 * (PC/SC part 10, 2.5.2; CCID 1.1, 6.1.11): ASCII digits, left-justified in a block, then padding. */
struct apdu_pinpad {
        uint8_t cla, ins, p1, p2;
        uint8_t block_len, pad, min, max;
        uint8_t new_offset; /* of the new PIN's block, for a change: 0 when nothing precedes it */
        bool asks_old;      /* for a change: the present PIN comes first */
        uint16_t language;  /* LANGID of what a display shows: 0x0409 English, 0x0429 Persian */
        uint8_t seconds;    /* to wait for the first key; 0: PINPAD_FIRST_KEY_S */
};

/* Moves one command to the card and brings one answer (data + SW1 SW2, 2..cap bytes).
 * 0: *ret_len set. > 0: OUTCOME_CARD_REMOVED, OUTCOME_TIMED_OUT, OUTCOME_READER_SERVICE, OUTCOME_BUSY.
 * < 0: broken. A reset of the card seen in the middle is OUTCOME_CARD_REMOVED: state is gone. */
struct apdu_link {
        int (*transmit)(void *ctx, const uint8_t *cmd, size_t cmd_len, uint8_t *rsp, size_t cap,
                size_t *ret_len);
        void *ctx;
        /* NULL where there is no PIN pad: one VERIFY that the reader makes itself; as transmit, and the
         * answers of driver.h's verify_pinpad. */
        int (*pinpad)(void *ctx, const struct apdu_pinpad *how, uint8_t *rsp, size_t cap,
                size_t *ret_len);
        enum apdu_protocol protocol;
        unsigned int exchanges; /* transmit calls so far, for the bench and for limits */
};

#define APDU_NO_LE  (-1)
#define APDU_LE_MAX 0 /* "all there is": 256 short, 65536 extended */

enum apdu_flags {
        APDU_EXTENDED =
                1 << 0,     /* extended length fields if needed; without it long data is chained */
        APDU_ONCE = 1 << 1, /* VERIFY and friends: one transmit of the command, whatever comes */
};

struct apdu_cmd {
        uint8_t cla, ins, p1, p2;
        struct view data; /* empty: no Lc */
        int le;           /* APDU_NO_LE, APDU_LE_MAX or 1..65536 */
        unsigned int flags;
};

struct apdu_rsp {
        uint8_t *data; /* caller's buffer */
        size_t cap, len;
        uint16_t sw;
};

/* 0 with rsp->sw set for any complete answer, whatever the status word; else as transmit, or
 * -EBADMSG for a malformed or oversize answer, -EMSGSIZE for a command that does not fit. */
_must_check_ int apdu_exchange(
        struct apdu_link *link, const struct apdu_cmd *cmd, struct apdu_rsp *rsp);

/* Status words as kinds (ISO/IEC 7816-4:2020 5.6, card-facts 2.8, 4.4, 6.4). */
enum sw_kind {
        SW_OK,               /* 9000 */
        SW_MORE,             /* 61xx: never seen by callers of apdu_exchange */
        SW_WARNING,          /* 62xx, 6300: data is there, look at it */
        SW_TRIES,            /* 63Cx: x tries left */
        SW_WRONG_LENGTH,     /* 6700, 6Cxx */
        SW_SECURITY,         /* 6982 */
        SW_BLOCKED,          /* 6983, 6984 */
        SW_CONDITIONS,       /* 6985, 6986 */
        SW_SECURE_MESSAGING, /* 6987, 6988, 6882 */
        SW_BAD_DATA,         /* 6A80 */
        SW_NOT_SUPPORTED,    /* 6A81, 6D00, 6E00, 6A86 */
        SW_NOT_FOUND,        /* 6A82, 6A83, 6999 */
        SW_NO_REFERENCE,     /* 6A88 */
        SW_BEYOND_END,       /* 6B00 */
        SW_OTHER,
};
enum sw_kind sw_kind(uint16_t sw);
int sw_tries(uint16_t sw); /* x of 63Cx; 0 for a blocked word; -1 otherwise */

#endif

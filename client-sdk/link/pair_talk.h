/* SPDX-License-Identifier: Apache-2.0 */
/* pair_talk.h: what two devices say to become a pair, without the connection it is said over. pair.h has the idea, docs/phone.md the
 * bytes; pair_talk.c the order, pair_proof.c what is computed.
 */
#ifndef MOHR_LINK_PAIR_TALK_H
#define MOHR_LINK_PAIR_TALK_H

#include "client-sdk/link/pair.h"

#define PAIR_HASH     32
#define PAIR_BODY_MAX 256 /* of any message of pairing */

enum pair_type {
        PAIR_HELLO =
                LINK_PAIR_FIRST, /* phone: u8 version, u8 enum pair_way, u16 its port, text16 its name */
        PAIR_REPLY,              /* computer: u8 version, u8 the same way, text16 its name */
        PAIR_PROOF,              /* by secret, phone, then computer: 32 bytes */
        PAIR_COMMITMENT,         /* by code, computer: 32 bytes */
        PAIR_NUMBER,             /* by code, phone, then computer: 32 bytes */
        PAIR_YES,                /* phone: this side keeps it if you do */
        PAIR_KEPT,               /* computer, last: both said yes */
        PAIR_NO                  /* either, last: u8, why */
};
enum pair_way { PAIR_BY_SECRET = 1, PAIR_BY_CODE };

struct pair_proven {
        uint8_t exporter[PAIR_HASH]; /* of this connection */
        uint8_t phone[LINK_PRINT], computer[LINK_PRINT];
};

enum pair_stage {
        PAIR_AT_HELLO,
        PAIR_AT_REPLY,
        PAIR_AT_PROOF,
        PAIR_AT_COMMITMENT,
        PAIR_AT_NUMBER,
        PAIR_AT_PERSON, /* who compares */
        PAIR_AT_YES,
        PAIR_AT_KEPT,
        PAIR_AT_END
};

struct pair_talk {
        bool phone, spent, peer_yes;
        enum pair_way way;
        enum pair_stage stage;
        enum pair_failure failure; /* at the end: none, it is done */
        uint16_t port;             /* of the phone, whichever side this is */
        char name[LINK_NAME_MAX], peer_name[LINK_NAME_MAX], id[LINK_ID_LEN + 1];
        char code[PAIR_CODE_LEN + 1];
        uint8_t secret[PAIR_SECRET];
        struct pair_proven proven;
        uint8_t hello[PAIR_BODY_MAX]; /* as it was said */
        size_t hello_len;
        uint8_t transcript[PAIR_HASH], commitment[PAIR_HASH], number[PAIR_HASH];
        int (*send)(void *user, enum pair_type type, const void *body, size_t len);
        void *user;
};

/* -EINVAL: the side's own words cannot be said. */
_must_check_ int pair_talk_prepare(
        struct pair_talk *talk, bool phone, const struct pair_side *side);
void pair_talk_begin(
        struct pair_talk *talk, const struct pair_proven *proven); /* the phone speaks first */
void pair_talk_take(struct pair_talk *talk, uint8_t type, struct view body);
void pair_talk_answer(struct pair_talk *talk, bool same);
void pair_talk_fail(struct pair_talk *talk,
        enum pair_failure failure); /* tells the other side what it may know */

/* ---- what is computed (pair_proof.c): 0, or -ENOMEM ---- */

_must_check_ int pair_make_transcript(struct pair_talk *talk, struct view reply); /* and the id */
_must_check_ int pair_make_proof(
        const struct pair_talk *talk, bool of_phone, uint8_t ret[static PAIR_HASH]);
_must_check_ int pair_make_commitment(const struct pair_talk *talk,
        const uint8_t computers[static PAIR_HASH], uint8_t ret[static PAIR_HASH]);
_must_check_ int pair_make_code(struct pair_talk *talk, const uint8_t computers[static PAIR_HASH],
        const uint8_t phones[static PAIR_HASH]);
_must_check_ int pair_make_number(uint8_t ret[static PAIR_HASH]);

#endif

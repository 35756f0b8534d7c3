/* SPDX-License-Identifier: Apache-2.0 */
/* bridge.h: what crosses between mohrd's channel and a phone's link, and what does not. No waiting is done here: who
 * waits is carry.c.
 *
 * From mohrd, questions of drivers/ops.h that are well formed and may cross; those with digits as LINK_SECRET. A new PIN
 * crosses no link: that is answered here. From the phone, answers to what was asked, in the order in which it was asked, and the
 * few things that may come unasked, no more often than a person could cause them.
 */
#ifndef MOHR_PHONE_BRIDGE_H
#define MOHR_PHONE_BRIDGE_H

#include "base/secret.h"
#include "client-sdk/link/link.h"
#include "drivers/ops.h"
#include "drivers/phone/ending.h"

#define BRIDGE_ASKED_MAX  32   /* questions on their way */
#define BRIDGE_PING_MS    1000 /* while a question waits or a card is held */
#define BRIDGE_SILENCE_MS 3000 /* of the phone, meanwhile */
#define BRIDGE_UNASKED    32   /* at once; then */
#define BRIDGE_UNASKED_MS 250  /* one each */

struct bridge {
        struct link *link;
        int channel;
        struct secret *question, *heard; /* one frame of mohrd's, one of the phone's */
        struct op_link told;             /* what mohrd knows of the phone */
        struct asked {
                uint8_t op;
                bool ahead;
                uint16_t id;
        } asked[BRIDGE_ASKED_MAX];
        size_t first, count;
        bool looking; /* mohrd wants to know whether the phone is there; until its next PONG */
        bool holding; /* from a BEGIN that succeeded until an END did */
        bool pinged;  /* a PING is on its way: number, and when it went */
        uint32_t ping;
        int64_t ping_us, heard_us, unasked_us;
        unsigned int unasked; /* credit for frames that nobody asked for */
};

/* `link` is borrowed, and so is `channel`, which is set by who carries. Locks memory, so it comes before the sandbox. */
_must_check_ int bridge_open(struct bridge *bridge, struct link *link);
void bridge_close(struct bridge *bridge);

/* The phone's welcome came: keeps what it says of itself. */
_must_check_ enum ending bridge_welcome(struct bridge *bridge, struct view body, int64_t took_us);
_must_check_ enum ending bridge_tell(struct bridge *bridge); /* OP_LINK to mohrd */
/* One frame from mohrd's channel, which can be read. */
_must_check_ enum ending bridge_ask(struct bridge *bridge, int64_t now_us);
/* Every frame of the phone's that is there. */
_must_check_ enum ending bridge_hear(struct bridge *bridge, int64_t now_us);
/* What time has brought about: a PING that is due, a silence that is too long. */
_must_check_ enum ending bridge_tick(struct bridge *bridge, int64_t now_us);
/* When bridge_tick() is due; -1: nothing is, until something comes. */
int64_t bridge_due_us(const struct bridge *bridge);

#endif

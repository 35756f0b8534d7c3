/* SPDX-License-Identifier: Apache-2.0 */
/* keys_turn.h: who uses a reader next.
 *
 * An app does not know that there are others, and a "busy" because another one's prompt is open is an error to it, in the middle
 * of its handshake perhaps. So calls of mohr.Keys, assertions and documents wait for each other, and for whatever else uses their
 * reader, in the order in which they came.
 */
#ifndef MOHR_KEYS_TURN_H
#define MOHR_KEYS_TURN_H

#include "daemon/readers.h"

struct keys_turns;
struct keys_turn;

/* Both are borrowed. */
_must_check_ int keys_turns_new(struct keys_turns **ret, sd_event *event, struct readers *readers);
struct keys_turns *keys_turns_free(struct keys_turns *turns); /* no turn may be left */

/* Would somebody who comes now have to wait? */
bool keys_turn_must_wait(const struct keys_turns *turns, const char *reader);
/* `ready` is called once, from the loop: 0, or OUTCOME_BUSY when the time is over. The turn is held until it is freed, which is
 * also how a wait is given up. */
_must_check_ int keys_turn_take(struct keys_turn **ret, struct keys_turns *turns,
        const char *reader, unsigned int limit_ms, void (*ready)(void *user, int outcome),
        void *user);
struct keys_turn *keys_turn_free(struct keys_turn *turn);

#endif

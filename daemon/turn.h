/* SPDX-License-Identifier: Apache-2.0 */
/* turn.h: whose prompt may be open. One at a time: two on one screen would invite the PIN of one card into the
 * question of another. Who comes later waits for his turn, in order, and is woken when it comes.
 */
#ifndef MOHR_TURN_H
#define MOHR_TURN_H

#include "base/base.h"
#include <systemd/sd-event.h>

struct turn {                  /* of whoever wants to ask; zero-initialise, but for `kick` */
        sd_event_source *kick; /* borrowed: enabled once when the turn has come */
        struct turn *next;
};

struct turns { /* zero-initialise */
        struct turn *asking, *waiting;
};

/* True when it is this one's turn; else it waits, however often it asks. */
_must_check_ bool turn_take(struct turns *turns, struct turn *turn);
/* Also of one that waits, or never asked. */
void turn_give_up(struct turns *turns, struct turn *turn);

#endif

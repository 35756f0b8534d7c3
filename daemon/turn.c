/* SPDX-License-Identifier: Apache-2.0 */
/* turn.c: see turn.h. */
#include "daemon/turn.h"

bool turn_take(struct turns *turns, struct turn *turn)
{
        if (!turns->asking)
                turns->asking = turn;
        if (turns->asking == turn)
                return true;
        struct turn **slot = &turns->waiting;
        while (*slot && *slot != turn)
                slot = &(*slot)->next;
        *slot = turn;
        return false;
}

static void leave_queue(struct turns *turns, struct turn *turn)
{
        struct turn **slot = &turns->waiting;
        while (*slot && *slot != turn)
                slot = &(*slot)->next;
        if (*slot)
                *slot = turn->next;
        turn->next = NULL;
}

void turn_give_up(struct turns *turns, struct turn *turn)
{
        leave_queue(turns, turn);
        if (turns->asking != turn)
                return;
        struct turn *next = turns->waiting;
        turns->asking = next;
        if (!next)
                return;
        leave_queue(turns, next);
        sd_event_source_set_enabled(next->kick, SD_EVENT_ONESHOT);
}

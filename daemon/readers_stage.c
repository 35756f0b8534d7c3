/* SPDX-License-Identifier: Apache-2.0 */
/* readers_stage.c: the one state that a reader's helper is in, and what may happen to it there. What holds
 * of a stage is a row; readers_helper.c and readers_direct.c ask the row and remember nothing beside it, so
 * that no two of their memories can disagree. They move a reader from one stage to another:
 *
 *      DOWN -> STARTING          it is started
 *      STARTING -> FRESH         it says that its sandbox is closed (UNUSABLE: that it is not)
 *      FRESH .. HOLDING          by what it answers: below
 *      any that hears -> DOWN    it is told to die, or dies
 *      any -> LEAVING            its reader is let go; its end is the reader's
 *
 * One that was told to die says nothing any more and is not waited for: what is asked meanwhile waits for
 * the next. One that could not get ready, or has never answered, is started again with growing delay; all
 * others at once, since a card that a killed helper left with power gets dark only by the next one.
 */
#include "daemon/readers_internal.h"

/* clang-format off */
static const struct stage stages[HELPER_STAGES] = {
        /*                      hears  serves spent  final  again          a call that runs */
        [HELPER_DOWN]       = { false, false, false, false, AGAIN_AT_ONCE, 0 },
        [HELPER_STARTING]   = { true,  false, false, false, AGAIN_LATER,   OUTCOME_READER_SERVICE },
        [HELPER_FRESH]      = { true,  true,  false, false, AGAIN_LATER,   OUTCOME_CARD_REMOVED },
        [HELPER_PROVEN]     = { true,  true,  false, false, AGAIN_AT_ONCE, OUTCOME_CARD_REMOVED },
        [HELPER_USED]       = { true,  true,  true,  false, AGAIN_AT_ONCE, OUTCOME_CARD_REMOVED },
        [HELPER_HOLDING]    = { true,  true,  true,  false, AGAIN_AT_ONCE, OUTCOME_CARD_REMOVED },
        [HELPER_UNUSABLE]   = { false, false, false, true,  AGAIN_NEVER,   OUTCOME_READER_SERVICE },
        [HELPER_LEAVING]    = { false, false, false, true,  AGAIN_NEVER,   OUTCOME_NO_READER },
};
/* clang-format on */

const struct stage *reader_stage(const struct reader *reader)
{
        return &stages[reader->stage];
}

static enum helper_stage reached(uint8_t op, int outcome)
{
        static const struct {
                uint8_t op;
                enum helper_stage stage;
        } by[] = { { OP_BEGIN, HELPER_HOLDING }, { OP_TRANSCRIPT, HELPER_USED } };
        for (size_t i = 0; outcome == 0 && i < ARRAY_LEN(by); i++)
                if (by[i].op == op)
                        return by[i].stage;
        return HELPER_PROVEN;
}

void reader_advance(struct reader *reader, uint8_t op, int outcome)
{
        enum helper_stage to = reached(op, outcome);
        bool over = outcome == 0 && op == OP_END && reader->stage == HELPER_HOLDING;
        if (over)
                reader->stage = HELPER_USED;
        else if (reader->stage < to)
                reader->stage = to;
}

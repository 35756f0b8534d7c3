/* SPDX-License-Identifier: Apache-2.0 */
/* inject_world.h: the card and the person of request_world.h for programs that make calls fail: what the two do
 * themselves is spared, and what fails in a test tells the outcome besides.
 */
#ifndef MOHR_TESTS_INJECT_WORLD_H
#define MOHR_TESTS_INJECT_WORLD_H

#include "tests/support/inject.h"

#define WORLD_CALM inject_pause
#define WORLD_ON   inject_resume
#include "tests/unit/request_world.h"

/* EXPECT, with the outcome. */
#define HOLDS(in, condition) EXPECT_TELLING(in, told_outcome(), condition)

static const char *told_outcome(void)
{
        static char text[32];
        snprintf(text, sizeof text, ", outcome %d", world.outcome);
        return text;
}

/* One request from door to door; the next finds another loop. */
_unused_ static void attempt(struct inject *in, const struct request_params *params)
{
        sd_event_source *guard = nothing_hangs();
        inject_arm(in);
        int r = request_start(&world.request, &world.context, params, &callbacks, NULL);
        if (r == 0)
                sd_event_loop(world.event);
        inject_disarm(in);
        sd_event_source_unref(guard);
        if (r < 0)
                world.outcome = r;
        HOLDS(*in, (r == 0) == world.done);
        renew_loop();
}

/* `besides`: another answer that this program's failures may end in. */
_unused_ static bool is_answer_to_a_failure(int outcome, int besides)
{
        static const int answers[] = { OUTCOME_INTERNAL, OUTCOME_INVALID,
                OUTCOME_CARD_NOT_SUPPORTED, OUTCOME_CARD_REMOVED };
        for (size_t i = 0; i < ARRAY_LEN(answers); i++)
                if (outcome == answers[i])
                        return true;
        return outcome < 0 || outcome == besides;
}

#endif

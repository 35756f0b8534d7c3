/* SPDX-License-Identifier: Apache-2.0 */
/* world_history.h: the history of request_world.h: it answers from the loop, and stops the test when a row comes at
 * the wrong time: no prompt before the intent, one intent and one end for a request, an end before the answer.
 */
#ifndef MOHR_TESTS_WORLD_HISTORY_H
#define MOHR_TESTS_WORLD_HISTORY_H

#include "daemon/history.h"
#include "tests/unit/world_state.h"

static char ended_by_grant[33]; /* of the last end */

struct history_wait {
        sd_event_source *soon;
        history_done done;
        void *user;
        bool end;
};

static int on_written(sd_event_source *source, void *user)
{
        (void)source;
        struct history_wait *wait = user;
        int outcome = wait->end ? world.end_outcome : world.intent_outcome;
        wait->done(wait->user, outcome, outcome ? "the history says no" : NULL, &world.told);
        return 0;
}

static int on_written_late(sd_event_source *source, uint64_t usec, void *user)
{
        (void)usec;
        return on_written(source, user);
}

static int write_soon(struct history_wait **ret, bool end, history_done done, void *user)
{
        WORLD_CALM();
        struct history_wait *wait = calloc(1, sizeof *wait);
        *wait = (struct history_wait){ .done = done, .user = user, .end = end };
        int r = end && world.end_after_ms
                        ? sd_event_add_time_relative(world.event, &wait->soon, CLOCK_MONOTONIC,
                                  world.end_after_ms * 1000ULL, 1, on_written_late, wait)
                        : sd_event_add_defer(world.event, &wait->soon, on_written, wait);
        assert_return_code(r, 0);
        WORLD_ON();
        *ret = wait;
        return 0;
}

int history_ask(struct history_wait **ret, struct history *history,
        const struct history_asked *asked, history_done done, void *user)
{
        (void)history;
        assert_int_equal(world.prompts + world.choices + world.searches, 0);
        assert_false(world.open); /* a slow disk keeps no card */
        assert_int_equal(world.intents++, 0);
        assert_string_equal(asked->method, world.method ? world.method : "Assert");
        assert_int_equal(strlen(asked->request), 32);
        world.asked_required = asked->required;
        world.asked_optional = asked->optional;
        world.asked_for_grant = asked->use_grant;
        return write_soon(ret, false, done, user);
}

static void take_end(const struct history_ended *ended)
{
        assert_int_equal(world.intents, 1);
        assert_int_equal(world.ends++, 0);
        assert_false(world.done);
        assert_false(world.open);
        bool signs = !world.method && strcmp(ended->outcome, "Ok") == 0;
        assert_int_equal(ended->assertion != NULL, signs);
        snprintf(world.end, sizeof world.end, "%s", ended->outcome);
        snprintf(world.end_detail, sizeof world.end_detail, "%s",
                ended->detail ? ended->detail : "");
        snprintf(ended_by_grant, sizeof ended_by_grant, "%s", ended->grant ? ended->grant : "");
        world.ended_released = ended->released;
        world.ended_declined = ended->declined;
        world.ended_remember = ended->remember;
}

int history_end(struct history_wait **ret, struct history *history,
        const struct history_ended *ended, history_done done, void *user)
{
        (void)history;
        take_end(ended);
        return write_soon(ret, true, done, user);
}

void history_note_refusal(
        struct history *history, const struct history_asked *asked, const char *why)
{
        (void)history, (void)asked;
        assert_int_equal(world.intents + world.prompts + world.pins, 0);
        assert_int_equal(world.refusals++, 0);
        assert_true(strcmp(why, "rule") == 0 || strcmp(why, "bad_request") == 0);
}

void history_note_end(struct history *history, const struct history_ended *ended)
{
        (void)history;
        bool open = world.open; /* who hangs up does so at any moment */
        world.open = false;
        take_end(ended);
        world.open = open;
}

struct history_wait *history_wait_free(struct history_wait *wait)
{
        if (wait)
                sd_event_source_disable_unref(wait->soon);
        free(wait);
        return NULL;
}

#endif

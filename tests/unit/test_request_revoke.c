/* SPDX-License-Identifier: Apache-2.0 */
/* test_request_revoke.c: a permission that is taken back at each moment of a request that goes by it (request_revoke.c).
 */
#include "tests/unit/request_world.h"

static struct revoker {
        const char *grant;
        bool (*now)(void);
        unsigned int done;
        bool granted_before; /* what the page that was open then said */
} revoker;

static int on_step(sd_event_source *source, void *user)
{
        (void)source, (void)user;
        if (revoker.done == 0 && revoker.now()) {
                revoker.done++;
                revoker.granted_before = last_question.granted;
                request_revoked(&world.context, revoker.grant);
        }
        return 0;
}

static bool at_the_pin(void)
{
        return world.prompts == 1;
}

static bool at_a_choice(void)
{
        return world.choices == 1;
}

static bool at_the_card(void)
{
        return world.ops[OP_BEGIN] == 1 && world.choices > 0;
}

static bool behind_the_pin(void)
{
        return world.pins == 1;
}

/* A request by a permission, which is taken back when `now` says so. */
static int ask_while(bool (*now)(void), const char *grant)
{
        struct request_params params = good_params();
        sd_event_source *source = NULL;
        snprintf(params.peer.flatpak, sizeof params.peer.flatpak, "org.example.App");
        params.remember = true;
        world.consent_mode = POLICY_GRANT;
        world.told = (struct history_told){
                .granted = true, .grant = "cafe", .released = CLAIM_CARD_GENERATION
        };
        revoker = (struct revoker){ .grant = grant, .now = now };
        assert_return_code(sd_event_add_post(world.event, &source, on_step, NULL), 0);
        sd_event_source_set_priority(source, SD_EVENT_PRIORITY_IMPORTANT);
        drive(&params);
        sd_event_source_unref(source);
        assert_int_equal(revoker.done, 1);
        assert_null(world.context.open);
        return world.outcome;
}

static void an_open_pin_page_gives_way_to_consent(void **state)
{
        (void)state;
        assert_int_equal(ask_while(at_the_pin, "cafe"), 0);
        assert_true(revoker.granted_before);
        assert_int_equal(world.prompts, 2);
        assert_false(last_question.granted);
        assert_true(last_question.optional & CLAIM_READER); /* all of it can be declined again */
        assert_false(last_question.may_remember);
        assert_int_equal(world.pins, 1);
        assert_string_equal(ended_by_grant, "");
}

static void a_no_to_that_page_is_a_no(void **state)
{
        (void)state;
        world.person_outcome = OUTCOME_REFUSED;
        assert_int_equal(ask_while(at_the_pin, "cafe"), OUTCOME_REFUSED);
        assert_int_equal(world.prompts, 2);
        assert_int_equal(world.pins, 0);
}

static void what_comes_before_the_page_is_in_time(void **state)
{
        (void)state;
        static const char *const two_cards[] = { "Reader A", "Reader B", NULL };
        static bool (*const moments[])(void) = { at_a_choice, at_the_card };
        for (size_t i = 0; i < ARRAY_LEN(moments); i++) {
                world.cards = two_cards;
                world.wanted = "Reader B";
                assert_int_equal(ask_while(moments[i], "cafe"), 0);
                assert_int_equal(world.prompts, 1);
                assert_false(last_question.granted);
                assert_string_equal(ended_by_grant, "");
                reset_counts();
        }
}

static void a_pin_that_was_given_stays_given(void **state)
{
        (void)state;
        assert_int_equal(ask_while(behind_the_pin, "cafe"), 0);
        assert_int_equal(world.prompts, 1);
        assert_string_equal(ended_by_grant, "cafe");
}

static void another_permission_is_another(void **state)
{
        (void)state;
        assert_int_equal(ask_while(at_the_pin, "beef"), 0);
        assert_int_equal(world.prompts, 1);
        assert_true(last_question.granted);
        assert_string_equal(ended_by_grant, "cafe");
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
        const struct CMUnitTest tests[] = {
                CASE(an_open_pin_page_gives_way_to_consent),
                CASE(a_no_to_that_page_is_a_no),
                CASE(what_comes_before_the_page_is_in_time),
                CASE(a_pin_that_was_given_stays_given),
                CASE(another_permission_is_another),
        };
        return cmocka_run_group_tests(tests, make_pki, drop_pki);
}

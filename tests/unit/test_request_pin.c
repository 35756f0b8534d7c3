/* SPDX-License-Identifier: Apache-2.0 */
/* test_request_pin.c: a request's tries and keys: what is known of the counter before a PIN is asked for, what a PIN may cost,
 * and which method signs. The card of request_world.h stops the test when a rule of its own is broken.
 */
#include "tests/unit/request_world.h"

static void a_wrong_pin_is_told_with_the_tries_left(void **state)
{
        (void)state;
        world.fail_with = OUTCOME_WRONG_PIN;
        assert_int_equal(ask(), OUTCOME_WRONG_PIN);
        assert_int_equal(world.tries_left, 2);
        assert_int_equal(world.ops[OP_SIGN], 0);
        assert_int_equal(world.resets, 1);
}

static void a_blocked_pin_is_told_without_a_prompt(void **state)
{
        (void)state;
        world.tries = 0;
        assert_int_equal(ask(), OUTCOME_PIN_BLOCKED);
        assert_int_equal(world.prompts, 0);
}

static void unknown_tries_mean_no_pin(void **state)
{
        (void)state;
        world.counter_known = false;
        assert_int_equal(ask(), OUTCOME_CARD_NOT_SUPPORTED);
        assert_int_equal(world.prompts, 0);
}

static void the_last_try_is_shown_as_such(void **state)
{
        (void)state;
        world.tries = 1;
        world.person_outcome = OUTCOME_LAST_TRY_DECLINED;
        assert_int_equal(ask(), OUTCOME_LAST_TRY_DECLINED);
        assert_int_equal(last_question.tries_left, 1);
        assert_int_equal(world.pins, 0);
}

static void tries_that_went_down_meanwhile_stop_it(void **state)
{
        (void)state;
        world.at_prompt = LOWER_TRIES;
        assert_int_equal(ask(), OUTCOME_BUSY);
        assert_non_null(strstr(world.detail, "tries"));
        assert_int_equal(world.pins, 0);
}

static void two_counters_that_agree_are_one(void **state)
{
        (void)state;
        world.second_count = 3;
        assert_int_equal(ask(), 0);
        reset_counts();
        assert_int_equal(ask(), 0);
        assert_int_equal(world.ops[OP_PROBE], 0);
}

static void the_lower_of_two_counters_is_believed_each_time(void **state)
{
        (void)state;
        static const int seconds[] = { 1, 2, 5 };
        for (size_t i = 0; i < ARRAY_LEN(seconds); i++) {
                int shown = seconds[i] < 3 ? seconds[i] : 3;
                known_free(world.context.known);
                assert_int_equal(known_new(&world.context.known, &world.config, &world.log), 0);
                world.second_count = seconds[i];
                assert_int_equal(ask(), 0);
                assert_int_equal(last_question.tries_left, shown);
                reset_counts();
                assert_int_equal(ask(), 0);
                assert_int_equal(last_question.tries_left, shown);
                assert_int_equal(world.ops[OP_PROBE], 1);
                assert_int_equal(world.ops[OP_METHOD] + world.ops[OP_READ], 0);
                world.second_count = 3;
                reset_counts();
                assert_int_equal(ask(), 0);
                assert_int_equal(last_question.tries_left, 3);
                reset_counts();
                assert_int_equal(ask(), 0);
                assert_int_equal(world.ops[OP_PROBE], 0);
                reset_counts();
        }
}

static void no_try_by_either_counter_means_no_prompt(void **state)
{
        (void)state;
        world.second_count = 0;
        assert_int_equal(ask(), OUTCOME_PIN_BLOCKED);
        assert_int_equal(world.prompts, 0);
        assert_int_equal(world.tries_left, 0);
}

static void other_methods_are_tried_without_another_verify(void **state)
{
        (void)state;
        world.good_method = SIGN_RSA_BARE_HASH;
        assert_int_equal(ask(), 0);
        assert_int_equal(world.ops[OP_SIGN], 3);
        assert_int_equal(world.pins, 1);
        reset_counts();
        assert_int_equal(ask(), 0); /* and remembered */
        assert_int_equal(world.ops[OP_SIGN], 1);
}

static void a_key_that_shows_itself_is_the_only_one_tried(void **state)
{
        (void)state;
        world.key_shown = true;
        assert_int_equal(ask(), 0);
        assert_int_equal(world.ops[OP_METHOD], 2);
        assert_int_equal(world.ops[OP_SIGN], 1);
}

static void no_method_that_verifies_is_28_after_one_pin(void **state)
{
        (void)state;
        world.good_method = NEVER;
        assert_int_equal(ask(), OUTCOME_NO_STANDARD_SIGNATURE);
        assert_int_equal(world.pins, 1);
        assert_true(world.ops[OP_SIGN] > 1);
        assert_int_equal(world.resets, 1);
}

static void no_method_at_all_is_28_without_a_prompt(void **state)
{
        (void)state;
        world.accepts = 0;
        assert_int_equal(ask(), OUTCOME_NO_STANDARD_SIGNATURE);
        assert_int_equal(world.prompts, 0);
}

static void issuer_keys_are_told_without_a_prompt_and_remembered(void **state)
{
        (void)state;
        world.sm_needed = true;
        assert_int_equal(ask(), OUTCOME_NEEDS_ISSUER_KEYS);
        assert_int_equal(world.prompts, 0);
        reset_counts();
        assert_int_equal(ask(), OUTCOME_NEEDS_ISSUER_KEYS);
        assert_int_equal(world.ops[OP_COUNTER], 0);
}

static void issuer_keys_learnt_after_verify_are_remembered(void **state)
{
        (void)state;
        world.sm_at_sign = true;
        assert_int_equal(ask(), OUTCOME_NEEDS_ISSUER_KEYS);
        assert_int_equal(world.pins, 1);
        reset_counts();
        assert_int_equal(ask(), OUTCOME_NEEDS_ISSUER_KEYS);
        assert_int_equal(world.prompts, 0);
}

static void a_key_that_signed_before_is_not_written_off(void **state)
{
        (void)state;
        assert_int_equal(ask(), 0);
        reset_counts();
        world.sm_at_sign = true;
        assert_int_equal(ask(), OUTCOME_NEEDS_ISSUER_KEYS);
        reset_counts();
        world.sm_at_sign = false;
        assert_int_equal(ask(), 0);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
        const struct CMUnitTest tests[] = {
                CASE(a_wrong_pin_is_told_with_the_tries_left),
                CASE(a_blocked_pin_is_told_without_a_prompt),
                CASE(unknown_tries_mean_no_pin),
                CASE(the_last_try_is_shown_as_such),
                CASE(tries_that_went_down_meanwhile_stop_it),
                CASE(two_counters_that_agree_are_one),
                CASE(the_lower_of_two_counters_is_believed_each_time),
                CASE(no_try_by_either_counter_means_no_prompt),
                CASE(other_methods_are_tried_without_another_verify),
                CASE(a_key_that_shows_itself_is_the_only_one_tried),
                CASE(no_method_that_verifies_is_28_after_one_pin),
                CASE(no_method_at_all_is_28_without_a_prompt),
                CASE(issuer_keys_are_told_without_a_prompt_and_remembered),
                CASE(issuer_keys_learnt_after_verify_are_remembered),
                CASE(a_key_that_signed_before_is_not_written_off),
        };
        return cmocka_run_group_tests(tests, make_pki, drop_pki);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* test_request_pinpad.c: the way of a request whose reader has keys of its own (request_world.h): consent
 * here, the PIN there, every end of typing told once, and no digit in the daemon.
 */
#include "base/clock.h"
#include "tests/unit/request_world.h"

static void a_reader_with_keys_asks_for_the_pin_itself(void **state)
{
        (void)state;
        world.pinpad = PINPAD_ALL;
        assert_int_equal(ask(), 0);
        assert_int_equal(world.consents, 1);
        assert_int_equal(world.typed, 1);
        assert_int_equal(world.ops[OP_PIN] + world.ops[OP_VERIFY], 0);
        assert_int_equal(world.ops[OP_COUNTER], 2);
        assert_int_equal(world.leaves, 1);
        assert_int_equal(world.resets, 1);
        assert_string_equal(world.phases, "reader card consent pinpad sign ");
        assert_true(station_says("pinpad"));
}

static void digits_from_here_are_stated_as_such(void **state)
{
        (void)state;
        assert_int_equal(ask(), 0);
        assert_true(station_says("pinentry"));
        assert_false(station_says("pinpad"));
}

static void keys_that_are_not_wanted_or_cannot_verify_are_not_used(void **state)
{
        (void)state;
        static const struct {
                bool wanted;
                uint8_t has;
        } cases[] = { { false, PINPAD_ALL }, { true, PINPAD_MODIFY | PINPAD_DISPLAY } };
        for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
                teardown(NULL);
                setup(NULL);
                world.config.pinpad = cases[i].wanted;
                world.pinpad = cases[i].has;
                assert_int_equal(ask(), 0);
                assert_int_equal(world.typed + world.consents, 0);
                assert_int_equal(world.pins, 1);
                assert_string_equal(world.phases, "reader card consent pin sign ");
        }
}

static void every_end_of_typing_is_told_and_asked_once(void **state)
{
        (void)state;
        static const struct {
                int outcome, tries_left;
                uint16_t sw;
                const char *detail;
        } cases[] = {
                { OUTCOME_WRONG_PIN, 2, 0x63C2, NULL },
                { OUTCOME_TIMED_OUT, 3, 0x6400, "nothing was sent" },
                { OUTCOME_REFUSED, 3, 0x6401, "nothing was sent" },
                { OUTCOME_REFUSED, 3, 0x6403, "nothing was sent" },
                { OUTCOME_CARD_NOT_SUPPORTED, 3, 0x6B80, "pad = no" },
                { OUTCOME_TIMED_OUT, -1, 0, "may have been spent" },
                { OUTCOME_CARD_REMOVED, -1, 0, "may have been spent" },
                { OUTCOME_CARD_NOT_SUPPORTED, -1, 0x6F00, "may have been spent" },
        };
        for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
                teardown(NULL);
                setup(NULL);
                world.pinpad = PINPAD_VERIFY;
                world.pinpad_outcome = cases[i].outcome;
                world.pinpad_sw = cases[i].sw;
                assert_int_equal(ask(), cases[i].outcome);
                assert_int_equal(world.typed, 1);
                assert_int_equal(world.tries_left, cases[i].tries_left);
                assert_int_equal(world.ops[OP_SIGN] + world.pins, 0);
                assert_int_equal(world.resets, 1);
                if (cases[i].detail)
                        assert_non_null(strstr(world.detail, cases[i].detail));
        }
}

static void a_reader_that_says_yes_for_nothing_does_not_write_a_key_off(void **state)
{
        (void)state;
        world.pinpad = PINPAD_VERIFY;
        world.sm_at_sign = true;
        assert_int_equal(ask(), OUTCOME_NEEDS_ISSUER_KEYS);
        world.sm_at_sign = false;
        reset_counts();
        assert_int_equal(ask(), 0);
}

/* Of so much time a reader gets so many whole seconds; 0: none is asked. */
static unsigned int patience_of(int64_t left_ms)
{
        return left_ms < 3000 ? 0 : left_ms >= 47000 ? 45 : (unsigned int)(left_ms / 1000) - 2;
}

static void a_reader_gives_up_before_the_request_does(void **state)
{
        (void)state;
        static const struct {
                unsigned int timeout_ms, patience_s;
        } cases[] = { { 0, 45 }, { 60000, 45 }, { 20500, 18 }, { 3900, 1 } };
        for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
                int64_t began = clock_ms();
                struct request_params params = good_params();
                teardown(NULL);
                setup(NULL);
                world.pinpad = PINPAD_VERIFY;
                params.timeout_ms = cases[i].timeout_ms;
                drive(&params);
                int64_t left =
                        (params.timeout_ms ? params.timeout_ms : 180000) - (clock_ms() - began);
                assert_in_range(world.patience_s, patience_of(left), cases[i].patience_s);
                assert_int_equal(world.outcome, world.patience_s > 0 ? 0 : OUTCOME_TIMED_OUT);
        }
}

static void without_time_left_no_reader_is_asked(void **state)
{
        (void)state;
        struct request_params params = good_params();
        world.pinpad = PINPAD_VERIFY;
        params.timeout_ms = 2900;
        drive(&params);
        assert_int_equal(world.outcome, OUTCOME_TIMED_OUT);
        assert_int_equal(world.typed, 0);
        assert_non_null(strstr(world.detail, "nothing was sent"));
}

static void a_refused_consent_wakes_no_reader(void **state)
{
        (void)state;
        world.pinpad = PINPAD_VERIFY;
        world.person_outcome = OUTCOME_REFUSED;
        assert_int_equal(ask(), OUTCOME_REFUSED);
        assert_int_equal(world.typed, 0);
        assert_int_equal(world.ops[OP_BEGIN], 1);
}

static void keys_that_went_away_meanwhile_end_it_without_a_pin(void **state)
{
        (void)state;
        world.pinpad = PINPAD_VERIFY;
        world.at_prompt = PAD_GOES;
        assert_int_equal(ask(), OUTCOME_NO_READER);
        assert_int_equal(world.typed + world.pins, 0);
}

static void the_rules_hold_for_keys_too(void **state)
{
        (void)state;
        static const struct {
                enum mischief mischief;
                int outcome;
        } cases[] = { { SWAP, OUTCOME_CARD_REMOVED }, { LOWER_TRIES, OUTCOME_BUSY },
                { COUNT_ANEW, OUTCOME_CARD_REMOVED }, { READER_GOES, OUTCOME_NO_READER } };
        for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
                teardown(NULL);
                setup(NULL);
                world.pinpad = PINPAD_VERIFY;
                world.at_prompt = cases[i].mischief;
                assert_int_equal(ask(), cases[i].outcome);
                assert_int_equal(world.typed, 0);
        }
}

static void a_cancel_at_any_moment_of_typing_frees_everything(void **state)
{
        (void)state;
        world.pinpad = PINPAD_VERIFY;
        assert_int_equal(ask(), 0);
        unsigned int total = world.total;
        for (unsigned int at = 0; at < total; at++) {
                teardown(NULL);
                setup(NULL);
                struct request_params params = good_params();
                world.pinpad = PINPAD_VERIFY;
                world.cancel_at = at;
                drive(&params);
                assert_false(world.done);
                assert_true(world.typed <= 1);
        }
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
        const struct CMUnitTest tests[] = {
                CASE(a_reader_with_keys_asks_for_the_pin_itself),
                CASE(digits_from_here_are_stated_as_such),
                CASE(keys_that_are_not_wanted_or_cannot_verify_are_not_used),
                CASE(every_end_of_typing_is_told_and_asked_once),
                CASE(a_reader_that_says_yes_for_nothing_does_not_write_a_key_off),
                CASE(a_reader_gives_up_before_the_request_does),
                CASE(without_time_left_no_reader_is_asked),
                CASE(a_refused_consent_wakes_no_reader),
                CASE(keys_that_went_away_meanwhile_end_it_without_a_pin),
                CASE(the_rules_hold_for_keys_too),
                CASE(a_cancel_at_any_moment_of_typing_frees_everything),
        };
        return cmocka_run_group_tests(tests, make_pki, drop_pki);
}

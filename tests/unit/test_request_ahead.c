/* SPDX-License-Identifier: Apache-2.0 */
/* test_request_ahead.c: what a request asks before its time, against the card and person of request_world.h. A word is a
 * request as the reader hears it: a letter for each operation, a capital where it had been asked ahead and came as foreseen. So a small
 * letter is a wait for the card, and a guess that was not met is counted.
 */
#include "tests/unit/request_world.h"

static void expect(int outcome, const char *said, unsigned int wrong)
{
        assert_int_equal(ask(), outcome);
        assert_string_equal(ahead.said, said);
        assert_int_equal(ahead.wrong, wrong);
}

static void again(void)
{
        reset_counts();
        world.tries = 3;
}

static void a_known_card_is_waited_for_five_times(void **state)
{
        (void)state;
        assert_int_equal(ask(), 0);
        again();
        expect(0, "bUCNEbNdVslE", 0);
        assert_int_equal(ahead.waits, 5);
}

static void an_unknown_card_is_waited_for_as_often_as_its_answers_decide(void **state)
{
        (void)state;
        expect(0, "bIRRrcNPmMMMMMrEbNdVslE", 0);
        assert_int_equal(ahead.waits, 9);
}

static void where_the_issuer_is_known_and_the_key_is_shown_less_is_waited_for(void **state)
{
        (void)state;
        world.key_shown = true;
        assert_int_equal(ask(), 0);
        again();
        X509 *first = world.files[0];
        world.files[0] = world.other_leaf;
        world.other_leaf = first;
        world.events++;
        world.fail_at = 7; /* before a signature, which another key would make */
        world.fail_with = OUTCOME_CARD_REMOVED;
        expect(OUTCOME_CARD_REMOVED, "bIRRcNPmE", 0);
}

static void a_known_leaf_that_is_laid_again_is_read_and_nothing_is_tried(void **state)
{
        (void)state;
        assert_int_equal(ask(), 0);
        again();
        world.events++;
        expect(0, "bIRRcNEbNdVslE", 0);
        assert_int_equal(ahead.waits, 6);
}

static void a_phone_is_told_first_and_begun_with_in_the_same_breath(void **state)
{
        (void)state;
        world.linked = true;
        assert_int_equal(ask(), 0);
        again();
        expect(0, "bUCNEaBNdVslE", 0);
        assert_int_equal(ahead.waits, 5);
}

static void a_pin_that_is_typed_elsewhere_is_waited_for_as_often(void **state)
{
        (void)state;
        world.linked = true;
        world.pinpad = PINPAD_VERIFY;
        assert_int_equal(ask(), 0);
        again();
        expect(0, "bUCNEaBNkslE", 0);
        assert_int_equal(ahead.waits, 5);
}

/* What is small after a capital was asked anew: a guess that did not come true. */
static void a_wrong_guess_costs_a_question_and_the_request_goes_on(void **state)
{
        (void)state;
        assert_int_equal(ask(), 0);
        again();
        world.forgets = true;
        expect(0, "bUicNEbNdVslE", 1);
        again();
        world.forgets = false;
        world.insertion += 2; /* another card, of which the watcher has not told */
        world.tries = 3;
        expect(0, "biRRcNEbNdVslE", 1);
}

static void news_of_the_card_while_it_is_begun_with_ends_the_request(void **state)
{
        (void)state;
        assert_int_equal(ask(), 0);
        again();
        world.moves_at_begin = true;
        expect(OUTCOME_CARD_REMOVED, "bE", 0);
        assert_string_equal(world.detail, "the card was moved while it was looked at");
}

static void what_would_be_refused_is_not_asked_for_its_counter(void **state)
{
        (void)state;
        assert_int_equal(ask(), 0);
        again();
        world.config.unproven = UNPROVEN_NO;
        world.simulated = false;
        expect(OUTCOME_POLICY, "bUe", 0);
        again();
        world.simulated = true;
        world.config.unproven = UNPROVEN_ASK;
        world.wants_pinpad = true;
        expect(OUTCOME_POLICY, "bUe", 0);
}

static void behind_a_card_that_was_away_its_leaf_is_waited_for(void **state)
{
        (void)state;
        assert_int_equal(ask(), 0);
        again();
        world.at_prompt = LIFT;
        expect(0, "bUCNEbircNdVslE", 1);
}

static void no_more_than_the_verify_goes_with_digits_and_nothing_with_a_signature(void **state)
{
        (void)state;
        assert_int_equal(ask(), 0);
        again();
        world.fail_with = OUTCOME_WRONG_PIN;
        expect(OUTCOME_WRONG_PIN, "bUCNEbNdVe", 0);
}

static void a_blocked_card_is_only_left(void **state)
{
        (void)state;
        world.tries = 0;
        expect(OUTCOME_PIN_BLOCKED, "bIRRrcNe", 0); /* the helper skips a probe of such a card */
        assert_int_equal(world.ops[OP_PROBE], 0);
}

int main(void)
{
#define T(test) cmocka_unit_test_setup_teardown(test, setup, teardown)
        const struct CMUnitTest tests[] = {
                T(a_known_card_is_waited_for_five_times),
                T(an_unknown_card_is_waited_for_as_often_as_its_answers_decide),
                T(where_the_issuer_is_known_and_the_key_is_shown_less_is_waited_for),
                T(a_known_leaf_that_is_laid_again_is_read_and_nothing_is_tried),
                T(a_phone_is_told_first_and_begun_with_in_the_same_breath),
                T(a_pin_that_is_typed_elsewhere_is_waited_for_as_often),
                T(a_wrong_guess_costs_a_question_and_the_request_goes_on),
                T(news_of_the_card_while_it_is_begun_with_ends_the_request),
                T(what_would_be_refused_is_not_asked_for_its_counter),
                T(behind_a_card_that_was_away_its_leaf_is_waited_for),
                T(no_more_than_the_verify_goes_with_digits_and_nothing_with_a_signature),
                T(a_blocked_card_is_only_left),
        };
        return cmocka_run_group_tests(tests, make_pki, drop_pki);
}

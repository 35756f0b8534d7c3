/* SPDX-License-Identifier: Apache-2.0 */
/* test_request.c: the whole table of states against a card and a person who do what a test says
 * (request_world.h).
 */
#include "tests/unit/request_world.h"

/* ---- what must hold ------------------------------------------------------------------------ */

static void a_good_card_and_pin_give_an_assertion(void **state)
{
        (void)state;
        assert_int_equal(ask(), 0);
        assert_int_equal(world.pins, 1);
        assert_int_equal(world.ops[OP_VERIFY], 1);
        assert_int_equal(world.ops[OP_SIGN], 1);
        assert_int_equal(world.ops[OP_CLEAR], 1);
        assert_int_equal(world.leaves, 1);
        assert_int_equal(world.resets, 1);
        assert_string_equal(world.phases, "reader card consent pin sign ");
        assert_true(strlen(world.assertion) > 1000);
        assert_string_equal(last_question.reader, READER);
        assert_int_equal(last_question.tries_left, 3);
        assert_true(last_question.simulated);
        assert_false(last_question.tell_unproven);
}

static void the_same_card_again_is_not_read_again(void **state)
{
        (void)state;
        assert_int_equal(ask(), 0);
        reset_counts();
        assert_int_equal(ask(), 0);
        assert_int_equal(world.ops[OP_READ], 0);
        assert_int_equal(world.ops[OP_PROBE], 0);
        assert_int_equal(world.ops[OP_METHOD], 0);
        assert_int_equal(world.ops[OP_IDENTIFY], 0);
        assert_int_equal(world.ops[OP_RESUME], 1);
        assert_int_equal(world.ops[OP_CONFIRM], 1);
        assert_int_equal(world.ops[OP_COUNTER], 2);
}

static void a_note_that_does_not_fit_costs_an_identification(void **state)
{
        (void)state;
        assert_int_equal(ask(), 0);
        reset_counts();
        world.forgets = true;
        assert_int_equal(ask(), 0);
        assert_int_equal(world.ops[OP_RESUME], 1);
        assert_int_equal(world.ops[OP_IDENTIFY], 1);
        assert_int_equal(world.ops[OP_READ], 0);
}

static void a_card_laid_again_between_requests_shows_its_leaf_and_no_more(void **state)
{
        (void)state;
        assert_int_equal(ask(), 0);
        reset_counts();
        world.events++;
        assert_int_equal(ask(), 0);
        assert_int_equal(
                world.ops[OP_READ], 2); /* dates and leaf: it passed the free checks before */
        assert_int_equal(world.ops[OP_METHOD], 0);
        reset_counts();
        assert_int_equal(ask(), 0);
        assert_int_equal(world.ops[OP_READ], 0);
}

/* The gate has all it needs after BEGIN, IDENTIFY, dates and leaf; the rest is left to the free checks. */
static void an_issuer_known_from_another_card_is_not_read_first(void **state)
{
        (void)state;
        assert_int_equal(ask(), 0);
        X509 *first = world.files[0];
        world.files[0] = world.other_leaf;
        world.other_leaf = first;
        world.events++;
        reset_counts();
        world.fail_at = 4;
        world.fail_with = OUTCOME_CARD_REMOVED;
        assert_int_equal(ask(), OUTCOME_CARD_REMOVED);
        assert_int_equal(world.ops[OP_READ], 2);
        assert_int_equal(world.ops[OP_CONFIRM], 1);
        world.fail_at = NEVER;
        reset_counts();
        assert_int_equal(ask(), 0);
        assert_int_equal(world.ops[OP_READ], 4);
        assert_true(world.ops[OP_PROBE] > 0);
}

/* The watcher is another process than the helper: its news may come when the card was long met. */
static void a_card_of_whose_coming_the_watcher_was_late_is_not_taken_for_the_last_one(void **state)
{
        (void)state;
        assert_int_equal(ask(), 0);
        reset_counts();
        world.insertion += 2;
        world.identity.supported = false;
        assert_int_equal(ask(), OUTCOME_CARD_NOT_SUPPORTED);
        assert_int_equal(world.ops[OP_RESUME] + world.ops[OP_CONFIRM] + world.ops[OP_COUNTER], 0);
        assert_int_equal(world.prompts, 0);
}

static void a_card_counted_anew_must_show_its_certificate_again(void **state)
{
        (void)state;
        world.at_prompt = COUNT_ANEW;
        assert_int_equal(ask(), OUTCOME_CARD_REMOVED);
        assert_int_equal(world.pins, 0);
}

static void files_may_lie_anywhere(void **state)
{
        (void)state;
        world.files[2] = world.files[0];
        world.files[0] = NULL;
        assert_int_equal(ask(), 0);
        world.files[0] = world.files[2];
}

static void each_failing_operation_is_that_answer(void **state)
{
        (void)state;
        static const int outcomes[] = { OUTCOME_CARD_REMOVED, OUTCOME_TIMED_OUT, OUTCOME_NO_READER,
                OUTCOME_READER_SERVICE, OUTCOME_INTERNAL, OUTCOME_BUSY, OUTCOME_NO_CARD };
        assert_int_equal(ask(), 0);
        unsigned int total = world.total;
        for (unsigned int at = 0; at < total; at++)
                for (size_t i = 0; i < ARRAY_LEN(outcomes); i++)
                        for (int dead = 0; dead < 2; dead++) {
                                teardown(NULL);
                                setup(NULL);
                                world.fail_at = at;
                                world.fail_with = outcomes[i];
                                world.fail_dead = dead;
                                int outcome = ask();
                                /* what fails on the way out changes nothing */
                                assert_int_equal(outcome, at + 2 < total ? outcomes[i] : 0);
                                assert_true(world.ops[OP_VERIFY] <= 1);
                                assert_false(world.open);
                                reset_counts();
                                assert_int_equal(ask(), 0); /* and the next one works */
                        }
}

static void a_cancel_at_any_moment_frees_everything(void **state)
{
        (void)state;
        assert_int_equal(ask(), 0);
        unsigned int total = world.total;
        for (unsigned int at = 0; at < total; at++) {
                teardown(NULL);
                setup(NULL);
                struct request_params params = good_params();
                world.cancel_at = at;
                drive(&params);
                assert_false(world.done);
        }
}

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

static void a_certificate_for_the_issuer_only_is_told_as_that(void **state)
{
        (void)state;
        world.files_locked = true;
        assert_int_equal(ask(), OUTCOME_NEEDS_ISSUER_KEYS);
        assert_non_null(strstr(world.detail, "certificate"));
        assert_int_equal(world.ops[OP_CONFIRM], 0);
        assert_int_equal(world.ops[OP_COUNTER], 0);
        assert_int_equal(world.prompts, 0);
}

static void another_card_never_gets_the_pin(void **state)
{
        (void)state;
        world.at_prompt = SWAP;
        assert_int_equal(ask(), OUTCOME_CARD_REMOVED);
        assert_int_equal(world.pins, 0);
        assert_int_equal(world.ops[OP_COUNTER], 1);
}

static void a_card_lifted_and_laid_back_goes_on(void **state)
{
        (void)state;
        static const enum mischief all[] = { LIFT, RESET, HELPER_DIES };
        for (size_t i = 0; i < ARRAY_LEN(all); i++) {
                teardown(NULL);
                setup(NULL);
                world.at_prompt = all[i];
                assert_int_equal(ask(), 0);
                assert_int_equal(world.ops[OP_IDENTIFY], 2);
                assert_int_equal(world.ops[OP_CONFIRM], 2);
        }
}

static void a_card_that_came_back_is_known_in_the_next_request(void **state)
{
        (void)state;
        world.at_prompt = LIFT;
        assert_int_equal(ask(), 0);
        reset_counts();
        assert_int_equal(ask(), 0);
        assert_int_equal(world.ops[OP_READ], 0);
}

static void a_reader_that_goes_is_no_reader(void **state)
{
        (void)state;
        world.at_prompt = READER_GOES;
        assert_int_equal(ask(), OUTCOME_NO_READER);
        assert_int_equal(world.pins, 0);
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

static void a_foreign_card_meets_nothing_of_the_pin_family(void **state)
{
        (void)state;
        world.identity.supported = false;
        assert_int_equal(ask(), OUTCOME_CARD_NOT_SUPPORTED);
        assert_int_equal(world.ops[OP_READ] + world.ops[OP_COUNTER] + world.ops[OP_CONFIRM], 0);
}

static void a_card_without_its_issuer_is_not_confirmed(void **state)
{
        (void)state;
        world.files[1] = NULL;
        assert_int_equal(ask(), OUTCOME_CARD_NOT_SUPPORTED);
        assert_int_equal(world.ops[OP_CONFIRM] + world.ops[OP_COUNTER], 0);
        assert_non_null(world.detail);
}

static void unproven_no_is_policy_before_any_prompt(void **state)
{
        (void)state;
        world.simulated = false;
        world.config.unproven = UNPROVEN_NO;
        assert_int_equal(ask(), OUTCOME_POLICY);
        assert_int_equal(world.prompts + world.ops[OP_COUNTER], 0);
}

static void unproven_is_told_once_per_machine(void **state)
{
        (void)state;
        char dir[] = "/tmp/test-request-XXXXXX", deep[64], file[96];
        assert_non_null(mkdtemp(dir));
        snprintf(deep, sizeof deep, "%s/state/mohr", dir);
        snprintf(file, sizeof file, "%s/told-unproven", deep);
        world.config.state_dir = deep;
        world.simulated = false;
        world.person_outcome = OUTCOME_REFUSED;
        assert_int_equal(ask(), OUTCOME_REFUSED);
        assert_true(last_question.tell_unproven);
        assert_int_not_equal(access(file, F_OK), 0); /* a refusal is not an acknowledgement */
        reset_counts();
        assert_int_equal(ask(), 0);
        assert_true(last_question.tell_unproven);
        assert_int_equal(access(file, F_OK), 0);
        reset_counts();
        assert_int_equal(ask(), 0);
        assert_false(last_question.tell_unproven);
        unlink(file);
        rmdir(deep);
        snprintf(deep, sizeof deep, "%s/state", dir);
        rmdir(deep);
        rmdir(dir);
}

static void nobody_to_ask_is_its_own_answer(void **state)
{
        (void)state;
        struct request_params params = good_params();
        params.ui.tty = NULL;
        drive(&params);
        assert_int_equal(world.outcome, OUTCOME_NOBODY_TO_ASK);
}

static void a_bad_field_shows_before_the_prompt(void **state)
{
        (void)state;
        struct request_params params = good_params();
        params.nonce = "short";
        drive(&params);
        assert_int_equal(world.outcome, OUTCOME_INVALID);
        assert_int_equal(world.prompts, 0);
}

static void no_card_is_passed_on(void **state)
{
        (void)state;
        world.acquire_outcome = OUTCOME_NO_CARD;
        assert_int_equal(ask(), OUTCOME_NO_CARD);
}

static int on_settle(sd_event_source *source, void *user)
{
        (void)source, (void)user;
        world.settled_late = false;
        assert_non_null(the_watch);
        the_watch->changed(the_watch->user);
        return 0;
}

static void a_request_waits_for_the_first_look_at_readers(void **state)
{
        (void)state;
        sd_event_source *source = NULL;
        world.settled_late = true;
        assert_return_code(sd_event_add_defer(world.event, &source, on_settle, NULL), 0);
        sd_event_source_set_priority(source, SD_EVENT_PRIORITY_IDLE);
        assert_int_equal(ask(), 0);
        sd_event_source_unref(source);
}

static void the_time_limit_ends_it(void **state)
{
        (void)state;
        struct request_params params = good_params();
        params.timeout_ms = 20;
        world.settled_late = true;
        drive(&params);
        assert_int_equal(world.outcome, OUTCOME_TIMED_OUT);
        assert_null(the_watch);
}

static const char *const two_cards[] = { "Reader A", "Reader B", NULL };

static void the_person_chooses_among_cards(void **state)
{
        (void)state;
        world.cards = two_cards;
        world.wanted = "Reader B";
        assert_int_equal(ask(), 0);
        assert_int_equal(world.choices, 2);
        assert_int_equal(world.prompts, 1);
        assert_string_equal(world.taken, "Reader B");
}

static void a_choice_without_an_end_is_a_refusal(void **state)
{
        (void)state;
        world.cards = two_cards;
        world.wanted = "Reader C";
        assert_int_equal(ask(), OUTCOME_REFUSED);
        assert_int_equal(world.choices, 4);
        assert_int_equal(world.acquired, 0);
}

static void a_choice_can_be_refused_and_ignored(void **state)
{
        static const int outcomes[] = { OUTCOME_REFUSED, OUTCOME_TIMED_OUT, OUTCOME_NOBODY_TO_ASK };
        (void)state;
        for (size_t i = 0; i < ARRAY_LEN(outcomes); i++) {
                reset_counts();
                world.cards = two_cards;
                world.person_outcome = outcomes[i];
                assert_int_equal(ask(), outcomes[i]);
                assert_int_equal(world.acquired, 0);
        }
}

static void who_cannot_be_asked_is_told_to_name_a_reader(void **state)
{
        struct request_params params = good_params();
        (void)state;
        world.cards = two_cards;
        world.acquire_outcome = OUTCOME_BUSY;
        params.ui = (struct person_ui){ 0 };
        drive(&params);
        assert_int_equal(world.outcome, OUTCOME_BUSY);
        assert_string_equal(world.taken, "");
}

static void a_named_reader_is_not_asked_about(void **state)
{
        struct request_params params = good_params();
        (void)state;
        world.cards = two_cards;
        params.reader = "Reader A";
        drive(&params);
        assert_int_equal(world.outcome, 0);
        assert_int_equal(world.choices, 0);
        assert_string_equal(world.taken, "Reader A");
}

static void one_card_is_no_choice(void **state)
{
        (void)state;
        world.cards = two_cards + 1;
        assert_int_equal(ask(), 0);
        assert_int_equal(world.choices, 0);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
        const struct CMUnitTest tests[] = {
                CASE(a_good_card_and_pin_give_an_assertion),
                CASE(the_same_card_again_is_not_read_again),
                CASE(a_note_that_does_not_fit_costs_an_identification),
                CASE(a_card_laid_again_between_requests_shows_its_leaf_and_no_more),
                CASE(an_issuer_known_from_another_card_is_not_read_first),
                CASE(a_card_of_whose_coming_the_watcher_was_late_is_not_taken_for_the_last_one),
                CASE(a_card_counted_anew_must_show_its_certificate_again),
                CASE(files_may_lie_anywhere),
                CASE(each_failing_operation_is_that_answer),
                CASE(a_cancel_at_any_moment_frees_everything),
                CASE(a_wrong_pin_is_told_with_the_tries_left),
                CASE(a_blocked_pin_is_told_without_a_prompt),
                CASE(unknown_tries_mean_no_pin),
                CASE(the_last_try_is_shown_as_such),
                CASE(tries_that_went_down_meanwhile_stop_it),
                CASE(two_counters_that_agree_are_one),
                CASE(the_lower_of_two_counters_is_believed_each_time),
                CASE(no_try_by_either_counter_means_no_prompt),
                CASE(a_certificate_for_the_issuer_only_is_told_as_that),
                CASE(another_card_never_gets_the_pin),
                CASE(a_card_lifted_and_laid_back_goes_on),
                CASE(a_card_that_came_back_is_known_in_the_next_request),
                CASE(a_reader_that_goes_is_no_reader),
                CASE(other_methods_are_tried_without_another_verify),
                CASE(a_key_that_shows_itself_is_the_only_one_tried),
                CASE(no_method_that_verifies_is_28_after_one_pin),
                CASE(no_method_at_all_is_28_without_a_prompt),
                CASE(issuer_keys_are_told_without_a_prompt_and_remembered),
                CASE(issuer_keys_learnt_after_verify_are_remembered),
                CASE(a_key_that_signed_before_is_not_written_off),
                CASE(a_foreign_card_meets_nothing_of_the_pin_family),
                CASE(a_card_without_its_issuer_is_not_confirmed),
                CASE(unproven_no_is_policy_before_any_prompt),
                CASE(unproven_is_told_once_per_machine),
                CASE(nobody_to_ask_is_its_own_answer),
                CASE(a_bad_field_shows_before_the_prompt),
                CASE(no_card_is_passed_on),
                CASE(a_request_waits_for_the_first_look_at_readers),
                CASE(the_time_limit_ends_it),
                CASE(the_person_chooses_among_cards),
                CASE(a_choice_without_an_end_is_a_refusal),
                CASE(a_choice_can_be_refused_and_ignored),
                CASE(who_cannot_be_asked_is_told_to_name_a_reader),
                CASE(a_named_reader_is_not_asked_about),
                CASE(one_card_is_no_choice),
        };
        return cmocka_run_group_tests(tests, make_pki, drop_pki);
}

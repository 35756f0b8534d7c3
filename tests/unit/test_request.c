/* SPDX-License-Identifier: Apache-2.0 */
/* test_request.c: the whole table of states against a card and a person who do what a test says
 * (request_world.h).
 */
#include "tests/unit/request_world.h"

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
                CASE(a_certificate_for_the_issuer_only_is_told_as_that),
                CASE(another_card_never_gets_the_pin),
                CASE(a_card_lifted_and_laid_back_goes_on),
                CASE(a_card_that_came_back_is_known_in_the_next_request),
                CASE(a_reader_that_goes_is_no_reader),
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

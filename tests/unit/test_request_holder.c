/* SPDX-License-Identifier: Apache-2.0 */
/* test_request_holder.c: a request that names a holder while several cards lie there (request_choose.c,
 * search.c). The cards of request_world.h stop the test when one of them is met before the person agreed.
 */
#include "tests/unit/request_world.h"

#include "daemon/search.h"

#include <malloc.h>

#define ASKED "0012345679"

static const struct card_identity national = { CARD_NID, GENERATION_MAV2, true, 'O', "Mav2" };

/* ---- several cards ------------------------------------------------------------------------- */

#define CARDS_MAX 17
static struct lying cards[CARDS_MAX];
static X509 *meant, *second, *others[3]; /* two certificates of ASKED; others' */

static struct lying lies(const char *reader, X509 *leaf)
{
        return (struct lying){
                .reader = reader, .files = { leaf, shared_pki->ca }, .identity = national
        };
}

static int lay(void **state)
{
        int r = setup(state);
        memset(cards, 0, sizeof cards);
        cards[0] = lies("Reader A", others[0]);
        cards[1] = lies("Reader B", meant);
        cards[2] = lies("Reader C", others[1]);
        world.lying = cards;
        return r;
}

static int ask_for(const char *number)
{
        struct request_params params = good_params();
        params.expect_national_number = number;
        drive(&params);
        assert_true(world.done);
        return world.outcome;
}

static void anew(void)
{
        void *none = NULL;
        teardown(&none);
        lay(&none);
}

/* ---- found --------------------------------------------------------------------------------- */

static void the_card_of_the_expected_holder_is_found(void **state)
{
        (void)state;
        assert_int_equal(ask_for(ASKED), 0);
        assert_string_equal(world.phases, "reader choice search card consent pin sign ");
        assert_string_equal(last_question.reader, "Reader B");
        assert_int_equal(world.searches, 1);
        assert_int_equal(world.asked_about, 3);
        assert_int_equal(world.choices, 0);
        assert_int_equal(world.prompts, 1);
        assert_int_equal(world.pins, 1);
        assert_int_equal(
                world.ops[OP_CONFIRM], 1); /* of the one that was asked about, by the request */
        assert_int_equal(world.ops[OP_COUNTER], 2);
        assert_int_equal(world.ops[OP_VERIFY], 1);
        for (size_t i = 0; i < 3; i++)
                assert_int_equal(cards[i].looks, i == 1 ? 2 : 1);
}

static void one_among_sixteen_is_found(void **state)
{
        static char names[16][16];
        (void)state;
        for (size_t i = 0; i < 16; i++) {
                snprintf(names[i], sizeof names[i], "Reader %zu", i);
                cards[i] = lies(names[i], i == 11 ? meant : others[i % 3]);
        }
        assert_int_equal(ask_for(ASKED), 0);
        assert_int_equal(world.asked_about, 16);
        assert_string_equal(last_question.reader, "Reader 11");
        assert_int_equal(world.pins, 1);
}

static void what_was_read_before_is_not_read_again(void **state)
{
        (void)state;
        assert_int_equal(ask_for(ASKED), 0);
        reset_counts();
        cards[0].state = cards[2].state = "in_use";
        assert_int_equal(ask_for(ASKED), 0);
        assert_int_equal(world.asked_about, 1);
        assert_int_equal(world.ops[OP_READ], 0);
        assert_int_equal(world.ops[OP_IDENTIFY], 0);
}

static void two_cards_of_one_number_are_asked_about_by_their_readers(void **state)
{
        (void)state;
        cards[2] = lies("Reader C", second);
        world.wanted = "Reader C";
        assert_int_equal(ask_for(ASKED), 0);
        assert_int_equal(world.choices, 2);
        assert_int_equal(world.prompts, 1);
        assert_int_equal(world.pins, 1);
        assert_string_equal(last_question.reader, "Reader C");
        assert_string_equal(world.phases, "reader choice search choice card consent pin sign ");
        anew();
        cards[2] = lies("Reader C", second);
        world.wanted = "Reader A"; /* where no such card lies: never offered */
        assert_int_equal(ask_for(ASKED), OUTCOME_REFUSED);
        assert_int_equal(world.choices, 4);
        assert_int_equal(world.pins, 0);
}

/* ---- asked first --------------------------------------------------------------------------- */

static void without_a_yes_no_card_is_met(void **state)
{
        static const int outcomes[] = { OUTCOME_REFUSED, OUTCOME_TIMED_OUT, OUTCOME_NOBODY_TO_ASK,
                OUTCOME_INTERNAL };
        (void)state;
        for (size_t i = 0; i < ARRAY_LEN(outcomes); i++) {
                reset_counts();
                world.consent = outcomes[i];
                assert_int_equal(ask_for(ASKED), outcomes[i]);
                assert_int_equal(world.acquired, 0);
                assert_int_equal(world.total, 0);
                assert_string_equal(world.phases, "reader choice ");
        }
}

static void who_cannot_be_asked_is_told_to_name_a_reader(void **state)
{
        struct request_params params = good_params();
        (void)state;
        params.expect_national_number = ASKED;
        params.ui = (struct person_ui){ 0 };
        drive(&params);
        assert_int_equal(world.outcome, OUTCOME_BUSY);
        assert_int_equal(world.total, 0);
}

static void only_a_number_and_several_cards_lead_there(void **state)
{
        struct request_params params = good_params();
        (void)state;
        world.wanted = "Reader C";
        assert_int_equal(ask(), 0);
        assert_int_equal(world.searches, 0);
        reset_counts();
        world.agreed = true;
        params.expect_national_number = ASKED;
        params.reader = "Reader C";
        drive(&params);
        assert_int_equal(world.outcome, 0); /* and the assertion says that it is another's */
        assert_int_equal(world.searches, 0);
        anew();
        world.lying = NULL;
        assert_int_equal(ask_for(ASKED), 0);
        assert_int_equal(world.searches, 0);
}

static void readers_that_are_in_use_are_left_alone(void **state)
{
        (void)state;
        cards[0].state = "in_use";
        cards[2].acquire_outcome = OUTCOME_BUSY; /* since it was asked about */
        assert_int_equal(ask_for(ASKED), 0);
        assert_int_equal(world.asked_about, 2);
        assert_int_equal(cards[0].looks + cards[2].looks, 0);
        anew();
        cards[0].state = cards[1].state = cards[2].state = "in_use";
        assert_int_equal(ask_for(ASKED), OUTCOME_BUSY);
        assert_int_equal(world.searches, 0);
}

/* ---- not found ----------------------------------------------------------------------------- */

static void answered_as_not_found(const char *what)
{
        int outcome = ask_for(ASKED);
        if (outcome != OUTCOME_NO_CARD || !world.detail ||
                strcmp(world.detail, DETAIL_NOT_FOUND) != 0 || world.tries_left != -1 ||
                world.prompts || world.pins || world.ops[OP_CONFIRM] || world.ops[OP_COUNTER] ||
                strcmp(world.phases, "reader choice search ") != 0)
                fail_msg("%s: %d (%s) after %s", what, outcome, world.detail, world.phases);
}

/* Whatever lies there, and whatever it does: an app hears the same. */
static void not_found_is_one_answer(void **state)
{
        static const struct card_identity piv = { CARD_PIV, GENERATION_UNKNOWN, true, 'O', "PIV" },
                                          omid = { CARD_NID, GENERATION_OMID, false, 'I', "Omid" };
        struct testpki_spec forged = { .cn = ASKED " - SIG", .issuer_key = shared_pki->other_key },
                            unlike = { .cn = ASKED " - SIG", .two_names = true };
        X509 *lied = testpki_issue(shared_pki, &forged), *odd = testpki_issue(shared_pki, &unlike);
        const struct {
                const char *what;
                struct lying card;
        } rows[] = {
                { "another's", lies("Reader B", others[2]) },
                { "forged", lies("Reader B", lied) },
                { "of another shape", lies("Reader B", odd) },
                { "staff", { .files = { meant, shared_pki->ca }, .identity = piv } },
                { "only to be looked at",
                        { .files = { meant, shared_pki->ca }, .identity = omid } },
                { "empty", { .identity = national } },
                { "two people on one card",
                        { .files = { others[0], meant, shared_pki->ca }, .identity = national } },
                { "foreign", { .fails = OP_IDENTIFY, .with = OUTCOME_CARD_NOT_SUPPORTED } },
                { "mute", { .silent = OP_BEGIN } },
                { "in use", { .acquire_outcome = OUTCOME_BUSY } },
                { "gone", { .acquire_outcome = OUTCOME_NO_CARD } },
        };
        (void)state;
        for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
                anew();
                world.config.card_timeout_ms = 40;
                cards[1] = rows[i].card;
                cards[1].reader = "Reader B";
                answered_as_not_found(rows[i].what);
        }
        X509_free(lied);
        X509_free(odd);
}

static void an_expected_number_that_none_can_carry_is_not_found(void **state)
{
        (void)state;
        cards[1] = lies("Reader B", shared_pki->leaf); /* its card number fails the check digit */
        int outcome = ask_for("0099900007");
        assert_int_equal(outcome, OUTCOME_NO_CARD);
        assert_string_equal(world.detail, DETAIL_NOT_FOUND);
}

static void a_card_that_fails_is_passed_over(void **state)
{
        static const enum op ops[] = { OP_BEGIN, OP_IDENTIFY, OP_READ, OP_END };
        static const int with[] = { OUTCOME_CARD_REMOVED, OUTCOME_BUSY, OUTCOME_INTERNAL,
                OUTCOME_TIMED_OUT, OUTCOME_NO_READER, OUTCOME_CARD_NOT_SUPPORTED,
                OUTCOME_NEEDS_ISSUER_KEYS, 0 };
        (void)state;
        for (size_t o = 0; o < ARRAY_LEN(ops); o++)
                for (size_t i = 0; i < 2 * ARRAY_LEN(with); i++) {
                        anew();
                        struct lying *bad = &cards[i % 2 ? 0 : 2];
                        bad->fails = ops[o];
                        bad->with = with[i / 2];
                        assert_int_equal(ask_for(ASKED), 0);
                        assert_string_equal(last_question.reader, "Reader B");
                }
}

static void a_slow_card_is_passed_over(void **state)
{
        static const enum op ops[] = { OP_BEGIN, OP_IDENTIFY, OP_READ, OP_END };
        (void)state;
        for (size_t i = 0; i < ARRAY_LEN(ops); i++) {
                anew();
                world.config.card_timeout_ms = 40; /* of the first */
                cards[0].then_ms = 60000;
                cards[0].silent = ops[i];
                assert_int_equal(ask_for(ASKED), 0);
                assert_int_equal(cards[0].looks, 1);
        }
}

/* ---- between look and PIN ------------------------------------------------------------------ */

static void a_card_swapped_after_the_look_is_another_card(void **state)
{
        (void)state;
        cards[1].swapped = others[2];
        assert_int_equal(ask_for(ASKED), OUTCOME_CARD_REMOVED);
        assert_int_equal(world.prompts + world.pins + world.ops[OP_CONFIRM], 0);
        anew();
        cards[1].swapped = second; /* of the same number */
        assert_int_equal(ask_for(ASKED), OUTCOME_CARD_REMOVED);
        assert_int_equal(world.prompts + world.pins + world.ops[OP_CONFIRM], 0);
}

static void a_cancel_at_any_moment_frees_everything(void **state)
{
        (void)state;
        assert_int_equal(ask_for(ASKED), 0);
        unsigned int total = world.total;
        assert_true(total > 20);
        for (unsigned int n = 0; n < total; n++) {
                anew();
                struct request_params params = good_params();
                params.expect_national_number = ASKED;
                world.cancel_at = n;
                drive(&params);
                assert_false(world.done);
        }
}

static void the_time_limit_ends_a_search(void **state)
{
        struct request_params params = good_params();
        (void)state;
        params.expect_national_number = ASKED;
        params.timeout_ms = 30;
        cards[0].silent = OP_BEGIN;
        drive(&params);
        assert_int_equal(world.outcome, OUTCOME_TIMED_OUT);
}

/* ---- what stays ---------------------------------------------------------------------------- */

static void on_over(void *user, int result)
{
        int *ret = user;
        *ret = result;
        (void)sd_event_exit(world.event, 0);
}

static void nothing_stays_of_a_card_that_was_not_looked_for(void **state)
{
        const char *const names[] = { cards[0].reader, cards[1].reader, cards[2].reader };
        const X509 *const leaves[] = { others[0], meant, others[1] };
        struct search *search;
        int result = -1;
        (void)state;
        world.agreed = true;
        assert_int_equal(search_new(&search, &world.context, "", ASKED, names, 3), 0);
        assert_int_equal(search_start(search, on_over, &result), 0);
        assert_return_code(sd_event_loop(world.event), 0);
        assert_int_equal(result, 0);
        for (size_t i = 0; i < 3; i++) {
                uint8_t print[GATE_PRINT_SIZE];
                assert_int_equal(X509_digest(leaves[i], EVP_sha256(), print, NULL), 1);
                const void *found = memmem(search, malloc_usable_size(search), print, sizeof print);
                assert_int_equal(found != NULL, leaves[i] == meant);
        }
        search_free(search);
}

/* ---- running them -------------------------------------------------------------------------- */

static int issue(void **state)
{
        static const char *const numbers[] = { "0012345687 - SIG", "0012345660 - SIG", TESTPKI_CN };
        struct testpki_spec spec = { .cn = ASKED " - SIG" };
        int r = make_pki(state);
        meant = testpki_issue(shared_pki, &spec);
        second = testpki_issue(shared_pki, &spec);
        for (size_t i = 0; i < ARRAY_LEN(others); i++) {
                spec.cn = numbers[i];
                others[i] = testpki_issue(shared_pki, &spec);
        }
        return r;
}

static int withdraw(void **state)
{
        X509_free(meant);
        X509_free(second);
        for (size_t i = 0; i < ARRAY_LEN(others); i++)
                X509_free(others[i]);
        return drop_pki(state);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, lay, teardown)

int main(void)
{
        const struct CMUnitTest tests[] = {
                CASE(the_card_of_the_expected_holder_is_found),
                CASE(one_among_sixteen_is_found),
                CASE(what_was_read_before_is_not_read_again),
                CASE(two_cards_of_one_number_are_asked_about_by_their_readers),
                CASE(without_a_yes_no_card_is_met),
                CASE(who_cannot_be_asked_is_told_to_name_a_reader),
                CASE(only_a_number_and_several_cards_lead_there),
                CASE(readers_that_are_in_use_are_left_alone),
                CASE(not_found_is_one_answer),
                CASE(an_expected_number_that_none_can_carry_is_not_found),
                CASE(a_card_that_fails_is_passed_over),
                CASE(a_slow_card_is_passed_over),
                CASE(a_card_swapped_after_the_look_is_another_card),
                CASE(a_cancel_at_any_moment_frees_everything),
                CASE(the_time_limit_ends_a_search),
                CASE(nothing_stays_of_a_card_that_was_not_looked_for),
        };
        return cmocka_run_group_tests(tests, issue, withdraw);
}

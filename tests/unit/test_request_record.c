/* SPDX-License-Identifier: Apache-2.0 */
/* test_request_record.c: rules before anything, rows around every prompt, and what was declined. */
#include "tests/unit/request_world.h"

#include "base/clock.h"
#include "client-sdk/base64.h"

static char *payload(void)
{
        const char *from = strchr(world.assertion, '.') + 1;
        size_t len = strcspn(from, ".");
        char *text = calloc(1, len + 1);
        assert_true(base64_decode(BASE64_URL, (uint8_t *)text, len, from, len) > 0);
        return text;
}

static bool says(const char *member)
{
        char *text = payload();
        bool found = strstr(text, member) != NULL;
        free(text);
        return found;
}

static struct request_params stated_params(void)
{
        struct request_params params = good_params();
        params.station = json_pack("{s:s}", "operator", "7");
        return params;
}

static void an_assertion_has_two_rows(void **state)
{
        (void)state;
        assert_int_equal(ask(), 0);
        assert_int_equal(world.intents, 1);
        assert_string_equal(world.end, "Ok");
        assert_int_equal(world.ended_released, CLAIMS_ALL & ~CLAIM_STATION); /* it stated none */
        assert_int_equal(world.ended_declined, CLAIMS_NONE);
        assert_false(world.ended_remember);
}

static void without_its_row_nobody_is_asked(void **state)
{
        static const int outcomes[] = { OUTCOME_CANNOT_RECORD, OUTCOME_POLICY };
        (void)state;
        for (size_t i = 0; i < ARRAY_LEN(outcomes); i++) {
                reset_counts();
                world.intent_outcome = outcomes[i];
                assert_int_equal(ask(), outcomes[i]);
                assert_int_equal(world.prompts, 0);
                assert_int_equal(world.pins, 0);
                assert_int_equal(world.ends, 0);
                assert_string_equal(world.detail, "the history says no");
        }
}

static void who_is_paused_hears_for_how_long(void **state)
{
        (void)state;
        world.intent_outcome = OUTCOME_POLICY;
        world.told.wait_s = 90;
        struct request_params params = good_params();
        drive(&params);
        assert_int_equal(world.outcome, OUTCOME_POLICY);
        assert_string_equal(world.detail_copy, "the history says no; again in 90 s");
}

static void without_its_second_row_no_assertion_leaves(void **state)
{
        (void)state;
        world.end_outcome = OUTCOME_CANNOT_RECORD;
        assert_int_equal(ask(), OUTCOME_CANNOT_RECORD);
        assert_null(world.assertion);
        assert_int_equal(world.pins, 1);
}

static void a_row_that_is_being_written_is_waited_for_past_the_limit(void **state)
{
        (void)state;
        struct request_params params = good_params();
        int64_t began = clock_ms();
        assert_int_equal(ask(), 0);
        params.timeout_ms = (unsigned int)(600 + 20 * (clock_ms() - began)); /* enough to sign */
        world.end_after_ms = params.timeout_ms + 200;
        reset_counts();
        drive(&params);
        assert_int_equal(world.outcome, 0);
        assert_string_equal(world.end, "Ok");
}

static void a_failure_stays_itself_when_its_row_cannot_be_written(void **state)
{
        (void)state;
        world.end_outcome = OUTCOME_CANNOT_RECORD;
        world.person_outcome = OUTCOME_REFUSED;
        assert_int_equal(ask(), OUTCOME_REFUSED);
        assert_string_equal(world.end, "RefusedByPerson");
}

static void what_never_reached_a_person_has_no_row(void **state)
{
        (void)state;
        world.acquire_outcome = OUTCOME_NO_CARD;
        assert_int_equal(ask(), OUTCOME_NO_CARD);
        assert_int_equal(world.intents, 0);
}

static void a_choice_of_readers_is_a_prompt_too(void **state)
{
        static const char *const cards[] = { READER, "Other Reader", NULL };
        (void)state;
        world.cards = cards;
        world.person_outcome = OUTCOME_REFUSED;
        assert_int_equal(ask(), OUTCOME_REFUSED);
        assert_int_equal(world.choices, 1);
        assert_int_equal(world.intents, 1);
        assert_string_equal(world.end, "RefusedByPerson");
}

/* The page says what the history will have, and whose it is. */
static void what_is_kept_and_where_is_told_before_the_yes(void **state)
{
        static const struct {
                bool values, station, identity, by_station;
        } rows[] = { { false, false, false, false }, { true, false, true, false },
                { false, true, false, true }, { true, true, false, true } };
        (void)state;
        for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
                world.config.history_values = rows[i].values;
                world.config.history_station = rows[i].station;
                assert_int_equal(ask(), 0);
                assert_true(last_question.recorded);
                assert_int_equal(last_question.recorded_identity, rows[i].identity);
                assert_int_equal(last_question.recorded_by_station, rows[i].by_station);
                reset_counts();
        }
}

static void what_is_declined_does_not_leave(void **state)
{
        (void)state;
        struct request_params params = stated_params();
        params.required = CLAIM_CARD_GENERATION;
        params.optional = CLAIM_READER | CLAIM_STATION;
        world.declines = CLAIM_STATION;
        drive(&params);
        assert_int_equal(world.outcome, 0);
        assert_int_equal(world.ended_released, CLAIM_CARD_GENERATION | CLAIM_READER);
        assert_int_equal(world.ended_declined, CLAIM_STATION);
        assert_true(says("\"generation\":\"mav2\""));
        assert_true(says("\"reader\":\"" READER "\""));
        assert_false(says("operator"));
        json_decref(params.station);
}

static void what_is_not_there_is_not_offered(void **state)
{
        (void)state;
        struct request_params params = good_params();
        params.required = CLAIM_STATION | CLAIM_READER;
        params.optional = CLAIM_CARD_EXPIRY;
        drive(&params);
        assert_int_equal(world.outcome, 0);
        assert_int_equal(last_question.required, CLAIM_READER);
        assert_int_equal(world.ended_declined, CLAIMS_NONE);
}

static void what_no_rule_allows_is_not_even_asked(void **state)
{
        (void)state;
        world.forbidden = CLAIM_READER;
        assert_int_equal(ask(), 0);
        assert_int_equal(last_question.optional, CLAIM_CARD_GENERATION | CLAIM_CARD_EXPIRY);
        assert_false(says("\"reader\":"));
}

static void rules_refuse_before_any_card(void **state)
{
        (void)state;
        world.consent_mode = POLICY_REFUSE;
        assert_int_equal(ask(), OUTCOME_POLICY);
        assert_string_equal(world.detail, "a rule refuses");
        assert_int_equal(world.acquired, 0);
        assert_int_equal(world.refusals, 1);
        reset_counts();
        world.consent_mode = POLICY_ASK;
        world.forbidden = CLAIM_STATION;
        struct request_params params = good_params();
        params.required = CLAIM_STATION;
        params.optional = CLAIMS_NONE;
        drive(&params);
        assert_int_equal(world.outcome, OUTCOME_POLICY);
        assert_int_equal(world.acquired, 0);
        assert_int_equal(world.refusals, 1);
}

static void rules_about_cards_refuse_before_a_person(void **state)
{
        (void)state;
        world.wants_real = true;
        assert_int_equal(ask(), OUTCOME_POLICY);
        assert_int_equal(world.prompts, 0);
        assert_int_equal(world.refusals, 1);
        reset_counts();
        world.wants_real = false;
        world.wants_pinpad = true;
        assert_int_equal(ask(), OUTCOME_POLICY);
        assert_int_equal(world.prompts, 0);
        assert_int_equal(world.refusals, 1);
        reset_counts();
        world.pinpad = PINPAD_VERIFY;
        assert_int_equal(ask(), 0);
}

static void a_level_must_be_stated_by_the_certificate(void **state)
{
        static const struct {
                const char *stated;
                unsigned int wanted;
                int outcome;
        } rows[] = {
                { NULL, 0, 0 },
                { NULL, 1, OUTCOME_POLICY },
                { "2.16.364.101.1.1.2", 1, 0 },
                { "2.16.364.101.1.1.2", 2, 0 },
                { "2.16.364.101.1.1.2", 3, OUTCOME_POLICY },
        };
        (void)state;
        for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
                struct testpki_spec spec = { .cn = TESTPKI_CN_NN, .policies = rows[i].stated };
                reset_counts();
                X509_free(world.files[0]);
                world.files[0] = testpki_issue(shared_pki, &spec);
                world.events++;
                world.insertion++;
                world.wants_level = rows[i].wanted;
                assert_int_equal(ask(), rows[i].outcome);
                assert_int_equal(world.prompts, rows[i].outcome == 0);
        }
}

static void a_grant_needs_an_identity_that_no_program_takes_on(void **state)
{
        (void)state;
        struct request_params params = good_params();
        params.remember = true;
        world.remembers = true;
        world.consent_mode = POLICY_GRANT;
        drive(&params);
        assert_int_equal(world.outcome, 0);
        assert_false(last_question.may_remember); /* a program's path */
        assert_false(world.ended_remember);
        reset_counts();
        snprintf(params.peer.flatpak, sizeof params.peer.flatpak, "org.example.App");
        drive(&params);
        assert_true(last_question.may_remember);
        assert_true(world.asked_for_grant);
        assert_true(world.ended_remember);
        reset_counts();
        world.consent_mode = POLICY_ASK; /* no rule lets anybody be remembered */
        drive(&params);
        assert_false(last_question.may_remember);
        assert_false(world.asked_for_grant);
}

static void a_grant_covers_what_was_agreed_to_then(void **state)
{
        (void)state;
        struct request_params params = good_params();
        snprintf(params.peer.flatpak, sizeof params.peer.flatpak, "org.example.App");
        params.remember = true;
        world.consent_mode = POLICY_GRANT;
        world.told = (struct history_told){
                .granted = true, .grant = "cafe", .released = CLAIM_CARD_GENERATION
        };
        drive(&params);
        assert_int_equal(world.outcome, 0);
        assert_true(last_question.granted);
        assert_false(last_question.may_remember);
        assert_int_equal(last_question.optional, CLAIM_CARD_GENERATION);
        assert_int_equal(world.ended_released, CLAIM_CARD_GENERATION);
        assert_true(world.pins == 1); /* the PIN is asked for all the same */
        assert_false(says("\"reader\":"));
}

static void a_signed_request_speaks_for_itself(void **state)
{
        (void)state;
        struct request_params params = good_params();
        params.audience = params.nonce = params.purpose = NULL;
        params.signed_request = "signed";
        params.optional = CLAIMS_NONE;
        drive(&params);
        assert_int_equal(world.outcome, 0);
        assert_string_equal(world.shown_to, ORGANIZATION " for https://bank.example");
        assert_int_equal(last_question.required, CLAIM_CARD_EXPIRY);
        assert_true(says("\"aud\":\"https://bank.example\""));
        assert_true(says("\"nonce\":\"fedcba9876543210\""));
        reset_counts();
        for (size_t i = 0; i < 2; i++) {
                world.relying_outcome = i == 0 ? OUTCOME_POLICY : OUTCOME_INVALID;
                drive(&params);
                assert_int_equal(world.outcome, OUTCOME_POLICY);
                assert_string_equal(world.detail, "not signed well");
                assert_int_equal(world.acquired, 0);
                assert_int_equal(world.refusals, 1);
                reset_counts();
        }
}

static void who_hangs_up_leaves_a_row(void **state)
{
        (void)state;
        assert_int_equal(ask(), 0);
        unsigned int last = world.total;
        for (unsigned int at = 0; at < last; at++) {
                reset_counts();
                world.events++;
                world.cancel_at = at;
                struct request_params params = good_params();
                drive(&params);
                assert_int_equal(world.intents, world.prompts);
                if (world.intents && !world.done)
                        assert_string_equal(world.end, "Cancelled");
        }
}

static void hang_up(unsigned int at, bool wrong)
{
        struct request_params params = good_params();
        reset_counts();
        world.events++;
        world.tries = 3;
        world.fail_with = wrong ? OUTCOME_WRONG_PIN : 0;
        world.cancel_at = at;
        drive(&params);
}

/* Or an app could have wrong PINs typed that its pause never hears of. */
static void who_hangs_up_on_a_pin_leaves_what_became_of_it(void **state)
{
        (void)state;
        unsigned int doubts = 0, wrong_ones = 0;
        assert_int_equal(ask(), 0); /* from here on the card is known */
        for (int wrong = 0; wrong < 2; wrong++)
                for (unsigned int at = 0; hang_up(at, wrong), !world.done; at++) {
                        bool answered = world.ops[OP_VERIFY] == 1;
                        bool doubt = the_reader.op == OP_PIN || the_reader.op == OP_VERIFY;
                        assert_int_equal(strcmp(world.end_detail, DETAIL_TRY_AT_RISK) == 0, doubt);
                        if (wrong && answered)
                                assert_string_equal(world.end, "WrongPin");
                        doubts += doubt;
                        wrong_ones += wrong && answered;
                }
        assert_int_equal(doubts, 4); /* VERIFY goes along with the digits */
        assert_int_equal(wrong_ones, 1);
}

int main(void)
{
#define T(test) cmocka_unit_test_setup_teardown(test, setup, teardown)
        const struct CMUnitTest tests[] = {
                T(an_assertion_has_two_rows),
                T(without_its_row_nobody_is_asked),
                T(who_is_paused_hears_for_how_long),
                T(without_its_second_row_no_assertion_leaves),
                T(a_row_that_is_being_written_is_waited_for_past_the_limit),
                T(a_failure_stays_itself_when_its_row_cannot_be_written),
                T(what_never_reached_a_person_has_no_row),
                T(a_choice_of_readers_is_a_prompt_too),
                T(what_is_kept_and_where_is_told_before_the_yes),
                T(what_is_declined_does_not_leave),
                T(what_is_not_there_is_not_offered),
                T(what_no_rule_allows_is_not_even_asked),
                T(rules_refuse_before_any_card),
                T(rules_about_cards_refuse_before_a_person),
                T(a_level_must_be_stated_by_the_certificate),
                T(a_grant_needs_an_identity_that_no_program_takes_on),
                T(a_grant_covers_what_was_agreed_to_then),
                T(a_signed_request_speaks_for_itself),
                T(who_hangs_up_leaves_a_row),
                T(who_hangs_up_on_a_pin_leaves_what_became_of_it),
        };
        return cmocka_run_group_tests(tests, make_pki, drop_pki);
}

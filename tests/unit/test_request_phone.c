/* SPDX-License-Identifier: Apache-2.0 */
/* test_request_phone.c: the way of a request whose reader is a phone (request_world.h): what it is told before the PIN, by
 * both who tells and who judges it (daemon/announce.c, daemon/relay/announced.c), where the PIN is typed, and what the phone's
 * words mean here.
 */
#include "tests/unit/request_world.h"

#include "daemon/prompt/question.h"
#include "daemon/relay/announced.h"

static struct announced *judged(const struct relying *relying)
{
        const struct announced_by by = { "counter-3", relying, TESTPKI_NOW };
        struct announced *announced = NULL;
        const char *detail = NULL;
        assert_int_equal(
                announced_take(&announced,
                        (struct view){ world.announcement, world.announcement_len }, &by, &detail),
                0);
        return announced;
}

/* ---- what it is told ------------------------------------------------------------------------ */

static void a_phone_hears_what_was_agreed_to_and_asks_for_the_pin(void **state)
{
        (void)state;
        world.linked = true;
        world.pinpad = PINPAD_VERIFY;
        world.declines = CLAIM_READER;
        assert_int_equal(ask(), 0);
        assert_string_equal(world.phases, "reader card consent phone sign ");
        assert_int_equal(world.ops[OP_ANNOUNCE], 1);
        assert_int_equal(world.typed, 1);
        assert_int_equal(world.ops[OP_PIN], 0);
        assert_true(last_question.on_phone);
        assert_true(station_says("phone"));
        struct announced *announced = judged(NULL);
        struct person_question told = announced_question(announced);
        assert_string_equal(told.audience, "https://office.example");
        assert_string_equal(told.purpose, "test");
        assert_string_equal(told.app, "/usr/bin/app");
        assert_string_equal(told.card_number, "0099900007");
        assert_null(told.organization);
        assert_int_equal(told.required,
                last_question.required | (last_question.optional & ~(int)CLAIM_READER));
        assert_int_equal(told.tries_left, 3);
        announced_free(announced);
}

static void digits_from_the_computer_are_announced_as_well(void **state)
{
        (void)state;
        world.linked = true;
        assert_int_equal(ask(), 0);
        assert_string_equal(world.phases, "reader card consent pin sign ");
        assert_int_equal(world.ops[OP_ANNOUNCE], 1);
        assert_int_equal(world.pins, 1);
        assert_true(last_question.on_phone);
        announced_free(judged(NULL));
        assert_true(station_says("pinentry"));
}

static void a_reader_that_is_none_of_a_phones_is_told_nothing(void **state)
{
        (void)state;
        world.pinpad = PINPAD_VERIFY;
        assert_int_equal(ask(), 0);
        assert_int_equal(world.ops[OP_ANNOUNCE], 0);
        assert_false(last_question.on_phone);
}

static void a_signed_request_goes_along(void **state)
{
        (void)state;
        struct request_params params = good_params();
        params.audience = params.nonce = params.purpose = NULL;
        params.signed_request = "signed";
        params.optional = CLAIMS_NONE;
        world.linked = true;
        world.pinpad = PINPAD_VERIFY;
        drive(&params);
        assert_int_equal(world.outcome, 0);
        const struct relying *const phones[] = { (const struct relying *)&world, NULL };
        for (size_t i = 0; i < ARRAY_LEN(phones);
                i++) { /* one that can judge it, and one that cannot */
                struct announced *announced = judged(phones[i]);
                struct person_question told = announced_question(announced);
                assert_string_equal(told.organization, ORGANIZATION);
                assert_int_equal(told.not_proven_here, i == 1);
                assert_string_equal(told.audience, "https://bank.example");
                announced_free(announced);
        }
}

/* ---- documents and keys ---------------------------------------------------------------------- */

static struct question_document batch[3] = { { .name = "first.pdf" },
        { .name = "second.pdf", .kind = DOCUMENT_PDF, .form = FORM_PDF, .size = 99, .pages = 2 },
        { .name = "third.pdf" } };

static void ask_for_the_second(void *user, struct person_question *question)
{
        (void)user;
        question->work = PERSON_DOCUMENTS;
        question->documents = batch;
        question->document_count = ARRAY_LEN(batch);
        question->document_at = 1;
}

static void ask_for_a_login(void *user, struct person_question *question)
{
        (void)user;
        question->work = PERSON_KEY;
        question->content = CONTENT_SSH;
        question->content_text = "root";
}

static int compose_any(void *user, const struct request_subject *subject,
        struct request_to_sign *ret, const char **ret_detail)
{
        (void)user, (void)subject, (void)ret_detail;
        memset(ret->bytes, 7, 32);
        ret->len = 32;
        ret->method = SIGN_METHOD_COUNT;
        return 0;
}

static int finish_any(void *user, const struct request_subject *subject, const uint8_t *signature,
        size_t len, const char **ret_detail)
{
        (void)user, (void)subject, (void)signature, (void)len, (void)ret_detail;
        return 0;
}

static struct announced *announced_for(
        const char *method, void (*ask_for)(void *user, struct person_question *question))
{
        const struct request_work kind = { .method = method,
                .policy = POLICY_DOCUMENT,
                .ask = ask_for,
                .compose = compose_any,
                .finish = finish_any };
        const struct request_params params = { .work = &kind,
                .ui = { .tty = "/dev/pts/9" },
                .peer = { .executable = "/usr/bin/app" } };
        world.method = method;
        world.linked = true;
        world.pinpad = PINPAD_VERIFY;
        drive(&params);
        assert_int_equal(world.outcome, 0);
        return judged(NULL);
}

static void of_several_documents_the_one_at_hand_is_told(void **state)
{
        (void)state;
        struct announced *announced = announced_for("SignDocument", ask_for_the_second);
        struct person_question told = announced_question(announced);
        assert_int_equal(told.work, PERSON_DOCUMENTS);
        assert_int_equal(told.document_count, 1);
        assert_int_equal(told.document_at, 0);
        assert_string_equal(told.documents[0].name, "second.pdf");
        assert_int_equal(told.documents[0].size, 99);
        assert_int_equal(told.documents[0].pages, 2);
        assert_string_equal(told.audience, "");
        announced_free(announced);
}

static void what_a_key_signs_is_told(void **state)
{
        (void)state;
        struct announced *announced = announced_for("UseKey", ask_for_a_login);
        struct person_question told = announced_question(announced);
        assert_int_equal(told.work, PERSON_KEY);
        assert_int_equal(told.content, CONTENT_SSH);
        assert_string_equal(told.content_text, "root");
        announced_free(announced);
}

/* ---- what it says --------------------------------------------------------------------------- */

static void a_phone_that_does_not_believe_gets_no_further(void **state)
{
        (void)state;
        static const int outcomes[] = { OUTCOME_POLICY, OUTCOME_INVALID };
        for (size_t i = 0; i < ARRAY_LEN(outcomes); i++) {
                teardown(NULL);
                setup(NULL);
                world.linked = true;
                world.pinpad = PINPAD_VERIFY;
                assert_int_equal(ask(), 0);
                unsigned int begins = world.ops[OP_BEGIN];
                reset_counts();
                world.fail_at = 0;
                for (unsigned int at = 0; world.ops[OP_ANNOUNCE] == 0 && at < 40; at++) {
                        reset_counts();
                        world.fail_at = at;
                        world.fail_with = outcomes[i];
                        (void)ask();
                }
                assert_int_equal(world.ops[OP_ANNOUNCE], 1);
                assert_int_equal(world.outcome, OUTCOME_POLICY);
                assert_string_equal(world.detail, DETAIL_PHONE_REFUSED);
                assert_int_equal(world.ops[OP_BEGIN], begins - 1);
                assert_int_equal(world.typed + world.pins, 0);
        }
}

static void a_phones_words_are_told_as_a_phones(void **state)
{
        (void)state;
        static const struct {
                int outcome, tries_left;
                uint16_t sw;
                const char *detail;
                bool sent; /* and the phone said so before */
        } cases[] = {
                { OUTCOME_WRONG_PIN, 2, 0x63C2, NULL, true },
                { OUTCOME_TIMED_OUT, 3, 0x6400, DETAIL_PHONE_NOBODY, false },
                { OUTCOME_REFUSED, 3, 0x6401, DETAIL_PHONE_CANCELLED, false },
                { OUTCOME_REFUSED, 3, 0x6403, DETAIL_PHONE_CANCELLED, false },
                { OUTCOME_LAST_TRY_DECLINED, 3, 0x6401, DETAIL_PHONE_CANCELLED, false },
                { OUTCOME_LAST_TRY_DECLINED, 3, 0, DETAIL_PHONE_LAST_TRY, false },
                { OUTCOME_NOBODY_TO_ASK, 3, 0, DETAIL_PHONE_NOTHING_TO_ASK_ON, false },
                { OUTCOME_POLICY, 3, 0, DETAIL_PHONE_REFUSED, false },
                { OUTCOME_BUSY, 3, 0, DETAIL_PHONE_BUSY, false },
                { OUTCOME_INTERNAL, 3, 0, "the phone sent no PIN to the card", false },
                { OUTCOME_TIMED_OUT, 3, 0, DETAIL_PHONE_LOST_ASKING, false },
                { OUTCOME_CARD_REMOVED, 3, 0, DETAIL_PHONE_LOST_ASKING, false },
                { OUTCOME_NO_READER, 3, 0, DETAIL_PHONE_LOST_ASKING, false },
                { OUTCOME_TIMED_OUT, -1, 0, DETAIL_TRY_AT_RISK, true },
                { OUTCOME_TIMED_OUT, -1, 0x6400, DETAIL_TRY_AT_RISK, true },
                { OUTCOME_REFUSED, -1, 0x6401, DETAIL_TRY_AT_RISK, true },
                { OUTCOME_CARD_REMOVED, -1, 0, DETAIL_TRY_AT_RISK, true },
        };
        for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
                teardown(NULL);
                setup(NULL);
                world.linked = true;
                world.pinpad = PINPAD_VERIFY;
                world.pinpad_outcome = cases[i].outcome;
                world.pinpad_sw = cases[i].sw;
                world.pin_sent = cases[i].sent;
                assert_int_equal(ask(), cases[i].outcome);
                assert_int_equal(world.tries_left, cases[i].tries_left);
                assert_int_equal(world.ops[OP_SIGN] + world.pins, 0);
                assert_int_equal(world.resets, 1);
                if (cases[i].detail)
                        assert_string_equal(world.detail, cases[i].detail);
        }
}

static void a_link_that_breaks_is_not_called_a_card_or_a_reader_that_went(void **state)
{
        (void)state;
        static const struct {
                int outcome;
                const char *detail;
        } ends[] = { { OUTCOME_CARD_REMOVED, DETAIL_PHONE_LOST },
                { OUTCOME_NO_READER, DETAIL_PHONE_AWAY } };
        for (size_t i = 0; i < 2 * ARRAY_LEN(ends); i++) {
                teardown(NULL);
                setup(NULL);
                world.linked = true;
                world.parted = i % 2;
                world.fail_at = 1;
                world.fail_with = ends[i / 2].outcome;
                world.fail_dead = true;
                assert_int_equal(ask(), ends[i / 2].outcome);
                bool told = world.detail && strcmp(world.detail, ends[i / 2].detail) == 0;
                assert_int_equal(told, world.parted);
        }
}

static void a_rule_that_wants_a_pin_pad_takes_no_phone(void **state)
{
        (void)state;
        world.linked = world.wants_pinpad = true;
        world.pinpad = PINPAD_VERIFY;
        assert_int_equal(ask(), OUTCOME_POLICY);
        assert_int_equal(world.prompts + world.typed, 0);
}

static void a_phone_that_asks_itself_is_refused_before_consent_where_pads_are(void **state)
{
        (void)state;
        for (int asks = 0; asks < 2; asks++) {
                teardown(NULL);
                setup(NULL);
                world.linked = true;
                world.asks_pin = asks;
                world.config.pinpad = false;
                assert_int_equal(ask(), asks ? OUTCOME_POLICY : OUTCOME_OK);
                assert_int_equal(world.prompts, asks ? 0 : 1);
                assert_int_equal(world.ops[OP_ANNOUNCE] + world.pins, asks ? 0 : 2);
                if (asks)
                        assert_string_equal(world.detail, DETAIL_PHONE_ASKS);
        }
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
        const struct CMUnitTest tests[] = {
                T(a_phone_hears_what_was_agreed_to_and_asks_for_the_pin),
                T(digits_from_the_computer_are_announced_as_well),
                T(a_reader_that_is_none_of_a_phones_is_told_nothing),
                T(a_signed_request_goes_along),
                T(of_several_documents_the_one_at_hand_is_told),
                T(what_a_key_signs_is_told),
                T(a_phone_that_does_not_believe_gets_no_further),
                T(a_phones_words_are_told_as_a_phones),
                T(a_link_that_breaks_is_not_called_a_card_or_a_reader_that_went),
                T(a_rule_that_wants_a_pin_pad_takes_no_phone),
                T(a_phone_that_asks_itself_is_refused_before_consent_where_pads_are),
        };
#undef T
        return cmocka_run_group_tests(tests, make_pki, drop_pki);
}

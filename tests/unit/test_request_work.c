/* SPDX-License-Identifier: Apache-2.0 */
/* test_request_work.c: what is asked for besides an assertion goes the same way: its own functions are called when they
 * may be, and at no other moment.
 */
#include "tests/unit/request_world.h"

static struct work {
        struct request *request;
        unsigned int prepared, recorded, asked, composed, finished, ended;
        bool waits; /* prepare() is not done at once */
        int prepare_outcome, compose_outcome;
        uint8_t method;
        sd_event_source *later;
        char consent[33];
} work;

static int on_later(sd_event_source *source, void *user)
{
        (void)source, (void)user;
        work.later = sd_event_source_unref(work.later);
        request_prepared(work.request, work.prepare_outcome, "the document went bad");
        return 0;
}

static int do_prepare(void *user, struct request *request, const struct request_subject *subject,
        const char **ret_detail)
{
        assert_ptr_equal(user, &work);
        assert_false(world.open); /* no transaction while something else takes its time */
        assert_true(subject->leaf && subject->print && world.intents == 0);
        assert_string_equal(subject->reader, READER);
        work.prepared++;
        work.request = request;
        if (!work.waits) {
                *ret_detail = "the document is bad";
                return work.prepare_outcome;
        }
        assert_return_code(sd_event_add_defer(world.event, &work.later, on_later, NULL), 0);
        return REQUEST_WAIT;
}

static void do_record(void *user, struct history_asked *asked)
{
        assert_ptr_equal(user, &work);
        asked->document = "contract.pdf";
        snprintf(work.consent, sizeof work.consent, "%s", asked->consent ? asked->consent : "");
        work.recorded++;
}

static void do_ask(void *user, struct person_question *question)
{
        assert_ptr_equal(user, &work);
        assert_int_equal(work.recorded, 1);
        assert_non_null(question->card_number);
        work.asked++;
}

static void do_ask_for_certificates(void *user, struct person_question *question)
{
        do_ask(user, question);
        question->work = PERSON_CERTIFICATES;
}

static int do_compose(void *user, const struct request_subject *subject,
        struct request_to_sign *ret, const char **ret_detail)
{
        assert_ptr_equal(user, &work);
        assert_true(subject->when > 0);
        assert_int_equal(
                work.composed++ == 0, world.prompts == 0); /* a rehearsal, then the PIN was right */
        memset(ret->bytes, 7, 32);
        ret->len = 32;
        ret->method = work.method;
        *ret_detail = "it cannot be composed";
        return work.compose_outcome;
}

static int do_finish(void *user, const struct request_subject *subject, const uint8_t *signature,
        size_t len, const char **ret_detail)
{
        assert_ptr_equal(user, &work);
        assert_true(subject->leaf && signature && len == 256);
        *ret_detail = "it does not verify";
        work.finished++;
        return 0;
}

static void do_end(void *user, struct history_ended *ended)
{
        static const char digest[] =
                "abababababababababababababababababababababababababababababababab";
        assert_ptr_equal(user, &work);
        assert_string_equal(ended->outcome, "Ok");
        ended->signature = digest;
        work.ended++;
}

static const struct request_work document = { "SignDocument", POLICY_DOCUMENT, false, do_prepare,
        do_record, do_ask, do_compose, do_finish, do_end, false };
static const struct request_work certificates = { .method = "ShowCertificates",
        .policy = POLICY_KEYS,
        .no_pin = true,
        .record = do_record,
        .ask = do_ask_for_certificates };

static struct request_params params_of(const struct request_work *kind)
{
        return (struct request_params){
                .work = kind,
                .work_user = &work,
                .purpose = "test",
                .ui = { .tty = "/dev/pts/9" },
                .peer = { .executable = "/usr/bin/app" },
        };
}

static int asks_for(const struct request_work *kind)
{
        struct request_params params = params_of(kind);
        world.method = kind->method;
        drive(&params);
        assert_true(world.done);
        return world.outcome;
}

static int prepare_test(void **state)
{
        work = (struct work){ .method = SIGN_METHOD_COUNT };
        return setup(state);
}

static void a_document_is_prepared_recorded_told_composed_and_finished(void **state)
{
        (void)state;
        for (unsigned int waits = 0; waits < 2; waits++) {
                work = (struct work){ .method = SIGN_METHOD_COUNT, .waits = waits };
                reset_counts();
                assert_int_equal(asks_for(&document), 0);
                assert_int_equal(work.prepared, 1);
                assert_int_equal(work.recorded, 1);
                assert_int_equal(work.asked, 1);
                assert_int_equal(work.composed, 2);
                assert_int_equal(work.finished, 1);
                assert_int_equal(work.ended, 1);
                assert_int_equal(world.pins, 1);
                assert_non_null(strstr(world.phases, "reading consent"));
        }
}

static void what_cannot_be_prepared_or_composed_troubles_nobody(void **state)
{
        (void)state;
        for (unsigned int i = 0; i < 3; i++) {
                reset_counts();
                work = (struct work){ .method = SIGN_METHOD_COUNT, .waits = i == 1 };
                if (i < 2)
                        work.prepare_outcome = OUTCOME_USAGE;
                else
                        work.compose_outcome = OUTCOME_USAGE;
                assert_int_equal(asks_for(&document), OUTCOME_USAGE);
                assert_int_equal(world.intents + world.prompts + world.pins + work.finished, 0);
                assert_non_null(world.detail);
        }
}

static void a_method_of_its_own_goes_to_the_card_as_it_is(void **state)
{
        (void)state;
        work.method = SIGN_RSA_DIGESTINFO;
        world.good_method = SIGN_RSA_DIGESTINFO; /* the plan's first is another one */
        assert_int_equal(asks_for(&document), 0);
        assert_int_equal(work.finished, 1);
}

static void certificates_take_a_yes_and_no_pin(void **state)
{
        (void)state;
        world.tries = 1; /* nobody is asked about a last try that is not risked */
        assert_int_equal(asks_for(&certificates), 0);
        assert_int_equal(world.prompts, 1);
        assert_int_equal(world.consents, 1);
        assert_int_equal(
                world.pins + world.ops[OP_COUNTER] + world.ops[OP_VERIFY] + world.ops[OP_SIGN], 0);
        assert_int_equal(last_question.work, PERSON_CERTIFICATES);
        assert_false(last_question.tell_unproven);
        reset_counts();
        work.recorded = 0;
        world.person_outcome = OUTCOME_REFUSED;
        assert_int_equal(asks_for(&certificates), OUTCOME_REFUSED);
}

static void consent_of_before_is_for_the_very_same_card(void **state)
{
        uint8_t print[GATE_PRINT_SIZE];
        unsigned int len;
        (void)state;
        assert_int_equal(X509_digest(world.files[0], EVP_sha256(), print, &len), 1);
        for (unsigned int other = 0; other < 2; other++) {
                struct request_params params = params_of(&document);
                params.consent_of = "0123456789abcdef0123456789abcdef";
                params.consent_print = print;
                print[0] ^= (uint8_t)other;
                work = (struct work){ .method = SIGN_METHOD_COUNT };
                reset_counts();
                world.method = document.method;
                drive(&params);
                assert_int_equal(world.outcome, 0);
                assert_int_equal(world.pins, 1); /* the PIN is asked for all the same */
                assert_int_equal(last_question.granted, other == 0);
                assert_string_equal(work.consent, other ? "" : params.consent_of);
        }
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, prepare_test, teardown)

int main(void)
{
        const struct CMUnitTest tests[] = {
                CASE(a_document_is_prepared_recorded_told_composed_and_finished),
                CASE(what_cannot_be_prepared_or_composed_troubles_nobody),
                CASE(a_method_of_its_own_goes_to_the_card_as_it_is),
                CASE(certificates_take_a_yes_and_no_pin),
                CASE(consent_of_before_is_for_the_very_same_card),
        };
        return cmocka_run_group_tests(tests, make_pki, drop_pki);
}

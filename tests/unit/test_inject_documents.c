/* SPDX-License-Identifier: Apache-2.0 */
/* test_inject_documents.c: documents added and signed while memory and system calls fail one by one. What comes of it is an answer;
 * nothing is written without its row, nothing is half kept, and the next one is signed.
 */
#include "tests/unit/inject_world.h"

#include "tests/unit/documents_world.h"

static const struct inject sweeps[] = { INJECT(INJECT_MEMORY | INJECT_SYSTEM),
        INJECT_EVERY(INJECT_OPENSSL, 97) };

static void again(void)
{
        documents_down(NULL);
        documents_up(NULL);
}

static void adding_is_an_answer(void **state)
{
        (void)state;
        FOR_EACH_FAILURE(in, sweeps)
        {
                const struct document_asked asked = asked_for(FORM_PDF);
                again();
                inject_arm(&in);
                struct document *document = add_this(&asked);
                json_t *told = document ? document_described(document) : NULL;
                inject_disarm(&in);
                HOLDS(in, in.failed || (document && told));
                HOLDS(in, document || bench.outcome < 0 || bench.outcome == OUTCOME_INTERNAL ||
                                  bench.outcome == OUTCOME_DOCUMENT);
                HOLDS(in, bench.all == (document != NULL));
                json_decref(told);
        }
}

static void signing_is_an_answer(enum question_form form, bool stamped)
{
        FOR_EACH_FAILURE(in, sweeps)
        {
                again();
                struct document *document = add(form);
                document->asked.stamp.page = stamped;
                document->asked.stamp.width = document->asked.stamp.height = 100;
                inject_arm(&in);
                int r = sign(&document, 1);
                inject_disarm(&in);
                HOLDS(in, in.failed || r == 0);
                HOLDS(in, (r == 0) == is_written(0));
                HOLDS(in, bench.all == (r != 0));
                if (r != 0)
                        assert_int_equal(sign(&document, 1), 0);
        }
}

static void signing_a_file_is_an_answer(void **state)
{
        (void)state;
        signing_is_an_answer(FORM_CMS, false);
}

static void signing_a_pdf_is_an_answer(void **state)
{
        (void)state;
        signing_is_an_answer(FORM_PDF, true);
}

static void signing_json_is_an_answer(void **state)
{
        (void)state;
        signing_is_an_answer(FORM_JWS, false);
}

static void countersigning_is_an_answer(void **state)
{
        (void)state;
        signing_is_an_answer(FORM_COUNTERSIGNATURE, false);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, documents_up, documents_down)

int main(void)
{
        const struct CMUnitTest tests[] = {
                CASE(adding_is_an_answer),
                CASE(signing_a_file_is_an_answer),
                CASE(signing_a_pdf_is_an_answer),
                CASE(signing_json_is_an_answer),
                CASE(countersigning_is_an_answer),
        };
        inject_init();
        alarm(360);
        return cmocka_run_group_tests_name("inject_documents", tests, make_pki, drop_pki);
}

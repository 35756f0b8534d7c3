/* SPDX-License-Identifier: Apache-2.0 */
/* test_documents.c: documents from Add to their signatures, with a worker that says what a test wants, and a card and a person
 * who keep watch: what is described, what is agreed to, in which order things are written, and what is left of each failure.
 */
#include "tests/unit/documents_world.h"

static void an_added_document_is_described(void **state)
{
        (void)state;
        struct document *document = add(FORM_PDF);
        assert_non_null(document);
        json_t *told = document_described(document);
        assert_string_equal(json_string_value(json_object_get(told, "kind")), "pdf");
        assert_string_equal(json_string_value(json_object_get(told, "digest")), HEX64);
        assert_int_equal(json_integer_value(json_object_get(told, "size")), 7);
        assert_int_equal(json_integer_value(json_object_get(told, "pages")), 3);
        assert_int_equal(json_integer_value(json_object_get(told, "signatures")), 1);
        const char *handle = json_string_value(json_object_get(told, "document"));
        assert_ptr_equal(documents_find(bench.documents, handle), document);
        assert_null(documents_find(bench.documents, "0123"));
        json_decref(told);
}

static void what_cannot_be_a_description_is_none(void **state)
{
        static const char *const rows[] = {
                "{\"ok\":true}",
                "{\"ok\":true,\"size\":-1,\"sha256\":\"" HEX64 "\",\"sha384\":\"" HEX96
                "\",\"kind\":\"pdf\"}",
                "{\"ok\":true,\"size\":\"7\",\"sha256\":\"" HEX64 "\",\"sha384\":\"" HEX96
                "\",\"kind\":\"pdf\"}",
                "{\"ok\":true,\"size\":7,\"sha256\":\"" HEX96 "\",\"sha384\":\"" HEX96
                "\",\"kind\":\"pdf\"}",
                "{\"ok\":true,\"size\":7,\"sha256\":\"" HEX64 "\",\"sha384\":\"" HEX64
                "\",\"kind\":\"pdf\"}",
                "{\"ok\":true,\"size\":7,\"sha256\":7,\"sha384\":\"" HEX96 "\",\"kind\":\"pdf\"}",
                DESCRIBED("exe") "}",
                DESCRIBED("pdf") ",\"pages\":-1}",
                DESCRIBED("pdf") ",\"pages\":99999999999}",
                DESCRIBED("pdf") ",\"pages\":true}",
                DESCRIBED("pdf") ",\"signatures\":\"1\"}",
        };
        (void)state;
        for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
                const struct document_asked asked = asked_for(FORM_PDF);
                bench.says[INSPECT] = rows[i];
                assert_null(add_this(&asked));
                assert_int_equal(bench.outcome, OUTCOME_INTERNAL);
                assert_int_equal(bench.all, 0);
        }
}

static void form_and_kind_must_fit(void **state)
{
        static const struct {
                enum question_form form;
                const char *says, *why;
        } rows[] = {
                { FORM_PDF, DESCRIBED("other") "}", "not-a-pdf" },
                { FORM_JWS, DESCRIBED("pdf") "}", "not-json" },
                { FORM_COUNTERSIGNATURE, DESCRIBED("json") "}", "not-a-signature" },
                { FORM_PDF, DESCRIBED("pdf") ",\"unfit\":\"encrypted\"}", "encrypted" },
                { FORM_PDF, DESCRIBED("pdf") ",\"unfit\":\"a word of its own\"}", "damaged" },
                { FORM_CMS, DESCRIBED("pdf") ",\"unfit\":\"encrypted\"}", NULL },
                { FORM_CMS_ATTACHED, DESCRIBED("json") "}", NULL },
        };
        (void)state;
        for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
                const struct document_asked asked = asked_for(rows[i].form);
                bench.says[INSPECT] = rows[i].says;
                assert_int_equal(add_this(&asked) != NULL, rows[i].why == NULL);
                assert_string_equal(bench.why, rows[i].why ? rows[i].why : "");
        }
}

static void there_are_so_many_and_no_more(void **state)
{
        (void)state;
        while (!documents_full(bench.documents))
                assert_non_null(add(FORM_CMS));
        assert_int_equal(bench.documents->count, DOCUMENTS_MAX);
        struct documents *other = NULL;
        assert_int_equal(documents_new(&other, &world.context, &bench.all), 0);
        assert_false(documents_full(other));
        bench.all = DOCUMENTS_ALL_MAX;
        assert_true(documents_full(other));
        bench.all = DOCUMENTS_MAX;
        documents_free(other);
        documents_drop(bench.documents, bench.documents->list);
        assert_false(documents_full(bench.documents));
}

static void each_form_is_made_ready_and_written_behind_its_row(void **state)
{
        static const char *const works[FORMS] = { [FORM_CMS] = "write ",
                [FORM_CMS_ATTACHED] = "write ",
                [FORM_PDF] = "prepare write ",
                [FORM_JWS] = "text write ",
                [FORM_COUNTERSIGNATURE] = "countersign write " };
        (void)state;
        for (unsigned int form = 0; form < FORMS; form++) {
                documents_down(NULL);
                documents_up(NULL);
                struct document *document = add((enum question_form)form);
                assert_non_null(document);
                assert_int_equal(sign(&document, 1), 0);
                assert_string_equal(bench.works, works[form]);
                assert_true(is_written(0));
                assert_int_equal(bench.documents->count, 0); /* it is not signed again */
        }
}

static void a_stamp_is_drawn_first(void **state)
{
        struct document_asked asked = asked_for(FORM_PDF);
        (void)state;
        asked.stamp = (struct document_stamp){ 1, 36, 36, 200, 80 };
        struct document *document = add_this(&asked);
        bench.starts[STAMP] = -ENOENT; /* the package is not there */
        assert_int_equal(sign(&document, 1), OUTCOME_DOCUMENT);
        assert_string_equal(bench.why, "no-stamp");
        assert_int_equal(world.prompts + world.intents, 0);
        bench.starts[STAMP] = 0;
        bench.says[STAMP] = "{\"ok\":true,\"content\":7}";
        assert_int_equal(sign(&document, 1), OUTCOME_INTERNAL);
        bench.says[STAMP] = NULL;
        assert_int_equal(sign(&document, 1), 0);
        assert_string_equal(bench.works, "stamp prepare write ");
}

static void several_have_one_consent(void **state)
{
        struct document *documents[3];
        (void)state;
        for (size_t i = 0; i < 3; i++)
                documents[i] = add(i == 1 ? FORM_JWS : FORM_CMS);
        assert_int_equal(sign(documents, 3), 0);
        assert_int_equal(bench.pages, 1);
        assert_int_equal(bench.shown, 3);
        assert_int_equal(bench.shown_at, 2);
        for (size_t i = 0; i < 3; i++)
                assert_true(is_written(i));
}

static void another_card_is_asked_anew_about_what_is_left(void **state)
{
        struct document *documents[3];
        (void)state;
        for (size_t i = 0; i < 3; i++)
                documents[i] = add(FORM_CMS);
        bench.swaps = true;
        assert_int_equal(sign(documents, 3), 0);
        assert_int_equal(bench.pages, 2);
        assert_int_equal(
                bench.shown, 3); /* the third goes by the second's consent, whose list was two */
        assert_true(is_written(2));
}

static void a_failure_leaves_the_rest_usable(void **state)
{
        struct document *documents[2];
        (void)state;
        documents[0] = add(FORM_CMS);
        documents[1] = add(FORM_PDF);
        bench.says[PREPARE] = "{\"ok\":true,\"digest\":\"ab\",\"offset\":100,\"room\":24576}";
        char second[REQUEST_ID_LEN + 1];
        memcpy(second, documents[1]->handle, sizeof second);
        assert_int_equal(sign(documents, 2), OUTCOME_INTERNAL);
        assert_string_equal(bench.failed, second);
        assert_true(is_written(0));
        assert_false(is_written(1));
        assert_int_equal(bench.documents->count, 1);
        bench.says[PREPARE] = NULL;
        world.person_outcome = OUTCOME_REFUSED;
        assert_int_equal(sign(&documents[1], 1), 0); /* reset_counts() lets them agree */
        assert_true(is_written(1));
}

static void what_a_worker_refuses_is_told_before_anybody_is_asked(void **state)
{
        static const struct {
                enum question_form form;
                int work;
        } rows[] = { { FORM_PDF, PREPARE }, { FORM_JWS, TEXT },
                { FORM_COUNTERSIGNATURE, COUNTERSIGN } };
        static const int outcomes[] = { OUTCOME_DOCUMENT, OUTCOME_TIMED_OUT, OUTCOME_INTERNAL };
        (void)state;
        for (size_t i = 0; i < ARRAY_LEN(rows); i++)
                for (size_t j = 0; j < ARRAY_LEN(outcomes); j++) {
                        documents_down(NULL);
                        documents_up(NULL);
                        struct document *document = add(rows[i].form);
                        bench.fails[rows[i].work] = outcomes[j];
                        assert_int_equal(sign(&document, 1), outcomes[j]);
                        assert_string_equal(
                                bench.why, outcomes[j] == OUTCOME_DOCUMENT ? "damaged" : "");
                        assert_int_equal(world.prompts + world.intents + world.pins, 0);
                        bench.fails[rows[i].work] = 0;
                        assert_int_equal(sign(&document, 1), 0);
                }
}

static void a_result_that_cannot_be_written_leaves_it_unsigned(void **state)
{
        struct document *document = add(FORM_CMS);
        (void)state;
        bench.fails[WRITE] = OUTCOME_DOCUMENT;
        assert_int_equal(sign(&document, 1), OUTCOME_DOCUMENT);
        assert_string_equal(world.end, "Ok"); /* there was a signature, and the history says so */
        assert_false(is_written(0));
        bench.fails[WRITE] = 0;
        assert_int_equal(sign(&document, 1), 0);
        assert_true(is_written(0));
}

static void without_its_row_nothing_is_written(void **state)
{
        struct document *document = add(FORM_CMS);
        (void)state;
        world.end_outcome = OUTCOME_CANNOT_RECORD;
        assert_int_equal(sign(&document, 1), OUTCOME_CANNOT_RECORD);
        assert_string_equal(bench.works, "");
        assert_false(is_written(0));
        world.end_outcome = 0;
        world.intent_outcome = OUTCOME_CANNOT_RECORD;
        assert_int_equal(sign(&document, 1), OUTCOME_CANNOT_RECORD);
        assert_int_equal(world.prompts, 0);
}

static void a_client_may_hang_up_at_any_moment(void **state)
{
        (void)state;
        for (unsigned int n = 1, r = NEVER; r == NEVER; n++) {
                struct document *documents[2];
                documents_down(NULL);
                documents_up(NULL);
                documents[0] = add(FORM_PDF);
                documents[1] = add(FORM_JWS);
                bench.steps = n;
                r = (unsigned int)sign(documents, 2);
                assert_true(r == NEVER || r == 0);
                assert_true(n < 40);
                assert_int_equal(bench.ended, r == 0);
        }
}

static void one_that_goes_in_the_middle_of_its_inspection_is_gone(void **state)
{
        const struct document_asked asked = asked_for(FORM_PDF);
        struct document *document = NULL;
        const char *why = NULL;
        (void)state;
        assert_int_equal(documents_add(&document, bench.documents, &asked, file_of("x"),
                                 file_of(""), on_added, NULL, &why),
                0);
        documents_drop(bench.documents, document);
        assert_int_equal(bench.all, 0);
        while (sd_event_run(world.event, 0) > 0)
                ;
        assert_false(bench.added);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, documents_up, documents_down)

int main(void)
{
        const struct CMUnitTest tests[] = {
                CASE(an_added_document_is_described),
                CASE(what_cannot_be_a_description_is_none),
                CASE(form_and_kind_must_fit),
                CASE(there_are_so_many_and_no_more),
                CASE(each_form_is_made_ready_and_written_behind_its_row),
                CASE(a_stamp_is_drawn_first),
                CASE(several_have_one_consent),
                CASE(another_card_is_asked_anew_about_what_is_left),
                CASE(a_failure_leaves_the_rest_usable),
                CASE(what_a_worker_refuses_is_told_before_anybody_is_asked),
                CASE(a_result_that_cannot_be_written_leaves_it_unsigned),
                CASE(without_its_row_nothing_is_written),
                CASE(a_client_may_hang_up_at_any_moment),
                CASE(one_that_goes_in_the_middle_of_its_inspection_is_gone),
        };
        alarm(360);
        return cmocka_run_group_tests_name("documents", tests, make_pki, drop_pki);
}

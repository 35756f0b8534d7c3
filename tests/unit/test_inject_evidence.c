/* SPDX-License-Identifier: Apache-2.0 */
/* test_inject_evidence.c: bundles, timestamps and receipts while memory and system calls fail, one by one and all
 * at once. Whatever fails: what is made is whole or not made, what is told is what is so, and the same objects serve
 * the next caller.
 */
#include "tests/support/inject.h"
#include "tests/unit/evidence_talk.h"

#include "base/file.h"

#include <sys/stat.h>

struct broken {
        struct fixture *whole;
        char *forged;
        unsigned char *request, *answer;
        size_t request_len, answer_len;
};

/* A check of evidence is three of an assertion, which test_inject_sdk.c makes fail at each call: so every thirteenth
 * call of our own and of jansson, and a sample of OpenSSL's thousands. */
static const struct inject sweeps[] = { INJECT_EVERY(INJECT_MEMORY | INJECT_SYSTEM, 13),
        INJECT_EVERY(INJECT_OPENSSL, 601) };

static const struct inject each[] = { INJECT(INJECT_MEMORY | INJECT_SYSTEM),
        INJECT(INJECT_OPENSSL) };

static void a_bundle_is_made_whole_or_not_at_all(void **state)
{
        struct broken *f = *state;
        FOR_EACH_FAILURE(in, sweeps)
        {
                struct mohr_result *result = NULL;
                char *bundle = NULL;
                inject_arm(&in);
                int r = mohr_evidence_make(f->whole->trust, f->whole->assertion,
                        strlen(f->whole->assertion), &asked, &result, &bundle);
                inject_disarm(&in);
                EXPECT(in, in.failed || r == 0);
                EXPECT(in, r == 0 ? strcmp(bundle, f->whole->bundle) == 0 : bundle == NULL);
                EXPECT(in, r < 0 ? result == NULL : result != NULL);
                free(bundle);
                mohr_result_free(result);
        }
}

static void check_while_failing(struct broken *f, const char *bundle, bool deserved)
{
        FOR_EACH_FAILURE(in, sweeps)
        {
                struct mohr_result *result = NULL;
                inject_arm(&in);
                int r = mohr_evidence_verify(f->whole->trust, bundle, strlen(bundle), &later,
                        f->whole->tsa->anchors, &result);
                inject_disarm(&in);
                EXPECT(in, r != 0 || deserved);
                EXPECT(in, in.failed || r == (deserved ? 0 : OUTCOME_INVALID));
                EXPECT(in, r < 0 ? result == NULL : result != NULL);
                if (r == 0) {
                        char *json = mohr_result_json(result);
                        EXPECT(in, strstr(json, "\"basis\": \"") != NULL);
                        EXPECT(in, strstr(json, "TEST Time Authority") != NULL);
                        free(json);
                }
                if (r > 0)
                        EXPECT(in, mohr_result_claim(result, "given_name") == NULL);
                mohr_result_free(result);
        }
}

static void a_good_bundle_is_at_worst_refused(void **state)
{
        struct broken *f = *state;
        check_while_failing(f, f->whole->stamped, true);
}

static void a_forged_bundle_is_never_accepted(void **state)
{
        struct broken *f = *state;
        check_while_failing(f, f->forged, false);
}

static void a_timestamp_is_asked_for_and_taken_whole(void **state)
{
        struct broken *f = *state;
        FOR_EACH_FAILURE(in, sweeps)
        {
                unsigned char *request = NULL;
                char *stamped = NULL, problem[256] = "";
                size_t len = 0;
                inject_arm(&in);
                int asking = mohr_evidence_timestamp_request(
                        f->whole->bundle, strlen(f->whole->bundle), &request, &len);
                int taking = mohr_evidence_timestamp_add(f->whole->bundle, strlen(f->whole->bundle),
                        f->request, f->request_len, f->answer, f->answer_len,
                        f->whole->tsa->anchors, TESTPKI_NOW + 20, &stamped, problem,
                        sizeof problem);
                inject_disarm(&in);
                EXPECT(in, asking == 0 ? request && len == f->request_len : request == NULL);
                EXPECT(in, taking == 0 ? strcmp(stamped, f->whole->stamped) == 0 : stamped == NULL);
                EXPECT(in, taking != OUTCOME_INVALID || problem[0]);
                EXPECT(in, in.failed || (asking == 0 && taking == 0));
                free(request);
                free(stamped);
        }
}

static const char page[] =
        "%PDF-1.4\n1 0 obj\n<< /Type /Catalog\n   /Pages 9 0 R\n>>\nendobj\nxref\n0 2\n"
        "0000000000 65535 f \n0000000009 00000 n \ntrailer\n<< /Size 2\n   /Root 1 0 R\n>>\n"
        "startxref\n61\n%%EOF\n";

static void a_receipt_holds_the_bundle_or_is_none(void **state)
{
        struct broken *f = *state;
        FOR_EACH_FAILURE(in, each)
        {
                unsigned char *pdf = NULL;
                size_t len = 0, found_len = 0;
                const char *found = NULL;
                inject_arm(&in);
                int r = mohr_receipt_embed(
                        page, strlen(page), f->whole->bundle, strlen(f->whole->bundle), &pdf, &len);
                int again = r == 0 ? mohr_receipt_extract(pdf, len, &found, &found_len) : -ENOMEM;
                inject_disarm(&in);
                EXPECT(in, r == 0 ? pdf != NULL : r < 0 && pdf == NULL);
                EXPECT(in, again < 0 || (again == 0 && found_len == strlen(f->whole->bundle)));
                EXPECT(in, in.failed || again == 0);
                free(pdf);
        }
}

static void a_file_is_there_whole_or_not_at_all(void **state)
{
        char dir[] = "/tmp/mohr-inject-XXXXXX", path[64], text[16] = "";
        (void)state;
        assert_non_null(mkdtemp(dir));
        snprintf(path, sizeof path, "%s/file", dir);
        FOR_EACH_FAILURE(in, each)
        {
                inject_arm(&in);
                int r = file_create(path, "whole", 5, 0600);
                inject_disarm(&in);
                FILE *file = fopen(path, "r");
                size_t len = file ? fread(text, 1, sizeof text, file) : 0;
                if (file)
                        fclose(file);
                EXPECT(in, len == 0 ? r < 0 : len == 5 && memcmp(text, "whole", 5) == 0);
                EXPECT(in, in.failed || r == 0);
                unlink(path);
        }
        assert_int_equal(file_create(path, "one", 3, 0600), 0);
        assert_int_equal(file_create(path, "two", 3, 0600), -EEXIST);
        unlink(path);
        assert_int_equal(rmdir(dir), 0); /* nothing was left beside it */
}

static int set_up(void **state)
{
        struct broken *f = calloc(1, sizeof *f);
        char problem[256];
        alarm(360); /* nothing here may hang */
        setup(state);
        f->whole = *state;
        const char *bundle = f->whole->bundle;
        assert_int_equal(mohr_evidence_timestamp_request(
                                 bundle, strlen(bundle), &f->request, &f->request_len),
                0);
        f->answer = testtsa_answer(f->whole->tsa, f->request, f->request_len, TESTPKI_NOW + 15,
                TESTTSA_HONEST, &f->answer_len);
        free(f->whole->stamped); /* this answer's instead */
        assert_int_equal(mohr_evidence_timestamp_add(bundle, strlen(bundle), f->request,
                                 f->request_len, f->answer, f->answer_len, f->whole->tsa->anchors,
                                 TESTPKI_NOW + 20, &f->whole->stamped, problem, sizeof problem),
                0);
        f->forged = strdup(f->whole->stamped);
        f->forged[900] ^= 1;
        *state = f;
        return 0;
}

static int tear_down(void **state)
{
        struct broken *f = *state;
        void *whole = f->whole;
        free(f->forged);
        free(f->request);
        free(f->answer);
        free(f);
        return teardown(&whole);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(a_bundle_is_made_whole_or_not_at_all),
                cmocka_unit_test(a_good_bundle_is_at_worst_refused),
                cmocka_unit_test(a_forged_bundle_is_never_accepted),
                cmocka_unit_test(a_timestamp_is_asked_for_and_taken_whole),
                cmocka_unit_test(a_receipt_holds_the_bundle_or_is_none),
                cmocka_unit_test(a_file_is_there_whole_or_not_at_all),
        };
        inject_init();
        return cmocka_run_group_tests_name("inject_evidence", tests, set_up, tear_down);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* test_evidence_flips.c: nothing in a bundle can be changed: each byte flipped, with and without a checksum made to
 * fit; the same inside a PDF.
 */
#include "tests/support/sanitized.h"
#include "tests/unit/evidence_talk.h"

/* ---- flips ---- */

struct tally {
        unsigned int seen[MOHR_REASON_COUNT];
};

static void show(const char *what, const struct tally *tally)
{
        for (size_t i = 0; i < MOHR_REASON_COUNT; i++)
                if (tally->seen[i] > 0)
                        print_message("%s: %s %u times\n", what,
                                mohr_reason_name((enum mohr_reason)i), tally->seen[i]);
}

/* Every byte; under the sanitizer, which is slow and has the same branches, one in seven. */
#define STEP (SANITIZED ? 7 : 1)

static void flip_each(struct fixture *f, const unsigned char *file, size_t len,
        const struct mohr_trust *authorities, struct tally *tally)
{
        unsigned char *copy = malloc(len);
        memcpy(copy, file, len);
        for (size_t i = 0; i < len; i += STEP) {
                copy[i] ^= (unsigned char)(1U << (i / STEP % 8));
                struct verdict v = judge(f, copy, len, &later, authorities);
                if (v.outcome != OUTCOME_INVALID)
                        fail_msg("byte %zu of %zu: %d", i, len, v.outcome);
                tally->seen[v.reason]++;
                json_decref(v.told);
                copy[i] = file[i];
        }
        free(copy);
}

static void one_flipped_byte_anywhere_is_refused(void **state)
{
        struct fixture *f = *state;
        struct tally tally = { 0 };
        flip_each(f, (unsigned char *)f->stamped, strlen(f->stamped), NULL, &tally);
        show("bundle", &tally);
        assert_int_equal(
                tally.seen[MOHR_REASON_EVIDENCE_DAMAGED] + tally.seen[MOHR_REASON_EVIDENCE_FORM],
                (strlen(f->stamped) + STEP - 1) / STEP);
        assert_true(tally.seen[MOHR_REASON_EVIDENCE_FORM] < 64);
}

static void a_flip_with_a_fitting_checksum_is_refused_for_what_it_is(void **state)
{
        struct fixture *f = *state;
        struct tally tally = { 0 };
        size_t len = strlen(f->stamped);
        char *copy = strdup(f->stamped);
        for (size_t i = 0; i < len; i += 17 * STEP) {
                copy[i] ^= (char)(1U << (i / 17 % 7));
                char *forged = copy[i] ? with_checksum(copy, len) : NULL;
                if (forged && strcmp(forged, f->stamped) != 0) {
                        struct verdict v =
                                judge(f, forged, strlen(forged), &later, f->tsa->anchors);
                        if (v.outcome != OUTCOME_INVALID && v.outcome != 0)
                                fail_msg("byte %zu: %d", i, v.outcome);
                        if (v.outcome == 0) /* in what no signature of a token covers, at most */
                                assert_true(i > (size_t)(strstr(f->stamped, "\"timestamps\"") -
                                                         f->stamped));
                        tally.seen[v.reason]++;
                        json_decref(v.told);
                }
                free(forged);
                copy[i] = f->stamped[i];
        }
        free(copy);
        show("forged bundle", &tally);
        assert_true(tally.seen[MOHR_REASON_EVIDENCE_FORM] > 0);
        assert_true(tally.seen[MOHR_REASON_SIGNATURE] > 0);
        assert_true(tally.seen[MOHR_REASON_EVIDENCE_REPORT] > 0);
        assert_true(tally.seen[MOHR_REASON_TIMESTAMP] > 0);
}

/* ---- the PDF ---- */

/* As cairo writes one, but for what there is to see. */
static char *small_pdf(void)
{
        char *text = NULL, body[512], rows[128];
        int one = snprintf(body, sizeof body, "%%PDF-1.4\n%%\xB5\xED\xAE\xFB\n");
        int two =
                one + snprintf(body + one, sizeof body - (size_t)one,
                              "1 0 obj\n<< /Type /Pages\n   /Kids [ ]\n   /Count 0\n>>\nendobj\n");
        int three = two + snprintf(body + two, sizeof body - (size_t)two,
                                  "2 0 obj\n<< /Producer (test)\n>>\nendobj\n");
        int xref = three + snprintf(body + three, sizeof body - (size_t)three,
                                   "3 0 obj\n<< /Type /Catalog\n   /Pages 1 0 R\n>>\nendobj\n");
        snprintf(rows, sizeof rows, "%010d 00000 n \n%010d 00000 n \n%010d 00000 n \n", one, two,
                three);
        assert_true(asprintf(&text,
                            "%sxref\n0 4\n0000000000 65535 f \n%strailer\n<< /Size 4\n"
                            "   /Root 3 0 R\n   /Info 2 0 R\n>>\nstartxref\n%d\n%%%%EOF\n",
                            body, rows, xref) > 0);
        return text;
}

static void a_receipt_holds_the_very_bundle(void **state)
{
        struct fixture *f = *state;
        char *page = small_pdf();
        unsigned char *pdf = NULL;
        size_t len = 0, found_len = 0;
        const char *found = NULL;
        struct tally tally = { 0 };
        assert_int_equal(
                mohr_receipt_embed(page, strlen(page), f->stamped, strlen(f->stamped), &pdf, &len),
                0);
        assert_int_equal(mohr_form_of(pdf, len), MOHR_FORM_RECEIPT);
        assert_int_equal(mohr_receipt_extract(pdf, len, &found, &found_len), 0);
        assert_int_equal(found_len, strlen(f->stamped));
        assert_memory_equal(found, f->stamped, found_len);
        struct verdict v = judge(f, pdf, len, &later, f->tsa->anchors);
        assert_int_equal(v.outcome, 0);
        assert_string_equal(told(&v, "form"), "receipt");
        json_decref(v.told);
        flip_each(f, pdf, len, NULL, &tally);
        show("receipt", &tally);
        assert_true(tally.seen[MOHR_REASON_EVIDENCE_PDF] > strlen(page) / STEP);
        assert_true(tally.seen[MOHR_REASON_EVIDENCE_DAMAGED] > (strlen(f->stamped) - 64) / STEP);
        assert_int_equal(mohr_receipt_extract(pdf, len - 1, &found, &found_len), OUTCOME_INVALID);
        assert_int_equal(
                mohr_receipt_extract(page, strlen(page), &found, &found_len), OUTCOME_INVALID);
        unsigned char *twice = NULL;
        assert_int_equal(mohr_receipt_embed(pdf, len, f->bundle, strlen(f->bundle), &twice, &len),
                OUTCOME_INVALID);
        assert_null(twice);
        free(pdf);
        free(page);
}

static void other_pdfs_are_not_taken(void **state)
{
        static const struct {
                const char *from, *to;
        } rows[] = {
                { "%PDF-1.", "%PDF-2." },
                { "/Type /Catalog", "/Names << >>  " },
                { "/Root 3", "/Root 9" },
                { "/Root 3", "/Root 2" },
                { "/Size 4", "/Size 5" },
                { "/Size 4", "/Prev 4" },
                { "0 4\n", "1 4\n" },
                { "0 4\n", "0 9\n" },
                { "startxref\n", "startxreg\n" },
                { "%%EOF\n", "%%EOF " },
                { "3 0 obj", "4 0 obj" },
        };
        struct fixture *f = *state;
        for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
                char *page = small_pdf(), *at = strstr(page, rows[i].from);
                unsigned char *pdf = NULL;
                size_t len = 0;
                assert_non_null(at);
                if (strcmp(rows[i].from, "3 0 obj") == 0)
                        at = strstr(page, "\n3 0 obj") + 1;
                memcpy(at, rows[i].to, strlen(rows[i].from));
                int r = mohr_receipt_embed(
                        page, strlen(page), f->bundle, strlen(f->bundle), &pdf, &len);
                if (r != OUTCOME_INVALID)
                        fail_msg("%s: %d", rows[i].to, r);
                free(page);
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(one_flipped_byte_anywhere_is_refused),
                cmocka_unit_test(a_flip_with_a_fitting_checksum_is_refused_for_what_it_is),
                cmocka_unit_test(a_receipt_holds_the_very_bundle),
                cmocka_unit_test(other_pdfs_are_not_taken),
        };
        return cmocka_run_group_tests_name("evidence_flips", tests, setup, teardown);
}

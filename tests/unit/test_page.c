/* SPDX-License-Identifier: Apache-2.0 */
/* test_page.c: the page of a receipt before it is drawn: what is read, which words it becomes, how much room
 * it gets, and its code. What the drawn page looks like to others is tests/system/page.py's business.
 */
#include "base/outcome.h"
#include "base/text.h"
#include "client-sdk/page/draw.h"
#include "client-sdk/page/facts.h"
#include "client-sdk/page/layout.h"
#include "client-sdk/page/page.h"
#include "client-sdk/page/qr.h"
#include "client-sdk/page/sheet.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <cmocka.h>

#define DIGEST "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"
/* Two parts of one text, since what stands between them varies. */
#define HEAD                                                                                       \
        "{\"language\":\"fa\",\"size\":\"a4\",\"digest\":\"" DIGEST                                \
        "\",\"holder\":\"citizen\",\"signed_at\":1795324800,\"received_at\":1795324812,"           \
        "\"revocation\":null,\"timestamp\":null,\"simulated\":false,"
#define CLAIMS                                                                                     \
        "\"claims\":{\"given_name\":\"Ali\",\"family_name\":\"Ahmadi\",\"card_number\":"           \
        "\"0012345679\",\"aud\":\"https://office.example\"}"
#define CHECKS                                                                                     \
        "\"verification\":{\"outcome\":\"ok\",\"reason\":\"ok\",\"checked\":[\"signature\"],"      \
        "\"not_checked\":[\"revocation\",\"moon-phase\"]}"
#define GOOD HEAD CLAIMS "," CHECKS "}"

/* fontconfig keeps what it has read of fonts until the process ends, where LeakSanitizer cannot see it. */
const char *__lsan_default_suppressions(void);
const char *__lsan_default_suppressions(void)
{
        return "leak:libfontconfig\n";
}

static int read_text(struct facts *facts, const char *json)
{
        char problem[FACTS_PROBLEM_MAX] = "";
        int r = page_facts_read(facts, json, strlen(json), problem);
        assert_int_equal(r != 0, problem[0] != '\0');
        assert_null(strchr(problem, '\n'));
        return r;
}

static void what_is_told_is_read(void **state)
{
        struct facts facts;
        (void)state;
        assert_int_equal(read_text(&facts, GOOD), 0);
        assert_true(facts.persian);
        assert_int_equal(facts.size, FACTS_A4);
        assert_string_equal(facts.digest, DIGEST);
        assert_string_equal(facts.family_name, "Ahmadi");
        assert_int_equal(facts.signed_at, 1795324800);
        assert_int_equal(facts.not_checked.count, 2);
        assert_string_equal(facts.not_checked.names[1], "moon-phase");
}

static void what_is_not_told_is_not_made_up(void **state)
{
        struct facts facts;
        (void)state;
        assert_int_equal(read_text(&facts, GOOD), 0);
        assert_string_equal(facts.national_number, "");
        assert_string_equal(facts.revocation, "");
        assert_int_equal(facts.photo_checked, FACTS_UNSAID);
        assert_int_equal(facts.clock_synchronised, FACTS_UNSAID);
        assert_true(facts.timestamp_at == FACTS_NO_TIME && facts.certificate_end == FACTS_NO_TIME);
        assert_false(facts.certificate_expired || facts.simulated);
}

static void every_truncation_is_refused(void **state)
{
        struct facts facts;
        char problem[FACTS_PROBLEM_MAX];
        (void)state;
        for (size_t len = 0; len < sizeof GOOD - 1; len++)
                assert_int_equal(page_facts_read(&facts, GOOD, len, problem), OUTCOME_USAGE);
}

static void a_member_that_is_not_known_is_refused_outside_only(void **state)
{
        struct facts facts;
        (void)state;
        assert_int_equal(
                read_text(&facts, HEAD "\"more\":1," CLAIMS "," CHECKS "}"), OUTCOME_USAGE);
        assert_int_equal(
                read_text(&facts, HEAD CHECKS
                        ",\"claims\":{\"more\":1,\"given_name\":\"A\",\"family_name\":\"B\","
                        "\"card_number\":\"0012345679\",\"aud\":\"a:b\"}}"),
                0);
}

static void nothing_proven_makes_no_receipt(void **state)
{
        static const struct {
                const char *outcome;
                int r;
        } rows[] = { { "ok", 0 }, { "CertificateExpired", 0 },
                { "AssertionInvalid", OUTCOME_USAGE }, { "Internal", OUTCOME_USAGE },
                { "", OUTCOME_USAGE }, { "OK", OUTCOME_USAGE } };
        (void)state;
        for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
                struct facts facts;
                char json[2048];
                snprintf(json, sizeof json,
                        HEAD CLAIMS ",\"verification\":{\"outcome\":\"%s\",\"reason\":\"x\","
                                    "\"checked\":[],\"not_checked\":[]}}",
                        rows[i].outcome);
                assert_int_equal(read_text(&facts, json), rows[i].r);
                if (rows[i].r == 0)
                        assert_int_equal(facts.certificate_expired, i == 1);
        }
}

/* ---- words ---- */

static struct sheet *sheet_of(struct facts *facts)
{
        struct sheet *sheet = malloc(sizeof *sheet);
        assert_non_null(sheet);
        assert_int_equal(sheet_write(sheet, facts), 0);
        return sheet;
}

static const struct sheet_row *find(
        const struct sheet *sheet, enum sheet_kind kind, const char *text)
{
        for (size_t i = 0; i < sheet->count; i++)
                if (sheet->rows[i].kind == kind && strstr(sheet->rows[i].text, text))
                        return &sheet->rows[i];
        return NULL;
}

static void what_was_not_checked_is_said_even_without_words_for_it(void **state)
{
        struct facts facts;
        (void)state;
        assert_int_equal(read_text(&facts, GOOD), 0);
        _cleanup_free_ struct sheet *sheet = sheet_of(&facts);
        assert_non_null(find(sheet, SHEET_DONE, "the chip's signature"));
        assert_non_null(find(sheet, SHEET_OPEN, "moon-phase"));
        assert_non_null(find(sheet, SHEET_OPEN, "whether the certificate was revoked"));
        assert_non_null(find(sheet, SHEET_OPEN, "date of birth"));
        assert_null(find(sheet, SHEET_DONE, "moon-phase"));
}

static void people_read_persian_digits_and_machines_do_not(void **state)
{
        struct facts facts;
        (void)state;
        assert_int_equal(read_text(&facts, GOOD), 0);
        _cleanup_free_ struct sheet *sheet = sheet_of(&facts);
        const struct sheet_row *moment = find(sheet, SHEET_FIELD, "Tehran time");
        assert_non_null(moment);
        assert_non_null(strstr(moment->text, "\xDB\xB1\xDB\xB4\xDB\xB0\xDB\xB5/")); /* 1405/ */
        assert_string_equal(moment->note, "2026-11-22T05:20:00Z");
        assert_null(find(sheet, SHEET_FIELD, "0012345679"));
        assert_string_equal(sheet->code, PAGE_QR_PREFIX DIGEST);
}

static void names_of_two_scripts_stand_apart_on_a_persian_page(void **state)
{
        struct facts facts;
        (void)state;
        assert_int_equal(read_text(&facts, GOOD), 0);
        _cleanup_free_ struct sheet *persian = sheet_of(&facts);
        facts.persian = false;
        _cleanup_free_ struct sheet *english = sheet_of(&facts);
        assert_non_null(find(persian, SHEET_NAME,
                "\xE2\x81\xA8"
                "Ali"
                "\xE2\x81\xA9"
                " "
                "\xE2\x81\xA8"
                "Ahmadi"
                "\xE2\x81\xA9"));
        assert_string_equal(find(english, SHEET_NAME, "Ali")->text, "Ali Ahmadi");
}

static void what_must_not_be_overlooked_is_a_notice(void **state)
{
        struct facts facts;
        (void)state;
        assert_int_equal(read_text(&facts, GOOD), 0);
        _cleanup_free_ struct sheet *calm = sheet_of(&facts);
        assert_null(find(calm, SHEET_NOTICE, ""));
        assert_null(calm->watermark);
        facts.simulated = facts.certificate_expired = true;
        snprintf(facts.revocation, sizeof facts.revocation, "revoked");
        _cleanup_free_ struct sheet *loud = sheet_of(&facts);
        assert_non_null(find(loud, SHEET_NOTICE, "Simulated card"));
        assert_non_null(find(loud, SHEET_NOTICE, "has expired"));
        assert_non_null(find(loud, SHEET_NOTICE, "was revoked"));
        assert_non_null(loud->watermark);
}

static void a_station_that_states_nothing_has_no_heading(void **state)
{
        struct facts facts;
        (void)state;
        assert_int_equal(read_text(&facts, GOOD), 0);
        _cleanup_free_ struct sheet *silent = sheet_of(&facts);
        assert_null(find(silent, SHEET_SECTION, "Stated by the station"));
        facts.photo_checked = FACTS_NO;
        _cleanup_free_ struct sheet *spoken = sheet_of(&facts);
        assert_non_null(find(spoken, SHEET_SECTION, "Stated by the station"));
}

/* ---- room ---- */

struct text_of_lines {
        double line;
        int lines;
};

static double height_of(void *user, struct fit fit)
{
        const struct text_of_lines *text = user;
        bool cut = fit.lines > 0 && fit.lines < text->lines;
        return text->line * fit.scale * (cut ? fit.lines : text->lines);
}

static void text_is_made_smaller_before_it_is_cut(void **state)
{
        static const struct {
                int lines;
                bool fits;
                struct fit fit;
        } rows[] = { { 10, true, { 1, 0 } }, { 11, true, { 0.9, 0 } }, { 16, true, { 0.6, 0 } },
                { 17, true, { 0.6, 4 } } };
        (void)state;
        for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
                struct text_of_lines text = { 10, rows[i].lines };
                struct fit fit = { 0 };
                assert_int_equal(layout_fit(&fit, height_of, &text, 100), rows[i].fits);
                assert_true(fit.scale > rows[i].fit.scale - 0.001 &&
                            fit.scale < rows[i].fit.scale + 0.001);
                assert_int_equal(fit.lines, rows[i].fit.lines);
        }
        struct text_of_lines endless = { 1000, 1 };
        struct fit untouched = { 7, 7 };
        assert_false(layout_fit(&untouched, height_of, &endless, 100));
        assert_int_equal(untouched.lines, 7);
}

static void the_beginning_of_a_line_is_where_its_language_begins(void **state)
{
        const struct stretch whole = { 100, 400 };
        (void)state;
        struct stretch left = layout_slice(whole, false, 10, 50);
        struct stretch right = layout_slice(whole, true, 10, 50);
        assert_true(left.x > 109.9 && left.x < 110.1 && left.width > 49.9);
        assert_true(right.x > 439.9 && right.x < 440.1 && right.width < 50.1);
}

static void the_roll_holds_what_a_printer_of_72_mm_prints(void **state)
{
        const struct layout *roll = layout_of(FACTS_80MM);
        (void)state;
        assert_true((roll->width - 2 * roll->margin) * 25.4 / 72 <= 72.1);
        assert_true(roll->qr_side <= roll->width - 2 * roll->margin);
        /* 8 dots per millimetre: no module of the code under 5 dots. */
        assert_true(roll->qr_side * 25.4 / 72 * 8 / (41 + 2 * QR_QUIET) >= 5);
}

/* ---- code and page ---- */

static void a_code_has_its_three_corners(void **state)
{
        static struct qr qr;
        char long_text[4000];
        (void)state;
        assert_int_equal(qr_make(&qr, PAGE_QR_PREFIX DIGEST, QR_PAPER), 0);
        assert_true(qr.side >= 21 && (qr.side - 17) % 4 == 0);
        for (size_t i = 0; i < 7; i++) {
                assert_int_equal(qr.dark[i], 1);
                assert_int_equal(qr.dark[qr.side - 1 - i], 1);
                assert_int_equal(qr.dark[(qr.side - 1 - i) * qr.side], 1);
        }
        memset(long_text, 'a', sizeof long_text - 1);
        long_text[sizeof long_text - 1] = '\0';
        assert_int_equal(qr_make(&qr, long_text, QR_PAPER), -ERANGE);
}

static void a_page_that_has_no_room_is_an_error(void **state)
{
        static uint8_t bytes[256 * 1024];
        struct facts facts;
        (void)state;
        assert_int_equal(read_text(&facts, GOOD), 0);
        facts.persian = false; /* letters of any font */
        _cleanup_free_ struct sheet *sheet = sheet_of(&facts);
        struct out small = out_new(bytes, 100), large = out_new(bytes, sizeof bytes);
        int r = draw_sheet(sheet, &large);
        if (r == -ENOENT)
                skip(); /* a machine without any font */
        assert_int_equal(r, 0);
        assert_memory_equal(bytes, "%PDF-1.4", 8);
        assert_int_equal(draw_sheet(sheet, &small), -EFBIG);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(what_is_told_is_read),
                cmocka_unit_test(what_is_not_told_is_not_made_up),
                cmocka_unit_test(every_truncation_is_refused),
                cmocka_unit_test(a_member_that_is_not_known_is_refused_outside_only),
                cmocka_unit_test(nothing_proven_makes_no_receipt),
                cmocka_unit_test(what_was_not_checked_is_said_even_without_words_for_it),
                cmocka_unit_test(people_read_persian_digits_and_machines_do_not),
                cmocka_unit_test(names_of_two_scripts_stand_apart_on_a_persian_page),
                cmocka_unit_test(what_must_not_be_overlooked_is_a_notice),
                cmocka_unit_test(a_station_that_states_nothing_has_no_heading),
                cmocka_unit_test(text_is_made_smaller_before_it_is_cut),
                cmocka_unit_test(the_beginning_of_a_line_is_where_its_language_begins),
                cmocka_unit_test(the_roll_holds_what_a_printer_of_72_mm_prints),
                cmocka_unit_test(a_code_has_its_three_corners),
                cmocka_unit_test(a_page_that_has_no_room_is_an_error),
        };
        return cmocka_run_group_tests_name("page", tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* test_text.c: UTF-8, sanitising, digits, the national-number check, Jalali dates. */
#include "base/text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <cmocka.h>

static void utf8_is_judged_as_rfc_3629_says(void **state)
{
        static const struct {
                const char *bytes;
                size_t len;
                bool valid;
        } rows[] = {
                { "", 0, true },
                { "abc", 3, true },
                { "a\0b", 3, false },
                { "\xD8\xB9\xD9\x84\xDB\x8C", 6, true },
                { "\xC0\x80", 2, false },             /* overlong NUL */
                { "\xC1\xBF", 2, false },             /* overlong ASCII */
                { "\xC2\x80", 2, true },              /* U+0080 */
                { "\xE0\x9F\xBF", 3, false },         /* overlong */
                { "\xE0\xA0\x80", 3, true },          /* U+0800 */
                { "\xED\x9F\xBF", 3, true },          /* U+D7FF */
                { "\xED\xA0\x80", 3, false },         /* surrogate */
                { "\xED\xBF\xBF", 3, false },         /* surrogate */
                { "\xEE\x80\x80", 3, true },          /* U+E000 */
                { "\xF0\x8F\xBF\xBF", 4, false },     /* overlong */
                { "\xF0\x90\x80\x80", 4, true },      /* U+10000 */
                { "\xF4\x8F\xBF\xBF", 4, true },      /* U+10FFFF */
                { "\xF4\x90\x80\x80", 4, false },     /* beyond */
                { "\xF8\x88\x80\x80\x80", 5, false }, /* five bytes */
                { "\x80", 1, false },                 /* continuation alone */
                { "\xC3", 1, false },                 /* cut */
                { "\xE2\x80", 2, false },             /* cut */
                { "\xF0\x9F\x98", 3, false },         /* cut */
                { "\xC3\x28", 2, false },             /* wrong continuation */
                { "\xFF", 1, false },
                { "\xFE", 1, false },
        };
        (void)state;
        for (size_t i = 0; i < ARRAY_LEN(rows); i++)
                if (text_utf8_valid(rows[i].bytes, rows[i].len) != rows[i].valid)
                        fail_msg("row %zu", i);
}

static void a_text_is_copied_whole_or_not_at_all(void **state)
{
        static const struct {
                const char *src, *expected; /* NULL: refused */
        } rows[] = {
                { NULL, "" },
                { "", "" },
                { "abc", "abc" },
                { "a\nb", "a\nb" },
                { "abcd", NULL },
                { "\xD8\xB9", "\xD8\xB9" },
                { "a\xD8", NULL },
        };
        (void)state;
        for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
                char dst[4] = "old";
                int r = text_copy(dst, sizeof dst, rows[i].src);
                assert_int_equal(r, rows[i].expected ? 0 : -EMSGSIZE);
                assert_string_equal(dst, rows[i].expected ? rows[i].expected : "old");
        }
}

static void dangerous_characters_are_dropped(void **state)
{
        static const struct {
                const char *src, *expected;
        } rows[] = {
                { "plain", "plain" }, { "a\x1b[2Jb", "a[2Jb" }, { "a\nb\tc\rd", "abcd" },
                { "a\x7f"
                  "b",
                        "ab" },
                { "a\xC2\x9B"
                  "b",
                        "ab" }, /* C1 CSI */
                { "a\xE2\x80\xAE"
                  "b",
                        "ab" }, /* RLO */
                { "a\xE2\x80\x8E\xE2\x80\x8F"
                  "b",
                        "ab" }, /* LRM RLM */
                { "a\xE2\x81\xA6\xE2\x81\xA9"
                  "b",
                        "ab" }, /* isolates */
                { "a\xD8\x9C"
                  "b",
                        "ab" }, /* ALM */
                { "a\xE2\x80\xA8\xE2\x80\xA9"
                  "b",
                        "ab" }, /* line, paragraph */
                { "a\u00AD\u034F\u180E\u200B\u2060\u2064\u206F\u3164\uFE00\uFEFF\uFFA0\uFFF9b",
                        "ab" }, /* seen by nobody */
                { "a\U000E0001\U000E0062\U000E0100\U0001D173\U0001BCA0"
                  "b",
                        "ab" }, /* tags, selectors, musical and shorthand controls */
                { "\u2764\uFE0F\u200D", "\u2764\uFE0F\u200D" }, /* picture, joiner */
                { "a\xFF\xC3"
                  "b",
                        "ab" },           /* not UTF-8 */
                { "\xED\xA0\x80x", "x" }, /* surrogate */
                { "\xD9\x85\xDB\x8C\xE2\x80\x8C\xD8\xB4\xD9\x88\xD8\xAF",
                        "\xD9\x85\xDB\x8C\xE2\x80\x8C\xD8\xB4\xD9\x88\xD8\xAF" }, /* ZWNJ stays */
        };
        char got[64];
        (void)state;
        for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
                text_sanitize(got, sizeof got, rows[i].src, 50);
                assert_string_equal(got, rows[i].expected);
        }
}

static void long_text_is_cut_at_a_character(void **state)
{
        char got[16];
        (void)state;
        text_sanitize(got, sizeof got, "abcdef", 6);
        assert_string_equal(got, "abcdef");
        text_sanitize(got, sizeof got, "abcdefg", 6);
        assert_string_equal(got, "abcde\xE2\x80\xA6");
        text_sanitize(got, sizeof got, "abcdef\x01", 6); /* a dropped character cuts nothing */
        assert_string_equal(got, "abcdef");
        text_sanitize(got, 9, "\xD8\xA7\xD8\xA7\xD8\xA7\xD8\xA7", 10); /* fits exactly */
        assert_string_equal(got, "\xD8\xA7\xD8\xA7\xD8\xA7\xD8\xA7");
        text_sanitize(got, 8, "\xD8\xA7\xD8\xA7\xD8\xA7\xD8\xA7", 10);
        assert_string_equal(got, "\xD8\xA7\xD8\xA7\xE2\x80\xA6");
        text_sanitize(got, 3, "abcdef", 10); /* no room even for the ellipsis */
        assert_string_equal(got, "");
        text_sanitize(got, 1, "abc", 10);
        assert_string_equal(got, "");
        text_sanitize(got, sizeof got, "abc", 0);
        assert_string_equal(got, "");
        got[0] = 'x';
        text_sanitize(got, 0, "abc", 5);
        assert_int_equal(got[0], 'x');
}

static void every_cap_is_respected(void **state)
{
        static const char src[] = "a\xD8\xA7\xE2\x82\xAC\xF0\x9F\x98\x80z\xDB\xB1";
        (void)state;
        for (size_t cap = 1; cap <= sizeof src + 4; cap++)
                for (size_t chars = 0; chars < 9; chars++) {
                        char *dst = malloc(cap); /* its own block, for ASan */
                        text_sanitize(dst, cap, src, chars);
                        assert_true(strlen(dst) < cap);
                        assert_true(text_utf8_valid(dst, strlen(dst)));
                        text_persian_digits(dst, cap,
                                "1\xE2\x82\xAC"
                                "9");
                        assert_true(strlen(dst) < cap);
                        assert_true(text_utf8_valid(dst, strlen(dst)));
                        free(dst);
                }
}

static void digits_of_three_scripts_fold(void **state)
{
        char text[] = "\xDB\xB1\xD9\xA2"
                      "3\xDB\xB9x\xDB\x8C";
        char cut[] = { '\xDB' };
        (void)state;
        size_t len = text_fold_digits(text, strlen(text));
        assert_int_equal(len, 7);
        assert_memory_equal(text, "1239x\xDB\x8C", 7);
        assert_int_equal(text_fold_digits(cut, 1), 1);
        assert_int_equal(text_fold_digits(cut, 0), 0);
}

static void digits_are_shown_in_persian(void **state)
{
        char got[32];
        (void)state;
        text_persian_digits(got, sizeof got, "12:x0");
        assert_string_equal(got, "\xDB\xB1\xDB\xB2:x\xDB\xB0");
        text_persian_digits(got, 4, "12");
        assert_string_equal(got, "\xDB\xB1");
}

static void national_numbers_are_checked(void **state)
{
        static const struct {
                const char *digits;
                bool valid;
        } rows[] = {
                { "0099900007", false },
                { "0000000000", false },
                { "1111111111", false },
                { "0012345679", true },
                { "0012345678", false },
                { "1234567891", true },
                { "0000000019", true },
                { "00000000x9", false },
                { "0000000094", true },
                { "00000 0019", false },
                { "9999999999", false },
                { "0000000061", true },
        };
        (void)state;
        for (size_t i = 0; i < ARRAY_LEN(rows); i++)
                if (text_national_number_valid(rows[i].digits) != rows[i].valid)
                        fail_msg("%s", rows[i].digits);
}

static void jalali_dates_agree_with_the_calendar(void **state)
{
        static const struct {
                int gy, gm, gd, jy, jm, jd;
        } rows[] = {
                { 1921, 3, 21, 1300, 1, 1 },
                { 1979, 2, 11, 1357, 11, 22 },
                { 2000, 3, 20, 1379, 1, 1 },
                { 2016, 3, 20, 1395, 1, 1 },
                { 2017, 3, 20, 1395, 12, 30 },
                { 2017, 3, 21, 1396, 1, 1 },
                { 2020, 3, 20, 1399, 1, 1 },
                { 2021, 3, 20, 1399, 12, 30 },
                { 2021, 3, 21, 1400, 1, 1 },
                { 2023, 3, 21, 1402, 1, 1 },
                { 2024, 3, 20, 1403, 1, 1 },
                { 2025, 3, 20, 1403, 12, 30 },
                { 2025, 3, 21, 1404, 1, 1 },
                { 2026, 3, 21, 1405, 1, 1 },
                { 2026, 9, 22, 1405, 6, 31 },
                { 2026, 9, 23, 1405, 7, 1 },
                { 2026, 11, 21, 1405, 8, 30 },
                { 2029, 3, 20, 1408, 1, 1 },
                { 2030, 3, 20, 1408, 12, 30 },
                { 2012, 9, 23, 1391, 7, 2 },
                { 2032, 9, 23, 1411, 7, 2 },
        };
        (void)state;
        for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
                struct jalali j = text_jalali(rows[i].gy, rows[i].gm, rows[i].gd);
                if (j.year != rows[i].jy || j.month != rows[i].jm || j.day != rows[i].jd)
                        fail_msg("%d-%d-%d gave %d/%d/%d", rows[i].gy, rows[i].gm, rows[i].gd,
                                j.year, j.month, j.day);
        }
}

static void jalali_days_follow_each_other(void **state)
{
        struct jalali last = text_jalali(1800, 1, 1);
        (void)state;
        for (time_t t = -5364576000; t < 7258118400; t += 86400) {
                struct tm tm;
                gmtime_r(&t, &tm);
                struct jalali j = text_jalali(tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday);
                bool next_day =
                        j.year == last.year && j.month == last.month && j.day == last.day + 1;
                bool next_month = j.day == 1 && j.month == last.month + 1 && last.day >= 30;
                bool next_year = j.day == 1 && j.month == 1 && j.year == last.year + 1 &&
                                 last.month == 12 && last.day >= 29;
                if (t > -5364576000 && !next_day && !next_month && !next_year)
                        fail_msg("%d/%d/%d after %d/%d/%d", j.year, j.month, j.day, last.year,
                                last.month, last.day);
                last = j;
        }
}

static void times_are_written_for_people_and_for_programs(void **state)
{
        char got[24];
        (void)state;
        text_iso8601(got, 1795301256);
        assert_string_equal(got, "2026-11-21T22:47:36Z");
        text_tehran(got, 1795301256);
        assert_string_equal(got, "1405/09/01 02:17"); /* the day has already turned in Tehran */
        text_tehran(got, 1795301256 - 3 * 3600 - 1800);
        assert_string_equal(got, "1405/08/30 22:47");
        text_iso8601(got, 0);
        assert_string_equal(got, "1970-01-01T00:00:00Z");
        text_iso8601(got, INT64_MAX);
        assert_string_equal(got, "?");
        text_tehran(got, INT64_MAX);
        assert_string_equal(got, "?");
        text_tehran(got, INT64_MIN);
        assert_string_equal(got, "?");
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(utf8_is_judged_as_rfc_3629_says),
                cmocka_unit_test(a_text_is_copied_whole_or_not_at_all),
                cmocka_unit_test(dangerous_characters_are_dropped),
                cmocka_unit_test(long_text_is_cut_at_a_character),
                cmocka_unit_test(every_cap_is_respected),
                cmocka_unit_test(digits_of_three_scripts_fold),
                cmocka_unit_test(digits_are_shown_in_persian),
                cmocka_unit_test(national_numbers_are_checked),
                cmocka_unit_test(jalali_dates_agree_with_the_calendar),
                cmocka_unit_test(jalali_days_follow_each_other),
                cmocka_unit_test(times_are_written_for_people_and_for_programs),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* test_nid_parse.c: dates in encodings nobody has published, versions with and without lengths, DER
 * lengths (card-facts 2.8, 3.5, 3.6).
 */
#include "apdu/card.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>
#include <stdio.h>

static struct view bytes_of(const char *hex)
{
        static uint8_t bytes[512];
        char packed[1024] = "";
        size_t n = 0;
        for (; *hex; hex++)
                if (*hex != ' ')
                        packed[n++] = *hex;
        ssize_t len = hex_decode(bytes, sizeof bytes, packed);
        assert_true(len >= 0);
        return (struct view){ bytes, (size_t)len };
}

struct date_case {
        const char *value, *text;
        bool jalali;
        int year, month, day;
};

static const struct date_case date_cases[] = {
        /* BOM and eight digits, both orders */
        { "FEFF00310033003900350030003500310037", "13950517", true, 1395, 5, 17 },
        { "FFFE31003300390035003000350031003700", "13950517", true, 1395, 5, 17 },
        /* eight digits and NUL, both orders */
        { "003200300031003600300038003000370000", "20160807", false, 2016, 8, 7 },
        { "320030003100360030003800300037000000", "20160807", false, 2016, 8, 7 },
        /* nine characters */
        { "0031003300390035002F0035002F00310037", "1395/5/17", true, 1395, 5, 17 },
        { "003900350038002F00310032002F00300031", "958/12/01", false, 0, 0, 0 },
        { "00390035002F00300035002F003100370000", "95/05/17", false, 0, 0, 0 },
        /* Persian and Arabic-Indic digits */
        { "FEFF06F106F306F906F506F006F506F106F7", "13950517", true, 1395, 5, 17 },
        { "F106F306F906F506F006F506F106F7060000", "13950517", true, 1395, 5, 17 },
        { "06610663066906650660066506610667"
          "0000",
                "13950517", true, 1395, 5, 17 },
        /* one byte per character */
        { "313339352F352F3137", "1395/5/17", true, 1395, 5, 17 },
        { "3230313630383037", "20160807", false, 2016, 8, 7 },
        { "323031362D30382D3037", "2016-08-07", false, 2016, 8, 7 },
        /* no calendar's, no month's, no date */
        { "3137303030383037", "17000807", false, 0, 0, 0 },
        { "3133393530373331", "13950731", false, 0, 0, 0 },
        { "3139303030323239", "19000229", false, 0, 0, 0 },
        { "3230303030323239", "20000229", false, 2000, 2, 29 },
        { "3133393530303031", "13950001", false, 0, 0, 0 },
        { "313339352F352D3137", "1395/5-17", false, 0, 0, 0 },
        { "31333935", "1395", false, 0, 0, 0 },
        { "313339352F2F3137", "1395//17", false, 0, 0, 0 },
        /* unreadable: kept raw */
        { "000000000000000000000000000000000000", "", false, 0, 0, 0 },
        { "FEFF", "", false, 0, 0, 0 },
        { "FEFF0041", "", false, 0, 0, 0 },
        { "3100000000000032", "", false, 0, 0, 0 },
        { "DEADBEEF", "", false, 0, 0, 0 },
        { "FF", "", false, 0, 0, 0 },
        { "3131313131313131313131313131313131313131", "", false, 0, 0, 0 },
};

static void dates_are_recognised_never_assumed(void **state)
{
        (void)state;
        for (size_t i = 0; i < ARRAY_LEN(date_cases); i++) {
                const struct date_case *t = &date_cases[i];
                struct card_date issued, expires;
                char text[256];
                size_t len = strlen(t->value) / 2;
                snprintf(text, sizeof text, "B2%02zX%s B3023133", len, t->value);
                assert_int_equal(nid_parse_dates(bytes_of(text), &issued, &expires), 0);
                if (strcmp(issued.text, t->text) != 0 || issued.year != t->year)
                        print_error("%s: %s %d\n", t->value, issued.text, issued.year);
                assert_string_equal(issued.text, t->text);
                assert_int_equal(issued.jalali, t->jalali);
                assert_int_equal(issued.year, t->year);
                assert_int_equal(issued.month, t->month);
                assert_int_equal(issued.day, t->day);
                assert_int_equal(issued.raw_len, len);
                assert_memory_equal(issued.raw, bytes_of(t->value).data, len);
        }
}

static void files_without_both_dates_are_refused(void **state)
{
        (void)state;
        static const char *const bad[] = {
                "",
                "00",
                "FFFF",
                "B20131",
                "B30131",
                "B20131B30232",
                "B200B30132",
                "B20131B20131B30132",
                "B20131 B30132 00FF",
                "B20131 B30132 0001",
                "B221 313131313131313131313131313131313131313131313131313131313131313131 B30132",
        };
        static const char *const good[] = {
                "B20131B30132",
                "B30132B20131",
                "B20131B30132000000",
                "B20131B30132FFFF",
                "81020304 B20131 AD0101 B30132",
        };
        struct card_date issued = { .year = 7 }, expires = { .year = 7 };
        for (size_t i = 0; i < ARRAY_LEN(bad); i++)
                assert_int_equal(nid_parse_dates(bytes_of(bad[i]), &issued, &expires), -EBADMSG);
        assert_int_equal(issued.year, 7);
        for (size_t i = 0; i < ARRAY_LEN(good); i++)
                assert_int_equal(nid_parse_dates(bytes_of(good[i]), &issued, &expires), 0);
        assert_int_equal(expires.raw[0], '2');
}

static void versions_are_parsed_with_lengths_or_not_at_all(void **state)
{
        (void)state;
        static const struct {
                const char *file, *text;
        } cases[] = {
                { "CC0220E0 D5021AF9 D602035F D70103", "CC=20E0 D5=1AF9 D6=035F D7=03" },
                { "D70103 00000000", "D7=03" },
                { "D70103 FFFF", "D7=03" },
                { "CC20E0 D51AF9 D6035F D703", NULL },
                { "CC20E0 D51AF9 D6035F D703 "
                  "0000000000000000000000000000000000000000000000000000000000000000",
                        NULL },
                { "", NULL },
                { "000000", NULL },
                { "CC00", NULL },
                { "CC0120 CC0120", NULL },
                { "CC0120 810100", NULL },
                { "CC050102030405", NULL },
                { "CC0220", NULL },
                { "D70103 00FF", NULL },
        };
        for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
                char text[64] = "untouched";
                int r = nid_parse_versions(bytes_of(cases[i].file), text, sizeof text);
                assert_int_equal(r, cases[i].text ? 0 : -EBADMSG);
                assert_string_equal(text, cases[i].text ? cases[i].text : "untouched");
        }
        char small[6];
        assert_int_equal(nid_parse_versions(bytes_of("D70103"), small, 5), -EBADMSG);
        assert_int_equal(nid_parse_versions(bytes_of("D70103"), small, 6), 0);
}

static void der_lengths_are_bounded_and_minimal(void **state)
{
        (void)state;
        static const struct {
                const char *start;
                size_t total; /* 0: refused */
        } cases[] = {
                { "30820556", 4 + 0x556 },
                { "30820100", 260 },
                { "308200FF", 0 },
                { "30818000", 131 },
                { "30817F00", 0 },
                { "307F0000", 129 },
                { "30020000", 4 },
                { "30000000", 2 },
                { "30823FFC", 16384 },
                { "30823FFD", 0 },
                { "3083010000", 0 },
                { "30800000", 0 },
                { "31820556", 0 },
                { "308205", 0 },
                { "", 0 },
                { "FFFFFFFF", 0 },
        };
        for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
                size_t total = 0;
                int r = nid_der_length(bytes_of(cases[i].start), CARD_FILE_MAX, &total);
                assert_int_equal(r, cases[i].total ? 0 : -EBADMSG);
                assert_int_equal(total, cases[i].total);
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(dates_are_recognised_never_assumed),
                cmocka_unit_test(files_without_both_dates_are_refused),
                cmocka_unit_test(versions_are_parsed_with_lengths_or_not_at_all),
                cmocka_unit_test(der_lengths_are_bounded_and_minimal),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* test_contactless.c: the ATR that a contactless card gets, against the clauses that define it: PC/SC part
 * 3, 3.1.3.2.3.1, and what card-facts 1.4 has computed for the cards this project is about.
 */
#include "drivers/nfc/contactless.h"

#include "apdu/atr.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

struct ats_case {
        const char *what, *ats, *atr;
};

/* Without the length byte, as libnfc hands them out. */
static const struct ats_case cases[] = {
        { "all three interface bytes",
                "78807002"
                "80318065B0850202ED120FFF829000",
                "3B8F800180318065B0850202ED120FFF82900072" },
        { "TA1 alone",
                "1880"
                "C1052F2F01BCD6",
                "3B878001C1052F2F01BCD6A9" },
        { "no interface byte",
                "08"
                "73C40000",
                "3B84800173C40000B2" },
        { "no historical byte", "78807002", "3B80800101" },
        { "T0 alone", "08", "3B80800101" },
        { "nothing", "", "3B80800101" },
        { "ends inside the interface bytes", "7880", "3B80800101" },
        { "more than fifteen",
                "08"
                "000102030405060708090A0B0C0D0E0F10111213",
                "3B8F8001000102030405060708090A0B0C0D0E01" },
};

static void an_ats_becomes_an_atr(void **state)
{
        (void)state;
        for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
                uint8_t ats[64], expected[64], atr[CONTACTLESS_ATR_MAX];
                ssize_t ats_len = hex_decode(ats, sizeof ats, cases[i].ats);
                ssize_t expected_len = hex_decode(expected, sizeof expected, cases[i].atr);
                assert_true(ats_len >= 0 && expected_len > 0);
                size_t len = contactless_atr_a(
                        (struct view){ .data = ats, .len = (size_t)ats_len }, atr);
                if (len != (size_t)expected_len || memcmp(atr, expected, len) != 0)
                        fail_msg("%s", cases[i].what);
        }
}

static void an_atqb_becomes_an_atr(void **state)
{
        static const uint8_t application[] = { 0x11, 0x22, 0x33, 0x44 },
                             protocol[] = { 0x00, 0x81, 0x81 };
        static const uint8_t expected[] = { 0x3B, 0x88, 0x80, 0x01, 0x11, 0x22, 0x33, 0x44, 0x00,
                0x81, 0x81, 0x50, 0x1D };
        uint8_t atr[CONTACTLESS_ATR_MAX];
        (void)state;
        assert_int_equal(contactless_atr_b(application, protocol, 0x5F, atr), sizeof expected);
        assert_memory_equal(atr, expected, sizeof expected);
}

static void its_historical_bytes_are_found_again(void **state)
{
        static const uint8_t ats[] = { 0x78, 0x80, 0x70, 0x02, 0x80, 0x31, 0x80, 0x65 };
        uint8_t atr[CONTACTLESS_ATR_MAX];
        (void)state;
        size_t len = contactless_atr_a((struct view){ .data = ats, .len = sizeof ats }, atr);
        struct view historical = atr_historical(atr, len);
        assert_int_equal(historical.len, 4);
        assert_memory_equal(historical.data, ats + 4, 4);
}

static void only_cards_of_part_four_are_spoken_to(void **state)
{
        (void)state;
        assert_true(contactless_speaks_a(0x20));
        assert_true(contactless_speaks_a(0x28)); /* with MIFARE beside it */
        assert_false(contactless_speaks_a(0x08));
        assert_false(contactless_speaks_a(0x00));
        assert_true(contactless_speaks_b((const uint8_t[]){ 0x00, 0x81, 0x81 }));
        assert_false(contactless_speaks_b((const uint8_t[]){ 0x00, 0x80, 0x81 }));
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(an_ats_becomes_an_atr),
                cmocka_unit_test(an_atqb_becomes_an_atr),
                cmocka_unit_test(its_historical_bytes_are_found_again),
                cmocka_unit_test(only_cards_of_part_four_are_spoken_to),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}

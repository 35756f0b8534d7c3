/* SPDX-License-Identifier: Apache-2.0 */
/* test_transcript.c: what a transcript keeps, and that everything else is only counted.
 */
#include "apdu/transcript.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

static struct transcript t;

static int setup(void **state _unused_)
{
        transcript_clear(&t);
        return 0;
}

static size_t bytes_of(uint8_t bytes[600], const char *hex)
{
        char packed[1201] = "";
        size_t n = 0;
        for (; *hex; hex++)
                if (*hex != ' ')
                        packed[n++] = *hex;
        ssize_t len = hex_decode(bytes, 600, packed);
        assert_true(len >= 0);
        return (size_t)len;
}

static void hear(int object, const char *cmd_hex, const char *rsp_hex)
{
        uint8_t cmd[600], rsp[600];
        size_t cmd_len = bytes_of(cmd, cmd_hex), rsp_len = rsp_hex ? bytes_of(rsp, rsp_hex) : 0;
        transcript_add(&t, object, cmd, cmd_len, rsp_hex ? rsp : NULL, rsp_len);
}

/* A card of another kind tells who it is whether it was asked or not: an OpenPGP card's name ends in its
 * serial number. */
static void what_a_select_did_not_ask_for_is_withheld(void **state _unused_)
{
        hear(-1, "00A4040C06 D27600012401", "6F0584 0300060100 9000");
        hear(-1, "00A4040C06 D27600012401", "6108");
        hear(-1, "00C0000008", "6F06840400060100 9000");
        assert_string_equal(t.text, "00a4040c06d27600012401 [8]9000\n"
                                    "00a4040c06d27600012401 6108\n"
                                    "00c0000008 [8]9000\n");
}

static void what_is_the_same_on_all_cards_is_kept(void **state _unused_)
{
        transcript_step(&t, "probe", -1);
        hear(-1, "00A4040C0CA0000000180C000001634200", "9000");
        hear(-1, "00A4080004 51005040 00", "6F058C03031020 9000");
        hear(-1, "00CADF3000", "C0024142 9000");
        hear(-1, "00CB00FF05 A003830181 00", "DF210103 9000");
        hear(-1, "002241B606 800142 840103", "6A80");
        hear(-1, "00200081", "63C3");
        transcript_step(&t, "read", OBJECT_VERSIONS);
        hear(OBJECT_VERSIONS, "00B00000F8", "CC0220E0 9000");
        transcript_step(&t, "read", OBJECT_CSN);
        assert_string_equal(t.text, "@ probe\n"
                                    "00a4040c0ca0000000180c000001634200 9000\n"
                                    "00a40800045100504000 6f058c030310209000\n"
                                    "00cadf3000 c00241429000\n"
                                    "00cb00ff05a00383018100 df2101039000\n"
                                    "002241b606800142840103 6a80\n"
                                    "00200081 63c3\n"
                                    "@ read versions\n"
                                    "00b00000f8 cc0220e09000\n"
                                    "@ read\n");
}

static void what_is_somebodys_is_only_counted(void **state _unused_)
{
        static const struct {
                int object;
                const char *cmd, *rsp, *line;
        } cases[] = {
                { OBJECT_CERTIFICATE_1, "00B00000F8", "30820556AABB 9000", "00b00000f8 [6]9000\n" },
                { OBJECT_CERTIFICATE_3, "00B00000F8", "01 6282", "00b00000f8 [1]6282\n" },
                { -1, "00B00000F8", "0102 9000", "00b00000f8 [2]9000\n" },
                { 99, "00B00000F8", "0102 9000", "00b00000f8 [2]9000\n" },
                { OBJECT_CRN, "80CA010115", "01010A30303939393030303037 9000",
                        "80ca010115 [13]9000\n" },
                { OBJECT_CSN, "80CA9F7F2D", "9F7F2A 9000", "80ca9f7f2d [3]9000\n" },
                { OBJECT_DATES, "00B00000F8", "B202AABB B301CC 9000",
                        "00b00000f8 b202[2]b301[1]9000\n" },
                { OBJECT_DATES, "00B00000F8", "B2FFAABB 9000", "00b00000f8 [4]9000\n" },
                { OBJECT_DATES, "00B00000F8", "B2 9000", "00b00000f8 [1]9000\n" },
                { OBJECT_AFIS, "00B00000F8", "AD0100 9000", "00b00000f8 ad01[1]9000\n" },
                /* a tag that nobody named may be somebody's, as may its length */
                { OBJECT_DATES, "00B00000F8", "5A0431323334 B201AA 07 9000",
                        "00b00000f8 [6]b201[2]9000\n" },
                { OBJECT_AFIS, "00B00000F8", "3132 3334 9000", "00b00000f8 [4]9000\n" },
                /* from the middle of a file nobody knows where a tag is */
                { OBJECT_DATES, "00B0000104", "31003400 9000", "00b0000104 [4]9000\n" },
                { OBJECT_DATES, "00B0000AF8", "31003400B301CC 9000", "00b0000af8 [7]9000\n" },
                { -1, "00CB00FF0A B6038301037F49028100 00",
                        "7F4982000B 81820007 01020304050607 9000",
                        "00cb00ff0ab6038301037f4902810000 7f4982000b81820007[7]9000\n" },
                { -1, "00CB00FF0A B6038301037F49028200 00", "B60B 830103 7F4906 8203 010001 9000",
                        "00cb00ff0ab6038301037f4902820000 b60b8301037f49068203[3]9000\n" },
                { -1, "00CB00FF0A B6038301037F49028200 00", "5F1F0199 9000",
                        "00cb00ff0ab6038301037f4902820000 [4]9000\n" },
                { -1, "00CB00FF0A B6038301037F49028200 00", "8301 9000",
                        "00cb00ff0ab6038301037f4902820000 [2]9000\n" },
                { -1, "00CB3FFF05 5C035FC105 00", "5303AABBCC 9000",
                        "00cb3fff055c035fc10500 [5]9000\n" },
                { -1, "00CB3FFF05 5C035FC10A", "6100", "00cb3fff055c035fc10a 6100\n" },
                { -1, "00CB3FFF05 5C035FC102 00", "5303AABBCC 9000", "00cb3fff05[5]00 [5]9000\n" },
                { -1, "80C002050C", "00010203 9000", "80c002050c 0001[2]9000\n" },
                { -1, "0020008108 3132333435363738", "9000", "0020008108[8] 9000\n" },
                { -1, "0020008108 31323334353637", "9000", "0020008108[7] 9000\n" },
                { -1, "002A90A022 9020", "9000", "002a90a022[2] 9000\n" },
                { -1, "002A9E9A00", "AABBCCDD 9000", "002a9e9a00 [4]9000\n" },
                { -1, "0084000008", "1122334455667788 9000", "0084000008 [8]9000\n" },
                { -1, "0C20008103 8E0812", "6988", "0c20008103[3] 6988\n" },
                { -1, "00A4040C00 0003 010203", "9000", "00a4040c00[5] 9000\n" },
                { -1, "00", "6700", "00 6700\n" },
                { -1, "00A4000C023F00", NULL, "00a4000c023f00 -\n" },
                { -1, "00A4000C023F00", "90", "00a4000c023f00 -\n" },
        };
        for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
                transcript_clear(&t);
                hear(cases[i].object, cases[i].cmd, cases[i].rsp);
                assert_string_equal(t.text, cases[i].line);
        }
}

static void which_pin_a_piv_card_takes_is_kept(void **state _unused_)
{
#define DISCOVERY "00CB3FFF03 5C017E 00"
        static const struct {
                const char *rsp, *line;
        } cases[] = {
                { "7E124F0BA0000003080000100001005F2F024000 9000",
                        "7e124f0ba0000003080000100001005f2f0240009000\n" },
                { "7E104F09A000000308000010005F2F026010 9000",
                        "7e104f09a000000308000010005f2f0260109000\n" },
                { "6A82", "6a82\n" },
                /* anything else in it, or another's name, and nothing is kept */
                { "7E124F0BA0000003090000100001005F2F024000 9000", "[20]9000\n" },
                { "7E124F0BA0000003080000100001005F2E024000 9000", "[20]9000\n" },
                { "7E124F0BA0000003080000100001005F2F0240005001AA 9000", "[23]9000\n" },
                { "7E154F0BA0000003080000100001005F2F0240005001AA 9000", "[23]9000\n" },
                { "7E144F0DA0000003080000100001003132 5F2F024000 9000", "[22]9000\n" },
                { "7E114F0BA0000003080000100001005F2F0240 9000", "[19]9000\n" },
                { "7E 9000", "[1]9000\n" },
        };
        for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
                transcript_clear(&t);
                hear(-1, DISCOVERY, cases[i].rsp);
                assert_string_equal(t.text + strlen("00cb3fff035c017e00 "), cases[i].line);
        }
}

static void a_rule_holds_for_all_pieces_of_an_answer(void **state _unused_)
{
        hear(-1, "00CB00FF0A B6038301037F49028100", "610B");
        hear(-1, "00C000000B", "7F4908 8106 AABB 6104");
        hear(-1, "00C0000004", "81020102 9000");
        hear(OBJECT_CERTIFICATE_1, "00B00000F8", "6102");
        hear(OBJECT_CERTIFICATE_1, "00C0000002", "3082 9000");
        hear(-1, "00A40000023F00", "6104");
        hear(-1, "00C0000004", "6F02 6101");
        hear(-1, "00C0000001", "81 9000");
        hear(OBJECT_DATES, "00B00000F8", "B201AA 6103");
        hear(OBJECT_DATES, "00C0000003", "B301BB 9000");
        assert_string_equal(t.text, "00cb00ff0ab6038301037f49028100 610b\n"
                                    "00c000000b 7f49088106[2]6104\n"
                                    "00c0000004 [4]9000\n"
                                    "00b00000f8 6102\n"
                                    "00c0000002 [2]9000\n"
                                    "00a40000023f00 6104\n"
                                    "00c0000004 6f026101\n"
                                    "00c0000001 819000\n"
                                    "00b00000f8 b201[1]6103\n"
                                    "00c0000003 [3]9000\n");
}

static void what_is_too_long_is_cut_between_lines(void **state _unused_)
{
        for (int i = 0; i < 4000; i++)
                hear(-1, "00A4040C0CA0000000180C000001634200", "9000");
        assert_true(t.cut && t.len <= TRANSCRIPT_MAX + 6);
        assert_int_equal(strlen(t.text), t.len);
        assert_string_equal(t.text + t.len - strlen(" 9000\n@ cut\n"), " 9000\n@ cut\n");
        size_t before = t.len;
        transcript_step(&t, "read", OBJECT_DATES);
        hear(-1, "00A4000C023F00", "9000");
        assert_int_equal(t.len, before);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup(what_a_select_did_not_ask_for_is_withheld, setup),
                cmocka_unit_test_setup(what_is_the_same_on_all_cards_is_kept, setup),
                cmocka_unit_test_setup(what_is_somebodys_is_only_counted, setup),
                cmocka_unit_test_setup(which_pin_a_piv_card_takes_is_kept, setup),
                cmocka_unit_test_setup(a_rule_holds_for_all_pieces_of_an_answer, setup),
                cmocka_unit_test_setup(what_is_too_long_is_cut_between_lines, setup),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}

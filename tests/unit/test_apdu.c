/* SPDX-License-Identifier: Apache-2.0 */
/* test_apdu.c: commands and answers on both transports, as conversations; every row of the table of
 * status words; what a card may do wrong.
 */
#include "apdu/apdu.h"
#include "apdu/atr.h"
#include "base/outcome.h"
#include "tests/support/conversation.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>
#include <stdio.h>

static uint8_t answer[5000];

static const uint8_t sixteen[16] = "1234";
static uint8_t long_data[4097];

#define SELECT                                                                                     \
        {                                                                                          \
                .ins = 0xA4, .p1 = 4, .p2 = 0x0C, .data = { (const uint8_t *)"ABC", 3 },           \
                .le = APDU_NO_LE                                                                   \
        }
#define READ(n)                                                                                    \
        {                                                                                          \
                .ins = 0xB0, .le = n                                                               \
        }
#define QUERY                                                                                      \
        {                                                                                          \
                .ins = 0xCB, .p2 = 0xFF, .data = { (const uint8_t *)"AB", 2 }, .le = APDU_LE_MAX   \
        }
#define EMPTY_VERIFY                                                                               \
        {                                                                                          \
                .ins = 0x20, .p2 = 0x81, .le = APDU_NO_LE, .flags = APDU_ONCE                      \
        }
#define VERIFY                                                                                     \
        {                                                                                          \
                .ins = 0x20, .p2 = 0x81, .data = { sixteen, 16 }, .le = APDU_NO_LE,                \
                .flags = APDU_ONCE                                                                 \
        }

#define VERIFY_HEX "0020008110 31323334000000000000000000000000"

struct row {
        const char *name;
        enum apdu_protocol protocol;
        struct apdu_cmd cmd;
        struct said said[6];
        int r;
        uint16_t sw;
        const char *data;
};

static const struct row rows[] = {
        { "case 1 has four bytes on T=1", APDU_T1, EMPTY_VERIFY, { { "00200081", "63C3" } }, 0,
                0x63C3, "" },
        { "case 1 has P3=00 on T=0", APDU_T0, EMPTY_VERIFY, { { "0020008100", "63C3" } }, 0, 0x63C3,
                "" },
        { "case 2 asks for what it wants", APDU_T1, READ(4), { { "00B0000004", "01020304 9000" } },
                0, 0x9000, "01020304" },
        { "case 2 of 256 bytes writes 00", APDU_T0, READ(256), { { "00B0000000", "AA 6282" } }, 0,
                0x6282, "aa" },
        { "case 3 is the same on T=1", APDU_T1, SELECT, { { "00A4040C03414243", "9000" } }, 0,
                0x9000, "" },
        { "case 3 is the same on T=0", APDU_T0, SELECT, { { "00A4040C03414243", "6A82" } }, 0,
                0x6A82, "" },
        { "case 4 has Le on T=1", APDU_T1, QUERY, { { "00CB00FF02414200", "BEEF 9000" } }, 0,
                0x9000, "beef" },
        { "case 4 leaves Le out on T=0", APDU_T0, QUERY,
                { { "00CB00FF024142", "6102" }, { "00C0000002", "BEEF 9000" } }, 0, 0x9000,
                "beef" },
        { "61xx is fetched on T=1, too", APDU_T1, QUERY,
                { { "00CB00FF02414200", "0102 6102" }, { "00C0000002", "0304 6101" },
                        { "00C0000001", "05 9000" } },
                0, 0x9000, "0102030405" },
        { "6100 means 256", APDU_T0, QUERY,
                { { "00CB00FF024142", "6100" }, { "00C0000000", "01 9000" } }, 0, 0x9000, "01" },
        { "6Cxx asks again with xx", APDU_T0, READ(0xF8),
                { { "00B00000F8", "6C02" }, { "00B0000002", "0102 9000" } }, 0, 0x9000, "0102" },
        { "6Cxx is obeyed once", APDU_T0, READ(0xF8),
                { { "00B00000F8", "6C02" }, { "00B0000002", "6C03" } }, 0, 0x6C03, "" },
        { "6Cxx to GET RESPONSE is obeyed", APDU_T0, QUERY,
                { { "00CB00FF024142", "6110" }, { "00C0000010", "6C02" },
                        { "00C0000002", "0102 9000" } },
                0, 0x9000, "0102" },
        { "an error after 61xx is the answer", APDU_T0, QUERY,
                { { "00CB00FF024142", "6110" }, { "00C0000010", "6F00" } }, 0, 0x6F00, "" },
        { "an unasked 61xx is fetched and dropped", APDU_T0, SELECT,
                { { "00A4040C03414243", "6102" }, { "00C0000002", "6F00 9000" } }, 0, 0x9000, "" },
        { "VERIFY is sent once though the card says 6Cxx", APDU_T1, VERIFY,
                { { VERIFY_HEX, "6C10" } }, 0, 0x6C10, "" },
        { "an empty VERIFY is sent once on T=0", APDU_T0, EMPTY_VERIFY,
                { { "0020008100", "6C01" } }, 0, 0x6C01, "" },
        { "61xx after VERIFY is fetched, VERIFY not repeated", APDU_T0, VERIFY,
                { { VERIFY_HEX, "6101" }, { "00C0000001", "00 63C1" } }, 0, 0x63C1, "" },
        { "a removed card is an answer", APDU_T1, SELECT, { { "00A4040C03414243", "!17" } },
                OUTCOME_CARD_REMOVED, 0, "" },
        { "a card removed before GET RESPONSE", APDU_T0, QUERY,
                { { "00CB00FF024142", "6102" }, { "00C0000002", "!17" } }, OUTCOME_CARD_REMOVED, 0,
                "" },
        { "no status word", APDU_T1, READ(4), { { "00B0000004", "" } }, -EBADMSG, 0, "" },
        { "half a status word", APDU_T1, READ(4), { { "00B0000004", "90" } }, -EBADMSG, 0, "" },
        { "no class of status words", APDU_T1, READ(4), { { "00B0000004", "01020304" } }, -EBADMSG,
                0, "" },
        { "one byte more than asked", APDU_T1, READ(4), { { "00B0000004", "0102030405 9000" } },
                -EBADMSG, 0, "" },
        { "data that nobody asked for", APDU_T1, SELECT, { { "00A4040C03414243", "01 9000" } },
                -EBADMSG, 0, "" },
        { "more from GET RESPONSE than announced", APDU_T0, QUERY,
                { { "00CB00FF024142", "6101" }, { "00C0000001", "0102 9000" } }, -EBADMSG, 0, "" },
        { "more pieces than asked in all", APDU_T1, READ(2), { { "00B0000002", "0102 6101" } },
                -EBADMSG, 0, "" },
        { "no more is fetched than asked", APDU_T0, READ(3),
                { { "00B0000003", "01 6110" }, { "00C0000002", "0203 9000" } }, 0, 0x9000,
                "010203" },
        { "6Cxx with more than was asked is what the card has", APDU_T1, READ(2),
                { { "00B0000002", "6C05" }, { "00B0000005", "0102030405 9000" } }, 0, 0x9000,
                "0102030405" },
        { "a length no command has", APDU_T1, { .le = 65537 }, { { NULL, NULL } }, -EMSGSIZE, 0,
                "" },
        { "a negative length", APDU_T1, { .le = -2 }, { { NULL, NULL } }, -EMSGSIZE, 0, "" },
        { "data no command has room for", APDU_T1,
                { .data = { long_data, 4097 }, .le = APDU_NO_LE }, { { NULL, NULL } }, -EMSGSIZE, 0,
                "" },
};

static void run_row(const struct row *row)
{
        _cleanup_conversation_ struct conversation *c = conversation_new(row->protocol);
        char text[2 * 256 + 1];
        for (size_t i = 0; i < ARRAY_LEN(row->said) && row->said[i].command; i++)
                conversation_say(c, row->said[i].command, row->said[i].answer);
        struct apdu_rsp rsp = { .data = answer, .cap = sizeof answer };
        int r = apdu_exchange(conversation_link(c), &row->cmd, &rsp);
        const char *problem = conversation_problem(c);
        if (problem || r != row->r || (r == 0 && rsp.sw != row->sw))
                print_error("%s: r=%d sw=%04x %s\n", row->name, r, rsp.sw, problem ? problem : "");
        assert_null(problem);
        assert_int_equal(r, row->r);
        if (r != 0)
                return;
        assert_int_equal(rsp.sw, row->sw);
        hex_encode(text, rsp.data, rsp.len);
        assert_string_equal(text, row->data);
        assert_int_equal(conversation_link(c)->exchanges, conversation_count(c));
}

static void every_conversation_goes_as_written(void **state)
{
        (void)state;
        for (size_t i = 0; i < ARRAY_LEN(rows); i++)
                run_row(&rows[i]);
}

static void answer_longer_than_the_buffer_is_refused(void **state)
{
        (void)state;
        _cleanup_conversation_ struct conversation *c = conversation_new(APDU_T1);
        uint8_t small[4];
        struct apdu_rsp rsp = { .data = small, .cap = sizeof small };
        struct apdu_cmd cmd = READ(8);
        conversation_say(c, "00B0000008", "0102030405060708 9000");
        conversation_say(c, "00B0000008", "01020304 6104");
        conversation_say(c, "00C0000004", "05060708 9000");
        assert_int_equal(apdu_exchange(conversation_link(c), &cmd, &rsp), -EBADMSG);
        assert_int_equal(apdu_exchange(conversation_link(c), &cmd, &rsp), -EBADMSG);
        assert_null(conversation_problem(c));
}

static int endless(
        void *ctx, const uint8_t *cmd, size_t cmd_len, uint8_t *rsp, size_t cap, size_t *ret_len)
{
        (void)ctx, (void)cmd, (void)cmd_len, (void)cap;
        rsp[0] = 0x61;
        rsp[1] = 0x01;
        *ret_len = 2;
        return 0;
}

static void endless_61xx_comes_to_an_end(void **state)
{
        (void)state;
        struct apdu_link link = { .transmit = endless };
        struct apdu_cmd commands[] = { QUERY, SELECT, READ(1) };
        struct apdu_rsp rsp = { .data = answer, .cap = sizeof answer };
        for (size_t i = 0; i < ARRAY_LEN(commands); i++) {
                link.exchanges = 0;
                assert_int_equal(apdu_exchange(&link, &commands[i], &rsp), -EBADMSG);
                assert_in_range(link.exchanges, 2, 70);
        }
}

static int lying(
        void *ctx, const uint8_t *cmd, size_t cmd_len, uint8_t *rsp, size_t cap, size_t *ret_len)
{
        (void)cmd, (void)cmd_len, (void)rsp, (void)cap;
        *ret_len = *(size_t *)ctx;
        return 0;
}

static void a_length_the_buffer_cannot_have_is_refused(void **state)
{
        (void)state;
        size_t lengths[] = { 0, 1, APDU_RSP_MAX + 1, SIZE_MAX };
        struct apdu_cmd cmd = READ(0);
        struct apdu_rsp rsp = { .data = answer, .cap = sizeof answer };
        for (size_t i = 0; i < ARRAY_LEN(lengths); i++) {
                struct apdu_link link = { .transmit = lying, .ctx = &lengths[i] };
                assert_int_equal(apdu_exchange(&link, &cmd, &rsp), -EBADMSG);
        }
}

static char *hex_of(char *dst, const char *head, const uint8_t *data, size_t len, const char *tail)
{
        size_t used = strlen(head);
        memcpy(dst, head, used);
        hex_encode(dst + used, data, len);
        strcpy(dst + used + 2 * len, tail);
        return dst;
}

static void long_data_is_chained_in_blocks_of_255(void **state)
{
        (void)state;
        char text[3][1024];
        for (int protocol = APDU_T0; protocol <= APDU_T1; protocol++) {
                _cleanup_conversation_ struct conversation *c =
                        conversation_new((enum apdu_protocol)protocol);
                struct apdu_cmd cmd = {
                        .ins = 0x2A, .p1 = 0x80, .p2 = 0x86, .data = { long_data, 600 }, .le = 0
                };
                struct apdu_rsp rsp = { .data = answer, .cap = sizeof answer };
                conversation_say(c, hex_of(text[0], "102A8086FF", long_data, 255, ""), "9000");
                conversation_say(
                        c, hex_of(text[1], "102A8086FF", long_data + 255, 255, ""), "9000");
                hex_of(text[2], "002A80865A", long_data + 510, 90, protocol == APDU_T1 ? "00" : "");
                conversation_say(c, text[2], protocol == APDU_T1 ? "AA 9000" : "6101");
                if (protocol == APDU_T0)
                        conversation_say(c, "00C0000001", "AA 9000");
                assert_int_equal(apdu_exchange(conversation_link(c), &cmd, &rsp), 0);
                assert_int_equal(rsp.sw, 0x9000);
                assert_int_equal(rsp.len, 1);
                assert_null(conversation_problem(c));
        }
}

static void a_refused_block_ends_the_chain(void **state)
{
        (void)state;
        char text[1024];
        _cleanup_conversation_ struct conversation *c = conversation_new(APDU_T1);
        struct apdu_cmd cmd = { .ins = 0x2A, .data = { long_data, 600 }, .le = APDU_NO_LE };
        struct apdu_rsp rsp = { .data = answer, .cap = sizeof answer };
        conversation_say(c, hex_of(text, "102A0000FF", long_data, 255, ""), "6884");
        assert_int_equal(apdu_exchange(conversation_link(c), &cmd, &rsp), 0);
        assert_int_equal(rsp.sw, 0x6884);
        assert_null(conversation_problem(c));
}

static void a_block_that_announces_an_answer_has_it_fetched(void **state)
{
        (void)state;
        char text[1024];
        _cleanup_conversation_ struct conversation *c = conversation_new(APDU_T0);
        struct apdu_cmd cmd = { .ins = 0x2A, .data = { long_data, 256 }, .le = APDU_NO_LE };
        struct apdu_rsp rsp = { .data = answer, .cap = sizeof answer };
        conversation_say(c, hex_of(text, "102A0000FF", long_data, 255, ""), "6101");
        conversation_say(c, "00C0000001", "AA 9000");
        conversation_say(c, hex_of(text, "002A000001", long_data + 255, 1, ""), "9000");
        assert_int_equal(apdu_exchange(conversation_link(c), &cmd, &rsp), 0);
        assert_int_equal(rsp.sw, 0x9000);
        assert_int_equal(rsp.len, 0);
        assert_null(conversation_problem(c));
}

static void extended_lengths_are_used_where_needed_and_asked_for(void **state)
{
        (void)state;
        char text[2 * 300 + 64];
        _cleanup_conversation_ struct conversation *c = conversation_new(APDU_T1);
        struct apdu_rsp rsp = { .data = answer, .cap = sizeof answer };
        struct apdu_cmd put = {
                .ins = 0x2A, .data = { long_data, 300 }, .le = APDU_NO_LE, .flags = APDU_EXTENDED
        };
        struct apdu_cmd both = {
                .ins = 0x2A, .data = { long_data, 300 }, .le = APDU_LE_MAX, .flags = APDU_EXTENDED
        };
        struct apdu_cmd get = { .ins = 0xB0, .le = 512, .flags = APDU_EXTENDED };
        struct apdu_cmd all = { .ins = 0xB0, .le = 65536, .flags = APDU_EXTENDED };
        struct apdu_cmd little = { .ins = 0xB0, .le = 4, .flags = APDU_EXTENDED };
        struct apdu_cmd unasked = { .ins = 0xB0, .le = 512 };
        conversation_say(c, hex_of(text, "002A000000012C", long_data, 300, ""), "9000");
        conversation_say(c, hex_of(text, "002A000000012C", long_data, 300, "0000"), "9000");
        conversation_say(c, "00B00000000200", "01 9000");
        conversation_say(c, "00B00000000000", "01 9000");
        conversation_say(c, "00B0000004", "01 9000");
        conversation_say(c, "00B0000000", "01 9000");
        struct apdu_cmd *commands[] = { &put, &both, &get, &all, &little, &unasked };
        for (size_t i = 0; i < ARRAY_LEN(commands); i++)
                assert_int_equal(apdu_exchange(conversation_link(c), commands[i], &rsp), 0);
        assert_null(conversation_problem(c));
}

static void every_status_word_has_its_kind(void **state)
{
        (void)state;
        static const struct {
                uint16_t sw;
                enum sw_kind kind;
                int tries;
        } words[] = {
                { 0x9000, SW_OK, -1 },
                { 0x6100, SW_MORE, -1 },
                { 0x61FF, SW_MORE, -1 },
                { 0x6282, SW_WARNING, -1 },
                { 0x6200, SW_WARNING, -1 },
                { 0x6283, SW_WARNING, -1 },
                { 0x6300, SW_WARNING, -1 },
                { 0x63C0, SW_TRIES, 0 },
                { 0x63C1, SW_TRIES, 1 },
                { 0x63C3, SW_TRIES, 3 },
                { 0x63CF, SW_TRIES, 15 },
                { 0x6381, SW_OTHER, -1 },
                { 0x6700, SW_WRONG_LENGTH, -1 },
                { 0x6C00, SW_WRONG_LENGTH, -1 },
                { 0x6C2A, SW_WRONG_LENGTH, -1 },
                { 0x6882, SW_SECURE_MESSAGING, -1 },
                { 0x6982, SW_SECURITY, -1 },
                { 0x6983, SW_BLOCKED, 0 },
                { 0x6984, SW_BLOCKED, 0 },
                { 0x6985, SW_CONDITIONS, -1 },
                { 0x6986, SW_CONDITIONS, -1 },
                { 0x6987, SW_SECURE_MESSAGING, -1 },
                { 0x6988, SW_SECURE_MESSAGING, -1 },
                { 0x6999, SW_NOT_FOUND, -1 },
                { 0x6A80, SW_BAD_DATA, -1 },
                { 0x6A81, SW_NOT_SUPPORTED, -1 },
                { 0x6A82, SW_NOT_FOUND, -1 },
                { 0x6A83, SW_NOT_FOUND, -1 },
                { 0x6A86, SW_NOT_SUPPORTED, -1 },
                { 0x6A88, SW_NO_REFERENCE, -1 },
                { 0x6B00, SW_BEYOND_END, -1 },
                { 0x6D00, SW_NOT_SUPPORTED, -1 },
                { 0x6E00, SW_NOT_SUPPORTED, -1 },
                { 0x6F00, SW_OTHER, -1 },
                { 0x9001, SW_OTHER, -1 },
                { 0x0000, SW_OTHER, -1 },
                { 0xFFFF, SW_OTHER, -1 },
        };
        for (size_t i = 0; i < ARRAY_LEN(words); i++) {
                assert_int_equal(sw_kind(words[i].sw), words[i].kind);
                assert_int_equal(sw_tries(words[i].sw), words[i].tries);
        }
}

static void historical_bytes_are_found_behind_any_interface_bytes(void **state)
{
        (void)state;
        static const struct {
                const char *atr, *history;
        } atrs[] = {
                { "3B7F94000080318065B0850202ED120FFF829000", "80318065b0850202ed120fff829000" },
                { "3B8F800180318065B0850202ED120FFF82900072", "80318065b0850202ed120fff829000" },
                { "3BFF9600008131FE4380318065B085040011120FFF829000E0",
                        "80318065b085040011120fff829000" },
                { "3B781800000073C84013009000", "0073c84013009000" },
                { "3BDB97008131FE85801349524E7396715B91302F", "801349524e7396715b9130" },
                { "3B00", "" },
                { "3B", "" },
                { "", "" },
                { "3BFF", "" },
                { "3B8F8080808080808080808080808080", "" },
                { "3B05313233", "" },
        };
        for (size_t i = 0; i < ARRAY_LEN(atrs); i++) {
                uint8_t bytes[33];
                char text[67];
                ssize_t len = hex_decode(bytes, sizeof bytes, atrs[i].atr);
                assert_true(len >= 0);
                struct view history = atr_historical(bytes, (size_t)len);
                hex_encode(text, history.data, history.len);
                assert_string_equal(text, atrs[i].history);
        }
}

int main(void)
{
        for (size_t i = 0; i < sizeof long_data; i++)
                long_data[i] = (uint8_t)(i * 7);
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(every_conversation_goes_as_written),
                cmocka_unit_test(answer_longer_than_the_buffer_is_refused),
                cmocka_unit_test(endless_61xx_comes_to_an_end),
                cmocka_unit_test(a_length_the_buffer_cannot_have_is_refused),
                cmocka_unit_test(long_data_is_chained_in_blocks_of_255),
                cmocka_unit_test(a_refused_block_ends_the_chain),
                cmocka_unit_test(a_block_that_announces_an_answer_has_it_fetched),
                cmocka_unit_test(extended_lengths_are_used_where_needed_and_asked_for),
                cmocka_unit_test(every_status_word_has_its_kind),
                cmocka_unit_test(historical_bytes_are_found_behind_any_interface_bytes),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* test_replay.c: a transcript as a card: which line answers, what stands for the withheld bytes, and what
 * is no transcript.
 */
#include "drivers/softcard/replay.h"

#include "base/outcome.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#define HEAD                                                                                       \
        "mohr-transcript 1\n"                                                                      \
        "software mohr 0.1.0\n"                                                                    \
        "card mav2 real ready\n"                                                                   \
        "atr 3b8f8001\n"                                                                           \
        "protocol T=1\n"                                                                           \
        "files signature authority absent\n"                                                       \
        "certificate valid\n"                                                                      \
        "issuer signed\n"                                                                          \
        "key 03\n"

static struct replay *load(const char *text)
{
        struct replay *replay = NULL;
        unsigned int line;
        assert_int_equal(replay_new(&replay, text, strlen(text), &line), 0);
        return replay;
}

static void expect(struct replay *replay, const char *cmd_hex, const char *rsp_hex)
{
        uint8_t cmd[300], rsp[600];
        char hex[1201];
        struct out out = out_new(rsp, sizeof rsp);
        ssize_t len = hex_decode(cmd, sizeof cmd, cmd_hex);
        assert_true(len >= 0);
        assert_int_equal(replay_answer(replay, cmd, (size_t)len, &out), 0);
        hex_encode(hex, rsp, out.len);
        assert_string_equal(hex, rsp_hex);
}

static void the_head_is_read(void **state _unused_)
{
        struct replay *replay = load(HEAD "later words are no error\n@ begin\n00 9000\n");
        const struct replay_head *head = replay_head(replay);
        assert_int_equal(head->atr_len, 4);
        assert_false(head->t0);
        assert_int_equal(head->key, 3);
        assert_string_equal(head->files[1], "authority");
        assert_string_equal(head->certificate, "valid");
        assert_string_equal(head->issuer, "signed");
        assert_string_equal(head->verdict, "ready");
        replay_free(replay);
}

static void the_next_line_like_it_answers_else_the_first(void **state _unused_)
{
        struct replay *replay = load(HEAD "@ counter\n00200081 63c3\n00a4000c023f00 9000\n"
                                          "@ counter\n00200081 63c2\n0084000008 [2]aa9000\n"
                                          "00a40004 -\n");
        expect(replay, "00200081", "63c3");
        expect(replay, "00200081", "63c2");
        expect(replay, "00200081", "63c3");
        expect(replay, "00a4000c023f00", "9000");
        expect(replay, "0084000008", "0000aa9000");
        expect(replay, "00a40004", "");
        assert_int_equal(replay_strangers(replay), 0);
        expect(replay, "00a4000c023f", "6f00");
        expect(replay, "", "6f00");
        assert_int_equal(replay_strangers(replay), 2);
        replay_power_on(replay);
        expect(replay, "00200081", "63c3");
        replay_free(replay);
}

static void withheld_data_of_a_command_may_be_anything(void **state _unused_)
{
        struct replay *replay = load(HEAD "@ x\n00cb3fff05[5]00 [2]6101\n00c0000001 [1]9000\n");
        expect(replay, "00cb3fff055c035fc10500", "00006101");
        expect(replay, "00c0000001", "009000");
        expect(replay, "00cb3fff055c035fc105", "6f00");
        replay_free(replay);
}

static void a_certificate_is_served_as_a_file(void **state _unused_)
{
        static const uint8_t der[] = { 0x30, 0x03, 0x02, 0x01, 0x05 };
        struct replay *replay =
                load(HEAD "@ read certificate-1\n00a4000c025040 9000\n"
                          "00b00000f8 [248]9000\n@ read dates\n00a4000c020303 9000\n"
                          "00b00000f8 b201[1]9000\n");
        replay_put_file(replay, 0, (struct view){ der, sizeof der });
        expect(replay, "00a4000c025040", "9000");
        expect(replay, "00b00000f8", "30030201059000");
        expect(replay, "00b0000302", "01059000");
        expect(replay, "00b0000501", "6b00");
        expect(replay, "00a4000c020303", "9000");
        expect(replay, "00b00000f8", "b201009000");
        replay_free(replay);
}

static void a_key_is_filled_where_it_is_the_certificates(void **state _unused_)
{
        static const uint8_t n[] = { 0xC1, 0x02, 0x03 }, e[] = { 0x03 };
        struct replay *replay = load(
                HEAD "@ probe\n00cb00ff0ab6038301037f4902810000 8103[2]6101\n00c0000001 [1]9000\n"
                     "00cb00ff0ab6038301037f4902820000 8201[1]9000\n"
                     "00cb00ff0ab6038301047f4902810000 8102[2]9000\n");
        replay_put_key(replay, (struct view){ n, sizeof n }, (struct view){ e, sizeof e });
        expect(replay, "00cb00ff0ab6038301037f4902810000", "8103c1026101");
        expect(replay, "00c0000001", "039000");
        expect(replay, "00cb00ff0ab6038301037f4902820000", "8201039000");
        expect(replay, "00cb00ff0ab6038301047f4902810000", "81025a5a9000");
        replay_free(replay);
}

static void end(struct replay *replay, const char *cmd_hex, int expected)
{
        uint8_t cmd[300], rsp[600];
        struct out out = out_new(rsp, sizeof rsp);
        ssize_t len = hex_decode(cmd, sizeof cmd, cmd_hex);
        assert_true(len >= 0);
        assert_int_equal(replay_answer(replay, cmd, (size_t)len, &out), expected);
        assert_int_equal(out.len, 0);
}

static void a_card_that_went_goes_again(void **state _unused_)
{
        static const struct {
                const char *word;
                int outcome;
        } ends[] = { { "@ removed\n", OUTCOME_CARD_REMOVED }, { "@ silent\n", OUTCOME_TIMED_OUT } };
        for (size_t i = 0; i < ARRAY_LEN(ends); i++) {
                char text[800];
                snprintf(text, sizeof text,
                        HEAD
                        "@ x\n00a4000c023f00 9000\n00b00000f8 [2]9000\n00b00000f8 -\n@ end\n%s",
                        ends[i].word);
                struct replay *replay = load(text);
                for (int again = 0; again < 2; again++) {
                        expect(replay, "00a4000c023f00", "9000");
                        expect(replay, "00b00000f8", "00009000");
                        end(replay, "00b00000f8", ends[i].outcome);
                        replay_power_on(replay);
                }
                replay_free(replay);
        }
}

static void an_object_comes_in_pieces(void **state _unused_)
{
        static const char *const texts[] = {
                HEAD
                "@ read certificate-1\n00cb3fff055c035fc10a00 [256]6110\n00c0000010 [16]9000\n",
                HEAD "protocol T=0\n@ read certificate-1\n00cb3fff055c035fc10a 6110\n00c0000010 "
                     "[16]9000\n",
        };
        uint8_t object[259] = { 0x53, 0x82, 0x01 };
        char piece[2 * 256 + 1];
        hex_encode(piece, object, 256);
        for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
                struct replay *replay = load(texts[i]);
                char answer[600];
                replay_put_file(replay, 0, (struct view){ object, sizeof object });
                snprintf(answer, sizeof answer, "%s6103", piece);
                if (i == 1) {
                        expect(replay, "00cb3fff055c035fc10a", "6100");
                        expect(replay, "00c0000000", answer);
                } else {
                        expect(replay, "00cb3fff055c035fc10a00", answer);
                }
                expect(replay, "00c0000001", "006102");
                expect(replay, "00c0000000", "00009000");
                expect(replay, "00c0000010", "000000000000000000000000000000009000");
                replay_free(replay);
        }
}

static void what_is_no_transcript_is_refused_with_its_line(void **state _unused_)
{
        static const struct {
                const char *text;
                unsigned int line;
        } cases[] = {
                { "", 0 },
                { "mohr-transcript 2\n", 1 },
                { "mohr-transcript 1", 1 },
                { "mohr-transcript 1\n@ x\n00 9000\n", 3 }, /* no ATR */
                { HEAD "@ x\n00 9000\n@ removed\n@ end\n", 13 },
                { HEAD, 9 }, /* no exchange */
                { HEAD "@ x\n00 9000", 11 },
                { HEAD "@ x\n0 9000\n", 11 },
                { HEAD "@ x\n00 900\n", 11 },
                { HEAD "@ x\n00 \n", 11 },
                { HEAD "@ x\n00  9000\n", 11 },
                { HEAD "@ x\n00 9000 \n", 11 },
                { HEAD "@ x\n00 AA9000\n", 11 },
                { HEAD "@ x\n00 [0]9000\n", 11 },
                { HEAD "@ x\n00 [9000\n", 11 },
                { HEAD "@ x\n00 [99999999]9000\n", 11 },
                { HEAD "@ x\n00 [-1]9000\n", 11 },
                { HEAD "@ x\n\n", 11 },
                { "mohr-transcript 1\natr 3b8\n", 2 },
                { "mohr-transcript 1\natr\n", 2 },
                { "mohr-transcript 1\nprotocol T=2\n", 2 },
                { "mohr-transcript 1\nfiles a b\n", 2 },
                { "mohr-transcript 1\nfiles a b aaaaaaaaaaaaaaaaaaaaaaaa\n", 2 },
                { "mohr-transcript 1\nkey 0303\n", 2 },
                { "mohr-transcript 1\ncertificate Valid\n", 2 },
        };
        for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
                struct replay *replay = NULL;
                unsigned int line = 99;
                int r = replay_new(&replay, cases[i].text, strlen(cases[i].text), &line);
                if (r != -EBADMSG || replay || line != cases[i].line)
                        fail_msg("case %zu: %d, line %u", i, r, line);
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(the_head_is_read),
                cmocka_unit_test(the_next_line_like_it_answers_else_the_first),
                cmocka_unit_test(withheld_data_of_a_command_may_be_anything),
                cmocka_unit_test(a_certificate_is_served_as_a_file),
                cmocka_unit_test(a_key_is_filled_where_it_is_the_certificates),
                cmocka_unit_test(a_card_that_went_goes_again),
                cmocka_unit_test(an_object_comes_in_pieces),
                cmocka_unit_test(what_is_no_transcript_is_refused_with_its_line),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* test_usb_apdu.c: how an APDU travels at each level of a reader, and how a PIN typed on its keys does.
 */
#include "tests/unit/usb_card.h"

static void check_apdu(const struct ccid_class *class, enum apdu_protocol protocol, const char *cmd,
        int expected, const char *rsp, const char *const *lines)
{
        struct talk talk;
        uint8_t bytes[APDU_CMD_MAX], want[APDU_RSP_MAX];
        start(&talk, class, lines);
        talk.icc.ready = true;
        talk.icc.protocol = protocol;
        t1_init(&talk.icc.t1, &(struct t1_line){ icc_block, &talk.icc }, 32, false);
        size_t len = script_hex(cmd, bytes, sizeof bytes);
        int r = icc_transmit(&talk.icc, bytes, len, talk.rsp, 300, &talk.len);
        if (r != expected)
                fail_msg("%d instead of %d at line %zu", r, expected, talk.script.at);
        assert_int_equal(talk.icc.ready, r == 0 || r == -EMSGSIZE);
        if (r == 0) {
                assert_int_equal(talk.len, script_hex(rsp, want, sizeof want));
                assert_memory_equal(talk.rsp, want, talk.len);
        }
        script_over(&talk.script);
}

#define VERIFY   "00200081 08 3132333435363738"
#define X_VERIFY "> 6F 0D000000 00 01 000000 " VERIFY

static void short_apdus_go_as_they_are(void **state)
{
        (void)state;
        struct ccid_class class = with(CCID_LEVEL_SHORT_APDU, 0x20000);
        check_apdu(&class, APDU_T1, "00CA9F7F00", 0, "AABB9000",
                LINES("> 6F 05000000 00 01 000000 00CA9F7F00",
                        "< 80 04000000 00 01 00 00 00 AABB9000"));
        check_apdu(&class, APDU_T0, "00A40004023F00", 0, "6A82",
                LINES("> 6F 07000000 00 01 000000 00A40004023F00",
                        "< 80 02000000 00 01 00 00 00 6A82"));
        check_apdu(&class, APDU_T1, "00CA9F7F000100", -EMSGSIZE, "", LINES(NULL)); /* extended */
}

static void what_is_wrong_with_a_verify_is_said_and_it_is_never_repeated(void **state)
{
        (void)state;
        static const struct {
                const char *answer;
                int outcome;
        } rows[] = {
                { "< 80 00000000 00 01 40 FE 00", OUTCOME_TIMED_OUT }, /* mute */
                { "< 80 00000000 00 01 40 FD 00", OUTCOME_TIMED_OUT }, /* parity */
                { "< 80 00000000 00 01 40 FC 00", OUTCOME_TIMED_OUT }, /* overrun */
                { "< 80 00000000 00 01 40 FB 00", OUTCOME_TIMED_OUT }, /* hardware */
                { "< 80 00000000 00 01 40 F4 00", OUTCOME_TIMED_OUT }, /* procedure byte */
                { "< 80 00000000 00 01 40 00 00", OUTCOME_TIMED_OUT }, /* not supported */
                { "< 80 00000000 00 01 40 FF 00", OUTCOME_TIMED_OUT }, /* aborted */
                { "< 80 00000000 00 01 40 E0 00", OUTCOME_BUSY },
                { "< 80 00000000 00 01 42 FE 00", OUTCOME_CARD_REMOVED }, /* taken out */
                { "< 80 00000000 00 01 41 FE 00", OUTCOME_CARD_REMOVED }, /* without power */
                { "< 80 01000000 00 01 00 00 00 90", OUTCOME_TIMED_OUT }, /* half a status word */
                { "< 80 00000000 00 01 00 00 00", OUTCOME_TIMED_OUT },
                { "< 80 02000000 00 01 00 00", OUTCOME_TIMED_OUT }, /* a short frame */
                { "< 80 FFFF0000 00 01 00 00 00 9000", OUTCOME_TIMED_OUT },
                { "< over", OUTCOME_TIMED_OUT },
                { "< garbled", OUTCOME_TIMED_OUT },
                { "< late", OUTCOME_TIMED_OUT },
                { "< gone", OUTCOME_NO_READER },
        };
        static const struct {
                enum ccid_level level;
                enum apdu_protocol protocol;
        } levels[] = { { CCID_LEVEL_SHORT_APDU, APDU_T1 }, { CCID_LEVEL_EXTENDED_APDU, APDU_T1 },
                { CCID_LEVEL_TPDU, APDU_T0 } };
        for (size_t i = 0; i < ARRAY_LEN(rows); i++)
                for (size_t j = 0; j < ARRAY_LEN(levels); j++) {
                        struct ccid_class class = with(levels[j].level, 0);
                        check_apdu(&class, levels[j].protocol, VERIFY, rows[i].outcome, "",
                                LINES(X_VERIFY, rows[i].answer));
                }
}

static void after_a_failure_nothing_goes_to_the_card(void **state)
{
        (void)state;
        struct talk talk;
        struct ccid_class class = with(CCID_LEVEL_SHORT_APDU, 0x20000);
        uint8_t verify[16];
        size_t len = script_hex(VERIFY, verify, sizeof verify);
        start(&talk, &class, LINES(X_VERIFY, "< late"));
        talk.icc.ready = true;
        assert_int_equal(
                icc_transmit(&talk.icc, verify, len, talk.rsp, 300, &talk.len), OUTCOME_TIMED_OUT);
        ccid_allow(&talk.icc.ccid, 7000);
        assert_int_equal(icc_transmit(&talk.icc, verify, len, talk.rsp, 300, &talk.len),
                OUTCOME_CARD_REMOVED);
        script_over(&talk.script);
}

static void a_storm_of_time_extensions_ends(void **state)
{
        (void)state;
        struct ccid_class class = with(CCID_LEVEL_SHORT_APDU, 0x20000);
        const char *storm[40] = { X_VERIFY };
        for (size_t i = 1; i < 15; i += 2) {
                storm[i] = "< 80 00000000 00 01 80 01 00";
                storm[i + 1] = "tick 1000";
        }
        storm[15] = "< 80 00000000 00 01 80 01 00";
        struct talk talk;
        uint8_t verify[16];
        size_t len = script_hex(VERIFY, verify, sizeof verify);
        start(&talk, &class, storm);
        talk.icc.ready = true;
        assert_int_equal(
                icc_transmit(&talk.icc, verify, len, talk.rsp, 300, &talk.len), OUTCOME_TIMED_OUT);
        script_over(&talk.script);
}

static void t0_gets_tpdus(void **state)
{
        (void)state;
        check_apdu(&tpdu, APDU_T0, "00200081", 0, "63C3",
                LINES("> 6F 05000000 00 01 000000 0020008100",
                        "< 80 02000000 00 01 00 00 00 63C3"));
        check_apdu(&tpdu, APDU_T0, "00A40004023F0000", 0, "6110",
                LINES("> 6F 07000000 00 01 000000 00A40004023F00",
                        "< 80 02000000 00 01 00 00 00 6110"));
}

static void t1_gets_blocks(void **state)
{
        (void)state;
        check_apdu(&tpdu, APDU_T1, "00200081", 0, "63C3",
                LINES("> 6F 08000000 00 01 000000 000004 00200081 A5",
                        "< 80 06000000 00 01 00 00 00 000002 63C3 A2"));
        check_apdu(&tpdu, APDU_T1, "00200081", 0, "63C3", /* WTX 3 reaches the reader as bBWI */
                LINES("> 6F 08000000 00 01 000000 000004 00200081 A5",
                        "< 80 05000000 00 01 00 00 00 00C30103C1",
                        "> 6F 05000000 00 02 030000 00E30103E1",
                        "< 80 06000000 00 02 00 00 00 000002 63C3 A2"));
        check_apdu(&tpdu, APDU_T1, "00200081", 0,
                "63C3", /* garbled on the way back: asked for again */
                LINES("> 6F 08000000 00 01 000000 000004 00200081 A5",
                        "< 80 00000000 00 01 40 FD 00", "> 6F 04000000 00 02 000000 00820082",
                        "< 80 06000000 00 02 00 00 00 000002 63C3 A2"));
        check_apdu(&tpdu, APDU_T1, "00200081", OUTCOME_CARD_REMOVED, "",
                LINES("> 6F 08000000 00 01 000000 000004 00200081 A5",
                        "< 80 00000000 00 01 42 FE 00"));
        check_apdu(&tpdu, APDU_T1, "00200081", OUTCOME_TIMED_OUT, "",
                LINES("> 6F 08000000 00 01 000000 000004 00200081 A5", "< late"));
}

static void extended_apdus_go_in_parts(void **state)
{
        (void)state;
        struct ccid_class class = with(CCID_LEVEL_EXTENDED_APDU, 0x40000);
        class.message_max = 14; /* four bytes a part, to be able to read this */
        check_apdu(&class, APDU_T1, "00D6000002AABB", 0, "9000",
                LINES("> 6F 04000000 00 01 000100 00D60000", "< 80 00000000 00 01 00 00 10",
                        "> 6F 03000000 00 02 000200 02AABB", "< 80 02000000 00 02 00 00 00 9000"));
        check_apdu(&class, APDU_T1, "00D6000006AABBCCDDEEFF", 0, "0102039000",
                LINES("> 6F 04000000 00 01 000100 00D60000", "< 80 00000000 00 01 00 00 10",
                        "> 6F 04000000 00 02 000300 06AABBCC", "< 80 00000000 00 02 00 00 10",
                        "> 6F 03000000 00 03 000200 DDEEFF", "< 80 02000000 00 03 00 00 01 0102",
                        "> 6F 00000000 00 04 001000", "< 80 02000000 00 04 00 00 03 0390",
                        "> 6F 00000000 00 05 001000", "< 80 01000000 00 05 00 00 02 00"));
        check_apdu(&class, APDU_T1, "00B00000", 0, "9000", /* all in one */
                LINES("> 6F 04000000 00 01 000000 00B00000", "< 80 02000000 00 01 00 00 00 9000"));
}

static void parts_in_the_wrong_order_end_the_exchange(void **state)
{
        (void)state;
        struct ccid_class class = with(CCID_LEVEL_EXTENDED_APDU, 0x40000);
        class.message_max = 14;
        static const char *const bad[] = {
                "< 80 02000000 00 01 00 00 00 9000", /* an answer before the command is there */
                "< 80 02000000 00 01 00 00 10 9000", /* "go on", with something in it */
                "< 80 00000000 00 01 00 00 00",
        };
        for (size_t i = 0; i < ARRAY_LEN(bad); i++)
                check_apdu(&class, APDU_T1, "00D6000002AABB", OUTCOME_TIMED_OUT, "",
                        LINES("> 6F 04000000 00 01 000100 00D60000", bad[i]));
        static const char *const worse[] = {
                "< 80 02000000 00 01 00 00 02 9000", /* the end of what never began */
                "< 80 02000000 00 01 00 00 03 9000",
                "< 80 02000000 00 01 00 00 07 9000", /* nothing known */
                "< 80 00000000 00 01 00 00 10",      /* go on, when all is there */
                "< 80 00000000 00 01 00 00 01", /* a part with nothing in it, which could go on for ever */
        };
        for (size_t i = 0; i < ARRAY_LEN(worse); i++)
                check_apdu(&class, APDU_T1, "00B00000", OUTCOME_TIMED_OUT, "",
                        LINES("> 6F 04000000 00 01 000000 00B00000", worse[i]));
}

static void an_answer_over_the_buffer_is_broken(void **state)
{
        (void)state;
        struct talk talk;
        struct ccid_class class = with(CCID_LEVEL_SHORT_APDU, 0x20000);
        start(&talk, &class,
                LINES("> 6F 04000000 00 01 000000 00B00000",
                        "< 80 04000000 00 01 00 00 00 01029000"));
        talk.icc.ready = true;
        assert_int_equal(
                icc_transmit(&talk.icc, (const uint8_t *)"\0\xB0\0", 4, talk.rsp, 3, &talk.len),
                -EBADMSG);
        assert_false(talk.icc.ready);
}

/* ---- the reader's own keys ---- */

static const struct apdu_pinpad verify_how = {
        .cla = 0x00,
        .ins = 0x20,
        .p2 = 0x81,
        .block_len = 8,
        .pad = 0xFF,
        .min = 4,
        .max = 8,
        .language = 0x0429,
};

#define PAD8 "FFFFFFFFFFFFFFFF"
#define KEYS_VERIFY(prologue, display)                                                             \
        "> 69 1C000000 00 01 000000 00 2D 82 08 00 0804 02 " display " 2904 00 " prologue          \
        " 00200081 08 " PAD8

static struct ccid_class keys(enum ccid_level level, uint16_t lcd)
{
        struct ccid_class class = with(level, 0);
        class.pin = CCID_PIN_VERIFY | CCID_PIN_MODIFY;
        class.lcd = lcd;
        return class;
}

static void check_keys(const struct ccid_class *class, const struct apdu_pinpad *how, int expected,
        const char *rsp, const char *const *lines)
{
        struct talk talk;
        uint8_t want[8];
        start(&talk, class, lines);
        talk.icc.ready = true;
        talk.icc.protocol = APDU_T1;
        t1_init(&talk.icc.t1, &(struct t1_line){ icc_block, &talk.icc }, 32, false);
        int r = icc_pinpad(&talk.icc, how, talk.rsp, 258, &talk.len);
        if (r != expected)
                fail_msg("%d instead of %d at line %zu", r, expected, talk.script.at);
        if (r == 0) {
                assert_int_equal(talk.len, script_hex(rsp, want, sizeof want));
                assert_memory_equal(talk.rsp, want, talk.len);
        }
        script_over(&talk.script);
}

static void the_reader_makes_the_verify(void **state)
{
        (void)state;
        struct ccid_class class = keys(CCID_LEVEL_SHORT_APDU, 0);
        check_keys(&class, &verify_how, 0, "9000",
                LINES(KEYS_VERIFY("000000", "00"), "< 80 00000000 00 01 80 01 00", "tick 30000",
                        "< 80 02000000 00 01 00 00 00 9000"));
        class = keys(CCID_LEVEL_SHORT_APDU, 0x0210);
        check_keys(&class, &verify_how, 0, "63C2",
                LINES(KEYS_VERIFY("000000", "01"), "< 80 02000000 00 01 00 00 00 63C2"));
}

static void the_readers_own_words_mean_that_nothing_was_sent(void **state)
{
        (void)state;
        static const struct {
                const char *answer;
                int r;
                const char *rsp;
        } rows[] = {
                { "< 80 00000000 00 01 40 EF 00", 0, "6401" },
                { "< 80 00000000 00 01 40 F0 00", 0, "6400" },
                { "< 80 00000000 00 01 40 00 00", 0, "6B80" }, /* does not know the message */
                { "< 80 00000000 00 01 40 0C 00", 0, "6B80" }, /* or a byte of it */
                { "< 80 00000000 00 01 40 FE 00", OUTCOME_TIMED_OUT, "" },
                { "< 80 00000000 00 01 42 FE 00", OUTCOME_CARD_REMOVED, "" },
                { "< 80 01000000 00 01 00 00 00 90", OUTCOME_TIMED_OUT, "" },
                { "< late", OUTCOME_TIMED_OUT, "" },
                { "< gone", OUTCOME_NO_READER, "" },
        };
        struct ccid_class class = keys(CCID_LEVEL_EXTENDED_APDU, 0);
        for (size_t i = 0; i < ARRAY_LEN(rows); i++)
                check_keys(&class, &verify_how, rows[i].r, rows[i].rsp,
                        LINES(KEYS_VERIFY("000000", "00"), rows[i].answer));
}

static void in_blocks_the_reader_is_told_their_head(void **state)
{
        (void)state;
        struct ccid_class class = keys(CCID_LEVEL_TPDU, 0);
        check_keys(&class, &verify_how, 0, "9000",
                LINES(KEYS_VERIFY("00000D", "00"), "< 80 06000000 00 01 00 00 00 000002 9000 92"));
        check_keys(&class, &verify_how, 0,
                "9000", /* the card takes its time, and a block is garbled */
                LINES(KEYS_VERIFY("00000D", "00"), "< 80 05000000 00 01 00 00 00 00C301 01C3",
                        "> 6F 05000000 00 02 010000 00E30101E3",
                        "< 80 06000000 00 02 00 00 00 000002 9000 93",
                        "> 6F 04000000 00 03 000000 00810081",
                        "< 80 06000000 00 03 00 00 00 000002 9000 92"));
        check_keys(&class, &verify_how, 0, "6401",
                LINES(KEYS_VERIFY("00000D", "00"), "< 80 00000000 00 01 40 EF 00"));
        /* The card has not got the block that only the reader could send: over, and nothing repeated. */
        check_keys(&class, &verify_how, OUTCOME_TIMED_OUT, "",
                LINES(KEYS_VERIFY("00000D", "00"), "< 80 04000000 00 01 00 00 00 00810081"));
}

static void a_change_asks_as_often_as_it_must(void **state)
{
        (void)state;
        struct apdu_pinpad how = verify_how;
        how.ins = 0x24;
        how.new_offset = 8;
        how.asks_old = true;
        struct ccid_class class = keys(CCID_LEVEL_SHORT_APDU, 0x0210);
        check_keys(&class, &how, 0, "9000",
                LINES("> 69 29000000 00 01 000000 01 2D 82 08 00 00 08 0804 03 02 03 2904 00 01 02 "
                      "000000 00240081 10 " PAD8 PAD8,
                        "< 80 02000000 00 01 00 00 00 9000"));
        class = keys(CCID_LEVEL_SHORT_APDU, 0);
        how.asks_old = false;
        how.new_offset = 0;
        check_keys(&class, &how, 0, "9000",
                LINES("> 69 1F000000 00 01 000000 01 2D 82 08 00 00 00 0804 01 02 00 2904 01 "
                      "000000 00240081 08 " PAD8,
                        "< 80 02000000 00 01 00 00 00 9000"));
}

static void what_the_reader_cannot_do_is_not_asked(void **state)
{
        (void)state;
        struct ccid_class class = keys(CCID_LEVEL_SHORT_APDU, 0);
        struct apdu_pinpad how = verify_how;
        how.ins = 0x84;
        check_keys(&class, &how, -EINVAL, "", LINES(NULL));
        class.pin = CCID_PIN_MODIFY;
        check_keys(&class, &verify_how, -EINVAL, "", LINES(NULL));
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(short_apdus_go_as_they_are),
                cmocka_unit_test(what_is_wrong_with_a_verify_is_said_and_it_is_never_repeated),
                cmocka_unit_test(after_a_failure_nothing_goes_to_the_card),
                cmocka_unit_test(a_storm_of_time_extensions_ends),
                cmocka_unit_test(t0_gets_tpdus),
                cmocka_unit_test(t1_gets_blocks),
                cmocka_unit_test(extended_apdus_go_in_parts),
                cmocka_unit_test(parts_in_the_wrong_order_end_the_exchange),
                cmocka_unit_test(an_answer_over_the_buffer_is_broken),
                cmocka_unit_test(the_reader_makes_the_verify),
                cmocka_unit_test(the_readers_own_words_mean_that_nothing_was_sent),
                cmocka_unit_test(in_blocks_the_reader_is_told_their_head),
                cmocka_unit_test(a_change_asks_as_often_as_it_must),
                cmocka_unit_test(what_the_reader_cannot_do_is_not_asked),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* test_usb_icc.c: a card in a reader made of memory: power, the choice of protocol and speed, and how an
 * APDU travels at each level. The bytes were put together by hand from CCID rev 1.1 and
 * ISO/IEC 7816-3:2006.
 */
#include "drivers/usb/icc.h"
#include "tests/unit/usb_script.h"

#define LINES(...) ((const char *const[]){ __VA_ARGS__, NULL })

#define T0_ATR   "3B00"
#define T1_ATR   "3B8001 81"             /* T=1 only, checked */
#define FAST_T1  "3B9196 81 31 FE 45 7D" /* TA1 96, IFSC 254; one historical byte */
#define BOTH_ATR "3B80800101"            /* contactless: T=0, then T=1 */

struct talk {
        struct usb_script script;
        struct icc icc;
        uint8_t rsp[APDU_RSP_MAX];
        size_t len;
};

static const struct ccid_class tpdu = {
        .voltages = CCID_5V | CCID_3V | CCID_1V8,
        .protocols = CCID_T0 | CCID_T1,
        .clock_khz = 4000,
        .rate = 10752,
        .max_rate = 344086,
        .max_ifsd = 254,
        .features = CCID_AUTO_VOLTAGE | 0x10000,
        .level = CCID_LEVEL_TPDU,
        .message_max = 271,
};

static struct ccid_class with(enum ccid_level level, uint32_t features)
{
        struct ccid_class class = tpdu;
        class.level = level;
        class.features = features;
        return class;
}

static void start(struct talk *talk, const struct ccid_class *class, const char *const *lines)
{
        memset(talk, 0, sizeof *talk);
        script_start(&talk->script, lines);
        icc_init(&talk->icc, &talk->script.wire, class, 0);
        ccid_allow(&talk->icc.ccid, 7000);
}

static void check_power(const struct ccid_class *class, int expected, const char *const *lines)
{
        struct talk talk;
        start(&talk, class, lines);
        int r = icc_power_on(&talk.icc);
        if (r != expected)
                fail_msg("%d instead of %d at line %zu", r, expected, talk.script.at);
        assert_int_equal(talk.icc.ready, expected == 0);
        script_over(&talk.script);
}

#define ON(seq, select)  "> 62 00000000 00 " seq " " select "0000"
#define OFF(seq)         "> 63 00000000 00 " seq " 000000"
#define IS_OFF(seq)      "< 81 00000000 00 " seq " 01 00 00"
#define MUTE(seq)        "< 80 00000000 00 " seq " 41 FE 00"
#define ATR(seq, n, atr) "< 80 " n "000000 00 " seq " 00 00 00 " atr
#define T0_SET(seq)      "> 61 05000000 00 " seq " 000000 11 00 00 0A 00"
#define T0_IS(seq)       "< 82 05000000 00 " seq " 00 00 00 11 00 00 0A 00"

static void the_reader_finds_the_voltage(void **state)
{
        (void)state;
        check_power(&tpdu, 0,
                LINES(ON("01", "00"), ATR("01", "02", T0_ATR), T0_SET("02"), T0_IS("02")));
}

static void or_it_is_found_from_the_lowest_up(void **state)
{
        (void)state;
        struct ccid_class class = with(CCID_LEVEL_TPDU, 0x10000);
        check_power(&class, 0,
                LINES(ON("01", "03"), MUTE("01"), OFF("02"), IS_OFF("02"), ON("03", "02"),
                        MUTE("03"), OFF("04"), IS_OFF("04"), ON("05", "01"),
                        ATR("05", "02", T0_ATR), T0_SET("06"), T0_IS("06")));
        class.voltages = CCID_5V;
        check_power(&class, 0,
                LINES(ON("01", "01"), ATR("01", "02", T0_ATR), T0_SET("02"), T0_IS("02")));
}

static void a_card_that_never_answers_is_no_card(void **state)
{
        (void)state;
        check_power(
                &tpdu, OUTCOME_NO_CARD, LINES(ON("01", "00"), MUTE("01"), OFF("02"), IS_OFF("02")));
        check_power(&tpdu, OUTCOME_NO_CARD, /* what it says is no ATR */
                LINES(ON("01", "00"), ATR("01", "02", "4B00"), OFF("02"), IS_OFF("02")));
        check_power(&tpdu, OUTCOME_NO_CARD, LINES(ON("01", "00"), "< 80 00000000 00 01 42 FE 00"));
}

static void what_happens_to_the_reader_is_said(void **state)
{
        (void)state;
        check_power(&tpdu, OUTCOME_NO_READER, LINES("> gone"));
        check_power(&tpdu, OUTCOME_NO_READER, LINES(ON("01", "00"), "< gone"));
        check_power(&tpdu, OUTCOME_TIMED_OUT, LINES(ON("01", "00"), "< late"));
        check_power(
                &tpdu, OUTCOME_TIMED_OUT, LINES(ON("01", "00"), "< 80 09000000 00 01 00 00 00 3B"));
}

static void speed_is_agreed_with_the_card_and_told_to_the_reader(void **state)
{
        (void)state;
        check_power(&tpdu, 0,
                LINES(ON("01", "00"), ATR("01", "08", FAST_T1),
                        "> 6F 04000000 00 02 000000 FF1196 78",
                        "< 80 04000000 00 02 00 00 00 FF119678",
                        "> 61 07000000 00 03 010000 96 10 00 45 00 FE 00",
                        "< 82 07000000 00 03 00 00 01 96100045 00FE00",
                        "> 6F 05000000 00 04 000000 00C101FE 3E",
                        "< 80 05000000 00 04 00 00 00 00E101FE 1E"));
}

static void a_card_may_agree_to_the_protocol_alone(void **state)
{
        (void)state;
        check_power(&tpdu, 0,
                LINES(ON("01", "00"), ATR("01", "08", FAST_T1),
                        "> 6F 04000000 00 02 000000 FF1196 78",
                        "< 80 03000000 00 02 00 00 00 FF01FE",
                        "> 61 07000000 00 03 010000 11 10 00 45 00 FE 00",
                        "< 82 07000000 00 03 00 00 01 11100045 00FE00",
                        "> 6F 05000000 00 04 000000 00C101FE 3E",
                        "< 80 05000000 00 04 00 00 00 00E101FE 1E"));
}

static void a_card_that_refuses_keeps_what_it_woke_up_with(void **state)
{
        (void)state;
        static const char *const refusals[] = {
                "< 80 00000000 00 02 40 FE 00",          /* mute */
                "< 80 04000000 00 02 00 00 00 FF119578", /* another speed */
                "< 80 03000000 00 02 00 00 00 FF00FF",   /* another protocol */
                "< 80 03000000 00 02 00 00 00 FF01FF",   /* does not check */
                "< 80 00000000 00 02 00 00 00",
        };
        for (size_t i = 0; i < ARRAY_LEN(refusals); i++)
                check_power(&tpdu, 0,
                        LINES(ON("01", "00"), ATR("01", "08", FAST_T1),
                                "> 6F 04000000 00 02 000000 FF1196 78", refusals[i], OFF("03"),
                                IS_OFF("03"), ON("04", "00"), ATR("04", "08", FAST_T1),
                                "> 61 07000000 00 05 010000 11 10 00 45 00 FE 00",
                                "< 82 07000000 00 05 00 00 01 11100045 00FE00",
                                "> 6F 05000000 00 06 000000 00C101FE 3E",
                                "< 80 05000000 00 06 00 00 00 00E101FE 1E"));
}

static void a_slow_reader_asks_for_what_it_reaches(void **state)
{
        (void)state;
        struct ccid_class class = tpdu;
        class.max_rate = 130000; /* F 512, D 32 is 250000; D 16 is 125000 */
        check_power(&class, 0,
                LINES(ON("01", "00"), ATR("01", "08", FAST_T1),
                        "> 6F 04000000 00 02 000000 FF1195 7B",
                        "< 80 04000000 00 02 00 00 00 FF11957B",
                        "> 61 07000000 00 03 010000 95 10 00 45 00 FE 00",
                        "< 82 07000000 00 03 00 00 01 95100045 00FE00",
                        "> 6F 05000000 00 04 000000 00C101FE 3E",
                        "< 80 05000000 00 04 00 00 00 00E101FE 1E"));
}

static void a_reader_with_a_list_of_speeds_is_taken_at_its_word(void **state)
{
        (void)state;
        struct talk talk;
        start(&talk, &tpdu,
                LINES(ON("01", "00"), ATR("01", "08", FAST_T1), /* 62500 is D 8: 94 */
                        "> 6F 04000000 00 02 000000 FF1194 7A",
                        "< 80 04000000 00 02 00 00 00 FF11947A",
                        "> 61 07000000 00 03 010000 94 10 00 45 00 FE 00",
                        "< 82 07000000 00 03 00 00 01 94100045 00FE00",
                        "> 6F 05000000 00 04 000000 00C101FE 3E",
                        "< 80 05000000 00 04 00 00 00 00E101FE 1E"));
        talk.icc.rates[0] = 10752;
        talk.icc.rates[1] = 62500;
        talk.icc.rate_count = 2;
        assert_int_equal(icc_power_on(&talk.icc), 0);
        script_over(&talk.script);
}

static void a_reader_that_makes_the_pps_is_only_told(void **state)
{
        (void)state;
        struct ccid_class class =
                with(CCID_LEVEL_TPDU, CCID_AUTO_VOLTAGE | CCID_AUTO_PPS | CCID_AUTO_IFSD | 0x10000);
        check_power(&class, 0,
                LINES(ON("01", "00"), ATR("01", "08", FAST_T1),
                        "> 61 07000000 00 02 010000 96 10 00 45 00 FE 00",
                        "< 82 07000000 00 02 00 00 01 96100045 00FE00"));
        check_power(&class, 0, /* it has that from the ATR already and says so */
                LINES(ON("01", "00"), ATR("01", "08", FAST_T1),
                        "> 61 07000000 00 02 010000 96 10 00 45 00 FE 00",
                        "< 82 00000000 00 02 40 0A 00"));
        check_power(&class, OUTCOME_TIMED_OUT,
                LINES(ON("01", "00"), ATR("01", "08", FAST_T1),
                        "> 61 07000000 00 02 010000 96 10 00 45 00 FE 00",
                        "< 82 00000000 00 02 40 FE 00"));
}

static void a_reader_that_negotiates_alone_is_asked_what_came_of_it(void **state)
{
        (void)state;
        struct ccid_class class =
                with(CCID_LEVEL_SHORT_APDU, CCID_AUTO_VOLTAGE | CCID_AUTO_NEGOTIATION | 0x20000);
        struct talk talk;
        start(&talk, &class,
                LINES(ON("01", "00"), ATR("01", "05", BOTH_ATR), "> 6C 00000000 00 02 000000",
                        "< 82 07000000 00 02 00 00 01 1110004D 002000"));
        assert_int_equal(icc_power_on(&talk.icc), 0);
        assert_int_equal(talk.icc.protocol, APDU_T1);
        start(&talk, &class,
                LINES(ON("01", "00"), ATR("01", "05", BOTH_ATR), "> 6C 00000000 00 02 000000",
                        "< 82 05000000 00 02 00 00 00 11000A0000"));
        assert_int_equal(icc_power_on(&talk.icc), 0);
        assert_int_equal(talk.icc.protocol, APDU_T0);
        start(&talk, &class, /* one that cannot say, as for a contactless card: T=1 */
                LINES(ON("01", "00"), ATR("01", "05", BOTH_ATR), "> 6C 00000000 00 02 000000",
                        "< 82 00000000 00 02 40 00 00"));
        assert_int_equal(icc_power_on(&talk.icc), 0);
        assert_int_equal(talk.icc.protocol, APDU_T1);
}

static void specific_mode_is_not_negotiated(void **state)
{
        (void)state;
        struct ccid_class class = tpdu;
        check_power(&class, 0,
                LINES(ON("01", "00"), ATR("01", "07", "3B901890018100 "),
                        "> 61 07000000 00 02 010000 18 10 00 4D 00 20 00",
                        "< 82 07000000 00 02 00 00 01 1810004D 002000",
                        "> 6F 05000000 00 03 000000 00C101FE 3E",
                        "< 80 05000000 00 03 00 00 00 00E101FE 1E"));
        check_power(&class,
                OUTCOME_CARD_NOT_SUPPORTED, /* speed by an agreement we are no part of */
                LINES(ON("01", "00"), ATR("01", "04", "3B801011")));
}

static void protocols_nobody_here_speaks_are_not_supported(void **state)
{
        (void)state;
        struct ccid_class class = tpdu;
        check_power(&class, OUTCOME_CARD_NOT_SUPPORTED,
                LINES(ON("01", "00"), ATR("01", "03", "3B800E")));
        class.protocols = CCID_T0;
        check_power(
                &class, OUTCOME_CARD_NOT_SUPPORTED, LINES(ON("01", "00"), ATR("01", "04", T1_ATR)));
        check_power(&class, 0, /* offers both */
                LINES(ON("01", "00"), ATR("01", "05", BOTH_ATR), T0_SET("02"), T0_IS("02")));
}

static void a_look_tells_presence_and_notices_lost_power(void **state)
{
        (void)state;
        struct talk talk;
        start(&talk, &tpdu,
                LINES("> 65 00000000 00 01 000000", "< 81 00000000 00 01 00 00 00",
                        "> 65 00000000 00 02 000000", "< 81 00000000 00 02 01 00 00",
                        "> 65 00000000 00 03 000000", "< 81 00000000 00 03 02 00 00"));
        talk.icc.ready = true;
        assert_int_equal(icc_look(&talk.icc), 0);
        assert_true(talk.icc.ready);
        assert_int_equal(icc_look(&talk.icc), 0);
        assert_false(talk.icc.ready);
        assert_int_equal(icc_look(&talk.icc), OUTCOME_NO_CARD);
        script_over(&talk.script);
}

/* APDUs */

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

/* The reader's own keys */

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
                cmocka_unit_test(the_reader_finds_the_voltage),
                cmocka_unit_test(or_it_is_found_from_the_lowest_up),
                cmocka_unit_test(a_card_that_never_answers_is_no_card),
                cmocka_unit_test(what_happens_to_the_reader_is_said),
                cmocka_unit_test(speed_is_agreed_with_the_card_and_told_to_the_reader),
                cmocka_unit_test(a_card_may_agree_to_the_protocol_alone),
                cmocka_unit_test(a_card_that_refuses_keeps_what_it_woke_up_with),
                cmocka_unit_test(a_slow_reader_asks_for_what_it_reaches),
                cmocka_unit_test(a_reader_with_a_list_of_speeds_is_taken_at_its_word),
                cmocka_unit_test(a_reader_that_makes_the_pps_is_only_told),
                cmocka_unit_test(a_reader_that_negotiates_alone_is_asked_what_came_of_it),
                cmocka_unit_test(specific_mode_is_not_negotiated),
                cmocka_unit_test(protocols_nobody_here_speaks_are_not_supported),
                cmocka_unit_test(a_look_tells_presence_and_notices_lost_power),
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

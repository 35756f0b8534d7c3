/* SPDX-License-Identifier: Apache-2.0 */
/* test_usb_power.c: power, and the choice of protocol and speed.
 */
#include "tests/unit/usb_card.h"

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
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}

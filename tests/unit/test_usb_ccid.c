/* SPDX-License-Identifier: Apache-2.0 */
/* test_usb_ccid.c: the messages of a CCID reader and what can be wrong with them, the class descriptor,
 * and the quirks. The bytes were put together by hand from CCID rev 1.1.
 */
#include "drivers/usb/quirks.h"
#include "tests/unit/usb_script.h"

#define XFR_1      "> 6F 04000000 00 01 000000 00A40000"
#define ABORT_2    "> 72 00000000 00 02 000000"
#define ABORTED_2  "< 81 00000000 00 02 00 00 00"
#define ANSWER_1   "< 80 02000000 00 01 00 00 00 9000"
#define LATER_1    "< 80 00000000 00 01 80 01 00"
#define LINES(...) ((const char *const[]){ __VA_ARGS__, NULL })

struct talk {
        struct usb_script script;
        struct ccid ccid;
        struct ccid_answer answer;
};

static void start(struct talk *talk, const char *const *lines)
{
        memset(talk, 0, sizeof *talk);
        script_start(&talk->script, lines);
        talk->ccid.wire = &talk->script.wire;
        ccid_allow(&talk->ccid, 7000);
}

static int transfer(struct talk *talk)
{
        static const uint8_t select[] = { 0x00, 0xA4, 0x00, 0x00 };
        return ccid_ask(&talk->ccid,
                &(struct ccid_question){
                        .type = CCID_XFR_BLOCK, .data = { select, sizeof select } },
                &talk->answer);
}

static void check_transfer(int expected, const char *const *lines)
{
        struct talk talk;
        start(&talk, lines);
        int r = transfer(&talk);
        if (r != expected)
                fail_msg("%d instead of %d", r, expected);
        script_over(&talk.script);
}

static void an_answer_is_taken_apart(void **state)
{
        (void)state;
        struct talk talk;
        start(&talk, LINES(XFR_1, "< 80 02000000 00 01 00 00 02 6A82"));
        assert_int_equal(transfer(&talk), 0);
        assert_false(talk.answer.failed);
        assert_int_equal(talk.answer.card, CCID_CARD_ACTIVE);
        assert_int_equal(talk.answer.extra, 2);
        assert_true(view_eq(talk.answer.data, "\x6A\x82", 2));
}

static void a_failure_is_an_answer(void **state)
{
        (void)state;
        struct talk talk;
        start(&talk, LINES(XFR_1, "< 80 00000000 00 01 42 FE 00"));
        assert_int_equal(transfer(&talk), 0);
        assert_true(talk.answer.failed);
        assert_int_equal(talk.answer.card, CCID_CARD_ABSENT);
        assert_int_equal(talk.answer.error, CCID_MUTE);
}

static void numbers_go_up_and_around(void **state)
{
        (void)state;
        struct talk talk;
        start(&talk, LINES("> 65 00000000 00 FF 000000", "< 81 00000000 00 FF 01 00 00",
                             "> 65 00000000 00 00 000000", "< 81 00000000 00 00 01 00 00"));
        talk.ccid.seq = 0xFE;
        assert_int_equal(ccid_status(&talk.ccid, &talk.answer), 0);
        assert_int_equal(ccid_status(&talk.ccid, &talk.answer), 0);
        assert_int_equal(talk.answer.card, CCID_CARD_INACTIVE);
        script_over(&talk.script);
}

static void more_time_is_given_until_there_is_none(void **state)
{
        (void)state;
        check_transfer(
                0, LINES(XFR_1, LATER_1, "tick 3000", LATER_1, "tick 3000", LATER_1, ANSWER_1));
        check_transfer(OUTCOME_TIMED_OUT, LINES(XFR_1, LATER_1, "tick 3000", LATER_1, "tick 3000",
                                                  LATER_1, "tick 999", LATER_1, "tick 1", LATER_1));
}

static void answers_to_something_older_are_passed_over(void **state)
{
        (void)state;
        check_transfer(0, LINES(XFR_1, "< 80 02000000 00 00 00 00 00 9000", ANSWER_1));
        check_transfer(0, LINES(XFR_1, "< 81 00000000 01 01 00 00 00", ANSWER_1));
        check_transfer(0, LINES(XFR_1, "<  ", ANSWER_1)); /* an empty packet */
        check_transfer(
                OUTCOME_TIMED_OUT, LINES(XFR_1, "< 80 02000000 00 77 00 00 00 9000", "< late"));
        const char *flood[18] = { XFR_1 };
        for (size_t i = 1; i < 17; i++)
                flood[i] = "< 80 02000000 00 77 00 00 00 9000";
        check_transfer(-EBADMSG, flood);
}

static void what_is_no_message_ends_the_exchange(void **state)
{
        (void)state;
        static const char *const bad[] = {
                "< 80 02000000 00 01 00 00",         /* short header */
                "< 80 03000000 00 01 00 00 00 9000", /* says more than it has */
                "< 80 01000000 00 01 00 00 00 9000", /* has more than it says */
                "< 80 FFFFFFFF 00 01 00 00 00 9000", /* says what nobody has */
                "< 80 F8130000 00 01 00 00 00 9000", /* over every buffer */
                "< 81 00000000 00 01 00 00 00",      /* the answer to another question */
                "< 50 00000000 00 01 00 00 00",      /* no answer at all */
                "< 80 02000000 00 01 03 00 00 9000", /* a card that is neither here nor away */
                "< 80 02000000 00 01 C0 00 00 9000", /* a status that is none */
        };
        for (size_t i = 0; i < ARRAY_LEN(bad); i++)
                check_transfer(-EBADMSG, LINES(XFR_1, bad[i]));
        check_transfer(-EOVERFLOW, LINES(XFR_1, "< over"));
        check_transfer(-EIO, LINES(XFR_1, "< garbled"));
}

static void a_stalled_endpoint_is_cleared_once(void **state)
{
        (void)state;
        check_transfer(0, LINES(XFR_1, "< stall", "clear in", ANSWER_1));
        check_transfer(-EPIPE, LINES(XFR_1, "< stall", "clear in", "< stall"));
        check_transfer(-EPIPE, LINES("> stall", "clear out")); /* and not sent again */
}

static void a_device_that_is_gone_is_no_reader(void **state)
{
        (void)state;
        check_transfer(OUTCOME_NO_READER, LINES("> gone"));
        check_transfer(OUTCOME_NO_READER, LINES(XFR_1, "< gone"));
        check_transfer(OUTCOME_NO_READER, LINES(XFR_1, "< stall", "clear in", "< gone"));
}

static void after_a_failure_the_reader_is_told_to_abort(void **state)
{
        (void)state;
        struct talk talk;
        start(&talk, LINES(XFR_1, "< late", "abort 0200", ABORT_2, /* what it was at comes first */
                             ANSWER_1, "< 80 00000000 00 01 40 FF 00", ABORTED_2,
                             "> 65 00000000 00 03 000000", "< 81 00000000 00 03 00 00 00"));
        assert_int_equal(transfer(&talk), OUTCOME_TIMED_OUT);
        ccid_allow(&talk.ccid, 1000);
        assert_int_equal(ccid_status(&talk.ccid, &talk.answer), 0);
        script_over(&talk.script);
}

static void garbage_before_an_abort_is_passed_over(void **state)
{
        (void)state;
        struct talk talk;
        start(&talk, LINES(XFR_1, "< 80 03000000 00 01 00 00 00 9000", "abort 0200", ABORT_2,
                             "< 90 00", "< 80 00000000 00 02 00 00 00", ABORTED_2,
                             "> 65 00000000 00 03 000000", "< 81 00000000 00 03 00 00 00"));
        assert_int_equal(transfer(&talk), -EBADMSG);
        assert_int_equal(ccid_status(&talk.ccid, &talk.answer), 0);
        script_over(&talk.script);
}

static void a_reader_that_cannot_abort_stays_out_of_step(void **state)
{
        (void)state;
        struct talk talk;
        start(&talk, LINES(XFR_1, "< late", "abort stall", ABORT_2, "< late", "abort 0300",
                             "> 72 00000000 00 03 000000", "< late"));
        assert_int_equal(transfer(&talk), OUTCOME_TIMED_OUT);
        assert_int_equal(transfer(&talk), OUTCOME_TIMED_OUT);
        assert_int_equal(transfer(&talk), OUTCOME_TIMED_OUT);
        script_over(&talk.script);
}

static void a_question_longer_than_any_message_is_not_sent(void **state)
{
        (void)state;
        static const uint8_t much[CCID_MESSAGE_MAX];
        struct talk talk;
        start(&talk, LINES("end"));
        struct ccid_question question = { .type = CCID_XFR_BLOCK, .data = { much, sizeof much } };
        assert_int_equal(ccid_ask(&talk.ccid, &question, &talk.answer), -EMSGSIZE);
        assert_false(talk.ccid.lost);
}

static void without_time_nothing_is_sent(void **state)
{
        (void)state;
        struct talk talk;
        start(&talk, LINES("tick 0"));
        talk.script.now = 7000;
        assert_int_equal(transfer(&talk), OUTCOME_TIMED_OUT);
}

static void notices_name_the_slots_that_changed(void **state)
{
        (void)state;
        static const struct {
                const char *hex;
                uint8_t slot;
                bool changed;
        } rows[] = {
                { "5003", 0, true },
                { "5002", 0, true },
                { "5001", 0, false },
                { "5008", 1, true },
                { "5008", 0, false },
                { "500080", 7, true },
                { "5003", 4, false }, /* it is not that long */
                { "50", 0, false },
                { "51030000", 0, false }, /* a hardware error */
                { "", 0, false },
        };
        for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
                uint8_t bytes[8];
                size_t len = script_hex(rows[i].hex, bytes, sizeof bytes);
                assert_int_equal(ccid_slot_changed(bytes, len, rows[i].slot), rows[i].changed);
        }
}

/* The descriptor */

#define TWIN                                                                                       \
        "36 21 0110 00 07 03000000 A00F0000 A00F0000 00 002A0000 00A80300 00 FE000000 00000000 "   \
        "00000000 B2070200 0F010000 FF FF 0102 03 01"

static int parse(const char *hex, struct ccid_class *ret)
{
        uint8_t bytes[64];
        return ccid_class_parse(bytes, script_hex(hex, bytes, sizeof bytes), ret);
}

static void a_class_descriptor_is_read(void **state)
{
        (void)state;
        struct ccid_class class;
        assert_int_equal(parse(TWIN, &class), 0);
        assert_int_equal(class.max_slot, 0);
        assert_int_equal(class.voltages, CCID_5V | CCID_3V | CCID_1V8);
        assert_int_equal(class.protocols, CCID_T0 | CCID_T1);
        assert_int_equal(class.clock_khz, 4000);
        assert_int_equal(class.rate, 10752);
        assert_int_equal(class.max_rate, 239616);
        assert_int_equal(class.max_ifsd, 254);
        assert_int_equal(class.features, 0x000207B2);
        assert_int_equal(class.level, CCID_LEVEL_SHORT_APDU);
        assert_int_equal(class.message_max, 271);
        assert_int_equal(class.lcd, 0x0201);
        assert_int_equal(class.pin, CCID_PIN_VERIFY | CCID_PIN_MODIFY);
}

static void levels_and_sizes_are_bounded(void **state)
{
        (void)state;
        static const struct {
                const char *features, *message;
                int r;
        } rows[] = {
                { "00000100", "0F010000", 0 },
                { "00000200", "0F010000", 0 },
                { "00000400", "0F010000", 0 },
                { "00000000", "0F010000", -ENOTSUP }, /* characters */
                { "00000300", "0F010000", -ENOTSUP }, /* two levels */
                { "00000200", "0E010000", -EBADMSG }, /* no room for a short APDU */
                { "00000200", "00000000", -EBADMSG },
                { "00000400", "FFFFFFFF", 0 },
        };
        for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
                struct ccid_class class = { 0 };
                uint8_t bytes[64];
                (void)script_hex(TWIN, bytes, sizeof bytes);
                (void)script_hex(rows[i].features, bytes + 40, 4);
                (void)script_hex(rows[i].message, bytes + 44, 4);
                assert_int_equal(ccid_class_parse(bytes, 54, &class), rows[i].r);
                assert_true(class.message_max <= CCID_MESSAGE_MAX);
        }
}

static void what_is_no_descriptor_is_refused(void **state)
{
        (void)state;
        struct ccid_class class;
        uint8_t bytes[64];
        size_t len = script_hex(TWIN, bytes, sizeof bytes);
        for (size_t shorter = 0; shorter < len; shorter++)
                assert_int_equal(ccid_class_parse(bytes, shorter, &class), -EBADMSG);
        bytes[1] = 0x22;
        assert_int_equal(ccid_class_parse(bytes, len, &class), -EBADMSG);
}

static void the_descriptor_is_found_among_others(void **state)
{
        (void)state;
        static const struct {
                const char *hex;
                int r;
        } rows[] = {
                { TWIN, 0 },
                { "0921 11220102030405" TWIN, 0 }, /* another of that type, not of that length */
                { "0705 8103080018" TWIN, 0 },
                { "0705 8103080018", -ENOENT },
                { "0005" TWIN, -ENOENT }, /* a length that leads nowhere */
                { "0105" TWIN, -ENOENT },
                { "36 21 0110 00 07", -ENOENT }, /* cut off */
                { "", -ENOENT },
        };
        for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
                uint8_t bytes[96];
                struct ccid_class class;
                size_t len = script_hex(rows[i].hex, bytes, sizeof bytes);
                assert_int_equal(ccid_class_find(bytes, len, &class), rows[i].r);
        }
}

static void quirks_take_away_what_does_not_work(void **state)
{
        (void)state;
        struct ccid_class class;
        assert_int_equal(parse(TWIN, &class), 0);
        struct ccid_class plain = class;
        usb_quirk_apply(usb_quirk_find(0x08E6, 0x3437), &class);
        assert_memory_equal(&class, &plain, sizeof class);
        usb_quirk_apply(usb_quirk_find(0x03F0, 0x1024), &class);
        assert_int_equal(class.pin, 0);
        usb_quirk_apply(usb_quirk_find(0x0B97, 0x7762), &class);
        assert_int_equal(class.max_rate, 9600);
        class.level = CCID_LEVEL_EXTENDED_APDU;
        usb_quirk_apply(usb_quirk_find(0x0D46, 0x3010), &class);
        assert_int_equal(class.level, CCID_LEVEL_SHORT_APDU);
        assert_true(usb_quirk_find(0, 0)->poll_ms > 0);
        assert_true(usb_quirk_find(0xFFFF, 0xFFFF)->poll_ms > 0);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(an_answer_is_taken_apart),
                cmocka_unit_test(a_failure_is_an_answer),
                cmocka_unit_test(numbers_go_up_and_around),
                cmocka_unit_test(more_time_is_given_until_there_is_none),
                cmocka_unit_test(answers_to_something_older_are_passed_over),
                cmocka_unit_test(what_is_no_message_ends_the_exchange),
                cmocka_unit_test(a_stalled_endpoint_is_cleared_once),
                cmocka_unit_test(a_device_that_is_gone_is_no_reader),
                cmocka_unit_test(after_a_failure_the_reader_is_told_to_abort),
                cmocka_unit_test(garbage_before_an_abort_is_passed_over),
                cmocka_unit_test(a_reader_that_cannot_abort_stays_out_of_step),
                cmocka_unit_test(a_question_longer_than_any_message_is_not_sent),
                cmocka_unit_test(without_time_nothing_is_sent),
                cmocka_unit_test(notices_name_the_slots_that_changed),
                cmocka_unit_test(a_class_descriptor_is_read),
                cmocka_unit_test(levels_and_sizes_are_bounded),
                cmocka_unit_test(what_is_no_descriptor_is_refused),
                cmocka_unit_test(the_descriptor_is_found_among_others),
                cmocka_unit_test(quirks_take_away_what_does_not_work),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}

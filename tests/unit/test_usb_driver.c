/* SPDX-License-Identifier: Apache-2.0 */
/* test_usb_driver.c: the driver "usb" over a device made of memory. This file stands in for usb_device.c,
 * so that what the driver says of cards that come, go and are changed can be tested line by line.
 */
#include "drivers/usb/usb.h"
#include "drivers/usb/usb_device.h"
#include "tests/unit/usb_script.h"

#define LINES(...) ((const char *const[]){ __VA_ARGS__, NULL })
#define NODE       "/dev/bus/usb/001/002"

struct usb_device {
        bool open;
};

/* What the next open() finds, and what a sleep brings: cmocka's tests are one after the other. */
static struct {
        struct usb_script script;
        struct ccid_class class;
        struct usb_device device;
        int open_result, last_ms;
} world;

int usb_device_open(struct usb_device **ret, const struct usb_address *address)
{
        assert_string_equal(address->node, NODE);
        if (world.open_result != 0)
                return world.open_result;
        world.device.open = true;
        *ret = &world.device;
        return 0;
}

struct usb_device *usb_device_free(struct usb_device *device)
{
        if (device)
                device->open = false;
        return NULL;
}

const struct wire *usb_device_wire(const struct usb_device *device)
{
        (void)device;
        return &world.script.wire;
}

const struct ccid_class *usb_device_class(const struct usb_device *device)
{
        (void)device;
        return &world.class;
}

const struct usb_quirk *usb_device_quirk(const struct usb_device *device)
{
        (void)device;
        return usb_quirk_find(0, 0);
}

size_t usb_device_rates(struct usb_device *device, uint32_t *ret)
{
        (void)device, (void)ret;
        return 0;
}

int usb_device_reset(struct usb_device *device)
{
        (void)device;
        (void)script_next(&world.script, "reset");
        return 0;
}

int usb_device_wait(struct usb_device *device, int channel, int ms, bool *ret_channel)
{
        (void)device;
        assert_int_equal(channel, 3);
        const char *line = script_next(&world.script, "sleep ");
        world.last_ms = ms;
        *ret_channel = strcmp(line, "asked") == 0;
        return strcmp(line, "gone") == 0 ? OUTCOME_NO_READER : 0;
}

#define LOOK(seq, card) "> 65 00000000 00 " seq " 000000", "< 81 00000000 00 " seq " " card " 00 00"
#define OFF(seq)        "> 63 00000000 00 " seq " 000000", "< 81 00000000 00 " seq " 01 00 00"
#define ON(seq)         "> 62 00000000 00 " seq " 000000", "< 80 02000000 00 " seq " 00 00 00 3B00"
#define PARAMETERS(seq)                                                                            \
        "> 6C 00000000 00 " seq " 000000", "< 82 05000000 00 " seq " 00 00 00 11000A0000"
#define ACTIVE   "00"
#define INACTIVE "01"
#define ABSENT   "02"

static void prepare(uint32_t features, bool interrupt, const char *const *lines)
{
        memset(&world, 0, sizeof world);
        world.class = (struct ccid_class){
                .protocols = CCID_T0 | CCID_T1,
                .features = CCID_AUTO_VOLTAGE | CCID_AUTO_NEGOTIATION | features,
                .level = CCID_LEVEL_SHORT_APDU,
                .message_max = 271,
        };
        script_start(&world.script, lines);
        world.script.wire.has_interrupt = interrupt;
}

static void *opened(void)
{
        void *reader = NULL;
        assert_int_equal(driver_usb.open(&reader, NODE, NULL), 0);
        return reader;
}

static void done(void *reader)
{
        driver_usb.close(reader);
        script_over(&world.script);
        assert_false(world.device.open);
}

static struct driver_card begun(void *reader, int expected)
{
        struct driver_card card = { 0 };
        assert_int_equal(driver_usb.begin(reader, &card), expected);
        return card;
}

static void opening_takes_the_power_off(void **state)
{
        (void)state;
        prepare(0, true, LINES(LOOK("01", ACTIVE), OFF("02"), OFF("03")));
        done(opened());
        prepare(0, true, LINES(LOOK("01", ABSENT), OFF("02")));
        done(opened());
}

static void a_reader_left_in_the_middle_of_something_is_brought_round(void **state)
{
        (void)state;
        prepare(0, true, /* it still answers its last owner */
                LINES("> 65 00000000 00 01 000000", "< 80 02000000 00 44 00 00 00 9000",
                        "< 81 00000000 00 01 00 00 00", OFF("02"), OFF("03")));
        done(opened());
        prepare(0, true, /* it is still at what it was told last: an abort helps */
                LINES("> 65 00000000 00 01 000000", "< 81 00000000 00 01 40 E0 00",
                        "> 63 00000000 00 02 000000", "< 81 00000000 00 02 40 E0 00", "abort 0300",
                        "> 72 00000000 00 03 000000", "< 80 00000000 00 43 40 FF 00",
                        "< 81 00000000 00 03 00 00 00", LOOK("04", ACTIVE), OFF("05"), OFF("06")));
        done(opened());
        prepare(0, true, /* it answers nothing: it starts anew */
                LINES("> 65 00000000 00 01 000000", "< late", "abort 0200",
                        "> 72 00000000 00 02 000000", "< late", "reset", LOOK("03", INACTIVE),
                        OFF("04"), OFF("05")));
        done(opened());
}

static void a_dead_reader_is_no_reader(void **state)
{
        (void)state;
        void *reader = NULL;
        prepare(0, true,
                LINES("> 65 00000000 00 01 000000", "< late", "abort 0200",
                        "> 72 00000000 00 02 000000", "< late", "reset",
                        "> 65 00000000 00 03 000000", "< late"));
        assert_int_equal(driver_usb.open(&reader, NODE, NULL), OUTCOME_NO_READER);
        assert_false(world.device.open);
        script_over(&world.script);
}

static void what_opening_refuses(void **state)
{
        (void)state;
        void *reader = NULL;
        prepare(0, true, LINES(NULL));
        world.open_result = OUTCOME_BUSY;
        assert_int_equal(driver_usb.open(&reader, NODE, NULL), OUTCOME_BUSY);
        world.open_result = 0;
        assert_int_equal(
                driver_usb.open(&reader, NODE ":0:1", NULL), OUTCOME_NO_READER); /* no such slot */
        assert_false(world.device.open);
        assert_int_equal(
                driver_usb.open(&reader, NODE, (const char *const[]){ "a=b", NULL }), -EINVAL);
        assert_int_equal(driver_usb.open(&reader, "/etc/passwd", NULL), -EINVAL);
}

/* What is said until the first card of a reader has begun, up to number 05. */
#define FIRST      LOOK("01", INACTIVE), OFF("02"), LOOK("03", INACTIVE), ON("04"), PARAMETERS("05")
#define ASKED(seq) "> 6F 05000000 00 " seq " 000000 0020008100"
#define TRIES(seq) "< 80 02000000 00 " seq " 00 00 00 63C3"

/* What a card answers to the question for its tries. */
static int asked(void *reader)
{
        uint8_t rsp[8];
        size_t len = 0;
        int r = driver_usb.transmit(reader, (const uint8_t *)"\0\x20\0\x81", 5, rsp, 8, &len);
        assert_int_equal(len, r == 0 ? 2 : 0);
        return r;
}

/* One transaction ends, the next one begins; what it tells of the card. */
static void ends_and_begins(
        void *reader, enum driver_end how, struct driver_card *card, enum card_event event)
{
        assert_int_equal(driver_usb.end(reader, how), 0);
        struct driver_card again = begun(reader, 0);
        assert_int_equal(again.event, event);
        if (event == CARD_IS_NEW)
                assert_int_not_equal(again.insertion, card->insertion);
        else
                assert_int_equal(again.insertion, card->insertion);
        *card = again;
}

static void whether_a_card_is_the_one_that_was_there(void **state)
{
        (void)state;
        static const struct {
                unsigned int features;
                bool interrupt;
                enum driver_end end;
                enum card_event event;
                const char *lines[24];
        } rows[] = {
                { 0, true, DRIVER_LEAVE, CARD_SAME, { FIRST, LOOK("06", ACTIVE), OFF("07") } },
                { 0, true, DRIVER_RESET, CARD_WAS_RESET,
                        { FIRST, OFF("06"), LOOK("07", INACTIVE), ON("08"), PARAMETERS("09"),
                                OFF("0a") } },
                /* it lost its power */
                { 0, true, DRIVER_LEAVE, CARD_IS_NEW,
                        { FIRST, LOOK("06", INACTIVE), ON("07"), PARAMETERS("08"), OFF("09") } },
                /* it has power, but there was a notice */
                { 0, true, DRIVER_LEAVE, CARD_IS_NEW,
                        { FIRST, "notice 5003", LOOK("06", ACTIVE), ON("07"), PARAMETERS("08"),
                                OFF("09") } },
                /* power says nothing where the reader gives it by itself */
                { CCID_AUTO_ACTIVATION, false, DRIVER_LEAVE, CARD_IS_NEW,
                        { FIRST, LOOK("06", ACTIVE), ON("07"), PARAMETERS("08"), OFF("09") } },
        };
        for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
                prepare(rows[i].features, rows[i].interrupt, rows[i].lines);
                void *reader = opened();
                struct driver_card card = begun(reader, 0);
                assert_int_equal(card.event, CARD_IS_NEW);
                assert_int_equal(card.atr_len, 2);
                ends_and_begins(reader, rows[i].end, &card, rows[i].event);
                done(reader);
        }
}

static void without_a_witness_a_card_is_new(void **state)
{
        (void)state;
        prepare(0, false, /* no interrupt endpoint, and the power was off in between */
                LINES(FIRST, OFF("06"), LOOK("07", INACTIVE), ON("08"), PARAMETERS("09"),
                        ASKED("0a"), TRIES("0a"), LOOK("0b", ACTIVE), OFF("0c")));
        void *reader = opened();
        struct driver_card card = begun(reader, 0);
        ends_and_begins(reader, DRIVER_RESET, &card, CARD_IS_NEW);
        assert_int_equal(asked(reader), 0);
        ends_and_begins(reader, DRIVER_LEAVE, &card, CARD_SAME); /* the power is a witness */
        done(reader);
}

static void a_card_that_cannot_be_used_keeps_no_power(void **state)
{
        (void)state;
        prepare(0, true,
                LINES(LOOK("01", INACTIVE), OFF("02"), LOOK("03", INACTIVE),
                        "> 62 00000000 00 04 000000", "< 80 03000000 00 04 00 00 00 3B800E",
                        OFF("05"), OFF("06")));
        void *reader = opened();
        begun(reader, OUTCOME_CARD_NOT_SUPPORTED);
        done(reader);
}

static void no_card_is_no_card(void **state)
{
        (void)state;
        prepare(0, true, LINES(LOOK("01", ABSENT), LOOK("02", ABSENT), OFF("03")));
        void *reader = opened();
        begun(reader, OUTCOME_NO_CARD);
        done(reader);
}

static void a_look_that_went_wrong_is_taken_again(void **state)
{
        (void)state;
        prepare(0, true,
                LINES(LOOK("01", ABSENT), "> stall", "clear out", "abort 0300",
                        "> 72 00000000 00 03 000000", "< 81 00000000 00 03 02 00 00",
                        LOOK("04", ABSENT), OFF("05")));
        void *reader = opened();
        begun(reader, OUTCOME_NO_CARD);
        done(reader);
}

static void taken_out_in_the_middle_is_told_once_and_then_again(void **state)
{
        (void)state;
        prepare(0, true,
                LINES(FIRST, ASKED("06"), "< 80 00000000 00 06 42 FE 00", OFF("07"),
                        LOOK("08", INACTIVE), ON("09"), PARAMETERS("0a"), OFF("0b")));
        void *reader = opened();
        struct driver_card card = begun(reader, 0);
        assert_int_equal(asked(reader), OUTCOME_CARD_REMOVED);
        assert_int_equal(asked(reader), OUTCOME_CARD_REMOVED);
        ends_and_begins(reader, DRIVER_LEAVE, &card, CARD_IS_NEW); /* no power on what is left */
        done(reader);
}

/* Such a reader gives power to whatever is put in: without that news the next command, which may be the
 * one with the PIN in it, would reach another card than the one that was looked at. */
static void a_card_changed_in_a_transaction_is_sent_nothing(void **state)
{
        (void)state;
        static const struct apdu_pinpad how = {
                .ins = 0x20, .p2 = 0x81, .block_len = 8, .pad = 0xFF, .min = 4, .max = 8
        };
        for (int keys = 0; keys < 2; keys++) {
                uint8_t rsp[8];
                size_t len = 0;
                prepare(CCID_AUTO_ACTIVATION, true,
                        LINES(FIRST, "notice 5002", "notice 5003", OFF("06"), LOOK("07", ACTIVE),
                                ON("08"), PARAMETERS("09"), OFF("0a")));
                world.class.pin = CCID_PIN_VERIFY;
                void *reader = opened();
                struct driver_card card = begun(reader, 0);
                int r = keys ? driver_usb.verify_pinpad(reader, &how, rsp, 8, &len) : asked(reader);
                assert_int_equal(r, OUTCOME_CARD_REMOVED);
                ends_and_begins(reader, DRIVER_LEAVE, &card, CARD_IS_NEW);
                done(reader);
        }
}

static void late_news_of_a_card_that_came_ends_no_transaction(void **state)
{
        (void)state;
        prepare(0, true,
                LINES(FIRST, "notice 5003", ASKED("06"), TRIES("06"), LOOK("07", ACTIVE), ON("08"),
                        PARAMETERS("09"), OFF("0a")));
        void *reader = opened();
        struct driver_card card = begun(reader, 0);
        assert_int_equal(asked(reader), 0);
        ends_and_begins(reader, DRIVER_LEAVE, &card, CARD_IS_NEW);
        done(reader);
}

static void a_reader_that_answers_nothing_any_more_is_gone(void **state)
{
        (void)state;
        prepare(0, true,
                LINES(FIRST, ASKED("06"), "< late",                           /* end: */
                        "abort 0700", "> 72 00000000 00 07 000000", "< late", /* close: */
                        "abort gone"));
        void *reader = opened();
        begun(reader, 0);
        assert_int_equal(asked(reader), OUTCOME_TIMED_OUT);
        assert_int_equal(driver_usb.end(reader, DRIVER_RESET), OUTCOME_NO_READER);
        done(reader);
}

static void presence_is_told_at_first_and_when_it_changes(void **state)
{
        (void)state;
        struct driver_presence at_first = { 0 }, later = { 0 }, at_last = { 0 };
        bool changed = false;
        prepare(0, true,
                LINES(LOOK("01", ABSENT), LOOK("02", ABSENT), /* told; then: */
                        LOOK("03", ABSENT), "sleep over", "sleep over", "notice 5003",
                        LOOK("04", INACTIVE), LOOK("05", INACTIVE), "sleep over",
                        "notice 00", /* says nothing */
                        LOOK("06", INACTIVE), "sleep over", "notice 5002", LOOK("07", ABSENT),
                        LOOK("08", ABSENT), "sleep asked", OFF("09")));
        void *reader = opened();
        assert_int_equal(driver_usb.wait(reader, 3, &changed, &at_first), 0);
        assert_true(changed && !at_first.present);
        assert_int_equal(driver_usb.wait(reader, 3, &changed, &later), 0);
        assert_true(changed && later.present && later.events != at_first.events);
        assert_int_equal(world.last_ms, -1); /* nothing wakes up without a reason */
        assert_int_equal(driver_usb.wait(reader, 3, &changed, &at_last), 0);
        assert_true(changed && !at_last.present && at_last.events != later.events);
        assert_int_equal(driver_usb.wait(reader, 3, &changed, &at_last), 0);
        assert_false(changed);
        done(reader);
}

static void a_reader_without_interrupts_is_asked_now_and_then(void **state)
{
        (void)state;
        struct driver_presence presence = { 0 };
        bool changed = false;
        prepare(0, false,
                LINES(LOOK("01", ABSENT), LOOK("02", ABSENT), LOOK("03", ABSENT), "sleep over",
                        LOOK("04", ABSENT), "sleep over", LOOK("05", INACTIVE), OFF("06")));
        void *reader = opened();
        assert_int_equal(driver_usb.wait(reader, 3, &changed, &presence), 0);
        assert_int_equal(driver_usb.wait(reader, 3, &changed, &presence), 0);
        assert_true(changed && presence.present);
        assert_true(world.last_ms >= 500);
        done(reader);
}

static void a_reader_pulled_out_while_nobody_asks_is_gone(void **state)
{
        (void)state;
        struct driver_presence presence = { 0 };
        bool changed = false;
        prepare(0, true,
                LINES(LOOK("01", ABSENT), LOOK("02", ABSENT), LOOK("03", ABSENT), "sleep gone",
                        "> gone"));
        void *reader = opened();
        assert_int_equal(driver_usb.wait(reader, 3, &changed, &presence), 0);
        assert_int_equal(driver_usb.wait(reader, 3, &changed, &presence), OUTCOME_NO_READER);
        done(reader);
}

static void addresses_are_nodes_or_descriptors(void **state)
{
        (void)state;
        static const struct {
                const char *text, *node;
                int r, fd, interface, slot;
        } rows[] = {
                { "/dev/bus/usb/001/002", "/dev/bus/usb/001/002", 0, -1, -1, 0 },
                { "/dev/bus/usb/1/2", "/dev/bus/usb/001/002", 0, -1, -1, 0 },
                { "/dev/bus/usb/003/127:1", "/dev/bus/usb/003/127", 0, -1, 1, 0 },
                { "/dev/bus/usb/003/127:1:2", "/dev/bus/usb/003/127", 0, -1, 1, 2 },
                { "fd:4", "", 0, 4, -1, 0 },
                { "fd:17:2", "", 0, 17, 2, 0 },
                { "", NULL, -EINVAL, 0, 0, 0 },
                { "fd:", NULL, -EINVAL, 0, 0, 0 },
                { "fd:-1", NULL, -EINVAL, 0, 0, 0 },
                { "fd:4x", NULL, -EINVAL, 0, 0, 0 },
                { "fd:99999999999", NULL, -EINVAL, 0, 0, 0 },
                { "/dev/bus/usb/", NULL, -EINVAL, 0, 0, 0 },
                { "/dev/bus/usb/001", NULL, -EINVAL, 0, 0, 0 },
                { "/dev/bus/usb/001/", NULL, -EINVAL, 0, 0, 0 },
                { "/dev/bus/usb/../../mem", NULL, -EINVAL, 0, 0, 0 },
                { "/dev/bus/usb/001/002:", NULL, -EINVAL, 0, 0, 0 },
                { "/dev/bus/usb/001/002:1:", NULL, -EINVAL, 0, 0, 0 },
                { "/dev/bus/usb/001/002:1:2:3", NULL, -EINVAL, 0, 0, 0 },
                { "/dev/bus/usb/001/002:256", NULL, -EINVAL, 0, 0, 0 },
                { "/dev/bus/usb/001/002 ", NULL, -EINVAL, 0, 0, 0 },
                { "/dev/ttyUSB0", NULL, -EINVAL, 0, 0, 0 },
        };
        for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
                struct usb_address is;
                if (usb_address_parse(rows[i].text, &is) != rows[i].r)
                        fail_msg("%s", rows[i].text);
                if (rows[i].r != 0)
                        continue;
                assert_string_equal(is.node, rows[i].node);
                assert_int_equal(is.fd, rows[i].fd);
                assert_int_equal(is.interface, rows[i].interface);
                assert_int_equal(is.slot, rows[i].slot);
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(opening_takes_the_power_off),
                cmocka_unit_test(a_reader_left_in_the_middle_of_something_is_brought_round),
                cmocka_unit_test(a_dead_reader_is_no_reader),
                cmocka_unit_test(what_opening_refuses),
                cmocka_unit_test(whether_a_card_is_the_one_that_was_there),
                cmocka_unit_test(without_a_witness_a_card_is_new),
                cmocka_unit_test(a_card_that_cannot_be_used_keeps_no_power),
                cmocka_unit_test(no_card_is_no_card),
                cmocka_unit_test(a_look_that_went_wrong_is_taken_again),
                cmocka_unit_test(taken_out_in_the_middle_is_told_once_and_then_again),
                cmocka_unit_test(a_card_changed_in_a_transaction_is_sent_nothing),
                cmocka_unit_test(late_news_of_a_card_that_came_ends_no_transaction),
                cmocka_unit_test(a_reader_that_answers_nothing_any_more_is_gone),
                cmocka_unit_test(presence_is_told_at_first_and_when_it_changes),
                cmocka_unit_test(a_reader_without_interrupts_is_asked_now_and_then),
                cmocka_unit_test(a_reader_pulled_out_while_nobody_asks_is_gone),
                cmocka_unit_test(addresses_are_nodes_or_descriptors),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* test_monitor.c: the monitor sees each breach it exists for, and none where there is none. Everything
 * here is typed bytes: no driver and no simulator take part.
 */
#include "tests/monitor/monitor.h"

#include "base/bytes.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#define SELECT_IAS   "00A4040C0CA0000000180C000001634200"
#define SELECT_MPCOS "00A4040C10A0000000183003010000000000000000"
#define SELECT_CM    "00A4040C08A000000018434D00"
#define VERIFY                                                                                     \
        "0020008110323731383238313800000000"                                                       \
        "00000000"
#define OK "9000"

static void say(struct monitor *monitor, const char *cmd_hex, const char *rsp_hex)
{
        uint8_t cmd[300], rsp[600];
        ssize_t cmd_len = hex_decode(cmd, sizeof cmd, cmd_hex),
                rsp_len = hex_decode(rsp, sizeof rsp, rsp_hex);
        assert_true(cmd_len >= 4 && rsp_len >= 0);
        monitor_exchange(monitor, cmd, (size_t)cmd_len, rsp, (size_t)rsp_len);
}

/* The beginning of a certificate (8.3) whose issuer has the OU given: outer shells longer than what is
 * there, as in a first block. */
#define CERT_START                                                                                 \
        "30820500"                                                                                 \
        "308203E8"                                                                                 \
        "A003020102"                                                                               \
        "02101112131415161718191A1B1C1D1E1F20"                                                     \
        "300D06092A864886F70D01010B0500"
#define ISSUER_IR                                                                                  \
        "3041"                                                                                     \
        "310B3009060355040613024952"                                                               \
        "31183016060355040A0C0F4972616E20476F7665726E6D656E74"
#define ISSUER_OU "310D300B060355040B0C044E4F4352"
#define OTHER_OU  "310D300B060355040B0C044E4F4353"
#define ISSUER_CN "310730050603550403"

static void show_certificate(struct monitor *monitor, const char *ou)
{
        char answer[1024];
        snprintf(answer, sizeof answer, "%s%s%s%s%s", CERT_START, ISSUER_IR, ou, ISSUER_CN, OK);
        say(monitor, SELECT_IAS, OK);
        say(monitor, "00A4080C0451005040", OK);
        say(monitor, "00B00000F8", answer);
}

static void identify(struct monitor *monitor)
{
        say(monitor, SELECT_MPCOS, OK);
        show_certificate(monitor, ISSUER_OU);
}

static void up_to_counter(struct monitor *monitor)
{
        monitor_event(monitor, MONITOR_BEGIN);
        identify(monitor);
        say(monitor, SELECT_IAS, OK);
        say(monitor, "00200081", "63C3");
        monitor_entry(monitor, "27182818", false);
}

static void leave(struct monitor *monitor)
{
        say(monitor, SELECT_IAS, OK);
        monitor_event(monitor, MONITOR_END);
        monitor_event(monitor, MONITOR_RESET);
}

static int up(void **state)
{
        struct monitor *monitor = NULL;
        int r = monitor_new(&monitor);
        *state = monitor;
        return r;
}

static int down(void **state)
{
        *state = monitor_free(*state);
        return 0;
}

static void clean(const struct monitor *monitor)
{
        size_t count;
        const struct monitor_breach *breaches = monitor_breaches(monitor, &count);
        for (size_t i = 0; i < count; i++)
                print_error("rule %d at %u: %s\n", breaches[i].rule, breaches[i].exchange,
                        breaches[i].what);
        assert_int_equal(count, 0);
}

static void only(const struct monitor *monitor, int rule)
{
        size_t count;
        const struct monitor_breach *breaches = monitor_breaches(monitor, &count);
        assert_true(monitor_broke(monitor, rule));
        for (size_t i = 0; i < count; i++) {
                if (breaches[i].rule != rule)
                        print_error("rule %d: %s\n", breaches[i].rule, breaches[i].what);
                assert_int_equal(breaches[i].rule, rule);
        }
}

static void a_good_session_is_clean(void **state)
{
        struct monitor *monitor = *state;
        up_to_counter(monitor);
        say(monitor, VERIFY, OK);
        say(monitor, "002241B606800142840103", OK);
        say(monitor,
                "002A90A0229020"
                "0000000000000000000000000000000000000000000000000000000000000000",
                OK);
        say(monitor, "002A9E9A00", "0102039000");
        leave(monitor);
        up_to_counter(monitor);
        say(monitor, VERIFY, "63C2");
        leave(monitor);
        clean(monitor);
}

static void free_reads_are_clean(void **state)
{
        struct monitor *monitor = *state;
        say(monitor, SELECT_CM, OK);
        say(monitor, "80CA010115", "0101123030393939303030303700000000000000009000");
        say(monitor, SELECT_IAS, "6A82");
        say(monitor, "00A4040C0FA0", "6A82");
        say(monitor, "00A4000C023F00", OK);
        say(monitor, "00CADF3000", "6103");
        say(monitor, "00C0000003", "0102039000");
        clean(monitor);
}

static void other_instructions_wait_for_the_issuer(void **state)
{
        static const char *const early[] = { "0084000008", "002241B606800142840103",
                "00CB00FF05A003830181", "80C002050C", "002A9E9A00", "0088000000" };
        for (size_t i = 0; i < ARRAY_LEN(early); i++) {
                _cleanup_monitor_ struct monitor *monitor = NULL;
                assert_int_equal(monitor_new(&monitor), 0);
                say(monitor, SELECT_IAS, OK);
                say(monitor, early[i], OK);
                only(monitor, 1);
        }
        (void)state;
}

static void another_issuer_is_no_issuer(void **state)
{
        struct monitor *monitor = *state;
        say(monitor, SELECT_MPCOS, OK);
        show_certificate(monitor, OTHER_OU);
        say(monitor, "00200081", "63C3");
        only(monitor, 1);
}

static void a_removal_forgets_the_issuer(void **state)
{
        struct monitor *monitor = *state;
        identify(monitor);
        monitor_event(monitor, MONITOR_REMOVED);
        say(monitor, SELECT_IAS, OK);
        say(monitor, "00200081", "63C3");
        only(monitor, 1);
}

static void a_reset_of_the_card_that_stays_does_not(void **state)
{
        struct monitor *monitor = *state;
        identify(monitor);
        monitor_event(monitor, MONITOR_RESET);
        say(monitor, SELECT_IAS, OK);
        say(monitor, "00200081", "63C3");
        clean(monitor);
}

static void a_reset_keeps_the_issuer_and_nothing_else(void **state)
{
        struct monitor *monitor = *state;
        identify(monitor);
        say(monitor, "00200081", "63C3");
        monitor_event(monitor, MONITOR_RESET);
        say(monitor, SELECT_IAS, OK);
        say(monitor, "00200081", "63C3");
        clean(monitor);
        monitor_event(monitor, MONITOR_RESET);
        say(monitor, SELECT_IAS, OK);
        say(monitor, VERIFY, OK); /* the counter of before does not count */
        only(monitor, 2);
}

static void the_issuer_may_come_in_two_blocks_and_by_get_response(void **state)
{
        struct monitor *monitor = *state;
        say(monitor, SELECT_IAS, OK);
        say(monitor, "00A4080C0451005040", OK);
        say(monitor, "00B0000011",
                "61"
                "11");
        say(monitor, "00C0000011", "30820500308203E8A00302010202101112" OK);
        say(monitor, "00B00011F0",
                "131415161718191A1B1C1D1E1F20300D06092A864886F70D01010B0500" ISSUER_IR ISSUER_OU
                        ISSUER_CN OK);
        say(monitor, "00200081", "63C3");
        clean(monitor);
}

static void the_subject_of_a_certificate_is_not_its_issuer(void **state)
{
        struct monitor *monitor = *state;
        say(monitor, SELECT_IAS, OK);
        say(monitor, "00A4080C0450000303", OK);
        say(monitor, "00B00000F8",
                CERT_START
                "3002"
                "3100"
                "301E170D3136303830373030303030305A170D3233303830373030303030305A" ISSUER_IR
                        ISSUER_OU ISSUER_CN OK);
        say(monitor, "00200081", "63C3");
        only(monitor, 1);
}

struct gate {
        const char *cmd, *digits;
};

static void the_gate_wants_reference_length_and_padding(void **state)
{
        static const struct gate cases[] = {
                { "002000011032373138323831380000000000000000", "27182818" },
                { "002000821032373138323831380000000000000000", "27182818" },
                { "00200081083237313832383138", "27182818" },
                { "00200081103237313832383138FFFFFFFFFFFFFFFF", "27182818" },
                { "002000811032373100000000000000000000000000", "271" },
                { "002000811032373138323831383239000000000000", "2718281829" },
        };
        (void)state;
        for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
                _cleanup_monitor_ struct monitor *monitor = NULL;
                assert_int_equal(monitor_new(&monitor), 0);
                up_to_counter(monitor);
                monitor_entry(monitor, cases[i].digits, false);
                say(monitor, cases[i].cmd, "6A88");
                assert_true(monitor_broke(monitor, 2));
        }
}

static void a_pin_needs_a_counter_of_this_transaction(void **state)
{
        struct monitor *monitor = *state;
        up_to_counter(monitor);
        monitor_event(monitor, MONITOR_END);
        monitor_event(monitor, MONITOR_BEGIN);
        say(monitor, SELECT_IAS, OK);
        say(monitor, VERIFY, OK);
        say(monitor, SELECT_IAS, OK);
        only(monitor, 2);
}

static void already_verified_is_no_counter(void **state)
{
        struct monitor *monitor = *state;
        up_to_counter(monitor);
        say(monitor, "00200081", OK);
        say(monitor, VERIFY, OK);
        only(monitor, 2);
}

static void a_counter_by_get_data_counts(void **state)
{
        struct monitor *monitor = *state;
        monitor_event(monitor, MONITOR_BEGIN);
        identify(monitor);
        say(monitor, "00CB00FF05A00383018100",
                "A009830181"
                "DF210103" OK);
        monitor_entry(monitor, "27182818", false);
        say(monitor, VERIFY, OK);
        leave(monitor);
        clean(monitor);
}

static void the_last_try_needs_consent(void **state)
{
        struct monitor *monitor = *state;
        up_to_counter(monitor);
        say(monitor, "00200081", "63C1");
        say(monitor, VERIFY, "63C0");
        only(monitor, 2);
        _cleanup_monitor_ struct monitor *agreed = NULL;
        assert_int_equal(monitor_new(&agreed), 0);
        up_to_counter(agreed);
        say(agreed, "00200081", "63C1");
        monitor_entry(agreed, "27182818", true);
        say(agreed, VERIFY, OK);
        leave(agreed);
        clean(agreed);
}

static void an_unknown_generation_gets_no_pin(void **state)
{
        struct monitor *monitor = *state;
        monitor_event(monitor, MONITOR_BEGIN);
        show_certificate(monitor, ISSUER_OU); /* MPCOS never answered */
        say(monitor, "00200081", "63C3");
        monitor_entry(monitor, "27182818", false);
        say(monitor, VERIFY, OK);
        leave(monitor);
        only(monitor, 2);
}

static void one_entry_is_one_verify(void **state)
{
        struct monitor *monitor = *state;
        up_to_counter(monitor);
        say(monitor, VERIFY, "63C2");
        say(monitor, "00200081", "63C2");
        say(monitor, VERIFY, "63C1");
        only(monitor, 3);
}

static void without_entries_one_verify_per_session(void **state)
{
        struct monitor *monitor = *state;
        identify(monitor);
        say(monitor, "00200081", "63C3");
        say(monitor, VERIFY, "63C2");
        clean(monitor);
        say(monitor, "00200081", "63C2");
        say(monitor, VERIFY, "63C1");
        only(monitor, 3);
}

static void a_lost_verify_is_not_repeated(void **state)
{
        struct monitor *monitor = *state;
        up_to_counter(monitor);
        say(monitor, VERIFY, "");
        clean(monitor);
        say(monitor, VERIFY, OK);
        assert_true(monitor_broke(monitor, 3));
}

static void a_pin_that_nobody_typed_is_a_guess(void **state)
{
        struct monitor *monitor = *state;
        up_to_counter(monitor);
        monitor_entry(monitor, "31415926", false);
        say(monitor, VERIFY, "63C2");
        only(monitor, 4);
}

static void initial_pins_are_guesses(void **state)
{
        struct monitor *monitor = *state;
        say(monitor, SELECT_CM, OK);
        say(monitor, "80CA010115", "01010A30303939393032373138" OK);
        identify(monitor);
        say(monitor, "00200081", "63C3");
        say(monitor, "002000811032373138000000000000000000000000", "63C2");
        only(monitor, 4);
}

static void empty_verify_belongs_to_ias(void **state)
{
        struct monitor *monitor = *state;
        identify(monitor);
        say(monitor, SELECT_MPCOS, OK);
        say(monitor, "0020000000", "6700");
        only(monitor, 5);
}

static void empty_verify_needs_a_known_reference(void **state)
{
        struct monitor *monitor = *state;
        identify(monitor);
        say(monitor, "0020008100", "63C3");
        say(monitor, "00200001", "6A88"); /* allowed once 81 has answered */
        clean(monitor);
        say(monitor, "00200082", "6A88");
        only(monitor, 5);
}

static void writing_is_always_seen(void **state)
{
        static const char *const writes[] = { "00D6000401AC", "80240000080000000000000000",
                "0024008100", "002C008100", "000E000000", "00E0000000", "00DA000000",
                "8050000000" };
        (void)state;
        for (size_t i = 0; i < ARRAY_LEN(writes); i++) {
                _cleanup_monitor_ struct monitor *monitor = NULL;
                assert_int_equal(monitor_new(&monitor), 0);
                identify(monitor);
                say(monitor, writes[i], "6982");
                only(monitor, 6);
        }
}

static void a_pin_belongs_into_a_transaction(void **state)
{
        struct monitor *monitor = *state;
        up_to_counter(monitor);
        say(monitor, SELECT_IAS, OK);
        monitor_event(monitor, MONITOR_END);
        say(monitor, "00200081", "63C3");
        only(monitor, 7);
}

static void verified_state_must_be_cleared(void **state)
{
        struct monitor *monitor = *state;
        up_to_counter(monitor);
        say(monitor, VERIFY, OK);
        monitor_event(monitor, MONITOR_END);
        monitor_event(monitor, MONITOR_RESET);
        only(monitor, 8);
}

static void the_other_way_of_clearing_is_fine(void **state)
{
        struct monitor *monitor = *state;
        up_to_counter(monitor);
        say(monitor, VERIFY, OK);
        say(monitor, "0020FF81", OK);
        monitor_event(monitor, MONITOR_END);
        monitor_event(monitor, MONITOR_RESET);
        clean(monitor);
}

static void a_session_with_a_pin_ends_in_a_reset(void **state)
{
        struct monitor *monitor = *state;
        up_to_counter(monitor);
        say(monitor, VERIFY, OK);
        say(monitor, SELECT_IAS, OK);
        monitor_event(monitor, MONITOR_END);
        say(monitor, SELECT_IAS, OK);
        only(monitor, 8);
}

static void blocked_is_blocked(void **state)
{
        static const char *const words[] = { "6983", "6984", "63C0" };
        (void)state;
        for (size_t i = 0; i < ARRAY_LEN(words); i++) {
                _cleanup_monitor_ struct monitor *monitor = NULL;
                assert_int_equal(monitor_new(&monitor), 0);
                up_to_counter(monitor);
                say(monitor, "00200081", words[i]);
                monitor_entry(monitor, "27182818", true);
                say(monitor, VERIFY, words[i]);
                assert_true(monitor_broke(monitor, 9));
        }
}

static void an_unknown_answer_means_stop(void **state)
{
        struct monitor *monitor = *state;
        up_to_counter(monitor);
        say(monitor, VERIFY, "6F00");
        say(monitor, "00200081", "63C3");
        monitor_entry(monitor, "27182818", false);
        say(monitor, VERIFY, OK);
        assert_true(monitor_broke(monitor, 9));
}

static void reading_has_an_end(void **state)
{
        struct monitor *monitor = *state;
        identify(monitor);
        for (int i = 0; i < 127; i++)
                say(monitor, "00B0000004", "010203049000");
        clean(monitor);
        say(monitor, "00B0000004", "010203049000");
        say(monitor, "00B0000004", "010203049000");
        only(monitor, 10);
}

static void no_pin_after_an_answer_longer_than_asked(void **state)
{
        struct monitor *monitor = *state;
        up_to_counter(monitor);
        say(monitor, "00B0000002", "0102039000");
        say(monitor, VERIFY, OK);
        say(monitor, SELECT_IAS, OK);
        only(monitor, 10);
}

#define WATCHED(test) cmocka_unit_test_setup_teardown(test, up, down)

int main(void)
{
        const struct CMUnitTest tests[] = {
                WATCHED(a_good_session_is_clean),
                WATCHED(free_reads_are_clean),
                WATCHED(other_instructions_wait_for_the_issuer),
                WATCHED(another_issuer_is_no_issuer),
                WATCHED(a_removal_forgets_the_issuer),
                WATCHED(a_reset_of_the_card_that_stays_does_not),
                WATCHED(a_reset_keeps_the_issuer_and_nothing_else),
                WATCHED(the_issuer_may_come_in_two_blocks_and_by_get_response),
                WATCHED(the_subject_of_a_certificate_is_not_its_issuer),
                WATCHED(the_gate_wants_reference_length_and_padding),
                WATCHED(a_pin_needs_a_counter_of_this_transaction),
                WATCHED(already_verified_is_no_counter),
                WATCHED(a_counter_by_get_data_counts),
                WATCHED(the_last_try_needs_consent),
                WATCHED(an_unknown_generation_gets_no_pin),
                WATCHED(one_entry_is_one_verify),
                WATCHED(without_entries_one_verify_per_session),
                WATCHED(a_lost_verify_is_not_repeated),
                WATCHED(a_pin_that_nobody_typed_is_a_guess),
                WATCHED(initial_pins_are_guesses),
                WATCHED(empty_verify_belongs_to_ias),
                WATCHED(empty_verify_needs_a_known_reference),
                WATCHED(writing_is_always_seen),
                WATCHED(a_pin_belongs_into_a_transaction),
                WATCHED(verified_state_must_be_cleared),
                WATCHED(the_other_way_of_clearing_is_fine),
                WATCHED(a_session_with_a_pin_ends_in_a_reset),
                WATCHED(blocked_is_blocked),
                WATCHED(an_unknown_answer_means_stop),
                WATCHED(reading_has_an_end),
                WATCHED(no_pin_after_an_answer_longer_than_asked),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}

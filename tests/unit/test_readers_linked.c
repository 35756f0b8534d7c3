/* SPDX-License-Identifier: Apache-2.0 */
/* test_readers_linked.c: phones in the supervisor: asleep while nobody is paired, told of while they are away, tried again at
 * once when they announce themselves, and never more real than they say.
 */
#include "tests/unit/readers_talk.h"

#define PHONE "P 0 0 1 0123456789abcdef\n"

static void folder(const char *words)
{
        char command[256];
        snprintf(command, sizeof command, "cd %s && %s", world.dir, words);
        assert_int_equal(system(command), 0);
}

static void begin_phone(const char *watch, const char *trick)
{
        static char phone[] = "phone";
        begin_drivers(phone, NULL, watch, trick);
}

/* One that is paired. */
static void start_phone(const char *trick)
{
        begin_phone(PHONE, trick);
        folder("mkdir -p a/phones && touch a/phones/x.json");
        UNTIL(!is(state_of("P"), ""));
}

static void stop_phone(void)
{
        folder("rm -rf a");
        stop();
}

static struct reader_info about(const char *name)
{
        struct reader_info info[DRIVER_READERS_MAX];
        size_t n = readers_list(world.readers, info, ARRAY_LEN(info));
        for (size_t i = 0; i < n; i++)
                if (is(info[i].name, name))
                        return info[i];
        return (struct reader_info){ .why = "" };
}

static const char *why_of(const char *name)
{
        const char *why = about(name).why;
        return why ? why : "";
}

static size_t backends(void)
{
        struct backend_info info[CONFIG_DRIVERS_MAX];
        return readers_backends(world.readers, info, ARRAY_LEN(info));
}

static void turn_the_loop(int times)
{
        for (int turn = 0; turn < times; turn++)
                assert_return_code(sd_event_run(world.event, 2000), 0);
}

static void without_a_pairing_nothing_is_started_and_nothing_waited_for(void **state)
{
        (void)state;
        begin_phone(PHONE, "card");
        assert_true(readers_settled(world.readers));
        folder("mkdir a && mkdir a/phones && touch a/other a/phones/.x.json a/phones/README");
        turn_the_loop(50);
        assert_int_equal(backends(), 0);
        assert_string_equal(state_of("P"), "");
        assert_int_equal(noted("started"), 0);
        stop_phone();
}

static void a_pairing_that_appears_is_a_reader(void **state)
{
        (void)state;
        begin_phone(PHONE, "card");
        folder("mkdir a");
        turn_the_loop(3);
        folder("mkdir a/phones");
        turn_the_loop(3);
        folder("touch a/phones/.new && mv a/phones/.new a/phones/x.json");
        UNTIL(is(state_of("P"), "card"));
        assert_int_equal(backends(), 1);
        stop_phone();
}

static void where_the_last_pairing_went_it_sleeps_again(void **state)
{
        (void)state;
        start_phone("card");
        folder("rm a/phones/x.json");
        watch_says("absent\n");
        UNTIL(is(state_of("P"), ""));
        watch_says("die\n");
        UNTIL(backends() == 0);
        watch_says(PHONE);
        turn_the_loop(50);
        assert_int_equal(backends(), 0);
        folder("touch a/phones/y.json");
        UNTIL(is(state_of("P"), "card"));
        stop_phone();
}

static void a_folder_that_goes_is_waited_for_anew(void **state)
{
        (void)state;
        begin_phone(PHONE, "card");
        folder("mkdir -p a/phones");
        turn_the_loop(5);
        folder("rm -rf a");
        turn_the_loop(5);
        folder("mkdir -p a/phones && touch a/phones/x.json");
        UNTIL(is(state_of("P"), "card"));
        stop_phone();
}

static void what_a_phone_says_of_itself_is_told(void **state)
{
        (void)state;
        start_phone("card");
        UNTIL(is(state_of("P"), "card"));
        struct reader_info info = about("P");
        assert_true(info.linked && info.simulated && info.asks_pin);
        assert_string_equal(info.remote, "there");
        assert_int_equal(info.latency_us, 1500);
        stop_phone();
        start_phone("real");
        UNTIL(is(state_of("P"), "card"));
        assert_false(about("P").simulated);
        stop_phone();
}

static void why_a_phone_cannot_be_used_is_told_in_its_words(void **state)
{
        static const struct {
                const char *trick, *state, *why;
                int answer;
        } rows[] = {
                { "exit 10", "unusable", "not-reached", OUTCOME_NO_READER },
                { "exit 16", "unusable", "unpaired", OUTCOME_NO_READER },
                { "exit 22", "unusable", "expired", OUTCOME_NO_READER },
                { "exit 23", "busy", "elsewhere", OUTCOME_BUSY },
                { "exit 25", "unusable", "version", OUTCOME_READER_SERVICE },
                { "exit 70", "unusable", "failed", OUTCOME_READER_SERVICE },
                { "exit 2", "unusable", "settings", OUTCOME_READER_SERVICE },
                { "exit 99", "unusable", "failed", OUTCOME_READER_SERVICE },
        };
        (void)state;
        for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
                struct reader *reader = NULL;
                const char *detail = NULL;
                start_phone(rows[i].trick);
                UNTIL(is(why_of("P"), rows[i].why));
                assert_string_equal(state_of("P"), rows[i].state);
                assert_int_equal(take("P", &reader), rows[i].answer);
                /* The card is not what is missing, when no reader is named either. */
                assert_int_equal(
                        readers_acquire(world.readers, NULL, &reader, &detail), rows[i].answer);
                assert_non_null(detail);
                assert_false(about("P").simulated); /* of what it said before nothing holds */
                stop_phone();
        }
}

static void a_phone_that_announces_itself_is_tried_at_once(void **state)
{
        (void)state;
        start_phone("exit 10");
        UNTIL(noted("started") == 3); /* the next one is a second away */
        trick_is("card");
        watch_says("P 0 0 2 0123456789abcdef@192.168.1.9:46647\n");
        UNTIL(is(state_of("P"), "card"));
        stop_phone();
}

static void another_address_is_the_same_phone_and_another_id_is_not(void **state)
{
        (void)state;
        start_phone("card");
        UNTIL(is(state_of("P"), "card"));
        uint32_t before = events_of("P");
        watch_says("P 0 0 1 0123456789abcdef@192.168.1.9:46647\n");
        turn_the_loop(20);
        assert_int_equal(events_of("P"), before);
        assert_int_equal(noted("started"), 1);
        watch_says("P 0 0 1 fedcba9876543210\n");
        UNTIL(events_of("P") != before && is(state_of("P"), "card"));
        stop_phone();
}

static void a_link_that_had_gone_while_it_idled_is_made_anew_once(void **state)
{
        (void)state;
        struct reader *reader = NULL;
        start_phone("stale");
        UNTIL(is(state_of("P"), "card"));
        trick_is("card"); /* the next one is good */
        assert_int_equal(take("P", &reader), 0);
        assert_int_equal(call(reader, OP_BEGIN, ""), 0);
        reader_release(reader);
        stop_phone();
        start_phone("stale"); /* and here the next one is not */
        UNTIL(is(state_of("P"), "card"));
        assert_int_equal(take("P", &reader), 0);
        assert_int_equal(call(reader, OP_BEGIN, ""), OUTCOME_CARD_REMOVED);
        reader_release(reader);
        stop_phone();
}

static void a_link_that_breaks_in_a_transaction_is_not_made_anew_for_it(void **state)
{
        (void)state;
        struct reader *reader = NULL;
        start_phone("die");
        UNTIL(is(state_of("P"), "card"));
        assert_int_equal(take("P", &reader), 0);
        assert_int_equal(call(reader, OP_BEGIN, ""), 0);
        assert_int_equal(call(reader, OP_COUNTER, ""), OUTCOME_CARD_REMOVED);
        assert_int_equal(call(reader, OP_BEGIN, ""), 0);
        reader_release(reader);
        stop_phone();
}

static void a_phone_that_stays_away_is_what_the_request_hears_of(void **state)
{
        (void)state;
        struct reader *reader = NULL;
        start_phone("stale");
        UNTIL(is(state_of("P"), "card"));
        trick_is("exit 10");
        assert_int_equal(take("P", &reader), 0);
        assert_int_equal(call(reader, OP_BEGIN, ""), OUTCOME_NO_READER);
        reader_release(reader);
        stop_phone();
}

static void a_phone_is_let_go_with_the_others(void **state)
{
        (void)state;
        start_phone("card");
        UNTIL(is(state_of("P"), "card"));
        int64_t told_ms = clock_ms();
        readers_pause(world.readers, true);
        assert_string_equal(backend(), "paused");
        UNTIL(went_in_order(told_ms));
        readers_pause(world.readers, false);
        UNTIL(is(state_of("P"), "card"));
        stop_phone();
}

static void a_pause_does_not_wake_who_sleeps(void **state)
{
        (void)state;
        begin_phone(PHONE, "card");
        readers_pause(world.readers, true);
        folder("mkdir -p a/phones && touch a/phones/x.json");
        turn_the_loop(30);
        assert_int_equal(noted("started"), 0);
        readers_pause(world.readers, false);
        UNTIL(is(state_of("P"), "card"));
        stop_phone();
}

int main(int argc, char **argv)
{
        if (strstr(argv[0], "/mohr-"))
                return play(argv[0], argc, argv);
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(without_a_pairing_nothing_is_started_and_nothing_waited_for),
                cmocka_unit_test(a_pairing_that_appears_is_a_reader),
                cmocka_unit_test(where_the_last_pairing_went_it_sleeps_again),
                cmocka_unit_test(a_folder_that_goes_is_waited_for_anew),
                cmocka_unit_test(what_a_phone_says_of_itself_is_told),
                cmocka_unit_test(why_a_phone_cannot_be_used_is_told_in_its_words),
                cmocka_unit_test(a_phone_that_announces_itself_is_tried_at_once),
                cmocka_unit_test(another_address_is_the_same_phone_and_another_id_is_not),
                cmocka_unit_test(a_link_that_had_gone_while_it_idled_is_made_anew_once),
                cmocka_unit_test(a_link_that_breaks_in_a_transaction_is_not_made_anew_for_it),
                cmocka_unit_test(a_phone_that_stays_away_is_what_the_request_hears_of),
                cmocka_unit_test(a_phone_is_let_go_with_the_others),
                cmocka_unit_test(a_pause_does_not_wake_who_sleeps),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}

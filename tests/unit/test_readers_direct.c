/* SPDX-License-Identifier: Apache-2.0 */
/* test_readers_direct.c: readers without a service of the system: claimed by name, told about, and given back in order.
 */
#include "tests/unit/readers_talk.h"

static const char *why_of(const char *name)
{
        struct reader_info info[DRIVER_READERS_MAX];
        size_t n = readers_list(world.readers, info, ARRAY_LEN(info));
        for (size_t i = 0; i < n; i++)
                if (strcmp(info[i].name, name) == 0 && info[i].why)
                        return info[i].why;
        return "";
}

static void a_direct_readers_helper_tells_of_its_card(void **state)
{
        (void)state;
        struct reader *reader = NULL;
        start_direct("A 0 0 0 /dev/a\n", "card");
        assert_string_equal(state_of("A"), "card");
        assert_int_equal(take("A", &reader), 0);
        assert_int_equal(call(reader, OP_BEGIN, ""), 0);
        reader_release(reader);
        UNTIL(noted("started") == 2);
        stop();
}

static void why_a_direct_reader_cannot_be_used_is_told(void **state)
{
        static const struct {
                const char *trick, *state, *why;
                int answer;
        } rows[] = {
                { "held", "busy", "held", OUTCOME_BUSY },
                { "gone", "unusable", "no-answer", OUTCOME_READER_SERVICE },
                { "stillborn", "unusable", "no-access", OUTCOME_READER_SERVICE },
        };
        (void)state;
        for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
                struct reader *reader = NULL;
                start_direct("A 0 0 0 /dev/a\n", rows[i].trick);
                assert_string_equal(state_of("A"), rows[i].state);
                assert_string_equal(why_of("A"), rows[i].why);
                assert_int_equal(take("A", &reader), rows[i].answer);
                trick_is("card"); /* and it is tried again */
                UNTIL(is(state_of("A"), "card"));
                assert_string_equal(why_of("A"), "");
                stop();
        }
}

static void a_claimed_reader_is_left_alone_until_it_is_free(void **state)
{
        (void)state;
        start_direct("A 0 1 0 /dev/a\n", "card");
        assert_string_equal(state_of("A"), "busy");
        assert_string_equal(why_of("A"), "held");
        for (int turn = 0; turn < 100; turn++)
                assert_return_code(sd_event_run(world.event, 5000), 0);
        assert_int_equal(noted("started"), 0);
        watch_says("A 0 0 1 /dev/a\n");
        UNTIL(is(state_of("A"), "card"));
        watch_says("A 0 1 2 /dev/a\n"); /* the claim is our own helper's */
        for (int turn = 0; turn < 20; turn++)
                assert_return_code(sd_event_run(world.event, 5000), 0);
        assert_string_equal(state_of("A"), "card");
        stop();
}

static void another_device_by_an_old_name_is_another_reader(void **state)
{
        (void)state;
        start_direct("A 0 0 0 /dev/a\n", "card");
        uint32_t before = events_of("A");
        watch_says("A 0 0 0 /dev/b\n");
        UNTIL(events_of("A") != before && is(state_of("A"), "card"));
        UNTIL(noted("started") == 2);
        stop();
}

static void direct_readers_are_let_go_in_order_and_taken_again(void **state)
{
        (void)state;
        struct reader *reader = NULL;
        start_direct("A 0 0 0 /dev/a\n", "card");
        assert_int_equal(take("A", &reader), 0);
        assert_int_equal(call(reader, OP_BEGIN, ""), 0);
        world.came = false;
        int64_t told_ms = clock_ms();
        readers_pause(world.readers, true);
        assert_string_equal(backend(), "paused");
        assert_string_equal(state_of("A"), "");
        UNTIL(went_in_order(told_ms));
        assert_int_equal(call(reader, OP_COUNTER, ""), OUTCOME_NO_READER);
        reader_release(reader);
        readers_pause(world.readers, false);
        UNTIL(is(state_of("A"), "card"));
        stop();
}

static void a_helper_that_does_not_let_go_is_killed(void **state)
{
        (void)state;
        struct reader *reader = NULL;
        start_direct("A 0 0 0 /dev/a\n", "hang");
        UNTIL(is(state_of("A"), "empty"));
        readers_pause(world.readers, true);
        readers_pause(world.readers, false);
        UNTIL(is(state_of("A"), "empty"));
        assert_int_equal(take("A", &reader), OUTCOME_NO_CARD);
        stop();
}

static void the_end_of_the_daemon_is_told_to_a_direct_readers_helper(void **state)
{
        (void)state;
        start_direct("A 0 0 0 /dev/a\n", "card");
        assert_string_equal(state_of("A"), "card");
        readers_watch_free(world.watch);
        int64_t told_ms = clock_ms();
        readers_free(world.readers);
        assert_true(went_in_order(told_ms));
        sd_event_unref(world.event);
        tidy();
}

int main(int argc, char **argv)
{
        if (strstr(argv[0], "/mohr-"))
                return play(argv[0], argc, argv);
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(a_direct_readers_helper_tells_of_its_card),
                cmocka_unit_test(why_a_direct_reader_cannot_be_used_is_told),
                cmocka_unit_test(a_claimed_reader_is_left_alone_until_it_is_free),
                cmocka_unit_test(another_device_by_an_old_name_is_another_reader),
                cmocka_unit_test(direct_readers_are_let_go_in_order_and_taken_again),
                cmocka_unit_test(a_helper_that_does_not_let_go_is_killed),
                cmocka_unit_test(the_end_of_the_daemon_is_told_to_a_direct_readers_helper),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* test_readers.c: readers that come and go, the helpers of their cards, and every way in which one of them ends.
 */
#include "tests/unit/readers_talk.h"

static void readers_come_and_go_with_their_states(void **state)
{
        (void)state;
        start("A 1 0 1\nB 0 0 0\nC 1 1 5\n", "");
        assert_string_equal(state_of("A"), "card");
        assert_string_equal(state_of("B"), "empty");
        assert_string_equal(state_of("C"), "busy");
        assert_string_equal(backend(), "running");
        unsigned int news = world.news;
        watch_says("B 1 0 1\n");
        UNTIL(is(state_of("B"), "card"));
        assert_string_equal(state_of("A"), "");
        UNTIL(world.news > news);
        stop();
}

static void the_first_look_ends_with_the_last_report(void **state)
{
        (void)state;
        static char soft[] = "soft";
        begin_drivers(soft, NULL, "A 1 0 1\n", "");
        assert_true(readers_first_look(world.readers));
        UNTIL(readers_settled(world.readers));
        assert_false(readers_first_look(world.readers));
        UNTIL(world.news > 0);
        stop();
}

/* Of a watcher that says nothing, subscribers hear when it has had its time. */
static void the_first_look_ends_without_a_report(void **state)
{
        (void)state;
        static char soft[] = "soft";
        begin_drivers(soft, NULL, SAYS_NOTHING, "");
        UNTIL(world.news > 0);
        assert_false(readers_first_look(world.readers));
        assert_false(readers_settled(world.readers));
        stop();
}

static void no_number_of_a_card_is_given_twice(void **state)
{
        (void)state;
        start("A 1 0 1\n", "");
        uint32_t first = events_of("A");
        watch_says("A 1 0 2\n");
        UNTIL(events_of("A") != first);
        uint32_t second = events_of("A");
        watch_says("");
        UNTIL(is(state_of("A"), ""));
        watch_says("A 1 0 1\n"); /* the service counts from the start again */
        UNTIL(is(state_of("A"), "card"));
        assert_true(events_of("A") != first && events_of("A") != second);
        stop();
}

static void taking_answers_by_what_is_there(void **state)
{
        (void)state;
        struct reader *reader = NULL, *other = NULL;
        const char *detail;
        start("", "");
        assert_int_equal(take(NULL, &reader), OUTCOME_NO_READER);
        watch_says("A 0 0 0\n");
        UNTIL(is(state_of("A"), "empty"));
        assert_int_equal(take(NULL, &reader), OUTCOME_NO_CARD);
        assert_int_equal(take("A", &reader), OUTCOME_NO_CARD);
        assert_int_equal(take("Z", &reader), OUTCOME_NO_READER);
        watch_says("A 1 1 1\n");
        UNTIL(is(state_of("A"), "busy"));
        assert_int_equal(take(NULL, &reader), 0); /* news of others are old: only BEGIN tells */
        reader_release(reader);
        watch_says("A 1 0 1\nB 1 0 1\n");
        UNTIL(is(state_of("B"), "card"));
        assert_int_equal(readers_acquire(world.readers, NULL, &reader, &detail), OUTCOME_BUSY);
        assert_non_null(strstr(detail, "name the reader"));
        assert_int_equal(take("B", &reader), 0);
        assert_int_equal(take("B", &other), OUTCOME_BUSY);
        assert_string_equal(state_of("B"), "in_use");
        reader_release(reader);
        assert_string_equal(state_of("B"), "card");
        watch_says("absent\n");
        UNTIL(is(backend(), "unavailable"));
        assert_int_equal(take(NULL, &reader), OUTCOME_READER_SERVICE);
        watch_says("denied\n");
        UNTIL(is(backend(), "denied"));
        assert_int_equal(
                readers_acquire(world.readers, NULL, &reader, &detail), OUTCOME_READER_SERVICE);
        assert_string_equal(detail, "the reader service denies this user");
        stop();
}

/* A device's name is its maker's invention: it must not lead a request to another reader. */
static void a_name_that_two_readers_bear_is_nobodys(void **state)
{
        (void)state;
        static char soft[] = "soft", usb[] = "usb";
        struct reader *reader = NULL;
        const char *detail = NULL;
        start_drivers(soft, usb, "A 1 0 1 /dev/a\n", "card");
        assert_int_equal(readers_acquire(world.readers, "A", &reader, &detail), OUTCOME_BUSY);
        assert_non_null(strstr(detail, "two readers have this name"));
        assert_null(reader);
        stop();
}

static void an_operation_is_answered_once(void **state)
{
        (void)state;
        struct reader *reader = NULL;
        start("A 1 0 1\n", "");
        assert_int_equal(take("A", &reader), 0);
        assert_int_equal(call(reader, OP_BEGIN, ""), 0);
        assert_true(reader_in_transaction(reader));
        assert_int_equal(call(reader, OP_COUNTER, "x"), 0);
        assert_int_equal(call(reader, OP_PIN, "1234"), 0);
        assert_int_equal(call(reader, OP_VERIFY, ""), OUTCOME_WRONG_PIN);
        assert_int_equal(world.fields, 1); /* the tries left come with the refusal */
        assert_int_equal(call(reader, OP_END, "x"), 0);
        assert_false(reader_in_transaction(reader));
        reader_release(reader);
        stop();
}

static void only_one_operation_at_a_time(void **state)
{
        (void)state;
        struct reader *reader = NULL;
        start("A 1 0 1\n", "");
        assert_int_equal(take("A", &reader), 0);
        assert_int_equal(reader_call(reader, OP_BEGIN, "", 0, on_reply, NULL), 0);
        assert_int_equal(reader_call(reader, OP_COUNTER, "", 0, on_reply, NULL), -EBUSY);
        UNTIL(world.came);
        reader_release(reader);
        stop();
}

static void a_slow_helper_is_waited_for_but_never_with_a_pin(void **state)
{
        (void)state;
        struct reader *reader = NULL;
        start("A 1 0 1\n", "slow");
        assert_int_equal(take("A", &reader), 0);
        assert_true(reader_call(reader, OP_PIN, "1234", 4, on_reply, NULL) < 0);
        assert_int_equal(call(reader, OP_BEGIN, ""), 0);
        reader_release(reader);
        stop();
}

static void a_helper_that_met_a_card_is_replaced(void **state)
{
        (void)state;
        struct reader *reader = NULL;
        start("A 1 0 1\n", "");
        assert_int_equal(take("A", &reader), 0);
        assert_int_equal(call(reader, OP_BEGIN, ""), 0);
        pid_t first = last_pid();
        reader_release(reader);
        assert_int_equal(take("A", &reader), 0); /* at once: the call waits for the next helper */
        assert_int_equal(call(reader, OP_BEGIN, ""), 0);
        assert_int_not_equal(last_pid(), first);
        reader_release(reader);
        stop();
}

/* An examination told it to write, and then met no card: a helper that writes would take no PIN, and that
 * would show only once a person had typed one. */
static void a_helper_that_was_told_to_write_is_replaced(void **state)
{
        (void)state;
        struct reader *reader = NULL;
        start("A 1 0 1\n", "");
        assert_int_equal(take("A", &reader), 0);
        assert_int_equal(call(reader, OP_TRANSCRIPT, "\1"), 0);
        pid_t first = last_pid();
        reader_release(reader);
        assert_int_equal(take("A", &reader), 0);
        assert_int_equal(call(reader, OP_BEGIN, ""), 0);
        assert_int_not_equal(last_pid(), first);
        reader_release(reader);
        stop();
}

static void an_operation_past_its_deadline_costs_the_helper_its_life(void **state)
{
        (void)state;
        struct reader *reader = NULL;
        start("A 1 0 1\n", "hang");
        assert_int_equal(take("A", &reader), 0);
        assert_int_equal(call(reader, OP_BEGIN, ""), 0);
        world.config.card_timeout_ms = HASTY_MS;
        assert_int_equal(call(reader, OP_COUNTER, "x"), OUTCOME_TIMED_OUT);
        world.config.card_timeout_ms = PATIENT_MS;
        pid_t hung = last_pid();
        assert_false(reader_in_transaction(reader));
        reader_release(reader);
        trick_is("");
        assert_int_equal(take("A", &reader), 0);
        assert_int_equal(call(reader, OP_BEGIN, ""), 0);
        assert_int_not_equal(last_pid(), hung);
        assert_int_equal(kill(hung, 0), -1);
        reader_release(reader);
        stop();
}

static void a_person_at_the_readers_keys_has_more_time_than_a_card(void **state)
{
        (void)state;
        struct reader *reader = NULL;
        start("A 1 0 1\n", "late");
        assert_int_equal(take("A", &reader), 0);
        assert_int_equal(call(reader, OP_BEGIN, ""), 0);
        world.config.card_timeout_ms = HASTY_MS;
        assert_int_equal(call(reader, OP_PINPAD, ""), 0);
        assert_true(reader_in_transaction(reader));
        assert_int_equal(call(reader, OP_COUNTER, "x"), OUTCOME_TIMED_OUT);
        reader_release(reader);
        stop();
}

static void a_helper_that_dies_lost_its_card(void **state)
{
        (void)state;
        struct reader *reader = NULL;
        start("A 1 0 1\n", "die");
        assert_int_equal(take("A", &reader), 0);
        assert_int_equal(call(reader, OP_BEGIN, ""), 0);
        uint32_t events = events_of("A");
        assert_int_equal(call(reader, OP_COUNTER, "x"), OUTCOME_CARD_REMOVED);
        assert_false(reader_in_transaction(reader));
        assert_int_not_equal(
                events_of("A"), events); /* what was known of the card is known no more */
        reader_release(reader);
        assert_int_equal(take("A", &reader), 0);
        assert_int_equal(call(reader, OP_BEGIN, ""), 0);
        reader_release(reader);
        stop();
}

static void a_reader_that_goes_under_an_operation_is_no_reader(void **state)
{
        (void)state;
        struct reader *reader = NULL;
        start("A 1 0 1\n", "hang");
        assert_int_equal(take("A", &reader), 0);
        assert_int_equal(call(reader, OP_BEGIN, ""), 0);
        world.came = false;
        assert_int_equal(reader_call(reader, OP_COUNTER, "", 0, on_reply, NULL), 0);
        watch_says("");
        UNTIL(world.came);
        assert_int_equal(world.outcome, OUTCOME_NO_READER);
        assert_int_equal(call(reader, OP_BEGIN, ""), OUTCOME_NO_READER);
        reader_release(reader);
        stop();
}

static void a_service_that_goes_under_an_operation_is_that_answer(void **state)
{
        (void)state;
        struct reader *reader = NULL;
        start("A 1 0 1\n", "");
        assert_int_equal(take("A", &reader), 0);
        watch_says("die\n");
        UNTIL(is(backend(), "unavailable"));
        assert_int_equal(call(reader, OP_BEGIN, ""), OUTCOME_READER_SERVICE);
        reader_release(reader);
        watch_says("A 1 0 1\n"); /* and the watcher is started again */
        UNTIL(is(state_of("A"), "card"));
        assert_string_equal(backend(), "running");
        assert_int_equal(take("A", &reader), 0);
        assert_int_equal(call(reader, OP_BEGIN, ""), 0);
        reader_release(reader);
        stop();
}

static void an_answer_to_another_question_is_the_end(void **state)
{
        (void)state;
        struct reader *reader = NULL;
        start("A 1 0 1\n", "wrong-id");
        assert_int_equal(take("A", &reader), 0);
        assert_int_equal(call(reader, OP_BEGIN, ""), 0);
        assert_int_equal(call(reader, OP_COUNTER, "x"), OUTCOME_INTERNAL);
        reader_release(reader);
        stop();
}

static void a_watcher_that_speaks_nonsense_is_restarted(void **state)
{
        (void)state;
        start("A 1 0 1\n", "");
        watch_says("nonsense\n");
        UNTIL(is(backend(), "unavailable"));
        watch_says("A 1 0 1\n");
        UNTIL(is(backend(), "running"));
        stop();
}

static void a_service_looked_for_in_vain_is_no_news(void **state)
{
        (void)state;
        start("A 1 0 1\n", "");
        watch_says("die\n");
        UNTIL(is(backend(), "unavailable"));
        unsigned int news = world.news;
        uint64_t now, end;
        assert_return_code(sd_event_now(world.event, CLOCK_MONOTONIC, &now), 0);
        for (end = now + 800000; now < end;) { /* three or four watchers long */
                assert_return_code(sd_event_run(world.event, 50000), 0);
                assert_return_code(sd_event_now(world.event, CLOCK_MONOTONIC, &now), 0);
        }
        assert_in_range(world.news, news, news + 1); /* what was due already */
        stop();
}

static void a_helper_with_an_open_sandbox_serves_nobody(void **state)
{
        (void)state;
        static const char *const tricks[] = { "no-filter", "dumpable", "privileges",
                "other-driver" };
        for (size_t i = 0; i < ARRAY_LEN(tricks); i++) {
                struct reader *reader = NULL;
                start("A 1 0 1\n", tricks[i]);
                int r = take("A", &reader);
                if (r == 0) { /* its first frame is still on the way */
                        assert_int_equal(call(reader, OP_BEGIN, ""), OUTCOME_READER_SERVICE);
                        reader_release(reader);
                }
                assert_int_equal(take("A", &reader), OUTCOME_READER_SERVICE);
                char asked[64];
                assert_int_equal(slurp(world.dir, "asked", asked, sizeof asked), 0);
                stop();
        }
}

static void a_helper_that_never_gets_ready_is_no_endless_wait(void **state)
{
        (void)state;
        struct reader *reader = NULL;
        start("A 1 0 1\n", "mute");
        world.config.card_timeout_ms = HASTY_MS;
        assert_int_equal(take("A", &reader), 0);
        assert_int_equal(call(reader, OP_BEGIN, ""), OUTCOME_TIMED_OUT);
        reader_release(reader);
        stop();
        start("A 1 0 1\n", "stillborn");
        assert_int_equal(take("A", &reader), 0);
        assert_true(call(reader, OP_BEGIN, "") != 0);
        reader_release(reader);
        stop();
}

static void a_release_in_the_middle_is_clean(void **state)
{
        (void)state;
        struct reader *reader = NULL;
        start("A 1 0 1\n", "hang");
        assert_int_equal(take("A", &reader), 0);
        assert_int_equal(call(reader, OP_BEGIN, ""), 0);
        world.came = false;
        assert_int_equal(reader_call(reader, OP_COUNTER, "", 0, on_reply, NULL), 0);
        reader_release(reader);
        assert_int_equal(take("A", &reader), 0);
        assert_false(world.came);
        assert_int_equal(call(reader, OP_BEGIN, ""), 0);
        reader_release(reader);
        stop();
}

/* The seat goes to another session, and the client hangs up in the same moment. */
static void who_gave_back_a_reader_that_leaves_hears_nothing(void **state)
{
        (void)state;
        struct reader *reader = NULL;
        start_direct("A 0 0 0 /dev/a\n", "card");
        assert_int_equal(take("A", &reader), 0);
        assert_int_equal(call(reader, OP_BEGIN, ""), 0);
        world.came = false;
        assert_int_equal(reader_call(reader, OP_COUNTER, "", 0, on_reply, NULL), 0);
        int64_t told_ms = clock_ms();
        readers_pause(world.readers, true);
        reader_release(reader);
        UNTIL(went_in_order(told_ms));
        assert_false(world.came);
        stop();
}

int main(int argc, char **argv)
{
        if (strstr(argv[0], "/mohr-"))
                return play(argv[0], argc, argv);
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(readers_come_and_go_with_their_states),
                cmocka_unit_test(the_first_look_ends_with_the_last_report),
                cmocka_unit_test(the_first_look_ends_without_a_report),
                cmocka_unit_test(no_number_of_a_card_is_given_twice),
                cmocka_unit_test(taking_answers_by_what_is_there),
                cmocka_unit_test(a_name_that_two_readers_bear_is_nobodys),
                cmocka_unit_test(an_operation_is_answered_once),
                cmocka_unit_test(only_one_operation_at_a_time),
                cmocka_unit_test(a_slow_helper_is_waited_for_but_never_with_a_pin),
                cmocka_unit_test(a_helper_that_met_a_card_is_replaced),
                cmocka_unit_test(a_helper_that_was_told_to_write_is_replaced),
                cmocka_unit_test(an_operation_past_its_deadline_costs_the_helper_its_life),
                cmocka_unit_test(a_person_at_the_readers_keys_has_more_time_than_a_card),
                cmocka_unit_test(a_helper_that_dies_lost_its_card),
                cmocka_unit_test(a_reader_that_goes_under_an_operation_is_no_reader),
                cmocka_unit_test(a_service_that_goes_under_an_operation_is_that_answer),
                cmocka_unit_test(an_answer_to_another_question_is_the_end),
                cmocka_unit_test(a_watcher_that_speaks_nonsense_is_restarted),
                cmocka_unit_test(a_service_looked_for_in_vain_is_no_news),
                cmocka_unit_test(a_helper_with_an_open_sandbox_serves_nobody),
                cmocka_unit_test(a_helper_that_never_gets_ready_is_no_endless_wait),
                cmocka_unit_test(a_release_in_the_middle_is_clean),
                cmocka_unit_test(who_gave_back_a_reader_that_leaves_hears_nothing),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}

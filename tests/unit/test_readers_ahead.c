/* SPDX-License-Identifier: Apache-2.0 */
/* test_readers_ahead.c: what is asked of a helper before its time: handed out to the call that asks for it, asked anew where it was
 * skipped or another thing was meant, bounded, and never a reason to ask a card twice for what may happen once. Real processes, played by
 * this program.
 */
#include "tests/unit/readers_talk.h"

static struct reader *reader;

static void begin_with(const char *trick)
{
        start("A 1 0 1\n", trick);
        assert_int_equal(take("A", &reader), 0);
}

static void end(void)
{
        reader = reader_release(reader);
        stop();
}

/* Everything asked of helpers since the beginning: one letter each, a capital for what was asked ahead. */
static const char *asked(void)
{
        static char letters[128];
        static const char small[OP_COUNT] = { [OP_BEGIN] = 'b',
                [OP_READ] = 'r',
                [OP_COUNTER] = 'c',
                [OP_PIN] = 'd',
                [OP_VERIFY] = 'v',
                [OP_END] = 'e',
                [OP_IDENTIFY] = 'i' };
        char text[8192], *line = text;
        size_t n = 0;
        slurp(world.dir, "asked", text, sizeof text);
        for (char *next; n + 1 < sizeof letters && (next = strchr(line, '\n')); line = next + 1) {
                unsigned int op = 0;
                *next = '\0';
                assert_int_equal(sscanf(line, "%*d %u", &op), 1);
                assert_true(op < OP_COUNT && small[op]);
                letters[n++] = (char)(small[op] - (strstr(line, "ahead") ? 'a' - 'A' : 0));
        }
        letters[n] = '\0';
        return letters;
}

static bool is_asked(const char *letters)
{
        return strcmp(asked(), letters) == 0;
}

static void open_call(enum op op, const char *payload)
{
        world.came = false;
        assert_int_equal(reader_call(reader, op, payload, strlen(payload), on_reply, NULL), 0);
        assert_false(world.came);
}

static int wait_for_it(void)
{
        UNTIL(world.came);
        return world.outcome;
}

static int ahead(enum op op, const char *payload)
{
        return reader_ahead(reader, op, payload, strlen(payload));
}

static void the_same_question_gets_the_answer_that_is_there(void **state)
{
        (void)state;
        begin_with("");
        open_call(OP_BEGIN, "");
        assert_int_equal(ahead(OP_READ, "one"), 0);
        assert_int_equal(ahead(OP_READ, "three"), 0);
        assert_int_equal(wait_for_it(), 0);
        UNTIL(is_asked("bRR"));
        assert_int_equal(call(reader, OP_READ, "one"), 0);
        assert_int_equal(world.fields, 3);
        assert_int_equal(call(reader, OP_READ, "three"), 0);
        assert_int_equal(world.fields, 5);
        assert_true(is_asked("bRR"));
        assert_int_equal(reader_flights(reader), 1);
        assert_int_equal(call(reader, OP_READ, "one"), 0); /* it was handed out once */
        assert_true(is_asked("bRRr"));
        assert_int_equal(reader_flights(reader), 2);
        end();
}

static void an_answer_that_came_before_its_call_is_kept(void **state)
{
        (void)state;
        begin_with("");
        open_call(OP_BEGIN, "");
        assert_int_equal(ahead(OP_READ, "one"), 0);
        assert_int_equal(ahead(OP_END, "\1"), 0);
        assert_int_equal(wait_for_it(), 0);
        UNTIL(!reader_in_transaction(reader)); /* the end has come, and nobody has called for it */
        assert_int_equal(call(reader, OP_READ, "one"), 0);
        assert_int_equal(world.fields, 3);
        assert_int_equal(call(reader, OP_END, "\1"), 0);
        assert_true(is_asked("bRE"));
        end();
}

static void another_question_is_asked_anew_and_what_was_kept_forgotten(void **state)
{
        (void)state;
        static const char *const others[] = { "two", "onee", "" };
        for (size_t i = 0; i < ARRAY_LEN(others); i++) {
                begin_with("");
                open_call(OP_BEGIN, "");
                assert_int_equal(ahead(OP_READ, "one"), 0);
                assert_int_equal(ahead(OP_READ, "four"), 0);
                assert_int_equal(wait_for_it(), 0);
                assert_int_equal(call(reader, OP_READ, others[i]), 0);
                assert_int_equal(world.fields, strlen(others[i]));
                assert_int_equal(call(reader, OP_READ, "four"), 0);
                assert_int_equal(world.fields, 4);
                assert_true(is_asked("bRRrr"));
                assert_true(reader_in_transaction(reader));
                end();
        }
}

static void what_was_skipped_is_asked_anew_in_its_time(void **state)
{
        (void)state;
        begin_with("skip");
        open_call(OP_BEGIN, "");
        assert_int_equal(ahead(OP_READ, "one"), 0);
        assert_int_equal(ahead(OP_END, "\1"), 0);
        assert_int_equal(wait_for_it(), 0);
        assert_int_equal(call(reader, OP_READ, "one"), 0);
        assert_int_equal(world.fields, 3);
        assert_true(reader_in_transaction(reader)); /* the end was skipped as well */
        assert_int_equal(call(reader, OP_END, "\1"), 0);
        assert_false(reader_in_transaction(reader));
        assert_true(is_asked("bREre"));
        assert_int_equal(reader_flights(reader), 3);
        end();
}

static void digits_are_never_asked_ahead_and_nothing_without_a_call(void **state)
{
        (void)state;
        static const enum op secrets[] = { OP_PIN, OP_NEW_PIN, OP_CHANGE_PIN, OP_UNBLOCK_PIN };
        begin_with("");
        assert_int_equal(ahead(OP_READ, "one"), -EINVAL);
        open_call(OP_BEGIN, "");
        for (size_t i = 0; i < ARRAY_LEN(secrets); i++) {
                assert_int_equal(ahead(secrets[i], "1234"), -EINVAL);
                assert_int_equal(
                        reader_pass(reader, secrets[i], true, "1234", 4, on_reply, NULL), -EINVAL);
        }
        assert_int_equal(wait_for_it(), 0);
        assert_true(is_asked("b"));
        end();
}

static void verify_goes_behind_the_digits_and_is_asked_once(void **state)
{
        (void)state;
        begin_with("");
        assert_int_equal(call(reader, OP_BEGIN, ""), 0);
        open_call(OP_PIN, "1234");
        assert_int_equal(ahead(OP_VERIFY, ""), 0);
        assert_int_equal(wait_for_it(), 0);
        assert_int_equal(call(reader, OP_VERIFY, ""), OUTCOME_WRONG_PIN);
        assert_int_equal(world.fields, 1);
        assert_true(is_asked("bdV"));
        end();
}

static void a_helper_that_says_it_skipped_a_verify_is_not_asked_again(void **state)
{
        (void)state;
        begin_with("skip");
        assert_int_equal(call(reader, OP_BEGIN, ""), 0);
        open_call(OP_PIN, "1234");
        assert_int_equal(ahead(OP_VERIFY, ""), 0);
        assert_int_equal(wait_for_it(), 0);
        assert_int_equal(call(reader, OP_VERIFY, ""), OUTCOME_INTERNAL);
        assert_true(is_asked("bdV"));
        end();
}

static void a_question_that_was_not_asked_ahead_cannot_be_skipped(void **state)
{
        (void)state;
        begin_with("skip-all");
        assert_int_equal(call(reader, OP_BEGIN, ""), 0);
        assert_int_equal(call(reader, OP_READ, "one"), OUTCOME_INTERNAL);
        assert_true(is_asked("br"));
        end();
}

static void an_end_that_was_asked_ahead_is_the_end_of_whoever_turns_back(void **state)
{
        (void)state;
        static const char *const tricks[] = { "", "skip" };
        for (size_t i = 0; i < ARRAY_LEN(tricks); i++) {
                begin_with(tricks[i]);
                open_call(OP_BEGIN, "");
                assert_int_equal(ahead(OP_READ, "one"), 0);
                assert_int_equal(ahead(OP_READ, "two"), 0);
                assert_int_equal(ahead(OP_END, "L"), 0);
                assert_int_equal(wait_for_it(), 0);
                assert_true(reader_in_transaction(reader));
                assert_int_equal(call(reader, OP_END, "R"), 0);
                assert_false(reader_in_transaction(reader));
                assert_true(is_asked(i == 0 ? "bRRE" : "bRREe"));
                assert_int_equal(call(reader, OP_BEGIN, ""), 0);
                end();
        }
}

static void of_a_transaction_that_ended_before_its_time_nothing_more_is_asked(void **state)
{
        (void)state;
        begin_with("");
        open_call(OP_BEGIN, "");
        assert_int_equal(ahead(OP_END, "L"), 0);
        assert_int_equal(wait_for_it(), 0);
        UNTIL(!reader_in_transaction(reader));
        assert_int_equal(call(reader, OP_IDENTIFY, ""), OUTCOME_CARD_REMOVED);
        assert_int_equal(call(reader, OP_READ, "one"), OUTCOME_CARD_REMOVED);
        assert_true(is_asked("bE"));
        assert_int_equal(call(reader, OP_BEGIN, ""), 0);
        assert_int_equal(call(reader, OP_READ, "one"), 0);
        assert_true(is_asked("bEbr"));
        end();
}

static void a_helper_that_dies_at_what_was_asked_ahead_ends_the_call_for_it(void **state)
{
        (void)state;
        begin_with("die"); /* at the counter */
        open_call(OP_BEGIN, "");
        assert_int_equal(ahead(OP_READ, "one"), 0);
        assert_int_equal(ahead(OP_COUNTER, ""), 0);
        assert_int_equal(ahead(OP_END, "L"), 0);
        assert_int_equal(wait_for_it(), 0);
        pid_t first = last_pid();
        open_call(OP_READ, "one");
        int outcome = wait_for_it();
        assert_true(outcome == 0 || outcome == OUTCOME_CARD_REMOVED);
        assert_int_equal(call(reader, OP_COUNTER, ""), OUTCOME_CARD_REMOVED);
        assert_int_equal(call(reader, OP_BEGIN, ""), 0); /* the next one's */
        assert_int_not_equal(last_pid(), first);
        end();
}

static void what_was_asked_ahead_has_a_time_limit_of_its_own(void **state)
{
        (void)state;
        begin_with("hang"); /* at the counter */
        open_call(OP_BEGIN, "");
        world.config.card_timeout_ms = HASTY_MS;
        assert_int_equal(ahead(OP_COUNTER, ""), 0);
        assert_int_equal(wait_for_it(), 0);
        assert_int_equal(call(reader, OP_COUNTER, ""), OUTCOME_TIMED_OUT);
        end();
        begin_with("hang");
        open_call(OP_BEGIN, "");
        world.config.card_timeout_ms = HASTY_MS;
        assert_int_equal(ahead(OP_COUNTER, ""), 0);
        assert_int_equal(wait_for_it(), 0);
        UNTIL(!reader_in_transaction(reader)); /* nobody called for it, and it was killed */
        assert_int_equal(call(reader, OP_COUNTER, ""), OUTCOME_CARD_REMOVED);
        end();
}

static void no_more_is_asked_ahead_than_fits(void **state)
{
        (void)state;
        begin_with("");
        open_call(OP_BEGIN, "");
        for (int i = 0; i < READER_AHEAD_MAX; i++)
                assert_int_equal(ahead(OP_READ, "one"), 0);
        assert_int_equal(ahead(OP_READ, "one"), -ENOBUFS);
        assert_int_equal(wait_for_it(), 0);
        for (int i = 0; i < READER_AHEAD_MAX; i++)
                assert_int_equal(call(reader, OP_READ, "one"), 0);
        assert_int_equal(strlen(asked()), 1 + READER_AHEAD_MAX);
        assert_int_equal(reader_flights(reader), 1);
        end();
}

static void answers_beyond_the_bound_are_not_kept_nor_asked_again(void **state)
{
        (void)state;
        static char much[OPS_FRAME_MAX - OPS_HEADER - 2];
        int outcomes[5];
        memset(much, 'm', sizeof much - 1);
        begin_with("");
        open_call(OP_BEGIN, "");
        for (int i = 0; i < 4; i++)
                assert_int_equal(ahead(OP_READ, much), 0);
        assert_int_equal(ahead(OP_END, "L"), 0);
        assert_int_equal(wait_for_it(), 0);
        UNTIL(!reader_in_transaction(reader));
        for (int i = 0; i < 4; i++)
                outcomes[i] = call(reader, OP_READ, much);
        assert_int_equal(outcomes[0], 0);
        assert_int_equal(outcomes[2], 0);
        assert_int_equal(outcomes[3], OUTCOME_INTERNAL);
        assert_true(is_asked("bRRRRE"));
        end();
}

static void the_same_guess_again_asks_nothing_and_another_one_waits(void **state)
{
        (void)state;
        begin_with("");
        open_call(OP_BEGIN, "");
        assert_int_equal(ahead(OP_READ, "one"), 0);
        assert_int_equal(ahead(OP_READ, "two"), 0);
        assert_int_equal(wait_for_it(), 0);
        open_call(OP_READ, "one");
        assert_int_equal(ahead(OP_READ, "two"), 0);   /* stands there */
        assert_int_equal(ahead(OP_READ, "three"), 0); /* goes on behind it */
        assert_int_equal(wait_for_it(), 0);
        open_call(OP_READ, "two");
        assert_int_equal(ahead(OP_READ, "four"), -ESTALE);
        assert_int_equal(wait_for_it(), 0);
        assert_int_equal(call(reader, OP_READ, "three"), 0);
        assert_true(is_asked("bRRR"));
        end();
}

static void what_is_asked_of_a_helper_that_starts_waits_in_its_order(void **state)
{
        (void)state;
        begin_with("slow");
        open_call(OP_BEGIN, "");
        assert_int_equal(ahead(OP_READ, "one"), 0);
        assert_int_equal(ahead(OP_END, "L"), 0);
        assert_int_equal(wait_for_it(), 0);
        assert_int_equal(call(reader, OP_READ, "one"), 0);
        assert_int_equal(call(reader, OP_END, "L"), 0);
        assert_true(is_asked("bRE"));
        end();
}

static void a_reader_given_back_takes_what_was_asked_ahead_with_it(void **state)
{
        (void)state;
        begin_with("");
        open_call(OP_BEGIN, "");
        assert_int_equal(ahead(OP_READ, "one"), 0);
        assert_int_equal(wait_for_it(), 0);
        UNTIL(is_asked("bR"));
        pid_t first = last_pid();
        reader = reader_release(reader);
        assert_int_equal(take("A", &reader), 0);
        assert_int_equal(call(reader, OP_BEGIN, ""), 0);
        assert_int_not_equal(last_pid(), first);
        assert_int_equal(call(reader, OP_READ, "one"), 0);
        assert_true(is_asked("bRbr"));
        end();
}

static void what_is_passed_on_keeps_its_mark_and_tells_that_it_was_skipped(void **state)
{
        (void)state;
        begin_with("skip");
        world.came = false;
        assert_int_equal(reader_pass(reader, OP_BEGIN, false, "", 0, on_reply, NULL), 0);
        assert_int_equal(reader_pass(reader, OP_READ, true, "one", 3, on_reply, NULL), -EBUSY);
        assert_int_equal(wait_for_it(), 0);
        assert_true(reader_in_transaction(reader));
        world.came = false;
        assert_int_equal(reader_pass(reader, OP_END, true, "L", 1, on_reply, NULL), 0);
        assert_int_equal(wait_for_it(), OPS_SKIPPED);
        assert_true(reader_in_transaction(reader));
        world.came = false;
        assert_int_equal(reader_pass(reader, OP_READ, false, "one", 3, on_reply, NULL), 0);
        assert_int_equal(wait_for_it(), 0);
        assert_int_equal(world.fields, 3);
        assert_true(is_asked("bEr"));
        end();
        begin_with("skip-all");
        world.came = false;
        assert_int_equal(reader_pass(reader, OP_READ, false, "one", 3, on_reply, NULL), 0);
        assert_int_equal(wait_for_it(), OUTCOME_INTERNAL);
        end();
}

int main(int argc, char **argv)
{
        if (strstr(argv[0], "/mohr-"))
                return play(argv[0], argc, argv);
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(the_same_question_gets_the_answer_that_is_there),
                cmocka_unit_test(an_answer_that_came_before_its_call_is_kept),
                cmocka_unit_test(another_question_is_asked_anew_and_what_was_kept_forgotten),
                cmocka_unit_test(what_was_skipped_is_asked_anew_in_its_time),
                cmocka_unit_test(digits_are_never_asked_ahead_and_nothing_without_a_call),
                cmocka_unit_test(verify_goes_behind_the_digits_and_is_asked_once),
                cmocka_unit_test(a_helper_that_says_it_skipped_a_verify_is_not_asked_again),
                cmocka_unit_test(a_question_that_was_not_asked_ahead_cannot_be_skipped),
                cmocka_unit_test(an_end_that_was_asked_ahead_is_the_end_of_whoever_turns_back),
                cmocka_unit_test(of_a_transaction_that_ended_before_its_time_nothing_more_is_asked),
                cmocka_unit_test(a_helper_that_dies_at_what_was_asked_ahead_ends_the_call_for_it),
                cmocka_unit_test(what_was_asked_ahead_has_a_time_limit_of_its_own),
                cmocka_unit_test(no_more_is_asked_ahead_than_fits),
                cmocka_unit_test(answers_beyond_the_bound_are_not_kept_nor_asked_again),
                cmocka_unit_test(the_same_guess_again_asks_nothing_and_another_one_waits),
                cmocka_unit_test(what_is_asked_of_a_helper_that_starts_waits_in_its_order),
                cmocka_unit_test(a_reader_given_back_takes_what_was_asked_ahead_with_it),
                cmocka_unit_test(what_is_passed_on_keeps_its_mark_and_tells_that_it_was_skipped),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}

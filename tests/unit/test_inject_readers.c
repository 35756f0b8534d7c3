/* SPDX-License-Identifier: Apache-2.0 */
/* test_inject_readers.c: memory and system calls that fail while a helper is asked, also before its time: every call still ends
 * once, with an outcome that is documented; nothing is sent twice that may be sent once; and the reader serves the next.
 */
#include "tests/support/inject.h"
#include "tests/unit/readers_talk.h"

/* One request's questions, as far as they get. */
static int converse(struct reader *reader, const struct inject *in)
{
        static const struct {
                enum op op;
                const char *payload;
        } steps[] = { { OP_BEGIN, "" }, { OP_READ, "one" }, { OP_READ, "two" }, { OP_PIN, "1234" },
                { OP_VERIFY, "" }, { OP_END, "R" } };
        for (size_t i = 0; i < ARRAY_LEN(steps); i++) {
                world.came = false;
                int r = reader_call(reader, steps[i].op, steps[i].payload, strlen(steps[i].payload),
                        on_reply, NULL);
                EXPECT(*in, !world.came);
                if (r < 0)
                        return r;
                for (size_t j = i + 1; j < ARRAY_LEN(steps) && !op_is_secret(steps[j].op); j++)
                        (void)!reader_ahead(
                                reader, steps[j].op, steps[j].payload, strlen(steps[j].payload));
                for (int turn = 0; turn < 1000 && !world.came; turn++)
                        if (sd_event_run(world.event, 5000) < 0)
                                return -EIO; /* mohrd ends with such a loop */
                EXPECT(*in, world.came);
                if (world.outcome != 0 && steps[i].op != OP_VERIFY)
                        return world.outcome;
        }
        return 0;
}

static unsigned int verifies(void)
{
        char text[8192];
        unsigned int count = 0, op;
        slurp(world.dir, "asked", text, sizeof text);
        for (char *line = text, *next; (next = strchr(line, '\n')); line = next + 1)
                count += sscanf(line, "%*d %u", &op) == 1 && op == OP_VERIFY;
        return count;
}

static void whatever_fails_each_call_ends_once_and_the_next_request_is_served(void **state)
{
        (void)state;
        static const struct inject sweeps[] = { INJECT(INJECT_MEMORY), INJECT(INJECT_SYSTEM) };
        FOR_EACH_FAILURE(in, sweeps)
        {
                struct reader *reader = NULL;
                start("A 1 0 1\n", "");
                assert_int_equal(take("A", &reader), 0);
                assert_int_equal(call(reader, OP_COUNTER, ""), 0); /* it has started */
                world.config.card_timeout_ms = 1000; /* what was never sent is not waited for */
                inject_arm(&in);
                int r = converse(reader, &in);
                inject_disarm(&in);
                EXPECT(in, in.failed || r == 0);
                EXPECT(in, r <= 0 || r == OUTCOME_INTERNAL || r == OUTCOME_CARD_REMOVED ||
                                   r == OUTCOME_TIMED_OUT || r == OUTCOME_READER_SERVICE);
                EXPECT(in, verifies() <= 1);
                world.config.card_timeout_ms = PATIENT_MS;
                reader = reader_release(reader);
                if (r != -EIO) {
                        EXPECT(in, take("A", &reader) == 0);
                        EXPECT(in, call(reader, OP_BEGIN, "") == 0);
                        EXPECT(in, call(reader, OP_READ, "one") == 0 && world.fields == 3);
                        reader_release(reader);
                }
                stop();
        }
}

int main(int argc, char **argv)
{
        if (strstr(argv[0], "/mohr-"))
                return play(argv[0], argc, argv);
        inject_init();
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(whatever_fails_each_call_ends_once_and_the_next_request_is_served),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}

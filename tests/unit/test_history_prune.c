/* SPDX-License-Identifier: Apache-2.0 */
/* test_history_prune.c: what is old goes, as far as it may, and the chain stays. */
#include "tests/unit/history_world.h"

#define DAY 86400

static void tidy(struct world *world)
{
        while (clerk_tidy(world->clerk, world->now))
                ;
}

static void old_bodies_go_and_the_chain_stays(void **state)
{
        struct world *world = *state;
        world->setting.keep_days = 30;
        world_asked(world);
        assert_int_equal(world_ask(world), 0);
        struct history_end_texts *end = world_ended(world, "Ok");
        end->remember = true;
        assert_int_equal(world_ask(world), 0);
        world->now += 20 * DAY;
        world_request(world, "WrongPin");
        tidy(world);
        assert_int_equal(world_read(world).pruned, 0);
        world->now += 11 * DAY;
        world_request(world, "Ok");
        tidy(world);
        struct ledger_sum sum = world_read(world);
        assert_int_equal(sum.findings, 0);
        assert_int_equal(sum.pruned, 2); /* asked and ended; created and granted stay */
        int64_t rows = sum.rows;
        tidy(world);
        world_restart(world);
        world_request(world, "Ok");
        tidy(world);
        world_expect_whole(world, rows + 2); /* once a day */
        struct history_ask_texts *ask = world_asked(world);
        ask->use_grant = true;
        assert_int_equal(world_ask(world), 0);
        assert_true(world->reply.grant[0] != '\0');
        world->now += 400 * DAY;
        tidy(world);
        world_request(world, "Ok");
        sum = world_read(world);
        assert_int_equal(sum.findings, 0);
        assert_int_equal(
                sum.rows - sum.pruned, 6); /* created, granted, pruned twice, and the last two */
}

static void what_a_row_says_was_pruned_may_be_any_number(void **state)
{
        static const char *const numbers[] = { "9223372036854775807", "-9223372036854775808",
                "1e999", "\"x\"", "4611686018427387904" };
        struct world *world = *state;
        world->setting.keep_days = 1;
        for (int i = 0; i < 3; i++)
                world_request(world, "Ok");
        for (size_t i = 0; i < ARRAY_LEN(numbers); i++) {
                char sql[256];
                snprintf(sql, sizeof sql,
                        "UPDATE entry SET body = '{\"at\":1,\"event\":\"pruned\",\"through\":%s}' "
                        "WHERE seq = 2",
                        numbers[i]);
                world_restart(world);
                meddle(world, sql);
                world_request(world, "Ok");
                world->now += 3 * 86400;
                tidy(world);
        }
}

static void a_long_history_is_pruned_in_several_goes(void **state)
{
        struct world *world = *state;
        for (int i = 0; i < 300; i++)
                world_request(world, "TimedOut");
        world_restart(world);
        world->setting.keep_days = 1;
        world->now += 3 * DAY;
        world_asked(world);
        assert_int_equal(world_ask(world), 0);
        assert_true(clerk_tidy(world->clerk, world->now));
        world_asked(world); /* somebody may ask in between */
        assert_int_equal(world_ask(world), 0);
        assert_int_equal(world->reply.seq, 604); /* and anchors what was done */
        tidy(world);
        struct ledger_sum sum = world_read(world);
        assert_int_equal(sum.findings, 0);
        assert_int_equal(sum.pruned, 600);
        assert_int_equal(
                count(world, "SELECT count(*) FROM entry WHERE body ->> 'event' = 'pruned'"), 2);
}

static void what_was_taken_out_is_nowhere_in_the_file(void **state)
{
        struct world *world = *state;
        char command[512];
        world->setting.keep_days = 1;
        world_request(world, "Ok");
        world->now += 3 * DAY;
        strcpy(world_asked(world)->audience, "https://other.example");
        assert_int_equal(world_ask(world), 0);
        tidy(world);
        world_restart(world);
        snprintf(command, sizeof command, "grep -q other.example %s/history.db", world->dir);
        assert_int_equal(system(command), 0);
        snprintf(command, sizeof command, "grep -rq office.example %s", world->dir);
        assert_int_not_equal(system(command), 0);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, world_set_up, world_tear_down)

int main(void)
{
        const struct CMUnitTest tests[] = {
                CASE(old_bodies_go_and_the_chain_stays),
                CASE(what_a_row_says_was_pruned_may_be_any_number),
                CASE(a_long_history_is_pruned_in_several_goes),
                CASE(what_was_taken_out_is_nowhere_in_the_file),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}

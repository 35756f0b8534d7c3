/* SPDX-License-Identifier: Apache-2.0 */
/* test_keys_turn.c: who comes next on a reader, with readers that are in use when the test says so.
 */
#include "base/outcome.h"
#include "daemon/keys_turn.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <cmocka.h>

struct readers_watch {
        void (*changed)(void *user);
        void *user;
};

static struct readers_watch *watch;
static sd_event *event;
static bool used[2];
static char order[16]; /* who had a turn: a letter each; ! before one whose time was over */

size_t readers_list(const struct readers *readers, struct reader_info *ret, size_t cap)
{
        static const char *const names[] = { "A", "B" };
        (void)readers;
        assert_true(cap >= 2);
        for (size_t i = 0; i < 2; i++)
                ret[i] = (struct reader_info){ .name = names[i],
                        .state = used[i] ? "in_use" : "card" };
        return 2;
}

int readers_subscribe(struct readers *readers, struct readers_watch **ret,
        void (*changed)(void *user), void *user)
{
        (void)readers;
        assert_null(watch);
        watch = calloc(1, sizeof *watch);
        *watch = (struct readers_watch){ changed, user };
        *ret = watch;
        return 0;
}

struct readers_watch *readers_watch_free(struct readers_watch *old)
{
        if (old)
                watch = NULL;
        free(old);
        return NULL;
}

static void on_ready(void *user, int outcome)
{
        size_t len = strlen(order);
        snprintf(order + len, sizeof order - len, "%s%c", outcome ? "!" : "", *(const char *)user);
}

static void run(void)
{
        while (sd_event_run(event, 0) > 0)
                ;
}

static struct keys_turn *take(struct keys_turns *turns, const char *reader, const char *who)
{
        struct keys_turn *turn = NULL;
        assert_int_equal(
                keys_turn_take(&turn, turns, reader, 60000, on_ready, (void *)(uintptr_t)who), 0);
        return turn;
}

static struct keys_turns *fresh(void)
{
        struct keys_turns *turns = NULL;
        order[0] = '\0';
        used[0] = used[1] = false;
        assert_int_equal(keys_turns_new(&turns, event, NULL), 0);
        return turns;
}

static void nobody_waits_for_a_reader_that_is_free(void **state)
{
        struct keys_turns *turns = fresh();
        struct keys_turn *a = take(turns, "A", "a"), *b = take(turns, "B", "b"),
                         *c = take(turns, "no such reader", "c");
        (void)state;
        assert_string_equal(order, ""); /* never from inside the call */
        run();
        assert_string_equal(order, "abc");
        keys_turn_free(b);
        keys_turn_free(a);
        keys_turn_free(c);
        keys_turns_free(turns);
}

/* Also while nobody uses it, where somebody was there before. */
static void who_comes_now_knows_whether_to_wait(void **state)
{
        struct keys_turns *turns = fresh();
        (void)state;
        assert_false(keys_turn_must_wait(turns, "A"));
        used[0] = true;
        assert_true(keys_turn_must_wait(turns, "A"));
        assert_false(keys_turn_must_wait(turns, "B"));
        assert_false(keys_turn_must_wait(turns, "no such reader"));
        struct keys_turn *a = take(turns, "A", "a");
        used[0] = false;
        assert_true(keys_turn_must_wait(turns, "A"));
        assert_false(keys_turn_must_wait(turns, "B"));
        run();
        assert_string_equal(order, "a");
        assert_true(keys_turn_must_wait(turns, "A"));
        keys_turn_free(a);
        assert_false(keys_turn_must_wait(turns, "A"));
        run();
        keys_turns_free(turns);
}

static void turns_follow_each_other_in_the_order_of_arrival(void **state)
{
        struct keys_turns *turns = fresh();
        struct keys_turn *a = take(turns, "A", "a"), *b = take(turns, "A", "b"),
                         *c = take(turns, "A", "c"), *d = take(turns, "B", "d");
        (void)state;
        run();
        assert_string_equal(order, "ad");
        keys_turn_free(c); /* gave up */
        c = take(turns, "A", "c");
        keys_turn_free(a);
        run();
        assert_string_equal(order, "adb");
        keys_turn_free(b);
        run();
        assert_string_equal(order, "adbc");
        keys_turn_free(c);
        keys_turn_free(d);
        assert_null(watch);
        keys_turns_free(turns);
}

static void what_else_uses_the_reader_is_waited_for(void **state)
{
        struct keys_turns *turns = fresh();
        used[0] = true;
        struct keys_turn *a = take(turns, "A", "a"), *b = take(turns, "B", "b");
        (void)state;
        run();
        assert_string_equal(order, "b");
        watch->changed(watch->user);
        run();
        assert_string_equal(order, "b");
        used[0] = false;
        watch->changed(watch->user);
        run();
        assert_string_equal(order, "ba");
        keys_turn_free(a);
        keys_turn_free(b);
        keys_turns_free(turns);
}

static void a_wait_has_an_end(void **state)
{
        struct keys_turns *turns = fresh();
        struct keys_turn *turn = NULL;
        (void)state;
        used[0] = true;
        assert_int_equal(
                keys_turn_take(&turn, turns, "A", 1, on_ready, (void *)(uintptr_t) "a"), 0);
        while (!order[0])
                assert_true(sd_event_run(event, 5000000) > 0);
        assert_string_equal(order, "!a");
        keys_turn_free(turn);
        keys_turns_free(turns);
}

static int begin(void **state)
{
        (void)state;
        return sd_event_new(&event) < 0;
}

static int end(void **state)
{
        (void)state;
        sd_event_unref(event);
        return 0;
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(nobody_waits_for_a_reader_that_is_free),
                cmocka_unit_test(who_comes_now_knows_whether_to_wait),
                cmocka_unit_test(turns_follow_each_other_in_the_order_of_arrival),
                cmocka_unit_test(what_else_uses_the_reader_is_waited_for),
                cmocka_unit_test(a_wait_has_an_end),
        };
        return cmocka_run_group_tests(tests, begin, end);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* test_seen.c: the memory of replays: what lives is never forgotten, what ended makes room.
 */
#include "client-sdk/seen.h"
#include "tests/unit/verify_talk.h"

/* ---- the memory of replays ---- */

static void key_of(char key[SEEN_KEY_LEN + 1], int number)
{
        char nonce[16];
        snprintf(nonce, sizeof nonce, "%d", number);
        assert_int_equal(seen_key("sub", AUD, nonce, key), 0);
}

static int take(const struct mohr_replay *store, int number, int64_t now, int64_t until)
{
        char key[SEEN_KEY_LEN + 1];
        key_of(key, number);
        return store->take(store->user, key, now, until);
}

static void a_memory_forgets_nothing_that_lives(void **state)
{
        struct mohr_replay *store = NULL;
        (void)state;
        assert_int_equal(mohr_replay_memory_new(&store, 4), 0);
        for (int i = 0; i < 4; i++)
                assert_int_equal(take(store, i, 100, 200 + i), 0);
        assert_int_equal(take(store, 4, 100, 300), -ENOSPC);
        assert_int_equal(take(store, 4, 199, 300), -ENOSPC);
        for (int i = 0; i < 4; i++)
                assert_int_equal(take(store, i, 199, 200 + i), 1);
        assert_int_equal(take(store, 4, 200, 300), 0); /* 0 has ended: room for one */
        assert_int_equal(take(store, 5, 200, 300), -ENOSPC);
        assert_int_equal(take(store, 3, 202, 203), 1);
        assert_int_equal(take(store, 5, 202, 300), 0);
        assert_int_equal(take(store, 0, 199, 200), -ESTALE); /* the clock went back: who knows */
        assert_int_equal(take(store, 9, 199, 202), -ESTALE);
        assert_int_equal(take(store, 3, 199, 203), 1);
        assert_null(mohr_replay_memory_free(store));
}

static void a_memory_stays_right_while_it_is_full_and_renewed(void **state)
{
        enum { CAP = 64, ROUNDS = 4000, LIFE = 50 };
        struct mohr_replay *store = NULL;
        (void)state;
        assert_int_equal(mohr_replay_memory_new(&store, CAP), 0);
        for (int i = 0; i < ROUNDS; i++) { /* one a second, each lives for 50: never over 64 */
                assert_int_equal(take(store, i, i, i + LIFE), 0);
                int back = i - i % LIFE > 0 ? i - LIFE + 1 : 0;
                assert_int_equal(take(store, back, i, back + LIFE), 1);
                assert_int_equal(take(store, i, i, i + LIFE), 1);
        }
        assert_null(mohr_replay_memory_free(store));
}

static void a_memory_takes_no_nonsense(void **state)
{
        static const char *const keys[] = { "", "ab", "zz",
                "00112233445566778899aabbccddeeff00112233445566778899aabbccddeef",
                "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff00" };
        struct mohr_replay *store = NULL;
        (void)state;
        assert_int_equal(mohr_replay_memory_new(&store, 0), -EINVAL);
        assert_int_equal(mohr_replay_memory_new(&store, SIZE_MAX), -EINVAL);
        assert_null(store);
        assert_int_equal(mohr_replay_memory_new(&store, 1), 0);
        for (size_t i = 0; i < ARRAY_LEN(keys); i++)
                assert_int_equal(store->take(store->user, keys[i], 1, 2), -EINVAL);
        assert_null(mohr_replay_memory_free(store));
        assert_null(mohr_replay_memory_free(NULL));
}

static void each_part_of_a_key_counts(void **state)
{
        static const struct {
                const char *sub, *aud, *nonce;
        } rows[] = { { "a", "b", "c" }, { "x", "b", "c" }, { "a", "x", "c" }, { "a", "b", "x" },
                { "ab", "", "c" }, { "", "ab", "c" }, { "a", "bc", "" } };
        char keys[ARRAY_LEN(rows)][SEEN_KEY_LEN + 1], longest[2000];
        (void)state;
        for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
                assert_int_equal(seen_key(rows[i].sub, rows[i].aud, rows[i].nonce, keys[i]), 0);
                for (size_t k = 0; k < i; k++)
                        assert_string_not_equal(keys[i], keys[k]);
        }
        memset(longest, 'x', sizeof longest);
        longest[sizeof longest - 1] = '\0';
        assert_int_equal(seen_key("a", longest, "c", keys[0]), -EINVAL);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(a_memory_forgets_nothing_that_lives),
                cmocka_unit_test(a_memory_stays_right_while_it_is_full_and_renewed),
                cmocka_unit_test(a_memory_takes_no_nonsense),
                cmocka_unit_test(each_part_of_a_key_counts),
        };
        return cmocka_run_group_tests(tests, set_up, tear_down);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* test_inject_link.c: links, pairings and their files while memory and system calls fail, one by one and all at once. Whatever
 * fails: nobody is proven who is not, a file is the old one or the new one, a pairing is made whole or not at all.
 */
#include "client-sdk/link/internal.h"
#include "client-sdk/link/pair.h"
#include "client-sdk/link/renew.h"
#include "tests/support/inject.h"
#include "tests/support/sanitized.h"
#include "tests/unit/link_world.h"

#define OWN                   INJECT(INJECT_MEMORY | INJECT_SYSTEM)
#define FEW(plain, sanitized) (SANITIZED ? (sanitized) : (plain))
/* A handshake asks OpenSSL's memory thousands of times, and takes milliseconds: each failure is tried plain, or only some. */
#define OPENSSL INJECT_EVERY(INJECT_OPENSSL, FEW(1511, 4001))
#define EVERY   INJECT_EVERY(INJECT_MEMORY | INJECT_SYSTEM, FEW(1, 7))
#define SOME    INJECT_EVERY(INJECT_MEMORY | INJECT_SYSTEM, FEW(11, 23))
static const struct inject sweeps[] = { EVERY, OPENSSL }, rough[] = { SOME, OPENSSL };

/* ---- files ---- */

static int rename_it(void *user, struct link_peer *peer)
{
        snprintf(peer->name, sizeof peer->name, "%s", (const char *)user);
        return 0;
}

static void a_file_is_the_old_one_or_the_new_one(void **state)
{
        struct link_world *w = *state;
        for (struct inject in = OWN; inject_next(&in);) {
                struct link_peer read = { 0 };
                assert_int_equal(link_store_put(w->phones, &w->computer), 0);
                inject_arm(&in);
                int r = link_store_change(w->phones, WORLD_ID, rename_it, "Nokia");
                inject_disarm(&in);
                assert_int_equal(link_store_get(w->phones, WORLD_ID, &read), 0);
                EXPECT(in, strcmp(read.name, "Nokia") == 0 ||
                                   (r < 0 && strcmp(read.name, "Pixel") == 0));
                EXPECT(in, strcmp(read.key, w->computer.key) == 0);
                EXPECT(in, in.failed || r == 0);
                link_peer_clear(&read);
        }
}

static void a_folder_is_read_whole_or_not_at_all(void **state)
{
        struct link_world *w = *state;
        for (struct inject in = OWN; inject_next(&in);) {
                struct link_peer peers[LINK_PEERS_MAX], read = { 0 };
                char *bad = NULL;
                inject_arm(&in);
                ssize_t n = link_store_list(w->phones, peers, &bad);
                int r = link_store_get(w->phones, WORLD_ID, &read);
                inject_disarm(&in);
                EXPECT(in, n == 1 || n < 0 || (n == 0 && bad)); /* what was left out is named */
                EXPECT(in, r == 0 ? strcmp(read.key, w->computer.key) == 0 : !read.key);
                EXPECT(in, in.failed || (n == 1 && r == 0 && !bad));
                for (ssize_t i = 0; i < n; i++)
                        link_peer_clear(&peers[i]);
                link_peer_clear(&read);
                free(n >= 0 ? bad : NULL);
        }
}

static void a_folder_that_was_tried_is_as_before(void **state)
{
        struct link_world *w = *state;
        for (struct inject in = OWN; inject_next(&in);) {
                struct link_peer peers[LINK_PEERS_MAX];
                char *bad = NULL;
                inject_arm(&in);
                int r = link_store_try(w->phones);
                inject_disarm(&in);
                EXPECT(in, in.failed || r == 0);
                ssize_t n = link_store_list(w->phones, peers, &bad);
                EXPECT(in, n == 1 && !bad && strcmp(peers[0].key, w->computer.key) == 0);
                for (ssize_t i = 0; i < n; i++)
                        link_peer_clear(&peers[i]);
                free(bad);
        }
}

static void what_is_forgotten_is_gone(void **state)
{
        struct link_world *w = *state;
        for (struct inject in = OWN; inject_next(&in);) {
                struct link_peer read = { 0 };
                assert_int_equal(link_store_put(w->phones, &w->computer), 0);
                inject_arm(&in);
                int r = link_store_remove(w->phones, WORLD_ID);
                inject_disarm(&in);
                int left = link_store_get(w->phones, WORLD_ID, &read);
                EXPECT(in, r < 0 || left == -ENOENT);
                EXPECT(in, in.failed || r == 0);
                link_peer_clear(&read);
                (void)!link_store_remove(w->phones, WORLD_ID);
        }
        assert_int_equal(link_store_put(w->phones, &w->computer), 0);
}

static void an_identity_is_made_whole_or_not_at_all(void **state)
{
        (void)state;
        FOR_EACH_FAILURE(in, sweeps)
        {
                char *key = NULL, *certificate = NULL;
                int64_t end = 0;
                inject_arm(&in);
                int r = link_identity_make(&key, &certificate, &end);
                inject_disarm(&in);
                EXPECT(in, (r == 0) == (key && certificate && end > 0));
                EXPECT(in, r == 0 || (!key && !certificate));
                EXPECT(in, in.failed || r == 0);
                free(key);
                free(certificate);
        }
}

/* ---- connections ---- */

/* Both ends, if there are both; who is proven. */
static struct shaken try_hands(const char *folder, const struct link_peer *own)
{
        struct shaken s = { .at_computer = -EIO, .at_phone = -EIO };
        int fds[2];
        inject_pause();
        socket_pair(fds);
        inject_resume();
        int left = link_connect(&s.computer, fds[0], own);
        int right = link_accept(&s.phone, fds[1], folder);
        if (left == 0 && right == 0)
                shake_turns(&s);
        return s;
}

static void the_paired_are_proven_or_nobody(void **state)
{
        struct link_world *w = *state;
        FOR_EACH_FAILURE(in, sweeps)
        {
                enum link_type type = 0;
                inject_arm(&in);
                struct shaken s = try_hands(w->computers, &w->computer);
                int sent = -EIO, got = -EIO;
                if (s.at_computer == 0 && s.at_phone == 0) {
                        sent = link_send_secret(s.computer, "1234", 4);
                        got = take_frame(s.phone, w->buf, &type);
                }
                inject_disarm(&in);
                EXPECT(in, s.at_phone != 0 || strcmp(link_id(s.phone), WORLD_ID) == 0);
                EXPECT(in, got != 0 || (type == LINK_SECRET && w->buf->len == 4 &&
                                               memcmp(w->buf->data, "1234", 4) == 0));
                EXPECT(in, in.failed || (sent == 0 && got == 0));
                secret_wipe(w->buf);
                hang_up(&s);
        }
}

/* Missing memory opens to nobody what a certificate does not. */
static void a_stranger_is_proven_by_no_failure(void **state)
{
        struct link_world *w = *state;
        struct link_peer computer = { 0 }, phone = { 0 };
        pair_up(&computer, &phone, WORLD_ID);
        memcpy(computer.peer_print, w->computer.peer_print, LINK_PRINT);
        FOR_EACH_FAILURE(in, rough)
        {
                inject_arm(&in);
                struct shaken s = try_hands(w->computers, &computer);
                inject_disarm(&in);
                EXPECT(in, s.at_phone < 0);
                hang_up(&s);
        }
        link_peer_clear(&computer);
        link_peer_clear(&phone);
}

/* ---- pairing ---- */

struct two {
        struct pairing *computer, *phone;
        enum pair_state at_computer, at_phone;
};

static void try_to_pair(struct two *two, const struct link_world *w, const uint8_t *secret)
{
        struct pair_side computer = { .name = "office",
                .secret = secret,
                .key = w->computer.key,
                .certificate = w->computer.certificate };
        struct pair_side phone = { .name = "Pixel",
                .port = LINK_PORT,
                .secret = secret,
                .print = secret ? w->phone.peer_print : NULL,
                .key = w->phone.key,
                .certificate = w->phone.certificate };
        int fds[2];
        inject_pause();
        socket_pair(fds);
        inject_resume();
        int left = pair_listen(&two->computer, fds[0], &computer);
        int right = pair_connect(&two->phone, fds[1], &phone);
        for (int turn = 0; left == 0 && right == 0 && turn < 64; turn++) {
                two->at_computer = pair_step(two->computer);
                two->at_phone = pair_step(two->phone);
                if (two->at_computer == PAIR_COMPARE)
                        pair_answer(two->computer, true);
                if (two->at_phone == PAIR_COMPARE)
                        pair_answer(two->phone, true);
        }
}

static void expect_pair_or_none(const struct link_world *w, const uint8_t *secret)
{
        FOR_EACH_FAILURE(in, sweeps)
        {
                struct two two = { 0 };
                struct link_peer computer = { 0 }, phone = { 0 };
                inject_arm(&in);
                try_to_pair(&two, w, secret);
                int left = two.computer ? pair_take(two.computer, &computer) : -EIO;
                int right = two.phone ? pair_take(two.phone, &phone) : -EIO;
                inject_disarm(&in);
                EXPECT(in, two.at_phone != PAIR_DONE || two.at_computer == PAIR_DONE);
                EXPECT(in, left == 0 ? computer.key && computer.certificate : !computer.key);
                EXPECT(in, left < 0 || right < 0 || strcmp(computer.id, phone.id) == 0);
                EXPECT(in, in.failed || (left == 0 && right == 0));
                link_peer_clear(&computer);
                link_peer_clear(&phone);
                pair_free(two.computer);
                pair_free(two.phone);
        }
}

static void a_pair_is_made_whole_or_not_at_all(void **state)
{
        static const uint8_t secret[PAIR_SECRET] = { 7 };
        expect_pair_or_none(*state, secret);
        expect_pair_or_none(*state, NULL);
}

/* ---- renewal ---- */

static void try_to_renew(struct link_world *w, struct shaken *s, struct inject *in)
{
        struct link_renewal *asking = NULL, *answering = NULL;
        enum link_type type = 0;
        inject_arm(in);
        int r = link_renew_ask(&asking, s->computer);
        if (r == 0)
                r = take_frame(s->phone, w->buf, &type);
        if (r == 0)
                r = link_renew_answer(
                        &answering, s->phone, w->computers, w->buf->data, w->buf->len);
        if (r == 0)
                r = take_frame(s->computer, w->buf, &type);
        if (r == 0)
                r = link_renew_finish(asking, s->computer, w->phones, w->buf->data, w->buf->len);
        if (r == 0)
                r = take_frame(s->phone, w->buf, &type);
        if (r == 0)
                r = link_renew_kept(answering, w->computers);
        inject_disarm(in);
        EXPECT(*in, in->failed || r == 0);
        link_renewal_free(asking);
        link_renewal_free(answering);
}

static void the_two_find_each_other_after_any_failure(void **state)
{
        struct link_world *w = *state;
        FOR_EACH_FAILURE(in, rough)
        {
                struct link_peer computer = { 0 };
                assert_int_equal(link_store_get(w->phones, WORLD_ID, &computer), 0);
                struct shaken s = shake_hands(w->computers, &computer);
                EXPECT(in, s.at_computer == 0 && s.at_phone == 0);
                assert_int_equal(link_renew_seen(s.computer, w->phones), 0);
                assert_int_equal(link_renew_seen(s.phone, w->computers), 0);
                try_to_renew(w, &s, &in);
                hang_up(&s);
                link_peer_clear(&computer);
        }
        struct link_peer computer = { 0 };
        assert_int_equal(link_store_get(w->phones, WORLD_ID, &computer), 0);
        struct shaken s = shake_hands(w->computers, &computer);
        assert_true(s.at_computer == 0 && s.at_phone == 0);
        hang_up(&s);
        link_peer_clear(&computer);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(a_file_is_the_old_one_or_the_new_one),
                cmocka_unit_test(a_folder_is_read_whole_or_not_at_all),
                cmocka_unit_test(a_folder_that_was_tried_is_as_before),
                cmocka_unit_test(what_is_forgotten_is_gone),
                cmocka_unit_test(an_identity_is_made_whole_or_not_at_all),
                cmocka_unit_test(the_paired_are_proven_or_nobody),
                cmocka_unit_test(a_stranger_is_proven_by_no_failure),
                cmocka_unit_test(a_pair_is_made_whole_or_not_at_all),
                cmocka_unit_test(the_two_find_each_other_after_any_failure),
        };
        inject_init();
        return cmocka_run_group_tests(tests, world_set_up, world_tear_down);
}

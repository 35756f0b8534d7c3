/* SPDX-License-Identifier: Apache-2.0 */
/* test_link_renew.c: keys are renewed over the link, and wherever that breaks off the two still find each other, and can
 * renew again.
 */
#include "client-sdk/link/renew.h"
#include "tests/unit/link_world.h"

enum step { ASKED, ANSWERED, FINISHED, KEPT, STEPS };

static void look(struct link_world *w, struct shaken *s)
{
        assert_int_equal(link_renew_seen(s->computer, w->phones), 0);
        assert_int_equal(link_renew_seen(s->phone, w->computers), 0);
}

/* From the files as they are, up to and with this step; then the line breaks. */
static void renew_until(struct link_world *w, enum step last, bool looking)
{
        _cleanup_(link_peer_clear) struct link_peer computer = { 0 };
        struct link_renewal *asking = NULL, *answering = NULL;
        enum link_type type = 0;
        assert_int_equal(link_store_get(w->phones, WORLD_ID, &computer), 0);
        struct shaken s = shake_hands(w->computers, &computer);
        assert_int_equal(s.at_computer, 0);
        assert_int_equal(s.at_phone, 0);
        if (looking)
                look(w, &s);
        assert_int_equal(link_renew_ask(&asking, s.computer), 0);
        assert_int_equal(take_frame(s.phone, w->buf, &type), 0);
        assert_int_equal(type, LINK_RENEW);
        if (last >= ANSWERED) {
                assert_int_equal(link_renew_answer(&answering, s.phone, w->computers, w->buf->data,
                                         w->buf->len),
                        0);
                assert_int_equal(take_frame(s.computer, w->buf, &type), 0);
                assert_int_equal(type, LINK_RENEWED);
        }
        if (last >= FINISHED) {
                assert_int_equal(
                        link_renew_finish(asking, s.computer, w->phones, w->buf->data, w->buf->len),
                        0);
                assert_int_equal(
                        link_renew_finish(asking, s.computer, w->phones, w->buf->data, w->buf->len),
                        -EBADMSG);
                assert_int_equal(take_frame(s.phone, w->buf, &type), 0);
                assert_int_equal(type, LINK_BYE);
        }
        if (last >= KEPT) {
                assert_int_equal(link_renew_kept(answering, w->computers), 0);
                assert_int_equal(link_renew_kept(answering, w->computers), -EBADMSG);
        }
        link_renewal_free(asking);
        link_renewal_free(answering);
        hang_up(&s);
}

static struct shaken meet_again(struct link_world *w)
{
        _cleanup_(link_peer_clear) struct link_peer computer = { 0 };
        assert_int_equal(link_store_get(w->phones, WORLD_ID, &computer), 0);
        struct shaken s = shake_hands(w->computers, &computer);
        assert_int_equal(s.at_computer, 0);
        assert_int_equal(s.at_phone, 0);
        return s;
}

static bool is_zero(const uint8_t print[static LINK_PRINT])
{
        static const uint8_t none[LINK_PRINT];
        return memcmp(print, none, LINK_PRINT) == 0;
}

static void both_have_new_keys_and_forget_the_old_ones(void **state)
{
        struct link_world *w = *state;
        struct link_peer computer = { 0 }, phone = { 0 };
        renew_until(w, KEPT, true);
        struct shaken s = meet_again(w);
        assert_true(link_showed_next(s.phone) && link_showed_next(s.computer));
        look(w, &s);
        look(w, &s); /* seen already */
        hang_up(&s);
        assert_int_equal(link_store_get(w->phones, WORLD_ID, &computer), 0);
        assert_int_equal(link_store_get(w->computers, WORLD_ID, &phone), 0);
        assert_true(is_zero(computer.next_print) && is_zero(phone.next_print));
        assert_string_not_equal(computer.key, w->computer.key);
        assert_string_not_equal(phone.key, w->phone.key);
        assert_memory_not_equal(computer.peer_print, w->computer.peer_print, LINK_PRINT);
        assert_string_equal(computer.name, w->computer.name);
        assert_string_equal(computer.address, w->computer.address);
        assert_int_equal(computer.paired_at, w->computer.paired_at);
        s = shake_hands(w->computers, &w->computer); /* the old key opens nothing now */
        assert_int_equal(s.at_phone, -EACCES);
        hang_up(&s);
        s = meet_again(w);
        assert_false(link_showed_next(s.phone) || link_showed_next(s.computer));
        hang_up(&s);
        link_peer_clear(&computer);
        link_peer_clear(&phone);
}

/* Every way to break off twice, then to the end. */
static void wherever_it_breaks_off_they_find_each_other(void **state)
{
        struct link_world *w = *state;
        for (enum step first = ASKED; first < STEPS; first++)
                for (enum step second = ASKED; second < STEPS; second++)
                        for (int looking = 0; looking < 2; looking++) {
                                renew_until(w, first, looking);
                                renew_until(w, second, looking);
                                struct shaken s = meet_again(w);
                                hang_up(&s);
                        }
        renew_until(w, KEPT, true);
        struct shaken s = meet_again(w);
        assert_true(link_showed_next(s.phone) && link_showed_next(s.computer));
        hang_up(&s);
}

static void what_is_forgotten_meanwhile_stays_forgotten(void **state)
{
        struct link_world *w = *state;
        struct link_renewal *asking = NULL, *answering = NULL;
        struct link_peer gone = { 0 };
        enum link_type type = 0;
        struct shaken s = meet_again(w);
        assert_int_equal(link_renew_ask(&asking, s.computer), 0);
        assert_int_equal(take_frame(s.phone, w->buf, &type), 0);
        assert_int_equal(link_store_remove(w->computers, WORLD_ID), 0);
        assert_int_equal(
                link_renew_answer(&answering, s.phone, w->computers, w->buf->data, w->buf->len),
                -ENOENT);
        assert_null(answering);
        assert_int_equal(link_store_get(w->computers, WORLD_ID, &gone), -ENOENT);
        link_renewal_free(asking);
        hang_up(&s);
}

static void only_certificates_as_ours_are_taken(void **state)
{
        struct link_world *w = *state;
        struct link_renewal *asking = NULL, *answering = NULL;
        struct link_peer phone = { 0 };
        uint8_t body[4096];
        enum link_type type = 0;
        struct shaken s = meet_again(w);
        assert_int_equal(link_renew_ask(&asking, s.computer), 0);
        assert_int_equal(take_frame(s.phone, w->buf, &type), 0);
        const size_t len = w->buf->len;
        memcpy(body, w->buf->data, len);
        for (size_t cut = 0; cut < len; cut += cut < 8 ? 1 : 37)
                assert_int_equal(
                        link_renew_answer(&answering, s.phone, w->computers, body, cut), -EBADMSG);
        assert_int_equal(
                link_renew_answer(&answering, s.phone, w->computers, body, len + 1), -EBADMSG);
        body[1]++; /* a byte more inside */
        assert_int_equal(
                link_renew_answer(&answering, s.phone, w->computers, body, len + 1), -EBADMSG);
        body[1]--;
        for (size_t i = 0; i < len;
                i += 5) { /* any changed byte: its own signature does not hold */
                body[i] ^= 1;
                assert_int_equal(
                        link_renew_answer(&answering, s.phone, w->computers, body, len), -EBADMSG);
                body[i] ^= 1;
        }
        assert_int_equal(link_store_get(w->computers, WORLD_ID, &phone), 0);
        assert_true(is_zero(phone.next_print));
        link_peer_clear(&phone);
        link_renewal_free(asking);
        hang_up(&s);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                IN_A_WORLD(both_have_new_keys_and_forget_the_old_ones),
                IN_A_WORLD(wherever_it_breaks_off_they_find_each_other),
                IN_A_WORLD(what_is_forgotten_meanwhile_stays_forgotten),
                IN_A_WORLD(only_certificates_as_ours_are_taken),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* test_link.c: a connection is proven only between the two whose files say so, and frames come out as they went in.
 */
#include "tests/unit/link_world.h"

#include <openssl/ssl.h>
#include <openssl/x509.h>

static void paired_devices_find_each_other(void **state)
{
        struct link_world *w = *state;
        struct shaken s = shake_hands(w->computers, &w->computer);
        assert_int_equal(s.at_computer, 0);
        assert_int_equal(s.at_phone, 0);
        assert_string_equal(link_id(s.phone), WORLD_ID);
        assert_string_equal(link_id(s.computer), WORLD_ID);
        assert_false(link_showed_next(s.phone) || link_showed_next(s.computer));
        hang_up(&s);
}

static void frames_of_every_length_come_through(void **state)
{
        static const size_t lengths[] = { 0, 1, 2, 255, 16380, 16384, 16385, LINK_FRAME_MAX - 1 };
        static uint8_t body[LINK_FRAME_MAX];
        struct link_world *w = *state;
        struct shaken s = shake_hands(w->computers, &w->computer);
        for (size_t i = 0; i < sizeof body; i++)
                body[i] = (uint8_t)(i * 7);
        for (size_t i = 0; i < ARRAY_LEN(lengths); i++) {
                enum link_type type = 0;
                struct link *from = i % 2 ? s.phone : s.computer,
                            *to = i % 2 ? s.computer : s.phone;
                assert_int_equal(link_send(from, LINK_OP, body, lengths[i]), 0);
                assert_int_equal(take_frame(to, w->buf, &type), 0);
                assert_int_equal(type, LINK_OP);
                assert_int_equal(w->buf->len, lengths[i]);
                assert_memory_equal(w->buf->data, body, lengths[i]);
                assert_false(link_pending(to));
        }
        assert_int_equal(link_send(s.phone, LINK_OP, body, LINK_FRAME_MAX), -EMSGSIZE);
        hang_up(&s);
}

static void a_secret_comes_through_once(void **state)
{
        struct link_world *w = *state;
        struct shaken s = shake_hands(w->computers, &w->computer);
        enum link_type type = 0;
        for (int i = 0; i < 3; i++) {
                assert_int_equal(link_send_secret(s.computer,
                                         "\x01\x0A"
                                         "1234",
                                         6),
                        0);
                assert_int_equal(take_frame(s.phone, w->buf, &type), 0);
                assert_int_equal(type, LINK_SECRET);
                assert_int_equal(w->buf->len, 6);
                assert_memory_equal(w->buf->data,
                        "\x01\x0A"
                        "1234",
                        6);
        }
        assert_int_equal(link_send_secret(s.phone, "1234", 4), -EINVAL);
        hang_up(&s);
}

static int set_up(void **state)
{
        *state = world_new();
        return 0;
}

static int tear_down(void **state)
{
        world_free(*state);
        return 0;
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(paired_devices_find_each_other),
                cmocka_unit_test(frames_of_every_length_come_through),
                cmocka_unit_test(a_secret_comes_through_once),
        };
        return cmocka_run_group_tests(tests, set_up, tear_down);
}

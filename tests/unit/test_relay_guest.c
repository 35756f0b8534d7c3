/* SPDX-License-Identifier: Apache-2.0 */
/* test_relay_guest.c: connections to a phone that serves: who stays, who goes, and what is out of place in which stage. What
 * silence does takes seconds, and is relay.py's.
 */
#include "tests/unit/relay_world.h"

#include "base/outcome.h"

enum at { BEFORE_GREETING, AS_READER, AS_RENEWAL };

static struct link *come_to(struct relay_world *world, enum at at)
{
        struct link *link = come_in(world);
        if (at != BEFORE_GREETING)
                greet(world, link, at == AS_READER ? LINK_ROLE_READER : LINK_ROLE_RENEW);
        return link;
}

static void what_is_out_of_place_ends_the_connection_with_the_reason(void **state)
{
#define BYTES(...)                                                                                 \
        sizeof((const uint8_t[]){ __VA_ARGS__ }),                                                  \
        {                                                                                          \
                __VA_ARGS__                                                                        \
        }
        static const struct {
                enum at at;
                uint8_t type;
                enum link_reason reason;
                size_t len;
                uint8_t body[16];
        } rows[] = {
                { BEFORE_GREETING, LINK_OP, LINK_REASON_PROTOCOL,
                        BYTES(1, OP_BEGIN, 0, 1, 0, 0, 0, 0) },
                { BEFORE_GREETING, LINK_PING, LINK_REASON_PROTOCOL, BYTES(0, 0, 0, 0) },
                { BEFORE_GREETING, LINK_RENEW, LINK_REASON_PROTOCOL, BYTES(0, 1, 0) },
                { BEFORE_GREETING, LINK_PAIR_FIRST, LINK_REASON_PROTOCOL, BYTES(1, 1, 0, 0) },
                { BEFORE_GREETING, LINK_HELLO, LINK_REASON_VERSION, BYTES(1, 1, 0, 1, 'x') },
                { BEFORE_GREETING, LINK_HELLO, LINK_REASON_PROTOCOL, BYTES(2, 0, 0, 1, 'x') },
                { BEFORE_GREETING, LINK_HELLO, LINK_REASON_PROTOCOL, BYTES(2, 3, 0, 1, 'x') },
                { BEFORE_GREETING, LINK_HELLO, LINK_REASON_PROTOCOL, BYTES(2, 1, 0, 1, 'x', 0) },
                { BEFORE_GREETING, LINK_HELLO, LINK_REASON_PROTOCOL, BYTES(2, 1, 0, 2, 'x') },
                { AS_READER, LINK_HELLO, LINK_REASON_PROTOCOL, BYTES(2, 1, 0, 1, 'x') },
                { AS_READER, LINK_WELCOME, LINK_REASON_PROTOCOL, BYTES(1, 0, 0) },
                { AS_READER, LINK_STATUS, LINK_REASON_PROTOCOL, BYTES(0, 0, 0, 0, 0, 0, 0, 0) },
                { AS_READER, LINK_PING, LINK_REASON_PROTOCOL, BYTES(0, 0, 0) },
                { AS_READER, LINK_PONG, LINK_REASON_PROTOCOL, BYTES(0, 0, 0, 0, 0) },
                { AS_READER, LINK_RENEW, LINK_REASON_PROTOCOL, BYTES(0, 1, 0) },
                { AS_READER, LINK_OP, LINK_REASON_PROTOCOL, BYTES(1, OP_BEGIN, 0, 1, 0, 0, 0, 1) },
                { AS_READER, LINK_OP, LINK_REASON_PROTOCOL,
                        BYTES(1, OP_BEGIN | OPS_REPLY, 0, 1, 0, 0, 0, 0) },
                { AS_READER, LINK_OP, LINK_REASON_PROTOCOL, BYTES(1, OP_READY, 0, 1, 0, 0, 0, 0) },
                { AS_READER, LINK_OP, LINK_REASON_PROTOCOL,
                        BYTES(1, OP_PIN, 0, 1, 0, 0, 0, 4, '1', '2', '3', '4') },
                { AS_READER, LINK_SECRET, LINK_REASON_FORBIDDEN,
                        BYTES(1, OP_PIN, 0, 1, 0, 0, 0, 4, '1', '2', '3', '4') },
                { AS_READER, LINK_SECRET, LINK_REASON_FORBIDDEN,
                        BYTES(1, OP_NEW_PIN, 0, 1, 0, 0, 0, 4, '1', '2', '3', '4') },
                { AS_READER, 200, LINK_REASON_PROTOCOL, BYTES(0) },
                { AS_RENEWAL, LINK_OP, LINK_REASON_PROTOCOL, BYTES(1, OP_BEGIN, 0, 1, 0, 0, 0, 0) },
                { AS_RENEWAL, LINK_RENEW, LINK_REASON_PROTOCOL, BYTES(0, 1, 0) },
                { AS_RENEWAL, LINK_BYE, LINK_REASON_CLOSING, BYTES(LINK_REASON_CLOSING) },
        };
        struct relay_world *world = *state;
        for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
                struct link *link = come_to(world, rows[i].at);
                int r = rows[i].type == LINK_SECRET
                                ? link_send_secret(link, rows[i].body, rows[i].len)
                                : link_send(link, rows[i].type, rows[i].body, rows[i].len);
                assert_int_equal(r, 0);
                enum link_reason reason = goodbye(world, link);
                if (reason != rows[i].reason)
                        fail_msg("row %zu: %d", i, reason);
                link_free(link);
        }
}

static void a_computer_hears_who_is_there_and_that_no_card_is(void **state)
{
        struct relay_world *world = *state;
        const uint8_t ping[] = { 1, 2, 3, 4 }, begin[] = { 1, OP_BEGIN, 0, 9, 0, 0, 0, 0 };
        struct op_frame frame;
        struct driver_presence presence;
        enum link_type type;
        struct link *link = come_to(world, AS_READER);
        assert_memory_equal(world->link->buf->data, "\2\0\5Pixel\0\0\0\0\0", 13);
        assert_int_equal(hear(world, link, &type), 0);
        assert_int_equal(type, LINK_OP);
        assert_int_equal(op_frame_decode(world->link->buf->data, world->link->buf->len, &frame), 0);
        assert_int_equal(op_get_presence(frame.payload, &presence), 0);
        assert_false(presence.present);
        assert_int_equal(link_send(link, LINK_PING, ping, sizeof ping), 0);
        assert_int_equal(hear(world, link, &type), 0);
        assert_int_equal(type, LINK_PONG);
        assert_memory_equal(world->link->buf->data, ping, sizeof ping);
        assert_int_equal(link_send(link, LINK_OP, begin, sizeof begin), 0);
        assert_int_equal(hear(world, link, &type), 0);
        assert_int_equal(world->link->buf->data[8], OUTCOME_READER_SERVICE);
        link_free(link);
}

static void a_computer_that_comes_again_takes_its_own_place(void **state)
{
        struct relay_world *world = *state;
        for (enum at at = AS_READER; at <= AS_RENEWAL; at++) {
                struct link *first = come_to(world, at);
                for (int i = 0; i < HOST_GUESTS_MAX + 2; i++) {
                        struct link *next = come_to(world, at);
                        assert_int_equal(goodbye(world, first), LINK_REASON_CLOSING);
                        link_free(first);
                        first = next;
                }
                link_free(first);
        }
}

static void strangers_take_no_more_places_than_there_are(void **state)
{
        struct relay_world *world = *state;
        int fds[HOST_SHAKING_MAX + 4];
        char byte;
        for (size_t i = 0; i < ARRAY_LEN(fds); i++) {
                fds[i] = knock(world);
                relay_turn(world);
        }
        link_free(come_to(world, AS_READER));
        struct pollfd oldest = { .fd = fds[0], .events = POLLIN };
        assert_int_equal(poll(&oldest, 1, 30000), 1);
        assert_int_equal(recv(fds[0], &byte, 1, MSG_DONTWAIT), 0); /* it made room */
        for (size_t i = 0; i < ARRAY_LEN(fds); i++)
                close(fds[i]);
}

static void a_crowd_from_one_address_makes_room_by_itself(void **state)
{
        struct relay_world *world = *state;
        int fds[4 * HOST_SHAKING_MAX];
        struct link *slow = NULL;
        assert_int_equal(link_connect(&slow, knock(world), &world->link->computer), 0);
        relay_turn(world);
        for (size_t i = 0; i < ARRAY_LEN(fds); i++) {
                fds[i] = knock_from(world, 2 + i % 2);
                relay_turn(world);
        }
        prove_both(world, slow);
        greet(world, slow, LINK_ROLE_READER);
        for (size_t i = 0; i < ARRAY_LEN(fds); i++)
                close(fds[i]);
        link_free(slow);
}

static void garbage_is_answered_by_nothing_of_ours(void **state)
{
        struct relay_world *world = *state;
        char answer[64];
        int fd = knock(world);
        assert_int_equal(send(fd, "GET / HTTP/1.1\r\n\r\n", 18, MSG_NOSIGNAL), 18);
        ssize_t n = -1;
        for (int turn = 0; n != 0 && turn < 8000; turn++) {
                relay_turn(world);
                n = recv(fd, answer, sizeof answer, MSG_DONTWAIT);
                assert_true(n <= 7); /* an alert of TLS at most */
        }
        assert_int_equal(n, 0);
        close(fd);
}

static void a_pairing_that_is_gone_ends_its_connection(void **state)
{
        struct relay_world *world = *state;
        struct link *link = come_to(world, AS_READER);
        door_drop_unpaired(world->host.door);
        relay_turn(world);
        assert_int_equal(link_store_remove(world->link->computers, WORLD_ID), 0);
        door_drop_unpaired(world->host.door);
        assert_int_equal(goodbye(world, link), LINK_REASON_UNPAIRED);
        link_free(link);
}

static int up(void **state)
{
        *state = relay_world_new();
        return 0;
}

static int down(void **state)
{
        relay_world_free(*state);
        return 0;
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, up, down)

int main(void)
{
        const struct CMUnitTest tests[] = {
                CASE(what_is_out_of_place_ends_the_connection_with_the_reason),
                CASE(a_computer_hears_who_is_there_and_that_no_card_is),
                CASE(a_computer_that_comes_again_takes_its_own_place),
                CASE(strangers_take_no_more_places_than_there_are),
                CASE(a_crowd_from_one_address_makes_room_by_itself),
                CASE(garbage_is_answered_by_nothing_of_ours),
                CASE(a_pairing_that_is_gone_ends_its_connection),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}

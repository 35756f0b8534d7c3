/* SPDX-License-Identifier: Apache-2.0 */
/* test_inject_phone.c: a phone's helper while memory and system calls fail, one by one and all at once. Whatever fails: it is
 * connected or it is not, no descriptor is left behind, digits are wiped, and mohrd is told what happened or nothing.
 */
#include "drivers/phone/bridge.h"
#include "drivers/phone/phone.h"
#include "tests/support/inject.h"
#include "tests/unit/link_world.h"

#include "base/outcome.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>

#define SWEEP INJECT(INJECT_MEMORY | INJECT_SYSTEM)

static int next_descriptor(void)
{
        int fd = dup(STDIN_FILENO);
        assert_true(fd >= 0);
        close(fd);
        return fd;
}

/* Listens, and writes where into the pairing's file. */
static int listen_for(struct link_world *world)
{
        struct sockaddr_in address = { .sin_family = AF_INET,
                .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
        socklen_t len = sizeof address;
        int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
        assert_true(fd >= 0);
        assert_return_code(bind(fd, (const struct sockaddr *)&address, len), errno);
        assert_return_code(listen(fd, 64), errno);
        assert_return_code(getsockname(fd, (struct sockaddr *)&address, &len), errno);
        snprintf(world->computer.address, sizeof world->computer.address, "127.0.0.1:%u",
                ntohs(address.sin_port));
        assert_int_equal(link_store_put(world->phones, &world->computer), 0);
        return fd;
}

static void a_phone_is_opened_whole_or_not_at_all(void **state)
{
        struct link_world *world = *state;
        char option[128];
        const char *const options[] = { option, "name=laptop", NULL };
        snprintf(option, sizeof option, "folder=%s", world->phones);
        int listener = listen_for(world), before = next_descriptor();
        for (struct inject in = SWEEP; inject_next(&in);) {
                void *phone = NULL;
                inject_arm(&in);
                int r = driver_phone.open(&phone, WORLD_ID, options);
                inject_disarm(&in);
                EXPECT(in, in.failed || r == 0);
                EXPECT(in, (r == 0) == (phone != NULL));
                if (phone)
                        driver_phone.close(phone);
                EXPECT(in, next_descriptor() == before);
                for (int fd; (fd = accept(listener, NULL, NULL)) >= 0;)
                        close(fd);
        }
        close(listener);
}

static void say_pin(int channel)
{
        uint8_t frame[32];
        struct out out = op_frame_begin(frame, sizeof frame, OP_PIN, false, 7);
        out_bytes(&out, "27182818", 8);
        ssize_t len = op_frame_finish(frame, &out);
        assert_true(len > 0);
        assert_int_equal(ops_send(channel, frame, (size_t)len), 0);
}

static void hears_nothing_or_a_pin(const struct inject *in, struct link *phone, struct secret *buf)
{
        enum link_type type;
        int r = take_frame(phone, buf, &type);
        EXPECT(*in, r == -EAGAIN || (r == 0 && type == LINK_SECRET && buf->len == OPS_HEADER + 8));
        secret_wipe(buf);
}

static void digits_are_wiped_whatever_becomes_of_them(void **state)
{
        struct link_world *world = *state;
        for (struct inject in = SWEEP; inject_next(&in);) {
                struct shaken pair = shake_hands(world->computers, &world->computer);
                struct bridge bridge;
                int channel[2];
                assert_int_equal(pair.at_phone, 0);
                assert_int_equal(bridge_open(&bridge, pair.computer), 0);
                assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, channel), 0);
                bridge.channel = channel[0];
                say_pin(channel[1]);
                inject_arm(&in);
                enum ending ending = bridge_ask(&bridge, 1000000);
                inject_disarm(&in);
                EXPECT(in, in.failed || ending == GO_ON);
                EXPECT(in, ending == GO_ON || ending_status(ending) != 0);
                for (size_t i = 0; i < bridge.question->cap; i++)
                        EXPECT(in, bridge.question->data[i] == 0);
                hears_nothing_or_a_pin(&in, pair.phone, world->buf);
                bridge_close(&bridge);
                hang_up(&pair);
                close(channel[0]);
                close(channel[1]);
        }
}

static void its_memory_is_locked_or_there_is_none(void **state)
{
        struct link_world *world = *state;
        struct shaken pair = shake_hands(world->computers, &world->computer);
        for (struct inject in = SWEEP; inject_next(&in);) {
                struct bridge bridge;
                inject_arm(&in);
                int r = bridge_open(&bridge, pair.computer);
                inject_disarm(&in);
                EXPECT(in, in.failed || r == 0);
                bridge_close(&bridge);
        }
        hang_up(&pair);
}

int main(void)
{
        inject_init();
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(a_phone_is_opened_whole_or_not_at_all),
                cmocka_unit_test(digits_are_wiped_whatever_becomes_of_them),
                cmocka_unit_test(its_memory_is_locked_or_there_is_none),
        };
        return cmocka_run_group_tests(tests, world_set_up, world_tear_down);
}

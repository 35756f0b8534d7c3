/* SPDX-License-Identifier: Apache-2.0 */
/* test_softcard_vpcd.c: the software card as a client of a virtual reader, which this test plays: it
 * listens, speaks vpcd's frames, and sees what pcscd would see.
 */
#include "softcard_talk.h"

#include "drivers/softcard/vpcd.h"

#include <arpa/inet.h>
#include <pthread.h>
#include <sys/eventfd.h>
#include <sys/socket.h>

struct rig {
        struct softcard *card;
        int listener, reader, wake;
        char port[8];
        pthread_t thread;
        int result;
        unsigned int before, after, gone;
};

static void on_before(void *user, const uint8_t *cmd _unused_, size_t len)
{
        struct rig *rig = user;
        assert_true(len > 1);
        rig->before++;
}

static void on_after(void *user, const uint8_t *cmd _unused_, size_t len _unused_,
        const uint8_t *rsp _unused_, size_t rsp_len _unused_, int result _unused_)
{
        struct rig *rig = user;
        rig->after++;
}

static void on_power(void *user, enum softcard_power what)
{
        struct rig *rig = user;
        rig->gone += what == SOFTCARD_GONE;
}

static bool on_wake(void *user _unused_)
{
        return true;
}

static const struct softcard_hooks hooks = { on_before, on_after, on_power, on_wake };

static void *run(void *user)
{
        struct rig *rig = user;
        rig->result =
                softcard_vpcd_run(rig->card, "127.0.0.1", rig->port, 500, rig->wake, &hooks, rig);
        return NULL;
}

static const int yes = 1;

static void rig_listen(struct rig *rig)
{
        struct sockaddr_in address = { .sin_family = AF_INET,
                .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
        socklen_t len = sizeof address;
        rig->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        assert_int_equal(bind(rig->listener, (struct sockaddr *)&address, len), 0);
        assert_int_equal(setsockopt(rig->listener, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes), 0);
        assert_int_equal(listen(rig->listener, 1), 0);
        assert_int_equal(getsockname(rig->listener, (struct sockaddr *)&address, &len), 0);
        snprintf(rig->port, sizeof rig->port, "%u", ntohs(address.sin_port));
}

static void rig_start(struct rig *rig, const char *pki, const char *options)
{
        *rig = (struct rig){ .card = card_with(pki, options, NULL) };
        rig->wake = eventfd(0, EFD_CLOEXEC);
        rig_listen(rig);
        assert_int_equal(pthread_create(&rig->thread, NULL, run, rig), 0);
        rig->reader = accept(rig->listener, NULL, NULL);
        assert_true(rig->reader >= 0);
}

static void rig_stop(struct rig *rig)
{
        uint64_t one = 1;
        assert_int_equal(write(rig->wake, &one, sizeof one), sizeof one);
        pthread_join(rig->thread, NULL);
        close(rig->reader);
        close(rig->listener);
        close(rig->wake);
        rig->card = softcard_free(rig->card);
}

static void put(struct rig *rig, const char *hex)
{
        uint8_t frame[600];
        ssize_t len = hex_decode(frame + 2, sizeof frame - 2, hex);
        frame[0] = (uint8_t)(len >> 8);
        frame[1] = (uint8_t)len;
        assert_int_equal(send(rig->reader, frame, (size_t)len + 2, MSG_NOSIGNAL), len + 2);
}

/* The next frame as hex; "closed" when the card is gone. */
static void get(struct rig *rig, char *hex)
{
        uint8_t header[2], body[4096];
        strcpy(hex, "closed");
        if (recv(rig->reader, header, 2, MSG_WAITALL) != 2)
                return;
        size_t len = (size_t)(header[0] << 8 | header[1]);
        assert_true(len > 0 && len <= sizeof body);
        assert_int_equal(recv(rig->reader, body, len, MSG_WAITALL), len);
        hex_encode(hex, body, len);
}

static void expect(struct rig *rig, const char *said, const char *expected)
{
        char hex[2 * 4096 + 1];
        put(rig, said);
        get(rig, hex);
        assert_string_equal(hex, expected);
}

static void reader_gets_atr_power_and_answers(void **state)
{
        struct rig rig;
        rig_start(&rig, *state, "profile=mav4");
        expect(&rig, "04", "3bff9600008131fe4380318065b085040011120fff829000e0");
        put(&rig, "01");
        expect(&rig, "00A4040C0CA0000000180C000001634200", "9000");
        expect(&rig, "002000811032353830000000000000000000000000", "9000");
        expect(&rig, "00200081", "9000");
        put(&rig, "02");
        expect(&rig, "00200081", "6d00");
        rig_stop(&rig);
        assert_int_equal(rig.result, 0);
        assert_int_equal(rig.before, 4);
        assert_int_equal(rig.after, 4);
}

static void silence_is_one_byte(void **state)
{
        struct rig rig;
        rig_start(&rig, *state, "fault=mute:5@1 fault=reset@2:lost");
        put(&rig, "01");
        expect(&rig, "00A4040C0CA0000000180C000001634200", "00");
        expect(&rig, "00A4040C0CA0000000180C000001634200", "00");
        expect(&rig, "00A4040C0CA0000000180C000001634200", "9000");
        put(&rig, "00");
        expect(&rig, "00A4040C0CA0000000180C000001634200", "00"); /* without power */
        rig_stop(&rig);
}

static void lifted_card_hangs_up_and_comes_back(void **state)
{
        struct rig rig;
        rig_start(&rig, *state, "fault=removal:1@2");
        put(&rig, "01");
        expect(&rig, "00A4040C0CA0000000180C000001634200", "9000");
        expect(&rig, "00200081", "closed");
        close(rig.reader);
        rig.reader = accept(rig.listener, NULL, NULL);
        put(&rig, "01");
        expect(&rig, "00A4040C0CA0000000180C000001634200", "9000");
        rig_stop(&rig);
        assert_int_equal(rig.gone, 2);
}

/* Refuses whoever comes; nobody else gets its port meanwhile. */
static int turn_away(int listener)
{
        struct sockaddr_in address;
        socklen_t len = sizeof address;
        assert_int_equal(getsockname(listener, (struct sockaddr *)&address, &len), 0);
        close(listener);
        int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes), 0);
        assert_int_equal(bind(fd, (struct sockaddr *)&address, len), 0);
        return fd;
}

static void absent_reader_is_waited_for_but_not_for_ever(void **state)
{
        struct rig rig;
        rig_start(&rig, *state, "");
        int closed = turn_away(rig.listener);
        close(rig.reader);
        pthread_join(rig.thread, NULL);
        close(closed);
        assert_int_equal(rig.result, -ETIMEDOUT);
        close(rig.wake);
        rig.card = softcard_free(rig.card);
}

static void malformed_frame_ends_the_run(void **state)
{
        static const uint8_t frames[][2] = { { 0x00, 0x00 }, { 0xFF, 0xFF } };
        for (size_t i = 0; i < ARRAY_LEN(frames); i++) {
                struct rig rig;
                rig_start(&rig, *state, "");
                assert_int_equal(send(rig.reader, frames[i], 2, MSG_NOSIGNAL), 2);
                pthread_join(rig.thread, NULL);
                assert_int_equal(rig.result, -EBADMSG);
                close(rig.reader);
                close(rig.listener);
                close(rig.wake);
                rig.card = softcard_free(rig.card);
        }
}

static void stop_ends_a_long_silence(void **state)
{
        struct rig rig;
        rig_start(&rig, *state, "fault=mute:60000@1");
        put(&rig, "01");
        put(&rig, "00A4040C0CA0000000180C000001634200");
        rig_stop(&rig); /* the test's time limit is shorter than the silence */
        assert_int_equal(rig.result, 0);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(reader_gets_atr_power_and_answers),
                cmocka_unit_test(silence_is_one_byte),
                cmocka_unit_test(lifted_card_hangs_up_and_comes_back),
                cmocka_unit_test(absent_reader_is_waited_for_but_not_for_ever),
                cmocka_unit_test(malformed_frame_ends_the_run),
                cmocka_unit_test(stop_ends_a_long_silence),
        };
        return cmocka_run_group_tests(tests, pki_setup, pki_teardown);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* test_autopoll.c: drivers/nfc/autopoll.h with a board that says whatever a test wrote beforehand. Whether a real
 * libnfc gets on with what is left of the line, tests/system/empty_board.py knows.
 */
#include "drivers/nfc/autopoll.h"

#include "base/bytes.h"
#include "base/outcome.h"

#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <time.h>
#include <cmocka.h>

#define ACK_FRAME "0000FF00FF00"
#define QUESTION  "0000FF06FAD460FF010003C900"
#define SOMEBODY  "0000FF0EF2D561011009010004200404A1B2C35F00"

struct rig {
        int line, board, channel, mohrd, wakeup, sleeper;
        const char *later; /* what the board says once it was asked, after its acknowledgement */
};

static void pair(int *one, int *other)
{
        int fds[2];
        assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
        *one = fds[0];
        *other = fds[1];
}

static int begin(void **state)
{
        struct rig *rig = calloc(1, sizeof *rig);
        assert_non_null(rig);
        signal(SIGPIPE, SIG_IGN);
        pair(&rig->line, &rig->board);
        pair(&rig->channel, &rig->mohrd);
        pair(&rig->wakeup, &rig->sleeper);
        assert_int_equal(fcntl(rig->wakeup, F_SETFL, O_NONBLOCK), 0);
        assert_int_equal(fcntl(rig->line, F_SETFL, O_NONBLOCK), 0);
        *state = rig;
        return 0;
}

static int end(void **state)
{
        struct rig *rig = *state;
        close(rig->line);
        close(rig->board);
        close(rig->channel);
        close(rig->mohrd);
        close(rig->wakeup);
        close(rig->sleeper);
        free(rig);
        return 0;
}

/* Also in the board's own thread, where cmocka's words do not work. */
static void must(bool holds)
{
        if (!holds)
                abort();
}

static void say(int fd, const char *hex)
{
        uint8_t bytes[512];
        ssize_t len = hex_decode(bytes, sizeof bytes, hex);
        must(len >= 0 && write(fd, bytes, (size_t)len) == len);
}

static void heard(int fd, const char *hex)
{
        uint8_t expected[64], bytes[64];
        ssize_t len = hex_decode(expected, sizeof expected, hex);
        must(len > 0 && recv(fd, bytes, (size_t)len, MSG_WAITALL) == len);
        must(memcmp(bytes, expected, (size_t)len) == 0);
}

/* Says each word once it was asked; a pause at each '.', the end of the line at '!'. */
static void *play(void *user)
{
        struct rig *rig = user;
        heard(rig->board, QUESTION);
        const char *at = rig->later;
        while (*at) {
                char word[1024];
                size_t len = strcspn(at, ".!");
                memcpy(word, at, len);
                word[len] = '\0';
                say(rig->board, word);
                at += len;
                if (*at == '!')
                        shutdown(rig->board, SHUT_RDWR);
                if (*at == '.')
                        nanosleep(&(struct timespec){ .tv_nsec = 8000000 }, NULL);
                at += *at != '\0';
        }
        return NULL;
}

#define PATIENT 20000 /* what never passes where something comes */
static const struct autopoll_limits patient = { PATIENT, PATIENT, PATIENT }, hasty = { 5, 5, 5 },
                                    cut_short = { PATIENT, 5, PATIENT };

/* The end, or an outcome as a negative number. */
static int wait_for(struct rig *rig, const char *later, const struct autopoll_limits *limits)
{
        pthread_t player;
        enum autopoll_end why = AUTOPOLL_TIME;
        rig->later = later;
        assert_int_equal(pthread_create(&player, NULL, play, rig), 0);
        const struct autopoll_ends ends = { rig->line, rig->channel, rig->wakeup };
        int r = autopoll(&ends, limits, &why);
        pthread_join(player, NULL);
        assert_true(r >= 0);
        return r == 0 ? (int)why : -r;
}

static void nothing_is_left(const struct rig *rig)
{
        uint8_t byte;
        assert_int_equal(recv(rig->line, &byte, 1, MSG_DONTWAIT), -1);
        assert_int_equal(errno, EAGAIN);
        assert_int_equal(recv(rig->board, &byte, 1, MSG_DONTWAIT), -1);
}

static void a_call_is_let_in_whole(void **state)
{
        struct rig *rig = *state;
        static const char *const calls[] = { ACK_FRAME "." SOMEBODY,
                ACK_FRAME ".0000FF.0EF2D561011009010004200404A1.B2C35F00",
                "0000FF.00FF00.0000FF0EF2D561011009010004200404A1B2C35F00" };
        for (size_t i = 0; i < ARRAY_LEN(calls); i++) {
                assert_int_equal(wait_for(rig, calls[i], &patient), AUTOPOLL_CALLED);
                nothing_is_left(rig);
        }
}

static void what_is_no_frame_is_a_call(void **state)
{
        struct rig *rig = *state;
        static const char *const calls[] = { ACK_FRAME ".0000FF01FF7F8100", ACK_FRAME ".55AA1337",
                ACK_FRAME ".0000FF0EF3", ACK_FRAME ".00" };
        for (size_t i = 0; i < ARRAY_LEN(calls); i++) {
                assert_int_equal(wait_for(rig, calls[i], &cut_short), AUTOPOLL_CALLED);
                nothing_is_left(rig);
        }
}

static void a_board_that_will_not_look_calls_at_once(void **state)
{
        struct rig *rig = *state;
        static const char *const calls[] = { "", "0000FFFF0000", "0000FF00FE00", "0000" };
        for (size_t i = 0; i < ARRAY_LEN(calls); i++)
                assert_int_equal(wait_for(rig, calls[i], &hasty), AUTOPOLL_CALLED);
}

static void what_came_before_is_no_acknowledgement(void **state)
{
        struct rig *rig = *state;
        say(rig->board, ACK_FRAME);
        assert_int_equal(wait_for(rig, "", &hasty), AUTOPOLL_CALLED);
}

static void a_question_stops_the_board(void **state)
{
        struct rig *rig = *state;
        say(rig->mohrd, "00");
        assert_int_equal(wait_for(rig, ACK_FRAME, &patient), AUTOPOLL_ASKED);
        heard(rig->board, ACK_FRAME);
        nothing_is_left(rig);
}

static void a_closed_channel_is_a_question(void **state)
{
        struct rig *rig = *state;
        shutdown(rig->mohrd, SHUT_RDWR);
        assert_int_equal(wait_for(rig, ACK_FRAME, &patient), AUTOPOLL_ASKED);
        heard(rig->board, ACK_FRAME);
}

static void after_its_time_it_ends(void **state)
{
        struct rig *rig = *state;
        assert_int_equal(wait_for(rig, ACK_FRAME, &(struct autopoll_limits){ PATIENT, PATIENT, 1 }),
                AUTOPOLL_TIME);
        heard(rig->board, ACK_FRAME);
}

static void a_machine_that_slept_looks_after_its_board(void **state)
{
        struct rig *rig = *state;
        say(rig->sleeper, "00");
        assert_int_equal(wait_for(rig, ACK_FRAME, &patient), AUTOPOLL_TIME);
        heard(rig->board, ACK_FRAME);
        say(rig->mohrd, "00"); /* once is enough */
        assert_int_equal(wait_for(rig, ACK_FRAME, &patient), AUTOPOLL_ASKED);
}

static void a_clock_that_nobody_set_stands_for_no_sleep(void **state)
{
        (void)state;
        int fd = -1;
        assert_int_equal(autopoll_wakeup(&fd), 0);
        struct pollfd woken = { .fd = fd, .events = POLLIN };
        assert_int_equal(poll(&woken, 1, 20), 0);
        struct itimerspec left;
        assert_int_equal(timerfd_gettime(fd, &left), 0);
        assert_true(left.it_value.tv_sec > 0); /* it is set, to a time that this machine can tell */
        close(fd);
}

static void a_line_that_ends_is_no_reader(void **state)
{
        struct rig *rig = *state;
        assert_int_equal(wait_for(rig, ACK_FRAME ".!", &patient), -OUTCOME_NO_READER);
        enum autopoll_end why;
        const struct autopoll_ends ends = { rig->line, rig->channel, -1 };
        assert_int_equal(autopoll(&ends, &patient, &why), OUTCOME_NO_READER);
}

static void a_line_that_ends_before_it_says_yes_is_no_reader(void **state)
{
        struct rig *rig = *state;
        assert_int_equal(wait_for(rig, "0000!", &patient), -OUTCOME_NO_READER);
}

static void a_frame_is_as_long_as_it_says(void **state)
{
        (void)state;
        static const struct {
                const char *hex;
                size_t len;
        } cases[] = {
                { "0000FF0EF2", 21 },
                { "0000FF00FF", 0 },
                { "0000FF0000", 7 },
                { "0000FFFF01", 262 },
                { "0000FFFFFF", 0 },
                { "0000FF", 5 },
                { "00", 5 },
                { "01", 0 },
                { "00FF00FF", 0 },
        };
        for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
                uint8_t bytes[8];
                ssize_t len = hex_decode(bytes, sizeof bytes, cases[i].hex);
                assert_int_equal(autopoll_frame_len(bytes, (size_t)len), cases[i].len);
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(a_call_is_let_in_whole, begin, end),
                cmocka_unit_test_setup_teardown(what_is_no_frame_is_a_call, begin, end),
                cmocka_unit_test_setup_teardown(
                        a_board_that_will_not_look_calls_at_once, begin, end),
                cmocka_unit_test_setup_teardown(what_came_before_is_no_acknowledgement, begin, end),
                cmocka_unit_test_setup_teardown(a_question_stops_the_board, begin, end),
                cmocka_unit_test_setup_teardown(a_closed_channel_is_a_question, begin, end),
                cmocka_unit_test_setup_teardown(after_its_time_it_ends, begin, end),
                cmocka_unit_test_setup_teardown(
                        a_machine_that_slept_looks_after_its_board, begin, end),
                cmocka_unit_test(a_clock_that_nobody_set_stands_for_no_sleep),
                cmocka_unit_test_setup_teardown(a_line_that_ends_is_no_reader, begin, end),
                cmocka_unit_test_setup_teardown(
                        a_line_that_ends_before_it_says_yes_is_no_reader, begin, end),
                cmocka_unit_test(a_frame_is_as_long_as_it_says),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}

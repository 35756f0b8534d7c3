/* SPDX-License-Identifier: Apache-2.0 */
/* test_client_loop.c: a call on a connection, step by step, with mohrd's side in the test's own hands: what is
 * waited for, what each step says, how a call ends, and what is left of the connection afterwards.
 */
#include "client-sdk/client.h"

#include "base/outcome.h"

#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <cmocka.h>

struct world {
        char path[64];
        int listener, peer;
        struct mohr_client *client;
        enum mohr_step step;
};

static const struct mohr_request good = { .audience = "https://bank.example", .nonce = "12345678" };

static int set_up(void **state)
{
        static struct world world;
        struct sockaddr_un address = { .sun_family = AF_UNIX };
        snprintf(world.path, sizeof world.path, "/tmp/mohr-loop-%d.sock", (int)getpid());
        unlink(world.path);
        memcpy(address.sun_path, world.path, strlen(world.path) + 1);
        world.listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        assert_int_equal(bind(world.listener, (struct sockaddr *)&address, sizeof address), 0);
        assert_int_equal(listen(world.listener, 1), 0);
        assert_int_equal(mohr_client_connect(&world.client, world.path), 0);
        world.peer = accept4(world.listener, NULL, NULL, SOCK_CLOEXEC);
        assert_true(world.peer >= 0);
        *state = &world;
        return 0;
}

static int tear_down(void **state)
{
        struct world *w = *state;
        w->client = mohr_client_free(w->client);
        close(w->peer);
        close(w->listener);
        unlink(w->path);
        return 0;
}

#define SAY(w, text) assert_int_equal(write((w)->peer, text, sizeof text), sizeof text)

/* One step; what it said. -1000 for an end, whose value is in *ret. */
static int step(struct world *w, int *ret)
{
        w->step = (enum mohr_step) - 1;
        *ret = mohr_client_process(w->client, &w->step);
        return (int)w->step;
}

#define assert_step(w, what)                                                                       \
        do {                                                                                       \
                int r_;                                                                            \
                assert_int_equal(step(w, &r_), what);                                              \
                assert_int_equal(r_, 0);                                                           \
        } while (0)
#define assert_end(w, what)                                                                        \
        do {                                                                                       \
                int r_;                                                                            \
                assert_int_equal(step(w, &r_), -1);                                                \
                assert_int_equal(r_, what);                                                        \
        } while (0)

/* Whether the call that came is one of this method. */
static void hear(const struct world *w, const char *method)
{
        char frame[32768];
        ssize_t got = read(w->peer, frame, sizeof frame);
        assert_true(got > 0 && frame[got - 1] == '\0');
        assert_non_null(strstr(frame, method));
}

static void an_assertion_comes_step_by_step(void **state)
{
        struct world *w = *state;
        static const char first[] = "{\"parameters\":{\"request\":\"r7\",\"phase\":\"card\"},"
                                    "\"continues\":true}";
        assert_int_equal(mohr_client_start_assert(w->client, &good), 0);
        hear(w, "\"mohr.Identity.Assert\"");
        assert_int_equal(mohr_client_events(w->client), POLLIN);
        assert_step(w, MOHR_STEP_WAIT);
        assert_int_equal(write(w->peer, first, 20), 20);
        assert_step(w, MOHR_STEP_WAIT);
        assert_null(mohr_client_text(w->client));
        assert_int_equal(write(w->peer, first + 20, sizeof first - 20), sizeof first - 20);
        SAY(w, "{\"parameters\":{\"request\":\"r7\",\"assertion\":\"a.b.c\"}}");
        assert_step(w, MOHR_STEP_MORE);
        assert_string_equal(mohr_client_text(w->client), "card");
        assert_string_equal(mohr_client_request_id(w->client), "r7");
        assert_step(w, MOHR_STEP_DONE);
        assert_string_equal(mohr_client_text(w->client), "a.b.c");
        assert_end(w, -EINVAL);
}

static void a_watch_tells_again_and_again(void **state)
{
        struct world *w = *state;
        assert_int_equal(mohr_client_start_watch(w->client), 0);
        hear(w, "\"more\":true");
        for (int i = 0; i < 3; i++) {
                SAY(w, "{\"parameters\":{\"readers\":[],\"backends\":[]},\"continues\":true}");
                assert_step(w, MOHR_STEP_MORE);
                assert_non_null(strstr(mohr_client_text(w->client), "\"readers\""));
                assert_step(w, MOHR_STEP_WAIT);
        }
}

static int start_revoke(struct mohr_client *client)
{
        return mohr_client_start_revoke_grant(client, "g1");
}

static int start_examine(struct mohr_client *client)
{
        return mohr_client_start_examine(client, "Test", true);
}

static void each_call_says_what_the_one_that_blocks_returns(void **state)
{
        struct world *w = *state;
        static const struct {
                int (*start)(struct mohr_client *client);
                const char *method, *answer;
                int end;
                const char *text;
        } rows[] = {
                { mohr_client_start_status, "Status",
                        "{\"parameters\":{\"readers\":[],\"backends\":[]}}", 0, "backends" },
                { mohr_client_start_grants, "ListGrants", "{\"parameters\":{\"grants\":[]}}", 0,
                        "grants" },
                { start_revoke, "\"grant\":\"g1\"", "{\"parameters\":{}}", 0, NULL },
                { start_examine, "\"reader\":\"Test\",\"transcript\":true",
                        "{\"error\":\"mohr.Identity.TimedOut\",\"parameters\":{\"transcript\":"
                        "\"said\"}}",
                        OUTCOME_TIMED_OUT, "said" },
                { mohr_client_start_status, "Status", "{\"error\":\"mohr.Documents.Busy\"}",
                        OUTCOME_BUSY, NULL },
                { mohr_client_start_status, "Status",
                        "{\"error\":\"mohr.Keys.WrongPin\",\"parameters\":{\"tries_left\":2}}",
                        OUTCOME_WRONG_PIN, NULL },
                { mohr_client_start_status, "Status", "{\"error\":\"mohr.Keys.CardChanged\"}",
                        OUTCOME_INTERNAL, NULL },
        };
        for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
                int r;
                assert_int_equal(rows[i].start(w->client), 0);
                hear(w, rows[i].method);
                assert_int_equal(write(w->peer, rows[i].answer, strlen(rows[i].answer) + 1),
                        strlen(rows[i].answer) + 1);
                assert_int_equal(step(w, &r), rows[i].end == 0 ? (int)MOHR_STEP_DONE : -1);
                assert_int_equal(r, rows[i].end);
                const char *text = mohr_client_text(w->client);
                assert_true(rows[i].text ? text && strstr(text, rows[i].text) : !text);
        }
        assert_string_equal(client_error(w->client), "mohr.Keys.CardChanged");
}

static void one_call_at_a_time(void **state)
{
        struct world *w = *state;
        const struct mohr_request wrong = { .nonce = "12345678" };
        char *json = NULL;
        assert_end(w, -EINVAL);
        assert_int_equal(mohr_client_start_status(w->client), 0);
        assert_int_equal(mohr_client_start_assert(w->client, &good), -EBUSY);
        assert_int_equal(mohr_client_start_assert(w->client, &wrong), -EBUSY);
        assert_int_equal(mohr_client_status(w->client, &json), -EBUSY);
        assert_null(json);
        SAY(w, "{\"parameters\":{\"readers\":[],\"backends\":[]}}");
        assert_step(w, MOHR_STEP_DONE);
        assert_int_equal(mohr_client_start_assert(w->client, &wrong), OUTCOME_USAGE);
        assert_end(w, -EINVAL);
        assert_int_equal(mohr_client_start_assert(w->client, &good), 0);
}

static void a_call_that_finds_no_room_is_sent_when_there_is(void **state)
{
        struct world *w = *state;
        char long_request[8000], frame[32768];
        const struct mohr_request signed_request = { .signed_request = long_request };
        int small = 1, len = 0;
        memset(long_request, 'a', sizeof long_request - 1);
        long_request[sizeof long_request - 1] = '\0';
        assert_int_equal(
                setsockopt(mohr_client_fd(w->client), SOL_SOCKET, SO_SNDBUF, &small, sizeof small),
                0);
        assert_int_equal(mohr_client_start_assert(w->client, &signed_request), 0);
        assert_int_equal(mohr_client_events(w->client), POLLIN | POLLOUT);
        for (int i = 0; i < 100 && (len == 0 || frame[len - 1] != '\0'); i++) {
                ssize_t got = read(w->peer, frame + len, sizeof frame - (size_t)len);
                assert_true(got > 0);
                len += (int)got;
                assert_step(w, MOHR_STEP_WAIT);
        }
        assert_non_null(strstr(frame, long_request));
        assert_int_equal(mohr_client_events(w->client), POLLIN);
}

static void nothing_of_a_call_that_broke_off_is_taken_for_the_next(void **state)
{
        struct world *w = *state;
        assert_int_equal(mohr_client_start_status(w->client), 0);
        assert_int_equal(client_await(w->client, wire_deadline(0), NULL, NULL), OUTCOME_TIMED_OUT);
        SAY(w, "{\"parameters\":{\"readers\":[],\"backends\":[]}}");
        assert_int_equal(mohr_client_start_status(w->client), OUTCOME_UNREACHABLE);
        assert_end(w, -EINVAL);
}

static void what_is_no_reply_ends_the_connection(void **state)
{
        struct world *w = *state;
        assert_int_equal(mohr_client_start_status(w->client), 0);
        SAY(w, "{\"parameters\":{\"readers\":7}}");
        assert_end(w, -EBADMSG);
        assert_int_equal(mohr_client_start_status(w->client), OUTCOME_UNREACHABLE);
}

static void a_cancelled_call_says_that_nobody_is_there(void **state)
{
        struct world *w = *state;
        char byte;
        assert_int_equal(mohr_client_start_assert(w->client, &good), 0);
        hear(w, "Assert");
        mohr_client_cancel(w->client);
        assert_int_equal(read(w->peer, &byte, 1), 0); /* which mohrd sees */
        assert_end(w, OUTCOME_UNREACHABLE);
}

/* Nobody here handles SIGPIPE: the test would be dead. */
static void a_peer_that_is_gone_is_an_answer_and_no_signal(void **state)
{
        struct world *w = *state;
        shutdown(w->peer, SHUT_RDWR);
        assert_int_equal(mohr_client_start_status(w->client), OUTCOME_UNREACHABLE);
}

static int in_a_child(struct mohr_client *client)
{
        enum mohr_step ignored;
        mohr_client_cancel(client);
        bool refused = mohr_client_process(client, &ignored) == -ECHILD &&
                       mohr_client_start_status(client) == -ECHILD;
        mohr_client_free(client);
        return refused ? 0 : 1;
}

static void a_forked_child_neither_calls_nor_ends_a_call(void **state)
{
        struct world *w = *state;
        int status;
        assert_int_equal(mohr_client_start_assert(w->client, &good), 0);
        pid_t child = fork();
        if (child == 0)
                _exit(in_a_child(w->client));
        assert_int_equal(waitpid(child, &status, 0), child);
        assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
        SAY(w, "{\"parameters\":{\"request\":\"r7\",\"assertion\":\"a.b.c\"}}");
        assert_step(w, MOHR_STEP_DONE);
}

/* Two descriptors in one frame, and what arrives is the same two open files. */
static void descriptors_go_along_with_their_call(void **state)
{
        struct world *w = *state;
        int pair[2], passed[2];
        char frame[512], room[CMSG_SPACE(sizeof passed)];
        struct iovec part = { frame, sizeof frame };
        struct msghdr message = { .msg_iov = &part,
                .msg_iovlen = 1,
                .msg_control = room,
                .msg_controllen = sizeof room };
        struct stat one, other;
        assert_int_equal(pipe2(pair, O_CLOEXEC), 0);
        const struct wire_call call = {
                .method = "a.b.C", .parameters = json_object(), .fds = pair, .fd_count = 2
        };
        assert_int_equal(fstat(pair[1], &one), 0);
        assert_int_equal(client_start(w->client, &call, NULL), 0);
        close(pair[0]);
        close(pair[1]);
        assert_true(recvmsg(w->peer, &message, MSG_CMSG_CLOEXEC) > 0);
        assert_string_equal(frame, "{\"method\":\"a.b.C\",\"parameters\":{}}");
        assert_non_null(CMSG_FIRSTHDR(&message));
        memcpy(passed, CMSG_DATA(CMSG_FIRSTHDR(&message)), sizeof passed);
        assert_int_equal(fstat(passed[1], &other), 0);
        assert_true(one.st_ino == other.st_ino && one.st_dev == other.st_dev);
        close(passed[1]);
        assert_int_equal(read(passed[0], frame, 1), 0); /* nobody else has the writing end */
        close(passed[0]);
}

static void descriptors_that_are_none_are_not_sent(void **state)
{
        struct world *w = *state;
        const int none[] = { 0, -1 }, many[3] = { 0, 0, 0 };
        const struct wire_call bad = {
                .method = "a.b.C", .parameters = json_object(), .fds = none, .fd_count = 2
        };
        const struct wire_call too_many = {
                .method = "a.b.C", .parameters = json_object(), .fds = many, .fd_count = 3
        };
        assert_int_equal(client_start(w->client, &bad, NULL), -EBADF);
        assert_int_equal(client_start(w->client, &too_many, NULL), -E2BIG);
        assert_int_equal(mohr_client_start_status(w->client), 0); /* it is as good as before */
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
        const struct CMUnitTest tests[] = {
                TEST(an_assertion_comes_step_by_step),
                TEST(a_watch_tells_again_and_again),
                TEST(each_call_says_what_the_one_that_blocks_returns),
                TEST(one_call_at_a_time),
                TEST(a_call_that_finds_no_room_is_sent_when_there_is),
                TEST(nothing_of_a_call_that_broke_off_is_taken_for_the_next),
                TEST(what_is_no_reply_ends_the_connection),
                TEST(a_cancelled_call_says_that_nobody_is_there),
                TEST(a_peer_that_is_gone_is_an_answer_and_no_signal),
                TEST(a_forked_child_neither_calls_nor_ends_a_call),
                TEST(descriptors_go_along_with_their_call),
                TEST(descriptors_that_are_none_are_not_sent),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}

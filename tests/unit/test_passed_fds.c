/* SPDX-License-Identifier: Apache-2.0 */
/* test_passed_fds.c: descriptors that clients pass: to whom they go, and that nothing is left of any other. */
#include "daemon/server.h"
#include "daemon/varlink.h"

#include <dirent.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <cmocka.h>

struct world {
        sd_event *event;
        struct server *server;
        int listen_fd, client;
        unsigned int before; /* descriptors that were open when the client was there */
        unsigned int calls;
        int taken;
        struct call *held;
        unsigned int kept, forgotten;
};

static unsigned int open_fds(void)
{
        unsigned int count = 0;
        DIR *dir = opendir("/proc/self/fd");
        assert_non_null(dir);
        while (readdir(dir))
                count++;
        closedir(dir);
        return count;
}

static void take(void *user, struct call *call, json_t *parameters)
{
        struct world *w = user;
        bool has = call_fds(call) > 0;
        (void)parameters;
        w->calls++;
        w->taken = call_take_fd(call);
        assert_int_equal(has, w->taken >= 0);
        assert_int_equal(call_take_fd(call), -1);
        call_reply(call, json_pack("{s:b}", "taken", w->taken >= 0));
}

/* The first is kept, the second is left to be closed with the call. */
static void take_two(void *user, struct call *call, json_t *parameters)
{
        struct world *w = user;
        (void)parameters;
        w->calls++;
        assert_int_equal(call_fds(call), 2);
        w->taken = call_take_fd(call);
        assert_int_equal(call_fds(call), 1);
        call_reply(call, json_pack("{s:b}", "taken", true));
}

static void leave(void *user, struct call *call, json_t *parameters)
{
        struct world *w = user;
        (void)parameters;
        w->calls++;
        call_reply(call, json_pack("{s:b}", "taken", call_fds(call) > 0));
}

static void on_hangup(void *user)
{
        ((struct world *)user)->held = NULL;
}

static void hold(void *user, struct call *call, json_t *parameters)
{
        struct world *w = user;
        (void)parameters;
        w->calls++;
        w->held = call;
        call_on_hangup(call, on_hangup, w);
}

static void forget(void *belongings)
{
        struct world *w = belongings;
        w->forgotten++;
        assert_null(w->held); /* a running call was told first */
}

/* Each connection has its own. */
static void keep(void *user, struct call *call, json_t *parameters)
{
        struct world *w = user;
        (void)parameters;
        w->calls++;
        w->kept += call_belongings(call) == w;
        call_keep(call, w, forget);
        call_reply(call, json_pack("{s:b}", "taken", false));
}

static const struct server_method methods[] = {
        { "test.one.Take", take, 0, 1 },
        { "test.one.TakeTwo", take_two, 2, 2 },
        { "test.one.Leave", leave, 0, 0 },
        { "test.one.Hold", hold, 0, 0 },
        { "test.one.Keep", keep, 0, 0 },
        { 0 },
};
static const struct server_interface interfaces[] = { { "test.one", "interface test.one" }, { 0 } };
static const struct log quiet = { .program = "test", .max = 0, .fd = 2 };

static void run_idle(struct world *w)
{
        while (sd_event_run(w->event, 0) > 0)
                ;
}

static int set_up(void **state)
{
        struct world *w = calloc(1, sizeof *w);
        struct sockaddr_un address = { .sun_family = AF_UNIX };
        socklen_t len = sizeof address;
        w->listen_fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
        w->client = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        if (bind(w->listen_fd, (struct sockaddr *)&address, sizeof address.sun_family) < 0 ||
                listen(w->listen_fd, 8) < 0 ||
                getsockname(w->listen_fd, (struct sockaddr *)&address, &len) < 0 ||
                sd_event_new(&w->event) < 0 ||
                server_new(&w->server, w->event, w->listen_fd, methods, interfaces, w, &quiet) < 0)
                return -1;
        assert_int_equal(connect(w->client, (struct sockaddr *)&address, len), 0);
        run_idle(w);
        w->taken = -1;
        w->before = open_fds();
        *state = w;
        return 0;
}

static int tear_down(void **state)
{
        struct world *w = *state;
        if (w->taken >= 0)
                close(w->taken);
        server_free(w->server);
        sd_event_unref(w->event);
        close(w->client);
        close(w->listen_fd);
        free(w);
        return 0;
}

/* These along with the bytes, in one sendmsg(). */
static void pass_these(
        const struct world *w, const char *bytes, size_t len, const int *fds, size_t count)
{
        union {
                char bytes[CMSG_SPACE(253 * sizeof(int))];
                struct cmsghdr aligned;
        } control = { 0 };
        struct iovec iov = { .iov_base = (char *)(uintptr_t)bytes, .iov_len = len };
        struct msghdr message = { .msg_iov = &iov, .msg_iovlen = 1 };
        if (count > 0) {
                message.msg_control = control.bytes;
                message.msg_controllen = CMSG_SPACE(count * sizeof(int));
                struct cmsghdr *header = CMSG_FIRSTHDR(&message);
                header->cmsg_level = SOL_SOCKET;
                header->cmsg_type = SCM_RIGHTS;
                header->cmsg_len = CMSG_LEN(count * sizeof(int));
                memcpy(CMSG_DATA(header), fds, count * sizeof fds[0]);
        }
        assert_int_equal(sendmsg(w->client, &message, MSG_NOSIGNAL), (ssize_t)len);
}

/* `fd` so many times. */
static void pass(const struct world *w, const char *bytes, size_t len, int fd, size_t count)
{
        int fds[253];
        for (size_t i = 0; i < count; i++)
                fds[i] = fd;
        pass_these(w, bytes, len, fds, count);
}

#define TAKE      "{\"method\":\"test.one.Take\"}"
#define TWO       "{\"method\":\"test.one.TakeTwo\"}"
#define KEEP      "{\"method\":\"test.one.Keep\"}"
#define KEEP_NEXT "\0" KEEP
#define LEAVE     "{\"method\":\"test.one.Leave\"}"
#define HOLD      "{\"method\":\"test.one.Hold\"}"
#define YES       "{\"parameters\":{\"taken\":true}}"
#define NO        "{\"parameters\":{\"taken\":false}}"
#define WRONG                                                                                      \
        "{\"error\":\"org.varlink.service.InvalidParameter\",\"parameters\":{\"parameter\":"       \
        "\"descriptor\"}}"
#define FRAME(text) text, sizeof text
#define CLOSED      "closed"

/* All that was answered; CLOSED at the end of the connection. */
static void assert_answers(struct world *w, const char *first, const char *second)
{
        char heard[1024] = "";
        run_idle(w);
        ssize_t n = recv(w->client, heard, sizeof heard - 1, MSG_DONTWAIT);
        const char *got = n == 0 || (n < 0 && errno == ECONNRESET) ? CLOSED : heard;
        assert_string_equal(got, first);
        assert_string_equal(n > 0 ? heard + strlen(heard) + 1 : "", second);
}

static bool same_file(int a, int b)
{
        struct stat one, other;
        return fstat(a, &one) == 0 && fstat(b, &other) == 0 && one.st_dev == other.st_dev &&
               one.st_ino == other.st_ino;
}

static void assert_nothing_kept(const struct world *w)
{
        assert_int_equal(open_fds(), w->before);
}

static void the_call_it_came_with_gets_it(void **state)
{
        struct world *w = *state;
        pass(w, FRAME(TAKE), w->listen_fd, 1);
        assert_answers(w, YES, "");
        assert_true(same_file(w->taken, w->listen_fd));
        assert_true(fcntl(w->taken, F_GETFD) & FD_CLOEXEC);
        assert_int_equal(open_fds(), w->before + 1);
}

static void the_next_call_gets_none(void **state)
{
        struct world *w = *state;
        pass(w, FRAME(TAKE), w->listen_fd, 1);
        assert_answers(w, YES, "");
        close(w->taken);
        pass(w, FRAME(TAKE), -1, 0);
        assert_answers(w, NO, "");
        assert_nothing_kept(w);
}

static void any_other_call_is_refused_and_the_next_one_served(void **state)
{
        struct world *w = *state;
        for (int i = 0; i < 300; i++) {
                pass(w, FRAME(LEAVE), w->listen_fd, 1);
                assert_answers(w, WRONG, "");
        }
        assert_int_equal(w->calls, 0);
        pass(w, FRAME("{\"method\":\"org.varlink.service.GetInfo\"}"), w->listen_fd, 1);
        assert_answers(w, WRONG, "");
        pass(w, FRAME(LEAVE), -1, 0);
        assert_answers(w, NO, "");
        assert_nothing_kept(w);
}

static void a_number_that_its_row_does_not_say_is_refused(void **state)
{
        struct world *w = *state;
        pass(w, FRAME(TAKE), w->listen_fd, 2);
        assert_answers(w, WRONG, "");
        pass(w, FRAME(TWO), w->listen_fd, 1);
        assert_answers(w, WRONG, "");
        pass(w, FRAME(TWO), -1, 0);
        assert_answers(w, WRONG, "");
        pass(w, FRAME(LEAVE), w->listen_fd, 2);
        assert_answers(w, WRONG, "");
        assert_int_equal(w->calls, 0);
        assert_nothing_kept(w);
}

static void two_go_to_their_call_in_the_order_they_were_passed(void **state)
{
        struct world *w = *state;
        int other[2];
        assert_int_equal(pipe2(other, O_CLOEXEC), 0);
        pass_these(w, FRAME(TWO), (int[]){ other[1], w->listen_fd }, 2);
        assert_answers(w, YES, "");
        assert_true(same_file(w->taken, other[1]));
        assert_true(fcntl(w->taken, F_GETFD) & FD_CLOEXEC);
        assert_int_equal(open_fds(), w->before + 3); /* the pipe and what was taken */
        close(other[0]);
        close(other[1]);
}

static void two_belong_to_one_frame_as_one_does(void **state)
{
        struct world *w = *state;
        pass(w, TWO, 7, w->listen_fd, 2);
        run_idle(w);
        assert_int_equal(open_fds(), w->before + 2);
        pass(w, &TWO[7], sizeof TWO - 7, -1, 0);
        assert_answers(w, YES, "");
        pass(w, TWO, 7, w->listen_fd, 1);
        run_idle(w);
        pass(w, &TWO[7], sizeof TWO - 7, w->listen_fd, 1);
        assert_answers(w, CLOSED, "");
        assert_int_equal(w->calls, 1);
}

static void what_was_kept_is_found_by_the_next_call_and_goes_with_the_connection(void **state)
{
        struct world *w = *state;
        pass(w, FRAME(KEEP KEEP_NEXT), -1, 0);
        assert_answers(w, NO, NO);
        assert_int_equal(w->kept, 1);
        pass(w, FRAME(HOLD), -1, 0);
        run_idle(w);
        assert_non_null(w->held);
        assert_int_equal(w->forgotten, 0);
        close(w->client);
        w->client = -1;
        run_idle(w);
        assert_int_equal(w->forgotten, 1);
        assert_null(w->held);
}

static void many_at_once_end_the_connection(void **state)
{
        struct world *w = *state;
        size_t counts[] = { 3, 4, 20, 253 };
        for (size_t i = 0; i < ARRAY_LEN(counts); i++) {
                if (i > 0)
                        set_up(state);
                w = *state;
                pass(w, FRAME(TAKE), w->listen_fd, counts[i]);
                assert_answers(w, CLOSED, "");
                assert_int_equal(w->calls, 0);
                assert_int_equal(open_fds(), w->before - 1); /* the connection's own */
                if (i + 1 < ARRAY_LEN(counts))
                        tear_down(state);
        }
}

static void one_for_each_half_of_a_frame_ends_the_connection(void **state)
{
        struct world *w = *state;
        pass(w, TAKE, 5, w->listen_fd, 1);
        run_idle(w);
        pass(w, &TAKE[5], sizeof TAKE - 5, w->listen_fd, 1);
        assert_answers(w, CLOSED, "");
        assert_int_equal(w->calls, 0);
}

static void it_may_come_with_any_part_of_its_frame(void **state)
{
        struct world *w = *state;
        for (size_t at = 0; at < sizeof TAKE; at++) {
                for (size_t i = 0; i < sizeof TAKE; i++) {
                        pass(w, &TAKE[i], 1, w->listen_fd, i == at);
                        run_idle(w);
                }
                assert_answers(w, YES, "");
                close(base_take_fd(&w->taken));
        }
        assert_nothing_kept(w);
}

static void among_several_frames_it_belongs_to_none(void **state)
{
        struct world *w = *state;
        pass(w, FRAME(LEAVE "\0" TAKE), w->listen_fd, 1);
        assert_answers(w, CLOSED, "");
        assert_int_equal(w->calls, 0);
}

static void behind_another_frame_that_is_read_with_it_it_belongs_to_none(void **state)
{
        struct world *w = *state;
        pass(w, FRAME(LEAVE), -1, 0);
        pass(w, FRAME(TAKE), w->listen_fd, 1);
        assert_answers(w, CLOSED, "");
        assert_int_equal(w->calls, 0);
}

static void frames_behind_it_have_none(void **state)
{
        struct world *w = *state;
        pass(w, FRAME(TAKE), w->listen_fd, 1);
        pass(w, FRAME(LEAVE), -1, 0);
        assert_answers(w, YES, NO);
}

static void it_waits_with_its_frame_while_another_call_runs(void **state)
{
        struct world *w = *state;
        pass(w, FRAME(HOLD), -1, 0);
        run_idle(w);
        pass(w, FRAME(TAKE), w->listen_fd, 1);
        run_idle(w);
        assert_int_equal(w->calls, 1);
        assert_nothing_kept(w); /* it is still the kernel's */
        call_reply(w->held, json_object());
        assert_answers(w, "{\"parameters\":{}}", YES);
}

static void a_client_that_goes_leaves_none(void **state)
{
        struct world *w = *state;
        pass(w, TAKE, 7, w->listen_fd, 1);
        run_idle(w);
        assert_int_equal(open_fds(), w->before + 1);
        close(w->client);
        run_idle(w);
        w->client = -1;
        assert_int_equal(open_fds(), w->before - 2);
}

static void what_is_no_frame_leaves_none(void **state)
{
        struct world *w = *state;
        pass(w, FRAME("no JSON"), w->listen_fd, 1);
        assert_answers(w, CLOSED, "");
        assert_int_equal(open_fds(), w->before - 1);
}

static void without_a_free_descriptor_the_client_goes_and_others_stay(void **state)
{
        struct world *w = *state;
        struct rlimit was, tight;
        int other[2];
        assert_int_equal(getrlimit(RLIMIT_NOFILE, &was), 0);
        assert_int_equal(pipe2(other, O_CLOEXEC), 0);
        tight = (struct rlimit){ .rlim_cur = (rlim_t)other[1] + 1, .rlim_max = was.rlim_max };
        assert_int_equal(setrlimit(RLIMIT_NOFILE, &tight), 0);
        pass(w, FRAME(TAKE), other[0], 1);
        run_idle(w);
        assert_int_equal(setrlimit(RLIMIT_NOFILE, &was), 0);
        assert_answers(w, CLOSED, "");
        assert_int_equal(w->calls, 0);
        close(other[0]);
        close(other[1]);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
        const struct CMUnitTest tests[] = {
                TEST(the_call_it_came_with_gets_it),
                TEST(the_next_call_gets_none),
                TEST(any_other_call_is_refused_and_the_next_one_served),
                TEST(a_number_that_its_row_does_not_say_is_refused),
                TEST(two_go_to_their_call_in_the_order_they_were_passed),
                TEST(two_belong_to_one_frame_as_one_does),
                TEST(what_was_kept_is_found_by_the_next_call_and_goes_with_the_connection),
                TEST(many_at_once_end_the_connection),
                TEST(one_for_each_half_of_a_frame_ends_the_connection),
                TEST(it_may_come_with_any_part_of_its_frame),
                TEST(among_several_frames_it_belongs_to_none),
                TEST(behind_another_frame_that_is_read_with_it_it_belongs_to_none),
                TEST(frames_behind_it_have_none),
                TEST(it_waits_with_its_frame_while_another_call_runs),
                TEST(a_client_that_goes_leaves_none),
                TEST(what_is_no_frame_leaves_none),
                TEST(without_a_free_descriptor_the_client_goes_and_others_stay),
        };
        return cmocka_run_group_tests_name("passed_fds", tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* test_server.c: the socket with a method table of its own, over real sockets.
 *
 * The server runs only while run_idle() turns the loop, in this process, so that "who was served
 * first" is a matter of counting and never of time.
 */
#include "daemon/params.h"
#include "daemon/server.h"
#include "daemon/varlink.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <cmocka.h>

#include "tests/conversation/varlink.inc"

struct world {
        sd_event *event;
        struct server *server;
        int listen_fd;
        struct sockaddr_un address;
        socklen_t address_len;
        struct call *held; /* by Hold, until the test answers it */
        unsigned int hangups, calls;
        char order[64];
};

static void echo(void *user, struct call *call, json_t *parameters)
{
        static const struct param inner[] = { { .name = "ok", .type = PARAM_BOOL }, { 0 } };
        static const struct param table[] = {
                { .name = "text", .required = true, .min = 1, .max = 8, .valid = param_graphic },
                { .name = "size", .type = PARAM_INT, .min = 0, .max = 9 },
                { .name = "inner", .type = PARAM_OBJECT, .fields = inner },
                { 0 },
        };
        struct world *w = user;
        if (!params_accept(call, parameters, table))
                return;
        const char *text = json_string_value(json_object_get(parameters, "text"));
        if (w->calls < sizeof w->order - 1)
                w->order[w->calls] = text[0];
        w->calls++;
        call_reply(call, json_pack("{s:s}", "text", text));
}

static void count(void *user, struct call *call, json_t *parameters)
{
        (void)user;
        (void)parameters;
        call_reply_more(call, json_pack("{s:i}", "n", 1));
        call_reply_more(call, json_pack("{s:i}", "n", 2));
        call_reply(call, json_pack("{s:i}", "n", 3));
}

static void on_hangup(void *user)
{
        struct world *w = user;
        w->hangups++;
        w->held = NULL;
}

static void hold(void *user, struct call *call, json_t *parameters)
{
        struct world *w = user;
        (void)parameters;
        w->held = call;
        call_on_hangup(call, on_hangup, w);
}

static const struct server_method methods[] = {
        { "test.one.Echo", echo, 0, 0 },
        { "test.one.Count", count, 0, 0 },
        { "test.one.Hold", hold, 0, 0 },
        { "test.one.Absent", NULL, 0, 0 },
        { 0 },
};
static const struct server_interface interfaces[] = { { "test.one", "interface test.one" }, { 0 } };
static const struct log quiet = { .program = "test", .max = 0, .fd = 2 };

static int set_up(void **state)
{
        struct world *w = calloc(1, sizeof *w);
        w->address.sun_family = AF_UNIX; /* nothing more: the kernel picks an abstract name */
        w->address_len = sizeof w->address;
        w->listen_fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
        if (bind(w->listen_fd, (struct sockaddr *)&w->address, sizeof w->address.sun_family) < 0 ||
                listen(w->listen_fd, 128) < 0 ||
                getsockname(w->listen_fd, (struct sockaddr *)&w->address, &w->address_len) < 0)
                return -1;
        *state = w;
        return sd_event_new(&w->event) < 0 ||
               server_new(&w->server, w->event, w->listen_fd, methods, interfaces, w, &quiet) < 0;
}

static int tear_down(void **state)
{
        struct world *w = *state;
        server_free(w->server);
        sd_event_unref(w->event);
        close(w->listen_fd);
        free(w);
        return 0;
}

static int dial(struct world *w)
{
        int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        assert_int_equal(connect(fd, (struct sockaddr *)&w->address, w->address_len), 0);
        assert_int_equal(fcntl(fd, F_SETFL, O_NONBLOCK), 0);
        return fd;
}

static void run_idle(struct world *w)
{
        while (sd_event_run(w->event, 0) > 0)
                ;
}

static void say(int fd, const char *text)
{
        char frame[1024];
        size_t len = strlen(text);
        assert_true(len < sizeof frame);
        for (size_t i = 0; i <= len; i++)
                frame[i] = (char)(text[i] == '\'' ? '"' : text[i]);
        assert_int_equal(send(fd, frame, len + 1, MSG_NOSIGNAL), (ssize_t)len + 1);
}

static void echo_call(int fd, const char *text)
{
        char call[128];
        snprintf(call, sizeof call, "{'method':'test.one.Echo','parameters':{'text':'%s'}}", text);
        say(fd, call);
}

/* One frame, or CLOSED; "" if there is nothing. */
static const char *hear(struct world *w, int fd, char *frame, size_t cap)
{
        run_idle(w);
        for (size_t len = 0; len < cap; len++) {
                ssize_t n = recv(fd, frame + len, 1, 0);
                if (n == 0 || (n < 0 && errno == ECONNRESET))
                        return CLOSED;
                if (n < 0)
                        return "";
                if (frame[len] == 0)
                        return frame;
        }
        return "too long";
}

static void assert_hears(struct world *w, int fd, const char *expected)
{
        char frame[4096], wanted[1024];
        const char *got = hear(w, fd, frame, sizeof frame);
        if (strcmp(expected, CLOSED) == 0) {
                assert_string_equal(got, CLOSED);
                return;
        }
        snprintf(wanted, sizeof wanted, "%s", expected);
        for (char *c = wanted; *c; c++)
                *c = (char)(*c == '\'' ? '"' : *c);
        _cleanup_message_ json_t *a = json_loads(got, 0, NULL), *b = json_loads(wanted, 0, NULL);
        assert_non_null(b);
        if (!json_equal(a, b))
                fail_msg("heard %s instead of %s", got, wanted);
}

static size_t drain_count(int fd)
{
        char buf[65536];
        size_t frames = 0;
        for (ssize_t n; (n = recv(fd, buf, sizeof buf, 0)) > 0;)
                for (ssize_t i = 0; i < n; i++)
                        frames += buf[i] == 0;
        return frames;
}

static void conversations_go_as_written(void **state)
{
        struct world *w = *state;
        for (size_t i = 0; i < ARRAY_LEN(conversations); i++) {
                print_message("# %s\n", conversations[i].name);
                _cleanup_close_ int fd = dial(w);
                for (const struct line *line = conversations[i].lines; line->say || line->hear;
                        line++) {
                        if (line->say)
                                say(fd, line->say);
                        if (line->hear)
                                assert_hears(w, fd, line->hear);
                }
        }
}

static void later_calls_wait_for_the_running_one(void **state)
{
        struct world *w = *state;
        char frame[256];
        _cleanup_close_ int fd = dial(w);
        say(fd, "{'method':'test.one.Hold'}");
        echo_call(fd, "after");
        assert_string_equal(hear(w, fd, frame, sizeof frame), "");
        assert_int_equal(server_pending(w->server), 1);
        assert_int_equal(w->calls, 0);
        call_reply(w->held, json_object());
        assert_hears(w, fd, "{'parameters':{}}");
        assert_hears(w, fd, "{'parameters':{'text':'after'}}");
        assert_int_equal(w->hangups, 0);
}

static void hangup_cancels_the_running_call(void **state)
{
        struct world *w = *state;
        int fd = dial(w);
        say(fd, "{'method':'test.one.Hold'}");
        run_idle(w);
        assert_non_null(w->held);
        close(fd);
        run_idle(w);
        assert_int_equal(w->hangups, 1);
        assert_int_equal(server_pending(w->server), 0);
}

static void half_closed_client_gets_its_answers(void **state)
{
        struct world *w = *state;
        _cleanup_close_ int fd = dial(w);
        say(fd, "{'method':'test.one.Hold'}");
        echo_call(fd, "last");
        assert_int_equal(shutdown(fd, SHUT_WR), 0);
        run_idle(w);
        assert_int_equal(w->hangups, 0);
        call_reply(w->held, json_object());
        assert_hears(w, fd, "{'parameters':{}}");
        assert_hears(w, fd, "{'parameters':{'text':'last'}}");
        assert_hears(w, fd, CLOSED);
}

static void half_frame_then_end_is_closed(void **state)
{
        struct world *w = *state;
        _cleanup_close_ int fd = dial(w);
        assert_int_equal(send(fd, "{\"method\"", 9, 0), 9);
        assert_int_equal(shutdown(fd, SHUT_WR), 0);
        assert_hears(w, fd, CLOSED);
}

static void slow_drip_is_put_together(void **state)
{
        static const char text[] =
                "{\"method\":\"test.one.Echo\",\"parameters\":{\"text\":\"drip\"}}";
        struct world *w = *state;
        _cleanup_close_ int fd = dial(w);
        for (size_t i = 0; i < sizeof text; i++) {
                assert_int_equal(send(fd, text + i, 1, 0), 1);
                run_idle(w);
        }
        assert_hears(w, fd, "{'parameters':{'text':'drip'}}");
}

static void oversize_frame_is_closed_at_the_cap(void **state)
{
        struct world *w = *state;
        static char junk[VARLINK_FRAME_MAX + 1];
        _cleanup_close_ int fd = dial(w);
        memset(junk, ' ', sizeof junk);
        assert_int_equal(send(fd, junk, sizeof junk, 0), (ssize_t)sizeof junk);
        assert_hears(w, fd, CLOSED);
}

/* 'a' has hundreds of calls waiting; 'b' comes later with one. One turn each. */
static void flood_of_calls_delays_nobody(void **state)
{
        struct world *w = *state;
        _cleanup_close_ int flood = dial(w), other = dial(w);
        for (int i = 0; i < 200; i++)
                echo_call(flood, "a");
        while (w->calls < 5)
                assert_true(sd_event_run(w->event, 0) > 0);
        echo_call(other, "b");
        run_idle(w);
        const char *b = strchr(w->order, 'b');
        assert_non_null(b);
        assert_true(b - w->order < 5 + 4); /* at once, but for what one poll had already seen */
        assert_int_equal(w->calls, 201);
        assert_int_equal(drain_count(flood), 200);
}

static void two_floods_take_turns(void **state)
{
        struct world *w = *state;
        _cleanup_close_ int a = dial(w), b = dial(w);
        for (int i = 0; i < 30; i++) {
                echo_call(a, "a");
                echo_call(b, "b");
        }
        run_idle(w);
        int ahead = 0;
        for (size_t i = 0; i < 50; i++) {
                ahead += w->order[i] == 'a' ? 1 : -1;
                assert_in_range(ahead + 3, 0, 6);
        }
}

static void client_that_takes_no_answers_is_asked_nothing_more(void **state)
{
        struct world *w = *state;
        int small = 4096;
        _cleanup_close_ int fd = dial(w);
        run_idle(w);
        assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &small, sizeof small), 0);
        size_t sent = 0;
        static const char call[] = "{\"method\":\"test.one.Echo\",\"parameters\":{\"text\":\"a\"}}";
        for (int idle = 0; idle < 3;) {
                ssize_t n = send(fd, call, sizeof call, MSG_NOSIGNAL);
                assert_true(n == sizeof call || errno == EAGAIN);
                idle = n > 0 ? 0 : idle + 1;
                sent += n > 0;
                run_idle(w);
        }
        unsigned int served = w->calls;
        assert_true(served < sent); /* it stopped asking */
        run_idle(w);
        assert_int_equal(w->calls, served);
        size_t heard = 0;
        for (int i = 0; i < 10000 && heard < sent; i++) {
                heard += drain_count(fd);
                run_idle(w);
        }
        assert_int_equal(heard, sent); /* and goes on when the answers are taken */
}

static void stream_not_read_is_closed_at_its_cap(void **state)
{
        struct world *w = *state;
        char text[1001];
        _cleanup_close_ int fd = dial(w);
        memset(text, 'x', sizeof text - 1);
        text[sizeof text - 1] = 0;
        say(fd, "{'method':'test.one.Hold','more':true}");
        run_idle(w);
        int said = 0;
        for (; w->held && said < 5000; said++) {
                call_reply_more(w->held, json_pack("{s:s}", "t", text));
                run_idle(w);
        }
        assert_in_range(said, SERVER_OUTPUT_MAX / 1100, 4000);
        assert_int_equal(w->hangups, 1);
}

static void reply_beyond_the_cap_keeps_the_call_alive_until_its_turn(void **state)
{
        struct world *w = *state;
        _cleanup_close_ int fd = dial(w);
        say(fd, "{'method':'test.one.Hold','more':true}");
        run_idle(w);
        struct call *call = w->held;
        for (int i = 0; i < 20000; i++)
                call_reply_more(
                        call, json_pack("{s:s}", "t", "forty bytes of text, more or less, here"));
        assert_int_equal(w->hangups, 0);
        run_idle(w);
        assert_int_equal(w->hangups, 1);
}

static void one_process_gets_its_share_of_connections(void **state)
{
        struct world *w = *state;
        int fds[SERVER_PER_PROCESS_MAX + 5];
        for (size_t i = 0; i < ARRAY_LEN(fds); i++)
                fds[i] = dial(w);
        run_idle(w);
        for (size_t i = 0; i < SERVER_PER_PROCESS_MAX; i++) {
                echo_call(fds[i], "in");
                assert_hears(w, fds[i], "{'parameters':{'text':'in'}}");
        }
        for (size_t i = SERVER_PER_PROCESS_MAX; i < ARRAY_LEN(fds); i++)
                assert_hears(w, fds[i], CLOSED);
        close(fds[0]);
        run_idle(w);
        _cleanup_close_ int late = dial(w);
        echo_call(late, "again");
        assert_hears(w, late, "{'parameters':{'text':'again'}}");
        for (size_t i = 1; i < ARRAY_LEN(fds); i++)
                close(fds[i]);
}

static void thousand_connects_leave_the_server_well(void **state)
{
        struct world *w = *state;
        for (int i = 0; i < 1000; i++) {
                int fd = dial(w);
                if (i % 3 == 0)
                        echo_call(fd, "x");
                if (i % 5 == 0)
                        run_idle(w);
                close(fd);
        }
        run_idle(w);
        _cleanup_close_ int fd = dial(w);
        echo_call(fd, "well");
        assert_hears(w, fd, "{'parameters':{'text':'well'}}");
}

static void draining_refuses_new_calls_and_finishes_old_ones(void **state)
{
        struct world *w = *state;
        _cleanup_close_ int busy = dial(w), idle = dial(w), late = dial(w);
        say(busy, "{'method':'test.one.Hold'}");
        echo_call(busy, "more");
        run_idle(w);
        server_stop_accepting(w->server);
        assert_int_equal(server_pending(w->server), 1);
        assert_hears(w, idle, CLOSED);
        assert_hears(w, late, CLOSED);
        call_reply(w->held, json_object());
        assert_hears(w, busy, "{'parameters':{}}");
        assert_hears(w, busy, CLOSED);
        assert_int_equal(w->calls, 0);
        assert_int_equal(server_pending(w->server), 0);
}

static void ending_the_server_hangs_up_running_calls(void **state)
{
        struct world *w = *state;
        _cleanup_close_ int fd = dial(w);
        say(fd, "{'method':'test.one.Hold'}");
        run_idle(w);
        w->server = server_free(w->server);
        assert_int_equal(w->hangups, 1);
        assert_hears(w, fd, CLOSED);
}

static void passed_descriptors_are_not_kept(void **state)
{
        struct world *w = *state;
        int ends[2];
        union {
                char bytes[CMSG_SPACE(sizeof(int))];
                struct cmsghdr align;
        } control = { 0 };
        static char text[] = "{\"method\":\"test.one.Echo\",\"parameters\":{\"text\":\"fd\"}}";
        struct iovec part = { text, sizeof text };
        struct msghdr message = { .msg_iov = &part,
                .msg_iovlen = 1,
                .msg_control = control.bytes,
                .msg_controllen = sizeof control.bytes };
        _cleanup_close_ int fd = dial(w);
        assert_int_equal(pipe2(ends, O_CLOEXEC | O_NONBLOCK), 0);
        struct cmsghdr *head = CMSG_FIRSTHDR(&message);
        head->cmsg_level = SOL_SOCKET;
        head->cmsg_type = SCM_RIGHTS;
        head->cmsg_len = CMSG_LEN(sizeof(int));
        memcpy(CMSG_DATA(head), &ends[1], sizeof(int));
        assert_int_equal(sendmsg(fd, &message, 0), (ssize_t)sizeof text);
        close(ends[1]);
        assert_hears(w, fd, ERROR("InvalidParameter", "parameter", "descriptor"));
        char byte;
        assert_int_equal(read(ends[0], &byte, 1), 0); /* no other writer is left */
        close(ends[0]);
}

static void out_of_descriptors_is_a_pause_not_a_spin(void **state)
{
        struct world *w = *state;
        struct rlimit old, tight;
        char byte;
        int spare = dup(0);
        close(spare);
        _cleanup_close_ int fd = dial(w);
        assert_int_equal(getrlimit(RLIMIT_NOFILE, &old), 0);
        tight = old;
        tight.rlim_cur = (rlim_t)spare + 1; /* fd holds the last one */
        assert_int_equal(setrlimit(RLIMIT_NOFILE, &tight), 0);
        int turns = 0;
        while (turns < 100 && sd_event_run(w->event, 0) > 0)
                turns++;
        assert_int_equal(setrlimit(RLIMIT_NOFILE, &old), 0);
        assert_in_range(
                turns, 1, 50); /* a few; more only where this process stands still between them */
        echo_call(fd, "back");
        while (recv(fd, &byte, 1, MSG_DONTWAIT | MSG_PEEK) < 0)
                assert_true(sd_event_run(w->event, 30000000) > 0); /* the pause ends */
        assert_hears(w, fd, "{'parameters':{'text':'back'}}");
}

static int as_nobody(struct world *w)
{
        char byte;
        if (setresuid(65534, 65534, 65534) < 0)
                return 3;
        int fd = socket(AF_UNIX, SOCK_STREAM, 0);
        if (connect(fd, (struct sockaddr *)&w->address, w->address_len) < 0)
                return 4;
        send(fd, "{\"method\":\"org.varlink.service.GetInfo\"}", 41, MSG_NOSIGNAL);
        return recv(fd, &byte, 1, 0) > 0;
}

static void another_user_is_refused(void **state)
{
        struct world *w = *state;
        int status;
        if (geteuid() != 0)
                skip();
        pid_t pid = fork();
        if (pid == 0)
                _exit(as_nobody(w));
        while (waitpid(pid, &status, WNOHANG) == 0)
                sd_event_run(w->event, 50000);
        assert_true(WIFEXITED(status));
        assert_int_equal(WEXITSTATUS(status), 0);
}

static void peer_is_told_by_the_kernel(void **state)
{
        struct peer peer;
        char own[256] = "";
        int ends[2];
        (void)state;
        assert_true(readlink("/proc/self/exe", own, sizeof own - 1) > 0);
        assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
        assert_int_equal(peer_of_socket(ends[0], &peer), 0);
        assert_int_equal(peer.pid, getpid());
        assert_int_equal(peer.uid, geteuid());
        assert_string_equal(peer.executable, own);
        peer_of_process(getpid(), geteuid() + 1, &peer);
        assert_string_equal(peer.executable, "");
        peer_of_process(0x3fffffff, geteuid(), &peer);
        assert_string_equal(peer.executable, "");
        close(ends[0]);
        close(ends[1]);
}

#define WITH_WORLD(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
        static const struct CMUnitTest tests[] = {
                WITH_WORLD(conversations_go_as_written),
                WITH_WORLD(later_calls_wait_for_the_running_one),
                WITH_WORLD(hangup_cancels_the_running_call),
                WITH_WORLD(half_closed_client_gets_its_answers),
                WITH_WORLD(half_frame_then_end_is_closed),
                WITH_WORLD(slow_drip_is_put_together),
                WITH_WORLD(oversize_frame_is_closed_at_the_cap),
                WITH_WORLD(flood_of_calls_delays_nobody),
                WITH_WORLD(two_floods_take_turns),
                WITH_WORLD(client_that_takes_no_answers_is_asked_nothing_more),
                WITH_WORLD(stream_not_read_is_closed_at_its_cap),
                WITH_WORLD(reply_beyond_the_cap_keeps_the_call_alive_until_its_turn),
                WITH_WORLD(one_process_gets_its_share_of_connections),
                WITH_WORLD(thousand_connects_leave_the_server_well),
                WITH_WORLD(draining_refuses_new_calls_and_finishes_old_ones),
                WITH_WORLD(ending_the_server_hangs_up_running_calls),
                WITH_WORLD(passed_descriptors_are_not_kept),
                WITH_WORLD(out_of_descriptors_is_a_pause_not_a_spin),
                WITH_WORLD(another_user_is_refused),
                cmocka_unit_test(peer_is_told_by_the_kernel),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}

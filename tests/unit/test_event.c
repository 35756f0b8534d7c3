/* SPDX-License-Identifier: Apache-2.0 */
/* test_event.c: what Mohr relies on of an event loop. The same program is linked twice: with libsystemd, which shows that the
 * expectations are right, and with daemon/portable, which shows that it meets them (test_event_portable).
 */
#include "base/base.h"

#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <sys/inotify.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <systemd/sd-event.h>
#include <time.h>
#include <cmocka.h>

#define MS UINT64_C(1000)

struct rig {
        sd_event *event;
        char order[64]; /* a letter for each call */
        sd_event_source *a, *b;
        int pipe[2];
        uint32_t came;
        int returns;
};

/* What a callback does besides writing its letter. */
struct one {
        struct rig *rig;
        char letter;
        void (*act)(struct rig *rig, sd_event_source *source);
};

static int setup(void **state)
{
        struct rig *rig = calloc(1, sizeof *rig);
        assert_non_null(rig);
        assert_return_code(sd_event_new(&rig->event), 0);
        assert_return_code(pipe2(rig->pipe, O_CLOEXEC | O_NONBLOCK), errno);
        *state = rig;
        return 0;
}

static int teardown(void **state)
{
        struct rig *rig = *state;
        sd_event_source_disable_unref(rig->a);
        sd_event_source_disable_unref(rig->b);
        sd_event_unref(rig->event);
        base_close_cleanup(&rig->pipe[0]);
        base_close_cleanup(&rig->pipe[1]);
        free(rig);
        return 0;
}

static int note(const struct one *one, sd_event_source *source)
{
        struct rig *rig = one->rig;
        size_t len = strlen(rig->order);
        assert_true(len + 1 < sizeof rig->order);
        rig->order[len] = one->letter;
        if (one->act)
                one->act(rig, source);
        return rig->returns;
}

static int on_plain(sd_event_source *source, void *user)
{
        return note(user, source);
}

static int on_io(sd_event_source *source, int fd, uint32_t events, void *user)
{
        const struct one *one = user;
        assert_int_equal(fd, one->rig->pipe[0]);
        one->rig->came = events;
        return note(one, source);
}

static int on_time(sd_event_source *source, uint64_t usec, void *user)
{
        uint64_t next, now;
        struct timespec real;
        assert_return_code(sd_event_source_get_time(source, &next), 0);
        assert_int_equal(next, usec);
        assert_return_code(
                sd_event_now(sd_event_source_get_event(source), CLOCK_MONOTONIC, &now), 0);
        assert_true(now >= usec);
        assert_return_code(clock_gettime(CLOCK_MONOTONIC, &real), errno);
        assert_true(now <= (uint64_t)real.tv_sec * 1000000 + (uint64_t)real.tv_nsec / 1000);
        return note(user, source);
}

static void turn(const struct rig *rig, int times)
{
        for (int i = 0; i < times; i++)
                assert_int_equal(sd_event_run(rig->event, 0), 1);
}

static void nothing_left(const struct rig *rig)
{
        assert_int_equal(sd_event_run(rig->event, 0), 0);
}

static void defer(struct rig *rig, sd_event_source **ret, struct one *one)
{
        assert_return_code(sd_event_add_defer(rig->event, ret, on_plain, one), 0);
}

static void fill(const struct rig *rig)
{
        assert_int_equal(write(rig->pipe[1], "x", 1), 1);
}

static void drain(struct rig *rig, sd_event_source *source)
{
        char byte;
        (void)source;
        assert_int_equal(read(rig->pipe[0], &byte, 1), 1);
}

static void priority_decides(void **state)
{
        struct rig *rig = *state;
        struct one late = { rig, 'l', NULL }, soon = { rig, 's', NULL };
        defer(rig, &rig->a, &late);
        defer(rig, &rig->b, &soon);
        assert_return_code(sd_event_source_set_priority(rig->a, SD_EVENT_PRIORITY_IDLE), 0);
        assert_return_code(sd_event_source_set_priority(rig->b, SD_EVENT_PRIORITY_IMPORTANT), 0);
        turn(rig, 1);
        assert_string_equal(rig->order, "s");
        turn(rig, 1);
        nothing_left(rig);
        assert_string_equal(rig->order, "sl");
}

static void again(struct rig *rig, sd_event_source *source)
{
        int enabled = SD_EVENT_ON;
        assert_int_equal(sd_event_source_get_enabled(source, &enabled), 0);
        assert_int_equal(enabled, SD_EVENT_OFF);
        if (strlen(rig->order) < 3)
                assert_return_code(sd_event_source_set_enabled(source, SD_EVENT_ONESHOT), 0);
}

static void oneshot_is_off_before_its_call_and_can_be_asked_for_again(void **state)
{
        struct rig *rig = *state;
        struct one one = { rig, 'a', again };
        defer(rig, &rig->a, &one);
        turn(rig, 3);
        nothing_left(rig);
        assert_string_equal(rig->order, "aaa");
}

static void switched_off_is_never_called(void **state)
{
        struct rig *rig = *state;
        struct one one = { rig, 'a', NULL };
        defer(rig, &rig->a, &one);
        assert_return_code(sd_event_source_set_enabled(rig->a, SD_EVENT_OFF), 0);
        assert_return_code(sd_event_source_set_enabled(NULL, SD_EVENT_OFF), 0);
        nothing_left(rig);
        assert_return_code(sd_event_source_set_enabled(rig->a, SD_EVENT_ONESHOT), 0);
        turn(rig, 1);
        assert_string_equal(rig->order, "a");
}

static void what_waits_longer_comes_first(void **state)
{
        struct rig *rig = *state;
        struct one io = { rig, 'i', drain }, put_off = { rig, 'd', NULL };
        assert_return_code(
                sd_event_add_io(rig->event, &rig->a, rig->pipe[0], EPOLLIN, on_io, &io), 0);
        defer(rig, &rig->b, &put_off);
        fill(rig);
        turn(rig, 2);
        nothing_left(rig);
        assert_string_equal(rig->order, "di");
        assert_int_equal(rig->came, EPOLLIN);
}

static void a_ready_descriptor_is_called_until_it_is_not(void **state)
{
        struct rig *rig = *state;
        struct one io = { rig, 'i', drain };
        assert_return_code(
                sd_event_add_io(rig->event, &rig->a, rig->pipe[0], EPOLLIN, on_io, &io), 0);
        assert_int_equal(sd_event_source_get_io_fd(rig->a), rig->pipe[0]);
        nothing_left(rig);
        fill(rig);
        fill(rig);
        turn(rig, 2);
        nothing_left(rig);
        assert_string_equal(rig->order, "ii");
}

static void the_other_end_closing_is_told_also_to_who_asked_for_nothing(void **state)
{
        struct rig *rig = *state;
        struct one io = { rig, 'i', NULL };
        assert_return_code(
                sd_event_add_io(rig->event, &rig->a, rig->pipe[0], EPOLLIN, on_io, &io), 0);
        fill(rig);
        assert_return_code(sd_event_source_set_io_events(rig->a, 0), 0);
        nothing_left(rig);
        base_close_cleanup(&rig->pipe[1]);
        rig->pipe[1] = -1;
        turn(rig, 1);
        assert_int_equal(rig->came, EPOLLHUP);
}

static void switch_other_off_and_on(struct rig *rig, sd_event_source *source)
{
        drain(rig, source);
        assert_return_code(sd_event_source_set_enabled(rig->b, SD_EVENT_OFF), 0);
        assert_return_code(sd_event_source_set_enabled(rig->b, SD_EVENT_ON), 0);
}

static void who_is_switched_off_forgets_what_came(void **state)
{
        struct rig *rig = *state;
        int copy = dup(rig->pipe[0]);
        struct one first = { rig, 'a', NULL }, second = { rig, 'b', NULL };
        assert_return_code(
                sd_event_add_io(rig->event, &rig->b, rig->pipe[0], EPOLLIN, on_io, &second), 0);
        assert_return_code(sd_event_add_defer(rig->event, &rig->a, on_plain, &first), 0);
        fill(rig);
        first.act = switch_other_off_and_on;
        turn(rig, 1);
        nothing_left(rig);
        assert_string_equal(rig->order, "a");
        close(copy);
}

static void free_a(struct rig *rig, sd_event_source *source)
{
        (void)source;
        rig->a = sd_event_source_disable_unref(rig->a);
}

static void a_source_can_free_itself_in_its_call(void **state)
{
        struct rig *rig = *state;
        struct one one = { rig, 'a', free_a };
        defer(rig, &rig->a, &one);
        turn(rig, 1);
        nothing_left(rig);
        assert_string_equal(rig->order, "a");
}

static void a_source_can_free_one_that_is_pending(void **state)
{
        struct rig *rig = *state;
        struct one killer = { rig, 'k', free_a }, victim = { rig, 'v', NULL };
        defer(rig, &rig->a, &victim);
        defer(rig, &rig->b, &killer);
        assert_return_code(sd_event_source_set_priority(rig->b, SD_EVENT_PRIORITY_IMPORTANT), 0);
        turn(rig, 1);
        nothing_left(rig);
        assert_string_equal(rig->order, "k");
}

static void add_timer(struct rig *rig, sd_event_source **ret, uint64_t after, struct one *one)
{
        assert_return_code(sd_event_add_time_relative(
                                   rig->event, ret, CLOCK_MONOTONIC, after, 1, on_time, one),
                0);
}

static void timers_come_in_the_order_of_their_times(void **state)
{
        struct rig *rig = *state;
        struct one late = { rig, '2', NULL }, soon = { rig, '1', NULL };
        add_timer(rig, &rig->a, 60000 * MS, &late);
        add_timer(rig, &rig->b, 60000 * MS, &soon);
        nothing_left(rig);
        assert_return_code(sd_event_source_set_time_relative(rig->b, 2 * MS), 0);
        assert_return_code(sd_event_source_set_time_relative(rig->a, 8 * MS), 0);
        while (strlen(rig->order) < 2)
                assert_return_code(sd_event_run(rig->event, UINT64_MAX), 0);
        nothing_left(rig);
        assert_string_equal(rig->order, "12");
}

static uint64_t time_of(sd_event_source *timer)
{
        uint64_t usec = 0;
        assert_return_code(sd_event_source_get_time(timer, &usec), 0);
        return usec;
}

static void timers_that_passed_together_come_in_their_order(void **state)
{
        struct rig *rig = *state;
        struct one late = { rig, '2', NULL }, soon = { rig, '1', NULL };
        uint64_t after =
                1 *
                MS; /* more, if the second one is set so much later that it were the later one */
        add_timer(rig, &rig->a, 2 * after, &late);
        add_timer(rig, &rig->b, after, &soon);
        for (; time_of(rig->b) >= time_of(rig->a); after *= 2) {
                assert_return_code(sd_event_source_set_time_relative(rig->a, 2 * after), 0);
                assert_return_code(sd_event_source_set_time_relative(rig->b, after), 0);
        }
        usleep((useconds_t)(4 * after));
        turn(rig, 2);
        nothing_left(rig);
        assert_string_equal(rig->order, "12");
}

static void a_timer_that_is_set_anew_is_still_as_on_as_it_was(void **state)
{
        struct rig *rig = *state;
        struct one one = { rig, 't', NULL };
        add_timer(rig, &rig->a, 0, &one);
        turn(rig, 1);
        assert_return_code(sd_event_source_set_time_relative(rig->a, 0), 0);
        nothing_left(rig);
        assert_return_code(sd_event_source_set_enabled(rig->a, SD_EVENT_ONESHOT), 0);
        turn(rig, 1);
        assert_string_equal(rig->order, "tt");
        assert_return_code(sd_event_source_set_enabled(rig->a, SD_EVENT_ONESHOT), 0);
        assert_return_code(sd_event_source_set_time_relative(rig->a, 60000000), 0);
        nothing_left(rig);
        assert_int_equal(sd_event_source_set_time_relative(rig->a, UINT64_MAX - 1), -EOVERFLOW);
        assert_return_code(sd_event_source_set_time_relative(rig->a, UINT64_MAX), 0);
        nothing_left(rig);
}

static void waste_time(struct rig *rig, sd_event_source *source)
{
        uint64_t before, after;
        (void)source;
        assert_int_equal(sd_event_now(rig->event, CLOCK_MONOTONIC, &before), 0);
        usleep(2 * MS);
        assert_int_equal(sd_event_now(rig->event, CLOCK_MONOTONIC, &after), 0);
        assert_int_equal(before, after);
}

static void time_stands_still_during_a_turn(void **state)
{
        struct rig *rig = *state;
        struct one one = { rig, 'a', waste_time };
        uint64_t now = 0;
        assert_int_equal(sd_event_now(rig->event, CLOCK_MONOTONIC, &now), 1);
        assert_true(now > 0);
        defer(rig, &rig->a, &one);
        turn(rig, 1);
        assert_string_equal(rig->order, "a");
}

static void one_that_follows_comes_after_each_other_call(void **state)
{
        struct rig *rig = *state;
        struct one first = { rig, 'a', NULL }, follows = { rig, '+', NULL };
        defer(rig, &rig->a, &first);
        assert_return_code(sd_event_add_post(rig->event, &rig->b, on_plain, &follows), 0);
        turn(rig, 2);
        nothing_left(rig);
        assert_return_code(sd_event_source_set_enabled(rig->a, SD_EVENT_ONESHOT), 0);
        turn(rig, 2);
        nothing_left(rig);
        assert_string_equal(rig->order, "a+a+");
}

static void who_follows_is_silent_when_nothing_happens(void **state)
{
        struct rig *rig = *state;
        struct one follows = { rig, '+', NULL };
        assert_return_code(sd_event_add_post(rig->event, &rig->b, on_plain, &follows), 0);
        nothing_left(rig);
        assert_string_equal(rig->order, "");
}

static int on_signal(sd_event_source *source, const struct signalfd_siginfo *info, void *user)
{
        assert_int_equal(info->ssi_signo, SIGUSR1);
        assert_int_equal(info->ssi_pid, getpid());
        return note(user, source);
}

static void signals_are_told_if_they_are_blocked(void **state)
{
        struct rig *rig = *state;
        struct one one = { rig, 's', NULL };
        sigset_t set;
        sigemptyset(&set);
        sigaddset(&set, SIGUSR1);
        assert_int_equal(
                sd_event_add_signal(rig->event, &rig->a, SIGUSR1, on_signal, &one), -EBUSY);
        assert_return_code(sigprocmask(SIG_BLOCK, &set, NULL), errno);
        assert_return_code(sd_event_add_signal(rig->event, &rig->a, SIGUSR1, on_signal, &one), 0);
        assert_int_equal(
                sd_event_add_signal(rig->event, &rig->b, SIGUSR1, on_signal, &one), -EBUSY);
        nothing_left(rig);
        assert_return_code(kill(getpid(), SIGUSR1), errno);
        turn(rig, 1);
        nothing_left(rig);
        assert_string_equal(rig->order, "s");
        rig->a = sd_event_source_disable_unref(rig->a);
        assert_return_code(sigprocmask(SIG_UNBLOCK, &set, NULL), errno);
}

static void on_alarm(int sig)
{
        (void)sig;
}

static void a_handled_signal_breaks_the_wait_without_a_call(void **state)
{
        struct rig *rig = *state;
        const struct sigaction act = { .sa_handler = on_alarm };
        const struct itimerval repeated = { { 0, 1000 }, { 0, 1000 } }, never = { 0 };
        assert_return_code(sigaction(SIGALRM, &act, NULL), errno);
        assert_return_code(setitimer(ITIMER_REAL, &repeated, NULL), errno);
        assert_int_equal(sd_event_run(rig->event, UINT64_MAX), 1);
        assert_return_code(setitimer(ITIMER_REAL, &never, NULL), errno);
        nothing_left(rig);
}

static int on_news(sd_event_source *source, const struct inotify_event *event, void *user)
{
        const struct one *one = user;
        struct one named = *one;
        named.letter = event->name[0];
        assert_true(event->mask & (IN_CREATE | IN_DELETE));
        return note(&named, source);
}

static void touch(const char *folder, const char *name)
{
        char path[128];
        snprintf(path, sizeof path, "%s/%s", folder, name);
        int fd = open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
        assert_true(fd >= 0);
        close(fd);
        assert_return_code(unlink(path), errno);
}

static void a_folders_news_come_one_by_one(void **state)
{
        struct rig *rig = *state;
        struct one one = { rig, '?', NULL };
        char folder[] = "/tmp/test-event-XXXXXX";
        assert_non_null(mkdtemp(folder));
        assert_int_equal(sd_event_add_inotify(
                                 rig->event, &rig->a, "/nowhere/at/all", IN_CREATE, on_news, &one),
                -ENOENT);
        assert_return_code(
                sd_event_add_inotify(rig->event, &rig->a, folder, IN_CREATE, on_news, &one), 0);
        nothing_left(rig);
        touch(folder, "x");
        touch(folder, "a-name-of-some-length-that-is-padded");
        touch(folder, "z");
        turn(rig, 3);
        nothing_left(rig);
        assert_string_equal(rig->order, "xaz");
        rig->a = sd_event_source_disable_unref(rig->a);
        assert_return_code(rmdir(folder), errno);
}

static void who_watches_a_folder_can_leave_between_two_news(void **state)
{
        struct rig *rig = *state;
        struct one one = { rig, '?', free_a };
        char folder[] = "/tmp/test-event-XXXXXX";
        assert_non_null(mkdtemp(folder));
        assert_return_code(sd_event_add_inotify(rig->event, &rig->a, folder, IN_CREATE | IN_DELETE,
                                   on_news, &one),
                0);
        touch(folder, "x");
        turn(rig, 1);
        nothing_left(rig);
        assert_string_equal(rig->order, "x");
        assert_return_code(rmdir(folder), errno);
}

static void leave(struct rig *rig, sd_event_source *source)
{
        assert_return_code(sd_event_exit(sd_event_source_get_event(source), 42), 0);
        assert_return_code(sd_event_source_set_enabled(rig->b, SD_EVENT_ON), 0);
}

static void who_leaves_is_heard_before_anything_else(void **state)
{
        struct rig *rig = *state;
        struct one first = { rig, 'a', leave }, never = { rig, 'n', NULL };
        defer(rig, &rig->a, &first);
        defer(rig, &rig->b, &never);
        assert_return_code(sd_event_source_set_enabled(rig->b, SD_EVENT_OFF), 0);
        assert_int_equal(sd_event_loop(rig->event), 42);
        assert_string_equal(rig->order, "a");
        assert_int_equal(sd_event_run(rig->event, 0), -ESTALE);
        assert_int_equal(sd_event_source_set_enabled(rig->a, SD_EVENT_ON), -ESTALE);
        assert_return_code(sd_event_source_set_enabled(rig->b, SD_EVENT_OFF), 0);
        assert_int_equal(sd_event_add_defer(rig->event, NULL, on_plain, &never), -ESTALE);
}

static void a_call_that_fails_is_the_last(void **state)
{
        struct rig *rig = *state;
        struct one io = { rig, 'i', NULL };
        assert_return_code(
                sd_event_add_io(rig->event, &rig->a, rig->pipe[0], EPOLLIN, on_io, &io), 0);
        fill(rig);
        rig->returns = -EIO;
        turn(rig, 1);
        nothing_left(rig);
        assert_int_equal(sd_event_source_get_enabled(rig->a, NULL), 0);
        assert_string_equal(rig->order, "i");
}

static void destroyed(void *user)
{
        struct one quiet = *(const struct one *)user;
        quiet.act = NULL;
        (void)note(&quiet, NULL);
}

static void one_that_floats_goes_with_the_loop(void **state)
{
        struct rig *rig = *state;
        struct one one = { rig, 'd', NULL };
        defer(rig, &rig->a, &one);
        assert_return_code(sd_event_source_set_destroy_callback(rig->a, destroyed), 0);
        assert_int_equal(sd_event_source_set_floating(rig->a, true), 1);
        assert_int_equal(sd_event_source_set_floating(rig->a, true), 0);
        rig->a = sd_event_source_unref(rig->a);
        assert_string_equal(rig->order, "");
        rig->event = sd_event_unref(rig->event);
        assert_string_equal(rig->order, "d");
}

static void stop_floating(struct rig *rig, sd_event_source *source)
{
        assert_int_equal(sd_event_source_set_floating(source, false), 1);
        assert_string_equal(rig->order, "f"); /* it is here until its call is over */
}

static void one_that_stops_floating_in_its_call_goes_after_it(void **state)
{
        struct rig *rig = *state;
        struct one one = { rig, 'f', stop_floating };
        defer(rig, &rig->a, &one);
        assert_return_code(sd_event_source_set_destroy_callback(rig->a, destroyed), 0);
        assert_int_equal(sd_event_source_set_floating(rig->a, true), 1);
        rig->a = sd_event_source_unref(rig->a);
        turn(rig, 1);
        assert_string_equal(rig->order, "ff");
        nothing_left(rig);
}

static void a_source_holds_its_loop(void **state)
{
        struct rig *rig = *state;
        struct one one = { rig, 'a', NULL };
        defer(rig, &rig->a, &one);
        sd_event *event = sd_event_ref(rig->event);
        assert_ptr_equal(event, rig->event);
        sd_event_unref(event);
        rig->event = sd_event_unref(rig->event);
        assert_int_equal(sd_event_run(sd_event_source_get_event(rig->a), 0), 1);
        assert_string_equal(rig->order, "a");
}

static void who_comes_too_often_is_not_heard_for_a_while(void **state)
{
        struct rig *rig = *state;
        struct one flood = { rig, 'f', NULL }, other = { rig, 'o', NULL };
        assert_return_code(
                sd_event_add_io(rig->event, &rig->a, rig->pipe[0], EPOLLIN, on_io, &flood), 0);
        assert_return_code(sd_event_source_set_priority(rig->a, SD_EVENT_PRIORITY_IMPORTANT), 0);
        assert_return_code(sd_event_source_set_ratelimit(rig->a, 200 * MS, 3), 0);
        fill(rig);
        defer(rig, &rig->b, &other);
        for (int i = 0; i < 40 && !strchr(rig->order, 'o'); i++)
                assert_return_code(sd_event_run(rig->event, 0), 0);
        size_t silent = strlen(rig->order);
        assert_memory_equal(rig->order, "fff", 3);
        assert_int_equal(rig->order[silent - 1], 'o');
        while (strlen(rig->order) == silent)
                assert_return_code(sd_event_run(rig->event, UINT64_MAX), 0);
        assert_int_equal(rig->order[silent], 'f');
}

static void an_owned_descriptor_is_closed_with_its_source(void **state)
{
        struct rig *rig = *state;
        struct one io = { rig, 'i', NULL };
        int fd = rig->pipe[0];
        assert_return_code(sd_event_add_io(rig->event, &rig->a, fd, EPOLLIN, on_io, &io), 0);
        assert_return_code(sd_event_source_set_io_fd_own(rig->a, true), 0);
        rig->pipe[0] = -1;
        rig->a = sd_event_source_disable_unref(rig->a);
        assert_int_equal(fcntl(fd, F_GETFD), -1);
        assert_int_equal(errno, EBADF);
}

static void a_descriptor_that_was_closed_is_not_asked_for_ever(void **state)
{
        struct rig *rig = *state;
        struct one io = { rig, 'i', NULL };
        assert_return_code(
                sd_event_add_io(rig->event, &rig->a, rig->pipe[0], EPOLLIN, on_io, &io), 0);
        close(rig->pipe[0]);
        nothing_left(rig);
        nothing_left(rig);
        assert_string_equal(rig->order, "");
        rig->a = sd_event_source_disable_unref(rig->a);
        rig->pipe[0] = -1;
}

static void many_sources_are_all_heard(void **state)
{
        struct rig *rig = *state;
        struct one one = { rig, '.', NULL };
        sd_event_source *sources[50] = { NULL };
        for (size_t i = 0; i < ARRAY_LEN(sources); i++)
                defer(rig, &sources[i], &one);
        turn(rig, ARRAY_LEN(sources));
        nothing_left(rig);
        assert_int_equal(strlen(rig->order), ARRAY_LEN(sources));
        for (size_t i = 0; i < ARRAY_LEN(sources); i += 2)
                sd_event_source_disable_unref(sources[i]);
        for (size_t i = 1; i < ARRAY_LEN(sources); i += 2)
                sd_event_source_unref(sources[i]);
}

static void what_is_wrong_is_refused(void **state)
{
        struct rig *rig = *state;
        struct one one = { rig, 'a', NULL };
        uint64_t usec;
        assert_int_equal(sd_event_add_io(rig->event, NULL, -1, EPOLLIN, on_io, &one), -EBADF);
        assert_int_equal(sd_event_add_io(rig->event, NULL, 9999, EPOLLIN, on_io, &one), -EBADF);
        assert_int_equal(
                sd_event_add_io(rig->event, NULL, rig->pipe[0], EPOLLEXCLUSIVE, on_io, &one),
                -EINVAL);
        assert_int_equal(sd_event_add_signal(rig->event, NULL, 4711, on_signal, &one), -EINVAL);
        defer(rig, &rig->a, &one);
        assert_int_equal(sd_event_source_get_time(rig->a, &usec), -EDOM);
        assert_int_equal(sd_event_source_set_io_events(rig->a, EPOLLIN), -EDOM);
        assert_int_equal(sd_event_source_get_io_fd(rig->a), -EDOM);
        assert_null(sd_event_source_unref(NULL));
        assert_null(sd_event_source_disable_unref(NULL));
        assert_null(sd_event_unref(NULL));
}

static void calls_bear_a_source_that_is_not_there(void **state)
{
        const struct rig *rig = *state;
        assert_non_null(rig);
        assert_true(sd_event_source_set_enabled(NULL, SD_EVENT_ONESHOT) < 0);
        assert_true(sd_event_source_set_time_relative(NULL, 0) < 0);
        assert_true(sd_event_source_set_priority(NULL, 0) < 0);
        assert_true(sd_event_source_set_io_events(NULL, 0) < 0);
        assert_true(sd_event_source_set_floating(NULL, true) < 0);
        assert_true(sd_event_source_set_destroy_callback(NULL, destroyed) < 0);
        assert_true(sd_event_source_set_ratelimit(NULL, 1, 1) < 0);
        assert_null(sd_event_source_get_event(NULL));
}

#define BEHAVIOUR(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
        const struct CMUnitTest tests[] = {
                BEHAVIOUR(priority_decides),
                BEHAVIOUR(oneshot_is_off_before_its_call_and_can_be_asked_for_again),
                BEHAVIOUR(switched_off_is_never_called),
                BEHAVIOUR(what_waits_longer_comes_first),
                BEHAVIOUR(a_ready_descriptor_is_called_until_it_is_not),
                BEHAVIOUR(the_other_end_closing_is_told_also_to_who_asked_for_nothing),
                BEHAVIOUR(who_is_switched_off_forgets_what_came),
                BEHAVIOUR(a_source_can_free_itself_in_its_call),
                BEHAVIOUR(a_source_can_free_one_that_is_pending),
                BEHAVIOUR(timers_come_in_the_order_of_their_times),
                BEHAVIOUR(timers_that_passed_together_come_in_their_order),
                BEHAVIOUR(a_timer_that_is_set_anew_is_still_as_on_as_it_was),
                BEHAVIOUR(time_stands_still_during_a_turn),
                BEHAVIOUR(one_that_follows_comes_after_each_other_call),
                BEHAVIOUR(who_follows_is_silent_when_nothing_happens),
                BEHAVIOUR(signals_are_told_if_they_are_blocked),
                BEHAVIOUR(a_handled_signal_breaks_the_wait_without_a_call),
                BEHAVIOUR(a_folders_news_come_one_by_one),
                BEHAVIOUR(who_watches_a_folder_can_leave_between_two_news),
                BEHAVIOUR(who_leaves_is_heard_before_anything_else),
                BEHAVIOUR(a_call_that_fails_is_the_last),
                BEHAVIOUR(one_that_floats_goes_with_the_loop),
                BEHAVIOUR(one_that_stops_floating_in_its_call_goes_after_it),
                BEHAVIOUR(a_source_holds_its_loop),
                BEHAVIOUR(who_comes_too_often_is_not_heard_for_a_while),
                BEHAVIOUR(an_owned_descriptor_is_closed_with_its_source),
                BEHAVIOUR(a_descriptor_that_was_closed_is_not_asked_for_ever),
                BEHAVIOUR(many_sources_are_all_heard),
                BEHAVIOUR(what_is_wrong_is_refused),
                BEHAVIOUR(calls_bear_a_source_that_is_not_there),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}

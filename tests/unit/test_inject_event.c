/* SPDX-License-Identifier: Apache-2.0 */
/* test_inject_event.c: an event loop while memory fails: a source is there whole or not at all, the others go on, and nothing is left
 * open. Linked twice, as test_event.c is.
 */
#include "tests/support/inject.h"

#include <dirent.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/inotify.h>
#include <sys/signalfd.h>
#include <systemd/sd-event.h>
#include <sys/epoll.h>
#include <cmocka.h>

#define MANY 40 /* more than a new loop has room for */

static int on_plain(sd_event_source *source, void *user)
{
        (void)source;
        ++*(unsigned int *)user;
        return 0;
}

static int on_io(sd_event_source *source, int fd, uint32_t events, void *user)
{
        (void)fd, (void)events;
        return on_plain(source, user);
}

static int on_time(sd_event_source *source, uint64_t usec, void *user)
{
        (void)usec;
        return on_plain(source, user);
}

static int on_signal(sd_event_source *source, const struct signalfd_siginfo *info, void *user)
{
        (void)info;
        return on_plain(source, user);
}

static int on_news(sd_event_source *source, const struct inotify_event *event, void *user)
{
        (void)event;
        return on_plain(source, user);
}

static size_t open_files(void)
{
        size_t count = 0;
        DIR *folder = opendir("/proc/self/fd");
        assert_non_null(folder);
        while (readdir(folder))
                count++;
        closedir(folder);
        return count;
}

struct sources {
        sd_event *event;
        sd_event_source *all[MANY];
        unsigned int calls;
        int pipe[2];
};

static int add(struct sources *s, size_t i)
{
        sd_event_source **ret = &s->all[i];
        switch (i) {
        case 0: return sd_event_add_io(s->event, ret, s->pipe[0], EPOLLIN, on_io, &s->calls);
        case 1: return sd_event_add_signal(s->event, ret, SIGUSR1, on_signal, &s->calls);
        case 2: return sd_event_add_inotify(s->event, ret, "/", IN_CREATE, on_news, &s->calls);
        case 3: return sd_event_add_post(s->event, ret, on_plain, &s->calls);
        case 4:
                return sd_event_add_time_relative(
                        s->event, ret, CLOCK_MONOTONIC, 60000000, 1, on_time, &s->calls);
        default: return sd_event_add_defer(s->event, ret, on_plain, &s->calls);
        }
}

static void what_is_there_goes_on(struct inject in, struct sources *s, size_t made)
{
        unsigned int deferred = 0;
        for (size_t i = 5; i < MANY; i++)
                deferred += s->all[i] != NULL;
        EXPECT(in, deferred + 5 >= made);
        while (sd_event_run(s->event, 0) > 0)
                ;
        EXPECT(in, s->calls >= deferred);
}

static void sources_are_there_whole_or_not_at_all(void **state)
{
        sigset_t set;
        unsigned long failures = 0;
        (void)state;
        sigemptyset(&set);
        sigaddset(&set, SIGUSR1);
        assert_return_code(sigprocmask(SIG_BLOCK, &set, NULL), errno);
        for (struct inject in = INJECT(INJECT_MEMORY); inject_next(&in);) {
                struct sources s = { 0 };
                size_t before = open_files(), made = 0;
                assert_return_code(pipe2(s.pipe, O_CLOEXEC), errno);
                inject_arm(&in);
                int r = sd_event_new(&s.event);
                for (size_t i = 0; r >= 0 && i < MANY; i++)
                        made += add(&s, i) >= 0;
                inject_disarm(&in);
                EXPECT(in, in.failed || (r >= 0 && made == MANY));
                failures += in.failed;
                if (r >= 0)
                        what_is_there_goes_on(in, &s, made);
                for (size_t i = 0; i < MANY; i++)
                        sd_event_source_disable_unref(s.all[i]);
                sd_event_unref(s.event);
                close(s.pipe[0]);
                close(s.pipe[1]);
                EXPECT(in, open_files() == before);
        }
        assert_true(failures > MANY);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(sources_are_there_whole_or_not_at_all),
        };
        inject_init();
        return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* readers_wait.c: just after the start nobody has looked for readers yet. Who is asked for one then waits
 * until every backend has spoken, but not for ever: one that says nothing must not keep the others'
 * readers from being used.
 */
#include "daemon/readers.h"

struct readers_wait {
        struct readers *readers;
        struct readers_watch *watch;
        sd_event_source *limit;
        void (*over)(void *user);
        void *user;
};

static void on_changed(void *user)
{
        struct readers_wait *wait = user;
        if (readers_settled(wait->readers))
                wait->over(wait->user);
}

static int on_limit(sd_event_source *source, uint64_t usec, void *user)
{
        (void)source, (void)usec;
        struct readers_wait *wait = user;
        wait->over(wait->user);
        return 0;
}

int readers_wait_new(struct readers_wait **ret, struct readers *readers, sd_event *event,
        uint64_t limit_us, void (*over)(void *user), void *user)
{
        struct readers_wait *wait = calloc(1, sizeof *wait);
        if (!wait)
                return -ENOMEM;
        *wait = (struct readers_wait){ .readers = readers, .over = over, .user = user };
        int r = readers_subscribe(readers, &wait->watch, on_changed, wait);
        if (r >= 0)
                r = sd_event_add_time_relative(
                        event, &wait->limit, CLOCK_MONOTONIC, limit_us, 0, on_limit, wait);
        if (r < 0) {
                readers_wait_free(wait);
                return r;
        }
        *ret = wait;
        return 0;
}

struct readers_wait *readers_wait_free(struct readers_wait *wait)
{
        if (!wait)
                return NULL;
        readers_watch_free(wait->watch);
        sd_event_source_disable_unref(wait->limit);
        free(wait);
        return NULL;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* event.c: a loop over poll(2) that answers to the names of sd-event(3), for systems without systemd.
 *
 * What Mohr's daemon relies on, as sd-event(3) and its pages promise it: one turn makes one call; what has the
 * smallest priority number comes first, then what waits longest, and of timers the one whose time came first; a deferred call
 * waits since it was made. Time stands still during a turn. Who asks to leave is heard before the next call. A signal that
 * breaks the wait ends the turn without one. Nothing is allocated while it turns, and nothing wakes it but what it waits for.
 *
 * A dozen sources are looked through one by one: a heap would be more code than it saves.
 */
#include "daemon/portable/loop.h"

#define SECOND UINT64_C(1000000)
#define NEVER  UINT64_MAX

uint64_t loop_clock(void)
{
        struct timespec now = { 0 };
        clock_gettime(CLOCK_MONOTONIC, &now);
        return (uint64_t)now.tv_sec * SECOND + (uint64_t)now.tv_nsec / 1000;
}

uint64_t loop_now(const struct sd_event *event)
{
        return event->now ? event->now : loop_clock();
}

int sd_event_new(sd_event **ret)
{
        struct sd_event *event = calloc(1, sizeof *event);
        if (!event)
                return -ENOMEM;
        event->refs = 1;
        *ret = event;
        return 0;
}

sd_event *sd_event_ref(sd_event *event)
{
        if (event)
                event->refs++;
        return event;
}

sd_event *sd_event_unref(sd_event *event)
{
        if (!event || --event->refs > 0)
                return NULL;
        while (event->first) { /* only those that float are left */
                struct sd_event_source *source = event->first;
                loop_detach(source);
                sd_event_source_unref(source);
        }
        free(event->polled);
        free(event->polled_for);
        free(event);
        return NULL;
}

/* Is `a` to be called before `b`? Both can be. */
static bool comes_first(const struct sd_event_source *a, const struct sd_event_source *b)
{
        if (a->priority != b->priority)
                return a->priority < b->priority;
        if (a->pending_since != b->pending_since)
                return a->pending_since < b->pending_since;
        return a->kind->timed && b->kind->timed && a->next < b->next;
}

static struct sd_event_source *next_pending(const struct sd_event *event)
{
        struct sd_event_source *best = NULL;
        for (struct sd_event_source *s = event->first; s; s = s->after)
                if (s->pending && loop_is_online(s) && (!best || comes_first(s, best)))
                        best = s;
        return best;
}

static uint64_t wakes_at(const struct sd_event_source *source)
{
        if (source->rate.cut_off)
                return source->enabled == SD_EVENT_OFF ? NEVER
                                                       : source->rate.begin + source->rate.interval;
        return source->kind->timed && loop_is_online(source) && !source->pending ? source->next
                                                                                 : NEVER;
}

static size_t gather(struct sd_event *event)
{
        size_t count = 0;
        for (struct sd_event_source *s = event->first; s; s = s->after) {
                if (!s->kind->by_fd || !loop_is_online(s) || s->lost)
                        continue;
                event->polled[count] = (struct pollfd){ .fd = s->fd, .events = (short)s->events };
                event->polled_for[count++] = s;
        }
        return count;
}

static void take_ready(const struct sd_event *event, size_t count)
{
        for (size_t i = 0; i < count; i++) {
                struct sd_event_source *source = event->polled_for[i];
                uint32_t came = (uint32_t)(unsigned short)event->polled[i].revents;
                source->lost = came & POLLNVAL;
                if (came == 0 || source->lost)
                        continue;
                source->came = source->pending ? source->came | came : came;
                loop_mark_pending(source, true);
        }
}

static void take_time(const struct sd_event *event)
{
        for (struct sd_event_source *s = event->first; s; s = s->after) {
                if (wakes_at(s) > event->now)
                        continue;
                if (s->rate.cut_off) {
                        s->rate.cut_off = false;
                        s->rate.begin = 0;
                        loop_release(s);
                } else {
                        loop_mark_pending(s, true);
                }
        }
}

/* How long until the first of them, `most` at most; NEVER for ever. */
static uint64_t patience(const struct sd_event *event, uint64_t most)
{
        uint64_t at = NEVER, now = loop_clock();
        for (const struct sd_event_source *s = event->first; s; s = s->after)
                at = wakes_at(s) < at ? wakes_at(s) : at;
        if (at == NEVER)
                return most;
        uint64_t left = at > now ? at - now : 0;
        return left < most ? left : most;
}

/* False: a signal came in between, and nothing is known. */
static bool wait_for_news(struct sd_event *event, uint64_t most)
{
        size_t count = gather(event);
        uint64_t left = patience(event, most);
        const struct timespec time = { .tv_sec = (time_t)(left / SECOND),
                .tv_nsec = (long)(left % SECOND) * 1000 };
        int r = ppoll(event->polled, (nfds_t)count, left == NEVER ? NULL : &time, NULL);
        event->now = loop_clock();
        if (r < 0)
                return false;
        take_ready(event, count);
        take_time(event);
        return true;
}

int sd_event_run(sd_event *event, uint64_t usec)
{
        if (event->finished)
                return -ESTALE;
        event->turn++;
        if (event->exiting) {
                event->finished = true;
                return 0;
        }
        if (!wait_for_news(event, next_pending(event) ? 0 : usec))
                return 1;
        struct sd_event_source *source = next_pending(event);
        if (!source)
                return 0;
        sd_event_ref(event);
        loop_dispatch(source);
        sd_event_unref(event);
        return 1;
}

int sd_event_loop(sd_event *event)
{
        int r = 0;
        sd_event_ref(event);
        while (r >= 0 && !event->finished)
                r = sd_event_run(event, NEVER);
        if (r >= 0)
                r = event->exit_code;
        sd_event_unref(event);
        return r;
}

int sd_event_exit(sd_event *event, int code)
{
        if (event->finished)
                return -ESTALE;
        event->exiting = true;
        event->exit_code = code;
        return 0;
}

int sd_event_now(sd_event *event, clockid_t clock, uint64_t *ret)
{
        if (clock != CLOCK_MONOTONIC)
                return -EOPNOTSUPP;
        *ret = loop_now(event);
        return event->now ? 0 : 1;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* source.c: a source from its making to its freeing: who holds it, whether it is on, how often it may come.
 *
 * One that is freed by its own callback is taken off the loop at once and goes when the callback has returned. One that is switched
 * off forgets what came; one that is on for one time is switched off before that call. A callback that fails switches its source
 * off: sd_event_add_io(3).
 */
#include "daemon/portable/loop.h"

static int make_room(struct sd_event *event)
{
        if (event->count < event->polled_cap)
                return 0;
        size_t cap = event->polled_cap ? event->polled_cap * 2 : 16;
        struct pollfd *polled = realloc(event->polled, cap * sizeof *polled);
        if (!polled)
                return -ENOMEM;
        event->polled = polled;
        struct sd_event_source **polled_for = realloc(event->polled_for, cap * sizeof *polled_for);
        if (!polled_for)
                return -ENOMEM;
        event->polled_for = polled_for;
        event->polled_cap = cap;
        return 0;
}

static void enlist(struct sd_event *event, struct sd_event_source *source)
{
        source->event = event;
        source->before = event->last;
        if (event->last)
                event->last->after = source;
        else
                event->first = source;
        event->last = source;
        event->count++;
}

static void free_source(struct sd_event_source *source)
{
        if (source->owns_fd && source->fd >= 0)
                close(source->fd);
        free(source->news);
        if (source->destroy)
                source->destroy(source->user);
        free(source);
}

int loop_attach(
        struct sd_event *event, const struct sd_event_source *made, struct sd_event_source **ret)
{
        int r = event->finished ? -ESTALE : make_room(event);
        struct sd_event_source *source = r == 0 ? malloc(sizeof *source) : NULL;
        if (!source) {
                if (made->owns_fd)
                        close(made->fd);
                free(made->news);
                return r < 0 ? r : -ENOMEM;
        }
        *source = *made;
        source->refs = 1;
        source->enabled = source->kind->enabled;
        source->floating = ret == NULL;
        enlist(event, source);
        if (!source->floating)
                sd_event_ref(event);
        if (source->kind->deferred)
                loop_mark_pending(source, true);
        if (ret)
                *ret = source;
        return 0;
}

void loop_detach(struct sd_event_source *source)
{
        struct sd_event *event = source->event;
        if (!event)
                return;
        *(source->before ? &source->before->after : &event->first) = source->after;
        *(source->after ? &source->after->before : &event->last) = source->before;
        source->before = source->after = NULL;
        source->event = NULL;
        source->pending = false;
        event->count--;
        if (!source->floating)
                sd_event_unref(event);
}

sd_event_source *sd_event_source_ref(sd_event_source *source)
{
        if (source)
                source->refs++;
        return source;
}

sd_event_source *sd_event_source_unref(sd_event_source *source)
{
        if (!source || --source->refs > 0)
                return NULL;
        loop_detach(source);
        if (!source->dispatching)
                free_source(source);
        return NULL;
}

sd_event_source *sd_event_source_disable_unref(sd_event_source *source)
{
        if (source)
                (void)sd_event_source_set_enabled(source, SD_EVENT_OFF);
        return sd_event_source_unref(source);
}

void loop_mark_pending(struct sd_event_source *source, bool pending)
{
        if (pending && !source->pending)
                source->pending_since = source->event->turn;
        source->pending = pending;
}

void loop_release(struct sd_event_source *source)
{
        source->lost = false;
        if (source->news_at < source->news_len)
                loop_mark_pending(source, true);
}

/* True: this call goes over the limit, and the source is silent until the interval is over. */
static bool comes_too_often(struct sd_event_source *source)
{
        uint64_t now = loop_now(source->event);
        if (source->rate.interval == 0)
                return false;
        if (source->rate.begin == 0 || source->rate.begin + source->rate.interval < now) {
                source->rate.begin = now;
                source->rate.count = 0;
        }
        source->rate.cut_off = source->rate.count++ >= source->rate.burst;
        if (source->rate.cut_off && !source->kind->deferred)
                loop_mark_pending(source, false);
        return source->rate.cut_off;
}

static void tell_those_that_follow(const struct sd_event *event)
{
        for (struct sd_event_source *s = event->first; s; s = s->after)
                if (s->kind->follows && loop_is_online(s))
                        loop_mark_pending(s, true);
}

void loop_dispatch(struct sd_event_source *source)
{
        if (comes_too_often(source))
                return;
        if (!source->kind->deferred)
                loop_mark_pending(source, false);
        if (!source->kind->follows)
                tell_those_that_follow(source->event);
        if (source->enabled == SD_EVENT_ONESHOT)
                (void)sd_event_source_set_enabled(source, SD_EVENT_OFF);
        source->dispatching = true;
        int r = source->kind->dispatch(source);
        source->dispatching = false;
        if (source->refs == 0)
                free_source(source);
        else if (r < 0)
                (void)sd_event_source_set_enabled(source, SD_EVENT_OFF);
}

sd_event *sd_event_source_get_event(sd_event_source *source)
{
        return source ? source->event : NULL;
}

int sd_event_source_get_enabled(sd_event_source *source, int *ret)
{
        int enabled = source ? source->enabled : SD_EVENT_OFF;
        if (ret)
                *ret = enabled;
        return enabled != SD_EVENT_OFF;
}

int sd_event_source_set_enabled(sd_event_source *source, int enabled)
{
        if (!source)
                return enabled == SD_EVENT_OFF ? 0 : -EINVAL;
        if (source->enabled == enabled)
                return 0;
        if (!source->event || source->event->finished)
                return enabled == SD_EVENT_OFF ? 0 : -ESTALE;
        bool switched = enabled == SD_EVENT_OFF || source->enabled == SD_EVENT_OFF;
        source->enabled = enabled;
        if (switched && !source->kind->deferred)
                loop_mark_pending(source, false);
        if (switched && enabled != SD_EVENT_OFF)
                loop_release(source);
        return 0;
}

int sd_event_source_set_priority(sd_event_source *source, int64_t priority)
{
        if (!source || !source->event)
                return -ESTALE;
        source->priority = priority;
        return 0;
}

int sd_event_source_set_destroy_callback(sd_event_source *source, sd_event_destroy_t callback)
{
        if (source)
                source->destroy = callback;
        return source ? 0 : -EINVAL;
}

int sd_event_source_set_floating(sd_event_source *source, int floating)
{
        if (!source || !source->event)
                return -ESTALE;
        if (source->floating == (floating != 0))
                return 0;
        source->floating = floating != 0;
        if (floating) {
                sd_event_source_ref(source);
                sd_event_unref(source->event);
        } else {
                sd_event_ref(source->event);
                sd_event_source_unref(source);
        }
        return 1;
}

int sd_event_source_set_ratelimit(sd_event_source *source, uint64_t interval, unsigned burst)
{
        if (!source || !source->kind->limits)
                return -EDOM;
        source->rate.interval = burst ? interval : 0;
        source->rate.burst = burst;
        source->rate.begin = 0;
        source->rate.count = 0;
        source->rate.cut_off = false;
        return 0;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* loop.h: what the portable event loop's own files know of each other: event.c turns, source.c keeps, kinds.c makes.
 *
 * A source is on its loop's list from its making to its freeing. `refs` counts its holders; one that floats is held by the loop,
 * any other holds the loop. It can run when it is switched on, is not cut off for coming too often, and something has come.
 */
#ifndef MOHR_PORTABLE_LOOP_H
#define MOHR_PORTABLE_LOOP_H

#include "base/base.h"
#include <limits.h>
#include <poll.h>
#include <systemd/sd-event.h>

struct loop_kind {
        int enabled;   /* how a new one is */
        bool deferred; /* its time is always: what is pending stays so */
        bool timed;
        bool follows; /* its time is after each call of another kind */
        bool by_fd;   /* its time is when fd is ready for `events` */
        bool limits;  /* may be limited */
        /* Makes the call. What it needs of the source is copied beforehand: the callback may free it. */
        int (*dispatch)(struct sd_event_source *source);
};

struct sd_event_source {
        struct sd_event *event; /* NULL: taken off, held by somebody still */
        struct sd_event_source *before, *after;
        const struct loop_kind *kind;
        unsigned int refs;
        int enabled;
        int64_t priority;
        bool floating, pending, dispatching;
        uint64_t pending_since; /* the turn in which something came */
        void *user;
        sd_event_destroy_t destroy;
        union {
                sd_event_handler_t plain;
                sd_event_io_handler_t io;
                sd_event_time_handler_t time;
                sd_event_signal_handler_t signal;
                sd_event_inotify_handler_t inotify;
        } callback;

        int fd;
        bool owns_fd, lost; /* lost: closed behind our back */
        uint32_t events, came;
        uint64_t next; /* of a timer, microseconds of CLOCK_MONOTONIC */
        int signal;

        /* A folder's news, as read; what begins at news_at is not told yet. */
        char *news;
        size_t news_at, news_len;

        struct {
                uint64_t interval, begin;
                unsigned int burst, count;
                bool cut_off; /* until begin + interval */
        } rate;
};

struct sd_event {
        unsigned int refs;
        struct sd_event_source *first, *last;
        size_t count;
        struct pollfd *polled; /* room for one of each source */
        struct sd_event_source **polled_for;
        size_t polled_cap;
        uint64_t turn, now; /* now: 0 before the first turn */
        bool exiting, finished;
        int exit_code;
};

/* source.c. A new one, on the loop's list, switched on as its kind is; refs 1, or floating without `ret`. `fd` becomes its own
 * if `owns_fd`, whatever happens. */
_must_check_ int loop_attach(
        struct sd_event *event, const struct sd_event_source *made, struct sd_event_source **ret);
void loop_mark_pending(struct sd_event_source *source, bool pending);
void loop_detach(struct sd_event_source *source); /* takes it off the list */
/* It may come again: and has, if news were left over. */
void loop_release(struct sd_event_source *source);
/* Makes the call of one that is pending. */
void loop_dispatch(struct sd_event_source *source);
/* It is switched on and not cut off. */
static inline bool loop_is_online(const struct sd_event_source *source)
{
        return source->enabled != SD_EVENT_OFF && !source->rate.cut_off;
}

/* event.c: microseconds of CLOCK_MONOTONIC, and the same at the beginning of this turn. */
uint64_t loop_clock(void);
uint64_t loop_now(const struct sd_event *event);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* history_tidy.c: what is old goes though nobody asks for anything.
 *
 * The worker takes old bodies out behind an answer, once a day (docs/history.md, "Pruning"). Where no request comes for
 * months, nobody would start it, and what was to be kept for thirty days would still be there. So it is asked a question whose
 * answer nobody needs, some times a day, if there is a history. Where nothing is ever to be taken out nobody wakes for it.
 */
#include "daemon/history_internal.h"

#include <stdio.h>
#include <unistd.h>

#define FIRST_US (60 * 1000000ULL)
#define AGAIN_US (6 * 3600 * 1000000ULL)

static bool is_there(const struct history *history)
{
        char path[4096];
        int len = snprintf(path, sizeof path, "%s/history.db", history->config->state_dir);
        return len > 0 && (size_t)len < sizeof path && access(path, F_OK) == 0;
}

static int on_tidying(sd_event_source *source, uint64_t usec, void *user)
{
        struct history *history = user;
        (void)usec;
        (void)sd_event_source_set_time_relative(source, AGAIN_US);
        (void)sd_event_source_set_enabled(source, SD_EVENT_ONESHOT);
        if (is_there(history))
                history_nudge(history);
        return 0;
}

int history_tidy_init(struct history *history)
{
        if (history->config->history_keep_days == 0 || !history->config->state_dir)
                return 0;
        int r = sd_event_add_time_relative(history->event, &history->tidying, CLOCK_MONOTONIC,
                FIRST_US, 0, on_tidying, history);
        return r < 0 ? r : 0;
}

void history_tidy_end(struct history *history)
{
        sd_event_source_disable_unref(history->tidying);
}

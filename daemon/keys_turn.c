/* SPDX-License-Identifier: Apache-2.0 */
/* keys_turn.c: see keys_turn.h. A list in the order of arrival, looked through whenever something ended or a reader changed: the
 * first one of a reader that nobody uses has its turn. Looking is never done inside a caller's own call.
 */
#include "daemon/keys_turn.h"

#include "base/outcome.h"

struct keys_turns {
        sd_event *event;
        struct readers *readers;
        struct readers_watch *watch; /* while there is somebody */
        sd_event_source *look;
        struct keys_turn *first;
};

struct keys_turn {
        struct keys_turn *next;
        struct keys_turns *turns;
        char *reader;
        bool has_it;
        sd_event_source *limit;
        void (*ready)(void *user, int outcome);
        void *user;
};

static bool is_used(const struct keys_turns *turns, const char *reader)
{
        struct reader_info info[DRIVER_READERS_MAX * CONFIG_DRIVERS_MAX];
        size_t count = readers_list(turns->readers, info, ARRAY_LEN(info));
        for (size_t i = 0; i < count; i++)
                if (strcmp(info[i].name, reader) == 0)
                        return strcmp(info[i].state, "in_use") == 0;
        return false; /* who has the turn will be told what is wrong */
}

/* The first of its reader, and nobody uses that. */
static bool may_begin(const struct keys_turns *turns, const struct keys_turn *turn)
{
        for (const struct keys_turn *other = turns->first; other != turn; other = other->next)
                if (strcmp(other->reader, turn->reader) == 0)
                        return false;
        return !turn->has_it && !is_used(turns, turn->reader);
}

static void look_again(struct keys_turns *turns)
{
        (void)sd_event_source_set_enabled(turns->look, SD_EVENT_ONESHOT);
}

/* One at a time: what it starts may change all the others. */
static int on_look(sd_event_source *source, void *user)
{
        struct keys_turns *turns = user;
        (void)source;
        struct keys_turn *turn = turns->first;
        while (turn && !may_begin(turns, turn))
                turn = turn->next;
        if (!turn)
                return 0;
        turn->has_it = true;
        turn->limit = sd_event_source_disable_unref(turn->limit);
        look_again(turns);
        turn->ready(turn->user, 0);
        return 0;
}

static void on_change(void *user)
{
        look_again(user);
}

static int on_limit(sd_event_source *source, uint64_t usec, void *user)
{
        struct keys_turn *turn = user;
        (void)source, (void)usec;
        turn->ready(turn->user, OUTCOME_BUSY);
        return 0;
}

int keys_turns_new(struct keys_turns **ret, sd_event *event, struct readers *readers)
{
        struct keys_turns *turns = calloc(1, sizeof *turns);
        if (!turns)
                return -ENOMEM;
        *turns = (struct keys_turns){ .event = event, .readers = readers };
        int r = sd_event_add_defer(event, &turns->look, on_look, turns);
        if (r >= 0)
                r = sd_event_source_set_enabled(turns->look, SD_EVENT_OFF);
        if (r < 0) {
                keys_turns_free(turns);
                return r;
        }
        *ret = turns;
        return 0;
}

struct keys_turns *keys_turns_free(struct keys_turns *turns)
{
        if (!turns)
                return NULL;
        readers_watch_free(turns->watch);
        sd_event_source_disable_unref(turns->look);
        free(turns);
        return NULL;
}

static int prepare(struct keys_turn *turn, const char *reader, unsigned int limit_ms)
{
        struct keys_turns *turns = turn->turns;
        turn->reader = strdup(reader);
        if (!turn->reader)
                return -ENOMEM;
        int r = turns->watch ? 0
                             : readers_subscribe(turns->readers, &turns->watch, on_change, turns);
        return r < 0 ? r
                     : sd_event_add_time_relative(turns->event, &turn->limit, CLOCK_MONOTONIC,
                               limit_ms * UINT64_C(1000), 1000, on_limit, turn);
}

bool keys_turn_must_wait(const struct keys_turns *turns, const char *reader)
{
        for (const struct keys_turn *turn = turns->first; turn; turn = turn->next)
                if (strcmp(turn->reader, reader) == 0)
                        return true;
        return is_used(turns, reader);
}

int keys_turn_take(struct keys_turn **ret, struct keys_turns *turns, const char *reader,
        unsigned int limit_ms, void (*ready)(void *user, int outcome), void *user)
{
        struct keys_turn *turn = calloc(1, sizeof *turn), **end = &turns->first;
        if (!turn)
                return -ENOMEM;
        *turn = (struct keys_turn){ .turns = turns, .ready = ready, .user = user };
        while (*end)
                end = &(*end)->next;
        *end = turn;
        int r = prepare(turn, reader, limit_ms);
        if (r < 0) {
                keys_turn_free(turn);
                return r;
        }
        look_again(turns);
        *ret = turn;
        return 0;
}

struct keys_turn *keys_turn_free(struct keys_turn *turn)
{
        if (!turn)
                return NULL;
        struct keys_turns *turns = turn->turns;
        struct keys_turn **link = &turns->first;
        while (*link != turn)
                link = &(*link)->next;
        *link = turn->next;
        sd_event_source_disable_unref(turn->limit);
        free(turn->reader);
        free(turn);
        look_again(turns);
        if (!turns->first)
                turns->watch = readers_watch_free(turns->watch);
        return NULL;
}

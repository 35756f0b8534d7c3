/* SPDX-License-Identifier: Apache-2.0 */
/* readers.c: see readers.h. The list of readers as the rest of the daemon sees it.
 *
 * Who is told of a change is told from the loop, never from inside the change: so a subscriber may take
 * or give back a reader, and several changes of one report are one piece of news. A name is looked up
 * among all backends. One that two readers bear is nobody's: what is plugged in beside a reader names itself, and
 * must not be met in its place.
 *
 * Cards on several readers and none named is BUSY with a text that says so: to choose for the person
 * would be to guess whose card signs. Who can be asked is asked before it comes to that (request_ask.c).
 */
#include "daemon/readers_internal.h"

#include <stdio.h>
#include <time.h>

/* What a helper may know of our environment: where pcscd listens, and the sanitizers' settings. */
static const char *const passed_on[] = { "PCSCLITE_CSOCK_NAME", "ASAN_OPTIONS", "UBSAN_OPTIONS" };

#define FIRST_LOOK_US 3000000ULL

static int on_notify(sd_event_source *source, void *user)
{
        (void)source;
        struct readers *readers = user;
        if (readers_settled(readers)) /* nobody is woken for what is known */
                readers->first_look = sd_event_source_disable_unref(readers->first_look);
        readers->cursor = readers->watches;
        while (readers->cursor) {
                struct readers_watch *watch = readers->cursor;
                readers->cursor = watch->next;
                watch->changed(watch->user);
        }
        return 0;
}

void readers_changed(struct readers *readers)
{
        sd_event_source_set_enabled(readers->notify, SD_EVENT_ONESHOT);
}

int readers_timer(
        struct readers *readers, sd_event_source **ret, sd_event_time_handler_t fired, void *user)
{
        int r = sd_event_add_time(
                readers->event, ret, CLOCK_MONOTONIC, 0, TIMER_EXACT_US, fired, user);
        return r < 0 ? r : sd_event_source_set_enabled(*ret, SD_EVENT_OFF);
}

void readers_arm(sd_event_source *timer, uint64_t after_us)
{
        sd_event_source_set_time_relative(timer, after_us);
        sd_event_source_set_enabled(timer, SD_EVENT_ONESHOT);
}

uint64_t readers_next_delay(uint64_t delay_us)
{
        if (delay_us == 0)
                return RESTART_MIN_US;
        return delay_us * 2 < RESTART_MAX_US ? delay_us * 2 : RESTART_MAX_US;
}

void readers_argv(const struct backend *backend, const char *program, const char *const extra[2],
        const char **argv)
{
        const struct config *config = backend->readers->config;
        size_t n = 0;
        argv[n++] = program;
        argv[n++] = "--driver";
        argv[n++] = backend->row->driver;
        for (size_t i = 0; i < 2 && extra[i]; i++)
                argv[n++] = extra[i];
        for (char *const *option = config_options(config, backend->row->driver); *option;
                option++) {
                argv[n++] = "--option";
                argv[n++] = *option;
        }
        argv[n] = NULL;
}

static int on_first_look(sd_event_source *source, uint64_t usec, void *user)
{
        (void)source, (void)usec;
        struct readers *readers = user;
        readers->first_look = sd_event_source_disable_unref(readers->first_look);
        if (!readers_settled(readers))
                readers_changed(readers);
        return 0;
}

static int begin_first_look(struct readers *readers)
{
        int r = readers_timer(readers, &readers->first_look, on_first_look, readers);
        if (r >= 0)
                readers_arm(readers->first_look, FIRST_LOOK_US);
        return r;
}

static int make_env(struct readers *readers)
{
        size_t n = 0;
        for (size_t i = 0; i < ARRAY_LEN(passed_on); i++) {
                const char *value = getenv(passed_on[i]);
                if (value && asprintf(&readers->env[n++], "%s=%s", passed_on[i], value) < 0) {
                        readers->env[n - 1] =
                                NULL; /* asprintf says nothing of what it left there */
                        return -ENOMEM;
                }
        }
        return 0;
}

int readers_new(
        struct readers **ret, sd_event *event, const struct config *config, const struct log *log)
{
        struct readers *readers = calloc(1, sizeof *readers);
        if (!readers)
                return -ENOMEM;
        readers->event = sd_event_ref(event);
        readers->config = config;
        readers->log = log;
        int r = sd_event_add_defer(event, &readers->notify, on_notify, readers);
        if (r >= 0)
                r = sd_event_source_set_enabled(readers->notify, SD_EVENT_OFF);
        if (r >= 0)
                r = begin_first_look(readers);
        if (r >= 0)
                r = make_env(readers);
        for (size_t i = 0; r >= 0 && i < CONFIG_DRIVERS_MAX && config->drivers[i]; i++)
                r = backend_start(
                        readers, &readers->backends[readers->backend_count++], config->drivers[i]);
        if (r < 0) {
                readers_free(readers);
                return r;
        }
        *ret = readers;
        return 0;
}

struct readers *readers_free(struct readers *readers)
{
        if (!readers)
                return NULL;
        readers_end(readers);
        direct_forget_all(readers);
        for (size_t i = 0; i < readers->backend_count; i++)
                backend_stop(&readers->backends[i]);
        while (readers->list) {
                struct reader *reader = readers->list;
                readers->list = reader->next;
                reader_free(reader);
        }
        sd_event_source_disable_unref(readers->notify);
        sd_event_source_disable_unref(readers->first_look);
        sd_event_unref(readers->event);
        for (size_t i = 0; readers->env[i]; i++)
                free(readers->env[i]);
        free(readers);
        return NULL;
}

/* What a reader is, in the order in which it matters. */
static const struct state {
        const char *state, *why;
        int trouble;
} troubles[] = {
        { "busy", "held", OUTCOME_BUSY },
        { "unusable", "no-access", OUTCOME_READER_SERVICE },
        { "unusable", "no-answer", OUTCOME_NO_READER },
        { "unusable", "failed", OUTCOME_INTERNAL },
        { "unusable", "settings", OUTCOME_USAGE },
};

static void describe_state(const struct reader *reader, struct reader_info *ret)
{
        const struct driver_reader *seen = &reader->seen;
        ret->state = reader->taken   ? "in_use"
                     : seen->busy    ? "busy"
                     : seen->present ? "card"
                                     : "empty";
        if (!reader->taken && reader->backend->row->linked)
                ret->why = linked_why(reader, &ret->state);
        for (size_t i = 0; !reader->taken && !ret->why && i < ARRAY_LEN(troubles); i++)
                if (reader->trouble == troubles[i].trouble) {
                        ret->state = troubles[i].state;
                        ret->why = troubles[i].why;
                }
        if (!reader->taken && reader->stage == HELPER_UNUSABLE) {
                ret->state = "unusable";
                ret->why = "sandbox";
        }
}

void reader_describe(const struct reader *reader, struct reader_info *ret)
{
        *ret = (struct reader_info){
                .name = reader->seen.name,
                .driver = reader->backend->row->driver,
                .simulated = reader->backend->row->simulated || reader->link.simulated,
                .events = reader->serial,
                .linked = reader->backend->row->linked,
                .asks_pin = reader->link.asks_pin,
                .pin_sent = reader->link.pin_sent,
                .remote = reader->link.reader,
                .latency_us = reader->link.latency_us,
        };
        describe_state(reader, ret);
}

size_t readers_list(const struct readers *readers, struct reader_info *ret, size_t cap)
{
        size_t n = 0;
        for (const struct reader *reader = readers->list; reader && n < cap; reader = reader->next)
                reader_describe(reader, &ret[n++]);
        return n;
}

size_t readers_with_cards(const struct readers *readers, struct reader_info *ret, size_t cap)
{
        size_t n = 0;
        for (const struct reader *reader = readers->list; reader && n < cap; reader = reader->next)
                if (reader->seen.present && reader->trouble <= 0 &&
                        reader->stage != HELPER_UNUSABLE)
                        reader_describe(reader, &ret[n++]);
        return n;
}

size_t readers_backends(const struct readers *readers, struct backend_info *ret, size_t cap)
{
        size_t n = 0;
        for (size_t i = 0; i < readers->backend_count && n < cap; i++) {
                if (readers->backends[i].dozing)
                        continue;
                ret[n++] = (struct backend_info){
                        .driver = readers->backends[i].row->driver,
                        .state = readers->backends[i].paused    ? "paused"
                                 : readers->backends[i].running ? "running"
                                 : readers->backends[i].denied  ? "denied"
                                                                : "unavailable",
                };
        }
        return n;
}

bool readers_settled(const struct readers *readers)
{
        for (size_t i = 0; i < readers->backend_count; i++)
                if (!readers->backends[i].spoken)
                        return false;
        for (const struct reader *reader = readers->list; reader; reader = reader->next)
                if (reader->trouble == NOT_TOLD)
                        return false;
        return true;
}

bool readers_first_look(const struct readers *readers)
{
        return readers->first_look && !readers_settled(readers);
}

int readers_subscribe(struct readers *readers, struct readers_watch **ret,
        void (*changed)(void *user), void *user)
{
        struct readers_watch *watch = malloc(sizeof *watch);
        if (!watch)
                return -ENOMEM;
        *watch = (struct readers_watch){ readers->watches, readers, changed, user };
        readers->watches = watch;
        *ret = watch;
        return 0;
}

struct readers_watch *readers_watch_free(struct readers_watch *watch)
{
        if (!watch)
                return NULL;
        struct readers_watch **slot = &watch->readers->watches;
        while (*slot != watch)
                slot = &(*slot)->next;
        *slot = watch->next;
        if (watch->readers->cursor == watch)
                watch->readers->cursor = watch->next;
        free(watch);
        return NULL;
}

/* No reader fits: is that the person's matter, or the machine's? */
static int nothing_there(const struct readers *readers, const char **ret_detail)
{
        for (size_t i = 0; i < readers->backend_count; i++)
                if (readers->backends[i].running)
                        return OUTCOME_NO_READER;
        *ret_detail = "no reader service answers";
        for (size_t i = 0; i < readers->backend_count; i++)
                if (readers->backends[i].denied)
                        *ret_detail = "the reader service denies this user";
                else if (readers->backends[i].paused && !readers->backends[i].dozing)
                        *ret_detail = "this session is not active: its readers were let go";
        return OUTCOME_READER_SERVICE;
}

/* The names of one backend are its own affair; a device may bear whatever name it likes in another. */
static int find_named(const struct readers *readers, const char *name, struct reader **ret,
        const char **ret_detail)
{
        struct reader *found = NULL;
        for (struct reader *reader = readers->list; reader; reader = reader->next) {
                if (strcmp(reader->seen.name, name) != 0)
                        continue;
                if (found) {
                        *ret_detail = "two readers have this name";
                        return OUTCOME_BUSY;
                }
                found = reader;
        }
        if (!found) {
                *ret_detail = DETAIL_NO_SUCH_NAME;
                return OUTCOME_NO_READER;
        }
        *ret = found;
        return 0;
}

/* Where there is nothing but a phone that is not of use, the card is not what is missing. */
static int no_card(const struct readers *readers, const char **ret_detail)
{
        const struct reader *only = readers->list;
        if (!only || only->next || !only->backend->row->linked || only->trouble <= 0)
                return OUTCOME_NO_CARD;
        return linked_refuses(only, ret_detail);
}

static int find_only(const struct readers *readers, struct reader **ret, const char **ret_detail)
{
        struct reader *found = NULL;
        for (struct reader *reader = readers->list; reader; reader = reader->next) {
                if (!reader->seen.present)
                        continue;
                if (found) {
                        *ret_detail = DETAIL_SEVERAL_CARDS;
                        return OUTCOME_BUSY;
                }
                found = reader;
        }
        if (!found)
                return no_card(readers, ret_detail);
        *ret = found;
        return 0;
}

static int may_take(const struct reader *reader, const char **ret_detail)
{
        if (reader->stage == HELPER_UNUSABLE) {
                *ret_detail = "the reader's helper did not report a closed sandbox";
                return OUTCOME_READER_SERVICE;
        }
        if (reader->taken) {
                *ret_detail = DETAIL_READER_TAKEN;
                return OUTCOME_BUSY;
        }
        if (reader->trouble > 0 && reader->backend->row->linked)
                return linked_refuses(reader, ret_detail);
        if (reader->trouble == OUTCOME_BUSY) {
                *ret_detail = "another program holds this reader";
                return OUTCOME_BUSY;
        }
        if (reader->trouble > 0) {
                *ret_detail = "the reader cannot be used: mohr status says why";
                return OUTCOME_READER_SERVICE;
        }
        return reader->seen.present ? 0 : OUTCOME_NO_CARD;
}

int readers_acquire(
        struct readers *readers, const char *name, struct reader **ret, const char **ret_detail)
{
        struct reader *reader = NULL;
        *ret_detail = NULL;
        if (!readers->list)
                return nothing_there(readers, ret_detail);
        int r = name ? find_named(readers, name, &reader, ret_detail)
                     : find_only(readers, &reader, ret_detail);
        if (r == 0)
                r = may_take(reader, ret_detail);
        if (r != 0)
                return r;
        reader->taken = true;
        readers_changed(readers);
        *ret = reader;
        return 0;
}

bool reader_in_transaction(const struct reader *reader)
{
        return reader->stage == HELPER_HOLDING;
}

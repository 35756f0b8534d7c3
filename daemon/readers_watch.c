/* SPDX-License-Identifier: Apache-2.0 */
/* readers_watch.c: one watcher process per backend. It reports the whole set of readers whenever that
 * changed; here the report is compared with the list. A watcher that ends, or says that its service is
 * absent, takes its readers with it: nothing that cannot be seen is offered. It is started again after
 * 0.25 s, then 0.5 s, up to every 30 s; the timer runs only while it is down, so idle means idle.
 *
 * `serial` is the daemon's own number for "this card on this reader": it changes whenever the driver's
 * counter or the presence does, and no number is given twice, so that a service which restarts and
 * counts from zero cannot make a new card look like an old one.
 */
#include "daemon/programs.h"
#include "daemon/readers_internal.h"

#include <limits.h>
#include <stdio.h>

static const struct driver_row driver_rows[] = {
        { "pcsc", "mohr-reader", "mohr-reader", false, false, false },
        { "nfc", "mohr-reader-nfc", "mohr-watch", false, true, false },
        { "usb", "mohr-reader-usb", "mohr-watch", false, true, false },
        { "phone", "mohr-reader-phone", "mohr-watch-phone", false, true, true },
        { "soft", "mohr-reader-soft", "mohr-reader-soft", true, false, false },
};

static const struct driver_row *find_row(const char *driver)
{
        for (size_t i = 0; i < ARRAY_LEN(driver_rows); i++)
                if (strcmp(driver_rows[i].driver, driver) == 0)
                        return &driver_rows[i];
        return NULL;
}

static const struct driver_reader *reported(const struct op_readers *report, const char *name)
{
        for (size_t i = 0; i < report->count; i++)
                if (strcmp(report->readers[i].name, name) == 0)
                        return &report->readers[i];
        return NULL;
}

static struct reader *listed(const struct backend *backend, const char *name)
{
        for (struct reader *reader = backend->readers->list; reader; reader = reader->next)
                if (reader->backend == backend && strcmp(reader->seen.name, name) == 0)
                        return reader;
        return NULL;
}

void reader_update(struct reader *reader, const struct driver_reader *now)
{
        if (reader->seen.events != now->events || reader->seen.present != now->present)
                reader->serial = ++reader->backend->readers->last_serial;
        reader->seen = *now;
}

static void drop_missing(struct backend *backend, const struct op_readers *report, int outcome)
{
        struct reader **slot = &backend->readers->list;
        while (*slot) {
                struct reader *reader = *slot;
                if (reader->backend != backend || (report && reported(report, reader->seen.name))) {
                        slot = &reader->next;
                        continue;
                }
                *slot = reader->next;
                reader_vanish(reader, outcome);
        }
}

static int append(struct backend *backend, const struct driver_reader *seen)
{
        struct reader **slot = &backend->readers->list;
        while (*slot)
                slot = &(*slot)->next;
        int r = reader_new(slot, backend, seen);
        if (r == 0)
                log_kv(backend->readers->log, LOG_LEVEL_INFO, NULL, "reader found", "reader",
                        seen->name, "driver", backend->row->driver, NULL);
        return r;
}

static void say(struct backend *backend, bool running)
{
        if (backend->running != running || !backend->spoken)
                log_kv(backend->readers->log, running ? LOG_LEVEL_INFO : LOG_LEVEL_WARNING, NULL,
                        running ? "backend is running" : "backend is unavailable", "driver",
                        backend->row->driver, NULL);
        bool news = running || backend->running || !backend->spoken;
        backend->running = running;
        backend->spoken = true;
        if (news) /* not each time that a service is looked for in vain */
                readers_changed(backend->readers);
}

/* A watcher that nothing is left for has ended in order: it goes to sleep. */
static void lose(struct backend *backend)
{
        drop_missing(backend, NULL, OUTCOME_READER_SERVICE);
        if (backend_has_pairings(backend))
                say(backend, false);
        else
                backend->running = false;
}

static void drop_one(struct backend *backend, struct reader *reader)
{
        struct reader **slot = &backend->readers->list;
        while (*slot != reader)
                slot = &(*slot)->next;
        *slot = reader->next;
        reader_vanish(reader, OUTCOME_NO_READER);
}

/* False: there is no such reader in the list. */
static bool update(struct backend *backend, const struct driver_reader *now)
{
        struct reader *reader = listed(backend, now->name);
        if (!reader)
                return false;
        if (!backend->row->direct) {
                reader_update(reader, now);
                return true;
        }
        if (direct_report(reader, now))
                return true;
        drop_one(backend, reader);
        return false;
}

static void take_report(struct backend *backend, const struct op_readers *report)
{
        backend->denied = report->outcome == OUTCOME_POLICY;
        if (report->outcome != 0) {
                lose(backend);
                return;
        }
        drop_missing(backend, report, OUTCOME_NO_READER);
        for (size_t i = 0; i < report->count; i++) {
                if (update(backend, &report->readers[i]))
                        continue;
                if (append(backend, &report->readers[i]) < 0)
                        break; /* out of memory: the next report tries again */
        }
        backend->delay_us = 0;
        say(backend, true);
}

static void on_watcher_frame(void *user, const uint8_t *data, size_t len)
{
        struct backend *backend = user;
        struct op_frame frame;
        struct op_readers report;
        int r = op_frame_decode(data, len, &frame);
        if (r == 0 && !frame.reply && frame.op == OP_READY)
                return; /* a watcher holds no card and sees no PIN: its sandbox is its own matter */
        if (r == 0)
                r = frame.reply || frame.op != OP_READERS ? -EBADMSG
                                                          : op_get_readers(frame.payload, &report);
        if (r == 0) {
                take_report(backend, &report);
                return;
        }
        log_kv(backend->readers->log, LOG_LEVEL_ERR, NULL, "watcher spoke nonsense", "driver",
                backend->row->driver, NULL);
        child_kill(backend->watcher);
}

static void spawn(struct backend *backend);

static void start_if_due(struct backend *backend)
{
        if (!backend->paused && !backend->watcher && !backend_dozes(backend))
                spawn(backend);
}

static int on_restart(sd_event_source *source, uint64_t usec, void *user)
{
        (void)source, (void)usec;
        start_if_due(user);
        return 0;
}

static void retry_later(struct backend *backend)
{
        lose(backend);
        backend->delay_us =
                backend_has_pairings(backend) ? readers_next_delay(backend->delay_us) : 0;
        readers_arm(backend->restart, backend->delay_us);
}

static void on_watcher_exited(void *user, int status)
{
        struct backend *backend = user;
        char text[16];
        snprintf(text, sizeof text, "%d",
                WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status));
        bool news = backend_has_pairings(backend) && (backend->running || !backend->spoken);
        log_kv(backend->readers->log, news ? LOG_LEVEL_WARNING : LOG_LEVEL_INFO, NULL,
                "watcher ended", "driver", backend->row->driver,
                WIFSIGNALED(status) ? "signal" : "status", text, NULL);
        backend->watcher = child_free(backend->watcher);
        retry_later(backend);
}

static void spawn(struct backend *backend)
{
        static const struct child_callbacks callbacks = { on_watcher_frame, on_watcher_exited };
        static const char *const extra[2] = { "--watch", NULL };
        const char *argv[HELPER_ARGV_MAX];
        char program[PATH_MAX];
        struct readers *readers = backend->readers;
        int r = programs_path(readers->config, backend->row->watcher, program, sizeof program);
        if (r == 0) {
                readers_argv(backend, program, extra, argv);
                r = child_spawn(&backend->watcher, readers->event, argv,
                        (const char *const *)readers->env, OPS_FRAME_MAX, &callbacks, backend);
        }
        if (r == 0)
                return;
        log_kv(readers->log, LOG_LEVEL_ERR, NULL, "watcher cannot be started", "program",
                backend->row->watcher, "error", strerror(-r), NULL);
        retry_later(backend);
}

/* A device that was handed over, or was named with the driver, is its one reader, and there is nothing to watch. */
static const char *fixed_address(const struct backend *backend)
{
        const struct config *config = backend->readers->config;
        bool handed = config->usb_fd >= 0 && strcmp(backend->row->driver, "usb") == 0;
        return handed ? HANDED_OVER : config_at(config, backend->row->driver);
}

static void list_fixed(struct backend *backend, const char *address)
{
        struct op_readers report = { .count = 1 };
        snprintf(report.readers[0].name, sizeof report.readers[0].name, "%s reader",
                strcmp(backend->row->driver, "usb") == 0 ? "USB" : "NFC");
        snprintf(report.readers[0].address, sizeof report.readers[0].address, "%s", address);
        take_report(backend, &report);
}

void backend_start_watcher(struct backend *backend)
{
        backend->delay_us = 0;
        const char *address = fixed_address(backend);
        if (address)
                list_fixed(backend, address);
        else
                start_if_due(backend);
}

int backend_start(struct readers *readers, struct backend *backend, const char *driver)
{
        backend->readers = readers;
        backend->row = find_row(driver);
        if (!backend->row)
                return -EINVAL;
        int r = readers_timer(readers, &backend->restart, on_restart, backend);
        if (r < 0)
                return r;
        backend_start_watcher(backend);
        return 0;
}

void backend_stop_watcher(struct backend *backend)
{
        backend->watcher = child_free(backend->watcher);
        backend->running = false;
        backend->spoken = true;
        sd_event_source_set_enabled(backend->restart, SD_EVENT_OFF);
}

void backend_stop(struct backend *backend)
{
        backend->watcher = child_free(backend->watcher);
        backend_end_doze(backend);
        sd_event_source_disable_unref(backend->restart);
}

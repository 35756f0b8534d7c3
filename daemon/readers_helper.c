/* SPDX-License-Identifier: Apache-2.0 */
/* readers_helper.c: one helper process per reader. What it is asked stands in readers_call.c.
 *
 * A helper is nobody until its first frame says that its sandbox is closed (filter mode, no new
 * privileges, not dumpable) and that it serves the driver it was started for; one that says anything
 * else is killed and its reader stays unusable until it is plugged in again.
 *
 * A helper is replaced when an operation passes its deadline, when it dies, when it answers nonsense,
 * and whenever a request that met a card through it, or told it to write, gives its reader back: what one
 * request learnt, opened or left behind in that process is never the next one's business. The next helper
 * starts while nobody waits.
 * One that cannot even become ready, or that dies without ever having answered, is tried again with
 * growing delay, as a watcher is.
 */
#include "daemon/programs.h"
#include "daemon/readers_internal.h"

#include <limits.h>
#include <stdio.h>
#include <sys/wait.h>

static struct readers *all(const struct reader *reader)
{
        return reader->backend->readers;
}

void reader_complain(const struct reader *reader, enum log_level level, const char *what)
{
        log_kv(all(reader)->log, level, NULL, what, "reader", reader->seen.name, "driver",
                reader->backend->row->driver, NULL);
}

/* Whether its phone is there will not be known from this helper any more. */
static void end_look(struct reader *reader)
{
        if (reader->looking)
                readers_changed(all(reader));
        reader->looking = false;
}

static void stop_helper(struct reader *reader, enum helper_stage stage)
{
        reader->stage = stage;
        end_look(reader);
        calls_lost(reader);
        if (reader->helper)
                child_kill(reader->helper); /* its end starts the next one */
}

void reader_replace_helper(struct reader *reader)
{
        if (!reader_stage(reader)->final)
                stop_helper(reader, HELPER_DOWN);
}

static int take_ready(struct reader *reader, const struct op_frame *frame)
{
        const struct driver_row *row = reader->backend->row;
        struct op_ready ready;
        if (frame->reply || frame->op != OP_READY || op_get_ready(frame->payload, &ready) < 0)
                return -EBADMSG;
        if (ready.seccomp != 2 || !ready.no_new_privs || ready.dumpable ||
                ready.simulated != row->simulated || strcmp(ready.driver, row->driver) != 0) {
                reader_complain(reader, LOG_LEVEL_ERR,
                        "helper's sandbox is not closed, reader stays unusable");
                stop_helper(reader, HELPER_UNUSABLE);
                return 0;
        }
        reader->stage = HELPER_FRESH;
        direct_ready(reader);
        return calls_ready(reader);
}

static int take_frame(struct reader *reader, const struct op_frame *frame)
{
        if (reader->stage == HELPER_STARTING)
                return take_ready(reader, frame);
        if (frame->op == OP_LINK)
                return linked_told(reader, frame);
        return frame->op == OP_PRESENCE ? direct_presence(reader, frame)
                                        : calls_reply(reader, frame);
}

static void on_helper_frame(void *user, const uint8_t *data, size_t len)
{
        struct reader *reader = user;
        struct op_frame frame;
        if (!reader_stage(reader)->hears)
                return; /* last words of one that was told to die */
        int r = op_frame_decode(data, len, &frame);
        if (r == 0)
                r = take_frame(reader, &frame);
        if (r == 0)
                return;
        reader_complain(reader, LOG_LEVEL_ERR, "helper spoke nonsense");
        reader_replace_helper(reader);
        reader_fail_call(reader, OUTCOME_INTERNAL);
}

static void spawn(struct reader *reader);

static int on_respawn(sd_event_source *source, uint64_t usec, void *user)
{
        (void)source, (void)usec;
        struct reader *reader = user;
        if (reader->stage == HELPER_LEAVING)
                child_kill(reader->helper);
        else
                spawn(reader);
        return 0;
}

void reader_respawn_later(struct reader *reader)
{
        reader->delay_us = readers_next_delay(reader->delay_us);
        readers_arm(reader->respawn, reader->delay_us);
}

static void mourn(const struct reader *reader, int status)
{
        char number[16];
        snprintf(number, sizeof number, "%d",
                WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status));
        /* A phone may go away. */
        bool away = reader->backend->row->linked && linked_trouble(status) == OUTCOME_NO_READER;
        log_kv(all(reader)->log, away ? LOG_LEVEL_INFO : LOG_LEVEL_WARNING, NULL, "helper died",
                "reader", reader->seen.name, WIFSIGNALED(status) ? "signal" : "status", number,
                NULL);
}

/* What becomes of a reader whose helper ended in this stage. */
static void replace(struct reader *reader, const struct stage *before)
{
        if (reader->gone || before->again == AGAIN_NEVER || direct_waits_for_news(reader))
                return;
        if (before->again == AGAIN_LATER)
                reader_respawn_later(reader);
        else
                spawn(reader);
}

/* A helper that cannot even start with what it was told will not do so the next time; of what else is wrong
 * with a reader that is shared its watcher tells. */
static void shared_ended(struct reader *reader, int status, enum helper_stage before)
{
        bool settings = WIFEXITED(status) && WEXITSTATUS(status) == OUTCOME_USAGE;
        if (before != HELPER_STARTING || !settings || reader->trouble == OUTCOME_USAGE)
                return;
        reader->trouble = OUTCOME_USAGE;
        readers_changed(all(reader));
}

/* A link that idled may have been gone for long when it is used first. */
static bool asked_again(struct reader *reader, enum helper_stage before)
{
        return reader->backend->row->linked && before >= HELPER_FRESH && before < HELPER_USED &&
               calls_again(reader);
}

/* Nobody had told it to. What lies there counts as new until somebody says so. True: what runs goes on with the next. */
static bool died(struct reader *reader, int status)
{
        enum helper_stage before = reader->stage;
        if (!linked_known(reader, status))
                mourn(reader, status);
        reader->serial = ++all(reader)->last_serial;
        reader->stage = HELPER_DOWN;
        bool again = asked_again(reader, before);
        if (!again)
                calls_lost(reader);
        if (reader->backend->row->direct)
                direct_ended(reader, status, before);
        else
                shared_ended(reader, status, before);
        return again;
}

/* How the end of its helper is told to a call that runs. */
static int lost_as(const struct reader *reader, const struct stage *before)
{
        const char *detail;
        bool away = reader->backend->row->linked && before->lost == OUTCOME_READER_SERVICE;
        return reader->gone ? reader->gone : away ? linked_refuses(reader, &detail) : before->lost;
}

static void on_helper_exited(void *user, int status)
{
        struct reader *reader = user;
        const struct stage *before = reader_stage(reader);
        reader->helper = child_free(reader->helper);
        if (reader->stage == HELPER_LEAVING) {
                direct_left(reader);
                return;
        }
        end_look(reader);
        bool again = before->hears && died(reader, status);
        replace(reader, before);
        if (before->lost && !again)
                reader_fail_call(reader, lost_as(reader, before));
}

static void spawn(struct reader *reader)
{
        static const struct child_callbacks callbacks = { on_helper_frame, on_helper_exited };
        static const char *const handed_over[2] = { "--usb-fd", "4" }; /* child.h puts it there */
        const struct driver_reader *seen = &reader->seen;
        const char *const named[2] = { "--reader", *seen->address ? seen->address : seen->name };
        bool handed = strcmp(seen->address, HANDED_OVER) == 0;
        const char *argv[HELPER_ARGV_MAX];
        char program[PATH_MAX];
        struct readers *readers = all(reader);
        const int files[CHILD_FILES] = { handed ? readers->config->usb_fd : -1, -1 };
        int r = programs_path(
                readers->config, reader->backend->row->helper, program, sizeof program);
        if (r == 0) {
                readers_argv(reader->backend, program, handed ? handed_over : named, argv);
                r = child_spawn_with(&reader->helper, readers->event, argv,
                        (const char *const *)readers->env, files, OPS_FRAME_MAX, &callbacks,
                        reader);
        }
        if (r < 0) {
                reader_complain(reader, LOG_LEVEL_ERR, "helper cannot be started");
                reader_respawn_later(reader);
                return;
        }
        reader->stage = HELPER_STARTING;
}

int reader_new(struct reader **ret, struct backend *backend, const struct driver_reader *seen)
{
        struct reader *reader = calloc(1, sizeof *reader);
        if (!reader)
                return -ENOMEM;
        reader->backend = backend;
        reader->seen = *seen;
        reader->serial = ++backend->readers->last_serial;
        reader->trouble = backend->row->direct ? NOT_TOLD : 0;
        int r = readers_timer(backend->readers, &reader->respawn, on_respawn, reader);
        if (r >= 0)
                r = calls_new(reader);
        if (r < 0) {
                reader_free(reader);
                return r;
        }
        uint64_t after_us = backend->row->direct ? direct_first_start(reader, seen) : 0;
        if (after_us == 0)
                spawn(reader);
        else if (after_us != UINT64_MAX)
                readers_arm(reader->respawn, after_us);
        *ret = reader;
        return 0;
}

struct reader *reader_free(struct reader *reader)
{
        child_free(reader->helper);
        sd_event_source_disable_unref(reader->respawn);
        calls_free(reader);
        free(reader);
        return NULL;
}

void reader_vanish(struct reader *reader, int outcome)
{
        reader_complain(reader, LOG_LEVEL_INFO, "reader is gone");
        reader->gone = outcome;
        reader->next = NULL;
        if (!reader->taken) {
                reader_free(reader);
                return;
        }
        sd_event_source_set_enabled(reader->respawn, SD_EVENT_OFF);
        reader_replace_helper(reader);
        reader_fail_call(reader, outcome);
}

struct reader *reader_release(struct reader *reader)
{
        if (!reader)
                return NULL;
        reader->taken = false;
        readers_changed(all(reader));
        bool busy = calls_let_go(reader);    /* who gave it back hears nothing more */
        if (reader->stage == HELPER_LEAVING) /* freed when its helper went */
                return NULL;
        if (reader->gone)
                return reader_free(reader);
        if (busy || reader_stage(reader)->spent)
                reader_replace_helper(reader);
        return NULL;
}

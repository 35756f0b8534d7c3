/* SPDX-License-Identifier: Apache-2.0 */
/* readers_helper.c: one helper process per reader, and the one operation that may run in it.
 *
 * A helper is nobody until its first frame says that its sandbox is closed (filter mode, no new
 * privileges, not dumpable) and that it serves the driver it was started for; one that says anything
 * else is killed and its reader stays unusable until it is plugged in again. An operation asked of a
 * helper that is still starting waits for it, except the PIN: that goes only to a helper which has
 * spoken, in a frame built in locked memory.
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

#include "base/secret.h"

#include <limits.h>
#include <stdio.h>
#include <sys/wait.h>

#define PIN_FRAME_CAP 64

static struct readers *all(const struct reader *reader)
{
        return reader->backend->readers;
}

static void complain(const struct reader *reader, enum log_level level, const char *what)
{
        log_kv(all(reader)->log, level, NULL, what, "reader", reader->seen.name, "driver",
                reader->backend->row->driver, NULL);
}

/* The last thing done with `reader`: the callback may give it back, and so free it. */
static void finish(struct reader *reader, int outcome, uint16_t sw, struct in *fields)
{
        struct op_call *call = &reader->call;
        struct in nothing = in_new("", 0);
        sd_event_source_set_enabled(reader->deadline, SD_EVENT_OFF);
        call->active = false;
        call->done(call->user, outcome, sw, fields ? fields : &nothing);
}

static void stop_helper(struct reader *reader, enum helper_stage stage)
{
        reader->stage = stage;
        if (reader->helper)
                child_kill(reader->helper); /* its end starts the next one */
}

void reader_replace_helper(struct reader *reader)
{
        if (!reader_stage(reader)->final)
                stop_helper(reader, HELPER_DOWN);
}

/* Ends the running call from the loop, not from here. */
static void fail_soon(struct reader *reader, int outcome)
{
        reader->call.fail = outcome;
        readers_arm(reader->deadline, 0);
}

static int on_deadline(sd_event_source *source, uint64_t usec, void *user)
{
        (void)source, (void)usec;
        struct reader *reader = user;
        int outcome = reader->call.fail;
        if (!outcome) {
                complain(reader, LOG_LEVEL_WARNING, "operation passed its deadline");
                outcome = OUTCOME_TIMED_OUT;
                reader_replace_helper(reader);
        }
        if (reader->call.active)
                finish(reader, outcome, 0, NULL);
        return 0;
}

static int take_ready(struct reader *reader, const struct op_frame *frame)
{
        const struct driver_row *row = reader->backend->row;
        struct op_ready ready;
        if (frame->reply || frame->op != OP_READY || op_get_ready(frame->payload, &ready) < 0)
                return -EBADMSG;
        if (ready.seccomp != 2 || !ready.no_new_privs || ready.dumpable ||
                ready.simulated != row->simulated || strcmp(ready.driver, row->driver) != 0) {
                complain(reader, LOG_LEVEL_ERR,
                        "helper's sandbox is not closed, reader stays unusable");
                stop_helper(reader, HELPER_UNUSABLE);
                return 0;
        }
        reader->stage = HELPER_FRESH;
        direct_ready(reader);
        if (!reader->call.active || reader->call.sent)
                return 0;
        reader->call.sent = true;
        return child_send(reader->helper, reader->call.frame, reader->call.frame_len);
}

static int take_reply(struct reader *reader, const struct op_frame *frame)
{
        struct op_call *call = &reader->call;
        struct in in = in_new(frame->payload.data, frame->payload.len);
        int outcome;
        uint16_t sw;
        if (!frame->reply || !call->active || !call->sent || frame->id != call->id ||
                frame->op != call->op || op_get_result(&in, &outcome, &sw) < 0 ||
                outcome == OPS_SKIPPED)
                return -EBADMSG;
        reader_advance(reader, call->op, outcome);
        reader->delay_us = 0;
        finish(reader, outcome, sw, &in);
        return 0;
}

static int take_frame(struct reader *reader, const struct op_frame *frame)
{
        if (reader->stage == HELPER_STARTING)
                return take_ready(reader, frame);
        if (frame->op == OP_LINK)
                return linked_told(reader, frame);
        return frame->op == OP_PRESENCE ? direct_presence(reader, frame)
                                        : take_reply(reader, frame);
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
        complain(reader, LOG_LEVEL_ERR, "helper spoke nonsense");
        reader_replace_helper(reader);
        if (reader->call.active)
                fail_soon(reader, OUTCOME_INTERNAL);
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

void reader_fail_call(struct reader *reader, int outcome)
{
        if (reader->call.active)
                fail_soon(reader, outcome);
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
        log_kv(all(reader)->log, LOG_LEVEL_WARNING, NULL, "helper died", "reader",
                reader->seen.name, WIFSIGNALED(status) ? "signal" : "status", number, NULL);
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

/* Nobody had told it to. What lies there counts as new until somebody says so. */
static void died(struct reader *reader, int status)
{
        enum helper_stage before = reader->stage;
        mourn(reader, status);
        reader->serial = ++all(reader)->last_serial;
        reader->stage = HELPER_DOWN;
        if (reader->backend->row->direct)
                direct_ended(reader, status, before);
        else
                shared_ended(reader, status, before);
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
        if (before->hears)
                died(reader, status);
        replace(reader, before);
        if (reader->call.active && before->lost)
                fail_soon(reader, reader->gone ? reader->gone : before->lost);
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
                complain(reader, LOG_LEVEL_ERR, "helper cannot be started");
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
                r = readers_timer(backend->readers, &reader->deadline, on_deadline, reader);
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
        sd_event_source_disable_unref(reader->deadline);
        free(reader);
        return NULL;
}

void reader_vanish(struct reader *reader, int outcome)
{
        complain(reader, LOG_LEVEL_INFO, "reader is gone");
        reader->gone = outcome;
        reader->next = NULL;
        if (!reader->taken) {
                reader_free(reader);
                return;
        }
        sd_event_source_set_enabled(reader->respawn, SD_EVENT_OFF);
        reader_replace_helper(reader);
        if (reader->call.active)
                fail_soon(reader, outcome);
}

struct reader *reader_release(struct reader *reader)
{
        if (!reader)
                return NULL;
        reader->taken = false;
        readers_changed(all(reader));
        bool spent = reader->call.active || reader_stage(reader)->spent;
        reader->call.active = false; /* who gave it back hears nothing more */
        sd_event_source_set_enabled(reader->deadline, SD_EVENT_OFF);
        if (reader->stage == HELPER_LEAVING) /* freed when its helper went */
                return NULL;
        if (reader->gone)
                return reader_free(reader);
        if (spent)
                reader_replace_helper(reader);
        return NULL;
}

/* The PIN's frame: made in locked pages that live for this one send. */
static int send_pin(struct reader *reader, const void *pin, size_t len)
{
        _cleanup_secret_ struct secret *secret = NULL;
        if (!reader_stage(reader)->serves || len > OPS_PIN_MAX)
                return -EPROTO;
        int r = secret_new(&secret, PIN_FRAME_CAP);
        if (r < 0)
                return r;
        struct out payload =
                op_frame_begin(secret->data, secret->cap, reader->call.op, false, reader->call.id);
        out_bytes(&payload, pin, len);
        ssize_t total = op_frame_finish(secret->data, &payload);
        reader->call.sent = true;
        return total < 0 ? (int)total : child_send(reader->helper, secret->data, (size_t)total);
}

static int send_or_keep(struct reader *reader, const void *data, size_t len)
{
        struct op_call *call = &reader->call;
        struct out payload =
                op_frame_begin(call->frame, sizeof call->frame, call->op, false, call->id);
        out_bytes(&payload, data, len);
        ssize_t total = op_frame_finish(call->frame, &payload);
        if (total < 0)
                return (int)total;
        call->frame_len = (size_t)total;
        if (!reader_stage(reader)->serves)
                return 0;
        call->sent = true;
        return child_send(reader->helper, call->frame, call->frame_len);
}

/* A card is a machine; a person who types on a reader's keys is not, and the reader gives up first. */
static uint64_t deadline_us(const struct reader *reader, enum op op)
{
        static const struct {
                enum op op;
                uint64_t us;
        } own[] = { { OP_PINPAD, 90000000ULL } };
        for (size_t i = 0; i < ARRAY_LEN(own); i++)
                if (own[i].op == op)
                        return own[i].us;
        return (uint64_t)all(reader)->config->card_timeout_ms * 1000;
}

int reader_call(struct reader *reader, enum op op, const void *payload, size_t len,
        reader_done done, void *user)
{
        struct op_call *call = &reader->call;
        if (call->active)
                return -EBUSY;
        call->active = true;
        call->sent = false;
        call->fail = 0;
        call->op = (uint8_t)op;
        call->id = ++reader->last_id;
        call->done = done;
        call->user = user;
        readers_arm(reader->deadline, deadline_us(reader, op));
        if (reader->gone || reader->stage == HELPER_UNUSABLE) {
                fail_soon(reader, reader->gone ? reader->gone : OUTCOME_READER_SERVICE);
                return 0;
        }
        int r = op_is_secret(op) ? send_pin(reader, payload, len)
                                 : send_or_keep(reader, payload, len);
        if (r == -EPIPE || r == -ECONNRESET || r == -ENOTCONN)
                return 0; /* dying right now: its end answers the call */
        if (r < 0)
                call->active = false;
        return r;
}

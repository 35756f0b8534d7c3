/* SPDX-License-Identifier: Apache-2.0 */
/* readers_call.c: what a helper is asked. One operation runs for whoever holds the reader; behind it stands what will
 * probably be called next, asked ahead (drivers/ops.h) so that a helper at the end of a slow link is waited for less often.
 *
 * `asks` is the one memory of it: every question in the order in which it was asked, until its answer was handed out. An
 * answer belongs to the oldest question that has none, or is nonsense. One that nobody has called for yet is kept, and handed
 * out from the loop to a call of the same bytes. Any other call shows that the guess was wrong: what was asked ahead is then
 * forgotten, answers that are still to come are only taken note of (they move the helper's stage), and the call is asked anew. A
 * question that the helper skipped is asked anew, too, with one exception: VERIFY is sent once, and a helper which says that
 * it skipped one is not believed, unless the digits before it were refused and nobody waits for it any more.
 *
 * END is claimed whatever its way, since a transaction ends once. If it ended before its time, since the guess was wrong, or
 * the helper died with answers still kept, then what is called of that transaction is answered CARD_REMOVED and sent to nobody.
 *
 * A question asked of a helper that is still starting waits for it, except digits: those go only to a helper which has
 * spoken, in a frame built in locked memory, and are never kept. Each question has its own time limit, from the moment
 * in which the helper can work on it.
 */
#include "daemon/readers_internal.h"

/* ---- the end of a call ------------------------------------------------------------------------ */

/* The last thing done with `reader`: the callback may give it back, and so free it. */
static void finish(struct reader *reader, int outcome, uint16_t sw, struct in *fields)
{
        struct op_call *call = &reader->call;
        _cleanup_ask_ struct ask *ask _unused_ = ask_take(reader, call->ask);
        struct in nothing = in_new("", 0);
        sd_event_source_set_enabled(reader->soon, SD_EVENT_OFF);
        if (!asks_first(reader))
                sd_event_source_set_enabled(reader->deadline, SD_EVENT_OFF);
        call->active = false;
        call->ask = NULL;
        call->done(call->user, outcome, sw, fields ? fields : &nothing);
}

/* Ends the running call from the loop, not from here. */
static void end_soon(struct reader *reader, int fail)
{
        reader->call.fail = fail;
        sd_event_source_set_enabled(reader->soon, SD_EVENT_ONESHOT);
}

static int on_soon(sd_event_source *source, void *user)
{
        (void)source;
        struct reader *reader = user;
        const struct ask *ask = reader->call.ask;
        if (!reader->call.active)
                return 0;
        if (reader->call.fail || !ask) {
                finish(reader, reader->call.fail, 0, NULL);
                return 0;
        }
        struct in fields =
                in_new(ask->fields_len > 0 ? ask->fields : (const void *)"", ask->fields_len);
        finish(reader, ask->outcome, ask->sw, &fields);
        return 0;
}

/* An answer that is there is still good. */
static bool is_open(const struct reader *reader)
{
        const struct op_call *call = &reader->call;
        return call->active && !call->fail && !(call->ask && call->ask->answered);
}

void reader_fail_call(struct reader *reader, int outcome)
{
        if (is_open(reader))
                end_soon(reader, outcome);
}

static int on_deadline(sd_event_source *source, uint64_t usec, void *user)
{
        (void)source, (void)usec;
        struct reader *reader = user;
        reader_complain(reader, LOG_LEVEL_WARNING, "operation passed its deadline");
        reader_replace_helper(reader);
        if (is_open(reader))
                finish(reader, OUTCOME_TIMED_OUT, 0, NULL);
        return 0;
}

/* ---- life ------------------------------------------------------------------------------------ */

int calls_new(struct reader *reader)
{
        struct readers *readers = reader->backend->readers;
        int r = readers_timer(readers, &reader->deadline, on_deadline, reader);
        if (r >= 0)
                r = sd_event_add_defer(readers->event, &reader->soon, on_soon, reader);
        return r < 0 ? r : sd_event_source_set_enabled(reader->soon, SD_EVENT_OFF);
}

void calls_free(struct reader *reader)
{
        while (reader->asks)
                ask_remove(reader, reader->asks);
        sd_event_source_disable_unref(reader->deadline);
        sd_event_source_disable_unref(reader->soon);
}

int calls_ready(struct reader *reader)
{
        int r = 0;
        for (struct ask *ask = reader->asks; r == 0 && ask; ask = ask->next)
                if (!ask->sent)
                        r = ask_send(reader, ask);
        return ask_has_ended(r) ? 0 : r;
}

/* What was called and not sent yet is the next helper's; its answer, if it is there, is still good. */
void calls_lost(struct reader *reader)
{
        struct ask *next;
        for (struct ask *ask = reader->asks; ask; ask = next) {
                bool called = reader->call.active && ask == reader->call.ask;
                next = ask->next;
                if (called && (!ask->sent || ask->answered))
                        continue;
                reader->cut |= !called && !ask->dropped;
                if (called)
                        reader->call.ask = NULL;
                ask_remove(reader, ask);
        }
        asks_time(reader);
}

/* Digits go once, and to the helper they were given to. */
static bool holds_digits(const struct reader *reader)
{
        for (const struct ask *ask = reader->asks; ask; ask = ask->next)
                if (op_is_secret(ask->op))
                        return true;
        return false;
}

bool calls_again(struct reader *reader)
{
        const struct ask *first = reader->asks;
        if (reader->again || !reader->call.active || !first || first != reader->call.ask ||
                first->op != OP_BEGIN || first->answered || holds_digits(reader))
                return false;
        for (struct ask *ask = reader->asks; ask; ask = ask->next)
                ask->sent = false;
        reader->again = true;
        asks_time(reader);
        return true;
}

/* Nobody calls any more for what was asked ahead. */
static void forget(struct reader *reader)
{
        struct ask *next;
        for (struct ask *ask = reader->asks; ask; ask = next) {
                next = ask->next;
                reader->cut |= ask->answered && ask->op == OP_END && ask->outcome == 0;
                ask->dropped = true;
                if (ask->answered || !ask->sent)
                        ask_remove(reader, ask);
        }
}

bool calls_let_go(struct reader *reader)
{
        bool busy = reader->call.active;
        for (const struct ask *ask = reader->asks; ask; ask = ask->next)
                busy |= ask->op == OP_BEGIN && !ask->answered;
        reader->call.active = false;
        reader->call.ask = NULL;
        sd_event_source_set_enabled(reader->soon, SD_EVENT_OFF);
        forget(reader);
        if (!asks_first(reader))
                sd_event_source_set_enabled(reader->deadline, SD_EVENT_OFF);
        reader->depth = 0;
        reader->cut = reader->again = false;
        return busy;
}

/* ---- answers --------------------------------------------------------------------------------- */

/* Until somebody calls for it. What cannot be kept was carried out all the same, and so is not asked again. */
static void keep(
        struct reader *reader, struct ask *ask, int outcome, uint16_t sw, const struct in *fields)
{
        size_t len = in_left(fields);
        bool fits = reader->kept + len <= READER_AHEAD_BYTES;
        ask->sw = sw;
        ask->fields = len > 0 && fits ? malloc(len) : NULL;
        ask->outcome = len == 0 || ask->fields ? outcome : OUTCOME_INTERNAL;
        if (!ask->fields)
                return;
        memcpy(ask->fields, fields->data + fields->pos, len);
        ask->fields_len = len;
        reader->kept += len;
}

/* It was called for, and its turn has come only now. */
static int ask_anew(struct reader *reader, struct ask *skipped)
{
        struct ask *ask = NULL;
        int r = ask_new(reader, skipped->op, skipped->question, skipped->len, false, &ask);
        reader->call.ask = NULL;
        for (struct ask *behind = skipped->next; behind && behind != ask; behind = behind->next)
                behind->dropped = true; /* skipped as well */
        ask_remove(reader, skipped);
        if (r == 0)
                r = ask_send(reader, ask);
        reader->call.ask = reader->last = ask;
        asks_time(reader);
        if (r < 0 && !ask_has_ended(r))
                end_soon(reader, OUTCOME_INTERNAL);
        return 0;
}

static int take_skipped(struct reader *reader, struct ask *ask)
{
        if (!ask->ahead || (ask->op == OP_VERIFY && !ask->dropped))
                return -EBADMSG;
        if (reader->call.active && reader->call.ask == ask)
                return ask_anew(reader, ask);
        ask_remove(reader, ask);
        asks_time(reader);
        return 0;
}

int calls_reply(struct reader *reader, const struct op_frame *frame)
{
        struct ask *ask = asks_first(reader);
        struct in in = in_new(frame->payload.data, frame->payload.len);
        int outcome;
        uint16_t sw;
        if (!frame->reply || !ask || !ask->sent || frame->id != ask->id || frame->op != ask->op ||
                op_get_result(&in, &outcome, &sw) < 0)
                return -EBADMSG;
        if (!ask->dropped && reader->depth < ask->depth)
                reader->depth = ask->depth;
        if (outcome == OPS_SKIPPED && !ask->passed)
                return take_skipped(reader, ask);
        if (outcome == OPS_SKIPPED && !ask->ahead)
                return -EBADMSG;
        if (outcome != OPS_SKIPPED)
                reader_advance(reader, ask->op, outcome);
        reader->delay_us = 0;
        bool called = reader->call.active && reader->call.ask == ask;
        ask->answered = true;
        if (ask->dropped)
                ask_remove(reader, ask);
        else if (!called)
                keep(reader, ask, outcome, sw, &in);
        asks_time(reader);
        if (called)
                finish(reader, outcome, sw, &in);
        return 0;
}

/* ---- asking ---------------------------------------------------------------------------------- */

static bool is_question(const struct ask *ask, enum op op, const void *payload, size_t len)
{
        return ask->op == op && ask->len == len &&
               (len == 0 || memcmp(ask->question, payload, len) == 0);
}

/* What was asked ahead for this call, or NULL. An END is found wherever it stands: the caller turned back. */
static struct ask *claim(struct reader *reader, enum op op, const void *payload, size_t len)
{
        struct ask *first = reader->asks;
        while (first && first->dropped)
                first = first->next;
        if (first && is_question(first, op, payload, len))
                return first;
        struct ask *end = op == OP_END ? first : NULL;
        while (end && (end->op != OP_END || end->len != len))
                end = end->next;
        if (!end)
                return NULL;
        memcpy(end->question, payload, len); /* should it have been skipped */
        for (struct ask *ask = first, *next; ask != end; ask = next) {
                next = ask->next;
                ask->dropped = true;
                if (ask->answered)
                        ask_remove(reader, ask);
        }
        return end;
}

static bool opens(enum op op)
{
        return op == OP_BEGIN || op == OP_ANNOUNCE || op == OP_TRANSCRIPT;
}

static int begin_call(struct reader *reader, enum op op, reader_done done, void *user)
{
        struct op_call *call = &reader->call;
        if (call->active)
                return -EBUSY;
        *call = (struct op_call){ .active = true, .done = done, .user = user };
        if (opens(op))
                reader->cut = false;
        if (reader->gone || reader->stage == HELPER_UNUSABLE)
                end_soon(reader, reader->gone ? reader->gone : OUTCOME_READER_SERVICE);
        return 0;
}

/* A new question for the call. */
static int ask_for_call(
        struct reader *reader, enum op op, const void *payload, size_t len, bool ahead, bool passed)
{
        struct op_call *call = &reader->call;
        bool idle = !asks_first(reader);
        int r = ask_new(reader, op, payload, len, ahead, &call->ask);
        if (r == 0) {
                call->ask->passed = passed;
                r = op_is_secret(op) ? ask_send_secret(reader, call->ask, payload, len)
                                     : ask_send(reader, call->ask);
        }
        reader->last = call->ask;
        if (idle)
                asks_time(reader);
        if (ask_has_ended(r))
                return 0;
        if (r < 0 && call->ask)
                ask_remove(reader, call->ask);
        if (r < 0)
                *call = (struct op_call){ 0 };
        if (r < 0 && idle)
                asks_time(reader);
        return r;
}

int reader_call(struct reader *reader, enum op op, const void *payload, size_t len,
        reader_done done, void *user)
{
        struct op_call *call = &reader->call;
        int r = begin_call(reader, op, done, user);
        if (r < 0 || call->fail)
                return r;
        call->ask = op_is_secret(op) ? NULL : claim(reader, op, payload, len);
        reader->last = call->ask;
        if (call->ask && call->ask->answered)
                end_soon(reader, 0);
        if (call->ask)
                return 0;
        forget(reader);
        if (reader->cut) {
                end_soon(reader, OUTCOME_CARD_REMOVED);
                return 0;
        }
        return ask_for_call(reader, op, payload, len, false, false);
}

int reader_pass(struct reader *reader, enum op op, bool ahead, const void *payload, size_t len,
        reader_done done, void *user)
{
        if (ahead && op_is_secret(op))
                return -EINVAL;
        int r = begin_call(reader, op, done, user);
        if (r < 0 || reader->call.fail)
                return r;
        forget(reader);
        return ask_for_call(reader, op, payload, len, ahead, true);
}

static size_t count_ahead(const struct reader *reader)
{
        size_t n = 0;
        for (const struct ask *ask = reader->asks; ask; ask = ask->next)
                n++;
        return n;
}

int reader_ahead(struct reader *reader, enum op op, const void *payload, size_t len)
{
        struct ask *ask = NULL;
        if (!reader->call.active || op_is_secret(op))
                return -EINVAL;
        if (!reader->last || reader->last->dropped || count_ahead(reader) > READER_AHEAD_MAX)
                return -ENOBUFS;
        struct ask *next = reader->last->next;
        if (next && !is_question(next, op, payload, len))
                return -ESTALE; /* another guess stands there, and only a call shows which was right */
        int r = next ? 0 : ask_new(reader, op, payload, len, true, &ask);
        if (r == 0 && ask)
                r = ask_send(reader, ask);
        if (r < 0 && ask)
                ask_remove(reader, ask);
        if (r == 0)
                reader->last = next ? next : ask;
        return r;
}

unsigned int reader_flights(const struct reader *reader)
{
        return reader->depth;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* examine.c: see examine.h. A table of steps like a request's, and a shorter one: it asks nobody, takes no
 * PIN, and the rows of the PIN family are entered only when the same gate as a request's has let the card
 * through. Helpers that write a transcript refuse a PIN by themselves.
 *
 * A card that says no to a question is what is examined; one that is gone ends it. What was written down
 * until then is told all the same, as long as the helper lives that has it.
 */
#include "daemon/examine_internal.h"

#include "base/portable.h"
#include "daemon/keys.h"

#include <time.h>

static void run(struct examine *e, int result);

/* ---- life ---------------------------------------------------------------------------------- */

static struct examine *examine_free(struct examine *e)
{
        e->wait = readers_wait_free(e->wait);
        e->kick = sd_event_source_disable_unref(e->kick);
        e->reader = reader_release(e->reader);
        gate_chain_clear(&e->findings.chain);
        free(e->reader_name);
        free(e->transcript);
        free(e);
        return NULL;
}

struct examine *examine_cancel(struct examine *examine)
{
        return examine ? examine_free(examine) : NULL;
}

static int on_kick(sd_event_source *source, void *user)
{
        (void)source;
        run(user, AGAIN);
        return 0;
}

int examine_start(struct examine **ret, struct request_context *context,
        const struct examine_params *params, examine_done done, void *user)
{
        struct examine *e = calloc(1, sizeof *e);
        if (!e)
                return -ENOMEM;
        *e = (struct examine){
                .context = context, .done = done, .user = user, .write = params->transcript
        };
        int r = 0;
        if (params->reader) {
                e->reader_name = strdup(params->reader);
                r = e->reader_name ? 0 : -ENOMEM;
        }
        if (r == 0)
                r = sd_event_add_defer(context->event, &e->kick, on_kick, e);
        if (r < 0) {
                examine_free(e);
                return r;
        }
        *ret = e;
        return 0;
}

/* ---- the reader ---------------------------------------------------------------------------- */

static void on_waited(void *user)
{
        struct examine *e = user;
        e->waited = true;
        e->wait = readers_wait_free(e->wait);
        run(e, AGAIN);
}

static int take_reader(struct examine *e, struct out *args)
{
        struct readers *readers = e->context->readers;
        (void)args;
        if (e->waited || readers_settled(readers))
                return readers_acquire(readers, e->reader_name, &e->reader, &e->detail);
        int r = readers_wait_new(&e->wait, readers, e->context->event,
                e->context->config->card_timeout_ms * 1000ULL, on_waited, e);
        return r < 0 ? r : WAIT;
}

/* What an app would meet first, from top to bottom. */
static void conclude(struct examine *e)
{
        struct findings *f = &e->findings;
        const char *why = NULL;
        int counter = gate_counter(&f->counters[PIN_COPY_IAS], &why);
        bool locked = !f->chain.leaf && f->files[0] == FILE_LOCKED;
        bool national = f->identity.family == CARD_NID;
        bool forbidden = e->context->config->unproven == UNPROVEN_NO &&
                         gate_unproven(&f->identity, f->simulated);
        const struct {
                bool holds;
                const char *verdict;
                int outcome;
        } rules[] = {
                { !f->known, "foreign", OUTCOME_CARD_NOT_SUPPORTED },
                { !f->identity.supported && f->identity.generation == GENERATION_UNKNOWN,
                        "unknown_kind", OUTCOME_CARD_NOT_SUPPORTED },
                { !f->identity.supported, "look_only", OUTCOME_CARD_NOT_SUPPORTED },
                { locked, "needs_issuer_keys", OUTCOME_NEEDS_ISSUER_KEYS },
                { !f->confirmed, "not_confirmed", OUTCOME_CARD_NOT_SUPPORTED },
                { forbidden, "forbidden", OUTCOME_POLICY },
                { keys_raw_signature(e->context->config, f->identity.family), "keys_only",
                        OUTCOME_POLICY },
                { !f->counted[PIN_COPY_IAS], "tries_unknown", OUTCOME_CARD_NOT_SUPPORTED },
                { counter == OUTCOME_PIN_BLOCKED, "pin_blocked", OUTCOME_PIN_BLOCKED },
                { national && !f->methods && f->wants_issuer_keys, "needs_issuer_keys",
                        OUTCOME_NEEDS_ISSUER_KEYS },
                { national && !f->methods, "no_method", OUTCOME_NO_STANDARD_SIGNATURE },
                { gate_expired(&f->chain, time(NULL)), "expired", OUTCOME_CERTIFICATE_EXPIRED },
                { true, "ready", 0 },
        };
        size_t i = 0;
        while (!rules[i].holds)
                i++;
        f->verdict = rules[i].verdict;
        f->outcome = rules[i].outcome;
        if (counter == OUTCOME_CARD_NOT_SUPPORTED && f->confirmed)
                f->detail = why;
}

static int finish(struct examine *e, struct out *args)
{
        struct reader_info info = { 0 };
        (void)args;
        if (e->reader)
                reader_describe(e->reader, &info);
        e->findings.reader = info.name ? info.name : "";
        e->findings.outcome = e->outcome;
        e->findings.verdict = exam_cut_short(e);
        if (e->outcome == 0)
                conclude(e);
        bool told = e->outcome == 0 || e->transcript;
        e->done(e->user, e->outcome, told ? &e->findings : NULL, e->transcript, e->detail);
        examine_free(e);
        return WAIT;
}

/* ---- the table ----------------------------------------------------------------------------- */

/* clang-format off */
static const struct row {
        bool (*needed)(const struct examine *e); /* NULL: always */
        enum op op;                              /* 0: `start` does something else */
        int (*start)(struct examine *e, struct out *args);
        int (*came)(struct examine *e, int outcome, struct in *fields);
        bool may_refuse;
} rows[STEP_COUNT] = {
        [STEP_READER]     = { NULL,             0,             take_reader,   NULL,       false },
        [STEP_WRITE]      = { exam_wants_transcript, OP_TRANSCRIPT, exam_start_writing, NULL,       false },
        [STEP_BEGIN]      = { NULL,             OP_BEGIN,      NULL,          exam_begun,      false },
        [STEP_IDENTIFY]   = { NULL,             OP_IDENTIFY,   NULL,          exam_identified, true },
        [STEP_FOREIGN]    = { exam_is_unknown,       OP_FOREIGN,    NULL,          exam_named,      true },
        [STEP_FILE]       = { exam_has_files,        OP_READ,       exam_ask_file,      exam_filed,      true },
        [STEP_JUDGE]      = { NULL,             0,             exam_judge,         NULL,       false },
        [STEP_CONFIRM]    = { exam_is_confirmed,     OP_CONFIRM,    exam_confirm,  exam_confirmed,  false },
        [STEP_COUNTER]    = { exam_has_copies,       OP_COUNTER,    exam_ask_counter,   exam_counted,    true },
        [STEP_PROBE]      = { exam_is_national,      OP_PROBE,      NULL,          exam_probed,     true },
        [STEP_METHOD]     = { exam_has_trials,       OP_METHOD,     exam_ask_method,    exam_tried,      true },
        [STEP_VERSIONS]   = { exam_is_national,      OP_READ,       exam_ask_versions,  exam_versioned,  true },
        [STEP_FLAGS]      = { exam_is_national,      OP_READ,       exam_ask_flags,     exam_flagged,    true },
        [STEP_END]        = { exam_is_begun,         OP_END,        exam_leave,         NULL,       false },
        [STEP_TRANSCRIPT] = { exam_has_transcript,   OP_TRANSCRIPT, exam_stop_writing,  exam_written,    false },
        [STEP_DONE]       = { NULL,             0,             finish,        NULL,       false },
};
/* clang-format on */

static void on_reply(void *user, int outcome, uint16_t sw, struct in *fields)
{
        struct examine *e = user;
        const struct row *row = &rows[e->step];
        (void)sw;
        if (outcome == 0 || (row->may_refuse && outcome_is_refusal(outcome)))
                run(e, row->came ? row->came(e, outcome, fields) : 0);
        else
                run(e, outcome);
}

static int start(struct examine *e)
{
        const struct row *row = &rows[e->step];
        uint8_t payload[8];
        struct out args = out_new(payload, sizeof payload);
        int r = row->start ? row->start(e, &args) : 0;
        if (r != 0 || row->op == 0)
                return r;
        r = out_done(&args);
        if (r == 0)
                r = reader_call(e->reader, row->op, args.data, args.len, on_reply, e);
        return r == 0 ? WAIT : r;
}

static void choose_next(struct examine *e, int result)
{
        if (result != 0 && result != AGAIN && !e->failed && e->step < STEP_END) {
                e->failed = true;
                e->writer_lives = exam_is_begun(e);
                e->outcome = outcome_of(result);
                if (result < 0 && !e->detail)
                        e->detail = portable_errno_name(-result);
                e->step = STEP_END;
        } else if (result != AGAIN) {
                e->step++;
        }
        while (rows[e->step].needed && !rows[e->step].needed(e))
                e->step++;
}

static void run(struct examine *e, int result)
{
        while (result != WAIT) {
                choose_next(e, result);
                result = start(e);
        }
}

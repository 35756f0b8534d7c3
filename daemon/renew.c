/* SPDX-License-Identifier: Apache-2.0 */
/* renew.c: see renew.h. Reading `rows` from top to bottom is reading the policy: nothing of the PIN family before
 * CONFIRM, nothing asked before it is in the history, no prompt inside a transaction, no digits before the same card's
 * counter was read again, one row with the one command, entered once, and one way out.
 *
 * A row is entered if it is needed, does its card operation or starts something else, and what comes back decides:
 * 0 goes on, AGAIN enters the same row again, anything else is the answer and leads to the way out (END, RECORD_END,
 * ANSWER). What fails there changes the answer only where the history could not be told how it ended.
 *
 * It frees itself right after its last callback. Whatever it holds goes with it: the prompt closes, what was typed is
 * wiped, and a card in the middle of something loses its helper, and with it its verified state.
 */
#include "daemon/renew_internal.h"

#include "base/portable.h"

#define DEFAULT_LIMIT_MS 180000

/* ---- the table ----------------------------------------------------------------------------- */

struct row {
        const char *name, *phase;                  /* phase: told to the client on entry, or NULL */
        bool (*needed)(const struct renew *renew); /* NULL: always */
        enum op op;                                /* 0: `start` does something else */
        int (*start)(struct renew *renew, struct out *args);
        int (*came)(struct renew *renew, int outcome, struct in *fields);
        bool may_refuse; /* the card's "no" is taken by `came` */
};

static int answer(struct renew *renew, struct out *args);

/* clang-format off */
static const struct row rows[STEP_COUNT] = {
        [STEP_START]          = { "start",          NULL,      NULL,               0,             renew_judge_rules, NULL,                   false },
        [STEP_READER]         = { "reader",         "reader",  NULL,               0,             renew_take_reader, NULL,                   false },
        [STEP_BEGIN]          = { "begin",          "card",    NULL,               OP_BEGIN,      NULL,              renew_begun,            false },
        [STEP_IDENTIFY]       = { "identify",       NULL,      NULL,               OP_IDENTIFY,   NULL,              renew_identified,       false },
        [STEP_LEAF]           = { "leaf",           NULL,      NULL,               OP_READ,       renew_ask_leaf,    renew_leaf_came,        true  },
        [STEP_JUDGE]          = { "judge",          NULL,      NULL,               0,             renew_judge,       NULL,                   false },
        [STEP_CONFIRM]        = { "confirm",        NULL,      NULL,               OP_CONFIRM,    renew_confirm,     renew_confirmed,        false },
        [STEP_COUNTER]        = { "counter",        NULL,      NULL,               OP_COUNTER,    renew_ask_counter, renew_counted,          false },
        [STEP_LEAVE]          = { "leave",          NULL,      NULL,               OP_END,        renew_leave,       NULL,                   false },
        [STEP_TURN]           = { "turn",           NULL,      NULL,               0,             renew_take_turn,   NULL,                   false },
        [STEP_QUEUE]          = { "queue",          "queued",  renew_must_queue,   0,             renew_queue,       NULL,                   false },
        [STEP_RECORD]         = { "record",         NULL,      NULL,               0,             renew_record,      NULL,                   false },
        [STEP_ASK]            = { "ask",            "consent", NULL,               0,             renew_ask,         NULL,                   false },
        [STEP_BEGIN_AGAIN]    = { "begin again",    NULL,      NULL,               OP_BEGIN,      NULL,              renew_begun_again,      false },
        [STEP_IDENTIFY_AGAIN] = { "identify again", NULL,      renew_is_another,   OP_IDENTIFY,   NULL,              renew_identified_again, true  },
        [STEP_LEAF_AGAIN]     = { "leaf again",     NULL,      NULL,               OP_READ,       renew_ask_leaf,    renew_same_leaf,        true  },
        [STEP_CONFIRM_AGAIN]  = { "confirm again",  NULL,      NULL,               OP_CONFIRM,    renew_confirm,     renew_confirmed,        false },
        [STEP_COUNTER_AGAIN]  = { "counter again",  NULL,      NULL,               OP_COUNTER,    renew_ask_counter, renew_counted_again,    false },
        [STEP_NEW_PIN]        = { "new pin",        "pin",     NULL,               OP_NEW_PIN,    NULL,              renew_stored,           false },
        [STEP_RENEW]          = { "renew",          NULL,      NULL,               OP_CHANGE_PIN, NULL,              NULL,                   false },
        [STEP_END]            = { "end",            NULL,      renew_is_begun,     OP_END,        renew_reset,       NULL,                   false },
        [STEP_RECORD_END]     = { "record end",     NULL,      renew_is_recorded,  0,             renew_record_end,  NULL,                   false },
        [STEP_ANSWER]         = { "answer",         NULL,      NULL,               0,             answer,            NULL,                   false },
};
/* clang-format on */

/* ---- life ---------------------------------------------------------------------------------- */

void renew_forget(struct renew *renew)
{
        renew->typed = secret_free(renew->typed);
}

static void let_go(struct renew *renew)
{
        turn_give_up(&renew->context->turns, &renew->turn);
        renew->person = person_free(renew->person);
        renew_forget(renew);
        renew->record = history_wait_free(renew->record);
        renew->wait = readers_wait_free(renew->wait);
        renew->reader = reader_release(renew->reader);
        renew->kick = sd_event_source_disable_unref(renew->kick);
        renew->limit = sd_event_source_disable_unref(renew->limit);
}

static void renew_free(struct renew *renew)
{
        char *const texts[] = { renew->reader_name, renew->tty, renew->term, renew->display,
                renew->wayland_display, renew->xauthority, renew->language };
        let_go(renew);
        gate_chain_clear(&renew->chain);
        for (size_t i = 0; i < ARRAY_LEN(texts); i++)
                free(texts[i]);
        if (renew->gone)
                *renew->gone = true;
        free(renew);
}

static void finish(struct renew *renew)
{
        renew->ended = true;
        let_go(renew);
        renew->callbacks.done(
                renew->user, renew->id, renew->outcome, renew->proof_left, renew->detail);
        renew_free(renew);
}

static int answer(struct renew *renew, struct out *args)
{
        (void)args;
        finish(renew);
        return WAIT;
}

/* The beginning, and a turn that has come. */
static int on_kick(sd_event_source *source, void *user)
{
        struct renew *renew = user;
        (void)source;
        if (renew->step == STEP_START || renew->step == STEP_QUEUE)
                renew_run(renew, AGAIN);
        return 0;
}

/* Cut off in the middle: what happened to the card is nobody's to know while it has the command. */
static void tell_middle(struct renew *renew)
{
        if (renew->step == STEP_RENEW)
                renew_doubt(renew);
        else if (renew->renewed)
                renew->detail = "the new PIN holds: the card had taken it before";
}

static int on_limit(sd_event_source *source, uint64_t usec, void *user)
{
        struct renew *renew = user;
        (void)source, (void)usec;
        if (renew->closed)
                return 0;          /* its row is being written, which has a time limit of its own */
        if (renew->outcome == 0) { /* else it is on its way out with that */
                renew->outcome = OUTCOME_TIMED_OUT;
                renew->detail = "the request's own time limit";
                tell_middle(renew);
        }
        renew_note_end(renew);
        finish(renew);
        return 0;
}

static int copy_params(struct renew *renew, const struct renew_params *params)
{
        const struct {
                char **to;
                const char *from;
        } texts[] = {
                { &renew->reader_name, params->reader },
                { &renew->tty, params->ui.tty },
                { &renew->term, params->ui.term },
                { &renew->display, params->ui.display },
                { &renew->wayland_display, params->ui.wayland_display },
                { &renew->xauthority, params->ui.xauthority },
                { &renew->language, params->ui.language },
        };
        for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
                *texts[i].to = texts[i].from ? strdup(texts[i].from) : NULL;
                if (texts[i].from && !*texts[i].to)
                        return -ENOMEM;
        }
        renew->peer = params->peer;
        renew->how = params->how;
        return 0;
}

static int add_sources(struct renew *renew, unsigned int timeout_ms)
{
        uint64_t limit = (uint64_t)(timeout_ms ? timeout_ms : DEFAULT_LIMIT_MS) * 1000;
        sd_event *event = renew->context->event;
        int r = sd_event_add_defer(event, &renew->kick, on_kick, renew);
        if (r < 0)
                return r;
        renew->turn.kick = renew->kick;
        return sd_event_add_time_relative(
                event, &renew->limit, CLOCK_MONOTONIC, limit, 1000, on_limit, renew);
}

int renew_start(struct renew **ret, struct request_context *context,
        const struct renew_params *params, const struct renew_callbacks *callbacks, void *user)
{
        struct renew *renew = calloc(1, sizeof *renew);
        if (!renew)
                return -ENOMEM;
        renew->context = context;
        renew->callbacks = *callbacks;
        renew->user = user;
        renew->tries_left = renew->proof_left = -1;
        int r = request_make_id(renew->id);
        if (r == 0)
                r = copy_params(renew, params);
        if (r == 0)
                r = add_sources(renew, params->timeout_ms);
        if (r < 0) {
                renew_free(renew);
                return r;
        }
        *ret = renew;
        return 0;
}

struct renew *renew_cancel(struct renew *renew)
{
        if (!renew || renew->ended)
                return NULL;
        log_kv(renew->context->log, LOG_LEVEL_INFO, renew->id, "new PIN cancelled", "step",
                rows[renew->step].name, NULL);
        tell_middle(renew);
        renew_note_end(renew);
        renew_free(renew);
        return NULL;
}

/* ---- the loop ------------------------------------------------------------------------------ */

static int take(struct renew *renew, int outcome, uint16_t sw, struct in *fields)
{
        const struct row *row = &rows[renew->step];
        if (renew->step == STEP_RENEW)
                return renew_came(renew, outcome, sw, fields);
        if (outcome == OUTCOME_BUSY && !renew->detail)
                renew->detail = "another program holds this reader";
        if (outcome != 0 && !(row->may_refuse && outcome_is_refusal(outcome)))
                return outcome;
        return row->came ? row->came(renew, outcome, fields) : outcome;
}

static void on_reply(void *user, int outcome, uint16_t sw, struct in *fields)
{
        struct renew *renew = user;
        renew_run(renew, take(renew, outcome, sw, fields));
}

/* The two rows whose payload only the holder knows; after the second nothing of it is left here. */
static int call_secret(struct renew *renew)
{
        bool proves = renew->step == STEP_RENEW;
        enum op op = !proves                      ? OP_NEW_PIN
                     : renew->how == RENEW_BY_PIN ? OP_CHANGE_PIN
                                                  : OP_UNBLOCK_PIN;
        struct view secret = proves ? renew_proof(renew) : renew_new_pin(renew);
        if (secret.len == 0)
                return -EPROTO;
        int r = reader_call(renew->reader, op, secret.data, secret.len, on_reply, renew);
        if (proves || r != 0)
                renew_forget(renew);
        return r == 0 ? WAIT : r;
}

static int start(struct renew *renew)
{
        const struct row *row = &rows[renew->step];
        uint8_t payload[16];
        struct out args = out_new(payload, sizeof payload);
        if (op_is_secret(row->op))
                return call_secret(renew);
        int r = row->start ? row->start(renew, &args) : 0;
        if (r != 0 || row->op == 0)
                return r;
        r = out_done(&args);
        if (r == 0)
                r = reader_call(renew->reader, row->op, args.data, args.len, on_reply, renew);
        return r == 0 ? WAIT : r;
}

/* The first failure is the answer; what was typed has no more use. */
static void note_failure(struct renew *renew, int result)
{
        renew->outcome = outcome_of(result);
        if (result < 0 && !renew->detail)
                renew->detail = portable_errno_name(-result);
        renew_forget(renew);
        log_kv(renew->context->log, result < 0 ? LOG_LEVEL_ERR : LOG_LEVEL_INFO, renew->id,
                "step failed", "step", rows[renew->step].name, "outcome",
                outcome_name(renew->outcome), "detail", renew->detail ? renew->detail : "", NULL);
}

/* On the way out only the history's failure counts, and only where nothing failed before. */
static void choose_next(struct renew *renew, int result)
{
        bool leaving = renew->step >= STEP_END;
        if (result == 0 || (leaving && result != AGAIN)) {
                if (result != 0 && renew->step == STEP_RECORD_END && renew->outcome == 0)
                        note_failure(renew, result);
                renew->step++;
        } else if (result != AGAIN) {
                note_failure(renew, result);
                renew->step = STEP_END;
        }
        while (rows[renew->step].needed && !rows[renew->step].needed(renew))
                renew->step++;
}

/* False if the client hung up on hearing it. */
static bool announce(struct renew *renew)
{
        bool gone = false;
        const char *phase = rows[renew->step].phase;
        if (!phase || !renew->callbacks.phase)
                return true;
        renew->gone = &gone;
        renew->callbacks.phase(renew->user, renew->id, phase);
        if (!gone)
                renew->gone = NULL;
        return !gone;
}

void renew_run(struct renew *renew, int result)
{
        while (result != WAIT) {
                enum step before = renew->step;
                choose_next(renew, result);
                if (renew->step != before && !announce(renew))
                        return;
                result = start(renew);
        }
}

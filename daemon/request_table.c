/* SPDX-License-Identifier: Apache-2.0 */
/* request_table.c: a request from door to door, as rows. Reading `rows` from top to bottom is reading
 * the policy: nothing of the PIN family before CONFIRM, no prompt inside a transaction, no PIN before
 * the counter was read again, one VERIFY (with digits or by the reader's keys, and either row is entered
 * once), no prompt before the history's row, no answer before the second one, and one way out.
 *
 * A row is entered if it is needed, does its card operation or starts something else, and what comes
 * back decides: 0 goes to the next row, AGAIN enters the same one again, anything else is the answer
 * and leads to the way out (CLEAR, END, RESULT, ANSWER), whose own failures change nothing: the supervisor
 * replaces the helper, and pcscd resets the card.
 *
 * Rows whose card may say no without harm (a file it has not, a method it does not know) are marked;
 * their function is called with the card's answer. A card or reader that is gone is never such an
 * answer.
 */
#include "daemon/announce.h"
#include "daemon/request_internal.h"

#include "base/portable.h"

#include <stdio.h>

#define AHEAD_MAX 16 /* bytes of arguments of what is asked ahead: RESUME's */

struct row {
        const char *name;
        const char *phase;                             /* told to the client on entry, or NULL */
        bool (*needed)(const struct request *request); /* NULL: always */
        enum op op;                                    /* 0: `start` does something else */
        int (*start)(struct request *request, struct out *args); /* NULL: no arguments */
        int (*came)(struct request *request, int outcome,
                struct in *fields); /* NULL: nothing to take */
        bool may_refuse;            /* see above */
};

static int send_pin(struct request *request, struct out *args);
static int pin_sent(struct request *request, int outcome, struct in *fields);
static int answer(struct request *request, struct out *args);

/* clang-format off */
static const struct row rows[STATE_COUNT] = {
        [STATE_START]          = { "start",          NULL,      NULL,               0,           NULL,        NULL,            false },
        [STATE_RULES]          = { "rules",          NULL,      NULL,               0,           record_judge, NULL,           false },
        [STATE_READER]         = { "reader",         "reader",  NULL,               0,           look_reader, NULL,            false },
        [STATE_TURN_TO_CHOOSE] = { "turn to choose", NULL,      choose_is_open,     0,           record_turn, NULL,            false },
        [STATE_QUEUE_TO_CHOOSE] = { "queue to choose", "queued", record_must_queue_to_choose, 0, record_queue, NULL,          false },
        [STATE_RECORD_TO_CHOOSE] = { "record to choose", NULL,  record_is_due_to_choose, 0,      record_intent, NULL,          false },
        [STATE_MAY_SEARCH]     = { "may search",     "choice",  choose_wants_search, 0,          choose_ask_to_search, NULL,   false },
        [STATE_SEARCH]         = { "search",         "search",  choose_may_search,  0,           choose_search, NULL,          false },
        [STATE_CHOOSE]         = { "choose",         "choice",  choose_is_open,     0,           choose_ask,  NULL,            false },
        [STATE_QUEUE_TO_TAKE]  = { "queue to take",  "queued",  look_must_queue,    0,           look_queue,  NULL,            false },
        [STATE_TAKE]           = { "take",           NULL,      NULL,               0,           look_take,   NULL,            false },
        [STATE_BEGIN]          = { "begin",          "card",    NULL,               OP_BEGIN,    NULL,        look_begun,      false },
        [STATE_RESUME]         = { "resume",         NULL,      look_has_note,      OP_RESUME,   look_note,   look_resumed,    true  },
        [STATE_IDENTIFY]       = { "identify",       NULL,      look_is_unknown,    OP_IDENTIFY, NULL,        look_identified, false },
        [STATE_DATES]          = { "dates",          NULL,      look_is_new,        OP_READ,     look_dates,  look_dated,      true  },
        [STATE_CERTIFICATE]    = { "certificate",    NULL,      look_lacks_chain,   OP_READ,     look_file,   look_filed,      true  },
        [STATE_JUDGE]          = { "judge",          NULL,      NULL,               0,           look_judge,  NULL,            false },
        [STATE_CONFIRM]        = { "confirm",        NULL,      NULL,               OP_CONFIRM,  look_confirm, look_confirmed,  false },
        [STATE_COUNTER]        = { "counter",        NULL,      look_lacks_tries,   OP_COUNTER,  look_copy,   look_counted,    false },
        [STATE_PROBE]          = { "probe",          NULL,      look_lacks_keys,    OP_PROBE,    NULL,        look_probed,     true  },
        [STATE_METHOD]         = { "method",         NULL,      look_has_trials,    OP_METHOD,   look_method, look_tried,      true  },
        [STATE_OTHER_FILES]    = { "other files",    NULL,      look_lacks_files,   OP_READ,     look_file,   look_filed,      true  },
        [STATE_LEAVE]          = { "leave",          NULL,      NULL,               OP_END,      look_leave,  look_left,       false },
        [STATE_PREPARE]        = { "prepare",        "reading", work_prepares,      0,           work_prepare, NULL,           false },
        [STATE_REHEARSE]       = { "rehearse",       NULL,      work_prepares,      0,           work_rehearse, NULL,          false },
        [STATE_TURN]           = { "turn",           NULL,      NULL,               0,           record_turn, NULL,            false },
        [STATE_QUEUE]          = { "queue",          "queued",  record_must_queue,  0,           record_queue, NULL,           false },
        [STATE_RECORD]         = { "record",         NULL,      record_is_due,      0,           record_intent, NULL,          false },
        [STATE_ASK]            = { "ask",            "consent", NULL,               0,           ask_person,  NULL,            false },
        [STATE_ANNOUNCE]       = { "announce",       NULL,      sign_is_announced,  OP_ANNOUNCE, sign_announce, NULL,          false },
        [STATE_BEGIN_AGAIN]    = { "begin again",    NULL,      sign_is_wanted,     OP_BEGIN,    NULL,        sign_begun,      false },
        [STATE_IDENTIFY_AGAIN] = { "identify again", NULL,      sign_lost_identity, OP_IDENTIFY, NULL,        sign_identified, true  },
        [STATE_LEAF_AGAIN]     = { "leaf again",     NULL,      sign_lost_leaf,     OP_READ,     sign_leaf,   sign_same_leaf,  true  },
        [STATE_CONFIRM_AGAIN]  = { "confirm again",  NULL,      sign_lost_leaf,     OP_CONFIRM,  look_confirm, sign_confirmed,  false },
        [STATE_COUNTER_AGAIN]  = { "counter again",  NULL,      sign_is_wanted,     OP_COUNTER,  look_copy,   sign_counted,    false },
        [STATE_PIN]            = { "pin",            "pin",     sign_takes_digits,  OP_PIN,      send_pin,    pin_sent,        false },
        [STATE_VERIFY]         = { "verify",         NULL,      sign_takes_digits,  OP_VERIFY,   NULL,        sign_verified,   true  },
        [STATE_PINPAD]         = { "pinpad",         "pinpad",  sign_uses_keys,     OP_PINPAD,   sign_keys,   sign_typed,      true  },
        [STATE_SIGN]           = { "sign",           "sign",    sign_has_steps,     OP_SIGN,     sign_step,   sign_signed,     true  },
        [STATE_CLEAR]          = { "clear",          NULL,      sign_is_verified,   OP_CLEAR,    NULL,        NULL,            false },
        [STATE_END]            = { "end",            NULL,      sign_is_begun,      OP_END,      sign_reset,  NULL,            false },
        [STATE_RESULT]         = { "result",         NULL,      record_has_intent,  0,           record_result, NULL,          false },
        [STATE_ANSWER]         = { "answer",         NULL,      NULL,               0,           answer,      NULL,            false },
};
/* clang-format on */

const char *request_state_name(const struct request *request)
{
        return rows[request->state].name;
}

/* Of its own keys nobody can tell before the reader does; a phone says when it sends what was typed there. */
bool request_pin_at_risk(const struct request *request)
{
        struct reader_info reader;
        if (request->state == STATE_PINPAD && ask_on_phone(request)) {
                reader_describe(request->reader, &reader);
                return reader.pin_sent;
        }
        /* VERIFY goes along with the digits. */
        return request->state == STATE_PIN || request->state == STATE_VERIFY ||
               request->state == STATE_PINPAD;
}

/* The payload is the secret's own bytes: see start(). */
static int send_pin(struct request *request, struct out *args)
{
        (void)args;
        return request->pin && request->pin->len > 0 ? 0 : -EPROTO;
}

static int pin_sent(struct request *request, int outcome, struct in *fields)
{
        (void)request, (void)outcome;
        return in_done(fields);
}

static int answer(struct request *request, struct out *args)
{
        (void)args;
        request_finish(request, request->outcome, request->detail);
        return WAIT;
}

/* Nobody shares a board with its helper: there it is the cards that are too many. */
static const char *why_busy(const struct request *request)
{
        struct reader_info info;
        reader_describe(request->reader, &info);
        if (info.linked)
                return DETAIL_PHONE_BUSY;
        return strcmp(info.driver, "nfc") == 0 ? DETAIL_CROWDED
                                               : "another program holds this reader";
}

/* Not the card went, or a cable, but the phone that it lies on: then nothing is known of its reader any more. */
static const char *why_parted(const struct request *request, int outcome)
{
        struct reader_info info;
        reader_describe(request->reader, &info);
        if (!info.linked || *info.remote || request->state >= STATE_CLEAR)
                return NULL;
        return outcome == OUTCOME_CARD_REMOVED ? DETAIL_PHONE_LOST
               : outcome == OUTCOME_NO_READER  ? DETAIL_PHONE_AWAY
                                               : NULL;
}

/* A phone judges for itself what it is told, and whose digits it takes; why stands on its own screen. */
static bool phone_refuses(const struct request *request, enum op op, int outcome)
{
        return (op == OP_ANNOUNCE || op == OP_PIN) && sign_is_announced(request) &&
               (outcome == OUTCOME_POLICY || outcome == OUTCOME_INVALID);
}

static int take(struct request *request, int outcome, struct in *fields)
{
        const struct row *row = &rows[request->state];
        if (phone_refuses(request, row->op, outcome)) {
                request->detail = DETAIL_PHONE_REFUSED;
                return OUTCOME_POLICY;
        }
        if (row->op == OP_PIN && outcome == OUTCOME_LAST_TRY_DECLINED &&
                sign_is_announced(request)) {
                request->detail = DETAIL_PHONE_LAST_TRY;
                return outcome;
        }
        const char *parted = why_parted(request, outcome);
        if (parted)
                request->detail = parted;
        bool verify = row->op == OP_VERIFY || row->op == OP_PINPAD; /* tell the tries left always */
        if (row->op == OP_PIN && outcome != 0 && sign_is_announced(request)) {
                request->tries_left = -1; /* the link broke with VERIFY on its way */
                request->detail = DETAIL_TRY_AT_RISK;
        }
        if (outcome == OUTCOME_BUSY)
                request->detail = why_busy(request);
        if (outcome != 0 && !verify && !(row->may_refuse && outcome_is_refusal(outcome)))
                return outcome;
        return row->came ? row->came(request, outcome, fields) : outcome;
}

static void on_reply(void *user, int outcome, uint16_t sw, struct in *fields)
{
        struct request *request = user;
        if (request->state < STATE_CLEAR) /* an operator wants the word that led here */
                request->sw = sw;
        request_run(request, take(request, outcome, fields));
}

static int call_pin(struct request *request)
{
        int r = reader_call(
                request->reader, OP_PIN, request->pin->data, request->pin->len, on_reply, request);
        request_forget_pin(request);
        return r;
}

/* False where it cannot be asked, and so nothing behind it. */
static bool ask_one_ahead(struct request *request, struct request *guess)
{
        const struct row *row = &rows[guess->state];
        uint8_t payload[AHEAD_MAX];
        struct out args = out_new(payload, sizeof payload);
        int r = row->start ? row->start(guess, &args) : 0;
        if (r == 0)
                r = out_done(&args);
        return r == 0 && reader_ahead(request->reader, row->op, args.data, args.len) == 0;
}

/* What the rows below will probably ask: request_ahead.c says how far that can be known. */
static void ask_ahead(struct request *request)
{
        struct request guess = *request;
        int r = ahead_assume(&guess);
        while (r != WAIT) {
                guess.state += r == AGAIN ? 0 : 1;
                while (rows[guess.state].needed && !rows[guess.state].needed(&guess))
                        guess.state++;
                if (!ahead_may_ask(request, &guess) ||
                        (rows[guess.state].op && !ask_one_ahead(request, &guess)))
                        return;
                r = ahead_assume(&guess);
        }
}

static int start(struct request *request)
{
        const struct row *row = &rows[request->state];
        uint8_t payload[ANNOUNCE_MAX];
        struct out args = out_new(payload, sizeof payload);
        int r = row->start ? row->start(request, &args) : 0;
        if (r != 0 || row->op == 0)
                return r;
        r = out_done(&args);
        if (r == 0)
                r = row->op == OP_PIN ? call_pin(request)
                                      : reader_call(request->reader, row->op, args.data, args.len,
                                                on_reply, request);
        if (r == 0)
                ask_ahead(request);
        return r == 0 ? WAIT : r;
}

/* The first failure is the answer. The PIN, if there is one, has no more use. */
static void note_failure(struct request *request, int result)
{
        char sw[8];
        snprintf(sw, sizeof sw, "%04x", request->sw);
        request->outcome = outcome_of(result);
        if (result < 0 && !request->detail)
                request->detail = portable_errno_name(-result);
        request_forget_pin(request);
        log_kv(request->context->log, result < 0 ? LOG_LEVEL_ERR : LOG_LEVEL_INFO, request->id,
                "step failed", "step", request_state_name(request), "outcome",
                outcome_name(request->outcome), "sw", sw, "detail",
                request->detail ? request->detail : "", "error",
                result < 0 ? portable_errno_name(-result) : "", NULL);
}

static void choose_next(struct request *request, int result)
{
        if (result == 0 || (result != AGAIN && request->state >= STATE_CLEAR)) {
                request->state++;
        } else if (result != AGAIN) {
                note_failure(request, result);
                request->state = STATE_CLEAR;
        }
        while (rows[request->state].needed && !rows[request->state].needed(request))
                request->state++;
}

/* The keys may be a phone's: people are told to look there. */
static const char *phase_of(const struct request *request)
{
        return request->state == STATE_PINPAD && ask_on_phone(request) ? "phone"
                                                                       : rows[request->state].phase;
}

/* False if the client hung up on hearing it, and the request is gone. */
static bool announce(struct request *request)
{
        bool gone = false;
        const char *phase = phase_of(request);
        if (!phase || !request->callbacks.phase)
                return true;
        request->gone = &gone;
        request->callbacks.phase(request->user, request->id, phase);
        if (!gone)
                request->gone = NULL;
        return !gone;
}

void request_run(struct request *request, int result)
{
        while (result != WAIT) {
                enum state before = request->state;
                choose_next(request, result);
                if (request->state != before && !announce(request))
                        return;
                result = start(request);
        }
}

/* SPDX-License-Identifier: Apache-2.0 */
/* renew_ask.c: the history of a new PIN, and the prompt for it.
 *
 * That somebody asked for it is written down before the prompt opens, and how it ended before the answer leaves; never
 * what was typed. The prompt brings both secrets in one locked frame, and they leave it for the reader's helper one
 * after the other.
 */
#include "base/portable.h"
#include "daemon/prompt/question.h"
#include "daemon/renew_internal.h"

#include <time.h>

#define TYPED_CAP             64
#define DETAIL_RENEWED_UNTOLD "the new PIN holds, but the history could not be told so"

/* ---- whose turn ---------------------------------------------------------------------------- */

/* Kept from before the row until the person has answered: who waits is judged when it is their turn. */
int renew_take_turn(struct renew *renew, struct out *args)
{
        (void)args;
        (void)!turn_take(
                &renew->context->turns, &renew->turn); /* the next row waits, and says so */
        return 0;
}

bool renew_must_queue(const struct renew *renew)
{
        return renew->context->turns.asking != &renew->turn;
}

int renew_queue(struct renew *renew, struct out *args)
{
        (void)args;
        return turn_take(&renew->context->turns, &renew->turn) ? 0 : WAIT;
}

/* ---- the history --------------------------------------------------------------------------- */

static void on_recorded(
        void *user, int outcome, const char *detail, const struct history_told *told)
{
        struct renew *renew = user;
        renew->record = history_wait_free(renew->record);
        renew->recorded = outcome == 0;
        if (outcome != 0 && detail) {
                request_keep_detail(renew->detail_text, sizeof renew->detail_text, detail, told);
                renew->detail = renew->detail_text;
        }
        renew_run(renew, outcome);
}

/* 0: it was asked. */
static int waiting(struct renew *renew, int r)
{
        if (r == 0)
                return WAIT;
        log_kv(renew->context->log, LOG_LEVEL_ERR, renew->id, "history", "error",
                portable_errno_name(-r), NULL);
        renew->detail =
                renew->renewed ? DETAIL_RENEWED_UNTOLD : "the history's worker could not be asked";
        return OUTCOME_CANNOT_RECORD;
}

static struct history_asked asked_of(const struct renew *renew, char app[static PEER_KEY_MAX])
{
        static const char *const methods[] = {
                [RENEW_BY_PIN] = "ChangePin", [RENEW_BY_PUK] = "UnblockPin"
        };
        const struct policy_decision *decision = &renew->decision;
        peer_key(&renew->peer, app);
        return (struct history_asked){
                .request = renew->id,
                .method = methods[renew->how],
                .uid = renew->peer.uid,
                .pid = (uint32_t)renew->peer.pid,
                .app = app,
                .program = renew->peer.executable,
                .rule = decision->rule,
                .app_per_hour = decision->app_per_hour,
                .user_per_hour = decision->user_per_hour,
                .wrong_pins = decision->wrong_pins,
                .pause_s = decision->pause_s,
        };
}

int renew_record(struct renew *renew, struct out *args)
{
        char app[PEER_KEY_MAX];
        const struct history_asked asked = asked_of(renew, app);
        (void)args;
        return waiting(renew,
                history_ask(&renew->record, renew->context->history, &asked, on_recorded, renew));
}

void renew_note_refusal(struct renew *renew)
{
        char app[PEER_KEY_MAX];
        if (renew->recorded)
                return;
        const struct history_asked asked = asked_of(renew, app);
        history_note_refusal(renew->context->history, &asked, "rule");
}

bool renew_is_recorded(const struct renew *renew)
{
        return renew->recorded && !renew->closed;
}

static struct history_ended ended_of(const struct renew *renew, const char *outcome)
{
        return (struct history_ended){
                .request = renew->id,
                .outcome = outcome,
                .detail = renew->detail,
                .tries_left = renew->proof_left,
        };
}

static void on_end_recorded(
        void *user, int outcome, const char *detail, const struct history_told *told)
{
        struct renew *renew = user;
        (void)detail, (void)told;
        renew->record = history_wait_free(renew->record);
        if (outcome != 0 && renew->renewed && renew->outcome == 0)
                renew->detail = DETAIL_RENEWED_UNTOLD;
        renew_run(renew, outcome);
}

int renew_record_end(struct renew *renew, struct out *args)
{
        const char *outcome = renew->outcome == 0 ? "Ok" : outcome_name(renew->outcome);
        const struct history_ended ended = ended_of(renew, outcome);
        (void)args;
        renew->closed = true;
        int r = history_end(
                &renew->record, renew->context->history, &ended, on_end_recorded, renew);
        if (r != 0 && renew->outcome != 0)
                return 0; /* what failed first is the answer */
        return waiting(renew, r);
}

/* An intent that is still on its way to the disk is ended behind it. */
void renew_note_end(struct renew *renew)
{
        bool on_its_way = renew->record && !renew->recorded;
        if (!renew_is_recorded(renew) && !on_its_way)
                return;
        renew->closed = true;
        const struct history_ended ended =
                ended_of(renew, renew->outcome ? outcome_name(renew->outcome) : "Cancelled");
        history_note_end(renew->context->history, &ended);
}

/* ---- the prompt ---------------------------------------------------------------------------- */

static bool split(const struct renew *renew, struct view *ret_proof, struct view *ret_new_pin)
{
        enum question_work work = renew->how == RENEW_BY_PIN ? WORK_CHANGE_PIN : WORK_UNBLOCK_PIN;
        const struct secret *typed = renew->typed;
        return typed &&
               answer_pair(work, (struct view){ typed->data, typed->len }, ret_proof, ret_new_pin);
}

struct view renew_proof(const struct renew *renew)
{
        struct view proof = { 0 }, new_pin = { 0 };
        return split(renew, &proof, &new_pin) ? proof : (struct view){ 0 };
}

struct view renew_new_pin(const struct renew *renew)
{
        struct view proof = { 0 }, new_pin = { 0 };
        return split(renew, &proof, &new_pin) ? new_pin : (struct view){ 0 };
}

static void on_answer(void *user, const struct person_answer *answer)
{
        struct renew *renew = user;
        int outcome = answer->outcome;
        renew->person = person_free(renew->person);
        turn_give_up(&renew->context->turns, &renew->turn);
        if (outcome == OUTCOME_TIMED_OUT)
                renew->detail = "nobody answered the prompt in time";
        if (outcome == 0 && renew_new_pin(renew).len == 0)
                outcome = OUTCOME_INTERNAL;
        renew_run(renew, outcome);
}

static struct person_question question_of(
        const struct renew *renew, const struct reader_info *reader)
{
        const struct config *config = renew->context->config;
        const struct leaf *facts = &renew->chain.facts;
        return (struct person_question){
                .ui = { renew->tty, renew->term, renew->display, renew->wayland_display,
                        renew->xauthority, renew->language },
                .request = renew->id,
                .app = renew->peer.executable,
                .peer = &renew->peer,
                .audience = "",
                .given_name = facts->common_name,
                .family_name = "",
                .card_number = facts->employee_number,
                .reader = reader->name,
                .tries_left = renew->how == RENEW_BY_PIN ? renew->tries_left : -1,
                .simulated = renew->simulated,
                .expired = gate_expired(&renew->chain, time(NULL)),
                .staff = true,
                .recorded = true,
                .recorded_by_station = config->history_station,
                .work = renew->how == RENEW_BY_PIN ? PERSON_CHANGE_PIN : PERSON_UNBLOCK_PIN,
                .timeout_s = config->prompt_timeout_s,
                .pinentry = config->pinentry,
                .screen = renew->context->screen,
        };
}

int renew_ask(struct renew *renew, struct out *args)
{
        struct request_context *context = renew->context;
        struct reader_info reader;
        (void)args;
        reader_describe(renew->reader, &reader);
        int r = secret_new(&renew->typed, TYPED_CAP);
        if (r < 0) {
                renew->detail =
                        "no memory that can be locked for a PIN: is RLIMIT_MEMLOCK too low?";
                return r;
        }
        const struct person_question question = question_of(renew, &reader);
        r = person_ask(&renew->person, context->event, context->config, &question, renew->typed,
                on_answer, renew);
        if (r < 0)
                renew->detail = "the prompt could not be started";
        return r == 0 ? WAIT : r; /* a failure's way out gives the turn up */
}

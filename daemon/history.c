/* SPDX-License-Identifier: Apache-2.0 */
/* history.c: see history.h. Questions are made here and answers told; who answers is history_worker.c's.
 *
 * A wait and its question know each other until one of them is gone: a wait that is given back leaves a question
 * that nobody hears the answer of, and which is asked all the same. What cannot be put into a frame is never cut to
 * fit, except for texts that are only shown: a row would say another thing than what was asked.
 */
#include "daemon/history.h"

#include "base/bytes.h"
#include "base/outcome.h"
#include "base/text.h"
#include "client-sdk/members.h"
#include "daemon/history_internal.h"

#include <openssl/evp.h>
#include <stdio.h>

#define REFUSALS_MAX 16 /* that wait for the worker */

struct history_wait {
        struct history_question *question; /* NULL: it was answered */
        history_done done;
        history_grants_done grants;
        void *user;
};

static const char cannot_say[] = "a text of this request cannot be recorded";

/* ---- questions ---------------------------------------------------------------------------------- */

void history_queue_init(struct history_queue *queue)
{
        queue->first = NULL;
        queue->end = &queue->first;
}

void history_queue_put(struct history_queue *queue, struct history_question *question)
{
        question->next = NULL;
        *queue->end = question;
        queue->end = &question->next;
}

void history_queue_put_back(struct history_queue *queue, struct history_question *question)
{
        question->next = queue->first;
        if (!queue->first)
                queue->end = &question->next;
        queue->first = question;
}

struct history_question *history_queue_take(struct history_queue *queue)
{
        struct history_question *question = queue->first;
        if (!question)
                return NULL;
        queue->first = question->next;
        if (!queue->first)
                queue->end = &queue->first;
        question->next = NULL;
        return question;
}

struct history_question *history_question_free(struct history_question *question)
{
        if (!question)
                return NULL;
        if (question->wait)
                question->wait->question = NULL;
        free(question->frame);
        free(question);
        return NULL;
}

struct history_wait *history_wait_free(struct history_wait *wait)
{
        if (wait && wait->question)
                wait->question->wait = NULL;
        free(wait);
        return NULL;
}

/* `filled`: how the frame came about. What no frame can say becomes a question that has failed already. */
static int make_question(struct history *history, struct history_frame *frame, int filled,
        struct history_question **ret)
{
        uint8_t buffer[HISTORY_FRAME_MAX];
        struct history_question *question = calloc(1, sizeof *question);
        if (!question || filled == -ENOMEM)
                return history_question_free(question), -ENOMEM;
        frame->id = question->id = ++history->next_id;
        question->op = frame->op;
        if (filled < 0 || history_frame_encode(frame, buffer, sizeof buffer, &question->len) < 0)
                question->failure = cannot_say;
        else {
                question->frame = malloc(question->len);
                if (!question->frame)
                        return history_question_free(question), -ENOMEM;
                memcpy(question->frame, buffer, question->len);
        }
        *ret = question;
        return 0;
}

static void submit(struct history *history, struct history_question *question)
{
        if (question->failure)
                history_fail(history, question, question->failure);
        else
                history_submit(history, question);
}

static int ask(struct history_wait **ret, struct history *history, struct history_frame *frame,
        int filled, const struct history_wait *plan)
{
        struct history_question *question = NULL;
        int r = make_question(history, frame, filled, &question);
        if (r < 0)
                return r;
        struct history_wait *wait = malloc(sizeof *wait);
        if (!wait) {
                history_question_free(question);
                return -ENOMEM;
        }
        *wait = *plan;
        wait->question = question;
        question->wait = wait;
        *ret = wait;
        submit(history, question);
        return 0;
}

/* ---- what a frame says --------------------------------------------------------------------------- */

static void copy_shown(char *dst, size_t cap, const char *src)
{
        text_sanitize(dst, cap, src ? src : "", SIZE_MAX);
}

static int fill_ask(struct history_ask_texts *to, const struct history_asked *from)
{
        const struct {
                char *dst;
                size_t cap;
                const char *src;
        } rows[] = {
                { to->request, sizeof to->request, from->request },
                { to->method, sizeof to->method, from->method },
                { to->app, sizeof to->app, from->app },
                { to->audience, sizeof to->audience, from->audience },
                { to->purpose, sizeof to->purpose, from->purpose },
                { to->organization, sizeof to->organization, from->organization },
                { to->organization_key, sizeof to->organization_key, from->organization_key },
                { to->signed_request, sizeof to->signed_request, from->signed_request },
                { to->rule, sizeof to->rule, from->rule },
                { to->document, sizeof to->document, from->document },
                { to->document_digest, sizeof to->document_digest, from->document_digest },
                { to->form, sizeof to->form, from->form },
                { to->consent, sizeof to->consent, from->consent },
                { to->content, sizeof to->content, from->content },
                { to->key, sizeof to->key, from->key },
        };
        for (size_t i = 0; i < ARRAY_LEN(rows); i++)
                if (text_copy(rows[i].dst, rows[i].cap, rows[i].src) < 0)
                        return -EMSGSIZE;
        copy_shown(to->program, sizeof to->program, from->program);
        to->uid = from->uid;
        to->pid = from->pid;
        to->required = from->required;
        to->optional = from->optional;
        to->app_per_hour = from->app_per_hour;
        to->user_per_hour = from->user_per_hour;
        to->wrong_pins = from->wrong_pins;
        to->pause_s = from->pause_s;
        to->use_grant = from->use_grant;
        return 0;
}

static int digest_of(const char *assertion, char ret[static 2 * HISTORY_DIGEST + 1])
{
        uint8_t digest[HISTORY_DIGEST];
        if (!assertion)
                return 0;
        if (EVP_Digest(assertion, strlen(assertion), digest, NULL, EVP_sha256(), NULL) != 1)
                return -ENOMEM;
        hex_encode(ret, digest, sizeof digest);
        return 0;
}

static int values_of(const struct config *config, const json_t *values, char *dst, size_t cap)
{
        if (!values || !config->history_values || config->history_station)
                return 0;
        _cleanup_free_ char *text = members_text(values, JSON_COMPACT);
        return text ? text_copy(dst, cap, text) : -ENOMEM;
}

static int fill_end(
        struct history_end_texts *to, const struct history_ended *from, const struct config *config)
{
        int r = text_copy(to->request, sizeof to->request, from->request);
        if (r == 0)
                r = text_copy(to->outcome, sizeof to->outcome, from->outcome);
        if (r == 0)
                r = text_copy(to->grant, sizeof to->grant, from->grant);
        if (r == 0)
                r = text_copy(to->signature, sizeof to->signature, from->signature);
        if (r == 0)
                r = digest_of(from->assertion, to->assertion);
        if (r == 0)
                r = values_of(config, from->values, to->values, sizeof to->values);
        copy_shown(to->detail, sizeof to->detail, from->detail);
        to->released = from->released;
        to->declined = from->declined;
        to->tries_left = from->tries_left < 0 ? -1 : from->tries_left;
        to->remember = from->remember;
        return r;
}

/* ---- answers ------------------------------------------------------------------------------------- */

static void tell_grants(const struct history_wait *wait, int outcome, const char *failure,
        const struct history_reply *reply)
{
        bool starved = false;
        json_t *grants = reply && outcome == 0
                                 ? members_read(reply->list, strlen(reply->list), &starved)
                                 : NULL;
        if (outcome == 0 && !grants)
                outcome = OUTCOME_CANNOT_RECORD;
        wait->grants(
                wait->user, outcome, reply && reply->detail[0] ? reply->detail : failure, grants);
}

static void tell(const struct history_wait *wait, int outcome, const struct history_reply *reply)
{
        struct history_told told = { .granted = reply->grant[0] != '\0',
                .released = reply->released,
                .wait_s = reply->wait_s };
        memcpy(told.grant, reply->grant, sizeof told.grant);
        bool has_told = outcome == 0 || outcome == OUTCOME_POLICY;
        wait->done(wait->user, outcome, reply->detail[0] ? reply->detail : NULL,
                has_told ? &told : NULL);
}

static void log_note(struct history *history, const char *error)
{
        log_kv(history->log, LOG_LEVEL_WARNING, NULL, "an end is missing in the history", "error",
                error, NULL);
}

/* An end that has been written already is no news: it may have been asked for a second time. */
static void log_noted(
        struct history *history, const struct history_reply *reply, const char *failure)
{
        if (!reply || reply->outcome == OUTCOME_CANNOT_RECORD)
                log_note(history, reply ? reply->detail : failure);
}

void history_deliver(struct history *history, struct history_question *question,
        const struct history_reply *reply)
{
        struct history_wait *wait = question->wait;
        const char *failure = question->failure;
        int outcome = reply ? reply->outcome : OUTCOME_CANNOT_RECORD;
        if (question->op == HISTORY_END && outcome != 0)
                outcome = OUTCOME_CANNOT_RECORD;
        if (question->noted)
                log_noted(history, reply, failure);
        history_question_free(question);
        if (wait && wait->grants)
                tell_grants(wait, outcome, failure, reply);
        else if (wait && reply)
                tell(wait, outcome, reply);
        else if (wait)
                wait->done(wait->user, outcome, failure, NULL);
}

/* ---- what history.h offers ----------------------------------------------------------------------- */

int history_new(
        struct history **ret, sd_event *event, const struct config *config, const struct log *log)
{
        struct history *history = calloc(1, sizeof *history);
        if (!history)
                return -ENOMEM;
        history->event = event;
        history->config = config;
        history->log = log;
        int r = history_worker_init(history);
        if (r == 0)
                r = history_tidy_init(history);
        if (r < 0) {
                history_free(history);
                return r;
        }
        *ret = history;
        return 0;
}

struct history *history_free(struct history *history)
{
        if (!history)
                return NULL;
        history_tidy_end(history);
        history_worker_end(history);
        free(history);
        return NULL;
}

int history_ask(struct history_wait **ret, struct history *history,
        const struct history_asked *asked, history_done done, void *user)
{
        const struct history_wait plan = { .done = done, .user = user };
        _cleanup_free_ struct history_frame *frame = calloc(1, sizeof *frame);
        if (!frame)
                return -ENOMEM;
        frame->op = HISTORY_ASK;
        return ask(ret, history, frame, fill_ask(&frame->ask, asked), &plan);
}

int history_end(struct history_wait **ret, struct history *history,
        const struct history_ended *ended, history_done done, void *user)
{
        const struct history_wait plan = { .done = done, .user = user };
        _cleanup_free_ struct history_frame *frame = calloc(1, sizeof *frame);
        if (!frame)
                return -ENOMEM;
        frame->op = HISTORY_END;
        return ask(ret, history, frame, fill_end(&frame->end, ended, history->config), &plan);
}

void history_note_end(struct history *history, const struct history_ended *ended)
{
        struct history_question *question = NULL;
        _cleanup_free_ struct history_frame *frame = calloc(1, sizeof *frame);
        int r = -ENOMEM;
        if (frame) {
                frame->op = HISTORY_END;
                r = make_question(
                        history, frame, fill_end(&frame->end, ended, history->config), &question);
        }
        if (r < 0) {
                log_note(history, strerror(-r));
                return;
        }
        question->noted = true;
        submit(history, question);
}

/* Of a flood of them some are enough: the worker would not write down the others either. */
static bool is_flooded(const struct history *history)
{
        size_t count = 0;
        for (const struct history_question *q = history->waiting.first; q; q = q->next)
                count += q->op == HISTORY_REFUSE;
        return count >= REFUSALS_MAX;
}

void history_note_refusal(
        struct history *history, const struct history_asked *asked, const char *why)
{
        struct history_question *question = NULL;
        _cleanup_free_ struct history_frame *frame = calloc(1, sizeof *frame);
        if (!frame || is_flooded(history))
                return;
        frame->op = HISTORY_REFUSE;
        int r = text_copy(frame->why, sizeof frame->why, why);
        if (r == 0)
                r = fill_ask(&frame->ask, asked);
        if (make_question(history, frame, r, &question) == 0)
                submit(history, question);
}

void history_nudge(struct history *history)
{
        struct history_question *question = NULL;
        _cleanup_free_ struct history_frame *frame = calloc(1, sizeof *frame);
        if (!frame)
                return;
        frame->op = HISTORY_GRANTS;
        if (make_question(history, frame, 0, &question) == 0)
                submit(history, question);
}

int history_list_grants(
        struct history_wait **ret, struct history *history, history_grants_done done, void *user)
{
        const struct history_wait plan = { .grants = done, .user = user };
        _cleanup_free_ struct history_frame *frame = calloc(1, sizeof *frame);
        if (!frame)
                return -ENOMEM;
        frame->op = HISTORY_GRANTS;
        return ask(ret, history, frame, 0, &plan);
}

int history_revoke(struct history_wait **ret, struct history *history, const char *grant,
        history_done done, void *user)
{
        const struct history_wait plan = { .done = done, .user = user };
        _cleanup_free_ struct history_frame *frame = calloc(1, sizeof *frame);
        if (!frame)
                return -ENOMEM;
        frame->op = HISTORY_REVOKE;
        int r = text_copy(frame->grant, sizeof frame->grant, grant);
        return ask(ret, history, frame, r, &plan);
}

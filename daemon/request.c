/* SPDX-License-Identifier: Apache-2.0 */
/* request.c: see request.h. Birth, time limit, cancel and the one last callback of a request; what it
 * does in between is the table in request_table.c.
 *
 * A request frees itself right after its last callback. Cancelling it from inside that callback does
 * nothing; cancelling from inside any other ends it at once. Whatever it holds goes with it: the prompt
 * closes, the PIN is wiped, the reader is given back, and if the card was in the middle of something
 * the reader's helper dies of it.
 */
#include "daemon/request_internal.h"

#include "daemon/keys_turn.h"

#include <stdio.h>
#include <sys/random.h>
#include <time.h>

#define DEFAULT_LIMIT_MS 180000

int request_make_id(char id[static REQUEST_ID_LEN + 1])
{
        uint8_t random[REQUEST_ID_LEN / 2];
        if (getrandom(random, sizeof random, 0) != (ssize_t)sizeof random)
                return -EIO;
        hex_encode(id, random, sizeof random);
        return 0;
}

void request_keep_detail(char *dst, size_t cap, const char *detail, const struct history_told *told)
{
        if (told && told->wait_s > 0)
                snprintf(dst, cap, "%s; again in %u s", detail, told->wait_s);
        else
                snprintf(dst, cap, "%s", detail);
}

static int copy_params(struct request *request, const struct request_params *params)
{
        const struct {
                char **to;
                const char *from;
        } texts[] = {
                { &request->audience, params->audience },
                { &request->nonce, params->nonce },
                { &request->purpose, params->purpose },
                { &request->reader_name, params->reader },
                { &request->expect_national_number, params->expect_national_number },
                { &request->tty, params->ui.tty },
                { &request->term, params->ui.term },
                { &request->display, params->ui.display },
                { &request->wayland_display, params->ui.wayland_display },
                { &request->xauthority, params->ui.xauthority },
                { &request->language, params->ui.language },
                { &request->signed_request, params->signed_request },
        };
        for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
                *texts[i].to = texts[i].from ? strdup(texts[i].from) : NULL;
                if (texts[i].from && !*texts[i].to)
                        return -ENOMEM;
        }
        request->work = params->work ? params->work : &request_assert_work;
        request->work_user = params->work ? params->work_user : request;
        request->use = params->use;
        if (params->consent_of && params->consent_print) {
                snprintf(request->consent_of, sizeof request->consent_of, "%s", params->consent_of);
                memcpy(request->consent_print, params->consent_print, GATE_PRINT_SIZE);
        }
        request->station = json_incref(params->station);
        request->required = params->required;
        request->optional = params->optional;
        request->may_remember = params->remember;
        request->peer = params->peer;
        return 0;
}

static int on_kick(sd_event_source *source, void *user)
{
        (void)source;
        request_run(user, AGAIN);
        return 0;
}

static int on_limit(sd_event_source *source, uint64_t usec, void *user)
{
        (void)source, (void)usec;
        struct request *request = user;
        if (request->closed)
                return 0; /* its row is being written, which has a time limit of its own */
        log_kv(request->context->log, LOG_LEVEL_INFO, request->id, "request is out of time", "step",
                request_state_name(request), NULL);
        if (request->outcome == 0) { /* else it is on its way out with that */
                bool queued = request->reader_turn != NULL;
                request->outcome = queued ? OUTCOME_BUSY : OUTCOME_TIMED_OUT;
                request->detail = queued ? DETAIL_READER_TAKEN : "the request's own time limit";
        }
        record_abandon(request);
        request_finish(request, request->outcome, request->detail);
        return 0;
}

static int add_sources(struct request *request, unsigned int timeout_ms)
{
        uint64_t limit = (uint64_t)(timeout_ms ? timeout_ms : DEFAULT_LIMIT_MS) * 1000;
        int r = sd_event_add_defer(request->context->event, &request->kick, on_kick, request);
        if (r < 0)
                return r;
        return sd_event_add_time_relative(request->context->event, &request->limit, CLOCK_MONOTONIC,
                limit, 1000, on_limit, request);
}

static void let_go(struct request *request)
{
        ask_give_up_turn(request);
        request->person = person_free(request->person);
        request_forget_pin(request);
        record_let_go(request);
        request->wait = readers_wait_free(request->wait);
        request->reader_turn = keys_turn_free(request->reader_turn);
        request->search = search_free(request->search);
        request->reader = reader_release(request->reader);
        request->kick = sd_event_source_disable_unref(request->kick);
        request->limit = sd_event_source_disable_unref(request->limit);
}

static void request_free(struct request *request)
{
        char *const texts[] = {
                request->audience,
                request->nonce,
                request->purpose,
                request->reader_name,
                request->expect_national_number,
                request->tty,
                request->term,
                request->display,
                request->wayland_display,
                request->xauthority,
                request->language,
                request->signed_request,
                request->signing_input,
                request->assertion,
        };
        let_go(request);
        revoke_unwatch(request);
        known_card_clear(&request->card);
        for (size_t i = 0; i < ARRAY_LEN(texts); i++)
                free(texts[i]);
        json_decref(request->station);
        json_decref(request->values);
        if (request->gone)
                *request->gone = true;
        free(request);
}

int request_start(struct request **ret, struct request_context *context,
        const struct request_params *params, const struct request_callbacks *callbacks, void *user)
{
        struct request *request = calloc(1, sizeof *request);
        if (!request)
                return -ENOMEM;
        request->context = context;
        request->callbacks = *callbacks;
        request->user = user;
        request->tries_left = -1;
        int r = request_make_id(request->id);
        if (r == 0)
                r = copy_params(request, params);
        if (r == 0)
                r = add_sources(request, params->timeout_ms);
        if (r < 0) {
                request_free(request);
                return r;
        }
        revoke_watch(request);
        *ret = request;
        return 0;
}

struct request *request_cancel(struct request *request)
{
        if (!request || request->ended)
                return NULL;
        log_kv(request->context->log, LOG_LEVEL_INFO, request->id, "request cancelled", "step",
                request_state_name(request), NULL);
        record_abandon(request);
        request_free(request);
        return NULL;
}

void request_forget_pin(struct request *request)
{
        request->pin = secret_free(request->pin);
}

/* For whoever measures: how often the card was waited for. */
static void tell_flights(const struct request *request)
{
        char flights[16];
        if (!request->reader)
                return;
        snprintf(flights, sizeof flights, "%u", reader_flights(request->reader));
        log_kv(request->context->log, LOG_LEVEL_DEBUG, request->id, "card was asked", "flights",
                flights, NULL);
}

void request_finish(struct request *request, int outcome, const char *detail)
{
        request->ended = true;
        tell_flights(request);
        let_go(request);
        request->callbacks.done(request->user, request->id, outcome,
                outcome ? NULL : request->assertion, request->tries_left, detail);
        request_free(request);
}

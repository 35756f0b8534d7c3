/* SPDX-License-Identifier: Apache-2.0 */
/* request_ask.c: the prompt, and what will be signed.
 *
 * One prompt is open at a time (turn.h). Who comes later waits for his turn within his own time limit, holding
 * his reader but no transaction. A reader with keys of its own is preferred: then the prompt asks for consent
 * only, and no digit ever comes here.
 */
#include "daemon/request_internal.h"

#include "daemon/screen.h"

#include <stdio.h>
#include <time.h>

/* ---- whose turn ---------------------------------------------------------------------------- */

bool ask_take_turn(struct request *request)
{
        request->turn.kick = request->kick;
        return turn_take(&request->context->turns, &request->turn);
}

void ask_give_up_turn(struct request *request)
{
        turn_give_up(&request->context->turns, &request->turn);
}

/* ---- the question -------------------------------------------------------------------------- */

static void on_answer(void *user, const struct person_answer *answer)
{
        int outcome = answer->outcome;
        struct request *request = user;
        request->person = person_free(request->person);
        ask_give_up_turn(request);
        request->released = answer->released;
        request->remember = answer->remember;
        if (outcome == 0 && request->told_unproven)
                known_tell_unproven(request->context->known);
        if (outcome == OUTCOME_TIMED_OUT)
                request->detail = "nobody answered the prompt in time";
        if (outcome == 0 && request->pin && request->pin->len == 0)
                outcome = OUTCOME_INTERNAL;
        request_run(request, outcome);
}

struct person_question ask_question(const struct request *request)
{
        const struct config *config = request->context->config;
        return (struct person_question){
                .ui = { request->tty, request->term, request->display, request->wayland_display,
                        request->xauthority, request->language },
                .request = request->id,
                .app = request->peer.executable,
                .peer = &request->peer,
                .organization = record_organization(request),
                .screen = request->context->screen,
                .recorded = true,
                .recorded_identity = request->work == &request_assert_work &&
                                     config->history_values && !config->history_station,
                .recorded_by_station = config->history_station,
                .audience = request->audience,
                .purpose = request->purpose,
                .tries_left = -1,
                .timeout_s = config->prompt_timeout_s,
                .pinentry = config->pinentry,
        };
}

bool ask_on_phone(const struct request *request)
{
        struct reader_info reader;
        if (!request->pinpad || !request->reader)
                return false;
        reader_describe(request->reader, &reader);
        return reader.linked;
}

/* A page promises nothing false: what this card, or this app, has none of is not offered. */
static claimset available(const struct request *request)
{
        const struct known_card *card = &request->card;
        bool national = card->identity.family != CARD_PIV;
        bool dated = national && (card->expiry[0] || card->expiry_raw[0]);
        return (claimset)(CLAIM_READER | (national ? CLAIM_CARD_GENERATION : 0) |
                          (dated ? CLAIM_CARD_EXPIRY : 0) |
                          (json_object_size(request->station) > 0 ? CLAIM_STATION : 0));
}

struct person_question ask_told(const struct request *request, const struct reader_info *reader)
{
        const struct leaf *facts = &request->card.chain.facts;
        bool staff = facts->class == LEAF_STAFF;
        struct person_question question = ask_question(request);
        question.given_name = staff ? facts->common_name : facts->given_name;
        question.family_name = staff ? "" : facts->family_name;
        question.card_number = staff ? facts->employee_number : facts->card_number;
        question.staff = staff;
        question.reader = reader->name;
        question.on_phone = reader->linked;
        question.tries_left = request->tries_left;
        question.simulated = request->simulated;
        question.tell_unproven = request->told_unproven;
        question.expired = gate_expired(&request->card.chain, time(NULL));
        question.granted = request->told.granted || work_was_agreed(request);
        question.required = request->required;
        question.optional = request->optional;
        if (request->told.granted) /* what was agreed to then */
                question.optional &= request->told.released;
        question.may_remember = record_may_remember(request);
        if (request->work->ask)
                request->work->ask(request->work_user, &question);
        return question;
}

int ask_person(struct request *request, struct out *args)
{
        struct request_context *context = request->context;
        struct reader_info reader;
        (void)args;
        if (!ask_take_turn(request))
                return WAIT;
        request->required &= available(request);
        request->optional &= available(request);
        reader_describe(request->reader, &reader);
        request->told_unproven = work_signs(request) && context->config->unproven == UNPROVEN_ASK &&
                                 gate_unproven(&request->card.identity, request->simulated) &&
                                 !known_told_unproven(context->known);
        int r = sign_takes_digits(request) ? secret_new(&request->pin, REQUEST_PIN_CAP) : 0;
        if (r < 0) {
                request->detail =
                        "no memory that can be locked for a PIN: is RLIMIT_MEMLOCK too low?";
                return r;
        }
        struct person_question question = ask_told(request, &reader);
        request->on_screen = screen_is_there(question.screen);
        r = person_ask(&request->person, context->event, context->config, &question, request->pin,
                on_answer, request);
        if (r < 0)
                request->detail = "the prompt could not be started";
        if (r != 0)
                ask_give_up_turn(request);
        return r == 0 ? WAIT : r;
}

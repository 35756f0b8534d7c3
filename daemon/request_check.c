/* SPDX-License-Identifier: Apache-2.0 */
/* request_check.c: the free checks of card-facts 6.6, at the end of the first visit: how many tries are
 * left, which key belongs to the certificate, which methods the card would take. They change nothing
 * on the card, are made once per card, and spare the person a prompt that could lead nowhere: a card
 * that wants its issuer's keys, or takes no method at all, is answered here.
 *
 * Some cards tell the tries in two ways. Where these differ the lower one is believed, and that card is
 * asked both ways at every request.
 */
#include "daemon/request_internal.h"

/* After a right PIN all tries are there again, and a number that was shown is good until somebody spends one:
 * then the counter read after the prompt is lower, and nothing is sent. Never so for the last try. */
bool look_lacks_tries(const struct request *request)
{
        return work_signs(request) && (!request->resumed || request->tries_left < 2);
}

int look_copy(struct request *request, struct out *args)
{
        out_u8(args, (uint8_t)gate_pin_copy(&request->card.identity));
        return 0;
}

int look_counted(struct request *request, int outcome, struct in *fields)
{
        struct pin_counter counter;
        (void)outcome;
        if (op_get_counter(fields, &counter) < 0)
                return -EBADMSG;
        request->tries_left = counter.known ? counter.tries : -1;
        return gate_counter(&counter, &request->detail);
}

bool look_lacks_keys(const struct request *request)
{
        return work_signs(request) &&
               (request->plan.step_count == 0 || request->plan.counters_differ);
}

static int compare_counters(struct request *request)
{
        const struct card_probe *probe = &request->probe;
        struct pin_counter lower = { .known = true, .tries = probe->tries };
        request->plan.counters_differ = probe->tries_known && probe->tries != request->tries_left;
        if (!request->plan.counters_differ)
                return 0;
        log_kv(request->context->log, LOG_LEVEL_WARNING, request->id,
                "the card tells two numbers of tries left: the lower is believed", NULL);
        if (lower.tries >= request->tries_left)
                return 0;
        request->tries_left = lower.tries;
        return gate_counter(&lower, &request->detail);
}

int look_probed(struct request *request, int outcome, struct in *fields)
{
        if (outcome == 0 && op_get_probe(fields, &request->probe) < 0)
                return -EBADMSG;
        if (outcome != 0)
                request->probe = (struct card_probe){ 0 };
        if (request->plan.step_count == 0)
                request->key_count =
                        gate_keys(&request->card.chain, &request->probe, request->keys);
        return compare_counters(request);
}

static bool next_trial(const struct request *request, struct gate_step *ret)
{
        return gate_trial(request->keys, request->key_count, request->trial, ret);
}

bool look_has_trials(const struct request *request)
{
        struct gate_step step;
        return work_signs(request) && !request->plan.proven &&
               request->plan.step_count + 2 <= GATE_STEPS_MAX && next_trial(request, &step);
}

int look_method(struct request *request, struct out *args)
{
        struct gate_step step;
        if (!next_trial(request, &step))
                return -EPROTO;
        out_u8(args, step.key);
        out_u8(args, step.method);
        return 0;
}

static void accept_step(struct known_key *plan, const struct gate_step *step)
{
        plan->steps[plan->step_count++] = *step;
        if (step->method == SIGN_RSA_DIGESTINFO)
                plan->steps[plan->step_count++] =
                        (struct gate_step){ step->key, SIGN_RSA_BARE_HASH };
}

/* With each one accepted the fewest are tried. Where that leaves some untried, a refusal makes room for them. */
int look_assume_tried(struct request *guess)
{
        struct gate_step step;
        if (!next_trial(guess, &step))
                return WAIT;
        guess->trial++;
        accept_step(&guess->plan, &step);
        return look_has_trials(guess) || !next_trial(guess, &step) ? AGAIN : WAIT;
}

int look_tried(struct request *request, int outcome, struct in *fields)
{
        struct gate_step step;
        if (in_done(fields) < 0 || !next_trial(request, &step))
                return -EBADMSG;
        request->trial++;
        request->wants_issuer_keys |= outcome == OUTCOME_NEEDS_ISSUER_KEYS;
        if (outcome != 0)
                return AGAIN;
        accept_step(&request->plan, &step);
        return AGAIN;
}

/* The last look before a person is asked: is there any way to sign at all? */
int look_leave(struct request *request, struct out *args)
{
        struct known_key *plan = &request->plan;
        out_u8(args, DRIVER_LEAVE);
        if (plan->step_count > 0 || !work_signs(request))
                return 0;
        if (!request->wants_issuer_keys) {
                request->detail = "the card accepts no method for the certificate's key";
                return OUTCOME_NO_STANDARD_SIGNATURE;
        }
        plan->needs_issuer_keys = true;
        known_key_put(request->context->known, request->card.chain.print, plan);
        return OUTCOME_NEEDS_ISSUER_KEYS;
}

int look_left(struct request *request, int outcome, struct in *fields)
{
        struct reader_info info;
        (void)outcome;
        if (in_done(fields) < 0)
                return -EBADMSG;
        if (!work_signs(request))
                return 0; /* the free checks are still to be made by one that does */
        reader_describe(request->reader, &info);
        request->card.complete = true;
        request->card.insertion = request->insertion;
        known_key_put(request->context->known, request->card.chain.print, &request->plan);
        if (info.events == request->events)
                known_card_put(request->context->known, request->events, &request->card);
        return 0;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* request_record.c: may this be asked at all, and that it is written down: the intent before any prompt, the result
 * before the answer.
 *
 * Who asks and for what is settled first: a signed request speaks for itself, and the rules say what of it may be
 * asked. The history then decides in one step what only the past can tell. Without its row there is no prompt, and
 * without the second row no assertion leaves; a request that ends otherwise (hung up, out of time) leaves its row behind
 * without anybody waiting for it. On one card requests follow each other, so that the row of a wrong PIN is there
 * before the next one of the same app is judged.
 */
#include "daemon/request_internal.h"

#include "base/outcome.h"
#include "base/portable.h"
#include "client-sdk/assurance.h"
#include "client-sdk/identity.h"
#include "daemon/keys.h"

#include <time.h>

/* ---- what the history is told ---------------------------------------------------------------- */

const char *record_organization(const struct request *request)
{
        return request->signed_request ? request->relying.organization : NULL;
}

static struct history_asked asked_of(const struct request *request, char app[static PEER_KEY_MAX])
{
        const struct policy_decision *decision = &request->decision;
        const struct relying_request *signed_by = &request->relying;
        bool is_signed = request->signed_request != NULL;
        peer_key(&request->peer, app);
        return (struct history_asked){
                .request = request->id,
                .method = request->work->method,
                .uid = request->peer.uid,
                .pid = (uint32_t)request->peer.pid,
                .app = app,
                .program = request->peer.executable,
                .audience = request->audience,
                .purpose = request->purpose,
                .organization = record_organization(request),
                .organization_key = is_signed ? signed_by->organization_key : NULL,
                .signed_request = is_signed ? signed_by->replay_key : NULL,
                .rule = decision->rule,
                .required = request->required,
                .optional = request->optional,
                .app_per_hour = decision->app_per_hour,
                .user_per_hour = decision->user_per_hour,
                .wrong_pins = decision->wrong_pins,
                .pause_s = decision->pause_s,
                .use_grant =
                        decision->consent == POLICY_GRANT && request->work->policy == POLICY_ASSERT,
                .consent = work_was_agreed(request) ? request->consent_of : NULL,
        };
}

/* Before the intent is recorded nothing else would be left of it; behind that, its end says so. */
static int refuse(struct request *request, const char *why)
{
        char app[PEER_KEY_MAX];
        if (request->recorded)
                return OUTCOME_POLICY;
        const struct history_asked asked = asked_of(request, app);
        history_note_refusal(request->context->history, &asked, why);
        return OUTCOME_POLICY;
}

/* ---- may it be asked? ---------------------------------------------------------------------- */

/* The relying party's own words, and nothing that was said beside them. */
static int take_signed(struct request *request)
{
        struct relying_request *signed_by = &request->relying;
        int r = relying_check(request->context->relying, request->signed_request, time(NULL),
                signed_by, &request->detail);
        if (r != 0)
                return r == OUTCOME_INVALID ? OUTCOME_POLICY : r;
        request->audience = signed_by->audience;
        request->nonce = signed_by->nonce;
        request->purpose = signed_by->purpose;
        request->expect_national_number = signed_by->expect_national_number;
        signed_by->audience = signed_by->nonce = signed_by->purpose =
                signed_by->expect_national_number = NULL;
        request->required = signed_by->required;
        request->optional = signed_by->optional;
        return 0;
}

int record_judge(struct request *request, struct out *args)
{
        (void)args;
        int r = request->signed_request ? take_signed(request) : 0;
        if (r != 0)
                return r == OUTCOME_POLICY ? refuse(request, "bad_request") : r;
        const struct policy_question question = {
                .work = request->work->policy,
                .peer = &request->peer,
                .organization = record_organization(request),
                .organization_key =
                        request->signed_request ? request->relying.organization_key : NULL,
                .audience = request->audience,
                .purpose = request->purpose,
                .required = request->required,
                .optional = request->optional,
        };
        struct policy_decision *decision = &request->decision;
        policy_decide(request->context->config, &question, decision);
        request->optional = decision->optional;
        request->released = request->required | request->optional;
        request->detail = decision->detail;
        if (decision->consent == POLICY_REFUSE)
                return refuse(request, "rule");
        request->detail = NULL;
        return 0;
}

/* A phone that asks itself takes no digits from here, and would say so only when the PIN had been typed. */
static bool asks_unwanted(const struct request *request)
{
        struct reader_info reader;
        reader_describe(request->reader, &reader);
        return reader.linked && reader.asks_pin && !request->context->config->pinpad;
}

/* What the rules say of card and reader, once there is one. */
int record_allows_card(struct request *request)
{
        if (request->work->policy != POLICY_KEYS &&
                keys_raw_signature(request->context->config, request->card.identity.family)) {
                request->detail = KEYS_RAW_DETAIL;
                return refuse(request, "rule");
        }
        if (request->decision.no_simulated && request->simulated) {
                request->detail = "a rule forbids simulated cards here";
                return refuse(request, "rule");
        }
        if (work_signs(request) && asks_unwanted(request)) {
                request->detail = DETAIL_PHONE_ASKS;
                return refuse(request, "rule");
        }
        bool keys = request->pinpad && !ask_on_phone(request); /* a phone is no PIN pad */
        if (request->decision.pinpad && !keys && work_signs(request)) {
                request->detail = "a rule wants the PIN typed on the keys of the card reader, and "
                                  "this one has none that are used";
                return refuse(request, "rule");
        }
        return 0;
}

/* Which level a card's certificate states is known once it is confirmed. */
int record_allows_certificate(struct request *request)
{
        const struct gate_chain *chain = &request->card.chain;
        struct identity identity;
        if (request->decision.assurance == 0)
                return 0;
        int r = identity_read(chain->leaf, &chain->facts, &identity);
        if (r != 0 || assurance_level(identity.acr) >= request->decision.assurance)
                return r;
        request->detail = "a rule wants a certificate that states a higher level of assurance";
        return refuse(request, "rule");
}

/* ---- whose turn ---------------------------------------------------------------------------- */

/* Kept from before the row until the person has answered: who waits is judged when it is their turn. */
int record_turn(struct request *request, struct out *args)
{
        (void)args;
        (void)!ask_take_turn(request); /* the next row waits for it, and says so */
        return 0;
}

bool record_must_queue(const struct request *request)
{
        const struct turn *asking = request->context->turns.asking;
        return asking && asking != &request->turn;
}

bool record_must_queue_to_choose(const struct request *request)
{
        return record_must_queue(request) && choose_is_open(request);
}

int record_queue(struct request *request, struct out *args)
{
        (void)args;
        return ask_take_turn(request) ? 0 : WAIT;
}

/* A grant is keyed to what no other program can take on by being started: never to a path. */
bool record_may_remember(const struct request *request)
{
        const struct peer *peer = &request->peer;
        return request->may_remember && !request->told.granted &&
               request->decision.consent == POLICY_GRANT &&
               (request->signed_request || peer->flatpak[0] || peer->snap[0] || peer->unit[0]);
}

/* ---- the intent ---------------------------------------------------------------------------- */

bool record_is_due(const struct request *request)
{
        return !request->recorded;
}

bool record_is_due_to_choose(const struct request *request)
{
        return record_is_due(request) && choose_is_open(request);
}

static void keep_detail(
        struct request *request, const char *detail, const struct history_told *told)
{
        if (!detail)
                return;
        request_keep_detail(request->detail_text, sizeof request->detail_text, detail, told);
        request->detail = request->detail_text;
}

static void on_recorded(
        void *user, int outcome, const char *detail, const struct history_told *told)
{
        struct request *request = user;
        request->recording = history_wait_free(request->recording);
        request->recorded = outcome == 0;
        if (outcome == 0)
                request->told = *told;
        else
                keep_detail(request, detail, told);
        request_run(request, outcome);
}

static int cannot_record(struct request *request, int r)
{
        if (r >= 0)
                return r;
        log_kv(request->context->log, LOG_LEVEL_ERR, request->id, "history", "error",
                portable_errno_name(-r), NULL);
        request->detail = "the history's worker could not be asked";
        return OUTCOME_CANNOT_RECORD;
}

int record_intent(struct request *request, struct out *args)
{
        char app[PEER_KEY_MAX];
        struct history_asked asked = asked_of(request, app);
        (void)args;
        if (request->work->record)
                request->work->record(request->work_user, &asked);
        int r = history_ask(
                &request->recording, request->context->history, &asked, on_recorded, request);
        return r == 0 ? WAIT : cannot_record(request, r);
}

/* ---- the result ---------------------------------------------------------------------------- */

static struct history_ended end_of(const struct request *request, const char *outcome)
{
        return (struct history_ended){
                .request = request->id,
                .outcome = outcome,
                .detail = request->detail,
                .tries_left = request->outcome == OUTCOME_WRONG_PIN ? request->tries_left : -1,
                .grant = request->told.granted ? request->told.grant : NULL,
        };
}

bool record_has_intent(const struct request *request)
{
        return request->recorded && !request->closed;
}

/* What cannot be written down does not leave. */
static void withhold(struct request *request, const char *detail)
{
        free(request->assertion);
        request->assertion = NULL;
        if (request->outcome != 0)
                return;
        request->outcome = OUTCOME_CANNOT_RECORD;
        request->detail = detail;
}

static void on_result(void *user, int outcome, const char *detail, const struct history_told *told)
{
        struct request *request = user;
        (void)told;
        request->recording = history_wait_free(request->recording);
        if (outcome != 0) {
                bool was_fine = request->outcome == 0;
                withhold(request, NULL);
                if (was_fine)
                        keep_detail(request, detail, NULL);
        }
        request_run(request, 0);
}

int record_result(struct request *request, struct out *args)
{
        (void)args;
        struct history_ended ended =
                end_of(request, request->outcome == 0 ? "Ok" : outcome_name(request->outcome));
        if (request->outcome == 0 && request->work->end)
                request->work->end(request->work_user, &ended);
        request->closed = true;
        int r = history_end(
                &request->recording, request->context->history, &ended, on_result, request);
        if (r == 0)
                return WAIT;
        withhold(request, "the history's worker could not be asked");
        return 0;
}

/* An intent that is still on its way to the disk is ended behind it. A PIN that the card had by then may have been wrong:
 * that is for the history to judge, or whoever hangs up in time would never be paused. */
void record_abandon(struct request *request)
{
        bool on_its_way = request->recording && !request->recorded && !request->closed;
        if (!record_has_intent(request) && !on_its_way)
                return;
        if (request_pin_at_risk(request))
                request->detail = DETAIL_TRY_AT_RISK;
        request->closed = true;
        struct history_ended ended =
                end_of(request, request->outcome ? outcome_name(request->outcome) : "Cancelled");
        history_note_end(request->context->history, &ended);
}

void record_let_go(struct request *request)
{
        request->recording = history_wait_free(request->recording);
        relying_request_clear(&request->relying);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* methods_assert.c: Assert, from the socket to request.h and back. Shapes are checked here, so that the request begins
 * with facts; what a field means is the request's and the assertion's business. The client's hang-up is the one way to
 * cancel it. The log gets a line when a request starts and one when it ends: its id, the caller's program by name,
 * the outcome; not the audience, not the purpose, and nothing that came from a card.
 */
#include "daemon/methods_internal.h"

#include "base/outcome.h"
#include "daemon/relying.h"
#include "daemon/ui.h"

#include <stdio.h>

#define TIMEOUT_MAX 600000 /* ms */

struct job {
        struct methods *methods;
        struct call *call;
        struct request *request;
        char id[33]; /* the request's, once it was told */
};

#define STATION_TEXT .min = 1, .max = FIELD_STATION_MAX, .valid = method_is_text

static const struct param station_params[] = {
        { .name = "operator", STATION_TEXT },
        { .name = "branch", STATION_TEXT },
        { .name = "device", STATION_TEXT },
        { .name = "case_number", STATION_TEXT },
        { .name = "photo_checked", .type = PARAM_BOOL },
        { 0 },
};

static const struct param claims_params[] = {
        { .name = "required", .type = PARAM_CLAIMS },
        { .name = "optional", .type = PARAM_CLAIMS },
        { 0 },
};

static const struct param assert_params[] = {
        { .name = "signed_request", .min = 1, .max = RELYING_REQUEST_MAX, .valid = param_graphic },
        { .name = "audience", .min = 1, .max = FIELD_AUDIENCE_MAX, .valid = field_is_uri },
        { .name = "nonce",
                .min = FIELD_NONCE_MIN,
                .max = FIELD_NONCE_MAX,
                .valid = field_is_nonce },
        { .name = "purpose", .min = 1, .max = FIELD_PURPOSE_MAX, .valid = method_is_text },
        { .name = "reader", .min = 1, .max = METHODS_READER_MAX, .valid = method_is_text },
        { .name = "timeout_ms", .type = PARAM_INT, .min = 1, .max = TIMEOUT_MAX },
        { .name = "expect_national_number", .min = 10, .max = 10, .valid = param_digits },
        { .name = "claims", .type = PARAM_OBJECT, .fields = claims_params },
        { .name = "remember", .type = PARAM_BOOL },
        { .name = "station", .type = PARAM_OBJECT, .fields = station_params },
        { .name = "ui", .type = PARAM_OBJECT, .fields = ui_params },
        { 0 },
};

/* The request has its id from its first word on. */
static void learn_id(struct job *job, const char *id)
{
        const struct peer *peer = call_peer(job->call);
        const char *slash = strrchr(peer->executable, '/');
        char pid[16];
        if (job->id[0])
                return;
        snprintf(job->id, sizeof job->id, "%s", id);
        snprintf(pid, sizeof pid, "%d", (int)peer->pid);
        log_kv(job->methods->context->log, LOG_LEVEL_INFO, id, "request started", "app",
                slash ? slash + 1 : "", "pid", pid, NULL);
}

static void assert_phase(void *user, const char *id, const char *phase)
{
        struct job *job = user;
        learn_id(job, id);
        call_reply_more(job->call, json_pack("{s:s, s:s}", "request", id, "phase", phase));
}

static void assert_done(void *user, const char *id, int outcome, const char *assertion,
        int tries_left, const char *detail)
{
        struct job *job = user;
        learn_id(job, id);
        log_kv(job->methods->context->log, LOG_LEVEL_INFO, id, "request ended", "outcome",
                outcome == 0 ? "Ok" : outcome_name(outcome), "detail", detail ? detail : "", NULL);
        if (outcome == 0)
                call_reply(
                        job->call, json_pack("{s:s, s:s}", "request", id, "assertion", assertion));
        else
                method_fail(job->call, outcome,
                        method_details(id, outcome == OUTCOME_WRONG_PIN ? tries_left : -1, detail));
        free(job);
}

static void assert_hangup(void *user)
{
        struct job *job = user;
        request_cancel(job->request);
        free(job);
}

static void assert_begin(struct methods *m, struct call *call, const struct request_params *params)
{
        static const struct request_callbacks callbacks = { assert_phase, assert_done };
        struct job *job = calloc(1, sizeof *job);
        int r = job ? 0 : -ENOMEM;
        if (job) {
                *job = (struct job){ .methods = m, .call = call };
                call_on_hangup(call, assert_hangup, job);
                r = request_start(&job->request, m->context, params, &callbacks, job);
        }
        if (r == 0)
                return;
        free(job);
        method_fail(call, outcome_of(r), NULL);
}

static bool is_there(json_t *parameters, const char *name)
{
        const json_t *value = json_object_get(parameters, name);
        return value && !json_is_null(value);
}

/* What a signed request says it says alone; without one, who asks must say for whom. NULL: all is well. */
static const char *misplaced(json_t *parameters)
{
        static const char *const rows[] = { "audience", "nonce", "purpose",
                "expect_national_number", "claims" };
        bool is_signed = is_there(parameters, "signed_request");
        for (size_t i = 0; i < ARRAY_LEN(rows); i++)
                if (is_signed && is_there(parameters, rows[i]))
                        return rows[i];
        for (size_t i = 0; i < 2; i++)
                if (!is_signed && !is_there(parameters, rows[i]))
                        return rows[i];
        return NULL;
}

/* Without a word about it all may go along and nothing must. */
static const char *read_claims(struct request_params *params, json_t *claims)
{
        params->optional = CLAIMS_ALL;
        if (!claims)
                return NULL;
        bool good = claimset_read(json_object_get(claims, "required"), &params->required) &&
                    claimset_read(json_object_get(claims, "optional"), &params->optional);
        return good && !(params->required & params->optional) ? NULL : "claims.optional";
}

static void read_texts(struct request_params *params, json_t *parameters)
{
        params->signed_request = method_string(parameters, "signed_request");
        params->audience = method_string(parameters, "audience");
        params->nonce = method_string(parameters, "nonce");
        params->purpose = method_string(parameters, "purpose");
        params->reader = method_string(parameters, "reader");
        params->expect_national_number = method_string(parameters, "expect_national_number");
}

void method_assert(void *user, struct call *call, json_t *parameters)
{
        struct methods *m = user;
        struct request_params params = { .peer = *call_peer(call) };
        if (!params_accept(call, parameters, assert_params))
                return;
        read_texts(&params, parameters);
        params.remember = json_is_true(json_object_get(parameters, "remember"));
        params.timeout_ms =
                (unsigned int)json_integer_value(json_object_get(parameters, "timeout_ms"));
        params.station = method_object(parameters, "station");
        const char *bad = misplaced(parameters);
        if (!bad)
                bad = read_claims(&params, method_object(parameters, "claims"));
        if (!bad && !ui_read(&params.ui, method_object(parameters, "ui"), params.peer.uid))
                bad = "ui.tty";
        if (bad)
                method_invalid(call, bad);
        else
                assert_begin(m, call, &params);
}

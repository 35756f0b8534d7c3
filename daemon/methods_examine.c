/* SPDX-License-Identifier: Apache-2.0 */
/* methods_examine.c: Examine, from the socket to examine.h and back. */
#include "daemon/methods_internal.h"

#include "base/outcome.h"
#include "daemon/examine.h"

struct job {
        struct methods *methods;
        struct call *call;
        struct examine *examine;
};

static const struct param examine_params[] = {
        { .name = "reader", .min = 1, .max = METHODS_READER_MAX, .valid = param_is_text },
        { .name = "transcript", .type = PARAM_BOOL },
        { 0 },
};

static json_t *examined(const struct findings *findings, const char *body)
{
        _cleanup_message_ json_t *reply = json_pack("{s:o}", "card", examine_json(findings));
        _cleanup_free_ char *text = body ? examine_transcript(findings, body) : NULL;
        if (!reply || (body && (!text || json_object_set_new(
                                                 reply, "transcript", json_string(text)) < 0)))
                return NULL;
        return json_incref(reply);
}

/* The error, and what was written down until then. */
static json_t *cut_short(const struct findings *findings, const char *body, const char *detail)
{
        json_t *details = method_details(NULL, -1, detail);
        _cleanup_free_ char *text = body ? examine_transcript(findings, body) : NULL;
        if (text)
                json_object_set_new(details, "transcript", json_string(text));
        return details;
}

static void examine_ended(void *user, int outcome, const struct findings *findings,
        const char *transcript, const char *detail)
{
        struct job *job = user;
        log_kv(job->methods->context->log, LOG_LEVEL_INFO, NULL, "card examined", "outcome",
                outcome == 0 ? findings->verdict : outcome_name(outcome), "detail",
                detail ? detail : "", NULL);
        if (outcome == 0)
                call_reply(job->call, examined(findings, transcript));
        else
                method_fail(job->call, outcome, cut_short(findings, transcript, detail));
        free(job);
}

static void examine_hangup(void *user)
{
        struct job *job = user;
        examine_cancel(job->examine);
        free(job);
}

void method_examine(void *user, struct call *call, json_t *parameters)
{
        struct methods *m = user;
        if (!params_accept(call, parameters, examine_params))
                return;
        const struct examine_params params = {
                .reader = param_string(parameters, "reader"),
                .transcript = json_is_true(json_object_get(parameters, "transcript")),
        };
        struct job *job = calloc(1, sizeof *job);
        int r = -ENOMEM;
        if (job) {
                *job = (struct job){ .methods = m, .call = call };
                call_on_hangup(call, examine_hangup, job);
                r = examine_start(&job->examine, m->context, &params, examine_ended, job);
        }
        if (r == 0)
                return;
        free(job);
        method_fail(call, outcome_of(r), NULL);
}

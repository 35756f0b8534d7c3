/* SPDX-License-Identifier: Apache-2.0 */
/* methods_assert.c: Assert, from the socket to request.h and back. What it may ask stands in assert_params.c. The client's hang-up is
 * the one way to cancel it. The log gets a line when a request starts and one when it ends: its id, the caller's program by name,
 * the outcome; not the audience, not the purpose, and nothing that came from a card.
 */
#include "daemon/methods_internal.h"

#include "base/outcome.h"
#include "daemon/assert_params.h"
#include "daemon/ui.h"

#include <stdio.h>

struct job {
        struct methods *methods;
        struct call *call;
        struct request *request;
        char id[33]; /* the request's, once it was told */
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

void method_assert(void *user, struct call *call, json_t *parameters)
{
        struct methods *m = user;
        struct request_params params = { .peer = *call_peer(call) };
        if (!params_accept(call, parameters, assert_params))
                return;
        const char *bad = assert_params_read(parameters, &params);
        if (!bad && !ui_read(&params.ui, param_object(parameters, "ui"), &params.peer))
                bad = "ui.tty";
        if (bad)
                method_invalid(call, bad);
        else
                assert_begin(m, call, &params);
}

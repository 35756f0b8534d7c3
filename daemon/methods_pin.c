/* SPDX-License-Identifier: Apache-2.0 */
/* methods_pin.c: ChangePin and UnblockPin, from the socket to renew.h and back. No PIN comes in here: what is typed is
 * typed into the prompt. The log gets a line when one starts and one when it ends, as with Assert.
 */
#include "daemon/methods_internal.h"

#include "base/outcome.h"
#include "daemon/renew.h"
#include "daemon/ui.h"

#include <stdio.h>

#define TIMEOUT_MAX 600000 /* ms */

struct pin_job {
        struct methods *methods;
        struct call *call;
        struct renew *renew;
};

static const struct param pin_params[] = {
        { .name = "reader", .min = 1, .max = METHODS_READER_MAX, .valid = param_is_text },
        { .name = "timeout_ms", .type = PARAM_INT, .min = 1, .max = TIMEOUT_MAX },
        { .name = "ui", .type = PARAM_OBJECT, .fields = ui_params },
        { 0 },
};

static void pin_phase(void *user, const char *id, const char *phase)
{
        struct pin_job *job = user;
        call_reply_more(job->call, json_pack("{s:s, s:s}", "request", id, "phase", phase));
}

static void pin_done(void *user, const char *id, int outcome, int tries_left, const char *detail)
{
        struct pin_job *job = user;
        log_kv(job->methods->context->log, LOG_LEVEL_INFO, id, "new PIN ended", "outcome",
                outcome == 0 ? "Ok" : outcome_name(outcome), "detail", detail ? detail : "", NULL);
        if (outcome == 0)
                call_reply(job->call, json_pack("{s:s}", "request", id));
        else
                method_fail(job->call, outcome,
                        method_details(id, outcome == OUTCOME_WRONG_PIN ? tries_left : -1, detail));
        free(job);
}

static void pin_hangup(void *user)
{
        struct pin_job *job = user;
        renew_cancel(job->renew);
        free(job);
}

static int pin_begin(struct methods *m, struct call *call, const struct renew_params *params)
{
        static const struct renew_callbacks callbacks = { pin_phase, pin_done };
        struct pin_job *job = calloc(1, sizeof *job);
        if (!job)
                return -ENOMEM;
        *job = (struct pin_job){ .methods = m, .call = call };
        call_on_hangup(call, pin_hangup, job);
        int r = renew_start(&job->renew, m->context, params, &callbacks, job);
        if (r < 0)
                free(job);
        return r;
}

static void pin_method(
        struct methods *m, struct call *call, json_t *parameters, enum card_renewal how)
{
        struct renew_params params = { .how = how, .peer = *call_peer(call) };
        if (!params_accept(call, parameters, pin_params))
                return;
        params.reader = param_string(parameters, "reader");
        params.timeout_ms =
                (unsigned int)json_integer_value(json_object_get(parameters, "timeout_ms"));
        if (!ui_read(&params.ui, param_object(parameters, "ui"), &params.peer)) {
                method_invalid(call, "ui.tty");
                return;
        }
        int r = pin_begin(m, call, &params);
        if (r < 0)
                method_fail(call, outcome_of(r), NULL);
}

void method_change_pin(void *user, struct call *call, json_t *parameters)
{
        pin_method(user, call, parameters, RENEW_BY_PIN);
}

void method_unblock_pin(void *user, struct call *call, json_t *parameters)
{
        pin_method(user, call, parameters, RENEW_BY_PUK);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* methods_grants.c: ListGrants and RevokeGrant: what may ask without the page of consent, and taking that back. The
 * history keeps them (docs/history.md, "Permissions"); nothing is remembered here. Requests that wait by one are told.
 *
 * Whoever can read the history may see them and take them back. An app in a sandbox cannot read it, and
 * would learn from the list which other services its user goes to: it is refused, also where it is not known which app
 * it is, or whether it is one.
 */
#include "daemon/methods_internal.h"

#include "base/outcome.h"
#include "daemon/history.h"

#include <stdio.h>

struct asking { /* a call that waits for the history */
        struct methods *methods;
        struct call *call;
        char grant[33]; /* to be taken back */
        struct history_wait *wait;
};

static bool is_grant(const char *text)
{
        return field_is_hex(text, 32, 32);
}

static const struct param list_params[] = { { 0 } };
static const struct param revoke_params[] = {
        { .name = "grant", .required = true, .min = 32, .max = 32, .valid = is_grant },
        { 0 },
};

static struct asking *finish(struct asking *asking)
{
        history_wait_free(asking->wait);
        free(asking);
        return NULL;
}

/* Nobody waits for the history's word any more: whoever was to go by it asks in any case. */
static void hung_up(void *user)
{
        struct asking *asking = user;
        request_revoked(asking->methods->context, asking->grant);
        finish(asking);
}

static void told(void *user, int outcome, const char *detail, json_t *grants)
{
        struct asking *asking = user;
        struct call *call = asking->call;
        finish(asking);
        if (outcome == 0) {
                call_reply(call, grants);
                return;
        }
        json_decref(grants);
        method_fail(call, outcome, method_details(NULL, -1, detail));
}

static void taken_back(
        void *user, int outcome, const char *detail, const struct history_told *nothing)
{
        struct asking *asking = user;
        struct call *call = asking->call;
        (void)nothing;
        if (outcome == 0)
                request_revoked(asking->methods->context, asking->grant);
        finish(asking);
        if (outcome == 0)
                call_reply(call, json_object());
        else if (outcome == OUTCOME_USAGE)
                method_invalid(call, "grant");
        else
                method_fail(call, outcome, method_details(NULL, -1, detail));
}

/* NULL: the call has been answered. */
static struct asking *begin(struct methods *m, struct call *call)
{
        struct asking *asking = NULL;
        if (call_peer(call)->sandbox != PEER_IS_FREE) {
                method_fail(call, OUTCOME_POLICY,
                        method_details(NULL, -1, "an app in a sandbox is told of no permissions"));
                return NULL;
        }
        if (m->context->history)
                asking = calloc(1, sizeof *asking);
        if (!asking) {
                method_fail(
                        call, m->context->history ? OUTCOME_INTERNAL : OUTCOME_CANNOT_RECORD, NULL);
                return NULL;
        }
        asking->methods = m;
        asking->call = call;
        call_on_hangup(call, hung_up, asking);
        return asking;
}

static void give_up(struct asking *asking, int r)
{
        struct call *call = asking->call;
        finish(asking);
        method_fail(call, outcome_of(r), NULL);
}

void method_list_grants(void *user, struct call *call, json_t *parameters)
{
        struct methods *m = user;
        if (!params_accept(call, parameters, list_params))
                return;
        struct asking *asking = begin(m, call);
        if (!asking)
                return;
        int r = history_list_grants(&asking->wait, m->context->history, told, asking);
        if (r != 0)
                give_up(asking, r);
}

void method_revoke_grant(void *user, struct call *call, json_t *parameters)
{
        struct methods *m = user;
        if (!params_accept(call, parameters, revoke_params))
                return;
        struct asking *asking = begin(m, call);
        if (!asking)
                return;
        snprintf(asking->grant, sizeof asking->grant, "%s", param_string(parameters, "grant"));
        int r = history_revoke(
                &asking->wait, m->context->history, asking->grant, taken_back, asking);
        if (r != 0)
                give_up(asking, r);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* methods_policy.c: CheckPolicy: what the rules would say to a request, without any: nobody is asked, no card is looked
 * at, nothing is written down.
 *
 * It tells what stands in the configuration, and no more: not whether a limit is reached, whether the holder gave a
 * permission, or whether a signed request came before. `who` asks for somebody else, by the name that peer_key()
 * gives; a unit so named is taken for the system's.
 */
#include "daemon/methods_internal.h"

#include "base/outcome.h"
#include "daemon/policy_rule.h"
#include "daemon/relying.h"

#include <stdio.h>

static const struct param claims_params[] = {
        { .name = "required", .type = PARAM_CLAIMS },
        { .name = "optional", .type = PARAM_CLAIMS },
        { 0 },
};

static bool is_work(const char *text)
{
        return policy_work_named(text, strlen(text)) != POLICY_WORKS;
}

static const struct param check_params[] = {
        { .name = "for", .min = 1, .max = 16, .valid = is_work },
        { .name = "audience", .min = 1, .max = FIELD_AUDIENCE_MAX, .valid = field_is_uri },
        { .name = "purpose", .min = 1, .max = FIELD_PURPOSE_MAX, .valid = param_is_text },
        { .name = "claims", .type = PARAM_OBJECT, .fields = claims_params },
        { .name = "signed_request", .min = 1, .max = RELYING_REQUEST_MAX, .valid = param_graphic },
        { .name = "who", .min = 1, .max = PEER_KEY_MAX - 1, .valid = param_is_text },
        { 0 },
};

struct inquiry { /* all zero at first */
        struct policy_question question;
        struct peer peer;
        struct relying_request signed_request;
        char organization[257], organization_key[65]; /* that `who` names */
        char who[PEER_KEY_MAX];
};

static const struct form {
        const char *prefix;
        size_t slot, cap; /* of a text in struct inquiry */
} forms[] = {
#define SLOT(member) offsetof(struct inquiry, member), sizeof((struct inquiry *)0)->member
        { "organization:", SLOT(organization) }, { "organization_key:", SLOT(organization_key) },
        { "flatpak:", SLOT(peer.flatpak) }, { "snap:", SLOT(peer.snap) },
        { "unit:", SLOT(peer.unit) }, { "program:", SLOT(peer.executable) },
        { "script:", SLOT(peer.executable) }, /* its file is split off */
#undef SLOT
};

/* "flatpak:ID" and the like, whole; "any" is nobody in particular. False: it is none of these. */
static bool read_who(const char *who, struct inquiry *ret)
{
        const char *why;
        if (!rule_who_valid(who, &why) || strchr(who, '*'))
                return false;
        for (size_t i = 0; i < ARRAY_LEN(forms); i++) {
                size_t prefix = strlen(forms[i].prefix);
                if (strncmp(who, forms[i].prefix, prefix) != 0)
                        continue;
                if (strlen(who + prefix) >= forms[i].cap)
                        return false;
                memcpy((char *)ret + forms[i].slot, who + prefix, strlen(who + prefix) + 1);
        }
        ret->peer.system_unit = ret->peer.unit[0] != 0;
        char *blank = strncmp(who, "script:", 7) == 0 ? strchr(ret->peer.executable, ' ') : NULL;
        if (blank) {
                snprintf(ret->peer.script, sizeof ret->peer.script, "%s", blank + 1);
                *blank = 0;
        }
        return true;
}

static bool take_who(struct inquiry *inquiry, const struct peer *caller, const char *who)
{
        if (who && !read_who(who, inquiry))
                return false;
        if (!who)
                inquiry->peer = *caller;
        if (who)
                snprintf(inquiry->who, sizeof inquiry->who, "%s", who);
        else
                peer_key(caller, inquiry->who);
        struct policy_question *question = &inquiry->question;
        question->peer = &inquiry->peer;
        question->organization = inquiry->organization[0] ? inquiry->organization : NULL;
        question->organization_key =
                inquiry->organization_key[0] ? inquiry->organization_key : NULL;
        return true;
}

/* As Assert: without the object everything is asked for and can be declined. */
static bool take_claims(struct policy_question *question, json_t *claims)
{
        if (!claims) {
                question->optional = CLAIMS_ALL;
                return true;
        }
        return claimset_read(json_object_get(claims, "required"), &question->required) &&
               claimset_read(json_object_get(claims, "optional"), &question->optional) &&
               !(question->required & question->optional);
}

/* The name of the parameter that is wrong, or NULL. */
static const char *take_plain(struct policy_question *question, json_t *parameters)
{
        const char *work = param_string(parameters, "for");
        question->work = work ? policy_work_named(work, strlen(work)) : POLICY_ASSERT;
        question->audience = param_string(parameters, "audience");
        question->purpose = param_string(parameters, "purpose");
        if ((question->work == POLICY_ASSERT) != (question->audience != NULL))
                return "audience";
        if (question->purpose && (question->work == POLICY_KEYS || question->work == POLICY_PINS))
                return "purpose"; /* such a request has none */
        if (question->work != POLICY_ASSERT)
                return json_object_get(parameters, "claims") ? "claims" : NULL;
        return take_claims(question, param_object(parameters, "claims")) ? NULL : "claims";
}

/* What stands in a signed request stands nowhere beside it. */
static const char *beside(json_t *parameters)
{
        static const char *const names[] = { "audience", "purpose", "claims", "for" };
        for (size_t i = 0; i < ARRAY_LEN(names); i++) {
                const json_t *value = json_object_get(parameters, names[i]);
                if (value && !json_is_null(value))
                        return names[i];
        }
        return NULL;
}

static int take_signed(struct inquiry *inquiry, const struct relying *relying, const char *jws,
        const char **detail)
{
        struct relying_request *request = &inquiry->signed_request;
        struct policy_question *question = &inquiry->question;
        int r = relying_check(relying, jws, time(NULL), request, detail);
        if (r != 0)
                return r;
        question->organization = request->organization;
        question->organization_key = request->organization_key;
        question->audience = request->audience;
        question->purpose = request->purpose;
        question->required = request->required;
        question->optional = request->optional;
        return 0;
}

static void answer(const struct methods *m, struct call *call, const struct inquiry *inquiry)
{
        json_t *reply = policy_explain(m->context->config, &inquiry->question);
        const char *organization = inquiry->question.organization;
        if (json_object_set_new(reply, "who", json_string(inquiry->who)) < 0 ||
                (organization && json_object_set_new(
                                         reply, "organization", json_string(organization)) < 0)) {
                json_decref(reply);
                reply = NULL;
        }
        call_reply(call, reply);
}

static void inquire(
        const struct methods *m, struct call *call, struct inquiry *inquiry, json_t *parameters)
{
        const char *jws = param_string(parameters, "signed_request"), *detail = NULL;
        const char *wrong = jws ? beside(parameters) : take_plain(&inquiry->question, parameters);
        int r = jws && !wrong ? take_signed(inquiry, m->context->relying, jws, &detail) : 0;
        if (wrong)
                method_invalid(call, wrong);
        else if (r != 0)
                method_fail(call, r == OUTCOME_INVALID ? OUTCOME_POLICY : outcome_of(r),
                        method_details(NULL, -1, detail));
        else
                answer(m, call, inquiry);
}

void method_check_policy(void *user, struct call *call, json_t *parameters)
{
        struct inquiry inquiry = { 0 };
        if (!params_accept(call, parameters, check_params))
                return;
        if (!take_who(&inquiry, call_peer(call), param_string(parameters, "who"))) {
                method_invalid(call, "who");
                return;
        }
        inquire(user, call, &inquiry, parameters);
        relying_request_clear(&inquiry.signed_request);
}

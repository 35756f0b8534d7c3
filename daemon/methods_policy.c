/* SPDX-License-Identifier: Apache-2.0 */
/* methods_policy.c: CheckPolicy: what the rules would say to a request, without any: nobody is asked, no card is looked
 * at, nothing is written down.
 *
 * It tells what stands in the configuration, which every program of the user can read anyway, and no more: not
 * whether a limit is reached, and not whether the holder gave a permission. `who` asks for somebody else, by the
 * name that peer_key() gives; a unit so named is taken for the system's.
 */
#include "daemon/methods_internal.h"

#include "base/outcome.h"
#include "daemon/policy_rule.h"

#include <stdio.h>

static const struct param check_params[] = {
        { .name = "audience",
                .required = true,
                .min = 1,
                .max = FIELD_AUDIENCE_MAX,
                .valid = field_is_uri },
        { .name = "purpose", .min = 1, .max = FIELD_PURPOSE_MAX, .valid = method_is_text },
        { .name = "required", .type = PARAM_CLAIMS },
        { .name = "optional", .type = PARAM_CLAIMS },
        { .name = "who", .min = 1, .max = PEER_KEY_MAX - 1, .valid = method_is_text },
        { 0 },
};

/* Whoever is asked about, as a question has it. */
struct asker {
        struct peer peer;
        const char *organization, *organization_key;
};

static const struct form {
        const char *prefix;
        size_t slot, cap; /* of a text in struct peer; cap 0: a pointer in struct asker */
} forms[] = {
#define OF_PEER(prefix, member)                                                                    \
        {                                                                                          \
                prefix, offsetof(struct asker, peer.member), sizeof((struct peer *)0)->member      \
        }
        { "organization:", offsetof(struct asker, organization), 0 },
        { "organization_key:", offsetof(struct asker, organization_key), 0 },
        OF_PEER("flatpak:", flatpak),
        OF_PEER("snap:", snap),
        OF_PEER("unit:", unit),
        OF_PEER("program:", executable),
        OF_PEER("script:", script),
#undef OF_PEER
};

static bool fill(const struct form *form, const char *value, struct asker *asker)
{
        char *slot = (char *)asker + form->slot;
        if (form->cap && strlen(value) >= form->cap)
                return false;
        if (form->cap)
                memcpy(slot, value, strlen(value) + 1);
        else
                memcpy(slot, &value, sizeof value);
        return true;
}

/* "flatpak:ID" and the like, whole; "any" is nobody in particular. */
static bool read_who(const char *who, struct asker *ret)
{
        const char *why;
        struct asker asker = { .peer = { .system_unit = strncmp(who, "unit:", 5) == 0 } };
        *ret = asker;
        if (!rule_who_valid(who, &why) || strchr(who, '*'))
                return false;
        for (size_t i = 0; i < ARRAY_LEN(forms); i++)
                if (strncmp(who, forms[i].prefix, strlen(forms[i].prefix)) == 0)
                        return fill(&forms[i], who + strlen(forms[i].prefix), ret);
        return true;
}

/* params_accept() has looked: what is no set of claims is null, which is absent. */
static claimset claims_of(json_t *parameters, const char *name)
{
        claimset claims = CLAIMS_NONE;
        return claimset_read(json_object_get(parameters, name), &claims) ? claims : CLAIMS_NONE;
}

static json_t *explain(
        const struct methods *m, const struct asker *asker, const char *who, json_t *parameters)
{
        struct policy_question question = {
                .peer = &asker->peer,
                .organization = asker->organization,
                .organization_key = asker->organization_key,
                .audience = method_string(parameters, "audience"),
                .purpose = method_string(parameters, "purpose"),
        };
        question.required = claims_of(parameters, "required");
        question.optional = claims_of(parameters, "optional") & (claimset)~question.required;
        json_t *reply = policy_explain(m->context->config, &question);
        if (json_object_set_new(reply, "who", json_string(who)) < 0) {
                json_decref(reply);
                return NULL;
        }
        return reply;
}

void method_check_policy(void *user, struct call *call, json_t *parameters)
{
        struct methods *m = user;
        struct asker asker = { .peer = *call_peer(call) };
        char key[PEER_KEY_MAX];
        if (!params_accept(call, parameters, check_params))
                return;
        const char *who = method_string(parameters, "who");
        if (who && !read_who(who, &asker)) {
                method_invalid(call, "who");
                return;
        }
        peer_key(&asker.peer, key);
        call_reply(call, explain(m, &asker, who ? who : key, parameters));
}

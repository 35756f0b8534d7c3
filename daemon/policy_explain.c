/* SPDX-License-Identifier: Apache-2.0 */
/* policy_explain.c: a decision, and each rule of both lists with whether it spoke of this question and why not.
 *
 * It repeats nothing of policy_decide(): the decision told is the one that a request would meet. The words are
 * names, for the client to translate; a rule is told by its name, its file and its line, never by what it says.
 */
#include "daemon/policy_internal.h"

#include "base/text.h"
#include "client-sdk/assurance.h"
#include "client-sdk/members.h"
#include "daemon/keys.h"
#include "daemon/varlink.h"

#define FILE_SHOWN 160 /* bytes of a path; 128 rules fit an answer */

static const char *const consents[] = {
        [POLICY_GRANT] = "grant", [POLICY_ASK] = "ask", [POLICY_REFUSE] = "refuse"
};
static const char *const lists[] = { [CONFIG_ROOTS] = "administrator", [CONFIG_USERS] = "user" };
static const char *const whys[] = { [RULE_MATCHES] = "earlier",
        [RULE_OTHER_WORK] = "for",
        [RULE_OTHER_WHO] = "who",
        [RULE_USERS_UNIT] = "users_unit",
        [RULE_OTHER_AUDIENCE] = "audience",
        [RULE_OTHER_PURPOSE] = "purpose" };

/* What other settings than rules will say of cards, however the rules decide. */
static json_t *not_with(const struct config *config, const struct policy_question *question)
{
        bool made = question->work == POLICY_ASSERT || question->work == POLICY_DOCUMENT;
        const struct {
                const char *name;
                bool holds;
        } rows[] = {
                { "national", made && keys_raw_signature(config, CARD_NID) },
                { "staff", made && keys_raw_signature(config, CARD_PIV) },
                { "unproven", config->unproven == UNPROVEN_NO && question->work != POLICY_PINS },
        };
        _cleanup_message_ json_t *list = json_array();
        for (size_t i = 0; i < ARRAY_LEN(rows); i++)
                if (rows[i].holds && json_array_append_new(list, json_string(rows[i].name)) < 0)
                        return NULL;
        return json_incref(list);
}

static json_t *decision_json(const struct config *config, const struct policy_decision *d,
        const struct policy_question *question)
{
        claimset left_out = question->optional & (claimset)~d->optional;
        const struct member rows[] = { { "rule", d->rule }, { "detail", d->detail },
                { "assurance", assurance_level_name(d->assurance) } };
        return members_of(
                json_pack("{s:s, s:o, s:o, s:o, s:o, s:o, s:b, s:b, s:I, s:I, s:I, s:I}", "consent",
                        consents[d->consent], "required", claimset_json(d->required), "optional",
                        claimset_json(d->optional), "refused", claimset_json(d->over), "left_out",
                        claimset_json(left_out), "not_with", not_with(config, question), "pinpad",
                        d->pinpad, "simulated", !d->no_simulated, "app_per_hour",
                        (json_int_t)d->app_per_hour, "user_per_hour", (json_int_t)d->user_per_hour,
                        "wrong_pins", (json_int_t)d->wrong_pins, "pause_s", (json_int_t)d->pause_s),
                rows, ARRAY_LEN(rows));
}

static json_t *rule_json(
        const struct config *config, const struct rule *rule, enum rule_match match, bool decides)
{
        char file[FILE_SHOWN];
        const struct rule *first = rule_behind(config, rule);
        const struct member rows[] = { { "why", decides ? NULL : whys[match] },
                { "behind", first ? first->name : NULL } };
        text_sanitize(file, sizeof file, rule->file, sizeof file);
        return members_of(json_pack("{s:s, s:s, s:s, s:I, s:b}", "list", lists[rule->origin],
                                  "name", rule->name, "file", file, "line", (json_int_t)rule->line,
                                  "matched", decides),
                rows, ARRAY_LEN(rows));
}

static json_t *rules_json(const struct config *config, const struct policy_question *question)
{
        char text[AUDIENCE_PLAIN_MAX];
        const struct policy_question plain = policy_plain(question, text);
        const struct rule *const deciding[] = { policy_rule(config, CONFIG_ROOTS, question),
                policy_rule(config, CONFIG_ROOTS, &plain),
                policy_rule(config, CONFIG_USERS, question),
                policy_rule(config, CONFIG_USERS, &plain) };
        _cleanup_message_ json_t *list = json_array();
        for (const struct rule *rule = config->rules; rule; rule = rule->next) {
                enum rule_match match = rule_match(rule, question);
                if (match == RULE_OTHER_AUDIENCE)
                        match = rule_match(rule, &plain);
                bool decides = false;
                for (size_t i = 0; i < ARRAY_LEN(deciding); i++)
                        decides |= rule == deciding[i];
                if (json_array_append_new(list, rule_json(config, rule, match, decides)) < 0)
                        return NULL; /* rather than a rule less */
        }
        return json_incref(list);
}

json_t *policy_explain(const struct config *config, const struct policy_question *question)
{
        struct policy_decision decision;
        policy_decide(config, question, &decision);
        return json_pack("{s:o, s:o}", "decision", decision_json(config, &decision, question),
                "rules", rules_json(config, question));
}

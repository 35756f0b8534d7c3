/* SPDX-License-Identifier: Apache-2.0 */
/* policy.c: see policy.h. One decision out of two lists.
 *
 * Each list gives an opinion: its first rule that matches. Root's list without one says "ask, all claims, [limits]";
 * the user's says nothing. What holds is the stricter in each part by itself: consent, claims, limits, how the PIN
 * is typed, whether a simulated card will do, which level its certificate must state. So there is no way from the user's files to a looser decision, whatever
 * they hold, in whatever order (tests/unit/test_policy.c tries thousands).
 */
#include "daemon/policy.h"

#include "daemon/limits.h"
#include "daemon/policy_internal.h"

const struct rule *policy_rule(const struct config *config, enum config_origin origin,
        const struct policy_question *question)
{
        for (const struct rule *rule = config->rules; rule; rule = rule->next)
                if (rule->origin == origin && rule_match(rule, question) == RULE_MATCHES)
                        return rule;
        return NULL;
}

struct policy_question policy_plain(
        const struct policy_question *question, char text[static AUDIENCE_PLAIN_MAX])
{
        struct policy_question plain = *question;
        plain.plain = true;
        if (question->audience) {
                audience_plain(text, question->audience);
                plain.audience = text;
        }
        return plain;
}

/* A permission is of the account: where many people use one, it would be another holder's. And it is for an audience, which
 * nothing else has. */
static void keep_from_strangers(const struct config *config, const struct policy_question *question,
        struct policy_decision *d)
{
        bool no_grant = config->history_station || question->work != POLICY_ASSERT;
        if (no_grant && d->consent == POLICY_GRANT)
                d->consent = POLICY_ASK;
}

/* Root's opinion. */
static void begin(struct policy_decision *d, const struct rule *rule, struct limits *limits)
{
        if (!rule)
                return;
        if (rule->says_consent)
                d->consent = rule->consent;
        d->pinpad = rule->pinpad;
        d->no_simulated = rule->no_simulated;
        d->assurance = rule->assurance;
        d->rule = rule->name;
        limits_override(limits, &rule->limits);
}

/* The user's, which only takes away. */
static void tighten(struct policy_decision *d, const struct rule *rule, struct limits *limits)
{
        if (!rule)
                return;
        bool forbids = rule->says_consent && rule->consent > d->consent;
        if (forbids)
                d->consent = rule->consent;
        if (forbids || !d->rule)
                d->rule = rule->name;
        d->pinpad |= rule->pinpad;
        d->no_simulated |= rule->no_simulated;
        d->assurance = rule->assurance > d->assurance ? rule->assurance : d->assurance;
        limits_tighten(limits, &rule->limits);
}

static void judge_claims(struct policy_decision *d, const struct policy_question *question,
        const struct rule *const rules[CONFIG_ORIGINS])
{
        claimset allowed = CLAIMS_ALL;
        const char *forbids = NULL;
        for (int origin = 0; origin < CONFIG_ORIGINS; origin++) {
                if (!rules[origin])
                        continue;
                allowed &= rules[origin]->claims;
                if (!forbids && question->required & ~rules[origin]->claims)
                        forbids = rules[origin]->name;
        }
        d->required = question->required & allowed;
        d->optional = question->optional & allowed;
        d->over = question->required & (claimset)~allowed;
        if (d->consent == POLICY_REFUSE) {
                d->detail = "a rule refuses this";
        } else if (d->over) {
                d->consent = POLICY_REFUSE;
                d->detail = "a claim is required that no rule allows";
                d->rule = forbids;
        }
}

static struct policy_decision decide(
        const struct config *config, const struct policy_question *question)
{
        const struct rule *const rules[CONFIG_ORIGINS] = {
                [CONFIG_ROOTS] = policy_rule(config, CONFIG_ROOTS, question),
                [CONFIG_USERS] = policy_rule(config, CONFIG_USERS, question),
        };
        struct policy_decision d = { .consent = POLICY_ASK };
        struct limits limits = config->limits;
        begin(&d, rules[CONFIG_ROOTS], &limits);
        limits_tighten(&limits, &config->limits_of[CONFIG_USERS]);
        tighten(&d, rules[CONFIG_USERS], &limits);
        judge_claims(&d, question, rules);
        keep_from_strangers(config, question, &d);
        d.app_per_hour = limits.app_per_hour;
        d.user_per_hour = limits.user_per_hour;
        d.wrong_pins = limits.wrong_pins;
        d.pause_s = limits.pause_s;
        return d;
}

static void tighten_limits(struct policy_decision *d, const struct policy_decision *by)
{
        struct limits holds = { d->app_per_hour, d->user_per_hour, d->wrong_pins, d->pause_s };
        const struct limits other = { by->app_per_hour, by->user_per_hour, by->wrong_pins,
                by->pause_s };
        limits_tighten(&holds, &other);
        d->app_per_hour = holds.app_per_hour;
        d->user_per_hour = holds.user_per_hour;
        d->wrong_pins = holds.wrong_pins;
        d->pause_s = holds.pause_s;
}

static void tighten_by(struct policy_decision *d, const struct policy_decision *by)
{
        if (by->consent > d->consent || !d->rule)
                d->rule = by->rule;
        if (by->consent > d->consent) {
                d->consent = by->consent;
                d->detail = by->detail;
        }
        d->required &= by->required;
        d->optional &= by->optional;
        d->over |= by->over;
        d->pinpad |= by->pinpad;
        d->no_simulated |= by->no_simulated;
        d->assurance = by->assurance > d->assurance ? by->assurance : d->assurance;
        tighten_limits(d, by);
}

/* A refusal that another spelling of the address gets round is none, and a yes to one address is not a yes to each that
 * looks like it. */
void policy_decide(const struct config *config, const struct policy_question *question,
        struct policy_decision *ret)
{
        char text[AUDIENCE_PLAIN_MAX];
        struct policy_decision d = decide(config, question);
        if (question->audience) {
                const struct policy_question plain = policy_plain(question, text);
                const struct policy_decision other = decide(config, &plain);
                tighten_by(&d, &other);
        }
        *ret = d;
}

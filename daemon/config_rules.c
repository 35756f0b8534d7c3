/* SPDX-License-Identifier: Apache-2.0 */
/* config_rules.c: [rule NAME]: reads one rule, and refuses at once what could be misread later.
 *
 * A rule must say of whom it speaks, and something that holds then: one that ends before it does was cut off. A key is said once, but for those that take several values, which are said once
 * for each. Only root's files may grant; in the user's a rule that leaves consent out changes nothing about it. What
 * a rule means is policy.c's, when it matches policy_rule.c's.
 */
#include "daemon/audience.h"
#include "daemon/config_internal.h"
#include "daemon/limits.h"
#include "daemon/policy_rule.h"

#include "base/outcome.h"
#include "client-sdk/assurance.h"
#include "client-sdk/fields.h"

#include <stdio.h>

/* One value on its way into the rule. */
struct said {
        const struct config_file *file;
        struct rule *rule;
        const struct rule_key *key;
        const char *value;
};

/* 0, -ENOMEM, or OUTCOME_USAGE: *ret_want completes "wants ...", NULL: as the key's row says. */
typedef int (*take)(const struct said *said, const char **ret_want);

struct rule_key {
        const char *name;
        take take;
        size_t slot;
        const char *want;
        unsigned int min, max;
        bool many;
};

static int add(const struct said *said, const char **ret_want)
{
        char **list = (char **)((char *)said->rule + said->key->slot);
        int r = config_list_add(list, RULE_VALUES_MAX, said->value, strlen(said->value));
        if (r > 0)
                *ret_want = "16 values at most";
        return r;
}

static int rule_who(const struct said *said, const char **ret_want)
{
        return rule_who_valid(said->value, ret_want) ? add(said, ret_want) : OUTCOME_USAGE;
}

static int rule_audience(const struct said *said, const char **ret_want)
{
        char plain[AUDIENCE_PLAIN_MAX];
        if (!rule_audience_valid(said->value, ret_want))
                return OUTCOME_USAGE;
        audience_plain(plain, said->value);
        int r = add(said, ret_want);
        return r == 0 ? config_list_add(said->rule->plain, RULE_VALUES_MAX, plain, strlen(plain))
                      : r;
}

static int rule_purpose(const struct said *said, const char **ret_want)
{
        return field_is_text(said->value, FIELD_PURPOSE_MAX) ? add(said, ret_want) : OUTCOME_USAGE;
}

/* "none", or names of claims, each once. */
static int rule_claims(const struct said *said, const char **ret_want)
{
        claimset claims = CLAIMS_NONE;
        const char *word = strcmp(said->value, "none") == 0 ? "" : said->value;
        (void)ret_want;
        for (size_t len; *word; word += len, word += strspn(word, " \t")) {
                claimset claim = CLAIMS_NONE;
                len = strcspn(word, " \t");
                for (unsigned int bit = 0; bit < CLAIMSET_COUNT; bit++)
                        if (strlen(claimset_name(bit)) == len &&
                                memcmp(claimset_name(bit), word, len) == 0)
                                claim = (claimset)(1u << bit);
                if (claim == CLAIMS_NONE || claims & claim)
                        return OUTCOME_USAGE;
                claims |= claim;
        }
        said->rule->claims = claims;
        return 0;
}

/* Some of what policy.h names, each once. */
static int rule_for(const struct said *said, const char **ret_want)
{
        unsigned int works = 0;
        const char *word = said->value;
        (void)ret_want;
        for (size_t len; *word; word += len, word += strspn(word, " \t")) {
                len = strcspn(word, " \t");
                enum policy_work work = policy_work_named(word, len);
                if (work == POLICY_WORKS || works & 1U << work)
                        return OUTCOME_USAGE;
                works |= 1U << work;
        }
        said->rule->works = works;
        return works ? 0 : OUTCOME_USAGE;
}

static int rule_consent(const struct said *said, const char **ret_want)
{
        static const char *const words[] = {
                [POLICY_GRANT] = "grant", [POLICY_ASK] = "ask", [POLICY_REFUSE] = "refuse"
        };
        (void)ret_want;
        for (unsigned int i = 0; i < ARRAY_LEN(words); i++)
                if (strcmp(words[i], said->value) == 0) {
                        said->rule->consent = (enum policy_consent)i;
                        said->rule->says_consent = true;
                        return 0;
                }
        return OUTCOME_USAGE;
}

static int rule_pinpad(const struct said *said, const char **ret_want)
{
        (void)ret_want;
        return config_yes_no(said->value, &said->rule->pinpad) ? 0 : OUTCOME_USAGE;
}

static int rule_simulated(const struct said *said, const char **ret_want)
{
        bool allowed;
        (void)ret_want;
        if (!config_yes_no(said->value, &allowed))
                return OUTCOME_USAGE;
        said->rule->no_simulated = !allowed;
        return 0;
}

static int rule_assurance(const struct said *said, const char **ret_want)
{
        (void)ret_want;
        for (unsigned int level = 1; level <= ASSURANCE_LEVELS; level++)
                if (strcmp(assurance_level_name(level), said->value) == 0) {
                        said->rule->assurance = level;
                        return 0;
                }
        return OUTCOME_USAGE;
}

static int rule_limit(const struct said *said, const char **ret_want)
{
        unsigned int *slot = (unsigned int *)((char *)&said->rule->limits + said->key->slot);
        (void)ret_want;
        return config_number(said->value, said->key->min, said->key->max, slot) ? 0 : OUTCOME_USAGE;
}

#define LIMIT(member) rule_limit, offsetof(struct limits, member)
#define LIST(member)  offsetof(struct rule, member), .many = true

static const struct rule_key keys[] = {
        { "who", rule_who, LIST(who) },
        { "for", rule_for, 0, .want = "assertions, documents, keys or pins, each once" },
        { "audience", rule_audience, LIST(audience) },
        { "purpose", rule_purpose, LIST(purpose),
                .want = "text of at most 256 bytes without control characters" },
        { "claims", rule_claims, 0,
                .want = "none, or of card_generation, card_expiry, reader, station each once" },
        { "consent", rule_consent, 0, .want = "ask, grant or refuse" },
        { "pinpad", rule_pinpad, 0, .want = "yes or no" },
        { "simulated", rule_simulated, 0, .want = "yes or no" },
        { "assurance", rule_assurance, 0, .want = "bronze, silver, gold or platinum" },
        { "app_per_hour", LIMIT(app_per_hour), CONFIG_WANT_PER_HOUR },
        { "user_per_hour", LIMIT(user_per_hour), CONFIG_WANT_PER_HOUR },
        { "wrong_pins", LIMIT(wrong_pins), CONFIG_WANT_WRONG_PINS },
        { "pause_s", LIMIT(pause_s), CONFIG_WANT_PAUSE },
};
_Static_assert(ARRAY_LEN(keys) <= 32, "a rule's `seen` has a bit for each row");
#define SAYS_WHEN 4 /* of these rows, the first; the others say what holds then */

static int take_row(const struct config_file *file, size_t row, const char *value)
{
        struct rule *rule = file->rule;
        const struct said said = { file, rule, &keys[row], value };
        const char *want = NULL;
        if (!keys[row].many && rule->seen & UINT32_C(1) << row)
                return config_refuse(
                        file, "\"%s\" in [rule %s] is set twice", keys[row].name, rule->name);
        rule->seen |= UINT32_C(1) << row;
        int r = keys[row].take(&said, &want);
        return r > 0 ? config_refuse(file, "\"%s\" in [rule %s] wants %s, not \"%.40s\"",
                               keys[row].name, rule->name, want ? want : keys[row].want, value)
                     : r;
}

int config_take_rule_key(struct config_file *file, const char *name, const char *value)
{
        for (size_t i = 0; i < ARRAY_LEN(keys); i++)
                if (strcmp(keys[i].name, name) == 0)
                        return take_row(file, i, value);
        return config_refuse(file,
                "unknown key \"%.40s\" in [rule %s]; known: who, for, audience, purpose, claims, "
                "consent, pinpad, simulated, assurance, app_per_hour, user_per_hour, wrong_pins, "
                "pause_s",
                name, file->rule->name);
}

static bool name_valid(const char *name)
{
        static const char allowed[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
                                      "0123456789._-";
        size_t len = strspn(name, allowed);
        return len > 0 && len <= RULE_NAME_MAX && !name[len];
}

/* Where the next rule goes, or NULL with the reason told. */
static struct rule **find_end(const struct config_file *file, const char *name)
{
        struct rule **end = &file->config->rules;
        unsigned int count = 0;
        for (; *end; end = &(*end)->next) {
                const struct rule *rule = *end;
                count += rule->origin == file->origin;
                if (rule->origin != file->origin || strcmp(rule->name, name) != 0)
                        continue;
                config_refuse(file, "[rule %s] is there already: %.100s:%u", name, rule->file,
                        rule->line);
                return NULL;
        }
        if (count < RULES_MAX)
                return end;
        config_refuse(file, "more than %d rules", RULES_MAX);
        return NULL;
}

int config_begin_rule(struct config_file *file, const char *name)
{
        if (!name_valid(name))
                return config_refuse(file,
                        "a rule is written [rule NAME], its name of at most %d of A-Z, a-z, 0-9, "
                        "., _ and -",
                        RULE_NAME_MAX);
        struct rule **end = find_end(file, name), *rule = end ? calloc(1, sizeof *rule) : NULL;
        if (!rule)
                return end ? -ENOMEM : OUTCOME_USAGE;
        *end = rule;
        *rule = (struct rule){ .origin = file->origin,
                .line = file->line,
                .claims = CLAIMS_ALL,
                .consent = POLICY_ASK,
                .file = strdup(file->name) };
        snprintf(rule->name, sizeof rule->name, "%s", name);
        file->rule = rule;
        return rule->file ? 0 : -ENOMEM;
}

static int judge_whole(const struct config_file *file, const struct rule *rule)
{
        const char *why = NULL;
        if (!rule->who[0])
                return config_refuse(file, "[rule %s] does not say who (any, if so)", rule->name);
        if (!(rule->seen >> SAYS_WHEN))
                return config_refuse(file,
                        "[rule %s] does not say what holds then (consent = ask, if no more)",
                        rule->name);
        if (rule->consent != POLICY_GRANT)
                return 0;
        if (rule->origin != CONFIG_ROOTS)
                return config_refuse(
                        file, "\"consent = grant\" in [rule %s] " CONFIG_ROOTS_ONLY, rule->name);
        for (char *const *who = rule->who; *who; who++)
                if (!rule_who_grantable(*who, &why))
                        return config_refuse(file,
                                "\"consent = grant\" in [rule %s] %s, not for \"%.40s\"",
                                rule->name, why, *who);
        return 0;
}

int config_end_rule(struct config_file *file)
{
        const struct rule *rule = file->rule;
        unsigned int line = file->line;
        if (!rule)
                return 0;
        file->rule = NULL;
        file->line = rule->line; /* what is wrong with a whole rule is said of its first line */
        int r = judge_whole(file, rule);
        file->line = line;
        return r;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* policy_rule.c: see policy_rule.h. What `who` and `audience` may say, and when they match.
 *
 * An audience's `*` stands behind the host's "/" or not at all: `https://bank.example*` would match
 * https://bank.example.evil.example, and `https://bank.example:*` one with a password in it, so neither can be
 * written. A path is matched outside of Flatpak and Snap only: inside it is a path of the app's own making.
 * What a grant is keyed to must be more than a name that any program of the user can take: no path, and no unit of
 * the user's own manager.
 */
#include "daemon/policy_rule.h"

#include "client-sdk/fields.h"

#include <stdio.h>

#define KEY_DIGITS 64

static bool ends_in_star(const char *text)
{
        size_t len = strlen(text);
        return len > 0 && text[len - 1] == '*';
}

static bool pattern_matches(const char *pattern, const char *text)
{
        size_t len = strlen(pattern);
        return ends_in_star(pattern) ? strncmp(pattern, text, len - 1) == 0
                                     : strcmp(pattern, text) == 0;
}

/* --- who --- */

static const struct who {
        const char *prefix; /* of `who`; behind it stands the pattern */
        enum { ORGANIZATION, ORGANIZATION_KEY, FLATPAK, SNAP, UNIT, PATH } kind;
} whos[] = {
        { "organization:", ORGANIZATION },
        { "organization_key:", ORGANIZATION_KEY },
        { "flatpak:", FLATPAK },
        { "snap:", SNAP },
        { "unit:", UNIT },
        { "program:", PATH },
        { "script:", PATH },
};

/* What peer_key() would call it by its path alone, behind this prefix. */
static const char *path_key(const struct peer *peer, const char *prefix, char key[PEER_KEY_MAX])
{
        struct peer bare = *peer;
        if (bare.flatpak[0] || bare.snap[0])
                return NULL;
        bare.unit[0] = 0;
        peer_key(&bare, key);
        return strncmp(key, prefix, strlen(prefix)) == 0 ? key + strlen(prefix) : NULL;
}

/* NULL or "": nothing of this kind. */
static const char *what_it_has(
        const struct policy_question *q, const struct who *who, char key[PEER_KEY_MAX])
{
        switch (who->kind) {
        case ORGANIZATION: return q->organization;
        case ORGANIZATION_KEY: return q->organization_key;
        case FLATPAK: return q->peer->flatpak;
        case SNAP: return q->peer->snap;
        case UNIT: return q->peer->unit;
        case PATH: return path_key(q->peer, who->prefix, key);
        }
        return NULL;
}

static const struct who *who_find(const char *text)
{
        for (size_t i = 0; i < ARRAY_LEN(whos); i++)
                if (strncmp(text, whos[i].prefix, strlen(whos[i].prefix)) == 0)
                        return &whos[i];
        return NULL;
}

bool rule_who_valid(const char *text, const char **ret_why)
{
        const struct who *who = who_find(text);
        const char *pattern = who ? text + strlen(who->prefix) : "", *star = strchr(pattern, '*');
        *ret_why = NULL;
        if (strcmp(text, "any") == 0)
                return true;
        if (!who)
                *ret_why = "any, organization:NAME, organization_key:HEX, flatpak:ID, "
                           "snap:NAME.APP, unit:NAME, program:/PATH or "
                           "script:/INTERPRETER FILE";
        else if (who->kind == ORGANIZATION_KEY && !field_is_hex(pattern, KEY_DIGITS, KEY_DIGITS))
                *ret_why = "64 hexadecimal digits behind organization_key:";
        else if (who->kind == PATH && *pattern != '/')
                *ret_why = "an absolute path behind program: and script:";
        else if (!*pattern || strchr(" \t", *pattern))
                *ret_why = "a name right behind the colon";
        else if (star && star[1])
                *ret_why = "a * at the end only";
        return !*ret_why;
}

bool rule_who_grantable(const char *text, const char **ret_why)
{
        const struct who *who = who_find(text);
        *ret_why = NULL;
        if (!who || who->kind == PATH)
                *ret_why = "is for an organization, a Flatpak, a Snap or a unit: every program of "
                           "the user can have another one's path";
        else if (ends_in_star(text))
                *ret_why = "is for whole names, without a *";
        return !*ret_why;
}

static enum rule_match who_matches(
        const struct rule *rule, const char *text, const struct policy_question *question)
{
        const struct who *who = who_find(text);
        char key[PEER_KEY_MAX];
        const char *has = who ? what_it_has(question, who, key) : NULL;
        if (!who)
                return RULE_MATCHES; /* any */
        if (!has || !*has || !pattern_matches(text + strlen(who->prefix), has))
                return RULE_OTHER_WHO;
        bool users_unit = who->kind == UNIT && !question->peer->system_unit;
        return rule->consent == POLICY_GRANT && users_unit ? RULE_USERS_UNIT : RULE_MATCHES;
}

static enum rule_match match_who(const struct rule *rule, const struct policy_question *question)
{
        enum rule_match best = RULE_OTHER_WHO;
        for (char *const *who = rule->who; *who && best != RULE_MATCHES; who++) {
                enum rule_match match = who_matches(rule, *who, question);
                if (match != RULE_OTHER_WHO)
                        best = match;
        }
        return best;
}

/* --- what for --- */

enum policy_work policy_work_named(const char *name, size_t len)
{
        static const char *const names[] = { [POLICY_ASSERT] = "assertions",
                [POLICY_DOCUMENT] = "documents",
                [POLICY_KEYS] = "keys",
                [POLICY_PINS] = "pins" };
        for (unsigned int i = 0; i < ARRAY_LEN(names); i++)
                if (strlen(names[i]) == len && memcmp(names[i], name, len) == 0)
                        return (enum policy_work)i;
        return POLICY_WORKS;
}

/* --- audience and purpose --- */

/* Where the path of "scheme://host/path" begins; NULL: it has none, or no host. */
static const char *path_of(const char *uri)
{
        const char *host = strstr(uri, "://");
        const char *slash = host ? strchr(host + 3, '/') : NULL;
        return slash && slash > host + 3 ? slash : NULL;
}

bool rule_audience_valid(const char *audience, const char **ret_why)
{
        char uri[FIELD_AUDIENCE_MAX + 1];
        const char *star = strchr(audience, '*'), *path = path_of(audience);
        size_t len = strlen(audience);
        *ret_why = "a URI, with a * at the end only";
        if (len == 0 || len > FIELD_AUDIENCE_MAX || (star && star[1]))
                return false;
        snprintf(uri, sizeof uri, "%.*s", (int)(star ? len - 1 : len), audience);
        if (!field_is_uri(uri))
                return false;
        *ret_why = "the * behind the host's /, as in https://bank.example/*";
        return !star || (path && path < star) ||
               (!strstr(uri, "//") && strchr(uri, ':')[1] && uri[len - 2] == ':');
}

/* "https://bank.example/" followed by "*" is all of that host: also without any path. */
static bool audience_matches(const char *pattern, const char *audience)
{
        const char *path = path_of(pattern);
        bool whole_host = path && strcmp(path, "/*") == 0;
        size_t host_len = whole_host ? (size_t)(path - pattern) : 0;
        return pattern_matches(pattern, audience) ||
               (whole_host && strlen(audience) == host_len &&
                       memcmp(pattern, audience, host_len) == 0);
}

static bool any_matches(
        char *const *list, const char *text, bool (*matches)(const char *pattern, const char *text))
{
        if (!*list)
                return true;
        for (; text && *list; list++)
                if (matches(*list, text))
                        return true;
        return false;
}

static bool is_same(const char *a, const char *b)
{
        return strcmp(a, b) == 0;
}

enum rule_match rule_match(const struct rule *rule, const struct policy_question *question)
{
        if (rule->works && !(rule->works & 1U << question->work))
                return RULE_OTHER_WORK;
        enum rule_match who = match_who(rule, question);
        if (who != RULE_MATCHES)
                return who;
        if (!any_matches(question->plain ? rule->plain : rule->audience, question->audience,
                    audience_matches))
                return RULE_OTHER_AUDIENCE;
        return any_matches(rule->purpose, question->purpose, is_same) ? RULE_MATCHES
                                                                      : RULE_OTHER_PURPOSE;
}

/* --- rules that never count --- */

static bool who_covers(const char *who, const char *other)
{
        return strcmp(who, "any") == 0 || pattern_matches(who, other);
}

/* Does one of `list` match whatever each of `others` does? None at all is any. */
static bool list_covers(char *const *list, char *const *others,
        bool (*covers)(const char *pattern, const char *other))
{
        bool all = !*list || *others;
        for (; *list && *others && all; others++)
                all = any_matches(list, *others, covers);
        return all;
}

/* A grant for units passes over those of the user's own manager. */
static bool passes_over(const struct rule *rule)
{
        bool unit = false;
        for (char *const *who = rule->who; *who; who++)
                unit |= strncmp(*who, "unit:", 5) == 0;
        return unit && rule->consent == POLICY_GRANT;
}

static bool covers(const struct rule *rule, const struct rule *other)
{
        bool works = !rule->works || (other->works && !(other->works & ~rule->works));
        return works && !passes_over(rule) && list_covers(rule->who, other->who, who_covers) &&
               list_covers(rule->audience, other->audience, audience_matches) &&
               list_covers(rule->plain, other->plain, audience_matches) &&
               list_covers(rule->purpose, other->purpose, is_same);
}

const struct rule *rule_behind(const struct config *config, const struct rule *rule)
{
        for (const struct rule *first = config->rules; first && first != rule; first = first->next)
                if (first->origin == rule->origin && covers(first, rule))
                        return first;
        return NULL;
}

struct rule *rule_free_all(struct rule *rules)
{
        while (rules) {
                struct rule *next = rules->next;
                char **const lists[] = { rules->who, rules->audience, rules->plain,
                        rules->purpose };
                for (size_t i = 0; i < ARRAY_LEN(lists); i++)
                        for (char **text = lists[i]; *text; text++)
                                free(*text);
                free(rules->file);
                free(rules);
                rules = next;
        }
        return NULL;
}

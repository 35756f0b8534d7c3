/* SPDX-License-Identifier: Apache-2.0 */
/* body.c: what a row says, read strictly (docs/history.md, "Rows"): which members an event has, and what each
 * of them is, are rows of one table. A body has one form only, so that whoever writes it in another way did not
 * write it as a history does. What is not known here is refused: a member that nobody looks at could say anything.
 */
#include "client-sdk/history/ledger.h"

#include "base/outcome.h"
#include "client-sdk/assertion.h"
#include "client-sdk/claimset.h"
#include "client-sdk/fields.h"
#include "client-sdk/members.h"

static const char *const event_names[LEDGER_EVENTS] = {
        [LEDGER_CREATED] = "created",
        [LEDGER_ASKED] = "asked",
        [LEDGER_ENDED] = "ended",
        [LEDGER_INTERRUPTED] = "interrupted",
        [LEDGER_GRANTED] = "granted",
        [LEDGER_REVOKED] = "revoked",
        [LEDGER_REFUSED] = "refused",
        [LEDGER_PRUNED] = "pruned",
};

const char *ledger_event_name(enum ledger_event event)
{
        return event_names[event];
}

/* ---- What a member may be ---- */

static bool is_number(const json_t *value)
{
        return json_is_integer(value) && json_integer_value(value) >= 0;
}

static bool is_row(const json_t *value)
{
        return json_is_integer(value) && json_integer_value(value) >= 1;
}

static bool is_some_text(const json_t *value)
{
        return json_string_length(value) > 0;
}

static bool is_hex(const json_t *value, size_t digits)
{
        return json_is_string(value) && field_is_hex(json_string_value(value), digits, digits);
}

static bool is_number_of_request(const json_t *value)
{
        return is_hex(value, 32);
}

static bool is_digest(const json_t *value)
{
        return is_hex(value, 64);
}

static bool is_claims(const json_t *value)
{
        claimset set;
        return json_is_array(value) && claimset_read(value, &set);
}

static bool is_values(const json_t *value)
{
        return json_is_object(value);
}

/* "Cancelled" is no answer: nobody was left to hear one. */
static bool is_outcome(const json_t *value)
{
        static const char *const besides[] = { "Ok", "Internal", "Cancelled" };
        const char *text = json_string_value(value);
        for (size_t i = 0; text && i < ARRAY_LEN(besides); i++)
                if (strcmp(text, besides[i]) == 0)
                        return true;
        return text && outcome_from_name(text) != OUTCOME_INTERNAL;
}

#define IN(event) (1U << LEDGER_##event)
#define EVERY     ((1U << LEDGER_EVENTS) - 1)

static const struct rule {
        const char *name;
        bool (*good)(const json_t *value);
        unsigned int must, may; /* in these events */
} rules[] = {
        { "event", is_some_text, EVERY, 0 },
        { "at", is_number, EVERY, 0 },
        { "id", is_number_of_request, IN(CREATED), 0 },
        { "request", is_number_of_request, IN(ASKED) | IN(ENDED) | IN(INTERRUPTED), 0 },
        { "method", is_some_text, IN(ASKED), 0 },
        { "app", is_some_text, IN(ASKED), IN(GRANTED) | IN(REFUSED) },
        { "uid", is_number, IN(ASKED), 0 },
        { "pid", is_number, IN(ASKED), 0 },
        { "program", is_some_text, 0, IN(ASKED) },
        { "audience", is_some_text, IN(GRANTED), IN(ASKED) | IN(REFUSED) },
        { "purpose", is_some_text, 0, IN(ASKED) | IN(GRANTED) },
        { "organization", is_some_text, 0, IN(ASKED) | IN(GRANTED) | IN(REFUSED) },
        { "organization_key", is_digest, 0, IN(ASKED) | IN(GRANTED) },
        { "signed_request", is_digest, 0, IN(ASKED) | IN(REFUSED) },
        { "rule", is_some_text, 0, IN(ASKED) },
        { "required", is_claims, 0, IN(ASKED) },
        { "optional", is_claims, 0, IN(ASKED) },
        { "document", is_some_text, 0, IN(ASKED) },
        { "document_digest", is_digest, 0, IN(ASKED) },
        { "form", is_some_text, 0, IN(ASKED) },
        { "consent", is_number_of_request, 0, IN(ASKED) },
        { "content", is_some_text, 0, IN(ASKED) },
        { "key", is_some_text, 0, IN(ASKED) },
        { "outcome", is_outcome, IN(ENDED), 0 },
        { "detail", is_some_text, 0, IN(ENDED) },
        { "assertion", is_digest, 0, IN(ENDED) },
        { "signature", is_digest, 0, IN(ENDED) },
        { "released", is_claims, 0, IN(ENDED) | IN(GRANTED) },
        { "declined", is_claims, 0, IN(ENDED) },
        { "grant", is_number_of_request, IN(GRANTED) | IN(REVOKED), IN(ENDED) },
        { "tries_left", is_number, 0, IN(ENDED) },
        { "values", is_values, 0, IN(ENDED) },
        { "why", is_some_text, IN(REFUSED), 0 },
        { "through", is_row, IN(PRUNED), 0 },
};

static const struct rule *rule_of(const char *name)
{
        for (size_t i = 0; i < ARRAY_LEN(rules); i++)
                if (strcmp(rules[i].name, name) == 0)
                        return &rules[i];
        return NULL;
}

static const char *misfit(json_t *body, unsigned int in)
{
        const char *name;
        json_t *value;
        json_object_foreach (body, name, value) {
                const struct rule *rule = rule_of(name);
                if (!rule || !((rule->must | rule->may) & in))
                        return "a member that this event has not";
                if (!rule->good(value))
                        return "a member with a value that it cannot have";
        }
        for (size_t i = 0; i < ARRAY_LEN(rules); i++)
                if (rules[i].must & in && !json_object_get(body, rules[i].name))
                        return "a member is missing";
        return NULL;
}

static bool find_event(const json_t *body, enum ledger_event *ret)
{
        const char *name = json_string_value(json_object_get(body, "event"));
        for (unsigned int i = 0; name && i < LEDGER_EVENTS; i++)
                if (strcmp(name, event_names[i]) == 0) {
                        *ret = (enum ledger_event)i;
                        return true;
                }
        return false;
}

static int refuse(const char **ret_why, const char *why)
{
        *ret_why = why;
        return OUTCOME_INVALID;
}

/* A reader that has no memory for a text says that the text is bad. One that is bad is so twice, while something good
 * can be read. */
static json_t *read_text(const char *text, size_t len, bool *ret_starved)
{
        json_t *read = members_read(text, len, ret_starved);
        if (read || *ret_starved)
                return read;
        _cleanup_json_ json_t *again = json_loadb(text, len, JSON_REJECT_DUPLICATES, NULL);
        _cleanup_json_ json_t *good = json_loads("{\"good\":[\"text\",1]}", 0, NULL);
        *ret_starved = again || !good;
        return NULL;
}

int ledger_object(const char *text, size_t len, json_t **ret, const char **ret_why)
{
        bool starved = false;
        _cleanup_json_ json_t *object = read_text(text, len, &starved);
        if (starved)
                return -ENOMEM;
        if (!json_is_object(object))
                return refuse(ret_why, "it is no JSON object");
        _cleanup_free_ char *again = members_text(object, JSON_COMPACT | JSON_SORT_KEYS);
        if (!again)
                return -ENOMEM;
        if (strlen(again) != len || memcmp(again, text, len) != 0)
                return refuse(ret_why, "it is not written as a history writes it");
        *ret = json_incref(object);
        return 0;
}

int ledger_body(const char *text, size_t len, enum ledger_event *ret_event, json_t **ret,
        const char **ret_why)
{
        _cleanup_json_ json_t *body = NULL;
        if (len > LEDGER_BODY_MAX)
                return refuse(ret_why, "it is longer than a row may be");
        int r = ledger_object(text, len, &body, ret_why);
        if (r != 0)
                return r;
        if (!find_event(body, ret_event))
                return refuse(ret_why, "an event that is not known here");
        const char *why = misfit(body, 1U << *ret_event);
        if (why)
                return refuse(ret_why, why);
        *ret = json_incref(body);
        return 0;
}

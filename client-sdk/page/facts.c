/* SPDX-License-Identifier: Apache-2.0 */
/* facts.c: see facts.h. Every member that the page shows is one row of a table: its path, its kind, its
 * place in the struct, and whether there is a page without it. A row's bound is the size of its place; a
 * text that is longer is refused rather than cut, since a cut name is another name. What cannot be seen
 * (controls, directions) is taken out here, once.
 *
 * Two things are refused although they are well-formed: an outcome under which nothing is proven, since a page
 * with the form of a receipt would be taken for one, and a card number that is none.
 */
#include "client-sdk/page/facts.h"

#include "base/outcome.h"
#include "base/text.h"
#include "client-sdk/assertion.h"
#include "client-sdk/fields.h"
#include "client-sdk/members.h"
#include "client-sdk/page/page.h"

#include <stdio.h>
#include <time.h>

#define PATH_PARTS_MAX 3
#define YEAR_10000     253402300800

enum need { OPTIONAL, REQUIRED, FOR_CITIZEN, FOR_STAFF };

struct source {
        const json_t *root;
        struct facts *facts;
        char *problem;
};

struct field {
        const char *path;
        bool (*read)(const json_t *value, void *place, size_t cap);
        size_t offset, cap;
        enum need need;
};

static int refuse(const struct source *source, const char *path, const char *why)
{
        snprintf(source->problem, FACTS_PROBLEM_MAX, "%s: %s", path, why);
        return OUTCOME_USAGE;
}

/* ---- kinds ---- */

static bool read_text(const json_t *value, void *place, size_t cap)
{
        const char *text = json_string_value(value);
        if (!text || strlen(text) >= cap)
                return false;
        text_sanitize(place, cap, text, cap);
        return true;
}

/* An explanation, which says enough if only its beginning is there. */
static bool read_beginning(const json_t *value, void *place, size_t cap)
{
        const char *text = json_string_value(value);
        if (text)
                text_sanitize(place, cap, text, cap);
        return text != NULL;
}

static bool read_number(const json_t *value, void *place, size_t cap)
{
        const char *text = json_string_value(value);
        return text && field_is_digits(text, cap - 1) && read_text(value, place, cap);
}

static bool read_digest(const json_t *value, void *place, size_t cap)
{
        const char *text = json_string_value(value);
        return text && field_is_hex(text, 64, 64) && read_text(value, place, cap);
}

static bool read_uri(const json_t *value, void *place, size_t cap)
{
        const char *text = json_string_value(value);
        return text && field_is_uri(text) && read_text(value, place, cap);
}

static bool read_iso(const char *text, int64_t *place)
{
        struct tm tm = { 0 };
        char again[24];
        const char *end = strptime(text, "%Y-%m-%dT%H:%M:%SZ", &tm);
        if (!end || *end)
                return false;
        *place = timegm(&tm);
        text_iso8601(again, *place);
        return strcmp(again, text) == 0;
}

static bool read_time(const json_t *value, void *place, size_t cap)
{
        int64_t when = 0;
        (void)cap;
        if (json_is_integer(value))
                when = json_integer_value(value);
        else if (!json_is_string(value) || !read_iso(json_string_value(value), &when))
                return false;
        if (when < 0 || when >= YEAR_10000)
                return false;
        memcpy(place, &when, sizeof when);
        return true;
}

static bool read_truth(const json_t *value, void *place, size_t cap)
{
        bool truth = json_is_true(value);
        if (!json_is_boolean(value) || cap != sizeof truth)
                return false;
        memcpy(place, &truth, sizeof truth);
        return true;
}

static bool read_said(const json_t *value, void *place, size_t cap)
{
        enum facts_said said = json_is_true(value) ? FACTS_YES : FACTS_NO;
        if (!json_is_boolean(value) || cap != sizeof said)
                return false;
        memcpy(place, &said, sizeof said);
        return true;
}

static bool read_list(const json_t *value, void *place, size_t cap)
{
        struct facts_list list = { .count = json_array_size(value) };
        if (!json_is_array(value) || list.count > FACTS_LIST_MAX || cap != sizeof list)
                return false;
        for (size_t i = 0; i < list.count; i++)
                if (!read_text(json_array_get(value, i), list.names[i], FACTS_TOKEN_MAX))
                        return false;
        memcpy(place, &list, sizeof list);
        return true;
}

/* One of the words, by its place among them; the place is an enum's. */
static bool read_word(const json_t *value, const char *const words[2], void *place)
{
        const char *text = json_is_string(value) ? json_string_value(value) : "";
        for (int i = 0; i < 2; i++)
                if (strcmp(text, words[i]) == 0) {
                        memcpy(place, &i, sizeof i);
                        return true;
                }
        return false;
}

static bool read_size(const json_t *value, void *place, size_t cap)
{
        static const char *const words[2] = { [FACTS_A4] = "a4", [FACTS_80MM] = "80mm" };
        return cap == sizeof(int) && read_word(value, words, place);
}

static bool read_holder(const json_t *value, void *place, size_t cap)
{
        static const char *const words[2] = {
                [FACTS_CITIZEN] = "citizen", [FACTS_STAFF] = "staff"
        };
        return cap == sizeof(int) && read_word(value, words, place);
}

static bool read_language(const json_t *value, void *place, size_t cap)
{
        static const char *const words[2] = { "en", "fa" };
        int chosen = 0;
        bool known = read_word(value, words, &chosen), persian = chosen == 1;
        if (!known || cap != sizeof persian)
                return false;
        memcpy(place, &persian, sizeof persian);
        return true;
}

/* ---- rows ---- */

#define FIELD(member) offsetof(struct facts, member), sizeof(((struct facts *)NULL)->member)

static const struct field fields[] = {
        { "language", read_language, FIELD(persian), REQUIRED },
        { "size", read_size, FIELD(size), REQUIRED },
        { "digest", read_digest, FIELD(digest), REQUIRED },
        { "holder", read_holder, FIELD(holder), REQUIRED },
        { "simulated", read_truth, FIELD(simulated), REQUIRED },
        { "signed_at", read_time, FIELD(signed_at), REQUIRED },
        { "received_at", read_time, FIELD(received_at), REQUIRED },
        { "claims.given_name", read_text, FIELD(given_name), FOR_CITIZEN },
        { "claims.family_name", read_text, FIELD(family_name), FOR_CITIZEN },
        { "claims.card_number", read_number, FIELD(card_number), FOR_CITIZEN },
        { "claims.national_number", read_number, FIELD(national_number), OPTIONAL },
        { "claims.name", read_text, FIELD(name), FOR_STAFF },
        { "claims.organization", read_text, FIELD(organization), OPTIONAL },
        { "claims.employee_number", read_text, FIELD(employee_number), OPTIONAL },
        { "claims.email", read_text, FIELD(email), OPTIONAL },
        { "claims.aud", read_uri, FIELD(audience), REQUIRED },
        { "claims.purpose", read_text, FIELD(purpose), OPTIONAL },
        { "claims.national_number_match", read_text, FIELD(number_match), OPTIONAL },
        { "claims.acr", read_text, FIELD(acr), OPTIONAL },
        { "claims.assurance.identity_level", read_text, FIELD(identity_level), OPTIONAL },
        { "claims.card.certificate_expiry", read_time, FIELD(certificate_end), OPTIONAL },
        { "claims.certificate.not_after", read_time, FIELD(certificate_end), OPTIONAL },
        { "claims.certificate.expired", read_truth, FIELD(certificate_expired), OPTIONAL },
        { "claims.certificate.issuer", read_text, FIELD(issuer), OPTIONAL },
        { "claims.clock.synchronised", read_said, FIELD(clock_synchronised), OPTIONAL },
        { "claims.station.operator", read_text, FIELD(operator_name), OPTIONAL },
        { "claims.station.branch", read_text, FIELD(branch), OPTIONAL },
        { "claims.station.device", read_text, FIELD(device), OPTIONAL },
        { "claims.station.case_number", read_text, FIELD(case_number), OPTIONAL },
        { "claims.station.software", read_text, FIELD(software), OPTIONAL },
        { "claims.station.photo_checked", read_said, FIELD(photo_checked), OPTIONAL },
        { "verification.outcome", read_text, FIELD(outcome), REQUIRED },
        { "verification.reason", read_text, FIELD(reason), REQUIRED },
        { "verification.checked", read_list, FIELD(checked), REQUIRED },
        { "verification.not_checked", read_list, FIELD(not_checked), REQUIRED },
        { "revocation.state", read_text, FIELD(revocation), OPTIONAL },
        { "revocation.source", read_beginning, FIELD(revocation_source), OPTIONAL },
        { "revocation.why", read_beginning, FIELD(revocation_why), OPTIONAL },
        { "revocation.as_of", read_time, FIELD(revocation_as_of), OPTIONAL },
        { "timestamp.at", read_time, FIELD(timestamp_at), OPTIONAL },
        { "timestamp.authority", read_text, FIELD(timestamp_authority), OPTIONAL },
};

/* The value at "a.b.c", or NULL. */
static const json_t *value_at(const json_t *value, const char *path)
{
        char name[32];
        for (int part = 0; part < PATH_PARTS_MAX && value && *path; part++) {
                size_t len = strcspn(path, ".");
                snprintf(name, sizeof name, "%.*s", (int)len, path);
                value = json_object_get(value, name);
                path += len + (path[len] == '.');
        }
        return value;
}

static bool is_needed(const struct source *source, enum need need)
{
        const enum facts_holder holder = source->facts->holder;
        return need == REQUIRED || (need == FOR_CITIZEN && holder == FACTS_CITIZEN) ||
               (need == FOR_STAFF && holder == FACTS_STAFF);
}

static int read_field(const struct source *source, const struct field *field)
{
        const json_t *value = value_at(source->root, field->path);
        if (!value || json_is_null(value))
                return is_needed(source, field->need) ? refuse(source, field->path, "missing") : 0;
        if (!field->read(value, (char *)source->facts + field->offset, field->cap))
                return refuse(source, field->path, "not of its form, or too long");
        return 0;
}

/* ---- the whole ---- */

/* Exactly these, and of these kinds, so that a row's path ends where it is meant to. */
static int check_members(const struct source *source)
{
        static const struct {
                const char *name;
                bool object, nullable;
        } members[] = { { "language", false, false }, { "size", false, false },
                { "digest", false, false }, { "holder", false, false }, { "claims", true, false },
                { "signed_at", false, false }, { "received_at", false, false },
                { "verification", true, false }, { "revocation", true, true },
                { "timestamp", true, true }, { "simulated", false, false } };
        if (!json_is_object(source->root))
                return refuse(source, "input", "not a JSON object");
        for (size_t i = 0; i < ARRAY_LEN(members); i++) {
                const json_t *value = json_object_get(source->root, members[i].name);
                if (!value)
                        return refuse(source, members[i].name, "missing");
                if (members[i].object && !json_is_object(value) &&
                        !(members[i].nullable && json_is_null(value)))
                        return refuse(source, members[i].name, "not an object");
        }
        if (json_object_size(source->root) != ARRAY_LEN(members))
                return refuse(source, "input", "has a member that is not known");
        return 0;
}

/* What the rows alone cannot say. */
static int check_sense(const struct source *source)
{
        struct facts *facts = source->facts;
        const json_t *simulated = value_at(source->root, "claims.card.simulated");
        bool holds = strcmp(facts->outcome, "ok") == 0;
        if (!holds && strcmp(facts->outcome, outcome_name(OUTCOME_CERTIFICATE_EXPIRED)) != 0)
                return refuse(source, "verification.outcome",
                        "nothing is proven: there is no receipt for it");
        if (json_is_object(json_object_get(source->root, "timestamp")) &&
                (facts->timestamp_at == FACTS_NO_TIME || !facts->timestamp_authority[0]))
                return refuse(source, "timestamp", "without its moment or its authority");
        if (facts->holder == FACTS_CITIZEN && !facts->given_name[0] && !facts->family_name[0])
                return refuse(source, "claims.family_name", "nothing that can be seen");
        if (facts->holder == FACTS_STAFF && !facts->name[0])
                return refuse(source, "claims.name", "nothing that can be seen");
        facts->certificate_expired |= !holds;
        facts->simulated |= json_is_true(simulated);
        return 0;
}

static int read_all(const struct source *source)
{
        int r = check_members(source);
        for (size_t i = 0; r == 0 && i < ARRAY_LEN(fields); i++)
                r = read_field(source, &fields[i]);
        return r == 0 ? check_sense(source) : r;
}

int page_facts_read(
        struct facts *ret, const char *json, size_t len, char problem[static FACTS_PROBLEM_MAX])
{
        bool starved = false;
        *ret = (struct facts){ .certificate_end = FACTS_NO_TIME,
                .revocation_as_of = FACTS_NO_TIME,
                .timestamp_at = FACTS_NO_TIME };
        struct source source = { .facts = ret, .problem = problem };
        if (len > PAGE_INPUT_MAX)
                return refuse(&source, "input", "too long");
        _cleanup_json_ json_t *root = members_read(json, len, &starved);
        if (starved)
                return -ENOMEM;
        if (!root)
                return refuse(&source, "input", "not JSON");
        source.root = root;
        return read_all(&source);
}

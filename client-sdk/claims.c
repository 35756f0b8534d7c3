/* SPDX-License-Identifier: Apache-2.0 */
/* claims.c: version 1 of docs/assertion.md as a table: name, presence, check, reason.
 *
 * Whoever holds a card can sign any payload with it. So there are three kinds of rows: what must
 * equal the certificate, what must equal the request, and what the station states, of which only the
 * form is checked. A member without a row is refused: it would be shown without ever being checked.
 *
 * Times are the station's. Where it says itself that its clock is not synchronised, and the verifier tells
 * when it gave the nonce out, they are not compared with now: what was signed after the question and came
 * within its life from the question has not ended, by any clock. Without a nonce that was checked there is
 * no such question.
 */
#include "client-sdk/claims.h"

#include "client-sdk/assertion.h"
#include "client-sdk/fields.h"

#define YEAR_10000   253402300800
#define AUTH_AGE_MAX 3600 /* the PIN was entered for this signature, not yesterday */

typedef const struct claims_context context_t;

static const char *text_of(const json_t *value)
{
        return json_is_string(value) ? json_string_value(value) : "";
}

static bool equals(const json_t *value, const char *expected)
{
        return json_is_string(value) && strcmp(json_string_value(value), expected) == 0;
}

static bool is_time(const json_t *value)
{
        return json_is_integer(value) && json_integer_value(value) >= 0 &&
               json_integer_value(value) < YEAR_10000;
}

static int64_t time_claim(context_t *c, const char *name)
{
        return json_integer_value(json_object_get(c->payload, name));
}

/* Only the names listed, and no other. */
static bool only_members(const json_t *object, const char *const names[], size_t count)
{
        size_t found = 0;
        for (size_t i = 0; i < count; i++)
                found += json_object_get(object, names[i]) ? 1 : 0;
        return json_is_object(object) && found == json_object_size(object);
}

/* ---- fixed ---- */

static bool good_version(context_t *c, const json_t *v)
{
        (void)c;
        return json_is_integer(v) && json_integer_value(v) == ASSERTION_VERSION;
}

static bool good_issuer(context_t *c, const json_t *v)
{
        return equals(v, identity_iss(c->identity));
}

/* ---- from the leaf ---- */

static bool good_sub(context_t *c, const json_t *v)
{
        return equals(v, c->identity->sub);
}

static bool good_given_name(context_t *c, const json_t *v)
{
        return equals(v, c->leaf->given_name);
}

static bool good_family_name(context_t *c, const json_t *v)
{
        return equals(v, c->leaf->family_name);
}

static bool good_card_number(context_t *c, const json_t *v)
{
        return equals(v, c->leaf->card_number);
}

static bool good_national_number(context_t *c, const json_t *v)
{
        return c->leaf->national_number ? equals(v, c->leaf->card_number) : v == NULL;
}

static bool good_basis(context_t *c, const json_t *v)
{
        return c->leaf->national_number ? equals(v, IDENTITY_NN_BASIS) : v == NULL;
}

static bool good_match(context_t *c, const json_t *v)
{
        if (!c->leaf->national_number)
                return equals(v, "unknown");
        return equals(v, "yes") || equals(v, "no");
}

/* A staff member's: what the leaf says, and nothing where it says nothing. */
static bool equals_or_absent(const json_t *v, const char *text)
{
        return text[0] ? equals(v, text) : v == NULL;
}

static bool good_name(context_t *c, const json_t *v)
{
        return equals(v, c->leaf->common_name);
}

static bool good_staff_given_name(context_t *c, const json_t *v)
{
        return equals_or_absent(v, c->leaf->given_name);
}

static bool good_staff_family_name(context_t *c, const json_t *v)
{
        return equals_or_absent(v, c->leaf->family_name);
}

static bool good_email(context_t *c, const json_t *v)
{
        return equals_or_absent(v, c->leaf->email);
}

static bool good_upn(context_t *c, const json_t *v)
{
        return equals_or_absent(v, c->leaf->upn);
}

static bool good_employee_number(context_t *c, const json_t *v)
{
        return equals_or_absent(v, c->leaf->employee_number);
}

static bool good_organization(context_t *c, const json_t *v)
{
        return equals_or_absent(v, c->leaf->organization);
}

static bool good_acr(context_t *c, const json_t *v)
{
        return equals(v, c->identity->acr);
}

static bool good_key_use(context_t *c, const json_t *v)
{
        return equals(v, c->identity->key_use);
}

static bool good_card_expiry(context_t *c, const json_t *v)
{
        return equals(json_object_get(v, "certificate_expiry"), c->identity->certificate_expiry);
}

/* ---- from the request ---- */

static bool well_formed_aud(context_t *c, const json_t *v)
{
        (void)c;
        return json_is_string(v) && field_is_uri(text_of(v));
}

static bool good_aud(context_t *c, const json_t *v)
{
        return !c->options->audience || equals(v, c->options->audience);
}

static bool well_formed_nonce(context_t *c, const json_t *v)
{
        (void)c;
        return field_is_nonce(text_of(v));
}

static bool good_nonce(context_t *c, const json_t *v)
{
        return !c->options->nonce || equals(v, c->options->nonce);
}

/* ---- times ---- */

static bool well_formed_time(context_t *c, const json_t *v)
{
        (void)c;
        return is_time(v);
}

static int64_t life(context_t *c)
{
        return time_claim(c, "exp") - time_claim(c, "iat");
}

bool claims_by_own_clock(context_t *c)
{
        const json_t *clock = json_object_get(c->payload, "clock");
        return c->options->nonce && c->options->asked_at > 0 &&
               json_is_false(json_object_get(clock, "synchronised"));
}

int64_t claims_end(context_t *c)
{
        int64_t end =
                claims_by_own_clock(c) ? c->options->asked_at + life(c) : time_claim(c, "exp");
        return end + c->skew;
}

static bool came_in_time(context_t *c, const json_t *v)
{
        (void)v;
        return !claims_by_own_clock(c) ||
               (c->at >= c->options->asked_at - c->skew && c->at < claims_end(c));
}

/* By the station's clock what is not before `iat` had begun when it was signed. */
static bool has_begun(context_t *c, const json_t *v)
{
        int64_t now = claims_by_own_clock(c) ? time_claim(c, "iat") : c->at + c->skew;
        return json_integer_value(v) <= now;
}

static bool has_not_ended(context_t *c, const json_t *v)
{
        (void)v;
        return c->at < claims_end(c);
}

static bool good_life(context_t *c, const json_t *v)
{
        (void)v;
        return life(c) > 0 && life(c) <= FIELD_LIFE_MAX;
}

static bool good_auth_time(context_t *c, const json_t *v)
{
        int64_t before = time_claim(c, "iat") - json_integer_value(v);
        return before >= -c->skew && before <= AUTH_AGE_MAX;
}

/* ---- stated: only the form ---- */

static bool well_formed_jti(context_t *c, const json_t *v)
{
        (void)c;
        return field_is_hex(text_of(v), 32, 32);
}

static bool well_formed_amr(context_t *c, const json_t *v)
{
        (void)c;
        return json_array_size(v) == 2 && equals(json_array_get(v, 0), "sc") &&
               equals(json_array_get(v, 1), "pin");
}

static bool well_formed_purpose(context_t *c, const json_t *v)
{
        (void)c;
        return field_is_text(text_of(v), FIELD_PURPOSE_MAX);
}

static bool well_formed_card(context_t *c, const json_t *v)
{
        static const char *const names[] = { "generation", "certificate_expiry", "expiry",
                "expiry_raw", "simulated" };
        const json_t *generation = json_object_get(v, "generation"),
                     *expiry = json_object_get(v, "expiry"),
                     *raw = json_object_get(v, "expiry_raw"),
                     *simulated = json_object_get(v, "simulated");
        (void)c;
        return only_members(v, names, ARRAY_LEN(names)) &&
               (!generation || field_is_token(text_of(generation))) &&
               (!expiry || field_is_text(text_of(expiry), 32)) &&
               (!raw || field_is_hex(text_of(raw), 2, 128)) &&
               (!simulated || json_is_true(simulated));
}

static bool well_formed_staff_card(context_t *c, const json_t *v)
{
        static const char *const names[] = { "family", "certificate_expiry", "simulated" };
        const json_t *simulated = json_object_get(v, "simulated");
        (void)c;
        return only_members(v, names, ARRAY_LEN(names)) &&
               field_is_token(text_of(json_object_get(v, "family"))) &&
               (!simulated || json_is_true(simulated));
}

static bool well_formed_station(context_t *c, const json_t *v)
{
        (void)c;
        return field_is_station(v, true) && json_object_get(v, "software") &&
               json_object_get(v, "pin_entry");
}

static bool well_formed_clock(context_t *c, const json_t *v)
{
        static const char *const names[] = { "synchronised" };
        (void)c;
        return only_members(v, names, 1) && json_is_boolean(json_object_get(v, "synchronised"));
}

enum presence { REQUIRED, OPTIONAL, ASKED /* the check is asked even when it is absent */ };

enum whose { ANYBODY, CITIZEN, STAFF };

/* Rows are tried in order: first what the thing is, then its form, then who, then for whom and when. Whose
 * assertion it is, the certificate says; a row for others does not exist for it. */
static const struct claim {
        const char *name;
        enum presence presence;
        bool (*check)(context_t *c, const json_t *v);
        enum mohr_reason reason;
        enum whose whose;
} claims[] = {
        { "ver", REQUIRED, good_version, MOHR_REASON_VERSION, ANYBODY },
        { "iss", REQUIRED, good_issuer, MOHR_REASON_ISSUER, ANYBODY },
        { "aud", REQUIRED, well_formed_aud, MOHR_REASON_CLAIM_MALFORMED, ANYBODY },
        { "nonce", REQUIRED, well_formed_nonce, MOHR_REASON_CLAIM_MALFORMED, ANYBODY },
        { "iat", REQUIRED, well_formed_time, MOHR_REASON_CLAIM_MALFORMED, ANYBODY },
        { "exp", REQUIRED, well_formed_time, MOHR_REASON_CLAIM_MALFORMED, ANYBODY },
        { "nbf", OPTIONAL, well_formed_time, MOHR_REASON_CLAIM_MALFORMED, ANYBODY },
        { "auth_time", REQUIRED, well_formed_time, MOHR_REASON_CLAIM_MALFORMED, ANYBODY },
        { "jti", REQUIRED, well_formed_jti, MOHR_REASON_CLAIM_MALFORMED, ANYBODY },
        { "amr", REQUIRED, well_formed_amr, MOHR_REASON_CLAIM_MALFORMED, ANYBODY },
        { "purpose", OPTIONAL, well_formed_purpose, MOHR_REASON_CLAIM_MALFORMED, ANYBODY },
        { "card", REQUIRED, well_formed_card, MOHR_REASON_CLAIM_MALFORMED, CITIZEN },
        { "card", REQUIRED, well_formed_staff_card, MOHR_REASON_CLAIM_MALFORMED, STAFF },
        { "station", REQUIRED, well_formed_station, MOHR_REASON_CLAIM_MALFORMED, ANYBODY },
        { "clock", REQUIRED, well_formed_clock, MOHR_REASON_CLAIM_MALFORMED, ANYBODY },
        { "given_name", REQUIRED, good_given_name, MOHR_REASON_NAME, CITIZEN },
        { "family_name", REQUIRED, good_family_name, MOHR_REASON_NAME, CITIZEN },
        { "card_number", REQUIRED, good_card_number, MOHR_REASON_NUMBER, CITIZEN },
        { "national_number", ASKED, good_national_number, MOHR_REASON_NATIONAL_NUMBER, CITIZEN },
        { "national_number_basis", ASKED, good_basis, MOHR_REASON_NATIONAL_NUMBER, CITIZEN },
        { "national_number_match", OPTIONAL, good_match, MOHR_REASON_NATIONAL_NUMBER, CITIZEN },
        { "name", REQUIRED, good_name, MOHR_REASON_NAME, STAFF },
        { "given_name", ASKED, good_staff_given_name, MOHR_REASON_NAME, STAFF },
        { "family_name", ASKED, good_staff_family_name, MOHR_REASON_NAME, STAFF },
        { "email", ASKED, good_email, MOHR_REASON_NAME, STAFF },
        { "upn", ASKED, good_upn, MOHR_REASON_NAME, STAFF },
        { "employee_number", ASKED, good_employee_number, MOHR_REASON_NUMBER, STAFF },
        { "organization", ASKED, good_organization, MOHR_REASON_NAME, STAFF },
        { "sub", REQUIRED, good_sub, MOHR_REASON_SUBJECT, ANYBODY },
        { "acr", REQUIRED, good_acr, MOHR_REASON_ASSURANCE, ANYBODY },
        { "key_use", REQUIRED, good_key_use, MOHR_REASON_KEY_USE, ANYBODY },
        { "card", REQUIRED, good_card_expiry, MOHR_REASON_CERTIFICATE_FACTS, ANYBODY },
        { "aud", REQUIRED, good_aud, MOHR_REASON_AUDIENCE, ANYBODY },
        { "nonce", REQUIRED, good_nonce, MOHR_REASON_NONCE, ANYBODY },
        { "exp", REQUIRED, good_life, MOHR_REASON_LIFE, ANYBODY },
        { "auth_time", REQUIRED, good_auth_time, MOHR_REASON_AUTH_TIME, ANYBODY },
        { "clock", REQUIRED, came_in_time, MOHR_REASON_CLOCK, ANYBODY },
        { "iat", REQUIRED, has_begun, MOHR_REASON_NOT_YET_VALID, ANYBODY },
        { "nbf", OPTIONAL, has_begun, MOHR_REASON_NOT_YET_VALID, ANYBODY },
        { "exp", REQUIRED, has_not_ended, MOHR_REASON_EXPIRED, ANYBODY },
};

static bool is_meant(context_t *c, const struct claim *row)
{
        return row->whose == ANYBODY || (row->whose == STAFF) == c->identity->staff;
}

static bool has_row(context_t *c, const char *name)
{
        for (size_t i = 0; i < ARRAY_LEN(claims); i++)
                if (is_meant(c, &claims[i]) && strcmp(claims[i].name, name) == 0)
                        return true;
        return false;
}

static enum mohr_reason check_row(context_t *c, const struct claim *row)
{
        const json_t *value = json_object_get(c->payload, row->name);
        if (!value && row->presence == REQUIRED)
                return MOHR_REASON_CLAIM_MISSING;
        if (!value && row->presence == OPTIONAL)
                return MOHR_REASON_OK;
        return row->check(c, value) ? MOHR_REASON_OK : row->reason;
}

enum mohr_reason claims_check(const struct claims_context *context, const char **ret_claim)
{
        const char *name;
        json_t *value;
        for (size_t i = 0; i < ARRAY_LEN(claims); i++) {
                if (!is_meant(context, &claims[i]))
                        continue;
                enum mohr_reason reason = check_row(context, &claims[i]);
                if (reason == MOHR_REASON_OK)
                        continue;
                *ret_claim = claims[i].name;
                return reason;
        }
        json_object_foreach ((json_t *)(uintptr_t)context->payload, name, value)
                if (!has_row(context, name)) {
                        *ret_claim = name;
                        return MOHR_REASON_CLAIM_UNKNOWN;
                }
        return MOHR_REASON_OK;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* relying_payload.c: what a signed request says: a table of members, each with its own refusal, then its times.
 *
 * A member that is not in the table is refused and not skipped: whoever signed it meant something by it, and would
 * be told that it was agreed to.
 */
#include "daemon/relying_internal.h"

#include "base/bytes.h"
#include "base/outcome.h"
#include "client-sdk/fields.h"

#include <openssl/evp.h>

#define YEAR_10000 253402300800

struct payload {
        const json_t *json;
        int64_t now;
        claimset required, optional;
};

static const char *text_of(const struct payload *payload, const char *name)
{
        return json_string_value(json_object_get(payload->json, name));
}

static json_int_t time_of(const struct payload *payload, const char *name)
{
        return json_integer_value(json_object_get(payload->json, name));
}

/* ---- form ---- */

static bool is_uri(struct payload *payload, const json_t *value)
{
        (void)payload;
        return json_is_string(value) && field_is_uri(json_string_value(value));
}

static bool is_iss(struct payload *payload, const json_t *value)
{
        const char *iss = text_of(payload, "iss");
        return json_is_string(value) && iss && strcmp(json_string_value(value), iss) == 0;
}

static bool is_string(struct payload *payload, const json_t *value)
{
        (void)payload;
        return json_is_string(value);
}

static bool is_nonce(struct payload *payload, const json_t *value)
{
        (void)payload;
        return json_is_string(value) && field_is_nonce(json_string_value(value));
}

static bool is_purpose(struct payload *payload, const json_t *value)
{
        (void)payload;
        return json_is_string(value) && field_is_text(json_string_value(value), FIELD_PURPOSE_MAX);
}

static bool is_number(struct payload *payload, const json_t *value)
{
        (void)payload;
        return json_is_string(value) && field_is_digits(json_string_value(value), 10);
}

static bool is_time(struct payload *payload, const json_t *value)
{
        json_int_t when = json_integer_value(value);
        (void)payload;
        return json_is_integer(value) && when >= 0 && when < YEAR_10000;
}

/* {"required": [...], "optional": [...]}, each of which may lack; no claim in both. */
static bool are_claims(struct payload *payload, const json_t *value)
{
        const json_t *required = json_object_get(value, "required");
        const json_t *optional = json_object_get(value, "optional");
        size_t known = (size_t)(required != NULL) + (size_t)(optional != NULL);
        return json_is_object(value) && json_object_size(value) == known &&
               claimset_read(required, &payload->required) &&
               claimset_read(optional, &payload->optional) &&
               (payload->required & payload->optional) == 0;
}

/* ---- meaning ---- */

static bool is_for_us(struct payload *payload, const json_t *value)
{
        (void)payload;
        return strcmp(json_string_value(value), RELYING_AUD) == 0;
}

static bool has_good_life(struct payload *payload, const json_t *value)
{
        json_int_t life = json_integer_value(value) - time_of(payload, "iat");
        return life > 0 && life <= RELYING_LIFE_MAX;
}

static bool has_begun(struct payload *payload, const json_t *value)
{
        return json_integer_value(value) <= payload->now + RELYING_SKEW;
}

static bool has_not_ended(struct payload *payload, const json_t *value)
{
        return payload->now < json_integer_value(value) + RELYING_SKEW;
}

/* Form first, from the top; only what has it is asked what it means. */
static const struct row {
        const char *name;
        bool needed;
        bool (*check)(struct payload *payload, const json_t *value);
        int outcome;
        const char *detail;
} rows[] = {
        { "iss", true, is_uri, OUTCOME_INVALID, "the signed request's iss is not a URI" },
        { "client_id", true, is_iss, OUTCOME_INVALID,
                "the signed request's client_id is not its iss" },
        { "aud", true, is_string, OUTCOME_INVALID, "the signed request's aud is not one text" },
        { "iat", true, is_time, OUTCOME_INVALID, "the signed request's iat is not a time" },
        { "exp", true, is_time, OUTCOME_INVALID, "the signed request's exp is not a time" },
        { "jti", true, is_nonce, OUTCOME_INVALID,
                "the signed request's jti is not 8 to 128 characters without space" },
        { "nonce", true, is_nonce, OUTCOME_INVALID,
                "the signed request's nonce is not 8 to 128 characters without space" },
        { "purpose", false, is_purpose, OUTCOME_INVALID,
                "the signed request's purpose is not plain text of 1 to 256 bytes" },
        { "expect_national_number", false, is_number, OUTCOME_INVALID,
                "the signed request's expect_national_number is not ten digits" },
        { "claims", false, are_claims, OUTCOME_INVALID,
                "the signed request's claims are not known ones, each required or optional once" },
        { "aud", true, is_for_us, OUTCOME_POLICY, "the signed request is not meant for mohrd" },
        { "exp", true, has_good_life, OUTCOME_POLICY,
                "the signed request is to be valid for more than ten minutes, or for no time" },
        { "iat", true, has_begun, OUTCOME_POLICY,
                "the signed request is of a later time: one of the two clocks is wrong" },
        { "exp", true, has_not_ended, OUTCOME_POLICY, DETAIL_REQUEST_EXPIRED },
};

static bool has_row(const char *name)
{
        for (size_t i = 0; i < ARRAY_LEN(rows); i++)
                if (strcmp(rows[i].name, name) == 0)
                        return true;
        return false;
}

static int check(struct payload *payload, const char **ret_detail)
{
        const char *name;
        json_t *value;
        json_object_foreach ((json_t *)(uintptr_t)payload->json, name, value)
                if (!has_row(name)) {
                        *ret_detail = "the signed request has a member that is not known";
                        return OUTCOME_INVALID;
                }
        for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
                value = json_object_get(payload->json, rows[i].name);
                if (value ? rows[i].check(payload, value) : !rows[i].needed)
                        continue;
                *ret_detail = rows[i].detail;
                return rows[i].outcome;
        }
        return 0;
}

/* SHA-256 of iss, a zero octet, and jti: neither of them can hold one. */
static int name_request(const struct payload *payload, char dst[static 65])
{
        const char *iss = text_of(payload, "iss"), *jti = text_of(payload, "jti");
        uint8_t text[FIELD_AUDIENCE_MAX + 1 + FIELD_NONCE_MAX], hash[EVP_MAX_MD_SIZE];
        size_t first = strlen(iss) + 1, second = strlen(jti);
        memcpy(text, iss, first);
        memcpy(text + first, jti, second);
        if (EVP_Digest(text, first + second, hash, NULL, EVP_sha256(), NULL) != 1)
                return -ENOMEM;
        hex_encode(dst, hash, 32);
        return 0;
}

static int copy(const struct payload *payload, const char *name, char **slot)
{
        const char *text = text_of(payload, name);
        *slot = text ? strdup(text) : NULL;
        return text && !*slot ? -ENOMEM : 0;
}

static int take(const struct payload *payload, struct relying_request *ret)
{
        const struct {
                const char *name;
                char **slot;
        } texts[] = {
                { "iss", &ret->audience },
                { "nonce", &ret->nonce },
                { "purpose", &ret->purpose },
                { "expect_national_number", &ret->expect_national_number },
        };
        int r = name_request(payload, ret->replay_key);
        for (size_t i = 0; r == 0 && i < ARRAY_LEN(texts); i++)
                r = copy(payload, texts[i].name, texts[i].slot);
        ret->required = payload->required;
        ret->optional = payload->optional;
        return r;
}

/* Without the member `claims` all of them are optional, as in a call without it. */
int relying_read_payload(
        const json_t *json, int64_t now, struct relying_request *ret, const char **ret_detail)
{
        struct payload payload = { .json = json, .now = now, .optional = CLAIMS_ALL };
        int r = check(&payload, ret_detail);
        return r == 0 ? take(&payload, ret) : r;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* result.c: telling what was found. Identity is written from the leaf, then the payload's other
 * members are added where there is none yet: even a mistake in claims.c could not put a stated name
 * before the certificate's. What was not checked is said as loudly as what was.
 */
#include "client-sdk/result.h"

#include "base/outcome.h"
#include "base/text.h"
#include "client-sdk/assertion.h"
#include "client-sdk/assurance.h"
#include "client-sdk/members.h"

int result_outcome(enum mohr_reason reason)
{
        if (reason == MOHR_REASON_OK)
                return OUTCOME_OK;
        return reason == MOHR_REASON_CERTIFICATE_EXPIRED ? OUTCOME_CERTIFICATE_EXPIRED
                                                         : OUTCOME_INVALID;
}

struct mohr_result *mohr_result_free(struct mohr_result *result)
{
        if (!result)
                return NULL;
        signer_unref(result->signer);
        revocation_finding_clear(&result->revocation);
        json_decref(result->claims);
        json_decref(result->evidence);
        free(result);
        return NULL;
}

enum mohr_reason mohr_result_reason(const struct mohr_result *result)
{
        return result->reason;
}

const char *mohr_result_detail(const struct mohr_result *result)
{
        return result->detail;
}

enum mohr_holder mohr_result_holder(const struct mohr_result *result)
{
        if (!result->claims || !result->signer)
                return MOHR_HOLDER_UNKNOWN;
        return result->signer->identity.staff ? MOHR_HOLDER_STAFF : MOHR_HOLDER_CITIZEN;
}

const char *mohr_result_claim(const struct mohr_result *result, const char *name)
{
        return json_string_value(json_object_get(result->claims, name));
}

const unsigned char *mohr_result_proof(
        const struct mohr_result *result, size_t index, size_t *ret_len)
{
        const struct revocation_finding *found = &result->revocation;
        for (size_t i = 0; i < found->count; i++)
                if (found->verdicts[i].proof && index-- == 0)
                        return revocation_item_der(found->verdicts[i].proof, ret_len);
        return NULL;
}

static json_t *certificate(const struct mohr_result *result)
{
        const struct leaf *leaf = &result->signer->leaf;
        char from[24], to[24];
        text_iso8601(from, leaf->not_before);
        text_iso8601(to, leaf->not_after);
        return json_pack("{s:s, s:s, s:s, s:s, s:b, s:s}", "holder",
                result->signer->identity.staff ? "staff" : "citizen", "issuer",
                result->signer->issuer, "not_before", from, "not_after", to, "expired",
                result->leaf_expired, "sha256", result->signer->fingerprint);
}

/* The names of what was checked, or of what was not; NULL rather than one name less. */
static json_t *names_of(const struct mohr_result *result, bool checked)
{
        bool all = result->outcome != OUTCOME_INVALID;
        const struct {
                const char *name;
                bool checked;
        } rows[] = {
                { "revocation", all && revocation_is_known(&result->revocation) },
                { "signature", all },
                { "chain", all },
                { "identity", all },
                { "times", all },
                { "audience", all && result->audience_checked },
                { "nonce", all && result->nonce_checked },
                { "replay", all && result->replay_checked },
                { "certificate-expiry", all },
        };
        const char *names[ARRAY_LEN(rows)];
        size_t count = 0, told = ARRAY_LEN(rows) - (result->expiry_accepted ? 1 : 0);
        for (size_t i = 0; i < told; i++) /* what was accepted is neither */
                if (rows[i].checked == checked)
                        names[count++] = rows[i].name;
        return members_list(names, count);
}

/* What was looked at, does not hold, and counts as good because the caller's policy says so. */
static json_t *accepted(const struct mohr_result *result)
{
        static const char *const names[] = { "certificate-expiry", "issuer-expiry" };
        size_t count = result->issuer_expired ? 2 : 1;
        return members_list(names, result->expiry_accepted ? count : 0);
}

/* Which members a verifier may take for the certificate's. */
static json_t *from_certificate(const struct mohr_result *result)
{
        static const char *const citizens[] = { "sub", "given_name", "family_name", "card_number",
                "national_number", "acr", "key_use", "card.certificate_expiry" };
        static const char *const staffs[] = { "sub", "name", "given_name", "family_name", "email",
                "upn", "employee_number", "organization", "acr", "key_use",
                "card.certificate_expiry" };
        if (mohr_result_holder(result) == MOHR_HOLDER_STAFF)
                return members_list(staffs, ARRAY_LEN(staffs));
        return members_list(citizens, ARRAY_LEN(citizens));
}

static json_t *verification(const struct mohr_result *result)
{
        char at[24];
        text_iso8601(at, result->at);
        const struct member sometimes[] = {
                { "detail", result->detail[0] ? result->detail : NULL },
                { "times_by", result->claims ? result->times_by : NULL },
        };
        json_t *told = json_pack("{s:s, s:i, s:s, s:s}", "outcome",
                result->outcome == 0 ? "ok" : outcome_name(result->outcome), "exit",
                result->outcome, "reason", mohr_reason_name(result->reason), "message",
                mohr_reason_text(result->reason));
        _cleanup_json_ json_t *rest = json_pack("{s:s, s:o, s:o, s:o, s:o}", "checked_at", at,
                "checked", names_of(result, true), "not_checked", names_of(result, false),
                "accepted", accepted(result), "from_certificate", from_certificate(result));
        told = members_of(told, sometimes, ARRAY_LEN(sometimes));
        if (told && rest && json_object_update(told, rest) == 0)
                return told;
        json_decref(told);
        return NULL;
}

char *mohr_result_json(const struct mohr_result *result)
{
        _cleanup_json_ json_t *all = json_object();
        if (result->claims && json_object_update(all, result->claims) < 0)
                return NULL;
        if (result->claims && json_object_set_new(all, "certificate", certificate(result)) < 0)
                return NULL;
        if (result->claims && json_object_set_new(all, "assurance", assurance_of(result)) < 0)
                return NULL;
        if (result->revocation.told &&
                json_object_set_new(all, "revocation", revocation_json(&result->revocation)) < 0)
                return NULL;
        if (result->evidence && json_object_set(all, "evidence", result->evidence) < 0)
                return NULL;
        if (json_object_set_new(all, "verification", verification(result)) < 0)
                return NULL;
        return members_text(all, JSON_INDENT(2));
}

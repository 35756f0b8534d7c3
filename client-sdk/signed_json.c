/* SPDX-License-Identifier: Apache-2.0 */
/* signed_json.c: telling what was found of a signed document. Who signed is told from the certificate and of a signature that holds
 * alone; what a signer claims stands under "claimed"; what was not checked is said as loudly as what was.
 */
#include "client-sdk/signed.h"

#include "base/outcome.h"
#include "base/text.h"
#include "client-sdk/assertion.h"
#include "client-sdk/members.h"

static const char *or_none(const char *text)
{
        return text[0] ? text : NULL;
}

/* Does the answer tell who it was? */
static bool is_told(const struct signed_one *one)
{
        return one->outcome == 0 || (one->outcome == OUTCOME_CERTIFICATE_EXPIRED && one->reported);
}

/* ---- the signer ---- */

static json_t *certificate(const struct signed_one *one)
{
        char from[24], to[24];
        const struct signer *signer = one->signer;
        text_iso8601(from, signer->leaf.not_before);
        text_iso8601(to, signer->leaf.not_after);
        const struct member rows[] = {
                { "holder", signer->identity.staff ? "staff" : "citizen" },
                { "issuer", signer->issuer },
                { "not_before", from },
                { "not_after", to },
                { "sha256", signer->fingerprint },
        };
        json_t *told = members_of(json_object(), rows, ARRAY_LEN(rows));
        if (told && json_object_set_new(told, "expired", json_boolean(one->leaf_expired)) == 0)
                return told;
        json_decref(told);
        return NULL;
}

/* ---- what it says ---- */

static json_t *claimed(const struct signed_one *one)
{
        char when[24];
        text_iso8601(when, one->signing_time);
        const struct member rows[] = {
                { "signing_time", one->signing_time ? when : NULL },
                { "commitment", or_none(one->commitment) },
                { "policy", or_none(one->policy) },
                { "policy_digest", or_none(one->policy_digest) },
        };
        return members_of(json_object(), rows, ARRAY_LEN(rows));
}

static json_t *timestamp(const struct timestamp *timestamp)
{
        char at[24];
        text_iso8601(at, timestamp->at);
        const struct member rows[] = {
                { "at", at },
                { "authority", timestamp->authority },
                { "policy", timestamp->policy },
        };
        json_t *told = members_of(json_object(), rows, ARRAY_LEN(rows));
        if (told && json_object_set_new(told, "trusted", json_boolean(timestamp->trusted)) == 0)
                return told;
        json_decref(told);
        return NULL;
}

/* The names of what was checked, or of what was not; what was accepted is neither. */
static json_t *lists_of(const struct signed_one *one, bool checked)
{
        bool all = one->outcome != OUTCOME_INVALID;
        const struct {
                const char *name;
                bool checked, told;
        } rows[] = {
                { "signature", all, true },
                { "signing-certificate", all, true },
                { "chain", all, true },
                { "identity", all, true },
                { "revocation", all && revocation_is_known(&one->revocation), true },
                { "time", all && one->by_timestamp, true },
                { "timestamp-revocation", false, one->stamped },
                { "certificate-expiry", all, !one->expiry_accepted },
        };
        const char *names[ARRAY_LEN(rows)];
        size_t count = 0;
        for (size_t i = 0; i < ARRAY_LEN(rows); i++)
                if (rows[i].told && rows[i].checked == checked)
                        names[count++] = rows[i].name;
        return members_list(names, count);
}

static json_t *accepted(const struct signed_one *one)
{
        static const char *const names[] = { "certificate-expiry", "issuer-expiry" };
        return members_list(names, one->expiry_accepted ? (one->issuer_expired ? 2 : 1) : 0);
}

json_t *signed_verdict(enum mohr_reason reason, const char *detail, int outcome)
{
        const struct member rows[] = {
                { "outcome", outcome == 0 ? "ok" : outcome_name(outcome) },
                { "reason", mohr_reason_name(reason) },
                { "message", mohr_reason_text(reason) },
                { "detail", or_none(detail) },
        };
        json_t *told = members_of(json_object(), rows, ARRAY_LEN(rows));
        if (told && json_object_set_new(told, "exit", json_integer(outcome)) == 0)
                return told;
        json_decref(told);
        return NULL;
}

static json_t *verification(const struct signed_one *one)
{
        char at[24];
        text_iso8601(at, one->judged_at);
        json_t *told = signed_verdict(one->reason, one->detail, one->outcome);
        if (told &&
                (one->judged_at == 0 ||
                        (json_object_set_new(told, "judged_at", json_string(at)) == 0 &&
                                json_object_set_new(told, "judged_by",
                                        json_string(one->by_timestamp ? "timestamp" : "check")) ==
                                        0)) &&
                json_object_set_new(told, "checked", lists_of(one, true)) == 0 &&
                json_object_set_new(told, "not_checked", lists_of(one, false)) == 0 &&
                json_object_set_new(told, "accepted", accepted(one)) == 0)
                return told;
        json_decref(told);
        return NULL;
}

static json_t *rows_of(const struct signed_one *rows, size_t count);

static bool set_person(json_t *row, const struct signed_one *one)
{
        if (!one->signer || !is_told(one))
                return true;
        return json_object_set_new(row, "signer",
                       identity_told(&one->signer->identity, &one->signer->leaf)) == 0 &&
               json_object_set_new(row, "certificate", certificate(one)) == 0;
}

static bool set_rest(json_t *row, const struct signed_one *one)
{
        return (!one->stamped ||
                       json_object_set_new(row, "timestamp", timestamp(&one->timestamp)) == 0) &&
               (!one->revocation.told || json_object_set_new(row, "revocation",
                                                 revocation_json(&one->revocation)) == 0) &&
               (!one->not_understood ||
                       json_object_set(row, "not_understood", one->not_understood) == 0) &&
               (one->counter_count == 0 ||
                       json_object_set_new(row, "countersignatures",
                               rows_of(one->counters, one->counter_count)) == 0);
}

static json_t *row_of(const struct signed_one *one, size_t index)
{
        json_t *row = json_object();
        if (row && json_object_set_new(row, "index", json_integer((json_int_t)index)) == 0 &&
                set_person(row, one) && json_object_set_new(row, "claimed", claimed(one)) == 0 &&
                set_rest(row, one) &&
                json_object_set_new(row, "verification", verification(one)) == 0)
                return row;
        json_decref(row);
        return NULL;
}

static json_t *rows_of(const struct signed_one *rows, size_t count)
{
        json_t *list = json_array();
        for (size_t i = 0; i < count; i++)
                if (json_array_append_new(list, row_of(&rows[i], i)) < 0) {
                        json_decref(list);
                        return NULL;
                }
        return list;
}

/* ---- the whole ---- */

static json_t *document(const struct mohr_signed *result)
{
        static const char *const forms[] = { [MOHR_DOCUMENT_NONE] = "none",
                [MOHR_DOCUMENT_CMS] = "cms",
                [MOHR_DOCUMENT_CMS_ATTACHED] = "cms-attached",
                [MOHR_DOCUMENT_JWS] = "jws" };
        const struct member rows[] = {
                { "form", forms[result->form] },
                { "sha256", or_none(result->sha256) },
        };
        json_t *told = members_of(json_object(), rows, ARRAY_LEN(rows));
        if (!result->sha256[0] || (told && json_object_set_new(told, "size",
                                                   json_integer((json_int_t)result->size)) == 0))
                return told;
        json_decref(told);
        return NULL;
}

char *mohr_signed_json(const struct mohr_signed *result)
{
        char at[24];
        text_iso8601(at, result->at);
        _cleanup_json_ json_t *all = json_object();
        json_t *whole = signed_verdict(result->reason, result->detail, result->outcome);
        if (whole && json_object_set_new(whole, "checked_at", json_string(at)) < 0) {
                json_decref(whole);
                whole = NULL;
        }
        if (json_object_set_new(all, "verification", whole) < 0 ||
                json_object_set_new(all, "document", document(result)) < 0 ||
                json_object_set_new(all, "signatures", rows_of(result->rows, result->count)) < 0)
                return NULL;
        return members_text(all, JSON_INDENT(2));
}

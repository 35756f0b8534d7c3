/* SPDX-License-Identifier: Apache-2.0 */
/* evidence.c: checking a bundle (docs/evidence.md, "Checking").
 *
 * A check asks in this order: is it in its one form and undamaged; does the assertion hold, by what the bundle
 * holds, on the terms and at the time at which the office received it; are its issuers and its report what
 * this finds; does it hold on the terms of whoever checks now, who may know of a revocation since; do the
 * timestamps hold. Without a trusted timestamp the time of receipt is the office's own word, and the result
 * says so.
 */
#include "client-sdk/evidence.h"

#include "base/outcome.h"
#include "base/text.h"
#include "client-sdk/members.h"
#include "client-sdk/result.h"

#include <stdio.h>
#include <time.h>

#define CLOCK_SKEW 60

struct check {
        const struct mohr_trust *trust;
        struct mohr_trust *world;
        const struct mohr_trust *authorities;
        struct mohr_verify_options now; /* the checker's own terms; `at` is the time of the check */
        enum mohr_form form;
        const char *bundle;
        size_t len;
        struct evidence evidence;
        enum mohr_reason reason;
        char detail[64];
        struct mohr_result *result; /* the answer, once there is one */
        json_t *timestamps;         /* as told */
        int64_t first;              /* when the first trusted timestamp was made, or 0 */
        int64_t revoked_later;      /* after the receipt, as the checker knows; or 0 */
        bool by_timestamp;          /* the assertion holds as of then, whatever the office says */
};

typedef int (*step_t)(struct check *check);

static int refuse(struct check *check, enum mohr_reason reason, const char *detail)
{
        check->reason = reason;
        snprintf(check->detail, sizeof check->detail, "%s", detail);
        return OUTCOME_INVALID;
}

static int verify_as(
        struct check *check, const struct mohr_verify_options *terms, struct mohr_result **ret)
{
        const char *assertion = check->evidence.assertion;
        return mohr_verify(check->world, assertion, strlen(assertion), terms, ret);
}

static int step_extract(struct check *check)
{
        if (check->form != MOHR_FORM_RECEIPT)
                return 0;
        int r = mohr_receipt_extract(check->bundle, check->len, &check->bundle, &check->len);
        return r > 0 ? refuse(check, MOHR_REASON_EVIDENCE_PDF, "") : r;
}

static int step_read(struct check *check)
{
        enum mohr_reason reason;
        const char *detail;
        int r = evidence_read(check->bundle, check->len, &check->evidence, &reason, &detail);
        if (r == 0 && reason != MOHR_REASON_OK)
                return refuse(check, reason, detail);
        return r;
}

static int step_world(struct check *check)
{
        const char *detail;
        int r = evidence_world(check->trust, &check->evidence, &check->world, &detail);
        return r > 0 ? refuse(check, MOHR_REASON_EVIDENCE_FORM, detail) : r;
}

/* As it was received, on the terms of then. */
static int step_report(struct check *check)
{
        _cleanup_result_ struct mohr_result *then = NULL;
        int r = verify_as(check, &check->evidence.terms, &then);
        if (r < 0)
                return r;
        if (!then->claims)
                return refuse(check, then->reason, then->detail);
        r = evidence_chain_fits(check->evidence.chain, then->signer);
        if (r != 0)
                return r < 0 ? r : refuse(check, MOHR_REASON_EVIDENCE_CHAIN, "");
        _cleanup_json_ json_t *report = evidence_report(then);
        if (!report)
                return -ENOMEM;
        return json_equal(report, check->evidence.report)
                       ? 0
                       : refuse(check, MOHR_REASON_EVIDENCE_REPORT, "");
}

static struct mohr_verify_options terms_now(const struct check *check, int64_t at)
{
        const struct mohr_verify_options *then = &check->evidence.terms;
        struct mohr_verify_options terms = check->now;
        terms.at = at;
        terms.asked_at = then->asked_at;
        terms.skew_s = then->skew_s;
        terms.replay = NULL; /* evidence is looked at as often as one likes */
        terms.audience = terms.audience ? terms.audience : then->audience;
        terms.nonce = terms.nonce ? terms.nonce : then->nonce;
        return terms;
}

/* Still as of its receipt, on the terms of whoever checks. */
static int step_verdict(struct check *check)
{
        const struct mohr_verify_options terms = terms_now(check, check->evidence.terms.at);
        int r = verify_as(check, &terms, &check->result);
        if (r < 0)
                return r;
        /* What the file expects of itself, whoever made it wrote: that is no check of whoever reads it. */
        check->result->audience_checked = check->now.audience != NULL;
        check->result->nonce_checked = check->now.nonce != NULL;
        return r == OUTCOME_INVALID ? refuse(check, check->result->reason, check->result->detail)
                                    : 0;
}

/* What the checker knows of revocation that the office did not. */
static int step_hindsight(struct check *check)
{
        _cleanup_result_ struct mohr_result *known = NULL;
        struct mohr_verify_options terms = terms_now(check, check->evidence.terms.at);
        if (terms.revocation == MOHR_REVOCATION_OFF)
                return 0;
        terms.revocation = MOHR_REVOCATION_PREFER;
        terms.revocation_age_s = 0;
        int r = evidence_hindsight(check->trust, &check->evidence, &terms, &known);
        if (!known)
                return r < 0 ? r : -EPROTO;
        if (known->reason == MOHR_REASON_REVOKED)
                return refuse(check, known->reason, known->detail);
        for (size_t i = 0; i < known->revocation.count; i++)
                if (known->revocation.verdicts[i].revoked_at != 0)
                        check->revoked_later = known->revocation.verdicts[i].revoked_at;
        return 0;
}

static int step_time(struct check *check)
{
        int r = evidence_time(&check->evidence, check->authorities, check->now.at,
                &check->timestamps, &check->first, check->detail);
        if (r > 0)
                check->reason = MOHR_REASON_TIMESTAMP;
        if (r != 0)
                return r;
        int64_t received = check->evidence.terms.at;
        if (received > check->now.at + CLOCK_SKEW)
                return refuse(check, MOHR_REASON_EVIDENCE_TIME, "received_at");
        if (check->first && received > check->first + CLOCK_SKEW)
                return refuse(check, MOHR_REASON_EVIDENCE_TIME, "timestamp");
        return 0;
}

/* Would the third party's time alone do? Without asked_at, which is the office's own word. */
static int step_basis(struct check *check)
{
        _cleanup_result_ struct mohr_result *then = NULL;
        if (!check->first)
                return 0;
        struct mohr_verify_options terms = terms_now(check, check->first);
        terms.asked_at = 0;
        int r = verify_as(check, &terms, &then);
        check->by_timestamp = r >= 0 && then->outcome == check->result->outcome;
        return r < 0 ? r : 0;
}

/* ---- telling ---- */

/* The digests of the files it was before each renewal: what older pages show. */
static json_t *earlier_of(const struct evidence *e)
{
        json_t *earlier = json_array();
        for (size_t i = 0; earlier && i < json_array_size(e->timestamps); i++) {
                char sha256[65];
                _cleanup_free_ char *file = evidence_file(e->content, e->timestamps, i);
                if (!file || !mohr_evidence_digest(file, strlen(file), sha256) ||
                        json_array_append_new(earlier, json_string(sha256)) < 0) {
                        json_decref(earlier);
                        return NULL;
                }
        }
        return earlier;
}

static json_t *lists_of(const struct check *check, bool checked)
{
        const struct {
                const char *name;
                bool checked;
        } rows[] = {
                { "form", true },
                { "chain", true },
                { "report", true },
                { "page", false },
                { "timestamp", check->first != 0 },
                { "timestamp-revocation", false },
        };
        const char *names[ARRAY_LEN(rows)];
        size_t count = 0;
        for (size_t i = 0; i < ARRAY_LEN(rows); i++)
                if (rows[i].checked == checked)
                        names[count++] = rows[i].name;
        return members_list(names, count);
}

static json_t *evidence_told(struct check *check)
{
        char sha256[65], received[24], revoked[24];
        text_iso8601(received, check->evidence.terms.at);
        text_iso8601(revoked, check->revoked_later);
        if (!mohr_evidence_digest(check->bundle, check->len, sha256))
                return NULL;
        const struct member rows[] = {
                { "basis", check->by_timestamp ? "timestamp" : "office" },
                { "form", check->form == MOHR_FORM_RECEIPT ? "receipt" : "bundle" },
                { "received_at", received },
                { "revoked_later", check->revoked_later ? revoked : NULL },
                { "sha256", sha256 },
        };
        json_t *told = members_of(json_object(), rows, ARRAY_LEN(rows));
        if (told && json_object_set_new(told, "earlier", earlier_of(&check->evidence)) == 0 &&
                json_object_set(told, "timestamps", check->timestamps) == 0 &&
                json_object_set_new(told, "checked", lists_of(check, true)) == 0 &&
                json_object_set_new(told, "not_checked", lists_of(check, false)) == 0)
                return told;
        json_decref(told);
        return NULL;
}

static int step_tell(struct check *check)
{
        check->result->evidence = evidence_told(check);
        return check->result->evidence ? 0 : -ENOMEM;
}

static const step_t steps[] = { step_extract, step_read, step_world, step_report, step_verdict,
        step_hindsight, step_time, step_basis, step_tell };

static void check_clear(struct check *check)
{
        mohr_trust_free(check->world);
        mohr_result_free(check->result);
        json_decref(check->timestamps);
        evidence_clear(&check->evidence);
}

/* An answer that tells nothing but why. */
static int refusal(const struct check *check, struct mohr_result **ret)
{
        struct mohr_result *result = calloc(1, sizeof *result);
        if (!result)
                return -ENOMEM;
        result->reason = check->reason;
        result->outcome = OUTCOME_INVALID;
        result->at = check->now.at;
        memcpy(result->detail, check->detail, sizeof result->detail);
        *ret = result;
        return OUTCOME_INVALID;
}

int mohr_evidence_verify(struct mohr_trust *trust, const void *file, size_t len,
        const struct mohr_verify_options *options, const struct mohr_trust *authorities,
        struct mohr_result **ret)
{
        _cleanup_(check_clear) struct check check = { .trust = trust,
                .authorities = authorities,
                .form = mohr_form_of(file, len),
                .bundle = file,
                .len = len };
        if (options)
                check.now = *options;
        if (check.now.at == 0)
                check.now.at = (int64_t)time(NULL);
        int r = 0;
        for (size_t i = 0; i < ARRAY_LEN(steps) && r == 0; i++)
                r = steps[i](&check);
        if (r < 0)
                return r;
        if (r > 0)
                return refusal(&check, ret);
        *ret = check.result;
        check.result = NULL;
        return (*ret)->outcome;
}

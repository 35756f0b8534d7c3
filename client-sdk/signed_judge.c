/* SPDX-License-Identifier: Apache-2.0 */
/* signed_judge.c: whose signature it is, and whether that may be believed: the same questions as of an assertion (verify.c), at the
 * time at which the signature is known to have been there: that of the check, or an earlier one that a trusted timestamp proves.
 *
 * The time that a signer claims decides nothing: who has a stolen card can claim any.
 */
#include "client-sdk/signed.h"

#include "base/outcome.h"
#include "client-sdk/trust.h"

static bool is_better(const struct timestamp *a, const struct timestamp *b)
{
        return a->trusted != b->trusted ? a->trusted : a->at < b->at;
}

int signed_stamp(const struct signed_check *check, struct signed_one *one, struct view data,
        struct view token)
{
        struct timestamp found;
        char why[TIMESTAMP_WHY_MAX] = "";
        const struct timestamp_terms terms = {
                .data = data.data,
                .len = data.len,
                .anchors = check->authorities ? check->authorities->scopes[TRUST_CITIZENS].store
                                              : NULL,
                .at = check->result->at,
        };
        int r = timestamp_judge(token.data, token.len, &terms, &found, why);
        if (r == OUTCOME_INVALID)
                return signed_refuse(one, MOHR_REASON_TIMESTAMP, why);
        if (r < 0)
                return r;
        if (!one->stamped || is_better(&found, &one->timestamp))
                one->timestamp = found;
        one->stamped = true;
        return 0;
}

static int judge_chain(const struct signed_check *check, struct signed_one *one)
{
        struct chain_verdict verdict;
        int r = trust_check(check->trust, one->signer, one->judged_at, &verdict);
        if (r < 0)
                return r;
        if (verdict.reason != MOHR_REASON_OK)
                return signed_refuse(one, verdict.reason, "");
        one->leaf_expired = verdict.leaf_expired;
        one->issuer_expired = verdict.issuer_expired;
        return 0;
}

/* Who asks about this moment is not told of a moment (revocation_chain.c); who has a timestamp is. */
static int judge_revocation(const struct signed_check *check, struct signed_one *one)
{
        struct mohr_verify_options terms = *check->options;
        if (one->by_timestamp)
                terms.at = one->judged_at;
        const struct revocation_question question = { .set = check->trust->revocation,
                .chain = one->signer->chain,
                .options = &terms,
                .at = one->judged_at };
        enum mohr_reason reason;
        int r = revocation_of_chain(&question, &one->revocation, &reason);
        if (r < 0 || reason == MOHR_REASON_OK)
                return r;
        signed_refuse(one, reason, "");
        revocation_detail(&one->revocation, one->detail, sizeof one->detail);
        return OUTCOME_INVALID;
}

static int judge_expiry(const struct signed_check *check, struct signed_one *one)
{
        if (!one->leaf_expired)
                return 0;
        one->reported = check->options->expired == MOHR_EXPIRED_REPORT;
        one->expiry_accepted = check->options->expired == MOHR_EXPIRED_ACCEPT;
        return one->expiry_accepted ? 0 : signed_refuse(one, MOHR_REASON_CERTIFICATE_EXPIRED, "");
}

int signed_judge(const struct signed_check *check, struct signed_one *one)
{
        one->by_timestamp = one->stamped && one->timestamp.trusted;
        one->judged_at = one->by_timestamp ? one->timestamp.at : check->result->at;
        int r = judge_chain(check, one);
        if (r == 0)
                r = judge_revocation(check, one);
        return r == 0 ? judge_expiry(check, one) : r;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* verify.c: the verifier: a list of steps, each of which may only find a reason to stop.
 *
 * Nothing of the payload is even parsed before the chain and the signature hold. A signer whose very
 * header was judged before is taken from the memory of the trust object, times compared anew. An
 * expired leaf is kept in mind until the end, so that 22 means "all else holds" and nothing weaker.
 * Whether it is a replay is asked after all that could refuse it, or a store would fill up with answers
 * that never counted.
 *
 * Any number of threads may be in here with one trust object: a verification is on its caller's stack.
 */
#include "client-sdk/claims.h"
#include "client-sdk/result.h"
#include "client-sdk/trust.h"

#include "base/outcome.h"
#include "base/text.h"
#include "client-sdk/assertion.h"
#include "client-sdk/base64.h"
#include "client-sdk/compact.h"
#include "client-sdk/seen.h"

#include <time.h>

#define SKEW_DEFAULT 60
#define SKEW_MAX     600
#define SIG_MAX      512
#define YEAR_10000   253402300800

struct verification {
        struct mohr_trust *trust;
        const struct mohr_verify_options *options;
        struct compact_part whole;
        struct compact parts;
        int skew;
        json_t *claims; /* as they are stated */
        json_t *told;   /* as they are told, if they are */
        struct mohr_result *result;
};

/* Steps return 0 with *reason, or a negative errno. */
typedef int (*step_t)(struct verification *v, enum mohr_reason *reason);

static int step_split(struct verification *v, enum mohr_reason *reason)
{
        if (v->whole.len > ASSERTION_MAX)
                *reason = MOHR_REASON_TOO_LARGE;
        else if (v->whole.len == 0 || !compact_split(v->whole.text, v->whole.len, &v->parts))
                *reason = MOHR_REASON_NOT_COMPACT;
        return 0;
}

static int judge_signer(struct verification *v, struct signer *signer, enum mohr_reason *reason)
{
        struct chain_verdict verdict;
        int r = trust_check(v->trust, signer, v->result->at, &verdict);
        if (r < 0)
                return r;
        *reason = verdict.reason;
        v->result->leaf_expired = verdict.leaf_expired;
        v->result->issuer_expired = verdict.issuer_expired;
        v->result->signer = signer_ref(signer);
        r = signer_begin(signer, v->parts.header.text, v->parts.header.len + 1);
        if (r < 0) /* or every later assertion of this signer would be called forged */
                return r;
        trust_remember(v->trust, v->parts.header.text, v->parts.header.len, signer, &verdict);
        return 0;
}

static int step_signer(struct verification *v, enum mohr_reason *reason)
{
        uint8_t json[ASSERTION_MAX];
        v->result->signer =
                trust_recall(v->trust, v->parts.header.text, v->parts.header.len, v->result->at);
        if (v->result->signer)
                return 0;
        ssize_t len = base64_decode(
                BASE64_URL, json, sizeof json, v->parts.header.text, v->parts.header.len);
        if (len < 0) {
                *reason = MOHR_REASON_BASE64;
                return 0;
        }
        _cleanup_signer_ struct signer *signer = NULL;
        int r = signer_read((char *)json, (size_t)len, &v->trust->issuers, &signer, reason);
        if (r < 0 || *reason != MOHR_REASON_OK)
                return r;
        return judge_signer(v, signer, reason);
}

static int step_signature(struct verification *v, enum mohr_reason *reason)
{
        uint8_t sig[SIG_MAX];
        ssize_t len = base64_decode(
                BASE64_URL, sig, sizeof sig, v->parts.signature.text, v->parts.signature.len);
        if (len == -EBADMSG)
                *reason = MOHR_REASON_BASE64;
        else if (len <= 0 || !signer_verifies(v->result->signer, v->parts.payload.text,
                                     v->parts.payload.len, sig, (size_t)len))
                *reason = MOHR_REASON_SIGNATURE;
        return 0;
}

static int step_payload(struct verification *v, enum mohr_reason *reason)
{
        uint8_t json[ASSERTION_MAX];
        ssize_t len = base64_decode(
                BASE64_URL, json, sizeof json, v->parts.payload.text, v->parts.payload.len);
        if (len < 0) {
                *reason = MOHR_REASON_BASE64;
                return 0;
        }
        bool starved;
        v->claims = members_read((char *)json, (size_t)len, &starved);
        if (starved)
                return -ENOMEM;
        if (!json_is_object(v->claims))
                *reason = MOHR_REASON_PAYLOAD;
        return 0;
}

static struct claims_context context_of(const struct verification *v)
{
        return (struct claims_context){ .options = v->options,
                .at = v->result->at,
                .skew = v->skew,
                .leaf = &v->result->signer->leaf,
                .identity = &v->result->signer->identity,
                .payload = v->claims };
}

static const char *times_by(const struct claims_context *context)
{
        const json_t *clock = json_object_get(context->payload, "clock");
        if (claims_by_own_clock(context))
                return "verifier-clock";
        return json_is_true(json_object_get(clock, "synchronised"))
                       ? "station-clock"
                       : "unsynchronised-station-clock";
}

static int step_claims(struct verification *v, enum mohr_reason *reason)
{
        const struct claims_context context = context_of(v);
        const char *claim = "";
        *reason = claims_check(&context, &claim);
        /* An unknown member's name is the signer's own: any characters, any length. */
        text_sanitize(v->result->detail, sizeof v->result->detail, claim, SIZE_MAX);
        if (*reason == MOHR_REASON_OK)
                v->result->times_by = times_by(&context);
        return 0;
}

/* Before the expiry: 22 says that all else holds. */
static int step_revocation(struct verification *v, enum mohr_reason *reason)
{
        struct mohr_result *result = v->result;
        const struct revocation_question question = { .set = v->trust->revocation,
                .chain = result->signer->chain,
                .options = v->options,
                .at = result->at };
        int r = revocation_of_chain(&question, &result->revocation, reason);
        if (r == 0 && *reason != MOHR_REASON_OK)
                revocation_detail(&result->revocation, result->detail, sizeof result->detail);
        return r;
}

/* With the other policies an expired leaf is known until the end and stops nothing. */
static int step_expiry(struct verification *v, enum mohr_reason *reason)
{
        if (v->result->leaf_expired && v->options->expired == MOHR_EXPIRED_REFUSE)
                *reason = MOHR_REASON_CERTIFICATE_EXPIRED;
        return 0;
}

/* Identity from the leaf first, then what the payload says besides. Before the store of replays is asked: a
 * question must not be used up by an answer that could not be told. */
static int step_tell(struct verification *v, enum mohr_reason *reason)
{
        (void)reason;
        const struct signer *signer = v->result->signer;
        json_t *told = identity_told(&signer->identity, &signer->leaf);
        if (!told || json_object_update_missing(told, v->claims) < 0) {
                json_decref(told);
                return -ENOMEM;
        }
        v->told = told;
        return 0;
}

static int step_replay(struct verification *v, enum mohr_reason *reason)
{
        const struct mohr_replay *replay = v->options->replay;
        const struct claims_context context = context_of(v);
        char key[SEEN_KEY_LEN + 1];
        if (!replay)
                return 0;
        int r = seen_key(v->result->signer->identity.sub,
                json_string_value(json_object_get(v->claims, "aud")),
                json_string_value(json_object_get(v->claims, "nonce")), key);
        if (r == 0)
                r = replay->take(replay->user, key, v->result->at, claims_end(&context));
        if (r < 0)
                return r;
        v->result->replay_checked = true;
        if (r > 0)
                *reason = MOHR_REASON_REPLAYED;
        return 0;
}

static const step_t steps[] = { step_split, step_signer, step_signature, step_payload, step_claims,
        step_revocation, step_expiry, step_tell, step_replay };

/* What an expired leaf comes to when all else holds. */
static enum mohr_reason settle_expiry(struct verification *v)
{
        if (!v->result->leaf_expired)
                return MOHR_REASON_OK;
        v->result->expiry_accepted = v->options->expired == MOHR_EXPIRED_ACCEPT;
        return v->result->expiry_accepted ? MOHR_REASON_OK : MOHR_REASON_CERTIFICATE_EXPIRED;
}

static int run(struct verification *v)
{
        struct mohr_result *result = v->result;
        enum mohr_reason reason = MOHR_REASON_OK;
        for (size_t i = 0; i < ARRAY_LEN(steps) && reason == MOHR_REASON_OK; i++) {
                int r = steps[i](v, &reason);
                if (r < 0)
                        return r;
        }
        if (reason == MOHR_REASON_OK) {
                reason = settle_expiry(v);
                result->claims = json_incref(v->told);
        }
        result->reason = reason;
        result->outcome = result_outcome(reason);
        return 0;
}

static bool is_time(int64_t when)
{
        return when >= 0 && when < YEAR_10000;
}

static bool options_are_good(const struct mohr_verify_options *options)
{
        return is_time(options->at) && is_time(options->asked_at) && options->skew_s >= 0 &&
               options->skew_s <= SKEW_MAX && options->expired <= MOHR_EXPIRED_ACCEPT &&
               options->revocation <= MOHR_REVOCATION_REQUIRE && options->revocation_age_s >= 0 &&
               (!options->replay || options->replay->take);
}

int mohr_verify(struct mohr_trust *trust, const char *assertion, size_t len,
        const struct mohr_verify_options *options, struct mohr_result **ret)
{
        static const struct mohr_verify_options nothing;
        options = options ? options : &nothing;
        if (!options_are_good(options))
                return -EINVAL;
        struct mohr_result *result = calloc(1, sizeof *result);
        if (!result)
                return -ENOMEM;
        result->at = options->at ? options->at : (int64_t)time(NULL);
        result->audience_checked = options->audience != NULL;
        result->nonce_checked = options->nonce != NULL;
        struct verification v = { .trust = trust,
                .options = options,
                .whole = { assertion, len },
                .skew = options->skew_s ? options->skew_s : SKEW_DEFAULT,
                .result = result };
        int r = run(&v);
        json_decref(v.claims);
        json_decref(v.told);
        if (r < 0) {
                mohr_result_free(result);
                return r;
        }
        *ret = result;
        return result->outcome;
}

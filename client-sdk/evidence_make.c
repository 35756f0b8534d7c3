/* SPDX-License-Identifier: Apache-2.0 */
/* evidence_make.c: telling by a file what it is, and making a bundle of what a check rests on.
 *
 * The report in a bundle is not what the check by the office's store found, but what the same check finds with
 * nothing but the bundle: else nobody could find it again. If the two differed, there would be no bundle.
 */
#include "client-sdk/evidence.h"

#include "client-sdk/base64.h"
#include "client-sdk/members.h"
#include "client-sdk/result.h"

static bool contains(const void *data, size_t len, const char *word)
{
        return memmem(data, len, word, strlen(word)) != NULL;
}

static bool begins(const void *data, size_t len, const char *word)
{
        return len >= strlen(word) && memcmp(data, word, strlen(word)) == 0;
}

/* By the beginning, or where that is damaged by what nothing else contains. */
enum mohr_form mohr_form_of(const void *data, size_t len)
{
        if (begins(data, len, "%PDF-") || contains(data, len, "%%EOF"))
                return MOHR_FORM_RECEIPT;
        if (begins(data, len, "{\"content\":{\"assertion\":\"") ||
                contains(data, len, "\"mohr_evidence\""))
                return MOHR_FORM_BUNDLE;
        return MOHR_FORM_ASSERTION;
}

/* ---- a bundle ---- */

static json_t *proofs_of(const struct mohr_result *result)
{
        json_t *proofs = json_array();
        const unsigned char *der;
        size_t len = 0;
        for (size_t i = 0; proofs && (der = mohr_result_proof(result, i, &len)); i++)
                if (json_array_append_new(proofs, base64_json(der, len)) < 0) {
                        json_decref(proofs);
                        return NULL;
                }
        return proofs;
}

/* The same check once more, by what will be in the bundle alone: what this finds is the report. */
static int report_on(const struct mohr_trust *trust, struct evidence *e, size_t len, json_t **ret)
{
        _cleanup_trust_ struct mohr_trust *world = NULL;
        _cleanup_result_ struct mohr_result *result = NULL;
        const char *detail;
        int r = evidence_world(trust, e, &world, &detail);
        if (r == 0)
                r = mohr_verify(world, e->assertion, len, &e->terms, &result);
        if (r < 0 || !result || !result->claims) /* else it cannot be another answer than before */
                return r < 0 ? r : -EPROTO;
        *ret = evidence_report(result);
        return *ret ? 0 : -ENOMEM;
}

/* Told before they are tried: a list that is too large could not even be looked at again. */
static bool too_large(const json_t *proofs)
{
        size_t letters = 0;
        for (size_t i = 0; i < json_array_size(proofs); i++)
                letters += json_string_length(json_array_get(proofs, i));
        return json_array_size(proofs) > EVIDENCE_PROOFS_MAX || letters > MOHR_EVIDENCE_MAX;
}

static int compose(const struct mohr_trust *trust, const struct mohr_result *result,
        const char *assertion, size_t len, const struct mohr_verify_options *terms,
        json_t **ret_content)
{
        _cleanup_json_ json_t *chain = evidence_chain_of(result->signer),
                              *proofs = proofs_of(result), *report = NULL;
        struct evidence e = {
                .assertion = assertion, .chain = chain, .proofs = proofs, .terms = *terms
        };
        if (!chain || !proofs)
                return -ENOMEM;
        if (too_large(proofs))
                return -EFBIG;
        int r = report_on(trust, &e, len, &report);
        if (r < 0)
                return r;
        *ret_content = evidence_content(assertion, len, chain, proofs, terms, report);
        return *ret_content ? 0 : -ENOMEM;
}

static int bundle_of(const struct mohr_trust *trust, const struct mohr_result *result,
        const char *assertion, size_t len, const struct mohr_verify_options *options, char **ret)
{
        _cleanup_json_ json_t *content = NULL;
        struct mohr_verify_options terms = *options;
        terms.at = result->at;
        int r = compose(trust, result, assertion, len, &terms, &content);
        if (r < 0)
                return r;
        return evidence_seal(content, NULL, 0, ret);
}

/* Asked last, when there is a bundle: a memory that took an answer would not take it again. */
static int ask_replay(struct mohr_trust *trust, const char *assertion, size_t len,
        const struct mohr_verify_options *options, struct mohr_result **result)
{
        struct mohr_result *last = NULL;
        int outcome = mohr_verify(trust, assertion, len, options, &last);
        if (outcome < 0)
                return outcome;
        mohr_result_free(*result);
        *result = last;
        return outcome;
}

int mohr_evidence_make(struct mohr_trust *trust, const char *assertion, size_t len,
        const struct mohr_verify_options *options, struct mohr_result **ret, char **ret_bundle)
{
        _cleanup_result_ struct mohr_result *result = NULL;
        _cleanup_free_ char *bundle = NULL;
        struct mohr_verify_options terms = { 0 };
        if (options)
                terms = *options;
        terms.replay = NULL;
        int outcome = mohr_verify(trust, assertion, len, &terms, &result);
        if (outcome < 0)
                return outcome;
        int r = result->claims ? bundle_of(trust, result, assertion, len, &terms, &bundle) : 0;
        if (r < 0)
                return r;
        if (bundle && options && options->replay)
                outcome = ask_replay(trust, assertion, len, options, &result);
        if (outcome < 0)
                return outcome;
        *ret_bundle = result->claims ? bundle : NULL;
        bundle = result->claims ? NULL : bundle;
        *ret = result;
        result = NULL;
        return outcome;
}

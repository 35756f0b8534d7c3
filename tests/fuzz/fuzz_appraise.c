/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_appraise.c: files that somebody is asked to trust. What a person is shown is text within its bounds,
 * and what is fit is an authority with a key that can be relied on.
 */
#include "client-sdk/appraise.h"
#include "tests/fuzz/require.h"

#include "base/text.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
        struct appraisal a;
        if (appraise(data, len, &a) < 0)
                return 0;
        require_text(a.subject, sizeof a.subject);
        require_text(a.issuer, sizeof a.issuer);
        require_text(a.key, sizeof a.key);
        require_text(a.signature, sizeof a.signature);
        require(strlen(a.fingerprint) == NATIONAL_PRINT_MAX - 1);
        require((a.national != NULL) == (mohr_trust_recognise(data, len) != NULL));
        for (enum trust_use use = 0; use < TRUST_USES; use++) {
                enum appraisal_verdict verdict = appraisal_judge(&a, use, a.not_before);
                require(verdict < APPRAISAL_VERDICTS && appraisal_name(verdict));
                require(verdict != APPRAISAL_FIT || (!a.weak_key && !a.weak_digest));
                require(verdict != APPRAISAL_FIT || a.authority || use == TRUST_USE_BUNDLES);
        }
        return 0;
}

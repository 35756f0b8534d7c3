/* SPDX-License-Identifier: Apache-2.0 */
/* appraise.h: what a certificate is, and whether it may be trusted for a use, before anybody trusts it.
 *
 * Facts for a person to compare and a verdict that no person can overrule. It knows the certificate's own
 * bytes, the clock and the table of national certificates; that the file came from where it should is for
 * the person alone to know.
 */
#ifndef MOHR_APPRAISE_H
#define MOHR_APPRAISE_H

#include "client-sdk/national.h"

#include "base/base.h"

#define APPRAISAL_NAME_MAX 512

enum trust_use {
        TRUST_USE_CITIZENS, /* it stands behind national cards */
        TRUST_USE_STAFF,    /* behind the staff cards of an organisation */
        TRUST_USE_BUNDLES,  /* it signs offline bundles; no card's certificate leads to it */
        TRUST_USES
};

enum appraisal_verdict {
        APPRAISAL_FIT,
        APPRAISAL_NO_CA,
        APPRAISAL_OTHER_NATIONAL, /* of the national PKI, but no national card leads to it */
        APPRAISAL_CARDS_ONLY,     /* the root of the national cards, for staff */
        APPRAISAL_NO_SIGNER,      /* its key is not for signing documents */
        APPRAISAL_WEAK_KEY,       /* under 112 bits of strength */
        APPRAISAL_WEAK_DIGEST,    /* not self-signed, and its issuer used a digest that is broken */
        APPRAISAL_NOT_YET_VALID,
        APPRAISAL_EXPIRED,
        APPRAISAL_VERDICTS
};

struct appraisal {
        char fingerprint[NATIONAL_PRINT_MAX];
        char subject[APPRAISAL_NAME_MAX], issuer[APPRAISAL_NAME_MAX]; /* sanitised */
        char key[64], signature[64];                                  /* "RSA 4096", "RSA-SHA256" */
        int64_t not_before, not_after;
        bool authority, self_signed;
        const struct mohr_national *national; /* NULL: none of the published ones */
        bool weak_key, weak_digest, may_sign;
};

/* -EBADMSG if it is no certificate in strict DER whose key can be read; -ENOMEM. */
_must_check_ int appraise(const uint8_t *der, size_t len, struct appraisal *ret);
enum appraisal_verdict appraisal_judge(
        const struct appraisal *appraisal, enum trust_use use, int64_t now);
const char *appraisal_name(enum appraisal_verdict verdict); /* "not-a-ca": stable */

#endif

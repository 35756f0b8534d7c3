/* SPDX-License-Identifier: Apache-2.0 */
/* cms_verify.h: one SignerInfo while it is looked at, for cms_verify.c, cms_attributes.c and cms_certificate.c alone. The
 * functions are steps as in signed.h.
 */
#ifndef MOHR_CMS_VERIFY_H
#define MOHR_CMS_VERIFY_H

#include "client-sdk/signed.h"

struct cms_looking {
        const struct signed_check *check;
        struct view certificates;
        const struct signed_hashes *content; /* or */
        struct view over;                    /* the value that is countersigned */
        const struct cms_signer *signer;
        struct view certificate; /* of the signer */
        struct signed_one *one;
};

/* What the signer said besides the digest, as far as it is understood. */
_must_check_ int cms_look_at_attributes(struct cms_looking *look);
/* The certificate that it signed to have signed with; then whose that is. */
_must_check_ int cms_look_at_certificate(struct cms_looking *look);
_must_check_ int cms_look_at_signer(struct cms_looking *look);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* identity.h: the claims that follow from the leaf alone, computed by one code for composer and
 * verifier. docs/assertion.md, "Identity", is the definition.
 */
#ifndef MOHR_IDENTITY_H
#define MOHR_IDENTITY_H

#include "client-sdk/leaf.h"

#define IDENTITY_ISS      "urn:mohr:card"
#define IDENTITY_NN_BASIS "inferred-from-card-number"
#define IDENTITY_ACR_NONE "unstated"
#define IDENTITY_SUB_LEN  43 /* base64url of 32 bytes */

struct identity {
        char sub[IDENTITY_SUB_LEN + 1];
        char acr[64]; /* "unstated", or "urn:oid:..." of the one level the leaf states */
        char certificate_expiry[24]; /* ISO 8601 */
        const char *key_use;         /* "signature", "authentication" */
};

/* -ENOMEM; OUTCOME_INVALID if the leaf is no citizen's certificate of the national card. */
_must_check_ int identity_read(X509 *cert, const struct leaf *leaf, struct identity *ret);

/* What to say of an expected national number: "yes", "no" or "unknown" (the card number cannot be
 * one, so that nothing is known). */
const char *identity_match(const struct leaf *leaf, const char *expected);

#endif

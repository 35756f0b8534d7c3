/* SPDX-License-Identifier: Apache-2.0 */
/* identity.h: the claims that follow from the leaf alone, computed by one code for composer and
 * verifier. docs/assertion.md, "Identity", is the definition.
 */
#ifndef MOHR_IDENTITY_H
#define MOHR_IDENTITY_H

#include "client-sdk/leaf.h"
#include "client-sdk/members.h"

#define IDENTITY_ISS       "urn:mohr:card"
#define IDENTITY_ISS_STAFF "urn:mohr:staff-card"
#define IDENTITY_NN_BASIS  "inferred-from-card-number"
#define IDENTITY_ACR_NONE  "unstated"
#define IDENTITY_SUB_LEN   43 /* base64url of 32 bytes */

struct identity {
        bool staff; /* of an organisation's card, not the national one */
        char sub[IDENTITY_SUB_LEN + 1];
        char acr[64]; /* "unstated", or "urn:oid:..." of the one level the leaf states */
        char certificate_expiry[24]; /* ISO 8601 */
        const char *key_use;         /* "signature", "authentication" */
};

/* -ENOMEM; OUTCOME_INVALID if the leaf is neither a citizen's certificate of the national card nor a
 * staff member's. */
_must_check_ int identity_read(X509 *cert, const struct leaf *leaf, struct identity *ret);

const char *identity_iss(const struct identity *identity);

/* The claims of a staff member that are copies of the leaf, in the order of the document; a NULL text where
 * the leaf does not say it. They borrow from the leaf. */
#define IDENTITY_STAFF_CLAIMS 7
void identity_staff_claims(
        const struct leaf *leaf, struct member ret[static IDENTITY_STAFF_CLAIMS]);

/* Who it is, as verifiers tell it: names and numbers of the leaf, sub, acr, key_use. NULL: no memory. */
json_t *identity_told(const struct identity *identity, const struct leaf *leaf);

/* What to say of an expected national number: "yes", "no" or "unknown" (the card number cannot be
 * one, so that nothing is known). */
const char *identity_match(const struct leaf *leaf, const char *expected);

#endif

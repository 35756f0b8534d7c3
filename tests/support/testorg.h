/* SPDX-License-Identifier: Apache-2.0 */
/* testorg.h: organisations of a tree of their own, in the shape of the national general one (card-facts 5.3), and the
 * requests that they sign. Written from docs/relying-parties.md alone.
 */
#ifndef MOHR_TESTORG_H
#define MOHR_TESTORG_H

#include "tests/support/testpki.h"

#define TESTORG_URI  "https://bank.example/login"
#define TESTORG_NAME "Specimen Bank"
#define TESTORG_SAN  "DNS:bank.example,URI:urn:example:bank"

struct testorg {
        struct testpki *pki; /* for its keys */
        X509 *root, *ca, *cert;
};

struct testorg_spec { /* zero members: what a good certificate has; "" leaves it out */
        const char *organization, *unit, *common_name, *given_name, *surname, *alternative_names;
        const char *key_usage, *constraints, *name_constraints;
        int64_t from, to;
        EVP_PKEY *key;
        X509 *issuer;
        EVP_PKEY *issuer_key;
};

struct testorg *testorg_new(void);
struct testorg *testorg_free(struct testorg *org);
X509 *testorg_issue(const struct testorg *org, const struct testorg_spec *spec);
json_t *testorg_header(const struct testorg *org, const char *alg, X509 *cert);
json_t *testorg_payload(void); /* one that holds at TESTPKI_NOW */
/* Header and payload, both taken, signed by the organisation's key. */
char *testorg_sign(const struct testorg *org, json_t *header, json_t *payload);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* testpki.h: a small PKI of the national shape in memory, and a signer that signs whatever it is told.
 *
 * Made with OpenSSL alone, from card-facts 5 and 8.3, independent of the software card's: a mistake
 * there must not be able to hide one here. Every name is plainly fictional and the root says TEST.
 * Failures abort: a test without its PKI has nothing to say.
 */
#ifndef MOHR_TESTPKI_H
#define MOHR_TESTPKI_H

#include "client-sdk/mohr.h"
#include <jansson.h>
#include <openssl/evp.h>
#include <openssl/x509.h>

#define TESTPKI_NOW   1795301256                                         /* 2026-11-21T22:47:36Z */
#define TESTPKI_GIVEN "\xD8\xA2\xD8\xB2\xD9\x85\xD9\x88\xD9\x86\xD9\x87" /* "azmouneh": specimen */
#define TESTPKI_FAMILY                                                                             \
        "\xD9\x86\xD9\x85\xD9\x88\xD9\x86\xD9\x87\xE2\x80\x8C\xD8\xB2\xD8\xA7\xD8\xAF\xD9\x87"
#define TESTPKI_CN    "0099900007 - SIG" /* fails the check digit of card-facts 3.2 */
#define TESTPKI_CN_NN "0012345679 - SIG" /* holds it */

struct testpki {
        EVP_PKEY *root_key, *ca_key, *leaf_key, *other_key, *ec_key, *small_key;
        X509 *root, *ca, *leaf;
};

struct testpki_spec { /* zero members: what a good leaf has */
        const char *given, *family, *cn, *country, *unit;
        int64_t from, to;
        EVP_PKEY *key;
        X509 *issuer;
        EVP_PKEY *issuer_key;
        const char *policies; /* OpenSSL extension values, NULL: none */
        const char *key_usage, *basic_constraints, *critical;
        bool no_name, sha1, two_names;
};

struct testpki *testpki_new(void);
struct testpki *testpki_free(struct testpki *pki);
X509 *testpki_issue(const struct testpki *pki, const struct testpki_spec *spec);
X509 *testpki_issue_ca(const struct testpki *pki, const char *cn, int64_t from, int64_t to,
        X509 *issuer, EVP_PKEY *issuer_key, EVP_PKEY *key, const char *constraints);
/* A trust object holding these (NULL-terminated). */
struct mohr_trust *testpki_trust(X509 *const *anchors);
/* Writes PEM certificates to a file. */
void testpki_write_pem(const char *path, X509 *const *certs);

/* A header and a payload that hold, written out by hand from docs/assertion.md. */
json_t *testpki_header(const char *alg, X509 *leaf, X509 *ca, X509 *root);
json_t *testpki_payload(
        const char *given, const char *family, const char *card_number, bool national);
/* Signs any header and payload text with any key: alg RS256, PS256, ES256, none. */
char *testpki_sign(const char *header, const char *payload, EVP_PKEY *key, const char *alg);
char *testpki_sign_json(
        const json_t *header, const json_t *payload, EVP_PKEY *key, const char *alg);

/* The payload, which is taken (NULL: one that holds), signed by the leaf's key; `ca` may be NULL. */
char *testpki_assertion(const struct testpki *pki, X509 *leaf, X509 *ca, json_t *payload);

#endif

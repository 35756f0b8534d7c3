/* SPDX-License-Identifier: Apache-2.0 */
/* testtsa.h: a timestamping authority in memory (RFC 3161), made with OpenSSL alone, that can lie.
 *
 * Its names say TEST. Failures abort: a test without its authority has nothing to say.
 */
#ifndef MOHR_TESTTSA_H
#define MOHR_TESTTSA_H

#include "client-sdk/mohr.h"
#include <openssl/evp.h>
#include <openssl/x509.h>

struct testtsa {
        EVP_PKEY *key;
        X509 *root, *cert;
        struct mohr_trust *anchors; /* of the root */
};

struct testtsa_spec { /* zero members: what a good authority has */
        int64_t from, to;
        const char *usage; /* extended key usage, in OpenSSL's words; "" for none */
        const char *root;  /* name of its root */
};

enum testtsa_lie { TESTTSA_HONEST, TESTTSA_IMPRINT, TESTTSA_NONCE, TESTTSA_SHA1, TESTTSA_REFUSAL };

struct testtsa *testtsa_new(const struct testtsa_spec *spec);
struct testtsa *testtsa_free(struct testtsa *tsa);
/* The answer to a request, as of that time; to be freed. */
unsigned char *testtsa_answer(const struct testtsa *tsa, const void *request, size_t len,
        int64_t at, enum testtsa_lie lie, size_t *ret_len);

#endif

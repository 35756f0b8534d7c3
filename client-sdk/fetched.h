/* SPDX-License-Identifier: Apache-2.0 */
/* fetched.h: is what a server sent worth keeping, and what is it to be asked?
 *
 * What comes over the network is judged before it is written: it must be the word of a CA that is trusted
 * here, of now, and no older than what is there already. Otherwise whoever sits on the wire could put
 * yesterday's list, on which nobody is revoked yet, in the place of today's.
 */
#ifndef MOHR_FETCHED_H
#define MOHR_FETCHED_H

#include "client-sdk/revocation.h"

#include <openssl/ocsp.h>

struct fetched {
        char name[48];       /* of its file: the same for all lists that succeed each other */
        char authority[128]; /* common name of the CA that speaks */
        int64_t as_of, next_update;
        bool nonce; /* an answer that has ours: made for this question */
};

/* 0; 21 with `why`; negative errno. */
_must_check_ int fetched_list(const void *der, size_t len, const STACK_OF(X509) * authorities,
        int64_t now, struct fetched *ret, char why[static REVOCATION_WHY_MAX]);

/* What to ask a responder about `cert`, with a nonce: DER, to be freed with OPENSSL_free(). */
_must_check_ int fetched_question(
        X509 *cert, X509 *issuer, OCSP_REQUEST **ret, unsigned char **ret_der, size_t *ret_len);
/* Its answer, as above. Responders that make their answers beforehand leave the nonce out. */
_must_check_ int fetched_answer(const void *der, size_t len, OCSP_REQUEST *question, X509 *cert,
        X509 *issuer, int64_t now, struct fetched *ret, char why[static REVOCATION_WHY_MAX]);

/* Since when the list or answer in this file holds; 0 if there is none, or it is of no use. */
_must_check_ int fetched_before(const char *path, int64_t *ret_as_of);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* jws.h: signatures over JSON documents: a JWS (RFC 7515) that keeps to JAdES-B-B (ETSI TS 119 182-1), for every kind of
 * payload but an assertion's.
 *
 * The header is composed here alone: alg, typ "mohr-document+jws", cty, x5c, x5t#S256, sigT, and crit naming sigT. So a
 * verifier of assertions refuses it by its typ, and one that looks at no typ by the crit it does not understand: no document,
 * whatever is in it, passes for an assertion. The payload is not held in memory: what is signed is the header's text, a full
 * stop, and the payload's base64url, hashed as it passes by.
 */
#ifndef MOHR_JWS_H
#define MOHR_JWS_H

#include "base/base.h"
#include <openssl/x509.h>

#define JWS_TYP        "mohr-document+jws"
#define JWS_HEADER_MAX 16384 /* bytes of the header's base64url */
#define JWS_MAX                                                                                    \
        (64 * 1024 * 1024) /* bytes of one that is merged or checked, which is done in memory */
#define JWS_VALUE_MAX 683  /* letters of a signature */

/* The protected header's base64url, malloced, without the full stop. `issuer` may be NULL. -EINVAL: a key that fits nothing, or no time:
 * without a time there would be nothing for crit to name. */
_must_check_ int jws_header(X509 *leaf, X509 *issuer, int64_t signing_time, char **ret);
/* The signature's base64url, malloced; checked over the digest that was signed: OUTCOME_NO_STANDARD_SIGNATURE. */
_must_check_ int jws_signature(X509 *leaf, const uint8_t *digest, size_t digest_len,
        const uint8_t *signature, size_t signature_len, char **ret);
/* One more signer of the same payload: either may be compact or general JSON (RFC 7515 7.2.1), the answer is general.
 * 21 with a static English `why`. */
_must_check_ int jws_merge(const char *one, size_t one_len, const char *other, size_t other_len,
        char **ret, const char **ret_why);
/* The value of signature `index` as it stands there, in base64url, and how many signers there are: what a timestamp of it is over (ETSI TS
 * 119 182-1 5.3.4). 21 with `why`. */
_must_check_ int jws_signature_at(const char *jws, size_t len, unsigned int index,
        char ret[static JWS_VALUE_MAX + 1], unsigned int *ret_count, const char **ret_why);
/* With the timestamp (B-T) of that signature, as general JSON: sigTst in the unprotected header. `token` was judged before. */
_must_check_ int jws_add_timestamp(const char *jws, size_t len, unsigned int index,
        const uint8_t *token, size_t token_len, char **ret, const char **ret_why);

#endif

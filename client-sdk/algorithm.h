/* SPDX-License-Identifier: Apache-2.0 */
/* algorithm.h: the signature algorithms of RFC 7518 that an assertion may carry, as rows.
 *
 * "none" and everything with a shared key have no row. Each algorithm is for one kind of key and one
 * hash; composer, verifier and the daemon's choice of what the card is to sign all ask here.
 */
#ifndef MOHR_ALGORITHM_H
#define MOHR_ALGORITHM_H

#include "base/base.h"
#include <openssl/evp.h>

#define ALGORITHM_DIGEST_MAX 48
#define ALGORITHM_SIG_MAX    512

struct algorithm;

const struct algorithm *algorithm_named(const char *name); /* or NULL */
/* What a card with this key signs with, or NULL. */
const struct algorithm *algorithm_of_key(EVP_PKEY *key);
const char *algorithm_name(const struct algorithm *algorithm);
/* The right kind of key, whatever its size? And a key of a size and curve that is fit? */
bool algorithm_takes_kind(const struct algorithm *algorithm, EVP_PKEY *key);
bool algorithm_fits(const struct algorithm *algorithm, EVP_PKEY *key);

/* What the chip signs. *ret_len is at most ALGORITHM_DIGEST_MAX. -ENOMEM. */
_must_check_ int algorithm_digest(const struct algorithm *algorithm, const char *text,
        uint8_t digest[ALGORITHM_DIGEST_MAX], size_t *ret_len);
/* -ENOMEM; the key must be one that fits. */
_must_check_ int algorithm_verify_begin(
        const struct algorithm *algorithm, EVP_PKEY *key, EVP_MD_CTX *md);

/* An EC signature is R and S side by side in a JWS (RFC 7518 3.4) and DER everywhere else; an RSA
 * signature is the same in both. `ret` has ALGORITHM_SIG_MAX bytes. Returns the length, 0 if it is none. */
size_t algorithm_sig_to_jws(
        const struct algorithm *algorithm, const uint8_t *sig, size_t len, uint8_t *ret);
size_t algorithm_sig_from_jws(
        const struct algorithm *algorithm, const uint8_t *sig, size_t len, uint8_t *ret);

#endif

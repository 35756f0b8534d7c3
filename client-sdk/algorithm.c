/* SPDX-License-Identifier: Apache-2.0 */
/* algorithm.c: see algorithm.h. */
#include "client-sdk/algorithm.h"

#include <openssl/ec.h>
#include <openssl/ecdsa.h>
#include <openssl/err.h>
#include <openssl/rsa.h>

struct algorithm {
        const char *name;
        int key_type, bits_min, bits_max;
        const char *group; /* EC only */
        size_t half;       /* EC only: bytes of R, and of S */
        int padding;       /* RSA only */
        const EVP_MD *(*hash)(void);
};

/* Of two that fit a key the first is what a card signs with. */
static const struct algorithm rows[] = {
        { "RS256", EVP_PKEY_RSA, 2048, 4096, NULL, 0, RSA_PKCS1_PADDING, EVP_sha256 },
        { "PS256", EVP_PKEY_RSA, 2048, 4096, NULL, 0, RSA_PKCS1_PSS_PADDING, EVP_sha256 },
        { "ES256", EVP_PKEY_EC, 256, 256, "prime256v1", 32, 0, EVP_sha256 },
        { "ES384", EVP_PKEY_EC, 384, 384, "secp384r1", 48, 0, EVP_sha384 },
};

const struct algorithm *algorithm_named(const char *name)
{
        for (size_t i = 0; i < ARRAY_LEN(rows); i++)
                if (strcmp(rows[i].name, name) == 0)
                        return &rows[i];
        return NULL;
}

const struct algorithm *algorithm_of_key(EVP_PKEY *key)
{
        for (size_t i = 0; i < ARRAY_LEN(rows); i++)
                if (algorithm_fits(&rows[i], key))
                        return &rows[i];
        return NULL;
}

const char *algorithm_name(const struct algorithm *algorithm)
{
        return algorithm->name;
}

bool algorithm_takes_kind(const struct algorithm *algorithm, EVP_PKEY *key)
{
        return key && EVP_PKEY_get_base_id(key) == algorithm->key_type;
}

bool algorithm_fits(const struct algorithm *algorithm, EVP_PKEY *key)
{
        char group[32] = "";
        size_t len = 0;
        if (!algorithm_takes_kind(algorithm, key) || EVP_PKEY_get_bits(key) < algorithm->bits_min ||
                EVP_PKEY_get_bits(key) > algorithm->bits_max)
                return false;
        if (!algorithm->group)
                return true;
        return EVP_PKEY_get_group_name(key, group, sizeof group, &len) == 1 &&
               strcmp(group, algorithm->group) == 0;
}

int algorithm_digest(const struct algorithm *algorithm, const char *text,
        uint8_t digest[ALGORITHM_DIGEST_MAX], size_t *ret_len)
{
        uint8_t hash[EVP_MAX_MD_SIZE];
        unsigned int len = 0;
        if (EVP_Digest(text, strlen(text), hash, &len, algorithm->hash(), NULL) != 1 ||
                len > ALGORITHM_DIGEST_MAX)
                return -ENOMEM;
        memcpy(digest, hash, len);
        *ret_len = len;
        return 0;
}

int algorithm_verify_begin(const struct algorithm *algorithm, EVP_PKEY *key, EVP_MD_CTX *md)
{
        EVP_PKEY_CTX *ctx = NULL;
        if (EVP_DigestVerifyInit(md, &ctx, algorithm->hash(), NULL, key) != 1)
                return -ENOMEM;
        if (algorithm->padding != RSA_PKCS1_PSS_PADDING)
                return 0;
        return EVP_PKEY_CTX_set_rsa_padding(ctx, algorithm->padding) > 0 &&
                               EVP_PKEY_CTX_set_rsa_pss_saltlen(ctx, RSA_PSS_SALTLEN_DIGEST) > 0
                       ? 0
                       : -ENOMEM;
}

/* DER has one writing only: what does not come out the same was not it. */
static bool is_der(const ECDSA_SIG *pair, const uint8_t *sig, size_t len)
{
        unsigned char *again = NULL;
        int again_len = i2d_ECDSA_SIG(pair, &again);
        bool same = again_len > 0 && (size_t)again_len == len && memcmp(again, sig, len) == 0;
        OPENSSL_free(again);
        return same;
}

size_t algorithm_sig_to_jws(
        const struct algorithm *algorithm, const uint8_t *sig, size_t len, uint8_t *ret)
{
        size_t half = algorithm->half;
        if (len > ALGORITHM_SIG_MAX)
                return 0;
        if (half == 0) {
                memcpy(ret, sig, len);
                return len;
        }
        const unsigned char *at = sig;
        ECDSA_SIG *pair = d2i_ECDSA_SIG(NULL, &at, (long)len);
        bool good = pair && is_der(pair, sig, len) && !BN_is_negative(ECDSA_SIG_get0_r(pair)) &&
                    !BN_is_negative(ECDSA_SIG_get0_s(pair)) &&
                    BN_bn2binpad(ECDSA_SIG_get0_r(pair), ret, (int)half) == (int)half &&
                    BN_bn2binpad(ECDSA_SIG_get0_s(pair), ret + half, (int)half) == (int)half;
        ECDSA_SIG_free(pair);
        ERR_clear_error();
        return good ? 2 * half : 0;
}

static size_t write_der(const ECDSA_SIG *pair, uint8_t *ret)
{
        unsigned char *at = ret;
        int len = i2d_ECDSA_SIG(pair, NULL);
        return len > 0 && len <= ALGORITHM_SIG_MAX && i2d_ECDSA_SIG(pair, &at) == len ? (size_t)len
                                                                                      : 0;
}

size_t algorithm_sig_from_jws(
        const struct algorithm *algorithm, const uint8_t *sig, size_t len, uint8_t *ret)
{
        int half = (int)algorithm->half;
        if (half == 0)
                return algorithm_sig_to_jws(algorithm, sig, len, ret);
        if (len != 2 * algorithm->half)
                return 0;
        ECDSA_SIG *pair = ECDSA_SIG_new();
        BIGNUM *r = BN_bin2bn(sig, half, NULL), *s = BN_bin2bn(sig + half, half, NULL);
        size_t der_len = 0;
        if (pair && r && s && ECDSA_SIG_set0(pair, r, s) == 1) {
                r = s = NULL;
                der_len = write_der(pair, ret);
        }
        BN_free(r);
        BN_free(s);
        ECDSA_SIG_free(pair);
        return der_len;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* jws.c: see jws.h: the header of a signed JSON document, and the chip's answer to it.
 *
 * The members follow ETSI TS 119 182-1 clause 5: x5t#S256 names the certificate, sigT states when it was signed, and as that is
 * no header of RFC 7515 it is named in crit (5.1.9). A JWS without a time would have no crit, so there is none.
 */
#include "client-sdk/jws.h"

#include "base/outcome.h"
#include "base/text.h"
#include "client-sdk/algorithm.h"
#include "client-sdk/assertion.h"
#include "client-sdk/base64.h"
#include "client-sdk/evidence.h"
#include "client-sdk/members.h"
#include "client-sdk/shortage.h"

#include <openssl/err.h>
#include <openssl/evp.h>

#define YEAR_10000 253402300800

static char *to_base64url(const void *data, size_t len)
{
        char *text = malloc(base64_encoded_len(BASE64_URL, len) + 1);
        if (text)
                base64_encode(BASE64_URL, text, data, len);
        return text;
}

/* ---- the header ---- */

static int add_certificate(json_t *x5c, X509 *cert)
{
        unsigned char *der = NULL;
        int len = i2d_X509(cert, &der);
        int r = len > 0 ? json_array_append_new(x5c, base64_json(der, (size_t)len)) : -1;
        OPENSSL_free(der);
        return r;
}

static json_t *certificates(X509 *leaf, X509 *issuer)
{
        json_t *x5c = json_array();
        if (x5c && add_certificate(x5c, leaf) == 0 &&
                (!issuer || add_certificate(x5c, issuer) == 0))
                return x5c;
        json_decref(x5c);
        return NULL;
}

static char *print_of(X509 *leaf)
{
        uint8_t hash[EVP_MAX_MD_SIZE];
        unsigned int len = 0;
        return X509_digest(leaf, EVP_sha256(), hash, &len) == 1 ? to_base64url(hash, len) : NULL;
}

static json_t *make_header(
        const struct algorithm *algorithm, X509 *leaf, X509 *issuer, int64_t signing_time)
{
        char when[24];
        static const char *const critical[] = { "sigT" };
        _cleanup_free_ char *print = print_of(leaf);
        text_iso8601(when, (time_t)signing_time);
        const struct member first[] = { { "alg", algorithm_name(algorithm) }, { "typ", JWS_TYP },
                { "cty", "json" } };
        const struct member rest[] = { { "x5t#S256", print }, { "sigT", when } };
        json_t *header = members_of(json_object(), first, ARRAY_LEN(first));
        if (header && print &&
                json_object_set_new(header, "x5c", certificates(leaf, issuer)) == 0 &&
                members_add(header, rest, ARRAY_LEN(rest)) &&
                json_object_set_new(header, "crit", members_list(critical, 1)) == 0)
                return header;
        json_decref(header);
        return NULL;
}

int jws_header(X509 *leaf, X509 *issuer, int64_t signing_time, char **ret)
{
        EVP_PKEY *key = X509_get0_pubkey(leaf);
        const struct algorithm *algorithm = key ? algorithm_of_key(key) : NULL;
        if (!algorithm || signing_time <= 0 || signing_time >= YEAR_10000)
                return -EINVAL;
        _cleanup_json_ json_t *header = make_header(algorithm, leaf, issuer, signing_time);
        _cleanup_free_ char *json = header ? members_text(header, JSON_COMPACT) : NULL;
        char *text = json ? to_base64url(json, strlen(json)) : NULL;
        if (!text)
                return -ENOMEM;
        if (strlen(text) > JWS_HEADER_MAX) {
                free(text);
                return -EMSGSIZE;
        }
        *ret = text;
        return 0;
}

/* ---- the signature ---- */

static bool verifies(X509 *leaf, const struct algorithm *algorithm, const uint8_t *digest,
        size_t digest_len, const uint8_t *signature, size_t signature_len)
{
        EVP_PKEY *key = X509_get0_pubkey(leaf);
        const EVP_MD *md =
                strcmp(algorithm_name(algorithm), "ES384") == 0 ? EVP_sha384() : EVP_sha256();
        if (digest_len != (size_t)EVP_MD_get_size(md))
                return false;
        EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new(key, NULL);
        bool good = ctx && EVP_PKEY_verify_init(ctx) == 1 &&
                    EVP_PKEY_CTX_set_signature_md(ctx, md) > 0 &&
                    EVP_PKEY_verify(ctx, signature, signature_len, digest, digest_len) == 1;
        EVP_PKEY_CTX_free(ctx);
        return good;
}

int jws_signature(X509 *leaf, const uint8_t *digest, size_t digest_len, const uint8_t *signature,
        size_t signature_len, char **ret)
{
        uint8_t plain[ALGORITHM_SIG_MAX];
        EVP_PKEY *key = X509_get0_pubkey(leaf);
        const struct algorithm *algorithm = key ? algorithm_of_key(key) : NULL;
        ERR_clear_error();
        bool good = algorithm &&
                    verifies(leaf, algorithm, digest, digest_len, signature, signature_len);
        size_t len = good ? algorithm_sig_to_jws(algorithm, signature, signature_len, plain) : 0;
        if (shortage_seen() < 0)
                return -ENOMEM;
        if (len == 0)
                return OUTCOME_NO_STANDARD_SIGNATURE;
        char *text = to_base64url(plain, len);
        if (!text)
                return -ENOMEM;
        *ret = text;
        return 0;
}

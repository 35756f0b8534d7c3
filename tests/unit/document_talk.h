/* SPDX-License-Identifier: Apache-2.0 */
/* document_talk.h: documents signed by the test PKI, as the daemon makes them: composed by cms.h or jws.h, signed by a key as a
 * chip would, finished. For the tests of both and of those who check documents; included once per program.
 */
#ifndef MOHR_DOCUMENT_TALK_H
#define MOHR_DOCUMENT_TALK_H

#include "client-sdk/base64.h"
#include "client-sdk/cms_form.h"
#include "client-sdk/jws.h"
#include "tests/support/testpki.h"

#include "base/outcome.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <cmocka.h>
#include <openssl/cms.h>
#include <openssl/err.h>

#define CONTENT "a contract of two pages"

struct bytes {
        uint8_t *data;
        size_t len;
};

struct person {
        X509 *leaf;
        EVP_PKEY *key;
};

static inline void hash_of(
        const char *name, const void *data, size_t len, uint8_t dst[static 64], size_t *ret_len)
{
        assert_int_equal(EVP_Q_digest(NULL, name, NULL, data, len, dst, ret_len), 1);
}

/* As the chip: a signature over a digest. */
static inline size_t chip_signs(
        EVP_PKEY *key, const uint8_t *digest, size_t len, uint8_t signature[static 512])
{
        size_t size = 512;
        EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new(key, NULL);
        assert_int_equal(EVP_PKEY_sign_init(ctx), 1);
        assert_true(
                EVP_PKEY_CTX_set_signature_md(ctx, len == 48 ? EVP_sha384() : EVP_sha256()) > 0);
        assert_int_equal(EVP_PKEY_sign(ctx, signature, &size, digest, len), 1);
        EVP_PKEY_CTX_free(ctx);
        return size;
}

static inline int finish_attributes(
        const struct bytes *attributes, const struct person *who, X509 *issuer, struct bytes *ret)
{
        uint8_t digest[48], signature[512];
        size_t len = 0;
        assert_int_equal(
                cms_to_sign(attributes->data, attributes->len, who->leaf, digest, &len), 0);
        size_t size = chip_signs(who->key, digest, len, signature);
        return cms_finish(attributes->data, attributes->len, who->leaf, issuer, signature, size,
                &ret->data, &ret->len);
}

/* `asked` without its digest, which is made of `data` here. */
static inline struct bytes sign_cms(const struct person *who, X509 *issuer, struct cms_asked asked,
        const void *data, size_t len)
{
        uint8_t hash[64];
        struct bytes attributes, cms = { 0 };
        asked.digest = hash;
        hash_of(cms_hash_name(who->leaf), data, len, hash, &asked.digest_len);
        assert_int_equal(cms_compose(&asked, who->leaf, &attributes.data, &attributes.len), 0);
        assert_int_equal(finish_attributes(&attributes, who, issuer, &cms), 0);
        free(attributes.data);
        return cms;
}

static inline struct bytes merge(struct bytes one, struct bytes other)
{
        struct bytes both = { 0 };
        const char *why = "";
        int r = cms_merge(one.data, one.len, other.data, other.len, &both.data, &both.len, &why);
        if (r != 0)
                fail_msg("merge: %d %s", r, why);
        free(one.data);
        free(other.data);
        return both;
}

static inline struct bytes countersign(
        struct bytes cms, unsigned int index, const struct person *by, X509 *issuer)
{
        struct cms_signature signature;
        struct bytes all = { 0 };
        unsigned int count;
        const char *why = "";
        assert_int_equal(cms_signature_at(cms.data, cms.len, index, &signature, &count, &why), 0);
        struct bytes counter = sign_cms(by, issuer, (struct cms_asked){ .countersignature = true },
                signature.value, signature.value_len);
        int r = cms_countersign(
                cms.data, cms.len, index, counter.data, counter.len, &all.data, &all.len, &why);
        if (r != 0)
                fail_msg("countersign: %d %s", r, why);
        free(cms.data);
        free(counter.data);
        return all;
}

/* A JWS in compact form over this text. */
static inline char *sign_jws(const struct person *who, X509 *issuer, int64_t at, const char *json)
{
        char *header = NULL, *text = NULL, *signed_text = NULL, *whole = NULL;
        uint8_t hash[64], signature[512];
        size_t len = 0;
        assert_int_equal(jws_header(who->leaf, issuer, at, &header), 0);
        char *payload = malloc(base64_encoded_len(BASE64_URL, strlen(json)) + 1);
        base64_encode(BASE64_URL, payload, json, strlen(json));
        assert_true(asprintf(&text, "%s.%s", header, payload) > 0);
        hash_of(cms_hash_name(who->leaf), text, strlen(text), hash, &len);
        size_t size = chip_signs(who->key, hash, len, signature);
        assert_int_equal(jws_signature(who->leaf, hash, len, signature, size, &signed_text), 0);
        assert_true(asprintf(&whole, "%s.%s", text, signed_text) > 0);
        free(header);
        free(text);
        free(payload);
        free(signed_text);
        return whole;
}

#endif

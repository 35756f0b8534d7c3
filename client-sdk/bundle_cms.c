/* SPDX-License-Identifier: Apache-2.0 */
/* bundle_cms.c: the envelope of a bundle: CMS SignedData of RFC 5652, in the one form that is taken.
 *
 * DER and nothing after it, content inside and of type id-data, exactly one signer, a digest that nobody
 * can collide. The signer's certificate is the pinned one or nothing: certificates and CRLs that come
 * along in the CMS are not looked at, so there is no chain that could be argued about.
 */
#include "client-sdk/bundle.h"

#include "base/outcome.h"
#include "client-sdk/shortage.h"

#include <openssl/cms.h>
#include <openssl/err.h>

#define SEAL_FLAGS ((unsigned int)(CMS_BINARY | CMS_NOCERTS | CMS_NOSMIMECAP))
#define OPEN_FLAGS ((unsigned int)(CMS_BINARY | CMS_NOINTERN | CMS_NO_SIGNER_CERT_VERIFY))

static void free_cms(CMS_ContentInfo **cms)
{
        CMS_ContentInfo_free(*cms);
}

static void free_bio(BIO **bio)
{
        BIO_free(*bio);
}

int bundle_seal(const char *content, size_t len, X509 *signer, EVP_PKEY *key, uint8_t **ret,
        size_t *ret_len)
{
        if (len > BUNDLE_MAX)
                return -EFBIG;
        ERR_clear_error();
        _cleanup_(free_bio) BIO *in = BIO_new_mem_buf(content, (int)len);
        _cleanup_(free_cms) CMS_ContentInfo *cms =
                in ? CMS_sign(NULL, NULL, NULL, NULL, SEAL_FLAGS | CMS_PARTIAL) : NULL;
        unsigned char *der = NULL;
        int size = -1;
        if (cms && CMS_add1_signer(cms, signer, key, EVP_sha256(), SEAL_FLAGS) &&
                CMS_final(cms, in, NULL, SEAL_FLAGS) == 1)
                size = i2d_CMS_ContentInfo(cms, &der);
        if (shortage_seen() < 0 || size <= 0) {
                OPENSSL_free(der);
                return -EINVAL;
        }
        *ret = malloc((size_t)size);
        if (*ret) {
                memcpy(*ret, der, (size_t)size);
                *ret_len = (size_t)size;
        }
        OPENSSL_free(der);
        return *ret ? 0 : -ENOMEM;
}

/* Written again it must be the same: then it was DER, whatever OpenSSL puts up with. */
static CMS_ContentInfo *read_der(const uint8_t *der, size_t len)
{
        const unsigned char *at = der;
        unsigned char *again = NULL;
        CMS_ContentInfo *cms = d2i_CMS_ContentInfo(NULL, &at, (long)len);
        int size = cms && at == der + len ? i2d_CMS_ContentInfo(cms, &again) : -1;
        bool same = size > 0 && (size_t)size == len && memcmp(again, der, len) == 0;
        OPENSSL_free(again);
        if (same)
                return cms;
        CMS_ContentInfo_free(cms);
        return NULL;
}

static bool is_signed_data(const CMS_ContentInfo *cms)
{
        return OBJ_obj2nid(CMS_get0_type(cms)) == NID_pkcs7_signed &&
               OBJ_obj2nid(CMS_get0_eContentType((CMS_ContentInfo *)(uintptr_t)cms)) ==
                       NID_pkcs7_data;
}

static bool strong_digest(CMS_SignerInfo *info)
{
        static const int allowed[] = { NID_sha256, NID_sha384, NID_sha512 };
        X509_ALGOR *digest = NULL;
        const ASN1_OBJECT *name = NULL;
        CMS_SignerInfo_get0_algs(info, NULL, NULL, &digest, NULL);
        X509_ALGOR_get0(&name, NULL, NULL, digest);
        for (size_t i = 0; i < ARRAY_LEN(allowed); i++)
                if (OBJ_obj2nid(name) == allowed[i])
                        return true;
        return false;
}

static X509 *find_signer(CMS_SignerInfo *info, STACK_OF(X509) * signers)
{
        for (int i = 0; i < sk_X509_num(signers); i++)
                if (CMS_SignerInfo_cert_cmp(info, sk_X509_value(signers, i)) == 0)
                        return sk_X509_value(signers, i);
        return NULL;
}

static bool verifies(CMS_ContentInfo *cms, X509 *signer, BIO *content)
{
        STACK_OF(X509) *one = sk_X509_new_null();
        bool good = one && sk_X509_push(one, signer) > 0 &&
                    CMS_verify(cms, one, NULL, NULL, content, OPEN_FLAGS) == 1;
        sk_X509_free(one);
        return good;
}

static const char *judge(
        CMS_ContentInfo *cms, STACK_OF(X509) * signers, BIO *content, X509 **ret_signer)
{
        if (!cms)
                return "not-der";
        if (!is_signed_data(cms))
                return "not-a-bundle";
        ASN1_OCTET_STRING **inside = CMS_get0_content(cms);
        STACK_OF(CMS_SignerInfo) *infos = CMS_get0_SignerInfos(cms);
        if (!inside || !*inside || sk_CMS_SignerInfo_num(infos) != 1)
                return "not-a-bundle";
        CMS_SignerInfo *info = sk_CMS_SignerInfo_value(infos, 0);
        if (!strong_digest(info))
                return "digest";
        *ret_signer = find_signer(info, signers);
        if (!*ret_signer)
                return "unknown-signer";
        return verifies(cms, *ret_signer, content) ? NULL : "signature";
}

static int copy_content(BIO *content, char **ret, size_t *ret_len)
{
        char *data = NULL;
        long size = BIO_get_mem_data(content, &data);
        char *copy = malloc((size_t)size + 1);
        if (!copy)
                return -ENOMEM;
        memcpy(copy, data ? data : "", (size_t)size);
        copy[size] = '\0';
        *ret = copy;
        *ret_len = (size_t)size;
        return 0;
}

int bundle_open(const uint8_t *der, size_t len, STACK_OF(X509) * signers, X509 **ret_signer,
        char **ret, size_t *ret_len, const char **ret_why)
{
        if (len > BUNDLE_MAX) {
                *ret_why = "too-large";
                return OUTCOME_INVALID;
        }
        ERR_clear_error();
        X509 *signer = NULL;
        _cleanup_(free_bio) BIO *content = BIO_new(BIO_s_mem());
        _cleanup_(free_cms) CMS_ContentInfo *cms = read_der(der, len);
        const char *why = content ? judge(cms, signers, content, &signer) : NULL;
        if (shortage_seen() < 0 || !content)
                return -ENOMEM;
        if (why) {
                *ret_why = why;
                return OUTCOME_INVALID;
        }
        int r = copy_content(content, ret, ret_len);
        if (r == 0)
                *ret_signer = signer;
        return r;
}

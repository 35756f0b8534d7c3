/* SPDX-License-Identifier: Apache-2.0 */
/* identity.c: see store.h. A key on P-256 and the certificate that TLS wants around it.
 *
 * Nothing in it is believed by anybody but its digest and the day it ends, so that it says nothing: the same name in all of
 * them, a random number, a start a day ago for clocks that are behind.
 */
#include "client-sdk/link/internal.h"

#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>
#include <time.h>

#define DAY    86400 /* seconds */
#define SERIAL 16

static void free_bio(BIO **bio)
{
        BIO_free(*bio); /* wipes what it held */
}

/* ---- reading ---- */

int link_certificate_read(const char *pem, X509 **ret)
{
        _cleanup_(free_bio) BIO *bio = BIO_new_mem_buf(pem, -1);
        if (!bio)
                return -ENOMEM;
        X509 *certificate = PEM_read_bio_X509(bio, NULL, NULL, NULL);
        if (!certificate)
                return -EBADMSG;
        *ret = certificate;
        return 0;
}

/* A key that asks for a passphrase is none of ours: nobody is asked. */
static int no_passphrase(char *buf, int size, int rwflag, void *user)
{
        (void)buf, (void)size, (void)rwflag, (void)user;
        return -1;
}

int link_key_read(const char *pem, EVP_PKEY **ret)
{
        _cleanup_(free_bio) BIO *bio = BIO_new_mem_buf(pem, -1);
        if (!bio)
                return -ENOMEM;
        EVP_PKEY *key = PEM_read_bio_PrivateKey(bio, NULL, no_passphrase, NULL);
        if (!key)
                return -EBADMSG;
        *ret = key;
        return 0;
}

int link_certificate_print(const X509 *certificate, uint8_t ret[static LINK_PRINT])
{
        uint8_t print[EVP_MAX_MD_SIZE];
        unsigned int len = 0;
        if (X509_digest(certificate, EVP_sha256(), print, &len) != 1 || len != LINK_PRINT)
                return -ENOMEM;
        memcpy(ret, print, LINK_PRINT);
        return 0;
}

int link_certificate_end(const X509 *certificate, int64_t *ret)
{
        struct tm tm = { 0 };
        if (ASN1_TIME_to_tm(X509_get0_notAfter(certificate), &tm) != 1)
                return -EBADMSG;
        *ret = timegm(&tm);
        return 0;
}

int link_identity_print(const char *certificate, uint8_t ret[static LINK_PRINT])
{
        _cleanup_(link_x509_cleanup) X509 *read = NULL;
        int r = link_certificate_read(certificate, &read);
        return r == 0 ? link_certificate_print(read, ret) : r;
}

/* ---- making ---- */

static bool set_serial(X509 *certificate)
{
        uint8_t random[SERIAL];
        if (RAND_bytes(random, sizeof random) != 1)
                return false;
        random[0] = (uint8_t)((random[0] & 0x7F) | 0x40); /* positive, and always as long */
        BIGNUM *number = BN_bin2bn(random, sizeof random, NULL);
        bool set = number && BN_to_ASN1_INTEGER(number, X509_get_serialNumber(certificate));
        BN_free(number);
        return set;
}

static bool set_name(X509 *certificate)
{
        X509_NAME *name = X509_get_subject_name(certificate);
        return X509_NAME_add_entry_by_txt(
                       name, "CN", MBSTRING_ASC, (const unsigned char *)"mohr", -1, -1, 0) == 1 &&
               X509_set_issuer_name(certificate, name) == 1;
}

/* For TLS libraries of other phones that look. */
static bool set_extensions(X509 *certificate)
{
        static const struct {
                int nid;
                const char *value;
        } rows[] = {
                { NID_basic_constraints, "critical,CA:FALSE" },
                { NID_key_usage, "critical,digitalSignature" },
                { NID_ext_key_usage, "serverAuth,clientAuth" },
        };
        for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
                X509_EXTENSION *extension =
                        X509V3_EXT_conf_nid(NULL, NULL, rows[i].nid, rows[i].value);
                bool added = extension && X509_add_ext(certificate, extension, -1) == 1;
                X509_EXTENSION_free(extension);
                if (!added)
                        return false;
        }
        return true;
}

static bool fill(X509 *certificate, EVP_PKEY *key, time_t now)
{
        return X509_set_version(certificate, X509_VERSION_3) == 1 && set_serial(certificate) &&
               set_name(certificate) &&
               ASN1_TIME_adj(X509_getm_notBefore(certificate), now, -1, 0) != NULL &&
               ASN1_TIME_adj(X509_getm_notAfter(certificate), now, LINK_DAYS, 0) != NULL &&
               X509_set_pubkey(certificate, key) == 1 && set_extensions(certificate) &&
               X509_sign(certificate, key, EVP_sha256()) > 0;
}

/* What is in the BIO as a text of its own. */
static int take_text(BIO *bio, char **ret)
{
        char *data = NULL;
        long len = BIO_get_mem_data(bio, &data);
        char *text = len > 0 && len < LINK_PEM_MAX ? strndup(data, (size_t)len) : NULL;
        if (!text)
                return -ENOMEM;
        *ret = text;
        return 0;
}

static int write_both(EVP_PKEY *key, X509 *certificate, char **ret_key, char **ret_certificate)
{
        _cleanup_(free_bio) BIO *key_out = BIO_new(BIO_s_mem());
        _cleanup_(free_bio) BIO *certificate_out = BIO_new(BIO_s_mem());
        _cleanup_(link_text_cleanup) char *key_text = NULL;
        if (!key_out || !certificate_out ||
                PEM_write_bio_PKCS8PrivateKey(key_out, key, NULL, NULL, 0, NULL, NULL) != 1 ||
                PEM_write_bio_X509(certificate_out, certificate) != 1)
                return -ENOMEM;
        int r = take_text(key_out, &key_text);
        if (r == 0)
                r = take_text(certificate_out, ret_certificate);
        if (r < 0)
                return r;
        *ret_key = key_text;
        key_text = NULL;
        return 0;
}

int link_identity_make(char **ret_key, char **ret_certificate, int64_t *ret_expires_at)
{
        const time_t now = time(NULL);
        _cleanup_(link_pkey_cleanup) EVP_PKEY *key = EVP_EC_gen("P-256");
        _cleanup_(link_x509_cleanup) X509 *certificate = X509_new();
        if (!key || !certificate || !fill(certificate, key, now))
                return -ENOMEM;
        int r = write_both(key, certificate, ret_key, ret_certificate);
        if (r == 0)
                *ret_expires_at = (int64_t)now + (int64_t)LINK_DAYS * DAY;
        return r;
}

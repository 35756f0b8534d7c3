/* SPDX-License-Identifier: Apache-2.0 */
/* testtsa.c: see testtsa.h. OpenSSL will not sign with a certificate that is for something else, so for such
 * an authority its own opinion of purposes is set aside while it signs.
 */
#include "tests/support/testtsa.h"
#include "tests/support/testpki.h"

#include <openssl/ts.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NEED(condition) need(condition, #condition)

static void need(bool condition, const char *what)
{
        if (condition)
                return;
        fprintf(stderr, "testtsa: %s failed\n", what);
        abort();
}

static void add(X509 *cert, int nid, const char *value)
{
        X509V3_CTX ctx;
        X509V3_set_ctx(&ctx, cert, cert, NULL, NULL, 0);
        X509_EXTENSION *extension = X509V3_EXT_nconf_nid(NULL, &ctx, nid, value);
        NEED(extension && X509_add_ext(cert, extension, -1) == 1);
        X509_EXTENSION_free(extension);
}

static X509 *certify(const char *cn, EVP_PKEY *key, X509 *issuer, int64_t from, int64_t to)
{
        static long serial = 7000;
        X509 *cert = X509_new();
        X509_NAME *name = X509_NAME_new();
        NEED(X509_NAME_add_entry_by_NID(name, NID_commonName, V_ASN1_UTF8STRING,
                     (const unsigned char *)cn, -1, -1, 0) == 1);
        NEED(X509_set_version(cert, X509_VERSION_3) == 1 && X509_set_pubkey(cert, key) == 1 &&
                ASN1_INTEGER_set(X509_get_serialNumber(cert), serial++) == 1 &&
                ASN1_TIME_set(X509_getm_notBefore(cert), (time_t)from) &&
                ASN1_TIME_set(X509_getm_notAfter(cert), (time_t)to) &&
                X509_set_subject_name(cert, name) == 1 &&
                X509_set_issuer_name(cert, issuer ? X509_get_subject_name(issuer) : name) == 1);
        X509_NAME_free(name);
        return cert;
}

struct testtsa *testtsa_new(const struct testtsa_spec *spec)
{
        static const struct testtsa_spec good;
        struct testtsa *tsa = calloc(1, sizeof *tsa);
        EVP_PKEY *root_key = EVP_EC_gen("P-256");
        const int64_t year = 31536000;
        spec = spec ? spec : &good;
        tsa->key = EVP_EC_gen("P-256");
        NEED(root_key && tsa->key);
        tsa->root = certify(spec->root ? spec->root : "TEST Time Root", root_key, NULL,
                TESTPKI_NOW - 9 * year, TESTPKI_NOW + 30 * year);
        add(tsa->root, NID_basic_constraints, "critical,CA:TRUE");
        add(tsa->root, NID_key_usage, "critical,keyCertSign,cRLSign");
        NEED(X509_sign(tsa->root, root_key, EVP_sha256()) > 0);
        tsa->cert = certify("TEST Time Authority", tsa->key, tsa->root,
                spec->from ? spec->from : TESTPKI_NOW - year,
                spec->to ? spec->to : TESTPKI_NOW + 5 * year);
        const char *usage = spec->usage ? spec->usage : "critical,timeStamping";
        if (usage[0])
                add(tsa->cert, NID_ext_key_usage, usage);
        NEED(X509_sign(tsa->cert, root_key, EVP_sha256()) > 0);
        EVP_PKEY_free(root_key);
        tsa->anchors = testpki_trust((X509 *[]){ tsa->root, NULL });
        return tsa;
}

struct testtsa *testtsa_free(struct testtsa *tsa)
{
        if (!tsa)
                return NULL;
        EVP_PKEY_free(tsa->key);
        X509_free(tsa->root);
        X509_free(tsa->cert);
        mohr_trust_free(tsa->anchors);
        free(tsa);
        return NULL;
}

static ASN1_INTEGER *next_serial(TS_RESP_CTX *ctx, void *data)
{
        static long serial = 1;
        ASN1_INTEGER *number = ASN1_INTEGER_new();
        (void)ctx, (void)data;
        NEED(number && ASN1_INTEGER_set(number, serial++) == 1);
        return number;
}

static int its_time(TS_RESP_CTX *ctx, void *data, long *seconds, long *microseconds)
{
        (void)ctx;
        *seconds = *(const long *)data;
        *microseconds = 0;
        return 1;
}

static int any_purpose(const X509_PURPOSE *purpose, const X509 *cert, int ca)
{
        (void)purpose, (void)cert, (void)ca;
        return 1;
}

static void set_signer(TS_RESP_CTX *ctx, const struct testtsa *tsa)
{
        X509_PURPOSE *purpose =
                X509_PURPOSE_get0(X509_PURPOSE_get_by_id(X509_PURPOSE_TIMESTAMP_SIGN));
        int (*strict)(const X509_PURPOSE *, const X509 *, int) = purpose->check_purpose;
        purpose->check_purpose = any_purpose;
        NEED(TS_RESP_CTX_set_signer_cert(ctx, tsa->cert) == 1);
        purpose->check_purpose = strict;
        NEED(TS_RESP_CTX_set_signer_key(ctx, tsa->key) == 1);
}

/* The request as the liar would have liked it. */
static BIO *twist(const void *request, size_t len, enum testtsa_lie lie)
{
        const unsigned char *at = request;
        unsigned char *der = NULL;
        TS_REQ *req = d2i_TS_REQ(NULL, &at, (long)len);
        NEED(req);
        if (lie == TESTTSA_IMPRINT) {
                ASN1_OCTET_STRING *hash = TS_MSG_IMPRINT_get_msg(TS_REQ_get_msg_imprint(req));
                unsigned char other[64];
                int hash_len = ASN1_STRING_length(hash);
                memcpy(other, ASN1_STRING_get0_data(hash), (size_t)hash_len);
                other[5] ^= 4;
                NEED(ASN1_OCTET_STRING_set(hash, other, hash_len) == 1);
        }
        if (lie == TESTTSA_NONCE) {
                ASN1_INTEGER *nonce = ASN1_INTEGER_new();
                NEED(ASN1_INTEGER_set(nonce, 4711) == 1 && TS_REQ_set_nonce(req, nonce) == 1);
                ASN1_INTEGER_free(nonce);
        }
        int der_len = i2d_TS_REQ(req, &der);
        NEED(der_len > 0);
        TS_REQ_free(req);
        BIO *bio = BIO_new(BIO_s_mem());
        NEED(bio && BIO_write(bio, der, der_len) == der_len);
        OPENSSL_free(der);
        return bio;
}

static void set_terms(TS_RESP_CTX *ctx, enum testtsa_lie lie)
{
        ASN1_OBJECT *policy = OBJ_txt2obj("1.2.3.4.1", 1);
        NEED(TS_RESP_CTX_set_def_policy(ctx, policy) == 1);
        ASN1_OBJECT_free(policy);
        NEED(TS_RESP_CTX_set_signer_digest(ctx, lie == TESTTSA_SHA1 ? EVP_sha1() : EVP_sha256()) ==
                1);
        NEED(TS_RESP_CTX_set_ess_cert_id_digest(ctx, EVP_sha256()) == 1);
        if (lie != TESTTSA_REFUSAL) /* else it knows no digest that is asked for */
                NEED(TS_RESP_CTX_add_md(ctx, EVP_sha256()) == 1 &&
                        TS_RESP_CTX_add_md(ctx, EVP_sha512()) == 1);
        NEED(TS_RESP_CTX_set_accuracy(ctx, 1, 500, 0) == 1);
}

unsigned char *testtsa_answer(const struct testtsa *tsa, const void *request, size_t len,
        int64_t at, enum testtsa_lie lie, size_t *ret_len)
{
        TS_RESP_CTX *ctx = TS_RESP_CTX_new();
        long seconds = (long)at;
        unsigned char *der = NULL;
        NEED(ctx);
        set_signer(ctx, tsa);
        set_terms(ctx, lie);
        TS_RESP_CTX_set_serial_cb(ctx, next_serial, NULL);
        TS_RESP_CTX_set_time_cb(ctx, its_time, &seconds);
        BIO *bio = twist(request, len, lie);
        TS_RESP *resp = TS_RESP_create_response(ctx, bio);
        NEED(resp);
        int der_len = i2d_TS_RESP(resp, &der);
        NEED(der_len > 0);
        unsigned char *copy = malloc((size_t)der_len);
        memcpy(copy, der, (size_t)der_len);
        *ret_len = (size_t)der_len;
        OPENSSL_free(der);
        TS_RESP_free(resp);
        TS_RESP_CTX_free(ctx);
        BIO_free(bio);
        return copy;
}

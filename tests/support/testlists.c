/* SPDX-License-Identifier: Apache-2.0 */
/* testlists.c: see testlists.h. */
#include "tests/support/testlists.h"

#include <openssl/rsa.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define NEED(condition) need(condition, #condition)
#define HOUR            3600
#define WEEK            (7 * 86400L)

static void need(bool condition, const char *what)
{
        if (condition)
                return;
        fprintf(stderr, "testlists: %s failed\n", what);
        abort();
}

static int64_t or_time(int64_t given, int64_t fallback)
{
        return given ? given : fallback;
}

void testlists_free(struct testlists_bytes *bytes)
{
        OPENSSL_free(bytes->der);
        *bytes = (struct testlists_bytes){ 0 };
}

/* An extension as OpenSSL's configuration files write it; `section` are lines that it may refer to as @s. */
static X509_EXTENSION *extension_of(const char *name, const char *value, const char *section)
{
        char text[512];
        long line = 0;
        X509V3_CTX ctx;
        CONF *conf = NCONF_new(NULL);
        snprintf(text, sizeof text, "[s]\n%s\n", section ? section : "");
        BIO *bio = BIO_new_mem_buf(text, -1);
        NEED(conf && bio && NCONF_load_bio(conf, bio, &line) == 1);
        X509V3_set_ctx(&ctx, NULL, NULL, NULL, NULL, 0);
        X509V3_set_nconf(&ctx, conf);
        X509_EXTENSION *extension = X509V3_EXT_nconf(conf, &ctx, name, value);
        NEED(extension != NULL);
        BIO_free(bio);
        NCONF_free(conf);
        return extension;
}

/* "1.2.3=critical,DER:0500" */
static X509_EXTENSION *extension_of_pair(const char *pair)
{
        char name[64];
        const char *value = strchr(pair, '=');
        NEED(value && (size_t)(value - pair) < sizeof name);
        memcpy(name, pair, (size_t)(value - pair));
        name[value - pair] = '\0';
        return extension_of(name, value + 1, NULL);
}

static void add_entry(X509_CRL *crl, const ASN1_INTEGER *serial, const struct testlists_crl *spec)
{
        X509_REVOKED *entry = X509_REVOKED_new();
        ASN1_TIME *when = ASN1_TIME_set(NULL, (time_t)spec->revoked_at);
        NEED(entry && when &&
                X509_REVOKED_set_serialNumber(entry, (ASN1_INTEGER *)(uintptr_t)serial) &&
                X509_REVOKED_set_revocationDate(entry, when));
        ASN1_TIME_free(when);
        if (spec->reason) {
                ASN1_ENUMERATED *reason = ASN1_ENUMERATED_new();
                NEED(reason && ASN1_ENUMERATED_set(reason, spec->reason - 1) &&
                        X509_REVOKED_add1_ext_i2d(entry, NID_crl_reason, reason, 0, 0) == 1);
                ASN1_ENUMERATED_free(reason);
        }
        if (spec->invalid_from) {
                ASN1_GENERALIZEDTIME *from =
                        ASN1_GENERALIZEDTIME_set(NULL, (time_t)spec->invalid_from);
                NEED(from &&
                        X509_REVOKED_add1_ext_i2d(entry, NID_invalidity_date, from, 0, 0) == 1);
                ASN1_GENERALIZEDTIME_free(from);
        }
        if (spec->entry_extension) {
                X509_EXTENSION *extension = extension_of_pair(spec->entry_extension);
                NEED(X509_REVOKED_add_ext(entry, extension, -1) == 1);
                X509_EXTENSION_free(extension);
        }
        NEED(X509_CRL_add0_revoked(crl, entry) == 1);
}

static void add_crowd(X509_CRL *crl, const struct testlists_crl *spec)
{
        for (size_t i = 0; i < spec->crowd; i++) {
                const struct testlists_crl plain = { .revoked_at = spec->revoked_at };
                ASN1_INTEGER *serial = ASN1_INTEGER_new();
                NEED(serial && ASN1_INTEGER_set_uint64(serial, 1000 + i) == 1);
                add_entry(crl, serial, &plain);
                ASN1_INTEGER_free(serial);
        }
}

static void add_extensions(X509_CRL *crl, const struct testlists_crl *spec)
{
        X509_EXTENSION *rows[3] = {
                spec->scope ? extension_of("issuingDistributionPoint", "critical,@s", spec->scope)
                            : NULL,
                spec->extension ? extension_of_pair(spec->extension) : NULL,
        };
        for (size_t i = 0; i < 2; i++) {
                NEED(!rows[i] || X509_CRL_add_ext(crl, rows[i], -1) == 1);
                X509_EXTENSION_free(rows[i]);
        }
        const struct {
                int nid;
                long number;
                int critical;
        } numbers[] = { { NID_crl_number, 7, 0 }, { NID_delta_crl, spec->delta, 1 } };
        for (size_t i = 0; i < 2; i++) {
                ASN1_INTEGER *number = ASN1_INTEGER_new();
                NEED(number && ASN1_INTEGER_set(number, numbers[i].number) == 1);
                if (numbers[i].number)
                        NEED(X509_CRL_add1_ext_i2d(
                                     crl, numbers[i].nid, number, numbers[i].critical, 0) == 1);
                ASN1_INTEGER_free(number);
        }
}

static void sign_crl(X509_CRL *crl, EVP_PKEY *key, const struct testlists_crl *spec)
{
        EVP_MD_CTX *md = EVP_MD_CTX_new();
        EVP_PKEY_CTX *ctx = NULL;
        const EVP_MD *digest = EVP_get_digestbyname(spec->digest ? spec->digest : "SHA256");
        NEED(md && digest && EVP_DigestSignInit(md, &ctx, digest, NULL, key) == 1);
        if (spec->pss)
                NEED(EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_PSS_PADDING) > 0 &&
                        EVP_PKEY_CTX_set_rsa_pss_saltlen(ctx, RSA_PSS_SALTLEN_DIGEST) > 0);
        NEED(X509_CRL_sign_ctx(crl, md) > 0);
        EVP_MD_CTX_free(md);
}

static void set_days(X509_CRL *crl, int64_t from, int64_t to)
{
        ASN1_TIME *begin = ASN1_TIME_set(NULL, (time_t)from),
                  *end = ASN1_TIME_set(NULL, (time_t)to);
        NEED(begin && X509_CRL_set1_lastUpdate(crl, begin) == 1);
        NEED(to == TESTLISTS_NEVER || (end && X509_CRL_set1_nextUpdate(crl, end) == 1));
        ASN1_TIME_free(begin);
        ASN1_TIME_free(end);
}

struct testlists_bytes testlists_crl(const struct testpki *pki, const struct testlists_crl *given)
{
        struct testlists_bytes bytes = { 0 };
        struct testlists_crl spec = *given;
        X509_CRL *crl = X509_CRL_new();
        spec.from = or_time(spec.from, TESTPKI_NOW - HOUR);
        spec.revoked_at = or_time(spec.revoked_at, spec.from - HOUR);
        NEED(crl && X509_CRL_set_version(crl, X509_CRL_VERSION_2) == 1 &&
                X509_CRL_set_issuer_name(
                        crl, X509_get_subject_name(spec.issuer ? spec.issuer : pki->ca)) == 1);
        set_days(crl, spec.from, or_time(spec.to, spec.from + WEEK));
        add_crowd(crl, &spec);
        if (spec.revoked)
                add_entry(crl, X509_get0_serialNumber(spec.revoked), &spec);
        add_extensions(crl, &spec);
        NEED(X509_CRL_sort(crl) == 1);
        sign_crl(crl, spec.key ? spec.key : pki->ca_key, &spec);
        int len = i2d_X509_CRL(crl, &bytes.der);
        NEED(len > 0);
        bytes.len = (size_t)len;
        X509_CRL_free(crl);
        return bytes;
}

/* ---- OCSP ---------------------------------------------------------------------------------- */

static ASN1_GENERALIZEDTIME *generalized(int64_t when)
{
        return when == TESTLISTS_NEVER ? NULL : ASN1_GENERALIZEDTIME_set(NULL, (time_t)when);
}

static void add_single(OCSP_BASICRESP *basic, OCSP_CERTID *id, const struct testlists_ocsp *spec)
{
        ASN1_TIME *from = generalized(spec->from), *to = generalized(spec->to),
                  *revoked = generalized(spec->revoked_at);
        OCSP_SINGLERESP *single = OCSP_basic_add1_status(
                basic, id, spec->status, spec->reason - 1, revoked, from, to);
        NEED(single != NULL);
        if (spec->single_critical) {
                X509_EXTENSION *extension = extension_of_pair("1.2.3.4.5=critical,DER:0500");
                NEED(OCSP_SINGLERESP_add_ext(single, extension, -1) == 1);
                X509_EXTENSION_free(extension);
        }
        ASN1_TIME_free(from);
        ASN1_TIME_free(to);
        ASN1_TIME_free(revoked);
        OCSP_CERTID_free(id);
}

static void add_others(OCSP_BASICRESP *basic, const struct testlists_ocsp *spec)
{
        for (size_t i = 0; i < spec->crowd; i++) {
                struct testlists_ocsp plain = { .from = spec->from, .to = spec->to };
                ASN1_INTEGER *serial = ASN1_INTEGER_new();
                NEED(serial && ASN1_INTEGER_set_uint64(serial, 1000 + i) == 1);
                add_single(basic,
                        OCSP_cert_id_new(EVP_sha1(), X509_get_subject_name(spec->issuer),
                                X509_get0_pubkey_bitstr(spec->issuer), serial),
                        &plain);
                ASN1_INTEGER_free(serial);
        }
}

static void sign_answer(
        const struct testpki *pki, OCSP_BASICRESP *basic, const struct testlists_ocsp *spec)
{
        STACK_OF(X509) *sent = sk_X509_new_null();
        X509 *signer = spec->signer ? spec->signer : spec->issuer;
        if (spec->critical) {
                X509_EXTENSION *extension = extension_of_pair("1.2.3.4.5=critical,DER:0500");
                NEED(OCSP_BASICRESP_add_ext(basic, extension, -1) == 1);
                X509_EXTENSION_free(extension);
        }
        NEED(sent && (!spec->sent || sk_X509_push(sent, spec->sent) > 0));
        NEED(ASN1_GENERALIZEDTIME_set(
                (ASN1_GENERALIZEDTIME *)(uintptr_t)OCSP_resp_get0_produced_at(basic),
                (time_t)spec->produced_at));
        X509 *mask =
                X509_dup(signer); /* its name over whatever key: OpenSSL would not lie otherwise */
        EVP_PKEY *key = spec->key ? spec->key : pki->ca_key;
        NEED(mask && X509_set_pubkey(mask, key) == 1 &&
                OCSP_basic_sign(basic, mask, key,
                        EVP_get_digestbyname(spec->digest ? spec->digest : "SHA256"), sent,
                        OCSP_NOCERTS | OCSP_NOTIME) == 1);
        X509_free(mask);
        if (spec->sent)
                NEED(OCSP_basic_add1_cert(basic, spec->sent) == 1);
        sk_X509_free(sent);
}

struct testlists_bytes testlists_ocsp(const struct testpki *pki, const struct testlists_ocsp *given)
{
        struct testlists_bytes bytes = { 0 };
        struct testlists_ocsp spec = *given;
        OCSP_BASICRESP *basic = OCSP_BASICRESP_new();
        spec.cert = spec.cert ? spec.cert : pki->leaf;
        spec.issuer = spec.issuer ? spec.issuer : pki->ca;
        spec.from = or_time(spec.from, TESTPKI_NOW - HOUR);
        spec.to = or_time(spec.to, spec.from + WEEK);
        spec.produced_at = or_time(spec.produced_at, spec.from);
        spec.revoked_at = or_time(spec.revoked_at, spec.from - HOUR);
        NEED(basic != NULL);
        add_others(basic, &spec);
        add_single(basic,
                OCSP_cert_to_id(EVP_get_digestbyname(spec.id_digest ? spec.id_digest : "SHA1"),
                        spec.cert, spec.issuer),
                &spec);
        sign_answer(pki, basic, &spec);
        OCSP_RESPONSE *response = OCSP_response_create(spec.response, spec.response ? NULL : basic);
        int len = response ? i2d_OCSP_RESPONSE(response, &bytes.der) : 0;
        NEED(len > 0);
        bytes.len = (size_t)len;
        OCSP_RESPONSE_free(response);
        OCSP_BASICRESP_free(basic);
        return bytes;
}

static void add_certificate_extension(X509 *cert, const char *name, const char *value)
{
        X509_EXTENSION *extension = extension_of(name, value, NULL);
        NEED(X509_add_ext(cert, extension, -1) == 1);
        X509_EXTENSION_free(extension);
}

X509 *testlists_responder(const struct testpki *pki, const struct testlists_responder *spec)
{
        X509 *cert = X509_new(), *issuer = spec->issuer ? spec->issuer : pki->ca;
        const char *purpose = spec->purpose ? spec->purpose : "OCSPSigning";
        X509_NAME *name = X509_NAME_new();
        NEED(cert && name &&
                X509_NAME_add_entry_by_txt(name, "CN", V_ASN1_UTF8STRING,
                        (const unsigned char *)"TEST responder", -1, -1, 0) == 1);
        NEED(X509_set_version(cert, X509_VERSION_3) == 1 &&
                ASN1_INTEGER_set_uint64(X509_get_serialNumber(cert), 4711) == 1 &&
                X509_set_subject_name(cert, name) == 1 &&
                X509_set_issuer_name(cert, X509_get_subject_name(issuer)) == 1 &&
                X509_set_pubkey(cert, spec->key ? spec->key : pki->other_key) == 1);
        X509_NAME_free(name);
        NEED(ASN1_TIME_set(
                     X509_getm_notBefore(cert), (time_t)or_time(spec->from, TESTPKI_NOW - WEEK)) &&
                ASN1_TIME_set(X509_getm_notAfter(cert),
                        (time_t)or_time(spec->to, TESTPKI_NOW + 4 * WEEK)));
        add_certificate_extension(cert, "keyUsage", "critical,digitalSignature");
        if (purpose[0])
                add_certificate_extension(cert, "extendedKeyUsage", purpose);
        if (spec->nocheck)
                add_certificate_extension(cert, "noCheck", "ignored");
        NEED(X509_sign(cert, spec->issuer_key ? spec->issuer_key : pki->ca_key,
                     spec->sha1 ? EVP_sha1() : EVP_sha256()) > 0);
        return cert;
}

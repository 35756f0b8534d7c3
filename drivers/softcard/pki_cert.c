/* SPDX-License-Identifier: Apache-2.0 */
/* pki_cert.c: builds one certificate or revocation list in the shape of card-facts 5.1.
 *
 * The citizens' are version 3, RSA-2048 with SHA-256, a 16-byte serial, subject parts in the published order. Which
 * extensions a citizen's certificate carries is not published (Q19); these are the usual ones, and a
 * comment that shouts, which also brings the whole to the published size of about 1.37 kB.
 */
#include "drivers/softcard/pki.h"

#include <openssl/conf.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>

#define POLICY_GOLD "2.16.364.101.1.1.3"
#define TEST_CRL    "URI:http://crl.softcard.invalid/TEST/digital-citizen-ca-2016-17.crl"
#define SHOUT                                                                                      \
        "TEST ONLY. MADE BY A PROGRAM FOR A SIMULATED CARD. NO AUTHORITY ISSUED THIS CERTIFICATE"
#define SHOUT_LONG                                                                                 \
        SHOUT ", NO PERSON OF THIS NAME OR NUMBER EXISTS, AND NOTHING THAT IT SIGNS BINDS "        \
              "ANYBODY. "                                                                          \
              "WHOEVER ACCEPTS IT AS PROOF OF WHO SOMEBODY IS HAS MADE A MISTAKE, FOR THE "        \
              "PRIVATE KEY "                                                                       \
              "LIES OPEN IN A FOLDER BESIDE IT. SIMULATED CARD. TEST ONLY."

struct extension {
        int nid;
        const char *value;
};

static const struct extension root_extensions[] = {
        { NID_basic_constraints, "critical,CA:TRUE" },
        { NID_key_usage, "critical,keyCertSign,cRLSign" },
        { NID_subject_key_identifier, "hash" },
        { NID_netscape_comment, SHOUT },
        { 0, NULL },
};
static const struct extension ca_extensions[] = {
        { NID_basic_constraints, "critical,CA:TRUE,pathlen:0" },
        { NID_key_usage, "critical,keyCertSign,cRLSign" },
        { NID_subject_key_identifier, "hash" },
        { NID_authority_key_identifier, "keyid:always" },
        { NID_crl_distribution_points, "URI:http://crl.softcard.invalid/TEST/root-ca1.crl" },
        { NID_netscape_comment, SHOUT },
        { 0, NULL },
};
static const struct extension signature_extensions[] = {
        { NID_key_usage, "critical,digitalSignature,nonRepudiation" },
        { NID_subject_key_identifier, "hash" },
        { NID_authority_key_identifier, "keyid:always" },
        { NID_crl_distribution_points, TEST_CRL },
        { NID_netscape_comment, SHOUT_LONG },
        { 0, NULL },
};
static const struct extension authentication_extensions[] = {
        { NID_key_usage, "critical,digitalSignature" },
        { NID_ext_key_usage, "clientAuth" },
        { NID_subject_key_identifier, "hash" },
        { NID_authority_key_identifier, "keyid:always" },
        { NID_crl_distribution_points, TEST_CRL },
        { NID_netscape_comment, SHOUT_LONG },
        { 0, NULL },
};
#define STAFF_COMMON                                                                               \
        { NID_subject_key_identifier, "hash" }, { NID_authority_key_identifier, "keyid:always" },  \
        {                                                                                          \
                NID_netscape_comment, SHOUT_LONG                                                   \
        }
static const struct extension staff_9a_extensions[] = {
        { NID_key_usage, "critical,digitalSignature" },
        { NID_ext_key_usage, "clientAuth,msSmartcardLogin" },
        STAFF_COMMON,
        { 0, NULL },
};
static const struct extension staff_9c_extensions[] = {
        { NID_key_usage, "critical,digitalSignature,nonRepudiation" },
        STAFF_COMMON,
        { 0, NULL },
};
/* One shape for both kinds of key: encipherment is RSA's, agreement the curves'. */
static const struct extension staff_9d_extensions[] = {
        { NID_key_usage, "critical,keyEncipherment,keyAgreement" },
        STAFF_COMMON,
        { 0, NULL },
};
/* id-PIV-cardAuth: proves the card, not a person. */
static const struct extension staff_9e_extensions[] = {
        { NID_key_usage, "critical,digitalSignature" },
        { NID_ext_key_usage, "critical,2.16.840.1.101.3.6.8" },
        STAFF_COMMON,
        { 0, NULL },
};
static const struct extension *const extensions[] = {
        [PKI_ROOT] = root_extensions,
        [PKI_CA] = ca_extensions,
        [PKI_SIGNATURE] = signature_extensions,
        [PKI_AUTHENTICATION] = authentication_extensions,
        [PKI_STAFF_9A] = staff_9a_extensions,
        [PKI_STAFF_9C] = staff_9c_extensions,
        [PKI_STAFF_9D] = staff_9d_extensions,
        [PKI_STAFF_9E] = staff_9e_extensions,
};

static time_t years_from(time_t now, int years)
{
        struct tm day;
        gmtime_r(&now, &day);
        day.tm_year += years;
        day.tm_hour = day.tm_min = day.tm_sec = 0;
        return timegm(&day);
}

static bool set_serial(X509 *cert)
{
        uint8_t bytes[16];
        if (RAND_bytes(bytes, sizeof bytes) <= 0)
                return false;
        bytes[0] = (uint8_t)(0x40 | (bytes[0] & 0x3F)); /* positive, and all sixteen bytes count */
        BIGNUM *number = BN_bin2bn(bytes, sizeof bytes, NULL);
        bool done = number && BN_to_ASN1_INTEGER(number, X509_get_serialNumber(cert));
        BN_free(number);
        return done;
}

static bool set_subject(X509 *cert, const char *const *parts)
{
        X509_NAME *name = X509_get_subject_name(cert);
        for (; parts[0]; parts += 2)
                if (X509_NAME_add_entry_by_txt(name, parts[0], MBSTRING_UTF8,
                            (const unsigned char *)parts[1], -1, -1, 0) <= 0)
                        return false;
        return true;
}

static bool add_extension(X509 *cert, X509V3_CTX *ctx, int nid, const char *value)
{
        X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, ctx, nid, value);
        bool done = extension && X509_add_ext(cert, extension, -1) > 0;
        X509_EXTENSION_free(extension);
        return done;
}

/* The parser of policies insists on a configuration, be it an empty one. */
static bool add_policy(X509 *cert, X509V3_CTX *ctx)
{
        CONF *empty = NCONF_new(NULL);
        if (!empty)
                return false;
        X509V3_set_nconf(ctx, empty);
        bool done = add_extension(cert, ctx, NID_certificate_policies, POLICY_GOLD);
        NCONF_free(empty);
        return done;
}

static bool add_extensions(X509 *cert, X509 *issuer, const struct pki_row *row)
{
        X509V3_CTX ctx;
        X509V3_set_ctx(&ctx, issuer, cert, NULL, NULL, 0);
        X509V3_set_ctx_nodb(&ctx);
        for (const struct extension *e = extensions[row->shape]; e->value; e++)
                if (!add_extension(cert, &ctx, e->nid, e->value))
                        return false;
        return !row->policy || add_policy(cert, &ctx);
}

static bool fill(X509 *cert, const struct pki_row *row, EVP_PKEY *key, X509 *issuer, time_t now)
{
        return X509_set_version(cert, X509_VERSION_3) > 0 && set_serial(cert) &&
               ASN1_TIME_set(X509_getm_notBefore(cert), years_from(now, row->from)) &&
               ASN1_TIME_set(X509_getm_notAfter(cert), years_from(now, row->to)) &&
               set_subject(cert, row->subject) &&
               X509_set_issuer_name(cert, X509_get_subject_name(issuer)) > 0 &&
               X509_set_pubkey(cert, key) > 0 && add_extensions(cert, issuer, row);
}

/* As strong as the key. */
static const EVP_MD *digest_for(EVP_PKEY *issuer_key)
{
        return EVP_PKEY_get_bits(issuer_key) == 384 ? EVP_sha384() : EVP_sha256();
}

X509 *pki_certificate(
        const struct pki_row *row, EVP_PKEY *key, X509 *issuer, EVP_PKEY *issuer_key, time_t now)
{
        X509 *cert = X509_new();
        if (!cert)
                return NULL;
        bool done = fill(cert, row, key, issuer ? issuer : cert, now) &&
                    X509_sign(cert, issuer_key, digest_for(issuer_key)) > 0;
        if (done)
                return cert;
        X509_free(cert);
        return NULL;
}

static bool list_revoked(X509_CRL *crl, X509 *cert, time_t now)
{
        X509_REVOKED *entry = X509_REVOKED_new();
        ASN1_TIME *when = ASN1_TIME_set(NULL, years_from(now, -1));
        bool done = entry && when &&
                    X509_REVOKED_set_serialNumber(entry, X509_get_serialNumber(cert)) > 0 &&
                    X509_REVOKED_set_revocationDate(entry, when) > 0 &&
                    X509_CRL_add0_revoked(crl, entry) > 0;
        ASN1_TIME_free(when);
        if (!done)
                X509_REVOKED_free(entry);
        return done;
}

static bool fill_crl(X509_CRL *crl, X509 *issuer, X509 *const *revoked, size_t count, time_t now)
{
        ASN1_TIME *last = ASN1_TIME_set(NULL, years_from(now, 0));
        ASN1_TIME *next = ASN1_TIME_set(NULL, years_from(now, 1));
        bool done = last && next && X509_CRL_set_version(crl, X509_CRL_VERSION_2) > 0 &&
                    X509_CRL_set_issuer_name(crl, X509_get_subject_name(issuer)) > 0 &&
                    X509_CRL_set1_lastUpdate(crl, last) > 0 &&
                    X509_CRL_set1_nextUpdate(crl, next) > 0;
        for (size_t i = 0; done && i < count; i++)
                done = list_revoked(crl, revoked[i], now);
        ASN1_TIME_free(last);
        ASN1_TIME_free(next);
        return done;
}

X509_CRL *pki_crl(
        X509 *issuer, EVP_PKEY *issuer_key, X509 *const *revoked, size_t count, time_t now)
{
        X509_CRL *crl = X509_CRL_new();
        if (!crl)
                return NULL;
        if (fill_crl(crl, issuer, revoked, count, now) &&
                X509_CRL_sign(crl, issuer_key, EVP_sha256()) > 0)
                return crl;
        X509_CRL_free(crl);
        return NULL;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* cms_compose.c: the signed attributes of one signature, and what a chip signs of them (RFC 5652 5.4).
 *
 * The certificate is named by ESSCertIDv2 (RFC 5035) with SHA-256 and with issuer and serial number, always: a
 * signature that does not say whose it is could be shown with another certificate over the same key.
 */
#include "client-sdk/cms_form.h"

#include "client-sdk/algorithm.h"
#include "client-sdk/shortage.h"

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/x509.h>
#include <stdio.h>
#include <time.h>

#define YEAR_2050  2524608000 /* from here on a time is a GeneralizedTime (RFC 5652 11.3) */
#define YEAR_10000 253402300800

#define SHA256 "\x60\x86\x48\x01\x65\x03\x04\x02\x01"
#define SHA384 "\x60\x86\x48\x01\x65\x03\x04\x02\x02"
#define SHA512 "\x60\x86\x48\x01\x65\x03\x04\x02\x03"

static const char *const commitments[CMS_COMMITMENTS] = { [CMS_COMMITMENT_ORIGIN] = "origin",
        [CMS_COMMITMENT_RECEIPT] = "receipt",
        [CMS_COMMITMENT_DELIVERY] = "delivery",
        [CMS_COMMITMENT_SENDER] = "sender",
        [CMS_COMMITMENT_APPROVAL] = "approval",
        [CMS_COMMITMENT_CREATION] = "creation" };

const char *cms_commitment_name(enum cms_commitment commitment)
{
        return (unsigned int)commitment < CMS_COMMITMENTS ? commitments[commitment] : NULL;
}

bool cms_commitment_named(const char *name, enum cms_commitment *ret)
{
        for (unsigned int i = CMS_COMMITMENT_NONE + 1; i < CMS_COMMITMENTS; i++)
                if (strcmp(commitments[i], name) == 0) {
                        *ret = (enum cms_commitment)i;
                        return true;
                }
        return false;
}

/* ---- which hash, which signature ---- */

/* RFC 5754: SHA-2 and ECDSA without parameters; rsaEncryption (RFC 3370 3.2) with NULL. */
const struct cms_suite *cms_suite_of(X509 *leaf)
{
        static const struct cms_suite suites[] = {
                { "RS256", "sha256", { (const uint8_t *)SHA256, 9 },
                        { (const uint8_t *)"\x30\x0B\x06\x09" SHA256, 13 },
                        { (const uint8_t *)"\x30\x0D\x06\x09\x2A\x86\x48\x86\xF7\x0D\x01\x01\x01"
                                           "\x05\x00",
                                15 } },
                { "ES256", "sha256", { (const uint8_t *)SHA256, 9 },
                        { (const uint8_t *)"\x30\x0B\x06\x09" SHA256, 13 },
                        { (const uint8_t *)"\x30\x0A\x06\x08\x2A\x86\x48\xCE\x3D\x04\x03\x02",
                                12 } },
                { "ES384", "sha384", { (const uint8_t *)SHA384, 9 },
                        { (const uint8_t *)"\x30\x0B\x06\x09" SHA384, 13 },
                        { (const uint8_t *)"\x30\x0A\x06\x08\x2A\x86\x48\xCE\x3D\x04\x03\x03",
                                12 } },
        };
        EVP_PKEY *key = leaf ? X509_get0_pubkey(leaf) : NULL;
        const struct algorithm *algorithm = key ? algorithm_of_key(key) : NULL;
        for (size_t i = 0; algorithm && i < ARRAY_LEN(suites); i++)
                if (strcmp(suites[i].name, algorithm_name(algorithm)) == 0)
                        return &suites[i];
        return NULL;
}

static const struct digest {
        const char *name;
        struct view oid;
        const EVP_MD *(*md)(void);
} digests[] = {
        { "sha256", { (const uint8_t *)SHA256, 9 }, EVP_sha256 },
        { "sha384", { (const uint8_t *)SHA384, 9 }, EVP_sha384 },
        { "sha512", { (const uint8_t *)SHA512, 9 }, EVP_sha512 },
};

static const struct digest *find_digest(struct view oid)
{
        for (size_t i = 0; i < ARRAY_LEN(digests); i++)
                if (cms_same(digests[i].oid, oid))
                        return &digests[i];
        return NULL;
}

const char *cms_digest_name(struct view oid)
{
        const struct digest *digest = find_digest(oid);
        return digest ? digest->name : NULL;
}

const EVP_MD *cms_digest_of(struct view oid)
{
        const struct digest *digest = find_digest(oid);
        return digest ? digest->md() : NULL;
}

const char *cms_hash_name(X509 *leaf)
{
        const struct cms_suite *suite = cms_suite_of(leaf);
        return suite ? suite->hash : NULL;
}

/* ---- attributes ---- */

/* Type and the beginning of the one value; ended by end_attribute(). */
static size_t begin_attribute(struct out *out, struct view oid)
{
        size_t mark = der_begin(out);
        der_put(out, DER_OID, oid.data, oid.len);
        return mark;
}

/* Everything since `value` is the value. */
static void end_attribute(struct out *out, size_t mark, size_t value)
{
        der_end(out, value, DER_SET);
        der_end(out, mark, DER_SEQUENCE);
}

static void put_simple(
        struct out *out, struct view oid, uint8_t tag, const void *content, size_t len)
{
        size_t mark = begin_attribute(out, oid), value = der_begin(out);
        der_put(out, tag, content, len);
        end_attribute(out, mark, value);
}

static void put_time(struct out *out, int64_t when)
{
        char text[24];
        struct tm tm;
        const time_t seconds = (time_t)when;
        gmtime_r(&seconds, &tm);
        bool utc = when < YEAR_2050;
        size_t len = strftime(text, sizeof text, "%Y%m%d%H%M%SZ", &tm), century = utc ? 2 : 0;
        put_simple(out, OID_SIGNING_TIME, utc ? DER_UTC_TIME : DER_TIME, text + century,
                len - century);
}

/* GeneralNames with the one name, and the serial number. */
static void put_issuer_serial(struct out *out, X509 *leaf)
{
        unsigned char *issuer = NULL, *serial = NULL;
        int issuer_len = i2d_X509_NAME(X509_get_issuer_name(leaf), &issuer);
        int serial_len = i2d_ASN1_INTEGER(X509_get0_serialNumber(leaf), &serial);
        if (issuer_len <= 0 || serial_len <= 0) {
                out->error = -ENOMEM;
        } else {
                size_t mark = der_begin(out);
                der_put(out, DER_4, issuer, (size_t)issuer_len);
                der_end(out, mark, DER_SEQUENCE);
                out_bytes(out, serial, (size_t)serial_len);
                der_end(out, mark, DER_SEQUENCE);
        }
        OPENSSL_free(issuer);
        OPENSSL_free(serial);
}

static void put_certificate(struct out *out, X509 *leaf)
{
        uint8_t hash[EVP_MAX_MD_SIZE];
        unsigned int len = 0;
        if (X509_digest(leaf, EVP_sha256(), hash, &len) != 1) {
                out->error = -ENOMEM;
                return;
        }
        size_t mark = begin_attribute(out, OID_CERTIFICATE), value = der_begin(out);
        der_put(out, DER_OCTETS, hash, len); /* SHA-256 is the default, and not written */
        put_issuer_serial(out, leaf);
        der_end(out, value, DER_SEQUENCE); /* ESSCertIDv2, a list of them, the attribute's value */
        der_end(out, value, DER_SEQUENCE);
        der_end(out, value, DER_SEQUENCE);
        end_attribute(out, mark, value);
}

static void put_commitment(struct out *out, enum cms_commitment commitment)
{
        uint8_t oid[] = CMS_COMMITMENT_ID "\x01"; /* and a NUL, which is not written */
        oid[sizeof oid - 2] = (uint8_t)commitment;
        size_t mark = begin_attribute(out, OID_COMMITMENT), value = der_begin(out);
        der_put(out, DER_OID, oid, sizeof oid - 1);
        der_end(out, value, DER_SEQUENCE);
        end_attribute(out, mark, value);
}

static void put_policy(struct out *out, const struct cms_policy *policy)
{
        unsigned char *oid = NULL;
        ASN1_OBJECT *object = OBJ_txt2obj(policy->oid, 1);
        int len = object ? i2d_ASN1_OBJECT(object, &oid) : 0;
        size_t mark = begin_attribute(out, OID_POLICY), value = der_begin(out);
        if (len > 0)
                out_bytes(out, oid, (size_t)len);
        else
                out->error = -EINVAL;
        size_t hash = der_begin(out);
        der_put_view(out, CMS_OID("\x30\x0B\x06\x09" SHA256));
        der_put(out, DER_OCTETS, policy->digest, sizeof policy->digest);
        der_end(out, hash, DER_SEQUENCE);
        der_end(out, value, DER_SEQUENCE);
        end_attribute(out, mark, value);
        OPENSSL_free(oid);
        ASN1_OBJECT_free(object);
}

static void put_all(struct out *out, const struct cms_asked *asked, X509 *leaf)
{
        if (!asked->countersignature)
                put_simple(out, OID_CONTENT_TYPE, DER_OID, OID_DATA.data, OID_DATA.len);
        put_simple(out, OID_DIGEST, DER_OCTETS, asked->digest, asked->digest_len);
        put_certificate(out, leaf);
        if (asked->signing_time)
                put_time(out, asked->signing_time);
        if (asked->commitment != CMS_COMMITMENT_NONE)
                put_commitment(out, asked->commitment);
        if (asked->policy.oid[0])
                put_policy(out, &asked->policy);
        der_sort(out, 0);
        der_end(out, 0, DER_SET);
}

static bool is_good(const struct cms_asked *asked, const struct cms_suite *suite)
{
        return suite &&
               asked->digest_len == (size_t)EVP_MD_get_size(cms_digest_of(suite->digest_oid)) &&
               asked->signing_time >= 0 && asked->signing_time < YEAR_10000 &&
               (unsigned int)asked->commitment < CMS_COMMITMENTS &&
               memchr(asked->policy.oid, '\0', sizeof asked->policy.oid);
}

int cms_compose(const struct cms_asked *asked, X509 *leaf, uint8_t **ret, size_t *ret_len)
{
        if (!is_good(asked, cms_suite_of(leaf)))
                return -EINVAL;
        _cleanup_free_ uint8_t *der = malloc(CMS_ATTRIBUTES_MAX);
        if (!der)
                return -ENOMEM;
        ERR_clear_error();
        struct out out = out_new(der, CMS_ATTRIBUTES_MAX);
        put_all(&out, asked, leaf);
        if (shortage_seen() < 0)
                return -ENOMEM;
        if (out_done(&out) < 0)
                return -EINVAL;
        *ret = der;
        *ret_len = out.len;
        der = NULL;
        return 0;
}

int cms_to_sign(const uint8_t *attributes, size_t len, X509 *leaf, uint8_t digest[static 48],
        size_t *ret_len)
{
        uint8_t hash[EVP_MAX_MD_SIZE];
        unsigned int hash_len = 0;
        const struct cms_suite *suite = cms_suite_of(leaf);
        if (!suite)
                return -EINVAL;
        if (EVP_Digest(attributes, len, hash, &hash_len, cms_digest_of(suite->digest_oid), NULL) !=
                        1 ||
                hash_len > 48)
                return -ENOMEM;
        memcpy(digest, hash, hash_len);
        *ret_len = hash_len;
        return 0;
}

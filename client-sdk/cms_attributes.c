/* SPDX-License-Identifier: Apache-2.0 */
/* cms_attributes.c: what a signer signed besides the document: content type, claimed time, commitment, policy. Each in its one
 * form, or refused. Attributes of other kinds that were signed do not make a signature bad, as nothing in CMS says that they must be
 * understood; but that they are there is told.
 */
#include "client-sdk/cms_verify.h"

#include "base/outcome.h"
#include "client-sdk/shortage.h"

#include <openssl/err.h>
#include <openssl/objects.h>
#include <stdio.h>
#include <time.h>

typedef bool (*reader_t)(struct view values, struct signed_one *one);

/* Dotted, of a whole OBJECT IDENTIFIER. */
static bool write_oid(struct view whole, char dst[static SIGNED_OID_MAX])
{
        const unsigned char *at = whole.data;
        ASN1_OBJECT *object = d2i_ASN1_OBJECT(NULL, &at, (long)whole.len);
        int len = object && at == whole.data + whole.len
                          ? OBJ_obj2txt(dst, SIGNED_OID_MAX, object, 1)
                          : 0;
        ASN1_OBJECT_free(object);
        return len > 0 && len < SIGNED_OID_MAX;
}

static bool read_content_type(struct view values, struct signed_one *one)
{
        (void)one;
        struct in in = der_open(values);
        return cms_same(der_get(&in, DER_OID), OID_DATA) && in_done(&in) == 0;
}

/* RFC 5652 11.3: to the second, in UTC; a UTCTime is of 1950 to 2049, and the other form of no such year. */
static bool read_time(struct view values, struct signed_one *one)
{
        char text[16] = "", again[16];
        struct tm tm = { 0 };
        struct in in = der_open(values);
        bool utc = der_is(&in, DER_UTC_TIME);
        struct view said = der_get(&in, utc ? DER_UTC_TIME : DER_TIME);
        size_t century = utc ? 2 : 0;
        if (in_done(&in) < 0 || said.len != 15 - century)
                return false;
        memcpy(text, said.data[0] >= '5' ? "19" : "20", century);
        memcpy(text + century, said.data, said.len);
        const char *end = strptime(text, "%Y%m%d%H%M%SZ", &tm);
        const time_t when = timegm(&tm);
        if (!end || *end || strftime(again, sizeof again, "%Y%m%d%H%M%SZ", &tm) != 15 ||
                strcmp(text, again) != 0 || when <= 0 || (!utc && tm.tm_year < 150))
                return false;
        one->signing_time = when;
        return true;
}

static bool read_commitment(struct view values, struct signed_one *one)
{
        static const uint8_t known[] = CMS_COMMITMENT_ID;
        struct in in = der_open(values), all = der_enter(&in, DER_SEQUENCE);
        struct view whole = der_get_whole(&all, DER_OID);
        if (in_left(&all) > 0) /* qualifiers */
                der_get(&all, DER_SEQUENCE);
        if (in_done(&all) < 0 || in_done(&in) < 0 || !write_oid(whole, one->commitment))
                return false;
        size_t arcs = sizeof known - 1;
        const char *name = whole.len == arcs + 3 && memcmp(whole.data + 2, known, arcs) == 0
                                   ? cms_commitment_name((enum cms_commitment)whole.data[arcs + 2])
                                   : NULL;
        if (name)
                snprintf(one->commitment, sizeof one->commitment, "%s", name);
        return true;
}

static bool read_policy(struct view values, struct signed_one *one)
{
        struct in in = der_open(values), all = der_enter(&in, DER_SEQUENCE);
        struct view whole = der_get_whole(&all, DER_OID);
        struct in hash = der_enter(&all, DER_SEQUENCE);
        bool known = cms_digest_of(cms_algorithm_of(der_get_whole(&hash, DER_SEQUENCE)));
        struct view digest = der_get(&hash, DER_OCTETS);
        if (in_left(&all) > 0) /* qualifiers */
                der_get(&all, DER_SEQUENCE);
        if (in_done(&hash) < 0 || in_done(&all) < 0 || in_done(&in) < 0 || !known ||
                digest.len > 64 || !write_oid(whole, one->policy))
                return false;
        hex_encode(one->policy_digest, digest.data, digest.len);
        return true;
}

static const struct kind {
        struct view oid;
        const char *name;
        reader_t read; /* NULL: read elsewhere */
} signed_kinds[] = {
        { { (const uint8_t *)CMS_PKCS9 "\x03", 9 }, "content-type", read_content_type },
        { { (const uint8_t *)CMS_PKCS9 "\x04", 9 }, "message-digest", NULL },
        { { (const uint8_t *)CMS_PKCS9 "\x05", 9 }, "signing-time", read_time },
        { { (const uint8_t *)CMS_SMIME "\x02\x0F", 11 }, "signature-policy", read_policy },
        { { (const uint8_t *)CMS_SMIME "\x02\x10", 11 }, "commitment-type", read_commitment },
        { { (const uint8_t *)CMS_SMIME "\x02\x2F", 11 }, "signing-certificate-v2", NULL },
};

static const struct kind unsigned_kinds[] = {
        { { (const uint8_t *)CMS_PKCS9 "\x06", 9 }, "countersignature", NULL },
        { { (const uint8_t *)CMS_SMIME "\x02\x0E", 11 }, "timestamp", NULL },
};

/* What others add for the long term (ETSI EN 319 122-1 5.5, EN 319 122-2 A.1): it is told, and not looked at. */
static const struct view passed[] = {
        { (const uint8_t *)CMS_SMIME "\x02\x15", 11 }, /* complete-certificate-references */
        { (const uint8_t *)CMS_SMIME "\x02\x16", 11 }, /* complete-revocation-references */
        { (const uint8_t *)CMS_SMIME "\x02\x17", 11 }, /* certificate-values */
        { (const uint8_t *)CMS_SMIME "\x02\x18", 11 }, /* revocation-values */
        { (const uint8_t *)CMS_SMIME "\x02\x19", 11 }, /* CAdES-C-timestamp */
        { (const uint8_t *)CMS_SMIME "\x02\x1A", 11 }, /* references to certificates, stamped */
        { (const uint8_t *)CMS_SMIME "\x02\x30", 11 }, /* archive-time-stamp (version 2) */
        { (const uint8_t *)"\x04\x00\x8D\x45\x02\x04", 6 }, /* archive-time-stamp-v3 */
};

/* Nobody signs these, so one that is not known may be a known one that was garbled. */
static bool may_pass(struct view oid)
{
        for (size_t i = 0; i < ARRAY_LEN(passed); i++)
                if (cms_same(passed[i], oid))
                        return true;
        return false;
}

static int tell_stranger(struct signed_one *one, const struct cms_attribute *stranger)
{
        char text[SIGNED_OID_MAX] = "";
        struct in in = der_open(stranger->whole), attribute = der_enter(&in, DER_SEQUENCE);
        if (!write_oid(der_get_whole(&attribute, DER_OID), text))
                snprintf(text, sizeof text, "?");
        if (!one->not_understood)
                one->not_understood = json_array();
        return json_array_append_new(one->not_understood, json_string(text)) < 0 ? -ENOMEM : 0;
}

static int read_kind(struct signed_one *one, const struct kind *kinds, size_t count,
        const struct cms_attribute *attribute)
{
        for (size_t i = 0; i < count; i++)
                if (cms_same(kinds[i].oid, attribute->oid))
                        return !kinds[i].read || kinds[i].read(attribute->values, one)
                                       ? 0
                                       : signed_refuse(one, MOHR_REASON_DOCUMENT_ATTRIBUTES,
                                                 kinds[i].name);
        if (kinds == unsigned_kinds && !may_pass(attribute->oid))
                return signed_refuse(one, MOHR_REASON_DOCUMENT_FORM, "unsigned-attributes");
        return tell_stranger(one, attribute);
}

static int read_all(
        struct signed_one *one, const struct kind *kinds, size_t count, struct view attributes)
{
        struct in in = der_open(attributes);
        struct cms_attribute attribute;
        int r = 0;
        while (r == 0 && cms_next_attribute(&in, &attribute))
                r = read_kind(one, kinds, count, &attribute);
        return r;
}

int cms_look_at_attributes(struct cms_looking *look)
{
        struct cms_attribute type;
        bool counter = look->over.data != NULL;
        ERR_clear_error();
        if (cms_attribute(look->signer->signed_attributes, OID_CONTENT_TYPE, &type) == counter)
                return signed_refuse(look->one, MOHR_REASON_DOCUMENT_ATTRIBUTES, "content-type");
        int r = read_all(
                look->one, signed_kinds, ARRAY_LEN(signed_kinds), look->signer->signed_attributes);
        if (r == 0)
                r = read_all(look->one, unsigned_kinds, ARRAY_LEN(unsigned_kinds),
                        look->signer->unsigned_attributes);
        return shortage_seen() < 0 ? -ENOMEM : r;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* leaf.c: see leaf.h. The encoding is walked once by hand before OpenSSL sees it: definite and
 * minimal lengths, one-byte tags, every constructed value filled exactly, nothing left over
 * (X.690 10.1). OpenSSL alone would take BER. What the certificate means is then asked of OpenSSL
 * only; nothing is read from the bytes directly.
 *
 * The subject shape is card-facts 5.1, the class rule 2.2: by content, never by the file it was in.
 */
#include "client-sdk/leaf.h"

#include "base/bytes.h"
#include "base/text.h"
#include "client-sdk/shortage.h"

#include <openssl/asn1.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <time.h>

#define DER_MAX       16384
#define DER_DEPTH_MAX 16
#define CARD_DIGITS   10

/* Reads tag and length; false at anything DER forbids. */
static bool der_header(struct in *in, uint8_t *ret_tag, size_t *ret_len)
{
        uint8_t tag = in_u8(in), first = in_u8(in);
        size_t len = first;
        if (first >= 0x80) {
                unsigned int octets = first & 0x7Fu;
                if (octets == 0 || octets > 2)
                        return false;
                len = octets == 1 ? in_u8(in) : in_u16(in);
                if (len < (octets == 1 ? 0x80u : 0x100u))
                        return false;
        }
        *ret_tag = tag;
        *ret_len = len;
        return !in->error && (tag & 0x1F) != 0x1F && len <= in_left(in);
}

static bool der_well_formed(const uint8_t *der, size_t len)
{
        struct in in = in_new(der, len);
        size_t ends[DER_DEPTH_MAX], depth = 0;
        do {
                uint8_t tag;
                size_t value;
                if (!der_header(&in, &tag, &value) ||
                        (depth > 0 && value > ends[depth - 1] - in.pos))
                        return false;
                if (tag & 0x20) {
                        if (depth == DER_DEPTH_MAX)
                                return false;
                        ends[depth++] = in.pos + value;
                } else {
                        in_bytes(&in, value);
                }
                while (depth > 0 && in.pos == ends[depth - 1])
                        depth--;
                if (depth > 0 && in.pos > ends[depth - 1])
                        return false;
        } while (depth > 0);
        return in_done(&in) == 0;
}

/* Copies the one value of `nid` in the name. False unless there is exactly one, as UTF-8 or
 * printable text that fits. */
static bool name_text(const X509_NAME *name, int nid, char *dst, size_t cap)
{
        int at = X509_NAME_get_index_by_NID(name, nid, -1);
        if (at < 0 || X509_NAME_get_index_by_NID(name, nid, at) >= 0)
                return false;
        const ASN1_STRING *value = X509_NAME_ENTRY_get_data(X509_NAME_get_entry(name, at));
        int type = ASN1_STRING_type(value), len = ASN1_STRING_length(value);
        const char *text = (const char *)ASN1_STRING_get0_data(value);
        if ((type != V_ASN1_UTF8STRING && type != V_ASN1_PRINTABLESTRING) || len < 1 ||
                (size_t)len >= cap || !text_utf8_valid(text, (size_t)len))
                return false;
        memcpy(dst, text, (size_t)len);
        dst[len] = '\0';
        return true;
}

/* ---- a citizen ---- */

/* "0099900007 - SIG" */
static bool split_common_name(const char *cn, struct leaf *leaf)
{
        static const char separator[] = " - ";
        size_t digits = strspn(cn, "0123456789");
        if (digits != CARD_DIGITS || strncmp(cn + digits, separator, strlen(separator)) != 0)
                return false;
        const char *suffix = cn + digits + strlen(separator);
        size_t len = strspn(suffix, "ABCDEFGHIJKLMNOPQRSTUVWXYZ");
        if (len == 0 || len >= sizeof leaf->cn_suffix || suffix[len] != '\0')
                return false;
        memcpy(leaf->card_number, cn, digits);
        memcpy(leaf->cn_suffix, suffix, len);
        return true;
}

static bool read_citizen(const X509_NAME *subject, struct leaf *leaf)
{
        char country[8], unit[LEAF_NAME_MAX], cn[64];
        struct leaf found = { 0 };
        if (!name_text(subject, NID_countryName, country, sizeof country) ||
                !name_text(subject, NID_organizationalUnitName, unit, sizeof unit) ||
                !name_text(subject, NID_givenName, found.given_name, sizeof found.given_name) ||
                !name_text(subject, NID_surname, found.family_name, sizeof found.family_name) ||
                !name_text(subject, NID_commonName, cn, sizeof cn) ||
                !split_common_name(cn, &found))
                return false;
        memcpy(leaf->given_name, found.given_name, sizeof found.given_name);
        memcpy(leaf->family_name, found.family_name, sizeof found.family_name);
        memcpy(leaf->card_number, found.card_number, sizeof found.card_number);
        memcpy(leaf->cn_suffix, found.cn_suffix, sizeof found.cn_suffix);
        leaf->national_number = text_national_number_valid(leaf->card_number);
        return true;
}

/* ---- a staff member ---- */

/* The one alternative name of this kind, as text. */
static bool alternative_text(const GENERAL_NAME *name, int kind, char *dst, size_t cap)
{
        const ASN1_STRING *value = NULL;
        if (name->type == GEN_EMAIL && kind == NID_rfc822Mailbox)
                value = name->d.rfc822Name;
        if (name->type == GEN_OTHERNAME && kind == NID_ms_upn &&
                OBJ_obj2nid(name->d.otherName->type_id) == NID_ms_upn &&
                name->d.otherName->value->type == V_ASN1_UTF8STRING)
                value = name->d.otherName->value->value.utf8string;
        int len = value ? ASN1_STRING_length(value) : 0;
        const char *text = value ? (const char *)ASN1_STRING_get0_data(value) : "";
        if (len < 1 || (size_t)len >= cap || !text_utf8_valid(text, (size_t)len))
                return false;
        memcpy(dst, text, (size_t)len);
        dst[len] = '\0';
        return true;
}

static void read_alternative(const GENERAL_NAMES *names, int kind, char *dst, size_t cap)
{
        unsigned int count = 0;
        for (int i = 0; i < sk_GENERAL_NAME_num(names); i++)
                count += alternative_text(sk_GENERAL_NAME_value(names, i), kind, dst, cap);
        if (count != 1) /* which of two is meant is not for us to choose */
                dst[0] = '\0';
}

static bool read_staff(X509 *cert, struct leaf *leaf)
{
        const X509_NAME *subject = X509_get_subject_name(cert);
        const struct {
                int nid;
                char *dst;
        } rows[] = {
                { NID_givenName, leaf->given_name },
                { NID_surname, leaf->family_name },
                { NID_organizationName, leaf->organization },
                { NID_serialNumber, leaf->employee_number },
        };
        if (!name_text(subject, NID_commonName, leaf->common_name, LEAF_NAME_MAX))
                return false;
        for (size_t i = 0; i < ARRAY_LEN(rows); i++)
                (void)name_text(subject, rows[i].nid, rows[i].dst, LEAF_NAME_MAX);
        GENERAL_NAMES *names = X509_get_ext_d2i(cert, NID_subject_alt_name, NULL, NULL);
        read_alternative(names, NID_rfc822Mailbox, leaf->email, sizeof leaf->email);
        read_alternative(names, NID_ms_upn, leaf->upn, sizeof leaf->upn);
        GENERAL_NAMES_free(names);
        return true;
}

static enum leaf_class class_of(const struct leaf *leaf)
{
        if (strcmp(leaf->cn_suffix, "SIG") == 0)
                return LEAF_SIGNATURE;
        return strcmp(leaf->cn_suffix, "AUT") == 0 ? LEAF_AUTHENTICATION : LEAF_OTHER;
}

static bool issued_by_nocr(const X509_NAME *issuer)
{
        char country[8], organisation[32], unit[32];
        return name_text(issuer, NID_countryName, country, sizeof country) &&
               strcmp(country, "IR") == 0 &&
               name_text(issuer, NID_organizationName, organisation, sizeof organisation) &&
               strcmp(organisation, "Iran Government") == 0 &&
               name_text(issuer, NID_organizationalUnitName, unit, sizeof unit) &&
               strcmp(unit, "NOCR") == 0;
}

static bool read_time(const ASN1_TIME *time, int64_t *ret)
{
        struct tm tm;
        if (ASN1_TIME_check(time) != 1 || ASN1_TIME_to_tm(time, &tm) != 1)
                return false;
        *ret = timegm(&tm);
        return true;
}

static bool read_leaf(X509 *cert, struct leaf *leaf)
{
        uint32_t flags = X509_get_extension_flags(cert);
        if (flags & EXFLAG_INVALID || !read_time(X509_get0_notBefore(cert), &leaf->not_before) ||
                !read_time(X509_get0_notAfter(cert), &leaf->not_after))
                return false;
        leaf->issuer_is_nocr = issued_by_nocr(X509_get_issuer_name(cert));
        leaf->class = LEAF_OTHER;
        if (flags & EXFLAG_CA)
                leaf->class = LEAF_CA;
        else if (read_citizen(X509_get_subject_name(cert), leaf))
                leaf->class = class_of(leaf);
        else if (!leaf->issuer_is_nocr && read_staff(cert, leaf))
                leaf->class = LEAF_STAFF;
        return true;
}

bool leaf_commits(X509 *cert)
{
        return X509_get_key_usage(cert) & KU_NON_REPUDIATION; /* all bits where nothing is stated */
}

int leaf_read(X509 *cert, struct leaf *ret)
{
        struct leaf leaf = { 0 };
        ERR_clear_error();
        bool good = read_leaf(cert, &leaf);
        int r = shortage_seen();
        if (r < 0 || !good)
                return r < 0 ? r : -EBADMSG;
        *ret = leaf;
        return 0;
}

int leaf_parse(const uint8_t *der, size_t len, X509 **ret_cert, struct leaf *ret)
{
        if (len > DER_MAX || !der_well_formed(der, len))
                return -EBADMSG;
        const unsigned char *at = der;
        ERR_clear_error();
        _cleanup_x509_ X509 *cert = d2i_X509(NULL, &at, (long)len);
        /* what OpenSSL queued about hostile bytes is of no use to anybody later */
        int r = shortage_seen();
        if (r < 0 || !cert || at != der + len)
                return r < 0 ? r : -EBADMSG;
        r = leaf_read(cert, ret);
        if (r < 0)
                return r;
        *ret_cert = cert;
        cert = NULL;
        return 0;
}

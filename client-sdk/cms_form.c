/* SPDX-License-Identifier: Apache-2.0 */
/* cms_form.c: see cms_form.h. What RFC 5652 allows and nobody here makes is refused by a name of its own, so that
 * whoever sent it can be told; everything else that is wrong is "form".
 */
#include "client-sdk/cms_form.h"

#include "base/outcome.h"

static const struct view version_1 = { (const uint8_t *)"\x01", 1 };

bool cms_same(struct view a, struct view b)
{
        return view_eq(a, b.data, b.len);
}

static int refuse(const char *why, const char **ret_why)
{
        *ret_why = why;
        return OUTCOME_INVALID;
}

/* ---- attributes ---- */

static unsigned int count_elements(struct view set)
{
        struct in in = der_open(set);
        unsigned int count = 0;
        while (in_left(&in) > 0) {
                der_any(&in);
                count++;
        }
        return in_done(&in) == 0 ? count : 0;
}

bool cms_next_attribute(struct in *list, struct cms_attribute *ret)
{
        if (in_left(list) == 0)
                return false;
        struct view whole = der_get_whole(list, DER_SEQUENCE);
        struct in at = der_open(whole), in = der_enter(&at, DER_SEQUENCE);
        struct cms_attribute found = { .whole = whole };
        found.oid = der_get(&in, DER_OID);
        found.values = der_get(&in, DER_SET);
        found.count = count_elements(found.values);
        if (list->error || in_done(&in) < 0 || found.oid.len == 0 || found.count == 0) {
                list->error = -EBADMSG;
                return false;
        }
        *ret = found;
        return true;
}

bool cms_attribute(struct view list, struct view oid, struct cms_attribute *ret)
{
        struct in in = der_open(list);
        struct cms_attribute found;
        while (cms_next_attribute(&in, &found))
                if (cms_same(found.oid, oid)) {
                        *ret = found;
                        return true;
                }
        return false;
}

static const char *judge_attributes(struct view list, bool is_signed)
{
        struct view seen[CMS_ATTRIBUTES];
        size_t count = 0;
        struct in in = der_open(list);
        struct cms_attribute found;
        while (cms_next_attribute(&in, &found)) {
                for (size_t i = 0; i < count; i++)
                        if (cms_same(seen[i], found.oid))
                                return "attribute-twice";
                if (is_signed && found.count != 1)
                        return "attribute-values";
                if (count == CMS_ATTRIBUTES)
                        return "too-many-attributes";
                seen[count++] = found.oid;
        }
        if (in_done(&in) < 0)
                return is_signed ? "signed-attributes" : "unsigned-attributes";
        return is_signed && (count == 0 || !der_sorted(list)) ? "signed-attributes" : NULL;
}

/* ---- a signer ---- */

static struct view optional_set(struct in *in, uint8_t tag)
{
        return der_is(in, tag) ? der_get(in, tag) : (struct view){ 0 };
}

int cms_read_signer(struct view whole, struct cms_signer *ret, const char **ret_why)
{
        struct cms_signer s = { .whole = whole };
        struct in at = der_open(whole), in = der_enter(&at, DER_SEQUENCE);
        const uint8_t *from = in.data;
        if (!cms_same(der_get(&in, DER_INTEGER), version_1))
                return refuse("signer-version", ret_why);
        s.names = der_get(&in, DER_SEQUENCE);
        s.digest_algorithm = der_get_whole(&in, DER_SEQUENCE);
        if (!der_is(&in, DER_0))
                return refuse("no-signed-attributes", ret_why);
        s.signed_attributes = der_get(&in, DER_0);
        s.algorithm = der_get_whole(&in, DER_SEQUENCE);
        s.value = der_get(&in, DER_OCTETS);
        s.before_unsigned = (struct view){ from, in.pos };
        bool more = der_is(&in, DER_1);
        s.unsigned_attributes = optional_set(&in, DER_1);
        if (in_done(&in) < 0 || in_done(&at) < 0 || s.value.len == 0 ||
                s.value.len > CMS_VALUE_MAX || (more && s.unsigned_attributes.len == 0))
                return refuse("form", ret_why);
        const char *why = judge_attributes(s.signed_attributes, true);
        if (!why)
                why = judge_attributes(s.unsigned_attributes, false);
        if (why)
                return refuse(why, ret_why);
        *ret = s;
        return 0;
}

static int read_signers(struct cms_form *form, const char **ret_why)
{
        struct in in = der_open(form->signers);
        while (in_left(&in) > 0) {
                if (form->count == CMS_SIGNERS_MAX)
                        return refuse("too-many-signers", ret_why);
                struct view whole = der_get_whole(&in, DER_SEQUENCE);
                if (in.error)
                        return refuse("form", ret_why);
                int r = cms_read_signer(whole, &form->signer[form->count], ret_why);
                if (r != 0)
                        return r;
                form->count++;
        }
        return form->count > 0 ? 0 : refuse("no-signer", ret_why);
}

/* ---- the whole ---- */

static const char *judge_certificates(struct view certificates)
{
        struct in in = der_open(certificates);
        for (size_t count = 0; in_left(&in) > 0; count++) {
                der_get(&in, DER_SEQUENCE); /* whose content is for those who use it */
                if (count == CMS_CERTIFICATES)
                        return "too-many-certificates";
        }
        return in_done(&in) < 0 ? "certificates" : NULL;
}

/* Each digest algorithm of a signer's, and no other. */
static const char *judge_algorithms(const struct cms_form *form)
{
        struct in in = der_open(form->algorithms);
        bool known[CMS_SIGNERS_MAX] = { false };
        while (in_left(&in) > 0) {
                struct view oid = cms_algorithm_of(der_get_whole(&in, DER_SEQUENCE));
                bool used = false;
                for (unsigned int i = 0; i < form->count; i++)
                        if (oid.len > 0 &&
                                cms_same(oid, cms_algorithm_of(form->signer[i].digest_algorithm)))
                                used = known[i] = true;
                if (!used)
                        return "digest-algorithms";
        }
        for (unsigned int i = 0; i < form->count; i++)
                if (!known[i])
                        return "digest-algorithms";
        return in_done(&in) < 0 ? "form" : NULL;
}

static const char *read_content(struct in *data)
{
        struct in in = der_enter(data, DER_SEQUENCE);
        if (!cms_same(der_get(&in, DER_OID), OID_DATA))
                return in.error ? "form" : "content-type";
        return in_left(&in) > 0 ? "content-inside" : NULL;
}

static const char *read_sets(struct in *data, struct cms_form *form)
{
        form->algorithms = der_get(data, DER_SET);
        const char *why = read_content(data);
        if (why)
                return why;
        bool some = der_is(data, DER_0);
        form->certificates = optional_set(data, DER_0);
        if (some && form->certificates.len == 0)
                return "certificates";
        if (der_is(data, DER_1))
                return "crls-inside";
        form->signers = der_get(data, DER_SET);
        return in_done(data) < 0 ? "form" : judge_certificates(form->certificates);
}

int cms_read(const uint8_t *der, size_t len, struct cms_form *ret, const char **ret_why)
{
        struct cms_form form = { .count = 0 };
        if (len > CMS_SIGNED_MAX)
                return refuse("too-large", ret_why);
        struct in whole = in_new(der, len), info = der_enter(&whole, DER_SEQUENCE);
        if (!cms_same(der_get(&info, DER_OID), OID_SIGNED_DATA))
                return refuse("not-signed-data", ret_why);
        struct in tagged = der_enter(&info, DER_0), data = der_enter(&tagged, DER_SEQUENCE);
        if (in_done(&whole) < 0 || in_done(&info) < 0 || in_done(&tagged) < 0)
                return refuse("form", ret_why);
        if (!cms_same(der_get(&data, DER_INTEGER), version_1))
                return refuse("version", ret_why);
        const char *why = read_sets(&data, &form);
        if (why)
                return refuse(why, ret_why);
        int r = read_signers(&form, ret_why);
        if (r != 0)
                return r;
        why = judge_algorithms(&form);
        if (why)
                return refuse(why, ret_why);
        *ret = form;
        return 0;
}

struct view cms_algorithm_of(struct view identifier)
{
        struct in at = der_open(identifier), in = der_enter(&at, DER_SEQUENCE);
        struct view oid = der_get(&in, DER_OID);
        if (der_is(&in, DER_NULL) && der_get(&in, DER_NULL).len > 0)
                return (struct view){ 0 };
        return in_done(&in) == 0 && in_done(&at) == 0 ? oid : (struct view){ 0 };
}

/* Issuer and serial number as the certificate itself writes them, side by side as a signer names them. */
static bool is_named(struct view certificate, struct view names)
{
        struct in at = der_open(certificate), in = der_enter(&at, DER_SEQUENCE),
                  tbs = der_enter(&in, DER_SEQUENCE);
        if (der_is(&tbs, DER_0))
                der_get(&tbs, DER_0);
        struct view serial = der_get_whole(&tbs, DER_INTEGER);
        der_get(&tbs, DER_SEQUENCE);
        struct view issuer = der_get_whole(&tbs, DER_SEQUENCE);
        return !tbs.error && names.len == issuer.len + serial.len &&
               memcmp(names.data, issuer.data, issuer.len) == 0 &&
               memcmp(names.data + issuer.len, serial.data, serial.len) == 0;
}

struct view cms_certificate_of(const struct cms_signer *signer, struct view certificates)
{
        struct in in = der_open(certificates);
        while (in_left(&in) > 0) {
                struct view certificate = der_get_whole(&in, DER_SEQUENCE);
                if (!in.error && is_named(certificate, signer->names))
                        return certificate;
        }
        return (struct view){ 0 };
}

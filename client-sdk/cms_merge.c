/* SPDX-License-Identifier: Apache-2.0 */
/* cms_merge.c: several signatures in one SignedData: side by side (RFC 5652 5.1), one over the other (11.4), and a
 * timestamp over one (ETSI EN 319 122-1 5.3).
 *
 * What is put together must belong together: parallel signatures are over one content, a countersignature and a timestamp
 * over the value they are given to. Nobody's signed bytes are written anew; only sets that nobody signs grow.
 */
#include "client-sdk/cms_form.h"

#include "base/outcome.h"
#include "base/text.h"
#include "client-sdk/leaf.h"
#include "client-sdk/timestamp.h"

#include <openssl/evp.h>
#include <stdio.h>

static int refuse(const char *why, const char **ret_why)
{
        *ret_why = why;
        return OUTCOME_INVALID;
}

/* ---- side by side ---- */

static struct view message_digest(const struct cms_signer *signer)
{
        struct cms_attribute found;
        if (!cms_attribute(signer->signed_attributes, OID_DIGEST, &found))
                return (struct view){ 0 };
        struct in in = der_open(found.values);
        struct view digest = der_get(&in, DER_OCTETS);
        return in_done(&in) == 0 ? digest : (struct view){ 0 };
}

/* As far as can be told without the content: by equal hashes. */
static bool of_one_content(const struct cms_form *one, const struct cms_form *other)
{
        for (unsigned int i = 0; i < one->count; i++)
                for (unsigned int j = 0; j < other->count; j++) {
                        const struct cms_signer *a = &one->signer[i], *b = &other->signer[j];
                        bool same_hash = cms_same(cms_algorithm_of(a->digest_algorithm),
                                cms_algorithm_of(b->digest_algorithm));
                        if (same_hash && !cms_same(message_digest(a), message_digest(b)))
                                return false;
                }
        return true;
}

static bool has_signer(const struct cms_form *form, const struct cms_signer *signer)
{
        for (unsigned int i = 0; i < form->count; i++)
                if (cms_same(form->signer[i].value, signer->value))
                        return true;
        return false;
}

static int judge_merge(
        const struct cms_form *one, const struct cms_form *other, const char **ret_why)
{
        if (one->count + other->count > CMS_SIGNERS_MAX)
                return refuse("too-many-signers", ret_why);
        if (!of_one_content(one, other))
                return refuse("other-content", ret_why);
        for (unsigned int i = 0; i < other->count; i++)
                if (has_signer(one, &other->signer[i]))
                        return refuse("same-signature", ret_why);
        return 0;
}

static int too_large(int r, const char **ret_why)
{
        return r == -EMSGSIZE ? refuse("too-large", ret_why) : r;
}

int cms_merge(const uint8_t *one, size_t one_len, const uint8_t *other, size_t other_len,
        uint8_t **ret, size_t *ret_len, const char **ret_why)
{
        struct cms_form a, b;
        struct cms_pieces algorithms = { .count = 0 }, certificates = { .count = 0 },
                          signers = { .count = 0 };
        int r = cms_read(one, one_len, &a, ret_why);
        if (r == 0)
                r = cms_read(other, other_len, &b, ret_why);
        if (r == 0)
                r = judge_merge(&a, &b, ret_why);
        if (r != 0)
                return r;
        cms_pieces_add_all(&algorithms, a.algorithms);
        cms_pieces_add_all(&algorithms, b.algorithms);
        cms_pieces_add_all(&certificates, a.certificates);
        cms_pieces_add_all(&certificates, b.certificates);
        cms_pieces_add_all(&signers, a.signers);
        cms_pieces_add_all(&signers, b.signers);
        return too_large(cms_build(&algorithms, &certificates, &signers, ret, ret_len), ret_why);
}

/* ---- one more unsigned attribute ---- */

/* The attributes there were, with one more value of this type. */
static void put_unsigned(struct out *out, struct view list, struct view oid, struct view value)
{
        struct cms_attribute old = { .count = 0 };
        struct in in = der_open(list);
        bool there = cms_attribute(list, oid, &old);
        while (in_left(&in) > 0) {
                struct view whole = der_any(&in);
                if (!there || !cms_same(whole, old.whole))
                        der_put_view(out, whole);
        }
        size_t mark = der_begin(out);
        der_put(out, DER_OID, oid.data, oid.len);
        size_t values = der_begin(out);
        der_put_view(out, old.values);
        der_put_view(out, value);
        der_sort(out, values);
        der_end(out, values, DER_SET);
        der_end(out, mark, DER_SEQUENCE);
}

static void put_signer_with(
        struct out *out, const struct cms_signer *signer, struct view oid, struct view value)
{
        der_put_view(out, signer->before_unsigned);
        size_t mark = der_begin(out);
        put_unsigned(out, signer->unsigned_attributes, oid, value);
        der_sort(out, mark);
        der_end(out, mark, DER_1);
        der_end(out, 0, DER_SEQUENCE);
}

/* `form` again, with that of its signer and with more certificates. */
static int rebuild(const struct cms_form *form, unsigned int index, struct view oid,
        struct view value, struct view more, uint8_t **ret, size_t *ret_len)
{
        struct cms_pieces algorithms = { .count = 0 }, certificates = { .count = 0 },
                          signers = { .count = 0 };
        _cleanup_free_ uint8_t *bytes = malloc(CMS_SIGNED_MAX);
        if (!bytes)
                return -ENOMEM;
        struct out out = out_new(bytes, CMS_SIGNED_MAX);
        put_signer_with(&out, &form->signer[index], oid, value);
        if (out_done(&out) < 0)
                return -EMSGSIZE;
        cms_pieces_add_all(&algorithms, form->algorithms);
        cms_pieces_add_all(&certificates, form->certificates);
        cms_pieces_add_all(&certificates, more);
        for (unsigned int i = 0; i < form->count; i++)
                cms_pieces_add(&signers,
                        i == index ? (struct view){ bytes, out.len } : form->signer[i].whole);
        return cms_build(&algorithms, &certificates, &signers, ret, ret_len);
}

/* Is it over this signer's value, and says no content type? */
static int judge_counter(
        const struct cms_form *counter, const struct cms_signer *signer, const char **ret_why)
{
        uint8_t hash[EVP_MAX_MD_SIZE];
        unsigned int len = 0;
        struct cms_attribute type;
        if (counter->count != 1)
                return refuse("too-many-signers", ret_why);
        const struct cms_signer *by = &counter->signer[0];
        const EVP_MD *md = cms_digest_of(cms_algorithm_of(by->digest_algorithm));
        if (cms_attribute(by->signed_attributes, OID_CONTENT_TYPE, &type) || !md)
                return refuse("no-countersignature", ret_why);
        if (EVP_Digest(signer->value.data, signer->value.len, hash, &len, md, NULL) != 1)
                return -ENOMEM;
        return view_eq(message_digest(by), hash, len) ? 0 : refuse("other-signature", ret_why);
}

int cms_countersign(const uint8_t *cms, size_t len, unsigned int index, const uint8_t *counter,
        size_t counter_len, uint8_t **ret, size_t *ret_len, const char **ret_why)
{
        struct cms_form form, by;
        int r = cms_read(cms, len, &form, ret_why);
        if (r == 0)
                r = cms_read(counter, counter_len, &by, ret_why);
        if (r != 0)
                return r;
        if (index >= form.count)
                return refuse("signer", ret_why);
        r = judge_counter(&by, &form.signer[index], ret_why);
        if (r != 0)
                return r;
        return too_large(rebuild(&form, index, OID_COUNTER, by.signer[0].whole, by.certificates,
                                 ret, ret_len),
                ret_why);
}

/* The token's form and imprint are asked for once more; whether its authority is trusted was judged before. */
static int judge_token(struct view token, const struct cms_signer *signer, const char **ret_why)
{
        const struct timestamp_terms terms = { .data = signer->value.data,
                .len = signer->value.len };
        struct timestamp found;
        char why[TIMESTAMP_WHY_MAX];
        if (!der_one(token, DER_SEQUENCE))
                return refuse("timestamp", ret_why);
        int r = timestamp_judge(token.data, token.len, &terms, &found, why);
        return r == OUTCOME_INVALID ? refuse("timestamp", ret_why) : r;
}

int cms_add_timestamp(const uint8_t *cms, size_t len, unsigned int index, const uint8_t *token,
        size_t token_len, uint8_t **ret, size_t *ret_len, const char **ret_why)
{
        struct cms_form form;
        const struct view value = { token, token_len };
        int r = cms_read(cms, len, &form, ret_why);
        if (r != 0)
                return r;
        if (index >= form.count)
                return refuse("signer", ret_why);
        r = judge_token(value, &form.signer[index], ret_why);
        if (r != 0)
                return r;
        return too_large(
                rebuild(&form, index, OID_TIMESTAMP, value, (struct view){ 0 }, ret, ret_len),
                ret_why);
}

/* ---- what is there ---- */

static int name_signer(struct view certificate, char dst[static 256])
{
        struct leaf leaf;
        _cleanup_x509_ X509 *cert = NULL;
        char name[2 * LEAF_NAME_MAX + 2] = "";
        if (certificate.len == 0)
                return 0;
        int r = leaf_parse(certificate.data, certificate.len, &cert, &leaf);
        if (r == -ENOMEM)
                return r;
        if (r == 0 && leaf.class != LEAF_STAFF && leaf.given_name[0])
                snprintf(name, sizeof name, "%s %s", leaf.given_name, leaf.family_name);
        else if (r == 0)
                snprintf(name, sizeof name, "%s", leaf.common_name);
        text_sanitize(dst, 256, name, 255);
        return 0;
}

int cms_signature_at(const uint8_t *cms, size_t len, unsigned int index, struct cms_signature *ret,
        unsigned int *ret_count, const char **ret_why)
{
        struct cms_form form;
        struct cms_signature found = { .value_len = 0 };
        int r = cms_read(cms, len, &form, ret_why);
        if (r != 0)
                return r;
        if (index >= form.count)
                return refuse("signer", ret_why);
        const struct cms_signer *signer = &form.signer[index];
        r = name_signer(cms_certificate_of(signer, form.certificates), found.signer);
        if (r != 0)
                return r;
        memcpy(found.value, signer->value.data, signer->value.len);
        found.value_len = signer->value.len;
        *ret = found;
        *ret_count = form.count;
        return 0;
}

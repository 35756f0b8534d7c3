/* SPDX-License-Identifier: Apache-2.0 */
/* cms_attach.c: a SignedData with its content inside, in three parts: what stands before the content, the content, which
 * is never held here, and what stands after it. The content is one OCTET STRING of definite length.
 */
#include "client-sdk/cms_form.h"

#include "base/outcome.h"

#define BEFORE_MAX 4096

/* What is around the content: the SignedData up to its eContentType, and from its certificates on. */
struct around {
        struct view version, algorithms, rest;
};

static uint64_t header_len(uint64_t len)
{
        uint8_t header[16];
        struct out out = out_new(header, sizeof header);
        der_header(&out, DER_SEQUENCE, len);
        return out.len;
}

static uint64_t wrapped(uint64_t len)
{
        return header_len(len) + len;
}

static int take_apart(const uint8_t *cms, size_t len, struct around *ret)
{
        struct in whole = in_new(cms, len), info = der_enter(&whole, DER_SEQUENCE);
        der_get(&info, DER_OID);
        struct in tagged = der_enter(&info, DER_0), data = der_enter(&tagged, DER_SEQUENCE);
        struct around around = { .version = der_get_whole(&data, DER_INTEGER) };
        around.algorithms = der_get_whole(&data, DER_SET);
        der_get(&data, DER_SEQUENCE);
        around.rest = in_bytes(&data, in_left(&data));
        if (in_done(&data) < 0)
                return -EINVAL;
        *ret = around;
        return 0;
}

static void put_before(struct out *out, const struct around *around, uint64_t content_len)
{
        uint64_t octets = wrapped(content_len), tagged = wrapped(octets);
        uint64_t inner = 2 + OID_DATA.len + tagged, encap = wrapped(inner);
        uint64_t data = around->version.len + around->algorithms.len + encap + around->rest.len;
        der_header(out, DER_SEQUENCE, 2 + OID_SIGNED_DATA.len + wrapped(wrapped(data)));
        der_put(out, DER_OID, OID_SIGNED_DATA.data, OID_SIGNED_DATA.len);
        der_header(out, DER_0, wrapped(data));
        der_header(out, DER_SEQUENCE, data);
        der_put_view(out, around->version);
        der_put_view(out, around->algorithms);
        der_header(out, DER_SEQUENCE, inner);
        der_put(out, DER_OID, OID_DATA.data, OID_DATA.len);
        der_header(out, DER_0, octets);
        der_header(out, DER_OCTETS, content_len);
}

int cms_attach(const uint8_t *cms, size_t len, uint64_t content_len, uint8_t **ret_before,
        size_t *ret_before_len, uint8_t **ret_after, size_t *ret_after_len)
{
        struct around around;
        const char *why;
        struct cms_form form;
        if (cms_read(cms, len, &form, &why) != 0 || take_apart(cms, len, &around) < 0 ||
                content_len > INT64_MAX - 2 * CMS_SIGNED_MAX)
                return -EINVAL;
        _cleanup_free_ uint8_t *before = malloc(BEFORE_MAX), *after = malloc(around.rest.len);
        if (!before || !after)
                return -ENOMEM;
        struct out out = out_new(before, BEFORE_MAX);
        put_before(&out, &around, content_len);
        if (out_done(&out) < 0)
                return -EINVAL;
        memcpy(after, around.rest.data, around.rest.len);
        *ret_before = before;
        *ret_before_len = out.len;
        *ret_after = after;
        *ret_after_len = around.rest.len;
        before = after = NULL;
        return 0;
}

/* ---- the way back ---- */

/* The header of what must go on to `end`, or false. Its content begins where the cursor stands then. */
static bool goes_to(struct in *in, uint8_t tag, uint64_t end)
{
        uint64_t len = der_length(in, tag);
        return !in->error && len <= end && in->pos == end - len;
}

bool cms_content_at(const uint8_t *start, size_t len, uint64_t file_size, uint64_t *ret_offset,
        uint64_t *ret_len)
{
        struct in in = in_new(start, base_min(len, BEFORE_MAX));
        if (file_size > INT64_MAX || !goes_to(&in, DER_SEQUENCE, file_size) ||
                !cms_same(der_get(&in, DER_OID), OID_SIGNED_DATA) ||
                !goes_to(&in, DER_0, file_size) || !goes_to(&in, DER_SEQUENCE, file_size))
                return false;
        der_get(&in, DER_INTEGER);
        der_get(&in, DER_SET);
        uint64_t encap = der_length(&in, DER_SEQUENCE), end = in.pos + encap;
        if (in.error || encap > file_size || end > file_size ||
                !cms_same(der_get(&in, DER_OID), OID_DATA) || !goes_to(&in, DER_0, end))
                return false;
        uint64_t content = der_length(&in, DER_OCTETS);
        if (in.error || content > file_size || in.pos + content != end)
                return false;
        *ret_offset = in.pos;
        *ret_len = content;
        return true;
}

/* Version and digest algorithms as they stand in what is before the content. */
static bool read_before(const uint8_t *before, size_t len, struct around *around)
{
        struct in in = in_new(before, len);
        der_length(&in, DER_SEQUENCE);
        der_get(&in, DER_OID);
        der_length(&in, DER_0);
        der_length(&in, DER_SEQUENCE);
        around->version = der_get_whole(&in, DER_INTEGER);
        around->algorithms = der_get_whole(&in, DER_SET);
        return !in.error;
}

static void put_detached(struct out *out, const struct around *around)
{
        der_put(out, DER_OID, OID_SIGNED_DATA.data, OID_SIGNED_DATA.len);
        size_t data = der_begin(out);
        der_put_view(out, around->version);
        der_put_view(out, around->algorithms);
        size_t content = der_begin(out);
        der_put(out, DER_OID, OID_DATA.data, OID_DATA.len);
        der_end(out, content, DER_SEQUENCE);
        der_put_view(out, around->rest);
        der_end(out, data, DER_SEQUENCE);
        der_end(out, data, DER_0);
        der_end(out, 0, DER_SEQUENCE);
}

int cms_detach(const uint8_t *before, size_t before_len, const uint8_t *after, size_t after_len,
        uint8_t **ret, size_t *ret_len)
{
        struct around around = { .rest = { after, after_len } };
        if (!read_before(before, before_len, &around))
                return OUTCOME_INVALID;
        if (after_len > CMS_SIGNED_MAX)
                return -EMSGSIZE;
        _cleanup_free_ uint8_t *der = malloc(CMS_SIGNED_MAX);
        if (!der)
                return -ENOMEM;
        struct out out = out_new(der, CMS_SIGNED_MAX);
        put_detached(&out, &around);
        if (out_done(&out) < 0)
                return -EMSGSIZE;
        *ret = der;
        *ret_len = out.len;
        der = NULL;
        return 0;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* jws_merge.c: several signers of one JSON document, as general JSON (RFC 7515 7.2.1). Every text in it is base64url, which
 * JSON writes as it is: the answer is put together letter by letter, and what was signed stays as it was signed.
 */
#include "client-sdk/jws_form.h"

#include "base/bytes.h"
#include "base/outcome.h"
#include "client-sdk/assertion.h"

static int refuse(const char *why, const char **ret_why)
{
        *ret_why = why;
        return OUTCOME_INVALID;
}

static bool same(struct compact_part a, struct compact_part b)
{
        return a.len == b.len && memcmp(a.text, b.text, a.len) == 0;
}

/* Signed documents and nothing else are put side by side. */
static int judge_types(const struct jws_form *form, const char **ret_why)
{
        for (size_t i = 0; i < form->count; i++) {
                _cleanup_json_ json_t *header = NULL;
                int r = jws_read_header(form->rows[i].header, &header);
                if (r < 0)
                        return r;
                const char *typ = json_string_value(json_object_get(header, "typ"));
                if (!typ || strcmp(typ, JWS_TYP) != 0)
                        return refuse("type", ret_why);
        }
        return 0;
}

static int judge(const struct jws_form *one, const struct jws_form *other, const char **ret_why)
{
        if (one->count + other->count > JWS_SIGNERS_MAX)
                return refuse("too-many-signers", ret_why);
        if (!same(one->payload, other->payload))
                return refuse("other-content", ret_why);
        for (size_t i = 0; i < one->count; i++)
                for (size_t j = 0; j < other->count; j++)
                        if (same(one->rows[i].signature, other->rows[j].signature))
                                return refuse("same-signature", ret_why);
        int r = judge_types(one, ret_why);
        return r == 0 ? judge_types(other, ret_why) : r;
}

static void put(struct out *out, const char *text)
{
        out_bytes(out, text, strlen(text));
}

static void put_rows(struct out *out, const struct jws_form *form, const char *before)
{
        for (size_t i = 0; i < form->count; i++) {
                put(out, i == 0 ? before : ",");
                put(out, "{\"protected\":\"");
                out_bytes(out, form->rows[i].header.text, form->rows[i].header.len);
                put(out, "\",\"signature\":\"");
                out_bytes(out, form->rows[i].signature.text, form->rows[i].signature.len);
                put(out, "\"}");
        }
}

static int write_general(const struct jws_form *one, const struct jws_form *other, char **ret)
{
        size_t room = one->payload.len + 64 +
                      (one->count + other->count) * (JWS_HEADER_MAX + JWS_SIGNATURE_MAX + 40);
        _cleanup_free_ char *text = malloc(room);
        if (!text)
                return -ENOMEM;
        struct out out = out_new(text, room);
        put(&out, "{\"payload\":\"");
        out_bytes(&out, one->payload.text, one->payload.len);
        put(&out, "\",\"signatures\":");
        put_rows(&out, one, "[");
        put_rows(&out, other, ",");
        put(&out, "]}");
        out_u8(&out, 0);
        if (out_done(&out) < 0)
                return -EMSGSIZE;
        *ret = text;
        text = NULL;
        return 0;
}

int jws_merge(const char *one, size_t one_len, const char *other, size_t other_len, char **ret,
        const char **ret_why)
{
        _cleanup_jws_ struct jws_form a = { .count = 0 }, b = { .count = 0 };
        int r = jws_read(one, one_len, &a, ret_why);
        if (r == 0)
                r = jws_read(other, other_len, &b, ret_why);
        if (r == 0)
                r = judge(&a, &b, ret_why);
        return r == 0 ? write_general(&a, &b, ret) : r;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* jws_merge.c: several signers of one JSON document, and their timestamps, as general JSON (RFC 7515 7.2.1). Every text in it is base64,
 * which JSON writes as it is: the answer is put together letter by letter, and what was signed stays as it was signed.
 */
#include "client-sdk/jws_form.h"

#include "base/bytes.h"
#include "base/outcome.h"
#include "client-sdk/assertion.h"
#include "client-sdk/base64.h"
#include "client-sdk/timestamp.h"

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

static void put_text(struct out *out, const char *before, struct compact_part text)
{
        put(out, before);
        out_bytes(out, text.text, text.len);
        put(out, "\"");
}

static void put_stamps(struct out *out, const struct jws_signature *row)
{
        for (size_t i = 0; i < row->stamp_count; i++)
                put_text(out,
                        i == 0 ? ",\"header\":{\"etsiU\":[{\"sigTst\":{\"tstTokens\":[{\"val\":\""
                               : "},{\"val\":\"",
                        row->stamps[i]);
        if (row->stamp_count > 0)
                put(out, "}]}}]}");
}

static void put_rows(struct out *out, const struct jws_form *form, const char *before)
{
        for (size_t i = 0; i < form->count; i++) {
                put(out, i == 0 ? before : ",");
                put_text(out, "{\"protected\":\"", form->rows[i].header);
                put_stamps(out, &form->rows[i]);
                put_text(out, ",\"signature\":\"", form->rows[i].signature);
                put(out, "}");
        }
}

static size_t room_of(const struct jws_form *form)
{
        size_t room = 0;
        for (size_t i = 0; i < form->count; i++) {
                room += form->rows[i].header.len + form->rows[i].signature.len + 128;
                for (size_t j = 0; j < form->rows[i].stamp_count; j++)
                        room += form->rows[i].stamps[j].len + 16;
        }
        return room;
}

/* `other` may have no rows. */
static int write_general(const struct jws_form *one, const struct jws_form *other, char **ret)
{
        size_t room = one->payload.len + 64 + room_of(one) + room_of(other);
        _cleanup_free_ char *text = malloc(room);
        if (!text)
                return -ENOMEM;
        struct out out = out_new(text, room);
        put_text(&out, "{\"payload\":\"", one->payload);
        put(&out, ",\"signatures\":");
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

/* ---- timestamps ---- */

int jws_signature_at(const char *jws, size_t len, unsigned int index,
        char ret[static JWS_VALUE_MAX + 1], unsigned int *ret_count, const char **ret_why)
{
        _cleanup_jws_ struct jws_form form = { .count = 0 };
        int r = jws_read(jws, len, &form, ret_why);
        if (r != 0)
                return r;
        if (index >= form.count)
                return refuse("signer", ret_why);
        memcpy(ret, form.rows[index].signature.text, form.rows[index].signature.len);
        ret[form.rows[index].signature.len] = '\0';
        *ret_count = (unsigned int)form.count;
        return 0;
}

/* The token's form and imprint are asked for once more; whether its authority is trusted was judged before. */
static int judge_token(
        const struct jws_signature *row, const uint8_t *token, size_t len, const char **ret_why)
{
        const struct timestamp_terms terms = { .data = row->signature.text,
                .len = row->signature.len };
        struct timestamp found;
        char why[TIMESTAMP_WHY_MAX];
        if (row->stamp_count == JWS_STAMPS_MAX)
                return refuse("too-many-timestamps", ret_why);
        int r = timestamp_judge(token, len, &terms, &found, why);
        return r == OUTCOME_INVALID ? refuse("timestamp", ret_why) : r;
}

int jws_add_timestamp(const char *jws, size_t len, unsigned int index, const uint8_t *token,
        size_t token_len, char **ret, const char **ret_why)
{
        static const struct jws_form nobody;
        _cleanup_jws_ struct jws_form form = { .count = 0 };
        int r = jws_read(jws, len, &form, ret_why);
        if (r == 0 && index >= form.count)
                r = refuse("signer", ret_why);
        if (r == 0)
                r = judge_types(&form, ret_why);
        if (r == 0)
                r = judge_token(&form.rows[index], token, token_len, ret_why);
        if (r != 0)
                return r;
        struct jws_signature *row = &form.rows[index];
        _cleanup_free_ char *text = malloc(base64_encoded_len(BASE64_STANDARD, token_len) + 1);
        if (!text)
                return -ENOMEM;
        base64_encode(BASE64_STANDARD, text, token, token_len);
        row->stamps[row->stamp_count++] = (struct compact_part){ text, strlen(text) };
        return write_general(&form, &nobody, ret);
}

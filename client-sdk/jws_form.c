/* SPDX-License-Identifier: Apache-2.0 */
/* jws_form.c: see jws_form.h. Which letters are base64url is asked here, of every part; whether what they stand for is
 * written in its one way is asked where it is decoded.
 */
#include "client-sdk/jws_form.h"

#include "base/outcome.h"
#include "client-sdk/assertion.h"
#include "client-sdk/base64.h"
#include "client-sdk/members.h"

#define PARTS_MAX                                                                                  \
        4096 /* brackets, braces, commas and colons of a general JWS with all that it may have: a third of it */

static int refuse(const char *why, const char **ret_why)
{
        *ret_why = why;
        return OUTCOME_INVALID;
}

static bool is_base64url(struct compact_part part)
{
        for (size_t i = 0; i < part.len; i++) {
                char c = part.text[i];
                if (!((c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
                            c == '-' || c == '_'))
                        return false;
        }
        return part.len % 4 != 1;
}

static bool is_base64(struct compact_part part)
{
        static const char letters[] =
                "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/=";
        for (size_t i = 0; i < part.len; i++)
                if (!memchr(letters, part.text[i], sizeof letters - 1))
                        return false;
        return part.len > 0 && part.len <= JWS_STAMP_MAX;
}

static bool stamps_are_good(const struct jws_signature *row)
{
        for (size_t i = 0; i < row->stamp_count; i++)
                if (!is_base64(row->stamps[i]))
                        return false;
        return true;
}

static bool row_is_good(const struct jws_signature *row)
{
        return row->header.len > 0 && row->header.len <= JWS_HEADER_MAX &&
               is_base64url(row->header) && row->signature.len > 0 &&
               row->signature.len <= JWS_VALUE_MAX && is_base64url(row->signature) &&
               stamps_are_good(row);
}

static bool take_text(const json_t *object, const char *name, struct compact_part *ret)
{
        const json_t *text = json_object_get(object, name);
        if (!json_is_string(text))
                return false;
        *ret = (struct compact_part){ json_string_value(text), json_string_length(text) };
        return true;
}

/* { "tstTokens": [ { "val": ... } ... ] }, and of each object this member alone. */
static bool read_stamps(const json_t *stamp, struct jws_signature *row)
{
        const json_t *tokens = json_object_get(stamp, "tstTokens");
        if (json_object_size(stamp) != 1 || json_array_size(tokens) == 0)
                return false;
        for (size_t i = 0; i < json_array_size(tokens); i++) {
                const json_t *token = json_array_get(tokens, i);
                if (row->stamp_count == JWS_STAMPS_MAX || json_object_size(token) != 1 ||
                        !take_text(token, "val", &row->stamps[row->stamp_count++]))
                        return false;
        }
        return true;
}

static bool read_unprotected(const json_t *header, struct jws_signature *row)
{
        const json_t *list = json_object_get(header, "etsiU");
        if (json_object_size(header) != 1 || json_array_size(list) == 0)
                return false;
        for (size_t i = 0; i < json_array_size(list); i++) {
                const json_t *one = json_array_get(list, i);
                if (json_object_size(one) != 1 || !read_stamps(json_object_get(one, "sigTst"), row))
                        return false;
        }
        return true;
}

static const char *read_rows(struct jws_form *form)
{
        const json_t *list = json_object_get(form->owner, "signatures");
        if (json_object_size(form->owner) != 2 ||
                !take_text(form->owner, "payload", &form->payload) || !json_is_array(list))
                return "members";
        if (json_array_size(list) == 0 || json_array_size(list) > JWS_SIGNERS_MAX)
                return "too-many-signers";
        for (size_t i = 0; i < json_array_size(list); i++) {
                const json_t *one = json_array_get(list, i);
                struct jws_signature *row = &form->rows[form->count++];
                const json_t *header = json_object_get(one, "header");
                if (header && !read_unprotected(header, row))
                        return "unprotected-header";
                if (json_object_size(one) != (header ? 3 : 2) ||
                        !take_text(one, "protected", &row->header) ||
                        !take_text(one, "signature", &row->signature))
                        return "members";
        }
        return NULL;
}

/* All that is long in a JWS is base64, which has none of these: a text with many of them is something else, and would take up
 * fifty times its size when it is read.
 */
static bool has_many_parts(const char *text, size_t len)
{
        size_t parts = 0;
        for (size_t i = 0; i < len && parts <= PARTS_MAX; i++)
                parts += text[i] == '[' || text[i] == '{' || text[i] == ',' || text[i] == ':';
        return parts > PARTS_MAX;
}

static const char *read_general(
        const char *text, size_t len, struct jws_form *form, bool *ret_starved)
{
        if (has_many_parts(text, len))
                return "members";
        form->owner = members_read(text, len, ret_starved);
        return form->owner ? read_rows(form) : "not-json";
}

static const char *read_compact(const char *text, size_t len, struct jws_form *form)
{
        struct compact parts;
        if (!compact_split(text, len, &parts))
                return "not-compact";
        form->payload = parts.payload;
        form->rows[form->count++] =
                (struct jws_signature){ .header = parts.header, .signature = parts.signature };
        return NULL;
}

static const char *judge(const struct jws_form *form)
{
        if (!is_base64url(form->payload))
                return "base64";
        for (size_t i = 0; i < form->count; i++)
                if (!row_is_good(&form->rows[i]))
                        return "base64";
        return NULL;
}

int jws_read(const char *text, size_t len, struct jws_form *ret, const char **ret_why)
{
        struct jws_form form = { .count = 0 };
        const char *why;
        bool starved = false;
        if (len > JWS_MAX)
                return refuse("too-large", ret_why);
        if (len > 0 && text[0] == '{')
                why = read_general(text, len, &form, &starved);
        else
                why = read_compact(text, len, &form);
        if (starved)
                return -ENOMEM;
        if (!why)
                why = judge(&form);
        if (why) {
                jws_form_clear(&form);
                return refuse(why, ret_why);
        }
        *ret = form;
        return 0;
}

int jws_read_header(struct compact_part header, json_t **ret)
{
        uint8_t json[JWS_HEADER_MAX];
        bool starved;
        ssize_t len = base64_decode(BASE64_URL, json, sizeof json, header.text, header.len);
        if (len < 0)
                return OUTCOME_INVALID;
        json_t *read = members_read((char *)json, (size_t)len, &starved);
        if (starved)
                return -ENOMEM;
        if (!json_is_object(read)) {
                json_decref(read);
                return OUTCOME_INVALID;
        }
        *ret = read;
        return 0;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* varlink.c: see varlink.h.
 *
 * Nesting is counted by a scan of our own that knows strings and nothing else. Up to the first byte
 * that is not JSON it sees the same brackets as the parser, and there the parser stops; so the parser
 * never recurses deeper than VARLINK_DEPTH_MAX, whatever the bytes are.
 */
#include "daemon/varlink.h"

#include "client-sdk/members.h"

#include <ctype.h>

#define FIRST_ALLOCATION 1024

size_t varlink_room(const struct varlink_decoder *decoder)
{
        return VARLINK_FRAME_MAX + 1 - (decoder->end - decoder->start);
}

static void compact(struct varlink_decoder *decoder)
{
        if (decoder->start == 0)
                return;
        memmove(decoder->data, decoder->data + decoder->start, decoder->end - decoder->start);
        decoder->end -= decoder->start;
        decoder->start = 0;
}

static int reserve(struct varlink_decoder *decoder, size_t len)
{
        if (len <= decoder->cap)
                return 0;
        size_t cap = decoder->cap ? decoder->cap : FIRST_ALLOCATION;
        while (cap < len)
                cap *= 2;
        cap = base_min(cap, VARLINK_FRAME_MAX + 1);
        char *data = realloc(decoder->data, cap);
        if (!data)
                return -ENOMEM;
        decoder->data = data;
        decoder->cap = cap;
        return 0;
}

int varlink_feed(struct varlink_decoder *decoder, const void *data, size_t len)
{
        if (len > varlink_room(decoder))
                return -ENOBUFS;
        if (len == 0)
                return 0;
        compact(decoder);
        int r = reserve(decoder, decoder->end + len);
        if (r < 0)
                return r;
        memcpy(decoder->data + decoder->end, data, len);
        decoder->end += len;
        return 0;
}

static const char *frame_end(const struct varlink_decoder *decoder)
{
        if (decoder->start == decoder->end)
                return NULL;
        return memchr(decoder->data + decoder->start, 0, decoder->end - decoder->start);
}

bool varlink_ready(const struct varlink_decoder *decoder)
{
        return frame_end(decoder) || varlink_room(decoder) == 0;
}

bool varlink_holds_one(const struct varlink_decoder *decoder)
{
        const char *end = frame_end(decoder);
        return !end || end == decoder->data + decoder->end - 1;
}

static bool depth_ok(const char *text, size_t len)
{
        size_t depth = 0;
        bool string = false, escaped = false;
        for (size_t i = 0; i < len; i++) {
                char c = text[i];
                if (string) {
                        string = escaped || c != '"';
                        escaped = !escaped && c == '\\';
                } else if (c == '"') {
                        string = true;
                } else if (c == '{' || c == '[') {
                        if (++depth > VARLINK_DEPTH_MAX)
                                return false;
                } else if ((c == '}' || c == ']') && depth > 0) {
                        depth--;
                }
        }
        return true;
}

static int violation(const char **ret_why, const char *why)
{
        *ret_why = why;
        return VARLINK_VIOLATION;
}

static int frame_parse(const char *text, size_t len, json_t **ret, const char **ret_why)
{
        if (!depth_ok(text, len))
                return violation(ret_why, "nested too deeply");
        bool starved;
        json_t *message = members_read(text, len, &starved);
        if (!message)
                return violation(ret_why, starved ? "no memory for a call" : "not one JSON object");
        if (!json_is_object(message)) {
                json_decref(message);
                return violation(ret_why, "not one JSON object");
        }
        *ret = message;
        return 0;
}

int varlink_next(struct varlink_decoder *decoder, json_t **ret, const char **ret_why)
{
        const char *end = frame_end(decoder);
        if (!end)
                return varlink_room(decoder) ? VARLINK_INCOMPLETE
                                             : violation(ret_why, "frame too long");
        const char *frame = decoder->data + decoder->start;
        size_t len = (size_t)(end - frame);
        decoder->start += len + 1;
        return frame_parse(frame, len, ret, ret_why);
}

void varlink_decoder_clear(struct varlink_decoder *decoder)
{
        free(decoder->data);
        *decoder = (struct varlink_decoder){ 0 };
}

/* interface_name of the Varlink grammar: dotted labels of letters, digits and inner hyphens, at least
 * two of them, the first one starting with a letter. */
static bool interface_valid(const char *name, size_t len)
{
        size_t labels = 1;
        char last = '.';
        for (size_t i = 0; i < len; i++) {
                char c = name[i];
                if (c == '.' || c == '-') {
                        if (last == '.' || (c == '.' && last == '-'))
                                return false;
                        labels += c == '.';
                } else if (!isalnum((unsigned char)c)) {
                        return false;
                }
                last = c;
        }
        return labels > 1 && last != '.' && last != '-' && isalpha((unsigned char)name[0]);
}

size_t varlink_interface_len(const char *method)
{
        const char *dot = strrchr(method, '.');
        if (!dot || !isupper((unsigned char)dot[1]))
                return 0;
        for (const char *c = dot + 1; *c; c++)
                if (!isalnum((unsigned char)*c))
                        return 0;
        size_t len = (size_t)(dot - method);
        return interface_valid(method, len) ? len : 0;
}

static bool take_flag(const json_t *value, bool *flag)
{
        if (!json_is_boolean(value) && !json_is_null(value))
                return false;
        *flag = json_is_true(value);
        return true;
}

static bool take_method(const json_t *value, struct varlink_call *call)
{
        if (!json_is_string(value))
                return false;
        call->method = json_string_value(value);
        call->interface_len = varlink_interface_len(call->method);
        return call->interface_len > 0;
}

static bool take_parameters(json_t *value, struct varlink_call *call)
{
        if (!json_is_object(value) && !json_is_null(value))
                return false;
        call->parameters = json_is_null(value) ? NULL : value;
        return true;
}

static bool take_member(const char *name, json_t *value, struct varlink_call *call)
{
        if (strcmp(name, "method") == 0)
                return take_method(value, call);
        if (strcmp(name, "parameters") == 0)
                return take_parameters(value, call);
        if (strcmp(name, "more") == 0)
                return take_flag(value, &call->more);
        if (strcmp(name, "oneway") == 0)
                return take_flag(value, &call->oneway);
        if (strcmp(name, "upgrade") == 0)
                return take_flag(value, &call->upgrade);
        return false;
}

int varlink_call_parse(json_t *message, struct varlink_call *ret, const char **ret_why)
{
        struct varlink_call call = { 0 };
        const char *name;
        json_t *value;
        json_object_foreach (message, name, value) {
                if (!take_member(name, value, &call))
                        return violation(ret_why, "not a method call");
        }
        if (!call.method || call.more + call.oneway + call.upgrade > 1)
                return violation(ret_why, "not a method call");
        if (!call.parameters) {
                call.parameters = json_object();
                if (json_object_set_new(message, "parameters", call.parameters) < 0)
                        return -ENOMEM;
        }
        *ret = call;
        return 0;
}

int varlink_encode(const json_t *message, char **ret, size_t *ret_len)
{
        char *frame = members_text(message, JSON_COMPACT);
        if (!frame)
                return -ENOMEM;
        *ret = frame;
        *ret_len = strlen(frame) + 1;
        return 0;
}

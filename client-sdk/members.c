/* SPDX-License-Identifier: Apache-2.0 */
/* members.c: a JSON value as text, and is it all of this text?
 *
 * The value is walked along the text and every byte of it compared, as it would be written compactly
 * (RFC 8259) with nothing escaped. Text without an escape denotes one value only, so what matches to the
 * last byte was read whole. Whatever is written in another way (white space, an escape, a number with a
 * fraction) is not called a match: whoever asks has a slower way to make sure.
 */
#include "client-sdk/members.h"

#include <stdio.h>

struct text {
        const char *at;
        size_t left;
};

static bool value_matches(struct text *text, const json_t *json);

static bool matches(struct text *text, const char *what, size_t len)
{
        if (len > text->left || memcmp(text->at, what, len) != 0)
                return false;
        text->at += len;
        text->left -= len;
        return true;
}

static bool word_matches(struct text *text, const char *word)
{
        return matches(text, word, strlen(word));
}

/* The reader has refused control characters; a quote or a backslash is written with an escape. */
static bool string_matches(struct text *text, const char *string, size_t len)
{
        return word_matches(text, "\"") && matches(text, string, len) && word_matches(text, "\"") &&
               !memchr(string, '"', len) && !memchr(string, '\\', len);
}

static bool integer_matches(struct text *text, json_int_t value)
{
        char digits[32];
        snprintf(digits, sizeof digits, "%" JSON_INTEGER_FORMAT, value);
        return word_matches(text, digits);
}

static bool object_matches(struct text *text, json_t *object)
{
        const char *name, *before = "{";
        json_t *value;
        json_object_foreach (object, name, value) {
                if (!word_matches(text, before) || !string_matches(text, name, strlen(name)) ||
                        !word_matches(text, ":") || !value_matches(text, value))
                        return false;
                before = ",";
        }
        return word_matches(text, json_object_size(object) > 0 ? "}" : "{}");
}

static bool array_matches(struct text *text, const json_t *array)
{
        const char *before = "[";
        for (size_t i = 0; i < json_array_size(array); i++) {
                if (!word_matches(text, before) || !value_matches(text, json_array_get(array, i)))
                        return false;
                before = ",";
        }
        return word_matches(text, json_array_size(array) > 0 ? "]" : "[]");
}

/* As deep as the reader let it be. */
static bool value_matches(struct text *text, const json_t *json)
{
        switch (json_typeof(json)) {
        case JSON_OBJECT: return object_matches(text, (json_t *)(uintptr_t)json);
        case JSON_ARRAY: return array_matches(text, json);
        case JSON_STRING:
                return string_matches(text, json_string_value(json), json_string_length(json));
        case JSON_INTEGER: return integer_matches(text, json_integer_value(json));
        case JSON_TRUE: return word_matches(text, "true");
        case JSON_FALSE: return word_matches(text, "false");
        case JSON_NULL: return word_matches(text, "null");
        case JSON_REAL: return false;
        }
        return false;
}

bool members_wrote(const json_t *json, const char *text, size_t len)
{
        struct text rest = { text, len };
        return value_matches(&rest, json) && rest.left == 0;
}

#define TEXT_GUESS 8192 /* an assertion and what is said about it */

/* json_dumps forgets that it could not write a member's name (2.14); json_dumpb needs no memory, and tells
 * how long the text is whether it had room or not. So it is asked once, or twice for a long text. */
char *members_text(const json_t *json, size_t flags)
{
        _cleanup_free_ char *text = malloc(TEXT_GUESS);
        size_t len = text ? json_dumpb(json, text, TEXT_GUESS - 1, flags) : 0;
        if (len == 0)
                return NULL;
        char *fitting = realloc(text, len + 1);
        if (!fitting)
                return NULL;
        text = fitting;
        if (len >= TEXT_GUESS && json_dumpb(json, text, len, flags) != len)
                return NULL;
        text[len] = '\0';
        text = NULL;
        return fitting;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* base64.c: see base64.h. Nothing that passes here is secret, so table look-ups are fine. */
#include "client-sdk/base64.h"

static const char alphabets[2][65] = {
        [BASE64_STANDARD] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/",
        [BASE64_URL] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_",
};

void base64_encode(enum base64 alphabet, char *dst, const void *data, size_t len)
{
        const uint8_t *in = data;
        const char *letters = alphabets[alphabet];
        for (size_t at = 0; at < len; at += 3) {
                size_t group = base_min(len - at, 3);
                uint32_t bits = 0;
                for (size_t i = 0; i < 3; i++)
                        bits = bits << 8 | (i < group ? in[at + i] : 0);
                for (size_t i = 0; i <= group; i++)
                        *dst++ = letters[bits >> (18 - 6 * i) & 63];
                for (size_t i = group; i < 3 && alphabet == BASE64_STANDARD; i++)
                        *dst++ = '=';
        }
        *dst = '\0';
}

json_t *base64_json(const void *data, size_t len)
{
        _cleanup_free_ char *text = malloc(base64_encoded_len(BASE64_STANDARD, len) + 1);
        if (!text)
                return NULL;
        base64_encode(BASE64_STANDARD, text, data, len);
        return json_string(text);
}

#define NO_LETTER 0xFF

/* The alphabet the other way round. Made anew each time: a small part of what follows, and no table
 * that could differ from the alphabets. */
static void letter_values(enum base64 alphabet, uint8_t values[static 256])
{
        memset(values, NO_LETTER, 256);
        for (uint8_t i = 0; i < 64; i++)
                values[(uint8_t)alphabets[alphabet][i]] = i;
}

/* Takes the padding off; -EBADMSG if it is not what the length demands. */
static ssize_t unpadded_len(enum base64 alphabet, const char *text, size_t len)
{
        if (alphabet == BASE64_URL)
                return len % 4 == 1 ? -EBADMSG : (ssize_t)len;
        if (len % 4 != 0)
                return -EBADMSG;
        for (int pads = 0; pads < 2 && len > 0 && text[len - 1] == '='; pads++)
                len--;
        return len % 4 == 1 ? -EBADMSG : (ssize_t)len;
}

/* Four letters, three bytes. */
static bool decode_group(const uint8_t values[static 256], uint8_t dst[static 3], const char *text)
{
        uint8_t a = values[(uint8_t)text[0]], b = values[(uint8_t)text[1]],
                c = values[(uint8_t)text[2]], d = values[(uint8_t)text[3]];
        dst[0] = (uint8_t)(a << 2 | b >> 4);
        dst[1] = (uint8_t)(b << 4 | c >> 2);
        dst[2] = (uint8_t)(c << 6 | d);
        return (a | b | c | d) != NO_LETTER;
}

/* What is left of a group must spell zeroes where it has no letters. */
static bool decode_rest(
        const uint8_t values[static 256], uint8_t *dst, const char *text, size_t letters)
{
        char group[4] = { 'A', 'A', 'A', 'A' };
        uint8_t bytes[4] = { 0 };
        if (letters == 0)
                return true;
        memcpy(group, text, letters);
        if (!decode_group(values, bytes, group) || bytes[letters - 1] != 0)
                return false;
        memcpy(dst, bytes, letters - 1);
        return true;
}

ssize_t base64_decode(enum base64 alphabet, uint8_t *dst, size_t cap, const char *text, size_t len)
{
        ssize_t letters = unpadded_len(alphabet, text, len);
        if (letters < 0)
                return letters;
        uint8_t values[256];
        size_t groups = (size_t)letters / 4, rest = (size_t)letters % 4;
        size_t out = groups * 3 + rest * 3 / 4;
        if (out > cap)
                return -ENOSPC;
        letter_values(alphabet, values);
        for (size_t i = 0; i < groups; i++)
                if (!decode_group(values, dst + 3 * i, text + 4 * i))
                        return -EBADMSG;
        return decode_rest(values, dst + 3 * groups, text + 4 * groups, rest) ? (ssize_t)out
                                                                              : -EBADMSG;
}

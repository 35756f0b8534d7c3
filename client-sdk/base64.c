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

static int letter_value(enum base64 alphabet, char c)
{
        if (c >= 'A' && c <= 'Z')
                return c - 'A';
        if (c >= 'a' && c <= 'z')
                return c - 'a' + 26;
        if (c >= '0' && c <= '9')
                return c - '0' + 52;
        if (c == alphabets[alphabet][62])
                return 62;
        return c == alphabets[alphabet][63] ? 63 : -1;
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

ssize_t base64_decode(enum base64 alphabet, uint8_t *dst, size_t cap, const char *text, size_t len)
{
        ssize_t letters = unpadded_len(alphabet, text, len);
        if (letters < 0)
                return letters;
        size_t out = 0;
        uint32_t bits = 0;
        unsigned int held = 0;
        if ((size_t)letters / 4 * 3 + (size_t)letters % 4 * 3 / 4 > cap)
                return -ENOSPC;
        for (size_t i = 0; i < (size_t)letters; i++) {
                int value = letter_value(alphabet, text[i]);
                if (value < 0)
                        return -EBADMSG;
                bits = bits << 6 | (uint32_t)value;
                held += 6;
                if (held >= 8) {
                        held -= 8;
                        dst[out++] = (uint8_t)(bits >> held);
                        bits &= (1u << held) - 1;
                }
        }
        return bits == 0 ? (ssize_t)out : -EBADMSG;
}

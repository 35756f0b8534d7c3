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

/* The value a letter has in either alphabet; 0 too for what is no letter, so look back into the alphabet. */
static const uint8_t values[128] = { ['+'] = 62,
        ['-'] = 62,
        ['/'] = 63,
        ['_'] = 63,
        ['A'] = 0,
        ['B'] = 1,
        ['C'] = 2,
        ['D'] = 3,
        ['E'] = 4,
        ['F'] = 5,
        ['G'] = 6,
        ['H'] = 7,
        ['I'] = 8,
        ['J'] = 9,
        ['K'] = 10,
        ['L'] = 11,
        ['M'] = 12,
        ['N'] = 13,
        ['O'] = 14,
        ['P'] = 15,
        ['Q'] = 16,
        ['R'] = 17,
        ['S'] = 18,
        ['T'] = 19,
        ['U'] = 20,
        ['V'] = 21,
        ['W'] = 22,
        ['X'] = 23,
        ['Y'] = 24,
        ['Z'] = 25,
        ['a'] = 26,
        ['b'] = 27,
        ['c'] = 28,
        ['d'] = 29,
        ['e'] = 30,
        ['f'] = 31,
        ['g'] = 32,
        ['h'] = 33,
        ['i'] = 34,
        ['j'] = 35,
        ['k'] = 36,
        ['l'] = 37,
        ['m'] = 38,
        ['n'] = 39,
        ['o'] = 40,
        ['p'] = 41,
        ['q'] = 42,
        ['r'] = 43,
        ['s'] = 44,
        ['t'] = 45,
        ['u'] = 46,
        ['v'] = 47,
        ['w'] = 48,
        ['x'] = 49,
        ['y'] = 50,
        ['z'] = 51,
        ['0'] = 52,
        ['1'] = 53,
        ['2'] = 54,
        ['3'] = 55,
        ['4'] = 56,
        ['5'] = 57,
        ['6'] = 58,
        ['7'] = 59,
        ['8'] = 60,
        ['9'] = 61 };

static int letter_value(enum base64 alphabet, char c)
{
        uint8_t value = values[(unsigned char)c & 0x7F];
        return alphabets[alphabet][value] == c ? value : -1;
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

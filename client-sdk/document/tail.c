/* SPDX-License-Identifier: Apache-2.0 */
/* tail.c: see tail.h (ISO 32000-1 7.5.5). An update must point to the section before it and be of its kind; of both libqpdf
 * tells neither. The same bytes are looked at as it looks at them, so that both mean the same section: 1024 bytes in which the end
 * must lie, and thirty for the word itself.
 */
#include "client-sdk/document/tail.h"

#define WITHIN     1054
#define DIGITS_MAX 18

static bool is_space(uint8_t byte)
{
        return byte == 0 || byte == '\t' || byte == '\n' || byte == '\f' || byte == '\r' ||
               byte == ' ';
}

static size_t skip(const uint8_t *data, size_t len, size_t at)
{
        while (at < len && is_space(data[at]))
                at++;
        return at;
}

static bool number_at(const uint8_t *data, size_t len, size_t at, uint64_t *ret)
{
        uint64_t value = 0;
        size_t digits = 0;
        for (; at < len && data[at] >= '0' && data[at] <= '9' && digits <= DIGITS_MAX; digits++)
                value = value * 10 + (uint64_t)(data[at++] - '0');
        if (digits == 0 || digits > DIGITS_MAX)
                return false;
        *ret = value;
        return true;
}

static bool section_at(const uint8_t *data, size_t len, uint64_t at, bool *ret_stream)
{
        uint64_t object;
        if (at >= len)
                return false;
        size_t begin = skip(data, len, (size_t)at);
        if (len - begin > 4 && memcmp(data + begin, "xref", 4) == 0 && is_space(data[begin + 4])) {
                *ret_stream = false;
                return true;
        }
        *ret_stream = true;
        return number_at(data, len, begin, &object);
}

bool tail_find(const uint8_t *data, size_t len, struct tail *ret)
{
        static const char word[] = "startxref";
        const size_t word_len = sizeof word - 1;
        size_t first = len > WITHIN ? len - WITHIN : 0;
        for (size_t at = len < word_len ? 0 : len - word_len + 1; at > first; at--) {
                const uint8_t *here = data + at - 1;
                struct tail tail;
                if (memcmp(here, word, word_len) != 0 ||
                        !number_at(data, len, skip(data, len, at - 1 + word_len), &tail.at))
                        continue;
                if (!section_at(data, len, tail.at, &tail.stream))
                        return false;
                *ret = tail;
                return true;
        }
        return false;
}

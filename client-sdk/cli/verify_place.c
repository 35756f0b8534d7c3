/* SPDX-License-Identifier: Apache-2.0 */
/* verify_place.c: where in a PDF a signature lies, asked of the file. A worker that was taken over by what it read can at most choose among
 * beginnings of the file that really are signed.
 */
#include "client-sdk/cli/document.h"

#include "client-sdk/assertion.h"
#include "client-sdk/base64.h"
#include "client-sdk/cms.h"

#define GAP_MAX (2 * 2 * CMS_SIGNED_MAX + 2) /* letters; others reserve more room than we do */

static bool number_at(const json_t *list, size_t index, uint64_t most, uint64_t *ret)
{
        json_int_t number = json_integer_value(json_array_get(list, index));
        *ret = (uint64_t)number;
        return json_is_integer(json_array_get(list, index)) && number >= 0 && *ret <= most;
}

static bool read_ranges(const json_t *row, uint64_t size, struct mohr_range ranges[2])
{
        const json_t *list = json_object_get(row, "range");
        uint64_t zero;
        return json_array_size(list) == 4 && number_at(list, 0, 0, &zero) &&
               number_at(list, 1, size, &ranges[0].len) &&
               number_at(list, 2, size, &ranges[1].offset) &&
               number_at(list, 3, size - ranges[1].offset, &ranges[1].len) &&
               ranges[1].offset > ranges[0].len + 2 && ranges[1].len > 0;
}

static int nibble(char c)
{
        return c >= '0' && c <= '9'                 ? c - '0'
               : (c | 32) >= 'a' && (c | 32) <= 'f' ? (c | 32) - 'a' + 10
                                                    : -1;
}

/* Is what was left out "<", the signature in hexadecimal digits, zeros and ">", and nothing else? */
static bool gap_is(const char *gap, size_t len, const uint8_t *cms, size_t cms_len)
{
        if (len < 2 * cms_len + 2 || len % 2 != 0 || gap[0] != '<' || gap[len - 1] != '>')
                return false;
        for (size_t i = 0; i < (len - 2) / 2; i++) {
                int high = nibble(gap[1 + 2 * i]), low = nibble(gap[2 + 2 * i]);
                int want = i < cms_len ? cms[i] : 0;
                if (high < 0 || low < 0 || (high << 4 | low) != want)
                        return false;
        }
        return true;
}

static bool lies_there(const struct document_look *look, const struct document_place *place)
{
        uint64_t from = place->ranges[0].len, len = place->ranges[1].offset - from;
        if (len > GAP_MAX)
                return false;
        _cleanup_free_ char *gap = malloc((size_t)len);
        return gap && pread(look->fd, gap, (size_t)len, (off_t)from) == (ssize_t)len &&
               gap_is(gap, (size_t)len, place->cms, place->cms_len);
}

static int read_cms(const json_t *text, struct document_place *place)
{
        size_t letters = json_string_length(text), room = letters / 4 * 3;
        if (letters == 0 || room > CMS_SIGNED_MAX + 3)
                return OUTCOME_INVALID;
        place->cms = malloc(room + 1);
        if (!place->cms)
                return -ENOMEM;
        ssize_t len =
                base64_decode(BASE64_STANDARD, place->cms, room, json_string_value(text), letters);
        place->cms_len = len > 0 ? (size_t)len : 0;
        return len > 0 ? 0 : OUTCOME_INVALID;
}

int document_find_place(
        const struct document_look *look, const json_t *row, struct document_place *place)
{
        int r = read_cms(json_object_get(row, "cms"), place);
        if (r == 0 && (!read_ranges(row, look->size, place->ranges) || !lies_there(look, place)))
                r = OUTCOME_INVALID;
        return r;
}

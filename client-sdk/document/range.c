/* SPDX-License-Identifier: Apache-2.0 */
/* range.c: see range.h (ISO 32000-1 12.8.1). A signature whose range leaves out more than its own value says nothing
 * about what is left out, and that may be what people see. So what it leaves out must be one hexadecimal string, and that string
 * must be the very /Contents that the file's structure leads to.
 */
#include "client-sdk/document/range.h"

#include <openssl/asn1.h>
#include <openssl/err.h>

static int hex_digit(uint8_t c)
{
        if (c >= '0' && c <= '9')
                return c - '0';
        if (c >= 'a' && c <= 'f')
                return c - 'a' + 10;
        return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

bool range_gap_is(const uint8_t *gap, size_t gap_len, const uint8_t *bytes, size_t len)
{
        if (gap_len < 2 || (gap_len - 2) / 2 != len || gap_len % 2 != 0 || gap[0] != '<' ||
                gap[gap_len - 1] != '>')
                return false;
        for (size_t i = 0; i < len; i++) {
                int high = hex_digit(gap[1 + 2 * i]), low = hex_digit(gap[2 + 2 * i]);
                if (high < 0 || low < 0 || (high << 4 | low) != bytes[i])
                        return false;
        }
        return true;
}

size_t range_der(const uint8_t *bytes, size_t len)
{
        const uint8_t *at = bytes;
        long inner = 0;
        int tag = 0, class = 0;
        if (len < 2 || len > INT32_MAX)
                return 0;
        int flags = ASN1_get_object(&at, &inner, &tag, &class, (long)len);
        ERR_clear_error();
        if (flags != V_ASN1_CONSTRUCTED || tag != V_ASN1_SEQUENCE || class != V_ASN1_UNIVERSAL)
                return 0;
        size_t all = (size_t)(at - bytes) + (size_t)inner;
        for (size_t i = all; i < len; i++)
                if (bytes[i] != 0)
                        return 0;
        return all;
}

static bool four_numbers(const struct paper *paper, qpdf_oh array, uint64_t ret[static 4])
{
        if (!paper_is(paper, array, ot_array) || qpdf_oh_get_array_n_items(paper->q, array) != 4)
                return false;
        for (int i = 0; i < 4; i++) {
                int64_t value;
                if (!paper_integer(paper, qpdf_oh_get_array_item(paper->q, array, i), &value) ||
                        value < 0)
                        return false;
                ret[i] = (uint64_t)value;
        }
        return true;
}

int range_read(
        const struct paper *paper, qpdf_oh signature, struct range *ret, struct verdict *verdict)
{
        uint64_t numbers[4];
        size_t len = 0;
        qpdf_oh contents = paper_get(paper, signature, "/Contents");
        if (!four_numbers(paper, paper_get(paper, signature, "/ByteRange"), numbers))
                return verdict_no(verdict, "range", "Its byte range is not four numbers.");
        if (numbers[0] != 0 || numbers[1] == 0 || numbers[1] > paper->len ||
                numbers[2] <= numbers[1] || numbers[2] > paper->len || numbers[3] == 0 ||
                numbers[3] > paper->len - numbers[2])
                return verdict_no(verdict, "range", "Its byte range does not lie in the file.");
        if (!paper_is(paper, contents, ot_string))
                return verdict_no(verdict, "contents", "It has no value.");
        const char *bytes = qpdf_oh_get_binary_string_value(paper->q, contents, &len);
        if (!range_gap_is(paper->data + numbers[1], (size_t)(numbers[2] - numbers[1]),
                    (const uint8_t *)bytes, len))
                return verdict_no(verdict, "range", "It leaves out more than its own value.");
        *ret = (struct range){ numbers[1], numbers[2], numbers[2] + numbers[3] };
        return 0;
}

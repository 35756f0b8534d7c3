/* SPDX-License-Identifier: Apache-2.0 */
/* sw.c: status words as one table.
 *
 * A word means the first row that fits it (ISO/IEC 7816-4:2020 5.6; what cards of this family make of
 * them: card-facts 2.8, 4.4, 6.4). What has no row is SW_OTHER, and every caller treats SW_OTHER as
 * "stop": an unknown word never leads to another try.
 */
#include "apdu/apdu.h"

static const struct {
        uint16_t mask, value;
        enum sw_kind kind;
} rows[] = {
        { 0xFFFF, 0x9000, SW_OK },
        { 0xFF00, 0x6100, SW_MORE },
        { 0xFFF0, 0x63C0, SW_TRIES },
        { 0xFFFF, 0x6300, SW_WARNING },
        { 0xFF00, 0x6200, SW_WARNING },
        { 0xFFFF, 0x6700, SW_WRONG_LENGTH },
        { 0xFF00, 0x6C00, SW_WRONG_LENGTH },
        { 0xFFFF, 0x6882, SW_SECURE_MESSAGING },
        { 0xFFFF, 0x6982, SW_SECURITY },
        { 0xFFFF, 0x6983, SW_BLOCKED },
        { 0xFFFF, 0x6984, SW_BLOCKED },
        { 0xFFFF, 0x6985, SW_CONDITIONS },
        { 0xFFFF, 0x6986, SW_CONDITIONS },
        { 0xFFFF, 0x6987, SW_SECURE_MESSAGING },
        { 0xFFFF, 0x6988, SW_SECURE_MESSAGING },
        { 0xFFFF, 0x6999, SW_NOT_FOUND },
        { 0xFFFF, 0x6A80, SW_BAD_DATA },
        { 0xFFFF, 0x6A81, SW_NOT_SUPPORTED },
        { 0xFFFF, 0x6A82, SW_NOT_FOUND },
        { 0xFFFF, 0x6A83, SW_NOT_FOUND },
        { 0xFFFF, 0x6A86, SW_NOT_SUPPORTED },
        { 0xFFFF, 0x6A88, SW_NO_REFERENCE },
        { 0xFFFF, 0x6B00, SW_BEYOND_END },
        { 0xFFFF, 0x6D00, SW_NOT_SUPPORTED },
        { 0xFFFF, 0x6E00, SW_NOT_SUPPORTED },
};

enum sw_kind sw_kind(uint16_t sw)
{
        for (size_t i = 0; i < ARRAY_LEN(rows); i++)
                if ((sw & rows[i].mask) == rows[i].value)
                        return rows[i].kind;
        return SW_OTHER;
}

int sw_tries(uint16_t sw)
{
        switch (sw_kind(sw)) {
        case SW_TRIES: return sw & 0x0F;
        case SW_BLOCKED: return 0;
        default: return -1;
        }
}

/* SPDX-License-Identifier: Apache-2.0 */
/* atr.c: see atr.h. T0 and each TDi say in their high nibble which of TA, TB, TC, TD follow; the low
 * nibble of T0 counts the historical bytes.
 */
#include "apdu/atr.h"

#define TD_FOLLOWS 0x80

static size_t bits(uint8_t nibble)
{
        return (size_t)((nibble >> 0 & 1) + (nibble >> 1 & 1) + (nibble >> 2 & 1));
}

struct view atr_historical(const uint8_t *atr, size_t len)
{
        struct in in = in_new(atr, len);
        (void)in_u8(&in);
        uint8_t t0 = in_u8(&in);
        for (uint8_t y = t0; !in.error;) {
                (void)in_bytes(&in, bits((uint8_t)(y >> 4)));
                if (!(y & TD_FOLLOWS))
                        break;
                y = in_u8(&in);
        }
        return in_bytes(&in, t0 & 0x0F);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* contactless.c: see contactless.h. The ATS is that of ISO/IEC 14443-4:2018 5.2: T0 says which of TA1, TB1
 * and TC1 follow, the rest are historical bytes. ATQB is that of ISO/IEC 14443-3 7.9.
 */
#include "drivers/nfc/contactless.h"

#define SAK_14443_4        0x20
#define PROTOCOL_TYPE_MASK 0x0F
#define PROTOCOL_14443_4   0x01
#define HISTORICAL_MAX     15

static size_t atr_of(struct view historical, uint8_t atr[CONTACTLESS_ATR_MAX])
{
        struct out out = out_new(atr, CONTACTLESS_ATR_MAX);
        size_t count = base_min(historical.len, HISTORICAL_MAX);
        uint8_t check = 0;
        out_u8(&out, 0x3B);
        out_u8(&out, (uint8_t)(0x80 | count));
        out_u8(&out, 0x80); /* TD1: T=0 announced, TD2 follows */
        out_u8(&out, 0x01); /* TD2: T=1 */
        if (count > 0)
                out_bytes(&out, historical.data, count);
        for (size_t i = 1; i < out.len; i++)
                check ^= atr[i];
        out_u8(&out, check);
        return out.len;
}

size_t contactless_atr_a(struct view ats, uint8_t atr[CONTACTLESS_ATR_MAX])
{
        struct in in = in_new(ats.data, ats.len);
        uint8_t t0 = in_u8(&in);
        for (unsigned int bit = 4; bit < 7; bit++)
                if (t0 >> bit & 1)
                        (void)in_u8(&in);
        struct view historical = in_bytes(&in, in_left(&in));
        return atr_of(historical, atr);
}

size_t contactless_atr_b(const uint8_t application[4], const uint8_t protocol[3], uint8_t attrib,
        uint8_t atr[CONTACTLESS_ATR_MAX])
{
        uint8_t bytes[8];
        struct out out = out_new(bytes, sizeof bytes);
        out_bytes(&out, application, 4);
        out_bytes(&out, protocol, 3);
        out_u8(&out, attrib & 0xF0); /* MBLI; the card's number is the reader's own */
        return atr_of((struct view){ .data = bytes, .len = out.len }, atr);
}

bool contactless_speaks_a(uint8_t sak)
{
        return sak & SAK_14443_4;
}

bool contactless_speaks_b(const uint8_t protocol[3])
{
        return (protocol[1] & PROTOCOL_TYPE_MASK) == PROTOCOL_14443_4;
}

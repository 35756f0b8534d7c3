/* SPDX-License-Identifier: Apache-2.0 */
/* icc.c: see reader.h. The answer to reset as ISO 7816-3:2006 clause 8.2 has it, and the protocol and
 * parameter selection of clause 9. A card with a specific mode byte (TA2) takes no PPS.
 */
#include "tests/tools/mock/reader.h"

#define FIDI_DEFAULT 0x11

struct interface_bytes {
        uint8_t ta1, ifsc, tc;
        bool has_ta1, has_ta2, has_td1;
        unsigned int offered, first;
};

/* The interface bytes group by group; each group's TD says which bytes the next one has. */
static void read_atr(struct interface_bytes *ret, const uint8_t *atr, size_t len)
{
        unsigned int protocol = 0, group = 1;
        size_t at = 2;
        uint8_t td = len > 1 ? atr[1] : 0;
        *ret = (struct interface_bytes){ .ta1 = FIDI_DEFAULT, .ifsc = 32 };
        for (bool t1_seen = false; at < len && td >> 4; group++) {
                bool first_t1 = group > 2 && protocol == 1 && !t1_seen;
                t1_seen |= group > 2 && protocol == 1;
                if (td & 0x10) {
                        if (group == 1) {
                                ret->ta1 = atr[at];
                                ret->has_ta1 = true;
                        }
                        ret->has_ta2 |= group == 2;
                        if (first_t1)
                                ret->ifsc = atr[at];
                        at++;
                }
                at += td >> 5 & 1; /* TB */
                if (td & 0x40) {
                        if (first_t1 && at < len)
                                ret->tc = atr[at];
                        at++;
                }
                if (!(td & 0x80) || at >= len)
                        break;
                td = atr[at++];
                protocol = td & 0x0F;
                if (!ret->has_td1)
                        ret->first = protocol;
                ret->has_td1 = true;
                if (protocol < 2)
                        ret->offered |= 1u << protocol;
        }
        if (!ret->has_td1)
                ret->offered = 1;
}

void icc_start(struct icc *icc, const uint8_t *atr, size_t len)
{
        struct interface_bytes bytes;
        read_atr(&bytes, atr, len);
        icc->powered = icc->fresh = true;
        icc->offered = bytes.offered;
        icc->protocol = bytes.first == 1;
        icc->specific = bytes.has_ta2;
        icc->fidi_offered = bytes.ta1;
        icc->fidi = bytes.has_ta2 ? bytes.ta1 : FIDI_DEFAULT;
        t1_start(&icc->t1, bytes.ifsc, bytes.tc & 1);
}

/* The default, or the F that the card offers with a D up to its own (ISO 7816-3:2006, 9.2). */
static bool takes_rate(const struct icc *icc, uint8_t fidi)
{
        static const uint8_t factors[16] = { 0, 1, 2, 4, 8, 16, 32, 64, 12, 20 };
        uint8_t d = factors[fidi & 0x0F], most = factors[icc->fidi_offered & 0x0F];
        return fidi == FIDI_DEFAULT || (fidi >> 4 == icc->fidi_offered >> 4 && d > 0 && d <= most);
}

bool icc_select(struct icc *icc, unsigned int protocol, uint8_t fidi)
{
        if (icc->protocol == protocol && icc->fidi == fidi)
                return true;
        if (!icc->fresh || icc->specific || protocol > 1 || !(icc->offered >> protocol & 1) ||
                !takes_rate(icc, fidi))
                return false;
        icc->protocol = protocol;
        icc->fidi = fidi;
        return true;
}

/* PPSS, PPS0, then what PPS0 announces, then PCK: all of them together are 0. */
size_t icc_pps(struct icc *icc, const uint8_t *bytes, size_t len, uint8_t *out)
{
        uint8_t sum = 0;
        for (size_t i = 0; i < len; i++)
                sum ^= bytes[i];
        if (len < 3 || sum != 0 || bytes[1] & 0x80)
                return 0;
        if (len != (bytes[1] & 0x10 ? 4 : 3) || bytes[1] & 0x60)
                return 0;
        uint8_t fidi = bytes[1] & 0x10 ? bytes[2] : FIDI_DEFAULT;
        if (!icc_select(icc, bytes[1] & 0x0F, fidi))
                return 0;
        icc->fresh = false;
        memcpy(out, bytes, len);
        return len;
}

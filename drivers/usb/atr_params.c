/* SPDX-License-Identifier: Apache-2.0 */
/* atr_params.c: see atr_params.h. T0 and each TDi announce the next group TAi TBi TCi TDi in their
 * high nibble; the low nibble of TDi names the protocol that the following group is for. Groups 1 and
 * 2 have meanings of their own, whatever protocol stands before them (8.3); T=15 marks bytes that
 * belong to no protocol.
 */
#include "drivers/usb/atr_params.h"

#define TS_DIRECT  0x3B
#define TS_INVERSE 0x3F
#define GLOBAL     15 /* T=15 */
#define NONE       0xFF

struct walk {
        struct atr_params params;
        bool has_first;
        bool has[3]; /* TA, TB, TC of T=1 seen */
};

static void take_ta(struct walk *walk, unsigned int group, unsigned int protocol, uint8_t v)
{
        struct atr_params *params = &walk->params;
        if (group == 1) {
                params->fi_di = v;
        } else if (group == 2) {
                params->specific = true;
                params->implicit = (v & 0x10) != 0;
                params->first = v & 0x0F;
                params->offered |= (uint16_t)(1U << params->first);
                walk->has_first = true;
        } else if (protocol == 1 && !walk->has[0]) {
                walk->has[0] = true;
                params->ifsc = v;
        }
}

static void take_tb(struct walk *walk, unsigned int group, unsigned int protocol, uint8_t v)
{
        if (group <= 2 || protocol != 1 || walk->has[1])
                return;
        walk->has[1] = true;
        walk->params.bwi_cwi = v;
}

static void take_tc(struct walk *walk, unsigned int group, unsigned int protocol, uint8_t v)
{
        if (group == 1) {
                walk->params.guard = v;
        } else if (group == 2) {
                walk->params.waiting = v;
        } else if (protocol == 1 && !walk->has[2]) {
                walk->has[2] = true;
                walk->params.crc = (v & 1) != 0;
        }
}

static void take_td(struct walk *walk, uint8_t v)
{
        uint8_t protocol = v & 0x0F;
        if (protocol == GLOBAL)
                return;
        walk->params.offered |= (uint16_t)(1U << protocol);
        if (!walk->has_first)
                walk->params.first = protocol;
        walk->has_first = true;
}

static void take_groups(struct walk *walk, struct in *in, uint8_t announced)
{
        unsigned int protocol = NONE;
        for (unsigned int group = 1; in->error == 0 && announced >> 4 != 0; group++) {
                uint8_t next = 0;
                if (announced & 0x10)
                        take_ta(walk, group, protocol, in_u8(in));
                if (announced & 0x20)
                        take_tb(walk, group, protocol, in_u8(in));
                if (announced & 0x40)
                        take_tc(walk, group, protocol, in_u8(in));
                if (announced & 0x80) {
                        next = in_u8(in);
                        take_td(walk, next);
                        protocol = next & 0x0F;
                }
                announced = next;
        }
}

int atr_params_parse(const uint8_t *atr, size_t len, struct atr_params *ret)
{
        struct walk walk = { .params = {
                                     .fi_di = ATR_FI_DI,
                                     .waiting = 10,
                                     .ifsc = ATR_IFSC,
                                     .bwi_cwi = 0x4D,
                             } };
        struct in in = in_new(atr, base_min(len, ATR_MAX));
        uint8_t ts = in_u8(&in), t0 = in_u8(&in);
        take_groups(&walk, &in, t0);
        struct atr_params *params = &walk.params;
        params->historical = in_bytes(&in, t0 & 0x0F);
        params->inverse = ts == TS_INVERSE;
        if (params->offered == 0)
                params->offered = 1U << 0;
        if (params->ifsc == 0 || params->ifsc > ATR_IFS_MAX)
                params->ifsc = ATR_IFSC;
        if (len > ATR_MAX || in.error != 0 || (ts != TS_DIRECT && ts != TS_INVERSE))
                return -EBADMSG;
        *ret = *params;
        return 0;
}

unsigned int atr_f(uint8_t fi_di)
{
        static const uint16_t f[16] = { 372, 372, 558, 744, 1116, 1488, 1860, 0, 0, 512, 768, 1024,
                1536, 2048, 0, 0 };
        return f[fi_di >> 4];
}

unsigned int atr_d(uint8_t fi_di)
{
        static const uint8_t d[16] = { 0, 1, 2, 4, 8, 16, 32, 64, 12, 20, 0, 0, 0, 0, 0, 0 };
        return d[fi_di & 0x0F];
}

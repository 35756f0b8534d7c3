/* SPDX-License-Identifier: Apache-2.0 */
/* descriptors.c: what the mocked reader says of itself: USB 2.0 chapter 9, CCID 1.1 clause 5.1. */
#include "tests/tools/mock/mock.h"

#define FEATURE_AUTO_PARAMETERS 0x02u
#define FEATURE_AUTO_VOLTAGE    0x08u
#define FEATURE_AUTO_CLOCK      0x10u
#define FEATURE_AUTO_BAUD       0x20u
#define FEATURE_AUTO_PPS        0x80u
#define FEATURE_AUTO_IFSD       0x400u

struct writer {
        uint8_t *bytes;
        size_t len;
};

static void put8(struct writer *w, unsigned int value)
{
        w->bytes[w->len++] = (uint8_t)value;
}

static void put16(struct writer *w, unsigned int value)
{
        put8(w, value & 0xFF);
        put8(w, value >> 8 & 0xFF);
}

static void put32(struct writer *w, unsigned int value)
{
        put16(w, value & 0xFFFF);
        put16(w, value >> 16);
}

size_t describe_device(const struct personality *p, uint8_t out[static 18])
{
        struct writer w = { out, 0 };
        put8(&w, 18);
        put8(&w, 1);
        put16(&w, 0x0200);
        put8(&w, 0); /* the class stands in the interface */
        put8(&w, 0);
        put8(&w, 0);
        put8(&w, 64);
        put16(&w, p->vendor);
        put16(&w, p->product);
        put16(&w, 0x0100);
        put8(&w, 1);
        put8(&w, 2);
        put8(&w, p->serial ? 3 : 0);
        put8(&w, 1);
        return w.len;
}

static unsigned int features(const struct personality *p)
{
        static const unsigned int levels[] = {
                [LEVEL_TPDU] = 0x10000, [LEVEL_SHORT] = 0x20000, [LEVEL_EXTENDED] = 0x40000
        };
        unsigned int all = FEATURE_AUTO_VOLTAGE | FEATURE_AUTO_CLOCK | FEATURE_AUTO_BAUD;
        if (p->auto_rates)
                all |= FEATURE_AUTO_PARAMETERS | FEATURE_AUTO_PPS;
        if (p->auto_ifsd)
                all |= FEATURE_AUTO_IFSD;
        return all | levels[p->level];
}

static void put_ccid(struct writer *w, const struct personality *p)
{
        put8(w, 0x36);
        put8(w, 0x21);
        put16(w, 0x0110);
        put8(w, 0); /* one slot */
        put8(w, 7);
        put32(w, p->protocols);
        put32(w, 4000); /* kHz */
        put32(w, 4000);
        put8(w, 0);
        put32(w, 10752); /* bit/s at 372/1 */
        put32(w, 344086);
        put8(w, 0);
        put32(w, p->max_ifsd);
        put32(w, 0);
        put32(w, 0);
        put32(w, features(p));
        put32(w, p->max_message);
        put8(w, 0xFF); /* the classes of GET RESPONSE and ENVELOPE: those of the command */
        put8(w, 0xFF);
        put16(w, 0);
        put8(w, p->pinpad);
        put8(w, 1);
}

static void put_endpoint(
        struct writer *w, unsigned int address, unsigned int kind, unsigned int size)
{
        put8(w, 7);
        put8(w, 5);
        put8(w, address);
        put8(w, kind);
        put16(w, size);
        put8(w, kind == 3 ? 16 : 0);
}

size_t describe_config(const struct personality *p, uint8_t out[static 128])
{
        struct writer w = { out, 0 };
        unsigned int endpoints = p->interrupt ? 3 : 2;
        put8(&w, 9);
        put8(&w, 2);
        put16(&w, 9 + 9 + 0x36 + 7 * endpoints);
        put8(&w, 1);
        put8(&w, 1);
        put8(&w, 0);
        put8(&w, 0x80);
        put8(&w, 50);
        put8(&w, 9);
        put8(&w, 4);
        put8(&w, 0);
        put8(&w, 0);
        put8(&w, endpoints);
        put8(&w, 0x0B);
        put8(&w, 0);
        put8(&w, 0);
        put8(&w, 0);
        put_ccid(&w, p);
        put_endpoint(&w, 0x01, 2, 64);
        put_endpoint(&w, 0x82, 2, 64);
        if (p->interrupt)
                put_endpoint(&w, 0x83, 3, 8);
        return w.len;
}

size_t describe_string(const struct personality *p, uint8_t index, uint8_t out[static 128])
{
        const char *texts[] = { NULL, "Mohr", p->name, p->serial };
        struct writer w = { out, 2 };
        if (index == 0)
                put16(&w, 0x0409);
        else if (index < ARRAY_LEN(texts) && texts[index])
                for (const char *c = texts[index]; *c && w.len < 126; c++)
                        put16(&w, (uint8_t)*c);
        else
                return 0;
        out[0] = (uint8_t)w.len;
        out[1] = 3;
        return w.len;
}

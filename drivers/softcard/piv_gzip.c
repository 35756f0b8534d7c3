/* SPDX-License-Identifier: Apache-2.0 */
/* pivcard_gzip.c: makes the gzip of a certificate by hand (RFC 1951, RFC 1952), so that nothing here needs
 * the library by which a driver undoes it.
 *
 * One block: stored, or literals in the fixed Huffman code. Neither makes anything smaller; for a
 * reader both are what a personaliser's gzip would be.
 */
#include "drivers/softcard/piv.h"

struct bits {
        struct out *out;
        uint32_t pending;
        unsigned int count;
};

/* Bits fill a byte from its low end. */
static void bit_put(struct bits *bits, unsigned int bit)
{
        bits->pending |= (bit & 1u) << bits->count++;
        if (bits->count < 8)
                return;
        out_u8(bits->out, (uint8_t)bits->pending);
        bits->pending = bits->count = 0;
}

/* A Huffman code goes in with its highest bit first. */
static void code_put(struct bits *bits, unsigned int code, unsigned int len)
{
        while (len-- > 0)
                bit_put(bits, code >> len);
}

static void put_fixed(struct out *out, const uint8_t *data, size_t len)
{
        struct bits bits = { .out = out };
        bit_put(&bits, 1); /* the last block */
        bit_put(&bits, 1); /* of type 01 */
        bit_put(&bits, 0);
        for (size_t i = 0; i < len; i++) {
                if (data[i] < 144)
                        code_put(&bits, 0x30u + data[i], 8);
                else
                        code_put(&bits, 0x190u + data[i] - 144u, 9);
        }
        code_put(&bits, 0, 7); /* end of block */
        while (bits.count > 0)
                bit_put(&bits, 0);
}

static void put_little(struct out *out, uint32_t value, size_t bytes)
{
        for (size_t i = 0; i < bytes; i++)
                out_u8(out, (uint8_t)(value >> 8 * i));
}

static void put_stored(struct out *out, const uint8_t *data, size_t len)
{
        out_u8(out, 1);
        put_little(out, (uint32_t)len, 2);
        put_little(out, ~(uint32_t)len, 2);
        out_bytes(out, data, len);
}

static uint32_t crc32_of(const uint8_t *data, size_t len)
{
        uint32_t crc = 0xFFFFFFFFu;
        for (size_t i = 0; i < len; i++) {
                crc ^= data[i];
                for (int bit = 0; bit < 8; bit++)
                        crc = crc >> 1 ^ (crc & 1u ? 0xEDB88320u : 0);
        }
        return ~crc;
}

uint8_t *pivcard_gzip(const uint8_t *data, size_t len, bool stored, size_t *ret_len)
{
        static const uint8_t header[] = { 0x1F, 0x8B, 8, 0, 0, 0, 0, 0, 0, 0xFF };
        size_t cap = sizeof header + len + len / 8 + 32;
        uint8_t *bytes = len <= 0xFFFF ? malloc(cap) : NULL;
        if (!bytes)
                return NULL;
        struct out out = out_new(bytes, cap);
        out_bytes(&out, header, sizeof header);
        if (stored)
                put_stored(&out, data, len);
        else
                put_fixed(&out, data, len);
        put_little(&out, crc32_of(data, len), 4);
        put_little(&out, (uint32_t)len, 4);
        *ret_len = out.len;
        return bytes;
}

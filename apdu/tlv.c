/* SPDX-License-Identifier: Apache-2.0 */
/* tlv.c: see tlv.h. The reader lives on `struct in`: it narrows in.len to the innermost context, so
 * that the one bounds check of base/bytes.c guards every read here, too.
 */
#include "apdu/tlv.h"

#define CONSTRUCTED 0x20
#define LONG_TAG    0x1F

static int fail(struct tlv *tlv)
{
        tlv->in.error = -EBADMSG;
        return -EBADMSG;
}

struct tlv tlv_new(const void *data, size_t len)
{
        return (struct tlv){ .in = in_new(data, len) };
}

bool tlv_more(const struct tlv *tlv)
{
        return in_left(&tlv->in) > 0;
}

/* X.690 8.1.2.4: a low part of 31 announces more tag bytes; bit 8 of each says "one more"; the first
 * of them is never 80. A tag of 00 does not exist in a file (7816-4 5.2.2.1). */
static uint32_t read_tag(struct tlv *tlv)
{
        uint32_t tag = in_u8(&tlv->in);
        if (tag == 0)
                return fail(tlv), 0;
        if ((tag & LONG_TAG) != LONG_TAG)
                return tag;
        uint8_t byte = in_u8(&tlv->in);
        if (byte == 0x80)
                return fail(tlv), 0;
        tag = tag << 8 | byte;
        if (!(byte & 0x80))
                return tag;
        byte = in_u8(&tlv->in);
        if (byte & 0x80)
                return fail(tlv), 0;
        return tag << 8 | byte;
}

static size_t read_length(struct tlv *tlv)
{
        uint8_t first = in_u8(&tlv->in);
        if (first < 0x80)
                return first;
        if (first == 0x81)
                return in_u8(&tlv->in);
        if (first == 0x82)
                return in_u16(&tlv->in);
        fail(tlv);
        return 0;
}

int tlv_next(struct tlv *tlv, uint32_t *ret_tag, struct view *ret_value)
{
        uint32_t tag = read_tag(tlv);
        size_t len = read_length(tlv);
        struct view value = in_bytes(&tlv->in, len);
        if (tlv->in.error)
                return tlv->in.error;
        *ret_tag = tag;
        *ret_value = value;
        return 0;
}

int tlv_get(struct tlv *tlv, uint32_t tag, struct view *ret_value)
{
        struct view value;
        uint32_t found;
        int r = tlv_next(tlv, &found, &value);
        if (r < 0)
                return r;
        if (found != tag)
                return fail(tlv);
        *ret_value = value;
        return 0;
}

int tlv_enter(struct tlv *tlv, uint32_t tag)
{
        struct view value;
        if (tlv->depth == TLV_DEPTH_MAX)
                return fail(tlv);
        int r = tlv_get(tlv, tag, &value);
        if (r < 0)
                return r;
        tlv->ends[tlv->depth++] = tlv->in.len;
        tlv->in.len = tlv->in.pos;
        tlv->in.pos -= value.len;
        return 0;
}

int tlv_leave(struct tlv *tlv)
{
        if (tlv->depth == 0 || in_done(&tlv->in) < 0)
                return fail(tlv);
        tlv->in.len = tlv->ends[--tlv->depth];
        return 0;
}

int tlv_done(const struct tlv *tlv)
{
        if (tlv->depth != 0)
                return -EBADMSG;
        return in_done(&tlv->in);
}

static bool is_constructed(uint32_t tag)
{
        while (tag > 0xFF)
                tag >>= 8;
        return (tag & CONSTRUCTED) != 0;
}

static int find(struct view data, uint32_t tag, unsigned int depth, struct view *ret_value)
{
        struct tlv tlv = tlv_new(data.data, data.len);
        struct view value;
        uint32_t found;
        while (tlv_more(&tlv) && tlv_next(&tlv, &found, &value) == 0) {
                if (found == tag) {
                        *ret_value = value;
                        return 0;
                }
                if (is_constructed(found) && depth < TLV_DEPTH_MAX &&
                        find(value, tag, depth + 1, ret_value) == 0)
                        return 0;
        }
        return -ENOENT;
}

int tlv_find(struct view data, uint32_t tag, struct view *ret_value)
{
        return find(data, tag, 0, ret_value);
}

static void put_tag(struct out *out, uint32_t tag)
{
        if (tag > 0xFFFF)
                out_u8(out, (uint8_t)(tag >> 16));
        if (tag > 0xFF)
                out_u8(out, (uint8_t)(tag >> 8));
        out_u8(out, (uint8_t)tag);
}

void tlv_put(struct out *out, uint32_t tag, const void *value, size_t len)
{
        put_tag(out, tag);
        if (len > UINT16_MAX) {
                out->error = -ENOSPC;
                return;
        }
        if (len > 0xFF)
                out_u8(out, 0x82);
        else if (len >= 0x80)
                out_u8(out, 0x81);
        if (len > 0xFF)
                out_u16(out, (uint16_t)len);
        else
                out_u8(out, (uint8_t)len);
        out_bytes(out, value, len);
}

size_t tlv_open(struct out *out, uint32_t tag)
{
        static const uint8_t length[3] = { 0x82 };
        put_tag(out, tag);
        out_bytes(out, length, sizeof length);
        return out->len;
}

void tlv_close(struct out *out, size_t mark)
{
        size_t len = out->len - mark;
        if (out->error || len > UINT16_MAX) {
                out->error = -ENOSPC;
                return;
        }
        out->data[mark - 2] = (uint8_t)(len >> 8);
        out->data[mark - 1] = (uint8_t)len;
}

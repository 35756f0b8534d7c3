/* SPDX-License-Identifier: Apache-2.0 */
/* der.c: see der.h. A length is written when its content is known, by moving that up: nothing is measured twice,
 * and nothing allocated.
 */
#include "client-sdk/der.h"

#define HEADER_MAX 10

/* ---- reading ---- */

static uint64_t read_length(struct in *in)
{
        uint8_t first = in_u8(in);
        uint64_t len = 0;
        size_t bytes = first & 0x7F;
        if (first < 0x80)
                return first;
        if (bytes == 0 || bytes > 8)
                in->error = -EBADMSG;
        for (size_t i = 0; i < bytes && !in->error; i++)
                len = len << 8 | in_u8(in);
        if (len < 0x80 || (bytes > 1 && len >> 8 * (bytes - 1) == 0))
                in->error = -EBADMSG;
        return in->error ? 0 : len;
}

uint64_t der_length(struct in *in, uint8_t tag)
{
        if (in_u8(in) != tag)
                in->error = -EBADMSG;
        return in->error ? 0 : read_length(in);
}

bool der_is(const struct in *in, uint8_t tag)
{
        return in_left(in) > 0 && in->data[in->pos] == tag;
}

struct view der_get(struct in *in, uint8_t tag)
{
        uint64_t len = der_length(in, tag);
        if (len > in_left(in))
                in->error = -EBADMSG;
        return in_bytes(in, (size_t)len);
}

struct view der_get_whole(struct in *in, uint8_t tag)
{
        size_t from = in->pos;
        der_get(in, tag);
        return in->error ? (struct view){ 0 } : (struct view){ in->data + from, in->pos - from };
}

struct view der_any(struct in *in)
{
        uint8_t tag = in_left(in) > 0 ? in->data[in->pos] : 0;
        if ((tag & 0x1F) == 0x1F) /* tags of several bytes */
                in->error = -EBADMSG;
        return der_get_whole(in, tag);
}

struct in der_enter(struct in *in, uint8_t tag)
{
        struct in inner = der_open(der_get(in, tag));
        inner.error = in->error;
        return inner;
}

struct in der_open(struct view content)
{
        return in_new(content.data, content.len);
}

bool der_one(struct view whole, uint8_t tag)
{
        struct in in = der_open(whole);
        der_get(&in, tag);
        return in_done(&in) == 0;
}

/* As if the shorter one went on with zeros (X.690 11.6): no element is the beginning of another. */
static int order(struct view a, struct view b)
{
        int r = memcmp(a.data, b.data, base_min(a.len, b.len));
        return r != 0 ? r : a.len < b.len ? -1 : a.len > b.len;
}

bool der_sorted(struct view elements)
{
        struct in in = der_open(elements);
        struct view last = { 0 };
        while (in_left(&in) > 0) {
                struct view next = der_any(&in);
                if (in.error || (last.data && order(last, next) >= 0))
                        return false;
                last = next;
        }
        return in_done(&in) == 0;
}

/* ---- writing ---- */

static size_t make_header(uint8_t dst[static HEADER_MAX], uint8_t tag, uint64_t len)
{
        size_t bytes = 0;
        for (uint64_t rest = len; rest > 0; rest >>= 8)
                bytes++;
        dst[0] = tag;
        dst[1] = (uint8_t)len;
        if (len < 0x80)
                return 2;
        dst[1] = (uint8_t)(0x80 | bytes);
        for (size_t i = 0; i < bytes; i++)
                dst[2 + i] = (uint8_t)(len >> 8 * (bytes - 1 - i));
        return 2 + bytes;
}

void der_header(struct out *out, uint8_t tag, uint64_t len)
{
        uint8_t header[HEADER_MAX];
        out_bytes(out, header, make_header(header, tag, len));
}

void der_put(struct out *out, uint8_t tag, const void *content, size_t len)
{
        der_header(out, tag, len);
        out_bytes(out, content, len);
}

void der_put_view(struct out *out, struct view whole)
{
        out_bytes(out, whole.data, whole.len);
}

size_t der_begin(const struct out *out)
{
        return out->len;
}

void der_end(struct out *out, size_t mark, uint8_t tag)
{
        uint8_t header[HEADER_MAX];
        size_t len = out->len - mark, header_len = make_header(header, tag, len);
        out_bytes(out, header, header_len); /* room */
        if (out->error)
                return;
        memmove(out->data + mark + header_len, out->data + mark, len);
        memcpy(out->data + mark, header, header_len);
}

static void reverse(uint8_t *data, size_t len)
{
        for (size_t i = 0; i < len / 2; i++) {
                uint8_t byte = data[i];
                data[i] = data[len - 1 - i];
                data[len - 1 - i] = byte;
        }
}

/* The last `tail` bytes come first. */
static void rotate(uint8_t *data, size_t len, size_t tail)
{
        reverse(data, len - tail);
        reverse(data + len - tail, tail);
        reverse(data, len);
}

/* Where among the sorted elements before `end` this one belongs. */
static size_t place_of(const uint8_t *data, size_t end, struct view element)
{
        struct in in = in_new(data, end);
        while (in_left(&in) > 0) {
                size_t at = in.pos;
                struct view other = der_any(&in);
                if (in.error || order(other, element) > 0)
                        return at;
        }
        return end;
}

void der_sort(struct out *out, size_t mark)
{
        if (out->error)
                return;
        uint8_t *data = out->data + mark;
        struct in in = in_new(data, out->len - mark);
        while (in_left(&in) > 0) {
                size_t from = in.pos;
                struct view element = der_any(&in);
                size_t to = in.error ? from : place_of(data, from, element);
                rotate(data + to, from - to + element.len, element.len);
        }
        if (in_done(&in) < 0)
                out->error = -EBADMSG;
}

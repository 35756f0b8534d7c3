/* SPDX-License-Identifier: Apache-2.0 */
/* bytes.c: see bytes.h. Every length is compared by subtraction from what is left, so no sum can
 * wrap. After the first failure the position no longer moves.
 */
#include "base/bytes.h"

#include "base/text.h"

#include <stdarg.h>
#include <stdio.h>

struct in in_new(const void *data, size_t len)
{
        return (struct in){ .data = data, .len = len };
}

struct view in_bytes(struct in *in, size_t len)
{
        if (in->error || len > in->len - in->pos) {
                in->error = -EBADMSG;
                return (struct view){ 0 };
        }
        struct view view = { .data = in->data + in->pos, .len = len };
        in->pos += len;
        return view;
}

static uint64_t in_uint(struct in *in, size_t bytes)
{
        struct view view = in_bytes(in, bytes);
        uint64_t v = 0;
        for (size_t i = 0; i < view.len; i++)
                v = v << 8 | view.data[i];
        return v;
}

uint8_t in_u8(struct in *in)
{
        return (uint8_t)in_uint(in, 1);
}

uint16_t in_u16(struct in *in)
{
        return (uint16_t)in_uint(in, 2);
}

uint32_t in_u32(struct in *in)
{
        return (uint32_t)in_uint(in, 4);
}

uint64_t in_u64(struct in *in)
{
        return in_uint(in, 8);
}

struct view in_bytes16(struct in *in, size_t cap)
{
        size_t len = in_u16(in);
        if (len > cap)
                in->error = -EBADMSG;
        return in_bytes(in, len);
}

void in_text16(struct in *in, char *dst, size_t cap)
{
        struct view text = in_bytes16(in, cap - 1);
        if (text.len > 0 && !text_utf8_valid((const char *)text.data, text.len))
                in->error = -EBADMSG;
        if (in->error)
                return;
        if (text.len > 0)
                memcpy(dst, text.data, text.len);
        dst[text.len] = '\0';
}

int in_done(const struct in *in)
{
        if (in->error)
                return in->error;
        return in->pos == in->len ? 0 : -EBADMSG;
}

struct out out_new(void *data, size_t cap)
{
        return (struct out){ .data = data, .cap = cap };
}

void out_bytes(struct out *out, const void *data, size_t len)
{
        if (out->error || len > out->cap - out->len) {
                out->error = -ENOSPC;
                return;
        }
        if (len > 0)
                memcpy(out->data + out->len, data, len);
        out->len += len;
}

static void out_uint(struct out *out, uint64_t v, size_t bytes)
{
        uint8_t big_endian[8];
        for (size_t i = 0; i < bytes; i++)
                big_endian[i] = (uint8_t)(v >> 8 * (bytes - 1 - i));
        out_bytes(out, big_endian, bytes);
}

void out_u8(struct out *out, uint8_t v)
{
        out_uint(out, v, 1);
}

void out_u16(struct out *out, uint16_t v)
{
        out_uint(out, v, 2);
}

void out_u32(struct out *out, uint32_t v)
{
        out_uint(out, v, 4);
}

void out_u64(struct out *out, uint64_t v)
{
        out_uint(out, v, 8);
}

void out_bytes16(struct out *out, const void *data, size_t len)
{
        if (len > UINT16_MAX) {
                out->error = -ENOSPC;
                return;
        }
        out_u16(out, (uint16_t)len);
        out_bytes(out, data, len);
}

void out_text16(struct out *out, const char *text)
{
        out_bytes16(out, text ? text : "", text ? strlen(text) : 0);
}

void out_print(struct out *out, const char *format, ...)
{
        char text[1024];
        va_list args;
        va_start(args, format);
        int len = vsnprintf(text, sizeof text, format, args);
        va_end(args);
        if (len < 0 || (size_t)len >= sizeof text)
                out->error = -ENOSPC;
        else
                out_bytes(out, text, (size_t)len);
}

int out_done(const struct out *out)
{
        return out->error;
}

bool view_eq(struct view a, const void *b, size_t len)
{
        return a.len == len && (len == 0 || memcmp(a.data, b, len) == 0);
}

void hex_encode(char *dst, const void *data, size_t len)
{
        static const char digits[] = "0123456789abcdef";
        const uint8_t *bytes = data;
        for (size_t i = 0; i < len; i++) {
                dst[2 * i] = digits[bytes[i] >> 4];
                dst[2 * i + 1] = digits[bytes[i] & 15];
        }
        dst[2 * len] = '\0';
}

static int hex_digit(char c)
{
        if (c >= '0' && c <= '9')
                return c - '0';
        if (c >= 'a' && c <= 'f')
                return c - 'a' + 10;
        if (c >= 'A' && c <= 'F')
                return c - 'A' + 10;
        return -1;
}

ssize_t hex_decode(uint8_t *dst, size_t cap, const char *hex)
{
        size_t len = strlen(hex);
        if (len % 2 != 0 || len / 2 > cap)
                return -EINVAL;
        for (size_t i = 0; i < len; i += 2) {
                int high = hex_digit(hex[i]), low = hex_digit(hex[i + 1]);
                if (high < 0 || low < 0)
                        return -EINVAL;
                dst[i / 2] = (uint8_t)(high << 4 | low);
        }
        return (ssize_t)(len / 2);
}

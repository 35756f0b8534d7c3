/* SPDX-License-Identifier: Apache-2.0 */
/* bytes.h: the one bounded reader and the one bounded writer for binary formats.
 *
 * `struct in` walks over borrowed bytes; `struct out` fills a borrowed buffer. Both are sticky: the
 * first failure is kept, everything after it does nothing, and one check at the end tells. So a
 * parser reads like the table it implements and must end by in_done(), which fails on leftovers.
 * All integers are big-endian. Neither allocates; views point into the caller's bytes.
 */
#ifndef MOHR_BYTES_H
#define MOHR_BYTES_H

#include "base/base.h"

struct view {
        const uint8_t *data;
        size_t len;
};

struct in {
        const uint8_t *data;
        size_t len, pos;
        int error; /* 0 or -EBADMSG, first failure kept */
};

struct out {
        uint8_t *data;
        size_t cap, len;
        int error; /* 0 or -ENOSPC */
};

struct in in_new(const void *data, size_t len);
uint8_t in_u8(struct in *in);
uint16_t in_u16(struct in *in);
uint32_t in_u32(struct in *in);
uint64_t in_u64(struct in *in);
struct view in_bytes(struct in *in, size_t len);   /* empty view on failure */
struct view in_bytes16(struct in *in, size_t cap); /* u16 length, at most cap, then the bytes */
/* u16 length, then UTF-8 text without NUL, copied with its NUL into dst[cap]. */
void in_text16(struct in *in, char *dst, size_t cap);
static inline size_t in_left(const struct in *in)
{
        return in->error ? 0 : in->len - in->pos;
}
_must_check_ int in_done(const struct in *in); /* 0 only if all was read and nothing failed */

struct out out_new(void *data, size_t cap);
void out_u8(struct out *out, uint8_t v);
void out_u16(struct out *out, uint16_t v);
void out_u32(struct out *out, uint32_t v);
void out_u64(struct out *out, uint64_t v);
void out_bytes(struct out *out, const void *data, size_t len);
void out_bytes16(struct out *out, const void *data, size_t len);
void out_text16(struct out *out, const char *text);
_printf_(2, 3) void out_print(struct out *out, const char *format, ...); /* at most 1023 bytes */
_must_check_ int out_done(const struct out *out);

bool view_eq(struct view a, const void *b, size_t len);

/* Writes 2*len lower-case hex digits and a NUL; dst must hold 2*len+1. */
void hex_encode(char *dst, const void *data, size_t len);
/* Strict: even number of digits, nothing else. Returns the byte count or -EINVAL. */
_must_check_ ssize_t hex_decode(uint8_t *dst, size_t cap, const char *hex);

#endif

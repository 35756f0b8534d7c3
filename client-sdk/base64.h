/* SPDX-License-Identifier: Apache-2.0 */
/* base64.h: RFC 4648, both alphabets, one spelling for each value.
 *
 * Decoding is canonical: no white space, no foreign characters, padding exactly where the alphabet
 * wants it (base64url here never has any, RFC 7515 section 2), unused trailing bits zero. So two
 * different texts never decode to the same bytes.
 */
#ifndef MOHR_BASE64_H
#define MOHR_BASE64_H

#include "base/base.h"
#include <jansson.h>

enum base64 { BASE64_STANDARD, BASE64_URL };

static inline size_t base64_encoded_len(enum base64 alphabet, size_t len)
{
        return alphabet == BASE64_STANDARD ? (len + 2) / 3 * 4 : (len * 4 + 2) / 3;
}

/* dst holds base64_encoded_len() + 1 bytes. */
void base64_encode(enum base64 alphabet, char *dst, const void *data, size_t len);
/* In the standard alphabet; NULL: no memory. */
json_t *base64_json(const void *data, size_t len);
/* Bytes written, or -EBADMSG (not canonical), -ENOSPC (over cap). */
_must_check_ ssize_t base64_decode(
        enum base64 alphabet, uint8_t *dst, size_t cap, const char *text, size_t len);

#endif

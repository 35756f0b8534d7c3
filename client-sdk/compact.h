/* SPDX-License-Identifier: Apache-2.0 */
/* compact.h: the three parts of a JWS in compact serialisation (RFC 7515 section 7.1), still encoded. */
#ifndef MOHR_COMPACT_H
#define MOHR_COMPACT_H

#include "base/base.h"

struct compact_part {
        const char *text;
        size_t len;
};

struct compact {
        struct compact_part header, payload, signature;
};

/* Exactly two full stops; any of the parts may be empty. The parts borrow from the text. */
static inline bool compact_split(const char *text, size_t len, struct compact *ret)
{
        const char *end = text + len, *first = memchr(text, '.', len);
        const char *second = first ? memchr(first + 1, '.', (size_t)(end - first - 1)) : NULL;
        if (!second || memchr(second + 1, '.', (size_t)(end - second - 1)))
                return false;
        ret->header = (struct compact_part){ text, (size_t)(first - text) };
        ret->payload = (struct compact_part){ first + 1, (size_t)(second - first - 1) };
        ret->signature = (struct compact_part){ second + 1, (size_t)(end - second - 1) };
        return true;
}

#endif

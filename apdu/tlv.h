/* SPDX-License-Identifier: Apache-2.0 */
/* tlv.h: BER-TLV (ISO/IEC 7816-4 5.2.2, ITU-T X.690 8.1) as a cursor with nested contexts.
 *
 * Tags are written as the standards print them (0x6F, 0x7F49, 0xDF21). Reading is strict: one to
 * three tag bytes, definite lengths of at most three length bytes, no value past its container;
 * tlv_leave() and tlv_done() fail while bytes are unread. Depth is capped. Sticky errors as in
 * base/bytes.h. Views point into the caller's bytes.
 */
#ifndef MOHR_TLV_H
#define MOHR_TLV_H

#include "base/bytes.h"

#define TLV_DEPTH_MAX 6

struct tlv {
        struct in in;
        size_t ends[TLV_DEPTH_MAX];
        unsigned int depth;
};

struct tlv tlv_new(const void *data, size_t len);
bool tlv_more(const struct tlv *tlv); /* unread bytes in this context, and no error so far */
/* Reads the next tag and value whatever it is. */
_must_check_ int tlv_next(struct tlv *tlv, uint32_t *ret_tag, struct view *ret_value);
/* The next element must carry this tag. */
_must_check_ int tlv_get(struct tlv *tlv, uint32_t tag, struct view *ret_value);
_must_check_ int tlv_enter(struct tlv *tlv, uint32_t tag);
_must_check_ int tlv_leave(struct tlv *tlv);
_must_check_ int tlv_done(const struct tlv *tlv);

/* Tolerant search for `tag` at any depth of well-formed constructed elements, for answers whose
 * outer shape is unpublished (card-facts 6.6). 0, or -ENOENT; never reads out of bounds. */
_must_check_ int tlv_find(struct view data, uint32_t tag, struct view *ret_value);

void tlv_put(struct out *out, uint32_t tag, const void *value, size_t len);
/* tlv_open() writes tag and a placeholder of three length bytes; tlv_close() fills it in. */
size_t tlv_open(struct out *out, uint32_t tag);
void tlv_close(struct out *out, size_t mark);

#endif

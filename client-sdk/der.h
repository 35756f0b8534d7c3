/* SPDX-License-Identifier: Apache-2.0 */
/* der.h: DER (ITU-T X.690 clause 10), as far as signatures over documents need it: reading what came, writing what goes.
 *
 * One byte of tag, a definite length in its shortest writing, nothing past its end: whatever else is called an encoding
 * fails. Both ways are sticky, as in base/bytes.h: the first failure is kept in the cursor, and each level that was entered ends
 * by in_done(). Numbers inside (OBJECT IDENTIFIER, INTEGER) are compared by their bytes, of which there is one writing only.
 */
#ifndef MOHR_DER_H
#define MOHR_DER_H

#include "base/bytes.h"

enum {
        DER_INTEGER = 0x02,
        DER_OCTETS = 0x04,
        DER_NULL = 0x05,
        DER_OID = 0x06,
        DER_UTC_TIME = 0x17,
        DER_TIME = 0x18,
        DER_SEQUENCE = 0x30,
        DER_SET = 0x31,
        DER_0 = 0xA0, /* context-specific, constructed */
        DER_1 = 0xA1,
        DER_4 = 0xA4,
};

/* ---- reading ---- */

/* Is the next one of this tag? False at the end. */
bool der_is(const struct in *in, uint8_t tag);
/* What is in the next one, which must be of this tag. Empty on failure. */
struct view der_get(struct in *in, uint8_t tag);
/* The next one of this tag with its header. */
struct view der_get_whole(struct in *in, uint8_t tag);
/* The next one whatever it is, with its header. */
struct view der_any(struct in *in);
/* A cursor over what is in it; one that failed if this one did. */
struct in der_enter(struct in *in, uint8_t tag);
struct in der_open(struct view content);
/* A header whose content may be longer than what is there: of files that are not held in memory. */
uint64_t der_length(struct in *in, uint8_t tag);
/* The elements of a SET OF stand in the order of DER, and none twice. */
bool der_sorted(struct view elements);
/* Exactly one element of this tag, and nothing after it. */
bool der_one(struct view whole, uint8_t tag);

/* ---- writing ---- */

void der_header(struct out *out, uint8_t tag, uint64_t len);
void der_put(struct out *out, uint8_t tag, const void *content, size_t len);
void der_put_view(struct out *out, struct view whole);
/* What is written between these two is the content; der_sort() before the end puts the elements of a SET OF in order. */
size_t der_begin(const struct out *out);
void der_sort(struct out *out, size_t mark);
void der_end(struct out *out, size_t mark, uint8_t tag);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* range.h: which bytes of a PDF a signature covers. */
#ifndef MOHR_DOCUMENT_RANGE_H
#define MOHR_DOCUMENT_RANGE_H

#include "client-sdk/document/paper.h"

/* Bytes [0, gap) and [resume, covers); between them stands "<", the signature's hex, ">". */
struct range {
        uint64_t gap, resume, covers;
};

/* "range" if the signature's dictionary names anything else than all bytes of a beginning of the file but that one string. */
_must_check_ int range_read(
        const struct paper *paper, qpdf_oh signature, struct range *ret, struct verdict *verdict);
/* Is this, between "<" and ">", the hex of these bytes? */
bool range_gap_is(const uint8_t *gap, size_t gap_len, const uint8_t *bytes, size_t len);
/* The one DER value that the bytes begin with, zeros after it; 0 if they are anything else. */
size_t range_der(const uint8_t *bytes, size_t len);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* tail.h: the end of a PDF, where its newest cross-references are named. */
#ifndef MOHR_DOCUMENT_TAIL_H
#define MOHR_DOCUMENT_TAIL_H

#include "base/base.h"

struct tail {
        uint64_t at; /* of the newest cross-reference section */
        bool stream; /* it is a stream (ISO 32000-1 7.5.8), not a table */
};

/* False: no "startxref" in the last 1054 bytes that names such a section. */
bool tail_find(const uint8_t *data, size_t len, struct tail *ret);

#endif

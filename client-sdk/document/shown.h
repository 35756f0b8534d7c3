/* SPDX-License-Identifier: Apache-2.0 */
/* shown.h: what a PDF shows, as one number. */
#ifndef MOHR_DOCUMENT_SHOWN_H
#define MOHR_DOCUMENT_SHOWN_H

#include "client-sdk/document/paper.h"
#include "client-sdk/document/work.h"

#define SHOWN_LEN 32

/* Two states of one document have the same digest if their pages hold the same, annotations included, and so does what decides how pages are
 * shown. Left out is what nobody sees, and the fields of signatures; of those that are to be seen each has a digest of its own. */
struct shown {
        uint8_t digest[SHOWN_LEN], stamp[DOCUMENT_SIGNATURES_MAX][SHOWN_LEN];
        size_t stamps;
};

/* "damaged" if it cannot be walked to its end. */
_must_check_ int shown_of(const struct paper *paper, struct shown *ret, struct verdict *verdict);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* shown.h: what a PDF shows, as one number. */
#ifndef MOHR_DOCUMENT_SHOWN_H
#define MOHR_DOCUMENT_SHOWN_H

#include "client-sdk/document/paper.h"

#define SHOWN_LEN 32

/* Two states of one document have the same digest if their pages hold the same, annotations included, and so does what decides how pages are
 * shown. Signatures' fields are left out, as is all that nobody sees. "damaged" if it cannot be walked to its end. */
_must_check_ int shown_digest(
        const struct paper *paper, uint8_t ret[static SHOWN_LEN], struct verdict *verdict);

#endif

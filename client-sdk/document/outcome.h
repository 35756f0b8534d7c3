/* SPDX-License-Identifier: Apache-2.0 */
/* outcome.h: how a function of this room says no: OUTCOME_INVALID, and in the verdict a word of work.h. */
#ifndef MOHR_DOCUMENT_OUTCOME_H
#define MOHR_DOCUMENT_OUTCOME_H

#include "base/base.h"
#include "base/outcome.h"

/* `why` and `detail` are static texts; a NULL detail is the one that work.h has for the word. */
struct verdict {
        const char *why, *detail;
};

static inline int verdict_no(struct verdict *verdict, const char *why, const char *detail)
{
        *verdict = (struct verdict){ why, detail };
        return OUTCOME_INVALID;
}

#endif

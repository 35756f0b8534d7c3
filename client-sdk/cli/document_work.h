/* SPDX-License-Identifier: Apache-2.0 */
/* document_work.h: the signatures of a PDF, as mohr-document says. */
#ifndef MOHR_CLI_DOCUMENT_WORK_H
#define MOHR_CLI_DOCUMENT_WORK_H

#include "client-sdk/cli/cli.h"

#define DOCUMENT_PROGRAM "mohr-document"

struct document_work {
        json_t *rows, *last; /* owned: one for each signature, and what is said of the whole */
        char why[32];        /* why the answer is 21: a word of DOCUMENT_REFUSALS */
};
static inline void document_work_clear(struct document_work *work)
{
        json_decref(work->rows);
        json_decref(work->last);
}
#define _cleanup_work_ _cleanup_(document_work_clear)

/* 0; 21: it is no PDF whose signatures can be looked at; negative errno: the program failed. Set for the first two. */
_must_check_ int document_signatures(const char *program, int file, struct document_work *ret);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* rows.h: what each row of the history says (docs/history.md, "Rows"), and nothing that it may not say.
 *
 * All of these are called within a transaction, with the book that holds it.
 */
#ifndef MOHR_HISTORY_ROWS_H
#define MOHR_HISTORY_ROWS_H

#include "daemon/history/book.h"

struct rows_setting {
        bool values;            /* claims' values are kept ... */
        bool station;           /* ... but never in a station's register, nor documents' names */
        unsigned int keep_days; /* 0: for ever */
};

_must_check_ int rows_asked(struct book *book, const struct history_ask_texts *ask,
        const struct rows_setting *setting, int64_t now);
_must_check_ int rows_refused(
        struct book *book, const struct history_ask_texts *ask, const char *why, int64_t now);
/* The end, and the permission that came with it. OUTCOME_USAGE: no such request is without an end. */
_must_check_ int rows_ended(struct book *book, const struct history_end_texts *end,
        const struct rows_setting *setting, int64_t now);
_must_check_ int rows_revoked(struct book *book, const char *grant, int64_t now);
/* Ends for the requests of daemons that are no more. *ret_count: how many. */
_must_check_ int rows_interrupted(struct book *book, int64_t now, size_t *ret_count);
struct rows_pruning {  /* all zero at first */
        bool going_on; /* there is more to be done */
        bool wrote;
};
/* Bodies that are too old are taken out, so many at a time and on one time a day. */
_must_check_ int rows_prune(struct book *book, const struct rows_setting *setting, int64_t now,
        struct rows_pruning *state);

#endif

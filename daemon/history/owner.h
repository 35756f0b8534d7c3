/* SPDX-License-Identifier: Apache-2.0 */
/* owner.h: which requests have no end yet, and which daemon will write it.
 *
 * The table `open` is a notebook beside the history, not part of it. A request belongs to the process that started
 * this worker: its number, when it began and since which start of the machine. One that is certainly gone leaves
 * orphans, which get the row `interrupted`; of one that cannot be seen (another container) it is not certain.
 */
#ifndef MOHR_HISTORY_OWNER_H
#define MOHR_HISTORY_OWNER_H

#include "daemon/history/book.h"

_must_check_ int owner_claims(struct book *book, const char *request);
_must_check_ int owner_is_open(struct book *book, const char *request, bool *ret);
_must_check_ int owner_lets_go(struct book *book, const char *request);
/* 1: this one; 0: none. */
_must_check_ int owner_find_orphan(struct book *book, char ret[static 33]);

#endif

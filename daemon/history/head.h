/* SPDX-License-Identifier: Apache-2.0 */
/* head.h: history.head of docs/history.md, the last anchor beside the book, and the book held against it. */
#ifndef MOHR_HISTORY_HEAD_H
#define MOHR_HISTORY_HEAD_H

#include "daemon/history/book.h"

/* Does the book still have the row that was anchored last? A file that is not there anchors nothing. */
_must_check_ int head_check(struct book *book);
/* Anchors the last row, whosever it is: another process may have written since. Tells which. */
_must_check_ int head_write(struct book *book, struct book_head *ret);

#endif

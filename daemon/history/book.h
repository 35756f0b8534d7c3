/* SPDX-License-Identifier: Apache-2.0 */
/* book.h: the file history.db of docs/history.md: opened without harm, rows added at its end.
 *
 * Several processes may have the same book open, one for each daemon of this user: what is read to be judged and
 * what is written because of it stand in one transaction, which one of them has at a time.
 *
 * What is not certainly our own book, whole and ours alone to write, is refused and left as it is. 0; a negative
 * errno; or OUTCOME_CANNOT_RECORD, with book_trouble() saying what stands in the way and what to do.
 */
#ifndef MOHR_HISTORY_BOOK_H
#define MOHR_HISTORY_BOOK_H

#include "base/base.h"
#include "daemon/history/frame.h"

#include <jansson.h>
#include <sqlite3.h>

#define BOOK_BODY_MAX 16384
#define BOOK_LINK     32

struct book {
        char *dir; /* absolute */
        sqlite3 *db;
        char id[33]; /* of the first row */
        char trouble[HISTORY_DETAIL_MAX];
        bool disk_failed; /* what failed last may be for lack of room */
};

struct book_head {
        uint64_t seq; /* 0: no row */
        uint8_t link[BOOK_LINK];
};

/* Nothing is opened yet. */
_must_check_ int book_new(struct book **ret, const char *dir);
struct book *book_free(struct book *book);
static inline void book_free_cleanup(struct book **slot)
{
        *slot = book_free(*slot);
}
#define _cleanup_book_ _cleanup_(book_free_cleanup)

/* The folder and what lies in it are looked at, made where they lack; our working directory is the folder then. */
_must_check_ int book_settle(struct book *book);
_must_check_ int book_open(struct book *book, int64_t now); /* after book_settle() */
void book_close(struct book *book);
/* Is it still the file of that name in the folder of that name? A folder that is another one now is no longer in
 * our reach: *ret_folder. What was written to a file that was taken away would be gone with it. */
bool book_is_there(const struct book *book, bool *ret_folder);
const char *book_trouble(const struct book *book); /* English; "" */

_must_check_ int book_begin(struct book *book); /* waits for others some seconds */
_must_check_ int book_commit(struct book *book);
void book_rollback(struct book *book);

/* Adds the row within a transaction; its time is put into the body. */
_must_check_ int book_append(struct book *book, json_t *body, int64_t now, struct book_head *ret);
_must_check_ int book_last(struct book *book, struct book_head *ret);
/* Does the last row follow from the one before it, and its digest from its body? */
_must_check_ int book_check_end(struct book *book);

/* ---- statements: texts are bound in order, NULL as NULL -------------------------------------- */

struct book_query {
        const char *sql;
        const char *texts[8];
        size_t count;
};
#define BOOK_QUERY(sql_, ...)                                                                      \
        ((struct book_query){ .sql = (sql_),                                                       \
                .texts = { __VA_ARGS__ },                                                          \
                .count = sizeof((const char *[]){ __VA_ARGS__ }) / sizeof(char *) })

static inline void book_finalize_cleanup(sqlite3_stmt **slot)
{
        sqlite3_finalize(*slot);
}
#define _cleanup_statement_ _cleanup_(book_finalize_cleanup)

static inline void book_json_cleanup(json_t **slot)
{
        json_decref(*slot);
}
#define _cleanup_json_ _cleanup_(book_json_cleanup)

_must_check_ int book_prepare(
        struct book *book, const struct book_query *query, sqlite3_stmt **ret);
/* 1: there is a row; 0: no more; or as everywhere here, OUTCOME_CANNOT_RECORD or negative. */
_must_check_ int book_step(struct book *book, sqlite3_stmt *statement);
/* The number in the first column of the first row; untouched without one. */
_must_check_ int book_number(
        struct book *book, const struct book_query *query, int64_t *ret, bool *ret_found);
_must_check_ int book_run(struct book *book, const struct book_query *query);
/* What SQLite said, as a return value, with the words for it. */
_must_check_ int book_failed(struct book *book);

#endif

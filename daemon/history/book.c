/* SPDX-License-Identifier: Apache-2.0 */
/* book.c: see book.h. Transactions, rows and their chain; book_open.c is how a file becomes a book.
 *
 * A row goes out in the transaction that read the row before it, and each commit is on the disk before it returns
 * (WAL, synchronous = FULL). Every failure of SQLite ends in one table of words: what stands in the way, and what
 * the owner of the computer can do.
 */
#include "daemon/history/book.h"

#include "base/bytes.h"
#include "base/outcome.h"
#include "client-sdk/members.h"

#include <openssl/evp.h>
#include <stdio.h>

#define DOMAIN "mohr-history-1" /* its NUL belongs to it */

static const struct {
        int code;
        const char *words;
} troubles[] = {
        { SQLITE_FULL, "no space left for history.db: free some" },
        { SQLITE_READONLY, "history.db cannot be written to: give it back to its owner" },
        { SQLITE_CANTOPEN, "history.db cannot be opened: see who may write there" },
        { SQLITE_PERM, "history.db cannot be opened: see who may write there" },
        { SQLITE_BUSY, "history.db is held by another program: end it" },
        { SQLITE_LOCKED, "history.db is held by another program: end it" },
        { SQLITE_IOERR,
                "history.db cannot be written to: see the disk's state and its free space" },
        { SQLITE_CORRUPT, "history.db is damaged: see mohr history verify, then move it away" },
        { SQLITE_NOTADB, "history.db is no database: move it away" },
        { SQLITE_TOOBIG, "history.db holds a row that is too large: see mohr history verify" },
};

const char *book_trouble(const struct book *book)
{
        return book->trouble;
}

int book_failed(struct book *book)
{
        int code = book->db ? sqlite3_errcode(book->db) & 0xff : SQLITE_NOMEM;
        if (code == SQLITE_NOMEM)
                return -ENOMEM;
        book->disk_failed = code == SQLITE_FULL || code == SQLITE_IOERR || code == SQLITE_CANTOPEN;
        const char *words = "history.db is not as mohr left it: see mohr history verify";
        for (size_t i = 0; i < ARRAY_LEN(troubles); i++)
                if (troubles[i].code == code)
                        words = troubles[i].words;
        snprintf(book->trouble, sizeof book->trouble, "%.400s: %s", book->dir, words);
        return OUTCOME_CANNOT_RECORD;
}

/* ---- statements ----------------------------------------------------------------------------- */

int book_prepare(struct book *book, const struct book_query *query, sqlite3_stmt **ret)
{
        sqlite3_stmt *statement = NULL;
        int code = sqlite3_prepare_v2(book->db, query->sql, -1, &statement, NULL);
        for (size_t i = 0; code == SQLITE_OK && i < query->count; i++)
                if (query->texts[i])
                        code = sqlite3_bind_text(
                                statement, (int)i + 1, query->texts[i], -1, SQLITE_STATIC);
        if (code != SQLITE_OK) {
                int r = book_failed(book);
                sqlite3_finalize(statement);
                return r;
        }
        *ret = statement;
        return 0;
}

int book_step(struct book *book, sqlite3_stmt *statement)
{
        switch (sqlite3_step(statement)) {
        case SQLITE_ROW: return 1;
        case SQLITE_DONE: return 0;
        default: return book_failed(book);
        }
}

int book_number(struct book *book, const struct book_query *query, int64_t *ret, bool *ret_found)
{
        _cleanup_statement_ sqlite3_stmt *statement = NULL;
        int r = book_prepare(book, query, &statement);
        if (r == 0)
                r = book_step(book, statement);
        if (r < 0 || r == OUTCOME_CANNOT_RECORD)
                return r;
        *ret_found = r == 1;
        if (r == 1)
                *ret = sqlite3_column_int64(statement, 0);
        return 0;
}

int book_run(struct book *book, const struct book_query *query)
{
        int64_t ignored;
        bool found;
        return book_number(book, query, &ignored, &found);
}

/* ---- transactions ---------------------------------------------------------------------------- */

static int say(struct book *book, const char *sql)
{
        return sqlite3_exec(book->db, sql, NULL, NULL, NULL) == SQLITE_OK ? 0 : book_failed(book);
}

int book_begin(struct book *book)
{
        return say(book, "BEGIN IMMEDIATE");
}

int book_commit(struct book *book)
{
        int r = say(book, "COMMIT");
        if (r != 0)
                book_rollback(book);
        return r;
}

void book_rollback(struct book *book)
{
        if (book->db && !sqlite3_get_autocommit(book->db))
                (void)sqlite3_exec(book->db, "ROLLBACK", NULL, NULL, NULL);
}

/* ---- rows ------------------------------------------------------------------------------------ */

static int sha256(const void *data, size_t len, uint8_t ret[static BOOK_LINK])
{
        return EVP_Digest(data, len, ret, NULL, EVP_sha256(), NULL) == 1 ? 0 : -ENOMEM;
}

static int link_of(const struct book_head *before, const uint8_t digest[static BOOK_LINK],
        uint8_t ret[static BOOK_LINK])
{
        uint8_t text[128];
        struct out out = out_new(text, sizeof text);
        out_bytes(&out, DOMAIN, sizeof DOMAIN);
        out_bytes(&out, before->link, BOOK_LINK);
        out_u64(&out, before->seq + 1);
        out_bytes(&out, digest, BOOK_LINK);
        return out_done(&out) < 0 ? -EINVAL : sha256(text, out.len, ret);
}

static bool take_blob(sqlite3_stmt *statement, int column, uint8_t ret[static BOOK_LINK])
{
        const void *blob = sqlite3_column_blob(statement, column);
        if (!blob || sqlite3_column_bytes(statement, column) != BOOK_LINK)
                return false;
        memcpy(ret, blob, BOOK_LINK);
        return true;
}

static int changed(struct book *book)
{
        snprintf(book->trouble, sizeof book->trouble,
                "%.400s: the last row of history.db was changed: see mohr history verify, then "
                "move it away",
                book->dir);
        return OUTCOME_CANNOT_RECORD;
}

int book_last(struct book *book, struct book_head *ret)
{
        _cleanup_statement_ sqlite3_stmt *statement = NULL;
        int r = book_prepare(book,
                &BOOK_QUERY("SELECT seq, link FROM entry ORDER BY seq DESC LIMIT 1", NULL),
                &statement);
        if (r == 0)
                r = book_step(book, statement);
        if (r < 0 || r == OUTCOME_CANNOT_RECORD)
                return r;
        struct book_head head = { 0 };
        if (r == 1) {
                head.seq = (uint64_t)sqlite3_column_int64(statement, 0);
                if (!take_blob(statement, 1, head.link))
                        return changed(book);
        }
        *ret = head;
        return 0;
}

static int insert(struct book *book, const char *body, const uint8_t digest[static BOOK_LINK],
        const struct book_head *head)
{
        _cleanup_statement_ sqlite3_stmt *statement = NULL;
        int r = book_prepare(book,
                &BOOK_QUERY(
                        "INSERT INTO entry (body, seq, digest, link) VALUES (?, ?, ?, ?)", body),
                &statement);
        if (r != 0)
                return r;
        if (sqlite3_bind_int64(statement, 2, (int64_t)head->seq) != SQLITE_OK ||
                sqlite3_bind_blob(statement, 3, digest, BOOK_LINK, SQLITE_STATIC) != SQLITE_OK ||
                sqlite3_bind_blob(statement, 4, head->link, BOOK_LINK, SQLITE_STATIC) != SQLITE_OK)
                return book_failed(book);
        return book_step(book, statement);
}

/* Not into a copy of it: json_copy() forgets what there was no memory for (jansson 2.14). */
static char *body_text(json_t *body, int64_t now)
{
        if (json_object_set_new(body, "at", json_integer(now)) < 0)
                return NULL;
        return members_text(body, JSON_COMPACT | JSON_SORT_KEYS);
}

int book_append(struct book *book, json_t *body, int64_t now, struct book_head *ret)
{
        struct book_head head;
        uint8_t digest[BOOK_LINK], link[BOOK_LINK];
        _cleanup_free_ char *text = body_text(body, now);
        if (!text)
                return -ENOMEM;
        if (strlen(text) > BOOK_BODY_MAX) {
                snprintf(book->trouble, sizeof book->trouble, "a row would be too long");
                return OUTCOME_CANNOT_RECORD;
        }
        int r = book_last(book, &head);
        if (r == 0)
                r = sha256(text, strlen(text), digest);
        if (r == 0)
                r = link_of(&head, digest, link);
        if (r != 0)
                return r;
        head.seq++;
        memcpy(head.link, link, BOOK_LINK);
        r = insert(book, text, digest, &head);
        if (r == 0)
                *ret = head;
        return r;
}

/* A row of the last two, or of the one there is; the body may be pruned. */
struct row {
        struct book_head head;
        uint8_t digest[BOOK_LINK];
        bool whole;
};

static int take_row(struct book *book, sqlite3_stmt *statement, struct row *ret)
{
        uint8_t digest[BOOK_LINK];
        int r = book_step(book, statement);
        if (r != 1)
                return r;
        ret->head.seq = (uint64_t)sqlite3_column_int64(statement, 0);
        const char *body = (const char *)sqlite3_column_text(statement, 1);
        ret->whole =
                take_blob(statement, 2, ret->digest) && take_blob(statement, 3, ret->head.link);
        if (body && sha256(body, (size_t)sqlite3_column_bytes(statement, 1), digest) < 0)
                return -ENOMEM;
        if (body && memcmp(digest, ret->digest, BOOK_LINK) != 0)
                ret->whole = false;
        return 1;
}

int book_check_end(struct book *book)
{
        _cleanup_statement_ sqlite3_stmt *statement = NULL;
        struct row rows[2] = { 0 };
        uint8_t link[BOOK_LINK];
        int r = book_prepare(book,
                &BOOK_QUERY("SELECT seq, body, digest, link FROM entry ORDER BY seq DESC LIMIT 2",
                        NULL),
                &statement);
        if (r == 0)
                r = take_row(book, statement, &rows[0]);
        if (r == 1)
                r = take_row(book, statement, &rows[1]);
        if (r != 0 && r != 1)
                return r;
        if (r == 0)
                rows[1].whole = true; /* before the first row there are zeros */
        r = link_of(&rows[1].head, rows[0].digest, link);
        if (r != 0)
                return r;
        if (rows[0].whole && rows[1].whole && rows[0].head.seq == rows[1].head.seq + 1 &&
                memcmp(link, rows[0].head.link, BOOK_LINK) == 0)
                return 0;
        return changed(book);
}

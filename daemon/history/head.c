/* SPDX-License-Identifier: Apache-2.0 */
/* head.c: see head.h. The file is read as a stranger's: another program of this user may have written it. It is
 * replaced while the book is held for writing, so that of two processes the later row stays.
 */
#include "daemon/history/head.h"

#include "base/bytes.h"
#include "base/file.h"
#include "base/outcome.h"

#include <fcntl.h>
#include <stdio.h>

#define NAME     "history.head"
#define LINE_MAX 128
#define WORD     "mohr-history-1"

static int complain(struct book *book, const char *why)
{
        snprintf(book->trouble, sizeof book->trouble, "%.300s/%s: %s", book->dir, NAME, why);
        return OUTCOME_CANNOT_RECORD;
}

static int write_line(struct book *book, const struct book_head *head)
{
        char line[LINE_MAX + 64], link[2 * BOOK_LINK + 1];
        hex_encode(link, head->link, BOOK_LINK);
        int len = snprintf(line, sizeof line, WORD " %s %llu %s\n", book->id,
                (unsigned long long)head->seq, link);
        int r = file_replace(NAME, line, (size_t)len, 0600);
        return r < 0 && r != -ENOMEM ? complain(book, strerror(-r)) : r;
}

int head_write(struct book *book, struct book_head *ret)
{
        struct book_head head;
        int r = book_begin(book);
        if (r != 0)
                return r;
        r = book_last(book, &head);
        if (r == 0)
                r = write_line(book, &head);
        book_rollback(book);
        if (r == 0)
                *ret = head;
        return r;
}

/* 1: there is none. */
static int read_line(struct book *book, char *line, size_t cap)
{
        _cleanup_close_ int fd =
                open(NAME, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
        if (fd < 0)
                return errno == ENOENT ? 1 : complain(book, strerror(errno));
        ssize_t len = read(fd, line, cap - 1);
        if (len < 0)
                return complain(book, strerror(errno));
        line[len] = '\0';
        return 0;
}

static bool parse(char *line, char id[static 33], struct book_head *ret)
{
        char number[21] = "", link[2 * BOOK_LINK + 1] = "", end = '\0', *rest = NULL;
        if (sscanf(line, WORD " %32[0-9a-f] %20[0-9] %64[0-9a-f]%c", id, number, link, &end) != 4)
                return false;
        errno = 0;
        ret->seq = strtoull(number, &rest, 10);
        return end == '\n' && strlen(id) == 32 && errno == 0 && ret->seq <= INT64_MAX &&
               hex_decode(ret->link, sizeof ret->link, link) == BOOK_LINK;
}

static int link_at(struct book *book, uint64_t seq, const uint8_t link[static BOOK_LINK])
{
        _cleanup_statement_ sqlite3_stmt *statement = NULL;
        int r = book_prepare(
                book, &BOOK_QUERY("SELECT link FROM entry WHERE seq = ?", NULL), &statement);
        if (r == 0 && sqlite3_bind_int64(statement, 1, (int64_t)seq) != SQLITE_OK)
                r = book_failed(book);
        if (r == 0)
                r = book_step(book, statement);
        if (r < 0 || r == OUTCOME_CANNOT_RECORD)
                return r;
        if (r == 1 && sqlite3_column_bytes(statement, 0) == BOOK_LINK &&
                memcmp(sqlite3_column_blob(statement, 0), link, BOOK_LINK) == 0)
                return 0;
        return complain(book, "names a row that history.db does not have: see mohr history verify, "
                              "then move both away");
}

int head_check(struct book *book)
{
        char line[LINE_MAX + 64], id[33] = "";
        struct book_head head = { 0 };
        int r = read_line(book, line, sizeof line);
        if (r != 0)
                return r == 1 ? 0 : r;
        if (!parse(line, id, &head))
                return complain(
                        book, "is not as mohr left it: see mohr history verify, then move it away");
        if (strcmp(id, book->id) != 0)
                return complain(book,
                        "belongs to another history.db: see mohr history verify, then "
                        "move both away");
        return link_at(book, head.seq, head.link);
}

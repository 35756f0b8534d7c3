/* SPDX-License-Identifier: Apache-2.0 */
/* book_open.c: how a file becomes a book (book.h): whose it is, what it is, and whether its end still holds.
 *
 * The folder is entered before anything is opened, and SQLite is given a bare name: so a name that is changed on
 * the way there changes nothing, and SQLite may be told to follow no link at all. An empty database becomes a book; one that is
 * somebody else's, has triggers or views, ends in a row whose link does not compute, or falls short
 * of history.head, is left alone.
 */
#include "daemon/history/book.h"

#include "base/bytes.h"
#include "base/file.h"
#include "base/outcome.h"
#include "daemon/history/head.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/random.h>
#include <sys/stat.h>

#define APPLICATION 0x4D6F6872
#define SCHEMA      1
#define BUSY_MS     3000
#define AGAIN_MS    10
#define ROW_MAX     65536 /* of what SQLite may hand us */

static const char setting[] = "PRAGMA cell_size_check = ON; PRAGMA temp_store = MEMORY;"
                              "PRAGMA cache_size = -256; PRAGMA synchronous = FULL;"
                              "PRAGMA secure_delete = ON;";
static const char sign[] = "PRAGMA application_id = 1299146866; PRAGMA user_version = 1;";
_Static_assert(APPLICATION == 1299146866 && SCHEMA == 1, "the pragmas above say the same");

/* `open` is the worker's notebook: requests without an end, and whose they are. It is not history. What is in
 * a file must be these very words before anything of it is run. */
static const char *const schema[] = {
        "CREATE TABLE entry (seq INTEGER PRIMARY KEY, body TEXT, digest BLOB NOT NULL,"
        " link BLOB NOT NULL) STRICT",
        "CREATE TABLE open (request TEXT PRIMARY KEY, boot TEXT, pid INTEGER, start INTEGER)"
        " STRICT",
        "CREATE INDEX entry_event ON entry (json_extract(body, '$.event'))",
        "CREATE INDEX entry_app ON entry"
        " (json_extract(body, '$.event'), json_extract(body, '$.app'))",
        "CREATE INDEX entry_request ON entry (json_extract(body, '$.request'))",
        "CREATE INDEX entry_grant ON entry (json_extract(body, '$.grant'))",
        "CREATE INDEX entry_signed ON entry (json_extract(body, '$.signed_request'))",
};

static int refuse(struct book *book, const char *name, const char *why)
{
        snprintf(book->trouble, sizeof book->trouble, "%.300s%s%s: %s", book->dir, *name ? "/" : "",
                name, why);
        return OUTCOME_CANNOT_RECORD;
}

static int refuse_error(struct book *book, const char *name, int error)
{
        char text[160];
        if (error == ENOMEM)
                return -ENOMEM;
        snprintf(text, sizeof text, "%s: the history cannot be kept there", strerror(error));
        return refuse(book, name, text);
}

/* ---- folder and files ------------------------------------------------------------------------ */

int book_new(struct book **ret, const char *dir)
{
        struct book *book = calloc(1, sizeof *book);
        if (!book)
                return -ENOMEM;
        book->dir = strdup(dir);
        if (!book->dir)
                return book_free(book), -ENOMEM;
        *ret = book;
        return 0;
}

struct book *book_free(struct book *book)
{
        if (!book)
                return NULL;
        book_close(book);
        free(book->dir);
        free(book);
        return NULL;
}

static bool only_ours(const struct stat *st)
{
        return st->st_uid == geteuid() && (st->st_mode & (S_IWGRP | S_IWOTH)) == 0;
}

static int look_at_file(struct book *book, const char *name)
{
        struct stat st;
        if (fstatat(AT_FDCWD, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
                return errno == ENOENT ? 0 : refuse_error(book, name, errno);
        if (!S_ISREG(st.st_mode) || st.st_nlink != 1)
                return refuse(book, name, "is a link or no file: move it away");
        if (!only_ours(&st))
                return refuse(book, name, "belongs to another user, or others may write to it");
        return 0;
}

static int enter_folder(struct book *book)
{
        int r = file_make_folders(book->dir, 0700);
        if (r < 0)
                return refuse_error(book, "", -r);
        _cleanup_close_ int fd =
                open(book->dir, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC | O_NOCTTY);
        struct stat st;
        if (fd < 0 || fstat(fd, &st) < 0)
                return refuse_error(book, "", errno);
        if (!only_ours(&st))
                return refuse(
                        book, "", "the folder belongs to another user, or others may write to it");
        return fchdir(fd) < 0 ? refuse_error(book, "", errno) : 0;
}

/* By us and not by SQLite, for its mode; the files beside it get the same. */
static int make_file(struct book *book)
{
        _cleanup_close_ int fd =
                open("history.db", O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
        return fd < 0 && errno != EEXIST ? refuse_error(book, "history.db", errno) : 0;
}

int book_settle(struct book *book)
{
        static const char *const names[] = { "history.db", "history.db-wal", "history.db-shm",
                "history.db-journal", "history.head", "history.room" };
        book->trouble[0] = '\0';
        int r = enter_folder(book);
        for (size_t i = 0; r == 0 && i < ARRAY_LEN(names); i++)
                r = look_at_file(book, names[i]);
        return r == 0 ? make_file(book) : r;
}

static bool same(const struct stat *a, const struct stat *b)
{
        return a->st_dev == b->st_dev && a->st_ino == b->st_ino;
}

bool book_is_there(const struct book *book, bool *ret_folder)
{
        struct stat named, ours;
        int moved = 0;
        *ret_folder = stat(book->dir, &named) == 0 && stat(".", &ours) == 0 && same(&named, &ours);
        (void)sqlite3_file_control(book->db, "main", SQLITE_FCNTL_HAS_MOVED, &moved);
        return *ret_folder && moved == 0;
}

/* ---- the database ---------------------------------------------------------------------------- */

void book_close(struct book *book)
{
        (void)sqlite3_close_v2(book->db);
        book->db = NULL;
}

static int say(struct book *book, const char *sql)
{
        return sqlite3_exec(book->db, sql, NULL, NULL, NULL) == SQLITE_OK ? 0 : book_failed(book);
}

static int connect_to(struct book *book)
{
        static const int off[] = { SQLITE_DBCONFIG_ENABLE_TRIGGER, SQLITE_DBCONFIG_ENABLE_VIEW };
        int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOFOLLOW |
                    SQLITE_OPEN_PRIVATECACHE;
        if (sqlite3_open_v2("history.db", &book->db, flags, NULL) != SQLITE_OK)
                return book_failed(book);
        (void)sqlite3_extended_result_codes(book->db, 1);
        (void)sqlite3_busy_timeout(book->db, BUSY_MS);
        (void)sqlite3_limit(book->db, SQLITE_LIMIT_LENGTH, ROW_MAX);
        (void)sqlite3_limit(book->db, SQLITE_LIMIT_ATTACHED, 0);
        (void)sqlite3_db_config(book->db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
        for (size_t i = 0; i < ARRAY_LEN(off); i++)
                (void)sqlite3_db_config(book->db, off[i], 0, NULL);
        return say(book, setting);
}

static int number(struct book *book, const char *sql, int64_t *ret)
{
        bool found;
        return book_number(book, &BOOK_QUERY(sql, NULL), ret, &found);
}

struct kind {
        int64_t application, version, objects, ours;
};

static int count_ours(struct book *book, int64_t *ret)
{
        int64_t count = 0, one = 0;
        for (size_t i = 0; i < ARRAY_LEN(schema); i++) {
                bool found;
                int r = book_number(book,
                        &BOOK_QUERY("SELECT count(*) FROM sqlite_schema WHERE sql = ?", schema[i]),
                        &one, &found);
                if (r != 0)
                        return r;
                count += one;
        }
        *ret = count;
        return 0;
}

static int look_at_kind(struct book *book, struct kind *ret)
{
        struct kind kind = { 0 };
        int r = number(book, "PRAGMA application_id", &kind.application);
        if (r == 0)
                r = number(book, "PRAGMA user_version", &kind.version);
        if (r == 0)
                r = number(book, "SELECT count(*) FROM sqlite_schema WHERE sql IS NOT NULL",
                        &kind.objects);
        if (r == 0)
                r = count_ours(book, &kind.ours);
        if (r == 0)
                *ret = kind;
        return r;
}

static bool is_blank(const struct kind *kind)
{
        return kind->application == 0 && kind->version == 0 && kind->objects == 0;
}

static int judge_kind(struct book *book, const struct kind *kind)
{
        if (kind->application != APPLICATION)
                return refuse(book, "history.db", "is another program's: move it away");
        if (kind->version > SCHEMA)
                return refuse(book, "history.db",
                        "was written by a newer version of mohr: update this one, or move it away");
        if (kind->version != SCHEMA)
                return refuse(book, "history.db", "is not as mohr left it: move it away");
        if (kind->objects != ARRAY_LEN(schema) || kind->ours != ARRAY_LEN(schema))
                return refuse(book, "history.db",
                        "was changed by another program: see mohr history verify");
        return 0;
}

static int write_first(struct book *book, int64_t now)
{
        uint8_t random[16];
        char id[33];
        struct book_head head;
        if (getrandom(random, sizeof random, 0) != (ssize_t)sizeof random)
                return -EIO;
        hex_encode(id, random, sizeof random);
        json_t *body = json_pack("{s:s, s:s}", "event", "created", "id", id);
        int r = body ? book_append(book, body, now, &head) : -ENOMEM;
        json_decref(body);
        return r;
}

static int write_schema(struct book *book)
{
        int r = say(book, sign);
        for (size_t i = 0; r == 0 && i < ARRAY_LEN(schema); i++)
                r = say(book, schema[i]);
        return r;
}

static int write_beginning(struct book *book, int64_t now)
{
        int r = write_schema(book);
        return r == 0 ? write_first(book, now) : r;
}

/* Whoever else had the same thought was first, or waits for us. */
static int create(struct book *book, int64_t now)
{
        struct kind kind;
        int r = book_begin(book);
        if (r == 0)
                r = look_at_kind(book, &kind);
        if (r == 0)
                r = is_blank(&kind) ? write_beginning(book, now) : judge_kind(book, &kind);
        if (r == 0)
                return book_commit(book);
        book_rollback(book);
        return r;
}

/* A disk of another machine cannot do this, and would lose what two daemons write at once. */
static int switch_to_wal(struct book *book)
{
        _cleanup_statement_ sqlite3_stmt *statement = NULL;
        int r = book_prepare(book, &BOOK_QUERY("PRAGMA journal_mode = WAL", NULL), &statement);
        if (r == 0)
                r = book_step(book, statement);
        if (r != 1)
                return r;
        const char *mode = (const char *)sqlite3_column_text(statement, 0);
        if (!mode || strcmp(mode, "wal") != 0)
                return refuse(
                        book, "history.db", "this disk cannot keep a history: set [state] dir");
        return 0;
}

/* Two that begin at once stand in each other's way here, and SQLite lets nobody wait for that by itself. */
static int use_wal(struct book *book)
{
        int r = switch_to_wal(book);
        for (int ms = 0; r == OUTCOME_CANNOT_RECORD && ms < BUSY_MS; ms += AGAIN_MS) {
                if ((sqlite3_errcode(book->db) & 0xff) != SQLITE_BUSY)
                        return r;
                (void)sqlite3_sleep(AGAIN_MS);
                r = switch_to_wal(book);
        }
        if (r == 0)
                book->trouble[0] = '\0';
        return r;
}

static int read_id(struct book *book)
{
        _cleanup_statement_ sqlite3_stmt *statement = NULL;
        int r = book_prepare(book,
                &BOOK_QUERY("SELECT json_extract(body, '$.id') FROM entry"
                            " WHERE seq = 1 AND json_extract(body, '$.event') = 'created'",
                        NULL),
                &statement);
        if (r == 0)
                r = book_step(book, statement);
        if (r < 0 || r == OUTCOME_CANNOT_RECORD)
                return r;
        const char *id = r == 1 ? (const char *)sqlite3_column_text(statement, 0) : NULL;
        if (!id || !history_is_hex(id, 32))
                return refuse(book, "history.db",
                        "has no beginning: see mohr history verify, then move it away");
        memcpy(book->id, id, sizeof book->id);
        return 0;
}

/* All of it at one moment: another process may be about to make a book of the same file. */
static int look_at_once(struct book *book, struct kind *ret)
{
        int r = say(book, "BEGIN");
        if (r == 0)
                r = look_at_kind(book, ret);
        book_rollback(book);
        return r;
}

static int become_book(struct book *book, int64_t now)
{
        struct kind kind;
        int r = look_at_once(book, &kind);
        if (r == 0 && !is_blank(&kind))
                r = judge_kind(book, &kind);
        if (r == 0)
                r = use_wal(book);
        if (r == 0 && is_blank(&kind))
                r = create(book, now);
        return r;
}

int book_open(struct book *book, int64_t now)
{
        book->trouble[0] = '\0';
        int r = connect_to(book);
        if (r == 0)
                r = become_book(book, now);
        if (r == 0)
                r = read_id(book);
        if (r == 0)
                r = book_check_end(book);
        if (r == 0)
                r = head_check(book);
        if (r != 0)
                book_close(book);
        return r;
}

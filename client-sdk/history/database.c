/* SPDX-License-Identifier: Apache-2.0 */
/* database.c: the rows of history.db, read and nothing else (ledger.h, docs/history.md "Rows").
 *
 * Before SQLite sees a path it is made sure that a plain file lies there: no link, no pipe. SQLite then opens it for
 * reading, runs nothing of the file's own schema (no view, no trigger, no computed column, no index; its own switch for
 * distrust cannot be used, as it takes JSON in an index for unsafe), gets no value that is longer than a row may be, and
 * is stopped after as many steps as the largest history takes. All is read in one transaction: a writer may go on.
 *
 * A history in WAL needs a little file beside it even of those who read. Where the folder cannot be written to, what
 * has no log left to look into is read as a file that nobody changes.
 */
#include "client-sdk/history/ledger.h"

#include "base/outcome.h"
#include "client-sdk/store.h"

#include <sqlite3.h>
#include <sys/stat.h>

#define APPLICATION_ID 0x4D6F6872
#define USER_VERSION   1
#define VALUE_MAX      65536 /* bytes; a body has at most a quarter of it */
#define STEPS_AT_ONCE  100000
#define STEPS_MAX      2000 /* times STEPS_AT_ONCE */
#define BUSY_MS        5000

struct reading {
        ledger_each each;
        void *user;
        char *problem;
        int64_t rows;
        unsigned int steps;
};

static void close_database(sqlite3 **db)
{
        sqlite3_close(*db);
}
#define _cleanup_database_ _cleanup_(close_database)

static void finalize(sqlite3_stmt **statement)
{
        sqlite3_finalize(*statement);
}
#define _cleanup_statement_ _cleanup_(finalize)

int ledger_folder(char **ret)
{
        char *path = NULL;
        int r = store_issuers(&path);
        if (r < 0)
                return r;
        *strrchr(path, '/') = '\0'; /* they lie in the same folder */
        *ret = path;
        return 0;
}

static int object_to(const struct reading *reading, const char *format, const char *text)
{
        snprintf(reading->problem, LEDGER_PROBLEM_MAX, format, text);
        return OUTCOME_INVALID;
}

/* What the file is to blame for is an answer; what the machine is to blame for is broken. */
static int failed(const struct reading *reading, sqlite3 *db, int code)
{
        static const struct {
                int code, error;
        } broken[] = {
                { SQLITE_NOMEM, -ENOMEM },
                { SQLITE_BUSY, -EBUSY },
                { SQLITE_LOCKED, -EBUSY },
                { SQLITE_PERM, -EACCES },
                { SQLITE_CANTOPEN, -EACCES },
                { SQLITE_IOERR, -EIO },
        };
        for (size_t i = 0; i < ARRAY_LEN(broken); i++)
                if (broken[i].code == (code & 0xFF))
                        return broken[i].error;
        return object_to(reading, "history.db: %s", db ? sqlite3_errmsg(db) : sqlite3_errstr(code));
}

static int stop_the_endless(void *user)
{
        struct reading *reading = user;
        return ++reading->steps > STEPS_MAX;
}

static void distrust(sqlite3 *db, struct reading *reading)
{
        static const struct {
                int option, value;
        } options[] = {
                { SQLITE_DBCONFIG_DEFENSIVE, 1 },
                { SQLITE_DBCONFIG_ENABLE_TRIGGER, 0 },
                { SQLITE_DBCONFIG_ENABLE_VIEW, 0 },
                { SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1 },
        };
        for (size_t i = 0; i < ARRAY_LEN(options); i++)
                sqlite3_db_config(db, options[i].option, options[i].value, NULL);
        sqlite3_limit(db, SQLITE_LIMIT_LENGTH, VALUE_MAX);
        sqlite3_limit(db, SQLITE_LIMIT_ATTACHED, 0);
        sqlite3_busy_timeout(db, BUSY_MS);
        sqlite3_progress_handler(db, STEPS_AT_ONCE, stop_the_endless, reading);
}

/* The first row's first number. */
static int number(sqlite3 *db, const char *sql, int64_t *ret)
{
        _cleanup_statement_ sqlite3_stmt *statement = NULL;
        int code = sqlite3_prepare_v2(db, sql, -1, &statement, NULL);
        if (code == SQLITE_OK)
                code = sqlite3_step(statement);
        if (code != SQLITE_ROW)
                return code == SQLITE_DONE ? SQLITE_CORRUPT : code;
        *ret = sqlite3_column_int64(statement, 0);
        return SQLITE_OK;
}

/* Made, and nothing written yet: the first request may be on its way. */
static int is_begun(sqlite3 *db, const struct reading *reading)
{
        int64_t application = 0, objects = 0;
        int code = number(db, "PRAGMA application_id", &application);
        if (code == SQLITE_OK)
                code = number(db, "SELECT count(*) FROM sqlite_schema", &objects);
        if (code != SQLITE_OK)
                return failed(reading, db, code);
        return application == 0 && objects == 0 ? -ENOENT : 0;
}

static int is_history(sqlite3 *db, const struct reading *reading)
{
        static const struct {
                const char *sql;
                int64_t wanted;
                const char *problem;
                int newer; /* what a larger number means */
        } rows[] = {
                { "PRAGMA application_id", APPLICATION_ID,
                        "history.db is a database of something else", 0 },
                { "PRAGMA user_version", USER_VERSION,
                        "history.db has a version that is not known here", -EPROTONOSUPPORT },
                { "SELECT count(*) FROM pragma_table_list('entry') WHERE schema = 'main' AND type "
                  "= 'table'"
                  " AND ncol = 4 AND wr = 0 AND strict = 1",
                        1, "history.db has not the table of a history", 0 },
                { "SELECT count(*) FROM pragma_table_xinfo('entry') WHERE hidden = 0 AND"
                  " (name, type, pk) IN (VALUES ('seq', 'INTEGER', 1), ('body', 'TEXT', 0),"
                  " ('digest', 'BLOB', 0), ('link', 'BLOB', 0))",
                        4, "history.db has not the columns of a history", 0 },
        };
        for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
                int64_t value = 0;
                int code = number(db, rows[i].sql, &value);
                if (code != SQLITE_OK)
                        return failed(reading, db, code);
                if (value > rows[i].wanted && rows[i].newer)
                        return rows[i].newer;
                if (value != rows[i].wanted)
                        return object_to(reading, "%s", rows[i].problem);
        }
        return 0;
}

/* 0, 1 for what is no digest. */
static int take_hash(sqlite3_stmt *statement, int column, uint8_t ret[static LEDGER_HASH])
{
        if (sqlite3_column_type(statement, column) != SQLITE_BLOB)
                return 1;
        const void *data = sqlite3_column_blob(statement, column);
        if (sqlite3_column_bytes(statement, column) != LEDGER_HASH)
                return 1;
        if (!data)
                return -ENOMEM;
        memcpy(ret, data, LEDGER_HASH);
        return 0;
}

/* The same for a body, which need not be there. */
static int take_body(sqlite3_stmt *statement, int column, struct ledger_row *ret)
{
        int type = sqlite3_column_type(statement, column);
        if (type != SQLITE_TEXT)
                return type != SQLITE_NULL;
        ret->body = (const char *)sqlite3_column_text(statement, column);
        ret->len = (size_t)sqlite3_column_bytes(statement, column);
        return ret->body ? 0 : -ENOMEM;
}

static int tell_row(struct reading *reading, sqlite3_stmt *statement)
{
        struct ledger_row row = { .seq = sqlite3_column_int64(statement, 0) };
        char seq[24];
        snprintf(seq, sizeof seq, "%lld", (long long)row.seq);
        int r = take_body(statement, 1, &row);
        if (r == 0)
                r = take_hash(statement, 2, row.digest);
        if (r == 0)
                r = take_hash(statement, 3, row.link);
        if (r > 0)
                return object_to(reading, "row %s has values of other types than a row's", seq);
        if (r == 0 && ++reading->rows > LEDGER_ROWS_MAX)
                return object_to(reading, "more rows than can be read, up to %s", seq);
        return r == 0 ? reading->each(reading->user, &row) : r;
}

/* By the table itself, in its own order: an index of the file could say anything. */
static int tell_rows(struct reading *reading, sqlite3 *db)
{
        _cleanup_statement_ sqlite3_stmt *statement = NULL;
        int code = sqlite3_prepare_v2(db,
                "SELECT seq, body, digest, link FROM entry NOT INDEXED ORDER BY seq", -1,
                &statement, NULL);
        while (code == SQLITE_OK || code == SQLITE_ROW) {
                code = sqlite3_step(statement);
                int r = code == SQLITE_ROW ? tell_row(reading, statement) : 0;
                if (r != 0)
                        return r;
        }
        return code == SQLITE_DONE ? 0 : failed(reading, db, code);
}

/* A path as SQLite takes it in the form of a URI. */
static char *uri_of(const char *path)
{
        static const char plain[] =
                "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789/._-";
        static const char tail[] = "?immutable=1";
        char *uri = malloc(strlen("file:") + 3 * strlen(path) + sizeof tail), *at = uri;
        if (!uri)
                return NULL;
        at = stpcpy(at, "file:");
        for (; *path; path++)
                if (strchr(plain, *path))
                        *at++ = *path;
                else
                        at += snprintf(at, 4, "%%%02X", (unsigned char)*path);
        stpcpy(at, tail);
        return uri;
}

static int open_database(sqlite3 **ret, const char *path, bool unchanging, struct reading *reading)
{
        const int flags = SQLITE_OPEN_READONLY | SQLITE_OPEN_NOFOLLOW | SQLITE_OPEN_PRIVATECACHE |
                          SQLITE_OPEN_EXRESCODE | (unchanging ? SQLITE_OPEN_URI : 0);
        _cleanup_free_ char *uri = unchanging ? uri_of(path) : NULL;
        if (unchanging && !uri)
                return SQLITE_NOMEM;
        int code = sqlite3_open_v2(unchanging ? uri : path, ret, flags, NULL);
        if (code != SQLITE_OK)
                return code;
        distrust(*ret, reading);
        code = sqlite3_exec(
                *ret, "BEGIN; PRAGMA mmap_size = 0; PRAGMA cell_size_check = ON", NULL, NULL, NULL);
        int64_t pages;
        return code == SQLITE_OK ? number(*ret, "SELECT count(*) FROM sqlite_schema", &pages)
                                 : code;
}

static int read_database(const char *path, bool unchanging, struct reading *reading, int *ret_code)
{
        _cleanup_database_ sqlite3 *db = NULL;
        *ret_code = open_database(&db, path, unchanging, reading);
        int r = *ret_code == SQLITE_OK ? is_begun(db, reading) : failed(reading, db, *ret_code);
        if (r == 0)
                r = is_history(db, reading);
        return r == 0 ? tell_rows(reading, db) : r;
}

/* What SQLite keeps beside a database, and opens by itself. */
static int look_beside(const char *path, const struct reading *reading, bool *ret_log)
{
        static const char *const tails[] = { "-wal", "-journal", "-shm" };
        *ret_log = false;
        for (size_t i = 0; i < ARRAY_LEN(tails); i++) {
                _cleanup_free_ char *beside = NULL;
                struct stat st;
                if (asprintf(&beside, "%s%s", path, tails[i]) < 0) {
                        beside = NULL;
                        return -ENOMEM;
                }
                if (lstat(beside, &st) < 0)
                        continue;
                if (!S_ISREG(st.st_mode))
                        return object_to(reading, "history.db%s is no plain file", tails[i]);
                *ret_log |= i < 2 && st.st_size > 0;
        }
        return 0;
}

static int read_file(const char *path, struct reading *reading)
{
        struct stat st;
        int code = 0;
        bool log = false;
        if (lstat(path, &st) < 0)
                return -errno;
        if (!S_ISREG(st.st_mode))
                return object_to(reading, "%s", "history.db is no plain file");
        int r = look_beside(path, reading, &log);
        if (r != 0)
                return r;
        r = read_database(path, false, reading, &code);
        bool cannot_share = (code & 0xFF) == SQLITE_CANTOPEN || (code & 0xFF) == SQLITE_READONLY;
        if (!cannot_share)
                return r;
        if (log)
                return object_to(reading, "%s",
                        "history.db has a log beside it, and its folder cannot be written to: "
                        "read a copy of the folder");
        return read_database(path, true, reading, &code);
}

int ledger_read(
        const char *folder, ledger_each each, void *user, char problem[static LEDGER_PROBLEM_MAX])
{
        struct reading reading = { .each = each, .user = user, .problem = problem };
        /* A home may be reached by a link; what lies in the folder must not be one. */
        _cleanup_free_ char *real = realpath(folder, NULL), *path = NULL;
        if (!real)
                return -errno;
        if (asprintf(&path, "%s/history.db", real) < 0) {
                path = NULL;
                return -ENOMEM;
        }
        return read_file(path, &reading);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* test_inject_ledger.c: a history read, checked, exported and read again while memory and system calls fail, SQLite's
 * memory included. Whatever fails: nobody is told that a whole history is not, or one that is not whole is.
 */
#include "client-sdk/history/ledger.h"
#include "tests/support/inject.h"

#include "base/bytes.h"

#include <malloc.h>
#include <setjmp.h>
#include <sqlite3.h>
#include <stdarg.h>
#include <cmocka.h>

#define OWN     INJECT(INJECT_MEMORY | INJECT_SYSTEM)
#define OPENSSL INJECT_EVERY(INJECT_OPENSSL, 7)
#define ROWS    5

static const struct inject sweeps[] = { OWN, OPENSSL };
static const char *const bodies[ROWS] = {
        "{\"at\":1,\"event\":\"created\",\"id\":\"00112233445566778899aabbccddeeff\"}",
        "{\"app\":\"unknown\",\"at\":2,\"event\":\"asked\",\"method\":\"Assert\",\"pid\":1,"
        "\"request\":\"0123456789abcdef0123456789abcdef\",\"required\":[\"reader\"],\"uid\":0}",
        "{\"at\":3,\"event\":\"ended\",\"outcome\":\"WrongPin\","
        "\"request\":\"0123456789abcdef0123456789abcdef\",\"tries_left\":2}",
        "{\"app\":\"unknown\",\"at\":4,\"event\":\"refused\",\"why\":\"paused\"}",
        "{\"at\":5,\"event\":\"pruned\",\"through\":2}",
};

struct fixture {
        char dir[64];
        struct ledger_row rows[ROWS];
};

/* ---- SQLite's memory comes from where ours does ---- */

static void *take(int len)
{
        return malloc((size_t)len);
}

static void *take_again(void *old, int len)
{
        return realloc(old, (size_t)len);
}

static int size_of(void *block)
{
        return (int)malloc_usable_size(block);
}

static int round_up(int len)
{
        return (len + 7) & ~7;
}

static int start(void *user)
{
        (void)user;
        return SQLITE_OK;
}

static void stop(void *user)
{
        (void)user;
}

static void use_our_memory(void)
{
        const sqlite3_mem_methods methods = { take, free, take_again, size_of, round_up, start,
                stop, NULL };
        assert_int_equal(sqlite3_config(SQLITE_CONFIG_MALLOC, &methods), SQLITE_OK);
}

/* ---- A history ---- */

static void make_rows(struct fixture *f)
{
        static const uint8_t nothing[LEDGER_HASH];
        for (int i = 0; i < ROWS; i++) {
                struct ledger_row *row = &f->rows[i];
                *row = (struct ledger_row){
                        .seq = i + 1, .body = bodies[i], .len = strlen(bodies[i])
                };
                assert_true(ledger_hash(row->body, row->len, row->digest));
                assert_true(ledger_link(
                        i ? f->rows[i - 1].link : nothing, row->seq, row->digest, row->link));
        }
}

static void write_file(const char *path, const struct ledger_row *rows)
{
        sqlite3 *db = NULL;
        sqlite3_stmt *insert = NULL;
        unlink(path);
        assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
        assert_int_equal(sqlite3_exec(db,
                                 "PRAGMA application_id = 0x4D6F6872; PRAGMA user_version = 1;"
                                 "CREATE TABLE entry (seq INTEGER PRIMARY KEY, body TEXT, digest "
                                 "BLOB NOT NULL,"
                                 " link BLOB NOT NULL) STRICT",
                                 NULL, NULL, NULL),
                SQLITE_OK);
        assert_int_equal(
                sqlite3_prepare_v2(db, "INSERT INTO entry VALUES (?, ?, ?, ?)", -1, &insert, NULL),
                SQLITE_OK);
        for (int i = 0; i < ROWS; i++) {
                sqlite3_bind_int64(insert, 1, rows[i].seq);
                sqlite3_bind_text(insert, 2, rows[i].body, (int)rows[i].len, SQLITE_STATIC);
                sqlite3_bind_blob(insert, 3, rows[i].digest, LEDGER_HASH, SQLITE_STATIC);
                sqlite3_bind_blob(insert, 4, rows[i].link, LEDGER_HASH, SQLITE_STATIC);
                assert_int_equal(sqlite3_step(insert), SQLITE_DONE);
                sqlite3_reset(insert);
        }
        sqlite3_finalize(insert);
        sqlite3_close(db);
}

static void write_head(const struct fixture *f)
{
        char path[128], link[2 * LEDGER_HASH + 1];
        snprintf(path, sizeof path, "%s/history.head", f->dir);
        hex_encode(link, f->rows[ROWS - 1].link, LEDGER_HASH);
        FILE *to = fopen(path, "w");
        assert_non_null(to);
        fprintf(to, "mohr-history-1 00112233445566778899aabbccddeeff %d %s\n", ROWS, link);
        assert_int_equal(fclose(to), 0);
}

static void write_history(const struct fixture *f, const struct ledger_row *rows)
{
        char path[128];
        snprintf(path, sizeof path, "%s/history.db", f->dir);
        write_file(path, rows);
        write_head(f);
}

static int set_up(void **state)
{
        static struct fixture fixture = { .dir = "/tmp/ledger-XXXXXX" };
        assert_non_null(mkdtemp(fixture.dir));
        make_rows(&fixture);
        *state = &fixture;
        return 0;
}

static int tear_down(void **state)
{
        struct fixture *f = *state;
        char command[128];
        snprintf(command, sizeof command, "rm -r %s", f->dir);
        return system(command);
}

/* ---- Reading one ---- */

/* The whole way of mohr history verify. */
static int read_all(const struct fixture *f, struct ledger_check **ret, char *problem)
{
        _cleanup_anchors_ struct ledger_anchors anchors = { 0 };
        struct ledger_anchor head;
        int r = ledger_check_new(ret), head_read = ledger_head(f->dir, &head);
        if (r == 0 && head_read < 0)
                r = head_read;
        if (r == 0 && head_read == 0)
                r = ledger_anchors_add(&anchors, &head);
        if (r == 0)
                r = ledger_read(f->dir, ledger_check_row, *ret, problem);
        return r == 0 ? ledger_check_end(*ret, &anchors, head_read) : r;
}

static void a_whole_history_is_never_called_anything_else(void **state)
{
        struct fixture *f = *state;
        write_history(f, f->rows);
        FOR_EACH_FAILURE(in, sweeps)
        {
                _cleanup_check_ struct ledger_check *check = NULL;
                char problem[LEDGER_PROBLEM_MAX] = "";
                inject_arm(&in);
                int r = read_all(f, &check, problem);
                inject_disarm(&in);
                EXPECT_TELLING(in, problem, r <= 0);
                EXPECT(in, r < 0 || ledger_check_sum(check)->findings == 0);
                EXPECT(in, r < 0 || ledger_check_sum(check)->anchored == ROWS);
                EXPECT(in, in.failed || r == 0);
        }
}

static void one_that_is_not_whole_is_never_called_whole(void **state)
{
        struct fixture *f = *state;
        struct ledger_row rows[ROWS];
        memcpy(rows, f->rows, sizeof rows);
        rows[1].body = bodies[3];
        rows[1].len = strlen(bodies[3]);
        rows[2].link[0] ^= 1;
        write_history(f, rows);
        FOR_EACH_FAILURE(in, sweeps)
        {
                _cleanup_check_ struct ledger_check *check = NULL;
                char problem[LEDGER_PROBLEM_MAX] = "";
                inject_arm(&in);
                int r = read_all(f, &check, problem);
                inject_disarm(&in);
                EXPECT_TELLING(in, problem, r <= 0);
                EXPECT(in, r < 0 || ledger_check_sum(check)->findings == 3);
                EXPECT(in, in.failed || r == 0);
        }
}

/* ---- Exports ---- */

static int write_export(const struct fixture *f, FILE *to)
{
        struct ledger_anchor head = { .id = "00112233445566778899aabbccddeeff", .seq = ROWS };
        int r = 0;
        memcpy(head.link, f->rows[ROWS - 1].link, LEDGER_HASH);
        for (int i = 0; r == 0 && i < ROWS; i++)
                r = ledger_export_row(to, &f->rows[i]);
        if (r == 0)
                r = ledger_export_head(to, &head);
        return r == 0 ? ledger_export_signature(to, "a.b.c") : r;
}

static char *calm_export(const struct fixture *f, size_t *ret_len)
{
        char *text = NULL;
        FILE *to = open_memstream(&text, ret_len);
        assert_non_null(to);
        assert_int_equal(write_export(f, to), 0);
        fclose(to);
        return text;
}

static void an_export_is_written_whole_or_it_is_said(void **state)
{
        struct fixture *f = *state;
        size_t calm_len = 0;
        _cleanup_free_ char *calm = calm_export(f, &calm_len);
        FOR_EACH_FAILURE(in, sweeps)
        {
                char text[4096];
                FILE *to = fmemopen(text, sizeof text, "w");
                inject_arm(&in);
                int r = write_export(f, to);
                inject_disarm(&in);
                fclose(to);
                EXPECT(in, r < 0 || memcmp(text, calm, calm_len) == 0);
                EXPECT(in, in.failed || r == 0);
        }
}

/* jansson 2.14 ends the process where it has no memory in the middle of an escape, of which an export is full; so its memory
 * does not fail here. No answer is no wrong answer. */
static void an_export_that_is_whole_is_never_called_anything_else(void **state)
{
        const struct inject others[] = { INJECT(INJECT_SYSTEM), INJECT(INJECT_OPENSSL) };
        struct fixture *f = *state;
        size_t len = 0;
        _cleanup_free_ char *text = calm_export(f, &len);
        FOR_EACH_FAILURE(in, others)
        {
                _cleanup_check_ struct ledger_check *check = NULL;
                _cleanup_anchors_ struct ledger_anchors anchors = { 0 };
                _cleanup_export_ struct ledger_export read = { 0 };
                char problem[LEDGER_PROBLEM_MAX] = "", nonce[LEDGER_NONCE_CAP] = "";
                inject_arm(&in);
                int r = ledger_check_new(&check);
                if (r == 0)
                        r = ledger_export_read(text, len, ledger_check_row, check, &read, problem);
                if (r == 0)
                        r = ledger_anchors_add(&anchors, &read.head);
                if (r == 0)
                        r = ledger_check_end(check, &anchors, 0);
                if (r == 0 && !ledger_export_nonce(text, read.signed_len, nonce))
                        r = -ENOMEM;
                inject_disarm(&in);
                EXPECT_TELLING(in, problem, r <= 0);
                EXPECT(in, r < 0 || ledger_check_sum(check)->findings == 0);
                EXPECT(in, r < 0 || strlen(nonce) == LEDGER_NONCE_CAP - 1);
                EXPECT(in, in.failed || r == 0);
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(a_whole_history_is_never_called_anything_else),
                cmocka_unit_test(one_that_is_not_whole_is_never_called_whole),
                cmocka_unit_test(an_export_is_written_whole_or_it_is_said),
                cmocka_unit_test(an_export_that_is_whole_is_never_called_anything_else),
        };
        inject_init();
        use_our_memory();
        return cmocka_run_group_tests(tests, set_up, tear_down);
}

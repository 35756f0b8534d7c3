/* SPDX-License-Identifier: Apache-2.0 */
/* test_history_book.c: the file of the history: whose it must be, what may be in it, what is never overwritten; two
 * writers at once; requests that nobody ended. What is old: test_history_prune.c.
 */
#include "tests/unit/history_world.h"

#include "base/clock.h"
#include "daemon/history/head.h"
#include "daemon/history/owner.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>

static void put_file(const struct world *world, const char *name, const char *text)
{
        char path[128];
        path_in(world, name, path);
        FILE *file = fopen(path, "w");
        assert_non_null(file);
        assert_true(fputs(text, file) >= 0);
        assert_int_equal(fclose(file), 0);
}

static void get_file(const struct world *world, const char *name, char *dst, size_t cap)
{
        char path[128];
        path_in(world, name, path);
        FILE *file = fopen(path, "r");
        assert_non_null(file);
        dst[fread(dst, 1, cap - 1, file)] = '\0';
        assert_int_equal(fclose(file), 0);
}

static void expect_refused(struct world *world, const char *name, const char *why)
{
        world_asked(world);
        assert_int_equal(world_ask(world), OUTCOME_CANNOT_RECORD);
        if (!strstr(world->reply.detail, name) || !strstr(world->reply.detail, why))
                fail_msg("says only: %s", world->reply.detail);
}

/* ---- whose it is ---- */

static void folder_and_file_are_ours_alone(void **state)
{
        struct world *world = *state;
        char path[128];
        struct stat st;
        umask(022);
        char *inner = strdup(world->dir);
        snprintf(world->dir, sizeof world->dir, "%s/a/b", inner);
        world_request(world, "Ok");
        assert_int_equal(stat(world->dir, &st), 0);
        assert_int_equal(st.st_mode & 07777, 0700);
        static const char *const names[] = { "history.db", "history.db-wal", "history.head" };
        for (size_t i = 0; i < ARRAY_LEN(names); i++) {
                path_in(world, names[i], path);
                assert_int_equal(stat(path, &st), 0);
                assert_int_equal(st.st_mode & 07777, 0600);
        }
        strcpy(world->dir, inner);
        free(inner);
}

static void a_link_is_not_followed(void **state)
{
        static const char *const names[] = { "history.db", "history.db-journal", "history.db-wal",
                "history.db-shm", "history.head", "history.room" };
        struct world *world = *state;
        char path[128], other[128];
        path_in(world, "elsewhere", other);
        for (size_t i = 0; i < ARRAY_LEN(names); i++) {
                path_in(world, names[i], path);
                assert_int_equal(symlink(other, path), 0);
                expect_refused(world, names[i], "is a link");
                assert_int_equal(access(other, F_OK), -1);
                assert_int_equal(unlink(path), 0);
                put_file(world, "elsewhere", "");
                assert_int_equal(link(other, path), 0);
                expect_refused(world, names[i], "is a link");
                assert_int_equal(unlink(path) + unlink(other), 0);
                assert_int_equal(mkdir(path, 0700), 0);
                expect_refused(world, names[i], "no file");
                assert_int_equal(rmdir(path), 0);
        }
        char *real = strdup(world->dir);
        snprintf(world->dir, sizeof world->dir, "%s/x", real);
        assert_int_equal(symlink(real, world->dir), 0);
        world_restart(world);
        expect_refused(world, world->dir, "the history cannot be kept there");
        strcpy(world->dir, real);
        free(real);
        world_restart(world);
        world_request(world, "Ok");
}

static void what_others_may_write_to_is_not_used(void **state)
{
        struct world *world = *state;
        char path[128];
        put_file(world, "history.db", "");
        path_in(world, "history.db", path);
        assert_int_equal(chmod(path, 0620), 0);
        expect_refused(world, "history.db", "others may write");
        assert_int_equal(chmod(path, 0600) + chmod(world->dir, 0702), 0);
        expect_refused(world, world->dir, "others may write");
        assert_int_equal(chmod(world->dir, 0700), 0);
        if (geteuid() == 0) {
                assert_int_equal(chown(path, 12345, 12345), 0);
                expect_refused(world, "history.db", "another user");
                assert_int_equal(chown(path, 0, 0), 0);
        }
        world_request(world, "Ok");
        world_expect_whole(world, 3);
}

/* ---- what it is ---- */

static void what_is_no_history_is_left_alone(void **state)
{
        struct world *world = *state;
        char text[64], path[128];
        path_in(world, "history.db", path);
        put_file(world, "history.db",
                "these are somebody's notes, longer than a header of a database is, so that "
                "nobody takes them for one. And a little more.\n");
        expect_refused(world, "history.db", "move it away");
        get_file(world, "history.db", text, sizeof text);
        assert_memory_equal(text, "these are somebody's notes", 26);
        assert_int_equal(unlink(path), 0);

        meddle(world, "CREATE TABLE notes (text); PRAGMA user_version = 1");
        expect_refused(world, "history.db", "another program's");
        assert_int_equal(count(world, "SELECT count(*) FROM sqlite_schema"), 1);
        assert_int_equal(unlink(path), 0);

        meddle(world, "PRAGMA application_id = 1299146866; PRAGMA user_version = 2; CREATE TABLE "
                      "entry (a)");
        expect_refused(world, "history.db", "newer version of mohr: update");
        assert_int_equal(unlink(path), 0);
        world_request(world, "Ok"); /* and without anything started anew */
}

static void what_was_put_into_it_is_not_run(void **state)
{
        static const char *const hands[][2] = {
                { "CREATE TRIGGER t AFTER INSERT ON entry BEGIN DELETE FROM entry; END",
                        "DROP TRIGGER t" },
                { "CREATE VIEW v AS SELECT 1", "DROP VIEW v" },
                { "CREATE TABLE more (a)", "DROP TABLE more" },
                { "CREATE INDEX more ON entry (abs(seq))", "DROP INDEX more" },
                { "DROP INDEX entry_grant; CREATE INDEX entry_grant ON entry (seq)",
                        "DROP INDEX entry_grant; CREATE INDEX entry_grant ON entry "
                        "(json_extract(body, '$.grant'))" },
        };
        struct world *world = *state;
        world_request(world, "Ok");
        for (size_t i = 0; i < ARRAY_LEN(hands); i++) {
                world_restart(world);
                meddle(world, hands[i][0]);
                expect_refused(world, "history.db", "changed by another program");
                meddle(world, hands[i][1]);
        }
        world_request(world, "Ok");
        world_expect_whole(world, 5);
}

static void a_last_row_that_was_changed_is_the_last(void **state)
{
        static const char *const hands[][2] = {
                { "UPDATE entry SET body = replace(body, 'office', 'casino') WHERE seq = 4",
                        "last row" },
                { "UPDATE entry SET digest = zeroblob(32) WHERE seq = 4", "last row" },
                { "UPDATE entry SET link = zeroblob(32) WHERE seq = 4", "last row" },
                { "UPDATE entry SET link = x'00' WHERE seq = 4", "last row" },
                { "DELETE FROM entry WHERE seq = 3", "last row" },
                { "DELETE FROM entry WHERE seq > 2", "names a row" },
                { "DELETE FROM entry WHERE seq = 1", "no beginning" },
                { "DELETE FROM entry", "no beginning" },
                { "UPDATE entry SET seq = 9 WHERE seq = 4", "last row" },
                { "UPDATE entry SET seq = -4 WHERE seq = 1", "no beginning" },
                { "UPDATE entry SET body = replace(body, 'created', 'creates') WHERE seq = 1",
                        "no beginning" },
                { "UPDATE entry SET body = '{' WHERE seq = 1", "not as mohr left it" },
        };
        for (size_t i = 0; i < ARRAY_LEN(hands); i++) {
                struct world *world = NULL;
                assert_int_equal(world_set_up((void **)&world), 0);
                world_request(world, "Ok");
                world_asked(world);
                assert_int_equal(world_ask(world), 0);
                world_restart(world);
                meddle(world,
                        "DROP INDEX entry_event; DROP INDEX entry_app; DROP INDEX entry_request;"
                        "DROP INDEX entry_grant; DROP INDEX entry_signed");
                meddle(world, hands[i][0]);
                if (i + 1 < ARRAY_LEN(hands))
                        meddle(world,
                                "CREATE INDEX entry_event ON entry (json_extract(body, '$.event'));"
                                "CREATE INDEX entry_app ON entry (json_extract(body, '$.event'), "
                                "json_extract(body, '$.app'));"
                                "CREATE INDEX entry_request ON entry (json_extract(body, "
                                "'$.request'));"
                                "CREATE INDEX entry_grant ON entry (json_extract(body, '$.grant'));"
                                "CREATE INDEX entry_signed ON entry (json_extract(body, "
                                "'$.signed_request'))");
                int64_t rows = count(world, "SELECT count(*) FROM entry");
                expect_refused(world, world->dir,
                        i + 1 < ARRAY_LEN(hands) ? hands[i][1] : "changed by another");
                assert_int_equal(count(world, "SELECT count(*) FROM entry"), rows);
                world_tear_down((void **)&world);
        }
        (void)state;
}

/* Damage anywhere in the file: it is refused, or what it says is still what was written; never a crash. */
static void a_damaged_file_is_refused_or_right(void **state)
{
        struct world *world = *state;
        char path[128], byte;
        path_in(world, "history.db", path);
        for (int i = 0; i < 3; i++)
                world_request(world, "Ok");
        world_restart(world);
        int fd = open(path, O_RDWR | O_CLOEXEC);
        off_t size = lseek(fd, 0, SEEK_END);
        unsigned int refused = 0, tried = 0;
        for (off_t at = 0; at < size; at += at < 1024 ? 37 : 997, tried++) {
                assert_int_equal(pread(fd, &byte, 1, at), 1);
                char bad = (char)~byte;
                assert_int_equal(pwrite(fd, &bad, 1, at), 1);
                world->frame = (struct history_frame){ .op = HISTORY_GRANTS };
                int r = world_ask(world);
                assert_true(r == 0 || r == OUTCOME_CANNOT_RECORD);
                refused += r != 0;
                world_restart(world);
                assert_int_equal(pwrite(fd, &byte, 1, at), 1);
        }
        close(fd);
        assert_in_range(refused, 3, tried);
}

/* ---- the anchor ---- */

static void a_head_that_does_not_fit_stops_everything(void **state)
{
        static const char *const heads[] = { "", "mohr-history-1", "mohr-history-2 x 1 y\n",
                "mohr-history-1 00000000000000000000000000000000 3 "
                "0000000000000000000000000000000000000000000000000000000000000000\n",
                "mohr-history-1 00000000000000000000000000000000 99999999999999999999999999999 "
                "0000000000000000000000000000000000000000000000000000000000000000\n" };
        struct world *world = *state;
        char before[256], after[256], ahead[256], id[64], link[128];
        world_request(world, "Ok");
        get_file(world, "history.head", before, sizeof before);
        for (size_t i = 0; i < ARRAY_LEN(heads); i++) {
                world_restart(world);
                put_file(world, "history.head", heads[i]);
                expect_refused(world, "history.head", "move");
                get_file(world, "history.head", after, sizeof after);
                assert_string_equal(after, heads[i]);
        }
        assert_int_equal(sscanf(before, "mohr-history-1 %63s 3 %127s", id, link), 2);
        snprintf(ahead, sizeof ahead, "mohr-history-1 %s 4 %s\n", id, link);
        put_file(world, "history.head", ahead);
        expect_refused(world, "history.head", "names a row that history.db does not have");
        put_file(world, "history.head", before);
        world_request(world, "Ok");
        world_expect_whole(world, 5);
}

static void a_file_that_is_taken_away_is_missed_at_once(void **state)
{
        struct world *world = *state;
        char path[128], head[128];
        path_in(world, "history.db", path);
        path_in(world, "history.head", head);
        world_request(world, "Ok");
        assert_int_equal(unlink(path), 0);
        expect_refused(world, "history.head", "belongs to another history.db");
        assert_int_equal(unlink(head), 0);
        world_request(
                world, "Ok"); /* another history; the journal's anchors are of the first one */
        world_expect_whole(world, 3);

        char moved[128];
        snprintf(moved, sizeof moved, "%s.moved", world->dir);
        assert_int_equal(rename(world->dir, moved), 0);
        assert_false(clerk_is_stale(world->clerk));
        world_asked(world);
        assert_int_equal(world_ask(world), 0); /* a new folder, where nothing forbids to make one */
        assert_true(clerk_is_stale(world->clerk));
        char command[160];
        snprintf(command, sizeof command, "rm -rf %s", moved);
        assert_int_equal(system(command), 0);
}

static void what_was_not_anchored_is_anchored_with_the_next(void **state)
{
        struct world *world = *state;
        char path[128];
        world_request(world, "Ok");
        path_in(world, "history.head", path);
        assert_int_equal(unlink(path), 0);
        assert_int_equal(mkdir(path, 0700), 0); /* cannot be replaced */
        world_asked(world);
        assert_int_equal(world_ask(world), 0);
        world_ended(world, "Ok");
        assert_int_equal(
                world_ask(world), 0); /* the row is on the disk: that is what was promised */
        assert_non_null(strstr(world->reply.detail, "history.head"));
        assert_string_equal(world->reply.history, "");
        assert_int_equal(rmdir(path), 0);
        world_asked(world);
        assert_int_equal(world_ask(world), 0);
        assert_int_equal(world->reply.seq, 6);
        world_expect_whole(world, 6);
}

/* ---- several at once ---- */

/* Like mohrd, a writer does not come again at once, and later on a machine that is slow: whoever waits for SQLite's lock looks now and
 * then, and is not in a queue. */
static void write_rows(struct world *world)
{
        for (int n = 0; n < 12; n++) {
                int64_t began = clock_ms();
                world_request(world, n % 2 ? "Ok" : "TimedOut");
                usleep((useconds_t)(4000 * (clock_ms() - began)));
        }
}

static void many_writers_make_one_chain(void **state)
{
        struct world *world = *state;
        pid_t writers[4];
        for (size_t i = 0; i < ARRAY_LEN(writers); i++) {
                writers[i] = fork();
                assert_true(writers[i] >= 0);
                if (writers[i] != 0)
                        continue;
                world->requests = (unsigned int)(1000 * (i + 1));
                write_rows(world);
                clerk_free(world->clerk);
                _exit(0);
        }
        for (size_t i = 0; i < ARRAY_LEN(writers); i++) {
                int status = -1;
                assert_int_equal(waitpid(writers[i], &status, 0), writers[i]);
                assert_int_equal(status, 0);
        }
        world_expect_whole(world, 1 + 4 * 12 * 2);
}

static pid_t begin_when_told(struct world *world, const int gate[2], unsigned int number)
{
        char none;
        pid_t pid = fork();
        assert_true(pid >= 0);
        if (pid != 0)
                return pid;
        close(gate[1]);
        if (read(gate[0], &none, 1) != 0)
                _exit(2);
        world->requests = number;
        world_asked(world);
        _exit(world_ask(world) == 0 ? 0 : 1);
}

/* One folder, no history yet, and four that find so at the same moment. */
static void several_begin_at_once(void **state)
{
        (void)state;
        for (int round = 0; round < 12; round++) {
                void *fresh = NULL;
                int gate[2], status = -1;
                pid_t pids[4];
                assert_int_equal(world_set_up(&fresh), 0);
                assert_int_equal(pipe(gate), 0);
                for (size_t i = 0; i < ARRAY_LEN(pids); i++)
                        pids[i] = begin_when_told(fresh, gate, (unsigned int)i);
                close(gate[1]);
                for (size_t i = 0; i < ARRAY_LEN(pids); i++) {
                        assert_int_equal(waitpid(pids[i], &status, 0), pids[i]);
                        assert_int_equal(status, 0);
                }
                close(gate[0]);
                assert_int_equal(world_read(fresh).findings, 0);
                assert_int_equal(world_tear_down(&fresh), 0);
        }
}

/* ---- who never came to an end ---- */

static void an_end_nobody_will_write_is_written(void **state)
{
        struct world *world = *state;
        for (int i = 0; i < 4; i++) {
                world_asked(world);
                assert_int_equal(world_ask(world), 0);
        }
        world_restart(world);
        meddle(world,
                "UPDATE open SET pid = 2147483646 WHERE rowid = 1;"  /* there is no such process */
                "UPDATE open SET start = start + 1 WHERE rowid = 2;" /* another of this number */
                "UPDATE open SET boot = 'x' || boot WHERE rowid = 3"); /* of another start of the machine */
        world_ended(world, "Ok");
        assert_int_equal(world_ask(world), 0); /* the fourth is alive */
        struct ledger_sum sum = world_read(world);
        assert_int_equal(sum.findings, 0);
        assert_int_equal(sum.interrupted, 3);
        assert_int_equal(sum.unanswered, 0);
        world->requests = 1;
        world_ended(world, "Ok"); /* and comes too late */
        assert_int_equal(world_ask(world), OUTCOME_USAGE);
}

/* A name that is found and cannot be taken out would be found again for ever. */
static void a_notebook_that_was_changed_keeps_nobody(void **state)
{
        struct world *world = *state;
        world_request(world, "Ok");
        world_restart(world);
        meddle(world, "INSERT INTO open VALUES ('0123456789abcdef0123456789abcdef' || char(0), "
                      "'another start', 1, 1)");
        alarm(360);
        world_request(world, "Ok");
        alarm(0);
        world_expect_whole(world, 5);
}

static void one_that_cannot_be_seen_is_not_given_up(void **state)
{
        struct world *world = *state;
        world_asked(world);
        assert_int_equal(world_ask(world), 0);
        world_restart(world);
        meddle(world, "UPDATE open SET boot = substr(boot, 1, 37) || 'pid:[1]', pid = 2147483646");
        world_request(world, "Ok");
        assert_int_equal(world_read(world).interrupted, 0);
        world_restart(world);
        meddle(world, "UPDATE open SET request = 'nonsense'");
        world_request(world, "Ok");
        world_expect_whole(world, 6);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, world_set_up, world_tear_down)

int main(void)
{
        const struct CMUnitTest tests[] = {
                CASE(folder_and_file_are_ours_alone),
                CASE(a_link_is_not_followed),
                CASE(what_others_may_write_to_is_not_used),
                CASE(what_is_no_history_is_left_alone),
                CASE(what_was_put_into_it_is_not_run),
                CASE(a_last_row_that_was_changed_is_the_last),
                CASE(a_damaged_file_is_refused_or_right),
                CASE(a_head_that_does_not_fit_stops_everything),
                CASE(a_file_that_is_taken_away_is_missed_at_once),
                CASE(what_was_not_anchored_is_anchored_with_the_next),
                CASE(many_writers_make_one_chain),
                CASE(several_begin_at_once),
                CASE(an_end_nobody_will_write_is_written),
                CASE(a_notebook_that_was_changed_keeps_nobody),
                CASE(one_that_cannot_be_seen_is_not_given_up),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* test_inject_history.c: the history while memory and the disk fail, one call at a time and all from one on; SQLite's own
 * memory and system calls are among them. Whatever fails: an answer that says yes is on the disk, one that says no has
 * spoiled nothing, and the next one finds a history that is whole.
 */
#include "tests/support/inject.h"
#include "tests/unit/history_world.h"

#include "daemon/history_internal.h"

#include <fcntl.h>
#include <malloc.h>
#include <sys/stat.h>

#define MEMORY INJECT_EVERY(INJECT_MEMORY, 37)
#define DISK   INJECT_EVERY(INJECT_SYSTEM, 3)
static const struct inject sweeps[] = { MEMORY, DISK };

/* ---- SQLite's memory and its way to the disk, through calls that can be made to fail --------------- */

static void *take(int len)
{
        return malloc((size_t)len);
}

static void *retake(void *old, int len)
{
        return realloc(old, (size_t)len);
}

static int size_of(void *of)
{
        return of ? (int)malloc_usable_size(of) : 0;
}

static int round_up(int len)
{
        return (len + 7) & ~7;
}

static int begin(void *nothing)
{
        (void)nothing;
        return SQLITE_OK;
}

static void end(void *nothing)
{
        (void)nothing;
}

static bool disk_fails(void)
{
        struct stat st;
        return fstat(STDERR_FILENO, &st) <
               0; /* the linker sends this where it can be made to fail */
}

static ssize_t put_at(int fd, const void *data, size_t len, off_t at)
{
        if (disk_fails()) {
                errno = ENOSPC;
                return -1;
        }
        return pwrite(fd, data, len, at);
}

static ssize_t get_at(int fd, void *data, size_t len, off_t at)
{
        return disk_fails() ? -1 : pread(fd, data, len, at);
}

static int open_file(const char *path, int flags, int mode)
{
        return open(path, flags | O_CLOEXEC, mode);
}

static int set_length(int fd, off_t len)
{
        return disk_fails() ? -1 : ftruncate(fd, len);
}

static void prepare_sqlite(void)
{
        static const sqlite3_mem_methods memory = { take, free, retake, size_of, round_up, begin,
                end, NULL };
        assert_int_equal(sqlite3_config(SQLITE_CONFIG_MALLOC, &memory), SQLITE_OK);
        assert_int_equal(sqlite3_initialize(), SQLITE_OK);
        sqlite3_vfs *vfs = sqlite3_vfs_find(NULL);
        const struct {
                const char *name;
                sqlite3_syscall_ptr call;
        } calls[] = { { "pwrite", (sqlite3_syscall_ptr)put_at },
                { "pwrite64", (sqlite3_syscall_ptr)put_at },
                { "pread", (sqlite3_syscall_ptr)get_at },
                { "pread64", (sqlite3_syscall_ptr)get_at },
                { "open", (sqlite3_syscall_ptr)open_file },
                { "ftruncate", (sqlite3_syscall_ptr)set_length } };
        for (size_t i = 0; i < ARRAY_LEN(calls); i++)
                (void)vfs->xSetSystemCall(vfs, calls[i].name, calls[i].call);
}

/* ---- the worker's part ------------------------------------------------------------------------------- */

struct attempt {
        bool asked, ended;
        char request[33];
};

static int say(struct world *world)
{
        static uint8_t data[HISTORY_FRAME_MAX];
        size_t len = 0;
        int r = world->clerk ? 0 : clerk_new(&world->clerk, world->dir, &world->setting, NULL);
        if (r == 0)
                r = history_frame_encode(&world->frame, data, sizeof data, &len);
        if (r == 0)
                r = clerk_answer(world->clerk, data, len, world->now, &world->reply);
        return r == 0 ? world->reply.outcome : r;
}

static struct attempt try_all(struct world *world, struct inject *in)
{
        struct attempt attempt = { 0 };
        memcpy(attempt.request, world_asked(world)->request, 33);
        world->frame.ask.use_grant = true;
        world->frame.ask.app_per_hour = 3;
        inject_arm(in);
        attempt.asked = say(world) == 0;
        inject_pause();
        world_ended(world, "Ok")->remember = world->requests % 8 == 0;
        inject_resume();
        attempt.ended = attempt.asked && say(world) == 0;
        inject_pause();
        world->frame = (struct history_frame){ .op = HISTORY_GRANTS };
        inject_resume();
        (void)say(world);
        if (world->clerk)
                (void)clerk_tidy(world->clerk, world->now);
        inject_disarm(in);
        return attempt;
}

static int64_t rows_of(const struct world *world, const char *request, const char *event)
{
        char path[128], sql[256];
        sqlite3 *db = NULL;
        sqlite3_stmt *statement = NULL;
        snprintf(path, sizeof path, "%s/history.db", world->dir);
        snprintf(sql, sizeof sql,
                "SELECT count(*) FROM entry WHERE body ->> 'request' = '%s' AND body ->> 'event' = "
                "'%s'",
                request, event);
        assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
        assert_int_equal(sqlite3_prepare_v2(db, sql, -1, &statement, NULL), SQLITE_OK);
        assert_int_equal(sqlite3_step(statement), SQLITE_ROW);
        int64_t n = sqlite3_column_int64(statement, 0);
        sqlite3_finalize(statement);
        assert_int_equal(sqlite3_close(db), SQLITE_OK);
        return n;
}

static void expect_told_the_truth(
        struct world *world, const struct inject *in, const struct attempt *attempt)
{
        world_restart(world); /* as a power cut: nothing but the disk is left */
        world_asked(world);
        EXPECT(*in, world_ask(world) == 0);
        EXPECT(*in, !attempt->asked || rows_of(world, attempt->request, "asked") == 1);
        EXPECT(*in, !attempt->ended || rows_of(world, attempt->request, "ended") == 1);
        EXPECT(*in, in->failed || attempt->ended);
}

static void an_answer_that_says_yes_is_on_the_disk(void **state)
{
        struct world *world = *state;
        world->setting.keep_days = 1;
        FOR_EACH_FAILURE(in, sweeps)
        {
                world_restart(world);
                world->now += 90000; /* each prunes what the one before has written */
                const struct attempt attempt = try_all(world, &in);
                expect_told_the_truth(world, &in, &attempt);
        }
        assert_int_equal(world_read(world).findings, 0);
}

static void remove_all(const struct world *world)
{
        static const char *const names[] = { "/history.db", "/history.db-wal", "/history.db-shm",
                "/history.head", "/history.room", "" };
        char path[128];
        for (size_t i = 0; i < ARRAY_LEN(names); i++) {
                snprintf(path, sizeof path, "%s%s", world->dir, names[i]);
                assert_true(remove(path) == 0 || errno == ENOENT);
        }
}

static void a_history_begins_whole_or_not_at_all(void **state)
{
        static const struct inject begins[] = { INJECT_EVERY(INJECT_MEMORY, 41), DISK };
        struct world *world = *state;
        FOR_EACH_FAILURE(in, begins)
        {
                world_restart(world);
                remove_all(world);
                const struct attempt attempt = try_all(world, &in);
                expect_told_the_truth(world, &in, &attempt);
                EXPECT(in, world_read(world).findings == 0);
        }
}

/* ---- the daemon's part --------------------------------------------------------------------------------- */

struct told {
        int answers, outcome;
};

static void on_done(void *user, int outcome, const char *detail, const struct history_told *told)
{
        struct told *to = user;
        (void)detail, (void)told;
        to->answers++;
        to->outcome = outcome;
}

static void one_answer_or_none_was_promised(void **state)
{
        static const struct inject own[] = { INJECT(INJECT_MEMORY), INJECT(INJECT_SYSTEM) };
        struct world *world = *state;
        char build[512] = "", request[33];
        assert_true(readlink("/proc/self/exe", build, sizeof build - 1) > 0);
        *strrchr(build, '/') = '\0';
        *strrchr(build, '/') = '\0';
        const struct config config = { .libexecdir = build, .state_dir = world->dir };
        const struct log log = {
                .program = "test", .max = LOG_LEVEL_ERR, .fd = open("/dev/null", O_WRONLY)
        };
        FOR_EACH_FAILURE(in, own)
        {
                sd_event *event = NULL;
                struct history *history = NULL;
                struct history_wait *wait = NULL;
                struct told told = { 0 };
                snprintf(request, sizeof request, "%032x", ++world->requests);
                const struct history_asked asked = {
                        .request = request, .method = "Assert", .app = "unknown", .audience = "a"
                };
                const struct history_ended ended = {
                        .request = request, .outcome = "Busy", .tries_left = -1
                };
                assert_true(sd_event_new(&event) >= 0);
                inject_arm(&in);
                int r = history_new(&history, event, &config, &log);
                if (r == 0)
                        r = history_ask(&wait, history, &asked, on_done, &told);
                while (r == 0 && told.answers == 0)
                        (void)sd_event_run(event, 30 * 1000000ULL);
                if (history)
                        history_note_end(history, &ended);
                inject_disarm(&in);
                EXPECT(in, r == 0 ? told.answers == 1 : told.answers == 0 && !wait);
                EXPECT(in, told.outcome == 0 || told.outcome == OUTCOME_CANNOT_RECORD);
                EXPECT(in, in.failed || told.outcome == 0);
                history_wait_free(wait);
                history_free(history);
                sd_event_unref(event);
                EXPECT(in, told.answers <= 1);
        }
        close(log.fd);
        assert_int_equal(world_read(world).findings, 0);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, world_set_up, world_tear_down)

int main(void)
{
        const struct CMUnitTest tests[] = {
                CASE(an_answer_that_says_yes_is_on_the_disk),
                CASE(a_history_begins_whole_or_not_at_all),
                CASE(one_answer_or_none_was_promised),
        };
        inject_init();
        prepare_sqlite();
        return cmocka_run_group_tests(tests, NULL, NULL);
}

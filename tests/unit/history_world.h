/* SPDX-License-Identifier: Apache-2.0 */
/* history_world.h: a clerk of its own in a folder of its own, whose clock a test sets; and the reader of the history,
 * written by others from docs/history.md, as the judge of what the clerk wrote.
 */
#ifndef MOHR_TESTS_HISTORY_WORLD_H
#define MOHR_TESTS_HISTORY_WORLD_H

#include "daemon/history/clerk.h"

#include "base/outcome.h"
#include "client-sdk/claimset.h"
#include "client-sdk/history/ledger.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <cmocka.h>

#define NOON 1795348800 /* 2026-11-22T12:00:00Z */

struct world {
        char dir[64];
        struct rows_setting setting;
        struct clerk *clerk;
        int64_t now;
        struct history_frame frame;
        struct history_reply reply;
        unsigned int requests;
};

static int world_set_up(void **state)
{
        struct world *world = calloc(1, sizeof *world);
        if (!world)
                return -1;
        snprintf(world->dir, sizeof world->dir, "%s/mohr-book-XXXXXX",
                access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp"); /* each row is synced */
        world->now = NOON;
        *state = world;
        return mkdtemp(world->dir) ? 0 : -1;
}

static int world_tear_down(void **state)
{
        struct world *world = *state;
        char command[256];
        clerk_free(world->clerk);
        snprintf(command, sizeof command, "chmod -R u+rwx %s; rm -rf %s", world->dir, world->dir);
        int r = chdir("/") == 0 ? system(command) : -1;
        free(world);
        return r;
}

static void world_restart(struct world *world)
{
        clerk_free(world->clerk);
        world->clerk = NULL;
}

/* Asks what stands in world->frame. */
static int world_ask(struct world *world)
{
        uint8_t data[HISTORY_FRAME_MAX];
        size_t len = 0;
        if (!world->clerk)
                assert_int_equal(clerk_new(&world->clerk, world->dir, &world->setting, NULL), 0);
        world->frame.id++;
        assert_int_equal(history_frame_encode(&world->frame, data, sizeof data, &len), 0);
        assert_int_equal(clerk_answer(world->clerk, data, len, world->now, &world->reply), 0);
        assert_int_equal(world->reply.id, world->frame.id);
        return world->reply.outcome;
}

/* A question of an app, to be changed before it is asked. */
static struct history_ask_texts *world_asked(struct world *world)
{
        struct history_ask_texts *ask = &world->frame.ask;
        uint32_t id = world->frame.id;
        world->frame = (struct history_frame){ .op = HISTORY_ASK, .id = id };
        snprintf(ask->request, sizeof ask->request, "%032x", ++world->requests);
        strcpy(ask->method, "Assert");
        strcpy(ask->app, "flatpak:org.example.App");
        strcpy(ask->audience, "https://office.example");
        return ask;
}

static struct history_end_texts *world_ended(struct world *world, const char *outcome)
{
        struct history_end_texts *end = &world->frame.end;
        uint32_t id = world->frame.id;
        world->frame = (struct history_frame){ .op = HISTORY_END, .id = id };
        snprintf(end->request, sizeof end->request, "%032x", world->requests);
        strcpy(end->outcome, outcome);
        if (strcmp(outcome, "Ok") == 0)
                memset(end->assertion, 'a', 64);
        end->tries_left = -1;
        return end;
}

_unused_ static void world_request(struct world *world, const char *outcome)
{
        world_asked(world);
        assert_int_equal(world_ask(world), 0);
        world_ended(world, outcome);
        assert_int_equal(world_ask(world), 0);
}

/* What the reader of the history finds, and what it counts. */
static struct ledger_sum world_read(struct world *world)
{
        char problem[LEDGER_PROBLEM_MAX] = "";
        struct ledger_check *check = NULL;
        _cleanup_anchors_ struct ledger_anchors anchors = { 0 };
        struct ledger_anchor head;
        assert_int_equal(ledger_check_new(&check), 0);
        int head_read = ledger_head(world->dir, &head);
        if (head_read == 0)
                assert_int_equal(ledger_anchors_add(&anchors, &head), 0);
        int r = ledger_read(world->dir, ledger_check_row, check, problem);
        if (r != 0)
                fail_msg("%d: %s", r, problem);
        assert_int_equal(ledger_check_end(check, &anchors, head_read), 0);
        struct ledger_sum sum = *ledger_check_sum(check);
        for (size_t i = 0; i < sum.findings; i++) {
                const struct ledger_finding *finding = ledger_check_finding(check, i);
                print_message("# %s at %lld: %s\n", ledger_fault_name(finding->fault),
                        (long long)finding->seq, finding->why ? finding->why : "");
        }
        ledger_check_free(check);
        return sum;
}

_unused_ static void world_expect_whole(struct world *world, int64_t rows)
{
        struct ledger_sum sum = world_read(world);
        assert_int_equal(sum.findings, 0);
        assert_int_equal(sum.rows, rows);
}

_unused_ static void path_in(const struct world *world, const char *name, char dst[static 128])
{
        snprintf(dst, 128, "%s/%s", world->dir, name);
}

/* Another program of this user, with a hand on the file. */
_unused_ static void meddle(const struct world *world, const char *sql)
{
        char path[128];
        sqlite3 *db = NULL;
        path_in(world, "history.db", path);
        assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
        if (sqlite3_exec(db, sql, NULL, NULL, NULL) != SQLITE_OK)
                fail_msg("%s: %s", sql, sqlite3_errmsg(db));
        assert_int_equal(sqlite3_close(db), SQLITE_OK);
}

_unused_ static int64_t count(const struct world *world, const char *sql)
{
        char path[128];
        sqlite3 *db = NULL;
        sqlite3_stmt *statement = NULL;
        path_in(world, "history.db", path);
        assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
        assert_int_equal(sqlite3_prepare_v2(db, sql, -1, &statement, NULL), SQLITE_OK);
        assert_int_equal(sqlite3_step(statement), SQLITE_ROW);
        int64_t n = sqlite3_column_int64(statement, 0);
        sqlite3_finalize(statement);
        assert_int_equal(sqlite3_close(db), SQLITE_OK);
        return n;
}

#endif

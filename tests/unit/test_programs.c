/* SPDX-License-Identifier: Apache-2.0 */
/* test_programs.c: what an upgrade puts in a helper's place is not what a running daemon starts. */
#include "daemon/programs.h"

#include "daemon/child.h"
#include "daemon/config.h"

#include <fcntl.h>
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <cmocka.h>

struct world {
        char folder[64];
        struct config config;
        sd_event *event;
        unsigned int replaced;
        int status;
};

/* As a package does it: whole, and then by one rename. `program` NULL: a script that answers 9. */
static void put(const struct world *world, const char *name, const char *program)
{
        char fresh[PATH_MAX], place[PATH_MAX], command[3 * PATH_MAX];
        snprintf(fresh, sizeof fresh, "%s/%s.dpkg-new", world->folder, name);
        snprintf(place, sizeof place, "%s/%s", world->folder, name);
        if (program)
                snprintf(command, sizeof command, "cp -L %s %s", program, fresh);
        else
                snprintf(command, sizeof command,
                        "printf '#!/bin/sh\\nexit 9\\n' >%s && chmod 755 %s", fresh, fresh);
        assert_int_equal(system(command), 0);
        assert_return_code(rename(fresh, place), errno);
}

static int set_up(void **state)
{
        struct world *world = calloc(1, sizeof *world);
        assert_non_null(world);
        snprintf(world->folder, sizeof world->folder, "/tmp/mohr-programs-XXXXXX");
        assert_non_null(mkdtemp(world->folder));
        put(world, "mohrd", "/bin/true");
        put(world, "mohr-prompt", "/bin/true");
        put(world, "mohr-reader", NULL);
        world->config.libexecdir = world->folder;
        assert_int_equal(programs_new(&world->config.programs, world->folder), 0);
        assert_return_code(sd_event_new(&world->event), 0);
        *state = world;
        return 0;
}

static int tear_down(void **state)
{
        struct world *world = *state;
        char command[PATH_MAX];
        programs_free(world->config.programs);
        sd_event_unref(world->event);
        snprintf(command, sizeof command, "rm -rf %s", world->folder);
        assert_int_equal(system(command), 0);
        free(world);
        return 0;
}

static void on_frame(void *user _unused_, const uint8_t *data _unused_, size_t len _unused_)
{
}

static void on_exited(void *user, int status)
{
        struct world *world = user;
        world->status = status;
        sd_event_exit(world->event, 0);
}

static int status_of(struct world *world, const char *name)
{
        static const struct child_callbacks callbacks = { on_frame, on_exited };
        static const char *const env[] = { "PATH=/bin", NULL };
        char path[PATH_MAX];
        struct child *child = NULL;
        assert_int_equal(programs_path(&world->config, name, path, sizeof path), 0);
        const char *const argv[] = { path, NULL };
        sd_event_unref(world->event); /* one that has ended runs no more */
        assert_return_code(sd_event_new(&world->event), 0);
        assert_int_equal(child_spawn(&child, world->event, argv, env, 64, &callbacks, world), 0);
        assert_return_code(sd_event_loop(world->event), 0);
        child_free(child);
        assert_true(WIFEXITED(world->status));
        return WEXITSTATUS(world->status);
}

static void one_that_was_not_replaced_has_its_name(void **state)
{
        struct world *world = *state;
        char path[PATH_MAX], expected[PATH_MAX];
        snprintf(expected, sizeof expected, "%s/mohr-prompt", world->folder);
        assert_int_equal(programs_path(&world->config, "mohr-prompt", path, sizeof path), 0);
        assert_string_equal(path, expected);
        assert_int_equal(status_of(world, "mohr-prompt"), 0);
}

static void one_that_was_replaced_is_started_as_it_was(void **state)
{
        struct world *world = *state;
        put(world, "mohr-prompt", "/bin/false");
        assert_int_equal(status_of(world, "mohr-prompt"), 0);
        assert_int_equal(status_of(world, "mohr-prompt"), 0);
}

static void one_that_was_taken_away_is_started_as_it_was(void **state)
{
        struct world *world = *state;
        char path[PATH_MAX];
        snprintf(path, sizeof path, "%s/mohr-prompt", world->folder);
        assert_return_code(unlink(path), errno);
        assert_int_equal(status_of(world, "mohr-prompt"), 0);
}

static void a_script_is_started_by_its_name(void **state)
{
        struct world *world = *state;
        assert_int_equal(status_of(world, "mohr-reader"), 9);
        put(world, "mohr-reader", "/bin/true");
        assert_int_equal(status_of(world, "mohr-reader"), 0);
}

static void one_that_came_later_has_its_name(void **state)
{
        struct world *world = *state;
        put(world, "mohr-watch", "/bin/true");
        assert_int_equal(status_of(world, "mohr-watch"), 0);
        put(world, "mohr-watch", "/bin/false");
        assert_int_equal(status_of(world, "mohr-watch"), 1);
}

static void without_a_list_all_have_their_names(void **state)
{
        struct world *world = *state;
        const struct config config = { .libexecdir = world->folder };
        char path[PATH_MAX], expected[PATH_MAX];
        put(world, "mohr-prompt", "/bin/false");
        snprintf(expected, sizeof expected, "%s/mohr-prompt", world->folder);
        assert_int_equal(programs_path(&config, "mohr-prompt", path, sizeof path), 0);
        assert_string_equal(path, expected);
        assert_int_equal(programs_path(&config, "mohr-prompt", path, 12), -ENAMETOOLONG);
}

static void on_replaced(void *user)
{
        struct world *world = user;
        world->replaced++;
}

static void turn(struct world *world)
{
        while (sd_event_run(world->event, 50000) > 0)
                ;
}

static void the_daemons_own_end_is_told_once(void **state)
{
        struct world *world = *state;
        assert_int_equal(
                programs_watch(world->config.programs, world->event, on_replaced, world), 0);
        put(world, "mohr-prompt", "/bin/false");
        turn(world);
        assert_int_equal(world->replaced, 0);
        put(world, "mohrd", "/bin/false");
        turn(world);
        put(world, "mohrd", "/bin/true");
        turn(world);
        assert_int_equal(world->replaced, 1);
}

static void a_daemon_that_is_taken_away_is_told(void **state)
{
        struct world *world = *state;
        char path[PATH_MAX];
        assert_int_equal(
                programs_watch(world->config.programs, world->event, on_replaced, world), 0);
        snprintf(path, sizeof path, "%s/mohrd", world->folder);
        assert_return_code(unlink(path), errno);
        turn(world);
        assert_int_equal(world->replaced, 1);
}

#define IN_A_WORLD(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
        const struct CMUnitTest tests[] = {
                IN_A_WORLD(one_that_was_not_replaced_has_its_name),
                IN_A_WORLD(one_that_was_replaced_is_started_as_it_was),
                IN_A_WORLD(one_that_was_taken_away_is_started_as_it_was),
                IN_A_WORLD(a_script_is_started_by_its_name),
                IN_A_WORLD(one_that_came_later_has_its_name),
                IN_A_WORLD(without_a_list_all_have_their_names),
                IN_A_WORLD(the_daemons_own_end_is_told_once),
                IN_A_WORLD(a_daemon_that_is_taken_away_is_told),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* test_screen_who.c: which program may hold the role of a screen: real processes, real files. */
#include "daemon/peer.h"
#include "daemon/screen_internal.h"

#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <cmocka.h>

#define PROGRAM "/usr/bin/sleep"

/* A process that runs this file, from the moment this returns. */
static pid_t run(const char *program)
{
        int ends[2];
        char byte;
        assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
        pid_t pid = fork();
        if (pid == 0) {
                execl(program, "screen", "60", (char *)NULL);
                _exit(127);
        }
        close(ends[1]);
        assert_int_equal(read(ends[0], &byte, 1), 0); /* closed by exec */
        close(ends[0]);
        return pid;
}

static void stop(pid_t pid)
{
        kill(pid, SIGKILL);
        assert_int_equal(waitpid(pid, NULL, 0), pid);
}

static bool admits(const char *setting, const struct peer *peer)
{
        char text[512];
        snprintf(text, sizeof text, "%s", setting);
        const struct config config = { .screen = text };
        return !screen_refusal(&config, peer);
}

static void nobody_where_nothing_is_configured(void **state)
{
        (void)state;
        const struct config config = { 0 };
        const struct peer peer = { .pid = getpid(), .unit = "kiosk.service", .system_unit = true };
        assert_non_null(screen_refusal(&config, &peer));
        assert_false(admits("", &peer));
        assert_false(admits("any", &peer));
        assert_false(admits("unit:", &peer));
        assert_false(admits("program:", &peer));
}

static void a_unit_of_the_system_by_its_name(void **state)
{
        (void)state;
        struct peer peer = { .pid = getpid(), .unit = "kiosk.service", .system_unit = true };
        assert_true(admits("unit:kiosk.service", &peer));
        assert_false(admits("unit:kiosk.servic", &peer));
        assert_false(admits("unit:kiosk.service2", &peer));
        assert_false(admits("unit:", &peer));
        assert_false(admits("program:kiosk.service", &peer));
        peer.system_unit = false; /* any program of the user can be one of the user's units */
        assert_false(admits("unit:kiosk.service", &peer));
        peer = (struct peer){ .pid = getpid(), .system_unit = true };
        assert_false(admits("unit:", &peer));
}

static void a_program_by_the_file_it_runs(void **state)
{
        (void)state;
        const struct peer peer = { .pid = run(PROGRAM), .executable = "/usr/bin/other" };
        const struct peer lying = { .pid = getpid(), .executable = PROGRAM };
        const struct peer gone = { .pid = 0x3fffffff, .executable = PROGRAM };
        assert_true(admits("program:" PROGRAM, &peer));
        assert_false(admits("program:/usr/bin/env", &peer));
        assert_false(admits("program:/usr/bin/sleep-not-there", &peer));
        assert_false(admits("program:" PROGRAM, &lying));
        assert_false(admits("program:" PROGRAM, &gone));
        assert_false(admits("unit:" PROGRAM, &peer));
        stop(peer.pid);
}

static void only_by_its_plain_path(void **state)
{
        (void)state;
        static const char *const others[] = { "program:usr/bin/sleep", "program://usr/bin/sleep",
                "program:/usr//bin/sleep", "program:/usr/./bin/sleep",
                "program:/usr/bin/../bin/sleep", "program:/usr/bin/sleep/", "program:/",
                "program:/usr/bin", "program:/proc/self/exe" };
        const struct peer peer = { .pid = run(PROGRAM) };
        for (size_t i = 0; i < ARRAY_LEN(others); i++)
                if (admits(others[i], &peer))
                        fail_msg("%s was let in", others[i]);
        stop(peer.pid);
}

static void no_interpreter_whatever_it_runs(void **state)
{
        (void)state;
        char real[64] = "", setting[128];
        if (readlink("/usr/bin/sh", real, sizeof real - 1) <= 0)
                snprintf(real, sizeof real, "sh");
        snprintf(setting, sizeof setting, "program:/usr/bin/%s", real);
        int ends[2], told[2];
        char byte;
        assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
        assert_int_equal(pipe2(told, O_CLOEXEC), 0);
        pid_t pid = fork();
        if (pid == 0) {
                dup2(ends[0], 0);
                execl(setting + strlen("program:"), "sh", (char *)NULL);
                _exit(127);
        }
        const struct peer peer = { .pid = pid };
        close(told[1]);
        assert_int_equal(read(told[0], &byte, 1), 0); /* it runs */
        close(told[0]);
        assert_false(admits(setting, &peer));
        close(ends[0]);
        close(ends[1]);
        stop(pid);
}

static int copy(const char *to)
{
        char bytes[65536];
        int in = open(PROGRAM, O_RDONLY | O_CLOEXEC);
        int out = open(to, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0700);
        for (ssize_t n; (n = read(in, bytes, sizeof bytes)) > 0;)
                assert_int_equal(write(out, bytes, (size_t)n), n);
        close(in);
        close(out);
        return chmod(to, 0755);
}

/* File and each folder above it: root's alone to change. */
static void what_others_can_write_is_not_admitted(void **state)
{
        (void)state;
        char folder[] = "/run/mohr-who-XXXXXX", inner[64], file[96], setting[128], link[96];
        if (geteuid() != 0 || !mkdtemp(folder)) {
                skip();
                return;
        }
        snprintf(inner, sizeof inner, "%s/bin", folder);
        snprintf(file, sizeof file, "%s/screen", inner);
        snprintf(link, sizeof link, "%s/link", inner);
        snprintf(setting, sizeof setting, "program:%s", file);
        assert_int_equal(chmod(folder, 0755), 0);
        assert_int_equal(mkdir(inner, 0755), 0);
        assert_int_equal(copy(file), 0);
        const struct peer peer = { .pid = run(file) };
        const bool possible = admits(setting, &peer); /* not where root is not the owner of / */
        const char *const paths[] = { folder, inner, file };
        static const mode_t modes[] = { 0775, 0757, 01777 };
        for (size_t i = 0; i < ARRAY_LEN(paths); i++) {
                for (size_t k = 0; k < ARRAY_LEN(modes); k++) {
                        assert_int_equal(chmod(paths[i], modes[k]), 0);
                        assert_false(admits(setting, &peer));
                }
                assert_int_equal(chmod(paths[i], 0755), 0);
                assert_int_equal(admits(setting, &peer), possible);
                assert_int_equal(chown(paths[i], 65534, 0), 0);
                assert_false(admits(setting, &peer));
                assert_int_equal(chown(paths[i], 0, 0), 0);
        }
        assert_int_equal(symlink("screen", link), 0);
        snprintf(setting, sizeof setting, "program:%s", link);
        assert_false(admits(setting, &peer));
        stop(peer.pid);
        unlink(link);
        unlink(file);
        rmdir(inner);
        rmdir(folder);
        if (!possible)
                skip();
}

/* Another file in its place is another program, also under the old name. */
static void a_file_that_was_replaced_is_another(void **state)
{
        (void)state;
        char folder[] = "/run/mohr-who-XXXXXX", file[64], setting[96];
        if (geteuid() != 0 || !mkdtemp(folder)) {
                skip();
                return;
        }
        snprintf(file, sizeof file, "%s/screen", folder);
        snprintf(setting, sizeof setting, "program:%s", file);
        assert_int_equal(chmod(folder, 0755), 0);
        assert_int_equal(copy(file), 0);
        const struct peer peer = { .pid = run(file) };
        unlink(file);
        assert_int_equal(copy(file), 0);
        assert_false(admits(setting, &peer));
        stop(peer.pid);
        unlink(file);
        rmdir(folder);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(nobody_where_nothing_is_configured),
                cmocka_unit_test(a_unit_of_the_system_by_its_name),
                cmocka_unit_test(a_program_by_the_file_it_runs),
                cmocka_unit_test(only_by_its_plain_path),
                cmocka_unit_test(no_interpreter_whatever_it_runs),
                cmocka_unit_test(what_others_can_write_is_not_admitted),
                cmocka_unit_test(a_file_that_was_replaced_is_another),
        };
        return cmocka_run_group_tests_name("screen_who", tests, NULL, NULL);
}

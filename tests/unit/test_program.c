/* SPDX-License-Identifier: Apache-2.0 */
/* test_program.c: which program a name means, and which it never does. */
#include "base/program.h"

#include <fcntl.h>
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static char folder[] = "/tmp/mohr-program-XXXXXX";

static void put(const char *name, mode_t mode)
{
        char path[PATH_MAX];
        snprintf(path, sizeof path, "%s/%s", folder, name);
        int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, mode);
        assert_return_code(fd, errno);
        close(fd);
}

static int setup(void **state _unused_)
{
        if (!mkdtemp(folder))
                return -1;
        put("tool", 0755);
        put("text", 0644);
        return chdir(folder);
}

static int teardown(void **state _unused_)
{
        return unlink("tool") | unlink("text") | rmdir(folder);
}

static void a_name_is_looked_for_in_absolute_folders_only(void **state _unused_)
{
        char path[2 * PATH_MAX], found[PATH_MAX], expected[PATH_MAX];
        const struct {
                const char *before, *after;
                bool there;
        } rows[] = { { "", "", true }, { "/nonexistent:", ":/usr/bin", true }, { "::.:", "", true },
                { "x", "", false }, { "", "/tool", false } };
        snprintf(expected, sizeof expected, "%s/tool", folder);
        for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
                snprintf(path, sizeof path, "%s%s%s", rows[i].before, folder, rows[i].after);
                setenv("PATH", path, 1);
                assert_int_equal(program_find("tool", found, sizeof found), rows[i].there);
                if (rows[i].there)
                        assert_string_equal(found, expected);
        }
        static const char *const without[] = { "", ".", ":", "::", "relative:." };
        for (size_t i = 0; i < ARRAY_LEN(without); i++) {
                setenv("PATH", without[i], 1);
                assert_false(program_find("tool", found, sizeof found));
        }
        unsetenv("PATH");
        assert_true(program_find("sh", found, sizeof found));
}

static void what_cannot_be_run_is_not_found(void **state _unused_)
{
        char found[PATH_MAX], name[PATH_MAX], small[24];
        setenv("PATH", folder, 1);
        assert_false(program_find("text", found, sizeof found));
        assert_false(program_find("missing", found, sizeof found));
        assert_false(program_find("", found, sizeof found));
        assert_false(program_find("./tool", found, sizeof found));
        assert_false(program_find("tool", small, sizeof small));
        snprintf(name, sizeof name, "%s/tool", folder);
        assert_true(program_find(name, found, sizeof found));
        assert_string_equal(found, name);
        assert_false(program_find(name, small, sizeof small));
        snprintf(name, sizeof name, "%s/missing", folder);
        assert_false(program_find(name, found, sizeof found));
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(a_name_is_looked_for_in_absolute_folders_only),
                cmocka_unit_test(what_cannot_be_run_is_not_found),
        };
        return cmocka_run_group_tests(tests, setup, teardown);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* test_language.c: a locale by name alone, so that gettext translates where there is none of the language. */
#include "base/language.h"

#include <limits.h>
#include <locale.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <cmocka.h>

/* BUILD/locale, seen from BUILD/tests/test_language. */
static void find_catalogues(char dst[static PATH_MAX])
{
        ssize_t len = readlink("/proc/self/exe", dst, PATH_MAX - 16);
        assert_true(len > 0);
        dst[len] = '\0';
        *strrchr(dst, '/') = '\0';
        memcpy(strrchr(dst, '/'), "/locale", sizeof "/locale");
}

static void a_name_that_gettext_ignores_is_known(void **state)
{
        static const struct {
                const char *name;
                bool deaf;
        } rows[] = { { "C", true }, { "C.UTF-8", true }, { "C.utf8", true }, { "POSIX", true },
                { "fa_IR.UTF-8", false }, { "fa", false }, { "Cy", false }, { "en_US", false } };
        (void)state;
        for (size_t i = 0; i < ARRAY_LEN(rows); i++)
                assert_int_equal(language_is_deaf(rows[i].name), rows[i].deaf);
}

static void messages_alone_change_their_locale(void **state)
{
        char catalogues[PATH_MAX];
        (void)state;
        find_catalogues(catalogues);
        unsetenv("LOCPATH");
        assert_non_null(setlocale(LC_ALL, "C.UTF-8"));
        assert_int_equal(unsetenv("LANGUAGE"), 0);
        assert_false(language_unlock(catalogues)); /* the name alone would choose Persian */
        assert_int_equal(setenv("LANGUAGE", "en", 1), 0);
        assert_true(language_unlock(catalogues));
        assert_string_equal(setlocale(LC_MESSAGES, NULL), "fa");
        assert_string_equal(setlocale(LC_CTYPE, NULL), "C.UTF-8");
        assert_string_equal(setlocale(LC_NUMERIC, NULL), "C.UTF-8");
        assert_null(getenv("LOCPATH"));
}

static void a_locale_that_is_not_there_changes_nothing(void **state)
{
        (void)state;
        assert_non_null(setlocale(LC_ALL, "C.UTF-8"));
        bool installed = language_unlock("/nowhere");
        assert_string_equal(setlocale(LC_MESSAGES, NULL), installed ? "fa" : "C.UTF-8");
        assert_null(getenv("LOCPATH"));
}

static void who_has_locales_of_their_own_keeps_them(void **state)
{
        char catalogues[PATH_MAX];
        (void)state;
        find_catalogues(catalogues);
        assert_non_null(setlocale(LC_ALL, "C.UTF-8"));
        assert_int_equal(setenv("LOCPATH", "/somewhere", 1), 0);
        assert_false(language_unlock(catalogues));
        assert_string_equal(getenv("LOCPATH"), "/somewhere");
        assert_string_equal(setlocale(LC_MESSAGES, NULL), "C.UTF-8");
        unsetenv("LOCPATH");
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(a_name_that_gettext_ignores_is_known),
                cmocka_unit_test(messages_alone_change_their_locale),
                cmocka_unit_test(a_locale_that_is_not_there_changes_nothing),
                cmocka_unit_test(who_has_locales_of_their_own_keeps_them),
        };
        return cmocka_run_group_tests_name("language", tests, NULL, NULL);
}

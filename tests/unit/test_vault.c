/* SPDX-License-Identifier: Apache-2.0 */
/* test_vault.c: memory for a library through whose buffers digits pass, as the kernel sees it (/proc/self/smaps). */
#include "daemon/prompt/vault.h"
#include "tests/support/sanitized.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/resource.h>

#include <cmocka.h>

/* The flags of the mapping that holds this; "" if there is none. */
static const char *flags_of(const void *at)
{
        static char line[512];
        unsigned long start, end;
        bool here = false;
        FILE *maps = fopen("/proc/self/smaps", "re");
        assert_non_null(maps);
        while (fgets(line, sizeof line, maps)) {
                if (sscanf(line, "%lx-%lx ", &start, &end) == 2)
                        here = (uintptr_t)at >= start && (uintptr_t)at < end;
                if (here && strncmp(line, "VmFlags:", 8) == 0)
                        break;
                line[0] = '\0';
        }
        fclose(maps);
        return line;
}

/* The address sanitizer turns mlock into nothing. */
static bool is_locked(const void *at)
{
        return SANITIZED || strstr(flags_of(at), " lo") != NULL;
}

static void a_piece_is_locked_and_in_no_dump(void **state)
{
        (void)state;
        static const size_t sizes[] = { 0, 1, 100, 4096, 5000, 70000 };
        for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
                uint8_t *piece = vault_malloc(sizes[i]);
                assert_non_null(piece);
                assert_int_equal((uintptr_t)piece % 16, 0);
                assert_true(is_locked(piece));
                assert_non_null(strstr(flags_of(piece), " dd"));
                for (size_t at = 0; at < sizes[i]; at++)
                        assert_int_equal(piece[at], 0);
                memset(piece, 7, sizes[i]);
                if (sizes[i] > 0)
                        assert_true(is_locked(piece + sizes[i] - 1));
                vault_free(piece);
        }
        vault_free(NULL);
}

static void a_piece_that_grows_keeps_what_it_holds(void **state)
{
        (void)state;
        char *piece = vault_realloc(NULL, 8);
        assert_non_null(piece);
        memcpy(piece, "1234567", 8);
        piece = vault_realloc(piece, 9000);
        assert_non_null(piece);
        assert_string_equal(piece, "1234567");
        piece = vault_realloc(piece, 3);
        assert_non_null(piece);
        assert_memory_equal(piece, "123", 3);
        vault_free(piece);
}

static void what_cannot_be_had_is_none(void **state)
{
        (void)state;
        struct rlimit before, none = { 0, 0 };
        assert_null(vault_malloc(SIZE_MAX));
        assert_null(vault_malloc(SIZE_MAX - 15));
        char *piece = vault_malloc(8);
        assert_non_null(piece);
        memcpy(piece, "1234567", 8);
        assert_null(vault_realloc(piece, SIZE_MAX / 2));
        assert_string_equal(piece, "1234567");
        vault_free(piece);
        assert_return_code(getrlimit(RLIMIT_MEMLOCK, &before), 0);
        none.rlim_max = before.rlim_max;
        assert_return_code(setrlimit(RLIMIT_MEMLOCK, &none), 0);
        if (geteuid() != 0 && !SANITIZED) /* root may lock what it likes */
                assert_null(vault_malloc(8));
        assert_return_code(setrlimit(RLIMIT_MEMLOCK, &before), 0);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(a_piece_is_locked_and_in_no_dump),
                cmocka_unit_test(a_piece_that_grows_keeps_what_it_holds),
                cmocka_unit_test(what_cannot_be_had_is_none),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}

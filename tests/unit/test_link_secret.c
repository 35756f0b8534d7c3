/* SPDX-License-Identifier: Apache-2.0 */
/* test_link_secret.c: digits that cross a link are in the two secrets that they were in before and after, and nowhere else in
 * the memory of either end: not in a buffer of the TLS library, not on a stack, not in what was freed.
 */
#include "tests/unit/link_world.h"

#include <inttypes.h>

#if defined(__SANITIZE_ADDRESS__)
#define SEARCHED 0 /* a sanitizer's own pages are terabytes: frames are sent, nothing is searched */
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define SEARCHED 0
#endif
#endif
#ifndef SEARCHED
#define SEARCHED 1
#endif

#define DIGITS 8
#define MASK   0x5A

/* Nowhere in this program are they written as they are. */
static const uint8_t masked[DIGITS] = { '7' ^ MASK, '3' ^ MASK, '1' ^ MASK, '9' ^ MASK, '0' ^ MASK,
        '4' ^ MASK, '8' ^ MASK, '2' ^ MASK };

static void fill(uint8_t dst[static DIGITS])
{
        for (size_t i = 0; i < DIGITS; i++)
                dst[i] = masked[i] ^ MASK;
}

static bool is_needle(const volatile uint8_t *at)
{
        size_t same = 0;
        while (same < DIGITS && (at[same] ^ MASK) == masked[same])
                same++;
        return same == DIGITS;
}

static bool is_of(const struct secret *secret, uintptr_t at)
{
        return at >= (uintptr_t)secret->data && at < (uintptr_t)secret->data + secret->cap;
}

/* In every page that this process can write to, stacks and what is free on the heap as well. */
static size_t places(const struct secret *from, const struct secret *to)
{
        if (SEARCHED == 0)
                return 0;
        FILE *maps = fopen("/proc/self/maps", "r");
        char line[512], rights[8];
        uintptr_t start, end;
        size_t found = 0;
        assert_non_null(maps);
        while (fgets(line, sizeof line, maps)) {
                if (sscanf(line, "%" SCNxPTR "-%" SCNxPTR " %7s", &start, &end, rights) != 3 ||
                        memcmp(rights, "rw", 2) != 0)
                        continue;
                for (uintptr_t at = start; at + DIGITS <= end; at++)
                        found += is_needle((const volatile uint8_t *)at) && !is_of(from, at) &&
                                 !is_of(to, at);
        }
        fclose(maps);
        return found;
}

static void digits_are_in_the_two_secrets_alone(void **state)
{
        struct link_world *w = *state;
        struct shaken s = shake_hands(w->computers, &w->computer);
        struct secret *from = NULL;
        enum link_type type = 0;
        assert_int_equal(secret_new(&from, DIGITS), 0);
        assert_int_equal(places(from, w->buf), 0);
        fill(from->data);
        for (int i = 0; i < 3; i++) {
                assert_int_equal(link_send_secret(s.computer, from->data, DIGITS), 0);
                assert_int_equal(places(from, w->buf), 0);
                secret_wipe(w->buf);
                assert_int_equal(take_frame(s.phone, w->buf, &type), 0);
                assert_true(type == LINK_SECRET && w->buf->len == DIGITS);
                assert_true(is_needle(w->buf->data));
                assert_int_equal(places(from, w->buf), 0);
        }
        hang_up(&s);
        assert_int_equal(places(from, w->buf), 0);
        secret_wipe(w->buf);
        secret_free(from);
}

/* Else the test above could not fail. */
static void the_search_finds_what_is_there(void **state)
{
        struct link_world *w = *state;
        uint8_t *copy = malloc(64);
        fill(copy + 11);
        assert_int_equal(places(w->buf, w->buf), SEARCHED);
        explicit_bzero(copy, 64);
        assert_int_equal(places(w->buf, w->buf), 0);
        free(copy);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(digits_are_in_the_two_secrets_alone),
                cmocka_unit_test(the_search_finds_what_is_there),
        };
        return cmocka_run_group_tests(tests, world_set_up, world_tear_down);
}

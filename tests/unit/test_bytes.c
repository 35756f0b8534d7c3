/* SPDX-License-Identifier: Apache-2.0 */
/* test_bytes.c: the bounded reader and writer, hex, and the memory a PIN may live in. */
#include "base/bytes.h"
#include "base/secret.h"
#include "tests/support/sanitized.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>
#include <stdio.h>

static void integers_are_big_endian_and_come_back(void **state)
{
        (void)state;
        uint8_t buf[15];
        struct out out = out_new(buf, sizeof buf);
        out_u8(&out, 0x01);
        out_u16(&out, 0x0203);
        out_u32(&out, 0x04050607);
        out_u64(&out, 0x08090A0B0C0D0E0F);
        assert_int_equal(out_done(&out), 0);
        assert_int_equal(out.len, 15);
        for (size_t i = 0; i < sizeof buf; i++)
                assert_int_equal(buf[i], i + 1);
        struct in in = in_new(buf, sizeof buf);
        assert_int_equal(in_u8(&in), 0x01);
        assert_int_equal(in_u16(&in), 0x0203);
        assert_int_equal(in_u32(&in), 0x04050607);
        assert_true(in_u64(&in) == 0x08090A0B0C0D0E0F);
        assert_int_equal(in_done(&in), 0);
}

static void leftovers_are_an_error(void **state)
{
        (void)state;
        const uint8_t bytes[3] = { 1, 2, 3 };
        struct in in = in_new(bytes, sizeof bytes);
        (void)in_u16(&in);
        assert_int_equal(in_left(&in), 1);
        assert_int_equal(in_done(&in), -EBADMSG);
}

static void reading_past_the_end_sticks_and_moves_nothing(void **state)
{
        (void)state;
        const uint8_t bytes[3] = { 1, 2, 3 };
        struct in in = in_new(bytes, sizeof bytes);
        assert_int_equal(in_u32(&in), 0);
        assert_int_equal(in.pos, 0);
        assert_int_equal(in_u8(&in), 0);
        assert_int_equal(in_left(&in), 0);
        struct view view = in_bytes(&in, SIZE_MAX);
        assert_null(view.data);
        assert_int_equal(in_done(&in), -EBADMSG);
}

static void writing_past_the_end_sticks_and_writes_nothing(void **state)
{
        (void)state;
        uint8_t buf[4] = { 9, 9, 9, 9 };
        struct out out = out_new(buf, 3);
        out_u16(&out, 0x0102);
        out_u16(&out, 0x0304);
        out_u8(&out, 5);
        assert_int_equal(out_done(&out), -ENOSPC);
        assert_int_equal(out.len, 2);
        assert_int_equal(buf[2], 9);
        out_bytes(&out, buf, SIZE_MAX);
        assert_int_equal(buf[3], 9);
}

static void counted_bytes_obey_both_limits(void **state)
{
        (void)state;
        const uint8_t bytes[] = { 0, 3, 'a', 'b', 'c' };
        struct in in = in_new(bytes, sizeof bytes);
        assert_true(view_eq(in_bytes16(&in, 3), "abc", 3));
        assert_int_equal(in_done(&in), 0);
        in = in_new(bytes, sizeof bytes);
        assert_int_equal(in_bytes16(&in, 2).len, 0);
        assert_int_equal(in_done(&in), -EBADMSG);
        in = in_new(bytes, sizeof bytes - 1);
        assert_int_equal(in_bytes16(&in, 3).len, 0);
        assert_int_equal(in_done(&in), -EBADMSG);
}

static int text_of(const void *data, size_t len, char *dst, size_t cap)
{
        struct in in = in_new(data, len);
        in_text16(&in, dst, cap);
        return in_done(&in);
}

static void text_is_checked_and_fits_with_its_nul(void **state)
{
        (void)state;
        char dst[4] = "???";
        assert_int_equal(text_of("\0\3abc", 5, dst, sizeof dst), 0);
        assert_string_equal(dst, "abc");
        assert_int_equal(text_of("\0\0", 2, dst, sizeof dst), 0);
        assert_string_equal(dst, "");
        strcpy(dst, "old");
        assert_int_equal(text_of("\0\4abcd", 6, dst, sizeof dst), -EBADMSG);
        assert_int_equal(text_of("\0\2a\0", 4, dst, sizeof dst), -EBADMSG);
        assert_int_equal(text_of("\0\2\xC0\x80", 4, dst, sizeof dst), -EBADMSG);
        assert_int_equal(text_of("\0\3\xED\xA0\x80", 5, dst, sizeof dst), -EBADMSG);
        assert_string_equal(dst, "old");
}

static void null_text_is_written_as_empty(void **state)
{
        (void)state;
        uint8_t buf[8];
        struct out out = out_new(buf, sizeof buf);
        out_text16(&out, NULL);
        out_text16(&out, "ab");
        assert_int_equal(out_done(&out), 0);
        assert_memory_equal(buf, "\0\0\0\2ab", 6);
}

static void hex_is_strict(void **state)
{
        (void)state;
        static const char *const bad[] = { "0", "0g", "g0", "0 ", " 0", "0x", "00112", "-1",
                "\xD9\xA0" };
        uint8_t bytes[4];
        char text[9];
        assert_int_equal(hex_decode(bytes, sizeof bytes, "00fFAb90"), 4);
        assert_memory_equal(bytes, "\x00\xFF\xAB\x90", 4);
        hex_encode(text, bytes, 4);
        assert_string_equal(text, "00ffab90");
        assert_int_equal(hex_decode(bytes, sizeof bytes, ""), 0);
        assert_int_equal(hex_decode(bytes, 3, "00000000"), -EINVAL);
        for (size_t i = 0; i < ARRAY_LEN(bad); i++)
                assert_int_equal(hex_decode(bytes, sizeof bytes, bad[i]), -EINVAL);
}

static void secret_forgets_all_its_capacity(void **state)
{
        (void)state;
        _cleanup_secret_ struct secret *secret = NULL;
        assert_int_equal(secret_new(&secret, 64), 0);
        assert_int_equal(secret->cap, 64);
        assert_int_equal(secret->len, 0);
        memset(secret->data, 0x31, 64);
        secret->len = 4;
        secret_wipe(secret);
        assert_int_equal(secret->len, 0);
        for (size_t i = 0; i < 64; i++)
                assert_int_equal(secret->data[i], 0);
}

static void secret_has_a_size_one_can_lock(void **state)
{
        (void)state;
        struct secret *secret = NULL;
        assert_int_equal(secret_new(&secret, 0), -EINVAL);
        assert_int_equal(secret_new(&secret, 65537), -EINVAL);
        assert_null(secret);
        assert_null(secret_free(NULL));
}

static bool mapping_has_flag(const void *at, const char *flag)
{
        char line[512];
        bool inside = false;
        FILE *smaps = fopen("/proc/self/smaps", "re");
        assert_non_null(smaps);
        bool found = false;
        while (fgets(line, sizeof line, smaps)) {
                unsigned long start, end;
                if (sscanf(line, "%lx-%lx ", &start, &end) == 2)
                        inside = (uintptr_t)at >= start && (uintptr_t)at < end;
                if (inside && strncmp(line, "VmFlags:", 8) == 0)
                        found = strstr(line, flag) != NULL;
        }
        fclose(smaps);
        return found;
}

static void secret_pages_are_locked_undumpable_and_not_inherited(void **state)
{
        (void)state;
        _cleanup_secret_ struct secret *secret = NULL;
        assert_int_equal(secret_new(&secret, 8), 0);
#if !SANITIZED /* the address sanitizer turns mlock into nothing */
        assert_true(mapping_has_flag(secret->data, " lo"));
#endif
        assert_true(mapping_has_flag(secret->data, " dd"));
        assert_true(mapping_has_flag(secret->data, " dc"));
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(integers_are_big_endian_and_come_back),
                cmocka_unit_test(leftovers_are_an_error),
                cmocka_unit_test(reading_past_the_end_sticks_and_moves_nothing),
                cmocka_unit_test(writing_past_the_end_sticks_and_writes_nothing),
                cmocka_unit_test(counted_bytes_obey_both_limits),
                cmocka_unit_test(text_is_checked_and_fits_with_its_nul),
                cmocka_unit_test(null_text_is_written_as_empty),
                cmocka_unit_test(hex_is_strict),
                cmocka_unit_test(secret_forgets_all_its_capacity),
                cmocka_unit_test(secret_has_a_size_one_can_lock),
                cmocka_unit_test(secret_pages_are_locked_undumpable_and_not_inherited),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}

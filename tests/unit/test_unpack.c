/* SPDX-License-Identifier: Apache-2.0 */
/* test_unpack.c: a certificate file of a card becomes DER, or nothing; whatever a card calls gzip. */
#include "daemon/unpack.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <zlib.h>
#include <cmocka.h>

static uint8_t buffer[UNPACK_MAX];

/* window as zlib writes it: 31 gzip, 15 zlib, -15 raw */
static size_t pack(uint8_t *dst, size_t cap, const uint8_t *data, size_t len, int window)
{
        z_stream stream = { .next_in = (Bytef *)(uintptr_t)data,
                .avail_in = (uInt)len,
                .next_out = dst,
                .avail_out = (uInt)cap };
        assert_int_equal(deflateInit2(&stream, 9, Z_DEFLATED, window, 8, Z_DEFAULT_STRATEGY), Z_OK);
        assert_int_equal(deflate(&stream, Z_FINISH), Z_STREAM_END);
        deflateEnd(&stream);
        return cap - stream.avail_out;
}

static void one_whole_member_is_unpacked(void **state)
{
        (void)state;
        uint8_t data[3000], packed[4000];
        struct view got = { 0 };
        for (size_t i = 0; i < sizeof data; i++)
                data[i] = (uint8_t)(i * i >> 5);
        size_t len = pack(packed, sizeof packed, data, sizeof data, 31);
        assert_int_equal(unpack_gzip((struct view){ packed, len }, buffer, &got), 0);
        assert_int_equal(got.len, sizeof data);
        assert_memory_equal(got.data, data, sizeof data);
        for (size_t cut = 0; cut < len; cut++)
                assert_int_equal(unpack_gzip((struct view){ packed, cut }, buffer, &got), -EBADMSG);
        packed[len] = 0;
        assert_int_equal(unpack_gzip((struct view){ packed, len + 1 }, buffer, &got), -EBADMSG);
        packed[len - 5] ^= 1; /* its check sum */
        assert_int_equal(unpack_gzip((struct view){ packed, len }, buffer, &got), -EBADMSG);
}

static void a_bomb_does_not_go_off(void **state)
{
        (void)state;
        static uint8_t zeros[16 * 1024 * 1024];
        uint8_t packed[CARD_FILE_MAX + 1];
        struct view got = { 0 };
        size_t len = pack(packed, sizeof packed, zeros, sizeof zeros, 31);
        assert_true(len <= CARD_FILE_MAX);
        assert_int_equal(unpack_gzip((struct view){ packed, len }, buffer, &got), -EBADMSG);
        len = pack(packed, sizeof packed, zeros, UNPACK_MAX, 31);
        assert_int_equal(unpack_gzip((struct view){ packed, len }, buffer, &got), 0);
        assert_int_equal(got.len, UNPACK_MAX);
        len = pack(packed, sizeof packed, zeros, UNPACK_MAX + 1, 31);
        assert_int_equal(unpack_gzip((struct view){ packed, len }, buffer, &got), -EBADMSG);
}

static void other_formats_and_nothing_are_refused(void **state)
{
        (void)state;
        static const uint8_t data[] = "certificate";
        static uint8_t big[CARD_FILE_MAX + 1];
        uint8_t packed[256];
        struct view got = { 0 };
        const int windows[] = { 15, -15 };
        for (size_t i = 0; i < ARRAY_LEN(windows); i++) {
                size_t len = pack(packed, sizeof packed, data, sizeof data, windows[i]);
                assert_int_equal(unpack_gzip((struct view){ packed, len }, buffer, &got), -EBADMSG);
        }
        size_t len = pack(packed, sizeof packed, data, 0, 31);
        assert_int_equal(unpack_gzip((struct view){ packed, len }, buffer, &got), -EBADMSG);
        assert_int_equal(unpack_gzip((struct view){ big, sizeof big }, buffer, &got), -EBADMSG);
        assert_int_equal(unpack_gzip((struct view){ data, 0 }, buffer, &got), -EBADMSG);
}

static void the_family_decides_what_a_file_is(void **state)
{
        (void)state;
        static const uint8_t plain[] = { 0x70, 2, 0x30, 0, 0x71, 1, 0, 0xFE, 0 };
        static const uint8_t lying[] = { 0x70, 2, 0x30, 0, 0x71, 1, 1, 0xFE, 0 };
        struct view got = { 0 };
        assert_int_equal(
                unpack_certificate(CARD_NID, (struct view){ plain, sizeof plain }, buffer, &got),
                0);
        assert_ptr_equal(got.data, plain);
        assert_int_equal(got.len, sizeof plain);
        assert_int_equal(
                unpack_certificate(CARD_PIV, (struct view){ plain, sizeof plain }, buffer, &got),
                0);
        assert_ptr_equal(got.data, plain + 2);
        assert_int_equal(got.len, 2);
        assert_int_equal(
                unpack_certificate(CARD_PIV, (struct view){ lying, sizeof lying }, buffer, &got),
                -EBADMSG);
        assert_int_equal(unpack_certificate(
                                 CARD_PIV, (struct view){ plain, sizeof plain - 1 }, buffer, &got),
                -EBADMSG);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(one_whole_member_is_unpacked),
                cmocka_unit_test(a_bomb_does_not_go_off),
                cmocka_unit_test(other_formats_and_nothing_are_refused),
                cmocka_unit_test(the_family_decides_what_a_file_is),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}

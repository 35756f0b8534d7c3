/* SPDX-License-Identifier: Apache-2.0 */
/* test_tlv.c: the BER-TLV cursor, the tolerant search and the writer. */
#include "apdu/tlv.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

static struct view hex(const char *text)
{
        static uint8_t bytes[512];
        ssize_t len = hex_decode(bytes, sizeof bytes, text);
        assert_true(len >= 0);
        return (struct view){ bytes, (size_t)len };
}

static int first(const char *text, uint32_t *ret_tag, struct view *ret_value)
{
        struct view data = hex(text);
        struct tlv tlv = tlv_new(data.data, data.len);
        int r = tlv_next(&tlv, ret_tag, ret_value);
        return r < 0 ? r : tlv_done(&tlv);
}

static void tags_of_one_to_three_bytes_are_read(void **state)
{
        (void)state;
        static const struct {
                const char *hex;
                uint32_t tag;
                size_t len;
        } good[] = {
                { "6F00", 0x6F, 0 },
                { "8101AA", 0x81, 1 },
                { "7F4900", 0x7F49, 0 },
                { "DF210103", 0xDF21, 1 },
                { "5F810100", 0x5F8101, 0 },
                { "048101AA", 0x04, 1 },
                { "04820001AA", 0x04, 1 },
        };
        for (size_t i = 0; i < ARRAY_LEN(good); i++) {
                uint32_t tag = 0;
                struct view value;
                assert_int_equal(first(good[i].hex, &tag, &value), 0);
                assert_int_equal(tag, good[i].tag);
                assert_int_equal(value.len, good[i].len);
        }
}

static void malformed_elements_are_refused(void **state)
{
        (void)state;
        static const char *const bad[] = {
                "",             /* nothing */
                "00",           /* no such tag */
                "0000",         /* no such tag */
                "81",           /* no length */
                "8101",         /* value missing */
                "8102AA",       /* value short */
                "8181",         /* length missing */
                "8182",         /* length missing */
                "818200",       /* length short */
                "81820001",     /* value missing */
                "8180AA0000",   /* indefinite */
                "8183000001AA", /* four length bytes */
                "81FF",         /* reserved */
                "7F",           /* tag cut */
                "7F80",         /* leading zero in a tag */
                "7F8001AA",     /* the same with a value */
                "5F8181",       /* tag cut */
                "5F81818101AA", /* four tag bytes */
        };
        for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
                uint32_t tag = 77;
                struct view value = { (const uint8_t *)"x", 1 };
                assert_int_equal(first(bad[i], &tag, &value), -EBADMSG);
                assert_int_equal(tag, 77);
                assert_int_equal(value.len, 1);
        }
}

static void nested_contexts_must_be_consumed(void **state)
{
        (void)state;
        struct view value, data = hex("6F0A8302510085025040860082015A");
        struct tlv tlv = tlv_new(data.data, data.len);
        assert_int_equal(tlv_enter(&tlv, 0x6F), 0);
        assert_int_equal(tlv_get(&tlv, 0x83, &value), 0);
        assert_true(view_eq(value, "\x51\x00", 2));
        assert_int_equal(tlv_get(&tlv, 0x85, &value), 0);
        assert_int_equal(tlv_get(&tlv, 0x86, &value), 0);
        assert_false(tlv_more(&tlv));
        assert_int_equal(tlv_leave(&tlv), 0);
        assert_true(tlv_more(&tlv));
        assert_int_equal(tlv_get(&tlv, 0x82, &value), 0);
        assert_int_equal(tlv_done(&tlv), 0);

        tlv = tlv_new(data.data, data.len);
        assert_int_equal(tlv_enter(&tlv, 0x6F), 0);
        assert_int_equal(tlv_get(&tlv, 0x83, &value), 0);
        assert_int_equal(tlv_leave(&tlv), -EBADMSG);
        assert_int_equal(tlv_get(&tlv, 0x85, &value), -EBADMSG);
        assert_false(tlv_more(&tlv));
}

static void no_element_reaches_out_of_its_container(void **state)
{
        (void)state;
        struct view value, data = hex("6F0383025100AA");
        struct tlv tlv = tlv_new(data.data, data.len);
        assert_int_equal(tlv_enter(&tlv, 0x6F), 0);
        assert_int_equal(tlv_get(&tlv, 0x83, &value), -EBADMSG);
}

static void done_is_not_said_inside_a_context_or_before_the_end(void **state)
{
        (void)state;
        struct view value, data = hex("6F008100");
        struct tlv tlv = tlv_new(data.data, data.len);
        assert_int_equal(tlv_done(&tlv), -EBADMSG);
        assert_int_equal(tlv_enter(&tlv, 0x6F), 0);
        assert_int_equal(tlv_done(&tlv), -EBADMSG);
        assert_int_equal(tlv_leave(&tlv), 0);
        assert_int_equal(tlv_done(&tlv), -EBADMSG);
        assert_int_equal(tlv_get(&tlv, 0x81, &value), 0);
        assert_int_equal(tlv_done(&tlv), 0);
        assert_int_equal(tlv_leave(&tlv), -EBADMSG);
}

static void another_tag_than_asked_is_an_error(void **state)
{
        (void)state;
        struct view value, data = hex("8100");
        struct tlv tlv = tlv_new(data.data, data.len);
        assert_int_equal(tlv_get(&tlv, 0x82, &value), -EBADMSG);
        tlv = tlv_new(data.data, data.len);
        assert_int_equal(tlv_enter(&tlv, 0x6F), -EBADMSG);
}

static void depth_is_capped(void **state)
{
        (void)state;
        struct view data = hex("300C300A3008300630043002300030003000");
        struct tlv tlv = tlv_new(data.data, 14);
        for (int i = 0; i < TLV_DEPTH_MAX; i++)
                assert_int_equal(tlv_enter(&tlv, 0x30), 0);
        assert_int_equal(tlv_enter(&tlv, 0x30), -EBADMSG);
}

static void search_finds_a_tag_whatever_wraps_it(void **state)
{
        (void)state;
        static const char *const shapes[] = {
                "8102BEEF", "7F49048102BEEF", "B60A8301017F49048102BEEF", "0101FF8102BEEF",
                "8102BEEF83", /* rubbish behind what was found */
        };
        for (size_t i = 0; i < ARRAY_LEN(shapes); i++) {
                struct view value = { 0 };
                assert_int_equal(tlv_find(hex(shapes[i]), 0x81, &value), 0);
                assert_true(view_eq(value, "\xBE\xEF", 2));
        }
}

static void search_survives_rubbish(void **state)
{
        (void)state;
        static const char *const rubbish[] = { "", "81", "8105AA", "3081", "7F49058102BEEF",
                "0481028102BEEF", "FFFFFFFF", "30800000" };
        for (size_t i = 0; i < ARRAY_LEN(rubbish); i++) {
                struct view value = { NULL, 99 };
                assert_int_equal(tlv_find(hex(rubbish[i]), 0x81, &value), -ENOENT);
                assert_int_equal(value.len, 99);
        }
        assert_int_equal(tlv_find((struct view){ 0 }, 0x81, &(struct view){ 0 }), -ENOENT);
}

static void search_stops_at_a_depth(void **state)
{
        (void)state;
        uint8_t nest[400];
        for (size_t i = 0; i < sizeof nest; i += 4) {
                nest[i] = 0x30;
                nest[i + 1] = 0x82;
                nest[i + 2] = (uint8_t)((sizeof nest - i - 4) >> 8);
                nest[i + 3] = (uint8_t)(sizeof nest - i - 4);
        }
        struct view value;
        assert_int_equal(tlv_find((struct view){ nest, sizeof nest }, 0x81, &value), -ENOENT);
}

static void what_is_written_reads_back(void **state)
{
        (void)state;
        static const size_t lengths[] = { 0, 1, 127, 128, 255, 256, 300 };
        static const uint32_t tags[] = { 0x81, 0x7F49, 0x5F8101 };
        uint8_t value[300] = { 0 }, buf[512];
        for (size_t i = 0; i < ARRAY_LEN(lengths); i++) {
                for (size_t j = 0; j < ARRAY_LEN(tags); j++) {
                        struct out out = out_new(buf, sizeof buf);
                        struct view back = { 0 };
                        size_t mark = tlv_open(&out, 0x30);
                        tlv_put(&out, tags[j], value, lengths[i]);
                        tlv_close(&out, mark);
                        assert_int_equal(out_done(&out), 0);
                        struct tlv tlv = tlv_new(buf, out.len);
                        assert_int_equal(tlv_enter(&tlv, 0x30), 0);
                        assert_int_equal(tlv_get(&tlv, tags[j], &back), 0);
                        assert_int_equal(back.len, lengths[i]);
                        assert_int_equal(tlv_leave(&tlv), 0);
                        assert_int_equal(tlv_done(&tlv), 0);
                }
        }
}

static void writing_uses_the_shortest_length(void **state)
{
        (void)state;
        uint8_t value[256] = { 0 }, buf[512];
        struct out out = out_new(buf, sizeof buf);
        tlv_put(&out, 0x90, value, 0x7F);
        assert_memory_equal(buf, "\x90\x7F", 2);
        out = out_new(buf, sizeof buf);
        tlv_put(&out, 0x90, value, 0x80);
        assert_memory_equal(buf, "\x90\x81\x80", 3);
        out = out_new(buf, sizeof buf);
        tlv_put(&out, 0x90, value, 0x100);
        assert_memory_equal(buf, "\x90\x82\x01\x00", 4);
}

static void writing_too_much_is_noticed(void **state)
{
        (void)state;
        uint8_t value[8] = { 0 }, buf[8];
        struct out out = out_new(buf, sizeof buf);
        size_t mark = tlv_open(&out, 0x30);
        tlv_put(&out, 0x81, value, 8);
        tlv_close(&out, mark);
        assert_int_equal(out_done(&out), -ENOSPC);
        out = out_new(buf, 2);
        mark = tlv_open(&out, 0x30);
        tlv_close(&out, mark);
        assert_int_equal(out_done(&out), -ENOSPC);
        out = out_new(buf, sizeof buf);
        tlv_put(&out, 0x81, value, 65536);
        assert_int_equal(out_done(&out), -ENOSPC);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(tags_of_one_to_three_bytes_are_read),
                cmocka_unit_test(malformed_elements_are_refused),
                cmocka_unit_test(nested_contexts_must_be_consumed),
                cmocka_unit_test(no_element_reaches_out_of_its_container),
                cmocka_unit_test(done_is_not_said_inside_a_context_or_before_the_end),
                cmocka_unit_test(another_tag_than_asked_is_an_error),
                cmocka_unit_test(depth_is_capped),
                cmocka_unit_test(search_finds_a_tag_whatever_wraps_it),
                cmocka_unit_test(search_survives_rubbish),
                cmocka_unit_test(search_stops_at_a_depth),
                cmocka_unit_test(what_is_written_reads_back),
                cmocka_unit_test(writing_uses_the_shortest_length),
                cmocka_unit_test(writing_too_much_is_noticed),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}

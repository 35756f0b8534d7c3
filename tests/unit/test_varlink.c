/* SPDX-License-Identifier: Apache-2.0 */
/* test_varlink.c: the frame codec alone: what comes in pieces, what is too much, what is not Varlink. */
#include "daemon/varlink.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <cmocka.h>

/* Feeds bytes `step` at a time and returns what varlink_next() says after the last one. */
static int decode(const char *bytes, size_t len, size_t step, json_t **ret)
{
        struct varlink_decoder decoder = { 0 };
        const char *why = NULL;
        int r = VARLINK_INCOMPLETE;
        for (size_t at = 0; at < len && r == VARLINK_INCOMPLETE; at += step) {
                assert_int_equal(varlink_feed(&decoder, bytes + at, base_min(step, len - at)), 0);
                bool ready = varlink_ready(&decoder);
                r = varlink_next(&decoder, ret, &why);
                assert_int_equal(ready, r != VARLINK_INCOMPLETE);
                assert_int_equal(why != NULL, r == VARLINK_VIOLATION);
        }
        varlink_decoder_clear(&decoder);
        return r;
}

static int decode_text(const char *text)
{
        _cleanup_message_ json_t *message = NULL;
        return decode(text, strlen(text) + 1, 4096, &message);
}

static void frame_in_pieces_is_put_together(void **state)
{
        static const char frame[] = "{\"method\":\"a.b.C\",\"parameters\":{\"x\":[1,2,{}]}}";
        (void)state;
        for (size_t step = 1; step <= sizeof frame; step++) {
                _cleanup_message_ json_t *message = NULL;
                assert_int_equal(decode(frame, sizeof frame, step, &message), 0);
                assert_string_equal(json_string_value(json_object_get(message, "method")), "a.b.C");
        }
}

static void frames_in_one_piece_are_taken_apart(void **state)
{
        static const char bytes[] = "{\"n\":1}\0{\"n\":2}\0{\"n\":3}\0{\"n\"";
        struct varlink_decoder decoder = { 0 };
        const char *why;
        json_t *message;
        (void)state;
        assert_int_equal(varlink_feed(&decoder, bytes, sizeof bytes - 1), 0);
        for (int n = 1; n <= 3; n++) {
                assert_int_equal(varlink_next(&decoder, &message, &why), 0);
                assert_int_equal(json_integer_value(json_object_get(message, "n")), n);
                json_decref(message);
        }
        assert_false(varlink_ready(&decoder));
        assert_int_equal(varlink_next(&decoder, &message, &why), VARLINK_INCOMPLETE);
        assert_int_equal(varlink_feed(&decoder, ":4}", 4), 0);
        assert_int_equal(varlink_next(&decoder, &message, &why), 0);
        json_decref(message);
        varlink_decoder_clear(&decoder);
}

/* {"x":"aaa..."} of exactly len bytes. */
static void long_frame(char *dst, size_t len)
{
        memset(dst, 'a', len);
        memcpy(dst, "{\"x\":\"", 6);
        memcpy(dst + len - 2, "\"}", 2);
        dst[len] = 0;
}

static void longest_frame_fits_and_one_byte_more_does_not(void **state)
{
        static char frame[VARLINK_FRAME_MAX + 2];
        _cleanup_message_ json_t *message = NULL;
        (void)state;
        long_frame(frame, VARLINK_FRAME_MAX);
        assert_int_equal(decode(frame, VARLINK_FRAME_MAX + 1, 1000, &message), 0);
        long_frame(frame, VARLINK_FRAME_MAX + 1);
        assert_int_equal(decode(frame, VARLINK_FRAME_MAX + 1, 1, &message), VARLINK_VIOLATION);
}

static void decoder_never_holds_more_than_a_frame(void **state)
{
        static char junk[VARLINK_FRAME_MAX + 1];
        struct varlink_decoder decoder = { 0 };
        (void)state;
        memset(junk, 'x', sizeof junk);
        assert_int_equal(varlink_room(&decoder), sizeof junk);
        assert_int_equal(varlink_feed(&decoder, junk, sizeof junk), 0);
        assert_int_equal(varlink_feed(&decoder, junk, 1), -ENOBUFS);
        assert_true(decoder.cap <= VARLINK_FRAME_MAX + 1);
        varlink_decoder_clear(&decoder);
}

static void memory_grows_with_what_came_only(void **state)
{
        struct varlink_decoder decoder = { 0 };
        (void)state;
        assert_int_equal(varlink_feed(&decoder, "{", 1), 0);
        assert_true(decoder.cap <= 1024);
        varlink_decoder_clear(&decoder);
}

/* {"x":[[...1...]]}, nested `depth` deep with its braces. */
static void nest(char *dst, size_t cap, size_t depth)
{
        char open[16] = "", close[16] = "";
        memset(open, '[', depth - 1);
        memset(close, ']', depth - 1);
        snprintf(dst, cap, "{\"x\":%s1%s}", open, close);
}

static void nesting_is_counted_before_it_is_parsed(void **state)
{
        char text[64];
        (void)state;
        nest(text, sizeof text, VARLINK_DEPTH_MAX);
        assert_int_equal(decode_text(text), 0);
        nest(text, sizeof text, VARLINK_DEPTH_MAX + 1);
        assert_int_equal(decode_text(text), VARLINK_VIOLATION);
}

static void brackets_in_strings_are_not_nesting(void **state)
{
        (void)state;
        assert_int_equal(decode_text("{\"x\":\"[[[[[[[[[[{{{{{{{{{{\"}"), 0);
        assert_int_equal(decode_text("{\"x\":\"\\\"[[[[[[[[[[[\\\\\"}"), 0);
        assert_int_equal(decode_text("{\"x\\\\\":[[[[[[[[[1]]]]]]]]]}"), VARLINK_VIOLATION);
        assert_int_equal(decode_text("{\"x\":[[[[[[[]]]]]]],\"y\":[[[[[[[]]]]]]]}"), 0);
}

static void only_one_object_is_a_message(void **state)
{
        static const char *const wrong[] = {
                "",
                " ",
                "null",
                "1",
                "\"x\"",
                "[]",
                "[{}]",
                "{",
                "}",
                "{}}",
                "{} {}",
                "{}x",
                "{\"a\":1,\"a\":2}",
                "{\"a\":{\"b\":1,\"b\":1}}",
                "{'a':1}",
                "{\"a\":1,}",
                "{\"a\":01}",
                "{\"a\":\"\\u0000\"}",
                "{\"a\":\"\xff\"}",
                "{\"a\":\"\xc0\x80\"}",
                "{\"a\":\"\xed\xa0\x80\"}",
                "{\"a\":\"\\ud800\"}",
                "{\"a\":1e999}",
                "{\"a\":99999999999999999999}",
                "{\"a\":NaN}",
                "\xef\xbb\xbf{}",
                "{\"a\":\"\n\"}",
        };
        (void)state;
        for (size_t i = 0; i < ARRAY_LEN(wrong); i++)
                if (decode_text(wrong[i]) != VARLINK_VIOLATION)
                        fail_msg("accepted: %s", wrong[i]);
        assert_int_equal(decode_text("{}"), 0);
        assert_int_equal(decode_text(" { } \n"), 0);
}

static void qualified_names_follow_the_grammar(void **state)
{
        static const struct {
                const char *name;
                size_t interface_len;
        } names[] = {
                { "a.b.C", 3 },
                { "org.varlink.service.GetInfo", 19 },
                { "com.ex-ample.x1.M2", 15 },
                { "a.0.C", 3 },
                { "a.b--c.D", 6 },
                { "", 0 },
                { "C", 0 },
                { "a.C", 0 },
                { "a.b.c", 0 },
                { ".a.b.C", 0 },
                { "a..b.C", 0 },
                { "a.b.", 0 },
                { "0.b.C", 0 },
                { "a.-b.C", 0 },
                { "a-.b.C", 0 },
                { "a.b-.C", 0 },
                { "a.b.C-d", 0 },
                { "a.b.C d", 0 },
                { "a/b.c.D", 0 },
                { "a.b.\xd8\xa7", 0 },
                { "-a.b.C", 0 },
        };
        (void)state;
        for (size_t i = 0; i < ARRAY_LEN(names); i++)
                if (varlink_interface_len(names[i].name) != names[i].interface_len)
                        fail_msg("wrong: %s", names[i].name);
}

static int parse(const char *text, struct varlink_call *ret, json_t **ret_message)
{
        const char *why = NULL;
        *ret_message = json_loads(text, 0, NULL);
        assert_non_null(*ret_message);
        return varlink_call_parse(*ret_message, ret, &why);
}

static void call_is_told_by_its_members(void **state)
{
        struct varlink_call call;
        _cleanup_message_ json_t *message = NULL;
        (void)state;
        assert_int_equal(
                parse("{\"method\":\"a.b.C\",\"more\":true,\"oneway\":false}", &call, &message), 0);
        assert_true(call.more && !call.oneway && !call.upgrade);
        assert_int_equal(json_object_size(call.parameters), 0);
        assert_true(json_is_object(call.parameters));
}

static void what_is_no_call_is_a_violation(void **state)
{
        static const char *const wrong[] = {
                "{}",
                "{\"method\":1}",
                "{\"method\":\"nodots\"}",
                "{\"method\":null}",
                "{\"parameters\":{}}",
                "{\"method\":\"a.b.C\",\"parameters\":[]}",
                "{\"method\":\"a.b.C\",\"more\":1}",
                "{\"method\":\"a.b.C\",\"extra\":1}",
                "{\"error\":\"a.b.C\"}",
                "{\"method\":\"a.b.C\",\"more\":true,\"oneway\":true}",
                "{\"method\":\"a.b.C\",\"more\":true,\"upgrade\":true}",
        };
        (void)state;
        for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
                struct varlink_call call;
                _cleanup_message_ json_t *message = NULL;
                if (parse(wrong[i], &call, &message) != VARLINK_VIOLATION)
                        fail_msg("accepted: %s", wrong[i]);
        }
}

static void encoded_frame_decodes_to_itself(void **state)
{
        _cleanup_message_ json_t *message = json_pack(
                "{s:{s:s,s:i}}", "parameters", "x", "\xd9\x85\xd9\x87\xd8\xb1\n\"", "n", -5);
        _cleanup_message_ json_t *back = NULL;
        _cleanup_free_ char *frame = NULL;
        size_t len;
        (void)state;
        assert_int_equal(varlink_encode(message, &frame, &len), 0);
        assert_int_equal(strlen(frame) + 1, len);
        assert_int_equal(decode(frame, len, len, &back), 0);
        assert_true(json_equal(message, back));
}

int main(void)
{
        static const struct CMUnitTest tests[] = {
                cmocka_unit_test(frame_in_pieces_is_put_together),
                cmocka_unit_test(frames_in_one_piece_are_taken_apart),
                cmocka_unit_test(longest_frame_fits_and_one_byte_more_does_not),
                cmocka_unit_test(decoder_never_holds_more_than_a_frame),
                cmocka_unit_test(memory_grows_with_what_came_only),
                cmocka_unit_test(nesting_is_counted_before_it_is_parsed),
                cmocka_unit_test(brackets_in_strings_are_not_nesting),
                cmocka_unit_test(only_one_object_is_a_message),
                cmocka_unit_test(qualified_names_follow_the_grammar),
                cmocka_unit_test(call_is_told_by_its_members),
                cmocka_unit_test(what_is_no_call_is_a_violation),
                cmocka_unit_test(encoded_frame_decodes_to_itself),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* test_members: a reading is believed only if it is all of the text that was read. */
#include "client-sdk/assertion.h"
#include "client-sdk/members.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static bool wrote(const char *value, const char *text)
{
        _cleanup_json_ json_t *json = json_loads(value, JSON_DECODE_ANY, NULL);
        assert_non_null(json);
        return members_wrote(json, text, strlen(text));
}

static const char *const plain[] = {
        "{}",
        "[]",
        "{\"a\":[]}",
        "{\"a\":\"b\",\"c\":[\"d\",{\"e\":null}],\"f\":true,\"g\":false,\"h\":-17}",
        "[9223372036854775807,-9223372036854775808,0]",
        "{\"\":\"\",\"نام\":\"آزمونه/\"}",
};

static void plain_text_is_its_reading(void **state)
{
        (void)state;
        for (size_t i = 0; i < ARRAY_LEN(plain); i++)
                assert_true(wrote(plain[i], plain[i]));
}

/* Whichever character a reader loses, and wherever it stops. */
static void a_lost_character_is_noticed(void **state)
{
        (void)state;
        for (size_t i = 0; i < ARRAY_LEN(plain); i++)
                for (size_t lost = 0, len = strlen(plain[i]); lost < len; lost++) {
                        char text[128];
                        memcpy(text, plain[i], lost);
                        memcpy(text + lost, plain[i] + lost + 1, len - lost);
                        _cleanup_json_ json_t *json = json_loads(text, 0, NULL);
                        if (json)
                                assert_false(members_wrote(json, plain[i], len));
                        _cleanup_json_ json_t *whole = json_loads(plain[i], 0, NULL);
                        assert_false(members_wrote(whole, plain[i], lost));
                        assert_false(members_wrote(whole, text, len - 1));
                }
}

static void one_string_is_not_taken_for_two(void **state)
{
        (void)state;
        assert_false(wrote("[\"a\\\",\\\"b\"]", "[\"a\",\"b\"]"));
        assert_false(wrote("{\"a\\\":1,\\\"b\":1}", "{\"a\":1,\"b\":1}"));
}

static void what_could_be_written_in_two_ways_is_no_match(void **state)
{
        (void)state;
        static const char *const other[] = { "[ 1]", "[1] ", "[-0]", "[1.5]", "[1e2]",
                "[\"\\u0041\"]", "[\"\\\"\"]", "[\"\\\\\"]", "[\"\\/\"]" };
        for (size_t i = 0; i < ARRAY_LEN(other); i++)
                assert_false(wrote(other[i], other[i]));
}

static void all_of_them_are_read(void **state)
{
        (void)state;
        static const char *const texts[] = { "{\"a\":\"\\u0041\\\\\\\"\",\"b\":1.5}",
                "{ \"a\" : 1 }", "[\"x\"]" };
        for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
                bool starved = true;
                _cleanup_json_ json_t *json = members_read(texts[i], strlen(texts[i]), &starved);
                assert_non_null(json);
                assert_false(starved);
        }
}

/* Around the length at which it is written a second time. */
static void a_text_of_any_length_is_written_whole(void **state)
{
        (void)state;
        for (size_t len = 8170; len < 8200; len++) {
                char *string = malloc(len + 1);
                assert_non_null(string);
                memset(string, 'x', len);
                string[len] = '\0';
                _cleanup_json_ json_t *json = json_pack("[s]", string);
                _cleanup_free_ char *text = members_text(json, JSON_COMPACT);
                assert_non_null(text);
                assert_int_equal(strlen(text), len + 4);
                assert_true(members_wrote(json, text, len + 4));
                free(string);
        }
        assert_null(members_text(NULL, JSON_COMPACT));
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(plain_text_is_its_reading),
                cmocka_unit_test(a_lost_character_is_noticed),
                cmocka_unit_test(one_string_is_not_taken_for_two),
                cmocka_unit_test(what_could_be_written_in_two_ways_is_no_match),
                cmocka_unit_test(all_of_them_are_read),
                cmocka_unit_test(a_text_of_any_length_is_written_whole),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}

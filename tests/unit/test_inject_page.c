/* SPDX-License-Identifier: Apache-2.0 */
/* test_inject_page.c: reading what a page is to show while there is no memory: all of it or an error, never a
 * page that says less. (jansson does not tell a text it had no room for from one that is not JSON, so the
 * error may blame the input.)
 */
#include "base/outcome.h"
#include "client-sdk/page/facts.h"
#include "client-sdk/page/page.h"
#include "client-sdk/page/stamp.h"
#include "tests/support/inject.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <cmocka.h>

static const char input[] =
        "{\"language\": \"fa\",\"size\":\"80mm\",\"digest\":\"00112233445566778899aabbccddeeff"
        "00112233445566778899aabbccddeeff\",\"holder\":\"staff\",\"claims\":{\"name\":\"Maryam\","
        "\"aud\":\"https://office.example\",\"purpose\":\"to test\"},\"signed_at\":1795324800,"
        "\"received_at\":1795324812,\"verification\":{\"outcome\":\"ok\",\"reason\":\"ok\","
        "\"checked\":[\"signature\"],\"not_checked\":[\"revocation\"]},\"revocation\":null,"
        "\"timestamp\":null,\"simulated\":true}";

static void what_is_read_is_all_of_it(void **state)
{
        static struct facts calm, facts;
        char problem[FACTS_PROBLEM_MAX] = "";
        (void)state;
        assert_int_equal(page_facts_read(&calm, input, sizeof input - 1, problem), 0);
        for (struct inject in = INJECT(INJECT_MEMORY | INJECT_SYSTEM); inject_next(&in);) {
                inject_arm(&in);
                int r = page_facts_read(&facts, input, sizeof input - 1, problem);
                inject_disarm(&in);
                if (r == 0 ? memcmp(&facts, &calm, sizeof facts) != 0
                           : r != -ENOMEM && r != OUTCOME_USAGE)
                        fail_msg("call %lu (%s): %d", in.n, in.what, r);
        }
}

static void a_stamp_is_read_whole(void **state)
{
        static const char asked[] = "{\"language\":\"fa\",\"name\":\"Maryam\",\"purpose\":"
                                    "\"to test\",\"at\":1795324800,\"width\":200,\"height\":80}";
        static struct stamp calm, stamp;
        (void)state;
        assert_int_equal(stamp_read(&calm, asked, sizeof asked - 1), 0);
        for (struct inject in = INJECT(INJECT_MEMORY | INJECT_SYSTEM); inject_next(&in);) {
                inject_arm(&in);
                int r = stamp_read(&stamp, asked, sizeof asked - 1);
                inject_disarm(&in);
                if (r == 0 ? memcmp(&stamp, &calm, sizeof stamp) != 0
                           : r != -ENOMEM && r != OUTCOME_USAGE)
                        fail_msg("call %lu (%s): %d", in.n, in.what, r);
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = { cmocka_unit_test(what_is_read_is_all_of_it),
                cmocka_unit_test(a_stamp_is_read_whole) };
        inject_init();
        return cmocka_run_group_tests_name("inject_page", tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* test_inject_alone.c: a request of a phone alone, read while memory fails: it is taken whole, refused for what it says, or broken, and never
 * taken for another. And where an answer may go.
 */
#include "client-sdk/base64.h"
#include "daemon/assert_params.h"
#include "daemon/relay/alone.h"
#include "tests/support/inject.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <cmocka.h>

#define PLAIN                                                                                      \
        "{\"audience\":\"https://bank.example/a\",\"nonce\":\"0123456789abcdef\",\"purpose\":"     \
        "\"Opening\",\"claims\":{\"required\":[\"card_expiry\"],\"optional\":[]}}"

static char *linked(const char *request, const char *reply)
{
        char coded[1024], back[256] = "";
        char *text = NULL;
        base64_encode(BASE64_URL, coded, request, strlen(request));
        base64_encode(BASE64_URL, back, reply, strlen(reply));
        assert_true(asprintf(&text, "mohr-request:%s?v=1&reply=%s", coded, back) > 0);
        return text;
}

static void is_whole(struct inject in, const struct alone_request *request)
{
        struct request_params params = { 0 };
        EXPECT(in, assert_params_read(request->parameters, &params) == NULL);
        EXPECT(in, strcmp(params.audience, "https://bank.example/a") == 0);
        EXPECT(in, strcmp(params.nonce, "0123456789abcdef") == 0);
        EXPECT(in, strcmp(params.purpose, "Opening") == 0);
        EXPECT(in, params.required == CLAIM_CARD_EXPIRY && params.optional == 0);
        EXPECT(in, strcmp(request->reply, "https://bank.example/done") == 0);
}

static void a_request_is_taken_whole_or_not_at_all(void **state)
{
        (void)state;
        char *text = linked(PLAIN, "https://bank.example/done");
        for (struct inject in = INJECT(INJECT_MEMORY); inject_next(&in);) {
                struct alone_request request = { 0 };
                char why[ALONE_WHY_MAX] = "";
                inject_arm(&in);
                int r = alone_request_read(text, strlen(text), &request, why);
                inject_disarm(&in);
                EXPECT(in, in.failed || r == 0);
                EXPECT(in, (r == 0) == (request.parameters != NULL));
                if (r == 0)
                        is_whole(in, &request);
                alone_request_clear(&request);
        }
        free(text);
}

static void a_bad_one_is_never_taken(void **state)
{
        (void)state;
        char *text =
                linked("{\"audience\":\"https://bank.example/a\",\"nonce\":\"0123456789abcdef\","
                       "\"reader\":\"x\"}",
                        "https://bank.example/done");
        for (struct inject in = INJECT(INJECT_MEMORY); inject_next(&in);) {
                struct alone_request request = { 0 };
                char why[ALONE_WHY_MAX] = "";
                inject_arm(&in);
                int r = alone_request_read(text, strlen(text), &request, why);
                inject_disarm(&in);
                EXPECT(in, r != 0 && !request.parameters);
                EXPECT(in, in.failed || (r == OUTCOME_USAGE && strstr(why, "reader")));
        }
        free(text);
}

static void an_answer_goes_to_its_own_origin(void **state)
{
        static const struct {
                const char *audience, *reply;
                bool may;
        } rows[] = {
                { "https://bank.example", "https://bank.example", true },
                { "https://bank.example/login", "https://bank.example/done?a=b", true },
                { "https://bank.example", "https://BANK.example/", true },
                { "https://bank.example:8443/", "https://bank.example:8443/x", true },
                { "https://bank.example", "https://bank.example:8443/", false },
                { "https://bank.example", "https://bank.example.evil.example/", false },
                { "https://bank.example", "https://bank.example@evil.example/", false },
                { "https://bank.example", "https://evil.example/?https://bank.example", false },
                { "https://bank.example", "http://bank.example/", false },
                { "http://bank.example", "http://bank.example/", false },
                { "https://", "https://", false },
                { "urn:example:bank", "https://bank.example/", false },
        };
        (void)state;
        for (size_t i = 0; i < ARRAY_LEN(rows); i++)
                if (alone_may_reply(rows[i].audience, rows[i].reply) != rows[i].may)
                        fail_msg("%s to %s", rows[i].audience, rows[i].reply);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(a_request_is_taken_whole_or_not_at_all),
                cmocka_unit_test(a_bad_one_is_never_taken),
                cmocka_unit_test(an_answer_goes_to_its_own_origin),
        };
        inject_init();
        return cmocka_run_group_tests(tests, NULL, NULL);
}

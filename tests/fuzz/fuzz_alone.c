/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_alone.c: requests that come to a phone by file, camera or link. The first byte chooses how: 'T' the text as it is; 'J' a link around
 * this JSON; 'R' a link to a good request with this reply. What is taken is within the bounds of every request, and an answer goes
 * nowhere but to the origin that it is for.
 */
#include "client-sdk/base64.h"
#include "daemon/assert_params.h"
#include "daemon/relay/alone.h"
#include "tests/fuzz/require.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void in_bounds(const struct alone_request *request)
{
        struct request_params params = { 0 };
        require(assert_params_read(request->parameters, &params) == NULL);
        require(!params.reader && !params.timeout_ms && !params.remember && !params.ui.tty);
        require(!params.signed_request == (params.audience && params.nonce));
        require(!params.signed_request || json_object_size(request->parameters) == 1);
        require(!params.audience || field_is_uri(params.audience));
        require(!params.nonce || field_is_nonce(params.nonce));
        require(!params.purpose || field_is_text(params.purpose, FIELD_PURPOSE_MAX));
        require((params.required & params.optional) == 0);
        require_text(request->reply, sizeof request->reply);
        if (!request->reply[0])
                return;
        require(strncmp(request->reply, "https://", 8) == 0 && !strchr(request->reply, '#'));
        require(!params.audience || alone_may_reply(params.audience, request->reply));
}

static void judge(const char *text, size_t len)
{
        struct alone_request request = { 0 };
        char why[ALONE_WHY_MAX] = "";
        int r = alone_request_read(text, len, &request, why);
        require(r == 0 || r == OUTCOME_USAGE);
        require(strnlen(why, sizeof why) < sizeof why);
        require(r == 0 ? request.parameters != NULL : why[0] && !request.parameters);
        if (r == 0)
                in_bounds(&request);
        alone_request_clear(&request);
}

static void judge_link(const char *before, const uint8_t *data, size_t len, const char *behind)
{
        size_t coded = base64_encoded_len(BASE64_URL, len), head = strlen(before);
        char *text = malloc(head + coded + strlen(behind) + 1);
        require(text != NULL);
        memcpy(text, before, head);
        base64_encode(BASE64_URL, text + head, data, len);
        memcpy(text + head + coded, behind, strlen(behind) + 1);
        judge(text, strlen(text));
        free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
        /* {"audience":"https://bank.example/a","nonce":"12345678"} */
        static const char good[] =
                "mohr-request:"
                "eyJhdWRpZW5jZSI6Imh0dHBzOi8vYmFuay5leGFtcGxlL2EiLCJub25jZSI6IjEyMzQ1Njc4In0"
                "?v=1&reply=";
        if (len == 0)
                return 0;
        if (data[0] == 'T')
                judge((const char *)data + 1, len - 1);
        if (data[0] == 'J')
                judge_link("mohr-request:", data + 1, len - 1, "?v=1");
        if (data[0] == 'R')
                judge_link(good, data + 1, len - 1, "");
        return 0;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* client_assert.c: asking the holder who they are: Assert, started or blocking.
 *
 * mohrd ends a request by its own time limit; the blocking call waits half a minute longer, against a mohrd that
 * died without closing its socket. The text that is handed out as an assertion has the characters of a compact JWS and
 * no others; whether it holds is the verifier's question.
 */
#include "client-sdk/client.h"

#include "client-sdk/asking.h"
#include "client-sdk/assertion.h"

#define ASSERT_DEFAULT_S 180 /* mohrd's own */

static int read_assertion(const struct wire_reply *reply, int outcome, char **ret)
{
        const char *assertion = json_string_value(json_object_get(reply->parameters, "assertion"));
        if (outcome != 0 || reply->continues)
                return client_read_phase(reply, outcome, ret);
        if (!assertion || strlen(assertion) > ASSERTION_MAX ||
                strspn(assertion,
                        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.") !=
                        strlen(assertion))
                return -EBADMSG;
        *ret = strdup(assertion);
        return *ret ? 0 : -ENOMEM;
}

int mohr_client_start_assert(struct mohr_client *client, const struct mohr_request *request)
{
        const char *wrong = asking_out_of_bounds(request);
        if (wrong)
                return client_wrong(client, wrong);
        const struct wire_call call = { .method = "mohr.Identity.Assert",
                .parameters = asking_parameters(request),
                .more = true };
        return client_start(client, &call, read_assertion);
}

int mohr_client_assert(struct mohr_client *client, const struct mohr_request *request,
        void (*phase)(void *user, const char *phase), void *user, char **ret_assertion)
{
        int seconds = request->timeout_s ? request->timeout_s : ASSERT_DEFAULT_S;
        int r = mohr_client_start_assert(client, request);
        if (r == 0)
                r = client_await_holder(client, seconds, phase, user);
        if (r == 0)
                *ret_assertion = client_take_text(client);
        return r;
}

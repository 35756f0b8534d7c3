/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_client_reply.c: a hostile listener's bytes, through a real socket, step by step until the call ends. Which call
 * they answer goes by their length.
 */
#include "client-sdk/client_object.h"
#include "tests/fuzz/require.h"

#include "base/outcome.h"
#include "base/text.h"

#include <sys/socket.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static int start_assert(struct mohr_client *client)
{
        const struct mohr_request request = { .audience = "a:b", .nonce = "12345678" };
        return mohr_client_start_assert(client, &request);
}

static int start_examine(struct mohr_client *client)
{
        return mohr_client_start_examine(client, NULL, true);
}

static int start_add(struct mohr_client *client)
{
        const struct mohr_to_sign document = { .name = "n", .form = "cms" };
        return mohr_client_start_add_document(client, &document, 0, 1);
}

static int start_sign(struct mohr_client *client)
{
        const char *const all[] = { "00", NULL };
        return mohr_client_start_sign_documents(client, &(struct mohr_signing){ .documents = all });
}

static int (*const starts[])(struct mohr_client *client) = {
        start_assert,
        mohr_client_start_status,
        mohr_client_start_watch,
        start_examine,
        mohr_client_start_grants,
        start_add,
        start_sign,
};

static bool is_text(const char *text)
{
        return !text || text_utf8_valid(text, strlen(text));
}

static void check(const struct mohr_client *client)
{
        require(is_text(mohr_client_text(client)) && is_text(mohr_client_detail(client)));
        require(is_text(mohr_client_request_id(client)) && is_text(client_error(client)));
        require(mohr_client_tries_left(client) >= -1 && mohr_client_tries_left(client) <= 15);
}

/* Every way to an end; and only an end is one. */
static void step_to_the_end(struct mohr_client *client)
{
        enum mohr_step step = MOHR_STEP_MORE;
        int r = 0;
        while (r == 0 && step == MOHR_STEP_MORE) {
                r = mohr_client_process(client, &step);
                check(client);
        }
        require(r >= 0 || r == -EBADMSG);
        require(r == 0 || (r >= 2 && r <= 70) || r == -EBADMSG);
        require(r != 0 || step == MOHR_STEP_DONE);
        require(mohr_client_process(client, &step) == -EINVAL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
        int pair[2];
        if (len > 100000 || socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0)
                return 0;
        struct mohr_client *client = calloc(1, sizeof *client);
        require(client);
        client->wire.fd = pair[0];
        client->owner = getpid();
        require(send(pair[1], data, len, MSG_DONTWAIT | MSG_NOSIGNAL) == (ssize_t)len);
        shutdown(pair[1], SHUT_WR);
        require(starts[len % (sizeof starts / sizeof starts[0])](client) == 0);
        step_to_the_end(client);
        mohr_client_free(client);
        close(pair[1]);
        return 0;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_client_reply.c: a hostile listener's bytes, through a real socket, frame by frame until it ends. */
#include "client-sdk/wire.h"
#include "tests/fuzz/require.h"

#include "base/outcome.h"
#include "base/text.h"

#include <sys/socket.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void check(const struct wire_reply *reply)
{
        require(json_is_object(reply->parameters));
        require(text_utf8_valid(reply->error, strlen(reply->error)));
        require(!reply->continues || reply->error[0] == '\0');
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
        static struct wire wire; /* 64 KiB, not for the stack */
        int pair[2], r = 0;
        if (len > 100000 || socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0)
                return 0;
        wire.fd = pair[0];
        wire.len = 0;
        require(send(pair[1], data, len, MSG_DONTWAIT | MSG_NOSIGNAL) == (ssize_t)len);
        close(pair[1]);
        while (r == 0) {
                _cleanup_reply_ struct wire_reply reply = { 0 };
                r = wire_receive(&wire, wire_deadline(1000), &reply);
                if (r == 0)
                        check(&reply);
        }
        require(r == OUTCOME_UNREACHABLE || r == -EBADMSG);
        close(pair[0]);
        return 0;
}

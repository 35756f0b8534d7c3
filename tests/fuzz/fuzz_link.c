/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_link.c: what comes over a link. Most inputs are what a paired computer writes into the proven connection, in pieces whose lengths are
 * in the input; a few are what a stranger sends before anything is proven. Frames that come out must be those that went in.
 */
#include "client-sdk/link/internal.h"
#include "tests/fuzz/require.h"

#include <stdio.h>
#include <sys/socket.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

struct ends {
        struct link *computer, *phone;
        struct secret *buf;
};

static void make_pair(struct link_peer *computer, struct link_peer *phone, const char *folder)
{
        struct link_peer *const both[] = { computer, phone };
        for (size_t i = 0; i < ARRAY_LEN(both); i++) {
                require(link_identity_make(
                                &both[i]->key, &both[i]->certificate, &both[i]->expires_at) == 0);
                snprintf(both[i]->id, sizeof both[i]->id, "00112233445566ff");
        }
        require(link_identity_print(phone->certificate, computer->peer_print) == 0);
        require(link_identity_print(computer->certificate, phone->peer_print) == 0);
        require(link_store_put(folder, phone) == 0);
}

/* Once for all inputs: a handshake takes as long as a thousand of them. */
static struct ends *proven(void)
{
        static struct ends ends;
        char folder[] = "/tmp/mohr-fuzz-link-XXXXXX";
        struct link_peer computer = { 0 }, phone = { 0 };
        int fds[2], left = -EAGAIN, right = -EAGAIN;
        if (ends.buf)
                return &ends;
        require(mkdtemp(folder) != NULL && secret_new(&ends.buf, LINK_FRAME_MAX) == 0);
        make_pair(&computer, &phone, folder);
        require(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) == 0);
        require(link_connect(&ends.computer, fds[0], &computer) == 0);
        require(link_accept(&ends.phone, fds[1], folder) == 0);
        for (int i = 0; i < 16; i++) {
                left = link_handshake(ends.computer);
                right = link_handshake(ends.phone);
        }
        require(left == 0 && right == 0 && link_store_remove(folder, computer.id) == 0);
        require(rmdir(folder) == 0);
        link_peer_clear(&computer);
        link_peer_clear(&phone);
        return &ends;
}

/* The bytes of a frame again, as they must have stood in the input. */
static size_t require_frame(
        const struct view *sent, size_t at, enum link_type type, const struct secret *buf)
{
        require(at + 3 + buf->len <= sent->len && buf->len < LINK_FRAME_MAX);
        require(type != LINK_SECRET); /* nobody sealed one */
        require((size_t)(sent->data[at] << 8 | sent->data[at + 1]) == buf->len + 1);
        require(sent->data[at + 2] == type &&
                memcmp(sent->data + at + 3, buf->data, buf->len) == 0);
        return at + 3 + buf->len;
}

static void after(const struct view *sent, size_t piece)
{
        struct ends *ends = proven();
        size_t at = 0, taken = 0, written = 0;
        int r = -EAGAIN;
        for (; at < sent->len && r == -EAGAIN; at += written) {
                size_t len = base_min(piece, sent->len - at);
                require(SSL_write_ex(ends->computer->ssl, sent->data + at, len, &written) == 1);
                require(link_flush(ends->computer) == 0);
                enum link_type type = 0;
                while ((r = link_recv(ends->phone, &type, ends->buf)) == 0)
                        taken = require_frame(sent, taken, type, ends->buf);
                require(r == -EAGAIN || r == -EBADMSG);
                require(r != -EAGAIN || !link_pending(ends->phone));
        }
        uint8_t rest[256];
        while (link_pending(ends->phone))
                (void)!SSL_read(ends->phone->ssl, rest, sizeof rest);
        ends->phone->have = 0; /* a new stream */
}

static void before(const struct view *sent)
{
        struct link *phone = NULL;
        int fds[2];
        require(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) == 0);
        require(link_accept(&phone, fds[1], "/nonexistent") == 0);
        (void)!write(fds[0], sent->data, sent->len);
        close(fds[0]);
        require(link_handshake(phone) < 0 && link_id(phone)[0] == '\0');
        link_free(phone);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
        if (len < 2 || len > 2 * LINK_FRAME_MAX)
                return 0;
        const struct view sent = { data + 2, len - 2 };
        if (data[0] == 'B' && data[1] == 'B')
                before(&sent);
        else
                after(&sent, (size_t)1 + (size_t)(data[0] << 8 | data[1]));
        return 0;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* frame.c: frames in the stream: u16 length | u8 type | body (link.h).
 *
 * A frame is gathered in the link's own memory, which is wiped behind it, and given out whole; one that is longer than any may be
 * ends the link before a byte of its body is read. Secrets are opened straight into the caller's locked memory.
 */
#include "client-sdk/link/internal.h"

#include <openssl/err.h>

#define HEAD       2
#define PIECES_MAX 4 /* that are taken from the socket at one call: nobody keeps us busy */

/* ---- out ---- */

static int write_all(struct link *link, const void *data, size_t len)
{
        size_t written = 0;
        ERR_clear_error();
        if (len == 0)
                return 0;
        int r = SSL_write_ex(link->ssl, data, len, &written);
        if (r == 1)
                return written == len ? 0 : -EIO;
        r = link_failure(link, r);
        return r == -EAGAIN ? -EIO : r; /* memory never makes it wait */
}

int link_send(struct link *link, enum link_type type, const void *body, size_t len)
{
        uint8_t head[HEAD + 1];
        if (len + 1 > LINK_FRAME_MAX)
                return -EMSGSIZE;
        if (!link->proven)
                return -ENOTCONN;
        if (BIO_ctrl_pending(link->out) + len > LINK_QUEUE_MAX)
                return -ENOBUFS;
        struct out out = out_new(head, sizeof head);
        out_u16(&out, (uint16_t)(len + 1));
        out_u8(&out, (uint8_t)type);
        int r = link->broken ? link->broken : write_all(link, head, sizeof head);
        if (r == 0)
                r = write_all(link, body, len);
        if (r < 0)
                link->broken = r; /* what follows would be taken for the rest of it */
        else
                r = link_flush(link);
        return r == -EAGAIN ? 0 : r;
}

int link_send_secret(struct link *link, const void *body, size_t len)
{
        uint8_t sealed[LINK_SECRET_MAX + LINK_SEAL_TAG];
        int r = link->proven ? link_seal_close(link, body, len, sealed) : -ENOTCONN;
        return r == 0 ? link_send(link, LINK_SECRET, sealed, len + LINK_SEAL_TAG) : r;
}

/* ---- in ---- */

/* Until so many bytes of the frame are here. -EAGAIN: all that came is taken, and it is less. */
static int gather(struct link *link, size_t want, int *pieces)
{
        while (link->have < want) {
                size_t n = 0;
                ERR_clear_error();
                int r = SSL_read_ex(link->ssl, link->frame + link->have, want - link->have, &n);
                if (r == 1) {
                        link->have += n;
                        continue;
                }
                r = link_failure(link, r);
                if (r == -EAGAIN)
                        r = (*pieces)-- > 0 ? link_fill(link) : -EAGAIN;
                if (r < 0)
                        return r;
        }
        return 0;
}

static bool type_exists(uint8_t type)
{
        return (type >= LINK_HELLO && type <= LINK_RENEWED) ||
               (type >= LINK_PAIR_FIRST && type <= LINK_PAIR_LAST);
}

static int give_out(struct link *link, size_t len, enum link_type *ret_type, struct secret *buf)
{
        const uint8_t type = link->frame[HEAD];
        const struct view body = { link->frame + HEAD + 1, len - 1 };
        if (!type_exists(type) || body.len > buf->cap)
                return -EBADMSG;
        int r = 0;
        if (type == LINK_SECRET)
                r = link_seal_open(link, body, buf);
        else if ((buf->len = body.len) > 0)
                memcpy(buf->data, body.data, body.len);
        if (r == 0)
                *ret_type = type;
        return r;
}

int link_recv(struct link *link, enum link_type *ret_type, struct secret *buf)
{
        int pieces = PIECES_MAX;
        if (!link->proven)
                return -ENOTCONN;
        int r = gather(link, HEAD, &pieces);
        size_t len = r == 0 ? (size_t)(link->frame[0] << 8 | link->frame[1]) : 0;
        if (r == 0 && (len == 0 || len > LINK_FRAME_MAX))
                r = -EBADMSG;
        if (r == 0)
                r = gather(link, HEAD + len, &pieces);
        if (BIO_ctrl_pending(link->out) > LINK_QUEUE_MAX && (r == 0 || r == -EAGAIN))
                r = -ECONNRESET; /* it has us answer, and does not read it */
        if (r == 0) {
                r = give_out(link, len, ret_type, buf);
                explicit_bzero(link->frame, HEAD + len);
                link->have = 0;
        }
        return r;
}

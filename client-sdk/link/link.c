/* SPDX-License-Identifier: Apache-2.0 */
/* link.c: see link.h. A socket, TLS in memory between it and us, and the one way bytes go from one to the other.
 *
 * The TLS library never touches the socket: what came is given to it, what it made is taken and sent. So nothing blocks, a
 * write is never repeated, no signal is raised, and what the other side can make us hold is bounded here: bytes before
 * it is proven, bytes that it does not read, bytes taken at one call. frame.c has what is inside.
 */
#include "client-sdk/link/internal.h"
#include "client-sdk/shortage.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <poll.h>
#include <sys/socket.h>

#define HELLO_MAX 32768 /* bytes that are heard of somebody who is not proven */
#define PIECE     16384

/* ---- life ---- */

struct link *link_free(struct link *link)
{
        if (!link)
                return NULL;
        SSL_free(link->ssl); /* with its two BIOs */
        SSL_CTX_free(link->context);
        if (link->frame)
                explicit_bzero(link->frame, 2 + LINK_FRAME_MAX);
        free(link->frame);
        free(link->folder);
        if (link->fd >= 0)
                close(link->fd);
        explicit_bzero(link, sizeof *link);
        free(link);
        return NULL;
}

static void link_cleanup(struct link **link)
{
        *link = link_free(*link);
}

/* Without waiting, and each frame at once. A link that idles is the kernel's alone, with a probe a minute: nobody wakes for it. */
static int prepare_socket(int fd)
{
        static const struct {
                int level, option, value;
        } rows[] = {
                { IPPROTO_TCP, TCP_NODELAY, 1 },
                { SOL_SOCKET, SO_KEEPALIVE, 1 },
                { IPPROTO_TCP, TCP_KEEPIDLE, 60 },
                { IPPROTO_TCP, TCP_KEEPINTVL, 10 },
                { IPPROTO_TCP, TCP_KEEPCNT, 3 },
                { IPPROTO_TCP, TCP_USER_TIMEOUT, 30000 },
        };
        int flags = fcntl(fd, F_GETFL);
        if (flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0)
                return -errno;
        for (size_t i = 0; i < ARRAY_LEN(rows); i++) /* what is no TCP socket does without */
                (void)setsockopt(
                        fd, rows[i].level, rows[i].option, &rows[i].value, sizeof rows[i].value);
        return 0;
}

static int attach_tls(struct link *link)
{
        int r = link_context_new(link, &link->context);
        if (r < 0)
                return r;
        BIO *in = BIO_new(BIO_s_mem()), *out = BIO_new(BIO_s_mem());
        link->ssl = SSL_new(link->context);
        if (!in || !out || !link->ssl) {
                BIO_free(in);
                BIO_free(out);
                return -ENOMEM;
        }
        BIO_set_mem_eof_return(in, -1); /* empty is "not now" */
        BIO_set_mem_eof_return(out, -1);
        SSL_set_bio(link->ssl, in, out);
        link->in = in;
        link->out = out;
        if (SSL_set_app_data(link->ssl, link) != 1)
                return -ENOMEM;
        if (link->listens)
                SSL_set_accept_state(link->ssl);
        else
                SSL_set_connect_state(link->ssl);
        return 0;
}

static int apply(struct link *link, const struct link_setting *setting)
{
        char tag[LINK_TAG_LEN + 1];
        int r = setting->key ? link_show(link->ssl, setting->key, setting->certificate) : 0;
        if (r == 0 && setting->id)
                r = link_call_make(setting->id, tag);
        if (r == 0 && setting->id && SSL_set_tlsext_host_name(link->ssl, tag) != 1)
                r = -ENOMEM;
        if (r == 0 && setting->id)
                memcpy(link->id, setting->id, sizeof link->id);
        if (r == 0 && setting->folder && !(link->folder = strdup(setting->folder)))
                r = -ENOMEM;
        return r;
}

int link_new(struct link **ret, int fd, const struct link_setting *setting)
{
        _cleanup_close_ int owned = fd;
        _cleanup_(link_cleanup) struct link *link = calloc(1, sizeof *link);
        if (!link)
                return -ENOMEM;
        link->fd = base_take_fd(&owned);
        link->listens = setting->listens;
        link->trust = setting->trust;
        link->pins = setting->pins;
        link->frame = malloc(2 + LINK_FRAME_MAX);
        int r = link->frame ? prepare_socket(link->fd) : -ENOMEM;
        if (r == 0)
                r = attach_tls(link);
        if (r == 0)
                r = apply(link, setting);
        ERR_clear_error();
        if (r < 0)
                return r;
        *ret = link;
        link = NULL;
        return 0;
}

int link_connect(struct link **ret, int fd, const struct link_peer *own)
{
        struct link_setting setting = {
                .id = own->id, .key = own->key, .certificate = own->certificate
        };
        memcpy(setting.pins.peer, own->peer_print, LINK_PRINT);
        memcpy(setting.pins.next, own->next_print, LINK_PRINT);
        return link_new(ret, fd, &setting);
}

int link_accept(struct link **ret, int fd, const char *folder)
{
        const struct link_setting setting = { .listens = true, .folder = folder };
        return link_new(ret, fd, &setting);
}

/* ---- the socket ---- */

int link_fd(const struct link *link)
{
        return link->fd;
}

short link_wants(const struct link *link)
{
        return (short)(BIO_ctrl_pending(link->out) > 0 ? POLLIN | POLLOUT : POLLIN);
}

static void drop(BIO *bio, size_t len)
{
        uint8_t sent[4096];
        for (int n = 1; len > 0 && n > 0; len -= (size_t)(n > 0 ? n : 0))
                n = BIO_read(bio, sent, (int)base_min(len, sizeof sent));
}

int link_flush(struct link *link)
{
        while (!link->broken) {
                char *data = NULL;
                long len = BIO_get_mem_data(link->out, &data);
                if (len <= 0)
                        return 0;
                ssize_t n = send(link->fd, data, base_min((size_t)len, 4 * PIECE), MSG_NOSIGNAL);
                if (n < 0 && errno == EINTR)
                        continue;
                if (n < 0 && errno == EWOULDBLOCK)
                        return -EAGAIN;
                if (n < 0)
                        link->broken = -errno;
                else
                        drop(link->out, (size_t)n);
        }
        return link->broken;
}

int link_fill(struct link *link)
{
        uint8_t piece[PIECE];
        ssize_t n;
        do
                n = recv(link->fd, piece, sizeof piece, 0);
        while (n < 0 && errno == EINTR);
        if (n == 0)
                return -ECONNRESET;
        if (n < 0)
                return errno == EWOULDBLOCK ? -EAGAIN : -errno;
        if (!link->proven && (link->heard += (size_t)n) > HELLO_MAX)
                return -EPROTO;
        return BIO_write(link->in, piece, (int)n) == (int)n ? 0 : -ENOMEM;
}

bool link_pending(const struct link *link)
{
        return SSL_pending(link->ssl) > 0 || BIO_ctrl_pending(link->in) > 0;
}

/* ---- proving who is there ---- */

/* A listener without a pairing behind it must never come to be proven, whatever TLS says. */
static int conclude(struct link *link)
{
        if ((link->trust == LINK_TRUST_PINS && !link->id[0] && link->folder) ||
                SSL_version(link->ssl) != TLS1_3_VERSION || SSL_session_reused(link->ssl) ||
                SSL_get_verify_result(link->ssl) != X509_V_OK)
                return -EPROTO;
        link->proven = true;
        return 0;
}

static int shake(struct link *link)
{
        int r;
        do {
                ERR_clear_error();
                int done = SSL_do_handshake(link->ssl);
                r = done == 1 ? conclude(link) : link_failure(link, done);
                if (r == -EAGAIN) {
                        int sent = link_flush(link);
                        r = sent == 0 || sent == -EAGAIN ? link_fill(link) : sent;
                        if (r == 0)
                                continue;
                }
                return r;
        } while (true);
}

int link_handshake(struct link *link)
{
        int r = link->proven ? 0 : shake(link);
        int sent = link_flush(link); /* an alert as well */
        return r == 0 && sent < 0 && sent != -EAGAIN ? sent : r;
}

const char *link_id(const struct link *link)
{
        return link->id;
}

bool link_showed_next(const struct link *link)
{
        return link->proven && link->showed_next;
}

bool link_expired(const struct link *link)
{
        return link->expired;
}

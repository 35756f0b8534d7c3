/* SPDX-License-Identifier: Apache-2.0 */
/* pair.c: see pair.h. The connection of a pairing: TLS first, then pair_talk.c over its frames, then what is kept of it.
 *
 * The side that connects by secret takes one certificate, the QR code's; in all other cases any is taken and nothing believed
 * until pair_talk.c is done. The last word is not counted as said before the system has taken all of it.
 */
#include "client-sdk/link/internal.h"
#include "client-sdk/link/pair_talk.h"

#include <netdb.h>
#include <stdio.h>
#include <sys/socket.h>
#include <time.h>

#define EXPORTER "EXPORTER-mohr-pair"
#define TURN_MAX 16 /* messages taken at one step: more than a pairing has */

struct pairing {
        struct link *link;
        struct pair_talk talk;
        struct secret *buf;
        bool begun, told;
        char *key, *certificate;
        uint8_t own_print[LINK_PRINT];
        int64_t expires_at;
};

struct pairing *pair_free(struct pairing *pairing)
{
        if (!pairing)
                return NULL;
        link_free(pairing->link);
        secret_free(pairing->buf);
        link_text_cleanup(&pairing->key);
        free(pairing->certificate);
        explicit_bzero(pairing, sizeof *pairing);
        free(pairing);
        return NULL;
}

static void pair_cleanup(struct pairing **pairing)
{
        *pairing = pair_free(*pairing);
}

static int say(void *user, enum pair_type type, const void *body, size_t len)
{
        struct pairing *pairing = user;
        return link_send(pairing->link, (enum link_type)type, body, len);
}

/* ---- making ---- */

static int keep_identity(struct pairing *pairing, const struct pair_side *side)
{
        _cleanup_(link_x509_cleanup) X509 *certificate = NULL;
        pairing->key = strdup(side->key);
        pairing->certificate = strdup(side->certificate);
        if (!pairing->key || !pairing->certificate)
                return -ENOMEM;
        int r = link_certificate_read(side->certificate, &certificate);
        if (r == 0)
                r = link_certificate_print(certificate, pairing->own_print);
        return r == 0 ? link_certificate_end(certificate, &pairing->expires_at) : r;
}

static int pair_new(struct pairing **ret, int fd, const struct pair_side *side, bool phone)
{
        _cleanup_close_ int owned = fd;
        _cleanup_(pair_cleanup) struct pairing *pairing = calloc(1, sizeof *pairing);
        struct link_setting setting = { .listens = !phone,
                .trust = side->print ? LINK_TRUST_PINS : LINK_TRUST_NOBODY,
                .key = side->key,
                .certificate = side->certificate };
        if (!pairing)
                return -ENOMEM;
        if (phone ? (side->secret != NULL) != (side->print != NULL) : side->print != NULL)
                return -EINVAL;
        if (side->print)
                memcpy(setting.pins.peer, side->print, LINK_PRINT);
        int r = pair_talk_prepare(&pairing->talk, phone, side);
        if (r == 0)
                r = secret_new(&pairing->buf, PAIR_BODY_MAX);
        if (r == 0)
                r = keep_identity(pairing, side);
        if (r == 0)
                r = link_new(&pairing->link, base_take_fd(&owned), &setting);
        if (r < 0)
                return r;
        pairing->talk.send = say;
        pairing->talk.user = pairing;
        *ret = pairing;
        pairing = NULL;
        return 0;
}

int pair_listen(struct pairing **ret, int fd, const struct pair_side *side)
{
        return pair_new(ret, fd, side, false);
}

int pair_connect(struct pairing **ret, int fd, const struct pair_side *side)
{
        return pair_new(ret, fd, side, true);
}

struct link *pair_link(struct pairing *pairing)
{
        return pairing->link;
}

/* ---- steps ---- */

static void break_off(struct pairing *pairing, int error)
{
        struct pair_talk *talk = &pairing->talk;
        bool over = link_expired(pairing->link);
        switch (error) {
        case -EACCES: pair_talk_fail(talk, over ? PAIR_CLOCKS : PAIR_WRONG_CERTIFICATE); break;
        case -EPROTO:
        case -EBADMSG: pair_talk_fail(talk, PAIR_PROTOCOL); break;
        default: pair_talk_fail(talk, PAIR_BROKE);
        }
}

static void begin(struct pairing *pairing)
{
        struct pair_proven proven;
        const struct link *link = pairing->link;
        int r = link_handshake(pairing->link);
        if (r == 0)
                r = link_export(pairing->link, EXPORTER, proven.exporter, PAIR_HASH);
        if (r < 0) {
                if (r != -EAGAIN)
                        break_off(pairing, r);
                return;
        }
        const uint8_t *own = pairing->own_print, *peer = link->peer_print;
        memcpy(proven.phone, pairing->talk.phone ? own : peer, LINK_PRINT);
        memcpy(proven.computer, pairing->talk.phone ? peer : own, LINK_PRINT);
        pairing->begun = true;
        pair_talk_begin(&pairing->talk, &proven);
}

static void take_messages(struct pairing *pairing)
{
        for (int i = 0; i < TURN_MAX && pairing->talk.stage != PAIR_AT_END; i++) {
                enum link_type type = 0;
                secret_wipe(pairing->buf);
                int r = link_recv(pairing->link, &type, pairing->buf);
                if (r == -EAGAIN)
                        return;
                if (r < 0)
                        break_off(pairing, r);
                else
                        pair_talk_take(&pairing->talk, (uint8_t)type,
                                (struct view){ pairing->buf->data, pairing->buf->len });
        }
}

/* The last word leaves, or the end is another one. */
static enum pair_state conclude(struct pairing *pairing)
{
        struct pair_talk *talk = &pairing->talk;
        if (!pairing->told) {
                int r = link_flush(pairing->link);
                if (r == -EAGAIN && talk->failure == PAIR_NO_FAILURE)
                        return PAIR_WORKING;
                if (r < 0 && talk->failure == PAIR_NO_FAILURE)
                        talk->failure = PAIR_BROKE;
                pairing->told = true;
        }
        return talk->failure == PAIR_NO_FAILURE ? PAIR_DONE : PAIR_FAILED;
}

enum pair_state pair_step(struct pairing *pairing)
{
        struct pair_talk *talk = &pairing->talk;
        if (talk->stage != PAIR_AT_END && !pairing->begun)
                begin(pairing);
        if (talk->stage != PAIR_AT_END && pairing->begun) {
                int r = link_flush(pairing->link);
                if (r < 0 && r != -EAGAIN)
                        break_off(pairing, r);
                take_messages(pairing);
        }
        if (talk->stage == PAIR_AT_END)
                return conclude(pairing);
        return talk->stage == PAIR_AT_PERSON ? PAIR_COMPARE : PAIR_WORKING;
}

const char *pair_code(const struct pairing *pairing)
{
        return pairing->talk.code;
}

void pair_answer(struct pairing *pairing, bool same)
{
        pair_talk_answer(&pairing->talk, same);
}

bool pair_spent(const struct pairing *pairing)
{
        return pairing->talk.spent;
}

enum pair_failure pair_failure(const struct pairing *pairing)
{
        return pairing->talk.failure;
}

/* ---- what is kept ---- */

/* Where the phone listens, as the computer saw it; "" if it is on no network. */
static void tell_address(const struct pairing *pairing, char ret[static LINK_ADDRESS_MAX])
{
        struct sockaddr_storage peer = { 0 };
        socklen_t len = sizeof peer;
        char host[LINK_ADDRESS_MAX - 16];
        ret[0] = '\0';
        if (pairing->talk.phone ||
                getpeername(pairing->link->fd, (struct sockaddr *)&peer, &len) < 0 ||
                getnameinfo((struct sockaddr *)&peer, len, host, sizeof host, NULL, 0,
                        NI_NUMERICHOST) != 0 ||
                (peer.ss_family != AF_INET && peer.ss_family != AF_INET6))
                return;
        snprintf(ret, LINK_ADDRESS_MAX, peer.ss_family == AF_INET6 ? "[%s]:%u" : "%s:%u", host,
                pairing->talk.port);
}

int pair_take(struct pairing *pairing, struct link_peer *ret)
{
        const struct pair_talk *talk = &pairing->talk;
        _cleanup_(link_peer_clear) struct link_peer peer = { .paired_at = time(NULL),
                .expires_at = pairing->expires_at };
        if (talk->stage != PAIR_AT_END || talk->failure != PAIR_NO_FAILURE || !pairing->told)
                return -EINVAL;
        memcpy(peer.id, talk->id, sizeof peer.id);
        memcpy(peer.name, talk->peer_name, sizeof peer.name);
        memcpy(peer.peer_print, pairing->link->peer_print, LINK_PRINT);
        tell_address(pairing, peer.address);
        peer.key = strdup(pairing->key);
        peer.certificate = strdup(pairing->certificate);
        if (!peer.key || !peer.certificate)
                return -ENOMEM;
        *ret = peer;
        peer = (struct link_peer){ 0 };
        return 0;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* renew.c: see renew.h. Each step reads the pairing's file anew and writes it whole: what was forgotten meanwhile stays forgotten. */
#include "client-sdk/link/renew.h"

#include "client-sdk/link/internal.h"

#include <openssl/x509.h>

struct link_renewal {
        char id[LINK_ID_LEN + 1];
        char *key, *certificate; /* our next */
        int64_t expires_at;
};

struct link_renewal *link_renewal_free(struct link_renewal *renewal)
{
        if (!renewal)
                return NULL;
        link_text_cleanup(&renewal->key);
        free(renewal->certificate);
        free(renewal);
        return NULL;
}

static void renewal_cleanup(struct link_renewal **renewal)
{
        *renewal = link_renewal_free(*renewal);
}

static int renewal_new(struct link_renewal **ret, const struct link *link)
{
        _cleanup_(renewal_cleanup) struct link_renewal *renewal = calloc(1, sizeof *renewal);
        if (!renewal)
                return -ENOMEM;
        memcpy(renewal->id, link->id, sizeof renewal->id);
        int r = link_identity_make(&renewal->key, &renewal->certificate, &renewal->expires_at);
        if (r < 0)
                return r;
        *ret = renewal;
        renewal = NULL;
        return 0;
}

/* ---- what changes in the file ---- */

struct change {
        struct link_renewal *ours;   /* its next key takes the place of ours, or NULL */
        const uint8_t *shown, *next; /* prints of the other side's; NULL next: it stays */
};

/* The certificate that it showed on this connection is the one to go on with, whichever of the two that was. */
static int apply(void *user, struct link_peer *peer)
{
        const struct change *change = user;
        if (change->shown)
                memcpy(peer->peer_print, change->shown, LINK_PRINT);
        if (change->next)
                memcpy(peer->next_print, change->next, LINK_PRINT);
        if (!change->ours)
                return 0;
        link_text_cleanup(&peer->key);
        free(peer->certificate);
        peer->key = change->ours->key;
        peer->certificate = change->ours->certificate;
        peer->expires_at = change->ours->expires_at;
        change->ours->key = change->ours->certificate = NULL;
        return 0;
}

static int apply_seen(void *user, struct link_peer *peer)
{
        static const uint8_t none[LINK_PRINT];
        const struct link *link = user;
        if (memcmp(peer->next_print, link->peer_print, LINK_PRINT) != 0)
                return -EALREADY; /* another connection was faster */
        memcpy(peer->peer_print, link->peer_print, LINK_PRINT);
        memcpy(peer->next_print, none, LINK_PRINT);
        return 0;
}

/* ---- certificates on the way ---- */

static int send_certificate(struct link *link, enum link_type type, const char *pem)
{
        _cleanup_(link_x509_cleanup) X509 *certificate = NULL;
        uint8_t body[2 + LINK_DER_MAX];
        unsigned char *der = NULL;
        int r = link_certificate_read(pem, &certificate);
        int len = r == 0 ? i2d_X509(certificate, &der) : 0;
        if (r < 0 || len <= 0)
                return r < 0 ? r : -ENOMEM;
        struct out out = out_new(body, sizeof body);
        out_bytes16(&out, der, (size_t)len);
        OPENSSL_free(der);
        r = out_done(&out);
        return r == 0 ? link_send(link, type, body, out.len) : r;
}

/* A certificate as this version makes them: whole, its own, on our curve, and not over. */
static bool is_of_ours(X509 *certificate, const uint8_t *end, const struct view *der)
{
        char group[32] = "";
        EVP_PKEY *key = X509_get0_pubkey(certificate);
        return end == der->data + der->len && key &&
               EVP_PKEY_get_group_name(key, group, sizeof group, NULL) == 1 &&
               strcmp(group, "prime256v1") == 0 && X509_verify(certificate, key) == 1 &&
               X509_cmp_current_time(X509_get0_notAfter(certificate)) > 0;
}

static int read_print(const void *body, size_t len, uint8_t ret[static LINK_PRINT])
{
        struct in in = in_new(body, len);
        const struct view der = in_bytes16(&in, LINK_DER_MAX);
        const uint8_t *at = der.data;
        if (in_done(&in) < 0 || der.len == 0)
                return -EBADMSG;
        _cleanup_(link_x509_cleanup) X509 *certificate = d2i_X509(NULL, &at, (long)der.len);
        if (!certificate || !is_of_ours(certificate, at, &der))
                return -EBADMSG;
        return link_certificate_print(certificate, ret);
}

/* ---- the steps ---- */

int link_renew_ask(struct link_renewal **ret, struct link *link)
{
        _cleanup_(renewal_cleanup) struct link_renewal *renewal = NULL;
        int r = renewal_new(&renewal, link);
        if (r == 0)
                r = send_certificate(link, LINK_RENEW, renewal->certificate);
        if (r < 0)
                return r;
        *ret = renewal;
        renewal = NULL;
        return 0;
}

int link_renew_finish(struct link_renewal *renewal, struct link *link, const char *folder,
        const void *body, size_t len)
{
        const uint8_t closing = LINK_REASON_CLOSING;
        uint8_t next[LINK_PRINT];
        struct change change = { renewal, link->peer_print, next };
        if (!renewal->key)
                return -EBADMSG; /* once */
        int r = read_print(body, len, next);
        if (r == 0)
                r = link_store_change(folder, renewal->id, apply, &change);
        return r == 0 ? link_send(link, LINK_BYE, &closing, 1) : r;
}

int link_renew_answer(struct link_renewal **ret, struct link *link, const char *folder,
        const void *body, size_t len)
{
        _cleanup_(renewal_cleanup) struct link_renewal *renewal = NULL;
        uint8_t next[LINK_PRINT];
        struct change change = { NULL, link->peer_print, next };
        int r = read_print(body, len, next);
        if (r == 0)
                r = renewal_new(&renewal, link);
        if (r == 0)
                r = link_store_change(folder, link->id, apply, &change);
        if (r == 0)
                r = send_certificate(link, LINK_RENEWED, renewal->certificate);
        if (r < 0)
                return r;
        *ret = renewal;
        renewal = NULL;
        return 0;
}

int link_renew_kept(struct link_renewal *renewal, const char *folder)
{
        struct change change = { .ours = renewal };
        return renewal->key ? link_store_change(folder, renewal->id, apply, &change) : -EBADMSG;
}

int link_renew_seen(struct link *link, const char *folder)
{
        int r = link_showed_next(link) ? link_store_change(folder, link->id, apply_seen, link) : 0;
        return r == -EALREADY ? 0 : r;
}

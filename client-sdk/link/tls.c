/* SPDX-License-Identifier: Apache-2.0 */
/* tls.c: TLS (RFC 8446) as two paired devices speak it, and no other: version 1.3, three suites, two groups, one signature
 * algorithm, certificates of both sides; no tickets, no resumption, no early data, no renegotiation, no configuration file.
 *
 * Of a certificate nothing is believed but its digest, which must be the pairing's, and the day it ends. OpenSSL's own checks of
 * chains and names are replaced, not added to. A listener has no certificate of its own until the tag in the
 * SNI told which pairing it is; whoever names none gets an alert, the same for each reason.
 */
#include "client-sdk/link/internal.h"
#include "client-sdk/shortage.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509_vfy.h>
#include <time.h>

#define SUITES     "TLS_AES_128_GCM_SHA256:TLS_CHACHA20_POLY1305_SHA256:TLS_AES_256_GCM_SHA384"
#define GROUPS     "X25519:P-256"
#define SIGNATURES "ECDSA+SHA256"
#define CHAIN_MAX  4096 /* bytes of certificates that are read from the other side */

/* ---- who the other side is ---- */

static bool same_print(const uint8_t a[static LINK_PRINT], const uint8_t b[static LINK_PRINT])
{
        return CRYPTO_memcmp(a, b, LINK_PRINT) == 0;
}

static bool is_trusted(struct link *link)
{
        static const uint8_t none[LINK_PRINT];
        if (link->trust == LINK_TRUST_NOBODY)
                return true;
        bool now =
                same_print(link->peer_print, link->pins.peer) && !same_print(link->pins.peer, none);
        link->showed_next =
                same_print(link->peer_print, link->pins.next) && !same_print(link->pins.next, none);
        return now || link->showed_next;
}

/* In place of OpenSSL's verification of a chain. */
static int verify(X509_STORE_CTX *store, void *user)
{
        struct link *link = user;
        X509 *leaf = X509_STORE_CTX_get0_cert(store);
        link->denied = true;
        X509_STORE_CTX_set_error(store, X509_V_ERR_CERT_UNTRUSTED);
        if (!leaf || link_certificate_print(leaf, link->peer_print) < 0 || !is_trusted(link))
                return 0;
        if (X509_cmp_current_time(X509_get0_notAfter(leaf)) <= 0) {
                link->expired = true;
                X509_STORE_CTX_set_error(store, X509_V_ERR_CERT_HAS_EXPIRED);
                return 0;
        }
        link->denied = false;
        X509_STORE_CTX_set_error(store, X509_V_OK);
        return 1;
}

int link_show(SSL *ssl, const char *key, const char *certificate)
{
        _cleanup_(link_x509_cleanup) X509 *shown = NULL;
        _cleanup_(link_pkey_cleanup) EVP_PKEY *own = NULL;
        int r = link_certificate_read(certificate, &shown);
        if (r == 0)
                r = link_key_read(key, &own);
        if (r == 0 && (SSL_use_certificate(ssl, shown) != 1 || SSL_use_PrivateKey(ssl, own) != 1 ||
                              SSL_check_private_key(ssl) != 1))
                r = -EBADMSG;
        return shortage_seen() < 0 ? -ENOMEM : r;
}

/* ---- which pairing is meant ---- */

static int load_pairing(struct link *link, const char *tag)
{
        _cleanup_(link_peer_clear) struct link_peer peer = { 0 };
        char id[LINK_ID_LEN + 1];
        int r = link_store_find(link->folder, tag, id);
        if (r == 0)
                r = link_store_get(link->folder, id, &peer);
        if (r == 0)
                r = link_show(link->ssl, peer.key, peer.certificate);
        if (r < 0)
                return r;
        memcpy(link->id, peer.id, sizeof link->id);
        memcpy(link->pins.peer, peer.peer_print, LINK_PRINT);
        memcpy(link->pins.next, peer.next_print, LINK_PRINT);
        return 0;
}

/* OpenSSL asks this of a listener for each ClientHello, with a name in it or without; and of the side that connects. */
static int choose(SSL *ssl, int *alert, void *user)
{
        struct link *link = user;
        const char *tag = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
        if (!link->folder || link->id[0])
                return SSL_TLSEXT_ERR_OK;
        if (tag && load_pairing(link, tag) == 0)
                return SSL_TLSEXT_ERR_OK;
        link->denied = true;
        *alert = SSL_AD_UNRECOGNIZED_NAME;
        return SSL_TLSEXT_ERR_ALERT_FATAL;
}

/* ---- the context ---- */

static void note_alert(const SSL *ssl, int where, int value)
{
        struct link *link = SSL_get_app_data(ssl);
        if (link && (where & SSL_CB_READ_ALERT) == SSL_CB_READ_ALERT && value >> 8 == SSL3_AL_FATAL)
                link->alert = (uint8_t)value;
}

static bool set_protocol(SSL_CTX *context)
{
        SSL_CTX_set_options(
                context, SSL_OP_NO_TICKET | SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION |
                                 SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_CLEANSE_PLAINTEXT);
        SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS);
        SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
        SSL_CTX_set_max_cert_list(context, CHAIN_MAX);
        return SSL_CTX_set_min_proto_version(context, TLS1_3_VERSION) == 1 &&
               SSL_CTX_set_max_proto_version(context, TLS1_3_VERSION) == 1 &&
               SSL_CTX_set_ciphersuites(context, SUITES) == 1 &&
               SSL_CTX_set1_groups_list(context, GROUPS) == 1 &&
               SSL_CTX_set1_sigalgs_list(context, SIGNATURES) == 1 &&
               SSL_CTX_set1_client_sigalgs_list(context, SIGNATURES) == 1 &&
               SSL_CTX_set_num_tickets(context, 0) == 1 &&
               SSL_CTX_set_max_early_data(context, 0) == 1 &&
               SSL_CTX_set_recv_max_early_data(context, 0) == 1;
}

int link_context_new(struct link *link, SSL_CTX **ret)
{
        ERR_clear_error();
        tzset(); /* the C library reads a file before it compares days: now, as a sandbox may close soon */
        if (OPENSSL_init_ssl(OPENSSL_INIT_NO_LOAD_CONFIG, NULL) != 1)
                return -ENOMEM;
        SSL_CTX *context = SSL_CTX_new(link->listens ? TLS_server_method() : TLS_client_method());
        if (!context)
                return -ENOMEM;
        if (!set_protocol(context)) {
                SSL_CTX_free(context);
                return shortage_seen() < 0 ? -ENOMEM : -ENOTSUP;
        }
        SSL_CTX_set_verify(context, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
        SSL_CTX_set_cert_verify_callback(context, verify, link);
        SSL_CTX_set_info_callback(context, note_alert);
        SSL_CTX_set_tlsext_servername_callback(context, choose);
        SSL_CTX_set_tlsext_servername_arg(context, link);
        *ret = context;
        return 0;
}

/* ---- what came of a step ---- */

/* Alerts by which the other side says that we are not who it is paired with. */
static bool is_denial(uint8_t alert)
{
        static const uint8_t denials[] = { SSL_AD_BAD_CERTIFICATE, SSL_AD_UNSUPPORTED_CERTIFICATE,
                SSL_AD_CERTIFICATE_REVOKED, SSL_AD_CERTIFICATE_EXPIRED, SSL_AD_CERTIFICATE_UNKNOWN,
                SSL_AD_UNKNOWN_CA, SSL_AD_ACCESS_DENIED, SSL_AD_CERTIFICATE_REQUIRED,
                SSL_AD_UNRECOGNIZED_NAME };
        return alert != 0 && memchr(denials, alert, sizeof denials) != NULL;
}

int link_failure(struct link *link, int ssl_result)
{
        int error = SSL_get_error(link->ssl, ssl_result);
        unsigned long reason = ERR_peek_error();
        if (error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE)
                return -EAGAIN;
        if (error == SSL_ERROR_ZERO_RETURN)
                return -ECONNRESET;
        if (shortage_seen() < 0)
                return -ENOMEM;
        if (link->alert == SSL_AD_CERTIFICATE_EXPIRED)
                link->expired = true;
        if (link->denied || is_denial(link->alert) ||
                ERR_GET_REASON(reason) == SSL_R_PEER_DID_NOT_RETURN_A_CERTIFICATE)
                return -EACCES;
        return -EPROTO;
}

int link_export(struct link *link, const char *label, uint8_t *ret, size_t len)
{
        ERR_clear_error();
        if (!link->proven)
                return -ENOTCONN;
        bool made = SSL_export_keying_material(
                            link->ssl, ret, len, label, strlen(label), NULL, 0, 0) == 1;
        ERR_clear_error();
        return made ? 0 : -ENOMEM;
}

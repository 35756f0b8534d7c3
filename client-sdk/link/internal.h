/* SPDX-License-Identifier: Apache-2.0 */
/* internal.h: what the files of this folder share, and nobody else includes. */
#ifndef MOHR_LINK_INTERNAL_H
#define MOHR_LINK_INTERNAL_H

#include "client-sdk/link/link.h"

#include <openssl/ssl.h>

/* ---- files of pairings (store_file.c) ---- */

#define LINK_FILE_MAX 16384

bool link_id_valid(const char *id);
/* Text of a file to a pairing. The key's value is taken out of `text` and blanked first: no JSON library has seen it.
 * -EBADMSG: it is none; -ENOMEM. */
_must_check_ int link_file_parse(char *text, size_t len, struct link_peer *ret);
/* The text of its file, with a NUL; the caller wipes it. -EINVAL: something in it cannot be kept. */
_must_check_ int link_file_write(
        const struct link_peer *peer, char text[static LINK_FILE_MAX], size_t *ret_len);
static inline void link_wipe_file(char (*text)[LINK_FILE_MAX])
{
        explicit_bzero(*text, sizeof *text);
}

/* ---- folders of pairings (store.c) ---- */

#define LINK_ENDING ".json"

/* -ENOENT; -EPERM: it is not its owner's alone, or a link. */
_must_check_ int link_open_folder(const char *folder, int *ret_fd);
/* Calls for each pairing's file name; other than 0 ends it. A folder that is not there has none. */
_must_check_ int link_each_file(const char *folder,
        int (*each)(void *user, int at, const char *name, const char *id), void *user);
/* As link_tag_*() of store.h, for the SNI of a connection. */
_must_check_ int link_call_make(const char *id, char ret[static LINK_TAG_LEN + 1]);
bool link_call_is(const char *tag, const char *id);
/* Does an id in this folder have this tag? -ENOENT: none. Reads names only. */
_must_check_ int link_store_find(
        const char *folder, const char *tag, char ret[static LINK_ID_LEN + 1]);

/* ---- certificates (identity.c) ---- */

#define LINK_DER_MAX 2048

_must_check_ int link_certificate_read(const char *pem, X509 **ret);
_must_check_ int link_certificate_print(const X509 *certificate, uint8_t ret[static LINK_PRINT]);
_must_check_ int link_certificate_end(const X509 *certificate, int64_t *ret);
_must_check_ int link_key_read(const char *pem, EVP_PKEY **ret);

static inline void link_x509_cleanup(X509 **certificate)
{
        X509_free(*certificate);
}
static inline void link_pkey_cleanup(EVP_PKEY **key)
{
        EVP_PKEY_free(*key);
}
static inline void link_text_cleanup(char **text)
{
        if (*text)
                explicit_bzero(*text, strlen(*text));
        free(*text);
}

/* ---- TLS (tls.c), and the socket below it (link.c) ---- */

enum link_trust {
        LINK_TRUST_PINS, /* who it is must be one of the prints */
        LINK_TRUST_NOBODY /* any certificate is taken, and proven afterwards by what is said: pairing */
};

struct link_pins {
        uint8_t peer[LINK_PRINT], next[LINK_PRINT]; /* the latter all zero: none */
};

struct link_seal {
        uint8_t key[32];
        uint64_t count;
        bool made;
};

struct link {
        int fd, broken; /* who failed once is not written to again: half a frame may be out */
        SSL_CTX *context;
        SSL *ssl;
        BIO *in, *out; /* of ssl */
        bool proven, listens;
        bool showed_next, denied, expired; /* what was found of the other side's certificate */
        uint8_t alert;                     /* that came, or 0 */
        enum link_trust trust;
        struct link_pins pins;
        uint8_t peer_print[LINK_PRINT]; /* that was shown */
        char id[LINK_ID_LEN + 1];
        char *folder; /* of a listener: where the pairings are */
        size_t heard; /* bytes, before it was proven */
        struct link_seal seal;
        uint8_t *frame; /* 2 + LINK_FRAME_MAX, with what of a frame has come */
        size_t have;
};

struct link_setting {
        bool listens;
        enum link_trust trust;
        struct link_pins pins;
        const char *id;                /* or NULL */
        const char *key, *certificate; /* or NULL: chosen by the tag, in `folder` */
        const char *folder;
};

/* fd is owned, whatever comes of it. */
_must_check_ int link_new(struct link **ret, int fd, const struct link_setting *setting);
/* A context that speaks as this room does, with all callbacks, for this link. */
_must_check_ int link_context_new(struct link *link, SSL_CTX **ret);
_must_check_ int link_show(SSL *ssl, const char *key, const char *certificate);
/* What a failed step of SSL_*() means. */
_must_check_ int link_failure(struct link *link, int ssl_result);
/* One piece from the socket to TLS. 0: something came; -EAGAIN, -ECONNRESET. */
_must_check_ int link_fill(struct link *link);
/* Bytes bound to this connection by RFC 5705. */
_must_check_ int link_export(struct link *link, const char *label, uint8_t *ret, size_t len);

/* ---- secrets (seal.c) ---- */

#define LINK_SECRET_MAX 256
#define LINK_SEAL_TAG   16

_must_check_ int link_seal_close(struct link *link, const void *plain, size_t len,
        uint8_t ret[static LINK_SECRET_MAX + LINK_SEAL_TAG]);
_must_check_ int link_seal_open(struct link *link, struct view sealed, struct secret *ret);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* seal.c: secrets inside of TLS, so that they are in the clear in locked memory only.
 *
 * AES-256-GCM; the key from the connection's exporter (RFC 5705, label below, no context), another one for each connection; the nonce is a
 * count of 96 bits from 0, which both sides keep: the second opening of one seal fails, and so does every one after a seal
 * that was lost. Type and length are authenticated with it. Secrets go one way only, from the computer to the phone, and
 * whoever sends one the other way is refused.
 */
#include "client-sdk/link/internal.h"

#include <openssl/evp.h>

#define LABEL "EXPORTER-mohr-secret"
#define NONCE 12
#define HEAD  3 /* type, length */

static void free_cipher(EVP_CIPHER_CTX **cipher)
{
        EVP_CIPHER_CTX_free(*cipher); /* wipes the key schedule */
}

static int make_key(struct link *link)
{
        if (link->seal.made)
                return 0;
        int r = link_export(link, LABEL, link->seal.key, sizeof link->seal.key);
        link->seal.made = r == 0;
        return r;
}

/* Ready for the text: key, nonce and head are in. */
static bool begin(
        EVP_CIPHER_CTX *cipher, const struct link_seal *seal, size_t sealed_len, int encrypt)
{
        uint8_t nonce[NONCE], head[HEAD];
        int len = 0;
        struct out out = out_new(nonce, sizeof nonce);
        out_u32(&out, 0);
        out_u64(&out, seal->count);
        out = out_new(head, sizeof head);
        out_u8(&out, LINK_SECRET);
        out_u16(&out, (uint16_t)sealed_len);
        return EVP_CipherInit_ex(cipher, EVP_aes_256_gcm(), NULL, seal->key, nonce, encrypt) == 1 &&
               EVP_CipherUpdate(cipher, NULL, &len, head, sizeof head) == 1;
}

int link_seal_close(struct link *link, const void *plain, size_t len,
        uint8_t ret[static LINK_SECRET_MAX + LINK_SEAL_TAG])
{
        _cleanup_(free_cipher) EVP_CIPHER_CTX *cipher = EVP_CIPHER_CTX_new();
        int done = 0, rest = 0;
        if (len == 0 || len > LINK_SECRET_MAX || link->listens)
                return -EINVAL;
        int r = cipher ? make_key(link) : -ENOMEM;
        if (r < 0)
                return r;
        if (!begin(cipher, &link->seal, len + LINK_SEAL_TAG, 1) ||
                EVP_CipherUpdate(cipher, ret, &done, plain, (int)len) != 1 ||
                EVP_CipherFinal_ex(cipher, ret + done, &rest) != 1 ||
                EVP_CIPHER_CTX_ctrl(cipher, EVP_CTRL_AEAD_GET_TAG, LINK_SEAL_TAG, ret + len) != 1)
                return -ENOMEM;
        link->seal.count++;
        return 0;
}

int link_seal_open(struct link *link, struct view sealed, struct secret *ret)
{
        _cleanup_(free_cipher) EVP_CIPHER_CTX *cipher = EVP_CIPHER_CTX_new();
        uint8_t tag[LINK_SEAL_TAG];
        int done = 0, rest = 0;
        if (!link->listens || sealed.len <= LINK_SEAL_TAG ||
                sealed.len > LINK_SECRET_MAX + LINK_SEAL_TAG || ret->cap < sealed.len)
                return -EBADMSG;
        const size_t len = sealed.len - LINK_SEAL_TAG;
        memcpy(tag, sealed.data + len, sizeof tag);
        int r = cipher ? make_key(link) : -ENOMEM;
        if (r < 0)
                return r;
        if (!begin(cipher, &link->seal, sealed.len, 0) ||
                EVP_CipherUpdate(cipher, ret->data, &done, sealed.data, (int)len) != 1 ||
                EVP_CIPHER_CTX_ctrl(cipher, EVP_CTRL_AEAD_SET_TAG, LINK_SEAL_TAG, tag) != 1 ||
                EVP_CipherFinal_ex(cipher, ret->data + done, &rest) != 1) {
                secret_wipe(ret);
                return -EBADMSG;
        }
        ret->len = len;
        link->seal.count++;
        return 0;
}

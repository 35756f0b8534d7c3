/* SPDX-License-Identifier: Apache-2.0 */
/* recognise.h: what is it that an app wants signed? Bytes in, one of three answers or none; docs/keys.md tells why these.
 *
 * A key that makes assertions signs nothing by which somebody could be told who its holder is, or what they agreed to, without
 * the holder having been told first. So what it is handed has to be, to the last byte, a message whose form is its meaning:
 *
 *   CONTENT_TLS  the client's CertificateVerify of TLS 1.3 (RFC 8446 4.4.3): 64 spaces, the context, 0, a hash of 32 or 48 bytes.
 *                That of TLS 1.2 is all of the handshake's messages, without a mark: it cannot be told from a forgery.
 *   CONTENT_SSH  the request of an SSH login (RFC 4252 section 7), or OpenSSH's that names the server's key as well
 *                ("publickey-hostbound-v00@openssh.com"), with this very key in it; told with the user's name there and,
 *                in the second form, with the host's key, which the server compares with its own. Of a host's certificate the key
 *                in it is told, as ssh tells it; whoever signed that certificate is known to nobody here.
 *   CONTENT_CMS  the signed attributes of CMS (RFC 5652 5.4) in DER: content of type data, its digest, and of other attributes
 *                those alone that say nothing to its reader but when, by whom and with what it was signed.
 *
 * They begin with a space, a zero byte and 31: nothing that is signed as a JWS does (its first character is of base64url, and
 * decodes to the beginning of a JSON object). No I/O, no allocation.
 */
#ifndef MOHR_RECOGNISE_H
#define MOHR_RECOGNISE_H

#include "base/bytes.h"
#include "daemon/prompt/question.h"

#define RECOGNISE_DATA_MAX 8192
#define RECOGNISE_BLOB_MAX 600 /* a key of RSA with 4096 bits as SSH writes it */
#define RECOGNISE_TEXT_MAX 256
#define RECOGNISE_HOST_MAX 2048 /* a host's key or certificate as SSH writes it */

struct recognised {
        enum question_content content;
        char text[RECOGNISE_TEXT_MAX]; /* question.h says what */
        uint8_t host
                [RECOGNISE_HOST_MAX]; /* of a login that is bound to it: the host's bare key as SSH writes it */
        size_t host_len;              /* 0: none */
};

/* `blob`: the signing key in SSH's writing (RFC 4253 6.6, RFC 5656 3.1); empty: it has none. False: it is none of these. */
_must_check_ bool recognise(struct view data, struct view blob, struct recognised *ret);

#endif

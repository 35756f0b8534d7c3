/* SPDX-License-Identifier: Apache-2.0 */
/* timestamp.h: timestamps of a third party (RFC 3161): asking for one, judging what came, judging it again.
 *
 * A token is believed if its authority's certificate leads to an anchor at the time that is asked about, is
 * for timestamping and nothing else (critical extended key usage, RFC 3161 2.3), is the very one that the
 * token's signed attribute names (ESSCertID, RFC 5816), and was valid when the token was made; and if its
 * imprint, with SHA-256 or stronger, is that of the data. Whether the authority's certificate was revoked
 * is not looked at. Nothing here goes online.
 */
#ifndef MOHR_TIMESTAMP_H
#define MOHR_TIMESTAMP_H

#include "base/base.h"
#include <openssl/x509.h>

#define TIMESTAMP_MAX          (64 * 1024) /* bytes of a token, or of a response */
#define TIMESTAMP_WHY_MAX      160
#define TIMESTAMP_ACCURACY_MAX 600000 /* ms: one that is vaguer says too little */

struct timestamp {
        int64_t at;          /* seconds since the epoch, fractions dropped */
        int64_t accuracy_ms; /* -1: not stated */
        bool trusted;        /* false: nobody was asked to vouch, and all of this is only claimed */
        char authority[128]; /* common name of its certificate, sanitised; "" if it has none */
        char policy[64];     /* its OID, dotted */
};

struct timestamp_terms {
        const void *data; /* what the token must be for */
        size_t len;
        X509_STORE *anchors; /* NULL: nobody vouches; form and imprint are looked at all the same */
        int64_t at;          /* when the authority's chain must hold */
};

/* A TimeStampReq in DER with a fresh nonce, asking for the certificate as well. `strong`: SHA-512 instead of
 * SHA-256. To be freed. */
_must_check_ int timestamp_request(
        const void *data, size_t len, bool strong, unsigned char **ret, size_t *ret_len);
/* The token in the answer to that request, borrowed from the response's bytes by copying: to be freed. 21 with
 * `why`, which begins with a stable word. Not judged beyond that it answers the request. */
_must_check_ int timestamp_response(const void *request, size_t request_len, const void *response,
        size_t response_len, unsigned char **ret, size_t *ret_len,
        char why[static TIMESTAMP_WHY_MAX]);
/* 21 with `why`: "form", "imprint", "weak", "accuracy", "certificate", "signature", "time", and what OpenSSL
 * says of it. */
_must_check_ int timestamp_judge(const void *token, size_t len, const struct timestamp_terms *terms,
        struct timestamp *ret, char why[static TIMESTAMP_WHY_MAX]);

#endif

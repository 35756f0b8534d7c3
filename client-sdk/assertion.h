/* SPDX-License-Identifier: Apache-2.0 */
/* assertion.h: composing the signed identity assertion (docs/assertion.md). Portable: OpenSSL and
 * jansson only. The composer takes identity from the leaf it is given and from nowhere else.
 */
#ifndef MOHR_ASSERTION_H
#define MOHR_ASSERTION_H

#include "base/base.h"
#include "client-sdk/claimset.h"
#include <jansson.h>
#include <openssl/x509.h>

static inline void json_decref_cleanup(json_t **json)
{
        json_decref(*json);
}
#define _cleanup_json_ _cleanup_(json_decref_cleanup)

#define ASSERTION_TYP       "mohr-identity+jwt" /* of a citizen */
#define ASSERTION_TYP_STAFF "mohr-staff+jwt"
#define ASSERTION_VERSION   1
#define ASSERTION_MAX       8192 /* bytes of the whole compact serialisation */
#define ASSERTION_LIFE      300  /* seconds, default */

struct assertion_request {
        const char *audience;               /* URI, 1..512 bytes */
        const char *nonce;                  /* 8..128 printable ASCII */
        const char *purpose;                /* or NULL; UTF-8, at most 256 bytes */
        const char *expect_national_number; /* or NULL; ten digits */
        json_t *station;                    /* or NULL; what fields.h allows an app to state */
        claimset declined;                  /* what the holder lets go only without */
};

struct assertion_card {
        const char *generation; /* national: "mav2", "mav" ... */
        const char *family;     /* staff: "piv" */
        const char *expiry;     /* ISO date, or NULL */
        const char *expiry_raw; /* hex, where the date is ambiguous; or NULL */
        bool simulated;
};

struct assertion_facts {
        const char *issuer_id; /* `jti`, and the request id: 32 hex digits */
        int64_t now, auth_time;
        int life; /* seconds */
        bool clock_synchronised;
        const char *pin_entry; /* "pinentry", "screen", "pinpad", "phone" */
        const char *software;  /* "mohr 0.1.0" */
        const char *reader;    /* name, or NULL */
        struct assertion_card card;
};

/* The bounds of client-sdk/fields.h, before anybody is asked: OUTCOME_INVALID with *ret_why (static). */
_must_check_ int assertion_request_check(
        const struct assertion_request *request, const char **ret_why);

/* The bytes the chip must sign: base64url(header) "." base64url(payload), NUL-terminated, malloced.
 * OUTCOME_INVALID with *ret_why (static text) when a request field is out of its bounds. */
_must_check_ int assertion_signing_input(const struct assertion_request *request,
        const struct assertion_facts *facts, X509 *leaf, X509 *issuing_ca, char **ret,
        const char **ret_why);
/* What a card signs of it: the hash that the leaf's key goes with. *ret_len is at most 48. -EINVAL for a key
 * that no algorithm fits. */
_must_check_ int assertion_digest(
        const char *signing_input, X509 *leaf, uint8_t digest[static 48], size_t *ret_len);
/* Appends the signature, which is DER if the key is an EC key; checks it with the leaf's public key first:
 * OUTCOME_NO_STANDARD_SIGNATURE if it does not verify. */
_must_check_ int assertion_finish(
        const char *signing_input, X509 *leaf, const uint8_t *sig, size_t sig_len, char **ret);

#endif

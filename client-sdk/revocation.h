/* SPDX-License-Identifier: Apache-2.0 */
/* revocation.h: what issuers said about which of their certificates are no longer good (RFC 5280, 6960).
 *
 * A set holds complete CRLs and OCSP responses as they came: from a folder, or stapled to an assertion.
 * Nothing of them is believed when they are put in, except that they could be read; each is judged when a
 * certificate is asked about, against the very issuer that signed this certificate. Nothing here goes online.
 *
 * What is not judged rightly by looking at one list alone is refused by name when it comes: delta CRLs,
 * indirect ones, those for some reasons only, and whatever else a critical extension demands.
 *
 * A set may be used by many threads at once, also while something is added.
 */
#ifndef MOHR_REVOCATION_H
#define MOHR_REVOCATION_H

#include "client-sdk/mohr.h"

#include "base/base.h"
#include <openssl/x509.h>

#define REVOCATION_CRL_MAX  (16 * 1024 * 1024) /* bytes of one list */
#define REVOCATION_OCSP_MAX (64 * 1024)        /* of one response */
#define REVOCATION_ITEMS    256
#define REVOCATION_BYTES    (64 * 1024 * 1024) /* of all of them */
/* What came along with assertions: anybody can send it, so it has a place of its own where the newest
 * takes the oldest one's, and never that of what was loaded. */
#define REVOCATION_STAPLED_ITEMS 32
#define REVOCATION_STAPLED_MAX   (1024 * 1024) /* bytes of all of them */
#define REVOCATION_SKEW          300           /* seconds between two clocks */
/* How long an OCSP response without nextUpdate counts when the caller named no age. */
#define REVOCATION_UNDATED 86400

struct revocation;
struct revocation_item; /* one list or response, shared and counted */

#define REVOCATION_WHY_MAX 128

enum revocation_state { REVOCATION_UNKNOWN, REVOCATION_GOOD, REVOCATION_REVOKED };

struct revocation_verdict {
        enum revocation_state state;
        const char *why; /* why it is not known, or what to know besides: stable, "" if nothing */
        const char *source; /* "crl", "ocsp"; "" where nothing was used */
        const char *reason; /* of a revocation: RFC 5280's word ("keyCompromise"), or "" */
        int64_t as_of, next_update, revoked_at; /* 0: not told */
        struct revocation_item *proof;          /* owned: what says so, or NULL */
};

struct revocation *revocation_new(void);
struct revocation *revocation_free(struct revocation *set);

/* One CRL or OCSP response in DER, nothing after it; the same one again is as good. 0; 21 with words in
 * `why` for what it is that is not taken; negative errno. */
_must_check_ int revocation_add(struct revocation *set, const void *der, size_t len, bool stapled,
        char why[static REVOCATION_WHY_MAX]);
/* How many there are. */
size_t revocation_count(struct revocation *set);

/* What is known of `cert`, which `issuer` issued, as of `at`. What is older than max_age_s (0: any age) or
 * past its own nextUpdate does not count as good. Who asks about the past gets the past: revoked after `at`
 * by the word of a list that came after it is good, with why "revoked-later". The verdict is to be cleared.
 * Negative errno if it could not be found out, which is never the same as UNKNOWN. */
_must_check_ int revocation_check(struct revocation *set, X509 *cert, X509 *issuer, int64_t at,
        int64_t max_age_s, struct revocation_verdict *ret);
void revocation_verdict_clear(struct revocation_verdict *verdict);

/* What a folder of them holds, for certfile_read(). */
extern const struct certfile_kind revocation_files;

/* Its bytes as they came. */
const uint8_t *revocation_item_der(const struct revocation_item *item, size_t *ret_len);

#endif

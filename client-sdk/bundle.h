/* SPDX-License-Identifier: Apache-2.0 */
/* bundle.h: anchors and CRLs for a network that reaches nobody, carried there as one signed file.
 *
 * A bundle is a CMS SignedData (RFC 5652), DER, with its content inside: one JSON object with the members
 * version, issued_at, next_update, anchors and crls, the last two as base64 of DER. It has one signature,
 * of a certificate that an administrator pinned before; nothing that comes along in the CMS is believed.
 * docs/trust.md describes it for who makes or reads one with other tools.
 */
#ifndef MOHR_BUNDLE_H
#define MOHR_BUNDLE_H

#include "client-sdk/mohr.h"

#include "base/base.h"
#include <openssl/x509.h>

#define BUNDLE_MAX         (16 * 1024 * 1024) /* bytes of the CMS */
#define BUNDLE_ANCHORS_MAX 32
#define BUNDLE_CRLS_MAX    64
#define BUNDLE_SKEW        300 /* seconds between the signer's clock and ours */

struct bundle_item {
        uint8_t *der; /* owned */
        size_t len;
};

struct bundle {
        int64_t issued_at, next_update; /* seconds since the epoch */
        struct bundle_item anchors[BUNDLE_ANCHORS_MAX], crls[BUNDLE_CRLS_MAX];
        size_t anchor_count, crl_count;
};

void bundle_clear(struct bundle *bundle);
static inline void bundle_clear_cleanup(struct bundle *bundle)
{
        bundle_clear(bundle);
}
#define _cleanup_bundle_ _cleanup_(bundle_clear_cleanup)

/* Takes a copy. -ENOSPC: there are enough. */
_must_check_ int bundle_add_anchor(struct bundle *bundle, const uint8_t *der, size_t len);
_must_check_ int bundle_add_crl(struct bundle *bundle, const uint8_t *der, size_t len);

/* The content as text, to be freed; NULL: no memory. */
char *bundle_compose(const struct bundle *bundle);
/* Strict: these members, each once and no other. `ret` is zero before. 0, or 21 with a stable word; what
 * the certificates and lists are worth is not looked at. */
_must_check_ int bundle_parse(
        const char *json, size_t len, struct bundle *ret, const char **ret_why);
/* Whether it counts at this time, newer than what was taken before (0: nothing). 0, or 21 with a word. */
_must_check_ int bundle_timely(
        const struct bundle *bundle, int64_t now, int64_t taken, const char **ret_why);

/* bundle_cms.c: the envelope. */
_must_check_ int bundle_seal(const char *content, size_t len, X509 *signer, EVP_PKEY *key,
        uint8_t **ret, size_t *ret_len);
/* Whose of `signers` it is, and the content, to be freed. 0, or 21 with a stable word. */
_must_check_ int bundle_open(const uint8_t *cms, size_t len, STACK_OF(X509) * signers,
        X509 **ret_signer, char **ret, size_t *ret_len, const char **ret_why);

#endif

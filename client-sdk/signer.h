/* SPDX-License-Identifier: Apache-2.0 */
/* signer.h: who signed, as the protected header of a JWS says it: algorithm and certificates.
 *
 * Reading is strict: members alg, typ, x5c and no other, each algorithm only with the key it is for,
 * 1..4 certificates in RFC 7515 order, the first a citizen's or a staff member's as `typ` announces.
 * Whether the chain is trusted is not decided here.
 */
#ifndef MOHR_SIGNER_H
#define MOHR_SIGNER_H

#include "base/bytes.h"
#include "client-sdk/identity.h"
#include "client-sdk/mohr.h"

#include <openssl/evp.h>
#include <pthread.h>
#include <stdatomic.h>

#define SIGNER_CERTS_MAX   4
#define SIGNER_ISSUERS_MAX 8

/* Issuing CAs that were read before, by the exact text they had in x5c. Reading a certificate costs
 * more than checking a signature, and millions of holders share a few issuers. Nothing but the reading
 * is spared: whether a chain holds is asked every time. Any number of threads may look and learn. */
struct issuers {
        pthread_mutex_t lock;
        struct {
                char *text; /* NULL: free */
                X509 *cert;
        } rows[SIGNER_ISSUERS_MAX];
        size_t next;
};

/* Written by one thread until the memory of a trust object (trust.h) has it; after that only read, by any
 * number of threads, but for the count of references. */
struct signer {
        atomic_uint references;
        const struct algorithm *algorithm;
        X509 *certs[SIGNER_CERTS_MAX]; /* leaf first */
        size_t count;
        char *issuer_text; /* of certs[1] in x5c, or NULL */
        struct leaf leaf;
        struct identity identity;
        char issuer[128];       /* common name of the leaf's issuer */
        char fingerprint[65];   /* SHA-256 of the leaf, hex */
        bool starved;           /* while it is read: memory was missing */
        STACK_OF(X509) * chain; /* leaf to anchor, as trust_check() found it good; NULL before */
        EVP_MD_CTX *begun; /* a check of a signature with the header hashed, or NULL; only copied */
};

/* `json` is the decoded header, `known` may be NULL. 0 with *ret_reason; *ret only if that is
 * MOHR_REASON_OK. */
_must_check_ int signer_read(const char *json, size_t len, struct issuers *known,
        struct signer **ret, enum mohr_reason *ret_reason);
/* The same for a JWS that is no assertion: `typ` is exactly this. Whose certificate it may be is not asked, and
 * `identity` stays empty. */
_must_check_ int signer_read_as(const char *json, size_t len, const char *typ, struct signer **ret,
        enum mohr_reason *ret_reason);
/* The same of what is no JWS of ours: certificates in DER, leaf first, each issued by the next. `alg` NULL: what the leaf's
 * key goes with. A citizen's or a staff member's; any other is MOHR_REASON_NOT_HOLDER. */
_must_check_ int signer_of(const struct view *certificates, size_t count, const char *alg,
        struct signer **ret, enum mohr_reason *ret_reason);
void issuers_init(struct issuers *issuers);
/* Takes over what `signer` read of its issuer, if that is new. */
void issuers_learn(struct issuers *issuers, struct signer *signer);
void issuers_clear(struct issuers *issuers);
struct signer *signer_ref(struct signer *signer);
struct signer *signer_unref(struct signer *signer);
static inline void signer_unref_cleanup(struct signer **slot)
{
        *slot = signer_unref(*slot);
}
#define _cleanup_signer_ _cleanup_(signer_unref_cleanup)

/* What is signed is the header's text, a full stop, the payload's text. The first two are the same for
 * all of a signer's assertions and most of their bytes, so they are hashed once, here. A signer whose
 * key cannot be used for its algorithm verifies nothing. */
_must_check_ int signer_begin(struct signer *signer, const char *beginning, size_t len);
/* Whether `sig` is the signer's over that beginning and `rest`, in the form RFC 7518 gives it. */
bool signer_verifies(const struct signer *signer, const char *rest, size_t len, const uint8_t *sig,
        size_t sig_len);

#endif

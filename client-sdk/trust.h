/* SPDX-License-Identifier: Apache-2.0 */
/* trust.h: anchors, and the question "does this chain hold at that time?".
 *
 * Anchors are whole certificates the relying party chose: a root, or an issuing CA pinned directly.
 * Expiry is an answer of its own here, as cards with expired certificates are everyday life
 * (card-facts 5.1): the rest of the chain is judged all the same.
 *
 * Each anchor is for one kind of holder. Which kind a certificate is of, its own content says (leaf.h),
 * and only that scope's anchors are looked at: the CA of an organisation could write a citizen's name
 * into a certificate, so it must not be able to make anybody believe it.
 *
 * Loading is one thread's business. Afterwards any number of threads may check against one object: what
 * was loaded is only read, and what is remembered has a lock.
 */
#ifndef MOHR_TRUST_H
#define MOHR_TRUST_H

#include "client-sdk/mohr.h"
#include "client-sdk/revocation.h"
#include "client-sdk/signer.h"

#define TRUST_REMEMBERED 64

struct remembered {
        char *header; /* its exact text; NULL: free */
        size_t len;
        struct signer *signer;
        int64_t valid_from, valid_to;
};

struct memory {
        pthread_mutex_t lock;
        struct remembered rows[TRUST_REMEMBERED];
        size_t next;
};

enum trust_scope { TRUST_CITIZENS, TRUST_STAFF, TRUST_SCOPES };

struct mohr_trust {
        struct {
                X509_STORE *store; /* NULL: nobody is trusted for it */
                size_t count;
        } scopes[TRUST_SCOPES];
        bool has_national_root;
        STACK_OF(X509) * between; /* CAs known beforehand, trusted by nobody; NULL: none */
        struct memory memory;
        struct issuers issuers;
        struct revocation *revocation; /* owned */
};

struct chain_verdict {
        enum mohr_reason reason;           /* MOHR_REASON_OK, also when only expiry is wrong */
        bool leaf_expired, issuer_expired; /* issuers only together with the leaf */
        int64_t valid_from, valid_to;      /* the chain holds throughout, if nothing is expired */
};

/* One that trusts nobody, or NULL: no memory. */
struct mohr_trust *trust_new(void);

/* A chain that holds is kept with the signer. */
_must_check_ int trust_check(const struct mohr_trust *trust, struct signer *signer, int64_t at,
        struct chain_verdict *ret);

/* Does this CA lead to an anchor, times aside? For whom only wants to know whose CA it is: dates are
 * the verifier's to judge, who knows what for. */
bool trust_vouches(const struct mohr_trust *trust, enum trust_scope scope, X509 *authority);

/* The same, by way of `others` perhaps, of which none is trusted: 1, 0 or -ENOMEM. */
int trust_leads(const struct mohr_trust *trust, enum trust_scope scope, X509 *authority,
        STACK_OF(X509) * others);

/* Did this key sign the certificate, with a digest nobody can collide (112 bits: SHA-1 is none)? */
bool trust_signed_by(X509 *cert, EVP_PKEY *key);
/* The anchor whose key signed this certificate under its name, borrowed, or NULL. */
X509 *trust_find_issuer(const struct mohr_trust *trust, enum trust_scope scope, X509 *cert);

/* What was read and judged before, by the exact text of its header. Never hands out a signer whose
 * chain was not found good at such a time. A reference of the caller's own; NULL if not known. */
struct signer *trust_recall(struct mohr_trust *trust, const char *header, size_t len, int64_t at);
/* Keeps a reference. */
void trust_remember(struct mohr_trust *trust, const char *header, size_t len, struct signer *signer,
        const struct chain_verdict *verdict);

#endif

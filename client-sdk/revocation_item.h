/* SPDX-License-Identifier: Apache-2.0 */
/* revocation_item.h: one CRL or OCSP response, and what it states of a certificate.
 *
 * Reading (when it comes) refuses by name what can never be judged alone; stating (when a certificate is
 * asked about) says who signed it and what it says. What a statement is worth at a certain time is decided
 * in one place for both kinds, revocation.c.
 */
#ifndef MOHR_REVOCATION_ITEM_H
#define MOHR_REVOCATION_ITEM_H

#include "client-sdk/revocation.h"

#include <openssl/ocsp.h>
#include <openssl/x509v3.h>
#include <stdatomic.h>

struct proof { /* whether this key signed it: found out once, as lists are large */
        EVP_PKEY *key;
        bool good;
};

struct revocation_item {
        atomic_uint references;
        X509_CRL *crl;           /* either this */
        ISSUING_DIST_POINT *idp; /* of it, or NULL */
        OCSP_BASICRESP *basic;   /* or this */
        uint8_t *der;
        size_t len;
        _Atomic(struct proof *) proof; /* set once */
};

struct question {
        X509 *cert, *issuer;
        int64_t at, max_age_s;
        bool *starved; /* set when there was no memory to find out */
};

struct statement {
        enum revocation_state state;
        const char *reason; /* "" or RFC 5280's word */
        bool hold;          /* it may be taken back */
        int64_t this_update, next_update,
                known_at;                 /* next_update 0: none; known_at: when it was made */
        int64_t revoked_at, invalid_from; /* the latter may be earlier: a key was stolen before */
        X509 *responder; /* borrowed: a delegate of the issuer of whom no revocation is known yet, or NULL */
};

/* One that came, and its count of references. 0; 21 with `why`; -ENOMEM. */
_must_check_ int item_new(const void *der, size_t len, struct revocation_item **ret,
        char why[static REVOCATION_WHY_MAX]);
struct revocation_item *item_ref(struct revocation_item *item);
struct revocation_item *item_unref(struct revocation_item *item);
static inline void item_unref_cleanup(struct revocation_item **slot)
{
        *slot = item_unref(*slot);
}
#define _cleanup_item_ _cleanup_(item_unref_cleanup)

/* 0; 21 with `why`; -ENOMEM. On 0 item->crl or item->basic is set. */
_must_check_ int crl_read(struct revocation_item *item, char why[static REVOCATION_WHY_MAX]);
_must_check_ int ocsp_read(struct revocation_item *item, char why[static REVOCATION_WHY_MAX]);

/* May it be about this certificate? Cheap: names and numbers, no signature. */
bool crl_concerns(const struct revocation_item *item, X509 *cert);
bool ocsp_concerns(const struct revocation_item *item, X509 *cert);

/* NULL with what it states; otherwise why it states nothing that counts: a stable word, "" if it is simply not
 * about this certificate. */
const char *crl_state(
        struct revocation_item *item, const struct question *question, struct statement *ret);
const char *ocsp_state(
        struct revocation_item *item, const struct question *question, struct statement *ret);

/* Why a list is not this issuer's word, or NULL. Names are not compared. */
const char *crl_unproven(struct revocation_item *item, X509 *issuer, bool *starved);

/* Shared by both kinds. */
bool item_signed_by(struct revocation_item *item, X509 *signer,
        bool (*check)(struct revocation_item *, X509 *), bool *starved);
/* Asked after a "no" of OpenSSL's: was it one, or was there no memory? Adds to *starved. */
void item_note_shortage(bool *starved);
bool item_digest_is_strong(const X509_ALGOR *algorithm); /* 112 bits: SHA-1 is none */
int64_t item_time(const ASN1_TIME *time); /* 0 if there is none or it cannot be read */
const char *item_reason(long code);       /* of a CRLReason; "" if it is not known */
/* The first critical extension of a list that is not among `known`: its name in `why`, then true. */
bool item_demands_more(const STACK_OF(X509_EXTENSION) * extensions, const int *known, size_t count,
        char why[static REVOCATION_WHY_MAX]);

#endif

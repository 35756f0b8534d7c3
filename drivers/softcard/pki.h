/* SPDX-License-Identifier: Apache-2.0 */
/* pki.h: one certificate of the test PKI, as data; pki_cert.c makes it, pki.c lists them all. */
#ifndef MOHR_SOFTCARD_PKI_H
#define MOHR_SOFTCARD_PKI_H

#include "base/base.h"

#include <openssl/x509.h>
#include <time.h>

enum pki_shape {
        PKI_ROOT,
        PKI_CA,
        PKI_SIGNATURE,
        PKI_AUTHENTICATION,
        PKI_STAFF_9A, /* the slots of a PIV card */
        PKI_STAFF_9C,
        PKI_STAFF_9D,
        PKI_STAFF_9E,
};

struct pki_row {
        const char *file;   /* name without suffix; also how others name their issuer */
        const char *issuer; /* file of a row above; its own: self-signed */
        size_t key;         /* which key pair of pki.c */
        enum pki_shape shape;
        const char *const *subject; /* field, value, ..., NULL */
        int from, to;               /* years from today */
        bool policy;                /* carries the Gold policy OID of card-facts 5.4 */
        bool revoked;
};

/* `issuer` is NULL for a self-signed one. The certificate is owned by the caller; NULL: failed. */
X509 *pki_certificate(
        const struct pki_row *row, EVP_PKEY *key, X509 *issuer, EVP_PKEY *issuer_key, time_t now);
X509_CRL *pki_crl(
        X509 *issuer, EVP_PKEY *issuer_key, X509 *const *revoked, size_t count, time_t now);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* testlists.h: CRLs and OCSP responses of any kind, right and wrong, for the PKI of testpki.h.
 *
 * Made with OpenSSL alone. Zero members are what a good one has: issued by the issuing CA an hour before
 * TESTPKI_NOW, good for a week. Failures abort, as in testpki.c.
 */
#ifndef MOHR_TESTLISTS_H
#define MOHR_TESTLISTS_H

#include "tests/support/testpki.h"

#include <openssl/ocsp.h>

#define TESTLISTS_NEVER INT64_MIN /* a time that is left out */

struct testlists_bytes { /* to be given back to testlists_free() */
        unsigned char *der;
        size_t len;
};

struct testlists_crl {
        X509 *issuer; /* NULL: pki->ca */
        EVP_PKEY *key;
        int64_t from, to;
        X509 *revoked;         /* NULL: nobody */
        int64_t revoked_at;    /* 0: an hour before `from` */
        int reason;            /* CRLReason + 1; 0: none is said */
        int64_t invalid_from;  /* 0: none is said */
        const char *scope;     /* issuingDistributionPoint: lines of an OpenSSL section, or NULL */
        const char *extension; /* "OID=VALUE" of one more extension of the list */
        const char *entry_extension; /* the same of the entry */
        long delta;                  /* number of its base; 0: complete */
        const char *digest;          /* NULL: SHA256 */
        bool pss;
        size_t crowd; /* so many other numbers before */
};
struct testlists_bytes testlists_crl(const struct testpki *pki, const struct testlists_crl *spec);

struct testlists_ocsp {
        X509 *cert, *issuer; /* NULL: pki->leaf, pki->ca */
        X509 *signer;        /* NULL: the issuer */
        EVP_PKEY *key;       /* of the signer; NULL: pki->ca_key */
        X509 *sent;          /* a certificate that comes along, or NULL */
        int status;          /* V_OCSP_CERTSTATUS_* */
        int reason;          /* CRLReason + 1; 0: none is said */
        int64_t revoked_at, from, to, produced_at;
        const char *id_digest, *digest; /* NULL: SHA1, SHA256 */
        int response;                   /* OCSP_RESPONSE_STATUS_*; 0: successful */
        bool critical;                  /* a critical extension that nobody knows */
        bool single_critical;
        size_t crowd; /* about so many other certificates before */
};
struct testlists_bytes testlists_ocsp(const struct testpki *pki, const struct testlists_ocsp *spec);

/* A certificate of a responder, issued by the issuing CA unless `issuer` says otherwise. */
struct testlists_responder {
        X509 *issuer;
        EVP_PKEY *issuer_key;
        EVP_PKEY *key;       /* NULL: pki->other_key */
        const char *purpose; /* extendedKeyUsage; NULL: OCSPSigning; "" none */
        int64_t from, to;
        bool nocheck, sha1;
};
X509 *testlists_responder(const struct testpki *pki, const struct testlists_responder *spec);

void testlists_free(struct testlists_bytes *bytes);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* cms.h: signatures over documents, as CMS SignedData (RFC 5652) that keeps to CAdES-B-B (ETSI EN 319 122-1) or, inside
 * a PDF, to PAdES-B-B (ETSI EN 319 142-1): composing what a chip signs, and putting its answer in place.
 *
 * What is signed is never the document's digest alone but a set of attributes around it, composed here and nowhere
 * else: content type, message digest, which certificate it is (ESSCertIDv2, RFC 5035), and what else was asked for. The
 * chip is outside: composing gives bytes to hash, finishing takes the signature. OpenSSL only, so that it is portable.
 *
 * Hash and signature algorithm follow from the leaf's key, as with assertions (algorithm.h): RSA PKCS #1 v1.5 or ECDSA
 * P-256 with SHA-256, P-384 with SHA-384. All DER handed out is malloced.
 */
#ifndef MOHR_CMS_H
#define MOHR_CMS_H

#include "base/base.h"
#include <openssl/x509.h>

#define CMS_ATTRIBUTES_MAX 2048        /* bytes of the signed attributes of one signature */
#define CMS_SIGNED_MAX     (64 * 1024) /* bytes of a SignedData without its content */
#define CMS_SIGNERS_MAX    32

/* Why somebody signs (ETSI EN 319 122-1 5.2.3), by the names of docs/signing.md; CMS_COMMITMENT_NONE says nothing. */
enum cms_commitment {
        CMS_COMMITMENT_NONE,
        CMS_COMMITMENT_ORIGIN,   /* "origin" */
        CMS_COMMITMENT_RECEIPT,  /* "receipt" */
        CMS_COMMITMENT_DELIVERY, /* "delivery" */
        CMS_COMMITMENT_SENDER,   /* "sender" */
        CMS_COMMITMENT_APPROVAL, /* "approval" */
        CMS_COMMITMENT_CREATION, /* "creation" */
        CMS_COMMITMENTS
};
const char *cms_commitment_name(enum cms_commitment commitment); /* NULL for NONE */
bool cms_commitment_named(const char *name, enum cms_commitment *ret);

struct cms_policy {   /* a signature policy (5.2.9), by its number and the digest of its text */
        char oid[64]; /* dotted; "" none */
        uint8_t digest[32]; /* SHA-256 */
};

struct cms_asked { /* all zero: content type and message digest only, for a document */
        const uint8_t
                *digest;   /* of the document, or of the signature value that is countersigned */
        size_t digest_len; /* must be the one of the leaf's hash */
        bool countersignature; /* no content type then (RFC 5652 11.4) */
        int64_t signing_time;  /* seconds since the epoch; 0: none, as in every PDF */
        enum cms_commitment commitment;
        struct cms_policy policy;
};

/* "sha256" or "sha384": what documents are hashed with for this leaf; NULL if its key fits nothing. */
const char *cms_hash_name(X509 *leaf);
/* The DER of the signed attributes as they are hashed (SET OF). -EINVAL: digest of another length,
 * a key that fits nothing, a policy without a number, or a certificate whose names are too long. */
_must_check_ int cms_compose(
        const struct cms_asked *asked, X509 *leaf, uint8_t **ret, size_t *ret_len);
/* What the chip signs of them. *ret_len at most 48. */
_must_check_ int cms_to_sign(const uint8_t *attributes, size_t len, X509 *leaf,
        uint8_t digest[static 48], size_t *ret_len);
/* A detached SignedData with this one signer, leaf and issuer (may be NULL) inside. `signature` is as the card gives it
 * (EC: DER); checked with the leaf's key first: OUTCOME_NO_STANDARD_SIGNATURE if it does not verify. */
_must_check_ int cms_finish(const uint8_t *attributes, size_t len, X509 *leaf, X509 *issuer,
        const uint8_t *signature, size_t signature_len, uint8_t **ret, size_t *ret_len);

/* Of what exists, detached. 21 with a static English `why`, one word, for what is no SignedData of the kind that is made
 * or checked here. Signers stand in the order of DER, so that a change may give one another index: look again after it, and
 * give a new signature its timestamp before it is merged. */
struct cms_signature { /* one SignerInfo's */
        char signer
                [256]; /* common name, or the names, of its certificate; sanitised; "" not there */
        uint8_t value[512];
        size_t value_len;
};
_must_check_ int cms_signature_at(const uint8_t *cms, size_t len, unsigned int index,
        struct cms_signature *ret, unsigned int *ret_count, const char **ret_why);
/* The name that is told there is of the certificate that made this signature: that one is named by what was signed, and its key
 * fits. Who vouches for it is not asked. 21: it is not. */
_must_check_ int cms_signature_holds(
        const uint8_t *cms, size_t len, unsigned int index, const char **ret_why);
/* `one` with the signers and certificates of `other` besides: parallel signatures over the same content. */
_must_check_ int cms_merge(const uint8_t *one, size_t one_len, const uint8_t *other,
        size_t other_len, uint8_t **ret, size_t *ret_len, const char **ret_why);
/* `counter`, a SignedData of cms_finish() over the value of signer `index`, becomes that signer's unsigned attribute. */
_must_check_ int cms_countersign(const uint8_t *cms, size_t len, unsigned int index,
        const uint8_t *counter, size_t counter_len, uint8_t **ret, size_t *ret_len,
        const char **ret_why);
/* The signature timestamp (B-T) of signer `index`; `token` was judged before (timestamp.h), over the signature's value. */
_must_check_ int cms_add_timestamp(const uint8_t *cms, size_t len, unsigned int index,
        const uint8_t *token, size_t token_len, uint8_t **ret, size_t *ret_len,
        const char **ret_why);
/* A detached SignedData and the length of the content that goes into it: what stands before the content and what after it,
 * both malloced, so that a document of any size can be streamed between them. */
_must_check_ int cms_attach(const uint8_t *cms, size_t len, uint64_t content_len,
        uint8_t **ret_before, size_t *ret_before_len, uint8_t **ret_after, size_t *ret_after_len);
/* The reverse of the above on the first bytes of a file: where the content lies. `start` holds the file's beginning, at
 * most 4096 bytes of it. False: not DER of definite length, or nothing inside. */
bool cms_content_at(const uint8_t *start, size_t len, uint64_t file_size, uint64_t *ret_offset,
        uint64_t *ret_len);
/* What stands before such a content and what after it become the detached SignedData again. 21: not of that form. -EMSGSIZE. */
_must_check_ int cms_detach(const uint8_t *before, size_t before_len, const uint8_t *after,
        size_t after_len, uint8_t **ret, size_t *ret_len);

#endif

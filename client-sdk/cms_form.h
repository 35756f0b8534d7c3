/* SPDX-License-Identifier: Apache-2.0 */
/* cms_form.h: a SignedData (RFC 5652 section 5) taken apart and put together, of the one kind that is made and checked here.
 *
 * DER throughout, version 1, content of type id-data and not inside (what is attached is taken out first: cms_detach()), X.509
 * certificates and no CRL, signers named by issuer and serial number, each with signed attributes in the order of DER, of which
 * none is there twice and each has one value. All views borrow from the bytes that were read; nothing here judges
 * a signature.
 */
#ifndef MOHR_CMS_FORM_H
#define MOHR_CMS_FORM_H

#include "client-sdk/cms.h"
#include "client-sdk/der.h"

#define CMS_ATTRIBUTES   24 /* of each kind of one signer */
#define CMS_CERTIFICATES 64
#define CMS_VALUE_MAX    512 /* bytes of a signature */

/* The content of an OBJECT IDENTIFIER, as a string literal's bytes. */
#define CMS_OID(literal)  ((struct view){ (const uint8_t *)(literal), sizeof(literal) - 1 })
#define CMS_PKCS9         "\x2A\x86\x48\x86\xF7\x0D\x01\x09"
#define CMS_SMIME         CMS_PKCS9 "\x10"
#define OID_DATA          CMS_OID("\x2A\x86\x48\x86\xF7\x0D\x01\x07\x01")
#define OID_SIGNED_DATA   CMS_OID("\x2A\x86\x48\x86\xF7\x0D\x01\x07\x02")
#define OID_CONTENT_TYPE  CMS_OID(CMS_PKCS9 "\x03")
#define OID_DIGEST        CMS_OID(CMS_PKCS9 "\x04")
#define OID_SIGNING_TIME  CMS_OID(CMS_PKCS9 "\x05")
#define OID_COUNTER       CMS_OID(CMS_PKCS9 "\x06")
#define OID_TIMESTAMP     CMS_OID(CMS_SMIME "\x02\x0E")
#define OID_POLICY        CMS_OID(CMS_SMIME "\x02\x0F")
#define OID_COMMITMENT    CMS_OID(CMS_SMIME "\x02\x10")
#define OID_CERTIFICATE   CMS_OID(CMS_SMIME "\x02\x2F") /* signing-certificate-v2 */
#define CMS_COMMITMENT_ID CMS_SMIME "\x06"              /* one arc more: enum cms_commitment */

bool cms_same(struct view a, struct view b);

struct cms_attribute {
        struct view oid, values, whole;
        unsigned int count; /* of values */
};

struct cms_signer {
        struct view whole;               /* the SignerInfo */
        struct view names;               /* what is in its IssuerAndSerialNumber */
        struct view digest_algorithm;    /* the AlgorithmIdentifier */
        struct view algorithm;           /* the AlgorithmIdentifier of the signature */
        struct view value;               /* the signature */
        struct view before_unsigned;     /* all that is in it but the unsigned attributes */
        struct view signed_attributes;   /* what is in the SET OF */
        struct view unsigned_attributes; /* likewise; empty: none */
};

struct cms_form {
        struct view algorithms, certificates, signers; /* what is in the SET OF */
        unsigned int count;
        struct cms_signer signer[CMS_SIGNERS_MAX];
};

/* 0, or 21 with a static English `why`. */
_must_check_ int cms_read(
        const uint8_t *der, size_t len, struct cms_form *ret, const char **ret_why);
_must_check_ int cms_read_signer(struct view whole, struct cms_signer *ret, const char **ret_why);
/* The next attribute of a list; false at its end, or when `list` failed. */
bool cms_next_attribute(struct in *list, struct cms_attribute *ret);
/* The one of this type: false if it is not there. */
bool cms_attribute(struct view list, struct view oid, struct cms_attribute *ret);
/* The certificate that the signer names, with its header; empty if it is not among these. */
struct view cms_certificate_of(const struct cms_signer *signer, struct view certificates);
/* The OBJECT IDENTIFIER of an AlgorithmIdentifier without parameters, or with NULL for them; empty if it is something else. */
struct view cms_algorithm_of(struct view identifier);

/* ---- making ---- */

/* Hash and signature as they are written for a key, by the name that algorithm.h gives them. */
struct cms_suite {
        const char *name, *hash;
        struct view digest_oid, digest_algorithm, algorithm;
};
const struct cms_suite *cms_suite_of(X509 *leaf); /* NULL: its key fits nothing */
/* By the OBJECT IDENTIFIER of a digest: "sha256", "sha384" or "sha512", else NULL. */
const char *cms_digest_name(struct view oid);
const EVP_MD *cms_digest_of(struct view oid);

/* The elements of three SETs, in any order, the same one perhaps several times. */
#define CMS_PIECES 160
struct cms_pieces {
        struct view rows[CMS_PIECES];
        size_t count;
        bool full;
};
void cms_pieces_add(struct cms_pieces *pieces, struct view element); /* which is kept once */
void cms_pieces_add_all(struct cms_pieces *pieces, struct view set);
/* -ENOMEM, or -EMSGSIZE: over CMS_SIGNED_MAX. */
_must_check_ int cms_build(const struct cms_pieces *algorithms,
        const struct cms_pieces *certificates, const struct cms_pieces *signers, uint8_t **ret,
        size_t *ret_len);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* leaf.h: what the holder's certificate says, read once, in one way, by daemon and verifier.
 *
 * The certificate is hostile until its chain is checked; reading it must be safe before that. Shape
 * rules of card-facts 5.1: subject has exactly one C, OU, givenName, surname, CN; CN is ten ASCII
 * digits and a suffix " - XXX"; names are UTF-8. Texts are byte-exact copies (no normalising).
 *
 * A staff member's certificate is told from a citizen's by what it does not have: neither subject nor
 * issuer looks like the national card's. So no certificate can be both, whoever issued it.
 */
#ifndef MOHR_LEAF_H
#define MOHR_LEAF_H

#include "base/base.h"
#include <openssl/x509.h>

#define LEAF_NAME_MAX 256

enum leaf_class { LEAF_SIGNATURE, LEAF_AUTHENTICATION, LEAF_CA, LEAF_OTHER, LEAF_STAFF };

struct leaf {
        enum leaf_class class;
        char given_name[LEAF_NAME_MAX], family_name[LEAF_NAME_MAX]; /* UTF-8, "" for a CA */
        char card_number[11];          /* ten digits of the CN, "" if the CN has another shape */
        char cn_suffix[8];             /* "SIG" */
        int64_t not_before, not_after; /* seconds since the epoch */
        bool issuer_is_nocr;           /* issuer C=IR, O=Iran Government, OU=NOCR */
        bool national_number;          /* check digit holds, digits not all equal */
        /* Staff: what the subject, or one entry of the subject's alternative names, says; "" if it does not,
         * or twice. The names above as well. */
        char common_name[LEAF_NAME_MAX]; /* never "" */
        char organization[LEAF_NAME_MAX], employee_number[LEAF_NAME_MAX];
        char email[LEAF_NAME_MAX], upn[LEAF_NAME_MAX];
};

/* Exactly one DER certificate, nothing after it, at most 16 KiB. -EBADMSG otherwise; -ENOMEM. */
_must_check_ int leaf_parse(const uint8_t *der, size_t len, X509 **ret_cert, struct leaf *ret);

/* The same of a certificate that was parsed before: reading it costs a tenth of parsing it. */
_must_check_ int leaf_read(X509 *cert, struct leaf *ret);

/* Does the certificate say that its key commits its holder (nonRepudiation), or leave out what it is for? Of a staff
 * member's, such a one makes assertions and no other does: client-sdk/signer.c. */
bool leaf_commits(X509 *cert);

static inline void x509_free_cleanup(X509 **cert)
{
        X509_free(*cert);
}
#define _cleanup_x509_ _cleanup_(x509_free_cleanup)

#endif

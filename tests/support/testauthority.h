/* SPDX-License-Identifier: Apache-2.0 */
/* testauthority.h: one CA that never changes, and two certificates of it, so that lists about them can be kept.
 *
 * For fuzz targets: a list that was changed is signed anew, and thus reaches what lies behind the signature.
 */
#ifndef MOHR_TESTAUTHORITY_H
#define MOHR_TESTAUTHORITY_H

#include <openssl/evp.h>
#include <openssl/x509.h>

struct testauthority {
        EVP_PKEY *key;
        X509 *ca, *leaf, *namesake; /* the last: a CA of the same name with another key */
};

/* Made once, and kept until the program ends. */
const struct testauthority *testauthority(void);

#endif

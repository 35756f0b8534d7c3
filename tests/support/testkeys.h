/* SPDX-License-Identifier: Apache-2.0 */
/* testkeys.h: the RSA keys of tests/support/testpki.h, always the same: making five takes half a second of
 * each of fifty programs, and no test of theirs is about how keys are made.
 */
#ifndef MOHR_TESTKEYS_H
#define MOHR_TESTKEYS_H

#include <openssl/evp.h>

enum testkey {
        TESTKEY_ROOT,
        TESTKEY_CA,
        TESTKEY_LEAF,
        TESTKEY_OTHER,
        TESTKEY_SMALL, /* 1024 bits, for those who must refuse it */
};

/* A new reference; NULL when OpenSSL has none to give. */
EVP_PKEY *testkey(enum testkey which);

#endif

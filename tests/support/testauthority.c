/* SPDX-License-Identifier: Apache-2.0 */
/* testauthority.c: see testauthority.h. The key stands here for everybody to read: it is FOR TESTS ONLY. */
#include "tests/support/testauthority.h"

#include "tests/support/testpki.h"

#include <openssl/pem.h>
#include <stdlib.h>

static const char key_text[] = "-----BEGIN EC PRIVATE KEY-----\n"
                               "MHcCAQEEIBG2uJlAG0UE5AZA/sW8X4dgfwd/8zcvtHMRdMRcWwhUoAoGCCqGSM49\n"
                               "AwEHoUQDQgAECthPdBd4r8QW/SL7rfLc7K9/3/nqzd3ggOvVhPEuYc/W+P5ac4q7\n"
                               "ZHpueZbemzjEYGtpxACWwlzl1azpC3SE1Q==\n"
                               "-----END EC PRIVATE KEY-----\n";

static X509 *issue(
        X509 *issuer, EVP_PKEY *issuer_key, EVP_PKEY *key, uint64_t number, const char *cn)
{
        X509 *cert = X509_new();
        X509_NAME *name = X509_NAME_new();
        if (!cert || !name ||
                X509_NAME_add_entry_by_txt(
                        name, "CN", V_ASN1_UTF8STRING, (const unsigned char *)cn, -1, -1, 0) != 1 ||
                X509_set_version(cert, X509_VERSION_3) != 1 ||
                ASN1_INTEGER_set_uint64(X509_get_serialNumber(cert), number) != 1 ||
                X509_set_subject_name(cert, name) != 1 ||
                X509_set_issuer_name(cert, issuer ? X509_get_subject_name(issuer) : name) != 1 ||
                X509_set_pubkey(cert, key) != 1 ||
                !ASN1_TIME_set(X509_getm_notBefore(cert), TESTPKI_NOW - 86400 * 365L) ||
                !ASN1_TIME_set(X509_getm_notAfter(cert), TESTPKI_NOW + 86400 * 365L) ||
                X509_sign(cert, issuer_key, EVP_sha256()) <= 0)
                abort();
        X509_NAME_free(name);
        return cert;
}

const struct testauthority *testauthority(void)
{
        static struct testauthority all;
        if (all.key)
                return &all;
        BIO *bio = BIO_new_mem_buf(key_text, -1);
        all.key = PEM_read_bio_PrivateKey(bio, NULL, NULL, NULL);
        BIO_free(bio);
        EVP_PKEY *other = EVP_EC_gen("P-256");
        if (!all.key || !other)
                abort();
        all.ca = issue(NULL, all.key, all.key, 1, "TEST CA, NOT GENUINE");
        all.leaf = issue(all.ca, all.key, other, 4711, "TEST leaf");
        all.namesake = issue(NULL, other, other, 2, "TEST CA, NOT GENUINE");
        EVP_PKEY_free(other);
        return &all;
}

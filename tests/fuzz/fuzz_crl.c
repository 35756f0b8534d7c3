/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_crl.c: CRLs, as they come and signed anew after each change, so that what lies behind the signature is
 * met, too. Whoever is listed is never called good at that time, a namesake's list says nothing, and the same
 * question has the same answer twice.
 */
#include "client-sdk/revocation.h"
#include "tests/support/testauthority.h"
#include "tests/support/testpki.h"
#include "tests/fuzz/require.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static bool is_listed(const uint8_t *der, size_t len, X509 *cert)
{
        X509_REVOKED *entry = NULL;
        X509_CRL *crl = d2i_X509_CRL(NULL, &der, (long)len);
        bool found = crl && X509_CRL_get0_by_serial(crl, &entry, X509_get0_serialNumber(cert)) == 1;
        X509_CRL_free(crl);
        return found;
}

static void ask(const uint8_t *der, size_t len)
{
        const struct testauthority *by = testauthority();
        char why[REVOCATION_WHY_MAX] = "";
        struct revocation *set = revocation_new();
        struct revocation_verdict first, again, foreign;
        int r = revocation_add(set, der, len, false, why);
        require(r == 0 || (r == 21 && why[0]));
        if (r == 0) {
                bool listed = is_listed(der, len, by->leaf);
                require(revocation_check(set, by->leaf, by->namesake, TESTPKI_NOW, 0, &foreign) ==
                        0);
                require(foreign.state == REVOCATION_UNKNOWN && !foreign.proof);
                require(revocation_check(set, by->leaf, by->ca, TESTPKI_NOW, 0, &first) == 0);
                require(revocation_check(set, by->leaf, by->ca, TESTPKI_NOW, 0, &again) == 0);
                require(first.state == again.state && strcmp(first.why, again.why) == 0);
                require(first.state != REVOCATION_GOOD || !listed ||
                        strcmp(first.why, "revoked-later") == 0);
                require(first.state != REVOCATION_REVOKED || listed);
                revocation_verdict_clear(&first);
                revocation_verdict_clear(&again);
        }
        revocation_free(set);
}

static void sign_and_ask(const uint8_t *data, size_t len)
{
        const struct testauthority *by = testauthority();
        unsigned char *der = NULL;
        X509_CRL *crl = d2i_X509_CRL(NULL, &data, (long)len);
        if (crl && X509_CRL_set_issuer_name(crl, X509_get_subject_name(by->ca)) == 1 &&
                X509_CRL_sign(crl, by->key, EVP_sha256()) > 0) {
                int size = i2d_X509_CRL(crl, &der);
                if (size > 0)
                        ask(der, (size_t)size);
        }
        OPENSSL_free(der);
        X509_CRL_free(crl);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
        ask(data, len);
        sign_and_ask(data, len);
        return 0;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_timestamp.c: tokens and responses of timestamping services. 'T': a token, with nobody to vouch and with an
 * anchor that never signed it, so that it cannot be trusted. 'R': a response; the length of the request before
 * it in two bytes.
 */
#include "client-sdk/timestamp.h"

/* Fuzz targets link rooms only; the test PKI is part of this one. */
#include "tests/support/testpki.c"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static X509_STORE *strangers(void)
{
        static X509_STORE *store; /* once for the whole run */
        if (!store) {
                struct testpki *pki = testpki_new();
                store = X509_STORE_new();
                NEED(X509_STORE_add_cert(store, pki->root) == 1);
                testpki_free(pki);
        }
        return store;
}

static void token(const uint8_t *der, size_t len, X509_STORE *anchors)
{
        const struct timestamp_terms terms = {
                .data = "abc", .len = 3, .anchors = anchors, .at = TESTPKI_NOW
        };
        struct timestamp found = { 0 };
        char why[TIMESTAMP_WHY_MAX] = "";
        int r = timestamp_judge(der, len, &terms, &found, why);
        NEED(r == 0 || r == 21);
        NEED(r == 0 ? !found.trusted && !anchors : why[0] != '\0');
        NEED(memchr(found.authority, '\0', sizeof found.authority) &&
                found.accuracy_ms <= TIMESTAMP_ACCURACY_MAX);
}

static void response(const uint8_t *data, size_t len)
{
        char why[TIMESTAMP_WHY_MAX] = "";
        unsigned char *der = NULL;
        size_t der_len = 0, asked = len < 2 ? 0 : (size_t)data[0] << 8 | data[1];
        if (len < 2 || asked > len - 2)
                return;
        int r = timestamp_response(
                data + 2, asked, data + 2 + asked, len - 2 - asked, &der, &der_len, why);
        NEED(r == 0 || r == 21);
        NEED(r == 0 ? der_len > 0 : der == NULL && why[0] != '\0');
        free(der);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
        if (len > 0 && data[0] == 'T') {
                token(data + 1, len - 1, NULL);
                token(data + 1, len - 1, strangers());
        }
        if (len > 0 && data[0] == 'R')
                response(data + 1, len - 1);
        return 0;
}

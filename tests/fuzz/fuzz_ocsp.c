/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_ocsp.c: OCSP responses, as they come and signed anew after each change. An answer about others says
 * nothing, none says that a certificate is good and that it is revoked, and the same question has the same
 * answer twice.
 */
#include "client-sdk/revocation.h"
#include "tests/support/testauthority.h"
#include "tests/support/testpki.h"
#include "tests/fuzz/require.h"

#include <openssl/ocsp.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void ask(const uint8_t *der, size_t len)
{
        const struct testauthority *by = testauthority();
        char why[REVOCATION_WHY_MAX] = "";
        struct revocation *set = revocation_new();
        struct revocation_verdict first, again, other;
        int r = revocation_add(set, der, len, true, why);
        require(r == 0 || (r == 21 && why[0]));
        if (r == 0) {
                require(revocation_check(set, by->leaf, by->namesake, TESTPKI_NOW, 0, &other) == 0);
                require(other.state == REVOCATION_UNKNOWN && !other.proof);
                require(revocation_check(set, by->leaf, by->ca, TESTPKI_NOW, 0, &first) == 0);
                require(revocation_check(set, by->leaf, by->ca, TESTPKI_NOW, 0, &again) == 0);
                require(first.state == again.state && strcmp(first.why, again.why) == 0);
                require((first.state == REVOCATION_UNKNOWN) == (first.proof == NULL));
                require(first.state != REVOCATION_GOOD || first.revoked_at == 0 ||
                        strcmp(first.why, "revoked-later") == 0);
                revocation_verdict_clear(&first);
                revocation_verdict_clear(&again);
        }
        revocation_free(set);
}

static void sign_and_ask(OCSP_BASICRESP *basic)
{
        const struct testauthority *by = testauthority();
        unsigned char *der = NULL;
        if (OCSP_basic_sign(basic, by->ca, by->key, EVP_sha256(), NULL, OCSP_NOTIME) != 1)
                return;
        OCSP_RESPONSE *response = OCSP_response_create(OCSP_RESPONSE_STATUS_SUCCESSFUL, basic);
        int size = response ? i2d_OCSP_RESPONSE(response, &der) : 0;
        if (size > 0)
                ask(der, (size_t)size);
        OPENSSL_free(der);
        OCSP_RESPONSE_free(response);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
        ask(data, len);
        OCSP_RESPONSE *response = d2i_OCSP_RESPONSE(NULL, &data, (long)len);
        OCSP_BASICRESP *basic = response ? OCSP_response_get1_basic(response) : NULL;
        if (basic)
                sign_and_ask(basic);
        OCSP_BASICRESP_free(basic);
        OCSP_RESPONSE_free(response);
        return 0;
}

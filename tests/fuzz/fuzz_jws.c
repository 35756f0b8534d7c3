/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_jws.c: assertions from whoever wants to be somebody else. The first byte chooses the way in:
 *   'W' the whole compact text,  'H' the header's JSON,  'P' a payload that a genuine card signs.
 * Whatever is accepted must tell the leaf's identity, and only 'P' can be accepted at all.
 */
#include "client-sdk/mohr.h"
#include "client-sdk/signer.h"

/* Fuzz targets link rooms only; the test PKI is part of this one. */
#include "tests/support/testpki.c"
#include "tests/fuzz/require.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static const struct mohr_verify_options options = {
        .audience = "https://bank.example", .nonce = "n-0S6_WzA2Mj", .at = TESTPKI_NOW + 10
};

struct world {
        struct testpki *pki;
        struct mohr_trust *trust;
        char *header;
};

static const struct world *world(void)
{
        static struct world made; /* once for the whole run */
        if (!made.pki) {
                made.pki = testpki_new();
                made.trust = testpki_trust((X509 *[]){ made.pki->root, NULL });
                json_t *header = testpki_header("RS256", made.pki->leaf, made.pki->ca, NULL);
                made.header = json_dumps(header, JSON_COMPACT);
                json_decref(header);
        }
        return &made;
}

static void whole(const char *text, size_t len, bool may_hold)
{
        struct mohr_result *result = NULL;
        int r = mohr_verify(world()->trust, text, len, &options, &result);
        require(r == 0 || r == 21);
        require(r != 0 || may_hold);
        if (r == 0) {
                require(strcmp(mohr_result_claim(result, "given_name"), TESTPKI_GIVEN) == 0);
                require(strcmp(mohr_result_claim(result, "family_name"), TESTPKI_FAMILY) == 0);
                require(strcmp(mohr_result_claim(result, "card_number"), "0099900007") == 0);
                require(!mohr_result_claim(result, "national_number"));
                require(strcmp(mohr_result_claim(result, "aud"), options.audience) == 0);
                require(strcmp(mohr_result_claim(result, "nonce"), options.nonce) == 0);
        } else {
                require(!mohr_result_claim(result, "given_name"));
        }
        char *json = mohr_result_json(result);
        require(json != NULL);
        free(json);
        mohr_result_free(result);
}

static void header(const char *json, size_t len)
{
        struct signer *signer = NULL;
        enum mohr_reason reason = MOHR_REASON_OK;
        require(signer_read(json, len, NULL, &signer, &reason) == 0);
        require((reason == MOHR_REASON_OK) == (signer != NULL));
        bool staff = signer && signer->identity.staff;
        require(!signer || (signer->count >= 1 && signer->leaf.issuer_is_nocr == !staff &&
                                   strlen(signer->leaf.card_number) == (staff ? 0 : 10)));
        signer_unref(signer);
}

static void payload(const char *json, size_t len)
{
        char text[4096];
        if (len >= sizeof text || memchr(json, '\0', len))
                return;
        memcpy(text, json, len);
        text[len] = '\0';
        char *jws = testpki_sign(world()->header, text, world()->pki->leaf_key, "RS256");
        whole(jws, strlen(jws), true);
        free(jws);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
        const char *rest = (const char *)data + 1;
        if (len == 0)
                return 0;
        switch (data[0]) {
        case 'W': whole(rest, len - 1, false); break;
        case 'H': header(rest, len - 1); break;
        case 'P': payload(rest, len - 1); break;
        }
        return 0;
}

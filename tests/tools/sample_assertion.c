/* SPDX-License-Identifier: Apache-2.0 */
/* sample_assertion.c: `sample_assertion DIR` writes assertions of today for stacks nobody here wrote.
 *
 * root.pem; good: composed by Mohr and signed by the test leaf; forged: the same leaf signing a payload
 * with another's name; expired: good but for its certificate; clock: made by a station whose clock is a year
 * late, and which says that it is not synchronised, with no CA in x5c; ca.pem: that CA. The PKI is testpki's,
 * its root says TEST.
 */
#include "client-sdk/assertion.h"
#include "tests/support/testpki.h"

#include <stdio.h>
#include <time.h>

#define AUDIENCE "https://bank.example"
#define NONCE    "0123456789abcdef"

static bool write_line(const char *dir, const char *name, const char *text)
{
        char path[512];
        snprintf(path, sizeof path, "%s/%s", dir, name);
        FILE *file = fopen(path, "w");
        if (!file)
                return false;
        bool good = fprintf(file, "%s\n", text) > 0;
        return fclose(file) == 0 && good;
}

static char *compose(const struct testpki *pki, X509 *leaf)
{
        const struct assertion_request request = {
                .audience = AUDIENCE, .nonce = NONCE, .purpose = "interop"
        };
        const struct assertion_facts facts = { .issuer_id = "00112233445566778899aabbccddeeff",
                .now = time(NULL),
                .auth_time = time(NULL),
                .life = ASSERTION_LIFE,
                .pin_entry = "pinentry",
                .software = "mohr " MOHR_VERSION,
                .card = { .generation = "mav2", .simulated = true } };
        char *input = NULL, *jws = NULL;
        const char *why;
        uint8_t sig[512];
        size_t len = sizeof sig;
        EVP_MD_CTX *md = EVP_MD_CTX_new();
        if (assertion_signing_input(&request, &facts, leaf, pki->ca, &input, &why) == 0 &&
                EVP_DigestSignInit(md, NULL, EVP_sha256(), NULL, pki->leaf_key) == 1 &&
                EVP_DigestSign(md, sig, &len, (const uint8_t *)input, strlen(input)) == 1 &&
                assertion_finish(input, leaf, sig, len, &jws) != 0)
                jws = NULL;
        EVP_MD_CTX_free(md);
        free(input);
        return jws;
}

/* Of now, by the clock of the station. */
static char *sign_by_hand(
        const struct testpki *pki, X509 *leaf, X509 *ca, json_t *payload, json_int_t now)
{
        json_object_set_new(payload, "nonce", json_string(NONCE));
        json_object_set_new(payload, "iat", json_integer(now));
        json_object_set_new(payload, "auth_time", json_integer(now));
        json_object_set_new(payload, "exp", json_integer(now + 300));
        return testpki_assertion(pki, leaf, ca, payload);
}

static char *forge(const struct testpki *pki, X509 *leaf)
{
        json_t *payload = testpki_payload("Somebody", "Else", "0099900007", false);
        return sign_by_hand(pki, leaf, pki->ca, payload, (json_int_t)time(NULL));
}

static char *with_late_clock(const struct testpki *pki, X509 *leaf, int64_t now, int64_t to)
{
        char expiry[32];
        time_t end = (time_t)to;
        struct tm tm;
        json_t *payload = testpki_payload(TESTPKI_GIVEN, TESTPKI_FAMILY, "0099900007", false);
        strftime(expiry, sizeof expiry, "%Y-%m-%dT%H:%M:%SZ", gmtime_r(&end, &tm));
        json_object_set_new(
                json_object_get(payload, "card"), "certificate_expiry", json_string(expiry));
        json_object_set_new(payload, "clock", json_pack("{s:b}", "synchronised", 0));
        return sign_by_hand(pki, leaf, NULL, payload, now - 365 * 86400L);
}

int main(int argc, char **argv)
{
        char path[512];
        const int64_t now = time(NULL), day = 86400;
        if (argc != 2)
                return 2;
        struct testpki *pki = testpki_new();
        const struct testpki_spec fresh = { .from = now - day, .to = now + 365 * day },
                                  old = { .from = now - 365 * day, .to = now - day };
        X509 *leaf = testpki_issue(pki, &fresh), *expired = testpki_issue(pki, &old);
        char *good = compose(pki, leaf), *forged = forge(pki, leaf), *late = compose(pki, expired),
             *clock = with_late_clock(pki, leaf, now, fresh.to);
        snprintf(path, sizeof path, "%s/root.pem", argv[1]);
        testpki_write_pem(path, (X509 *[]){ pki->root, NULL });
        snprintf(path, sizeof path, "%s/ca.pem", argv[1]);
        testpki_write_pem(path, (X509 *[]){ pki->ca, NULL });
        bool done = good && forged && late && clock && write_line(argv[1], "good", good) &&
                    write_line(argv[1], "forged", forged) && write_line(argv[1], "expired", late) &&
                    write_line(argv[1], "clock", clock);
        free(good);
        free(forged);
        free(late);
        free(clock);
        X509_free(leaf);
        X509_free(expired);
        testpki_free(pki);
        return done ? 0 : 1;
}

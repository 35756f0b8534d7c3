/* SPDX-License-Identifier: Apache-2.0 */
/* test_assertion.c: what the composer writes, what it refuses to write, and that the verifier agrees. */
#include "client-sdk/assertion.h"
#include "client-sdk/mohr.h"
#include "tests/support/testpki.h"

#include "base/outcome.h"

#include <openssl/evp.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <cmocka.h>

static const struct assertion_request good_request = { .audience = "https://bank.example/login?x=1",
        .nonce = "n-0S6_WzA2Mj",
        .purpose = "open an account" };
static const struct assertion_facts good_facts = { .issuer_id = "00112233445566778899aabbccddeeff",
        .now = TESTPKI_NOW,
        .auth_time = TESTPKI_NOW - 3,
        .life = ASSERTION_LIFE,
        .clock_synchronised = true,
        .pin_entry = "pinentry",
        .software = "mohr 0.1.0",
        .card = { .generation = "mav2" } };

static char *compose(struct testpki *pki, const struct assertion_request *request,
        const struct assertion_facts *facts, X509 *leaf)
{
        char *input = NULL;
        const char *why = "";
        int r = assertion_signing_input(request, facts, leaf, pki->ca, &input, &why);
        if (r != 0)
                fail_msg("%d: %s", r, why);
        return input;
}

static char *finish(struct testpki *pki, const char *input, X509 *leaf)
{
        uint8_t sig[512];
        size_t len = sizeof sig;
        EVP_MD_CTX *md = EVP_MD_CTX_new();
        char *jws = NULL;
        assert_int_equal(EVP_DigestSignInit(md, NULL, EVP_sha256(), NULL, pki->leaf_key), 1);
        assert_int_equal(EVP_DigestSign(md, sig, &len, (const uint8_t *)input, strlen(input)), 1);
        EVP_MD_CTX_free(md);
        assert_int_equal(assertion_finish(input, leaf, sig, len, &jws), 0);
        return jws;
}

static char *payload_text(const char *input)
{
        const char *part = strchr(input, '.') + 1;
        size_t len = strcspn(part, "."), padded = (len + 3) / 4 * 4;
        char *text = malloc(padded + 1);
        uint8_t *out = calloc(1, padded + 1);
        memset(text, '=', padded);
        for (size_t i = 0; i < len; i++)
                text[i] = part[i] == '-' ? '+' : part[i] == '_' ? '/' : part[i];
        text[padded] = '\0';
        assert_true(EVP_DecodeBlock(out, (uint8_t *)text, (int)padded) > 0);
        free(text);
        return (char *)out;
}

static void members_have_a_fixed_order(void **state)
{
        struct testpki *pki = *state;
        char *input = compose(pki, &good_request, &good_facts, pki->leaf),
             *payload = payload_text(input);
        char expected[2048];
        json_t *by_hand = testpki_payload(TESTPKI_GIVEN, TESTPKI_FAMILY, "0099900007", false);
        snprintf(expected, sizeof expected,
                "{\"ver\":1,\"iss\":\"urn:mohr:card\",\"sub\":\"%s\",\"aud\":\"https://"
                "bank.example/login?x=1\","
                "\"nonce\":\"n-0S6_WzA2Mj\",\"iat\":1795301256,\"exp\":1795301556,"
                "\"jti\":\"00112233445566778899aabbccddeeff\",\"given_name\":\"" TESTPKI_GIVEN
                "\",\"family_name\":\"" TESTPKI_FAMILY
                "\",\"card_number\":\"0099900007\",\"acr\":\"unstated\","
                "\"amr\":[\"sc\",\"pin\"],\"auth_time\":1795301253,\"purpose\":\"open an account\","
                "\"card\":{\"generation\":\"mav2\",\"certificate_expiry\":\"2032-11-19T22:47:36Z\"}"
                ","
                "\"key_use\":\"signature\",\"station\":{\"software\":\"mohr "
                "0.1.0\",\"pin_entry\":\"pinentry\"},"
                "\"clock\":{\"synchronised\":true}}",
                json_string_value(json_object_get(by_hand, "sub")));
        assert_string_equal(payload, expected);
        char *again = compose(pki, &good_request, &good_facts, pki->leaf);
        assert_string_equal(input, again);
        free(again);
        free(payload);
        free(input);
        json_decref(by_hand);
}

static void what_is_composed_is_accepted(void **state)
{
        struct testpki *pki = *state;
        struct mohr_trust *trust = testpki_trust((X509 *[]){ pki->root, NULL });
        X509 *national = testpki_issue(pki,
                &(struct testpki_spec){ .cn = TESTPKI_CN_NN, .policies = "2.16.364.101.1.1.2" });
        json_t *station = json_pack(
                "{s:s, s:s, s:b}", "operator", "op 7", "case_number", "1405/7", "photo_checked", 1);
        struct assertion_request full = good_request;
        struct assertion_facts facts = good_facts;
        full.station = station;
        full.expect_national_number = "0012345679";
        facts.card = (struct assertion_card){ .generation = "mav4",
                .expiry = "2030-01-01",
                .expiry_raw = "feff",
                .simulated = true };
        facts.reader = "Virtual PCD 00 00";
        const struct {
                const struct assertion_request *request;
                const struct assertion_facts *facts;
                X509 *leaf;
        } rows[] = { { &good_request, &good_facts, pki->leaf }, { &full, &facts, pki->leaf },
                { &full, &facts, national }, { &good_request, &good_facts, national } };
        for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
                const struct mohr_verify_options options = { .audience = good_request.audience,
                        .nonce = good_request.nonce,
                        .at = TESTPKI_NOW };
                struct mohr_result *result = NULL;
                char *input = compose(pki, rows[i].request, rows[i].facts, rows[i].leaf);
                char *jws = finish(pki, input, rows[i].leaf);
                assert_true(strlen(jws) <= ASSERTION_MAX);
                int r = mohr_verify(trust, jws, strlen(jws), &options, &result);
                if (r != 0)
                        fail_msg("row %zu: %s %s", i, mohr_reason_name(mohr_result_reason(result)),
                                mohr_result_detail(result));
                const char *match = mohr_result_claim(result, "national_number_match");
                if (i == 1)
                        assert_string_equal(match, "unknown");
                if (i == 2)
                        assert_string_equal(match, "yes");
                mohr_result_free(result);
                free(jws);
                free(input);
        }
        json_decref(station);
        X509_free(national);
        mohr_trust_free(trust);
}

/* Each claim by itself, and all of them: what is declined is not there, and all else is. */
static void what_is_declined_does_not_go_along(void **state)
{
        static const char *const members[CLAIMSET_COUNT] = { "\"generation\":\"mav4\"",
                "\"expiry\":\"2030-01-01\",\"expiry_raw\":\"feff\"", "\"reader\":\"R 00\"",
                "\"operator\":\"op 7\",\"photo_checked\":true" };
        struct testpki *pki = *state;
        struct mohr_trust *trust = testpki_trust((X509 *[]){ pki->root, NULL });
        json_t *station = json_pack("{s:s, s:b}", "operator", "op 7", "photo_checked", 1);
        struct assertion_request request = good_request;
        struct assertion_facts facts = good_facts;
        request.station = station;
        facts.reader = "R 00";
        facts.card = (struct assertion_card){
                .generation = "mav4", .expiry = "2030-01-01", .expiry_raw = "feff"
        };
        for (unsigned int declined = 0; declined <= CLAIMS_ALL; declined++) {
                request.declined = (claimset)declined;
                char *input = compose(pki, &request, &facts, pki->leaf),
                     *payload = payload_text(input), *jws = finish(pki, input, pki->leaf);
                for (unsigned int bit = 0; bit < CLAIMSET_COUNT; bit++)
                        assert_int_equal(
                                strstr(payload, members[bit]) == NULL, (declined & 1u << bit) != 0);
                const struct mohr_verify_options options = {
                        .audience = request.audience, .nonce = request.nonce, .at = TESTPKI_NOW
                };
                struct mohr_result *result = NULL;
                assert_int_equal(mohr_verify(trust, jws, strlen(jws), &options, &result), 0);
                mohr_result_free(result);
                free(jws);
                free(payload);
                free(input);
        }
        json_decref(station);
        mohr_trust_free(trust);
}

static void a_set_of_claims_is_read_strictly(void **state)
{
        static const struct {
                const char *json;
                bool good;
                claimset set;
        } rows[] = {
                { "[]", true, CLAIMS_NONE },
                { "[\"station\",\"reader\"]", true, CLAIM_STATION | CLAIM_READER },
                { "[\"reader\",\"reader\"]", false, 0 },
                { "[\"name\"]", false, 0 },
                { "[7]", false, 0 },
                { "{\"reader\":true}", false, 0 },
                { "[\"card_generation\",\"card_expiry\",\"reader\",\"station\"]", true,
                        CLAIMS_ALL },
        };
        (void)state;
        for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
                json_t *list = json_loads(rows[i].json, 0, NULL);
                claimset set = 0xff;
                assert_int_equal(claimset_read(list, &set), rows[i].good);
                assert_int_equal(set, rows[i].good ? rows[i].set : 0xff);
                json_decref(list);
        }
        claimset none = 0xff;
        assert_true(claimset_read(NULL, &none) && none == CLAIMS_NONE);
        assert_null(claimset_name(CLAIMSET_COUNT));
        json_t *every = claimset_json(CLAIMS_ALL), *same = json_loads(rows[6].json, 0, NULL);
        assert_true(json_equal(every, same));
        json_decref(every);
        json_decref(same);
}

static void requests_out_of_bounds_are_refused(void **state)
{
        static char long_uri[700], long_text[400], long_nonce[200];
        memset(long_uri, 'a', sizeof long_uri - 1);
        long_uri[1] = ':';
        memset(long_text, 'a', sizeof long_text - 1);
        memset(long_nonce, 'a', sizeof long_nonce - 1);
        const struct assertion_request rows[] = {
                { .audience = NULL, .nonce = "12345678" },
                { .audience = "", .nonce = "12345678" },
                { .audience = "bank", .nonce = "12345678" },
                { .audience = "1bank:x", .nonce = "12345678" },
                { .audience = "a:", .nonce = "12345678" },
                { .audience = "a:b c", .nonce = "12345678" },
                { .audience = "a:\xD8\xA7", .nonce = "12345678" },
                { .audience = "a:b\n", .nonce = "12345678" },
                { .audience = "a:<b>", .nonce = "12345678" },
                { .audience = long_uri, .nonce = "12345678" },
                { .audience = "a:b", .nonce = NULL },
                { .audience = "a:b", .nonce = "1234567" },
                { .audience = "a:b", .nonce = long_nonce },
                { .audience = "a:b", .nonce = "1234 5678" },
                { .audience = "a:b", .nonce = "12345678\xC3\xA9" },
                { .audience = "a:b", .nonce = "12345678", .purpose = "" },
                { .audience = "a:b", .nonce = "12345678", .purpose = long_text },
                { .audience = "a:b", .nonce = "12345678", .purpose = "\xFF" },
                { .audience = "a:b", .nonce = "12345678", .purpose = "a\xE2\x80\xAE" },
                { .audience = "a:b", .nonce = "12345678", .purpose = "a\x1b" },
                { .audience = "a:b", .nonce = "12345678", .expect_national_number = "123" },
                { .audience = "a:b", .nonce = "12345678", .expect_national_number = "00123456790" },
                { .audience = "a:b", .nonce = "12345678", .expect_national_number = "001234567x" },
        };
        struct testpki *pki = *state;
        for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
                char *input = NULL;
                const char *why = NULL;
                if (assertion_signing_input(&rows[i], &good_facts, pki->leaf, pki->ca, &input,
                            &why) != OUTCOME_INVALID)
                        fail_msg("row %zu was accepted", i);
                assert_non_null(why);
                assert_null(input);
        }
}

static void stations_may_only_state_what_is_listed(void **state)
{
        static const char *const rows[] = { "{\"software\":\"x\"}", "{\"reader\":\"x\"}",
                "{\"pin_entry\":\"pinpad\"}", "{\"trusted\":true}", "{\"operator\":1}",
                "{\"operator\":\"\"}", "{\"operator\":\"a\\u001b\"}", "{\"photo_checked\":\"yes\"}",
                "[]", "{\"branch\":{\"a\":1}}" };
        struct testpki *pki = *state;
        for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
                struct assertion_request request = good_request;
                char *input = NULL;
                const char *why = NULL;
                request.station = json_loads(rows[i], 0, NULL);
                if (assertion_signing_input(&request, &good_facts, pki->leaf, pki->ca, &input,
                            &why) != OUTCOME_INVALID)
                        fail_msg("%s was accepted", rows[i]);
                json_decref(request.station);
        }
}

static void only_citizens_and_their_issuers_are_composed(void **state)
{
        struct testpki *pki = *state;
        char *input = NULL;
        const char *why = NULL;
        X509 *site = testpki_issue(pki, &(struct testpki_spec){ .cn = "bank.example" });
        X509 *stranger = testpki_issue_ca(pki, "x", 1, TESTPKI_NOW * 2L, NULL, pki->other_key,
                pki->other_key, "critical,CA:TRUE");
        const struct {
                X509 *leaf, *ca;
        } rows[] = { { site, pki->ca }, { pki->ca, pki->root }, { pki->leaf, pki->root },
                { pki->leaf, pki->leaf }, { pki->leaf, stranger } };
        for (size_t i = 0; i < ARRAY_LEN(rows); i++)
                assert_int_equal(assertion_signing_input(&good_request, &good_facts, rows[i].leaf,
                                         rows[i].ca, &input, &why),
                        OUTCOME_INVALID);
        X509_free(site);
        X509_free(stranger);
}

static void facts_the_daemon_got_wrong_are_broken_calls(void **state)
{
        struct testpki *pki = *state;
        struct assertion_facts rows[] = { good_facts, good_facts, good_facts, good_facts,
                good_facts, good_facts };
        char *input = NULL;
        const char *why = NULL;
        rows[0].issuer_id = "short";
        rows[1].life = 0;
        rows[2].life = 3601;
        rows[3].pin_entry = "PIN pad";
        rows[4].card.generation = "";
        rows[5].card.expiry_raw = "zz";
        for (size_t i = 0; i < ARRAY_LEN(rows); i++)
                assert_int_equal(assertion_signing_input(
                                         &good_request, &rows[i], pki->leaf, pki->ca, &input, &why),
                        -EINVAL);
}

static void what_does_not_fit_is_refused(void **state)
{
        struct testpki *pki = *state;
        char audience[513], purpose[257], text[129], given[250], number[] = "n-0S6_WzA2Mj";
        char *input = NULL;
        const char *why = NULL;
        memset(audience, 'a', 512);
        audience[1] = ':';
        audience[512] = '\0';
        memset(purpose, '"', 256); /* two bytes each in JSON */
        purpose[256] = '\0';
        memset(text, '\\', 128);
        text[128] = '\0';
        memset(given, 'g', 249);
        given[249] = '\0';
        json_t *station = json_pack("{s:s, s:s, s:s, s:s}", "operator", text, "branch", text,
                "device", text, "case_number", text);
        const struct assertion_request request = {
                .audience = audience, .nonce = number, .purpose = purpose, .station = station
        };
        EVP_PKEY *big_key = EVP_RSA_gen(4096);
        X509 *big = testpki_issue(
                pki, &(struct testpki_spec){ .given = given, .family = given, .key = big_key });
        assert_int_equal(assertion_signing_input(&request, &good_facts, big, pki->ca, &input, &why),
                OUTCOME_INVALID);
        assert_non_null(strstr(why, "8 KiB"));
        X509_free(big);
        EVP_PKEY_free(big_key);
        json_decref(station);
}

static void signatures_that_do_not_verify_never_leave(void **state)
{
        struct testpki *pki = *state;
        char *input = compose(pki, &good_request, &good_facts, pki->leaf), *jws = NULL;
        uint8_t sig[256] = { 1 };
        size_t len = sizeof sig;
        assert_int_equal(
                assertion_finish(input, pki->leaf, sig, len, &jws), OUTCOME_NO_STANDARD_SIGNATURE);
        assert_int_equal(
                assertion_finish(input, pki->leaf, sig, 0, &jws), OUTCOME_NO_STANDARD_SIGNATURE);
        EVP_MD_CTX *md = EVP_MD_CTX_new();
        EVP_DigestSignInit(md, NULL, EVP_sha256(), NULL, pki->other_key);
        EVP_DigestSign(md, sig, &len, (const uint8_t *)input, strlen(input));
        EVP_MD_CTX_free(md);
        assert_int_equal(
                assertion_finish(input, pki->leaf, sig, len, &jws), OUTCOME_NO_STANDARD_SIGNATURE);
        assert_null(jws);
        free(input);
}

/* Algorithm 02 over a bare hash (card-facts 6.4): padded, but without DigestInfo. */
static void a_bare_hash_signature_is_not_a_standard_one(void **state)
{
        struct testpki *pki = *state;
        char *input = compose(pki, &good_request, &good_facts, pki->leaf), *jws = NULL;
        uint8_t hash[32], sig[256];
        size_t len = sizeof sig;
        EVP_Q_digest(NULL, "SHA256", NULL, input, strlen(input), hash, NULL);
        EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new(pki->leaf_key, NULL);
        assert_int_equal(EVP_PKEY_sign_init(ctx), 1);
        assert_int_equal(EVP_PKEY_sign(ctx, sig, &len, hash, sizeof hash), 1);
        EVP_PKEY_CTX_free(ctx);
        assert_int_equal(
                assertion_finish(input, pki->leaf, sig, len, &jws), OUTCOME_NO_STANDARD_SIGNATURE);
        free(input);
}

static int set_up(void **state)
{
        *state = testpki_new();
        return 0;
}

static int tear_down(void **state)
{
        testpki_free(*state);
        return 0;
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(members_have_a_fixed_order),
                cmocka_unit_test(what_is_composed_is_accepted),
                cmocka_unit_test(what_is_declined_does_not_go_along),
                cmocka_unit_test(a_set_of_claims_is_read_strictly),
                cmocka_unit_test(requests_out_of_bounds_are_refused),
                cmocka_unit_test(stations_may_only_state_what_is_listed),
                cmocka_unit_test(only_citizens_and_their_issuers_are_composed),
                cmocka_unit_test(facts_the_daemon_got_wrong_are_broken_calls),
                cmocka_unit_test(what_does_not_fit_is_refused),
                cmocka_unit_test(signatures_that_do_not_verify_never_leave),
                cmocka_unit_test(a_bare_hash_signature_is_not_a_standard_one),
        };
        return cmocka_run_group_tests(tests, set_up, tear_down);
}

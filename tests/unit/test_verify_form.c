/* SPDX-License-Identifier: Apache-2.0 */
/* test_verify_form.c: headers, spellings, algorithms and signatures: one answer has one form, and a key does only
 * what it is for.
 */
#include "tests/unit/verify_talk.h"

/* ---- headers ---- */

static void headers_of_another_form_are_refused(void **state)
{
        static const struct {
                const char *what, *name, *value;
                enum mohr_reason reason;
        } rows[] = {
                { "no algorithm", "alg", NULL, MOHR_REASON_HEADER },
                { "none", "alg", "\"none\"", MOHR_REASON_ALGORITHM },
                { "None", "alg", "\"None\"", MOHR_REASON_ALGORITHM },
                { "a shared key", "alg", "\"HS256\"", MOHR_REASON_ALGORITHM },
                { "an algorithm for another key", "alg", "\"ES256\"", MOHR_REASON_ALGORITHM },
                { "SHA-1", "alg", "\"RS1\"", MOHR_REASON_ALGORITHM },
                { "rs256", "alg", "\"rs256\"", MOHR_REASON_ALGORITHM },
                { "an algorithm that is a number", "alg", "256", MOHR_REASON_HEADER },
                { "PS256 over PKCS#1", "alg", "\"PS256\"", MOHR_REASON_SIGNATURE },
                { "no type", "typ", NULL, MOHR_REASON_TYPE },
                { "a plain JWT", "typ", "\"JWT\"", MOHR_REASON_TYPE },
                { "type in capitals", "typ", "\"MOHR-IDENTITY+JWT\"", MOHR_REASON_TYPE },
                { "critical extensions", "crit", "[\"b64\"]", MOHR_REASON_CRITICAL },
                { "critical nothing", "crit", "[]", MOHR_REASON_CRITICAL },
                { "a key of its own", "jwk", "{}", MOHR_REASON_HEADER },
                { "a key elsewhere", "jku", "\"https://evil.example\"", MOHR_REASON_HEADER },
                { "certificates elsewhere", "x5u", "\"https://evil.example\"", MOHR_REASON_HEADER },
                { "an unencoded payload", "b64", "false", MOHR_REASON_HEADER },
                { "no certificates", "x5c", NULL, MOHR_REASON_HEADER },
                { "no certificate in the list", "x5c", "[]", MOHR_REASON_CERTIFICATE },
                { "a certificate that is none", "x5c", "[\"AAAA\"]", MOHR_REASON_CERTIFICATE },
                { "an empty certificate", "x5c", "[\"\"]", MOHR_REASON_CERTIFICATE },
                { "a number for a certificate", "x5c", "[1]", MOHR_REASON_CERTIFICATE },
                { "one certificate not in a list", "x5c", "\"AAAA\"", MOHR_REASON_HEADER },
        };
        struct fixture *f = *state;
        for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
                json_t *header = testpki_header("RS256", f->pki->leaf, f->pki->ca, NULL),
                       *payload = good_payload();
                if (rows[i].value)
                        json_object_set_new(header, rows[i].name,
                                json_loads(rows[i].value, JSON_DECODE_ANY, NULL));
                else
                        json_object_del(header, rows[i].name);
                char *jws = testpki_sign_json(header, payload, f->pki->leaf_key, "RS256");
                expect(f, rows[i].what, jws, &strict, rows[i].reason, OUTCOME_INVALID);
                free(jws);
                json_decref(header);
                json_decref(payload);
        }
}

static void header_bytes_must_be_clean_json(void **state)
{
        struct fixture *f = *state;
        json_t *payload = good_payload();
        char *body = json_dumps(payload, JSON_COMPACT);
        static const char *const headers[] = { "", "[]", "x",
                "{\"alg\":\"RS256\",\"alg\":\"RS256\"}", "{\"alg\":\"RS256\"} ", "null" };
        for (size_t i = 0; i < ARRAY_LEN(headers); i++) {
                char *jws = testpki_sign(headers[i], body, f->pki->leaf_key, "RS256");
                expect(f, headers[i], jws, &strict, MOHR_REASON_HEADER, OUTCOME_INVALID);
                free(jws);
        }
        free(body);
        json_decref(payload);
}

/* ---- the compact form ---- */

static char *splice(const char *text, size_t at, const char *insert, size_t remove)
{
        char *out = NULL;
        assert_true(asprintf(&out, "%.*s%s%s", (int)at, text, insert, text + at + remove) >= 0);
        return out;
}

static void other_spellings_of_a_good_assertion_are_refused(void **state)
{
        struct fixture *f = *state;
        char *good = good_assertion(f);
        size_t len = strlen(good);
        size_t first = (size_t)(strchr(good, '.') - good),
               last = (size_t)(strrchr(good, '.') - good);
        char end[2] = { (char)(good[len - 1] + 1), '\0' };
        const struct {
                const char *what;
                size_t at;
                const char *insert;
                size_t remove;
                enum mohr_reason reason;
        } rows[] = {
                { "a line end", len, "\n", 0, MOHR_REASON_BASE64 },
                { "a space before", 0, " ", 0, MOHR_REASON_BASE64 },
                { "padding", len, "==", 0, MOHR_REASON_BASE64 },
                { "padded header", first, "=", 0, MOHR_REASON_BASE64 },
                { "spare bits set in the signature", len - 1, end, 1, MOHR_REASON_BASE64 },
                { "a fourth part", len, ".", 0, MOHR_REASON_NOT_COMPACT },
                { "two parts", last, "", len - last, MOHR_REASON_NOT_COMPACT },
                { "one part", first, "", len - first, MOHR_REASON_NOT_COMPACT },
                { "no signature", last + 1, "", len - last - 1, MOHR_REASON_SIGNATURE },
                { "half a signature", last + 5, "", len - last - 5, MOHR_REASON_SIGNATURE },
                { "a plus sign", last + 1, "+", 1, MOHR_REASON_BASE64 },
                { "no payload", first + 1, "", last - first - 1, MOHR_REASON_SIGNATURE },
                { "no header", 0, "", first, MOHR_REASON_HEADER },
                { "dots", 0, "..", len, MOHR_REASON_HEADER },
                { "nothing", 0, "", len, MOHR_REASON_NOT_COMPACT },
        };
        for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
                char *jws = splice(good, rows[i].at, rows[i].insert, rows[i].remove);
                expect(f, rows[i].what, jws, &strict, rows[i].reason, OUTCOME_INVALID);
                free(jws);
        }
        free(good);
}

static void every_flipped_bit_is_noticed(void **state)
{
        struct fixture *f = *state;
        char *good = good_assertion(f);
        size_t len = strlen(good);
        for (size_t at = 0; at < len; at += 37) {
                int outcome;
                char kept = good[at];
                good[at] = (char)(kept ^ 1);
                assert_int_not_equal(judge(f, good, &strict, &outcome, NULL), MOHR_REASON_OK);
                assert_int_equal(outcome, OUTCOME_INVALID);
                good[at] = kept;
        }
        free(good);
}

static void size_is_bounded(void **state)
{
        struct fixture *f = *state;
        char *big = malloc(100001);
        memset(big, 'A', 100000);
        big[100000] = '\0';
        expect(f, "100,000 bytes", big, &strict, MOHR_REASON_TOO_LARGE, OUTCOME_INVALID);
        big[8193] = '\0';
        expect(f, "8,193 bytes", big, &strict, MOHR_REASON_TOO_LARGE, OUTCOME_INVALID);
        free(big);
}

/* ---- keys, algorithms, signatures ---- */

static void an_algorithm_goes_with_its_own_kind_of_key_only(void **state)
{
        static const struct {
                const char *key, *announced, *signed_as, *reason;
        } rows[] = {
                { "P-256", "ES256", "ES256", "ok" },
                { "P-256", "RS256", "ES256", "wrong-algorithm" },
                { "P-256", "PS256", "ES256", "wrong-algorithm" },
                { "P-256", "ES384", "ES256", "unsuitable-key" },
                { "P-256", "ES256K", "ES256", "wrong-algorithm" },
                { "P-256", "EdDSA", "ES256", "wrong-algorithm" },
                { "P-256", "HS256", "ES256", "wrong-algorithm" },
                { "P-256", "none", "none", "wrong-algorithm" },
                { "P-256", "", "none", "wrong-algorithm" },
                { "secp256k1", "ES256", "ES256", "unsuitable-key" },
                { "brainpoolP256r1", "ES256", "ES256", "unsuitable-key" },
                { NULL, "RS256", "RS256", "ok" },
                { NULL, "PS256", "PS256", "ok" },
                { NULL, "PS256", "RS256", "bad-signature" },
                { NULL, "RS256", "PS256", "bad-signature" },
                { NULL, "RS384", "RS256", "wrong-algorithm" },
                { NULL, "ES256", "RS256", "wrong-algorithm" },
        };
        struct fixture *f = *state;
        for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
                EVP_PKEY *key = rows[i].key ? EVP_EC_gen(rows[i].key) : f->pki->leaf_key;
                X509 *leaf = testpki_issue(f->pki, &(struct testpki_spec){ .key = key });
                json_t *header = testpki_header(rows[i].announced, leaf, f->pki->ca, NULL),
                       *payload = good_payload(), *json;
                char *jws = testpki_sign_json(header, payload, key, rows[i].signed_as);
                (void)verify_json(f->trust, jws, &strict, &json);
                if (strcmp(told(json, "verification", "reason"), rows[i].reason) != 0)
                        fail_msg("row %zu: %s", i, told(json, "verification", "reason"));
                json_decref(json);
                json_decref(header);
                json_decref(payload);
                free(jws);
                X509_free(leaf);
                if (rows[i].key)
                        EVP_PKEY_free(key);
        }
}

/* Of R and S in their 64 bytes; all else is no signature, and never a crash. */
static void a_signature_of_two_numbers_has_one_form(void **state)
{
        static const char *const signatures[] = { "", "AA", "AAAA",
                "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
                "AAAA",
                "__________________________________________________________________________________"
                "____",
                "MAYCAQECAQE", "MAYCAQACAQA" };
        struct fixture *f = *state;
        X509 *leaf = testpki_issue(f->pki, &(struct testpki_spec){ .key = f->pki->ec_key });
        json_t *header = testpki_header("ES256", leaf, f->pki->ca, NULL), *payload = good_payload();
        char *jws = testpki_sign_json(header, payload, f->pki->ec_key, "ES256"), *text = NULL;
        int input = (int)(strrchr(jws, '.') - jws);
        expect_told(f->trust, jws, &strict, "ok", 0);
        for (size_t i = 0; i < ARRAY_LEN(signatures); i++) {
                json_t *json;
                assert_true(asprintf(&text, "%.*s.%s", input, jws, signatures[i]) > 0);
                assert_int_equal(verify_json(f->trust, text, &strict, &json), OUTCOME_INVALID);
                const char *reason = told(json, "verification", "reason");
                if (strcmp(reason, "bad-signature") != 0 && strcmp(reason, "bad-base64") != 0)
                        fail_msg("%s: %s", signatures[i], reason);
                json_decref(json);
                free(text);
        }
        for (size_t cut = strlen(jws) - 1; cut > (size_t)input; cut -= 7) {
                jws[cut] = '\0';
                json_t *json;
                assert_int_equal(verify_json(f->trust, jws, &strict, &json), OUTCOME_INVALID);
                json_decref(json);
                if (cut < (size_t)input + 8)
                        break;
        }
        free(jws);
        json_decref(header);
        json_decref(payload);
        X509_free(leaf);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(headers_of_another_form_are_refused),
                cmocka_unit_test(header_bytes_must_be_clean_json),
                cmocka_unit_test(other_spellings_of_a_good_assertion_are_refused),
                cmocka_unit_test(every_flipped_bit_is_noticed),
                cmocka_unit_test(size_is_bounded),
                cmocka_unit_test(an_algorithm_goes_with_its_own_kind_of_key_only),
                cmocka_unit_test(a_signature_of_two_numbers_has_one_form),
        };
        return cmocka_run_group_tests(tests, set_up, tear_down);
}

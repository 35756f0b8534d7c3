/* SPDX-License-Identifier: Apache-2.0 */
/* test_verify.c: what the verifier refuses of a payload, and why: forged assertions as a table. Every forgery is
 * signed by a real key of the test PKI unless its row says otherwise: a card's holder can do that.
 */
#include "tests/unit/verify_talk.h"

/* ---- payloads: signed by the holder's own card ---- */

enum change { SET, DELETE, CARD, STATION };

static const struct {
        const char *what;
        enum change change;
        const char *name, *value; /* JSON text */
        enum mohr_reason reason;
} payloads[] = {
        { "another's given name", SET, "given_name", "\"\xD8\xB9\xD9\x84\xDB\x8C\"",
                MOHR_REASON_NAME },
        { "another's family name", SET, "family_name", "\"x\"", MOHR_REASON_NAME },
        { "a name with a trailing space", SET, "given_name", "\"" TESTPKI_GIVEN " \"",
                MOHR_REASON_NAME },
        { "a name with Arabic yeh for Persian", SET, "family_name", "\"\xD9\x8A\"",
                MOHR_REASON_NAME },
        { "a name that is no text", SET, "given_name", "[\"" TESTPKI_GIVEN "\"]",
                MOHR_REASON_NAME },
        { "another's card number", SET, "card_number", "\"0012345679\"", MOHR_REASON_NUMBER },
        { "the card number as a number", SET, "card_number", "99900007", MOHR_REASON_NUMBER },
        { "a national number the card cannot show", SET, "national_number", "\"0012345679\"",
                MOHR_REASON_NATIONAL_NUMBER },
        { "its own number called a national number", SET, "national_number", "\"0099900007\"",
                MOHR_REASON_NATIONAL_NUMBER },
        { "a basis for nothing", SET, "national_number_basis", "\"inferred-from-card-number\"",
                MOHR_REASON_NATIONAL_NUMBER },
        { "a match that cannot be known", SET, "national_number_match", "\"yes\"",
                MOHR_REASON_NATIONAL_NUMBER },
        { "another's sub", SET, "sub", "\"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\"",
                MOHR_REASON_SUBJECT },
        { "the bare number as sub", SET, "sub", "\"0099900007\"", MOHR_REASON_SUBJECT },
        { "a level the leaf does not state", SET, "acr", "\"urn:oid:2.16.364.101.1.1.4\"",
                MOHR_REASON_ASSURANCE },
        { "another use of the key", SET, "key_use", "\"authentication\"", MOHR_REASON_KEY_USE },
        { "a longer certificate", CARD, "certificate_expiry", "\"2040-01-01T00:00:00Z\"",
                MOHR_REASON_CERTIFICATE_FACTS },
        { "no version", DELETE, "ver", NULL, MOHR_REASON_CLAIM_MISSING },
        { "version 2", SET, "ver", "2", MOHR_REASON_VERSION },
        { "version as text", SET, "ver", "\"1\"", MOHR_REASON_VERSION },
        { "version 1.0", SET, "ver", "1.0", MOHR_REASON_VERSION },
        { "another issuer", SET, "iss", "\"https://idp.example\"", MOHR_REASON_ISSUER },
        { "no issuer", DELETE, "iss", NULL, MOHR_REASON_CLAIM_MISSING },
        { "another audience", SET, "aud", "\"https://other.example\"", MOHR_REASON_AUDIENCE },
        { "the audience with a slash", SET, "aud", "\"" AUD "/\"", MOHR_REASON_AUDIENCE },
        { "audiences", SET, "aud", "[\"" AUD "\"]", MOHR_REASON_CLAIM_MALFORMED },
        { "no audience", DELETE, "aud", NULL, MOHR_REASON_CLAIM_MISSING },
        { "another nonce", SET, "nonce", "\"n-0S6_WzA2Mk\"", MOHR_REASON_NONCE },
        { "a short nonce", SET, "nonce", "\"n\"", MOHR_REASON_CLAIM_MALFORMED },
        { "no nonce", DELETE, "nonce", NULL, MOHR_REASON_CLAIM_MISSING },
        { "made in the future", SET, "iat", "1795301356", MOHR_REASON_NOT_YET_VALID },
        { "made at a fraction", SET, "iat", "1795301256.5", MOHR_REASON_CLAIM_MALFORMED },
        { "made before 1970", SET, "iat", "-1", MOHR_REASON_CLAIM_MALFORMED },
        { "made as text", SET, "iat", "\"1795301256\"", MOHR_REASON_CLAIM_MALFORMED },
        { "ends before it begins", SET, "exp", "1795301255", MOHR_REASON_LIFE },
        { "lives for a day", SET, "exp", "1795387656", MOHR_REASON_LIFE },
        { "lives for ever", SET, "exp", "9223372036854775807", MOHR_REASON_CLAIM_MALFORMED },
        { "no end", DELETE, "exp", NULL, MOHR_REASON_CLAIM_MISSING },
        { "not before tomorrow", SET, "nbf", "1795387656", MOHR_REASON_NOT_YET_VALID },
        { "PIN after the signature", SET, "auth_time", "1795301400", MOHR_REASON_AUTH_TIME },
        { "PIN of yesterday", SET, "auth_time", "1795214856", MOHR_REASON_AUTH_TIME },
        { "no PIN time", DELETE, "auth_time", NULL, MOHR_REASON_CLAIM_MISSING },
        { "an id of another form", SET, "jti", "\"ABC\"", MOHR_REASON_CLAIM_MALFORMED },
        { "a fingerprint claimed", SET, "amr", "[\"fpt\", \"pin\"]", MOHR_REASON_CLAIM_MALFORMED },
        { "no PIN claimed", SET, "amr", "[\"sc\"]", MOHR_REASON_CLAIM_MALFORMED },
        { "a purpose that turns the text", SET, "purpose", "\"\\u202egnitset\"",
                MOHR_REASON_CLAIM_MALFORMED },
        { "a purpose with a line end", SET, "purpose", "\"a\\nb\"", MOHR_REASON_CLAIM_MALFORMED },
        { "simulated denied aloud", CARD, "simulated", "false", MOHR_REASON_CLAIM_MALFORMED },
        { "more of the card", CARD, "photo", "\"x\"", MOHR_REASON_CLAIM_MALFORMED },
        { "more of the station", STATION, "trusted", "true", MOHR_REASON_CLAIM_MALFORMED },
        { "an operator with an escape", STATION, "operator", "\"\\u001b[2J\"",
                MOHR_REASON_CLAIM_MALFORMED },
        { "an age", SET, "age", "99", MOHR_REASON_CLAIM_UNKNOWN },
        { "a birth date", SET, "birthdate", "\"1990-01-01\"", MOHR_REASON_CLAIM_UNKNOWN },
        { "a clock of another form", SET, "clock", "true", MOHR_REASON_CLAIM_MALFORMED },
        { "a member whose name does not fit and cannot be cut at any byte", SET,
                "ابپتثجچحخدذرزژسشصضطظعغفقکگلمنوهیءآأؤئابپتثجچحخدذرزژسشصضط", "1",
                MOHR_REASON_CLAIM_UNKNOWN },
        { "a member whose name does not fit, one byte on", SET,
                "xابپتثجچحخدذرزژسشصضطظعغفقکگلمنوهیءآأؤئابپتثجچحخدذرزژسشصضط", "1",
                MOHR_REASON_CLAIM_UNKNOWN },
        { "a member whose name moves the cursor", SET,
                "\x1b[2J\xC2\x9B"
                "2J",
                "1", MOHR_REASON_CLAIM_UNKNOWN },
};

static void what_a_holder_signs_of_others_is_refused(void **state)
{
        struct fixture *f = *state;
        json_t *header = testpki_header("RS256", f->pki->leaf, f->pki->ca, NULL);
        for (size_t i = 0; i < ARRAY_LEN(payloads); i++) {
                json_t *payload = good_payload(), *at = payload;
                if (payloads[i].change == CARD || payloads[i].change == STATION)
                        at = json_object_get(
                                payload, payloads[i].change == CARD ? "card" : "station");
                if (payloads[i].change == DELETE) {
                        assert_int_equal(json_object_del(payload, payloads[i].name), 0);
                } else {
                        json_t *value = json_loads(payloads[i].value, JSON_DECODE_ANY, NULL);
                        assert_non_null(value);
                        json_object_set_new(at, payloads[i].name, value);
                }
                char *jws = testpki_sign_json(header, payload, f->pki->leaf_key, "RS256");
                expect(f, payloads[i].what, jws, &strict, payloads[i].reason, OUTCOME_INVALID);
                free(jws);
                json_decref(payload);
        }
        json_decref(header);
}

/* ---- payload bytes ---- */

static void payloads_that_are_no_clean_json_are_refused(void **state)
{
        static const struct {
                const char *what, *payload;
                enum mohr_reason reason;
        } rows[] = {
                { "empty", "", MOHR_REASON_PAYLOAD },
                { "an array", "[]", MOHR_REASON_PAYLOAD },
                { "text", "\"a\"", MOHR_REASON_PAYLOAD },
                { "a member twice", "{\"ver\":1,\"ver\":1}", MOHR_REASON_PAYLOAD },
                { "a member twice, one escaped", "{\"ver\":1,\"v\\u0065r\":1}",
                        MOHR_REASON_PAYLOAD },
                { "something after it", "{\"ver\":1} {}", MOHR_REASON_PAYLOAD },
                { "a NUL in a text", "{\"ver\":1,\"given_name\":\"a\\u0000b\"}",
                        MOHR_REASON_PAYLOAD },
                { "bytes that are no UTF-8", "{\"given_name\":\"\xFF\"}", MOHR_REASON_PAYLOAD },
                { "a byte order mark", "\xEF\xBB\xBF{\"ver\":1}", MOHR_REASON_PAYLOAD },
                { "cut", "{\"ver\":1", MOHR_REASON_PAYLOAD },
                { "nothing in it", "{}", MOHR_REASON_CLAIM_MISSING },
        };
        struct fixture *f = *state;
        json_t *header = testpki_header("RS256", f->pki->leaf, f->pki->ca, NULL);
        char *head = json_dumps(header, JSON_COMPACT);
        for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
                char *jws = testpki_sign(head, rows[i].payload, f->pki->leaf_key, "RS256");
                expect(f, rows[i].what, jws, &strict, rows[i].reason, OUTCOME_INVALID);
                free(jws);
        }
        free(head);
        json_decref(header);
}

/* ---- JSON that others might read in another way ---- */

static void spellings_that_parsers_disagree_about_are_refused(void **state)
{
        static const struct {
                const char *what, *find, *put, *reason;
        } rows[] = {
                { "a power of ten", "\"iat\":1795301256", "\"iat\":1.795301256e9",
                        "claim-malformed" },
                { "a fraction of nothing", "\"iat\":1795301256", "\"iat\":1795301256.0",
                        "claim-malformed" },
                { "a leading zero", "\"iat\":1795301256", "\"iat\":01795301256", "bad-payload" },
                { "a plus", "\"iat\":1795301256", "\"iat\":+1795301256", "bad-payload" },
                { "hexadecimal", "\"iat\":1795301256", "\"iat\":0x6B025D48", "bad-payload" },
                { "2^63", "\"exp\":1795301556", "\"exp\":9223372036854775808", "bad-payload" },
                { "2^64 and our number", "\"exp\":1795301556", "\"exp\":18446744075504853172",
                        "bad-payload" },
                { "no number", "\"exp\":1795301556", "\"exp\":NaN", "bad-payload" },
                { "for ever", "\"exp\":1795301556", "\"exp\":1e999", "bad-payload" },
                { "a member of a member twice", "\"generation\":\"mav2\"",
                        "\"generation\":\"mav4\",\"generation\":\"mav2\"", "bad-payload" },
                { "half a pair", "open an account", "open \\ud800 account", "bad-payload" },
                { "the other half", "open an account", "open \\udc00 account", "bad-payload" },
                { "half a pair in UTF-8", "open an account", "open \xED\xA0\x80", "bad-payload" },
                { "a long form of /", "open an account", "open \xC0\xAF", "bad-payload" },
                { "a bare control character", "open an account", "open\tan", "bad-payload" },
                { "a NUL", "open an account", "open\\u0000", "bad-payload" },
                { "a comment", "\"ver\":1", "/**/\"ver\":1", "bad-payload" },
                { "a comma too many", "\"ver\":1,", "\"ver\":1,,", "bad-payload" },
                { "single quotes", "\"ver\"", "'ver'", "bad-payload" },
        };
        struct fixture *f = *state;
        json_t *header = testpki_header("RS256", f->pki->leaf, f->pki->ca, NULL),
               *payload = good_payload();
        char *head = json_dumps(header, JSON_COMPACT), *body = json_dumps(payload, JSON_COMPACT);
        for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
                char *text = NULL, *at = strstr(body, rows[i].find);
                assert_non_null(at);
                assert_true(asprintf(&text, "%.*s%s%s", (int)(at - body), body, rows[i].put,
                                    at + strlen(rows[i].find)) > 0);
                char *jws = testpki_sign(head, text, f->pki->leaf_key, "RS256");
                json_t *json;
                (void)verify_json(f->trust, jws, &strict, &json);
                if (strcmp(told(json, "verification", "reason"), rows[i].reason) != 0)
                        fail_msg("%s: %s", rows[i].what, told(json, "verification", "reason"));
                json_decref(json);
                free(jws);
                free(text);
        }
        free(head);
        free(body);
        json_decref(header);
        json_decref(payload);
}

static void a_deep_nest_is_no_danger(void **state)
{
        struct fixture *f = *state;
        json_t *header = testpki_header("RS256", f->pki->leaf, NULL, NULL);
        char *head = json_dumps(header, JSON_COMPACT), nest[4001];
        static const char opens[] = "[{";
        for (size_t i = 0; i < ARRAY_LEN(opens) - 1; i++) {
                memset(nest, opens[i], sizeof nest - 1);
                nest[sizeof nest - 1] = '\0';
                char *body = testpki_sign(head, nest, f->pki->leaf_key, "RS256");
                char *top = testpki_sign(nest, "{}", f->pki->leaf_key, "RS256");
                struct mohr_trust *trust = testpki_trust((X509 *[]){ f->pki->ca, NULL });
                expect_told(trust, body, &strict, "bad-payload", OUTCOME_INVALID);
                expect_told(trust, top, &strict, "bad-header", OUTCOME_INVALID);
                mohr_trust_free(trust);
                free(body);
                free(top);
        }
        memset(nest, '[', 2000);
        memset(nest + 2000, ']', 2000); /* well-formed, and as deep as it gets */
        char *deep = testpki_sign(head, nest, f->pki->leaf_key, "RS256");
        struct mohr_trust *trust = testpki_trust((X509 *[]){ f->pki->ca, NULL });
        expect_told(trust, deep, &strict, "bad-payload", OUTCOME_INVALID);
        mohr_trust_free(trust);
        free(deep);
        free(head);
        json_decref(header);
}

/* ---- options ---- */

static void bad_options_are_broken_calls(void **state)
{
        struct fixture *f = *state;
        struct mohr_result *result = NULL;
        const struct mohr_replay nobody = { 0 };
        const struct mohr_verify_options rows[] = { { .at = -1 }, { .at = INT64_MAX },
                { .skew_s = -1 }, { .skew_s = 601 }, { .asked_at = -1 }, { .asked_at = INT64_MAX },
                { .expired = (enum mohr_expired)3 }, { .replay = &nobody } };
        for (size_t i = 0; i < ARRAY_LEN(rows); i++)
                assert_int_equal(mohr_verify(f->trust, "a", 1, &rows[i], &result), -EINVAL);
        assert_null(result);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(what_a_holder_signs_of_others_is_refused),
                cmocka_unit_test(payloads_that_are_no_clean_json_are_refused),
                cmocka_unit_test(bad_options_are_broken_calls),
                cmocka_unit_test(spellings_that_parsers_disagree_about_are_refused),
                cmocka_unit_test(a_deep_nest_is_no_danger),
        };
        return cmocka_run_group_tests(tests, set_up, tear_down);
}

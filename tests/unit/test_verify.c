/* SPDX-License-Identifier: Apache-2.0 */
/* test_verify.c: what the verifier refuses, and why: forged assertions as a table. Every forgery is
 * signed by a real key of the test PKI unless its row says otherwise: a card's holder can do that.
 */
#include "client-sdk/mohr.h"
#include "tests/support/testpki.h"

#include "base/base.h"
#include "base/outcome.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/stat.h>
#include <cmocka.h>

#define AUD   "https://bank.example"
#define NONCE "n-0S6_WzA2Mj"

struct fixture {
        struct testpki *pki;
        struct mohr_trust *trust;
};

static const struct mohr_verify_options strict = {
        .audience = AUD, .nonce = NONCE, .at = TESTPKI_NOW + 10
};

static enum mohr_reason judge(struct fixture *f, const char *jws,
        const struct mohr_verify_options *options, int *ret_outcome, char *detail)
{
        struct mohr_result *result = NULL;
        int outcome = mohr_verify(f->trust, jws, strlen(jws), options, &result);
        assert_true(outcome >= 0);
        assert_non_null(result);
        enum mohr_reason reason = mohr_result_reason(result);
        if (detail)
                snprintf(detail, 64, "%s", mohr_result_detail(result));
        char *json = mohr_result_json(result);
        assert_non_null(json);
        if (outcome != 0 && options->expired == MOHR_EXPIRED_REFUSE) { /* nothing is told */
                assert_null(mohr_result_claim(result, "given_name"));
                assert_null(strstr(json, TESTPKI_GIVEN));
                assert_null(strstr(json, "0099900007"));
        }
        free(json);
        mohr_result_free(result);
        *ret_outcome = outcome;
        return reason;
}

static void expect(struct fixture *f, const char *what, const char *jws,
        const struct mohr_verify_options *options, enum mohr_reason reason, int outcome)
{
        int got_outcome;
        char detail[64];
        enum mohr_reason got = judge(f, jws, options, &got_outcome, detail);
        if (got != reason || got_outcome != outcome)
                fail_msg("%s: %s (%s), exit %d; expected %s, exit %d", what, mohr_reason_name(got),
                        detail, got_outcome, mohr_reason_name(reason), outcome);
}

static json_t *good_payload(void)
{
        return testpki_payload(TESTPKI_GIVEN, TESTPKI_FAMILY, "0099900007", false);
}

static char *good_assertion(struct fixture *f)
{
        json_t *header = testpki_header("RS256", f->pki->leaf, f->pki->ca, NULL),
               *payload = good_payload();
        char *jws = testpki_sign_json(header, payload, f->pki->leaf_key, "RS256");
        json_decref(header);
        json_decref(payload);
        return jws;
}

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

/* ---- certificates ---- */

static void expect_leaf(struct fixture *f, const char *what, const struct testpki_spec *spec,
        X509 *ca, X509 *root, EVP_PKEY *key, const char *alg, enum mohr_reason reason, int outcome)
{
        X509 *leaf = testpki_issue(f->pki, spec);
        json_t *header = testpki_header(alg, leaf, ca, root), *payload = good_payload();
        char *jws = testpki_sign_json(header, payload, key, alg);
        expect(f, what, jws, &strict, reason, outcome);
        free(jws);
        json_decref(header);
        json_decref(payload);
        X509_free(leaf);
}

static void leafs_that_are_no_good_are_refused(void **state)
{
        struct fixture *f = *state;
        struct testpki *pki = f->pki;
        const int64_t early = TESTPKI_NOW + 86400;
        const struct {
                const char *what;
                struct testpki_spec spec;
                enum mohr_reason reason;
        } rows[] = {
                { "not yet valid", { .from = early }, MOHR_REASON_CERTIFICATE_NOT_YET_VALID },
                { "signed by another key", { .issuer_key = pki->other_key }, MOHR_REASON_CHAIN },
                { "signed by itself", { .issuer_key = pki->leaf_key }, MOHR_REASON_CHAIN },
                { "signed with SHA-1", { .sha1 = true }, MOHR_REASON_CHAIN },
                { "issued by the root", { .issuer = pki->root, .issuer_key = pki->root_key },
                        MOHR_REASON_CERTIFICATE_ORDER },
                { "a CA", { .basic_constraints = "critical,CA:TRUE" }, MOHR_REASON_NOT_CITIZEN },
                { "a website", { .cn = "bank.example" }, MOHR_REASON_NOT_CITIZEN },
                { "nine digits", { .cn = "009990000 - SIG" }, MOHR_REASON_NOT_CITIZEN },
                { "eleven digits", { .cn = "00999000071 - SIG" }, MOHR_REASON_NOT_CITIZEN },
                { "Persian digits",
                        { .cn = "\xDB\xB0"
                                "099900007 - SIG" },
                        MOHR_REASON_NOT_CITIZEN },
                { "another suffix", { .cn = "0099900007 - ENC" }, MOHR_REASON_NOT_CITIZEN },
                { "no suffix", { .cn = "0099900007" }, MOHR_REASON_NOT_CITIZEN },
                { "no given name", { .no_name = true }, MOHR_REASON_NOT_CITIZEN },
                { "two given names", { .two_names = true }, MOHR_REASON_NOT_CITIZEN },
                { "encipherment only", { .key_usage = "critical,keyEncipherment" },
                        MOHR_REASON_KEY_USAGE },
                { "an unknown critical extension", { .critical = "critical,DER:0500" },
                        MOHR_REASON_CHAIN },
        };
        for (size_t i = 0; i < ARRAY_LEN(rows); i++)
                expect_leaf(f, rows[i].what, &rows[i].spec, pki->ca, NULL, pki->leaf_key, "RS256",
                        rows[i].reason, OUTCOME_INVALID);
        expect_leaf(f, "a small key", &(struct testpki_spec){ .key = pki->small_key }, pki->ca,
                NULL, pki->small_key, "RS256", MOHR_REASON_KEY, OUTCOME_INVALID);
        expect_leaf(f, "signed by somebody else's key", &(struct testpki_spec){ 0 }, pki->ca, NULL,
                pki->other_key, "RS256", MOHR_REASON_SIGNATURE, OUTCOME_INVALID);
        expect_leaf(f, "no issuing CA", &(struct testpki_spec){ 0 }, NULL, NULL, pki->leaf_key,
                "RS256", MOHR_REASON_UNTRUSTED, OUTCOME_INVALID);
        expect_leaf(f, "the wrong certificate second", &(struct testpki_spec){ 0 }, pki->root,
                pki->ca, pki->leaf_key, "RS256", MOHR_REASON_CERTIFICATE_ORDER, OUTCOME_INVALID);
        expect_leaf(f, "the root as well", &(struct testpki_spec){ 0 }, pki->ca, pki->root,
                pki->leaf_key, "RS256", MOHR_REASON_OK, OUTCOME_OK);
}

static void issuers_that_are_no_good_are_refused(void **state)
{
        struct fixture *f = *state;
        struct testpki *pki = f->pki;
        const int64_t now = TESTPKI_NOW;
        const struct {
                const char *what, *cn, *constraints;
                int64_t from, to;
                EVP_PKEY *issuer_key;
                enum mohr_reason reason;
        } rows[] = {
                { "a CA of nobody we know", "CA", "critical,CA:TRUE", now - 9, now + 9999,
                        pki->other_key, MOHR_REASON_CHAIN },
                { "an expired CA over a valid leaf", "CA", "critical,CA:TRUE", now - 9999, now - 99,
                        pki->root_key, MOHR_REASON_ISSUER_EXPIRED },
                { "a CA of tomorrow", "CA", "critical,CA:TRUE", now + 9999, now + 99999,
                        pki->root_key, MOHR_REASON_CERTIFICATE_NOT_YET_VALID },
                { "an end entity that signs", "CA", "critical,CA:FALSE", now - 9, now + 9999,
                        pki->root_key, MOHR_REASON_CERTIFICATE_ORDER },
        };
        for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
                X509 *ca = testpki_issue_ca(pki, rows[i].cn, rows[i].from, rows[i].to, pki->root,
                        rows[i].issuer_key, pki->ca_key, rows[i].constraints);
                expect_leaf(f, rows[i].what, &(struct testpki_spec){ .issuer = ca }, ca, NULL,
                        pki->leaf_key, "RS256", rows[i].reason, OUTCOME_INVALID);
                X509_free(ca);
        }
        X509 *stranger = testpki_issue_ca(pki, "Root of its own", now - 9, now + 9999, NULL,
                pki->other_key, pki->other_key, "critical,CA:TRUE");
        const struct testpki_spec own = { .issuer = stranger, .issuer_key = pki->other_key };
        expect_leaf(f, "a root of its own, without NOCR", &own, stranger, NULL, pki->leaf_key,
                "RS256", MOHR_REASON_NOT_CITIZEN, OUTCOME_INVALID);
        X509 *look_alike = testpki_issue_ca(pki, "IRAN Digital Citizen CA 2016 17", now - 9,
                now + 9999, stranger, pki->other_key, pki->other_key, "critical,CA:TRUE");
        const struct testpki_spec forged = { .issuer = look_alike, .issuer_key = pki->other_key };
        expect_leaf(f, "a look-alike CA below a root of its own", &forged, look_alike, stranger,
                pki->leaf_key, "RS256", MOHR_REASON_UNTRUSTED, OUTCOME_INVALID);
        X509_free(look_alike);
        X509_free(stranger);
}

static void an_expired_leaf_is_an_answer_of_its_own(void **state)
{
        struct fixture *f = *state;
        struct mohr_verify_options report = strict;
        struct mohr_result *result = NULL;
        const struct testpki_spec spec = { .from = TESTPKI_NOW - 9999, .to = TESTPKI_NOW - 99 };
        X509 *leaf = testpki_issue(f->pki, &spec);
        json_t *header = testpki_header("RS256", leaf, f->pki->ca, NULL), *payload = good_payload();
        json_object_set_new(json_object_get(payload, "card"), "certificate_expiry",
                json_string("2026-11-21T22:45:57Z"));
        char *jws = testpki_sign_json(header, payload, f->pki->leaf_key, "RS256");
        expect(f, "refused", jws, &strict, MOHR_REASON_CERTIFICATE_EXPIRED,
                OUTCOME_CERTIFICATE_EXPIRED);

        report.expired = MOHR_EXPIRED_REPORT;
        assert_int_equal(mohr_verify(f->trust, jws, strlen(jws), &report, &result),
                OUTCOME_CERTIFICATE_EXPIRED);
        assert_string_equal(mohr_result_claim(result, "given_name"), TESTPKI_GIVEN);
        char *text = mohr_result_json(result);
        json_t *json = json_loads(text, 0, NULL);
        assert_true(json_is_true(json_object_get(json_object_get(json, "certificate"), "expired")));
        json_decref(json);
        free(text);
        mohr_result_free(result);

        report.nonce = "another-nonce"; /* 22 means that all else holds */
        expect(f, "expired and another nonce", jws, &report, MOHR_REASON_NONCE, OUTCOME_INVALID);
        free(jws);
        json_object_set_new(payload, "given_name", json_string("x"));
        jws = testpki_sign_json(header, payload, f->pki->leaf_key, "RS256");
        report.nonce = NONCE;
        expect(f, "expired and another name", jws, &report, MOHR_REASON_NAME, OUTCOME_INVALID);
        free(jws);
        json_decref(header);
        json_decref(payload);
        X509_free(leaf);
}

/* ---- what holds ---- */

static void a_good_assertion_holds_and_tells_the_leaf(void **state)
{
        struct fixture *f = *state;
        char *jws = good_assertion(f);
        for (int round = 0; round < 3; round++) { /* the second time from memory */
                struct mohr_result *result = NULL;
                assert_int_equal(mohr_verify(f->trust, jws, strlen(jws), &strict, &result), 0);
                assert_string_equal(mohr_result_claim(result, "given_name"), TESTPKI_GIVEN);
                assert_string_equal(mohr_result_claim(result, "family_name"), TESTPKI_FAMILY);
                assert_string_equal(mohr_result_claim(result, "card_number"), "0099900007");
                assert_string_equal(mohr_result_claim(result, "aud"), AUD);
                assert_null(mohr_result_claim(result, "national_number"));
                char *text = mohr_result_json(result);
                json_t *json = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
                assert_non_null(json);
                json_decref(json);
                assert_non_null(strstr(text, "\"revocation\""));
                free(text);
                mohr_result_free(result);
        }
        free(jws);
}

static void times_are_judged_at_the_time_given(void **state)
{
        static const struct {
                int64_t offset;
                int skew;
                enum mohr_reason reason;
        } rows[] = {
                { 0, 0, MOHR_REASON_OK },
                { -60, 0, MOHR_REASON_OK },
                { -61, 0, MOHR_REASON_NOT_YET_VALID },
                { 359, 0, MOHR_REASON_OK },
                { 360, 0, MOHR_REASON_EXPIRED },
                { 86400, 0, MOHR_REASON_EXPIRED },
                { 301, 1, MOHR_REASON_EXPIRED },
                { 300, 1, MOHR_REASON_OK },
                { -2, 1, MOHR_REASON_NOT_YET_VALID },
                { 86400 * 2191L, 0, MOHR_REASON_EXPIRED }, /* the leaf is expired as well: not 22 */
                { -86400 * 366L, 0, MOHR_REASON_CERTIFICATE_NOT_YET_VALID },
        };
        struct fixture *f = *state;
        char *jws = good_assertion(f);
        for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
                struct mohr_verify_options options = strict;
                char what[32];
                options.at = TESTPKI_NOW + rows[i].offset;
                options.skew_s = rows[i].skew;
                snprintf(what, sizeof what, "row %zu", i);
                expect(f, what, jws, &options, rows[i].reason,
                        rows[i].reason == MOHR_REASON_OK ? 0 : OUTCOME_INVALID);
        }
        free(jws);
}

static void what_was_not_asked_is_told_as_not_checked(void **state)
{
        struct fixture *f = *state;
        const struct mohr_verify_options loose = { .at = TESTPKI_NOW };
        struct mohr_result *result = NULL;
        char *jws = good_assertion(f);
        assert_int_equal(mohr_verify(f->trust, jws, strlen(jws), &loose, &result), 0);
        char *text = mohr_result_json(result);
        json_t *json = json_loads(text, 0, NULL);
        json_t *unchecked = json_object_get(json_object_get(json, "verification"), "not_checked");
        assert_int_equal(json_array_size(unchecked), 4);
        json_decref(json);
        free(text);
        mohr_result_free(result);
        free(jws);
}

static void other_algorithms_of_the_list_hold(void **state)
{
        struct fixture *f = *state;
        struct testpki *pki = f->pki;
        const struct testpki_spec ec = { .key = pki->ec_key }, rsa = { 0 };
        expect_leaf(f, "PS256", &rsa, pki->ca, NULL, pki->leaf_key, "PS256", MOHR_REASON_OK, 0);
        expect_leaf(f, "ES256", &ec, pki->ca, NULL, pki->ec_key, "ES256", MOHR_REASON_OK, 0);
}

static void a_national_number_is_told_with_its_basis(void **state)
{
        struct fixture *f = *state;
        X509 *leaf = testpki_issue(f->pki, &(struct testpki_spec){ .cn = TESTPKI_CN_NN });
        json_t *header = testpki_header("RS256", leaf, f->pki->ca, NULL);
        json_t *payload = testpki_payload(TESTPKI_GIVEN, TESTPKI_FAMILY, "0012345679", true);
        char *jws = testpki_sign_json(header, payload, f->pki->leaf_key, "RS256");
        expect(f, "with basis", jws, &strict, MOHR_REASON_OK, 0);
        free(jws);
        json_object_del(payload, "national_number");
        jws = testpki_sign_json(header, payload, f->pki->leaf_key, "RS256");
        expect(f, "left out", jws, &strict, MOHR_REASON_NATIONAL_NUMBER, OUTCOME_INVALID);
        free(jws);
        json_decref(header);
        json_decref(payload);
        X509_free(leaf);
}

static void an_assurance_level_counts_only_alone(void **state)
{
        static const struct {
                const char *policies, *acr;
        } rows[] = {
                { "2.16.364.101.1.1.3", "urn:oid:2.16.364.101.1.1.3" },
                { "1.2.3.4,2.16.364.101.1.1.1", "urn:oid:2.16.364.101.1.1.1" },
                { "2.16.364.101.1.1.3,2.16.364.101.1.1.4", "unstated" },
                { "2.16.364.101.1.1.5", "unstated" },
                { "2.16.364.101.1.1.1.1", "unstated" },
                { "2.16.364.101.1.3.1", "unstated" },
        };
        struct fixture *f = *state;
        for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
                X509 *leaf = testpki_issue(
                        f->pki, &(struct testpki_spec){ .policies = rows[i].policies });
                json_t *header = testpki_header("RS256", leaf, f->pki->ca, NULL),
                       *payload = good_payload();
                json_object_set_new(payload, "acr", json_string(rows[i].acr));
                char *jws = testpki_sign_json(header, payload, f->pki->leaf_key, "RS256");
                expect(f, rows[i].policies, jws, &strict, MOHR_REASON_OK, 0);
                free(jws);
                json_decref(header);
                json_decref(payload);
                X509_free(leaf);
        }
}

/* ---- trust ---- */

static void a_pinned_issuing_ca_is_enough(void **state)
{
        struct fixture *f = *state;
        struct fixture pinned = { .pki = f->pki,
                .trust = testpki_trust((X509 *[]){ f->pki->ca, NULL }) };
        char *jws = good_assertion(f);
        expect(&pinned, "pinned", jws, &strict, MOHR_REASON_OK, 0);
        assert_false(mohr_trust_has_national_root(pinned.trust));
        mohr_trust_free(pinned.trust);
        free(jws);
}

static void memory_never_outlives_the_certificates(void **state)
{
        struct fixture *f = *state;
        struct mohr_verify_options later = strict;
        X509 *leaf = testpki_issue(f->pki, &(struct testpki_spec){ .to = TESTPKI_NOW + 60 });
        json_t *header = testpki_header("RS256", leaf, f->pki->ca, NULL), *payload = good_payload();
        json_object_set_new(json_object_get(payload, "card"), "certificate_expiry",
                json_string("2026-11-21T22:48:36Z"));
        char *jws = testpki_sign_json(header, payload, f->pki->leaf_key, "RS256");
        expect(f, "before", jws, &strict, MOHR_REASON_OK, 0);
        later.at = TESTPKI_NOW + 61;
        expect(f, "after", jws, &later, MOHR_REASON_CERTIFICATE_EXPIRED,
                OUTCOME_CERTIFICATE_EXPIRED);
        free(jws);
        json_decref(header);
        json_decref(payload);
        X509_free(leaf);
}

/* One header, several payloads and signatures; several headers with one leaf. */
static size_t lookalikes(const struct testpki *pki, char *jws[8])
{
        X509 *twin = testpki_issue_ca(pki, "IRAN Digital Citizen CA 2016 17", TESTPKI_NOW - 1000,
                TESTPKI_NOW + 1000, pki->root, pki->root_key, pki->ca_key, "critical,CA:TRUE");
        X509 *brief = testpki_issue(pki, &(struct testpki_spec){ .to = TESTPKI_NOW + 60 });
        json_t *payload = good_payload(), *other = good_payload(),
               *headers[] = { testpki_header("RS256", pki->leaf, pki->ca, NULL),
                       testpki_header("PS256", pki->leaf, pki->ca, NULL),
                       testpki_header("RS256", pki->leaf, pki->ca, pki->root),
                       testpki_header("RS256", pki->leaf, twin, NULL),
                       testpki_header("RS256", brief, pki->ca, NULL) };
        size_t n = 0;
        json_object_set_new(other, "aud", json_string("https://other.example"));
        jws[n++] = testpki_sign_json(headers[0], payload, pki->leaf_key, "RS256");
        jws[n++] = testpki_sign_json(headers[0], other, pki->leaf_key, "RS256");
        jws[n++] = testpki_sign_json(headers[0], payload, pki->other_key, "RS256");
        jws[n++] = testpki_sign_json(headers[0], payload, pki->leaf_key, "PS256");
        for (size_t i = 1; i < ARRAY_LEN(headers); i++)
                jws[n++] = testpki_sign_json(
                        headers[i], payload, pki->leaf_key, i == 1 ? "PS256" : "RS256");
        for (size_t i = 0; i < ARRAY_LEN(headers); i++)
                json_decref(headers[i]);
        json_decref(payload);
        json_decref(other);
        X509_free(twin);
        X509_free(brief);
        return n;
}

/* What a verifier that has seen all of them says must be what one that has seen none says. */
static void memory_changes_no_answer(void **state)
{
        struct fixture *f = *state;
        static const int64_t times[] = { 10, 61, -120, -2000, 2000, 30000000, 400000000 };
        char *jws[8];
        size_t count = lookalikes(f->pki, jws);
        struct fixture warm = { f->pki, testpki_trust((X509 *[]){ f->pki->root, NULL }) };
        for (size_t i = 0; i < 3 * count * 2 * ARRAY_LEN(times); i++) {
                struct mohr_verify_options options = strict;
                struct fixture fresh = { f->pki, testpki_trust((X509 *[]){ f->pki->root, NULL }) };
                size_t which = i % count, when = i / count % ARRAY_LEN(times);
                int outcome;
                options.at = TESTPKI_NOW + times[when];
                options.expired = i / count % 2 ? MOHR_EXPIRED_REPORT : MOHR_EXPIRED_REFUSE;
                enum mohr_reason reason = judge(&fresh, jws[which], &options, &outcome, NULL);
                char what[64];
                snprintf(what, sizeof what, "%zu at %+lld", which, (long long)times[when]);
                expect(&warm, what, jws[which], &options, reason, outcome);
                if (i == 0)
                        assert_int_equal(reason, MOHR_REASON_OK);
                mohr_trust_free(fresh.trust);
        }
        mohr_trust_free(warm.trust);
        for (size_t i = 0; i < count; i++)
                free(jws[i]);
}

static void memory_is_of_one_trust_object_only(void **state)
{
        struct fixture *f = *state;
        X509 *stranger = testpki_issue_ca(f->pki, "Stranger Root TEST", TESTPKI_NOW - 1000,
                TESTPKI_NOW + 1000, NULL, f->pki->other_key, f->pki->other_key, "critical,CA:TRUE");
        struct fixture other = { f->pki, testpki_trust((X509 *[]){ stranger, NULL }) };
        char *jws = good_assertion(f);
        for (int i = 0; i < 2; i++) {
                expect(f, "its own", jws, &strict, MOHR_REASON_OK, 0);
                expect(&other, "another's", jws, &strict, MOHR_REASON_UNTRUSTED, OUTCOME_INVALID);
        }
        free(jws);
        mohr_trust_free(other.trust);
        X509_free(stranger);
}

static void write_text(const char *path, const char *text, size_t len)
{
        FILE *file = fopen(path, "w");
        assert_non_null(file);
        assert_int_equal(fwrite(text, 1, len, file), len);
        fclose(file);
}

static void trust_is_loaded_whole_or_not_at_all(void **state)
{
        struct fixture *f = *state;
        char dir[] = "/tmp/mohr-trust-XXXXXX", path[64], problem[256];
        struct mohr_trust *trust = NULL;
        assert_non_null(mkdtemp(dir));
        assert_int_equal(mohr_trust_load(&trust, "/nonexistent/x", problem, sizeof problem),
                OUTCOME_INVALID);
        assert_non_null(strstr(problem, "/nonexistent/x"));
        assert_int_equal(mohr_trust_load(&trust, dir, problem, sizeof problem), OUTCOME_INVALID);

        snprintf(path, sizeof path, "%s/a.pem", dir);
        testpki_write_pem(path, (X509 *[]){ f->pki->root, f->pki->ca, NULL });
        assert_int_equal(mohr_trust_load(&trust, dir, problem, sizeof problem), 0);
        trust = mohr_trust_free(trust);
        assert_int_equal(mohr_trust_load(&trust, path, problem, sizeof problem), 0);
        trust = mohr_trust_free(trust);

        char other[64];
        static const struct {
                const char *name, *text;
                int outcome;
        } rows[] = {
                { "note.txt", "not read", 0 },
                { ".hidden.pem", "not read", 0 },
                { "b.pem", "no certificate", OUTCOME_INVALID },
                { "b.pem", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
                        OUTCOME_INVALID },
                { "b.pem", "-----BEGIN CERTIFICATE-----\nAAAA\n", OUTCOME_INVALID },
                { "b.pem", "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n",
                        OUTCOME_INVALID },
                { "b.der", "0", OUTCOME_INVALID },
                { "b.crt", "", OUTCOME_INVALID },
        };
        for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
                snprintf(other, sizeof other, "%s/%s", dir, rows[i].name);
                write_text(other, rows[i].text, strlen(rows[i].text));
                int r = mohr_trust_load(&trust, dir, problem, sizeof problem);
                if (r != rows[i].outcome)
                        fail_msg("row %zu: %d", i, r);
                trust = r == 0 ? mohr_trust_free(trust) : NULL;
                unlink(other);
        }
        snprintf(other, sizeof other, "%s/leaf.pem", dir);
        testpki_write_pem(other, (X509 *[]){ f->pki->leaf, NULL });
        assert_int_equal(mohr_trust_load(&trust, dir, problem, sizeof problem), OUTCOME_INVALID);
        unlink(other);
        unlink(path);
        rmdir(dir);
}

static void reasons_have_names_and_sentences(void **state)
{
        (void)state;
        for (int i = 0; i < MOHR_REASON_COUNT; i++) {
                assert_non_null(mohr_reason_name((enum mohr_reason)i));
                assert_true(strlen(mohr_reason_text((enum mohr_reason)i)) > 10);
                for (int k = 0; k < i; k++)
                        assert_string_not_equal(mohr_reason_name((enum mohr_reason)i),
                                mohr_reason_name((enum mohr_reason)k));
        }
}

static void bad_options_are_broken_calls(void **state)
{
        struct fixture *f = *state;
        struct mohr_result *result = NULL;
        const struct mohr_verify_options rows[] = { { .at = -1 }, { .at = INT64_MAX },
                { .skew_s = -1 }, { .skew_s = 601 } };
        for (size_t i = 0; i < ARRAY_LEN(rows); i++)
                assert_int_equal(mohr_verify(f->trust, "a", 1, &rows[i], &result), -EINVAL);
        assert_null(result);
}

static int set_up(void **state)
{
        static struct fixture fixture;
        fixture.pki = testpki_new();
        fixture.trust = testpki_trust((X509 *[]){ fixture.pki->root, NULL });
        *state = &fixture;
        return 0;
}

static int tear_down(void **state)
{
        struct fixture *f = *state;
        mohr_trust_free(f->trust);
        testpki_free(f->pki);
        return 0;
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(a_good_assertion_holds_and_tells_the_leaf),
                cmocka_unit_test(what_a_holder_signs_of_others_is_refused),
                cmocka_unit_test(payloads_that_are_no_clean_json_are_refused),
                cmocka_unit_test(headers_of_another_form_are_refused),
                cmocka_unit_test(header_bytes_must_be_clean_json),
                cmocka_unit_test(other_spellings_of_a_good_assertion_are_refused),
                cmocka_unit_test(every_flipped_bit_is_noticed),
                cmocka_unit_test(size_is_bounded),
                cmocka_unit_test(leafs_that_are_no_good_are_refused),
                cmocka_unit_test(issuers_that_are_no_good_are_refused),
                cmocka_unit_test(an_expired_leaf_is_an_answer_of_its_own),
                cmocka_unit_test(times_are_judged_at_the_time_given),
                cmocka_unit_test(what_was_not_asked_is_told_as_not_checked),
                cmocka_unit_test(other_algorithms_of_the_list_hold),
                cmocka_unit_test(a_national_number_is_told_with_its_basis),
                cmocka_unit_test(an_assurance_level_counts_only_alone),
                cmocka_unit_test(a_pinned_issuing_ca_is_enough),
                cmocka_unit_test(memory_never_outlives_the_certificates),
                cmocka_unit_test(memory_changes_no_answer),
                cmocka_unit_test(memory_is_of_one_trust_object_only),
                cmocka_unit_test(trust_is_loaded_whole_or_not_at_all),
                cmocka_unit_test(reasons_have_names_and_sentences),
                cmocka_unit_test(bad_options_are_broken_calls),
        };
        return cmocka_run_group_tests(tests, set_up, tear_down);
}

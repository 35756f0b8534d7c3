/* SPDX-License-Identifier: Apache-2.0 */
/* test_signed_request.c: what a relying party says under its signature is taken, or refused with the reason, and never
 * something between. Each member is wrong in each way here, and so is each part of who signed.
 */
#include "daemon/relying.h"
#include "tests/support/testorg.h"

#include "base/outcome.h"
#include "base/text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <cmocka.h>

struct fixture {
        struct testorg *org;
        struct relying *relying;
        char anchors[64];
};

static int64_t now = TESTPKI_NOW;

/* Both are taken; `detail` is a part of the reason that is expected, NULL: it holds. */
static void expect_of(struct fixture *f, char *jws, int outcome, const char *detail)
{
        struct relying_request request = { 0 };
        const char *told = "";
        int r = relying_check(f->relying, jws, now, &request, &told);
        if (r != outcome || !strstr(told, detail))
                fail_msg("%d and not %d: %s (expected: %s)", r, outcome, told, detail);
        if (r == 0) {
                assert_string_equal(request.organization, TESTORG_NAME);
                assert_int_equal(strlen(request.organization_key), 64);
                assert_int_equal(strlen(request.replay_key), 64);
                assert_non_null(request.audience);
        } else {
                assert_null(request.audience);
                assert_string_equal(request.organization, "");
        }
        relying_request_clear(&request);
        free(jws);
}

static void expect(
        struct fixture *f, json_t *header, json_t *payload, int outcome, const char *detail)
{
        header = header ? header : testorg_header(f->org, "RS256", NULL);
        expect_of(f, testorg_sign(f->org, header, payload ? payload : testorg_payload()), outcome,
                detail);
}

/* A good payload by any key, whatever the header says, which is taken. */
static char *signed_by(EVP_PKEY *key, json_t *header)
{
        json_t *payload = testorg_payload();
        char *jws = testpki_sign_json(header, payload, key, "RS256");
        json_decref(header);
        json_decref(payload);
        return jws;
}

/* A payload with one member that is this JSON; NULL: without it. */
static json_t *payload_with(const char *name, const char *json)
{
        json_t *payload = testorg_payload();
        if (json)
                json_object_set_new(payload, name, json_loads(json, JSON_DECODE_ANY, NULL));
        else
                json_object_del(payload, name);
        return payload;
}

static void what_is_signed_is_what_is_asked(void **state)
{
        struct fixture *f = *state;
        struct relying_request request = { 0 };
        const char *detail = "";
        json_t *payload = testorg_payload();
        json_object_set_new(payload, "expect_national_number", json_string("0012345679"));
        char *jws = testorg_sign(f->org, testorg_header(f->org, "RS256", NULL), payload);
        assert_int_equal(relying_check(f->relying, jws, now, &request, &detail), 0);
        assert_string_equal(request.audience, TESTORG_URI);
        assert_string_equal(request.nonce, "n-0S6_WzA2Mj");
        assert_string_equal(request.purpose, "open an account");
        assert_string_equal(request.expect_national_number, "0012345679");
        assert_int_equal(request.required, CLAIM_CARD_EXPIRY);
        assert_int_equal(request.optional, CLAIM_READER);
        assert_string_equal(request.organization, TESTORG_NAME);
        /* Python: sha256(b"https://bank.example/login" + b"\0" + b"00112233-4455") */
        assert_string_equal(request.replay_key,
                "fe94f9634a691965c945399caf1cd30e1268c5f92bcbb327174a10b799060249");
        relying_request_clear(&request);
        free(jws);
}

static void what_may_lack_may_lack(void **state)
{
        static const struct {
                const char *claims;
                claimset required, optional;
        } rows[] = {
                { NULL, CLAIMS_NONE, CLAIMS_ALL },
                { "{}", CLAIMS_NONE, CLAIMS_NONE },
                { "{\"required\":[]}", CLAIMS_NONE, CLAIMS_NONE },
                { "{\"optional\":[\"station\",\"reader\"]}", CLAIMS_NONE,
                        CLAIM_STATION | CLAIM_READER },
        };
        struct fixture *f = *state;
        for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
                struct relying_request request = { 0 };
                const char *detail = "";
                json_t *payload = payload_with("claims", rows[i].claims);
                json_object_del(payload, "purpose");
                char *jws = testorg_sign(f->org, testorg_header(f->org, "RS256", NULL), payload);
                assert_int_equal(relying_check(f->relying, jws, now, &request, &detail), 0);
                assert_null(request.purpose);
                assert_null(request.expect_national_number);
                assert_int_equal(request.required, rows[i].required);
                assert_int_equal(request.optional, rows[i].optional);
                relying_request_clear(&request);
                free(jws);
        }
}

static void each_member_is_refused_in_each_way(void **state)
{
        static const struct {
                const char *name, *json; /* NULL: without it */
                int outcome;
                const char *detail;
        } rows[] = {
                { "iss", NULL, OUTCOME_INVALID, "iss" },
                { "iss", "7", OUTCOME_INVALID, "iss" },
                { "iss", "\"bank\"", OUTCOME_INVALID, "iss" },
                { "iss", "\"https://bank.example/a b\"", OUTCOME_INVALID, "iss" },
                { "client_id", NULL, OUTCOME_INVALID, "client_id" },
                { "client_id", "\"https://bank.example\"", OUTCOME_INVALID, "client_id" },
                { "client_id", "[]", OUTCOME_INVALID, "client_id" },
                { "aud", NULL, OUTCOME_INVALID, "aud" },
                { "aud", "[\"urn:mohr:daemon\"]", OUTCOME_INVALID, "aud" },
                { "aud", "\"https://other.example\"", OUTCOME_POLICY, "not meant" },
                { "aud", "\"urn:mohr:daemon2\"", OUTCOME_POLICY, "not meant" },
                { "iat", NULL, OUTCOME_INVALID, "iat" },
                { "iat", "\"1795301256\"", OUTCOME_INVALID, "iat" },
                { "iat", "1795301256.5", OUTCOME_INVALID, "iat" },
                { "iat", "-1", OUTCOME_INVALID, "iat" },
                { "iat", "9223372036854775807", OUTCOME_INVALID, "iat" },
                { "exp", NULL, OUTCOME_INVALID, "exp" },
                { "exp", "true", OUTCOME_INVALID, "exp" },
                { "exp", "9223372036854775807", OUTCOME_INVALID, "exp" },
                { "exp", "1795301256", OUTCOME_POLICY, "no time" },
                { "exp", "1795301857", OUTCOME_POLICY, "ten minutes" },
                { "jti", NULL, OUTCOME_INVALID, "jti" },
                { "jti", "\"short\"", OUTCOME_INVALID, "jti" },
                { "jti", "\"with a space\"", OUTCOME_INVALID, "jti" },
                { "nonce", NULL, OUTCOME_INVALID, "nonce" },
                { "nonce", "\"1234567\"", OUTCOME_INVALID, "nonce" },
                { "nonce", "12345678", OUTCOME_INVALID, "nonce" },
                { "purpose", "\"\"", OUTCOME_INVALID, "purpose" },
                { "purpose", "\"a\\u202eb\"", OUTCOME_INVALID, "purpose" },
                { "purpose", "null", OUTCOME_INVALID, "purpose" },
                { "expect_national_number", "\"001234567\"", OUTCOME_INVALID, "ten digits" },
                { "expect_national_number", "12345679", OUTCOME_INVALID, "ten digits" },
                { "claims", "[]", OUTCOME_INVALID, "claims" },
                { "claims", "null", OUTCOME_INVALID, "claims" },
                { "claims", "{\"required\":[\"birth_date\"]}", OUTCOME_INVALID, "claims" },
                { "claims", "{\"required\":[\"reader\",\"reader\"]}", OUTCOME_INVALID, "claims" },
                { "claims", "{\"required\":[\"reader\"],\"optional\":[\"reader\"]}",
                        OUTCOME_INVALID, "claims" },
                { "claims", "{\"required\":null}", OUTCOME_INVALID, "claims" },
                { "claims", "{\"all\":[]}", OUTCOME_INVALID, "claims" },
                { "claims", "{\"required\":[],\"userinfo\":{}}", OUTCOME_INVALID, "claims" },
                { "response_type", "\"code\"", OUTCOME_INVALID, "not known" },
                { "", "1", OUTCOME_INVALID, "not known" },
                { "ui", "{}", OUTCOME_INVALID, "not known" },
        };
        struct fixture *f = *state;
        for (size_t i = 0; i < ARRAY_LEN(rows); i++)
                expect(f, NULL, payload_with(rows[i].name, rows[i].json), rows[i].outcome,
                        rows[i].detail);
}

static void a_request_holds_between_its_times_and_a_minute_around(void **state)
{
        static const struct {
                int64_t at;
                const char *detail;
        } rows[] = {
                { TESTPKI_NOW - 61, "later time" },
                { TESTPKI_NOW - 60, "" },
                { TESTPKI_NOW + 359, "" },
                { TESTPKI_NOW + 360, "expired" },
                { TESTPKI_NOW + 86400, "expired" },
        };
        struct fixture *f = *state;
        for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
                now = rows[i].at;
                expect(f, NULL, NULL, rows[i].detail[0] ? OUTCOME_POLICY : 0, rows[i].detail);
        }
        now = TESTPKI_NOW;
        expect(f, NULL, payload_with("exp", "1795301856"), 0, ""); /* ten minutes */
}

static void the_address_must_be_the_certificates(void **state)
{
        static const struct {
                const char *uri, *names;
                bool holds;
        } rows[] = {
                { "https://bank.example", "DNS:bank.example", true },
                { "https://bank.example:8443/a?b#c", "DNS:x.example,DNS:bank.example", true },
                { "urn:example:bank", "URI:urn:example:bank", true },
                { "http://bank.example", "URI:http://bank.example", true },
                { "https://bank.example/a", "URI:https://bank.example", false },
                { "http://bank.example", "DNS:bank.example", false },
                { "https://bank.example", "DNS:www.bank.example", false },
                { "https://bank.example", "DNS:bank.example.evil.example", false },
                { "urn:example:bank", "URI:urn:example:banking", false },
                { "urn:example:bank", "DNS:urn:example:bank", false },
                { "https://www.bank.example", "DNS:*.bank.example", false },
                { "https://bank.example@evil.example", "DNS:bank.example", false },
                { "https://evil.example@bank.example", "DNS:bank.example", false },
                { "https://bank.example:80@evil.example", "DNS:bank.example", false },
                { "https://bank.example.evil.example", "DNS:bank.example", false },
                { "https://bank.example;x", "DNS:bank.example", false },
                { "https://bank.example%2Fx", "DNS:bank.example", false },
                { "https://:443", "DNS:bank.example", false },
                { "https:///x", "DNS:bank.example", false },
                { "HTTPS://bank.example", "DNS:bank.example", false },
                { "https://bank.example", "email:https@bank.example", false },
                { "https://bank.example", "IP:192.0.2.1", false },
                { "https://192.0.2.1", "IP:192.0.2.1", false },
                { "https://bank.example", "", false },
        };
        struct fixture *f = *state;
        for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
                X509 *cert = testorg_issue(
                        f->org, &(struct testorg_spec){ .alternative_names = rows[i].names });
                json_t *payload = testorg_payload();
                json_object_set_new(payload, "iss", json_string(rows[i].uri));
                json_object_set_new(payload, "client_id", json_string(rows[i].uri));
                expect(f, testorg_header(f->org, "RS256", cert), payload,
                        rows[i].holds ? 0 : OUTCOME_POLICY, rows[i].holds ? "" : "speak");
                X509_free(cert);
        }
}

static void only_an_organisation_asks(void **state)
{
        struct fixture *f = *state;
        const struct {
                struct testorg_spec spec;
                const char *detail; /* NULL: it may */
        } rows[] = {
                { { .key_usage = "" }, NULL },
                { { .organization = "Governmental", .unit = TESTORG_NAME }, NULL },
                { { .organization = "Non-Governmental", .unit = "" }, "names no organisation" },
                { { .organization = "Unaffiliated", .unit = TESTORG_NAME },
                        "names no organisation" },
                { { .organization = "" }, "names no organisation" },
                { { .organization = "\xE2\x80\xAE" }, "names no organisation" },
                { { .organization = TESTORG_NAME "\xE2\x80\x8B" }, "names no organisation" },
                { { .organization = "Governmental", .unit = "\xE2\x80\x8E" TESTORG_NAME },
                        "names no organisation" },
                { { .given_name = "x" }, "a person's" },
                { { .surname = "x" }, "a person's" },
                { { .common_name = "" }, "citizen's" },
                { { .constraints = "critical,CA:TRUE",
                          .key_usage = "critical,digitalSignature,keyCertSign" },
                        "CA's" },
                { { .key_usage = "critical,keyEncipherment" }, "digital signatures" },
                { { .key_usage = "critical,nonRepudiation" }, "digital signatures" },
                { { .from = TESTPKI_NOW + 10 }, "not valid yet" },
                { { .to = TESTPKI_NOW - 10 }, "expired" },
                { { .issuer_key = f->org->pki->other_key }, "chain" },
                { { .issuer = f->org->root, .issuer_key = f->org->pki->root_key }, "chain" },
        };
        for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
                X509 *cert = testorg_issue(f->org, &rows[i].spec);
                bool order = rows[i].spec.issuer != NULL;
                expect(f, testorg_header(f->org, "RS256", cert), NULL,
                        !rows[i].detail ? 0
                        : order         ? OUTCOME_INVALID
                                        : OUTCOME_POLICY,
                        rows[i].detail ? rows[i].detail : "");
                X509_free(cert);
        }
}

/* RFC 5280 section 4.2.1.10: an authority of one organisation is held to its addresses. */
static void an_authority_speaks_within_its_own_names(void **state)
{
        struct fixture *f = *state;
        static const struct {
                const char *names, *detail;
        } rows[] = { { "critical,permitted;DNS:bank.example", "" },
                { "critical,permitted;DNS:other.example", "does not hold" } };
        for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
                struct testorg *org = f->org, narrow = *org;
                narrow.ca =
                        testorg_issue(org, &(struct testorg_spec){ .common_name = "TEST Narrow CA",
                                                   .alternative_names = "",
                                                   .key_usage = "critical,keyCertSign",
                                                   .constraints = "critical,CA:TRUE",
                                                   .name_constraints = rows[i].names,
                                                   .key = org->pki->ca_key,
                                                   .issuer = org->root,
                                                   .issuer_key = org->pki->root_key });
                X509 *cert = testorg_issue(
                        &narrow, &(struct testorg_spec){ .alternative_names = "DNS:bank.example" });
                expect(f, testorg_header(&narrow, "RS256", cert), NULL,
                        rows[i].detail[0] ? OUTCOME_POLICY : 0, rows[i].detail);
                X509_free(cert);
                X509_free(narrow.ca);
        }
}

/* Under the very anchors, if an administrator named those of the cards. */
static void a_citizen_does_not_ask_as_an_organisation(void **state)
{
        struct fixture *f = *state;
        struct testpki *pki = f->org->pki;
        struct fixture cards = { .org = f->org };
        char path[] = "/tmp/mohr-anchors-XXXXXX", error[256] = "";
        int fd = mkstemp(path);
        X509 *of_cards = testorg_issue(
                f->org, &(struct testorg_spec){ .issuer = pki->ca, .issuer_key = pki->ca_key });
        X509 *const certs[] = { pki->leaf, of_cards };
        assert_true(fd >= 0);
        close(fd);
        testpki_write_pem(path, (X509 *[]){ pki->root, NULL });
        assert_int_equal(relying_load(&cards.relying, path, geteuid(), error, sizeof error), 0);
        for (size_t i = 0; i < ARRAY_LEN(certs); i++) {
                json_t *header = testpki_header("RS256", certs[i], pki->ca, NULL);
                json_object_set_new(header, "typ", json_string("oauth-authz-req+jwt"));
                expect(&cards, header, NULL, OUTCOME_POLICY, "citizen's");
        }
        expect(&cards, NULL, NULL, OUTCOME_POLICY, "no configured anchor");
        relying_free(cards.relying);
        X509_free(of_cards);
        unlink(path);
}

static void the_header_is_what_the_form_says(void **state)
{
        static const struct {
                const char *name, *json;
                const char *detail;
        } rows[] = {
                { "alg", "\"none\"", "alg" },
                { "alg", "\"HS256\"", "alg" },
                { "alg", "\"ES256\"", "alg" }, /* the key is RSA's */
                { "alg", "\"RS512\"", "alg" },
                { "alg", NULL, "header" },
                { "alg", "[\"RS256\"]", "header" },
                { "typ", NULL, "typ" },
                { "typ", "\"JWT\"", "typ" },
                { "typ", "\"mohr-identity+jwt\"", "typ" },
                { "typ", "\"application/oauth-authz-req+jwt\"", "typ" },
                { "typ", "\"OAUTH-AUTHZ-REQ+JWT\"", "typ" },
                { "x5c", NULL, "header" },
                { "x5c", "[]", "x5c" },
                { "x5c", "[\"AAAA\"]", "x5c" },
                { "x5c", "[\"a\",\"b\",\"c\",\"d\",\"e\"]", "x5c" },
                { "x5c", "\"AAAA\"", "header" },
                { "crit", "[\"exp\"]", "crit" },
                { "crit", "[]", "crit" },
                { "jwk", "{\"kty\":\"RSA\"}", "header" },
                { "jku", "\"https://evil.example\"", "header" },
                { "x5u", "\"https://evil.example\"", "header" },
                { "kid", "\"1\"", "header" },
                { "zip", "\"DEF\"", "header" },
                { "cty", "\"JWT\"", "header" },
        };
        struct fixture *f = *state;
        for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
                json_t *header = testorg_header(f->org, "RS256", NULL);
                if (rows[i].json)
                        json_object_set_new(header, rows[i].name,
                                json_loads(rows[i].json, JSON_DECODE_ANY, NULL));
                else
                        json_object_del(header, rows[i].name);
                expect_of(f, signed_by(f->org->pki->leaf_key, header), OUTCOME_INVALID,
                        rows[i].detail);
        }
}

static void each_algorithm_is_taken_with_its_own_key(void **state)
{
        struct fixture *f = *state;
        struct testpki *pki = f->org->pki;
        X509 *ec = testorg_issue(f->org, &(struct testorg_spec){ .key = pki->ec_key });
        X509 *small = testorg_issue(f->org, &(struct testorg_spec){ .key = pki->small_key });
        expect(f, testorg_header(f->org, "PS256", NULL), NULL, 0, "");
        expect(f, testorg_header(f->org, "ES256", ec), NULL, 0, "");
        expect(f, testorg_header(f->org, "RS256", ec), NULL, OUTCOME_INVALID, "alg");
        expect(f, testorg_header(f->org, "RS256", small), NULL, OUTCOME_POLICY, "not fit");
        X509_free(ec);
        X509_free(small);
}

static void what_was_changed_after_it_was_signed_is_refused(void **state)
{
        struct fixture *f = *state;
        char *good = testorg_sign(f->org, testorg_header(f->org, "RS256", NULL), testorg_payload());
        char *other = testorg_sign(f->org, testorg_header(f->org, "RS256", NULL),
                payload_with("nonce", "\"another-nonce\""));
        const char *rest = strrchr(good, '.');
        char *mixed = NULL;
        assert_true(
                asprintf(&mixed, "%.*s%s", (int)(strrchr(other, '.') - other), other, rest) > 0);
        expect_of(f, mixed, OUTCOME_POLICY, "signature");
        char *by_other = signed_by(f->org->pki->other_key, testorg_header(f->org, "RS256", NULL));
        expect_of(f, by_other, OUTCOME_POLICY, "signature");
        *strrchr(other, '.') = '\0';
        expect_of(f, other, OUTCOME_INVALID, "compact");
        expect_of(f, good, 0, "");
}

static void what_is_no_jws_is_refused(void **state)
{
        struct fixture *f = *state;
        char *large = malloc(RELYING_REQUEST_MAX + 2);
        memset(large, 'a', RELYING_REQUEST_MAX + 1);
        large[RELYING_REQUEST_MAX + 1] = '\0';
        expect_of(f, large, OUTCOME_INVALID, "8192");
        expect_of(f, strdup(""), OUTCOME_INVALID, "compact");
        expect_of(f, strdup("a.b"), OUTCOME_INVALID, "compact");
        expect_of(f, strdup("a.b.c.d"), OUTCOME_INVALID, "compact");
        expect_of(f, strdup(".."), OUTCOME_INVALID, "header");
        expect_of(f, strdup("e30=.e30.AA"), OUTCOME_INVALID, "base64url");
        expect_of(f, strdup("e30.e30.AA"), OUTCOME_INVALID, "header");
        expect_of(f, strdup("\xff.e30.AA"), OUTCOME_INVALID, "base64url");
}

/* JSON itself, under a signature that holds. */
static void a_payload_says_each_thing_once(void **state)
{
        static const char *const texts[] = { "", "[]", "null", "{", "{}x",
                "{\"iss\":\"https://bank.example/login\",\"iss\":\"https://bank.example/login\"}",
                "{\"iss\":\"a\\u0000b\"}" };
        struct fixture *f = *state;
        json_t *header = testorg_header(f->org, "RS256", NULL);
        char *head = json_dumps(header, JSON_COMPACT);
        for (size_t i = 0; i < ARRAY_LEN(texts); i++)
                expect_of(f, testpki_sign(head, texts[i], f->org->pki->leaf_key, "RS256"),
                        OUTCOME_INVALID, "each member once");
        free(head);
        json_decref(header);
}

static void without_anchors_nobody_is_believed(void **state)
{
        struct fixture *f = *state;
        struct fixture none = { .org = f->org };
        struct config config = { 0 };
        char error[256] = "";
        assert_int_equal(relying_new(&none.relying, &config, error, sizeof error), 0);
        expect(&none, NULL, NULL, OUTCOME_POLICY, "no anchors");
        relying_free(none.relying);
}

static void anchors_must_be_there_and_their_owners(void **state)
{
        struct fixture *f = *state;
        struct relying *relying = NULL;
        char error[256] = "";
        assert_int_equal(relying_load(&relying, "/nonexistent", geteuid(), error, sizeof error),
                OUTCOME_USAGE);
        assert_non_null(strstr(error, "/nonexistent"));
        assert_int_equal(relying_load(&relying, f->anchors, geteuid() + 1, error, sizeof error),
                OUTCOME_USAGE);
        assert_non_null(strstr(error, f->anchors));
        assert_non_null(strstr(error, "must belong to uid"));
        assert_int_equal(chmod(f->anchors, 0666), 0);
        assert_int_equal(
                relying_load(&relying, f->anchors, geteuid(), error, sizeof error), OUTCOME_USAGE);
        assert_int_equal(chmod(f->anchors, 0644), 0);
        assert_null(relying);
}

static int set_up(void **state)
{
        static struct fixture f = { .anchors = "/tmp/mohr-relying-XXXXXX" };
        char error[256] = "";
        int fd = mkstemp(f.anchors);
        assert_true(fd >= 0);
        close(fd);
        f.org = testorg_new();
        testpki_write_pem(f.anchors, (X509 *[]){ f.org->root, NULL });
        assert_int_equal(relying_load(&f.relying, f.anchors, geteuid(), error, sizeof error), 0);
        *state = &f;
        return 0;
}

static int tear_down(void **state)
{
        struct fixture *f = *state;
        relying_free(f->relying);
        testorg_free(f->org);
        return unlink(f->anchors);
}

int main(void)
{
        static const struct CMUnitTest tests[] = {
                cmocka_unit_test(what_is_signed_is_what_is_asked),
                cmocka_unit_test(what_may_lack_may_lack),
                cmocka_unit_test(each_member_is_refused_in_each_way),
                cmocka_unit_test(a_request_holds_between_its_times_and_a_minute_around),
                cmocka_unit_test(the_address_must_be_the_certificates),
                cmocka_unit_test(only_an_organisation_asks),
                cmocka_unit_test(an_authority_speaks_within_its_own_names),
                cmocka_unit_test(a_citizen_does_not_ask_as_an_organisation),
                cmocka_unit_test(the_header_is_what_the_form_says),
                cmocka_unit_test(each_algorithm_is_taken_with_its_own_key),
                cmocka_unit_test(what_was_changed_after_it_was_signed_is_refused),
                cmocka_unit_test(what_is_no_jws_is_refused),
                cmocka_unit_test(a_payload_says_each_thing_once),
                cmocka_unit_test(without_anchors_nobody_is_believed),
                cmocka_unit_test(anchors_must_be_there_and_their_owners),
        };
        return cmocka_run_group_tests(tests, set_up, tear_down);
}

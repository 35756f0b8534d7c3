/* SPDX-License-Identifier: Apache-2.0 */
/* test_verify_chain.c: whose certificates count: leaves, issuers, anchors, and what is remembered of them.
 */
#include "tests/unit/verify_talk.h"

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

static void other_algorithms_of_the_list_hold(void **state)
{
        struct fixture *f = *state;
        struct testpki *pki = f->pki;
        const struct testpki_spec ec = { .key = pki->ec_key }, rsa = { 0 };
        expect_leaf(f, "PS256", &rsa, pki->ca, NULL, pki->leaf_key, "PS256", MOHR_REASON_OK, 0);
        expect_leaf(f, "ES256", &ec, pki->ca, NULL, pki->ec_key, "ES256", MOHR_REASON_OK, 0);
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

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(leafs_that_are_no_good_are_refused),
                cmocka_unit_test(issuers_that_are_no_good_are_refused),
                cmocka_unit_test(an_expired_leaf_is_an_answer_of_its_own),
                cmocka_unit_test(other_algorithms_of_the_list_hold),
                cmocka_unit_test(a_pinned_issuing_ca_is_enough),
                cmocka_unit_test(memory_never_outlives_the_certificates),
                cmocka_unit_test(memory_changes_no_answer),
                cmocka_unit_test(memory_is_of_one_trust_object_only),
                cmocka_unit_test(trust_is_loaded_whole_or_not_at_all),
        };
        return cmocka_run_group_tests(tests, set_up, tear_down);
}

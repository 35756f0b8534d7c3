/* SPDX-License-Identifier: Apache-2.0 */
/* test_evidence.c: what is kept of an assertion and checked years later by the file alone: terms, issuers,
 * revocation, and names however they were typed.
 */
#include "tests/unit/evidence_talk.h"
#include "tests/support/testlists.h"

/* ---- what is good ---- */

static void a_bundle_is_checked_by_itself_years_later(void **state)
{
        struct fixture *f = *state;
        struct verdict v = judge(f, f->bundle, strlen(f->bundle), &later, NULL);
        assert_int_equal(v.outcome, 0);
        assert_true(v.tells);
        assert_string_equal(told(&v, "basis"), "office");
        assert_string_equal(told(&v, "form"), "bundle");
        assert_string_equal(told(&v, "received_at"), "2026-11-21T22:47:46Z");
        assert_int_equal(strlen(told(&v, "sha256")), 64);
        json_decref(v.told);
        /* the assertion by itself is long expired then */
        struct mohr_result *result = NULL;
        assert_int_equal(mohr_verify(f->trust, f->assertion, strlen(f->assertion), &later, &result),
                OUTCOME_INVALID);
        assert_int_equal(mohr_result_reason(result), MOHR_REASON_EXPIRED);
        mohr_result_free(result);
}

static void what_does_not_hold_makes_no_bundle(void **state)
{
        struct fixture *f = *state;
        struct mohr_verify_options other = asked;
        other.nonce = "another-nonce";
        assert_null(make_on(f->trust, f->assertion, &other, OUTCOME_INVALID));
        assert_null(make_on(f->trust, f->assertion, &later, OUTCOME_INVALID));
        assert_null(make_on(f->trust, "a.b.c", &asked, OUTCOME_INVALID));
}

static void an_answer_is_kept_once(void **state)
{
        struct fixture *f = *state;
        struct mohr_replay *replay = NULL;
        struct mohr_verify_options terms = asked;
        assert_int_equal(mohr_replay_memory_new(&replay, 8), 0);
        terms.replay = replay;
        char *bundle = make_on(f->trust, f->assertion, &terms, 0);
        assert_string_equal(bundle, f->bundle);
        assert_null(make_on(f->trust, f->assertion, &terms, OUTCOME_INVALID));
        terms = later;
        terms.replay = replay; /* what is kept is looked at as often as one likes */
        expect_by(f->trust, "the bundle", bundle, &terms, NULL, 0, MOHR_REASON_OK, NULL);
        expect_by(f->trust, "again", bundle, &terms, NULL, 0, MOHR_REASON_OK, NULL);
        free(bundle);
        mohr_replay_memory_free(replay);
}

static void the_checker_may_ask_for_more(void **state)
{
        struct fixture *f = *state;
        struct mohr_verify_options terms = later;
        terms.audience = "https://other.example";
        expect_by(f->trust, "another audience", f->bundle, &terms, NULL, OUTCOME_INVALID,
                MOHR_REASON_AUDIENCE, "aud");
        terms = later;
        terms.revocation = MOHR_REVOCATION_REQUIRE;
        expect_by(f->trust, "no list in it", f->bundle, &terms, NULL, OUTCOME_INVALID,
                MOHR_REASON_REVOCATION_UNKNOWN, NULL);
        terms = asked;
        terms.at = RECEIVED - 3600;
        expect_by(f->trust, "from the future", f->bundle, &terms, NULL, OUTCOME_INVALID,
                MOHR_REASON_EVIDENCE_TIME, "received_at");
}

static void an_anchor_in_the_file_is_nobodys_anchor(void **state)
{
        struct fixture *f = *state;
        struct mohr_trust *other = testpki_trust((X509 *[]){ f->tsa->root, NULL });
        expect_by(other, "trusting somebody else", f->bundle, &later, NULL, OUTCOME_INVALID,
                MOHR_REASON_UNTRUSTED, NULL);
        mohr_trust_free(other);
        struct mohr_trust *pinned = testpki_trust((X509 *[]){ f->pki->ca, NULL });
        expect_by(
                pinned, "trusting the CA itself", f->bundle, &later, NULL, 0, MOHR_REASON_OK, NULL);
        char *bundle = make_on(pinned, f->assertion, &asked, 0);
        expect_by(f->trust, "made with a pinned CA", bundle, &later, NULL, 0, MOHR_REASON_OK, NULL);
        free(bundle);
        mohr_trust_free(pinned);
}

static void an_expired_leaf_is_kept_only_by_a_policy(void **state)
{
        struct fixture *f = *state;
        X509 *old = testpki_issue(f->pki, &(struct testpki_spec){ .to = TESTPKI_NOW - 86400 });
        json_t *header = testpki_header("RS256", old, f->pki->ca, NULL),
               *payload = testpki_payload(TESTPKI_GIVEN, TESTPKI_FAMILY, "0099900007", false);
        json_object_set_new(json_object_get(payload, "card"), "certificate_expiry",
                json_string("2026-11-20T22:47:36Z"));
        char *jws = testpki_sign_json(header, payload, f->pki->leaf_key, "RS256");
        struct mohr_verify_options terms = asked, now = later;
        assert_null(make_on(f->trust, jws, &terms, OUTCOME_CERTIFICATE_EXPIRED));
        terms.expired = MOHR_EXPIRED_REPORT;
        char *bundle = make_on(f->trust, jws, &terms, OUTCOME_CERTIFICATE_EXPIRED);
        assert_non_null(bundle);
        expect_by(f->trust, "refused", bundle, &later, NULL, OUTCOME_CERTIFICATE_EXPIRED,
                MOHR_REASON_CERTIFICATE_EXPIRED, NULL);
        now.expired = MOHR_EXPIRED_ACCEPT;
        expect_by(f->trust, "accepted", bundle, &now, NULL, 0, MOHR_REASON_OK, NULL);
        free(bundle);
        free(jws);
        json_decref(header);
        json_decref(payload);
        X509_free(old);
}

/* ---- revocation ---- */

static void what_was_known_of_revocation_is_kept(void **state)
{
        struct fixture *f = *state;
        struct mohr_trust *trust = testpki_trust((X509 *[]){ f->pki->ca, NULL });
        struct mohr_verify_options terms = asked, strict = later;
        struct testlists_bytes crl = testlists_crl(f->pki, &(struct testlists_crl){ 0 });
        assert_int_equal(mohr_trust_add_revocation(trust, crl.der, crl.len), 0);
        terms.revocation = strict.revocation = MOHR_REVOCATION_REQUIRE;
        char *bundle = make_on(trust, f->assertion, &terms, 0);
        mohr_trust_free(trust);
        trust = testpki_trust((X509 *[]){ f->pki->ca, NULL });
        expect_by(
                trust, "the list is in the bundle", bundle, &strict, NULL, 0, MOHR_REASON_OK, NULL);
        /* what came out afterwards */
        struct testlists_bytes after =
                testlists_crl(f->pki, &(struct testlists_crl){ .revoked = f->pki->leaf,
                                              .revoked_at = TESTPKI_NOW + 86400,
                                              .from = TESTPKI_NOW + 2 * 86400L });
        assert_int_equal(mohr_trust_add_revocation(trust, after.der, after.len), 0);
        struct verdict v = judge_by(trust, bundle, strlen(bundle), &strict, NULL);
        assert_int_equal(v.outcome, 0);
        assert_string_equal(told(&v, "revoked_later"), "2026-11-22T22:47:36Z");
        json_decref(v.told);
        mohr_trust_free(trust);
        /* revoked before it was received, as nobody at the office knew */
        trust = testpki_trust((X509 *[]){ f->pki->ca, NULL });
        struct testlists_bytes before =
                testlists_crl(f->pki, &(struct testlists_crl){ .revoked = f->pki->leaf,
                                              .revoked_at = TESTPKI_NOW - 60,
                                              .from = TESTPKI_NOW + 2 * 86400L });
        assert_int_equal(mohr_trust_add_revocation(trust, before.der, before.len), 0);
        expect_by(trust, "revoked before", bundle, &strict, NULL, OUTCOME_INVALID,
                MOHR_REASON_REVOKED, NULL);
        free(bundle);
        mohr_trust_free(trust);
        testlists_free(&crl);
        testlists_free(&after);
        testlists_free(&before);
}

/* The issuer is known to the office, and from then on to the bundle. */
static void a_leaf_alone_is_kept_with_its_issuers(void **state)
{
        struct fixture *f = *state;
        char path[] = "/tmp/mohr-issuer-XXXXXX", problem[128] = "";
        struct mohr_trust *office = testpki_trust((X509 *[]){ f->pki->root, NULL });
        int fd = mkstemp(path);
        assert_true(fd >= 0);
        close(fd);
        testpki_write_pem(path, (X509 *[]){ f->pki->ca, NULL });
        assert_int_equal(mohr_trust_load_issuers(office, path, problem, sizeof problem), 0);
        unlink(path);
        json_t *header = testpki_header("RS256", f->pki->leaf, NULL, NULL),
               *payload = testpki_payload(TESTPKI_GIVEN, TESTPKI_FAMILY, "0099900007", false);
        char *jws = testpki_sign_json(header, payload, f->pki->leaf_key, "RS256");
        assert_null(make_on(f->trust, jws, &asked, OUTCOME_INVALID));
        char *bundle = make_on(office, jws, &asked, 0);
        expect_by(f->trust, "elsewhere", bundle, &later, NULL, 0, MOHR_REASON_OK, NULL);
        mohr_trust_free(office);
        struct mohr_trust *knowing = testpki_trust((X509 *[]){ f->pki->root, NULL });
        struct mohr_verify_options terms = later;
        struct testlists_bytes crl = testlists_crl(f->pki,
                &(struct testlists_crl){ .revoked = f->pki->leaf, .revoked_at = TESTPKI_NOW - 60 });
        assert_int_equal(mohr_trust_add_revocation(knowing, crl.der, crl.len), 0);
        terms.revocation = MOHR_REVOCATION_PREFER;
        expect_by(knowing, "where more is known", bundle, &terms, NULL, OUTCOME_INVALID,
                MOHR_REASON_REVOKED, NULL);
        testlists_free(&crl);
        mohr_trust_free(knowing);
        json_decref(header);
        json_decref(payload);
        free(jws);
        free(bundle);
}

/* A list of so many that it cannot be kept with each receipt. */
static void what_is_too_large_makes_no_bundle(void **state)
{
        struct fixture *f = *state;
        struct mohr_trust *trust = testpki_trust((X509 *[]){ f->pki->ca, NULL });
        struct mohr_verify_options terms = asked;
        struct mohr_result *result = NULL;
        char *bundle = NULL;
        struct testlists_bytes crl =
                testlists_crl(f->pki, &(struct testlists_crl){ .crowd = 40000 });
        assert_int_equal(mohr_trust_add_revocation(trust, crl.der, crl.len), 0);
        terms.revocation = MOHR_REVOCATION_REQUIRE;
        assert_int_equal(mohr_evidence_make(trust, f->assertion, strlen(f->assertion), &terms,
                                 &result, &bundle),
                -EFBIG);
        assert_null(result);
        assert_null(bundle);
        testlists_free(&crl);
        mohr_trust_free(trust);
}

/* One larger than what may be stapled is told as the same. */
static void a_huge_list_is_too_large_as_well(void **state)
{
        struct fixture *f = *state;
        char path[] = "/tmp/mohr-list-XXXXXX", problem[128] = "", *bundle = NULL;
        struct mohr_trust *trust = testpki_trust((X509 *[]){ f->pki->ca, NULL });
        struct mohr_verify_options terms = asked;
        struct mohr_result *result = NULL;
        struct testlists_bytes crl =
                testlists_crl(f->pki, &(struct testlists_crl){ .crowd = 60000 });
        assert_true(crl.len > MOHR_EVIDENCE_MAX);
        int fd = mkstemp(path);
        assert_true(fd >= 0);
        assert_int_equal(write(fd, crl.der, crl.len), (ssize_t)crl.len);
        close(fd);
        assert_int_equal(mohr_trust_load_revocation(trust, path, problem, sizeof problem), 0);
        unlink(path);
        terms.revocation = MOHR_REVOCATION_REQUIRE;
        assert_int_equal(mohr_evidence_make(trust, f->assertion, strlen(f->assertion), &terms,
                                 &result, &bundle),
                -EFBIG);
        testlists_free(&crl);
        mohr_trust_free(trust);
}

/* ---- whose time ---- */

/* By its own asked_at an office could call an old answer of a station without a clock a new one. */
static void a_time_by_asked_at_is_the_offices_word(void **state)
{
        struct fixture *f = *state;
        struct mohr_verify_options terms = asked;
        json_t *header = testpki_header("RS256", f->pki->leaf, f->pki->ca, NULL),
               *payload = testpki_payload(TESTPKI_GIVEN, TESTPKI_FAMILY, "0099900007", false);
        json_object_set_new(json_object_get(payload, "clock"), "synchronised", json_false());
        char *jws = testpki_sign_json(header, payload, f->pki->leaf_key, "RS256");
        terms.at = TESTPKI_NOW + YEAR / 4;
        terms.asked_at = terms.at - 10;
        char *bundle = make_on(f->trust, jws, &terms, 0);
        char *stamped = stamped_at(f->tsa, bundle, terms.at + 5);
        struct verdict v = judge(f, stamped, strlen(stamped), &later, f->tsa->anchors);
        assert_int_equal(v.outcome, 0);
        assert_string_equal(told(&v, "basis"), "office");
        json_decref(v.told);
        free(stamped);
        free(bundle);
        free(jws);
        json_decref(header);
        json_decref(payload);
}

/* ---- names ---- */

static void names_match_however_they_were_typed(void **state)
{
        static const struct {
                const char *one, *other;
                bool match;
        } rows[] = {
                { "علی", "علي", true },
                { "کریمی", "كريمي", true },
                { "نمونه\u200Cزاده", "نمونه زاده", true },
                { "نمونه\u200Cزاده", "نمونهزاده", true },
                { "محمّد", "محمد", true },
                { "مـحـمـد", "محمد", true },
                { "مسئول", "مسيول", true },
                { "آزاده", "ازاده", true },
                { "فاطمة", "فاطمه", true },
                { "خانۀ", "خانه", true },
                { "Ali 12", "Ali۱۲", true },
                { "\u202Aعلی", "علی", false }, /* an embedding is none of the ways to type a name */
                { "علی", "علا", false },
                { "علی", "علیرضا", false },
                { "", "", false },
                { " ", "\u200C", false },
                { "ali", "Ali", false },
                { "a\xC0", "a\xC0", false },
        };
        (void)state;
        for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
                if (mohr_names_match(rows[i].one, rows[i].other) != rows[i].match ||
                        mohr_names_match(rows[i].other, rows[i].one) != rows[i].match)
                        fail_msg("%s and %s", rows[i].one, rows[i].other);
        }
        assert_false(mohr_names_match(NULL, "a"));
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(a_bundle_is_checked_by_itself_years_later),
                cmocka_unit_test(what_does_not_hold_makes_no_bundle),
                cmocka_unit_test(an_answer_is_kept_once),
                cmocka_unit_test(the_checker_may_ask_for_more),
                cmocka_unit_test(an_anchor_in_the_file_is_nobodys_anchor),
                cmocka_unit_test(an_expired_leaf_is_kept_only_by_a_policy),
                cmocka_unit_test(what_was_known_of_revocation_is_kept),
                cmocka_unit_test(a_leaf_alone_is_kept_with_its_issuers),
                cmocka_unit_test(what_is_too_large_makes_no_bundle),
                cmocka_unit_test(a_huge_list_is_too_large_as_well),
                cmocka_unit_test(a_time_by_asked_at_is_the_offices_word),
                cmocka_unit_test(names_match_however_they_were_typed),
        };
        return cmocka_run_group_tests_name("evidence", tests, setup, teardown);
}

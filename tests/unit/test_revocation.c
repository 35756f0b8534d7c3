/* SPDX-License-Identifier: Apache-2.0 */
/* test_revocation.c: certificate revocation lists (RFC 5280): which are taken, and what each is worth.
 */
#include "tests/unit/revocation_talk.h"

/* ---- lists: taken or not ------------------------------------------------------------------- */

static void lists_that_cannot_be_judged_alone_are_refused_by_name(void **state)
{
        const struct fixture *f = *state;
        const struct {
                struct testlists_crl spec;
                const char *words;
        } rows[] = {
                { { .delta = 6 }, "deltaCRLIndicator" },
                { { .scope = "indirectCRL = TRUE" }, "indirect CRL" },
                { { .scope = "onlyAA = TRUE" }, "onlyContainsAttributeCerts" },
                { { .scope = "onlysomereasons = keyCompromise" }, "onlySomeReasons" },
                { { .scope = "relativename = n\n[n]\nCN = part" }, "relative to its issuer" },
                { { .extension = "1.2.3.4.5=critical,DER:0500" }, "1.2.3.4.5" },
                { { .extension = "2.5.29.28=critical,DER:0500" },
                        "issuingDistributionPoint cannot be read" },
                { { .to = TESTLISTS_NEVER }, "nextUpdate" },
                { { .revoked = f->pki->leaf, .reason = 9 }, "removeFromCRL" },
                { { .revoked = f->pki->leaf, .entry_extension = "1.2.3.4.5=critical,DER:0500" },
                        "1.2.3.4.5" },
                { { .revoked = f->pki->leaf,
                          .entry_extension =
                                  "2.5.29.29=critical,DER:300CA40A3008310630040603550403" },
                        "certificateIssuer" },
                { { .revoked = f->pki->leaf, .entry_extension = "2.5.29.21=DER:0401FF" },
                        "reason that cannot be read" },
        };
        for (size_t i = 0; i < ARRAY_LEN(rows); i++)
                refused(testlists_crl(f->pki, &rows[i].spec), rows[i].words);
        refused(testlists_ocsp(f->pki, &(struct testlists_ocsp){ .critical = true }), "1.2.3.4.5");
        refused(testlists_ocsp(f->pki, &(struct testlists_ocsp){ .single_critical = true }),
                "1.2.3.4.5");
        refused(testlists_ocsp(f->pki,
                        &(struct testlists_ocsp){ .response = OCSP_RESPONSE_STATUS_TRYLATER }),
                "trylater");
        refused(testlists_ocsp(f->pki, &(struct testlists_ocsp){ .crowd = 64 }), "too much");
}

static void what_is_neither_whole_nor_alone_is_refused(void **state)
{
        const struct fixture *f = *state;
        const struct testlists_crl crl = { 0 };
        const struct testlists_ocsp ocsp = { 0 };
        for (int kind = 0; kind < 2; kind++)
                for (int change = 0; change < 3; change++) {
                        struct testlists_bytes bytes =
                                kind ? testlists_ocsp(f->pki, &ocsp) : testlists_crl(f->pki, &crl);
                        bytes.der = OPENSSL_realloc(bytes.der, bytes.len + 1);
                        bytes.der[bytes.len] = 0;
                        bytes.len += change == 0 ? 1 : change == 1 ? -(size_t)1 : -bytes.len + 1;
                        refused(bytes, change == 0 ? "something after it" : "neither a CRL nor");
                }
}

static void a_set_is_bounded_and_stapled_lists_push_out_only_stapled_ones(void **state)
{
        const struct fixture *f = *state;
        char why[REVOCATION_WHY_MAX] = "";
        struct revocation *set = revocation_new();
        struct testlists_bytes last = { 0 };
        for (int i = 0; i < REVOCATION_ITEMS; i++)
                add(set,
                        testlists_crl(f->pki, &(struct testlists_crl){ .from = NOW - HOUR + i,
                                                      .revoked = f->pki->leaf }),
                        false);
        last = testlists_crl(f->pki, &(struct testlists_crl){ .from = NOW - DAY });
        assert_int_equal(revocation_add(set, last.der, last.len, false, why), OUTCOME_INVALID);
        assert_string_equal(why, "more lists than can be held here");
        for (int i = 0; i < 2 * REVOCATION_STAPLED_ITEMS; i++)
                add(set,
                        testlists_crl(f->pki, &(struct testlists_crl){ .from = NOW + i,
                                                      .key = f->pki->other_key }),
                        true);
        assert_int_equal(revocation_count(set), REVOCATION_ITEMS + REVOCATION_STAPLED_ITEMS);
        ask_of(set, f->pki->leaf, f->pki->ca, NOW, 0, revoked("unspecified"));
        struct testlists_bytes large =
                testlists_crl(f->pki, &(struct testlists_crl){ .crowd = 40000 });
        assert_true(large.len > REVOCATION_STAPLED_MAX / 2 && large.len < REVOCATION_STAPLED_MAX);
        assert_int_equal(revocation_add(set, large.der, large.len, true, why), 0);
        assert_in_range(revocation_count(set), REVOCATION_ITEMS + 1,
                REVOCATION_ITEMS + REVOCATION_STAPLED_ITEMS);
        testlists_free(&large);
        large = testlists_crl(f->pki, &(struct testlists_crl){ .crowd = 40001 });
        assert_int_equal(revocation_add(set, large.der, large.len, true, why), 0);
        assert_int_equal(
                revocation_count(set), REVOCATION_ITEMS + 1); /* it filled the place alone */
        testlists_free(&large);
        ask_of(set, f->pki->leaf, f->pki->ca, NOW, 0, revoked("unspecified"));
        assert_int_equal(revocation_add(set, last.der, REVOCATION_STAPLED_MAX + 1, true, why),
                OUTCOME_INVALID);
        assert_int_equal(
                revocation_add(set, last.der, REVOCATION_CRL_MAX + 1, false, why), OUTCOME_INVALID);
        assert_int_equal(revocation_add(set, last.der, 0, false, why), OUTCOME_INVALID);
        testlists_free(&last);
        revocation_free(set);
}

static void the_same_list_again_is_one_list(void **state)
{
        const struct fixture *f = *state;
        struct revocation *set = revocation_new();
        for (int i = 0; i < 5; i++)
                add(set, testlists_crl(f->pki, &(struct testlists_crl){ 0 }), i & 1);
        assert_int_equal(revocation_count(set), 1);
        revocation_free(set);
}

/* ---- lists: what they are worth ------------------------------------------------------------ */

static void a_list_of_the_issuer_says_good_or_revoked(void **state)
{
        const struct fixture *f = *state;
        const struct testlists_crl listed = { .revoked = f->pki->leaf, .reason = 2, .crowd = 50 };
        ask(f, testlists_crl(f->pki, &(struct testlists_crl){ .crowd = 50 }), NOW, 0, good);
        ask(f, testlists_crl(f->pki, &(struct testlists_crl){ .pss = true }), NOW, 0, good);
        ask(f, testlists_crl(f->pki, &listed), NOW, 0, revoked("keyCompromise"));
        ask(f, testlists_crl(f->pki, &(struct testlists_crl){ .revoked = f->pki->leaf }), NOW, 0,
                revoked("unspecified"));
        ask(f,
                testlists_crl(
                        f->pki, &(struct testlists_crl){ .revoked = f->pki->leaf, .reason = 7 }),
                NOW, 0, revoked("certificateHold"));
}

static void a_list_that_is_not_the_issuers_word_says_nothing(void **state)
{
        const struct fixture *f = *state;
        struct testpki *pki = f->pki;
        const struct {
                struct testlists_crl spec;
                const char *why;
        } rows[] = {
                { { .key = pki->other_key }, "wrong-signature" },
                { { .key = pki->other_key, .revoked = pki->leaf }, "wrong-signature" },
                { { .digest = "SHA1" }, "weak-digest" },
                { { .digest = "SHA1", .pss = true }, "weak-digest" },
                { { .issuer = pki->root, .key = pki->root_key }, "no-evidence" },
                { { .issuer = pki->root, .key = pki->root_key, .revoked = pki->leaf },
                        "no-evidence" },
        };
        for (size_t i = 0; i < ARRAY_LEN(rows); i++)
                ask(f, testlists_crl(pki, &rows[i].spec), NOW, 0, unknown(rows[i].why));
}

static void an_issuer_that_may_not_sign_lists_is_not_believed(void **state)
{
        const struct fixture *f = *state;
        struct revocation *set = revocation_new();
        X509 *authority = testpki_issue(f->pki, &(struct testpki_spec){ .key = f->pki->ca_key,
                                                        .key_usage = "critical,keyCertSign",
                                                        .basic_constraints = "critical,CA:TRUE",
                                                        .cn = "another" });
        X509 *leaf = testpki_issue(f->pki, &(struct testpki_spec){ .issuer = authority });
        add(set, testlists_crl(f->pki, &(struct testlists_crl){ .issuer = authority }), false);
        ask_of(set, leaf, authority, NOW, 0, unknown("issuer-may-not-sign-lists"));
        X509_free(authority);
        X509_free(leaf);
        revocation_free(set);
}

/* Two CAs of one name: a rollover, or somebody's trick. Each list counts for its own key only. */
static void a_list_of_a_namesake_is_not_the_issuers(void **state)
{
        const struct fixture *f = *state;
        struct revocation *set = revocation_new();
        add(set,
                testlists_crl(f->pki, &(struct testlists_crl){ .issuer = f->second_ca,
                                              .key = f->pki->other_key }),
                false);
        ask_of(set, f->pki->leaf, f->pki->ca, NOW, 0, unknown("wrong-signature"));
        ask_of(set, f->pki->leaf, f->second_ca, NOW, 0, good);
        ask_of(set, f->pki->leaf, f->pki->ca, NOW, 0, unknown("wrong-signature"));
        add(set, testlists_crl(f->pki, &(struct testlists_crl){ .revoked = f->pki->leaf }), true);
        ask_of(set, f->pki->leaf, f->pki->ca, NOW, 0, revoked("unspecified"));
        revocation_free(set);
}

static void fresh_is_by_the_lists_own_word_and_by_the_age_allowed(void **state)
{
        const struct fixture *f = *state;
        const struct testlists_crl day = { .from = NOW - DAY, .to = NOW };
        const struct {
                int64_t at, age;
                struct expected expected;
        } rows[] = {
                { NOW, 0, good }, { NOW + REVOCATION_SKEW, 0, good },
                { NOW + REVOCATION_SKEW + 1, 0, unknown("out-of-date") }, { NOW, DAY, good },
                { NOW, DAY - 1, unknown("too-old") }, { NOW - DAY, 1, good },
                { NOW - DAY - REVOCATION_SKEW, 1, good },
                { NOW - 9 * DAY, 1,
                        good }, /* a later list, and not in it: it was not then, either */
        };
        for (size_t i = 0; i < ARRAY_LEN(rows); i++)
                ask(f, testlists_crl(f->pki, &day), rows[i].at, rows[i].age, rows[i].expected);
}

static void a_revocation_outlives_its_list_but_a_hold_does_not(void **state)
{
        const struct fixture *f = *state;
        const struct testlists_crl old = {
                .from = NOW - 40 * DAY, .to = NOW - 30 * DAY, .revoked = f->pki->leaf
        };
        struct testlists_crl hold = old;
        hold.reason = 7;
        ask(f, testlists_crl(f->pki, &old), NOW, HOUR, revoked("unspecified"));
        ask(f, testlists_crl(f->pki, &hold), NOW, 0,
                (struct expected){ REVOCATION_UNKNOWN, "hold-out-of-date", "certificateHold" });
}

static void who_asks_about_the_past_gets_the_past(void **state)
{
        const struct fixture *f = *state;
        const struct testlists_crl later = {
                .from = NOW, .revoked = f->pki->leaf, .revoked_at = NOW - DAY, .reason = 2
        };
        struct testlists_crl stolen = later, announced = later;
        stolen.invalid_from = NOW - 3 * DAY;
        announced.revoked_at = NOW + DAY;
        ask(f, testlists_crl(f->pki, &later), NOW - DAY - 1, 0,
                (struct expected){ REVOCATION_GOOD, "revoked-later", "keyCompromise" });
        ask(f, testlists_crl(f->pki, &later), NOW - DAY, 0, revoked("keyCompromise"));
        ask(f, testlists_crl(f->pki, &stolen), NOW - 2 * DAY, 0, revoked("keyCompromise"));
        ask(f, testlists_crl(f->pki, &announced), NOW, 0, revoked("keyCompromise"));
}

static void a_list_made_after_the_certificate_ended_says_nothing_of_it(void **state)
{
        const struct fixture *f = *state;
        struct revocation *set = revocation_new();
        add(set, testlists_crl(f->pki, &(struct testlists_crl){ 0 }), false);
        ask_of(set, f->short_leaf, f->pki->ca, NOW, 0, unknown("made-after-the-certificate-ended"));
        add(set, testlists_crl(f->pki, &(struct testlists_crl){ .revoked = f->short_leaf }), false);
        ask_of(set, f->short_leaf, f->pki->ca, NOW, 0, revoked("unspecified"));
        revocation_free(set);
}

#define POINT "URI:http://crl.example/part1.crl"

static X509 *pointing(const struct fixture *f, const char *points)
{
        X509 *leaf = testpki_issue(f->pki, &(struct testpki_spec){ 0 });
        X509V3_CTX ctx;
        X509V3_set_ctx_nodb(&ctx);
        X509_EXTENSION *extension =
                X509V3_EXT_nconf_nid(NULL, &ctx, NID_crl_distribution_points, points);
        assert_non_null(extension);
        X509_add_ext(leaf, extension, -1);
        X509_EXTENSION_free(extension);
        X509_sign(leaf, f->pki->ca_key, EVP_sha256());
        return leaf;
}

static void a_partial_list_counts_for_what_it_covers(void **state)
{
        const struct fixture *f = *state;
        X509 *here = pointing(f, "URI:http://other.example/," POINT),
             *there = pointing(f, "URI:http://x.example/");
        const struct {
                const char *scope;
                X509 *cert, *issuer;
                EVP_PKEY *key;
                struct expected expected;
        } rows[] = {
                { "fullname = " POINT, here, f->pki->ca, f->pki->ca_key, good },
                { "fullname = " POINT, there, f->pki->ca, f->pki->ca_key, unknown("not-covered") },
                { "fullname = " POINT, f->pki->leaf, f->pki->ca, f->pki->ca_key,
                        unknown("not-covered") },
                { "onlyuser = TRUE", f->pki->leaf, f->pki->ca, f->pki->ca_key, good },
                { "onlyCA = TRUE", f->pki->leaf, f->pki->ca, f->pki->ca_key,
                        unknown("not-covered") },
                { "onlyCA = TRUE", f->pki->ca, f->pki->root, f->pki->root_key, good },
                { "onlyuser = TRUE", f->pki->ca, f->pki->root, f->pki->root_key,
                        unknown("not-covered") },
        };
        for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
                struct revocation *set = revocation_new();
                add(set,
                        testlists_crl(f->pki, &(struct testlists_crl){ .scope = rows[i].scope,
                                                      .issuer = rows[i].issuer,
                                                      .key = rows[i].key }),
                        false);
                ask_of(set, rows[i].cert, rows[i].issuer, NOW, 0, rows[i].expected);
                revocation_free(set);
        }
        X509_free(here);
        X509_free(there);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(lists_that_cannot_be_judged_alone_are_refused_by_name),
                cmocka_unit_test(what_is_neither_whole_nor_alone_is_refused),
                cmocka_unit_test(a_set_is_bounded_and_stapled_lists_push_out_only_stapled_ones),
                cmocka_unit_test(the_same_list_again_is_one_list),
                cmocka_unit_test(a_list_of_the_issuer_says_good_or_revoked),
                cmocka_unit_test(a_list_that_is_not_the_issuers_word_says_nothing),
                cmocka_unit_test(an_issuer_that_may_not_sign_lists_is_not_believed),
                cmocka_unit_test(a_list_of_a_namesake_is_not_the_issuers),
                cmocka_unit_test(fresh_is_by_the_lists_own_word_and_by_the_age_allowed),
                cmocka_unit_test(a_revocation_outlives_its_list_but_a_hold_does_not),
                cmocka_unit_test(who_asks_about_the_past_gets_the_past),
                cmocka_unit_test(a_list_made_after_the_certificate_ended_says_nothing_of_it),
                cmocka_unit_test(a_partial_list_counts_for_what_it_covers),
        };
        return cmocka_run_group_tests(tests, set_up, tear_down);
}

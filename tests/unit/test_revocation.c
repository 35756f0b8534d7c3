/* SPDX-License-Identifier: Apache-2.0 */
/* test_revocation.c: what a list or an answer is worth, at a time, to who asks. Each row differs from a good
 * one in one thing; the lists are made by tests/support/testlists.c with OpenSSL alone.
 */
#include "client-sdk/revocation_chain.h"
#include "client-sdk/trust.h"
#include "tests/support/testlists.h"

#include "base/outcome.h"
#include "base/text.h"

#include <openssl/x509v3.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/stat.h>
#include <cmocka.h>

#define HOUR 3600
#define DAY  86400L
#define NOW  TESTPKI_NOW

struct fixture {
        struct testpki *pki;
        X509 *second_ca, *short_leaf, *delegate, *nocheck;
};

static int set_up(void **state)
{
        struct fixture *f = calloc(1, sizeof *f);
        struct testpki *pki = testpki_new();
        f->pki = pki;
        f->second_ca = testpki_issue_ca(pki, "IRAN Digital Citizen CA 2016 17", NOW - 9 * DAY,
                NOW + 99 * DAY, pki->root, pki->root_key, pki->other_key, "critical,CA:TRUE");
        f->short_leaf = testpki_issue(
                pki, &(struct testpki_spec){ .from = NOW - 9 * DAY, .to = NOW - 2 * DAY });
        f->delegate = testlists_responder(pki, &(struct testlists_responder){ 0 });
        f->nocheck = testlists_responder(pki, &(struct testlists_responder){ .nocheck = true });
        *state = f;
        return 0;
}

static int tear_down(void **state)
{
        struct fixture *f = *state;
        X509 *const certs[] = { f->second_ca, f->short_leaf, f->delegate, f->nocheck };
        for (size_t i = 0; i < ARRAY_LEN(certs); i++)
                X509_free(certs[i]);
        testpki_free(f->pki);
        free(f);
        return 0;
}

static void add(struct revocation *set, struct testlists_bytes bytes, bool stapled)
{
        char why[REVOCATION_WHY_MAX] = "";
        int r = revocation_add(set, bytes.der, bytes.len, stapled, why);
        if (r != 0)
                fail_msg("not taken: %d %s", r, why);
        testlists_free(&bytes);
}

static void refused(struct testlists_bytes bytes, const char *words)
{
        char why[REVOCATION_WHY_MAX] = "";
        struct revocation *set = revocation_new();
        assert_int_equal(revocation_add(set, bytes.der, bytes.len, false, why), OUTCOME_INVALID);
        if (!strstr(why, words))
                fail_msg("\"%s\" does not say \"%s\"", why, words);
        assert_int_equal(revocation_count(set), 0);
        revocation_free(set);
        testlists_free(&bytes);
}

struct expected {
        enum revocation_state state;
        const char *why, *reason;
};

static void ask_of(struct revocation *set, X509 *cert, X509 *issuer, int64_t at, int64_t age,
        struct expected expected)
{
        for (int again = 0; again < 2; again++) { /* the second time its signature is known */
                struct revocation_verdict verdict;
                assert_int_equal(revocation_check(set, cert, issuer, at, age, &verdict), 0);
                if (verdict.state != expected.state || strcmp(verdict.why, expected.why) != 0 ||
                        strcmp(verdict.reason, expected.reason ? expected.reason : "") != 0)
                        fail_msg("state %u why \"%s\" reason \"%s\"; expected %u \"%s\" \"%s\"",
                                verdict.state, verdict.why, verdict.reason, expected.state,
                                expected.why, expected.reason ? expected.reason : "");
                assert_int_equal(verdict.proof != NULL, expected.state != REVOCATION_UNKNOWN);
                revocation_verdict_clear(&verdict);
        }
}

/* One list or answer, asked about the leaf. */
static void ask(const struct fixture *f, struct testlists_bytes bytes, int64_t at, int64_t age,
        struct expected expected)
{
        struct revocation *set = revocation_new();
        add(set, bytes, false);
        ask_of(set, f->pki->leaf, f->pki->ca, at, age, expected);
        revocation_free(set);
}

static const struct expected good = { REVOCATION_GOOD, "", "" };

static struct expected unknown(const char *why)
{
        return (struct expected){ REVOCATION_UNKNOWN, why, "" };
}

static struct expected revoked(const char *reason)
{
        return (struct expected){ REVOCATION_REVOKED, "", reason };
}

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

/* ---- answers ------------------------------------------------------------------------------- */

static void an_answer_of_the_issuer_says_good_revoked_or_unknown(void **state)
{
        const struct fixture *f = *state;
        const struct {
                struct testlists_ocsp spec;
                struct expected expected;
        } rows[] = {
                { { 0 }, good },
                { { .id_digest = "SHA256" }, good },
                { { .crowd = 5 }, good },
                { { .id_digest = "SHA512" }, unknown("no-evidence") },
                { { .status = V_OCSP_CERTSTATUS_REVOKED, .reason = 2 }, revoked("keyCompromise") },
                { { .status = V_OCSP_CERTSTATUS_REVOKED }, revoked("unspecified") },
                { { .status = V_OCSP_CERTSTATUS_REVOKED, .reason = 7 },
                        revoked("certificateHold") },
                { { .status = V_OCSP_CERTSTATUS_UNKNOWN }, unknown("unknown-to-the-responder") },
                { { .key = f->pki->other_key }, unknown("wrong-signature") },
                { { .digest = "SHA1" }, unknown("weak-digest") },
                { { .cert = f->short_leaf }, unknown("no-evidence") },
                { { .issuer = f->second_ca, .key = f->pki->other_key }, unknown("no-evidence") },
                { { .from = NOW - 3 * DAY, .to = NOW - 2 * DAY }, unknown("out-of-date") },
                { { .from = NOW - HOUR, .to = TESTLISTS_NEVER }, good },
                { { .from = NOW - REVOCATION_UNDATED - 1, .to = TESTLISTS_NEVER },
                        unknown("too-old") },
                { { .from = NOW, .produced_at = NOW - HOUR }, unknown("dates-contradict") },
        };
        for (size_t i = 0; i < ARRAY_LEN(rows); i++)
                ask(f, testlists_ocsp(f->pki, &rows[i].spec), NOW, 0, rows[i].expected);
}

static void a_delegate_answers_only_for_who_named_it(void **state)
{
        const struct fixture *f = *state;
        struct testpki *pki = f->pki;
        const struct {
                struct testlists_responder delegate;
                struct expected expected;
        } rows[] = {
                { { .nocheck = true }, good },
                { { 0 }, { REVOCATION_GOOD, "responder-unchecked", "" } },
                { { .purpose = "" }, unknown("responder-not-authorised") },
                { { .purpose = "clientAuth" }, unknown("responder-not-authorised") },
                { { .issuer = pki->root, .issuer_key = pki->root_key },
                        unknown("responder-of-another-issuer") },
                { { .issuer_key = pki->other_key }, unknown("responder-of-another-issuer") },
                { { .sha1 = true }, unknown("responder-of-another-issuer") },
                { { .to = NOW - HOUR }, unknown("responder-not-valid") },
                { { .from = NOW + HOUR }, unknown("responder-not-valid") },
        };
        for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
                X509 *delegate = testlists_responder(pki, &rows[i].delegate);
                ask(f,
                        testlists_ocsp(pki, &(struct testlists_ocsp){ .signer = delegate,
                                                    .key = pki->other_key,
                                                    .sent = delegate }),
                        NOW, 0, rows[i].expected);
                X509_free(delegate);
        }
        ask(f,
                testlists_ocsp(pki,
                        &(struct testlists_ocsp){ .signer = f->nocheck, .key = pki->other_key }),
                NOW, 0, unknown("responder-unknown"));
        ask(f,
                testlists_ocsp(pki,
                        &(struct testlists_ocsp){
                                .signer = pki->leaf, .key = pki->leaf_key, .sent = pki->leaf }),
                NOW, 0, unknown("responder-not-authorised"));
}

static void a_delegate_is_looked_up_in_the_issuers_lists(void **state)
{
        const struct fixture *f = *state;
        const struct testlists_ocsp answer = {
                .signer = f->delegate, .key = f->pki->other_key, .sent = f->delegate
        };
        struct revocation *set = revocation_new();
        const struct testlists_crl part = {
                .revoked = f->delegate, .from = NOW - 40 * DAY, .to = NOW - 30 * DAY
        };
        add(set, testlists_ocsp(f->pki, &answer), false);
        add(set, testlists_crl(f->pki, &(struct testlists_crl){ .from = NOW - 2 * HOUR }), false);
        ask_of(set, f->pki->leaf, f->pki->ca, NOW, 0, good);
        revocation_free(set);
        set = revocation_new();
        add(set, testlists_ocsp(f->pki, &answer), false);
        add(set, testlists_crl(f->pki, &part), false);
        ask_of(set, f->pki->leaf, f->pki->ca, NOW, 0, unknown("responder-revoked"));
        revocation_free(set);
}

static void the_worst_word_wins_then_the_newest(void **state)
{
        const struct fixture *f = *state;
        struct revocation_verdict verdict;
        struct revocation *set = revocation_new();
        add(set, testlists_crl(f->pki, &(struct testlists_crl){ .from = NOW - 2 * HOUR }), false);
        add(set, testlists_ocsp(f->pki, &(struct testlists_ocsp){ 0 }), true);
        assert_int_equal(revocation_check(set, f->pki->leaf, f->pki->ca, NOW, 0, &verdict), 0);
        assert_string_equal(verdict.source, "ocsp");
        assert_true(verdict.as_of == NOW - HOUR && verdict.next_update == NOW - HOUR + 7 * DAY);
        revocation_verdict_clear(&verdict);
        add(set,
                testlists_crl(f->pki,
                        &(struct testlists_crl){ .from = NOW - DAY, .revoked = f->pki->leaf }),
                false);
        assert_int_equal(revocation_check(set, f->pki->leaf, f->pki->ca, NOW, 0, &verdict), 0);
        assert_string_equal(verdict.source, "crl");
        assert_int_equal(verdict.state, REVOCATION_REVOKED);
        assert_true(verdict.revoked_at == NOW - DAY - HOUR);
        revocation_verdict_clear(&verdict);
        revocation_free(set);
}

/* ---- the chain and the policy -------------------------------------------------------------- */

static json_t *judged(const struct fixture *f, struct revocation *set, enum mohr_revocation policy,
        int64_t at, enum mohr_reason *ret_reason)
{
        const struct mohr_verify_options options = { .revocation = policy, .at = at };
        struct revocation_finding finding;
        STACK_OF(X509) *chain = sk_X509_new_null();
        X509 *certs[] = { f->pki->leaf, f->pki->ca, f->pki->root };
        for (size_t i = 0; i < ARRAY_LEN(certs); i++)
                sk_X509_push(chain, certs[i]);
        const struct revocation_question question = {
                .set = set, .chain = chain, .options = &options, .at = at ? at : NOW
        };
        assert_int_equal(revocation_of_chain(&question, &finding, ret_reason), 0);
        json_t *json = revocation_json(&finding);
        assert_int_equal(revocation_is_known(&finding),
                strcmp(json_string_value(json_object_get(json, "state")), "good") == 0);
        revocation_finding_clear(&finding);
        sk_X509_free(chain);
        return json;
}

static void expect_policy(const struct fixture *f, struct revocation *set,
        enum mohr_revocation policy, int64_t at, enum mohr_reason reason, const char *state,
        const char *why)
{
        enum mohr_reason found;
        json_t *json = judged(f, set, policy, at, &found);
        const char *told = json_string_value(json_object_get(json, "why"));
        assert_int_equal(found, reason);
        assert_string_equal(json_string_value(json_object_get(json, "state")), state);
        assert_string_equal(told ? told : "", why);
        json_decref(json);
}

static void the_policy_decides_what_not_knowing_means(void **state)
{
        const struct fixture *f = *state;
        struct revocation *set = revocation_new();
        expect_policy(f, set, MOHR_REVOCATION_OFF, NOW, MOHR_REASON_OK, "unchecked", "policy-off");
        expect_policy(
                f, set, MOHR_REVOCATION_PREFER, NOW, MOHR_REASON_OK, "unchecked", "no-evidence");
        expect_policy(f, set, MOHR_REVOCATION_REQUIRE, NOW, MOHR_REASON_REVOCATION_UNKNOWN,
                "unchecked", "no-evidence");
        add(set, testlists_crl(f->pki, &(struct testlists_crl){ 0 }),
                false); /* the leaf alone is not the chain */
        expect_policy(f, set, MOHR_REVOCATION_REQUIRE, NOW, MOHR_REASON_REVOCATION_UNKNOWN,
                "unchecked", "no-evidence");
        add(set,
                testlists_crl(f->pki,
                        &(struct testlists_crl){ .issuer = f->pki->root, .key = f->pki->root_key }),
                false);
        expect_policy(f, set, MOHR_REVOCATION_REQUIRE, NOW, MOHR_REASON_OK, "good", "");
        expect_policy(f, set, MOHR_REVOCATION_PREFER, NOW, MOHR_REASON_OK, "good", "");
        add(set,
                testlists_crl(f->pki, &(struct testlists_crl){ .issuer = f->pki->root,
                                              .key = f->pki->root_key,
                                              .revoked = f->pki->ca,
                                              .reason = 3 }),
                false);
        expect_policy(f, set, MOHR_REVOCATION_PREFER, NOW, MOHR_REASON_REVOKED, "revoked", "");
        expect_policy(f, set, MOHR_REVOCATION_REQUIRE, NOW, MOHR_REASON_REVOKED, "revoked", "");
        expect_policy(f, set, MOHR_REVOCATION_OFF, NOW, MOHR_REASON_OK, "unchecked", "policy-off");
        revocation_free(set);
}

static void a_clock_that_is_behind_unrevokes_nothing(void **state)
{
        const struct fixture *f = *state;
        struct revocation *set = revocation_new();
        const struct testlists_crl later = {
                .from = NOW + 2 * DAY, .revoked = f->pki->leaf, .revoked_at = NOW + DAY
        };
        add(set, testlists_crl(f->pki, &later), false);
        expect_policy(f, set, MOHR_REVOCATION_PREFER, 0, MOHR_REASON_REVOKED, "revoked", "");
        add(set,
                testlists_crl(f->pki,
                        &(struct testlists_crl){ .issuer = f->pki->root, .key = f->pki->root_key }),
                false);
        expect_policy(
                f, set, MOHR_REVOCATION_REQUIRE, NOW, MOHR_REASON_OK, "good", "revoked-later");
        revocation_free(set);
}

/* ---- through mohr_verify() ----------------------------------------------------------------- */

static struct mohr_result *verified(
        struct mohr_trust *trust, const char *jws, enum mohr_revocation policy, int expected)
{
        const struct mohr_verify_options options = { .audience = "https://bank.example",
                .nonce = "n-0S6_WzA2Mj",
                .at = NOW + 10,
                .revocation = policy };
        struct mohr_result *result = NULL;
        assert_int_equal(mohr_verify(trust, jws, strlen(jws), &options, &result), expected);
        return result;
}

static bool is_listed(const struct mohr_result *result, const char *list, const char *name)
{
        char *text = mohr_result_json(result);
        json_t *all = json_loads(text, 0, NULL), *row;
        size_t index;
        bool found = false;
        json_array_foreach (json_object_get(json_object_get(all, "verification"), list), index, row)
                found = found || strcmp(json_string_value(row), name) == 0;
        json_decref(all);
        free(text);
        return found;
}

static void put_stapled(struct mohr_trust *trust, struct testlists_bytes bytes)
{
        assert_int_equal(mohr_trust_add_revocation(trust, bytes.der, bytes.len), 0);
        testlists_free(&bytes);
}

static void the_verifier_says_what_it_rests_on(void **state)
{
        const struct fixture *f = *state;
        X509 *anchors[] = { f->pki->root, NULL };
        struct mohr_trust *trust = testpki_trust(anchors);
        json_t *header = testpki_header("RS256", f->pki->leaf, f->pki->ca, NULL);
        json_t *payload = testpki_payload(TESTPKI_GIVEN, TESTPKI_FAMILY, "0099900007", false);
        char *jws = testpki_sign_json(header, payload, f->pki->leaf_key, "RS256");
        size_t len = 0;
        struct mohr_result *result = verified(trust, jws, MOHR_REVOCATION_PREFER, 0);
        assert_true(is_listed(result, "not_checked", "revocation"));
        assert_null(mohr_result_proof(result, 0, &len));
        mohr_result_free(result);
        result = verified(
                trust, jws, MOHR_REVOCATION_REQUIRE, OUTCOME_INVALID); /* now from memory */
        assert_int_equal(mohr_result_reason(result), MOHR_REASON_REVOCATION_UNKNOWN);
        assert_string_equal(mohr_result_detail(result), "leaf: no-evidence");
        assert_null(mohr_result_claim(result, "sub"));
        mohr_result_free(result);
        put_stapled(trust, testlists_ocsp(f->pki, &(struct testlists_ocsp){ 0 }));
        put_stapled(trust, testlists_crl(f->pki, &(struct testlists_crl){ .issuer = f->pki->root,
                                                         .key = f->pki->root_key }));
        result = verified(trust, jws, MOHR_REVOCATION_REQUIRE, 0);
        assert_true(is_listed(result, "checked", "revocation"));
        assert_non_null(mohr_result_proof(result, 0, &len));
        assert_non_null(mohr_result_proof(result, 1, &len));
        assert_null(mohr_result_proof(result, 2, &len));
        mohr_result_free(result);
        put_stapled(trust, testlists_crl(f->pki, &(struct testlists_crl){
                                                         .revoked = f->pki->leaf, .reason = 5 }));
        result = verified(trust, jws, MOHR_REVOCATION_PREFER, OUTCOME_INVALID);
        assert_int_equal(mohr_result_reason(result), MOHR_REASON_REVOKED);
        assert_string_equal(mohr_result_detail(result), "leaf: superseded");
        mohr_result_free(result);
        mohr_result_free(verified(trust, jws, MOHR_REVOCATION_OFF, 0));
        assert_int_equal(mohr_trust_add_revocation(trust, "x", 1), OUTCOME_INVALID);
        free(jws);
        json_decref(header);
        json_decref(payload);
        mohr_trust_free(trust);
}

/* ---- files --------------------------------------------------------------------------------- */

static void put_file(const char *folder, const char *name, const void *data, size_t len)
{
        char path[256];
        snprintf(path, sizeof path, "%s/%s", folder, name);
        FILE *file = fopen(path, "w");
        assert_non_null(file);
        assert_int_equal(fwrite(data, 1, len, file), len);
        fclose(file);
}

static void a_folder_gives_what_can_be_read_and_names_the_rest(void **state)
{
        const struct fixture *f = *state;
        char folder[] = "/tmp/mohr-test-lists-XXXXXX", problem[256] = "x", command[128];
        X509 *anchors[] = { f->pki->root, NULL };
        struct mohr_trust *trust = testpki_trust(anchors);
        assert_non_null(mkdtemp(folder));
        struct testlists_bytes crl = testlists_crl(f->pki, &(struct testlists_crl){ 0 });
        struct testlists_bytes delta = testlists_crl(f->pki, &(struct testlists_crl){ .delta = 3 });
        struct testlists_bytes ocsp = testlists_ocsp(f->pki, &(struct testlists_ocsp){ 0 });
        put_file(folder, "b.crl", crl.der, crl.len);
        put_file(folder, "c.ocsp", ocsp.der, ocsp.len);
        put_file(folder, "readme.txt", "x", 1);
        assert_int_equal(mohr_trust_load_revocation(trust, folder, problem, sizeof problem), 0);
        assert_string_equal(problem, "");
        assert_int_equal(revocation_count(trust->revocation), 2);
        put_file(folder, "a.crl", delta.der, delta.len);
        mohr_trust_free(trust);
        trust = testpki_trust(anchors);
        assert_int_equal(mohr_trust_load_revocation(trust, folder, problem, sizeof problem),
                OUTCOME_INVALID);
        assert_non_null(strstr(problem, "a.crl: a delta CRL"));
        assert_int_equal(revocation_count(trust->revocation), 2);
        mohr_trust_free(trust);
        testlists_free(&crl);
        testlists_free(&delta);
        testlists_free(&ocsp);
        for (const char *const *name =
                        (const char *const[]){ "a.crl", "b.crl", "c.ocsp", "readme.txt", NULL };
                *name; name++) {
                snprintf(command, sizeof command, "%s/%s", folder, *name);
                unlink(command);
        }
        rmdir(folder);
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
                cmocka_unit_test(an_answer_of_the_issuer_says_good_revoked_or_unknown),
                cmocka_unit_test(a_delegate_answers_only_for_who_named_it),
                cmocka_unit_test(a_delegate_is_looked_up_in_the_issuers_lists),
                cmocka_unit_test(the_worst_word_wins_then_the_newest),
                cmocka_unit_test(the_policy_decides_what_not_knowing_means),
                cmocka_unit_test(a_clock_that_is_behind_unrevokes_nothing),
                cmocka_unit_test(the_verifier_says_what_it_rests_on),
                cmocka_unit_test(a_folder_gives_what_can_be_read_and_names_the_rest),
        };
        return cmocka_run_group_tests(tests, set_up, tear_down);
}

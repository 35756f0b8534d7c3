/* SPDX-License-Identifier: Apache-2.0 */
/* test_evidence.c: what is kept of an assertion, and that nothing in it can be changed: each byte flipped, with
 * and without a checksum made to fit; each part replaced by another that is good by itself; timestamps of
 * authorities that lie; the same inside a PDF.
 */
#include "client-sdk/evidence.h"
#include "tests/support/testlists.h"
#include "tests/support/testpki.h"
#include "tests/support/testtsa.h"

#include "base/outcome.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <cmocka.h>

#define AUD      "https://bank.example"
#define NONCE    "n-0S6_WzA2Mj"
#define RECEIVED (TESTPKI_NOW + 10)
#define YEAR     31536000L

struct fixture {
        struct testpki *pki;
        struct mohr_trust *trust;
        struct testtsa *tsa;
        char *assertion, *bundle, *stamped;
};

static const struct mohr_verify_options asked = { .audience = AUD, .nonce = NONCE, .at = RECEIVED };
static const struct mohr_verify_options later = { .at = TESTPKI_NOW + YEAR };

static char *sign_for(const struct testpki *pki, X509 *leaf)
{
        json_t *header = testpki_header("RS256", leaf, pki->ca, NULL),
               *payload = testpki_payload(TESTPKI_GIVEN, TESTPKI_FAMILY, "0099900007", false);
        char *jws = testpki_sign_json(header, payload, pki->leaf_key, "RS256");
        json_decref(header);
        json_decref(payload);
        return jws;
}

static char *make_on(struct mohr_trust *trust, const char *jws,
        const struct mohr_verify_options *terms, int want)
{
        struct mohr_result *result = NULL;
        char *bundle = NULL;
        assert_int_equal(
                mohr_evidence_make(trust, jws, strlen(jws), terms, &result, &bundle), want);
        assert_non_null(result);
        mohr_result_free(result);
        return bundle;
}

/* ---- judging ---- */

struct verdict {
        int outcome;
        enum mohr_reason reason;
        char detail[64];
        json_t *told; /* "evidence", or NULL */
        bool tells;
};

static struct verdict judge_by(struct mohr_trust *trust, const void *file, size_t len,
        const struct mohr_verify_options *terms, const struct mohr_trust *authorities)
{
        struct mohr_result *result = NULL;
        struct verdict verdict = { 0 };
        verdict.outcome = mohr_evidence_verify(trust, file, len, terms, authorities, &result);
        assert_true(verdict.outcome >= 0);
        assert_non_null(result);
        verdict.reason = mohr_result_reason(result);
        verdict.tells = mohr_result_claim(result, "sub") != NULL;
        snprintf(verdict.detail, sizeof verdict.detail, "%s", mohr_result_detail(result));
        char *json = mohr_result_json(result);
        json_t *all = json_loads(json, 0, NULL);
        verdict.told = json_incref(json_object_get(all, "evidence"));
        if (verdict.outcome == OUTCOME_INVALID)
                assert_null(strstr(json, TESTPKI_GIVEN));
        json_decref(all);
        free(json);
        mohr_result_free(result);
        return verdict;
}

static struct verdict judge(struct fixture *f, const void *file, size_t len,
        const struct mohr_verify_options *terms, const struct mohr_trust *authorities)
{
        return judge_by(f->trust, file, len, terms, authorities);
}

static void expect_by(struct mohr_trust *trust, const char *what, const char *bundle,
        const struct mohr_verify_options *terms, const struct mohr_trust *authorities, int outcome,
        enum mohr_reason reason, const char *detail)
{
        struct verdict v = judge_by(trust, bundle, strlen(bundle), terms, authorities);
        json_decref(v.told);
        if (v.outcome != outcome || v.reason != reason ||
                (detail && strncmp(v.detail, detail, strlen(detail)) != 0))
                fail_msg("%s: %d %s (%s); expected %d %s (%s)", what, v.outcome,
                        mohr_reason_name(v.reason), v.detail, outcome, mohr_reason_name(reason),
                        detail ? detail : "");
}

static void refused(struct fixture *f, const char *what, const char *bundle,
        enum mohr_reason reason, const char *detail)
{
        expect_by(f->trust, what, bundle, &later, f->tsa->anchors, OUTCOME_INVALID, reason, detail);
}

static const char *told(const struct verdict *v, const char *name)
{
        const char *text = json_string_value(json_object_get(v->told, name));
        return text ? text : "";
}

/* ---- stamping ---- */

static int stamp(struct testtsa *tsa, const char *bundle, int64_t at, enum testtsa_lie lie,
        char **ret, char problem[static 256])
{
        unsigned char *request = NULL;
        size_t len = 0, answer_len = 0;
        problem[0] = '\0';
        assert_int_equal(
                mohr_evidence_timestamp_request(bundle, strlen(bundle), &request, &len), 0);
        unsigned char *answer = testtsa_answer(tsa, request, len, at, lie, &answer_len);
        int r = mohr_evidence_timestamp_add(bundle, strlen(bundle), request, len, answer,
                answer_len, tsa->anchors, at, ret, problem, 256);
        free(request);
        free(answer);
        return r;
}

static char *stamped_at(struct testtsa *tsa, const char *bundle, int64_t at)
{
        char problem[256], *stamped = NULL;
        if (stamp(tsa, bundle, at, TESTTSA_HONEST, &stamped, problem) != 0)
                fail_msg("%s", problem);
        return stamped;
}

/* A token added by hand, whoever made it. */
static char *forced(const char *bundle, struct testtsa *tsa, int64_t at, enum testtsa_lie lie)
{
        struct evidence e = { 0 };
        enum mohr_reason reason;
        const char *detail;
        unsigned char *request = NULL, *token = NULL;
        size_t len = 0, answer_len = 0;
        char why[256];
        assert_int_equal(evidence_read(bundle, strlen(bundle), &e, &reason, &detail), 0);
        assert_int_equal(reason, MOHR_REASON_OK);
        assert_int_equal(
                mohr_evidence_timestamp_request(bundle, strlen(bundle), &request, &len), 0);
        unsigned char *answer = testtsa_answer(tsa, request, len, at, lie, &answer_len);
        (void)why, (void)token;
        /* ResponseHeader: SEQUENCE, status SEQUENCE, then the token */
        size_t skip = answer[1] == 0x82 ? 4 : 3;
        skip += 2U + answer[skip + 1];
        json_array_append_new(e.timestamps, evidence_pack(answer + skip, answer_len - skip));
        char *file = evidence_file(e.content, e.timestamps, json_array_size(e.timestamps));
        evidence_clear(&e);
        free(request);
        free(answer);
        return file;
}

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

/* ---- flips ---- */

struct tally {
        unsigned int seen[MOHR_REASON_COUNT];
};

static void show(const char *what, const struct tally *tally)
{
        for (size_t i = 0; i < MOHR_REASON_COUNT; i++)
                if (tally->seen[i] > 0)
                        print_message("%s: %s %u times\n", what,
                                mohr_reason_name((enum mohr_reason)i), tally->seen[i]);
}

/* Every byte; under the sanitizer, which is slow and has the same branches, one in seven. */
#ifdef __SANITIZE_ADDRESS__
#define STEP 7
#else
#define STEP 1
#endif

static void flip_each(struct fixture *f, const unsigned char *file, size_t len,
        const struct mohr_trust *authorities, struct tally *tally)
{
        unsigned char *copy = malloc(len);
        memcpy(copy, file, len);
        for (size_t i = 0; i < len; i += STEP) {
                copy[i] ^= (unsigned char)(1U << (i / STEP % 8));
                struct verdict v = judge(f, copy, len, &later, authorities);
                if (v.outcome != OUTCOME_INVALID)
                        fail_msg("byte %zu of %zu: %d", i, len, v.outcome);
                tally->seen[v.reason]++;
                json_decref(v.told);
                copy[i] = file[i];
        }
        free(copy);
}

static void one_flipped_byte_anywhere_is_refused(void **state)
{
        struct fixture *f = *state;
        struct tally tally = { 0 };
        flip_each(f, (unsigned char *)f->stamped, strlen(f->stamped), NULL, &tally);
        show("bundle", &tally);
        assert_int_equal(
                tally.seen[MOHR_REASON_EVIDENCE_DAMAGED] + tally.seen[MOHR_REASON_EVIDENCE_FORM],
                (strlen(f->stamped) + STEP - 1) / STEP);
        assert_true(tally.seen[MOHR_REASON_EVIDENCE_FORM] < 64);
}

/* The checksum made to fit again: what a forger does who knows the format. */
static char *with_checksum(const char *text, size_t len)
{
        char sha256[65], *copy = strndup(text, len), *at = NULL;
        for (char *next = copy; (next = strstr(next, ",\"sha256\":\"")); next++)
                at = next;
        if (!at || strlen(at) < 76) {
                free(copy);
                return NULL;
        }
        char *body = strdup(copy);
        size_t before = (size_t)(at - copy);
        memmove(body + before, body + before + 76, strlen(body + before + 76) + 1);
        assert_true(mohr_evidence_digest(body, strlen(body), sha256));
        memcpy(at + 11, sha256, 64);
        free(body);
        return copy;
}

static void a_flip_with_a_fitting_checksum_is_refused_for_what_it_is(void **state)
{
        struct fixture *f = *state;
        struct tally tally = { 0 };
        size_t len = strlen(f->stamped);
        char *copy = strdup(f->stamped);
        for (size_t i = 0; i < len; i += 17 * STEP) {
                copy[i] ^= (char)(1U << (i / 17 % 7));
                char *forged = copy[i] ? with_checksum(copy, len) : NULL;
                if (forged && strcmp(forged, f->stamped) != 0) {
                        struct verdict v =
                                judge(f, forged, strlen(forged), &later, f->tsa->anchors);
                        if (v.outcome != OUTCOME_INVALID && v.outcome != 0)
                                fail_msg("byte %zu: %d", i, v.outcome);
                        if (v.outcome == 0) /* in what no signature of a token covers, at most */
                                assert_true(i > (size_t)(strstr(f->stamped, "\"timestamps\"") -
                                                         f->stamped));
                        tally.seen[v.reason]++;
                        json_decref(v.told);
                }
                free(forged);
                copy[i] = f->stamped[i];
        }
        free(copy);
        show("forged bundle", &tally);
        assert_true(tally.seen[MOHR_REASON_EVIDENCE_FORM] > 0);
        assert_true(tally.seen[MOHR_REASON_SIGNATURE] > 0);
        assert_true(tally.seen[MOHR_REASON_EVIDENCE_REPORT] > 0);
        assert_true(tally.seen[MOHR_REASON_TIMESTAMP] > 0);
}

/* ---- parts replaced by others ---- */

/* The bundle with a member of its content set to this JSON text, all else made to fit. */
static char *altered(const char *bundle, const char *name, const char *value)
{
        json_t *all = json_loads(bundle, 0, NULL), *content = json_object_get(all, "content");
        json_t *set = value ? json_loads(value, JSON_DECODE_ANY, NULL) : NULL;
        if (set)
                json_object_set_new(content, name, set);
        else
                json_object_del(content, name);
        char *text = evidence_file(content, json_object_get(all, "timestamps"),
                json_array_size(json_object_get(all, "timestamps")));
        json_decref(all);
        return text;
}

static void each_member_has_its_form(void **state)
{
        static const struct {
                const char *name, *value, *detail;
        } rows[] = {
                { "assertion", "1", "content" },
                { "assertion", NULL, "content" },
                { "chain", "[]", "chain" },
                { "chain", "[1]", "chain" },
                { "chain", "[\"a\",\"a\",\"a\",\"a\",\"a\",\"a\",\"a\",\"a\",\"a\"]", "chain" },
                { "chain", "[\"AAAA\"]", "chain" },
                { "chain", "[\"AAAA=\"]", "chain" },
                { "more", "1", "content" },
                { "received_at", "0", "received_at" },
                { "received_at", "-1", "received_at" },
                { "received_at", "253402300800", "received_at" },
                { "received_at", "1.0", "content" },
                { "report", "[]", "content" },
                { "report", NULL, "content" },
                { "revocation", "[\"AAAA\"]", "revocation" },
                { "revocation", "{}", "content" },
                { "terms", "{}", "terms" },
                { "terms",
                        "{\"expired\":\"refuse\",\"revocation\":\"off\",\"revocation_age_s\":0,"
                        "\"skew_s\":601}",
                        "terms" },
                { "terms",
                        "{\"expired\":\"maybe\",\"revocation\":\"off\",\"revocation_age_s\":0,"
                        "\"skew_s\":60}",
                        "terms" },
        };
        struct fixture *f = *state;
        for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
                char *text = altered(f->bundle, rows[i].name, rows[i].value);
                refused(f, rows[i].value ? rows[i].value : rows[i].name, text,
                        MOHR_REASON_EVIDENCE_FORM, rows[i].detail);
                free(text);
        }
}

static void each_part_is_judged(void **state)
{
        struct fixture *f = *state;
        char *other = sign_for(f->pki, f->pki->leaf), quoted[8200];
        other[strlen(other) - 10] ^= 1;
        snprintf(quoted, sizeof quoted, "\"%s\"", other);
        char *text = altered(f->bundle, "assertion", quoted);
        struct verdict v = judge(f, text, strlen(text), &later, NULL);
        assert_int_equal(v.outcome, OUTCOME_INVALID);
        assert_true(v.reason == MOHR_REASON_SIGNATURE || v.reason == MOHR_REASON_BASE64);
        free(text);
        free(other);
        text = altered(f->bundle, "received_at", "1795301267");
        refused(f, "a second later", text, MOHR_REASON_EVIDENCE_REPORT, NULL);
        free(text);
        text = altered(f->bundle, "received_at", "1795401267");
        refused(f, "a day later", text, MOHR_REASON_EXPIRED, NULL);
        free(text);
        text = altered(f->bundle, "report", "{}");
        refused(f, "no report", text, MOHR_REASON_EVIDENCE_REPORT, NULL);
        free(text);
        text = altered(f->bundle, "terms",
                "{\"audience\":\"https://other.example\",\"expired\":\"refuse\",\"revocation\":"
                "\"off\",\"revocation_age_s\":0,\"skew_s\":60}");
        refused(f, "other terms", text, MOHR_REASON_AUDIENCE, NULL);
        free(text);
        text = altered(f->bundle, "terms",
                "{\"audience\":\"https://bank.example\",\"expired\":\"refuse\",\"revocation\":"
                "\"off\",\"revocation_age_s\":0,\"skew_s\":60}");
        refused(f, "no nonce asked", text, MOHR_REASON_EVIDENCE_REPORT, NULL);
        free(text);
}

static void the_issuers_are_those_above_the_leaf(void **state)
{
        struct fixture *f = *state;
        json_t *all = json_loads(f->bundle, 0, NULL),
               *chain = json_object_get(json_object_get(all, "content"), "chain");
        json_t *root = json_incref(json_array_get(chain, 1));
        unsigned char *der = NULL;
        int len = i2d_X509(f->tsa->root, &der);
        json_array_set_new(chain, 1, evidence_pack(der, (size_t)len));
        char *value = json_dumps(chain, 0), *text = altered(f->bundle, "chain", value);
        refused(f, "another root", text, MOHR_REASON_EVIDENCE_CHAIN, NULL);
        free(value);
        free(text);
        json_array_set(chain, 1, root);
        json_array_append_new(chain, evidence_pack(der, (size_t)len));
        value = json_dumps(chain, 0), text = altered(f->bundle, "chain", value);
        refused(f, "something above the root", text, MOHR_REASON_EVIDENCE_CHAIN, NULL);
        free(value);
        free(text);
        json_array_remove(chain, 2);
        json_array_remove(chain, 0);
        value = json_dumps(chain, 0), text = altered(f->bundle, "chain", value);
        refused(f, "one left out", text, MOHR_REASON_EVIDENCE_CHAIN, NULL);
        free(value);
        free(text);
        OPENSSL_free(der);
        json_decref(root);
        json_decref(all);
}

static void a_file_is_told_by_what_it_holds(void **state)
{
        struct fixture *f = *state;
        char *copy = strdup(f->stamped);
        for (size_t i = 0; i < strlen(f->stamped); i++) {
                copy[i] ^= 1;
                assert_int_equal(mohr_form_of(copy, strlen(f->stamped)), MOHR_FORM_BUNDLE);
                copy[i] = f->stamped[i];
        }
        free(copy);
        assert_int_equal(mohr_form_of(f->assertion, strlen(f->assertion)), MOHR_FORM_ASSERTION);
        assert_int_equal(mohr_form_of("{\"payload\":\"\"}", 14), MOHR_FORM_ASSERTION);
        assert_int_equal(mohr_form_of("", 0), MOHR_FORM_ASSERTION);
        assert_int_equal(mohr_form_of("%PDF-1.4", 8), MOHR_FORM_RECEIPT);
}

static void other_spellings_are_refused(void **state)
{
        struct fixture *f = *state;
        static const char *const texts[] = { "{}", "{", "{\"sha256\":\"\"}",
                "{\"a\":1,\"sha256\":\"x\"}", "[]", "", "{\"content\":{},\"mohr_evidence\":1}" };
        for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
                struct verdict v = judge(f, texts[i], strlen(texts[i]), &later, NULL);
                assert_int_equal(v.outcome, OUTCOME_INVALID);
                assert_true(v.reason == MOHR_REASON_EVIDENCE_FORM ||
                            v.reason == MOHR_REASON_EVIDENCE_DAMAGED);
        }
        char *spaced = malloc(strlen(f->bundle) + 8), *forged;
        snprintf(spaced, strlen(f->bundle) + 8, "{ %s", f->bundle + 1);
        forged = with_checksum(spaced, strlen(spaced));
        refused(f, "a space", forged, MOHR_REASON_EVIDENCE_FORM, NULL);
        free(forged);
        snprintf(spaced, strlen(f->bundle) + 8, "%s\n", f->bundle);
        forged = with_checksum(spaced, strlen(spaced));
        refused(f, "a line end", forged, MOHR_REASON_EVIDENCE_FORM, NULL);
        free(forged);
        free(spaced);
        char *large = malloc(MOHR_EVIDENCE_MAX + 2);
        memset(large, ' ', MOHR_EVIDENCE_MAX + 1);
        large[0] = '{';
        large[MOHR_EVIDENCE_MAX + 1] = '\0';
        refused(f, "too large", large, MOHR_REASON_EVIDENCE_FORM, NULL);
        free(large);
}

/* ---- timestamps ---- */

static void a_timestamp_makes_the_time_somebody_elses_word(void **state)
{
        struct fixture *f = *state;
        struct verdict v = judge(f, f->stamped, strlen(f->stamped), &later, f->tsa->anchors);
        assert_int_equal(v.outcome, 0);
        assert_string_equal(told(&v, "basis"), "timestamp");
        const json_t *row = json_array_get(json_object_get(v.told, "timestamps"), 0);
        assert_string_equal(
                json_string_value(json_object_get(row, "authority")), "TEST Time Authority");
        assert_string_equal(json_string_value(json_object_get(row, "policy")), "1.2.3.4.1");
        assert_int_equal(json_integer_value(json_object_get(row, "accuracy_ms")), 1500);
        assert_true(json_is_true(json_object_get(row, "trusted")));
        json_decref(v.told);
        /* nobody to vouch: it is told, and not relied on */
        v = judge(f, f->stamped, strlen(f->stamped), &later, NULL);
        assert_int_equal(v.outcome, 0);
        assert_string_equal(told(&v, "basis"), "office");
        row = json_array_get(json_object_get(v.told, "timestamps"), 0);
        assert_true(json_is_false(json_object_get(row, "trusted")));
        json_decref(v.told);
        /* a day late: it proves that the file existed then, and no more */
        char *late = stamped_at(f->tsa, f->bundle, RECEIVED + 86400);
        v = judge(f, late, strlen(late), &later, f->tsa->anchors);
        assert_int_equal(v.outcome, 0);
        assert_string_equal(told(&v, "basis"), "office");
        json_decref(v.told);
        free(late);
        late = forced(f->bundle, f->tsa, RECEIVED - 3600, TESTTSA_HONEST);
        refused(f, "stamped before it was received", late, MOHR_REASON_EVIDENCE_TIME, "timestamp");
        free(late);
}

static void lying_authorities_are_not_believed(void **state)
{
        struct fixture *f = *state;
        static const struct {
                const char *what;
                struct testtsa_spec spec;
                enum testtsa_lie lie;
                const char *problem, *detail;
        } rows[] = {
                { "another imprint", { 0 }, TESTTSA_IMPRINT, "imprint", "1: imprint" },
                { "another nonce", { 0 }, TESTTSA_NONCE, "nonce", NULL },
                { "a refusal", { 0 }, TESTTSA_REFUSAL, "refused", NULL },
                { "a weak digest", { 0 }, TESTTSA_SHA1, "weak", "1: weak" },
                { "for servers", { .usage = "critical,serverAuth" }, TESTTSA_HONEST, "certificate",
                        "1: certificate" },
                { "for servers, too", { .usage = "critical,timeStamping,serverAuth" },
                        TESTTSA_HONEST, "certificate", "1: certificate" },
                { "not critical", { .usage = "timeStamping" }, TESTTSA_HONEST, "certificate",
                        "1: certificate" },
                { "for anything", { .usage = "" }, TESTTSA_HONEST, "certificate",
                        "1: certificate" },
                { "expired", { .from = TESTPKI_NOW - 900, .to = TESTPKI_NOW - 60 }, TESTTSA_HONEST,
                        "certificate", "1: certificate" },
        };
        for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
                struct testtsa *tsa = testtsa_new(&rows[i].spec);
                char problem[256], *text = NULL;
                int r = stamp(tsa, f->bundle, RECEIVED + 1, rows[i].lie, &text, problem);
                if (r != OUTCOME_INVALID ||
                        strncmp(problem, rows[i].problem, strlen(rows[i].problem)))
                        fail_msg("%s: %d %s", rows[i].what, r, problem);
                assert_null(text);
                if (rows[i].detail) {
                        text = forced(f->bundle, tsa, RECEIVED + 1, rows[i].lie);
                        expect_by(f->trust, rows[i].what, text, &later, tsa->anchors,
                                OUTCOME_INVALID, MOHR_REASON_TIMESTAMP, rows[i].detail);
                        free(text);
                }
                testtsa_free(tsa);
        }
        struct testtsa *stranger = testtsa_new(NULL);
        expect_by(f->trust, "somebody else's", f->stamped, &later, stranger->anchors,
                OUTCOME_INVALID, MOHR_REASON_TIMESTAMP, "1: certificate");
        testtsa_free(stranger);
}

static void a_renewal_outlives_the_first_authority(void **state)
{
        struct fixture *f = *state;
        struct testtsa *brief = testtsa_new(
                &(struct testtsa_spec){ .to = TESTPKI_NOW + YEAR, .root = "TEST Brief Root" });
        struct mohr_verify_options decade = { .at = TESTPKI_NOW + 4 * YEAR };
        struct mohr_trust *both = testpki_trust((X509 *[]){ brief->root, f->tsa->root, NULL });
        char *first = stamped_at(brief, f->bundle, RECEIVED + 1), sha256[65];
        expect_by(f->trust, "not renewed", first, &decade, both, OUTCOME_INVALID,
                MOHR_REASON_TIMESTAMP, "1: certificate");
        struct mohr_trust *kept = f->tsa->anchors;
        f->tsa->anchors = both;
        char *second = stamped_at(f->tsa, first, TESTPKI_NOW + YEAR / 2);
        char problem[256], *third = NULL;
        assert_int_equal(
                stamp(f->tsa, first, TESTPKI_NOW + 2 * YEAR, TESTTSA_HONEST, &third, problem),
                OUTCOME_INVALID); /* too late */
        assert_non_null(strstr(problem, "earlier"));
        f->tsa->anchors = kept;
        struct verdict v = judge(f, second, strlen(second), &decade, both);
        assert_int_equal(v.outcome, 0);
        assert_string_equal(told(&v, "basis"), "timestamp");
        const json_t *earlier = json_object_get(v.told, "earlier");
        assert_int_equal(json_array_size(earlier), 2);
        assert_true(mohr_evidence_digest(f->bundle, strlen(f->bundle), sha256));
        assert_string_equal(json_string_value(json_array_get(earlier, 0)), sha256);
        assert_true(mohr_evidence_digest(first, strlen(first), sha256));
        assert_string_equal(json_string_value(json_array_get(earlier, 1)), sha256);
        json_decref(v.told);
        expect_by(f->trust, "the first is unknown now", second, &decade, f->tsa->anchors,
                OUTCOME_INVALID, MOHR_REASON_TIMESTAMP, "1: certificate");
        free(first);
        free(second);
        testtsa_free(brief);
        mohr_trust_free(both);
}

static void timestamps_come_in_order(void **state)
{
        struct fixture *f = *state;
        char *second = forced(f->stamped, f->tsa, RECEIVED - 7200, TESTTSA_HONEST);
        refused(f, "older than what it seals", second, MOHR_REASON_TIMESTAMP, "1: ");
        free(second);
        char *text = forced(f->bundle, f->tsa, RECEIVED + 1, TESTTSA_HONEST);
        json_t *all = json_loads(text, 0, NULL), *list = json_object_get(all, "timestamps");
        json_array_append(list, json_array_get(list, 0));
        char *twice = evidence_file(json_object_get(all, "content"), list, 2);
        refused(f, "the same again", twice, MOHR_REASON_TIMESTAMP, "2: imprint");
        free(twice);
        while (json_array_size(list) < 17)
                json_array_append(list, json_array_get(list, 0));
        twice = evidence_file(json_object_get(all, "content"), list, 17);
        refused(f, "seventeen", twice, MOHR_REASON_EVIDENCE_FORM, "timestamps");
        free(twice);
        json_array_clear(list);
        json_array_append_new(list, json_string("MAA="));
        twice = evidence_file(json_object_get(all, "content"), list, 1);
        refused(f, "no token", twice, MOHR_REASON_TIMESTAMP, "1: form");
        free(twice);
        free(text);
        json_decref(all);
}

/* ---- the PDF ---- */

/* As cairo writes one, but for what there is to see. */
static char *small_pdf(void)
{
        char *text = NULL, body[512], rows[128];
        int one = snprintf(body, sizeof body, "%%PDF-1.4\n%%\xB5\xED\xAE\xFB\n");
        int two =
                one + snprintf(body + one, sizeof body - (size_t)one,
                              "1 0 obj\n<< /Type /Pages\n   /Kids [ ]\n   /Count 0\n>>\nendobj\n");
        int three = two + snprintf(body + two, sizeof body - (size_t)two,
                                  "2 0 obj\n<< /Producer (test)\n>>\nendobj\n");
        int xref = three + snprintf(body + three, sizeof body - (size_t)three,
                                   "3 0 obj\n<< /Type /Catalog\n   /Pages 1 0 R\n>>\nendobj\n");
        snprintf(rows, sizeof rows, "%010d 00000 n \n%010d 00000 n \n%010d 00000 n \n", one, two,
                three);
        assert_true(asprintf(&text,
                            "%sxref\n0 4\n0000000000 65535 f \n%strailer\n<< /Size 4\n"
                            "   /Root 3 0 R\n   /Info 2 0 R\n>>\nstartxref\n%d\n%%%%EOF\n",
                            body, rows, xref) > 0);
        return text;
}

static void a_receipt_holds_the_very_bundle(void **state)
{
        struct fixture *f = *state;
        char *page = small_pdf();
        unsigned char *pdf = NULL;
        size_t len = 0, found_len = 0;
        const char *found = NULL;
        struct tally tally = { 0 };
        assert_int_equal(
                mohr_receipt_embed(page, strlen(page), f->stamped, strlen(f->stamped), &pdf, &len),
                0);
        assert_int_equal(mohr_form_of(pdf, len), MOHR_FORM_RECEIPT);
        assert_int_equal(mohr_receipt_extract(pdf, len, &found, &found_len), 0);
        assert_int_equal(found_len, strlen(f->stamped));
        assert_memory_equal(found, f->stamped, found_len);
        struct verdict v = judge(f, pdf, len, &later, f->tsa->anchors);
        assert_int_equal(v.outcome, 0);
        assert_string_equal(told(&v, "form"), "receipt");
        json_decref(v.told);
        flip_each(f, pdf, len, NULL, &tally);
        show("receipt", &tally);
        assert_true(tally.seen[MOHR_REASON_EVIDENCE_PDF] > strlen(page) / STEP);
        assert_true(tally.seen[MOHR_REASON_EVIDENCE_DAMAGED] > (strlen(f->stamped) - 64) / STEP);
        assert_int_equal(mohr_receipt_extract(pdf, len - 1, &found, &found_len), OUTCOME_INVALID);
        assert_int_equal(
                mohr_receipt_extract(page, strlen(page), &found, &found_len), OUTCOME_INVALID);
        unsigned char *twice = NULL;
        assert_int_equal(mohr_receipt_embed(pdf, len, f->bundle, strlen(f->bundle), &twice, &len),
                OUTCOME_INVALID);
        assert_null(twice);
        free(pdf);
        free(page);
}

static void other_pdfs_are_not_taken(void **state)
{
        static const struct {
                const char *from, *to;
        } rows[] = {
                { "%PDF-1.", "%PDF-2." },
                { "/Type /Catalog", "/Names << >>  " },
                { "/Root 3", "/Root 9" },
                { "/Root 3", "/Root 2" },
                { "/Size 4", "/Size 5" },
                { "/Size 4", "/Prev 4" },
                { "0 4\n", "1 4\n" },
                { "0 4\n", "0 9\n" },
                { "startxref\n", "startxreg\n" },
                { "%%EOF\n", "%%EOF " },
                { "3 0 obj", "4 0 obj" },
        };
        struct fixture *f = *state;
        for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
                char *page = small_pdf(), *at = strstr(page, rows[i].from);
                unsigned char *pdf = NULL;
                size_t len = 0;
                assert_non_null(at);
                if (strcmp(rows[i].from, "3 0 obj") == 0)
                        at = strstr(page, "\n3 0 obj") + 1;
                memcpy(at, rows[i].to, strlen(rows[i].from));
                int r = mohr_receipt_embed(
                        page, strlen(page), f->bundle, strlen(f->bundle), &pdf, &len);
                if (r != OUTCOME_INVALID)
                        fail_msg("%s: %d", rows[i].to, r);
                free(page);
        }
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

/* ---- fixture ---- */

static int setup(void **state)
{
        struct fixture *f = calloc(1, sizeof *f);
        f->pki = testpki_new();
        f->trust = testpki_trust((X509 *[]){ f->pki->root, NULL });
        f->tsa = testtsa_new(NULL);
        f->assertion = sign_for(f->pki, f->pki->leaf);
        f->bundle = make_on(f->trust, f->assertion, &asked, 0);
        assert_non_null(f->bundle);
        f->stamped = stamped_at(f->tsa, f->bundle, RECEIVED + 1);
        *state = f;
        return 0;
}

static int teardown(void **state)
{
        struct fixture *f = *state;
        testpki_free(f->pki);
        testtsa_free(f->tsa);
        mohr_trust_free(f->trust);
        free(f->assertion);
        free(f->bundle);
        free(f->stamped);
        free(f);
        return 0;
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
                cmocka_unit_test(one_flipped_byte_anywhere_is_refused),
                cmocka_unit_test(a_flip_with_a_fitting_checksum_is_refused_for_what_it_is),
                cmocka_unit_test(each_member_has_its_form),
                cmocka_unit_test(each_part_is_judged),
                cmocka_unit_test(the_issuers_are_those_above_the_leaf),
                cmocka_unit_test(a_file_is_told_by_what_it_holds),
                cmocka_unit_test(other_spellings_are_refused),
                cmocka_unit_test(a_timestamp_makes_the_time_somebody_elses_word),
                cmocka_unit_test(lying_authorities_are_not_believed),
                cmocka_unit_test(a_renewal_outlives_the_first_authority),
                cmocka_unit_test(timestamps_come_in_order),
                cmocka_unit_test(a_receipt_holds_the_very_bundle),
                cmocka_unit_test(other_pdfs_are_not_taken),
                cmocka_unit_test(names_match_however_they_were_typed),
        };
        return cmocka_run_group_tests_name("evidence", tests, setup, teardown);
}

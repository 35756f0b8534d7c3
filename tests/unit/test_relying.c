/* SPDX-License-Identifier: Apache-2.0 */
/* test_relying.c: what a relying party decides for itself: which answer came before, whose clock counts,
 * whether an expired certificate does, which issuers it knows; and what the result says of each.
 */
#include "client-sdk/seen.h"
#include "tests/unit/verify_talk.h"

/* ---- replays ---- */

struct asked {
        int calls, answer;
        char key[SEEN_KEY_LEN + 1];
        int64_t now, until;
};

static int note(void *user, const char *key, int64_t now, int64_t until)
{
        struct asked *asked = user;
        asked->calls++;
        snprintf(asked->key, sizeof asked->key, "%s", key);
        asked->now = now;
        asked->until = until;
        return asked->answer;
}

static void a_second_answer_to_one_question_is_a_replay(void **state)
{
        struct fixture *f = *state;
        struct mohr_replay *memory = NULL;
        struct mohr_verify_options options = strict;
        json_t *other = good_payload(), *question = good_payload(), *json;
        json_object_set_new(other, "jti", json_string("ffffffffffffffffffffffffffffffff"));
        json_object_set_new(question, "nonce", json_string("another-question"));
        char *jws[] = { signed_by_leaf(f, f->pki->leaf, good_payload()),
                signed_by_leaf(f, f->pki->leaf, other), signed_by_leaf(f, f->pki->leaf, question) };
        assert_int_equal(mohr_replay_memory_new(&memory, 8), 0);
        options.replay = memory;
        assert_int_equal(verify_json(f->trust, jws[0], &options, &json), 0);
        assert_true(lists(json, "checked", "replay"));
        json_decref(json);
        expect_told(f->trust, jws[0], &options, "replayed", OUTCOME_INVALID);
        expect_told(f->trust, jws[1], &options, "replayed", OUTCOME_INVALID);
        expect_told(f->trust, jws[0], &strict, "ok", 0); /* who does not ask is not told */
        options.nonce = "another-question";
        expect_told(f->trust, jws[2], &options, "ok", 0);
        assert_null(mohr_replay_memory_free(memory));
        for (size_t i = 0; i < ARRAY_LEN(jws); i++)
                free(jws[i]);
}

static void only_what_holds_is_remembered(void **state)
{
        struct fixture *f = *state;
        struct asked asked = { 0 };
        const struct mohr_replay store = { note, &asked };
        struct mohr_verify_options options = strict;
        json_t *forged = good_payload();
        json_object_set_new(forged, "given_name", json_string("x"));
        char *jws = signed_by_leaf(f, f->pki->leaf, good_payload()),
             *bad = signed_by_leaf(f, f->pki->leaf, forged);
        options.replay = &store;
        expect_told(f->trust, bad, &options, "name-mismatch", OUTCOME_INVALID);
        options.nonce = "something-else";
        expect_told(f->trust, jws, &options, "nonce-mismatch", OUTCOME_INVALID);
        options = (struct mohr_verify_options){ .at = TESTPKI_NOW + 360, .replay = &store };
        expect_told(f->trust, jws, &options, "expired", OUTCOME_INVALID);
        assert_int_equal(asked.calls, 0);
        options.at--;
        expect_told(f->trust, jws, &options, "ok", 0);
        assert_int_equal(asked.calls, 1);
        assert_int_equal(strspn(asked.key, "0123456789abcdef"), SEEN_KEY_LEN);
        assert_int_equal(asked.now, TESTPKI_NOW + 359);
        assert_int_equal(asked.until, TESTPKI_NOW + 360);
        free(jws);
        free(bad);
}

static void a_store_that_cannot_tell_is_never_a_yes(void **state)
{
        struct fixture *f = *state;
        struct asked asked = { .answer = -EIO };
        const struct mohr_replay store = { note, &asked };
        struct mohr_verify_options options = strict;
        char *jws = signed_by_leaf(f, f->pki->leaf, good_payload());
        json_t *json;
        options.replay = &store;
        assert_int_equal(verify_json(f->trust, jws, &options, &json), -EIO);
        assert_int_equal(asked.calls, 1);
        asked.answer = 7;
        expect_told(f->trust, jws, &options, "replayed", OUTCOME_INVALID);
        free(jws);
}

static void an_expired_leaf_uses_a_question_up_only_if_it_is_told(void **state)
{
        static const struct {
                enum mohr_expired expired;
                int calls;
        } rows[] = { { MOHR_EXPIRED_REFUSE, 0 }, { MOHR_EXPIRED_REPORT, 1 },
                { MOHR_EXPIRED_ACCEPT, 1 } };
        struct fixture *f = *state;
        X509 *leaf = testpki_issue(f->pki, &(struct testpki_spec){ .to = TESTPKI_NOW - 60 });
        json_t *payload = good_payload();
        json_object_set_new(json_object_get(payload, "card"), "certificate_expiry",
                json_string("2026-11-21T22:46:36Z"));
        char *jws = signed_by_leaf(f, leaf, payload);
        for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
                struct asked asked = { 0 };
                const struct mohr_replay store = { note, &asked };
                struct mohr_verify_options options = strict;
                json_t *json;
                options.replay = &store;
                options.expired = rows[i].expired;
                bool accept = rows[i].expired == MOHR_EXPIRED_ACCEPT;
                assert_int_equal(verify_json(f->trust, jws, &options, &json),
                        accept ? 0 : OUTCOME_CERTIFICATE_EXPIRED);
                assert_int_equal(asked.calls, rows[i].calls);
                assert_int_equal(lists(json, "accepted", "certificate-expiry"), accept);
                assert_int_equal(lists(json, "checked", "certificate-expiry"), !accept);
                assert_false(lists(json, "not_checked", "certificate-expiry"));
                assert_false(lists(json, "accepted", "issuer-expiry"));
                assert_int_equal(json_is_true(json_object_get(
                                         json_object_get(json, "certificate"), "expired")),
                        rows[i].expired != MOHR_EXPIRED_REFUSE);
                json_decref(json);
        }
        free(jws);
        X509_free(leaf);
}

static void an_issuer_that_expired_too_is_said(void **state)
{
        struct fixture *f = *state;
        struct mohr_verify_options options = strict;
        X509 *ca = testpki_issue_ca(f->pki, "IRAN Digital Citizen CA 2016 17", TESTPKI_NOW - 1000,
                TESTPKI_NOW - 30, f->pki->root, f->pki->root_key, f->pki->ca_key,
                "critical,CA:TRUE");
        X509 *leaf = testpki_issue(f->pki, &(struct testpki_spec){ .to = TESTPKI_NOW - 60 });
        json_t *header = testpki_header("RS256", leaf, ca, NULL), *payload = good_payload(), *json;
        json_object_set_new(json_object_get(payload, "card"), "certificate_expiry",
                json_string("2026-11-21T22:46:36Z"));
        char *jws = testpki_sign_json(header, payload, f->pki->leaf_key, "RS256");
        options.expired = MOHR_EXPIRED_ACCEPT;
        assert_int_equal(verify_json(f->trust, jws, &options, &json), 0);
        assert_true(lists(json, "accepted", "issuer-expiry"));
        json_decref(json);
        json_decref(header);
        json_decref(payload);
        free(jws);
        X509_free(leaf);
        X509_free(ca);
}

/* ---- clocks ---- */

static char *of_wrong_clock(struct fixture *f, int64_t iat, int64_t nbf)
{
        json_t *payload = good_payload();
        json_object_set_new(payload, "iat", json_integer(iat));
        json_object_set_new(payload, "exp", json_integer(iat + 300));
        json_object_set_new(payload, "auth_time", json_integer(iat - 5));
        if (nbf > 0)
                json_object_set_new(payload, "nbf", json_integer(nbf));
        json_object_set_new(payload, "clock", json_pack("{s:b}", "synchronised", 0));
        return signed_by_leaf(f, f->pki->leaf, payload);
}

static void a_wrong_clock_is_forgiven_to_a_quick_answer(void **state)
{
        const int64_t now = TESTPKI_NOW, year = 31536000;
        const struct {
                int64_t iat, nbf, asked_at, at;
                const char *reason, *times_by;
        } rows[] = {
                { now - year, 0, now, now + 10, "ok", "verifier-clock" },
                { now + year, 0, now, now + 10, "ok", "verifier-clock" },
                { 10, 0, now, now + 359, "ok", "verifier-clock" },
                { now, 0, now, now + 360, "clock", "" },
                { now, 0, now, now - 60, "ok", "verifier-clock" },
                { now, 0, now, now - 61, "clock", "" }, /* before it was asked */
                { now + year, now + year, now, now + 10, "ok", "verifier-clock" },
                { now + year, now + year + 1, now, now + 10, "not-yet-valid", "" },
                { now, 0, 0, now + 10, "ok", "unsynchronised-station-clock" },
                { now - year, 0, 0, now + 10, "expired", "" },
                { now + year, 0, 0, now + 10, "not-yet-valid", "" },
        };
        struct fixture *f = *state;
        for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
                struct mohr_verify_options options = strict;
                char *jws = of_wrong_clock(f, rows[i].iat, rows[i].nbf);
                json_t *json;
                options.at = rows[i].at;
                options.asked_at = rows[i].asked_at;
                int r = verify_json(f->trust, jws, &options, &json);
                if (strcmp(told(json, "verification", "reason"), rows[i].reason) != 0 ||
                        strcmp(told(json, "verification", "times_by"), rows[i].times_by) != 0)
                        fail_msg("row %zu: %s, %s", i, told(json, "verification", "reason"),
                                told(json, "verification", "times_by"));
                assert_int_equal(r, strcmp(rows[i].reason, "ok") == 0 ? 0 : OUTCOME_INVALID);
                json_decref(json);
                free(jws);
        }
}

static void without_a_nonce_that_was_checked_no_clock_is_forgiven(void **state)
{
        struct fixture *f = *state;
        struct mohr_verify_options options = strict;
        char *jws = of_wrong_clock(f, TESTPKI_NOW - 31536000, 0);
        options.asked_at = TESTPKI_NOW;
        expect_told(f->trust, jws, &options, "ok", 0);
        options.nonce = NULL;
        expect_told(f->trust, jws, &options, "expired", OUTCOME_INVALID);
        free(jws);
}

static void a_clock_that_is_called_right_is_held_to_it(void **state)
{
        struct fixture *f = *state;
        struct mohr_verify_options options = strict;
        char *jws = signed_by_leaf(f, f->pki->leaf, good_payload());
        json_t *json;
        options.asked_at = TESTPKI_NOW + 300;
        options.at = TESTPKI_NOW + 400;
        expect_told(f->trust, jws, &options, "expired", OUTCOME_INVALID);
        options.at = TESTPKI_NOW + 10;
        assert_int_equal(verify_json(f->trust, jws, &options, &json), 0);
        assert_string_equal(told(json, "verification", "times_by"), "station-clock");
        json_decref(json);
        free(jws);
}

static void a_store_keeps_what_came_by_the_own_clock_as_long_as_that_says(void **state)
{
        struct fixture *f = *state;
        struct asked asked = { 0 };
        const struct mohr_replay store = { note, &asked };
        struct mohr_verify_options options = strict;
        char *jws = of_wrong_clock(f, 10, 0);
        options.asked_at = TESTPKI_NOW - 20;
        options.replay = &store;
        expect_told(f->trust, jws, &options, "ok", 0);
        assert_int_equal(asked.until, TESTPKI_NOW - 20 + 300 + 60);
        free(jws);
}

/* ---- issuers known beforehand ---- */

static int load_issuers(struct mohr_trust *trust, X509 *const *certs, char *problem)
{
        char path[] = "/tmp/mohr-issuers-XXXXXX";
        int fd = mkstemp(path);
        assert_true(fd >= 0);
        close(fd);
        testpki_write_pem(path, certs);
        int r = mohr_trust_load_issuers(trust, path, problem, 256);
        unlink(path);
        return r;
}

static char *with_leaf_only(struct fixture *f)
{
        json_t *header = testpki_header("RS256", f->pki->leaf, NULL, NULL),
               *payload = good_payload();
        char *jws = testpki_sign_json(header, payload, f->pki->leaf_key, "RS256");
        json_decref(header);
        json_decref(payload);
        return jws;
}

static void a_known_issuer_need_not_come_along(void **state)
{
        struct fixture *f = *state;
        struct mohr_trust *trust = testpki_trust((X509 *[]){ f->pki->root, NULL });
        char problem[256] = "x", *alone = with_leaf_only(f),
             *whole = signed_by_leaf(f, f->pki->leaf, good_payload());
        expect_told(trust, alone, &strict, "untrusted", OUTCOME_INVALID);
        assert_int_equal(load_issuers(trust, (X509 *[]){ f->pki->ca, NULL }, problem), 0);
        assert_string_equal(problem, "");
        for (int i = 0; i < 2; i++) {
                expect_told(trust, alone, &strict, "ok", 0);
                expect_told(trust, whole, &strict, "ok", 0);
        }
        assert_int_equal(
                load_issuers(trust, (X509 *[]){ f->pki->ca, NULL }, problem), OUTCOME_INVALID);
        mohr_trust_free(trust);
        free(alone);
        free(whole);
}

static void a_known_issuer_is_no_anchor(void **state)
{
        struct fixture *f = *state;
        struct testpki *pki = f->pki;
        X509 *own = testpki_issue_ca(pki, "Root of its own TEST", TESTPKI_NOW - 9,
                TESTPKI_NOW + 999, NULL, pki->other_key, pki->other_key, "critical,CA:TRUE");
        X509 *twin = testpki_issue_ca(pki, "IRAN Digital Citizen CA 2016 17", TESTPKI_NOW - 9,
                TESTPKI_NOW + 999, own, pki->other_key, pki->other_key, "critical,CA:TRUE");
        X509 *leaf = testpki_issue(
                pki, &(struct testpki_spec){ .issuer = twin, .issuer_key = pki->other_key });
        struct mohr_trust *trust = testpki_trust((X509 *[]){ pki->root, NULL });
        char problem[256] = "", *good = with_leaf_only(f);
        json_t *header = testpki_header("RS256", leaf, NULL, NULL), *payload = good_payload();
        char *jws = testpki_sign_json(header, payload, pki->leaf_key, "RS256");
        assert_int_equal(load_issuers(trust, (X509 *[]){ own, twin, pki->ca, NULL }, problem), 0);
        assert_non_null(strstr(problem, ": 2 left out"));
        expect_told(
                trust, jws, &strict, "chain-invalid", OUTCOME_INVALID); /* the genuine CA's name */
        expect_told(trust, good, &strict, "ok", 0);
        json_decref(header);
        json_decref(payload);
        free(jws);
        free(good);
        mohr_trust_free(trust);
        X509_free(own);
        X509_free(twin);
        X509_free(leaf);
}

static void issuers_are_loaded_whole_or_not_at_all(void **state)
{
        struct fixture *f = *state;
        struct mohr_trust *trust = testpki_trust((X509 *[]){ f->pki->root, NULL });
        char problem[256] = "", *alone = with_leaf_only(f);
        assert_int_equal(load_issuers(trust, (X509 *[]){ f->pki->ca, f->pki->leaf, NULL }, problem),
                OUTCOME_INVALID);
        assert_non_null(strstr(problem, "not a CA's"));
        expect_told(trust, alone, &strict, "untrusted", OUTCOME_INVALID);
        assert_int_equal(
                mohr_trust_load_issuers(trust, "/nonexistent/folder", problem, sizeof problem), 0);
        expect_told(trust, alone, &strict, "untrusted", OUTCOME_INVALID);
        mohr_trust_free(trust);
        free(alone);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(a_second_answer_to_one_question_is_a_replay),
                cmocka_unit_test(only_what_holds_is_remembered),
                cmocka_unit_test(a_store_that_cannot_tell_is_never_a_yes),
                cmocka_unit_test(an_expired_leaf_uses_a_question_up_only_if_it_is_told),
                cmocka_unit_test(an_issuer_that_expired_too_is_said),
                cmocka_unit_test(a_wrong_clock_is_forgiven_to_a_quick_answer),
                cmocka_unit_test(without_a_nonce_that_was_checked_no_clock_is_forgiven),
                cmocka_unit_test(a_clock_that_is_called_right_is_held_to_it),
                cmocka_unit_test(a_store_keeps_what_came_by_the_own_clock_as_long_as_that_says),
                cmocka_unit_test(a_known_issuer_need_not_come_along),
                cmocka_unit_test(a_known_issuer_is_no_anchor),
                cmocka_unit_test(issuers_are_loaded_whole_or_not_at_all),
        };
        return cmocka_run_group_tests(tests, set_up, tear_down);
}

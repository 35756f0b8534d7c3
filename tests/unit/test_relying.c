/* SPDX-License-Identifier: Apache-2.0 */
/* test_relying.c: what a relying party decides for itself: which answer came before, whose clock counts,
 * whether an expired certificate does, which issuers it knows; and what the result says of each.
 */
#include "client-sdk/mohr.h"
#include "client-sdk/seen.h"
#include "tests/support/testpki.h"

#include "base/base.h"
#include "base/outcome.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
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

static char *signed_by_leaf(struct fixture *f, X509 *leaf, json_t *payload)
{
        json_t *header = testpki_header("RS256", leaf, f->pki->ca, NULL);
        char *jws = testpki_sign_json(header, payload, f->pki->leaf_key, "RS256");
        json_decref(header);
        json_decref(payload);
        return jws;
}

static json_t *good_payload(void)
{
        return testpki_payload(TESTPKI_GIVEN, TESTPKI_FAMILY, "0099900007", false);
}

/* Verifies and frees nothing but the result; the parsed JSON is the caller's. */
static int verify_json(struct mohr_trust *trust, const char *jws,
        const struct mohr_verify_options *options, json_t **ret_json)
{
        struct mohr_result *result = NULL;
        int r = mohr_verify(trust, jws, strlen(jws), options, &result);
        *ret_json = NULL;
        if (r < 0) {
                assert_null(result);
                return r;
        }
        char *text = mohr_result_json(result);
        *ret_json = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
        assert_non_null(*ret_json);
        free(text);
        mohr_result_free(result);
        return r;
}

static json_t *verification(const json_t *json)
{
        return json_object_get(json, "verification");
}

static const char *told(const json_t *json, const char *where, const char *name)
{
        const char *text = json_string_value(json_object_get(json_object_get(json, where), name));
        return text ? text : "";
}

static bool lists(const json_t *json, const char *list, const char *name)
{
        const json_t *names = json_object_get(verification(json), list);
        for (size_t i = 0; i < json_array_size(names); i++)
                if (strcmp(json_string_value(json_array_get(names, i)), name) == 0)
                        return true;
        return false;
}

static void expect(struct mohr_trust *trust, const char *jws,
        const struct mohr_verify_options *options, const char *reason, int outcome)
{
        json_t *json;
        int r = verify_json(trust, jws, options, &json);
        const char *got = told(json, "verification", "reason");
        if (r != outcome || strcmp(got, reason) != 0)
                fail_msg("%s, %d; expected %s, %d", got, r, reason, outcome);
        json_decref(json);
}

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
        expect(f->trust, jws[0], &options, "replayed", OUTCOME_INVALID);
        expect(f->trust, jws[1], &options, "replayed", OUTCOME_INVALID);
        expect(f->trust, jws[0], &strict, "ok", 0); /* who does not ask is not told */
        options.nonce = "another-question";
        expect(f->trust, jws[2], &options, "ok", 0);
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
        expect(f->trust, bad, &options, "name-mismatch", OUTCOME_INVALID);
        options.nonce = "something-else";
        expect(f->trust, jws, &options, "nonce-mismatch", OUTCOME_INVALID);
        options = (struct mohr_verify_options){ .at = TESTPKI_NOW + 360, .replay = &store };
        expect(f->trust, jws, &options, "expired", OUTCOME_INVALID);
        assert_int_equal(asked.calls, 0);
        options.at--;
        expect(f->trust, jws, &options, "ok", 0);
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
        expect(f->trust, jws, &options, "replayed", OUTCOME_INVALID);
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

/* ---- the memory of replays ---- */

static void key_of(char key[SEEN_KEY_LEN + 1], int number)
{
        char nonce[16];
        snprintf(nonce, sizeof nonce, "%d", number);
        assert_int_equal(seen_key("sub", AUD, nonce, key), 0);
}

static int take(const struct mohr_replay *store, int number, int64_t now, int64_t until)
{
        char key[SEEN_KEY_LEN + 1];
        key_of(key, number);
        return store->take(store->user, key, now, until);
}

static void a_memory_forgets_nothing_that_lives(void **state)
{
        struct mohr_replay *store = NULL;
        (void)state;
        assert_int_equal(mohr_replay_memory_new(&store, 4), 0);
        for (int i = 0; i < 4; i++)
                assert_int_equal(take(store, i, 100, 200 + i), 0);
        assert_int_equal(take(store, 4, 100, 300), -ENOSPC);
        assert_int_equal(take(store, 4, 199, 300), -ENOSPC);
        for (int i = 0; i < 4; i++)
                assert_int_equal(take(store, i, 199, 200 + i), 1);
        assert_int_equal(take(store, 4, 200, 300), 0); /* 0 has ended: room for one */
        assert_int_equal(take(store, 5, 200, 300), -ENOSPC);
        assert_int_equal(take(store, 3, 202, 203), 1);
        assert_int_equal(take(store, 5, 202, 300), 0);
        assert_int_equal(take(store, 0, 199, 200), -ESTALE); /* the clock went back: who knows */
        assert_int_equal(take(store, 9, 199, 202), -ESTALE);
        assert_int_equal(take(store, 3, 199, 203), 1);
        assert_null(mohr_replay_memory_free(store));
}

static void a_memory_stays_right_while_it_is_full_and_renewed(void **state)
{
        enum { CAP = 64, ROUNDS = 4000, LIFE = 50 };
        struct mohr_replay *store = NULL;
        (void)state;
        assert_int_equal(mohr_replay_memory_new(&store, CAP), 0);
        for (int i = 0; i < ROUNDS; i++) { /* one a second, each lives for 50: never over 64 */
                assert_int_equal(take(store, i, i, i + LIFE), 0);
                int back = i - i % LIFE > 0 ? i - LIFE + 1 : 0;
                assert_int_equal(take(store, back, i, back + LIFE), 1);
                assert_int_equal(take(store, i, i, i + LIFE), 1);
        }
        assert_null(mohr_replay_memory_free(store));
}

static void a_memory_takes_no_nonsense(void **state)
{
        static const char *const keys[] = { "", "ab", "zz",
                "00112233445566778899aabbccddeeff00112233445566778899aabbccddeef",
                "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff00" };
        struct mohr_replay *store = NULL;
        (void)state;
        assert_int_equal(mohr_replay_memory_new(&store, 0), -EINVAL);
        assert_int_equal(mohr_replay_memory_new(&store, SIZE_MAX), -EINVAL);
        assert_null(store);
        assert_int_equal(mohr_replay_memory_new(&store, 1), 0);
        for (size_t i = 0; i < ARRAY_LEN(keys); i++)
                assert_int_equal(store->take(store->user, keys[i], 1, 2), -EINVAL);
        assert_null(mohr_replay_memory_free(store));
        assert_null(mohr_replay_memory_free(NULL));
}

static void each_part_of_a_key_counts(void **state)
{
        static const struct {
                const char *sub, *aud, *nonce;
        } rows[] = { { "a", "b", "c" }, { "x", "b", "c" }, { "a", "x", "c" }, { "a", "b", "x" },
                { "ab", "", "c" }, { "", "ab", "c" }, { "a", "bc", "" } };
        char keys[ARRAY_LEN(rows)][SEEN_KEY_LEN + 1], longest[2000];
        (void)state;
        for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
                assert_int_equal(seen_key(rows[i].sub, rows[i].aud, rows[i].nonce, keys[i]), 0);
                for (size_t k = 0; k < i; k++)
                        assert_string_not_equal(keys[i], keys[k]);
        }
        memset(longest, 'x', sizeof longest);
        longest[sizeof longest - 1] = '\0';
        assert_int_equal(seen_key("a", longest, "c", keys[0]), -EINVAL);
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
        expect(f->trust, jws, &options, "ok", 0);
        options.nonce = NULL;
        expect(f->trust, jws, &options, "expired", OUTCOME_INVALID);
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
        expect(f->trust, jws, &options, "expired", OUTCOME_INVALID);
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
        expect(f->trust, jws, &options, "ok", 0);
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
        expect(trust, alone, &strict, "untrusted", OUTCOME_INVALID);
        assert_int_equal(load_issuers(trust, (X509 *[]){ f->pki->ca, NULL }, problem), 0);
        assert_string_equal(problem, "");
        for (int i = 0; i < 2; i++) {
                expect(trust, alone, &strict, "ok", 0);
                expect(trust, whole, &strict, "ok", 0);
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
        expect(trust, jws, &strict, "chain-invalid", OUTCOME_INVALID); /* the genuine CA's name */
        expect(trust, good, &strict, "ok", 0);
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
        expect(trust, alone, &strict, "untrusted", OUTCOME_INVALID);
        assert_int_equal(
                mohr_trust_load_issuers(trust, "/nonexistent/folder", problem, sizeof problem), 0);
        expect(trust, alone, &strict, "untrusted", OUTCOME_INVALID);
        mohr_trust_free(trust);
        free(alone);
}

/* ---- assurance ---- */

static void the_levels_are_told_by_name(void **state)
{
        static const struct {
                const char *policies, *acr, *level;
        } rows[] = {
                { NULL, "unstated", "unstated" },
                { "2.16.364.101.1.1.1", "urn:oid:2.16.364.101.1.1.1", "bronze" },
                { "2.16.364.101.1.1.2", "urn:oid:2.16.364.101.1.1.2", "silver" },
                { "2.16.364.101.1.1.3", "urn:oid:2.16.364.101.1.1.3", "gold" },
                { "2.16.364.101.1.1.4", "urn:oid:2.16.364.101.1.1.4", "platinum" },
                { "2.16.364.101.1.1.1,2.16.364.101.1.1.4", "unstated", "unstated" },
        };
        struct fixture *f = *state;
        for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
                X509 *leaf = testpki_issue(
                        f->pki, &(struct testpki_spec){ .policies = rows[i].policies });
                json_t *payload = good_payload(), *json;
                json_object_set_new(payload, "acr", json_string(rows[i].acr));
                char *jws = signed_by_leaf(f, leaf, payload);
                assert_int_equal(verify_json(f->trust, jws, &strict, &json), 0);
                assert_string_equal(told(json, "assurance", "acr"), rows[i].acr);
                assert_string_equal(told(json, "assurance", "level"), rows[i].level);
                assert_string_equal(told(json, "assurance", "identity_level"), "digital-signature");
                assert_string_equal(told(json, "assurance", "photo"), "unstated");
                json_decref(json);
                free(jws);
                X509_free(leaf);
        }
}

static void a_photo_is_only_ever_stated_and_a_simulation_proves_nobody(void **state)
{
        static const struct {
                bool simulated;
                bool checked;
                const char *identity_level, *photo;
        } rows[] = {
                { false, true, "digital-signature", "stated-by-station" },
                { false, false, "digital-signature", "unstated" },
                { true, true, "none", "stated-by-station" },
        };
        struct fixture *f = *state;
        for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
                json_t *payload = good_payload(), *json;
                json_object_set_new(json_object_get(payload, "station"), "photo_checked",
                        json_boolean(rows[i].checked));
                if (rows[i].simulated)
                        json_object_set_new(
                                json_object_get(payload, "card"), "simulated", json_true());
                char *jws = signed_by_leaf(f, f->pki->leaf, payload);
                assert_int_equal(verify_json(f->trust, jws, &strict, &json), 0);
                assert_string_equal(
                        told(json, "assurance", "identity_level"), rows[i].identity_level);
                assert_string_equal(told(json, "assurance", "photo"), rows[i].photo);
                json_decref(json);
                free(jws);
        }
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
                expect(trust, body, &strict, "bad-payload", OUTCOME_INVALID);
                expect(trust, top, &strict, "bad-header", OUTCOME_INVALID);
                mohr_trust_free(trust);
                free(body);
                free(top);
        }
        memset(nest, '[', 2000);
        memset(nest + 2000, ']', 2000); /* well-formed, and as deep as it gets */
        char *deep = testpki_sign(head, nest, f->pki->leaf_key, "RS256");
        struct mohr_trust *trust = testpki_trust((X509 *[]){ f->pki->ca, NULL });
        expect(trust, deep, &strict, "bad-payload", OUTCOME_INVALID);
        mohr_trust_free(trust);
        free(deep);
        free(head);
        json_decref(header);
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
        expect(f->trust, jws, &strict, "ok", 0);
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

static void broken_options_are_broken_calls(void **state)
{
        struct fixture *f = *state;
        struct mohr_result *result = NULL;
        const struct mohr_replay nobody = { 0 };
        const struct mohr_verify_options rows[] = { { .asked_at = -1 }, { .asked_at = INT64_MAX },
                { .expired = (enum mohr_expired)3 }, { .replay = &nobody } };
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
                cmocka_unit_test(a_second_answer_to_one_question_is_a_replay),
                cmocka_unit_test(only_what_holds_is_remembered),
                cmocka_unit_test(a_store_that_cannot_tell_is_never_a_yes),
                cmocka_unit_test(an_expired_leaf_uses_a_question_up_only_if_it_is_told),
                cmocka_unit_test(an_issuer_that_expired_too_is_said),
                cmocka_unit_test(a_memory_forgets_nothing_that_lives),
                cmocka_unit_test(a_memory_stays_right_while_it_is_full_and_renewed),
                cmocka_unit_test(a_memory_takes_no_nonsense),
                cmocka_unit_test(each_part_of_a_key_counts),
                cmocka_unit_test(a_wrong_clock_is_forgiven_to_a_quick_answer),
                cmocka_unit_test(without_a_nonce_that_was_checked_no_clock_is_forgiven),
                cmocka_unit_test(a_clock_that_is_called_right_is_held_to_it),
                cmocka_unit_test(a_store_keeps_what_came_by_the_own_clock_as_long_as_that_says),
                cmocka_unit_test(a_known_issuer_need_not_come_along),
                cmocka_unit_test(a_known_issuer_is_no_anchor),
                cmocka_unit_test(issuers_are_loaded_whole_or_not_at_all),
                cmocka_unit_test(the_levels_are_told_by_name),
                cmocka_unit_test(a_photo_is_only_ever_stated_and_a_simulation_proves_nobody),
                cmocka_unit_test(spellings_that_parsers_disagree_about_are_refused),
                cmocka_unit_test(a_deep_nest_is_no_danger),
                cmocka_unit_test(an_algorithm_goes_with_its_own_kind_of_key_only),
                cmocka_unit_test(a_signature_of_two_numbers_has_one_form),
                cmocka_unit_test(broken_options_are_broken_calls),
        };
        return cmocka_run_group_tests(tests, set_up, tear_down);
}

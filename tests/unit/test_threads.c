/* SPDX-License-Identifier: Apache-2.0 */
/* test_threads.c: one trust object and one memory of replays under many threads. What a thread is told must be
 * what it would be told alone, and one question is answered once. tests/system/threads.sh runs the same program
 * built for ThreadSanitizer.
 */
#include "client-sdk/trust.h"
#include "tests/support/testlists.h"

#include "base/base.h"
#include "base/outcome.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <cmocka.h>

#define AUD     "https://bank.example"
#define NONCE   "n-0S6_WzA2Mj"
#define THREADS 6
#define LEAVES  70 /* more than are remembered */
#define KINDS   3
#define LISTS   12

struct world {
        struct testpki *pki;
        struct mohr_trust *trust;
        struct mohr_replay *replay;
        char *jws[LEAVES][KINDS];            /* good, forged, for somebody else */
        atomic_uint answers[4];              /* one question's: 0, replayed, other, broken */
        struct testlists_bytes lists[LISTS]; /* good ones, and others' of the same name */
        pthread_barrier_t start;
};

static const struct mohr_verify_options strict = {
        .audience = AUD, .nonce = NONCE, .at = TESTPKI_NOW + 10
};

static const int outcomes[KINDS] = { 0, OUTCOME_INVALID, OUTCOME_INVALID };
static const enum mohr_reason reasons[KINDS] = { MOHR_REASON_OK, MOHR_REASON_NAME,
        MOHR_REASON_AUDIENCE };

static void make_leaf(struct world *w, size_t i, X509 *ca)
{
        const char *const changes[KINDS][2] = { { "purpose", "x" }, { "given_name", "x" },
                { "aud", "https://other.example" } };
        X509 *leaf = testpki_issue(w->pki,
                &(struct testpki_spec){
                        .key = w->pki->ec_key, .issuer = ca, .issuer_key = w->pki->ec_key });
        json_t *header = testpki_header("ES256", leaf, ca, NULL);
        for (size_t k = 0; k < KINDS; k++) {
                json_t *payload =
                        testpki_payload(TESTPKI_GIVEN, TESTPKI_FAMILY, "0099900007", false);
                json_object_set_new(payload, changes[k][0], json_string(changes[k][1]));
                w->jws[i][k] = testpki_sign_json(header, payload, w->pki->ec_key, "ES256");
                json_decref(payload);
        }
        json_decref(header);
        X509_free(leaf);
}

/* 0, or the line at which something was not as it must be: cmocka's checks are for its own thread. */
static int one(struct world *w, size_t leaf, size_t kind)
{
        struct mohr_result *result = NULL;
        const char *jws = w->jws[leaf][kind];
        int r = mohr_verify(w->trust, jws, strlen(jws), &strict, &result), line = 0;
        if (r != outcomes[kind])
                return __LINE__;
        if (mohr_result_reason(result) != reasons[kind])
                line = __LINE__;
        const char *name = mohr_result_claim(result, "given_name");
        if (!line && (kind == 0 ? !name || strcmp(name, TESTPKI_GIVEN) != 0 : name != NULL))
                line = __LINE__;
        char *json = mohr_result_json(result);
        if (!json)
                line = __LINE__;
        free(json);
        mohr_result_free(result);
        return line;
}

/* Each goes its own way round: some rows are remembered, some are being overwritten. */
static void *verify_all(void *user)
{
        struct world *w = user;
        static atomic_uint turn; /* of the test, not of the product */
        size_t step = 1 + 2 * (size_t)(atomic_fetch_add(&turn, 1) % THREADS);
        int line = 0;
        pthread_barrier_wait(&w->start);
        for (size_t i = 0; i < 2 * LEAVES && line == 0; i++) {
                size_t at = i % 4 == 0 ? 0 : i * step % LEAVES;
                line = one(w, at, i % KINDS);
        }
        return (void *)(intptr_t)line;
}

static void *answer_one_question(void *user)
{
        struct world *w = user;
        struct mohr_verify_options options = strict;
        options.replay = w->replay;
        pthread_barrier_wait(&w->start);
        for (size_t i = 0; i < 4; i++) {
                struct mohr_result *result = NULL;
                const char *jws = w->jws[i][0];
                int r = mohr_verify(w->trust, jws, strlen(jws), &options, &result);
                size_t which = r < 0 ? 3 : 2;
                if (r == 0)
                        which = 0;
                else if (r > 0 && mohr_result_reason(result) == MOHR_REASON_REPLAYED)
                        which = 1;
                atomic_fetch_add(&w->answers[which], 1);
                mohr_result_free(result);
        }
        return NULL;
}

/* What strangers send meanwhile neither takes the place of what was loaded nor tells anything. */
static void *staple_and_ask(void *user)
{
        struct world *w = user;
        struct mohr_verify_options options = strict;
        options.revocation = MOHR_REVOCATION_REQUIRE;
        pthread_barrier_wait(&w->start);
        for (size_t i = 0; i < 4 * LISTS; i++) {
                const struct testlists_bytes *list = &w->lists[i % LISTS];
                struct mohr_result *result = NULL;
                const char *jws = w->jws[i % 3][0];
                size_t len = 0;
                if (mohr_trust_add_revocation(w->trust, list->der, list->len) != 0)
                        return (void *)(intptr_t)__LINE__;
                if (mohr_verify(w->trust, jws, strlen(jws), &options, &result) != 0)
                        return (void *)(intptr_t)__LINE__;
                const unsigned char *proof = mohr_result_proof(result, 0, &len);
                bool told = proof && len > 0 && proof[0] == 0x30;
                mohr_result_free(result);
                if (!told)
                        return (void *)(intptr_t)__LINE__;
        }
        return NULL;
}

static void run_in_threads(struct world *w, void *(*what)(void *user))
{
        pthread_t threads[THREADS];
        assert_int_equal(pthread_barrier_init(&w->start, NULL, THREADS), 0);
        for (size_t i = 0; i < THREADS; i++)
                assert_int_equal(pthread_create(&threads[i], NULL, what, w), 0);
        for (size_t i = 0; i < THREADS; i++) {
                void *line = NULL;
                assert_int_equal(pthread_join(threads[i], &line), 0);
                assert_int_equal((intptr_t)line, 0);
        }
        pthread_barrier_destroy(&w->start);
}

static void many_threads_are_told_what_one_is(void **state)
{
        run_in_threads(*state, verify_all);
}

/* All leaves name the same person, so that it is one question and one holder throughout. */
static void one_question_is_answered_once_by_all_threads_together(void **state)
{
        struct world *w = *state;
        run_in_threads(w, answer_one_question);
        assert_int_equal(w->answers[0], 1);
        assert_int_equal(w->answers[1], THREADS * 4 - 1);
}

static void revocation_is_asked_about_while_lists_come(void **state)
{
        run_in_threads(*state, staple_and_ask);
}

static void load(struct world *w, const struct testlists_crl *spec)
{
        struct testlists_bytes list = testlists_crl(w->pki, spec);
        char why[REVOCATION_WHY_MAX];
        assert_int_equal(revocation_add(w->trust->revocation, list.der, list.len, false, why), 0);
        testlists_free(&list);
}

static void make_lists(struct world *w, X509 *ca)
{
        const struct testpki *pki = w->pki;
        for (int i = 0; i < LISTS; i++) {
                struct testlists_crl spec = { .issuer = ca, .from = TESTPKI_NOW - 99 + i };
                spec.key = i % 2 ? pki->other_key : pki->ec_key;
                spec.crowd = i % 2 ? 30 : 3;
                w->lists[i] = testlists_crl(pki, &spec);
        }
        load(w, &(struct testlists_crl){ .issuer = ca, .key = pki->ec_key, .crowd = 20 });
        load(w, &(struct testlists_crl){ .issuer = pki->root, .key = pki->root_key });
}

static int set_up(void **state)
{
        static struct world world;
        struct testpki *pki = testpki_new();
        X509 *ca = testpki_issue_ca(pki, "IRAN Digital Citizen CA 2016 17", TESTPKI_NOW - 1000,
                TESTPKI_NOW + 99999, pki->root, pki->root_key, pki->ec_key, "critical,CA:TRUE");
        world.pki = pki;
        world.trust = testpki_trust((X509 *[]){ pki->root, NULL });
        for (size_t i = 0; i < LEAVES; i++)
                make_leaf(&world, i, ca);
        make_lists(&world, ca);
        X509_free(ca);
        *state = &world;
        return mohr_replay_memory_new(&world.replay, 100);
}

static int tear_down(void **state)
{
        struct world *w = *state;
        for (size_t i = 0; i < LEAVES * KINDS; i++)
                free(w->jws[i / KINDS][i % KINDS]);
        for (size_t i = 0; i < LISTS; i++)
                testlists_free(&w->lists[i]);
        mohr_replay_memory_free(w->replay);
        mohr_trust_free(w->trust);
        testpki_free(w->pki);
        return 0;
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(many_threads_are_told_what_one_is),
                cmocka_unit_test(one_question_is_answered_once_by_all_threads_together),
                cmocka_unit_test(revocation_is_asked_about_while_lists_come),
        };
        return cmocka_run_group_tests(tests, set_up, tear_down);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* evidence_talk.h: a bundle, the same with a timestamp, and what a checker says of a file years later. For the tests
 * of evidence; included once per program.
 */
#ifndef MOHR_EVIDENCE_TALK_H
#define MOHR_EVIDENCE_TALK_H

#include "client-sdk/evidence.h"
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

static inline char *sign_for(const struct testpki *pki, X509 *leaf)
{
        return testpki_assertion(pki, leaf, pki->ca, NULL);
}

static inline char *make_on(struct mohr_trust *trust, const char *jws,
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

static inline struct verdict judge_by(struct mohr_trust *trust, const void *file, size_t len,
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

static inline struct verdict judge(struct fixture *f, const void *file, size_t len,
        const struct mohr_verify_options *terms, const struct mohr_trust *authorities)
{
        return judge_by(f->trust, file, len, terms, authorities);
}

static inline void expect_by(struct mohr_trust *trust, const char *what, const char *bundle,
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

static inline void refused(struct fixture *f, const char *what, const char *bundle,
        enum mohr_reason reason, const char *detail)
{
        expect_by(f->trust, what, bundle, &later, f->tsa->anchors, OUTCOME_INVALID, reason, detail);
}

static inline const char *told(const struct verdict *v, const char *name)
{
        const char *text = json_string_value(json_object_get(v->told, name));
        return text ? text : "";
}

/* ---- stamping ---- */

static inline int stamp(struct testtsa *tsa, const char *bundle, int64_t at, enum testtsa_lie lie,
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

static inline char *stamped_at(struct testtsa *tsa, const char *bundle, int64_t at)
{
        char problem[256], *stamped = NULL;
        if (stamp(tsa, bundle, at, TESTTSA_HONEST, &stamped, problem) != 0)
                fail_msg("%s", problem);
        return stamped;
}

/* ---- forging ---- */

/* The checksum made to fit again: what a forger does who knows the format. */
static inline char *with_checksum(const char *text, size_t len)
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

/* ---- fixture ---- */

static inline int setup(void **state)
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

static inline int teardown(void **state)
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

#endif

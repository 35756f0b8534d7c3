/* SPDX-License-Identifier: Apache-2.0 */
/* verify_talk.h: assertions signed by the test PKI and what a verifier says of them: as reason and exit, or as the
 * JSON that it tells. For the verifier's tests; included once per program.
 */
#ifndef MOHR_VERIFY_TALK_H
#define MOHR_VERIFY_TALK_H

#include "client-sdk/mohr.h"
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

static inline json_t *good_payload(void)
{
        return testpki_payload(TESTPKI_GIVEN, TESTPKI_FAMILY, "0099900007", false);
}

static inline char *good_assertion(struct fixture *f)
{
        return testpki_assertion(f->pki, f->pki->leaf, f->pki->ca, NULL);
}

static inline char *signed_by_leaf(struct fixture *f, X509 *leaf, json_t *payload)
{
        return testpki_assertion(f->pki, leaf, f->pki->ca, payload);
}

/* ---- judging ---- */

static inline enum mohr_reason judge(struct fixture *f, const char *jws,
        const struct mohr_verify_options *options, int *ret_outcome, char *detail)
{
        struct mohr_result *result = NULL;
        int outcome = mohr_verify(f->trust, jws, strlen(jws), options, &result);
        assert_true(outcome >= 0);
        assert_non_null(result);
        enum mohr_reason reason = mohr_result_reason(result);
        if (detail)
                snprintf(detail, 64, "%s", mohr_result_detail(result));
        char *json = mohr_result_json(result);
        assert_non_null(json);
        if (outcome != 0 && options->expired == MOHR_EXPIRED_REFUSE) { /* nothing is told */
                assert_null(mohr_result_claim(result, "given_name"));
                assert_null(strstr(json, TESTPKI_GIVEN));
                assert_null(strstr(json, "0099900007"));
        }
        free(json);
        mohr_result_free(result);
        *ret_outcome = outcome;
        return reason;
}

static inline void expect(struct fixture *f, const char *what, const char *jws,
        const struct mohr_verify_options *options, enum mohr_reason reason, int outcome)
{
        int got_outcome;
        char detail[64];
        enum mohr_reason got = judge(f, jws, options, &got_outcome, detail);
        if (got != reason || got_outcome != outcome)
                fail_msg("%s: %s (%s), exit %d; expected %s, exit %d", what, mohr_reason_name(got),
                        detail, got_outcome, mohr_reason_name(reason), outcome);
}

/* Verifies and frees nothing but the result; the parsed JSON is the caller's. */
static inline int verify_json(struct mohr_trust *trust, const char *jws,
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

static inline json_t *verification(const json_t *json)
{
        return json_object_get(json, "verification");
}

static inline const char *told(const json_t *json, const char *where, const char *name)
{
        const char *text = json_string_value(json_object_get(json_object_get(json, where), name));
        return text ? text : "";
}

static inline bool lists(const json_t *json, const char *list, const char *name)
{
        const json_t *names = json_object_get(verification(json), list);
        for (size_t i = 0; i < json_array_size(names); i++)
                if (strcmp(json_string_value(json_array_get(names, i)), name) == 0)
                        return true;
        return false;
}

static inline void expect_told(struct mohr_trust *trust, const char *jws,
        const struct mohr_verify_options *options, const char *reason, int outcome)
{
        json_t *json;
        int r = verify_json(trust, jws, options, &json);
        const char *got = told(json, "verification", "reason");
        if (r != outcome || strcmp(got, reason) != 0)
                fail_msg("%s, %d; expected %s, %d", got, r, reason, outcome);
        json_decref(json);
}

/* ---- fixture ---- */

static inline int set_up(void **state)
{
        static struct fixture fixture;
        fixture.pki = testpki_new();
        fixture.trust = testpki_trust((X509 *[]){ fixture.pki->root, NULL });
        *state = &fixture;
        return 0;
}

static inline int tear_down(void **state)
{
        struct fixture *f = *state;
        mohr_trust_free(f->trust);
        testpki_free(f->pki);
        return 0;
}

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* revocation_talk.h: lists and answers of the test PKI, put into a set and asked about. For the tests of revocation;
 * included once per program.
 */
#ifndef MOHR_REVOCATION_TALK_H
#define MOHR_REVOCATION_TALK_H

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

static inline int set_up(void **state)
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

static inline int tear_down(void **state)
{
        struct fixture *f = *state;
        X509 *const certs[] = { f->second_ca, f->short_leaf, f->delegate, f->nocheck };
        for (size_t i = 0; i < ARRAY_LEN(certs); i++)
                X509_free(certs[i]);
        testpki_free(f->pki);
        free(f);
        return 0;
}

static inline void add(struct revocation *set, struct testlists_bytes bytes, bool stapled)
{
        char why[REVOCATION_WHY_MAX] = "";
        int r = revocation_add(set, bytes.der, bytes.len, stapled, why);
        if (r != 0)
                fail_msg("not taken: %d %s", r, why);
        testlists_free(&bytes);
}

static inline void refused(struct testlists_bytes bytes, const char *words)
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

static inline void ask_of(struct revocation *set, X509 *cert, X509 *issuer, int64_t at, int64_t age,
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
static inline void ask(const struct fixture *f, struct testlists_bytes bytes, int64_t at,
        int64_t age, struct expected expected)
{
        struct revocation *set = revocation_new();
        add(set, bytes, false);
        ask_of(set, f->pki->leaf, f->pki->ca, at, age, expected);
        revocation_free(set);
}

static const struct expected good = { REVOCATION_GOOD, "", "" };

static inline struct expected unknown(const char *why)
{
        return (struct expected){ REVOCATION_UNKNOWN, why, "" };
}

static inline struct expected revoked(const char *reason)
{
        return (struct expected){ REVOCATION_REVOKED, "", reason };
}

#endif

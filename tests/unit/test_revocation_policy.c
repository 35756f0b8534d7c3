/* SPDX-License-Identifier: Apache-2.0 */
/* test_revocation_policy.c: answers (RFC 6960), the chain and the policy, and what the verifier says it rests on.
 */
#include "tests/unit/revocation_talk.h"

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
        char *jws = testpki_assertion(f->pki, f->pki->leaf, f->pki->ca, NULL);
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

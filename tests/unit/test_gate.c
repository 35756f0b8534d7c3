/* SPDX-License-Identifier: Apache-2.0 */
/* test_gate.c: what makes a card confirmed, and each single thing that does not. */
#include "daemon/gate.h"

#include "tests/support/testpki.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

static struct testpki *pki;

static const struct card_identity mav2 = { CARD_NID, GENERATION_MAV2, true, 'O', "Mav2" };

static X509 *staff_ca;

static X509 *staff_leaf(EVP_PKEY *key, const char *usage)
{
        return testpki_issue(pki, &(struct testpki_spec){ .cn = "Roya Nobody",
                                          .unit = "Tests",
                                          .key = key,
                                          .key_usage = usage,
                                          .issuer = staff_ca,
                                          .issuer_key = pki->other_key });
}

/* NULL for no anchor. */
static struct mohr_trust *trust_in(enum trust_scope scope, X509 *anchor)
{
        struct mohr_trust *trust = NULL;
        char path[] = "/tmp/mohr-test-gate-XXXXXX";
        if (!anchor)
                return NULL;
        if (scope == TRUST_CITIZENS)
                return testpki_trust((X509 *[]){ anchor, NULL });
        int fd = mkstemp(path);
        assert_true(fd >= 0);
        close(fd);
        testpki_write_pem(path, (X509 *[]){ anchor, NULL });
        assert_int_equal(mohr_trust_load_staff(&trust, path, NULL, 0), 0);
        unlink(path);
        return trust;
}

static enum leaf_class add(struct gate_chain *chain, enum card_object object, X509 *cert)
{
        unsigned char *der = NULL;
        enum leaf_class class;
        int len = i2d_X509(cert, &der);
        assert_true(len > 0);
        assert_int_equal(gate_chain_add(chain, object, der, (size_t)len, &class), 0);
        OPENSSL_free(der);
        return class;
}

/* A chain of these two, and whether it is confirmed. */
static int judge(X509 *leaf, X509 *ca, const struct mohr_trust *anchors, const char **ret_why)
{
        struct gate_chain chain = { 0 };
        *ret_why = "";
        if (leaf)
                add(&chain, OBJECT_CERTIFICATE_1, leaf);
        if (ca)
                add(&chain, OBJECT_CERTIFICATE_2, ca);
        gate_chain_find_issuer(&chain, NULL);
        int r = gate_confirm(&chain, &mav2, anchors, ret_why);
        gate_chain_clear(&chain);
        return r;
}

static int judge_spec(const struct testpki_spec *spec, const char **ret_why)
{
        X509 *leaf = testpki_issue(pki, spec);
        int r = judge(leaf, pki->ca, NULL, ret_why);
        X509_free(leaf);
        return r;
}

static void a_good_pair_is_confirmed(void **state)
{
        (void)state;
        const char *why;
        assert_int_equal(judge(pki->leaf, pki->ca, NULL, &why), 0);
}

static void files_are_told_apart_by_content(void **state)
{
        (void)state;
        struct gate_chain chain = { 0 };
        enum leaf_class class;
        assert_int_equal(add(&chain, OBJECT_CERTIFICATE_1, pki->ca), LEAF_CA);
        assert_int_equal(
                gate_chain_add(&chain, OBJECT_CERTIFICATE_2, (const uint8_t *)"rubbish", 7, &class),
                0);
        assert_int_equal(class, LEAF_OTHER);
        assert_int_equal(add(&chain, OBJECT_CERTIFICATE_3, pki->leaf), LEAF_SIGNATURE);
        assert_int_equal(chain.leaf_object, OBJECT_CERTIFICATE_3);
        assert_true(gate_chain_find_issuer(&chain, NULL));
        assert_true(chain.issuer == chain.authorities[0]);
        gate_chain_clear(&chain);
}

static void an_expired_leaf_is_confirmed_and_told(void **state)
{
        (void)state;
        struct testpki_spec spec = { .from = TESTPKI_NOW - 9 * 31536000LL,
                .to = TESTPKI_NOW - 31536000LL };
        struct gate_chain chain = { 0 };
        const char *why;
        assert_int_equal(judge_spec(&spec, &why), 0);
        X509 *leaf = testpki_issue(pki, &spec);
        add(&chain, OBJECT_CERTIFICATE_1, leaf);
        assert_true(gate_expired(&chain, TESTPKI_NOW));
        assert_false(gate_expired(&chain, TESTPKI_NOW - 2 * 31536000LL));
        gate_chain_clear(&chain);
        X509_free(leaf);
}

static void each_missing_condition_is_refused_with_its_reason(void **state)
{
        (void)state;
        const struct {
                struct testpki_spec spec;
                const char *says;
        } rows[] = {
                { { .issuer = pki->root, .issuer_key = pki->root_key }, "registry" },
                { { .issuer_key = pki->other_key },
                        "signed the holder" },             /* right name, wrong key */
                { { .sha1 = true }, "signed the holder" }, /* somebody may have made a twin of it */
                { { .key = pki->small_key }, "RSA" },
                { { .key = pki->ec_key }, "RSA" },
                { { .cn = "0099900007 - AUT" }, "no signature certificate" },
                { { .cn = "someone" }, "no signature certificate" },
        };
        for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
                const char *why;
                assert_int_equal(judge_spec(&rows[i].spec, &why), OUTCOME_CARD_NOT_SUPPORTED);
                if (!strstr(why, rows[i].says))
                        fail_msg("row %zu says: %s", i, why);
        }
}

/* A staff card: who it is judged by, and each thing without which no PIN goes to it. */
static void a_staff_card_needs_an_anchor_for_staff(void **state)
{
        (void)state;
        static const struct card_identity piv = { CARD_PIV, GENERATION_UNKNOWN, true, 'D', "PIV" };
        static const struct card_identity global = { CARD_PIV, GENERATION_UNKNOWN, false, 'D',
                "PIV" };
        const struct {
                const struct card_identity *identity;
                X509 *leaf, *anchor;
                enum trust_scope scope;
                const char *says;
        } rows[] = {
                { &piv, staff_leaf(pki->leaf_key, NULL), staff_ca, TRUST_STAFF, NULL },
                { &piv, staff_leaf(pki->ec_key, NULL), staff_ca, TRUST_STAFF, NULL },
                { &piv, staff_leaf(pki->small_key, NULL), staff_ca, TRUST_STAFF, "2048" },
                { &piv, staff_leaf(pki->ec_key, "keyAgreement"), staff_ca, TRUST_STAFF,
                        "key usage" },
                { &piv, staff_leaf(pki->ec_key, "digitalSignature"), staff_ca, TRUST_STAFF,
                        "key usage" },
                { &piv, staff_leaf(pki->ec_key, "nonRepudiation"), staff_ca, TRUST_STAFF, NULL },
                { &piv, staff_leaf(pki->ec_key, NULL), NULL, TRUST_STAFF, "no anchors" },
                { &piv, staff_leaf(pki->ec_key, NULL), staff_ca, TRUST_CITIZENS, "issued" },
                { &piv, staff_leaf(pki->ec_key, NULL), pki->ca, TRUST_STAFF, "issued" },
                { &piv, X509_dup(pki->leaf), pki->ca, TRUST_STAFF, "no certificate of a staff" },
                { &piv, NULL, staff_ca, TRUST_STAFF, "no certificate of a staff" },
                { &global, staff_leaf(pki->ec_key, NULL), staff_ca, TRUST_STAFF, "another PIN" },
        };
        for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
                struct gate_chain chain = { .wanted = gate_wanted(CARD_PIV) };
                struct mohr_trust *trust = trust_in(rows[i].scope, rows[i].anchor);
                const char *why = "";
                if (rows[i].leaf)
                        add(&chain, OBJECT_CERTIFICATE_1, rows[i].leaf);
                X509 *issuer = trust && chain.leaf
                                       ? trust_find_issuer(trust, TRUST_STAFF, chain.leaf)
                                       : NULL;
                if (issuer)
                        gate_chain_find_issuer(&chain, issuer);
                int r = gate_confirm(&chain, rows[i].identity, trust, &why);
                if (r != (rows[i].says ? OUTCOME_CARD_NOT_SUPPORTED : 0) ||
                        (rows[i].says && !strstr(why, rows[i].says)))
                        fail_msg("row %zu: %d, %s", i, r, why);
                gate_chain_clear(&chain);
                mohr_trust_free(trust);
                X509_free(rows[i].leaf);
        }
}

static void the_certificates_key_alone_says_how_a_staff_card_signs(void **state)
{
        (void)state;
        static const struct card_identity piv = { CARD_PIV, GENERATION_UNKNOWN, true, 'D', "PIV" };
        EVP_PKEY *p384 = EVP_EC_gen("P-384"), *p521 = EVP_EC_gen("P-521"), *big = EVP_RSA_gen(3072);
        const struct {
                EVP_PKEY *key;
                int method; /* -1: none */
        } rows[] = { { pki->leaf_key, SIGN_PIV_RSA2048 }, { pki->ec_key, SIGN_PIV_P256 },
                { p384, SIGN_PIV_P384 }, { p521, -1 }, { big, -1 }, { pki->small_key, -1 } };
        for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
                struct gate_chain chain = { .leaf = staff_leaf(rows[i].key, NULL) };
                struct gate_step step = { 0 };
                assert_int_equal(gate_step_known(&chain, &piv, &step), rows[i].method >= 0);
                if (rows[i].method >= 0) {
                        assert_int_equal(step.key, 0x9C);
                        assert_int_equal(step.method, rows[i].method);
                }
                assert_false(gate_step_known(&chain, &mav2, &step));
                gate_chain_clear(&chain);
        }
        EVP_PKEY_free(p384);
        EVP_PKEY_free(p521);
        EVP_PKEY_free(big);
}

/* The other certificate of a staff card: it counts if it is one of the staff's, and never as the leaf. */
static void two_keys_of_a_staff_card_are_told_apart(void **state)
{
        (void)state;
        static const struct card_identity piv = { CARD_PIV, GENERATION_UNKNOWN, true, 'D', "PIV" };
        X509 *leaf = staff_leaf(pki->ec_key, NULL), *again = staff_leaf(pki->ec_key, NULL),
             *signer = staff_leaf(pki->leaf_key, NULL), *weak = staff_leaf(pki->small_key, NULL),
             *opens = staff_leaf(pki->ec_key, "digitalSignature"),
             *closed = staff_leaf(pki->leaf_key, "digitalSignature"),
             *agrees = staff_leaf(pki->ec_key, "keyAgreement");
        const struct {
                X509 *first, *second; /* of 9A and of 9C */
                bool confirmed, other;
        } rows[] = {
                { leaf, signer, true, true },
                { opens, signer, true, true },
                { opens, closed, true, false }, /* commits nobody */
                { agrees, signer, false, true },
                { leaf, weak, true, false },
                { leaf, pki->leaf, true, false }, /* nobody's of the staff */
                { leaf, NULL, true, false },
                { leaf, leaf, false, true },
                { leaf, again, false, true }, /* one key under two certificates */
                { NULL, signer, false, true },
                { pki->leaf, signer, false, true },
        };
        struct mohr_trust *trust = trust_in(TRUST_STAFF, staff_ca);
        for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
                struct gate_chain chain = { 0 };
                struct gate_step step = { 0 };
                const char *why = "";
                gate_chain_begin(&chain, CARD_PIV, CARD_USE_AUTHENTICATION);
                assert_true(gate_chain_lacks(&chain));
                if (rows[i].first)
                        add(&chain, gate_file(CARD_PIV, CARD_USE_AUTHENTICATION, 0), rows[i].first);
                gate_chain_find_issuer(&chain, staff_ca);
                assert_true(gate_chain_lacks(&chain));
                if (rows[i].second)
                        add(&chain, gate_file(CARD_PIV, CARD_USE_AUTHENTICATION, 1),
                                rows[i].second);
                gate_chain_judge_other(&chain, trust);
                if ((gate_confirm(&chain, &piv, trust, &why) == 0) != rows[i].confirmed ||
                        (chain.other != NULL) != rows[i].other)
                        fail_msg("row %zu: %s", i, why);
                if (rows[i].confirmed) {
                        assert_true(gate_step_known(&chain, &piv, &step));
                        assert_int_equal(step.key, 0x9A);
                        assert_int_equal(chain.leaf_object, OBJECT_CERTIFICATE_2);
                }
                gate_chain_judge_other(&chain, NULL);
                assert_null(chain.other);
                gate_chain_clear(&chain);
        }
        mohr_trust_free(trust);
        X509 *const all[] = { leaf, again, signer, weak, opens, closed, agrees };
        for (size_t i = 0; i < ARRAY_LEN(all); i++)
                X509_free(all[i]);
}

static void a_chain_is_judged_for_the_family_it_was_made_for(void **state)
{
        (void)state;
        static const struct card_identity piv = { CARD_PIV, GENERATION_UNKNOWN, true, 'D', "PIV" };
        struct gate_chain citizens = { 0 }, staffs = { .wanted = LEAF_STAFF };
        const char *why;
        assert_int_equal(gate_confirm(&citizens, &piv, NULL, &why), -EINVAL);
        assert_int_equal(gate_confirm(&staffs, &mav2, NULL, &why), -EINVAL);
        assert_int_equal(gate_files(CARD_UNKNOWN, CARD_USE_SIGNATURE), 0);
        assert_false(gate_learns_issuers(CARD_PIV));
        assert_true(gate_learns_issuers(CARD_NID));
        assert_false(gate_tries_return(CARD_NID));
}

static void a_card_that_stays_unlocked_is_not_counted(void **state)
{
        (void)state;
        const char *why = "";
        const struct pin_counter counter = { .sw = 0x9000 };
        assert_int_equal(gate_counter(&counter, &why), OUTCOME_BUSY);
        assert_non_null(strstr(why, "unlocked"));
}

static void no_leaf_and_no_issuer_are_refused(void **state)
{
        (void)state;
        const char *why;
        assert_int_equal(judge(NULL, pki->ca, NULL, &why), OUTCOME_CARD_NOT_SUPPORTED);
        assert_int_equal(judge(pki->leaf, NULL, NULL, &why), OUTCOME_CARD_NOT_SUPPORTED);
}

static void two_signature_certificates_are_one_too_many(void **state)
{
        (void)state;
        struct testpki_spec spec = { .cn = TESTPKI_CN_NN };
        struct gate_chain chain = { 0 };
        const char *why;
        X509 *other = testpki_issue(pki, &spec);
        add(&chain, OBJECT_CERTIFICATE_1, pki->leaf);
        add(&chain, OBJECT_CERTIFICATE_2, pki->ca);
        add(&chain, OBJECT_CERTIFICATE_3, pki->leaf); /* the same twice is one */
        gate_chain_find_issuer(&chain, NULL);
        assert_int_equal(gate_confirm(&chain, &mav2, NULL, &why), 0);
        add(&chain, OBJECT_CERTIFICATE_3, other);
        assert_int_equal(gate_confirm(&chain, &mav2, NULL, &why), OUTCOME_CARD_NOT_SUPPORTED);
        gate_chain_clear(&chain);
        X509_free(other);
}

static void a_row_that_may_only_be_looked_at_is_refused(void **state)
{
        (void)state;
        static const struct card_identity rows[] = {
                { CARD_NID, GENERATION_UNKNOWN, false, 'I', "Mav, unknown" },
                { CARD_UNKNOWN, GENERATION_UNKNOWN, true, 'I', "?" },
        };
        struct gate_chain chain = { 0 };
        const char *why;
        add(&chain, OBJECT_CERTIFICATE_1, pki->leaf);
        add(&chain, OBJECT_CERTIFICATE_2, pki->ca);
        gate_chain_find_issuer(&chain, NULL);
        for (size_t i = 0; i < ARRAY_LEN(rows); i++)
                assert_int_equal(
                        gate_confirm(&chain, &rows[i], NULL, &why), OUTCOME_CARD_NOT_SUPPORTED);
        gate_chain_clear(&chain);
}

static void anchors_must_vouch_where_there_are_some(void **state)
{
        (void)state;
        char path[] = "/tmp/test-gate-XXXXXX";
        int fd = mkstemp(path);
        assert_true(fd >= 0);
        close(fd);
        struct mohr_trust *anchors = NULL;
        const char *why;
        X509 *const good[] = { pki->root, NULL };
        testpki_write_pem(path, good);
        assert_int_equal(mohr_trust_load(&anchors, path, NULL, 0), 0);
        assert_int_equal(judge(pki->leaf, pki->ca, anchors, &why), 0);
        anchors = mohr_trust_free(anchors);

        /* a root of the same name with another key */
        X509 *foreign = testpki_issue_ca(pki, "some other root", TESTPKI_NOW - 1000,
                TESTPKI_NOW + 1000, NULL, pki->other_key, pki->other_key, "critical,CA:TRUE");
        X509 *const bad[] = { foreign, NULL };
        testpki_write_pem(path, bad);
        assert_int_equal(mohr_trust_load(&anchors, path, NULL, 0), 0);
        assert_int_equal(judge(pki->leaf, pki->ca, anchors, &why), OUTCOME_CARD_NOT_SUPPORTED);
        assert_non_null(strstr(why, "anchor"));
        mohr_trust_free(anchors);
        X509_free(foreign);
        unlink(path);
}

static void anchors_asked_for_and_absent_are_an_error(void **state)
{
        (void)state;
        char dir[] = "/tmp/test-gate-XXXXXX", file[64];
        struct mohr_trust *anchors = NULL;
        assert_non_null(mkdtemp(dir));
        assert_int_equal(mohr_trust_load(&anchors, "/nonexistent", NULL, 0), OUTCOME_INVALID);
        assert_int_equal(mohr_trust_load(&anchors, dir, NULL, 0), OUTCOME_INVALID);
        snprintf(file, sizeof file, "%s/root.pem", dir);
        X509 *const good[] = { pki->root, NULL };
        testpki_write_pem(file, good);
        assert_int_equal(mohr_trust_load(&anchors, dir, NULL, 0), 0);
        assert_true(trust_vouches(anchors, TRUST_CITIZENS, pki->ca));
        mohr_trust_free(anchors);
        unlink(file);
        rmdir(dir);
}

static struct card_key key_of(EVP_PKEY *key, uint8_t ref)
{
        struct card_key found = { .ref = ref };
        BIGNUM *n = NULL;
        assert_int_equal(EVP_PKEY_get_bn_param(key, "n", &n), 1);
        found.modulus_len = (uint16_t)BN_bn2bin(n, found.modulus);
        BN_free(n);
        return found;
}

static void the_key_is_found_by_its_modulus(void **state)
{
        (void)state;
        struct card_probe probe = { .key_count = 2 };
        struct gate_chain chain = { 0 };
        uint8_t refs[CARD_KEYS_MAX];
        add(&chain, OBJECT_CERTIFICATE_1, pki->leaf);
        probe.keys[0] = key_of(pki->other_key, 0x03);
        probe.keys[1] = key_of(pki->leaf_key, 0x0B);
        assert_int_equal(gate_keys(&chain, &probe, refs), 1);
        assert_int_equal(refs[0], 0x0B);
        gate_chain_clear(&chain);
}

static void without_a_match_the_known_references_remain_but_not_other_keys(void **state)
{
        (void)state;
        struct card_probe probe = { 0 };
        struct gate_chain chain = { 0 };
        uint8_t refs[CARD_KEYS_MAX];
        add(&chain, OBJECT_CERTIFICATE_1, pki->leaf);
        size_t all = gate_keys(&chain, &probe, refs);
        assert_int_equal(refs[0], 0x03);
        probe.keys[0] = key_of(pki->other_key, 0x03);
        probe.key_count = 1;
        assert_int_equal(gate_keys(&chain, &probe, refs), all - 1);
        for (size_t i = 0; i + 1 < all; i++)
                assert_int_not_equal(refs[i], 0x03);
        gate_chain_clear(&chain);
}

static void each_key_is_asked_about_each_method_once(void **state)
{
        (void)state;
        static const uint8_t refs[] = { 3, 7 };
        static const struct gate_step expected[] = { { 3, SIGN_RSA_SHA256_CARD },
                { 3, SIGN_RSA_DIGESTINFO }, { 7, SIGN_RSA_SHA256_CARD },
                { 7, SIGN_RSA_DIGESTINFO } };
        struct gate_step step;
        for (unsigned int n = 0; n < ARRAY_LEN(expected); n++) {
                assert_true(gate_trial(refs, ARRAY_LEN(refs), n, &step));
                assert_int_equal(step.key, expected[n].key);
                assert_int_equal(step.method, expected[n].method);
        }
        assert_false(gate_trial(refs, ARRAY_LEN(refs), ARRAY_LEN(expected), &step));
        assert_false(gate_trial(refs, 0, 0, &step));
}

static void counters_decide_before_any_prompt(void **state)
{
        (void)state;
        const char *why;
        struct pin_counter counter = { .known = true, .tries = 1 };
        assert_int_equal(gate_counter(&counter, &why), 0);
        counter.tries = 0;
        assert_int_equal(gate_counter(&counter, &why), OUTCOME_PIN_BLOCKED);
        counter.known = false;
        assert_int_equal(gate_counter(&counter, &why), OUTCOME_CARD_NOT_SUPPORTED);
}

static void one_changed_byte_is_another_leaf(void **state)
{
        (void)state;
        struct gate_chain chain = { 0 };
        unsigned char *der = NULL;
        int len = i2d_X509(pki->leaf, &der);
        add(&chain, OBJECT_CERTIFICATE_1, pki->leaf);
        assert_true(gate_same_leaf(&chain, der, (size_t)len));
        assert_false(gate_same_leaf(&chain, der, (size_t)len - 1));
        der[len - 1] ^= 1;
        assert_false(gate_same_leaf(&chain, der, (size_t)len));
        OPENSSL_free(der);
        gate_chain_clear(&chain);
}

static void a_simulated_card_is_never_called_unproven(void **state)
{
        (void)state;
        assert_true(gate_unproven(&mav2, false));
        assert_false(gate_unproven(&mav2, true));
}

static void no_mangled_certificate_is_confirmed(void **state)
{
        (void)state;
        unsigned char *der = NULL;
        int len = i2d_X509(pki->leaf, &der);
        const char *why;
        for (int at = 0; at < len; at++) {
                struct gate_chain chain = { 0 };
                enum leaf_class class;
                der[at] ^= 0x55;
                assert_int_equal(
                        gate_chain_add(&chain, OBJECT_CERTIFICATE_1, der, (size_t)len, &class), 0);
                add(&chain, OBJECT_CERTIFICATE_2, pki->ca);
                gate_chain_find_issuer(&chain, NULL);
                assert_int_not_equal(gate_confirm(&chain, &mav2, NULL, &why), 0);
                gate_chain_clear(&chain);
                der[at] ^= 0x55;
        }
        OPENSSL_free(der);
}

static int make_pki(void **state)
{
        (void)state;
        pki = testpki_new();
        staff_ca = testpki_issue_ca(pki, "Staff CA TEST", TESTPKI_NOW - 86400,
                TESTPKI_NOW + 86400 * 365, NULL, pki->other_key, pki->other_key,
                "critical,CA:TRUE");
        return 0;
}

static int drop_pki(void **state)
{
        (void)state;
        X509_free(staff_ca);
        pki = testpki_free(pki);
        return 0;
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(a_good_pair_is_confirmed),
                cmocka_unit_test(files_are_told_apart_by_content),
                cmocka_unit_test(an_expired_leaf_is_confirmed_and_told),
                cmocka_unit_test(each_missing_condition_is_refused_with_its_reason),
                cmocka_unit_test(a_staff_card_needs_an_anchor_for_staff),
                cmocka_unit_test(the_certificates_key_alone_says_how_a_staff_card_signs),
                cmocka_unit_test(a_chain_is_judged_for_the_family_it_was_made_for),
                cmocka_unit_test(two_keys_of_a_staff_card_are_told_apart),
                cmocka_unit_test(a_card_that_stays_unlocked_is_not_counted),
                cmocka_unit_test(no_leaf_and_no_issuer_are_refused),
                cmocka_unit_test(two_signature_certificates_are_one_too_many),
                cmocka_unit_test(a_row_that_may_only_be_looked_at_is_refused),
                cmocka_unit_test(anchors_must_vouch_where_there_are_some),
                cmocka_unit_test(anchors_asked_for_and_absent_are_an_error),
                cmocka_unit_test(the_key_is_found_by_its_modulus),
                cmocka_unit_test(without_a_match_the_known_references_remain_but_not_other_keys),
                cmocka_unit_test(each_key_is_asked_about_each_method_once),
                cmocka_unit_test(counters_decide_before_any_prompt),
                cmocka_unit_test(one_changed_byte_is_another_leaf),
                cmocka_unit_test(a_simulated_card_is_never_called_unproven),
                cmocka_unit_test(no_mangled_certificate_is_confirmed),
        };
        return cmocka_run_group_tests(tests, make_pki, drop_pki);
}

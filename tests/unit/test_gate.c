/* SPDX-License-Identifier: Apache-2.0 */
/* test_gate.c: what makes a card confirmed, and each single thing that does not. */
#include "daemon/gate.h"

#include "tests/support/testpki.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/stat.h>
#include <cmocka.h>

static struct testpki *pki;

static const struct card_identity mav2 = { CARD_NID, GENERATION_MAV2, true, 'O', "Mav2" };

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
                        "signed the holder" }, /* right name, wrong key */
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
        return 0;
}

static int drop_pki(void **state)
{
        (void)state;
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
                cmocka_unit_test(no_leaf_and_no_issuer_are_refused),
                cmocka_unit_test(two_signature_certificates_are_one_too_many),
                cmocka_unit_test(a_row_that_may_only_be_looked_at_is_refused),
                cmocka_unit_test(anchors_must_vouch_where_there_are_some),
                cmocka_unit_test(anchors_asked_for_and_absent_are_an_error),
                cmocka_unit_test(the_key_is_found_by_its_modulus),
                cmocka_unit_test(without_a_match_the_known_references_remain_but_not_other_keys),
                cmocka_unit_test(counters_decide_before_any_prompt),
                cmocka_unit_test(one_changed_byte_is_another_leaf),
                cmocka_unit_test(a_simulated_card_is_never_called_unproven),
                cmocka_unit_test(no_mangled_certificate_is_confirmed),
        };
        return cmocka_run_group_tests(tests, make_pki, drop_pki);
}

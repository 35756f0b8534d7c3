/* SPDX-License-Identifier: Apache-2.0 */
/* test_keys.c: which key has which mechanisms, what a card is given for each, and whose signature is taken: judged by OpenSSL with a
 * key in the card's place, which does what a card does (a block, or a digest) and nothing else.
 */
#include "base/outcome.h"
#include "daemon/keys.h"
#include "tests/support/testpki.h"

#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <cmocka.h>

#define COMMITS "critical,digitalSignature,nonRepudiation"
#define OPENS   "critical,digitalSignature"

static struct testpki *pki;
static EVP_PKEY *p384;

static int set_up(void **state)
{
        (void)state;
        p384 = EVP_EC_gen("P-384");
        pki = testpki_new();
        return p384 && pki ? 0 : -1;
}

static int tear_down(void **state)
{
        (void)state;
        EVP_PKEY_free(p384);
        testpki_free(pki);
        return 0;
}

static struct keys_key key_of(EVP_PKEY *pkey, const char *usage, enum card_family family,
        enum card_use use, enum raw_hash raw)
{
        const struct config config = { .raw_hash = raw };
        struct keys_key key = { 0 };
        X509 *leaf = testpki_issue(pki, &(struct testpki_spec){ .cn = "Roya Nobody",
                                                .unit = "Tests",
                                                .key = pkey,
                                                .key_usage = usage,
                                                .issuer = pki->ca,
                                                .issuer_key = pki->ca_key });
        assert_int_equal(keys_key_init(&key, &config, family, use, leaf, NULL), 0);
        X509_free(leaf);
        return key;
}

static struct keys_key free_key(EVP_PKEY *pkey)
{
        return key_of(pkey, OPENS, CARD_PIV, CARD_USE_AUTHENTICATION, RAW_HASH_NO);
}

/* ---- roles and mechanisms ---- */

static void a_key_is_of_assertions_unless_its_certificate_or_root_says_otherwise(void **state)
{
        static const struct {
                const char *usage;
                enum card_family family;
                enum card_use use;
                enum raw_hash raw;
                enum keys_role role;
        } rows[] = {
                { COMMITS, CARD_PIV, CARD_USE_SIGNATURE, RAW_HASH_NO, KEYS_ASSERTS },
                { OPENS, CARD_PIV, CARD_USE_AUTHENTICATION, RAW_HASH_NO, KEYS_FREE },
                { COMMITS, CARD_PIV, CARD_USE_AUTHENTICATION, RAW_HASH_NO, KEYS_ASSERTS },
                { NULL, CARD_PIV, CARD_USE_AUTHENTICATION, RAW_HASH_NO, KEYS_ASSERTS },
                { COMMITS, CARD_PIV, CARD_USE_AUTHENTICATION, RAW_HASH_ALL, KEYS_ASSERTS },
                { COMMITS, CARD_PIV, CARD_USE_SIGNATURE, RAW_HASH_PIV_SIGNATURE, KEYS_FREE },
                { COMMITS, CARD_PIV, CARD_USE_SIGNATURE, RAW_HASH_NATIONAL, KEYS_ASSERTS },
                { COMMITS, CARD_NID, CARD_USE_SIGNATURE, RAW_HASH_NO, KEYS_ASSERTS },
                { COMMITS, CARD_NID, CARD_USE_SIGNATURE, RAW_HASH_PIV_SIGNATURE, KEYS_ASSERTS },
                { COMMITS, CARD_NID, CARD_USE_SIGNATURE, RAW_HASH_NATIONAL, KEYS_SHA256 },
        };
        (void)state;
        for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
                struct keys_key key = key_of(
                        pki->leaf_key, rows[i].usage, rows[i].family, rows[i].use, rows[i].raw);
                if (key.role != rows[i].role)
                        fail_msg("row %zu: %d", i, key.role);
                assert_int_equal(strlen(key.id), KEYS_ID_LEN);
                keys_key_clear(&key);
        }
}

static void each_key_has_the_mechanisms_of_its_kind(void **state)
{
        (void)state;
        struct keys_key keys[] = {
                key_of(pki->leaf_key, COMMITS, CARD_NID, CARD_USE_SIGNATURE, RAW_HASH_NO),
                key_of(pki->leaf_key, COMMITS, CARD_NID, CARD_USE_SIGNATURE, RAW_HASH_NATIONAL),
                key_of(pki->ec_key, COMMITS, CARD_PIV, CARD_USE_SIGNATURE, RAW_HASH_NO),
                key_of(p384, COMMITS, CARD_PIV, CARD_USE_SIGNATURE, RAW_HASH_NO),
                free_key(pki->leaf_key),
                free_key(pki->ec_key),
        };
        static const struct {
                size_t data, hash;
                const char *one;
        } expected[] = { { 1, 0, "SHA256-RSA-PKCS" }, { 1, 1, "RSA-PKCS" },
                { 1, 0, "ECDSA-SHA256" }, { 1, 0, "ECDSA-SHA384" }, { 6, 2, "RSA-PSS" },
                { 2, 1, "ECDSA" } };
        for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
                json_t *json = keys_mechanisms_json(&keys[i]);
                assert_int_equal(json_array_size(json_object_get(json, "data_mechanisms")),
                        expected[i].data);
                assert_int_equal(json_array_size(json_object_get(json, "hash_mechanisms")),
                        expected[i].hash);
                assert_true(keys_mechanism_fits(keys_mechanism(expected[i].one), &keys[i]));
                json_decref(json);
                keys_key_clear(&keys[i]);
        }
        assert_null(keys_mechanism("SHA1-RSA-PKCS"));
        assert_null(keys_mechanism(""));
}

static void parameters_belong_to_their_mechanisms(void **state)
{
        static const struct {
                const char *mechanism, *hash;
                int salt;
                const char *misfit;
        } rows[] = {
                { "RSA-PSS", "sha256", -1, NULL },
                { "RSA-PSS", "sha512", 0, NULL },
                { "RSA-PSS", NULL, -1, "hash" },
                { "RSA-PSS", "sha1", -1, "hash" },
                { "SHA256-RSA-PSS", NULL, 20, NULL },
                { "SHA256-RSA-PSS", "sha256", -1, "hash" },
                { "RSA-PKCS", "sha256", -1, "hash" },
                { "RSA-PKCS", NULL, 0, "salt" },
                { "ECDSA", NULL, 32, "salt" },
                { "ECDSA", NULL, -1, NULL },
        };
        (void)state;
        for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
                const struct keys_sign_params params = {
                        .mechanism = keys_mechanism(rows[i].mechanism),
                        .hash = rows[i].hash,
                        .salt = rows[i].salt,
                };
                const char *misfit = keys_params_misfit(&params);
                if ((misfit == NULL) != (rows[i].misfit == NULL) ||
                        (misfit && strcmp(misfit, rows[i].misfit) != 0))
                        fail_msg("row %zu: %s", i, misfit ? misfit : "none");
        }
}

/* ---- signing ---- */

/* What a card does: RSA of a whole block, ECDSA of a digest, and its own way for a digest of SHA-256. */
static size_t card_signs(
        EVP_PKEY *pkey, const struct request_to_sign *what, uint8_t sig[static ALGORITHM_SIG_MAX])
{
        EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new(pkey, NULL);
        size_t len = ALGORITHM_SIG_MAX;
        bool block = what->method == SIGN_PIV_RSA2048_RAW;
        if (block) {
                assert_int_equal(what->len, 256);
                assert_int_equal(EVP_PKEY_decrypt_init(ctx), 1);
                assert_true(EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_NO_PADDING) > 0);
                assert_int_equal(EVP_PKEY_decrypt(ctx, sig, &len, what->bytes, what->len), 1);
        } else {
                assert_int_equal(EVP_PKEY_sign_init(ctx), 1);
                if (EVP_PKEY_get_base_id(pkey) == EVP_PKEY_RSA)
                        assert_int_equal(EVP_PKEY_CTX_set_signature_md(ctx, EVP_sha256()), 1);
                assert_int_equal(EVP_PKEY_sign(ctx, sig, &len, what->bytes, what->len), 1);
        }
        EVP_PKEY_CTX_free(ctx);
        return len;
}

static const uint8_t words[300] = "words that a program wants signed";

static struct keys_sign_params params_of(
        const char *mechanism, size_t len, const char *hash, int salt)
{
        return (struct keys_sign_params){
                .mechanism = keys_mechanism(mechanism),
                .data = { words, len },
                .hash = hash,
                .salt = salt,
        };
}

static void what_a_free_key_signs_verifies_and_nothing_else_is_taken(void **state)
{
        const struct {
                EVP_PKEY *pkey;
                const char *mechanism;
                size_t len;
                const char *hash;
                int salt;
        } rows[] = {
                { pki->leaf_key, "RSA-PKCS", 1, NULL, -1 },
                { pki->leaf_key, "RSA-PKCS", 245, NULL, -1 },
                { pki->leaf_key, "RSA-PSS", 32, "sha256", 222 },
                { pki->leaf_key, "RSA-PSS", 48, "sha384", 0 },
                { pki->leaf_key, "RSA-PSS", 64, "sha512", -1 },
                { pki->leaf_key, "SHA256-RSA-PKCS", 300, NULL, -1 },
                { pki->leaf_key, "SHA384-RSA-PKCS", 0, NULL, -1 },
                { pki->leaf_key, "SHA512-RSA-PKCS", 33, NULL, -1 },
                { pki->leaf_key, "SHA256-RSA-PSS", 300, NULL, 20 },
                { pki->leaf_key, "SHA512-RSA-PSS", 300, NULL, -1 },
                { pki->ec_key, "ECDSA", 20, NULL, -1 },
                { pki->ec_key, "ECDSA", 32, NULL, -1 },
                { pki->ec_key, "ECDSA", 64, NULL, -1 },
                { pki->ec_key, "ECDSA-SHA384", 300, NULL, -1 },
                { p384, "ECDSA", 32, NULL, -1 },
                { p384, "ECDSA-SHA384", 300, NULL, -1 },
        };
        (void)state;
        for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
                struct keys_key key = free_key(rows[i].pkey);
                struct keys_sign_params params =
                        params_of(rows[i].mechanism, rows[i].len, rows[i].hash, rows[i].salt);
                struct request_to_sign what;
                uint8_t sig[ALGORITHM_SIG_MAX], out[ALGORITHM_SIG_MAX];
                size_t out_len = 0;
                assert_int_equal(keys_compose(&key, &params, &what), 0);
                size_t len = card_signs(rows[i].pkey, &what, sig);
                if (keys_finish(&key, &params, sig, len, out, &out_len) != 0)
                        fail_msg("row %zu", i);
                assert_int_equal(out_len, EVP_PKEY_get_base_id(rows[i].pkey) == EVP_PKEY_RSA ? 256
                                          : rows[i].pkey == p384                             ? 96
                                                                                             : 64);
                sig[len - 1] ^= 1;
                assert_int_equal(keys_finish(&key, &params, sig, len, out, &out_len),
                        OUTCOME_NO_STANDARD_SIGNATURE);
                keys_key_clear(&key);
        }
}

static void data_that_does_not_fit_is_refused(void **state)
{
        const struct {
                EVP_PKEY *pkey;
                const char *mechanism;
                size_t len;
                const char *hash;
                int salt;
        } rows[] = {
                { pki->leaf_key, "RSA-PKCS", 0, NULL, -1 },
                { pki->leaf_key, "RSA-PKCS", 246, NULL, -1 },
                { pki->leaf_key, "RSA-PKCS", 300, NULL, -1 },
                { pki->leaf_key, "RSA-PSS", 31, "sha256", -1 },
                { pki->leaf_key, "RSA-PSS", 48, "sha256", -1 },
                { pki->leaf_key, "RSA-PSS", 64, "sha512", 191 },
                { pki->ec_key, "ECDSA", 19, NULL, -1 },
                { pki->ec_key, "ECDSA", 65, NULL, -1 },
                { pki->ec_key, "ECDSA", 0, NULL, -1 },
        };
        (void)state;
        for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
                struct keys_key key = free_key(rows[i].pkey);
                struct keys_sign_params params =
                        params_of(rows[i].mechanism, rows[i].len, rows[i].hash, rows[i].salt);
                struct request_to_sign what;
                if (keys_compose(&key, &params, &what) != OUTCOME_INVALID)
                        fail_msg("row %zu", i);
                keys_key_clear(&key);
        }
}

/* Never a block, never a method of its own choosing: the digest of the data, as an assertion's. */
static void a_key_of_assertions_is_given_digests_alone(void **state)
{
        const struct {
                EVP_PKEY *pkey;
                enum card_family family;
                const char *mechanism;
                size_t len;
        } rows[] = { { pki->leaf_key, CARD_NID, "SHA256-RSA-PKCS", 32 },
                { pki->leaf_key, CARD_PIV, "SHA256-RSA-PKCS", 32 },
                { pki->ec_key, CARD_PIV, "ECDSA-SHA256", 32 },
                { p384, CARD_PIV, "ECDSA-SHA384", 48 } };
        (void)state;
        for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
                struct keys_key key = key_of(
                        rows[i].pkey, COMMITS, rows[i].family, CARD_USE_SIGNATURE, RAW_HASH_NO);
                struct keys_sign_params params = params_of(rows[i].mechanism, 146, NULL, -1);
                struct request_to_sign what;
                uint8_t digest[64], sig[ALGORITHM_SIG_MAX], out[ALGORITHM_SIG_MAX];
                size_t out_len = 0;
                assert_int_equal(keys_compose(&key, &params, &what), 0);
                assert_int_equal(what.method, SIGN_METHOD_COUNT);
                assert_int_equal(what.len, rows[i].len);
                assert_int_equal(EVP_Digest(words, 146, digest, NULL,
                                         rows[i].len == 48 ? EVP_sha384() : EVP_sha256(), NULL),
                        1);
                assert_memory_equal(what.bytes, digest, rows[i].len);
                size_t len = card_signs(rows[i].pkey, &what, sig);
                assert_int_equal(keys_finish(&key, &params, sig, len, out, &out_len), 0);
                keys_key_clear(&key);
        }
}

static void a_freed_national_key_signs_digests_of_sha_256_alone(void **state)
{
        static const uint8_t info[] = { 0x30, 0x31, 0x30, 0x0D, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01,
                0x65, 0x03, 0x04, 0x02, 0x01, 0x05, 0x00, 0x04, 0x20 };
        struct keys_key key =
                key_of(pki->leaf_key, COMMITS, CARD_NID, CARD_USE_SIGNATURE, RAW_HASH_NATIONAL);
        uint8_t block[sizeof info + 32] = { 0 };
        struct keys_sign_params params = {
                .mechanism = keys_mechanism("RSA-PKCS"), .data = { block, sizeof block }, .salt = -1
        };
        struct request_to_sign what;
        (void)state;
        memcpy(block, info, sizeof info);
        assert_int_equal(keys_compose(&key, &params, &what), 0);
        assert_int_equal(what.len, 32);
        for (size_t i = 0; i < sizeof info; i++) {
                block[i] ^= 1;
                assert_int_equal(keys_compose(&key, &params, &what), OUTCOME_INVALID);
                block[i] ^= 1;
        }
        params.data = (struct view){ block + sizeof info, 32 };
        assert_int_equal(keys_compose(&key, &params, &what), OUTCOME_INVALID);
        keys_key_clear(&key);
}

/* ---- as SSH writes it: RFC 4253 6.6, RFC 5656 3.1 ---- */

static void keys_are_written_as_ssh_does(void **state)
{
        struct keys_key rsa = free_key(pki->leaf_key), ec = free_key(pki->ec_key);
        uint8_t blob[RECOGNISE_BLOB_MAX];
        (void)state;
        size_t len = keys_blob(&rsa, blob);
        assert_int_equal(len, 4 + 7 + 4 + 3 + 4 + 257);
        assert_memory_equal(blob, "\0\0\0\7ssh-rsa\0\0\0\3\1\0\1\0\0\1\1\0", 22 + 1);
        len = keys_blob(&ec, blob);
        assert_int_equal(len, 4 + 19 + 4 + 8 + 4 + 65);
        assert_memory_equal(blob,
                "\0\0\0\x13"
                "ecdsa-sha2-nistp256\0\0\0\x08nistp256\0\0\0\x41\4",
                40);
        keys_key_clear(&rsa);
        keys_key_clear(&ec);
}

/* ---- what was told ---- */

static struct keys *fresh(struct request_context *context)
{
        struct keys *keys = NULL;
        assert_int_equal(keys_new(&keys, context), 0);
        return keys;
}

static void a_card_keeps_its_number_while_it_lies_there(void **state)
{
        struct request_context context = { 0 };
        struct keys *keys = fresh(&context);
        const struct keys_card *kept = NULL;
        char first[KEYS_CARD_LEN + 1], second[KEYS_CARD_LEN + 1];
        (void)state;
        for (int round = 0; round < 2; round++) {
                struct keys_card card = { .events = 7, .count = 1 };
                card.keys[0] = free_key(pki->ec_key);
                assert_int_equal(keys_put_card(keys, &card, &kept), 0);
                memcpy(round ? second : first, kept->number, sizeof first);
        }
        assert_string_equal(first, second);
        assert_int_equal(strlen(first), KEYS_CARD_LEN);
        assert_null(keys_find_card(keys, 8));
        for (uint32_t events = 8; events < 40; events++) {
                struct keys_card card = { .events = events, .count = 1 };
                card.keys[0] = free_key(pki->ec_key);
                assert_int_equal(keys_put_card(keys, &card, &kept), 0);
                assert_string_not_equal(kept->number, first);
        }
        assert_null(keys_find_card(keys, 7)); /* forgotten: it is asked about again */
        keys_free(keys);
}

static void a_yes_is_for_a_connection_and_a_no_for_a_program(void **state)
{
        struct request_context context = { 0 };
        struct keys *keys = fresh(&context);
        const struct peer one = { .pid = 11, .executable = "/usr/bin/one" },
                          fork_of_one = { .pid = 12, .executable = "/usr/bin/one" },
                          two = { .pid = 13, .executable = "/usr/bin/two" };
        (void)state;
        keys_note_answer(keys, &(struct keys_asker){ 1, &one }, 7, KEYS_YES);
        keys_note_answer(keys, &(struct keys_asker){ 2, &two }, 7, KEYS_NO);
        const struct {
                struct keys_asker asker;
                uint32_t events;
                enum keys_answer answer;
        } rows[] = {
                { { 1, &one }, 7, KEYS_YES },
                { { 1, &one }, 8, KEYS_UNASKED }, /* another laying-on */
                { { 3, &one }, 7, KEYS_UNASKED },
                { { 1, &fork_of_one }, 7, KEYS_UNASKED },
                { { 2, &two }, 7, KEYS_NO },
                { { 4, &two }, 7, KEYS_NO },
                { { 4, &two }, 8, KEYS_UNASKED },
                { { 2, &one }, 7, KEYS_UNASKED },
        };
        for (size_t i = 0; i < ARRAY_LEN(rows); i++)
                if (keys_answered(keys, &rows[i].asker, rows[i].events) != rows[i].answer)
                        fail_msg("row %zu", i);
        keys_free(keys);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(
                        a_key_is_of_assertions_unless_its_certificate_or_root_says_otherwise),
                cmocka_unit_test(each_key_has_the_mechanisms_of_its_kind),
                cmocka_unit_test(parameters_belong_to_their_mechanisms),
                cmocka_unit_test(what_a_free_key_signs_verifies_and_nothing_else_is_taken),
                cmocka_unit_test(data_that_does_not_fit_is_refused),
                cmocka_unit_test(a_key_of_assertions_is_given_digests_alone),
                cmocka_unit_test(a_freed_national_key_signs_digests_of_sha_256_alone),
                cmocka_unit_test(keys_are_written_as_ssh_does),
                cmocka_unit_test(a_card_keeps_its_number_while_it_lies_there),
                cmocka_unit_test(a_yes_is_for_a_connection_and_a_no_for_a_program),
        };
        return cmocka_run_group_tests(tests, set_up, tear_down);
}

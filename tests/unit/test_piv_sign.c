/* SPDX-License-Identifier: Apache-2.0 */
/* test_piv_sign.c: the PIN of a PIV card, from its counter to the signature.
 */
#include "tests/unit/piv_setting.h"

static void the_counter_is_read_without_a_try(void **state)
{
        (void)state;
        static const struct {
                const char *answer;
                int r;
                bool known;
                int tries;
                bool may_verify;
        } cases[] = {
                { "63C3", 0, true, 3, true },
                { "63CF", 0, true, 15, true },
                { "63C0", 0, true, 0, false },
                { "6983", 0, true, 0, false },
                { "9000", 0, false, 0, false }, /* somebody else's PIN is at work */
                { "6300", 0, false, 0, false },
                { "6A88", 0, false, 0, false },
                { "6982", 0, false, 0, false },
                { "!17", OUTCOME_CARD_REMOVED, false, 0, false },
                { "63", OUTCOME_CARD_NOT_SUPPORTED, false, 0, false },
        };
        for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
                _cleanup_setting_ struct setting s = piv();
                struct pin_counter counter = { .tries = 99 };
                int tries;
                says(&s, COUNTER, cases[i].answer);
                int r = piv_profile.counter(&s.card, PIN_COPY_IAS, &counter);
                assert_int_equal(r, cases[i].r);
                if (r == 0) {
                        assert_int_equal(counter.known, cases[i].known);
                        assert_int_equal(counter.tries, cases[i].tries);
                }
                if (!cases[i].may_verify)
                        assert_int_equal(
                                piv_profile.verify(&s.card, pin, sizeof pin, &tries), -EPERM);
                check(&s);
        }
        _cleanup_setting_ struct setting s = piv();
        struct pin_counter counter;
        assert_int_equal(
                piv_profile.counter(&s.card, PIN_COPY_ID, &counter), OUTCOME_CARD_NOT_SUPPORTED);
        assert_int_equal(piv_profile.counter(&s.card, PIN_COPY_COUNT, &counter), -EINVAL);
        says(&s, COUNTER, "6700");
        says(&s, COUNTER "00", "63C2");
        assert_int_equal(piv_profile.counter(&s.card, PIN_COPY_IAS, &counter), 0);
        assert_int_equal(counter.tries, 2);
        check(&s);
}

static void every_answer_to_verify_has_one_meaning_and_ends_the_right_to_ask(void **state)
{
        (void)state;
        static const struct {
                const char *answer;
                int r, tries;
        } cases[] = {
                { "9000", 0, -1 },
                { "63C2", OUTCOME_WRONG_PIN, 2 },
                { "63C0", OUTCOME_PIN_BLOCKED, 0 },
                { "6983", OUTCOME_PIN_BLOCKED, 0 },
                { "6A80", OUTCOME_CARD_NOT_SUPPORTED, -1 },
                { "6300", OUTCOME_CARD_NOT_SUPPORTED, -1 },
                { "6C08", OUTCOME_CARD_NOT_SUPPORTED, -1 },
                { "6982", OUTCOME_CARD_NOT_SUPPORTED, -1 },
                { "!17", OUTCOME_CARD_REMOVED, -1 },
                { "!19", OUTCOME_TIMED_OUT, -1 },
        };
        for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
                _cleanup_setting_ struct setting s = piv_counted();
                int tries = 9;
                says(&s, VERIFY, cases[i].answer);
                assert_int_equal(piv_profile.verify(&s.card, pin, sizeof pin, &tries), cases[i].r);
                assert_int_equal(tries, cases[i].tries);
                assert_int_equal(piv_profile.verify(&s.card, pin, sizeof pin, &tries), -EPERM);
                check(&s);
        }
}

static void only_six_to_eight_digits_are_a_pin(void **state)
{
        (void)state;
        static const char *const bad[] = { "", "12345", "123456789", "12345a", "12345 ",
                "12345\xFF" };
        _cleanup_setting_ struct setting s = piv_counted();
        int tries;
        for (size_t i = 0; i < ARRAY_LEN(bad); i++)
                assert_int_equal(piv_profile.verify(
                                         &s.card, (const uint8_t *)bad[i], strlen(bad[i]), &tries),
                        -EINVAL);
        says(&s, "0020008008 3132333435363738", "9000");
        assert_int_equal(piv_profile.verify(&s.card, (const uint8_t *)"12345678", 8, &tries), 0);
        check(&s);
}

static void forgetting_or_selecting_takes_the_right_away(void **state)
{
        (void)state;
        _cleanup_setting_ struct setting s = piv_counted();
        int tries;
        card_forget(&s.card);
        assert_int_equal(piv_profile.verify(&s.card, pin, sizeof pin, &tries), -EPERM);
        struct pin_counter counter;
        says(&s, SELECT, TEMPLATE "9000");
        says(&s, COUNTER, "63C1");
        assert_int_equal(piv_profile.counter(&s.card, PIN_COPY_IAS, &counter), 0);
        assert_int_equal(piv_profile.clear(&s.card), 0);
        assert_int_equal(piv_profile.verify(&s.card, pin, sizeof pin, &tries), -EPERM);
        check(&s);
}

static int on_pinpad(
        void *ctx, const struct apdu_pinpad *how, uint8_t *rsp, size_t cap, size_t *len)
{
        const uint8_t *word = ctx;
        (void)cap;
        assert_int_equal(how->ins, 0x20);
        assert_int_equal(how->p2, 0x80);
        assert_int_equal(how->block_len, 8);
        assert_int_equal(how->pad, 0xFF);
        assert_int_equal(how->min, 6);
        assert_int_equal(how->max, 8);
        memcpy(rsp, word, 2);
        *len = 2;
        return 0;
}

static void a_reader_with_keys_makes_the_same_verify(void **state)
{
        (void)state;
        static const struct {
                uint8_t word[2];
                int r, tries;
        } cases[] = {
                { { 0x90, 0x00 }, 0, -1 },
                { { 0x63, 0xC2 }, OUTCOME_WRONG_PIN, 2 },
                { { 0x69, 0x83 }, OUTCOME_PIN_BLOCKED, 0 },
                { { 0x64, 0x00 }, OUTCOME_TIMED_OUT, -1 },
                { { 0x64, 0x01 }, OUTCOME_REFUSED, -1 },
        };
        for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
                _cleanup_setting_ struct setting s = piv_counted();
                uint8_t word[2] = { cases[i].word[0], cases[i].word[1] };
                struct apdu_link link = *s.card.link;
                int tries;
                link.ctx = word;
                link.pinpad = on_pinpad;
                s.card.link = &link;
                assert_int_equal(piv_profile.verify(&s.card, NULL, 0, &tries), cases[i].r);
                assert_int_equal(tries, cases[i].tries);
                assert_int_equal(piv_profile.verify(&s.card, NULL, 0, &tries), -EPERM);
                check(&s);
        }
}

static int sign(struct setting *s, enum sign_method method, uint8_t *sig, size_t *ret_len)
{
        size_t len = method == SIGN_PIV_P384 ? 48 : 32;
        return piv_profile.sign(
                &s->card, PIV_KEY_SIGN, method, hash, len, sig, CARD_SIG_MAX, ret_len);
}

static void curves_sign_the_bare_digest_in_one_exchange(void **state)
{
        (void)state;
        _cleanup_setting_ struct setting s = piv_verified(), t = piv_verified();
        uint8_t sig[CARD_SIG_MAX];
        size_t len = 0;
        says(&s, "0087119C26 7C24 8200 8120 " HASH_HEX "00", "7C0A 8208 3006020101020102 9000");
        assert_int_equal(sign(&s, SIGN_PIV_P256, sig, &len), 0);
        assert_int_equal(len, 8);
        assert_memory_equal(sig, "\x30\x06\x02\x01\x01\x02\x01\x02", 8);
        check(&s);
        says(&t, "0087149C36 7C34 8200 8130 " HASH48_HEX "00", "7C0A 8208 3006020101020102 9000");
        assert_int_equal(sign(&t, SIGN_PIV_P384, sig, &len), 0);
        check(&t);
}

/* Appendix A of part 2: the first block is 255 bytes under CLA 10, the rest follows with Le. */
static void rsa_signs_a_padded_block_in_a_chain(void **state)
{
        (void)state;
        _cleanup_setting_ struct setting s = piv_verified();
        char data[2 * 266 + 1], first[600], second[64], answer[600], last[64];
        uint8_t sig[CARD_SIG_MAX];
        size_t len = 0;
        strcpy(data, "7C8201068200818201000001");
        while (strlen(data) < 2 * (266 - 52))
                strcat(data, "FF");
        strcat(data, "00"
                     "3031300D060960864801650304020105000420" HASH_HEX);
        assert_int_equal(strlen(data), 2 * 266);
        snprintf(first, sizeof first, "1087079CFF%.510s", data);
        snprintf(second, sizeof second, "0087079C0B%s00", data + 510);
        strcpy(answer, "7C82010482820100");
        memset(answer + 16, '5', 512 - 16);
        strcpy(answer + 512, "6108");
        strcpy(last, "5555555555555556 9000");
        says(&s, first, "9000");
        says(&s, second, answer);
        says(&s, "00C0000008", last);
        assert_int_equal(sign(&s, SIGN_PIV_RSA2048, sig, &len), 0);
        assert_int_equal(len, 256);
        assert_int_equal(sig[0], 0x55);
        assert_int_equal(sig[255], 0x56);
        check(&s);
}

static void what_is_no_signature_is_not_handed_out(void **state)
{
        (void)state;
        static const struct {
                const char *answer;
                int r;
        } cases[] = {
                { "6982", OUTCOME_NO_STANDARD_SIGNATURE },
                { "6A80", OUTCOME_NO_STANDARD_SIGNATURE },
                { "6A86", OUTCOME_NO_STANDARD_SIGNATURE },
                { "9000", OUTCOME_NO_STANDARD_SIGNATURE },
                { "7C02 8200 9000", OUTCOME_NO_STANDARD_SIGNATURE },
                { "7C03 8201 30 9000", OUTCOME_NO_STANDARD_SIGNATURE },
                { "7C0A 8108 3006020101020102 9000", OUTCOME_NO_STANDARD_SIGNATURE },
                { "7C0B 8208 3006020101020102 9000", OUTCOME_NO_STANDARD_SIGNATURE },
                { "7C0A 8208 3006020101020102 00 9000", OUTCOME_NO_STANDARD_SIGNATURE },
                { "!17", OUTCOME_CARD_REMOVED },
        };
        for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
                _cleanup_setting_ struct setting s = piv_verified();
                uint8_t sig[CARD_SIG_MAX];
                size_t len = 0;
                says(&s, "0087119C26 7C24 8200 8120 " HASH_HEX "00", cases[i].answer);
                assert_int_equal(sign(&s, SIGN_PIV_P256, sig, &len), cases[i].r);
                assert_int_equal(len, 0);
                assert_int_equal(sign(&s, SIGN_PIV_P256, sig, &len), -EPERM);
                check(&s);
        }
}

/* Part 2, 3.2.4: the same command with key reference 9A; what it is given goes to the card as it is. */
static void the_authentication_key_signs_what_it_is_given(void **state)
{
        (void)state;
        _cleanup_setting_ struct setting s = piv_verified(), t = piv_verified(), u = piv_verified();
        char data[2 * 266 + 1], first[600], second[64], answer[600];
        uint8_t block[256], sig[CARD_SIG_MAX];
        size_t len = 0;
        says(&s, "0087119A26 7C24 8200 8120 " HASH_HEX "00", "7C0A 8208 3006020101020102 9000");
        assert_int_equal(piv_profile.sign(&s.card, PIV_KEY_AUTHENTICATION, SIGN_PIV_P256_RAW, hash,
                                 32, sig, sizeof sig, &len),
                0);
        assert_memory_equal(sig, "\x30\x06\x02\x01\x01\x02\x01\x02", 8);
        assert_int_equal(piv_profile.sign(&s.card, PIV_KEY_AUTHENTICATION, SIGN_PIV_P256_RAW, hash,
                                 32, sig, sizeof sig, &len),
                -EPERM); /* the card would, but a PIN was typed for one */
        check(&s);
        says(&t, "0087149A36 7C34 8200 8130 " HASH48_HEX "00", "7C0A 8208 3006020101020102 9000");
        assert_int_equal(piv_profile.sign(&t.card, PIV_KEY_AUTHENTICATION, SIGN_PIV_P384_RAW, hash,
                                 48, sig, sizeof sig, &len),
                0);
        check(&t);
        memset(block, 0xA7, sizeof block);
        block[0] = 0;
        strcpy(data, "7C820106820081820100"
                     "00");
        while (strlen(data) < 2 * 266)
                strcat(data, "A7");
        snprintf(first, sizeof first, "1087079AFF%.510s", data);
        snprintf(second, sizeof second, "0087079A0B%s00", data + 510);
        strcpy(answer, "7C82010482820100");
        memset(answer + 16, '6', 512 - 16);
        strcpy(answer + 512, "6108");
        says(&u, first, "9000");
        says(&u, second, answer);
        says(&u, "00C0000008", "6666666666666666 9000");
        assert_int_equal(piv_profile.sign(&u.card, PIV_KEY_AUTHENTICATION, SIGN_PIV_RSA2048_RAW,
                                 block, sizeof block, sig, sizeof sig, &len),
                0);
        assert_int_equal(len, 256);
        check(&u);
}

static void what_an_app_made_is_not_for_the_key_that_makes_assertions(void **state)
{
        (void)state;
        static const enum sign_method raw[] = { SIGN_PIV_RSA2048_RAW, SIGN_PIV_P256_RAW,
                SIGN_PIV_P384_RAW };
        static const size_t lens[] = { 256, 32, 48 };
        _cleanup_setting_ struct setting s = piv_verified();
        uint8_t block[256] = { 0 }, sig[CARD_SIG_MAX];
        size_t len = 0;
        for (size_t i = 0; i < ARRAY_LEN(raw); i++) {
                assert_int_equal(piv_profile.select_method(&s.card, PIV_KEY_SIGN, raw[i]), -EINVAL);
                assert_int_equal(piv_profile.sign(&s.card, PIV_KEY_SIGN, raw[i], block, lens[i],
                                         sig, sizeof sig, &len),
                        -EINVAL);
                assert_int_equal(piv_profile.sign(&s.card, PIV_KEY_AUTHENTICATION, raw[i], block,
                                         lens[i] - 1, sig, sizeof sig, &len),
                        -EINVAL);
        }
        s.card.raw_signature = true; /* root's word */
        says(&s, "0087119C26 7C24 8200 8120 " HASH_HEX "00", "7C0A 8208 3006020101020102 9000");
        assert_int_equal(piv_profile.sign(&s.card, PIV_KEY_SIGN, SIGN_PIV_P256_RAW, hash, 32, sig,
                                 sizeof sig, &len),
                0);
        check(&s);
}

static void no_other_key_or_method_is_ever_used(void **state)
{
        (void)state;
        _cleanup_setting_ struct setting s = piv_verified();
        uint8_t sig[CARD_SIG_MAX];
        size_t len;
        for (int ref = 0; ref < 256; ref++) {
                if (ref == PIV_KEY_SIGN || ref == PIV_KEY_AUTHENTICATION)
                        continue;
                assert_int_equal(piv_profile.sign(&s.card, (uint8_t)ref, SIGN_PIV_P256, hash, 32,
                                         sig, sizeof sig, &len),
                        -EINVAL);
                assert_int_equal(
                        piv_profile.select_method(&s.card, (uint8_t)ref, SIGN_PIV_P256), -EINVAL);
        }
        for (int method = SIGN_RSA_SHA256_CARD; method <= SIGN_METHOD_COUNT; method++) {
                bool ours = method >= SIGN_PIV_RSA2048 && method <= SIGN_PIV_P384;
                assert_int_equal(
                        piv_profile.select_method(&s.card, PIV_KEY_SIGN, (enum sign_method)method),
                        ours ? 0 : -EINVAL);
        }
        assert_int_equal(piv_profile.sign(&s.card, PIV_KEY_SIGN, SIGN_PIV_P256, hash, 48, sig,
                                 sizeof sig, &len),
                -EINVAL);
        check(&s);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(the_counter_is_read_without_a_try),
                cmocka_unit_test(every_answer_to_verify_has_one_meaning_and_ends_the_right_to_ask),
                cmocka_unit_test(only_six_to_eight_digits_are_a_pin),
                cmocka_unit_test(forgetting_or_selecting_takes_the_right_away),
                cmocka_unit_test(a_reader_with_keys_makes_the_same_verify),
                cmocka_unit_test(curves_sign_the_bare_digest_in_one_exchange),
                cmocka_unit_test(rsa_signs_a_padded_block_in_a_chain),
                cmocka_unit_test(what_is_no_signature_is_not_handed_out),
                cmocka_unit_test(the_authentication_key_signs_what_it_is_given),
                cmocka_unit_test(what_an_app_made_is_not_for_the_key_that_makes_assertions),
                cmocka_unit_test(no_other_key_or_method_is_ever_used),
        };
        return cmocka_run_group_tests(tests, prepare, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* test_nid_pin.c: counters at no cost, and the one VERIFY: every answer a card can give, and every way
 * in which a caller could ask for a second one (card-facts 4.3 to 4.5, 4.10, 7.2).
 */
#include "tests/unit/nid_setting.h"

struct counter_case {
        const char *answer;
        int r;
        bool known;
        int tries;
        bool may_verify;
};

static void ias_counter_is_read_without_a_try(void **state)
{
        (void)state;
        static const struct counter_case cases[] = {
                { "63C3", 0, true, 3, true },
                { "63C1", 0, true, 1, true },
                { "63CF", 0, true, 15, true },
                { "63C0", 0, true, 0, false },
                { "6983", 0, true, 0, false },
                { "6984", 0, true, 0, false },
                { "6A88", 0, false, 0, false },
                { "6982", 0, false, 0, false },
                { "6C10", 0, false, 0, false },
                { "6300", 0, false, 0, false },
                { "6F00", 0, false, 0, false },
                { "!17", OUTCOME_CARD_REMOVED, false, 0, false },
                { "63", OUTCOME_CARD_NOT_SUPPORTED, false, 0, false },
        };
        for (int protocol = APDU_T0; protocol <= APDU_T1; protocol++) {
                for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
                        _cleanup_setting_ struct setting s = mav((enum apdu_protocol)protocol,
                                protocol == APDU_T0 ? mav2_t0 : mav2_cl);
                        struct pin_counter counter = { .tries = 99 };
                        says(&s, protocol == APDU_T0 ? COUNTER_T0 : COUNTER, cases[i].answer);
                        int r = nid_profile.counter(&s.card, PIN_COPY_IAS, &counter);
                        check(&s);
                        assert_int_equal(r, cases[i].r);
                        assert_int_equal(s.card.nid.counter_seen, cases[i].may_verify);
                        if (r != 0)
                                continue;
                        assert_int_equal(counter.known, cases[i].known);
                        assert_int_equal(counter.tries, cases[i].tries);
                        assert_int_equal(counter.sw, s.card.sw);
                }
        }
}

static void already_verified_is_cleared_and_asked_again(void **state)
{
        (void)state;
        static const struct counter_case cases[] = {
                { "63C2", 0, true, 2, true },
                { "9000", 0, false, 0, false },
                { "6983", 0, true, 0, false },
                { "!17", OUTCOME_CARD_REMOVED, false, 0, false },
        };
        for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
                _cleanup_setting_ struct setting s = mav(APDU_T1, mav2_cl);
                struct pin_counter counter = { 0 };
                says(&s, COUNTER, "9000");
                says(&s, IAS, "9000");
                says(&s, COUNTER, cases[i].answer);
                assert_int_equal(nid_profile.counter(&s.card, PIN_COPY_IAS, &counter), cases[i].r);
                assert_int_equal(counter.known, cases[i].known);
                assert_int_equal(counter.tries, cases[i].tries);
                assert_int_equal(s.card.nid.counter_seen, cases[i].may_verify);
                check(&s);
        }
}

static void mpcos_counters_are_read_with_get_info_only(void **state)
{
        (void)state;
        static const struct {
                const char *answer;
                bool known;
                int tries;
        } cases[] = {
                { "000000000000000000000000 9000", true, 3 },
                { "AA0100000000000000000000 9000", true, 2 },
                { "000300000000000000000000 9000", true, 1 },
                { "000700000000000000000000 9000", true, 0 },
                { "000F00000000000000000000 9000", false, 0 },
                { "000200000000000000000000 9000", false, 0 },
                { "0000000000000000000000 9000", false, 0 },
                { "000000000000000000000000 6282", false, 0 },
                { "6B00", false, 0 },
                { "6982", false, 0 },
        };
        static const struct said paths[][2] = {
                { { "00A4010C020200", "9000" }, { "00A4020C022F01", "9000" } },
                { { "00A4010C020500", "9000" }, { "00A4020C025F04", "9000" } },
        };
        for (int copy = PIN_COPY_ID; copy <= PIN_COPY_EV; copy++) {
                for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
                        _cleanup_setting_ struct setting s = mav(APDU_T1, mav2_cl);
                        struct pin_counter counter = { 0 };
                        says(&s, MPCOS, "9000");
                        conversation_say_all(s.c, paths[copy - PIN_COPY_ID], 2);
                        says(&s, "80C002050C", cases[i].answer);
                        assert_int_equal(
                                nid_profile.counter(&s.card, (enum pin_copy)copy, &counter), 0);
                        assert_int_equal(counter.known, cases[i].known);
                        assert_int_equal(counter.tries, cases[i].tries);
                        assert_false(s.card.nid.counter_seen);
                        check(&s);
                }
        }
}

static void an_absent_mpcos_counter_is_unknown_not_an_error(void **state)
{
        (void)state;
        _cleanup_setting_ struct setting s = mav(APDU_T1, mav2_cl);
        struct pin_counter counter = { .known = true };
        says(&s, MPCOS, "9000");
        says(&s, "00A4010C020200", "6A82");
        says(&s, MF, "9000");
        says(&s, "00A4010C020200", "6A82");
        assert_int_equal(nid_profile.counter(&s.card, PIN_COPY_ID, &counter), 0);
        assert_false(counter.known);
        assert_int_equal(counter.sw, 0x6A82);
        assert_int_equal(nid_profile.counter(&s.card, PIN_COPY_COUNT, &counter), -EINVAL);
        check(&s);
}

static void t1_cards_without_case_1_are_asked_in_the_vendors_five_bytes(void **state)
{
        (void)state;
        _cleanup_setting_ struct setting s = mav(APDU_T1, mav2_cl);
        struct pin_counter counter = { 0 };
        says(&s, COUNTER, "6700");
        says(&s, COUNTER_T0, "63C2");
        assert_int_equal(nid_profile.counter(&s.card, PIN_COPY_IAS, &counter), 0);
        assert_int_equal(counter.tries, 2);
        says(&s, COUNTER, "6700");
        says(&s, COUNTER_T0, "6700");
        assert_int_equal(nid_profile.counter(&s.card, PIN_COPY_IAS, &counter), 0);
        assert_false(counter.known);
        assert_false(s.card.nid.counter_seen);
        check(&s);
}

static void every_answer_to_verify_has_one_meaning(void **state)
{
        (void)state;
        static const struct {
                const char *answer;
                int r, tries;
        } cases[] = {
                { "9000", 0, -1 },
                { "63C2", OUTCOME_WRONG_PIN, 2 },
                { "63C1", OUTCOME_WRONG_PIN, 1 },
                { "63C0", OUTCOME_PIN_BLOCKED, 0 },
                { "6983", OUTCOME_PIN_BLOCKED, 0 },
                { "6984", OUTCOME_PIN_BLOCKED, 0 },
                { "6987", OUTCOME_NEEDS_ISSUER_KEYS, -1 },
                { "6988", OUTCOME_NEEDS_ISSUER_KEYS, -1 },
                { "6882", OUTCOME_NEEDS_ISSUER_KEYS, -1 },
                { "6300", OUTCOME_CARD_NOT_SUPPORTED, -1 },
                { "6982", OUTCOME_CARD_NOT_SUPPORTED, -1 },
                { "6985", OUTCOME_CARD_NOT_SUPPORTED, -1 },
                { "6A80", OUTCOME_CARD_NOT_SUPPORTED, -1 },
                { "6A88", OUTCOME_CARD_NOT_SUPPORTED, -1 },
                { "6700", OUTCOME_CARD_NOT_SUPPORTED, -1 },
                { "6C10", OUTCOME_CARD_NOT_SUPPORTED, -1 },
                { "6D00", OUTCOME_CARD_NOT_SUPPORTED, -1 },
                { "6F00", OUTCOME_CARD_NOT_SUPPORTED, -1 },
                { "9001", OUTCOME_CARD_NOT_SUPPORTED, -1 },
                { "", OUTCOME_CARD_NOT_SUPPORTED, -1 },
                { "90", OUTCOME_CARD_NOT_SUPPORTED, -1 },
                { "01 9000", OUTCOME_CARD_NOT_SUPPORTED, -1 },
                { "!17", OUTCOME_CARD_REMOVED, -1 },
                { "!19", OUTCOME_TIMED_OUT, -1 },
                { "!25", OUTCOME_READER_SERVICE, -1 },
        };
        for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
                _cleanup_setting_ struct setting s = mav_with_counter();
                int tries = 99;
                says(&s, VERIFY_1234, cases[i].answer);
                int r = nid_profile.verify(&s.card, (const uint8_t *)"1234", 4, &tries);
                check(&s);
                assert_int_equal(r, cases[i].r);
                assert_int_equal(tries, cases[i].tries);
                assert_false(s.card.nid.counter_seen);
                assert_int_equal(s.card.nid.verified, r == 0);
                assert_int_equal(
                        nid_profile.verify(&s.card, (const uint8_t *)"1234", 4, &tries), -EPERM);
                assert_int_equal(tries, -1);
                check(&s);
        }
}

static void verify_without_a_fresh_counter_is_refused(void **state)
{
        (void)state;
        const uint8_t *pin = (const uint8_t *)"1234";
        struct pin_counter counter;
        int tries;
        {
                _cleanup_setting_ struct setting s = mav(APDU_T1, mav2_cl);
                assert_int_equal(nid_profile.verify(&s.card, pin, 4, &tries), -EPERM);
                check(&s);
        }
        {
                _cleanup_setting_ struct setting s = mav_with_counter();
                card_forget(&s.card);
                assert_int_equal(nid_profile.verify(&s.card, pin, 4, &tries), -EPERM);
                check(&s);
        }
        {
                _cleanup_setting_ struct setting s = mav_with_counter();
                says(&s, IAS, "9000");
                assert_int_equal(nid_profile.clear(&s.card), 0);
                assert_int_equal(nid_profile.verify(&s.card, pin, 4, &tries), -EPERM);
                check(&s);
        }
        {
                _cleanup_setting_ struct setting s = mav_with_counter();
                size_t len;
                says(&s, MANAGER, "6A82");
                assert_int_equal(read_object(&s, OBJECT_CSN, &len), OUTCOME_CARD_NOT_SUPPORTED);
                assert_int_equal(nid_profile.verify(&s.card, pin, 4, &tries), -EPERM);
                check(&s);
        }
        {
                _cleanup_setting_ struct setting s = mav_with_counter();
                says(&s, COUNTER, "6983");
                assert_int_equal(nid_profile.counter(&s.card, PIN_COPY_IAS, &counter), 0);
                assert_int_equal(nid_profile.verify(&s.card, pin, 4, &tries), -EPERM);
                check(&s);
        }
}

static void only_four_to_eight_digits_are_a_pin(void **state)
{
        (void)state;
        static const struct {
                const char *pin;
                size_t len;
        } bad[] = { { "", 0 }, { "123", 3 }, { "123456789", 9 }, { "12a4", 4 }, { "12 4", 4 },
                { "12\0004", 4 }, { "1234\0", 5 }, { "\xDB\xB1\xDB\xB2", 4 }, { "123/", 4 },
                { "123:", 4 } };
        _cleanup_setting_ struct setting s = mav_with_counter();
        int tries;
        for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
                assert_int_equal(nid_profile.verify(
                                         &s.card, (const uint8_t *)bad[i].pin, bad[i].len, &tries),
                        -EINVAL);
                assert_int_equal(tries, -1);
        }
        assert_true(s.card.nid.counter_seen);
        says(&s, "0020008110 31323334353637380000000000000000", "9000");
        assert_int_equal(nid_profile.verify(&s.card, (const uint8_t *)"12345678", 8, &tries), 0);
        check(&s);
}

int main(void)
{
        prepare();
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(ias_counter_is_read_without_a_try),
                cmocka_unit_test(already_verified_is_cleared_and_asked_again),
                cmocka_unit_test(mpcos_counters_are_read_with_get_info_only),
                cmocka_unit_test(an_absent_mpcos_counter_is_unknown_not_an_error),
                cmocka_unit_test(t1_cards_without_case_1_are_asked_in_the_vendors_five_bytes),
                cmocka_unit_test(every_answer_to_verify_has_one_meaning),
                cmocka_unit_test(verify_without_a_fresh_counter_is_refused),
                cmocka_unit_test(only_four_to_eight_digits_are_a_pin),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}

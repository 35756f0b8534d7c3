/* SPDX-License-Identifier: Apache-2.0 */
/* test_piv_renew.c: a new PIN for a PIV card: which bytes, when, and how often. The commands are typed in from SP
 * 800-73-4 part 2, 3.2.2 (CHANGE REFERENCE DATA: the present PIN, then the new one) and 3.2.3 (RESET RETRY COUNTER: the
 * code, then the new PIN), 2.4.3 (eight bytes each).
 */
#include "tests/unit/piv_setting.h"

#define CHANGE  "0024008010 323731383238FFFF 3136313830333339"
#define UNBLOCK "002C008010 3133353732343638 3136313830333339"

static const struct view old_pin = { (const uint8_t *)"271828", 6 },
                         new_pin = { (const uint8_t *)"16180339", 8 },
                         puk = { (const uint8_t *)"13572468", 8 };

static struct view proof_of(enum card_renewal how)
{
        return how == RENEW_BY_PIN ? old_pin : puk;
}

static int renew(struct setting *s, enum card_renewal how, int *ret_tries)
{
        return piv_profile.renew(&s->card, how, proof_of(how), new_pin, ret_tries);
}

static void every_answer_has_one_meaning_and_ends_the_right_to_ask(void **state)
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
                { "6C10", OUTCOME_CARD_NOT_SUPPORTED, -1 },
                { "6104", OUTCOME_CARD_NOT_SUPPORTED, -1 },
                { "6982", OUTCOME_CARD_NOT_SUPPORTED, -1 },
                { "!17", OUTCOME_CARD_REMOVED, -1 },
                { "!19", OUTCOME_TIMED_OUT, -1 },
        };
        for (size_t i = 0; i < 2 * ARRAY_LEN(cases); i++) {
                enum card_renewal how = i % 2 ? RENEW_BY_PUK : RENEW_BY_PIN;
                _cleanup_setting_ struct setting s = piv_counted();
                int tries = 9;
                says(&s, how == RENEW_BY_PIN ? CHANGE : UNBLOCK, cases[i / 2].answer);
                if (strcmp(cases[i / 2].answer, "6104") == 0)
                        says(&s, "00C0000004", "6F00");
                assert_int_equal(renew(&s, how, &tries), cases[i / 2].r);
                assert_int_equal(tries, cases[i / 2].tries);
                assert_int_equal(renew(&s, RENEW_BY_PIN, &tries), -EPERM);
                assert_int_equal(renew(&s, RENEW_BY_PUK, &tries), -EPERM);
                assert_int_equal(piv_profile.verify(&s.card, pin, sizeof pin, &tries), -EPERM);
                check(&s);
        }
}

static void a_blocked_pin_is_for_the_code_alone(void **state)
{
        (void)state;
        static const struct {
                const char *counter;
                int by_pin, by_puk;
        } cases[] = { { "6983", -EPERM, 0 }, { "63C0", -EPERM, 0 }, { "9000", -EPERM, -EPERM },
                { "6A88", -EPERM, -EPERM } };
        for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
                _cleanup_setting_ struct setting s = piv_counted_as(cases[i].counter);
                int tries;
                assert_int_equal(renew(&s, RENEW_BY_PIN, &tries), cases[i].by_pin);
                if (cases[i].by_puk == 0)
                        says(&s, UNBLOCK, "9000");
                assert_int_equal(renew(&s, RENEW_BY_PUK, &tries), cases[i].by_puk);
                check(&s);
        }
}

static void nothing_goes_out_that_is_no_pin(void **state)
{
        (void)state;
        static const struct {
                const char *proof, *new_pin;
                enum card_renewal how;
        } cases[] = {
                { "27182", "16180339", RENEW_BY_PIN },
                { "271828182", "16180339", RENEW_BY_PIN },
                { "27182a", "16180339", RENEW_BY_PIN },
                { "271828", "16180", RENEW_BY_PIN },
                { "271828", "161803398", RENEW_BY_PIN },
                { "271828", "1618033 ", RENEW_BY_PIN },
                { "271828", "", RENEW_BY_PIN },
                { "1357246", "16180339", RENEW_BY_PUK },
                { "135724680", "16180339", RENEW_BY_PUK },
                { "1357246x", "16180339", RENEW_BY_PUK },
                { "13572468", "16180", RENEW_BY_PUK },
                { "271828", "16180339", CARD_RENEWALS },
        };
        _cleanup_setting_ struct setting s = piv_counted();
        for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
                int tries;
                assert_int_equal(piv_profile.renew(&s.card, cases[i].how,
                                         (struct view){ (const uint8_t *)cases[i].proof,
                                                 strlen(cases[i].proof) },
                                         (struct view){ (const uint8_t *)cases[i].new_pin,
                                                 strlen(cases[i].new_pin) },
                                         &tries),
                        -EINVAL);
                assert_int_equal(tries, -1);
        }
        check(&s);
}

static void the_right_ends_with_all_that_ends_the_state_of_the_card(void **state)
{
        (void)state;
        _cleanup_setting_ struct setting s = piv_counted();
        int tries;
        card_forget(&s.card);
        assert_int_equal(renew(&s, RENEW_BY_PIN, &tries), -EPERM);
        assert_int_equal(renew(&s, RENEW_BY_PUK, &tries), -EPERM);
        _cleanup_setting_ struct setting other = piv_counted();
        assert_int_equal(piv_profile.clear(&other.card), 0);
        assert_int_equal(renew(&other, RENEW_BY_PIN, &tries), -EPERM);
        assert_int_equal(renew(&other, RENEW_BY_PUK, &tries), -EPERM);
        check(&other);
        check(&s);
}

static void the_national_card_has_no_such_command(void **state)
{
        (void)state;
        assert_null(nid_profile.renew);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(every_answer_has_one_meaning_and_ends_the_right_to_ask),
                cmocka_unit_test(a_blocked_pin_is_for_the_code_alone),
                cmocka_unit_test(nothing_goes_out_that_is_no_pin),
                cmocka_unit_test(the_right_ends_with_all_that_ends_the_state_of_the_card),
                cmocka_unit_test(the_national_card_has_no_such_command),
        };
        return cmocka_run_group_tests(tests, prepare, NULL);
}

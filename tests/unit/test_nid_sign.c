/* SPDX-License-Identifier: Apache-2.0 */
/* test_nid_sign.c: free questions, signatures in all their ways, and the exchanges of a whole
 * assertion, counted: the ceilings of docs/design.md are exact numbers here.
 */
#include "tests/unit/nid_setting.h"

static int sign(struct setting *s, enum sign_method method, uint8_t *sig, size_t *ret_len)
{
        return nid_profile.sign(&s->card, 3, method, hash, sizeof hash, sig, CARD_SIG_MAX, ret_len);
}

static void three_methods_say_the_hash_in_their_way(void **state)
{
        (void)state;
        static const struct said methods[][2] = {
                [SIGN_RSA_SHA256_CARD] = { { MSE_42, "9000" }, { HASH, "9000" } },
                [SIGN_RSA_DIGESTINFO] = { { MSE_02, "9000" }, { HASH_INFO, "9000" } },
                [SIGN_RSA_BARE_HASH] = { { MSE_02, "9000" }, { HASH, "9000" } },
        };
        _cleanup_setting_ struct setting s = mav_verified();
        for (int method = 0; method <= SIGN_RSA_BARE_HASH; method++) {
                uint8_t sig[CARD_SIG_MAX];
                size_t len = 0;
                conversation_say_all(s.c, methods[method], 2);
                says(&s, CDS, signature_answer);
                assert_int_equal(sign(&s, (enum sign_method)method, sig, &len), 0);
                assert_int_equal(len, 256);
                assert_memory_equal(sig, leaf, 256);
        }
        check(&s);
}

static void t0_signatures_come_in_every_published_way(void **state)
{
        (void)state;
        char short_answer[2 * 128 + 5];
        hex_encode(short_answer, leaf, 128);
        memcpy(short_answer + 256, "9000", 5);
        const struct said direct[] = { { CDS, signature_answer } };
        const struct said fetched[] = { { CDS, "6100" }, { "00C0000000", signature_answer } };
        const struct said shorter[] = { { CDS, "6C80" }, { "002A9E9A80", short_answer } };
        const struct {
                const struct said *said;
                size_t count, len;
        } ways[] = { { direct, 1, 256 }, { fetched, 2, 256 }, { shorter, 2, 128 } };
        for (size_t i = 0; i < ARRAY_LEN(ways); i++) {
                _cleanup_setting_ struct setting s = mav(APDU_T0, mav2_t0);
                struct pin_counter counter;
                uint8_t sig[CARD_SIG_MAX];
                size_t len = 0;
                int tries;
                says(&s, COUNTER_T0, "63C3");
                says(&s, VERIFY_1234, "9000");
                says(&s, MSE_42, "9000");
                says(&s, HASH, "9000");
                conversation_say_all(s.c, ways[i].said, ways[i].count);
                assert_int_equal(nid_profile.counter(&s.card, PIN_COPY_IAS, &counter), 0);
                assert_int_equal(
                        nid_profile.verify(&s.card, (const uint8_t *)"1234", 4, &tries), 0);
                assert_int_equal(sign(&s, SIGN_RSA_SHA256_CARD, sig, &len), 0);
                assert_int_equal(len, ways[i].len);
                check(&s);
        }
}

static void refusals_at_each_step_have_their_answer(void **state)
{
        (void)state;
        static const struct {
                const char *answer;
                int r;
        } refusals[] = {
                { "6982", OUTCOME_NEEDS_ISSUER_KEYS },
                { "6987", OUTCOME_NEEDS_ISSUER_KEYS },
                { "6988", OUTCOME_NEEDS_ISSUER_KEYS },
                { "6882", OUTCOME_NEEDS_ISSUER_KEYS },
                { "6A80", OUTCOME_NO_STANDARD_SIGNATURE },
                { "6A81", OUTCOME_NO_STANDARD_SIGNATURE },
                { "6A88", OUTCOME_NO_STANDARD_SIGNATURE },
                { "6985", OUTCOME_NO_STANDARD_SIGNATURE },
                { "6D00", OUTCOME_NO_STANDARD_SIGNATURE },
                { "6700", OUTCOME_NO_STANDARD_SIGNATURE },
                { "6F00", OUTCOME_CARD_NOT_SUPPORTED },
                { "6A82", OUTCOME_CARD_NOT_SUPPORTED },
                { "63C2", OUTCOME_CARD_NOT_SUPPORTED },
                { "6282", OUTCOME_CARD_NOT_SUPPORTED },
                { "", OUTCOME_CARD_NOT_SUPPORTED },
                { "!17", OUTCOME_CARD_REMOVED },
        };
        static const char *const steps[] = { MSE_42, HASH, CDS };
        for (size_t step = 0; step < ARRAY_LEN(steps); step++) {
                for (size_t i = 0; i < ARRAY_LEN(refusals); i++) {
                        _cleanup_setting_ struct setting s = mav_verified();
                        uint8_t sig[CARD_SIG_MAX];
                        size_t len = 77;
                        for (size_t j = 0; j < step; j++)
                                says(&s, steps[j], "9000");
                        says(&s, steps[step], refusals[i].answer);
                        assert_int_equal(sign(&s, SIGN_RSA_SHA256_CARD, sig, &len), refusals[i].r);
                        assert_int_equal(len, 77);
                        check(&s);
                }
        }
}

static void free_method_check_tells_what_the_card_wants(void **state)
{
        (void)state;
        _cleanup_setting_ struct setting s = mav(APDU_T1, mav2_cl);
        says(&s, MSE_42, "9000");
        says(&s, MSE_02, "6988");
        says(&s, MSE_02, "6A88");
        assert_int_equal(nid_profile.select_method(&s.card, 3, SIGN_RSA_SHA256_CARD), 0);
        assert_int_equal(nid_profile.select_method(&s.card, 3, SIGN_RSA_DIGESTINFO),
                OUTCOME_NEEDS_ISSUER_KEYS);
        assert_int_equal(nid_profile.select_method(&s.card, 3, SIGN_RSA_BARE_HASH),
                OUTCOME_NO_STANDARD_SIGNATURE);
        assert_int_equal(nid_profile.select_method(&s.card, 3, SIGN_METHOD_COUNT), -EINVAL);
        assert_int_equal(nid_profile.select_method(&s.card, 3, SIGN_PIV_RSA2048), -EINVAL);
        card_forget(&s.card);
        says(&s, IAS, "9000");
        says(&s, MSE_42, "9000");
        assert_int_equal(nid_profile.select_method(&s.card, 3, SIGN_RSA_SHA256_CARD), 0);
        check(&s);
}

static void a_pin_used_up_by_a_signature_is_not_taken_for_missing_keys(void **state)
{
        (void)state;
        _cleanup_setting_ struct setting s = mav_verified();
        uint8_t sig[CARD_SIG_MAX];
        size_t len;
        int tries;
        says(&s, MSE_42, "9000");
        says(&s, HASH, "9000");
        says(&s, CDS, signature_answer);
        says(&s, MSE_02, "9000");
        says(&s, HASH_INFO, "9000");
        says(&s, CDS, "6982");
        assert_int_equal(sign(&s, SIGN_RSA_SHA256_CARD, sig, &len), 0);
        assert_int_equal(sign(&s, SIGN_RSA_DIGESTINFO, sig, &len), OUTCOME_NO_STANDARD_SIGNATURE);
        assert_int_equal(nid_profile.verify(&s.card, (const uint8_t *)"1234", 4, &tries), -EPERM);
        check(&s);
}

static void signing_needs_a_verified_pin_a_hash_and_a_believable_answer(void **state)
{
        (void)state;
        uint8_t sig[CARD_SIG_MAX];
        size_t len;
        {
                _cleanup_setting_ struct setting s = mav_with_counter();
                assert_int_equal(sign(&s, SIGN_RSA_SHA256_CARD, sig, &len), -EPERM);
                check(&s);
        }
        _cleanup_setting_ struct setting s = mav_verified();
        assert_int_equal(
                nid_profile.sign(&s.card, 3, SIGN_RSA_SHA256_CARD, hash, 31, sig, sizeof sig, &len),
                -EINVAL);
        assert_int_equal(
                nid_profile.sign(&s.card, 3, SIGN_METHOD_COUNT, hash, 32, sig, sizeof sig, &len),
                -EINVAL);
        says(&s, MSE_42, "9000");
        says(&s, HASH, "9000");
        says(&s, CDS, "0102030405060708 9000");
        assert_int_equal(sign(&s, SIGN_RSA_SHA256_CARD, sig, &len), OUTCOME_NO_STANDARD_SIGNATURE);
        says(&s, MSE_42, "9000");
        says(&s, HASH, "9000");
        says(&s, CDS, signature_answer);
        assert_int_equal(
                nid_profile.sign(&s.card, 3, SIGN_RSA_SHA256_CARD, hash, 32, sig, 100, &len),
                -ENOSPC);
        says(&s, IAS, "9000");
        assert_int_equal(nid_profile.clear(&s.card), 0);
        assert_int_equal(sign(&s, SIGN_RSA_SHA256_CARD, sig, &len), -EPERM);
        check(&s);
}

#define KEY(kk, tag) "00CB00FF0A B6038301" kk "7F4902" tag "00 00"
#define A0           "00CB00FF05 A003830181 00"
#define LEAF_INFO    "00A4080004 51005040 00"
#define CA_INFO      "00A4080004 50000303 00"
#define THIRD_INFO   "00A4080004 50005040 00"

/* A card that says nothing about its files. */
static void says_no_rules(struct setting *s)
{
        says(s, LEAF_INFO, "9000");
        says(s, CA_INFO, "9000");
        says(s, THIRD_INFO, "6A82");
}

static void keys_are_found_in_whatever_wraps_them(void **state)
{
        (void)state;
        _cleanup_setting_ struct setting s = mav(APDU_T1, mav2_cl);
        struct card_probe probe;
        char refused[64];
        says(&s, "00CADF3000", "6A88");
        says(&s, "00CA7F3000", "7F3014 C00E 49415320436C61737369632076 34 C102 3405 9000");
        says(&s, A0, "6A88");
        says(&s, KEY("01", "81"), "6A88");
        says(&s, KEY("02", "81"), "B60C 830102 7F4906 8104 00BEEF01 9000");
        says(&s, KEY("02", "82"), "8203010001 9000");
        says(&s, KEY("03", "81"), "7F4909 8102 6102");
        says(&s, "00C0000002", "CAFE 6105");
        says(&s, "00C0000005", "8203010001 9000");
        for (int ref = 4; ref <= 15; ref++) {
                snprintf(refused, sizeof refused, "00CB00FF0A B6038301%02X7F49028100 00",
                        (unsigned int)ref);
                says(&s, refused, "6A80");
        }
        says_no_rules(&s);
        assert_int_equal(nid_profile.probe(&s.card, &probe), 0);
        check(&s);
        assert_string_equal(probe.label, "IAS Classic v4 4");
        assert_int_equal(probe.key_count, 2);
        assert_int_equal(probe.keys[0].ref, 2);
        assert_int_equal(probe.keys[0].modulus_len, 3);
        assert_memory_equal(probe.keys[0].modulus, "\xBE\xEF\x01", 3);
        assert_int_equal(probe.keys[0].exponent_len, 3);
        assert_int_equal(probe.keys[1].ref, 3);
        assert_memory_equal(probe.keys[1].modulus, "\xCA\xFE", 2);
        assert_int_equal(probe.keys[1].exponent_len, 3);
}

static void a_card_without_the_command_is_not_asked_fifteen_times(void **state)
{
        (void)state;
        static const char *const words[] = { "6D00", "6A81", "6E00" };
        for (size_t i = 0; i < ARRAY_LEN(words); i++) {
                _cleanup_setting_ struct setting s = mav(APDU_T1, mav2_cl);
                struct card_probe probe;
                says(&s, "00CADF3000", "6A88");
                says(&s, "00CA7F3000", "6D00");
                says(&s, A0, words[i]);
                says(&s, KEY("01", "81"), words[i]);
                says_no_rules(&s);
                assert_int_equal(nid_profile.probe(&s.card, &probe), 0);
                assert_int_equal(probe.key_count, 0);
                assert_string_equal(probe.label, "");
                check(&s);
        }
}

static void a_label_wrapped_in_the_tag_that_was_asked_for_is_read(void **state)
{
        (void)state;
        _cleanup_setting_ struct setting s = mav(APDU_T1, mav2_cl);
        struct card_probe probe;
        says(&s, "00CADF3000", "DF3008 C002 4142 C102 3430 9000");
        says(&s, A0, "6D00");
        says(&s, KEY("01", "81"), "6D00");
        says_no_rules(&s);
        assert_int_equal(nid_profile.probe(&s.card, &probe), 0);
        assert_string_equal(probe.label, "AB 40");
        check(&s);
}

static void a_card_lifted_in_the_middle_of_the_questions_is_an_answer(void **state)
{
        (void)state;
        static const struct said questions[] = { { "00CADF3000", "6A88" }, { "00CA7F3000", "6A88" },
                { A0, "6A88" }, { KEY("01", "81"), "8102BEEF 9000" },
                { KEY("01", "82"), "8203010001 9000" }, { KEY("02", "81"), "6D00" },
                { LEAF_INFO, "9000" }, { CA_INFO, "9000" }, { THIRD_INFO, "9000" } };
        for (size_t lifted = 0; lifted <= ARRAY_LEN(questions); lifted++) {
                _cleanup_setting_ struct setting s = mav(APDU_T1, mav2_cl);
                struct card_probe probe;
                card_forget(&s.card);
                says(&s, IAS, lifted == 0 ? "!17" : "9000");
                for (size_t i = 1; i <= lifted; i++)
                        says(&s, questions[i - 1].command,
                                i == lifted ? "!17" : questions[i - 1].answer);
                assert_int_equal(nid_profile.probe(&s.card, &probe), OUTCOME_CARD_REMOVED);
                check(&s);
        }
}

static void t0_key_queries_leave_le_out(void **state)
{
        (void)state;
        _cleanup_setting_ struct setting s = mav(APDU_T0, mav2_t0);
        struct card_probe probe;
        says(&s, "00CADF3000", "6C05");
        says(&s, "00CADF3005", "C003 41 1B 42 9000");
        says(&s, "00CB00FF05 A003830181", "610D");
        says(&s, "00C000000D", "A00B 830181 DF210102 DF2F0100 9000");
        says(&s, "00CB00FF0A B603830101 7F49028100", "6A81");
        says(&s, "00A4080004 51005040", "6117");
        says(&s, "00C0000017", "6F15 81020556 820101 83025040 8A0105 8C054BFFFFFF00 9000");
        says(&s, "00A4080004 50000303", "9000");
        says(&s, "00A4080004 50005040", "6A82");
        assert_int_equal(nid_profile.probe(&s.card, &probe), 0);
        assert_string_equal(probe.label, "AB");
        assert_true(probe.tries_known && probe.changed_known && !probe.changed);
        assert_int_equal(probe.tries, 2);
        assert_int_equal(probe.rules[0].read, NEED_KNOWN);
        assert_int_equal(probe.rules[0].update, NEED_KNOWN | NEED_NEVER);
        assert_int_equal(probe.rules[1].read, 0);
        check(&s);
}

static void what_the_counter_question_brings_is_believed_only_in_its_shape(void **state)
{
        (void)state;
        static const struct {
                const char *answer;
                int tries, changed; /* -1: not known */
        } cases[] = {
                { "A00B 830181 DF210103 DF2F0101 9000", 3, 1 },
                { "DF210100 9000", 0, -1 },
                { "A004 DF21010F 9000", 15, -1 },
                { "A004 DF210110 9000", -1, -1 },
                { "A005 DF21020003 9000", -1, -1 },
                { "A004 DF2F0102 9000", -1, -1 },
                { "A004 DF2101 9000", -1, -1 },
                { "A00B 830181 DF210103 DF2F0101 6282", -1, -1 },
                { "9000", -1, -1 },
                { "6A88", -1, -1 },
        };
        for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
                _cleanup_setting_ struct setting s = mav(APDU_T1, mav2_cl);
                struct card_probe probe;
                says(&s, "00CADF3000", "C0 02 4142 9000");
                says(&s, A0, cases[i].answer);
                says(&s, KEY("01", "81"), "6D00");
                says_no_rules(&s);
                assert_int_equal(nid_profile.probe(&s.card, &probe), 0);
                assert_int_equal(probe.tries_known ? probe.tries : -1, cases[i].tries);
                assert_int_equal(probe.changed_known ? probe.changed : -1, cases[i].changed);
                check(&s);
        }
}

struct flow {
        bool steps;   /* the card refuses SELECT by path */
        bool with_ca; /* the issuing CA is not known yet */
        size_t ceiling;
};

static void says_file(
        struct setting *s, bool first, bool steps, const char *path, const char *df, const char *ef)
{
        if (!steps || first)
                says(s, path, steps ? "6A82" : "9000");
        if (!steps)
                return;
        if (!first)
                says(s, MF, "9000");
        says(s, df, "9000");
        says(s, ef, "9000");
}

static void says_assertion(struct setting *s, bool t0)
{
        says(s, IAS, "9000");
        says(s, t0 ? COUNTER_T0 : COUNTER, "63C3");
        says(s, VERIFY_1234, "9000");
        says(s, MSE_42, "9000");
        says(s, HASH, "9000");
        says(s, CDS, t0 ? "6100" : signature_answer);
        if (t0)
                says(s, "00C0000000", signature_answer);
        says(s, IAS, "9000");
}

static void assert_identity(struct setting *s)
{
        struct pin_counter counter;
        uint8_t sig[CARD_SIG_MAX];
        size_t len;
        int tries;
        card_forget(&s->card);
        assert_int_equal(nid_profile.counter(&s->card, PIN_COPY_IAS, &counter), 0);
        assert_int_equal(nid_profile.verify(&s->card, (const uint8_t *)"1234", 4, &tries), 0);
        assert_int_equal(sign(s, SIGN_RSA_SHA256_CARD, sig, &len), 0);
        assert_int_equal(nid_profile.clear(&s->card), 0);
}

static void run_flow(const struct flow *flow, bool t0)
{
        _cleanup_setting_ struct setting s =
                setting_new(t0 ? APDU_T0 : APDU_T1, t0 ? mav2_t0 : mav2_cl);
        struct pin_counter counter;
        size_t len;
        says_mav(&s);
        says_file(&s, true, flow->steps, LEAF_PATH, DF_5100, EF_5040);
        conversation_say_reads(s.c, leaf, sizeof leaf, 1);
        if (flow->with_ca) {
                says_file(&s, false, flow->steps, CA_PATH, DF_5000, EF_0303);
                conversation_say_reads(s.c, ca, sizeof ca, 1);
                says(&s, flow->steps ? EF_5040 : THIRD_PATH, "6A82");
        }
        says(&s, t0 ? COUNTER_T0 : COUNTER, "63C3");
        says_assertion(&s, t0);

        assert_int_equal(card_identify(&s.card, &s.identity), 0);
        assert_int_equal(read_object(&s, OBJECT_CERTIFICATE_1, &len), 0);
        if (flow->with_ca) {
                assert_int_equal(read_object(&s, OBJECT_CERTIFICATE_2, &len), 0);
                assert_int_equal(
                        read_object(&s, OBJECT_CERTIFICATE_3, &len), OUTCOME_CARD_NOT_SUPPORTED);
        }
        assert_int_equal(read_object(&s, OBJECT_DATES, &len), 0);
        assert_int_equal(nid_profile.counter(&s.card, PIN_COPY_IAS, &counter), 0);
        assert_identity(&s);
        check(&s);
        assert_int_equal(conversation_link(s.c)->exchanges, flow->ceiling);
}

static void first_assertion_stays_within_its_exchanges(void **state)
{
        (void)state;
        static const struct flow flows[] = {
                { .with_ca = true, .ceiling = 27 },
                { .with_ca = true, .steps = true, .ceiling = 31 },
                { .ceiling = 20 },
                { .steps = true, .ceiling = 22 },
        };
        for (size_t i = 0; i < ARRAY_LEN(flows); i++)
                run_flow(&flows[i], false);
        const struct flow t0 = { .with_ca = true, .ceiling = 28 };
        run_flow(&t0, true);
}

static void a_note_carries_a_card_into_the_next_process(void **state)
{
        (void)state;
        uint8_t note[CARD_NOTE_MAX];
        _cleanup_setting_ struct setting first =
                setting_new(APDU_T1, "3BFF9600008131FE4380318065B085040011120FFF829000E0");
        says(&first, MPCOS, "9000");
        says(&first, DF_0300, "6A82");
        says(&first, MF, "6A82");
        says(&first, IAS, "6A82");
        says(&first, IAS_40, "9000");
        assert_int_equal(card_identify(&first.card, &first.identity), 0);
        check(&first);
        size_t len = card_note(&first.card, note);
        assert_true(len > 0);

        _cleanup_setting_ struct setting s =
                setting_new(APDU_T1, "3BFF9600008131FE4380318065B085040011120FFF829000E0");
        struct pin_counter counter;
        int tries;
        assert_int_equal(card_resume(&s.card, note, len), 0);
        assert_int_equal(nid_profile.verify(&s.card, (const uint8_t *)"1234", 4, &tries), -EPERM);
        says(&s, IAS_40, "9000");
        says(&s, COUNTER, "63C3");
        assert_int_equal(s.card.profile->counter(&s.card, PIN_COPY_IAS, &counter), 0);
        check(&s);
        assert_int_equal(conversation_link(s.c)->exchanges, 2);
}

static void no_note_makes_a_card_more_than_it_is(void **state)
{
        (void)state;
        uint8_t note[CARD_NOTE_MAX], changed[CARD_NOTE_MAX + 1] = { 0 };
        struct pin_counter counter;
        _cleanup_setting_ struct setting s = mav(APDU_T1, mav2_cl);
        size_t len = card_note(&s.card, note);
        for (size_t i = 0; i < len; i++) {
                _cleanup_setting_ struct setting other = setting_new(APDU_T1, mav2_cl);
                memcpy(changed, note, len);
                changed[i] = 0xFF;
                assert_int_equal(
                        card_resume(&other.card, changed, len), OUTCOME_CARD_NOT_SUPPORTED);
                assert_int_equal(nid_profile.counter(&other.card, PIN_COPY_IAS, &counter), -EPERM);
        }
        for (size_t wrong = 0; wrong <= len + 1; wrong++) {
                _cleanup_setting_ struct setting other = setting_new(APDU_T1, mav2_cl);
                if (wrong != len)
                        assert_int_equal(card_resume(&other.card, changed, wrong),
                                OUTCOME_CARD_NOT_SUPPORTED);
        }
        for (uint8_t row = 0; row < 16; row++) {
                _cleanup_setting_ struct setting foreign = setting_new(APDU_T1, mav5);
                memcpy(changed, note, len);
                changed[1] = row;
                assert_int_equal(
                        card_resume(&foreign.card, changed, len), OUTCOME_CARD_NOT_SUPPORTED);
        }
        _cleanup_setting_ struct setting blank = setting_new(APDU_T1, mav2_cl);
        assert_int_equal(card_note(&blank.card, note), 0);
}

static void same_card_again_takes_nine_exchanges(void **state)
{
        (void)state;
        _cleanup_setting_ struct setting s = mav(APDU_T1, mav2_cl);
        struct pin_counter counter;
        unsigned int before = conversation_link(s.c)->exchanges;
        says(&s, IAS, "9000");
        says(&s, COUNTER, "63C3");
        says_assertion(&s, false);
        card_forget(&s.card);
        assert_int_equal(nid_profile.counter(&s.card, PIN_COPY_IAS, &counter), 0);
        assert_identity(&s);
        check(&s);
        assert_int_equal(conversation_link(s.c)->exchanges - before, 9);
}

int main(void)
{
        prepare();
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(three_methods_say_the_hash_in_their_way),
                cmocka_unit_test(t0_signatures_come_in_every_published_way),
                cmocka_unit_test(refusals_at_each_step_have_their_answer),
                cmocka_unit_test(free_method_check_tells_what_the_card_wants),
                cmocka_unit_test(a_pin_used_up_by_a_signature_is_not_taken_for_missing_keys),
                cmocka_unit_test(signing_needs_a_verified_pin_a_hash_and_a_believable_answer),
                cmocka_unit_test(keys_are_found_in_whatever_wraps_them),
                cmocka_unit_test(a_card_without_the_command_is_not_asked_fifteen_times),
                cmocka_unit_test(a_label_wrapped_in_the_tag_that_was_asked_for_is_read),
                cmocka_unit_test(a_card_lifted_in_the_middle_of_the_questions_is_an_answer),
                cmocka_unit_test(t0_key_queries_leave_le_out),
                cmocka_unit_test(what_the_counter_question_brings_is_believed_only_in_its_shape),
                cmocka_unit_test(first_assertion_stays_within_its_exchanges),
                cmocka_unit_test(a_note_carries_a_card_into_the_next_process),
                cmocka_unit_test(no_note_makes_a_card_more_than_it_is),
                cmocka_unit_test(same_card_again_takes_nine_exchanges),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* test_piv.c: which card is a PIV card, whose PIN it has, and its certificates.
 */
#include "tests/unit/piv_setting.h"

static uint8_t file[CARD_FILE_MAX];

static void a_likely_card_is_asked_first_and_another_one_last(void **state)
{
        (void)state;
        _cleanup_setting_ struct setting s = piv(), other = setting_new(APDU_T1, no_hint);
        check(&s);
        assert_int_equal(s.identity.family, CARD_PIV);
        assert_int_equal(s.identity.evidence, 'D');
        assert_ptr_equal(s.card.profile, &piv_profile);
        says(&other, "00A4040C104D41544952414E204944204341524420", "6A82");
        says(&other, "00A4040C0F5041524449532C4D41544952414E20", "6A82");
        says(&other, "00A4040C10A0000000183003010000000000000000", "6A82");
        says(&other, "00A4040C0CA0000000180C000001634200", "6A82");
        says(&other, "00A4040C0CA00000001840000001634200", "6A82");
        says(&other, "00A4040C0CA0000000180A000001634200", "6A82");
        says(&other, SELECT, "6A82");
        says(&other, SELECT_SHORT, TEMPLATE "9000");
        says(&other, DISCOVERY, "6A82");
        assert_int_equal(card_identify(&other.card, &other.identity), 0);
        assert_true(other.identity.supported);
        check(&other);
}

static void a_card_that_can_only_be_looked_at_is_left_to_the_profile_that_can_more(void **state)
{
        (void)state;
        _cleanup_setting_ struct setting s = setting_new(APDU_T1, no_hint);
        size_t len;
        says(&s, "00A4040C104D41544952414E204944204341524420", "6A82");
        says(&s, "00A4040C0F5041524449532C4D41544952414E20", "6A82");
        says(&s, "00A4040C10A0000000183003010000000000000000", "6A82");
        says(&s, "00A4040C0CA0000000180C000001634200", "9000");
        says(&s, SELECT, TEMPLATE "9000");
        says(&s, DISCOVERY, DISCOVERED "6020 9000"); /* its own PIN is not the one people know */
        assert_int_equal(card_identify(&s.card, &s.identity), 0);
        assert_int_equal(s.identity.family, CARD_NID);
        assert_false(s.identity.supported);
        says(&s, "00A4040C0CA0000000180C000001634200", "9000"); /* no longer the selected one */
        says(&s, "00A4080C0451005040", "6A82");
        says(&s, "00A4000C025100", "6A82");
        says(&s, "00A4000C023F00", "6A82");
        assert_int_equal(
                s.card.profile->read(&s.card, OBJECT_CERTIFICATE_1, file, sizeof file, &len),
                OUTCOME_CARD_NOT_SUPPORTED);
        check(&s);
}

static void what_select_answers_must_be_the_template(void **state)
{
        (void)state;
        static const struct {
                const char *answer;
                bool is;
        } cases[] = {
                { TEMPLATE "9000", true },
                { "61 16 4F 0B A000000308000010000100 79 07 4F 05 A000000308 9000", true },
                { "61 11 4F 06 000010000200 79 07 4F 05 A000000308 9000", true },
                { "9000", false },
                { "6F 11 4F 06 000010000100 79 07 4F 05 A000000308 9000", false },
                { "61 11 4F 06 000020000100 79 07 4F 05 A000000308 9000", false },
                { "61 12 4F 06 000010000100 79 07 4F 05 A000000308 9000", false },
                { TEMPLATE "00 9000", false },
                { "61 07 79 05 4F 03 A00000 9000", false },
                { TEMPLATE "6283", false },
        };
        for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
                _cleanup_setting_ struct setting s = setting_new(APDU_T1, no_hint);
                says(&s, SELECT, cases[i].answer);
                if (cases[i].is)
                        says(&s, DISCOVERY, "6A88");
                assert_int_equal(piv_profile.identify(&s.card, &s.identity),
                        cases[i].is ? 0 : OUTCOME_CARD_NOT_SUPPORTED);
                check(&s);
        }
}

static void the_discovery_object_decides_whose_pin_it_is(void **state)
{
        (void)state;
        static const struct {
                const char *answer;
                int r;
                bool supported;
        } cases[] = {
                { DISCOVERED "4000 9000", 0, true },
                { DISCOVERED "6010 9000", 0, true },
                { DISCOVERED "5000 9000", 0, true },
                { DISCOVERED "6020 9000", 0, false },
                { DISCOVERED "6000 9000", 0, false },
                { DISCOVERED "2020 9000", 0, false },
                { "6A82", 0, true },
                { "6A88", 0, true },
                { "9000", 0, false },
                { "7E 12 4F 0B A000000309000010000100 5F2F 02 4000 9000", 0, false },
                { "7E 11 4F 0B A000000308000010000100 5F2F 01 40 9000", 0, false },
                { DISCOVERED "4000 00 9000", 0, false },
                { "!17", OUTCOME_CARD_REMOVED, false },
                { "", OUTCOME_CARD_NOT_SUPPORTED, false },
        };
        for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
                _cleanup_setting_ struct setting s = setting_new(APDU_T1, no_hint);
                struct pin_counter counter;
                int tries;
                says(&s, SELECT, TEMPLATE "9000");
                says(&s, DISCOVERY, cases[i].answer);
                assert_int_equal(piv_profile.identify(&s.card, &s.identity), cases[i].r);
                check(&s);
                assert_int_equal(s.card.piv.supported, cases[i].supported);
                if (cases[i].supported)
                        continue;
                int refusal = cases[i].r == 0 ? OUTCOME_CARD_NOT_SUPPORTED : -EPERM;
                s.card.piv.selected = s.card.piv.counter_seen = s.card.piv.verified = true;
                assert_int_equal(piv_profile.counter(&s.card, PIN_COPY_IAS, &counter), refusal);
                assert_int_equal(piv_profile.verify(&s.card, pin, sizeof pin, &tries), refusal);
                assert_int_equal(
                        piv_profile.select_method(&s.card, PIV_KEY_SIGN, SIGN_PIV_P256), refusal);
                check(&s);
        }
}

static void certificates_come_as_containers(void **state)
{
        (void)state;
        _cleanup_setting_ struct setting s = piv();
        size_t len = 0;
        says(&s, GET_9C, "53 0A 70 03 300102 71 01 00 FE00 9000");
        assert_int_equal(
                piv_profile.read(&s.card, OBJECT_CERTIFICATE_1, file, sizeof file, &len), 0);
        assert_int_equal(len, 10);
        assert_memory_equal(file, "\x70\x03\x30\x01\x02\x71\x01\x00\xFE\x00", 10);
        says(&s, GET_9A, "53 04 70 02 3000 9000");
        assert_int_equal(
                piv_profile.read(&s.card, OBJECT_CERTIFICATE_2, file, sizeof file, &len), 0);
        static const char *const bad[] = { "6A82", "5300 9000", "54 02 7000 9000",
                "53 03 7000 9000", "53 01 7000 9000", "9000", "53 04 70 02 3000 6282" };
        for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
                says(&s, GET_9C, bad[i]);
                assert_int_equal(
                        piv_profile.read(&s.card, OBJECT_CERTIFICATE_1, file, sizeof file, &len),
                        OUTCOME_CARD_NOT_SUPPORTED);
        }
        for (int object = OBJECT_CERTIFICATE_3; object < OBJECT_COUNT; object++)
                assert_int_equal(piv_profile.read(&s.card, (enum card_object)object, file,
                                         sizeof file, &len),
                        OUTCOME_CARD_NOT_SUPPORTED);
        assert_int_equal(piv_profile.read(&s.card, OBJECT_COUNT, file, sizeof file, &len), -EINVAL);
        check(&s);
}

static void long_containers_are_fetched_in_pieces(void **state)
{
        (void)state;
        _cleanup_setting_ struct setting s = piv();
        char piece[512 + 5];
        size_t len = 0;
        memset(piece, 'A', 512);
        memcpy(piece, "53820106708201021234", 20);
        memcpy(piece + 512, "6108", 5);
        says(&s, GET_9C, piece);
        says(&s, "00C0000008", "AAAAAAAAAAAAAAAA 6102");
        says(&s, "00C0000002", "BBBB 9000");
        assert_int_equal(
                piv_profile.read(&s.card, OBJECT_CERTIFICATE_1, file, sizeof file, &len), 0);
        assert_int_equal(len, 0x106);
        assert_int_equal(file[len - 1], 0xBB);
        check(&s);
}

static void a_container_is_read_strictly(void **state)
{
        (void)state;
        static const struct {
                const char *hex;
                int r;
                bool gzip;
                size_t len;
        } cases[] = {
                { "7003300102710100FE00", 0, false, 3 },
                { "7003300102710101FE00", 0, true, 3 },
                { "71010170021F8B", 0, true, 2 },
                { "70023000", 0, false, 2 },
                { "7002300072000000", -EBADMSG, false, 0 },
                { "700230007200FE00", 0, false, 2 },
                { "70023000710102FE00", -EBADMSG, false, 0 }, /* neither plain nor gzip */
                { "7002300071020000", -EBADMSG, false, 0 },
                { "7000710100FE00", -EBADMSG, false, 0 },
                { "710100FE00", -EBADMSG, false, 0 },
                { "7002300070023000", -EBADMSG, false, 0 }, /* which of two? */
                { "70023000FE0100", -EBADMSG, false, 0 },
                { "700230007300", -EBADMSG, false, 0 },
                { "70043000", -EBADMSG, false, 0 },
                { "", -EBADMSG, false, 0 },
        };
        for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
                uint8_t bytes[64];
                ssize_t len = hex_decode(bytes, sizeof bytes, cases[i].hex);
                struct view found = { 0 };
                bool gzip = false;
                assert_true(len >= 0);
                int r = piv_parse_certificate((struct view){ bytes, (size_t)len }, &found, &gzip);
                if (r != cases[i].r)
                        fail_msg("%s: %d", cases[i].hex, r);
                assert_int_equal(gzip, cases[i].gzip);
                assert_int_equal(found.len, cases[i].len);
        }
}

static void a_note_carries_the_identification(void **state)
{
        (void)state;
        _cleanup_setting_ struct setting s = piv(), next = setting_new(APDU_T1, no_hint);
        uint8_t note[CARD_NOTE_MAX];
        struct pin_counter counter;
        size_t len = card_note(&s.card, note);
        assert_true(len > 0 && len <= CARD_NOTE_MAX);
        assert_int_equal(card_resume(&next.card, note, len), 0);
        assert_ptr_equal(next.card.profile, &piv_profile);
        says(&next, SELECT, TEMPLATE "9000");
        says(&next, COUNTER, "63C3");
        assert_int_equal(piv_profile.counter(&next.card, PIN_COPY_IAS, &counter), 0);
        check(&next);
        note[1] = 2;
        assert_int_equal(card_resume(&next.card, note, len), OUTCOME_CARD_NOT_SUPPORTED);
        note[0] = CARD_UNKNOWN;
        assert_int_equal(card_resume(&next.card, note, len), OUTCOME_CARD_NOT_SUPPORTED);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(a_likely_card_is_asked_first_and_another_one_last),
                cmocka_unit_test(
                        a_card_that_can_only_be_looked_at_is_left_to_the_profile_that_can_more),
                cmocka_unit_test(what_select_answers_must_be_the_template),
                cmocka_unit_test(the_discovery_object_decides_whose_pin_it_is),
                cmocka_unit_test(certificates_come_as_containers),
                cmocka_unit_test(long_containers_are_fetched_in_pieces),
                cmocka_unit_test(a_container_is_read_strictly),
                cmocka_unit_test(a_note_carries_the_identification),
        };
        return cmocka_run_group_tests(tests, prepare, NULL);
}

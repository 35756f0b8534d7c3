/* SPDX-License-Identifier: Apache-2.0 */
/* test_nid.c: the profile of the national card against scripted cards: detection, and files that are
 * read exactly or not at all. What is not supported never meets a command of the PIN family.
 */
#include "tests/unit/nid_setting.h"

struct detection {
        const char *name, *atr;
        struct said said[10];
        int r;
        enum card_generation generation;
        bool supported;
};

static const struct detection detections[] = {
        { "Mav2, contactless", mav2_cl,
                { { MPCOS, "9000" }, { DF_0300, "6A82" }, { MF, "6A82" }, { IAS, "9000" } }, 0,
                GENERATION_MAV2, true },
        { "Mav3", "3B7F96000080318065B0850300EF120FFF829000",
                { { MPCOS, "9000" }, { DF_0300, "6A82" }, { MF, "6A82" }, { IAS, "9000" } }, 0,
                GENERATION_MAV3, true },
        { "Mav4 with the newer AID", "3BFF9600008131FE4380318065B085040011120FFF829000E0",
                { { MPCOS, "9000" }, { DF_0300, "6A82" }, { MF, "6A82" }, { IAS, "6A82" },
                        { IAS_40, "9000" } },
                0, GENERATION_MAV4, true },
        { "MultiApp 1", "3B7D95000080318065B0850101C883019000",
                { { MPCOS, "9000" }, { DF_0300, "6A82" }, { MF, "6A82" }, { IAS, "9000" } }, 0,
                GENERATION_MAV2, true },
        { "Mav of an unknown number is looked at only", mav5,
                { { MPCOS, "9000" }, { DF_0300, "6A82" }, { MF, "6A82" }, { IAS, "9000" } }, 0,
                GENERATION_UNKNOWN, false },
        { "no hint: Omid and Pardis first, number unknown", "3B00",
                { { OMID, "6A82" }, { PARDIS, "6999" }, { MPCOS, "9000" }, { DF_0300, "6A82" },
                        { MF, "6A82" }, { IAS, "9000" }, { PIV, "6A82" }, { PIV_SHORT, "6A82" } },
                0, GENERATION_UNKNOWN, false },
        { "Omid by its historical bytes: one question", omid, { { OMID, "9000" } }, 0,
                GENERATION_OMID, false },
        { "Pardis", "3B781800000073C84013009000", { { PARDIS, "9000" } }, 0, GENERATION_PARDIS,
                false },
        { "Omid under an unknown ATR", "3B00", { { OMID, "9000" }, { PIV, "6D00" } }, 0,
                GENERATION_OMID, false },
        { "IAS alone is foreign", mav2_cl,
                { { MPCOS, "6A82" }, { OMID, "6D00" }, { PARDIS, "6E00" }, { IAS, "9000" } }, 0,
                GENERATION_UNKNOWN, false },
        { "IAS alone under the oldest AID", "3B00",
                { { OMID, "6A82" }, { PARDIS, "6A82" }, { MPCOS, "6A86" }, { IAS, "6A82" },
                        { IAS_40, "6A82" }, { IAS_0A, "9000" }, { PIV, "6A86" } },
                0, GENERATION_UNKNOWN, false },
        { "MPCOS alone", mav2_cl,
                { { MPCOS, "9000" }, { DF_0300, "6A82" }, { MF, "6A82" }, { IAS, "6A82" },
                        { IAS_40, "6A82" }, { IAS_0A, "6A82" }, { OMID, "6A82" },
                        { PARDIS, "6A82" }, { PIV, "6A82" }, { PIV_SHORT, "6A82" } },
                OUTCOME_CARD_NOT_SUPPORTED, 0, false },
        { "nothing we know", "3B00",
                { { OMID, "6A82" }, { PARDIS, "6A82" }, { MPCOS, "6A82" }, { IAS, "6A82" },
                        { IAS_40, "6A82" }, { IAS_0A, "6A82" }, { PIV, "6A82" },
                        { PIV_SHORT, "6A82" } },
                OUTCOME_CARD_NOT_SUPPORTED, 0, false },
        { "answers that are no answers", "3B00",
                { { OMID, "90" }, { PARDIS, "FFFF" }, { MPCOS, "6F 9000" }, { IAS, "" },
                        { PIV, "61" } },
                OUTCOME_CARD_NOT_SUPPORTED, 0, false },
        { "a card lifted at once", "3B00", { { OMID, "!17" } }, OUTCOME_CARD_REMOVED, 0, false },
        { "a card lifted while dates are read", mav2_cl,
                { { MPCOS, "9000" }, { DF_0300, "9000" }, { EF_0303, "!17" } },
                OUTCOME_CARD_REMOVED, 0, false },
        { "a card that times out later", mav2_cl,
                { { MPCOS, "9000" }, { DF_0300, "6A82" }, { MF, "6A82" }, { IAS, "!19" } },
                OUTCOME_TIMED_OUT, 0, false },
};

static void cards_are_told_apart_with_few_questions(void **state)
{
        (void)state;
        for (size_t i = 0; i < ARRAY_LEN(detections); i++) {
                const struct detection *d = &detections[i];
                _cleanup_setting_ struct setting s = setting_new(APDU_T1, d->atr);
                for (size_t j = 0; j < ARRAY_LEN(d->said) && d->said[j].command; j++)
                        says(&s, d->said[j].command, d->said[j].answer);
                int r = card_identify(&s.card, &s.identity);
                if (r != d->r || conversation_problem(s.c))
                        print_error("%s: %d\n", d->name, r);
                check(&s);
                assert_int_equal(r, d->r);
                if (r != 0)
                        continue;
                assert_int_equal(s.identity.family, CARD_NID);
                assert_int_equal(s.identity.generation, d->generation);
                assert_int_equal(s.identity.supported, d->supported);
                assert_non_null(strchr("OVDI", s.identity.evidence));
                assert_true(s.identity.label[0] != '\0');
                assert_ptr_equal(s.card.profile, &nid_profile);
        }
}

static void generations_have_names(void **state)
{
        (void)state;
        assert_string_equal(card_generation_name(GENERATION_MAV2), "mav2");
        assert_string_equal(card_generation_name(GENERATION_UNKNOWN), "mav");
        assert_string_equal(card_generation_name(GENERATION_OMID), "omid");
        assert_string_equal(card_generation_name((enum card_generation)99), "mav");
}

static void unsupported_cards_never_see_the_pin_family(void **state)
{
        (void)state;
        static const struct said foreign[] = { { MPCOS, "6A82" }, { OMID, "6A82" },
                { PARDIS, "6A82" }, { IAS, "9000" } };
        static const struct said unknown[] = { { MPCOS, "9000" }, { DF_0300, "6A82" },
                { MF, "6A82" }, { IAS, "9000" } };
        static const struct said omids[] = { { OMID, "9000" } };
        static const struct said pardis[] = { { PARDIS, "9000" } };
        static const struct {
                const char *atr;
                const struct said *said;
                size_t count;
        } cards[] = { { mav2_cl, foreign, ARRAY_LEN(foreign) },
                { mav5, unknown, ARRAY_LEN(unknown) }, { omid, omids, ARRAY_LEN(omids) },
                { "3B781800000073C84013009000", pardis, ARRAY_LEN(pardis) } };
        for (size_t i = 0; i < ARRAY_LEN(cards); i++) {
                _cleanup_setting_ struct setting s = setting_new(APDU_T1, cards[i].atr);
                struct pin_counter counter;
                struct card_probe probe;
                uint8_t sig[CARD_SIG_MAX];
                size_t len;
                int tries = 5;
                conversation_say_all(s.c, cards[i].said, cards[i].count);
                assert_int_equal(card_identify(&s.card, &s.identity), 0);
                for (int copy = 0; copy < PIN_COPY_COUNT; copy++)
                        assert_int_equal(
                                nid_profile.counter(&s.card, (enum pin_copy)copy, &counter),
                                OUTCOME_CARD_NOT_SUPPORTED);
                assert_int_equal(nid_profile.probe(&s.card, &probe), OUTCOME_CARD_NOT_SUPPORTED);
                s.card.nid.selected = NID_IAS;
                s.card.nid.counter_seen = s.card.nid.verified = true;
                assert_int_equal(nid_profile.verify(&s.card, (const uint8_t *)"1234", 4, &tries),
                        OUTCOME_CARD_NOT_SUPPORTED);
                assert_int_equal(tries, -1);
                assert_int_equal(nid_profile.select_method(&s.card, 3, SIGN_RSA_SHA256_CARD),
                        OUTCOME_CARD_NOT_SUPPORTED);
                assert_int_equal(nid_profile.sign(&s.card, 3, SIGN_RSA_SHA256_CARD, hash, 32, sig,
                                         sizeof sig, &len),
                        OUTCOME_CARD_NOT_SUPPORTED);
                check(&s);
        }
}

static void nothing_is_done_before_identify(void **state)
{
        (void)state;
        _cleanup_setting_ struct setting s = setting_new(APDU_T1, mav2_cl);
        struct pin_counter counter;
        struct card_probe probe;
        uint8_t buf[600];
        size_t len;
        int tries;
        assert_int_equal(nid_profile.read(&s.card, OBJECT_CSN, buf, sizeof buf, &len), -EPERM);
        assert_int_equal(nid_profile.counter(&s.card, PIN_COPY_IAS, &counter), -EPERM);
        assert_int_equal(nid_profile.probe(&s.card, &probe), -EPERM);
        assert_int_equal(nid_profile.verify(&s.card, (const uint8_t *)"1234", 4, &tries), -EPERM);
        assert_int_equal(nid_profile.select_method(&s.card, 3, SIGN_RSA_SHA256_CARD), -EPERM);
        assert_int_equal(
                nid_profile.sign(&s.card, 3, SIGN_RSA_SHA256_CARD, hash, 32, buf, sizeof buf, &len),
                -EPERM);
        assert_int_equal(nid_profile.clear(&s.card), -EPERM);
        check(&s);
}

static void foreign_certificates_can_be_shown_and_nothing_else(void **state)
{
        (void)state;
        _cleanup_setting_ struct setting s = setting_new(APDU_T1, "3B00");
        size_t len;
        says(&s, OMID, "6A82");
        says(&s, PARDIS, "6A82");
        says(&s, MPCOS, "6A82");
        says(&s, IAS, "9000");
        says(&s, PIV, "6A81");
        says(&s, IAS, "9000");
        says(&s, LEAF_PATH, "9000");
        conversation_say_reads(s.c, leaf, sizeof leaf, 1);
        assert_int_equal(card_identify(&s.card, &s.identity), 0);
        assert_int_equal(read_object(&s, OBJECT_CERTIFICATE_1, &len), 0);
        assert_int_equal(len, sizeof leaf);
        assert_memory_equal(file, leaf, len);
        assert_int_equal(read_object(&s, OBJECT_DATES, &len), OUTCOME_CARD_NOT_SUPPORTED);
        assert_int_equal(read_object(&s, OBJECT_CSN, &len), OUTCOME_CARD_NOT_SUPPORTED);
        check(&s);
}

static void refused_paths_give_way_to_the_published_steps_for_good(void **state)
{
        (void)state;
        static const char *const refusals[] = { "6A82", "6A81", "6A86", "6D00", "6700" };
        for (size_t i = 0; i < ARRAY_LEN(refusals); i++) {
                _cleanup_setting_ struct setting s = mav(APDU_T1, mav2_cl);
                size_t len;
                says(&s, LEAF_PATH, refusals[i]);
                says(&s, DF_5100, "9000");
                says(&s, EF_5040, "9000");
                conversation_say_reads(s.c, leaf, sizeof leaf, 1);
                says(&s, MF, "9000");
                says(&s, DF_5000, "9000");
                says(&s, EF_0303, "9000");
                conversation_say_reads(s.c, ca, sizeof ca, 1);
                says(&s, EF_5040, "6A82");
                assert_int_equal(read_object(&s, OBJECT_CERTIFICATE_1, &len), 0);
                assert_int_equal(read_object(&s, OBJECT_CERTIFICATE_2, &len), 0);
                assert_int_equal(len, sizeof ca);
                assert_int_equal(
                        read_object(&s, OBJECT_CERTIFICATE_3, &len), OUTCOME_CARD_NOT_SUPPORTED);
                assert_int_equal(s.card.sw, 0x6A82);
                check(&s);
        }
}

static void a_df_not_found_from_the_application_is_looked_for_from_the_mf(void **state)
{
        (void)state;
        _cleanup_setting_ struct setting s = mav(APDU_T1, mav2_cl);
        size_t len;
        says(&s, LEAF_PATH, "6A82");
        says(&s, DF_5100, "6A82");
        says(&s, MF, "9000");
        says(&s, DF_5100, "9000");
        says(&s, EF_5040, "9000");
        conversation_say_reads(s.c, leaf, sizeof leaf, 1);
        assert_int_equal(read_object(&s, OBJECT_CERTIFICATE_1, &len), 0);
        check(&s);
}

static void an_absent_file_does_not_spoil_paths(void **state)
{
        (void)state;
        _cleanup_setting_ struct setting s = mav(APDU_T1, mav2_cl);
        size_t len;
        says(&s, THIRD_PATH, "6A82");
        says(&s, DF_5000, "9000");
        says(&s, EF_5040, "6A82");
        says(&s, LEAF_PATH, "9000");
        conversation_say_reads(s.c, leaf, sizeof leaf, 1);
        says(&s, THIRD_PATH, "6A82");
        assert_int_equal(read_object(&s, OBJECT_CERTIFICATE_3, &len), OUTCOME_CARD_NOT_SUPPORTED);
        assert_int_equal(read_object(&s, OBJECT_CERTIFICATE_1, &len), 0);
        assert_int_equal(read_object(&s, OBJECT_CERTIFICATE_3, &len), OUTCOME_CARD_NOT_SUPPORTED);
        check(&s);
}

struct der_case {
        const char *name;
        struct said said[4];
        int r;
        size_t len;
};

#define B(n) "00B00000" n
static const struct der_case der_cases[] = {
        { "padding behind the certificate stays on the card",
                { { B("F8"), "3004 01020304 FFFFFFFF 9000" } }, 0, 6 },
        { "a file as long as the certificate, with a warning",
                { { B("F8"), "3004 01020304 6282" } }, 0, 6 },
        { "6Cxx tells the length", { { B("F8"), "6C06" }, { B("06"), "3004 01020304 9000" } }, 0,
                6 },
        { "shorter than it says", { { B("F8"), "3082 0300 0102 9000" } },
                OUTCOME_CARD_NOT_SUPPORTED, 0 },
        { "no certificate: FF", { { B("F8"), "FFFFFFFFFFFF 9000" } }, OUTCOME_CARD_NOT_SUPPORTED,
                0 },
        { "longer than any file", { { B("F8"), "3082 FFFF 01020304 9000" } },
                OUTCOME_CARD_NOT_SUPPORTED, 0 },
        { "a length of three bytes", { { B("F8"), "3083 000004 01020304 9000" } },
                OUTCOME_CARD_NOT_SUPPORTED, 0 },
        { "empty", { { B("F8"), "6B00" } }, OUTCOME_CARD_NOT_SUPPORTED, 0 },
        { "empty without a word", { { B("F8"), "9000" } }, OUTCOME_CARD_NOT_SUPPORTED, 0 },
        { "one byte", { { B("F8"), "30 9000" } }, OUTCOME_CARD_NOT_SUPPORTED, 0 },
        { "needs authentication", { { B("F8"), "6982" }, { "00A4080004 51005040 00", "6A86" } },
                OUTCOME_CARD_NOT_SUPPORTED, 0 },
        { "no file selected", { { B("F8"), "6986" } }, OUTCOME_CARD_NOT_SUPPORTED, 0 },
        { "an unknown word", { { B("F8"), "6F00" } }, OUTCOME_CARD_NOT_SUPPORTED, 0 },
        { "lifted", { { B("F8"), "!17" } }, OUTCOME_CARD_REMOVED, 0 },
        { "malformed", { { B("F8"), "" } }, OUTCOME_CARD_NOT_SUPPORTED, 0 },
};

#define DATES_40 "00B0000028"
#define LONG_40  "B22A000102030405060708090A0B0C0D0E0F101112131415161718191A1B1C1D1E1F2021222324 25"

/* 6Cxx costs an exchange with T=0: the length that was seen is asked for first, and believed if whole. */
static void t0_dates_are_whole_when_their_objects_are(void **state)
{
        (void)state;
        static const struct {
                struct said said[5];
                int r;
                size_t len;
        } cases[] = {
                { { { DATES_40, DATES_HEX "9000" } }, 0, 40 },
                { { { DATES_40, "6C03" }, { "00B0000003", "B20100 9000" } }, 0, 3 },
                { { { DATES_40, DATES_HEX "6282" } }, 0, 40 },
                { { { DATES_40, "6A82" } }, OUTCOME_CARD_NOT_SUPPORTED, 0 },
                /* An object reaches further than the block: the unit is shown, and the rest is read. */
                { { { DATES_40, LONG_40 "9000" }, { "00B0000104", "02030405 9000" },
                          { "00B0000AD0", "6C04" }, { "00B0000A04", "01020304 9000" } },
                        0, 44 },
        };
        for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
                _cleanup_setting_ struct setting s = setting_new(APDU_T0, mav2_t0);
                size_t len = 0;
                says(&s, MPCOS, "9000");
                says(&s, DF_0300, "9000");
                says(&s, EF_0303, "9000");
                for (size_t j = 0; j < ARRAY_LEN(cases[i].said) && cases[i].said[j].command; j++)
                        says(&s, cases[i].said[j].command, cases[i].said[j].answer);
                says(&s, IAS, "9000");
                assert_int_equal(card_identify(&s.card, &s.identity), 0);
                check(&s);
                if (cases[i].r != 0)
                        continue;
                assert_int_equal(read_object(&s, OBJECT_DATES, &len), 0);
                assert_int_equal(len, cases[i].len);
        }
}

static void certificates_are_read_exactly_or_not_at_all(void **state)
{
        (void)state;
        for (size_t i = 0; i < ARRAY_LEN(der_cases); i++) {
                const struct der_case *t = &der_cases[i];
                _cleanup_setting_ struct setting s = mav(APDU_T1, mav2_cl);
                size_t len = 77;
                says(&s, LEAF_PATH, "9000");
                for (size_t j = 0; j < ARRAY_LEN(t->said) && t->said[j].command; j++)
                        says(&s, t->said[j].command, t->said[j].answer);
                int r = read_object(&s, OBJECT_CERTIFICATE_1, &len);
                if (r != t->r)
                        print_error("%s: %d\n", t->name, r);
                check(&s);
                assert_int_equal(r, t->r);
                assert_int_equal(len, r == 0 ? t->len : 77);
        }
}

static void a_certificate_cut_in_a_later_block_is_refused(void **state)
{
        (void)state;
        static const char *const ends[] = { "6B00", "9000", "01 9000", "01 6282", "6F00" };
        char block[2 * 0xF8 + 5];
        for (size_t i = 0; i < ARRAY_LEN(ends); i++) {
                _cleanup_setting_ struct setting s = mav(APDU_T1, mav2_cl);
                size_t len;
                says(&s, LEAF_PATH, "9000");
                hex_encode(block, leaf, 0xF8);
                memcpy(block + sizeof block - 5, "9000", 5);
                says(&s, "00B00000F8", block);
                says(&s, "00B000F8F8", ends[i]);
                assert_int_equal(
                        read_object(&s, OBJECT_CERTIFICATE_1, &len), OUTCOME_CARD_NOT_SUPPORTED);
                check(&s);
        }
}

static void a_certificate_larger_than_the_buffer_is_refused(void **state)
{
        (void)state;
        _cleanup_setting_ struct setting s = mav(APDU_T1, mav2_cl);
        uint8_t small[1000];
        size_t len;
        char block[2 * 0xF8 + 5];
        hex_encode(block, leaf, 0xF8);
        memcpy(block + sizeof block - 5, "9000", 5);
        says(&s, LEAF_PATH, "9000");
        says(&s, "00B00000F8", block);
        assert_int_equal(nid_profile.read(&s.card, OBJECT_CERTIFICATE_1, small, sizeof small, &len),
                OUTCOME_CARD_NOT_SUPPORTED);
        check(&s);
}

/* MPCOS files longer than one block: the offset unit is proven first (card-facts 2.8). */
static void says_long_afis(
        struct setting *s, const uint8_t *data, size_t len, const char *proof, size_t unit)
{
        char block[2 * 0xF8 + 5];
        says(s, MPCOS, "9000");
        says(s, DF_0300, "9000");
        says(s, "00A4020C020302", "9000");
        hex_encode(block, data, 0xF8);
        memcpy(block + sizeof block - 5, "9000", 5);
        says(s, "00B00000F8", block);
        says(s, "00B0000104", proof);
        for (size_t at = 0xF8; unit > 0 && at <= len; at += 0xF8) {
                char command[64];
                size_t part = base_min(len - at, 0xF8);
                snprintf(command, sizeof command, "00B0%04zXF8", at / unit);
                hex_encode(block, data + at, part);
                memcpy(block + 2 * part, "9000", 5);
                says(s, command, block);
        }
}

static void long_mpcos_files_prove_their_offset_unit(void **state)
{
        (void)state;
        static const struct {
                const char *proof;
                size_t unit;
                int r;
        } cases[] = {
                { "04050607 9000", 4, 0 },
                { "01020304 9000", 1, 0 },
                { "AABBCCDD 9000", 0, OUTCOME_CARD_NOT_SUPPORTED },
                { "040506 9000", 0, OUTCOME_CARD_NOT_SUPPORTED },
                { "6B00", 0, OUTCOME_CARD_NOT_SUPPORTED },
                { "!17", 0, OUTCOME_CARD_REMOVED },
        };
        uint8_t data[600];
        for (size_t i = 0; i < sizeof data; i++)
                data[i] = (uint8_t)i;
        for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
                _cleanup_setting_ struct setting s = mav(APDU_T1, mav2_cl);
                size_t len;
                says_long_afis(&s, data, sizeof data, cases[i].proof, cases[i].unit);
                assert_int_equal(read_object(&s, OBJECT_AFIS, &len), cases[i].r);
                check(&s);
                if (cases[i].r != 0)
                        continue;
                assert_int_equal(len, sizeof data);
                assert_memory_equal(file, data, len);
        }
}

static void dates_are_read_once_in_passing(void **state)
{
        (void)state;
        _cleanup_setting_ struct setting s = mav(APDU_T1, mav2_cl);
        struct card_date issued, expires;
        size_t len;
        assert_int_equal(read_object(&s, OBJECT_DATES, &len), 0);
        assert_int_equal(nid_parse_dates((struct view){ file, len }, &issued, &expires), 0);
        assert_string_equal(issued.text, "13990101");
        assert_int_equal(expires.year, 1406);
        uint8_t small[4];
        assert_int_equal(
                nid_profile.read(&s.card, OBJECT_DATES, small, sizeof small, &len), -ENOSPC);
        card_forget(&s.card);
        says(&s, MPCOS, "9000");
        says(&s, DF_0300, "9000");
        says(&s, EF_0303, "9000");
        says(&s, "00B00000F8", DATES_HEX "9000");
        assert_int_equal(read_object(&s, OBJECT_DATES, &len), 0);
        check(&s);
}

struct data_case {
        enum card_object object;
        const char *answer;
        int r;
        const char *hex;
};

static const struct data_case data_cases[] = {
        { OBJECT_CSN,
                "9F7F2A 4790 5072 4091 8236 0002 6123 00A1B2C3 D4E5 4800 0000 0000 0000 0000 0000 "
                "00000000 0000 0000 00000000 9000",
                0, "612300a1b2c3d4e5" },
        { OBJECT_CSN,
                "9F7F29 4790 5072 4091 8236 0002 6123 00A1B2C3 D4E5 4800 0000 0000 0000 0000 0000 "
                "00000000 0000 0000 00000000 9000",
                OUTCOME_CARD_NOT_SUPPORTED, "" },
        { OBJECT_CSN, "9F7F2A 4790 9000", OUTCOME_CARD_NOT_SUPPORTED, "" },
        { OBJECT_CSN, "6A88", OUTCOME_CARD_NOT_SUPPORTED, "" },
        { OBJECT_CSN, "9000", OUTCOME_CARD_NOT_SUPPORTED, "" },
        { OBJECT_CSN, "!17", OUTCOME_CARD_REMOVED, "" },
        { OBJECT_CRN, "01010A 30303939393030303037 9000", 0, "30303939393030303037" },
        { OBJECT_CRN, "01010A 30303939393030303037 0000 6282", 0, "30303939393030303037" },
        { OBJECT_CRN, "010112 30303939393030303037 0000000000000000 9000", 0,
                "30303939393030303037" },
        { OBJECT_CRN, "010113 30303939393030303037 000000000000000000 9000",
                OUTCOME_CARD_NOT_SUPPORTED, "" },
        { OBJECT_CRN, "010109 303039393930303030 9000", OUTCOME_CARD_NOT_SUPPORTED, "" },
        { OBJECT_CRN, "01010A 303039393930303030 9000", OUTCOME_CARD_NOT_SUPPORTED, "" },
        { OBJECT_CRN, "01010A 3030393939303030303A 9000", OUTCOME_CARD_NOT_SUPPORTED, "" },
        { OBJECT_CRN, "02010A 30303939393030303037 9000", OUTCOME_CARD_NOT_SUPPORTED, "" },
};

static void serial_and_registration_numbers_are_cut_where_they_lie(void **state)
{
        (void)state;
        for (size_t i = 0; i < ARRAY_LEN(data_cases); i++) {
                const struct data_case *t = &data_cases[i];
                _cleanup_setting_ struct setting s = mav(APDU_T1, mav2_cl);
                char text[64] = "";
                size_t len = 0;
                says(&s, MANAGER, "9000");
                says(&s, t->object == OBJECT_CSN ? "80CA9F7F2D" : "80CA010115", t->answer);
                assert_int_equal(read_object(&s, t->object, &len), t->r);
                hex_encode(text, file, t->r == 0 ? len : 0);
                assert_string_equal(text, t->hex);
                check(&s);
        }
}

static void cplc_is_asked_again_with_the_length_the_card_wants(void **state)
{
        (void)state;
        _cleanup_setting_ struct setting s = mav(APDU_T0, mav2_t0);
        size_t len;
        says(&s, MANAGER, "9000");
        says(&s, "80CA010115", "6C0D");
        says(&s, "80CA01010D", "01010A 30303939393030303037 9000");
        assert_int_equal(read_object(&s, OBJECT_CRN, &len), 0);
        assert_int_equal(len, 10);
        check(&s);
}

static void pin_flags_are_cut_from_one_read(void **state)
{
        (void)state;
        _cleanup_setting_ struct setting s = mav(APDU_T1, mav2_cl);
        static const char whole[] = "00000000 00000000 0F111111 01222222 AC003333 AC104444 "
                                    "00000000 02005555 9000";
        static const char *const bad[] = { "6982", "6B00", "00000000 00000000 0F00 9000" };
        size_t len;
        says(&s, MPCOS, "9000");
        says(&s, "00A4020C020010", "9000");
        says(&s, "00B00000F8", whole);
        assert_int_equal(read_object(&s, OBJECT_PIN_FLAGS, &len), 0);
        assert_int_equal(len, 8);
        assert_memory_equal(file, "\x0F\x01\xAC\x00\xAC\x10\x02\x00", 8);
        for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
                says(&s, "00A4020C020010", "9000");
                says(&s, "00B00000F8", bad[i]);
                assert_int_equal(
                        read_object(&s, OBJECT_PIN_FLAGS, &len), OUTCOME_CARD_NOT_SUPPORTED);
        }
        check(&s);
}

static void unknown_objects_are_refused(void **state)
{
        (void)state;
        _cleanup_setting_ struct setting s = mav(APDU_T1, mav2_cl);
        size_t len;
        assert_int_equal(read_object(&s, OBJECT_COUNT, &len), -EINVAL);
        assert_int_equal(read_object(&s, (enum card_object)4000, &len), -EINVAL);
        check(&s);
}

int main(void)
{
        prepare();
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(cards_are_told_apart_with_few_questions),
                cmocka_unit_test(generations_have_names),
                cmocka_unit_test(unsupported_cards_never_see_the_pin_family),
                cmocka_unit_test(nothing_is_done_before_identify),
                cmocka_unit_test(foreign_certificates_can_be_shown_and_nothing_else),
                cmocka_unit_test(refused_paths_give_way_to_the_published_steps_for_good),
                cmocka_unit_test(a_df_not_found_from_the_application_is_looked_for_from_the_mf),
                cmocka_unit_test(an_absent_file_does_not_spoil_paths),
                cmocka_unit_test(t0_dates_are_whole_when_their_objects_are),
                cmocka_unit_test(certificates_are_read_exactly_or_not_at_all),
                cmocka_unit_test(a_certificate_cut_in_a_later_block_is_refused),
                cmocka_unit_test(a_certificate_larger_than_the_buffer_is_refused),
                cmocka_unit_test(long_mpcos_files_prove_their_offset_unit),
                cmocka_unit_test(dates_are_read_once_in_passing),
                cmocka_unit_test(serial_and_registration_numbers_are_cut_where_they_lie),
                cmocka_unit_test(cplc_is_asked_again_with_the_length_the_card_wants),
                cmocka_unit_test(pin_flags_are_cut_from_one_read),
                cmocka_unit_test(unknown_objects_are_refused),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}

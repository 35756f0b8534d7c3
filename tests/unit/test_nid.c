/* SPDX-License-Identifier: Apache-2.0 */
/* test_nid.c: the profile of the national card against scripted cards: which commands go out, in
 * which order, how many, and above all which never do. The scripts are typed in from card-facts.
 */
#include "apdu/nid.h"
#include "tests/support/conversation.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>
#include <stdio.h>

#define IAS         "00A4040C0CA0000000180C000001634200"
#define IAS_40      "00A4040C0CA00000001840000001634200"
#define IAS_0A      "00A4040C0CA0000000180A000001634200"
#define MPCOS       "00A4040C10A0000000183003010000000000000000"
#define MANAGER     "00A4040C08A000000018434D00"
#define OMID        "00A4040C104D41544952414E204944204341524420"
#define PARDIS      "00A4040C0F5041524449532C4D41544952414E20"
#define MF          "00A4000C023F00"
#define DF_5100     "00A4000C025100"
#define DF_5000     "00A4000C025000"
#define DF_0300     "00A4010C020300"
#define EF_5040     "00A4020C025040"
#define EF_0303     "00A4020C020303"
#define LEAF_PATH   "00A4080C0451005040"
#define CA_PATH     "00A4080C0450000303"
#define THIRD_PATH  "00A4080C0450005040"
#define COUNTER     "00200081"
#define COUNTER_T0  "0020008100"
#define VERIFY_1234 "0020008110 31323334000000000000000000000000"
#define MSE_42      "002241B606 800142 840103"
#define MSE_02      "002241B606 800102 840103"
#define HASH        "002A90A022 9020 " HASH_HEX
#define HASH_INFO   "002A90A035 9033 3031300D060960864801650304020105000420 " HASH_HEX
#define HASH_HEX    "000102030405060708090A0B0C0D0E0F101112131415161718191A1B1C1D1E1F"
#define CDS         "002A9E9A00"
#define DATES_HEX                                                                                  \
        "B212 FEFF00310033003900390030003100300031 B312 FEFF00310034003000360030003100300031"

static const char mav2_cl[] = "3B8F800180318065B0850202ED120FFF82900072";
static const char mav2_t0[] = "3B7F94000080318065B0850202ED120FFF829000";
static const char mav5[] = "3B8F800180318065B0850500EF120FFF82900075";
static const char omid[] = "3BDB97008131FE85801349524E7396715B91302F";

static uint8_t leaf[1370], ca[1200], file[CARD_FILE_MAX];
static uint8_t hash[32];

struct setting {
        struct conversation *c;
        struct card card;
        struct card_identity identity;
};

static void setting_cleanup(struct setting *s)
{
        conversation_free(s->c);
}
#define _cleanup_setting_ _cleanup_(setting_cleanup)

static struct setting setting_new(enum apdu_protocol protocol, const char *atr_hex)
{
        uint8_t atr[CARD_ATR_MAX];
        struct setting s = { .c = conversation_new(protocol) };
        ssize_t len = hex_decode(atr, sizeof atr, atr_hex);
        assert_true(len >= 0);
        card_init(&s.card, conversation_link(s.c), atr, (size_t)len);
        return s;
}

static void says(struct setting *s, const char *command, const char *answer)
{
        conversation_say(s->c, command, answer);
}

static void check(struct setting *s)
{
        const char *problem = conversation_problem(s->c);
        if (problem)
                print_error("%s\n", problem);
        assert_null(problem);
}

/* MPCOS with its dates, then IAS: what identify() says to a Mav card it has a hint for. */
static void says_mav(struct setting *s)
{
        bool t0 = conversation_link(s->c)->protocol == APDU_T0;
        says(s, MPCOS, "9000");
        says(s, DF_0300, "9000");
        says(s, EF_0303, "9000");
        says(s, "00B00000F8", t0 ? "6C28" : DATES_HEX "9000");
        if (t0)
                says(s, "00B0000028", DATES_HEX "9000");
        says(s, IAS, "9000");
}

static struct setting mav(enum apdu_protocol protocol, const char *atr)
{
        struct setting s = setting_new(protocol, atr);
        says_mav(&s);
        assert_int_equal(card_identify(&s.card, &s.identity), 0);
        assert_true(s.identity.supported);
        return s;
}

static struct setting mav_with_counter(void)
{
        struct setting s = mav(APDU_T1, mav2_cl);
        struct pin_counter counter;
        says(&s, COUNTER, "63C3");
        assert_int_equal(nid_profile.counter(&s.card, PIN_COPY_IAS, &counter), 0);
        return s;
}

static struct setting mav_verified(void)
{
        struct setting s = mav_with_counter();
        int tries;
        says(&s, VERIFY_1234, "9000");
        assert_int_equal(nid_profile.verify(&s.card, (const uint8_t *)"1234", 4, &tries), 0);
        return s;
}

/* --- detection ------------------------------------------------------------------------------- */

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
                        { MF, "6A82" }, { IAS, "9000" } },
                0, GENERATION_UNKNOWN, false },
        { "Omid by its historical bytes: one question", omid, { { OMID, "9000" } }, 0,
                GENERATION_OMID, false },
        { "Pardis", "3B781800000073C84013009000", { { PARDIS, "9000" } }, 0, GENERATION_PARDIS,
                false },
        { "Omid under an unknown ATR", "3B00", { { OMID, "9000" } }, 0, GENERATION_OMID, false },
        { "IAS alone is foreign", mav2_cl,
                { { MPCOS, "6A82" }, { OMID, "6D00" }, { PARDIS, "6E00" }, { IAS, "9000" } }, 0,
                GENERATION_UNKNOWN, false },
        { "IAS alone under the oldest AID", "3B00",
                { { OMID, "6A82" }, { PARDIS, "6A82" }, { MPCOS, "6A86" }, { IAS, "6A82" },
                        { IAS_40, "6A82" }, { IAS_0A, "9000" } },
                0, GENERATION_UNKNOWN, false },
        { "MPCOS alone", mav2_cl,
                { { MPCOS, "9000" }, { DF_0300, "6A82" }, { MF, "6A82" }, { IAS, "6A82" },
                        { IAS_40, "6A82" }, { IAS_0A, "6A82" }, { OMID, "6A82" },
                        { PARDIS, "6A82" } },
                OUTCOME_CARD_NOT_SUPPORTED, 0, false },
        { "nothing we know", "3B00",
                { { OMID, "6A82" }, { PARDIS, "6A82" }, { MPCOS, "6A82" }, { IAS, "6A82" },
                        { IAS_40, "6A82" }, { IAS_0A, "6A82" } },
                OUTCOME_CARD_NOT_SUPPORTED, 0, false },
        { "answers that are no answers", "3B00",
                { { OMID, "90" }, { PARDIS, "FFFF" }, { MPCOS, "6F 9000" }, { IAS, "" } },
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

/* --- what is not supported never meets a PIN command ------------------------------------------ */

static void unsupported_cards_never_see_the_pin_family(void **state)
{
        (void)state;
        static const struct said foreign[] = { { MPCOS, "6A82" }, { OMID, "6A82" },
                { PARDIS, "6A82" }, { IAS, "9000" } };
        static const struct said unknown[] = { { MPCOS, "9000" }, { DF_0300, "6A82" },
                { MF, "6A82" }, { IAS, "9000" } };
        static const struct said omids[] = { { OMID, "9000" } };
        static const struct {
                const char *atr;
                const struct said *said;
                size_t count;
        } cards[] = { { mav2_cl, foreign, ARRAY_LEN(foreign) },
                { mav5, unknown, ARRAY_LEN(unknown) }, { omid, omids, ARRAY_LEN(omids) } };
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

/* --- files ------------------------------------------------------------------------------------ */

static int read_object(struct setting *s, enum card_object object, size_t *ret_len)
{
        return s->card.profile->read(&s->card, object, file, sizeof file, ret_len);
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
        { "needs authentication", { { B("F8"), "6982" } }, OUTCOME_CARD_NOT_SUPPORTED, 0 },
        { "no file selected", { { B("F8"), "6986" } }, OUTCOME_CARD_NOT_SUPPORTED, 0 },
        { "an unknown word", { { B("F8"), "6F00" } }, OUTCOME_CARD_NOT_SUPPORTED, 0 },
        { "lifted", { { B("F8"), "!17" } }, OUTCOME_CARD_REMOVED, 0 },
        { "malformed", { { B("F8"), "" } }, OUTCOME_CARD_NOT_SUPPORTED, 0 },
};

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

static void unknown_objects_are_refused(void **state)
{
        (void)state;
        _cleanup_setting_ struct setting s = mav(APDU_T1, mav2_cl);
        size_t len;
        assert_int_equal(read_object(&s, OBJECT_COUNT, &len), -EINVAL);
        assert_int_equal(read_object(&s, (enum card_object)4000, &len), -EINVAL);
        check(&s);
}

/* --- counters --------------------------------------------------------------------------------- */

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

/* --- VERIFY ----------------------------------------------------------------------------------- */

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

/* --- signatures ------------------------------------------------------------------------------- */

static char signature_answer[2 * 256 + 5];

static int sign(struct setting *s, enum sign_method method, uint8_t *sig, size_t *ret_len)
{
        return nid_profile.sign(&s->card, 3, method, hash, sizeof hash, sig, CARD_SIG_MAX, ret_len);
}

static void three_methods_say_the_hash_in_their_way(void **state)
{
        (void)state;
        static const struct said methods[SIGN_METHOD_COUNT][2] = {
                [SIGN_RSA_SHA256_CARD] = { { MSE_42, "9000" }, { HASH, "9000" } },
                [SIGN_RSA_DIGESTINFO] = { { MSE_02, "9000" }, { HASH_INFO, "9000" } },
                [SIGN_RSA_BARE_HASH] = { { MSE_02, "9000" }, { HASH, "9000" } },
        };
        _cleanup_setting_ struct setting s = mav_verified();
        for (int method = 0; method < SIGN_METHOD_COUNT; method++) {
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

/* --- free questions --------------------------------------------------------------------------- */

#define KEY(kk, tag) "00CB00FF0A B6038301" kk "7F4902" tag "00 00"

static void keys_are_found_in_whatever_wraps_them(void **state)
{
        (void)state;
        _cleanup_setting_ struct setting s = mav(APDU_T1, mav2_cl);
        struct card_probe probe;
        char refused[64];
        says(&s, "00CADF3000", "6A88");
        says(&s, "00CA7F3000", "7F3014 C00E 49415320436C61737369632076 34 C102 3405 9000");
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
                says(&s, KEY("01", "81"), words[i]);
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
        says(&s, KEY("01", "81"), "6D00");
        assert_int_equal(nid_profile.probe(&s.card, &probe), 0);
        assert_string_equal(probe.label, "AB 40");
        check(&s);
}

static void t0_key_queries_leave_le_out(void **state)
{
        (void)state;
        _cleanup_setting_ struct setting s = mav(APDU_T0, mav2_t0);
        struct card_probe probe;
        says(&s, "00CADF3000", "6C05");
        says(&s, "00CADF3005", "C003 41 1B 42 9000");
        says(&s, "00CB00FF0A B603830101 7F49028100", "6A81");
        assert_int_equal(nid_profile.probe(&s.card, &probe), 0);
        assert_string_equal(probe.label, "AB");
        check(&s);
}

/* --- the whole flow, counted (the numbers the architecture holds us to) ------------------------ */

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
        const struct flow t0 = { .with_ca = true, .ceiling = 29 };
        run_flow(&t0, true);
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

static void prepare(void)
{
        for (size_t i = 0; i < sizeof leaf; i++)
                leaf[i] = (uint8_t)(i * 13);
        for (size_t i = 0; i < sizeof ca; i++)
                ca[i] = (uint8_t)(i * 11);
        for (size_t i = 0; i < sizeof hash; i++)
                hash[i] = (uint8_t)i;
        memcpy(leaf, "\x30\x82\x05\x56", 4);
        memcpy(ca, "\x30\x82\x04\xAC", 4);
        hex_encode(signature_answer, leaf, 256);
        memcpy(signature_answer + 512, "9000", 5);
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
                cmocka_unit_test(certificates_are_read_exactly_or_not_at_all),
                cmocka_unit_test(a_certificate_cut_in_a_later_block_is_refused),
                cmocka_unit_test(a_certificate_larger_than_the_buffer_is_refused),
                cmocka_unit_test(long_mpcos_files_prove_their_offset_unit),
                cmocka_unit_test(dates_are_read_once_in_passing),
                cmocka_unit_test(serial_and_registration_numbers_are_cut_where_they_lie),
                cmocka_unit_test(cplc_is_asked_again_with_the_length_the_card_wants),
                cmocka_unit_test(pin_flags_are_cut_from_one_read),
                cmocka_unit_test(t1_cards_without_case_1_are_asked_in_the_vendors_five_bytes),
                cmocka_unit_test(unknown_objects_are_refused),
                cmocka_unit_test(ias_counter_is_read_without_a_try),
                cmocka_unit_test(already_verified_is_cleared_and_asked_again),
                cmocka_unit_test(mpcos_counters_are_read_with_get_info_only),
                cmocka_unit_test(an_absent_mpcos_counter_is_unknown_not_an_error),
                cmocka_unit_test(every_answer_to_verify_has_one_meaning),
                cmocka_unit_test(verify_without_a_fresh_counter_is_refused),
                cmocka_unit_test(only_four_to_eight_digits_are_a_pin),
                cmocka_unit_test(three_methods_say_the_hash_in_their_way),
                cmocka_unit_test(t0_signatures_come_in_every_published_way),
                cmocka_unit_test(refusals_at_each_step_have_their_answer),
                cmocka_unit_test(free_method_check_tells_what_the_card_wants),
                cmocka_unit_test(a_pin_used_up_by_a_signature_is_not_taken_for_missing_keys),
                cmocka_unit_test(signing_needs_a_verified_pin_a_hash_and_a_believable_answer),
                cmocka_unit_test(keys_are_found_in_whatever_wraps_them),
                cmocka_unit_test(a_card_without_the_command_is_not_asked_fifteen_times),
                cmocka_unit_test(a_label_wrapped_in_the_tag_that_was_asked_for_is_read),
                cmocka_unit_test(t0_key_queries_leave_le_out),
                cmocka_unit_test(first_assertion_stays_within_its_exchanges),
                cmocka_unit_test(same_card_again_takes_nine_exchanges),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* nid_setting.h: a scripted national card on the table, as the tests of its profile need it.
 *
 * The commands are typed in from card-facts 2.6, 2.7, 4.3 to 4.5 and 6.4.
 */
#ifndef MOHR_NID_SETTING_H
#define MOHR_NID_SETTING_H

#include "apdu/nid.h"
#include "tests/unit/card_setting.h"

#define IAS         "00A4040C0CA0000000180C000001634200"
#define IAS_40      "00A4040C0CA00000001840000001634200"
#define IAS_0A      "00A4040C0CA0000000180A000001634200"
#define MPCOS       "00A4040C10A0000000183003010000000000000000"
#define MANAGER     "00A4040C08A000000018434D00"
#define OMID        "00A4040C104D41544952414E204944204341524420"
#define PARDIS      "00A4040C0F5041524449532C4D41544952414E20"
#define PIV         "00A404000BA00000030800001000010000"
#define PIV_SHORT   "00A4040009A0000003080000100000"
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

static const char mav2_cl[] _unused_ = "3B8F800180318065B0850202ED120FFF82900072";
static const char mav2_t0[] _unused_ = "3B7F94000080318065B0850202ED120FFF829000";
static const char mav5[] _unused_ = "3B8F800180318065B0850500EF120FFF82900075";
static const char omid[] _unused_ = "3BDB97008131FE85801349524E7396715B91302F";

static uint8_t leaf[1370] _unused_, ca[1200] _unused_, file[CARD_FILE_MAX] _unused_;
static uint8_t hash[32] _unused_;
static char signature_answer[2 * 256 + 5] _unused_;

/* MPCOS with its dates, then IAS: what identify() says to a Mav card it has a hint for. */
static inline void says_mav(struct setting *s)
{
        bool t0 = conversation_link(s->c)->protocol == APDU_T0;
        says(s, MPCOS, "9000");
        says(s, DF_0300, "9000");
        says(s, EF_0303, "9000");
        says(s, t0 ? "00B0000028" : "00B00000F8", DATES_HEX "9000");
        says(s, IAS, "9000");
}

static inline struct setting mav(enum apdu_protocol protocol, const char *atr)
{
        struct setting s = setting_new(protocol, atr);
        says_mav(&s);
        assert_int_equal(card_identify(&s.card, &s.identity), 0);
        assert_true(s.identity.supported);
        return s;
}

static inline struct setting mav_with_counter(void)
{
        struct setting s = mav(APDU_T1, mav2_cl);
        struct pin_counter counter;
        says(&s, COUNTER, "63C3");
        assert_int_equal(nid_profile.counter(&s.card, PIN_COPY_IAS, &counter), 0);
        return s;
}

static inline struct setting mav_verified(void)
{
        struct setting s = mav_with_counter();
        int tries;
        says(&s, VERIFY_1234, "9000");
        assert_int_equal(nid_profile.verify(&s.card, (const uint8_t *)"1234", 4, &tries), 0);
        return s;
}

static inline int read_object(struct setting *s, enum card_object object, size_t *ret_len)
{
        return s->card.profile->read(&s->card, object, file, sizeof file, ret_len);
}

static inline void prepare(void)
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

#endif

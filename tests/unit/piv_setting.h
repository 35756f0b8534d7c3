/* SPDX-License-Identifier: Apache-2.0 */
/* piv_setting.h: a scripted PIV card. Commands and answers are typed in from SP 800-73-4 (part 1: 3.3.2, appendix A;
 * part 2: 3.1.1, 3.1.2, 3.2.1, 3.2.4, appendix A), with a look at neither driver nor software card. For the tests
 * of apdu/piv*.c; included once per program.
 */
#ifndef MOHR_PIV_SETTING_H
#define MOHR_PIV_SETTING_H

#include "apdu/piv.h"
#include "tests/unit/card_setting.h"

#define SELECT       "00A404000BA00000030800001000010000"
#define SELECT_SHORT "00A4040009A0000003080000100000"
#define TEMPLATE     "61 11 4F 06 000010000100 79 07 4F 05 A000000308"
#define DISCOVERY    "00CB3FFF035C017E00"
#define DISCOVERED   "7E 12 4F 0B A000000308000010000100 5F2F 02 "
#define GET_9C       "00CB3FFF055C035FC10A00"
#define GET_9A       "00CB3FFF055C035FC10500"
#define COUNTER      "00200080"
#define VERIFY       "0020008008 323731383238FFFF"
#define HASH_HEX     "000102030405060708090A0B0C0D0E0F101112131415161718191A1B1C1D1E1F"
#define HASH48_HEX   HASH_HEX "202122232425262728292A2B2C2D2E2F"

static const uint8_t pin[] = { '2', '7', '1', '8', '2', '8' };
static uint8_t hash[48];
static const char *const no_hint = "3B8880010000000000000000";
static const char *const yubikey = "3BF81300008131FE15597562696B657934D4";

/* Identified, as a card whose maker put its mark into the ATR. */
static inline struct setting piv(void)
{
        struct setting s = setting_new(APDU_T1, yubikey);
        says(&s, SELECT, TEMPLATE "9000");
        says(&s, DISCOVERY, DISCOVERED "4000 9000");
        assert_int_equal(card_identify(&s.card, &s.identity), 0);
        assert_true(s.identity.supported);
        return s;
}

static inline struct setting piv_counted_as(const char *answer)
{
        struct setting s = piv();
        struct pin_counter counter;
        says(&s, COUNTER, answer);
        assert_int_equal(piv_profile.counter(&s.card, PIN_COPY_IAS, &counter), 0);
        return s;
}

static inline struct setting piv_counted(void)
{
        return piv_counted_as("63C3");
}

static inline struct setting piv_verified(void)
{
        struct setting s = piv_counted();
        int tries;
        says(&s, VERIFY, "9000");
        assert_int_equal(piv_profile.verify(&s.card, pin, sizeof pin, &tries), 0);
        return s;
}

static inline int prepare(void **state)
{
        (void)state;
        for (size_t i = 0; i < sizeof hash; i++)
                hash[i] = (uint8_t)i;
        return 0;
}

#endif

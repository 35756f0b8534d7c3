/* SPDX-License-Identifier: Apache-2.0 */
/* usb_card.h: a card in a reader made of memory: what a script hears and answers. The bytes were put together by
 * hand from CCID rev 1.1 and ISO/IEC 7816-3:2006. For the tests of drivers/usb/icc.c; included once per program.
 */
#ifndef MOHR_USB_CARD_H
#define MOHR_USB_CARD_H

#include "drivers/usb/icc.h"
#include "tests/unit/usb_script.h"

#define LINES(...) ((const char *const[]){ __VA_ARGS__, NULL })

#define T0_ATR   "3B00"
#define T1_ATR   "3B8001 81"             /* T=1 only, checked */
#define FAST_T1  "3B9196 81 31 FE 45 7D" /* TA1 96, IFSC 254; one historical byte */
#define BOTH_ATR "3B80800101"            /* contactless: T=0, then T=1 */

struct talk {
        struct usb_script script;
        struct icc icc;
        uint8_t rsp[APDU_RSP_MAX];
        size_t len;
};

static const struct ccid_class tpdu = {
        .voltages = CCID_5V | CCID_3V | CCID_1V8,
        .protocols = CCID_T0 | CCID_T1,
        .clock_khz = 4000,
        .rate = 10752,
        .max_rate = 344086,
        .max_ifsd = 254,
        .features = CCID_AUTO_VOLTAGE | 0x10000,
        .level = CCID_LEVEL_TPDU,
        .message_max = 271,
};

static inline struct ccid_class with(enum ccid_level level, uint32_t features)
{
        struct ccid_class class = tpdu;
        class.level = level;
        class.features = features;
        return class;
}

static inline void start(
        struct talk *talk, const struct ccid_class *class, const char *const *lines)
{
        memset(talk, 0, sizeof *talk);
        script_start(&talk->script, lines);
        icc_init(&talk->icc, &talk->script.wire, class, 0);
        ccid_allow(&talk->icc.ccid, 7000);
}

#define ON(seq, select)  "> 62 00000000 00 " seq " " select "0000"
#define OFF(seq)         "> 63 00000000 00 " seq " 000000"
#define IS_OFF(seq)      "< 81 00000000 00 " seq " 01 00 00"
#define MUTE(seq)        "< 80 00000000 00 " seq " 41 FE 00"
#define ATR(seq, n, atr) "< 80 " n "000000 00 " seq " 00 00 00 " atr
#define T0_SET(seq)      "> 61 05000000 00 " seq " 000000 11 00 00 0A 00"
#define T0_IS(seq)       "< 82 05000000 00 " seq " 00 00 00 11 00 00 0A 00"

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* ccid_class.h: what a reader says of itself in its class descriptor (CCID rev 1.1, 5.1).
 *
 * Little-endian, 54 bytes, type 21. The parser keeps what the driver decides by and refuses what no
 * reader can mean: a message length in which no answer fits, a level of exchange that is none.
 */
#ifndef MOHR_USB_CCID_CLASS_H
#define MOHR_USB_CCID_CLASS_H

#include "base/bytes.h"

#define CCID_CLASS_LEN   54
#define CCID_CLASS_TYPE  0x21
#define CCID_RATES_MAX   255
#define CCID_HEADER      10
#define CCID_MESSAGE_MAX 5120 /* header, our longest APDU and its answer, in whole packets */

enum ccid_level { CCID_LEVEL_TPDU = 1, CCID_LEVEL_SHORT_APDU = 2, CCID_LEVEL_EXTENDED_APDU = 4 };

enum ccid_feature {                   /* dwFeatures: what the reader does by itself */
        CCID_AUTO_PARAMETERS = 0x2,   /* takes the parameters from the ATR */
        CCID_AUTO_ACTIVATION = 0x4,   /* powers a card that is put in */
        CCID_AUTO_VOLTAGE = 0x8,      /* finds the voltage */
        CCID_AUTO_NEGOTIATION = 0x40, /* chooses protocol and parameters, PPS included */
        CCID_AUTO_PPS = 0x80,         /* makes the PPS that SetParameters calls for */
        CCID_AUTO_IFSD = 0x400,       /* tells the card the IFSD first */
};

enum ccid_voltage { CCID_5V = 1, CCID_3V = 2, CCID_1V8 = 4 }; /* bVoltageSupport */
enum ccid_protocol { CCID_T0 = 1, CCID_T1 = 2 };              /* dwProtocols, low half */
enum ccid_pin { CCID_PIN_VERIFY = 1, CCID_PIN_MODIFY = 2 };   /* bPINSupport */

struct ccid_class {
        uint8_t max_slot; /* highest slot number */
        uint8_t voltages, pin;
        uint16_t protocols, lcd;
        uint32_t clock_khz, rate, max_rate; /* kHz, bit/s, bit/s */
        uint8_t rate_count;                 /* 0: every rate up to max_rate */
        uint32_t max_ifsd, features;
        enum ccid_level level;
        bool mute_parameters; /* nothing useful comes of asking or telling parameters (quirks.h) */
        size_t message_max;   /* dwMaxCCIDMessageLength, never over CCID_MESSAGE_MAX */
};

/* -EBADMSG: not a class descriptor. -ENOTSUP: one of a reader that only knows characters. */
_must_check_ int ccid_class_parse(const void *data, size_t len, struct ccid_class *ret);
/* The same, searched among the descriptors that stand around it; -ENOENT if none is there. */
_must_check_ int ccid_class_find(const void *data, size_t len, struct ccid_class *ret);

#endif

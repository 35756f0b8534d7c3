/* SPDX-License-Identifier: Apache-2.0 */
/* ccid.h: one question to a slot of a reader and its answer (CCID rev 1.1, 6).
 *
 * A question is handed to the reader once. What is repeated when something goes wrong is only the
 * reading of the answer; after a failure the conversation is out of step, and the next call first
 * aborts what the reader may still be doing (5.3.1), by its own request and never by repeating.
 *
 * Time extensions are followed for as long as the deadline allows, which ccid_allow() sets for all
 * that follows. Messages that answer something older are passed over, a few of them; whatever else
 * does not fit ends the exchange.
 */
#ifndef MOHR_USB_CCID_H
#define MOHR_USB_CCID_H

#include "drivers/usb/ccid_class.h"
#include "drivers/usb/wire.h"

enum ccid_message {
        CCID_SET_PARAMETERS = 0x61,
        CCID_POWER_ON = 0x62,
        CCID_POWER_OFF = 0x63,
        CCID_GET_SLOT_STATUS = 0x65,
        CCID_SECURE = 0x69,
        CCID_GET_PARAMETERS = 0x6C,
        CCID_XFR_BLOCK = 0x6F,
        CCID_ABORT = 0x72,
        CCID_DATA_BLOCK = 0x80,
        CCID_SLOT_STATUS = 0x81,
        CCID_PARAMETERS = 0x82,
};

enum ccid_card { CCID_CARD_ACTIVE = 0, CCID_CARD_INACTIVE = 1, CCID_CARD_ABSENT = 2 };

enum ccid_error {                /* bError of an answer that says "failed" (6.2.6) */
        CCID_UNSUPPORTED = 0x00, /* 1..127: the byte of the question that is wrong */
        CCID_SLOT_BUSY = 0xE0,
        CCID_PIN_CANCELLED = 0xEF,
        CCID_PIN_TIMEOUT = 0xF0,
        CCID_AUTO_SEQUENCE = 0xF2,
        CCID_DEACTIVATED = 0xF3,
        CCID_PROCEDURE_BYTE = 0xF4,
        CCID_BAD_CLASS = 0xF5,
        CCID_BAD_PROTOCOL = 0xF6,
        CCID_BAD_TCK = 0xF7,
        CCID_BAD_TS = 0xF8,
        CCID_HARDWARE = 0xFB,
        CCID_OVERRUN = 0xFC,
        CCID_PARITY = 0xFD,
        CCID_MUTE = 0xFE,
        CCID_ABORTED = 0xFF,
};

struct ccid {
        const struct wire *wire;
        uint8_t slot, seq;
        bool lost;         /* out of step: abort before anything else */
        uint64_t deadline; /* in the wire's time */
        uint8_t in[CCID_MESSAGE_MAX];
};

struct ccid_question {
        enum ccid_message type;
        uint8_t extra[3]; /* what the message has at offsets 7 to 9 */
        struct view data;
};

struct ccid_answer {
        enum ccid_card card;
        bool failed;
        uint8_t error;    /* enum ccid_error, if failed */
        uint8_t extra;    /* offset 9: chain parameter, clock status, protocol */
        struct view data; /* until the next call */
};

void ccid_allow(struct ccid *ccid, unsigned int ms);
unsigned int ccid_left(const struct ccid *ccid);
/* 0: the reader answered, maybe that it failed. NO_READER, TIMED_OUT, or < 0: no usable answer. */
_must_check_ int ccid_ask(
        struct ccid *ccid, const struct ccid_question *question, struct ccid_answer *ret);
_must_check_ int ccid_status(struct ccid *ccid, struct ccid_answer *ret);
/* Brings reader and driver into step again. Done by ccid_ask() too where it is needed. */
_must_check_ int ccid_abort(struct ccid *ccid);

/* NotifySlotChange (6.3.1): did this slot's card come or go? False for what is no such message. */
bool ccid_slot_changed(const uint8_t *data, size_t len, uint8_t slot);
/* The same, and no card was there. */
bool ccid_slot_emptied(const uint8_t *data, size_t len, uint8_t slot);

#endif

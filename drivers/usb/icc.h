/* SPDX-License-Identifier: Apache-2.0 */
/* icc.h: the card in one slot: power, the choice of protocol and speed, one APDU at a time.
 *
 * It hides the level at which the reader exchanges: extended APDUs, short APDUs, or T=1 blocks and
 * T=0 TPDUs. Its answers are outcomes, as driver.h wants them: NO_CARD before there is one,
 * CARD_REMOVED after, TIMED_OUT for a card or a reader that gave no usable answer in the time allowed,
 * NO_READER when the device went away. A command is handed over once; what was lost stays lost.
 */
#ifndef MOHR_USB_ICC_H
#define MOHR_USB_ICC_H

#include "apdu/apdu.h"
#include "drivers/usb/atr_params.h"
#include "drivers/usb/ccid.h"
#include "drivers/usb/t1.h"

struct icc {
        struct ccid ccid;
        struct ccid_class class;
        uint32_t rates[CCID_RATES_MAX];
        size_t rate_count;
        uint8_t atr[ATR_MAX];
        size_t atr_len;
        struct atr_params params;
        enum apdu_protocol protocol;
        struct t1 t1;
        bool ready; /* powered, protocol agreed on, undisturbed since */
};

void icc_init(
        struct icc *icc, const struct wire *wire, const struct ccid_class *class, uint8_t slot);
/* 0 or NO_CARD and the rest. A card found without power is no longer `ready`. */
_must_check_ int icc_look(struct icc *icc);
_must_check_ int icc_power_on(struct icc *icc);
int icc_power_off(struct icc *icc);
_must_check_ int icc_transmit(struct icc *icc, const uint8_t *cmd, size_t cmd_len, uint8_t *rsp,
        size_t cap, size_t *ret_len);

/* driver.h's verify_pinpad and modify_pinpad, by `how`. */
_must_check_ int icc_pinpad(
        struct icc *icc, const struct apdu_pinpad *how, uint8_t *rsp, size_t cap, size_t *ret_len);

/* Folds what ccid_ask() and t1 return into outcomes: a broken conversation is one without an answer. */
int icc_outcome(int r);
/* The same for an answer that says "failed", in the middle of a transaction. */
int icc_failure(const struct ccid_answer *answer);
/* One block or TPDU to the card and back (icc.c), for T=1 and the PPS. -EIO: the line garbled it. */
_must_check_ int icc_block(void *icc, const uint8_t *out, size_t out_len, uint8_t bwi, uint8_t *in,
        size_t cap, size_t *ret_len);

#endif

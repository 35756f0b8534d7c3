/* SPDX-License-Identifier: Apache-2.0 */
/* pin.h: what a PIN looks like to a card and what the card says to it, for every profile. When one may be
 * sent is each profile's own affair, and so is the sending.
 */
#ifndef MOHR_PIN_H
#define MOHR_PIN_H

#include "apdu/card.h"

#define PIN_BLOCK_MAX 16

struct pin_format {
        uint8_t ref, block_len, pad, min, max; /* lengths in digits, padded to a block */
};

struct pin_block {
        uint8_t bytes[PIN_BLOCK_MAX];
};
void pin_block_wipe(struct pin_block *block);
/* -EINVAL for what is no PIN of that form. */
_must_check_ int pin_block_fill(
        struct pin_block *block, const struct pin_format *format, const uint8_t *pin, size_t len);

/* The reader asks the person, fills the digits into `cmd` and sends: 0 with card->sw, or why not. */
_must_check_ int pin_by_keys(
        struct card *card, const struct apdu_cmd *cmd, const struct pin_format *format);

struct pin_counter pin_counter_of(uint16_t sw); /* of an empty VERIFY */
int pin_outcome(uint16_t sw); /* of a VERIFY; OUTCOME_CARD_NOT_SUPPORTED for other words */

#endif

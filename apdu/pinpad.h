/* SPDX-License-Identifier: Apache-2.0 */
/* pinpad.h: one VERIFY that a reader with keys of its own makes, for every profile of card.
 *
 * The profile has earned the right to send (its counter was seen), says what the command looks like,
 * and gives the right up before this is called: nothing here repeats. What comes back is either the
 * card's own word, with the meaning that profile gives it, or the reader's (PC/SC part 10, 2.6.2),
 * which means that nothing was sent. The reader's words are not the card's to say in answer to VERIFY
 * (ISO/IEC 7816-4 has 6400 for "nothing changed" and 6401 for a card that asks back), so one table
 * tells them apart; the counter is read again before any later prompt all the same.
 */
#ifndef MOHR_PINPAD_H
#define MOHR_PINPAD_H

#include "apdu/apdu.h"
#include "base/outcome.h"

/* Bytes of CLA INS P1 P2 Lc and a command's data, two blocks of 15 digits at most. */
#define PINPAD_COMMAND_MAX 64

/* 0 with the status word of card or reader; > 0 and < 0 as apdu_exchange(). -EPERM: no PIN pad. */
_must_check_ int pinpad_verify(
        struct apdu_link *link, const struct apdu_pinpad *how, uint16_t *ret_sw);

/* What a word of the reader means: OUTCOME_TIMED_OUT, OUTCOME_REFUSED, OUTCOME_CARD_NOT_SUPPORTED (the
 * reader cannot do what was asked). 0: not a word of the reader, so the card's own. */
int pinpad_outcome(uint16_t sw);

/* What both transports of a PIN pad are told in the same bytes. `command` is what the reader fills the
 * digits into: the header, Lc, and padding where nobody typed anything. */
struct pinpad_template {
        uint8_t format;      /* bmFormatString: ASCII, left-justified, from the first byte on */
        uint8_t block;       /* bmPINBlockString: bytes the digits may take, no length inserted */
        uint8_t first_key_s; /* how long to wait for it */
        uint8_t new_at; /* where a new PIN goes, counted from the first byte of data; an old one: 0 */
        uint8_t command[PINPAD_COMMAND_MAX];
        size_t command_len;
};
/* -EINVAL for what is no VERIFY or CHANGE of a PIN in ASCII digits. */
_must_check_ int pinpad_fill(const struct apdu_pinpad *how, struct pinpad_template *ret);

#endif

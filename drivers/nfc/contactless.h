/* SPDX-License-Identifier: Apache-2.0 */
/* contactless.h: what a contactless card says of itself when it is activated, in the words of a card
 * with contacts.
 *
 * PC/SC part 3, 3.1.3.2.3.1: a reader presents a card of ISO/IEC 14443-4 with an ATR of its own making,
 * 3B 8n 80 01, n historical bytes, check byte. Of type A these are the historical bytes of the ATS,
 * of type B what ATQB and the answer to ATTRIB say. apdu/ knows cards by exactly these bytes.
 */
#ifndef MOHR_CONTACTLESS_H
#define MOHR_CONTACTLESS_H

#include "base/bytes.h"

#define CONTACTLESS_ATR_MAX 20 /* four bytes, fifteen historical ones, the check byte */

/* `ats` without its length byte, as libnfc hands it out; bytes that are no ATS give no historical bytes.
 * Returns the ATR's length. */
size_t contactless_atr_a(struct view ats, uint8_t atr[CONTACTLESS_ATR_MAX]);
/* `attrib` is the first byte of the answer to ATTRIB. */
size_t contactless_atr_b(const uint8_t application[4], const uint8_t protocol[3], uint8_t attrib,
        uint8_t atr[CONTACTLESS_ATR_MAX]);

/* Does it speak the block protocol of ISO/IEC 14443-4? */
bool contactless_speaks_a(uint8_t sak);
bool contactless_speaks_b(const uint8_t protocol[3]);

#endif

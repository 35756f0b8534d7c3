/* SPDX-License-Identifier: Apache-2.0 */
/* atr.h: the historical bytes inside an answer to reset.
 *
 * Interface bytes differ by reader and by reset; the historical bytes belong to the card
 * (card-facts 1.4). They are a hint for the order of questions, never an answer.
 */
#ifndef MOHR_ATR_H
#define MOHR_ATR_H

#include "base/bytes.h"

/* ISO/IEC 7816-3:2006 8.2; the contactless form of PC/SC part 3 has the same shape. Empty if the
 * bytes are not an ATR. */
struct view atr_historical(const uint8_t *atr, size_t len);

#endif

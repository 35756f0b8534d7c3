/* SPDX-License-Identifier: Apache-2.0 */
/* t0.h: which bytes of a short APDU go to a card that speaks T=0 (ISO/IEC 7816-3:2006 12.2).
 *
 * The procedure bytes are between reader and card; 61xx and 6Cxx are answered in apdu/, as with pcscd.
 */
#ifndef MOHR_USB_T0_H
#define MOHR_USB_T0_H

#include "base/bytes.h"

#define T0_TPDU_MAX 260

/* CLA INS P1 P2, then nothing, Le, Lc and data, or Lc, data and Le, in one byte each. */
bool t0_short_apdu(const uint8_t *cmd, size_t len);
/* Case 1 gets its P3, case 4 loses its Le. Returns the length written; -EMSGSIZE for what is no short
 * APDU: T=0 has no other. */
_must_check_ ssize_t t0_tpdu(uint8_t tpdu[static T0_TPDU_MAX], const uint8_t *cmd, size_t len);

#endif

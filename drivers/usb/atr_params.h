/* SPDX-License-Identifier: Apache-2.0 */
/* atr_params.h: how a card wants to be spoken to, out of its answer to reset (ISO/IEC 7816-3:2006 8).
 *
 * The first interface bytes of their kind, with the standard's defaults where the card says nothing.
 * Which of the offered values are used is decided elsewhere (icc_power.c), by what the reader can do.
 */
#ifndef MOHR_USB_ATR_PARAMS_H
#define MOHR_USB_ATR_PARAMS_H

#include "base/bytes.h"

#define ATR_MAX     33
#define ATR_FI_DI   0x11 /* Fi 372, Di 1: what every card speaks after a reset */
#define ATR_IFSC    32
#define ATR_IFS_MAX 254

struct atr_params {
        bool inverse;     /* convention, TS */
        uint8_t fi_di;    /* TA1 */
        uint8_t guard;    /* TC1 */
        uint8_t waiting;  /* WI of T=0, TC2 */
        uint16_t offered; /* set of 1 << T */
        uint8_t first;    /* the protocol in force after the reset */
        bool specific;    /* TA2: no negotiation, `first` it is */
        bool implicit;    /* TA2: speed by agreement outside the standard */
        uint8_t ifsc;     /* first TA for T=1 */
        uint8_t bwi_cwi;  /* first TB for T=1 */
        bool crc;         /* first TC for T=1 */
        struct view historical;
};

/* -EBADMSG for bytes that are no answer to reset. TCK is the reader's business, which sees the line. */
_must_check_ int atr_params_parse(const uint8_t *atr, size_t len, struct atr_params *ret);

/* F and D of a TA1 value; 0 where it is reserved. */
unsigned int atr_f(uint8_t fi_di);
unsigned int atr_d(uint8_t fi_di);

#endif

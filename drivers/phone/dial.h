/* SPDX-License-Identifier: Apache-2.0 */
/* dial.h: one TCP connection to whichever of a phone's addresses answers first (as RFC 8305 has it, in small). */
#ifndef MOHR_PHONE_DIAL_H
#define MOHR_PHONE_DIAL_H

#include "drivers/phone/address.h"

#define DIAL_MS 5000 /* in all */

/* 0 or OUTCOME_NO_READER. *ret_fd does not block. */
_must_check_ int dial_phone(const struct whereabouts *where, int *ret_fd);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* carry.h: a phone's helper from the handshake to its end; the one place that waits. */
#ifndef MOHR_PHONE_CARRY_H
#define MOHR_PHONE_CARRY_H

#include "drivers/driver.h"
#include "drivers/phone/ending.h"

#define CARRY_PROOF_MS 5000 /* handshake and welcome */

struct bridge;

/* Proves both sides, says `name` of this computer, tells mohrd that it is ready and carries until the end. */
enum ending carry(struct bridge *bridge, const struct driver *driver, const char *name);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* tick.h: calls a command off that nobody waits for any more, or that has lasted too long.
 *
 * libnfc waits for its board and cannot be asked anything meanwhile; but a card must not keep its power,
 * and what was verified, after mohrd was killed. So while a command is out a clock ticks: each tick looks
 * whether mohrd is still there and whether the board was not silent for too long, and else makes libnfc
 * call the command off. A tick also begins libnfc's own time limit anew, so that this limit only counts
 * after the last tick.
 */
#ifndef MOHR_NFC_TICK_H
#define MOHR_NFC_TICK_H

#include "base/base.h"

#include <nfc/nfc.h>
#include <signal.h>
#include <time.h>

#define TICK_SILENCE_MS 600 /* libnfc's limit; longer than a tick, for an answer may take longer */

/* Stays where it is made: the clock knows its address. */
struct tick {
        timer_t clock;
        nfc_device *device;
        int channel; /* to mohrd, -1: not known yet */
        volatile sig_atomic_t left;
};

_must_check_ int tick_make(struct tick *tick, nfc_device *device);
void tick_start(struct tick *tick);
void tick_stop(const struct tick *tick);

#endif

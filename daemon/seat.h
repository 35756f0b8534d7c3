/* SPDX-License-Identifier: Apache-2.0 */
/* seat.h: whose turn it is at the seat. A reader that no service shares belongs to whom sits there: when
 * another session comes to the front, this one lets go of it, and takes it again afterwards.
 */
#ifndef MOHR_SEAT_H
#define MOHR_SEAT_H

#include "base/base.h"
#include <systemd/sd-event.h>

struct seat;
struct readers;

/* Where there are no direct readers, or no logind, nothing is watched. `readers` is borrowed. */
_must_check_ int seat_new(struct seat **ret, sd_event *event, struct readers *readers);
struct seat *seat_free(struct seat *seat);

#endif

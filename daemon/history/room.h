/* SPDX-License-Identifier: Apache-2.0 */
/* room.h: is there room on the disk for what a request writes in the end? Found out, and kept, before anybody is asked for a PIN. */
#ifndef MOHR_HISTORY_ROOM_H
#define MOHR_HISTORY_ROOM_H

#include "daemon/history/book.h"

/* The folder has room by far, and some of it is set aside from now on. As everywhere in book.h. */
_must_check_ int room_keep(struct book *book);
/* Hands out what was set aside; false: nothing was. */
bool room_hand_out(void);

#endif

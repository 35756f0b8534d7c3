/* SPDX-License-Identifier: Apache-2.0 */
/* autopoll.h: a PN532 on a serial line that looks for cards by itself, while its host sleeps (InAutoPoll of
 * NXP's user manual UM0701-02, 7.3.13).
 */
#ifndef MOHR_NFC_AUTOPOLL_H
#define MOHR_NFC_AUTOPOLL_H

#include "base/base.h"

#define AUTOPOLL_FRAME_MAX 272

/* Milliseconds. `total` -1: none. */
struct autopoll_limits {
        int ack;  /* for the board to take the command */
        int rest; /* for the rest of a call that has begun */
        int total;
};

enum autopoll_end { AUTOPOLL_ASKED, AUTOPOLL_CALLED, AUTOPOLL_TIME };

struct autopoll_ends {
        int line;    /* to the board, and nobody else's meanwhile; it does not block */
        int channel; /* to mohrd */
        int wakeup;  /* autopoll_wakeup()'s; -1: none */
};

/* Lets the board look until it calls, the channel can be read (or closes), or the time is over; a machine that slept
 * ends it, too. The board keeps its field as it likes, so the caller turns it off. `ret`: why it
 * ended. 0, or NO_READER: the line is gone. A board that will not look calls at once. */
_must_check_ int autopoll(const struct autopoll_ends *ends, const struct autopoll_limits *limits,
        enum autopoll_end *ret);

/* A descriptor that can be read once the machine has slept, or its clock was set. 0 or < 0. */
_must_check_ int autopoll_wakeup(int *ret_fd);

/* How long the frame is that begins here, as far as these bytes tell; 0: it is none. */
size_t autopoll_frame_len(const uint8_t *bytes, size_t len);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* port.h: the right to use a serial line, beside libnfc's own.
 *
 * libnfc 1.8.0 means to mark a line that it has opened, in a bit of the line's settings which the GNU C
 * library keeps for itself: on Linux the mark is never made, and two programs could talk into each
 * other's commands. So the line is locked here before libnfc opens it. The lock is advisory: it keeps
 * helpers of several daemons apart, and dies with the process.
 */
#ifndef MOHR_NFC_PORT_H
#define MOHR_NFC_PORT_H

#include "base/base.h"

/* `device` is "PATH[:SPEED]". 0: *ret_fd holds the line until it is closed, and `ret_name` is the same
 * device with its true path: a path that was made for people has colons in it, which libnfc takes for
 * its own. NO_READER, BUSY (another helper has it), READER_SERVICE (this user may not open it). */
_must_check_ int port_take(const char *device, char *ret_name, size_t cap, int *ret_fd);

#endif

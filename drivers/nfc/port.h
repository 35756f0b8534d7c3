/* SPDX-License-Identifier: Apache-2.0 */
/* port.h: the right to use a serial line, beside libnfc's own.
 *
 * libnfc marks a port that it has opened in the port's own settings and refuses one that is marked. A
 * helper is killed, not asked to end, and the kernel keeps the settings: the mark would lock the board
 * until it is unplugged. So the line is taken here first: an advisory lock, which dies with the process,
 * keeps other helpers away, and a sign of our own in a setting that means nothing on such a line tells
 * a mark that one of us left from one of another program, which is respected.
 */
#ifndef MOHR_NFC_PORT_H
#define MOHR_NFC_PORT_H

#include "base/base.h"

/* `device` is "PATH[:SPEED]". 0: *ret_fd holds the line until it is given to port_give(), and `ret_name`
 * is the same device with its true path: a path that was made for people has colons in it, which libnfc
 * takes for its own. NO_READER, BUSY (another program has it), READER_SERVICE (this user may not open it). */
_must_check_ int port_take(const char *device, char *ret_name, size_t cap, int *ret_fd);
/* After libnfc has closed the line. */
void port_give(int fd);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* program.h: where a program of this name is, as whoever starts it will find it. */
#ifndef MOHR_PROGRAM_H
#define MOHR_PROGRAM_H

#include "base/base.h"

/* An absolute name is itself, if it can be run; any other without a slash is looked for in the absolute folders
 * of PATH (a relative one means something else in each folder). False: not there, or too long for dst. */
_must_check_ bool program_find(const char *name, char *dst, size_t cap);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* confine.h: gives up what drawing a page does not need. */
#ifndef MOHR_PAGE_CONFINE_H
#define MOHR_PAGE_CONFINE_H

#include "base/base.h"

/* From here on, for this process and for good: no socket, no other program, no file opened for writing or
 * removed, no look into other processes, no core file, and a minute of CPU time. Reading files stays (fonts). */
_must_check_ int confine(void);

#endif

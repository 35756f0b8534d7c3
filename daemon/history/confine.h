/* SPDX-License-Identifier: Apache-2.0 */
/* confine.h: what the process gives up before it opens a file that others may have written. */
#ifndef MOHR_HISTORY_CONFINE_H
#define MOHR_HISTORY_CONFINE_H

#include "base/base.h"

/* At the start: no core, no new privileges, no reading of our memory. */
_must_check_ int confine_process(void);
/* From here on nothing but our working directory and /proc can be opened and nothing be started, where the kernel can see to that
 * (Landlock). Without it all else holds. */
void confine_to_folder(void);

#endif

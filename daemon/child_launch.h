/* SPDX-License-Identifier: Apache-2.0 */
/* child_launch.h: the moment between two programs: what a child keeps, and what it runs. Inner side of child.h. */
#ifndef MOHR_CHILD_LAUNCH_H
#define MOHR_CHILD_LAUNCH_H

#include "daemon/child.h"

struct launch {
        const char *const *argv, *const *env;
        int null, channel, files[CHILD_FILES];
        pid_t parent;
};

/* 0 and its pid once the program runs, or the negative errno of what failed on either side. */
_must_check_ int child_launch(const struct launch *launch, pid_t *ret_pid);

#endif

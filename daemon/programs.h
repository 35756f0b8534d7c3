/* SPDX-License-Identifier: Apache-2.0 */
/* programs.h: the programs that mohrd starts, as they were when it started itself.
 *
 * An upgrade puts other files in their places while a request runs; what those say to their daemon may be another
 * protocol. So each is held open from the start, and one whose file was replaced is started from what is held. A
 * daemon meets no helper but those it was built with, however long it lives.
 */
#ifndef MOHR_PROGRAMS_H
#define MOHR_PROGRAMS_H

#include "base/base.h"
#include <systemd/sd-event.h>

struct config;
struct programs;

/* Those that lie in `folder` now; one that is not there, or is a script, is not held. */
_must_check_ int programs_new(struct programs **ret, const char *folder);
struct programs *programs_free(struct programs *programs);

/* The path by which a child of this process starts `name` of the config's folder. */
_must_check_ int programs_path(
        const struct config *config, const char *name, char *ret, size_t ret_cap);

/* Tells once, from the loop, when mohrd's own file was replaced or taken away. */
_must_check_ int programs_watch(
        struct programs *programs, sd_event *event, void (*replaced)(void *user), void *user);

#endif

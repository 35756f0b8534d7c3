/* SPDX-License-Identifier: Apache-2.0 */
/* loop.h: the two lives of a helper process once its sandbox is closed. Both return its exit status.
 */
#ifndef MOHR_LOOP_H
#define MOHR_LOOP_H

#include "drivers/helper/sandbox.h"
#include "drivers/helper/session.h"

struct secret;

/* What OP_READY reports, read back from the kernel, not from what was asked for. */
_must_check_ int loop_say_ready(int fd, const struct driver *driver);
/* One operation at a time until the channel closes. `inbox` is locked memory of OPS_FRAME_MAX bytes,
 * wiped after every frame: one of them is the PIN. */
_must_check_ int loop_serve(int fd, struct session *session, struct secret *inbox);
/* One OP_READERS frame per change, until the channel closes or the backend is gone. */
_must_check_ int loop_watch(int fd, const struct driver *driver, void *watch);

#endif

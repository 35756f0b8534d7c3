/* SPDX-License-Identifier: Apache-2.0 */
/* descriptor.h: bytes of a socket, and at most one descriptor that was passed with them (unix(7), SCM_RIGHTS). */
#ifndef MOHR_DESCRIPTOR_H
#define MOHR_DESCRIPTOR_H

#include "base/base.h"

/* As recv() without waiting: how many bytes, 0 at the end, or a negative errno; -EPROTO if more than one
 * descriptor came: then none was kept. *ret_fd is the one that came, closed on exec, or -1; never set on failure. */
_must_check_ ssize_t descriptor_receive(int socket, void *data, size_t cap, int *ret_fd);
/* close() of what a stranger passed, or of a socket in which such may lie unread. */
void descriptor_close(int fd);

#endif

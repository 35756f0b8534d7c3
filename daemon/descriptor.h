/* SPDX-License-Identifier: Apache-2.0 */
/* descriptor.h: bytes of a socket, and at most two descriptors that were passed with them (unix(7), SCM_RIGHTS). */
#ifndef MOHR_DESCRIPTOR_H
#define MOHR_DESCRIPTOR_H

#include "base/base.h"

#define DESCRIPTORS_MAX 2

struct descriptors { /* all zero: none. In the order in which they were passed */
        int fd[DESCRIPTORS_MAX];
        size_t count;
};

/* As recv() without waiting: how many bytes, 0 at the end, or a negative errno; -EPROTO if more than two
 * descriptors came: then none was kept. *ret holds those that came, closed on exec; never set on failure. */
_must_check_ ssize_t descriptor_receive(
        int socket, void *data, size_t cap, struct descriptors *ret);
/* close() of what a stranger passed, or of a socket in which such may lie unread. */
void descriptor_close(int fd);
void descriptors_close(struct descriptors *all); /* none are left in it */
/* The first that is left, the caller's from now on; -1: none is. */
int descriptors_take(struct descriptors *all);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* listen.h: the socket's place in the file system, or the one the service manager passed in. */
#ifndef MOHR_LISTEN_H
#define MOHR_LISTEN_H

#include "base/base.h"

struct listener { /* fd -1 is none */
        int fd;
        int folder;     /* where we made it, or -1 if it was passed in */
        char name[108]; /* in the folder */
        dev_t dev;
        ino_t ino;
};

/* Exactly one passed socket, else one made at `path` (may be NULL). 0; OUTCOME_BUSY: another daemon
 * answers there; OUTCOME_USAGE: not a place for it. Both with one line in error. */
_must_check_ int listener_open(
        struct listener *ret, const char *path, char *error, size_t error_cap);
/* Closes it and takes its name away, if it is still ours. */
void listener_close(struct listener *listener);

#endif

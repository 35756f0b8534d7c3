/* SPDX-License-Identifier: Apache-2.0 */
/* child.h: one child process with one private SEQPACKET channel on its descriptor 3.
 *
 * Spawns with a whitelisted environment, a process group of its own, only 0,1 (/dev/null), 2
 * (inherited) and 3 open (4 and 5 too, for one that is given files), SIGKILL on the parent's death. Frames are received into a buffer that is
 * wiped after the callback. Killing kills the whole group. The exit callback comes exactly once, and
 * last; the object may be freed from any of its own callbacks.
 */
#ifndef MOHR_CHILD_H
#define MOHR_CHILD_H

#include "base/base.h"
#include <systemd/sd-event.h>

struct child;

struct child_callbacks {
        void (*frame)(void *user, const uint8_t *data, size_t len);
        void (*exited)(void *user, int status); /* wait status, or -1 if never started */
};

/* argv[0] is an absolute path. env: NULL-terminated NAME=value strings, the whole environment. */
_must_check_ int child_spawn(struct child **ret, sd_event *event, const char *const *argv,
        const char *const *env, size_t frame_max, const struct child_callbacks *callbacks,
        void *user);
#define CHILD_FILES 2
/* Same, with copies of these as the child's descriptors 4 and 5; -1: it has none there. */
_must_check_ int child_spawn_with(struct child **ret, sd_event *event, const char *const *argv,
        const char *const *env, const int files[static CHILD_FILES], size_t frame_max,
        const struct child_callbacks *callbacks, void *user);
/* Same, but frames go into the secret (locked memory, cap = frame_max) instead of the heap. */
struct secret;
_must_check_ int child_use_secret(struct child *child, struct secret *secret);
_must_check_ int child_send(struct child *child, const void *frame, size_t len);
pid_t child_pid(const struct child *child);
void child_hang_up(struct child *child); /* it reads the end of the channel, and should go */
void child_wait(struct child *child, unsigned int ms); /* blocks until it went, or not */
void child_kill(struct child *child);                  /* SIGKILL to the group; exited() follows */
/* Kills and reaps if alive, no callbacks after. Waits half a second at most for its end: one that hangs in the
 * kernel is reaped by the event loop when it can be. */
struct child *child_free(struct child *child);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* sandbox.h: what a helper process gives up, in order, before it touches a card.
 *
 * sandbox_prepare() comes before the device is opened: empty environment but for a short list, no
 * descriptors but 0 to 3 and a device that was handed over, death with the parent. sandbox_close()
 * comes after: no new privileges, not dumpable, and a system call filter that kills the process for
 * anything not in its table (sandbox.c). Nothing can be opened, connected, executed or mapped
 * executable after it.
 */
#ifndef MOHR_SANDBOX_H
#define MOHR_SANDBOX_H

#include "base/base.h"

/* *device: a descriptor to keep, which becomes the number after the channel's, or -1. */
_must_check_ int sandbox_prepare(int channel, int *device);
/* `driver` picks the rows that only its libraries need; "watch" for a watcher that is no driver too. */
_must_check_ int sandbox_close(const char *driver);
/* The kernel's word: seccomp 0..2, dumpable 0..2, no_new_privs 0..1. */
void sandbox_read_back(uint8_t *ret_seccomp, uint8_t *ret_dumpable, uint8_t *ret_no_new_privs);

#endif

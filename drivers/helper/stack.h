/* SPDX-License-Identifier: Apache-2.0 */
/* stack.h: the part of the stack in which commands are put together. */
#ifndef MOHR_HELPER_STACK_H
#define MOHR_HELPER_STACK_H

#include "base/base.h"

/* Locks what the functions that are called from the same place will use, and leaves it out of dumps. False where so much cannot be
 * locked. Once, before the sandbox is closed. */
bool stack_lock(void);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* shortage.h: was it the thing that is wrong, or was there no memory to look at it?
 *
 * OpenSSL answers both with the same "no": a policy that could not be read looks like no policy, a
 * digest that was not made like an empty one. Only its error queue knows. Who believes what OpenSSL did
 * not find asks here first.
 */
#ifndef MOHR_SHORTAGE_H
#define MOHR_SHORTAGE_H

#include "base/base.h"

/* Empties this thread's queue. -ENOMEM if memory was missing since it was empty last, else 0. */
_must_check_ int shortage_seen(void);

#endif

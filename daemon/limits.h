/* SPDX-License-Identifier: Apache-2.0 */
/* limits.h: how often somebody may ask, and how many wrong PINs pause an app. In `by` a 0 says nothing; in what holds
 * a 0 is no limit.
 */
#ifndef MOHR_LIMITS_H
#define MOHR_LIMITS_H

#include "daemon/config.h"

extern const struct limits limits_initial; /* where no file says anything */
/* What `by` says holds. */
void limits_override(struct limits *holds, const struct limits *by);
/* What `by` says holds where it is stricter. */
void limits_tighten(struct limits *holds, const struct limits *by);
/* Is any part of `a` looser than of `b`? */
bool limits_looser(const struct limits *a, const struct limits *b);

#endif

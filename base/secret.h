/* SPDX-License-Identifier: Apache-2.0 */
/* secret.h: where a PIN may live.
 *
 * A secret is pages of its own: locked (never swapped), left out of core dumps, not inherited by a
 * fork, wiped before they are given back. Capacity is fixed at birth, so nothing is ever copied by
 * a reallocation. secret_new() fails rather than hand out unlocked memory.
 */
#ifndef MOHR_SECRET_H
#define MOHR_SECRET_H

#include "base/base.h"

struct secret {
        uint8_t *data;
        size_t len, cap;
};

_must_check_ int secret_new(struct secret **ret, size_t cap);
void secret_wipe(struct secret *secret);           /* all of cap, and len = 0 */
struct secret *secret_free(struct secret *secret); /* takes NULL; wipes; returns NULL */
static inline void secret_free_cleanup(struct secret **slot)
{
        *slot = secret_free(*slot);
}
#define _cleanup_secret_ _cleanup_(secret_free_cleanup)

#endif

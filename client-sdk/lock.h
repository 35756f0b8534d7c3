/* SPDX-License-Identifier: Apache-2.0 */
/* lock.h: a mutex held for the rest of a scope, however that is left.
 *
 *      _cleanup_lock_ pthread_mutex_t *held = lock_take(&thing->lock);
 *
 * Held for a few comparisons only, never while something is parsed, hashed, verified or waited for; but for the
 * connection of mohr-redis, which is itself what others wait for.
 */
#ifndef MOHR_LOCK_H
#define MOHR_LOCK_H

#include "base/base.h"
#include <pthread.h>

static inline pthread_mutex_t *lock_take(pthread_mutex_t *lock)
{
        pthread_mutex_lock(lock);
        return lock;
}

static inline void lock_give_cleanup(pthread_mutex_t **held)
{
        pthread_mutex_unlock(*held);
}
#define _cleanup_lock_ _cleanup_(lock_give_cleanup) _unused_

#endif

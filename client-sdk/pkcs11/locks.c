/* SPDX-License-Identifier: Apache-2.0 */
/* locks.c: the two locks of the module, by the program's own functions or by the system's, as C_Initialize is told
 * (PKCS#11 2.40, 5.4, "CK_C_INITIALIZE_ARGS"). A program that names no functions and allows none of the system's has
 * one thread; the system's do no harm then.
 */
#include "client-sdk/pkcs11/p11.h"

static CK_RV own_lock(void *mutex)
{
        return pthread_mutex_lock(mutex) == 0 ? CKR_OK : CKR_CANT_LOCK;
}

static CK_RV own_unlock(void *mutex)
{
        return pthread_mutex_unlock(mutex) == 0 ? CKR_OK : CKR_CANT_LOCK;
}

/* One that a thread on its way in may still look at: it costs nothing to leave it. */
static CK_RV own_destroy(void *mutex)
{
        (void)mutex;
        return CKR_OK;
}

static CK_RV make_lock(struct p11_lock *lock, const CK_C_INITIALIZE_ARGS *args)
{
        bool theirs = args && args->create && !(args->flags & CKF_OS_LOCKING_OK);
        *lock = (struct p11_lock){ .lock = own_lock,
                .unlock = own_unlock,
                .destroy = own_destroy,
                .mutex = &lock->own,
                .own = PTHREAD_MUTEX_INITIALIZER };
        if (!theirs)
                return CKR_OK;
        lock->lock = args->lock;
        lock->unlock = args->unlock;
        lock->destroy = args->destroy;
        return args->create(&lock->mutex);
}

CK_RV p11_locks_make(struct p11 *p11, const CK_C_INITIALIZE_ARGS *args)
{
        size_t given = 0;
        if (args && args->reserved)
                return CKR_ARGUMENTS_BAD;
        if (args)
                given = (size_t) !!args->create + !!args->destroy + !!args->lock + !!args->unlock;
        if (given != 0 && given != 4)
                return CKR_ARGUMENTS_BAD;
        CK_RV rv = make_lock(&p11->state, args);
        if (rv != CKR_OK)
                return rv;
        rv = make_lock(&p11->turn, args);
        if (rv != CKR_OK)
                p11->state.destroy(p11->state.mutex);
        return rv;
}

void p11_locks_end(struct p11 *p11)
{
        p11->turn.destroy(p11->turn.mutex);
        p11->state.destroy(p11->state.mutex);
}

void p11_unlock(struct p11 *p11)
{
        p11->state.unlock(p11->state.mutex);
}

void p11_relock(struct p11 *p11)
{
        p11->state.lock(p11->state.mutex);
}

void p11_take_turn(struct p11 *p11)
{
        p11_unlock(p11);
        p11->turn.lock(p11->turn.mutex);
        p11_relock(p11);
}

void p11_give_turn(struct p11 *p11)
{
        p11->turn.unlock(p11->turn.mutex);
}

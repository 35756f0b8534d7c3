/* SPDX-License-Identifier: Apache-2.0 */
/* base.h: the few macros every room shares.
 *
 * Return values, everywhere in Mohr:
 *   < 0  broken: a negative errno. The machine or the program failed. Never inspected for meaning,
 *        passed up with context.
 *   0    done.
 *   > 0  an answer: a documented outcome (enum outcome in base/outcome.h) the caller must handle.
 * Output parameters are called ret_*: untouched unless 0 is returned.
 */
#ifndef MOHR_BASE_H
#define MOHR_BASE_H

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#ifdef __ANDROID__
#include "base/portable.h" /* what its library lacks of these */
#endif

#define _must_check_     __attribute__((warn_unused_result))
#define _cleanup_(f)     __attribute__((cleanup(f)))
#define _printf_(a, b)   __attribute__((format(printf, a, b)))
#define _unused_         __attribute__((unused))
#define ARRAY_LEN(array) (sizeof(array) / sizeof((array)[0]))

/* Frees what a `_cleanup_free_ char *p` holds, whichever way the scope is left. */
static inline void base_free_cleanup(void *slot)
{
        void *owned;
        memcpy(&owned, slot, sizeof owned);
        free(owned);
}
#define _cleanup_free_ _cleanup_(base_free_cleanup)

static inline void base_close_cleanup(int *fd)
{
        if (*fd >= 0)
                close(*fd);
}
#define _cleanup_close_ _cleanup_(base_close_cleanup)

/* Takes the descriptor out of its variable, so that the cleanup finds nothing to close. */
static inline int base_take_fd(int *fd)
{
        int taken = *fd;
        *fd = -1;
        return taken;
}

static inline size_t base_min(size_t a, size_t b)
{
        return a < b ? a : b;
}

#endif

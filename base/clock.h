/* SPDX-License-Identifier: Apache-2.0 */
/* clock.h: time as it passes, which nobody sets (CLOCK_MONOTONIC). */
#ifndef MOHR_CLOCK_H
#define MOHR_CLOCK_H

#include "base/base.h"
#include <time.h>

static inline int64_t clock_us(void)
{
        struct timespec now = { 0 };
        clock_gettime(CLOCK_MONOTONIC, &now);
        return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

static inline int64_t clock_ms(void)
{
        return clock_us() / 1000;
}

#endif

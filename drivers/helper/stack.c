/* SPDX-License-Identifier: Apache-2.0 */
/* stack.c: see stack.h. Digits wait in a struct secret (base/secret.h) until the command that holds them is put together, in
 * buffers on the stack that are wiped when it was answered. A card may take seconds to answer; for so long these pages
 * must not be swapped out either.
 *
 * With the two secrets of a helper it is 64 KB in all, which every system lets a process lock.
 */
#include "drivers/helper/stack.h"

#include <sys/mman.h>

#define LOCKED (40 * 1024) /* commands are built, and T=1 blocks sent, within 30 */

__attribute__((noinline)) bool stack_lock(void)
{
        uint8_t room[LOCKED];
        uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
        explicit_bzero(room, sizeof room); /* the pages are there from now on */
        uintptr_t from = ((uintptr_t)room + page - 1) / page * page;
        uintptr_t to = (uintptr_t)(room + sizeof room) / page * page;
        return mlock((void *)from, to - from) == 0 &&
               madvise((void *)from, to - from, MADV_DONTDUMP) == 0;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* secret.c: see secret.h. The struct sits on the heap, the bytes on pages of their own between two
 * inaccessible ones, so that neither an overrun nor a neighbour can read them by accident.
 */
#include "base/secret.h"

#include <sys/mman.h>

static size_t page_size(void)
{
        return (size_t)sysconf(_SC_PAGESIZE);
}

static size_t pages_for(size_t cap)
{
        size_t page = page_size();
        return (cap + page - 1) / page * page;
}

static uint8_t *map_locked(size_t len)
{
        size_t page = page_size();
        uint8_t *map = mmap(NULL, len + 2 * page, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (map == MAP_FAILED)
                return NULL;
        uint8_t *data = map + page;
        if (mprotect(data, len, PROT_READ | PROT_WRITE) < 0 || mlock(data, len) < 0 ||
                madvise(data, len, MADV_DONTDUMP) < 0 || madvise(data, len, MADV_DONTFORK) < 0) {
                munmap(map, len + 2 * page);
                return NULL;
        }
        return data;
}

int secret_new(struct secret **ret, size_t cap)
{
        if (cap == 0 || cap > 65536)
                return -EINVAL;
        _cleanup_free_ struct secret *secret = calloc(1, sizeof *secret);
        if (!secret)
                return -ENOMEM;
        secret->data = map_locked(pages_for(cap));
        if (!secret->data)
                return errno ? -errno : -ENOMEM;
        secret->cap = cap;
        *ret = secret;
        secret = NULL;
        return 0;
}

void secret_wipe(struct secret *secret)
{
        explicit_bzero(secret->data, secret->cap);
        secret->len = 0;
}

struct secret *secret_free(struct secret *secret)
{
        if (!secret)
                return NULL;
        size_t page = page_size();
        secret_wipe(secret);
        munmap(secret->data - page, pages_for(secret->cap) + 2 * page);
        free(secret);
        return NULL;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* vault.c: see vault.h. Each piece is pages of its own, with its size before it. libassuan reads pinentry's lines into the
 * context that it allocates, decodes them there and hands them on from there: so with this under it no digit is ever in memory that
 * can be swapped out or dumped, and none is left where something else will be.
 */
#include "daemon/prompt/vault.h"

#include <stdalign.h>
#include <sys/mman.h>

#define PIECE_MAX (1024 * 1024)

struct head {
        alignas(max_align_t) size_t size; /* as it was asked for */
};

static size_t mapped(size_t size)
{
        size_t page = (size_t)sysconf(_SC_PAGESIZE);
        return (sizeof(struct head) + size + page - 1) / page * page;
}

static struct head *head_of(void *piece)
{
        return (struct head *)piece - 1;
}

void *vault_malloc(size_t size)
{
        if (size > PIECE_MAX) {
                errno = ENOMEM;
                return NULL;
        }
        struct head *head = mmap(
                NULL, mapped(size), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (head == MAP_FAILED)
                return NULL;
        if (mlock(head, mapped(size)) < 0 || madvise(head, mapped(size), MADV_DONTDUMP) < 0) {
                munmap(head, mapped(size));
                errno = ENOMEM;
                return NULL;
        }
        head->size = size;
        return head + 1;
}

void *vault_realloc(void *piece, size_t size)
{
        void *moved = vault_malloc(size);
        if (!piece || !moved)
                return moved;
        memcpy(moved, piece, base_min(size, head_of(piece)->size));
        vault_free(piece);
        return moved;
}

void vault_free(void *piece)
{
        if (!piece)
                return;
        struct head *head = head_of(piece);
        size_t len = mapped(head->size);
        explicit_bzero(head, len);
        munmap(head, len);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* seen.c: see seen.h; and a memory of what was seen, for verifiers that are one process.
 *
 * The memory is a table of fixed size, rows packed at its front, found by the first bytes of their key. A
 * key is a SHA-256 over what a chip has signed, so that choosing where it falls costs a signature each. It
 * never forgets what may still be shown again: what has ended is dropped only when room is needed, all of it
 * at once and at most once a second, and from then on whoever asks about a time before the latest of it is
 * told that it is not known.
 */
#include "client-sdk/seen.h"

#include "base/bytes.h"
#include "client-sdk/lock.h"

#include <openssl/evp.h>

#define CAP_MAX (1U << 24)
#define NOWHERE UINT32_MAX

static const char domain[] = "urn:mohr:replay:1"; /* its NUL belongs to it */

struct row {
        uint8_t key[SEEN_KEY_BYTES];
        int64_t until;
        uint32_t next; /* in the same chain */
};

struct seen {
        struct mohr_replay replay; /* first: what the caller holds */
        pthread_mutex_t lock;
        uint32_t cap, used, mask;
        int64_t earliest;  /* end of a row; INT64_MAX: no row */
        int64_t forgotten; /* the latest end of what was dropped */
        uint32_t *heads;
        struct row *rows;
};

int seen_key(const char *sub, const char *aud, const char *nonce, char ret[static SEEN_KEY_LEN + 1])
{
        uint8_t text[1024], hash[EVP_MAX_MD_SIZE];
        struct out out = out_new(text, sizeof text);
        const char *const parts[] = { sub, aud, nonce };
        out_bytes(&out, domain, sizeof domain);
        for (size_t i = 0; i < ARRAY_LEN(parts); i++)
                out_bytes(&out, parts[i], strlen(parts[i]) + 1);
        if (out_done(&out) < 0)
                return -EINVAL;
        if (EVP_Digest(text, out.len, hash, NULL, EVP_sha256(), NULL) != 1)
                return -ENOMEM;
        hex_encode(ret, hash, SEEN_KEY_BYTES);
        return 0;
}

static uint32_t *head_of(const struct seen *seen, const uint8_t *key)
{
        uint32_t at;
        memcpy(&at, key, sizeof at);
        return &seen->heads[at & seen->mask];
}

static bool has(const struct seen *seen, const uint8_t *key)
{
        for (uint32_t i = *head_of(seen, key); i != NOWHERE; i = seen->rows[i].next)
                if (memcmp(seen->rows[i].key, key, SEEN_KEY_BYTES) == 0)
                        return true;
        return false;
}

static void put(struct seen *seen, const struct row *row)
{
        uint32_t *head = head_of(seen, row->key);
        seen->rows[seen->used] = *row;
        seen->rows[seen->used].next = *head;
        *head = seen->used++;
        seen->earliest = row->until < seen->earliest ? row->until : seen->earliest;
}

static void start_empty(struct seen *seen)
{
        memset(seen->heads, 0xFF, ((size_t)seen->mask + 1) * sizeof *seen->heads);
        seen->used = 0;
        seen->earliest = INT64_MAX;
}

/* Rows only ever move towards the front, so that one pass in place is enough. */
static void drop_ended(struct seen *seen, int64_t now)
{
        uint32_t count = seen->used;
        start_empty(seen);
        for (uint32_t i = 0; i < count; i++) {
                const struct row row = seen->rows[i];
                if (row.until > now)
                        put(seen, &row);
                else if (row.until > seen->forgotten)
                        seen->forgotten = row.until;
        }
}

static int take(void *user, const char *key, int64_t now, int64_t until)
{
        struct seen *seen = user;
        struct row row = { .until = until };
        if (hex_decode(row.key, sizeof row.key, key) != SEEN_KEY_BYTES)
                return -EINVAL;
        _cleanup_lock_ pthread_mutex_t *held = lock_take(&seen->lock);
        if (has(seen, row.key))
                return 1;
        if (until <= seen->forgotten)
                return -ESTALE;
        if (seen->used == seen->cap && seen->earliest <= now)
                drop_ended(seen, now);
        if (until <= seen->forgotten)
                return -ESTALE;
        if (seen->used == seen->cap)
                return -ENOSPC;
        put(seen, &row);
        return 0;
}

/* The least power of two that leaves no chain longer than one on average. */
static uint32_t heads_for(uint32_t cap)
{
        uint32_t heads = 1;
        while (heads < cap)
                heads *= 2;
        return heads;
}

int mohr_replay_memory_new(struct mohr_replay **ret, size_t cap)
{
        if (cap < 1 || cap > CAP_MAX)
                return -EINVAL;
        struct seen *seen = calloc(1, sizeof *seen);
        if (!seen)
                return -ENOMEM;
        pthread_mutex_init(&seen->lock, NULL);
        seen->replay = (struct mohr_replay){ .take = take, .user = seen };
        seen->cap = (uint32_t)cap;
        seen->mask = heads_for(seen->cap) - 1;
        seen->forgotten = INT64_MIN;
        seen->heads = calloc((size_t)seen->mask + 1, sizeof *seen->heads);
        seen->rows = calloc(cap, sizeof *seen->rows);
        if (!seen->heads || !seen->rows) {
                mohr_replay_memory_free(&seen->replay);
                return -ENOMEM;
        }
        start_empty(seen);
        *ret = &seen->replay;
        return 0;
}

struct mohr_replay *mohr_replay_memory_free(struct mohr_replay *replay)
{
        struct seen *seen = replay ? replay->user : NULL;
        if (!seen)
                return NULL;
        pthread_mutex_destroy(&seen->lock);
        free(seen->heads);
        free(seen->rows);
        free(seen);
        return NULL;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* listing.c: see listing.h. A phone chose its name itself: it is made harmless here, and cannot be that of another. */
#include "drivers/phone/listing.h"

#include "base/bytes.h"
#include "base/text.h"

#include <stdio.h>

#define NAME_CHARS 40
#define ID_SHOWN   4

_Static_assert(LINK_PEERS_MAX <= DRIVER_READERS_MAX, "each pairing is a reader");

static void clean_name(const struct link_peer *peer, char ret[static LINK_NAME_MAX])
{
        text_sanitize(ret, LINK_NAME_MAX, peer->name, NAME_CHARS);
        if (!*ret)
                snprintf(ret, LINK_NAME_MAX, "phone");
}

static bool shared(const struct link_peer *peers, size_t count, size_t which, const char *name)
{
        char other[LINK_NAME_MAX];
        for (size_t i = 0; i < count; i++) {
                clean_name(&peers[i], other);
                if (i != which && strcmp(other, name) == 0)
                        return true;
        }
        return false;
}

/* Two of one name differ in their ids' beginnings, or in all of the ids. */
static void name_reader(
        const struct link_peer *peers, size_t count, size_t which, char *ret, size_t cap)
{
        char name[LINK_NAME_MAX];
        size_t shown = ID_SHOWN;
        clean_name(&peers[which], name);
        for (size_t i = 0; i < count; i++)
                if (i != which && memcmp(peers[i].id, peers[which].id, ID_SHOWN) == 0)
                        shown = LINK_ID_LEN;
        if (shared(peers, count, which, name))
                snprintf(ret, cap, "%s (%.*s)", name, (int)shown, peers[which].id);
        else
                snprintf(ret, cap, "%s", name);
}

static void write_address(const struct whereabouts *where, char *ret, size_t cap)
{
        size_t len = (size_t)snprintf(ret, cap, "%s", where->id);
        for (size_t i = 0; i < where->count; i++) {
                const struct link_place *a = &where->list[i];
                bool v6 = strchr(a->host, ':') != NULL;
                int n = snprintf(ret + len, cap - len, v6 ? "%c[%s]:%s" : "%c%s:%s", i ? ',' : '@',
                        a->host, a->port);
                if (n < 0 || (size_t)n >= cap - len) {
                        ret[len] = 0; /* the rest does not fit */
                        return;
                }
                len += (size_t)n;
        }
}

/* A number that is another one when the pairing is (FNV-1a). */
static uint32_t fingerprint(const struct link_peer *peer)
{
        const struct view parts[] = {
                { (const uint8_t *)peer->address, strlen(peer->address) },
                { (const uint8_t *)&peer->expires_at, sizeof peer->expires_at },
                { peer->peer_print, sizeof peer->peer_print },
                { peer->next_print, sizeof peer->next_print },
        };
        uint32_t sum = 2166136261u;
        for (size_t i = 0; i < ARRAY_LEN(parts); i++)
                for (size_t j = 0; j < parts[i].len; j++)
                        sum = (sum ^ parts[i].data[j]) * 16777619u;
        return sum;
}

void listing_make(const struct link_peer *peers, size_t count, const struct heard *heard,
        struct driver_reader ret[static DRIVER_READERS_MAX])
{
        memset(ret, 0, DRIVER_READERS_MAX * sizeof *ret);
        for (size_t i = 0; i < count; i++) {
                struct whereabouts where;
                heard_find(heard, peers[i].id, &where, &ret[i].events);
                ret[i].events += fingerprint(&peers[i]);
                name_reader(peers, count, i, ret[i].name, sizeof ret[i].name);
                write_address(&where, ret[i].address, sizeof ret[i].address);
        }
}

/* SPDX-License-Identifier: Apache-2.0 */
/* heard.c: see heard.h. Bounded in all: whoever fills a network with announcements fills a table, and the next one finds no
 * room until some are taken back. Only addresses of local networks are believed: no stranger sends us across the internet.
 */
#include "drivers/phone/heard.h"

#include "client-sdk/link/link.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>

#define TAG "t="

void announcement_txt(struct announcement *announcement, const void *text, size_t len)
{
        char *tag = announcement->tags[announcement->tag_count];
        const char *value = (const char *)text + strlen(TAG);
        if (announcement->tag_count == LINK_PEERS_MAX || len != strlen(TAG) + LINK_TAG_LEN ||
                memcmp(text, TAG, strlen(TAG)) != 0)
                return;
        for (size_t i = 0; i < LINK_TAG_LEN; i++)
                if (!value[i] || !strchr("0123456789abcdef", value[i]))
                        return;
        memcpy(tag, value, LINK_TAG_LEN);
        tag[LINK_TAG_LEN] = 0;
        announcement->tag_count++;
}

/* A phone that announces itself is another machine: nobody in the network is to send us to a port of our own. */
static bool is_own(const struct sockaddr_in *v4, const struct sockaddr_in6 *v6)
{
        const uint8_t *first = (const uint8_t *)&v4->sin_addr;
        if (v6 && !IN6_IS_ADDR_V4MAPPED(&v6->sin6_addr))
                return IN6_IS_ADDR_LOOPBACK(&v6->sin6_addr);
        return (v6 ? v6->sin6_addr.s6_addr[12] : *first) == IN_LOOPBACKNET;
}

/* A link-local address of IPv6 means nothing without its interface. */
int announcement_address(struct announcement *announcement, const char *number, uint16_t port)
{
        struct sockaddr_in v4 = { .sin_family = AF_INET };
        struct sockaddr_in6 v6 = { .sin6_family = AF_INET6 };
        struct link_place *to = &announcement->address;
        bool is_v4 = inet_pton(AF_INET, number, &v4.sin_addr) == 1;
        bool is_v6 = !is_v4 && inet_pton(AF_INET6, number, &v6.sin6_addr) == 1;
        const void *address = is_v4 ? (const void *)&v4 : &v6;
        if ((!is_v4 && !is_v6) || port == 0 || !link_is_local(address) ||
                is_own(&v4, is_v6 ? &v6 : NULL))
                return -EINVAL;
        bool scoped = is_v6 && IN6_IS_ADDR_LINKLOCAL(&v6.sin6_addr);
        if (scoped && announcement->key.interface <= 0)
                return -EINVAL;
        if (scoped)
                snprintf(to->host, sizeof to->host, "%s%%%d", number, announcement->key.interface);
        else
                snprintf(to->host, sizeof to->host, "%s", number);
        snprintf(to->port, sizeof to->port, "%u", port);
        return 0;
}

static struct announcement *find(struct heard *heard, const struct heard_key *key)
{
        for (size_t i = 0; i < heard->count; i++) {
                const struct heard_key *known = &heard->list[i].key;
                if (known->interface == key->interface && known->protocol == key->protocol &&
                        strcmp(known->name, key->name) == 0)
                        return &heard->list[i];
        }
        return NULL;
}

bool heard_put(struct heard *heard, const struct announcement *announcement)
{
        struct announcement *place = find(heard, &announcement->key);
        if (announcement->tag_count == 0 || (!place && heard->count == HEARD_MAX))
                return false;
        if (!place)
                place = &heard->list[heard->count++];
        *place = *announcement;
        place->serial = ++heard->last_serial;
        return true;
}

bool heard_remove(struct heard *heard, const struct heard_key *key)
{
        struct announcement *place = find(heard, key);
        if (!place)
                return false;
        *place = heard->list[--heard->count];
        return true;
}

void heard_clear(struct heard *heard)
{
        heard->count = 0;
}

static bool is_for(const struct announcement *announcement, const char *id)
{
        for (size_t i = 0; i < announcement->tag_count; i++)
                if (link_tag_is(announcement->tags[i], id))
                        return true;
        return false;
}

/* The one before `serial` of those that are for this pairing, or NULL. */
static const struct announcement *previous(
        const struct heard *heard, const char *id, uint32_t serial)
{
        const struct announcement *found = NULL;
        for (size_t i = 0; i < heard->count; i++) {
                const struct announcement *one = &heard->list[i];
                if (one->serial < serial && (!found || one->serial > found->serial) &&
                        is_for(one, id))
                        found = one;
        }
        return found;
}

void heard_find(
        const struct heard *heard, const char *id, struct whereabouts *ret, uint32_t *ret_serial)
{
        const struct announcement *one = previous(heard, id, UINT32_MAX);
        *ret_serial = one ? one->serial : 0;
        memset(ret, 0, sizeof *ret);
        snprintf(ret->id, sizeof ret->id, "%s", id);
        for (; one; one = previous(heard, id, one->serial))
                whereabouts_add(ret, &one->address);
}

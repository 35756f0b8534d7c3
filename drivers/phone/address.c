/* SPDX-License-Identifier: Apache-2.0 */
/* address.c: see address.h. */
#include "drivers/phone/address.h"

void whereabouts_add(struct whereabouts *where, const struct link_place *address)
{
        for (size_t i = 0; i < where->count; i++)
                if (strcmp(where->list[i].host, address->host) == 0 &&
                        strcmp(where->list[i].port, address->port) == 0)
                        return;
        if (where->count < ADDRESSES_MAX)
                where->list[where->count++] = *address;
}

void whereabouts_prefer(struct whereabouts *where, const struct link_place *address)
{
        const struct whereabouts others = *where;
        where->count = 0;
        whereabouts_add(where, address);
        for (size_t i = 0; i < others.count; i++)
                whereabouts_add(where, &others.list[i]);
}

int whereabouts_read(const char *text, struct whereabouts *ret)
{
        struct whereabouts where = { 0 };
        size_t id = strspn(text, "0123456789abcdef");
        if (id != LINK_ID_LEN || (text[id] && text[id] != '@'))
                return -EINVAL;
        memcpy(where.id, text, id);
        for (text += id; *text;) {
                struct link_place address;
                size_t len = strcspn(++text, ",");
                if (link_place_read(text, len, 0, &address) < 0)
                        return -EINVAL;
                whereabouts_add(&where, &address);
                text += len;
        }
        *ret = where;
        return 0;
}

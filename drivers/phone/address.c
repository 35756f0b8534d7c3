/* SPDX-License-Identifier: Apache-2.0 */
/* address.c: see address.h. A host is what a name or a number can be made of, and nothing a resolver or a log would
 * read as more than that; whether there is such a host is for who dials to find out.
 */
#include "drivers/phone/address.h"

#include <ctype.h>

#define DIGITS "0123456789"
#define NAME   "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ" DIGITS "-_."
#define NUMBER "abcdefABCDEF" DIGITS ":." /* of IPv6 */

static bool made_of(const char *text, size_t len, const char *allowed)
{
        for (size_t i = 0; i < len; i++)
                if (!text[i] || !strchr(allowed, text[i]))
                        return false;
        return len > 0;
}

/* 1 to 65535, without leading zeros. */
static bool read_port(const char *text, size_t len, char ret[static 6])
{
        unsigned long port = 0;
        if (len == 0 || len > 5 || text[0] == '0' || !made_of(text, len, DIGITS))
                return false;
        for (size_t i = 0; i < len; i++)
                port = port * 10 + (unsigned long)(text[i] - '0');
        memcpy(ret, text, len);
        ret[len] = 0;
        return port <= UINT16_MAX;
}

static bool read_host(const char *text, size_t len, char ret[static ADDRESS_HOST_MAX])
{
        const char *scope = memchr(text, '%', len);
        size_t number = scope ? (size_t)(scope - text) : len;
        bool bracketed = len >= 2 && text[0] == '[' && text[len - 1] == ']';
        if (bracketed)
                return text[1] != '[' && read_host(text + 1, len - 2, ret) && strchr(ret, ':');
        bool v6 = memchr(text, ':', len) != NULL;
        if (len >= ADDRESS_HOST_MAX || (scope && !v6) ||
                !made_of(text, number, v6 ? NUMBER : NAME) ||
                (scope && !made_of(scope + 1, len - number - 1, NAME)))
                return false;
        memcpy(ret, text, len);
        ret[len] = 0;
        return true;
}

int address_read(const char *text, size_t len, struct address *ret)
{
        struct address address = { 0 };
        const char *colon = memrchr(text, ':', len);
        size_t host = colon ? (size_t)(colon - text) : 0;
        bool bare_v6 = host > 0 && text[0] != '[' && memchr(text, ':', host);
        if (!colon || bare_v6 || !read_port(colon + 1, len - host - 1, address.port) ||
                !read_host(text, host, address.host))
                return -EINVAL;
        *ret = address;
        return 0;
}

void whereabouts_add(struct whereabouts *where, const struct address *address)
{
        for (size_t i = 0; i < where->count; i++)
                if (strcmp(where->list[i].host, address->host) == 0 &&
                        strcmp(where->list[i].port, address->port) == 0)
                        return;
        if (where->count < ADDRESSES_MAX)
                where->list[where->count++] = *address;
}

void whereabouts_prefer(struct whereabouts *where, const struct address *address)
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
        size_t id = strspn(text, DIGITS "abcdef");
        if (id != LINK_ID_LEN || (text[id] && text[id] != '@'))
                return -EINVAL;
        memcpy(where.id, text, id);
        for (text += id; *text;) {
                struct address address;
                size_t len = strcspn(++text, ",");
                if (address_read(text, len, &address) < 0)
                        return -EINVAL;
                whereabouts_add(&where, &address);
                text += len;
        }
        *ret = where;
        return 0;
}

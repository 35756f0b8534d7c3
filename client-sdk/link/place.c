/* SPDX-License-Identifier: Apache-2.0 */
/* place.c: see place.h. A host is what a name or a number can be made of, and nothing a resolver or a log would
 * read as more than that; whether there is such a host is for who dials to find out.
 */
#include "client-sdk/link/place.h"

#include <stdio.h>

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

int link_port_read(const char *text, size_t len, uint16_t *ret)
{
        unsigned long port = 0;
        if (len == 0 || len > 5 || text[0] == '0' || !made_of(text, len, DIGITS))
                return -EINVAL;
        for (size_t i = 0; i < len; i++)
                port = port * 10 + (unsigned long)(text[i] - '0');
        if (port > UINT16_MAX)
                return -EINVAL;
        *ret = (uint16_t)port;
        return 0;
}

/* A scope belongs to a number. */
static bool read_v6(const char *text, size_t len)
{
        const char *scope = memchr(text, '%', len);
        size_t number = scope ? (size_t)(scope - text) : len;
        return memchr(text, ':', number) && made_of(text, number, NUMBER) &&
               (!scope || made_of(scope + 1, len - number - 1, NAME));
}

/* Where the host ends, brackets and all; 0: there is none. */
static size_t host_len(const char *text, size_t len)
{
        const char *end = memchr(text, text[0] == '[' ? ']' : ':', len);
        if (text[0] == '[')
                return end ? (size_t)(end - text) + 1 : 0;
        return end ? (size_t)(end - text) : len;
}

int link_place_read(const char *text, size_t len, uint16_t port, struct link_place *ret)
{
        struct link_place place = { 0 };
        size_t host = len > 0 ? host_len(text, len) : 0;
        const bool v6 = host > 0 && text[0] == '[';
        const char *name = v6 ? text + 1 : text;
        const size_t name_len = v6 ? host - 2 : host;
        if (host == 0 || name_len >= sizeof place.host ||
                !(v6 ? read_v6(name, name_len) : made_of(name, name_len, NAME)))
                return -EINVAL;
        if (host < len &&
                (text[host] != ':' || link_port_read(text + host + 1, len - host - 1, &port) < 0))
                return -EINVAL;
        if (port == 0)
                return -EINVAL;
        memcpy(place.host, name, name_len);
        snprintf(place.port, sizeof place.port, "%u", port);
        *ret = place;
        return 0;
}

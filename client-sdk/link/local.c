/* SPDX-License-Identifier: Apache-2.0 */
/* local.c: which addresses are of a local network: RFC 1918, 6598, 4193, 3927, 4291; nothing is looked up. */
#include "client-sdk/link/link.h"

#include <netinet/in.h>
#include <sys/socket.h>

struct range {
        uint8_t start[2], mask[2];
};

static const struct range local4[] = {
        { { 10, 0 }, { 0xFF, 0 } },
        { { 100, 64 }, { 0xFF, 0xC0 } }, /* what providers share among customers */
        { { 127, 0 }, { 0xFF, 0 } },
        { { 169, 254 }, { 0xFF, 0xFF } },
        { { 172, 16 }, { 0xFF, 0xF0 } },
        { { 192, 168 }, { 0xFF, 0xFF } },
};
static const struct range local6[] = {
        { { 0xFC, 0 }, { 0xFE, 0 } },
        { { 0xFE, 0x80 }, { 0xFF, 0xC0 } },
};

static bool is_among(const struct range *ranges, size_t count, const uint8_t *address)
{
        for (size_t i = 0; i < count; i++)
                if ((address[0] & ranges[i].mask[0]) == ranges[i].start[0] &&
                        (address[1] & ranges[i].mask[1]) == ranges[i].start[1])
                        return true;
        return false;
}

static bool is_local6(const struct in6_addr *address)
{
        if (IN6_IS_ADDR_V4MAPPED(address))
                return is_among(local4, ARRAY_LEN(local4), address->s6_addr + 12);
        return IN6_IS_ADDR_LOOPBACK(address) ||
               is_among(local6, ARRAY_LEN(local6), address->s6_addr);
}

bool link_is_local(const struct sockaddr *address)
{
        struct sockaddr_in v4;
        struct sockaddr_in6 v6;
        switch (address->sa_family) {
        case AF_INET:
                memcpy(&v4, address, sizeof v4);
                return is_among(local4, ARRAY_LEN(local4), (const uint8_t *)&v4.sin_addr);
        case AF_INET6: memcpy(&v6, address, sizeof v6); return is_local6(&v6.sin6_addr);
        default: return false;
        }
}

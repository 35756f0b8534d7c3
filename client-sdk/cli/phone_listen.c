/* SPDX-License-Identifier: Apache-2.0 */
/* phone_listen.c: the few sockets on which this computer waits for a phone, while somebody pairs one and no longer.
 *
 * Bound to the machine's own addresses one by one, never to "any": an address that belongs to no local network has no open port then,
 * whatever a firewall does. Links from point to point (a VPN's tunnel) are no network that the phone beside the computer is in.
 * Loopback serves where there is nothing else, or when it is named.
 */
#include "client-sdk/cli/phone.h"

#include <ifaddrs.h>
#include <net/if.h>
#include <netdb.h>
#include <netinet/in.h>
#include <sys/socket.h>

#define PORT_TRIES 16

struct place {
        struct sockaddr_storage address;
        socklen_t len;
        int rank; /* the lower, the sooner told */
};
struct places {
        struct place all[PAIR_ADDRESSES];
        size_t count;
};

static socklen_t length_of(const struct sockaddr *address)
{
        return address->sa_family == AF_INET    ? sizeof(struct sockaddr_in)
               : address->sa_family == AF_INET6 ? sizeof(struct sockaddr_in6)
                                                : 0;
}

/* An IPv6 address of one link means another interface to the phone: it cannot be told. */
static bool is_of_link(const struct sockaddr *address)
{
        struct sockaddr_in6 six;
        if (address->sa_family != AF_INET6)
                return false;
        memcpy(&six, address, sizeof six);
        return IN6_IS_ADDR_LINKLOCAL(&six.sin6_addr);
}

static int rank_of(const struct sockaddr *address)
{
        return (link_is_local(address) ? 0 : 2) + (address->sa_family == AF_INET ? 0 : 1);
}

static void add_place(struct places *places, const struct sockaddr *address)
{
        struct place place = { .len = length_of(address), .rank = rank_of(address) };
        size_t at = 0;
        memcpy(&place.address, address, place.len);
        while (at < places->count && places->all[at].rank <= place.rank)
                at++;
        if (at == PAIR_ADDRESSES)
                return;
        if (places->count == PAIR_ADDRESSES)
                places->count--;
        memmove(&places->all[at + 1], &places->all[at], (places->count - at) * sizeof place);
        places->all[at] = place;
        places->count++;
}

static bool is_wanted(const struct ifaddrs *one, bool loopback, bool anywhere)
{
        bool up = (one->ifa_flags & IFF_UP) && (one->ifa_flags & IFF_RUNNING);
        if (!one->ifa_addr || !up || length_of(one->ifa_addr) == 0 || is_of_link(one->ifa_addr))
                return false;
        if (loopback != ((one->ifa_flags & IFF_LOOPBACK) != 0))
                return false;
        return anywhere || (!(one->ifa_flags & IFF_POINTOPOINT) && link_is_local(one->ifa_addr));
}

static int own_places(const struct phone_wish *wish, struct places *ret)
{
        struct ifaddrs *all = NULL;
        if (getifaddrs(&all) < 0)
                return -errno;
        for (int loopback = 0; loopback <= 1 && ret->count == 0; loopback++)
                for (const struct ifaddrs *one = all; one; one = one->ifa_next)
                        if (is_wanted(one, loopback, wish->anywhere))
                                add_place(ret, one->ifa_addr);
        freeifaddrs(all);
        return ret->count > 0 ? 0 : -EADDRNOTAVAIL;
}

static int named_place(const struct phone_wish *wish, struct places *ret)
{
        const struct addrinfo hints = { .ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICHOST };
        struct addrinfo *info = NULL;
        if (getaddrinfo(wish->address, NULL, &hints, &info) != 0)
                return -EADDRNOTAVAIL;
        bool allowed = wish->anywhere || link_is_local(info->ai_addr);
        if (allowed)
                add_place(ret, info->ai_addr);
        freeaddrinfo(info);
        return allowed ? 0 : -EPERM;
}

static void set_port(struct place *place, uint16_t port)
{
        if (place->address.ss_family == AF_INET)
                ((struct sockaddr_in *)&place->address)->sin_port = htons(port);
        else
                ((struct sockaddr_in6 *)&place->address)->sin6_port = htons(port);
}

static uint16_t port_of(const struct place *place)
{
        return ntohs(place->address.ss_family == AF_INET
                             ? ((const struct sockaddr_in *)&place->address)->sin_port
                             : ((const struct sockaddr_in6 *)&place->address)->sin6_port);
}

static int open_one(struct place *place, int *ret_fd)
{
        const int on = 1;
        int kind = SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC;
        _cleanup_close_ int fd = socket(place->address.ss_family, kind, 0);
        if (fd < 0)
                return -errno;
        if (place->address.ss_family == AF_INET6 &&
                setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on) < 0)
                return -errno;
        if (bind(fd, (const struct sockaddr *)&place->address, place->len) < 0 ||
                listen(fd, PAIR_ATTEMPTS) < 0 ||
                getsockname(fd, (struct sockaddr *)&place->address, &place->len) < 0)
                return -errno;
        *ret_fd = base_take_fd(&fd);
        return 0;
}

static int tell_place(const struct place *place, char dst[static LINK_ADDRESS_MAX])
{
        char host[NI_MAXHOST / 4], port[8];
        if (getnameinfo((const struct sockaddr *)&place->address, place->len, host, sizeof host,
                    port, sizeof port, NI_NUMERICHOST | NI_NUMERICSERV) != 0)
                return -EINVAL;
        bool six = place->address.ss_family == AF_INET6;
        snprintf(dst, LINK_ADDRESS_MAX, six ? "[%s]:%s" : "%s:%s", host, port);
        return 0;
}

/* All on one port: the first one's, which the system chose if nobody did. */
static int open_all(struct places *places, uint16_t port, struct phone_listen *ret)
{
        int r = 0;
        for (size_t i = 0; r == 0 && i < places->count; i++) {
                set_port(&places->all[i], port);
                r = open_one(&places->all[i], &ret->fds[i]);
                if (r < 0)
                        break;
                ret->fd_count = i + 1;
                port = port_of(&places->all[i]);
                r = tell_place(&places->all[i], ret->addresses[i]);
        }
        ret->address_count = ret->fd_count;
        return r;
}

void phone_listen_close(struct phone_listen *listen)
{
        for (size_t i = 0; i < listen->fd_count; i++)
                close(listen->fds[i]);
        listen->fd_count = 0;
}

int phone_listen(const struct phone_wish *wish, struct phone_listen *ret)
{
        struct places places = { .count = 0 };
        int r = wish->address ? named_place(wish, &places) : own_places(wish, &places);
        for (int tries = 0; r == 0 && tries < PORT_TRIES; tries++) {
                r = open_all(&places, wish->port, ret);
                if (r == 0)
                        return 0;
                phone_listen_close(ret);
                if (r == -EADDRINUSE && wish->port == 0)
                        r = 0; /* free on one address, taken on another: the next one */
        }
        return r == 0 ? -EADDRINUSE : r;
}

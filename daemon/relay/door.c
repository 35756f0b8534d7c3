/* SPDX-License-Identifier: Apache-2.0 */
/* door.c: where computers come in. One socket for each kind of address; who comes from farther than the local network, or
 * reached us by an address that is not of it, is let go without a byte unless the person said `--anywhere`. The
 * listening addresses are the wildcards, since a phone moves between networks while it listens: it is each
 * connection's own two addresses that are judged.
 *
 * Strangers can only take up places for those who have not shown yet whose they are, and the oldest of them makes room for a
 * new one: of those at the address that has most, so that a crowd from one machine is in nobody's way but its own.
 * A computer that comes again is the one that was there, since one mohrd has one connection to a phone: what it left behind
 * ends at once, its card reset and what was typed forgotten, before the new connection hears its first word.
 */
#include "daemon/relay/host.h"

#include <arpa/inet.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <sys/socket.h>

#define SOCKETS_MAX 4

struct door {
        struct host *host;
        struct guest *guests; /* the newest first */
        struct listening {
                int fd;
                sd_event_source *io;
        } sockets[SOCKETS_MAX];
        size_t socket_count;
};

/* ---- who is here ----------------------------------------------------------------------------- */

static bool is_shaking(const struct guest *guest)
{
        return guest->stage == GUEST_SHAKING || guest->stage == GUEST_GREETING;
}

static size_t count(const struct door *door, bool shaking)
{
        size_t n = 0;
        for (const struct guest *guest = door->guests; guest; guest = guest->next)
                n += shaking == is_shaking(guest) && guest->stage != GUEST_LEAVING;
        return n;
}

/* In the same role, too. */
static bool same_computer(const struct guest *a, const struct guest *b)
{
        bool greeted = a->stage == GUEST_OPEN || a->stage == GUEST_RENEWING;
        return a != b && greeted && !a->visit == !b->visit &&
               strcmp(link_id(a->link), link_id(b->link)) == 0;
}

enum link_reason door_admit(struct door *door, struct guest *guest)
{
        for (struct guest *other = door->guests; other; other = other->next)
                if (same_computer(other, guest))
                        guest_hang_up(other);
        if (count(door, false) >= HOST_GUESTS_MAX)
                return LINK_REASON_TOO_MANY;
        log_kv(&door->host->log, LOG_LEVEL_INFO, NULL, "computer connected", "pairing",
                link_id(guest->link), NULL);
        return LINK_REASON_NONE;
}

void door_remove(struct door *door, struct guest *guest)
{
        struct guest **slot = &door->guests;
        while (*slot != guest)
                slot = &(*slot)->next;
        *slot = guest->next;
        guest_free(guest);
}

void door_tell_readers(struct door *door)
{
        for (struct guest *guest = door->guests; guest; guest = guest->next)
                guest_tell_readers(guest);
}

static bool is_unpaired(const struct guest *guest)
{
        struct link_peer peer = { 0 };
        const char *id = link_id(guest->link);
        if (guest->stage == GUEST_SHAKING || guest->stage == GUEST_LEAVING || !id)
                return false;
        int r = link_store_get(guest->host->folder, id, &peer);
        link_peer_clear(&peer);
        return r != 0;
}

void door_drop_unpaired(struct door *door)
{
        for (struct guest *guest = door->guests; guest; guest = guest->next)
                if (is_unpaired(guest))
                        guest_farewell(guest, LINK_REASON_UNPAIRED);
}

/* ---- who comes ------------------------------------------------------------------------------- */

static bool is_near(int fd)
{
        struct sockaddr_storage here = { 0 }, there = { 0 };
        socklen_t here_len = sizeof here, there_len = sizeof there;
        return getsockname(fd, (struct sockaddr *)&here, &here_len) == 0 &&
               getpeername(fd, (struct sockaddr *)&there, &there_len) == 0 &&
               link_is_local((struct sockaddr *)&here) && link_is_local((struct sockaddr *)&there);
}

static void read_address(int fd, uint8_t ret[static sizeof(struct in6_addr)])
{
        struct sockaddr_storage there = { 0 };
        socklen_t len = sizeof there;
        if (getpeername(fd, (struct sockaddr *)&there, &len) < 0)
                return;
        if (there.ss_family == AF_INET6)
                memcpy(ret, &((struct sockaddr_in6 *)&there)->sin6_addr, sizeof(struct in6_addr));
        else
                memcpy(ret, &((struct sockaddr_in *)&there)->sin_addr, sizeof(struct in_addr));
}

static size_t count_like(const struct door *door, const struct guest *one)
{
        size_t n = 0;
        for (const struct guest *guest = door->guests; guest; guest = guest->next)
                n += is_shaking(guest) && memcmp(guest->from, one->from, sizeof one->from) == 0;
        return n;
}

/* The oldest goes of those who come from where most come from. The list begins with the newest. */
static void make_room(struct door *door)
{
        struct guest *oldest = NULL;
        size_t most = 0;
        if (count(door, true) < HOST_SHAKING_MAX)
                return;
        for (struct guest *guest = door->guests; guest; guest = guest->next) {
                size_t like = is_shaking(guest) ? count_like(door, guest) : 0;
                if (like == 0 || like < most)
                        continue;
                most = like;
                oldest = guest;
        }
        door_remove(door, oldest);
}

static void let_in(struct door *door, int fd)
{
        struct guest *guest = NULL;
        if (!door->host->options.anywhere && !is_near(fd)) {
                log_kv(&door->host->log, LOG_LEVEL_INFO, NULL, "somebody came from far away", NULL);
                close(fd);
                return;
        }
        make_room(door);
        if (guest_new(&guest, door->host, fd) < 0)
                return;
        read_address(fd, guest->from);
        guest->next = door->guests;
        door->guests = guest;
}

static int on_somebody(sd_event_source *source, int fd, uint32_t events, void *user)
{
        (void)source, (void)events;
        int theirs = accept4(fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
        if (theirs >= 0)
                let_in(user, theirs);
        return 0;
}

/* ---- listening ------------------------------------------------------------------------------- */

static int listen_at(struct door *door, const struct addrinfo *at)
{
        static const int on = 1;
        struct listening *socket_ = &door->sockets[door->socket_count];
        int fd = socket(at->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        if (fd < 0)
                return -errno;
        (void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
        if (at->ai_family == AF_INET6)
                (void)setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on);
        int r = bind(fd, at->ai_addr, at->ai_addrlen) < 0 || listen(fd, 16) < 0 ? -errno : 0;
        if (r == 0)
                r = sd_event_add_io(
                        door->host->event, &socket_->io, fd, EPOLLIN, on_somebody, door);
        if (r < 0) {
                close(fd);
                return r;
        }
        socket_->fd = fd;
        door->socket_count++;
        return 0;
}

/* As a person could type it into the computer. */
static void show_address(const struct host *host, const char *number)
{
        bool v6 = strchr(number, ':') != NULL;
        printf("  %s%s%s:%u\n", v6 ? "[" : "", number, v6 ? "]" : "", host->options.port);
}

/* Of the device itself, and those that mean something only with an interface, are of no use to a computer. */
static bool is_worth_telling(const struct host *host, const struct ifaddrs *at)
{
        if (!at->ifa_addr || (at->ifa_flags & IFF_LOOPBACK))
                return false;
        const struct sockaddr_in6 *v6 = (const void *)at->ifa_addr;
        bool known =
                at->ifa_addr->sa_family == AF_INET ||
                (at->ifa_addr->sa_family == AF_INET6 && !IN6_IS_ADDR_LINKLOCAL(&v6->sin6_addr));
        return known && (host->options.anywhere || link_is_local(at->ifa_addr));
}

/* Where the wildcards are reached now. */
static void show_addresses(const struct host *host)
{
        struct ifaddrs *all = NULL;
        char text[INET6_ADDRSTRLEN];
        bool any = false;
        if (getifaddrs(&all) < 0)
                return;
        for (const struct ifaddrs *at = all; at; at = at->ifa_next) {
                socklen_t len = at->ifa_addr && at->ifa_addr->sa_family == AF_INET6
                                        ? sizeof(struct sockaddr_in6)
                                        : sizeof(struct sockaddr_in);
                if (!is_worth_telling(host, at) || getnameinfo(at->ifa_addr, len, text, sizeof text,
                                                           NULL, 0, NI_NUMERICHOST) != 0)
                        continue;
                show_address(host, text);
                any = true;
        }
        freeifaddrs(all);
        if (!any)
                printf(_("  in no network at the moment; on port %u of those that come\n"),
                        host->options.port);
}

/* What a person can mend is no failure of ours. */
static int not_there(const struct host *host, int r)
{
        if (r == -EADDRINUSE)
                return cli_report_as(host->cli, OUTCOME_BUSY,
                        _("Another program listens on this port: another mohr-relay serve, "
                          "perhaps."),
                        _("End that one, or take another port with --port, and say so on the "
                          "computer: mohr phone add-address"),
                        NULL, NULL);
        if (r == -EADDRNOTAVAIL && host->options.address)
                return cli_usage(host->cli, _("--listen %.60s is no address of this device."),
                        host->options.address);
        if (r == -EACCES)
                return cli_usage(host->cli, _("The system does not let you listen on port %u."),
                        host->options.port);
        return r;
}

static int open_all(struct door *door)
{
        const struct host_options *options = &door->host->options;
        const struct addrinfo hints = { .ai_flags = AI_PASSIVE | AI_NUMERICHOST | AI_NUMERICSERV,
                .ai_socktype = SOCK_STREAM };
        struct addrinfo *all = NULL;
        char port[8];
        snprintf(port, sizeof port, "%u", options->port);
        if (getaddrinfo(options->address, port, &hints, &all) != 0)
                return cli_usage(door->host->cli, _("--listen %.60s is no address of this device."),
                        options->address);
        int r = 0, first = 0;
        for (const struct addrinfo *at = all; at && door->socket_count < SOCKETS_MAX;
                at = at->ai_next) {
                r = listen_at(door, at);
                first = first ? first : r;
        }
        freeaddrinfo(all);
        return door->socket_count > 0 ? 0 : not_there(door->host, first);
}

int door_open(struct door **ret, struct host *host)
{
        struct door *door = calloc(1, sizeof *door);
        if (!door)
                return -ENOMEM;
        door->host = host;
        int r = open_all(door);
        if (r != 0) {
                door_close(door);
                return r;
        }
        if (host->options.address)
                show_address(host, host->options.address);
        else
                show_addresses(host);
        *ret = door;
        return 0;
}

struct door *door_close(struct door *door)
{
        if (!door)
                return NULL;
        for (size_t i = 0; i < door->socket_count; i++) {
                sd_event_source_disable_unref(door->sockets[i].io);
                close(door->sockets[i].fd);
        }
        while (door->guests) {
                guest_farewell(door->guests, LINK_REASON_CLOSING);
                door_remove(door, door->guests);
        }
        free(door);
        return NULL;
}

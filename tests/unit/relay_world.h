/* SPDX-License-Identifier: Apache-2.0 */
/* relay_world.h: a phone that serves, without readers, and its paired computer at the other end of a real connection, both in
 * this process and in turns.
 */
#ifndef MOHR_TESTS_RELAY_WORLD_H
#define MOHR_TESTS_RELAY_WORLD_H

#include "daemon/relay/host.h"
#include "tests/unit/link_world.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>

struct relay_world {
        struct link_world *link;
        struct host host;
        struct config config;
        struct cli cli;
};

/* The system's choice; whoever else takes it in between makes door_open() fail, and we ask again. */
static inline uint16_t free_port(void)
{
        struct sockaddr_in at = { .sin_family = AF_INET, .sin_addr = { htonl(INADDR_LOOPBACK) } };
        socklen_t len = sizeof at;
        int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        assert_return_code(bind(fd, (struct sockaddr *)&at, sizeof at), errno);
        assert_return_code(getsockname(fd, (struct sockaddr *)&at, &len), errno);
        close(fd);
        return ntohs(at.sin_port);
}

static inline struct relay_world *relay_world_new(void)
{
        struct relay_world *world = calloc(1, sizeof *world);
        struct host *host = &world->host;
        int r = -EADDRINUSE;
        world->link = world_new();
        world->cli = (struct cli){ .program = "mohr-relay", .command = "serve" };
        *host = (struct host){ .cli = &world->cli, .log = { .fd = -1 }, .config = &world->config };
        host->folder = world->link->computers;
        host->options.address = "127.0.0.1";
        snprintf(host->name, sizeof host->name, "Pixel");
        assert_return_code(sd_event_new(&host->event), 0);
        assert_int_equal(secret_new(&host->inbox, LINK_FRAME_MAX), 0);
        assert_int_equal(readers_new(&host->readers, host->event, host->config, &host->log), 0);
        for (int i = 0; r == -EADDRINUSE && i < 20; i++) {
                host->options.port = free_port();
                r = door_open(&host->door, host);
        }
        assert_int_equal(r, 0);
        return world;
}

static inline void relay_world_free(struct relay_world *world)
{
        door_close(world->host.door);
        readers_free(world->host.readers);
        secret_free(world->host.inbox);
        sd_event_unref(world->host.event);
        world_free(world->link);
        free(world);
}

/* What there is to do; a door gives strangers so many seconds, and a crowd of them is to be here before that. */
static inline void relay_turn(struct relay_world *world)
{
        for (int i = 0, r = 1; i < 8 && r > 0; i++) {
                r = sd_event_run(world->host.event, 1000);
                assert_return_code(r, 0);
        }
}

/* From 127.0.0.`number`. */
static inline int knock_from(const struct relay_world *world, uint32_t number)
{
        struct sockaddr_in at = { .sin_family = AF_INET,
                .sin_addr = { htonl(INADDR_LOOPBACK) },
                .sin_port = htons(world->host.options.port) };
        const struct sockaddr_in own = { .sin_family = AF_INET,
                .sin_addr = { htonl(INADDR_LOOPBACK - 1 + number) } };
        int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        assert_return_code(bind(fd, (const struct sockaddr *)&own, sizeof own), errno);
        assert_return_code(connect(fd, (struct sockaddr *)&at, sizeof at), errno);
        return fd;
}

static inline int knock(const struct relay_world *world)
{
        return knock_from(world, 1);
}

static inline void prove_both(struct relay_world *world, struct link *link)
{
        int r = -EAGAIN;
        for (int turn = 0; r == -EAGAIN && turn < 8000; turn++) {
                r = link_handshake(link);
                relay_turn(world);
        }
        assert_int_equal(r, 0);
}

/* Proven, and has said nothing yet. */
static inline struct link *come_in(struct relay_world *world)
{
        struct link *link = NULL;
        assert_int_equal(link_connect(&link, knock(world), &world->link->computer), 0);
        prove_both(world, link);
        return link;
}

/* The next frame of the phone's; < 0: it hung up. */
static inline int hear(struct relay_world *world, struct link *link, enum link_type *type)
{
        int r = -EAGAIN;
        for (int turn = 0; r == -EAGAIN && turn < 8000; turn++) {
                (void)!link_flush(link);
                relay_turn(world);
                r = link_recv(link, type, world->link->buf);
        }
        return r;
}

static inline void greet(struct relay_world *world, struct link *link, uint8_t role)
{
        const uint8_t hello[] = { LINK_VERSION, role, 0, 2, 'P', 'C' };
        enum link_type type;
        assert_int_equal(link_send(link, LINK_HELLO, hello, sizeof hello), 0);
        assert_int_equal(hear(world, link, &type), 0);
        assert_int_equal(type, LINK_WELCOME);
}

/* What it says goodbye with; 0: it hangs up without a word. */
static inline enum link_reason goodbye(struct relay_world *world, struct link *link)
{
        enum link_type type = 0;
        while (type != LINK_BYE)
                if (hear(world, link, &type) < 0)
                        return LINK_REASON_NONE;
        assert_int_equal(world->link->buf->len, 1);
        return (enum link_reason)world->link->buf->data[0];
}

#endif

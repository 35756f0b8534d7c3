/* SPDX-License-Identifier: Apache-2.0 */
/* link_world.h: a computer and a phone that are paired, a socketpair between them, and both their turns. */
#ifndef MOHR_TESTS_LINK_WORLD_H
#define MOHR_TESTS_LINK_WORLD_H

#include "base/secret.h"
#include "client-sdk/link/link.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <cmocka.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>

#define WORLD_ID "00112233445566ff"

struct link_world {
        char dir[64], phones[96], computers[96];
        struct link_peer computer, phone; /* what each of them has in its file */
        struct secret *buf;
};

/* A pairing as both sides keep it. */
static inline void pair_up(struct link_peer *computer, struct link_peer *phone, const char *id)
{
        const struct {
                struct link_peer *peer;
                const char *name;
        } rows[] = { { computer, "Pixel" }, { phone, "office" } };
        for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
                struct link_peer *peer = rows[i].peer;
                assert_int_equal(
                        link_identity_make(&peer->key, &peer->certificate, &peer->expires_at), 0);
                snprintf(peer->id, sizeof peer->id, "%s", id);
                snprintf(peer->name, sizeof peer->name, "%s", rows[i].name);
                peer->paired_at = 1700000000;
        }
        snprintf(computer->address, sizeof computer->address, "192.168.1.7:46647");
        assert_int_equal(link_identity_print(phone->certificate, computer->peer_print), 0);
        assert_int_equal(link_identity_print(computer->certificate, phone->peer_print), 0);
}

static inline struct link_world *world_new(void)
{
        struct link_world *w = calloc(1, sizeof *w);
        snprintf(w->dir, sizeof w->dir, "/tmp/mohr-link-XXXXXX");
        assert_non_null(mkdtemp(w->dir));
        snprintf(w->phones, sizeof w->phones, "%s/mohr/phones", w->dir);
        snprintf(w->computers, sizeof w->computers, "%s/mohr/computers", w->dir);
        pair_up(&w->computer, &w->phone, WORLD_ID);
        assert_int_equal(link_store_put(w->phones, &w->computer), 0);
        assert_int_equal(link_store_put(w->computers, &w->phone), 0);
        assert_int_equal(secret_new(&w->buf, LINK_FRAME_MAX), 0);
        return w;
}

static inline void world_free(struct link_world *w)
{
        char command[96];
        snprintf(command, sizeof command, "rm -rf %s", w->dir);
        assert_int_equal(system(command), 0);
        link_peer_clear(&w->computer);
        link_peer_clear(&w->phone);
        secret_free(w->buf);
        free(w);
}

static inline int world_set_up(void **state)
{
        *state = world_new();
        return 0;
}

static inline int world_tear_down(void **state)
{
        world_free(*state);
        return 0;
}
#define IN_A_WORLD(test) cmocka_unit_test_setup_teardown(test, world_set_up, world_tear_down)

static inline void socket_pair(int fds[2])
{
        assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
}

/* Both take turns until neither waits any more; what came of each. A side that fails hangs up, as programs do. */
struct shaken {
        struct link *computer, *phone;
        int at_computer, at_phone;
};

static inline void shake_turns(struct shaken *s)
{
        s->at_computer = s->at_phone = -EAGAIN;
        for (int turn = 0; turn < 64; turn++) {
                if (s->at_computer == -EAGAIN)
                        s->at_computer = link_handshake(s->computer);
                if (s->at_phone == -EAGAIN)
                        s->at_phone = link_handshake(s->phone);
                if (s->at_phone < 0 && s->at_phone != -EAGAIN)
                        shutdown(link_fd(s->phone), SHUT_RDWR);
                if (s->at_computer < 0 && s->at_computer != -EAGAIN)
                        shutdown(link_fd(s->computer), SHUT_RDWR);
        }
}

static inline struct shaken shake_hands(const char *folder, const struct link_peer *own)
{
        int fds[2];
        struct shaken s = { 0 };
        socket_pair(fds);
        assert_int_equal(link_connect(&s.computer, fds[0], own), 0);
        assert_int_equal(link_accept(&s.phone, fds[1], folder), 0);
        shake_turns(&s);
        return s;
}

static inline void hang_up(struct shaken *s)
{
        s->computer = link_free(s->computer);
        s->phone = link_free(s->phone);
}

/* The frame that is there, or -EAGAIN and the like. */
static inline int take_frame(struct link *link, struct secret *buf, enum link_type *type)
{
        int r = -EAGAIN;
        for (int turn = 0; r == -EAGAIN && turn < 64; turn++)
                r = link_recv(link, type, buf);
        return r;
}

#endif

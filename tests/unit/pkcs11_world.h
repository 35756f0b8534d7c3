/* SPDX-License-Identifier: Apache-2.0 */
/* pkcs11_world.h: a mohrd of the test's own, in a process that answers as the script in shared memory says, and counts.
 *
 * A reply is bytes: what a test writes there is sent, mistakes included. The server knows methods by their
 * names and nothing else.
 */
#ifndef MOHR_TESTS_PKCS11_WORLD_H
#define MOHR_TESTS_PKCS11_WORLD_H

#include "client-sdk/base64.h"
#include "client-sdk/pkcs11/p11.h"
#include "tests/support/testpki.h"

#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <cmocka.h>

#define WORLD_CONNECTIONS 48
#define WORLD_CALL        32768

enum world_method { WORLD_STATUS, WORLD_WATCH, WORLD_LIST, WORLD_SIGN, WORLD_METHODS };

struct world_answer {
        size_t len;
        char bytes[80000];
        bool hang_up, hold; /* instead of the answer */
        _Atomic unsigned int count;
        char call[WORLD_CALL]; /* the last one */
};

struct pkcs11_world {
        struct world_answer answers[WORLD_METHODS];
        _Atomic unsigned int gone; /* connections that ended */
        char path[64];
        int orders[2], done[2];
};
static struct pkcs11_world *world;
static pid_t world_server; /* not in shared memory: fork() says two things */

/* ---- The server ---- */

struct world_connection {
        int fd;
        bool watches, held;
        size_t len;
        char call[WORLD_CALL];
};

/* What a method is answered with now: a test that has seen the call counted, or its answer, may write the next one. */
struct world_said {
        size_t len;
        char bytes[80000];
};

static const struct world_said *world_now_says(enum world_method method)
{
        static struct world_said said;
        const struct world_answer *answer = &world->answers[method];
        said.len = answer->len;
        memcpy(said.bytes, answer->bytes, said.len);
        return &said;
}

static void world_send(struct world_connection *c, const struct world_said *said)
{
        for (size_t at = 0; at < said->len;) {
                ssize_t n = send(c->fd, said->bytes + at, said->len - at, MSG_NOSIGNAL);
                if (n <= 0)
                        return;
                at += (size_t)n;
        }
}

static void world_close(struct world_connection *c)
{
        close(c->fd);
        *c = (struct world_connection){ .fd = -1 };
        world->gone++;
}

static void world_answer_call(struct world_connection *c)
{
        static const char *const names[WORLD_METHODS] = { "mohr.Identity.Status",
                "mohr.Identity.Watch", "mohr.Keys.List", "mohr.Keys.Sign" };
        for (enum world_method i = 0; i < WORLD_METHODS; i++) {
                struct world_answer *answer = &world->answers[i];
                if (!strstr(c->call, names[i]))
                        continue;
                memcpy(answer->call, c->call, sizeof answer->call);
                c->watches = i == WORLD_WATCH;
                const struct world_said *said = world_now_says(i);
                bool hang_up = answer->hang_up;
                c->held = answer->hold;
                answer->count++;
                if (!c->held)
                        world_send(c, said);
                if (hang_up)
                        world_close(c);
                return;
        }
        _exit(3);
}

static void world_hear(struct world_connection *c)
{
        ssize_t n = read(c->fd, c->call + c->len, sizeof c->call - c->len - 1);
        if (n <= 0) {
                world_close(c);
                return;
        }
        c->len += (size_t)n;
        if (c->call[c->len - 1] == '\0') {
                world_answer_call(c);
                c->len = 0;
        }
}

static void world_release(struct world_connection *c, enum world_method method)
{
        c->held = false;
        world_send(c, world_now_says(method));
}

/* 'p': the picture for all who watch. 'l', 's': the answers that were held. 'w': the end of those who watch. 'c': everybody's. 'q':
 * ours. */
static void world_obey(struct world_connection connections[WORLD_CONNECTIONS])
{
        char order = 0;
        if (read(world->orders[0], &order, 1) != 1 || order == 'q')
                _exit(0);
        for (size_t i = 0; i < WORLD_CONNECTIONS; i++) {
                struct world_connection *c = &connections[i];
                if (c->fd >= 0 && c->watches && order == 'p')
                        world_send(c, world_now_says(WORLD_WATCH));
                else if (c->fd >= 0 && c->held && (order == 'l' || order == 's'))
                        world_release(c, order == 'l' ? WORLD_LIST : WORLD_SIGN);
                else if (c->fd >= 0 && (order == 'c' || (order == 'w' && c->watches)))
                        world_close(c);
        }
        if (write(world->done[1], &order, 1) != 1)
                _exit(4);
}

static void world_accept(int listener, struct world_connection connections[WORLD_CONNECTIONS])
{
        int fd = accept(listener, NULL, NULL);
        for (size_t i = 0; fd >= 0 && i < WORLD_CONNECTIONS; i++)
                if (connections[i].fd < 0) {
                        connections[i] = (struct world_connection){ .fd = fd };
                        return;
                }
        close(fd);
}

static void world_serve(int listener)
{
        static struct world_connection connections[WORLD_CONNECTIONS];
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        for (size_t i = 0; i < WORLD_CONNECTIONS; i++)
                connections[i].fd = -1;
        for (;;) {
                struct pollfd polled[WORLD_CONNECTIONS + 2] = { { .fd = listener,
                                                                        .events = POLLIN },
                        { .fd = world->orders[0], .events = POLLIN } };
                for (size_t i = 0; i < WORLD_CONNECTIONS; i++)
                        polled[i + 2] =
                                (struct pollfd){ .fd = connections[i].fd, .events = POLLIN };
                poll(polled, ARRAY_LEN(polled), -1);
                for (size_t i = 0; i < WORLD_CONNECTIONS; i++)
                        if (connections[i].fd >= 0 && polled[i + 2].revents)
                                world_hear(&connections[i]);
                if (polled[0].revents)
                        world_accept(listener, connections);
                if (polled[1].revents)
                        world_obey(connections);
        }
}

static _unused_ void world_order(char order)
{
        char done;
        assert_int_equal(write(world->orders[1], &order, 1), 1);
        assert_int_equal(read(world->done[0], &done, 1), 1);
}

static void world_start(void)
{
        struct sockaddr_un address = { .sun_family = AF_UNIX };
        world = mmap(
                NULL, sizeof *world, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
        assert_ptr_not_equal(world, MAP_FAILED);
        snprintf(world->path, sizeof world->path, "/tmp/mohr-p11-%d.sock", (int)getpid());
        unlink(world->path);
        memcpy(address.sun_path, world->path, strlen(world->path) + 1);
        int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        assert_int_equal(bind(listener, (struct sockaddr *)&address, sizeof address), 0);
        assert_int_equal(listen(listener, WORLD_CONNECTIONS), 0);
        assert_int_equal(pipe(world->orders), 0);
        assert_int_equal(pipe(world->done), 0);
        setenv("MOHR_SOCKET", world->path, 1);
        world_server = fork();
        if (world_server == 0)
                world_serve(listener);
        close(listener);
}

static void world_stop(void)
{
        int status;
        assert_int_equal(write(world->orders[1], "q", 1), 1);
        assert_int_equal(waitpid(world_server, &status, 0), world_server);
        assert_int_equal(status, 0);
        for (size_t i = 0; i < 2; i++) {
                close(world->orders[i]);
                close(world->done[i]);
        }
        unlink(world->path);
        munmap(world, sizeof *world);
}

/* Until `counter` is at least so much, for a minute. */
static _unused_ bool world_reaches(const _Atomic unsigned int *counter, unsigned int least)
{
        for (int i = 0; i < 60000 && *counter < least; i++)
                poll(NULL, 0, 1);
        return *counter >= least;
}

/* ---- What it says ---- */

_printf_(2, 3) static void world_says(enum world_method method, const char *format, ...)
{
        struct world_answer *answer = &world->answers[method];
        va_list args;
        va_start(args, format);
        int len = vsnprintf(answer->bytes, sizeof answer->bytes, format, args);
        va_end(args);
        assert_true(len > 0 && (size_t)len < sizeof answer->bytes);
        answer->len = (size_t)len + 1;
        answer->hang_up = answer->hold = false;
}

#define WORLD_READER(name, state)                                                                  \
        "{\"name\":\"" name "\",\"driver\":\"pcsc\",\"state\":\"" state "\",\"simulated\":false}"
#define WORLD_A(state) WORLD_READER("Test A", state)
#define WORLD_B(state) WORLD_READER("Test B", state)

static void world_readers(const char *readers)
{
        world_says(WORLD_STATUS,
                "{\"parameters\":{\"version\":\"1\",\"readers\":[%s],\"backends\":[]}}", readers);
        world_says(WORLD_WATCH,
                "{\"parameters\":{\"readers\":[%s],\"backends\":[]},\"continues\":true}", readers);
}

static _unused_ void world_fails(enum world_method method, const char *error)
{
        world_says(method, "{\"error\":\"%s\",\"parameters\":{\"request\":\"r\"}}", error);
}

#define ALL_DATA                                                                                   \
        "\"SHA256-RSA-PKCS\",\"SHA384-RSA-PKCS\",\"SHA512-RSA-PKCS\",\"SHA256-RSA-PSS\","          \
        "\"SHA384-RSA-PSS\",\"SHA512-RSA-PSS\",\"Another\""
#define ALL_HASH "\"RSA-PKCS\",\"RSA-PSS\""

static char *world_base64(X509 *cert)
{
        unsigned char *der = NULL;
        int len = i2d_X509(cert, &der);
        assert_true(len > 0);
        char *text = malloc(base64_encoded_len(BASE64_STANDARD, (size_t)len) + 1);
        base64_encode(BASE64_STANDARD, text, der, (size_t)len);
        OPENSSL_free(der);
        return text;
}

/* One RSA key, "01"; `hash` may be "". */
static void world_card(const struct testpki *pki, const char *card, const char *hash)
{
        _cleanup_free_ char *leaf = world_base64(pki->leaf), *issuer = world_base64(pki->ca);
        world_says(WORLD_LIST,
                "{\"parameters\":{\"request\":\"r\",\"card\":\"%s\",\"simulated\":false,\"keys\":[{"
                "\"use\":\"signature\",\"id\":\"01\",\"label\":\"Digital "
                "signature\",\"certificate\":\"%s\","
                "\"issuer\":\"%s\",\"key_type\":\"rsa\",\"bits\":2048,\"data_mechanisms\":"
                "[" ALL_DATA "],\"hash_mechanisms\":[%s]}]}}",
                card, leaf, issuer, hash);
}

static _unused_ void world_signature(size_t len)
{
        uint8_t bytes[600];
        char text[900];
        assert_true(len <= sizeof bytes);
        memset(bytes, 0x5A, sizeof bytes);
        base64_encode(BASE64_STANDARD, text, bytes, len);
        world_says(WORLD_SIGN, "{\"parameters\":{\"request\":\"r\",\"signature\":\"%s\"}}", text);
}

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* screen_world.h: a server with the methods of mohr.Person, and clients of this process that speak to it. Whether a
 * client may hold the role is world.admitted; test_screen_who.c has the real rule. */
#ifndef MOHR_TESTS_SCREEN_WORLD_H
#define MOHR_TESTS_SCREEN_WORLD_H

#include "base/outcome.h"
#include "daemon/peer.h"
#include "daemon/screen_internal.h"
#include "daemon/varlink.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/eventfd.h>
#include <sys/pidfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <cmocka.h>

static struct screen_world {
        sd_event *event;
        struct server *server;
        struct config config;
        struct screen *screen;
        struct screen_question *question;
        struct secret *pin;
        struct sockaddr_un address;
        socklen_t address_len;
        int listen_fd, serving;
        bool admitted, keep; /* `keep`: done() does not take the question down */
        unsigned int dones;
        struct person_answer answer;
        char ticket[SCREEN_TICKET_LEN + 1];
        char frame[16384];
} world;

/* Valgrind of Debian 12 knows no such call. Under it the process of a screen never ends, which only tests without it watch. */
int pidfd_open(pid_t pid, unsigned int flags)
{
        if (getenv("MOHR_VALGRIND"))
                return eventfd(0, EFD_CLOEXEC);
        return (int)syscall(SYS_pidfd_open, pid, flags);
}

static const struct log quiet = { .program = "test", .max = 0, .fd = 2 };

const char *screen_refusal(const struct config *config, const struct peer *peer)
{
        assert_ptr_equal(config, &world.config);
        assert_int_equal(peer->uid, geteuid());
        return world.admitted ? NULL : "a test";
}

static const struct server_method methods[] = {
        { "mohr.Person.Serve", screen_serve, 0, 0 },
        { "mohr.Person.Answer", screen_answer, 0, 1 },
        { 0 },
};
static const struct server_interface interfaces[] = { { "mohr.Person", "interface mohr.Person" },
        { 0 } };

static int listen_here(void)
{
        world.address = (struct sockaddr_un){ .sun_family = AF_UNIX };
        world.address_len = sizeof world.address;
        world.listen_fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
        return bind(world.listen_fd, (struct sockaddr *)&world.address,
                       sizeof world.address.sun_family) < 0 ||
               listen(world.listen_fd, 16) < 0 ||
               getsockname(world.listen_fd, (struct sockaddr *)&world.address, &world.address_len) <
                       0;
}

static int world_up(void **state)
{
        (void)state;
        world = (struct screen_world){ .admitted = true, .serving = -1 };
        if (listen_here() || sd_event_new(&world.event) < 0 || secret_new(&world.pin, 64) < 0 ||
                screen_new(&world.screen, world.event, &world.config, &quiet) < 0 ||
                server_new(&world.server, world.event, world.listen_fd, methods, interfaces,
                        world.screen, &quiet) < 0)
                return -1;
        return 0;
}

static int world_down(void **state)
{
        (void)state;
        if (world.serving >= 0)
                close(world.serving);
        server_free(world.server);
        world.question = screen_take_down(world.question);
        screen_free(world.screen);
        secret_free(world.pin);
        sd_event_unref(world.event);
        close(world.listen_fd);
        return 0;
}

static void run_idle(void)
{
        while (sd_event_run(world.event, 0) > 0)
                ;
}

static int dial(void)
{
        int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        assert_int_equal(connect(fd, (struct sockaddr *)&world.address, world.address_len), 0);
        return fd;
}

/* A frame with ' for ", and perhaps a descriptor with it. */
static void say(int to, const char *text, int passed)
{
        char frame[2048];
        union {
                char bytes[CMSG_SPACE(sizeof(int))];
                struct cmsghdr aligned;
        } control = { 0 };
        size_t len = strlen(text);
        assert_true(len < sizeof frame);
        for (size_t i = 0; i <= len; i++)
                frame[i] = (char)(text[i] == '\'' ? '"' : text[i]);
        struct iovec iov = { .iov_base = frame, .iov_len = len + 1 };
        struct msghdr message = { .msg_iov = &iov, .msg_iovlen = 1 };
        if (passed >= 0) {
                message.msg_control = control.bytes;
                message.msg_controllen = sizeof control.bytes;
                struct cmsghdr *header = CMSG_FIRSTHDR(&message);
                *header = (struct cmsghdr){ .cmsg_level = SOL_SOCKET,
                        .cmsg_type = SCM_RIGHTS,
                        .cmsg_len = CMSG_LEN(sizeof passed) };
                memcpy(CMSG_DATA(header), &passed, sizeof passed);
        }
        assert_int_equal(sendmsg(to, &message, MSG_NOSIGNAL), (ssize_t)len + 1);
}

/* One frame with ' for ", "" if there is none, "closed". */
static const char *hear(int from)
{
        run_idle();
        for (size_t len = 0; len < sizeof world.frame; len++) {
                ssize_t n = recv(from, world.frame + len, 1, MSG_DONTWAIT);
                if (n == 0 || (n < 0 && errno == ECONNRESET))
                        return "closed";
                if (n < 0)
                        return "";
                if (world.frame[len] == '"')
                        world.frame[len] = '\'';
                if (world.frame[len] == '\0')
                        return world.frame;
        }
        return "too long";
}

#define SERVE       "{'method':'mohr.Person.Serve','more':true}"
#define SERVING     "{'continues':true,'parameters':{'event':'serving'}}"
#define TAKEN       "{'parameters':{}}"
#define FAILED(why) "{'error':'mohr.Person." why "','parameters':{}}"
#define INVALID(name)                                                                              \
        "{'error':'org.varlink.service.InvalidParameter','parameters':{'parameter':'" name "'}}"

/* The order of members is jansson's business. */
static bool same_json(const char *got, const char *wanted)
{
        char texts[2][4096];
        const char *from[] = { got, wanted };
        for (size_t k = 0; k < 2; k++) {
                size_t i = 0;
                for (; from[k][i] && i < sizeof texts[k] - 1; i++)
                        texts[k][i] = (char)(from[k][i] == '\'' ? '"' : from[k][i]);
                texts[k][i] = '\0';
        }
        _cleanup_message_ json_t *a = json_loads(texts[0], 0, NULL);
        _cleanup_message_ json_t *b = json_loads(texts[1], 0, NULL);
        return a && b && json_equal(a, b);
}

_unused_ static void assert_hears(int from, const char *wanted)
{
        const char *got = hear(from);
        if (strcmp(got, wanted) != 0 && !same_json(got, wanted))
                fail_msg("heard %s instead of %s", got, wanted);
}

_unused_ static void take_role(void)
{
        world.serving = dial();
        say(world.serving, SERVE, -1);
        assert_hears(world.serving, SERVING);
        assert_true(screen_is_there(world.screen));
}

static void done(void *user, const struct person_answer *answer)
{
        assert_ptr_equal(user, &world);
        world.dones++;
        world.answer = *answer;
        if (!world.keep)
                world.question = screen_take_down(world.question);
}

static struct person_question plain(void)
{
        return (struct person_question){
                .request = "0123456789abcdef",
                .app = "/usr/bin/office",
                .audience = "https://office.example",
                .given_name = "نمونه",
                .family_name = "آزمایشی",
                .card_number = "0099900007",
                .reader = "Test A 00 00",
                .tries_left = 3,
                .timeout_s = 60,
                .required = CLAIM_CARD_EXPIRY,
                .optional = CLAIM_READER | CLAIM_STATION,
        };
}

_unused_ static int ask(const struct person_question *question, struct secret *pin)
{
        return screen_ask(&world.question, world.screen, question, pin, done, &world);
}

/* The question comes to the screen, whose ticket is learnt; what it heard. */
_unused_ static const char *hear_question(void)
{
        const char *heard = hear(world.serving);
        const char *at = strstr(heard, "'ticket':'");
        assert_non_null(at);
        memcpy(world.ticket, at + strlen("'ticket':'"), SCREEN_TICKET_LEN);
        return heard;
}

/* Answers the open question on a connection of its own: what is heard. */
_unused_ static const char *answer_on(int fd, const char *rest, int passed)
{
        char text[1024];
        snprintf(text, sizeof text,
                "{'method':'mohr.Person.Answer','parameters':{'ticket':'%s',%s}}", world.ticket,
                rest);
        say(fd, text, passed);
        return hear(fd);
}

_unused_ static const char *answer(const char *rest, int passed)
{
        _cleanup_close_ int fd = dial();
        return answer_on(fd, rest, passed);
}

/* The read end of a pipe with these bytes in it; its other end is closed, or left in *ret_writer. */
_unused_ static int pipe_with(const void *bytes, size_t len, int *ret_writer)
{
        int ends[2];
        assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
        assert_int_equal(write(ends[1], bytes, len), (ssize_t)len);
        if (ret_writer)
                *ret_writer = ends[1];
        else
                close(ends[1]);
        return ends[0];
}

_unused_ static bool wiped(void)
{
        for (size_t i = 0; i < world.pin->cap; i++)
                if (world.pin->data[i])
                        return false;
        return world.pin->len == 0;
}

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* test_link.c: a connection is proven only between the two whose files say so, and frames come out as they went in.
 */
#include "client-sdk/link/internal.h"
#include "tests/unit/link_world.h"
#include "tests/unit/worn_out.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <openssl/pem.h>
#include <seccomp.h>
#include <sys/wait.h>

static void paired_devices_find_each_other(void **state)
{
        struct link_world *w = *state;
        struct shaken s = shake_hands(w->computers, &w->computer);
        assert_int_equal(s.at_computer, 0);
        assert_int_equal(s.at_phone, 0);
        assert_string_equal(link_id(s.phone), WORLD_ID);
        assert_string_equal(link_id(s.computer), WORLD_ID);
        assert_false(link_showed_next(s.phone) || link_showed_next(s.computer));
        hang_up(&s);
}

static void frames_of_every_length_come_through(void **state)
{
        static const size_t lengths[] = { 0, 1, 2, 255, 16380, 16384, 16385, LINK_FRAME_MAX - 1 };
        static uint8_t body[LINK_FRAME_MAX];
        struct link_world *w = *state;
        struct shaken s = shake_hands(w->computers, &w->computer);
        for (size_t i = 0; i < sizeof body; i++)
                body[i] = (uint8_t)(i * 7);
        for (size_t i = 0; i < ARRAY_LEN(lengths); i++) {
                enum link_type type = 0;
                struct link *from = i % 2 ? s.phone : s.computer,
                            *to = i % 2 ? s.computer : s.phone;
                assert_int_equal(link_send(from, LINK_OP, body, lengths[i]), 0);
                assert_int_equal(take_frame(to, w->buf, &type), 0);
                assert_int_equal(type, LINK_OP);
                assert_int_equal(w->buf->len, lengths[i]);
                assert_memory_equal(w->buf->data, body, lengths[i]);
                assert_false(link_pending(to));
        }
        assert_int_equal(link_send(s.phone, LINK_OP, body, LINK_FRAME_MAX), -EMSGSIZE);
        hang_up(&s);
}

static void a_secret_comes_through_once(void **state)
{
        struct link_world *w = *state;
        struct shaken s = shake_hands(w->computers, &w->computer);
        enum link_type type = 0;
        for (int i = 0; i < 3; i++) {
                assert_int_equal(link_send_secret(s.computer,
                                         "\x01\x0A"
                                         "1234",
                                         6),
                        0);
                assert_int_equal(take_frame(s.phone, w->buf, &type), 0);
                assert_int_equal(type, LINK_SECRET);
                assert_int_equal(w->buf->len, 6);
                assert_memory_equal(w->buf->data,
                        "\x01\x0A"
                        "1234",
                        6);
        }
        assert_int_equal(link_send_secret(s.phone, "1234", 4), -EINVAL);
        hang_up(&s);
}

/* The helper that connects is in its sandbox by then: whoever makes it open something is killed. */
static void connect_in_a_sandbox(int fd, const struct link_peer *own)
{
        static const int calls[] = { SCMP_SYS(open), SCMP_SYS(openat), SCMP_SYS(socket),
                SCMP_SYS(connect), SCMP_SYS(readlink), SCMP_SYS(newfstatat), SCMP_SYS(stat) };
        scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ALLOW);
        struct secret *buf = NULL;
        struct link *link = NULL;
        enum link_type type = 0;
        int r = link_connect(&link, fd, own);
        if (r == 0)
                r = secret_new(&buf, LINK_FRAME_MAX);
        for (size_t i = 0; i < ARRAY_LEN(calls); i++)
                (void)!seccomp_rule_add(filter, SCMP_ACT_KILL_PROCESS, calls[i], 0);
        if (r < 0 || seccomp_load(filter) < 0)
                _exit(2);
        struct pollfd poller = { fd, POLLIN, 0 };
        while ((r = link_handshake(link)) == -EAGAIN)
                poll(&poller, 1, -1);
        if (r < 0 || link_send_secret(link, "1234", 4) < 0)
                _exit(3);
        while ((r = link_recv(link, &type, buf)) == -EAGAIN)
                poll(&poller, 1, -1);
        link_free(link);
        _exit(r == 0 && type == LINK_PONG ? 0 : 4);
}

static void a_connection_opens_nothing_once_it_is_made(void **state)
{
        struct link_world *w = *state;
        struct link *phone = NULL;
        enum link_type type = 0;
        int fds[2], status = 0, r;
        socket_pair(fds);
        pid_t child = fork();
        if (child == 0)
                connect_in_a_sandbox(fds[0], &w->computer);
        close(fds[0]);
        struct pollfd poller = { fds[1], POLLIN, 0 };
        assert_int_equal(link_accept(&phone, fds[1], w->computers), 0);
        while ((r = link_handshake(phone)) == -EAGAIN)
                poll(&poller, 1, -1);
        assert_int_equal(r, 0);
        while ((r = link_recv(phone, &type, w->buf)) == -EAGAIN)
                poll(&poller, 1, -1);
        assert_int_equal(r, 0);
        assert_int_equal(link_send(phone, LINK_PONG, "0000", 4), 0);
        assert_int_equal(waitpid(child, &status, 0), child);
        assert_int_equal(status, 0);
        link_free(phone);
}

/* ---- who is not let in ---- */

static void expect_strangers(struct shaken *s, int at_computer, int at_phone)
{
        enum link_type type;
        struct secret *buf = NULL;
        assert_int_equal(secret_new(&buf, LINK_FRAME_MAX), 0);
        assert_int_equal(s->at_phone, at_phone);
        if (s->at_computer == 0) /* it was told after its own handshake was done */
                s->at_computer = take_frame(s->computer, buf, &type);
        assert_int_equal(s->at_computer, at_computer);
        assert_int_equal(link_send(s->phone, LINK_OP, "x", 1), -ENOTCONN);
        secret_free(buf);
        hang_up(s);
}

static void a_pairing_that_is_forgotten_is_over_at_once(void **state)
{
        struct link_world *w = *state;
        assert_int_equal(link_store_remove(w->computers, WORLD_ID), 0);
        struct shaken s = shake_hands(w->computers, &w->computer);
        expect_strangers(&s, -EACCES, -EACCES);
        s = shake_hands("/nonexistent", &w->computer);
        expect_strangers(&s, -EACCES, -EACCES);
        assert_int_equal(link_store_put(w->computers, &w->phone), 0);
}

/* Who knows the id of a pairing, and has seen its certificates, but none of its keys. */
static void nobody_else_is_taken_for_either_side(void **state)
{
        struct link_world *w = *state;
        struct link_peer computer = { 0 }, phone = { 0 };
        pair_up(&computer, &phone, WORLD_ID);
        memcpy(computer.peer_print, w->computer.peer_print, LINK_PRINT);
        struct shaken s = shake_hands(w->computers, &computer);
        expect_strangers(&s, -EACCES, -EACCES);
        char folder[96];
        snprintf(folder, sizeof folder, "%s/false", w->dir);
        memcpy(phone.peer_print, w->phone.peer_print, LINK_PRINT);
        assert_int_equal(link_store_put(folder, &phone), 0);
        s = shake_hands(folder, &w->computer);
        expect_strangers(&s, -EACCES, -EACCES);
        link_peer_clear(&computer);
        link_peer_clear(&phone);
}

/* Paired, but the tag is another pairing's. */
static void one_pairing_does_not_open_another(void **state)
{
        struct link_world *w = *state;
        struct link_peer computer = { 0 }, phone = { 0 };
        pair_up(&computer, &phone, "fedcba9876543210");
        assert_int_equal(link_store_put(w->computers, &phone), 0);
        snprintf(computer.id, sizeof computer.id, WORLD_ID);
        struct shaken s = shake_hands(w->computers, &computer);
        expect_strangers(&s, -EACCES, -EACCES);
        link_peer_clear(&computer);
        link_peer_clear(&phone);
        assert_int_equal(link_store_remove(w->computers, "fedcba9876543210"), 0);
}

static void an_expired_certificate_is_told_apart(void **state)
{
        struct link_world *w = *state;
        for (int of_phone = 0; of_phone < 2; of_phone++) {
                struct link_peer computer = { 0 }, phone = { 0 };
                char folder[96];
                snprintf(folder, sizeof folder, "%s/expired", w->dir);
                pair_up(&computer, &phone, WORLD_ID);
                wear_out(of_phone ? &phone : &computer);
                assert_int_equal(link_identity_print(phone.certificate, computer.peer_print), 0);
                assert_int_equal(link_identity_print(computer.certificate, phone.peer_print), 0);
                assert_int_equal(link_store_put(folder, &phone), 0);
                struct shaken s = shake_hands(folder, &computer);
                assert_int_equal(s.at_phone, -EACCES);
                assert_true(s.at_computer == -EACCES ||
                            (s.at_computer == 0 && take_frame(s.computer, w->buf,
                                                           &(enum link_type){ 0 }) == -EACCES));
                assert_true(link_expired(s.computer) && link_expired(s.phone));
                hang_up(&s);
                link_peer_clear(&computer);
                link_peer_clear(&phone);
        }
        struct shaken s = shake_hands("/nonexistent", &w->computer);
        assert_false(link_expired(s.computer) || link_expired(s.phone));
        hang_up(&s);
}

/* ---- who speaks otherwise ---- */

struct habit {
        const char *what;
        int version; /* 0: TLS 1.3 */
        bool no_certificate, no_tag, false_tag;
        const char *suites, *groups;
        int at_phone;
};

static const struct habit habits[] = {
        { "as we do", 0, false, false, false, NULL, NULL, 0 },
        { "TLS 1.2", TLS1_2_VERSION, false, false, false, NULL, NULL, -EPROTO },
        { "no certificate", 0, true, false, false, NULL, NULL, -EACCES },
        { "no tag", 0, false, true, false, NULL, NULL, -EACCES },
        { "a tag that is none", 0, false, false, true, NULL, NULL, -EACCES },
        { "another suite", 0, false, false, false, "TLS_AES_128_CCM_SHA256", NULL, -EPROTO },
        { "another group", 0, false, false, false, NULL, "P-521", -EPROTO },
};

struct raw {
        SSL_CTX *context;
        SSL *ssl;
};

static struct raw raw_new(
        int fd, const struct link_peer *own, const struct habit *habit, bool listens)
{
        struct raw raw = { SSL_CTX_new(listens ? TLS_server_method() : TLS_client_method()), NULL };
        char tag[LINK_TAG_LEN + 1];
        fcntl(fd, F_SETFL, O_NONBLOCK);
        if (habit->version)
                SSL_CTX_set_max_proto_version(raw.context, habit->version);
        if (habit->suites)
                assert_int_equal(SSL_CTX_set_ciphersuites(raw.context, habit->suites), 1);
        if (habit->groups)
                assert_int_equal(SSL_CTX_set1_groups_list(raw.context, habit->groups), 1);
        raw.ssl = SSL_new(raw.context);
        assert_int_equal(SSL_set_fd(raw.ssl, fd), 1);
        if (!habit->no_certificate)
                assert_int_equal(link_show(raw.ssl, own->key, own->certificate), 0);
        assert_int_equal(link_call_make(own->id, tag), 0);
        if (!habit->no_tag)
                SSL_set_tlsext_host_name(raw.ssl, habit->false_tag ? "phone.example" : tag);
        if (listens)
                SSL_set_accept_state(raw.ssl);
        else
                SSL_set_connect_state(raw.ssl);
        return raw;
}

static void raw_free(struct raw *raw, int fd)
{
        SSL_free(raw->ssl);
        SSL_CTX_free(raw->context);
        close(fd);
}

static int raw_turns(struct raw *raw, struct link *link)
{
        int r = -EAGAIN;
        for (int turn = 0; turn < 64; turn++) {
                SSL_do_handshake(raw->ssl);
                if (r == -EAGAIN)
                        r = link_handshake(link);
        }
        return r;
}

static void who_speaks_otherwise_is_not_answered(void **state)
{
        struct link_world *w = *state;
        for (size_t i = 0; i < ARRAY_LEN(habits); i++) {
                int fds[2];
                struct link *phone = NULL;
                socket_pair(fds);
                struct raw raw = raw_new(fds[0], &w->computer, &habits[i], false);
                assert_int_equal(link_accept(&phone, fds[1], w->computers), 0);
                int r = raw_turns(&raw, phone);
                if (r != habits[i].at_phone)
                        fail_msg("%s: %d", habits[i].what, r);
                /* Who names no pairing learns nothing of who listens here. */
                if (habits[i].no_tag || habits[i].false_tag)
                        assert_null(SSL_get0_peer_certificate(raw.ssl));
                link_free(phone);
                raw_free(&raw, fds[0]);
        }
}

/* Only what a computer said itself has a phone show its certificate; what is announced to everybody has not. */
static void a_tag_that_was_heard_shows_the_same_phone_again(void **state)
{
        struct link_world *w = *state;
        char called[LINK_TAG_LEN + 1], announced[LINK_TAG_LEN + 1];
        assert_int_equal(link_call_make(WORLD_ID, called), 0);
        assert_int_equal(link_tag_make(WORLD_ID, announced), 0);
        const char *const tags[] = { called, called, announced };
        for (size_t i = 0; i < ARRAY_LEN(tags); i++) {
                const struct habit stranger = { .no_certificate = true };
                struct link *phone = NULL;
                uint8_t print[LINK_PRINT];
                int fds[2];
                socket_pair(fds);
                struct raw raw = raw_new(fds[0], &w->computer, &stranger, false);
                SSL_set_tlsext_host_name(raw.ssl, tags[i]);
                assert_int_equal(link_accept(&phone, fds[1], w->computers), 0);
                assert_int_equal(raw_turns(&raw, phone), -EACCES);
                X509 *shown = SSL_get0_peer_certificate(raw.ssl);
                assert_int_equal(shown != NULL, tags[i] == called);
                if (shown) {
                        assert_int_equal(link_certificate_print(shown, print), 0);
                        assert_memory_equal(print, w->computer.peer_print, LINK_PRINT);
                }
                link_free(phone);
                raw_free(&raw, fds[0]);
        }
}

static void a_false_phone_is_not_believed(void **state)
{
        struct link_world *w = *state;
        static const struct {
                struct habit habit;
                int at_computer;
        } rows[] = {
                { { .what = "the true one" }, 0 },
                { { .what = "TLS 1.2", .version = TLS1_2_VERSION }, -EPROTO },
                { { .what = "no certificate", .no_certificate = true }, -EPROTO },
        };
        for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
                int fds[2];
                struct link *computer = NULL;
                socket_pair(fds);
                struct raw raw = raw_new(fds[0], &w->phone, &rows[i].habit, true);
                assert_int_equal(link_connect(&computer, fds[1], &w->computer), 0);
                int r = raw_turns(&raw, computer);
                if (r != rows[i].at_computer)
                        fail_msg("%s: %d", rows[i].habit.what, r);
                link_free(computer);
                raw_free(&raw, fds[0]);
        }
}

static void a_session_is_not_resumed(void **state)
{
        struct link_world *w = *state;
        int fds[2];
        struct link *phone = NULL;
        SSL_SESSION *session = NULL;
        for (int again = 0; again < 2; again++) {
                socket_pair(fds);
                struct raw raw = raw_new(fds[0], &w->computer, &habits[0], false);
                if (session)
                        SSL_set_session(raw.ssl, session);
                assert_int_equal(link_accept(&phone, fds[1], w->computers), 0);
                assert_int_equal(raw_turns(&raw, phone), 0);
                assert_int_equal(SSL_session_reused(raw.ssl), 0);
                char c;
                assert_int_not_equal(SSL_read(raw.ssl, &c, 1), 1); /* a ticket would come here */
                SSL_SESSION_free(session);
                session = SSL_get1_session(raw.ssl);
                assert_int_equal(SSL_SESSION_is_resumable(session), 0);
                link_free(phone);
                raw_free(&raw, fds[0]);
        }
        SSL_SESSION_free(session);
}

/* ---- who sends what no device would ---- */

static ssize_t push(int fd, const void *data, size_t len)
{
        return send(fd, data, len, MSG_NOSIGNAL | MSG_DONTWAIT);
}

static void nobody_is_heard_for_ever(void **state)
{
        struct link_world *w = *state;
        static const uint8_t hello[5] = { 22, 3, 1, 0x40, 0 },
                             rest[2048] = { 1, 0, 0x3F, 0xFC, 3, 3 };
        static const uint8_t garbage[64] = "GET / HTTP/1.1\r\n\r\n";
        struct link *phone = NULL;
        int fds[2], r = -EAGAIN;
        socket_pair(fds);
        assert_int_equal(link_accept(&phone, fds[1], w->computers), 0);
        push(fds[0], garbage, sizeof garbage);
        assert_int_equal(link_handshake(phone), -EPROTO);
        phone = link_free(phone);
        close(fds[0]);
        socket_pair(fds);
        assert_int_equal(link_accept(&phone, fds[1], w->computers), 0);
        for (int i = 0; i < 64 && r == -EAGAIN; i++) {
                if (i % 8 == 0)
                        push(fds[0], hello, sizeof hello);
                push(fds[0], rest, sizeof rest);
                r = link_handshake(phone);
        }
        assert_int_equal(r, -EPROTO);
        link_free(phone);
        close(fds[0]);
}

static void frames_out_of_shape_end_it(void **state)
{
        static const struct {
                size_t len;
                uint8_t bytes[8];
        } rows[] = {
                { 3, { 0, 0, 3 } },       /* shorter than its type */
                { 3, { 0xFF, 0xFF, 3 } }, /* longer than any */
                { 2, { 0x52, 0x01 } },    /* by one byte */
                { 3, { 0, 1, 0 } },       /* no such type */
                { 3, { 0, 1, 11 } },
                { 3, { 0, 1, 48 } },
                { 4, { 0, 2, LINK_SECRET, 1 } }, /* a secret that nobody sealed */
                { 3, { 0, 1, LINK_SECRET } },
        };
        struct link_world *w = *state;
        for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
                int fds[2];
                struct link *phone = NULL;
                enum link_type type = 0;
                socket_pair(fds);
                struct raw raw = raw_new(fds[0], &w->computer, &habits[0], false);
                assert_int_equal(link_accept(&phone, fds[1], w->computers), 0);
                assert_int_equal(raw_turns(&raw, phone), 0);
                assert_int_equal(
                        SSL_write(raw.ssl, rows[i].bytes, (int)rows[i].len), (int)rows[i].len);
                if (take_frame(phone, w->buf, &type) != -EBADMSG)
                        fail_msg("row %zu", i);
                link_free(phone);
                raw_free(&raw, fds[0]);
        }
}

/* Byte by byte, each in a record of its own, and with nothing in between. */
static void a_slow_frame_is_waited_for(void **state)
{
        static const uint8_t frame[] = { 0, 4, LINK_OP, 'a', 'b', 'c' };
        struct link_world *w = *state;
        struct link *phone = NULL;
        enum link_type type = 0;
        int fds[2];
        socket_pair(fds);
        struct raw raw = raw_new(fds[0], &w->computer, &habits[0], false);
        assert_int_equal(link_accept(&phone, fds[1], w->computers), 0);
        assert_int_equal(raw_turns(&raw, phone), 0);
        for (size_t i = 0; i < sizeof frame; i++) {
                assert_int_equal(link_recv(phone, &type, w->buf), -EAGAIN);
                assert_false(link_pending(phone));
                assert_int_equal(SSL_write(raw.ssl, frame + i, 1), 1);
        }
        assert_int_equal(link_recv(phone, &type, w->buf), 0);
        assert_int_equal(w->buf->len, 3);
        assert_memory_equal(w->buf->data, "abc", 3);
        for (int i = 0; i < 1000; i++) { /* new keys: each time an answer is made */
                assert_int_equal(SSL_key_update(raw.ssl, SSL_KEY_UPDATE_REQUESTED), 1);
                SSL_do_handshake(raw.ssl);
                if (i % 100 == 0)
                        assert_int_equal(link_recv(phone, &type, w->buf), -EAGAIN);
        }
        for (int i = 0; i < 100; i++)
                assert_int_equal(link_recv(phone, &type, w->buf), -EAGAIN);
        assert_true(BIO_ctrl_pending(phone->out) < LINK_QUEUE_MAX);
        assert_int_equal(link_flush(phone), 0);
        assert_int_equal(link_wants(phone), POLLIN);
        close(fds[0]);
        assert_int_equal(take_frame(phone, w->buf, &type), -ECONNRESET);
        link_free(phone);
        SSL_free(raw.ssl);
        SSL_CTX_free(raw.context);
}

static void who_does_not_read_is_not_written_to(void **state)
{
        static const uint8_t body[16384];
        struct link_world *w = *state;
        struct shaken s = shake_hands(w->computers, &w->computer);
        enum link_type type = 0;
        int r = 0, sent = 0;
        for (; r == 0 && sent < 4096; sent++)
                r = link_send(s.phone, LINK_OP, body, sizeof body);
        assert_int_equal(r, -ENOBUFS);
        assert_true(BIO_ctrl_pending(s.phone->out) < LINK_QUEUE_MAX + 2 * sizeof body);
        assert_int_equal(link_wants(s.phone), POLLIN | POLLOUT);
        assert_int_equal(link_flush(s.phone), -EAGAIN);
        for (int i = 0; i < sent - 1; i++) { /* what was taken arrives, whole and in order */
                do {
                        (void)!link_flush(s.phone);
                        r = link_recv(s.computer, &type, w->buf);
                } while (r == -EAGAIN);
                assert_int_equal(r, 0);
                assert_int_equal(w->buf->len, sizeof body);
        }
        assert_int_equal(link_flush(s.phone), 0);
        assert_int_equal(link_recv(s.computer, &type, w->buf), -EAGAIN);
        hang_up(&s);
}

/* ---- secrets ---- */

/* The same TLS connection, spoken by a computer that knows the key of seals as well. */
static void a_seal_opens_once_and_in_its_place(void **state)
{
        struct link_world *w = *state;
        struct shaken s = shake_hands(w->computers, &w->computer);
        uint8_t first[LINK_SECRET_MAX + LINK_SEAL_TAG], second[sizeof first];
        const size_t len = 6 + LINK_SEAL_TAG;
        enum link_type type = 0;
        assert_int_equal(link_seal_close(s.computer, "123456", 6, first), 0);
        assert_int_equal(link_seal_close(s.computer, "123456", 6, second), 0);
        assert_memory_not_equal(first, second, len);
        assert_int_equal(link_send(s.computer, LINK_SECRET, second, len), 0);
        assert_int_equal(take_frame(s.phone, w->buf, &type), -EBADMSG); /* one is missing */
        assert_int_equal(link_send(s.computer, LINK_SECRET, first, len), 0);
        assert_int_equal(take_frame(s.phone, w->buf, &type), 0);
        assert_int_equal(link_send(s.computer, LINK_SECRET, first, len), 0);
        assert_int_equal(take_frame(s.phone, w->buf, &type), -EBADMSG); /* again */
        for (size_t i = 0; i < len; i++) {
                second[i] ^= 0x40;
                assert_int_equal(link_send(s.computer, LINK_SECRET, second, len), 0);
                assert_int_equal(take_frame(s.phone, w->buf, &type), -EBADMSG);
                for (size_t at = 0; at < w->buf->cap; at++)
                        assert_true(at >= len || w->buf->data[at] == 0);
                second[i] ^= 0x40;
        }
        assert_int_equal(link_send(s.computer, LINK_SECRET, second, len - 1), 0);
        assert_int_equal(take_frame(s.phone, w->buf, &type), -EBADMSG);
        assert_int_equal(link_send(s.computer, LINK_SECRET, second, len), 0);
        assert_int_equal(take_frame(s.phone, w->buf, &type), 0);
        assert_memory_equal(w->buf->data, "123456", 6);
        hang_up(&s);
}

static void a_seal_is_of_one_connection(void **state)
{
        struct link_world *w = *state;
        struct shaken a = shake_hands(w->computers, &w->computer);
        struct shaken b = shake_hands(w->computers, &w->computer);
        uint8_t sealed[LINK_SECRET_MAX + LINK_SEAL_TAG];
        enum link_type type = 0;
        assert_int_equal(link_seal_close(a.computer, "1234", 4, sealed), 0);
        assert_int_equal(link_send(b.computer, LINK_SECRET, sealed, 4 + LINK_SEAL_TAG), 0);
        assert_int_equal(take_frame(b.phone, w->buf, &type), -EBADMSG);
        a.computer->seal.count = 0;
        assert_int_equal(link_send(a.phone, LINK_SECRET, sealed, 4 + LINK_SEAL_TAG), 0);
        assert_int_equal(
                take_frame(a.computer, w->buf, &type), -EBADMSG); /* no phone sends a PIN */
        hang_up(&a);
        hang_up(&b);
}

/* ---- addresses ---- */

static void local_addresses_are_those_of_the_standards(void **state)
{
        static const struct {
                const char *text;
                bool local;
        } rows[] = {
                { "10.0.0.1", true },
                { "11.0.0.1", false },
                { "9.255.255.255", false },
                { "100.63.255.255", false },
                { "100.64.0.0", true },
                { "100.127.255.255", true },
                { "100.128.0.0", false },
                { "127.0.0.1", true },
                { "169.254.7.7", true },
                { "169.253.7.7", false },
                { "172.15.0.1", false },
                { "172.16.0.1", true },
                { "172.31.255.255", true },
                { "172.32.0.0", false },
                { "192.168.0.1", true },
                { "192.167.0.1", false },
                { "192.169.0.1", false },
                { "8.8.8.8", false },
                { "0.0.0.0", false },
                { "224.0.0.251", false },
                { "::1", true },
                { "::", false },
                { "fe80::1", true },
                { "febf::1", true },
                { "fec0::1", false },
                { "fc00::1", true },
                { "fdff::1", true },
                { "fe00::1", false },
                { "2001:db8::1", false },
                { "::2", false },
                { "::ffff:192.168.1.1", true },
                { "::ffff:8.8.8.8", false },
                { "ff02::fb", false },
        };
        (void)state;
        for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
                struct sockaddr_in v4 = { .sin_family = AF_INET };
                struct sockaddr_in6 v6 = { .sin6_family = AF_INET6 };
                bool six = strchr(rows[i].text, ':') != NULL;
                assert_int_equal(inet_pton(six ? AF_INET6 : AF_INET, rows[i].text,
                                         six ? (void *)&v6.sin6_addr : (void *)&v4.sin_addr),
                        1);
                bool local = link_is_local(six ? (void *)&v6 : (void *)&v4);
                if (local != rows[i].local)
                        fail_msg("%s", rows[i].text);
        }
        assert_false(link_is_local(&(struct sockaddr){ .sa_family = AF_UNIX }));
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(paired_devices_find_each_other),
                cmocka_unit_test(frames_of_every_length_come_through),
                cmocka_unit_test(a_secret_comes_through_once),
                cmocka_unit_test(a_connection_opens_nothing_once_it_is_made),
                cmocka_unit_test(a_pairing_that_is_forgotten_is_over_at_once),
                cmocka_unit_test(nobody_else_is_taken_for_either_side),
                cmocka_unit_test(one_pairing_does_not_open_another),
                cmocka_unit_test(an_expired_certificate_is_told_apart),
                cmocka_unit_test(who_speaks_otherwise_is_not_answered),
                cmocka_unit_test(a_tag_that_was_heard_shows_the_same_phone_again),
                cmocka_unit_test(a_false_phone_is_not_believed),
                cmocka_unit_test(a_session_is_not_resumed),
                cmocka_unit_test(nobody_is_heard_for_ever),
                cmocka_unit_test(frames_out_of_shape_end_it),
                cmocka_unit_test(a_slow_frame_is_waited_for),
                cmocka_unit_test(who_does_not_read_is_not_written_to),
                cmocka_unit_test(a_seal_opens_once_and_in_its_place),
                cmocka_unit_test(a_seal_is_of_one_connection),
                cmocka_unit_test(local_addresses_are_those_of_the_standards),
        };
        return cmocka_run_group_tests(tests, world_set_up, world_tear_down);
}

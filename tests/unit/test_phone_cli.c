/* SPDX-License-Identifier: Apache-2.0 */
/* test_phone_cli.c: what `mohr phone` and `mohr-relay pair` make of addresses, of pictures, of the machine's own addresses and of
 * phones that say something else than they should. How people meet it is tests/system/phone_pair.py's business.
 */
#include "base/bytes.h"
#include "base/outcome.h"
#include "client-sdk/cli/phone.h"
#include "client-sdk/cli/phone_qr.h"
#include "client-sdk/page/qr.h"
#include "tests/unit/link_world.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/wait.h>
#include <zlib.h>

/* ---- addresses ---- */

static void an_address_is_a_host_and_a_port(void **state)
{
        static const struct {
                const char *text, *host, *service; /* NULL: it is none */
                uint16_t port;
        } rows[] = {
                { "192.168.1.7:4000", "192.168.1.7", "4000", 0 },
                { "phone.local:1", "phone.local", "1", 0 },
                { "[fd00::7]:65535", "fd00::7", "65535", 0 },
                { "phone.local", "phone.local", "46647", LINK_PORT },
                { "[fd00::7]", "fd00::7", "46647", LINK_PORT },
                { "phone.local:80", "phone.local", "80", LINK_PORT },
                { "phone.local", NULL, NULL, 0 },
                { "", NULL, NULL, LINK_PORT },
                { ":80", NULL, NULL, LINK_PORT },
                { "[]:80", NULL, NULL, 0 },
                { "fd00::7", NULL, NULL, LINK_PORT },
                { "fd00::7:80", NULL, NULL, 0 },
                { "[fd00::7:80", NULL, NULL, 0 },
                { "[fd00::7]80", NULL, NULL, 0 },
                { "host:080", NULL, NULL, 0 },
                { "[host]:80", NULL, NULL, 0 },
                { "host%wlan0:80", NULL, NULL, 0 },
                { "host:0", NULL, NULL, LINK_PORT },
                { "host:65536", NULL, NULL, 0 },
                { "host:-1", NULL, NULL, 0 },
                { "host:+1", NULL, NULL, 0 },
                { "host: 1", NULL, NULL, 0 },
                { "host:80x", NULL, NULL, 0 },
                { "host:", NULL, NULL, LINK_PORT },
                { "ho st:80", NULL, NULL, 0 },
                { "host/path:80", NULL, NULL, 0 },
                { "me@host:80", NULL, NULL, 0 },
                { "two,hosts:80", NULL, NULL, 0 },
                { "[fe80::7%wlan0]:80", "fe80::7%wlan0", "80", 0 },
                { "h\xC3\xB6st:80", NULL, NULL, 0 },
                { "host\n:80", NULL, NULL, 0 },
        };
        (void)state;
        for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
                struct link_place address = { "untouched", "" };
                int r = link_place_read(rows[i].text, strlen(rows[i].text), rows[i].port, &address);
                assert_int_equal(r, rows[i].host ? 0 : -EINVAL);
                assert_string_equal(address.host, rows[i].host ? rows[i].host : "untouched");
                assert_string_equal(address.port, rows[i].host ? rows[i].service : "");
        }
        char text[LINK_ADDRESS_MAX + 8];
        struct link_place address;
        memset(text, 'a', sizeof text);
        snprintf(text + LINK_ADDRESS_MAX, 8, ":80");
        assert_int_equal(link_place_read(text, strlen(text), 0, &address), -EINVAL);
}

static void a_time_has_bounds(void **state)
{
        int seconds = 7;
        (void)state;
        static const char *const bad[] = { "", "0", "-1", "3601", "1s", "x",
                "99999999999999999999" };
        for (size_t i = 0; i < ARRAY_LEN(bad); i++)
                assert_int_equal(meeting_seconds(bad[i], &seconds), -EINVAL);
        assert_int_equal(seconds, 7);
        assert_int_equal(meeting_seconds("3600", &seconds), 0);
        assert_int_equal(seconds, 3600);
}

/* ---- where this computer listens ---- */

static void it_listens_where_it_is_told(void **state)
{
        struct phone_listen listen = { .fd_count = 0 };
        (void)state;
        const struct phone_wish loopback = { .address = "127.0.0.1" },
                                far = { .address = "192.0.2.1" }, name = { .address = "localhost" },
                                foreign = { .address = "10.255.255.1" };
        assert_int_equal(phone_listen(&loopback, &listen), 0);
        assert_int_equal(listen.fd_count, 1);
        assert_int_equal(strncmp(listen.addresses[0], "127.0.0.1:", 10), 0);
        struct phone_listen second = { .fd_count = 0 };
        struct phone_wish same = { .address = "127.0.0.1" };
        assert_int_equal(link_port_read(listen.addresses[0] + 10, strlen(listen.addresses[0] + 10),
                                 &same.port),
                0);
        assert_int_equal(phone_listen(&same, &second), -EADDRINUSE);
        phone_listen_close(&listen);
        assert_int_equal(listen.fd_count, 0);
        assert_int_equal(phone_listen(&far, &second), -EPERM);
        assert_int_equal(phone_listen(&name, &second), -EADDRNOTAVAIL);
        assert_int_equal(phone_listen(&foreign, &second), -EADDRNOTAVAIL);
        assert_int_equal(second.fd_count, 0);
}

/* ---- pictures ---- */

static uint32_t number_at(const uint8_t *data)
{
        struct in in = in_new(data, 4);
        return in_u32(&in);
}

/* Each chunk's checksum; the IDAT's bytes, unpacked, into pixels. */
static size_t read_png(const uint8_t *png, size_t len, uint8_t *pixels, size_t cap)
{
        uLongf unpacked = cap;
        size_t at = 8;
        assert_memory_equal(png, "\x89PNG\r\n\x1a\n", 8);
        while (at < len) {
                uint32_t size = number_at(png + at);
                assert_true(size <= len - at - 12);
                assert_int_equal(crc32(0, png + at + 4, size + 4), number_at(png + at + 8 + size));
                if (memcmp(png + at + 4, "IDAT", 4) == 0)
                        assert_int_equal(uncompress(pixels, &unpacked, png + at + 8, size), Z_OK);
                at += 12 + size;
        }
        assert_int_equal(at, len);
        return unpacked;
}

static void a_picture_has_each_module(void **state)
{
        static uint8_t pixels[1 << 20];
        static struct qr qr;
        uint8_t *png = NULL, *svg = NULL;
        size_t len = 0;
        (void)state;
        assert_int_equal(qr_make(&qr, "mohr-pair:192.168.1.7:4000?v=1", QR_SCREEN), 0);
        assert_int_equal(phone_qr_png(&qr, &png, &len), 0);
        const size_t side = qr.side + 2 * QR_QUIET, line = 1 + side;
        assert_int_equal(number_at(png + 16), side * 8);
        assert_int_equal(read_png(png, len, pixels, sizeof pixels), line * side * 8);
        for (size_t y = 0; y < side * 8; y++)
                for (size_t x = 0; x < side; x++) {
                        size_t qx = x - QR_QUIET, qy = y / 8 - QR_QUIET; /* wraps outside */
                        bool dark = qx < qr.side && qy < qr.side && qr.dark[qy * qr.side + qx];
                        assert_int_equal(pixels[y * line + 1 + x], dark ? 0 : 0xFF);
                }
        assert_int_equal(phone_qr_svg(&qr, &svg, &len), 0);
        assert_int_equal(strlen((char *)svg), len);
        assert_non_null(strstr((char *)svg, "</svg>"));
        free(png);
        free(svg);
}

/* ---- phones that say something else ---- */

struct said {
        enum link_type type;
        const char *body;
        size_t len;
};
#define SAID(type_, text)                                                                          \
        {                                                                                          \
                type_, text, sizeof text - 1                                                       \
        }
#define GOOD "\2\0\5Pixel and what only a reader's helper understands"

static const struct row {
        struct said first, then;
        int outcome;
        int again; /* so often comes the first */
} rows[] = {
        { SAID(LINK_WELCOME, GOOD), { 0 }, 0, 0 },
        { SAID(LINK_STATUS, "anything"), SAID(LINK_WELCOME, GOOD), 0, 0 },
        { SAID(LINK_PING, "\0\0\0\7"), SAID(LINK_WELCOME, GOOD), 0, 0 },
        { SAID(LINK_WELCOME, "\3\0\5Pixel"), { 0 }, OUTCOME_POLICY, 0 },
        { SAID(LINK_WELCOME, "\2\0\6Pixel"), { 0 }, OUTCOME_POLICY, 0 },
        { SAID(LINK_WELCOME, "\2\0\2\xff\xff"), { 0 }, OUTCOME_POLICY, 0 },
        { SAID(LINK_WELCOME, ""), { 0 }, OUTCOME_POLICY, 0 },
        { SAID(LINK_OP, "\1"), { 0 }, OUTCOME_POLICY, 0 },
        { SAID(LINK_RENEWED, GOOD), { 0 }, OUTCOME_POLICY, 0 },
        { SAID(LINK_BYE, "\4"), { 0 }, OUTCOME_UNREACHABLE, 0 },
        { SAID(LINK_BYE, "\377"), { 0 }, OUTCOME_UNREACHABLE, 0 },
        { SAID(LINK_BYE, ""), { 0 }, OUTCOME_UNREACHABLE, 0 },
        { { 0 }, { 0 }, OUTCOME_UNREACHABLE, 0 },
        { SAID(LINK_STATUS, "anything"), SAID(LINK_WELCOME, GOOD), OUTCOME_POLICY, 100 },
};

static void wait_for(struct link *link)
{
        struct pollfd ready = { .fd = link_fd(link), .events = link_wants(link) };
        if (!link_pending(link))
                poll(&ready, 1, 10000);
}

/* The phone: a process that says what the row says, and hangs up. */
static void play_phone(int listener, const char *folder, const struct row *row)
{
        struct secret *buf = NULL;
        struct link *link = NULL;
        enum link_type type;
        int fd = accept(listener, NULL, NULL), r = -EAGAIN;
        if (fd < 0 || secret_new(&buf, LINK_FRAME_MAX) < 0 || link_accept(&link, fd, folder) < 0)
                _exit(1);
        while ((r = link_handshake(link)) == -EAGAIN)
                wait_for(link);
        while (r == 0 && (r = link_recv(link, &type, buf)) == -EAGAIN) {
                wait_for(link);
                r = 0;
        }
        for (int i = 0; r == 0 && row->first.type && i <= row->again; i++)
                r = link_send(link, row->first.type, row->first.body, row->first.len);
        if (r == 0 && row->then.type)
                r = link_send(link, row->then.type, row->then.body, row->then.len);
        link_free(link);
        secret_free(buf);
        _exit(r == 0 ? 0 : 1);
}

static int listen_here(struct link_peer *peer)
{
        struct sockaddr_in address = { .sin_family = AF_INET,
                .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
        socklen_t len = sizeof address;
        int fd = socket(AF_INET, SOCK_STREAM, 0);
        assert_int_equal(bind(fd, (struct sockaddr *)&address, len), 0);
        assert_int_equal(listen(fd, 1), 0);
        assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &len), 0);
        snprintf(peer->address, sizeof peer->address, "127.0.0.1:%u", ntohs(address.sin_port));
        return fd;
}

static void a_phone_says_what_it_should_or_is_left(void **state)
{
        struct link_world *w = *state;
        const struct cli cli = { .command = "phone" };
        struct meeting meeting = { .signals = -1 };
        int listener = listen_here(&w->computer);
        assert_int_equal(meeting_open(&meeting, &cli, 60, false), 0);
        for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
                struct phone_talk talk = { 0 };
                int status = 0;
                pid_t phone = fork();
                if (phone == 0)
                        play_phone(listener, w->computers, &rows[i]);
                int r = phone_talk(&meeting, &w->computer, LINK_ROLE_RENEW, false, &talk);
                assert_int_equal(r, rows[i].outcome);
                assert_int_equal(r == 0, talk.why[0] == '\0');
                if (r == 0)
                        assert_string_equal(talk.name, "Pixel");
                phone_talk_end(&meeting, &talk, r == 0);
                waitpid(phone, &status, 0);
        }
        meeting_close(&meeting);
        close(listener);
}

static void who_talks_on_and_on_does_not_stop_the_clock(void **state)
{
        const struct cli cli = { .command = "phone" };
        struct meeting meeting = { .signals = -1 };
        struct pollfd always = { .fd = open("/dev/zero", O_RDONLY | O_CLOEXEC), .events = POLLIN };
        (void)state;
        assert_int_equal(meeting_open(&meeting, &cli, 60, false), 0);
        assert_int_equal(meeting_wait(&meeting, &always, 1, INT64_MAX), 0);
        assert_true(always.revents & POLLIN);
        meeting.until = 0;
        assert_int_equal(meeting_wait(&meeting, &always, 1, INT64_MAX), OUTCOME_TIMED_OUT);
        meeting_close(&meeting);
        close(always.fd);
}

static void who_is_nowhere_is_not_reached(void **state)
{
        struct link_world *w = *state;
        const struct cli cli = { .command = "phone" };
        static const struct {
                const char *address;
                int outcome;
        } places[] = { { "", OUTCOME_UNREACHABLE }, { "nonsense:x", OUTCOME_UNREACHABLE },
                { "192.0.2.1:9", OUTCOME_POLICY }, { "127.0.0.1:1", OUTCOME_UNREACHABLE } };
        struct meeting meeting = { .signals = -1 };
        assert_int_equal(meeting_open(&meeting, &cli, 60, false), 0);
        for (size_t i = 0; i < ARRAY_LEN(places); i++) {
                struct phone_talk talk = { 0 };
                snprintf(w->computer.address, sizeof w->computer.address, "%s", places[i].address);
                assert_int_equal(phone_talk(&meeting, &w->computer, LINK_ROLE_RENEW, false, &talk),
                        places[i].outcome);
                assert_true(talk.why[0] != '\0');
                phone_talk_end(&meeting, &talk, false);
        }
        kill(getpid(), SIGINT);
        struct phone_talk talk = { 0 };
        int listener = listen_here(&w->computer);
        assert_int_equal(
                phone_talk(&meeting, &w->computer, LINK_ROLE_RENEW, false, &talk), OUTCOME_REFUSED);
        phone_talk_end(&meeting, &talk, false);
        meeting_close(&meeting);
        close(listener);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(an_address_is_a_host_and_a_port),
                cmocka_unit_test(a_time_has_bounds),
                cmocka_unit_test(it_listens_where_it_is_told),
                cmocka_unit_test(a_picture_has_each_module),
                IN_A_WORLD(a_phone_says_what_it_should_or_is_left),
                cmocka_unit_test(who_talks_on_and_on_does_not_stop_the_clock),
                IN_A_WORLD(who_is_nowhere_is_not_reached),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}

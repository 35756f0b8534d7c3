/* SPDX-License-Identifier: Apache-2.0 */
/* vpcd.c: client of vpcd, pcscd's virtual reader: length (two bytes, big-endian) and payload; one
 * byte is a control message, anything longer a command.
 *
 * The reader's side writes length and body in two pieces and waits for our acknowledgement between
 * them, so a delayed ACK costs 44 ms per exchange: TCP_QUICKACK is set again before each read, since
 * the kernel forgets it.
 *
 * A card that fell silent, lost its answer or lies there without power must still make the reader
 * return, but vpcd waits for ever for a missing frame and for the body of an empty one, and closing
 * the connection would be a removal. So silence is sent as one byte: an answer without status word,
 * which a program must take for what SCARD_E_NOT_TRANSACTED would tell it on a real reader.
 *
 * pcscd looks for a card's absence now and then only. A card that came back in between would never
 * have been away for it, so a lifted card stays away for AWAY_MS at least.
 */
#include "drivers/softcard/vpcd.h"
#include "drivers/softcard/card.h"
#include "base/outcome.h"

#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>

#define FRAME_MAX 4096
#define RETRY_MS  50
#define AWAY_MS   1200

struct run {
        struct softcard *card;
        const char *host, *port;
        int wake_fd, socket;
        const struct softcard_hooks *hooks;
        void *user;
        bool stop;
        int64_t back_not_before;
};

void softcard_wake_fd(struct softcard *card, int fd)
{
        card->wake_fd = fd;
}

static void tell_power(const struct run *run, enum softcard_power what)
{
        if (run->hooks->power)
                run->hooks->power(run->user, what);
}

/* Until `fd` (or nothing: -1) is readable or ms passed (-1: never). True when fd is readable. */
static bool wait_for(struct run *run, int fd, int ms)
{
        struct pollfd fds[] = { { .fd = fd, .events = POLLIN },
                { .fd = run->wake_fd, .events = POLLIN } };
        int ready = poll(fds, ARRAY_LEN(fds), ms);
        if (ready > 0 && fds[1].revents && run->hooks->wake)
                run->stop = run->hooks->wake(run->user);
        return ready > 0 && fds[0].revents;
}

static int connect_once(const struct run *run)
{
        struct addrinfo hints = { .ai_socktype = SOCK_STREAM }, *list = NULL;
        if (getaddrinfo(run->host, run->port, &hints, &list) != 0)
                return -EHOSTUNREACH;
        int fd = -1, one = 1;
        for (struct addrinfo *at = list; at && fd < 0; at = at->ai_next) {
                fd = socket(at->ai_family, at->ai_socktype | SOCK_CLOEXEC, at->ai_protocol);
                if (fd >= 0 && connect(fd, at->ai_addr, at->ai_addrlen) < 0) {
                        close(fd);
                        fd = -1;
                }
        }
        freeaddrinfo(list);
        if (fd >= 0)
                (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
        return fd < 0 ? -ECONNREFUSED : fd;
}

/* 0 connected or stopped, else -ETIMEDOUT. */
static int connect_patiently(struct run *run, int patience_ms)
{
        int64_t end = card_clock_ms() + patience_ms;
        while (!run->stop) {
                run->socket = connect_once(run);
                if (run->socket >= 0)
                        return 0;
                if (card_clock_ms() >= end)
                        return -ETIMEDOUT;
                (void)wait_for(run, -1, RETRY_MS);
        }
        return 0;
}

/* 1 read, 0 the reader closed or we are to stop, negative broken. */
static int read_all(struct run *run, uint8_t *bytes, size_t len)
{
        size_t have = 0;
        int one = 1;
        while (have < len) {
                if (!wait_for(run, run->socket, -1)) {
                        if (run->stop || !softcard_present(run->card))
                                return 0;
                        continue;
                }
                (void)setsockopt(run->socket, IPPROTO_TCP, TCP_QUICKACK, &one, sizeof one);
                ssize_t n = read(run->socket, bytes + have, len - have);
                if (n < 0 && errno == EINTR)
                        continue;
                if (n <= 0)
                        return 0;
                have += (size_t)n;
        }
        (void)setsockopt(run->socket, IPPROTO_TCP, TCP_QUICKACK, &one, sizeof one);
        return 1;
}

static int read_frame(struct run *run, uint8_t frame[static FRAME_MAX], size_t *ret_len)
{
        uint8_t header[2];
        int r = read_all(run, header, sizeof header);
        if (r <= 0)
                return r;
        size_t len = (size_t)(header[0] << 8 | header[1]);
        if (len == 0 || len > FRAME_MAX)
                return -EBADMSG;
        *ret_len = len;
        return read_all(run, frame, len);
}

static bool write_all(const struct run *run, const uint8_t *bytes, size_t len)
{
        for (size_t done = 0; done < len;) {
                ssize_t n = send(run->socket, bytes + done, len - done, MSG_NOSIGNAL);
                if (n < 0 && errno == EINTR)
                        continue;
                if (n <= 0)
                        return false;
                done += (size_t)n;
        }
        return true;
}

/* Length and body in one piece. */
static bool write_frame(const struct run *run, const uint8_t *bytes, size_t len)
{
        uint8_t frame[2 + FRAME_MAX];
        struct out out = out_new(frame, sizeof frame);
        out_bytes16(&out, bytes, len);
        return out_done(&out) == 0 && write_all(run, frame, out.len);
}

static bool write_silence(const struct run *run)
{
        return write_frame(run, (uint8_t[]){ 0 }, 1);
}

/* Control bytes 0 off, 1 on, 2 reset, 4 what is the ATR. */
static bool control(struct run *run, uint8_t what)
{
        size_t len;
        switch (what) {
        case 0:
                softcard_power_off(run->card);
                tell_power(run, SOFTCARD_OFF);
                return true;
        case 1:
        case 2:
                softcard_power_on(run->card);
                tell_power(run, what == 1 ? SOFTCARD_ON : SOFTCARD_RESET);
                return true;
        case 4: {
                const uint8_t *atr = softcard_atr(run->card, &len);
                return write_frame(run, atr, len);
        }
        default: return true;
        }
}

static bool exchange(struct run *run, const uint8_t *cmd, size_t cmd_len)
{
        uint8_t rsp[FRAME_MAX];
        size_t len = 0;
        bool lay_there = !run->card->removed;
        if (run->hooks->before)
                run->hooks->before(run->user, cmd, cmd_len);
        int r = softcard_transmit(run->card, cmd, cmd_len, rsp, sizeof rsp, &len);
        if (run->hooks->after)
                run->hooks->after(run->user, cmd, cmd_len, rsp, len, r);
        bool lifted = lay_there && run->card->removed;
        if (lifted && r != 0)
                return false;
        bool answered = len > 0 ? write_frame(run, rsp, len) : write_silence(run);
        return answered && !lifted;
}

/* One life of the connection: 0 it ended, negative broken. */
static int serve(struct run *run)
{
        uint8_t frame[FRAME_MAX];
        size_t len = 0;
        while (!run->stop && softcard_present(run->card)) {
                int r = read_frame(run, frame, &len);
                if (r <= 0)
                        return r;
                bool alive = len == 1 ? control(run, frame[0]) : exchange(run, frame, len);
                if (!alive)
                        return 0;
        }
        return 0;
}

static void await_card(struct run *run)
{
        while (!run->stop &&
                (!softcard_present(run->card) || card_clock_ms() < run->back_not_before))
                (void)wait_for(run, -1, 20);
}

static void hang_up(struct run *run)
{
        if (run->socket >= 0)
                close(run->socket);
        run->socket = -1;
        if (run->card->removed)
                run->back_not_before = card_clock_ms() + AWAY_MS;
        softcard_power_off(run->card);
        tell_power(run, SOFTCARD_GONE);
}

int softcard_vpcd_run(struct softcard *card, const char *host, const char *port, int patience_ms,
        int wake_fd, const struct softcard_hooks *hooks, void *user)
{
        struct run run = { .card = card,
                .host = host,
                .port = port,
                .wake_fd = wake_fd,
                .socket = -1,
                .hooks = hooks,
                .user = user };
        int r = 0;
        softcard_wake_fd(card, wake_fd);
        while (r == 0 && !run.stop) {
                await_card(&run);
                r = connect_patiently(&run, patience_ms);
                if (r < 0 || run.stop)
                        break;
                r = serve(&run);
                hang_up(&run);
        }
        if (run.socket >= 0)
                hang_up(&run);
        softcard_wake_fd(card, -1);
        return r;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* autopoll.c: see autopoll.h. One command of the chip's own, and never what it answers: that some card
 * came is all that is taken from it, and whoever reads this line next looks for himself.
 *
 * libnfc has this command, too (nfc_initiator_poll_target), and was not used: it waits for the
 * acknowledgement without limit and without being called off; the pipe it is called off by is
 * missed when the call comes a moment too early, and leaks; and it believes every length in
 * the answer. Between two calls libnfc keeps nothing of the line but its settings, and it drops what lies there
 * before it speaks. So here the line is ours: poll() waits for board and mohrd at once.
 *
 * To a question of mohrd the board is told to stop by a bare ACK (6.2.1.3), and the caller's next command would
 * stop it as well. A board may lose its power while the machine sleeps, and then it calls no more: a clock that is
 * set, as the kernel counts its standing still, is a reason to look after it. When the board calls, its frame is let in to the end, lest the rest of it be
 * taken for the answer to the next command.
 */
#include "drivers/nfc/autopoll.h"

#include "base/outcome.h"

#include <poll.h>
#include <sys/timerfd.h>
#include <time.h>

#define HEAD    5 /* preamble, start code, length and its checksum */
#define TAIL    2 /* checksum and postamble */
#define NEVER_S (sizeof(time_t) > 4 ? 1LL << 33 : INT32_MAX) /* some machines count to 2038 */

/* Endless pollings, one each 150 ms, for anything of type A, then of type B, at 106 kbit/s. */
static const uint8_t look_for_cards[] = { 0x00, 0x00, 0xFF, 0x06, 0xFA, 0xD4, 0x60, 0xFF, 0x01,
        0x00, 0x03, 0xC9, 0x00 };
static const uint8_t ack[] = { 0x00, 0x00, 0xFF, 0x00, 0xFF, 0x00 };

size_t autopoll_frame_len(const uint8_t *bytes, size_t len)
{
        static const uint8_t start[] = { 0x00, 0x00, 0xFF };
        if (memcmp(bytes, start, base_min(len, sizeof start)) != 0)
                return 0;
        if (len < HEAD)
                return HEAD;
        bool sum = (uint8_t)(bytes[3] + bytes[4]) == 0;
        return sum ? HEAD + bytes[3] + TAIL : 0;
}

static int64_t now_ms(void)
{
        struct timespec now;
        (void)clock_gettime(CLOCK_MONOTONIC, &now);
        return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* Reads until there are `want` bytes, or the time is up. 0, or NO_READER. */
static int take(int line, int64_t until_ms, uint8_t *bytes, size_t want, size_t *len)
{
        struct pollfd fd = { .fd = line, .events = POLLIN };
        while (*len < want) {
                int64_t left = until_ms - now_ms();
                int ready = left <= 0 ? 0 : poll(&fd, 1, (int)left);
                if (ready == 0)
                        return 0;
                if (ready < 0 && errno == EINTR)
                        continue;
                ssize_t n = ready < 0 ? -1 : read(line, bytes + *len, want - *len);
                if (n <= 0)
                        return OUTCOME_NO_READER;
                *len += (size_t)n;
        }
        return 0;
}

/* All of what the board says, and none of it is kept. */
static int hear_out(int line, int limit_ms)
{
        uint8_t bytes[AUTOPOLL_FRAME_MAX];
        int64_t until_ms = now_ms() + limit_ms;
        size_t len = 0;
        int r = take(line, until_ms, bytes, HEAD, &len);
        size_t whole = autopoll_frame_len(bytes, len);
        if (r == 0)
                r = take(line, until_ms, bytes, whole > 0 ? whole : sizeof bytes, &len);
        return r;
}

static int say(int line, const uint8_t *bytes, size_t len)
{
        return write(line, bytes, len) == (ssize_t)len ? 0 : OUTCOME_NO_READER;
}

/* What nobody waited for. A line that was pulled out says so when it is written to. */
static void drop(int line)
{
        uint8_t bytes[AUTOPOLL_FRAME_MAX];
        for (int i = 0; i < 16 && read(line, bytes, sizeof bytes) > 0; i++)
                ;
}

/* 0; *ret: it looks. */
static int begin(int line, int limit_ms, bool *ret)
{
        uint8_t said[sizeof ack];
        size_t len = 0;
        drop(line);
        int r = say(line, look_for_cards, sizeof look_for_cards);
        if (r == 0)
                r = take(line, now_ms() + limit_ms, said, sizeof said, &len);
        *ret = len == sizeof ack && memcmp(said, ack, sizeof ack) == 0;
        return r;
}

int autopoll_wakeup(int *ret_fd)
{
        const struct itimerspec never = { .it_value = { .tv_sec = NEVER_S } };
        _cleanup_close_ int fd = timerfd_create(CLOCK_REALTIME, TFD_NONBLOCK | TFD_CLOEXEC);
        if (fd < 0 ||
                timerfd_settime(fd, TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET, &never, NULL) < 0)
                return -errno;
        *ret_fd = base_take_fd(&fd);
        return 0;
}

static int call_off(const struct autopoll_ends *ends)
{
        if (ends->wakeup >= 0)
                drop(ends->wakeup); /* ECANCELED, once */
        return say(ends->line, ack, sizeof ack);
}

int autopoll(const struct autopoll_ends *ends, const struct autopoll_limits *limits,
        enum autopoll_end *ret)
{
        struct pollfd fds[] = { { .fd = ends->channel, .events = POLLIN },
                { .fd = ends->line, .events = POLLIN }, { .fd = ends->wakeup, .events = POLLIN } };
        bool looks = false;
        *ret = AUTOPOLL_CALLED;
        int r = begin(ends->line, limits->ack, &looks);
        if (r != 0 || !looks)
                return r;
        int ready;
        do
                ready = poll(fds, ARRAY_LEN(fds), limits->total);
        while (ready < 0 && errno == EINTR);
        if (ready < 0 || (fds[1].revents & (POLLHUP | POLLERR | POLLNVAL)))
                return OUTCOME_NO_READER;
        if (fds[1].revents)
                return hear_out(ends->line, limits->rest);
        *ret = fds[0].revents ? AUTOPOLL_ASKED : AUTOPOLL_TIME;
        return call_off(ends);
}

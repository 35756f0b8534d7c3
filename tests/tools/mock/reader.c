/* SPDX-License-Identifier: Apache-2.0 */
/* reader.c: the reader's main loop: messages of the bus, the card that comes and goes, the test's lines.
 *
 * While a command runs (reader_wait) the same things are heard, but another message waits its turn, as
 * behind a firmware that does one thing at a time. Only an abort, announced on the control pipe and then
 * sent on the bulk pipe with the same sequence number, comes before (CCID 5.3.1).
 */
#include "tests/tools/mock/reader.h"

#include <poll.h>
#include <stdarg.h>
#include <sys/socket.h>
#include <sys/uio.h>

#define PARKED_MAX 8

void mock_log(const struct personality *p, const char *format, ...)
{
        char line[MOCK_LINE * 2];
        int64_t now = mock_ms();
        va_list args;
        if (p->log < 0)
                return;
        va_start(args, format);
        vsnprintf(line, sizeof line, format, args);
        va_end(args);
        dprintf(p->log, "%lld.%03d %s\n", (long long)now / 1000, (int)(now % 1000), line);
}

int packet_send(int fd, uint8_t what, const void *bytes, size_t len)
{
        struct iovec parts[] = { { &what, 1 }, { (void *)(uintptr_t)bytes, len } };
        struct msghdr message = { .msg_iov = parts, .msg_iovlen = len ? 2 : 1 };
        return sendmsg(fd, &message, MSG_NOSIGNAL) < 0 ? -errno : 0;
}

void reader_send(struct reader *reader, uint8_t what, const void *bytes, size_t len)
{
        if (packet_send(reader->bus, what, bytes, len) < 0)
                exit(0); /* the bus is gone, and the machine with it */
}

bool card_lies(const struct reader *reader)
{
        return reader->link.fd >= 0 && !reader->covered;
}

void reader_power_off(struct reader *reader)
{
        if (reader->icc.powered)
                mock_log(reader->p, "power off");
        reader->icc.powered = false;
        (void)link_power(&reader->link, false);
        reader->chain_len = reader->rest_len = reader->rest_pos = 0;
}

/* RDR_to_PC_NotifySlotChange, CCID 6.3.1. */
static void tell_presence(struct reader *reader)
{
        bool present = card_lies(reader);
        if (present == reader->told_present)
                return;
        reader->told_present = present;
        mock_log(reader->p, "card %s", present ? "in" : "out");
        if (!present)
                reader_power_off(reader);
        reader_send(reader, PACKET_NOTIFY, (const uint8_t[]){ 0x50, present ? 3 : 2 }, 2);
}

/* ------------------------------------------------------------ the test's lines */

static const char *line_type(struct reader *reader, const char *what)
{
        snprintf(reader->typed, sizeof reader->typed, "%.16s", what);
        reader->has_typed = true;
        return "ok";
}

static const char *run_line(struct reader *reader, const char *line, char text[static 512])
{
        if (strcmp(line, "remove") == 0 || strcmp(line, "insert") == 0) {
                reader->covered = line[0] == 'r';
                tell_presence(reader);
                return "ok";
        }
        if (strcmp(line, "stall-interrupt") == 0) {
                reader_send(reader, PACKET_STALL_NOTIFY, NULL, 0);
                return "ok";
        }
        if (strcmp(line, "sleep") == 0) {
                reader_power_off(reader);
                return "ok";
        }
        if (strncmp(line, "fault ", 6) == 0) {
                if (fault_arm(&reader->faults, line + 6) < 0)
                        return "error";
                if (fault_next_is(&reader->faults, FAULT_STALL_OUT)) {
                        fault_done(&reader->faults, FAULT_STALL_OUT);
                        reader_send(reader, PACKET_STALL_OUT, NULL, 0);
                }
                return "ok";
        }
        if (strcmp(line, "clear") == 0) {
                reader->faults.count = 0;
                return "ok";
        }
        if (strncmp(line, "type ", 5) == 0)
                return line_type(reader, line + 5);
        if (strcmp(line, "stats") != 0)
                return "error";
        snprintf(text, 512,
                "{\"transfers\": %u, \"verifies\": %u, \"secures\": %u, \"struck\": %u, "
                "\"powered\": %s, "
                "\"present\": %s, \"protocol\": %u, \"fidi\": %u, \"ifsd\": %u, \"breaches\": %u, "
                "\"breach\": \"%s\"}",
                reader->transfers, reader->verifies, reader->secures, reader->struck,
                reader->icc.powered ? "true" : "false", card_lies(reader) ? "true" : "false",
                reader->icc.protocol, reader->icc.fidi, reader->icc.t1.ifsd,
                reader->icc.t1.breaches, reader->icc.t1.breach);
        return text;
}

static void take_line(struct reader *reader, const uint8_t *bytes, size_t len)
{
        char line[MOCK_LINE], text[512];
        snprintf(line, sizeof line, "%.*s", (int)len, (const char *)bytes);
        const char *answer = run_line(reader, line, text);
        reader_send(reader, PACKET_REPLY, answer, strlen(answer));
}

/* ------------------------------------------------------------ packets */

static void forget(struct reader *reader)
{
        reader_power_off(reader);
        reader->aborting = -1;
        reader->gone = true;
        reader->parameters_set = false;
        reader->told_present = false;
}

/* Everything but a bulk message. */
static void take_packet(struct reader *reader, const uint8_t *packet, size_t len)
{
        if (packet[0] == PACKET_LINE)
                take_line(reader, packet + 1, len - 1);
        if (packet[0] == PACKET_ABORT && len == 3)
                reader->aborting = packet[2]; /* wValue: slot, then sequence */
        if (packet[0] == PACKET_RESET)
                forget(reader);
}

static void take_link(struct reader *reader, short listening)
{
        if (listening)
                link_accept(&reader->link);
        tell_presence(reader);
}

/* Polls once; returns which of bus (1) and card (2) have something. */
static int listen_once(struct reader *reader, int card_fd, int64_t until)
{
        struct pollfd fds[] = { { reader->bus, POLLIN, 0 }, { card_fd, POLLIN, 0 },
                { reader->link.fd < 0 ? reader->link.listener : -1, POLLIN, 0 } };
        int64_t left = until < 0 ? -1 : until - mock_ms();
        if (until >= 0 && left < 0)
                left = 0;
        if (poll(fds, ARRAY_LEN(fds), (int)left) < 0)
                return 0;
        if (fds[2].revents)
                take_link(reader, fds[2].revents);
        return (fds[0].revents ? 1 : 0) | (fds[1].revents ? 2 : 0);
}

static bool is_abort(const struct reader *reader, const uint8_t *message, size_t len)
{
        return len >= 10 && message[0] == 0x72 && message[6] == reader->aborting;
}

static void park(struct reader *reader, const uint8_t *message, size_t len)
{
        size_t entry = sizeof len + len;
        uint8_t *more = realloc(reader->parked, reader->parked_len + entry);
        if (!more)
                return;
        memcpy(more + reader->parked_len, &len, sizeof len);
        memcpy(more + reader->parked_len + sizeof len, message, len);
        reader->parked = more;
        reader->parked_len += entry;
}

static enum woken heard_bus(struct reader *reader)
{
        ssize_t n = recv(reader->bus, reader->out, sizeof reader->out, 0);
        if (n <= 0)
                exit(0);
        if (reader->out[0] != PACKET_OUT) {
                bool typed = reader->has_typed;
                take_packet(reader, reader->out, (size_t)n);
                return reader->gone                  ? WOKEN_GONE
                       : !typed && reader->has_typed ? WOKEN_TYPED
                                                     : WOKEN_TIME;
        }
        park(reader, reader->out + 1, (size_t)n - 1);
        return is_abort(reader, reader->out + 1, (size_t)n - 1) ? WOKEN_ABORTED : WOKEN_TIME;
}

static enum woken heard_card(struct reader *reader, uint8_t *answer, size_t cap, size_t *len)
{
        int r = link_receive(&reader->link, answer, cap, len);
        if (r < 0) {
                link_close(&reader->link);
                tell_presence(reader);
                return WOKEN_REMOVED;
        }
        return r == 1 ? WOKEN_ANSWER : WOKEN_TIME;
}

enum woken reader_wait(
        struct reader *reader, int64_t until, uint8_t *answer, size_t cap, size_t *len)
{
        enum woken woken = WOKEN_TIME;
        do {
                int ready = listen_once(reader, reader->link.fd, until);
                if (ready & 2)
                        woken = heard_card(reader, answer, cap, len);
                if (ready & 1 && woken == WOKEN_TIME)
                        woken = heard_bus(reader);
                if (woken == WOKEN_TIME && reader->covered)
                        woken = WOKEN_REMOVED;
        } while (woken == WOKEN_TIME && (until < 0 || mock_ms() < until));
        return woken;
}

/* ------------------------------------------------------------ main loop */

static void serve(struct reader *reader, const uint8_t *message, size_t len)
{
        memcpy(reader->in, message, len);
        reader->gone = false;
        ccid_serve(reader, reader->in, len);
        if (reader->aborting >= 0 && message[0] == 0x72)
                reader->aborting = -1;
        if (fault_next_is(&reader->faults, FAULT_STALL_OUT)) {
                fault_done(&reader->faults, FAULT_STALL_OUT);
                reader_send(reader, PACKET_STALL_OUT, NULL, 0);
        }
}

static void serve_parked(struct reader *reader)
{
        while (reader->parked_len > 0) {
                size_t len;
                memcpy(&len, reader->parked, sizeof len);
                _cleanup_free_ uint8_t *message = malloc(len + 1);
                if (!message)
                        return;
                memcpy(message, reader->parked + sizeof len, len);
                reader->parked_len -= sizeof len + len;
                memmove(reader->parked, reader->parked + sizeof len + len, reader->parked_len);
                serve(reader, message, len);
        }
}

int reader_run(const struct personality *p, int bus, int listener)
{
        struct reader *reader = calloc(1, sizeof *reader);
        uint8_t stray[4096];
        size_t len;
        if (!reader)
                return -ENOMEM;
        reader->p = p;
        reader->bus = bus;
        reader->aborting = -1;
        reader->link = (struct card_link){ .p = p, .listener = listener, .fd = -1 };
        for (;;) {
                /* What the card says while the host has its request for time is heard when it says yes. */
                bool owed = reader->link.expecting && !reader->link.discard;
                int ready = listen_once(reader, owed ? -1 : reader->link.fd, -1);
                if (ready & 2)
                        (void)heard_card(reader, stray, sizeof stray, &len);
                if (ready & 1)
                        (void)heard_bus(reader);
                tell_presence(reader);
                serve_parked(reader);
        }
}

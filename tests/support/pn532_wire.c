/* SPDX-License-Identifier: Apache-2.0 */
/* pn532_wire.c: see pn532.h. The serial line of the chip (UM0701-02, 6.2): normal and extended frames with
 * their two checksums, acknowledged before they are worked on. A new frame, or a bare ACK, from the host
 * ends what the chip is busy with: an answer that is late is not sent any more. InAutoPoll (7.3.13) is not
 * answered before a card is found, or the number of pollings is reached: meanwhile the chip looks by itself,
 * each period once for every type. Whether a real one takes a period for each type, the manual leaves open.
 *
 * What goes wrong is a row of `faults`: what becomes of the acknowledgement, whether the command is run,
 * and what becomes of its answer. The terminal keeps its settings from one opening to the next, as a
 * real serial port does: what a killed program left in them is there for the next one.
 */
#include "tests/support/pn532.h"

#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <termios.h>
#include <time.h>

#define TFI_HOST    0xD4
#define TFI_CHIP    0xD5
#define FAULTS      16
#define BYTE_NS     86806L /* ten bits at 115,200 baud */
#define ANY_COMMAND 0x100U
#define PERIOD_MS   150
#define ENDLESS     0xFF

enum ack { ACKED, NOT_ACKED, REFUSED, GARBLED };
enum answer {
        WHOLE,
        NONE,
        ERROR_FRAME,
        BAD_DCS,
        BAD_LCS,
        HALF,
        OVERSIZE,
        NOISE,
        FOREIGN,
        BARE,
        STATUS,
        MORE,
        LATE,
        UNPLUG,
        LIFT
};

/* clang-format off */
static const struct row {
        const char *name;
        enum ack ack;
        bool runs;
        enum answer answer;
} rows[] = {
        { "lost-ack",    NOT_ACKED, true,  WHOLE },
        { "nack",        REFUSED,   false, NONE },
        { "bad-ack",     GARBLED,   true,  WHOLE },
        { "mute",        NOT_ACKED, false, NONE },
        { "hang",        ACKED,     true,  NONE },
        { "error-frame", ACKED,     true,  ERROR_FRAME },
        { "bad-dcs",     ACKED,     true,  BAD_DCS },
        { "bad-lcs",     ACKED,     true,  BAD_LCS },
        { "short",       ACKED,     true,  HALF },
        { "oversize",    ACKED,     true,  OVERSIZE },
        { "noise",       ACKED,     true,  NOISE },
        { "foreign",     ACKED,     true,  FOREIGN }, /* the answer to another command */
        { "bare",        ACKED,     true,  BARE },    /* code and nothing else */
        { "status",      ACKED,     true,  STATUS },  /* =HEX */
        { "more",        ACKED,     true,  MORE },    /* says that more follows, whatever happens */
        { "late",        ACKED,     true,  LATE },    /* =MS */
        { "unplug",      ACKED,     true,  UNPLUG },  /* =MS until it is plugged in again */
        { "lift",        ACKED,     false, LIFT },    /* the card, before it saw the command */
};
/* clang-format on */

struct fault {
        const struct row *row;
        unsigned int value, code, n, seen;
        bool stays, done;
};

/* An InAutoPoll that has not been answered. */
struct polling {
        bool on;
        uint8_t cmd[PN532_FRAME_MAX];
        size_t len;
        unsigned int left;
        long long next_ms;
        struct fault *fault;
};

struct wire {
        struct pn532_chip *chip;
        const char *link;
        int master, slave, wake_fd, events;
        bool baud, stop;
        struct fault faults[FAULTS];
        size_t fault_count;
        struct polling polling;
        uint8_t in[1024];
        size_t in_len;
        uint8_t last[PN532_FRAME_MAX + 16]; /* the answer, for a host that says NACK */
        size_t last_len;
};

static const uint8_t ack_frame[] = { 0, 0, 0xFF, 0, 0xFF, 0 };
static const uint8_t nack_frame[] = { 0, 0, 0xFF, 0xFF, 0, 0 };
static const uint8_t error_frame[] = { 0, 0, 0xFF, 0x01, 0xFF, 0x7F, 0x81, 0 };

static void sleep_ns(long long ns)
{
        struct timespec span = { .tv_sec = ns / 1000000000, .tv_nsec = ns % 1000000000 };
        (void)nanosleep(&span, NULL);
}

static void plug(struct wire *wire)
{
        struct termios raw;
        wire->master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
        if (wire->master < 0 || grantpt(wire->master) < 0 || unlockpt(wire->master) < 0)
                abort();
        char *name = ptsname(wire->master);
        wire->slave = name ? open(name, O_RDWR | O_NOCTTY | O_CLOEXEC) : -1;
        if (wire->slave < 0 || tcgetattr(wire->slave, &raw) < 0)
                abort();
        cfmakeraw(&raw);
        (void)tcsetattr(wire->slave, TCSANOW, &raw);
        (void)unlink(wire->link);
        if (symlink(name, wire->link) < 0)
                abort();
        struct epoll_event event = { .events = EPOLLIN };
        (void)epoll_ctl(wire->events, EPOLL_CTL_ADD, wire->master, &event);
        wire->in_len = 0;
}

static void unplug(struct wire *wire)
{
        (void)unlink(wire->link);
        close(wire->master);
        close(wire->slave);
        wire->master = wire->slave = -1;
        (void)pn532_chip_run(
                wire->chip, (const uint8_t[]){ PN532_POWER_DOWN, 0 }, 2, (uint8_t[4]){ 0 }, 4);
}

/* True when the host has something to say. */
static bool wait_host(struct wire *wire, int ms)
{
        struct pollfd fds[] = { { .fd = wire->master, .events = POLLIN },
                { .fd = wire->wake_fd, .events = POLLIN } };
        int ready = poll(fds, ARRAY_LEN(fds), ms);
        if (ready > 0 && fds[1].revents) {
                wire->stop = wire->chip->hooks->wake(wire->chip->user);
                pn532_chip_look(wire->chip);
        }
        return ready > 0 && (fds[0].revents & POLLIN);
}

static void say(const struct wire *wire, const uint8_t *bytes, size_t len)
{
        if (wire->baud)
                sleep_ns(BYTE_NS * (long long)len);
        if (write(wire->master, bytes, len) < 0)
                return; /* a full line: the host is not listening */
}

static uint8_t checksum(const uint8_t *bytes, size_t len)
{
        uint8_t sum = 0;
        for (size_t i = 0; i < len; i++)
                sum = (uint8_t)(sum + bytes[i]);
        return (uint8_t)-sum;
}

/* `body` begins with the TFI. */
static size_t frame_build(uint8_t *frame, size_t cap, const uint8_t *body, size_t len)
{
        struct out out = out_new(frame, cap);
        uint8_t lengths[] = { (uint8_t)(len >> 8), (uint8_t)len };
        out_bytes(&out, (uint8_t[]){ 0, 0, 0xFF }, 3);
        if (len > 255) {
                out_bytes(&out, (uint8_t[]){ 0xFF, 0xFF }, 2);
                out_bytes(&out, lengths, 2);
                out_u8(&out, checksum(lengths, 2));
        } else {
                out_u8(&out, lengths[1]);
                out_u8(&out, checksum(lengths + 1, 1));
        }
        out_bytes(&out, body, len);
        out_u8(&out, checksum(body, len));
        out_u8(&out, 0);
        return out_done(&out) < 0 ? 0 : out.len;
}

static void acknowledge(const struct wire *wire, enum ack how)
{
        static const uint8_t garbled[] = { 0, 0, 0xFF, 0x10, 0xFF, 0 };
        switch (how) {
        case ACKED: say(wire, ack_frame, sizeof ack_frame); return;
        case REFUSED: say(wire, nack_frame, sizeof nack_frame); return;
        case GARBLED: say(wire, garbled, sizeof garbled); return;
        case NOT_ACKED: return;
        }
}

/* What the fault makes of the answer's body before it is framed. Returns its new length. */
static size_t spoil_body(const struct fault *fault, uint8_t *body, size_t len, size_t cap)
{
        switch (fault->row->answer) {
        case FOREIGN: body[1]++; return len;
        case BARE: return 2;
        case STATUS: body[2] = (uint8_t)fault->value; return fault->value & 0x3F ? 3 : len;
        case MORE: body[2] |= 0x40; return len;
        case OVERSIZE: memset(body + len, 0xA5, cap - len); return cap;
        default: return len;
        }
}

static void say_answer(struct wire *wire, const struct fault *fault, uint8_t *body, size_t len)
{
        uint8_t frame[PN532_FRAME_MAX + 64];
        enum answer how = fault ? fault->row->answer : WHOLE;
        size_t body_cap = PN532_FRAME_MAX + 32;
        if (fault)
                len = spoil_body(fault, body, len, body_cap);
        size_t total = frame_build(frame, sizeof frame, body, len);
        if (how == BAD_DCS)
                frame[total - 2] ^= 0x5A;
        if (how == BAD_LCS)
                frame[4] ^= 0x5A;
        if (how == HALF)
                total = total / 2;
        if (how == NOISE)
                say(wire, (const uint8_t[]){ 0x55, 0xAA, 0x13, 0x37 }, 4);
        wire->last_len = base_min(total, sizeof wire->last);
        memcpy(wire->last, frame, wire->last_len);
        say(wire, frame, total);
}

static struct fault *due(struct wire *wire, uint8_t code)
{
        struct fault *found = NULL;
        for (size_t i = 0; i < wire->fault_count; i++) {
                struct fault *fault = &wire->faults[i];
                if (fault->code != code && fault->code != ANY_COMMAND)
                        continue;
                fault->seen++;
                bool hits = fault->stays ? fault->seen >= fault->n : fault->seen == fault->n;
                if (hits && !found)
                        found = fault;
        }
        return found;
}

static bool answer_is_wanted(struct wire *wire, const struct fault *fault)
{
        if (fault && fault->row->answer == LATE)
                (void)wait_host(wire, (int)fault->value);
        if (fault && fault->row->answer == UNPLUG) {
                unplug(wire);
                sleep_ns(fault->value * 1000000LL);
                plug(wire);
                return false;
        }
        bool interrupted = wait_host(wire, 0);
        return !interrupted && (!fault || fault->row->answer != NONE);
}

static long long now_ms(void)
{
        struct timespec now;
        (void)clock_gettime(CLOCK_MONOTONIC, &now);
        return now.tv_sec * 1000LL + now.tv_nsec / 1000000;
}

static void poll_for_cards(struct wire *wire)
{
        uint8_t body[PN532_FRAME_MAX + 32] = { TFI_CHIP };
        struct polling *polling = &wire->polling;
        const struct fault *fault = polling->fault;
        size_t answer = 0;
        if (!fault || fault->row->answer != NONE)
                answer = pn532_chip_poll(
                        wire->chip, polling->cmd, polling->len, body + 1, PN532_FRAME_MAX - 1);
        if (answer == 0 && polling->left != ENDLESS && --polling->left == 0)
                answer = pn532_chip_run(
                        wire->chip, polling->cmd, polling->len, body + 1, PN532_FRAME_MAX - 1);
        polling->on = answer == 0;
        polling->next_ms = now_ms() + PERIOD_MS * (long long)polling->cmd[2];
        if (answer > 0 && answer_is_wanted(wire, fault))
                say_answer(wire, fault, body, answer + 1);
}

/* What spoils an answer does so at once, to that of a chip which found nobody. */
static bool polls(const uint8_t *cmd, size_t len, const struct fault *fault)
{
        enum answer how = fault ? fault->row->answer : WHOLE;
        bool waits = how == WHOLE || how == NONE || how == LATE;
        return waits && (!fault || fault->row->runs) && cmd[0] == PN532_IN_AUTO_POLL && len > 3 &&
               cmd[1] > 0 && cmd[2] > 0 && cmd[2] < 16;
}

static void begin_polling(struct wire *wire, const uint8_t *cmd, size_t len, struct fault *fault)
{
        wire->polling = (struct polling){ .len = len, .left = cmd[1], .fault = fault };
        memcpy(wire->polling.cmd, cmd, len);
        poll_for_cards(wire);
}

static void on_command(struct wire *wire, const uint8_t *cmd, size_t len)
{
        uint8_t body[PN532_FRAME_MAX + 32] = { TFI_CHIP };
        struct fault *fault = due(wire, cmd[0]);
        wire->polling.on = false;
        if (wire->baud)
                sleep_ns(BYTE_NS * (long long)(len + 8));
        acknowledge(wire, fault ? fault->row->ack : ACKED);
        if (fault && fault->row->answer == LIFT) {
                softcard_remove(wire->chip->card);
                pn532_chip_look(wire->chip);
        }
        if (polls(cmd, len, fault)) {
                begin_polling(wire, cmd, len, fault);
                return;
        }
        bool runs = !fault || fault->row->runs || fault->row->answer == LIFT;
        size_t answer =
                runs ? pn532_chip_run(wire->chip, cmd, len, body + 1, PN532_FRAME_MAX - 1) : 0;
        if (!answer_is_wanted(wire, fault))
                return;
        if (answer == 0 || (fault && fault->row->answer == ERROR_FRAME))
                say(wire, error_frame, sizeof error_frame);
        else
                say_answer(wire, fault, body, answer + 1);
}

/* One frame at `at`: what it takes of the buffer, 0 when it is not complete, or 1 to look further. */
static size_t take_frame(struct wire *wire, const uint8_t *at, size_t left)
{
        if (left < 4)
                return 0;
        if (at[0] != 0 || at[1] != 0xFF)
                return 1;
        size_t head = 4, len = at[2];
        if (at[2] == 0xFF && at[3] == 0xFF) {
                if (left < 7)
                        return 0;
                head = 7;
                len = (size_t)at[4] << 8 | at[5];
        } else if (at[2] == 0x00 && at[3] == 0xFF) {
                wire->polling.on = false;
                return 4; /* ACK: whatever was going on is over */
        } else if (at[2] == 0xFF && at[3] == 0x00) {
                say(wire, wire->last, wire->last_len);
                return 4;
        } else if ((uint8_t)(at[2] + at[3]) != 0) {
                return 2;
        }
        if (len < 2 || len > PN532_FRAME_MAX)
                return 2;
        if (left < head + len + 1)
                return 0;
        if (checksum(at + head, len + 1) == 0 && at[head] == TFI_HOST)
                on_command(wire, at + head + 1, len - 1);
        return head + len + 1;
}

static void take_bytes(struct wire *wire)
{
        ssize_t n = read(wire->master, wire->in + wire->in_len, sizeof wire->in - wire->in_len);
        if (n <= 0)
                return;
        wire->in_len += (size_t)n;
        size_t done = 0, now;
        while ((now = take_frame(wire, wire->in + done, wire->in_len - done)) > 0 &&
                done + now <= wire->in_len)
                done += now;
        done = base_min(done, wire->in_len);
        memmove(wire->in, wire->in + done, wire->in_len - done);
        wire->in_len -= done;
        if (wire->in_len == sizeof wire->in)
                wire->in_len = 0;
}

static const struct row *row_find(const char *name)
{
        for (size_t i = 0; i < ARRAY_LEN(rows); i++)
                if (strcmp(rows[i].name, name) == 0)
                        return &rows[i];
        return NULL;
}

/* Cuts `text` at `mark`: what stands behind it, or NULL. */
static char *cut(char *text, char mark)
{
        char *at = strchr(text, mark);
        if (!at)
                return NULL;
        *at = '\0';
        return at + 1;
}

static int add_fault(struct wire *wire, char *word)
{
        struct fault fault = { .n = 1 };
        char *where = cut(word, '@'), *value = cut(word, '=');
        if (!where || wire->fault_count == FAULTS)
                return -EINVAL;
        size_t len = strlen(where);
        if (len > 0 && where[len - 1] == '+') {
                fault.stays = true;
                where[len - 1] = '\0';
        }
        char *count = cut(where, '#');
        fault.row = row_find(word);
        fault.code =
                strcmp(where, "any") == 0 ? ANY_COMMAND : (unsigned int)strtoul(where, NULL, 16);
        if (count)
                fault.n = (unsigned int)strtoul(count, NULL, 10);
        if (!fault.row)
                return -EINVAL;
        if (value)
                fault.value =
                        (unsigned int)strtoul(value, NULL, fault.row->answer == STATUS ? 16 : 10);
        wire->faults[wire->fault_count++] = fault;
        return 0;
}

static int add_ats(struct pn532_chip *chip, const char *hex)
{
        ssize_t len = hex_decode(chip->ats, sizeof chip->ats, hex);
        if (len < 0)
                return -EINVAL;
        chip->ats_len = (size_t)len;
        return 0;
}

static int add_setting(struct wire *wire, char *word)
{
        struct pn532_chip *chip = wire->chip;
        const struct {
                const char *name;
                bool *flag;
                bool value;
        } flags[] = {
                { "b", &chip->tags[0].type_b, true },
                { "none", &chip->tags[0].there, false },
                { "two", &chip->tags[1].there, true },
                { "classic", &chip->tags[2].there, true },
                { "random-uid", &chip->random_uid, true },
                { "baud", &wire->baud, true },
        };
        for (size_t i = 0; i < ARRAY_LEN(flags); i++)
                if (strcmp(flags[i].name, word) == 0) {
                        *flags[i].flag = flags[i].value;
                        return 0;
                }
        if (strncmp(word, "ats=", 4) == 0)
                return add_ats(chip, word + 4);
        return *word ? add_fault(wire, word) : 0;
}

static int take_settings(struct wire *wire, const char *settings)
{
        char text[512];
        int r = 0;
        if (strlen(settings) >= sizeof text)
                return -EINVAL;
        memcpy(text, settings, strlen(settings) + 1);
        for (char *word = text; word && r == 0;) {
                char *next = cut(word, ',');
                r = add_setting(wire, word);
                word = next;
        }
        return r;
}

static int until_next_poll(const struct wire *wire)
{
        long long left = wire->polling.next_ms - now_ms();
        return !wire->polling.on ? -1 : left > 0 ? (int)left : 0;
}

int pn532_serve(struct softcard *card, const char *link, const char *settings,
        int patience_ms _unused_, int wake_fd, const struct softcard_hooks *hooks, void *user)
{
        _cleanup_free_ struct pn532_chip *chip = calloc(1, sizeof *chip);
        struct wire wire = { .chip = chip, .link = link, .wake_fd = wake_fd };
        if (!chip)
                return -ENOMEM;
        chip->card = card;
        chip->hooks = hooks;
        chip->user = user;
        chip->tags[0] =
                (struct pn532_tag){ true, false, 0x20, { 0x04, 0xA1, 0xB2, 0xC3 }, TAG_IDLE };
        chip->tags[1] = (struct pn532_tag){ false, false, 0x20, { 0x04, 1, 2, 3 }, TAG_IDLE };
        chip->tags[2] =
                (struct pn532_tag){ false, false, 0x08, { 0xDE, 0xAD, 0xBE, 0xEF }, TAG_IDLE };
        if (take_settings(&wire, settings) < 0)
                return -EINVAL;
        softcard_power_off(card);
        wire.events = epoll_create1(EPOLL_CLOEXEC);
        plug(&wire);
        if (wake_fd >= 0)
                (void)epoll_ctl(wire.events, EPOLL_CTL_ADD, wake_fd,
                        &(struct epoll_event){ .events = EPOLLIN });
        softcard_wake_fd(
                card, wire.events); /* a host that speaks ends the card's thinking for it */
        while (!wire.stop)
                if (wait_host(&wire, until_next_poll(&wire)))
                        take_bytes(&wire);
                else if (wire.polling.on && until_next_poll(&wire) == 0)
                        poll_for_cards(&wire);
        softcard_wake_fd(card, -1);
        unplug(&wire);
        close(wire.events);
        return 0;
}

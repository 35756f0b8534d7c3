/* SPDX-License-Identifier: Apache-2.0 */
/* pinpad.c: a reader with keys of its own, as a driver that the real pcscd loads (LIBPATH in reader.conf).
 *
 * DEVICENAME is a folder. Its file `port` names a TCP port on which the card is waited for: the software card
 * connects there as it does to vpcd, whose messages these are (two bytes of length, then the payload; one
 * byte is power off 0, on 1, reset 2, "your ATR" 4). The person at the keys is a line in the file `person`:
 *
 *      MS type DIGITS[,NEW[,AGAIN]]   after MS milliseconds, or, if that is below zero, when there is a file `go`; a change of
 *                                     the PIN has up to three entries
 *      MS word HEX                    the reader answers these bytes by itself, the card is asked nothing
 *      MS broken | unsupported        the driver fails so
 *
 * `features` and `properties`, hex, replace the lists that an honest reader would show; `log` gets a line for
 * each question and for each command that went to the card, with DD for each digit. What the structures mean was
 * written from PC/SC part 10, 2.5.2 and 2.5.3, not from the driver that builds them; a field that is not
 * understood is answered 6B80. A command goes to the card once. One that sent it twice could not be told
 * from here by any program: that is for the reader's maker to answer for.
 *
 * pcscd calls a driver by number, so what is known of a reader lies in a table of this file.
 */
#include "base/base.h"
#include "base/bytes.h"

#include <PCSC/ifdhandler.h>
#include <PCSC/reader.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <sys/socket.h>
#include <time.h>

#define READERS_MAX 4
#define FRAME_MAX   4096
#define LINE_LEN    1200
#define CODE(tag)   SCARD_CTL_CODE(3600 + (tag))
#define DIGITS_LEN  16
#define GO_STEP_MS  5

struct answer {
        uint8_t bytes[FRAME_MAX];
        size_t len;
};

struct ifd {
        bool used;
        char folder[256];
        int listener, card;
        uint8_t atr[MAX_ATR_SIZE];
        size_t atr_len;
        struct answer answer; /* to the running question: pcscd asks a reader one at a time */
};
static struct ifd readers[READERS_MAX];

/* ---- the folder -------------------------------------------------------------------------------- */

/* The first line of a file there, "" if there is none. */
static bool read_line(const struct ifd *ifd, const char *name, char line[static LINE_LEN])
{
        char path[300];
        line[0] = '\0';
        snprintf(path, sizeof path, "%s/%s", ifd->folder, name);
        FILE *file = fopen(path, "re");
        if (!file)
                return false;
        bool read = fgets(line, LINE_LEN, file) != NULL;
        fclose(file);
        line[strcspn(line, "\n")] = '\0';
        return read;
}

static void note(const struct ifd *ifd, const char *what, const uint8_t *bytes, size_t len)
{
        char path[300], hex[2 * 256 + 1] = "";
        if (len > 0)
                hex_encode(hex, bytes, base_min(len, 256));
        snprintf(path, sizeof path, "%s/log", ifd->folder);
        FILE *file = fopen(path, "ae");
        if (!file)
                return;
        fprintf(file, "%s %s\n", what, hex);
        fclose(file);
}

/* ---- the card ---------------------------------------------------------------------------------- */

static int listen_on(int port)
{
        struct sockaddr_in here = { .sin_family = AF_INET, .sin_port = htons((uint16_t)port) };
        int one = 1, fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        here.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        if (fd < 0)
                return -1;
        (void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
        if (bind(fd, (const struct sockaddr *)&here, sizeof here) == 0 && listen(fd, 1) == 0)
                return fd;
        close(fd);
        return -1;
}

static void lose_card(struct ifd *ifd)
{
        if (ifd->card >= 0)
                close(ifd->card);
        ifd->card = -1;
        ifd->atr_len = 0;
}

/* True if the card hangs up within so many milliseconds. */
static bool card_leaves(struct ifd *ifd, int ms)
{
        struct pollfd poll_fd = { .fd = ifd->card, .events = POLLIN };
        uint8_t byte;
        if (ifd->card < 0)
                return true;
        if (poll(&poll_fd, 1, ms) <= 0 || recv(ifd->card, &byte, 1, MSG_PEEK | MSG_DONTWAIT) > 0)
                return false;
        lose_card(ifd);
        return true;
}

/* True if it does so before the person is done. */
static bool card_leaves_first(struct ifd *ifd, int ms)
{
        char line[LINE_LEN];
        if (ms >= 0)
                return card_leaves(ifd, ms);
        while (!read_line(ifd, "go", line))
                if (card_leaves(ifd, GO_STEP_MS))
                        return true;
        return false;
}

static bool card_present(struct ifd *ifd)
{
        int one = 1;
        if (ifd->card >= 0)
                return !card_leaves(ifd, 0);
        ifd->card = accept4(ifd->listener, NULL, NULL, SOCK_CLOEXEC);
        if (ifd->card >= 0)
                (void)setsockopt(ifd->card, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
        return ifd->card >= 0;
}

static bool say(struct ifd *ifd, const uint8_t *bytes, size_t len)
{
        uint8_t frame[2 + FRAME_MAX];
        struct out out = out_new(frame, sizeof frame);
        out_bytes16(&out, bytes, len);
        return out_done(&out) == 0 && ifd->card >= 0 &&
               send(ifd->card, frame, out.len, MSG_NOSIGNAL) == (ssize_t)out.len;
}

static bool hear_all(struct ifd *ifd, uint8_t *bytes, size_t len)
{
        for (size_t have = 0; have < len;) {
                ssize_t n = recv(ifd->card, bytes + have, len - have, 0);
                if (n <= 0)
                        return false;
                have += (size_t)n;
        }
        return true;
}

/* One frame of the card; false: it has gone, and is no more. */
static bool hear(struct ifd *ifd, uint8_t *bytes, size_t cap, size_t *ret_len)
{
        uint8_t head[2];
        bool heard = hear_all(ifd, head, sizeof head);
        size_t len = heard ? (size_t)head[0] << 8 | head[1] : 0;
        heard = heard && len <= cap && hear_all(ifd, bytes, len);
        if (!heard)
                lose_card(ifd);
        *ret_len = heard ? len : 0;
        return heard;
}

static bool exchange(
        struct ifd *ifd, const uint8_t *cmd, size_t len, uint8_t *rsp, size_t cap, size_t *ret_len)
{
        *ret_len = 0;
        if (say(ifd, cmd, len))
                return hear(ifd, rsp, cap, ret_len);
        lose_card(ifd);
        return false;
}

/* ---- the keys ---------------------------------------------------------------------------------- */

/* What is understood of either structure. */
struct order {
        uint8_t min, max, block, old_at, new_at, confirm;
        bool change;
        uint8_t command[FRAME_MAX];
        size_t command_len;
};

/* False: a field that this reader does not take. */
static bool read_order(const uint8_t *bytes, size_t len, bool change, struct order *ret)
{
        size_t head = change ? 24 : 19;
        struct in in = in_new(bytes, len);
        *ret = (struct order){ .change = change };
        (void)in_u16(&in); /* both timers: the person of a test has a time of its own */
        bool ascii = in_u8(&in) == 0x82;
        ret->block = in_u8(&in);
        bool no_length = in_u8(&in) == 0;
        ret->old_at = change ? in_u8(&in) : 0;
        ret->new_at = change ? in_u8(&in) : 0;
        ret->max = in_u8(&in);
        ret->min = in_u8(&in);
        ret->confirm = change ? in_u8(&in) : 0;
        bool by_key = in_u8(&in) == 2;
        uint8_t messages = in_u8(&in);
        (void)in_bytes(&in, change ? 8 : 6); /* language, messages, prologue */
        struct view le = in_bytes(&in, 4);
        ret->command_len = in_left(&in);
        if (in.error || ret->command_len > sizeof ret->command || in.pos != head)
                return false;
        memcpy(ret->command, bytes + head, ret->command_len);
        size_t told = (size_t)le.data[0] | (size_t)le.data[1] << 8 | (size_t)le.data[2] << 16;
        return ascii && no_length && by_key && messages <= 3 && ret->block <= 15 &&
               ret->command_len == told && ret->command_len > 5 &&
               ret->command[4] == ret->command_len - 5;
}

/* Digits into their place: what is around them stays as the order has it. */
static bool type_in(struct order *order, size_t at, const char *digits)
{
        size_t len = strlen(digits);
        if (len > order->block || 5 + at + order->block > order->command_len)
                return false;
        memcpy(order->command + 5 + at, digits, len);
        return true;
}

static bool right_length(const struct order *order, const char *digits)
{
        size_t len = strlen(digits);
        return len >= order->min && len <= order->max;
}

/* 0, or the word with which the reader gives up. */
static uint16_t type_all(struct order *order, char entries[3][DIGITS_LEN], int count)
{
        bool asks_old = order->change && (order->confirm & 2);
        int wanted = !order->change ? 1 : asks_old ? 3 : 2;
        for (int i = 0; i < wanted; i++)
                if (i >= count || !right_length(order, entries[i]))
                        return 0x6403;
        if (order->change && strcmp(entries[wanted - 1], entries[wanted - 2]) != 0)
                return 0x6402;
        bool fits = !order->change ? type_in(order, 0, entries[0])
                                   : type_in(order, order->new_at, entries[wanted - 1]);
        if (asks_old)
                fits = fits && type_in(order, order->old_at, entries[0]);
        return fits ? 0 : 0x6B80;
}

static RESPONSECODE answer_word(struct answer *answer, uint16_t sw)
{
        *answer = (struct answer){ .bytes = { (uint8_t)(sw >> 8), (uint8_t)sw }, .len = 2 };
        return IFD_SUCCESS;
}

static void note_sent(const struct ifd *ifd, const struct order *order)
{
        uint8_t masked[256];
        size_t len = base_min(order->command_len, sizeof masked);
        memcpy(masked, order->command, len);
        for (size_t i = 5; i < len; i++)
                if (masked[i] >= '0' && masked[i] <= '9')
                        masked[i] = 0xDD;
        note(ifd, "sent", masked, len);
}

static RESPONSECODE type(
        struct ifd *ifd, const char *digits, struct order *order, struct answer *answer)
{
        char entries[3][DIGITS_LEN] = { "" };
        int count =
                sscanf(digits, "%15[0-9],%15[0-9],%15[0-9]", entries[0], entries[1], entries[2]);
        uint16_t sw = type_all(order, entries, count);
        if (sw != 0)
                return answer_word(answer, sw);
        note_sent(ifd, order);
        return exchange(ifd, order->command, order->command_len, answer->bytes,
                       sizeof answer->bytes, &answer->len)
                       ? IFD_SUCCESS
                       : IFD_COMMUNICATION_ERROR;
}

static RESPONSECODE ask(
        struct ifd *ifd, const uint8_t *cmd, size_t cmd_len, bool change, struct answer *answer)
{
        char line[LINE_LEN], verb[16] = "", rest[LINE_LEN] = "";
        int ms = 0;
        struct order order;
        note(ifd, change ? "modify" : "verify", cmd, cmd_len);
        (void)(read_line(ifd, "person", line) && sscanf(line, "%d %15s %1199s", &ms, verb, rest));
        if (!read_order(cmd, cmd_len, change, &order))
                return answer_word(answer, 0x6B80);
        if (card_leaves_first(ifd, ms))
                return IFD_ICC_NOT_PRESENT;
        if (strcmp(verb, "type") == 0)
                return type(ifd, rest, &order, answer);
        if (strcmp(verb, "unsupported") == 0)
                return IFD_NOT_SUPPORTED;
        ssize_t len = strcmp(verb, "word") == 0
                              ? hex_decode(answer->bytes, sizeof answer->bytes, rest)
                              : -1;
        answer->len = len < 0 ? 0 : (size_t)len;
        return len < 0 ? IFD_COMMUNICATION_ERROR : IFD_SUCCESS;
}

/* A list from the folder, or what an honest reader says. */
static RESPONSECODE tell(const struct ifd *ifd, const char *name, const uint8_t *honest,
        size_t honest_len, struct answer *answer)
{
        char line[LINE_LEN];
        note(ifd, name, NULL, 0);
        memcpy(answer->bytes, honest, honest_len);
        answer->len = honest_len;
        if (!read_line(ifd, name, line))
                return IFD_SUCCESS;
        ssize_t len = hex_decode(answer->bytes, sizeof answer->bytes, line);
        answer->len = len < 0 ? 0 : (size_t)len;
        return IFD_SUCCESS;
}

static RESPONSECODE tell_features(const struct ifd *ifd, struct answer *answer)
{
        static const uint8_t tags[] = { FEATURE_VERIFY_PIN_DIRECT, FEATURE_MODIFY_PIN_DIRECT,
                FEATURE_IFD_PIN_PROPERTIES, FEATURE_GET_TLV_PROPERTIES };
        uint8_t honest[6 * ARRAY_LEN(tags)];
        struct out out = out_new(honest, sizeof honest);
        for (size_t i = 0; i < ARRAY_LEN(tags); i++) {
                out_u8(&out, tags[i]);
                out_u8(&out, 4);
                out_u32(&out, (uint32_t)CODE(tags[i]));
        }
        return tell(ifd, "features", honest, out.len, answer);
}

static RESPONSECODE control(
        struct ifd *ifd, DWORD code, const uint8_t *cmd, size_t len, struct answer *answer)
{
        static const uint8_t tagged[] = { 1, 2, 0x10, 0x02, 2, 1, 7, 6, 1, 4, 7, 1, 12 };
        static const uint8_t pin_properties[] = { 0x10, 0x02, 7, 0 };
        switch (code) {
        case CM_IOCTL_GET_FEATURE_REQUEST: return tell_features(ifd, answer);
        case CODE(FEATURE_GET_TLV_PROPERTIES):
                return tell(ifd, "properties", tagged, sizeof tagged, answer);
        case CODE(FEATURE_IFD_PIN_PROPERTIES):
                return tell(ifd, "pin-properties", pin_properties, sizeof pin_properties, answer);
        case CODE(FEATURE_VERIFY_PIN_DIRECT): return ask(ifd, cmd, len, false, answer);
        case CODE(FEATURE_MODIFY_PIN_DIRECT): return ask(ifd, cmd, len, true, answer);
        default: return IFD_ERROR_NOT_SUPPORTED;
        }
}

/* ---- what pcscd calls -------------------------------------------------------------------------- */

static struct ifd *ifd_of(DWORD lun)
{
        struct ifd *ifd = &readers[lun >> 16 & (READERS_MAX - 1)];
        return ifd->used ? ifd : NULL;
}

RESPONSECODE IFDHCreateChannelByName(DWORD lun, LPSTR folder)
{
        struct ifd *ifd = &readers[lun >> 16 & (READERS_MAX - 1)];
        char line[LINE_LEN];
        *ifd = (struct ifd){ .listener = -1, .card = -1 };
        snprintf(ifd->folder, sizeof ifd->folder, "%s", folder);
        if (read_line(ifd, "port", line))
                ifd->listener = listen_on(atoi(line));
        ifd->used = ifd->listener >= 0;
        return ifd->used ? IFD_SUCCESS : IFD_COMMUNICATION_ERROR;
}

RESPONSECODE IFDHCreateChannel(DWORD lun _unused_, DWORD channel _unused_)
{
        return IFD_COMMUNICATION_ERROR;
}

RESPONSECODE IFDHCloseChannel(DWORD lun)
{
        struct ifd *ifd = ifd_of(lun);
        if (!ifd)
                return IFD_COMMUNICATION_ERROR;
        lose_card(ifd);
        close(ifd->listener);
        ifd->used = false;
        return IFD_SUCCESS;
}

RESPONSECODE IFDHGetCapabilities(DWORD lun, DWORD tag, PDWORD length, PUCHAR value)
{
        struct ifd *ifd = ifd_of(lun);
        bool atr = tag == TAG_IFD_ATR || tag == SCARD_ATTR_ATR_STRING;
        if (atr && ifd && *length >= ifd->atr_len) {
                memcpy(value, ifd->atr, ifd->atr_len);
                *length = ifd->atr_len;
                return IFD_SUCCESS;
        }
        bool count = tag == TAG_IFD_SLOTS_NUMBER || tag == TAG_IFD_SIMULTANEOUS_ACCESS;
        if (!count || *length < 1)
                return IFD_ERROR_TAG;
        *length = 1;
        value[0] = tag == TAG_IFD_SLOTS_NUMBER ? 1 : READERS_MAX;
        return IFD_SUCCESS;
}

RESPONSECODE IFDHSetCapabilities(
        DWORD lun _unused_, DWORD tag _unused_, DWORD length _unused_, PUCHAR value _unused_)
{
        return IFD_ERROR_TAG;
}

RESPONSECODE IFDHSetProtocolParameters(DWORD lun _unused_, DWORD protocol _unused_,
        UCHAR flags _unused_, UCHAR pts1 _unused_, UCHAR pts2 _unused_, UCHAR pts3 _unused_)
{
        return IFD_SUCCESS;
}

RESPONSECODE IFDHPowerICC(DWORD lun, DWORD action, PUCHAR atr, PDWORD atr_len)
{
        struct ifd *ifd = ifd_of(lun);
        static const uint8_t off = 0, on = 1, reset = 2, ask_atr = 4;
        *atr_len = 0;
        if (!ifd || ifd->card < 0)
                return IFD_COMMUNICATION_ERROR;
        if (action == IFD_POWER_DOWN)
                return say(ifd, &off, 1) ? IFD_SUCCESS : IFD_COMMUNICATION_ERROR;
        bool answered = say(ifd, action == IFD_RESET ? &reset : &on, 1) &&
                        exchange(ifd, &ask_atr, 1, ifd->atr, sizeof ifd->atr, &ifd->atr_len);
        if (!answered)
                return IFD_ERROR_POWER_ACTION;
        memcpy(atr, ifd->atr, ifd->atr_len);
        *atr_len = ifd->atr_len;
        return IFD_SUCCESS;
}

RESPONSECODE IFDHTransmitToICC(DWORD lun, SCARD_IO_HEADER pci _unused_, PUCHAR cmd, DWORD cmd_len,
        PUCHAR rsp, PDWORD rsp_len, PSCARD_IO_HEADER rsp_pci _unused_)
{
        struct ifd *ifd = ifd_of(lun);
        size_t len = 0;
        bool answered = ifd && exchange(ifd, cmd, cmd_len, rsp, *rsp_len, &len);
        *rsp_len = len;
        return answered ? IFD_SUCCESS : IFD_COMMUNICATION_ERROR;
}

RESPONSECODE IFDHICCPresence(DWORD lun)
{
        struct ifd *ifd = ifd_of(lun);
        return ifd && card_present(ifd) ? IFD_ICC_PRESENT : IFD_ICC_NOT_PRESENT;
}

RESPONSECODE IFDHControl(
        DWORD lun, DWORD code, PUCHAR cmd, DWORD cmd_len, PUCHAR rsp, DWORD cap, LPDWORD ret_len)
{
        struct ifd *ifd = ifd_of(lun);
        *ret_len = 0;
        if (!ifd)
                return IFD_COMMUNICATION_ERROR;
        struct answer *answer = &ifd->answer;
        answer->len = 0;
        RESPONSECODE r = control(ifd, code, cmd, cmd_len, answer);
        if (r != IFD_SUCCESS)
                return r;
        if (answer->len > cap)
                return IFD_ERROR_INSUFFICIENT_BUFFER;
        memcpy(rsp, answer->bytes, answer->len);
        *ret_len = answer->len;
        return IFD_SUCCESS;
}

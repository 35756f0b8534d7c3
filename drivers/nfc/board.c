/* SPDX-License-Identifier: Apache-2.0 */
/* board.c: see board.h. Written against libnfc 1.8.0 as its sources read and as it behaves on a line where
 * everything that can go wrong was made to.
 *
 * libnfc sends a command once and repeats nothing; nor does this file, but for "field off", which it
 * repeats until the board has confirmed it. After an exchange that went wrong on the line nobody knows
 * what the board is doing: the field is turned off (a new command ends the running one), and
 * before the next card is looked for the board is set up again. A board that cannot be brought to turn
 * its field off is of no more use: NO_READER ends this process, and the next one begins at the beginning.
 *
 * The chip does the block protocol, its repetitions and waiting-time extensions. Who waits for it in vain,
 * and for how long, is tick.h's matter.
 *
 * libnfc lists cards by activating and halting one after the other. Two are enough to know that it cannot
 * be said whose card was meant. The one card is then activated again from the beginning.
 */
#include "drivers/nfc/board.h"

#include "drivers/nfc/autopoll.h"
#include "drivers/nfc/port.h"
#include "drivers/nfc/tick.h"

#include <nfc/nfc.h>
#include <time.h>

#define DARK_MS       10 /* ISO/IEC 14443-3 wants 5.1 */
#define DARK_ATTEMPTS 4
#define OPEN_ATTEMPTS 3
#define SETTLE_MS     20
#define STACK_BYTES   8192 /* some times what libnfc's frames of 264 bytes take */

struct board {
        nfc_context *context;
        nfc_device *device;
        int port;      /* -1: the device is no serial line */
        int wakeup;    /* of the machine: see autopoll.h */
        bool looks;    /* for cards, by itself */
        bool doubtful; /* set up again before the next card */
        struct tick tick;
};

/* libnfc's drivers for boards: on a serial line as tested here, on USB by libnfc's and libusb-0.1's sources
 * (no such board, nor a likeness of one, was at hand). Those for readers that belong to pcscd are left out.
 * What is on USB (PN531, PN533, RC-S360) has no InAutoPoll, and libnfc would wake each 200 ms for it. */
static const struct kind {
        const char *name;
        bool serial, looks;
} kinds[] = {
        { "pn532_uart", true, true },
        { "pn53x_usb", false, false },
};

static const nfc_modulation modulations[] = {
        { .nmt = NMT_ISO14443A, .nbr = NBR_106 },
        { .nmt = NMT_ISO14443B, .nbr = NBR_106 },
};

/* The chip needs 15 ms, an adapter on USB may keep bytes for 16. After five minutes the board is asked whether it
 * lives: one that lost its power says nothing. */
static const struct autopoll_limits waiting = { .ack = 100, .rest = 60, .total = 300000 };

/* clang-format off */
static const struct {
        int error, outcome;
} failures[] = {
        { NFC_ERFTRANS,    OUTCOME_CARD_REMOVED }, /* the chip tried, the card did not answer */
        { NFC_ETGRELEASED, OUTCOME_CARD_REMOVED },
        { NFC_EINVARG,     OUTCOME_CARD_REMOVED }, /* the chip knows of no card any more */
        { NFC_ENOTSUCHDEV, OUTCOME_NO_READER },
};
/* clang-format on */

/* Anything else is the line's or the board's fault: the answer did not come in a form one can trust. */
static int outcome_of_failure(int error)
{
        for (size_t i = 0; i < ARRAY_LEN(failures); i++)
                if (failures[i].error == error)
                        return failures[i].outcome;
        return OUTCOME_TIMED_OUT;
}

static void sleep_ms(long ms)
{
        const struct timespec span = { .tv_nsec = ms * 1000000 };
        (void)clock_nanosleep(CLOCK_MONOTONIC, 0, &span, NULL);
}

static const struct kind *kind_of(const char *connstring)
{
        for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
                size_t len = strlen(kinds[i].name);
                if (strncmp(connstring, kinds[i].name, len) == 0 && connstring[len] == ':')
                        return &kinds[i];
        }
        return NULL;
}

/* The name libnfc is to open; of a serial line the right to use it, too. */
static int prepare(struct board *board, const char *connstring, char *ret_name, size_t cap)
{
        const struct kind *kind = kind_of(connstring);
        if (!kind || strlen(connstring) >= cap)
                return -EINVAL;
        memcpy(ret_name, connstring, strlen(connstring) + 1);
        board->looks = kind->looks;
        if (!kind->serial)
                return 0;
        size_t begin = strlen(kind->name) + 1;
        return port_take(connstring + begin, ret_name + begin, cap - begin, &board->port);
}

void board_guard(struct board *board, int channel)
{
        board->tick.channel = channel;
}

static int field_off(const struct board *board)
{
        int r = NFC_EIO;
        for (int i = 0; i < DARK_ATTEMPTS && r < 0 && r != NFC_ENOTSUCHDEV; i++) {
                if (i > 0)
                        sleep_ms(SETTLE_MS);
                r = nfc_device_set_property_bool(board->device, NP_ACTIVATE_FIELD, false);
        }
        return r < 0 ? OUTCOME_NO_READER : 0;
}

/* Begins by turning the field off, and ends so. */
static int set_up(struct board *board)
{
        if (nfc_initiator_init(board->device) < 0 ||
                nfc_device_set_property_bool(board->device, NP_INFINITE_SELECT, false) < 0)
                return OUTCOME_NO_READER;
        int r = field_off(board);
        if (r == 0)
                board->doubtful = false;
        return r;
}

/* libnfc reads a configuration of its own and may write to standard error: of the one nothing but names
 * for devices matters here, the other is silenced. */
static int libnfc_begin(struct board *board)
{
        if (setenv("LIBNFC_LOG_LEVEL", "0", 1) < 0 || setenv("LIBNFC_AUTO_SCAN", "false", 1) < 0)
                return -errno;
        nfc_init(&board->context);
        return board->context ? 0 : -ENOMEM;
}

static int open_device(struct board *board, const char *name)
{
        int r = OUTCOME_NO_READER;
        for (int i = 0; i < OPEN_ATTEMPTS && r != 0; i++) {
                if (!board->device)
                        board->device = nfc_open(board->context, name);
                if (board->device)
                        r = set_up(board);
        }
        return r;
}

int board_open(struct board **ret, const char *connstring)
{
        nfc_connstring name;
        _cleanup_board_ struct board *board = calloc(1, sizeof *board);
        if (!board)
                return -ENOMEM;
        board->port = board->wakeup = -1;
        int r = prepare(board, connstring, name, sizeof name);
        if (r == 0)
                r = libnfc_begin(board);
        if (r == 0)
                r = open_device(board, name);
        if (r == 0)
                r = tick_make(&board->tick, board->device);
        if (r == 0 && board->looks)
                r = autopoll_wakeup(&board->wakeup);
        if (r != 0)
                return r;
        *ret = board;
        board = NULL;
        return 0;
}

struct board *board_close(struct board *board)
{
        if (!board)
                return NULL;
        if (board->device)
                nfc_close(board->device); /* turns the field off */
        if (board->context)
                nfc_exit(board->context);
        if (board->port >= 0)
                close(board->port);
        if (board->wakeup >= 0)
                close(board->wakeup);
        free(board);
        return NULL;
}

int board_dark(struct board *board)
{
        int r = field_off(board);
        if (r == 0)
                sleep_ms(DARK_MS);
        return r;
}

/* Ends what went wrong: no card has power, and what is to be said of it. */
static int give_up(struct board *board, int outcome)
{
        board->doubtful = true;
        int r = board_dark(board);
        return r != 0 ? r : outcome;
}

/* 1 a card is active, 0 none; negative: libnfc's. A chip without type B has no card of type B. */
static int activate(const struct board *board, const nfc_modulation *how, nfc_target *ret)
{
        memset(ret, 0, sizeof *ret);
        int r = nfc_initiator_select_passive_target(board->device, *how, NULL, 0, ret);
        bool not_ours = r == NFC_EDEVNOTSUPP || r == NFC_EINVARG || r == NFC_ERFTRANS;
        return not_ours ? 0 : r < 0 ? r : r > 0;
}

static bool speaks(const nfc_target *target)
{
        return target->nm.nmt == NMT_ISO14443A
                       ? contactless_speaks_a(target->nti.nai.btSak)
                       : contactless_speaks_b(target->nti.nbi.abtProtocolInfo);
}

/* How many of one kind lie there, two at most; ret[] are the cards. Negative: libnfc's. */
static int list(const struct board *board, const nfc_modulation *how, nfc_target ret[2])
{
        int count = 0;
        while (count < 2) {
                int r = activate(board, how, &ret[count]);
                if (r < 0)
                        return r;
                bool again = count == 1 && memcmp(&ret[0], &ret[1], sizeof ret[0]) == 0;
                if (r == 0 || again)
                        return count;
                count++;
                r = nfc_initiator_deselect_target(board->device);
                if (r < 0)
                        return r;
        }
        return count;
}

/* The one card in the field. 0, NO_CARD, BUSY, CARD_NOT_SUPPORTED, or negative: libnfc's. */
static int find_only(const struct board *board, nfc_target *ret)
{
        nfc_target found[2];
        int count = 0;
        for (size_t i = 0; i < ARRAY_LEN(modulations); i++) {
                int r = list(board, &modulations[i], found);
                if (r < 0)
                        return r;
                if (r > 0)
                        *ret = found[0];
                count += r;
        }
        if (count != 1)
                return count == 0 ? OUTCOME_NO_CARD : OUTCOME_BUSY;
        return speaks(ret) ? 0 : OUTCOME_CARD_NOT_SUPPORTED;
}

static void describe(const nfc_target *target, struct board_card *ret)
{
        const nfc_iso14443a_info *a = &target->nti.nai;
        const nfc_iso14443b_info *b = &target->nti.nbi;
        struct view ats = { .data = a->abtAts, .len = base_min(a->szAtsLen, sizeof a->abtAts) };
        ret->atr_len = target->nm.nmt == NMT_ISO14443A
                               ? contactless_atr_a(ats, ret->atr)
                               : contactless_atr_b(b->abtApplicationData, b->abtProtocolInfo,
                                         b->ui8CardIdentifier, ret->atr);
}

int board_activate(struct board *board, struct board_card *ret)
{
        nfc_target target = { 0 };
        int r = board->doubtful ? set_up(board) : 0;
        if (r == 0)
                r = board_dark(board);
        if (r != 0)
                return r;
        r = find_only(board, &target);
        if (r < 0)
                return give_up(board, OUTCOME_NO_CARD);
        int dark = board_dark(board);
        if (dark != 0 || r != 0)
                return dark != 0 ? dark : r;
        const nfc_modulation how = target.nm;
        r = activate(board, &how, &target);
        if (r <= 0 || !speaks(&target))
                return give_up(board, OUTCOME_NO_CARD);
        describe(&target, ret);
        return 0;
}

int board_still(struct board *board)
{
        int r = nfc_initiator_target_is_present(board->device, NULL);
        return r == 0 ? 0 : give_up(board, OUTCOME_NO_CARD);
}

static void glimpse_of(const nfc_target *target, struct board_glimpse *ret)
{
        bool type_a = target->nm.nmt == NMT_ISO14443A;
        const uint8_t *uid = type_a ? target->nti.nai.abtUid : target->nti.nbi.abtPupi;
        size_t len = type_a ? target->nti.nai.szUidLen : 0; /* a PUPI may be made up each time */
        if (len == 4 && uid[0] == 0x08)                     /* so is this one: 14443-3, 6.5.4 */
                len = 0;
        *ret = (struct board_glimpse){ .present = true, .uid_len = base_min(len, sizeof ret->uid) };
        memcpy(ret->uid, uid, ret->uid_len);
}

int board_glimpse(struct board *board, struct board_glimpse *ret)
{
        nfc_target target;
        struct board_glimpse seen = { 0 };
        int r = board->doubtful ? set_up(board) : 0;
        if (r != 0)
                return r;
        for (size_t i = 0; i < ARRAY_LEN(modulations) && r == 0; i++)
                r = activate(board, &modulations[i], &target);
        if (r < 0)
                board->doubtful = true;
        if (r > 0)
                glimpse_of(&target, &seen);
        r = field_off(board);
        if (r == 0)
                *ret = seen;
        return r;
}

bool board_looks(const struct board *board)
{
        return board->looks;
}

int board_wait(struct board *board, int channel, bool *ret_called)
{
        const struct autopoll_ends ends = { board->port, channel, board->wakeup };
        enum autopoll_end end = AUTOPOLL_TIME;
        int r = autopoll(&ends, &waiting, &end);
        if (r == 0)
                r = board_dark(board); /* a card that answered the board has power now */
        if (r == 0)
                *ret_called = end == AUTOPOLL_CALLED;
        return r;
}

/* libnfc leaves each command in dead frames of the stack; one of them is VERIFY. */
__attribute__((noinline)) static void wipe_stack(void)
{
        uint8_t dead[STACK_BYTES];
        explicit_bzero(dead, sizeof dead);
}

int board_exchange(struct board *board, const uint8_t *cmd, size_t cmd_len, uint8_t *rsp,
        size_t cap, size_t *ret_len)
{
        if (cmd_len > BOARD_COMMAND_MAX)
                return -EMSGSIZE;
        tick_start(&board->tick);
        int r = nfc_initiator_transceive_bytes(
                board->device, cmd, cmd_len, rsp, cap, TICK_SILENCE_MS);
        tick_stop(&board->tick);
        wipe_stack();
        if (r < 0)
                return give_up(board, outcome_of_failure(r));
        *ret_len = (size_t)r;
        return 0;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* nfc.c: one NFC board as a reader, through libnfc.
 *
 * The field is on only where it must be. Between requests it is off, and a look turns it on for a few
 * milliseconds to see whether a card lies there (type A first, then B). On an empty board the chip looks by
 * itself where it can (autopoll.c) and calls, so that nobody here wakes for nothing. Where it cannot, and as
 * long as a card lies there, this process looks, every 150 ms, so that a person who lays a card down, or takes
 * it, sees it noticed. What the chip calls for is looked at like anything else. If nobody is there, it is looked at
 * by the clock for a while, each time twice as long: so a board that does not know the
 * command, or calls at everything, does not keep us busy. From begin() on, and over an end() that leaves the
 * card, the field stays on: it is what keeps the card's state, and a card that was lifted for an instant has lost
 * it. So "the same card" is never a guess from a number: the card is asked in its own protocol whether
 * it is still where it was. A card that had no power in between is a new one.
 *
 * Nobody else resets such a card. end(DRIVER_RESET) turns the field off, every failure does, and so
 * does open(), for the card that a killed predecessor left there. No answer is worth a second try: a
 * command goes out once (board.c).
 *
 * A board carries short APDUs only: 261 bytes of command and 258 of answer fit into one exchange of the
 * chip, which takes 262. Profiles that ask for extended lengths get -EMSGSIZE; none does.
 */
#include "drivers/driver.h"
#include "drivers/nfc/board.h"

#include <poll.h>
#include <sys/random.h>

#define LOOK_MS   150
#define LOOKS_MAX 64 /* by the clock, after calls for nobody: ten seconds */

struct nfc {
        struct board *board;
        bool held; /* a card is active, the field is on */
        struct board_card card;
        enum card_event happened; /* since the last begin that succeeded */
        uint32_t events;          /* comings and goings, from anywhere on */
        struct board_glimpse seen;
        unsigned int looks_due; /* by the clock, before the board is trusted to call */
        unsigned int penalty;   /* how many they are the next time */
        bool told;
        bool told_present;
        uint32_t told_events;
};

static void note_change(struct nfc *nfc)
{
        nfc->events++;
        nfc->happened = CARD_IS_NEW;
}

/* The active card is no more; the field is off already. */
static int drop(struct nfc *nfc, int outcome)
{
        nfc->held = false;
        nfc->seen.present = false;
        note_change(nfc);
        return outcome;
}

static int nfc_driver_open(
        void **ret_reader, const char *reader, const char *const *options _unused_)
{
        _cleanup_free_ struct nfc *nfc = calloc(1, sizeof *nfc);
        if (!nfc)
                return -ENOMEM;
        if (getrandom(&nfc->events, sizeof nfc->events, 0) != (ssize_t)sizeof nfc->events)
                return -EIO;
        note_change(nfc);
        int r = board_open(&nfc->board, reader);
        if (r != 0)
                return r;
        *ret_reader = nfc;
        nfc = NULL;
        return 0;
}

static void nfc_driver_close(void *reader)
{
        struct nfc *nfc = reader;
        board_close(nfc->board);
        free(nfc);
}

static int hold(struct nfc *nfc)
{
        if (nfc->held) {
                int r = board_still(nfc->board);
                if (r == 0)
                        return 0;
                (void)drop(nfc, r);
                if (r != OUTCOME_NO_CARD)
                        return r;
        }
        int r = board_activate(nfc->board, &nfc->card);
        nfc->held = r == 0;
        nfc->happened = CARD_IS_NEW;
        return r;
}

static int nfc_begin(void *reader, struct driver_card *ret)
{
        struct nfc *nfc = reader;
        int r = hold(nfc);
        if (r != 0)
                return r;
        *ret = (struct driver_card){
                .protocol = APDU_T1,
                .atr_len = nfc->card.atr_len,
                .event = nfc->happened,
                .insertion = nfc->events,
        };
        memcpy(ret->atr, nfc->card.atr, nfc->card.atr_len);
        nfc->happened = CARD_SAME;
        return 0;
}

static int nfc_transmit(
        void *reader, const uint8_t *cmd, size_t cmd_len, uint8_t *rsp, size_t cap, size_t *ret_len)
{
        struct nfc *nfc = reader;
        if (!nfc->held)
                return OUTCOME_CARD_REMOVED;
        int r = board_exchange(nfc->board, cmd, cmd_len, rsp, cap, ret_len);
        return r == 0 || r == -EMSGSIZE ? r : drop(nfc, r);
}

static int nfc_end(void *reader, enum driver_end how)
{
        struct nfc *nfc = reader;
        if (how == DRIVER_LEAVE || !nfc->held)
                return 0;
        nfc->held = false;
        nfc->happened = CARD_IS_NEW;
        return board_dark(nfc->board);
}

static bool other_card(const struct board_glimpse *a, const struct board_glimpse *b)
{
        return a->present && b->present && a->uid_len > 0 && b->uid_len > 0 &&
               (a->uid_len != b->uid_len || memcmp(a->uid, b->uid, a->uid_len) != 0);
}

/* Updates what is known of the card on the board. 0 or NO_READER. */
static int look(struct nfc *nfc)
{
        struct board_glimpse now;
        if (nfc->held) {
                int r = board_still(nfc->board);
                nfc->seen.present = r == 0;
                return r == OUTCOME_NO_CARD ? drop(nfc, 0) : r;
        }
        int r = board_glimpse(nfc->board, &now);
        if (r == 0 && nfc->seen.present &&
                !now.present) /* a card is not gone for one look in vain */
                r = board_glimpse(nfc->board, &now);
        if (r != 0)
                return r;
        if (now.present != nfc->seen.present || other_card(&now, &nfc->seen))
                note_change(nfc);
        nfc->seen = now;
        return 0;
}

/* Until the next look is due, or mohrd asks: true. */
static bool asked(int channel, int limit_ms)
{
        struct pollfd fd = { .fd = channel, .events = POLLIN };
        return poll(&fd, 1, limit_ms) != 0;
}

static bool is_news(const struct nfc *nfc)
{
        return !nfc->told || nfc->told_present != nfc->seen.present ||
               nfc->told_events != nfc->events;
}

/* What is not told yet must not wait for somebody to come. */
static bool board_may_call(const struct nfc *nfc)
{
        return !is_news(nfc) && !nfc->held && !nfc->seen.present && nfc->looks_due == 0 &&
               board_looks(nfc->board);
}

/* After a call for nobody. */
static void distrust(struct nfc *nfc)
{
        unsigned int twice = nfc->penalty > 0 ? 2 * nfc->penalty : 1;
        nfc->penalty = twice < LOOKS_MAX ? twice : LOOKS_MAX;
        nfc->looks_due = nfc->penalty;
}

/* Rests, and looks. 0 or NO_READER; *ret_asked: mohrd asks something. */
static int rest(struct nfc *nfc, int channel, bool *ret_asked)
{
        bool calls = board_may_call(nfc), called = false;
        int r = 0;
        *ret_asked = asked(channel, calls ? 0 : LOOK_MS);
        nfc->looks_due -= nfc->looks_due > 0;
        if (calls && !*ret_asked) {
                r = board_wait(nfc->board, channel, &called);
                *ret_asked = r == 0 && asked(channel, 0);
        }
        if (r != 0 || *ret_asked)
                return r;
        r = look(nfc);
        if (nfc->seen.present)
                nfc->penalty = 0;
        else if (called)
                distrust(nfc);
        return r;
}

static int nfc_wait(void *reader, int channel, bool *ret_changed, struct driver_presence *ret)
{
        struct nfc *nfc = reader;
        bool question = false;
        int r;
        board_guard(nfc->board, channel);
        do
                r = nfc->told ? rest(nfc, channel, &question) : look(nfc);
        while (r == 0 && !question && !is_news(nfc));
        *ret_changed = false;
        if (r != 0 || question)
                return r;
        nfc->told = true;
        nfc->told_present = nfc->seen.present;
        nfc->told_events = nfc->events;
        *ret = (struct driver_presence){ .present = nfc->seen.present, .events = nfc->events };
        *ret_changed = true;
        return 0;
}

const struct driver driver_nfc = {
        .name = "nfc",
        .open = nfc_driver_open,
        .begin = nfc_begin,
        .transmit = nfc_transmit,
        .end = nfc_end,
        .close = nfc_driver_close,
        .wait = nfc_wait,
};

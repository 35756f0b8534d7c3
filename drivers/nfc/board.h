/* SPDX-License-Identifier: Apache-2.0 */
/* board.h: one NFC board through libnfc: its field, the card in it, one exchange. Everything that libnfc
 * is known to do in its own way stays behind this header.
 */
#ifndef MOHR_NFC_BOARD_H
#define MOHR_NFC_BOARD_H

#include "base/base.h"
#include "base/outcome.h"
#include "drivers/nfc/contactless.h"

#define BOARD_COMMAND_MAX 262 /* of one exchange: any short APDU fits */

struct board;

/* An activated card. */
struct board_card {
        uint8_t atr[CONTACTLESS_ATR_MAX];
        size_t atr_len;
};

/* What lies there, seen in passing. `uid_len` is 0 for a card that makes up its number each time. */
struct board_glimpse {
        bool present;
        uint8_t uid[10];
        size_t uid_len;
};

/* `connstring` is libnfc's "DRIVER:DEVICE[:SPEED]". On return the field is off. 0, NO_READER, BUSY,
 * READER_SERVICE; -EINVAL for a driver of libnfc's that is not in our table. */
_must_check_ int board_open(struct board **ret, const char *connstring);
/* Turns the field off. */
struct board *board_close(struct board *board);

/* From now on an exchange is called off when the other end of this channel closes. */
void board_guard(struct board *board, int channel);

/* No card has power any more; waits long enough for a card to notice. 0 or NO_READER. */
_must_check_ int board_dark(struct board *board);
/* Activates the only card in the field, after it was without power. 0; NO_CARD; BUSY: more than one lie
 * there; CARD_NOT_SUPPORTED: it does not speak ISO/IEC 14443-4; NO_READER. All but 0 leave the field off. */
_must_check_ int board_activate(struct board *board, struct board_card *ret);
/* Is the activated card still there, with all its state? 0, NO_CARD, NO_READER. */
_must_check_ int board_still(struct board *board);
/* What lies there, with the field on for a moment and then off. 0 or NO_READER. */
_must_check_ int board_glimpse(struct board *board, struct board_glimpse *ret);
/* Can its chip look for cards by itself? */
bool board_looks(const struct board *board);
/* Lets it, without waking this process, until it calls (*ret_called: somebody may have come), `channel` can be
 * read or closes, or some minutes are over. Leaves the field off. 0 or NO_READER. */
_must_check_ int board_wait(struct board *board, int channel, bool *ret_called);
/* One command to the activated card, sent once whatever happens. 0, CARD_REMOVED, TIMED_OUT, NO_READER;
 * -EMSGSIZE. All but 0 leave the field off. */
_must_check_ int board_exchange(struct board *board, const uint8_t *cmd, size_t cmd_len,
        uint8_t *rsp, size_t cap, size_t *ret_len);

static inline void board_close_cleanup(struct board **slot)
{
        *slot = board_close(*slot);
}
#define _cleanup_board_ _cleanup_(board_close_cleanup)

#endif

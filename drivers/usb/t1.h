/* SPDX-License-Identifier: Apache-2.0 */
/* t1.h: the block protocol T=1 (ISO/IEC 7816-3:2006 11), for readers that only carry blocks.
 *
 * What it promises above the standard: the block that completes a command is sent again only when the
 * card itself says, by an R-block of its number, that it has not got it, and never after a RESYNCH,
 * which would make the card take it for a new command. So a card that keeps to the standard executes
 * each command at most once, and a VERIFY whose answer is lost stays lost.
 */
#ifndef MOHR_USB_T1_H
#define MOHR_USB_T1_H

#include "base/bytes.h"
#include "base/outcome.h"

#define T1_IFS_MAX   254
#define T1_BLOCK_MAX 259 /* NAD PCB LEN, INF, CRC */

struct t1_line {
        /* Sends one block and brings one block. `bwi`: how many block waiting times this one may take,
         * 0 for the usual one. -EIO: the line garbled the answer, or none came in the card's time; any
         * other value but 0 ends the exchange. */
        int (*block)(void *ctx, const uint8_t *out, size_t out_len, uint8_t bwi, uint8_t *in,
                size_t cap, size_t *ret_len);
        void *ctx;
};

struct t1 {
        struct t1_line line;
        uint8_t ns, nr;           /* numbers of the next I-block of ours and of the card's */
        uint8_t ifsc, first_ifsc; /* longest INF that the card takes: present, by its ATR */
        bool crc;
        uint8_t bwi; /* of the next block only */
};

void t1_init(struct t1 *t1, const struct t1_line *line, uint8_t ifsc, bool crc);
/* Tells the card how long its blocks may be: S(IFS). 0, TIMED_OUT or what the line said. */
_must_check_ int t1_set_ifsd(struct t1 *t1, uint8_t ifsd);
/* 0; OUTCOME_TIMED_OUT: no answer in a usable shape; -EBADMSG: the answer is over cap; or what the
 * line said. After anything but 0 the card needs a reset. */
_must_check_ int t1_exchange(struct t1 *t1, const uint8_t *cmd, size_t cmd_len, uint8_t *rsp,
        size_t cap, size_t *ret_len);

#endif

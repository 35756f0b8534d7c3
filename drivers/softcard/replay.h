/* SPDX-License-Identifier: Apache-2.0 */
/* replay.h: a card out of a transcript (docs/transcript.md): it says what another card said.
 *
 * A command is answered by the line that comes next, else by the next line like it, else by the first
 * one like it; what is in no line is 6F00, and counted. One that was cut short ends as it did. Bytes that were withheld are made up: whoever owns
 * the replay says from what. Only the text of the transcript is read here, strictly and within bounds.
 */
#ifndef MOHR_SOFTCARD_REPLAY_H
#define MOHR_SOFTCARD_REPLAY_H

#include "base/base.h"
#include "base/bytes.h"

#define REPLAY_TEXT_MAX  20000
#define REPLAY_LINES_MAX 800
#define REPLAY_FILES     3
#define REPLAY_ATR_MAX   33

struct replay;

/* -EBADMSG for what is not a transcript, with the number of the line. */
_must_check_ int replay_new(
        struct replay **ret, const char *text, size_t len, unsigned int *ret_line);
struct replay *replay_free(struct replay *replay);

/* What the head says. */
struct replay_head {
        uint8_t atr[REPLAY_ATR_MAX];
        size_t atr_len;
        bool t0, piv;
        char files[REPLAY_FILES][16]; /* "signature", "authority", ... */
        char certificate[16], issuer[16], verdict[24];
        int key; /* reference, -1: none */
};
const struct replay_head *replay_head(const struct replay *replay);

/* What stands where bytes were withheld; borrowed, may be empty. */
void replay_put_file(struct replay *replay, size_t file, struct view der);
void replay_put_key(struct replay *replay, struct view modulus, struct view exponent);

void replay_power_on(struct replay *replay); /* to the first line again */
/* Data and status word; no bytes at all where the transcript has none. -ENOSPC. OUTCOME_CARD_REMOVED or
 * OUTCOME_TIMED_OUT instead of the last answer, where the card went or fell silent there. */
_must_check_ int replay_answer(
        struct replay *replay, const uint8_t *cmd, size_t cmd_len, struct out *out);
unsigned int replay_strangers(const struct replay *replay); /* commands that were in no line */

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* transcript.h: what was said between us and a card, as text that may be given away.
 *
 * The form is that of docs/transcript.md: "@ STEP" for what was asked for, then one line for each
 * exchange, "COMMAND ANSWER" in hex; "[n]" stands for n bytes withheld, "-" for an answer that never
 * came. Lengths and status words are always kept. Bytes are kept by a table that names what may be
 * kept: what it does not name is withheld, whatever it may be.
 */
#ifndef MOHR_TRANSCRIPT_H
#define MOHR_TRANSCRIPT_H

#include "apdu/card.h"

#define TRANSCRIPT_MAX 16000 /* bytes of text; then a line "@ cut" and nothing more */

struct transcript {
        size_t len;
        bool cut;
        uint8_t keep;   /* rule of the command whose answer is being fetched */
        bool continued; /* a part of that answer came already */
        char text[TRANSCRIPT_MAX + 8];
};

void transcript_clear(struct transcript *transcript); /* wipes it */
/* `object`: what is read in this step, or -1. */
void transcript_step(struct transcript *transcript, const char *step, int object);
/* `rsp` NULL: no answer came. */
void transcript_add(struct transcript *transcript, int object, const uint8_t *cmd, size_t cmd_len,
        const uint8_t *rsp, size_t rsp_len);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* replay_internal.h: a transcript's parts as replay_text.c, which reads it, and replay.c, which plays it,
 * see them. The text stays text: a line is two spans of it.
 */
#ifndef MOHR_SOFTCARD_REPLAY_INTERNAL_H
#define MOHR_SOFTCARD_REPLAY_INTERNAL_H

#include "drivers/softcard/replay.h"

struct span {
        uint16_t at, len;
};

struct line {
        struct span command, answer;
        uint8_t file; /* 1 + certificate file that is read in this step, 0 none */
};

struct replay {
        struct replay_head head;
        struct line lines[REPLAY_LINES_MAX];
        size_t count, next;
        int ends_in;  /* outcome of the last line: the card went, or fell silent; 0: neither */
        uint8_t open; /* as `file` of the line that was answered last */
        struct view files[REPLAY_FILES], modulus, exponent, source;
        struct view object; /* what is left of one that is told piece by piece */
        uint8_t filler;     /* where there is no source, or no more of it */
        unsigned int strangers;
        size_t len;
        char text[REPLAY_TEXT_MAX];
};

/* Hex digits, or [n]: n bytes withheld. */
struct token {
        bool withheld;
        size_t count;     /* bytes */
        const char *text; /* of hex digits */
};

/* 0 with a token, 1 at the end, -EBADMSG. */
_must_check_ int replay_token(const char **at, const char *end, struct token *ret);
uint8_t replay_hex_byte(const char *text);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* conversation.h: a card that knows one dialogue by heart.
 *
 * The script is a list of commands, in hex, and what the card answers to each. A command that is not
 * the next in the script is refused and remembered: conversation_problem() then says what was said
 * and what was expected. Blanks in hex are ignored. An answer "!17" makes transmit return outcome 17.
 */
#ifndef MOHR_TESTS_CONVERSATION_H
#define MOHR_TESTS_CONVERSATION_H

#include "apdu/apdu.h"

struct said {
        const char *command, *answer;
};

struct conversation;

struct conversation *conversation_new(enum apdu_protocol protocol);
struct conversation *conversation_free(struct conversation *c); /* takes NULL, returns NULL */
static inline void conversation_cleanup(struct conversation **slot)
{
        *slot = conversation_free(*slot);
}
#define _cleanup_conversation_ _cleanup_(conversation_cleanup)

void conversation_say(struct conversation *c, const char *command, const char *answer);
void conversation_say_all(struct conversation *c, const struct said *lines, size_t count);
/* READ BINARY of all `len` bytes of `file` in blocks of 248, offsets in steps of `unit` bytes. */
void conversation_say_reads(struct conversation *c, const uint8_t *file, size_t len, size_t unit);

struct apdu_link *conversation_link(struct conversation *c);
size_t conversation_count(const struct conversation *c); /* lines said so far */
/* NULL if every line was said, in order, and nothing else. */
const char *conversation_problem(struct conversation *c);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* dialogue.h: the conversation with one pinentry: pages in order, a PIN or an outcome at the end.
 *
 * Consent comes before the last-try question, and both before any PIN is asked for; a refusal ends it.
 * What cannot be a PIN is asked again, three times in all: nothing has been spent then. The time of
 * the question covers all pages together. Assuan's buffers may keep digits until the process ends;
 * therefore the process ends.
 */
#ifndef MOHR_PROMPT_DIALOGUE_H
#define MOHR_PROMPT_DIALOGUE_H

#include "base/outcome.h"
#include "base/secret.h"
#include "daemon/prompt/question.h"

struct dialogue;

/* `program` is an absolute path. OUTCOME_NOBODY_TO_ASK if it cannot be started or does not greet. */
_must_check_ int dialogue_new(
        struct dialogue **ret, const char *program, const struct question *question);
/* 0 with 4..8 ASCII digits in `pin` (none to a question about a reader, or if they are typed on the reader), or an outcome. */
_must_check_ int dialogue_ask(struct dialogue *dialogue, struct secret *pin);
struct dialogue *dialogue_free(struct dialogue *dialogue); /* says goodbye and waits for pinentry */

static inline void dialogue_free_cleanup(struct dialogue **slot)
{
        *slot = dialogue_free(*slot);
}
#define _cleanup_dialogue_ _cleanup_(dialogue_free_cleanup)

#endif

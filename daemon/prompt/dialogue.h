/* SPDX-License-Identifier: Apache-2.0 */
/* dialogue.h: the conversation with one pinentry, page by page. Which pages, and in what order, is course.h.
 *
 * The time of the question covers all pages together. Assuan's buffers may keep digits until the process ends;
 * therefore the process ends.
 */
#ifndef MOHR_PROMPT_DIALOGUE_H
#define MOHR_PROMPT_DIALOGUE_H

#include "base/outcome.h"
#include "base/secret.h"
#include "daemon/prompt/flavour.h"
#include "daemon/prompt/question.h"
#include "daemon/prompt/texts.h"

struct dialogue;

/* `program` is an absolute path. OUTCOME_NOBODY_TO_ASK if it cannot be started or does not greet. */
_must_check_ int dialogue_new(
        struct dialogue **ret, const char *program, const struct question *question);
const struct flavour *dialogue_flavour(const struct dialogue *dialogue);
/* Buttons only. 0: one of them was chosen, *ret_third tells whether it was notok's (never without one).
 * OUTCOME_REFUSED: cancel's, or the window was closed. */
_must_check_ int dialogue_confirm(
        struct dialogue *dialogue, const struct page *page, bool *ret_third);
/* What was typed, Persian and Arabic-Indic digits folded; `error` (or NULL) is shown with the page. *ret_overlong: it was
 * more than the secret holds, which is no PIN of any card. */
_must_check_ int dialogue_type(struct dialogue *dialogue, const struct page *page,
        const char *error, struct secret *ret, bool *ret_overlong);
struct dialogue *dialogue_free(struct dialogue *dialogue); /* says goodbye and waits for pinentry */

static inline void dialogue_free_cleanup(struct dialogue **slot)
{
        *slot = dialogue_free(*slot);
}
#define _cleanup_dialogue_ _cleanup_(dialogue_free_cleanup)

#endif

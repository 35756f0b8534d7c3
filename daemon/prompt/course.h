/* SPDX-License-Identifier: Apache-2.0 */
/* course.h: the pages of a question in their order, and what the holder said on them.
 *
 * Consent comes before the last-try question, and both before any PIN is asked for; a refusal ends it. Where the
 * holder allowed the question before, the consent is left out and nothing else is. What cannot be a PIN is asked again,
 * three times in all: nothing has been spent then.
 */
#ifndef MOHR_PROMPT_COURSE_H
#define MOHR_PROMPT_COURSE_H

#include "daemon/prompt/dialogue.h"

/* Always an answer that answer_encode() takes; its PIN lies in `pin`, which is empty with any outcome but 0. */
struct answer course_run(
        struct dialogue *dialogue, const struct question *question, struct secret *pin);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* sign_work.h: mohr-document, asked by a command as mohrd asks it: client-sdk/document/work.h has the words. */
#ifndef MOHR_CLI_SIGN_WORK_H
#define MOHR_CLI_SIGN_WORK_H

#include "base/base.h"
#include <jansson.h>

/* Hears each answer that has "ok": true or is one of several, borrowed; what it returns that is not 0 ends the work and is returned. */
typedef int work_answer(void *user, const json_t *answer);

/* `question` is stolen; NULL: no memory for it. `from` and `to` are regular files, or -1. 0 after the last answer;
 * OUTCOME_DOCUMENT with *ret_why, a word of work.h (static), and what it says to a person in English; or a negative errno, -ENOENT
 * where the program is not installed. */
_must_check_ int sign_work(const char *work, json_t *question, int from, int to,
        work_answer *answer, void *user, const char **ret_why, const char **ret_detail);

#endif

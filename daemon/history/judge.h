/* SPDX-License-Identifier: Apache-2.0 */
/* judge.h: what only the past can tell of a request (docs/history.md, "What is judged").
 *
 * The clock is the computer's, and may have been wrong: what lies in the future by more than an hour counts for
 * nothing, so that nobody is locked out until then.
 */
#ifndef MOHR_HISTORY_JUDGE_H
#define MOHR_HISTORY_JUDGE_H

#include "daemon/history/book.h"

/* 0; OUTCOME_POLICY with *ret_why one of the words of a `refused` row, *ret_wait_s when to come again (0: never). */
_must_check_ int judge_limits(struct book *book, const struct history_ask_texts *ask, int64_t now,
        const char **ret_why, uint32_t *ret_wait_s);
const char *judge_detail(const char *why); /* in words */
/* Would one more row tell anything that one of this very minute does not? */
_must_check_ int judge_tells_more(struct book *book, const struct history_ask_texts *ask,
        const char *why, int64_t now, bool *ret);

/* Whom nobody else can pass for: a verified organization, or an app that the system's software manager or
 * service manager names. `key` may be NULL or "". */
bool judge_may_hold_grant(const char *app, const char *key);
/* *ret_grant: the permission that stands for the consent page, or "". */
_must_check_ int judge_grant(struct book *book, const struct history_ask_texts *ask,
        char ret_grant[static 33], uint8_t *ret_released);
/* Does it hold (and was it given at all)? */
_must_check_ int judge_grant_holds(struct book *book, const char *grant, bool *ret);
/* {"grants": [...]} as JSON, the latest first, as many as fit. */
_must_check_ int judge_list_grants(struct book *book, char *dst, size_t cap);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* worker.h: one piece of work done by a program of ours that looks into documents so that mohrd need not.
 *
 * A question goes in, one answer comes out, and the process is gone: client-sdk/document/work.h has the words of both, and of
 * each answer only what that promises is believed. The time limit is the caller's, since it goes by the size of the document.
 */
#ifndef MOHR_WORKER_H
#define MOHR_WORKER_H

#include "daemon/child.h"
#include "daemon/config.h"
#include <jansson.h>

struct worker;

struct worker_task {
        const char *program, *work; /* "mohr-document", "inspect" */
        json_t *question;           /* stolen, also on failure; NULL: no memory for it */
        int files[CHILD_FILES];     /* copied; -1: none */
        uint64_t limit_us;
};

/* outcome 0: `answer`, borrowed for the call, has "ok": true. OUTCOME_DOCUMENT: `why` is a word of work.h. OUTCOME_TIMED_OUT;
 * OUTCOME_INTERNAL: it ended without an answer that can be one. `why` and `detail` are static, `why` NULL where there is no such word.
 * Called once, after the process is gone, never from inside worker_start(). */
typedef void (*worker_done)(
        void *user, int outcome, const json_t *answer, const char *why, const char *detail);

/* -ENOENT: there is no such program here. */
_must_check_ int worker_start(struct worker **ret, sd_event *event, const struct config *config,
        const struct worker_task *task, worker_done done, void *user);
struct worker *worker_free(struct worker *worker); /* kills it; no callback after */

/* A word of work.h, as a static text, and what it says to a person; NULL for one that it does not have. */
const char *worker_word(const char *why);
const char *worker_refusal(const char *why);

#endif

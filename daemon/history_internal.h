/* SPDX-License-Identifier: Apache-2.0 */
/* history_internal.h: what history.c (what is asked of the history, and for whom) and history_worker.c (the process
 * that knows) share: questions in the order in which they were asked, one of them with the worker at a time.
 */
#ifndef MOHR_HISTORY_INTERNAL_H
#define MOHR_HISTORY_INTERNAL_H

#include "daemon/child.h"
#include "daemon/history.h"
#include "daemon/history/frame.h"

struct history_question {
        struct history_question *next;
        struct history_wait *wait; /* NULL: nobody waits */
        uint8_t *frame;
        size_t len;
        uint32_t id;
        enum history_op op;
        bool noted;          /* is logged if it fails */
        unsigned int tries;  /* how often it was sent */
        const char *failure; /* static: why there is no answer */
};

struct history_queue {
        struct history_question *first, **end;
};

enum history_state { HISTORY_NONE, HISTORY_IDLE, HISTORY_BUSY, HISTORY_LEAVING };

struct history {
        sd_event *event;
        const struct config *config;
        const struct log *log;
        sd_event_source *timer;   /* what the worker may take; when it is let go */
        sd_event_source *failing; /* tells those that there was no answer for */
        sd_event_source *tidying; /* wakes a worker for what is old */
        struct child *child;
        enum history_state state;
        struct history_question *sent;
        struct history_queue waiting, failed;
        struct history_reply *reply; /* as long as there is a worker */
        uint32_t next_id;
        bool *gone; /* freed inside a callback */
};

/* Takes the question over. */
void history_submit(struct history *history, struct history_question *question);
/* The same for one that cannot be asked: it is told so from the loop. */
void history_fail(struct history *history, struct history_question *question, const char *failure);
/* Its answer; reply NULL: there is none, for question->failure. Frees the question. */
void history_deliver(struct history *history, struct history_question *question,
        const struct history_reply *reply);

/* Asks what nobody needs the answer of, so that there is a worker. */
void history_nudge(struct history *history);

void history_queue_init(struct history_queue *queue);
void history_queue_put(struct history_queue *queue, struct history_question *question);
void history_queue_put_back(struct history_queue *queue, struct history_question *question);
struct history_question *history_queue_take(struct history_queue *queue); /* NULL: empty */
struct history_question *history_question_free(struct history_question *question);

_must_check_ int history_worker_init(struct history *history);
void history_worker_end(struct history *history); /* what is waiting is written first */

/* history_tidy.c */
_must_check_ int history_tidy_init(struct history *history);
void history_tidy_end(struct history *history);

#endif

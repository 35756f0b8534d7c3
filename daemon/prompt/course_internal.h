/* SPDX-License-Identifier: Apache-2.0 */
/* course_internal.h: what the tables of pages have in common; for course.c and pinchange.c alone. */
#ifndef MOHR_PROMPT_COURSE_INTERNAL_H
#define MOHR_PROMPT_COURSE_INTERNAL_H

#include "daemon/prompt/course.h"

#define PIN_ENTRIES 3

struct course {
        struct dialogue *dialogue;
        const struct question *question;
        const struct flavour *flavour;
        struct secret *pin;
        uint8_t released;
        bool remember;
};

typedef void (*compose_page)(const struct question *question, struct page *ret);

struct step {
        bool (*needed)(const struct question *question); /* NULL: always */
        int (*ask)(struct course *course);               /* NULL: behind the last */
};

/* Go on, or not: cancel's button and a closed window are the same "no". */
int course_agree(struct course *course, compose_page compose);
/* Yes or no, each with a button, and a third to leave. Of two buttons the second is both no and leave. */
int course_decide(struct course *course, compose_page compose, bool *ret_yes);
/* The same of a page that is there. Where Enter is the first button's, its first two change places. */
int course_decide_page(struct course *course, struct page *page, bool *ret_yes);
bool course_is_reversed(const struct course *course);
int course_last_try(struct course *course);
bool course_is_last_try(const struct question *question); /* also where nobody knows */

/* The PIN's page, or the one that leads to the reader's keys; what is no PIN is asked for again. */
int course_pin(struct course *course);
int course_unproven(struct course *course);
int course_remember(struct course *course);
bool course_tells_unproven(const struct question *question);
bool course_wants_consent(const struct question *question);
bool course_may_remember(const struct question *question);

/* course_works.c */
extern const struct step document_steps[], certificate_steps[], key_steps[];
/* pinchange.c */
extern const struct step pinchange_steps[], pinunblock_steps[];

#endif

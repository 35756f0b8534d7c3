/* SPDX-License-Identifier: Apache-2.0 */
/* screen_internal.h: the role of a screen, in parts. Only screen*.c include it.
 *
 *   screen.c           the role and its open question: serve, ask, take down
 *   screen_answer.c    what may be answered to which question
 *   screen_question.c  a question as it goes out
 *   screen_pin.c       digits from a pipe into locked memory
 *   screen_who.c       which program may hold the role
 */
#ifndef MOHR_SCREEN_INTERNAL_H
#define MOHR_SCREEN_INTERNAL_H

#include "daemon/screen.h"

#define SCREEN_INTERFACE  "mohr.Person"
#define SCREEN_TICKET_LEN 32
#define SCREEN_PIN_US     2000000 /* for the digits to come, and the end behind them */

enum screen_kind {
        SCREEN_SIGN = 1,
        SCREEN_CHOICE = 2,
        SCREEN_SEARCH = 4,
        SCREEN_DOCUMENTS = 8,
        SCREEN_CERTIFICATES = 16,
        SCREEN_KEY = 32
};
#define SCREEN_SIGNS (SCREEN_SIGN | SCREEN_DOCUMENTS | SCREEN_KEY) /* these take a PIN */

struct screen_pin;

struct screen {
        sd_event *event;
        const struct config *config;
        const struct log *log;
        struct call *serving; /* the Serve of who holds the role, or NULL */
        pid_t pid;            /* of that process, nobody else's while `died` waits for its end */
        sd_event_source *died;
        struct screen_question *open; /* asked and not yet settled, or NULL */
};

struct screen_question {
        struct screen *screen;
        char ticket[SCREEN_TICKET_LEN + 1];
        enum screen_kind kind;
        claimset required, optional;
        bool may_remember, pinpad, staff, last_try;
        struct secret *pin; /* borrowed; NULL: no digits are wanted */
        person_done done;
        void *user;
        sd_event_source *limit, *settled; /* both there from the start: settling needs no memory */
        struct person_answer answer; /* what was decided; of the Answer under way: what it says */
        struct call *answering;      /* whose digits are being read, or NULL */
        struct screen_pin *passing;
};

/* NULL if this client may hold the role, else why not, in words for an operator. Looked at anew each time: files
 * change. */
const char *screen_refusal(const struct config *config, const struct peer *peer);

enum screen_kind screen_kind_of(const struct person_question *question);
bool screen_may_remember(const struct person_question *question);
size_t screen_pin_min(bool staff);
/* All of the event "ask", or NULL without memory. */
json_t *screen_question_json(
        const struct person_question *question, const char *ticket, bool pinpad);

/* Reads min..8 digits and the end of the pipe into `pin`, which holds them then, or nothing. `done` is called once, from the
 * loop. Takes fd over, also on failure; OUTCOME_INVALID: it is no pipe. */
_must_check_ int screen_pin_new(struct screen_pin **ret, sd_event *event, int fd, size_t min,
        struct secret *pin, void (*done)(void *user, bool whole), void *user);
struct screen_pin *screen_pin_free(struct screen_pin *reading); /* no callback after */

/* The question is over for the screen; done() follows from the loop. */
void screen_settle(struct screen_question *question, const struct person_answer *answer);
/* Ends an Answer whose digits are still being read: its question is no more. */
void screen_answer_drop(struct screen_question *question);

#endif

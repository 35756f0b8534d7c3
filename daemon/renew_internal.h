/* SPDX-License-Identifier: Apache-2.0 */
/* renew_internal.h: the parts of a new PIN's way as they see each other. Only renew*.c include it.
 *
 *   renew.c        life, time limit, the table of steps and the loop that walks it
 *   renew_steps.c  what the card is asked in each step, and what is made of its answer
 *   renew_ask.c    the history and the prompt
 */
#ifndef MOHR_RENEW_INTERNAL_H
#define MOHR_RENEW_INTERNAL_H

#include "daemon/gate.h"
#include "daemon/history.h"
#include "daemon/renew.h"

enum { AGAIN = 1000, WAIT }; /* what a row's function returns besides 0, an outcome or an errno */

enum step {
        STEP_START,
        STEP_READER,
        STEP_BEGIN,
        STEP_IDENTIFY,
        STEP_LEAF,
        STEP_JUDGE,
        STEP_CONFIRM,
        STEP_COUNTER,
        STEP_LEAVE,
        STEP_TURN,
        STEP_QUEUE,
        STEP_RECORD,
        STEP_ASK,
        STEP_BEGIN_AGAIN,
        STEP_IDENTIFY_AGAIN,
        STEP_LEAF_AGAIN,
        STEP_CONFIRM_AGAIN,
        STEP_COUNTER_AGAIN,
        STEP_NEW_PIN,
        STEP_RENEW, /* the one command */
        STEP_END,   /* the way out, also of every failure */
        STEP_RECORD_END,
        STEP_ANSWER,
        STEP_COUNT,
};

struct renew {
        struct request_context *context;
        struct renew_callbacks callbacks;
        void *user;
        enum card_renewal how;
        char id[REQUEST_ID_LEN + 1];
        char *reader_name;
        char *tty, *term, *display, *wayland_display, *xauthority, *language;
        struct peer peer;
        sd_event_source *kick, *limit;
        struct readers_wait *wait; /* while the backends have not all spoken */
        bool waited;

        enum step step;
        bool ended;  /* the last callback is being made */
        bool *gone;  /* set when it dies under a callback */
        int outcome; /* what will be answered */
        const char *detail;

        struct reader *reader;
        struct card_identity identity;
        struct gate_chain chain;
        struct policy_decision decision;
        bool simulated, another; /* another: the card must identify itself again */
        uint32_t insertion, events;
        int tries_left; /* of the PIN, as shown to the person */
        int proof_left; /* of what was typed as the proof, once it was wrong; -1 */
        bool renewed;

        struct history_wait *record;
        bool recorded, closed; /* the intent is in the history, and its end was given to it */
        char detail_text[192]; /* the history's words, which are lent */
        struct turn turn;
        struct person *person;
        struct secret *typed; /* both secrets, as the prompt answers: question.h */
};

/* renew.c */
void renew_run(struct renew *renew, int result); /* from the loop: what was waited for has come */
void renew_forget(struct renew *renew);          /* all that was typed */

/* renew_rules.c */
int renew_judge_rules(struct renew *renew, struct out *args);
int renew_allows_card(struct renew *renew, bool keys); /* keys: the reader has some that are used */

/* renew_steps.c. `args` is the operation's payload; `fields` what came back. */
int renew_take_reader(struct renew *renew, struct out *args);
int renew_begun(struct renew *renew, int outcome, struct in *fields);
int renew_identified(struct renew *renew, int outcome, struct in *fields);
int renew_ask_leaf(struct renew *renew, struct out *args);
int renew_leaf_came(struct renew *renew, int outcome, struct in *fields);
int renew_judge(struct renew *renew, struct out *args);
int renew_confirm(struct renew *renew, struct out *args);
int renew_confirmed(struct renew *renew, int outcome, struct in *fields);
int renew_ask_counter(struct renew *renew, struct out *args);
int renew_counted(struct renew *renew, int outcome, struct in *fields);
int renew_leave(struct renew *renew, struct out *args);
int renew_begun_again(struct renew *renew, int outcome, struct in *fields);
bool renew_is_another(const struct renew *renew);
int renew_identified_again(struct renew *renew, int outcome, struct in *fields);
int renew_same_leaf(struct renew *renew, int outcome, struct in *fields);
int renew_counted_again(struct renew *renew, int outcome, struct in *fields);
int renew_stored(struct renew *renew, int outcome, struct in *fields);
int renew_came(struct renew *renew, int outcome, uint16_t sw, struct in *fields);
/* What is not known when the one command was sent and no answer came. */
void renew_doubt(struct renew *renew);
bool renew_is_begun(const struct renew *renew);
int renew_reset(struct renew *renew, struct out *args);

/* renew_ask.c */
/* Both views are into `typed`; empty ones if there is nothing. */
struct view renew_proof(const struct renew *renew);
struct view renew_new_pin(const struct renew *renew);
int renew_take_turn(struct renew *renew, struct out *args);
bool renew_must_queue(const struct renew *renew);
int renew_queue(struct renew *renew, struct out *args);
int renew_record(struct renew *renew, struct out *args);
int renew_ask(struct renew *renew, struct out *args);
bool renew_is_recorded(const struct renew *renew);
int renew_record_end(struct renew *renew, struct out *args);
/* Where nobody waits for it: with the outcome that it has by then, else hung up on. */
void renew_note_end(struct renew *renew);
/* What a rule refuses before the history was asked is told to it. */
void renew_note_refusal(struct renew *renew);

#endif

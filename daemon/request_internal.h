/* SPDX-License-Identifier: Apache-2.0 */
/* request_internal.h: a request's parts as they see each other. Only request*.c include it.
 *
 *   request.c         life and death: start, time limit, cancel, the one last callback
 *   request_table.c   the table of states and the loop that walks it
 *   request_ahead.c   which of its operations are asked before their time
 *   request_record.c  who may ask, whose turn it is, and the history's rows
 *   request_revoke.c  a permission that is taken back meanwhile
 *   request_choose.c  which of several cards: asked by reader, or looked for by holder
 *   request_look.c    the first visit to the card: what is read, and the gate
 *   request_check.c   its end: the free checks
 *   request_ask.c     the prompt: whose turn it is, what is told, what comes back
 *   request_work.c    what differs between kinds of requests: the calls of struct request_work
 *   request_assert.c  the kind that makes an assertion
 *   request_sign.c    the second visit: same card, counter, PIN or the reader's keys, signature
 */
#ifndef MOHR_REQUEST_INTERNAL_H
#define MOHR_REQUEST_INTERNAL_H

#include "daemon/history.h"
#include "daemon/known.h"
#include "daemon/policy.h"
#include "daemon/relying.h"
#include "daemon/request.h"
#include "daemon/search.h"

#define REQUEST_PIN_CAP 64

/* In the order in which they are walked; a row that is not needed is stepped over. */
enum state {
        STATE_START,
        STATE_RULES,
        STATE_READER,
        STATE_TURN_TO_CHOOSE,
        STATE_QUEUE_TO_CHOOSE,
        STATE_RECORD_TO_CHOOSE,
        STATE_MAY_SEARCH,
        STATE_SEARCH,
        STATE_CHOOSE,
        STATE_QUEUE_TO_TAKE,
        STATE_TAKE,
        STATE_BEGIN,
        STATE_RESUME,
        STATE_IDENTIFY,
        STATE_DATES,
        STATE_CERTIFICATE,
        STATE_JUDGE,
        STATE_CONFIRM,
        STATE_COUNTER,
        STATE_PROBE,
        STATE_METHOD,
        STATE_OTHER_FILES,
        STATE_LEAVE,
        STATE_PREPARE,
        STATE_REHEARSE,
        STATE_TURN,
        STATE_QUEUE,
        STATE_RECORD,
        STATE_ASK,
        STATE_ANNOUNCE, /* of a linked reader */
        STATE_BEGIN_AGAIN,
        STATE_IDENTIFY_AGAIN,
        STATE_LEAF_AGAIN,
        STATE_CONFIRM_AGAIN,
        STATE_COUNTER_AGAIN,
        STATE_PIN,
        STATE_VERIFY,
        STATE_PINPAD, /* instead of the two before it */
        STATE_SIGN,
        STATE_CLEAR,
        STATE_END,
        STATE_RESULT,
        STATE_ANSWER, /* the way out, also of every failure after STATE_START */
        STATE_COUNT,
};

/* What a row's function returns besides 0 (go on), an outcome or an errno. */
enum verdict { AGAIN = 1000, WAIT = REQUEST_WAIT };

struct request {
        struct request_context *context;
        struct request *next; /* of the context's */
        struct request_callbacks callbacks;
        void *user;
        const struct request_work *work;
        void *work_user;
        enum card_use use;
        char consent_of[REQUEST_ID_LEN + 1]; /* "": none */
        uint8_t consent_print[GATE_PRINT_SIZE];
        char id[REQUEST_ID_LEN + 1];
        char *audience, *nonce, *purpose, *reader_name, *expect_national_number;
        char *tty, *term, *display, *wayland_display, *xauthority, *language;
        json_t *station;
        struct peer peer;
        char *signed_request; /* or NULL */
        struct relying_request
                relying; /* what it says; the texts are taken over by the ones above */
        claimset required, optional, released;
        bool may_remember, remember; /* the app would like to; the holder lets it */
        struct policy_decision decision;

        struct history_wait *recording;
        struct history_told told; /* with the intent */
        bool recorded, closed;    /* the intent is on disk; the result is handed over */
        char detail_text[512];
        sd_event_source *kick, *limit;
        struct readers_wait *wait;     /* while the backends have not all spoken */
        struct keys_turn *reader_turn; /* while another request uses the reader */
        bool waited;

        enum state state;
        bool ended;  /* the last callback is being made */
        bool *gone;  /* set when the request dies under a callback */
        int outcome; /* what will be answered */
        const char *detail;
        uint16_t sw;

        char offer[128];       /* the reader that the person is asked about */
        unsigned int offered;  /* how many times that was another one */
        struct search *search; /* for the card of the expected holder, once that was asked */

        struct reader *reader;
        struct known_card card;
        uint32_t events;    /* reader_info.events of the card that was looked at */
        uint32_t insertion; /* the driver's own number for it, from the helper that met it */
        unsigned int file;  /* next certificate file to read */
        bool resumed;
        bool locked_file; /* a certificate file opens to the issuer's keys only */
        bool leaf_known;  /* the free checks were made for this very certificate before */
        bool simulated, lost_identity, lost_leaf; /* what the second BEGIN left to be shown again */
        int tries_left;                           /* as shown to the person; -1 unknown */

        struct card_probe probe;
        uint8_t keys[CARD_KEYS_MAX];
        size_t key_count;
        unsigned int trial; /* METHOD: next pair of key and method to offer */
        bool wants_issuer_keys, made_signature;
        struct known_key plan;
        unsigned int step; /* SIGN: next row of the plan */

        struct turn turn;
        struct person *person;
        struct secret *pin;
        bool told_unproven, verified;
        bool pinpad;    /* the person was told to type on the reader's keys */
        bool on_screen; /* they were asked by a screen that holds the role */
        struct request_to_sign to_sign;
        int64_t auth_time;
        char *signing_input, *assertion; /* of an assertion */
        json_t *values;                  /* for its row of the history, or NULL */
};

/* request.c */
void request_finish(struct request *request, int outcome,
        const char *detail); /* the request is gone after it */
void request_forget_pin(struct request *request);

/* request_table.c */
void request_run(
        struct request *request, int result); /* from the loop: what was waited for has come */
const char *request_state_name(const struct request *request);
bool request_pin_at_risk(const struct request *request); /* VERIFY was sent and is not answered */

/* request_ahead.c. `guess` is a copy of the request in a state that it will perhaps reach; assume: what its row's answer will
 * have changed, and whether the walk goes on: 0, AGAIN, or WAIT. */
bool ahead_may_ask(const struct request *request, const struct request *guess);
int ahead_assume(struct request *guess);

/* Row functions. `args` is the operation's payload; `fields` what came back. */
int look_reader(struct request *request, struct out *args);
bool look_must_queue(const struct request *request);
int look_queue(struct request *request, struct out *args);
int look_take(struct request *request, struct out *args);
/* Would the card that is known be judged fit for this request? 0, or WAIT where that cannot be said yet. */
int look_foresee(struct request *guess);
int look_begun(struct request *request, int outcome, struct in *fields);
bool look_has_note(const struct request *request);
int look_note(struct request *request, struct out *args);
int look_resumed(struct request *request, int outcome, struct in *fields);
bool look_is_unknown(const struct request *request);
int look_confirm(struct request *request, struct out *args);
int look_confirmed(struct request *request, int outcome, struct in *fields);
int look_identified(struct request *request, int outcome, struct in *fields);
bool look_is_new(const struct request *request);
int look_dates(struct request *request, struct out *args);
int look_dated(struct request *request, int outcome, struct in *fields);
bool look_lacks_chain(const struct request *request);
bool look_lacks_files(const struct request *request);
int look_file(struct request *request, struct out *args);
int look_filed(struct request *request, int outcome, struct in *fields);
int look_judge(struct request *request, struct out *args);
bool look_lacks_tries(const struct request *request);
int look_copy(struct request *request, struct out *args);
int look_counted(struct request *request, int outcome, struct in *fields);
bool look_lacks_keys(const struct request *request);
int look_probed(struct request *request, int outcome, struct in *fields);
bool look_has_trials(const struct request *request);
int look_method(struct request *request, struct out *args);
int look_tried(struct request *request, int outcome, struct in *fields);
int look_assume_tried(struct request *guess); /* that it is accepted */
int look_leave(struct request *request, struct out *args);
int look_left(struct request *request, int outcome, struct in *fields);

/* May it be asked, whose turn is it, and the rows of the history. */
const char *record_organization(const struct request *request); /* NULL: none was verified */
int record_judge(struct request *request, struct out *args);
int record_allows_card(struct request *request);
int record_allows_certificate(struct request *request);
int record_turn(struct request *request, struct out *args);
bool record_must_queue(const struct request *request);
bool record_must_queue_to_choose(const struct request *request);
int record_queue(struct request *request, struct out *args);
bool record_is_due(const struct request *request);
bool record_is_due_to_choose(const struct request *request);
int record_intent(struct request *request, struct out *args);
bool record_may_remember(const struct request *request); /* may the holder be asked that? */
bool record_has_intent(const struct request *request);
int record_result(struct request *request, struct out *args);
/* It ends without an answer that waits for a row: hung up on, or with the outcome that it has by then. */
void record_abandon(struct request *request);
void record_let_go(struct request *request);

/* Among those that a permission can be taken back from. */
void revoke_watch(struct request *request);
void revoke_unwatch(struct request *request);

/* Which of several cards? The reader's name is set when that is known. */
bool choose_wants_search(const struct request *request);
int choose_ask_to_search(struct request *request, struct out *args);
bool choose_may_search(const struct request *request);
int choose_search(struct request *request, struct out *args);
bool choose_is_open(const struct request *request);
int choose_ask(struct request *request, struct out *args); /* 0 also when nobody can be asked */
/* False: another card was looked for, and found in this reader. */
bool choose_was_meant(const struct request *request);

/* What every question says: who asks whom, for what, and where. */
struct person_question ask_question(const struct request *request);
/* ... and of whom: the prompt for this card. Borrows from both. */
struct person_question ask_told(const struct request *request, const struct reader_info *reader);
bool ask_on_phone(const struct request *request); /* `pinpad`, and the keys are a phone's */
bool ask_take_turn(struct request *request);
int ask_person(struct request *request, struct out *args);
void ask_give_up_turn(struct request *request);

/* request_work.c */
bool work_signs(const struct request *request); /* a PIN is needed, and a signature comes of it */
bool work_was_agreed(const struct request *request); /* by an earlier request, for this very card */
bool work_prepares(const struct request *request);
int work_prepare(struct request *request, struct out *args);
/* What would be signed now. OUTCOME_INVALID when a field of the request is out of its bounds. */
int work_compose(struct request *request, int64_t when);
int work_rehearse(struct request *request, struct out *args);
int work_finish(struct request *request, const uint8_t *signature, size_t len);

extern const struct request_work request_assert_work; /* its user is the request */

bool sign_is_announced(const struct request *request);
int sign_announce(struct request *request, struct out *args);
int sign_begun(struct request *request, int outcome, struct in *fields);
bool sign_is_wanted(const struct request *request);
bool sign_lost_identity(const struct request *request);
bool sign_lost_leaf(const struct request *request);
int sign_identified(struct request *request, int outcome, struct in *fields);
int sign_leaf(struct request *request, struct out *args);
int sign_same_leaf(struct request *request, int outcome, struct in *fields);
int sign_confirmed(struct request *request, int outcome, struct in *fields);
int sign_counted(struct request *request, int outcome, struct in *fields);
bool sign_takes_digits(const struct request *request);
bool sign_uses_keys(const struct request *request);
int sign_verified(struct request *request, int outcome, struct in *fields);
int sign_keys(struct request *request, struct out *args);
int sign_typed(struct request *request, int outcome, struct in *fields);
bool sign_has_steps(const struct request *request);
int sign_step(struct request *request, struct out *args);
int sign_signed(struct request *request, int outcome, struct in *fields);
bool sign_is_verified(const struct request *request);
bool sign_is_begun(const struct request *request);
int sign_reset(struct request *request, struct out *args);

#endif

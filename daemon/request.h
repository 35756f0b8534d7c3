/* SPDX-License-Identifier: Apache-2.0 */
/* request.h: one Assert from start to answer: a table of states (request.c), each row naming what
 * it starts, what may come back and where that leads. Owns its reader, its prompt and its PIN.
 */
#ifndef MOHR_REQUEST_H
#define MOHR_REQUEST_H

#include "apdu/card.h"
#include "client-sdk/assertion.h"
#include "client-sdk/leaf.h"
#include "daemon/config.h"
#include "daemon/person.h"
#include "daemon/policy.h"
#include "daemon/readers.h"
#include "daemon/server.h"
#include "daemon/turn.h"

struct history; /* history.h */
struct history_asked;
struct history_ended;
struct known;   /* what was learnt of cards and issuing CAs: known.h */
struct relying; /* relying.h */
struct screen;  /* screen.h */
struct request;
struct history_told;

#define REQUEST_ID_LEN 32 /* hex digits */
_must_check_ int request_make_id(char id[static REQUEST_ID_LEN + 1]);
/* The history's detail to keep, and when to come back where that is known: a clerk wants to be told. */
void request_keep_detail(
        char *dst, size_t cap, const char *detail, const struct history_told *told);

struct request_context { /* shared by all requests of one daemon, outlives them */
        sd_event *event;
        const struct config *config;
        const struct log *log;
        struct readers *readers;
        struct known *known;
        struct history *history;
        struct relying *relying;
        struct screen *screen;           /* NULL: no configured role */
        struct turns turns;              /* whose prompt is open, who comes next */
        struct keys_turns *reader_turns; /* who uses a reader next; NULL: nobody waits for one */
        struct request *open;            /* all that were started and not answered */
};

/* What a kind of request may know of its card; borrowed for the call. */
struct request_subject {
        const char *id; /* of the request */
        const char *reader;
        X509 *leaf, *issuer; /* confirmed; the issuer is NULL where it is not known */
        X509 *other;         /* use AUTHENTICATION: that of the signature key, confirmed; or NULL */
        const struct leaf *facts;
        const uint8_t *print; /* GATE_PRINT_SIZE bytes, of the leaf */
        enum card_family family;
        bool simulated;
        uint32_t events; /* this laying-on of the card, unique in this process */
        int64_t when;    /* what is composed says this time */
};

#define REQUEST_BLOCK_MAX 256
struct request_to_sign {
        uint8_t bytes[REQUEST_BLOCK_MAX]; /* a digest of the leaf's hash; or what `method` takes */
        size_t len;
        uint8_t method; /* enum sign_method; SIGN_METHOD_COUNT: the card's own way for a digest */
};

/* A kind of request: what is asked for and what the card signs. The way to it (rules, turn, history, prompt, PIN, same card,
 * signature, way out) is the same for all. Functions may be NULL where there is nothing to do. They return 0, an outcome
 * with *ret_detail (static or owned by `user`), or a negative errno. */
struct request_work {
        const char *method;      /* the history's word for it */
        enum policy_work policy; /* which rules are for it */
        bool no_pin;             /* the holder's yes is all: nothing is signed */
        /* Once the card is confirmed, before anything is written down or asked. REQUEST_WAIT: it goes on with request_prepared(). */
        int (*prepare)(void *user, struct request *request, const struct request_subject *subject,
                const char **ret_detail);
        /* Adds to what stands there already. */
        void (*record)(void *user, struct history_asked *asked);
        void (*ask)(void *user, struct person_question *question);
        /* Once before the prompt as a rehearsal, once when the PIN was accepted. */
        int (*compose)(void *user, const struct request_subject *subject,
                struct request_to_sign *ret, const char **ret_detail);
        /* The signature as the card gave it (EC: DER). OUTCOME_NO_STANDARD_SIGNATURE: it does not verify. */
        int (*finish)(void *user, const struct request_subject *subject, const uint8_t *signature,
                size_t len, const char **ret_detail);
        /* Before the answer's row is written: what leaves, as `signature`. */
        void (*end)(void *user, struct history_ended *ended);
        bool has_reader; /* whoever started it waited for the reader (keys_turn.h) */
};
#define REQUEST_WAIT 1001

struct request_params { /* copied by request_start, but for work_user, which must outlive the request */
        const struct request_work *work; /* NULL: an assertion, by the members down to `station` */
        void *work_user;
        enum card_use use; /* which of the card's keys */
        /* The holder agreed to this one with an earlier request: its id, and the certificate it was on. The consent page is left
         * out if this is that card; else it is shown. NULL: none. */
        const char *consent_of;
        const uint8_t *consent_print;
        const char *audience, *nonce, *purpose, *reader, *expect_national_number;
        const char *
                signed_request; /* or NULL; then audience to expect_national_number but `reader` are NULL */
        claimset required, optional; /* what goes along besides the certificate */
        bool remember;           /* ask the holder to let it ask again without the consent page */
        unsigned int timeout_ms; /* 0: default 180000 */
        json_t *station;         /* or NULL; borrowed */
        struct person_ui ui;
        struct peer peer;
};

struct request_callbacks {
        void (*phase)(void *user, const char *id, const char *phase);
        /* The last callback. outcome 0: `assertion` set. tries_left -1 if unknown. `detail`: static
         * English text for operators or NULL. */
        void (*done)(void *user, const char *id, int outcome, const char *assertion, int tries_left,
                const char *detail);
};

_must_check_ int request_start(struct request **ret, struct request_context *context,
        const struct request_params *params, const struct request_callbacks *callbacks, void *user);
/* What prepare() waited for has come: 0, an outcome or a negative errno. From the loop, never from inside prepare(). */
void request_prepared(struct request *request, int result, const char *detail);
/* The holder took this permission back: requests that were to go by it ask for consent after all. */
void request_revoked(struct request_context *context, const char *grant);
/* The client hung up, or the daemon stops: closes the prompt, frees the reader. No callback after. */
struct request *request_cancel(struct request *request);

#endif

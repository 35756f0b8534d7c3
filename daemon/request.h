/* SPDX-License-Identifier: Apache-2.0 */
/* request.h: one Assert from start to answer: a table of states (request.c), each row naming what
 * it starts, what may come back and where that leads. Owns its reader, its prompt and its PIN.
 */
#ifndef MOHR_REQUEST_H
#define MOHR_REQUEST_H

#include "client-sdk/assertion.h"
#include "daemon/config.h"
#include "daemon/person.h"
#include "daemon/readers.h"
#include "daemon/server.h"
#include "daemon/turn.h"

struct history; /* history.h */
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
        struct screen *screen; /* NULL: no configured role */
        struct turns turns;    /* whose prompt is open, who comes next */
};

struct request_params { /* copied by request_start */
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
/* The client hung up, or the daemon stops: closes the prompt, frees the reader. No callback after. */
struct request *request_cancel(struct request *request);

#endif

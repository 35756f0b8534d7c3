/* SPDX-License-Identifier: Apache-2.0 */
/* renew.h: a new PIN for a staff card, by the one that is or by the code that unblocks: ChangePin and UnblockPin
 * from start to answer.
 *
 * The same gate as a request's: a card confirmed under an anchor that somebody configured, its counter read before
 * the person is asked and again inside the transaction that holds the one command, the last try only after its own
 * yes. For the national card there is no such thing; it is told so before anybody is asked anything. What is done
 * is in the history before the prompt opens.
 */
#ifndef MOHR_RENEW_H
#define MOHR_RENEW_H

#include "daemon/request.h"

struct renew;

struct renew_params { /* copied by renew_start */
        enum card_renewal how;
        const char *reader;      /* NULL: the only one that holds a card */
        unsigned int timeout_ms; /* 0: default 180000 */
        struct person_ui ui;
        struct peer peer;
};

struct renew_callbacks {
        void (*phase)(void *user, const char *id, const char *phase);
        /* The last callback. tries_left: of what was typed as the proof, after it was wrong; else -1. */
        void (*done)(void *user, const char *id, int outcome, int tries_left, const char *detail);
};

_must_check_ int renew_start(struct renew **ret, struct request_context *context,
        const struct renew_params *params, const struct renew_callbacks *callbacks, void *user);
/* The client hung up, or the daemon stops: closes the prompt, frees the reader. No callback after. */
struct renew *renew_cancel(struct renew *renew);

#endif

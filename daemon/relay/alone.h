/* SPDX-License-Identifier: Apache-2.0 */
/* alone.h: `mohr-relay assert`, a whole assertion on this device, as its parts see each other.
 *
 *   alone.c          what the person said, what they get
 *   alone_request.c  a request, in any of its three forms, read
 *   alone_run.c      the daemon's own request, run here once
 */
#ifndef MOHR_RELAY_ALONE_H
#define MOHR_RELAY_ALONE_H

#include "client-sdk/cli/cli.h"
#include "client-sdk/fields.h"
#include "daemon/relay/common.h"
#include "daemon/request.h"

#define ALONE_TEXT_MAX  16384 /* of a request as it is given */
#define ALONE_REPLY_MAX FIELD_AUDIENCE_MAX

struct alone_request { /* zero-initialised; cleared by alone_request_clear() */
        json_t *parameters; /* they fit assert_params: `signed_request` alone, or what the asker may say */
        char reply[ALONE_REPLY_MAX + 1]; /* where the answer is to go, "" if that was not said */
};

/* 0; OUTCOME_USAGE with an untranslated English line in `why`, parts of which are the request's; negative: broken. */
#define ALONE_WHY_MAX 128
_must_check_ int alone_request_read(
        const char *text, size_t len, struct alone_request *ret, char why[static ALONE_WHY_MAX]);
void alone_request_clear(struct alone_request *request);
bool alone_is_link(const char *text); /* rather than the name of a file */

/* May the answer to a request for this audience be carried to `reply`? Only if both are of the same origin (RFC 6454). */
bool alone_may_reply(const char *audience, const char *reply);
/* What is said of one that may not. */
#define ALONE_ELSEWHERE "the answer would go to another place than the one it is for"
/* The address that carries it there, in a new text; NULL: no memory. */
char *alone_reply_link(const char *reply, const char *assertion);

struct alone_setting {
        const char *reader; /* NULL: the one that holds the card */
        struct relay_arguments config;
        unsigned int timeout_s; /* 0: as everywhere */
};

struct alone_result {                /* zero-initialised */
        char id[REQUEST_ID_LEN + 1]; /* "" if it was never begun */
        char detail[256];
        int tries_left;    /* -1 not known */
        char *assertion;   /* owned by the caller; NULL: none */
        char readers[512]; /* names to choose from, where that is what was missing; "" */
        int stopped;       /* the signal that ended it, or 0 */
};

/* 0, an outcome or a negative errno; `said` is set where that was told of already. */
_must_check_ int alone_run(struct cli *cli, const struct alone_setting *setting,
        const struct alone_request *request, struct alone_result *ret, bool *said);

#endif

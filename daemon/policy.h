/* SPDX-License-Identifier: Apache-2.0 */
/* policy.h: may this be asked, and how: rows of the configuration ([rule NAME] in mohr.conf(5)), first match decides.
 *
 * There are two lists: the administrator's (files that only root can write) and the user's. Each gives a decision,
 * and what holds is the stricter of the two in every part, so that a program of the user can forbid, but never allow,
 * what the machine's owner did not. Without any row: ask every time, all claims, the limits of [limits].
 */
#ifndef MOHR_POLICY_H
#define MOHR_POLICY_H

#include "client-sdk/claimset.h"
#include "daemon/config.h"
#include "daemon/peer.h"
#include <jansson.h>

enum policy_consent { POLICY_GRANT, POLICY_ASK, POLICY_REFUSE }; /* growing strictness */

/* POLICY_PINS: a new PIN for a staff card. */
enum policy_work { POLICY_ASSERT, POLICY_DOCUMENT, POLICY_KEYS, POLICY_PINS, POLICY_WORKS };
/* "assertions", "documents", "keys", "pins"; POLICY_WORKS: it is none. */
enum policy_work policy_work_named(const char *name, size_t len);

struct policy_question {
        enum policy_work work;
        const struct peer *peer;
        const char *organization;     /* of a verified relying party, or NULL */
        const char *organization_key; /* as struct relying_request, or NULL */
        const char *audience;         /* NULL for all but assertions */
        const char *purpose;          /* or NULL */
        bool plain; /* the audience is in its plain spelling, and rules are compared in theirs: policy_plain() */
        claimset required, optional;
};

struct policy_decision {
        enum policy_consent
                consent; /* GRANT: a grant may stand for the consent page, and may be offered */
        claimset required,
                optional; /* what is left of the question's: a claim no row allows is never optional ... */
        claimset over;     /* ... and these were required but are not allowed: a refusal */
        bool pinpad;       /* only with the PIN typed on the reader's keys */
        bool no_simulated; /* no simulated card */
        unsigned int
                assurance; /* the least level that the certificate must state; 0: none need be stated */
        unsigned int app_per_hour, user_per_hour, wrong_pins, pause_s;
        const char *
                rule; /* borrowed from the config: the name of the row that decided; NULL: built in */
        const char *detail; /* of a refusal, static */
};

/* By the bytes of the audience and by its plain spelling, and the stricter of the two in every part. */
void policy_decide(const struct config *config, const struct policy_question *question,
        struct policy_decision *ret);
/* The decision in words for `mohr policy check`: each row of each list with whether it matched and why not. */
json_t *policy_explain(const struct config *config, const struct policy_question *question);

#endif

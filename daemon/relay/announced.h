/* SPDX-License-Identifier: Apache-2.0 */
/* announced.h: an announcement as it came from a paired computer, judged, and made a question for the person at this phone.
 *
 * The computer is paired and no friend for that: each field is bounded again, what only a computer's own prompt has (where to
 * ask, which pinentry, permissions, claims that could still be declined) must be empty, and one document at most is told of.
 * An organisation's name is the computer's word unless its signed request came along and leads to anchors of this phone; then audience and
 * purpose must be the signed ones and nothing may go along that was not asked for. A phone without anchors says whose word it is.
 */
#ifndef MOHR_RELAY_ANNOUNCED_H
#define MOHR_RELAY_ANNOUNCED_H

#include "base/bytes.h"
#include "daemon/person.h"

struct announced;
struct relying; /* daemon/relying.h */

struct announced_by {
        const char *computer; /* the pairing's name for it; "" is shown as "?" */
        const struct relying
                *relying; /* of this phone; NULL or without anchors: nobody is known here */
        int64_t now;
};

/* The payload of OP_ANNOUNCE. 0; -EBADMSG: out of shape; OUTCOME_POLICY, OUTCOME_INVALID: a signed request that does not hold,
 * or other words than it has, and *ret_detail (static English) tells which; the rest broke here. Of all but 0: no PIN for it. */
_must_check_ int announced_take(struct announced **ret, struct view payload,
        const struct announced_by *by, const char **ret_detail);
struct announced *announced_free(struct announced *announced);

/* For person_ask() on this phone; borrows from `announced`. The caller adds what only this phone knows: ui, pinentry, the reader and
 * whether its card is a simulated one, which no computer can tell it, tries_left as the card said here, and a time limit. */
struct person_question announced_question(const struct announced *announced);
/* A line for `mohr-relay serve` to print where nothing can be asked: app, or organisation, and for whom. */
void announced_line(const struct announced *announced, char *dst, size_t cap);

#endif

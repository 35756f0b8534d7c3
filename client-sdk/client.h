/* SPDX-License-Identifier: Apache-2.0 */
/* client.h: what our own code has beside mohr.h: a connection that ends with its scope, and any method of mohrd as a
 * call that is started, stepped and ended.
 *
 *      client_start() -> mohr_client_process() ... -> client_reply()        with the caller's poll()
 *      client_start() -> client_await()            -> client_reply()        with ours
 */
#ifndef MOHR_CLIENT_H
#define MOHR_CLIENT_H

#include "base/base.h"
#include "client-sdk/mohr.h"
#include "client-sdk/wire.h"
#include <jansson.h>

static inline void client_free_cleanup(struct mohr_client **slot)
{
        *slot = mohr_client_free(*slot);
}
#define _cleanup_client_ _cleanup_(client_free_cleanup)

/* What mohr_client_text() says after a reply: *ret is malloced, or stays NULL where it says nothing. `outcome` is 0, or that of
 * an error. Negative: the reply is not what it should be. */
typedef int client_reader(const struct wire_reply *reply, int outcome, char **ret);
client_reader client_read_phase; /* of a reply that is not the last; nothing else is expected */

/* `reader` NULL: replies have no text. -EBUSY: another call is running. What could not be sent at once goes out
 * with the next steps; `call->parameters` are stolen, `call->fds` copied. */
_must_check_ int client_start(
        struct mohr_client *client, const struct wire_call *call, client_reader *reader);
/* Steps until the call has ended. `more`, if not NULL, hears of each reply but the last; what it returns that is not 0 is
 * returned, and the call is still running then. */
_must_check_ int client_await(struct mohr_client *client, int64_t deadline,
        int (*more)(void *user, struct mohr_client *client), void *user);
/* The parameters of the last reply, of an error as well; borrowed until the next step. NULL before the first. */
const json_t *client_reply(const struct mohr_client *client);
/* The full name of the error that ended the call, "mohr.Keys.CardChanged"; "" if none did. */
const char *client_error(const struct mohr_client *client);
/* The text of the last reply is the caller's now. */
char *client_take_text(struct mohr_client *client);
/* A request that is out of bounds before it was sent: says which member, and is OUTCOME_USAGE. */
_must_check_ int client_wrong(struct mohr_client *client, const char *member);

/* client_await() for a call that asks the holder. mohrd ends it after `seconds`; we wait somewhat longer, against a dead
 * one. `phase`, if not NULL, hears the text of each reply but the last. */
_must_check_ int client_await_holder(struct mohr_client *client, int seconds,
        void (*phase)(void *user, const char *phase), void *user);

/* One call that mohrd answers by itself, at once. `parameters` is stolen; NULL: no memory for them. *ret is the
 * reply's parameters. Results as those of mohr_client_status(). */
_must_check_ int client_ask(
        struct mohr_client *client, const char *method, json_t *parameters, json_t **ret);

/* One call for which the holder is asked: at most `seconds`, phases as with mohr_client_assert(). The id is kept. */
_must_check_ int client_ask_holder(struct mohr_client *client, const char *method,
        json_t *parameters, int seconds, void (*phase)(void *user, const char *phase), void *user);

#endif

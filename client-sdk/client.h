/* SPDX-License-Identifier: Apache-2.0 */
/* client.h: what our own programs have beside mohr.h: a connection that ends with its scope, and methods of mohrd that
 * are for people who look after a computer. */
#ifndef MOHR_CLIENT_H
#define MOHR_CLIENT_H

#include "base/base.h"
#include "client-sdk/mohr.h"
#include <jansson.h>

static inline void client_free_cleanup(struct mohr_client **slot)
{
        *slot = mohr_client_free(*slot);
}
#define _cleanup_client_ _cleanup_(client_free_cleanup)

/* One call that mohrd answers by itself, at once. `parameters` is stolen; NULL: no memory for them. *ret is the
 * reply's parameters. Results as those of mohr_client_status(). */
_must_check_ int client_ask(
        struct mohr_client *client, const char *method, json_t *parameters, json_t **ret);

/* One call for which the holder is asked: at most `seconds`, phases as with mohr_client_assert(). The id is kept. */
_must_check_ int client_ask_holder(struct mohr_client *client, const char *method,
        json_t *parameters, int seconds, void (*phase)(void *user, const char *phase), void *user);

#endif

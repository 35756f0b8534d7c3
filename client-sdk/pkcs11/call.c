/* SPDX-License-Identifier: Apache-2.0 */
/* call.c: calls of mohrd's methods.
 *
 * Looking at readers has a connection for each look. What asks about a card has one that stays: mohrd takes a yes of the
 * holder's for as long as it does. It is used by one thread at a time (the turn). A call that was begun is never begun again: a
 * person is asked once. One that another request of the same reader keeps from beginning waits for its end.
 */
#include "client-sdk/pkcs11/p11.h"

#include "base/outcome.h"

#include <poll.h>
#include <sys/stat.h>

#define PICTURE_MS 10000
#define BUSY_MS    180000 /* for another program's request */
#define LATE_MS    250    /* for the picture that shows it */
#define LATE_TRIES 3

/* ---- Connections ---- */

static bool keep(struct p11 *p11, struct mohr_client *client)
{
        struct stat st;
        bool known = fstat(mohr_client_fd(client), &st) == 0;
        for (size_t i = 0; known && i < P11_CALLS_MAX; i++)
                if (!p11->lines[i].client) {
                        p11->lines[i] = (struct p11_line){ client, st.st_ino };
                        return true;
                }
        return false;
}

int p11_connect(struct p11 *p11, struct mohr_client **ret)
{
        _cleanup_client_ struct mohr_client *client = NULL;
        p11_unlock(p11);
        int r = mohr_client_connect(&client, NULL);
        p11_relock(p11);
        if (r != 0)
                return r;
        if (p11->ending)
                return -ECANCELED;
        if (!keep(p11, client))
                return -EMFILE;
        *ret = client;
        client = NULL;
        return 0;
}

void p11_hang_up(struct p11 *p11, struct mohr_client *client)
{
        for (size_t i = 0; client && i < P11_CALLS_MAX; i++)
                if (p11->lines[i].client == client)
                        p11->lines[i].client = NULL;
        mohr_client_free(client);
}

static int begin(
        struct p11 *p11, struct mohr_client *client, const char *method, json_t *parameters)
{
        const struct wire_call call = { .method = method, .parameters = json_incref(parameters) };
        p11_unlock(p11);
        int r = client_start(client, &call, NULL);
        p11_relock(p11);
        return r;
}

static int finish(struct p11 *p11, struct mohr_client *client, int seconds)
{
        p11_unlock(p11);
        int r = client_await(client, wire_deadline((int64_t)seconds * 1000), NULL, NULL);
        p11_relock(p11);
        return p11->ending ? -ECANCELED : r;
}

int p11_call(struct p11 *p11, const char *method, json_t *parameters, int seconds,
        struct mohr_client **ret)
{
        *ret = NULL;
        int r = p11_connect(p11, ret);
        if (r == 0)
                r = begin(p11, *ret, method, parameters);
        if (r == 0)
                r = finish(p11, *ret, seconds);
        json_decref(parameters);
        return r;
}

/* Ends client_await() at the first picture, and the watch goes on. */
static int first_picture(void *user, struct mohr_client *client)
{
        (void)user;
        (void)client;
        return -EALREADY;
}

int p11_watch(struct p11 *p11, struct mohr_client **ret)
{
        struct mohr_client *client = NULL;
        int r = p11_connect(p11, &client);
        if (r != 0)
                return r;
        p11_unlock(p11);
        r = mohr_client_start_watch(client);
        if (r == 0)
                r = client_await(client, wire_deadline(PICTURE_MS), first_picture, NULL);
        p11_relock(p11);
        if (p11->ending || r != -EALREADY) {
                p11_hang_up(p11, client);
                return p11->ending ? -ECANCELED : r == 0 ? -EBADMSG : r;
        }
        p11_picture(p11, client_reply(client));
        *ret = client;
        return 0;
}

/* ---- About a card ---- */

static int begin_talk(struct p11 *p11, const char *method, json_t *parameters)
{
        int r = p11->talk ? 0 : p11_connect(p11, &p11->talk);
        return r == 0 ? begin(p11, p11->talk, method, parameters) : r;
}

static void end_talk(struct p11 *p11)
{
        p11_hang_up(p11, p11->talk);
        p11->talk = NULL;
}

/* A connection that nobody used for a while may be mohrd's of yesterday: nothing was sent on it then. */
static int talk(struct p11 *p11, const char *method, json_t *parameters, int seconds)
{
        bool old = p11->talk != NULL;
        int r = begin_talk(p11, method, parameters);
        if (r == OUTCOME_UNREACHABLE && old) {
                end_talk(p11);
                r = begin_talk(p11, method, parameters);
        }
        if (r == 0)
                r = finish(p11, p11->talk, seconds);
        if (r != 0 && p11->talk && client_error(p11->talk)[0] == '\0')
                end_talk(p11);
        return r;
}

/* Until the watch has something to tell, or for so long. */
static void watch_for(struct p11 *p11, int64_t ms)
{
        struct pollfd watched = { .fd = mohr_client_fd(p11->watch), .events = POLLIN };
        p11_unlock(p11);
        poll(&watched, 1, ms > 1000 ? 1000 : ms > 0 ? (int)ms : 0);
        p11_relock(p11);
        p11_notice(p11);
}

/* False: it is not another request that keeps the reader, or it did so for too long. */
static bool wait_for_turn(
        struct p11 *p11, const struct p11_slot *slot, int64_t deadline, int *tries)
{
        p11_notice(p11);
        if (p11->watch && !slot->busy && ++*tries < LATE_TRIES)
                watch_for(p11, LATE_MS);
        while (p11->watch && slot->busy && !p11->ending && wire_deadline(0) < deadline)
                watch_for(p11, deadline - wire_deadline(0));
        return p11->watch && slot->present && !slot->busy && !p11->ending && *tries < LATE_TRIES;
}

int p11_talk(struct p11 *p11, const struct p11_slot *slot, const char *method, json_t *parameters,
        int seconds)
{
        int64_t deadline = wire_deadline(BUSY_MS);
        int tries = 0, r = p11->ending ? -ECANCELED : parameters ? OUTCOME_BUSY : -ENOMEM;
        while (r == OUTCOME_BUSY) {
                r = talk(p11, method, parameters, seconds);
                if (r == OUTCOME_BUSY && !wait_for_turn(p11, slot, deadline, &tries))
                        break;
        }
        json_decref(parameters);
        return p11->ending ? -ECANCELED : r;
}

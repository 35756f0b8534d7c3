/* SPDX-License-Identifier: Apache-2.0 */
/* client.c: one call on a connection: started, stepped, ended.
 *
 * A step never waits, so a program with an event loop steps when its loop says so; the calls that block are
 * the same steps with a poll() between them. The methods' errors are outcomes by name, whichever of mohrd's
 * interfaces they belong to; what is not in the list is an internal error and keeps its name as the detail. One call
 * at a time; after one that broke off nobody knows what the next bytes answer, so the connection is of no more use.
 */
#include "client-sdk/client_object.h"

#include "base/outcome.h"
#include "base/text.h"

#include <stdio.h>

#define ANSWER_MS 10000 /* for what needs nobody's consent */
#define GRACE_MS  30000

const char *mohr_version(void)
{
        return MOHR_VERSION;
}

int mohr_client_fd(const struct mohr_client *client)
{
        return client->wire.fd;
}

short mohr_client_events(const struct mohr_client *client)
{
        return wire_events(&client->wire);
}

const char *mohr_client_text(const struct mohr_client *client)
{
        return client->text;
}

const char *mohr_client_request_id(const struct mohr_client *client)
{
        return client->request;
}

const char *mohr_client_detail(const struct mohr_client *client)
{
        return client->detail;
}

int mohr_client_tries_left(const struct mohr_client *client)
{
        return client->tries_left;
}

const json_t *client_reply(const struct mohr_client *client)
{
        return client->reply.parameters;
}

const char *client_error(const struct mohr_client *client)
{
        return client->reply.error;
}

char *client_take_text(struct mohr_client *client)
{
        char *text = client->text;
        client->text = NULL;
        return text;
}

/* ---- What is known of the last call ---- */

static void forget_reply(struct mohr_client *client)
{
        wire_reply_cleanup(&client->reply);
        client->reply = (struct wire_reply){ 0 };
        free(client_take_text(client));
}

static void forget_call(struct mohr_client *client)
{
        forget_reply(client);
        client->request[0] = client->detail[0] = '\0';
        client->tries_left = -1;
}

static void keep_text(char *dst, size_t cap, const struct wire_reply *reply, const char *name)
{
        const char *text = json_string_value(json_object_get(reply->parameters, name));
        if (text)
                text_sanitize(dst, cap, text, cap);
}

int client_wrong(struct mohr_client *client, const char *member)
{
        if (client->running)
                return -EBUSY;
        forget_call(client);
        text_sanitize(client->detail, sizeof client->detail, member, sizeof client->detail);
        return OUTCOME_USAGE;
}

static int outcome_of_error(struct mohr_client *client)
{
        const struct wire_reply *reply = &client->reply;
        const json_t *tries = json_object_get(reply->parameters, "tries_left");
        const char *name = strrchr(reply->error, '.');
        keep_text(client->detail, sizeof client->detail, reply, "detail");
        if (json_is_integer(tries) && json_integer_value(tries) >= 0 &&
                json_integer_value(tries) <= 15)
                client->tries_left = (int)json_integer_value(tries);
        if (name && strncmp(reply->error, "mohr.", 5) == 0) {
                int outcome = outcome_from_name(name + 1);
                if (outcome == OUTCOME_INTERNAL && !client->detail[0] &&
                        strcmp(name + 1, outcome_name(outcome)) != 0)
                        snprintf(client->detail, sizeof client->detail, "%s", reply->error);
                return outcome;
        }
        if (strcmp(reply->error, "org.varlink.service.InvalidParameter") == 0) {
                keep_text(client->detail, sizeof client->detail, reply, "parameter");
                return OUTCOME_USAGE;
        }
        snprintf(client->detail, sizeof client->detail, "%s", reply->error);
        return OUTCOME_INTERNAL;
}

/* ---- Steps ---- */

/* The call is over without an answer. */
static int break_off(struct mohr_client *client, int r)
{
        client->running = false;
        client->spent = true;
        return r;
}

int client_start(struct mohr_client *client, const struct wire_call *call, client_reader *reader)
{
        int r = client->owner != getpid() ? -ECHILD : client->running ? -EBUSY : 0;
        if (r != 0 || !call->parameters || client->spent) {
                json_decref(call->parameters);
                return r != 0 ? r : client->spent ? OUTCOME_UNREACHABLE : -ENOMEM;
        }
        forget_call(client);
        r = wire_queue(&client->wire, call);
        if (r != 0)
                return r;
        client->reader = reader;
        client->running = true;
        r = wire_flush(&client->wire);
        return r == 0 ? 0 : break_off(client, r);
}

/* What the reply that just came means. */
static int hear(struct mohr_client *client, enum mohr_step *ret)
{
        const struct wire_reply *reply = &client->reply;
        keep_text(client->request, sizeof client->request, reply, "request");
        int outcome = reply->error[0] ? outcome_of_error(client) : 0;
        int r = client->reader ? client->reader(reply, outcome, &client->text) : 0;
        if (r < 0)
                return break_off(client, r);
        client->running = reply->continues;
        if (outcome == 0)
                *ret = reply->continues ? MOHR_STEP_MORE : MOHR_STEP_DONE;
        return outcome;
}

int mohr_client_process(struct mohr_client *client, enum mohr_step *ret_step)
{
        bool found = false;
        if (client->owner != getpid() || !client->running)
                return client->running ? -ECHILD : -EINVAL;
        forget_reply(client);
        int r = wire_step(&client->wire, &client->reply, &found);
        if (r != 0)
                return break_off(client, r);
        if (found)
                return hear(client, ret_step);
        *ret_step = MOHR_STEP_WAIT;
        return 0;
}

int client_await(struct mohr_client *client, int64_t deadline,
        int (*more)(void *user, struct mohr_client *client), void *user)
{
        for (;;) {
                enum mohr_step step;
                int r = mohr_client_process(client, &step);
                if (r != 0 || step == MOHR_STEP_DONE)
                        return r;
                if (step == MOHR_STEP_WAIT)
                        r = wire_wait(&client->wire, deadline);
                else if (more)
                        r = more(user, client);
                if (r != 0)
                        return step == MOHR_STEP_WAIT ? break_off(client, r) : r;
        }
}

/* ---- Any method ---- */

int client_ask(struct mohr_client *client, const char *method, json_t *parameters, json_t **ret)
{
        int64_t deadline = wire_deadline(ANSWER_MS);
        int r = client_start(
                client, &(struct wire_call){ .method = method, .parameters = parameters }, NULL);
        if (r == 0)
                r = client_await(client, deadline, NULL, NULL);
        if (r == 0)
                *ret = json_incref(client->reply.parameters);
        return r;
}

int client_read_phase(const struct wire_reply *reply, int outcome, char **ret)
{
        char name[32];
        const char *phase = json_string_value(json_object_get(reply->parameters, "phase"));
        if (outcome != 0 || !reply->continues || !phase)
                return 0;
        text_sanitize(name, sizeof name, phase, sizeof name);
        *ret = strdup(name);
        return *ret ? 0 : -ENOMEM;
}

struct listener {
        void (*phase)(void *user, const char *phase);
        void *user;
};

static int tell_phase(void *user, struct mohr_client *client)
{
        const struct listener *listener = user;
        if (listener->phase && client->text && client->text[0])
                listener->phase(listener->user, client->text);
        return 0;
}

int client_await_holder(struct mohr_client *client, int seconds,
        void (*phase)(void *user, const char *phase), void *user)
{
        struct listener listener = { phase, user };
        int64_t deadline = wire_deadline((int64_t)seconds * 1000 + GRACE_MS);
        return client_await(client, deadline, tell_phase, &listener);
}

int client_ask_holder(struct mohr_client *client, const char *method, json_t *parameters,
        int seconds, void (*phase)(void *user, const char *phase), void *user)
{
        const struct wire_call call = { .method = method, .parameters = parameters, .more = true };
        int r = client_start(client, &call, client_read_phase);
        return r == 0 ? client_await_holder(client, seconds, phase, user) : r;
}

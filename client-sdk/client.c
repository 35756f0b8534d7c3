/* SPDX-License-Identifier: Apache-2.0 */
/* client.c: asking mohrd: the methods of mohr.Identity as functions.
 *
 * A listener that runs under another user is no mohrd of ours: it would learn who is asked for what,
 * and could ask for a PIN. The methods' errors are outcomes by name; what is not in the list is an
 * internal error and keeps its name as the detail. One call at a time per connection.
 */
#include "client-sdk/mohr.h"

#include "base/outcome.h"
#include "base/text.h"
#include "client-sdk/asking.h"
#include "client-sdk/assertion.h"
#include "client-sdk/client.h"
#include "client-sdk/members.h"
#include "client-sdk/wire.h"

#include <stdarg.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/un.h>

#define INTERFACE        "mohr.Identity."
#define ANSWER_MS        10000  /* for what needs nobody's consent */
#define EXAMINE_MS       120000 /* a slow card answers a hundred questions */
#define ASSERT_DEFAULT_S 180    /* mohrd's own */
#define GRACE_MS         30000  /* mohrd ends the request; we only guard against a dead one */

struct mohr_client {
        struct wire wire;
        char request[64], detail[256];
        int tries_left;
};

const char *mohr_version(void)
{
        return MOHR_VERSION;
}

struct mohr_client *mohr_client_free(struct mohr_client *client)
{
        if (client && client->wire.fd >= 0)
                close(client->wire.fd);
        free(client);
        return NULL;
}

void mohr_client_cancel(struct mohr_client *client)
{
        shutdown(client->wire.fd, SHUT_RDWR);
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

/* Where to say why nobody was reached. */
struct why {
        char *text;
        size_t cap; /* 0: nobody wants to know */
};

_printf_(2, 3) static int unreachable(const struct why *why, const char *format, ...)
{
        char line[512];
        va_list args;
        va_start(args, format);
        vsnprintf(line, sizeof line, format, args);
        va_end(args);
        if (why->cap > 0)
                text_sanitize(why->text, why->cap, line, sizeof line);
        return OUTCOME_UNREACHABLE;
}

static int socket_path(const char *wanted, char *dst, size_t cap, const struct why *why)
{
        const char *named = wanted ? wanted : getenv("MOHR_SOCKET");
        const char *runtime = getenv("XDG_RUNTIME_DIR");
        int len;
        if (named && named[0])
                len = snprintf(dst, cap, "%s", named);
        else if (!runtime || !runtime[0])
                return unreachable(why, "XDG_RUNTIME_DIR is not set");
        else if (runtime[0] != '/')
                return unreachable(why, "XDG_RUNTIME_DIR is no absolute path: %s", runtime);
        else
                len = snprintf(dst, cap, "%s/mohr/mohr.sock", runtime);
        if (len > 0 && (size_t)len < cap)
                return 0;
        return unreachable(why, "%s...: %s", dst, strerror(ENAMETOOLONG));
}

/* Ours, or root's: behind a system unit's socket it was systemd itself that called listen(). */
static bool is_ours(int fd)
{
        struct ucred peer;
        socklen_t len = sizeof peer;
        return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) == 0 &&
               (peer.uid == geteuid() || peer.uid == 0);
}

static int reach(int fd, const struct sockaddr_un *address, const struct why *why)
{
        const struct timeval patience = { .tv_sec = 5 }; /* a full backlog */
        if (setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience) < 0)
                return -errno;
        if (connect(fd, (const struct sockaddr *)address, sizeof *address) < 0)
                return unreachable(why, "%s: %s", address->sun_path, strerror(errno));
        if (!is_ours(fd))
                return unreachable(
                        why, "%s: the listener belongs to another user", address->sun_path);
        return 0;
}

int mohr_client_connect_why(
        struct mohr_client **ret, const char *socket_name, char *problem, size_t problem_cap)
{
        const struct why why = { problem, problem_cap };
        struct sockaddr_un address = { .sun_family = AF_UNIX };
        int r = socket_path(socket_name, address.sun_path, sizeof address.sun_path, &why);
        if (r != 0)
                return r;
        _cleanup_client_ struct mohr_client *client = calloc(1, sizeof *client);
        if (!client)
                return -ENOMEM;
        client->tries_left = -1;
        client->wire.fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        if (client->wire.fd < 0)
                return -errno;
        r = reach(client->wire.fd, &address, &why);
        if (r != 0)
                return r;
        *ret = client;
        client = NULL;
        return 0;
}

int mohr_client_connect(struct mohr_client **ret, const char *socket_name)
{
        return mohr_client_connect_why(ret, socket_name, NULL, 0);
}

static void keep_text(char *dst, size_t cap, const json_t *parameters, const char *name)
{
        const char *text = json_string_value(json_object_get(parameters, name));
        if (text)
                text_sanitize(dst, cap, text, cap);
}

static int outcome_of_error(struct mohr_client *client, const struct wire_reply *reply)
{
        const json_t *tries = json_object_get(reply->parameters, "tries_left");
        keep_text(client->request, sizeof client->request, reply->parameters, "request");
        keep_text(client->detail, sizeof client->detail, reply->parameters, "detail");
        if (json_is_integer(tries) && json_integer_value(tries) >= 0 &&
                json_integer_value(tries) <= 15)
                client->tries_left = (int)json_integer_value(tries);
        if (strncmp(reply->error, INTERFACE, strlen(INTERFACE)) == 0)
                return outcome_from_name(reply->error + strlen(INTERFACE));
        if (strcmp(reply->error, "org.varlink.service.InvalidParameter") == 0) {
                keep_text(client->detail, sizeof client->detail, reply->parameters, "parameter");
                return OUTCOME_USAGE;
        }
        snprintf(client->detail, sizeof client->detail, "%s", reply->error);
        return OUTCOME_INTERNAL;
}

static int begin(struct mohr_client *client, const char *method, json_t *parameters, bool more,
        int64_t deadline)
{
        client->request[0] = client->detail[0] = '\0';
        client->tries_left = -1;
        return parameters ? wire_call(&client->wire, method, parameters, more, deadline) : -ENOMEM;
}

/* One reply; an error of the method becomes its outcome. What came with it is in *ret, too. */
static int next(struct mohr_client *client, int64_t deadline, struct wire_reply *ret)
{
        int r = wire_receive(&client->wire, deadline, ret);
        return r == 0 && ret->error[0] ? outcome_of_error(client, ret) : r;
}

static char *picture(const struct wire_reply *reply)
{
        if (!json_is_array(json_object_get(reply->parameters, "readers")) ||
                !json_is_array(json_object_get(reply->parameters, "backends")))
                return NULL;
        return members_text(reply->parameters, JSON_INDENT(2));
}

int client_ask(struct mohr_client *client, const char *method, json_t *parameters, json_t **ret)
{
        int64_t deadline = wire_deadline(ANSWER_MS);
        int r = begin(client, method, parameters, false, deadline);
        if (r != 0)
                return r;
        _cleanup_reply_ struct wire_reply reply = { 0 };
        r = next(client, deadline, &reply);
        if (r == 0)
                *ret = json_incref(reply.parameters);
        return r;
}

int mohr_client_status(struct mohr_client *client, char **ret_json)
{
        int64_t deadline = wire_deadline(ANSWER_MS);
        int r = begin(client, INTERFACE "Status", json_object(), false, deadline);
        if (r != 0)
                return r;
        _cleanup_reply_ struct wire_reply reply = { 0 };
        r = next(client, deadline, &reply);
        if (r != 0)
                return r;
        char *text = picture(&reply);
        if (!text)
                return -EBADMSG;
        *ret_json = text;
        return 0;
}

int mohr_client_watch(
        struct mohr_client *client, int (*changed)(void *user, const char *json), void *user)
{
        int r = begin(client, INTERFACE "Watch", json_object(), true, wire_deadline(ANSWER_MS));
        for (bool more = true; r == 0 && more;) {
                _cleanup_reply_ struct wire_reply reply = { 0 };
                r = next(client, WIRE_FOR_EVER, &reply);
                if (r != 0)
                        return r;
                _cleanup_free_ char *text = picture(&reply);
                r = text ? changed(user, text) : -EBADMSG;
                more = reply.continues;
        }
        return r;
}

/* Of a card that went before the end there may be a transcript and nothing else. */
static char *examined(const struct wire_reply *reply, int outcome)
{
        bool told = json_is_object(json_object_get(reply->parameters, "card"));
        bool written = json_is_string(json_object_get(reply->parameters, "transcript"));
        bool whole = outcome == 0 ? told : outcome > 0 && written;
        return whole ? members_text(reply->parameters, JSON_INDENT(2)) : NULL;
}

int mohr_client_examine(
        struct mohr_client *client, const char *reader, bool transcript, char **ret_json)
{
        int64_t deadline = wire_deadline(EXAMINE_MS);
        const struct member rows[] = { { "reader", reader } };
        json_t *parameters = members_of(json_object(), rows, ARRAY_LEN(rows));
        if (json_object_set_new(parameters, "transcript", json_boolean(transcript)) < 0) {
                json_decref(parameters);
                return -ENOMEM;
        }
        int r = begin(client, INTERFACE "Examine", parameters, false, deadline);
        if (r != 0)
                return r;
        _cleanup_reply_ struct wire_reply reply = { 0 };
        r = next(client, deadline, &reply);
        char *text = examined(&reply, r);
        if (r == 0 && !text)
                return -EBADMSG;
        if (text)
                *ret_json = text;
        return r;
}

/* ---- Permissions ---- */

int mohr_client_grants(struct mohr_client *client, char **ret_json)
{
        _cleanup_json_ json_t *told = NULL;
        int r = client_ask(client, INTERFACE "ListGrants", json_object(), &told);
        if (r != 0)
                return r;
        if (!json_is_array(json_object_get(told, "grants")))
                return -EBADMSG;
        char *text = members_text(told, JSON_INDENT(2));
        if (!text)
                return -ENOMEM;
        *ret_json = text;
        return 0;
}

int mohr_client_revoke_grant(struct mohr_client *client, const char *grant)
{
        const struct member rows[] = { { "grant", grant } };
        json_t *parameters = members_of(json_object(), rows, ARRAY_LEN(rows));
        _cleanup_json_ json_t *told = NULL;
        return client_ask(client, INTERFACE "RevokeGrant", parameters, &told);
}

/* ---- Assert ---- */

static int take_assertion(const struct wire_reply *reply, char **ret)
{
        const char *assertion = json_string_value(json_object_get(reply->parameters, "assertion"));
        if (!assertion || strlen(assertion) > ASSERTION_MAX ||
                strspn(assertion,
                        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.") !=
                        strlen(assertion))
                return -EBADMSG;
        char *copy = strdup(assertion);
        if (!copy)
                return -ENOMEM;
        *ret = copy;
        return 0;
}

/* The last reply of a call with phases, and its id. `ret` NULL: nothing else is expected in it. */
static int await_answer(struct mohr_client *client, int64_t deadline,
        void (*phase)(void *user, const char *phase), void *user, char **ret)
{
        for (;;) {
                _cleanup_reply_ struct wire_reply reply = { 0 };
                int r = next(client, deadline, &reply);
                if (r != 0)
                        return r;
                keep_text(client->request, sizeof client->request, reply.parameters, "request");
                if (!reply.continues)
                        return ret ? take_assertion(&reply, ret) : 0;
                char name[32] = "";
                keep_text(name, sizeof name, reply.parameters, "phase");
                if (phase && name[0])
                        phase(user, name);
        }
}

int client_ask_holder(struct mohr_client *client, const char *method, json_t *parameters,
        int seconds, void (*phase)(void *user, const char *phase), void *user)
{
        int64_t deadline = wire_deadline((int64_t)seconds * 1000 + GRACE_MS);
        int r = begin(client, method, parameters, true, deadline);
        return r == 0 ? await_answer(client, deadline, phase, user, NULL) : r;
}

int mohr_client_assert(struct mohr_client *client, const struct mohr_request *request,
        void (*phase)(void *user, const char *phase), void *user, char **ret_assertion)
{
        int64_t seconds = request->timeout_s ? request->timeout_s : ASSERT_DEFAULT_S;
        const char *wrong = asking_out_of_bounds(request);
        if (wrong) {
                snprintf(client->detail, sizeof client->detail, "%s", wrong);
                return OUTCOME_USAGE;
        }
        int64_t deadline = wire_deadline(seconds * 1000 + GRACE_MS);
        int r = begin(client, INTERFACE "Assert", asking_parameters(request), true, deadline);
        if (r == 0)
                r = await_answer(client, deadline, phase, user, ret_assertion);
        return r;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* client_calls.c: the methods of mohr.Identity for which nobody is asked, each as one that is started and one that
 * blocks. What is handed out as JSON has the members that a caller may count on, or the reply is refused.
 */
#include "client-sdk/client.h"

#include "client-sdk/members.h"

#define INTERFACE  "mohr.Identity."
#define ANSWER_MS  10000
#define EXAMINE_MS 120000 /* a slow card answers a hundred questions */

static int begin(
        struct mohr_client *client, const char *method, json_t *parameters, client_reader *reader)
{
        return client_start(
                client, &(struct wire_call){ .method = method, .parameters = parameters }, reader);
}

/* Steps to the end of what was begun with `r`; the text is there for errors of some methods, too. */
static int finish(struct mohr_client *client, int r, int64_t deadline, char **ret_json)
{
        if (r == 0)
                r = client_await(client, deadline, NULL, NULL);
        char *text = r >= 0 ? client_take_text(client) : NULL;
        if (text)
                *ret_json = text;
        return r;
}

static int write_text(const struct wire_reply *reply, char **ret)
{
        *ret = members_text(reply->parameters, JSON_INDENT(2));
        return *ret ? 0 : -ENOMEM;
}

static bool has_list(const struct wire_reply *reply, const char *name)
{
        return json_is_array(json_object_get(reply->parameters, name));
}

/* ---- Readers ---- */

static int read_picture(const struct wire_reply *reply, int outcome, char **ret)
{
        if (outcome != 0)
                return 0;
        return has_list(reply, "readers") && has_list(reply, "backends") ? write_text(reply, ret)
                                                                         : -EBADMSG;
}

int mohr_client_start_status(struct mohr_client *client)
{
        return begin(client, INTERFACE "Status", json_object(), read_picture);
}

int mohr_client_status(struct mohr_client *client, char **ret_json)
{
        int64_t deadline = wire_deadline(ANSWER_MS);
        return finish(client, mohr_client_start_status(client), deadline, ret_json);
}

int mohr_client_start_watch(struct mohr_client *client)
{
        const struct wire_call call = {
                .method = INTERFACE "Watch", .parameters = json_object(), .more = true
        };
        return client_start(client, &call, read_picture);
}

struct watcher {
        int (*changed)(void *user, const char *json);
        void *user;
};

static int tell_change(void *user, struct mohr_client *client)
{
        const struct watcher *watcher = user;
        return watcher->changed(watcher->user, mohr_client_text(client));
}

int mohr_client_watch(
        struct mohr_client *client, int (*changed)(void *user, const char *json), void *user)
{
        struct watcher watcher = { changed, user };
        int r = mohr_client_start_watch(client);
        if (r == 0)
                r = client_await(client, WIRE_FOR_EVER, tell_change, &watcher);
        const char *last = r == 0 ? mohr_client_text(client) : NULL;
        return last ? changed(user, last) : r;
}

/* ---- A card ---- */

/* Of a card that went before the end there may be a transcript and nothing else. */
static int read_examined(const struct wire_reply *reply, int outcome, char **ret)
{
        bool told = json_is_object(json_object_get(reply->parameters, "card"));
        bool written = json_is_string(json_object_get(reply->parameters, "transcript"));
        if (outcome == 0 && !told)
                return -EBADMSG;
        return outcome == 0 || written ? write_text(reply, ret) : 0;
}

int mohr_client_start_examine(struct mohr_client *client, const char *reader, bool transcript)
{
        const struct member rows[] = { { "reader", reader } };
        json_t *parameters = members_of(json_object(), rows, ARRAY_LEN(rows));
        if (json_object_set_new(parameters, "transcript", json_boolean(transcript)) == 0)
                return begin(client, INTERFACE "Examine", parameters, read_examined);
        json_decref(parameters);
        return -ENOMEM;
}

int mohr_client_examine(
        struct mohr_client *client, const char *reader, bool transcript, char **ret_json)
{
        int64_t deadline = wire_deadline(EXAMINE_MS);
        return finish(
                client, mohr_client_start_examine(client, reader, transcript), deadline, ret_json);
}

/* ---- Permissions ---- */

static int read_grants(const struct wire_reply *reply, int outcome, char **ret)
{
        if (outcome != 0)
                return 0;
        return has_list(reply, "grants") ? write_text(reply, ret) : -EBADMSG;
}

int mohr_client_start_grants(struct mohr_client *client)
{
        return begin(client, INTERFACE "ListGrants", json_object(), read_grants);
}

int mohr_client_grants(struct mohr_client *client, char **ret_json)
{
        int64_t deadline = wire_deadline(ANSWER_MS);
        return finish(client, mohr_client_start_grants(client), deadline, ret_json);
}

int mohr_client_start_revoke_grant(struct mohr_client *client, const char *grant)
{
        const struct member rows[] = { { "grant", grant } };
        return begin(client, INTERFACE "RevokeGrant",
                members_of(json_object(), rows, ARRAY_LEN(rows)), NULL);
}

int mohr_client_revoke_grant(struct mohr_client *client, const char *grant)
{
        int64_t deadline = wire_deadline(ANSWER_MS);
        char *none = NULL;
        return finish(client, mohr_client_start_revoke_grant(client, grant), deadline, &none);
}

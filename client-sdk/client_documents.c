/* SPDX-License-Identifier: Apache-2.0 */
/* client_documents.c: documents to be signed: mohr.Documents, each method started or blocking.
 *
 * What is a document's, mohrd reads and mohrd writes: this library hands over descriptors and hears what becomes of it. The
 * calls that block have no time limit of their own. How long a document takes to read is its size's matter, each holder's
 * answer has mohrd's limit, and whoever wants to stop calls mohr_client_cancel().
 */
#include "client-sdk/client.h"

#include "base/text.h"
#include "client-sdk/asking.h"
#include "client-sdk/fields.h"
#include "client-sdk/members.h"

#define INTERFACE     "mohr.Documents."
#define NAME_MAX_LEN  128
#define SIGN_MAX      64
#define TIMEOUT_MAX_S 600

/* Everything it says, of an error as well. */
static int read_all(const struct wire_reply *reply, int outcome, char **ret)
{
        (void)outcome;
        *ret = members_text(reply->parameters, JSON_INDENT(2));
        return *ret ? 0 : -ENOMEM;
}

static bool good_text(const char *text, size_t max)
{
        return !text || field_is_text(text, max);
}

/* ---- Add ---- */

static int read_added(const struct wire_reply *reply, int outcome, char **ret)
{
        bool named = json_is_string(json_object_get(reply->parameters, "document"));
        return outcome == 0 && !named ? -EBADMSG : read_all(reply, outcome, ret);
}

static const char *wrong_document(const struct mohr_to_sign *document)
{
        const struct {
                bool good;
                const char *name;
        } rows[] = {
                { document->name && field_is_text(document->name, NAME_MAX_LEN), "name" },
                { document->form && field_is_token(document->form), "form" },
                { good_text(document->location, NAME_MAX_LEN), "location" },
                { !document->commitment || field_is_token(document->commitment), "commitment" },
                { good_text(document->policy, NAME_MAX_LEN), "policy" },
                { !document->policy == !document->policy_digest, "policy_digest" },
                { !document->policy_digest || field_is_hex(document->policy_digest, 64, 64),
                        "policy_digest" },
        };
        for (size_t i = 0; i < ARRAY_LEN(rows); i++)
                if (!rows[i].good)
                        return rows[i].name;
        return NULL;
}

static bool add_stamp(json_t *parameters, const struct mohr_stamp *stamp)
{
        return !stamp ||
               json_object_set_new(parameters, "stamp",
                       json_pack("{s:i, s:i, s:i, s:i, s:i}", "page", stamp->page, "x", stamp->x,
                               "y", stamp->y, "width", stamp->width, "height", stamp->height)) == 0;
}

static json_t *document_parameters(const struct mohr_to_sign *document)
{
        const struct member rows[] = {
                { "name", document->name },
                { "form", document->form },
                { "location", document->location },
                { "commitment", document->commitment },
                { "policy", document->policy },
                { "policy_digest", document->policy_digest },
        };
        json_t *parameters = members_of(json_object(), rows, ARRAY_LEN(rows));
        bool counter = strcmp(document->form, "countersignature") == 0;
        if (add_stamp(parameters, document->stamp) &&
                (!document->no_time ||
                        json_object_set_new(parameters, "no_time", json_true()) == 0) &&
                (!counter || json_object_set_new(
                                     parameters, "signer", json_integer(document->signer)) == 0))
                return parameters;
        json_decref(parameters);
        return NULL;
}

int mohr_client_start_add_document(
        struct mohr_client *client, const struct mohr_to_sign *document, int from, int to)
{
        const int fds[] = { from, to };
        const char *wrong = wrong_document(document);
        if (wrong)
                return client_wrong(client, wrong);
        const struct wire_call call = {
                .method = INTERFACE "Add",
                .parameters = document_parameters(document),
                .fds = fds,
                .fd_count = ARRAY_LEN(fds),
        };
        return client_start(client, &call, read_added);
}

int mohr_client_add_document(struct mohr_client *client, const struct mohr_to_sign *document,
        int from, int to, char **ret_json)
{
        int r = mohr_client_start_add_document(client, document, from, to);
        if (r == 0)
                r = client_await(client, WIRE_FOR_EVER, NULL, NULL);
        if (r == 0)
                *ret_json = client_take_text(client);
        return r;
}

/* ---- Sign ---- */

static size_t count_of(const char *const *documents)
{
        size_t count = 0;
        while (documents && count <= SIGN_MAX && documents[count])
                count++;
        return count;
}

static const char *wrong_signing(const struct mohr_signing *signing)
{
        size_t count = count_of(signing->documents);
        if (count == 0 || count > SIGN_MAX)
                return "documents";
        for (size_t i = 0; i < count; i++)
                if (!field_is_hex(signing->documents[i], 2, NAME_MAX_LEN))
                        return "documents";
        if (!good_text(signing->purpose, FIELD_PURPOSE_MAX))
                return "purpose";
        if (signing->reader && (!signing->reader[0] || !good_text(signing->reader, NAME_MAX_LEN)))
                return "reader";
        return signing->timeout_s >= 0 && signing->timeout_s <= TIMEOUT_MAX_S ? NULL : "timeout_ms";
}

static bool add_rest(json_t *parameters, const struct mohr_signing *signing)
{
        json_t *list = members_list(signing->documents, count_of(signing->documents));
        if (json_object_set_new(parameters, "documents", list) < 0)
                return false;
        if (signing->timeout_s && json_object_set_new(parameters, "timeout_ms",
                                          json_integer((json_int_t)signing->timeout_s * 1000)) < 0)
                return false;
        return !signing->ui || json_object_set_new(parameters, "ui", asking_ui(signing->ui)) == 0;
}

static json_t *signing_parameters(const struct mohr_signing *signing)
{
        const struct member rows[] = {
                { "purpose", signing->purpose },
                { "reader", signing->reader },
        };
        json_t *parameters = members_of(json_object(), rows, ARRAY_LEN(rows));
        if (add_rest(parameters, signing))
                return parameters;
        json_decref(parameters);
        return NULL;
}

int mohr_client_start_sign_documents(struct mohr_client *client, const struct mohr_signing *signing)
{
        const char *wrong = wrong_signing(signing);
        if (wrong)
                return client_wrong(client, wrong);
        const struct wire_call call = {
                .method = INTERFACE "Sign", .parameters = signing_parameters(signing), .more = true
        };
        return client_start(client, &call, read_all);
}

struct follower {
        void (*progress)(void *user, const char *document, const char *phase);
        void *user;
};

static int tell_progress(void *user, struct mohr_client *client)
{
        const struct follower *follower = user;
        const json_t *reply = client_reply(client);
        const char *document = json_string_value(json_object_get(reply, "document"));
        const char *phase = json_string_value(json_object_get(reply, "phase"));
        char name[NAME_MAX_LEN], clean[32];
        if (!follower->progress || !document || !phase)
                return 0;
        text_sanitize(name, sizeof name, document, sizeof name);
        text_sanitize(clean, sizeof clean, phase, sizeof clean);
        follower->progress(follower->user, name, clean);
        return 0;
}

int mohr_client_sign_documents(struct mohr_client *client, const struct mohr_signing *signing,
        void (*progress)(void *user, const char *document, const char *phase), void *user)
{
        struct follower follower = { progress, user };
        int r = mohr_client_start_sign_documents(client, signing);
        return r == 0 ? client_await(client, WIRE_FOR_EVER, tell_progress, &follower) : r;
}

/* ---- Remove ---- */

int mohr_client_start_remove_document(struct mohr_client *client, const char *document)
{
        const struct member rows[] = { { "document", document } };
        const struct wire_call call = {
                .method = INTERFACE "Remove",
                .parameters = members_of(json_object(), rows, ARRAY_LEN(rows)),
        };
        return client_start(client, &call, NULL);
}

int mohr_client_remove_document(struct mohr_client *client, const char *document)
{
        int r = mohr_client_start_remove_document(client, document);
        return r == 0 ? client_await(client, WIRE_FOR_EVER, NULL, NULL) : r;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* methods_documents.c: Sign and Remove of mohr.Documents, from the socket to documents.h and back. A document is named by its handle,
 * which only the connection that added it knows; one that was signed is forgotten. The log gets a line when a request starts and one
 * when it ends: nothing of a document, not its name.
 */
#include "daemon/methods_documents.h"

#include "base/outcome.h"
#include "client-sdk/members.h"
#include "daemon/ui.h"

#include <stdio.h>

#define TIMEOUT_MAX 600000 /* ms */
#define HANDLE_LEN  REQUEST_ID_LEN

/* ---- errors -------------------------------------------------------------------------------- */

static json_t *details_of(const struct signing_end *end)
{
        const struct member rows[] = {
                { "document", end->document },
                { "request", end->why ? NULL : end->request },
                { "why", end->why },
                { "detail", end->detail },
        };
        json_t *details = members_of(json_object(), rows, ARRAY_LEN(rows));
        if (end->tries_left >= 0)
                json_object_set_new(details, "tries_left", json_integer(end->tries_left));
        return details;
}

void documents_fail(struct call *call, const struct signing_end *end)
{
        method_fail_as(call, DOCUMENTS_INTERFACE, end->outcome, details_of(end));
}

void documents_fail_plain(struct call *call, int r, const char *why, const char *detail)
{
        const struct signing_end end = {
                .outcome = outcome_of(r), .why = why, .detail = detail, .tries_left = -1
        };
        documents_fail(call, &end);
}

static void no_such(struct call *call, const char *handle)
{
        call_error(call, DOCUMENTS_INTERFACE ".NoSuchDocument",
                json_pack("{s:s}", "document", handle));
}

/* ---- whose documents ----------------------------------------------------------------------- */

static struct document *find(const struct call *call, const char *handle)
{
        const struct documents *documents = call_belongings(call);
        return documents ? documents_find(documents, handle) : NULL;
}

/* ---- Sign ---------------------------------------------------------------------------------- */

static const struct param sign_params[] = {
        { .name = "documents", .type = PARAM_LIST, .required = true },
        { .name = "purpose", .min = 1, .max = FIELD_PURPOSE_MAX, .valid = param_is_text },
        { .name = "reader", .min = 1, .max = METHODS_READER_MAX, .valid = param_is_text },
        { .name = "timeout_ms", .type = PARAM_INT, .min = 1, .max = TIMEOUT_MAX },
        { .name = "ui", .type = PARAM_OBJECT, .fields = ui_params },
        { 0 },
};

struct sign_job {
        struct methods *methods;
        struct call *call;
        struct signing *signing;
        char id[REQUEST_ID_LEN + 1]; /* of the request that was told last */
};

static void sign_phase(void *user, const char *document, const char *request, const char *phase)
{
        struct sign_job *job = user;
        const struct peer *peer = call_peer(job->call);
        const char *slash = strrchr(peer->executable, '/');
        char pid[16];
        if (strcmp(job->id, request) != 0) {
                snprintf(job->id, sizeof job->id, "%s", request);
                snprintf(pid, sizeof pid, "%d", (int)peer->pid);
                log_kv(job->methods->context->log, LOG_LEVEL_INFO, request, "document started",
                        "app", slash ? slash + 1 : "", "pid", pid, NULL);
        }
        call_reply_more(job->call, json_pack("{s:s, s:s, s:s}", "document", document, "request",
                                           request, "phase", phase));
}

static void sign_done(void *user, const struct signing_end *end)
{
        struct sign_job *job = user;
        const char *outcome = end->outcome ? outcome_name(end->outcome) : "Ok";
        log_kv(job->methods->context->log, LOG_LEVEL_INFO, job->id, "documents ended", "outcome",
                outcome, "detail", end->detail ? end->detail : "", NULL);
        if (end->outcome == 0)
                call_reply(job->call, json_object());
        else
                documents_fail(job->call, end);
        free(job);
}

static void sign_hangup(void *user)
{
        struct sign_job *job = user;
        signing_cancel(job->signing);
        free(job);
}

static void sign(struct methods *m, struct call *call, const struct signing_params *params)
{
        static const struct signing_callbacks callbacks = { sign_phase, sign_done };
        struct sign_job *job = calloc(1, sizeof *job);
        int r = job ? 0 : -ENOMEM;
        if (job) {
                *job = (struct sign_job){ .methods = m, .call = call };
                r = signing_start(&job->signing, call_belongings(call), params, &callbacks, job);
        }
        if (r == 0) {
                call_on_hangup(call, sign_hangup, job);
                return;
        }
        free(job);
        documents_fail_plain(call, r, NULL, NULL);
}

static bool is_listed(const struct signing_params *params, const struct document *document)
{
        for (size_t i = 0; i < params->count; i++)
                if (params->documents[i] == document)
                        return true;
        return false;
}

/* False: it was answered. A consent names one countersigned signature, so such a document is signed by itself. */
static bool read_documents(struct signing_params *ret, struct call *call, json_t *list)
{
        size_t count = json_array_size(list);
        bool good = count >= 1 && count <= DOCUMENTS_MAX;
        for (size_t i = 0; good && i < count; i++) {
                const char *handle = json_string_value(json_array_get(list, i));
                struct document *document = handle ? find(call, handle) : NULL;
                if (handle && !document) {
                        no_such(call, handle);
                        return false;
                }
                good = document && !is_listed(ret, document) &&
                       (count == 1 || document_form(document) != FORM_COUNTERSIGNATURE);
                ret->documents[ret->count++] = document;
        }
        if (!good)
                method_invalid(call, "documents");
        return good;
}

void method_sign_documents(void *user, struct call *call, json_t *parameters)
{
        struct methods *m = user;
        struct signing_params params = { .peer = *call_peer(call) };
        if (!params_accept(call, parameters, sign_params) ||
                !read_documents(&params, call, json_object_get(parameters, "documents")))
                return;
        params.purpose = param_string(parameters, "purpose");
        params.reader = param_string(parameters, "reader");
        params.timeout_ms =
                (unsigned int)json_integer_value(json_object_get(parameters, "timeout_ms"));
        if (ui_read(&params.ui, param_object(parameters, "ui"), &params.peer))
                sign(m, call, &params);
        else
                method_invalid(call, "ui.tty");
}

/* ---- Remove -------------------------------------------------------------------------------- */

void method_remove_document(void *user, struct call *call, json_t *parameters)
{
        static const struct param remove_params[] = {
                { .name = "document",
                        .required = true,
                        .min = HANDLE_LEN,
                        .max = HANDLE_LEN,
                        .valid = param_graphic },
                { 0 },
        };
        (void)user;
        if (!params_accept(call, parameters, remove_params))
                return;
        const char *handle = param_string(parameters, "document");
        struct document *document = find(call, handle);
        if (!document) {
                no_such(call, handle);
                return;
        }
        documents_drop(call_belongings(call), document);
        call_reply(call, json_object());
}

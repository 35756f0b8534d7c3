/* SPDX-License-Identifier: Apache-2.0 */
/* methods_documents.c: mohr.Documents: from the socket to documents.h and back. Shapes are checked here: what cannot be in a
 * signature of the form that is asked for is refused, never left out. A document is named by its handle, which only the connection that added
 * it knows; one that was signed is forgotten. The log gets a line when a request starts and one when it ends: nothing of a
 * document, not its name.
 */
#include "daemon/methods_internal.h"

#include "base/outcome.h"
#include "base/bytes.h"
#include "client-sdk/members.h"
#include "daemon/descriptor.h"
#include "daemon/documents.h"
#include "daemon/ui.h"
#include "daemon/worker.h"

#include <ctype.h>
#include <stdio.h>

#define INTERFACE      "mohr.Documents"
#define TIMEOUT_MAX    600000 /* ms */
#define POINTS_MAX     14400  /* the largest page that a PDF has by itself */
#define NAME_MAX_BYTES 128
#define HANDLE_LEN     REQUEST_ID_LEN

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

/* The outcomes of a client, and of an assertion, are none of a document's. */
static void fail(struct call *call, const struct signing_end *end)
{
        char error[64];
        bool ours = end->outcome != OUTCOME_UNREACHABLE && end->outcome != OUTCOME_INVALID &&
                    end->outcome != OUTCOME_CERTIFICATE_EXPIRED;
        snprintf(error, sizeof error, INTERFACE ".%s",
                outcome_name(ours ? end->outcome : OUTCOME_INTERNAL));
        call_error(call, error, details_of(end));
}

static void fail_plain(struct call *call, int r, const char *why, const char *detail)
{
        const struct signing_end end = {
                .outcome = outcome_of(r), .why = why, .detail = detail, .tries_left = -1
        };
        fail(call, &end);
}

static void no_such(struct call *call, const char *handle)
{
        call_error(call, INTERFACE ".NoSuchDocument", json_pack("{s:s}", "document", handle));
}

/* ---- whose documents ----------------------------------------------------------------------- */

static void forget(void *belongings)
{
        documents_free(belongings);
}

/* The connection's, made with its first Add. NULL: no memory. */
static struct documents *documents_of(struct methods *m, struct call *call)
{
        struct documents *documents = call_belongings(call);
        if (documents)
                return documents;
        if (documents_new(&documents, m->context, &m->documents) < 0)
                return NULL;
        call_keep(call, documents, forget);
        return documents;
}

static struct document *find(const struct call *call, const char *handle)
{
        const struct documents *documents = call_belongings(call);
        return documents ? documents_find(documents, handle) : NULL;
}

/* ---- Add ----------------------------------------------------------------------------------- */

static bool is_name(const char *text)
{
        return field_is_text(text, NAME_MAX_BYTES);
}

static bool is_dotted(const char *text)
{
        bool dot = true;
        for (; *text; text++) {
                if (*text == '.' ? dot : !isdigit((unsigned char)*text))
                        return false;
                dot = *text == '.';
        }
        return !dot;
}

static bool is_sha256(const char *text)
{
        return field_is_hex(text, 64, 64);
}

static const struct param stamp_params[] = {
        { .name = "page", .type = PARAM_INT, .required = true, .min = 1, .max = 100000 },
        { .name = "x", .type = PARAM_INT, .required = true, .min = 0, .max = POINTS_MAX },
        { .name = "y", .type = PARAM_INT, .required = true, .min = 0, .max = POINTS_MAX },
        { .name = "width", .type = PARAM_INT, .required = true, .min = 1, .max = POINTS_MAX },
        { .name = "height", .type = PARAM_INT, .required = true, .min = 1, .max = POINTS_MAX },
        { 0 },
};

static const struct param add_params[] = {
        { .name = "name", .required = true, .min = 1, .max = NAME_MAX_BYTES, .valid = is_name },
        { .name = "form", .required = true, .min = 1, .max = 32, .valid = param_graphic },
        { .name = "location", .min = 1, .max = DOCUMENT_LOCATION_MAX, .valid = is_name },
        { .name = "stamp", .type = PARAM_OBJECT, .fields = stamp_params },
        { .name = "commitment", .min = 1, .max = 32, .valid = param_graphic },
        { .name = "policy", .min = 3, .max = 63, .valid = is_dotted },
        { .name = "policy_digest", .min = 64, .max = 64, .valid = is_sha256 },
        { .name = "no_time", .type = PARAM_BOOL },
        { .name = "signer", .type = PARAM_INT, .min = 0, .max = CMS_SIGNERS_MAX - 1 },
        { 0 },
};

static bool given(json_t *parameters, const char *name)
{
        json_t *value = json_object_get(parameters, name);
        return value && !json_is_null(value);
}

/* What each form cannot say. */
#define BIT(form) (1U << (form))
static const struct {
        const char *name;
        unsigned int forms; /* that have it */
} members[] = {
        { "location", BIT(FORM_PDF) },
        { "stamp", BIT(FORM_PDF) },
        { "commitment", BIT(FORM_CMS) | BIT(FORM_CMS_ATTACHED) | BIT(FORM_PDF) |
                                BIT(FORM_COUNTERSIGNATURE) },
        { "policy", BIT(FORM_CMS) | BIT(FORM_CMS_ATTACHED) | BIT(FORM_PDF) |
                            BIT(FORM_COUNTERSIGNATURE) },
        { "no_time", BIT(FORM_CMS) | BIT(FORM_CMS_ATTACHED) | BIT(FORM_COUNTERSIGNATURE) },
        { "signer", BIT(FORM_COUNTERSIGNATURE) },
};

static const char *misplaced(json_t *parameters, enum question_form form)
{
        for (size_t i = 0; i < ARRAY_LEN(members); i++)
                if (given(parameters, members[i].name) && !(members[i].forms & BIT(form)))
                        return members[i].name;
        return given(parameters, "policy") != given(parameters, "policy_digest") ? "policy_digest"
                                                                                 : NULL;
}

static int point(const json_t *stamp, const char *name)
{
        return (int)json_integer_value(json_object_get(stamp, name));
}

static void read_stamp(struct document_stamp *ret, const json_t *stamp)
{
        *ret = (struct document_stamp){
                .page = (unsigned int)point(stamp, "page"),
                .x = point(stamp, "x"),
                .y = point(stamp, "y"),
                .width = point(stamp, "width"),
                .height = point(stamp, "height"),
        };
}

/* The first parameter that does not fit; NULL: all do. */
static const char *read_asked(struct document_asked *ret, json_t *parameters)
{
        const char *commitment = method_string(parameters, "commitment");
        const char *policy = method_string(parameters, "policy");
        ret->name = method_string(parameters, "name");
        ret->location = method_string(parameters, "location");
        ret->form = document_form_named(method_string(parameters, "form"));
        if (ret->form == FORMS)
                return "form";
        const char *bad = misplaced(parameters, ret->form);
        if (bad)
                return bad;
        if (commitment && !cms_commitment_named(commitment, &ret->commitment))
                return "commitment";
        if (policy) {
                snprintf(ret->policy.oid, sizeof ret->policy.oid, "%s", policy);
                (void)!hex_decode(ret->policy.digest, sizeof ret->policy.digest,
                        method_string(parameters, "policy_digest"));
        }
        read_stamp(&ret->stamp, json_object_get(parameters, "stamp"));
        ret->no_time = json_is_true(json_object_get(parameters, "no_time"));
        ret->signer = (unsigned int)json_integer_value(json_object_get(parameters, "signer"));
        return NULL;
}

struct adding {
        struct call *call;
        struct documents *documents;
        struct document *document;
};

static void on_added(void *user, int outcome, const char *why, const char *detail)
{
        struct adding *adding = user;
        if (outcome == 0) {
                call_reply(adding->call, document_described(adding->document));
        } else {
                documents_drop(adding->documents, adding->document);
                fail_plain(adding->call, outcome, why, detail);
        }
        free(adding);
}

static void add_hangup(void *user)
{
        struct adding *adding = user;
        documents_drop(adding->documents, adding->document);
        free(adding);
}

static void add(struct call *call, struct documents *documents, const struct document_asked *asked)
{
        struct adding *adding = calloc(1, sizeof *adding);
        const char *why = NULL;
        int from = call_take_fd(call), to = call_take_fd(call);
        if (!adding) {
                descriptor_close(from);
                descriptor_close(to);
                fail_plain(call, -ENOMEM, NULL, NULL);
                return;
        }
        *adding = (struct adding){ .call = call, .documents = documents };
        int r = documents_add(
                &adding->document, documents, asked, from, to, on_added, adding, &why);
        if (r == 0) {
                call_on_hangup(call, add_hangup, adding);
                return;
        }
        free(adding);
        fail_plain(call, r, why, why ? worker_refusal(why) : NULL);
}

void method_add_document(void *user, struct call *call, json_t *parameters)
{
        struct methods *m = user;
        struct document_asked asked = { 0 };
        if (!params_accept(call, parameters, add_params))
                return;
        const char *bad = read_asked(&asked, parameters);
        if (bad) {
                method_invalid(call, bad);
                return;
        }
        struct documents *documents = documents_of(m, call);
        if (!documents)
                fail_plain(call, -ENOMEM, NULL, NULL);
        else if (documents_full(documents))
                call_error(call, INTERFACE ".TooManyDocuments", NULL);
        else
                add(call, documents, &asked);
}

/* ---- Sign ---------------------------------------------------------------------------------- */

static const struct param sign_params[] = {
        { .name = "documents", .type = PARAM_LIST, .required = true },
        { .name = "purpose", .min = 1, .max = FIELD_PURPOSE_MAX, .valid = method_is_text },
        { .name = "reader", .min = 1, .max = METHODS_READER_MAX, .valid = method_is_text },
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
                fail(job->call, end);
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
        fail_plain(call, r, NULL, NULL);
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
        params.purpose = method_string(parameters, "purpose");
        params.reader = method_string(parameters, "reader");
        params.timeout_ms =
                (unsigned int)json_integer_value(json_object_get(parameters, "timeout_ms"));
        if (ui_read(&params.ui, method_object(parameters, "ui"), params.peer.uid))
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
        const char *handle = method_string(parameters, "document");
        struct document *document = find(call, handle);
        if (!document) {
                no_such(call, handle);
                return;
        }
        documents_drop(call_belongings(call), document);
        call_reply(call, json_object());
}

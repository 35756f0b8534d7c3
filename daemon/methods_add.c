/* SPDX-License-Identifier: Apache-2.0 */
/* methods_add.c: Add of mohr.Documents. Shapes are checked here, and what cannot be in a signature of the form that is asked for is
 * refused, never left out: nobody shall believe to have signed what the form has no place for.
 */
#include "daemon/methods_documents.h"

#include "base/bytes.h"
#include "daemon/descriptor.h"
#include "daemon/worker.h"

#include <ctype.h>
#include <stdio.h>

#define POINTS_MAX     14400 /* the largest page that a PDF has by itself */
#define NAME_MAX_BYTES 128

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

/* ---- what is asked ------------------------------------------------------------------------- */

static bool is_name(const char *text)
{
        return field_is_text(text, NAME_MAX_BYTES);
}

/* X.660: the first number is 0, 1 or 2, and below 2 the second one is at most 39. */
static bool is_dotted(const char *text)
{
        bool dot = true;
        if (text[0] < '0' || text[0] > '2' || text[1] != '.' ||
                (text[0] < '2' && strtoul(text + 2, NULL, 10) > 39))
                return false;
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
        const char *commitment = param_string(parameters, "commitment");
        const char *policy = param_string(parameters, "policy");
        ret->name = param_string(parameters, "name");
        ret->location = param_string(parameters, "location");
        ret->form = document_form_named(param_string(parameters, "form"));
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
                        param_string(parameters, "policy_digest"));
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
                documents_fail_plain(adding->call, outcome, why, detail);
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
                documents_fail_plain(call, -ENOMEM, NULL, NULL);
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
        documents_fail_plain(call, r, why, why ? worker_refusal(why) : NULL);
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
                documents_fail_plain(call, -ENOMEM, NULL, NULL);
        else if (documents_full(documents))
                call_error(call, DOCUMENTS_INTERFACE ".TooManyDocuments", NULL);
        else
                add(call, documents, &asked);
}

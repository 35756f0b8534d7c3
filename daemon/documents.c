/* SPDX-License-Identifier: Apache-2.0 */
/* documents.c: see documents.h. The documents of a connection: added, described, forgotten.
 *
 * What the worker tells of a document is the document's word: numbers within their bounds, digests of the right length, a
 * kind of the table; anything else is an answer that cannot be one. The handle is random, so that none is mistaken
 * for one of an earlier connection.
 */
#include "daemon/documents_internal.h"

#include "base/outcome.h"
#include "client-sdk/fields.h"
#include "daemon/descriptor.h"

static const char *const kinds[DOCUMENT_KINDS] = {
        [DOCUMENT_OTHER] = "other",
        [DOCUMENT_PDF] = "pdf",
        [DOCUMENT_CMS] = "cms",
        [DOCUMENT_JSON] = "json",
};

int documents_new(struct documents **ret, struct request_context *context, size_t *all)
{
        struct documents *documents = calloc(1, sizeof *documents);
        if (!documents)
                return -ENOMEM;
        documents->context = context;
        documents->all = all;
        *ret = documents;
        return 0;
}

static void close_stranger(int fd)
{
        if (fd >= 0)
                descriptor_close(fd);
}

static void document_free(struct document *document)
{
        worker_free(document->worker);
        close_stranger(document->from);
        close_stranger(document->to);
        if (document->copy >= 0)
                close(document->copy);
        free(document->name);
        free(document->location);
        free(document);
}

void documents_drop(struct documents *documents, struct document *document)
{
        struct document **link = &documents->list;
        while (*link != document)
                link = &(*link)->next;
        *link = document->next;
        documents->count--;
        --*documents->all;
        document_free(document);
}

struct documents *documents_free(struct documents *documents)
{
        while (documents && documents->list)
                documents_drop(documents, documents->list);
        free(documents);
        return NULL;
}

bool documents_full(const struct documents *documents)
{
        return documents->count >= DOCUMENTS_MAX || *documents->all >= DOCUMENTS_ALL_MAX;
}

struct document *documents_find(const struct documents *documents, const char *handle)
{
        struct document *document = documents->list;
        while (document && strcmp(document->handle, handle) != 0)
                document = document->next;
        return document;
}

enum question_form document_form(const struct document *document)
{
        return document->asked.form;
}

/* ---- what is told of it -------------------------------------------------------------------- */

/* False: it is there and out of its bounds. */
static bool take_number(const json_t *answer, const char *name, int64_t max, int64_t *ret)
{
        const json_t *value = json_object_get(answer, name);
        *ret = json_is_integer(value) ? json_integer_value(value) : -1;
        return !value || (*ret >= 0 && *ret <= max);
}

static bool take_digest(const json_t *answer, const char *name, uint8_t *dst, size_t len)
{
        const char *hex = json_string_value(json_object_get(answer, name));
        return hex && field_is_hex(hex, 2 * len, 2 * len) &&
               hex_decode(dst, len, hex) == (ssize_t)len;
}

static bool take_kind(const json_t *answer, enum question_kind *ret)
{
        const char *kind = json_string_value(json_object_get(answer, "kind"));
        for (unsigned int i = 0; kind && i < DOCUMENT_KINDS; i++)
                if (strcmp(kinds[i], kind) == 0) {
                        *ret = (enum question_kind)i;
                        return true;
                }
        return false;
}

static bool take_description(struct document *document, const json_t *answer)
{
        int64_t size, pages, signatures;
        if (!take_number(answer, "size", INT64_MAX, &size) || size < 0 ||
                !take_number(answer, "pages", INT32_MAX, &pages) ||
                !take_number(answer, "signatures", INT32_MAX, &signatures) ||
                !take_digest(answer, "sha256", document->sha256, sizeof document->sha256) ||
                !take_digest(answer, "sha384", document->sha384, sizeof document->sha384) ||
                !take_kind(answer, &document->kind))
                return false;
        document->size = (uint64_t)size;
        document->pages = pages > 0 ? (uint32_t)pages : 0;
        document->has_signatures = signatures >= 0;
        document->signatures = signatures > 0 ? (uint32_t)signatures : 0;
        return true;
}

static bool described(json_t *to, const struct document *document)
{
        if (document->pages && json_object_set_new(to, "pages", json_integer(document->pages)) < 0)
                return false;
        return !document->has_signatures ||
               json_object_set_new(to, "signatures", json_integer(document->signatures)) == 0;
}

json_t *document_described(const struct document *document)
{
        char digest[2 * sizeof document->sha256 + 1];
        hex_encode(digest, document->sha256, sizeof document->sha256);
        json_t *told = json_pack("{s:s, s:s, s:I, s:s}", "document", document->handle, "kind",
                kinds[document->kind], "size", (json_int_t)document->size, "digest", digest);
        if (told && described(told, document))
                return told;
        json_decref(told);
        return NULL;
}

/* ---- adding -------------------------------------------------------------------------------- */

/* A form for which it is not the right kind, or which its PDF does not allow. NULL: it fits. */
static const char *misfit(const struct document *document, const json_t *answer)
{
        const struct document_form *form = document_form_row(document->asked.form);
        const char *unfit = json_string_value(json_object_get(answer, "unfit"));
        if (form->why && document->kind != form->kind)
                return form->why;
        if (document->asked.form != FORM_PDF || !unfit)
                return NULL;
        return worker_word(unfit) ? worker_word(unfit) : "damaged";
}

static void on_inspected(
        void *user, int outcome, const json_t *answer, const char *why, const char *detail)
{
        struct document *document = user;
        bool read = outcome == 0 && take_description(document, answer);
        if (outcome == 0 && !read) {
                outcome = OUTCOME_INTERNAL;
                detail = "the program that works on documents spoke nonsense";
        }
        const char *unfit = read ? misfit(document, answer) : NULL;
        document->worker = worker_free(document->worker);
        if (document->copy >= 0)
                close_stranger(base_take_fd(&document->from)); /* the copy is what is used */
        if (unfit)
                document->added(document->user, OUTCOME_DOCUMENT, unfit, worker_refusal(unfit));
        else
                document->added(document->user, outcome, why, detail);
}

static int inspect(struct document *document)
{
        const struct document_form *form = document_form_row(document->asked.form);
        struct request_context *context = document->owner->context;
        if (form->copied)
                document->copy = file_nameless(context);
        if (form->copied && document->copy < 0)
                return document->copy;
        const struct worker_task task = {
                .program = "mohr-document",
                .work = "inspect",
                .question = json_pack("{s:b}", "copy", form->copied),
                .files = { document->from, document->copy },
                .limit_us = file_limit_us(document->taken),
        };
        return worker_start(
                &document->worker, context->event, context->config, &task, on_inspected, document);
}

static int copy_asked(struct document *document, const struct document_asked *asked)
{
        document->asked = *asked;
        document->name = strdup(asked->name);
        document->location = asked->location ? strdup(asked->location) : NULL;
        document->asked.name = document->name;
        document->asked.location = document->location;
        bool whole = document->name && (document->location || !asked->location);
        return whole ? request_make_id(document->handle) : -ENOMEM;
}

static int begin(struct document *document, const struct document_asked *asked,
        document_added added, void *user, const char **ret_why)
{
        document->added = added;
        document->user = user;
        int r = file_pair_fits(document->from, document->to, &document->taken, ret_why);
        if (r == 0)
                r = copy_asked(document, asked);
        return r == 0 ? inspect(document) : r;
}

int documents_add(struct document **ret, struct documents *documents,
        const struct document_asked *asked, int from, int to, document_added added, void *user,
        const char **ret_why)
{
        struct document *document = calloc(1, sizeof *document);
        if (!document) {
                close_stranger(from);
                close_stranger(to);
                return -ENOMEM;
        }
        *document = (struct document){ .owner = documents, .from = from, .to = to, .copy = -1 };
        document->next = documents->list;
        documents->list = document;
        documents->count++;
        ++*documents->all;
        int r = begin(document, asked, added, user, ret_why);
        if (r == 0)
                *ret = document;
        else
                documents_drop(documents, document);
        return r;
}

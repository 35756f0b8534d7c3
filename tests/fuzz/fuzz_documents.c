/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_documents: a worker that a document has taken over, as mohrd hears it: the first byte says which form was asked for, the rest
 * is its answer to "inspect". What is taken for a description has its bounds, and is told as JSON; nothing is left of anything else.
 */
#include "daemon/documents_internal.h"

#include "base/outcome.h"

#include <sys/mman.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct worker {
        worker_done done;
        void *user;
};
static struct worker the_worker;
static size_t all;
static int told;

static void require(bool good)
{
        if (!good)
                abort();
}

int worker_start(struct worker **ret, sd_event *event, const struct config *config,
        const struct worker_task *task, worker_done done, void *user)
{
        (void)event, (void)config;
        json_decref(task->question);
        the_worker = (struct worker){ done, user };
        *ret = &the_worker;
        return 0;
}

struct worker *worker_free(struct worker *worker)
{
        (void)worker;
        return NULL;
}

const char *worker_word(const char *why)
{
        return strcmp(why, "encrypted") == 0 ? "encrypted" : NULL;
}

const char *worker_refusal(const char *why)
{
        return why;
}

static void on_added(void *user, int outcome, const char *why, const char *detail)
{
        (void)user;
        require(outcome == 0 || detail);
        require((outcome == OUTCOME_DOCUMENT) == (why != NULL));
        told = outcome;
}

static void check(const struct document *document)
{
        json_t *said = document_described(document);
        require(said && json_integer_value(json_object_get(said, "size")) >= 0);
        require(json_string_length(json_object_get(said, "digest")) == 64);
        require(document->kind < DOCUMENT_KINDS && document->pages <= INT32_MAX);
        json_decref(said);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        static const struct config config;
        static const struct log quiet = { .program = "fuzz", .max = 0, .fd = 2 };
        struct request_context context = { .config = &config, .log = &quiet };
        const struct document_asked asked = { .name = "n",
                .form = size > 0 ? data[0] % FORMS : FORM_CMS };
        struct documents *documents = NULL;
        struct document *document = NULL;
        const char *why = NULL;
        json_t *answer = size > 0 ? json_loadb((const char *)data + 1, size - 1,
                                            JSON_REJECT_DUPLICATES, NULL)
                                  : NULL;
        int from = memfd_create("from", MFD_CLOEXEC), to = memfd_create("to", MFD_CLOEXEC);
        require(documents_new(&documents, &context, &all) == 0);
        if (json_is_object(answer) &&
                documents_add(&document, documents, &asked, from, to, on_added, NULL, &why) == 0) {
                the_worker.done(the_worker.user, 0, answer, NULL, NULL);
                if (told == 0)
                        check(document);
        } else if (!json_is_object(answer)) {
                close(from);
                close(to);
        }
        json_decref(answer);
        documents_free(documents);
        require(all == 0);
        return 0;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* documents_world.h: documents for the card and the person of request_world.h. The worker is replaced by one that answers from the
 * loop what a test says, and stops the test when a result is to be written before the history has its row.
 */
#ifndef MOHR_TESTS_DOCUMENTS_WORLD_H
#define MOHR_TESTS_DOCUMENTS_WORLD_H

#include "tests/unit/request_world.h"

#include "base/outcome.h"
#include "client-sdk/members.h"
#include "daemon/documents_internal.h"

#include <sys/mman.h>

#define HEX64 "abababababababababababababababababababababababababababababababab"
#define HEX96 HEX64 "abababababababababababababababab"
#define DESCRIBED(kind)                                                                            \
        "{\"ok\":true,\"size\":7,\"sha256\":\"" HEX64 "\",\"sha384\":\"" HEX96                     \
        "\",\"kind\":\"" kind "\""
#define RESULT "the result"

struct worker {
        sd_event_source *soon;
        worker_done done;
        void *user;
        char work[32];
        int to; /* a copy */
};

enum { INSPECT, STAMP, PREPARE, TEXT, COUNTERSIGN, WRITE, WORK_KINDS };
static const char *const work_names[WORK_KINDS] = { "inspect", "stamp", "prepare", "text",
        "countersign", "write" };

static struct bench {
        struct documents *documents;
        struct signing *signing;
        size_t all;
        const char *says[WORK_KINDS]; /* instead of what is right */
        int fails[WORK_KINDS];        /* OUTCOME_DOCUMENT with the word "damaged", or another */
        int starts[WORK_KINDS];       /* what starting it returns */
        char works[256];              /* in order */
        bool added, ended;
        int outcome;
        char why[32], signed_ones[256], failed[64];
        int tries_left;
        unsigned int pages; /* of consent */
        size_t shown, shown_at;
        int results[DOCUMENTS_MAX];
        unsigned int steps; /* replies until a client hangs up; 0: it does not */
        bool hung_up;
        bool swaps; /* another card is laid down when the first is signed */
} bench;

static const char *const right[WORK_KINDS] = {
        [INSPECT] = DESCRIBED("pdf") ",\"pages\":3,\"signatures\":1}",
        [STAMP] = "{\"ok\":true,\"content\":\"cSBR\"}",
        [PREPARE] = "{\"ok\":true,\"digest\":\"" HEX64
                    "\",\"offset\":100,\"room\":24576,\"size\":9999}",
        [TEXT] = "{\"ok\":true,\"digest\":\"" HEX64 "\"}",
        [COUNTERSIGN] =
                "{\"ok\":true,\"digest\":\"" HEX64 "\",\"signer\":\"Somebody\",\"signers\":2}",
        [WRITE] = "{\"ok\":true,\"size\":10}",
};

static int kind_of(const char *work)
{
        int kind = 0;
        while (kind < WORK_KINDS && strcmp(work_names[kind], work) != 0)
                kind++;
        assert_true(kind < WORK_KINDS);
        return kind;
}

static int on_work(sd_event_source *source, void *user)
{
        struct worker *worker = user;
        int kind = kind_of(worker->work), fails = bench.fails[kind];
        (void)source;
        WORLD_CALM();
        const char *text = bench.says[kind] ? bench.says[kind] : right[kind];
        json_t *answer = json_loads(text, 0, NULL);
        if (kind == WRITE && fails == 0)
                assert_int_equal(write(worker->to, RESULT, strlen(RESULT)), strlen(RESULT));
        WORLD_ON();
        worker->done(worker->user, fails, fails ? NULL : answer,
                fails == OUTCOME_DOCUMENT ? "damaged" : NULL, fails ? "a test says so" : NULL);
        json_decref(answer);
        return 0;
}

/* Nothing leaves before its row is on the disk. */
static void may_write(const struct worker_task *task)
{
        assert_int_equal(world.intents, 1);
        assert_int_equal(world.ends, 1);
        assert_string_equal(world.end, "Ok");
        assert_int_equal(world.end_outcome, 0);
        assert_true(task->files[0] >= 0 && task->files[1] >= 0);
}

int worker_start(struct worker **ret, sd_event *event, const struct config *config,
        const struct worker_task *task, worker_done done, void *user)
{
        assert_ptr_equal(config, &world.config);
        int kind = kind_of(task->work), r = task->question ? bench.starts[kind] : -ENOMEM;
        size_t used = strlen(bench.works);
        snprintf(bench.works + used, sizeof bench.works - used, "%s ", task->work);
        if (kind == WRITE && r == 0)
                may_write(task);
        assert_int_equal(kind == STAMP, strcmp(task->program, "mohr-page") == 0);
        json_decref(task->question);
        if (r != 0)
                return r;
        WORLD_CALM();
        struct worker *worker = calloc(1, sizeof *worker);
        *worker = (struct worker){ .done = done, .user = user, .to = -1 };
        snprintf(worker->work, sizeof worker->work, "%s", task->work);
        if (task->files[1] >= 0)
                worker->to = dup(task->files[1]);
        assert_return_code(sd_event_add_defer(event, &worker->soon, on_work, worker), 0);
        WORLD_ON();
        *ret = worker;
        return 0;
}

struct worker *worker_free(struct worker *worker)
{
        if (!worker)
                return NULL;
        sd_event_source_disable_unref(worker->soon);
        if (worker->to >= 0)
                close(worker->to);
        free(worker);
        return NULL;
}

const char *worker_word(const char *why)
{
        return why && strcmp(why, "encrypted") == 0 ? "encrypted" : NULL;
}

const char *worker_refusal(const char *why)
{
        return why;
}

/* ---- an app -------------------------------------------------------------------------------- */

static int file_of(const char *text)
{
        int fd = memfd_create("document", MFD_CLOEXEC);
        assert_return_code(fd, errno);
        assert_int_equal(write(fd, text, strlen(text)), strlen(text));
        return fd;
}

static void on_added(void *user, int outcome, const char *why, const char *detail)
{
        (void)user, (void)detail;
        assert_false(bench.added);
        bench.added = true;
        bench.outcome = outcome;
        snprintf(bench.why, sizeof bench.why, "%s", why ? why : "");
        sd_event_exit(world.event, 0);
}

static struct document_asked asked_for(enum question_form form)
{
        return (struct document_asked){ .name = "contract", .form = form };
}

/* One as an app adds it; NULL: it was refused, and is gone. */
static struct document *add_this(const struct document_asked *asked)
{
        struct document *document = NULL;
        const char *why = NULL;
        WORLD_CALM();
        int from = file_of("content"), to = file_of("");
        size_t at = bench.documents->count;
        bench.added = false;
        bench.outcome = 0;
        bench.why[0] = '\0';
        if (at < DOCUMENTS_MAX)
                bench.results[at] = dup(to);
        WORLD_ON();
        int r = documents_add(&document, bench.documents, asked, from, to, on_added, NULL, &why);
        if (r == 0) {
                assert_false(bench.added);
                assert_return_code(sd_event_loop(world.event), 0);
                r = bench.outcome;
                if (r != 0)
                        documents_drop(bench.documents, document);
        }
        bench.outcome = r;
        if (r != 0 && at < DOCUMENTS_MAX)
                close(base_take_fd(&bench.results[at]));
        WORLD_CALM();
        renew_loop();
        WORLD_ON();
        return r == 0 ? document : NULL;
}

_unused_ static struct document *add(enum question_form form)
{
        static const char *const kinds[FORMS] = { [FORM_CMS] = DESCRIBED("other") "}",
                [FORM_CMS_ATTACHED] = DESCRIBED("other") "}",
                [FORM_PDF] = DESCRIBED("pdf") ",\"pages\":3,\"signatures\":1}",
                [FORM_JWS] = DESCRIBED("json") "}",
                [FORM_COUNTERSIGNATURE] = DESCRIBED("cms") "}" };
        const struct document_asked asked = asked_for(form);
        bench.says[INSPECT] = kinds[form];
        return add_this(&asked);
}

static void hang_up(void)
{
        bench.signing = signing_cancel(bench.signing);
        bench.hung_up = true;
        sd_event_exit(world.event, 0);
}

static int on_hang_up(sd_event_source *source, void *user)
{
        (void)source, (void)user;
        if (bench.signing)
                hang_up();
        return 0;
}

/* From the loop: mohrd hears of it as an event of its own. */
static void hang_up_soon(void)
{
        WORLD_CALM();
        assert_return_code(sd_event_add_defer(world.event, NULL, on_hang_up, NULL), 0);
        WORLD_ON();
}

static void lay_another_card(void)
{
        X509 *swapped = world.files[0];
        world.files[0] = world.other_leaf;
        world.other_leaf = swapped;
        world.events++;
}

static void on_progress(void *user, const char *document, const char *request, const char *phase)
{
        (void)user;
        assert_false(bench.hung_up);
        assert_int_equal(strlen(request), 32);
        if (bench.steps > 0 && --bench.steps == 0)
                hang_up_soon();
        if (strcmp(phase, "signed") != 0)
                return;
        size_t used = strlen(bench.signed_ones);
        snprintf(bench.signed_ones + used, sizeof bench.signed_ones - used, "%.4s ", document);
        bench.pages += !last_question.granted;
        bench.shown = last_question.document_count;
        bench.shown_at = last_question.document_at;
        int end_outcome = world.end_outcome;
        reset_counts(); /* the next request is one of its own */
        world.end_outcome = end_outcome;
        if (bench.swaps)
                lay_another_card();
        bench.swaps = false;
}

static void on_ended(void *user, const struct signing_end *end)
{
        (void)user;
        assert_false(bench.ended || bench.hung_up);
        bench.ended = true;
        bench.signing = NULL;
        bench.outcome = end->outcome;
        bench.tries_left = end->tries_left;
        snprintf(bench.why, sizeof bench.why, "%s", end->why ? end->why : "");
        snprintf(bench.failed, sizeof bench.failed, "%s", end->document ? end->document : "");
        sd_event_exit(world.event, 0);
}

/* 0 to 70: the end; NEVER: the client hung up. */
_unused_ static int sign(struct document *const *documents, size_t count)
{
        static const struct signing_callbacks answers = { on_progress, on_ended };
        struct signing_params params = { .count = count,
                .purpose = "test",
                .ui = { .tty = "/dev/pts/9" },
                .peer = { .executable = "/usr/bin/app" } };
        for (size_t i = 0; i < count; i++)
                params.documents[i] = documents[i];
        bench.ended = bench.hung_up = false;
        bench.works[0] = bench.signed_ones[0] = bench.failed[0] = '\0';
        bench.pages = 0;
        reset_counts();
        world.method = "SignDocument";
        int r = signing_start(&bench.signing, bench.documents, &params, &answers, NULL);
        if (r != 0)
                return r;
        assert_false(bench.ended);
        WORLD_CALM();
        sd_event_source *guard = nothing_hangs();
        WORLD_ON();
        assert_return_code(sd_event_loop(world.event), 0);
        WORLD_CALM();
        sd_event_source_unref(guard);
        assert_null(bench.signing);
        assert_false(the_reader.taken || world.verified);
        assert_true(bench.ended != bench.hung_up);
        renew_loop();
        WORLD_ON();
        return bench.hung_up ? NEVER : bench.outcome;
}

_unused_ static bool is_written(size_t at)
{
        char text[32] = "";
        ssize_t n = pread(bench.results[at], text, sizeof text - 1, 0);
        assert_true(n >= 0 && (n == 0 || strcmp(text, RESULT) == 0));
        return n > 0;
}

static int documents_up(void **state)
{
        int r = setup(state);
        bench = (struct bench){ .all = 0 };
        for (size_t i = 0; i < DOCUMENTS_MAX; i++)
                bench.results[i] = -1;
        return r ? r : documents_new(&bench.documents, &world.context, &bench.all);
}

static int documents_down(void **state)
{
        documents_free(bench.documents);
        assert_int_equal(bench.all, 0);
        for (size_t i = 0; i < DOCUMENTS_MAX; i++)
                if (bench.results[i] >= 0)
                        close(bench.results[i]);
        return teardown(state);
}

#endif

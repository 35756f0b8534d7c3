/* SPDX-License-Identifier: Apache-2.0 */
/* worker.c: see worker.h. What comes from a worker may come from the document that has taken it over. So its answer is
 * one JSON object of a bounded size, its words of refusal are those of a table and their sentences are ours; the first
 * answer counts, and only once the process is gone, so that nothing writes to a file any more when it is heard.
 *
 * The work itself knows its limits of memory and processor; the clock here is for a file system that does not answer.
 */
#include "daemon/worker.h"

#include "base/outcome.h"
#include "client-sdk/document/work.h"
#include "client-sdk/members.h"
#include "daemon/programs.h"
#include "daemon/varlink.h"

#include <stdio.h>

#define PATH_CHARS 1024

struct worker {
        struct child *child;
        sd_event_source *limit;
        worker_done done;
        void *user;
        json_t *answer;
        bool answered, late;
};

static const struct {
        const char *why, *detail;
} refusals[] = {
#define X(word, sentence) { word, sentence },
        DOCUMENT_REFUSALS(X)
#undef X
                { "not-json", "The document is no JSON." },
};

const char *worker_refusal(const char *why)
{
        for (size_t i = 0; why && i < ARRAY_LEN(refusals); i++)
                if (strcmp(refusals[i].why, why) == 0)
                        return refusals[i].detail;
        return NULL;
}

const char *worker_word(const char *why)
{
        for (size_t i = 0; why && i < ARRAY_LEN(refusals); i++)
                if (strcmp(refusals[i].why, why) == 0)
                        return refusals[i].why;
        return NULL;
}

static void on_frame(void *user, const uint8_t *data, size_t len)
{
        struct worker *worker = user;
        bool starved = false;
        if (worker->answered)
                return;
        worker->answered = true;
        worker->answer = members_read((const char *)data, len, &starved);
}

static void tell(struct worker *worker)
{
        _cleanup_message_ json_t *answer = worker->answer; /* the worker may be freed meanwhile */
        const json_t *ok = json_object_get(answer, "ok");
        const char *why = worker_word(json_string_value(json_object_get(answer, "why")));
        worker_done done = worker->done;
        worker->answer = NULL;
        if (worker->late)
                done(worker->user, OUTCOME_TIMED_OUT, NULL, NULL,
                        "the document could not be worked on in time");
        else if (json_is_true(ok))
                done(worker->user, 0, answer, NULL, NULL);
        else if (json_is_false(ok) && why)
                done(worker->user, OUTCOME_DOCUMENT, NULL, why, worker_refusal(why));
        else
                done(worker->user, OUTCOME_INTERNAL, NULL, NULL,
                        "the program that works on documents ended without an answer");
}

static void on_exited(void *user, int status)
{
        (void)status; /* what it said is what counts */
        tell(user);
}

static int on_limit(sd_event_source *source, uint64_t usec, void *user)
{
        struct worker *worker = user;
        (void)source, (void)usec;
        worker->late = true;
        worker->child = child_free(worker->child); /* which waits for nobody */
        tell(worker);
        return 0;
}

static void add_env(const char *env[static 4], char text[static 2][PATH_CHARS])
{
        static const char *const names[] = { "ASAN_OPTIONS", "UBSAN_OPTIONS" };
        size_t count = 0;
        env[count++] = "LC_ALL=C.UTF-8";
        for (size_t i = 0; i < ARRAY_LEN(names); i++) {
                const char *value = getenv(names[i]);
                int len = value ? snprintf(text[i], PATH_CHARS, "%s=%s", names[i], value) : -1;
                if (len > 0 && len < PATH_CHARS)
                        env[count++] = text[i];
        }
        env[count] = NULL;
}

static int spawn(struct worker *worker, sd_event *event, const struct config *config,
        const struct worker_task *task)
{
        static const struct child_callbacks callbacks = { on_frame, on_exited };
        char program[PATH_CHARS], text[2][PATH_CHARS];
        const char *env[4];
        int r = programs_path(config, task->program, program, sizeof program);
        if (r < 0)
                return r;
        const char *const argv[] = { program, task->work, NULL };
        add_env(env, text);
        return child_spawn_with(&worker->child, event, argv, env, task->files, DOCUMENT_FRAME_MAX,
                &callbacks, worker);
}

static int ask(struct worker *worker, json_t *question)
{
        _cleanup_free_ char *text = members_text(question, JSON_COMPACT);
        if (!text)
                return -ENOMEM;
        size_t len = strlen(text);
        return len > DOCUMENT_FRAME_MAX ? -E2BIG : child_send(worker->child, text, len);
}

static int begin(struct worker *worker, sd_event *event, const struct config *config,
        const struct worker_task *task)
{
        int r = spawn(worker, event, config, task);
        if (r == 0)
                r = ask(worker, task->question);
        if (r < 0)
                return r;
        r = sd_event_add_time_relative(
                event, &worker->limit, CLOCK_MONOTONIC, task->limit_us, 1000, on_limit, worker);
        return r < 0 ? r : 0;
}

int worker_start(struct worker **ret, sd_event *event, const struct config *config,
        const struct worker_task *task, worker_done done, void *user)
{
        struct worker *worker = calloc(1, sizeof *worker);
        int r = worker && task->question ? 0 : -ENOMEM;
        if (worker) {
                worker->done = done;
                worker->user = user;
        }
        if (r == 0)
                r = begin(worker, event, config, task);
        json_decref(task->question);
        if (r < 0) {
                worker_free(worker);
                return r;
        }
        *ret = worker;
        return 0;
}

struct worker *worker_free(struct worker *worker)
{
        if (!worker)
                return NULL;
        worker->child = child_free(worker->child);
        sd_event_source_disable_unref(worker->limit);
        json_decref(worker->answer);
        free(worker);
        return NULL;
}

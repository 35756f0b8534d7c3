/* SPDX-License-Identifier: Apache-2.0 */
/* history_worker.c: see history_internal.h. mohr-history as a process: started by the first question, let go when
 * nobody asked for a while, killed when it does not answer.
 *
 * A row that was with a worker that ended is asked for once more: the next one knows by the request's number whether it was
 * written, and writes none twice. What could not be sent any more, since a worker may end behind its last answer, goes to
 * the next one, too. If one hangs the disk is to blame, and who waits to be recorded before a prompt hears so at once; but an
 * end is asked for once more, since what it is of was done, and may have cost a try.
 */
#include "daemon/history_internal.h"
#include "daemon/programs.h"

#include "base/bytes.h"

#include <stdio.h>
#include <sys/wait.h>

#define ANSWER_US   (10 * 1000000ULL) /* a disk that sleeps needs as long to turn again */
#define IDLE_US     (30 * 1000000ULL)
#define FAREWELL_MS 3000
#define TRIES       2
#define ENV_CHARS   1024

static const char no_folder[] = "the history has no folder: set HOME, or [state] dir in mohr.conf";
static const char no_start[] = "mohr-history cannot be started: see mohrd's log";
static const char ended_early[] = "mohr-history ended before it answered";
static const char too_slow[] = "mohr-history did not answer in time: see the disk's state";

static void arm(struct history *history, uint64_t usec)
{
        (void)sd_event_source_set_time_relative(history->timer, usec);
        (void)sd_event_source_set_enabled(history->timer, SD_EVENT_ONESHOT);
}

void history_fail(struct history *history, struct history_question *question, const char *failure)
{
        question->failure = failure;
        history_queue_put(&history->failed, question);
        (void)sd_event_source_set_enabled(history->failing, SD_EVENT_ONESHOT);
}

/* Ends may be spared: the next worker is asked for them. */
static void fail_waiting(struct history *history, const char *failure, bool spare_ends)
{
        struct history_question *question;
        struct history_queue spared;
        history_queue_init(&spared);
        while ((question = history_queue_take(&history->waiting)))
                if (spare_ends && question->op == HISTORY_END)
                        history_queue_put(&spared, question);
                else
                        history_fail(history, question, failure);
        while ((question = history_queue_take(&spared)))
                history_queue_put(&history->waiting, question);
}

/* False: whoever was told freed the history. */
static bool deliver(struct history *history, struct history_question *question,
        const struct history_reply *reply)
{
        bool gone = false;
        history->gone = &gone;
        history_deliver(history, question, reply);
        if (gone)
                return false;
        history->gone = NULL;
        return true;
}

static int on_failing(sd_event_source *source, void *user)
{
        struct history *history = user;
        struct history_question *question;
        (void)source;
        while ((question = history_queue_take(&history->failed)))
                if (!deliver(history, question, NULL))
                        return 0;
        return 0;
}

/* ---- its life ---------------------------------------------------------------------------------- */

static void go_on(struct history *history);

/* Whatever became of it with a worker that is gone, to ask for it again does no other thing. */
static bool may_repeat(const struct history_question *question)
{
        return question && question->op != HISTORY_REVOKE;
}

static void lose(struct history *history, const char *failure, bool again)
{
        struct history_question *question = history->sent;
        history->sent = NULL;
        if (!question)
                return;
        if (again && question->tries < TRIES)
                history_queue_put_back(&history->waiting, question);
        else
                history_fail(history, question, failure);
}

static void forget_child(struct history *history)
{
        history->child = child_free(history->child);
        free(history->reply);
        history->reply = NULL;
        history->state = HISTORY_NONE;
        (void)sd_event_source_set_enabled(history->timer, SD_EVENT_OFF);
}

static void on_exited(void *user, int status)
{
        struct history *history = user;
        char text[16];
        bool told_to = history->state == HISTORY_LEAVING;
        snprintf(text, sizeof text, "%d",
                WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status));
        log_kv(history->log, told_to ? LOG_LEVEL_DEBUG : LOG_LEVEL_WARNING, NULL,
                "mohr-history ended", WIFSIGNALED(status) ? "signal" : "status", text, NULL);
        forget_child(history);
        lose(history, ended_early, may_repeat(history->sent));
        go_on(history);
}

/* Its question is answered without it, or `again` by another one; its end may take a while. */
static void give_up(struct history *history, const char *failure, bool again)
{
        child_kill(history->child);
        lose(history, failure, again);
        history->state = HISTORY_LEAVING;
        arm(history, ANSWER_US);
}

static void kill_slow(struct history *history)
{
        log_kv(history->log, LOG_LEVEL_ERR, NULL, "mohr-history hangs", NULL);
        give_up(history, too_slow, history->sent && history->sent->op == HISTORY_END);
        fail_waiting(history, too_slow, true);
}

static int on_timer(sd_event_source *source, uint64_t usec, void *user)
{
        struct history *history = user;
        (void)source, (void)usec;
        switch (history->state) {
        case HISTORY_NONE: break;
        case HISTORY_BUSY: kill_slow(history); break;
        case HISTORY_IDLE:
                history->state = HISTORY_LEAVING;
                child_hang_up(history->child);
                arm(history, ANSWER_US);
                break;
        case HISTORY_LEAVING: /* it hangs in the kernel: the event loop reaps it whenever it can be */
                forget_child(history);
                go_on(history);
                break;
        }
        return 0;
}

/* At any level: a file of the user's may ask for errors alone, and these lines are what no program of theirs can take back. */
static void log_head(const struct history *history, const struct history_reply *reply)
{
        struct log always = *history->log;
        char seq[24], link[2 * HISTORY_DIGEST + 1];
        if (!always.plain) /* a terminal keeps nothing */
                always.max = LOG_LEVEL_DEBUG;
        hex_encode(link, reply->link, sizeof reply->link);
        snprintf(seq, sizeof seq, "%llu", (unsigned long long)reply->seq);
        log_kv(&always, LOG_LEVEL_NOTICE, NULL, "history head", "id", reply->history, "seq", seq,
                "link", link, NULL);
}

static void log_reply(struct history *history, const struct history_reply *reply)
{
        if (reply->outcome == 0 && reply->detail[0])
                log_kv(history->log, LOG_LEVEL_WARNING, NULL, "history.head is not up to date",
                        "error", reply->detail, NULL);
        if (reply->history[0])
                log_head(history, reply);
}

static void on_frame(void *user, const uint8_t *data, size_t len)
{
        struct history *history = user;
        struct history_question *question = history->sent;
        if (history->state == HISTORY_LEAVING)
                return; /* too late: its question was answered without it */
        if (!question || history_reply_decode(data, len, history->reply) < 0 ||
                history->reply->id != question->id) {
                log_kv(history->log, LOG_LEVEL_ERR, NULL, "mohr-history spoke nonsense", NULL);
                child_kill(history->child);
                return;
        }
        history->sent = NULL;
        history->state = HISTORY_IDLE;
        arm(history, IDLE_US);
        log_reply(history, history->reply);
        if (deliver(history, question, history->reply))
                go_on(history);
}

/* ---- starting ---------------------------------------------------------------------------------- */

struct launch {
        char program[ENV_CHARS], keep_days[16], env[2][ENV_CHARS];
        const char *argv[8], *envp[4];
};

static void add_env(struct launch *launch, size_t at, size_t *count, const char *name)
{
        const char *value = getenv(name);
        int len = value ? snprintf(launch->env[at], ENV_CHARS, "%s=%s", name, value) : -1;
        if (len > 0 && len < ENV_CHARS)
                launch->envp[(*count)++] = launch->env[at];
}

static int fill_launch(struct launch *launch, const struct config *config)
{
        size_t argc = 0, envc = 0;
        int r = programs_path(config, "mohr-history", launch->program, sizeof launch->program);
        if (r < 0)
                return r;
        snprintf(launch->keep_days, sizeof launch->keep_days, "%u", config->history_keep_days);
        launch->argv[argc++] = launch->program;
        launch->argv[argc++] = "--dir";
        launch->argv[argc++] = config->state_dir;
        launch->argv[argc++] = "--keep-days";
        launch->argv[argc++] = launch->keep_days;
        if (config->history_station)
                launch->argv[argc++] = "--station";
        else if (config->history_values)
                launch->argv[argc++] = "--values";
        launch->envp[envc++] = "LC_ALL=C.UTF-8";
        add_env(launch, 0, &envc, "ASAN_OPTIONS");
        add_env(launch, 1, &envc, "UBSAN_OPTIONS");
        return 0;
}

static int spawn(struct history *history)
{
        static const struct child_callbacks callbacks = { on_frame, on_exited };
        _cleanup_free_ struct launch *launch = calloc(1, sizeof *launch);
        int r = launch ? fill_launch(launch, history->config) : -ENOMEM;
        if (r < 0)
                return r;
        history->reply = malloc(sizeof *history->reply);
        if (!history->reply)
                return -ENOMEM;
        r = child_spawn(&history->child, history->event, launch->argv, launch->envp,
                HISTORY_FRAME_MAX, &callbacks, history);
        if (r == 0) {
                history->state = HISTORY_IDLE;
                return 0;
        }
        free(history->reply);
        history->reply = NULL;
        return r;
}

static bool need_worker(struct history *history)
{
        if (history->state == HISTORY_IDLE)
                return true;
        if (!history->config->state_dir) {
                fail_waiting(history, no_folder, false);
                return false;
        }
        int r = spawn(history);
        if (r == 0)
                return true;
        log_kv(history->log, LOG_LEVEL_ERR, NULL, "mohr-history cannot be started", "error",
                strerror(-r), NULL);
        fail_waiting(history, no_start, false);
        return false;
}

/* If there is something to ask and somebody to ask it, it is asked. */
static void go_on(struct history *history)
{
        if (history->state == HISTORY_BUSY || history->state == HISTORY_LEAVING ||
                !history->waiting.first || !need_worker(history))
                return;
        struct history_question *question = history_queue_take(&history->waiting);
        question->tries++;
        history->sent = question;
        history->state = HISTORY_BUSY;
        arm(history, ANSWER_US);
        if (child_send(history->child, question->frame, question->len) < 0)
                give_up(history, ended_early, true);
}

void history_submit(struct history *history, struct history_question *question)
{
        history_queue_put(&history->waiting, question);
        go_on(history);
}

int history_worker_init(struct history *history)
{
        history_queue_init(&history->waiting);
        history_queue_init(&history->failed);
        int r = sd_event_add_time_relative(
                history->event, &history->timer, CLOCK_MONOTONIC, 0, 0, on_timer, history);
        if (r >= 0)
                r = sd_event_source_set_enabled(history->timer, SD_EVENT_OFF);
        if (r >= 0)
                r = sd_event_add_defer(history->event, &history->failing, on_failing, history);
        if (r >= 0)
                r = sd_event_source_set_enabled(history->failing, SD_EVENT_OFF);
        return r < 0 ? r : 0;
}

/* Nobody reads what it answers any more: its questions and the end of the channel lie in order before it. */
static void farewell(struct history *history)
{
        struct history_question *question;
        if (history->state == HISTORY_LEAVING)
                forget_child(history);
        if (history->waiting.first && history->state == HISTORY_NONE && !need_worker(history))
                return;
        if (!history->child)
                return;
        while ((question = history_queue_take(&history->waiting))) {
                if (child_send(history->child, question->frame, question->len) < 0)
                        log_kv(history->log, LOG_LEVEL_WARNING, NULL,
                                "an end is missing in the history", NULL);
                history_question_free(question);
        }
        child_hang_up(history->child);
        child_wait(history->child, FAREWELL_MS);
}

void history_worker_end(struct history *history)
{
        struct history_question *question;
        if (history->timer)
                farewell(history);
        child_free(history->child);
        free(history->reply);
        history_question_free(history->sent);
        while ((question = history_queue_take(&history->waiting)))
                history_question_free(question);
        while ((question = history_queue_take(&history->failed)))
                history_question_free(question);
        sd_event_source_disable_unref(history->timer);
        sd_event_source_disable_unref(history->failing);
        if (history->gone)
                *history->gone = true;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* test_history.c: the daemon's half of the history, with the real worker and with scripted ones: every question gets
 * one answer, from the loop, whatever becomes of the worker.
 */
#include "daemon/history_internal.h"

#include "base/outcome.h"

#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <cmocka.h>

struct fixture {
        char dir[64], library[64], build[512];
        struct config config;
        struct log log;
        sd_event *event;
        struct history *history;
        struct history_wait *wait;
        bool answered;
        int outcome;
        char detail[512];
        bool has_told;
        struct history_told told;
        json_t *grants;
        unsigned int answers;
};

static const char *const requests[] = { "00000000000000000000000000000001",
        "00000000000000000000000000000002", "00000000000000000000000000000003" };

static void on_done(void *user, int outcome, const char *detail, const struct history_told *told)
{
        struct fixture *f = user;
        f->answered = true;
        f->answers++;
        f->outcome = outcome;
        snprintf(f->detail, sizeof f->detail, "%s", detail ? detail : "");
        f->has_told = told != NULL;
        f->told = told ? *told : (struct history_told){ 0 };
}

static void on_grants(void *user, int outcome, const char *detail, json_t *grants)
{
        struct fixture *f = user;
        (void)detail;
        f->answered = true;
        f->answers++;
        f->outcome = outcome;
        json_decref(f->grants);
        f->grants = grants;
}

static int wait_answer(struct fixture *f)
{
        while (!f->answered)
                assert_true(sd_event_run(f->event, 30 * 1000000ULL) > 0);
        f->answered = false;
        f->wait = history_wait_free(f->wait);
        return f->outcome;
}

static int ask(struct fixture *f, const struct history_asked *asked)
{
        assert_int_equal(history_ask(&f->wait, f->history, asked, on_done, f), 0);
        assert_false(f->answered);
        return wait_answer(f);
}

static int end(struct fixture *f, const struct history_ended *ended)
{
        assert_int_equal(history_end(&f->wait, f->history, ended, on_done, f), 0);
        assert_false(f->answered);
        return wait_answer(f);
}

static void restart(struct fixture *f)
{
        history_free(f->history);
        assert_int_equal(history_new(&f->history, f->event, &f->config, &f->log), 0);
}

/* The program that stands in mohr-history's place. */
static void use_script(struct fixture *f, const char *script)
{
        char path[128];
        snprintf(path, sizeof path, "%s/mohr-history", f->library);
        int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0700);
        assert_true(fd >= 0);
        assert_int_equal(write(fd, script, strlen(script)), (ssize_t)strlen(script));
        close(fd);
        f->config.libexecdir = f->library;
        restart(f);
}

static int set_up(void **state)
{
        struct fixture *f = calloc(1, sizeof *f);
        if (!f)
                return -1;
        strcpy(f->dir, "/tmp/mohr-history-XXXXXX");
        strcpy(f->library, "/tmp/mohr-library-XXXXXX");
        ssize_t len = readlink("/proc/self/exe", f->build, sizeof f->build - 1);
        if (!mkdtemp(f->dir) || !mkdtemp(f->library) || len <= 0)
                return -1;
        *strrchr(f->build, '/') = '\0';
        *strrchr(f->build, '/') = '\0';
        f->config = (struct config){ .libexecdir = f->build, .state_dir = f->dir };
        f->log = (struct log){
                .program = "test", .max = LOG_LEVEL_DEBUG, .fd = memfd_create("log", MFD_CLOEXEC)
        };
        *state = f;
        if (sd_event_new(&f->event) < 0)
                return -1;
        return history_new(&f->history, f->event, &f->config, &f->log);
}

static int tear_down(void **state)
{
        struct fixture *f = *state;
        char command[256];
        history_free(f->history);
        history_wait_free(f->wait);
        sd_event_unref(f->event);
        json_decref(f->grants);
        close(f->log.fd);
        snprintf(command, sizeof command, "rm -rf %s %s", f->dir, f->library);
        int r = system(command);
        free(f);
        return r;
}

static struct history_asked an_asked(const char *request)
{
        return (struct history_asked){ .request = request,
                .method = "Assert",
                .uid = 1000,
                .pid = 4711,
                .app = "flatpak:org.example.App",
                .program = "/usr/bin/example",
                .audience = "https://office.example",
                .purpose = "a loan",
                .required = CLAIM_CARD_EXPIRY,
                .optional = CLAIM_READER };
}

static struct history_ended an_end(const char *request)
{
        return (struct history_ended){ .request = request,
                .outcome = "Ok",
                .assertion = "e30.e30.AA",
                .released = CLAIM_CARD_EXPIRY,
                .declined = CLAIM_READER,
                .tries_left = 3 };
}

static struct history_ended a_failure(const char *request, const char *outcome)
{
        return (struct history_ended){ .request = request, .outcome = outcome, .tries_left = -1 };
}

/* What sqlite3(1), which knows nothing of us, reads from the file. */
static void read_sql(struct fixture *f, const char *sql, char said[static 4096])
{
        char command[1024];
        snprintf(command, sizeof command, "sqlite3 -cmd '.timeout 30000' %s/history.db \"%s\"",
                f->dir, sql);
        FILE *pipe = popen(command, "r");
        assert_non_null(pipe);
        size_t len = fread(said, 1, 4095, pipe);
        assert_int_equal(pclose(pipe), 0);
        while (len > 0 && said[len - 1] == '\n')
                len--;
        said[len] = '\0';
}

static void expect_sql(struct fixture *f, const char *sql, const char *wanted)
{
        char said[4096];
        read_sql(f, sql, said);
        assert_string_equal(said, wanted);
}

static bool log_says(struct fixture *f, const char *text)
{
        char said[16384] = "";
        ssize_t len = pread(f->log.fd, said, sizeof said - 1, 0);
        return len > 0 && strstr(said, text) != NULL;
}

static void a_request_leaves_its_rows(void **state)
{
        struct fixture *f = *state;
        const struct history_asked asked = an_asked(requests[0]);
        const struct history_ended ended = an_end(requests[0]);
        assert_int_equal(ask(f, &asked), 0);
        assert_true(f->has_told);
        assert_false(f->told.granted);
        assert_int_equal(end(f, &ended), 0);
        f->history = history_free(f->history);
        expect_sql(
                f, "SELECT group_concat(body ->> 'event', ' ') FROM entry", "created asked ended");
        expect_sql(f, "SELECT body ->> 'assertion' FROM entry WHERE seq = 3",
                "4357466b02e9ee7980d03934e529bb5fa13485bae584cd2b0e2434eaf72dd161");
        assert_true(log_says(f, "history head"));
}

static void ends_are_written_though_nobody_waits(void **state)
{
        struct fixture *f = *state;
        for (size_t i = 0; i < 3; i++) {
                const struct history_asked asked = an_asked(requests[i]);
                const struct history_ended ended = a_failure(requests[i], "TimedOut");
                assert_int_equal(history_ask(&f->wait, f->history, &asked, on_done, f), 0);
                f->wait = history_wait_free(f->wait);
                history_note_end(f->history, &ended);
        }
        f->history = history_free(f->history);
        assert_int_equal(f->answers, 0);
        expect_sql(f, "SELECT group_concat(body ->> 'event', ' ') FROM entry",
                "created asked ended asked ended asked ended");
        expect_sql(f, "SELECT count(*) FROM entry WHERE body ->> 'tries_left' IS NOT NULL", "0");
}

static void an_end_is_written_once(void **state)
{
        struct fixture *f = *state;
        const struct history_asked asked = an_asked(requests[0]);
        const struct history_ended ended = an_end(requests[0]),
                                   other = a_failure(requests[0], "Busy"),
                                   strange = a_failure(requests[1], "Busy");
        assert_int_equal(ask(f, &asked), 0);
        assert_int_equal(end(f, &ended), 0);
        assert_int_equal(end(f, &other), OUTCOME_CANNOT_RECORD);
        assert_false(f->has_told);
        assert_int_equal(end(f, &strange), OUTCOME_CANNOT_RECORD);
        expect_sql(f, "SELECT count(*) FROM entry", "3");
}

static void an_assertion_has_its_digest_and_nothing_else_has(void **state)
{
        struct fixture *f = *state;
        struct history_asked asked = an_asked(requests[0]), change = an_asked(requests[1]);
        struct history_ended ended = an_end(requests[0]), changed = a_failure(requests[1], "Ok");
        ended.assertion = NULL;
        change.method = "ChangePin";
        assert_int_equal(ask(f, &asked), 0);
        assert_int_equal(end(f, &ended), OUTCOME_CANNOT_RECORD);
        assert_int_equal(ask(f, &change), 0);
        assert_int_equal(end(f, &changed), 0);
}

static void values_are_kept_only_where_the_person_chose_so(void **state)
{
        static const struct {
                bool values, station;
                const char *kept;
        } rows[] = { { false, false, "0" }, { true, false, "1" }, { true, true, "1" } };
        struct fixture *f = *state;
        json_t *values =
                json_pack("{s:s}", "family_name", "\xd8\xb1\xd8\xb6\xd8\xa7\xdb\x8c\xdb\x8c");
        for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
                const struct history_asked asked = an_asked(requests[i]);
                struct history_ended ended = an_end(requests[i]);
                ended.values = values;
                f->config.history_values = rows[i].values;
                f->config.history_station = rows[i].station;
                restart(f);
                assert_int_equal(ask(f, &asked), 0);
                assert_int_equal(end(f, &ended), 0);
                expect_sql(f, "SELECT count(*) FROM entry WHERE body -> 'values' IS NOT NULL",
                        rows[i].kept);
        }
        json_decref(values);
}

static void a_permission_is_given_listed_used_and_taken_back(void **state)
{
        struct fixture *f = *state;
        struct history_asked first = an_asked(requests[0]), second = an_asked(requests[1]);
        struct history_ended ended = an_end(requests[0]);
        ended.remember = true;
        second.use_grant = true;
        assert_int_equal(ask(f, &first), 0);
        assert_int_equal(end(f, &ended), 0);
        assert_int_equal(history_list_grants(&f->wait, f->history, on_grants, f), 0);
        assert_int_equal(wait_answer(f), 0);
        const json_t *grants = json_object_get(f->grants, "grants");
        assert_int_equal(json_array_size(grants), 1);
        assert_string_equal(json_string_value(json_object_get(json_array_get(grants, 0), "grant")),
                requests[0]);
        assert_int_equal(ask(f, &second), 0);
        assert_true(f->told.granted);
        assert_string_equal(f->told.grant, requests[0]);
        assert_int_equal(f->told.released, CLAIM_CARD_EXPIRY);
        assert_int_equal(history_revoke(&f->wait, f->history, requests[0], on_done, f), 0);
        assert_int_equal(wait_answer(f), 0);
        assert_int_equal(history_revoke(&f->wait, f->history, requests[0], on_done, f), 0);
        assert_int_equal(wait_answer(f), OUTCOME_USAGE);
        assert_int_equal(history_revoke(&f->wait, f->history, "no name", on_done, f), 0);
        assert_int_equal(wait_answer(f), OUTCOME_CANNOT_RECORD);
}

static void a_refusal_says_when_to_come_again(void **state)
{
        struct fixture *f = *state;
        struct history_asked asked = an_asked(requests[0]);
        asked.app_per_hour = 1;
        assert_int_equal(ask(f, &asked), 0);
        asked.request = requests[1];
        assert_int_equal(ask(f, &asked), OUTCOME_POLICY);
        assert_true(f->has_told);
        assert_in_range(f->told.wait_s, 3500, 3601);
        assert_string_equal(f->detail, "asked too often: try again later");
}

/* ---- what cannot be ------------------------------------------------------------------------------ */

static void what_no_frame_can_say_is_not_recorded(void **state)
{
        struct fixture *f = *state;
        struct history_asked asked = an_asked(requests[0]);
        char longer[3000];
        memset(longer, 'a', sizeof longer);
        longer[sizeof longer - 1] = '\0';
        asked.audience = longer;
        assert_int_equal(ask(f, &asked), OUTCOME_CANNOT_RECORD);
        asked.audience = "\xff";
        assert_int_equal(ask(f, &asked), OUTCOME_CANNOT_RECORD);
        asked = an_asked("17");
        assert_int_equal(ask(f, &asked), OUTCOME_CANNOT_RECORD);
        assert_true(f->detail[0]);
}

static void without_a_folder_or_a_worker_nothing_is_recorded(void **state)
{
        struct fixture *f = *state;
        const struct history_asked asked = an_asked(requests[0]);
        f->config.state_dir = NULL;
        assert_int_equal(ask(f, &asked), OUTCOME_CANNOT_RECORD);
        assert_non_null(strstr(f->detail, "[state] dir"));
        f->config.state_dir = f->dir;
        f->config.libexecdir = f->dir; /* there is no such program */
        assert_int_equal(ask(f, &asked), OUTCOME_CANNOT_RECORD);
        assert_int_equal(history_list_grants(&f->wait, f->history, on_grants, f), 0);
        assert_int_equal(wait_answer(f), OUTCOME_CANNOT_RECORD);
        assert_null(f->grants);
        f->config.libexecdir = f->build;
        assert_int_equal(ask(f, &asked), 0);
}

static void a_worker_that_fails_answers_for_itself_alone(void **state)
{
        static const char *const scripts[] = {
                "#!/bin/false\n",
                "#!/bin/sh\nexit 3\n",
                "#!/usr/bin/python3 -S\nimport socket\ns = "
                "socket.socket(fileno=3)\ns.recv(65536)\ns.send(b'nonsense')\ns.recv(9)\n",
                "#!/usr/bin/python3 -S\nimport socket\ns = "
                "socket.socket(fileno=3)\ns.recv(65536)\ns.send(b'x' * 40000)\ns.recv(9)\n",
                "#!/usr/bin/python3 -S\nimport socket\ns = "
                "socket.socket(fileno=3)\ns.recv(65536)\n" /* another's answer */
                "s.send(b'\\1\\0\\0\\0\\x63' + bytes(1 + 8 + 1 + 4 + 8 + 32))\ns.recv(9)\n",
        };
        struct fixture *f = *state;
        const struct history_asked asked = an_asked(requests[0]);
        for (size_t i = 0; i < ARRAY_LEN(scripts); i++) {
                use_script(f, scripts[i]);
                assert_int_equal(ask(f, &asked), OUTCOME_CANNOT_RECORD);
                assert_true(f->detail[0]);
        }
        f->config.libexecdir = f->build;
        assert_int_equal(ask(f, &asked), 0);
}

static void end_of_time(sd_event_source *timer)
{
        assert_true(sd_event_source_set_time_relative(timer, 0) >= 0);
}

static void end_timer_now(struct fixture *f)
{
        end_of_time(f->history->timer);
}

static void a_worker_that_hangs_is_killed(void **state)
{
        struct fixture *f = *state;
        struct history_wait *second = NULL;
        const struct history_asked asked = an_asked(requests[0]);
        use_script(f, "#!/bin/sh\nexec /bin/sleep 1000\n");
        assert_int_equal(history_ask(&f->wait, f->history, &asked, on_done, f), 0);
        assert_int_equal(history_ask(&second, f->history, &asked, on_done, f), 0);
        pid_t pid = child_pid(f->history->child);
        end_timer_now(f);
        while (f->answers < 2)
                assert_true(sd_event_run(f->event, 30 * 1000000ULL) > 0);
        history_wait_free(second);
        assert_int_equal(wait_answer(f), OUTCOME_CANNOT_RECORD);
        while (f->history->child)
                assert_true(sd_event_run(f->event, 30 * 1000000ULL) > 0);
        assert_int_equal(kill(pid, 0), -1);
        f->config.libexecdir = f->build;
        assert_int_equal(ask(f, &asked), 0);
}

static bool is_hung_up(const struct fixture *f)
{
        return f->history->state == HISTORY_BUSY && f->history->sent->tries == 1;
}

/* What was signed costs its row no second PIN because another question, or the first go at its own, met a bad moment. */
static void an_end_is_asked_for_once_more_when_a_worker_hangs(void **state)
{
        struct fixture *f = *state;
        struct history_wait *third = NULL;
        const struct history_asked asked[] = { an_asked(requests[0]), an_asked(requests[1]),
                an_asked(requests[2]) };
        const struct history_ended ended = an_end(requests[0]),
                                   noted = a_failure(requests[1], "TimedOut");
        for (unsigned int sent_first = 0; sent_first < 2; sent_first++) {
                unsigned int answers = f->answers + 2 - sent_first;
                assert_int_equal(sent_first ? 0 : ask(f, &asked[0]), 0);
                assert_int_equal(sent_first ? 0 : ask(f, &asked[1]), 0);
                answers += sent_first ? 0 : 2;
                use_script(f, "#!/bin/sh\nexec /bin/sleep 1000\n");
                if (!sent_first)
                        assert_int_equal(history_ask(&third, f->history, &asked[2], on_done, f), 0);
                assert_int_equal(history_end(&f->wait, f->history, &ended, on_done, f), 0);
                history_note_end(f->history, &noted);
                assert_true(is_hung_up(f));
                f->config.libexecdir = f->build;
                end_timer_now(f);
                while (f->answers < answers || f->history->state != HISTORY_IDLE)
                        assert_true(sd_event_run(f->event, 30 * 1000000ULL) > 0);
                assert_int_equal(wait_answer(f), 0);
                third = history_wait_free(third);
                assert_false(log_says(f, "an end is missing"));
        }
        expect_sql(f,
                "SELECT group_concat((body ->> 'event') || ((body ->> 'request') % 10), ' ') FROM "
                "entry WHERE seq > 1",
                "asked1 asked2 ended1 ended2");
}

static void a_worker_that_nobody_needs_is_let_go(void **state)
{
        struct fixture *f = *state;
        const struct history_asked asked = an_asked(requests[0]), next = an_asked(requests[1]);
        int enabled = 1;
        assert_int_equal(ask(f, &asked), 0);
        assert_non_null(f->history->child);
        end_timer_now(f);
        while (f->history->state != HISTORY_LEAVING)
                assert_true(sd_event_run(f->event, 30 * 1000000ULL) > 0);
        assert_int_equal(ask(f, &next), 0); /* by the next one */
        end_timer_now(f);
        while (f->history->child)
                assert_true(sd_event_run(f->event, 30 * 1000000ULL) > 0);
        assert_true(sd_event_source_get_enabled(f->history->timer, &enabled) >= 0);
        assert_int_equal(enabled, SD_EVENT_OFF);
        expect_sql(f, "SELECT count(*) FROM entry", "3");
        assert_false(log_says(f, "signal="));
}

static void of_a_flood_of_refusals_some_are_told(void **state)
{
        struct fixture *f = *state;
        const struct history_asked first = an_asked(requests[0]), next = an_asked(requests[1]);
        size_t waiting = 0;
        assert_int_equal(ask(f, &first), 0);
        assert_int_equal(kill(child_pid(f->history->child), SIGSTOP), 0);
        for (int i = 0; i < 1000; i++)
                history_note_refusal(f->history, &next, "rule");
        for (struct history_question *q = f->history->waiting.first; q; q = q->next)
                waiting++;
        assert_in_range(waiting, 1, 20);
        assert_int_equal(kill(child_pid(f->history->child), SIGCONT), 0);
        assert_int_equal(ask(f, &next), 0);
        expect_sql(f, "SELECT group_concat(body ->> 'event', ' ') FROM entry",
                "created asked refused asked");
        expect_sql(f, "SELECT body ->> 'why' FROM entry WHERE seq = 3", "rule");
}

/* One that was told to go and hangs instead is in nobody's way for longer than an answer may take. */
static void a_worker_that_does_not_go_is_not_waited_for(void **state)
{
        struct fixture *f = *state;
        const struct history_asked asked = an_asked(requests[0]), next = an_asked(requests[1]);
        assert_int_equal(ask(f, &asked), 0);
        assert_int_equal(kill(child_pid(f->history->child), SIGSTOP), 0);
        end_timer_now(f);
        while (f->history->state != HISTORY_LEAVING)
                assert_true(sd_event_run(f->event, 30 * 1000000ULL) > 0);
        assert_int_equal(history_ask(&f->wait, f->history, &next, on_done, f), 0);
        assert_null(f->history->sent);
        end_timer_now(f);
        assert_int_equal(wait_answer(f), 0);
        expect_sql(f, "SELECT count(*) FROM entry", "3");
}

/* Whichever of its questions it dies at: the next one is asked again and answers, and nothing is there twice. */
static void a_worker_killed_at_any_moment_loses_nothing(void **state)
{
        struct fixture *f = *state;
        char sql[128];
        for (unsigned int i = 0; i < 24; i++) {
                char request[33];
                snprintf(request, sizeof request, "%032x", 256 + i);
                const struct history_asked asked = an_asked(request);
                const struct history_ended ended = a_failure(request, "TimedOut");
                assert_int_equal(history_ask(&f->wait, f->history, &asked, on_done, f), 0);
                if (i % 3 != 0) {
                        usleep(i * 300);
                        child_kill(f->history->child);
                }
                assert_int_equal(wait_answer(f), 0);
                snprintf(sql, sizeof sql,
                        "SELECT count(*) FROM entry WHERE body ->> 'request' = '%s'", request);
                expect_sql(f, sql, "1");
                history_note_end(f->history, &ended);
                if (i % 2 != 0 && f->history->child)
                        child_kill(f->history->child);
        }
        const struct history_asked last = an_asked(requests[0]);
        while (ask(f, &last) != 0)
                assert_null(f->history->sent); /* the one that it was killed at; then no more */
        f->history = history_free(f->history);
        expect_sql(f,
                "SELECT count(DISTINCT body ->> 'request') - count(*) FROM entry WHERE body ->> "
                "'event' = 'ended'",
                "0");
        expect_sql(f, "PRAGMA integrity_check", "ok");
}

/* It answers, and is gone before the next question can be sent: that one has met no worker yet. */
static void a_worker_that_ends_behind_its_answer_costs_nobody_one(void **state)
{
        struct fixture *f = *state;
        struct history_wait *row = NULL, *list = NULL;
        const struct history_asked first = an_asked(requests[0]), second = an_asked(requests[1]);
        for (unsigned int i = 0; i < 2; i++) {
                assert_int_equal(history_ask(&f->wait, f->history, &first, on_done, f), 0);
                if (i == 0)
                        assert_int_equal(history_ask(&row, f->history, &second, on_done, f), 0);
                else
                        assert_int_equal(history_list_grants(&list, f->history, on_grants, f), 0);
                child_hang_up(f->history->child);
                child_wait(f->history->child, 30000);
                assert_int_equal(wait_answer(f), 0);
                if (f->answers % 2 != 0)
                        assert_int_equal(wait_answer(f), 0);
        }
        assert_non_null(f->grants);
        expect_sql(f, "SELECT count(*) FROM entry WHERE body ->> 'event' = 'asked'", "2");
        history_wait_free(row);
        history_wait_free(list);
}

static uint64_t due(struct fixture *f)
{
        uint64_t usec = 0;
        assert_return_code(sd_event_source_get_time(f->history->tidying, &usec), 0);
        return usec;
}

/* What else the loop has to do, a child of before to reap, may come first. */
static void run_until_idle(struct fixture *f)
{
        end_of_time(f->history->tidying);
        uint64_t now = due(f);
        while (due(f) == now || f->history->state == HISTORY_BUSY)
                assert_true(sd_event_run(f->event, 30 * 1000000ULL) > 0);
}

static void what_is_old_goes_though_nobody_asks(void **state)
{
        static const char pruned[] = "SELECT count(*) FROM entry WHERE body IS NULL";
        struct fixture *f = *state;
        for (size_t i = 0; i < 2; i++) {
                const struct history_asked asked = an_asked(requests[i]);
                const struct history_ended ended = an_end(requests[i]);
                assert_int_equal(ask(f, &asked), 0);
                assert_int_equal(end(f, &ended), 0);
        }
        restart(f);
        expect_sql(f, "UPDATE entry SET body = json_set(body, '$.at', 1) WHERE seq <= 3", "");
        assert_null(f->history->tidying); /* nothing is to be taken out: nobody wakes */
        expect_sql(f, pruned, "0");
        f->config.history_keep_days = 30;
        restart(f);
        run_until_idle(f);
        assert_non_null(f->history->child);
        char said[4096] = "";
        while (strcmp(said, "2") != 0) /* behind its answer */
                read_sql(f, pruned, said);
}

static void without_a_history_none_begins_by_itself(void **state)
{
        struct fixture *f = *state;
        f->config.history_keep_days = 30;
        restart(f);
        run_until_idle(f);
        assert_null(f->history->child);
}

static void free_inside(
        void *user, int outcome, const char *detail, const struct history_told *told)
{
        struct fixture *f = user;
        on_done(user, outcome, detail, told);
        f->history = history_free(f->history);
}

static void it_may_be_freed_by_whoever_is_told(void **state)
{
        struct fixture *f = *state;
        const struct history_asked asked = an_asked(requests[0]), bad = an_asked("17");
        assert_int_equal(history_ask(&f->wait, f->history, &asked, free_inside, f), 0);
        assert_int_equal(wait_answer(f), 0);
        assert_int_equal(history_new(&f->history, f->event, &f->config, &f->log), 0);
        assert_int_equal(history_ask(&f->wait, f->history, &bad, free_inside, f), 0);
        assert_int_equal(wait_answer(f), OUTCOME_CANNOT_RECORD);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
        const struct CMUnitTest tests[] = {
                CASE(a_request_leaves_its_rows),
                CASE(ends_are_written_though_nobody_waits),
                CASE(an_end_is_written_once),
                CASE(an_assertion_has_its_digest_and_nothing_else_has),
                CASE(values_are_kept_only_where_the_person_chose_so),
                CASE(a_permission_is_given_listed_used_and_taken_back),
                CASE(a_refusal_says_when_to_come_again),
                CASE(what_no_frame_can_say_is_not_recorded),
                CASE(without_a_folder_or_a_worker_nothing_is_recorded),
                CASE(a_worker_that_fails_answers_for_itself_alone),
                CASE(a_worker_that_hangs_is_killed),
                CASE(an_end_is_asked_for_once_more_when_a_worker_hangs),
                CASE(a_worker_that_nobody_needs_is_let_go),
                CASE(of_a_flood_of_refusals_some_are_told),
                CASE(a_worker_that_does_not_go_is_not_waited_for),
                CASE(a_worker_killed_at_any_moment_loses_nothing),
                CASE(a_worker_that_ends_behind_its_answer_costs_nobody_one),
                CASE(what_is_old_goes_though_nobody_asks),
                CASE(without_a_history_none_begins_by_itself),
                CASE(it_may_be_freed_by_whoever_is_told),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}

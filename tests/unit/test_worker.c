/* SPDX-License-Identifier: Apache-2.0 */
/* test_worker.c: what comes of a worker, with scripted ones: one answer, once, after the process is gone, and only words that are
 * known.
 */
#include "daemon/worker.h"

#include "base/outcome.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/stat.h>
#include <cmocka.h>

struct bench {
        char folder[64], program[128];
        struct config config;
        sd_event *event;
        struct worker *worker;
        unsigned int calls;
        int outcome;
        json_t *answer;
        const char *why, *detail;
};

static void on_done(
        void *user, int outcome, const json_t *answer, const char *why, const char *detail)
{
        struct bench *bench = user;
        bench->calls++;
        bench->outcome = outcome;
        bench->answer = json_deep_copy(answer);
        bench->why = why;
        bench->detail = detail;
        bench->worker = worker_free(bench->worker);
        sd_event_exit(bench->event, 0);
}

static int set_up(void **state)
{
        struct bench *bench = calloc(1, sizeof *bench);
        snprintf(bench->folder, sizeof bench->folder, "/tmp/mohr-worker-XXXXXX");
        assert_non_null(mkdtemp(bench->folder));
        snprintf(bench->program, sizeof bench->program, "%s/mohr-document", bench->folder);
        bench->config.libexecdir = bench->folder;
        *state = bench;
        return 0;
}

static int tear_down(void **state)
{
        struct bench *bench = *state;
        unlink(bench->program);
        assert_return_code(rmdir(bench->folder), errno);
        free(bench);
        return 0;
}

/* Python with the channel as `s`, the question as `q` and both files open. */
static void script(const struct bench *bench, const char *body)
{
        FILE *file = fopen(bench->program, "w");
        assert_non_null(file);
        fprintf(file,
                "#!/usr/bin/python3 -IS\nimport os,socket,sys,time\ns=socket.socket(fileno=3)\n"
                "q=s.recv(300000)\n%s\n",
                body);
        assert_return_code(fchmod(fileno(file), 0700), errno);
        fclose(file);
}

static int start(struct bench *bench, uint64_t limit_us, int from, int to)
{
        const struct worker_task task = {
                .program = "mohr-document",
                .work = "inspect",
                .question = json_pack("{s:b}", "copy", 1),
                .files = { from, to },
                .limit_us = limit_us,
        };
        return worker_start(&bench->worker, bench->event, &bench->config, &task, on_done, bench);
}

static void run_with(struct bench *bench, uint64_t limit_us, int from, int to)
{
        json_decref(bench->answer);
        bench->answer = NULL;
        bench->calls = 0;
        assert_return_code(sd_event_new(&bench->event), 0);
        assert_int_equal(start(bench, limit_us, from, to), 0);
        assert_int_equal(bench->calls, 0);
        assert_return_code(sd_event_loop(bench->event), 0);
        assert_int_equal(bench->calls, 1);
        assert_null(bench->worker);
        bench->event = sd_event_unref(bench->event);
}

static void run(struct bench *bench, const char *body)
{
        script(bench, body);
        run_with(bench, 20000000, -1, -1);
}

static void an_answer_is_handed_out(void **state)
{
        struct bench *bench = *state;
        run(bench, "s.send(b'{\"ok\":true,\"size\":%d}' % (q==b'{\"copy\":true}'))");
        assert_int_equal(bench->outcome, 0);
        assert_int_equal(json_integer_value(json_object_get(bench->answer, "size")), 1);
        json_decref(bench->answer);
}

static void only_the_first_counts(void **state)
{
        struct bench *bench = *state;
        run(bench, "s.send(b'{\"ok\":true,\"n\":1}');s.send(b'{\"ok\":true,\"n\":2}')");
        assert_int_equal(json_integer_value(json_object_get(bench->answer, "n")), 1);
        json_decref(bench->answer);
}

static void a_known_word_is_told_with_our_sentence(void **state)
{
        struct bench *bench = *state;
        run(bench, "s.send(b'{\"ok\":false,\"why\":\"changed\",\"detail\":\"Type your PIN\"}')");
        assert_int_equal(bench->outcome, OUTCOME_DOCUMENT);
        assert_string_equal(bench->why, "changed");
        assert_string_equal(bench->detail, worker_refusal("changed"));
}

static void what_is_no_answer_is_told_as_that(void **state)
{
        static const char *const rows[] = {
                "pass",
                "os._exit(7)",
                "os.kill(os.getpid(),9)",
                "s.send(b'not JSON')",
                "s.send(b'[]')",
                "s.send(b'{}')",
                "s.send(b'{\"ok\":1}')",
                "s.send(b'{\"ok\":\"true\"}')",
                "s.send(b'{\"ok\":true,\"ok\":true}')",
                "s.send(b'{\"ok\":false}')",
                "s.send(b'{\"ok\":false,\"why\":\"because\"}')",
                "s.send(b'{\"ok\":false,\"why\":7}')",
                "s.close()",
        };
        for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
                struct bench *bench = *state;
                run(bench, rows[i]);
                assert_int_equal(bench->outcome, OUTCOME_INTERNAL);
                assert_null(bench->why);
                assert_null(bench->answer);
                assert_non_null(bench->detail);
        }
}

static void one_that_never_ends_is_ended(void **state)
{
        struct bench *bench = *state;
        script(bench, "s.send(b'{\"ok\":true}');time.sleep(100)");
        run_with(bench, 300000, -1, -1);
        assert_int_equal(bench->outcome, OUTCOME_TIMED_OUT);
        json_decref(bench->answer);
}

static void it_has_both_files(void **state)
{
        struct bench *bench = *state;
        int pair[2];
        char heard[8] = "";
        assert_return_code(pipe2(pair, O_CLOEXEC), errno);
        script(bench, "os.write(5,b'%d' % os.fstat(4).st_size);s.send(b'{\"ok\":true}')");
        int from = open(bench->program, O_RDONLY | O_CLOEXEC);
        struct stat st;
        assert_return_code(fstat(from, &st), errno);
        run_with(bench, 20000000, from, pair[1]);
        close(pair[1]);
        assert_true(read(pair[0], heard, sizeof heard - 1) > 0);
        assert_int_equal(atoi(heard), st.st_size);
        close(pair[0]);
        close(from);
        json_decref(bench->answer);
}

static void one_that_is_given_up_says_nothing_more(void **state)
{
        struct bench *bench = *state;
        script(bench, "s.send(b'{\"ok\":true}')");
        assert_return_code(sd_event_new(&bench->event), 0);
        assert_int_equal(start(bench, 20000000, -1, -1), 0);
        bench->worker = worker_free(bench->worker);
        while (sd_event_run(bench->event, 0) > 0)
                ;
        assert_int_equal(bench->calls, 0);
        assert_null(worker_free(NULL));
        sd_event_unref(bench->event);
}

static void one_that_is_not_there_cannot_be_started(void **state)
{
        struct bench *bench = *state;
        assert_return_code(sd_event_new(&bench->event), 0);
        assert_int_equal(start(bench, 20000000, -1, -1), -ENOENT);
        assert_null(bench->worker);
        sd_event_unref(bench->event);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
        const struct CMUnitTest tests[] = {
                TEST(an_answer_is_handed_out),
                TEST(only_the_first_counts),
                TEST(a_known_word_is_told_with_our_sentence),
                TEST(what_is_no_answer_is_told_as_that),
                TEST(one_that_never_ends_is_ended),
                TEST(it_has_both_files),
                TEST(one_that_is_given_up_says_nothing_more),
                TEST(one_that_is_not_there_cannot_be_started),
        };
        alarm(360);
        return cmocka_run_group_tests_name("worker", tests, NULL, NULL);
}

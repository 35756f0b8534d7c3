/* SPDX-License-Identifier: Apache-2.0 */
/* test_child.c: what a child gets, what it cannot keep, and that nobody outlives anybody.
 *
 * The children are /bin/sh with their channel on descriptor 3; python3 where a shell cannot speak
 * SEQPACKET. */
#include "daemon/child.h"

#include "base/clock.h"
#include "base/secret.h"

#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <time.h>
#include <cmocka.h>

struct seen {
        sd_event *event;
        struct child *child;
        char text[4096];
        size_t frames;
        int exits, status;
        bool free_on_frame, slow;
        struct secret *secret;
};

static void on_frame(void *user, const uint8_t *data, size_t len)
{
        struct seen *seen = user;
        assert_true(len < sizeof seen->text);
        memcpy(seen->text, data, len);
        seen->text[len] = '\0';
        seen->frames++;
        assert_int_equal(seen->exits, 0);
        if (seen->slow)
                usleep(1000);
        if (seen->free_on_frame) {
                seen->child = child_free(seen->child);
                sd_event_exit(seen->event, 0);
        }
}

static void on_exited(void *user, int status)
{
        struct seen *seen = user;
        seen->exits++;
        seen->status = status;
        sd_event_exit(seen->event, 0);
}

static const struct child_callbacks callbacks = { on_frame, on_exited };
static const char *const env[] = { "PATH=/usr/bin:/bin", "ONLY=this", NULL };

static void start(struct seen *seen, const char *program, const char *script)
{
        const char *const argv[] = { program, "-c", script, NULL };
        assert_return_code(sd_event_new(&seen->event), 0);
        assert_int_equal(
                child_spawn(&seen->child, seen->event, argv, env, 2048, &callbacks, seen), 0);
        if (seen->secret)
                assert_int_equal(child_use_secret(seen->child, seen->secret), 0);
}

static void finish(struct seen *seen)
{
        seen->child = child_free(seen->child);
        sd_event_unref(seen->event);
}

static void run(struct seen *seen, const char *program, const char *script)
{
        start(seen, program, script);
        assert_return_code(sd_event_loop(seen->event), 0);
}

static void the_end_comes_once_with_the_status(void **state)
{
        (void)state;
        struct seen seen = { 0 };
        run(&seen, "/bin/sh", "exit 7");
        assert_int_equal(seen.exits, 1);
        assert_true(WIFEXITED(seen.status));
        assert_int_equal(WEXITSTATUS(seen.status), 7);
        finish(&seen);
}

static void a_killed_child_is_told_apart(void **state)
{
        (void)state;
        struct seen seen = { 0 };
        run(&seen, "/bin/sh", "kill -9 $$");
        assert_true(WIFSIGNALED(seen.status));
        assert_int_equal(WTERMSIG(seen.status), SIGKILL);
        finish(&seen);
}

static void what_does_not_exist_cannot_be_started(void **state)
{
        (void)state;
        struct child *child = NULL;
        sd_event *event = NULL;
        const char *const argv[] = { "/nonexistent/program", NULL };
        struct seen seen = { 0 };
        assert_return_code(sd_event_new(&event), 0);
        assert_int_equal(child_spawn(&child, event, argv, env, 64, &callbacks, &seen), -ENOENT);
        assert_null(child);
        sd_event_unref(event);
}

#define SEND "import os,socket;s=socket.socket(fileno=3);"

static void it_gets_four_descriptors_and_the_environment_given(void **state)
{
        (void)state;
        struct seen seen = { 0 };
        int extra = fcntl(1, F_DUPFD, 20); /* without CLOEXEC on purpose */
        assert_true(extra > 3);
        run(&seen, "/usr/bin/python3",
                SEND "fds=[f for f in range(64) if os.path.exists(f'/proc/self/fd/{f}')];"
                     "s.send(repr((fds,os.environ.get('ONLY'),os.environ.get('HOME'),os.getsid(0)=="
                     "os.getpid(),"
                     "os.readlink('/proc/self/fd/0'))).encode())");
        close(extra);
        assert_string_equal(seen.text, "([0, 1, 2, 3], 'this', None, True, '/dev/null')");
        assert_int_equal(seen.exits, 1);
        finish(&seen);
}

/* Copies, and each where it is looked for, also without the other. */
static void files_are_handed_over_in_their_places(void **state)
{
        (void)state;
        const char *const argv[] = { "/usr/bin/python3", "-c",
                SEND "s.send(repr([os.path.exists(f'/proc/self/fd/{f}') and os.readlink("
                     "f'/proc/self/fd/{f}') for f in range(4,9)]).encode())",
                NULL };
        const char *const rows[][2] = {
                { "two", "['/dev/full', '/dev/zero', False, False, False]" },
                { NULL, "['/dev/full', False, False, False, False]" },
        };
        for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
                struct seen seen = { 0 };
                int files[CHILD_FILES] = { open("/dev/full", O_RDONLY | O_CLOEXEC), -1 };
                if (rows[i][0])
                        files[1] = open("/dev/zero", O_RDONLY | O_CLOEXEC);
                assert_return_code(sd_event_new(&seen.event), 0);
                assert_int_equal(child_spawn_with(&seen.child, seen.event, argv, env, files, 2048,
                                         &callbacks, &seen),
                        0);
                assert_return_code(sd_event_loop(seen.event), 0);
                assert_string_equal(seen.text, rows[i][1]);
                assert_return_code(close(files[0]), errno);
                assert_true(files[1] < 0 || close(files[1]) == 0);
                finish(&seen);
        }
}

static void frames_sent_before_the_end_are_all_heard(void **state)
{
        (void)state;
        struct seen seen = { 0 };
        run(&seen, "/usr/bin/python3", SEND "[s.send(b'x%d'%i) for i in range(20)]");
        assert_int_equal(seen.frames, 20);
        assert_string_equal(seen.text, "x19");
        finish(&seen);
}

static int on_turn(sd_event_source *source, uint64_t usec, void *user)
{
        (void)source, (void)usec;
        *(bool *)user = true;
        return 0;
}

/* What speaks without end may be what a card has taken over. */
static void a_flood_of_frames_leaves_others_their_turn(void **state)
{
        (void)state;
        struct seen seen = { .slow = true };
        bool turn = false;
        start(&seen, "/usr/bin/python3", SEND "[s.send(b'x') for i in iter(int,1)]");
        while (seen.frames < 20)
                assert_return_code(sd_event_run(seen.event, 30000000), 0);
        assert_return_code(sd_event_add_time_relative(
                                   seen.event, NULL, CLOCK_MONOTONIC, 100000, 1, on_turn, &turn),
                0);
        while (!turn && seen.frames < 3000)
                assert_return_code(sd_event_run(seen.event, 30000000), 0);
        assert_true(turn);
        finish(&seen);
}

static void a_frame_goes_both_ways(void **state)
{
        (void)state;
        struct seen seen = { 0 };
        start(&seen, "/usr/bin/python3", SEND "s.send(s.recv(100)[::-1])");
        assert_int_equal(child_send(seen.child, "abc", 3), 0);
        assert_return_code(sd_event_loop(seen.event), 0);
        assert_string_equal(seen.text, "cba");
        finish(&seen);
}

static void a_frame_too_long_is_the_end(void **state)
{
        (void)state;
        struct seen seen = { 0 };
        run(&seen, "/usr/bin/python3", SEND "s.send(b'x'*2049);import time;time.sleep(60)");
        assert_int_equal(seen.frames, 0);
        assert_true(WIFSIGNALED(seen.status));
        finish(&seen);
}

static void closing_the_channel_is_the_end(void **state)
{
        (void)state;
        struct seen seen = { 0 };
        run(&seen, "/bin/sh", "exec 3>&-; sleep 60");
        assert_true(WIFSIGNALED(seen.status));
        finish(&seen);
}

static void it_may_be_freed_from_its_own_frame(void **state)
{
        (void)state;
        struct seen seen = { .free_on_frame = true };
        run(&seen, "/usr/bin/python3", SEND "s.send(b'a');s.send(b'b');import time;time.sleep(60)");
        assert_int_equal(seen.frames, 1);
        assert_int_equal(seen.exits, 0);
        finish(&seen);
}

static bool alive(pid_t pid)
{
        return kill(pid, 0) == 0;
}

#define LOOKS     3000 /* half a minute of them */
#define WAITED_MS 500  /* for the end of what was killed, by child_free() */

static void its_own_children_die_with_it(void **state)
{
        (void)state;
        struct seen seen = { 0 };
        run(&seen, "/usr/bin/python3",
                SEND
                "import subprocess;p=subprocess.Popen(['sleep','60']);s.send(str(p.pid).encode())");
        pid_t grandchild = (pid_t)strtol(seen.text, NULL, 10);
        assert_true(grandchild > 1);
        for (int i = 0; i < LOOKS && alive(grandchild); i++) {
                char path[64], what[256] = "";
                snprintf(path, sizeof path, "/proc/%d/stat", grandchild);
                FILE *file = fopen(path, "r");
                if (!file)
                        break;
                size_t n = fread(what, 1, sizeof what - 1, file);
                fclose(file);
                if (n > 0 && strstr(what, ") Z"))
                        break; /* dead; who reaps it is not our matter */
                usleep(10000);
                assert_int_not_equal(i, LOOKS - 1);
        }
        finish(&seen);
}

/* One that takes longer to die than is waited for (below) is left to the loop: of a machine so busy no more is asked. */
static void freeing_kills_and_reaps(void **state)
{
        (void)state;
        struct seen seen = { 0 };
        start(&seen, "/bin/sh", "sleep 60");
        pid_t pid = child_pid(seen.child);
        int64_t began = clock_ms();
        seen.child = child_free(seen.child);
        assert_true(!alive(pid) || clock_ms() - began >= WAITED_MS);
        for (int i = 0; i < LOOKS && alive(pid); i++)
                assert_true(sd_event_run(seen.event, 10000) >= 0);
        sd_event_unref(seen.event);
        assert_false(alive(pid));
        assert_int_equal(waitpid(pid, NULL, WNOHANG), -1);
        assert_int_equal(seen.exits, 0);
}

/* A process that was told to die and does not: its tracer is asked first, and takes its time. Returns when
 * it is traced. */
static pid_t hold_on_to(pid_t pid, int *ret_let_go)
{
        int told[2], let_go[2];
        char byte;
        assert_return_code(pipe2(told, O_CLOEXEC), 0);
        assert_return_code(pipe2(let_go, O_CLOEXEC), 0);
        pid_t tracer = fork();
        if (tracer == 0) {
                close(let_go[1]);
                bool held = ptrace(PTRACE_SEIZE, pid, 0, PTRACE_O_TRACEEXIT) == 0;
                if (write(told[1], held ? "y" : "n", 1) == 1)
                        (void)!read(let_go[0], &byte, 1);
                _exit(0);
        }
        assert_int_equal(read(told[0], &byte, 1), 1);
        close(told[0]), close(told[1]), close(let_go[0]);
        *ret_let_go = let_go[1];
        if (byte == 'y')
                return tracer;
        close(let_go[1]);
        waitpid(tracer, NULL, 0);
        return 0;
}

static void one_that_does_not_die_is_reaped_later(void **state)
{
        struct seen seen = { 0 };
        int let_go;
        (void)state;
        start(&seen, "/bin/sh", "exec sleep 600");
        pid_t pid = child_pid(seen.child), tracer = hold_on_to(pid, &let_go);
        if (tracer == 0) {
                finish(&seen);
                skip(); /* this machine forbids it */
        }
        seen.child = child_free(seen.child); /* and this returns */
        bool held = kill(pid, 0) == 0;
        if (held)
                assert_int_equal(waitpid(pid, NULL, WNOHANG), 0); /* not ended */
        assert_true(sd_event_run(seen.event, 0) >= 0);
        assert_int_equal(seen.exits, 0);
        close(let_go);
        assert_int_equal(waitpid(tracer, NULL, 0), tracer);
        for (int i = 0; i < 500 && kill(pid, 0) == 0; i++)
                assert_true(sd_event_run(seen.event, 100000) >= 0);
        assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
        assert_int_equal(errno, ECHILD);
        assert_int_equal(seen.exits, 0);
        sd_event_unref(seen.event);
        if (!held)
                skip(); /* nor does this kernel ask a tracer about SIGKILL */
}

static void frames_can_go_to_locked_memory(void **state)
{
        (void)state;
        struct seen seen = { 0 };
        assert_int_equal(secret_new(&seen.secret, 2048), 0);
        run(&seen, "/usr/bin/python3", SEND "s.send(b'1234')");
        assert_int_equal(seen.secret->len, 4);
        assert_memory_equal(seen.secret->data, "1234", 4);
        finish(&seen);
        secret_free(seen.secret);
}

static void it_dies_with_its_parent(void **state)
{
        (void)state;
        int pipe_fds[2];
        pid_t child = 0;
        assert_int_equal(pipe(pipe_fds), 0);
        pid_t middle = fork();
        if (middle == 0) {
                struct seen seen = { 0 };
                start(&seen, "/bin/sh", "sleep 60");
                child = child_pid(seen.child);
                ssize_t n = write(pipe_fds[1], &child, sizeof child);
                _exit(n == sizeof child ? 0 : 1);
        }
        assert_int_equal(read(pipe_fds[0], &child, sizeof child), sizeof child);
        waitpid(middle, NULL, 0);
        for (int i = 0; i < LOOKS && alive(child); i++)
                usleep(10000);
        char path[64];
        snprintf(path, sizeof path, "/proc/%d/fd/3", child);
        assert_int_not_equal(access(path, F_OK), 0);
        close(pipe_fds[0]);
        close(pipe_fds[1]);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(the_end_comes_once_with_the_status),
                cmocka_unit_test(a_killed_child_is_told_apart),
                cmocka_unit_test(what_does_not_exist_cannot_be_started),
                cmocka_unit_test(it_gets_four_descriptors_and_the_environment_given),
                cmocka_unit_test(files_are_handed_over_in_their_places),
                cmocka_unit_test(frames_sent_before_the_end_are_all_heard),
                cmocka_unit_test(a_flood_of_frames_leaves_others_their_turn),
                cmocka_unit_test(a_frame_goes_both_ways),
                cmocka_unit_test(a_frame_too_long_is_the_end),
                cmocka_unit_test(closing_the_channel_is_the_end),
                cmocka_unit_test(it_may_be_freed_from_its_own_frame),
                cmocka_unit_test(its_own_children_die_with_it),
                cmocka_unit_test(freeing_kills_and_reaps),
                cmocka_unit_test(one_that_does_not_die_is_reaped_later),
                cmocka_unit_test(frames_can_go_to_locked_memory),
                cmocka_unit_test(it_dies_with_its_parent),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}

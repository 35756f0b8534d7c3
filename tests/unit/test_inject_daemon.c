/* SPDX-License-Identifier: Apache-2.0 */
/* test_inject_daemon.c: the daemon's parts while memory and system calls fail, one by one and all at
 * once: the socket, the configuration, children, the supervisor, locked memory. A client gets its whole
 * answer or is hung up on, never half a one; no child and no descriptor is left behind; what failed once
 * works the next time.
 */
#include "base/outcome.h"
#include "base/secret.h"
#include "daemon/child.h"
#include "daemon/config.h"
#include "daemon/known.h"
#include "daemon/person.h"
#include "daemon/policy.h"
#include "daemon/programs.h"
#include "daemon/readers.h"
#include "daemon/server.h"
#include "daemon/varlink.h"
#include "tests/support/inject.h"

#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <cmocka.h>

static const struct inject everything = INJECT(INJECT_MEMORY | INJECT_SYSTEM);
static const struct log quiet = { .program = "test", .max = 0, .fd = 2 };

static unsigned int open_descriptors(void)
{
        unsigned int count = 0;
        DIR *dir = opendir("/proc/self/fd");
        assert_non_null(dir);
        while (readdir(dir))
                count++;
        closedir(dir);
        return count;
}

/* One that takes longer to die than child_free() waits is the loop's. */
static bool no_child_left(sd_event *event)
{
        siginfo_t info;
        for (int i = 0; i < 300 && waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) == 0; i++)
                sd_event_run(event, 100000);
        return waitpid(-1, NULL, WNOHANG) == -1 && errno == ECHILD;
}

/* ---- the socket ---------------------------------------------------------------------------- */

static void status(void *user, struct call *call, json_t *parameters)
{
        (void)user, (void)parameters;
        call_reply_more(call, json_pack("{s:i}", "part", 1));
        call_reply(call, json_pack("{s:s}", "text", "whole"));
}

static const struct server_method methods[] = { { "test.one.Status", status, 0, 0 }, { 0 } };
static const struct server_interface interfaces[] = { { "test.one", "interface test.one" }, { 0 } };

#define ASK    "{\"method\":\"test.one.Status\",\"more\":true}"
#define PART   "{\"continues\":true,\"parameters\":{\"part\":1}}"
#define WHOLE  "{\"parameters\":{\"text\":\"whole\"}}"
#define ANSWER PART "\0" WHOLE

static int listen_somewhere(struct sockaddr_un *address, socklen_t *len)
{
        int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
        *address = (struct sockaddr_un){ .sun_family = AF_UNIX };
        *len = sizeof *address;
        assert_int_equal(bind(fd, (struct sockaddr *)address, sizeof address->sun_family), 0);
        assert_int_equal(listen(fd, 8), 0);
        assert_int_equal(getsockname(fd, (struct sockaddr *)address, len), 0);
        return fd;
}

/* Turns the loop until the client was answered, hung up on, or nothing moves any more. */
static size_t hear(sd_event *event, int fd, char *heard, size_t cap, bool *ret_end)
{
        size_t len = 0;
        *ret_end = false;
        for (int idle = 0; idle < 60 && len < sizeof ANSWER && !*ret_end; idle++) {
                sd_event_run(event, 5000);
                inject_pause();
                ssize_t n = recv(fd, heard + len, cap - len, MSG_DONTWAIT);
                inject_resume();
                *ret_end = n == 0 || (n < 0 && errno != EAGAIN);
                len += n > 0 ? (size_t)n : 0;
        }
        return len;
}

static void converse(struct inject *in)
{
        struct sockaddr_un address;
        socklen_t len;
        sd_event *event = NULL;
        struct server *server = NULL;
        char heard[512];
        bool end = false;
        int listener = listen_somewhere(&address, &len);
        assert_return_code(sd_event_new(&event), 0);
        inject_arm(in);
        int r = server_new(&server, event, listener, methods, interfaces, NULL, &quiet);
        inject_pause();
        int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        assert_int_equal(connect(fd, (struct sockaddr *)&address, len), 0);
        assert_int_equal(send(fd, ASK, sizeof ASK, MSG_NOSIGNAL), sizeof ASK);
        inject_resume();
        size_t got = r == 0 ? hear(event, fd, heard, sizeof heard, &end) : 0;
        inject_disarm(in);
        EXPECT(*in, r == 0 ? server != NULL : r < 0 && !server);
        if (r == 0 && !end && got == 0) /* a client that could not be accepted yet is, later */
                got = hear(event, fd, heard, sizeof heard, &end);
        EXPECT(*in, got <= sizeof ANSWER && memcmp(heard, ANSWER, got) == 0);
        EXPECT(*in, r < 0 || end || got == sizeof ANSWER);
        EXPECT(*in, in->failed || got == sizeof ANSWER);
        server_free(server);
        close(fd);
        close(listener);
        sd_event_unref(event);
}

static void a_client_is_answered_whole_or_hung_up_on(void **state)
{
        (void)state;
        unsigned int before = open_descriptors();
        for (struct inject in = everything; inject_next(&in);)
                converse(&in);
        assert_int_equal(open_descriptors(), before);
}

static void a_frame_is_decoded_or_refused(void **state)
{
        (void)state;
        for (struct inject in = everything; inject_next(&in);) {
                struct varlink_decoder decoder = { 0 };
                struct varlink_call call;
                const char *why = NULL;
                json_t *message = NULL;
                inject_arm(&in);
                int r = varlink_feed(&decoder, ASK, sizeof ASK);
                if (r == 0)
                        r = varlink_next(&decoder, &message, &why);
                if (r == 0)
                        r = varlink_call_parse(message, &call, &why);
                inject_disarm(&in);
                EXPECT(in, r == 0 || r == -ENOMEM || r == VARLINK_VIOLATION);
                EXPECT(in, in.failed || r == 0);
                EXPECT(in, r != 0 || (strcmp(call.method, "test.one.Status") == 0 && call.more));
                json_decref(message);
                varlink_decoder_clear(&decoder);
        }
}

/* ---- configuration ------------------------------------------------------------------------- */

static enum policy_consent decided(
        const struct config *config, const struct policy_question *question)
{
        struct policy_decision decision;
        policy_decide(config, question, &decision);
        return decision.consent;
}

static void a_configuration_is_loaded_whole_or_not_at_all(void **state)
{
        char path[] = "/tmp/mohr-inject-XXXXXX", error[256];
        static const char text[] = "[pin]\ntimeout_s = 33\n[trust]\nanchors = /a\n"
                                   "[readers]\ndrivers = soft pcsc\n[soft]\nprofile = mav2\n"
                                   "[rule r]\nwho = any\naudience = https://a.example/*\n"
                                   "purpose = p\nconsent = refuse\n";
        const struct policy_question question = {
                .peer = &(struct peer){ 0 }, .audience = "https://a.example", .purpose = "p"
        };
        int fd = mkstemp(path);
        (void)state;
        assert_int_equal(write(fd, text, sizeof text - 1), sizeof text - 1);
        close(fd);
        char *const argv[] = { "mohrd", "--config", path, NULL };
        for (struct inject in = everything; inject_next(&in);) {
                struct config *config = NULL;
                inject_arm(&in);
                int r = config_load(&config, 3, argv, error, sizeof error);
                inject_disarm(&in);
                EXPECT(in, r == 0 ? config != NULL : !config);
                EXPECT(in, r <= 0 || (r == OUTCOME_USAGE && error[0]));
                EXPECT(in, in.failed || r == 0);
                if (r == 0) {
                        EXPECT(in, config->prompt_timeout_s == 33 && config->anchors);
                        EXPECT(in, strcmp(config->drivers[0], "soft") == 0 && config->drivers[1]);
                        EXPECT(in, config->soft[0] && config->pinentry && config->libexecdir);
                        EXPECT(in, decided(config, &question) == POLICY_REFUSE);
                }
                config_free(config);
        }
        unlink(path);
}

static void a_decision_is_explained_whole_or_not_at_all(void **state)
{
        static const char text[] =
                "[rule r]\nwho = unit:a\npinpad = yes\n[rule s]\nwho = any\nclaims = none\n";
        struct config *config = calloc(1, sizeof *config);
        char error[256];
        const struct policy_question question = { .peer = &(struct peer){ 0 },
                .audience = "https://a.example",
                .required = CLAIM_READER };
        (void)state;
        assert_int_equal(
                config_parse(config, CONFIG_ROOTS, text, sizeof text - 1, "f", error, sizeof error),
                0);
        json_t *whole = policy_explain(config, &question);
        assert_int_equal(json_array_size(json_object_get(whole, "rules")), 2);
        for (struct inject in = INJECT(INJECT_MEMORY); inject_next(&in);) {
                inject_arm(&in);
                json_t *told = policy_explain(config, &question);
                inject_disarm(&in);
                EXPECT(in, told ? json_equal(told, whole) : in.failed);
                json_decref(told);
        }
        json_decref(whole);
        config_free(config);
}

/* ---- children ------------------------------------------------------------------------------ */

static void on_frame(void *user, const uint8_t *data, size_t len)
{
        (void)user, (void)data, (void)len;
}

static void on_exited(void *user, int exit_status)
{
        *(int *)user = exit_status;
}

static const struct child_callbacks callbacks = { on_frame, on_exited };

static void a_child_is_started_or_leaves_nothing_behind(void **state)
{
        static const char *const argv[] = { "/bin/true", NULL }, *const env[] = { NULL };
        unsigned int before = open_descriptors();
        (void)state;
        for (struct inject in = everything; inject_next(&in);) {
                struct child *child = NULL;
                sd_event *event = NULL;
                int exit_status = -1;
                assert_return_code(sd_event_new(&event), 0);
                inject_arm(&in);
                int r = child_spawn(&child, event, argv, env, 64, &callbacks, &exit_status);
                inject_disarm(&in);
                EXPECT(in, r == 0 ? child != NULL : r < 0 && !child);
                EXPECT(in, in.failed || r == 0);
                for (int i = 0; r == 0 && i < 100 && exit_status == -1; i++)
                        sd_event_run(event, 100000);
                EXPECT(in, r < 0 || exit_status == 0);
                child_free(child);
                EXPECT(in, no_child_left(event));
                sd_event_unref(event);
        }
        assert_int_equal(open_descriptors(), before);
}

static void programs_are_held_or_not_and_let_go(void **state)
{
        char folder[PATH_MAX], *slash;
        unsigned int before = open_descriptors();
        ssize_t len = readlink("/proc/self/exe", folder, sizeof folder - 1);
        (void)state;
        assert_true(len > 0);
        folder[len] = '\0'; /* BUILD/tests/test_...: mohrd is two steps up */
        for (int i = 0; i < 2 && (slash = strrchr(folder, '/')); i++)
                *slash = '\0';
        for (struct inject in = everything; inject_next(&in);) {
                struct programs *programs = NULL;
                inject_arm(&in);
                int r = programs_new(&programs, folder);
                inject_disarm(&in);
                EXPECT(in, r == 0 ? programs != NULL : r < 0 && !programs);
                programs_free(programs);
        }
        assert_int_equal(open_descriptors(), before);
}

static void answered(void *user, const struct person_answer *answer)
{
        *(int *)user = answer->outcome;
}

static void a_prompt_that_cannot_start_is_an_error(void **state)
{
        struct config config = { .libexecdir = (char *)(uintptr_t) "/nonexistent" };
        const struct person_question question = {
                .ui = { .tty = "/dev/pts/9" }, .audience = "a:b", .tries_left = 3, .timeout_s = 5
        };
        unsigned int before = open_descriptors();
        (void)state;
        for (struct inject in = everything; inject_next(&in);) {
                sd_event *event = NULL;
                struct person *person = NULL;
                struct secret *pin = NULL;
                int outcome = -1;
                assert_return_code(sd_event_new(&event), 0);
                inject_arm(&in);
                int r = secret_new(&pin, 64);
                if (r == 0)
                        r = person_ask(&person, event, &config, &question, pin, answered, &outcome);
                inject_disarm(&in);
                EXPECT(in, r <= 0 && (r == 0 || !person));
                for (int i = 0; r == 0 && i < 100 && outcome == -1; i++)
                        sd_event_run(event, 100000);
                EXPECT(in, r < 0 || outcome == OUTCOME_INTERNAL);
                person_free(person);
                secret_free(pin);
                EXPECT(in, no_child_left(event));
                sd_event_unref(event);
        }
        assert_int_equal(open_descriptors(), before);
}

static void the_supervisor_starts_or_leaves_nothing_behind(void **state)
{
        struct config config = { .libexecdir = (char *)(uintptr_t) "/nonexistent",
                .drivers = { (char *)(uintptr_t) "pcsc", (char *)(uintptr_t) "soft" },
                .card_timeout_ms = 1000 };
        unsigned int before = open_descriptors();
        (void)state;
        for (struct inject in = everything; inject_next(&in);) {
                sd_event *event = NULL;
                struct readers *readers = NULL;
                assert_return_code(sd_event_new(&event), 0);
                inject_arm(&in);
                int r = readers_new(&readers, event, &config, &quiet);
                for (int i = 0; r == 0 && i < 5; i++)
                        sd_event_run(event, 0);
                inject_disarm(&in);
                EXPECT(in, r == 0 ? readers != NULL : r < 0 && !readers);
                EXPECT(in, in.failed || r == 0);
                readers_free(readers);
                EXPECT(in, no_child_left(event));
                sd_event_unref(event);
        }
        assert_int_equal(open_descriptors(), before);
}

/* ---- locked memory ------------------------------------------------------------------------- */

static void a_secret_is_locked_or_not_there(void **state)
{
        (void)state;
        for (struct inject in = everything; inject_next(&in);) {
                struct secret *secret = NULL;
                inject_arm(&in);
                int r = secret_new(&secret, 64);
                inject_disarm(&in);
                EXPECT(in, r == 0 ? secret != NULL : r < 0 && !secret);
                EXPECT(in, in.failed ? r < 0 : r == 0);
                secret_free(secret);
        }
}

static void without_descriptors_nothing_is_started_or_lost(void **state)
{
        static const char *const argv[] = { "/bin/true", NULL }, *const env[] = { NULL };
        struct rlimit old, few;
        unsigned int before = open_descriptors();
        (void)state;
        assert_int_equal(getrlimit(RLIMIT_NOFILE, &old), 0);
        for (unsigned int spare = 0; spare < 24; spare++) {
                struct child *child = NULL;
                sd_event *event = NULL;
                int exit_status = -1;
                assert_return_code(sd_event_new(&event), 0);
                few = (struct rlimit){ .rlim_cur = 4 + spare, .rlim_max = old.rlim_max };
                assert_int_equal(setrlimit(RLIMIT_NOFILE, &few), 0);
                int r = child_spawn(&child, event, argv, env, 64, &callbacks, &exit_status);
                assert_int_equal(setrlimit(RLIMIT_NOFILE, &old), 0);
                assert_true(r == 0 ? child != NULL : r < 0 && !child);
                child_free(child);
                assert_true(no_child_left(event));
                sd_event_unref(event);
        }
        assert_int_equal(open_descriptors(), before);
}

/* ---- a full disk --------------------------------------------------------------------------- */

static bool write_all_there_is(const char *path)
{
        char bytes[4096] = "";
        int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
        while (fd >= 0 && write(fd, bytes, sizeof bytes) > 0)
                ;
        return fd >= 0 && errno == ENOSPC && close(fd) == 0;
}

/* In a mount namespace of its own. The exit code: 0 as it should be, 77 if the machine does not let us. */
static int tell_on_a_full_disk(const char *dir)
{
        struct config config = { .state_dir = (char *)(uintptr_t)dir };
        struct known *known = NULL, *next = NULL;
        char path[96];
        if ((geteuid() == 0 ? unshare(CLONE_NEWNS) : unshare(CLONE_NEWUSER | CLONE_NEWNS)) < 0 ||
                mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
                mount("full", dir, "tmpfs", 0, "size=16k") < 0)
                return 77;
        snprintf(path, sizeof path, "%s/everything", dir);
        if (!write_all_there_is(path) || known_new(&known, &config, &quiet) < 0)
                return 1;
        known_tell_unproven(known);
        bool told = known_told_unproven(known);
        if (known_new(&next, &config, &quiet) < 0)
                return 2;
        bool kept = known_told_unproven(next);
        known_free(next);
        unlink(path);
        if (known_new(&next, &config, &quiet) < 0) /* half a file is not a record either */
                return 3;
        bool half = known_told_unproven(next);
        known_free(next);
        known_free(known);
        return told && !kept && !half ? 0 : 4;
}

static void on_a_full_disk_the_telling_is_repeated_not_lost(void **state)
{
        char dir[] = "/tmp/mohr-inject-XXXXXX";
        int exit_status = 0;
        (void)state;
        assert_non_null(mkdtemp(dir));
        pid_t pid = fork();
        if (pid == 0)
                _exit(tell_on_a_full_disk(dir));
        assert_int_equal(waitpid(pid, &exit_status, 0), pid);
        rmdir(dir);
        if (WIFEXITED(exit_status) && WEXITSTATUS(exit_status) == 77)
                skip();
        assert_int_equal(exit_status, 0);
}

static int begin(void **state)
{
        (void)state;
        alarm(360); /* nothing here may hang */
        return 0;
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(a_client_is_answered_whole_or_hung_up_on),
                cmocka_unit_test(a_frame_is_decoded_or_refused),
                cmocka_unit_test(a_configuration_is_loaded_whole_or_not_at_all),
                cmocka_unit_test(a_decision_is_explained_whole_or_not_at_all),
                cmocka_unit_test(a_child_is_started_or_leaves_nothing_behind),
                cmocka_unit_test(programs_are_held_or_not_and_let_go),
                cmocka_unit_test(a_prompt_that_cannot_start_is_an_error),
                cmocka_unit_test(the_supervisor_starts_or_leaves_nothing_behind),
                cmocka_unit_test(a_secret_is_locked_or_not_there),
                cmocka_unit_test(without_descriptors_nothing_is_started_or_lost),
                cmocka_unit_test(on_a_full_disk_the_telling_is_repeated_not_lost),
        };
        inject_init();
        return cmocka_run_group_tests_name("inject_daemon", tests, begin, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* test_person.c: the daemon's half of a prompt against the real mohr-prompt of this build and a
 * scripted pinentry, which gets its script from the file beside it: no environment reaches it.
 */
#include "daemon/person.h"

#include "base/clock.h"
#include "base/outcome.h"
#include "daemon/child.h"
#include "daemon/peer.h"
#include "daemon/prompt/question.h"

#include <limits.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>

#include <cmocka.h>

struct rig {
        char folder[64], program[96], script[128], record[128], libexec[PATH_MAX];
        sd_event *event;
        struct config config;
        struct secret *pin;
        struct person *person;
        int outcome, calls;
        struct person_answer answer;
};

static void copy_file(const char *from, const char *to, mode_t mode)
{
        char buffer[65536];
        FILE *in = fopen(from, "r"), *out = fopen(to, "w");
        assert_true(in && out);
        size_t len = fread(buffer, 1, sizeof buffer, in);
        assert_true(feof(in) && fwrite(buffer, 1, len, out) == len);
        fclose(in);
        fclose(out);
        assert_int_equal(chmod(to, mode), 0);
}

static int rig_up(void **state)
{
        struct rig *rig = calloc(1, sizeof *rig);
        if (!rig || sd_event_new(&rig->event) < 0 || secret_new(&rig->pin, 64) < 0)
                return -1;
        snprintf(rig->folder, sizeof rig->folder, "%s", "/tmp/mohr-person-XXXXXX");
        if (!mkdtemp(rig->folder))
                return -1;
        snprintf(rig->program, sizeof rig->program, "%s/pinentry", rig->folder);
        snprintf(rig->script, sizeof rig->script, "%s.json", rig->program);
        snprintf(rig->record, sizeof rig->record, "%s.log", rig->program);
        ssize_t len = readlink("/proc/self/exe", rig->libexec, sizeof rig->libexec - 16);
        if (len <= 0)
                return -1;
        strcpy(strrchr(rig->libexec, '/'), "/pinentry-script");
        copy_file(rig->libexec, rig->program, 0700);
        for (int i = 0; i < 2; i++)
                *strrchr(rig->libexec, '/') = '\0';
        rig->config.libexecdir = rig->libexec;
        rig->outcome = -1;
        *state = rig;
        return 0;
}

static int rig_down(void **state)
{
        struct rig *rig = *state;
        person_free(rig->person);
        secret_free(rig->pin);
        sd_event_unref(rig->event);
        unlink(rig->script);
        unlink(rig->record);
        unlink(rig->program);
        rmdir(rig->folder);
        free(rig);
        return 0;
}

static void script(const struct rig *rig, const char *answers)
{
        FILE *file = fopen(rig->script, "w");
        assert_non_null(file);
        fprintf(file, "{%s}", answers);
        fclose(file);
        unlink(rig->record);
}

static const char *recorded(const struct rig *rig)
{
        static char text[65536];
        FILE *file = fopen(rig->record, "r");
        text[0] = '\0';
        if (!file)
                return text;
        text[fread(text, 1, sizeof text - 1, file)] = '\0';
        fclose(file);
        return text;
}

static struct person_question plain(const struct rig *rig)
{
        return (struct person_question){
                .ui = { .display = ":mohr-test", .language = "en" },
                .request = "0123456789abcdef",
                .app = "/usr/bin/office",
                .audience = "https://office.example",
                .given_name = "نمونه",
                .family_name = "آزمایشی",
                .card_number = "0099900007",
                .reader = "Test A 00 00",
                .tries_left = 3,
                .timeout_s = 20,
                .pinentry = rig->program,
        };
}

static void done(void *user, const struct person_answer *answer)
{
        struct rig *rig = user;
        rig->outcome = answer->outcome;
        rig->answer = *answer;
        rig->calls++;
        /* The child is reaped before the answer is given: nothing is left to wait for. */
        assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
        assert_int_equal(errno, ECHILD);
}

static void ask(struct rig *rig, const struct person_question *question)
{
        assert_int_equal(
                person_ask(&rig->person, rig->event, &rig->config, question, rig->pin, done, rig),
                0);
        assert_int_equal(rig->calls, 0);
}

static void turn(struct rig *rig, bool (*until)(const struct rig *))
{
        int64_t end = clock_ms() + 90000; /* on a busy machine, too */
        while (!until(rig) && clock_ms() <= end)
                assert_true(sd_event_run(rig->event, 50000) >= 0);
        assert_true(until(rig));
}

static bool called(const struct rig *rig)
{
        return rig->calls > 0;
}

static bool being_asked(const struct rig *rig)
{
        return strstr(recorded(rig), "\nCONFIRM") != NULL;
}

static void each_answer_reaches_the_daemon(void **state)
{
        static const struct {
                const char *script, *pin;
                int outcome;
        } cases[] = {
                { "\"getpin\": [\"27182818\"]", "27182818", 0 },
                { "\"getpin\": [\"۲۷۱۸\"]", "2718", 0 },
                { "\"getpin\": [\"cancel\"]", "", OUTCOME_REFUSED },
                { "\"confirm\": [\"no\"]", "", OUTCOME_REFUSED },
                { "\"getpin\": [\"timeout\"]", "", OUTCOME_TIMED_OUT },
                { "\"confirm\": [\"die\"]", "", OUTCOME_NOBODY_TO_ASK },
                { "\"getpin\": [\"2718\"], \"stay\": true", "2718", 0 },
        };
        struct rig *rig = *state;
        for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
                struct person_question question = plain(rig);
                script(rig, cases[i].script);
                rig->calls = 0;
                ask(rig, &question);
                turn(rig, called);
                assert_int_equal(rig->outcome, cases[i].outcome);
                assert_int_equal(rig->pin->len, strlen(cases[i].pin));
                assert_memory_equal(rig->pin->data, cases[i].pin, rig->pin->len);
                assert_int_equal(rig->calls, 1);
                rig->person = person_free(rig->person);
        }
}

/* A whole question with what an answer says of claims; the daemon believes what fits the question. */
static void what_the_holder_allows_reaches_the_daemon(void **state)
{
        static const struct {
                const char *script;
                bool granted, may_remember;
                struct person_answer answer;
        } cases[] = {
                { "\"confirm\": [\"ok\"]", false, false,
                        { 0, CLAIM_READER | CLAIM_STATION, false } },
                { "\"confirm\": [\"no\"]", false, false, { 0, CLAIM_READER, false } },
                { "\"confirm\": [\"cancel\"]", false, false, { OUTCOME_REFUSED, 0, false } },
                { "\"confirm\": [\"no\", \"ok\"]", false, true, { 0, CLAIM_READER, true } },
                { "\"confirm\": [\"ok\", \"no\"]", false, true,
                        { 0, CLAIM_READER | CLAIM_STATION, false } },
                { "\"confirm\": [\"cancel\"]", true, true,
                        { 0, CLAIM_READER | CLAIM_STATION, false } },
        };
        struct rig *rig = *state;
        for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
                struct person_question question = plain(rig);
                char answers[128];
                question.required = CLAIM_READER;
                question.optional =
                        CLAIM_READER | CLAIM_STATION; /* the required one is no choice */
                question.granted = cases[i].granted;
                question.may_remember = cases[i].may_remember;
                snprintf(answers, sizeof answers, "%s, \"getpin\": [\"2718\"]", cases[i].script);
                script(rig, answers);
                rig->calls = 0;
                ask(rig, &question);
                turn(rig, called);
                assert_int_equal(rig->answer.outcome, cases[i].answer.outcome);
                assert_int_equal(rig->answer.released, cases[i].answer.released);
                assert_true(rig->answer.remember == cases[i].answer.remember);
                rig->person = person_free(rig->person);
        }
}

static void the_caller_goes_by_its_most_telling_name(void **state)
{
        static const struct {
                struct peer peer;
                const char *told;
        } cases[] = {
                { { .executable = "/usr/bin/x" }, "name): \u2068/usr/bin/office\u2069" },
                { { .script = "/home/u/x.py" }, "the script \u2068/home/u/x.py\u2069" },
                { { .script = "/home/u/x.py", .unit = "backup.service", .system_unit = true },
                        "the system's service \u2068backup.service\u2069" },
                { { .script = "/home/u/x.py", .unit = "back\\x2dup.service" },
                        "this user's service \u2068back-up.service\u2069" },
                { { .unit = "snap.a.b.scope", .snap = "a.b" }, "the app \u2068a.b\u2069 (Snap)" },
                { { .unit = "app.scope", .flatpak = "org.example.App" },
                        "the app \u2068org.example.App\u2069 (Flatpak)" },
        };
        struct rig *rig = *state;
        for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
                struct person_question question = plain(rig);
                question.peer = &cases[i].peer;
                question.organization = i % 2 ? "Office\nof \u202eExamples" : NULL;
                script(rig, "\"confirm\": [\"cancel\"]");
                rig->calls = 0;
                ask(rig, &question);
                turn(rig, called);
                assert_non_null(strstr(recorded(rig), cases[i].told));
                assert_true(!question.organization ||
                            strstr(recorded(rig), "Verified organisation: \u2068Officeof "
                                                  "Examples\u2069%0A\u2022 Passed"));
                rig->person = person_free(rig->person);
        }
}

static void consent_alone_brings_an_outcome_and_no_digits(void **state)
{
        static const struct {
                const char *script;
                int outcome;
        } cases[] = {
                { "\"getpin\": [\"27182818\"]", 0 },
                { "\"confirm\": [\"no\"]", OUTCOME_REFUSED },
                { "\"confirm\": [\"timeout\"]", OUTCOME_TIMED_OUT },
        };
        struct rig *rig = *state;
        for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
                struct person_question question = plain(rig);
                script(rig, cases[i].script);
                rig->calls = 0;
                assert_int_equal(person_ask(&rig->person, rig->event, &rig->config, &question, NULL,
                                         done, rig),
                        0);
                turn(rig, called);
                assert_int_equal(rig->outcome, cases[i].outcome);
                assert_null(strstr(recorded(rig), "GETPIN"));
                rig->person = person_free(rig->person);
        }
}

/* What a device calls itself cannot make one reader look like two. */
static void a_search_names_readers_and_brings_no_digits(void **state)
{
        static const char *const readers[] = { "Test A 00 00", "Bad\nCard reader: Test Z", "Test C",
                "Test D" };
        struct rig *rig = *state;
        struct person_question question = plain(rig);
        question.given_name = question.family_name = question.card_number = question.reader = NULL;
        question.search = true;
        question.expected_number = "0012345679";
        question.readers = readers;
        question.reader_count = ARRAY_LEN(readers);
        script(rig, "\"getpin\": [\"27182818\"]");
        assert_int_equal(
                person_ask(&rig->person, rig->event, &rig->config, &question, NULL, done, rig), 0);
        turn(rig, called);
        assert_int_equal(rig->outcome, 0);
        const char *told = recorded(rig);
        assert_null(strstr(told, "GETPIN"));
        assert_non_null(strstr(told, "0012345679"));
        assert_non_null(strstr(told, "Card reader: \u2068BadCard reader: Test Z\u2069"));
        assert_non_null(strstr(told, "More card readers: \u20681\u2069"));
        assert_null(strstr(told, "Test D"));
}

/* Facts reach the page, cleaned; and what is answered fits the work. */
static void each_work_reaches_the_prompt(void **state)
{
        static const char *const told[] = { "Document: \u2068a.pdf\u2069", "stand in them",
                "User name there: \u2068root\u2069" };
        static const enum person_work works[] = { PERSON_DOCUMENTS, PERSON_CERTIFICATES,
                PERSON_KEY };
        const struct question_document document = { .name = "a\n\u202e.pdf" };
        struct rig *rig = *state;
        for (size_t i = 0; i < ARRAY_LEN(works); i++) {
                struct person_question question = plain(rig);
                bool digits = works[i] != PERSON_CERTIFICATES;
                question.work = works[i];
                question.documents = &document;
                question.document_count = works[i] == PERSON_DOCUMENTS;
                question.content = CONTENT_SSH;
                question.content_text = "root\n";
                question.may_remember = !digits;
                script(rig, "\"getpin\": [\"2718\"], \"confirm\": [\"ok\", \"ok\"]");
                rig->calls = 0;
                rig->pin->len = 0;
                assert_int_equal(person_ask(&rig->person, rig->event, &rig->config, &question,
                                         digits ? rig->pin : NULL, done, rig),
                        0);
                turn(rig, called);
                assert_int_equal(rig->outcome, 0);
                assert_int_equal(rig->pin->len, digits ? 4 : 0);
                assert_true(rig->answer.remember == !digits);
                assert_non_null(strstr(recorded(rig), told[i]));
                rig->person = person_free(rig->person);
        }
        struct person_question question = plain(rig);
        question.work = PERSON_DOCUMENTS;
        question.document_count = QUESTION_DOCUMENTS_MAX + 1;
        assert_int_equal(
                person_ask(&rig->person, rig->event, &rig->config, &question, rig->pin, done, rig),
                -E2BIG);
}

static void nothing_to_ask_on_is_said_at_once(void **state)
{
        struct rig *rig = *state;
        struct person_question question = plain(rig);
        struct person_ui none = { .language = "fa", .tty = "", .xauthority = "/x" };
        question.ui = none;
        assert_int_equal(
                person_ask(&rig->person, rig->event, &rig->config, &question, rig->pin, done, rig),
                OUTCOME_NOBODY_TO_ASK);
        char tty[4096];
        memset(tty, 'a', sizeof tty - 1);
        tty[sizeof tty - 1] = '\0';
        question.ui.tty = tty;
        assert_int_equal(
                person_ask(&rig->person, rig->event, &rig->config, &question, rig->pin, done, rig),
                OUTCOME_NOBODY_TO_ASK);
        assert_null(rig->person);
}

static void a_pinentry_that_does_not_exist_is_nobody(void **state)
{
        struct rig *rig = *state;
        struct person_question question = plain(rig);
        question.pinentry = "no-such-pinentry";
        ask(rig, &question);
        turn(rig, called);
        assert_int_equal(rig->outcome, OUTCOME_NOBODY_TO_ASK);
}

static void a_prompt_that_cannot_be_started_is_broken(void **state)
{
        struct rig *rig = *state;
        struct person_question question = plain(rig);
        snprintf(rig->libexec, sizeof rig->libexec, "%s", "/nonexistent");
        assert_true(person_ask(&rig->person, rig->event, &rig->config, &question, rig->pin, done,
                            rig) < 0);
}

static void strings_of_ten_kilobytes_do_no_harm(void **state)
{
        struct rig *rig = *state;
        struct person_question question = plain(rig);
        char *text = malloc(10241);
        assert_non_null(text);
        for (int i = 0; i < 10240; i += 2)
                memcpy(text + i, i % 64 == 0 ? "\n\n" : "م", 2);
        text[10240] = '\0';
        question.audience = question.purpose = question.app = question.given_name = text;
        script(rig, "\"getpin\": [\"2718\"]");
        ask(rig, &question);
        turn(rig, called);
        assert_int_equal(rig->outcome, 0);
        assert_non_null(strstr(recorded(rig), "آزمایشی"));
        free(text);
}

static bool allowed_name(const char *entry)
{
        static const char *const names[] = { "PATH=", "HOME=", "XDG_RUNTIME_DIR=",
                "DBUS_SESSION_BUS_ADDRESS=", "LC_ALL=C.UTF-8\n", "LANGUAGE=fa\n", "TERM=",
                "DISPLAY=", "WAYLAND_DISPLAY=", "XAUTHORITY=", "LC_CTYPE=" /* python's own */,
                "_assuan_" /* libassuan's own */ };
        for (size_t i = 0; i < ARRAY_LEN(names); i++)
                if (strncmp(entry, names[i], strlen(names[i])) == 0)
                        return true;
        return false;
}

static void the_environment_is_a_list_of_names(void **state)
{
        struct rig *rig = *state;
        struct person_question question = plain(rig);
        setenv("MOHR_TEST_TOKEN", "secret", 1);
        setenv("LD_LIBRARY_PATH", "/tmp/evil", 1);
        question.ui.language = "fa";
        question.ui.wayland_display = "wayland-9";
        script(rig, "\"getpin\": [\"2718\"]");
        ask(rig, &question);
        turn(rig, called);
        unsetenv("LD_LIBRARY_PATH");
        const char *said = recorded(rig);
        assert_non_null(strstr(said, "ENV WAYLAND_DISPLAY=wayland-9\n"));
        assert_non_null(strstr(said, "ENV LANGUAGE=fa\n"));
        for (const char *at = said; (at = strstr(at, "\nENV ")); at++)
                if (!allowed_name(at + 5)) {
                        print_error("%.60s\n", at + 5);
                        fail();
                }
}

static bool gone(pid_t pid)
{
        for (int i = 0; i < 200; i++) {
                char path[64], state = 'Z';
                snprintf(path, sizeof path, "/proc/%d/stat", pid);
                FILE *stat = fopen(path, "r");
                if (!stat)
                        return true;
                if (fscanf(stat, "%*d %*s %c", &state) != 1)
                        state = 'Z';
                fclose(stat);
                if (state == 'Z')
                        return true;
                nanosleep(&(struct timespec){ .tv_nsec = 50000000 }, NULL);
        }
        return false;
}

static void hang_up(struct rig *rig, const char *answers)
{
        struct person_question question = plain(rig);
        script(rig, answers);
        ask(rig, &question);
        turn(rig, being_asked);
        pid_t pinentry = (pid_t)strtol(strstr(recorded(rig), "PID ") + 4, NULL, 10);
        assert_int_equal(kill(pinentry, 0), 0);
        rig->person = person_free(rig->person);
        assert_true(gone(pinentry));
        assert_int_equal(rig->calls, 0);
}

static void hanging_up_closes_the_prompt(void **state)
{
        hang_up(*state, "\"confirm\": [\"hang\"]");
}

static void a_pinentry_that_ignores_the_signal_is_killed(void **state)
{
        hang_up(*state, "\"confirm\": [\"hang\"], \"stay\": true");
}

static void time_runs_out_whatever_hangs(void **state)
{
        static const char *const hangs[] = { "\"confirm\": [\"hang\"]", "\"greeting\": \"none\"" };
        struct rig *rig = *state;
        for (size_t i = 0; i < ARRAY_LEN(hangs); i++) {
                struct person_question question = plain(rig);
                question.timeout_s = 1;
                script(rig, hangs[i]);
                rig->calls = 0;
                ask(rig, &question);
                turn(rig, called);
                assert_int_equal(rig->outcome, OUTCOME_TIMED_OUT);
                rig->person = person_free(rig->person);
        }
}

#define PERSON(test) cmocka_unit_test_setup_teardown(test, rig_up, rig_down)

int main(void)
{
        const struct CMUnitTest tests[] = {
                PERSON(each_answer_reaches_the_daemon),
                PERSON(what_the_holder_allows_reaches_the_daemon),
                PERSON(the_caller_goes_by_its_most_telling_name),
                PERSON(consent_alone_brings_an_outcome_and_no_digits),
                PERSON(a_search_names_readers_and_brings_no_digits),
                PERSON(each_work_reaches_the_prompt),
                PERSON(nothing_to_ask_on_is_said_at_once),
                PERSON(a_pinentry_that_does_not_exist_is_nobody),
                PERSON(a_prompt_that_cannot_be_started_is_broken),
                PERSON(strings_of_ten_kilobytes_do_no_harm),
                PERSON(the_environment_is_a_list_of_names),
                PERSON(hanging_up_closes_the_prompt),
                PERSON(a_pinentry_that_ignores_the_signal_is_killed),
                PERSON(time_runs_out_whatever_hangs),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}

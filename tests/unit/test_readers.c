/* SPDX-License-Identifier: Apache-2.0 */
/* test_readers.c: the supervisor with real processes: this program plays watcher and helper itself.
 *
 * A folder holds links named as the programs of soft and usb are to this program, and two files that say
 * how they behave: "watch" is what the watcher reports (it looks again every few milliseconds), "helper"
 * names one trick. What a helper is asked goes to the file "asked".
 */
#include "daemon/readers.h"

#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/stat.h>
#include <time.h>
#include <cmocka.h>

/* ---- playing watcher and helper ------------------------------------------------------------- */

static size_t slurp(const char *dir, const char *name, char *buf, size_t cap)
{
        char path[512];
        snprintf(path, sizeof path, "%s/%s", dir, name);
        FILE *file = fopen(path, "r");
        size_t n = file ? fread(buf, 1, cap - 1, file) : 0;
        if (file)
                fclose(file);
        buf[n] = '\0';
        return n;
}

static void spill(const char *dir, const char *name, const char *text, const char *mode)
{
        char path[512];
        snprintf(path, sizeof path, "%s/%s", dir, name);
        FILE *file = fopen(path, mode);
        if (!file)
                _exit(99);
        fputs(text, file);
        fclose(file);
}

static void put_report(struct out *out, const char *text)
{
        struct op_readers report = { 0 };
        if (strcmp(text, "absent\n") == 0)
                report.outcome = OUTCOME_READER_SERVICE;
        if (strcmp(text, "denied\n") == 0)
                report.outcome = OUTCOME_POLICY;
        for (const char *line = text; report.outcome == 0 && *line; line = strchr(line, '\n') + 1) {
                struct driver_reader *reader = &report.readers[report.count++];
                int present, busy;
                if (sscanf(line, "%127s %d %d %u %127[^\n]", reader->name, &present, &busy,
                            &reader->events, reader->address) < 4)
                        _exit(98);
                reader->present = present;
                reader->busy = busy;
        }
        op_put_readers(out, &report);
}

static int play_watcher(const char *dir)
{
        char before[4096] = "nothing", now[4096];
        uint8_t frame[OPS_FRAME_MAX];
        for (;; usleep(2000)) {
                slurp(dir, "watch", now, sizeof now);
                if (strcmp(now, "die\n") == 0)
                        return 3;
                if (strcmp(now, before) == 0)
                        continue;
                memcpy(before, now, sizeof before);
                struct out out = op_frame_begin(frame, sizeof frame, OP_READERS, false, 0);
                if (strcmp(now, "nonsense\n") == 0)
                        out_u8(&out, 0xEE);
                else
                        put_report(&out, now);
                ssize_t len = op_frame_finish(frame, &out);
                if (len < 0 || ops_send(OPS_FD, frame, (size_t)len) < 0)
                        return 0;
        }
}

static void say_ready(const char *driver, const char *trick)
{
        uint8_t frame[256];
        struct op_ready ready = {
                .seccomp = 2, .no_new_privs = 1, .simulated = strcmp(driver, "soft") == 0
        };
        snprintf(ready.driver, sizeof ready.driver, "%s",
                strcmp(trick, "other-driver") == 0 ? "nfc" : driver);
        ready.seccomp = strcmp(trick, "no-filter") == 0 ? 0 : 2;
        ready.dumpable = strcmp(trick, "dumpable") == 0;
        ready.no_new_privs = strcmp(trick, "privileges") != 0;
        struct out out = op_frame_begin(frame, sizeof frame, OP_READY, false, 0);
        op_put_ready(&out, &ready);
        ssize_t len = op_frame_finish(frame, &out);
        if (len < 0 || ops_send(OPS_FD, frame, (size_t)len) < 0)
                _exit(0);
}

/* A direct reader's helper tells of its card. */
static void say_presence(bool present)
{
        uint8_t frame[64];
        struct driver_presence presence = { .present = present, .events = 7 };
        struct out out = op_frame_begin(frame, sizeof frame, OP_PRESENCE, false, 0);
        op_put_presence(&out, &presence);
        ssize_t len = op_frame_finish(frame, &out);
        if (len < 0 || ops_send(OPS_FD, frame, (size_t)len) < 0)
                _exit(0);
}

static bool serve(const char *dir, const char *trick)
{
        uint8_t frame[OPS_FRAME_MAX], reply[OPS_FRAME_MAX];
        size_t len = 0;
        struct op_frame question;
        char note[64];
        if (ops_recv(OPS_FD, frame, sizeof frame, &len) < 0 || len == 0 ||
                op_frame_decode(frame, len, &question) < 0)
                return false;
        snprintf(note, sizeof note, "%d %u %zu\n", getpid(), question.op, question.payload.len);
        spill(dir, "asked", note, "a");
        if (strcmp(trick, "die") == 0 && question.op == OP_COUNTER)
                return false;
        if (strcmp(trick, "hang") == 0 && question.op == OP_COUNTER)
                pause();
        if (strcmp(trick, "late") == 0 && (question.op == OP_COUNTER || question.op == OP_PINPAD))
                usleep(600000);
        uint16_t id = question.id;
        if (strcmp(trick, "wrong-id") == 0 && question.op == OP_COUNTER)
                id++;
        struct out out = op_frame_begin(reply, sizeof reply, question.op, true, id);
        op_put_result(&out, question.op == OP_VERIFY ? OUTCOME_WRONG_PIN : 0, 0x9000);
        if (question.op == OP_VERIFY)
                out_u8(&out, 2);
        ssize_t total = op_frame_finish(reply, &out);
        return total > 0 && ops_send(OPS_FD, reply, (size_t)total) == 0;
}

static int play(const char *program, int argc, char **argv)
{
        char dir[256], trick[64];
        const char *driver = "";
        bool watch = false;
        snprintf(dir, sizeof dir, "%.*s", (int)(strrchr(program, '/') - program), program);
        for (int i = 1; i < argc; i++) {
                watch |= strcmp(argv[i], "--watch") == 0;
                if (strcmp(argv[i], "--driver") == 0 && i + 1 < argc)
                        driver = argv[++i];
        }
        if (watch)
                return play_watcher(dir);
        slurp(dir, "helper", trick, sizeof trick);
        spill(dir, "life", "started\n", "a");
        if (strcmp(trick, "stillborn") == 0)
                return 25;
        if (strcmp(trick, "held") == 0)
                return OUTCOME_BUSY;
        if (strcmp(trick, "gone") == 0)
                return OUTCOME_NO_READER;
        if (strcmp(trick, "slow") == 0)
                usleep(150000);
        if (strcmp(trick, "mute") != 0)
                say_ready(driver, trick);
        if (strcmp(driver, "usb") == 0)
                say_presence(strcmp(trick, "card") == 0);
        while (serve(dir, trick))
                ;
        spill(dir, "life", "ended in order\n", "a");
        return 0;
}

/* ---- the test's side ------------------------------------------------------------------------ */

struct world {
        sd_event *event;
        struct log log;
        struct config config;
        struct readers *readers;
        struct readers_watch *watch;
        char dir[64];
        unsigned int news;
        bool came;
        int outcome;
        size_t fields;
};

static struct world world;

static void on_news(void *user)
{
        (void)user;
        world.news++;
}

static void tidy(void)
{
        static const char *const names[] = { "watch", "helper", "asked", "life", "mohr-reader",
                "mohr-reader-soft", "mohr-reader-usb", "mohr-watch" };
        char path[128];
        for (size_t i = 0; i < ARRAY_LEN(names); i++) {
                snprintf(path, sizeof path, "%s/%s", world.dir, names[i]);
                unlink(path);
        }
        rmdir(world.dir);
}

/* Turns the loop until the condition holds, for at most five seconds. */
#define UNTIL(condition)                                                                           \
        do {                                                                                       \
                for (int turn_ = 0; turn_ < 1000 && !(condition); turn_++)                         \
                        assert_return_code(sd_event_run(world.event, 5000), 0);                    \
                assert_true(condition);                                                            \
        } while (0)

static void watch_says(const char *text)
{
        char path[128], fresh[128];
        spill(world.dir, "fresh", text, "w");
        snprintf(fresh, sizeof fresh, "%s/fresh", world.dir);
        snprintf(path, sizeof path, "%s/watch", world.dir);
        assert_return_code(rename(fresh, path), errno);
}

static void link_to_self(const char *self, const char *name)
{
        char link[128];
        snprintf(link, sizeof link, "%s/%s", world.dir, name);
        assert_return_code(symlink(self, link), errno);
}

static void start_drivers(char *driver, char *second, const char *watch, const char *trick)
{
        char self[256];
        world = (struct world){ .dir = "/tmp/test-readers-XXXXXX",
                .log = { .program = "test", .max = LOG_LEVEL_ERR, .fd = -1 } };
        assert_non_null(mkdtemp(world.dir));
        ssize_t n = readlink("/proc/self/exe", self, sizeof self - 1);
        assert_true(n > 0);
        self[n] = '\0';
        link_to_self(self, "mohr-reader-soft");
        link_to_self(self, "mohr-reader-usb");
        link_to_self(self, "mohr-watch");
        watch_says(watch);
        spill(world.dir, "helper", trick, "w");
        world.config = (struct config){
                .drivers = { driver, second },
                .libexecdir = world.dir,
                .card_timeout_ms = 400,
                .usb_fd = -1,
        };
        assert_return_code(sd_event_new(&world.event), 0);
        assert_int_equal(readers_new(&world.readers, world.event, &world.config, &world.log), 0);
        assert_int_equal(readers_subscribe(world.readers, &world.watch, on_news, NULL), 0);
        assert_false(readers_settled(world.readers));
        UNTIL(readers_settled(world.readers));
}

static void start(const char *watch, const char *trick)
{
        static char soft[] = "soft";
        start_drivers(soft, NULL, watch, trick);
}

static void start_direct(const char *watch, const char *trick)
{
        static char usb[] = "usb";
        start_drivers(usb, NULL, watch, trick);
}

static void stop(void)
{
        readers_watch_free(world.watch);
        readers_free(world.readers);
        sd_event_unref(world.event);
        tidy();
}

static const char *state_of(const char *name)
{
        struct reader_info info[DRIVER_READERS_MAX];
        size_t n = readers_list(world.readers, info, ARRAY_LEN(info));
        for (size_t i = 0; i < n; i++)
                if (strcmp(info[i].name, name) == 0)
                        return info[i].state;
        return "";
}

static uint32_t events_of(const char *name)
{
        struct reader_info info[DRIVER_READERS_MAX];
        size_t n = readers_list(world.readers, info, ARRAY_LEN(info));
        for (size_t i = 0; i < n; i++)
                if (strcmp(info[i].name, name) == 0)
                        return info[i].events;
        return 0;
}

static const char *backend(void)
{
        struct backend_info info = { 0 };
        assert_int_equal(readers_backends(world.readers, &info, 1), 1);
        return info.state;
}

static bool is(const char *a, const char *b)
{
        return strcmp(a, b) == 0;
}

static int take(const char *name, struct reader **ret)
{
        const char *detail;
        return readers_acquire(world.readers, name, ret, &detail);
}

static void on_reply(void *user, int outcome, uint16_t sw, struct in *fields)
{
        (void)user, (void)sw;
        assert_false(world.came);
        world.came = true;
        world.outcome = outcome;
        world.fields = in_left(fields);
}

static int call(struct reader *reader, enum op op, const char *payload)
{
        world.came = false;
        assert_int_equal(reader_call(reader, op, payload, strlen(payload), on_reply, NULL), 0);
        assert_false(world.came);
        UNTIL(world.came);
        return world.outcome;
}

/* Which process served the last operation asked. */
static pid_t last_pid(void)
{
        char asked[8192];
        size_t n = slurp(world.dir, "asked", asked, sizeof asked);
        assert_true(n > 0);
        asked[n - 1] = '\0';
        const char *line = strrchr(asked, '\n');
        return (pid_t)strtol(line ? line + 1 : asked, NULL, 10);
}

/* ---- what must hold ------------------------------------------------------------------------- */

static void readers_come_and_go_with_their_states(void **state)
{
        (void)state;
        start("A 1 0 1\nB 0 0 0\nC 1 1 5\n", "");
        assert_string_equal(state_of("A"), "card");
        assert_string_equal(state_of("B"), "empty");
        assert_string_equal(state_of("C"), "busy");
        assert_string_equal(backend(), "running");
        unsigned int news = world.news;
        watch_says("B 1 0 1\n");
        UNTIL(is(state_of("B"), "card"));
        assert_string_equal(state_of("A"), "");
        UNTIL(world.news > news);
        stop();
}

static void no_number_of_a_card_is_given_twice(void **state)
{
        (void)state;
        start("A 1 0 1\n", "");
        uint32_t first = events_of("A");
        watch_says("A 1 0 2\n");
        UNTIL(events_of("A") != first);
        uint32_t second = events_of("A");
        watch_says("");
        UNTIL(is(state_of("A"), ""));
        watch_says("A 1 0 1\n"); /* the service counts from the start again */
        UNTIL(is(state_of("A"), "card"));
        assert_true(events_of("A") != first && events_of("A") != second);
        stop();
}

static void taking_answers_by_what_is_there(void **state)
{
        (void)state;
        struct reader *reader = NULL, *other = NULL;
        const char *detail;
        start("", "");
        assert_int_equal(take(NULL, &reader), OUTCOME_NO_READER);
        watch_says("A 0 0 0\n");
        UNTIL(is(state_of("A"), "empty"));
        assert_int_equal(take(NULL, &reader), OUTCOME_NO_CARD);
        assert_int_equal(take("A", &reader), OUTCOME_NO_CARD);
        assert_int_equal(take("Z", &reader), OUTCOME_NO_READER);
        watch_says("A 1 1 1\n");
        UNTIL(is(state_of("A"), "busy"));
        assert_int_equal(take(NULL, &reader), 0); /* news of others are old: only BEGIN tells */
        reader_release(reader);
        watch_says("A 1 0 1\nB 1 0 1\n");
        UNTIL(is(state_of("B"), "card"));
        assert_int_equal(readers_acquire(world.readers, NULL, &reader, &detail), OUTCOME_BUSY);
        assert_non_null(strstr(detail, "name the reader"));
        assert_int_equal(take("B", &reader), 0);
        assert_int_equal(take("B", &other), OUTCOME_BUSY);
        assert_string_equal(state_of("B"), "in_use");
        reader_release(reader);
        assert_string_equal(state_of("B"), "card");
        watch_says("absent\n");
        UNTIL(is(backend(), "unavailable"));
        assert_int_equal(take(NULL, &reader), OUTCOME_READER_SERVICE);
        watch_says("denied\n");
        UNTIL(is(backend(), "denied"));
        assert_int_equal(
                readers_acquire(world.readers, NULL, &reader, &detail), OUTCOME_READER_SERVICE);
        assert_string_equal(detail, "the reader service denies this user");
        stop();
}

/* A device's name is its maker's invention: it must not lead a request to another reader. */
static void a_name_that_two_readers_bear_is_nobodys(void **state)
{
        (void)state;
        static char soft[] = "soft", usb[] = "usb";
        struct reader *reader = NULL;
        const char *detail = NULL;
        start_drivers(soft, usb, "A 1 0 1 /dev/a\n", "card");
        assert_int_equal(readers_acquire(world.readers, "A", &reader, &detail), OUTCOME_BUSY);
        assert_non_null(strstr(detail, "two readers have this name"));
        assert_null(reader);
        stop();
}

static void an_operation_is_answered_once(void **state)
{
        (void)state;
        struct reader *reader = NULL;
        start("A 1 0 1\n", "");
        assert_int_equal(take("A", &reader), 0);
        assert_int_equal(call(reader, OP_BEGIN, ""), 0);
        assert_true(reader_in_transaction(reader));
        assert_int_equal(call(reader, OP_COUNTER, "x"), 0);
        assert_int_equal(call(reader, OP_PIN, "1234"), 0);
        assert_int_equal(call(reader, OP_VERIFY, ""), OUTCOME_WRONG_PIN);
        assert_int_equal(world.fields, 1); /* the tries left come with the refusal */
        assert_int_equal(call(reader, OP_END, "x"), 0);
        assert_false(reader_in_transaction(reader));
        reader_release(reader);
        stop();
}

static void only_one_operation_at_a_time(void **state)
{
        (void)state;
        struct reader *reader = NULL;
        start("A 1 0 1\n", "");
        assert_int_equal(take("A", &reader), 0);
        assert_int_equal(reader_call(reader, OP_BEGIN, "", 0, on_reply, NULL), 0);
        assert_int_equal(reader_call(reader, OP_COUNTER, "", 0, on_reply, NULL), -EBUSY);
        UNTIL(world.came);
        reader_release(reader);
        stop();
}

static void a_slow_helper_is_waited_for_but_never_with_a_pin(void **state)
{
        (void)state;
        struct reader *reader = NULL;
        start("A 1 0 1\n", "slow");
        world.config.card_timeout_ms = 8000; /* the helper is waited for, not the deadline */
        assert_int_equal(take("A", &reader), 0);
        assert_true(reader_call(reader, OP_PIN, "1234", 4, on_reply, NULL) < 0);
        assert_int_equal(call(reader, OP_BEGIN, ""), 0);
        reader_release(reader);
        stop();
}

static void a_helper_that_met_a_card_is_replaced(void **state)
{
        (void)state;
        struct reader *reader = NULL;
        start("A 1 0 1\n", "");
        assert_int_equal(take("A", &reader), 0);
        assert_int_equal(call(reader, OP_BEGIN, ""), 0);
        pid_t first = last_pid();
        reader_release(reader);
        assert_int_equal(take("A", &reader), 0); /* at once: the call waits for the next helper */
        assert_int_equal(call(reader, OP_BEGIN, ""), 0);
        assert_int_not_equal(last_pid(), first);
        reader_release(reader);
        stop();
}

/* An examination told it to write, and then met no card: a helper that writes would take no PIN, and that
 * would show only once a person had typed one. */
static void a_helper_that_was_told_to_write_is_replaced(void **state)
{
        (void)state;
        struct reader *reader = NULL;
        start("A 1 0 1\n", "");
        assert_int_equal(take("A", &reader), 0);
        assert_int_equal(call(reader, OP_TRANSCRIPT, "\1"), 0);
        pid_t first = last_pid();
        reader_release(reader);
        assert_int_equal(take("A", &reader), 0);
        assert_int_equal(call(reader, OP_BEGIN, ""), 0);
        assert_int_not_equal(last_pid(), first);
        reader_release(reader);
        stop();
}

static void an_operation_past_its_deadline_costs_the_helper_its_life(void **state)
{
        (void)state;
        struct reader *reader = NULL;
        start("A 1 0 1\n", "hang");
        assert_int_equal(take("A", &reader), 0);
        assert_int_equal(call(reader, OP_BEGIN, ""), 0);
        assert_int_equal(call(reader, OP_COUNTER, "x"), OUTCOME_TIMED_OUT);
        pid_t hung = last_pid();
        assert_false(reader_in_transaction(reader));
        reader_release(reader);
        spill(world.dir, "helper", "", "w");
        assert_int_equal(take("A", &reader), 0);
        assert_int_equal(call(reader, OP_BEGIN, ""), 0);
        assert_int_not_equal(last_pid(), hung);
        assert_int_equal(kill(hung, 0), -1);
        reader_release(reader);
        stop();
}

static void a_person_at_the_readers_keys_has_more_time_than_a_card(void **state)
{
        (void)state;
        struct reader *reader = NULL;
        start("A 1 0 1\n", "late");
        assert_int_equal(take("A", &reader), 0);
        assert_int_equal(call(reader, OP_BEGIN, ""), 0);
        assert_int_equal(call(reader, OP_PINPAD, ""), 0);
        assert_true(reader_in_transaction(reader));
        assert_int_equal(call(reader, OP_COUNTER, "x"), OUTCOME_TIMED_OUT);
        reader_release(reader);
        stop();
}

static void a_helper_that_dies_lost_its_card(void **state)
{
        (void)state;
        struct reader *reader = NULL;
        start("A 1 0 1\n", "die");
        assert_int_equal(take("A", &reader), 0);
        assert_int_equal(call(reader, OP_BEGIN, ""), 0);
        uint32_t events = events_of("A");
        assert_int_equal(call(reader, OP_COUNTER, "x"), OUTCOME_CARD_REMOVED);
        assert_false(reader_in_transaction(reader));
        assert_int_not_equal(
                events_of("A"), events); /* what was known of the card is known no more */
        reader_release(reader);
        assert_int_equal(take("A", &reader), 0);
        assert_int_equal(call(reader, OP_BEGIN, ""), 0);
        reader_release(reader);
        stop();
}

static void a_reader_that_goes_under_an_operation_is_no_reader(void **state)
{
        (void)state;
        struct reader *reader = NULL;
        start("A 1 0 1\n", "hang");
        world.config.card_timeout_ms = 5000;
        assert_int_equal(take("A", &reader), 0);
        assert_int_equal(call(reader, OP_BEGIN, ""), 0);
        world.came = false;
        assert_int_equal(reader_call(reader, OP_COUNTER, "", 0, on_reply, NULL), 0);
        watch_says("");
        UNTIL(world.came);
        assert_int_equal(world.outcome, OUTCOME_NO_READER);
        assert_int_equal(call(reader, OP_BEGIN, ""), OUTCOME_NO_READER);
        reader_release(reader);
        stop();
}

static void a_service_that_goes_under_an_operation_is_that_answer(void **state)
{
        (void)state;
        struct reader *reader = NULL;
        start("A 1 0 1\n", "");
        assert_int_equal(take("A", &reader), 0);
        watch_says("die\n");
        UNTIL(is(backend(), "unavailable"));
        assert_int_equal(call(reader, OP_BEGIN, ""), OUTCOME_READER_SERVICE);
        reader_release(reader);
        watch_says("A 1 0 1\n"); /* and the watcher is started again */
        UNTIL(is(state_of("A"), "card"));
        assert_string_equal(backend(), "running");
        assert_int_equal(take("A", &reader), 0);
        assert_int_equal(call(reader, OP_BEGIN, ""), 0);
        reader_release(reader);
        stop();
}

static void an_answer_to_another_question_is_the_end(void **state)
{
        (void)state;
        struct reader *reader = NULL;
        start("A 1 0 1\n", "wrong-id");
        assert_int_equal(take("A", &reader), 0);
        assert_int_equal(call(reader, OP_BEGIN, ""), 0);
        assert_int_equal(call(reader, OP_COUNTER, "x"), OUTCOME_INTERNAL);
        reader_release(reader);
        stop();
}

static void a_watcher_that_speaks_nonsense_is_restarted(void **state)
{
        (void)state;
        start("A 1 0 1\n", "");
        watch_says("nonsense\n");
        UNTIL(is(backend(), "unavailable"));
        watch_says("A 1 0 1\n");
        UNTIL(is(backend(), "running"));
        stop();
}

static void a_service_looked_for_in_vain_is_no_news(void **state)
{
        (void)state;
        start("A 1 0 1\n", "");
        watch_says("die\n");
        UNTIL(is(backend(), "unavailable"));
        unsigned int news = world.news;
        uint64_t now, end;
        assert_return_code(sd_event_now(world.event, CLOCK_MONOTONIC, &now), 0);
        for (end = now + 800000; now < end;) { /* three or four watchers long */
                assert_return_code(sd_event_run(world.event, 50000), 0);
                assert_return_code(sd_event_now(world.event, CLOCK_MONOTONIC, &now), 0);
        }
        assert_in_range(world.news, news, news + 1); /* what was due already */
        stop();
}

static void a_helper_with_an_open_sandbox_serves_nobody(void **state)
{
        (void)state;
        static const char *const tricks[] = { "no-filter", "dumpable", "privileges",
                "other-driver" };
        for (size_t i = 0; i < ARRAY_LEN(tricks); i++) {
                struct reader *reader = NULL;
                start("A 1 0 1\n", tricks[i]);
                int r = take("A", &reader);
                if (r == 0) { /* its first frame is still on the way */
                        assert_int_equal(call(reader, OP_BEGIN, ""), OUTCOME_READER_SERVICE);
                        reader_release(reader);
                }
                assert_int_equal(take("A", &reader), OUTCOME_READER_SERVICE);
                char asked[64];
                assert_int_equal(slurp(world.dir, "asked", asked, sizeof asked), 0);
                stop();
        }
}

static void a_helper_that_never_gets_ready_is_no_endless_wait(void **state)
{
        (void)state;
        struct reader *reader = NULL;
        start("A 1 0 1\n", "mute");
        assert_int_equal(take("A", &reader), 0);
        assert_int_equal(call(reader, OP_BEGIN, ""), OUTCOME_TIMED_OUT);
        reader_release(reader);
        stop();
        start("A 1 0 1\n", "stillborn");
        assert_int_equal(take("A", &reader), 0);
        assert_true(call(reader, OP_BEGIN, "") != 0);
        reader_release(reader);
        stop();
}

static void a_release_in_the_middle_is_clean(void **state)
{
        (void)state;
        struct reader *reader = NULL;
        start("A 1 0 1\n", "hang");
        assert_int_equal(take("A", &reader), 0);
        assert_int_equal(call(reader, OP_BEGIN, ""), 0);
        world.came = false;
        assert_int_equal(reader_call(reader, OP_COUNTER, "", 0, on_reply, NULL), 0);
        reader_release(reader);
        assert_int_equal(take("A", &reader), 0);
        assert_false(world.came);
        assert_int_equal(call(reader, OP_BEGIN, ""), 0);
        reader_release(reader);
        stop();
}

static const char *why_of(const char *name)
{
        struct reader_info info[DRIVER_READERS_MAX];
        size_t n = readers_list(world.readers, info, ARRAY_LEN(info));
        for (size_t i = 0; i < n; i++)
                if (strcmp(info[i].name, name) == 0 && info[i].why)
                        return info[i].why;
        return "";
}

/* How often a line stands in what the helpers wrote of their lives. */
static unsigned int noted(const char *line)
{
        char life[8192];
        unsigned int count = 0;
        slurp(world.dir, "life", life, sizeof life);
        for (const char *at = life; (at = strstr(at, line)); at++)
                count++;
        return count;
}

static void a_direct_readers_helper_tells_of_its_card(void **state)
{
        (void)state;
        struct reader *reader = NULL;
        start_direct("A 0 0 0 /dev/a\n", "card");
        assert_string_equal(state_of("A"), "card");
        assert_int_equal(take("A", &reader), 0);
        assert_int_equal(call(reader, OP_BEGIN, ""), 0);
        reader_release(reader);
        UNTIL(noted("started") == 2);
        stop();
}

static void why_a_direct_reader_cannot_be_used_is_told(void **state)
{
        static const struct {
                const char *trick, *state, *why;
                int answer;
        } rows[] = {
                { "held", "busy", "held", OUTCOME_BUSY },
                { "gone", "unusable", "no-answer", OUTCOME_READER_SERVICE },
                { "stillborn", "unusable", "no-access", OUTCOME_READER_SERVICE },
        };
        (void)state;
        for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
                struct reader *reader = NULL;
                start_direct("A 0 0 0 /dev/a\n", rows[i].trick);
                assert_string_equal(state_of("A"), rows[i].state);
                assert_string_equal(why_of("A"), rows[i].why);
                assert_int_equal(take("A", &reader), rows[i].answer);
                spill(world.dir, "helper", "card", "w"); /* and it is tried again */
                UNTIL(is(state_of("A"), "card"));
                assert_string_equal(why_of("A"), "");
                stop();
        }
}

static void a_claimed_reader_is_left_alone_until_it_is_free(void **state)
{
        (void)state;
        start_direct("A 0 1 0 /dev/a\n", "card");
        assert_string_equal(state_of("A"), "busy");
        assert_string_equal(why_of("A"), "held");
        for (int turn = 0; turn < 100; turn++)
                assert_return_code(sd_event_run(world.event, 5000), 0);
        assert_int_equal(noted("started"), 0);
        watch_says("A 0 0 1 /dev/a\n");
        UNTIL(is(state_of("A"), "card"));
        watch_says("A 0 1 2 /dev/a\n"); /* the claim is our own helper's */
        for (int turn = 0; turn < 20; turn++)
                assert_return_code(sd_event_run(world.event, 5000), 0);
        assert_string_equal(state_of("A"), "card");
        stop();
}

static void another_device_by_an_old_name_is_another_reader(void **state)
{
        (void)state;
        start_direct("A 0 0 0 /dev/a\n", "card");
        uint32_t before = events_of("A");
        watch_says("A 0 0 0 /dev/b\n");
        UNTIL(events_of("A") != before && is(state_of("A"), "card"));
        UNTIL(noted("started") == 2);
        stop();
}

static void direct_readers_are_let_go_in_order_and_taken_again(void **state)
{
        (void)state;
        struct reader *reader = NULL;
        start_direct("A 0 0 0 /dev/a\n", "card");
        assert_int_equal(take("A", &reader), 0);
        assert_int_equal(call(reader, OP_BEGIN, ""), 0);
        world.came = false;
        readers_pause(world.readers, true);
        assert_string_equal(backend(), "paused");
        assert_string_equal(state_of("A"), "");
        UNTIL(noted("ended in order") == 1);
        assert_int_equal(call(reader, OP_COUNTER, ""), OUTCOME_NO_READER);
        reader_release(reader);
        readers_pause(world.readers, false);
        UNTIL(is(state_of("A"), "card"));
        stop();
}

/* The seat goes to another session, and the client hangs up in the same moment. */
static void who_gave_back_a_reader_that_leaves_hears_nothing(void **state)
{
        (void)state;
        struct reader *reader = NULL;
        start_direct("A 0 0 0 /dev/a\n", "card");
        assert_int_equal(take("A", &reader), 0);
        assert_int_equal(call(reader, OP_BEGIN, ""), 0);
        world.came = false;
        assert_int_equal(reader_call(reader, OP_COUNTER, "", 0, on_reply, NULL), 0);
        readers_pause(world.readers, true);
        reader_release(reader);
        UNTIL(noted("ended in order") == 1);
        assert_false(world.came);
        stop();
}

static void a_helper_that_does_not_let_go_is_killed(void **state)
{
        (void)state;
        struct reader *reader = NULL;
        start_direct("A 0 0 0 /dev/a\n", "hang");
        UNTIL(is(state_of("A"), "empty"));
        readers_pause(world.readers, true);
        readers_pause(world.readers, false);
        UNTIL(is(state_of("A"), "empty"));
        assert_int_equal(take("A", &reader), OUTCOME_NO_CARD);
        stop();
}

static void the_end_of_the_daemon_is_told_to_a_direct_readers_helper(void **state)
{
        (void)state;
        start_direct("A 0 0 0 /dev/a\n", "card");
        assert_string_equal(state_of("A"), "card");
        readers_watch_free(world.watch);
        readers_free(world.readers);
        assert_int_equal(noted("ended in order"), 1);
        sd_event_unref(world.event);
        tidy();
}

int main(int argc, char **argv)
{
        if (strstr(argv[0], "/mohr-"))
                return play(argv[0], argc, argv);
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(readers_come_and_go_with_their_states),
                cmocka_unit_test(no_number_of_a_card_is_given_twice),
                cmocka_unit_test(taking_answers_by_what_is_there),
                cmocka_unit_test(a_name_that_two_readers_bear_is_nobodys),
                cmocka_unit_test(an_operation_is_answered_once),
                cmocka_unit_test(only_one_operation_at_a_time),
                cmocka_unit_test(a_slow_helper_is_waited_for_but_never_with_a_pin),
                cmocka_unit_test(a_helper_that_met_a_card_is_replaced),
                cmocka_unit_test(a_helper_that_was_told_to_write_is_replaced),
                cmocka_unit_test(an_operation_past_its_deadline_costs_the_helper_its_life),
                cmocka_unit_test(a_person_at_the_readers_keys_has_more_time_than_a_card),
                cmocka_unit_test(a_helper_that_dies_lost_its_card),
                cmocka_unit_test(a_reader_that_goes_under_an_operation_is_no_reader),
                cmocka_unit_test(a_service_that_goes_under_an_operation_is_that_answer),
                cmocka_unit_test(an_answer_to_another_question_is_the_end),
                cmocka_unit_test(a_watcher_that_speaks_nonsense_is_restarted),
                cmocka_unit_test(a_service_looked_for_in_vain_is_no_news),
                cmocka_unit_test(a_helper_with_an_open_sandbox_serves_nobody),
                cmocka_unit_test(a_helper_that_never_gets_ready_is_no_endless_wait),
                cmocka_unit_test(a_release_in_the_middle_is_clean),
                cmocka_unit_test(who_gave_back_a_reader_that_leaves_hears_nothing),
                cmocka_unit_test(a_direct_readers_helper_tells_of_its_card),
                cmocka_unit_test(why_a_direct_reader_cannot_be_used_is_told),
                cmocka_unit_test(a_claimed_reader_is_left_alone_until_it_is_free),
                cmocka_unit_test(another_device_by_an_old_name_is_another_reader),
                cmocka_unit_test(direct_readers_are_let_go_in_order_and_taken_again),
                cmocka_unit_test(a_helper_that_does_not_let_go_is_killed),
                cmocka_unit_test(the_end_of_the_daemon_is_told_to_a_direct_readers_helper),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}

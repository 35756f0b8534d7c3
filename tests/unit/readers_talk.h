/* SPDX-License-Identifier: Apache-2.0 */
/* readers_talk.h: the supervisor with real processes: the program that includes this plays watcher and helper itself.
 *
 * A folder holds links named as the programs of soft and usb are to this program, and two files that say
 * how they behave: "watch" is what the watcher reports (it looks again every few milliseconds), "helper"
 * names one trick, which may be read at any moment. What a helper is asked goes to the file "asked", "ahead" behind what
 * was so. What it is told to read it tells.
 */
#ifndef MOHR_READERS_TALK_H
#define MOHR_READERS_TALK_H

#include "base/clock.h"
#include "daemon/readers.h"

#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/stat.h>
#include <time.h>
#include <cmocka.h>

#define PATIENT_MS 30000 /* of a card, where something comes, however busy the machine is */
#define HASTY_MS   60    /* where nothing does: once the helper has started */

/* ---- playing watcher and helper ------------------------------------------------------------- */

static inline size_t slurp(const char *dir, const char *name, char *buf, size_t cap)
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

static inline void spill(const char *dir, const char *name, const char *text, const char *mode)
{
        char path[512];
        snprintf(path, sizeof path, "%s/%s", dir, name);
        FILE *file = fopen(path, mode);
        if (!file)
                _exit(99);
        fputs(text, file);
        fclose(file);
}

static inline void put_report(struct out *out, const char *text)
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

#define SAYS_NOTHING "nothing"

static inline int play_watcher(const char *dir)
{
        char before[4096] = SAYS_NOTHING, now[4096];
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

static inline void say_ready(const char *driver, const char *trick)
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
static inline void say_presence(bool present)
{
        uint8_t frame[64];
        struct driver_presence presence = { .present = present, .events = 7 };
        struct out out = op_frame_begin(frame, sizeof frame, OP_PRESENCE, false, 0);
        op_put_presence(&out, &presence);
        ssize_t len = op_frame_finish(frame, &out);
        if (len < 0 || ops_send(OPS_FD, frame, (size_t)len) < 0)
                _exit(0);
}

/* A linked reader's helper tells of the phone first; one whose trick is "real" is no simulated one. */
static inline void say_link(const char *trick)
{
        uint8_t frame[OPS_HEADER + 256];
        struct op_link link = { .reader = "there",
                .simulated = strcmp(trick, "real") != 0,
                .asks_pin = true,
                .latency_us = 1500 };
        struct out out = op_frame_begin(frame, sizeof frame, OP_LINK, false, 0);
        op_put_link(&out, &link);
        ssize_t len = op_frame_finish(frame, &out);
        if (len < 0 || ops_send(OPS_FD, frame, (size_t)len) < 0)
                _exit(0);
}

static inline bool serve(const char *dir, const char *trick)
{
        uint8_t frame[OPS_FRAME_MAX], reply[OPS_FRAME_MAX];
        size_t len = 0;
        struct op_frame question;
        char note[64];
        if (ops_recv(OPS_FD, frame, sizeof frame, &len) < 0 || len == 0 ||
                op_frame_decode(frame, len, &question) < 0)
                return false;
        snprintf(note, sizeof note, "%d %u %zu%s\n", getpid(), question.op, question.payload.len,
                question.ahead ? " ahead" : "");
        spill(dir, "asked", note, "a");
        if (strcmp(trick, "die") == 0 && question.op == OP_COUNTER)
                return false;
        if (strcmp(trick, "stale") == 0) /* its link was gone before */
                _exit(OUTCOME_NO_READER);
        if ((strcmp(trick, "hang") == 0 || strcmp(trick, "late") == 0) && question.op == OP_COUNTER)
                pause();
        if (strcmp(trick, "late") == 0 && question.op == OP_PINPAD)
                usleep(5 * HASTY_MS * 1000);
        uint16_t id = question.id;
        if (strcmp(trick, "wrong-id") == 0 && question.op == OP_COUNTER)
                id++;
        struct out out = op_frame_begin(reply, sizeof reply, question.op, true, id);
        bool skips = (strcmp(trick, "skip") == 0 && question.ahead) ||
                     (strcmp(trick, "skip-all") == 0 && question.op != OP_BEGIN);
        int outcome = skips ? OPS_SKIPPED : question.op == OP_VERIFY ? OUTCOME_WRONG_PIN : 0;
        op_put_result(&out, outcome, 0x9000);
        if (question.op == OP_READ && !skips)
                out_bytes(&out, question.payload.data, question.payload.len);
        if (question.op == OP_VERIFY && !skips)
                out_u8(&out, 2);
        ssize_t total = op_frame_finish(reply, &out);
        return total > 0 && ops_send(OPS_FD, reply, (size_t)total) == 0;
}

static inline int play(const char *program, int argc, char **argv)
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
        if (strncmp(trick, "exit ", 5) == 0)
                return atoi(trick + 5);
        if (strcmp(trick, "slow") == 0)
                usleep(150000);
        if (strcmp(trick, "mute") != 0)
                say_ready(driver, trick);
        bool phone = strcmp(driver, "phone") == 0;
        if (phone)
                say_link(trick);
        if (phone || strcmp(driver, "usb") == 0)
                say_presence(phone || strcmp(trick, "card") == 0);
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

static inline void on_news(void *user)
{
        (void)user;
        world.news++;
}

static inline void tidy(void)
{
        static const char *const names[] = { "watch", "helper", "asked", "life", "mohr-reader",
                "mohr-reader-soft", "mohr-reader-usb", "mohr-reader-phone", "mohr-watch",
                "mohr-watch-phone" };
        char path[128];
        for (size_t i = 0; i < ARRAY_LEN(names); i++) {
                snprintf(path, sizeof path, "%s/%s", world.dir, names[i]);
                unlink(path);
        }
        rmdir(world.dir);
}

/* Turns the loop until the condition holds, for about as long as the patience is. */
#define UNTIL(condition)                                                                           \
        do {                                                                                       \
                for (int turn_ = 0; turn_ < PATIENT_MS / 5 && !(condition); turn_++)               \
                        assert_return_code(sd_event_run(world.event, 5000), 0);                    \
                assert_true(condition);                                                            \
        } while (0)

/* Whoever reads it meanwhile reads what was there or all of this. */
static inline void now_says(const char *name, const char *text)
{
        char path[128], fresh[128];
        spill(world.dir, "fresh", text, "w");
        snprintf(fresh, sizeof fresh, "%s/fresh", world.dir);
        snprintf(path, sizeof path, "%s/%s", world.dir, name);
        assert_return_code(rename(fresh, path), errno);
}

static inline void watch_says(const char *text)
{
        now_says("watch", text);
}

/* Of the helpers that start from now on. */
static inline void trick_is(const char *trick)
{
        now_says("helper", trick);
}

static inline void link_to_self(const char *self, const char *name)
{
        char link[128];
        snprintf(link, sizeof link, "%s/%s", world.dir, name);
        assert_return_code(symlink(self, link), errno);
}

/* Without waiting until all is known. */
static inline void begin_drivers(char *driver, char *second, const char *watch, const char *trick)
{
        char self[256];
        static char pairings[128]; /* an option of the driver phone */
        world = (struct world){ .dir = "/tmp/test-readers-XXXXXX",
                .log = { .program = "test", .max = LOG_LEVEL_ERR, .fd = -1 } };
        assert_non_null(mkdtemp(world.dir));
        ssize_t n = readlink("/proc/self/exe", self, sizeof self - 1);
        assert_true(n > 0);
        self[n] = '\0';
        link_to_self(self, "mohr-reader-soft");
        link_to_self(self, "mohr-reader-usb");
        link_to_self(self, "mohr-reader-phone");
        link_to_self(self, "mohr-watch");
        link_to_self(self, "mohr-watch-phone");
        snprintf(pairings, sizeof pairings, "folder=%s/a/phones", world.dir);
        watch_says(watch);
        trick_is(trick);
        world.config = (struct config){
                .drivers = { driver, second },
                .libexecdir = world.dir,
                .card_timeout_ms = PATIENT_MS,
                .usb_fd = -1,
                .phone = { pairings },
        };
        assert_return_code(sd_event_new(&world.event), 0);
        assert_int_equal(readers_new(&world.readers, world.event, &world.config, &world.log), 0);
        assert_int_equal(readers_subscribe(world.readers, &world.watch, on_news, NULL), 0);
}

static inline void start_drivers(char *driver, char *second, const char *watch, const char *trick)
{
        begin_drivers(driver, second, watch, trick);
        assert_false(readers_settled(world.readers));
        UNTIL(readers_settled(world.readers));
}

static inline void start(const char *watch, const char *trick)
{
        static char soft[] = "soft";
        start_drivers(soft, NULL, watch, trick);
}

static inline void start_direct(const char *watch, const char *trick)
{
        static char usb[] = "usb";
        start_drivers(usb, NULL, watch, trick);
}

static inline void stop(void)
{
        readers_watch_free(world.watch);
        readers_free(world.readers);
        sd_event_unref(world.event);
        tidy();
}

static inline const char *state_of(const char *name)
{
        struct reader_info info[DRIVER_READERS_MAX];
        size_t n = readers_list(world.readers, info, ARRAY_LEN(info));
        for (size_t i = 0; i < n; i++)
                if (strcmp(info[i].name, name) == 0)
                        return info[i].state;
        return "";
}

static inline uint32_t events_of(const char *name)
{
        struct reader_info info[DRIVER_READERS_MAX];
        size_t n = readers_list(world.readers, info, ARRAY_LEN(info));
        for (size_t i = 0; i < n; i++)
                if (strcmp(info[i].name, name) == 0)
                        return info[i].events;
        return 0;
}

static inline const char *backend(void)
{
        struct backend_info info = { 0 };
        assert_int_equal(readers_backends(world.readers, &info, 1), 1);
        return info.state;
}

static inline bool is(const char *a, const char *b)
{
        return strcmp(a, b) == 0;
}

static inline int take(const char *name, struct reader **ret)
{
        const char *detail;
        return readers_acquire(world.readers, name, ret, &detail);
}

static inline void on_reply(void *user, int outcome, uint16_t sw, struct in *fields)
{
        (void)user, (void)sw;
        assert_false(world.came);
        world.came = true;
        world.outcome = outcome;
        world.fields = in_left(fields);
}

static inline int call(struct reader *reader, enum op op, const char *payload)
{
        world.came = false;
        assert_int_equal(reader_call(reader, op, payload, strlen(payload), on_reply, NULL), 0);
        assert_false(world.came);
        UNTIL(world.came);
        return world.outcome;
}

/* Which process served the last operation asked. */
static inline pid_t last_pid(void)
{
        char asked[8192];
        size_t n = slurp(world.dir, "asked", asked, sizeof asked);
        assert_true(n > 0);
        asked[n - 1] = '\0';
        const char *line = strrchr(asked, '\n');
        return (pid_t)strtol(line ? line + 1 : asked, NULL, 10);
}

/* How often a line stands in what the helpers wrote of their lives. */
static inline unsigned int noted(const char *line)
{
        char life[8192];
        unsigned int count = 0;
        slurp(world.dir, "life", life, sizeof life);
        for (const char *at = life; (at = strstr(at, line)); at++)
                count++;
        return count;
}

/* Those that were told to go at `told_ms` do so by themselves, unless they need more than the second that they are given. */
static inline bool went_in_order(int64_t told_ms)
{
        return noted("ended in order") == 1 || clock_ms() - told_ms >= 1000;
}

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* test_helper_process.c: what a helper does with frames out of shape, what is left in its memory (seen in one
 * process, where the test can look), what a watcher reports, and what the filter kills it for.
 */
#include "drivers/helper/sandbox.h"
#include "tests/unit/helper_talk.h"

#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

static void the_largest_file_fits(void **state _unused_)
{
        struct talk talk;
        start(&talk);
        assert_int_equal(say(&talk, "BIR"), 0);
        struct view file = in_bytes16(&talk.fields, CARD_FILE_MAX);
        assert_int_equal(file.len, CARD_FILE_MAX);
        assert_int_equal(in_done(&talk.fields), 0);
        assert_int_equal(finish(&talk), 0);
}

/* Frames out of shape. Each way leads to the state in which the good frame would be answered. */

static const struct {
        const char *name, *way;
        uint8_t op;
        const char *payload;
        size_t len;
} malformed[] = {
        { "digits: three", "BICN", OP_PIN, "123", 3 },
        { "digits: nine", "BICN", OP_PIN, "123456789", 9 },
        { "digits: none", "BICN", OP_PIN, "", 0 },
        { "digits: a letter", "BICN", OP_PIN, "1234a678", 8 },
        { "digits: a NUL", "BICN", OP_PIN, "1234\0", 5 },
        { "new PIN: three digits", "BICN", OP_NEW_PIN, "123", 3 },
        { "new PIN: a letter", "BICN", OP_NEW_PIN, "1234a678", 8 },
        { "old PIN: nine digits", "BICNO", OP_CHANGE_PIN, "123456789", 9 },
        { "old PIN: none", "BICNO", OP_CHANGE_PIN, "", 0 },
        { "PUK: a NUL", "BICNO", OP_UNBLOCK_PIN, "1234567\0", 8 },
        { "object out of range", "BI", OP_READ, "\x09", 1 },
        { "copy out of range", "BIC", OP_COUNTER, "\x03", 1 },
        { "method out of range", "BIC", OP_METHOD, "\x01\x09", 2 },
        { "end out of range", "B", OP_END, "\x02", 1 },
        { "note: none", "B", OP_RESUME, "\0\0\0\0\x00\x00", 6 },
        { "note: long", "B", OP_RESUME, "\0\0\0\0\x00\x09notenoten", 15 },
        { "sign: no hash", "BICNDV", OP_SIGN, "\x01\x00\x00\x00", 4 },
        { "sign: short hash", "BICNDV", OP_SIGN, "\x01\x00\x00\x05hash", 8 },
        { "sign: long hash", "BICNDV", OP_SIGN, "\x01\x00\x00\x41", 4 },
        { "writing: neither on nor off", "", OP_TRANSCRIPT, "\x02", 1 },
        { "begin: a byte", "", OP_BEGIN, "\0", 1 },
        { "not a question", "", OP_READY, "", 0 },
        { "not a question", "", OP_READERS, "", 0 },
        { "a reply", "", OP_BEGIN | OPS_REPLY, "", 0 },
        { "seconds: none", "BICN", OP_PINPAD, "", 0 },
        { "seconds: many", "BICN", OP_PINPAD, "\x2e", 1 },
        { "seconds: more", "BICN", OP_PINPAD, "\x1e\x00", 2 },
        { "unknown", "", OP_COUNT, "", 0 },
};

static void a_malformed_frame_ends_the_process(void **state _unused_)
{
        struct talk talk;
        uint8_t frame[96];
        for (size_t i = 0; i < ARRAY_LEN(malformed); i++) {
                reset_fake(NULL);
                struct out payload = op_frame_begin(frame, sizeof frame, malformed[i].op, false, 0);
                out_bytes(&payload, malformed[i].payload, malformed[i].len);
                ssize_t len = op_frame_finish(frame, &payload);
                assert_true(len > 0);
                start(&talk);
                assert_int_equal(say(&talk, malformed[i].way), 0);
                int outcome = say_bytes(&talk, frame, (size_t)len);
                if (outcome != ENDED)
                        fail_msg("%s: %d", malformed[i].name, outcome);
                assert_int_equal(finish(&talk), 70);
        }
}

static void each_frame_cut_or_lengthened_ends_the_process(void **state _unused_)
{
        static const struct {
                const char *way, *letter;
        } places[] = { { "", "B" }, { "BI", "R" }, { "BIC", "N" }, { "BICND", "V" },
                { "BICNDV", "S" }, { "B", "E" } };
        struct talk talk;
        uint8_t frame[64] = { 0 };
        for (size_t i = 0; i < ARRAY_LEN(places); i++) {
                size_t len = make_frame(places[i].letter[0], frame, sizeof frame);
                for (size_t cut = 1; cut <= len + 1; cut++) {
                        if (cut == len)
                                continue;
                        reset_fake(NULL);
                        start(&talk);
                        assert_int_equal(say(&talk, places[i].way), 0);
                        assert_int_equal(say_bytes(&talk, frame, cut), ENDED);
                        assert_int_equal(finish(&talk), 70);
                }
        }
}

static void a_frame_over_the_cap_ends_the_process(void **state _unused_)
{
        static uint8_t frame[OPS_FRAME_MAX + 1] = { OPS_VERSION, OP_BEGIN, 0, 0, 0, 0, 0x4f, 0xf9 };
        struct talk talk;
        start(&talk);
        assert_int_equal(say_bytes(&talk, frame, sizeof frame), ENDED);
        assert_int_equal(finish(&talk), 70);
}

/* Memory: in one process, so that the test can look */

static bool all_zero(const uint8_t *data, size_t len)
{
        for (size_t i = 0; i < len; i++)
                if (data[i] != 0)
                        return false;
        return true;
}

static void step_word(struct session *session, const char *word)
{
        static uint8_t reply[OPS_FRAME_MAX];
        uint8_t frame[64];
        for (; *word; word++)
                assert_true(session_step(session, frame, make_frame(*word, frame, sizeof frame),
                                    reply, sizeof reply) > 0);
}

static void the_pin_is_wiped_whatever_verify_says(void **state _unused_)
{
        static const int answers[] = { 0, OUTCOME_WRONG_PIN, OUTCOME_PIN_BLOCKED,
                OUTCOME_CARD_REMOVED, -EIO };
        for (size_t i = 0; i < ARRAY_LEN(answers); i++) {
                _cleanup_session_ struct session *session = NULL;
                reset_fake(NULL);
                fake->verify = answers[i];
                assert_int_equal(session_new(&session, &fake_driver, NULL), 0);
                step_word(session, "BICNDV");
                assert_true(fake->pin_was_right);
                assert_true(all_zero(fake->pin_seen, fake->pin_len));
        }
}

static void a_new_pin_is_wiped_whatever_the_card_says(void **state _unused_)
{
        static const int answers[] = { 0, OUTCOME_WRONG_PIN, OUTCOME_CARD_REMOVED, -EIO };
        for (size_t i = 0; i < ARRAY_LEN(answers); i++) {
                _cleanup_session_ struct session *session = NULL;
                reset_fake(NULL);
                fake->verify = answers[i];
                assert_int_equal(session_new(&session, &fake_driver, NULL), 0);
                step_word(session, i % 2 ? "BICNOX" : "BICNOY");
                assert_true(fake->pin_was_right);
                assert_true(all_zero(fake->pin_seen, fake->pin_len));
        }
}

static const uint8_t *inbox_seen;
static bool inbox_was_clean;

/* The frame of VERIFY is shorter than that of the PIN before it: what is behind it must be zero. */
static int looking_transmit(
        void *reader, const uint8_t *cmd, size_t cmd_len, uint8_t *rsp, size_t cap, size_t *ret_len)
{
        if (cmd[0] == 'v')
                inbox_was_clean = all_zero(inbox_seen + OPS_HEADER, OPS_FRAME_MAX - OPS_HEADER);
        return fake_transmit(reader, cmd, cmd_len, rsp, cap, ret_len);
}

static void the_inbox_is_wiped_after_every_frame(void **state _unused_)
{
        _cleanup_secret_ struct secret *inbox = NULL;
        _cleanup_session_ struct session *session = NULL;
        static struct driver driver; /* outlives the session's cleanup */
        uint8_t frame[64];
        int pair[2];
        driver = fake_driver;
        driver.transmit = looking_transmit;
        assert_int_equal(secret_new(&inbox, OPS_FRAME_MAX), 0);
        assert_int_equal(session_new(&session, &driver, NULL), 0);
        assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair), 0);
        for (const char *word = "BICNDV"; *word; word++)
                assert_int_equal(
                        ops_send(pair[0], frame, make_frame(*word, frame, sizeof frame)), 0);
        assert_int_equal(shutdown(pair[0], SHUT_WR), 0);
        inbox_seen = inbox->data;
        inbox_was_clean = false;
        assert_int_equal(loop_serve(pair[1], session, inbox), 0);
        assert_true(inbox_was_clean);
        assert_true(fake->pin_was_right);
        assert_true(all_zero(inbox->data, inbox->cap));
        close(pair[0]);
        close(pair[1]);
}

/* The watcher */

static int watch_twice(void *watch, struct driver_reader *ret, size_t *ret_count)
{
        int *calls = watch;
        if ((*calls)++ >= 2)
                return OUTCOME_READER_SERVICE;
        ret[0] = (struct driver_reader){ .name = "Fake 00 00", .present = *calls == 2 };
        *ret_count = 1;
        return 0;
}

static void a_watcher_reports_changes_then_the_loss_and_ends(void **state _unused_)
{
        struct driver driver = { .name = "fake", .watch = watch_twice };
        static struct op_readers report;
        static uint8_t buf[OPS_FRAME_MAX];
        struct op_frame frame;
        size_t len;
        int pair[2], calls = 0;
        assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair), 0);
        assert_int_equal(loop_watch(pair[1], &driver, &calls), OUTCOME_READER_SERVICE);
        for (int i = 0; i < 3; i++) {
                assert_int_equal(ops_recv(pair[0], buf, sizeof buf, &len), 0);
                assert_int_equal(op_frame_decode(buf, len, &frame), 0);
                assert_true(frame.op == OP_READERS && !frame.reply && frame.id == 0);
                assert_int_equal(op_get_readers(frame.payload, &report), 0);
                assert_int_equal(report.outcome, i < 2 ? 0 : OUTCOME_READER_SERVICE);
                assert_int_equal(report.count, i < 2 ? 1 : 0);
                assert_int_equal(report.readers[0].present, i == 1);
        }
        close(pair[0]);
        close(pair[1]);
}

static void a_watcher_nobody_listens_to_ends_quietly(void **state _unused_)
{
        struct driver driver = { .name = "fake", .watch = watch_twice };
        int pair[2], calls = 0;
        assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair), 0);
        close(pair[0]);
        assert_int_equal(loop_watch(pair[1], &driver, &calls), 0);
        close(pair[1]);
}

/* The filter: each of these, done by a helper that a card has taken over, is its end. System calls are
 * made directly, so that no library in between changes what is asked. */

struct misdeed {
        const char *name;
        long number, args[4];
};

static const struct misdeed misdeeds[] = {
        { "open", SYS_openat, { AT_FDCWD, (long)"/etc/passwd", O_RDONLY } },
        { "socket", SYS_socket, { AF_UNIX, SOCK_STREAM } },
        { "connect", SYS_connect, { OPS_FD } },
        { "exec", SYS_execve, { (long)"/bin/true" } },
        { "fork", SYS_clone, { SIGCHLD } },
        { "trace", SYS_ptrace, { 0 } },
        { "another's memory", SYS_process_vm_readv, { 1 } },
        { "kill", SYS_kill, { 1, 0 } },
        { "ioctl", SYS_ioctl, { 0, 0x5412 /* TIOCSTI: type into the terminal */ } },
        { "write elsewhere", SYS_write, { 1, (long)"", 0 } },
        { "map executable", SYS_mmap,
                { 0, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS } },
        { "map a file", SYS_mmap, { 0, 4096, PROT_READ, MAP_PRIVATE } },
        { "make executable", SYS_mprotect, { 0, 0, PROT_EXEC } },
        { "become dumpable", SYS_prctl, { PR_SET_DUMPABLE, 1 } },
        { "outlive the parent", SYS_prctl, { PR_SET_PDEATHSIG, 0 } },
        { "pass a descriptor", SYS_sendmsg, { OPS_FD } },
};

static int commit(const char *driver, const struct misdeed *deed)
{
        const long *args = deed->args;
        pid_t pid = fork();
        assert_true(pid >= 0);
        if (pid == 0) {
                if (sandbox_close(driver) < 0)
                        _exit(99);
                (void)syscall(deed->number, args[0], args[1], args[2], args[3], -1, 0);
                syscall(SYS_exit_group, 0);
        }
        int status = 0;
        assert_int_equal(waitpid(pid, &status, 0), pid);
        return WIFSIGNALED(status) ? WTERMSIG(status) : -WEXITSTATUS(status);
}

static void the_filter_kills_whoever_leaves_its_list(void **state _unused_)
{
        static const char *const drivers[] = { "pcsc", "soft" };
        if (getenv("MOHR_VALGRIND"))
                skip(); /* the filter would meet valgrind's own calls */
        for (size_t i = 0; i < ARRAY_LEN(drivers); i++)
                for (size_t j = 0; j < ARRAY_LEN(misdeeds); j++)
                        if (commit(drivers[i], &misdeeds[j]) != SIGSYS)
                                fail_msg("%s: %s is not caught", drivers[i], misdeeds[j].name);
}

static void a_call_allowed_to_one_driver_is_not_to_the_other(void **state _unused_)
{
        const struct misdeed other_socket = { "", SYS_sendto, { OPS_FD + 1 } };
        const struct misdeed random = { "", SYS_getrandom, { 0 } };
        if (getenv("MOHR_VALGRIND"))
                skip();
        assert_int_equal(commit("pcsc", &other_socket), 0);
        assert_int_equal(commit("soft", &other_socket), SIGSYS);
        assert_int_equal(commit("pcsc", &random), SIGSYS);
        assert_int_equal(commit("soft", &random), 0);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                TEST(the_largest_file_fits),
                TEST(a_malformed_frame_ends_the_process),
                TEST(each_frame_cut_or_lengthened_ends_the_process),
                TEST(a_frame_over_the_cap_ends_the_process),
                TEST(the_pin_is_wiped_whatever_verify_says),
                TEST(a_new_pin_is_wiped_whatever_the_card_says),
                TEST(the_inbox_is_wiped_after_every_frame),
                TEST(a_watcher_reports_changes_then_the_loss_and_ends),
                TEST(a_watcher_nobody_listens_to_ends_quietly),
                TEST(the_filter_kills_whoever_leaves_its_list),
                TEST(a_call_allowed_to_one_driver_is_not_to_the_other),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}

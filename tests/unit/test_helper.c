/* SPDX-License-Identifier: Apache-2.0 */
/* test_helper.c: the helper's loop and state table, over a real socket in a forked process, and in
 * one process where the test has to see its memory. The expected table is written here a second
 * time, from the architecture, as letters: what is not in a state's word must end the process.
 */
#include "drivers/helper/loop.h"
#include "drivers/helper/sandbox.h"

#include "base/secret.h"
#include "tests/unit/fake_card.h"

#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <cmocka.h>

#define ENDED (-1) /* instead of an outcome: the helper has gone */

/* A conversation is a word: B begin, I identify, R read, C confirm, N counter, P probe, M method,
 * U resume by a note, D the digits, V verify, K the reader's keys, S sign, L clear, E end leaving, Z end resetting; n counter of another copy,
 * W write down from now on, w hand it over. */
static const struct {
        char letter;
        uint8_t op;
        const char *payload;
        size_t len;
} words[] = {
        { 'B', OP_BEGIN, "", 0 },
        { 'I', OP_IDENTIFY, "", 0 },
        { 'U', OP_RESUME, "\0\4note", 6 },
        { 'R', OP_READ, "\0", 1 },
        { 'C', OP_CONFIRM, "", 0 },
        { 'N', OP_COUNTER, "\0", 1 },
        { 'n', OP_COUNTER, "\1", 1 },
        { 'P', OP_PROBE, "", 0 },
        { 'M', OP_METHOD, "\7\0", 2 },
        { 'D', OP_PIN, FAKE_PIN, 8 },
        { 'V', OP_VERIFY, "", 0 },
        { 'K', OP_PINPAD, "\36", 1 },
        { 'S', OP_SIGN, "\7\0\0\4hash", 8 },
        { 'L', OP_CLEAR, "", 0 },
        { 'E', OP_END, "\0", 1 },
        { 'Z', OP_END, "\1", 1 },
        { 'W', OP_TRANSCRIPT, "\1", 1 },
        { 'w', OP_TRANSCRIPT, "\0", 1 },
};

static size_t make_frame(char letter, uint8_t *frame, size_t cap)
{
        size_t i = 0;
        while (words[i].letter != letter)
                assert_true(++i < ARRAY_LEN(words));
        struct out payload = op_frame_begin(frame, cap, words[i].op, false, (uint16_t)letter);
        out_bytes(&payload, words[i].payload, words[i].len);
        ssize_t len = op_frame_finish(frame, &payload);
        assert_true(len > 0);
        return (size_t)len;
}

struct talk {
        int fd;
        pid_t pid;
        uint8_t reply[OPS_FRAME_MAX];
        size_t reply_len;
        uint16_t sw;
        struct in fields;
};

static int reset_fake(void **state _unused_)
{
        void *map = fake;
        if (!map)
                map = mmap(NULL, sizeof *fake, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
                        -1, 0);
        assert_ptr_not_equal(map, MAP_FAILED);
        fake = map;
        *fake = (struct fake){ .counter = { .known = true, .tries = 3, .sw = 0x63c3 },
                .pinpad = PINPAD_VERIFY };
        return 0;
}

static int child_life(int fd)
{
        _cleanup_secret_ struct secret *inbox = NULL;
        _cleanup_session_ struct session *session = NULL;
        if (secret_new(&inbox, OPS_FRAME_MAX) < 0 || session_new(&session, &fake_driver, NULL) < 0)
                return 99;
        return loop_serve(fd, session, inbox);
}

static void start(struct talk *talk)
{
        int pair[2];
        assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), 0);
        talk->pid = fork();
        assert_true(talk->pid >= 0);
        if (talk->pid == 0) {
                close(pair[0]);
                _exit(child_life(pair[1]));
        }
        close(pair[1]);
        talk->fd = pair[0];
}

/* Closes our end, waits; the exit status, or 256 + signal. */
static int finish(struct talk *talk)
{
        int status = 0;
        close(talk->fd);
        assert_int_equal(waitpid(talk->pid, &status, 0), talk->pid);
        return WIFEXITED(status) ? WEXITSTATUS(status) : 256 + WTERMSIG(status);
}

static int say_bytes(struct talk *talk, const void *frame, size_t len)
{
        struct op_frame reply;
        int outcome;
        if (ops_send(talk->fd, frame, len) < 0)
                return ENDED;
        int r = ops_recv(talk->fd, talk->reply, sizeof talk->reply, &talk->reply_len);
        if (r < 0 || talk->reply_len == 0)
                return ENDED;
        assert_int_equal(op_frame_decode(talk->reply, talk->reply_len, &reply), 0);
        assert_true(reply.reply);
        assert_int_equal(reply.op, ((const uint8_t *)frame)[1]);
        assert_int_equal(reply.id, ((const uint8_t *)frame)[3]);
        talk->fields = in_new(reply.payload.data, reply.payload.len);
        assert_int_equal(op_get_result(&talk->fields, &outcome, &talk->sw), 0);
        return outcome;
}

/* Says a whole word; the outcome of its last letter. */
static int say(struct talk *talk, const char *word)
{
        int outcome = 0;
        uint8_t frame[64];
        for (; *word; word++)
                outcome = say_bytes(talk, frame, make_frame(*word, frame, sizeof frame));
        return outcome;
}

static void expect_asked(const char *letters)
{
        fake->asked[fake->asked_len] = '\0';
        assert_string_equal(fake->asked, letters);
}

/* The table once more */

static const struct {
        const char *name, *way, *allowed;
} states[] = {
        { "idle", "", "BWw" },
        { "open", "B", "IUEZ" },
        { "identified", "BI", "RCLEZ" },
        { "resumed", "BU", "RCLEZ" },
        { "confirmed", "BIC", "RCNnPMLEZ" },
        { "counted", "BICN", "RCNnPMDKLEZ" },
        { "armed", "BICND", "VLEZ" },
        { "verified", "BICNDV", "SLEZ" },
        { "signed", "BICNDVS", "SLEZ" },
        { "verified by keys", "BICNK", "SLEZ" },
        { "cleared", "BICNDVL", "RCNnPMLEZ" },
        { "ended", "BICNDVE", "BWw" },
        { "counted again", "BICNDVLN", "RCNnPMLEZ" },
        { "counted again after keys", "BICNKLN", "RCNnPMLEZ" },
        { "writing", "W", "BWw" },
        { "writing, counted", "WBICN", "RCNnPMLEZ" },
        { "written", "WBICEwBN", "RCNnPMDKLEZ" },
};

static void each_operation_in_each_state_is_answered_or_ends_the_process(void **state)
{
        struct talk talk;
        for (size_t i = 0; i < ARRAY_LEN(states); i++)
                for (size_t j = 0; j < ARRAY_LEN(words); j++) {
                        char letter[2] = { words[j].letter };
                        bool allowed = strchr(states[i].allowed, letter[0]) != NULL;
                        reset_fake(state);
                        start(&talk);
                        assert_int_equal(say(&talk, states[i].way), 0);
                        int outcome = say(&talk, letter);
                        int status = finish(&talk);
                        if (outcome != (allowed ? 0 : ENDED))
                                fail_msg("%s, %s: %d", states[i].name, letter, outcome);
                        assert_int_equal(status, allowed ? 0 : 70);
                        assert_false(fake->open);
                        assert_false(fake->verified);
                }
}

static void a_pin_is_never_accepted_twice(void **state _unused_)
{
        struct talk talk;
        static const char *const tries[] = { "BICNDVEBD", "BICNDVEBICND", "BICNDVLND", "BICNDD",
                "BICNDVV" };
        for (size_t i = 0; i < ARRAY_LEN(tries); i++)
                for (int verify = 0; verify <= OUTCOME_WRONG_PIN; verify += OUTCOME_WRONG_PIN) {
                        reset_fake(NULL);
                        fake->verify = verify;
                        start(&talk);
                        assert_int_equal(say(&talk, tries[i]), ENDED);
                        assert_int_equal(finish(&talk), 70);
                        assert_true(fake->verifies <= 1);
                }
}

static void a_wrong_pin_tells_the_tries_and_spends_the_process(void **state _unused_)
{
        struct talk talk;
        fake->verify = OUTCOME_WRONG_PIN;
        start(&talk);
        assert_int_equal(say(&talk, "BICNDV"), OUTCOME_WRONG_PIN);
        assert_int_equal(talk.sw, 0x9000);
        assert_int_equal(in_u8(&talk.fields), 2);
        assert_int_equal(in_done(&talk.fields), 0);
        assert_int_equal(say(&talk, "ND"), ENDED);
        assert_int_equal(finish(&talk), 70);
        expect_asked("<icvc!");
}

static void keys_that_are_not_there_cannot_be_used(void **state _unused_)
{
        static const uint8_t without[] = { 0, PINPAD_MODIFY, PINPAD_DISPLAY };
        struct talk talk;
        for (size_t i = 0; i < ARRAY_LEN(without); i++) {
                reset_fake(NULL);
                fake->pinpad = without[i];
                start(&talk);
                assert_int_equal(say(&talk, "BICN"), 0);
                assert_int_equal(say(&talk, "K"), ENDED);
                assert_int_equal(finish(&talk), 70);
                assert_int_equal(fake->verifies, 0);
        }
}

static void the_keys_are_asked_once_whatever_came_of_it(void **state _unused_)
{
        static const int outcomes[] = { 0, OUTCOME_WRONG_PIN, OUTCOME_TIMED_OUT, OUTCOME_REFUSED };
        static const char *const again[] = { "K", "NK", "ND", "LNK", "LND" };
        struct talk talk;
        for (size_t i = 0; i < ARRAY_LEN(outcomes); i++)
                for (size_t j = 0; j < ARRAY_LEN(again); j++) {
                        reset_fake(NULL);
                        fake->verify = outcomes[i];
                        start(&talk);
                        assert_int_equal(say(&talk, "BICNK"), outcomes[i]);
                        assert_int_equal(in_u8(&talk.fields), outcomes[i] ? 2 : 3);
                        assert_int_equal(in_done(&talk.fields), 0);
                        assert_int_equal(say(&talk, again[j]), ENDED);
                        assert_int_equal(finish(&talk), 70);
                        assert_int_equal(fake->verifies, 1);
                        assert_int_equal(fake->asked[fake->asked_len - 1], '!');
                }
}

static void the_keys_need_the_counter_of_this_transaction(void **state _unused_)
{
        static const char *const tries[] = { "BICK", "BICnK", "BICNEBK", "BICNLK" };
        struct talk talk;
        for (size_t i = 0; i < ARRAY_LEN(tries); i++) {
                reset_fake(NULL);
                start(&talk);
                assert_int_equal(say(&talk, tries[i]), ENDED);
                assert_int_equal(finish(&talk), 70);
                assert_int_equal(fake->verifies, 0);
        }
}

static void a_reader_that_fails_at_the_keys_has_lost_its_card(void **state _unused_)
{
        struct talk talk;
        start(&talk);
        assert_int_equal(say(&talk, "BICN"), 0);
        fake->mumbles = true;
        assert_int_equal(say(&talk, "K"), OUTCOME_CARD_REMOVED);
        fake->mumbles = false;
        assert_int_equal(say(&talk, "R"), OUTCOME_CARD_REMOVED);
        assert_int_equal(say(&talk, "E"), 0);
        assert_int_equal(finish(&talk), 0);
        expect_asked("<ick!");
}

static void a_reader_is_told_what_to_ask_in_a_language_of_its_own(void **state _unused_)
{
        struct talk talk;
        start(&talk);
        assert_int_equal(say(&talk, "BICNK"), 0);
        assert_int_equal(finish(&talk), 0);
        assert_int_equal(fake->how.p2, 0x81);
        assert_int_equal(fake->how.language, 0x0409);
        assert_int_equal(fake->how.seconds, 30);
}

static void a_cleared_pin_may_be_sent_again_since_no_try_was_spent(void **state _unused_)
{
        struct talk talk;
        start(&talk);
        assert_int_equal(say(&talk, "BICNDLNDV"), 0);
        assert_int_equal(finish(&talk), 0);
        assert_true(fake->pin_was_right);
        assert_int_equal(fake->verifies, 1);
}

static void a_pin_needs_the_counter_of_this_transaction(void **state _unused_)
{
        struct talk talk;
        static const char *const tries[] = { "BICD", "BICnD", "BICNEBD", "BICNLD" };
        for (size_t i = 0; i < ARRAY_LEN(tries); i++) {
                reset_fake(NULL);
                start(&talk);
                assert_int_equal(say(&talk, tries[i]), ENDED);
                assert_int_equal(finish(&talk), 70);
        }
}

static void a_pin_needs_a_known_counter_with_a_try_left(void **state _unused_)
{
        struct talk talk;
        static const struct pin_counter bad[] = { { true, 0, 0x6983 }, { false, 3, 0x6f00 } };
        for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
                reset_fake(NULL);
                fake->counter = bad[i];
                start(&talk);
                assert_int_equal(say(&talk, "BICN"), 0);
                assert_int_equal(say(&talk, "D"), ENDED);
                assert_int_equal(finish(&talk), 70);
        }
}

static void an_unsupported_card_cannot_be_confirmed(void **state _unused_)
{
        struct talk talk;
        fake->unsupported = true;
        start(&talk);
        assert_int_equal(say(&talk, "BIR"), 0);
        assert_int_equal(say(&talk, "C"), ENDED);
        assert_int_equal(finish(&talk), 70);
}

static void the_same_card_resumes_confirmed(void **state _unused_)
{
        struct talk talk;
        start(&talk);
        assert_int_equal(say(&talk, "BIRCNPE"), 0);
        assert_int_equal(say(&talk, "BNDVSSLZ"), 0);
        assert_int_equal(finish(&talk), 0);
        expect_asked("<ircp><fcvssx!");
}

static void the_same_card_resumes_identified(void **state _unused_)
{
        struct talk talk;
        start(&talk);
        assert_int_equal(say(&talk, "BIEBRE"), 0);
        assert_int_equal(say(&talk, "BI"), ENDED);
        assert_int_equal(finish(&talk), 70);
}

static void a_note_stands_for_identifying(void **state _unused_)
{
        struct talk talk;
        start(&talk);
        assert_int_equal(say(&talk, "BIC"), 0);
        struct view note = in_bytes16(&talk.fields, CARD_NOTE_MAX);
        assert_true(view_eq(note, "note", 4));
        assert_int_equal(in_done(&talk.fields), 0);
        assert_int_equal(finish(&talk), 0);
        reset_fake(NULL);
        start(&talk);
        assert_int_equal(say(&talk, "BUCNDVSZ"), 0);
        assert_int_equal(finish(&talk), 0);
        expect_asked("<cvs!");
}

static void a_note_that_does_not_fit_leaves_the_long_way(void **state _unused_)
{
        static const uint8_t foreign[] = { OPS_VERSION, OP_RESUME, 0, 1, 0, 0, 0, 3, 0, 1, 'x' };
        struct talk talk;
        start(&talk);
        assert_int_equal(say(&talk, "B"), 0);
        assert_int_equal(say_bytes(&talk, foreign, sizeof foreign), OUTCOME_CARD_NOT_SUPPORTED);
        assert_int_equal(say(&talk, "IC"), 0);
        assert_int_equal(finish(&talk), 0);
}

static enum card_event begun_event(struct talk *talk)
{
        struct driver_card card;
        assert_int_equal(op_get_card(&talk->fields, &card), 0);
        return card.event;
}

static void a_card_that_was_reset_or_exchanged_starts_over(void **state _unused_)
{
        struct talk talk;
        for (enum card_event event = CARD_WAS_RESET; event <= CARD_IS_NEW; event++) {
                reset_fake(NULL);
                fake->event = event;
                start(&talk);
                assert_int_equal(say(&talk, "BICEB"), 0);
                assert_int_equal(begun_event(&talk), event);
                assert_int_equal(say(&talk, "N"), ENDED);
                assert_int_equal(finish(&talk), 70);
        }
}

static void another_atr_is_another_card_whatever_the_driver_says(void **state _unused_)
{
        struct talk talk;
        fake->other_atr = true;
        start(&talk);
        assert_int_equal(say(&talk, "BICEB"), 0);
        assert_int_equal(begun_event(&talk), CARD_IS_NEW);
        assert_int_equal(say(&talk, "N"), ENDED);
        assert_int_equal(finish(&talk), 70);
}

static void our_own_reset_starts_over_too(void **state _unused_)
{
        struct talk talk;
        start(&talk);
        assert_int_equal(say(&talk, "BICZB"), 0);
        assert_int_equal(begun_event(&talk), CARD_WAS_RESET);
        assert_int_equal(say(&talk, "N"), ENDED);
        assert_int_equal(finish(&talk), 70);
}

/* Somebody else's PIN at work: locked by a reset, and no PIN before the card showed itself again. */
static void a_card_left_unlocked_is_locked_before_anything_else(void **state _unused_)
{
        struct talk talk;
        struct pin_counter counter;
        fake->unlocked = 1;
        start(&talk);
        assert_int_equal(say(&talk, "BICN"), 0);
        assert_int_equal(op_get_counter(&talk.fields, &counter), 0);
        assert_true(counter.known);
        assert_int_equal(say(&talk, "PEB"), 0);
        assert_int_equal(begun_event(&talk), CARD_WAS_RESET);
        assert_int_equal(say(&talk, "IRCNDVSZ"), 0);
        assert_int_equal(finish(&talk), 0);
        expect_asked("<ic!<fcp><ircvs!");
        reset_fake(NULL);
        fake->unlocked = 1;
        start(&talk);
        assert_int_equal(say(&talk, "BICN"), 0);
        assert_int_equal(say(&talk, "D"), ENDED); /* not in this transaction */
        assert_int_equal(finish(&talk), 70);
}

static void a_card_that_stays_unlocked_is_told_as_it_is(void **state _unused_)
{
        struct talk talk;
        struct pin_counter counter;
        fake->unlocked = 2;
        start(&talk);
        assert_int_equal(say(&talk, "BICN"), 0);
        assert_int_equal(op_get_counter(&talk.fields, &counter), 0);
        assert_false(counter.known);
        assert_int_equal(counter.sw, 0x9000);
        assert_int_equal(say(&talk, "D"), ENDED);
        assert_int_equal(finish(&talk), 70);
        expect_asked("<ic!<fc>");
}

static void only_the_first_look_locks_a_card(void **state _unused_)
{
        struct talk talk;
        struct pin_counter counter;
        start(&talk);
        assert_int_equal(say(&talk, "BICNE"), 0);
        fake->unlocked = 1;
        assert_int_equal(say(&talk, "BN"), 0);
        assert_int_equal(op_get_counter(&talk.fields, &counter), 0);
        assert_false(counter.known);
        assert_int_equal(say(&talk, "Z"), 0);
        assert_int_equal(finish(&talk), 0);
        expect_asked("<ic><fc!");
}

static void another_card_under_that_reset_is_not_asked(void **state _unused_)
{
        for (int how = 0; how < 2; how++) {
                struct talk talk;
                reset_fake(NULL);
                fake->unlocked = 1;
                fake->later_insertion = how == 0;
                fake->other_atr = how == 1;
                start(&talk);
                assert_int_equal(say(&talk, "BICN"), OUTCOME_CARD_REMOVED);
                assert_int_equal(say(&talk, "N"), OUTCOME_CARD_REMOVED);
                assert_int_equal(say(&talk, "E"), 0);
                assert_int_equal(finish(&talk), 0);
        }
}

static void after_a_failed_exchange_nothing_goes_to_the_card(void **state _unused_)
{
        struct talk talk;
        start(&talk);
        assert_int_equal(say(&talk, "BIC"), 0);
        fake->transmit = OUTCOME_CARD_REMOVED;
        assert_int_equal(say(&talk, "N"), OUTCOME_CARD_REMOVED);
        fake->transmit = 0;
        assert_int_equal(say(&talk, "N"), OUTCOME_CARD_REMOVED);
        assert_int_equal(say(&talk, "R"), OUTCOME_CARD_REMOVED);
        assert_int_equal(say(&talk, "EB"), 0);
        assert_int_equal(begun_event(&talk), CARD_WAS_RESET);
        assert_int_equal(say(&talk, "IC"), 0);
        assert_int_equal(finish(&talk), 0);
        expect_asked("<ic><i>");
}

static void an_answer_without_a_status_word_is_a_lost_card(void **state _unused_)
{
        struct talk talk;
        fake->mumbles = true;
        start(&talk);
        assert_int_equal(say(&talk, "BI"), OUTCOME_CARD_REMOVED);
        fake->mumbles = false;
        assert_int_equal(say(&talk, "I"), OUTCOME_CARD_REMOVED);
        assert_int_equal(say(&talk, "EBI"), 0);
        assert_int_equal(finish(&talk), 0);
        expect_asked("<i><i>");
}

static void end_after_verify_is_a_reset_whatever_was_asked(void **state _unused_)
{
        struct talk talk;
        static const char *const ways[] = { "BICNDVE", "BICNDVSE", "BICNDVLE" };
        for (size_t i = 0; i < ARRAY_LEN(ways); i++)
                for (int verify = 0; verify <= OUTCOME_WRONG_PIN; verify += OUTCOME_WRONG_PIN) {
                        reset_fake(NULL);
                        fake->verify = verify;
                        start(&talk);
                        (void)say(&talk, ways[i]);
                        (void)finish(&talk);
                        assert_int_equal(fake->asked[fake->asked_len - 1], '!');
                }
}

static void a_closed_channel_ends_the_transaction(void **state _unused_)
{
        struct talk talk;
        static const struct {
                const char *way;
                char last;
        } ends[] = { { "BIC", '>' }, { "BICND", '>' }, { "BICNDV", '!' }, { "BICNDVS", '!' } };
        for (size_t i = 0; i < ARRAY_LEN(ends); i++) {
                reset_fake(NULL);
                start(&talk);
                assert_int_equal(say(&talk, ends[i].way), 0);
                assert_int_equal(finish(&talk), 0);
                assert_int_equal(fake->asked[fake->asked_len - 1], ends[i].last);
        }
}

static void a_busy_reader_is_an_answer_and_a_lost_one_the_end(void **state _unused_)
{
        struct talk talk;
        static const struct {
                int outcome, status;
        } begins[] = { { OUTCOME_BUSY, 0 }, { OUTCOME_NO_CARD, 0 }, { OUTCOME_NO_READER, 10 },
                { OUTCOME_READER_SERVICE, 25 } };
        for (size_t i = 0; i < ARRAY_LEN(begins); i++) {
                reset_fake(NULL);
                fake->begin = begins[i].outcome;
                start(&talk);
                assert_int_equal(say(&talk, "B"), begins[i].outcome);
                assert_int_equal(say(&talk, "B"), begins[i].status ? ENDED : begins[i].outcome);
                assert_int_equal(finish(&talk), begins[i].status);
        }
}

static void a_broken_driver_is_internal_and_not_the_end(void **state _unused_)
{
        struct talk talk;
        fake->transmit = -EIO;
        start(&talk);
        assert_int_equal(say(&talk, "BI"), OUTCOME_INTERNAL);
        assert_int_equal(say(&talk, "E"), 0);
        assert_int_equal(finish(&talk), 0);
}

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
        { "object out of range", "BI", OP_READ, "\x09", 1 },
        { "copy out of range", "BIC", OP_COUNTER, "\x03", 1 },
        { "method out of range", "BIC", OP_METHOD, "\x01\x06", 2 },
        { "end out of range", "B", OP_END, "\x02", 1 },
        { "note: none", "B", OP_RESUME, "\x00\x00", 2 },
        { "note: long", "B", OP_RESUME, "\x00\x09notenoten", 11 },
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

#define TEST(name) cmocka_unit_test_setup(name, reset_fake)

int main(void)
{
        const struct CMUnitTest tests[] = {
                TEST(each_operation_in_each_state_is_answered_or_ends_the_process),
                TEST(a_pin_is_never_accepted_twice),
                TEST(a_wrong_pin_tells_the_tries_and_spends_the_process),
                TEST(keys_that_are_not_there_cannot_be_used),
                TEST(the_keys_are_asked_once_whatever_came_of_it),
                TEST(the_keys_need_the_counter_of_this_transaction),
                TEST(a_reader_that_fails_at_the_keys_has_lost_its_card),
                TEST(a_reader_is_told_what_to_ask_in_a_language_of_its_own),
                TEST(a_cleared_pin_may_be_sent_again_since_no_try_was_spent),
                TEST(a_pin_needs_the_counter_of_this_transaction),
                TEST(a_pin_needs_a_known_counter_with_a_try_left),
                TEST(an_unsupported_card_cannot_be_confirmed),
                TEST(the_same_card_resumes_confirmed),
                TEST(the_same_card_resumes_identified),
                TEST(a_note_stands_for_identifying),
                TEST(a_note_that_does_not_fit_leaves_the_long_way),
                TEST(a_card_that_was_reset_or_exchanged_starts_over),
                TEST(another_atr_is_another_card_whatever_the_driver_says),
                TEST(our_own_reset_starts_over_too),
                TEST(a_card_left_unlocked_is_locked_before_anything_else),
                TEST(a_card_that_stays_unlocked_is_told_as_it_is),
                TEST(only_the_first_look_locks_a_card),
                TEST(another_card_under_that_reset_is_not_asked),
                TEST(after_a_failed_exchange_nothing_goes_to_the_card),
                TEST(an_answer_without_a_status_word_is_a_lost_card),
                TEST(end_after_verify_is_a_reset_whatever_was_asked),
                TEST(a_closed_channel_ends_the_transaction),
                TEST(a_busy_reader_is_an_answer_and_a_lost_one_the_end),
                TEST(a_broken_driver_is_internal_and_not_the_end),
                TEST(the_largest_file_fits),
                TEST(a_malformed_frame_ends_the_process),
                TEST(each_frame_cut_or_lengthened_ends_the_process),
                TEST(a_frame_over_the_cap_ends_the_process),
                TEST(the_pin_is_wiped_whatever_verify_says),
                TEST(the_inbox_is_wiped_after_every_frame),
                TEST(a_watcher_reports_changes_then_the_loss_and_ends),
                TEST(a_watcher_nobody_listens_to_ends_quietly),
                TEST(the_filter_kills_whoever_leaves_its_list),
                TEST(a_call_allowed_to_one_driver_is_not_to_the_other),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* helper_talk.h: talking with a helper that is this program's own child: a conversation is a word, one letter
 * for each operation. For the helper's tests; included once per program.
 */
#ifndef MOHR_HELPER_TALK_H
#define MOHR_HELPER_TALK_H

#include "drivers/helper/loop.h"

#include "base/secret.h"
#include "tests/unit/fake_card.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <cmocka.h>

#define ENDED (-1) /* instead of an outcome: the helper has gone */

/* A conversation is a word: B begin, I identify, R read, C confirm, N counter, P probe, M method,
 * U resume by a note, D the digits, V verify, K the reader's keys, S sign, L clear, E end leaving, Z end resetting; n counter of another copy,
 * - the next one is asked ahead;
 * Q confirm with the right for the key that makes assertions, q with a word nobody knows;
 * W write down from now on, w hand it over; O a new PIN, X that it takes the old one's place, Y the same by the PUK. */
static const struct {
        char letter;
        uint8_t op;
        const char *payload;
        size_t len;
} words[] = {
        { 'B', OP_BEGIN, "", 0 },
        { 'I', OP_IDENTIFY, "", 0 },
        { 'U', OP_RESUME, "\0\0\0\0\0\4note", 10 },
        { 'R', OP_READ, "\0", 1 },
        { 'C', OP_CONFIRM, "\0", 1 },
        { 'Q', OP_CONFIRM, "\1", 1 },
        { 'q', OP_CONFIRM, "\2", 1 },
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
        { 'O', OP_NEW_PIN, FAKE_NEW_PIN, 8 },
        { 'X', OP_CHANGE_PIN, FAKE_PIN, 8 },
        { 'Y', OP_UNBLOCK_PIN, FAKE_PIN, 8 },
};

static inline size_t make_frame_ahead(char letter, uint8_t ahead, uint8_t *frame, size_t cap)
{
        size_t i = 0;
        while (words[i].letter != letter)
                assert_true(++i < ARRAY_LEN(words));
        struct out payload =
                op_frame_begin(frame, cap, words[i].op | ahead, false, (uint16_t)letter);
        out_bytes(&payload, words[i].payload, words[i].len);
        ssize_t len = op_frame_finish(frame, &payload);
        assert_true(len > 0);
        return (size_t)len;
}

static inline size_t make_frame(char letter, uint8_t *frame, size_t cap)
{
        return make_frame_ahead(letter, 0, frame, cap);
}

struct talk {
        int fd;
        pid_t pid;
        uint8_t reply[OPS_FRAME_MAX];
        size_t reply_len;
        uint16_t sw;
        struct in fields;
};

static inline int reset_fake(void **state _unused_)
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

static inline int child_life(int fd)
{
        _cleanup_secret_ struct secret *inbox = NULL;
        _cleanup_session_ struct session *session = NULL;
        if (secret_new(&inbox, OPS_FRAME_MAX) < 0 || session_new(&session, &fake_driver, NULL) < 0)
                return 99;
        return loop_serve(fd, session, inbox);
}

static inline void start(struct talk *talk)
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
static inline int finish(struct talk *talk)
{
        int status = 0;
        close(talk->fd);
        assert_int_equal(waitpid(talk->pid, &status, 0), talk->pid);
        return WIFEXITED(status) ? WEXITSTATUS(status) : 256 + WTERMSIG(status);
}

static inline int say_bytes(struct talk *talk, const void *frame, size_t len)
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
        assert_int_equal(reply.op, ((const uint8_t *)frame)[1] & OPS_OP);
        assert_int_equal(reply.id, ((const uint8_t *)frame)[3]);
        talk->fields = in_new(reply.payload.data, reply.payload.len);
        assert_int_equal(op_get_result(&talk->fields, &outcome, &talk->sw), 0);
        return outcome;
}

/* Says a whole word; the outcome of its last letter. */
static inline int say(struct talk *talk, const char *word)
{
        int outcome = 0;
        uint8_t frame[64];
        for (; *word; word++) {
                uint8_t ahead = *word == '-' ? OPS_AHEAD : 0;
                word += ahead ? 1 : 0;
                size_t len = make_frame_ahead(*word, ahead, frame, sizeof frame);
                outcome = say_bytes(talk, frame, len);
        }
        return outcome;
}

static inline void expect_asked(const char *letters)
{
        fake->asked[fake->asked_len] = '\0';
        assert_string_equal(fake->asked, letters);
}

#define TEST(name) cmocka_unit_test_setup(name, reset_fake)

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* test_relay_visit.c: what a paired computer, however hostile, gets a phone to do to a card: each operation in each state, asked
 * in its turn and ahead; and what a PIN may come by. The reader is a list of what reached it.
 */
#include "daemon/relay/host.h"

#include "base/outcome.h"
#include "daemon/gate.h"
#include "daemon/prompt/question.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#define PASSED_MAX 64

struct rig {
        struct visit *visit;
        struct visit_world world;
        bool lends, deaf, told_sent;
        const char *reader;
        struct visit_notes notes;
        size_t note_len; /* of the card's */
        /* the reader */
        int take_outcome;
        bool taken, holding, dies;
        unsigned int gives;
        struct {
                uint8_t op;
                bool ahead;
                size_t len;
                uint8_t payload[16];
        } passed[PASSED_MAX];
        size_t passed_count;
        reader_done done;
        void *done_user;
        uint8_t pinpad;
        int tries, left; /* after a VERIFY; as the counter of the PIN that signs tells */
        /* the computer */
        struct op_frame answer; /* the last one */
        uint8_t answer_bytes[OPS_FRAME_MAX];
        int outcome;
        uint16_t sw;
        size_t answers;
        enum link_reason over;
        /* the person */
        visit_answered answered;
        struct visit_question question;
        bool asked, hushed;
        enum visit_news news[16];
        size_t news_count;
};

/* ---- the world ------------------------------------------------------------------------------- */

static int fake_send(void *user, enum link_type type, const void *body, size_t len)
{
        struct rig *rig = user;
        assert_int_equal(type, LINK_OP);
        memcpy(rig->answer_bytes, body, len);
        assert_int_equal(op_frame_decode(rig->answer_bytes, len, &rig->answer), 0);
        assert_true(rig->answer.reply);
        struct in in = in_new(rig->answer.payload.data, rig->answer.payload.len);
        assert_int_equal(op_get_result(&in, &rig->outcome, &rig->sw), 0);
        rig->answers++;
        return 0;
}

static int fake_take(void *user)
{
        struct rig *rig = user;
        assert_false(rig->taken);
        rig->taken = rig->take_outcome == 0;
        return rig->take_outcome;
}

static void fake_give(void *user)
{
        struct rig *rig = user;
        assert_true(rig->taken);
        rig->taken = rig->holding = false;
        rig->done = NULL;
        rig->gives++;
}

static bool fake_holds(void *user)
{
        struct rig *rig = user;
        return rig->holding;
}

static int fake_pass(void *user, enum op op, bool ahead, const void *payload, size_t len,
        reader_done done, void *done_user)
{
        struct rig *rig = user;
        assert_true(rig->taken);
        assert_null(rig->done); /* one at a time */
        assert_true(rig->passed_count < PASSED_MAX);
        rig->passed[rig->passed_count].op = (uint8_t)op;
        rig->passed[rig->passed_count].ahead = ahead;
        rig->passed[rig->passed_count].len = len;
        if (len > 0)
                memcpy(rig->passed[rig->passed_count].payload, payload, base_min(len, 16));
        rig->passed_count++;
        rig->done = done;
        rig->done_user = done_user;
        return 0;
}

static int fake_ask(void *user, const struct visit_question *question, visit_answered answered,
        struct visit *visit _unused_)
{
        struct rig *rig = user;
        rig->question = *question;
        rig->answered = answered;
        rig->asked = true;
        return 0;
}

static void fake_hush(void *user)
{
        struct rig *rig = user;
        rig->hushed = true;
}

static int fake_judge(void *user _unused_, struct view payload, struct announced **ret)
{
        const struct announced_by by = { "Counter 3", NULL, 0 };
        const char *detail;
        return announced_take(ret, payload, &by, &detail);
}

static void fake_tell(
        void *user, enum visit_news news, const struct announced *what _unused_, int tries _unused_)
{
        struct rig *rig = user;
        /* Who writes may have to wait: not with a card that may be verified. */
        assert_false(rig->holding && news != VISIT_ASKS && news != VISIT_NOT_SENT);
        if (rig->news_count < ARRAY_LEN(rig->news))
                rig->news[rig->news_count++] = news;
}

static void fake_over(void *user, enum link_reason reason)
{
        struct rig *rig = user;
        assert_int_equal(rig->over, LINK_REASONS); /* told once */
        rig->over = reason;
}

static const char *fake_reader(void *user)
{
        const struct rig *rig = user;
        return rig->reader;
}

/* Before the card hears anything. */
static int fake_sending(void *user, bool sent)
{
        struct rig *rig = user;
        uint8_t last = rig->passed[rig->passed_count - 1].op;
        assert_true(!sent || (last != OP_VERIFY && last != OP_PINPAD));
        if (sent && rig->deaf)
                return -EPIPE;
        rig->told_sent = sent;
        return 0;
}

static bool fake_lends(void *user)
{
        const struct rig *rig = user;
        return rig->lends;
}

static const struct visit_world world = { fake_send, fake_take, fake_give, fake_holds, fake_pass,
        NULL, fake_hush, fake_judge, fake_tell, fake_over, fake_reader, fake_lends, fake_sending };

static struct rig *rig_new(bool asks)
{
        struct rig *rig = calloc(1, sizeof *rig);
        assert_non_null(rig);
        rig->world = world;
        rig->world.ask = asks ? fake_ask : NULL;
        rig->over = LINK_REASONS;
        rig->tries = rig->left = 3;
        rig->reader = "A";
        assert_int_equal(visit_new(&rig->visit, &rig->world, rig), 0);
        rig->notes.list[0] =
                (struct visit_note){ .reader = "A", .insertion = 7, .len = 1, .bytes = { 9 } };
        rig->notes.next = 1;
        visit_remember(rig->visit, &rig->notes);
        return rig;
}

static void rig_free(struct rig *rig)
{
        visit_free(rig->visit);
        assert_false(rig->taken);
        free(rig);
}

/* ---- the computer ---------------------------------------------------------------------------- */

static enum link_reason say(
        struct rig *rig, uint8_t op, bool ahead, const void *payload, size_t len)
{
        uint8_t frame[OPS_FRAME_MAX];
        struct out out = op_frame_begin(frame, sizeof frame, op, false, 7);
        out_bytes(&out, payload, len);
        ssize_t total = op_frame_finish(frame, &out);
        assert_true(total > 0);
        if (ahead)
                frame[1] |= OPS_AHEAD;
        enum link_type type =
                op == OP_PIN || op == OP_NEW_PIN || op == OP_CHANGE_PIN || op == OP_UNBLOCK_PIN
                        ? LINK_SECRET
                        : LINK_OP;
        enum link_reason reason = visit_take(rig->visit, type, frame, (size_t)total);
        if (reason == LINK_REASON_NONE)
                visit_go_on(rig->visit);
        return reason;
}

/* Arguments that the helper's table would take. */
static enum link_reason say_op(struct rig *rig, uint8_t op, bool ahead)
{
        static const struct {
                uint8_t op;
                size_t len;
                uint8_t bytes[8];
        } arguments[] = { { OP_READ, 1, { 0 } }, { OP_CONFIRM, 1, { 0 } },
                { OP_RESUME, 7, { 0, 0, 0, 7, 0, 1, 9 } }, { OP_COUNTER, 1, { 0 } },
                { OP_METHOD, 2, { 0 } }, { OP_PIN, 4, "1234" }, { OP_NEW_PIN, 4, "1234" },
                { OP_CHANGE_PIN, 4, "1234" }, { OP_UNBLOCK_PIN, 8, "12345678" },
                { OP_PINPAD, 1, { 45 } }, { OP_SIGN, 5, { 0, 0, 0, 1, 9 } }, { OP_END, 1, { 0 } },
                { OP_TRANSCRIPT, 1, { 1 } } };
        for (size_t i = 0; i < ARRAY_LEN(arguments); i++)
                if (arguments[i].op == op)
                        return say(rig, op, ahead, arguments[i].bytes, arguments[i].len);
        return say(rig, op, ahead, "", 0);
}

static size_t announcement(uint8_t *dst, size_t cap, uint16_t timeout_s)
{
        static const struct question plain = { .request = "r1",
                .app = "/usr/bin/counter",
                .audience = "https://bank.example",
                .given_name = "Sara",
                .reader = "phone",
                .tries_left = 3 };
        uint8_t frame[QUESTION_FRAME_MAX];
        size_t len = 0;
        struct question question = plain;
        question.timeout_s = timeout_s;
        assert_int_equal(question_encode(&question, frame, sizeof frame, &len), 0);
        struct out out = out_new(dst, cap);
        op_put_announce(&out, &(struct op_announce){ .question = { frame, len } });
        assert_int_equal(out_done(&out), 0);
        return out.len;
}

static enum link_reason announce(struct rig *rig)
{
        uint8_t payload[OPS_FRAME_MAX];
        size_t len = announcement(payload, sizeof payload, 60);
        return say(rig, OP_ANNOUNCE, false, payload, len);
}

/* ---- the reader ------------------------------------------------------------------------------ */

static void reader_says(struct rig *rig, int outcome, uint16_t sw)
{
        uint8_t bytes[256];
        struct out out = out_new(bytes, sizeof bytes);
        uint8_t op = rig->passed[rig->passed_count - 1].op;
        bool signs = rig->passed[rig->passed_count - 1].payload[0] == PIN_COPY_IAS;
        if (op == OP_BEGIN && outcome == 0) {
                rig->holding = true;
                op_put_card(&out, &(struct driver_card){ .pinpad = rig->pinpad, .atr_len = 2 });
        }
        if (op == OP_END)
                rig->holding = false;
        if (op == OP_CONFIRM && outcome == 0)
                out_bytes16(&out, "\1\2\3\4\5\6\7\10", rig->note_len);
        if (rig->dies)
                rig->holding = false;
        if (op == OP_COUNTER && outcome == 0)
                op_put_counter(&out,
                        &(struct pin_counter){ .known = true, .tries = signs ? rig->left : 3 });
        if (op == OP_VERIFY || op == OP_PINPAD)
                out_u8(&out, (uint8_t)rig->tries);
        reader_done done = rig->done;
        assert_non_null(done);
        rig->done = NULL;
        struct in in = in_new(out.data, out.len);
        done(rig->done_user, outcome, sw, &in);
}

static void ask_and_hear(struct rig *rig, uint8_t op, int outcome)
{
        assert_int_equal(say_op(rig, op, false), LINK_REASON_NONE);
        assert_int_equal(rig->over, LINK_REASONS);
        reader_says(rig, outcome, outcome ? 0x6A82 : 0x9000);
        assert_int_equal(rig->outcome, outcome);
}

enum place { AT_REST, BEGUN, COUNTED, ANNOUNCED, ARMED, VERIFIED, SPENT, PLACES };

static void go_to(struct rig *rig, enum place place)
{
        if (place >= ANNOUNCED)
                assert_int_equal(announce(rig), LINK_REASON_NONE);
        if (place >= BEGUN)
                ask_and_hear(rig, OP_BEGIN, 0);
        if (place >= COUNTED)
                ask_and_hear(rig, OP_COUNTER, 0);
        if (place >= ARMED)
                ask_and_hear(rig, OP_PIN, 0);
        if (place >= VERIFIED)
                ask_and_hear(rig, OP_VERIFY, place == SPENT ? OUTCOME_WRONG_PIN : 0);
}

/* ---- each operation in each state ------------------------------------------------------------ */

#define SET(op) (UINT64_C(1) << (op))
#define LOOKS                                                                                      \
        (SET(OP_IDENTIFY) | SET(OP_RESUME) | SET(OP_READ) | SET(OP_CONFIRM) | SET(OP_COUNTER) |    \
                SET(OP_PROBE) | SET(OP_METHOD) | SET(OP_FOREIGN) | SET(OP_CLEAR) | SET(OP_END))
#define PINS                                                                                       \
        (SET(OP_PIN) | SET(OP_VERIFY) | SET(OP_PINPAD) | SET(OP_SIGN) | SET(OP_ANNOUNCE) | NEVER)
#define NEVER (SET(OP_NEW_PIN) | SET(OP_CHANGE_PIN) | SET(OP_UNBLOCK_PIN))

static const uint64_t reaches[PLACES] = {
        [AT_REST] = SET(OP_BEGIN) | SET(OP_TRANSCRIPT),
        [BEGUN] = LOOKS,
        [COUNTED] = LOOKS,
        [ANNOUNCED] = LOOKS | SET(OP_PIN),
        [ARMED] = LOOKS | SET(OP_VERIFY),
        [VERIFIED] = SET(OP_SIGN) | SET(OP_CLEAR) | SET(OP_END),
        [SPENT] = LOOKS,
};

static bool known(uint8_t op)
{
        return (SET(op) & (LOOKS | PINS | SET(OP_BEGIN) | SET(OP_TRANSCRIPT))) != 0;
}

static void check_asked(enum place place, uint8_t op)
{
        struct rig *rig = rig_new(false);
        go_to(rig, place);
        size_t before = rig->passed_count;
        bool heard = op == OP_ANNOUNCE && place < VERIFIED;
        bool reached = (reaches[place] & SET(op)) != 0;
        enum link_reason reason = heard ? announce(rig) : say_op(rig, op, false);
        assert_int_equal(rig->passed_count - before, reached);
        if (reached || heard) {
                assert_int_equal(rig->over, LINK_REASONS);
        } else if (known(op)) {
                enum link_reason expected =
                        SET(op) & PINS ? LINK_REASON_FORBIDDEN : LINK_REASON_PROTOCOL;
                assert_int_equal(rig->over != LINK_REASONS ? rig->over : reason, expected);
        } else {
                assert_int_equal(reason, LINK_REASON_PROTOCOL);
        }
        rig_free(rig);
}

static void each_operation_reaches_the_reader_in_its_states_only(void **state)
{
        (void)state;
        for (enum place place = AT_REST; place < PLACES; place++)
                for (uint8_t op = 0; op < OP_COUNT; op++)
                        check_asked(place, op);
}

static void check_ahead(enum place place, uint8_t op)
{
        struct rig *rig = rig_new(false);
        go_to(rig, place);
        size_t passed = rig->passed_count, answers = rig->answers;
        bool reached = (reaches[place] & SET(op)) != 0 && !op_is_secret(op);
        enum link_reason reason = say_op(rig, op, true);
        assert_int_equal(rig->passed_count - passed, reached);
        if (!reached && known(op) && !op_is_secret(op) && reason == LINK_REASON_NONE &&
                rig->over == LINK_REASONS) {
                assert_int_equal(rig->answers - answers, 1);
                assert_int_equal(rig->outcome, OPS_SKIPPED);
        } else if (!reached) {
                assert_true(reason != LINK_REASON_NONE || rig->over != LINK_REASONS);
        }
        rig_free(rig);
}

static void what_is_out_of_place_and_ahead_is_skipped(void **state)
{
        (void)state;
        for (enum place place = AT_REST; place < PLACES; place++)
                for (uint8_t op = 0; op < OP_COUNT; op++)
                        check_ahead(place, op);
}

static void what_was_asked_behind_a_skipped_one_is_skipped_too(void **state)
{
        (void)state;
        struct rig *rig = rig_new(false);
        assert_int_equal(say_op(rig, OP_BEGIN, false), LINK_REASON_NONE);
        assert_int_equal(say_op(rig, OP_SIGN, true), LINK_REASON_NONE);
        assert_int_equal(say_op(rig, OP_COUNTER, true), LINK_REASON_NONE);
        reader_says(rig, 0, 0x9000);
        assert_int_equal(rig->passed_count, 1);
        assert_int_equal(rig->answers, 3);
        assert_int_equal(rig->outcome, OPS_SKIPPED);
        ask_and_hear(rig, OP_COUNTER, 0);
        rig_free(rig);
}

static void what_is_asked_ahead_keeps_its_order(void **state)
{
        static const uint8_t ops[] = { OP_BEGIN, OP_RESUME, OP_CONFIRM, OP_COUNTER, OP_END };
        (void)state;
        struct rig *rig = rig_new(false);
        for (size_t i = 0; i < ARRAY_LEN(ops); i++)
                assert_int_equal(say_op(rig, ops[i], i > 0), LINK_REASON_NONE);
        for (size_t i = 0; i < ARRAY_LEN(ops); i++) {
                assert_int_equal(rig->passed_count, i + 1);
                assert_int_equal(rig->passed[i].op, ops[i]);
                assert_int_equal(rig->passed[i].ahead, i > 0);
                reader_says(rig, 0, 0x9000);
                assert_int_equal(rig->answer.op, ops[i]);
        }
        rig_free(rig);
}

static void more_than_a_handful_of_questions_ends_the_visit(void **state)
{
        (void)state;
        struct rig *rig = rig_new(false);
        assert_int_equal(say_op(rig, OP_BEGIN, false), LINK_REASON_NONE);
        for (int i = 0; i < VISIT_QUEUE_MAX; i++)
                assert_int_equal(say_op(rig, OP_COUNTER, true), LINK_REASON_NONE);
        assert_int_equal(say_op(rig, OP_COUNTER, true), LINK_REASON_PROTOCOL);
        rig_free(rig);
}

static void what_waits_is_bounded_in_bytes(void **state)
{
        uint8_t bytes[20000] = { 0 };
        (void)state;
        struct rig *rig = rig_new(false);
        assert_int_equal(say_op(rig, OP_BEGIN, false), LINK_REASON_NONE);
        assert_int_equal(say(rig, OP_RESUME, true, bytes, sizeof bytes), LINK_REASON_NONE);
        assert_int_equal(say(rig, OP_RESUME, true, bytes, sizeof bytes), LINK_REASON_NONE);
        assert_int_equal(say(rig, OP_RESUME, true, bytes, sizeof bytes), LINK_REASON_PROTOCOL);
        rig_free(rig);
}

/* ---- PINs ------------------------------------------------------------------------------------ */

static void digits_that_are_not_sealed_end_the_visit(void **state)
{
        uint8_t frame[32];
        (void)state;
        struct rig *rig = rig_new(false);
        go_to(rig, ANNOUNCED);
        struct out out = op_frame_begin(frame, sizeof frame, OP_PIN, false, 1);
        out_bytes(&out, "1234", 4);
        ssize_t len = op_frame_finish(frame, &out);
        assert_int_equal(visit_take(rig->visit, LINK_OP, frame, (size_t)len), LINK_REASON_PROTOCOL);
        out = op_frame_begin(frame, sizeof frame, OP_VERIFY, false, 1);
        len = op_frame_finish(frame, &out);
        assert_int_equal(
                visit_take(rig->visit, LINK_SECRET, frame, (size_t)len), LINK_REASON_PROTOCOL);
        rig_free(rig);
}

static void digits_wait_for_nothing(void **state)
{
        (void)state;
        struct rig *rig = rig_new(false);
        go_to(rig, ANNOUNCED);
        assert_int_equal(say_op(rig, OP_COUNTER, false), LINK_REASON_NONE);
        assert_int_equal(say_op(rig, OP_PIN, false), LINK_REASON_PROTOCOL);
        rig_free(rig);
}

static void one_announcement_takes_one_pin(void **state)
{
        (void)state;
        struct rig *rig = rig_new(false);
        go_to(rig, ARMED);
        ask_and_hear(rig, OP_CLEAR, 0);
        ask_and_hear(rig, OP_COUNTER, 0);
        assert_int_equal(say_op(rig, OP_PIN, false), LINK_REASON_FORBIDDEN);
        assert_int_equal(rig->over, LINK_REASON_FORBIDDEN);
        rig_free(rig);
}

static void the_last_try_is_not_for_digits_from_afar(void **state)
{
        (void)state;
        for (int lends = 0; lends < 2; lends++) {
                struct rig *rig = rig_new(false);
                rig->left = 1;
                rig->lends = lends;
                go_to(rig, ANNOUNCED);
                size_t before = rig->passed_count;
                assert_int_equal(say_op(rig, OP_PIN, false), LINK_REASON_NONE);
                assert_int_equal(rig->passed_count, before + (lends ? 1 : 0));
                if (!lends) {
                        assert_int_equal(rig->outcome, OUTCOME_LAST_TRY_DECLINED);
                        assert_int_equal(say_op(rig, OP_VERIFY, true), LINK_REASON_NONE);
                        assert_int_equal(rig->outcome, OPS_SKIPPED);
                        assert_int_equal(say_op(rig, OP_PIN, false), LINK_REASON_FORBIDDEN);
                        assert_int_equal(rig->passed_count, before);
                }
                rig_free(rig);
        }
}

/* Whoever types on them has read the pages of a computer, and no page here. */
static void the_last_try_is_not_for_keys_that_nothing_here_asks_for(void **state)
{
        (void)state;
        for (int lends = 0; lends < 2; lends++) {
                struct rig *rig = rig_new(false);
                rig->pinpad = PINPAD_VERIFY;
                rig->left = 1;
                rig->lends = lends;
                go_to(rig, ANNOUNCED);
                size_t before = rig->passed_count;
                assert_int_equal(say_op(rig, OP_PINPAD, false), LINK_REASON_NONE);
                assert_int_equal(rig->passed_count, before + (lends ? 1 : 0));
                if (!lends) {
                        assert_int_equal(rig->outcome, OUTCOME_LAST_TRY_DECLINED);
                        assert_int_equal(say_op(rig, OP_PINPAD, false), LINK_REASON_NONE);
                        assert_int_equal(rig->over, LINK_REASON_FORBIDDEN);
                        assert_int_equal(rig->passed_count, before);
                }
                rig_free(rig);
        }
}

static void the_counter_of_another_transaction_does_not_count(void **state)
{
        (void)state;
        struct rig *rig = rig_new(false);
        go_to(rig, ANNOUNCED);
        ask_and_hear(rig, OP_END, 0);
        ask_and_hear(rig, OP_BEGIN, 0);
        assert_int_equal(say_op(rig, OP_PIN, false), LINK_REASON_FORBIDDEN);
        rig_free(rig);
}

/* Of the tries of another PIN on the card the person would read: three are left. */
static void only_the_counter_of_the_pin_that_signs_counts(void **state)
{
        static const uint8_t others[] = { PIN_COPY_ID, PIN_COPY_EV };
        (void)state;
        for (size_t i = 0; i < ARRAY_LEN(others); i++) {
                struct rig *rig = rig_new(true);
                rig->left = 1;
                go_to(rig, ANNOUNCED);
                assert_int_equal(say(rig, OP_COUNTER, false, &others[i], 1), LINK_REASON_NONE);
                reader_says(rig, 0, 0x9000);
                assert_int_equal(say_op(rig, OP_PINPAD, false), LINK_REASON_NONE);
                assert_true(rig->asked);
                assert_int_equal(rig->question.tries_left, 1);
                rig_free(rig);
                rig = rig_new(true);
                assert_int_equal(announce(rig), LINK_REASON_NONE);
                ask_and_hear(rig, OP_BEGIN, 0);
                assert_int_equal(say(rig, OP_COUNTER, false, &others[i], 1), LINK_REASON_NONE);
                reader_says(rig, 0, 0x9000);
                assert_int_equal(say_op(rig, OP_PINPAD, false), LINK_REASON_NONE);
                assert_int_equal(rig->over, LINK_REASON_FORBIDDEN);
                rig_free(rig);
        }
}

static void a_visit_has_one_verify(void **state)
{
        (void)state;
        struct rig *rig = rig_new(false);
        go_to(rig, SPENT);
        assert_int_equal(announce(rig), LINK_REASON_NONE);
        assert_int_equal(rig->over, LINK_REASON_FORBIDDEN);
        rig_free(rig);
}

static void a_signature_is_tried_so_often_and_no_more(void **state)
{
        (void)state;
        struct rig *rig = rig_new(false);
        go_to(rig, VERIFIED);
        for (int i = 0; i < GATE_STEPS_MAX; i++)
                ask_and_hear(rig, OP_SIGN, OUTCOME_CARD_NOT_SUPPORTED);
        assert_int_equal(say_op(rig, OP_SIGN, false), LINK_REASON_NONE);
        assert_int_equal(rig->over, LINK_REASON_FORBIDDEN);
        rig_free(rig);
}

/* Another method of the card's, yes; another thing to sign, no. */
static void one_pin_signs_one_thing(void **state)
{
        static const uint8_t other_method[] = { 1, 2, 0, 1, 9 }, other_block[] = { 0, 0, 0, 1, 8 };
        (void)state;
        struct rig *rig = rig_new(false);
        go_to(rig, VERIFIED);
        ask_and_hear(rig, OP_SIGN, 0);
        assert_int_equal(
                say(rig, OP_SIGN, false, other_method, sizeof other_method), LINK_REASON_NONE);
        reader_says(rig, 0, 0x9000);
        size_t before = rig->passed_count;
        assert_int_equal(
                say(rig, OP_SIGN, false, other_block, sizeof other_block), LINK_REASON_NONE);
        assert_int_equal(rig->passed_count, before);
        assert_int_equal(rig->over, LINK_REASON_FORBIDDEN);
        rig_free(rig);
}

/* ---- PINs that are typed here ---------------------------------------------------------------- */

static void asked(struct rig *rig)
{
        go_to(rig, ANNOUNCED);
        assert_int_equal(say_op(rig, OP_PINPAD, false), LINK_REASON_NONE);
        assert_true(rig->asked);
        assert_int_equal(rig->question.tries_left, 3);
}

static void a_phone_that_asks_looks_like_a_reader_with_keys(void **state)
{
        struct driver_card card;
        (void)state;
        for (int asks = 0; asks < 2; asks++) {
                struct rig *rig = rig_new(asks);
                rig->pinpad = asks ? 0 : PINPAD_MODIFY | PINPAD_DISPLAY;
                ask_and_hear(rig, OP_BEGIN, 0);
                struct in in = in_new(rig->answer.payload.data + 3, rig->answer.payload.len - 3);
                assert_int_equal(op_get_card(&in, &card), 0);
                assert_int_equal(card.pinpad, asks ? PINPAD_VERIFY : 0);
                rig_free(rig);
        }
}

static void a_phone_that_asks_takes_no_digits_from_afar(void **state)
{
        (void)state;
        struct rig *rig = rig_new(true);
        go_to(rig, ANNOUNCED);
        assert_int_equal(say_op(rig, OP_PIN, false), LINK_REASON_FORBIDDEN);
        rig_free(rig);
}

static void digits_typed_here_go_to_the_card_once(void **state)
{
        (void)state;
        struct rig *rig = rig_new(true);
        asked(rig);
        size_t before = rig->passed_count;
        memcpy(rig->question.pin->data, "2468", 4);
        rig->question.pin->len = 4;
        rig->answered(rig->visit, 0);
        assert_int_equal(rig->passed[before].op, OP_PIN);
        assert_memory_equal(rig->passed[before].payload, "2468", 4);
        assert_int_equal(rig->question.pin->len, 0);
        assert_false(rig->told_sent);
        reader_says(rig, 0, 0x9000);
        assert_true(rig->told_sent);
        assert_int_equal(rig->passed[before + 1].op, OP_VERIFY);
        rig->tries = 2;
        reader_says(rig, OUTCOME_WRONG_PIN, 0x63C2);
        assert_int_equal(rig->answer.op, OP_PINPAD);
        assert_int_equal(rig->outcome, OUTCOME_WRONG_PIN);
        assert_int_equal(rig->answer.payload.data[3], 2);
        assert_int_equal(rig->passed_count, before + 2);
        ask_and_hear(rig, OP_END, 0);
        assert_int_equal(rig->news[rig->news_count - 1], VISIT_WRONG_PIN);
        rig_free(rig);
}

static void what_the_person_says_is_what_keys_would_have_said(void **state)
{
        static const struct {
                int outcome;
                uint16_t sw;
        } rows[] = { { OUTCOME_TIMED_OUT, 0x6400 }, { OUTCOME_REFUSED, 0x6401 },
                { OUTCOME_LAST_TRY_DECLINED, 0x6401 }, { OUTCOME_NOBODY_TO_ASK, 0 } };
        (void)state;
        for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
                struct rig *rig = rig_new(true);
                asked(rig);
                size_t before = rig->passed_count;
                rig->answered(rig->visit, rows[i].outcome);
                assert_int_equal(rig->outcome, rows[i].outcome);
                assert_int_equal(rig->sw, rows[i].sw);
                assert_int_equal(rig->answer.payload.len, 4);
                assert_int_equal(rig->answer.payload.data[3], 3);
                assert_int_equal(rig->passed_count, before); /* the card heard nothing */
                assert_int_equal(say_op(rig, OP_PINPAD, false), LINK_REASON_NONE);
                assert_int_equal(rig->over, LINK_REASON_FORBIDDEN); /* asked once */
                rig_free(rig);
        }
}

static void a_computer_that_hangs_up_takes_the_question_along(void **state)
{
        (void)state;
        struct rig *rig = rig_new(true);
        asked(rig);
        visit_free(rig->visit);
        assert_true(rig->hushed);
        assert_int_equal(rig->gives, 1);
        assert_int_equal(rig->news[rig->news_count - 1], VISIT_NOT_SENT);
        free(rig);
}

static void a_card_that_went_while_the_person_typed_gets_nothing(void **state)
{
        (void)state;
        struct rig *rig = rig_new(true);
        asked(rig);
        size_t before = rig->passed_count;
        rig->question.pin->len = 4;
        rig->holding = false;
        rig->answered(rig->visit, 0);
        assert_int_equal(rig->passed_count, before);
        assert_int_equal(rig->outcome, OUTCOME_CARD_REMOVED);
        assert_int_equal(rig->over, LINK_REASON_CLOSING);
        rig_free(rig);
}

static void what_was_typed_for_a_computer_that_has_gone_is_not_verified(void **state)
{
        (void)state;
        for (int early = 0; early < 2; early++) {
                struct rig *rig = rig_new(true);
                asked(rig);
                size_t before = rig->passed_count;
                rig->question.pin->len = 4;
                if (early) { /* it is told so, and the person asked no more */
                        visit_stop(rig->visit);
                        assert_true(rig->hushed);
                        assert_int_equal(rig->outcome, OUTCOME_REFUSED);
                        assert_int_equal(rig->sw, 0x6401);
                        assert_int_equal(rig->answer.payload.data[3], 3);
                        assert_int_equal(rig->passed_count, before);
                } else {
                        rig->answered(rig->visit, 0);
                        visit_stop(rig->visit);
                        reader_says(rig, 0, 0x9000);
                        assert_int_equal(rig->passed_count, before + 1);
                }
                assert_false(rig->told_sent);
                rig_free(rig);
        }
}

static void nothing_that_waits_is_begun_for_a_computer_that_has_gone(void **state)
{
        (void)state;
        struct rig *rig = rig_new(false);
        go_to(rig, ANNOUNCED);
        assert_int_equal(say_op(rig, OP_PIN, false), LINK_REASON_NONE);
        assert_int_equal(say_op(rig, OP_VERIFY, true), LINK_REASON_NONE);
        size_t before = rig->passed_count;
        visit_stop(rig->visit);
        reader_says(rig, 0, 0x9000);
        assert_int_equal(rig->passed_count, before);
        rig_free(rig);
}

static void keys_of_the_reader_are_used_after_a_yes_here(void **state)
{
        (void)state;
        struct rig *rig = rig_new(true);
        rig->pinpad = PINPAD_VERIFY;
        asked(rig);
        assert_null(rig->question.pin);
        rig->answered(rig->visit, 0);
        assert_int_equal(rig->passed[rig->passed_count - 1].op, OP_PINPAD);
        reader_says(rig, 0, 0x9000);
        assert_true(rig->told_sent);
        ask_and_hear(rig, OP_SIGN, 0);
        rig_free(rig);
}

/* By keys that are the reader's own a person may cancel, be late, or type too little; by digits a card says what it likes. */
static void what_keys_of_the_reader_say_is_no_try_at_stake(void **state)
{
        static const struct {
                bool keys;
                int outcome;
                uint16_t sw;
                enum visit_news news;
        } rows[] = { { true, OUTCOME_TIMED_OUT, 0x6400, VISIT_NOT_SENT },
                { true, OUTCOME_REFUSED, 0x6401, VISIT_NOT_SENT },
                { true, OUTCOME_REFUSED, 0x6403, VISIT_NOT_SENT },
                { true, OUTCOME_TIMED_OUT, 0, VISIT_AT_RISK },
                { true, OUTCOME_CARD_REMOVED, 0, VISIT_AT_RISK },
                { false, OUTCOME_TIMED_OUT, 0x6400, VISIT_AT_RISK },
                { false, OUTCOME_REFUSED, 0x6401, VISIT_AT_RISK } };
        (void)state;
        for (size_t i = 0; i < 2 * ARRAY_LEN(rows); i++) { /* asked on the phone, and not */
                bool asks = i % 2 == 0;
                if (!asks && !rows[i / 2].keys)
                        continue;
                struct rig *rig = rig_new(asks);
                rig->pinpad = rows[i / 2].keys ? PINPAD_VERIFY : 0;
                rig->tries = -1;
                go_to(rig, ANNOUNCED);
                assert_int_equal(say_op(rig, OP_PINPAD, false), LINK_REASON_NONE);
                if (asks && !rows[i / 2].keys)
                        rig->question.pin->len = 4;
                if (asks)
                        rig->answered(rig->visit, 0);
                if (!rows[i / 2].keys)
                        reader_says(rig, 0, 0x9000); /* it has the digits */
                assert_true(rig->told_sent);
                reader_says(rig, rows[i / 2].outcome, rows[i / 2].sw);
                assert_int_equal(rig->told_sent, rows[i / 2].news == VISIT_AT_RISK);
                ask_and_hear(rig, OP_END, 0);
                assert_int_equal(rig->news[rig->news_count - 1], rows[i / 2].news);
                rig_free(rig);
        }
}

static void what_the_computer_cannot_be_told_of_does_not_go_to_the_card(void **state)
{
        (void)state;
        for (int keys = 0; keys < 2; keys++) {
                struct rig *rig = rig_new(true);
                rig->pinpad = keys ? PINPAD_VERIFY : 0;
                rig->deaf = true;
                asked(rig);
                if (!keys)
                        rig->question.pin->len = 4;
                rig->answered(rig->visit, 0);
                if (!keys)
                        reader_says(rig, 0, 0x9000);
                assert_int_equal(rig->outcome, OUTCOME_INTERNAL);
                for (size_t i = 0; i < rig->passed_count; i++)
                        assert_true(
                                rig->passed[i].op != OP_VERIFY && rig->passed[i].op != OP_PINPAD);
                ask_and_hear(rig, OP_END, 0);
                assert_int_equal(rig->news[rig->news_count - 1], VISIT_NOT_SENT);
                rig_free(rig);
        }
}

/* ---- the reader's own life ------------------------------------------------------------------- */

static void a_reader_without_a_card_is_given_back_at_once(void **state)
{
        (void)state;
        struct rig *rig = rig_new(false);
        ask_and_hear(rig, OP_BEGIN, OUTCOME_NO_CARD);
        assert_int_equal(rig->gives, 1);
        assert_false(visit_holds(rig->visit));
        rig->take_outcome = OUTCOME_BUSY;
        assert_int_equal(say_op(rig, OP_BEGIN, false), LINK_REASON_NONE);
        assert_int_equal(rig->outcome, OUTCOME_BUSY);
        rig_free(rig);
}

/* It would end over them, and keep others waiting. */
static void the_first_question_reaches_the_helper_in_shape_only(void **state)
{
        static const struct {
                uint8_t op;
                size_t len;
                uint8_t bytes[2];
        } rows[] = { { OP_BEGIN, 1, { 0 } }, { OP_TRANSCRIPT, 0, { 0 } },
                { OP_TRANSCRIPT, 1, { 2 } }, { OP_TRANSCRIPT, 2, { 0 } } };
        (void)state;
        for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
                struct rig *rig = rig_new(false);
                assert_int_equal(
                        say(rig, rows[i].op, i % 2, rows[i].bytes, rows[i].len), LINK_REASON_NONE);
                assert_int_equal(rig->over, LINK_REASON_PROTOCOL);
                assert_int_equal(rig->passed_count, 0);
                rig_free(rig);
        }
}

static enum link_reason come_back(struct rig *rig, uint32_t insertion, const void *note, size_t len)
{
        uint8_t payload[64];
        struct out out = out_new(payload, sizeof payload);
        out_u32(&out, insertion);
        out_bytes16(&out, note, len);
        return say(rig, OP_RESUME, false, payload, out.len);
}

/* Any card could be called a supported one by a note that a computer made up. */
static void a_card_is_come_back_to_by_a_note_of_this_phones_only(void **state)
{
        (void)state;
        struct rig *rig = rig_new(false);
        rig->note_len = 4;
        go_to(rig, BEGUN);
        const uint8_t own[] = { 1, 2, 3, 4 }, made_up[] = { 1, 2, 3, 5 };
        assert_int_equal(come_back(rig, 0, own, 4), LINK_REASON_NONE);
        assert_int_equal(rig->outcome, OUTCOME_CARD_NOT_SUPPORTED);
        ask_and_hear(rig, OP_CONFIRM, 0);
        ask_and_hear(rig, OP_END, 0);
        ask_and_hear(rig, OP_BEGIN, 0);
        size_t before = rig->passed_count;
        assert_int_equal(come_back(rig, 0, made_up, 4), LINK_REASON_NONE);
        assert_int_equal(come_back(rig, 1, own, 4), LINK_REASON_NONE);
        assert_int_equal(come_back(rig, 0, own, 3), LINK_REASON_NONE);
        assert_int_equal(come_back(rig, 0, "", 0), LINK_REASON_NONE);
        assert_int_equal(rig->outcome, OUTCOME_CARD_NOT_SUPPORTED);
        assert_int_equal(rig->passed_count, before);
        rig->reader = "B";
        assert_int_equal(come_back(rig, 0, own, 4), LINK_REASON_NONE);
        assert_int_equal(rig->passed_count, before);
        rig->reader = "A";
        assert_int_equal(come_back(rig, 0, own, 4), LINK_REASON_NONE);
        assert_int_equal(rig->passed_count, before + 1);
        rig_free(rig);
}

static void a_reader_that_met_a_card_is_kept_until_the_end(void **state)
{
        (void)state;
        struct rig *rig = rig_new(false);
        ask_and_hear(rig, OP_BEGIN, 0);
        assert_int_equal(visit_patience_s(rig->visit), 10);
        ask_and_hear(rig, OP_END, 0);
        assert_true(visit_holds(rig->visit));
        assert_int_equal(visit_patience_s(rig->visit), 0);
        ask_and_hear(rig, OP_BEGIN, OUTCOME_NO_CARD);
        assert_true(visit_holds(rig->visit));
        assert_int_equal(rig->gives, 0);
        rig_free(rig);
}

/* Somebody who says PING each second, and nothing else. */
static int64_t lasts_ms(struct rig *rig)
{
        struct guest guest = { .stage = GUEST_OPEN, .visit = rig->visit };
        for (int64_t now = 5000; now < 1000000; now += 1000) {
                guest.heard_ms = now - 1000;
                if (guest_left_ms(&guest, now) <= 0)
                        return now - 5000;
        }
        return INT64_MAX;
}

static void no_transaction_lasts_for_ever(void **state)
{
        static const struct {
                enum place place;
                int64_t ms;
        } rows[] = { { AT_REST, INT64_MAX }, { BEGUN, 300000 }, { ARMED, 300000 },
                { VERIFIED, 90000 } };
        (void)state;
        for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
                struct rig *rig = rig_new(false);
                go_to(rig, rows[i].place);
                assert_int_equal(lasts_ms(rig), rows[i].ms);
                rig_free(rig);
        }
}

static void a_helper_that_dies_in_a_transaction_ends_the_visit(void **state)
{
        (void)state;
        struct rig *rig = rig_new(false);
        go_to(rig, COUNTED);
        rig->dies = true;
        ask_and_hear(rig, OP_PROBE, OUTCOME_CARD_REMOVED);
        assert_int_equal(rig->over, LINK_REASON_CLOSING);
        rig_free(rig);
}

static void an_announcement_that_is_none_ends_the_visit(void **state)
{
        uint8_t payload[OPS_FRAME_MAX];
        (void)state;
        struct rig *rig = rig_new(false);
        size_t len = announcement(payload, sizeof payload, 60);
        payload[2]++;
        assert_int_equal(say(rig, OP_ANNOUNCE, false, payload, len), LINK_REASON_NONE);
        assert_int_equal(rig->over, LINK_REASON_PROTOCOL);
        assert_int_equal(rig->answers, 0);
        rig_free(rig);
}

static void the_person_is_told_how_it_ended(void **state)
{
        (void)state;
        struct rig *rig = rig_new(false);
        go_to(rig, VERIFIED);
        ask_and_hear(rig, OP_SIGN, 0);
        assert_int_equal(visit_patience_s(rig->visit), 5);
        ask_and_hear(rig, OP_END, 0);
        assert_int_equal(rig->news_count, 2);
        assert_int_equal(rig->news[0], VISIT_ASKS);
        assert_int_equal(rig->news[1], VISIT_SIGNED);
        rig_free(rig);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(each_operation_reaches_the_reader_in_its_states_only),
                cmocka_unit_test(what_is_out_of_place_and_ahead_is_skipped),
                cmocka_unit_test(what_was_asked_behind_a_skipped_one_is_skipped_too),
                cmocka_unit_test(what_is_asked_ahead_keeps_its_order),
                cmocka_unit_test(more_than_a_handful_of_questions_ends_the_visit),
                cmocka_unit_test(what_waits_is_bounded_in_bytes),
                cmocka_unit_test(digits_that_are_not_sealed_end_the_visit),
                cmocka_unit_test(digits_wait_for_nothing),
                cmocka_unit_test(one_announcement_takes_one_pin),
                cmocka_unit_test(the_last_try_is_not_for_digits_from_afar),
                cmocka_unit_test(the_last_try_is_not_for_keys_that_nothing_here_asks_for),
                cmocka_unit_test(the_counter_of_another_transaction_does_not_count),
                cmocka_unit_test(only_the_counter_of_the_pin_that_signs_counts),
                cmocka_unit_test(a_visit_has_one_verify),
                cmocka_unit_test(a_signature_is_tried_so_often_and_no_more),
                cmocka_unit_test(one_pin_signs_one_thing),
                cmocka_unit_test(a_phone_that_asks_looks_like_a_reader_with_keys),
                cmocka_unit_test(a_phone_that_asks_takes_no_digits_from_afar),
                cmocka_unit_test(digits_typed_here_go_to_the_card_once),
                cmocka_unit_test(what_the_person_says_is_what_keys_would_have_said),
                cmocka_unit_test(a_computer_that_hangs_up_takes_the_question_along),
                cmocka_unit_test(a_card_that_went_while_the_person_typed_gets_nothing),
                cmocka_unit_test(what_was_typed_for_a_computer_that_has_gone_is_not_verified),
                cmocka_unit_test(nothing_that_waits_is_begun_for_a_computer_that_has_gone),
                cmocka_unit_test(keys_of_the_reader_are_used_after_a_yes_here),
                cmocka_unit_test(what_keys_of_the_reader_say_is_no_try_at_stake),
                cmocka_unit_test(what_the_computer_cannot_be_told_of_does_not_go_to_the_card),
                cmocka_unit_test(a_reader_without_a_card_is_given_back_at_once),
                cmocka_unit_test(the_first_question_reaches_the_helper_in_shape_only),
                cmocka_unit_test(a_card_is_come_back_to_by_a_note_of_this_phones_only),
                cmocka_unit_test(a_reader_that_met_a_card_is_kept_until_the_end),
                cmocka_unit_test(no_transaction_lasts_for_ever),
                cmocka_unit_test(a_helper_that_dies_in_a_transaction_ends_the_visit),
                cmocka_unit_test(an_announcement_that_is_none_ends_the_visit),
                cmocka_unit_test(the_person_is_told_how_it_ended),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}

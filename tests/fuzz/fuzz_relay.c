/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_relay.c: what a paired computer may say to a phone in one visit. The first byte says whether the phone asks for PINs
 * itself; then come events, each u8 what, u16 length and bytes: a frame in the clear, a sealed one, an answer of the reader to
 * what it was asked last (u8 outcome, u16 status word, fields), or of the person. Whatever comes: nothing of a PIN
 * reaches the reader without an announcement, a VERIFY comes at most once, and what is never done over a link never is.
 */
#include "daemon/relay/visit.h"

#include "daemon/gate.h"
#include "tests/fuzz/require.h"

static const char *course_reader(void *user)
{
        (void)user;
        return "A";
}

static bool course_lends(void *user)
{
        (void)user;
        return false;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

enum event { IN_THE_CLEAR, SEALED, READER, PERSON, EVENTS };

struct course {
        struct visit *visit;
        bool taken, holding, over;
        bool asks, told; /* the computer, that a PIN goes */
        reader_done done;
        void *done_user;
        uint8_t op;
        visit_answered answered;
        struct secret *pin;
        unsigned int announced, pins, verifies, signatures;
        struct visit_notes notes;
        uint8_t block[CARD_BLOCK_MAX + 2]; /* what is signed */
        size_t block_len;
};

static int course_send(void *user, enum link_type type, const void *body, size_t len)
{
        struct op_frame frame;
        struct course *course = user;
        require(type == LINK_OP && op_frame_decode(body, len, &frame) == 0 && frame.reply);
        return course->over ? -EPIPE : 0;
}

static int course_sending(void *user, bool sent)
{
        struct course *course = user;
        course->told = sent;
        return course->over ? -EPIPE : 0;
}

static int course_take(void *user)
{
        struct course *course = user;
        require(!course->taken);
        course->taken = true;
        return 0;
}

static void course_give(void *user)
{
        struct course *course = user;
        require(course->taken);
        course->taken = course->holding = false;
        course->done = NULL;
}

static bool course_holds(void *user)
{
        struct course *course = user;
        return course->holding;
}

/* The same each time. */
static void require_block(struct course *course, struct view block)
{
        require(block.len > 0 && block.len <= sizeof course->block);
        require(course->signatures == 0 || view_eq(block, course->block, course->block_len));
        memcpy(course->block, block.data, block.len);
        course->block_len = block.len;
}

/* One that a reader's answer gave; and none before any was given. */
static bool was_noted(const struct course *course, struct view note)
{
        for (size_t i = 0; i < VISIT_NOTES_MAX; i++)
                if (course->notes.list[i].len > 0 &&
                        view_eq(note, course->notes.list[i].bytes, course->notes.list[i].len))
                        return true;
        return false;
}

static int course_pass(void *user, enum op op, bool ahead _unused_, const void *payload, size_t len,
        reader_done done, void *done_user)
{
        struct course *course = user;
        const uint8_t *bytes = payload;
        if (op == OP_SIGN)
                require_block(course, (struct view){ bytes + 2, len - 2 });
        if (op == OP_RESUME)
                require(was_noted(course, (struct view){ bytes + 6, len - 6 }));
        require(course->taken && !course->done && !course->over);
        require(op != OP_NEW_PIN && op != OP_CHANGE_PIN && op != OP_UNBLOCK_PIN &&
                op != OP_ANNOUNCE);
        course->pins += op == OP_PIN;
        course->verifies += op == OP_VERIFY || op == OP_PINPAD;
        course->signatures += op == OP_SIGN;
        require(op != OP_PINPAD || course->told);
        require(op != OP_VERIFY || !course->asks || course->told);
        require(course->pins <= course->announced && course->verifies <= 1);
        require(course->verifies == 0 || course->announced > 0);
        require(course->signatures == 0 ||
                (course->verifies == 1 && course->signatures <= GATE_STEPS_MAX));
        course->op = (uint8_t)op;
        course->done = done;
        course->done_user = done_user;
        return 0;
}

static int course_ask(void *user, const struct visit_question *question, visit_answered answered,
        struct visit *visit _unused_)
{
        struct course *course = user;
        require(!course->answered && course->announced > 0 && question->timeout_s > 0);
        course->answered = answered;
        course->pin = question->pin;
        return 0;
}

static void course_hush(void *user)
{
        struct course *course = user;
        course->answered = NULL;
}

static int course_judge(void *user, struct view payload, struct announced **ret)
{
        struct course *course = user;
        const struct announced_by by = { "Counter 3", NULL, 0 };
        const char *detail;
        int r = announced_take(ret, payload, &by, &detail);
        course->announced += r == 0;
        return r;
}

static void course_tell(void *user _unused_, enum visit_news news _unused_,
        const struct announced *what, int tries _unused_)
{
        char line[2048]; /* all of it: cut, it may end within a letter */
        if (!what)
                return;
        announced_line(what, line, sizeof line);
        require_text(line, sizeof line);
}

static void course_over(void *user, enum link_reason reason)
{
        struct course *course = user;
        require(!course->over && reason < LINK_REASONS);
        course->over = true;
}

static void reader_answers(struct course *course, struct view bytes)
{
        struct in in = in_new(bytes.data, bytes.len);
        int outcome = in_u8(&in);
        uint16_t sw = in_u16(&in);
        reader_done done = course->done;
        if (!done || in.error)
                return;
        if (course->op == OP_BEGIN && outcome == 0)
                course->holding = true;
        if (course->op == OP_END || outcome == OUTCOME_CARD_REMOVED)
                course->holding = false;
        course->done = NULL;
        done(course->done_user, outcome, sw, &in);
}

static void person_answers(struct course *course, struct view bytes)
{
        visit_answered answered = course->answered;
        if (!answered || bytes.len == 0)
                return;
        course->answered = NULL;
        if (bytes.data[0] == 0 && course->pin) {
                memcpy(course->pin->data, "1234", 4);
                course->pin->len = 4;
        }
        answered(course->visit, bytes.data[0]);
}

static void computer_says(struct course *course, enum link_type type, struct view bytes)
{
        enum link_reason reason = visit_take(course->visit, type, bytes.data, bytes.len);
        if (reason == LINK_REASON_NONE)
                visit_go_on(course->visit);
        else
                course->over = true;
}

static void happen(struct course *course, uint8_t event, struct view bytes)
{
        switch (event % EVENTS) {
        case IN_THE_CLEAR: computer_says(course, LINK_OP, bytes); break;
        case SEALED: computer_says(course, LINK_SECRET, bytes); break;
        case READER: reader_answers(course, bytes); break;
        default: person_answers(course, bytes);
        }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
        struct in in = in_new(data, len);
        bool asks = in_u8(&in) & 1;
        struct course course = { .asks = asks };
        const struct visit_world world = { course_send, course_take, course_give, course_holds,
                course_pass, asks ? course_ask : NULL, course_hush, course_judge, course_tell,
                course_over, course_reader, course_lends, course_sending };
        if (visit_new(&course.visit, &world, &course) < 0)
                return 0;
        visit_remember(course.visit, &course.notes);
        while (in_left(&in) > 0 && !course.over) {
                uint8_t event = in_u8(&in);
                struct view bytes = in_bytes16(&in, OPS_FRAME_MAX);
                if (!in.error)
                        happen(&course, event, bytes);
        }
        visit_free(course.visit);
        require(!course.taken);
        return 0;
}

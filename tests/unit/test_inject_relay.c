/* SPDX-License-Identifier: Apache-2.0 */
/* test_inject_relay.c: a phone that serves while memory and system calls fail it, one by one and all at once. Whatever fails, no
 * PIN goes to a card more often than it was announced, nobody is let in who is not proven, and the next computer is served.
 */
#include "tests/unit/relay_world.h"

#include "base/outcome.h"
#include "daemon/prompt/question.h"
#include "daemon/relay/visit.h"
#include "tests/support/inject.h"

#define BOTH INJECT(INJECT_MEMORY | INJECT_SYSTEM)

/* ---- a visit --------------------------------------------------------------------------------- */

struct course {
        struct visit *visit;
        reader_done done;
        void *done_user;
        uint8_t op;
        bool holding, over;
        unsigned int verifies, signatures;
};

static int c_send(void *user, enum link_type type, const void *body, size_t len)
{
        (void)user, (void)type, (void)body, (void)len;
        return 0;
}

static int c_take(void *user)
{
        (void)user;
        return 0;
}

static void c_give(void *user)
{
        struct course *course = user;
        course->done = NULL;
}

static bool c_holds(void *user)
{
        const struct course *course = user;
        return course->holding;
}

static int c_pass(void *user, enum op op, bool ahead, const void *payload, size_t len,
        reader_done done, void *done_user)
{
        struct course *course = user;
        (void)ahead, (void)payload, (void)len;
        course->op = (uint8_t)op;
        course->done = done;
        course->done_user = done_user;
        course->verifies += op == OP_VERIFY;
        course->signatures += op == OP_SIGN;
        return 0;
}

static int c_judge(void *user, struct view payload, struct announced **ret)
{
        const struct announced_by by = { "office", NULL, 0 };
        const char *detail;
        (void)user;
        return announced_take(ret, payload, &by, &detail);
}

static void c_hush(void *user)
{
        (void)user;
}

static void c_tell(void *user, enum visit_news news, const struct announced *what, int tries)
{
        (void)user, (void)news, (void)what, (void)tries;
}

static void c_over(void *user, enum link_reason reason)
{
        struct course *course = user;
        (void)reason;
        course->over = true;
}

static const char *c_reader(void *user)
{
        (void)user;
        return "A";
}

static int c_sending(void *user _unused_, bool sent _unused_)
{
        return 0;
}

static bool c_lends(void *user)
{
        (void)user;
        return false;
}

static const struct visit_world world = { c_send, c_take, c_give, c_holds, c_pass, NULL, c_hush,
        c_judge, c_tell, c_over, c_reader, c_lends, c_sending };

static void answer(struct course *course)
{
        uint8_t bytes[128];
        struct out out = out_new(bytes, sizeof bytes);
        reader_done done = course->done;
        if (!done)
                return;
        if (course->op == OP_BEGIN)
                op_put_card(&out, &(struct driver_card){ .atr_len = 2 });
        if (course->op == OP_COUNTER)
                op_put_counter(&out, &(struct pin_counter){ .known = true, .tries = 3 });
        if (course->op == OP_VERIFY)
                out_u8(&out, 3);
        course->holding = course->op != OP_END;
        course->done = NULL;
        struct in in = in_new(out.data, out.len);
        done(course->done_user, 0, 0x9000, &in);
}

static void ask(struct course *course, uint8_t op, const void *payload, size_t len)
{
        uint8_t frame[OPS_FRAME_MAX];
        struct out out = op_frame_begin(frame, sizeof frame, op, false, 1);
        out_bytes(&out, payload, len);
        ssize_t total = op_frame_finish(frame, &out);
        if (course->over || total < 0)
                return;
        enum link_reason reason = visit_take(
                course->visit, op == OP_PIN ? LINK_SECRET : LINK_OP, frame, (size_t)total);
        course->over |= reason != LINK_REASON_NONE;
        if (!course->over)
                visit_go_on(course->visit);
        answer(course);
}

static void go_through(struct course *course, struct view announcement)
{
        if (visit_new(&course->visit, &world, course) < 0)
                return;
        ask(course, OP_ANNOUNCE, announcement.data, announcement.len);
        ask(course, OP_BEGIN, "", 0);
        ask(course, OP_COUNTER, "", 1);
        ask(course, OP_PIN, "1234", 4);
        ask(course, OP_VERIFY, "", 0);
        ask(course, OP_SIGN, "\1\0\0\1x", 5);
        ask(course, OP_END, "\1", 1);
        visit_free(course->visit);
}

static void a_visit_verifies_once_or_not_at_all(void **state)
{
        static const struct question question = { .request = "r1",
                .app = "/usr/bin/counter",
                .audience = "https://bank.example",
                .reader = "phone",
                .tries_left = 3,
                .timeout_s = 60 };
        static uint8_t frame[QUESTION_FRAME_MAX], payload[OPS_FRAME_MAX];
        struct out out = out_new(payload, sizeof payload);
        size_t len = 0;
        (void)state;
        assert_int_equal(question_encode(&question, frame, sizeof frame, &len), 0);
        op_put_announce(&out, &(struct op_announce){ .question = { frame, len } });
        for (struct inject in = BOTH; inject_next(&in);) {
                struct course course = { 0 };
                inject_arm(&in);
                go_through(&course, (struct view){ out.data, out.len });
                inject_disarm(&in);
                EXPECT(in, course.verifies <= 1 && course.signatures <= course.verifies);
                EXPECT(in, in.failed || (course.signatures == 1 && !course.over));
        }
}

/* ---- a connection ---------------------------------------------------------------------------- */

/* As far as it gets. */
static bool try_to_come(struct relay_world *w, struct link *link)
{
        const uint8_t hello[] = { LINK_VERSION, LINK_ROLE_READER, 0, 1, 'x' };
        enum link_type type = 0;
        int r = -EAGAIN;
        for (int turn = 0; r == -EAGAIN && turn < 24; turn++) {
                r = link_handshake(link);
                if (sd_event_run(w->host.event, 0) < 0)
                        return false;
        }
        if (r != 0 || link_send(link, LINK_HELLO, hello, sizeof hello) < 0)
                return false;
        for (int turn = 0; type != LINK_WELCOME && turn < 24; turn++) {
                (void)!link_flush(link);
                (void)!link_recv(link, &type, w->link->buf);
                if (sd_event_run(w->host.event, 0) < 0)
                        return false;
        }
        return type == LINK_WELCOME;
}

static void the_next_computer_is_served(void **state)
{
        struct relay_world *w = *state;
        for (struct inject in = INJECT_EVERY(INJECT_MEMORY | INJECT_SYSTEM, 3); inject_next(&in);) {
                struct link *link = NULL;
                assert_int_equal(link_connect(&link, knock(w), &w->link->computer), 0);
                inject_arm(&in);
                bool came = try_to_come(w, link);
                inject_disarm(&in);
                link_free(link);
                relay_turn(w);
                EXPECT(in, in.failed || came);
        }
        struct link *link = come_in(w);
        greet(w, link, LINK_ROLE_READER);
        link_free(link);
}

static void a_door_opens_or_is_shut_again(void **state)
{
        struct relay_world *w = *state;
        for (struct inject in = BOTH; inject_next(&in);) {
                struct door *door = NULL;
                w->host.options.port = free_port();
                inject_arm(&in);
                int r = door_open(&door, &w->host);
                inject_disarm(&in);
                EXPECT(in, (r == 0) == (door != NULL));
                EXPECT(in, in.failed || r == 0 || r == -EADDRINUSE);
                door_close(door);
        }
}

static int up(void **state)
{
        *state = relay_world_new();
        return 0;
}

static int down(void **state)
{
        relay_world_free(*state);
        return 0;
}

int main(void)
{
        inject_init();
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(a_visit_verifies_once_or_not_at_all),
                cmocka_unit_test_setup_teardown(the_next_computer_is_served, up, down),
                cmocka_unit_test_setup_teardown(a_door_opens_or_is_shut_again, up, down),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}

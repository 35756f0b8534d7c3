/* SPDX-License-Identifier: Apache-2.0 */
/* test_phone_bridge.c: what crosses between mohrd's channel and a phone, and what a hostile phone (or mohrd) gets: the
 * end of its helper, and nothing at the other side. The phone is link.h's other end, played here; time is invented.
 */
#include "drivers/phone/bridge.h"
#include "tests/unit/link_world.h"

#include "base/outcome.h"
#include "drivers/helper/loop.h"
#include "drivers/phone/carry.h"
#include "drivers/phone/phone.h"

#include <sys/wait.h>

#define SECOND_US 1000000

struct rig {
        struct shaken pair;
        struct bridge bridge;
        int mohrd; /* its end of the channel */
        int64_t now_us;
        uint8_t frame[OPS_FRAME_MAX];
        struct secret *buf; /* borrowed: what the phone received */
};

static void rig_open(struct rig *rig, struct link_world *world)
{
        int fds[2];
        *rig = (struct rig){ .now_us = 1000 * SECOND_US, .buf = world->buf };
        rig->pair = shake_hands(world->computers, &world->computer);
        assert_int_equal(rig->pair.at_phone, 0);
        assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, fds), 0);
        assert_int_equal(bridge_open(&rig->bridge, rig->pair.computer), 0);
        rig->bridge.channel = fds[0];
        rig->mohrd = fds[1];
}

static void rig_close(struct rig *rig)
{
        bridge_close(&rig->bridge);
        if (rig->mohrd >= 0)
                close(rig->mohrd);
        close(rig->bridge.channel);
        hang_up(&rig->pair);
}

static void with_rig(void **state, void (*play)(struct rig *rig))
{
        struct rig rig;
        rig_open(&rig, *state);
        play(&rig);
        rig_close(&rig);
}

/* ---- what each side says ---- */

static size_t make(
        struct rig *rig, uint8_t op, bool reply, uint16_t id, const void *data, size_t len)
{
        struct out out = op_frame_begin(rig->frame, sizeof rig->frame, op, reply, id);
        out_bytes(&out, data, len);
        ssize_t total = op_frame_finish(rig->frame, &out);
        assert_true(total > 0);
        return (size_t)total;
}

static enum ending mohrd_asks(
        struct rig *rig, uint8_t op, uint16_t id, const void *data, size_t len)
{
        size_t total = make(rig, op, false, id, data, len);
        assert_int_equal(ops_send(rig->mohrd, rig->frame, total), 0);
        return bridge_ask(&rig->bridge, rig->now_us);
}

static enum ending mohrd_asks_ahead(struct rig *rig, uint8_t op, uint16_t id)
{
        size_t total = make(rig, op, false, id, "", 0);
        rig->frame[1] |= OPS_AHEAD;
        assert_int_equal(ops_send(rig->mohrd, rig->frame, total), 0);
        return bridge_ask(&rig->bridge, rig->now_us);
}

static enum ending phone_sends(struct rig *rig, enum link_type type, const void *body, size_t len)
{
        assert_int_equal(link_send(rig->pair.phone, type, body, len), 0);
        return bridge_hear(&rig->bridge, rig->now_us);
}

static enum ending phone_says(
        struct rig *rig, uint8_t op, bool reply, uint16_t id, const void *data, size_t len)
{
        size_t total = make(rig, op, reply, id, data, len);
        return phone_sends(rig, LINK_OP, rig->frame, total);
}

static enum ending phone_answers(struct rig *rig, uint8_t op, uint16_t id, uint8_t outcome)
{
        const uint8_t result[] = { outcome, 0x90, 0x00 };
        return phone_says(rig, op, true, id, result, sizeof result);
}

static enum ending phone_status(struct rig *rig, const struct op_link *link)
{
        uint8_t body[256];
        struct out out = out_new(body, sizeof body);
        op_put_link(&out, link);
        return phone_sends(rig, LINK_STATUS, body, out.len);
}

static enum ending phone_presence(struct rig *rig, bool present)
{
        const struct driver_presence presence = { .present = present, .events = 7 };
        uint8_t body[64];
        struct out out = out_new(body, sizeof body);
        op_put_presence(&out, &presence);
        return phone_says(rig, OP_PRESENCE, false, 0, body, out.len);
}

/* What mohrd has received, or one without an op. */
static struct op_frame mohrd_hears(struct rig *rig)
{
        struct op_frame frame = { 0 };
        struct pollfd fd = { .fd = rig->mohrd, .events = POLLIN };
        size_t len;
        if (poll(&fd, 1, 0) == 1 &&
                ops_recv(rig->mohrd, rig->frame, sizeof rig->frame, &len) == 0 && len > 0)
                assert_int_equal(op_frame_decode(rig->frame, len, &frame), 0);
        return frame;
}

static bool phone_hears(struct rig *rig, enum link_type wanted)
{
        enum link_type type;
        return take_frame(rig->pair.phone, rig->buf, &type) == 0 && type == wanted;
}

static bool phone_hears_nothing(struct rig *rig)
{
        enum link_type type;
        return take_frame(rig->pair.phone, rig->buf, &type) == -EAGAIN;
}

/* ---- what crosses ---- */

static void play_question_and_answer(struct rig *rig)
{
        assert_int_equal(mohrd_asks(rig, OP_BEGIN, 9, "", 0), GO_ON);
        size_t asked = make(rig, OP_BEGIN, false, 9, "", 0);
        assert_true(phone_hears(rig, LINK_OP));
        assert_int_equal(rig->buf->len, asked);
        assert_memory_equal(rig->buf->data, rig->frame, asked);
        assert_int_equal(phone_answers(rig, OP_BEGIN, 9, 0), GO_ON);
        struct op_frame heard = mohrd_hears(rig);
        assert_int_equal(heard.op, OP_BEGIN);
        assert_true(heard.reply && heard.id == 9 && heard.payload.len == 3);
}

static void a_question_crosses_and_its_answer_comes_back(void **state)
{
        with_rig(state, play_question_and_answer);
}

static void play_digits(struct rig *rig)
{
        assert_int_equal(mohrd_asks(rig, OP_PIN, 1, "1234", 4), GO_ON);
        assert_true(phone_hears(rig, LINK_SECRET));
        assert_memory_equal(rig->buf->data + OPS_HEADER, "1234", 4);
        for (size_t i = 0; i < rig->bridge.question->cap; i++)
                assert_int_equal(rig->bridge.question->data[i], 0);
}

static void digits_cross_sealed_and_are_wiped(void **state)
{
        with_rig(state, play_digits);
}

static void play_new_pin(struct rig *rig)
{
        static const struct {
                uint8_t op;
                size_t fields; /* of the answer, behind its head */
        } rows[] = { { OP_NEW_PIN, 0 }, { OP_CHANGE_PIN, 1 }, { OP_UNBLOCK_PIN, 1 } };
        for (uint16_t i = 0; i < ARRAY_LEN(rows); i++) {
                assert_int_equal(mohrd_asks(rig, rows[i].op, i, "12345678", 8), GO_ON);
                assert_true(phone_hears_nothing(rig));
                struct op_frame no = mohrd_hears(rig);
                assert_true(no.reply && no.op == rows[i].op && no.id == i);
                assert_int_equal(no.payload.len, 3 + rows[i].fields);
                assert_int_equal(no.payload.data[0], OUTCOME_POLICY);
        }
        assert_int_equal(rig->bridge.count, 0);
}

static void a_new_pin_crosses_no_link(void **state)
{
        with_rig(state, play_new_pin);
}

static void play_pipeline(struct rig *rig)
{
        assert_int_equal(mohrd_asks(rig, OP_BEGIN, 1, "", 0), GO_ON);
        assert_int_equal(mohrd_asks_ahead(rig, OP_IDENTIFY, 2), GO_ON);
        assert_int_equal(mohrd_asks_ahead(rig, OP_END, 3), GO_ON);
        assert_int_equal(phone_answers(rig, OP_BEGIN, 1, OUTCOME_NO_CARD), GO_ON);
        assert_false(rig->bridge.holding);
        assert_int_equal(phone_answers(rig, OP_IDENTIFY, 2, OPS_SKIPPED), GO_ON);
        assert_int_equal(phone_answers(rig, OP_END, 3, OPS_SKIPPED), GO_ON);
        for (uint16_t id = 1; id <= 3; id++)
                assert_int_equal(mohrd_hears(rig).id, id);
}

static void what_is_asked_ahead_may_be_skipped(void **state)
{
        with_rig(state, play_pipeline);
}

static void play_unasked(struct rig *rig)
{
        const struct op_link link = { .reader = "ACS ACR1252", .asks_pin = true };
        struct op_link told;
        rig->bridge.told.latency_us = 50000;
        assert_int_equal(phone_presence(rig, true), GO_ON);
        assert_int_equal(mohrd_hears(rig).op, OP_PRESENCE);
        assert_int_equal(phone_status(rig, &link), GO_ON);
        assert_int_equal(op_get_link(mohrd_hears(rig).payload, &told), 0);
        assert_string_equal(told.reader, "ACS ACR1252");
        assert_true(told.asks_pin);
        assert_int_equal(told.latency_us, 50000); /* the phone's own word for it does not count */
        assert_int_equal(phone_sends(rig, LINK_PING, "abcd", 4), GO_ON);
        assert_true(phone_hears(rig, LINK_PONG));
        assert_memory_equal(rig->buf->data, "abcd", 4);
}

static void cards_that_come_and_what_changes_are_told(void **state)
{
        with_rig(state, play_unasked);
}

static void play_look(struct rig *rig)
{
        struct op_link told;
        rig->bridge.told.latency_us = 100000;
        assert_int_equal(bridge_due_us(&rig->bridge), -1);
        assert_int_equal(mohrd_asks(rig, OP_LINK, 0, "", 0), GO_ON);
        assert_true(phone_hears(rig, LINK_PING)); /* at once */
        assert_int_equal(mohrd_asks(rig, OP_LINK, 0, "", 0), GO_ON);
        assert_true(phone_hears_nothing(rig));
        rig->now_us += 100000;
        uint8_t number[4] = { 0 };
        struct out out = out_new(number, sizeof number);
        out_u32(&out, rig->bridge.ping);
        assert_int_equal(phone_sends(rig, LINK_PONG, number, sizeof number), GO_ON);
        assert_int_equal(
                op_get_link(mohrd_hears(rig).payload, &told), 0); /* though nothing is new */
        assert_int_equal(told.latency_us, 100000);
        assert_int_equal(bridge_due_us(&rig->bridge), -1);
        assert_int_equal(mohrd_asks(rig, OP_LINK, 0, "", 0), GO_ON);
        rig->now_us += BRIDGE_SILENCE_MS * 1000;
        assert_int_equal(bridge_tick(&rig->bridge, rig->now_us), END_SILENT);
}

static void a_phone_is_looked_for_when_somebody_asks(void **state)
{
        with_rig(state, play_look);
}

/* ---- hostile phones ---- */

static void hold_a_card(struct rig *rig)
{
        assert_int_equal(mohrd_asks(rig, OP_BEGIN, 1, "", 0), GO_ON);
        assert_int_equal(phone_answers(rig, OP_BEGIN, 1, 0), GO_ON);
        assert_int_equal(mohrd_hears(rig).op, OP_BEGIN);
}

/* One lie each; `hex` is a LINK_OP's body. BEGIN 1 was asked, and COUNTER 2 ahead. */
static void what_nobody_asked_for_ends_the_helper(void **state)
{
        static const struct {
                const char *what, *hex;
        } lies[] = {
                { "an answer of another number", "0183000300000003009000" },
                { "the second answer first", "0187000200000003009000" },
                { "another operation's answer", "0184000100000003009000" },
                { "an answer with an unknown outcome", "0183000100000003fa9000" },
                { "what was not asked ahead is skipped", "0183000100000003ff9000" },
                { "half a head", "018300010000000100" },
                { "a length that is too long", "018300010000000400900000ff" },
                { "a length that is too short", "0183000100000003009000ff" },
                { "an answer with the mark of what is asked ahead", "01c3000100000003009000" },
                { "another version", "0283000100000003009000" },
                { "an unknown operation", "01bf000100000003009000" },
                { "a question", "0103000100000000" },
                { "a PIN", "010a00010000000431323334" },
                { "a helper's first word", "010100000000000003020001" },
                { "a watcher's report", "0102000000000003000000" },
                { "a link's own word", "011800000000000000" },
                { "presence with a number", "010f00010000000700000000070000" },
                { "presence that is half there", "010f000000000001ff" },
                { "nothing", "" },
        };
        for (size_t i = 0; i < ARRAY_LEN(lies); i++) {
                struct rig rig;
                uint8_t body[64];
                rig_open(&rig, *state);
                ssize_t len = hex_decode(body, sizeof body, lies[i].hex);
                assert_true(len >= 0);
                assert_int_equal(mohrd_asks(&rig, OP_BEGIN, 1, "", 0), GO_ON);
                assert_int_equal(mohrd_asks_ahead(&rig, OP_COUNTER, 2), GO_ON);
                if (phone_sends(&rig, LINK_OP, body, (size_t)len) != END_NONSENSE)
                        fail_msg("%s is taken", lies[i].what);
                if (mohrd_hears(&rig).op)
                        fail_msg("mohrd hears of %s", lies[i].what);
                rig_close(&rig);
        }
}

static void play_second_answer(struct rig *rig)
{
        hold_a_card(rig);
        assert_int_equal(phone_answers(rig, OP_BEGIN, 1, 0), END_NONSENSE);
        assert_int_equal(mohrd_hears(rig).op, 0);
}

static void a_second_answer_is_nonsense(void **state)
{
        with_rig(state, play_second_answer);
}

static void play_presence_while_held(struct rig *rig)
{
        hold_a_card(rig);
        assert_int_equal(phone_presence(rig, false), END_NONSENSE);
}

static void a_held_card_is_not_told_of_anew(void **state)
{
        with_rig(state, play_presence_while_held);
}

static enum ending storm(struct rig *rig, unsigned int frames)
{
        enum ending ending = GO_ON;
        for (unsigned int i = 0; ending == GO_ON && i < frames; i++) {
                ending =
                        i % 3 ? phone_presence(rig, i % 2) : phone_sends(rig, LINK_PING, "abcd", 4);
                (void)mohrd_hears(rig);
        }
        return ending;
}

static void play_storm(struct rig *rig)
{
        assert_int_equal(storm(rig, BRIDGE_UNASKED), GO_ON);
        rig->now_us += SECOND_US; /* a second allows for four more */
        assert_int_equal(storm(rig, 4), GO_ON);
        assert_int_equal(storm(rig, 1), END_NONSENSE);
}

static void a_storm_of_news_ends_the_helper(void **state)
{
        with_rig(state, play_storm);
}

static void other_frames_of_the_link_are_nonsense(void **state)
{
        static const enum link_type types[] = { LINK_HELLO, LINK_WELCOME, LINK_PONG, LINK_RENEW,
                LINK_RENEWED, LINK_PAIR_FIRST, LINK_PAIR_LAST };
        for (size_t i = 0; i < ARRAY_LEN(types); i++) {
                struct rig rig;
                rig_open(&rig, *state);
                assert_int_equal(phone_sends(&rig, types[i], "\0\0\0\1", 4), END_NONSENSE);
                rig_close(&rig);
        }
}

static void play_byes(struct rig *rig)
{
        static const struct {
                uint8_t reason;
                int status;
        } rows[] = {
                { LINK_REASON_NONE, OUTCOME_NO_READER },
                { LINK_REASON_CLOSING, OUTCOME_NO_READER },
                { LINK_REASON_VERSION, OUTCOME_READER_SERVICE },
                { LINK_REASON_PROTOCOL, OUTCOME_INTERNAL },
                { LINK_REASON_UNPAIRED, OUTCOME_POLICY },
                { LINK_REASON_TOO_MANY, OUTCOME_BUSY },
                { LINK_REASON_SILENT, OUTCOME_NO_READER },
                { LINK_REASON_FORBIDDEN, OUTCOME_INTERNAL },
                { LINK_REASONS, OUTCOME_INTERNAL },
                { 0xFF, OUTCOME_INTERNAL },
        };
        for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
                enum ending ending = phone_sends(rig, LINK_BYE, &rows[i].reason, 1);
                assert_int_not_equal(ending, GO_ON);
                assert_int_equal(ending_status(ending), rows[i].status);
        }
        assert_int_equal(phone_sends(rig, LINK_BYE, "\1\1", 2), END_NONSENSE);
}

static void a_farewell_has_its_exit_status(void **state)
{
        with_rig(state, play_byes);
}

static void play_forbidden_pin(struct rig *rig)
{
        const uint8_t reason = LINK_REASON_FORBIDDEN;
        hold_a_card(rig);
        assert_int_equal(mohrd_asks(rig, OP_PIN, 5, "1234", 4), GO_ON);
        assert_int_equal(phone_sends(rig, LINK_BYE, &reason, 1), END_FORBIDDEN);
        struct op_frame no = mohrd_hears(rig);
        assert_true(no.op == OP_PIN && no.reply && no.id == 5);
        assert_int_equal(no.payload.data[0], OUTCOME_POLICY);
}

static void a_pin_that_the_phone_will_not_take_is_refused_by_policy(void **state)
{
        with_rig(state, play_forbidden_pin);
}

static void play_hang_up(struct rig *rig)
{
        rig->pair.phone = link_free(rig->pair.phone);
        enum ending ending = bridge_hear(&rig->bridge, rig->now_us);
        assert_int_equal(ending_status(ending), OUTCOME_NO_READER);
}

static void a_phone_that_hangs_up_is_away(void **state)
{
        with_rig(state, play_hang_up);
}

/* ---- mohrd's own mistakes ---- */

static void play_misuse(struct rig *rig)
{
        static const uint8_t not_asked[] = { OP_READY, OP_READERS, OP_PRESENCE };
        for (size_t i = 0; i < ARRAY_LEN(not_asked); i++)
                assert_int_equal(mohrd_asks(rig, not_asked[i], 1, "", 0), END_MISUSED);
        assert_int_equal(mohrd_asks(rig, OP_LINK, 1, "x", 1), END_MISUSED);
        assert_int_equal(mohrd_asks_ahead(rig, OP_LINK, 1), END_MISUSED);
        assert_int_equal(mohrd_asks_ahead(rig, OP_PIN, 1), END_MISUSED);
        assert_int_equal(ops_send(rig->mohrd, "\1", 1), 0);
        assert_int_equal(bridge_ask(&rig->bridge, rig->now_us), END_MISUSED);
        for (uint16_t id = 0; id < BRIDGE_ASKED_MAX; id++)
                assert_int_equal(mohrd_asks(rig, OP_READ, id, "\0", 1), GO_ON);
        assert_int_equal(mohrd_asks(rig, OP_READ, 99, "\0", 1), END_MISUSED);
        for (uint16_t id = 0; id < BRIDGE_ASKED_MAX; id++)
                assert_true(phone_hears(rig, LINK_OP));
        assert_true(phone_hears_nothing(rig));
}

static void what_is_no_question_does_not_cross(void **state)
{
        with_rig(state, play_misuse);
}

static void play_closed(struct rig *rig)
{
        close(rig->mohrd);
        rig->mohrd = -1;
        assert_int_equal(bridge_ask(&rig->bridge, rig->now_us), END_IN_ORDER);
}

static void a_closed_channel_is_an_end_in_order(void **state)
{
        with_rig(state, play_closed);
}

/* ---- time ---- */

static void play_idle(struct rig *rig)
{
        assert_int_equal(bridge_due_us(&rig->bridge), -1);
        rig->now_us += 3600LL * SECOND_US;
        assert_int_equal(bridge_tick(&rig->bridge, rig->now_us), GO_ON);
        assert_true(phone_hears_nothing(rig));
        hold_a_card(rig);
        assert_true(bridge_due_us(&rig->bridge) > 0);
        assert_int_equal(mohrd_asks(rig, OP_END, 2, "\0", 1), GO_ON);
        assert_int_equal(phone_answers(rig, OP_END, 2, 0), GO_ON);
        assert_int_equal(bridge_due_us(&rig->bridge), -1);
}

static void an_idle_link_has_no_clock(void **state)
{
        with_rig(state, play_idle);
}

/* The phone's turn: takes the PING that must be there, answers `late_us` after it. */
static enum ending pong(struct rig *rig, int64_t late_us)
{
        assert_true(phone_hears(rig, LINK_PING));
        rig->now_us += late_us;
        return phone_sends(rig, LINK_PONG, rig->buf->data, rig->buf->len);
}

static void play_latency(struct rig *rig)
{
        struct op_link told;
        hold_a_card(rig);
        assert_true(phone_hears(rig, LINK_OP));
        rig->now_us += SECOND_US;
        assert_int_equal(bridge_tick(&rig->bridge, rig->now_us), GO_ON);
        assert_int_equal(pong(rig, 80000), GO_ON);
        assert_int_equal(op_get_link(mohrd_hears(rig).payload, &told), 0);
        assert_int_equal(told.latency_us, 80000);
        rig->now_us += SECOND_US;
        assert_int_equal(bridge_tick(&rig->bridge, rig->now_us), GO_ON);
        assert_int_equal(pong(rig, 85000), GO_ON); /* nearly the same is no news */
        assert_int_equal(mohrd_hears(rig).op, 0);
        assert_int_equal(phone_sends(rig, LINK_PONG, "\0\0\0\2", 4), END_NONSENSE);
}

static void latency_is_measured_while_a_card_is_held(void **state)
{
        with_rig(state, play_latency);
}

static void play_late_pong(struct rig *rig)
{
        struct op_link told;
        hold_a_card(rig);
        assert_true(phone_hears(rig, LINK_OP));
        rig->now_us += SECOND_US;
        assert_int_equal(bridge_tick(&rig->bridge, rig->now_us), GO_ON);
        assert_int_equal(mohrd_asks(rig, OP_END, 2, "\0", 1), GO_ON);
        assert_int_equal(phone_answers(rig, OP_END, 2, 0), GO_ON);
        assert_int_equal(mohrd_hears(rig).op, OP_END);
        rig->now_us += 60000;
        assert_int_equal(mohrd_asks(rig, OP_BEGIN, 3, NULL, 0), GO_ON);
        assert_int_equal(pong(rig, 20000), GO_ON);
        assert_int_equal(op_get_link(mohrd_hears(rig).payload, &told), 0);
        assert_int_equal(told.latency_us, 80000);
}

static void a_ping_is_timed_from_when_it_went(void **state)
{
        with_rig(state, play_late_pong);
}

static void play_silence(struct rig *rig)
{
        rig->now_us += 60LL * SECOND_US; /* idle: silence is what it should be */
        assert_int_equal(mohrd_asks(rig, OP_BEGIN, 1, "", 0), GO_ON);
        while (rig->now_us - rig->bridge.heard_us < BRIDGE_SILENCE_MS * 1000LL) {
                assert_int_equal(bridge_tick(&rig->bridge, rig->now_us), GO_ON);
                int64_t due_us = bridge_due_us(&rig->bridge);
                assert_true(due_us > rig->now_us);
                rig->now_us = due_us;
        }
        assert_int_equal(bridge_tick(&rig->bridge, rig->now_us), END_SILENT);
        assert_int_equal(ending_status(END_SILENT), OUTCOME_NO_READER);
}

static void a_question_that_meets_silence_ends_the_helper(void **state)
{
        with_rig(state, play_silence);
}

/* ---- the whole life, in a process of its own ---- */

struct life {
        pid_t pid;
        int mohrd;
        struct link *phone;
};

static void life_begin(struct life *life, struct link_world *world)
{
        int channel[2], net[2];
        assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, channel), 0);
        socket_pair(net);
        life->pid = fork();
        assert_true(life->pid >= 0);
        if (life->pid == 0) {
                struct bridge bridge;
                struct link *link;
                close(channel[1]);
                close(net[1]);
                if (link_connect(&link, net[0], &world->computer) < 0 ||
                        bridge_open(&bridge, link) < 0)
                        _Exit(99);
                bridge.channel = channel[0];
                _Exit(ending_status(carry(&bridge, &driver_phone, "laptop")));
        }
        close(channel[0]);
        close(net[0]);
        life->mohrd = channel[1];
        assert_int_equal(link_accept(&life->phone, net[1], world->computers), 0);
}

static int life_status(struct life *life)
{
        int status;
        assert_int_equal(waitpid(life->pid, &status, 0), life->pid);
        life->phone = link_free(life->phone);
        close(life->mohrd);
        return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void wait_readable(int fd)
{
        struct pollfd ready = { .fd = fd, .events = POLLIN };
        assert_int_equal(poll(&ready, 1, 60000), 1);
}

static void prove(struct life *life)
{
        int r;
        while ((r = link_handshake(life->phone)) == -EAGAIN)
                wait_readable(link_fd(life->phone));
        assert_int_equal(r, 0);
}

static enum link_type phone_waits(struct life *life, struct secret *buf)
{
        enum link_type type;
        int r;
        while ((r = link_recv(life->phone, &type, buf)) == -EAGAIN)
                wait_readable(link_fd(life->phone));
        assert_int_equal(r, 0);
        return type;
}

static void welcome(struct life *life, uint8_t version)
{
        const struct op_link link = { .reader = "board", .simulated = true };
        uint8_t body[256];
        struct out out = out_new(body, sizeof body);
        out_u8(&out, version);
        out_text16(&out, "Pixel");
        op_put_link(&out, &link);
        assert_int_equal(link_send(life->phone, LINK_WELCOME, body, out.len), 0);
}

static struct op_frame next_frame(struct life *life, uint8_t *buf, size_t cap)
{
        struct op_frame frame;
        size_t len;
        wait_readable(life->mohrd);
        assert_int_equal(ops_recv(life->mohrd, buf, cap, &len), 0);
        assert_int_equal(op_frame_decode(buf, len, &frame), 0);
        return frame;
}

static void mohrd_hears_of_a_phone_that_has_proven_itself(void **state)
{
        struct link_world *world = *state;
        struct life life;
        struct op_ready ready;
        struct op_link link;
        char name[LINK_NAME_MAX] = "";
        uint8_t buf[OPS_FRAME_MAX];
        life_begin(&life, world);
        prove(&life);
        assert_int_equal(phone_waits(&life, world->buf), LINK_HELLO);
        struct in in = in_new(world->buf->data, world->buf->len);
        assert_int_equal(in_u8(&in), LINK_VERSION);
        assert_int_equal(in_u8(&in), LINK_ROLE_READER);
        in_text16(&in, name, sizeof name);
        assert_int_equal(in_done(&in), 0);
        assert_string_equal(name, "laptop");
        struct pollfd quiet = { .fd = life.mohrd, .events = POLLIN };
        assert_int_equal(poll(&quiet, 1, 0), 0);
        welcome(&life, LINK_VERSION);
        struct op_frame frame = next_frame(&life, buf, sizeof buf);
        assert_int_equal(frame.op, OP_READY);
        assert_int_equal(op_get_ready(frame.payload, &ready), 0);
        assert_string_equal(ready.driver, "phone");
        frame = next_frame(&life, buf, sizeof buf);
        assert_int_equal(frame.op, OP_LINK);
        assert_int_equal(op_get_link(frame.payload, &link), 0);
        assert_string_equal(link.reader, "board");
        assert_true(link.simulated && link.latency_us > 0);
        shutdown(life.mohrd, SHUT_RDWR);
        assert_int_equal(phone_waits(&life, world->buf), LINK_BYE);
        assert_int_equal(world->buf->data[0], LINK_REASON_CLOSING);
        assert_int_equal(life_status(&life), 0);
}

static void a_phone_of_another_version_says_so(void **state)
{
        struct life life;
        life_begin(&life, *state);
        prove(&life);
        welcome(&life, LINK_VERSION + 1);
        assert_int_equal(life_status(&life), OUTCOME_READER_SERVICE);
}

static void a_phone_that_forgot_us_says_so(void **state)
{
        struct link_world *world = *state, stranger = *world;
        struct life life;
        snprintf(stranger.computers, sizeof stranger.computers, "%s/nobody", world->dir);
        life_begin(&life, &stranger);
        int r;
        while ((r = link_handshake(life.phone)) == -EAGAIN)
                wait_readable(link_fd(life.phone));
        assert_int_equal(r, -EACCES);
        assert_int_equal(life_status(&life), OUTCOME_POLICY);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(a_question_crosses_and_its_answer_comes_back),
                cmocka_unit_test(digits_cross_sealed_and_are_wiped),
                cmocka_unit_test(a_new_pin_crosses_no_link),
                cmocka_unit_test(what_is_asked_ahead_may_be_skipped),
                cmocka_unit_test(cards_that_come_and_what_changes_are_told),
                cmocka_unit_test(a_phone_is_looked_for_when_somebody_asks),
                cmocka_unit_test(what_nobody_asked_for_ends_the_helper),
                cmocka_unit_test(a_second_answer_is_nonsense),
                cmocka_unit_test(a_held_card_is_not_told_of_anew),
                cmocka_unit_test(a_storm_of_news_ends_the_helper),
                cmocka_unit_test(other_frames_of_the_link_are_nonsense),
                cmocka_unit_test(a_farewell_has_its_exit_status),
                cmocka_unit_test(a_pin_that_the_phone_will_not_take_is_refused_by_policy),
                cmocka_unit_test(a_phone_that_hangs_up_is_away),
                cmocka_unit_test(what_is_no_question_does_not_cross),
                cmocka_unit_test(a_closed_channel_is_an_end_in_order),
                cmocka_unit_test(an_idle_link_has_no_clock),
                cmocka_unit_test(latency_is_measured_while_a_card_is_held),
                cmocka_unit_test(a_ping_is_timed_from_when_it_went),
                cmocka_unit_test(a_question_that_meets_silence_ends_the_helper),
                cmocka_unit_test(mohrd_hears_of_a_phone_that_has_proven_itself),
                cmocka_unit_test(a_phone_of_another_version_says_so),
                cmocka_unit_test(a_phone_that_forgot_us_says_so),
        };
        return cmocka_run_group_tests(tests, world_set_up, world_tear_down);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* bridge.c: see bridge.h. The phone is as hostile here as a card is to a driver: what it sends is looked at before mohrd
 * sees it, and a phone that is caught is left, not argued with. What an answer's fields mean is mohrd's to judge, as with every
 * helper.
 *
 * Digits go from the channel's frame in locked memory into the sealed frame and are nowhere else; they are wiped before
 * anything else is done.
 */
#include "drivers/phone/bridge.h"

#include "base/outcome.h"

#define US_PER_MS 1000

/* Digits of a new PIN, or of one that is to be another, are typed where the card is, or nowhere. */
static bool crosses(uint8_t op)
{
        return op != OP_NEW_PIN && op != OP_CHANGE_PIN && op != OP_UNBLOCK_PIN;
}

static bool is_question(uint8_t op)
{
        return op >= OP_BEGIN && op != OP_PRESENCE && op != OP_LINK;
}

int bridge_open(struct bridge *bridge, struct link *link)
{
        *bridge = (struct bridge){ .link = link, .channel = -1, .unasked = BRIDGE_UNASKED };
        int r = secret_new(&bridge->question, OPS_FRAME_MAX);
        return r == 0 ? secret_new(&bridge->heard, LINK_FRAME_MAX) : r;
}

void bridge_close(struct bridge *bridge)
{
        bridge->question = secret_free(bridge->question);
        bridge->heard = secret_free(bridge->heard);
}

/* ---- towards mohrd --------------------------------------------------------------------------- */

static enum ending to_mohrd(const struct bridge *bridge, const void *frame, size_t len)
{
        int r = ops_send(bridge->channel, frame, len);
        if (r == 0)
                return GO_ON;
        return r == -EPIPE || r == -ECONNRESET ? END_IN_ORDER : END_BROKEN;
}

static enum ending finish_frame(
        const struct bridge *bridge, uint8_t *frame, const struct out *payload)
{
        ssize_t len = op_frame_finish(frame, payload);
        return len < 0 ? END_BROKEN : to_mohrd(bridge, frame, (size_t)len);
}

/* An answer of our own: nothing was done, and by whose rule. */
static enum ending answer_no(const struct bridge *bridge, uint8_t op, uint16_t id)
{
        uint8_t frame[OPS_HEADER + 8];
        struct out payload = op_frame_begin(frame, sizeof frame, op, true, id);
        op_put_result(&payload, OUTCOME_POLICY, 0);
        if (op == OP_CHANGE_PIN || op == OP_UNBLOCK_PIN || op == OP_PINPAD)
                out_u8(&payload, (uint8_t)-1); /* tries: not told */
        return finish_frame(bridge, frame, &payload);
}

enum ending bridge_tell(struct bridge *bridge)
{
        uint8_t frame[OPS_HEADER + sizeof bridge->told + 8];
        struct out payload = op_frame_begin(frame, sizeof frame, OP_LINK, false, 0);
        op_put_link(&payload, &bridge->told);
        return finish_frame(bridge, frame, &payload);
}

/* ---- from mohrd ------------------------------------------------------------------------------ */

static enum ending pass_on(struct bridge *bridge, const struct op_frame *frame)
{
        const struct secret *question = bridge->question;
        int r = op_is_secret(frame->op)
                        ? link_send_secret(bridge->link, question->data, question->len)
                        : link_send(bridge->link, LINK_OP, question->data, question->len);
        return r < 0 && r != -EAGAIN ? ending_of_error(r) : GO_ON;
}

static bool busy(const struct bridge *bridge)
{
        return bridge->holding || bridge->count > 0 || bridge->looking;
}

/* From here on the phone's silence counts; a PING that is out keeps its time. */
static void begin_to_listen(struct bridge *bridge, int64_t now_us)
{
        if (busy(bridge))
                return;
        bridge->heard_us = now_us;
        bridge->ping_us = bridge->pinged ? bridge->ping_us : now_us;
}

static enum ending send_ping(struct bridge *bridge, int64_t now_us);

/* Is it there? Its PONG is told, and its silence ends the link. */
static enum ending take_look(struct bridge *bridge, const struct op_frame *frame, int64_t now_us)
{
        if (frame->ahead || frame->payload.len > 0)
                return END_MISUSED;
        begin_to_listen(bridge, now_us);
        bridge->looking = true;
        return bridge->pinged ? GO_ON : send_ping(bridge, now_us);
}

static enum ending take_question(struct bridge *bridge, int64_t now_us)
{
        struct op_frame frame;
        const struct secret *question = bridge->question;
        bool whole = op_frame_decode(question->data, question->len, &frame) == 0 && !frame.reply;
        if (whole && frame.op == OP_LINK)
                return take_look(bridge, &frame, now_us);
        if (!whole || !is_question(frame.op) || (frame.ahead && op_is_secret(frame.op)))
                return END_MISUSED;
        if (!crosses(frame.op))
                return answer_no(bridge, frame.op, frame.id);
        if (bridge->count == BRIDGE_ASKED_MAX)
                return END_MISUSED;
        begin_to_listen(bridge, now_us);
        bridge->asked[(bridge->first + bridge->count++) % BRIDGE_ASKED_MAX] =
                (struct asked){ frame.op, frame.ahead, frame.id };
        return pass_on(bridge, &frame);
}

enum ending bridge_ask(struct bridge *bridge, int64_t now_us)
{
        struct secret *question = bridge->question;
        int r = ops_recv(bridge->channel, question->data, question->cap, &question->len);
        if (r < 0)
                return r == -ECONNRESET ? END_IN_ORDER : END_MISUSED;
        if (question->len == 0)
                return END_IN_ORDER;
        enum ending ending = take_question(bridge, now_us);
        secret_wipe(question);
        return ending;
}

/* ---- from the phone -------------------------------------------------------------------------- */

/* Frames that nobody asked for have a credit, which time fills up again. */
static bool may_come_unasked(struct bridge *bridge, int64_t now_us)
{
        int64_t each = BRIDGE_UNASKED_MS * US_PER_MS, gained = (now_us - bridge->unasked_us) / each;
        if (gained > 0) {
                bool full = gained >= BRIDGE_UNASKED - (int64_t)bridge->unasked;
                bridge->unasked = full ? BRIDGE_UNASKED : bridge->unasked + (unsigned int)gained;
                bridge->unasked_us += gained * each;
        }
        if (bridge->unasked == 0)
                return false;
        bridge->unasked--;
        return true;
}

static enum ending take_presence(
        struct bridge *bridge, const struct op_frame *frame, int64_t now_us)
{
        struct driver_presence presence;
        if (bridge->holding || frame->id != 0 || frame->ahead ||
                !may_come_unasked(bridge, now_us) || op_get_presence(frame->payload, &presence) < 0)
                return END_NONSENSE;
        return to_mohrd(bridge, bridge->heard->data, bridge->heard->len);
}

/* Nothing but what was asked ahead can be skipped. */
static bool answers(const struct asked *asked, const struct op_frame *frame, int outcome)
{
        return frame->op == asked->op && frame->id == asked->id &&
               (outcome != OPS_SKIPPED || asked->ahead);
}

static enum ending take_answer(struct bridge *bridge, const struct op_frame *frame)
{
        const struct asked *asked = &bridge->asked[bridge->first];
        struct in in = in_new(frame->payload.data, frame->payload.len);
        int outcome;
        uint16_t sw;
        if (bridge->count == 0 || op_get_result(&in, &outcome, &sw) < 0 ||
                !answers(asked, frame, outcome))
                return END_NONSENSE;
        if (outcome == 0 && (frame->op == OP_BEGIN || frame->op == OP_END))
                bridge->holding = frame->op == OP_BEGIN;
        bridge->first = (bridge->first + 1) % BRIDGE_ASKED_MAX;
        bridge->count--;
        return to_mohrd(bridge, bridge->heard->data, bridge->heard->len);
}

static enum ending take_op(struct bridge *bridge, int64_t now_us)
{
        struct op_frame frame;
        if (op_frame_decode(bridge->heard->data, bridge->heard->len, &frame) < 0)
                return END_NONSENSE;
        if (frame.reply)
                return take_answer(bridge, &frame);
        return frame.op == OP_PRESENCE ? take_presence(bridge, &frame, now_us) : END_NONSENSE;
}

static enum ending take_ping(struct bridge *bridge, int64_t now_us)
{
        if (bridge->heard->len != 4 || !may_come_unasked(bridge, now_us))
                return END_NONSENSE;
        int r = link_send(bridge->link, LINK_PONG, bridge->heard->data, bridge->heard->len);
        return r < 0 && r != -EAGAIN ? ending_of_error(r) : GO_ON;
}

/* Worth telling? A person sees milliseconds, and two numbers that are nearly the same as one. */
static bool differs(uint32_t a, uint32_t b)
{
        uint32_t apart = a > b ? a - b : b - a;
        return apart > 10 * US_PER_MS && apart > b / 4;
}

static enum ending take_pong(struct bridge *bridge, int64_t now_us)
{
        struct in in = in_new(bridge->heard->data, bridge->heard->len);
        uint32_t number = in_u32(&in);
        if (in_done(&in) < 0 || !bridge->pinged || number != bridge->ping)
                return END_NONSENSE;
        bridge->pinged = false;
        int64_t took = now_us - bridge->ping_us;
        uint32_t latency = took < 1 ? 1 : took < UINT32_MAX ? (uint32_t)took : UINT32_MAX;
        if (!differs(latency, bridge->told.latency_us) && !bridge->looking)
                return GO_ON;
        bridge->looking = false;
        bridge->told.latency_us = latency;
        return bridge_tell(bridge);
}

/* Of itself the phone says all but the latency, which is measured here. */
static enum ending take_status(struct bridge *bridge, int64_t now_us)
{
        struct op_link link;
        const struct view body = { bridge->heard->data, bridge->heard->len };
        if (!may_come_unasked(bridge, now_us) || op_get_link(body, &link) < 0)
                return END_NONSENSE;
        link.latency_us = bridge->told.latency_us;
        bridge->told = link;
        return bridge_tell(bridge);
}

/* A PIN that the phone will not take from here is answered as what it is before this ends. */
static enum ending take_bye(struct bridge *bridge)
{
        const struct asked *asked = &bridge->asked[bridge->first];
        if (bridge->heard->len != 1)
                return END_NONSENSE;
        enum ending ending = ending_of_reason(bridge->heard->data[0]);
        bool pin = bridge->count > 0 && (asked->op == OP_PIN || asked->op == OP_PINPAD);
        if (ending == END_FORBIDDEN && pin && answer_no(bridge, asked->op, asked->id) != GO_ON)
                return END_BROKEN;
        return ending;
}

static enum ending take_frame(struct bridge *bridge, enum link_type type, int64_t now_us)
{
        bridge->heard_us = now_us;
        switch (type) {
        case LINK_OP: return take_op(bridge, now_us);
        case LINK_PING: return take_ping(bridge, now_us);
        case LINK_PONG: return take_pong(bridge, now_us);
        case LINK_STATUS: return take_status(bridge, now_us);
        case LINK_BYE: return take_bye(bridge);
        default: return END_NONSENSE;
        }
}

enum ending bridge_hear(struct bridge *bridge, int64_t now_us)
{
        enum ending ending = GO_ON;
        while (ending == GO_ON) {
                enum link_type type;
                int r = link_recv(bridge->link, &type, bridge->heard);
                if (r < 0)
                        return r == -EAGAIN ? GO_ON : ending_of_error(r);
                ending = take_frame(bridge, type, now_us);
                secret_wipe(bridge->heard);
        }
        return ending;
}

enum ending bridge_welcome(struct bridge *bridge, struct view body, int64_t took_us)
{
        struct in in = in_new(body.data, body.len);
        char name[LINK_NAME_MAX];
        uint8_t version = in_u8(&in);
        in_text16(&in, name, sizeof name);
        struct view rest = in_bytes(&in, in_left(&in));
        if (version != LINK_VERSION)
                return body.len > 0 ? END_VERSION : END_NONSENSE;
        if (in_done(&in) < 0 || op_get_link(rest, &bridge->told) < 0)
                return END_NONSENSE;
        bridge->told.latency_us = took_us < UINT32_MAX ? (uint32_t)took_us : UINT32_MAX;
        return GO_ON;
}

/* ---- time ------------------------------------------------------------------------------------ */

int64_t bridge_due_us(const struct bridge *bridge)
{
        int64_t silence = bridge->heard_us + BRIDGE_SILENCE_MS * US_PER_MS;
        int64_t ping = bridge->ping_us + BRIDGE_PING_MS * US_PER_MS;
        if (!busy(bridge))
                return -1;
        return bridge->pinged || silence < ping ? silence : ping;
}

static enum ending send_ping(struct bridge *bridge, int64_t now_us)
{
        uint8_t body[4];
        struct out out = out_new(body, sizeof body);
        out_u32(&out, ++bridge->ping);
        bridge->pinged = true;
        bridge->ping_us = now_us;
        int r = link_send(bridge->link, LINK_PING, body, out.len);
        return r < 0 && r != -EAGAIN ? ending_of_error(r) : GO_ON;
}

enum ending bridge_tick(struct bridge *bridge, int64_t now_us)
{
        if (!busy(bridge))
                return GO_ON;
        if (now_us - bridge->heard_us >= BRIDGE_SILENCE_MS * US_PER_MS)
                return END_SILENT;
        bool due = now_us - bridge->ping_us >= BRIDGE_PING_MS * US_PER_MS;
        return due && !bridge->pinged ? send_ping(bridge, now_us) : GO_ON;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_phone_bridge.c: a phone that says anything at any time to the helper that carries for mohrd, over one proven link. The input is a
 * list of turns: mohrd asks, the phone says something, answers what is oldest, or time passes.
 * mohrd must only ever hear answers to its questions, in their order, and what may come unasked; the phone no digits of a new PIN,
 * and those of a PIN only sealed.
 */
#include "drivers/phone/bridge.h"
#include "tests/fuzz/require.h"

#include "base/outcome.h"

#include <poll.h>
#include <stdio.h>
#include <sys/socket.h>

#define ID "00112233445566ff"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

struct ends {
        struct link *computer, *phone;
        struct secret *buf;
        struct bridge bridge; /* its memory is used again for each input */
        int mohrd, channel;
};

static void make_pair(struct link_peer *computer, struct link_peer *phone, const char *folder)
{
        struct link_peer *const both[] = { computer, phone };
        for (size_t i = 0; i < ARRAY_LEN(both); i++) {
                require(link_identity_make(
                                &both[i]->key, &both[i]->certificate, &both[i]->expires_at) == 0);
                snprintf(both[i]->id, sizeof both[i]->id, ID);
        }
        require(link_identity_print(phone->certificate, computer->peer_print) == 0);
        require(link_identity_print(computer->certificate, phone->peer_print) == 0);
        require(link_store_put(folder, phone) == 0);
}

static void shake_hands(struct ends *ends)
{
        char folder[] = "/tmp/mohr-fuzz-bridge-XXXXXX";
        struct link_peer computer = { 0 }, phone = { 0 };
        int fds[2], left = -EAGAIN, right = -EAGAIN;
        require(mkdtemp(folder) != NULL);
        make_pair(&computer, &phone, folder);
        require(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) == 0);
        require(link_connect(&ends->computer, fds[0], &computer) == 0);
        require(link_accept(&ends->phone, fds[1], folder) == 0);
        for (int i = 0; i < 16; i++) {
                left = link_handshake(ends->computer);
                right = link_handshake(ends->phone);
        }
        require(left == 0 && right == 0 && link_store_remove(folder, ID) == 0);
        require(rmdir(folder) == 0);
        link_peer_clear(&computer);
        link_peer_clear(&phone);
}

/* Once for all inputs: a handshake takes as long as a thousand of them. */
static struct ends *proven(void)
{
        static struct ends ends;
        int fds[2];
        if (ends.buf)
                return &ends;
        require(secret_new(&ends.buf, LINK_FRAME_MAX) == 0);
        shake_hands(&ends);
        require(bridge_open(&ends.bridge, ends.computer) == 0);
        require(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds) == 0);
        ends.mohrd = fds[0];
        ends.channel = fds[1];
        return &ends;
}

struct play {
        struct ends *ends;
        struct in in;
        int64_t now_us;
        uint16_t next_id;
        struct asked
                asked[BRIDGE_ASKED_MAX + 1]; /* that crossed, and have no answer: oldest first */
        size_t count;
        uint8_t frame[OPS_FRAME_MAX];
};

static bool stays_here(uint8_t op)
{
        return op == OP_NEW_PIN || op == OP_CHANGE_PIN || op == OP_UNBLOCK_PIN;
}

static size_t make(struct play *p, uint8_t op, bool reply, uint16_t id, struct view payload)
{
        struct out out = op_frame_begin(p->frame, sizeof p->frame, op, reply, id);
        out_bytes(&out, payload.data, payload.len);
        ssize_t len = op_frame_finish(p->frame, &out);
        require(len > 0);
        return (size_t)len;
}

static enum ending mohrd_asks(struct play *p)
{
        uint8_t kind = in_u8(&p->in), op = kind & OPS_OP;
        bool ahead = kind & OPS_AHEAD;
        size_t len = make(p, op, false, ++p->next_id, in_bytes(&p->in, in_u8(&p->in)));
        p->frame[1] = kind & (OPS_OP | OPS_AHEAD);
        if (p->in.error || op == 0 || op >= OP_COUNT)
                return GO_ON; /* not even mohrd is that wrong */
        require(ops_send(p->ends->mohrd, p->frame, len) == 0);
        enum ending ending = bridge_ask(&p->ends->bridge, p->now_us);
        if (ending == GO_ON && !stays_here(op) && op != OP_LINK)
                p->asked[p->count++] = (struct asked){ op, ahead, p->next_id };
        require(p->count <= BRIDGE_ASKED_MAX);
        return ending;
}

static enum ending phone_says(struct play *p)
{
        enum link_type type = in_u8(&p->in);
        struct view body = in_bytes(&p->in, in_u8(&p->in));
        if (p->in.error || type == LINK_SECRET ||
                link_send(p->ends->phone, type, body.data, body.len) < 0)
                return GO_ON;
        return bridge_hear(&p->ends->bridge, p->now_us);
}

static enum ending phone_answers(struct play *p)
{
        uint8_t head[3] = { in_u8(&p->in), 0x90, 0x00 };
        if (p->count == 0)
                return GO_ON;
        size_t len =
                make(p, p->asked[0].op, true, p->asked[0].id, (struct view){ head, sizeof head });
        require(link_send(p->ends->phone, LINK_OP, p->frame, len) == 0);
        return bridge_hear(&p->ends->bridge, p->now_us);
}

static enum ending time_passes(struct play *p)
{
        int64_t due_us = bridge_due_us(&p->ends->bridge);
        require((due_us < 0) ==
                (p->count == 0 && !p->ends->bridge.holding && !p->ends->bridge.looking));
        p->now_us += in_u8(&p->in) * 10000;
        return bridge_tick(&p->ends->bridge, p->now_us);
}

/* Nothing but what mohrd may hear. `ending`: a refusal of a PIN may come with a farewell. */
static void mohrd_hears(struct play *p, enum ending ending)
{
        struct pollfd fd = { .fd = p->ends->mohrd, .events = POLLIN };
        while (poll(&fd, 1, 0) == 1) {
                struct op_frame frame;
                size_t len;
                require(ops_recv(p->ends->mohrd, p->frame, sizeof p->frame, &len) == 0 && len > 0);
                require(op_frame_decode(p->frame, len, &frame) == 0);
                if (!frame.reply) {
                        require(frame.op == OP_PRESENCE || frame.op == OP_LINK);
                        continue;
                }
                if (stays_here(frame.op)) {
                        require(frame.payload.data[0] == OUTCOME_POLICY);
                        continue;
                }
                require(p->count > 0 && frame.op == p->asked[0].op && frame.id == p->asked[0].id);
                require(frame.payload.data[0] != OPS_SKIPPED || p->asked[0].ahead);
                p->count--;
                if (ending == GO_ON)
                        memmove(p->asked, p->asked + 1, p->count * sizeof *p->asked);
        }
}

static void phone_hears(struct play *p)
{
        struct secret *buf = p->ends->buf;
        enum link_type type;
        while (link_recv(p->ends->phone, &type, buf) == 0) {
                struct op_frame frame = { 0 };
                require(type == LINK_OP || type == LINK_SECRET || type == LINK_PING ||
                        type == LINK_PONG);
                if (type == LINK_OP || type == LINK_SECRET)
                        require(op_frame_decode(buf->data, buf->len, &frame) == 0 && !frame.reply);
                require(!stays_here(frame.op) && (frame.op == OP_PIN) == (type == LINK_SECRET));
        }
}

/* As it was before the first word, with the same locked memory. */
static void begin(struct play *p)
{
        struct bridge *bridge = &p->ends->bridge;
        struct secret *question = bridge->question, *heard = bridge->heard;
        *bridge = (struct bridge){ .link = p->ends->computer,
                .channel = p->ends->channel,
                .question = question,
                .heard = heard,
                .unasked = BRIDGE_UNASKED };
}

/* What is left on the way when this input is over is not the next one's. */
static void drain(const struct ends *ends)
{
        struct pollfd fd = { .fd = ends->mohrd, .events = POLLIN };
        uint8_t frame[OPS_FRAME_MAX];
        enum link_type type;
        size_t len;
        while (link_recv(ends->computer, &type, ends->buf) == 0)
                ;
        while (poll(&fd, 1, 0) == 1)
                require(ops_recv(ends->mohrd, frame, sizeof frame, &len) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
        static enum ending (*const turns[])(
                struct play *) = { mohrd_asks, phone_says, phone_answers, time_passes };
        struct play p = { .ends = proven(), .in = in_new(data, len), .now_us = 1000000 };
        enum ending ending = GO_ON;
        begin(&p);
        while (ending == GO_ON && in_left(&p.in) > 0) {
                ending = turns[in_u8(&p.in) % ARRAY_LEN(turns)](&p);
                mohrd_hears(&p, ending);
                phone_hears(&p);
        }
        require(ending < ENDINGS && ending != END_BROKEN);
        drain(p.ends);
        return 0;
}

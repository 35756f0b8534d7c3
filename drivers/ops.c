/* SPDX-License-Identifier: Apache-2.0 */
/* ops.c: the codec of ops.h.
 *
 * Both ends distrust each other: mohrd takes a helper for something a hostile card may have taken
 * over, the helper takes a frame out of shape for the end of its life. So a decoder lets nothing
 * through that the C type allows and the enum, the cap or the text does not, and each getter ends
 * in the exact-consumption check. What an encoder cannot say within the same limits it turns into
 * an error of the writer; labels that come from a card are reduced to printable ASCII on the way out.
 * What the payloads mean is nobody's business here.
 */
#include "drivers/ops.h"

#include <sys/socket.h>

#define TRIES_MAX 15 /* the x of 63Cx */

static void fail(struct in *in)
{
        if (!in->error)
                in->error = -EBADMSG;
}

/* A byte that must be below `limit`. */
static uint8_t get_below(struct in *in, unsigned int limit)
{
        uint8_t v = in_u8(in);
        if (v >= limit)
                fail(in);
        return v;
}

static bool get_bool(struct in *in)
{
        return get_below(in, 2) == 1;
}

static size_t get_block(struct in *in, uint8_t *dst, size_t cap)
{
        struct view block = in_bytes16(in, cap);
        if (block.len > 0)
                memcpy(dst, block.data, block.len);
        return block.len;
}

static bool printable(char c)
{
        return c >= 0x20 && c <= 0x7e;
}

static void get_ascii(struct in *in, char *dst, size_t cap)
{
        in_text16(in, dst, cap);
        for (size_t i = 0; !in->error && dst[i]; i++)
                if (!printable(dst[i]))
                        fail(in);
}

static void put_ascii(struct out *out, const char *text, size_t cap)
{
        char clean[CARD_LABEL_MAX] = "";
        for (size_t i = 0; i + 1 < base_min(cap, sizeof clean) && text[i]; i++)
                clean[i] = printable(text[i]) ? text[i] : '?';
        out_text16(out, clean);
}

/* Frames */

int op_frame_decode(const void *data, size_t len, struct op_frame *ret)
{
        struct in in = in_new(data, len);
        uint8_t version = in_u8(&in), op = in_u8(&in);
        struct op_frame frame = {
                .reply = op & OPS_REPLY, .ahead = op & OPS_AHEAD, .op = op & OPS_OP
        };
        frame.id = in_u16(&in);
        uint32_t length = in_u32(&in);
        if (len > OPS_FRAME_MAX || version != OPS_VERSION || frame.op == 0 ||
                frame.op >= OP_COUNT || (frame.ahead && (frame.reply || op_is_secret(frame.op))))
                fail(&in);
        frame.payload = in_bytes(&in, length);
        int r = in_done(&in);
        if (r < 0)
                return r;
        *ret = frame;
        return 0;
}

struct out op_frame_begin(uint8_t *frame, size_t cap, uint8_t op, bool reply, uint16_t id)
{
        struct out head = out_new(frame, base_min(cap, OPS_HEADER));
        out_u8(&head, OPS_VERSION);
        out_u8(&head, reply ? op | OPS_REPLY : op);
        out_u16(&head, id);
        out_u32(&head, 0);
        if (out_done(&head) < 0)
                return (struct out){ .error = -ENOSPC };
        return out_new(frame + OPS_HEADER, base_min(cap, OPS_FRAME_MAX) - OPS_HEADER);
}

ssize_t op_frame_finish(uint8_t *frame, const struct out *payload)
{
        int r = out_done(payload);
        if (r < 0)
                return r;
        struct out length = out_new(frame + OPS_HEADER - 4, 4);
        out_u32(&length, (uint32_t)payload->len);
        return (ssize_t)(OPS_HEADER + payload->len);
}

/* What a helper says unasked */

void op_put_ready(struct out *out, const struct op_ready *v)
{
        out_u8(out, v->seccomp);
        out_u8(out, v->dumpable);
        out_u8(out, v->no_new_privs);
        out_u8(out, v->simulated);
        put_ascii(out, v->driver, sizeof v->driver);
}

int op_get_ready(struct view payload, struct op_ready *ret)
{
        struct in in = in_new(payload.data, payload.len);
        struct op_ready v = { 0 };
        v.seccomp = get_below(&in, 3);
        v.dumpable = get_below(&in, 3);
        v.no_new_privs = get_below(&in, 2);
        v.simulated = get_bool(&in);
        get_ascii(&in, v.driver, sizeof v.driver);
        if (v.driver[0] == '\0')
                fail(&in);
        int r = in_done(&in);
        if (r < 0)
                return r;
        *ret = v;
        return 0;
}

static void put_reader(struct out *out, const struct driver_reader *v)
{
        out_text16(out, v->name);
        out_text16(out, v->address);
        out_u8(out, v->present);
        out_u8(out, v->busy);
        out_u32(out, v->events);
        out_bytes16(out, v->atr, v->atr_len);
}

static void get_reader(struct in *in, struct driver_reader *ret)
{
        in_text16(in, ret->name, sizeof ret->name);
        if (ret->name[0] == '\0')
                fail(in);
        in_text16(in, ret->address, sizeof ret->address);
        ret->present = get_bool(in);
        ret->busy = get_bool(in);
        ret->events = in_u32(in);
        ret->atr_len = get_block(in, ret->atr, sizeof ret->atr);
}

void op_put_presence(struct out *out, const struct driver_presence *v)
{
        out_u8(out, v->present);
        out_u32(out, v->events);
        out_bytes16(out, v->atr, v->atr_len);
}

int op_get_presence(struct view payload, struct driver_presence *ret)
{
        struct in in = in_new(payload.data, payload.len);
        struct driver_presence v = { 0 };
        v.present = get_bool(&in);
        v.events = in_u32(&in);
        v.atr_len = get_block(&in, v.atr, sizeof v.atr);
        int r = in_done(&in);
        if (r < 0)
                return r;
        *ret = v;
        return 0;
}

void op_put_readers(struct out *out, const struct op_readers *v)
{
        out_u8(out, (uint8_t)v->outcome);
        if (v->count > DRIVER_READERS_MAX)
                out->error = -ENOSPC;
        out_u8(out, (uint8_t)v->count);
        for (size_t i = 0; i < v->count && !out->error; i++)
                put_reader(out, &v->readers[i]);
}

int op_get_readers(struct view payload, struct op_readers *ret)
{
        struct in in = in_new(payload.data, payload.len);
        struct op_readers v = { 0 };
        v.outcome = in_u8(&in);
        v.count = get_below(&in, DRIVER_READERS_MAX + 1);
        bool none = (v.outcome == OUTCOME_READER_SERVICE || v.outcome == OUTCOME_POLICY) &&
                    v.count == 0;
        if (v.outcome != OUTCOME_OK && !none)
                fail(&in);
        for (size_t i = 0; i < v.count && !in.error; i++)
                get_reader(&in, &v.readers[i]);
        int r = in_done(&in);
        if (r < 0)
                return r;
        *ret = v;
        return 0;
}

void op_put_link(struct out *out, const struct op_link *v)
{
        out_text16(out, v->reader);
        out_u8(out, v->simulated);
        out_u8(out, v->asks_pin);
        out_u8(out, v->pin_sent);
        out_u32(out, v->latency_us);
}

int op_get_link(struct view payload, struct op_link *ret)
{
        struct in in = in_new(payload.data, payload.len);
        struct op_link v = { 0 };
        in_text16(&in, v.reader, sizeof v.reader);
        v.simulated = get_bool(&in);
        v.asks_pin = get_bool(&in);
        v.pin_sent = get_bool(&in);
        v.latency_us = in_u32(&in);
        int r = in_done(&in);
        if (r < 0)
                return r;
        *ret = v;
        return 0;
}

void op_put_announce(struct out *out, const struct op_announce *v)
{
        out_bytes16(out, v->question.data, v->question.len);
        out_bytes16(out, v->signed_request.data, v->signed_request.len);
}

int op_get_announce(struct view payload, struct op_announce *ret)
{
        struct in in = in_new(payload.data, payload.len);
        struct op_announce v = { .question = in_bytes16(&in, OPS_FRAME_MAX) };
        v.signed_request = in_bytes16(&in, OPS_ANNOUNCE_SIGNED_MAX);
        if (v.question.len == 0)
                fail(&in);
        int r = in_done(&in);
        if (r < 0)
                return r;
        *ret = v;
        return 0;
}

/* Replies */

void op_put_result(struct out *out, int outcome, uint16_t sw)
{
        out_u8(out, (uint8_t)outcome);
        out_u16(out, sw);
}

int op_get_result(struct in *in, int *ret_outcome, uint16_t *ret_sw)
{
        int outcome = in_u8(in);
        uint16_t sw = in_u16(in);
        if (outcome != OUTCOME_OK && outcome != OPS_SKIPPED &&
                outcome_from_name(outcome_name(outcome)) != outcome)
                fail(in);
        if (in->error)
                return in->error;
        *ret_outcome = outcome;
        *ret_sw = sw;
        return 0;
}

void op_put_card(struct out *out, const struct driver_card *v)
{
        out_u8(out, (uint8_t)v->protocol);
        out_u8(out, (uint8_t)v->event);
        out_u32(out, v->insertion);
        out_u8(out, v->pinpad);
        out_bytes16(out, v->atr, v->atr_len);
}

int op_get_card(struct in *in, struct driver_card *ret)
{
        struct driver_card v = { 0 };
        v.protocol = get_below(in, APDU_T1 + 1);
        v.event = get_below(in, CARD_IS_NEW + 1);
        v.insertion = in_u32(in);
        v.pinpad = get_below(in, PINPAD_ALL + 1);
        v.atr_len = get_block(in, v.atr, sizeof v.atr);
        int r = in_done(in);
        if (r < 0)
                return r;
        *ret = v;
        return 0;
}

void op_put_identity(struct out *out, const struct card_identity *v)
{
        out_u8(out, (uint8_t)v->family);
        out_u8(out, (uint8_t)v->generation);
        out_u8(out, v->supported);
        out_u8(out, (uint8_t)v->evidence);
        put_ascii(out, v->label, sizeof v->label);
}

int op_get_identity(struct in *in, struct card_identity *ret)
{
        struct card_identity v = { 0 };
        v.family = get_below(in, CARD_PIV + 1);
        v.generation = get_below(in, GENERATION_OMID + 1);
        v.supported = get_bool(in);
        v.evidence = (char)in_u8(in);
        if (v.evidence == '\0' || !strchr("OVDI", v.evidence))
                fail(in);
        get_ascii(in, v.label, sizeof v.label);
        int r = in_done(in);
        if (r < 0)
                return r;
        *ret = v;
        return 0;
}

void op_put_counter(struct out *out, const struct pin_counter *v)
{
        out_u8(out, v->known);
        out_u8(out, v->known ? (uint8_t)v->tries : 0);
        out_u16(out, v->sw);
}

int op_get_counter(struct in *in, struct pin_counter *ret)
{
        struct pin_counter v = { 0 };
        v.known = get_bool(in);
        v.tries = get_below(in, v.known ? TRIES_MAX + 1 : 1);
        v.sw = in_u16(in);
        int r = in_done(in);
        if (r < 0)
                return r;
        *ret = v;
        return 0;
}

static void put_key(struct out *out, const struct card_key *v)
{
        out_u8(out, v->ref);
        out_bytes16(out, v->modulus, v->modulus_len);
        out_bytes16(out, v->exponent, v->exponent_len);
}

static void get_key(struct in *in, struct card_key *ret)
{
        ret->ref = in_u8(in);
        ret->modulus_len = (uint16_t)get_block(in, ret->modulus, sizeof ret->modulus);
        ret->exponent_len = (uint16_t)get_block(in, ret->exponent, sizeof ret->exponent);
}

static void put_probe_pin(struct out *out, const struct card_probe *v)
{
        out_u8(out, v->tries_known);
        out_u8(out, v->tries_known ? v->tries : 0);
        out_u8(out, v->changed_known);
        out_u8(out, v->changed_known && v->changed);
}

static void get_probe_pin(struct in *in, struct card_probe *ret)
{
        ret->tries_known = get_bool(in);
        ret->tries = get_below(in, ret->tries_known ? TRIES_MAX + 1 : 1);
        ret->changed_known = get_bool(in);
        ret->changed = get_below(in, ret->changed_known ? 2 : 1);
}

static void put_rules(struct out *out, const struct card_rules *v)
{
        out_u8(out, v->read);
        out_u8(out, v->update);
}

static void get_rules(struct in *in, struct card_rules *ret)
{
        ret->read = get_below(in, CARD_NEEDS + 1);
        ret->update = get_below(in, CARD_NEEDS + 1);
}

void op_put_probe(struct out *out, const struct card_probe *v)
{
        put_ascii(out, v->label, sizeof v->label);
        put_probe_pin(out, v);
        for (size_t i = 0; i < CARD_RULES_MAX; i++)
                put_rules(out, &v->rules[i]);
        if (v->key_count > CARD_KEYS_MAX)
                out->error = -ENOSPC;
        out_u8(out, (uint8_t)v->key_count);
        for (size_t i = 0; i < v->key_count && !out->error; i++)
                put_key(out, &v->keys[i]);
}

int op_get_probe(struct in *in, struct card_probe *ret)
{
        struct card_probe v = { 0 };
        get_ascii(in, v.label, sizeof v.label);
        get_probe_pin(in, &v);
        for (size_t i = 0; i < CARD_RULES_MAX; i++)
                get_rules(in, &v.rules[i]);
        v.key_count = get_below(in, CARD_KEYS_MAX + 1);
        for (size_t i = 0; i < v.key_count && !in->error; i++)
                get_key(in, &v.keys[i]);
        int r = in_done(in);
        if (r < 0)
                return r;
        *ret = v;
        return 0;
}

/* The socket. MSG_TRUNC makes the kernel tell the packet's true length, so nothing is cut unseen. */

int ops_send(int fd, const void *frame, size_t len)
{
        ssize_t sent;
        do
                sent = send(fd, frame, len, MSG_NOSIGNAL);
        while (sent < 0 && errno == EINTR);
        if (sent < 0)
                return -errno;
        return (size_t)sent == len ? 0 : -EIO;
}

int ops_recv(int fd, void *buf, size_t cap, size_t *ret_len)
{
        ssize_t received;
        do
                received = recv(fd, buf, cap, MSG_TRUNC);
        while (received < 0 && errno == EINTR);
        if (received < 0)
                return -errno;
        if ((size_t)received > cap)
                return -EMSGSIZE;
        *ret_len = (size_t)received;
        return 0;
}

bool ops_asked_ahead(int fd)
{
        uint8_t head[2];
        return recv(fd, head, sizeof head, MSG_PEEK | MSG_DONTWAIT) == (ssize_t)sizeof head &&
               (head[1] & OPS_AHEAD);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* ccid.c: see ccid.h. The header is ten bytes, lengths little-endian: type, length of what follows
 * the header, slot, sequence number, three bytes of the message's own. An answer's own are status,
 * error and one more. A stalled endpoint is cleared once: reading then goes on, writing does not,
 * since nobody knows how much of the question had arrived.
 */
#include "drivers/usb/ccid.h"

#define STALE_MAX     16
#define ABORT_MS      500
#define STATUS_FAILED 1
#define STATUS_LATER  2 /* time extension */

struct frame {
        uint8_t type, slot, seq, status, error, extra;
        struct view data;
};

static void wipe_frame(uint8_t (*frame)[CCID_MESSAGE_MAX])
{
        explicit_bzero(*frame, sizeof *frame);
}

void ccid_allow(struct ccid *ccid, unsigned int ms)
{
        ccid->deadline = ccid->wire->now_ms(ccid->wire->ctx) + ms;
}

unsigned int ccid_left(const struct ccid *ccid)
{
        uint64_t now = ccid->wire->now_ms(ccid->wire->ctx);
        return now < ccid->deadline ? (unsigned int)(ccid->deadline - now) : 0;
}

/* The answer to each question; 0: a question that this driver does not ask. */
static uint8_t answer_type(enum ccid_message question)
{
        switch (question) {
        case CCID_POWER_ON:
        case CCID_SECURE:
        case CCID_XFR_BLOCK: return CCID_DATA_BLOCK;
        case CCID_POWER_OFF:
        case CCID_GET_SLOT_STATUS:
        case CCID_ABORT: return CCID_SLOT_STATUS;
        case CCID_SET_PARAMETERS:
        case CCID_GET_PARAMETERS: return CCID_PARAMETERS;
        default: return 0;
        }
}

static int send(struct ccid *ccid, const struct ccid_question *question)
{
        _cleanup_(wipe_frame) uint8_t frame[CCID_MESSAGE_MAX];
        unsigned int ms = ccid_left(ccid);
        if (ms == 0)
                return OUTCOME_TIMED_OUT;
        struct out out = out_new(frame, sizeof frame);
        out_u8(&out, (uint8_t)question->type);
        out_u32(&out, __builtin_bswap32((uint32_t)question->data.len));
        out_u8(&out, ccid->slot);
        out_u8(&out, ccid->seq);
        out_bytes(&out, question->extra, sizeof question->extra);
        out_bytes(&out, question->data.data, question->data.len);
        if (out_done(&out) < 0)
                return -EMSGSIZE;
        const struct wire *wire = ccid->wire;
        int r = wire->bulk_out(wire->ctx, frame, out.len, ms);
        if (r == -EPIPE)
                (void)wire->unstall(wire->ctx, WIRE_OUT);
        return r;
}

static int frame_decode(const uint8_t *data, size_t len, struct frame *ret)
{
        struct in in = in_new(data, len);
        struct frame frame = { .type = in_u8(&in) };
        uint32_t length = __builtin_bswap32(in_u32(&in));
        frame.slot = in_u8(&in);
        frame.seq = in_u8(&in);
        frame.status = in_u8(&in);
        frame.error = in_u8(&in);
        frame.extra = in_u8(&in);
        if (length > CCID_MESSAGE_MAX - CCID_HEADER)
                return -EBADMSG;
        frame.data = in_bytes(&in, length);
        if (in_done(&in) < 0)
                return -EBADMSG;
        *ret = frame;
        return 0;
}

/* One message, a stalled endpoint being cleared once. */
static int receive(struct ccid *ccid, size_t *ret_len)
{
        const struct wire *wire = ccid->wire;
        bool cleared = false;
        for (;;) {
                unsigned int ms = ccid_left(ccid);
                if (ms == 0)
                        return OUTCOME_TIMED_OUT;
                int r = wire->bulk_in(wire->ctx, ccid->in, sizeof ccid->in, ms, ret_len);
                if (r != -EPIPE || cleared)
                        return r;
                cleared = true;
                r = wire->unstall(wire->ctx, WIRE_IN);
                if (r != 0)
                        return r;
        }
}

static bool belongs(const struct ccid *ccid, const struct frame *frame)
{
        return frame->seq == ccid->seq && frame->slot == ccid->slot;
}

static int take(const struct frame *frame, struct ccid_answer *ret)
{
        unsigned int command = frame->status >> 6;
        unsigned int card = frame->status & 3;
        if (command > STATUS_FAILED || card > CCID_CARD_ABSENT)
                return -EBADMSG;
        *ret = (struct ccid_answer){
                .card = (enum ccid_card)card,
                .failed = command == STATUS_FAILED,
                .error = frame->error,
                .extra = frame->extra,
                .data = frame->data,
        };
        return 0;
}

/* Reads until `type` answers the present sequence number. */
static int await_answer(struct ccid *ccid, uint8_t type, bool patient, struct ccid_answer *ret)
{
        for (unsigned int passed = 0; passed < STALE_MAX;) {
                size_t len = 0;
                struct frame frame;
                int r = receive(ccid, &len);
                if (r != 0)
                        return r;
                if (len > 0)
                        r = frame_decode(ccid->in, len, &frame);
                if (r < 0 && !patient)
                        return r;
                if (r < 0 || len == 0 || !belongs(ccid, &frame) || (patient && frame.type != type))
                        passed++;
                else if (frame.type != type)
                        return -EBADMSG;
                else if (frame.status >> 6 != STATUS_LATER)
                        return take(&frame, ret);
        }
        return -EBADMSG;
}

static int abort_once(struct ccid *ccid)
{
        const struct wire *wire = ccid->wire;
        struct ccid_question question = { .type = CCID_ABORT };
        struct ccid_answer answer;
        ccid->seq++;
        int r = wire->control(wire->ctx, WIRE_ABORT, (uint16_t)(ccid->seq << 8 | ccid->slot),
                ccid_left(ccid) + 1);
        if (r == OUTCOME_NO_READER)
                return r;
        r = send(ccid, &question);
        if (r == 0)
                r = await_answer(ccid, CCID_SLOT_STATUS, true, &answer);
        return r;
}

/* Whether the reader says that it aborted or that it does not know how (6.2.6 lets it), it answered
 * this sequence number: both sides are in step. */
int ccid_abort(struct ccid *ccid)
{
        uint64_t deadline = ccid->deadline;
        ccid_allow(ccid, ABORT_MS);
        int r = abort_once(ccid);
        ccid->deadline = deadline;
        ccid->lost = r != 0;
        return r;
}

int ccid_ask(struct ccid *ccid, const struct ccid_question *question, struct ccid_answer *ret)
{
        int r = ccid->lost ? ccid_abort(ccid) : 0;
        if (r != 0)
                return r;
        ccid->seq++;
        r = send(ccid, question);
        if (r == -EMSGSIZE)
                return r;
        if (r == 0)
                r = await_answer(ccid, answer_type(question->type), false, ret);
        if (r != 0)
                ccid->lost = true;
        return r;
}

int ccid_status(struct ccid *ccid, struct ccid_answer *ret)
{
        return ccid_ask(ccid, &(struct ccid_question){ .type = CCID_GET_SLOT_STATUS }, ret);
}

/* Of each slot two bits: a card is there, and that changed (CCID rev 1.1, 6.3.1). */
static unsigned int slot_bits(const uint8_t *data, size_t len, uint8_t slot)
{
        size_t at = 1 + slot / 4U;
        return len > at && data[0] == 0x50 ? data[at] >> (slot % 4U * 2) & 3U : 0;
}

bool ccid_slot_changed(const uint8_t *data, size_t len, uint8_t slot)
{
        return (slot_bits(data, len, slot) & 2) != 0;
}

bool ccid_slot_emptied(const uint8_t *data, size_t len, uint8_t slot)
{
        return slot_bits(data, len, slot) == 2;
}

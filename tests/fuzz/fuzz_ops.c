/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_ops.c: what a hostile helper may send to mohrd. The first byte chooses the decoder. What decodes
 * must be within the ranges of its type and encode to the same bytes.
 */
#include "drivers/ops.h"
#include "tests/fuzz/require.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static bool terminated(const char *text, size_t cap)
{
        return memchr(text, '\0', cap) != NULL;
}

static bool ready(struct view payload, struct out *out)
{
        struct op_ready v;
        if (op_get_ready(payload, &v) < 0)
                return false;
        require(terminated(v.driver, sizeof v.driver) && v.seccomp <= 2 && v.dumpable <= 2);
        op_put_ready(out, &v);
        return true;
}

static bool readers(struct view payload, struct out *out)
{
        struct op_readers v;
        if (op_get_readers(payload, &v) < 0)
                return false;
        require(v.count <= DRIVER_READERS_MAX);
        for (size_t i = 0; i < v.count; i++)
                require(terminated(v.readers[i].name, sizeof v.readers[i].name) &&
                        v.readers[i].atr_len <= CARD_ATR_MAX);
        op_put_readers(out, &v);
        return true;
}

static bool presence(struct view payload, struct out *out)
{
        struct driver_presence v;
        if (op_get_presence(payload, &v) < 0)
                return false;
        require(v.atr_len <= CARD_ATR_MAX);
        op_put_presence(out, &v);
        return true;
}

static bool card(struct view payload, struct out *out)
{
        struct in in = in_new(payload.data, payload.len);
        struct driver_card v;
        if (op_get_card(&in, &v) < 0)
                return false;
        require(v.protocol <= APDU_T1 && v.event <= CARD_IS_NEW && v.atr_len <= CARD_ATR_MAX);
        op_put_card(out, &v);
        return true;
}

static bool identity(struct view payload, struct out *out)
{
        struct in in = in_new(payload.data, payload.len);
        struct card_identity v;
        if (op_get_identity(&in, &v) < 0)
                return false;
        require(v.family <= CARD_PIV && v.generation <= GENERATION_OMID &&
                terminated(v.label, sizeof v.label));
        op_put_identity(out, &v);
        return true;
}

static bool counter(struct view payload, struct out *out)
{
        struct in in = in_new(payload.data, payload.len);
        struct pin_counter v;
        if (op_get_counter(&in, &v) < 0)
                return false;
        require(v.tries >= 0 && v.tries <= 15);
        op_put_counter(out, &v);
        return true;
}

static bool probe(struct view payload, struct out *out)
{
        struct in in = in_new(payload.data, payload.len);
        struct card_probe v;
        if (op_get_probe(&in, &v) < 0)
                return false;
        require(v.key_count <= CARD_KEYS_MAX && terminated(v.label, sizeof v.label));
        op_put_probe(out, &v);
        return true;
}

static bool frame(struct view payload, struct out *out)
{
        struct op_frame v;
        if (op_frame_decode(payload.data, payload.len, &v) < 0)
                return false;
        require(v.op > 0 && v.op < OP_COUNT && !(v.ahead && (v.reply || op_is_secret(v.op))));
        uint8_t op = v.ahead ? v.op | OPS_AHEAD : v.op;
        struct out again = op_frame_begin(out->data, out->cap, op, v.reply, v.id);
        out_bytes(&again, v.payload.data, v.payload.len);
        ssize_t len = op_frame_finish(out->data, &again);
        require(len > 0);
        out->len = (size_t)len;
        return true;
}

static bool result(struct view payload, struct out *out)
{
        struct in in = in_new(payload.data, payload.len);
        int outcome;
        uint16_t sw;
        if (op_get_result(&in, &outcome, &sw) < 0)
                return false;
        op_put_result(out, outcome, sw);
        out_bytes(out, payload.data + in.pos, in_left(&in));
        return true;
}

static bool linked(struct view payload, struct out *out)
{
        struct op_link v;
        if (op_get_link(payload, &v) < 0)
                return false;
        require(terminated(v.reader, sizeof v.reader));
        op_put_link(out, &v);
        return true;
}

static bool announce(struct view payload, struct out *out)
{
        struct op_announce v;
        if (op_get_announce(payload, &v) < 0)
                return false;
        require(v.question.len > 0 && v.signed_request.len <= OPS_ANNOUNCE_SIGNED_MAX);
        op_put_announce(out, &v);
        return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
        static bool (*const decoders[])(struct view payload, struct out * out) = { ready, readers,
                card, identity, counter, probe, frame, result, presence, linked, announce };
        static uint8_t again[2 * OPS_FRAME_MAX];
        if (len == 0 || len > OPS_FRAME_MAX)
                return 0;
        struct view payload = { data + 1, len - 1 };
        struct out out = out_new(again, sizeof again);
        if (decoders[data[0] % ARRAY_LEN(decoders)](payload, &out))
                require(out_done(&out) == 0 && out.len == payload.len &&
                        memcmp(again, payload.data, payload.len) == 0);
        return 0;
}

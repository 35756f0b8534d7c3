/* SPDX-License-Identifier: Apache-2.0 */
/* readers_ask.c: one question to a helper: its place in the list, its frame, its time. What is made of the answer stands in
 * readers_call.c.
 *
 * A question is kept with its bytes until its answer was handed out, so that a call can be compared with what was asked ahead. Digits
 * are not kept: their frame is made in locked pages that live for one send.
 */
#include "daemon/readers_internal.h"

#include "base/secret.h"

#define PIN_FRAME_CAP 64

/* ---- one question ---------------------------------------------------------------------------- */

struct ask *ask_free(struct ask *ask)
{
        if (ask)
                free(ask->fields);
        free(ask);
        return NULL;
}

/* At the end of the list: it is the reader's. */
int ask_new(struct reader *reader, enum op op, const void *data, size_t len, bool ahead,
        struct ask **ret)
{
        struct ask **slot = &reader->asks;
        size_t kept = op_is_secret(op) ? 0 : len;
        if (len > OPS_FRAME_MAX - OPS_HEADER)
                return -EMSGSIZE;
        struct ask *ask = calloc(1, sizeof *ask + kept);
        if (!ask)
                return -ENOMEM;
        ask->op = (uint8_t)op;
        ask->id = ++reader->last_id;
        ask->ahead = ahead;
        ask->depth = reader->depth + 1;
        ask->len = kept;
        if (kept > 0)
                memcpy(ask->question, data, kept);
        while (*slot)
                slot = &(*slot)->next;
        *slot = ask;
        *ret = ask;
        return 0;
}

/* Takes it off the list; it is the caller's. */
struct ask *ask_take(struct reader *reader, struct ask *ask)
{
        struct ask **slot = &reader->asks;
        while (*slot && *slot != ask)
                slot = &(*slot)->next;
        if (*slot)
                *slot = ask->next;
        if (reader->last == ask)
                reader->last = NULL;
        if (ask)
                reader->kept -= ask->fields_len;
        return ask;
}

void ask_remove(struct reader *reader, struct ask *ask)
{
        ask_free(ask_take(reader, ask));
}

struct ask *asks_first(const struct reader *reader)
{
        struct ask *ask = reader->asks;
        while (ask && ask->answered)
                ask = ask->next;
        return ask;
}

/* The digits' frame: made in locked pages that live for this one send. */
int ask_send_secret(struct reader *reader, struct ask *ask, const void *digits, size_t len)
{
        _cleanup_secret_ struct secret *secret = NULL;
        if (!reader_stage(reader)->serves || len > OPS_PIN_MAX)
                return -EPROTO;
        int r = secret_new(&secret, PIN_FRAME_CAP);
        if (r < 0)
                return r;
        struct out payload = op_frame_begin(secret->data, secret->cap, ask->op, false, ask->id);
        out_bytes(&payload, digits, len);
        ssize_t total = op_frame_finish(secret->data, &payload);
        ask->sent = true;
        return total < 0 ? (int)total : child_send(reader->helper, secret->data, (size_t)total);
}

int ask_send(struct reader *reader, struct ask *ask)
{
        uint8_t frame[OPS_FRAME_MAX];
        if (!reader_stage(reader)->serves)
                return 0;
        uint8_t op = ask->ahead ? ask->op | OPS_AHEAD : ask->op;
        struct out payload = op_frame_begin(frame, sizeof frame, op, false, ask->id);
        out_bytes(&payload, ask->question, ask->len);
        ssize_t total = op_frame_finish(frame, &payload);
        ask->sent = true;
        return total < 0 ? (int)total : child_send(reader->helper, frame, (size_t)total);
}

/* The helper is dying right now: its end answers what it was asked. */
bool ask_has_ended(int r)
{
        return r == -EPIPE || r == -ECONNRESET || r == -ENOTCONN;
}

/* ---- time ------------------------------------------------------------------------------------ */

/* A card is a machine; a person who types on a reader's keys is not, and the reader gives up first. */
static uint64_t limit_us(const struct reader *reader, enum op op)
{
        static const struct {
                enum op op;
                uint64_t us;
        } own[] = { { OP_PINPAD, 90000000ULL } };
        for (size_t i = 0; i < ARRAY_LEN(own); i++)
                if (own[i].op == op)
                        return own[i].us;
        return (uint64_t)reader->backend->readers->config->card_timeout_ms * 1000;
}

/* From here on the helper works on the first question that has no answer. */
void asks_time(struct reader *reader)
{
        const struct ask *first = asks_first(reader);
        if (first)
                readers_arm(reader->deadline, limit_us(reader, first->op));
        else
                sd_event_source_set_enabled(reader->deadline, SD_EVENT_OFF);
}

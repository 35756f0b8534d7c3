/* SPDX-License-Identifier: Apache-2.0 */
/* frame.c: see frame.h. One table for each kind drives both directions, so that the order cannot drift; what a
 * struct may say is checked in one place, by sender and receiver alike.
 */
#include "daemon/history/frame.h"

#include "base/bytes.h"
#include "base/outcome.h"
#include "base/text.h"

#define VERSION       2
#define CLAIMS        15 /* the bits that there are */
#define TRIES_UNKNOWN 255

enum form { FREE, NEEDED, HEX_NEEDED, HEX_OR_EMPTY };

struct text_row {
        size_t at, cap;
        enum form form;
};
#define TEXT(type, name, form)                                                                     \
        {                                                                                          \
                offsetof(struct type, name), sizeof(((struct type *)0)->name), form                \
        }

static const struct text_row ask_rows[] = {
        TEXT(history_ask_texts, request, HEX_NEEDED),
        TEXT(history_ask_texts, method, NEEDED),
        TEXT(history_ask_texts, app, NEEDED),
        TEXT(history_ask_texts, program, FREE),
        TEXT(history_ask_texts, audience, FREE),
        TEXT(history_ask_texts, purpose, FREE),
        TEXT(history_ask_texts, organization, FREE),
        TEXT(history_ask_texts, organization_key, HEX_OR_EMPTY),
        TEXT(history_ask_texts, signed_request, HEX_OR_EMPTY),
        TEXT(history_ask_texts, rule, FREE),
        TEXT(history_ask_texts, document, FREE),
        TEXT(history_ask_texts, document_digest, HEX_OR_EMPTY),
        TEXT(history_ask_texts, form, FREE),
        TEXT(history_ask_texts, consent, HEX_OR_EMPTY),
        TEXT(history_ask_texts, content, FREE),
        TEXT(history_ask_texts, key, FREE),
};
static const struct text_row end_rows[] = {
        TEXT(history_end_texts, request, HEX_NEEDED),
        TEXT(history_end_texts, outcome, NEEDED),
        TEXT(history_end_texts, detail, FREE),
        TEXT(history_end_texts, assertion, HEX_OR_EMPTY),
        TEXT(history_end_texts, signature, HEX_OR_EMPTY),
        TEXT(history_end_texts, grant, HEX_OR_EMPTY),
        TEXT(history_end_texts, values, FREE),
};
static const struct text_row revoke_rows[] = { TEXT(history_frame, grant, HEX_NEEDED) };
static const struct text_row why_rows[] = { TEXT(history_frame, why, FREE) };
static const struct text_row reply_rows[] = {
        TEXT(history_reply, detail, FREE),
        TEXT(history_reply, grant, HEX_OR_EMPTY),
        TEXT(history_reply, history, HEX_OR_EMPTY),
        TEXT(history_reply, list, FREE),
};

bool history_is_hex(const char *text, size_t len)
{
        return strlen(text) == len && strspn(text, "0123456789abcdef") == len;
}

static bool fits(const struct text_row *row, const void *base)
{
        const char *text = (const char *)base + row->at;
        if (*text && !text_utf8_valid(text, strlen(text)))
                return false;
        switch (row->form) {
        case FREE: return true;
        case NEEDED: return *text != '\0';
        case HEX_NEEDED: return history_is_hex(text, row->cap - 1);
        case HEX_OR_EMPTY: return *text == '\0' || history_is_hex(text, row->cap - 1);
        }
        return false;
}

static bool texts_fit(const void *base, const struct text_row *rows, size_t count)
{
        for (size_t i = 0; i < count; i++)
                if (!fits(&rows[i], base))
                        return false;
        return true;
}

static void put_texts(struct out *out, const void *base, const struct text_row *rows, size_t count)
{
        for (size_t i = 0; i < count; i++)
                out_text16(out, (const char *)base + rows[i].at);
}

static void get_texts(struct in *in, void *base, const struct text_row *rows, size_t count)
{
        for (size_t i = 0; i < count; i++)
                in_text16(in, (char *)base + rows[i].at, rows[i].cap);
}

static bool get_flag(struct in *in)
{
        uint8_t flag = in_u8(in);
        if (flag > 1)
                in->error = -EBADMSG;
        return flag == 1;
}

static bool frame_fits(const struct history_frame *frame)
{
        switch (frame->op) {
        case HISTORY_ASK:
        case HISTORY_REFUSE:
                return (frame->op == HISTORY_ASK || frame->why[0]) &&
                       texts_fit(frame, why_rows, ARRAY_LEN(why_rows)) &&
                       texts_fit(&frame->ask, ask_rows, ARRAY_LEN(ask_rows)) &&
                       (frame->ask.required | frame->ask.optional) <= CLAIMS;
        case HISTORY_END:
                return texts_fit(&frame->end, end_rows, ARRAY_LEN(end_rows)) &&
                       (frame->end.released | frame->end.declined) <= CLAIMS &&
                       frame->end.tries_left >= -1 && frame->end.tries_left < TRIES_UNKNOWN;
        case HISTORY_REVOKE: return texts_fit(frame, revoke_rows, ARRAY_LEN(revoke_rows));
        case HISTORY_GRANTS: return true;
        }
        return false;
}

static void put_ask(struct out *out, const struct history_ask_texts *ask)
{
        const uint32_t numbers[] = { ask->uid, ask->pid, ask->app_per_hour, ask->user_per_hour,
                ask->wrong_pins, ask->pause_s };
        put_texts(out, ask, ask_rows, ARRAY_LEN(ask_rows));
        for (size_t i = 0; i < ARRAY_LEN(numbers); i++)
                out_u32(out, numbers[i]);
        out_u8(out, ask->required);
        out_u8(out, ask->optional);
        out_u8(out, ask->use_grant);
}

static void get_ask(struct in *in, struct history_ask_texts *ret)
{
        uint32_t *const numbers[] = { &ret->uid, &ret->pid, &ret->app_per_hour, &ret->user_per_hour,
                &ret->wrong_pins, &ret->pause_s };
        get_texts(in, ret, ask_rows, ARRAY_LEN(ask_rows));
        for (size_t i = 0; i < ARRAY_LEN(numbers); i++)
                *numbers[i] = in_u32(in);
        ret->required = in_u8(in);
        ret->optional = in_u8(in);
        ret->use_grant = get_flag(in);
}

static void put_end(struct out *out, const struct history_end_texts *end)
{
        put_texts(out, end, end_rows, ARRAY_LEN(end_rows));
        out_u8(out, end->released);
        out_u8(out, end->declined);
        out_u8(out, end->tries_left < 0 ? TRIES_UNKNOWN : (uint8_t)end->tries_left);
        out_u8(out, end->remember);
}

static void get_end(struct in *in, struct history_end_texts *ret)
{
        get_texts(in, ret, end_rows, ARRAY_LEN(end_rows));
        ret->released = in_u8(in);
        ret->declined = in_u8(in);
        uint8_t tries = in_u8(in);
        ret->tries_left = tries == TRIES_UNKNOWN ? -1 : tries;
        ret->remember = get_flag(in);
}

int history_frame_encode(
        const struct history_frame *frame, uint8_t *dst, size_t cap, size_t *ret_len)
{
        if (!frame_fits(frame))
                return -EINVAL;
        struct out out = out_new(dst, base_min(cap, HISTORY_FRAME_MAX));
        out_u8(&out, VERSION);
        out_u8(&out, (uint8_t)frame->op);
        out_u32(&out, frame->id);
        if (frame->op == HISTORY_REFUSE)
                put_texts(&out, frame, why_rows, ARRAY_LEN(why_rows));
        if (frame->op == HISTORY_ASK || frame->op == HISTORY_REFUSE)
                put_ask(&out, &frame->ask);
        else if (frame->op == HISTORY_END)
                put_end(&out, &frame->end);
        else if (frame->op == HISTORY_REVOKE)
                put_texts(&out, frame, revoke_rows, ARRAY_LEN(revoke_rows));
        if (out_done(&out) < 0)
                return -EMSGSIZE;
        *ret_len = out.len;
        return 0;
}

int history_frame_decode(const void *data, size_t len, struct history_frame *ret)
{
        if (len > HISTORY_FRAME_MAX)
                return -EBADMSG;
        struct in in = in_new(data, len);
        memset(ret, 0, sizeof *ret);
        uint8_t version = in_u8(&in), op = in_u8(&in);
        ret->op = (enum history_op)op;
        ret->id = in_u32(&in);
        if (op == HISTORY_REFUSE)
                get_texts(&in, ret, why_rows, ARRAY_LEN(why_rows));
        if (op == HISTORY_ASK || op == HISTORY_REFUSE)
                get_ask(&in, &ret->ask);
        else if (op == HISTORY_END)
                get_end(&in, &ret->end);
        else if (op == HISTORY_REVOKE)
                get_texts(&in, ret, revoke_rows, ARRAY_LEN(revoke_rows));
        return in_done(&in) == 0 && version == VERSION && frame_fits(ret) ? 0 : -EBADMSG;
}

static bool reply_fits(const struct history_reply *reply)
{
        switch (reply->outcome) {
        case OUTCOME_OK:
        case OUTCOME_USAGE:
        case OUTCOME_POLICY:
        case OUTCOME_CANNOT_RECORD:
                return texts_fit(reply, reply_rows, ARRAY_LEN(reply_rows)) &&
                       reply->released <= CLAIMS;
        default: return false;
        }
}

int history_reply_encode(
        const struct history_reply *reply, uint8_t *dst, size_t cap, size_t *ret_len)
{
        if (!reply_fits(reply))
                return -EINVAL;
        struct out out = out_new(dst, base_min(cap, HISTORY_FRAME_MAX));
        out_u8(&out, VERSION);
        out_u32(&out, reply->id);
        out_u8(&out, (uint8_t)reply->outcome);
        put_texts(&out, reply, reply_rows, ARRAY_LEN(reply_rows));
        out_u8(&out, reply->released);
        out_u32(&out, reply->wait_s);
        out_u64(&out, reply->seq);
        out_bytes(&out, reply->link, sizeof reply->link);
        if (out_done(&out) < 0)
                return -EMSGSIZE;
        *ret_len = out.len;
        return 0;
}

int history_reply_decode(const void *data, size_t len, struct history_reply *ret)
{
        if (len > HISTORY_FRAME_MAX)
                return -EBADMSG;
        struct in in = in_new(data, len);
        memset(ret, 0, sizeof *ret);
        uint8_t version = in_u8(&in);
        ret->id = in_u32(&in);
        ret->outcome = in_u8(&in);
        get_texts(&in, ret, reply_rows, ARRAY_LEN(reply_rows));
        ret->released = in_u8(&in);
        ret->wait_s = in_u32(&in);
        ret->seq = in_u64(&in);
        struct view link = in_bytes(&in, sizeof ret->link);
        if (in_done(&in) < 0 || version != VERSION || !reply_fits(ret))
                return -EBADMSG;
        memcpy(ret->link, link.data, sizeof ret->link);
        return 0;
}

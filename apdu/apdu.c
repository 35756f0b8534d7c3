/* SPDX-License-Identifier: Apache-2.0 */
/* apdu.c: see apdu.h. ISO/IEC 7816-4:2020 5.3 (chaining, extended lengths, GET RESPONSE) over the two
 * transports of ISO/IEC 7816-3:2006 clause 12.
 *
 * Who may be repeated: 6Cxx says "wrong Le, nothing done, ask again with xx", so a command with Le is
 * sent once more, unless it is APDU_ONCE. VERIFY in both its forms is APDU_ONCE: a card that counts
 * before it looks at Le would take a second try. PSO CDS is not: it carries no PIN, a second one can
 * cost at most a refusal, and 6Cxx is how T=0 tells the length of a short signature (card-facts 6.4).
 * 61xx is answered by GET RESPONSE for every command: it asks for bytes that lie ready and repeats
 * nothing.
 *
 * A command without Le asked for nothing. What a card then announces with 61xx is fetched all the
 * same and dropped, because an unfetched answer spoils the next command (card-facts 2.8); data that
 * comes unasked in the answer itself is refused.
 */
#include "apdu/apdu.h"

#define DATA_MAX         4096
#define SHORT_LC_MAX     255
#define SHORT_LE_MAX     256
#define FETCHES_MAX      64 /* times 256 bytes: no file is longer */
#define CLA_MORE         0x10
#define INS_GET_RESPONSE 0xC0

struct frame {
        uint8_t bytes[APDU_CMD_MAX];
        size_t len;
};

static void frame_wipe(struct frame *frame)
{
        explicit_bzero(frame, sizeof *frame);
}
#define _cleanup_frame_ _cleanup_(frame_wipe)

struct answer {
        uint8_t bytes[APDU_RSP_MAX];
        size_t len; /* without the status word */
        uint16_t sw;
};

static bool is_extended(const struct apdu_link *link, const struct apdu_cmd *cmd)
{
        return link->protocol == APDU_T1 && (cmd->flags & APDU_EXTENDED) &&
               (cmd->data.len > SHORT_LC_MAX || cmd->le > SHORT_LE_MAX);
}

static void put_extended(struct out *out, const struct apdu_cmd *cmd)
{
        out_u8(out, 0);
        if (cmd->data.len > 0)
                out_bytes16(out, cmd->data.data, cmd->data.len);
        if (cmd->le != APDU_NO_LE)
                out_u16(out, (uint16_t)cmd->le); /* 65536 is written as 0 */
}

/* T=0 has no room for Le behind data (7816-3 12.2.4), and five bytes are its least (12.2.2). */
static void put_short(struct out *out, const struct apdu_cmd *cmd, enum apdu_protocol protocol)
{
        if (cmd->data.len > 0) {
                out_u8(out, (uint8_t)cmd->data.len);
                out_bytes(out, cmd->data.data, cmd->data.len);
        }
        if (cmd->le != APDU_NO_LE && !(protocol == APDU_T0 && cmd->data.len > 0))
                out_u8(out, cmd->le >= SHORT_LE_MAX ? 0 : (uint8_t)cmd->le);
        if (cmd->le == APDU_NO_LE && cmd->data.len == 0 && protocol == APDU_T0)
                out_u8(out, 0);
}

static int frame_build(
        struct frame *frame, const struct apdu_link *link, const struct apdu_cmd *cmd)
{
        struct out out = out_new(frame->bytes, sizeof frame->bytes);
        out_u8(&out, cmd->cla);
        out_u8(&out, cmd->ins);
        out_u8(&out, cmd->p1);
        out_u8(&out, cmd->p2);
        if (is_extended(link, cmd))
                put_extended(&out, cmd);
        else
                put_short(&out, cmd, link->protocol);
        frame->len = out.len;
        return out_done(&out) < 0 ? -EMSGSIZE : 0;
}

static int transmit(struct apdu_link *link, const struct apdu_cmd *cmd, struct answer *ret)
{
        _cleanup_frame_ struct frame frame;
        int r = frame_build(&frame, link, cmd);
        if (r < 0)
                return r;
        size_t len = 0;
        link->exchanges++;
        r = link->transmit(link->ctx, frame.bytes, frame.len, ret->bytes, sizeof ret->bytes, &len);
        if (r != 0)
                return r;
        if (len < 2 || len > sizeof ret->bytes)
                return -EBADMSG;
        ret->len = len - 2;
        ret->sw = (uint16_t)(ret->bytes[len - 2] << 8 | ret->bytes[len - 1]);
        uint8_t class = ret->bytes[len - 2] & 0xF0;
        return class == 0x60 || class == 0x90 ? 0 : -EBADMSG;
}

static size_t announced(uint16_t sw)
{
        return (sw & 0xFF) ? (sw & 0xFFu) : SHORT_LE_MAX;
}

static size_t direct_limit(const struct apdu_link *link, const struct apdu_cmd *cmd)
{
        if (cmd->le == APDU_NO_LE)
                return 0;
        if (is_extended(link, cmd))
                return cmd->le == APDU_LE_MAX ? DATA_MAX : (size_t)cmd->le;
        return cmd->le == APDU_LE_MAX ? SHORT_LE_MAX : base_min((size_t)cmd->le, SHORT_LE_MAX);
}

/* One command, and once more if the card only disliked Le. The answer is no longer than asked. */
static int ask(struct apdu_link *link, const struct apdu_cmd *cmd, struct answer *ret)
{
        struct apdu_cmd now = *cmd;
        int r = transmit(link, &now, ret);
        if (r != 0)
                return r;
        if (ret->sw >> 8 == 0x6C && now.le != APDU_NO_LE && !(now.flags & APDU_ONCE)) {
                now.le = (int)announced(ret->sw);
                r = transmit(link, &now, ret);
                if (r != 0)
                        return r;
        }
        return ret->len > direct_limit(link, &now) ? -EBADMSG : 0;
}

static int keep(struct apdu_rsp *rsp, const struct answer *answer)
{
        if (answer->len > rsp->cap - rsp->len)
                return -EBADMSG;
        if (answer->len > 0)
                memcpy(rsp->data + rsp->len, answer->bytes, answer->len);
        rsp->len += answer->len;
        return 0;
}

/* GET RESPONSE until nothing is announced any more. `wanted` is what the command asked for in all. */
static int fetch(struct apdu_link *link, size_t wanted, struct answer *answer, struct apdu_rsp *rsp)
{
        for (unsigned int n = 0; answer->sw >> 8 == 0x61; n++) {
                size_t len = announced(answer->sw);
                if (wanted > 0)
                        len = base_min(len, wanted - base_min(wanted, rsp->len));
                if (len == 0 || n == FETCHES_MAX)
                        return -EBADMSG;
                struct apdu_cmd get = { .ins = INS_GET_RESPONSE, .le = (int)len };
                int r = ask(link, &get, answer);
                if (r != 0)
                        return r;
                if (wanted > 0 && (answer->len > wanted - rsp->len || keep(rsp, answer) < 0))
                        return -EBADMSG;
        }
        return 0;
}

/* All blocks but the last (5.3.3). Leaves the rest in `cmd`, or the word that refused a block in rsp. */
static int send_leading(struct apdu_link *link, struct apdu_cmd *cmd, struct apdu_rsp *rsp)
{
        while (cmd->data.len > SHORT_LC_MAX && !is_extended(link, cmd)) {
                struct answer answer;
                struct apdu_cmd block = *cmd;
                block.cla |= CLA_MORE;
                block.data.len = SHORT_LC_MAX;
                block.le = APDU_NO_LE;
                int r = ask(link, &block, &answer);
                if (r == 0)
                        r = fetch(link, 0, &answer, rsp);
                if (r != 0)
                        return r;
                if (answer.sw != 0x9000) {
                        rsp->sw = answer.sw;
                        return 0;
                }
                cmd->data.data += SHORT_LC_MAX;
                cmd->data.len -= SHORT_LC_MAX;
        }
        return 0;
}

int apdu_exchange(struct apdu_link *link, const struct apdu_cmd *cmd, struct apdu_rsp *rsp)
{
        struct apdu_cmd last = *cmd;
        struct answer answer;
        rsp->len = 0;
        rsp->sw = 0;
        if (cmd->data.len > DATA_MAX || cmd->le < APDU_NO_LE || cmd->le > 65536)
                return -EMSGSIZE;
        int r = send_leading(link, &last, rsp);
        if (r != 0 || rsp->sw != 0)
                return r;
        r = ask(link, &last, &answer);
        if (r != 0)
                return r;
        size_t wanted = cmd->le == APDU_NO_LE    ? 0
                        : cmd->le == APDU_LE_MAX ? SIZE_MAX
                                                 : (size_t)cmd->le;
        if (keep(rsp, &answer) < 0)
                return -EBADMSG;
        r = fetch(link, wanted, &answer, rsp);
        rsp->sw = answer.sw;
        return r;
}

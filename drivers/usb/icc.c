/* SPDX-License-Identifier: Apache-2.0 */
/* icc.c: see icc.h. How an APDU travels at each level of exchange (CCID rev 1.1, 6.1.4).
 *
 * At the extended level an APDU that is longer than a message goes in parts, and so does its answer;
 * wLevelParameter and bChainParameter say where a part belongs. Only the parts not sent yet follow a
 * part that arrived, and nothing is begun again.
 */
#include "drivers/usb/icc.h"

#include "drivers/usb/t0.h"

enum chain {
        CHAIN_WHOLE = 0,
        CHAIN_FIRST = 1,
        CHAIN_LAST = 2,
        CHAIN_MIDDLE = 3,
        CHAIN_EMPTY = 0x10
};

struct parts {
        struct view cmd;
        size_t at;
        uint8_t *rsp;
        size_t cap, len;
};

int icc_outcome(int r)
{
        return r < 0 && r != -EMSGSIZE ? OUTCOME_TIMED_OUT : r;
}

int icc_failure(const struct ccid_answer *answer)
{
        if (answer->card != CCID_CARD_ACTIVE)
                return OUTCOME_CARD_REMOVED;
        return answer->error == CCID_SLOT_BUSY || answer->error == CCID_AUTO_SEQUENCE
                       ? OUTCOME_BUSY
                       : OUTCOME_TIMED_OUT;
}

static int ask_card(
        struct icc *icc, struct view data, uint8_t bwi, uint16_t level, struct ccid_answer *ret)
{
        struct ccid_question question = {
                .type = CCID_XFR_BLOCK,
                .extra = { bwi, (uint8_t)level, (uint8_t)(level >> 8) },
                .data = data,
        };
        if (data.len > icc->class.message_max - CCID_HEADER)
                return -EMSGSIZE;
        return ccid_ask(&icc->ccid, &question, ret);
}

/* What the line garbled, T=1 can ask for again; all else is final. */
static bool garbled(const struct ccid_answer *answer)
{
        return answer->card == CCID_CARD_ACTIVE &&
               (answer->error == CCID_PARITY || answer->error == CCID_OVERRUN ||
                       answer->error == CCID_MUTE);
}

int icc_block(void *ctx, const uint8_t *out, size_t out_len, uint8_t bwi, uint8_t *in, size_t cap,
        size_t *ret_len)
{
        struct icc *icc = ctx;
        struct ccid_answer answer;
        int r = ask_card(icc, (struct view){ out, out_len }, bwi, 0, &answer);
        if (r != 0)
                return icc_outcome(r);
        if (answer.failed)
                return garbled(&answer) ? -EIO : icc_failure(&answer);
        if (answer.data.len > cap)
                return -EIO;
        memcpy(in, answer.data.data, answer.data.len);
        *ret_len = answer.data.len;
        return 0;
}

static int keep_part(struct parts *parts, struct view data)
{
        if (data.len > parts->cap - parts->len)
                return -EBADMSG;
        memcpy(parts->rsp + parts->len, data.data, data.len);
        parts->len += data.len;
        return 0;
}

/* Sends the next part of the command, or asks for the next part of the answer. */
static int swap_part(struct icc *icc, struct parts *parts, struct ccid_answer *ret)
{
        size_t rest = parts->cmd.len - parts->at;
        size_t len = base_min(rest, icc->class.message_max - CCID_HEADER);
        bool first = parts->at == 0, last = len == rest;
        uint16_t level = rest == 0       ? CHAIN_EMPTY
                         : first && last ? CHAIN_WHOLE
                         : first         ? CHAIN_FIRST
                         : last          ? CHAIN_LAST
                                         : CHAIN_MIDDLE;
        int r = ask_card(icc, (struct view){ parts->cmd.data + parts->at, len }, 0, level, ret);
        if (r != 0)
                return icc_outcome(r);
        if (ret->failed)
                return icc_failure(ret);
        parts->at += len;
        return 0;
}

static int send_parts(struct icc *icc, struct parts *parts)
{
        uint8_t chain = CHAIN_EMPTY;
        while (chain != CHAIN_WHOLE && chain != CHAIN_LAST) {
                struct ccid_answer answer;
                bool begun = parts->len > 0;
                int r = swap_part(icc, parts, &answer);
                if (r != 0)
                        return r;
                bool sent = parts->at == parts->cmd.len;
                chain = answer.extra;
                bool fits = !sent   ? chain == CHAIN_EMPTY && answer.data.len == 0
                            : begun ? chain == CHAIN_MIDDLE || chain == CHAIN_LAST
                                    : chain == CHAIN_WHOLE || chain == CHAIN_FIRST;
                if (!fits || (chain != CHAIN_EMPTY && answer.data.len == 0))
                        return OUTCOME_TIMED_OUT;
                r = keep_part(parts, answer.data);
                if (r != 0)
                        return r;
        }
        return 0;
}

static int send_extended(struct icc *icc, struct parts *parts)
{
        int r = send_parts(icc, parts);
        if (r != 0)
                icc->ccid.lost = true; /* the reader may be in the middle of a chain */
        return r;
}

static int send_short(struct icc *icc, struct parts *parts)
{
        struct ccid_answer answer;
        if (!t0_short_apdu(parts->cmd.data, parts->cmd.len))
                return -EMSGSIZE;
        int r = ask_card(icc, parts->cmd, 0, 0, &answer);
        if (r != 0)
                return icc_outcome(r);
        return answer.failed ? icc_failure(&answer) : keep_part(parts, answer.data);
}

static void wipe_tpdu(uint8_t (*tpdu)[T0_TPDU_MAX])
{
        explicit_bzero(*tpdu, sizeof *tpdu);
}

static int send_t0(struct icc *icc, struct parts *parts)
{
        _cleanup_(wipe_tpdu) uint8_t tpdu[T0_TPDU_MAX];
        struct ccid_answer answer;
        ssize_t len = t0_tpdu(tpdu, parts->cmd.data, parts->cmd.len);
        if (len < 0)
                return (int)len;
        int r = ask_card(icc, (struct view){ tpdu, (size_t)len }, 0, 0, &answer);
        if (r != 0)
                return icc_outcome(r);
        return answer.failed ? icc_failure(&answer) : keep_part(parts, answer.data);
}

static int send_t1(struct icc *icc, struct parts *parts)
{
        return t1_exchange(
                &icc->t1, parts->cmd.data, parts->cmd.len, parts->rsp, parts->cap, &parts->len);
}

static int send_command(struct icc *icc, struct parts *parts)
{
        if (icc->class.level == CCID_LEVEL_EXTENDED_APDU)
                return send_extended(icc, parts);
        if (icc->class.level == CCID_LEVEL_SHORT_APDU)
                return send_short(icc, parts);
        return icc->protocol == APDU_T1 ? send_t1(icc, parts) : send_t0(icc, parts);
}

int icc_transmit(struct icc *icc, const uint8_t *cmd, size_t cmd_len, uint8_t *rsp, size_t cap,
        size_t *ret_len)
{
        struct parts parts = { .cmd = { cmd, cmd_len }, .rsp = rsp, .cap = cap };
        if (!icc->ready)
                return OUTCOME_CARD_REMOVED;
        int r = send_command(icc, &parts);
        if (r == 0 && parts.len < 2)
                r = OUTCOME_TIMED_OUT;
        if (r == 0)
                *ret_len = parts.len;
        icc->ready = r == 0 || r == -EMSGSIZE;
        return r;
}

void icc_init(
        struct icc *icc, const struct wire *wire, const struct ccid_class *class, uint8_t slot)
{
        *icc = (struct icc){ .class = *class };
        icc->ccid.wire = wire;
        icc->ccid.slot = slot;
}

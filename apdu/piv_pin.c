/* SPDX-License-Identifier: Apache-2.0 */
/* piv_pin.c: the counter at no cost, and the one VERIFY (SP 800-73-4 part 2, 3.2.1).
 *
 * The rule in one sentence: a PIN goes to reference 80, padded with FF to eight bytes, once per
 * counter() that showed tries left on this very selection of the application. Whatever the answer is,
 * or if none comes, the right to send is spent before the command is.
 *
 * An empty VERIFY answered by 9000 means "already verified": somebody else's PIN is still at work. Here
 * nothing can undo that (selecting the application again does not, part 2, 3.1.1), so it is told as a
 * counter that is not known, and whoever holds the transaction resets the card and asks again. VERIFY
 * with P1 = FF would lock as well, on cards of the standard's fourth revision; it is of the PIN family
 * and not needed.
 */
#include "apdu/pin.h"
#include "apdu/pinpad.h"
#include "apdu/piv.h"

#define INS_VERIFY 0x20

static const struct pin_format format = {
        .ref = PIV_PIN_REF,
        .block_len = PIV_PIN_BLOCK,
        .pad = PIV_PIN_PAD,
        .min = PIV_PIN_MIN,
        .max = PIV_PIN_MAX,
};

static int may_use_pin(const struct card *card)
{
        if (!card->piv.found)
                return -EPERM;
        return card->piv.supported ? 0 : OUTCOME_CARD_NOT_SUPPORTED;
}

static int send_plain(struct card *card, const struct apdu_cmd *cmd)
{
        struct apdu_rsp rsp = { 0 };
        return piv_send(card, cmd, &rsp);
}

static int send_empty_verify(struct card *card, int le)
{
        const struct apdu_cmd cmd = {
                .ins = INS_VERIFY, .p2 = format.ref, .le = le, .flags = APDU_ONCE
        };
        return send_plain(card, &cmd);
}

int piv_counter(struct card *card, enum pin_copy copy, struct pin_counter *ret)
{
        int r = may_use_pin(card);
        if (r != 0)
                return r;
        if (copy != PIN_COPY_IAS)
                return (size_t)copy < PIN_COPY_COUNT ? OUTCOME_CARD_NOT_SUPPORTED : -EINVAL;
        r = piv_select(card);
        card->piv.counter_seen = card->piv.counter_told = false;
        if (r == 0)
                r = send_empty_verify(card, APDU_NO_LE);
        if (r == 0 && card->sw == 0x6700 && card->link->protocol == APDU_T1)
                r = send_empty_verify(card, APDU_LE_MAX);
        if (r != 0)
                return r;
        *ret = pin_counter_of(card->sw);
        card->piv.counter_seen = ret->tries > 0;
        card->piv.counter_told = ret->known;
        return 0;
}

int piv_verify(struct card *card, const uint8_t *pin, size_t pin_len, int *ret_tries)
{
        _cleanup_(pin_block_wipe) struct pin_block block = { 0 };
        *ret_tries = -1;
        int r = may_use_pin(card);
        if (r == 0 && pin)
                r = pin_block_fill(&block, &format, pin, pin_len);
        if (r != 0)
                return r;
        if (!card->piv.selected || !card->piv.counter_seen)
                return -EPERM;
        const struct apdu_cmd cmd = {
                .ins = INS_VERIFY,
                .p2 = format.ref,
                .data = { block.bytes, format.block_len },
                .le = APDU_NO_LE,
                .flags = APDU_ONCE,
        };
        card->piv.counter_seen = card->piv.counter_told = card->piv.verified = false;
        r = pin ? send_plain(card, &cmd) : pin_by_keys(card, &cmd, &format);
        if (r != 0)
                return r;
        *ret_tries = sw_tries(card->sw);
        int nothing_sent = pin ? 0 : pinpad_outcome(card->sw);
        r = nothing_sent ? nothing_sent : pin_outcome(card->sw);
        card->piv.verified = r == 0;
        return r;
}

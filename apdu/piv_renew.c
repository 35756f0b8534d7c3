/* SPDX-License-Identifier: Apache-2.0 */
/* piv_renew.c: a new PIN for the one at reference 80: CHANGE REFERENCE DATA and RESET RETRY COUNTER (SP 800-73-4
 * part 2, 3.2.2 and 3.2.3).
 *
 * One command for what a person typed, whatever the answer or if none comes: the right to send is given up before
 * the command is, as piv_pin.c does with VERIFY, and a counter() on this selection is what earns it. To prove
 * knowledge of the PIN it must have shown tries left; for the unblocking code it is enough that it was told, for a
 * blocked PIN is what that code is for. How many tries that code has itself, no command of the standard tells
 * before one is spent.
 *
 * The old one and the new one stand side by side in one block of data, eight bytes each (part 2, 2.4.3): a PIN of
 * six to eight digits filled up with FF, the code eight digits. No other profile has this file's like, and none
 * may (card-facts 7.2 rule 6).
 */
#include "apdu/pin.h"
#include "apdu/piv.h"

#define INS_CHANGE_REFERENCE_DATA 0x24
#define INS_RESET_RETRY_COUNTER   0x2C
#define RENEWAL_BLOCKS            2

static const struct pin_format new_format = {
        .ref = PIV_PIN_REF,
        .block_len = PIV_PIN_BLOCK,
        .pad = PIV_PIN_PAD,
        .min = PIV_PIN_MIN,
        .max = PIV_PIN_MAX,
};

/* What proves the right to choose a new PIN. */
static const struct way {
        uint8_t ins;
        bool wants_tries; /* of the PIN itself */
        struct pin_format proof;
} ways[CARD_RENEWALS] = {
        [RENEW_BY_PIN] = { INS_CHANGE_REFERENCE_DATA, true,
                { PIV_PIN_REF, PIV_PIN_BLOCK, PIV_PIN_PAD, PIV_PIN_MIN, PIV_PIN_MAX } },
        [RENEW_BY_PUK] = { INS_RESET_RETRY_COUNTER, false,
                { PIV_PIN_REF, PIV_PIN_BLOCK, PIV_PIN_PAD, PIV_PUK_LEN, PIV_PUK_LEN } },
};

struct blocks {
        uint8_t bytes[RENEWAL_BLOCKS * PIV_PIN_BLOCK];
};

static void blocks_wipe(struct blocks *blocks)
{
        explicit_bzero(blocks, sizeof *blocks);
}

static int append(
        struct blocks *blocks, size_t at, const struct pin_format *format, struct view digits)
{
        _cleanup_(pin_block_wipe) struct pin_block block = { 0 };
        int r = pin_block_fill(&block, format, digits.data, digits.len);
        if (r == 0)
                memcpy(blocks->bytes + at, block.bytes, PIV_PIN_BLOCK);
        return r;
}

static int may_renew(const struct card *card, const struct way *way)
{
        const struct piv_state *piv = &card->piv;
        if (!piv->found)
                return -EPERM;
        if (!piv->supported)
                return OUTCOME_CARD_NOT_SUPPORTED;
        bool earned = way->wants_tries ? piv->counter_seen : piv->counter_told;
        return piv->selected && earned ? 0 : -EPERM;
}

static int send_once(struct card *card, uint8_t ins, const struct blocks *blocks)
{
        struct apdu_rsp rsp = { 0 };
        const struct apdu_cmd cmd = {
                .ins = ins,
                .p2 = PIV_PIN_REF,
                .data = { blocks->bytes, sizeof blocks->bytes },
                .le = APDU_NO_LE,
                .flags = APDU_ONCE,
        };
        card->piv.counter_seen = card->piv.counter_told = card->piv.verified = false;
        return piv_send(card, &cmd, &rsp);
}

int piv_renew(struct card *card, enum card_renewal how, struct view proof, struct view new_pin,
        int *ret_tries)
{
        _cleanup_(blocks_wipe) struct blocks blocks = { 0 };
        *ret_tries = -1;
        if ((size_t)how >= CARD_RENEWALS)
                return -EINVAL;
        int r = append(&blocks, 0, &ways[how].proof, proof);
        if (r == 0)
                r = append(&blocks, PIV_PIN_BLOCK, &new_format, new_pin);
        if (r == 0)
                r = may_renew(card, &ways[how]);
        if (r == 0)
                r = send_once(card, ways[how].ins, &blocks);
        if (r != 0)
                return r;
        *ret_tries = sw_tries(card->sw);
        return pin_outcome(card->sw);
}

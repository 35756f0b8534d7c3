/* SPDX-License-Identifier: Apache-2.0 */
/* piv_renew.c: CHANGE REFERENCE DATA and RESET RETRY COUNTER of a PIV card (SP 800-73-4 part 2, 3.2.2, 3.2.3).
 *
 * Of its PINs only the application's can be given a new value here; where the standard knows more (the global PIN,
 * the code itself) this card refuses and counts it as an attempt to change what it must keep. A new PIN lives in
 * what outlives the card's power. The proof is tried before the new PIN is looked at, but for its form: data in no
 * PIN's shape costs nothing.
 */
#include "drivers/softcard/piv.h"

#define BLOCK 8

static struct view half(const struct command *cmd, size_t n)
{
        return (struct view){ cmd->data.data + n * BLOCK, BLOCK };
}

static bool fits(const struct softcard *card, const struct command *cmd, struct answer *ans)
{
        uint16_t sw = cmd->p1 != 0 ? 0x6A86 : cmd->data.len != 2 * BLOCK ? 0x6700 : 0;
        if (sw == 0 && setting_is(card, SWITCH_PIV_CONTACTLESS, "on"))
                sw = 0x6A81;
        if (sw == 0 && !pin_is_piv(half(cmd, 1)))
                sw = 0x6A80;
        if (sw != 0)
                answer_sw(ans, sw);
        return sw == 0;
}

static bool others_pin(struct softcard *card, const struct command *cmd, struct answer *ans)
{
        if (cmd->p2 == 0x80)
                return false;
        card->stats.writes++;
        answer_sw(ans, 0x6A88);
        return true;
}

static void keep(struct softcard *card, struct view new_pin)
{
        memcpy(card->nv->piv_pin, new_pin.data, BLOCK);
        card->nv->failures_piv = 0;
}

void pivcard_change(struct softcard *card, const struct command *cmd, struct answer *ans)
{
        if (others_pin(card, cmd, ans) || !fits(card, cmd, ans))
                return;
        card->stats.renewals++;
        pin_attempt(card, PIN_PIV, half(cmd, 0), pin_is_piv(half(cmd, 0)), ans);
        if (card->verified[PIN_PIV] && ans->sw == 0x9000)
                keep(card, half(cmd, 1));
}

/* The code's own state is nobody's: it opens nothing. */
void pivcard_unblock(struct softcard *card, const struct command *cmd, struct answer *ans)
{
        if (others_pin(card, cmd, ans) || !fits(card, cmd, ans))
                return;
        card->stats.renewals++;
        if (setting_is(card, SWITCH_PIV_PUK, "absent")) {
                answer_sw(ans, 0x6D00);
                return;
        }
        pin_attempt(card, PIN_PUK, half(cmd, 0), true, ans);
        if (card->verified[PIN_PUK])
                keep(card, half(cmd, 1));
        card->verified[PIN_PUK] = false;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* pin.c: see pin.h. ISO 7816-4, 11.5.6 (VERIFY) and 5.6 (status words): 63Cx tells the tries left, 6983 and
 * 6984 that there are none. Digits are ASCII from the block's first byte on, padding fills the rest.
 */
#include "apdu/pin.h"

#include "apdu/pinpad.h"

void pin_block_wipe(struct pin_block *block)
{
        explicit_bzero(block, sizeof *block);
}

int pin_block_fill(
        struct pin_block *block, const struct pin_format *format, const uint8_t *pin, size_t len)
{
        if (len < format->min || len > format->max || format->block_len > sizeof block->bytes)
                return -EINVAL;
        for (size_t i = 0; i < len; i++)
                if (pin[i] < '0' || pin[i] > '9')
                        return -EINVAL;
        memset(block->bytes, format->pad, sizeof block->bytes);
        memcpy(block->bytes, pin, len);
        return 0;
}

int pin_by_keys(struct card *card, const struct apdu_cmd *cmd, const struct pin_format *format)
{
        const struct apdu_pinpad how = {
                .cla = cmd->cla,
                .ins = cmd->ins,
                .p1 = cmd->p1,
                .p2 = cmd->p2,
                .block_len = format->block_len,
                .pad = format->pad,
                .min = format->min,
                .max = format->max,
        };
        card->sw = 0;
        int r = pinpad_verify(card->link, &how, &card->sw);
        if (r != 0)
                card_forget(card);
        return r == -EBADMSG ? OUTCOME_CARD_NOT_SUPPORTED : r;
}

struct pin_counter pin_counter_of(uint16_t sw)
{
        int tries = sw_tries(sw);
        return (struct pin_counter){
                .known = tries >= 0, .tries = tries >= 0 ? tries : 0, .sw = sw
        };
}

int pin_outcome(uint16_t sw)
{
        static const struct {
                enum sw_kind kind;
                int outcome;
        } rows[] = {
                { SW_OK, 0 },
                { SW_TRIES, OUTCOME_WRONG_PIN },
                { SW_BLOCKED, OUTCOME_PIN_BLOCKED },
        };
        if (sw_tries(sw) == 0)
                return OUTCOME_PIN_BLOCKED;
        for (size_t i = 0; i < ARRAY_LEN(rows); i++)
                if (rows[i].kind == sw_kind(sw))
                        return rows[i].outcome;
        return OUTCOME_CARD_NOT_SUPPORTED;
}

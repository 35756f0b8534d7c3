/* SPDX-License-Identifier: Apache-2.0 */
/* pinpad.c: see pinpad.h. Nothing here holds a digit.
 *
 * A block of more than 15 bytes cannot be said in bmPINBlockString (four bits): then the digits' own
 * room is said, and the rest of the block stands in the template, as padding does that no reader adds.
 * So it is written by others who drive the same family's cards; no reader was seen doing it here.
 */
#include "apdu/pinpad.h"

#define BLOCK_SAID_MAX  15
#define DIGITS_MAX      15
#define UNITS_ARE_BYTES 0x80
#define ASCII           0x02

static const struct {
        uint16_t sw;
        int outcome;
} words[] = {
        { 0x6400, OUTCOME_TIMED_OUT }, /* nobody typed */
        { 0x6401, OUTCOME_REFUSED },   /* the cancel key */
        { 0x6402, OUTCOME_REFUSED },   /* two new PINs that differ */
        { 0x6403, OUTCOME_REFUSED },   /* too short or too long, and given up */
        { 0x6B80, OUTCOME_CARD_NOT_SUPPORTED },
};

int pinpad_outcome(uint16_t sw)
{
        for (size_t i = 0; i < ARRAY_LEN(words); i++)
                if (words[i].sw == sw)
                        return words[i].outcome;
        return 0;
}

int pinpad_verify(struct apdu_link *link, const struct apdu_pinpad *how, uint16_t *ret_sw)
{
        uint8_t rsp[258];
        size_t len = 0;
        if (!link->pinpad)
                return -EPERM;
        link->exchanges++;
        int r = link->pinpad(link->ctx, how, rsp, sizeof rsp, &len);
        if (r != 0)
                return r;
        if (len != 2)
                return -EBADMSG;
        *ret_sw = (uint16_t)(rsp[0] << 8 | rsp[1]);
        return 0;
}

static bool sensible(const struct apdu_pinpad *how)
{
        size_t data = (size_t)how->new_offset + how->block_len;
        bool change = how->ins == 0x24;
        return (change || (how->ins == 0x20 && how->new_offset == 0 && !how->asks_old)) &&
               how->min >= 1 && how->min <= how->max && how->max <= DIGITS_MAX &&
               how->max <= how->block_len && data + 5 <= PINPAD_COMMAND_MAX &&
               (!how->asks_old || how->new_offset >= how->max);
}

int pinpad_fill(const struct apdu_pinpad *how, struct pinpad_template *ret)
{
        if (!sensible(how))
                return -EINVAL;
        size_t data = (size_t)how->new_offset + how->block_len;
        bool rushed = how->seconds > 0 && how->seconds < PINPAD_FIRST_KEY_S;
        uint8_t said = how->block_len <= BLOCK_SAID_MAX ? how->block_len : how->max;
        *ret = (struct pinpad_template){
                .format = UNITS_ARE_BYTES | ASCII,
                .block = said,
                .first_key_s = rushed ? how->seconds : PINPAD_FIRST_KEY_S,
                .new_at = how->new_offset,
                .command = { how->cla, how->ins, how->p1, how->p2, (uint8_t)data },
                .command_len = 5 + data,
        };
        memset(ret->command + 5, how->pad, data);
        return 0;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* mpcos.c: the MPCOS application: a file system with secret codes (card-facts 2.3, 4.5).
 *
 * The counter is asked with GET INFO on the secret-code file, 80 C0 02 05 0C, and answered as a
 * thermometer in the second byte: one bit per wrong try.
 */
#include "drivers/softcard/card.h"

static void get_info(struct softcard *card, const struct command *cmd, struct answer *ans)
{
        uint16_t ef = card->ef < 0 ? 0 : card->files[card->ef].id;
        if (cmd->p1 != 0x02 || cmd->p2 != 0x05 || !cmd->has_le) {
                answer_sw(ans, 0x6B00);
                return;
        }
        if (ef != 0x2F01 && ef != 0x5F04) {
                answer_sw(ans, 0x6986);
                return;
        }
        unsigned int failures = *pin_failures(card, ef == 0x2F01 ? PIN_ID : PIN_EV);
        uint8_t info[12] = { 0x00, (uint8_t)((1u << base_min(failures, 8)) - 1) };
        out_bytes(&ans->out, info, sizeof info);
        ans->fit = FIT_DATA;
        ans->outgoing = true;
}

const struct instruction mpcos_instructions[] = {
        { 0x00, 0xA4, file_select },
        { 0x00, 0xB0, file_read },
        { 0x00, 0x20, pin_verify_mpcos },
        { 0x80, 0xC0, get_info },
        { 0, 0, NULL },
};

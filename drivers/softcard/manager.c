/* SPDX-License-Identifier: Apache-2.0 */
/* manager.c: the GlobalPlatform card manager: CPLC with the serial number, and tag 0101, the CRN
 * (card-facts 3.1, 3.2).
 */
#include "drivers/softcard/card.h"

#define CPLC_LEN 42
#define CSN_AT   13 /* in the whole answer, its three-byte header included */

static void get_cplc(struct softcard *card, struct answer *ans)
{
        uint8_t cplc[3 + CPLC_LEN] = { 0x9F, 0x7F, CPLC_LEN, 0x42, 0x50, 0x54, 0x45, 0x53, 0x54 };
        ssize_t len = hex_decode(cplc + CSN_AT, 8, card->settings[SWITCH_CSN].text);
        if (len < 0) {
                answer_sw(ans, 0x6F00);
                return;
        }
        out_bytes(&ans->out, cplc, sizeof cplc);
}

static void get_crn(struct softcard *card, struct answer *ans)
{
        static const uint8_t zeros[8];
        const char *digits = card->settings[SWITCH_CRN].text;
        size_t trailing = card->settings[SWITCH_CRN_TRAILING].number;
        bool inside = setting_is(card, SWITCH_CRN_TRAILING_AT, "inside");
        if (strcmp(digits, "leaf") == 0)
                digits = card->number;
        out_u16(&ans->out, 0x0101);
        out_u8(&ans->out, (uint8_t)(10 + (inside ? trailing : 0)));
        out_bytes(&ans->out, digits, 10);
        out_bytes(&ans->out, zeros, trailing);
}

static void get_data(struct softcard *card, const struct command *cmd, struct answer *ans)
{
        if (!cmd->has_le || cmd->data.len > 0) {
                answer_sw(ans, 0x6700);
                return;
        }
        ans->fit = FIT_DATA;
        ans->outgoing = true;
        switch (cmd->p1 << 8 | cmd->p2) {
        case 0x9F7F: get_cplc(card, ans); return;
        case 0x0101: get_crn(card, ans); return;
        default: answer_sw(ans, 0x6A88); return;
        }
}

const struct instruction manager_instructions[] = {
        { 0x80, 0xCA, get_data },
        { 0x00, 0xCA, get_data },
        { 0, 0, NULL },
};

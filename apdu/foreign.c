/* SPDX-License-Identifier: Apache-2.0 */
/* foreign.c: what lies there, if it is none of ours: a passport, a bank card, a token.
 *
 * By application names alone, and only those that a public standard gives to one kind of card. ATRs are
 * not asked: one maker's card system carries a dozen countries' cards (card-facts 1.4). Nothing is read.
 */
#include "apdu/card.h"

static const struct {
        const char *name;
        struct {
                uint8_t bytes[16], len;
        } aid;
} known[] = {
        { "bank card", { "1PAY.SYS.DDF01", 14 } },              /* EMV book 1, 12.2.2 */
        { "bank card, contactless", { "2PAY.SYS.DDF01", 14 } }, /* EMV contactless book B, 3.3 */
        { "passport or identity card with a travel document's chip",
                { { 0xA0, 0, 0, 0x02, 0x47, 0x10, 0x01 }, 7 } }, /* ICAO 9303-10, 4.2 */
        { "OpenPGP card",
                { { 0xD2, 0x76, 0, 0x01, 0x24, 0x01 }, 6 } }, /* OpenPGP card 3.4, 4.2.1 */
        { "security key (FIDO)",
                { { 0xA0, 0, 0, 0x06, 0x47, 0x2F, 0, 0x01 }, 8 } },         /* CTAP 2, 8.2 */
        { "phone card (SIM)", { { 0xA0, 0, 0, 0, 0x87, 0x10, 0x02 }, 7 } }, /* ETSI TS 101 220 */
};

static int ask(struct card *card, size_t row)
{
        struct apdu_rsp rsp = { 0 };
        struct apdu_cmd cmd = {
                .ins = 0xA4,
                .p1 = 0x04,
                .p2 = 0x0C,
                .data = { known[row].aid.bytes, known[row].aid.len },
                .le = APDU_NO_LE,
        };
        card->sw = 0;
        int r = apdu_exchange(card->link, &cmd, &rsp);
        if (r != 0)
                return r == -EBADMSG ? OUTCOME_CARD_NOT_SUPPORTED : r;
        card->sw = rsp.sw;
        return card->sw == 0x9000 ? 0 : OUTCOME_CARD_NOT_SUPPORTED;
}

int card_name_foreign(struct card *card, char ret_name[CARD_LABEL_MAX])
{
        int r = OUTCOME_CARD_NOT_SUPPORTED;
        for (size_t i = 0; r == OUTCOME_CARD_NOT_SUPPORTED && i < ARRAY_LEN(known); i++) {
                r = ask(card, i);
                if (r == 0)
                        memcpy(ret_name, known[i].name, strlen(known[i].name) + 1);
        }
        card_forget(card);
        return r;
}

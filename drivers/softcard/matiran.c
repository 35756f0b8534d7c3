/* SPDX-License-Identifier: Apache-2.0 */
/* matiran.c: as much of the Pardis and Omid cards as is published (card-facts 2.4, 2.5, 3.3, 4.6).
 *
 * Pardis: four applications that can be selected, a certificate that can be read, CPLC, a challenge.
 * Omid: two applications, and one file in the second whose content nobody has described: zeros here.
 * A PIN command on either meets secure messaging: the only published flow needs the issuer's key.
 * Everything else is refused, so that a driver which asks for more than is known learns nothing.
 */
#include "drivers/softcard/card.h"

#define META_FEID_LEN 56

static void get_challenge(struct softcard *card, const struct command *cmd, struct answer *ans)
{
        if (!cmd->has_le || cmd->data.len > 0) {
                answer_sw(ans, 0x6700);
                return;
        }
        out_u64(&ans->out, (card->stats.exchanges + 1) * UINT64_C(0x9E3779B97F4A7C15));
        ans->fit = FIT_DATA;
        ans->outgoing = true;
}

/* 4.6: only a MAC under the issuer's key would do. */
static void refuse_pin(struct softcard *card, const struct command *cmd, struct answer *ans)
{
        (void)card;
        answer_sw(ans, cmd->cla == 0x0C ? 0x6988 : 0x6982);
}

/* 3.3. The command that follows in one sample is not verified by anybody: refused. */
static void get_cplc(struct softcard *card, const struct command *cmd, struct answer *ans)
{
        static const uint8_t head[] = { 0x9F, 0x7F, 0x2A, 0x42, 0x50, 0x54, 0x45, 0x53, 0x54 };
        static const uint8_t zeros[3 + 42 - sizeof head];
        (void)card;
        if (cmd->p1 != 0x9F || cmd->p2 != 0x7F || !cmd->has_le) {
                answer_sw(ans, 0x6A88);
                return;
        }
        out_bytes(&ans->out, head, sizeof head);
        out_bytes(&ans->out, zeros, sizeof zeros);
        ans->fit = FIT_DATA;
        ans->outgoing = true;
}

/* An EF by P1=00 or by P1=02: the sources have both. */
static void select_file(struct softcard *card, const struct command *cmd, struct answer *ans)
{
        bool ef = cmd->data.len == 2 && cmd->data.data[0] != 0x3F && cmd->data.data[0] != 0x51 &&
                  cmd->data.data[1] != 0x00;
        bool refused = ef && cmd->p1 <= 0x02 &&
                       ((setting_is(card, SWITCH_PARDIS_SELECT, "p1-00") && cmd->p1 == 0x02) ||
                               (setting_is(card, SWITCH_PARDIS_SELECT, "p1-02") && cmd->p1 == 0));
        if (refused)
                answer_sw(ans, 0x6A82);
        else
                file_select(card, cmd, ans);
}

static int personalise_pardis(struct softcard *card)
{
        int mf, df5100, df5000, other;
        int r = file_add(card, APP_PARDIS, 0x3F00, -1, &mf);
        if (r == 0)
                r = file_add(card, APP_PARDIS, 0x5100, mf, &df5100);
        if (r == 0)
                r = file_add(card, APP_PARDIS, 0x5000, mf, &df5000);
        if (r == 0)
                r = card_add_leaf(card, df5100);
        if (r == 0 && setting_is(card, SWITCH_PARDIS_FILE, "present"))
                r = card_add_issuer(card, df5100);
        if (r == 0)
                r = file_add(card, APP_MATIRAN_1, 0x3F00, -1, &other);
        return r == 0 ? file_add(card, APP_MATIRAN_2, 0x3F00, -1, &other) : r;
}

static int personalise_omid(struct softcard *card)
{
        static const uint8_t zeros[META_FEID_LEN];
        int mf, df1100, other;
        int r = file_add(card, APP_OMID, 0x3F00, -1, &other);
        if (r == 0)
                r = file_add(card, APP_OMID_DATA, 0x3F00, -1, &mf);
        if (r == 0)
                r = file_add(card, APP_OMID_DATA, 0x1100, mf, &df1100);
        return r == 0 ? file_add_ef(card, 0x1103, df1100, ACCESS_FREE, zeros, sizeof zeros) : r;
}

int matiran_personalise(struct softcard *card)
{
        int r = card->profile->apps & HAS(APP_PARDIS) ? personalise_pardis(card) : 0;
        return r == 0 && card->profile->apps & HAS(APP_OMID) ? personalise_omid(card) : r;
}

const struct instruction matiran_instructions[] = {
        { 0x00, 0xA4, select_file },
        { 0x00, 0xB0, file_read },
        { 0x00, 0x84, get_challenge },
        { 0x00, 0x20, refuse_pin },
        { 0x0C, 0x20, refuse_pin },
        { 0, 0, NULL },
};

const struct instruction isd_instructions[] = {
        { 0x80, 0xCA, get_cplc },
        { 0, 0, NULL },
};

/* SPDX-License-Identifier: Apache-2.0 */
/* piv.c: the commands of a PIV card application, SP 800-73-4 part 2, but for those that use a key.
 *
 * SELECT answers the application property template, GET DATA one object by its tag, VERIFY is in
 * pins.c beside the other PINs. The issuer's security domain, which a reset selects, tells no more
 * than its production data.
 */
#include "drivers/softcard/piv.h"

const uint8_t pivcard_aid[PIV_AID_LEN] = { 0xA0, 0, 0, 0x03, 0x08, 0, 0, 0x10, 0, 0x01, 0 };

void pivcard_out(struct out *out, uint32_t tag, const void *data, size_t len)
{
        for (int shift = 16; shift >= 0; shift -= 8)
                if (tag >> shift)
                        out_u8(out, (uint8_t)(tag >> shift));
        if (len > 0xFF)
                out_u8(out, 0x82);
        else if (len > 0x7F)
                out_u8(out, 0x81);
        if (len > 0xFF)
                out_u8(out, (uint8_t)(len >> 8));
        out_u8(out, (uint8_t)len);
        out_bytes(out, data, len);
}

struct view pivcard_in(struct in *in, uint8_t *ret_tag)
{
        *ret_tag = in_u8(in);
        size_t len = in_u8(in);
        if (len == 0x81)
                len = in_u8(in);
        else if (len == 0x82)
                len = in_u16(in);
        else if (len > 0x7F)
                len = SIZE_MAX;
        return in_bytes(in, len);
}

void pivcard_answer_select(const struct softcard *card, struct answer *ans)
{
        static const char label[] = "PIV card TEST";
        uint8_t body[64];
        struct out out = out_new(body, sizeof body);
        bool whole = setting_is(card, SWITCH_PIV_PROPERTY, "aid");
        pivcard_out(&out, 0x4F, pivcard_aid + (whole ? 0 : 5), PIV_AID_LEN - (whole ? 0 : 5));
        out_bytes(&out, (const uint8_t[]){ 0x79, 7, 0x4F, 5 }, 4);
        out_bytes(&out, pivcard_aid, 5);
        if (setting_is(card, SWITCH_PIV_PROPERTY, "full"))
                pivcard_out(&out, 0x50, label, sizeof label - 1);
        pivcard_out(&ans->out, 0x61, body, out.len);
}

/* Only VERIFY makes a PIN fresh. Where PIN-always is taken strictly, the command after it spends that,
 * whatever it is; the blocks of a chain are one command. */
void pivcard_hears(struct softcard *card, const struct command *cmd)
{
        if (card->piv && cmd->ins != 0x87 && setting_is(card, SWITCH_PIV_PIN_ALWAYS, "strict"))
                card->piv->fresh = false;
}

static void verify(struct softcard *card, const struct command *cmd, struct answer *ans)
{
        pin_verify_piv(card, cmd, ans);
        if (cmd->data.len > 0)
                card->piv->fresh = ans->sw == 0x9000;
}

static int parse_tag(struct view data, uint32_t *ret)
{
        struct in in = in_new(data.data, data.len);
        uint8_t outer;
        struct view tag = pivcard_in(&in, &outer);
        if (in_done(&in) < 0 || outer != 0x5C || tag.len == 0 || tag.len > 3)
                return -EBADMSG;
        *ret = 0;
        for (size_t i = 0; i < tag.len; i++)
                *ret = *ret << 8 | tag.data[i];
        return 0;
}

const struct piv_object *pivcard_object(const struct piv *piv, uint32_t tag)
{
        for (size_t i = 0; i < piv->object_count; i++)
                if (piv->objects[i].tag == tag)
                        return &piv->objects[i];
        return NULL;
}

static void get_object(struct softcard *card, const struct command *cmd, struct answer *ans)
{
        uint32_t tag;
        if (cmd->p1 != 0x3F || cmd->p2 != 0xFF) {
                answer_sw(ans, 0x6A86);
                return;
        }
        if (parse_tag(cmd->data, &tag) < 0) {
                answer_sw(ans, 0x6A80);
                return;
        }
        const struct piv_object *object = pivcard_object(card->piv, tag);
        if (object)
                out_bytes(&ans->out, object->data, object->len);
        else if (setting_is(card, SWITCH_PIV_ABSENT, "empty") && tag >> 8 == 0x5FC1)
                pivcard_out(&ans->out, 0x53, NULL, 0);
        else
                answer_sw(ans, 0x6A82);
}

/* What some vendor's tools would change a card with; dispatch.c knows the commands of the standards. */
static void note_write(
        struct softcard *card, const struct command *cmd _unused_, struct answer *ans)
{
        card->stats.writes++;
        answer_sw(ans, 0x6D00);
}

const struct instruction pivcard_instructions[] = {
        { 0x00, 0x20, verify },
        { 0x00, 0x24, pivcard_change },
        { 0x00, 0x2C, pivcard_unblock },
        { 0x00, 0x87, pivcard_authenticate },
        { 0x00, 0xCB, get_object },
        { 0x00, 0xF6, note_write }, /* move key */
        { 0x00, 0xFA, note_write }, /* set PIN tries */
        { 0x00, 0xFB, note_write }, /* reset */
        { 0x00, 0xFF, note_write }, /* set management key */
        { 0, 0, NULL },
};

static void get_production_data(
        struct softcard *card, const struct command *cmd, struct answer *ans)
{
        uint8_t cplc[45] = { 0x9F, 0x7F, 42, 0x42, 0x50, 0x54, 0x45, 0x53, 0x54 };
        if (cmd->p1 != 0x9F || cmd->p2 != 0x7F) {
                answer_sw(ans, 0x6A88);
                return;
        }
        if (hex_decode(cplc + 13, 8, card->settings[SWITCH_CSN].text) < 0) {
                answer_sw(ans, 0x6F00);
                return;
        }
        ans->outgoing = true;
        out_bytes(&ans->out, cplc, sizeof cplc);
}

const struct instruction domain_instructions[] = {
        { 0x80, 0xCA, get_production_data },
        { 0x00, 0xCA, get_production_data },
        { 0, 0, NULL },
};

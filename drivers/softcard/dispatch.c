/* SPDX-License-Identifier: Apache-2.0 */
/* dispatch.c: from a parsed command to the application that runs it.
 *
 * Order, as on a card: a waiting answer first (GET RESPONSE, or the price of not fetching), then
 * SELECT by AID, which belongs to no application and clears PIN state (card-facts 8.2), then the
 * selected application's own table. Whatever would write to a card is refused wherever it is sent,
 * and counted: on this card it is always a breach of card-facts 7.2 rule 6.
 */
#include "drivers/softcard/card.h"

#define AID_MAX 16

struct aid {
        enum application app;
        const char *variant; /* value of the switch `aid`, NULL: always */
        size_t shortest;     /* a prefix of at least this many bytes selects it, too */
        size_t len;
        uint8_t bytes[AID_MAX];
};

static const struct aid aids[] = {
        { APP_MANAGER, NULL, 8, 8, { 0xA0, 0, 0, 0, 0x18, 0x43, 0x4D, 0 } },
        { APP_IAS, "0c", 12, 12, { 0xA0, 0, 0, 0, 0x18, 0x0C, 0, 0, 0x01, 0x63, 0x42, 0 } },
        { APP_IAS, "40", 12, 12, { 0xA0, 0, 0, 0, 0x18, 0x40, 0, 0, 0x01, 0x63, 0x42, 0 } },
        { APP_IAS, "0a", 12, 12, { 0xA0, 0, 0, 0, 0x18, 0x0A, 0, 0, 0x01, 0x63, 0x42, 0 } },
        { APP_MPCOS, NULL, 8, 16, { 0xA0, 0, 0, 0, 0x18, 0x30, 0x03, 0x01 } },
        { APP_DOMAIN, NULL, 5, 8, { 0xA0, 0, 0, 0x01, 0x51 } },
        { APP_ISD, NULL, 8, 8, { 0xA0, 0, 0, 0, 0x03, 0, 0, 0 } },
        { APP_PARDIS, NULL, 15, 15, "PARDIS,MATIRAN " },
        { APP_MATIRAN_1, NULL, 10, 10, { 0xA0, 0, 0, 0, 0xD7, 0x85, 0x01, 0x3A, 0x04, 0x28 } },
        { APP_MATIRAN_2, NULL, 10, 10, { 0xA0, 0, 0, 0, 0xD7, 0x85, 0x01, 0x3A, 0x04, 0x29 } },
        { APP_OMID, NULL, 16, 16, "MATIRAN ID CARD " },
        { APP_OMID_DATA, NULL, 15, 15,
                { 0x39, 0x8D, 0xE5, 0xBA, 0xB4, 0x1E, 0xC6, 0x76, 0xCA, 0xBD, 0xB5, 0x26, 0xE5,
                        0x85, 0x71 } },
        { APP_PIV, NULL, 5, 11, { 0xA0, 0, 0, 0x03, 0x08, 0, 0, 0x10, 0, 0x01, 0 } },
};

static size_t shortest_name(const struct softcard *card, const struct aid *aid)
{
        if (aid->app != APP_PIV || setting_is(card, SWITCH_PIV_SELECT, "prefix"))
                return aid->shortest;
        return setting_is(card, SWITCH_PIV_SELECT, "full") ? aid->len : aid->len - 2;
}

static bool aid_matches(const struct softcard *card, const struct aid *aid, struct view name)
{
        if (!(card->profile->apps & HAS(aid->app)))
                return false;
        if (aid->variant && !setting_is(card, SWITCH_AID, aid->variant))
                return false;
        return name.len >= shortest_name(card, aid) && name.len <= aid->len &&
               memcmp(name.data, aid->bytes, name.len) == 0;
}

static void answer_application(const struct aid *aid, struct answer *ans)
{
        static const uint8_t gpk[] = { 0x85, 0x0E, 0, 0, 0x3F, 0, 0x38, 0, 0, 0, 0xC0, 0, 0xC0, 0,
                0, 0 };
        bool mpcos = aid->app == APP_MPCOS;
        out_u8(&ans->out, 0x6F);
        out_u8(&ans->out, (uint8_t)(2 + aid->len + (mpcos ? sizeof gpk : 0)));
        out_u8(&ans->out, 0x84);
        out_u8(&ans->out, (uint8_t)aid->len);
        out_bytes(&ans->out, aid->bytes, aid->len);
        if (mpcos)
                out_bytes(&ans->out, gpk, sizeof gpk);
}

/* SP 800-73-4 part 2, 3.1.1: selecting PIV again changes no security status. */
static bool stays_selected(const struct softcard *card, enum application app)
{
        return app == APP_PIV && card->app == APP_PIV &&
               setting_is(card, SWITCH_PIV_RESELECT, "keeps");
}

static void select_application(struct softcard *card, const struct command *cmd, struct answer *ans)
{
        for (size_t i = 0; i < ARRAY_LEN(aids); i++) {
                if (!aid_matches(card, &aids[i], cmd->data))
                        continue;
                if (!stays_selected(card, aids[i].app))
                        card_drop_state(card);
                card->chain_len = 0;
                card->app = aids[i].app;
                files_root(card);
                if (card->app == APP_PIV)
                        pivcard_answer_select(card, ans);
                else if (cmd->p2 != 0x0C)
                        answer_application(&aids[i], ans);
                return;
        }
        if (setting_is(card, SWITCH_FAILED_SELECT, "clears"))
                card_drop_state(card);
        answer_sw(ans, 0x6A82);
}

static bool is_write(uint8_t ins)
{
        static const uint8_t writes[] = {
                0x04,
                0x0E,
                0x0F,
                0x24,
                0x2C,
                0x44,
                0x46,
                0x47, /* activate, erase, change, generate */
                0xD0,
                0xD1,
                0xD2,
                0xD6,
                0xD7,
                0xD8,
                0xDA,
                0xDB, /* write, update, put */
                0xDC,
                0xDD,
                0xE0,
                0xE2,
                0xE4,
                0xE6,
                0xE8,
                0xEE, /* create, append, delete, install */
                0xF0,
                0xFE,
        };
        return memchr(writes, ins, sizeof writes) != NULL;
}

static const struct instruction *table_of(enum application app)
{
        static const struct instruction nothing[] = { { 0, 0, NULL } };
        switch (app) {
        case APP_MANAGER: return manager_instructions;
        case APP_IAS: return ias_instructions;
        case APP_MPCOS: return mpcos_instructions;
        case APP_DOMAIN: return domain_instructions;
        case APP_PIV: return pivcard_instructions;
        case APP_ISD: return isd_instructions;
        case APP_PARDIS:
        case APP_MATIRAN_1:
        case APP_MATIRAN_2:
        case APP_OMID:
        case APP_OMID_DATA: return matiran_instructions;
        default: return nothing;
        }
}

static void run_instruction(struct softcard *card, const struct command *cmd, struct answer *ans)
{
        bool class_known = cmd->cla == 0x00;
        for (const struct instruction *row = table_of(card->app); row->run; row++) {
                class_known = class_known || row->cla == cmd->cla;
                if (row->cla != cmd->cla || row->ins != cmd->ins)
                        continue;
                row->run(card, cmd, ans);
                return;
        }
        answer_sw(ans, class_known ? 0x6D00 : 0x6E00);
}

/* What the national card says of it is not known: there a chain is forgotten. */
static uint16_t chain_refusal(const struct softcard *card, bool more, bool broken)
{
        if (more && setting_is(card, SWITCH_PIV_CHAINING, "off"))
                return 0x6884;
        return broken && setting_is(card, SWITCH_PIV_CHAIN_BROKEN, "6883") ? 0x6883 : 0;
}

/* Collects chained blocks; true when the command is complete, `whole` then carries all its data. */
static bool unchain(
        struct softcard *card, const struct command *cmd, struct command *whole, struct answer *ans)
{
        const uint8_t header[] = { cmd->ins, cmd->p1, cmd->p2 };
        bool more = cmd->cla == 0x10;
        bool broken = card->chain_len > 0 && memcmp(header, card->chain_header, sizeof header) != 0;
        if (broken)
                card->chain_len = 0;
        uint16_t refusal = card->app == APP_PIV ? chain_refusal(card, more, broken) : 0;
        if (refusal) {
                answer_sw(ans, refusal);
                return false;
        }
        *whole = *cmd;
        if (!more && card->chain_len == 0)
                return true;
        if (cmd->data.len > CHAIN_MAX - card->chain_len || (more && cmd->data.len == 0)) {
                card->chain_len = 0;
                answer_sw(ans, 0x6700);
                return false;
        }
        if (cmd->data.len > 0)
                memcpy(card->chain + card->chain_len, cmd->data.data, cmd->data.len);
        card->chain_len += cmd->data.len;
        memcpy(card->chain_header, header, sizeof header);
        if (more)
                return false;
        whole->data = (struct view){ .data = card->chain, .len = card->chain_len };
        card->chain_len = 0;
        return true;
}

static void run_command(struct softcard *card, const struct command *cmd, struct answer *ans)
{
        if (cmd->ins == 0x20 && cmd->data.len > 0)
                card->stats.verify_commands++;
        bool holders = card->app == APP_PIV && cmd->cla == 0x00 &&
                       (cmd->ins == 0x24 || cmd->ins == 0x2C); /* his own PIN: piv_renew.c */
        if (is_write(cmd->ins) && !holders) {
                card->stats.writes++;
                answer_sw(ans, 0x6982);
                return;
        }
        if (cmd->cla == 0x00 && cmd->ins == 0xA4 && cmd->p1 == 0x04) {
                select_application(card, cmd, ans);
                return;
        }
        struct command whole;
        bool chains = (card->app == APP_IAS || card->app == APP_PIV) &&
                      (cmd->cla == 0x10 || cmd->cla == 0x00);
        if (!chains)
                run_instruction(card, cmd, ans);
        else if (unchain(card, cmd, &whole, ans))
                run_instruction(card, &whole, ans);
}

/* An unfetched answer is gone with the next command; some commands pay for it. */
static bool trapped(struct softcard *card, const struct command *cmd)
{
        if (card->pending_len == 0)
                return false;
        card->pending_len = card->pending_pos = 0;
        if (cmd->cla == 0x80 && cmd->ins == 0xC0)
                return true;
        return card->profile->t0 && setting_is(card, SWITCH_T0_UNFETCHED, "any");
}

void card_run(struct softcard *card, const struct command *cmd, struct answer *ans)
{
        pivcard_hears(card, cmd);
        if (cmd->cla == 0x00 && cmd->ins == 0xC0) {
                pending_get(card, cmd, ans);
                return;
        }
        if (trapped(card, cmd)) {
                answer_sw(ans, 0x6B00);
                return;
        }
        run_command(card, cmd, ans);
        if (card->profile->t0)
                t0_fit(card, cmd, ans);
        else
                t1_fit(card, cmd, ans);
}

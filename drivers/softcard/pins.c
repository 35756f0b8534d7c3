/* SPDX-License-Identifier: Apache-2.0 */
/* pins.c: the holder's one PIN in its three copies (card-facts 4.2 - 4.5), each with a counter, and the
 * two PINs of a PIV card with the code that unblocks one of them (SP 800-73-4 part 2, 2.4.3 and 3.2.1).
 *
 * A try is counted before the comparison and given back after a match, so that tearing the card out
 * in between costs a try and never gains one. IAS compares sixteen bytes, MPCOS only the low nibbles
 * of eight, so that there the digits 1234 and 12340000 are one PIN. Reference 01, where a switch
 * makes it exist, is another PIN with another value: whatever is sent to it is wrong.
 */
#include "drivers/softcard/card.h"

#define IAS_LEN   16
#define MPCOS_LEN 8
#define PIV_LEN   8
#define PIV_LEAST 6

uint8_t *pin_failures(const struct softcard *card, enum pin_copy copy)
{
        switch (copy) {
        case PIN_01: return &card->nv->failures_01;
        case PIN_PIV: return &card->nv->failures_piv;
        case PIN_GLOBAL: return &card->nv->failures_global;
        case PIN_PUK: return &card->nv->failures_puk;
        default: return &card->nv->failures[copy];
        }
}

static unsigned int tries_max(const struct softcard *card)
{
        return card->settings[SWITCH_PIN_MAX].number;
}

unsigned int pin_left(const struct softcard *card, enum pin_copy copy)
{
        unsigned int failures = *pin_failures(card, copy), max = tries_max(card);
        return failures < max ? max - failures : 0;
}

static uint16_t blocked_sw(const struct softcard *card)
{
        return setting_is(card, SWITCH_BLOCKED, "6984") ? 0x6984 : 0x6983;
}

static void answer_left(const struct softcard *card, enum pin_copy copy, struct answer *ans)
{
        unsigned int left = pin_left(card, copy);
        answer_sw(ans, left ? (uint16_t)(0x63C0 | left) : blocked_sw(card));
}

static const char *value_of(const struct softcard *card, enum pin_copy copy, size_t *ret_len)
{
        enum switch_id id = copy == PIN_GLOBAL ? SWITCH_PIV_GLOBAL
                            : copy == PIN_PUK  ? SWITCH_PIV_PUK
                                               : SWITCH_PIN;
        const char *value = card->settings[id].text;
        *ret_len = strlen(value);
        if (copy != PIN_PIV || card->nv->piv_pin[0] == 0)
                return value;
        *ret_len = sizeof card->nv->piv_pin;
        return (const char *)card->nv->piv_pin;
}

static bool matches(const struct softcard *card, enum pin_copy copy, struct view given)
{
        bool piv = copy == PIN_PIV || copy == PIN_GLOBAL || copy == PIN_PUK;
        size_t len;
        const char *pin = value_of(card, copy, &len);
        uint8_t mask = copy == PIN_IAS || piv ? 0xFF : 0x0F, difference = 0,
                filler = piv ? 0xFF : 0;
        if (copy == PIN_01)
                return false;
        for (size_t i = 0; i < given.len; i++) {
                uint8_t right = i < len ? (uint8_t)pin[i] : filler;
                difference |= (uint8_t)((given.data[i] ^ right) & mask);
        }
        return difference == 0;
}

void pin_attempt(struct softcard *card, enum pin_copy copy, struct view given, bool comparable,
        struct answer *ans)
{
        uint8_t *failures = pin_failures(card, copy);
        if (pin_left(card, copy) == 0) {
                answer_sw(ans, blocked_sw(card));
                return;
        }
        (*failures)++;
        card->verified[copy] = comparable && matches(card, copy, given);
        if (card->verified[copy]) {
                *failures = 0;
                return;
        }
        answer_sw(ans, (uint16_t)(0x63C0 | pin_left(card, copy)));
}

static void verify(struct softcard *card, enum pin_copy copy, size_t right_len,
        const struct command *cmd, struct answer *ans)
{
        bool fits = cmd->data.len == right_len;
        if (!fits && setting_is(card, SWITCH_VERIFY_LENGTH, "6700"))
                answer_sw(ans, 0x6700);
        else
                pin_attempt(card, copy, cmd->data, fits, ans);
}

static bool empty_form_works(const struct softcard *card, const struct command *cmd)
{
        if (card->profile->t0 || setting_is(card, SWITCH_EMPTY_VERIFY, "both"))
                return true;
        return cmd->has_le == setting_is(card, SWITCH_EMPTY_VERIFY, "lc0");
}

/* The question for the counter: no PIN in it, no try spent. */
static void query(
        struct softcard *card, enum pin_copy copy, const struct command *cmd, struct answer *ans)
{
        if (!empty_form_works(card, cmd)) {
                answer_sw(ans, 0x6700);
                return;
        }
        if (setting_is(card, SWITCH_START_VERIFIED, "on") && !card->stale_given)
                card->stale_given = card->verified[copy] = true;
        if (!card->verified[copy])
                answer_left(card, copy, ans);
}

void pin_verify_ias(struct softcard *card, const struct command *cmd, struct answer *ans)
{
        enum pin_copy copy = cmd->p2 == 0x01 ? PIN_01 : PIN_IAS;
        bool exists = cmd->p2 == 0x81 ||
                      (cmd->p2 == 0x01 && setting_is(card, SWITCH_PIN_REFERENCE_01, "present"));
        if (!exists) {
                answer_sw(ans, 0x6A88);
                return;
        }
        if (cmd->p1 == 0xFF && cmd->data.len == 0) {
                card->verified[copy] = false;
                return;
        }
        if (cmd->p1 != 0x00)
                answer_sw(ans, 0x6A86);
        else if (cmd->data.len == 0)
                query(card, copy, cmd, ans);
        else
                verify(card, copy, IAS_LEN, cmd, ans);
}

/* Secret code 0 of the current application DF. */
void pin_verify_mpcos(struct softcard *card, const struct command *cmd, struct answer *ans)
{
        uint16_t df = card->df < 0 ? 0 : card->files[card->df].id;
        enum pin_copy copy = df == 0x0200 ? PIN_ID : PIN_EV;
        if (cmd->p1 != 0 || cmd->p2 != 0 || (df != 0x0200 && df != 0x0500)) {
                answer_sw(ans, 0x6A88);
                return;
        }
        bool counts = setting_is(card, SWITCH_EMPTY_VERIFY_MPCOS, "counts");
        if (cmd->data.len == 0 && counts)
                pin_attempt(card, copy, cmd->data, false, ans);
        else if (cmd->data.len == 0)
                answer_sw(ans, 0x6700);
        else
                verify(card, copy, MPCOS_LEN, cmd, ans);
}

bool pin_is_piv(struct view data)
{
        size_t digits = 0;
        while (digits < data.len && data.data[digits] >= '0' && data.data[digits] <= '9')
                digits++;
        for (size_t i = digits; i < data.len; i++)
                if (data.data[i] != 0xFF)
                        return false;
        return data.len == PIV_LEN && digits >= PIV_LEAST;
}

static void piv_attempt(
        struct softcard *card, enum pin_copy copy, const struct command *cmd, struct answer *ans)
{
        bool formatted = pin_is_piv(cmd->data);
        if (!formatted && setting_is(card, SWITCH_PIV_FORMAT, "6a80"))
                answer_sw(ans, 0x6A80);
        else
                pin_attempt(card, copy, cmd->data, formatted, ans);
}

void pin_verify_piv(struct softcard *card, const struct command *cmd, struct answer *ans)
{
        enum pin_copy copy = cmd->p2 == 0x80 ? PIN_PIV : PIN_GLOBAL;
        bool global = cmd->p2 == 0x00 && !setting_is(card, SWITCH_PIV_GLOBAL, "absent");
        if (cmd->p2 != 0x80 && !global) {
                answer_sw(ans, 0x6A88);
                return;
        }
        if (cmd->p1 == 0xFF && cmd->data.len == 0) {
                card->verified[copy] = false;
                return;
        }
        if (cmd->p1 != 0x00)
                answer_sw(ans, 0x6A86);
        else if (setting_is(card, SWITCH_PIV_CONTACTLESS, "on"))
                answer_sw(ans, 0x6A81);
        else if (cmd->data.len == 0)
                query(card, copy, cmd, ans);
        else
                piv_attempt(card, copy, cmd, ans);
}

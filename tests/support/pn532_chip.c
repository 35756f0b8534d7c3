/* SPDX-License-Identifier: Apache-2.0 */
/* pn532_chip.c: see pn532.h. The chip as libnfc meets it: what is not needed to be a reader of ISO/IEC
 * 14443-4 cards is a syntax error. Cards have the states of ISO/IEC 14443-3: one that is active or halted
 * does not answer when cards are listed, until its field is gone; so several are told apart as on a
 * real board. The chip does activation and the block protocol itself: to the host a card is bytes.
 */
#include "tests/support/pn532.h"

#include "apdu/atr.h"

#include <stdio.h>

#define STATUS_OK      0x00
#define STATUS_TIMEOUT 0x01
#define STATUS_CONTEXT 0x27
#define STATUS_MORE    0x40
#define TYPE_A_106     0x00
#define TYPE_B_106     0x03
#define SAK_CLASSIC    0x08
#define SAK_14443_4    0x20
#define POLL_TYPES     3 /* InAutoPoll: where the types begin, after its code, number and period */

static void tell_power(const struct pn532_chip *chip, enum softcard_power what)
{
        if (chip->hooks && chip->hooks->power)
                chip->hooks->power(chip->user, what);
}

static bool is_software(const struct pn532_chip *chip, const struct pn532_tag *tag)
{
        return tag == &chip->tags[0];
}

void pn532_chip_look(struct pn532_chip *chip)
{
        if (softcard_present(chip->card)) {
                chip->gone_told = false;
                return;
        }
        if (!chip->gone_told)
                tell_power(chip, SOFTCARD_GONE);
        chip->gone_told = true;
        chip->powered = false;
        chip->tags[0].state = TAG_IDLE;
}

static void field(struct pn532_chip *chip, bool on)
{
        if (chip->field == on)
                return;
        chip->field = on;
        if (on)
                return;
        for (size_t i = 0; i < PN532_TAGS; i++)
                chip->tags[i].state = TAG_IDLE;
        chip->target = NULL;
        chip->powered = false;
        chip->from_card_len = chip->from_card_pos = chip->to_card_len = 0;
        softcard_power_off(chip->card);
        tell_power(chip, SOFTCARD_OFF);
}

static void power_software_card(struct pn532_chip *chip)
{
        struct pn532_tag *tag = &chip->tags[0];
        if (chip->powered)
                return;
        softcard_power_on(chip->card);
        chip->powered = true;
        if (chip->random_uid) {
                tag->uid[0] = 0x08;
                tag->uid[3]++;
        }
        tell_power(chip, SOFTCARD_ON);
}

static bool there(struct pn532_chip *chip, const struct pn532_tag *tag)
{
        if (is_software(chip, tag))
                pn532_chip_look(chip);
        return tag->there && (!is_software(chip, tag) || softcard_present(chip->card));
}

static struct view historical(const struct pn532_chip *chip)
{
        size_t len;
        const uint8_t *atr = softcard_atr(chip->card, &len);
        return atr_historical(atr, len);
}

static void put_ats(struct pn532_chip *chip, struct out *out)
{
        static const uint8_t interface[] = { 0x78, 0x80, 0x70, 0x02 };
        struct view bytes = historical(chip);
        if (chip->ats_len > 0) {
                out_bytes(out, chip->ats, chip->ats_len);
                return;
        }
        out_u8(out, (uint8_t)(1 + sizeof interface + bytes.len));
        out_bytes(out, interface, sizeof interface);
        out_bytes(out, bytes.data, bytes.len);
}

static void put_type_a(struct pn532_chip *chip, const struct pn532_tag *tag, struct out *out)
{
        out_u16(out, 0x0004);
        out_u8(out, tag->sak);
        out_u8(out, sizeof tag->uid);
        out_bytes(out, tag->uid, sizeof tag->uid);
        if (is_software(chip, tag))
                put_ats(chip, out);
        else if (tag->sak != SAK_CLASSIC)
                out_bytes(out, (uint8_t[]){ 0x02, 0x08 }, 2);
}

static void put_type_b(const struct pn532_tag *tag, struct out *out)
{
        static const uint8_t application[] = { 0x11, 0x22, 0x33, 0x44 },
                             protocol[] = { 0x00, 0x81, 0x81 };
        out_u8(out, 0x50);
        out_bytes(out, tag->uid, sizeof tag->uid);
        out_bytes(out, application, sizeof application);
        out_bytes(out, protocol, sizeof protocol);
        out_u8(out, 1);
        out_u8(out, 0x51); /* MBLI 5, CID 1 */
}

/* Activates the first card of this type that has all bits of `sak`, if there is one. */
static void activate(struct pn532_chip *chip, uint8_t type, uint8_t sak)
{
        field(chip, true);
        chip->target = NULL;
        for (size_t i = 0; i < PN532_TAGS && !chip->target; i++) {
                struct pn532_tag *tag = &chip->tags[i];
                bool fits = tag->type_b ? type == TYPE_B_106
                                        : type == TYPE_A_106 && (tag->sak & sak) == sak;
                if (fits && there(chip, tag) && tag->state == TAG_IDLE)
                        chip->target = tag;
        }
        if (!chip->target)
                return;
        chip->target->state = TAG_ACTIVE;
        if (is_software(chip, chip->target))
                power_software_card(chip);
}

static void put_target(struct pn532_chip *chip, struct out *out)
{
        out_u8(out, 1);
        if (chip->target->type_b)
                put_type_b(chip->target, out);
        else
                put_type_a(chip, chip->target, out);
}

static void list(struct pn532_chip *chip, uint8_t type, struct out *out)
{
        activate(chip, type, 0);
        out_u8(out, chip->target != NULL);
        if (chip->target)
                put_target(chip, out);
}

/* UM0701-02 7.3.13: the types that these cards answer to. */
static const struct {
        uint8_t type, list_as, sak, found;
} polled[] = {
        { 0x00, TYPE_A_106, 0, 0x10 }, /* any of type A */
        { 0x03, TYPE_B_106, 0, 0x23 },
        { 0x10, TYPE_A_106, 0, 0x10 },
        { 0x20, TYPE_A_106, SAK_14443_4, 0x20 },
        { 0x23, TYPE_B_106, 0, 0x23 },
};

static uint8_t poll_for(struct pn532_chip *chip, uint8_t type)
{
        for (size_t i = 0; i < ARRAY_LEN(polled); i++) {
                if (polled[i].type != type)
                        continue;
                activate(chip, polled[i].list_as, polled[i].sak);
                bool speaks =
                        chip->target && !chip->target->type_b && (chip->target->sak & SAK_14443_4);
                return speaks ? 0x20 : polled[i].found;
        }
        return 0;
}

static bool target_answers(struct pn532_chip *chip)
{
        return chip->field && chip->target && there(chip, chip->target) &&
               chip->target->state == TAG_ACTIVE;
}

static int ask_card(struct pn532_chip *chip)
{
        const struct softcard_hooks *hooks = chip->hooks;
        const uint8_t *cmd = chip->to_card;
        size_t len = chip->to_card_len, answered = 0;
        if (hooks && hooks->before)
                hooks->before(chip->user, cmd, len);
        int r = softcard_transmit(
                chip->card, cmd, len, chip->from_card, sizeof chip->from_card, &answered);
        if (hooks && hooks->after)
                hooks->after(chip->user, cmd, len, chip->from_card, answered, r);
        chip->from_card_len = answered;
        chip->from_card_pos = 0;
        pn532_chip_look(chip);
        return r != 0 || answered == 0 ? -EIO : 0;
}

static void put_answer(struct pn532_chip *chip, struct out *out)
{
        size_t left = chip->from_card_len - chip->from_card_pos;
        size_t now = base_min(left, PN532_DATA_MAX);
        out_u8(out, now < left ? STATUS_MORE : STATUS_OK);
        out_bytes(out, chip->from_card + chip->from_card_pos, now);
        chip->from_card_pos += now;
}

static void exchange(struct pn532_chip *chip, const uint8_t *data, size_t len, struct out *out)
{
        bool fits = len - 1 <= sizeof chip->to_card - chip->to_card_len;
        if (!chip->target || (data[0] & 0x3F) != 1 || !fits) {
                out_u8(out, STATUS_CONTEXT);
                return;
        }
        if (len == 1 && chip->from_card_pos < chip->from_card_len) {
                put_answer(chip, out);
                return;
        }
        memcpy(chip->to_card + chip->to_card_len, data + 1, len - 1);
        chip->to_card_len += len - 1;
        if (data[0] & STATUS_MORE) {
                out_u8(out, STATUS_OK);
                return;
        }
        bool answered =
                target_answers(chip) && is_software(chip, chip->target) && ask_card(chip) == 0;
        chip->to_card_len = 0;
        if (answered)
                put_answer(chip, out);
        else
                out_u8(out, STATUS_TIMEOUT);
}

/* Only the empty question "are you there?" of the block protocol: R(NAK), answered by R(ACK). */
static void raw(struct pn532_chip *chip, const uint8_t *data, size_t len, struct out *out)
{
        bool asks = len > 0 && (data[0] & 0xF6) == 0xB2;
        bool answers = asks && target_answers(chip);
        out_u8(out, answers ? STATUS_OK : STATUS_TIMEOUT);
        if (answers)
                out_u8(out, 0xA2);
}

static void deselect(struct pn532_chip *chip, struct out *out)
{
        if (chip->target && chip->target->state == TAG_ACTIVE)
                chip->target->state = TAG_HALTED;
        chip->target = NULL;
        out_u8(out, STATUS_OK);
}

static void diagnose(struct pn532_chip *chip, const uint8_t *data, size_t len, struct out *out)
{
        if (len > 0 && data[0] == 0x06)
                out_u8(out, target_answers(chip) ? STATUS_OK : STATUS_TIMEOUT);
        else
                out_bytes(out, data, len);
}

static void registers(
        struct pn532_chip *chip, uint8_t code, const uint8_t *data, size_t len, struct out *out)
{
        size_t step = code == PN532_READ_REGISTER ? 2 : 3;
        for (; len >= step; data += step, len -= step) {
                uint8_t *at = &chip->registers[data[0] << 8 | data[1]];
                if (code == PN532_READ_REGISTER)
                        out_u8(out, *at);
                else
                        *at = data[2];
        }
}

/* Shortest data of each command; what is not listed is not known. */
static const struct {
        uint8_t code, least;
} known[] = {
        { PN532_DIAGNOSE, 1 },
        { PN532_FIRMWARE, 0 },
        { PN532_READ_REGISTER, 2 },
        { PN532_WRITE_REGISTER, 3 },
        { PN532_SET_PARAMETERS, 1 },
        { PN532_SAM_CONFIGURATION, 1 },
        { PN532_POWER_DOWN, 1 },
        { PN532_RF_CONFIGURATION, 1 },
        { PN532_IN_DATA_EXCHANGE, 1 },
        { PN532_IN_COMMUNICATE_THRU, 0 },
        { PN532_IN_DESELECT, 1 },
        { PN532_IN_LIST_PASSIVE_TARGET, 2 },
        { PN532_IN_RELEASE, 1 },
        { PN532_IN_SELECT, 1 },
        { PN532_IN_AUTO_POLL, 3 },
};

static bool well_formed(uint8_t code, size_t len)
{
        for (size_t i = 0; i < ARRAY_LEN(known); i++)
                if (known[i].code == code)
                        return len >= known[i].least;
        return false;
}

static void run(
        struct pn532_chip *chip, uint8_t code, const uint8_t *data, size_t len, struct out *out)
{
        static const uint8_t firmware[] = { 0x32, 0x01, 0x06, 0x07 };
        switch (code) {
        case PN532_DIAGNOSE: diagnose(chip, data, len, out); return;
        case PN532_FIRMWARE: out_bytes(out, firmware, sizeof firmware); return;
        case PN532_READ_REGISTER:
        case PN532_WRITE_REGISTER: registers(chip, code, data, len, out); return;
        case PN532_POWER_DOWN:
                field(chip, false);
                out_u8(out, STATUS_OK);
                return;
        case PN532_RF_CONFIGURATION:
                if (data[0] == 0x01 && len > 1)
                        field(chip, data[1] & 1);
                return;
        case PN532_IN_DATA_EXCHANGE: exchange(chip, data, len, out); return;
        case PN532_IN_COMMUNICATE_THRU: raw(chip, data, len, out); return;
        case PN532_IN_LIST_PASSIVE_TARGET: list(chip, data[1], out); return;
        case PN532_IN_DESELECT:
        case PN532_IN_RELEASE: deselect(chip, out); return;
        case PN532_IN_SELECT: out_u8(out, chip->target ? STATUS_OK : STATUS_CONTEXT); return;
        case PN532_IN_AUTO_POLL: out_u8(out, 0); return; /* nobody came */
        default: return;
        }
}

size_t pn532_chip_run(
        struct pn532_chip *chip, const uint8_t *cmd, size_t len, uint8_t *rsp, size_t cap)
{
        struct out out = out_new(rsp, cap);
        if (len == 0 || !well_formed(cmd[0], len - 1))
                return 0;
        out_u8(&out, (uint8_t)(cmd[0] + 1));
        run(chip, cmd[0], cmd + 1, len - 1, &out);
        return out_done(&out) < 0 ? 0 : out.len;
}

size_t pn532_chip_poll(
        struct pn532_chip *chip, const uint8_t *cmd, size_t len, uint8_t *rsp, size_t cap)
{
        uint8_t data[128];
        struct out out = out_new(rsp, cap), target = out_new(data, sizeof data);
        uint8_t found = 0;
        chip->target = NULL;
        for (size_t i = POLL_TYPES; i < len && !chip->target; i++)
                found = poll_for(chip, cmd[i]);
        if (!chip->target) {
                field(chip, false);
                return 0;
        }
        put_target(chip, &target);
        out_u8(&out, (uint8_t)(PN532_IN_AUTO_POLL + 1));
        out_u8(&out, 1);
        out_u8(&out, found);
        out_u8(&out, (uint8_t)target.len);
        out_bytes(&out, data, target.len);
        return out_done(&out) < 0 || out_done(&target) < 0 ? 0 : out.len;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* fake_card.h: a card profile and a driver that do as they are told and remember what was asked.
 *
 * For the helper's tests and its fuzz target: they define card_init(), card_forget() and
 * card_identify() themselves, so that no line of a real profile runs and each operation is one
 * exchange whose first byte is its letter. Included once per program.
 */
#ifndef MOHR_FAKE_CARD_H
#define MOHR_FAKE_CARD_H

#include "drivers/driver.h"
#include "drivers/ops.h"

#define FAKE_PIN     "27182818"
#define FAKE_NEW_PIN "16180339"

/* What the fake does, set before, and what was done to it, read afterwards. */
struct fake {
        enum card_event event; /* of the second and later begins; the first is always CARD_IS_NEW */
        int begin, verify, transmit, end; /* outcomes */
        bool unsupported;
        bool fixed;     /* a card whose PIN is never changed */
        bool mumbles;   /* answers have no status word */
        bool other_atr; /* from the second begin on */
        struct pin_counter counter;
        unsigned int unlocked; /* resets until the counter is told instead of "already verified" */
        uint32_t later_insertion; /* of the second and later begins; the first is 0 */
        uint8_t pinpad;           /* what the reader has: set of enum driver_pinpad */

        char asked[256]; /* one letter per exchange and per begin (<), leave (>) and reset (!) */
        size_t asked_len;
        bool raw_signature; /* as the card knew at the last signature */
        unsigned int begins, verifies, renewals;
        enum card_renewal renewed_by;
        bool verified, open;
        bool pin_was_right;
        struct apdu_pinpad how;  /* as the driver was last asked */
        const uint8_t *pin_seen; /* where the PIN was when verify() got it */
        size_t pin_len;
};
static struct fake *fake; /* the programs place it: shared memory for forked helpers */

static void fake_note(char letter)
{
        if (fake->asked_len < sizeof fake->asked - 1)
                fake->asked[fake->asked_len++] = letter;
}

static int fake_exchange(struct card *card, char letter)
{
        uint8_t cmd[4] = { (uint8_t)letter }, rsp[2];
        size_t len = 0;
        int r = card->link->transmit(card->link->ctx, cmd, sizeof cmd, rsp, sizeof rsp, &len);
        card->sw = r == 0 ? 0x9000 : 0;
        return r;
}

static int fake_identify(struct card *card, struct card_identity *ret)
{
        *ret = (struct card_identity){ CARD_NID, GENERATION_MAV3, !fake->unsupported, 'I', "fake" };
        return fake_exchange(card, 'i');
}

static int fake_read(
        struct card *card, enum card_object object, uint8_t *buf, size_t cap, size_t *ret_len)
{
        memset(buf, (int)object, cap);
        *ret_len = cap;
        return fake_exchange(card, 'r');
}

static int fake_counter(struct card *card, enum pin_copy copy _unused_, struct pin_counter *ret)
{
        *ret = fake->unlocked > 0 ? (struct pin_counter){ .sw = 0x9000 } : fake->counter;
        return fake_exchange(card, 'c');
}

static int fake_probe(struct card *card, struct card_probe *ret)
{
        *ret = (struct card_probe){ .key_count = 1, .keys = { { .ref = 1, .modulus_len = 256 } } };
        return fake_exchange(card, 'p');
}

static int fake_method(struct card *card, uint8_t ref _unused_, enum sign_method method _unused_)
{
        return fake_exchange(card, 'm');
}

/* The reader asks: the driver below notes its letter, k. */
static int fake_by_pinpad(struct card *card)
{
        static const struct apdu_pinpad how = {
                .ins = 0x20, .p2 = 0x81, .block_len = 8, .min = 4, .max = 8
        };
        uint8_t rsp[2];
        size_t len = 0;
        return card->link->pinpad(card->link->ctx, &how, rsp, sizeof rsp, &len);
}

static int fake_verify(struct card *card, const uint8_t *pin, size_t len, int *ret_tries)
{
        fake->verifies++;
        *ret_tries = fake->verify ? 2 : 3;
        if (!pin) {
                int asked = fake_by_pinpad(card);
                fake->verified = asked == 0 && fake->verify == 0;
                return asked ? asked : fake->verify;
        }
        fake->pin_seen = pin;
        fake->pin_len = len;
        fake->pin_was_right = len == strlen(FAKE_PIN) && memcmp(pin, FAKE_PIN, len) == 0;
        int r = fake_exchange(card, 'v');
        fake->verified = r == 0 && fake->verify == 0;
        return r ? r : fake->verify;
}

/* Both PINs are looked at; the proof's place is remembered as VERIFY's is. */
static int fake_renew(struct card *card, enum card_renewal how, struct view proof,
        struct view new_pin, int *ret_tries)
{
        fake->renewals++;
        fake->renewed_by = how;
        *ret_tries = fake->verify ? 2 : 3;
        fake->pin_seen = new_pin.data;
        fake->pin_len = new_pin.len;
        fake->pin_was_right = proof.len == 8 && memcmp(proof.data, FAKE_PIN, 8) == 0 &&
                              new_pin.len == 8 && memcmp(new_pin.data, FAKE_NEW_PIN, 8) == 0;
        int r = fake_exchange(card, 'n');
        fake->verified = r == 0 && fake->verify == 0;
        return r ? r : fake->verify;
}

static int fake_sign(struct card *card, uint8_t ref _unused_, enum sign_method method _unused_,
        const uint8_t *hash, size_t hash_len, uint8_t *sig, size_t cap, size_t *ret_len)
{
        *ret_len = base_min(hash_len, cap);
        fake->raw_signature = card->raw_signature;
        memcpy(sig, hash, *ret_len);
        return fake_exchange(card, 's');
}

static int fake_clear(struct card *card)
{
        fake->verified = false;
        return fake_exchange(card, 'x');
}

static const struct card_profile fake_profile = {
        .name = "fake",
        .identify = fake_identify,
        .read = fake_read,
        .counter = fake_counter,
        .probe = fake_probe,
        .select_method = fake_method,
        .verify = fake_verify,
        .sign = fake_sign,
        .clear = fake_clear,
        .renew = fake_renew,
};

static const struct card_profile fake_fixed_profile = {
        .name = "fixed",
        .identify = fake_identify,
        .read = fake_read,
        .counter = fake_counter,
        .probe = fake_probe,
        .select_method = fake_method,
        .verify = fake_verify,
        .sign = fake_sign,
        .clear = fake_clear,
};

static const struct card_profile *fake_profile_found(void)
{
        return fake->fixed ? &fake_fixed_profile : &fake_profile;
}

void card_init(struct card *card, struct apdu_link *link, const uint8_t *atr, size_t atr_len)
{
        *card = (struct card){ .link = link, .atr_len = atr_len };
        memcpy(card->atr, atr, atr_len);
}

void card_forget(struct card *card _unused_)
{
        fake_note('f');
}

size_t card_note(const struct card *card _unused_, uint8_t note[CARD_NOTE_MAX])
{
        memcpy(note, "note", 4);
        return fake->unsupported ? 0 : 4;
}

int card_resume(struct card *card, const uint8_t *note, size_t len)
{
        if (len != 4 || memcmp(note, "note", 4) != 0)
                return OUTCOME_CARD_NOT_SUPPORTED;
        card->profile = fake_profile_found();
        return 0;
}

int card_identify(struct card *card, struct card_identity *ret)
{
        int r = fake_identify(card, ret);
        card->profile = r == 0 ? fake_profile_found() : NULL;
        return r;
}

static int fake_begin(void *reader _unused_, struct driver_card *ret)
{
        if (fake->begin)
                return fake->begin;
        fake_note('<');
        bool first = fake->begins++ == 0;
        *ret = (struct driver_card){ .protocol = APDU_T1,
                .atr = { 0x3b, 0x00 },
                .atr_len = 2,
                .event = first ? CARD_IS_NEW : fake->event,
                .pinpad = fake->pinpad };
        ret->atr[1] = fake->other_atr && !first;
        ret->insertion = first ? 0 : fake->later_insertion;
        fake->open = true;
        return 0;
}

static int fake_transmit(void *reader _unused_, const uint8_t *cmd, size_t cmd_len _unused_,
        uint8_t *rsp, size_t cap _unused_, size_t *ret_len)
{
        fake_note((char)cmd[0]);
        if (fake->transmit)
                return fake->transmit;
        rsp[0] = 0x90;
        rsp[1] = 0x00;
        *ret_len = fake->mumbles ? 1 : 2;
        return 0;
}

static int fake_verify_pinpad(
        void *reader, const struct apdu_pinpad *how, uint8_t *rsp, size_t cap, size_t *ret_len)
{
        static const uint8_t key = 'k';
        fake->how = *how;
        return fake_transmit(reader, &key, 1, rsp, cap, ret_len);
}

static int fake_end(void *reader _unused_, enum driver_end how)
{
        fake_note(how == DRIVER_RESET ? '!' : '>');
        fake->open = false;
        fake->verified = fake->verified && how != DRIVER_RESET;
        fake->unlocked -= how == DRIVER_RESET && fake->unlocked > 0;
        return fake->end;
}

static const struct driver fake_driver = {
        .name = "fake",
        .begin = fake_begin,
        .transmit = fake_transmit,
        .end = fake_end,
        .verify_pinpad = fake_verify_pinpad,
};

#endif

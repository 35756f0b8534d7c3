/* SPDX-License-Identifier: Apache-2.0 */
/* pcsc_part10.c: see pcsc_part10.h. Clauses are those of PC/SC part 10, revision 2.02.09: features 2.3,
 * VERIFY 2.5.2, MODIFY 2.5.3, properties 2.5.5 and 2.6.14.
 */
#include "drivers/pcsc_part10.h"

#include "apdu/pinpad.h"

#define ENDS_BY_KEY  0x02 /* bEntryValidationCondition: the key that says "ready" */
#define CONFIRMS_NEW 0x01 /* bConfirmPIN */
#define ASKS_OLD     0x02
#define MSG_PIN      0 /* what a display says: "enter PIN", "new PIN", "new PIN again" */
#define MSG_NEW      1
#define MSG_AGAIN    2
#define PIN_SHORTEST 4
#define PIN_LONGEST  8

/* ---- what a reader says ------------------------------------------------------------------------ */

static const struct {
        uint8_t tag;
        size_t slot;
} features[] = {
        { 0x06, offsetof(struct part10_features, verify) },
        { 0x07, offsetof(struct part10_features, modify) },
        { 0x0A, offsetof(struct part10_features, pin_properties) },
        { 0x12, offsetof(struct part10_features, tlv_properties) },
};

/* A tag may come once. */
static bool first_time(uint8_t tag, uint8_t seen[static 32])
{
        uint8_t bit = (uint8_t)(1 << tag % 8);
        bool first = !(seen[tag / 8] & bit);
        seen[tag / 8] |= bit;
        return first;
}

int part10_features_decode(struct view answer, struct part10_features *ret)
{
        struct in in = in_new(answer.data, answer.len);
        struct part10_features found = { 0 };
        uint8_t seen[32] = { 0 };
        while (!in.error && in_left(&in) > 0) {
                uint8_t tag = in_u8(&in), len = in_u8(&in);
                uint32_t code = in_u32(&in);
                if (in.error || len != 4 || code == 0 || !first_time(tag, seen))
                        return -EBADMSG;
                for (size_t i = 0; i < ARRAY_LEN(features); i++)
                        if (features[i].tag == tag)
                                memcpy((char *)&found + features[i].slot, &code, sizeof code);
        }
        int r = in_done(&in);
        if (r < 0)
                return r;
        *ret = found;
        return 0;
}

static const struct {
        uint8_t tag, len;
        size_t slot;
} properties[] = {
        { 0x01, 2, offsetof(struct part10_properties, display) },
        { 0x02, 1, offsetof(struct part10_properties, validation) },
        { 0x06, 1, offsetof(struct part10_properties, min) },
        { 0x07, 1, offsetof(struct part10_properties, max) },
};

static uint16_t get_le16(const uint8_t *at)
{
        return (uint16_t)(at[0] | at[1] << 8);
}

static int take_property(struct part10_properties *found, uint8_t tag, struct view value)
{
        for (size_t i = 0; i < ARRAY_LEN(properties); i++) {
                char *slot = (char *)found + properties[i].slot;
                if (properties[i].tag != tag)
                        continue;
                if (properties[i].len != value.len)
                        return -EBADMSG;
                uint16_t word = value.len == 2 ? get_le16(value.data) : 0;
                memcpy(slot, value.len == 2 ? (const void *)&word : value.data, value.len);
        }
        return 0;
}

int part10_properties_decode(struct view answer, struct part10_properties *ret)
{
        struct in in = in_new(answer.data, answer.len);
        struct part10_properties found = { 0 };
        uint8_t seen[32] = { 0 };
        while (!in.error && in_left(&in) > 0) {
                uint8_t tag = in_u8(&in), len = in_u8(&in);
                struct view value = in_bytes(&in, len);
                if (in.error || !first_time(tag, seen) || take_property(&found, tag, value) < 0)
                        return -EBADMSG;
        }
        int r = in_done(&in);
        if (r < 0)
                return r;
        *ret = found;
        return 0;
}

int part10_pin_properties_decode(struct view answer, struct part10_properties *ret)
{
        if (answer.len != 4)
                return -EBADMSG;
        *ret = (struct part10_properties){
                .display = get_le16(answer.data),
                .validation = answer.data[2],
        };
        return 0;
}

uint8_t part10_usable(const struct part10_features *has, const struct part10_properties *tells)
{
        bool by_key = tells->validation == 0 || (tells->validation & ENDS_BY_KEY);
        bool roomy = tells->min <= PIN_SHORTEST && (tells->max == 0 || tells->max >= PIN_LONGEST);
        if (!by_key || !roomy)
                return 0;
        return (uint8_t)((has->verify ? PINPAD_VERIFY : 0) | (has->modify ? PINPAD_MODIFY : 0) |
                         (tells->display ? PINPAD_DISPLAY : 0));
}

/* ---- what a reader is told --------------------------------------------------------------------- */

static void put_le16(struct out *out, uint16_t v)
{
        out_u8(out, (uint8_t)v);
        out_u8(out, (uint8_t)(v >> 8));
}

static void put_format(struct out *out, const struct pinpad_template *template)
{
        out_u8(out, template->first_key_s);
        out_u8(out, PINPAD_NEXT_KEY_S);
        out_u8(out, template->format);
        out_u8(out, template->block);
        out_u8(out, 0); /* bmPINLengthFormat: no length goes into the command */
}

static void put_digits(struct out *out, const struct apdu_pinpad *how)
{
        out_u8(out, how->max); /* wPINMaxExtraDigit, the shortest in its high byte */
        out_u8(out, how->min);
}

static int put_command(
        struct out *out, const struct pinpad_template *template, struct part10_call *ret)
{
        static const uint8_t prologue[3] = { 0 }; /* bTeoPrologue: T=1 is the reader's business */
        out_bytes(out, prologue, sizeof prologue);
        put_le16(out, (uint16_t) template->command_len);
        put_le16(out, 0);
        out_bytes(out, template->command, template->command_len);
        int r = out_done(out);
        ret->len = r < 0 ? 0 : out->len;
        return r;
}

int part10_verify(const struct apdu_pinpad *how, bool display, struct part10_call *ret)
{
        struct pinpad_template template;
        struct out out = out_new(ret->bytes, sizeof ret->bytes);
        if (how->ins != 0x20 || pinpad_fill(how, &template) < 0)
                return -EINVAL;
        put_format(&out, &template);
        put_digits(&out, how);
        out_u8(&out, ENDS_BY_KEY);
        out_u8(&out, display ? 1 : 0);
        put_le16(&out, how->language);
        out_u8(&out, MSG_PIN);
        return put_command(&out, &template, ret);
}

int part10_modify(const struct apdu_pinpad *how, bool display, struct part10_call *ret)
{
        struct pinpad_template template;
        struct out out = out_new(ret->bytes, sizeof ret->bytes);
        if (how->ins != 0x24 || pinpad_fill(how, &template) < 0)
                return -EINVAL;
        put_format(&out, &template);
        out_u8(&out, 0); /* where the old PIN goes */
        out_u8(&out, template.new_at);
        put_digits(&out, how);
        out_u8(&out, how->asks_old ? CONFIRMS_NEW | ASKS_OLD : CONFIRMS_NEW);
        out_u8(&out, ENDS_BY_KEY);
        out_u8(&out, !display ? 0 : how->asks_old ? 3 : 2);
        put_le16(&out, how->language);
        out_u8(&out, how->asks_old ? MSG_PIN : MSG_NEW);
        out_u8(&out, how->asks_old ? MSG_NEW : MSG_AGAIN);
        out_u8(&out, how->asks_old ? MSG_AGAIN : 0);
        return put_command(&out, &template, ret);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* nid_probe.c: what a card tells about itself for nothing: label, counter, public keys, and whom its files
 * obey (card-facts 6.6 steps 1, 3, 4, 6).
 *
 * The shape of these answers is not published, so they are searched for their tags rather than
 * parsed; what is not found is left out. Only GET DATA and SELECT are sent, and a card that does not know
 * GET DATA is asked once for each kind of question, not fifteen times.
 */
#include "apdu/nid.h"
#include "apdu/tlv.h"

#define ANSWER_MAX   1024
#define TAG_MODULUS  0x81
#define TAG_EXPONENT 0x82
#define TAG_NAME     0xC0
#define TAG_VERSION  0xC1
#define TAG_TRIES    0xDF21
#define TAG_CHANGED  0xDF2F
#define TRIES_MAX    15

/* 0 with a view into buf, empty if the card has no such object. */
static int get_data(struct card *card, const struct apdu_cmd *cmd, uint8_t *buf, struct view *ret)
{
        struct apdu_rsp rsp = { .data = buf, .cap = ANSWER_MAX };
        int r = nid_send(card, cmd, &rsp);
        if (r != 0)
                return r;
        *ret = (struct view){ buf, rsp.sw == 0x9000 ? rsp.len : 0 };
        return 0;
}

static void add_printable(struct out *out, struct view text)
{
        if (out->len > 0 && text.len > 0)
                out_u8(out, ' ');
        for (size_t i = 0; i < text.len && out->len < out->cap; i++)
                if (text.data[i] >= 0x20 && text.data[i] < 0x7F)
                        out_u8(out, text.data[i]);
}

/* Some cards wrap the answer in the tag that was asked for, which BER calls primitive. */
static struct view unwrap(struct view answer, uint32_t tag)
{
        struct view inner = answer;
        return tlv_find(answer, tag, &inner) == 0 ? inner : answer;
}

static int read_label(struct card *card, char *label, size_t cap)
{
        static const uint32_t tags[] = { 0xDF30, 0x7F30 };
        uint8_t buf[ANSWER_MAX];
        struct view answer = { 0 }, name = { 0 }, version = { 0 };
        for (size_t i = 0; i < ARRAY_LEN(tags) && answer.len == 0; i++) {
                struct apdu_cmd cmd = {
                        .ins = 0xCA,
                        .p1 = (uint8_t)(tags[i] >> 8),
                        .p2 = (uint8_t)tags[i],
                        .le = APDU_LE_MAX,
                };
                int r = get_data(card, &cmd, buf, &answer);
                if (r != 0)
                        return r;
                answer = unwrap(answer, tags[i]);
        }
        struct out out = out_new(label, cap - 1);
        if (tlv_find(answer, TAG_NAME, &name) == 0)
                add_printable(&out, name);
        if (tlv_find(answer, TAG_VERSION, &version) == 0)
                add_printable(&out, version);
        label[out.len] = '\0';
        return 0;
}

static int ask(struct card *card, struct view query, uint8_t *buf, struct view *ret)
{
        struct apdu_cmd cmd = { .ins = 0xCB, .p2 = 0xFF, .data = query, .le = APDU_LE_MAX };
        return get_data(card, &cmd, buf, ret);
}

/* One byte of at most `max`, or nothing. */
static bool take_byte(struct view answer, uint32_t tag, uint8_t max, uint8_t *ret)
{
        struct view value = { 0 };
        if (tlv_find(answer, tag, &value) < 0 || value.len != 1 || value.data[0] > max)
                return false;
        *ret = value.data[0];
        return true;
}

/* The counter without VERIFY, where the applet knows the question (4.5). */
static int read_counter(struct card *card, struct card_probe *probe)
{
        const uint8_t query[] = { 0xA0, 0x03, 0x83, 0x01, card->nid.row->pin.ref };
        uint8_t buf[ANSWER_MAX], changed = 0;
        struct view answer = { 0 };
        int r = ask(card, (struct view){ query, sizeof query }, buf, &answer);
        if (r != 0)
                return r;
        probe->tries_known = take_byte(answer, TAG_TRIES, TRIES_MAX, &probe->tries);
        probe->changed_known = take_byte(answer, TAG_CHANGED, 1, &changed);
        probe->changed = changed == 1;
        return 0;
}

static int ask_key(struct card *card, uint8_t ref, uint8_t tag, uint8_t *buf, struct view *ret)
{
        const uint8_t query[] = { 0xB6, 0x03, 0x83, 0x01, ref, 0x7F, 0x49, 0x02, tag, 0x00 };
        return ask(card, (struct view){ query, sizeof query }, buf, ret);
}

static uint16_t take_number(struct view answer, uint8_t tag, uint8_t *dst, size_t cap)
{
        struct view number = { 0 };
        if (tlv_find(answer, tag, &number) < 0)
                return 0;
        while (number.len > 0 && number.data[0] == 0) {
                number.data++;
                number.len--;
        }
        if (number.len == 0 || number.len > cap)
                return 0;
        memcpy(dst, number.data, number.len);
        return (uint16_t)number.len;
}

static int read_key(struct card *card, uint8_t ref, struct card_key *key)
{
        uint8_t buf[ANSWER_MAX];
        struct view answer = { 0 };
        *key = (struct card_key){ .ref = ref };
        int r = ask_key(card, ref, TAG_MODULUS, buf, &answer);
        if (r != 0)
                return r;
        key->modulus_len = take_number(answer, TAG_MODULUS, key->modulus, sizeof key->modulus);
        key->exponent_len = take_number(answer, TAG_EXPONENT, key->exponent, sizeof key->exponent);
        if (key->modulus_len == 0 || key->exponent_len > 0)
                return 0;
        r = ask_key(card, ref, TAG_EXPONENT, buf, &answer);
        if (r == 0)
                key->exponent_len =
                        take_number(answer, TAG_EXPONENT, key->exponent, sizeof key->exponent);
        return r;
}

static int read_keys(struct card *card, struct card_probe *probe)
{
        for (uint8_t ref = 1; ref <= CARD_KEYS_MAX; ref++) {
                struct card_key *key = &probe->keys[probe->key_count];
                int r = read_key(card, ref, key);
                if (r != 0)
                        return r;
                if (key->modulus_len > 0)
                        probe->key_count++;
                else if (sw_kind(card->sw) == SW_NOT_SUPPORTED)
                        break;
        }
        return 0;
}

static int read_rules(struct card *card, struct card_probe *probe)
{
        int r = 0;
        for (size_t i = 0; r == 0 && i < CARD_RULES_MAX; i++)
                r = nid_ask_rules(
                        card, nid_file_of(card->nid.row, (enum card_object)i), &probe->rules[i]);
        return r;
}

int nid_probe(struct card *card, struct card_probe *ret)
{
        if (!card->nid.row)
                return -EPERM;
        if (!card->nid.row->supported)
                return OUTCOME_CARD_NOT_SUPPORTED;
        int r = nid_select_app(card, NID_IAS);
        if (r != 0)
                return r;
        *ret = (struct card_probe){ 0 };
        r = read_label(card, ret->label, sizeof ret->label);
        if (r == 0)
                r = read_counter(card, ret);
        if (r == 0)
                r = read_keys(card, ret);
        return r == 0 ? read_rules(card, ret) : r;
}

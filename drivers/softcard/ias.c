/* SPDX-License-Identifier: Apache-2.0 */
/* ias.c: the IAS Classic application: its instructions, and what it tells for free (card-facts 6.6).
 */
#include "drivers/softcard/card.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>

#define MODULUS_MAX 256

static void out_length(struct out *out, size_t len)
{
        if (len >= 0x100) {
                out_u8(out, 0x82);
                out_u16(out, (uint16_t)len);
                return;
        }
        if (len >= 0x80)
                out_u8(out, 0x81);
        out_u8(out, (uint8_t)len);
}

static size_t length_size(size_t len)
{
        return len >= 0x100 ? 3 : len >= 0x80 ? 2 : 1;
}

/* `tag` of one or two bytes around what `data` holds. */
static void out_tlv(struct out *out, uint16_t tag, const void *data, size_t len)
{
        if (tag > 0xFF)
                out_u8(out, (uint8_t)(tag >> 8));
        out_u8(out, (uint8_t)tag);
        out_length(out, len);
        out_bytes(out, data, len);
}

static void get_label(struct softcard *card, const struct command *cmd, struct answer *ans)
{
        static const char *const versions[] = { "v2", "v3", "v4" };
        uint8_t body[32];
        struct out value = out_new(body, sizeof body);
        uint16_t tag = (uint16_t)(cmd->p1 << 8 | cmd->p2);
        char text[] = "IAS Classic v4";
        if ((tag != 0xDF30 && tag != 0x7F30) || setting_is(card, SWITCH_LABEL, "none")) {
                answer_sw(ans, 0x6A88);
                return;
        }
        for (size_t i = 0; i < ARRAY_LEN(versions); i++)
                if (setting_is(card, SWITCH_LABEL, versions[i]))
                        text[sizeof text - 2] = versions[i][1];
        out_tlv(&value, 0xC0, text, sizeof text - 1);
        out_tlv(&value, 0xC1, (uint8_t[]){ (uint8_t)text[sizeof text - 2], '.', '0' }, 3);
        if (setting_is(card, SWITCH_LABEL, "v4-bare"))
                out_bytes(&ans->out, body, value.len);
        else
                out_tlv(&ans->out, tag, body, value.len);
        ans->fit = FIT_DATA;
        ans->outgoing = true;
}

/* A0 03 83 01 ref: counter and changed flag, card-facts 4.5. */
static void get_counter(struct softcard *card, uint8_t ref, struct answer *ans)
{
        if (ref != 0x81 || setting_is(card, SWITCH_DO_A0, "off")) {
                answer_sw(ans, 0x6A88);
                return;
        }
        uint8_t left = (uint8_t)pin_left(card, PIN_IAS);
        if (setting_is(card, SWITCH_DO_A0, "one"))
                left = 1;
        if (setting_is(card, SWITCH_DO_A0, "none-left"))
                left = 0;
        uint8_t changed = setting_is(card, SWITCH_DO_A0, "initial") ? 0 : 1;
        uint8_t body[] = { 0x83, 1, ref, 0xDF, 0x21, 1, left, 0xDF, 0x2F, 1, changed };
        out_tlv(&ans->out, 0xA0, body, sizeof body);
}

static size_t public_part(const struct key *key, uint8_t tag, uint8_t part[static MODULUS_MAX])
{
        BIGNUM *number = NULL;
        const char *name = tag == 0x81 ? OSSL_PKEY_PARAM_RSA_N : OSSL_PKEY_PARAM_RSA_E;
        if (EVP_PKEY_get_bn_param(key->pkey, name, &number) <= 0)
                return 0;
        int len = BN_num_bytes(number);
        if (len > 0 && len <= MODULUS_MAX)
                BN_bn2bin(number, part);
        BN_free(number);
        return len > 0 && len <= MODULUS_MAX ? (size_t)len : 0;
}

/* The outer shape is not published: bare, in 7F49, or in B6 around that. */
static void out_public_part(
        struct softcard *card, struct answer *ans, const struct key *key, uint8_t tag)
{
        uint8_t part[MODULUS_MAX];
        size_t len = public_part(key, tag, part), tlv = 1 + length_size(len) + len;
        bool b6 = setting_is(card, SWITCH_KEY_QUERY, "b6");
        if (b6) {
                out_u8(&ans->out, 0xB6);
                out_length(&ans->out, 3 + 2 + length_size(tlv) + tlv);
                out_tlv(&ans->out, 0x83, &key->ref, 1);
        }
        if (b6 || setting_is(card, SWITCH_KEY_QUERY, "7f49")) {
                out_u16(&ans->out, 0x7F49);
                out_length(&ans->out, tlv);
        }
        out_tlv(&ans->out, tag, part, len);
}

/* B6 03 83 01 kk 7F49 02 tag 00. */
static void get_key(struct softcard *card, const uint8_t data[static 10], struct answer *ans)
{
        static const uint8_t head[] = { 0xB6, 3, 0x83, 1 }, middle[] = { 0x7F, 0x49, 2 };
        const struct key *key = key_find(card, data[4]);
        uint8_t tag = data[8];
        if (memcmp(data, head, sizeof head) != 0 || memcmp(data + 5, middle, sizeof middle) != 0 ||
                (tag != 0x81 && tag != 0x82) || data[9] != 0) {
                answer_sw(ans, 0x6A80);
                return;
        }
        if (!key || setting_is(card, SWITCH_KEY_QUERY, "off"))
                answer_sw(ans, 0x6A88);
        else
                out_public_part(card, ans, key, tag);
}

static void get_object(struct softcard *card, const struct command *cmd, struct answer *ans)
{
        static const uint8_t counter[] = { 0xA0, 3, 0x83, 1 };
        const struct view data = cmd->data;
        bool none =
                setting_is(card, SWITCH_DO_A0, "off") && setting_is(card, SWITCH_KEY_QUERY, "off");
        if (none)
                answer_sw(ans, 0x6D00);
        else if (cmd->p1 != 0x00 || cmd->p2 != 0xFF)
                answer_sw(ans, 0x6A86);
        else if (data.len == 5 && memcmp(data.data, counter, sizeof counter) == 0)
                get_counter(card, data.data[4], ans);
        else if (data.len == 10)
                get_key(card, data.data, ans);
        else
                answer_sw(ans, 0x6A80);
}

/* Not random: nothing on this card rests on it, and a run can be repeated. */
static void get_challenge(struct softcard *card, const struct command *cmd, struct answer *ans)
{
        uint64_t noise = (card->stats.exchanges + 1) * UINT64_C(0x9E3779B97F4A7C15);
        if (!cmd->has_le || cmd->data.len > 0) {
                answer_sw(ans, 0x6700);
                return;
        }
        out_u64(&ans->out, noise);
        ans->fit = FIT_DATA;
        ans->outgoing = true;
}

const struct instruction ias_instructions[] = {
        { 0x00, 0xA4, file_select },
        { 0x00, 0xB0, file_read },
        { 0x00, 0x20, pin_verify_ias },
        { 0x00, 0x22, sign_set_environment },
        { 0x00, 0x2A, sign_operation },
        { 0x00, 0xCA, get_label },
        { 0x00, 0xCB, get_object },
        { 0x00, 0x84, get_challenge },
        { 0x80, 0x84, get_challenge },
        { 0, 0, NULL },
};

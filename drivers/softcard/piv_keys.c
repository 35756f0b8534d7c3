/* SPDX-License-Identifier: Apache-2.0 */
/* piv_keys.c: GENERAL AUTHENTICATE (SP 800-73-4 part 2, 3.2.4) with the four asymmetric keys.
 *
 * A dynamic authentication template 7C carries an empty 82, where the answer goes, and what is to be
 * worked on: 81 for the private key's plain operation (RSA of a block that the caller padded, ECDSA of
 * a hash), 85 for the other side's point in a key agreement with 9D. The management key 9B gives its
 * challenge, which some programs take for a source of random bytes, and accepts no response: nobody
 * has that key. Whatever is said to it is the first step of writing and counted so.
 */
#include "drivers/softcard/piv.h"

#include <openssl/ec.h>
#include <openssl/rand.h>
#include <openssl/rsa.h>

#define RESULT_MAX 256

enum work { WORK_NONE, WORK_SIGN, WORK_AGREE };

struct request {
        enum work work;
        struct view data;
};

static void ctx_cleanup(EVP_PKEY_CTX **slot)
{
        EVP_PKEY_CTX_free(*slot);
}
static void pkey_cleanup(EVP_PKEY **slot)
{
        EVP_PKEY_free(*slot);
}

static int parse_request(struct view data, struct request *ret)
{
        struct in outer = in_new(data.data, data.len);
        uint8_t tag;
        struct view template = pivcard_in(&outer, &tag);
        if (in_done(&outer) < 0 || tag != 0x7C)
                return -EBADMSG;
        struct in in = in_new(template.data, template.len);
        bool response = false;
        *ret = (struct request){ .work = WORK_NONE };
        while (in_left(&in) > 0) {
                struct view value = pivcard_in(&in, &tag);
                if (tag == 0x82 && value.len == 0 && !response) {
                        response = true;
                        continue;
                }
                if ((tag != 0x81 && tag != 0x85) || value.len == 0 || ret->work != WORK_NONE)
                        return -EBADMSG;
                *ret = (struct request){ tag == 0x81 ? WORK_SIGN : WORK_AGREE, value };
        }
        return in_done(&in) == 0 && response && ret->work != WORK_NONE ? 0 : -EBADMSG;
}

static const struct piv_slot *slot_find(const struct piv *piv, uint8_t ref, uint8_t algorithm)
{
        for (size_t i = 0; i < PIV_SLOTS; i++) {
                const struct piv_slot *slot = &piv->slots[i];
                if (slot->pkey && slot->ref == ref && slot->algorithm == algorithm)
                        return slot;
        }
        return NULL;
}

static uint16_t no_key_sw(const struct softcard *card)
{
        if (setting_is(card, SWITCH_PIV_NO_KEY, "6a88"))
                return 0x6A88;
        return setting_is(card, SWITCH_PIV_NO_KEY, "6a80") ? 0x6A80 : 0x6A86;
}

/* Whether a right VERIFY was the last thing said, or what a switch makes of that; asking spends it. */
static bool take_fresh(struct softcard *card, uint8_t ref)
{
        bool fresh = card->piv->fresh;
        if (ref == 0x9C || setting_is(card, SWITCH_PIV_PIN_ALWAYS, "strict"))
                card->piv->fresh = false;
        return fresh || setting_is(card, SWITCH_PIV_PIN_ALWAYS, "off");
}

/* The access rules of part 1, table 4. */
static bool permitted(const struct softcard *card, uint8_t ref, bool fresh)
{
        if (ref == 0x9E && setting_is(card, SWITCH_PIV_9E_PIN, "never"))
                return true;
        return setting_is(card, SWITCH_PIV_CONTACTLESS, "off") &&
               (card->verified[PIN_PIV] || card->verified[PIN_GLOBAL]) && (ref != 0x9C || fresh);
}

static size_t field_len(const struct piv_slot *slot)
{
        return slot->algorithm == PIV_ECC_P384 ? 48 : 32;
}

static int rsa_work(const struct piv_slot *slot, struct view data, uint8_t *result, size_t *len)
{
        _cleanup_(ctx_cleanup) EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new(slot->pkey, NULL);
        bool done = data.len == 256 && ctx && EVP_PKEY_decrypt_init(ctx) > 0 &&
                    EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_NO_PADDING) > 0 &&
                    EVP_PKEY_decrypt(ctx, result, len, data.data, data.len) > 0;
        return done ? 0 : -EINVAL;
}

static int curve_sign(const struct piv_slot *slot, struct view data, uint8_t *result, size_t *len)
{
        _cleanup_(ctx_cleanup) EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new(slot->pkey, NULL);
        bool done = data.len <= field_len(slot) && ctx && EVP_PKEY_sign_init(ctx) > 0 &&
                    EVP_PKEY_sign(ctx, result, len, data.data, data.len) > 0;
        return done ? 0 : -EINVAL;
}

/* An uncompressed point of the key's own curve; OpenSSL checks that it is one. */
static int curve_agree(const struct piv_slot *slot, struct view data, uint8_t *result, size_t *len)
{
        _cleanup_(pkey_cleanup) EVP_PKEY *peer = EVP_PKEY_new();
        if (!peer || data.len != 1 + 2 * field_len(slot) || data.data[0] != 0x04 ||
                EVP_PKEY_copy_parameters(peer, slot->pkey) <= 0 ||
                EVP_PKEY_set1_encoded_public_key(peer, data.data, data.len) <= 0)
                return -EINVAL;
        _cleanup_(ctx_cleanup) EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new(slot->pkey, NULL);
        bool done = ctx && EVP_PKEY_derive_init(ctx) > 0 &&
                    EVP_PKEY_derive_set_peer(ctx, peer) > 0 &&
                    EVP_PKEY_derive(ctx, result, len) > 0;
        return done ? 0 : -EINVAL;
}

static int slot_work(const struct softcard *card, const struct piv_slot *slot,
        const struct request *request, uint8_t *result, size_t *len)
{
        bool agrees = request->work == WORK_AGREE, keeps = slot->ref == 0x9D;
        if (slot->algorithm == PIV_RSA_2048)
                return agrees ? -EINVAL : rsa_work(slot, request->data, result, len);
        if (agrees != keeps)
                return -EINVAL;
        if (agrees)
                return curve_agree(slot, request->data, result, len);
        bool exact = setting_is(card, SWITCH_PIV_HASH, "exact");
        if (exact && request->data.len != field_len(slot))
                return -EINVAL;
        return curve_sign(slot, request->data, result, len);
}

static void answer_result(struct answer *ans, const uint8_t *result, size_t len)
{
        uint8_t body[RESULT_MAX + 4];
        struct out out = out_new(body, sizeof body);
        pivcard_out(&out, 0x82, result, len);
        pivcard_out(&ans->out, 0x7C, body, out.len);
}

/* 3DES (78-4 table 6-2), so the challenge has eight bytes. */
static void authenticate_manager(
        struct softcard *card, const struct command *cmd, struct answer *ans)
{
        static const uint8_t asks[] = { 0x7C, 2, 0x81, 0 };
        uint8_t challenge[8], body[10];
        struct out out = out_new(body, sizeof body);
        card->stats.writes++;
        (void)take_fresh(card, cmd->p2);
        if (cmd->p1 != 0x00 && cmd->p1 != 0x03) {
                answer_sw(ans, no_key_sw(card));
                return;
        }
        if (!view_eq(cmd->data, asks, sizeof asks) ||
                RAND_bytes(challenge, sizeof challenge) <= 0) {
                answer_sw(ans, 0x6982);
                return;
        }
        pivcard_out(&out, 0x81, challenge, sizeof challenge);
        pivcard_out(&ans->out, 0x7C, body, out.len);
}

/* 0, or what keeps this key from working. */
static uint16_t work_refusal(const struct softcard *card, const struct piv_slot *slot, bool fresh,
        const struct command *cmd, struct request *ret)
{
        if (!slot)
                return no_key_sw(card);
        if (!permitted(card, slot->ref, fresh))
                return 0x6982;
        return parse_request(cmd->data, ret) < 0 ? 0x6A80 : 0;
}

static void authenticate(struct softcard *card, const struct command *cmd, struct answer *ans)
{
        uint8_t result[RESULT_MAX];
        size_t len = sizeof result;
        struct request request;
        const struct piv_slot *slot = slot_find(card->piv, cmd->p2, cmd->p1);
        bool fresh = take_fresh(card, cmd->p2);
        uint16_t refusal = work_refusal(card, slot, fresh, cmd, &request);
        if (refusal) {
                answer_sw(ans, refusal);
                return;
        }
        card_wait(card, card->settings[SWITCH_SIGN_MS].number);
        if (slot_work(card, slot, &request, result, &len) < 0) {
                answer_sw(ans, 0x6A80);
                return;
        }
        card->stats.signatures++;
        answer_result(ans, result, len);
}

void pivcard_authenticate(struct softcard *card, const struct command *cmd, struct answer *ans)
{
        if (cmd->p2 == 0x9B)
                authenticate_manager(card, cmd, ans);
        else
                authenticate(card, cmd, ans);
}

int pivcard_slot_test(const struct piv_slot *slot, X509 *cert)
{
        static const uint8_t block[256] = { 0, 1 };
        uint8_t result[RESULT_MAX];
        size_t len = sizeof result;
        bool rsa = slot->algorithm == PIV_RSA_2048;
        struct view data = { block, rsa ? 256 : field_len(slot) };
        if (X509_check_private_key(cert, slot->pkey) <= 0)
                return -EINVAL;
        return rsa ? rsa_work(slot, data, result, &len) : curve_sign(slot, data, result, &len);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* sign.c: MSE SET, PSO HASH, PSO COMPUTE DIGITAL SIGNATURE (card-facts 6.4).
 *
 * Each algorithm is a row: the switch that offers it, what the hash object must hold, and what RSA
 * does with it. Algorithm 02 is the uncertain one and has a row for each reading of it; the switch
 * picks. The order of refusals is that of the facts: environment, hash, PIN, then secure messaging,
 * so that a wrong sequence never looks like a wrong PIN.
 */
#include "drivers/softcard/card.h"

#include <openssl/rsa.h>

enum padding { PADDING_AS_GIVEN, PADDING_SHA256, PADDING_PSS };

struct algorithm {
        uint8_t id;
        enum switch_id offered;
        const char *takes; /* value of alg-02-takes, NULL: not asked */
        size_t hash_len;
        bool digest_info;
        enum padding padding;
};

static const struct algorithm algorithms[] = {
        { 0x42, SWITCH_ALG_42, NULL, 32, false, PADDING_SHA256 },
        { 0x45, SWITCH_ALG_45, NULL, 32, false, PADDING_PSS },
        { 0x02, SWITCH_ALG_02, "digestinfo", 51, true, PADDING_AS_GIVEN },
        { 0x02, SWITCH_ALG_02, "bare-hash-padded", 32, false, PADDING_AS_GIVEN },
        { 0x02, SWITCH_ALG_02, "bare-hash-adds-digestinfo", 32, false, PADDING_SHA256 },
};

static const uint8_t sha256_info[] = { 0x30, 0x31, 0x30, 0x0D, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01,
        0x65, 0x03, 0x04, 0x02, 0x01, 0x05, 0x00, 0x04, 0x20 };

static const struct algorithm *algorithm_find(const struct softcard *card, uint8_t id)
{
        for (size_t i = 0; i < ARRAY_LEN(algorithms); i++) {
                const struct algorithm *row = &algorithms[i];
                bool taken = !row->takes || setting_is(card, SWITCH_ALG_02_TAKES, row->takes);
                if (row->id == id && taken && setting_is(card, row->offered, "on"))
                        return row;
        }
        return NULL;
}

const struct key *key_find(const struct softcard *card, uint8_t ref)
{
        for (size_t i = 0; i < ARRAY_LEN(card->keys); i++)
                if (card->keys[i].pkey && card->keys[i].ref == ref)
                        return &card->keys[i];
        return NULL;
}

/* 80 01 algorithm, 84 01 key, in any order, nothing else. */
static int parse_environment(struct view data, uint8_t *ret_algorithm, uint8_t *ret_key)
{
        struct in in = in_new(data.data, data.len);
        unsigned int seen = 0;
        while (in_left(&in) > 0) {
                uint8_t tag = in_u8(&in), len = in_u8(&in), value = in_u8(&in);
                if (len != 1 || (tag != 0x80 && tag != 0x84))
                        return -EINVAL;
                *(tag == 0x80 ? ret_algorithm : ret_key) = value;
                seen |= tag == 0x80 ? 1 : 2;
        }
        return in_done(&in) == 0 && seen == 3 ? 0 : -EINVAL;
}

void sign_set_environment(struct softcard *card, const struct command *cmd, struct answer *ans)
{
        uint8_t algorithm = 0, ref = 0;
        memset(&card->signing, 0, sizeof card->signing);
        if (cmd->p1 != 0x41 || cmd->p2 != 0xB6) {
                answer_sw(ans, 0x6A86);
                return;
        }
        if (setting_is(card, SWITCH_SIGN, "sm-mse")) {
                answer_sw(ans, 0x6982);
                return;
        }
        if (parse_environment(cmd->data, &algorithm, &ref) < 0 ||
                !algorithm_find(card, algorithm)) {
                answer_sw(ans, 0x6A80);
                return;
        }
        const struct key *key = key_find(card, ref);
        if (!key) {
                answer_sw(ans, 0x6A88);
                return;
        }
        card->signing = (struct signing){ .environment = true, .algorithm = algorithm, .key = key };
}

static bool hash_fits(const struct algorithm *algorithm, struct view hash)
{
        if (hash.len != algorithm->hash_len)
                return false;
        return !algorithm->digest_info || memcmp(hash.data, sha256_info, sizeof sha256_info) == 0;
}

static void take_hash(struct softcard *card, const struct command *cmd, struct answer *ans)
{
        card->signing.hash_len = 0;
        const struct algorithm *algorithm = algorithm_find(card, card->signing.algorithm);
        if (!card->signing.environment || !algorithm) {
                answer_sw(ans, 0x6985);
                return;
        }
        struct in in = in_new(cmd->data.data, cmd->data.len);
        uint8_t tag = in_u8(&in);
        struct view hash = in_bytes(&in, in_u8(&in));
        if (in_done(&in) < 0 || tag != 0x90 || !hash_fits(algorithm, hash)) {
                answer_sw(ans, 0x6A80);
                return;
        }
        memcpy(card->signing.hash, hash.data, hash.len);
        card->signing.hash_len = hash.len;
}

static int set_padding(EVP_PKEY_CTX *ctx, enum padding padding)
{
        if (EVP_PKEY_sign_init(ctx) <= 0)
                return 0;
        if (padding == PADDING_AS_GIVEN)
                return EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_PADDING);
        if (EVP_PKEY_CTX_set_signature_md(ctx, EVP_sha256()) <= 0)
                return 0;
        if (padding == PADDING_SHA256)
                return EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_PADDING);
        return EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_PSS_PADDING) > 0 &&
               EVP_PKEY_CTX_set_rsa_pss_saltlen(ctx, 32) > 0;
}

static void ctx_cleanup(EVP_PKEY_CTX **slot)
{
        EVP_PKEY_CTX_free(*slot);
}

int key_sign(const struct softcard *card, const struct key *key, uint8_t algorithm,
        struct view hash, uint8_t *sig, size_t *len)
{
        const struct algorithm *row = algorithm_find(card, algorithm);
        _cleanup_(ctx_cleanup) EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new(key->pkey, NULL);
        if (!row || !ctx || set_padding(ctx, row->padding) <= 0)
                return -EIO;
        return EVP_PKEY_sign(ctx, sig, len, hash.data, hash.len) > 0 ? 0 : -EIO;
}

/* What stands between this command and the key; 0: nothing. */
static uint16_t signing_refusal(const struct softcard *card, const struct command *cmd)
{
        if (cmd->data.len > 0 || !cmd->has_le)
                return 0x6700;
        if (!card->signing.environment || card->signing.hash_len == 0)
                return 0x6985;
        if (!card->verified[PIN_IAS] || setting_is(card, SWITCH_SIGN, "sm-6982"))
                return 0x6982;
        return setting_is(card, SWITCH_SIGN, "sm-6988") ? 0x6988 : 0;
}

static void compute(struct softcard *card, const struct command *cmd, struct answer *ans)
{
        uint16_t refusal = signing_refusal(card, cmd);
        uint8_t sig[256];
        size_t len = sizeof sig;
        struct view hash = { card->signing.hash, card->signing.hash_len };
        if (refusal) {
                answer_sw(ans, refusal);
                return;
        }
        card_wait(card, card->settings[SWITCH_SIGN_MS].number);
        if (key_sign(card, card->signing.key, card->signing.algorithm, hash, sig, &len) < 0) {
                answer_sw(ans, 0x6F00);
                return;
        }
        card->stats.signatures++;
        card->signing.hash_len = 0;
        if (setting_is(card, SWITCH_SIGN, "sign-once"))
                card->verified[PIN_IAS] = false;
        out_bytes(&ans->out, sig, len);
        ans->outgoing = setting_is(card, SWITCH_CDS_T0, "direct");
}

void sign_operation(struct softcard *card, const struct command *cmd, struct answer *ans)
{
        if (cmd->p1 == 0x90 && cmd->p2 == 0xA0)
                take_hash(card, cmd, ans);
        else if (cmd->p1 == 0x9E && cmd->p2 == 0x9A)
                compute(card, cmd, ans);
        else
                answer_sw(ans, 0x6A86);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* nid_sign.c: MSE SET, PSO HASH, PSO COMPUTE DIGITAL SIGNATURE (card-facts 6.4, ISO/IEC 7816-8).
 *
 * Three ways to say the same hash are rows of one table; the caller tries them in order and checks
 * each signature against the certificate, so nothing here judges what the card signed. All three
 * steps share one table from status words to answers. The exception is a key that drops its PIN after
 * each signature: when one was already made since VERIFY, "security status" means that the PIN is
 * used up, and since there is never a second VERIFY the answer is "no standard signature".
 */
#include "apdu/nid.h"

#define SHA256_LEN 32
#define SIG_MIN    64
#define TAG_HASH   0x90

/* DigestInfo of SHA-256 up to the hash (RFC 8017 9.2 note 1). */
static const uint8_t digest_info[] = { 0x30, 0x31, 0x30, 0x0D, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01,
        0x65, 0x03, 0x04, 0x02, 0x01, 0x05, 0x00, 0x04, 0x20 };

static const struct {
        uint8_t algorithm;
        struct view prefix;
} methods[SIGN_METHOD_COUNT] = {
        [SIGN_RSA_SHA256_CARD] = { 0x42, { NULL, 0 } },
        [SIGN_RSA_DIGESTINFO] = { 0x02, { digest_info, sizeof digest_info } },
        [SIGN_RSA_BARE_HASH] = { 0x02, { NULL, 0 } },
};

static const struct {
        enum sw_kind kind;
        int outcome;
} outcomes[] = {
        { SW_OK, 0 },
        { SW_SECURITY, OUTCOME_NEEDS_ISSUER_KEYS },
        { SW_SECURE_MESSAGING, OUTCOME_NEEDS_ISSUER_KEYS },
        { SW_BAD_DATA, OUTCOME_NO_STANDARD_SIGNATURE },
        { SW_NO_REFERENCE, OUTCOME_NO_STANDARD_SIGNATURE },
        { SW_NOT_SUPPORTED, OUTCOME_NO_STANDARD_SIGNATURE },
        { SW_CONDITIONS, OUTCOME_NO_STANDARD_SIGNATURE },
        { SW_WRONG_LENGTH, OUTCOME_NO_STANDARD_SIGNATURE },
};

static int outcome_of_step(const struct card *card)
{
        enum sw_kind kind = sw_kind(card->sw);
        if (kind == SW_SECURITY && card->nid.pin_used)
                return OUTCOME_NO_STANDARD_SIGNATURE;
        for (size_t i = 0; i < ARRAY_LEN(outcomes); i++)
                if (outcomes[i].kind == kind)
                        return outcomes[i].outcome;
        return OUTCOME_CARD_NOT_SUPPORTED;
}

static int step(struct card *card, const struct apdu_cmd *cmd)
{
        int r = nid_send_plain(card, cmd);
        return r == 0 ? outcome_of_step(card) : r;
}

static int mse_set(struct card *card, uint8_t key_ref, enum sign_method method)
{
        const uint8_t template[] = { 0x80, 0x01, methods[method].algorithm, 0x84, 0x01, key_ref };
        struct apdu_cmd cmd = {
                .ins = 0x22,
                .p1 = 0x41,
                .p2 = 0xB6,
                .data = { template, sizeof template },
                .le = APDU_NO_LE,
        };
        return step(card, &cmd);
}

static int pso_hash(struct card *card, enum sign_method method, const uint8_t *hash)
{
        struct view prefix = methods[method].prefix;
        uint8_t data[2 + sizeof digest_info + SHA256_LEN];
        struct out out = out_new(data, sizeof data);
        out_u8(&out, TAG_HASH);
        out_u8(&out, (uint8_t)(prefix.len + SHA256_LEN));
        out_bytes(&out, prefix.data, prefix.len);
        out_bytes(&out, hash, SHA256_LEN);
        struct apdu_cmd cmd = {
                .ins = 0x2A,
                .p1 = 0x90,
                .p2 = 0xA0,
                .data = { data, out.len },
                .le = APDU_NO_LE,
        };
        return step(card, &cmd);
}

static int pso_cds(struct card *card, uint8_t *sig, size_t cap, size_t *ret_len)
{
        uint8_t answer[CARD_SIG_MAX];
        struct apdu_rsp rsp = { .data = answer, .cap = sizeof answer };
        struct apdu_cmd cmd = { .ins = 0x2A, .p1 = 0x9E, .p2 = 0x9A, .le = APDU_LE_MAX };
        int r = nid_send(card, &cmd, &rsp);
        if (r == 0)
                r = outcome_of_step(card);
        if (r != 0)
                return r;
        card->nid.pin_used = true;
        if (rsp.len < SIG_MIN)
                return OUTCOME_NO_STANDARD_SIGNATURE;
        if (rsp.len > cap)
                return -ENOSPC;
        memcpy(sig, answer, rsp.len);
        *ret_len = rsp.len;
        return 0;
}

static int may_sign(const struct card *card, enum sign_method method)
{
        if (!card->nid.row)
                return -EPERM;
        if (!card->nid.row->supported)
                return OUTCOME_CARD_NOT_SUPPORTED;
        return (size_t)method < SIGN_METHOD_COUNT && methods[method].algorithm != 0 ? 0 : -EINVAL;
}

int nid_select_method(struct card *card, uint8_t key_ref, enum sign_method method)
{
        int r = may_sign(card, method);
        if (r == 0)
                r = nid_select_app(card, NID_IAS);
        return r == 0 ? mse_set(card, key_ref, method) : r;
}

int nid_sign(struct card *card, uint8_t key_ref, enum sign_method method, const uint8_t *hash,
        size_t hash_len, uint8_t *sig, size_t cap, size_t *ret_len)
{
        int r = may_sign(card, method);
        if (r != 0)
                return r;
        if (hash_len != SHA256_LEN)
                return -EINVAL;
        if (!card->nid.verified)
                return -EPERM;
        r = mse_set(card, key_ref, method);
        if (r == 0)
                r = pso_hash(card, method, hash);
        return r == 0 ? pso_cds(card, sig, cap, ret_len) : r;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* piv_sign.c: GENERAL AUTHENTICATE with two of the card's keys (SP 800-73-4 part 2, 3.2.4 and appendix A).
 *
 * The caller names the algorithm, as the certificate's key has it; the card is not asked. The card signs
 * a raw block: for RSA that is the padded DigestInfo of PKCS #1 v1.5, written here, for ECDSA the digest
 * itself. Data longer than a short command is chained: every PIV card must know chaining, while extended
 * lengths depend on the reader as well, and save one exchange of six.
 *
 * Key 9C signs assertions, and nobody could tell one from a block that a caller brings along: so that is for
 * key 9A alone, unless mohrd said, when it confirmed the card, that root wants it otherwise. For a digest of
 * ECDSA the two methods are the same bytes; the difference is who may have them made.
 *
 * Key 9C wants its PIN before each signature. Key 9A would be content with one for many, but one entry of a person
 * stands for one signature here: whichever key it was and whatever came of it, it ends what VERIFY began.
 */
#include "apdu/piv.h"
#include "apdu/tlv.h"

#define INS_GENERAL_AUTHENTICATE 0x87
#define TAG_DYNAMIC              0x7C
#define TAG_CHALLENGE            0x81
#define TAG_RESPONSE             0x82
#define RSA_BLOCK                256
#define TEMPLATE_MAX             (RSA_BLOCK + 16)
#define ANSWER_MAX               (RSA_BLOCK + 16)

/* DigestInfo of SHA-256 up to the hash (RFC 8017 9.2 note 1). */
static const uint8_t digest_info[] = { 0x30, 0x31, 0x30, 0x0D, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01,
        0x65, 0x03, 0x04, 0x02, 0x01, 0x05, 0x00, 0x04, 0x20 };

/* SP 800-78-4 table 6-2. An ECDSA signature is DER: two integers, each at most a byte longer than the
 * curve's order, with five or six bytes around them. */
static const struct method {
        uint8_t algorithm; /* 0: not a method of this profile */
        bool raw, pads;
        size_t len, sig_min, sig_max;
} methods[SIGN_METHOD_COUNT] = {
        [SIGN_PIV_RSA2048] = { 0x07, false, true, 32, RSA_BLOCK, RSA_BLOCK },
        [SIGN_PIV_P256] = { 0x11, false, false, 32, 8, 72 },
        [SIGN_PIV_P384] = { 0x14, false, false, 48, 8, 104 },
        [SIGN_PIV_RSA2048_RAW] = { 0x07, true, false, RSA_BLOCK, RSA_BLOCK, RSA_BLOCK },
        [SIGN_PIV_P256_RAW] = { 0x11, true, false, 32, 8, 72 },
        [SIGN_PIV_P384_RAW] = { 0x14, true, false, 48, 8, 104 },
};

static bool key_does(const struct card *card, uint8_t key_ref, const struct method *method)
{
        if (method->algorithm == 0)
                return false;
        return key_ref == PIV_KEY_AUTHENTICATION ||
               (key_ref == PIV_KEY_SIGN && (!method->raw || card->raw_signature));
}

static int may_sign(const struct card *card, uint8_t key_ref, enum sign_method method)
{
        if (!card->piv.found)
                return -EPERM;
        if (!card->piv.supported)
                return OUTCOME_CARD_NOT_SUPPORTED;
        if ((size_t)method >= SIGN_METHOD_COUNT || !key_does(card, key_ref, &methods[method]))
                return -EINVAL;
        return 0;
}

/* There is no environment to set: algorithm and key go with each command. */
int piv_select_method(struct card *card, uint8_t key_ref, enum sign_method method)
{
        card->sw = 0;
        return may_sign(card, key_ref, method);
}

/* RFC 8017 9.2: 00 01 FF..FF 00 DigestInfo. */
static void put_padded(struct out *out, struct view hash)
{
        size_t filling = RSA_BLOCK - 3 - sizeof digest_info - hash.len;
        out_u16(out, 0x0001);
        while (filling-- > 0)
                out_u8(out, 0xFF);
        out_u8(out, 0x00);
        out_bytes(out, digest_info, sizeof digest_info);
        out_bytes(out, hash.data, hash.len);
}

/* 7C { 82 {} 81 { block } }: "answer this". */
static int build(const struct method *method, struct view given, struct out *template)
{
        uint8_t block[RSA_BLOCK], inner[TEMPLATE_MAX];
        struct out to_sign = out_new(block, sizeof block);
        struct out fields = out_new(inner, sizeof inner);
        if (method->pads)
                put_padded(&to_sign, given);
        else
                out_bytes(&to_sign, given.data, given.len);
        tlv_put(&fields, TAG_RESPONSE, NULL, 0);
        tlv_put(&fields, TAG_CHALLENGE, block, to_sign.len);
        tlv_put(template, TAG_DYNAMIC, inner, fields.len);
        return out_done(&to_sign) < 0 || out_done(&fields) < 0 ? -ENOSPC : out_done(template);
}

static int take_signature(
        const struct method *method, struct view answer, uint8_t *sig, size_t cap, size_t *ret_len)
{
        struct view signature = { 0 };
        if (piv_parse_signature(answer, &signature) < 0 || signature.len < method->sig_min ||
                signature.len > method->sig_max)
                return OUTCOME_NO_STANDARD_SIGNATURE;
        if (signature.len > cap)
                return -ENOSPC;
        memcpy(sig, signature.data, signature.len);
        *ret_len = signature.len;
        return 0;
}

int piv_sign(struct card *card, uint8_t key_ref, enum sign_method method, const uint8_t *block,
        size_t block_len, uint8_t *sig, size_t cap, size_t *ret_len)
{
        uint8_t data[TEMPLATE_MAX], answer[ANSWER_MAX];
        struct out template = out_new(data, sizeof data);
        struct apdu_rsp rsp = { .data = answer, .cap = sizeof answer };
        int r = may_sign(card, key_ref, method);
        if (r != 0)
                return r;
        const struct method *row = &methods[method];
        if (block_len != row->len)
                return -EINVAL;
        if (!card->piv.verified)
                return -EPERM;
        r = build(row, (struct view){ block, block_len }, &template);
        if (r < 0)
                return r;
        struct apdu_cmd cmd = {
                .ins = INS_GENERAL_AUTHENTICATE,
                .p1 = row->algorithm,
                .p2 = key_ref,
                .data = { data, template.len },
                .le = APDU_LE_MAX,
        };
        card->piv.verified = false;
        r = piv_send(card, &cmd, &rsp);
        if (r != 0)
                return r;
        return rsp.sw == 0x9000
                       ? take_signature(row, (struct view){ answer, rsp.len }, sig, cap, ret_len)
                       : OUTCOME_NO_STANDARD_SIGNATURE;
}

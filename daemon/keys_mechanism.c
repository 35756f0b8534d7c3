/* SPDX-License-Identifier: Apache-2.0 */
/* keys_mechanism.c: mechanisms as rows; what a card is given for each, and whether what came back is that signature.
 *
 * The key's certificate says what the card can do: RSA blocks are padded here (RFC 8017 9.1, 9.2), a digest for ECDSA is cut or
 * filled to the length of the curve's order (FIPS 186-4, 6.4). A key that makes assertions is given nothing but the digest of
 * the whole data under the one hash of its certificate, the way an assertion is: what it can sign otherwise it never does.
 */
#include "daemon/keys.h"

#include "base/outcome.h"

#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/rsa.h>

#define BLOCK         256 /* of RSA with 2048 bits, the one size that a staff card has */
#define BLOCK_PADDING 11
#define DIGEST_MIN    20
#define INFO_MAX      19

enum padding { PADDING_NONE, PADDING_PKCS1, PADDING_PSS };

static const struct hash {
        const char *name;
        const EVP_MD *(*md)(void);
        size_t len;
        uint8_t info[INFO_MAX]; /* DigestInfo up to the hash (RFC 8017 9.2 note 1) */
} hashes[] = {
        { "sha256", EVP_sha256, 32,
                { 0x30, 0x31, 0x30, 0x0D, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04,
                        0x02, 0x01, 0x05, 0x00, 0x04, 0x20 } },
        { "sha384", EVP_sha384, 48,
                { 0x30, 0x41, 0x30, 0x0D, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04,
                        0x02, 0x02, 0x05, 0x00, 0x04, 0x30 } },
        { "sha512", EVP_sha512, 64,
                { 0x30, 0x51, 0x30, 0x0D, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04,
                        0x02, 0x03, 0x05, 0x00, 0x04, 0x40 } },
};

static const struct keys_mechanism {
        const char *name;
        int key_type;
        enum padding padding;
        const struct hash *hash; /* of what hashes the data here; NULL: the app did */
} mechanisms[] = {
        { "RSA-PKCS", EVP_PKEY_RSA, PADDING_PKCS1, NULL },
        { "RSA-PSS", EVP_PKEY_RSA, PADDING_PSS, NULL },
        { "ECDSA", EVP_PKEY_EC, PADDING_NONE, NULL },
        { "SHA256-RSA-PKCS", EVP_PKEY_RSA, PADDING_PKCS1, &hashes[0] },
        { "SHA384-RSA-PKCS", EVP_PKEY_RSA, PADDING_PKCS1, &hashes[1] },
        { "SHA512-RSA-PKCS", EVP_PKEY_RSA, PADDING_PKCS1, &hashes[2] },
        { "SHA256-RSA-PSS", EVP_PKEY_RSA, PADDING_PSS, &hashes[0] },
        { "SHA384-RSA-PSS", EVP_PKEY_RSA, PADDING_PSS, &hashes[1] },
        { "SHA512-RSA-PSS", EVP_PKEY_RSA, PADDING_PSS, &hashes[2] },
        { "ECDSA-SHA256", EVP_PKEY_EC, PADDING_NONE, &hashes[0] },
        { "ECDSA-SHA384", EVP_PKEY_EC, PADDING_NONE, &hashes[1] },
};

const struct keys_mechanism *keys_mechanism(const char *name)
{
        for (size_t i = 0; i < ARRAY_LEN(mechanisms); i++)
                if (strcmp(mechanisms[i].name, name) == 0)
                        return &mechanisms[i];
        return NULL;
}

bool keys_mechanism_hashes(const struct keys_mechanism *mechanism)
{
        return mechanism->hash != NULL;
}

static EVP_PKEY *pkey_of(const struct keys_key *key)
{
        return X509_get0_pubkey(key->leaf);
}

/* The hash that a card with this key signs by itself. */
static const struct hash *own_hash(const struct keys_key *key)
{
        return &hashes[EVP_PKEY_get_bits(pkey_of(key)) == 384 ? 1 : 0];
}

bool keys_mechanism_fits(const struct keys_mechanism *mechanism, const struct keys_key *key)
{
        if (EVP_PKEY_get_base_id(pkey_of(key)) != mechanism->key_type)
                return false;
        bool own = mechanism->hash == own_hash(key) && mechanism->padding != PADDING_PSS;
        switch (key->role) {
        case KEYS_ASSERTS: return own;
        case KEYS_SHA256: return own || (!mechanism->hash && mechanism->padding == PADDING_PKCS1);
        case KEYS_FREE: return true;
        }
        return false;
}

json_t *keys_mechanisms_json(const struct keys_key *key)
{
        json_t *lists[] = { json_array(), json_array() };
        bool good = lists[0] && lists[1];
        for (size_t i = 0; good && i < ARRAY_LEN(mechanisms); i++)
                if (keys_mechanism_fits(&mechanisms[i], key))
                        good = json_array_append_new(lists[mechanisms[i].hash ? 0 : 1],
                                       json_string(mechanisms[i].name)) == 0;
        json_t *both =
                json_pack("{s:o, s:o}", "data_mechanisms", lists[0], "hash_mechanisms", lists[1]);
        if (good)
                return both;
        json_decref(both);
        return NULL;
}

/* ---- parameters ---------------------------------------------------------------------------- */

static const struct hash *hash_named(const char *name)
{
        for (size_t i = 0; name && i < ARRAY_LEN(hashes); i++)
                if (strcmp(hashes[i].name, name) == 0)
                        return &hashes[i];
        return NULL;
}

/* Of the data, or of what the app says its digest is of; NULL: nobody says. */
static const struct hash *hash_of(const struct keys_sign_params *params)
{
        return params->mechanism->hash ? params->mechanism->hash : hash_named(params->hash);
}

const char *keys_params_misfit(const struct keys_sign_params *params)
{
        const struct keys_mechanism *mechanism = params->mechanism;
        bool pss = mechanism->padding == PADDING_PSS, wants_hash = pss && !mechanism->hash;
        if (wants_hash ? !hash_named(params->hash) : params->hash != NULL)
                return "hash";
        return params->salt >= 0 && !pss ? "salt" : NULL;
}

static size_t salt_of(const struct keys_sign_params *params)
{
        return params->salt >= 0 ? (size_t)params->salt : hash_of(params)->len;
}

/* ---- what is signed ------------------------------------------------------------------------ */

/* What the padding goes around, or ECDSA's digest: what the app gave, or the digest of it. With PKCS #1 in its DigestInfo. */
static int core_of(
        const struct keys_sign_params *params, uint8_t core[static BLOCK], size_t *ret_len)
{
        const struct hash *hash = params->mechanism->hash;
        size_t head = params->mechanism->padding == PADDING_PKCS1 ? INFO_MAX : 0;
        unsigned int len = 0;
        if (!hash) {
                if (params->data.len == 0 || params->data.len > BLOCK)
                        return OUTCOME_INVALID;
                memcpy(core, params->data.data, params->data.len);
                *ret_len = params->data.len;
                return 0;
        }
        memcpy(core, hash->info, head);
        if (EVP_Digest(params->data.data, params->data.len, core + head, &len, hash->md(), NULL) !=
                1)
                return -ENOMEM;
        *ret_len = head + len;
        return 0;
}

/* RFC 8017 9.2: 00 01 FF..FF 00 core. */
static int pad_pkcs1(struct view core, struct request_to_sign *ret)
{
        struct out out = out_new(ret->bytes, BLOCK);
        if (core.len > BLOCK - BLOCK_PADDING)
                return OUTCOME_INVALID;
        out_u16(&out, 0x0001);
        while (out.len < BLOCK - 1 - core.len)
                out_u8(&out, 0xFF);
        out_u8(&out, 0x00);
        out_bytes(&out, core.data, core.len);
        ret->len = out.len;
        return 0;
}

static int pad_pss(
        const struct keys_sign_params *params, struct view core, struct request_to_sign *ret)
{
        const struct hash *hash = hash_of(params);
        if (core.len != hash->len)
                return OUTCOME_INVALID;
        ret->len = BLOCK;
        int r = keys_pss_encode(hash->md(), core, salt_of(params), ret->bytes);
        return r == -EINVAL ? OUTCOME_INVALID : r;
}

/* The leftmost bytes of a digest that is longer than the order, zeros before a shorter one. */
static int fit_curve(struct view core, size_t field, struct request_to_sign *ret)
{
        if (core.len < DIGEST_MIN || core.len > EVP_MAX_MD_SIZE)
                return OUTCOME_INVALID;
        size_t len = base_min(core.len, field);
        memset(ret->bytes, 0, field);
        memcpy(ret->bytes + field - len, core.data, len);
        ret->len = field;
        return 0;
}

static int compose_free(const struct keys_key *key, const struct keys_sign_params *params,
        struct view core, struct request_to_sign *ret)
{
        bool large = EVP_PKEY_get_bits(pkey_of(key)) == 384;
        if (params->mechanism->padding == PADDING_NONE) {
                ret->method = large ? SIGN_PIV_P384_RAW : SIGN_PIV_P256_RAW;
                return fit_curve(core, large ? 48 : 32, ret);
        }
        ret->method = SIGN_PIV_RSA2048_RAW;
        return params->mechanism->padding == PADDING_PSS ? pad_pss(params, core, ret)
                                                         : pad_pkcs1(core, ret);
}

/* Without its DigestInfo, which the card or its profile writes. */
static int compose_own(const struct keys_key *key, const struct keys_sign_params *params,
        struct view core, struct request_to_sign *ret)
{
        const struct hash *hash = own_hash(key);
        size_t head = params->mechanism->padding == PADDING_PKCS1 ? INFO_MAX : 0;
        if (core.len != head + hash->len || memcmp(core.data, hash->info, head) != 0)
                return OUTCOME_INVALID;
        memcpy(ret->bytes, core.data + head, hash->len);
        ret->len = hash->len;
        ret->method = SIGN_METHOD_COUNT;
        return 0;
}

int keys_compose(const struct keys_key *key, const struct keys_sign_params *params,
        struct request_to_sign *ret)
{
        uint8_t core[BLOCK];
        struct view view = { core, 0 };
        int r = core_of(params, core, &view.len);
        if (r != 0)
                return r;
        *ret = (struct request_to_sign){ 0 };
        return key->role == KEYS_FREE ? compose_free(key, params, view, ret)
                                      : compose_own(key, params, view, ret);
}

/* ---- what came back ------------------------------------------------------------------------ */

static bool set_up(EVP_PKEY_CTX *ctx, const struct keys_sign_params *params)
{
        enum padding padding = params->mechanism->padding;
        if (EVP_PKEY_verify_init(ctx) != 1)
                return false;
        if (padding == PADDING_PKCS1)
                return EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_PADDING) > 0;
        return padding == PADDING_NONE ||
               (EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_PSS_PADDING) > 0 &&
                       EVP_PKEY_CTX_set_signature_md(ctx, hash_of(params)->md()) > 0 &&
                       EVP_PKEY_CTX_set_rsa_pss_saltlen(ctx, (int)salt_of(params)) > 0);
}

static bool verifies(const struct keys_key *key, const struct keys_sign_params *params,
        struct view core, struct view signature)
{
        EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new(pkey_of(key), NULL);
        bool good = ctx && set_up(ctx, params) &&
                    EVP_PKEY_verify(ctx, signature.data, signature.len, core.data, core.len) == 1;
        EVP_PKEY_CTX_free(ctx);
        ERR_clear_error();
        return good;
}

int keys_finish(const struct keys_key *key, const struct keys_sign_params *params,
        const uint8_t *signature, size_t len, uint8_t ret[static ALGORITHM_SIG_MAX],
        size_t *ret_len)
{
        const struct algorithm *algorithm = algorithm_of_key(pkey_of(key));
        uint8_t core[BLOCK];
        size_t core_len = 0;
        int r = core_of(params, core, &core_len);
        if (r != 0)
                return r;
        if (!algorithm || !verifies(key, params, (struct view){ core, core_len },
                                  (struct view){ signature, len }))
                return OUTCOME_NO_STANDARD_SIGNATURE;
        *ret_len = algorithm_sig_to_jws(algorithm, signature, len, ret);
        return *ret_len > 0 ? 0 : OUTCOME_NO_STANDARD_SIGNATURE;
}

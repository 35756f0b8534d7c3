/* SPDX-License-Identifier: Apache-2.0 */
/* mechanisms.c: the mechanisms that mohr.Keys has names for, and which of them a token tells.
 *
 * Programs read the list once, when they meet a token, long before the holder was asked what is on the card. So until it is known, all
 * are told that a card may have; afterwards those that a key of this card has. C_SignInit goes by the key alone.
 */
#include "client-sdk/pkcs11/p11.h"

static const struct p11_mechanism mechanisms[] = {
        { CKM_RSA_PKCS, "RSA-PKCS", CKK_RSA, false, 0 },
        { CKM_RSA_PKCS_PSS, "RSA-PSS", CKK_RSA, true, 0 },
        { CKM_SHA256_RSA_PKCS, "SHA256-RSA-PKCS", CKK_RSA, false, CKM_SHA256 },
        { CKM_SHA384_RSA_PKCS, "SHA384-RSA-PKCS", CKK_RSA, false, CKM_SHA384 },
        { CKM_SHA512_RSA_PKCS, "SHA512-RSA-PKCS", CKK_RSA, false, CKM_SHA512 },
        { CKM_SHA256_RSA_PKCS_PSS, "SHA256-RSA-PSS", CKK_RSA, true, CKM_SHA256 },
        { CKM_SHA384_RSA_PKCS_PSS, "SHA384-RSA-PSS", CKK_RSA, true, CKM_SHA384 },
        { CKM_SHA512_RSA_PKCS_PSS, "SHA512-RSA-PSS", CKK_RSA, true, CKM_SHA512 },
        { CKM_ECDSA, "ECDSA", CKK_EC, false, 0 },
        { CKM_ECDSA_SHA256, "ECDSA-SHA256", CKK_EC, false, CKM_SHA256 },
        { CKM_ECDSA_SHA384, "ECDSA-SHA384", CKK_EC, false, CKM_SHA384 },
};

#define ALL_OF_THEM ((1u << ARRAY_LEN(mechanisms)) - 1)

const struct p11_mechanism *p11_mechanism(CK_MECHANISM_TYPE type)
{
        for (size_t i = 0; i < ARRAY_LEN(mechanisms); i++)
                if (mechanisms[i].type == type)
                        return &mechanisms[i];
        return NULL;
}

uint32_t p11_mechanism_bit(const struct p11_mechanism *mechanism)
{
        return 1u << (mechanism - mechanisms);
}

uint32_t p11_mechanisms_named(const json_t *names)
{
        uint32_t bits = 0;
        for (size_t i = 0; i < json_array_size(names); i++) {
                const char *name = json_string_value(json_array_get(names, i));
                for (size_t j = 0; name && j < ARRAY_LEN(mechanisms); j++)
                        if (strcmp(name, mechanisms[j].name) == 0)
                                bits |= 1u << j;
        }
        return bits;
}

CK_ULONG p11_mechanisms_told(uint32_t bits, CK_MECHANISM_TYPE *ret)
{
        CK_ULONG count = 0;
        for (size_t i = 0; i < ARRAY_LEN(mechanisms); i++)
                if (bits >> i & 1) {
                        if (ret)
                                ret[count] = mechanisms[i].type;
                        count++;
                }
        return count;
}

CK_RV p11_pss_read(struct p11_signing *signing, const CK_MECHANISM *asked)
{
        static const struct p11_hash hashes[] = {
                { CKM_SHA256, CKG_MGF1_SHA256, 32, "sha256" },
                { CKM_SHA384, CKG_MGF1_SHA384, 48, "sha384" },
                { CKM_SHA512, CKG_MGF1_SHA512, 64, "sha512" },
        };
        CK_RSA_PKCS_PSS_PARAMS params;
        if (!asked->parameter || asked->parameter_len != sizeof params)
                return CKR_MECHANISM_PARAM_INVALID;
        memcpy(&params, asked->parameter, sizeof params);
        CK_MECHANISM_TYPE made = signing->mechanism->hash;
        if (made && made != params.hash)
                return CKR_MECHANISM_PARAM_INVALID;
        for (size_t i = 0; i < ARRAY_LEN(hashes); i++)
                if (hashes[i].type == params.hash && hashes[i].mgf == params.mgf)
                        signing->pss = &hashes[i];
        if (!signing->pss || params.salt_len > P11_SIGNATURE_MAX ||
                signing->pss->len + params.salt_len + 2 > p11_signature_len(&signing->key))
                return CKR_MECHANISM_PARAM_INVALID;
        signing->salt = params.salt_len;
        return CKR_OK;
}

CK_ULONG p11_signature_len(const struct p11_key *key)
{
        CK_ULONG bytes = (key->bits + 7) / 8;
        return key->type == CKK_RSA ? bytes : 2 * bytes;
}

/* ---- What is told ---- */

static uint32_t bits_of(const struct p11_slot *slot)
{
        uint32_t bits = 0;
        if (!slot->token)
                return ALL_OF_THEM;
        for (size_t i = 0; i < slot->token->key_count; i++)
                bits |= slot->token->keys[i].mechanisms;
        return bits;
}

/* The slot of a card that lies there, or NULL and the word for it. Programs ask for each mechanism after they have asked
 * for all: the readers are looked at once. */
static const struct p11_slot *present(struct p11 *p11, CK_SLOT_ID id, bool look, CK_RV *ret_rv)
{
        CK_RV rv = look || !p11->pictured ? p11_refresh(p11) : CKR_OK;
        const struct p11_slot *slot = rv == CKR_OK ? p11_slot(p11, id) : NULL;
        *ret_rv = rv != CKR_OK ? rv : slot ? CKR_TOKEN_NOT_PRESENT : CKR_SLOT_ID_INVALID;
        return slot && slot->present ? slot : NULL;
}

CK_RV C_GetMechanismList(CK_SLOT_ID id, CK_MECHANISM_TYPE *ret, CK_ULONG *count)
{
        _cleanup_p11_ struct p11 *p11 = p11_enter();
        if (!p11)
                return CKR_CRYPTOKI_NOT_INITIALIZED;
        if (!count)
                return CKR_ARGUMENTS_BAD;
        CK_RV rv;
        const struct p11_slot *slot = present(p11, id, true, &rv);
        if (!slot)
                return rv;
        CK_ULONG room = *count;
        *count = p11_mechanisms_told(bits_of(slot), NULL);
        if (ret && room < *count)
                return CKR_BUFFER_TOO_SMALL;
        p11_mechanisms_told(bits_of(slot), ret);
        return CKR_OK;
}

/* Of the keys that have it; of any, where none is known. */
static void tell_sizes(
        CK_MECHANISM_INFO *ret, const struct p11_slot *slot, const struct p11_mechanism *mechanism)
{
        bool is_rsa = mechanism->key == CKK_RSA, found = false;
        ret->min_key_size = is_rsa ? 2048 : 256;
        ret->max_key_size = is_rsa ? 4096 : 384;
        for (size_t i = 0; slot->token && i < slot->token->key_count; i++) {
                const struct p11_key *key = &slot->token->keys[i];
                if (!(key->mechanisms & p11_mechanism_bit(mechanism)))
                        continue;
                if (!found || key->bits < ret->min_key_size)
                        ret->min_key_size = key->bits;
                if (!found || key->bits > ret->max_key_size)
                        ret->max_key_size = key->bits;
                found = true;
        }
}

CK_RV C_GetMechanismInfo(CK_SLOT_ID id, CK_MECHANISM_TYPE type, CK_MECHANISM_INFO *ret)
{
        _cleanup_p11_ struct p11 *p11 = p11_enter();
        if (!p11)
                return CKR_CRYPTOKI_NOT_INITIALIZED;
        if (!ret)
                return CKR_ARGUMENTS_BAD;
        CK_RV rv;
        const struct p11_slot *slot = present(p11, id, false, &rv);
        const struct p11_mechanism *mechanism = p11_mechanism(type);
        if (!slot)
                return rv;
        if (!mechanism || !(bits_of(slot) & p11_mechanism_bit(mechanism)))
                return CKR_MECHANISM_INVALID;
        *ret = (CK_MECHANISM_INFO){ .flags = CKF_HW | CKF_SIGN };
        if (mechanism->key == CKK_EC)
                ret->flags |= CKF_EC_F_P | CKF_EC_NAMEDCURVE | CKF_EC_UNCOMPRESS;
        tell_sizes(ret, slot, mechanism);
        return CKR_OK;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* sign.c: signatures. The data goes to mohrd as it is, and mohrd decides.
 *
 * What can be known without the holder is answered first: lengths, buffers, mechanisms, parameters. So each time that
 * a person is asked for a PIN there is room for the signature, and a program that asks for its length asks nobody.
 */
#include "client-sdk/pkcs11/p11.h"

#include "client-sdk/base64.h"
#include "client-sdk/members.h"

#define SIGN_S 210 /* mohrd's own 180, and against a dead one */

/* ---- C_SignInit ---- */

/* Another key of the card may have what this one has not: then it is the key that is wrong, and not the mechanism. */
static CK_RV judge(const struct p11_token *token, const struct p11_key *key,
        const struct p11_mechanism *mechanism)
{
        uint32_t bit = p11_mechanism_bit(mechanism);
        if (mechanism->key != key->type)
                return CKR_KEY_TYPE_INCONSISTENT;
        if (key->mechanisms & bit)
                return CKR_OK;
        for (size_t i = 0; i < token->key_count; i++)
                if (token->keys[i].mechanisms & bit)
                        return CKR_KEY_FUNCTION_NOT_PERMITTED;
        return CKR_MECHANISM_INVALID;
}

static CK_RV begin(struct p11_session *session, const struct p11_token *token,
        const struct p11_key *key, const CK_MECHANISM *asked)
{
        const struct p11_mechanism *mechanism = p11_mechanism(asked->type);
        CK_RV rv = mechanism ? judge(token, key, mechanism) : CKR_MECHANISM_INVALID;
        if (rv != CKR_OK)
                return rv;
        session->signing = calloc(1, sizeof *session->signing);
        if (!session->signing)
                return CKR_HOST_MEMORY;
        session->signing->mechanism = mechanism;
        session->signing->slot = session->slot;
        session->signing->key = *key;
        memcpy(session->signing->card, token->card, sizeof token->card);
        if (mechanism->pss)
                rv = p11_pss_read(session->signing, asked);
        else if (asked->parameter_len > 0)
                rv = CKR_MECHANISM_PARAM_INVALID;
        if (rv != CKR_OK)
                p11_signing_end(session);
        return rv;
}

CK_RV C_SignInit(
        CK_SESSION_HANDLE handle, const CK_MECHANISM *mechanism, CK_OBJECT_HANDLE key_handle)
{
        _cleanup_p11_ struct p11 *p11 = p11_enter();
        if (!p11)
                return CKR_CRYPTOKI_NOT_INITIALIZED;
        p11_notice(p11);
        struct p11_session *session = p11_session(p11, handle);
        if (!session)
                return CKR_SESSION_HANDLE_INVALID;
        if (!mechanism) { /* 3.0: calls off */
                p11_signing_end(session);
                return CKR_OK;
        }
        if (session->signing)
                return CKR_OPERATION_ACTIVE;
        const struct p11_token *token = p11->slots[session->slot].token;
        const struct p11_object *object = p11_object(token, key_handle);
        if (!object)
                return CKR_KEY_HANDLE_INVALID;
        if (object->class != CKO_PRIVATE_KEY)
                return CKR_KEY_TYPE_INCONSISTENT;
        return begin(session, token, &token->keys[object->key], mechanism);
}

CK_RV C_SessionCancel(CK_SESSION_HANDLE handle, CK_FLAGS flags)
{
        _cleanup_p11_ struct p11 *p11 = p11_enter();
        if (!p11)
                return CKR_CRYPTOKI_NOT_INITIALIZED;
        struct p11_session *session = p11_session(p11, handle);
        if (!session)
                return CKR_SESSION_HANDLE_INVALID;
        if (flags & CKF_SIGN)
                p11_signing_end(session);
        return CKR_OK;
}

/* ---- Asking for it ---- */

static json_t *parameters(const struct p11_slot *slot, const struct p11_signing *signing)
{
        const struct p11_mechanism *mechanism = signing->mechanism;
        size_t len = base64_encoded_len(BASE64_STANDARD, signing->len);
        _cleanup_free_ char *data = malloc(len + 1);
        if (!data)
                return NULL;
        base64_encode(BASE64_STANDARD, data, signing->data, signing->len);
        const struct member rows[] = {
                { "card", signing->card },
                { "key", signing->key.id },
                { "mechanism", mechanism->name },
                { "data", data },
                { "hash", signing->pss && !mechanism->hash ? signing->pss->name : NULL },
        };
        json_t *made = members_of(p11_card_parameters(slot), rows, ARRAY_LEN(rows));
        if (made && (!mechanism->pss || json_object_set_new(made, "salt",
                                                json_integer((json_int_t)signing->salt)) == 0))
                return made;
        json_decref(made);
        return NULL;
}

static CK_RV take_signature(const json_t *reply, const struct p11_key *key, CK_BYTE *signature)
{
        CK_ULONG want = p11_signature_len(key);
        uint8_t bytes[P11_SIGNATURE_MAX];
        const char *text = json_string_value(json_object_get(reply, "signature"));
        size_t len = text ? strlen(text) : 0;
        if (len == 0 || len > 2 * sizeof bytes ||
                base64_decode(BASE64_STANDARD, bytes, sizeof bytes, text, len) != (ssize_t)want)
                return CKR_DEVICE_ERROR;
        memcpy(signature, bytes, want);
        return CKR_OK;
}

/* `signing` is the caller's own. */
static CK_RV ask(struct p11 *p11, const struct p11_signing *signing, CK_BYTE *signature)
{
        struct p11_slot *slot = &p11->slots[signing->slot];
        bool settled;
        p11_take_turn(p11);
        _cleanup_turn_ struct p11 *turn = p11;
        int r = p11_talk(p11, slot, "mohr.Keys.Sign", parameters(slot, signing), SIGN_S);
        CK_RV rv = p11_result(r, p11->talk, &settled);
        if (rv == CKR_OK)
                rv = take_signature(client_reply(p11->talk), &signing->key, signature);
        if (rv == CKR_DEVICE_REMOVED && slot->token &&
                strcmp(slot->token->card, signing->card) == 0)
                p11_card_gone(p11, slot);
        return rv;
}

/* ---- C_Sign ---- */

static CK_RV add_data(struct p11_signing *signing, const CK_BYTE *data, CK_ULONG len)
{
        if (len > sizeof signing->data - signing->len)
                return CKR_DATA_LEN_RANGE;
        if (len > 0)
                memcpy(signing->data + signing->len, data, len);
        signing->len += len;
        return CKR_OK;
}

/* What only a mistake could have made so long or so short: nobody is asked for it. */
static bool has_good_length(const struct p11_signing *signing)
{
        const struct p11_mechanism *mechanism = signing->mechanism;
        if (mechanism->hash)
                return true;
        if (signing->pss)
                return signing->len == signing->pss->len;
        size_t most = mechanism->key == CKK_RSA ? p11_signature_len(&signing->key) - 11 : 64;
        return signing->len > 0 && signing->len <= most;
}

/* Takes the operation out of the session, which may be gone when the holder has answered. */
static CK_RV sign(struct p11 *p11, struct p11_session *session, CK_BYTE *signature, CK_ULONG *len)
{
        struct p11_signing *signing = session->signing;
        CK_ULONG want = p11_signature_len(&signing->key);
        session->signing = NULL;
        CK_RV rv = has_good_length(signing) ? ask(p11, signing, signature) : CKR_DATA_LEN_RANGE;
        if (rv == CKR_OK)
                *len = want;
        explicit_bzero(signing, sizeof *signing);
        free(signing);
        return rv;
}

/* True if there is room for the signature, or else what to answer: its length is told, and the operation goes on. */
static bool has_room(
        const struct p11_signing *signing, const CK_BYTE *signature, CK_ULONG *len, CK_RV *ret_rv)
{
        CK_ULONG room = *len;
        *len = p11_signature_len(&signing->key);
        *ret_rv = signature ? CKR_BUFFER_TOO_SMALL : CKR_OK;
        return signature && room >= *len;
}

CK_RV C_Sign(CK_SESSION_HANDLE handle, const CK_BYTE *data, CK_ULONG data_len, CK_BYTE *signature,
        CK_ULONG *signature_len)
{
        _cleanup_p11_ struct p11 *p11 = p11_enter();
        if (!p11)
                return CKR_CRYPTOKI_NOT_INITIALIZED;
        p11_notice(p11);
        struct p11_session *session = p11_session(p11, handle);
        if (!session || !session->signing)
                return session ? CKR_OPERATION_NOT_INITIALIZED : CKR_SESSION_HANDLE_INVALID;
        if (!signature_len || (!data && data_len > 0))
                return CKR_ARGUMENTS_BAD;
        if (session->signing->several)
                return CKR_OPERATION_ACTIVE;
        CK_RV rv;
        if (!has_room(session->signing, signature, signature_len, &rv))
                return rv;
        rv = add_data(session->signing, data, data_len);
        if (rv == CKR_OK)
                return sign(p11, session, signature, signature_len);
        p11_signing_end(session);
        return rv;
}

CK_RV C_SignUpdate(CK_SESSION_HANDLE handle, const CK_BYTE *data, CK_ULONG data_len)
{
        _cleanup_p11_ struct p11 *p11 = p11_enter();
        if (!p11)
                return CKR_CRYPTOKI_NOT_INITIALIZED;
        struct p11_session *session = p11_session(p11, handle);
        if (!session || !session->signing)
                return session ? CKR_OPERATION_NOT_INITIALIZED : CKR_SESSION_HANDLE_INVALID;
        if (!data && data_len > 0)
                return CKR_ARGUMENTS_BAD;
        session->signing->several = true;
        CK_RV rv = add_data(session->signing, data, data_len);
        if (rv != CKR_OK)
                p11_signing_end(session);
        return rv;
}

CK_RV C_SignFinal(CK_SESSION_HANDLE handle, CK_BYTE *signature, CK_ULONG *signature_len)
{
        _cleanup_p11_ struct p11 *p11 = p11_enter();
        if (!p11)
                return CKR_CRYPTOKI_NOT_INITIALIZED;
        p11_notice(p11);
        struct p11_session *session = p11_session(p11, handle);
        if (!session || !session->signing)
                return session ? CKR_OPERATION_NOT_INITIALIZED : CKR_SESSION_HANDLE_INVALID;
        if (!signature_len)
                return CKR_ARGUMENTS_BAD;
        CK_RV rv;
        if (!has_room(session->signing, signature, signature_len, &rv))
                return rv;
        return sign(p11, session, signature, signature_len);
}

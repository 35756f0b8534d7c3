/* SPDX-License-Identifier: Apache-2.0 */
/* find.c: searching objects and reading their attributes. What a search finds is what there was when it began. */
#include "client-sdk/pkcs11/p11.h"

/* ---- Searching ---- */

static bool is_good(const CK_ATTRIBUTE *template, CK_ULONG count)
{
        for (CK_ULONG i = 0; template && i < count; i++)
                if (!template[i].value && template[i].len > 0)
                        return false;
        return template || count == 0;
}

static CK_RV find(struct p11_session *session, const struct p11_token *token,
        const CK_ATTRIBUTE *template, CK_ULONG count)
{
        size_t all = 0;
        for (const struct p11_object *o = token ? token->objects : NULL; o; o = o->next)
                all++;
        session->found = calloc(all + 1, sizeof *session->found);
        if (!session->found)
                return CKR_HOST_MEMORY;
        session->found_count = session->found_at = 0;
        for (const struct p11_object *o = token ? token->objects : NULL; o; o = o->next)
                if (p11_object_matches(o, template, count))
                        session->found[session->found_count++] = o->handle;
        session->finding = true;
        return CKR_OK;
}

CK_RV C_FindObjectsInit(CK_SESSION_HANDLE handle, CK_ATTRIBUTE *template, CK_ULONG count)
{
        _cleanup_p11_ struct p11 *p11 = p11_enter();
        if (!p11)
                return CKR_CRYPTOKI_NOT_INITIALIZED;
        if (!is_good(template, count))
                return CKR_ARGUMENTS_BAD;
        p11_notice(p11);
        struct p11_session *session = p11_session(p11, handle);
        if (!session || session->finding)
                return session ? CKR_OPERATION_ACTIVE : CKR_SESSION_HANDLE_INVALID;
        struct p11_slot *slot = &p11->slots[session->slot];
        if (!slot->asked && p11_interest(template, count) == P11_ASK) {
                CK_RV rv = p11_list(p11, session->slot);
                session = p11_session(p11, handle);
                if (rv != CKR_OK || !session)
                        return rv != CKR_OK ? rv : CKR_DEVICE_REMOVED;
                if (session->finding)
                        return CKR_OPERATION_ACTIVE;
        }
        return find(session, slot->token, template, count);
}

CK_RV C_FindObjects(CK_SESSION_HANDLE handle, CK_OBJECT_HANDLE *ret, CK_ULONG max, CK_ULONG *count)
{
        _cleanup_p11_ struct p11 *p11 = p11_enter();
        if (!p11)
                return CKR_CRYPTOKI_NOT_INITIALIZED;
        struct p11_session *session = p11_session(p11, handle);
        if (!session || !session->finding)
                return session ? CKR_OPERATION_NOT_INITIALIZED : CKR_SESSION_HANDLE_INVALID;
        if (!count || (!ret && max > 0))
                return CKR_ARGUMENTS_BAD;
        size_t some = base_min(max, session->found_count - session->found_at);
        if (some > 0)
                memcpy(ret, session->found + session->found_at, some * sizeof *ret);
        session->found_at += some;
        *count = some;
        return CKR_OK;
}

CK_RV C_FindObjectsFinal(CK_SESSION_HANDLE handle)
{
        _cleanup_p11_ struct p11 *p11 = p11_enter();
        if (!p11)
                return CKR_CRYPTOKI_NOT_INITIALIZED;
        struct p11_session *session = p11_session(p11, handle);
        if (!session || !session->finding)
                return session ? CKR_OPERATION_NOT_INITIALIZED : CKR_SESSION_HANDLE_INVALID;
        session->finding = false;
        free(session->found);
        session->found = NULL;
        return CKR_OK;
}

/* ---- Attributes ---- */

/* The chip's own: there is such a thing, and it is told to nobody. CKA_PRIVATE_EXPONENT to CKA_COEFFICIENT are an RSA key's numbers. */
static bool is_secret(const struct p11_object *object, CK_ATTRIBUTE_TYPE type)
{
        return object->class == CKO_PRIVATE_KEY &&
               (type == CKA_VALUE || (type >= CKA_PRIVATE_EXPONENT && type <= CKA_COEFFICIENT));
}

static CK_RV tell(const struct p11_object *object, CK_ATTRIBUTE *asked)
{
        const struct p11_row *row = p11_attribute(object, asked->type);
        CK_ULONG room = asked->len;
        asked->len = CK_UNAVAILABLE_INFORMATION;
        if (!row)
                return is_secret(object, asked->type) ? CKR_ATTRIBUTE_SENSITIVE
                                                      : CKR_ATTRIBUTE_TYPE_INVALID;
        if (asked->value && room < row->len)
                return CKR_BUFFER_TOO_SMALL;
        if (asked->value && row->len > 0)
                memcpy(asked->value, object->bytes + row->at, row->len);
        asked->len = row->len;
        return CKR_OK;
}

/* All of them are told as far as they can be; the first that cannot names the answer (2.40, 5.7). */
CK_RV C_GetAttributeValue(CK_SESSION_HANDLE handle, CK_OBJECT_HANDLE object_handle,
        CK_ATTRIBUTE *template, CK_ULONG count)
{
        _cleanup_p11_ struct p11 *p11 = p11_enter();
        if (!p11)
                return CKR_CRYPTOKI_NOT_INITIALIZED;
        if (!template && count > 0)
                return CKR_ARGUMENTS_BAD;
        p11_notice(p11);
        const struct p11_session *session = p11_session(p11, handle);
        const struct p11_object *object =
                session ? p11_object(p11->slots[session->slot].token, object_handle) : NULL;
        if (!object)
                return session ? CKR_OBJECT_HANDLE_INVALID : CKR_SESSION_HANDLE_INVALID;
        CK_RV rv = CKR_OK;
        for (CK_ULONG i = 0; i < count; i++) {
                CK_RV one = tell(object, &template[i]);
                if (rv == CKR_OK)
                        rv = one;
        }
        return rv;
}

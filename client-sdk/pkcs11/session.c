/* SPDX-License-Identifier: Apache-2.0 */
/* session.c: sessions, and a login that changes nothing.
 *
 * The holder types the PIN where mohrd asks for it, for each signature. So C_Login without a PIN is good, and C_Login with one is
 * refused before it is looked at: CKR_ARGUMENTS_BAD, which no program takes for a wrong PIN and asks for another, as
 * they do with CKR_PIN_INCORRECT. A PIN of a prompt that is not ours is neither kept nor passed on.
 *
 * A read-write session of a write-protected token is refused by the book (2.40, 5.6). OpenSSH opens no other kind,
 * so it is opened, and nothing can be written in it.
 */
#include "client-sdk/pkcs11/p11.h"

struct p11_session *p11_session(struct p11 *p11, CK_SESSION_HANDLE handle)
{
        struct p11_session *session = p11->sessions;
        while (session && session->handle != handle)
                session = session->next;
        return session;
}

void p11_signing_end(struct p11_session *session)
{
        if (session && session->signing) {
                explicit_bzero(session->signing, sizeof *session->signing);
                free(session->signing);
                session->signing = NULL;
        }
}

static bool all_of_slot(const struct p11_session *session, CK_ULONG number)
{
        return session->slot == number;
}

static bool this_one(const struct p11_session *session, CK_ULONG number)
{
        return session->handle == number;
}

/* How many there were. */
static size_t close_those(struct p11 *p11,
        bool (*which)(const struct p11_session *session, CK_ULONG number), CK_ULONG number)
{
        size_t closed = 0;
        for (struct p11_session **at = &p11->sessions; *at;) {
                struct p11_session *session = *at;
                if (!which(session, number)) {
                        at = &session->next;
                        continue;
                }
                *at = session->next;
                p11_signing_end(session);
                free(session->found);
                free(session);
                p11->session_count--;
                closed++;
        }
        return closed;
}

static bool has_sessions(const struct p11 *p11, CK_SLOT_ID slot)
{
        const struct p11_session *session = p11->sessions;
        while (session && session->slot != slot)
                session = session->next;
        return session != NULL;
}

void p11_sessions_close(struct p11 *p11, CK_SLOT_ID slot)
{
        close_those(p11, all_of_slot, slot);
        p11->slots[slot].logged_in = false;
}

/* ---- Opening and closing ---- */

static CK_RV open_session(struct p11 *p11, CK_SLOT_ID id, CK_FLAGS flags, CK_SESSION_HANDLE *ret)
{
        CK_RV rv = p11_refresh(p11);
        const struct p11_slot *slot = rv == CKR_OK ? p11_slot(p11, id) : NULL;
        if (!slot || !slot->present)
                return rv != CKR_OK ? rv : slot ? CKR_TOKEN_NOT_PRESENT : CKR_SLOT_ID_INVALID;
        if (p11->session_count == P11_SESSIONS_MAX)
                return CKR_SESSION_COUNT;
        struct p11_session *session = calloc(1, sizeof *session);
        if (!session)
                return CKR_HOST_MEMORY;
        session->handle = ++p11->last_handle;
        session->slot = id;
        session->flags = flags;
        session->next = p11->sessions;
        p11->sessions = session;
        p11->session_count++;
        *ret = session->handle;
        return CKR_OK;
}

CK_RV C_OpenSession(CK_SLOT_ID slot, CK_FLAGS flags, void *application, CK_NOTIFY *notify,
        CK_SESSION_HANDLE *ret)
{
        (void)application;
        (void)notify; /* nothing of what it would be called for happens */
        _cleanup_p11_ struct p11 *p11 = p11_enter();
        if (!p11)
                return CKR_CRYPTOKI_NOT_INITIALIZED;
        if (!ret)
                return CKR_ARGUMENTS_BAD;
        if (!(flags & CKF_SERIAL_SESSION))
                return CKR_SESSION_PARALLEL_NOT_SUPPORTED;
        return open_session(p11, slot, flags & (CKF_SERIAL_SESSION | CKF_RW_SESSION), ret);
}

CK_RV C_CloseSession(CK_SESSION_HANDLE handle)
{
        _cleanup_p11_ struct p11 *p11 = p11_enter();
        if (!p11)
                return CKR_CRYPTOKI_NOT_INITIALIZED;
        const struct p11_session *session = p11_session(p11, handle);
        if (!session)
                return CKR_SESSION_HANDLE_INVALID;
        CK_SLOT_ID slot = session->slot;
        close_those(p11, this_one, handle);
        if (!has_sessions(p11, slot))
                p11->slots[slot].logged_in = false;
        return CKR_OK;
}

CK_RV C_CloseAllSessions(CK_SLOT_ID slot)
{
        _cleanup_p11_ struct p11 *p11 = p11_enter();
        if (!p11)
                return CKR_CRYPTOKI_NOT_INITIALIZED;
        if (!p11_slot(p11, slot))
                return CKR_SLOT_ID_INVALID;
        p11_sessions_close(p11, slot);
        return CKR_OK;
}

CK_RV C_GetSessionInfo(CK_SESSION_HANDLE handle, CK_SESSION_INFO *ret)
{
        static const CK_ULONG states[2][2] = {
                { CKS_RO_PUBLIC_SESSION, CKS_RO_USER_FUNCTIONS },
                { CKS_RW_PUBLIC_SESSION, CKS_RW_USER_FUNCTIONS },
        };
        _cleanup_p11_ struct p11 *p11 = p11_enter();
        if (!p11)
                return CKR_CRYPTOKI_NOT_INITIALIZED;
        p11_notice(p11);
        const struct p11_session *session = p11_session(p11, handle);
        if (!session)
                return CKR_SESSION_HANDLE_INVALID;
        if (!ret)
                return CKR_ARGUMENTS_BAD;
        bool writes = session->flags & CKF_RW_SESSION;
        *ret = (CK_SESSION_INFO){ .slot = session->slot,
                .flags = session->flags,
                .state = states[writes][p11->slots[session->slot].logged_in] };
        return CKR_OK;
}

/* ---- Login ---- */

static CK_RV log_in(struct p11_slot *slot, CK_USER_TYPE user, bool pin)
{
        if (user != CKU_USER && user != CKU_CONTEXT_SPECIFIC)
                return CKR_USER_TYPE_INVALID;
        if (pin)
                return CKR_ARGUMENTS_BAD;
        if (user == CKU_USER && slot->logged_in)
                return CKR_USER_ALREADY_LOGGED_IN;
        slot->logged_in |= user == CKU_USER;
        return CKR_OK;
}

CK_RV C_Login(CK_SESSION_HANDLE handle, CK_USER_TYPE user, const CK_UTF8CHAR *pin, CK_ULONG pin_len)
{
        _cleanup_p11_ struct p11 *p11 = p11_enter();
        if (!p11)
                return CKR_CRYPTOKI_NOT_INITIALIZED;
        p11_notice(p11);
        const struct p11_session *session = p11_session(p11, handle);
        if (!session)
                return CKR_SESSION_HANDLE_INVALID;
        return log_in(&p11->slots[session->slot], user, pin && pin_len > 0);
}

CK_RV C_Logout(CK_SESSION_HANDLE handle)
{
        _cleanup_p11_ struct p11 *p11 = p11_enter();
        if (!p11)
                return CKR_CRYPTOKI_NOT_INITIALIZED;
        const struct p11_session *session = p11_session(p11, handle);
        if (!session)
                return CKR_SESSION_HANDLE_INVALID;
        struct p11_slot *slot = &p11->slots[session->slot];
        if (!slot->logged_in)
                return CKR_USER_NOT_LOGGED_IN;
        slot->logged_in = false;
        return CKR_OK;
}

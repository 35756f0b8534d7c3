/* SPDX-License-Identifier: Apache-2.0 */
/* slots.c: what is told of slots and tokens without asking anybody. A token's serial number is made of the reader's name,
 * since the card's own would tell who is present.
 *
 * No CKF_HW_SLOT: NSS reads all certificates of a "hardware" slot when it looks for anybody's issuer, so that a browser would
 * ask the holder at its first page. No CKF_LOGIN_REQUIRED: nothing is to be had by C_Login (session.c).
 */
#include "client-sdk/pkcs11/p11.h"

#include "base/text.h"

#include <stdio.h>

CK_RV C_GetSlotList(CK_BBOOL present, CK_SLOT_ID *ret, CK_ULONG *count)
{
        _cleanup_p11_ struct p11 *p11 = p11_enter();
        if (!p11)
                return CKR_CRYPTOKI_NOT_INITIALIZED;
        if (!count)
                return CKR_ARGUMENTS_BAD;
        /* Between the question how many and the question which ones, nothing is to change. */
        CK_RV rv = ret && p11->pictured ? CKR_OK : p11_refresh(p11);
        CK_ULONG room = *count, found = 0;
        for (CK_SLOT_ID id = 0; rv == CKR_OK && id < p11->slot_count; id++) {
                if (!p11->slots[id].listed || (present && !p11->slots[id].present))
                        continue;
                if (ret && found < room)
                        ret[found] = id;
                found++;
        }
        if (rv != CKR_OK)
                return rv;
        *count = found;
        return ret && found > room ? CKR_BUFFER_TOO_SMALL : CKR_OK;
}

/* The slot as it is now; NULL and *ret_rv: there is none. */
static struct p11_slot *look(struct p11 *p11, CK_SLOT_ID id, CK_RV *ret_rv)
{
        *ret_rv = p11_refresh(p11);
        struct p11_slot *slot = *ret_rv == CKR_OK ? p11_slot(p11, id) : NULL;
        if (*ret_rv == CKR_OK && !slot)
                *ret_rv = CKR_SLOT_ID_INVALID;
        return slot;
}

CK_RV C_GetSlotInfo(CK_SLOT_ID id, CK_SLOT_INFO *ret)
{
        _cleanup_p11_ struct p11 *p11 = p11_enter();
        if (!p11)
                return CKR_CRYPTOKI_NOT_INITIALIZED;
        if (!ret)
                return CKR_ARGUMENTS_BAD;
        CK_RV rv;
        const struct p11_slot *slot = look(p11, id, &rv);
        if (!slot)
                return rv;
        *ret = (CK_SLOT_INFO){ .flags = CKF_REMOVABLE_DEVICE };
        if (slot->present)
                ret->flags |= CKF_TOKEN_PRESENT;
        p11_pad(ret->description, sizeof ret->description, slot->name);
        p11_pad(ret->manufacturer, sizeof ret->manufacturer, "Mohr");
        return CKR_OK;
}

/* NSS takes what stands before a colon for the token of a certificate's name. */
static void pad_label(CK_TOKEN_INFO *ret, const struct p11_slot *slot)
{
        char label[P11_NAME_MAX + 8], clean[P11_NAME_MAX + 8];
        snprintf(label, sizeof label, "Mohr %s", slot->name);
        text_sanitize(clean, sizeof clean, label, sizeof clean);
        for (char *c = clean; *c; c++)
                if (*c == ':')
                        *c = '-';
        p11_pad(ret->label, sizeof ret->label, clean);
}

/* A number that tells readers apart, and is the same tomorrow: FNV-1a of the name. */
static void pad_serial(CK_TOKEN_INFO *ret, const struct p11_slot *slot)
{
        uint64_t hash = 0xCBF29CE484222325;
        char serial[17];
        for (const char *c = slot->name; *c; c++)
                hash = (hash ^ (uint8_t)*c) * 0x100000001B3;
        snprintf(serial, sizeof serial, "%016llX", (unsigned long long)hash);
        p11_pad(ret->serial_number, sizeof ret->serial_number, serial);
}

static void count_sessions(const struct p11 *p11, CK_SLOT_ID id, CK_TOKEN_INFO *ret)
{
        for (const struct p11_session *s = p11->sessions; s; s = s->next) {
                ret->session_count += s->slot == id;
                ret->rw_session_count += s->slot == id && s->flags & CKF_RW_SESSION;
        }
}

CK_RV C_GetTokenInfo(CK_SLOT_ID id, CK_TOKEN_INFO *ret)
{
        _cleanup_p11_ struct p11 *p11 = p11_enter();
        if (!p11)
                return CKR_CRYPTOKI_NOT_INITIALIZED;
        if (!ret)
                return CKR_ARGUMENTS_BAD;
        CK_RV rv;
        const struct p11_slot *slot = look(p11, id, &rv);
        if (!slot || !slot->present)
                return slot ? CKR_TOKEN_NOT_PRESENT : rv;
        *ret = (CK_TOKEN_INFO){
                .flags = CKF_TOKEN_INITIALIZED | CKF_PROTECTED_AUTHENTICATION_PATH |
                         CKF_WRITE_PROTECTED | CKF_USER_PIN_INITIALIZED,
                .max_session_count = P11_SESSIONS_MAX,
                .max_rw_session_count = P11_SESSIONS_MAX,
                .max_pin_len = 8,
                .min_pin_len = 4,
                .total_public_memory = CK_UNAVAILABLE_INFORMATION,
                .free_public_memory = CK_UNAVAILABLE_INFORMATION,
                .total_private_memory = CK_UNAVAILABLE_INFORMATION,
                .free_private_memory = CK_UNAVAILABLE_INFORMATION,
        };
        pad_label(ret, slot);
        pad_serial(ret, slot);
        count_sessions(p11, id, ret);
        p11_pad(ret->manufacturer, sizeof ret->manufacturer, "Mohr");
        p11_pad(ret->model, sizeof ret->model, slot->simulated ? "simulated card" : "smart card");
        p11_pad(ret->utc_time, sizeof ret->utc_time, "");
        return CKR_OK;
}

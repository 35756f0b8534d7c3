/* SPDX-License-Identifier: Apache-2.0 */
/* events.c: C_WaitForSlotEvent. What waits is a watch on a connection of its own, which C_Finalize cuts.
 *
 * An event is a reader or a card that came or went since somebody was told; the first picture is none. Without mohrd there is nothing
 * to wait for, and a program that would ask again at once is told that it failed.
 */
#include "client-sdk/pkcs11/p11.h"

static bool take_event(struct p11 *p11, CK_SLOT_ID *ret)
{
        for (CK_SLOT_ID id = 0; id < p11->slot_count; id++)
                if (p11->slots[id].event) {
                        p11->slots[id].event = false;
                        *ret = id;
                        return true;
                }
        return false;
}

struct waiting {
        struct p11 *p11;
        CK_SLOT_ID *ret;
};

/* From client_await(), with nothing locked. */
static int on_change(void *user, struct mohr_client *client)
{
        const struct waiting *waiting = user;
        p11_relock(waiting->p11);
        p11_picture(waiting->p11, client_reply(client));
        bool found = !waiting->p11->ending && take_event(waiting->p11, waiting->ret);
        p11_unlock(waiting->p11);
        return found ? -EALREADY : 0;
}

static CK_RV wait_for_event(struct p11 *p11, CK_SLOT_ID *ret)
{
        struct waiting waiting = { p11, ret };
        struct mohr_client *client = NULL;
        int r = p11_watch(p11, &client);
        if (r == 0 && take_event(p11, ret))
                r = -EALREADY;
        if (r == 0) {
                p11_unlock(p11);
                r = client_await(client, WIRE_FOR_EVER, on_change, &waiting);
                p11_relock(p11);
        }
        p11_hang_up(p11, client);
        if (p11->ending || r == -ECANCELED)
                return CKR_CRYPTOKI_NOT_INITIALIZED;
        return r == -EALREADY ? CKR_OK : r == -ENOMEM ? CKR_HOST_MEMORY : CKR_FUNCTION_FAILED;
}

CK_RV C_WaitForSlotEvent(CK_FLAGS flags, CK_SLOT_ID *ret, void *reserved)
{
        _cleanup_p11_ struct p11 *p11 = p11_enter();
        if (!p11)
                return CKR_CRYPTOKI_NOT_INITIALIZED;
        if (!ret || reserved)
                return CKR_ARGUMENTS_BAD;
        if (take_event(p11, ret))
                return CKR_OK;
        if (!(flags & CKF_DONT_BLOCK))
                return wait_for_event(p11, ret);
        CK_RV rv = p11_refresh(p11);
        if (rv != CKR_OK)
                return rv;
        return take_event(p11, ret) ? CKR_OK : CKR_NO_EVENT;
}

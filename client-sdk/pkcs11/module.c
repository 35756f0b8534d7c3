/* SPDX-License-Identifier: Apache-2.0 */
/* module.c: C_Initialize, C_Finalize, and the one object behind the interface.
 *
 * PKCS#11's functions are given no object to work on, so there is one of the module's own: the only state of Mohr that is global. It
 * belongs to the process that initialised it. In a forked one every call is answered CKR_CRYPTOKI_NOT_INITIALIZED (2.40, 5.4,
 * "fork"), and C_Initialize begins from nothing: what the parent had is left as it is, but for its sockets, which are closed and not
 * shut down. Memory of the parent's is not given back there: one of its threads may have been in the middle of it.
 *
 * C_Finalize ends what other threads wait for, waits until they have left, and lets go of everything. No thread is ever started.
 */
#include "client-sdk/pkcs11/p11.h"

#include <sched.h>
#include <sys/stat.h>

static struct p11 module;

struct p11 *p11_enter(void)
{
        if (atomic_load(&module.ready) != getpid())
                return NULL;
        p11_relock(&module);
        if (module.ending) {
                p11_unlock(&module);
                return NULL;
        }
        module.inside++;
        return &module;
}

void p11_leave(struct p11 *p11)
{
        bool tell = p11->ending;
        p11->inside--;
        p11_unlock(p11);
        if (tell)
                sem_post(&p11->left);
}

/* ---- C_Initialize ---- */

/* The parent goes on with them; a descriptor here would keep mohrd from seeing it hang up. One that was closed since, and whose
 * number is another file's, is not ours any more. */
static void forget_parents(struct p11 *p11)
{
        struct stat st;
        for (size_t i = 0; i < P11_CALLS_MAX; i++) {
                int fd = p11->lines[i].client ? mohr_client_fd(p11->lines[i].client) : -1;
                if (fd >= 0 && fstat(fd, &st) == 0 && S_ISSOCK(st.st_mode) &&
                        st.st_ino == p11->lines[i].socket)
                        close(fd);
        }
}

/* One thread of those that come at once is the one that does it; the others wait for that. False: it was done. */
static bool claim(struct p11 *p11, pid_t *ret_was)
{
        pid_t self = getpid();
        for (;;) {
                pid_t was = atomic_load(&p11->claimed);
                if (was == self && atomic_load(&p11->ready) == self)
                        return false;
                *ret_was = was;
                if (was != self && atomic_compare_exchange_strong(&p11->claimed, &was, self))
                        return true;
                sched_yield();
        }
}

static CK_RV begin(struct p11 *p11, const CK_C_INITIALIZE_ARGS *args)
{
        struct p11_lock state = { 0 };
        memset(p11->lines, 0, sizeof p11->lines);
        memset(p11->slots, 0, sizeof p11->slots);
        p11->state = p11->turn = state;
        p11->talk = p11->watch = NULL;
        p11->sessions = NULL;
        p11->ending = p11->pictured = false;
        p11->inside = p11->slot_count = p11->session_count = 0;
        p11->last_handle = 0;
        return sem_init(&p11->left, 0, 0) == 0 ? p11_locks_make(p11, args) : CKR_GENERAL_ERROR;
}

CK_RV C_Initialize(void *args)
{
        pid_t was;
        if (!claim(&module, &was))
                return CKR_CRYPTOKI_ALREADY_INITIALIZED;
        if (was != 0)
                forget_parents(&module);
        CK_RV rv = begin(&module, args);
        if (rv != CKR_OK)
                atomic_store(&module.claimed, 0);
        else
                atomic_store(&module.ready, getpid());
        return rv;
}

/* ---- C_Finalize ---- */

static void let_go(struct p11 *p11)
{
        for (CK_SLOT_ID id = 0; id < p11->slot_count; id++)
                p11_card_gone(p11, &p11->slots[id]);
        p11_hang_up(p11, p11->talk);
        p11_hang_up(p11, p11->watch);
        p11_locks_end(p11);
        sem_destroy(&p11->left);
}

CK_RV C_Finalize(void *reserved)
{
        if (reserved)
                return CKR_ARGUMENTS_BAD;
        struct p11 *p11 = p11_enter();
        if (!p11)
                return CKR_CRYPTOKI_NOT_INITIALIZED;
        p11->ending = true;
        size_t others = p11->inside - 1;
        for (size_t i = 0; i < P11_CALLS_MAX; i++)
                if (p11->lines[i].client)
                        mohr_client_cancel(p11->lines[i].client);
        atomic_store(&p11->ready, 0);
        p11_unlock(p11);
        for (; others > 0; others--)
                while (sem_wait(&p11->left) < 0 && errno == EINTR)
                        ;
        let_go(p11);
        atomic_store(&p11->claimed, 0);
        return CKR_OK;
}

/* ---- What is asked of no card ---- */

void p11_pad(CK_UTF8CHAR *dst, size_t cap, const char *text)
{
        size_t len = strlen(text);
        while (len > cap)
                do
                        len--;
                while (len > 0 && ((uint8_t)text[len] & 0xC0) == 0x80);
        memset(dst, ' ', cap);
        memcpy(dst, text, len);
}

CK_RV C_GetInfo(CK_INFO *ret)
{
        _cleanup_p11_ struct p11 *p11 = p11_enter();
        if (!p11)
                return CKR_CRYPTOKI_NOT_INITIALIZED;
        if (!ret)
                return CKR_ARGUMENTS_BAD;
        unsigned long major = strtoul(MOHR_VERSION, NULL, 10);
        const char *dot = strchr(MOHR_VERSION, '.');
        *ret = (CK_INFO){ .cryptoki_version = { 2, 40 },
                .library_version = {
                        (CK_BYTE)major, (CK_BYTE)(dot ? strtoul(dot + 1, NULL, 10) : 0) } };
        p11_pad(ret->manufacturer, sizeof ret->manufacturer, "Mohr");
        p11_pad(ret->library_description, sizeof ret->library_description,
                "Smart cards through mohrd");
        return CKR_OK;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* pcsc_watch.c: all readers of pcscd, told once and then on every change.
 *
 * Nothing polls: pcscd is asked to answer when a reader or card comes or goes (for readers, through
 * PC/SC's pseudo reader "\\?PnP?\Notification"). The wait is bounded all the same: a reader that
 * appears between the listing and the start of the wait goes unnoticed by libpcsclite 1.9.9, so
 * after a change the list is read again a second later, and then once a minute, when libpcsclite's
 * own "infinite" wait would wake up anyway. That a program took a reader for itself or gave it back
 * is not announced either (1.9.9): it is noticed when the list is read for another reason, and as
 * long as a reader is held, once a second; whether a card can be had now, only BEGIN tells. When pcscd has all the readers it can have, the pseudo
 * reader is left out: nothing can come, and libpcsclite refuses to wait for one more than that.
 *
 * A missing pcscd and one that dies look alike from here (READER_SERVICE); one that denies this user,
 * as it does with polkit for those who do not sit at the screen, says so (POLICY). It does so at the first word; libpcsclite
 * says the same of a pcscd that dies before it answers, so that later it means nothing else. The watcher reports
 * either once and ends, and mohrd starts another with growing delay.
 */
#include "drivers/pcsc.h"

#include "base/text.h"

#define PNP_READER "\\\\?PnP?\\Notification"
#define SETTLE_MS  1000
#define QUIET_MS   60000

struct pcsc_watch {
        SCARDCONTEXT context;
        LONG opened; /* what establishing the context said */
        char names[DRIVER_READERS_MAX * MAX_READERNAME + 1];
        SCARD_READERSTATE states[DRIVER_READERS_MAX + 1]; /* the last in use is PNP_READER */
        size_t count;
        struct driver_reader last[DRIVER_READERS_MAX]; /* as reported */
        size_t last_count;
        bool reported, settled, held;
        uint16_t appearances; /* readers seen to appear so far */
};

int pcsc_watch_open(void **ret_watch, const char *const *options)
{
        if (pcsc_options(options) < 0)
                return -EINVAL;
        struct pcsc_watch *watch = calloc(1, sizeof *watch);
        if (!watch)
                return -ENOMEM;
        watch->opened = SCardEstablishContext(SCARD_SCOPE_SYSTEM, NULL, NULL, &watch->context);
        *ret_watch = watch;
        return 0;
}

static bool usable(const char *name)
{
        size_t len = strlen(name);
        return len < sizeof((struct driver_reader *)0)->name && text_utf8_valid(name, len);
}

/* Fills states[] with the readers there are now, nothing known about them, and the pseudo reader. */
static LONG list(struct pcsc_watch *watch)
{
        DWORD len = sizeof watch->names;
        memset(watch->names, 0, sizeof watch->names);
        memset(watch->states, 0, sizeof watch->states);
        watch->count = 0;
        LONG rv = SCardListReaders(watch->context, NULL, watch->names, &len);
        if (rv != SCARD_S_SUCCESS && rv != SCARD_E_NO_READERS_AVAILABLE)
                return rv;
        for (const char *name = watch->names; *name && watch->count < DRIVER_READERS_MAX;
                name += strlen(name) + 1)
                if (usable(name))
                        watch->states[watch->count++].szReader = name;
        watch->states[watch->count].szReader = PNP_READER;
        return SCARD_S_SUCCESS;
}

static LONG look(struct pcsc_watch *watch)
{
        LONG rv = list(watch);
        if (rv != SCARD_S_SUCCESS || watch->count == 0)
                return rv;
        rv = SCardGetStatusChange(watch->context, 0, watch->states, watch->count);
        return rv == SCARD_E_TIMEOUT ? SCARD_S_SUCCESS : rv;
}

static uint32_t events_of(struct pcsc_watch *watch, const SCARD_READERSTATE *state)
{
        uint32_t insertions = (uint32_t)(state->dwEventState >> 16 & 0xffff);
        for (size_t i = 0; i < watch->last_count; i++)
                if (strcmp(watch->last[i].name, state->szReader) == 0)
                        return (watch->last[i].events & 0xffff0000) | insertions;
        return (uint32_t)++watch->appearances << 16 | insertions;
}

static void describe(
        struct pcsc_watch *watch, const SCARD_READERSTATE *state, struct driver_reader *ret)
{
        memcpy(ret->name, state->szReader, strlen(state->szReader) + 1); /* usable() bounds it */
        ret->present = (state->dwEventState & SCARD_STATE_PRESENT) != 0 &&
                       (state->dwEventState & SCARD_STATE_MUTE) == 0;
        ret->busy = (state->dwEventState & SCARD_STATE_EXCLUSIVE) != 0;
        ret->events = events_of(watch, state);
        ret->atr_len = ret->present ? base_min(state->cbAtr, sizeof ret->atr) : 0;
        memcpy(ret->atr, state->rgbAtr, ret->atr_len);
}

/* True if there is something to report; both arrays are zeroed where unused, so bytes decide. */
static bool changed(struct pcsc_watch *watch)
{
        struct driver_reader now[DRIVER_READERS_MAX];
        memset(now, 0, sizeof now);
        watch->held = false;
        for (size_t i = 0; i < watch->count; i++) {
                describe(watch, &watch->states[i], &now[i]);
                watch->held |= now[i].busy;
        }
        if (watch->reported && watch->last_count == watch->count &&
                memcmp(now, watch->last, sizeof now) == 0)
                return false;
        memcpy(watch->last, now, sizeof now);
        watch->last_count = watch->count;
        watch->reported = true;
        watch->settled = false;
        return true;
}

static LONG wait_for_change(struct pcsc_watch *watch)
{
        for (size_t i = 0; i < watch->count; i++)
                watch->states[i].dwCurrentState =
                        watch->states[i].dwEventState & ~(DWORD)SCARD_STATE_CHANGED;
        size_t watched = base_min(watch->count + 1, PCSCLITE_MAX_READERS_CONTEXTS);
        DWORD wait_ms = watch->settled && !watch->held ? QUIET_MS : SETTLE_MS;
        LONG rv = SCardGetStatusChange(watch->context, wait_ms, watch->states, watched);
        watch->settled = rv == SCARD_E_TIMEOUT;
        return rv == SCARD_E_TIMEOUT ? SCARD_S_SUCCESS : rv;
}

int pcsc_watch(void *opaque, struct driver_reader *ret, size_t *ret_count)
{
        struct pcsc_watch *watch = opaque;
        LONG rv = watch->opened;
        while (rv == SCARD_S_SUCCESS || rv == SCARD_E_UNKNOWN_READER) {
                rv = look(watch);
                if (rv == SCARD_S_SUCCESS && changed(watch)) {
                        memcpy(ret, watch->last, sizeof watch->last);
                        *ret_count = watch->last_count;
                        return 0;
                }
                if (rv == SCARD_S_SUCCESS)
                        rv = wait_for_change(watch);
        }
        if (watch->opened == SCARD_W_SECURITY_VIOLATION || watch->opened == SCARD_E_NO_ACCESS)
                return OUTCOME_POLICY;
        int r = pcsc_outcome(rv, PCSC_BEGIN);
        return r < 0 ? r : OUTCOME_READER_SERVICE;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* pcsc.c: one reader behind pcscd, through libpcsclite.
 *
 * The card is shared: other programs stay connected and may use it between our transactions, so the
 * connection is kept from begin to begin as the witness of what happened meanwhile. pcscd tells each
 * connection once about a reset or a removal; a removal hidden under a later reset still shows in
 * the reader's insertion counter. A reset of our own ends the connection too, so that an idle helper
 * does not keep programs out that want the reader for themselves.
 *
 * Two calls of libpcsclite wait for other programs without limit. SCardBeginTransaction() does, so
 * it is asked only when SCardStatus(), told not to block, no longer sees a transaction; what is left
 * is a race of microseconds. SCardConnect() waits inside pcscd; mohrd's deadline covers both.
 *
 * A reader with keys of its own (PC/SC part 10) asks for the PIN and sends it itself; that call lasts as
 * long as the person types, and cannot be called back.
 *
 * Killing this process inside a transaction makes pcscd reset the card: that is why the PIN is only
 * ever sent inside one.
 */
#include "drivers/pcsc.h"

#include <time.h>

#define BUSY_STEP_MS   20
#define BUSY_STEPS     250 /* five seconds of somebody else's transaction */
#define GONE_STEP_MS   60
#define GONE_STEPS     10 /* pcscd looks for a card every 400 ms */
#define BEGIN_ATTEMPTS 4

struct pcsc {
        SCARDCONTEXT context;
        SCARDHANDLE card;
        bool connected;
        DWORD protocol;
        unsigned int insertions;  /* pcscd's counter at the last begin */
        enum card_event happened; /* since the last begin that succeeded */
        struct pcsc_pinpad pinpad;
        char name[MAX_READERNAME];
};

/* clang-format off */
static const struct {
        LONG rv;
        int outcome[PCSC_WHENS];
} answers[] = {
        { SCARD_S_SUCCESS,            { 0, 0 } },
        { SCARD_W_REMOVED_CARD,       { OUTCOME_NO_CARD, OUTCOME_CARD_REMOVED } },
        { SCARD_E_NO_SMARTCARD,       { OUTCOME_NO_CARD, OUTCOME_CARD_REMOVED } },
        { SCARD_W_UNPOWERED_CARD,     { OUTCOME_NO_CARD, OUTCOME_CARD_REMOVED } },
        { SCARD_W_RESET_CARD,         { OUTCOME_BUSY, OUTCOME_CARD_REMOVED } },
        { SCARD_W_UNRESPONSIVE_CARD,  { OUTCOME_NO_CARD, OUTCOME_TIMED_OUT } },
        { SCARD_E_NOT_TRANSACTED,     { OUTCOME_NO_CARD, OUTCOME_TIMED_OUT } },
        { SCARD_E_TIMEOUT,            { OUTCOME_TIMED_OUT, OUTCOME_TIMED_OUT } },
        { SCARD_E_PROTO_MISMATCH,     { OUTCOME_CARD_NOT_SUPPORTED, OUTCOME_CARD_REMOVED } },
        { SCARD_E_SHARING_VIOLATION,  { OUTCOME_BUSY, OUTCOME_BUSY } },
        { SCARD_E_READER_UNAVAILABLE, { OUTCOME_NO_READER, OUTCOME_NO_READER } },
        { SCARD_E_UNKNOWN_READER,     { OUTCOME_NO_READER, OUTCOME_NO_READER } },
        { SCARD_E_INVALID_VALUE,      { OUTCOME_NO_READER, OUTCOME_NO_READER } }, /* handle died with its reader */
        { SCARD_E_NO_SERVICE,         { OUTCOME_READER_SERVICE, OUTCOME_READER_SERVICE } },
        { SCARD_E_SERVICE_STOPPED,    { OUTCOME_READER_SERVICE, OUTCOME_READER_SERVICE } },
        { SCARD_F_COMM_ERROR,         { OUTCOME_READER_SERVICE, OUTCOME_READER_SERVICE } },
        { SCARD_E_INVALID_HANDLE,     { OUTCOME_READER_SERVICE, OUTCOME_READER_SERVICE } },
        { SCARD_W_SECURITY_VIOLATION, { OUTCOME_READER_SERVICE, OUTCOME_READER_SERVICE } },
        { SCARD_E_NO_ACCESS,          { OUTCOME_READER_SERVICE, OUTCOME_READER_SERVICE } },
        { SCARD_E_UNSUPPORTED_FEATURE, { OUTCOME_CARD_NOT_SUPPORTED, OUTCOME_CARD_NOT_SUPPORTED } },
        { SCARD_E_INSUFFICIENT_BUFFER, { -EBADMSG, -EBADMSG } }, /* an answer longer than asked */
};
/* clang-format on */

int pcsc_outcome(LONG rv, enum pcsc_when when)
{
        for (size_t i = 0; i < ARRAY_LEN(answers); i++)
                if (answers[i].rv == rv)
                        return answers[i].outcome[when];
        return -EIO;
}

int pcsc_options(const char *const *options)
{
        return options && options[0] ? -EINVAL : 0;
}

static void sleep_ms(long ms)
{
        const struct timespec span = { .tv_nsec = ms * 1000000 };
        (void)nanosleep(&span, NULL);
}

static void note(struct pcsc *pcsc, enum card_event event)
{
        if (event > pcsc->happened)
                pcsc->happened = event;
}

static LONG connect_card(struct pcsc *pcsc)
{
        if (pcsc->connected)
                return SCARD_S_SUCCESS;
        note(pcsc, CARD_IS_NEW);
        LONG rv = SCardConnect(pcsc->context, pcsc->name, SCARD_SHARE_SHARED,
                SCARD_PROTOCOL_T0 | SCARD_PROTOCOL_T1, &pcsc->card, &pcsc->protocol);
        pcsc->connected = rv == SCARD_S_SUCCESS;
        return rv;
}

static LONG drop_card(struct pcsc *pcsc, DWORD disposition)
{
        if (!pcsc->connected)
                return SCARD_S_SUCCESS;
        pcsc->connected = false;
        note(pcsc, CARD_IS_NEW);
        return SCardDisconnect(pcsc->card, disposition);
}

/* The ATR and the insertion counter, or what happened to the card; waits, within limits, while
 * another program is in a transaction. */
static LONG look(struct pcsc *pcsc, struct driver_card *found)
{
        DWORD state = 0, atr_len = 0;
        LONG rv = SCARD_E_SHARING_VIOLATION;
        for (int i = 0; i < BUSY_STEPS && rv == SCARD_E_SHARING_VIOLATION; i++) {
                if (i > 0)
                        sleep_ms(BUSY_STEP_MS);
                atr_len = sizeof found->atr;
                rv = SCardStatus(pcsc->card, NULL, NULL, &state, NULL, found->atr, &atr_len);
        }
        if (rv != SCARD_S_SUCCESS)
                return rv;
        found->atr_len = atr_len;
        unsigned int insertions = (unsigned int)(state >> 16 & 0xffff);
        if (insertions != pcsc->insertions)
                note(pcsc, CARD_IS_NEW);
        pcsc->insertions = insertions;
        return SCARD_S_SUCCESS;
}

/* Puts the connection right after what was met on the way to a transaction. True: try again. */
static bool recover(struct pcsc *pcsc, LONG rv)
{
        if (rv == SCARD_W_REMOVED_CARD && pcsc->connected) {
                (void)drop_card(pcsc, SCARD_LEAVE_CARD);
                return true;
        }
        if (rv != SCARD_W_RESET_CARD)
                return false;
        note(pcsc, CARD_WAS_RESET);
        rv = SCardReconnect(pcsc->card, SCARD_SHARE_SHARED, SCARD_PROTOCOL_T0 | SCARD_PROTOCOL_T1,
                SCARD_LEAVE_CARD, &pcsc->protocol);
        if (rv != SCARD_S_SUCCESS && rv != SCARD_E_SHARING_VIOLATION)
                (void)drop_card(pcsc, SCARD_LEAVE_CARD);
        return true;
}

static int pcsc_begin(void *reader, struct driver_card *ret)
{
        struct pcsc *pcsc = reader;
        struct driver_card found = { 0 };
        LONG rv = SCARD_S_SUCCESS;
        for (int attempt = 0; attempt < BEGIN_ATTEMPTS; attempt++) {
                rv = connect_card(pcsc);
                if (rv == SCARD_S_SUCCESS)
                        rv = look(pcsc, &found);
                if (rv == SCARD_S_SUCCESS)
                        rv = SCardBeginTransaction(pcsc->card);
                if (!recover(pcsc, rv))
                        break;
        }
        if (rv != SCARD_S_SUCCESS)
                return pcsc_outcome(rv, PCSC_BEGIN);
        found.protocol = pcsc->protocol == SCARD_PROTOCOL_T0 ? APDU_T0 : APDU_T1;
        found.event = pcsc->happened;
        found.insertion = pcsc->insertions;
        if (!pcsc->pinpad.known)
                pcsc_pinpad_look(&pcsc->pinpad, pcsc->card);
        found.pinpad = pcsc->pinpad.usable;
        pcsc->happened = CARD_SAME;
        *ret = found;
        return 0;
}

/* A failed exchange says only that it failed. pcscd notices a removal a moment later, and a person
 * deserves "the card was removed" rather than "it did not answer". */
static LONG why_not_transacted(struct pcsc *pcsc)
{
        for (int i = 0; i < GONE_STEPS; i++) {
                LONG rv = SCardStatus(pcsc->card, NULL, NULL, NULL, NULL, NULL, NULL);
                if (rv != SCARD_S_SUCCESS)
                        return rv;
                sleep_ms(GONE_STEP_MS);
        }
        return SCARD_E_NOT_TRANSACTED;
}

static int pcsc_transmit(
        void *reader, const uint8_t *cmd, size_t cmd_len, uint8_t *rsp, size_t cap, size_t *ret_len)
{
        struct pcsc *pcsc = reader;
        const SCARD_IO_REQUEST *pci =
                pcsc->protocol == SCARD_PROTOCOL_T0 ? SCARD_PCI_T0 : SCARD_PCI_T1;
        DWORD len = cap;
        LONG rv = SCardTransmit(pcsc->card, pci, cmd, cmd_len, NULL, rsp, &len);
        if (rv == SCARD_E_NOT_TRANSACTED)
                rv = why_not_transacted(pcsc);
        if (rv == SCARD_S_SUCCESS)
                *ret_len = len;
        return pcsc_outcome(rv, PCSC_INSIDE);
}

/* The reader has the card, and this process waits, until the person is ready, gives up or is too slow. */
static int ask_on_keys(struct pcsc *pcsc, uint32_t code, const struct part10_call *call,
        uint8_t *rsp, size_t cap, size_t *ret_len)
{
        DWORD len = 0;
        if (code == 0)
                return -EPERM;
        LONG rv = SCardControl(pcsc->card, code, call->bytes, call->len, rsp, cap, &len);
        if (rv == SCARD_E_NOT_TRANSACTED)
                rv = why_not_transacted(pcsc);
        if (rv == SCARD_S_SUCCESS && len > cap)
                rv = SCARD_E_INSUFFICIENT_BUFFER;
        if (rv == SCARD_S_SUCCESS)
                *ret_len = len;
        return pcsc_outcome(rv, PCSC_INSIDE);
}

static int pcsc_verify_pinpad(
        void *reader, const struct apdu_pinpad *how, uint8_t *rsp, size_t cap, size_t *ret_len)
{
        struct pcsc *pcsc = reader;
        struct part10_call call;
        int r = part10_verify(how, pcsc->pinpad.usable & PINPAD_DISPLAY, &call);
        if (r < 0)
                return r;
        return ask_on_keys(pcsc, pcsc->pinpad.features.verify, &call, rsp, cap, ret_len);
}

static int pcsc_modify_pinpad(
        void *reader, const struct apdu_pinpad *how, uint8_t *rsp, size_t cap, size_t *ret_len)
{
        struct pcsc *pcsc = reader;
        struct part10_call call;
        int r = part10_modify(how, pcsc->pinpad.usable & PINPAD_DISPLAY, &call);
        if (r < 0)
                return r;
        return ask_on_keys(pcsc, pcsc->pinpad.features.modify, &call, rsp, cap, ret_len);
}

/* pcscd refuses to end a transaction on a card it knows to be gone or reset, and keeps the lock:
 * then the connection is ended instead, which frees it. No card, no state to clear: that is 0. */
static int pcsc_end(void *reader, enum driver_end how)
{
        struct pcsc *pcsc = reader;
        DWORD disposition = how == DRIVER_RESET ? SCARD_RESET_CARD : SCARD_LEAVE_CARD;
        LONG rv = SCardEndTransaction(pcsc->card, disposition);
        if (rv != SCARD_S_SUCCESS)
                rv = drop_card(pcsc, disposition);
        else if (how == DRIVER_RESET)
                (void)drop_card(pcsc, SCARD_LEAVE_CARD);
        int r = pcsc_outcome(rv, PCSC_INSIDE);
        return r == OUTCOME_CARD_REMOVED ? 0 : r;
}

static void pcsc_close(void *reader)
{
        struct pcsc *pcsc = reader;
        (void)drop_card(pcsc, SCARD_LEAVE_CARD);
        (void)SCardReleaseContext(pcsc->context);
        free(pcsc);
}

static int pcsc_open(void **ret_reader, const char *reader, const char *const *options)
{
        _cleanup_free_ struct pcsc *pcsc = calloc(1, sizeof *pcsc);
        if (!pcsc)
                return -ENOMEM;
        if (pcsc_options(options) < 0 || strlen(reader) >= sizeof pcsc->name)
                return -EINVAL;
        memcpy(pcsc->name, reader, strlen(reader) + 1);
        pcsc->happened = CARD_IS_NEW;
        /* libpcsclite's own switch: a reader in use is answered, not waited for. */
        if (setenv("PCSCLITE_NO_BLOCKING", "1", 1) < 0)
                return -errno;
        LONG rv = SCardEstablishContext(SCARD_SCOPE_SYSTEM, NULL, NULL, &pcsc->context);
        if (rv != SCARD_S_SUCCESS)
                return pcsc_outcome(rv, PCSC_BEGIN);
        *ret_reader = pcsc;
        pcsc = NULL;
        return 0;
}

const struct driver driver_pcsc = {
        .name = "pcsc",
        .open = pcsc_open,
        .begin = pcsc_begin,
        .transmit = pcsc_transmit,
        .end = pcsc_end,
        .close = pcsc_close,
        .verify_pinpad = pcsc_verify_pinpad,
        .modify_pinpad = pcsc_modify_pinpad,
        .watch_open = pcsc_watch_open,
        .watch = pcsc_watch,
};

/* SPDX-License-Identifier: Apache-2.0 */
/* outcome.h: every answer that is not "done", once, for all rooms.
 *
 * The number is the exit code of `mohr` and is stable for ever. The name is the Varlink error
 * (mohr.Identity.<Name>) and the value of "outcome" in JSON. Texts for people are the client's
 * business (client-sdk/messages.c), never the helper's.
 */
#ifndef MOHR_OUTCOME_H
#define MOHR_OUTCOME_H

#include <stdbool.h>

#define OUTCOME_LIST(X)                                                                            \
        X(10, NO_READER, NoReader)                                                                 \
        X(11, NO_CARD, NoCard)                                                                     \
        X(12, CARD_NOT_SUPPORTED, CardNotSupported)                                                \
        X(13, WRONG_PIN, WrongPin)                                                                 \
        X(14, PIN_BLOCKED, PinBlocked)                                                             \
        X(15, REFUSED, RefusedByPerson)                                                            \
        X(16, POLICY, RefusedByPolicy)                                                             \
        X(17, CARD_REMOVED, CardRemoved)                                                           \
        X(18, NEEDS_ISSUER_KEYS, CardNeedsIssuerKeys)                                              \
        X(19, TIMED_OUT, TimedOut)                                                                 \
        X(20, UNREACHABLE, DaemonUnreachable)                                                      \
        X(21, INVALID, AssertionInvalid)                                                           \
        X(22, CERTIFICATE_EXPIRED, CertificateExpired)                                             \
        X(23, BUSY, Busy)                                                                          \
        X(24, LAST_TRY_DECLINED, LastTryDeclined)                                                  \
        X(25, READER_SERVICE, ReaderServiceUnavailable)                                            \
        X(26, NOBODY_TO_ASK, NobodyToAsk)                                                          \
        X(27, CANNOT_RECORD, CannotRecord)                                                         \
        X(28, NO_STANDARD_SIGNATURE, NoStandardSignature)                                          \
        X(29, DOCUMENT, DocumentUnusable)                                                          \
        X(30, NOT_TIMESTAMPED, NotTimestamped)                                                     \
        X(70, INTERNAL, Internal)

enum outcome {
        OUTCOME_OK = 0,
        OUTCOME_USAGE = 2,
#define X(number, id, name) OUTCOME_##id = number,
        OUTCOME_LIST(X)
#undef X
};

/* What mohrd says besides an outcome that leaves several things to be done: by these very words a client
 * knows which. */
#define DETAIL_SEVERAL_CARDS "cards on several readers: name the reader"
#define DETAIL_CROWDED       "more than one card lies on this reader: leave only one there"
#define DETAIL_NOT_FOUND     "the card of the expected national number was not found in these readers"
#define DETAIL_NO_SUCH_NAME  "no reader has this name: mohr status shows the names"
/* Of a phone that is a reader (docs/phone.md). */
#define DETAIL_PHONE_AWAY                                                                          \
        "the phone is not reached: mohr-relay serve must run there, in the same network"
#define DETAIL_PHONE_UNPAIRED                                                                      \
        "what answers at the phone's address does not know this pairing: if it is the phone, "     \
        "pair it again"
#define DETAIL_PHONE_EXPIRED "the pairing with the phone has expired: pair it again"
#define DETAIL_PHONE_LOST    "the connection to the phone broke"
#define DETAIL_PHONE_LOST_ASKING                                                                   \
        "the connection to the phone broke while it asked for the PIN, and none was heard to go "  \
        "to the card"
#define DETAIL_PHONE_BUSY    "the phone serves another computer, or has not given up a link that broke"
#define DETAIL_PHONE_VERSION "the phone runs another version of Mohr, which does not fit"
#define DETAIL_PHONE_NOBODY                                                                        \
        "the phone says that nobody entered the PIN in time and nothing was sent"
#define DETAIL_PHONE_CANCELLED "the phone says that it was cancelled there and nothing was sent"
#define DETAIL_PHONE_NOTHING_TO_ASK_ON                                                             \
        "the phone has nothing to ask for a PIN on: start mohr-relay serve in a terminal there"
#define DETAIL_PHONE_REFUSED                                                                       \
        "the phone does not take this request from this computer: mohr-relay serve says why"
#define DETAIL_PHONE_ASKS                                                                          \
        "the phone asks for the PIN itself, which [pin] pad = no does not allow on this computer"
#define DETAIL_PHONE_LAST_TRY                                                                      \
        "one try is left, and the phone does not spend it where it cannot ask about it itself"
/* Of a request that ended before the card had told what it thinks of the PIN. */
#define DETAIL_TRY_AT_RISK "the PIN was being checked: a try may have been spent"
/* Of a signed request. All that is wrong with one itself begins as the first. */
#define DETAIL_SIGNED_REQUEST     "the signed request"
#define DETAIL_REQUEST_EXPIRED    DETAIL_SIGNED_REQUEST " has expired"
#define DETAIL_REQUEST_USED       "this signed request was used before"
#define DETAIL_NO_RELYING_PARTIES "no anchors of relying parties are configured here"
/* Of a limit that is reached; when to come back follows. */
#define DETAIL_PAUSED    "paused after wrong PINs: try again later"
#define DETAIL_TOO_OFTEN "asked too often: try again later"
/* Of a new PIN: that no card's holder can make one here; where it is not typed; and what is known of it. */
#define DETAIL_OFFICE      "a national card's PIN is changed and unblocked by the service office alone"
#define DETAIL_READER_KEYS "this reader has keys for a PIN, and a new one is not typed there"
#define DETAIL_NEW_PIN_AFAR                                                                        \
        "no phone takes a new PIN: the card must lie in a reader of this computer"
#define DETAIL_NEW_PIN_REFUSED "the card refuses this new PIN; the old one still holds"
#define DETAIL_NO_NEW_PIN      "the card does not let its holder do this here; its PIN is as it was"
#define DETAIL_WRONG_PUK       "the code that unblocks (PUK) was wrong"
#define DETAIL_PUK_BLOCKED     "the code that unblocks (PUK) is blocked"
#define DETAIL_WHICH_PIN       "a try may have been spent, and the card may have taken the new PIN"

const char *outcome_name(int outcome);   /* "WrongPin"; "Internal" for what is not in the list */
int outcome_from_name(const char *name); /* OUTCOME_INTERNAL for what is not in the list */
/* A card's "no" to one question, as opposed to a card that is no more. */
bool outcome_is_refusal(int outcome);

/* Folds a return value into an outcome: 0 and answers stay, broken becomes OUTCOME_INTERNAL. */
static inline int outcome_of(int r)
{
        return r < 0 ? OUTCOME_INTERNAL : r;
}

#endif

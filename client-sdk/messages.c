/* SPDX-License-Identifier: Apache-2.0 */
/* messages.c: what is said to people: one row for each outcome, what happened and what to do now.
 *
 * The sentences are made to be read over the telephone: short, no abbreviation, no name of a part
 * that only its makers know, except in what is to be typed. po/fa.po holds the Persian of each.
 */
#include "client-sdk/mohr.h"

#include "base/base.h"
#include "base/outcome.h"
#include "client-sdk/i18n.h"

static const struct message {
        int outcome;
        const char *text, *next;
} messages[] = {
        { OUTCOME_OK, N_("Done."), "" },
        { OUTCOME_USAGE, N_("The command was not understood."), N_("Run: mohr help") },
        { OUTCOME_NO_READER, N_("No card reader was found."),
                N_("Connect the card reader to this computer, then try again.") },
        { OUTCOME_NO_CARD, N_("There is no card in the reader."),
                N_("Put the card into the reader, or hold it on the reader, then try again.") },
        { OUTCOME_CARD_NOT_SUPPORTED,
                N_("This card is not supported, or it could not be confirmed as a national card or "
                   "a staff card."),
                N_("Check that it is the card that is meant and that it lies in the reader the "
                   "right way round. To see what it is, run: mohr doctor --card") },
        { OUTCOME_WRONG_PIN, N_("The PIN is wrong."),
                N_("Try again with the right PIN. After several wrong tries the card blocks the "
                   "PIN.") },
        { OUTCOME_PIN_BLOCKED, N_("The PIN of this card is blocked."),
                N_("Only the service office that issues the card can unblock it.") },
        { OUTCOME_REFUSED, N_("The holder of the card did not agree, or cancelled."),
                N_("Nothing was signed. Ask again only if the holder wants it.") },
        { OUTCOME_POLICY, N_("The rules of this computer do not allow this request."),
                N_("See why with: mohr policy check. Who may change it is the person who looks "
                   "after "
                   "this computer.") },
        { OUTCOME_CARD_REMOVED, N_("The card was removed."),
                N_("Leave the card in the reader until the end, then try again.") },
        { OUTCOME_NEEDS_ISSUER_KEYS, N_("This card needs the issuer's keys for signing."),
                N_("It cannot be used here. No try of the PIN was lost.") },
        { OUTCOME_TIMED_OUT, N_("Time ran out."),
                N_("Try again. If it happens again, run: mohr doctor") },
        { OUTCOME_UNREACHABLE, N_("The Mohr service cannot be reached."),
                N_("Start mohrd. Where Mohr is installed: systemctl --user start mohrd.socket") },
        { OUTCOME_INVALID, N_("This assertion does not hold."),
                N_("Do not rely on it. Ask for a new one.") },
        { OUTCOME_CERTIFICATE_EXPIRED, N_("Everything else holds, but the certificate is expired."),
                N_("Decide by your own rules whether that is enough. The holder can have the card "
                   "renewed.") },
        { OUTCOME_BUSY, N_("The card reader is in use by another request or program."),
                N_("Wait a moment or close the other program, then try again.") },
        { OUTCOME_LAST_TRY_DECLINED,
                N_("One try is left for the PIN, and the holder did not want to use it."),
                N_("Nothing was tried. If the PIN is not known, go to a service office.") },
        { OUTCOME_READER_SERVICE,
                N_("The smart card service of this computer is absent or denies access."),
                N_("Run: mohr doctor") },
        { OUTCOME_NOBODY_TO_ASK,
                N_("The PIN cannot be asked for: there is no terminal and no screen, or no program "
                   "that asks there."),
                N_("Run the command in a terminal or in a desktop session. If that is where it "
                   "runs, install pinentry, or correct its name in mohr.conf(5). What else may be "
                   "missing says: mohr doctor") },
        { OUTCOME_CANNOT_RECORD,
                N_("The request could not be recorded, so it was not carried out."),
                N_("Nothing was given out. If the disk is full, free some space; if the "
                   "history is damaged, see what is wrong with it: mohr history verify") },
        { OUTCOME_NO_STANDARD_SIGNATURE, N_("This card cannot make a standard signature."),
                N_("It cannot be used for this purpose.") },
        { OUTCOME_DOCUMENT, N_("The document cannot be signed like this."),
                N_("Nothing was signed, and no file was written. The line below says why.") },
        { OUTCOME_NOT_TIMESTAMPED, N_("The document is signed, but it got no timestamp."),
                N_("The signed file is there and holds. A timestamp can be added later: mohr sign "
                   "--timestamp URL --resume") },
        { OUTCOME_INTERNAL, N_("Something went wrong inside Mohr."),
                N_("Try again. If it happens again, report the request number.") },
};

/* mohr.h has every outcome, under the same number. */
#define X(number, id, name) _Static_assert((int)MOHR_OUTCOME_##id == (int)OUTCOME_##id, #id);
OUTCOME_LIST(X)
#undef X

static const struct message *find(int outcome)
{
        for (size_t i = 0; i < ARRAY_LEN(messages); i++)
                if (messages[i].outcome == outcome)
                        return &messages[i];
        return &messages[ARRAY_LEN(messages) - 1];
}

const char *mohr_outcome_name(int outcome)
{
        if (outcome == OUTCOME_OK)
                return "ok";
        return outcome == OUTCOME_USAGE ? "Usage" : outcome_name(outcome);
}

const char *mohr_outcome_text(int outcome)
{
        return i18n_text(find(outcome)->text);
}

const char *mohr_outcome_next(int outcome)
{
        const char *next = find(outcome)->next;
        return next[0] ? i18n_text(next) : ""; /* gettext("") is the catalogue's head */
}

/* SPDX-License-Identifier: Apache-2.0 */
/* person.h: asking the holder: consent, last-try confirmation and PIN, in one child (mohr-prompt).
 *
 * mohr-prompt speaks Assuan with pinentry and dies before the card is told to sign, so no copy of a
 * PIN outlives it in a library's heap. The answer's PIN arrives in the locked secret handed in.
 * Only facts are passed; wording and language are mohr-prompt's business. All strings are sanitised
 * and capped again there. One prompt at a time is the caller's duty.
 */
#ifndef MOHR_PERSON_H
#define MOHR_PERSON_H

#include "base/base.h"
#include "base/secret.h"
#include "client-sdk/claimset.h"
#include "daemon/config.h"
#include <systemd/sd-event.h>

enum person_work { /* as enum question_work */
        PERSON_SIGN,
        PERSON_CHANGE_PIN,
        PERSON_UNBLOCK_PIN,
        PERSON_DOCUMENTS,
        PERSON_CERTIFICATES, /* no PIN: `pin` is NULL */
        PERSON_KEY
};
struct peer;
struct question; /* prompt/question.h */
struct question_document;
struct screen;

struct person_ui { /* checked by the daemon: the tty belongs to the peer's uid */
        const char *tty, *term, *display, *wayland_display, *xauthority, *language; /* or NULL */
};

struct person_question {
        struct person_ui ui;
        const char *request;     /* id, shown so that prompt, log and answer can be matched */
        const char *app;         /* executable of the caller; "" unknown */
        const struct peer *peer; /* all that is known of the caller; NULL: `app` and ... */
        uint8_t asker;           /* ... enum question_asker with ... */
        const char *asker_name;  /* ... its name as such, or NULL */
        const char *
                organization; /* of the relying party whose signed request this is; NULL: none was verified */
        const char *audience, *purpose; /* purpose may be NULL */
        const char *given_name, *family_name, *card_number;
        const char *reader;
        int tries_left; /* -1 unknown */
        bool simulated;
        bool tell_unproven; /* say first what is unproven on this card, and ask (config ask) */
        bool expired;       /* certificate no longer valid: said */
        bool choice;        /* only asked: is the card on `reader` meant? NO_CARD: another one */
        bool search;        /* only asked: may these readers' cards be looked at for that number? */
        const char *const *readers;
        size_t reader_count;
        const char *expected_number;
        bool staff; /* an organisation's card: question.h tells what the names then mean */
        claimset required,
                optional; /* what goes along besides the certificate; the optional may be declined */
        bool granted; /* the consent page is left out: the holder said so before, for this very asker. All of
                       * `required` and `optional` goes along then: what was not agreed to is in neither */
        bool may_remember; /* after consent: may it ask again for this without the consent page? */
        bool recorded;     /* a history is kept: said on the consent page */
        bool recorded_identity, recorded_by_station; /* question.h */
        enum person_work work;                       /* what the PIN is for */
        const struct question_document
                *documents;                 /* PERSON_DOCUMENTS: all that the consent is for ... */
        size_t document_count, document_at; /* ... and which one the PIN is for */
        uint8_t content;                    /* PERSON_KEY: enum question_content */
        const char *content_text, *content_host; /* or NULL */
        bool authentication_key;
        bool on_phone;        /* `reader` names a phone; without digits they are typed there */
        const char *computer; /* this is the phone, and a paired computer says all this; or NULL */
        bool not_proven_here; /* then: `organization` is that computer's word alone */
        unsigned int timeout_s;
        const char *pinentry;
        struct screen
                *screen; /* where somebody holds the role, it is asked there; NULL: pinentry only */
};

struct person_answer {
        int outcome;
        claimset released; /* a subset of required and optional, with all that is required */
        bool remember;
};

struct person;

/* answer->outcome: 0 (PIN in the secret, if there is one: 4..8 ASCII digits), OUTCOME_REFUSED, OUTCOME_LAST_TRY_DECLINED,
 * OUTCOME_TIMED_OUT, OUTCOME_NOBODY_TO_ASK, OUTCOME_INTERNAL. Called once, after the child is gone and
 * reaped, never from inside person_ask. */
typedef void (*person_done)(void *user, const struct person_answer *answer);
/* OUTCOME_NOBODY_TO_ASK at once if the ui names nothing to ask on. `pin` (cap >= 64) is borrowed; NULL: no
 * digits are asked for; unless this is a choice or a search, the person is told that the reader asks for the PIN. */
_must_check_ int person_ask(struct person **ret, sd_event *event, const struct config *config,
        const struct person_question *question, struct secret *pin, person_done done, void *user);
struct person *person_free(struct person *person); /* closes the prompt; no callback after */

/* The facts of a question as mohr-prompt has them, cleaned and capped, and nothing that steers programs: `ui` and `pinentry` are left out.
 * `digits`: they are typed on this machine. `ret` is overwritten. */
_must_check_ int person_state(
        const struct person_question *asked, bool digits, struct question *ret);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* history.h: what was asked, by whom, and what became of it, kept by a worker process (mohr-history).
 *
 * The order is the promise: `asked` is on disk before a prompt opens, `ended` before the answer leaves. So no
 * assertion leaves without its row, a full disk is found before a try is risked, and a daemon that dies in
 * between leaves the first row. The form of a row, and how rows are chained, is docs/history.md.
 *
 * The same transaction that records the intent decides what only the past can tell: was this signed request
 * seen before, has the app asked too often, is it paused after wrong PINs, did the holder let it ask without the
 * consent page. The daemon keeps no second memory of these.
 *
 * The worker is started when it is needed and let go when nobody was for a while. SQLite is its business alone.
 */
#ifndef MOHR_HISTORY_H
#define MOHR_HISTORY_H

#include "base/log.h"
#include "client-sdk/claimset.h"
#include "daemon/config.h"
#include <jansson.h>
#include <systemd/sd-event.h>

struct history;
struct history_wait; /* one question to the worker that is not answered yet */

_must_check_ int history_new(
        struct history **ret, sd_event *event, const struct config *config, const struct log *log);
struct history *history_free(struct history *history); /* what was noted is written first */

struct history_asked { /* all texts are borrowed for the call; those that may be NULL are marked */
        const char *request; /* id, 32 hex digits */
        const char *
                method; /* "Assert", "ChangePin", "UnblockPin", "SignDocument", "ShowCertificates", "UseKey" */
        uint32_t uid, pid;
        const char *app;      /* peer_key(): "flatpak:org.example.App", "program:/usr/bin/x", ... */
        const char *program;  /* the executable's path; "" unknown */
        const char *audience; /* NULL for methods without one */
        const char *purpose;  /* NULL */
        const char *organization;     /* of a verified relying party; NULL: none was verified */
        const char *organization_key; /* its certificate's fingerprint, 64 hex digits; NULL */
        const char *signed_request; /* digest that names this signed request, 64 hex digits; NULL */
        const char *rule;           /* of the policy; NULL: the built-in one */
        claimset required, optional;
        const char *document;        /* its name, as the holder was shown it; NULL */
        const char *document_digest; /* SHA-256 of it, 64 hex digits; NULL */
        const char *form;            /* of the signature, as in mohr.Documents.Add; NULL */
        const char *consent;         /* the request whose consent page covered this one; NULL */
        const char *content; /* UseKey: what is signed, "tls", "ssh", "attributes" or "raw"; NULL */
        const char *key;     /* UseKey, ShowCertificates: "signature", "authentication"; NULL */
        /* What the worker judges in the same transaction; 0: not judged. */
        unsigned int app_per_hour,
                user_per_hour; /* requests that may have been begun within an hour */
        unsigned int wrong_pins,
                pause_s; /* so many wrong entries in a row by this app pause it so long */
        bool use_grant;  /* look whether the holder let it ask without the consent page */
};

struct history_told {
        bool granted;        /* the consent page may be left out ... */
        char grant[33];      /* ... by this one */
        claimset released;   /* and this is what the holder agreed to then */
        unsigned int wait_s; /* of a refusal: when it may ask again; 0: no such time */
};

/* outcome: 0, OUTCOME_POLICY (detail: why), OUTCOME_CANNOT_RECORD (detail: which file, and what to do). Texts
 * are English and lent for the call. `told` is set for the first two. Called once, never from inside the call that asked. */
typedef void (*history_done)(
        void *user, int outcome, const char *detail, const struct history_told *told);
_must_check_ int history_ask(struct history_wait **ret, struct history *history,
        const struct history_asked *asked, history_done done, void *user);

struct history_ended {
        const char *request;
        const char *outcome;   /* "Ok" or outcome_name() */
        const char *detail;    /* NULL */
        const char *assertion; /* the compact JWS, of which only the SHA-256 is kept; NULL */
        const char *
                signature; /* of what was signed otherwise: SHA-256 of the signature's value, 64 hex digits; NULL */
        claimset released, declined;
        int tries_left;       /* -1 unknown */
        const char *grant;    /* the one that stood for the consent page; NULL */
        const json_t *values; /* claims' values, only where [history] values = yes; NULL */
        /* The holder lets this app, or organisation, ask for this audience and purpose without the consent page. */
        bool remember;
};
_must_check_ int history_end(struct history_wait **ret, struct history *history,
        const struct history_ended *ended, history_done done, void *user);
/* The same for one whose answer nobody waits for: cancelled, out of time. Whatever fails is logged. */
void history_note_end(struct history *history, const struct history_ended *ended);
/* What was refused before it got here: `why` is a word of docs/history.md. Not every one is written down there. */
void history_note_refusal(
        struct history *history, const struct history_asked *asked, const char *why);
/* No callback after. What was asked to be written is written all the same. */
struct history_wait *history_wait_free(struct history_wait *wait);

/* What may ask without the consent page: {"grants": [{...}]} of docs/history.md, stolen by the callback's
 * owner; and taking one back. outcome as above, OUTCOME_USAGE: no such grant. */
typedef void (*history_grants_done)(void *user, int outcome, const char *detail, json_t *grants);
_must_check_ int history_list_grants(
        struct history_wait **ret, struct history *history, history_grants_done done, void *user);
_must_check_ int history_revoke(struct history_wait **ret, struct history *history,
        const char *grant, history_done done, void *user);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* world_state.h: what request_world.h knows of its card, its person and the test's will, and counts. */
#ifndef MOHR_TESTS_WORLD_STATE_H
#define MOHR_TESTS_WORLD_STATE_H

#include "daemon/request.h"

#include "daemon/history.h"
#include "daemon/known.h"
#include "daemon/policy.h"
#include "tests/support/testpki.h"

#include <fcntl.h>
#include <openssl/rand.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>
#include <cmocka.h>

#define PIN   "27182818"
#define NEW   "16180339"
#define NEVER 1000

/* Around what card and person do themselves; a program that makes calls fail spares them. */
#ifndef WORLD_CALM
#define WORLD_CALM()
#define WORLD_ON()
#endif
#define FILES    3
#define READER   "Test Reader 00"
#define GOOD_KEY 0x03

enum mischief {
        NOTHING,
        SWAP,
        LIFT,
        RESET,
        LOWER_TRIES,
        HELPER_DIES,
        READER_GOES,
        COUNT_ANEW,
        PAD_GOES
};

/* One of several cards: what lies in which reader, and what it does instead of its part. */
struct lying {
        const char *reader, *state; /* NULL: "card" */
        X509 *files[FILES];
        struct card_identity identity;
        int acquire_outcome;
        enum op fails, silent; /* the operation that ends with `with`, or never */
        int with;
        unsigned int then_ms; /* [card] timeout_ms for those that come behind it, or 0 */
        X509 *swapped;        /* what lies there after the first look */
        unsigned int looks;
};

struct world {
        sd_event *event;
        struct log log;
        struct config config;
        struct request_context context;
        struct testpki *pki;
        X509 *other_leaf;

        /* the card */
        X509 *files[FILES];
        struct card_identity identity;
        int tries;
        bool counter_known, key_shown, sm_needed, sm_at_sign, files_locked;
        int second_count;     /* what the card tells when asked the other way; -1: nothing */
        unsigned int accepts; /* set of 1 << sign_method that MSE SET takes */
        int good_method;      /* the one whose signature verifies */
        bool simulated;
        bool linked;         /* the reader is a phone, ... */
        bool parted;         /* ... to which the connection broke */
        bool moves_at_begin; /* news of its card comes when that is begun with */
        bool announced;      /* and was told what the next PIN is for */
        uint8_t announcement[OPS_FRAME_MAX];
        size_t announcement_len;
        uint8_t pinpad;     /* what the reader has */
        int pinpad_outcome; /* what comes of asking there, with this word */
        uint16_t pinpad_sw;
        bool asks_pin;              /* it asks itself, says a phone */
        bool pin_sent;              /* what a phone said of it before */
        unsigned int patience_s;    /* as the reader was told */
        uint32_t events, insertion; /* as the watcher and as the helper count them */
        enum card_event event_at_begin;

        /* what a process in front of it knows */
        bool open, identified, confirmed, counted, armed, verified;

        /* counts */
        unsigned int ops[OP_COUNT], total, pins, leaves, resets, prompts, acquired, typed, consents;

        /* the test's will */
        int acquire_outcome;
        unsigned int fail_at; /* which operation, from 0 */
        int fail_with;
        bool fail_dead; /* the helper dies of it */
        unsigned int cancel_at;
        enum mischief at_prompt;
        int person_outcome;
        bool settled_late, forgets;
        bool examining;             /* asked what no request asks */
        const char *const *cards;   /* names of readers that hold one, NULL at its end; or NULL */
        const char *wanted;         /* the one that the person means */
        struct lying *lying, *here; /* several cards, up to one without a name; the one in hand */
        int consent;                /* to looking at them */
        bool agreed;                /* to that, or to one of them */

        /* the history */
        int intent_outcome, end_outcome;
        struct history_told told;
        unsigned int intents, ends, refusals;
        unsigned int end_after_ms; /* a slow disk */
        claimset asked_required, asked_optional, ended_released, ended_declined;
        bool asked_for_grant, ended_remember;
        char end[32], end_detail[128];
        claimset declines; /* the person, of what is optional */
        bool remembers;    /* the person, where that is asked */

        /* a new PIN instead of an assertion (renew.h) */
        const char *method;    /* as the history hears it; NULL: Assert */
        const char *proof;     /* what proves the right to it */
        unsigned int news;     /* new PINs that were stored */
        unsigned int renewals; /* commands that put one in the old one's place */
        int renew_outcome;     /* what came of it, with this word */
        uint16_t renew_sw;
        bool stored;

        /* the rules, and a signed request */
        enum policy_consent consent_mode;
        claimset forbidden;
        bool wants_pinpad, wants_real;
        unsigned int wants_level;
        int relying_outcome;

        /* what came out */
        struct request *request;
        unsigned int choices, searches;
        size_t asked_about; /* how many readers */
        char taken[128];    /* the name that a reader was asked for by */
        bool done;
        int outcome, tries_left;
        char *assertion;
        const char *detail;
        char detail_copy[192], shown_to[192];
        char phases[128];
};

static struct world world;

#endif

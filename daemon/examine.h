/* SPDX-License-Identifier: Apache-2.0 */
/* examine.h: what kind of card lies there and what can be done with it, without its holder's PIN.
 *
 * The discovery of card-facts 6.6, which spends nothing, for mohr.Identity.Examine. What is told is true of
 * the card, never of the holder: no name, number, certificate, serial number or date.
 */
#ifndef MOHR_EXAMINE_H
#define MOHR_EXAMINE_H

#include "daemon/gate.h"
#include "daemon/request.h"

enum file_found {
        FILE_NOT_ASKED,
        FILE_ABSENT,
        FILE_LOCKED, /* to the issuer's keys */
        FILE_SIGNATURE,
        FILE_AUTHENTICATION,
        FILE_AUTHORITY,
        FILE_STAFF,
        FILE_OTHER,
};

struct findings {
        const char *reader; /* valid inside the callback */
        bool simulated;
        enum apdu_protocol protocol;
        uint8_t atr[CARD_ATR_MAX];
        size_t atr_len;

        bool known; /* a profile took the card for its own */
        struct card_identity identity;
        char foreign[CARD_LABEL_MAX]; /* what it is if not, or "" */

        struct gate_chain chain;
        enum file_found files[GATE_FILES_MAX];
        bool confirmed;
        struct pin_counter counters[PIN_COPY_COUNT];
        bool counted[PIN_COPY_COUNT]; /* the card answered that question */
        struct card_probe probe;
        bool key_shown; /* keys[0] is the certificate's, by its public part */
        uint8_t keys[CARD_KEYS_MAX];
        size_t key_count;
        unsigned int methods; /* set of 1 << enum sign_method that MSE SET took */
        uint8_t method_key;   /* for this key */
        bool wants_issuer_keys;
        uint8_t flags[8]; /* OBJECT_PIN_FLAGS */
        bool flags_read;
        char versions[80]; /* "" unread */

        int outcome;         /* what an app would meet, as far as this tells: 0 or enum outcome */
        const char *verdict; /* one word for it: see docs/socket.md */
        const char *detail;  /* static English text for operators, or NULL */
};

struct examine;

struct examine_params {
        const char *reader; /* copied; NULL: the only one that holds a card */
        bool transcript;
};

/* The last callback. `transcript`: the helper's text, or NULL. `findings` are set if the outcome is 0 or if
 * there is a transcript: of a card that was gone or silent before the end, with what was found until then. */
typedef void (*examine_done)(void *user, int outcome, const struct findings *findings,
        const char *transcript, const char *detail);

_must_check_ int examine_start(struct examine **ret, struct request_context *context,
        const struct examine_params *params, examine_done done, void *user);
/* No callback after. */
struct examine *examine_cancel(struct examine *examine);

/* examine_view.c: the reply of Examine. */
json_t *examine_json(const struct findings *findings);
/* docs/transcript.md: head and body; NULL without memory. */
_must_check_ char *examine_transcript(const struct findings *findings, const char *body);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* visit.h: what one paired computer may do to a card through this phone, from its first operation until it hangs up.
 *
 * A visit is one use of one reader's helper, as a request is on the computer itself: it takes the reader in which the card
 * lies with its first BEGIN, keeps it between the transaction that looks at the card and the one that signs (so that
 * "the same card, never away" means what it says there), and gives it back when the computer hangs up, whereupon the helper is
 * replaced. One VERIFY at most comes of a visit, and none without an announcement that this phone has judged.
 * docs/phone.md has the table for people.
 *
 * It knows no sockets, no clock and no screen: struct visit_world is all it asks of the outside. The other side is hostile.
 */
#ifndef MOHR_RELAY_VISIT_H
#define MOHR_RELAY_VISIT_H

#include "base/secret.h"
#include "client-sdk/link/link.h"
#include "daemon/readers.h"
#include "daemon/relay/announced.h"

#define VISIT_QUEUE_MAX   16    /* operations that wait behind the one that runs ... */
#define VISIT_QUEUE_BYTES 49152 /* ... and what they hold */

struct visit;

/* What this phone told of cards that were confirmed to it, for whoever comes back to one (OP_RESUME): a computer that could make such
 * a note up could have any card taken for a supported one. Zero-initialised, shared by all visits. */
#define VISIT_NOTES_MAX 8
struct visit_notes {
        struct visit_note {
                char reader[128];
                uint32_t insertion;
                size_t len;
                uint8_t bytes[CARD_NOTE_MAX];
        } list[VISIT_NOTES_MAX];
        size_t next;
};

enum visit_news { /* for the person at this phone; of all but ASKS nothing follows the announced line */
        VISIT_ASKS,
        VISIT_SIGNED,
        VISIT_WRONG_PIN, /* `tries` are left, -1 unknown */
        VISIT_NOT_SENT,  /* it ended before a PIN went to the card */
        VISIT_AT_RISK,   /* a PIN was sent, and the card did not say what it thinks of it */
        VISIT_UNSIGNED,  /* the PIN was right, and there is no signature */
        VISIT_LAST_TRY,  /* one try is left, and is not for digits from the computer */
        VISIT_FORBIDDEN, /* it asked for what it may not have */
};

struct visit_question {
        const struct announced *announced;
        int tries_left; /* as the card said in this transaction; -1 unknown */
        unsigned int timeout_s;
        struct secret *pin; /* NULL: the reader's own keys take it, and only a yes is wanted here */
};
typedef void (*visit_answered)(struct visit *visit, int outcome); /* as person_done */

struct visit_world {
        /* One frame to the computer. Any failure ends the visit. */
        int (*send)(void *user, enum link_type type, const void *body, size_t len);
        /* The reader that holds the card: as readers_acquire(), reader_release(), reader_in_transaction(). */
        int (*take)(void *user);
        void (*give)(void *user);
        bool (*holds)(void *user);
        /* As reader_pass(). */
        int (*pass)(void *user, enum op op, bool ahead, const void *payload, size_t len,
                reader_done done, void *done_user);
        /* 0: visit_answered() comes, not from inside; else there is nothing to ask on. Without ask() the PIN comes from the computer. */
        int (*ask)(void *user, const struct visit_question *question, visit_answered answered,
                struct visit *visit);
        void (*hush)(void *user); /* takes the question down; nothing is answered any more */
        int (*judge)(void *user, struct view payload, struct announced **ret);
        void (*tell)(void *user, enum visit_news news, const struct announced *what, int tries);
        /* It is over; visit_free() is to follow, not from inside. */
        void (*over)(void *user, enum link_reason reason);
        const char *(*reader)(void *user); /* the name of the one that was taken */
        bool (*lends_last_try)(
                void *user); /* for digits from the computer, which may be nobody's wish */
        /* A PIN that is typed here is about to go to the card, or (false) did not go after all: the computer hears it
         * before the card does, so that it knows what a link that breaks then means. Failure: nothing goes. */
        int (*sending)(void *user, bool sent);
};

_must_check_ int visit_new(struct visit **ret, const struct visit_world *world, void *user);
/* Without this no note is known. Borrowed. */
void visit_remember(struct visit *visit, struct visit_notes *notes);
/* Whatever runs is cut off: a transaction that is open ends in a reset, and nothing is left of a PIN. */
struct visit *visit_free(struct visit *visit);

/* A LINK_OP or LINK_SECRET came: it is taken in, and nothing is done yet. LINK_REASON_NONE, or why the visit is over. */
_must_check_ enum link_reason visit_take(
        struct visit *visit, enum link_type type, const uint8_t *body, size_t len);
/* Everything that came is taken in: goes on with it. */
void visit_go_on(struct visit *visit);

/* The computer is gone, or let go: nothing more is begun, a question is taken down, and answered if anybody still hears it.
 * visit_free() is to follow. */
void visit_stop(struct visit *visit);

/* Does it hold a reader; and for how long may the computer be silent now? 0: for ever. */
bool visit_holds(const struct visit *visit);
unsigned int visit_patience_s(const struct visit *visit);
/* How long may it stay as it is, whatever the computer says? 0: for ever. */
unsigned int visit_limit_s(const struct visit *visit);

#endif

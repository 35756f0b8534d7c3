/* SPDX-License-Identifier: Apache-2.0 */
/* known.h: what the daemon remembers of cards, so that nothing is read or asked twice.
 *
 * Three bounded memories, the oldest entry leaves first, all gone with the process:
 *   cards    by reader_info.events (one laying-on of one card on one reader, unique in this process):
 *            identity, certificates, dates. Valid only while that number stands.
 *   keys     by the leaf's SHA-256: which key and method sign, or that the card needs issuer keys.
 *   issuers  issuing CA certificates, so that the next card's need not be read; those that led to an anchor
 *            are kept on disk as well (issuer_files.h).
 * And one fact on disk, once per machine and user: the holder was told what is unproven.
 */
#ifndef MOHR_KNOWN_H
#define MOHR_KNOWN_H

#include "base/log.h"
#include "daemon/config.h"
#include "daemon/gate.h"

struct known;

_must_check_ int known_new(struct known **ret, const struct config *config, const struct log *log);
struct known *known_free(struct known *known);

struct known_card {
        struct card_identity identity;
        struct gate_chain chain;
        uint32_t insertion;          /* as the helper that met it counted: see request_look.c */
        bool complete;               /* confirmed, and the free checks of card-facts 6.6 are done */
        uint8_t note[CARD_NOTE_MAX]; /* for OP_RESUME */
        size_t note_len;
        int tries;           /* that are left at least, if nobody else spends one; 0 not known */
        char expiry[12];     /* ISO date, or "" */
        char expiry_raw[65]; /* hex where the date is ambiguous, or "" */
};
void known_card_clear(struct known_card *card);
void known_card_copy(struct known_card *dst, const struct known_card *src); /* dst is zero */
/* Of this laying-on, as it was read for that key; or NULL. */
const struct known_card *known_card_find(
        const struct known *known, uint32_t events, enum card_use use);
/* What the last signature leaves to be known of its tries, or 0; nothing for a card that is not known. */
void known_card_tries(struct known *known, uint32_t events, int tries);
void known_card_put(struct known *known, uint32_t events, const struct known_card *card);

struct known_key {
        bool needs_issuer_keys;
        bool proven;          /* steps[0] made a signature that verified */
        bool counters_differ; /* two answers about the tries left: both are asked for each time */
        unsigned int step_count;
        struct gate_step steps[GATE_STEPS_MAX];
};
const struct known_key *known_key_find(
        const struct known *known, const uint8_t print[GATE_PRINT_SIZE]);
void known_key_put(
        struct known *known, const uint8_t print[GATE_PRINT_SIZE], const struct known_key *key);

/* An issuer that signed this leaf, borrowed, or NULL. */
X509 *known_issuer_find(const struct known *known, const struct gate_chain *chain);
void known_issuer_put(struct known *known, X509 *issuer);
/* Whether this very object was put here: one that only equals it is not meant. */
bool known_issuer_is(const struct known *known, const X509 *issuer);
/* What must stand behind a card of this kind of holder; NULL where nothing was configured. */
const struct mohr_trust *known_anchors(const struct known *known, enum trust_scope scope);

bool known_told_unproven(const struct known *known);
void known_tell_unproven(
        struct known *known); /* remembers it on disk; a failure is logged, then asked again */

#endif

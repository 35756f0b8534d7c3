/* SPDX-License-Identifier: Apache-2.0 */
/* gate.h: is this the card we think it is, and may a PIN go to it? Decisions over bytes, nothing else.
 *
 * The helper brings the certificate files; what they are is told by their content here, never by where
 * they lay (card-facts 2.2, Q3). No I/O, no time of its own, no memory between calls.
 */
#ifndef MOHR_GATE_H
#define MOHR_GATE_H

#include "apdu/card.h"
#include "client-sdk/leaf.h"
#include "client-sdk/trust.h"

#define GATE_FILES_MAX  3 /* certificate files looked at, of any family */
#define GATE_STEPS_MAX  9
#define GATE_PRINT_SIZE 32 /* SHA-256 of a DER certificate */

/* What the certificate files of one card add up to. Zero-initialise; owns its certificates. */
struct gate_chain {
        enum leaf_class wanted; /* what the holder's certificate must be: gate_wanted() */
        enum card_use use;      /* of which key `leaf` is the certificate */
        X509 *leaf, *issuer;
        X509 *other; /* use AUTHENTICATION: the signature key's, leading to an anchor as well; or NULL */
        bool other_seen;                   /* that file was looked at ... */
        bool shared_key;                   /* ... and names the very key that `leaf` names */
        struct leaf facts;                 /* of the leaf */
        uint8_t print[GATE_PRINT_SIZE];    /* of the leaf's bytes */
        enum card_object leaf_object;      /* the file it lay in */
        bool two_leaves;                   /* two different signature certificates on one card */
        X509 *authorities[GATE_FILES_MAX]; /* every CA certificate seen */
        unsigned int authority_count;
};
void gate_chain_clear(struct gate_chain *chain);
void gate_chain_copy(struct gate_chain *dst,
        const struct gate_chain *src); /* dst is zero; shares by reference */

/* What makes the families of cards differ here. */
enum leaf_class gate_wanted(enum card_family family); /* class of the holder's certificate */
enum trust_scope gate_scope(enum card_family family); /* whose anchors must stand behind it */
/* Certificate files worth reading for that key's certificate, and the n-th of them. */
unsigned int gate_files(enum card_family family, enum card_use use);
enum card_object gate_file(enum card_family family, enum card_use use, unsigned int n);
/* What a chain is for. A family with one key for everything knows no other use. */
void gate_chain_begin(struct gate_chain *chain, enum card_family family, enum card_use use);
/* Is a file still to be read, if there is one, before the chain can be judged? */
bool gate_chain_lacks(const struct gate_chain *chain);
bool gate_has_two_keys(enum card_family family);
/* Whether an issuer that a card carries itself may be learnt, or is only ever an anchor. */
bool gate_learns_issuers(enum card_family family);
/* Whether a PIN that was right gives all tries back, by the card's standard. */
bool gate_tries_return(enum card_family family);

/* One file's bytes; -ENOMEM. *ret_class tells what it was (LEAF_OTHER for what is no certificate). */
_must_check_ int gate_chain_add(struct gate_chain *chain, enum card_object object,
        const uint8_t *der, size_t len, enum leaf_class *ret_class);
/* True if the issuer is known after this call. `candidate` (may be NULL: those on the card) must carry
 * the name that the leaf says issued it and the key that signed the leaf. */
bool gate_chain_find_issuer(struct gate_chain *chain, X509 *candidate);
/* Is it the name that the certificate gives for its issuer, and the key that signed it? */
bool gate_issued(X509 *authority, X509 *cert);
/* Forgets `other` unless it is a signer's and leads to one of these anchors, which may be NULL. */
void gate_chain_judge_other(struct gate_chain *chain, const struct mohr_trust *anchors);
/* The same file again, byte for byte? */
bool gate_same_leaf(const struct gate_chain *chain, const uint8_t *der, size_t len);

/* 0: this card is confirmed (card-facts 1.5 step 5, 7.2 rule 2), else OUTCOME_CARD_NOT_SUPPORTED with a
 * static text for operators. `anchors` may be NULL; if not, the issuer must lead to one of them. A staff
 * card is never confirmed without anchors. */
_must_check_ int gate_confirm(const struct gate_chain *chain, const struct card_identity *identity,
        const struct mohr_trust *anchors, const char **ret_detail);

/* What a card that was away must have kept. */
bool gate_same_kind(const struct card_identity *a, const struct card_identity *b);
bool gate_expired(const struct gate_chain *chain, int64_t now);
/* Signing on the national card is documented, not shown (card-facts 7.3 tier C). A simulated card is
 * never "unproven": it is called simulated instead. */
bool gate_unproven(const struct card_identity *identity, bool simulated);
/* The one copy of the PIN that signing needs, whatever others the card keeps (card-facts 4.10). */
enum pin_copy gate_pin_copy(const struct card_identity *identity);
/* 0, OUTCOME_PIN_BLOCKED, or OUTCOME_CARD_NOT_SUPPORTED when the count of tries is unreadable. */
_must_check_ int gate_counter(const struct pin_counter *counter, const char **ret_detail);

/* References worth asking for the leaf's key, best first. A key whose public part was shown and equals
 * the leaf's is the only candidate; without such an answer the vendor's reference, then the family's. */
size_t gate_keys(const struct gate_chain *chain, const struct card_probe *probe,
        uint8_t refs[CARD_KEYS_MAX]);

/* One way to sign: a key and a method the card accepted, in the order to be tried. */
struct gate_step {
        uint8_t key;
        uint8_t method; /* enum sign_method */
};

/* The n-th question, from 0 on, that is put to a card which does not tell how it signs: would it take this
 * method for this key? False after the last. */
bool gate_trial(const uint8_t *refs, size_t count, unsigned int n, struct gate_step *ret);

/* True if certificate and standard alone tell how the card signs: then nothing is asked or tried. */
bool gate_step_known(const struct gate_chain *chain, const struct card_identity *identity,
        struct gate_step *ret);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* keys.h: what a card's key may be used for by programs that know keys and not Mohr (mohr.Keys), and what was told to whom.
 *
 * A key makes assertions and documents, or it signs what apps hashed, never both: nobody could tell the one from the
 * other afterwards. The key that makes assertions signs by this interface only what daemon/recognise.h knows.
 *
 *   keys.c            the memory: cards that were listed, and answers of the holder while they lie there
 *   keys_mechanism.c  mechanisms as rows: which key has which, what the card is given, whether the signature is one
 *   keys_pss.c        the padding of PSS
 *   keys_list.c       the request that lists
 *   keys_sign.c       the request that signs
 *   keys_turn.c       whose turn it is on a reader
 */
#ifndef MOHR_KEYS_H
#define MOHR_KEYS_H

#include "client-sdk/algorithm.h"
#include "daemon/keys_turn.h"
#include "daemon/recognise.h"
#include "daemon/request.h"

/* Root's configuration has the key that would make assertions sign blocks and digests of apps ... */
static inline bool keys_raw_signature(const struct config *config, enum card_family family)
{
        return (family == CARD_PIV && (config->raw_hash & RAW_HASH_PIV_SIGNATURE)) ||
               (family == CARD_NID && (config->raw_hash & RAW_HASH_NATIONAL));
}
/* ... and so it makes neither assertions nor documents: OUTCOME_POLICY, with this detail. */
#define KEYS_RAW_DETAIL                                                                            \
        "this card's key signs for other programs here ([keys] raw_hash), and so makes no "        \
        "assertion and signs no document"

enum keys_role {
        KEYS_ASSERTS, /* signs what recognise() knows, and nothing else */
        KEYS_FREE,    /* of a staff card: signs any block and digest */
        KEYS_SHA256, /* of a national card whose root said so: signs any digest of SHA-256, which is all it can */
};

#define KEYS_ID_LEN                                                                                \
        40 /* hex digits: the first 20 bytes of the SHA-256 of its SubjectPublicKeyInfo */

struct keys_key {
        X509 *leaf, *issuer; /* the issuer may be NULL */
        enum card_use use;
        enum card_family family;
        enum keys_role role;
        char id[KEYS_ID_LEN + 1];
};

/* A certificate of key 9A that verifiers would take for one of key 9C is treated as such. Shares the certificates. */
_must_check_ int keys_key_init(struct keys_key *ret, const struct config *config,
        enum card_family family, enum card_use use, X509 *leaf, X509 *issuer);
void keys_key_clear(struct keys_key *key);
/* In SSH's writing, for recognise(). Returns its length, 0 if there is none. */
size_t keys_blob(const struct keys_key *key, uint8_t blob[static RECOGNISE_BLOB_MAX]);

/* ---- mechanisms ---- */

struct keys_mechanism;
const struct keys_mechanism *keys_mechanism(const char *name); /* as mohr.Keys names it; or NULL */
bool keys_mechanism_fits(const struct keys_mechanism *mechanism, const struct keys_key *key);
bool keys_mechanism_hashes(const struct keys_mechanism *mechanism); /* it is given all the data */
/* {"data_mechanisms": [...], "hash_mechanisms": [...]}; NULL: no memory */
json_t *keys_mechanisms_json(const struct keys_key *key);

struct keys_sign_params {
        const struct keys_mechanism *mechanism;
        struct view data;
        const char *hash; /* or NULL */
        int salt;         /* -1: as long as the hash */
};
/* What is wrong with them, as the name of a parameter; NULL: nothing. */
const char *keys_params_misfit(const struct keys_sign_params *params);
/* 0, OUTCOME_INVALID (data of a length or form that this key and mechanism cannot sign), -ENOMEM. */
_must_check_ int keys_compose(const struct keys_key *key, const struct keys_sign_params *params,
        struct request_to_sign *ret);
/* Checks what the card made of it, and gives it out as PKCS#11 has it. 0 or OUTCOME_NO_STANDARD_SIGNATURE. */
_must_check_ int keys_finish(const struct keys_key *key, const struct keys_sign_params *params,
        const uint8_t *signature, size_t len, uint8_t ret[static ALGORITHM_SIG_MAX],
        size_t *ret_len);

/* RFC 8017 9.1.1 with MGF1 of the same hash, into `block` of 256 bytes for a modulus of 2048 bits. -EINVAL: the salt does not
 * fit; -ENOMEM. */
_must_check_ int keys_pss_encode(
        const EVP_MD *hash, struct view digest, size_t salt_len, uint8_t block[static 256]);

/* ---- what was told ---- */

#define KEYS_PER_CARD 2
#define KEYS_CARD_LEN 32

struct keys_card {
        uint32_t events; /* the laying-on */
        char number[KEYS_CARD_LEN + 1];
        char request[REQUEST_ID_LEN + 1]; /* in which it was read last */
        bool simulated;
        struct keys_key keys[KEYS_PER_CARD];
        size_t count;
};
void keys_card_clear(struct keys_card *card);

struct keys;
/* The context is borrowed. */
_must_check_ int keys_new(struct keys **ret, struct request_context *context);
struct keys *keys_free(struct keys *keys);
/* Takes the card's keys over and names it; one that was listed before keeps its name. -EIO. *ret is kept until others took
 * its place. */
_must_check_ int keys_put_card(
        struct keys *keys, struct keys_card *card, const struct keys_card **ret);
const struct keys_card *keys_find_card(const struct keys *keys, uint32_t events); /* or NULL */

/* Who asked: one process by one connection, or, where the answer was no, the program. */
struct keys_asker {
        uint64_t connection;
        const struct peer *peer;
};
enum keys_answer { KEYS_UNASKED, KEYS_YES, KEYS_NO };
void keys_note_answer(struct keys *keys, const struct keys_asker *asker, uint32_t events,
        enum keys_answer answer);
enum keys_answer keys_answered(
        const struct keys *keys, const struct keys_asker *asker, uint32_t events);

/* ---- the requests ---- */

struct request_context *keys_context(const struct keys *keys);
/* keys_turn_take(), of these keys' daemon. */
_must_check_ int keys_wait_turn(struct keys_turn **ret, struct keys *keys, const char *reader,
        unsigned int limit_ms, void (*ready)(void *user, int outcome), void *user);

enum keys_error { KEYS_OUTCOME, KEYS_NOT_RECOGNISED, KEYS_MECHANISM_INVALID, KEYS_CARD_CHANGED };

struct keys_end {
        const char *request;
        int outcome;                  /* 0, or what went wrong where `error` says no more */
        enum keys_error error;        /* of mohr.Keys itself */
        const char *detail;           /* or NULL */
        int tries_left;               /* -1 unknown */
        const struct keys_card *card; /* of a list */
        const uint8_t *signature;     /* of a signature */
        size_t len;
};
/* Once, and everything borrowed. The job is gone after it. */
typedef void (*keys_done)(void *user, const struct keys_end *end);

/* Borrowed until `done`, as are the params of a signature. */
struct keys_call {
        struct keys_asker asker;
        const char *reader;
        unsigned int timeout_ms;
        struct person_ui ui;
};

struct keys_list;
/* Asks the holder, and keeps the answer. */
_must_check_ int keys_list_start(struct keys_list **ret, struct keys *keys,
        const struct keys_call *call, keys_done done, void *user);
struct keys_list *keys_list_cancel(struct keys_list *list);

struct keys_sign_job {
        const struct keys_key *key; /* of a keys_find_card() */
        uint32_t events;            /* of that card */
        struct keys_sign_params params;
        keys_done done;
        void *user;
};
struct keys_sign;
/* What this key and mechanism will not do, whoever asks and whatever the holder says; KEYS_OUTCOME: nothing is in the way. */
enum keys_error keys_sign_refusal(const struct keys_sign_job *job, const char **ret_detail);
/* Of a job that was not refused. */
_must_check_ int keys_sign_start(struct keys_sign **ret, struct keys *keys,
        const struct keys_call *call, const struct keys_sign_job *job);
struct keys_sign *keys_sign_cancel(struct keys_sign *sign);

#endif

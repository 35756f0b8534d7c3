/* SPDX-License-Identifier: Apache-2.0 */
/* p11.h: what the files of the PKCS#11 module share.
 *
 * A function of the interface enters, which locks, and leaves with its scope:
 *
 *      _cleanup_p11_ struct p11 *p11 = p11_enter();
 *      if (!p11)
 *              return CKR_CRYPTOKI_NOT_INITIALIZED;
 *
 * Whoever asks mohrd unlocks while waiting (p11_call). Then everything but slots may be gone: sessions and objects
 * are looked up again by their handles, and no pointer to one outlives a wait.
 */
#ifndef MOHR_P11_H
#define MOHR_P11_H

#include "base/base.h"
#include "base/bytes.h"
#include "client-sdk/client.h"
#include "client-sdk/pkcs11/cryptoki.h"
#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <sys/types.h>

#define P11_SLOTS_MAX       64
#define P11_SESSIONS_MAX    1024
#define P11_CALLS_MAX       24  /* of the 32 connections that mohrd gives a process */
#define P11_NAME_MAX        128 /* bytes of a reader's name */
#define P11_CARD_MAX        64
#define P11_KEYS_MAX        8
#define P11_ID_MAX          32
#define P11_LABEL_MAX       128
#define P11_CERTIFICATE_MAX 8192
#define P11_DATA_MAX        8192 /* daemon/mohr.Keys.varlink */
#define P11_SIGNATURE_MAX   512
#define P11_ROWS_MAX        40 /* attributes of an object */

/* ---- What a card holds ---- */

struct p11_row {
        CK_ATTRIBUTE_TYPE type;
        size_t at, len; /* of its object's bytes */
};

struct p11_object {
        CK_OBJECT_HANDLE handle;
        CK_ULONG class;
        size_t key; /* which of the token's */
        struct p11_row rows[P11_ROWS_MAX];
        size_t count, len;
        uint8_t *bytes;
        struct p11_object *next;
};

struct p11_key {
        char id[2 * P11_ID_MAX + 1]; /* hex, as mohrd has it */
        CK_ULONG type;               /* CKK_RSA or CKK_EC */
        CK_ULONG bits;
        uint32_t mechanisms; /* bits by p11_mechanisms' order */
};

struct p11_token {
        char card[P11_CARD_MAX]; /* mohrd's number of this laying-on */
        struct p11_key keys[P11_KEYS_MAX];
        size_t key_count;
        struct p11_object *objects;
};

/* ---- Slots, sessions ---- */

struct p11_slot {
        char name[P11_NAME_MAX + 1]; /* of the reader; for ever this slot's */
        bool listed;                 /* there is such a reader now */
        bool present, busy, simulated;
        bool event;     /* C_WaitForSlotEvent has not told */
        bool logged_in; /* C_Login was called: no more than that */
        bool asked;     /* what the card holds was asked; no token then: nothing for us */
        struct p11_token *token;
};

struct p11_hash {
        CK_MECHANISM_TYPE type;
        CK_ULONG mgf, len;
        const char *name; /* mohr.Keys' */
};

struct p11_signing {
        const struct p11_mechanism *mechanism;
        CK_SLOT_ID slot;
        struct p11_key key;
        char card[P11_CARD_MAX];
        const struct p11_hash *pss; /* RSA-PSS: of which hash */
        CK_ULONG salt;
        bool several; /* C_SignUpdate was called */
        size_t len;
        uint8_t data[P11_DATA_MAX];
};

struct p11_session {
        CK_SESSION_HANDLE handle;
        CK_SLOT_ID slot;
        CK_FLAGS flags;
        bool finding;
        CK_OBJECT_HANDLE *found;
        size_t found_count, found_at;
        struct p11_signing *signing;
        struct p11_session *next;
};

/* ---- The module ---- */

struct p11_lock {
        CK_RV (*lock)(void *mutex);
        CK_RV (*unlock)(void *mutex);
        CK_RV (*destroy)(void *mutex);
        void *mutex;
        pthread_mutex_t own;
};

/* A connection, and which socket it is: its number may be another file's in a forked process. */
struct p11_line {
        struct mohr_client *client;
        ino_t socket;
};

struct p11 {
        _Atomic pid_t claimed, ready; /* the process that initialises, that has initialised it */
        struct p11_lock state;        /* held for a few comparisons */
        struct p11_lock
                turn;  /* held by the one thread that has a card asked: taken before `state` */
        bool ending;   /* C_Finalize waits for those inside */
        size_t inside; /* calls that entered and have not left */
        sem_t left;    /* posted by each that leaves while it ends */
        struct p11_line lines[P11_CALLS_MAX]; /* whatever is open to mohrd */
        struct mohr_client *talk;             /* about cards; the turn's */
        struct mohr_client *watch; /* tells of cards that go, from the first objects on */
        bool pictured;             /* readers were seen once */
        struct p11_slot slots[P11_SLOTS_MAX];
        size_t slot_count;
        struct p11_session *sessions;
        size_t session_count;
        CK_ULONG last_handle; /* sessions and objects are never numbered twice */
};

struct p11 *p11_enter(void); /* NULL: not initialised in this process */
void p11_leave(struct p11 *p11);
static inline void p11_leave_cleanup(struct p11 **entered)
{
        if (*entered)
                p11_leave(*entered);
}
#define _cleanup_p11_ _cleanup_(p11_leave_cleanup)

/* Between these two nothing is locked. After p11_relock() somebody may be finalising: p11_call() sees that by itself. */
void p11_unlock(struct p11 *p11);
void p11_relock(struct p11 *p11);
/* The turn is given back by p11_give_turn(); both let go of `state` meanwhile. */
void p11_take_turn(struct p11 *p11);
void p11_give_turn(struct p11 *p11);
static inline void p11_turn_cleanup(struct p11 **taken)
{
        p11_give_turn(*taken);
}
#define _cleanup_turn_ _cleanup_(p11_turn_cleanup) _unused_
CK_RV p11_locks_make(struct p11 *p11, const CK_C_INITIALIZE_ARGS *args);
void p11_locks_end(struct p11 *p11);

/* ---- mohrd ---- */

/* A connection that C_Finalize can end; 0 or as mohr_client_connect(), -ECANCELED: the module ends. */
_must_check_ int p11_connect(struct p11 *p11, struct mohr_client **ret);
void p11_hang_up(struct p11 *p11, struct mohr_client *client);
/* Asks and waits, at most `seconds`; *ret is to be hung up, and there whatever the result, or NULL. `parameters` are stolen. */
_must_check_ int p11_call(struct p11 *p11, const char *method, json_t *parameters, int seconds,
        struct mohr_client **ret);
/* The same about a card, by whoever has the turn. The answer, or the error, is in p11->talk, which may be NULL. */
_must_check_ int p11_talk(struct p11 *p11, const struct p11_slot *slot, const char *method,
        json_t *parameters, int seconds);
/* Starts a watch; its first picture is known then. */
_must_check_ int p11_watch(struct p11 *p11, struct mohr_client **ret);
/* The parameters that each call about a card has; NULL: no memory. */
json_t *p11_card_parameters(const struct p11_slot *slot);
/* What mohrd said of a call, as PKCS#11 has it. *ret_settled: asking again would bring the same. */
CK_RV p11_result(int r, const struct mohr_client *client, bool *ret_settled);

/* ---- Readers ---- */

/* From mohrd's picture, "readers" of Status or Watch. */
void p11_picture(struct p11 *p11, const json_t *picture);
/* Asks for the readers as they are now; nothing to ask: there are none. */
_must_check_ CK_RV p11_refresh(struct p11 *p11);
/* The same without waiting, if somebody tells by himself. */
void p11_notice(struct p11 *p11);
struct p11_slot *p11_slot(struct p11 *p11, CK_SLOT_ID id); /* NULL: none */
/* The card that lay there does no more: its objects and sessions go. */
void p11_card_gone(struct p11 *p11, struct p11_slot *slot);

/* ---- Tokens ---- */

/* Has the card's keys listed, if nobody asked yet. CKR_OK: slot->token is there, or there is nothing for us. */
_must_check_ CK_RV p11_list(struct p11 *p11, CK_SLOT_ID id);
/* -EBADMSG, -ENOMEM. Handles begin after *last_handle. */
_must_check_ int p11_token_read(struct p11_token **ret, const json_t *reply, CK_ULONG *last_handle);
struct p11_token *p11_token_free(struct p11_token *token);
struct p11_object *p11_object(const struct p11_token *token, CK_OBJECT_HANDLE handle);

struct p11_certificate {                           /* views into the DER */
        struct view serial, issuer, subject, info; /* each whole */
        CK_ULONG type;                             /* CKK_RSA or CKK_EC */
        struct view modulus, exponent;             /* no zeros before them */
        struct view params, point;                 /* the named curve, whole; the point's bytes */
};
/* -EBADMSG: no certificate, or of another kind of key. Nothing is believed because it can be read. */
_must_check_ int p11_certificate_read(struct p11_certificate *ret, const void *der, size_t len);

/* The objects of one key, added to the token; `issuer` may be empty. -ENOMEM. */
_must_check_ int p11_objects_add(struct p11_token *token, size_t key, const char *label,
        struct view der, struct view issuer, CK_ULONG *last_handle);
const struct p11_row *p11_attribute(const struct p11_object *object, CK_ATTRIBUTE_TYPE type);
bool p11_object_matches(
        const struct p11_object *object, const CK_ATTRIBUTE *template, CK_ULONG count);

enum p11_interest {
        P11_NOTHING, /* no object of ours is ever like that */
        P11_LISTED,  /* somebody looks for an issuer or for trust: what is known already is told */
        P11_ASK,
};
enum p11_interest p11_interest(const CK_ATTRIBUTE *template, CK_ULONG count);

/* ---- Mechanisms ---- */

struct p11_mechanism {
        CK_MECHANISM_TYPE type;
        const char *name; /* mohr.Keys' */
        CK_ULONG key;     /* CKK_RSA or CKK_EC */
        bool pss;
        CK_MECHANISM_TYPE hash; /* that it makes itself; 0: it is given a digest or a block */
};
const struct p11_mechanism *p11_mechanism(CK_MECHANISM_TYPE type); /* NULL: none of ours */
/* The bits of those in a list of names; what is not known here is left out. */
uint32_t p11_mechanisms_named(const json_t *names);
uint32_t p11_mechanism_bit(const struct p11_mechanism *mechanism);
/* Those of these bits into ret, which may be NULL; returns how many. */
CK_ULONG p11_mechanisms_told(uint32_t bits, CK_MECHANISM_TYPE *ret);
/* What is known of a PSS parameter; CKR_OK. */
CK_RV p11_pss_read(struct p11_signing *signing, const CK_MECHANISM *asked);
CK_ULONG p11_signature_len(const struct p11_key *key);

/* ---- Sessions ---- */

struct p11_session *p11_session(struct p11 *p11, CK_SESSION_HANDLE handle);
void p11_sessions_close(struct p11 *p11, CK_SLOT_ID slot);
void p11_signing_end(struct p11_session *session);

/* Blank-padded, at most `cap` bytes of UTF-8. */
void p11_pad(CK_UTF8CHAR *dst, size_t cap, const char *text);

#endif

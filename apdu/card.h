/* SPDX-License-Identifier: Apache-2.0 */
/* card.h: what every family of cards can be asked, and the shapes of the answers.
 *
 * A profile (nid, piv) is one struct of functions plus rows of data. It speaks only through
 * the apdu_link of its `struct card` and keeps its state there; it allocates nothing. Each call is
 * one step; the order (who may call what, when) is the helper's state table and, above it, mohrd's
 * gate. A profile still refuses what no caller should ask: a PIN for a reference that did not show
 * its counter in this session, lengths outside its table (card-facts 7.2 rules 2, 3).
 */
#ifndef MOHR_CARD_H
#define MOHR_CARD_H

#include "apdu/apdu.h"
#include "base/outcome.h"

#define CARD_FILE_MAX  16384 /* bytes of one file, card-facts 7.2 rule 10 */
#define CARD_KEYS_MAX  15
#define CARD_LABEL_MAX 64
#define CARD_SIG_MAX   512
#define CARD_ATR_MAX   33
#define CARD_BLOCK_MAX 256 /* what is given to be signed: a digest, or a padded block */
#define CARD_NOTE_MAX  8

enum card_family { CARD_UNKNOWN = 0, CARD_NID = 1, CARD_PIV = 2 };

enum card_generation {
        GENERATION_UNKNOWN = 0, /* right applets, number not known: "Mav, unknown" */
        GENERATION_MAV2,
        GENERATION_MAV3,
        GENERATION_MAV4,
        GENERATION_PARDIS,
        GENERATION_OMID,
};
const char *card_generation_name(enum card_generation generation); /* "mav2", "mav", ... */

struct card_identity {
        enum card_family family;
        enum card_generation generation;
        bool supported;             /* its row allows more than looking */
        char evidence;              /* 'O', 'V', 'D' or 'I': the mark of the row in card-facts.md */
        char label[CARD_LABEL_MAX]; /* ASCII description of the row, for operators */
};

/* What can be read. The three certificate files are told apart by their content, never by this. */
enum card_object {
        OBJECT_CERTIFICATE_1, /* nid: IAS 5100/5040; piv: container 5FC10A, of key 9C */
        OBJECT_CERTIFICATE_2, /* nid: IAS 5000/0303; piv: container 5FC105, of key 9A */
        OBJECT_CERTIFICATE_3, /* nid: IAS 5000/5040 */
        OBJECT_DATES,         /* nid: MPCOS 0300/0303 raw TLV */
        OBJECT_AFIS,          /* nid: MPCOS 0300/0302 raw TLV */
        OBJECT_VERSIONS,      /* nid: MPCOS 0600/0601 raw */
        OBJECT_CSN,           /* 8 bytes */
        OBJECT_CRN,           /* ten ASCII digits */
        OBJECT_PIN_FLAGS, /* nid: MPCOS EF 0010, 8 bytes: of words 2, 3, 4-5, 7 what 4.7 reads */
        OBJECT_COUNT,
};

/* Which of a card's keys is meant. A national card has one that is used, for both. */
enum card_use {
        CARD_USE_SIGNATURE,      /* piv: 9C */
        CARD_USE_AUTHENTICATION, /* piv: 9A */
        CARD_USES
};

enum pin_copy { PIN_COPY_IAS, PIN_COPY_ID, PIN_COPY_EV, PIN_COPY_COUNT };

struct pin_counter {
        bool known;  /* false: the card's answer fits no published pattern */
        int tries;   /* 0 = blocked, valid if known */
        uint16_t sw; /* as answered */
};

struct card_key {
        uint8_t ref;
        uint16_t modulus_len, exponent_len;
        uint8_t modulus[512], exponent[8]; /* big-endian, no leading zero */
};

/* What an operation on a file wants first, as the file's control information says (card-facts 2.9). */
enum card_need {
        NEED_KNOWN = 1 << 0, /* without it: nothing was said that a published shape fits */
        NEED_PIN = 1 << 1,
        NEED_AUTHENTICATION = 1 << 2, /* of the terminal, with the issuer's keys */
        NEED_SECURE_MESSAGING = 1 << 3,
        NEED_ALL = 1 << 4, /* all that is named together; without it any one of them will do */
        NEED_NEVER = 1 << 5,
};
#define CARD_NEEDS 0x3F /* every bit of enum card_need */
/* Nothing but the issuer's keys can do it. */
static inline bool card_needs_keys(uint8_t needs)
{
        uint8_t keys = needs & (NEED_AUTHENTICATION | NEED_SECURE_MESSAGING);
        return keys != 0 && (!(needs & NEED_PIN) || (needs & NEED_ALL));
}

struct card_rules {
        uint8_t read, update; /* sets of enum card_need */
};
#define CARD_RULES_MAX 3 /* of the certificate files, by enum card_object */

struct card_probe {                  /* card-facts 6.6: what is learnt for nothing */
        char label[CARD_LABEL_MAX];  /* applet label, "" if the card has none */
        bool tries_known;            /* the counter of the IAS PIN by GET DATA, a second opinion */
        uint8_t tries;               /* 0..15, valid if known */
        bool changed_known, changed; /* whether that PIN is another than the card came with */
        struct card_rules rules[CARD_RULES_MAX];
        struct card_key keys[CARD_KEYS_MAX];
        unsigned int key_count;
};

/* How a digest becomes a signature, in the order in which they are tried (card-facts 6.4). */
enum sign_method {
        SIGN_RSA_SHA256_CARD, /* algorithm 42, PSO HASH with the bare hash */
        SIGN_RSA_DIGESTINFO,  /* algorithm 02, PSO HASH with DigestInfo */
        SIGN_RSA_BARE_HASH,   /* algorithm 02, PSO HASH with the bare hash */
        SIGN_PIV_RSA2048,     /* piv: algorithm 07, PKCS #1 v1.5 over SHA-256 */
        SIGN_PIV_P256,        /* piv: algorithm 11 over SHA-256; the signature is DER */
        SIGN_PIV_P384,        /* piv: algorithm 14 over SHA-384; the same */
        /* What the caller made; by key 9C only where `raw_signature` of struct card says so. */
        SIGN_PIV_RSA2048_RAW, /* piv: algorithm 07 over a block of 256 bytes, padded by the caller */
        SIGN_PIV_P256_RAW,    /* piv: algorithm 11 over 32 bytes of whatever digest */
        SIGN_PIV_P384_RAW,    /* piv: algorithm 14 over 48 bytes */
        SIGN_METHOD_COUNT,
};

/* What proves the right to choose a new PIN: the present one, or the code that unblocks (PUK). */
enum card_renewal { RENEW_BY_PIN, RENEW_BY_PUK, CARD_RENEWALS };

struct card;

struct card_profile {
        const char *name;
        /* Whether the ATR, which proves nothing, makes this profile the first to be asked. */
        bool (*likely)(const struct card *card);
        /* Side-effect free detection (1.5 steps 2-4). 0, or OUTCOME_CARD_NOT_SUPPORTED. */
        int (*identify)(struct card *card, struct card_identity *ret);
        /* The object's bytes, exactly. OUTCOME_NO_CARD is never used for a missing file: that is
         * OUTCOME_CARD_NOT_SUPPORTED, and card->sw says why. */
        int (*read)(struct card *card, enum card_object object, uint8_t *buf, size_t cap,
                size_t *ret_len);
        /* Only after the issuer was confirmed by the caller: the PIN family starts here. */
        int (*counter)(struct card *card, enum pin_copy copy, struct pin_counter *ret);
        int (*probe)(struct card *card, struct card_probe *ret);
        /* MSE SET for key and method; volatile state only. 0 accepted, OUTCOME_NEEDS_ISSUER_KEYS when
         * the card wants secure messaging, OUTCOME_NO_STANDARD_SIGNATURE when it does not know it. */
        int (*select_method)(struct card *card, uint8_t key_ref, enum sign_method method);
        /* One VERIFY of PIN_COPY_IAS, at most one per call of counter. 0, WRONG_PIN, PIN_BLOCKED, ...;
         * *ret_tries is set (-1 unknown) for 0 and every outcome. `pin` is 4..8 ASCII digits, or NULL:
         * the reader asks (link->pinpad; TIMED_OUT and REFUSED then mean that nothing was sent if
         * card->sw is a word of the reader, see apdu/pinpad.h). */
        int (*verify)(struct card *card, const uint8_t *pin, size_t pin_len, int *ret_tries);
        int (*sign)(struct card *card, uint8_t key_ref, enum sign_method method,
                const uint8_t *block, size_t block_len, uint8_t *sig, size_t cap, size_t *ret_len);
        /* NULL: never, whatever is asked (card-facts 7.2 rule 6: the national card). One command that puts a new
         * PIN in the place of the one that verify() means, at most one per call of counter; results as verify's. The
         * tries are the proof's: those of the code, if it was that. Digits in ASCII. */
        int (*renew)(struct card *card, enum card_renewal how, struct view proof,
                struct view new_pin, int *ret_tries);
        /* Drops verified state by selecting the application again, where the card's standard has that;
         * what else may be left (piv.c) goes with the reset that ends the transaction. */
        int (*clear)(struct card *card);
        /* The two halves of card_note() and card_resume() below; neither speaks to the card. */
        size_t (*note)(const struct card *card, uint8_t note[CARD_NOTE_MAX]);
        int (*resume)(struct card *card, const uint8_t *note, size_t len);
};

/* nid: what is selected and what has been seen; only apdu/nid_*.c look inside. */
struct nid_state {
        const struct nid_row *row;
        uint8_t ias_aid; /* 1 + index of the AID that answered, 0 not known yet */
        bool paths_work; /* a SELECT by path found its file */
        bool stepwise;   /* SELECT by path was refused: do not try again */
        /* From here on gone with card_forget(). */
        uint8_t selected;  /* enum nid_app, 0 not known */
        uint16_t df;       /* current DF, NID_DF_ROOT or NID_DF_UNKNOWN */
        bool counter_seen; /* 63Cx, x > 0, from the PIN since the last SELECT or VERIFY */
        bool verified;     /* VERIFY accepted since the last SELECT */
        bool pin_used;     /* a signature was made since then */
        uint8_t dates_len; /* the dates file, read in passing by identify(); 0 not read */
        uint8_t dates[248];
};

/* piv: the same; only apdu/piv*.c look inside. */
struct piv_state {
        bool found, supported; /* identified, or resumed */
        bool short_name;       /* answers to its name without the version only */
        /* From here on gone with card_forget(). */
        bool selected;
        bool counter_seen; /* 63Cx, x > 0, since the last SELECT or VERIFY */
        bool counter_told; /* the same, or that it is blocked */
        bool verified;     /* VERIFY accepted since the last SELECT, and no signature made since */
};

struct card {
        struct apdu_link *link;
        const struct card_profile *profile; /* set by card_identify */
        uint16_t sw;                        /* last status word, for operators */
        uint8_t atr[CARD_ATR_MAX];
        size_t atr_len;
        bool raw_signature; /* the key that makes assertions signs whatever it is given: root's word, by mohrd */
        struct nid_state nid;
        struct piv_state piv;
};

void card_init(struct card *card, struct apdu_link *link, const uint8_t *atr, size_t atr_len);
/* Asks each compiled-in profile in turn, a likely one first. One that can only look at this card leaves it
 * to another that can do more, unless it was the likely one. */
_must_check_ int card_identify(struct card *card, struct card_identity *ret);
/* What another process needs to go on with this very card without identifying it again: written into
 * `note`, its length returned (0: not possible). Whether the card is the same, and is confirmed, is
 * for the caller to know; card_resume only refuses (OUTCOME_CARD_NOT_SUPPORTED) what cannot fit. */
size_t card_note(const struct card *card, uint8_t note[CARD_NOTE_MAX]);
_must_check_ int card_resume(struct card *card, const uint8_t *note, size_t len);
/* What a card that no profile knows is, by the names that standards give to applications: a text for
 * people in English, or OUTCOME_CARD_NOT_SUPPORTED. Nothing but SELECT is sent. */
_must_check_ int card_name_foreign(struct card *card, char ret_name[CARD_LABEL_MAX]);
/* Anything the card kept is gone (reset, other client, new transaction). Keeps the row. */
void card_forget(struct card *card);

extern const struct card_profile nid_profile;
extern const struct card_profile piv_profile;

/* Parsers of what `read` returns (pure; each has a fuzz target of the same name). */
struct card_date {
        char text[16];        /* decoded ASCII digits and separators, "" if undecodable */
        bool jalali;          /* calendar rule of 3.5 */
        int year, month, day; /* in that calendar, 0 if ambiguous */
        uint8_t raw[32];
        size_t raw_len;
};
_must_check_ int nid_parse_dates(
        struct view file, struct card_date *ret_issued, struct card_date *ret_expires);
_must_check_ int nid_parse_versions(
        struct view file, char *ret_text, size_t cap); /* "CC=20E0 D5=..." or -EBADMSG */
/* Total length of the DER object at the start of data[len], bounded by cap; needs >= 4 bytes. */
_must_check_ int nid_der_length(struct view start, size_t cap, size_t *ret_total);
/* The rules of file `ef` out of what its SELECT answered; not known where that fits no published shape. */
struct card_rules nid_parse_rules(struct view fci, uint16_t ef);

/* piv: the certificate inside a container, and whether it is gzip (SP 800-73-4 part 1, appendix A).
 * -EBADMSG for what the standard does not write. */
_must_check_ int piv_parse_certificate(
        struct view container, struct view *ret_bytes, bool *ret_gzip);

#endif

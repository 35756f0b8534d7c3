/* SPDX-License-Identifier: Apache-2.0 */
/* question.h: what mohrd tells mohr-prompt, and what comes back; the two frames of that channel.
 *
 * Question: u8 version | texts in the order of the struct (u16 length, UTF-8) | u8 tries (255 unknown)
 *           | u16 flags | u16 timeout in seconds | u8 readers | u8 work | u8 asker | u8 required | u8 optional
 *           | u8 content | u8 documents | u8 which of them; then each document:
 *           its four texts as above | u8 kind | u8 form | u8 commitment | u64 size | u32 pages | u32 page of the stamp |
 *           32 bytes digest; nothing after it.
 * Answer:   u8 outcome (0 or enum outcome) | u8 released | u8 remember (0 or 1) | 4..8 ASCII digits, of `staff` 6..8, if and only if the
 *           outcome is 0 and the question was not one whose digits are typed on the reader, about readers, or about
 *           certificates. To one about a single reader NO_CARD says: not this one, another. With any outcome but 0
 *           nothing is released or remembered; with 0 all that was required is released, and nothing that was not asked for.
 *
 * A new PIN (`work`) is answered by a pair instead of the digits: u8 length of what proves the right to it (the present
 * PIN, or the code that unblocks) | its digits | the digits of the new PIN.
 *
 * With `on_phone` the reader is a phone: with `pinpad` it takes the PIN, else what is typed here goes there. With `computer` this is the phone: a
 * paired computer says all this, the person agreed to it there, and nothing is left to be declined. One document is told of at most.
 *
 * The texts are facts, not wording. `tty` to `pinentry` steer programs and hold no control character;
 * the others are for display, come from apps, cards and certificates, and are hostile: whoever shows
 * them passes them through texts.c.
 */
#ifndef MOHR_QUESTION_H
#define MOHR_QUESTION_H

#include "base/bytes.h"

#define QUESTION_VERSION       6
#define QUESTION_FRAME_MAX     40960
#define QUESTION_PIN_MIN       4
#define QUESTION_PIN_MIN_STAFF 6
#define QUESTION_PIN_MAX       8
#define QUESTION_TRIES_MAX     15
#define QUESTION_READER_MAX    128
#define QUESTION_READERS_SHOWN 3
#define QUESTION_PUK           8
#define QUESTION_COMPUTER_MAX  65 /* LINK_NAME_MAX of client-sdk/link/store.h */
#define QUESTION_HOST_MAX      64
#define ANSWER_FRAME_MAX       64

/* Bits of what goes along besides the certificate; client-sdk/claimset.h has the same ones. */
enum {
        SHARE_CARD_GENERATION = 1,
        SHARE_CARD_EXPIRY = 2,
        SHARE_READER = 4,
        SHARE_STATION = 8,
        SHARE_ALL = 15
};

enum question_asker { /* as what the caller is known; `asker_name` is its name as such */
        ASKER_PROGRAM,
        ASKER_SCRIPT, /* `asker_name` is the script, `app` the interpreter */
        ASKER_FLATPAK,
        ASKER_SNAP,
        ASKER_SERVICE,      /* of the system: no program of this user could have made it */
        ASKER_USER_SERVICE, /* of the user */
        ASKERS
};
enum question_work {
        WORK_SIGN,
        WORK_CHANGE_PIN,
        WORK_UNBLOCK_PIN,
        WORK_DOCUMENTS, /* `documents`; with `granted` only the PIN for the one of number `document_at` */
        WORK_CERTIFICATES, /* may the asker see the card's certificates? No PIN is asked for */
        WORK_KEY,          /* `content` is signed: one page says so and takes the PIN */
        WORKS
};
enum question_kind { DOCUMENT_OTHER, DOCUMENT_PDF, DOCUMENT_CMS, DOCUMENT_JSON, DOCUMENT_KINDS };
enum question_form { /* of mohr.Documents.Add */
        FORM_CMS,
        FORM_CMS_ATTACHED,
        FORM_PDF,
        FORM_JWS,
        FORM_COUNTERSIGNATURE, /* `countersigned` of the document is whose signature that is */
        FORMS
};
enum question_content { /* what an app wants signed by a key, as far as it was recognised */
        CONTENT_RAW,    /* a digest or a block: nobody can tell what for */
        CONTENT_TLS,    /* the client's part of a TLS 1.3 handshake */
        CONTENT_SSH, /* login; `content_text` is the user's name there, `content_host` the computer's key, if told */
        CONTENT_CMS, /* signed attributes; `content_text` is the document's digest in hex */
        CONTENTS
};
enum question_commitment { /* what a signature states of why: those of client-sdk/cms.h, in their order */
        COMMITMENT_NONE,
        COMMITMENT_ORIGIN,
        COMMITMENT_RECEIPT,
        COMMITMENT_DELIVERY,
        COMMITMENT_SENDER,
        COMMITMENT_APPROVAL,
        COMMITMENT_CREATION,
        COMMITMENTS
};
#define QUESTION_DOCUMENTS_MAX 64
struct question_document {
        char name[129], countersigned[129]; /* the latter "" for any other form */
        char location[129],
                policy[64]; /* what is stated besides, as the app wants it; "": nothing */
        enum question_commitment commitment;
        uint32_t stamp_page; /* where it is to be seen; 0: nowhere */
        enum question_kind kind;
        enum question_form form;
        uint64_t size;
        uint32_t pages; /* 0: not known */
        uint8_t digest[32];
};

struct question {
        char tty[128], term[64], display[128], language[8], pinentry[256];
        char request[64], app[512], asker_name[256], organization[260], audience[768], purpose[512];
        char given_name[256], family_name[256], card_number[32];
        char reader[QUESTION_READERS_SHOWN * QUESTION_READER_MAX];
        int tries_left; /* -1 unknown */
        bool simulated, tell_unproven, expired;
        bool pinpad; /* consent only: the PIN is typed on the reader's keys afterwards */
        bool choice; /* nothing else is asked than whether the card on `reader` is meant */
        bool search; /* nothing else than whether the cards on `reader_count` readers may be looked at for
                        the one of `card_number`; `reader` names the first of them, one a line */
        bool staff;   /* a card of an organisation: `given_name` is all of the name, `card_number`
                             * the employee's, and the PIN has 6 digits or more */
        bool granted; /* no consent page: it was allowed before; nothing is optional then */
        bool may_remember, recorded;
        bool recorded_identity;   /* with `recorded`: name and number, too ... */
        bool recorded_by_station; /* ... or in a register that is not the holder's; never both */
        uint16_t timeout_s;       /* 1..3600 */
        uint8_t reader_count;
        enum question_work work;
        enum question_asker asker;
        uint8_t required, optional; /* SHARE_ bits; none in both */
        enum question_content content;
        char content_text[256];
        char content_host
                [QUESTION_HOST_MAX]; /* "SHA256:...", as ssh-keygen tells a key; "": not told */
        char computer[QUESTION_COMPUTER_MAX]; /* "": what is asked is asked on this very machine */
        bool on_phone; /* `reader` is a phone's name, and with `pinpad` the keys are the phone's */
        bool not_proven_here;    /* with `computer`: `organization` is that computer's word alone */
        bool authentication_key; /* WORK_KEY: of a staff card, the key that makes no assertions */
        uint8_t document_count, document_at;
        struct question_document documents[QUESTION_DOCUMENTS_MAX];
        bool english_instead; /* in no frame: mohr-prompt found that the terminal cannot show Persian */
};

/* Writes at most QUESTION_FRAME_MAX bytes; *ret_len. -EINVAL if a field is out of its bounds. */
_must_check_ int question_encode(
        const struct question *question, uint8_t *frame, size_t cap, size_t *ret_len);
_must_check_ int question_decode(const void *frame, size_t len, struct question *ret);
size_t question_pin_min(const struct question *question); /* digits of a PIN of this card */

struct answer {
        int outcome;
        uint8_t released; /* SHARE_ bits */
        bool remember;
        struct view pin; /* into the frame */
};

/* -EINVAL unless it is a possible answer to some question, or if there is no room. */
_must_check_ int answer_encode(
        const struct answer *answer, uint8_t *frame, size_t cap, size_t *ret_len);
/* -EBADMSG unless the frame is a well-formed answer to this question. */
_must_check_ int answer_decode(
        const void *frame, size_t len, const struct question *question, struct answer *ret);
bool answer_pin_valid(const void *digits, size_t len); /* 4..8 ASCII digits */
/* False unless it is a pair that answers this work. */
_must_check_ bool answer_pair(enum question_work work, struct view pair, struct view *ret_proof,
        struct view *ret_new_pin);

#endif

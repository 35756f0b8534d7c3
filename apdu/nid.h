/* SPDX-License-Identifier: Apache-2.0 */
/* nid.h: the inside of the profile of Iran's national smart ID card; nobody but apdu/nid_*.c includes it.
 *
 * Three tables hold what the card-facts say: applications (AIDs, how they select and count offsets),
 * generations (which applications make one, what their PIN looks like, how sure that is) and files.
 * The functions walk the tables; none of them asks for a generation by name.
 *
 * Errors: a card that answers against ISO 7816 (too short, too long, no status word) is an answer,
 * OUTCOME_CARD_NOT_SUPPORTED, not a failure of ours. Negative values are callers that broke a rule:
 * -EPERM for a step that was not earned, -EINVAL for an argument outside the tables.
 */
#ifndef MOHR_NID_H
#define MOHR_NID_H

#include "apdu/pin.h"

enum nid_app { NID_NONE, NID_IAS, NID_MPCOS, NID_MANAGER, NID_PARDIS, NID_OMID, NID_APP_COUNT };

#define NID_DF_ROOT    0x3F00
#define NID_DF_UNKNOWN 0xFFFF
#define NID_BLOCK      0xF8 /* bytes of one READ BINARY, card-facts 2.8 */
#define NID_READS_MAX  (CARD_FILE_MAX / NID_BLOCK + 2)
#define NID_AIDS_MAX   3

struct nid_application {
        struct {
                uint8_t bytes[16];
                uint8_t len;
        } aids[NID_AIDS_MAX]; /* in the order to try */
        uint8_t df_p1;        /* P1 of SELECT for a DF below the root */
        uint8_t unit;         /* bytes per step of a READ BINARY offset */
        bool paths;           /* worth trying SELECT by path */
        uint8_t early;        /* 1 + the object that identify() reads in passing, 0 none */
        bool ef_by_id;        /* an EF that P1=02 does not find may be found by P1=00 */
};
extern const struct nid_application nid_applications[NID_APP_COUNT];

struct nid_file {
        enum nid_app app;
        uint16_t df, ef;
        bool der;       /* one DER object at offset 0, the EF may be longer */
        uint8_t expect; /* T=0: bytes to ask for first, since a wrong guess of Le costs an exchange */
};

struct nid_row {
        enum card_generation generation;
        bool supported;
        char evidence;
        const char *label;
        uint8_t history[8], history_len; /* how the historical bytes begin */
        bool by_history;              /* tells this row from its neighbours, not only the order */
        uint8_t needs[2];             /* applications that must answer, in the order to ask */
        uint8_t uses[3];              /* applications that read() may select */
        const struct nid_file *files; /* by enum card_object; NULL: none is published */
        struct pin_format pin;
};
extern const struct nid_row nid_rows[];
extern const size_t nid_row_count;
/* NULL: not a transparent file of such a card. */
const struct nid_file *nid_file_of(const struct nid_row *row, enum card_object object);

/* nid_select.c */
_must_check_ int nid_send(struct card *card, const struct apdu_cmd *cmd, struct apdu_rsp *rsp);
_must_check_ int nid_send_plain(struct card *card, const struct apdu_cmd *cmd); /* no answer data */
_must_check_ int nid_select_app(struct card *card, enum nid_app app);
_must_check_ int nid_reselect(struct card *card, enum nid_app app);
_must_check_ int nid_select_file(struct card *card, const struct nid_file *file);
/* The same, asking for the file's control information; rsp->len stays 0 where the card gives none. */
_must_check_ int nid_select_info(
        struct card *card, const struct nid_file *file, struct apdu_rsp *rsp);
bool nid_may_use(const struct card *card, enum nid_app app);

/* The operations of the profile, by file. */
int nid_read(struct card *card, enum card_object object, uint8_t *buf, size_t cap, size_t *ret_len);
int nid_counter(struct card *card, enum pin_copy copy, struct pin_counter *ret);
int nid_verify(struct card *card, const uint8_t *pin, size_t pin_len, int *ret_tries);
int nid_probe(struct card *card, struct card_probe *ret);
/* nid_rules.c: 0 with what is known, which may be nothing; else the link's answer. */
_must_check_ int nid_ask_rules(
        struct card *card, const struct nid_file *file, struct card_rules *ret);
int nid_select_method(struct card *card, uint8_t key_ref, enum sign_method method);
int nid_sign(struct card *card, uint8_t key_ref, enum sign_method method, const uint8_t *hash,
        size_t hash_len, uint8_t *sig, size_t cap, size_t *ret_len);

#endif

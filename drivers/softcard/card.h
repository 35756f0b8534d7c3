/* SPDX-License-Identifier: Apache-2.0 */
/* card.h: what the files of the software card share; nothing outside this folder includes it.
 *
 * A command comes in as bytes, t0.c or t1.c makes a struct command of it, one application's table of
 * instructions runs it into a struct answer that knows no transport, and t0.c or t1.c cuts the
 * answer to what that transport can carry. faults.c stands around all of it.
 */
#ifndef MOHR_SOFTCARD_CARD_H
#define MOHR_SOFTCARD_CARD_H

#include "drivers/softcard/faults.h"
#include "drivers/softcard/options.h"

#include <openssl/evp.h>
#include <openssl/x509.h>

#define ANSWER_MAX 3584
#define CHAIN_MAX  1024
#define FILES_MAX  24
#define ATR_MAX    33

enum application {
        APP_NONE,
        APP_MANAGER,
        APP_IAS,
        APP_MPCOS,
        APP_DOMAIN,
        APP_PIV,
        APP_ISD,
        APP_PARDIS,
        APP_MATIRAN_1,
        APP_MATIRAN_2,
        APP_OMID,
        APP_OMID_DATA
};
#define HAS(application) (1u << (application))

enum pin_copy { PIN_IAS, PIN_ID, PIN_EV, PIN_01, PIN_PIV, PIN_GLOBAL, PIN_PUK, PIN_COPIES };

struct command {
        uint8_t cla, ins, p1, p2;
        struct view data;
        bool has_le;
        size_t le; /* 1..65536 */
};

/* What a wrong Le does to this answer, where the transport leaves a choice. */
enum fit { FIT_ANY, FIT_READ, FIT_DATA };

struct answer {
        uint8_t bytes[ANSWER_MAX];
        struct out out; /* over bytes */
        uint16_t sw;
        enum fit fit;
        bool outgoing; /* T=0: comes by itself instead of through 61xx */
};

struct instruction {
        uint8_t cla, ins;
        void (*run)(struct softcard *card, const struct command *cmd, struct answer *ans);
};

/* files.c: a tree in an array; a parent always stands before its children. */
enum access { ACCESS_FREE, ACCESS_DENIED, ACCESS_PIN, ACCESS_KEYS, ACCESS_SM };
struct file {
        enum application app;
        uint16_t id;
        int parent; /* index, -1 for a master file */
        bool is_df;
        enum access access;
        uint8_t *data; /* owned */
        size_t len;
};

struct key {
        uint8_t ref;
        EVP_PKEY *pkey; /* owned, NULL: no such key */
};

/* What is another person's, while it is not in use (switch laid-back). */
struct spare {
        int leaf;      /* index of the signature certificate's file */
        uint8_t *data; /* owned; NULL: there is no other person */
        size_t len;
        EVP_PKEY *pkey; /* owned */
        char number[11];
};

struct signing {
        bool environment; /* MSE SET was accepted */
        uint8_t algorithm;
        const struct key *key;
        uint8_t hash[64];
        size_t hash_len; /* 0: no PSO HASH yet */
};

struct profile {
        const char *name, *atr; /* hex */
        bool t0;
        unsigned int apps;        /* HAS() bits */
        const char *overrides[6]; /* settings that differ from the table's defaults */
};

struct softcard {
        struct setting settings[SWITCH_COUNT];
        const struct profile *profile;
        struct replay *replay;             /* owned, NULL: the card answers by itself */
        struct profile replayed;           /* its profile then */
        uint8_t modulus[512], exponent[8]; /* of keys[0], then */
        uint8_t atr[ATR_MAX];
        size_t atr_len;
        struct softcard_nv own_nv, *nv;
        struct softcard_stats stats;
        int wake_fd; /* readable: every modelled delay ends at once; -1: none */

        struct file files[FILES_MAX];
        size_t file_count;
        struct key keys[2]; /* signature, authentication */
        struct spare spare;
        struct piv *piv;       /* owned, NULL: not such a card; see piv.h */
        struct piv *piv_other; /* owned: another person's, NULL: there is none */
        char number[11];       /* the certificate's ten digits */

        bool powered, removed;
        int64_t back_at; /* monotonic ms at which a removed card comes back, 0: not by itself */
        unsigned int mute_next_ms;
        struct faults faults;

        enum application app;
        int df, ef; /* indices into files, -1: none */
        bool verified[PIN_COPIES];
        bool stale_given; /* start-verified has had its turn */
        struct signing signing;
        uint8_t chain[CHAIN_MAX];
        size_t chain_len;
        uint8_t chain_header[3];
        uint8_t pending[ANSWER_MAX]; /* waits for GET RESPONSE */
        size_t pending_len, pending_pos;
};

/* card.c */
bool setting_is(const struct softcard *card, enum switch_id id, const char *value);
void card_wait(const struct softcard *card, unsigned int ms);
int64_t card_clock_ms(void);
void card_drop_state(struct softcard *card); /* PIN, environment, hash, chain */
void card_reset(struct softcard *card);      /* as power_on, without counting as insertion */
void card_lift(struct softcard *card, unsigned int back_in_ms);

/* dispatch.c */
void card_run(struct softcard *card, const struct command *cmd, struct answer *ans);
static inline void answer_sw(struct answer *ans, uint16_t sw)
{
        ans->out.len = 0;
        ans->sw = sw;
}
static inline uint16_t sw_count(uint16_t base, size_t n)
{
        return (uint16_t)(base | (n >= 256 ? 0 : n));
}

/* t0.c, t1.c: 0, or the status word to answer. -1 from t0_parse: the card falls silent. */
int t0_parse(struct softcard *card, const uint8_t *bytes, size_t len, struct command *ret);
void t0_fit(struct softcard *card, const struct command *cmd, struct answer *ans);
int t1_parse(const struct softcard *card, const uint8_t *bytes, size_t len, struct command *ret);
void t1_fit(struct softcard *card, const struct command *cmd, struct answer *ans);
void pending_put(struct softcard *card, const uint8_t *data, size_t len);
void pending_get(struct softcard *card, const struct command *cmd, struct answer *ans);

/* profiles.c */
const struct profile *profile_find(const char *name);

/* replay_card.c */
_must_check_ int card_load_replay(struct softcard *card);
void card_fill_replay(struct softcard *card);

/* matiran.c */
_must_check_ int matiran_personalise(struct softcard *card);

/* personalise.c */
_must_check_ int card_add_leaf(struct softcard *card, int df);   /* 5040, and its key */
_must_check_ int card_add_issuer(struct softcard *card, int df); /* 0303 */
_must_check_ int card_personalise(struct softcard *card);
_must_check_ int pki_load_cert(const struct softcard *card, const char *name, X509 **ret);
_must_check_ int pki_load_key(const struct softcard *card, const char *name, EVP_PKEY **ret);
void card_change_holder(struct softcard *card); /* nothing, where there is no other */

/* files.c */
_must_check_ int file_add(struct softcard *card, enum application app, uint16_t id, int parent,
        int *ret_index); /* a DF */
_must_check_ int file_add_ef(struct softcard *card, uint16_t id, int parent, enum access access,
        const void *data, size_t len);
void files_root(struct softcard *card); /* the application's master file becomes current */
void file_select(struct softcard *card, const struct command *cmd, struct answer *ans);
void file_read(struct softcard *card, const struct command *cmd, struct answer *ans);
void files_free(struct softcard *card);

/* pins.c */
void pin_verify_ias(struct softcard *card, const struct command *cmd, struct answer *ans);
void pin_verify_mpcos(struct softcard *card, const struct command *cmd, struct answer *ans);
void pin_verify_piv(struct softcard *card, const struct command *cmd, struct answer *ans);
/* One real try. `comparable` is false for data that cannot match whatever the PIN is. */
void pin_attempt(struct softcard *card, enum pin_copy copy, struct view given, bool comparable,
        struct answer *ans);
bool pin_is_piv(struct view data); /* six to eight digits, filled up with FF */
unsigned int pin_left(const struct softcard *card, enum pin_copy copy);
uint8_t *pin_failures(const struct softcard *card, enum pin_copy copy);

/* sign.c */
void sign_set_environment(struct softcard *card, const struct command *cmd, struct answer *ans);
void sign_operation(struct softcard *card, const struct command *cmd, struct answer *ans);
const struct key *key_find(const struct softcard *card, uint8_t ref);
_must_check_ int key_sign(const struct softcard *card, const struct key *key, uint8_t algorithm,
        struct view hash, uint8_t *sig, size_t *len);

/* piv.c, piv_data.c */
_must_check_ int pivcard_personalise(struct softcard *card);
struct piv *pivcard_free(struct piv *piv);
void pivcard_change_holder(struct softcard *card);
void pivcard_hears(
        struct softcard *card, const struct command *cmd); /* each command, before it runs */
void pivcard_answer_select(const struct softcard *card, struct answer *ans);

/* One table per application, ending with run == NULL. */
extern const struct instruction ias_instructions[];
extern const struct instruction mpcos_instructions[];
extern const struct instruction manager_instructions[];
extern const struct instruction domain_instructions[];
extern const struct instruction matiran_instructions[];
extern const struct instruction isd_instructions[];
extern const struct instruction pivcard_instructions[];

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* known.c: see known.h. Three small rings, searched from end to end: they hold tens of entries, and a
 * hash table would be the longer program.
 *
 * Why it is safe to remember: a card's entry is tied to one laying-on of one card, which the watcher
 * numbers; a card that left, however shortly, has another number. A key's entry only orders what is
 * tried first, or refuses early; every signature is still checked. An issuer is put here after its key
 * was seen to have signed a leaf of its name (and leads to an anchor where anchors are configured), and
 * is believed again only for a leaf that its key signed: so a wrong entry can waste room, not trust.
 */
#include "daemon/known.h"

#include "base/file.h"
#include "client-sdk/store.h"
#include "daemon/issuer_files.h"

#include <stdio.h>
#include <sys/stat.h>

#define CARDS_MAX   32
#define KEYS_MAX    64
#define ISSUERS_MAX 16
#define TOLD_NAME   "told-unproven"

struct known {
        const struct config *config;
        const struct log *log;
        struct mohr_trust *anchors[TRUST_SCOPES];
        bool told;
        size_t next_card, next_key, next_issuer;
        struct {
                uint32_t events;
                struct known_card *card;
        } cards[CARDS_MAX];
        struct {
                bool used;
                uint8_t print[GATE_PRINT_SIZE];
                struct known_key key;
        } keys[KEYS_MAX];
        X509 *issuers[ISSUERS_MAX];
};

static int told_path(const struct known *known, char **ret)
{
        if (!known->config->state_dir)
                return -ENOENT;
        return asprintf(ret, "%s/" TOLD_NAME, known->config->state_dir) < 0 ? -ENOMEM : 0;
}

static bool was_told(const struct known *known)
{
        _cleanup_free_ char *path = NULL;
        struct stat st;
        return told_path(known, &path) == 0 && lstat(path, &st) == 0 && S_ISREG(st.st_mode) &&
               st.st_uid == getuid();
}

struct source {
        const char *configured;
        int (*load)(struct mohr_trust **ret, const char *path, char *problem, size_t problem_cap);
        const char *name;
};

static int load_scope(struct known *known, enum trust_scope scope, const struct source *source,
        char *problem, size_t cap)
{
        struct mohr_trust **slot = &known->anchors[scope];
        int r = 0;
        if (source->configured)
                r = source->load(slot, source->configured, problem, cap);
        else if (known->config->store)
                r = store_load(slot, scope, problem, cap);
        if (r == 0 && *slot)
                log_kv(known->log, LOG_LEVEL_INFO, NULL, "anchors", "for", source->name, "from",
                        source->configured ? source->configured : "what mohr trust keeps", NULL);
        return r;
}

/* Two objects, not one with two scopes: what is configured for one is out of the other's reach. */
static int load_anchors(struct known *known, char *problem, size_t cap)
{
        const struct config *config = known->config;
        const struct source sources[TRUST_SCOPES] = {
                [TRUST_CITIZENS] = { config->anchors, mohr_trust_load, "national cards" },
                [TRUST_STAFF] = { config->staff_anchors, mohr_trust_load_staff, "staff cards" },
        };
        int r = 0;
        for (enum trust_scope scope = 0; r == 0 && scope < TRUST_SCOPES; scope++)
                r = load_scope(known, scope, &sources[scope], problem, cap);
        return r;
}

static void remember_issuer(void *user, X509 *issuer)
{
        struct known *known = user;
        X509_up_ref(issuer);
        X509_free(known->issuers[known->next_issuer]);
        known->issuers[known->next_issuer] = issuer;
        known->next_issuer = (known->next_issuer + 1) % ISSUERS_MAX;
}

/* What cannot be read is read from the next card instead. */
static void recall_issuers(struct known *known)
{
        char problem[256] = "out of memory";
        const struct mohr_trust *anchors = known->anchors[TRUST_CITIZENS];
        if (!anchors || !known->config->state_dir)
                return;
        if (issuer_files_read(known->config->state_dir, anchors, remember_issuer, known, problem,
                    sizeof problem) != 0)
                log_kv(known->log, LOG_LEVEL_WARNING, NULL, "not all kept issuers are used",
                        "error", problem, NULL);
}

static void keep_issuer(const struct known *known, X509 *issuer)
{
        if (!known->anchors[TRUST_CITIZENS] || !known->config->state_dir)
                return; /* nobody vouched for it: it is good for this process alone */
        int r = issuer_files_keep(known->config->state_dir, issuer);
        if (r < 0)
                log_kv(known->log, LOG_LEVEL_NOTICE, NULL, "an issuer cannot be kept", "error",
                        strerror(-r), NULL);
}

int known_new(struct known **ret, const struct config *config, const struct log *log)
{
        struct known *known = calloc(1, sizeof *known);
        if (!known)
                return -ENOMEM;
        known->config = config;
        known->log = log;
        char problem[256] = "out of memory";
        int r = load_anchors(known, problem, sizeof problem);
        if (r != 0) {
                log_kv(log, LOG_LEVEL_ERR, NULL, "trust anchors cannot be loaded", "error", problem,
                        NULL);
                known_free(known);
                return r < 0 ? r : -EINVAL;
        }
        recall_issuers(known);
        known->told = was_told(known);
        *ret = known;
        return 0;
}

static void drop_card(struct known *known, size_t at)
{
        if (known->cards[at].card)
                known_card_clear(known->cards[at].card);
        free(known->cards[at].card);
        known->cards[at].card = NULL;
}

struct known *known_free(struct known *known)
{
        if (!known)
                return NULL;
        for (size_t i = 0; i < CARDS_MAX; i++)
                drop_card(known, i);
        for (size_t i = 0; i < ISSUERS_MAX; i++)
                X509_free(known->issuers[i]);
        for (size_t i = 0; i < TRUST_SCOPES; i++)
                mohr_trust_free(known->anchors[i]);
        free(known);
        return NULL;
}

void known_card_clear(struct known_card *card)
{
        gate_chain_clear(&card->chain);
        *card = (struct known_card){ 0 };
}

void known_card_copy(struct known_card *dst, const struct known_card *src)
{
        *dst = *src;
        dst->chain = (struct gate_chain){ 0 };
        gate_chain_copy(&dst->chain, &src->chain);
}

/* A card with one key for everything is known for every use of it. */
static bool is_entry(const struct known *known, size_t at, uint32_t events, enum card_use use)
{
        const struct known_card *card = known->cards[at].card;
        return card && known->cards[at].events == events &&
               (card->chain.use == use || !gate_has_two_keys(card->identity.family));
}

const struct known_card *known_card_find(
        const struct known *known, uint32_t events, enum card_use use)
{
        for (size_t i = 0; i < CARDS_MAX; i++)
                if (is_entry(known, i, events, use))
                        return known->cards[i].card;
        return NULL;
}

void known_card_tries(struct known *known, uint32_t events, int tries)
{
        for (size_t i = 0; i < CARDS_MAX; i++)
                if (known->cards[i].card && known->cards[i].events == events)
                        known->cards[i].card->tries = tries;
}

/* Where the entry for this card goes: its old place, or the oldest one. */
static size_t place_card(struct known *known, uint32_t events, enum card_use use)
{
        for (size_t i = 0; i < CARDS_MAX; i++)
                if (is_entry(known, i, events, use))
                        return i;
        size_t at = known->next_card;
        known->next_card = (at + 1) % CARDS_MAX;
        return at;
}

void known_card_put(struct known *known, uint32_t events, const struct known_card *card)
{
        struct known_card *copy = calloc(1, sizeof *copy);
        if (!copy)
                return; /* then it is read again */
        known_card_copy(copy, card);
        size_t at = place_card(known, events, card->chain.use);
        drop_card(known, at);
        known->cards[at].events = events;
        known->cards[at].card = copy;
}

const struct known_key *known_key_find(
        const struct known *known, const uint8_t print[GATE_PRINT_SIZE])
{
        for (size_t i = 0; i < KEYS_MAX; i++)
                if (known->keys[i].used &&
                        memcmp(known->keys[i].print, print, GATE_PRINT_SIZE) == 0)
                        return &known->keys[i].key;
        return NULL;
}

static size_t place_key(struct known *known, const uint8_t print[GATE_PRINT_SIZE])
{
        for (size_t i = 0; i < KEYS_MAX; i++)
                if (known->keys[i].used &&
                        memcmp(known->keys[i].print, print, GATE_PRINT_SIZE) == 0)
                        return i;
        size_t at = known->next_key;
        known->next_key = (at + 1) % KEYS_MAX;
        return at;
}

void known_key_put(
        struct known *known, const uint8_t print[GATE_PRINT_SIZE], const struct known_key *key)
{
        struct known_key copy = *key; /* `key` may be the very entry that is replaced */
        size_t at = place_key(known, print);
        known->keys[at].used = true;
        memmove(known->keys[at].print, print, GATE_PRINT_SIZE);
        known->keys[at].key = copy;
}

X509 *known_issuer_find(const struct known *known, const struct gate_chain *chain)
{
        struct gate_chain trial = { .leaf = chain->leaf };
        for (size_t i = 0; i < ISSUERS_MAX; i++)
                if (known->issuers[i] && gate_chain_find_issuer(&trial, known->issuers[i])) {
                        X509_free(trial.issuer); /* the ring keeps its own */
                        return known->issuers[i];
                }
        return NULL;
}

void known_issuer_put(struct known *known, X509 *issuer)
{
        for (size_t i = 0; i < ISSUERS_MAX; i++)
                if (known->issuers[i] && X509_cmp(known->issuers[i], issuer) == 0)
                        return;
        remember_issuer(known, issuer);
        keep_issuer(known, issuer);
}

bool known_issuer_is(const struct known *known, const X509 *issuer)
{
        for (size_t i = 0; i < ISSUERS_MAX; i++)
                if (issuer && known->issuers[i] == issuer)
                        return true;
        return false;
}

const struct mohr_trust *known_anchors(const struct known *known, enum trust_scope scope)
{
        return known->anchors[scope];
}

bool known_told_unproven(const struct known *known)
{
        return known->told;
}

static int remember_told(const struct known *known)
{
        static const char text[] =
                "The holder was told that signing with a national card is unproven.\n";
        _cleanup_free_ char *path = NULL;
        int r = told_path(known, &path);
        if (r == 0)
                r = file_make_folders(known->config->state_dir, 0700);
        return r == 0 ? file_replace(path, text, sizeof text - 1, 0600) : r;
}

void known_tell_unproven(struct known *known)
{
        if (known->told)
                return;
        known->told = true; /* for this process in any case */
        int r = remember_told(known);
        if (r < 0)
                log_kv(known->log, LOG_LEVEL_WARNING, NULL,
                        "cannot remember that the holder was told", "folder",
                        known->config->state_dir ? known->config->state_dir : "", "error",
                        strerror(-r), NULL);
}

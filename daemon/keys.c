/* SPDX-License-Identifier: Apache-2.0 */
/* keys.c: see keys.h. What a key is, and two small rings: cards that were listed, and what their holders answered.
 *
 * A card is known by its laying-on, as the watcher numbers it; to apps it has a number of its own that nobody can guess
 * and that no later process of the daemon gives again. A yes stands for one process on one connection, so that it is over when
 * the program is; a no stands for the program, or a new connection would be a new question.
 */
#include "daemon/keys.h"

#include "client-sdk/leaf.h"

#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/sha.h>
#include <openssl/x509v3.h>
#include <sys/random.h>

#define CARDS_MAX   8
#define ANSWERS_MAX 64

struct told {
        uint32_t events;
        enum keys_answer answer;
        uint64_t connection; /* of a yes */
        pid_t pid;
        char app[PEER_KEY_MAX]; /* of a no */
};

struct keys {
        struct request_context *context;
        struct keys_card cards[CARDS_MAX];
        struct told answers[ANSWERS_MAX];
        size_t next_card, next_answer;
};

/* ---- a key --------------------------------------------------------------------------------- */

static enum keys_role role_of(
        const struct config *config, enum card_family family, enum card_use use, X509 *leaf)
{
        bool asserts = use == CARD_USE_SIGNATURE || leaf_commits(leaf);
        if (asserts && !(use == CARD_USE_SIGNATURE && keys_raw_signature(config, family)))
                return KEYS_ASSERTS;
        return family == CARD_PIV ? KEYS_FREE : KEYS_SHA256;
}

/* Of the public key and not of its certificate: it stays when that is renewed. */
static int id_of(X509 *leaf, char id[static KEYS_ID_LEN + 1])
{
        unsigned char *der = NULL, print[SHA256_DIGEST_LENGTH];
        int len = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(leaf), &der);
        bool done = len > 0 && SHA256(der, (size_t)len, print);
        OPENSSL_free(der);
        ERR_clear_error();
        if (!done)
                return -ENOMEM;
        hex_encode(id, print, KEYS_ID_LEN / 2);
        return 0;
}

int keys_key_init(struct keys_key *ret, const struct config *config, enum card_family family,
        enum card_use use, X509 *leaf, X509 *issuer)
{
        struct keys_key key = { .leaf = leaf, .issuer = issuer, .use = use, .family = family };
        key.role = role_of(config, family, use, leaf);
        int r = id_of(leaf, key.id);
        if (r < 0)
                return r;
        X509_up_ref(leaf);
        if (issuer)
                X509_up_ref(issuer);
        *ret = key;
        return 0;
}

void keys_key_clear(struct keys_key *key)
{
        X509_free(key->leaf);
        X509_free(key->issuer);
        *key = (struct keys_key){ 0 };
}

/* ---- as SSH writes it ---------------------------------------------------------------------- */

static void put_string(struct out *out, const void *data, size_t len)
{
        out_u32(out, (uint32_t)len);
        out_bytes(out, data, len);
}

/* RFC 4251 section 5, mpint: a zero before a leading bit that is set. */
static void put_number(struct out *out, EVP_PKEY *key, const char *name)
{
        uint8_t bytes[1 + RECOGNISE_BLOB_MAX] = { 0 };
        BIGNUM *number = NULL;
        if (EVP_PKEY_get_bn_param(key, name, &number) != 1 ||
                BN_num_bytes(number) > RECOGNISE_BLOB_MAX)
                out->error = -ENOSPC;
        size_t len = out->error ? 0 : (size_t)BN_bn2bin(number, bytes + 1);
        BN_free(number);
        bool zero = len > 0 && bytes[1] & 0x80;
        put_string(out, zero ? bytes : bytes + 1, len + (zero ? 1 : 0));
}

/* RFC 5656 3.1, the point uncompressed. */
static void put_point(struct out *out, EVP_PKEY *key, size_t field)
{
        static const char *const names[] = { OSSL_PKEY_PARAM_EC_PUB_X, OSSL_PKEY_PARAM_EC_PUB_Y };
        uint8_t point[1 + 2 * 48] = { 0x04 };
        for (size_t i = 0; i < ARRAY_LEN(names); i++) {
                BIGNUM *number = NULL;
                if (EVP_PKEY_get_bn_param(key, names[i], &number) != 1 ||
                        BN_bn2binpad(number, point + 1 + i * field, (int)field) < 0)
                        out->error = -ENOSPC;
                BN_free(number);
        }
        put_string(out, point, 1 + 2 * field);
}

size_t keys_blob(const struct keys_key *key, uint8_t blob[static RECOGNISE_BLOB_MAX])
{
        EVP_PKEY *pkey = X509_get0_pubkey(key->leaf);
        struct out out = out_new(blob, RECOGNISE_BLOB_MAX);
        bool large = EVP_PKEY_get_bits(pkey) == 384;
        if (EVP_PKEY_get_base_id(pkey) == EVP_PKEY_RSA) {
                put_string(&out, "ssh-rsa", 7);
                put_number(&out, pkey, OSSL_PKEY_PARAM_RSA_E);
                put_number(&out, pkey, OSSL_PKEY_PARAM_RSA_N);
        } else {
                put_string(&out, large ? "ecdsa-sha2-nistp384" : "ecdsa-sha2-nistp256", 19);
                put_string(&out, large ? "nistp384" : "nistp256", 8);
                put_point(&out, pkey, large ? 48 : 32);
        }
        ERR_clear_error();
        return out_done(&out) == 0 ? out.len : 0;
}

/* ---- cards --------------------------------------------------------------------------------- */

void keys_card_clear(struct keys_card *card)
{
        for (size_t i = 0; i < card->count; i++)
                keys_key_clear(&card->keys[i]);
        *card = (struct keys_card){ 0 };
}

int keys_new(struct keys **ret, struct request_context *context)
{
        struct keys *keys = calloc(1, sizeof *keys);
        if (!keys)
                return -ENOMEM;
        keys->context = context;
        *ret = keys;
        return 0;
}

int keys_wait_turn(struct keys_turn **ret, struct keys *keys, const char *reader,
        unsigned int limit_ms, void (*ready)(void *user, int outcome), void *user)
{
        return keys_turn_take(ret, keys->context->reader_turns, reader, limit_ms, ready, user);
}

struct request_context *keys_context(const struct keys *keys)
{
        return keys->context;
}

struct keys *keys_free(struct keys *keys)
{
        for (size_t i = 0; keys && i < CARDS_MAX; i++)
                keys_card_clear(&keys->cards[i]);
        free(keys);
        return NULL;
}

const struct keys_card *keys_find_card(const struct keys *keys, uint32_t events)
{
        for (size_t i = 0; i < CARDS_MAX; i++)
                if (keys->cards[i].count > 0 && keys->cards[i].events == events)
                        return &keys->cards[i];
        return NULL;
}

static int make_number(char number[static KEYS_CARD_LEN + 1])
{
        uint8_t random[KEYS_CARD_LEN / 2];
        if (getrandom(random, sizeof random, 0) != (ssize_t)sizeof random)
                return -EIO;
        hex_encode(number, random, sizeof random);
        return 0;
}

int keys_put_card(struct keys *keys, struct keys_card *card, const struct keys_card **ret)
{
        struct keys_card *old = (struct keys_card *)keys_find_card(keys, card->events);
        struct keys_card *place = old ? old : &keys->cards[keys->next_card];
        if (old)
                memcpy(card->number, old->number, sizeof card->number);
        else if (make_number(card->number) < 0)
                return -EIO;
        if (!old)
                keys->next_card = (keys->next_card + 1) % CARDS_MAX;
        keys_card_clear(place);
        *place = *card;
        *card = (struct keys_card){ 0 };
        *ret = place;
        return 0;
}

/* ---- answers ------------------------------------------------------------------------------- */

void keys_note_answer(
        struct keys *keys, const struct keys_asker *asker, uint32_t events, enum keys_answer answer)
{
        struct told *place = &keys->answers[keys->next_answer];
        keys->next_answer = (keys->next_answer + 1) % ANSWERS_MAX;
        *place = (struct told){
                .events = events,
                .answer = answer,
                .connection = asker->connection,
                .pid = asker->peer->pid,
        };
        peer_key(asker->peer, place->app);
}

static bool is_of(const struct told *told, const struct keys_asker *asker, const char *app)
{
        if (told->answer == KEYS_YES)
                return told->connection == asker->connection && told->pid == asker->peer->pid;
        return told->answer == KEYS_NO && strcmp(told->app, app) == 0;
}

enum keys_answer keys_answered(
        const struct keys *keys, const struct keys_asker *asker, uint32_t events)
{
        char app[PEER_KEY_MAX];
        peer_key(asker->peer, app);
        for (size_t i = 0; i < ANSWERS_MAX; i++)
                if (keys->answers[i].events == events && is_of(&keys->answers[i], asker, app))
                        return keys->answers[i].answer;
        return KEYS_UNASKED;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* gate.c: see gate.h. Card-facts 1.5 step 5 and 7.2 rules 1, 2, 12, 13, written as decisions.
 *
 * "Confirmed" means all of: the card's row in the profile's table allows more than looking; exactly one
 * signature certificate, of the shape of card-facts 5.1, with an RSA key of 2048 to 4096 bits; its
 * issuer is named as the national registry's; and the card (or our memory) holds a CA certificate of
 * that name whose key really signed it. Without anchors that is all that can be known offline: a forger
 * may issue such a pair himself, but then the PIN he learns is one he had to be handed with his card.
 * With anchors configured the issuer must lead to one of them as well, at any time of validity: an
 * expired chain is still a chain, and dates are reported, not hidden (card-facts 5.2).
 *
 * A staff card (PIV) is another thing altogether: no authority is known beforehand, so it is confirmed
 * only by an anchor that somebody configured for staff, and only if that anchor itself signed the
 * holder's certificate. Nothing that looks like a national certificate is taken from it, whoever issued it.
 *
 * It has two keys that are used: 9C makes assertions, 9A signs what apps hand in. So whoever wants 9A reads both
 * certificates, and a card on which they are one key is refused: what an app hands in would be an assertion's.
 */
#include "daemon/gate.h"

#include "client-sdk/algorithm.h"

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <openssl/sha.h>
#include <openssl/x509v3.h>

#define RSA_BITS_MIN 2048
#define RSA_BITS_MAX 4096

/* What a family is, as data; the one that does not exist refuses everything. */
static const struct family {
        enum leaf_class wanted;
        enum trust_scope scope;
        bool learns_issuers, tries_return, two_keys;
} families[] = {
        [CARD_UNKNOWN] = { LEAF_SIGNATURE, TRUST_CITIZENS, false, false, false },
        [CARD_NID] = { LEAF_SIGNATURE, TRUST_CITIZENS, true, false, false },
        [CARD_PIV] = { LEAF_STAFF, TRUST_STAFF, false, true, true },
};

/* In the order in which they are read. Where there are two keys the first is that of the one which is wanted. */
static const struct files {
        unsigned int count;
        enum card_object objects[GATE_FILES_MAX];
} files[][CARD_USES] = {
        [CARD_UNKNOWN] = { { 0 }, { 0 } },
        [CARD_NID] = { { 3, { OBJECT_CERTIFICATE_1, OBJECT_CERTIFICATE_2, OBJECT_CERTIFICATE_3 } },
                { 3, { OBJECT_CERTIFICATE_1, OBJECT_CERTIFICATE_2, OBJECT_CERTIFICATE_3 } } },
        [CARD_PIV] = { { 1, { OBJECT_CERTIFICATE_1 } },
                { 2, { OBJECT_CERTIFICATE_2, OBJECT_CERTIFICATE_1 } } },
};

static const struct family *row_of(enum card_family family)
{
        return &families[(size_t)family < ARRAY_LEN(families) ? family : CARD_UNKNOWN];
}

enum leaf_class gate_wanted(enum card_family family)
{
        return row_of(family)->wanted;
}

enum trust_scope gate_scope(enum card_family family)
{
        return row_of(family)->scope;
}

static const struct files *files_of(enum card_family family, enum card_use use)
{
        return &files[(size_t)family < ARRAY_LEN(files) ? family : CARD_UNKNOWN][use];
}

unsigned int gate_files(enum card_family family, enum card_use use)
{
        return files_of(family, use)->count;
}

enum card_object gate_file(enum card_family family, enum card_use use, unsigned int n)
{
        return files_of(family, use)->objects[n];
}

bool gate_has_two_keys(enum card_family family)
{
        return row_of(family)->two_keys;
}

void gate_chain_begin(struct gate_chain *chain, enum card_family family, enum card_use use)
{
        chain->wanted = gate_wanted(family);
        chain->use = gate_has_two_keys(family) ? use : CARD_USE_SIGNATURE;
}

bool gate_chain_lacks(const struct gate_chain *chain)
{
        return !chain->leaf || !chain->issuer ||
               (chain->use == CARD_USE_AUTHENTICATION && !chain->other_seen);
}

bool gate_learns_issuers(enum card_family family)
{
        return row_of(family)->learns_issuers;
}

bool gate_tries_return(enum card_family family)
{
        return row_of(family)->tries_return;
}

/* The vendor's reference, then those of the family elsewhere (card-facts 6.4). */
static const uint8_t family_refs[] = { 0x03, 0x01, 0x02, 0x05 };

static X509 *share(X509 *cert)
{
        if (cert)
                X509_up_ref(cert);
        return cert;
}

void gate_chain_clear(struct gate_chain *chain)
{
        X509_free(chain->leaf);
        X509_free(chain->issuer);
        X509_free(chain->other);
        for (unsigned int i = 0; i < chain->authority_count; i++)
                X509_free(chain->authorities[i]);
        *chain = (struct gate_chain){ 0 };
}

void gate_chain_copy(struct gate_chain *dst, const struct gate_chain *src)
{
        *dst = *src;
        share(dst->leaf);
        share(dst->issuer);
        share(dst->other);
        for (unsigned int i = 0; i < dst->authority_count; i++)
                share(dst->authorities[i]);
}

static void add_leaf(struct gate_chain *chain, enum card_object object, X509 **cert,
        const struct leaf *facts, const uint8_t print[GATE_PRINT_SIZE])
{
        if (chain->leaf) {
                chain->two_leaves |= memcmp(chain->print, print, GATE_PRINT_SIZE) != 0;
                return;
        }
        chain->leaf = *cert;
        *cert = NULL;
        chain->facts = *facts;
        chain->leaf_object = object;
        memcpy(chain->print, print, GATE_PRINT_SIZE);
}

static bool is_other(const struct gate_chain *chain, enum card_object object)
{
        return chain->use == CARD_USE_AUTHENTICATION && object != OBJECT_CERTIFICATE_2;
}

/* Whatever kind of certificate it is: it is the key that counts. */
static void add_other(struct gate_chain *chain, X509 **cert)
{
        chain->shared_key = chain->leaf && EVP_PKEY_eq(X509_get0_pubkey(chain->leaf),
                                                   X509_get0_pubkey(*cert)) == 1;
        chain->other = *cert;
        *cert = NULL;
        ERR_clear_error();
}

int gate_chain_add(struct gate_chain *chain, enum card_object object, const uint8_t *der,
        size_t len, enum leaf_class *ret_class)
{
        _cleanup_x509_ X509 *cert = NULL;
        struct leaf facts;
        uint8_t print[GATE_PRINT_SIZE];
        *ret_class = LEAF_OTHER;
        int r = leaf_parse(der, len, &cert, &facts);
        if (r == -ENOMEM || (r == 0 && !SHA256(der, len, print)))
                return -ENOMEM; /* a file not looked at could be a second leaf */
        chain->other_seen |= is_other(chain, object);
        if (r < 0)
                return 0;
        *ret_class = facts.class;
        if (is_other(chain, object) && !chain->other)
                add_other(chain, &cert);
        else if (facts.class == chain->wanted)
                add_leaf(chain, object, &cert, &facts, print);
        if (cert && facts.class == LEAF_CA && chain->authority_count < GATE_FILES_MAX) {
                chain->authorities[chain->authority_count++] = cert;
                cert = NULL;
        }
        return 0;
}

static bool issued(X509 *authority, X509 *leaf)
{
        EVP_PKEY *key = X509_get0_pubkey(authority);
        return key &&
               X509_NAME_cmp(X509_get_subject_name(authority), X509_get_issuer_name(leaf)) == 0 &&
               trust_signed_by(leaf, key);
}

bool gate_chain_find_issuer(struct gate_chain *chain, X509 *candidate)
{
        X509 *const *from = candidate ? &candidate : chain->authorities;
        unsigned int count = candidate ? 1 : chain->authority_count;
        for (unsigned int i = 0; !chain->issuer && chain->leaf && i < count; i++)
                if (issued(from[i], chain->leaf))
                        chain->issuer = share(from[i]);
        return chain->issuer != NULL;
}

bool gate_same_leaf(const struct gate_chain *chain, const uint8_t *der, size_t len)
{
        uint8_t print[GATE_PRINT_SIZE];
        return SHA256(der, len, print) && chain->leaf &&
               memcmp(print, chain->print, sizeof print) == 0;
}

static bool fit_key(X509 *leaf)
{
        EVP_PKEY *key = X509_get0_pubkey(leaf);
        int bits = key && EVP_PKEY_is_a(key, "RSA") ? EVP_PKEY_get_bits(key) : 0;
        ERR_clear_error();
        return bits >= RSA_BITS_MIN && bits <= RSA_BITS_MAX;
}

struct rule {
        bool holds;
        const char *otherwise;
};

static int apply(const struct rule *rules, size_t count, const char **ret_detail)
{
        for (size_t i = 0; i < count; i++)
                if (!rules[i].holds) {
                        *ret_detail = rules[i].otherwise;
                        return OUTCOME_CARD_NOT_SUPPORTED;
                }
        return 0;
}

/* What a key may be on a PIV card that Mohr has sign (SP 800-78-4 table 3-1). */
static const struct {
        const char *algorithm;
        int bits;
        enum sign_method method;
} piv_keys[] = {
        { "RS256", 2048, SIGN_PIV_RSA2048 },
        { "ES256", 256, SIGN_PIV_P256 },
        { "ES384", 384, SIGN_PIV_P384 },
};

static const uint8_t piv_refs[CARD_USES] = {
        [CARD_USE_SIGNATURE] = 0x9C,
        [CARD_USE_AUTHENTICATION] = 0x9A,
};

static const enum sign_method *piv_method(X509 *leaf)
{
        EVP_PKEY *key = leaf ? X509_get0_pubkey(leaf) : NULL;
        const struct algorithm *algorithm = key ? algorithm_of_key(key) : NULL;
        for (size_t i = 0; algorithm && i < ARRAY_LEN(piv_keys); i++)
                if (strcmp(algorithm_name(algorithm), piv_keys[i].algorithm) == 0 &&
                        EVP_PKEY_get_bits(key) == piv_keys[i].bits)
                        return &piv_keys[i].method;
        return NULL;
}

bool gate_step_known(
        const struct gate_chain *chain, const struct card_identity *identity, struct gate_step *ret)
{
        const enum sign_method *method = piv_method(chain->leaf);
        if (identity->family != CARD_PIV || !method)
                return false;
        *ret = (struct gate_step){ piv_refs[chain->use], (uint8_t)*method };
        return true;
}

/* Of two keys the one that makes assertions commits its holder (client-sdk/signer.c asks for it); the other one opens. */
static bool may_sign(X509 *leaf, enum card_use use)
{
        return use == CARD_USE_SIGNATURE ? leaf_commits(leaf)
                                         : X509_get_key_usage(leaf) & KU_DIGITAL_SIGNATURE;
}

static int confirm_staff(const struct gate_chain *chain, const struct card_identity *identity,
        const struct mohr_trust *anchors, const char **ret_detail)
{
        struct gate_step step;
        const struct rule rules[] = {
                { anchors != NULL, "a staff card, and no anchors are configured for staff" },
                { identity->supported,
                        "this PIV card's holder uses another PIN than the one asked for" },
                { chain->leaf != NULL,
                        "no certificate of a staff member for digital signature on this card" },
                { !chain->two_leaves, "two different certificates in one container" },
                { chain->leaf && gate_step_known(chain, identity, &step),
                        "the certificate's key is not RSA of 2048 bits, P-256 or P-384" },
                { chain->leaf && may_sign(chain->leaf, chain->use),
                        "the certificate's key usage is not that of this key" },
                { !chain->shared_key, "one key lies in 9A and in 9C: it would sign for any app" },
                { chain->issuer != NULL, "no anchor for staff issued the holder's certificate" },
                { chain->issuer && anchors && trust_vouches(anchors, TRUST_STAFF, chain->issuer),
                        "the issuing certificate does not lead to an anchor for staff" },
        };
        return apply(rules, ARRAY_LEN(rules), ret_detail);
}

void gate_chain_judge_other(struct gate_chain *chain, const struct mohr_trust *anchors)
{
        X509 *issuer = chain->other && anchors
                               ? trust_find_issuer(anchors, TRUST_STAFF, chain->other)
                               : NULL;
        struct leaf facts;
        if (issuer && issued(issuer, chain->other) && trust_vouches(anchors, TRUST_STAFF, issuer) &&
                piv_method(chain->other) && may_sign(chain->other, CARD_USE_SIGNATURE) &&
                leaf_read(chain->other, &facts) == 0 && facts.class == LEAF_STAFF)
                return;
        X509_free(chain->other);
        chain->other = NULL;
}

static int confirm_citizen(const struct gate_chain *chain, const struct card_identity *identity,
        const struct mohr_trust *anchors, const char **ret_detail)
{
        const struct rule rules[] = {
                { identity->family == CARD_NID, "not a national smart card" },
                { identity->supported, "this generation of card can only be looked at" },
                { chain->leaf != NULL, "no signature certificate of a citizen on this card" },
                { !chain->two_leaves, "two different signature certificates on one card" },
                { chain->facts.issuer_is_nocr,
                        "certificate not issued in the national registry's name" },
                { chain->leaf && fit_key(chain->leaf),
                        "the certificate's key is not RSA of 2048 to 4096 bits" },
                { chain->issuer != NULL,
                        "no certificate on this card carries the key that signed the holder's" },
                { !anchors || (chain->issuer &&
                                      trust_vouches(anchors, TRUST_CITIZENS, chain->issuer)),
                        "the issuing certificate does not lead to a configured anchor" },
        };
        return apply(rules, ARRAY_LEN(rules), ret_detail);
}

int gate_confirm(const struct gate_chain *chain, const struct card_identity *identity,
        const struct mohr_trust *anchors, const char **ret_detail)
{
        if (chain->wanted != gate_wanted(identity->family))
                return -EINVAL;
        return identity->family == CARD_PIV ? confirm_staff(chain, identity, anchors, ret_detail)
                                            : confirm_citizen(chain, identity, anchors, ret_detail);
}

bool gate_same_kind(const struct card_identity *a, const struct card_identity *b)
{
        return a->family == b->family && a->generation == b->generation;
}

bool gate_expired(const struct gate_chain *chain, int64_t now)
{
        return now > chain->facts.not_after;
}

bool gate_unproven(const struct card_identity *identity, bool simulated)
{
        return identity->family == CARD_NID && !simulated;
}

enum pin_copy gate_pin_copy(const struct card_identity *identity)
{
        (void)identity; /* every row that may sign has one PIN for that */
        return PIN_COPY_IAS;
}

int gate_counter(const struct pin_counter *counter, const char **ret_detail)
{
        if (!counter->known && counter->sw == 0x9000) {
                *ret_detail = "another program left this card unlocked, and it would not be locked";
                return OUTCOME_BUSY;
        }
        if (!counter->known) {
                *ret_detail =
                        counter->sw == 0x6A81
                                ? "the card takes no PIN here; some do through their contacts only"
                                : "the card does not tell how many PIN tries are left";
                return OUTCOME_CARD_NOT_SUPPORTED;
        }
        return counter->tries > 0 ? 0 : OUTCOME_PIN_BLOCKED;
}

/* The leaf's modulus, big-endian. Returns its length or 0. */
static size_t leaf_modulus(X509 *leaf, uint8_t modulus[RSA_BITS_MAX / 8])
{
        BIGNUM *n = NULL;
        size_t len = 0;
        if (EVP_PKEY_get_bn_param(X509_get0_pubkey(leaf), "n", &n) == 1 &&
                BN_num_bits(n) <= RSA_BITS_MAX)
                len = (size_t)BN_bn2bin(n, modulus);
        BN_free(n);
        ERR_clear_error();
        return len;
}

static bool is_other_key(const struct card_probe *probe, uint8_t ref)
{
        for (unsigned int i = 0; i < probe->key_count; i++)
                if (probe->keys[i].ref == ref)
                        return true;
        return false;
}

size_t gate_keys(
        const struct gate_chain *chain, const struct card_probe *probe, uint8_t refs[CARD_KEYS_MAX])
{
        uint8_t modulus[RSA_BITS_MAX / 8];
        size_t len = leaf_modulus(chain->leaf, modulus), n = 0;
        for (unsigned int i = 0; len > 0 && i < probe->key_count; i++)
                if (probe->keys[i].modulus_len == len &&
                        memcmp(probe->keys[i].modulus, modulus, len) == 0) {
                        refs[0] = probe->keys[i].ref;
                        return 1;
                }
        for (size_t i = 0; i < ARRAY_LEN(family_refs); i++)
                if (!is_other_key(probe, family_refs[i]))
                        refs[n++] = family_refs[i];
        return n;
}

/* The bare hash goes through the same MSE SET as DigestInfo: one question answers for both. */
bool gate_trial(const uint8_t *refs, size_t count, unsigned int n, struct gate_step *ret)
{
        static const uint8_t offered[] = { SIGN_RSA_SHA256_CARD, SIGN_RSA_DIGESTINFO };
        if (n / ARRAY_LEN(offered) >= count)
                return false;
        *ret = (struct gate_step){ refs[n / ARRAY_LEN(offered)], offered[n % ARRAY_LEN(offered)] };
        return true;
}

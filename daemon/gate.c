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
#include <openssl/x509v3.h>

#define RSA_BITS_MIN 2048
#define RSA_BITS_MAX 4096

/* The vendor's reference, then those of the family elsewhere (card-facts 6.4). */
static const uint8_t family_refs[] = { 0x03, 0x01, 0x02, 0x05 };

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
        if (issuer && gate_issued(issuer, chain->other) &&
                trust_vouches(anchors, TRUST_STAFF, issuer) && piv_method(chain->other) &&
                may_sign(chain->other, CARD_USE_SIGNATURE) &&
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

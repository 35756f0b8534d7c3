/* SPDX-License-Identifier: Apache-2.0 */
/* appraise.c: see appraise.h. Strength is asked of OpenSSL in bits of security, as the check of a chain
 * does later (trust.c): what is trusted here must not be refused there.
 */
#include "client-sdk/appraise.h"

#include "base/text.h"
#include "client-sdk/leaf.h"
#include "client-sdk/shortage.h"

#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/x509v3.h>
#include <stdio.h>

#define SECURITY_BITS 112
/* One line, in the order of the encoding, UTF-8 as it is. */
#define NAME_FLAGS                                                                                 \
        (((unsigned long)ASN1_STRFLGS_RFC2253 & ~(unsigned long)ASN1_STRFLGS_ESC_MSB) |            \
                XN_FLAG_SEP_CPLUS_SPC | XN_FLAG_FN_SN)

static int write_name(const X509_NAME *name, char dst[static APPRAISAL_NAME_MAX])
{
        char *text = NULL;
        BIO *bio = BIO_new(BIO_s_mem());
        bool good = bio && X509_NAME_print_ex(bio, name, 0, NAME_FLAGS) >= 0 &&
                    BIO_write(bio, "", 1) == 1 && BIO_get_mem_data(bio, &text) > 0;
        if (good)
                text_sanitize(dst, APPRAISAL_NAME_MAX, text, APPRAISAL_NAME_MAX);
        BIO_free(bio);
        return good ? 0 : -ENOMEM;
}

/* As most people call it: "P-256" for "prime256v1". */
static const char *curve_name(const char *name)
{
        const char *nist = EC_curve_nid2nist(OBJ_sn2nid(name));
        return nist ? nist : name;
}

static void write_key(EVP_PKEY *key, char *dst, size_t cap)
{
        char curve[32] = "";
        if (EVP_PKEY_get_base_id(key) == EVP_PKEY_EC &&
                EVP_PKEY_get_group_name(key, curve, sizeof curve, NULL) == 1)
                snprintf(dst, cap, "EC %s", curve_name(curve));
        else
                snprintf(dst, cap, "%s %d", OBJ_nid2sn(EVP_PKEY_get_base_id(key)),
                        EVP_PKEY_get_bits(key));
        if (strncmp(dst, "rsaEncryption ", 14) == 0)
                snprintf(dst, cap, "RSA %d", EVP_PKEY_get_bits(key));
}

static void read_strength(X509 *cert, EVP_PKEY *key, struct appraisal *found)
{
        int bits = 0;
        bool known = X509_get_signature_info(cert, NULL, NULL, &bits, NULL) == 1;
        snprintf(found->signature, sizeof found->signature, "%s",
                OBJ_nid2ln(X509_get_signature_nid(cert)));
        found->weak_key = EVP_PKEY_get_security_bits(key) < SECURITY_BITS;
        found->weak_digest = !found->self_signed && (!known || bits < SECURITY_BITS);
        found->may_sign = X509_get_key_usage(cert) & (KU_DIGITAL_SIGNATURE | KU_NON_REPUDIATION);
}

static int read_facts(X509 *cert, const struct leaf *leaf, struct appraisal *found)
{
        EVP_PKEY *key = X509_get0_pubkey(cert);
        if (!key)
                return -EBADMSG;
        found->authority = leaf->class == LEAF_CA;
        found->not_before = leaf->not_before;
        found->not_after = leaf->not_after;
        found->self_signed = X509_get_extension_flags(cert) & EXFLAG_SS;
        if (!national_fingerprint(cert, found->fingerprint))
                return -ENOMEM;
        found->national = national_of(cert);
        write_key(key, found->key, sizeof found->key);
        read_strength(cert, key, found);
        int r = write_name(X509_get_subject_name(cert), found->subject);
        return r == 0 ? write_name(X509_get_issuer_name(cert), found->issuer) : r;
}

int appraise(const uint8_t *der, size_t len, struct appraisal *ret)
{
        _cleanup_x509_ X509 *cert = NULL;
        struct leaf leaf;
        struct appraisal found = { 0 };
        int r = leaf_parse(der, len, &cert, &leaf);
        if (r < 0)
                return r;
        ERR_clear_error();
        r = read_facts(cert, &leaf, &found);
        if (shortage_seen() < 0)
                return -ENOMEM;
        if (r == 0)
                *ret = found;
        return r;
}

static bool no_ca(const struct appraisal *a, enum trust_use use)
{
        return use != TRUST_USE_BUNDLES && !a->authority;
}

static bool other_national(const struct appraisal *a, enum trust_use use)
{
        return use == TRUST_USE_CITIZENS && a->national && !a->national->for_cards;
}

static bool cards_only(const struct appraisal *a, enum trust_use use)
{
        return use != TRUST_USE_CITIZENS && a->national && a->national->for_cards;
}

enum appraisal_verdict appraisal_judge(const struct appraisal *a, enum trust_use use, int64_t now)
{
        const struct {
                bool wrong;
                enum appraisal_verdict verdict;
        } rules[] = {
                { no_ca(a, use), APPRAISAL_NO_CA },
                { other_national(a, use), APPRAISAL_OTHER_NATIONAL },
                { cards_only(a, use), APPRAISAL_CARDS_ONLY },
                { use == TRUST_USE_BUNDLES && !a->may_sign, APPRAISAL_NO_SIGNER },
                { a->weak_key, APPRAISAL_WEAK_KEY },
                { a->weak_digest, APPRAISAL_WEAK_DIGEST },
                { now < a->not_before, APPRAISAL_NOT_YET_VALID },
                { now > a->not_after, APPRAISAL_EXPIRED },
        };
        for (size_t i = 0; i < ARRAY_LEN(rules); i++)
                if (rules[i].wrong)
                        return rules[i].verdict;
        return APPRAISAL_FIT;
}

const char *appraisal_name(enum appraisal_verdict verdict)
{
        static const char *const names[APPRAISAL_VERDICTS] = {
                [APPRAISAL_FIT] = "fit",
                [APPRAISAL_NO_CA] = "not-a-ca",
                [APPRAISAL_OTHER_NATIONAL] = "not-for-cards",
                [APPRAISAL_CARDS_ONLY] = "for-cards-only",
                [APPRAISAL_NO_SIGNER] = "not-for-signing",
                [APPRAISAL_WEAK_KEY] = "weak-key",
                [APPRAISAL_WEAK_DIGEST] = "weak-digest",
                [APPRAISAL_NOT_YET_VALID] = "not-yet-valid",
                [APPRAISAL_EXPIRED] = "expired",
        };
        return names[verdict];
}

/* SPDX-License-Identifier: Apache-2.0 */
/* identity.c: see identity.h.
 *
 * `sub` hashes the authority that gives the numbers out together with the number, not the key of the
 * issuing CA: those change by year (card-facts 5.1), and a person whose card was renewed must stay
 * the same subject wherever the number stays the same.
 *
 * A staff member's `sub` hashes what X.509 itself makes unique: the names of issuer and subject, as they
 * are written (RFC 5280 4.1.2.6: a CA gives one name to one entity). Its domain has a text of its own, so
 * that no choice of names can make it equal a citizen's.
 */
#include "client-sdk/identity.h"

#include "base/outcome.h"
#include "base/text.h"
#include "client-sdk/base64.h"
#include "client-sdk/shortage.h"

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/objects.h>
#include <openssl/x509v3.h>
#include <stdio.h>

/* Both NULs belong to it: no other hash of this project starts with these bytes. */
static const char sub_domain[] = "urn:mohr:sub:1\0C=IR,O=Iran Government,OU=NOCR";

static const char staff_domain[] = "urn:mohr:staff-sub:1";

/* Assurance levels, card-facts 5.4: the last arc is the level. */
static const char level_prefix[] = "2.16.364.101.1.1.";

static bool make_sub(const struct leaf *leaf, char dst[static IDENTITY_SUB_LEN + 1])
{
        uint8_t text[sizeof sub_domain + sizeof leaf->card_number], hash[EVP_MAX_MD_SIZE];
        size_t digits = strlen(leaf->card_number);
        memcpy(text, sub_domain, sizeof sub_domain);
        memcpy(text + sizeof sub_domain, leaf->card_number, digits);
        if (EVP_Digest(text, sizeof sub_domain + digits, hash, NULL, EVP_sha256(), NULL) != 1)
                return false;
        base64_encode(BASE64_URL, dst, hash, 32);
        return true;
}

static bool hash_name(EVP_MD_CTX *md, const X509_NAME *name)
{
        unsigned char *der = NULL;
        int len = i2d_X509_NAME(name, &der);
        bool good = len > 0 && EVP_DigestUpdate(md, der, (size_t)len) == 1;
        OPENSSL_free(der);
        return good;
}

static bool make_staff_sub(X509 *cert, char dst[static IDENTITY_SUB_LEN + 1])
{
        uint8_t hash[EVP_MAX_MD_SIZE];
        EVP_MD_CTX *md = EVP_MD_CTX_new();
        bool good = md && EVP_DigestInit_ex(md, EVP_sha256(), NULL) == 1 &&
                    EVP_DigestUpdate(md, staff_domain, sizeof staff_domain) == 1 &&
                    hash_name(md, X509_get_issuer_name(cert)) &&
                    hash_name(md, X509_get_subject_name(cert)) &&
                    EVP_DigestFinal_ex(md, hash, NULL) == 1;
        EVP_MD_CTX_free(md);
        if (good)
                base64_encode(BASE64_URL, dst, hash, 32);
        return good;
}

static bool is_level(const char *oid)
{
        size_t prefix = strlen(level_prefix);
        return strncmp(oid, level_prefix, prefix) == 0 && oid[prefix] >= '1' &&
               oid[prefix] <= '4' && oid[prefix + 1] == '\0';
}

/* A level counts only if it is the only one named: which of two a relying party may count on is not
 * for us to choose. */
static void make_acr(X509 *cert, char *dst, size_t cap)
{
        CERTIFICATEPOLICIES *policies =
                X509_get_ext_d2i(cert, NID_certificate_policies, NULL, NULL);
        int levels = 0;
        char level[64] = "";
        for (int i = 0; i < sk_POLICYINFO_num(policies); i++) {
                char oid[64];
                int len =
                        OBJ_obj2txt(oid, sizeof oid, sk_POLICYINFO_value(policies, i)->policyid, 1);
                if (len <= 0 || (size_t)len >= sizeof oid || !is_level(oid))
                        continue;
                levels++;
                memcpy(level, oid, sizeof oid);
        }
        CERTIFICATEPOLICIES_free(policies);
        if (levels == 1)
                snprintf(dst, cap, "urn:oid:%.*s", (int)cap - 9, level);
        else
                snprintf(dst, cap, "%s", IDENTITY_ACR_NONE);
}

static const char *key_use(X509 *cert, enum leaf_class class)
{
        bool commits = X509_get_key_usage(cert) & KU_NON_REPUDIATION;
        if (class == LEAF_SIGNATURE || (class == LEAF_STAFF && commits))
                return "signature";
        return class == LEAF_AUTHENTICATION || class == LEAF_STAFF ? "authentication" : NULL;
}

int identity_read(X509 *cert, const struct leaf *leaf, struct identity *ret)
{
        bool staff = leaf->class == LEAF_STAFF;
        struct identity identity = {
                .staff = staff,
                .acr = IDENTITY_ACR_NONE, /* the levels are the national CAs' own */
                .key_use = key_use(cert, leaf->class),
        };
        if (!identity.key_use || staff == leaf->issuer_is_nocr)
                return OUTCOME_INVALID;
        if (!(staff ? make_staff_sub(cert, identity.sub) : make_sub(leaf, identity.sub)))
                return -ENOMEM;
        ERR_clear_error();
        if (!staff)
                make_acr(cert, identity.acr, sizeof identity.acr);
        if (shortage_seen() < 0) /* a level that was not found may be there all the same */
                return -ENOMEM;
        text_iso8601(identity.certificate_expiry, leaf->not_after);
        *ret = identity;
        return 0;
}

const char *identity_iss(const struct identity *identity)
{
        return identity->staff ? IDENTITY_ISS_STAFF : IDENTITY_ISS;
}

void identity_staff_claims(const struct leaf *leaf, struct member ret[static IDENTITY_STAFF_CLAIMS])
{
        const struct member rows[IDENTITY_STAFF_CLAIMS] = {
                { "name", leaf->common_name },
                { "given_name", leaf->given_name },
                { "family_name", leaf->family_name },
                { "email", leaf->email },
                { "upn", leaf->upn },
                { "employee_number", leaf->employee_number },
                { "organization", leaf->organization },
        };
        for (size_t i = 0; i < ARRAY_LEN(rows); i++)
                ret[i] = (struct member){ rows[i].name, rows[i].text[0] ? rows[i].text : NULL };
}

static json_t *told_of_citizen(const struct leaf *leaf)
{
        const struct member rows[] = {
                { "given_name", leaf->given_name },
                { "family_name", leaf->family_name },
                { "card_number", leaf->card_number },
                { "national_number", leaf->national_number ? leaf->card_number : NULL },
        };
        return members_of(json_object(), rows, ARRAY_LEN(rows));
}

static json_t *told_of_staff(const struct leaf *leaf)
{
        struct member rows[IDENTITY_STAFF_CLAIMS];
        identity_staff_claims(leaf, rows);
        return members_of(json_object(), rows, ARRAY_LEN(rows));
}

json_t *identity_told(const struct identity *identity, const struct leaf *leaf)
{
        const struct member rows[] = {
                { "sub", identity->sub },
                { "acr", identity->acr },
                { "key_use", identity->key_use },
        };
        json_t *told = identity->staff ? told_of_staff(leaf) : told_of_citizen(leaf);
        return told ? members_of(told, rows, ARRAY_LEN(rows)) : NULL;
}

const char *identity_match(const struct leaf *leaf, const char *expected)
{
        if (!leaf->national_number)
                return "unknown";
        return strcmp(leaf->card_number, expected) == 0 ? "yes" : "no";
}

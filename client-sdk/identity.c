/* SPDX-License-Identifier: Apache-2.0 */
/* identity.c: see identity.h.
 *
 * `sub` hashes the authority that gives the numbers out together with the number, not the key of the
 * issuing CA: those change by year (card-facts 5.1), and a person whose card was renewed must stay
 * the same subject wherever the number stays the same.
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

static const char *key_use(enum leaf_class class)
{
        if (class == LEAF_SIGNATURE)
                return "signature";
        return class == LEAF_AUTHENTICATION ? "authentication" : NULL;
}

int identity_read(X509 *cert, const struct leaf *leaf, struct identity *ret)
{
        struct identity identity = { .key_use = key_use(leaf->class) };
        if (!identity.key_use || !leaf->issuer_is_nocr)
                return OUTCOME_INVALID;
        if (!make_sub(leaf, identity.sub))
                return -ENOMEM;
        ERR_clear_error();
        make_acr(cert, identity.acr, sizeof identity.acr);
        if (shortage_seen() < 0) /* a level that was not found may be there all the same */
                return -ENOMEM;
        text_iso8601(identity.certificate_expiry, leaf->not_after);
        *ret = identity;
        return 0;
}

const char *identity_match(const struct leaf *leaf, const char *expected)
{
        if (!leaf->national_number)
                return "unknown";
        return strcmp(leaf->card_number, expected) == 0 ? "yes" : "no";
}

/* SPDX-License-Identifier: Apache-2.0 */
/* revocation_item.c: what CRLs and OCSP responses have in common; see revocation_item.h. */
#include "client-sdk/revocation_item.h"

#include "client-sdk/shortage.h"

#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/objects.h>
#include <openssl/rsa.h>
#include <stdio.h>
#include <time.h>

#define PROBE            4096
#define DIGEST_BYTES_MIN 28 /* half of its bits is what a collision costs: 112 */

struct revocation_item *item_unref(struct revocation_item *item)
{
        if (!item || atomic_fetch_sub(&item->references, 1) > 1)
                return NULL;
        struct proof *proof = atomic_load(&item->proof);
        if (proof)
                EVP_PKEY_free(proof->key);
        free(proof);
        X509_CRL_free(item->crl);
        ISSUING_DIST_POINT_free(item->idp);
        OCSP_BASICRESP_free(item->basic);
        free(item->der);
        free(item);
        return NULL;
}

struct revocation_item *item_ref(struct revocation_item *item)
{
        atomic_fetch_add(&item->references, 1);
        return item;
}

const uint8_t *revocation_item_der(const struct revocation_item *item, size_t *ret_len)
{
        *ret_len = item->len;
        return item->der;
}

static int read_item(struct revocation_item *item, char why[static REVOCATION_WHY_MAX])
{
        ERR_clear_error();
        int r = crl_read(item, why);
        if (r > 0 && !item->crl) /* no list at all */
                r = ocsp_read(item, why);
        return shortage_seen() < 0 ? -ENOMEM : r;
}

int item_new(const void *der, size_t len, struct revocation_item **ret,
        char why[static REVOCATION_WHY_MAX])
{
        _cleanup_item_ struct revocation_item *item = calloc(1, sizeof *item);
        if (!item)
                return -ENOMEM;
        atomic_init(&item->references, 1);
        item->len = len;
        item->der = malloc(len);
        if (!item->der)
                return -ENOMEM;
        memcpy(item->der, der, len);
        int r = read_item(item, why);
        if (r != 0)
                return r;
        *ret = item;
        item = NULL;
        return 0;
}

void item_note_shortage(bool *starved)
{
        void *probe = OPENSSL_malloc(PROBE);
        *starved = *starved || !probe || shortage_seen() < 0;
        OPENSSL_free(probe);
}

/* An answer that could not be kept is found out again next time. */
static void keep_proof(struct revocation_item *item, EVP_PKEY *key, bool good)
{
        struct proof *nobody = NULL, *fresh = malloc(sizeof *fresh);
        if (!fresh)
                return;
        *fresh = (struct proof){ .key = key, .good = good };
        if (EVP_PKEY_up_ref(key) != 1) {
                free(fresh);
        } else if (!atomic_compare_exchange_strong(&item->proof, &nobody, fresh)) {
                EVP_PKEY_free(key); /* another thread was first */
                free(fresh);
        }
}

/* "No" is asked for twice, and believed if there is memory to be had: OpenSSL says the same when it had none,
 * and not always in its error queue. */
bool item_signed_by(struct revocation_item *item, X509 *signer,
        bool (*check)(struct revocation_item *, X509 *), bool *starved)
{
        EVP_PKEY *key = X509_get0_pubkey(signer);
        struct proof *known = atomic_load(&item->proof);
        bool missing = false;
        if (!key)
                return false;
        if (known && EVP_PKEY_eq(known->key, key) == 1)
                return known->good;
        bool good = check(item, signer) || check(item, signer);
        if (!good)
                item_note_shortage(&missing);
        if (!known && !missing)
                keep_proof(item, key, good);
        *starved = *starved || missing;
        return good;
}

/* The digest inside the parameters of RSASSA-PSS (RFC 4055); absent means SHA-1. */
static int digest_of_pss(const X509_ALGOR *algorithm)
{
        const ASN1_OBJECT *object = NULL;
        const void *value = NULL;
        int type = V_ASN1_UNDEF, nid = NID_sha1;
        X509_ALGOR_get0(NULL, &type, &value, algorithm);
        RSA_PSS_PARAMS *pss = type == V_ASN1_SEQUENCE
                                      ? ASN1_item_unpack(value, ASN1_ITEM_rptr(RSA_PSS_PARAMS))
                                      : NULL;
        if (pss && pss->hashAlgorithm) {
                X509_ALGOR_get0(&object, NULL, NULL, pss->hashAlgorithm);
                nid = OBJ_obj2nid(object);
        }
        RSA_PSS_PARAMS_free(pss);
        return nid;
}

bool item_digest_is_strong(const X509_ALGOR *algorithm)
{
        const ASN1_OBJECT *object = NULL;
        int digest = NID_undef, key = NID_undef;
        X509_ALGOR_get0(&object, NULL, NULL, algorithm);
        int nid = OBJ_obj2nid(object);
        if (nid == NID_rsassaPss)
                digest = digest_of_pss(algorithm);
        else if (OBJ_find_sigid_algs(nid, &digest, &key) != 1)
                return false;
        const EVP_MD *md = EVP_get_digestbynid(digest);
        return md && EVP_MD_get_size(md) >= DIGEST_BYTES_MIN;
}

int64_t item_time(const ASN1_TIME *time)
{
        struct tm tm;
        return time && ASN1_TIME_to_tm(time, &tm) == 1 ? timegm(&tm) : 0;
}

/* CRLReason of RFC 5280, 5.3.1 */
const char *item_reason(long code)
{
        static const char *const words[] = { "unspecified", "keyCompromise", "cACompromise",
                "affiliationChanged", "superseded", "cessationOfOperation", "certificateHold", "",
                "removeFromCRL", "privilegeWithdrawn", "aACompromise" };
        return code >= 0 && code < (long)ARRAY_LEN(words) ? words[code] : "";
}

bool item_demands_more(const STACK_OF(X509_EXTENSION) * extensions, const int *known, size_t count,
        char why[static REVOCATION_WHY_MAX])
{
        for (int i = 0; i < sk_X509_EXTENSION_num(extensions); i++) {
                char name[80] = "";
                X509_EXTENSION *extension = sk_X509_EXTENSION_value(extensions, i);
                int nid = OBJ_obj2nid(X509_EXTENSION_get_object(extension));
                bool is_known = !X509_EXTENSION_get_critical(extension);
                for (size_t j = 0; j < count; j++)
                        is_known = is_known || (nid != NID_undef && known[j] == nid);
                if (is_known)
                        continue;
                OBJ_obj2txt(name, sizeof name, X509_EXTENSION_get_object(extension), 0);
                snprintf(why, REVOCATION_WHY_MAX, "a critical extension that is not known here: %s",
                        name);
                return true;
        }
        return false;
}

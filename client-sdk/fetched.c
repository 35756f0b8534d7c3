/* SPDX-License-Identifier: Apache-2.0 */
/* fetched.c: see fetched.h. */
#include "client-sdk/fetched.h"

#include "base/bytes.h"
#include "base/outcome.h"
#include "base/text.h"
#include "client-sdk/certfile.h"
#include "client-sdk/revocation_item.h"
#include "client-sdk/shortage.h"

#include <openssl/err.h>
#include <openssl/evp.h>
#include <stdio.h>

#define NAME_BYTES 16

static int refuse(char why[static REVOCATION_WHY_MAX], const char *words)
{
        snprintf(why, REVOCATION_WHY_MAX, "%s", words);
        return OUTCOME_INVALID;
}

static void tell_authority(struct fetched *fetched, X509 *authority)
{
        char name[128] = "";
        X509_NAME_get_text_by_NID(
                X509_get_subject_name(authority), NID_commonName, name, sizeof name);
        text_sanitize(fetched->authority, sizeof fetched->authority, name, sizeof name);
}

/* ---- lists --------------------------------------------------------------------------------- */

/* By the key that signs and the part that it covers: two CAs of one name, or two parts, do not meet. */
static int name_list(const struct revocation_item *item, X509 *authority, char name[static 48])
{
        uint8_t hash[EVP_MAX_MD_SIZE] = { 0 }, all[EVP_MAX_MD_SIZE];
        unsigned int len = 0;
        unsigned char *scope = NULL;
        int scope_len = item->idp ? i2d_ISSUING_DIST_POINT(item->idp, &scope) : 0;
        EVP_MD_CTX *md = EVP_MD_CTX_new();
        bool made = md && scope_len >= 0 &&
                    X509_pubkey_digest(authority, EVP_sha256(), hash, &len) == 1 &&
                    EVP_DigestInit_ex(md, EVP_sha256(), NULL) == 1 &&
                    EVP_DigestUpdate(md, hash, len) == 1 &&
                    EVP_DigestUpdate(md, scope ? scope : hash, (size_t)scope_len) == 1 &&
                    EVP_DigestFinal_ex(md, all, &len) == 1;
        EVP_MD_CTX_free(md);
        OPENSSL_free(scope);
        if (!made)
                return -ENOMEM;
        hex_encode(name, all, NAME_BYTES);
        memcpy(name + 2 * NAME_BYTES, ".crl", sizeof ".crl");
        return 0;
}

/* Who of them signed it; why nobody did in `why`. */
static X509 *find_authority(struct revocation_item *item, const STACK_OF(X509) * authorities,
        bool *starved, char why[static REVOCATION_WHY_MAX])
{
        refuse(why, "nobody who is trusted here issued it; give the certificate of the CA as well");
        for (int i = 0; i < sk_X509_num(authorities); i++) {
                X509 *authority = sk_X509_value(authorities, i);
                if (X509_NAME_cmp(
                            X509_CRL_get_issuer(item->crl), X509_get_subject_name(authority)) != 0)
                        continue;
                const char *unproven = crl_unproven(item, authority, starved);
                if (!unproven)
                        return authority;
                refuse(why, unproven);
        }
        return NULL;
}

static int judge_days(
        const struct fetched *fetched, int64_t now, char why[static REVOCATION_WHY_MAX])
{
        if (fetched->as_of == 0 || fetched->as_of > now + REVOCATION_SKEW)
                return refuse(why, "it is from the future: is the clock of this computer right?");
        if (fetched->next_update != 0 && fetched->next_update < now - REVOCATION_SKEW)
                return refuse(why, "it is out of date");
        return 0;
}

static int judge_list(struct revocation_item *item, const STACK_OF(X509) * authorities, int64_t now,
        struct fetched *fetched, char why[static REVOCATION_WHY_MAX])
{
        if (!item->crl)
                return refuse(why, "it is no CRL");
        bool starved = false;
        X509 *authority = find_authority(item, authorities, &starved, why);
        if (!authority)
                return starved ? -ENOMEM : OUTCOME_INVALID;
        fetched->as_of = item_time(X509_CRL_get0_lastUpdate(item->crl));
        fetched->next_update = item_time(X509_CRL_get0_nextUpdate(item->crl));
        tell_authority(fetched, authority);
        int r = judge_days(fetched, now, why);
        return r == 0 ? name_list(item, authority, fetched->name) : r;
}

int fetched_list(const void *der, size_t len, const STACK_OF(X509) * authorities, int64_t now,
        struct fetched *ret, char why[static REVOCATION_WHY_MAX])
{
        _cleanup_item_ struct revocation_item *item = NULL;
        struct fetched fetched = { .nonce = false };
        if (len < 1 || len > REVOCATION_CRL_MAX)
                return refuse(why, "larger than a list can be here, or empty");
        int r = item_new(der, len, &item, why);
        if (r == 0)
                r = judge_list(item, authorities, now, &fetched, why);
        if (shortage_seen() < 0)
                r = -ENOMEM;
        if (r == 0)
                *ret = fetched;
        return r;
}

/* ---- answers ------------------------------------------------------------------------------- */

static void free_request(OCSP_REQUEST **request)
{
        OCSP_REQUEST_free(*request);
}

int fetched_question(
        X509 *cert, X509 *issuer, OCSP_REQUEST **ret, unsigned char **ret_der, size_t *ret_len)
{
        _cleanup_(free_request) OCSP_REQUEST *request = OCSP_REQUEST_new();
        OCSP_CERTID *id = OCSP_cert_to_id(NULL, cert, issuer); /* SHA-1: RFC 5019 has all know it */
        unsigned char *der = NULL;
        if (!request || !id || !OCSP_request_add0_id(request, id)) {
                OCSP_CERTID_free(id);
                return -ENOMEM;
        }
        int len = OCSP_request_add1_nonce(request, NULL, -1) == 1 ? i2d_OCSP_REQUEST(request, &der)
                                                                  : -1;
        if (len <= 0)
                return -ENOMEM;
        *ret_der = der;
        *ret_len = (size_t)len;
        *ret = request;
        request = NULL;
        return 0;
}

static int name_answer(X509 *cert, char name[static 48])
{
        uint8_t hash[EVP_MAX_MD_SIZE];
        if (X509_digest(cert, EVP_sha256(), hash, NULL) != 1)
                return -ENOMEM;
        hex_encode(name, hash, NAME_BYTES);
        memcpy(name + 2 * NAME_BYTES, ".ocsp", sizeof ".ocsp");
        return 0;
}

/* By the same judge that will look at it later. */
static int judge_answer(const void *der, size_t len, X509 *cert, X509 *issuer, int64_t now,
        struct fetched *fetched, char why[static REVOCATION_WHY_MAX])
{
        struct revocation_verdict verdict = { .why = "" };
        struct revocation *set = revocation_new();
        int r = set ? revocation_add(set, der, len, false, why) : -ENOMEM;
        if (r == 0)
                r = revocation_check(set, cert, issuer, now, 0, &verdict);
        fetched->as_of = verdict.as_of;
        fetched->next_update = verdict.next_update;
        if (r == 0 && verdict.state == REVOCATION_UNKNOWN)
                r = refuse(why, verdict.why);
        if (r == 0)
                r = judge_days(fetched, now, why);
        revocation_verdict_clear(&verdict);
        revocation_free(set);
        return r;
}

/* Ours, or none: another one answers somebody else. */
static int check_nonce(const void *der, size_t len, OCSP_REQUEST *question, struct fetched *fetched,
        char why[static REVOCATION_WHY_MAX])
{
        _cleanup_item_ struct revocation_item *item = NULL;
        int r = item_new(der, len, &item, why);
        if (r != 0)
                return r;
        if (!item->basic)
                return refuse(why, "it is no OCSP response");
        int match = OCSP_check_nonce(question, item->basic);
        fetched->nonce = match == 1;
        return match == 0 ? refuse(why, "it answers another question (nonce)") : 0;
}

int fetched_answer(const void *der, size_t len, OCSP_REQUEST *question, X509 *cert, X509 *issuer,
        int64_t now, struct fetched *ret, char why[static REVOCATION_WHY_MAX])
{
        struct fetched fetched = { .nonce = false };
        if (len < 1 || len > REVOCATION_OCSP_MAX)
                return refuse(why, "larger than an answer can be here, or empty");
        int r = check_nonce(der, len, question, &fetched, why);
        if (r == 0)
                r = judge_answer(der, len, cert, issuer, now, &fetched, why);
        if (r == 0)
                r = name_answer(cert, fetched.name);
        tell_authority(&fetched, issuer);
        if (shortage_seen() < 0)
                r = -ENOMEM;
        if (r == 0)
                *ret = fetched;
        return r;
}

/* ---- what is there already ----------------------------------------------------------------- */

static int64_t since_of(const struct revocation_item *item)
{
        ASN1_GENERALIZEDTIME *from = NULL;
        if (item->crl)
                return item_time(X509_CRL_get0_lastUpdate(item->crl));
        OCSP_single_get0_status(OCSP_resp_get0(item->basic, 0), NULL, NULL, &from, NULL);
        return item_time(from);
}

static int take_since(void *user, const char *path, const uint8_t *der, size_t len)
{
        char why[REVOCATION_WHY_MAX];
        _cleanup_item_ struct revocation_item *item = NULL;
        (void)path;
        int r = item_new(der, len, &item, why);
        if (r == 0)
                *(int64_t *)user = since_of(item);
        return r < 0 ? r : 0;
}

int fetched_before(const char *path, int64_t *ret_as_of)
{
        int64_t since = 0;
        char problem[1];
        const struct certfile in = { .each = take_since,
                .user = &since,
                .kind = &revocation_files,
                .may_lack = true,
                .problem = problem,
                .problem_cap = 0 };
        int r = certfile_read(&in, path);
        if (r < 0)
                return r;
        *ret_as_of = since;
        return 0;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* timestamp.c: see timestamp.h. OpenSSL's TS_* do the parsing and the cryptography; what they leave to the
 * caller is done here: one encoding and nothing after it, no weak digest, the time of the check, a bound on
 * the accuracy, and which of their errors is which of our words.
 */
#include "client-sdk/timestamp.h"

#include "base/outcome.h"
#include "base/text.h"

#include <openssl/err.h>
#include <openssl/rand.h>
#include <openssl/ts.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <time.h>

#define SECURITY_LEVEL 2
#define CLOCK_SKEW     60 /* seconds a token may come from the future */
#define NONCE_LEN      16

#define CLEANUP(type, function)                                                                    \
        static void free_##type(type **slot)                                                       \
        {                                                                                          \
                function(*slot);                                                                   \
        }
CLEANUP(TS_REQ, TS_REQ_free)
CLEANUP(TS_RESP, TS_RESP_free)
CLEANUP(TS_TST_INFO, TS_TST_INFO_free)
CLEANUP(TS_VERIFY_CTX, TS_VERIFY_CTX_free)
CLEANUP(TS_MSG_IMPRINT, TS_MSG_IMPRINT_free)
CLEANUP(X509_ALGOR, X509_ALGOR_free)
CLEANUP(ASN1_INTEGER, ASN1_INTEGER_free)
CLEANUP(BIGNUM, BN_free)
CLEANUP(PKCS7, PKCS7_free)
#define _cleanup_of_(type) _cleanup_(free_##type)

/* Which of our words an error of OpenSSL's is. */
static const char *word_of(unsigned long error)
{
        static const struct {
                int reason;
                const char *word;
        } rows[] = {
                { TS_R_MESSAGE_IMPRINT_MISMATCH, "imprint" },
                { TS_R_NONCE_MISMATCH, "nonce" },
                { TS_R_NONCE_NOT_RETURNED, "nonce" },
                { TS_R_NO_TIME_STAMP_TOKEN, "refused" },
                { TS_R_CERTIFICATE_VERIFY_ERROR, "certificate" },
                { TS_R_ESS_SIGNING_CERTIFICATE_ERROR, "certificate" },
                { TS_R_TSA_NAME_MISMATCH, "certificate" },
                { TS_R_TSA_UNTRUSTED, "certificate" },
                { TS_R_SIGNATURE_FAILURE, "signature" },
        };
        for (size_t i = 0; ERR_GET_LIB(error) == ERR_LIB_TS && i < ARRAY_LEN(rows); i++)
                if (rows[i].reason == ERR_GET_REASON(error))
                        return rows[i].word;
        return NULL;
}

/* Empties the queue: 21 with `why`, which is `word` where nothing there says it better; -ENOMEM if it was
 * only memory. */
static int explain(const char *word, char why[static TIMESTAMP_WHY_MAX])
{
        const char *data, *said = "", *text = "";
        char line[TIMESTAMP_WHY_MAX] = "";
        int flags, r = OUTCOME_INVALID;
        for (unsigned long e; (e = ERR_get_error_all(NULL, NULL, NULL, &data, &flags)) != 0;) {
                if (ERR_GET_REASON(e) == ERR_R_MALLOC_FAILURE)
                        r = -ENOMEM;
                if (!word_of(e))
                        continue;
                word = word_of(e);
                text = ERR_reason_error_string(e);
                said = flags & ERR_TXT_STRING ? data : "";
                snprintf(line, sizeof line, "%s: %s%s%s", word, text ? text : "", *said ? ", " : "",
                        said);
        }
        if (r == OUTCOME_INVALID)
                text_sanitize(why, TIMESTAMP_WHY_MAX, line[0] ? line : word, TIMESTAMP_WHY_MAX);
        return r;
}

/* What OpenSSL allocated, as what free() takes. */
static int hand_over(unsigned char *der, int len, unsigned char **ret, size_t *ret_len)
{
        unsigned char *copy = len > 0 ? malloc((size_t)len) : NULL;
        if (copy) {
                memcpy(copy, der, (size_t)len);
                *ret = copy;
                *ret_len = (size_t)len;
        }
        OPENSSL_free(der);
        ERR_clear_error();
        return copy ? 0 : -ENOMEM;
}

/* ---- asking ---- */

static bool set_imprint(TS_REQ *req, const void *data, size_t len, const EVP_MD *md)
{
        uint8_t hash[EVP_MAX_MD_SIZE];
        unsigned int hash_len = 0;
        _cleanup_of_(TS_MSG_IMPRINT) TS_MSG_IMPRINT *imprint = TS_MSG_IMPRINT_new();
        _cleanup_of_(X509_ALGOR) X509_ALGOR *algorithm = X509_ALGOR_new();
        return imprint && algorithm && EVP_Digest(data, len, hash, &hash_len, md, NULL) == 1 &&
               X509_ALGOR_set0(algorithm, OBJ_nid2obj(EVP_MD_get_type(md)), V_ASN1_NULL, NULL) ==
                       1 &&
               TS_MSG_IMPRINT_set_algo(imprint, algorithm) == 1 &&
               TS_MSG_IMPRINT_set_msg(imprint, hash, (int)hash_len) == 1 &&
               TS_REQ_set_msg_imprint(req, imprint) == 1;
}

static bool set_nonce(TS_REQ *req)
{
        uint8_t random[NONCE_LEN];
        if (RAND_bytes(random, sizeof random) != 1)
                return false;
        random[0] = (uint8_t)((random[0] & 0x7F) | 0x40); /* positive, and always as long */
        _cleanup_of_(BIGNUM) BIGNUM *number = BN_bin2bn(random, sizeof random, NULL);
        _cleanup_of_(ASN1_INTEGER) ASN1_INTEGER *nonce =
                number ? BN_to_ASN1_INTEGER(number, NULL) : NULL;
        return nonce && TS_REQ_set_nonce(req, nonce) == 1;
}

int timestamp_request(
        const void *data, size_t len, bool strong, unsigned char **ret, size_t *ret_len)
{
        unsigned char *der = NULL;
        _cleanup_of_(TS_REQ) TS_REQ *req = TS_REQ_new();
        bool good = req && TS_REQ_set_version(req, 1) == 1 &&
                    set_imprint(req, data, len, strong ? EVP_sha512() : EVP_sha256()) &&
                    set_nonce(req) && TS_REQ_set_cert_req(req, 1) == 1;
        int der_len = good ? i2d_TS_REQ(req, &der) : 0;
        return hand_over(der, der_len, ret, ret_len);
}

/* ---- the answer ---- */

static int answers(TS_REQ *req, TS_RESP *resp, char why[static TIMESTAMP_WHY_MAX])
{
        _cleanup_of_(TS_VERIFY_CTX) TS_VERIFY_CTX *ctx = TS_REQ_to_TS_VERIFY_CTX(req, NULL);
        if (!ctx)
                return explain("form", why);
        TS_VERIFY_CTX_set_flags(ctx, TS_VFY_VERSION | TS_VFY_IMPRINT | TS_VFY_NONCE);
        return TS_RESP_verify_response(ctx, resp) == 1 ? 0 : explain("form", why);
}

int timestamp_response(const void *request, size_t request_len, const void *response,
        size_t response_len, unsigned char **ret, size_t *ret_len,
        char why[static TIMESTAMP_WHY_MAX])
{
        const unsigned char *asked = request, *came = response;
        unsigned char *der = NULL;
        ERR_clear_error();
        if (request_len > TIMESTAMP_MAX || response_len > TIMESTAMP_MAX)
                return explain("form", why);
        _cleanup_of_(TS_REQ) TS_REQ *req = d2i_TS_REQ(NULL, &asked, (long)request_len);
        _cleanup_of_(TS_RESP) TS_RESP *resp = d2i_TS_RESP(NULL, &came, (long)response_len);
        if (!req || !resp || came != (const unsigned char *)response + response_len)
                return explain("form", why);
        int r = answers(req, resp, why);
        if (r != 0)
                return r;
        int der_len = i2d_PKCS7(TS_RESP_get_token(resp), &der);
        return hand_over(der, der_len, ret, ret_len);
}

/* ---- a token ---- */

static bool is_strong(const ASN1_OBJECT *digest)
{
        int nid = OBJ_obj2nid(digest);
        return nid == NID_sha256 || nid == NID_sha384 || nid == NID_sha512;
}

/* The certificate that signed it, borrowed, among those the token brought; or NULL. */
static X509 *signer_of(PKCS7 *token, X509_ALGOR **ret_digest)
{
        STACK_OF(PKCS7_SIGNER_INFO) *infos = PKCS7_get_signer_info(token);
        if (sk_PKCS7_SIGNER_INFO_num(infos) != 1)
                return NULL;
        PKCS7_SIGNER_INFO_get0_algs(sk_PKCS7_SIGNER_INFO_value(infos, 0), NULL, ret_digest, NULL);
        STACK_OF(X509) *signers = PKCS7_get0_signers(token, NULL, 0);
        X509 *signer = sk_X509_num(signers) == 1 ? sk_X509_value(signers, 0) : NULL;
        sk_X509_free(signers);
        return signer;
}

static void name_authority(X509 *signer, char dst[static 128])
{
        X509_NAME *name = X509_get_subject_name(signer);
        int at = X509_NAME_get_index_by_NID(name, NID_commonName, -1);
        unsigned char *text = NULL;
        dst[0] = '\0';
        if (at >= 0 && ASN1_STRING_to_UTF8(
                               &text, X509_NAME_ENTRY_get_data(X509_NAME_get_entry(name, at))) > 0)
                text_sanitize(dst, 128, (char *)text, 128);
        OPENSSL_free(text);
}

/* Milliseconds; -1 if there is none, TIMESTAMP_ACCURACY_MAX + 1 if it is out of all bounds. */
static int64_t accuracy_of(TS_TST_INFO *info)
{
        TS_ACCURACY *accuracy = TS_TST_INFO_get_accuracy(info);
        int64_t seconds = 0, millis = 0;
        if (!accuracy)
                return -1;
        const ASN1_INTEGER *s = TS_ACCURACY_get_seconds(accuracy),
                           *ms = TS_ACCURACY_get_millis(accuracy);
        bool good = (!s || ASN1_INTEGER_get_int64(&seconds, s) == 1) &&
                    (!ms || ASN1_INTEGER_get_int64(&millis, ms) == 1) && seconds >= 0 &&
                    seconds <= TIMESTAMP_ACCURACY_MAX / 1000 && millis >= 0 && millis < 1000;
        return good ? seconds * 1000 + millis : TIMESTAMP_ACCURACY_MAX + 1;
}

static int describe(TS_TST_INFO *info, X509 *signer, struct timestamp *ret, char *why)
{
        struct tm tm;
        if (ASN1_TIME_to_tm(TS_TST_INFO_get_time(info), &tm) != 1)
                return explain("form", why);
        ret->at = timegm(&tm);
        ret->accuracy_ms = accuracy_of(info);
        if (ret->accuracy_ms > TIMESTAMP_ACCURACY_MAX)
                return explain("accuracy", why);
        if (OBJ_obj2txt(ret->policy, sizeof ret->policy, TS_TST_INFO_get_policy_id(info), 1) < 1)
                return explain("form", why);
        if (signer)
                name_authority(signer, ret->authority);
        return 0;
}

/* A copy of the anchors that is about one time: the time belongs to the store. Whoever verifies with the other
 * one meanwhile may sort it. */
static X509_STORE *anchors_at(X509_STORE *anchors, int64_t at)
{
        X509_STORE *store = X509_STORE_new();
        STACK_OF(X509_OBJECT) *objects = X509_STORE_get0_objects(anchors);
        bool locked = store && X509_STORE_lock(anchors) == 1, good = locked;
        for (int i = 0; good && i < sk_X509_OBJECT_num(objects); i++) {
                X509 *anchor = X509_OBJECT_get0_X509(sk_X509_OBJECT_value(objects, i));
                good = !anchor || X509_STORE_add_cert(store, anchor) == 1;
        }
        if (locked)
                X509_STORE_unlock(anchors);
        if (!good) {
                X509_STORE_free(store);
                return NULL;
        }
        X509_VERIFY_PARAM *param = X509_STORE_get0_param(store);
        X509_VERIFY_PARAM_set_time(param, (time_t)at);
        X509_VERIFY_PARAM_set_auth_level(param, SECURITY_LEVEL);
        X509_VERIFY_PARAM_set_flags(param, X509_V_FLAG_PARTIAL_CHAIN);
        return store;
}

static bool imprint_holds(TS_TST_INFO *info, const struct timestamp_terms *terms)
{
        TS_MSG_IMPRINT *imprint = TS_TST_INFO_get_msg_imprint(info);
        const ASN1_OBJECT *algorithm = NULL;
        X509_ALGOR_get0(&algorithm, NULL, NULL, TS_MSG_IMPRINT_get_algo(imprint));
        const ASN1_OCTET_STRING *said = TS_MSG_IMPRINT_get_msg(imprint);
        const EVP_MD *md = is_strong(algorithm) ? EVP_get_digestbyobj(algorithm) : NULL;
        uint8_t hash[EVP_MAX_MD_SIZE];
        unsigned int len = 0;
        return md && EVP_Digest(terms->data, terms->len, hash, &len, md, NULL) == 1 &&
               ASN1_STRING_length(said) == (int)len &&
               memcmp(ASN1_STRING_get0_data(said), hash, len) == 0;
}

/* Chain, purpose, ESSCertID, the name it gives itself, the signature. */
static int signature_holds(PKCS7 *token, const struct timestamp_terms *terms, char *why)
{
        _cleanup_of_(TS_VERIFY_CTX) TS_VERIFY_CTX *ctx = TS_VERIFY_CTX_new();
        X509_STORE *store = anchors_at(terms->anchors, terms->at);
        if (!ctx || !store) {
                X509_STORE_free(store);
                ERR_clear_error();
                return -ENOMEM;
        }
        TS_VERIFY_CTX_set_store(ctx, store); /* which is the context's from here on */
        TS_VERIFY_CTX_set_flags(ctx, TS_VFY_SIGNATURE | TS_VFY_VERSION | TS_VFY_SIGNER);
        return TS_RESP_verify_token(ctx, token) == 1 ? 0 : explain("signature", why);
}

static bool was_valid(X509 *cert, int64_t at)
{
        time_t when = (time_t)at;
        return X509_cmp_time(X509_get0_notBefore(cert), &when) < 0 &&
               X509_cmp_time(X509_get0_notAfter(cert), &when) > 0;
}

static int vouched(PKCS7 *token, X509 *signer, const X509_ALGOR *digest,
        const struct timestamp_terms *terms, struct timestamp *found, char *why)
{
        const ASN1_OBJECT *algorithm = NULL;
        if (!signer)
                return explain("certificate", why);
        X509_ALGOR_get0(&algorithm, NULL, NULL, digest);
        if (!is_strong(algorithm))
                return explain("weak", why);
        int r = signature_holds(token, terms, why);
        if (r != 0)
                return r;
        if (found->at > terms->at + CLOCK_SKEW || !was_valid(signer, found->at))
                return explain("time", why);
        found->trusted = true;
        return 0;
}

int timestamp_judge(const void *token, size_t len, const struct timestamp_terms *terms,
        struct timestamp *ret, char why[static TIMESTAMP_WHY_MAX])
{
        const unsigned char *at = token;
        struct timestamp found = { 0 };
        X509_ALGOR *digest = NULL;
        ERR_clear_error();
        _cleanup_of_(PKCS7) PKCS7 *p7 =
                len <= TIMESTAMP_MAX ? d2i_PKCS7(NULL, &at, (long)len) : NULL;
        if (!p7 || at != (const unsigned char *)token + len || !PKCS7_type_is_signed(p7))
                return explain("form", why);
        _cleanup_of_(TS_TST_INFO) TS_TST_INFO *info = PKCS7_to_TS_TST_INFO(p7);
        if (!info)
                return explain("form", why);
        X509 *signer = signer_of(p7, &digest);
        int r = describe(info, signer, &found, why);
        if (r == 0 && !imprint_holds(info, terms))
                r = explain("imprint", why);
        if (r == 0 && terms->anchors)
                r = vouched(p7, signer, digest, terms, &found, why);
        if (r == 0)
                *ret = found;
        ERR_clear_error();
        return r;
}

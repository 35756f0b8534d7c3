/* SPDX-License-Identifier: Apache-2.0 */
/* signer.c: see signer.h. */
#include "client-sdk/signer.h"

#include "base/bytes.h"
#include "base/text.h"
#include "client-sdk/algorithm.h"
#include "client-sdk/assertion.h"
#include "client-sdk/base64.h"
#include "client-sdk/lock.h"
#include "client-sdk/members.h"
#include "client-sdk/shortage.h"

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/x509v3.h>

#define CERT_TEXT_MAX 8192

struct signer *signer_ref(struct signer *signer)
{
        atomic_fetch_add(&signer->references, 1);
        return signer;
}

struct signer *signer_unref(struct signer *signer)
{
        if (!signer || atomic_fetch_sub(&signer->references, 1) > 1)
                return NULL;
        for (size_t i = 0; i < signer->count; i++)
                X509_free(signer->certs[i]);
        sk_X509_pop_free(signer->chain, X509_free);
        EVP_MD_CTX_free(signer->begun);
        free(signer->issuer_text);
        free(signer);
        return NULL;
}

void issuers_init(struct issuers *issuers)
{
        pthread_mutex_init(&issuers->lock, NULL); /* one of the plain kind cannot fail */
}

static X509 *find_issuer(const struct issuers *issuers, const char *text)
{
        for (size_t i = 0; i < SIGNER_ISSUERS_MAX; i++)
                if (issuers->rows[i].text && strcmp(issuers->rows[i].text, text) == 0)
                        return issuers->rows[i].cert;
        return NULL;
}

/* A reference of the caller's own: the row may be another's a moment later. */
static X509 *take_issuer(struct issuers *issuers, const char *text)
{
        if (!issuers)
                return NULL;
        _cleanup_lock_ pthread_mutex_t *held = lock_take(&issuers->lock);
        X509 *cert = find_issuer(issuers, text);
        if (cert)
                X509_up_ref(cert);
        return cert;
}

void issuers_learn(struct issuers *issuers, struct signer *signer)
{
        if (!signer->issuer_text)
                return;
        _cleanup_lock_ pthread_mutex_t *held = lock_take(&issuers->lock);
        if (find_issuer(issuers, signer->issuer_text))
                return;
        size_t row = issuers->next;
        issuers->next = (row + 1) % SIGNER_ISSUERS_MAX;
        free(issuers->rows[row].text);
        X509_free(issuers->rows[row].cert);
        issuers->rows[row].text = signer->issuer_text;
        signer->issuer_text = NULL;
        issuers->rows[row].cert = signer->certs[1];
        X509_up_ref(signer->certs[1]);
}

void issuers_clear(struct issuers *issuers)
{
        for (size_t i = 0; i < SIGNER_ISSUERS_MAX; i++) {
                free(issuers->rows[i].text);
                X509_free(issuers->rows[i].cert);
        }
        pthread_mutex_destroy(&issuers->lock);
}

/* Of a staff member's keys one commits its holder; the others open doors, and sign for whatever program asks. */
static bool may_sign(const struct signer *signer)
{
        X509 *cert = signer->certs[0];
        uint32_t usage = X509_get_key_usage(cert); /* all bits when the extension is absent */
        return signer->identity.staff ? leaf_commits(cert)
                                      : usage & (KU_DIGITAL_SIGNATURE | KU_NON_REPUDIATION);
}

static enum mohr_reason choose_algorithm(struct signer *signer, const char *name)
{
        const struct algorithm *algorithm = algorithm_named(name);
        EVP_PKEY *key = X509_get0_pubkey(signer->certs[0]);
        if (!algorithm || !algorithm_takes_kind(algorithm, key))
                return MOHR_REASON_ALGORITHM;
        if (!algorithm_fits(algorithm, key))
                return MOHR_REASON_KEY;
        signer->algorithm = algorithm;
        return MOHR_REASON_OK;
}

static bool add_der(struct signer *signer, const uint8_t *der, size_t len, struct leaf *ret_leaf)
{
        int r = leaf_parse(der, len, &signer->certs[signer->count], ret_leaf);
        signer->starved |= r == -ENOMEM;
        if (r < 0)
                return false;
        signer->count++;
        return true;
}

static bool add_certificate(struct signer *signer, const json_t *text, struct leaf *ret_leaf)
{
        uint8_t der[CERT_TEXT_MAX / 4 * 3];
        size_t len = json_string_length(text);
        if (!json_is_string(text) || len > CERT_TEXT_MAX)
                return false;
        ssize_t der_len =
                base64_decode(BASE64_STANDARD, der, sizeof der, json_string_value(text), len);
        return der_len > 0 && add_der(signer, der, (size_t)der_len, ret_leaf);
}

/* An issuer, read now or before. */
static bool add_issuer(struct signer *signer, const json_t *text, struct issuers *known)
{
        struct leaf read;
        X509 *cert = json_is_string(text) ? take_issuer(known, json_string_value(text)) : NULL;
        if (!cert)
                return add_certificate(signer, text, &read);
        signer->certs[signer->count++] = cert;
        return true;
}

static bool issued(X509 *issuer, X509 *cert)
{
        return X509_get_extension_flags(issuer) & EXFLAG_CA &&
               X509_check_issued(issuer, cert) == X509_V_OK;
}

static enum mohr_reason read_certificates(
        struct signer *signer, const json_t *x5c, struct issuers *known)
{
        size_t count = json_array_size(x5c);
        if (count < 1 || count > SIGNER_CERTS_MAX ||
                !add_certificate(signer, json_array_get(x5c, 0), &signer->leaf))
                return MOHR_REASON_CERTIFICATE;
        for (size_t i = 1; i < count; i++) {
                if (!add_issuer(signer, json_array_get(x5c, i), known))
                        return MOHR_REASON_CERTIFICATE;
                if (!issued(signer->certs[i], signer->certs[i - 1]))
                        return MOHR_REASON_CERTIFICATE_ORDER;
        }
        if (count > 1) /* without it the issuer is only not remembered */
                signer->issuer_text = strdup(json_string_value(json_array_get(x5c, 1)));
        return MOHR_REASON_OK;
}

static enum mohr_reason check_members(const json_t *header)
{
        static const char *const allowed[] = { "alg", "typ", "x5c" };
        const char *name;
        json_t *value;
        if (json_object_get(header, "crit"))
                return MOHR_REASON_CRITICAL;
        json_object_foreach ((json_t *)(uintptr_t)header, name, value) {
                bool known = false;
                for (size_t i = 0; i < ARRAY_LEN(allowed); i++)
                        known = known || strcmp(name, allowed[i]) == 0;
                if (!known)
                        return MOHR_REASON_HEADER;
        }
        if (!json_is_string(json_object_get(header, "alg")) ||
                !json_is_array(json_object_get(header, "x5c")))
                return MOHR_REASON_HEADER;
        return MOHR_REASON_OK;
}

/* What it says to be decides, before anything else of it is believed, whose certificate must follow. */
static const struct kind {
        const char *typ;
        bool staff;
        enum mohr_reason otherwise;
} kinds[] = {
        { ASSERTION_TYP, false, MOHR_REASON_NOT_CITIZEN },
        { ASSERTION_TYP_STAFF, true, MOHR_REASON_NOT_STAFF },
};

static const struct kind *kind_of(const json_t *header)
{
        const char *typ = json_string_value(json_object_get(header, "typ"));
        for (size_t i = 0; typ && i < ARRAY_LEN(kinds); i++)
                if (strcmp(kinds[i].typ, typ) == 0)
                        return &kinds[i];
        return NULL;
}

static void describe(struct signer *signer)
{
        uint8_t hash[EVP_MAX_MD_SIZE];
        unsigned int len = 0;
        if (X509_digest(signer->certs[0], EVP_sha256(), hash, &len) == 1)
                hex_encode(signer->fingerprint, hash, 32);
        char issuer[128] = "";
        X509_NAME_get_text_by_NID(
                X509_get_issuer_name(signer->certs[0]), NID_commonName, issuer, sizeof issuer);
        text_sanitize(signer->issuer, sizeof signer->issuer, issuer, sizeof issuer);
}

/* What every signer has, whatever it signs. */
static enum mohr_reason fill_any(
        struct signer *signer, const json_t *header, bool typed, struct issuers *known)
{
        enum mohr_reason reason = check_members(header);
        if (reason == MOHR_REASON_OK && !typed)
                reason = MOHR_REASON_TYPE;
        if (reason == MOHR_REASON_OK)
                reason = read_certificates(signer, json_object_get(header, "x5c"), known);
        if (reason == MOHR_REASON_OK)
                reason =
                        choose_algorithm(signer, json_string_value(json_object_get(header, "alg")));
        if (reason == MOHR_REASON_OK)
                describe(signer);
        return reason;
}

/* Of an assertion, unless another `typ` is wanted. */
static enum mohr_reason fill(
        struct signer *signer, const json_t *header, const char *typ, struct issuers *known)
{
        const struct kind *kind = typ ? NULL : kind_of(header);
        const char *own = json_string_value(json_object_get(header, "typ"));
        bool typed = typ ? own && strcmp(own, typ) == 0 : kind != NULL;
        enum mohr_reason reason = fill_any(signer, header, typed, known);
        if (reason != MOHR_REASON_OK)
                return reason;
        int r = kind ? identity_read(signer->certs[0], &signer->leaf, &signer->identity) : 0;
        signer->starved |= r == -ENOMEM;
        if (r != 0 || (kind && signer->identity.staff != kind->staff))
                return kind->otherwise;
        return may_sign(signer) ? MOHR_REASON_OK : MOHR_REASON_KEY_USAGE;
}

static int read_header(const char *json, size_t len, const char *typ, struct issuers *known,
        struct signer **ret, enum mohr_reason *ret_reason)
{
        bool starved;
        _cleanup_json_ json_t *header = members_read(json, len, &starved);
        if (starved)
                return -ENOMEM;
        if (!json_is_object(header)) {
                *ret_reason = MOHR_REASON_HEADER;
                return 0;
        }
        _cleanup_signer_ struct signer *signer = calloc(1, sizeof *signer);
        if (!signer)
                return -ENOMEM;
        atomic_init(&signer->references, 1);
        ERR_clear_error();
        enum mohr_reason reason = fill(signer, header, typ, known);
        if (shortage_seen() < 0 || signer->starved) /* nothing half read is judged, or remembered */
                return -ENOMEM;
        *ret_reason = reason;
        if (reason != MOHR_REASON_OK)
                return 0;
        *ret = signer;
        signer = NULL;
        return 0;
}

int signer_read(const char *json, size_t len, struct issuers *known, struct signer **ret,
        enum mohr_reason *ret_reason)
{
        return read_header(json, len, NULL, known, ret, ret_reason);
}

int signer_read_as(const char *json, size_t len, const char *typ, struct signer **ret,
        enum mohr_reason *ret_reason)
{
        return read_header(json, len, typ, NULL, ret, ret_reason);
}

static enum mohr_reason fill_plain(
        struct signer *signer, const struct view *certificates, size_t count, const char *alg)
{
        struct leaf ignored;
        if (count < 1 || count > SIGNER_CERTS_MAX)
                return MOHR_REASON_CERTIFICATE;
        for (size_t i = 0; i < count; i++) {
                if (!add_der(signer, certificates[i].data, certificates[i].len,
                            i == 0 ? &signer->leaf : &ignored))
                        return MOHR_REASON_CERTIFICATE;
                if (i > 0 && !issued(signer->certs[i], signer->certs[i - 1]))
                        return MOHR_REASON_CERTIFICATE_ORDER;
        }
        const struct algorithm *own = algorithm_of_key(X509_get0_pubkey(signer->certs[0]));
        enum mohr_reason reason =
                own ? choose_algorithm(signer, alg ? alg : algorithm_name(own)) : MOHR_REASON_KEY;
        if (reason != MOHR_REASON_OK)
                return reason;
        describe(signer);
        int r = identity_read(signer->certs[0], &signer->leaf, &signer->identity);
        signer->starved |= r == -ENOMEM;
        if (r != 0)
                return MOHR_REASON_NOT_HOLDER;
        return may_sign(signer) ? MOHR_REASON_OK : MOHR_REASON_KEY_USAGE;
}

int signer_of(const struct view *certificates, size_t count, const char *alg, struct signer **ret,
        enum mohr_reason *ret_reason)
{
        _cleanup_signer_ struct signer *signer = calloc(1, sizeof *signer);
        if (!signer)
                return -ENOMEM;
        atomic_init(&signer->references, 1);
        ERR_clear_error();
        enum mohr_reason reason = fill_plain(signer, certificates, count, alg);
        if (shortage_seen() < 0 || signer->starved)
                return -ENOMEM;
        *ret_reason = reason;
        if (reason != MOHR_REASON_OK)
                return 0;
        *ret = signer;
        signer = NULL;
        return 0;
}

int signer_begin(struct signer *signer, const char *beginning, size_t len)
{
        EVP_PKEY *key = X509_get0_pubkey(signer->certs[0]);
        EVP_MD_CTX *md = EVP_MD_CTX_new();
        if (md && algorithm_verify_begin(signer->algorithm, key, md) == 0 &&
                EVP_DigestVerifyUpdate(md, beginning, len) == 1) {
                EVP_MD_CTX_free(signer->begun);
                signer->begun = md;
                md = NULL;
        }
        EVP_MD_CTX_free(md);
        ERR_clear_error();
        return signer->begun ? 0 : -ENOMEM; /* the key was found fit before */
}

/* On a copy, which nothing is asked of afterwards: OpenSSL need not make one more. */
static bool finish_verify(
        const EVP_MD_CTX *begun, const char *rest, size_t len, const uint8_t *sig, size_t sig_len)
{
        EVP_MD_CTX *md = EVP_MD_CTX_new();
        bool good = md && begun && EVP_MD_CTX_copy_ex(md, begun) == 1;
        if (good) {
                EVP_MD_CTX_set_flags(md, EVP_MD_CTX_FLAG_FINALISE);
                good = EVP_DigestVerifyUpdate(md, rest, len) == 1 &&
                       EVP_DigestVerifyFinal(md, sig, sig_len) == 1;
        }
        EVP_MD_CTX_free(md);
        return good;
}

bool signer_verifies(const struct signer *signer, const char *rest, size_t len, const uint8_t *sig,
        size_t sig_len)
{
        uint8_t der[ALGORITHM_SIG_MAX];
        size_t der_len = algorithm_sig_from_jws(signer->algorithm, sig, sig_len, der);
        bool good = der_len > 0 && finish_verify(signer->begun, rest, len, der, der_len);
        ERR_clear_error();
        return good;
}

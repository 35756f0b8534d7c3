/* SPDX-License-Identifier: Apache-2.0 */
/* trust.c: see trust.h.
 *
 * The memory of judged signers is a ring of fixed size, keyed by the whole header text, so a hit
 * proves that the very same certificates were found good; only the times are compared anew. Its lock is
 * held while texts are compared and pointers exchanged, never while something is judged or freed.
 */
#include "client-sdk/trust.h"

#include "client-sdk/lock.h"
#include "client-sdk/shortage.h"

#include <openssl/err.h>
#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>
#include <time.h>

#define SECURITY_LEVEL 2 /* OpenSSL's: 112 bits, no SHA-1 below the anchor */
#define SIGNATURE_BITS 112

struct mohr_trust *trust_new(void)
{
        struct mohr_trust *trust = calloc(1, sizeof *trust);
        if (!trust || !(trust->revocation = revocation_new())) {
                free(trust);
                return NULL;
        }
        pthread_mutex_init(&trust->memory.lock, NULL);
        issuers_init(&trust->issuers);
        return trust;
}

static void forget(struct remembered *row)
{
        free(row->header);
        signer_unref(row->signer);
}

struct mohr_trust *mohr_trust_free(struct mohr_trust *trust)
{
        if (!trust)
                return NULL;
        for (size_t i = 0; i < TRUST_REMEMBERED; i++)
                forget(&trust->memory.rows[i]);
        pthread_mutex_destroy(&trust->memory.lock);
        sk_X509_pop_free(trust->between, X509_free);
        issuers_clear(&trust->issuers);
        revocation_free(trust->revocation);
        for (size_t i = 0; i < TRUST_SCOPES; i++)
                X509_STORE_free(trust->scopes[i].store);
        free(trust);
        return NULL;
}

/* Which of our reasons an error of OpenSSL's is; all others: the chain does not hold. */
static enum mohr_reason reason_of(int error)
{
        static const struct {
                int error;
                enum mohr_reason reason;
        } rows[] = {
                { X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT, MOHR_REASON_UNTRUSTED },
                { X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY, MOHR_REASON_UNTRUSTED },
                { X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE, MOHR_REASON_UNTRUSTED },
                { X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT, MOHR_REASON_UNTRUSTED },
                { X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN, MOHR_REASON_UNTRUSTED },
                { X509_V_ERR_CERT_NOT_YET_VALID, MOHR_REASON_CERTIFICATE_NOT_YET_VALID },
        };
        for (size_t i = 0; i < ARRAY_LEN(rows); i++)
                if (rows[i].error == error)
                        return rows[i].reason;
        return MOHR_REASON_CHAIN;
}

struct walk {
        bool leaf_expired, issuer_expired;
};

static int on_certificate(int ok, X509_STORE_CTX *ctx)
{
        struct walk *walk = X509_STORE_CTX_get_app_data(ctx);
        if (ok || X509_STORE_CTX_get_error(ctx) != X509_V_ERR_CERT_HAS_EXPIRED)
                return ok;
        if (X509_STORE_CTX_get_error_depth(ctx) == 0)
                walk->leaf_expired = true;
        else
                walk->issuer_expired = true;
        X509_STORE_CTX_set_error(ctx, X509_V_OK);
        return 1;
}

/* What a chain may be built of, none of it trusted: x5c first. */
static int collect(
        const struct mohr_trust *trust, const struct signer *signer, STACK_OF(X509) * others)
{
        for (size_t i = 1; i < signer->count; i++)
                if (!sk_X509_push(others, signer->certs[i]))
                        return -ENOMEM;
        for (int i = 0; i < sk_X509_num(trust->between); i++)
                if (!sk_X509_push(others, sk_X509_value(trust->between, i)))
                        return -ENOMEM;
        return 0;
}

static int set_up(X509_STORE_CTX *ctx, X509_STORE *store, const struct signer *signer,
        STACK_OF(X509) * others, int64_t at, struct walk *walk)
{
        if (X509_STORE_CTX_init(ctx, store, signer->certs[0], others) != 1)
                return -ENOMEM;
        X509_VERIFY_PARAM *param = X509_STORE_CTX_get0_param(ctx);
        X509_VERIFY_PARAM_set_time(param, (time_t)at);
        X509_VERIFY_PARAM_set_depth(param, SIGNER_CERTS_MAX + 1);
        X509_VERIFY_PARAM_set_auth_level(param, SECURITY_LEVEL);
        X509_VERIFY_PARAM_set_flags(param, X509_V_FLAG_PARTIAL_CHAIN);
        X509_STORE_CTX_set_app_data(ctx, walk);
        X509_STORE_CTX_set_verify_cb(ctx, on_certificate);
        return 0;
}

/* The time in which nothing of the chain changes: from the latest beginning to the earliest end. */
static void window_of(X509_STORE_CTX *ctx, struct chain_verdict *verdict)
{
        STACK_OF(X509) *chain = X509_STORE_CTX_get0_chain(ctx);
        verdict->valid_from = INT64_MIN;
        verdict->valid_to = INT64_MAX;
        for (int i = 0; i < sk_X509_num(chain); i++) {
                struct tm from, to;
                X509 *cert = sk_X509_value(chain, i);
                if (ASN1_TIME_to_tm(X509_get0_notBefore(cert), &from) != 1 ||
                        ASN1_TIME_to_tm(X509_get0_notAfter(cert), &to) != 1) {
                        verdict->valid_to = INT64_MIN;
                        return;
                }
                int64_t begins = timegm(&from), ends = timegm(&to);
                verdict->valid_from = begins > verdict->valid_from ? begins : verdict->valid_from;
                verdict->valid_to = ends < verdict->valid_to ? ends : verdict->valid_to;
        }
}

static void judge(X509_STORE_CTX *ctx, const struct walk *walk, struct chain_verdict *verdict)
{
        if (X509_verify_cert(ctx) != 1) {
                verdict->reason = reason_of(X509_STORE_CTX_get_error(ctx));
                return;
        }
        window_of(ctx, verdict);
        verdict->leaf_expired = walk->leaf_expired;
        verdict->issuer_expired = walk->issuer_expired;
        verdict->reason = walk->issuer_expired && !walk->leaf_expired ? MOHR_REASON_ISSUER_EXPIRED
                                                                      : MOHR_REASON_OK;
}

static int keep_chain(X509_STORE_CTX *ctx, struct signer *signer)
{
        sk_X509_pop_free(signer->chain, X509_free);
        signer->chain = X509_STORE_CTX_get1_chain(ctx);
        return signer->chain ? 0 : -ENOMEM;
}

int trust_check(const struct mohr_trust *trust, struct signer *signer, int64_t at,
        struct chain_verdict *ret)
{
        struct walk walk = { 0 };
        struct chain_verdict verdict = { .reason = MOHR_REASON_CHAIN };
        X509_STORE *store =
                trust->scopes[signer->identity.staff ? TRUST_STAFF : TRUST_CITIZENS].store;
        if (!store) {
                *ret = (struct chain_verdict){ .reason = MOHR_REASON_UNTRUSTED };
                return 0;
        }
        ERR_clear_error();
        X509_STORE_CTX *ctx = X509_STORE_CTX_new();
        STACK_OF(X509) *others = sk_X509_new_null();
        int r = ctx && others ? collect(trust, signer, others) : -ENOMEM;
        if (r == 0)
                r = set_up(ctx, store, signer, others, at, &walk);
        if (r == 0)
                judge(ctx, &walk, &verdict);
        if (r == 0 && verdict.reason == MOHR_REASON_OK)
                r = keep_chain(ctx, signer);
        X509_STORE_CTX_free(ctx);
        sk_X509_free(others);
        if (shortage_seen() < 0)
                r = -ENOMEM;
        if (r == 0)
                *ret = verdict;
        return r;
}

bool trust_vouches(const struct mohr_trust *trust, enum trust_scope scope, X509 *authority)
{
        return trust_leads(trust, scope, authority, NULL) > 0;
}

int trust_leads(const struct mohr_trust *trust, enum trust_scope scope, X509 *authority,
        STACK_OF(X509) * others)
{
        X509_STORE *store = trust->scopes[scope].store;
        if (!store)
                return 0;
        ERR_clear_error();
        X509_STORE_CTX *ctx = X509_STORE_CTX_new();
        bool ready = ctx && X509_STORE_CTX_init(ctx, store, authority, others) == 1, yes = false;
        if (ready) {
                X509_VERIFY_PARAM *param = X509_STORE_CTX_get0_param(ctx);
                X509_VERIFY_PARAM_set_auth_level(param, SECURITY_LEVEL);
                X509_VERIFY_PARAM_set_flags(
                        param, X509_V_FLAG_PARTIAL_CHAIN | X509_V_FLAG_NO_CHECK_TIME);
                yes = X509_verify_cert(ctx) == 1;
        }
        X509_STORE_CTX_free(ctx);
        return shortage_seen() < 0 || !ready ? -ENOMEM : yes;
}

bool trust_signed_by(X509 *cert, EVP_PKEY *key)
{
        int bits = 0;
        bool yes = X509_get_signature_info(cert, NULL, NULL, &bits, NULL) == 1 &&
                   bits >= SIGNATURE_BITS && X509_verify(cert, key) == 1;
        ERR_clear_error();
        return yes;
}

X509 *trust_find_issuer(const struct mohr_trust *trust, enum trust_scope scope, X509 *cert)
{
        X509_STORE *store = trust->scopes[scope].store;
        X509 *found = NULL;
        if (!store || X509_STORE_lock(store) != 1) /* OpenSSL sorts the list when it first looks */
                return NULL;
        STACK_OF(X509_OBJECT) *objects = X509_STORE_get0_objects(store);
        for (int i = 0; !found && i < sk_X509_OBJECT_num(objects); i++) {
                X509 *anchor = X509_OBJECT_get0_X509(sk_X509_OBJECT_value(objects, i));
                if (anchor && X509_check_issued(anchor, cert) == X509_V_OK &&
                        trust_signed_by(cert, X509_get0_pubkey(anchor)))
                        found = anchor;
        }
        X509_STORE_unlock(store);
        ERR_clear_error();
        return found;
}

struct signer *trust_recall(struct mohr_trust *trust, const char *header, size_t len, int64_t at)
{
        _cleanup_lock_ pthread_mutex_t *held = lock_take(&trust->memory.lock);
        for (size_t i = 0; i < TRUST_REMEMBERED; i++) {
                const struct remembered *row = &trust->memory.rows[i];
                if (row->header && row->len == len && at >= row->valid_from && at < row->valid_to &&
                        memcmp(row->header, header, len) == 0)
                        return signer_ref(row->signer);
        }
        return NULL;
}

static void exchange(struct memory *memory, struct remembered *row)
{
        _cleanup_lock_ pthread_mutex_t *held = lock_take(&memory->lock);
        const struct remembered old = memory->rows[memory->next];
        memory->rows[memory->next] = *row;
        memory->next = (memory->next + 1) % TRUST_REMEMBERED;
        *row = old;
}

void trust_remember(struct mohr_trust *trust, const char *header, size_t len, struct signer *signer,
        const struct chain_verdict *verdict)
{
        if (verdict->reason != MOHR_REASON_OK)
                return;
        issuers_learn(&trust->issuers, signer);
        char *copy = verdict->leaf_expired ? NULL : strndup(header, len);
        if (!copy)
                return;
        struct remembered row = { .header = copy,
                .len = len,
                .signer = signer_ref(signer),
                .valid_from = verdict->valid_from,
                .valid_to = verdict->valid_to };
        exchange(&trust->memory, &row);
        forget(&row);
}

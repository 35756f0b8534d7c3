/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_bundle.c: bundles from a stranger's stick. The first byte says what the rest is: a content, which must
 * mean the same when it is written again, or an envelope, which nobody here has signed.
 */
#include "client-sdk/bundle.h"

#include "base/outcome.h"

#include <openssl/evp.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void require(bool holds)
{
        if (!holds)
                abort();
}

/* A signer of this process, whose signature no seed can have. */
static STACK_OF(X509) * make_signers(void)
{
        STACK_OF(X509) *signers = sk_X509_new_null();
        EVP_PKEY *key = EVP_EC_gen("P-256");
        X509 *cert = X509_new();
        X509_NAME *name = X509_get_subject_name(cert);
        X509_NAME_add_entry_by_txt(
                name, "CN", MBSTRING_UTF8, (const unsigned char *)"Bundle Signer", -1, -1, 0);
        X509_set_issuer_name(cert, name);
        ASN1_INTEGER_set(X509_get_serialNumber(cert), 1);
        X509_set_pubkey(cert, key);
        require(sk_X509_push(signers, cert) > 0);
        EVP_PKEY_free(key);
        return signers;
}

static void try_envelope(const uint8_t *data, size_t len)
{
        static STACK_OF(X509) * signers;
        if (!signers)
                signers = make_signers();
        X509 *signer = NULL;
        char *content = NULL;
        size_t content_len = 0;
        const char *why = NULL;
        int r = bundle_open(data, len, signers, &signer, &content, &content_len, &why);
        require(r == OUTCOME_INVALID && why && !signer && !content);
}

static void require_same(const struct bundle_item *a, const struct bundle_item *b, size_t count)
{
        for (size_t i = 0; i < count; i++)
                require(a[i].len == b[i].len && memcmp(a[i].der, b[i].der, a[i].len) == 0);
}

static void try_content(const char *text, size_t len)
{
        struct bundle read = { 0 }, again = { 0 };
        const char *why = NULL;
        int r = bundle_parse(text, len, &read, &why);
        require(r == 0 || (r == OUTCOME_INVALID && why && read.anchor_count + read.crl_count == 0));
        if (r != 0)
                return;
        require(read.anchor_count <= BUNDLE_ANCHORS_MAX && read.crl_count <= BUNDLE_CRLS_MAX);
        char *written = bundle_compose(&read);
        require(written && bundle_parse(written, strlen(written), &again, &why) == 0);
        require(read.issued_at == again.issued_at && read.next_update == again.next_update);
        require(read.anchor_count == again.anchor_count && read.crl_count == again.crl_count);
        require_same(read.anchors, again.anchors, read.anchor_count);
        require_same(read.crls, again.crls, read.crl_count);
        free(written);
        bundle_clear(&read);
        bundle_clear(&again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
        if (len == 0)
                return 0;
        if (data[0] & 1)
                try_envelope(data + 1, len - 1);
        else
                try_content((const char *)data + 1, len - 1);
        return 0;
}

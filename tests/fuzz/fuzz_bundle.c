/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_bundle.c: bundles from a stranger's stick. The first byte says what the rest is: a content, which must
 * mean the same when it is written again; an envelope, which nobody here has signed; or changes to one that was
 * signed here, after which its content is the same or nothing.
 */
#include "client-sdk/bundle.h"
#include "tests/fuzz/require.h"

#include "base/outcome.h"

#include <openssl/evp.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static const char content[] = "{\"version\":1}";

/* A signer of this process, whose signature no seed can have, and what it signed. */
struct signed_here {
        STACK_OF(X509) * signers;
        uint8_t *cms;
        size_t len;
};

static struct signed_here make_signed(void)
{
        struct signed_here made = { .signers = sk_X509_new_null() };
        EVP_PKEY *key = EVP_EC_gen("P-256");
        X509 *cert = X509_new();
        X509_NAME *name = X509_get_subject_name(cert);
        X509_NAME_add_entry_by_txt(
                name, "CN", MBSTRING_UTF8, (const unsigned char *)"Bundle Signer", -1, -1, 0);
        X509_set_issuer_name(cert, name);
        ASN1_INTEGER_set(X509_get_serialNumber(cert), 1);
        X509_gmtime_adj(X509_getm_notBefore(cert), 0);
        X509_gmtime_adj(X509_getm_notAfter(cert), 86400);
        X509_set_pubkey(cert, key);
        require(X509_sign(cert, key, EVP_sha256()) > 0 && sk_X509_push(made.signers, cert) > 0);
        require(bundle_seal(content, strlen(content), cert, key, &made.cms, &made.len) == 0);
        EVP_PKEY_free(key);
        return made;
}

static const struct signed_here *here(void)
{
        static struct signed_here made;
        if (!made.signers)
                made = make_signed();
        return &made;
}

/* Whether it opens; if so, its content is what was signed here. */
static bool opens(const uint8_t *data, size_t len)
{
        X509 *signer = NULL;
        char *found = NULL;
        size_t found_len = 0;
        const char *why = NULL;
        int r = bundle_open(data, len, here()->signers, &signer, &found, &found_len, &why);
        require(r == 0 ? signer && found : r == OUTCOME_INVALID && why && !signer && !found);
        require(r != 0 || (found_len == strlen(content) && memcmp(found, content, found_len) == 0));
        free(found);
        return r == 0;
}

/* Three octets for each change: where, and what. */
static void try_changes(const uint8_t *data, size_t len)
{
        uint8_t *copy = malloc(here()->len);
        require(copy != NULL);
        memcpy(copy, here()->cms, here()->len);
        for (; len >= 3; data += 3, len -= 3)
                copy[(size_t)(data[0] << 8 | data[1]) % here()->len] ^= data[2];
        (void)opens(copy, here()->len);
        free(copy);
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
        switch (data[0] % 3) {
        case 0: try_content((const char *)data + 1, len - 1); break;
        case 1: require(!opens(data + 1, len - 1)); break;
        default: try_changes(data + 1, len - 1); break;
        }
        return 0;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* cms_finish.c: the chip's answer in its place: a SignerInfo, and a SignedData around signers and certificates.
 *
 * What leaves here was verified with the certificate's own key, so that a card, a driver or a programme between that
 * garbles a signature is found before anybody gets a document. Every SET stands in the order of DER; a
 * signer's place is therefore the file's, and may be another after the next change.
 */
#include "client-sdk/cms_form.h"

#include "base/outcome.h"
#include "client-sdk/algorithm.h"
#include "client-sdk/shortage.h"

#include <openssl/err.h>

/* ---- SignedData ---- */

void cms_pieces_add(struct cms_pieces *pieces, struct view element)
{
        for (size_t i = 0; i < pieces->count; i++)
                if (cms_same(pieces->rows[i], element))
                        return;
        if (pieces->count == CMS_PIECES)
                pieces->full = true;
        else
                pieces->rows[pieces->count++] = element;
}

void cms_pieces_add_all(struct cms_pieces *pieces, struct view set)
{
        struct in in = der_open(set);
        while (in_left(&in) > 0)
                cms_pieces_add(pieces, der_any(&in));
}

static void put_set(struct out *out, uint8_t tag, const struct cms_pieces *pieces)
{
        size_t mark = der_begin(out);
        for (size_t i = 0; i < pieces->count; i++)
                der_put_view(out, pieces->rows[i]);
        if (pieces->full)
                out->error = -EMSGSIZE;
        der_sort(out, mark);
        der_end(out, mark, tag);
}

static void put_signed_data(struct out *out, const struct cms_pieces *algorithms,
        const struct cms_pieces *certificates, const struct cms_pieces *signers)
{
        der_put(out, DER_OID, OID_SIGNED_DATA.data, OID_SIGNED_DATA.len);
        size_t data = der_begin(out);
        der_put(out, DER_INTEGER, "\x01", 1);
        put_set(out, DER_SET, algorithms);
        size_t content = der_begin(out);
        der_put(out, DER_OID, OID_DATA.data, OID_DATA.len);
        der_end(out, content, DER_SEQUENCE);
        if (certificates->count > 0)
                put_set(out, DER_0, certificates);
        put_set(out, DER_SET, signers);
        der_end(out, data, DER_SEQUENCE);
        der_end(out, data, DER_0);
        der_end(out, 0, DER_SEQUENCE);
}

int cms_build(const struct cms_pieces *algorithms, const struct cms_pieces *certificates,
        const struct cms_pieces *signers, uint8_t **ret, size_t *ret_len)
{
        _cleanup_free_ uint8_t *der = malloc(CMS_SIGNED_MAX);
        if (!der)
                return -ENOMEM;
        struct out out = out_new(der, CMS_SIGNED_MAX);
        put_signed_data(&out, algorithms, certificates, signers);
        if (out_done(&out) < 0)
                return -EMSGSIZE;
        *ret = der;
        *ret_len = out.len;
        der = NULL;
        return 0;
}

/* ---- one signer ---- */

static int verify(const struct cms_suite *suite, X509 *leaf, const uint8_t *attributes, size_t len,
        const uint8_t *signature, size_t signature_len)
{
        uint8_t plain[ALGORITHM_SIG_MAX];
        const struct algorithm *algorithm = algorithm_named(suite->name);
        if (algorithm_sig_to_jws(algorithm, signature, signature_len, plain) == 0)
                return OUTCOME_NO_STANDARD_SIGNATURE;
        ERR_clear_error();
        EVP_MD_CTX *md = EVP_MD_CTX_new();
        int r = md ? algorithm_verify_begin(algorithm, X509_get0_pubkey(leaf), md) : -ENOMEM;
        if (r == 0 && EVP_DigestVerify(md, signature, signature_len, attributes, len) != 1)
                r = OUTCOME_NO_STANDARD_SIGNATURE;
        EVP_MD_CTX_free(md);
        return shortage_seen() < 0 ? -ENOMEM : r;
}

static void put_names(struct out *out, X509 *leaf)
{
        unsigned char *issuer = NULL, *serial = NULL;
        int issuer_len = i2d_X509_NAME(X509_get_issuer_name(leaf), &issuer);
        int serial_len = i2d_ASN1_INTEGER(X509_get0_serialNumber(leaf), &serial);
        size_t mark = der_begin(out);
        if (issuer_len > 0 && serial_len > 0) {
                out_bytes(out, issuer, (size_t)issuer_len);
                out_bytes(out, serial, (size_t)serial_len);
        } else {
                out->error = -ENOMEM;
        }
        der_end(out, mark, DER_SEQUENCE);
        OPENSSL_free(issuer);
        OPENSSL_free(serial);
}

static void put_signer(struct out *out, const struct cms_suite *suite, X509 *leaf,
        struct view attributes, const uint8_t *signature, size_t signature_len)
{
        der_put(out, DER_INTEGER, "\x01", 1);
        put_names(out, leaf);
        der_put_view(out, suite->digest_algorithm);
        der_put(out, DER_0, attributes.data, attributes.len);
        der_put_view(out, suite->algorithm);
        der_put(out, DER_OCTETS, signature, signature_len);
        der_end(out, 0, DER_SEQUENCE);
}

static void take_certificate(struct cms_pieces *pieces, X509 *cert, unsigned char **ret_der)
{
        int len = cert ? i2d_X509(cert, ret_der) : 0;
        if (len > 0)
                cms_pieces_add(pieces, (struct view){ *ret_der, (size_t)len });
        else if (cert)
                pieces->full = true;
}

static int build_one(const struct cms_suite *suite, X509 *leaf, X509 *issuer, struct view signer,
        uint8_t **ret, size_t *ret_len)
{
        unsigned char *leaf_der = NULL, *issuer_der = NULL;
        struct cms_pieces algorithms = { .count = 0 }, certificates = { .count = 0 },
                          signers = { .count = 0 };
        ERR_clear_error();
        take_certificate(&certificates, leaf, &leaf_der);
        take_certificate(&certificates, issuer, &issuer_der);
        cms_pieces_add(&algorithms, suite->digest_algorithm);
        cms_pieces_add(&signers, signer);
        int r = cms_build(&algorithms, &certificates, &signers, ret, ret_len);
        OPENSSL_free(leaf_der);
        OPENSSL_free(issuer_der);
        return shortage_seen() < 0 && r < 0 ? -ENOMEM : r;
}

int cms_finish(const uint8_t *attributes, size_t len, X509 *leaf, X509 *issuer,
        const uint8_t *signature, size_t signature_len, uint8_t **ret, size_t *ret_len)
{
        uint8_t buffer[2 * CMS_ATTRIBUTES_MAX + CMS_VALUE_MAX];
        const struct cms_suite *suite = cms_suite_of(leaf);
        struct in in = in_new(attributes, len);
        struct view set = der_get(&in, DER_SET);
        if (!suite || in_done(&in) < 0 || len > CMS_ATTRIBUTES_MAX)
                return -EINVAL;
        int r = verify(suite, leaf, attributes, len, signature, signature_len);
        if (r != 0)
                return r;
        ERR_clear_error();
        struct out out = out_new(buffer, sizeof buffer);
        put_signer(&out, suite, leaf, set, signature, signature_len);
        if (shortage_seen() < 0)
                return -ENOMEM;
        if (out_done(&out) < 0)
                return -EINVAL;
        return build_one(suite, leaf, issuer, (struct view){ buffer, out.len }, ret, ret_len);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* cms_certificate.c: which certificate a signer signed with. The bag that comes along holds those of all signers in no order and
 * nobody signs it, so nothing in it counts but what signing-certificate-v2 (RFC 5035), which is signed, names by its
 * digest; the rest is only what a chain may be built of.
 */
#include "client-sdk/cms_verify.h"

#include "base/outcome.h"
#include "client-sdk/trust.h"

#include <openssl/x509v3.h>

/* Issuer and serial number in an ESSCertIDv2 are those that the signer is named by. */
static bool issuer_serial_fits(struct in *id, struct view names)
{
        struct in both = der_enter(id, DER_SEQUENCE), general = der_enter(&both, DER_SEQUENCE);
        struct view issuer = der_get(&general, DER_4);
        struct view serial = der_get_whole(&both, DER_INTEGER);
        return in_done(&general) == 0 && in_done(&both) == 0 &&
               names.len == issuer.len + serial.len &&
               memcmp(names.data, issuer.data, issuer.len) == 0 &&
               memcmp(names.data + issuer.len, serial.data, serial.len) == 0;
}

/* NULL if the one ESSCertIDv2 in it is of this certificate. */
static const char *judge_ess(struct view value, struct view certificate, struct view names)
{
        uint8_t hash[EVP_MAX_MD_SIZE];
        unsigned int len = 0;
        const EVP_MD *md = EVP_sha256();
        struct in in = der_open(value), all = der_enter(&in, DER_SEQUENCE),
                  list = der_enter(&all, DER_SEQUENCE), id = der_enter(&list, DER_SEQUENCE);
        if (der_is(&id, DER_SEQUENCE))
                md = cms_digest_of(cms_algorithm_of(der_get_whole(&id, DER_SEQUENCE)));
        struct view said = der_get(&id, DER_OCTETS);
        if (in.error || all.error || list.error || id.error || !md)
                return "form";
        if (EVP_Digest(certificate.data, certificate.len, hash, &len, md, NULL) != 1)
                return "memory";
        if (!view_eq(said, hash, len))
                return "another";
        if (in_left(&id) > 0 && !issuer_serial_fits(&id, names))
                return "issuer-serial";
        return in_done(&id) < 0 || in_done(&list) < 0 || in_done(&all) < 0 || in_done(&in) < 0
                       ? "form"
                       : NULL;
}

int cms_look_at_certificate(struct cms_looking *look)
{
        struct cms_attribute found;
        if (!cms_attribute(look->signer->signed_attributes, OID_CERTIFICATE, &found))
                return signed_refuse(look->one, MOHR_REASON_DOCUMENT_CERTIFICATE, "missing");
        look->certificate = cms_certificate_of(look->signer, look->certificates);
        if (look->certificate.len == 0)
                return signed_refuse(look->one, MOHR_REASON_CERTIFICATE, "missing");
        const char *why = judge_ess(found.values, look->certificate, look->signer->names);
        if (why && strcmp(why, "memory") == 0)
                return -ENOMEM;
        return why ? signed_refuse(look->one, MOHR_REASON_DOCUMENT_CERTIFICATE, why) : 0;
}

static bool is_chosen(const struct view *chain, size_t count, struct view certificate)
{
        for (size_t i = 0; i < count; i++)
                if (cms_same(chain[i], certificate))
                        return true;
        return false;
}

/* Whoever of these issued `cert`, or 0 if nobody did; -ENOMEM. */
static int find_issuer(
        struct view certificates, X509 *cert, struct view *chain, size_t count, X509 **ret)
{
        struct in in = der_open(certificates);
        while (in_left(&in) > 0) {
                struct leaf leaf;
                _cleanup_x509_ X509 *candidate = NULL;
                struct view der = der_get_whole(&in, DER_SEQUENCE);
                int r = in.error || is_chosen(chain, count, der)
                                ? -EBADMSG
                                : leaf_parse(der.data, der.len, &candidate, &leaf);
                if (r == -ENOMEM)
                        return r;
                if (r < 0 || X509_check_issued(candidate, cert) != X509_V_OK ||
                        !trust_signed_by(cert, X509_get0_pubkey(candidate)))
                        continue;
                chain[count] = der;
                *ret = candidate;
                candidate = NULL;
                return 1;
        }
        return 0;
}

/* The certificates of one signer out of a bag with those of all, in the order of x5c. */
static int collect_chain(
        struct cms_looking *look, struct view chain[static SIGNER_CERTS_MAX], size_t *ret_count)
{
        struct leaf leaf;
        X509 *cert = NULL;
        size_t count = 1;
        chain[0] = look->certificate;
        int r = leaf_parse(chain[0].data, chain[0].len, &cert, &leaf);
        for (int found = r == 0; r == 0 && found && count < SIGNER_CERTS_MAX;) {
                X509 *issuer = NULL;
                found = find_issuer(look->certificates, cert, chain, count, &issuer);
                r = found < 0 ? found : 0;
                if (found > 0) {
                        X509_free(cert);
                        cert = issuer;
                        count++;
                }
        }
        X509_free(cert);
        *ret_count = count;
        return r == -ENOMEM ? r : 0; /* one that cannot be read is for signer_of() to say */
}

int cms_look_at_signer(struct cms_looking *look)
{
        struct view chain[SIGNER_CERTS_MAX];
        size_t count;
        enum mohr_reason reason;
        int r = collect_chain(look, chain, &count);
        if (r == 0)
                r = signer_of(chain, count, NULL, &look->one->signer, &reason);
        if (r < 0)
                return r;
        return reason == MOHR_REASON_OK ? 0 : signed_refuse(look->one, reason, "");
}

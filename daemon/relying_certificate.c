/* SPDX-License-Identifier: Apache-2.0 */
/* relying_certificate.c: whom a certificate under the relying parties' anchors speaks for, and under which name.
 *
 * The anchors may be those of a whole tree that issues to people as well. So a certificate that names a person is
 * none of an organisation's, be it of a national card (client-sdk/leaf.h) or of anybody with a given name. That, and
 * that an address must be written in it as an alternative name, is what keeps a citizen from asking as a bank.
 *
 * In the national tree O is a class ("Governmental", as in the published intermediates, card-facts 5.3) and the organisation
 * stands in OU. That its organisations' certificates are so as well is inferred.
 *
 * A name with characters that cannot be shown is none: without them it would be another organisation's, in the prompt
 * and in rules that go by names.
 */
#include "daemon/relying_internal.h"

#include "base/outcome.h"
#include "base/text.h"
#include "client-sdk/shortage.h"

#include <openssl/err.h>
#include <openssl/x509v3.h>

static const char *const classes[] = { "Governmental", "Non-Governmental", "Non Governmental" };
#define CLASS_OF_PEOPLE "Unaffiliated"

static bool is_class(const char *organization)
{
        for (size_t i = 0; i < ARRAY_LEN(classes); i++)
                if (strcmp(classes[i], organization) == 0)
                        return true;
        return false;
}

static bool is_shown_whole(char *dst, size_t cap, const char *name)
{
        text_sanitize(dst, cap, name, cap);
        return dst[0] && strcmp(dst, name) == 0;
}

/* The first OU, which is the largest: false if there is none that can be read. */
static bool read_unit(X509 *cert, char *dst, size_t cap)
{
        const X509_NAME *subject = X509_get_subject_name(cert);
        int at = X509_NAME_get_index_by_NID(subject, NID_organizationalUnitName, -1);
        unsigned char *text = NULL;
        if (at < 0)
                return false;
        int len = ASN1_STRING_to_UTF8(
                &text, X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, at)));
        bool good = len > 0 && text_utf8_valid((const char *)text, (size_t)len) &&
                    strlen((const char *)text) == (size_t)len &&
                    is_shown_whole(dst, cap, (const char *)text);
        OPENSSL_free(text);
        return good;
}

static bool read_name(const struct signer *signer, char dst[static 257])
{
        const char *organization = signer->leaf.organization;
        dst[0] = '\0';
        if (is_class(organization))
                return read_unit(signer->certs[0], dst, 257);
        return is_shown_whole(dst, 257, organization) && strcmp(organization, CLASS_OF_PEOPLE) != 0;
}

int relying_organization(const struct signer *signer, char dst[static 257], const char **ret_detail)
{
        const struct leaf *leaf = &signer->leaf;
        ERR_clear_error();
        const struct {
                bool good;
                const char *detail;
        } rows[] = {
                { leaf->class != LEAF_CA, "the signed request's certificate is a CA's" },
                /* neither subject nor issuer looks like the national card's */
                { leaf->class == LEAF_STAFF,
                        "the signed request's certificate is a citizen's, or names nobody" },
                { !leaf->given_name[0] && !leaf->family_name[0],
                        "the signed request's certificate is a person's" },
                { X509_get_key_usage(signer->certs[0]) & KU_DIGITAL_SIGNATURE,
                        "the signed request's certificate is not for digital signatures" },
                { read_name(signer, dst), "the signed request's certificate names no organisation "
                                          "that can be shown" },
        };
        int r = shortage_seen();
        for (size_t i = 0; r == 0 && i < ARRAY_LEN(rows); i++)
                if (!rows[i].good) {
                        *ret_detail = rows[i].detail;
                        r = OUTCOME_POLICY;
                }
        return r;
}

/* The host of "https://host", "https://host:port" and whatever begins with "/", "?" or "#" behind it. */
static bool host_of(const char *uri, const char **ret, size_t *ret_len)
{
        static const char scheme[] = "https://";
        if (strncmp(uri, scheme, strlen(scheme)) != 0)
                return false;
        const char *host = uri + strlen(scheme);
        size_t len = strspn(host, "abcdefghijklmnopqrstuvwxyz0123456789-.");
        const char *rest = host + len;
        if (*rest == ':')
                rest += 1 + strspn(rest + 1, "0123456789");
        if ((*rest != '\0' && !strchr("/?#", *rest)))
                return false;
        *ret = host;
        *ret_len = len;
        return true;
}

static bool equals(const ASN1_STRING *name, const char *text, size_t len)
{
        return len > 0 && (size_t)ASN1_STRING_length(name) == len &&
               memcmp(ASN1_STRING_get0_data(name), text, len) == 0;
}

int relying_speaks_for(X509 *cert, const char *uri, const char **ret_detail)
{
        const char *host = "";
        size_t host_len = 0;
        bool speaks = false;
        (void)host_of(uri, &host, &host_len);
        ERR_clear_error();
        GENERAL_NAMES *names = X509_get_ext_d2i(cert, NID_subject_alt_name, NULL, NULL);
        for (int i = 0; i < sk_GENERAL_NAME_num(names); i++) {
                const GENERAL_NAME *name = sk_GENERAL_NAME_value(names, i);
                if (name->type == GEN_URI)
                        speaks |= equals(name->d.uniformResourceIdentifier, uri, strlen(uri));
                if (name->type == GEN_DNS)
                        speaks |= equals(name->d.dNSName, host, host_len);
        }
        GENERAL_NAMES_free(names);
        int r = shortage_seen();
        if (r < 0 || speaks)
                return r;
        *ret_detail = "the signed request's certificate does not speak for its iss";
        return OUTCOME_POLICY;
}

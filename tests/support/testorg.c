/* SPDX-License-Identifier: Apache-2.0 */
/* testorg.c: see testorg.h. Failures abort, as in testpki.c. */
#include "tests/support/testorg.h"

#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void must(bool condition, const char *what)
{
        if (condition)
                return;
        fprintf(stderr, "testorg: %s failed\n", what);
        abort();
}

static const char *or_else(const char *text, const char *fallback)
{
        return text ? text : fallback;
}

static void name(X509_NAME *to, int nid, const char *text)
{
        if (text[0])
                must(X509_NAME_add_entry_by_NID(
                             to, nid, MBSTRING_UTF8, (const unsigned char *)text, -1, -1, 0) == 1,
                        text);
}

static void extend(X509 *cert, int nid, const char *value)
{
        X509V3_CTX ctx;
        if (!value[0])
                return;
        X509V3_set_ctx(&ctx, cert, cert, NULL, NULL, 0);
        X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, &ctx, nid, value);
        must(extension && X509_add_ext(cert, extension, -1) == 1, value);
        X509_EXTENSION_free(extension);
}

X509 *testorg_issue(const struct testorg *org, const struct testorg_spec *spec)
{
        static int serial; /* serials only have to differ */
        X509 *cert = X509_new(), *issuer = spec->issuer ? spec->issuer : org->ca;
        X509_NAME *subject = X509_NAME_new();
        must(cert && subject && X509_set_version(cert, X509_VERSION_3) == 1, "X509_new");
        ASN1_INTEGER_set(X509_get_serialNumber(cert), 0x112233 + ++serial);
        ASN1_TIME_set(X509_getm_notBefore(cert),
                (time_t)(spec->from ? spec->from : TESTPKI_NOW - 86400 * 30));
        ASN1_TIME_set(X509_getm_notAfter(cert),
                (time_t)(spec->to ? spec->to : TESTPKI_NOW + 86400 * 365));
        X509_set_pubkey(cert, spec->key ? spec->key : org->pki->leaf_key);
        name(subject, NID_countryName, "IR");
        name(subject, NID_organizationName, or_else(spec->organization, TESTORG_NAME));
        name(subject, NID_organizationalUnitName, or_else(spec->unit, ""));
        name(subject, NID_givenName, or_else(spec->given_name, ""));
        name(subject, NID_surname, or_else(spec->surname, ""));
        name(subject, NID_commonName, or_else(spec->common_name, "Specimen Bank [Seal]"));
        X509_set_subject_name(cert, subject);
        X509_set_issuer_name(cert, issuer ? X509_get_subject_name(issuer) : subject);
        X509_NAME_free(subject);
        extend(cert, NID_basic_constraints, or_else(spec->constraints, "critical,CA:FALSE"));
        extend(cert, NID_key_usage, or_else(spec->key_usage, "critical,digitalSignature"));
        extend(cert, NID_name_constraints, or_else(spec->name_constraints, ""));
        extend(cert, NID_subject_alt_name, or_else(spec->alternative_names, TESTORG_SAN));
        must(X509_sign(cert, spec->issuer_key ? spec->issuer_key : org->pki->ca_key, EVP_sha256()) >
                        0,
                "X509_sign");
        return cert;
}

struct testorg *testorg_new(void)
{
        struct testorg *org = calloc(1, sizeof *org);
        must(org, "calloc");
        org->pki = testpki_new();
        org->root = testorg_issue(org, &(struct testorg_spec){ .organization = "Governmental",
                                               .common_name = "TEST Root CA-G3, NOT GENUINE",
                                               .alternative_names = "",
                                               .key_usage = "critical,keyCertSign,cRLSign",
                                               .constraints = "critical,CA:TRUE",
                                               .from = 1548358400,
                                               .to = 1979510400,
                                               .key = org->pki->root_key,
                                               .issuer_key = org->pki->root_key });
        org->ca = testorg_issue(org, &(struct testorg_spec){ .organization = "Governmental",
                                             .common_name = "TEST General Intermediate CA-G3",
                                             .alternative_names = "",
                                             .key_usage = "critical,keyCertSign,cRLSign",
                                             .constraints = "critical,CA:TRUE,pathlen:0",
                                             .from = 1548358400,
                                             .to = 1979510300,
                                             .key = org->pki->ca_key,
                                             .issuer = org->root,
                                             .issuer_key = org->pki->root_key });
        org->cert = testorg_issue(org, &(struct testorg_spec){ 0 });
        return org;
}

struct testorg *testorg_free(struct testorg *org)
{
        X509_free(org->root);
        X509_free(org->ca);
        X509_free(org->cert);
        testpki_free(org->pki);
        free(org);
        return NULL;
}

json_t *testorg_header(const struct testorg *org, const char *alg, X509 *cert)
{
        json_t *header = testpki_header(alg, cert ? cert : org->cert, org->ca, NULL);
        json_object_set_new(header, "typ", json_string("oauth-authz-req+jwt"));
        return header;
}

json_t *testorg_payload(void)
{
        json_t *payload = json_pack("{s:s, s:s, s:s, s:I, s:I, s:s, s:s, s:s, s:{s:[s], s:[s]}}",
                "iss", TESTORG_URI, "client_id", TESTORG_URI, "aud", "urn:mohr:daemon", "iat",
                (json_int_t)TESTPKI_NOW, "exp", (json_int_t)TESTPKI_NOW + 300, "jti",
                "00112233-4455", "nonce", "n-0S6_WzA2Mj", "purpose", "open an account", "claims",
                "required", "card_expiry", "optional", "reader");
        must(payload, "json_pack");
        return payload;
}

char *testorg_sign(const struct testorg *org, json_t *header, json_t *payload)
{
        char alg[16] = "RS256";
        const char *named = json_string_value(json_object_get(header, "alg"));
        if (named && (strcmp(named, "PS256") == 0 || strcmp(named, "ES256") == 0))
                snprintf(alg, sizeof alg, "%s", named);
        char *jws = testpki_sign_json(header, payload,
                strcmp(alg, "ES256") == 0 ? org->pki->ec_key : org->pki->leaf_key, alg);
        json_decref(header);
        json_decref(payload);
        return jws;
}

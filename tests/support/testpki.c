/* SPDX-License-Identifier: Apache-2.0 */
/* testpki.c: see testpki.h. base64url and `sub` are computed here again, with OpenSSL's own functions,
 * so that the code under test never judges itself.
 */
#include "tests/support/testpki.h"

#include "tests/support/testkeys.h"

#include <openssl/ecdsa.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define NEED(condition) need(condition, #condition)

static void need(bool condition, const char *what)
{
        if (condition)
                return;
        fprintf(stderr, "testpki: %s failed\n", what);
        abort();
}

static void add_name(X509_NAME *name, int nid, const char *text)
{
        NEED(X509_NAME_add_entry_by_NID(name, nid,
                     nid == NID_countryName ? V_ASN1_PRINTABLESTRING : V_ASN1_UTF8STRING,
                     (const unsigned char *)text, -1, -1, 0) == 1);
}

static void add_extension(X509 *cert, int nid, const char *value)
{
        X509V3_CTX ctx;
        CONF *nothing = NCONF_new(
                NULL); /* policies are refused without a configuration, even an empty one */
        X509V3_set_ctx(&ctx, cert, cert, NULL, NULL, 0);
        X509V3_set_nconf(&ctx, nothing);
        X509_EXTENSION *extension = X509V3_EXT_nconf_nid(nothing, &ctx, nid, value);
        NEED(extension && X509_add_ext(cert, extension, -1) == 1);
        X509_EXTENSION_free(extension);
        NCONF_free(nothing);
}

/* An extension nobody knows. */
static int unknown_extension(void)
{
        int nid = OBJ_txt2nid("testUnknown");
        return nid != NID_undef ? nid : OBJ_create("1.2.3.4.5.6.7", "testUnknown", "testUnknown");
}

static X509 *begin(EVP_PKEY *key, int64_t from, int64_t to)
{
        static uint32_t serial; /* serials only have to differ */
        X509 *cert = X509_new();
        unsigned char number[16] = { 0x11, 0x21 };
        serial++;
        memcpy(number + 12, &serial, sizeof serial);
        BIGNUM *bn = BN_bin2bn(number, sizeof number, NULL);
        NEED(cert && bn && BN_to_ASN1_INTEGER(bn, X509_get_serialNumber(cert)));
        BN_free(bn);
        NEED(X509_set_version(cert, X509_VERSION_3) == 1 && X509_set_pubkey(cert, key) == 1);
        NEED(ASN1_TIME_set(X509_getm_notBefore(cert), (time_t)from) != NULL);
        NEED(ASN1_TIME_set(X509_getm_notAfter(cert), (time_t)to) != NULL);
        return cert;
}

X509 *testpki_issue_ca(const struct testpki *pki, const char *cn, int64_t from, int64_t to,
        X509 *issuer, EVP_PKEY *issuer_key, EVP_PKEY *key, const char *constraints)
{
        X509 *cert = begin(key, from, to);
        X509_NAME *name = X509_NAME_new();
        (void)pki;
        add_name(name, NID_countryName, "IR");
        add_name(name, NID_organizationName, "Iran Government");
        if (issuer)
                add_name(name, NID_organizationalUnitName, "NOCR");
        add_name(name, NID_commonName, cn);
        NEED(X509_set_subject_name(cert, name) == 1);
        NEED(X509_set_issuer_name(cert, issuer ? X509_get_subject_name(issuer) : name) == 1);
        X509_NAME_free(name);
        if (constraints)
                add_extension(cert, NID_basic_constraints, constraints);
        add_extension(cert, NID_key_usage, "critical,keyCertSign,cRLSign");
        NEED(X509_sign(cert, issuer_key, EVP_sha256()) > 0);
        return cert;
}

static const char *or_text(const char *text, const char *fallback)
{
        return text ? text : fallback;
}

X509 *testpki_issue(const struct testpki *pki, const struct testpki_spec *spec)
{
        X509 *cert = begin(spec->key ? spec->key : pki->leaf_key,
                spec->from ? spec->from : TESTPKI_NOW - 86400 * 365,
                spec->to ? spec->to : TESTPKI_NOW + 86400 * 365 * 6L);
        X509_NAME *name = X509_NAME_new();
        add_name(name, NID_countryName, or_text(spec->country, "IR"));
        add_name(name, NID_organizationalUnitName, or_text(spec->unit, "IRAN Citizen"));
        if (!spec->no_name)
                add_name(name, NID_givenName, or_text(spec->given, TESTPKI_GIVEN));
        if (spec->two_names)
                add_name(name, NID_givenName, "second");
        add_name(name, NID_surname, or_text(spec->family, TESTPKI_FAMILY));
        add_name(name, NID_commonName, or_text(spec->cn, TESTPKI_CN));
        NEED(X509_set_subject_name(cert, name) == 1);
        X509_NAME_free(name);
        NEED(X509_set_issuer_name(
                     cert, X509_get_subject_name(spec->issuer ? spec->issuer : pki->ca)) == 1);
        if (spec->basic_constraints)
                add_extension(cert, NID_basic_constraints, spec->basic_constraints);
        if (spec->key_usage)
                add_extension(cert, NID_key_usage, spec->key_usage);
        if (spec->policies)
                add_extension(cert, NID_certificate_policies, spec->policies);
        if (spec->critical)
                add_extension(cert, unknown_extension(), spec->critical);
        NEED(X509_sign(cert, spec->issuer_key ? spec->issuer_key : pki->ca_key,
                     spec->sha1 ? EVP_sha1() : EVP_sha256()) > 0);
        return cert;
}

struct testpki *testpki_new(void)
{
        const int64_t from = 1348358400,
                      to = 1979510400; /* 2012-09-23 .. 2032-09-23, as IRAN Root CA1 */
        struct testpki *pki = calloc(1, sizeof *pki);
        NEED(pki);
        pki->root_key = testkey(TESTKEY_ROOT);
        pki->ca_key = testkey(TESTKEY_CA);
        pki->leaf_key = testkey(TESTKEY_LEAF);
        pki->other_key = testkey(TESTKEY_OTHER);
        pki->small_key = testkey(TESTKEY_SMALL);
        pki->ec_key = EVP_EC_gen("P-256");
        NEED(pki->root_key && pki->ca_key && pki->leaf_key && pki->other_key && pki->small_key &&
                pki->ec_key);
        pki->root = testpki_issue_ca(pki, "TEST Root CA1, NOT GENUINE", from, to, NULL,
                pki->root_key, pki->root_key, "critical,CA:TRUE");
        pki->ca = testpki_issue_ca(pki, "IRAN Digital Citizen CA 2016 17", from + 1, to - 1,
                pki->root, pki->root_key, pki->ca_key, "critical,CA:TRUE,pathlen:0");
        pki->leaf = testpki_issue(pki, &(struct testpki_spec){ 0 });
        return pki;
}

struct testpki *testpki_free(struct testpki *pki)
{
        if (!pki)
                return NULL;
        EVP_PKEY *keys[] = { pki->root_key, pki->ca_key, pki->leaf_key, pki->other_key, pki->ec_key,
                pki->small_key };
        for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++)
                EVP_PKEY_free(keys[i]);
        X509_free(pki->root);
        X509_free(pki->ca);
        X509_free(pki->leaf);
        free(pki);
        return NULL;
}

void testpki_write_pem(const char *path, X509 *const *certs)
{
        FILE *file = fopen(path, "w");
        NEED(file);
        for (; *certs; certs++)
                NEED(PEM_write_X509(file, *certs) == 1);
        fclose(file);
}

struct mohr_trust *testpki_trust(X509 *const *anchors)
{
        char path[] = "/tmp/mohr-testpki-XXXXXX", problem[256] = "";
        int fd = mkstemp(path);
        struct mohr_trust *trust = NULL;
        NEED(fd >= 0);
        close(fd);
        testpki_write_pem(path, anchors);
        NEED(mohr_trust_load(&trust, path, problem, sizeof problem) == 0);
        unlink(path);
        return trust;
}

static char *base64(const void *data, size_t len, bool url)
{
        char *text = calloc(1, len * 4 / 3 + 8);
        NEED(text);
        EVP_EncodeBlock((unsigned char *)text, data, (int)len);
        for (char *c = text; url && *c; c++)
                *c = *c == '+' ? '-' : *c == '/' ? '_' : *c == '=' ? '\0' : *c;
        return text;
}

static json_t *certificate_text(X509 *cert)
{
        unsigned char *der = NULL;
        int len = i2d_X509(cert, &der);
        NEED(len > 0);
        char *text = base64(der, (size_t)len, false);
        json_t *json = json_string(text);
        free(text);
        OPENSSL_free(der);
        return json;
}

json_t *testpki_header(const char *alg, X509 *leaf, X509 *ca, X509 *root)
{
        json_t *x5c = json_array();
        X509 *certs[] = { leaf, ca, root };
        for (size_t i = 0; i < 3; i++)
                if (certs[i])
                        json_array_append_new(x5c, certificate_text(certs[i]));
        return json_pack("{s:s, s:s, s:o}", "alg", alg, "typ", "mohr-identity+jwt", "x5c", x5c);
}

json_t *testpki_payload(
        const char *given, const char *family, const char *card_number, bool national)
{
        char domain[128];
        unsigned char hash[32];
        const char prefix[] = "urn:mohr:sub:1\0C=IR,O=Iran Government,OU=NOCR";
        size_t digits = strlen(card_number);
        memcpy(domain, prefix, sizeof prefix);
        memcpy(domain + sizeof prefix, card_number, digits);
        NEED(EVP_Q_digest(NULL, "SHA256", NULL, domain, sizeof prefix + digits, hash, NULL) == 1);
        char *sub = base64(hash, sizeof hash, true);
        json_t *payload =
                json_pack("{s:i, s:s, s:s, s:s, s:s, s:I, s:I, s:s, s:s, s:s, s:s, s:s*, s:s*}",
                        "ver", 1, "iss", "urn:mohr:card", "sub", sub, "aud", "https://bank.example",
                        "nonce", "n-0S6_WzA2Mj", "iat", (json_int_t)TESTPKI_NOW, "exp",
                        (json_int_t)TESTPKI_NOW + 300, "jti", "00112233445566778899aabbccddeeff",
                        "given_name", given, "family_name", family, "card_number", card_number,
                        "national_number", national ? card_number : NULL, "national_number_basis",
                        national ? "inferred-from-card-number" : NULL);
        json_t *stated = json_pack(
                "{s:s, s:[s, s], s:I, s:s, s:{s:s, s:s}, s:s, s:{s:s, s:s}, s:{s:b}}", "acr",
                "unstated", "amr", "sc", "pin", "auth_time", (json_int_t)TESTPKI_NOW - 5, "purpose",
                "open an account", "card", "generation", "mav2", "certificate_expiry",
                "2032-11-19T22:47:36Z", "key_use", "signature", "station", "software", "mohr 0.1.0",
                "pin_entry", "pinentry", "clock", "synchronised", 1);
        NEED(payload && stated && json_object_update(payload, stated) == 0);
        json_decref(stated);
        free(sub);
        return payload;
}

/* R and S, 32 bytes each, out of the DER OpenSSL makes. */
static size_t raw_ecdsa(unsigned char *sig, size_t len)
{
        const unsigned char *at = sig;
        ECDSA_SIG *pair = d2i_ECDSA_SIG(NULL, &at, (long)len);
        NEED(pair && BN_bn2binpad(ECDSA_SIG_get0_r(pair), sig, 32) == 32 &&
                BN_bn2binpad(ECDSA_SIG_get0_s(pair), sig + 32, 32) == 32);
        ECDSA_SIG_free(pair);
        return 64;
}

static size_t sign(unsigned char *sig, size_t cap, const char *data, EVP_PKEY *key, const char *alg)
{
        EVP_MD_CTX *md = EVP_MD_CTX_new();
        EVP_PKEY_CTX *ctx = NULL;
        size_t len = cap;
        if (strcmp(alg, "none") == 0)
                len = 0;
        NEED(md && EVP_DigestSignInit(md, &ctx, EVP_sha256(), NULL, key) == 1);
        if (strcmp(alg, "PS256") == 0)
                NEED(EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_PSS_PADDING) > 0 &&
                        EVP_PKEY_CTX_set_rsa_pss_saltlen(ctx, RSA_PSS_SALTLEN_DIGEST) > 0);
        if (len > 0)
                NEED(EVP_DigestSign(md, sig, &len, (const unsigned char *)data, strlen(data)) == 1);
        EVP_MD_CTX_free(md);
        return strcmp(alg, "ES256") == 0 ? raw_ecdsa(sig, len) : len;
}

char *testpki_sign(const char *header, const char *payload, EVP_PKEY *key, const char *alg)
{
        unsigned char sig[512];
        char *parts[] = { base64(header, strlen(header), true),
                base64(payload, strlen(payload), true), NULL };
        char *input = NULL, *whole = NULL;
        NEED(asprintf(&input, "%s.%s", parts[0], parts[1]) > 0);
        parts[2] = base64(sig, sign(sig, sizeof sig, input, key, alg), true);
        NEED(asprintf(&whole, "%s.%s", input, parts[2]) > 0);
        for (size_t i = 0; i < 3; i++)
                free(parts[i]);
        free(input);
        return whole;
}

char *testpki_sign_json(const json_t *header, const json_t *payload, EVP_PKEY *key, const char *alg)
{
        char *head = json_dumps(header, JSON_COMPACT), *body = json_dumps(payload, JSON_COMPACT);
        char *whole = testpki_sign(head, body, key, alg);
        free(head);
        free(body);
        return whole;
}

char *testpki_assertion(const struct testpki *pki, X509 *leaf, X509 *ca, json_t *payload)
{
        json_t *header = testpki_header("RS256", leaf, ca, NULL);
        json_t *body =
                payload ? payload
                        : testpki_payload(TESTPKI_GIVEN, TESTPKI_FAMILY, "0099900007", false);
        char *jws = testpki_sign_json(header, body, pki->leaf_key, "RS256");
        json_decref(header);
        json_decref(body);
        return jws;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* test_staff.c: staff cards' assertions beside citizens'. What one side's CA can write into a certificate
 * must never count on the other; each attempt here is signed by keys that really are what they say.
 */
#include "client-sdk/assertion.h"
#include "client-sdk/leaf.h"
#include "client-sdk/trust.h"
#include "tests/support/testpki.h"
#include "tests/unit/document_talk.h"

#include "base/base.h"
#include "base/outcome.h"

#include <openssl/x509v3.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>
#include <cmocka.h>

#define AUD   "https://bank.example"
#define NONCE "n-0S6_WzA2Mj"

static struct testpki *pki;
static EVP_PKEY *staff_ca_key, *p256, *p384, *p521;
static X509 *staff_ca;
static const struct mohr_verify_options strict = {
        .audience = AUD, .nonce = NONCE, .at = TESTPKI_NOW + 10
};

struct entry {
        int nid;
        const char *text;
};

static const struct entry usual[] = { { NID_countryName, "IR" },
        { NID_organizationName, "Office of Tests" }, { NID_serialNumber, "S-0042" },
        { NID_givenName, "Roya" }, { NID_surname, "Nobody" }, { NID_commonName, "Roya Nobody" },
        { 0, NULL } };
static const struct entry citizens[] = { { NID_countryName, "IR" },
        { NID_organizationalUnitName, "IRAN Citizen" }, { NID_givenName, TESTPKI_GIVEN },
        { NID_surname, TESTPKI_FAMILY }, { NID_commonName, TESTPKI_CN_NN }, { 0, NULL } };
static const struct entry registry[] = { { NID_countryName, "IR" },
        { NID_organizationName, "Iran Government" }, { NID_organizationalUnitName, "NOCR" },
        { NID_commonName, "IRAN Digital Citizen CA 2016 17" }, { 0, NULL } };

static X509_NAME *name_of(const struct entry *entries)
{
        X509_NAME *name = X509_NAME_new();
        for (; entries->text; entries++) {
                bool printable =
                        entries->nid == NID_countryName || entries->nid == NID_serialNumber;
                assert_int_equal(X509_NAME_add_entry_by_NID(name, entries->nid,
                                         printable ? V_ASN1_PRINTABLESTRING : V_ASN1_UTF8STRING,
                                         (const unsigned char *)entries->text, -1, -1, 0),
                        1);
        }
        return name;
}

static void extend(X509 *cert, int nid, const char *value)
{
        X509V3_CTX ctx;
        CONF *nothing = NCONF_new(NULL);
        X509V3_set_ctx(&ctx, cert, cert, NULL, NULL, 0);
        X509V3_set_nconf(&ctx, nothing);
        X509_EXTENSION *extension = X509V3_EXT_nconf_nid(nothing, &ctx, nid, value);
        assert_non_null(extension);
        assert_int_equal(X509_add_ext(cert, extension, -1), 1);
        X509_EXTENSION_free(extension);
        NCONF_free(nothing);
}

struct spec {
        const struct entry *subject, *issuer; /* NULL: the usual ones */
        EVP_PKEY *key, *signer;               /* NULL: p256, the staff's CA */
        const char *alternative, *usage;
        bool ca;
};

static X509 *issue(const struct spec *spec)
{
        static long serial = 7;
        X509 *cert = X509_new();
        X509_NAME *subject = name_of(spec->subject ? spec->subject : usual);
        X509_NAME *issuer = spec->issuer ? name_of(spec->issuer)
                            : staff_ca   ? X509_NAME_dup(X509_get_subject_name(staff_ca))
                                         : X509_NAME_dup(subject);
        X509_set_version(cert, X509_VERSION_3);
        ASN1_INTEGER_set(X509_get_serialNumber(cert), serial++);
        ASN1_TIME_set(X509_getm_notBefore(cert), (time_t)(TESTPKI_NOW - 86400));
        ASN1_TIME_set(X509_getm_notAfter(cert), (time_t)(TESTPKI_NOW + 86400 * 365));
        X509_set_subject_name(cert, subject);
        X509_set_issuer_name(cert, issuer);
        X509_set_pubkey(cert, spec->key ? spec->key : p256);
        if (spec->ca)
                extend(cert, NID_basic_constraints, "critical,CA:TRUE");
        if (spec->usage)
                extend(cert, NID_key_usage, spec->usage);
        if (spec->alternative)
                extend(cert, NID_subject_alt_name, spec->alternative);
        assert_true(X509_sign(cert, spec->signer ? spec->signer : staff_ca_key, EVP_sha256()) > 0);
        X509_NAME_free(subject);
        X509_NAME_free(issuer);
        return cert;
}

/* Anchors of each kind, NULL for none. */
static struct mohr_trust *trust_of(X509 *citizens_anchor, X509 *staff_anchor)
{
        struct mohr_trust *trust = NULL;
        char path[] = "/tmp/mohr-test-staff-XXXXXX", problem[256] = "";
        if (citizens_anchor)
                trust = testpki_trust((X509 *[]){ citizens_anchor, NULL });
        if (!staff_anchor)
                return trust;
        int fd = mkstemp(path);
        assert_true(fd >= 0);
        close(fd);
        testpki_write_pem(path, (X509 *[]){ staff_anchor, NULL });
        assert_int_equal(mohr_trust_load_staff(&trust, path, problem, sizeof problem), 0);
        unlink(path);
        return trust;
}

static size_t card_signs(EVP_PKEY *key, const uint8_t *digest, size_t len, uint8_t *sig)
{
        size_t sig_len = 512;
        EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new(key, NULL);
        assert_int_equal(EVP_PKEY_sign_init(ctx), 1);
        if (EVP_PKEY_is_a(key, "RSA"))
                assert_int_equal(EVP_PKEY_CTX_set_signature_md(ctx, EVP_sha256()), 1);
        assert_int_equal(EVP_PKEY_sign(ctx, sig, &sig_len, digest, len), 1);
        EVP_PKEY_CTX_free(ctx);
        return sig_len;
}

static const struct assertion_facts facts = {
        .issuer_id = "00112233445566778899aabbccddeeff",
        .now = TESTPKI_NOW,
        .auth_time = TESTPKI_NOW - 5,
        .life = 300,
        .pin_entry = "pinentry",
        .software = "mohr test",
        .card = { .family = "piv" },
};
static const struct assertion_request asked = { .audience = AUD, .nonce = NONCE };

static char *compose(X509 *leaf, X509 *ca, EVP_PKEY *key)
{
        char *input = NULL, *whole = NULL;
        const char *why = "";
        uint8_t digest[48], sig[512];
        size_t len = 0;
        int r = assertion_signing_input(&asked, &facts, leaf, ca, &input, &why);
        if (r != 0)
                fail_msg("not composed: %s", why);
        assert_int_equal(assertion_digest(input, leaf, digest, &len), 0);
        size_t sig_len = card_signs(key, digest, len, sig);
        assert_int_equal(assertion_finish(input, leaf, sig, sig_len, &whole), 0);
        free(input);
        return whole;
}

static enum mohr_reason judge(struct mohr_trust *trust, const char *jws, struct mohr_result **ret)
{
        struct mohr_result *result = NULL;
        assert_true(mohr_verify(trust, jws, strlen(jws), &strict, &result) >= 0);
        enum mohr_reason reason = mohr_result_reason(result);
        if (reason != MOHR_REASON_OK)
                assert_int_equal(mohr_result_holder(result), MOHR_HOLDER_UNKNOWN);
        if (ret)
                *ret = result;
        else
                mohr_result_free(result);
        return reason;
}

static void each_kind_of_key_signs_and_is_verified(void **state)
{
        (void)state;
        const struct {
                EVP_PKEY *key;
                const char *alg;
        } rows[] = { { pki->leaf_key, "RS256" }, { p256, "ES256" }, { p384, "ES384" } };
        struct mohr_trust *trust = trust_of(NULL, staff_ca);
        for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
                X509 *leaf = issue(&(struct spec){ .key = rows[i].key });
                char *jws = compose(leaf, staff_ca, rows[i].key), head[64];
                struct mohr_result *result = NULL;
                int len = EVP_DecodeBlock((unsigned char *)head, (const unsigned char *)jws, 32);
                assert_true(len > 0);
                head[len] = '\0';
                assert_non_null(strstr(head, rows[i].alg));
                assert_int_equal(judge(trust, jws, &result), MOHR_REASON_OK);
                assert_int_equal(mohr_result_holder(result), MOHR_HOLDER_STAFF);
                assert_string_equal(mohr_result_claim(result, "name"), "Roya Nobody");
                assert_string_equal(mohr_result_claim(result, "employee_number"), "S-0042");
                assert_null(mohr_result_claim(result, "national_number"));
                assert_null(mohr_result_claim(result, "card_number"));
                mohr_result_free(result);
                char *late = jws + strlen(jws) - 2;
                *late = *late == 'A' ? 'B' : 'A';
                assert_int_equal(judge(trust, jws, NULL), MOHR_REASON_SIGNATURE);
                free(jws);
                X509_free(leaf);
        }
        mohr_trust_free(trust);
}

static void anchors_of_one_kind_never_vouch_for_the_other(void **state)
{
        (void)state;
        X509 *leaf = issue(&(struct spec){ 0 });
        char *staff = compose(leaf, staff_ca, p256);
        json_t *header = testpki_header("RS256", pki->leaf, pki->ca, NULL);
        json_t *payload = testpki_payload(TESTPKI_GIVEN, TESTPKI_FAMILY, "0099900007", false);
        char *citizen = testpki_sign_json(header, payload, pki->leaf_key, "RS256");
        const struct {
                X509 *for_citizens, *for_staff;
                enum mohr_reason citizen, staff;
        } rows[] = {
                { pki->root, NULL, MOHR_REASON_OK, MOHR_REASON_UNTRUSTED },
                { NULL, staff_ca, MOHR_REASON_UNTRUSTED, MOHR_REASON_OK },
                { pki->root, staff_ca, MOHR_REASON_OK, MOHR_REASON_OK },
                { staff_ca, NULL, MOHR_REASON_UNTRUSTED, MOHR_REASON_UNTRUSTED },
                { NULL, pki->root, MOHR_REASON_UNTRUSTED, MOHR_REASON_UNTRUSTED },
                { staff_ca, pki->root, MOHR_REASON_UNTRUSTED, MOHR_REASON_UNTRUSTED },
        };
        for (size_t i = 0; i < ARRAY_LEN(rows); i++)
                for (int again = 0; again < 2; again++) { /* the memory of signers as well */
                        struct mohr_trust *trust =
                                trust_of(rows[i].for_citizens, rows[i].for_staff);
                        assert_int_equal(judge(trust, citizen, NULL), rows[i].citizen);
                        assert_int_equal(judge(trust, staff, NULL), rows[i].staff);
                        assert_int_equal(judge(trust, citizen, NULL), rows[i].citizen);
                        mohr_trust_free(trust);
                }
        free(staff);
        free(citizen);
        json_decref(header);
        json_decref(payload);
        X509_free(leaf);
}

/* Documents are judged by the same code, and kept apart in the same way. */
static void a_document_tells_staff_from_citizens(void **state)
{
        (void)state;
        const struct {
                EVP_PKEY *key;
                const char *holder;
                bool staff;
        } rows[] = { { pki->leaf_key, "staff", true }, { p256, "staff", true },
                { p384, "staff", true }, { pki->leaf_key, "citizen", false } };
        for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
                X509 *leaf = rows[i].staff ? issue(&(struct spec){ .key = rows[i].key })
                                           : testpki_issue(pki, &(struct testpki_spec){ 0 });
                X509 *ca = rows[i].staff ? staff_ca : pki->ca;
                struct mohr_trust *trusts[] = { trust_of(pki->root, staff_ca),
                        trust_of(NULL, staff_ca), trust_of(pki->root, NULL),
                        /* each root in the other's place */
                        trust_of(staff_ca, pki->root) };
                const bool vouched[] = { true, rows[i].staff, !rows[i].staff, false };
                const struct person who = { leaf, rows[i].key };
                char *jws = sign_jws(&who, ca, TESTPKI_NOW, "{}"), *text;
                int fd = memfd_create("document", MFD_CLOEXEC);
                assert_int_equal(write(fd, jws, strlen(jws)), strlen(jws));
                const struct mohr_document document = { .form = MOHR_DOCUMENT_JWS, .content = fd };
                const struct mohr_verify_options then = { .at = TESTPKI_NOW + 10 };
                for (size_t j = 0; j < ARRAY_LEN(trusts); j++) {
                        struct mohr_signed *result = NULL;
                        int r = mohr_document_verify(trusts[j], &document, &then, NULL, &result);
                        assert_int_equal(r, vouched[j] ? 0 : OUTCOME_INVALID);
                        text = mohr_signed_json(result);
                        assert_int_equal(strstr(text, "\"Roya Nobody\"") != NULL,
                                vouched[j] && rows[i].staff);
                        assert_int_equal(strstr(text, rows[i].holder) != NULL, vouched[j]);
                        free(text);
                        mohr_signed_free(result);
                        mohr_trust_free(trusts[j]);
                }
                close(fd);
                free(jws);
                X509_free(leaf);
        }
}

/* The worst that a CA trusted for staff can do: the registry's own name, a citizen's whole certificate. */
static void a_staff_ca_cannot_make_a_citizen(void **state)
{
        (void)state;
        X509 *as_registry = issue(&(struct spec){
                .subject = registry, .issuer = registry, .key = staff_ca_key, .ca = true });
        X509 *forged = issue(
                &(struct spec){ .subject = citizens, .issuer = registry, .key = pki->leaf_key });
        X509 *own_name = issue(&(struct spec){ .subject = citizens, .key = pki->leaf_key });
        const struct {
                const char *what, *typ;
                X509 *leaf, *ca, *anchor;
                enum mohr_reason reason;
        } rows[] = {
                { "as a citizen's", "mohr-identity+jwt", forged, as_registry, as_registry,
                        MOHR_REASON_UNTRUSTED },
                { "as a staff member's", "mohr-staff+jwt", forged, as_registry, as_registry,
                        MOHR_REASON_NOT_STAFF },
                { "a citizen's subject under the CA's own name", "mohr-identity+jwt", own_name,
                        staff_ca, staff_ca, MOHR_REASON_NOT_CITIZEN },
                { "the same as staff", "mohr-staff+jwt", own_name, staff_ca, staff_ca,
                        MOHR_REASON_NOT_STAFF },
        };
        for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
                struct mohr_trust *trust = trust_of(pki->root, rows[i].anchor);
                json_t *header = testpki_header("RS256", rows[i].leaf, rows[i].ca, NULL);
                json_t *payload =
                        testpki_payload(TESTPKI_GIVEN, TESTPKI_FAMILY, "0012345679", true);
                json_object_set_new(header, "typ", json_string(rows[i].typ));
                char *jws = testpki_sign_json(header, payload, pki->leaf_key, "RS256");
                enum mohr_reason reason = judge(trust, jws, NULL);
                if (reason != rows[i].reason)
                        fail_msg("%s: %s", rows[i].what, mohr_reason_name(reason));
                free(jws);
                json_decref(header);
                json_decref(payload);
                mohr_trust_free(trust);
        }
        X509_free(as_registry);
        X509_free(forged);
        X509_free(own_name);
}

/* The payload of a good staff assertion, to be changed and signed again by the card's holder. */
static json_t *payload_of(const char *jws)
{
        const char *from = strchr(jws, '.') + 1, *to = strchr(from, '.');
        char text[8192];
        unsigned char bytes[8192];
        size_t len = (size_t)(to - from);
        memcpy(text, from, len);
        for (size_t i = 0; i < len; i++)
                text[i] = text[i] == '-' ? '+' : text[i] == '_' ? '/' : text[i];
        size_t whole = len;
        while (whole % 4)
                text[whole++] = '=';
        text[whole] = '\0';
        int got = EVP_DecodeBlock(bytes, (const unsigned char *)text, (int)whole);
        assert_true(got > 0);
        return json_loadb((char *)bytes, (size_t)got - (whole - len), 0, NULL);
}

static void a_payload_that_says_otherwise_is_refused(void **state)
{
        (void)state;
        static const struct {
                const char *member, *value; /* NULL: taken out */
                enum mohr_reason reason;
        } rows[] = {
                { "name", "Somebody Else", MOHR_REASON_NAME },
                { "name", NULL, MOHR_REASON_CLAIM_MISSING },
                { "given_name", "Other", MOHR_REASON_NAME },
                { "given_name", NULL, MOHR_REASON_NAME },
                { "family_name", "Other", MOHR_REASON_NAME },
                { "email", "boss@office.example", MOHR_REASON_NAME },
                { "upn", "boss@office.example", MOHR_REASON_NAME },
                { "employee_number", "S-0001", MOHR_REASON_NUMBER },
                { "organization", "Another Office", MOHR_REASON_NAME },
                { "national_number", "0012345679", MOHR_REASON_CLAIM_UNKNOWN },
                { "card_number", "0012345679", MOHR_REASON_CLAIM_UNKNOWN },
                { "national_number_match", "yes", MOHR_REASON_CLAIM_UNKNOWN },
                { "iss", "urn:mohr:card", MOHR_REASON_ISSUER },
                { "sub", "vpZocJBZZK40MtxWFfGR5tqCseFEUzccMI5W4_7t85M", MOHR_REASON_SUBJECT },
                { "acr", "urn:oid:2.16.364.101.1.1.4", MOHR_REASON_ASSURANCE },
                { "key_use", "authentication", MOHR_REASON_KEY_USE },
        };
        X509 *leaf = issue(&(struct spec){ .usage = "digitalSignature,nonRepudiation" });
        char *good = compose(leaf, staff_ca, p256);
        struct mohr_trust *trust = trust_of(pki->root, staff_ca);
        json_t *header = testpki_header("ES256", leaf, staff_ca, NULL);
        json_object_set_new(header, "typ", json_string("mohr-staff+jwt"));
        for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
                json_t *payload = payload_of(good);
                if (rows[i].value)
                        json_object_set_new(payload, rows[i].member, json_string(rows[i].value));
                else
                        json_object_del(payload, rows[i].member);
                char *jws = testpki_sign_json(header, payload, p256, "ES256");
                enum mohr_reason reason = judge(trust, jws, NULL);
                if (reason != rows[i].reason)
                        fail_msg("%s: %s", rows[i].member, mohr_reason_name(reason));
                free(jws);
                json_decref(payload);
        }
        json_t *payload = payload_of(good);
        json_object_set_new(
                payload, "card", json_pack("{s:s, s:s}", "generation", "mav2", "family", "piv"));
        char *jws = testpki_sign_json(header, payload, p256, "ES256");
        assert_int_equal(judge(trust, jws, NULL), MOHR_REASON_CLAIM_MALFORMED);
        free(jws);
        json_decref(payload);
        json_decref(header);
        free(good);
        mohr_trust_free(trust);
        X509_free(leaf);
}

/* PIV's 9A signs what any program hands it: nothing of it may ever be an assertion. */
static void only_the_key_that_commits_its_holder_makes_an_assertion(void **state)
{
        (void)state;
        static const struct {
                const char *usage;
                enum mohr_reason reason;
        } rows[] = {
                { NULL, MOHR_REASON_OK },
                { "nonRepudiation", MOHR_REASON_OK },
                { "digitalSignature,nonRepudiation", MOHR_REASON_OK },
                { "digitalSignature", MOHR_REASON_KEY_USAGE },
                { "digitalSignature,keyEncipherment", MOHR_REASON_KEY_USAGE },
                { "keyAgreement", MOHR_REASON_KEY_USAGE },
        };
        struct mohr_trust *trust = trust_of(NULL, staff_ca);
        for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
                X509 *leaf = issue(&(struct spec){ .usage = rows[i].usage });
                char *jws = compose(leaf, staff_ca, p256);
                enum mohr_reason reason = judge(trust, jws, NULL);
                if (reason != rows[i].reason)
                        fail_msg("%s: %s", rows[i].usage, mohr_reason_name(reason));
                free(jws);
                X509_free(leaf);
        }
        mohr_trust_free(trust);
}

static void alternative_names_are_told_if_they_are_one(void **state)
{
        (void)state;
        static const struct {
                const char *alternative, *email, *upn;
        } rows[] = {
                { NULL, "", "" },
                { "email:roya@office.example", "roya@office.example", "" },
                { "otherName:1.3.6.1.4.1.311.20.2.3;UTF8:roya@ad", "", "roya@ad" },
                { "email:a@b.example,email:c@d.example", "", "" },
                { "otherName:1.3.6.1.4.1.311.20.2.3;IA5:roya@ad", "", "" },
                { "otherName:1.2.3.4;UTF8:roya@ad", "", "" },
                { "DNS:office.example,email:r@o.example", "r@o.example", "" },
        };
        for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
                X509 *cert = issue(&(struct spec){ .alternative = rows[i].alternative });
                struct leaf leaf;
                assert_int_equal(leaf_read(cert, &leaf), 0);
                assert_int_equal(leaf.class, LEAF_STAFF);
                assert_string_equal(leaf.email, rows[i].email);
                assert_string_equal(leaf.upn, rows[i].upn);
                X509_free(cert);
        }
}

static void what_looks_national_in_any_part_is_never_staff(void **state)
{
        (void)state;
        static const struct entry nameless[] = { { NID_countryName, "IR" },
                { NID_organizationName, "Office" }, { 0, NULL } };
        static const struct entry two_names[] = { { NID_commonName, "One" },
                { NID_commonName, "Two" }, { 0, NULL } };
        static const struct entry unknown_suffix[] = { { NID_countryName, "IR" },
                { NID_organizationalUnitName, "IRAN Citizen" }, { NID_givenName, "A" },
                { NID_surname, "B" }, { NID_commonName, "0012345679 - XYZ" }, { 0, NULL } };
        const struct {
                struct spec spec;
                enum leaf_class class;
        } rows[] = {
                { { 0 }, LEAF_STAFF },
                { { .issuer = registry }, LEAF_OTHER },
                { { .subject = citizens }, LEAF_SIGNATURE },
                { { .subject = unknown_suffix }, LEAF_OTHER },
                { { .subject = nameless }, LEAF_OTHER },
                { { .subject = two_names }, LEAF_OTHER },
                { { .ca = true }, LEAF_CA },
        };
        for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
                X509 *cert = issue(&rows[i].spec);
                struct leaf leaf;
                assert_int_equal(leaf_read(cert, &leaf), 0);
                assert_int_equal(leaf.class, rows[i].class);
                X509_free(cert);
        }
}

static void the_same_name_by_the_same_ca_is_the_same_subject(void **state)
{
        (void)state;
        static const struct entry other[] = { { NID_commonName, "Roya Nobody" }, { 0, NULL } };
        X509 *one = issue(&(struct spec){ 0 }), *renewed = issue(&(struct spec){ .key = p384 }),
             *else_named = issue(&(struct spec){ .subject = other }),
             *else_issued = issue(&(struct spec){ .issuer = other });
        X509 *certs[] = { one, renewed, else_named, else_issued };
        struct identity got[4];
        for (size_t i = 0; i < 4; i++) {
                struct leaf leaf;
                assert_int_equal(leaf_read(certs[i], &leaf), 0);
                assert_int_equal(identity_read(certs[i], &leaf, &got[i]), 0);
                assert_true(got[i].staff);
        }
        assert_string_equal(got[0].sub, got[1].sub);
        assert_string_not_equal(got[0].sub, got[2].sub);
        assert_string_not_equal(got[0].sub, got[3].sub);
        for (size_t i = 0; i < 4; i++)
                X509_free(certs[i]);
}

static void the_composer_refuses_what_does_not_go_together(void **state)
{
        (void)state;
        X509 *leaf = issue(&(struct spec){ 0 }), *odd = issue(&(struct spec){ .key = p521 });
        struct assertion_facts national = facts, both = facts, neither = facts;
        struct assertion_request number = asked;
        char *input = NULL;
        const char *why;
        national.card = (struct assertion_card){ .generation = "mav2" };
        both.card.generation = "mav2";
        neither.card.family = NULL;
        number.expect_national_number = "0012345679";
        const struct {
                const struct assertion_request *request;
                const struct assertion_facts *facts;
                X509 *leaf, *ca;
                int r;
        } rows[] = {
                { &asked, &national, leaf, staff_ca, OUTCOME_INVALID },
                { &asked, &facts, pki->leaf, pki->ca, OUTCOME_INVALID },
                { &asked, &both, leaf, staff_ca, -EINVAL },
                { &asked, &neither, leaf, staff_ca, -EINVAL },
                { &number, &facts, leaf, staff_ca, OUTCOME_INVALID },
                { &asked, &facts, odd, staff_ca, OUTCOME_INVALID },
                { &asked, &facts, leaf, pki->ca, OUTCOME_INVALID },
        };
        for (size_t i = 0; i < ARRAY_LEN(rows); i++)
                assert_int_equal(assertion_signing_input(rows[i].request, rows[i].facts,
                                         rows[i].leaf, rows[i].ca, &input, &why),
                        rows[i].r);
        X509_free(leaf);
        X509_free(odd);
}

static void only_der_becomes_a_jws_signature(void **state)
{
        (void)state;
        X509 *leaf = issue(&(struct spec){ 0 });
        char *input = NULL, *whole = NULL;
        const char *why;
        uint8_t digest[48], sig[512];
        size_t len;
        assert_int_equal(assertion_signing_input(&asked, &facts, leaf, staff_ca, &input, &why), 0);
        assert_int_equal(assertion_digest(input, leaf, digest, &len), 0);
        assert_int_equal(len, 32);
        size_t sig_len = card_signs(p256, digest, len, sig);
        sig[sig_len] = 0;
        assert_int_equal(assertion_finish(input, leaf, sig, sig_len + 1, &whole),
                OUTCOME_NO_STANDARD_SIGNATURE);
        assert_int_equal(assertion_finish(input, leaf, sig, sig_len - 1, &whole),
                OUTCOME_NO_STANDARD_SIGNATURE);
        assert_int_equal(
                assertion_finish(input, leaf, sig, 0, &whole), OUTCOME_NO_STANDARD_SIGNATURE);
        sig_len = card_signs(p384, digest, len, sig);
        assert_int_equal(
                assertion_finish(input, leaf, sig, sig_len, &whole), OUTCOME_NO_STANDARD_SIGNATURE);
        free(input);
        X509_free(leaf);
}

static void staff_anchors_are_loaded_whole_or_not_at_all(void **state)
{
        (void)state;
        struct mohr_trust *trust = NULL;
        char problem[256] = "", path[] = "/tmp/mohr-test-staff-XXXXXX";
        X509 *leaf = issue(&(struct spec){ 0 });
        int fd = mkstemp(path);
        assert_true(fd >= 0);
        close(fd);
        testpki_write_pem(path, (X509 *[]){ staff_ca, leaf, NULL });
        assert_int_equal(
                mohr_trust_load_staff(&trust, path, problem, sizeof problem), OUTCOME_INVALID);
        assert_null(trust);
        assert_non_null(strstr(problem, "not a CA"));
        testpki_write_pem(path, (X509 *[]){ staff_ca, NULL });
        assert_int_equal(mohr_trust_load_staff(&trust, path, problem, sizeof problem), 0);
        assert_int_equal(
                mohr_trust_load_staff(&trust, path, problem, sizeof problem), OUTCOME_INVALID);
        assert_non_null(trust_find_issuer(trust, TRUST_STAFF, leaf));
        assert_null(trust_find_issuer(trust, TRUST_CITIZENS, leaf));
        assert_null(trust_find_issuer(trust, TRUST_STAFF, pki->leaf));
        mohr_trust_free(trust);
        unlink(path);
        X509_free(leaf);
}

static int prepare(void **state)
{
        static const struct entry ca_name[] = { { NID_organizationName, "Office of Tests" },
                { NID_commonName, "Staff CA TEST" }, { 0, NULL } };
        (void)state;
        pki = testpki_new();
        staff_ca_key = EVP_EC_gen("P-256");
        p256 = EVP_EC_gen("P-256");
        p384 = EVP_EC_gen("P-384");
        p521 = EVP_EC_gen("P-521");
        staff_ca = issue(&(struct spec){ .subject = ca_name, .key = staff_ca_key, .ca = true });
        return 0;
}

static int tidy(void **state)
{
        (void)state;
        EVP_PKEY *keys[] = { staff_ca_key, p256, p384, p521 };
        for (size_t i = 0; i < ARRAY_LEN(keys); i++)
                EVP_PKEY_free(keys[i]);
        X509_free(staff_ca);
        pki = testpki_free(pki);
        return 0;
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(each_kind_of_key_signs_and_is_verified),
                cmocka_unit_test(anchors_of_one_kind_never_vouch_for_the_other),
                cmocka_unit_test(a_document_tells_staff_from_citizens),
                cmocka_unit_test(a_staff_ca_cannot_make_a_citizen),
                cmocka_unit_test(a_payload_that_says_otherwise_is_refused),
                cmocka_unit_test(alternative_names_are_told_if_they_are_one),
                cmocka_unit_test(only_the_key_that_commits_its_holder_makes_an_assertion),
                cmocka_unit_test(what_looks_national_in_any_part_is_never_staff),
                cmocka_unit_test(the_same_name_by_the_same_ca_is_the_same_subject),
                cmocka_unit_test(the_composer_refuses_what_does_not_go_together),
                cmocka_unit_test(only_der_becomes_a_jws_signature),
                cmocka_unit_test(staff_anchors_are_loaded_whole_or_not_at_all),
        };
        return cmocka_run_group_tests(tests, prepare, tidy);
}

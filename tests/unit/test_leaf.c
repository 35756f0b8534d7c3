/* SPDX-License-Identifier: Apache-2.0 */
/* test_leaf.c: reading the citizen's certificate: classes, names, and encodings that are not DER. */
#include "client-sdk/base64.h"
#include "client-sdk/identity.h"
#include "tests/support/testpki.h"

#include "base/outcome.h"

#include <openssl/err.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <cmocka.h>

static int parse(X509 *cert, struct leaf *ret)
{
        unsigned char *der = NULL;
        int len = i2d_X509(cert, &der);
        assert_true(len > 0);
        X509 *copy = NULL;
        int r = leaf_parse(der, (size_t)len, &copy, ret);
        X509_free(copy);
        OPENSSL_free(der);
        return r;
}

static void classes_follow_the_content(void **state)
{
        struct testpki *pki = *state;
        const struct {
                struct testpki_spec spec;
                enum leaf_class class;
                const char *number, *suffix;
                bool national;
        } rows[] = {
                { { 0 }, LEAF_SIGNATURE, "0099900007", "SIG", false },
                { { .cn = TESTPKI_CN_NN }, LEAF_SIGNATURE, "0012345679", "SIG", true },
                { { .cn = "0099900007 - AUT" }, LEAF_AUTHENTICATION, "0099900007", "AUT", false },
                { { .cn = "0099900007 - ENC" }, LEAF_OTHER, "0099900007", "ENC", false },
                { { .cn = "0000000000 - SIG" }, LEAF_SIGNATURE, "0000000000", "SIG", false },
                { { .cn = "0099900007 -SIG" }, LEAF_OTHER, "", "", false },
                { { .cn = "0099900007 - sig" }, LEAF_OTHER, "", "", false },
                { { .cn = "0099900007 - SIG " }, LEAF_OTHER, "", "", false },
                { { .cn = "0099900007 - ABCDEFGH" }, LEAF_OTHER, "", "", false },
                { { .no_name = true }, LEAF_OTHER, "", "", false },
                { { .basic_constraints = "critical,CA:TRUE" }, LEAF_CA, "", "", false },
                { { .basic_constraints = "critical,CA:FALSE" }, LEAF_SIGNATURE, "0099900007", "SIG",
                        false },
        };
        for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
                struct leaf leaf;
                X509 *cert = testpki_issue(pki, &rows[i].spec);
                assert_int_equal(parse(cert, &leaf), 0);
                if (leaf.class != rows[i].class || leaf.national_number != rows[i].national)
                        fail_msg("row %zu: class %d", i, (int)leaf.class);
                assert_string_equal(leaf.card_number, rows[i].number);
                assert_string_equal(leaf.cn_suffix, rows[i].suffix);
                assert_true(leaf.issuer_is_nocr);
                X509_free(cert);
        }
}

static void names_are_copied_byte_for_byte(void **state)
{
        static const char *const names[] = { TESTPKI_GIVEN, TESTPKI_FAMILY, "\xD9\x83\xD9\x8A",
                "\xD9\x8A\xD9\x8E", "e\xCC\x81", " a ", "\xE2\x80\x8F" };
        struct testpki *pki = *state;
        for (size_t i = 0; i < ARRAY_LEN(names); i++) {
                struct leaf leaf;
                X509 *cert = testpki_issue(pki, &(struct testpki_spec){ .given = names[i] });
                assert_int_equal(parse(cert, &leaf), 0);
                assert_string_equal(leaf.given_name, names[i]);
                assert_string_equal(leaf.family_name, TESTPKI_FAMILY);
                X509_free(cert);
        }
}

/* A leaf whose attribute is replaced, or joined, by another value. No signature is looked at here. */
static enum leaf_class class_with(const struct testpki *pki, int nid, bool keep, int set, int type,
        const char *value, int len, struct leaf *leaf)
{
        X509 *cert = X509_dup(pki->leaf);
        X509_NAME *name = X509_NAME_dup(X509_get_subject_name(cert));
        if (!keep)
                X509_NAME_ENTRY_free(
                        X509_NAME_delete_entry(name, X509_NAME_get_index_by_NID(name, nid, -1)));
        X509_NAME_ENTRY *entry = X509_NAME_ENTRY_create_by_NID(
                NULL, nid, V_ASN1_OCTET_STRING, (const unsigned char *)value, len);
        assert_non_null(entry);
        X509_NAME_ENTRY_get_data(entry)->type = type; /* as it stands: no encoder checks it */
        assert_int_equal(X509_NAME_add_entry(name, entry, -1, set), 1);
        bool sayable = X509_set_subject_name(cert, name) == 1; /* else OpenSSL reads no such name */
        assert_true(i2d_re_X509_tbs(cert, NULL) > 0); /* else the old bytes are given out */
        X509_NAME_ENTRY_free(entry);
        X509_NAME_free(name);
        enum leaf_class class = sayable && parse(cert, leaf) == 0 ? leaf->class : LEAF_OTHER;
        ERR_clear_error();
        X509_free(cert);
        return class;
}

static void names_hidden_in_encodings_are_nobody(void **state)
{
        struct testpki *pki = *state;
        char long_name[LEAF_NAME_MAX + 1];
        memset(long_name, 'a', sizeof long_name);
        const struct {
                const char *what;
                int nid;
                bool keep;
                int set, type;
                const char *value;
                int len;
                enum leaf_class class;
        } rows[] = {
                { "UTF-8", NID_givenName, false, 0, V_ASN1_UTF8STRING, "A", 1, LEAF_SIGNATURE },
                { "printable", NID_commonName, false, 0, V_ASN1_PRINTABLESTRING, TESTPKI_CN, 16,
                        LEAF_SIGNATURE },
                { "teletex", NID_givenName, false, 0, V_ASN1_T61STRING, "A", 1, LEAF_OTHER },
                { "two bytes a letter", NID_givenName, false, 0, V_ASN1_BMPSTRING, "\0A", 2,
                        LEAF_OTHER },
                { "four bytes a letter", NID_surname, false, 0, V_ASN1_UNIVERSALSTRING, "\0\0\0A",
                        4, LEAF_OTHER },
                { "IA5", NID_commonName, false, 0, V_ASN1_IA5STRING, TESTPKI_CN, 16, LEAF_OTHER },
                { "a NUL inside", NID_givenName, false, 0, V_ASN1_UTF8STRING, "A\0B", 3,
                        LEAF_OTHER },
                { "a NUL behind the suffix", NID_commonName, false, 0, V_ASN1_UTF8STRING,
                        TESTPKI_CN "\0x", 18, LEAF_OTHER },
                { "not UTF-8", NID_surname, false, 0, V_ASN1_UTF8STRING, "\xC3", 1, LEAF_OTHER },
                { "overlong", NID_surname, false, 0, V_ASN1_UTF8STRING, "\xC1\x81", 2, LEAF_OTHER },
                { "empty", NID_givenName, false, 0, V_ASN1_UTF8STRING, "", 0, LEAF_OTHER },
                { "too long", NID_givenName, false, 0, V_ASN1_UTF8STRING, long_name, LEAF_NAME_MAX,
                        LEAF_OTHER },
                { "a second name", NID_givenName, true, 0, V_ASN1_UTF8STRING, "B", 1, LEAF_OTHER },
                { "a second name in the same set", NID_givenName, true, -1, V_ASN1_UTF8STRING, "B",
                        1, LEAF_OTHER },
                { "a second number in the same set", NID_commonName, true, -1, V_ASN1_UTF8STRING,
                        TESTPKI_CN_NN, 16, LEAF_OTHER },
                { "one set for number and title", NID_title, true, -1, V_ASN1_UTF8STRING,
                        TESTPKI_CN_NN, 16, LEAF_SIGNATURE },
        };
        for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
                struct leaf leaf = { 0 };
                enum leaf_class class = class_with(pki, rows[i].nid, rows[i].keep, rows[i].set,
                        rows[i].type, rows[i].value, rows[i].len, &leaf);
                if (class != rows[i].class)
                        fail_msg("%s: class %d", rows[i].what, (int)class);
                assert_true(class == LEAF_SIGNATURE ? strcmp(leaf.card_number, "0099900007") == 0
                                                    : leaf.card_number[0] == '\0');
        }
}

static void times_and_issuer_are_read(void **state)
{
        struct testpki *pki = *state;
        struct leaf leaf;
        X509 *cert =
                testpki_issue(pki, &(struct testpki_spec){ .from = 1470528000, .to = 1691452800 });
        assert_int_equal(parse(cert, &leaf), 0);
        assert_int_equal(leaf.not_before, 1470528000);
        assert_int_equal(leaf.not_after, 1691452800);
        X509_free(cert);
        assert_int_equal(parse(pki->ca, &leaf), 0);
        assert_false(leaf.issuer_is_nocr); /* its issuer is the root, without OU=NOCR */
        assert_int_equal(leaf.class, LEAF_CA);
        assert_string_equal(leaf.given_name, "");
}

static void encodings_that_are_not_der_are_refused(void **state)
{
        struct testpki *pki = *state;
        unsigned char *der = NULL, bad[4096];
        size_t len = (size_t)i2d_X509(pki->leaf, &der);
        struct leaf leaf;
        X509 *cert = NULL;
        assert_true(len < sizeof bad - 16);
        for (size_t cut = 0; cut < len; cut++)
                assert_int_equal(leaf_parse(der, cut, &cert, &leaf), -EBADMSG);

        memcpy(bad, der, len);
        bad[len] = 0; /* one byte after it */
        assert_int_equal(leaf_parse(bad, len + 1, &cert, &leaf), -EBADMSG);

        memcpy(bad, der, len); /* indefinite length, closed correctly */
        bad[1] = 0x80;
        memmove(bad + 2, der + 4, len - 4);
        bad[len - 2] = bad[len - 1] = 0;
        assert_int_equal(leaf_parse(bad, len, &cert, &leaf), -EBADMSG);

        bad[0] = 0x30; /* the same length written longer than needed */
        bad[1] = 0x83;
        bad[2] = 0;
        memcpy(bad + 3, der + 2, len - 2);
        assert_int_equal(leaf_parse(bad, len + 1, &cert, &leaf), -EBADMSG);

        assert_int_equal(leaf_parse((const uint8_t *)"0\0", 2, &cert, &leaf), -EBADMSG);
        assert_int_equal(leaf_parse(NULL, 0, &cert, &leaf), -EBADMSG);
        assert_null(cert);
        OPENSSL_free(der);
}

static void deep_nesting_is_refused(void **state)
{
        uint8_t deep[128];
        struct leaf leaf;
        X509 *cert = NULL;
        (void)state;
        for (size_t i = 0; i < sizeof deep; i += 2) {
                deep[i] = 0x30;
                deep[i + 1] = (uint8_t)(sizeof deep - i - 2);
        }
        assert_int_equal(leaf_parse(deep, sizeof deep, &cert, &leaf), -EBADMSG);
}

static void a_size_over_the_cap_is_refused(void **state)
{
        struct leaf leaf;
        X509 *cert = NULL;
        uint8_t *big = calloc(1, 20000);
        (void)state;
        memcpy(big, "\x30\x82\x4E\x1C\x04\x82\x4E\x18", 8);
        assert_int_equal(leaf_parse(big, 20000, &cert, &leaf), -EBADMSG);
        free(big);
}

static void sub_is_that_of_the_person_not_of_the_issuing_key(void **state)
{
        struct testpki *pki = *state;
        struct leaf leaf;
        struct identity one, two;
        X509 *ca = testpki_issue_ca(pki, "IRAN Digital Citizen CA 2025 03", 1, 2, pki->root,
                pki->root_key, pki->other_key, "critical,CA:TRUE");
        X509 *renewed = testpki_issue(
                pki, &(struct testpki_spec){ .issuer = ca, .issuer_key = pki->other_key });
        assert_int_equal(parse(pki->leaf, &leaf), 0);
        assert_int_equal(identity_read(pki->leaf, &leaf, &one), 0);
        assert_int_equal(parse(renewed, &leaf), 0);
        assert_int_equal(identity_read(renewed, &leaf, &two), 0);
        assert_string_equal(one.sub, two.sub);
        assert_int_equal(strlen(one.sub), 43);
        assert_string_equal(one.acr, "unstated");
        X509_free(renewed);
        X509_free(ca);

        assert_int_equal(parse(pki->ca, &leaf), 0);
        assert_int_equal(identity_read(pki->ca, &leaf, &two), OUTCOME_INVALID);
}

static void base64_has_one_spelling(void **state)
{
        static const struct {
                enum base64 alphabet;
                const char *text;
                int len; /* < 0: refused */
        } rows[] = {
                { BASE64_URL, "", 0 },
                { BASE64_URL, "AA", 1 },
                { BASE64_URL, "AAA", 2 },
                { BASE64_URL, "AAAA", 3 },
                { BASE64_URL, "A", -1 },
                { BASE64_URL, "AAAAA", -1 },
                { BASE64_URL, "AB", -1 },
                { BASE64_URL, "AAB", -1 },
                { BASE64_URL, "AA==", -1 },
                { BASE64_URL, "-_-_", 3 },
                { BASE64_URL, "+/+/", -1 },
                { BASE64_URL, "AA\n", -1 },
                { BASE64_URL, " AA", -1 },
                { BASE64_STANDARD, "AA==", 1 },
                { BASE64_STANDARD, "AA=", -1 },
                { BASE64_STANDARD, "AA", -1 },
                { BASE64_STANDARD, "AAA=", 2 },
                { BASE64_STANDARD, "AB==", -1 },
                { BASE64_STANDARD, "A===", -1 },
                { BASE64_STANDARD, "====", -1 },
                { BASE64_STANDARD, "+/+/", 3 },
                { BASE64_STANDARD, "-_-_", -1 },
                { BASE64_STANDARD, "AA==AA==", -1 },
                { BASE64_STANDARD, "AAAA=AAA", -1 },
                { BASE64_STANDARD, "", 0 },
        };
        uint8_t out[16];
        (void)state;
        for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
                ssize_t len = base64_decode(
                        rows[i].alphabet, out, sizeof out, rows[i].text, strlen(rows[i].text));
                if ((rows[i].len < 0) != (len < 0) || (len >= 0 && len != rows[i].len))
                        fail_msg("%s: %zd", rows[i].text, len);
        }
        assert_int_equal(base64_decode(BASE64_URL, out, 2, "AAAA", 4), -ENOSPC);
}

static void base64_survives_a_round_trip(void **state)
{
        uint8_t data[64], back[64];
        char text[96];
        (void)state;
        for (size_t i = 0; i < sizeof data; i++)
                data[i] = (uint8_t)(i * 37 + 11);
        for (size_t len = 0; len <= sizeof data; len++)
                for (int alphabet = 0; alphabet < 2; alphabet++) {
                        base64_encode((enum base64)alphabet, text, data, len);
                        assert_int_equal(
                                strlen(text), base64_encoded_len((enum base64)alphabet, len));
                        assert_int_equal(base64_decode((enum base64)alphabet, back, sizeof back,
                                                 text, strlen(text)),
                                len);
                        assert_memory_equal(back, data, len);
                }
}

static int set_up(void **state)
{
        *state = testpki_new();
        return 0;
}

static int tear_down(void **state)
{
        testpki_free(*state);
        return 0;
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(classes_follow_the_content),
                cmocka_unit_test(names_are_copied_byte_for_byte),
                cmocka_unit_test(names_hidden_in_encodings_are_nobody),
                cmocka_unit_test(times_and_issuer_are_read),
                cmocka_unit_test(encodings_that_are_not_der_are_refused),
                cmocka_unit_test(deep_nesting_is_refused),
                cmocka_unit_test(a_size_over_the_cap_is_refused),
                cmocka_unit_test(sub_is_that_of_the_person_not_of_the_issuing_key),
                cmocka_unit_test(base64_has_one_spelling),
                cmocka_unit_test(base64_survives_a_round_trip),
        };
        return cmocka_run_group_tests(tests, set_up, tear_down);
}

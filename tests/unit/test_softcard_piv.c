/* SPDX-License-Identifier: Apache-2.0 */
/* test_softcard_piv.c: the software card as a PIV card: what SP 800-73-4 promises of one, said to it
 * in bytes and judged by OpenSSL with the certificates that the card itself hands out.
 */
#include "softcard_piv_rows.h"
#include "softcard_talk.h"

#include <openssl/ec.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>

struct algorithm {
        const char *name;
        uint8_t id;
        size_t input;
};
static const struct algorithm algorithms[] = {
        { "rsa2048", 0x07, 256 },
        { "p256", 0x11, 32 },
        { "p384", 0x14, 48 },
};
static const struct {
        const char *name, *tag;
        uint8_t ref;
} slots[] = {
        { "9a", "5FC105", 0x9A },
        { "9c", "5FC10A", 0x9C },
        { "9d", "5FC10B", 0x9D },
        { "9e", "5FC101", 0x9E },
};

static void x509_done(X509 **slot)
{
        X509_free(*slot);
}
static void pkey_done(EVP_PKEY **slot)
{
        EVP_PKEY_free(*slot);
}
static void ctx_done(EVP_PKEY_CTX **slot)
{
        EVP_PKEY_CTX_free(*slot);
}

/* Sends one command and fetches all of its answer; the status word is returned. */
static unsigned int ask(struct softcard *card, const uint8_t *cmd, size_t len, struct talk *ret)
{
        static const uint8_t more[] = { 0x00, 0xC0, 0x00, 0x00, 0x00 };
        uint8_t piece[4096];
        unsigned int sw = 0x6100;
        ret->len = 0;
        while (sw >> 8 == 0x61) {
                size_t got = 0;
                assert_int_equal(softcard_transmit(card, cmd, len, piece, sizeof piece, &got), 0);
                assert_true(got >= 2 && ret->len + got <= sizeof ret->answer);
                memcpy(ret->answer + ret->len, piece, got - 2);
                ret->len += got - 2;
                sw = (unsigned int)(piece[got - 2] << 8 | piece[got - 1]);
                cmd = more;
                len = sizeof more;
                if (softcard_is_t0(card) && sw >> 8 == 0x61 && (sw & 0xFF)) {
                        uint8_t last[] = { 0x00, 0xC0, 0x00, 0x00, (uint8_t)sw };
                        assert_int_equal(
                                softcard_transmit(card, last, 5, piece, sizeof piece, &got), 0);
                        memcpy(ret->answer + ret->len, piece, got - 2);
                        ret->len += got - 2;
                        sw = (unsigned int)(piece[got - 2] << 8 | piece[got - 1]);
                }
        }
        return sw;
}

static void get_object(struct softcard *card, const char *tag, struct talk *ret)
{
        uint8_t cmd[10] = { 0x00, 0xCB, 0x3F, 0xFF, 5, 0x5C, 3 };
        assert_int_equal(hex_decode(cmd + 7, 3, tag), 3);
        assert_int_equal(ask(card, cmd, sizeof cmd, ret), 0x9000);
}

/* 53 82 .. .. 70 82 .. .. and the certificate. */
static X509 *cert_of(struct softcard *card, const char *tag)
{
        struct talk object;
        get_object(card, tag, &object);
        assert_int_equal(object.answer[0], 0x53);
        assert_int_equal(object.answer[4], 0x70);
        const uint8_t *at = object.answer + 8;
        X509 *cert = d2i_X509(NULL, &at, (long)object.len - 8);
        assert_non_null(cert);
        return cert;
}

/* GENERAL AUTHENTICATE in blocks of at most `block` bytes. */
static unsigned int use_key(struct softcard *card, uint8_t algorithm, uint8_t ref, uint8_t tag,
        struct view input, size_t block, struct talk *ret)
{
        uint8_t body[300], cmd[300];
        struct out out = out_new(body, sizeof body);
        bool large = input.len > 255;
        out_u8(&out, 0x7C);
        if (large)
                out_u8(&out, 0x82);
        if (large)
                out_u16(&out, (uint16_t)(input.len + 6));
        else
                out_u8(&out, (uint8_t)(input.len + 4));
        out_u16(&out, 0x8200);
        out_u8(&out, tag);
        if (large)
                out_u8(&out, 0x82);
        if (large)
                out_u16(&out, (uint16_t)input.len);
        else
                out_u8(&out, (uint8_t)input.len);
        out_bytes(&out, input.data, input.len);
        unsigned int sw = 0x9000;
        for (size_t at = 0; at < out.len && sw == 0x9000; at += block) {
                size_t n = base_min(block, out.len - at);
                bool last = at + n == out.len;
                const uint8_t header[] = { last ? 0x00 : 0x10, 0x87, algorithm, ref, (uint8_t)n };
                memcpy(cmd, header, sizeof header);
                memcpy(cmd + 5, body + at, n);
                sw = ask(card, cmd, 5 + n, ret);
        }
        return sw;
}

/* What stands in 7C { 82 { here } }. */
static struct view result_of(const struct talk *answer)
{
        struct in in = in_new(answer->answer, answer->len);
        for (int i = 0; i < 2; i++) {
                assert_int_equal(in_u8(&in), i == 0 ? 0x7C : 0x82);
                uint8_t len = in_u8(&in);
                if (len == 0x82)
                        in_u16(&in);
        }
        return in_bytes(&in, in_left(&in));
}

static void fill_input(const struct algorithm *algorithm, uint8_t input[static 256])
{
        memset(input, 0x5A, 256);
        if (algorithm->id == 0x07)
                input[0] = 0;
}

static void judge_signature(
        X509 *cert, const struct algorithm *algorithm, const uint8_t *input, struct view result)
{
        _cleanup_(ctx_done) EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new(X509_get0_pubkey(cert), NULL);
        uint8_t back[256];
        size_t len = sizeof back;
        if (algorithm->id != 0x07) {
                assert_true(EVP_PKEY_verify_init(ctx) > 0);
                assert_true(EVP_PKEY_verify(
                                    ctx, result.data, result.len, input, algorithm->input) == 1);
                return;
        }
        assert_true(EVP_PKEY_encrypt_init(ctx) > 0);
        assert_true(EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_NO_PADDING) > 0);
        assert_true(EVP_PKEY_encrypt(ctx, back, &len, result.data, result.len) > 0);
        assert_memory_equal(back, input, 256);
}

/* The other side of a key agreement has the same secret. */
static void judge_agreement(struct softcard *card, X509 *cert, const struct algorithm *algorithm)
{
        EVP_PKEY *pub = X509_get0_pubkey(cert);
        _cleanup_(pkey_done) EVP_PKEY *own = EVP_EC_gen(algorithm->id == 0x11 ? "P-256" : "P-384");
        uint8_t *point = NULL, secret[48];
        size_t len = sizeof secret, point_len = EVP_PKEY_get1_encoded_public_key(own, &point);
        struct talk answer;
        assert_int_equal(use_key(card, algorithm->id, 0x9D, 0x85, (struct view){ point, point_len },
                                 255, &answer),
                0x9000);
        OPENSSL_free(point);
        _cleanup_(ctx_done) EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new(own, NULL);
        assert_true(EVP_PKEY_derive_init(ctx) > 0 && EVP_PKEY_derive_set_peer(ctx, pub) > 0);
        assert_true(EVP_PKEY_derive(ctx, secret, &len) > 0);
        struct view result = result_of(&answer);
        assert_int_equal(result.len, len);
        assert_memory_equal(result.data, secret, len);
}

static void exercise_slot(struct softcard *card, size_t slot, const struct algorithm *algorithm)
{
        _cleanup_(x509_done) X509 *cert = cert_of(card, slots[slot].tag);
        uint8_t input[256];
        struct talk answer;
        fill_input(algorithm, input);
        talk_expect(card, PIV_PIN, "9000");
        if (slots[slot].ref == 0x9D && algorithm->id != 0x07) {
                judge_agreement(card, cert, algorithm);
                return;
        }
        assert_int_equal(use_key(card, algorithm->id, slots[slot].ref, 0x81,
                                 (struct view){ input, algorithm->input }, 200, &answer),
                0x9000);
        judge_signature(cert, algorithm, input, result_of(&answer));
}

static void each_key_works_as_its_certificate_says(void **state)
{
        static const char *const profiles[] = { "piv", "piv-t0" };
        for (size_t i = 0; i < ARRAY_LEN(profiles) * ARRAY_LEN(algorithms); i++) {
                const struct algorithm *algorithm = &algorithms[i / ARRAY_LEN(profiles)];
                char options[160];
                snprintf(options, sizeof options,
                        "profile=%s piv-9a=%s piv-9c=%s piv-9d=%s piv-9e=%s",
                        profiles[i % ARRAY_LEN(profiles)], algorithm->name, algorithm->name,
                        algorithm->name, algorithm->name);
                _cleanup_card_ struct softcard *card = card_with(*state, options, NULL);
                talk(card, PIV_SELECT);
                for (size_t slot = 0; slot < ARRAY_LEN(slots); slot++)
                        exercise_slot(card, slot, algorithm);
                assert_int_equal(softcard_stats(card)->signatures, ARRAY_LEN(slots));
        }
}

static void long_answers_are_the_same_in_pieces_and_at_once(void **state)
{
        _cleanup_card_ struct softcard *card = card_with(*state, "profile=piv", NULL);
        struct talk pieces, whole = talk(card, PIV_SELECT PIV_GET("5FC10A"));
        get_object(card, "5FC10A", &pieces);
        assert_true(whole.len > 900);
        assert_int_equal(pieces.len, whole.len - 2);
        assert_memory_equal(pieces.answer, whole.answer, pieces.len);
}

static void a_reset_selects_the_issuers_domain(void **state)
{
        _cleanup_card_ struct softcard *card = card_with(*state, "profile=piv", NULL);
        talk_expect(card, PIV_ASK, "6d00");
        talk_expect(card, "80CA9F7F2D", "9f7f*");
        talk_expect(card, "80CA010100", "6a88");
        talk_expect(card, PIV_SELECT PIV_PIN PIV_ASK, "9000");
        softcard_power_on(card);
        talk_expect(card, PIV_SELECT PIV_ASK, "63c3");
}

static void another_application_locks_and_an_unknown_one_does_not(void **state)
{
        _cleanup_card_ struct softcard *card = card_with(*state, "profile=piv", NULL);
        talk_expect(card, PIV_SELECT PIV_PIN "00A4040005A000000099", "6a82");
        talk_expect(card, PIV_ASK, "9000");
        talk_expect(card, "00A4040008A000000151000000 " PIV_SELECT PIV_ASK, "63c3");
        talk_expect(card, PIV_PIN "0020FF80 " PIV_ASK, "63c3");
        assert_false(softcard_pin_verified(card));
}

static void wrong_pins_are_counted_and_block(void **state)
{
        struct softcard_nv nv = { 0 };
        _cleanup_card_ struct softcard *card =
                card_with(*state, "profile=piv piv-global=271828", &nv);
        talk_expect(card, PIV_SELECT PIV_PIN PIV_WRONG, "63c2");
        assert_false(softcard_pin_verified(card));
        talk_expect(card, "00200080083331FFFFFFFFFFFF", "6a80");
        talk_expect(card, "0020008006333134313539", "6a80");
        talk_expect(card, PIV_ASK, "63c2");
        talk_expect(card, PIV_WRONG PIV_WRONG, "63c0");
        talk_expect(card, PIV_PIN, "6983");
        talk_expect(card, PIV_ASK, "6983");
        talk_expect(card, "0020000008323731383238FFFF", "9000");
        assert_int_equal(nv.failures_piv, 3);
        assert_int_equal(nv.failures_global, 0);
        assert_int_equal(softcard_stats(card)->verify_commands, 8);
        talk_expect(card, PIV_USE("07", "9A"), "6a80"); /* either PIN opens the keys */
}

static void pin_always_means_the_command_before(void **state)
{
        _cleanup_card_ struct softcard *card = card_with(*state, "profile=piv", NULL);
        talk_expect(card, PIV_SELECT PIV_PIN PIV_USE("07", "9C"), "6a80");
        talk_expect(card, PIV_USE("07", "9C"), "6982");
        talk_expect(card, PIV_PIN PIV_USE("07", "9A") PIV_USE("07", "9C"), "6982");
        talk_expect(card, PIV_PIN PIV_USE("11", "9E") PIV_USE("07", "9C"), "6982");
        talk_expect(card, PIV_PIN PIV_SELECT PIV_USE("07", "9C"), "6982");
        talk_expect(card, PIV_PIN "00C0000000 " PIV_USE("07", "9C"), "6982");
        talk_expect(card, PIV_PIN "1087079C027C02 0087079C028200", "6a80");
        talk_expect(card, PIV_USE("07", "9A"), "6a80");
}

static void what_would_change_the_card_is_counted(void **state)
{
        static const char *const writes[] = { "00DB3FFF055C035FC102", "10DB3FFF055C035FC102",
                "0047009A05AC03800107", "0024008110333134313539FFFF313131313131FFFF",
                "002C0081103132333435363738313131313131FFFF", "1024008008333134313539FFFF",
                "0087039B047C028100", "0087039B047C028000", "00FFFFFF020A1B", "00FB0000",
                "00FA0505", "00F69A9C" };
        _cleanup_card_ struct softcard *card = card_with(*state, "profile=piv", NULL);
        talk(card, PIV_SELECT PIV_PIN);
        for (size_t i = 0; i < ARRAY_LEN(writes); i++) {
                talk(card, writes[i]);
                assert_int_equal(softcard_stats(card)->writes, i + 1);
        }
        talk_expect(card, "0087039B047C02810000", "7c0a8108*");
        talk_expect(card, "0087039B0C7C0A82081111111111111111", "6982");
        talk_expect(card, "00FD0000", "6d00");
}

#define PIV_CHANGE        "0024008010333134313539FFFF323731383238FFFF " /* to 271828 */
#define PIV_UNBLOCK_WRONG "002C0080103133353732343639323731383238FFFF "

static void a_new_pin_takes_the_old_ones_place_and_outlives_power(void **state)
{
        struct softcard_nv nv = { 0 };
        {
                _cleanup_card_ struct softcard *card = card_with(*state, "profile=piv", &nv);
                talk_expect(card, PIV_SELECT PIV_WRONG PIV_CHANGE, "9000");
                assert_true(softcard_pin_verified(card));
                talk_expect(card, PIV_CHANGE, "63c2");
                assert_false(softcard_pin_verified(card));
                talk_expect(card, "0020008008323731383238FFFF", "9000");
                assert_int_equal(softcard_stats(card)->renewals, 2);
                assert_int_equal(softcard_stats(card)->writes, 0);
        }
        _cleanup_card_ struct softcard *again = card_with(*state, "profile=piv", &nv);
        talk_expect(again, PIV_SELECT PIV_PIN, "63c2");
        talk_expect(again, "0020008008323731383238FFFF", "9000");
}

static void the_code_unblocks_and_has_a_counter_of_its_own(void **state)
{
        struct softcard_nv nv = { 0 };
        _cleanup_card_ struct softcard *card = card_with(*state, "profile=piv", &nv);
        talk_expect(card, PIV_SELECT PIV_WRONG PIV_WRONG PIV_WRONG PIV_CHANGE, "6983");
        talk_expect(card, PIV_UNBLOCK_WRONG, "63c2");
        talk_expect(card, PIV_UNBLOCK, "9000");
        assert_int_equal(nv.failures_puk + nv.failures_piv, 0);
        assert_false(softcard_pin_verified(card));
        talk_expect(card, PIV_ASK, "63c3");
        talk_expect(card, PIV_UNBLOCK_WRONG PIV_UNBLOCK_WRONG PIV_UNBLOCK_WRONG, "63c0");
        talk_expect(card, PIV_UNBLOCK, "6983");
        talk_expect(card, "0020008008323731383238FFFF", "9000");
}

static void what_is_no_pin_costs_nothing(void **state)
{
        static const char *const odd[][2] = { { "0024008010333134313539FFFF3237313832FFFFFF",
                                                      "6a80" },
                { "0024008010333134313539FFFF3237313832382020", "6a80" },
                { "0024008008333134313539FFFF", "6700" }, { "00240080", "6700" },
                { "0024018010333134313539FFFF323731383238FFFF", "6a86" },
                { "002C0080103133353732343638FFFFFFFFFFFFFFFF", "6a80" } };
        struct softcard_nv nv = { 0 };
        _cleanup_card_ struct softcard *card = card_with(*state, "profile=piv", &nv);
        talk(card, PIV_SELECT);
        for (size_t i = 0; i < ARRAY_LEN(odd); i++)
                talk_expect(card, odd[i][0], odd[i][1]);
        assert_int_equal(nv.failures_puk + nv.failures_piv, 0);
        assert_int_equal(softcard_stats(card)->renewals, 0);
        _cleanup_card_ struct softcard *national = card_with(*state, "profile=mav2-cl", NULL);
        talk_expect(national, "00A404000CA0000000180C000001634200 " PIV_CHANGE, "6982");
        talk_expect(national, PIV_UNBLOCK, "6982");
        assert_int_equal(softcard_stats(national)->writes, 2);
}

static void odd_commands_are_refused(void **state)
{
        static const char *const odd[][2] = { { "00CB3F00055C035FC102", "6a86" },
                { "00CB3FFF045C035FC1", "6a80" }, { "00CB3FFF035D017E", "6a80" },
                { "00CB3FFF", "6a80" }, { "00CB3FFF065C045FC10200", "6a80" },
                { "0020018008333134313539FFFF", "6a86" }, { "00200081", "6a88" },
                { "0CCB3FFF055C035FC102", "6e00" }, { "80CB3FFF055C035FC102", "6e00" },
                { "00B0000000", "6d00" }, { "0087119E027C00", "6a80" },
                { "0087119E047C028100", "6a80" }, { "0087119E067C0482008100", "6a80" },
                { "0087119E0582008101AA", "6a80" }, { "0087119E077C0582008581AA", "6a80" } };
        _cleanup_card_ struct softcard *card = card_with(*state, "profile=piv", NULL);
        talk(card, PIV_SELECT);
        for (size_t i = 0; i < ARRAY_LEN(odd); i++)
                talk_expect(card, odd[i][0], odd[i][1]);
        assert_int_equal(softcard_stats(card)->signatures, 0);
}

static void a_point_off_the_curve_is_refused(void **state)
{
        _cleanup_card_ struct softcard *card = card_with(*state, "profile=piv piv-9d=p256", NULL);
        uint8_t point[65] = { 0x04, 1, 2, 3 };
        struct talk answer;
        talk(card, PIV_SELECT PIV_PIN);
        assert_int_equal(
                use_key(card, 0x11, 0x9D, 0x85, (struct view){ point, sizeof point }, 255, &answer),
                0x6A80);
}

static void faults_know_the_commands(void **state)
{
        _cleanup_card_ struct softcard *card = card_with(*state,
                "profile=piv fault=wrong-sw=6F00@get-data fault=reset@authenticate:before", NULL);
        talk_expect(card, PIV_SELECT PIV_GET("5FC102"), "6f00");
        talk_expect(card, PIV_GET("5FC102"), "533b*");
        talk_expect(card, PIV_PIN PIV_USE("07", "9C"), "");
        talk_expect(card, PIV_ASK, "6d00");
}

static void only_9e_works_without_contact(void **state)
{
        _cleanup_card_ struct softcard *card = card_with(*state, "profile=piv-cl", NULL);
        talk_expect(card, PIV_SELECT PIV_ASK, "6a81");
        talk_expect(card, PIV_USE("07", "9A"), "6982");
        talk_expect(card, PIV_USE("11", "9E"), "6a80");
        talk_expect(card, PIV_GET("5FC105"), "5382*");
}

static void signers_differ_in_time_and_issuer(void **state)
{
        static const struct {
                const char *leaf, *issuer;
                int time;
        } rows[] = { { "valid", "staff-ca", 1 }, { "expired", "staff-ca", -1 },
                { "foreign", "foreign-ca", 1 }, { "other", "staff-ca", 1 } };
        for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
                char option[64], path[256];
                snprintf(option, sizeof option, "profile=piv piv-leaf=%s", rows[i].leaf);
                snprintf(path, sizeof path, "%s/%s.pem", (char *)*state, rows[i].issuer);
                _cleanup_card_ struct softcard *card = card_with(*state, option, NULL);
                talk(card, PIV_SELECT);
                _cleanup_(x509_done) X509 *cert = cert_of(card, "5FC10A");
                BIO *file = BIO_new_file(path, "r");
                _cleanup_(x509_done) X509 *issuer = PEM_read_bio_X509(file, NULL, NULL, NULL);
                BIO_free(file);
                assert_true(X509_verify(cert, X509_get0_pubkey(issuer)) == 1);
                assert_true(X509_cmp_current_time(X509_get0_notAfter(cert)) == rows[i].time);
        }
}

static void another_persons_card_may_be_laid_back(void **state)
{
        _cleanup_card_ struct softcard *card =
                card_with(*state, "profile=piv piv-9c=p256 laid-back=other", NULL);
        struct talk chuid[3];
        for (size_t i = 0; i < ARRAY_LEN(chuid); i++) {
                talk(card, PIV_SELECT);
                get_object(card, "5FC102", &chuid[i]);
                exercise_slot(card, 1, &algorithms[1]);
                softcard_remove(card);
                softcard_insert(card);
                softcard_power_on(card);
        }
        assert_memory_equal(chuid[0].answer, chuid[2].answer, chuid[0].len);
        assert_memory_not_equal(chuid[0].answer, chuid[1].answer, chuid[0].len);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(each_key_works_as_its_certificate_says),
                cmocka_unit_test(long_answers_are_the_same_in_pieces_and_at_once),
                cmocka_unit_test(a_reset_selects_the_issuers_domain),
                cmocka_unit_test(another_application_locks_and_an_unknown_one_does_not),
                cmocka_unit_test(wrong_pins_are_counted_and_block),
                cmocka_unit_test(pin_always_means_the_command_before),
                cmocka_unit_test(what_would_change_the_card_is_counted),
                cmocka_unit_test(a_new_pin_takes_the_old_ones_place_and_outlives_power),
                cmocka_unit_test(the_code_unblocks_and_has_a_counter_of_its_own),
                cmocka_unit_test(what_is_no_pin_costs_nothing),
                cmocka_unit_test(odd_commands_are_refused),
                cmocka_unit_test(a_point_off_the_curve_is_refused),
                cmocka_unit_test(faults_know_the_commands),
                cmocka_unit_test(only_9e_works_without_contact),
                cmocka_unit_test(signers_differ_in_time_and_issuer),
                cmocka_unit_test(another_persons_card_may_be_laid_back),
        };
        return cmocka_run_group_tests(tests, pki_setup, pki_teardown);
}

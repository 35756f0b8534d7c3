/* SPDX-License-Identifier: Apache-2.0 */
/* test_softcard.c: the software card does what card-facts section 8 demands of it: transport, files,
 * PIN copies, signatures, and faults that strike where they were told to.
 */
#include "base/clock.h"
#include "softcard_talk.h"

#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

struct line {
        const char *options, *script, *expected;
};

static void expect_lines(const char *pki, const struct line *lines, size_t count)
{
        for (size_t i = 0; i < count; i++) {
                _cleanup_card_ struct softcard *card = card_with(pki, lines[i].options, NULL);
                talk_expect(card, lines[i].script, lines[i].expected);
        }
}

#define T0 "profile=mav2-t0"

static void t0_punishes_what_t0_does_not_know(void **state)
{
        static const struct line lines[] = {
                { T0, "00A4040C0CA0000000180C00000163420000", "6700" }, /* Le behind data */
                { T0, "00A404000CA0000000180C000001634200", "6110" },   /* case 4 waits */
                { T0, "00A404000CA0000000180C000001634200 00C0000020", "6c10" },
                { T0, "00A404000CA0000000180C000001634200 00C0000020 00C0000010", "*9000" },
                { T0, "00A404000CA0000000180C000001634200 00C0000008", "*6108" },
                { T0, "00A404000CA0000000180C000001634200 00C0000008 00C0000008", "*9000" },
                { T0, "00A404000CA0000000180C000001634200 00A4000C023F00", "6b00" }, /* unfetched */
                { T0, "00A404000CA0000000180C000001634200 00A4000C023F00 00C0000010", "6985" },
                { T0, LEAF "00B00500F8", "6c*" },
                { T0, LEAF "00B0000000", "#258" },
                { T0, LEAF "00B00000F800", "6700" },
                { T0, MANAGER "80CA9F7F00", "6c2d" },
                { T0, MANAGER "80CA9F7F2D", "*9000" },
                { T0, MANAGER "80CA010115", "6c0d" },
                { T0, IAS "00CB00FF05A003830181", "610d" },
                { T0, IAS "00CB00FF05A00383018100", "6700" },
                { T0, IAS "0020008110323538", "6700" }, /* fewer bytes than P3 */
                { T0, IAS PIN MSE("42") HASH "002A9E9A80", "6100" },
                { T0, IAS PIN MSE("42") HASH CDS "00C0000000", "#258" },
                { T0, IAS PIN MSE("42") HASH CDS ASK "00C0000000", "6985" },
                { T0, IAS "00CB00FF0AB6038301037F49028100", "6100" },
                { T0, IAS "00CB00FF0AB6038301037F49028100 00C0000000", "*6109" },
                { T0 " le-over=short", LEAF "00B00500F8", "6c*" }, /* no such choice here */
                { "profile=mav3", "00A404000CA0000000180C000001634200", "6110" },
        };
        expect_lines(*state, lines, ARRAY_LEN(lines));
}

static void t1_answers_directly_and_chains_what_is_long(void **state)
{
        static const struct line lines[] = {
                { "", "00A404000CA0000000180C00000163420000", "6f0e840c*" },
                { "", IAS PIN MSE("42") HASH CDS, "#258" },
                { "", IAS PIN MSE("42") HASH "002A9E9A80", "*6180" },
                { "", IAS PIN MSE("42") HASH "002A9E9A80 00C0000080", "#130" },
                { "", IAS "00CB00FF0AB6038301037F4902810000", "*6109" },
                { "", IAS "00CB00FF0AB6038301037F4902810000 00C0000009", "#11" },
                { "", IAS "00CB00FF0AB6038301037F4902820000", "7f490582030100019000" },
                { "", LEAF "00B00000", "6700" },
                { "", LEAF "00B00000000100", "6700" }, /* extended length */
                { "", "00A4", "6700" },
                { "", IAS "102A90A01190201111111111111111111111111111", "6700" },
                { "",
                        IAS MSE("42") "102A90A00C902011111111111111111111 "
                                      "002A90A01611111111111111111111"
                                      "111111111111111111111111",
                        "9000" },
                { "", IAS "0C200081", "6e00" },
        };
        expect_lines(*state, lines, ARRAY_LEN(lines));
}

static void files_are_where_the_facts_say(void **state)
{
        static const struct line lines[] = {
                { "", LEAF "00B0000004", "308205*" },
                { "", DF5000 "00A4020C020303 00B0000004", "308204*" },
                { "", LEAF "00B07FFF01", "6b00" },
                { "", DF5100 "00B0000001", "6986" },
                { "", DF5100 "00A4020C020303", "6a82" },
                { "", DF5100 "00A4030C 00A4010C025000", "9000" },
                { "", LEAF "00A4020C020999 00B0000004",
                        "308205*" }, /* a failed SELECT changes nothing */
                { "", ID_DF "00A4020C020201 00B0000004", "6982" },
                { "", ID_DF "00A4020C020202 00B0000004", "6982" },
                { "", ID_DF "00A4020C020205 00B0000004", "6982" },
                { "", MPCOS "00A4020C020010 00B0000720", "000000009000" },
                { "", MPCOS "00A4020C020010 00B0000801", "6b00" },
                { "", INFO_DF "00A4020002030300", "850e00000303*" },
                { "", "00A4040C08A000000018300301 00A4000C023F00", "9000" },
                { "", "00A4040C07A0000000183003", "6a82" },
                { "", IAS "80CADF0308", "6d00" },
        };
        expect_lines(*state, lines, ARRAY_LEN(lines));
}

static void personal_files_stay_shut_even_with_the_pin(void **state)
{
        _cleanup_card_ struct softcard *card = card_with(*state, "", NULL);
        talk_expect(card, ID_DF "00200000083235383000000000", "9000");
        assert_true(softcard_pin_verified(card));
        talk_expect(card, "00A4020C020201 00B0000004", "6982");
}

static void pin_state_dies_with_select_reset_and_power(void **state)
{
        _cleanup_card_ struct softcard *card = card_with(*state, "", NULL);
        talk_expect(card, IAS PIN ASK, "9000");
        talk_expect(card, IAS ASK, "63c3");
        talk_expect(card, PIN "0020FF81 " ASK, "63c3");
        talk_expect(card, PIN MANAGER, "9000");
        assert_false(softcard_pin_verified(card));
        talk_expect(card, IAS PIN, "9000");
        softcard_power_on(card);
        assert_false(softcard_pin_verified(card));
        talk_expect(card, ASK, "6d00"); /* the card manager is selected again */
        talk_expect(card, IAS PIN MSE("42") HASH, "9000");
        softcard_power_off(card);
        assert_false(softcard_pin_verified(card));
        softcard_power_on(card);
        talk_expect(card, IAS PIN CDS, "6985"); /* environment and hash are gone, too */
}

static void counters_outlive_the_card_in_the_reader(void **state)
{
        struct softcard_nv nv = { 0 };
        for (unsigned int left = 3; left-- > 0;) {
                char expected[16];
                snprintf(expected, sizeof expected, "63c%u", left);
                _cleanup_card_ struct softcard *card = card_with(*state, "", &nv);
                talk_expect(card, IAS WRONG, expected);
                assert_int_equal(softcard_stats(card)->verify_commands, 1);
        }
        _cleanup_card_ struct softcard *card = card_with(*state, "", &nv);
        talk_expect(card, IAS PIN, "6983");
        talk_expect(card, ASK, "6983");
        assert_int_equal(nv.failures[0], 3);
        assert_int_equal(nv.failures[1] + nv.failures[2], 0);
}

static void right_pin_gives_the_tries_back(void **state)
{
        _cleanup_card_ struct softcard *card = card_with(*state, "", NULL);
        talk_expect(card, IAS WRONG WRONG ASK, "63c1");
        talk_expect(card, PIN IAS ASK, "63c3");
        talk_expect(card, PIN WRONG, "63c2"); /* a wrong entry also ends the verified state */
        assert_false(softcard_pin_verified(card));
}

static void memory_of_something_else_is_refused(void **state)
{
        struct softcard_nv nv = { .magic = 7 };
        struct softcard *card = NULL;
        char pki[256];
        const char *bad;
        snprintf(pki, sizeof pki, "pki=%s", (char *)*state);
        assert_int_equal(
                softcard_new(&card, (const char *const[]){ pki, NULL }, &nv, &bad), -EBADMSG);
}

/* card-facts 4.2: three copies, three counters, two ways to compare. */
static void copies_count_and_compare_apart(void **state)
{
        struct softcard_nv nv = { 0 };
        _cleanup_card_ struct softcard *card = card_with(*state, "", &nv);
        talk_expect(card, EV_DF "00200000083131313100000000", "63c2");
        talk_expect(card, ID_DF "00200000083131313100000000", "63c2");
        talk_expect(card, "00200000083131313100000000", "63c1");
        talk_expect(card, IAS WRONG, "63c2");
        assert_int_equal(nv.failures[0], 1);
        assert_int_equal(nv.failures[1], 2);
        assert_int_equal(nv.failures[2], 1);
        talk_expect(card, ID_DF "00A4020C022F01 80C002050C", "0003*");
        talk_expect(card, EV_DF "00A4020C025F04 80C002050C", "0001*");
        talk_expect(card, ID_DF "00200000083235383030303030", "9000"); /* nibbles: 00 equals '0' */
        talk_expect(card, ID_DF "00200000080205080000000000", "9000");
        talk_expect(card, IAS "002000811032353830303030303030303030303030", "63c1"); /* bytes */
        talk_expect(card, IAS "002000820432353830", "6a88");
        talk_expect(card, MPCOS "00200000083235383000000000", "6a88"); /* no secret-code DF */
}

static void unfetched_answer_traps_get_info_once(void **state)
{
        static const char trapped[] = ID_DF "00A40200022F0100 80C002050C";
        _cleanup_card_ struct softcard *card = card_with(*state, "", NULL);
        talk_expect(card, trapped, "*9000"); /* on T=1 nothing waits */
        _cleanup_card_ struct softcard *t0 = card_with(*state, T0, NULL);
        talk_expect(t0, ID_DF "00A40200022F01", "6110");
        talk_expect(t0, "80C002050C", "6b00");
        talk_expect(t0, "80C002050C", "*9000");
        talk_expect(t0, "80C0020500", "6c0c");
}

static void writes_are_refused_and_counted(void **state)
{
        static const char *const writes[] = { "00D60004021234", "80240100081111111122222222",
                "002C00810411111111", "00240081", "000E0000", "00E00000", "80DA010102AAAA",
                "00DC0000" };
        _cleanup_card_ struct softcard *card = card_with(*state, "", NULL);
        unsigned int count = 0;
        for (size_t i = 0; i < ARRAY_LEN(writes); i++) {
                talk_expect(card, writes[i], "6982");
                assert_int_equal(softcard_stats(card)->writes, ++count);
        }
}

static void foreign_cards_lack_what_makes_an_iranian_one(void **state)
{
        static const struct line lines[] = {
                { "profile=foreign-ias", IAS, "9000" },
                { "profile=foreign-ias", "00A4040C08A000000018300301", "6a82" },
                { "profile=foreign-ias", "00A4040C08A000000018434D00", "6a82" },
                { "profile=foreign-mpcos", IAS, "6a82" },
                { "profile=foreign-mpcos", "00A4040C08A000000018300301", "9000" },
        };
        expect_lines(*state, lines, ARRAY_LEN(lines));
        _cleanup_card_ struct softcard *card = card_with(*state, "profile=foreign-ias", NULL);
        struct talk head = talk(card, LEAF "00B00000F8");
        char hex[600];
        hex_encode(hex, head.answer, head.len);
        assert_null(strstr(hex, "4952414e")); /* IRAN */
}

static void profiles_have_their_atr(void **state)
{
        static const struct {
                const char *option, *atr;
                bool t0;
        } expected[] = {
                { "profile=mav2-cl", "3b8f800180318065b0850202ed120fff82900072", false },
                { "profile=mav2-t0", "3b7f94000080318065b0850202ed120fff829000", true },
                { "profile=mav3", "3b7f96000080318065b0850300ef120fff829000", true },
                { "profile=mav4", "3bff9600008131fe4380318065b085040011120fff829000e0", false },
                { "profile=pardis", "3b781800000073c84013009000", true },
                { "profile=omid", "3bdb97008131fe85801349524e7396715b91302f", false },
                { "profile=foreign-ias", "3b7f96000080318065b0850300ef120fff829000", true },
                { "profile=foreign-mpcos", "3bff9600008131fe4380318065b085040011120fff829000e0",
                        false },
        };
        for (size_t i = 0; i < ARRAY_LEN(expected); i++) {
                _cleanup_card_ struct softcard *card = card_with(*state, expected[i].option, NULL);
                char hex[80];
                size_t len;
                const uint8_t *atr = softcard_atr(card, &len);
                hex_encode(hex, atr, len);
                assert_string_equal(hex, expected[i].atr);
                assert_int_equal(softcard_is_t0(card), expected[i].t0);
                assert_string_equal(softcard_profiles[i], expected[i].option + 8);
        }
}

/* What is published of them, and a refusal for everything else. */
static void matiran_cards_show_no_more_than_is_known(void **state)
{
        _cleanup_card_ struct softcard *pardis = card_with(*state, "profile=pardis", NULL);
        _cleanup_card_ struct softcard *omid = card_with(*state, "profile=omid", NULL);
        talk_expect(pardis, "00A4040C08A000000003000000 80CA9F7F2D", "9f7f2a*");
        talk_expect(pardis, "00A4040C08A000000003000000 903800000C", "6e00");
        talk_expect(pardis, "00A4040C0AA0000000D785013A0428 00A4000C023F00", "9000");
        talk_expect(pardis, "00A4040C0AA0000000D785013A0429 0084000008", "#10");
        talk_expect(pardis, PARDIS "00A4000C025100 00A4000C025040 00B0000004", "3082*");
        talk_expect(pardis,
                PARDIS "0020008110"
                       "32353830000000000000000000000000",
                "6982");
        talk_expect(pardis, PARDIS "0C2000810A8E081122334455667788", "6988");
        talk_expect(pardis, PARDIS MSE("42"), "6d00");
        talk_expect(pardis, IAS, "6a82");
        talk_expect(omid, OMID "00A4000C023F00", "9000");
        talk_expect(omid,
                "00A4040C0F398DE5BAB41EC676CABDB526E58571 00A4000C021100 00A4000C021103 00B0000038",
                "#58");
        talk_expect(omid, "00A4040C0F398DE5BAB41EC676CABDB526E58572", "6a82");
        talk_expect(omid, OMID "00200081", "6982");
        assert_false(softcard_pin_verified(pardis) || softcard_pin_verified(omid));
}

static EVP_PKEY *leaf_key(const char *pki, const char *name)
{
        char path[256];
        snprintf(path, sizeof path, "%s/%s", pki, name);
        FILE *file = fopen(path, "re");
        assert_non_null(file);
        X509 *cert = PEM_read_X509(file, NULL, NULL, NULL);
        fclose(file);
        EVP_PKEY *key = X509_get_pubkey(cert);
        X509_free(cert);
        return key;
}

/* padding as RSA_*; `hash` NULL: the signed block must be the bare 32 bytes. */
static bool signature_holds(EVP_PKEY *key, int padding, bool standard, const struct talk *signature)
{
        uint8_t hash[32], block[256];
        size_t len = sizeof block;
        memset(hash, 0x11, sizeof hash);
        EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new(key, NULL);
        bool holds = false;
        if (standard) {
                holds = EVP_PKEY_verify_init(ctx) > 0 &&
                        EVP_PKEY_CTX_set_rsa_padding(ctx, padding) > 0 &&
                        EVP_PKEY_CTX_set_signature_md(ctx, EVP_sha256()) > 0 &&
                        (padding != RSA_PKCS1_PSS_PADDING ||
                                EVP_PKEY_CTX_set_rsa_pss_saltlen(ctx, 32) > 0) &&
                        EVP_PKEY_verify(ctx, signature->answer, 256, hash, sizeof hash) > 0;
        } else {
                holds = EVP_PKEY_verify_recover_init(ctx) > 0 &&
                        EVP_PKEY_CTX_set_rsa_padding(ctx, padding) > 0 &&
                        EVP_PKEY_verify_recover(ctx, block, &len, signature->answer, 256) > 0 &&
                        len == 32 && memcmp(block, hash, 32) == 0;
        }
        EVP_PKEY_CTX_free(ctx);
        return holds;
}

static void signatures_are_what_their_algorithm_says(void **state)
{
        static const struct {
                const char *options, *script;
                int padding;
                bool standard;
        } rows[] = {
                { "", IAS PIN MSE("42") HASH CDS, RSA_PKCS1_PADDING, true },
                { "", IAS PIN MSE("45") HASH CDS, RSA_PKCS1_PSS_PADDING, true },
                { "", IAS PIN MSE("02") HASHINFO CDS, RSA_PKCS1_PADDING, true },
                { "alg-02-takes=bare-hash-padded", IAS PIN MSE("02") HASH CDS, RSA_PKCS1_PADDING,
                        false },
                { "alg-02-takes=bare-hash-adds-digestinfo", IAS PIN MSE("02") HASH CDS,
                        RSA_PKCS1_PADDING, true },
        };
        EVP_PKEY *key = leaf_key(*state, "leaf-valid.pem");
        for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
                _cleanup_card_ struct softcard *card = card_with(*state, rows[i].options, NULL);
                struct talk signature = talk(card, rows[i].script);
                assert_int_equal(signature.len, 258);
                assert_true(signature_holds(key, rows[i].padding, rows[i].standard, &signature));
                assert_false(signature_holds(key, rows[i].padding, !rows[i].standard, &signature));
                assert_int_equal(softcard_stats(card)->signatures, 1);
        }
        EVP_PKEY_free(key);
}

static void signing_needs_each_of_its_steps(void **state)
{
        static const struct line lines[] = {
                { "", IAS MSE("42") HASH CDS, "6982" },
                { "", IAS PIN HASH, "6985" },
                { "", IAS PIN MSE("42") CDS, "6985" },
                { "", IAS PIN MSE("42") HASH CDS CDS, "6985" }, /* a hash is signed once */
                { "", IAS PIN MSE("42") HASH MSE("42") CDS, "6985" },
                { "", IAS PIN MSE("42") HASH IAS CDS, "6985" },
                { "", IAS PIN MSE("42") "002A90A0039001AA", "6a80" },
                { "", IAS PIN MSE("42") HASHINFO, "6a80" },
                { "", IAS "002241B606800142840104", "6a88" },
                { "", IAS "002241B60680011A840103", "6a80" },
                { "", IAS "002241B603800142", "6a80" },
                { "", IAS "002241B609800142840103840103", "9000" },
                { "", IAS "002241B607800142840103AA", "6a80" },
                { "", IAS "002241A406830101950180", "6a86" },
                { "third-file=auth", IAS PIN "002241B606800142840101 " HASH CDS, "#258" },
        };
        expect_lines(*state, lines, ARRAY_LEN(lines));
}

/* Each fault against the same five commands: select IAS, counter, PIN, environment, hash. */
static void faults_strike_where_they_were_told(void **state)
{
        static const char *const commands[] = { IAS, ASK, PIN, MSE("42"), HASH };
        static const struct {
                const char *fault, *heard[5];
                unsigned int tries_spent, exchanges;
        } rows[] = {
                { "fault=removal@3", { "9000", "63c3", "!17", "!17", "!17" }, 0, 2 },
                { "fault=removal@verify:lost", { "9000", "63c3", "!17", "!17", "!17" }, 0, 3 },
                { "fault=removal@verify:after", { "9000", "63c3", "9000", "!17", "!17" }, 0, 3 },
                { "fault=reset@verify", { "9000", "63c3", "#0", "6d00", "6d00" }, 0, 4 },
                { "fault=reset@verify:lost", { "9000", "63c3", "#0", "6d00", "6d00" }, 0, 5 },
                { "fault=reset@verify:after", { "9000", "63c3", "9000", "6d00", "6d00" }, 0, 5 },
                { "fault=mute:1@empty-verify", { "9000", "!19", "9000", "9000", "9000" }, 0, 4 },
                { "fault=mute:1@verify:lost", { "9000", "63c3", "!19", "9000", "9000" }, 0, 5 },
                { "fault=mute:1@verify:after", { "9000", "63c3", "9000", "!19", "6985" }, 0, 4 },
                { "fault=truncate@2", { "9000", "63", "9000", "9000", "9000" }, 0, 5 },
                { "fault=wrong-sw=6F00@mse", { "9000", "63c3", "9000", "6f00", "9000" }, 0, 5 },
                { "fault=wrong-sw=6F00@mse:before", { "9000", "63c3", "9000", "6f00", "6985" }, 0,
                        4 },
                { "fault=wrong-sw=63C1@verify:before", { "9000", "63c3", "63c1", "9000", "9000" },
                        0, 4 },
                { "fault=garbage@total:4", { "9000", "63c3", "9000", "#2", "9000" }, 0, 5 },
                { "fault=oversize:10@1", { "#12", "63c3", "9000", "9000", "9000" }, 0, 5 },
        };
        for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
                struct softcard_nv nv = { 0 };
                _cleanup_card_ struct softcard *card = card_with(*state, rows[i].fault, &nv);
                for (size_t k = 0; k < ARRAY_LEN(commands); k++)
                        talk_expect(card, commands[k], rows[i].heard[k]);
                assert_int_equal(nv.failures[0], rows[i].tries_spent);
                assert_int_equal(softcard_stats(card)->exchanges, rows[i].exchanges);
        }
}

static void answers_are_spoilt_in_many_ways(void **state)
{
        static const struct line lines[] = {
                { "fault=sw-only@read", LEAF "00B00000F8", "9000" },
                { "fault=truncate@read", LEAF "00B00000F8", "#125" },
                { "fault=truncate:3@read", LEAF "00B00000F8", "308205" },
                { "fault=oversize@read", LEAF "00B00000F8", "#550" },
                { "fault=oversize:9000@read", LEAF "00B00000F8",
                        "#4096" }, /* never beyond the buffer */
                { "fault=wrong-der-length:65535@read", LEAF "00B00000F8", "3082ffff*" },
                { "fault=wrong-der-length@read", LEAF "00B00000F8", "308206*" },
                { "fault=garbage@read", LEAF "00B00000F8", "#250" },
                { "fault=garbage@read#2", LEAF "00B00000F8", "3082*" },
                { "fault=wrong-sw=6282@read", LEAF "00B0000004", "*6282" },
                { "fault=wrong-sw=6982@read", LEAF "00B0000004", "6982" },
                { T0 " fault=wrong-sw=6A80@get-response",
                        "00A404000CA0000000180C000001634200 00C0000010", "6a80" },
                { "fault=wrong-sw=6A80@counter", IAS "00CB00FF05A00383018100", "6a80" },
                { "fault=wrong-sw=6A80@key-query", IAS "00CB00FF0AB6038301037F4902820000", "6a80" },
                { "fault=wrong-sw=6A80@get-data", MANAGER "80CA9F7F2D", "6a80" },
                { "fault=wrong-sw=6A80@cds", IAS PIN MSE("42") HASH CDS, "6a80" },
                { "fault=wrong-sw=6A80@hash", IAS MSE("42") HASH, "6a80" },
                { "fault=wrong-sw=6A80@select#3", DF5100, "6a80" },
                { "fault=reset@verify#2:lost fault=wrong-sw=6A80@select", IAS, "6a80" },
        };
        expect_lines(*state, lines, ARRAY_LEN(lines));
}

static void lost_answer_to_a_wrong_pin_has_cost_a_try(void **state)
{
        struct softcard_nv nv = { 0 };
        _cleanup_card_ struct softcard *card = card_with(*state, "fault=removal@verify:lost", &nv);
        talk_expect(card, IAS WRONG, "!17");
        assert_int_equal(nv.failures[0], 1);
}

static void lifted_card_is_gone_until_it_has_power_again(void **state)
{
        _cleanup_card_ struct softcard *card =
                card_with(*state, "fault=removal@verify:after", NULL);
        talk_expect(card, IAS PIN, "9000");
        assert_false(softcard_present(card));
        assert_false(softcard_pin_verified(card));
        softcard_power_on(card); /* nothing there to power */
        talk_expect(card, IAS, "!17");
        softcard_insert(card);
        assert_true(softcard_present(card));
        talk_expect(card, IAS, "!17");
        softcard_power_on(card);
        talk_expect(card, IAS ASK, "63c3");
        softcard_remove(card);
        talk_expect(card, IAS, "!17");
}

static void card_comes_back_by_itself(void **state)
{
        _cleanup_card_ struct softcard *card = card_with(*state, "fault=removal:30@2", NULL);
        int64_t began = clock_ms();
        talk_expect(card, IAS ASK, "!17");
        while (!softcard_present(card))
                usleep(1000);
        assert_true(clock_ms() - began >= 30); /* and not at once */
        talk_expect(card, IAS, "!17");         /* whoever slept through it still learns of it */
        softcard_power_on(card);
        talk_expect(card, IAS ASK, "63c3"); /* and the fault was spent */
}

/* By softcard_insert, and by itself after a while: both times it is somebody else's. */
static void another_card_may_be_laid_back(void **state)
{
        static const struct {
                const char *file;
                bool lifted_by_fault;
        } visits[] = { { "leaf-other.pem", false }, { "leaf-valid.pem", true } };
        _cleanup_card_ struct softcard *card =
                card_with(*state, "laid-back=other crn=leaf fault=removal:5@get-data#3", NULL);
        talk_expect(card, MANAGER "80CA01010D", "~30303939393030303037");
        for (size_t i = 0; i < ARRAY_LEN(visits); i++) {
                if (visits[i].lifted_by_fault)
                        talk_expect(card, MANAGER "80CA01010D", "!17");
                else
                        softcard_remove(card);
                usleep(10000);
                if (!visits[i].lifted_by_fault)
                        softcard_insert(card);
                softcard_power_on(card);
                EVP_PKEY *key = leaf_key(*state, visits[i].file);
                struct talk signature = talk(card, IAS PIN MSE("42") HASH CDS);
                assert_true(signature_holds(key, RSA_PKCS1_PADDING, true, &signature));
                EVP_PKEY_free(key);
                if (i == 0)
                        talk_expect(card, MANAGER "80CA01010D", "~30303939393030303135");
        }
        softcard_power_on(card); /* a mere reset changes nobody */
        talk_expect(card, MANAGER "80CA01010D", "~30303939393030303037");
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(t0_punishes_what_t0_does_not_know),
                cmocka_unit_test(t1_answers_directly_and_chains_what_is_long),
                cmocka_unit_test(files_are_where_the_facts_say),
                cmocka_unit_test(personal_files_stay_shut_even_with_the_pin),
                cmocka_unit_test(pin_state_dies_with_select_reset_and_power),
                cmocka_unit_test(counters_outlive_the_card_in_the_reader),
                cmocka_unit_test(right_pin_gives_the_tries_back),
                cmocka_unit_test(memory_of_something_else_is_refused),
                cmocka_unit_test(copies_count_and_compare_apart),
                cmocka_unit_test(unfetched_answer_traps_get_info_once),
                cmocka_unit_test(writes_are_refused_and_counted),
                cmocka_unit_test(foreign_cards_lack_what_makes_an_iranian_one),
                cmocka_unit_test(profiles_have_their_atr),
                cmocka_unit_test(matiran_cards_show_no_more_than_is_known),
                cmocka_unit_test(signatures_are_what_their_algorithm_says),
                cmocka_unit_test(signing_needs_each_of_its_steps),
                cmocka_unit_test(faults_strike_where_they_were_told),
                cmocka_unit_test(answers_are_spoilt_in_many_ways),
                cmocka_unit_test(lost_answer_to_a_wrong_pin_has_cost_a_try),
                cmocka_unit_test(lifted_card_is_gone_until_it_has_power_again),
                cmocka_unit_test(card_comes_back_by_itself),
                cmocka_unit_test(another_card_may_be_laid_back),
        };
        return cmocka_run_group_tests(tests, pki_setup, pki_teardown);
}

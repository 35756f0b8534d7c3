/* SPDX-License-Identifier: Apache-2.0 */
/* test_piv.c: the profile of PIV cards against a scripted card. Commands and answers are typed in from
 * SP 800-73-4 (part 1: 3.3.2, appendix A; part 2: 3.1.1, 3.1.2, 3.2.1, 3.2.4, appendix A), with a look at
 * neither driver nor software card.
 */
#include "apdu/piv.h"
#include "tests/support/conversation.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <cmocka.h>

#define SELECT       "00A404000BA00000030800001000010000"
#define SELECT_SHORT "00A4040009A0000003080000100000"
#define TEMPLATE     "61 11 4F 06 000010000100 79 07 4F 05 A000000308"
#define DISCOVERY    "00CB3FFF035C017E00"
#define DISCOVERED   "7E 12 4F 0B A000000308000010000100 5F2F 02 "
#define GET_9C       "00CB3FFF055C035FC10A00"
#define GET_9A       "00CB3FFF055C035FC10500"
#define COUNTER      "00200080"
#define VERIFY       "0020008008 323731383238FFFF"
#define HASH_HEX     "000102030405060708090A0B0C0D0E0F101112131415161718191A1B1C1D1E1F"
#define HASH48_HEX   HASH_HEX "202122232425262728292A2B2C2D2E2F"

static const uint8_t pin[] = { '2', '7', '1', '8', '2', '8' };
static uint8_t hash[48], file[CARD_FILE_MAX];
static const char *const no_hint = "3B8880010000000000000000";
static const char *const yubikey = "3BF81300008131FE15597562696B657934D4";

struct setting {
        struct conversation *c;
        struct card card;
        struct card_identity identity;
};

static void setting_cleanup(struct setting *s)
{
        conversation_free(s->c);
}
#define _cleanup_setting_ _cleanup_(setting_cleanup)

static void says(struct setting *s, const char *command, const char *answer)
{
        conversation_say(s->c, command, answer);
}

static void check(struct setting *s)
{
        const char *problem = conversation_problem(s->c);
        if (problem)
                print_error("%s\n", problem);
        assert_null(problem);
}

static struct setting setting_new(const char *atr_hex)
{
        uint8_t atr[CARD_ATR_MAX];
        struct setting s = { .c = conversation_new(APDU_T1) };
        ssize_t len = hex_decode(atr, sizeof atr, atr_hex);
        assert_true(len > 0);
        card_init(&s.card, conversation_link(s.c), atr, (size_t)len);
        return s;
}

/* Identified, as a card whose maker put its mark into the ATR. */
static struct setting piv(void)
{
        struct setting s = setting_new(yubikey);
        says(&s, SELECT, TEMPLATE "9000");
        says(&s, DISCOVERY, DISCOVERED "4000 9000");
        assert_int_equal(card_identify(&s.card, &s.identity), 0);
        assert_true(s.identity.supported);
        return s;
}

static struct setting piv_counted(void)
{
        struct setting s = piv();
        struct pin_counter counter;
        says(&s, COUNTER, "63C3");
        assert_int_equal(piv_profile.counter(&s.card, PIN_COPY_IAS, &counter), 0);
        return s;
}

static struct setting piv_verified(void)
{
        struct setting s = piv_counted();
        int tries;
        says(&s, VERIFY, "9000");
        assert_int_equal(piv_profile.verify(&s.card, pin, sizeof pin, &tries), 0);
        return s;
}

static void a_likely_card_is_asked_first_and_another_one_last(void **state)
{
        (void)state;
        _cleanup_setting_ struct setting s = piv(), other = setting_new(no_hint);
        check(&s);
        assert_int_equal(s.identity.family, CARD_PIV);
        assert_int_equal(s.identity.evidence, 'D');
        assert_ptr_equal(s.card.profile, &piv_profile);
        says(&other, "00A4040C104D41544952414E204944204341524420", "6A82");
        says(&other, "00A4040C0F5041524449532C4D41544952414E20", "6A82");
        says(&other, "00A4040C10A0000000183003010000000000000000", "6A82");
        says(&other, "00A4040C0CA0000000180C000001634200", "6A82");
        says(&other, "00A4040C0CA00000001840000001634200", "6A82");
        says(&other, "00A4040C0CA0000000180A000001634200", "6A82");
        says(&other, SELECT, "6A82");
        says(&other, SELECT_SHORT, TEMPLATE "9000");
        says(&other, DISCOVERY, "6A82");
        assert_int_equal(card_identify(&other.card, &other.identity), 0);
        assert_true(other.identity.supported);
        check(&other);
}

static void a_card_that_can_only_be_looked_at_is_left_to_the_profile_that_can_more(void **state)
{
        (void)state;
        _cleanup_setting_ struct setting s = setting_new(no_hint);
        size_t len;
        says(&s, "00A4040C104D41544952414E204944204341524420", "6A82");
        says(&s, "00A4040C0F5041524449532C4D41544952414E20", "6A82");
        says(&s, "00A4040C10A0000000183003010000000000000000", "6A82");
        says(&s, "00A4040C0CA0000000180C000001634200", "9000");
        says(&s, SELECT, TEMPLATE "9000");
        says(&s, DISCOVERY, DISCOVERED "6020 9000"); /* its own PIN is not the one people know */
        assert_int_equal(card_identify(&s.card, &s.identity), 0);
        assert_int_equal(s.identity.family, CARD_NID);
        assert_false(s.identity.supported);
        says(&s, "00A4040C0CA0000000180C000001634200", "9000"); /* no longer the selected one */
        says(&s, "00A4080C0451005040", "6A82");
        says(&s, "00A4000C025100", "6A82");
        says(&s, "00A4000C023F00", "6A82");
        assert_int_equal(
                s.card.profile->read(&s.card, OBJECT_CERTIFICATE_1, file, sizeof file, &len),
                OUTCOME_CARD_NOT_SUPPORTED);
        check(&s);
}

static void what_select_answers_must_be_the_template(void **state)
{
        (void)state;
        static const struct {
                const char *answer;
                bool is;
        } cases[] = {
                { TEMPLATE "9000", true },
                { "61 16 4F 0B A000000308000010000100 79 07 4F 05 A000000308 9000", true },
                { "61 11 4F 06 000010000200 79 07 4F 05 A000000308 9000", true },
                { "9000", false },
                { "6F 11 4F 06 000010000100 79 07 4F 05 A000000308 9000", false },
                { "61 11 4F 06 000020000100 79 07 4F 05 A000000308 9000", false },
                { "61 12 4F 06 000010000100 79 07 4F 05 A000000308 9000", false },
                { TEMPLATE "00 9000", false },
                { "61 07 79 05 4F 03 A00000 9000", false },
                { TEMPLATE "6283", false },
        };
        for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
                _cleanup_setting_ struct setting s = setting_new(no_hint);
                says(&s, SELECT, cases[i].answer);
                if (cases[i].is)
                        says(&s, DISCOVERY, "6A88");
                assert_int_equal(piv_profile.identify(&s.card, &s.identity),
                        cases[i].is ? 0 : OUTCOME_CARD_NOT_SUPPORTED);
                check(&s);
        }
}

static void the_discovery_object_decides_whose_pin_it_is(void **state)
{
        (void)state;
        static const struct {
                const char *answer;
                int r;
                bool supported;
        } cases[] = {
                { DISCOVERED "4000 9000", 0, true },
                { DISCOVERED "6010 9000", 0, true },
                { DISCOVERED "5000 9000", 0, true },
                { DISCOVERED "6020 9000", 0, false },
                { DISCOVERED "6000 9000", 0, false },
                { DISCOVERED "2020 9000", 0, false },
                { "6A82", 0, true },
                { "6A88", 0, true },
                { "9000", 0, false },
                { "7E 12 4F 0B A000000309000010000100 5F2F 02 4000 9000", 0, false },
                { "7E 11 4F 0B A000000308000010000100 5F2F 01 40 9000", 0, false },
                { DISCOVERED "4000 00 9000", 0, false },
                { "!17", OUTCOME_CARD_REMOVED, false },
                { "", OUTCOME_CARD_NOT_SUPPORTED, false },
        };
        for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
                _cleanup_setting_ struct setting s = setting_new(no_hint);
                struct pin_counter counter;
                int tries;
                says(&s, SELECT, TEMPLATE "9000");
                says(&s, DISCOVERY, cases[i].answer);
                assert_int_equal(piv_profile.identify(&s.card, &s.identity), cases[i].r);
                check(&s);
                assert_int_equal(s.card.piv.supported, cases[i].supported);
                if (cases[i].supported)
                        continue;
                int refusal = cases[i].r == 0 ? OUTCOME_CARD_NOT_SUPPORTED : -EPERM;
                s.card.piv.selected = s.card.piv.counter_seen = s.card.piv.verified = true;
                assert_int_equal(piv_profile.counter(&s.card, PIN_COPY_IAS, &counter), refusal);
                assert_int_equal(piv_profile.verify(&s.card, pin, sizeof pin, &tries), refusal);
                assert_int_equal(
                        piv_profile.select_method(&s.card, PIV_KEY_SIGN, SIGN_PIV_P256), refusal);
                check(&s);
        }
}

static void certificates_come_as_containers(void **state)
{
        (void)state;
        _cleanup_setting_ struct setting s = piv();
        size_t len = 0;
        says(&s, GET_9C, "53 0A 70 03 300102 71 01 00 FE00 9000");
        assert_int_equal(
                piv_profile.read(&s.card, OBJECT_CERTIFICATE_1, file, sizeof file, &len), 0);
        assert_int_equal(len, 10);
        assert_memory_equal(file, "\x70\x03\x30\x01\x02\x71\x01\x00\xFE\x00", 10);
        says(&s, GET_9A, "53 04 70 02 3000 9000");
        assert_int_equal(
                piv_profile.read(&s.card, OBJECT_CERTIFICATE_2, file, sizeof file, &len), 0);
        static const char *const bad[] = { "6A82", "5300 9000", "54 02 7000 9000",
                "53 03 7000 9000", "53 01 7000 9000", "9000", "53 04 70 02 3000 6282" };
        for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
                says(&s, GET_9C, bad[i]);
                assert_int_equal(
                        piv_profile.read(&s.card, OBJECT_CERTIFICATE_1, file, sizeof file, &len),
                        OUTCOME_CARD_NOT_SUPPORTED);
        }
        for (int object = OBJECT_CERTIFICATE_3; object < OBJECT_COUNT; object++)
                assert_int_equal(piv_profile.read(&s.card, (enum card_object)object, file,
                                         sizeof file, &len),
                        OUTCOME_CARD_NOT_SUPPORTED);
        assert_int_equal(piv_profile.read(&s.card, OBJECT_COUNT, file, sizeof file, &len), -EINVAL);
        check(&s);
}

static void long_containers_are_fetched_in_pieces(void **state)
{
        (void)state;
        _cleanup_setting_ struct setting s = piv();
        char piece[512 + 5];
        size_t len = 0;
        memset(piece, 'A', 512);
        memcpy(piece, "53820106708201021234", 20);
        memcpy(piece + 512, "6108", 5);
        says(&s, GET_9C, piece);
        says(&s, "00C0000008", "AAAAAAAAAAAAAAAA 6102");
        says(&s, "00C0000002", "BBBB 9000");
        assert_int_equal(
                piv_profile.read(&s.card, OBJECT_CERTIFICATE_1, file, sizeof file, &len), 0);
        assert_int_equal(len, 0x106);
        assert_int_equal(file[len - 1], 0xBB);
        check(&s);
}

static void a_container_is_read_strictly(void **state)
{
        (void)state;
        static const struct {
                const char *hex;
                int r;
                bool gzip;
                size_t len;
        } cases[] = {
                { "7003300102710100FE00", 0, false, 3 },
                { "7003300102710101FE00", 0, true, 3 },
                { "71010170021F8B", 0, true, 2 },
                { "70023000", 0, false, 2 },
                { "7002300072000000", -EBADMSG, false, 0 },
                { "700230007200FE00", 0, false, 2 },
                { "70023000710102FE00", -EBADMSG, false, 0 }, /* neither plain nor gzip */
                { "7002300071020000", -EBADMSG, false, 0 },
                { "7000710100FE00", -EBADMSG, false, 0 },
                { "710100FE00", -EBADMSG, false, 0 },
                { "7002300070023000", -EBADMSG, false, 0 }, /* which of two? */
                { "70023000FE0100", -EBADMSG, false, 0 },
                { "700230007300", -EBADMSG, false, 0 },
                { "70043000", -EBADMSG, false, 0 },
                { "", -EBADMSG, false, 0 },
        };
        for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
                uint8_t bytes[64];
                ssize_t len = hex_decode(bytes, sizeof bytes, cases[i].hex);
                struct view found = { 0 };
                bool gzip = false;
                assert_true(len >= 0);
                int r = piv_parse_certificate((struct view){ bytes, (size_t)len }, &found, &gzip);
                if (r != cases[i].r)
                        fail_msg("%s: %d", cases[i].hex, r);
                assert_int_equal(gzip, cases[i].gzip);
                assert_int_equal(found.len, cases[i].len);
        }
}

static void the_counter_is_read_without_a_try(void **state)
{
        (void)state;
        static const struct {
                const char *answer;
                int r;
                bool known;
                int tries;
                bool may_verify;
        } cases[] = {
                { "63C3", 0, true, 3, true },
                { "63CF", 0, true, 15, true },
                { "63C0", 0, true, 0, false },
                { "6983", 0, true, 0, false },
                { "9000", 0, false, 0, false }, /* somebody else's PIN is at work */
                { "6300", 0, false, 0, false },
                { "6A88", 0, false, 0, false },
                { "6982", 0, false, 0, false },
                { "!17", OUTCOME_CARD_REMOVED, false, 0, false },
                { "63", OUTCOME_CARD_NOT_SUPPORTED, false, 0, false },
        };
        for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
                _cleanup_setting_ struct setting s = piv();
                struct pin_counter counter = { .tries = 99 };
                int tries;
                says(&s, COUNTER, cases[i].answer);
                int r = piv_profile.counter(&s.card, PIN_COPY_IAS, &counter);
                assert_int_equal(r, cases[i].r);
                if (r == 0) {
                        assert_int_equal(counter.known, cases[i].known);
                        assert_int_equal(counter.tries, cases[i].tries);
                }
                if (!cases[i].may_verify)
                        assert_int_equal(
                                piv_profile.verify(&s.card, pin, sizeof pin, &tries), -EPERM);
                check(&s);
        }
        _cleanup_setting_ struct setting s = piv();
        struct pin_counter counter;
        assert_int_equal(
                piv_profile.counter(&s.card, PIN_COPY_ID, &counter), OUTCOME_CARD_NOT_SUPPORTED);
        assert_int_equal(piv_profile.counter(&s.card, PIN_COPY_COUNT, &counter), -EINVAL);
        says(&s, COUNTER, "6700");
        says(&s, COUNTER "00", "63C2");
        assert_int_equal(piv_profile.counter(&s.card, PIN_COPY_IAS, &counter), 0);
        assert_int_equal(counter.tries, 2);
        check(&s);
}

static void every_answer_to_verify_has_one_meaning_and_ends_the_right_to_ask(void **state)
{
        (void)state;
        static const struct {
                const char *answer;
                int r, tries;
        } cases[] = {
                { "9000", 0, -1 },
                { "63C2", OUTCOME_WRONG_PIN, 2 },
                { "63C0", OUTCOME_PIN_BLOCKED, 0 },
                { "6983", OUTCOME_PIN_BLOCKED, 0 },
                { "6A80", OUTCOME_CARD_NOT_SUPPORTED, -1 },
                { "6300", OUTCOME_CARD_NOT_SUPPORTED, -1 },
                { "6C08", OUTCOME_CARD_NOT_SUPPORTED, -1 },
                { "6982", OUTCOME_CARD_NOT_SUPPORTED, -1 },
                { "!17", OUTCOME_CARD_REMOVED, -1 },
                { "!19", OUTCOME_TIMED_OUT, -1 },
        };
        for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
                _cleanup_setting_ struct setting s = piv_counted();
                int tries = 9;
                says(&s, VERIFY, cases[i].answer);
                assert_int_equal(piv_profile.verify(&s.card, pin, sizeof pin, &tries), cases[i].r);
                assert_int_equal(tries, cases[i].tries);
                assert_int_equal(piv_profile.verify(&s.card, pin, sizeof pin, &tries), -EPERM);
                check(&s);
        }
}

static void only_six_to_eight_digits_are_a_pin(void **state)
{
        (void)state;
        static const char *const bad[] = { "", "12345", "123456789", "12345a", "12345 ",
                "12345\xFF" };
        _cleanup_setting_ struct setting s = piv_counted();
        int tries;
        for (size_t i = 0; i < ARRAY_LEN(bad); i++)
                assert_int_equal(piv_profile.verify(
                                         &s.card, (const uint8_t *)bad[i], strlen(bad[i]), &tries),
                        -EINVAL);
        says(&s, "0020008008 3132333435363738", "9000");
        assert_int_equal(piv_profile.verify(&s.card, (const uint8_t *)"12345678", 8, &tries), 0);
        check(&s);
}

static void forgetting_or_selecting_takes_the_right_away(void **state)
{
        (void)state;
        _cleanup_setting_ struct setting s = piv_counted();
        int tries;
        card_forget(&s.card);
        assert_int_equal(piv_profile.verify(&s.card, pin, sizeof pin, &tries), -EPERM);
        struct pin_counter counter;
        says(&s, SELECT, TEMPLATE "9000");
        says(&s, COUNTER, "63C1");
        assert_int_equal(piv_profile.counter(&s.card, PIN_COPY_IAS, &counter), 0);
        assert_int_equal(piv_profile.clear(&s.card), 0);
        assert_int_equal(piv_profile.verify(&s.card, pin, sizeof pin, &tries), -EPERM);
        check(&s);
}

static int on_pinpad(
        void *ctx, const struct apdu_pinpad *how, uint8_t *rsp, size_t cap, size_t *len)
{
        const uint8_t *word = ctx;
        (void)cap;
        assert_int_equal(how->ins, 0x20);
        assert_int_equal(how->p2, 0x80);
        assert_int_equal(how->block_len, 8);
        assert_int_equal(how->pad, 0xFF);
        assert_int_equal(how->min, 6);
        assert_int_equal(how->max, 8);
        memcpy(rsp, word, 2);
        *len = 2;
        return 0;
}

static void a_reader_with_keys_makes_the_same_verify(void **state)
{
        (void)state;
        static const struct {
                uint8_t word[2];
                int r, tries;
        } cases[] = {
                { { 0x90, 0x00 }, 0, -1 },
                { { 0x63, 0xC2 }, OUTCOME_WRONG_PIN, 2 },
                { { 0x69, 0x83 }, OUTCOME_PIN_BLOCKED, 0 },
                { { 0x64, 0x00 }, OUTCOME_TIMED_OUT, -1 },
                { { 0x64, 0x01 }, OUTCOME_REFUSED, -1 },
        };
        for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
                _cleanup_setting_ struct setting s = piv_counted();
                uint8_t word[2] = { cases[i].word[0], cases[i].word[1] };
                struct apdu_link link = *s.card.link;
                int tries;
                link.ctx = word;
                link.pinpad = on_pinpad;
                s.card.link = &link;
                assert_int_equal(piv_profile.verify(&s.card, NULL, 0, &tries), cases[i].r);
                assert_int_equal(tries, cases[i].tries);
                assert_int_equal(piv_profile.verify(&s.card, NULL, 0, &tries), -EPERM);
                check(&s);
        }
}

static int sign(struct setting *s, enum sign_method method, uint8_t *sig, size_t *ret_len)
{
        size_t len = method == SIGN_PIV_P384 ? 48 : 32;
        return piv_profile.sign(
                &s->card, PIV_KEY_SIGN, method, hash, len, sig, CARD_SIG_MAX, ret_len);
}

static void curves_sign_the_bare_digest_in_one_exchange(void **state)
{
        (void)state;
        _cleanup_setting_ struct setting s = piv_verified(), t = piv_verified();
        uint8_t sig[CARD_SIG_MAX];
        size_t len = 0;
        says(&s, "0087119C26 7C24 8200 8120 " HASH_HEX "00", "7C0A 8208 3006020101020102 9000");
        assert_int_equal(sign(&s, SIGN_PIV_P256, sig, &len), 0);
        assert_int_equal(len, 8);
        assert_memory_equal(sig, "\x30\x06\x02\x01\x01\x02\x01\x02", 8);
        check(&s);
        says(&t, "0087149C36 7C34 8200 8130 " HASH48_HEX "00", "7C0A 8208 3006020101020102 9000");
        assert_int_equal(sign(&t, SIGN_PIV_P384, sig, &len), 0);
        check(&t);
}

/* Appendix A of part 2: the first block is 255 bytes under CLA 10, the rest follows with Le. */
static void rsa_signs_a_padded_block_in_a_chain(void **state)
{
        (void)state;
        _cleanup_setting_ struct setting s = piv_verified();
        char data[2 * 266 + 1], first[600], second[64], answer[600], last[64];
        uint8_t sig[CARD_SIG_MAX];
        size_t len = 0;
        strcpy(data, "7C8201068200818201000001");
        while (strlen(data) < 2 * (266 - 52))
                strcat(data, "FF");
        strcat(data, "00"
                     "3031300D060960864801650304020105000420" HASH_HEX);
        assert_int_equal(strlen(data), 2 * 266);
        snprintf(first, sizeof first, "1087079CFF%.510s", data);
        snprintf(second, sizeof second, "0087079C0B%s00", data + 510);
        strcpy(answer, "7C82010482820100");
        memset(answer + 16, '5', 512 - 16);
        strcpy(answer + 512, "6108");
        strcpy(last, "5555555555555556 9000");
        says(&s, first, "9000");
        says(&s, second, answer);
        says(&s, "00C0000008", last);
        assert_int_equal(sign(&s, SIGN_PIV_RSA2048, sig, &len), 0);
        assert_int_equal(len, 256);
        assert_int_equal(sig[0], 0x55);
        assert_int_equal(sig[255], 0x56);
        check(&s);
}

static void what_is_no_signature_is_not_handed_out(void **state)
{
        (void)state;
        static const struct {
                const char *answer;
                int r;
        } cases[] = {
                { "6982", OUTCOME_NO_STANDARD_SIGNATURE },
                { "6A80", OUTCOME_NO_STANDARD_SIGNATURE },
                { "6A86", OUTCOME_NO_STANDARD_SIGNATURE },
                { "9000", OUTCOME_NO_STANDARD_SIGNATURE },
                { "7C02 8200 9000", OUTCOME_NO_STANDARD_SIGNATURE },
                { "7C03 8201 30 9000", OUTCOME_NO_STANDARD_SIGNATURE },
                { "7C0A 8108 3006020101020102 9000", OUTCOME_NO_STANDARD_SIGNATURE },
                { "7C0B 8208 3006020101020102 9000", OUTCOME_NO_STANDARD_SIGNATURE },
                { "7C0A 8208 3006020101020102 00 9000", OUTCOME_NO_STANDARD_SIGNATURE },
                { "!17", OUTCOME_CARD_REMOVED },
        };
        for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
                _cleanup_setting_ struct setting s = piv_verified();
                uint8_t sig[CARD_SIG_MAX];
                size_t len = 0;
                says(&s, "0087119C26 7C24 8200 8120 " HASH_HEX "00", cases[i].answer);
                assert_int_equal(sign(&s, SIGN_PIV_P256, sig, &len), cases[i].r);
                assert_int_equal(len, 0);
                assert_int_equal(sign(&s, SIGN_PIV_P256, sig, &len), -EPERM);
                check(&s);
        }
}

static void no_other_key_or_method_is_ever_used(void **state)
{
        (void)state;
        _cleanup_setting_ struct setting s = piv_verified();
        uint8_t sig[CARD_SIG_MAX];
        size_t len;
        for (int ref = 0; ref < 256; ref++) {
                if (ref == PIV_KEY_SIGN)
                        continue;
                assert_int_equal(piv_profile.sign(&s.card, (uint8_t)ref, SIGN_PIV_P256, hash, 32,
                                         sig, sizeof sig, &len),
                        -EINVAL);
                assert_int_equal(
                        piv_profile.select_method(&s.card, (uint8_t)ref, SIGN_PIV_P256), -EINVAL);
        }
        for (int method = SIGN_RSA_SHA256_CARD; method <= SIGN_METHOD_COUNT; method++) {
                bool ours = method >= SIGN_PIV_RSA2048 && method <= SIGN_PIV_P384;
                assert_int_equal(
                        piv_profile.select_method(&s.card, PIV_KEY_SIGN, (enum sign_method)method),
                        ours ? 0 : -EINVAL);
        }
        assert_int_equal(piv_profile.sign(&s.card, PIV_KEY_SIGN, SIGN_PIV_P256, hash, 48, sig,
                                 sizeof sig, &len),
                -EINVAL);
        check(&s);
}

static void a_note_carries_the_identification(void **state)
{
        (void)state;
        _cleanup_setting_ struct setting s = piv(), next = setting_new(no_hint);
        uint8_t note[CARD_NOTE_MAX];
        struct pin_counter counter;
        size_t len = card_note(&s.card, note);
        assert_true(len > 0 && len <= CARD_NOTE_MAX);
        assert_int_equal(card_resume(&next.card, note, len), 0);
        assert_ptr_equal(next.card.profile, &piv_profile);
        says(&next, SELECT, TEMPLATE "9000");
        says(&next, COUNTER, "63C3");
        assert_int_equal(piv_profile.counter(&next.card, PIN_COPY_IAS, &counter), 0);
        check(&next);
        note[1] = 2;
        assert_int_equal(card_resume(&next.card, note, len), OUTCOME_CARD_NOT_SUPPORTED);
        note[0] = CARD_UNKNOWN;
        assert_int_equal(card_resume(&next.card, note, len), OUTCOME_CARD_NOT_SUPPORTED);
}

static int prepare(void **state)
{
        (void)state;
        for (size_t i = 0; i < sizeof hash; i++)
                hash[i] = (uint8_t)i;
        return 0;
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(a_likely_card_is_asked_first_and_another_one_last),
                cmocka_unit_test(
                        a_card_that_can_only_be_looked_at_is_left_to_the_profile_that_can_more),
                cmocka_unit_test(what_select_answers_must_be_the_template),
                cmocka_unit_test(the_discovery_object_decides_whose_pin_it_is),
                cmocka_unit_test(certificates_come_as_containers),
                cmocka_unit_test(long_containers_are_fetched_in_pieces),
                cmocka_unit_test(a_container_is_read_strictly),
                cmocka_unit_test(the_counter_is_read_without_a_try),
                cmocka_unit_test(every_answer_to_verify_has_one_meaning_and_ends_the_right_to_ask),
                cmocka_unit_test(only_six_to_eight_digits_are_a_pin),
                cmocka_unit_test(forgetting_or_selecting_takes_the_right_away),
                cmocka_unit_test(a_reader_with_keys_makes_the_same_verify),
                cmocka_unit_test(curves_sign_the_bare_digest_in_one_exchange),
                cmocka_unit_test(rsa_signs_a_padded_block_in_a_chain),
                cmocka_unit_test(what_is_no_signature_is_not_handed_out),
                cmocka_unit_test(no_other_key_or_method_is_ever_used),
                cmocka_unit_test(a_note_carries_the_identification),
        };
        return cmocka_run_group_tests(tests, prepare, NULL);
}

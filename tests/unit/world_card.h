/* SPDX-License-Identifier: Apache-2.0 */
/* world_card.h: the card of request_world.h, with the rules it stops a test by. */
#ifndef MOHR_TESTS_WORLD_CARD_H
#define MOHR_TESTS_WORLD_CARD_H

#include "daemon/keys.h"
#include "tests/unit/world_state.h"

/* A process that dies lets the card be reset. */
static void process_ends(void)
{
        world.open = world.identified = world.confirmed = world.counted = world.armed =
                world.verified = world.stored = false;
        world.event_at_begin = CARD_IS_NEW;
}

/* A PIV card has it in a container: 70 and its length, 71 01 00, FE 00. */
static void put_file(struct out *out, X509 *cert)
{
        unsigned char *der = NULL;
        int len = i2d_X509(cert, &der);
        bool piv = world.identity.family == CARD_PIV;
        assert_true(len > 0xFF && len < 0xFFFF);
        out_u16(out, (uint16_t)(len + (piv ? 9 : 0)));
        out_bytes(out, "\x70\x82", piv ? 2 : 0);
        if (piv)
                out_u16(out, (uint16_t)len);
        out_bytes(out, der, (size_t)len);
        out_bytes(out, "\x71\x01\x00\xFE\x00", piv ? 5 : 0);
        OPENSSL_free(der);
}

static int card_read(uint8_t object, struct out *out)
{
        static const uint8_t dates[] = { 0xB2, 18, 0xFE, 0xFF, 0, '2', 0, '0', 0, '1', 0, '6', 0,
                '0', 0, '8', 0, '0', 0, '7', 0xB3, 18, 0xFE, 0xFF, 0, '1', 0, '4', 0, '0', 0, '2',
                0, '0', 0, '5', 0, '1', 0, '6' };
        assert_true(world.identified);
        if (object == OBJECT_DATES) {
                out_bytes16(out, dates, sizeof dates);
                return 0;
        }
        if (world.examining && object >= FILES) {
                out_bytes16(out, dates, 8);
                return 0;
        }
        assert_true(object < FILES);
        X509 *file = world.here ? world.here->files[object] : world.files[object];
        if (world.files_locked)
                return OUTCOME_NEEDS_ISSUER_KEYS;
        if (!file)
                return OUTCOME_CARD_NOT_SUPPORTED;
        put_file(out, file);
        return 0;
}

static void put_key(struct out *out)
{
        struct card_probe probe = { .label = "IAS Classic test", .key_count = 1 };
        BIGNUM *n = NULL;
        assert_int_equal(EVP_PKEY_get_bn_param(world.pki->leaf_key, "n", &n), 1);
        probe.keys[0].ref = 0x07;
        probe.keys[0].modulus_len = (uint16_t)BN_bn2bin(n, probe.keys[0].modulus);
        probe.keys[0].exponent_len = 3;
        memcpy(probe.keys[0].exponent, "\x01\x00\x01", 3);
        BN_free(n);
        if (!world.key_shown)
                probe.key_count = 0;
        probe.tries_known = world.second_count >= 0;
        probe.tries = (uint8_t)(probe.tries_known ? world.second_count : 0);
        op_put_probe(out, &probe);
}

static int card_verify(struct out *out)
{
        assert_true(world.armed);
        world.armed = world.counted = false;
        out_u8(out, (uint8_t)(int8_t)world.tries);
        if (world.fail_with == OUTCOME_WRONG_PIN && world.fail_at == NEVER) {
                world.tries--;
                out->len = 0;
                out_u8(out, (uint8_t)(int8_t)world.tries);
                return OUTCOME_WRONG_PIN;
        }
        world.verified = true;
        return 0;
}

static int card_count(enum pin_copy copy, struct out *out)
{
        struct pin_counter counter = {
                .known = world.counter_known, .tries = world.tries, .sw = 0x63C3
        };
        assert_true(world.confirmed);
        assert_true(copy == PIN_COPY_IAS || (world.examining && copy < PIN_COPY_COUNT));
        world.counted |= copy == PIN_COPY_IAS;
        op_put_counter(out, &counter);
        return 0;
}

static int card_transcript(bool on, struct out *out)
{
        assert_true(world.examining && !world.open);
        if (!on)
                out_bytes16(out, "@ begin\n00 9000\n", 16);
        return 0;
}

/* A phone is told outside of transactions, and each telling is good for one PIN. */
static int card_announce(const uint8_t *payload, size_t len)
{
        assert_true(world.linked && !world.open && !world.announced);
        memcpy(world.announcement, payload, len);
        world.announcement_len = len;
        world.announced = true;
        return 0;
}

static void use_announcement(void)
{
        assert_int_equal(world.announced, world.linked);
        world.announced = false;
}

/* The reader asks the person itself; its own words are about the person, not about the card. */
static int card_pinpad(struct in *args, struct out *out)
{
        world.patience_s = in_u8(args);
        assert_int_equal(in_done(args), 0);
        assert_true(world.confirmed && world.counted && world.config.pinpad);
        assert_true(world.pinpad & PINPAD_VERIFY);
        assert_int_equal(world.pins, 0);
        use_announcement();
        world.counted = false;
        world.typed++;
        world.verified = world.pinpad_outcome == 0;
        if (world.pinpad_outcome == OUTCOME_WRONG_PIN)
                world.tries--;
        bool told = world.pinpad_sw == 0x9000 || world.pinpad_outcome == OUTCOME_WRONG_PIN;
        out_u8(out, (uint8_t)(int8_t)(told ? world.tries : -1));
        return world.pinpad_outcome;
}

static bool is_digits(const uint8_t *payload, size_t len, const char *digits)
{
        return len == strlen(digits) && memcmp(payload, digits, len) == 0;
}

static int card_store(const uint8_t *payload, size_t len)
{
        assert_true(world.confirmed && world.counted);
        assert_true(is_digits(payload, len, NEW));
        assert_int_equal(world.news++, 0);
        world.stored = true;
        return 0;
}

static int card_renew(uint8_t op, const uint8_t *payload, size_t len, struct out *out)
{
        assert_true(world.stored && world.proof && is_digits(payload, len, world.proof));
        assert_int_equal(op == OP_CHANGE_PIN, strcmp(world.method, "ChangePin") == 0);
        assert_int_equal(world.renewals++, 0);
        world.stored = world.counted = false;
        world.verified = world.renew_outcome == 0;
        out_u8(out, (uint8_t)(int8_t)(world.renew_outcome == OUTCOME_WRONG_PIN ? 2 : -1));
        return world.renew_outcome;
}

static int card_sign(struct in *args, struct out *out)
{
        uint8_t key = in_u8(args), method = in_u8(args);
        struct view hash = in_bytes16(args, 64);
        uint8_t sig[512];
        size_t len = sizeof sig;
        assert_int_equal(in_done(args), 0);
        assert_int_equal(hash.len, 32);
        assert_true(world.verified);
        if (world.sm_at_sign)
                return OUTCOME_NEEDS_ISSUER_KEYS;
        EVP_PKEY *signer = key == (world.key_shown ? 0x07 : GOOD_KEY) ? world.pki->leaf_key
                                                                      : world.pki->other_key;
        EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new(signer, NULL);
        assert_int_equal(EVP_PKEY_sign_init(ctx), 1);
        if ((int)method == world.good_method)
                assert_int_equal(EVP_PKEY_CTX_set_signature_md(ctx, EVP_sha256()), 1);
        assert_int_equal(EVP_PKEY_sign(ctx, sig, &len, hash.data, hash.len), 1);
        EVP_PKEY_CTX_free(ctx);
        out_bytes16(out, sig, len);
        return 0;
}

static int card_begin(struct out *out)
{
        struct driver_card card = {
                .protocol = APDU_T1,
                .atr = { 0x3B, 0 },
                .atr_len = 2,
                .event = world.event_at_begin,
                .insertion = world.insertion,
                .pinpad = world.pinpad,
        };
        assert_false(world.open);
        if (card.event != CARD_SAME)
                world.identified = world.confirmed = false;
        world.event_at_begin = CARD_SAME;
        world.open = true;
        world.events += world.moves_at_begin ? 1 : 0;
        op_put_card(out, &card);
        return 0;
}

static int card_end(uint8_t how)
{
        world.open = world.counted = world.armed = world.stored = false;
        if (how == DRIVER_RESET) {
                world.resets++;
                world.verified = false;
                world.event_at_begin = CARD_WAS_RESET;
        } else {
                assert_false(world.verified);
                world.leaves++;
        }
        return 0;
}

static int card_does(uint8_t op, const uint8_t *payload, size_t len, struct out *out)
{
        struct in args = in_new(payload, len);
        assert_true(op == OP_BEGIN || op == OP_TRANSCRIPT || op == OP_ANNOUNCE || world.open);
        switch (op) {
        case OP_BEGIN: return card_begin(out);
        case OP_IDENTIFY:
                assert_false(world.identified);
                world.identified = true;
                op_put_identity(out, world.here ? &world.here->identity : &world.identity);
                return 0;
        case OP_READ: return card_read(in_u8(&args), out);
        case OP_RESUME:
                assert_false(world.identified);
                assert_int_equal(in_u32(&args), world.insertion);
                if (world.forgets)
                        return OUTCOME_CARD_NOT_SUPPORTED;
                assert_int_equal(in_bytes16(&args, 8).len, 4);
                world.identified = true;
                return 0;
        case OP_CONFIRM:
                assert_true(world.identified);
                assert_int_equal(
                        in_u8(&args), keys_raw_signature(&world.config, world.identity.family));
                assert_int_equal(in_done(&args), 0);
                world.confirmed = true;
                out_bytes16(out, "note", 4);
                return 0;
        case OP_COUNTER: return card_count(in_u8(&args), out);
        case OP_FOREIGN:
                assert_true(world.examining);
                out_text16(out, "some bank's card");
                return 0;
        case OP_ANNOUNCE: return card_announce(payload, len);
        case OP_TRANSCRIPT: return card_transcript(in_u8(&args), out);
        case OP_PROBE:
                assert_true(world.confirmed);
                put_key(out);
                return 0;
        case OP_METHOD: {
                assert_true(world.confirmed);
                uint8_t key = in_u8(&args), method = in_u8(&args);
                assert_true(key > 0);
                if (world.sm_needed)
                        return OUTCOME_NEEDS_ISSUER_KEYS;
                return world.accepts & (1U << method) ? 0 : OUTCOME_NO_STANDARD_SIGNATURE;
        }
        case OP_PIN:
                assert_true(world.confirmed && world.counted);
                assert_int_equal(world.pins, 0);
                assert_int_equal(len, strlen(PIN));
                assert_memory_equal(payload, PIN, strlen(PIN));
                use_announcement();
                world.pins++;
                world.armed = true;
                return 0;
        case OP_NEW_PIN: return card_store(payload, len);
        case OP_CHANGE_PIN:
        case OP_UNBLOCK_PIN: return card_renew(op, payload, len, out);
        case OP_VERIFY: return card_verify(out);
        case OP_PINPAD: return card_pinpad(&args, out);
        case OP_SIGN: return card_sign(&args, out);
        case OP_CLEAR: world.verified = false; return 0;
        case OP_END: return card_end(in_u8(&args));
        default: fail(); return 0;
        }
}

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_nid_card.c: a whole card session in which the fuzzer plays the card and the caller.
 *
 * The input is a stream: protocol, ATR, then steps of the caller; whenever the profile sends a
 * command, the stream says what the card answers. A watcher stands between and aborts on a breach of
 * card-facts 7.2: an instruction outside the read-only set and the PIN family, a PIN family command on
 * a card that is not supported, a VERIFY with data that no counter preceded on this selection, a
 * second VERIFY for one entry, an empty VERIFY outside IAS, PIN digits anywhere else.
 */
#include "apdu/nid.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define STEPS_MAX 24
#define EXCHANGES_MAX                                                                              \
        700 /* of one step: a file of CARD_FILE_MAX in blocks, each with its detours */
#define PIN "7394"

static void check(bool holds)
{
        if (!holds)
                abort();
}

struct world {
        struct in in;
        struct card card;
        bool pin_family; /* the card was identified as supported */
        bool ias;        /* IAS was the last application that a SELECT named */
        bool may_verify; /* the last empty VERIFY showed tries, nothing was selected since */
        unsigned int verifies;
        unsigned int exchanges;
};

static bool contains(const uint8_t *data, size_t len, const char *what, size_t what_len)
{
        for (size_t i = 0; i + what_len <= len; i++)
                if (memcmp(data + i, what, what_len) == 0)
                        return true;
        return false;
}

static void watch_select(struct world *world, const uint8_t *cmd, size_t len)
{
        static const uint8_t ias[] = { 0xA0, 0, 0, 0, 0x18 };
        if (cmd[2] != 0x04)
                return;
        world->ias = len == 17 && memcmp(cmd + 5, ias, sizeof ias) == 0 && cmd[13] == 0x01;
        world->may_verify = false;
}

static void watch_verify(struct world *world, const uint8_t *cmd, size_t len)
{
        check(world->ias && cmd[0] == 0x00 && cmd[2] == 0x00 && cmd[3] == 0x81);
        if (len <= 5) {
                world->may_verify = false;
                return;
        }
        check(world->may_verify && len == 21 && cmd[4] == 16);
        check(memcmp(cmd + 5, PIN "\0\0\0\0\0\0\0\0\0\0\0\0", 16) == 0);
        world->may_verify = false;
        world->verifies++;
}

static void watch(struct world *world, const uint8_t *cmd, size_t len)
{
        static const uint8_t free_of_effects[] = { 0xA4, 0xB0, 0xCA, 0xC0 };
        static const uint8_t pin_family[] = { 0x20, 0x22, 0x2A, 0xCB };
        check(len >= 4 && ++world->exchanges <= EXCHANGES_MAX);
        bool harmless = memchr(free_of_effects, cmd[1], sizeof free_of_effects) != NULL;
        check(harmless || (world->pin_family && memchr(pin_family, cmd[1], sizeof pin_family)));
        check(cmd[0] == 0x00 || (cmd[0] == 0x80 && (cmd[1] == 0xCA || cmd[1] == 0xC0)));
        check(cmd[1] == 0x20 || !contains(cmd, len, PIN, 4));
        if (cmd[1] == 0xA4)
                watch_select(world, cmd, len);
        if (cmd[1] == 0x20)
                watch_verify(world, cmd, len);
}

/* What the card says is a choice of shapes, so that deep states are found in reasonable time. */
static size_t answer(struct world *world, const uint8_t *cmd, size_t cmd_len, uint8_t *rsp)
{
        static const uint16_t words[] = { 0x9000, 0x6A82, 0x63C3, 0x6982, 0x6B00, 0x6D00, 0x6282,
                0x6983, 0x6A88, 0x63C0, 0x6988, 0x6A80, 0x6985, 0x6700, 0x63C1, 0x6F00 };
        uint8_t choice = in_u8(&world->in);
        struct out out = out_new(rsp, APDU_RSP_MAX);
        size_t le = cmd_len == 5 && cmd[1] != 0x20 ? (cmd[4] ? cmd[4] : 256) : 0;
        uint16_t sw = words[choice & 15];
        struct view raw = { 0 };
        switch (choice >> 5) {
        case 0: break; /* a word alone */
        case 1: raw = in_bytes(&world->in, base_min(le, in_left(&world->in))); break;
        case 2: raw = in_bytes(&world->in, base_min(in_u8(&world->in), in_left(&world->in))); break;
        case 3: sw = in_u16(&world->in); break;
        case 4: sw = (uint16_t)(0x6100 | in_u8(&world->in)); break;
        case 5: sw = (uint16_t)(0x6C00 | in_u8(&world->in)); break;
        case 6: /* a certificate's start, or as many zeros as asked */
                out_bytes(&out, "\x30\x82\x05\x56", base_min(le, 4));
                while (out.len < le)
                        out_u8(&out, 0);
                break;
        default: /* anything at all */
                raw = in_bytes(&world->in, base_min(in_u16(&world->in), in_left(&world->in)));
                out_bytes(&out, raw.data, base_min(raw.len, APDU_RSP_MAX));
                return out.len;
        }
        out_bytes(&out, raw.data, raw.len);
        out_u16(&out, sw);
        return out.len;
}

static int transmit(
        void *ctx, const uint8_t *cmd, size_t cmd_len, uint8_t *rsp, size_t cap, size_t *ret_len)
{
        struct world *world = ctx;
        watch(world, cmd, cmd_len);
        check(cap >= APDU_RSP_MAX);
        if (in_left(&world->in) == 0)
                return OUTCOME_CARD_REMOVED;
        *ret_len = answer(world, cmd, cmd_len, rsp);
        bool empty_verify = cmd[1] == 0x20 && cmd_len <= 5;
        if (empty_verify && *ret_len == 2 && rsp[0] == 0x63 && (rsp[1] & 0xF0) == 0xC0 &&
                (rsp[1] & 15) > 0)
                world->may_verify = true;
        /* Tries told in an answer fetched with GET RESPONSE count as well. */
        if (cmd[1] == 0xC0 && world->ias && *ret_len >= 2 && rsp[*ret_len - 2] == 0x63)
                world->may_verify = true;
        return 0;
}

static void check_result(int r)
{
        check(r == 0 || (r >= 10 && r <= 28) || r == -EPERM || r == -EINVAL || r == -ENOSPC);
}

static void check_counter(int r, const struct pin_counter *counter)
{
        check_result(r);
        if (r == 0 && counter->known)
                check(counter->tries >= 0 && counter->tries <= 15);
}

static void check_probe(int r, const struct card_probe *probe)
{
        check_result(r);
        if (r != 0)
                return;
        check(probe->key_count <= CARD_KEYS_MAX &&
                strnlen(probe->label, CARD_LABEL_MAX) < CARD_LABEL_MAX);
        for (unsigned int i = 0; i < probe->key_count; i++)
                check(probe->keys[i].modulus_len > 0 && probe->keys[i].modulus_len <= 512 &&
                        probe->keys[i].exponent_len <= 8);
}

static void verify_once(struct world *world)
{
        unsigned int before = world->verifies;
        int tries = 99;
        int r = nid_profile.verify(&world->card, (const uint8_t *)PIN, 4, &tries);
        check_result(r);
        check(world->verifies - before <= 1 && tries >= -1 && tries <= 15);
        check(nid_profile.verify(&world->card, (const uint8_t *)PIN, 4, &tries) != 0);
        check(world->verifies - before <= 1);
}

static void step(struct world *world)
{
        static uint8_t file[CARD_FILE_MAX];
        uint8_t sig[CARD_SIG_MAX], hash[32] = { 0 }, what = in_u8(&world->in);
        struct pin_counter counter;
        struct card_probe probe;
        struct card_identity identity = { 0 };
        size_t len = 0;
        int r;
        world->exchanges = 0;
        switch (what & 7) {
        case 0:
                r = nid_profile.read(&world->card, what >> 3, file, sizeof file, &len);
                check_result(r);
                check(r != 0 || (len > 0 && len <= sizeof file));
                break;
        case 1:
                r = nid_profile.counter(&world->card, what >> 3 & 3, &counter);
                check_counter(r, &counter);
                break;
        case 2:
                r = nid_profile.probe(&world->card, &probe);
                check_probe(r, &probe);
                break;
        case 3: check_result(nid_profile.select_method(&world->card, 3, what >> 3 & 3)); break;
        case 4: verify_once(world); break;
        case 5:
                r = nid_profile.sign(
                        &world->card, 3, what >> 3 & 3, hash, sizeof hash, sig, sizeof sig, &len);
                check_result(r);
                check(r != 0 || (len >= 64 && len <= CARD_SIG_MAX));
                break;
        case 6: check_result(nid_profile.clear(&world->card)); break;
        default:
                if (what & 8) {
                        card_forget(&world->card);
                        break;
                }
                world->pin_family = false;
                r = card_identify(&world->card, &identity);
                check_result(r);
                world->pin_family = r == 0 && identity.supported;
        }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        static const char *const atrs[] = { "3B8F800180318065B0850202ED120FFF82900072",
                "3BFF9600008131FE4380318065B085040011120FFF829000E0",
                "3BDB97008131FE85801349524E7396715B91302F", "3B781800000073C84013009000",
                "3B8F800180318065B0850500EF120FFF82900075", "3B00" };
        struct world world = { .in = in_new(data, size) };
        struct apdu_link link = { .transmit = transmit, .ctx = &world };
        struct card_identity identity = { 0 };
        uint8_t atr[CARD_ATR_MAX], choice = in_u8(&world.in);
        link.protocol = choice & 1;
        ssize_t len = hex_decode(atr, sizeof atr, atrs[(choice >> 1) % ARRAY_LEN(atrs)]);
        check(len > 0);
        card_init(&world.card, &link, atr, (size_t)len);
        int r = card_identify(&world.card, &identity);
        check_result(r);
        world.pin_family = r == 0 && identity.supported;
        for (int i = 0; i < STEPS_MAX && in_left(&world.in) > 0; i++)
                step(&world);
        return 0;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_nid_card.c: a national card's whole session (card_world.h); the setting is protocol and ATR.
 *
 * The watcher aborts on a breach of card-facts 7.2: an instruction outside the read-only set and the PIN
 * family, a PIN family command on a card that is not supported, a VERIFY with data that no counter preceded
 * on this selection, a second VERIFY for one entry, an empty VERIFY outside IAS, PIN digits anywhere else.
 */
#include "apdu/nid.h"
#include "tests/fuzz/card_world.h"

#define PIN       "7394"
#define PIN_BLOCK PIN "\0\0\0\0\0\0\0\0\0\0\0\0"

static void watch_select(struct world *world, const uint8_t *cmd, size_t len)
{
        static const uint8_t ias[] = { 0xA0, 0, 0, 0, 0x18 };
        if (cmd[2] != 0x04)
                return;
        world->here = len == 17 && memcmp(cmd + 5, ias, sizeof ias) == 0 && cmd[13] == 0x01;
        world->may_verify = false;
}

static void watch(struct world *world, const uint8_t *cmd, size_t len)
{
        static const uint8_t free_of_effects[] = { 0xA4, 0xB0, 0xCA, 0xC0 };
        static const uint8_t pin_family[] = { 0x20, 0x22, 0x2A, 0xCB };
        bool harmless = memchr(free_of_effects, cmd[1], sizeof free_of_effects) != NULL;
        check(harmless || (world->usable && memchr(pin_family, cmd[1], sizeof pin_family)));
        check(cmd[0] == 0x00 || (cmd[0] == 0x80 && (cmd[1] == 0xCA || cmd[1] == 0xC0)));
        if (cmd[1] == 0xA4)
                watch_select(world, cmd, len);
        if (cmd[1] == 0x20)
                watch_verify(
                        world, cmd, len, 0x81, (struct view){ (const uint8_t *)PIN_BLOCK, 16 });
}

/* As many bytes as asked; or a certificate's start, then zeros. */
static bool shape(struct world *world, uint8_t choice, size_t le, struct out *out)
{
        if (choice >> 5 == 1) {
                struct view raw = in_bytes(&world->in, base_min(le, in_left(&world->in)));
                out_bytes(out, raw.data, raw.len);
                return true;
        }
        out_bytes(out, "\x30\x82\x05\x56", base_min(le, 4));
        while (out->len < le)
                out_u8(out, 0);
        return true;
}

static void probe_once(struct world *world)
{
        struct card_probe probe = { 0 };
        int r = nid_profile.probe(&world->card, &probe);
        check_result(r);
        if (r != 0)
                return;
        check(probe.key_count <= CARD_KEYS_MAX &&
                strnlen(probe.label, CARD_LABEL_MAX) < CARD_LABEL_MAX);
        for (unsigned int i = 0; i < probe.key_count; i++)
                check(probe.keys[i].modulus_len > 0 && probe.keys[i].modulus_len <= 512 &&
                        probe.keys[i].exponent_len <= 8);
}

static void sign_once(struct world *world, enum sign_method method)
{
        static const uint8_t hash[32];
        uint8_t sig[CARD_SIG_MAX];
        size_t len = 0;
        int r = nid_profile.sign(&world->card, 3, method, hash, sizeof hash, sig, sizeof sig, &len);
        check_result(r);
        check(r != 0 || (len >= 64 && len <= CARD_SIG_MAX));
}

static void step(struct world *world, uint8_t what)
{
        switch (what & 7) {
        case 0: read_once(world, what >> 3); break;
        case 1: count_once(world, what >> 3 & 3); break;
        case 2: probe_once(world); break;
        case 3: check_result(nid_profile.select_method(&world->card, 3, what >> 3 & 3)); break;
        case 4: verify_once(world); break;
        case 5: sign_once(world, what >> 3 & 3); break;
        case 6: check_result(nid_profile.clear(&world->card)); break;
        default:
                if (what & 8)
                        card_forget(&world->card);
                else
                        identify_once(world, card_identify);
        }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        static const char *const atrs[] = { "3B8F800180318065B0850202ED120FFF82900072",
                "3BFF9600008131FE4380318065B085040011120FFF829000E0",
                "3BDB97008131FE85801349524E7396715B91302F", "3B781800000073C84013009000",
                "3B8F800180318065B0850500EF120FFF82900075", "3B00" };
        static const struct world_rules rules = {
                .profile = &nid_profile,
                .pin = PIN,
                .words = { 0x9000, 0x6A82, 0x63C3, 0x6982, 0x6B00, 0x6D00, 0x6282, 0x6983, 0x6A88,
                        0x63C0, 0x6988, 0x6A80, 0x6985, 0x6700, 0x63C1, 0x6F00 },
                .exchanges_max = 700, /* a file of CARD_FILE_MAX in blocks, each with its detours */
                .watch = watch,
                .shape = shape,
                .step = step,
        };
        struct world world = { .in = in_new(data, size), .rules = &rules };
        struct apdu_link link = { .transmit = world_transmit, .ctx = &world };
        uint8_t atr[CARD_ATR_MAX], choice = in_u8(&world.in);
        link.protocol = choice & 1;
        ssize_t len = hex_decode(atr, sizeof atr, atrs[(choice >> 1) % ARRAY_LEN(atrs)]);
        check(len > 0);
        card_init(&world.card, &link, atr, (size_t)len);
        identify_once(&world, card_identify);
        world_go_on(&world);
        return 0;
}

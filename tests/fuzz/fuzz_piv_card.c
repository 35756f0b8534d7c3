/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_piv_card.c: a PIV card's whole session (card_world.h); the setting is the protocol.
 *
 * The watcher aborts on a command outside the small set, a PIN family command on a card that is not
 * supported, a VERIFY that no counter preceded on this selection or that is sent twice, another reference
 * than 80, another key than 9C and 9A, a second signature for one PIN, and PIN digits anywhere else.
 */
#include "apdu/piv.h"
#include "tests/fuzz/card_world.h"

#define PIN "739461"

static void watch(struct world *world, const uint8_t *cmd, size_t len)
{
        static const uint8_t known[] = { 0xA4, 0xCB, 0xC0, 0x20, 0x87 };
        check(memchr(known, cmd[1], sizeof known) != NULL);
        check(cmd[0] == 0x00 || (cmd[0] == 0x10 && cmd[1] == 0x87));
        if (cmd[1] == 0xA4)
                world->may_verify = false;
        if (cmd[1] == 0xCB)
                check(cmd[2] == 0x3F && cmd[3] == 0xFF);
        if (cmd[1] == 0x87)
                check(world->usable && (cmd[3] == 0x9C || cmd[3] == 0x9A));
        if (cmd[1] == 0x20)
                watch_verify(
                        world, cmd, len, 0x80, (struct view){ (const uint8_t *)PIN "\xFF\xFF", 8 });
}

/* What SELECT, the discovery object, a certificate's container and a signature look like. */
static bool shape(struct world *world, uint8_t choice, size_t le, struct out *out)
{
        static const struct view shapes[] = {
                { (const uint8_t *)"\x61\x11\x4F\x06\0\0\x10\0\x01\0\x79\x07\x4F\x05\xA0\0\0\x03"
                                   "\x08",
                        19 },
                { (const uint8_t *)"\x7E\x12\x4F\x0B\xA0\0\0\x03\x08\0\0\x10\0\x01\0\x5F\x2F\x02"
                                   "\x40\0",
                        20 },
                { (const uint8_t *)"\x53\x0A\x70\x03\x30\x01\x02\x71\x01\0\xFE\0", 12 },
                { (const uint8_t *)"\x7C\x0A\x82\x08\x30\x06\x02\x01\x01\x02\x01\x02", 12 },
        };
        (void)world, (void)le;
        if (choice >> 5 != 1)
                return false;
        out_bytes(out, shapes[choice >> 3 & 3].data, shapes[choice >> 3 & 3].len);
        return true;
}

static void sign_once(struct world *world, uint8_t what)
{
        static const uint8_t block[CARD_BLOCK_MAX] = { 1 };
        static const size_t lens[] = { 32, 32, 48, 256, 32, 48 };
        enum sign_method method = SIGN_PIV_RSA2048 + (what >> 3) % 6;
        uint8_t key = what & 0x80 ? PIV_KEY_AUTHENTICATION : PIV_KEY_SIGN;
        uint8_t sig[CARD_SIG_MAX];
        size_t len = 0;
        int r = piv_profile.sign(&world->card, key, method, block, lens[method - SIGN_PIV_RSA2048],
                sig, sizeof sig, &len);
        if (key == PIV_KEY_SIGN && method >= SIGN_PIV_RSA2048_RAW) {
                check(r == (world->usable ? -EINVAL : r) && len == 0);
                return;
        }
        check_result(r);
        check(r != 0 || (len >= 8 && len <= 256));
}

static void note_once(struct world *world)
{
        uint8_t note[CARD_NOTE_MAX];
        size_t len = piv_profile.note(&world->card, note);
        check(len <= sizeof note && (len > 0) == world->usable);
        card_forget(&world->card);
}

static void step(struct world *world, uint8_t what)
{
        switch (what & 7) {
        case 0: read_once(world, what >> 3); break;
        case 1: count_once(world, what >> 3 & 3); break;
        case 2:
        case 3: sign_once(world, what); break;
        case 4: verify_once(world); break;
        case 5: check_result(piv_profile.clear(&world->card)); break;
        case 6: note_once(world); break;
        default: identify_once(world, piv_profile.identify);
        }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        static const struct world_rules rules = {
                .profile = &piv_profile,
                .pin = PIN,
                .words = { 0x9000, 0x6A82, 0x63C3, 0x6982, 0x6983, 0x6700, 0x63C0, 0x6F00, 0x9000,
                        0x6A82, 0x63C3, 0x6982, 0x6983, 0x6700, 0x63C0, 0x6F00 },
                .exchanges_max = 200,
                .watch = watch,
                .shape = shape,
                .step = step,
        };
        struct world world = { .in = in_new(data, size), .rules = &rules, .here = true };
        struct apdu_link link = { .transmit = world_transmit, .ctx = &world };
        link.protocol = in_u8(&world.in) & 1;
        card_init(&world.card, &link, (const uint8_t *)"\x3B\x00", 2);
        identify_once(&world, piv_profile.identify);
        world_go_on(&world);
        return 0;
}

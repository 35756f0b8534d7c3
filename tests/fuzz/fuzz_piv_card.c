/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_piv_card.c: a PIV card's whole session in which the fuzzer plays the card and the caller.
 *
 * The input is a stream: a byte of setting, then steps of the caller; whenever the profile sends a command,
 * the stream says what the card answers. A watcher stands between and aborts on a command outside the
 * small set, a PIN family command on a card that is not supported, a VERIFY that no counter preceded on
 * this selection or that is sent twice, another reference than 80, another key than 9C, and PIN digits
 * anywhere else.
 */
#include "apdu/piv.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define STEPS_MAX     24
#define EXCHANGES_MAX 200
#define PIN           "739461"

static void check(bool holds)
{
        if (!holds)
                abort();
}

struct world {
        struct in in;
        struct card card;
        bool usable;     /* identified, and its PIN may be used */
        bool may_verify; /* the last empty VERIFY showed tries, nothing was selected since */
        unsigned int verifies, exchanges;
};

static bool contains(const uint8_t *data, size_t len, const char *what, size_t what_len)
{
        return memmem(data, len, what, what_len) != NULL;
}

static void watch_verify(struct world *world, const uint8_t *cmd, size_t len)
{
        check(world->usable && cmd[0] == 0x00 && cmd[2] == 0x00 && cmd[3] == 0x80);
        if (len <= 5) {
                world->may_verify = false;
                return;
        }
        check(world->may_verify && len == 13 && cmd[4] == 8);
        check(memcmp(cmd + 5, PIN "\xFF\xFF", 8) == 0);
        world->may_verify = false;
        world->verifies++;
}

static void watch(struct world *world, const uint8_t *cmd, size_t len)
{
        static const uint8_t known[] = { 0xA4, 0xCB, 0xC0, 0x20, 0x87 };
        check(len >= 4 && ++world->exchanges <= EXCHANGES_MAX);
        check(memchr(known, cmd[1], sizeof known) != NULL);
        check(cmd[0] == 0x00 || (cmd[0] == 0x10 && cmd[1] == 0x87));
        check(cmd[1] == 0x20 || !contains(cmd, len, PIN, strlen(PIN)));
        if (cmd[1] == 0xA4)
                world->may_verify = false;
        if (cmd[1] == 0xCB)
                check(cmd[2] == 0x3F && cmd[3] == 0xFF);
        if (cmd[1] == 0x87)
                check(world->usable && cmd[3] == 0x9C);
        if (cmd[1] == 0x20)
                watch_verify(world, cmd, len);
}

/* A choice of shapes, so that deep states are found in reasonable time. */
static size_t answer(struct world *world, uint8_t *rsp)
{
        static const uint16_t words[] = { 0x9000, 0x6A82, 0x63C3, 0x6982, 0x6983, 0x6700, 0x63C0,
                0x6F00 };
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
        uint8_t choice = in_u8(&world->in);
        struct out out = out_new(rsp, APDU_RSP_MAX);
        uint16_t sw = words[choice & 7];
        struct view raw = { 0 };
        switch (choice >> 5) {
        case 0: break;
        case 1: raw = shapes[choice >> 3 & 3]; break;
        case 2: raw = in_bytes(&world->in, base_min(in_u8(&world->in), in_left(&world->in))); break;
        case 3: sw = in_u16(&world->in); break;
        case 4: sw = (uint16_t)(0x6100 | in_u8(&world->in)); break;
        case 5: sw = (uint16_t)(0x6C00 | in_u8(&world->in)); break;
        default:
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
        *ret_len = answer(world, rsp);
        bool tries = *ret_len >= 2 && rsp[*ret_len - 2] == 0x63 &&
                     (rsp[*ret_len - 1] & 0xF0) == 0xC0 && (rsp[*ret_len - 1] & 15) > 0;
        if (tries && ((cmd[1] == 0x20 && cmd_len <= 5) || cmd[1] == 0xC0))
                world->may_verify = true;
        return 0;
}

static void check_result(int r)
{
        check(r == 0 || (r >= 10 && r <= 28) || r == -EPERM || r == -EINVAL || r == -ENOSPC);
}

static void verify_once(struct world *world)
{
        unsigned int before = world->verifies;
        int tries = 99;
        check_result(piv_profile.verify(&world->card, (const uint8_t *)PIN, strlen(PIN), &tries));
        check(world->verifies - before <= 1 && tries >= -1 && tries <= 15);
        check(piv_profile.verify(&world->card, (const uint8_t *)PIN, strlen(PIN), &tries) != 0);
        check(world->verifies - before <= 1);
}

static void sign_once(struct world *world, uint8_t what)
{
        static const uint8_t hash[48] = { 1 };
        enum sign_method method = SIGN_PIV_RSA2048 + (what >> 3) % 3;
        uint8_t sig[CARD_SIG_MAX];
        size_t len = 0;
        int r = piv_profile.sign(&world->card, PIV_KEY_SIGN, method, hash,
                method == SIGN_PIV_P384 ? 48 : 32, sig, sizeof sig, &len);
        check_result(r);
        check(r != 0 || (len >= 8 && len <= 256));
}

static void step(struct world *world)
{
        static uint8_t file[CARD_FILE_MAX];
        uint8_t what = in_u8(&world->in), note[CARD_NOTE_MAX];
        struct pin_counter counter = { 0 };
        struct card_identity identity = { 0 };
        size_t len = 0;
        int r;
        world->exchanges = 0;
        switch (what & 7) {
        case 0:
                r = piv_profile.read(&world->card, what >> 3, file, sizeof file, &len);
                check_result(r);
                check(r != 0 || (len > 0 && len < sizeof file));
                break;
        case 1:
                r = piv_profile.counter(&world->card, what >> 3 & 3, &counter);
                check_result(r);
                check(r != 0 || !counter.known || (counter.tries >= 0 && counter.tries <= 15));
                break;
        case 2:
        case 3: sign_once(world, what); break;
        case 4: verify_once(world); break;
        case 5: check_result(piv_profile.clear(&world->card)); break;
        case 6:
                len = piv_profile.note(&world->card, note);
                check(len <= sizeof note && (len > 0) == world->usable);
                card_forget(&world->card);
                break;
        default:
                world->usable = false;
                r = piv_profile.identify(&world->card, &identity);
                check_result(r);
                world->usable = r == 0 && identity.supported;
        }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        struct world world = { .in = in_new(data, size) };
        struct apdu_link link = { .transmit = transmit, .ctx = &world };
        struct card_identity identity = { 0 };
        link.protocol = in_u8(&world.in) & 1;
        card_init(&world.card, &link, (const uint8_t *)"\x3B\x00", 2);
        int r = piv_profile.identify(&world.card, &identity);
        check_result(r);
        world.usable = r == 0 && identity.supported;
        for (int i = 0; i < STEPS_MAX && in_left(&world.in) > 0; i++)
                step(&world);
        return 0;
}

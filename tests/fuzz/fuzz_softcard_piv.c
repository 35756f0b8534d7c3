/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_softcard_piv.c: any stream of commands at a PIV card.
 *
 * The first byte chooses one of a few cards, length-prefixed commands follow. Cards are made once and
 * powered on anew with fresh counters for each input. Whatever is said, an answer has a status word of
 * class 6 or 9 and fits, nothing is verified or signed with a key that wants a PIN unless a command
 * carried one, and nothing is verified after power-on.
 */
#include "drivers/softcard/softcard.h"
#include "tests/fuzz/require.h"

#include <stdio.h>

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

#define CARDS 4

static struct softcard *cards[CARDS];
static struct softcard_nv counters[CARDS];

static void forget_folder(const char *dir)
{
        char command[128];
        snprintf(command, sizeof command, "rm -rf %s", dir);
        require(system(command) == 0);
}

/* Each card's 9E wants a PIN, too, so that a signature tells something. */
int LLVMFuzzerInitialize(int *argc _unused_, char ***argv _unused_)
{
        static const char *const quirks[CARDS][5] = {
                { "profile=piv", "piv-9a=p256", "piv-9d=p256", NULL },
                { "profile=piv-t0", "piv-9a=p384", "piv-9d=p384", NULL },
                { "profile=piv", "piv-global=271828", "piv-format=counts", NULL },
                { "profile=piv", "piv-pin-always=until-use", "piv-chain-broken=forgets", NULL },
        };
        char dir[] = "/tmp/fuzz-softcard-piv.XXXXXX", pki[64];
        const char *bad;
        require(mkdtemp(dir) && softcard_make_pki(dir) == 0);
        snprintf(pki, sizeof pki, "pki=%s", dir);
        for (size_t i = 0; i < CARDS; i++) {
                const char *options[8] = { pki, "piv-9e-pin=once" };
                memcpy(options + 2, quirks[i], sizeof quirks[i]);
                require(softcard_new(&cards[i], options, &counters[i], &bad) == 0);
        }
        forget_folder(dir);
        return 0;
}

static void fresh(size_t which)
{
        struct softcard_nv *nv = &counters[which];
        nv->failures_piv = nv->failures_global = nv->failures_puk = 0;
        memset(nv->piv_pin, 0, sizeof nv->piv_pin);
        softcard_power_on(cards[which]);
        require(!softcard_pin_verified(cards[which]));
}

static void check(size_t which, const uint8_t *rsp, size_t len, struct softcard_stats before)
{
        const struct softcard_stats *now = softcard_stats(cards[which]);
        bool pin = now->verify_commands > before.verify_commands || now->renewals > before.renewals;
        require(len >= 2 && len <= 3586);
        require(rsp[len - 2] >> 4 == 6 || rsp[len - 2] >> 4 == 9);
        require(counters[which].failures_piv <= 3 && counters[which].failures_global <= 3);
        require(counters[which].failures_puk <= 3);
        require(pin || !softcard_pin_verified(cards[which]));
        require(pin || now->signatures == before.signatures);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
        if (len < 1)
                return 0;
        size_t which = data[0] % CARDS;
        struct in in = in_new(data + 1, len - 1);
        struct softcard_stats before = *softcard_stats(cards[which]);
        fresh(which);
        while (in_left(&in) > 0) {
                uint8_t rsp[4096];
                size_t rsp_len = 0;
                struct view cmd = in_bytes(&in, in_u8(&in));
                if (cmd.len == 0)
                        continue;
                require(softcard_transmit(
                                cards[which], cmd.data, cmd.len, rsp, sizeof rsp, &rsp_len) == 0);
                check(which, rsp, rsp_len, before);
        }
        return 0;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_softcard.c: any stream of commands at any card, and any text as a switch or a fault.
 *
 * The first byte chooses: a card (then length-prefixed commands follow), or the text parsers. Cards
 * are made once and powered on anew with fresh counters for each input. Whatever is said, an answer
 * has a status word of class 6 or 9, counters stay within their maximum, a PIN is verified only after
 * a command that carried one, and nothing is verified after power-on.
 */
#include "drivers/softcard/faults.h"
#include "drivers/softcard/options.h"
#include "tests/fuzz/require.h"

#include <stdio.h>

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

#define TEXT 6 /* first byte modulo 7: the rest is text */

static struct softcard *cards[TEXT];
static struct softcard_nv counters[TEXT];

static void forget_folder(const char *dir)
{
        char command[128];
        snprintf(command, sizeof command, "rm -rf %s", dir);
        require(system(command) == 0);
}

int LLVMFuzzerInitialize(int *argc _unused_, char ***argv _unused_)
{
        static const char *const quirks[TEXT] = { "third-file=auth",
                "alg-02-takes=bare-hash-padded", "verify-length=counts",
                "empty-verify-mpcos=counts", "pin-reference-01=present", "pin-max=5" };
        char dir[] = "/tmp/fuzz-softcard.XXXXXX", pki[64], profile[64];
        const char *bad;
        require(mkdtemp(dir) && softcard_make_pki(dir) == 0);
        snprintf(pki, sizeof pki, "pki=%s", dir);
        for (size_t i = 0; i < TEXT; i++) {
                snprintf(profile, sizeof profile, "profile=%s", softcard_profiles[i]);
                const char *options[] = { pki, profile, quirks[i], NULL };
                require(softcard_new(&cards[i], options, &counters[i], &bad) == 0);
        }
        forget_folder(dir);
        return 0;
}

static void fresh(size_t which)
{
        memset(counters[which].failures, 0, sizeof counters[which].failures);
        counters[which].failures_01 = 0;
        softcard_power_on(cards[which]);
        require(!softcard_pin_verified(cards[which]));
}

static void check_answer(const uint8_t *rsp, size_t len)
{
        require(len >= 2 && len <= 258);
        require(rsp[len - 2] >> 4 == 6 || rsp[len - 2] >> 4 == 9);
}

static void check_counters(const struct softcard_nv *nv)
{
        for (size_t i = 0; i < ARRAY_LEN(nv->failures); i++)
                require(nv->failures[i] <= 5);
        require(nv->failures_01 <= 5);
}

static void converse(size_t which, struct in in)
{
        unsigned int pins = softcard_stats(cards[which])->verify_commands;
        fresh(which);
        while (in_left(&in) > 0) {
                uint8_t rsp[600];
                size_t len = 0;
                struct view cmd = in_bytes(&in, in_u8(&in));
                if (cmd.len == 0)
                        continue;
                int r = softcard_transmit(cards[which], cmd.data, cmd.len, rsp, sizeof rsp, &len);
                require(r == 0);
                check_answer(rsp, len);
                check_counters(&counters[which]);
                if (softcard_pin_verified(cards[which]))
                        require(softcard_stats(cards[which])->verify_commands > pins);
        }
}

static void parse(const char *text, const uint8_t *data, size_t len)
{
        static struct setting settings[SWITCH_COUNT];
        struct faults faults = { 0 };
        uint8_t rsp[600] = { 0x30, 0x82, 0x01, 0x02, 0x90, 0x00 };
        (void)!setting_parse(settings, text);
        if (fault_parse(&faults, text) < 0)
                return;
        for (size_t i = 0; i < 4; i++) {
                const struct fault *fault = fault_due(&faults, data, len);
                size_t rsp_len = 6;
                if (fault && fault_is_of_answer(fault))
                        fault_spoil(fault, rsp, sizeof rsp, &rsp_len);
                require(rsp_len <= sizeof rsp);
        }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
        char text[200];
        if (len < 1)
                return 0;
        size_t which = data[0] % (TEXT + 1);
        if (which < TEXT) {
                converse(which, in_new(data + 1, len - 1));
                return 0;
        }
        size_t text_len = base_min(len - 1, sizeof text - 1);
        memcpy(text, data + 1, text_len);
        text[text_len] = '\0';
        parse(text, data + 1, len - 1);
        return 0;
}

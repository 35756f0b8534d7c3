/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_apdu.c: one command of the fuzzer's choice against answers of the fuzzer's choice.
 *
 * Input: flags, protocol, Lc (2), Le (3), room (2), then answers: length (2) and bytes each. Whatever
 * comes, the exchange ends, stays inside the buffer, returns a documented value, and a command
 * marked APDU_ONCE leaves the machine once.
 */
#include "apdu/apdu.h"
#include "base/outcome.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool holds)
{
        if (!holds)
                abort();
}

struct table {
        struct in in;
        unsigned int commands; /* transmits that are not GET RESPONSE and not a leading block */
};

static int transmit(
        void *ctx, const uint8_t *cmd, size_t cmd_len, uint8_t *rsp, size_t cap, size_t *ret_len)
{
        struct table *table = ctx;
        check(cmd_len >= 4 && cmd_len <= APDU_CMD_MAX);
        if (cmd[1] != 0xC0 && !(cmd[0] & 0x10))
                table->commands++;
        if (in_left(&table->in) < 2)
                return OUTCOME_CARD_REMOVED;
        size_t len = in_u16(&table->in);
        struct view answer =
                in_bytes(&table->in, base_min(base_min(len, cap), in_left(&table->in)));
        if (answer.len > 0)
                memcpy(rsp, answer.data, answer.len);
        *ret_len = answer.len;
        return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        static uint8_t room[8192], zeros[8192];
        struct table table = { .in = in_new(data, size) };
        unsigned int flags = in_u8(&table.in) & 7;
        struct apdu_link link = {
                .transmit = transmit, .ctx = &table, .protocol = in_u8(&table.in) & 1
        };
        size_t lc = in_u16(&table.in) % 5000;
        int le = (int)(in_u8(&table.in) << 16 | in_u16(&table.in)) - 1;
        size_t cap = in_u16(&table.in) % sizeof room;
        if (table.in.error)
                return 0;
        struct apdu_cmd cmd = { .ins = 0xA4, .data = { zeros, lc }, .le = le, .flags = flags };
        struct apdu_rsp rsp = { .data = room, .cap = cap };
        int r = apdu_exchange(&link, &cmd, &rsp);
        check(r == 0 || r == OUTCOME_CARD_REMOVED || r == -EBADMSG || r == -EMSGSIZE);
        check(rsp.len <= cap);
        check(link.exchanges <= 17 * (2 + 2 * 65));
        check(table.commands <= ((flags & APDU_ONCE) ? 1u : 2u));
        if (r != 0)
                return 0;
        check(le != APDU_NO_LE || rsp.len == 0);
        check(rsp.sw >> 8 != 0x61 && sw_kind(rsp.sw) != SW_MORE);
        check(sw_tries(rsp.sw) >= -1 && sw_tries(rsp.sw) <= 15);
        return 0;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_usb_t1.c: a hostile card in T=1. It may do what it likes; the block that completes a command goes
 * out again only if the card just said, in a block that checks, that it has not got that one, and never
 * once a RESYNCH has gone out after it.
 */
#include "drivers/usb/t1.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct peer {
        struct in in;
        bool crc, completed, said_not_got, resynched;
        uint8_t number; /* of the completing block */
};

static void check(bool holds)
{
        if (!holds)
                abort();
}

static void see(struct peer *peer, const uint8_t *out, size_t len)
{
        check(len >= 4 && len <= T1_BLOCK_MAX && out[0] == 0);
        check(len == 3 + (size_t)out[2] + (peer->crc ? 2 : 1));
        uint8_t pcb = out[1];
        if (pcb == 0xC0)
                peer->resynched = peer->completed;
        if ((pcb & 0x80) || (pcb & 0x20))
                return;
        check(!peer->completed || (peer->said_not_got && !peer->resynched));
        peer->completed = true;
        peer->number = (pcb >> 6) & 1;
}

/* One byte says what comes: 0 the line is garbled, 1 it ends; else the next so many bytes are a block,
 * which is given a right checksum if the byte is even. */
static int block(void *ctx, const uint8_t *out, size_t out_len, uint8_t bwi, uint8_t *in,
        size_t cap, size_t *ret_len)
{
        struct peer *peer = ctx;
        (void)bwi;
        see(peer, out, out_len);
        peer->said_not_got = false;
        uint8_t what = in_u8(&peer->in);
        if (peer->in.error || what == 1)
                return OUTCOME_CARD_REMOVED;
        if (what == 0)
                return -EIO;
        struct view bytes = in_bytes(&peer->in, base_min(what, in_left(&peer->in)));
        size_t len = base_min(bytes.len, cap);
        if (len > 0)
                memcpy(in, bytes.data, len);
        if (len >= 4 && what % 2 == 0 && !peer->crc) {
                in[2] = (uint8_t)(len - 4);
                in[len - 1] = 0;
                for (size_t i = 0; i + 1 < len; i++)
                        in[len - 1] ^= in[i];
        }
        uint8_t sum = 0;
        for (size_t i = 0; i < len; i++)
                sum ^= in[i];
        peer->said_not_got = len == 4 && sum == 0 && in[0] == 0 && (in[1] & 0xEC) == 0x80 &&
                             in[2] == 0 && ((in[1] >> 4) & 1) == peer->number;
        *ret_len = len;
        return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        static const uint8_t cmd[40] = { 0x00, 0x20 };
        struct peer peer = { .in = in_new(data, size) };
        uint8_t flags = in_u8(&peer.in), rsp[300];
        peer.crc = flags & 1;
        struct t1 t1;
        struct t1_line line = { .block = block, .ctx = &peer };
        t1_init(&t1, &line, flags & 2 ? 8 : 254, peer.crc);
        int r = flags & 4 ? t1_set_ifsd(&t1, 254) : 0;
        while (r == 0) {
                size_t len = 0;
                peer.completed = peer.resynched = false;
                r = t1_exchange(&t1, cmd, sizeof cmd, rsp, sizeof rsp, &len);
                check(r != 0 || (len <= sizeof rsp && peer.completed));
        }
        return 0;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* t0.c: T=0 as ISO 7816-3 has it, with no mercy.
 *
 * A T=0 command is five bytes and then either goes in or comes out: P3 is Lc or Le, never both, and
 * which one follows from the instruction. So an Le byte behind data is a protocol error, an answer
 * to a command with data waits behind 61xx, a wrong Le is 6Cxx without data, and an answer left
 * unfetched is lost: MPCOS then says 6B00 to 80 C0 (card-facts 2.8). Real readers hide some of this
 * from some programs; a driver that is right here is right everywhere.
 */
#include "drivers/softcard/card.h"

/* Instructions whose P3 is Le. */
static bool comes_out(const uint8_t *header)
{
        switch (header[1]) {
        case 0xB0: /* READ BINARY */
        case 0xC0: /* GET RESPONSE, GPK GET INFO */
        case 0xCA: /* GET DATA */
        case 0x84: /* GET CHALLENGE */ return true;
        case 0x38: return header[0] == 0x90; /* a Pardis card's serial number */
        case 0x2A: return header[2] == 0x9E; /* COMPUTE DIGITAL SIGNATURE */
        default: return false;
        }
}

static int parse_in(struct softcard *card, const uint8_t *bytes, size_t len, struct command *ret)
{
        size_t lc = len > 4 ? bytes[4] : 0, body = len > 5 ? len - 5 : 0;
        if (body == lc + 1 && lc > 0)
                return setting_is(card, SWITCH_T0_EXTRA, "mute") ? -1 : 0x6700;
        if (body != lc)
                return 0x6700;
        ret->data = (struct view){ .data = bytes + 5, .len = lc };
        return 0;
}

int t0_parse(struct softcard *card, const uint8_t *bytes, size_t len, struct command *ret)
{
        if (len < 4)
                return 0x6700;
        *ret = (struct command){ .cla = bytes[0], .ins = bytes[1], .p1 = bytes[2], .p2 = bytes[3] };
        if (!comes_out(bytes))
                return parse_in(card, bytes, len, ret);
        if (len > 5)
                return 0x6700;
        ret->has_le = true;
        ret->le = len == 5 && bytes[4] ? bytes[4] : 256;
        return 0;
}

void t0_fit(struct softcard *card, const struct command *cmd, struct answer *ans)
{
        size_t len = ans->out.len;
        if (len == 0)
                return;
        if (cmd->has_le && ans->outgoing) {
                if (len != cmd->le)
                        answer_sw(ans, sw_count(0x6C00, len));
                return;
        }
        pending_put(card, ans->bytes, len);
        answer_sw(ans, sw_count(0x6100, len));
}

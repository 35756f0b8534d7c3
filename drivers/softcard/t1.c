/* SPDX-License-Identifier: Apache-2.0 */
/* t1.c: APDUs over T=1 and contactless, and the answer that waits for GET RESPONSE.
 *
 * The four cases of ISO 7816-3. Extended length is 6700 on the national card (card-facts 1.6) and a
 * switch on others. What a
 * card does when Le asks for more than there is, nobody has published for every command: `fit` says
 * which switch decides.
 */
#include "drivers/softcard/card.h"

static size_t length_or(size_t value, size_t zero)
{
        return value ? value : zero;
}

static int parse_extended(const uint8_t *bytes, size_t len, struct command *ret)
{
        size_t lc = (size_t)(bytes[5] << 8 | bytes[6]), body = len - 7;
        ret->has_le = body == 0 || body == lc + 2;
        if (body == 0) {
                ret->le = length_or(lc, 65536);
                return 0;
        }
        if (lc == 0 || (body != lc && body != lc + 2))
                return 0x6700;
        ret->data = (struct view){ .data = bytes + 7, .len = lc };
        if (ret->has_le)
                ret->le = length_or((size_t)(bytes[len - 2] << 8 | bytes[len - 1]), 65536);
        return 0;
}

int t1_parse(const struct softcard *card, const uint8_t *bytes, size_t len, struct command *ret)
{
        if (len < 4)
                return 0x6700;
        *ret = (struct command){ .cla = bytes[0], .ins = bytes[1], .p1 = bytes[2], .p2 = bytes[3] };
        if (len == 4)
                return 0;
        if (len >= 7 && bytes[4] == 0 && setting_is(card, SWITCH_EXTENDED_LENGTH, "on"))
                return parse_extended(bytes, len, ret);
        size_t lc = bytes[4], body = len - 5;
        if (body == 0) {
                ret->has_le = true;
                ret->le = length_or(lc, 256);
                return 0;
        }
        if (lc == 0 || (body != lc && body != lc + 1))
                return 0x6700;
        ret->data = (struct view){ .data = bytes + 5, .len = lc };
        ret->has_le = body == lc + 1;
        if (ret->has_le)
                ret->le = length_or(bytes[len - 1], 256);
        return 0;
}

static void fit_short(struct softcard *card, struct answer *ans)
{
        size_t len = ans->out.len;
        if (setting_is(card, SWITCH_LE_OVER, "6282"))
                ans->sw = 0x6282;
        if (setting_is(card, SWITCH_LE_OVER, "6cxx"))
                answer_sw(ans, sw_count(0x6C00, len));
}

void t1_fit(struct softcard *card, const struct command *cmd, struct answer *ans)
{
        size_t len = ans->out.len, le = cmd->le;
        if (len == 0)
                return;
        if (!cmd->has_le && setting_is(card, SWITCH_FCI_WITHOUT_LE, "none")) {
                ans->out.len = 0;
                return;
        }
        if (!cmd->has_le)
                le = 256;
        if (ans->fit == FIT_READ && len < le) {
                fit_short(card, ans);
                return;
        }
        bool exact = ans->fit == FIT_DATA && setting_is(card, SWITCH_LE_DATA, "6cxx");
        if (exact && le != 256 && len != le) {
                answer_sw(ans, sw_count(0x6C00, len));
                return;
        }
        if (len > le) {
                pending_put(card, ans->bytes + le, len - le);
                ans->out.len = le;
                ans->sw = sw_count(0x6100, len - le);
        }
}

void pending_put(struct softcard *card, const uint8_t *data, size_t len)
{
        memcpy(card->pending, data, len);
        card->pending_len = len;
        card->pending_pos = 0;
}

/* GET RESPONSE. On T=0 a wrong Le keeps the answer waiting. */
void pending_get(struct softcard *card, const struct command *cmd, struct answer *ans)
{
        size_t left = card->pending_len - card->pending_pos;
        if (left == 0) {
                answer_sw(ans, 0x6985);
                return;
        }
        size_t le = cmd->has_le ? cmd->le : 256;
        if (card->profile->t0 && le > left) {
                answer_sw(ans, sw_count(0x6C00, left));
                return;
        }
        size_t n = base_min(le, left);
        out_bytes(&ans->out, card->pending + card->pending_pos, n);
        card->pending_pos += n;
        left -= n;
        ans->sw = left ? sw_count(0x6100, left) : 0x9000;
        if (left == 0)
                card->pending_len = card->pending_pos = 0;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* icc_pinpad.c: a PIN typed on the reader's own keys (CCID rev 1.1, 6.1.11 and 6.1.12). Nothing here ever
 * holds a digit: the reader fills them into a command that is all padding.
 *
 * It is asked once. In T=1 on a reader that only carries blocks, the first block of an ordinary exchange
 * is the one that the reader makes, from the prologue and the command it is told; if the card then says
 * that it has not got that block, the exchange is over, since nobody here could send it again.
 */
#include "drivers/usb/icc.h"

#include "apdu/pinpad.h"

#define INS_CHANGE   0x24
#define ENDS_BY_KEY  2
#define CONFIRMS_NEW 1
#define ASKS_OLD     2
#define MESSAGES_MAX 3
#define PCB_OTHER    0x80 /* set in all blocks but I-blocks */
#define SECURE_MAX   128
#define SW_NOBODY    0x6400
#define SW_CANCELLED 0x6401
#define SW_CANNOT    0x6B80

struct keys {
        struct icc *icc;
        const struct apdu_pinpad *how;
        struct pinpad_template template;
        bool asked;
        uint16_t said; /* the reader's own word: nothing was sent */
};

/* Which of the display's texts come, by number: the PIN, the new one, that one again. */
static void put_messages(struct out *out, const struct keys *keys, bool change)
{
        bool display = keys->icc->class.lcd != 0;
        uint8_t first = change && !keys->how->asks_old ? 1 : 0;
        uint8_t count = change ? (uint8_t)(MESSAGES_MAX - first) : 1;
        out_u8(out, display ? count : 0);
        out_u16(out, __builtin_bswap16(keys->how->language));
        out_u8(out, first);
        for (uint8_t i = 1; change && display && i < count; i++)
                out_u8(out, (uint8_t)(first + i));
}

static int secure_data(const struct keys *keys, const uint8_t prologue[3], struct out *out)
{
        const struct apdu_pinpad *how = keys->how;
        bool change = how->ins == INS_CHANGE;
        out_u8(out, change ? 1 : 0);
        out_u8(out, keys->template.first_key_s);
        out_u8(out, keys->template.format);
        out_u8(out, keys->template.block);
        out_u8(out, 0); /* bmPINLengthFormat: no length goes into the command */
        if (change)
                out_u8(out, 0); /* where the old PIN goes */
        if (change)
                out_u8(out, keys->template.new_at);
        out_u8(out, how->max);
        out_u8(out, how->min);
        if (change)
                out_u8(out, how->asks_old ? CONFIRMS_NEW | ASKS_OLD : CONFIRMS_NEW);
        out_u8(out, ENDS_BY_KEY);
        put_messages(out, keys, change);
        out_bytes(out, prologue, 3);
        out_bytes(out, keys->template.command, keys->template.command_len);
        return out_done(out);
}

/* What the reader says without having sent anything; 0 if it may have. */
static uint16_t own_word(uint8_t error)
{
        if (error == CCID_PIN_CANCELLED)
                return SW_CANCELLED;
        if (error == CCID_PIN_TIMEOUT)
                return SW_NOBODY;
        return error < 0x80 ? SW_CANNOT : 0;
}

static int ask_for_pin(
        struct keys *keys, const uint8_t prologue[3], uint8_t *in, size_t cap, size_t *ret_len)
{
        uint8_t data[SECURE_MAX];
        struct out out = out_new(data, sizeof data);
        int r = secure_data(keys, prologue, &out);
        if (r < 0)
                return r;
        struct ccid_question question = { .type = CCID_SECURE, .data = { data, out.len } };
        struct ccid_answer answer;
        r = ccid_ask(&keys->icc->ccid, &question, &answer);
        if (r != 0)
                return icc_outcome(r);
        if (answer.failed)
                keys->said = own_word(answer.error);
        if (answer.failed)
                return keys->said ? OUTCOME_REFUSED : icc_failure(&answer);
        if (answer.data.len > cap)
                return -EBADMSG;
        memcpy(in, answer.data.data, answer.data.len);
        *ret_len = answer.data.len;
        return 0;
}

static int block(void *ctx, const uint8_t *out, size_t out_len, uint8_t bwi, uint8_t *in,
        size_t cap, size_t *ret_len)
{
        struct keys *keys = ctx;
        if (keys->asked)
                return (out[1] & PCB_OTHER)
                               ? icc_block(keys->icc, out, out_len, bwi, in, cap, ret_len)
                               : OUTCOME_TIMED_OUT;
        keys->asked = true;
        return ask_for_pin(keys, out, in, cap, ret_len);
}

static int in_blocks(struct keys *keys, uint8_t *rsp, size_t cap, size_t *ret_len)
{
        struct t1 *t1 = &keys->icc->t1;
        struct t1_line usual = t1->line;
        if (keys->template.command_len > t1->ifsc)
                return -EMSGSIZE;
        t1->line = (struct t1_line){ .block = block, .ctx = keys };
        int r = t1_exchange(
                t1, keys->template.command, keys->template.command_len, rsp, cap, ret_len);
        t1->line = usual;
        return r;
}

int icc_pinpad(
        struct icc *icc, const struct apdu_pinpad *how, uint8_t *rsp, size_t cap, size_t *ret_len)
{
        static const uint8_t no_prologue[3];
        struct keys keys = { .icc = icc, .how = how };
        size_t len = 0;
        uint8_t needed = how->ins == INS_CHANGE ? CCID_PIN_MODIFY : CCID_PIN_VERIFY;
        if (pinpad_fill(how, &keys.template) < 0 || !(icc->class.pin & needed) || cap < 2)
                return -EINVAL;
        if (!icc->ready)
                return OUTCOME_CARD_REMOVED;
        bool blocks = icc->class.level == CCID_LEVEL_TPDU && icc->protocol == APDU_T1;
        int r = blocks ? in_blocks(&keys, rsp, cap, &len)
                       : ask_for_pin(&keys, no_prologue, rsp, cap, &len);
        if (keys.said) {
                rsp[0] = (uint8_t)(keys.said >> 8);
                rsp[1] = (uint8_t)keys.said;
                len = 2;
                r = 0;
        }
        if (r == 0 && len < 2)
                r = OUTCOME_TIMED_OUT;
        icc->ready = r == 0;
        if (r == 0)
                *ret_len = len;
        return r;
}

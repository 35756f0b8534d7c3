/* SPDX-License-Identifier: Apache-2.0 */
/* t1.c: see t1.h. An exchange is a loop over blocks: what arrived decides through one function per kind
 * of block what goes out next. Numbers, errors and what may be repeated are kept in `struct talk`.
 *
 * A block that cannot be read is answered by an R-block that asks for it again, three times in a row at
 * most (11.6.3.2, rule 7). Then a command of which the card cannot have the last block yet is started
 * over after a RESYNCH, once; any other is given up.
 */
#include "drivers/usb/t1.h"

#define TRIES 3

#define PCB_R      0x80
#define PCB_S      0xC0
#define PCB_KIND   0xC0
#define I_NUMBER   0x40
#define I_MORE     0x20
#define I_RESERVED 0x1F
#define R_NUMBER   0x10
#define R_RESERVED 0x2C
#define R_EDC      1
#define R_OTHER    2
#define S_RESYNCH  0xC0
#define S_IFS      0xC1
#define S_ABORT    0xC2
#define S_WTX      0xC3
#define S_ANSWER   0x20
#define HEAD       3

struct block {
        uint8_t bytes[T1_BLOCK_MAX];
        size_t len;
};

struct talk {
        struct t1 *t1;
        struct view cmd;
        size_t at, part; /* the outstanding I-block: where it starts, how long it is */
        bool receiving;  /* the card's answer has begun */
        bool whole;      /* the last I-block was handed to the line at least once */
        bool resynched, done;
        unsigned int errors;
        uint8_t *rsp;
        size_t cap, len;
        struct block out, in;
};

static void talk_wipe(struct talk *talk)
{
        explicit_bzero(&talk->out, sizeof talk->out);
        explicit_bzero(&talk->in, sizeof talk->in);
}

/* Blocks */

/* Preset FFFF, least significant bit first, not inverted at the end, the high byte first. ISO/IEC 7816-3
 * 11.4.4 only refers to ISO/IEC 13239, whose own check is inverted and goes out low byte first; what is
 * sent in fact is this: [O] by pcscd's driver for CCID, and by the firmware of a reader by itself (Alcor
 * AU9540: 00C101FE 544E, seen on the wire; doc/T1_CRC.txt of github.com/popovec/oseid, 2021). Other readers
 * have others, and no card that asks for a CRC is known to work everywhere. */
static uint16_t crc16(const uint8_t *data, size_t len)
{
        uint16_t crc = 0xFFFF;
        for (size_t i = 0; i < len; i++) {
                crc ^= data[i];
                for (int bit = 0; bit < 8; bit++)
                        crc = (uint16_t)(crc & 1 ? crc >> 1 ^ 0x8408 : crc >> 1);
        }
        return crc;
}

static uint8_t lrc(const uint8_t *data, size_t len)
{
        uint8_t sum = 0;
        for (size_t i = 0; i < len; i++)
                sum ^= data[i];
        return sum;
}

static void seal(
        const struct t1 *t1, uint8_t pcb, const uint8_t *inf, size_t len, struct block *ret)
{
        ret->bytes[0] = 0;
        ret->bytes[1] = pcb;
        ret->bytes[2] = (uint8_t)len;
        if (len > 0)
                memcpy(ret->bytes + HEAD, inf, len);
        ret->len = HEAD + len;
        uint16_t crc = crc16(ret->bytes, ret->len);
        if (t1->crc)
                ret->bytes[ret->len++] = (uint8_t)(crc >> 8);
        ret->bytes[ret->len] = t1->crc ? (uint8_t)crc : lrc(ret->bytes, ret->len);
        ret->len++;
}

static bool checks(const struct t1 *t1, const struct block *block)
{
        size_t tail = t1->crc ? 2 : 1;
        if (block->len < HEAD + tail)
                return false;
        size_t body = block->len - tail;
        if (!t1->crc)
                return lrc(block->bytes, block->len) == 0;
        return crc16(block->bytes, body) == (block->bytes[body] << 8 | block->bytes[body + 1]);
}

/* The shape that every block has; what its PCB means is left to the caller. */
static bool sound(const struct t1 *t1, const struct block *block)
{
        size_t tail = t1->crc ? 2 : 1;
        return block->bytes[0] == 0 && block->bytes[2] <= T1_IFS_MAX &&
               block->len == HEAD + tail + block->bytes[2];
}

static uint8_t pcb(const struct block *block)
{
        return block->bytes[1];
}

static size_t inf_len(const struct block *block)
{
        return block->bytes[2];
}

/* 0, -EIO for a block that is none, or the line's final word. */
static int swap(struct t1 *t1, const struct block *out, struct block *in, uint8_t *ret_fault)
{
        uint8_t bwi = t1->bwi;
        t1->bwi = 0;
        in->len = 0;
        *ret_fault = R_OTHER;
        int r = t1->line.block(
                t1->line.ctx, out->bytes, out->len, bwi, in->bytes, sizeof in->bytes, &in->len);
        if (r != 0)
                return r;
        if (!checks(t1, in)) {
                *ret_fault = R_EDC;
                return -EIO;
        }
        return sound(t1, in) ? 0 : -EIO;
}

/* S-blocks that we begin. Sent until the card agrees, at most TRIES times. */

static int request(struct t1 *t1, uint8_t kind, const uint8_t *inf, size_t len)
{
        struct block out, in;
        seal(t1, kind, inf, len, &out);
        for (unsigned int i = 0; i < TRIES; i++) {
                uint8_t fault;
                int r = swap(t1, &out, &in, &fault);
                if (r != 0 && r != -EIO)
                        return r;
                if (r == 0 && pcb(&in) == (kind | S_ANSWER) && inf_len(&in) == len &&
                        (len == 0 || in.bytes[HEAD] == inf[0]))
                        return 0;
        }
        return OUTCOME_TIMED_OUT;
}

static int resynch(struct t1 *t1)
{
        int r = request(t1, S_RESYNCH, NULL, 0);
        t1->ns = t1->nr = 0;
        t1->ifsc = t1->first_ifsc;
        return r;
}

int t1_set_ifsd(struct t1 *t1, uint8_t ifsd)
{
        int r = request(t1, S_IFS, &ifsd, 1);
        if (r != OUTCOME_TIMED_OUT)
                return r;
        r = resynch(t1);
        return r == 0 ? request(t1, S_IFS, &ifsd, 1) : r;
}

/* What goes out next */

static void say_command(struct talk *talk)
{
        struct t1 *t1 = talk->t1;
        bool more = talk->at + talk->part < talk->cmd.len;
        seal(t1, (uint8_t)((t1->ns ? I_NUMBER : 0) | (more ? I_MORE : 0)),
                talk->cmd.data + talk->at, talk->part, &talk->out);
        talk->whole = talk->whole || !more;
}

static void next_part(struct talk *talk)
{
        talk->part = base_min(talk->t1->ifsc, talk->cmd.len - talk->at);
        say_command(talk);
}

static void say_receipt(struct talk *talk, uint8_t fault)
{
        seal(talk->t1, (uint8_t)(PCB_R | (talk->t1->nr ? R_NUMBER : 0) | fault), NULL, 0,
                &talk->out);
}

static void say_answer(struct talk *talk, uint8_t kind)
{
        seal(talk->t1, kind | S_ANSWER, talk->in.bytes + HEAD, inf_len(&talk->in), &talk->out);
}

/* What to do about a block that was not understood. */
static int on_fault(struct talk *talk, uint8_t fault)
{
        if (++talk->errors < TRIES) {
                say_receipt(talk, fault);
                return 0;
        }
        if (talk->whole || talk->resynched)
                return OUTCOME_TIMED_OUT;
        int r = resynch(talk->t1);
        if (r != 0)
                return r;
        talk->resynched = true;
        talk->errors = 0;
        talk->at = 0;
        next_part(talk);
        return 0;
}

/* What came in */

static int on_information(struct talk *talk)
{
        struct t1 *t1 = talk->t1;
        const struct block *in = &talk->in;
        bool last = talk->at + talk->part == talk->cmd.len;
        if ((pcb(in) & I_RESERVED) || (pcb(in) & I_NUMBER) != (t1->nr ? I_NUMBER : 0) || !last)
                return on_fault(talk, R_OTHER);
        if (inf_len(in) > talk->cap - talk->len)
                return -EBADMSG;
        memcpy(talk->rsp + talk->len, in->bytes + HEAD, inf_len(in));
        talk->len += inf_len(in);
        if (!talk->receiving)
                t1->ns ^= 1;
        talk->receiving = true;
        talk->errors = 0;
        t1->nr ^= 1;
        talk->done = !(pcb(in) & I_MORE);
        say_receipt(talk, 0);
        return 0;
}

/* The card asks for our last block again. It was not received: that is what its number says. */
static int say_again(struct talk *talk)
{
        if (++talk->errors >= TRIES)
                return OUTCOME_TIMED_OUT;
        if (talk->receiving)
                say_receipt(talk, 0);
        else
                say_command(talk);
        return 0;
}

static int on_receipt(struct talk *talk)
{
        struct t1 *t1 = talk->t1;
        bool wants_outstanding = (pcb(&talk->in) & R_NUMBER) == (t1->ns ? R_NUMBER : 0);
        bool more = talk->at + talk->part < talk->cmd.len;
        if ((pcb(&talk->in) & R_RESERVED) || inf_len(&talk->in) != 0)
                return on_fault(talk, R_OTHER);
        if (wants_outstanding)
                return say_again(talk);
        if (talk->receiving || !more)
                return on_fault(talk, R_OTHER);
        t1->ns ^= 1;
        talk->errors = 0;
        talk->at += talk->part;
        next_part(talk);
        return 0;
}

static int on_supervision(struct talk *talk)
{
        struct t1 *t1 = talk->t1;
        uint8_t value = talk->in.bytes[HEAD];
        size_t len = inf_len(&talk->in);
        switch (pcb(&talk->in)) {
        case S_WTX:
                if (len != 1 || value == 0)
                        break;
                say_answer(talk, S_WTX);
                t1->bwi = value;
                return 0;
        case S_IFS:
                if (len != 1 || value == 0 || value > T1_IFS_MAX)
                        break;
                t1->ifsc = value;
                say_answer(talk, S_IFS);
                return 0;
        case S_ABORT: return OUTCOME_TIMED_OUT;
        default: break;
        }
        return on_fault(talk, R_OTHER);
}

static int on_block(struct talk *talk)
{
        switch (pcb(&talk->in) & PCB_KIND) {
        case PCB_R: return on_receipt(talk);
        case PCB_S: return on_supervision(talk);
        default: return on_information(talk);
        }
}

int t1_exchange(struct t1 *t1, const uint8_t *cmd, size_t cmd_len, uint8_t *rsp, size_t cap,
        size_t *ret_len)
{
        _cleanup_(talk_wipe) struct talk talk = {
                .t1 = t1, .cmd = { cmd, cmd_len }, .rsp = rsp, .cap = cap
        };
        next_part(&talk);
        while (!talk.done) {
                uint8_t fault;
                int r = swap(t1, &talk.out, &talk.in, &fault);
                if (r == 0)
                        r = on_block(&talk);
                else if (r == -EIO)
                        r = on_fault(&talk, fault);
                if (r != 0)
                        return r;
        }
        *ret_len = talk.len;
        return 0;
}

void t1_init(struct t1 *t1, const struct t1_line *line, uint8_t ifsc, bool crc)
{
        *t1 = (struct t1){ .line = *line, .ifsc = ifsc, .first_ifsc = ifsc, .crc = crc };
}

/* SPDX-License-Identifier: Apache-2.0 */
/* t1.c: see reader.h. Blocks are NAD, PCB, LEN, up to 254 bytes, and an LRC or a CRC (ISO 7816-3:2006,
 * 11.3). A block that is broken, or out of turn, is answered with an R-block (11.6.3); one that the
 * rules forbid a reader to send is also counted as a breach, which tests of a driver look at.
 */
#include "tests/tools/mock/reader.h"

#define I_MORE    0x20
#define R_EDC     1
#define R_ELSE    2
#define S_RESYNCH 0xC0
#define S_IFS     0xC1
#define S_ABORT   0xC2
#define S_WTX     0xC3
#define S_ANSWER  0x20

static void breach(struct t1 *t1, const char *what)
{
        t1->breaches++;
        snprintf(t1->breach, sizeof t1->breach, "%s", what);
}

/* Polynomial x16+x12+x5+1, least significant bit first (ISO 13239), but not inverted at the end: 00C101FE is
 * followed by 544E, as libccid and the firmware of an Alcor AU9540 send it (github.com/popovec/oseid). */
static unsigned int crc_of(const uint8_t *bytes, size_t len)
{
        unsigned int crc = 0xFFFF;
        for (size_t i = 0; i < len; i++) {
                crc ^= bytes[i];
                for (int bit = 0; bit < 8; bit++)
                        crc = crc & 1 ? crc >> 1 ^ 0x8408 : crc >> 1;
        }
        return crc;
}

static size_t edc_of(const struct t1 *t1, const uint8_t *bytes, size_t len, uint8_t out[2])
{
        if (t1->crc) {
                unsigned int crc = crc_of(bytes, len);
                out[0] = (uint8_t)(crc >> 8);
                out[1] = (uint8_t)crc;
                return 2;
        }
        out[0] = 0;
        for (size_t i = 0; i < len; i++)
                out[0] ^= bytes[i];
        return 1;
}

void t1_seal(const struct t1 *t1, uint8_t *block, size_t *len)
{
        *len += edc_of(t1, block, *len, block + *len);
}

/* Makes the block, and keeps it for a repetition. */
static void compose(struct t1 *t1, uint8_t pcb, const uint8_t *inf, size_t inf_len, uint8_t *out,
        size_t *ret_len)
{
        out[0] = 0;
        out[1] = pcb;
        out[2] = (uint8_t)inf_len;
        if (inf_len > 0)
                memcpy(out + 3, inf, inf_len);
        *ret_len = 3 + inf_len;
        t1_seal(t1, out, ret_len);
        memcpy(t1->last, out, *ret_len);
        t1->last_len = *ret_len;
}

static enum t1_step reply_r(struct t1 *t1, uint8_t error, uint8_t *out, size_t *ret_len)
{
        uint8_t pcb = (uint8_t)(0x80 | t1->receive_seq << 4 | error);
        compose(t1, pcb, NULL, 0, out, ret_len);
        return T1_REPLY;
}

/* The block of the answer at answer_pos; its number changes only once it was acknowledged. */
static enum t1_step reply_i(struct t1 *t1, uint8_t *out, size_t *ret_len)
{
        size_t left = t1->answer_len - t1->answer_pos;
        t1->answer_chunk = base_min(left, t1->ifsd);
        uint8_t pcb = (uint8_t)(t1->send_seq << 6);
        if (t1->answer_chunk < left)
                pcb |= I_MORE;
        compose(t1, pcb, t1->answer + t1->answer_pos, t1->answer_chunk, out, ret_len);
        return T1_REPLY;
}

static enum t1_step repeat(struct t1 *t1, uint8_t *out, size_t *ret_len)
{
        memcpy(out, t1->last, t1->last_len);
        *ret_len = t1->last_len;
        return T1_REPLY;
}

void t1_start(struct t1 *t1, unsigned int ifsc, bool crc)
{
        memset(t1, 0, sizeof *t1);
        t1->ifsc = ifsc;
        t1->ifsd = 32;
        t1->crc = crc;
}

void t1_answer(struct t1 *t1, const uint8_t *answer, size_t len, uint8_t *out, size_t *ret_len)
{
        memcpy(t1->answer, answer, base_min(len, sizeof t1->answer));
        t1->answer_len = len;
        t1->answer_pos = 0;
        t1->answering = true;
        (void)reply_i(t1, out, ret_len);
}

void t1_ask_time(struct t1 *t1, unsigned int factor, uint8_t *out, size_t *ret_len)
{
        uint8_t inf = (uint8_t)factor;
        t1->waiting = true;
        compose(t1, S_WTX, &inf, 1, out, ret_len);
}

/* A new I-block acknowledges the last one of the answer. */
static enum t1_step take_i(struct t1 *t1, const uint8_t *block, uint8_t *out, size_t *ret_len)
{
        uint8_t pcb = block[1], len = block[2];
        if (t1->answering && t1->answer_pos + t1->answer_chunk < t1->answer_len) {
                breach(t1, "an I-block in the middle of the card's chain");
                return reply_r(t1, R_ELSE, out, ret_len);
        }
        if (pcb >> 6 != t1->receive_seq) {
                breach(t1, "an I-block out of sequence");
                return reply_r(t1, R_ELSE, out, ret_len);
        }
        if (len > t1->ifsc || t1->apdu_len + len > sizeof t1->apdu) {
                breach(t1, "an I-block longer than IFSC");
                return reply_r(t1, R_ELSE, out, ret_len);
        }
        if (t1->answering) {
                t1->answering = false;
                t1->send_seq ^= 1;
        }
        t1->receive_seq ^= 1;
        memcpy(t1->apdu + t1->apdu_len, block + 3, len);
        t1->apdu_len += len;
        return pcb & I_MORE ? reply_r(t1, 0, out, ret_len) : T1_RUN;
}

static enum t1_step take_r(struct t1 *t1, uint8_t pcb, uint8_t *out, size_t *ret_len)
{
        uint8_t number = pcb >> 4 & 1;
        bool more = t1->answering && t1->answer_pos + t1->answer_chunk < t1->answer_len;
        if (number == t1->send_seq || t1->last_len == 0) {
                if (t1->last_len == 0)
                        return reply_r(t1, R_ELSE, out, ret_len);
                return repeat(t1, out, ret_len);
        }
        if (!more) {
                if (!t1->answering) /* it missed our R-block */
                        return repeat(t1, out, ret_len);
                breach(t1, "an R-block for a block that does not come");
                return reply_r(t1, R_ELSE, out, ret_len);
        }
        t1->answer_pos += t1->answer_chunk;
        t1->send_seq ^= 1;
        return reply_i(t1, out, ret_len);
}

static enum t1_step take_s(struct t1 *t1, const uint8_t *block, uint8_t *out, size_t *ret_len)
{
        uint8_t pcb = block[1], value = block[2] ? block[3] : 0;
        bool sized = block[2] == ((pcb & ~S_ANSWER) == S_IFS || (pcb & ~S_ANSWER) == S_WTX);
        if (!sized) {
                breach(t1, "an S-block of a wrong length");
                return reply_r(t1, R_ELSE, out, ret_len);
        }
        switch (pcb) {
        case S_RESYNCH: {
                unsigned int ifsc = t1->ifsc, breaches = t1->breaches;
                bool crc = t1->crc;
                t1_start(t1, ifsc, crc);
                t1->breaches = breaches;
                break;
        }
        case S_IFS:
                if (value == 0 || value == 255) {
                        breach(t1, "an IFSD of 0 or 255");
                        return reply_r(t1, R_ELSE, out, ret_len);
                }
                t1->ifsd = value;
                break;
        case S_ABORT:
                t1->answering = false;
                t1->apdu_len = 0;
                break;
        case S_WTX | S_ANSWER:
                if (t1->waiting && value == t1->last[3]) {
                        t1->waiting = false;
                        return T1_RESUME;
                }
                breach(t1, "an answer to no request for time, or with another number");
                return reply_r(t1, R_ELSE, out, ret_len);
        case S_ABORT | S_ANSWER: return reply_r(t1, 0, out, ret_len);
        default:
                breach(t1, "an S-block that a reader does not send");
                return reply_r(t1, R_ELSE, out, ret_len);
        }
        compose(t1, pcb | S_ANSWER, block + 3, block[2], out, ret_len);
        return T1_REPLY;
}

/* The card asked for time, and hears something else. */
static enum t1_step take_while_waiting(
        struct t1 *t1, const uint8_t *block, uint8_t *out, size_t *ret_len)
{
        uint8_t pcb = block[1];
        if (pcb == (S_WTX | S_ANSWER) || pcb == S_RESYNCH)
                return take_s(t1, block, out, ret_len);
        if ((pcb & 0xC0) != 0x80)
                breach(t1, "not the answer to a request for time");
        return repeat(t1, out, ret_len);
}

enum t1_step t1_receive(
        struct t1 *t1, const uint8_t *block, size_t len, uint8_t *out, size_t *ret_len)
{
        size_t edc_len = t1->crc ? 2 : 1;
        uint8_t edc[2];
        if (len < 3 + edc_len || block[2] == 255 || (size_t)block[2] + 3 + edc_len != len) {
                breach(t1, "a block whose length is wrong");
                return reply_r(t1, R_ELSE, out, ret_len);
        }
        (void)edc_of(t1, block, len - edc_len, edc);
        if (t1->refusing || memcmp(edc, block + len - edc_len, edc_len) != 0) {
                if (!t1->refusing)
                        breach(t1, "a wrong checksum");
                t1->refusing = false;
                return reply_r(t1, R_EDC, out, ret_len);
        }
        if (block[0] != 0) {
                breach(t1, "a node address");
                return reply_r(t1, R_ELSE, out, ret_len);
        }
        if (t1->waiting)
                return take_while_waiting(t1, block, out, ret_len);
        if (!(block[1] & 0x80))
                return take_i(t1, block, out, ret_len);
        if ((block[1] & 0xC0) == 0xC0)
                return take_s(t1, block, out, ret_len);
        return take_r(t1, block[1], out, ret_len);
}

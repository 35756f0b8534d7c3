/* SPDX-License-Identifier: Apache-2.0 */
/* transfer.c: PC_to_RDR_XfrBlock, CCID 1.1 clause 6.1.4: what goes to the card and what comes back.
 *
 * At TPDU level the host does T=1 with the card itself (t1.c) and T=0 half; at the APDU levels the
 * reader does both, here by handing the APDU over, for T=0 in the pieces that a card takes.
 */
#include "tests/tools/mock/reader.h"

#define WTX_FACTOR 3 /* what the card asks for: times its block waiting time */

/* ------------------------------------------------------------ the card */

/* Digits never reach the log. */
static void log_apdu(const struct reader *reader, const char *what, const uint8_t *apdu, size_t len)
{
        char text[64 * 2 + 1] = "";
        bool secret =
                *what == '>' && len > 5 && (apdu[1] == 0x20 || apdu[1] == 0x24 || apdu[1] == 0x2C);
        for (size_t i = 0; i < len && i < 64; i++)
                snprintf(text + 2 * i, 3, secret && i > 4 ? "XX" : "%02X", apdu[i]);
        mock_log(reader->p, "apdu %s %zu %s", what, len, text);
}

static bool send_apdu(struct reader *reader, const uint8_t *apdu, size_t len)
{
        log_apdu(reader, ">", apdu, len);
        reader->verifies += len > 5 && apdu[1] == 0x20;
        reader->icc.fresh = false;
        return link_send(&reader->link, apdu, len);
}

static void give_up(struct reader *reader, const struct ccid *cmd, enum woken why)
{
        reader->link.discard = reader->link.expecting;
        if (why == WOKEN_GONE)
                return;
        ccid_fail(reader, cmd, TYPE_DATA, why == WOKEN_ABORTED ? ERROR_ABORTED : ERROR_MUTE);
}

/* Waits as `reader_wait` does, with an answer to the host now and then. */
static enum woken await_answer(
        struct reader *reader, const struct ccid *cmd, uint8_t *out, size_t cap, size_t *ret_len)
{
        enum woken woken;
        do {
                woken = reader_wait(reader, mock_ms() + reader->p->wtx_ms, out, cap, ret_len);
                if (woken == WOKEN_TIME)
                        ccid_more_time(reader, cmd, 1);
        } while (woken == WOKEN_TIME || woken == WOKEN_TYPED);
        return woken;
}

/* A storm of time extensions, or a few, before the answer goes out. False: nobody waits any more. */
static bool dawdle(struct reader *reader, const struct ccid *cmd)
{
        uint8_t none[8];
        size_t len;
        if (reader->fault.kind != FAULT_TIME)
                return true;
        for (unsigned int i = 0; i < reader->fault.value; i++) {
                ccid_more_time(reader, cmd, 1);
                enum woken woken = reader_wait(reader, mock_ms() + 5, none, sizeof none, &len);
                if (woken != WOKEN_TIME && woken != WOKEN_TYPED) {
                        reader->fault.kind = FAULT_NONE;
                        give_up(reader, cmd, woken);
                        return false;
                }
        }
        return true;
}

/* One command to the card. False: answered with an error. */
static bool run_apdu(struct reader *reader, const struct ccid *cmd, const uint8_t *apdu, size_t len,
        uint8_t *out, size_t cap, size_t *ret_len)
{
        enum woken woken = WOKEN_REMOVED;
        if (send_apdu(reader, apdu, len))
                woken = await_answer(reader, cmd, out, cap, ret_len);
        if (woken != WOKEN_ANSWER) {
                give_up(reader, cmd, woken);
                return false;
        }
        log_apdu(reader, "<", out, *ret_len);
        if (*ret_len < 2) {
                ccid_fail(reader, cmd, TYPE_DATA, ERROR_MUTE);
                return false;
        }
        return true;
}

/* ------------------------------------------------------------ T=1 at TPDU level */

static void spoil_block(struct reader *reader, uint8_t *block, size_t *len)
{
        struct t1 *t1 = &reader->icc.t1;
        size_t edc = t1->crc ? 2 : 1;
        switch (reader->fault.kind) {
        case FAULT_EDC: block[*len - 1] ^= 0x5A; break;
        case FAULT_BLOCK_SHORT: *len -= base_min(reader->fault.value, *len); break;
        case FAULT_BLOCK_LENGTH: block[2] = (uint8_t)reader->fault.value; break;
        case FAULT_BLOCK_SEQUENCE:
                block[1] ^= 0x40;
                *len -= edc;
                t1_seal(t1, block, len);
                break;
        case FAULT_ABORT:
                memcpy(block, (const uint8_t[]){ 0, 0xC2, 0 }, 3);
                *len = 3;
                t1_seal(t1, block, len);
                break;
        default: return;
        }
        reader->fault.kind = FAULT_NONE;
}

static void send_block(struct reader *reader, const struct ccid *cmd, uint8_t *block, size_t len)
{
        if (reader->fault.kind == FAULT_LOST) {
                reader->fault.kind = FAULT_NONE;
                ccid_fail(reader, cmd, TYPE_DATA, ERROR_MUTE);
                return;
        }
        spoil_block(reader, block, &len);
        ccid_data(reader, cmd, block, len, 0);
}

/* The card works, and asks for more time when it takes long (or the test says that it does). */
static void t1_work(struct reader *reader, const struct ccid *cmd)
{
        uint8_t bytes[4096], block[3 + 254 + 2];
        size_t len = 0, block_len = 0;
        if (reader->fault.kind == FAULT_WTX && reader->fault.value > 0) {
                reader->fault.value--;
                t1_ask_time(&reader->icc.t1, WTX_FACTOR, block, &block_len);
                ccid_data(reader, cmd, block, block_len, 0);
                return;
        }
        enum woken woken =
                reader_wait(reader, mock_ms() + reader->p->wtx_ms, bytes, sizeof bytes, &len);
        if (woken == WOKEN_TIME || woken == WOKEN_TYPED) {
                t1_ask_time(&reader->icc.t1, WTX_FACTOR, block, &block_len);
                ccid_data(reader, cmd, block, block_len, 0);
                return;
        }
        if (woken == WOKEN_ANSWER)
                log_apdu(reader, "<", bytes, len);
        if (woken != WOKEN_ANSWER || len < 2) {
                give_up(reader, cmd, woken);
                return;
        }
        if (!dawdle(reader, cmd))
                return;
        t1_answer(&reader->icc.t1, bytes, len, block, &block_len);
        send_block(reader, cmd, block, block_len);
}

static void t1_transfer(
        struct reader *reader, const struct ccid *cmd, const uint8_t *data, size_t len)
{
        struct t1 *t1 = &reader->icc.t1;
        uint8_t block[3 + 254 + 2];
        size_t block_len = 0;
        unsigned int breaches = t1->breaches;
        t1->refusing = reader->fault.kind == FAULT_NAK;
        enum t1_step step = t1_receive(t1, data, len, block, &block_len);
        if (t1->breaches != breaches)
                mock_log(reader->p, "breach of T=1: %s", t1->breach);
        if (step == T1_REPLY) {
                send_block(reader, cmd, block, block_len);
                return;
        }
        if (step == T1_RESUME && cmd->specific[0] != WTX_FACTOR) {
                t1->breaches++;
                snprintf(t1->breach, sizeof t1->breach,
                        "time for the card, none for the reader: bBWI");
        }
        if (step == T1_RUN) {
                size_t apdu_len = t1->apdu_len;
                t1->apdu_len = 0;
                if (!send_apdu(reader, t1->apdu, apdu_len)) {
                        give_up(reader, cmd, WOKEN_REMOVED);
                        return;
                }
        }
        t1_work(reader, cmd);
}

/* ------------------------------------------------------------ T=0 */

static void t0_transfer(
        struct reader *reader, const struct ccid *cmd, const uint8_t *data, size_t len)
{
        uint8_t bytes[4096];
        size_t got = 0;
        if (len < 4 || (len > 5 && len != 5u + data[4])) {
                mock_log(reader->p, "breach of T=0: %zu bytes", len);
                reader->icc.t1.breaches++;
                ccid_fail(reader, cmd, TYPE_DATA, ERROR_PROTOCOL);
                return;
        }
        if (run_apdu(reader, cmd, data, len, bytes, sizeof bytes, &got) && dawdle(reader, cmd))
                ccid_data(reader, cmd, bytes, got, 0);
}

/* An APDU for a T=0 card: Le is kept back, what waits is fetched, a wrong Le is said again
 * (ISO 7816-3:2006, 12.2). Appends to `out`. */
static bool t0_apdu(struct reader *reader, const struct ccid *cmd, const uint8_t *apdu, size_t len,
        uint8_t *out, size_t *ret_len)
{
        uint8_t bytes[4096], header[5];
        size_t got = 0, body = len > 5 ? apdu[4] : 0;
        bool fetch = len > 5 && len == 6 + body; /* case 4 */
        *ret_len = 0;
        if (!run_apdu(reader, cmd, apdu, fetch ? len - 1 : len, bytes, sizeof bytes, &got))
                return false;
        memcpy(header, apdu, base_min(len, 5));
        for (int turn = 0; turn < 40; turn++) {
                uint8_t sw1 = bytes[got - 2], sw2 = bytes[got - 1];
                bool again = sw1 == 0x6C && got == 2 && (len == 5 || fetch);
                bool more = sw1 == 0x61 && (fetch || (len == 5 && *ret_len + got - 2 < 256));
                memcpy(out + *ret_len, bytes, got);
                *ret_len += got;
                if (!again && !more)
                        return true;
                *ret_len -= 2;
                if (more)
                        memcpy(header, (const uint8_t[]){ apdu[0], 0xC0, 0, 0 }, 4);
                header[4] = sw2;
                if (!run_apdu(reader, cmd, header, 5, bytes, sizeof bytes, &got))
                        return false;
        }
        return true;
}

/* ------------------------------------------------------------ APDU levels */

static void send_rest(struct reader *reader, const struct ccid *cmd)
{
        size_t room = reader->p->max_message - CCID_HEADER,
               left = reader->rest_len - reader->rest_pos;
        size_t n = base_min(left, room);
        const uint8_t *at = reader->rest + reader->rest_pos;
        bool first = reader->rest_pos == 0, last = n == left;
        reader->rest_pos += n;
        ccid_data(reader, cmd, at, n, first ? (last ? 0 : 1) : last ? 2 : 3);
}

static void apdu_transfer(
        struct reader *reader, const struct ccid *cmd, const uint8_t *data, size_t len)
{
        bool t0 = reader->icc.protocol == 0 && reader->icc.offered == 1;
        reader->rest_len = reader->rest_pos = 0;
        if (len < 4) {
                ccid_fail(reader, cmd, TYPE_DATA, ERROR_LENGTH);
                return;
        }
        bool ok = t0 ? t0_apdu(reader, cmd, data, len, reader->rest, &reader->rest_len)
                     : run_apdu(reader, cmd, data, len, reader->rest, sizeof reader->rest,
                               &reader->rest_len);
        if (ok && dawdle(reader, cmd))
                send_rest(reader, cmd);
}

/* Collects an extended APDU (wLevelParameter 1 begins, 3 goes on, 2 ends, 10 asks for more answer). */
static void chained_transfer(struct reader *reader, const struct ccid *cmd)
{
        unsigned int level = cmd->specific[1] | (unsigned int)cmd->specific[2] << 8;
        if (level == 0x10) {
                if (reader->rest_pos < reader->rest_len)
                        send_rest(reader, cmd);
                else
                        ccid_fail(reader, cmd, TYPE_DATA, 8);
                return;
        }
        if (level == 0 || level == 1)
                reader->chain_len = 0;
        if (level > 3 || reader->chain_len + cmd->len > sizeof reader->chain ||
                (level > 1 && reader->chain_len == 0)) {
                ccid_fail(reader, cmd, TYPE_DATA, 8);
                return;
        }
        memcpy(reader->chain + reader->chain_len, cmd->data, cmd->len);
        reader->chain_len += cmd->len;
        if (level & 1) {
                ccid_data(reader, cmd, NULL, 0, 0x10);
                return;
        }
        size_t len = reader->chain_len;
        reader->chain_len = 0;
        apdu_transfer(reader, cmd, reader->chain, len);
}

/* ------------------------------------------------------------ XfrBlock */

/* Do reader and card understand each other? */
static bool in_tune(const struct reader *reader)
{
        const struct icc *icc = &reader->icc;
        if (reader->p->level != LEVEL_TPDU)
                return true;
        return reader->parameters_protocol == icc->protocol && reader->parameters[0] == icc->fidi;
}

static void tpdu_transfer(
        struct reader *reader, const struct ccid *cmd, const uint8_t *data, size_t len)
{
        uint8_t pps[6];
        if (reader->icc.fresh && len > 2 && len <= 6 && data[0] == 0xFF) {
                size_t n = icc_pps(&reader->icc, data, len, pps);
                mock_log(reader->p, "pps %s", n ? "accepted" : "refused");
                if (n)
                        ccid_data(reader, cmd, pps, n, 0);
                else
                        ccid_fail(reader, cmd, TYPE_DATA, ERROR_MUTE);
                return;
        }
        if (!in_tune(reader)) {
                mock_log(reader->p, "out of tune: protocol %u, %02x; the card: %u, %02x",
                        reader->parameters_protocol, reader->parameters[0], reader->icc.protocol,
                        reader->icc.fidi);
                ccid_fail(reader, cmd, TYPE_DATA, ERROR_MUTE);
                return;
        }
        if (reader->icc.protocol == 1)
                t1_transfer(reader, cmd, data, len);
        else
                t0_transfer(reader, cmd, data, len);
}

/* The instruction of the APDU that this transfer begins, -1: none does. */
static int instruction_of(
        const struct reader *reader, const uint8_t *data, size_t len, bool *ret_with_data)
{
        bool blocks = reader->p->level == LEVEL_TPDU && reader->icc.protocol == 1;
        size_t head = blocks ? 3 : 0;
        *ret_with_data = len > head + 5 + (blocks ? 1 : 0);
        if (len < head + 4 || (blocks && data[1] & 0x80))
                return -1;
        return data[head + 1];
}

void ccid_exchange(struct reader *reader, const struct ccid *cmd, const uint8_t *data, size_t len)
{
        bool with_data = false, going_on = reader->icc.t1.waiting && reader->fault.kind;
        int ins = instruction_of(reader, data, len, &with_data);
        reader->transfers++;
        if (!going_on) {
                reader->fault = fault_strikes(&reader->faults, ins, with_data);
                reader->struck += reader->fault.kind != FAULT_NONE;
        }
        if (reader->fault.before) {
                if (reader->fault.kind == FAULT_LOST)
                        reader->fault.kind = FAULT_NONE;
                if (dawdle(reader, cmd))
                        ccid_fail(reader, cmd, TYPE_DATA, ERROR_MUTE);
                return;
        }
        if (reader->p->level == LEVEL_TPDU)
                tpdu_transfer(reader, cmd, data, len);
        else if (reader->p->level == LEVEL_EXTENDED && cmd->type == 0x6F)
                chained_transfer(reader, cmd);
        else
                apdu_transfer(reader, cmd, data, len);
}

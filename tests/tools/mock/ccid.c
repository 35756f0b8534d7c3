/* SPDX-License-Identifier: Apache-2.0 */
/* ccid.c: the firmware: bulk messages of CCID 1.1 clauses 6.1 and 6.2 and what they do to a card.
 *
 * At TPDU level the host does T=1 with the card itself (t1.c) and T=0 half; at the APDU levels the
 * reader does both, here by handing the APDU over, for T=0 in the pieces that a card takes.
 */
#include "tests/tools/mock/reader.h"

#define HEADER 10

enum {
        TYPE_DATA = 0x80,
        TYPE_STATUS = 0x81,
        TYPE_PARAMETERS = 0x82,
        TYPE_ESCAPE = 0x83,
        TYPE_RATE = 0x84
};
enum {
        ERROR_ABORTED = 0xFF,
        ERROR_MUTE = 0xFE,
        ERROR_PARITY = 0xFD,
        ERROR_PROTOCOL = 0xF4,
        ERROR_UNSUPPORTED = 0,
        ERROR_LENGTH = 1,
        ERROR_SLOT = 5
};

static uint8_t icc_status(const struct reader *reader)
{
        return !card_lies(reader) ? 2 : reader->icc.powered ? 0 : 1;
}

static void put_length(uint8_t *message, size_t len)
{
        for (size_t i = 0; i < 4; i++)
                message[1 + i] = (uint8_t)(len >> 8 * i);
}

/* ------------------------------------------------------------ answers */

/* True when the message is not to be sent any more. */
static bool spoil(struct reader *reader, uint8_t *message, size_t *len)
{
        struct fault fault = reader->fault;
        if (fault.kind > FAULT_TWICE) /* the card's */
                return false;
        reader->fault.kind = FAULT_NONE;
        switch (fault.kind) {
        case FAULT_SILENT: return true;
        case FAULT_SEQUENCE: message[6] = (uint8_t)(message[6] + fault.value); return false;
        case FAULT_SHORT: *len -= base_min(fault.value, *len); return false;
        case FAULT_OVERSIZE: put_length(message, fault.value); return false;
        case FAULT_LONGER: put_length(message, *len - HEADER + fault.value); return false;
        case FAULT_SLOT: message[5] = (uint8_t)fault.value; return false;
        case FAULT_TYPE: message[0] = (uint8_t)fault.value; return false;
        case FAULT_ERROR:
                message[7] = (uint8_t)(icc_status(reader) | 0x40);
                message[8] = (uint8_t)fault.value;
                put_length(message, 0);
                *len = HEADER;
                return false;
        case FAULT_GARBAGE:
                for (size_t i = 0; i < *len; i++)
                        message[i] = (uint8_t)(message[i] * 31 + 7 * i + 3);
                return false;
        case FAULT_TWICE: reader_send(reader, PACKET_IN, message, *len); return false;
        case FAULT_STALL: reader_send(reader, PACKET_STALL_IN, NULL, 0); return true;
        case FAULT_UNPLUG: {
                const uint8_t back[2] = { (uint8_t)fault.value, (uint8_t)(fault.value >> 8) };
                reader_send(reader, PACKET_UNPLUG, back, fault.value ? 2 : 0);
                return true;
        }
        default: return false;
        }
}

static void answer(struct reader *reader, const struct ccid *cmd, uint8_t type, uint8_t status,
        uint8_t error, uint8_t last, const uint8_t *data, size_t len)
{
        uint8_t *message = reader->out;
        message[0] = type;
        put_length(message, len);
        message[5] = cmd->slot;
        message[6] = cmd->seq;
        message[7] = (uint8_t)(icc_status(reader) | status << 6);
        message[8] = error;
        message[9] = last;
        if (len > 0)
                memmove(message + HEADER, data, len);
        len += HEADER;
        if (status == 2 || !spoil(reader, message, &len))
                reader_send(reader, PACKET_IN, message, len);
}

void ccid_data(struct reader *reader, const struct ccid *cmd, const uint8_t *data, size_t len,
        uint8_t chain)
{
        answer(reader, cmd, TYPE_DATA, 0, 0, chain, data, len);
}

void ccid_fail(struct reader *reader, const struct ccid *cmd, uint8_t type, uint8_t error)
{
        mock_log(reader->p, "error %02x to command %02x", error, cmd->type);
        answer(reader, cmd, type, 1, error, 0, NULL, 0);
}

void ccid_more_time(struct reader *reader, const struct ccid *cmd, uint8_t factor)
{
        answer(reader, cmd, TYPE_DATA, 2, factor, 0, NULL, 0);
}

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
                t1_ask_time(&reader->icc.t1, 1, block, &block_len);
                ccid_data(reader, cmd, block, block_len, 0);
                return;
        }
        enum woken woken =
                reader_wait(reader, mock_ms() + reader->p->wtx_ms, bytes, sizeof bytes, &len);
        if (woken == WOKEN_TIME || woken == WOKEN_TYPED) {
                t1_ask_time(&reader->icc.t1, 1, block, &block_len);
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
        size_t room = reader->p->max_message - HEADER, left = reader->rest_len - reader->rest_pos;
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

static void on_transfer(struct reader *reader, const struct ccid *cmd)
{
        if (!card_lies(reader) || !reader->icc.powered)
                ccid_fail(reader, cmd, TYPE_DATA, ERROR_MUTE);
        else
                ccid_exchange(reader, cmd, cmd->data, cmd->len);
}

/* ------------------------------------------------------------ power and parameters */

static size_t parameters_len(unsigned int protocol)
{
        return protocol == 1 ? 7 : 5;
}

static void default_parameters(struct reader *reader)
{
        static const uint8_t t1[7] = { 0x11, 0x10, 0, 0x4D, 0, 32, 0 };
        static const uint8_t t0[7] = { 0x11, 0, 0, 0x0A, 0, 0, 0 };
        struct icc *icc = &reader->icc;
        if (reader->p->auto_rates)
                (void)icc_select(icc, icc->protocol, icc->fidi_offered);
        memcpy(reader->parameters, icc->protocol ? t1 : t0, sizeof t1);
        reader->parameters_protocol = icc->protocol;
        if (reader->p->auto_rates || icc->specific)
                reader->parameters[0] = icc->fidi;
        if (icc->protocol)
                reader->parameters[5] = (uint8_t)icc->t1.ifsc;
        if (icc->protocol && reader->p->auto_ifsd)
                icc->t1.ifsd = base_min(reader->p->max_ifsd, 254) & 0xFF;
}

static void on_power_on(struct reader *reader, const struct ccid *cmd)
{
        if (!card_lies(reader) || !link_power(&reader->link, true) || reader->link.atr_len < 2) {
                ccid_fail(reader, cmd, TYPE_DATA, ERROR_MUTE);
                return;
        }
        unsigned int breaches = reader->icc.t1.breaches;
        char breach[sizeof reader->icc.t1.breach];
        memcpy(breach, reader->icc.t1.breach, sizeof breach);
        icc_start(&reader->icc, reader->link.atr, reader->link.atr_len);
        reader->icc.t1.breaches = breaches;
        memcpy(reader->icc.t1.breach, breach, sizeof breach);
        reader->chain_len = reader->rest_len = reader->rest_pos = 0;
        default_parameters(reader);
        mock_log(reader->p, "power on");
        ccid_data(reader, cmd, reader->link.atr, reader->link.atr_len, 0);
}

static void on_power_off(struct reader *reader, const struct ccid *cmd)
{
        reader_power_off(reader);
        answer(reader, cmd, TYPE_STATUS, 0, 0, 1, NULL, 0);
}

static void on_status(struct reader *reader, const struct ccid *cmd)
{
        answer(reader, cmd, TYPE_STATUS, 0, 0, reader->icc.powered ? 0 : 1, NULL, 0);
}

static void tell_parameters(struct reader *reader, const struct ccid *cmd)
{
        answer(reader, cmd, TYPE_PARAMETERS, 0, 0, (uint8_t)reader->parameters_protocol,
                reader->parameters, parameters_len(reader->parameters_protocol));
}

static void on_parameters(struct reader *reader, const struct ccid *cmd)
{
        unsigned int protocol = cmd->specific[0];
        if (cmd->type == 0x61) {
                if (protocol > 1 || !(reader->p->protocols >> protocol & 1)) {
                        ccid_fail(reader, cmd, TYPE_PARAMETERS, 7);
                        return;
                }
                if (cmd->len != parameters_len(protocol)) {
                        ccid_fail(reader, cmd, TYPE_PARAMETERS, ERROR_LENGTH);
                        return;
                }
                memcpy(reader->parameters, cmd->data, cmd->len);
                reader->parameters_protocol = protocol;
                if (reader->p->auto_rates && reader->icc.powered)
                        (void)icc_select(&reader->icc, protocol, cmd->data[0]);
                mock_log(reader->p, "parameters T=%u %02x", protocol, cmd->data[0]);
        }
        if (cmd->type == 0x6D)
                default_parameters(reader);
        tell_parameters(reader, cmd);
}

static void on_abort(struct reader *reader, const struct ccid *cmd)
{
        mock_log(reader->p, "abort");
        answer(reader, cmd, TYPE_STATUS, 0, 0, 0, NULL, 0);
}

static void on_clock(struct reader *reader, const struct ccid *cmd)
{
        answer(reader, cmd, TYPE_STATUS, 0, 0, cmd->specific[0] ? 1 : 0, NULL, 0);
}

static void on_secure(struct reader *reader, const struct ccid *cmd)
{
        if (!reader->p->pinpad)
                ccid_fail(reader, cmd, TYPE_DATA, ERROR_UNSUPPORTED);
        else if (!card_lies(reader) || !reader->icc.powered)
                ccid_fail(reader, cmd, TYPE_DATA, ERROR_MUTE);
        else
                ccid_secure(reader, cmd);
}

/* ------------------------------------------------------------ the table */

static const struct {
        uint8_t type, answer;
        void (*run)(struct reader *reader, const struct ccid *cmd);
} commands[] = {
        { 0x62, TYPE_DATA, on_power_on },
        { 0x63, TYPE_STATUS, on_power_off },
        { 0x65, TYPE_STATUS, on_status },
        { 0x6F, TYPE_DATA, on_transfer },
        { 0x6C, TYPE_PARAMETERS, on_parameters },
        { 0x6D, TYPE_PARAMETERS, on_parameters },
        { 0x61, TYPE_PARAMETERS, on_parameters },
        { 0x6E, TYPE_STATUS, on_clock },
        { 0x69, TYPE_DATA, on_secure },
        { 0x72, TYPE_STATUS, on_abort },
        { 0x6B, TYPE_ESCAPE, NULL },
        { 0x73, TYPE_RATE, NULL },
};

void ccid_serve(struct reader *reader, const uint8_t *bytes, size_t len)
{
        uint32_t said = len < HEADER ? 0
                                     : bytes[1] | (uint32_t)bytes[2] << 8 |
                                               (uint32_t)bytes[3] << 16 | (uint32_t)bytes[4] << 24;
        if (len < HEADER) {
                mock_log(reader->p, "breach of CCID: a message of %zu bytes", len);
                return;
        }
        struct ccid cmd = { bytes[0], bytes[5], bytes[6], { bytes[7], bytes[8], bytes[9] },
                bytes + HEADER, len - HEADER };
        for (size_t i = 0; i < ARRAY_LEN(commands); i++) {
                if (commands[i].type != cmd.type)
                        continue;
                if (said != cmd.len || len > reader->p->max_message)
                        ccid_fail(reader, &cmd, commands[i].answer, ERROR_LENGTH);
                else if (cmd.slot != 0)
                        ccid_fail(reader, &cmd, commands[i].answer, ERROR_SLOT);
                else if (!commands[i].run)
                        ccid_fail(reader, &cmd, commands[i].answer, ERROR_UNSUPPORTED);
                else
                        commands[i].run(reader, &cmd);
                return;
        }
        ccid_fail(reader, &cmd, TYPE_STATUS, ERROR_UNSUPPORTED);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* ccid.c: the firmware: bulk messages of CCID 1.1 clauses 6.1 and 6.2 and what they do to a card.
 */
#include "tests/tools/mock/reader.h"

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
        if (fault.kind > FAULT_POWER) /* the card's */
                return false;
        reader->fault.kind = FAULT_NONE;
        switch (fault.kind) {
        case FAULT_SILENT: return true;
        case FAULT_SEQUENCE: message[6] = (uint8_t)(message[6] + fault.value); return false;
        case FAULT_SHORT: *len -= base_min(fault.value, *len); return false;
        case FAULT_OVERSIZE: put_length(message, fault.value); return false;
        case FAULT_LONGER: put_length(message, *len - CCID_HEADER + fault.value); return false;
        case FAULT_SLOT: message[5] = (uint8_t)fault.value; return false;
        case FAULT_TYPE: message[0] = (uint8_t)fault.value; return false;
        case FAULT_POWER: /* as after a suspended machine: the card knows nothing any more */
                reader_power_off(reader);
                fault.value = ERROR_MUTE;
                /* fall through */
        case FAULT_ERROR:
                message[7] = (uint8_t)(icc_status(reader) | 0x40);
                message[8] = (uint8_t)fault.value;
                put_length(message, 0);
                *len = CCID_HEADER;
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
                memmove(message + CCID_HEADER, data, len);
        len += CCID_HEADER;
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
        uint32_t said = len < CCID_HEADER
                                ? 0
                                : bytes[1] | (uint32_t)bytes[2] << 8 | (uint32_t)bytes[3] << 16 |
                                          (uint32_t)bytes[4] << 24;
        if (len < CCID_HEADER) {
                mock_log(reader->p, "breach of CCID: a message of %zu bytes", len);
                return;
        }
        struct ccid cmd = { bytes[0], bytes[5], bytes[6], { bytes[7], bytes[8], bytes[9] },
                bytes + CCID_HEADER, len - CCID_HEADER };
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

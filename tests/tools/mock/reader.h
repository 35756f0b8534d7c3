/* SPDX-License-Identifier: Apache-2.0 */
/* reader.h: the inside of the mocked reader's own process: firmware, contacts, card, faults. */
#ifndef MOHR_MOCK_READER_H
#define MOHR_MOCK_READER_H

#include "tests/tools/mock/mock.h"

/* link.c: the card is another program that speaks vpcd's protocol (mohr-softcard --vpcd): a connection
 * is a card that lies there. */
struct card_link {
        const struct personality *p;
        int listener, fd;
        bool expecting; /* the card owes an answer */
        bool discard;   /* nobody wants it any more */
        uint8_t atr[33];
        size_t atr_len;
};
void link_accept(struct card_link *link);
void link_close(struct card_link *link);
/* False: the card vanished. */
bool link_power(struct card_link *link, bool on);
bool link_send(struct card_link *link, const uint8_t *apdu, size_t len);
/* Call when readable. 1: an answer of *ret_len bytes, 0: nothing yet, -1: the card vanished. */
int link_receive(struct card_link *link, uint8_t *out, size_t cap, size_t *ret_len);

/* t1.c: the card's end of T=1, ISO 7816-3:2006 clause 11. Strict: what it may not be sent is counted. */
struct t1 {
        unsigned int ifsc, ifsd; /* what the card, the reader can take */
        bool crc;
        uint8_t send_seq, receive_seq;
        uint8_t apdu[MOCK_APDU];
        size_t apdu_len;
        uint8_t answer[MOCK_APDU];
        size_t answer_len, answer_pos, answer_chunk;
        bool answering, waiting; /* a chain is on its way; a WTX request stands open */
        bool refusing;           /* tells the reader that its block was broken, though it was not */
        uint8_t last[3 + 254 + 2]; /* the block sent last, for repetition */
        size_t last_len;
        unsigned int breaches;
        char breach[96];
};
enum t1_step { T1_REPLY, T1_RUN, T1_RESUME, T1_MUTE };
void t1_start(struct t1 *t1, unsigned int ifsc, bool crc);
/* One block from the reader. T1_REPLY: `out` holds the answer; T1_RUN: t1->apdu is complete;
 * T1_RESUME: the time asked for was granted. `out` has room for a block. */
enum t1_step t1_receive(
        struct t1 *t1, const uint8_t *block, size_t len, uint8_t *out, size_t *ret_len);
/* The card's answer, as far as the first block carries it. */
void t1_answer(struct t1 *t1, const uint8_t *answer, size_t len, uint8_t *out, size_t *ret_len);
void t1_ask_time(struct t1 *t1, unsigned int factor, uint8_t *out, size_t *ret_len);
void t1_seal(const struct t1 *t1, uint8_t *block, size_t *len);

/* icc.c: what the ATR says, protocol and parameter selection. */
struct icc {
        bool powered, fresh; /* fresh: nothing but the ATR has been exchanged: PPS is possible */
        unsigned int offered, protocol; /* bits; 0 or 1 */
        uint8_t fidi, fidi_offered;     /* in force; TA1 */
        bool specific;
        struct t1 t1;
};
void icc_start(struct icc *icc, const uint8_t *atr, size_t len);
/* A PPS request as the first bytes. Length of the response, 0: the card falls silent. */
size_t icc_pps(struct icc *icc, const uint8_t *bytes, size_t len, uint8_t *out);
bool icc_select(
        struct icc *icc, unsigned int protocol, uint8_t fidi); /* the reader does PPS itself */

/* faults.c: KIND[=VALUE]@WHERE[/before][*TIMES] */
enum fault_kind {
        FAULT_NONE,
        /* of the reader's answer */
        FAULT_SILENT,
        FAULT_SEQUENCE,
        FAULT_SHORT,
        FAULT_OVERSIZE,
        FAULT_LONGER,
        FAULT_SLOT,
        FAULT_TYPE,
        FAULT_ERROR,
        FAULT_STALL,
        FAULT_STALL_OUT,
        FAULT_UNPLUG,
        FAULT_TIME,
        FAULT_GARBAGE,
        FAULT_TWICE,
        FAULT_POWER,
        /* of the card's block */
        FAULT_EDC,
        FAULT_NAK,
        FAULT_LOST,
        FAULT_WTX,
        FAULT_BLOCK_SHORT,
        FAULT_BLOCK_SEQUENCE,
        FAULT_BLOCK_LENGTH,
        FAULT_ABORT,
        FAULT_COUNT
};
struct fault {
        enum fault_kind kind;
        unsigned int value, n, times;
        bool before; /* the card never sees the command */
        int ins; /* >= 0: only an APDU with this instruction that carries data, if INS is VERIFY */
};
#define FAULTS_MAX 8
struct mock_faults {
        struct fault rows[FAULTS_MAX];
        size_t count;
};
_must_check_ int fault_arm(struct mock_faults *faults, const char *text);
/* The fault that strikes this transfer; each transfer is told once. `ins` -1: not known. */
struct fault fault_strikes(struct mock_faults *faults, int ins, bool with_data);
/* The next transfer, whatever it is, is struck by `kind`. */
bool fault_next_is(const struct mock_faults *faults, enum fault_kind kind);
void fault_done(struct mock_faults *faults, enum fault_kind kind);

/* reader.c, ccid.c, transfer.c, secure.c */
struct reader {
        const struct personality *p;
        int bus;
        struct card_link link;
        bool covered; /* the test took the card out, though its program runs on */
        bool told_present;
        struct icc icc;
        uint8_t parameters[7];
        unsigned int parameters_protocol;
        bool parameters_set;
        struct mock_faults faults;
        struct fault fault; /* that strikes the command being answered */
        char typed[17];     /* on the PIN pad */
        bool has_typed;
        int aborting; /* sequence of the abort request of the control pipe, -1: none */
        bool gone;    /* the bus was reset: nobody waits for what is being done */
        unsigned int transfers, verifies, secures, struck;
        uint8_t *parked; /* a message that came while another was being answered */
        size_t parked_len;
        uint8_t in[MOCK_MESSAGE + 16], out[MOCK_MESSAGE + 16], chain[MOCK_APDU];
        size_t chain_len; /* of an extended APDU on its way in */
        uint8_t rest[MOCK_APDU];
        size_t rest_len, rest_pos; /* of an answer on its way out */
};

#define CCID_HEADER 10
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

struct ccid {
        uint8_t type, slot, seq, specific[3];
        const uint8_t *data;
        size_t len;
};

void ccid_serve(struct reader *reader, const uint8_t *bytes, size_t len);
void ccid_data(struct reader *reader, const struct ccid *cmd, const uint8_t *data, size_t len,
        uint8_t chain);
void ccid_fail(struct reader *reader, const struct ccid *cmd, uint8_t type, uint8_t error);
void ccid_more_time(struct reader *reader, const struct ccid *cmd, uint8_t factor);
void ccid_exchange(struct reader *reader, const struct ccid *cmd, const uint8_t *data, size_t len);
void ccid_secure(struct reader *reader, const struct ccid *cmd);

bool card_lies(const struct reader *reader);
/* Waits for `ms` (-1: for ever) while the test and the card are heard. */
enum woken { WOKEN_TIME, WOKEN_ANSWER, WOKEN_ABORTED, WOKEN_REMOVED, WOKEN_GONE, WOKEN_TYPED };
enum woken reader_wait(
        struct reader *reader, int64_t until, uint8_t *answer, size_t cap, size_t *len);
void reader_send(struct reader *reader, uint8_t what, const void *bytes, size_t len);
void reader_power_off(struct reader *reader);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* ops.h: the private channel between mohrd and its helpers: card operations, never APDUs.
 *
 * One SOCK_SEQPACKET socketpair per helper, the helper's end is descriptor 3. A frame is
 *      u8 version (1) | u8 op | u16 id | u32 payload length | payload
 * big-endian, at most OPS_FRAME_MAX bytes, the length equal to what follows. mohrd asks, the helper
 * answers once with the same op and id, OPS_REPLY set, and the payload
 *      u8 outcome (0 ok, else enum outcome) | u16 last status word | op's own fields if outcome is 0
 *                     (VERIFY, PINPAD, CHANGE_PIN and UNBLOCK_PIN: i8 tries always)
 * One question at a time, and behind it what mohrd expects to ask next: such a frame has OPS_AHEAD set. One asked ahead
 * that is out of place in the state which the answers before it led to (drivers/helper/session.c) is not carried out and
 * answered OPS_SKIPPED in place of an outcome: nothing has happened, and mohrd asks in its time what it then needs. So are all
 * behind it, up to the next frame without OPS_AHEAD; and all behind an answer that is neither a yes nor a card's refusal. So a slow
 * link (a phone) is crossed less often, and a guess cannot do what the table of states does not allow. Answers come in the order
 * of the questions. Digits are never asked ahead: such a frame is malformed.
 * Any malformed byte ends the helper (exit 70) or, seen by mohrd, kills it.
 * A PIN travels in a frame of its own (op_is_secret()) from locked memory to locked memory and is accepted
 * only in the state table's one state, once.
 *
 * Every encode/decode pair lives in ops.c; both sides, the fuzz target and the tests use it.
 */
#ifndef MOHR_OPS_H
#define MOHR_OPS_H

#include "apdu/card.h"
#include "base/bytes.h"
#include "drivers/driver.h"

#define OPS_VERSION   1
#define OPS_HEADER    8
#define OPS_FRAME_MAX 20480
#define OPS_REPLY     0x80
#define OPS_AHEAD     0x40
#define OPS_OP        0x3F
#define OPS_SKIPPED   255
#define OPS_FD        3
#define OPS_PIN_MAX   8

enum op {
        OP_READY = 1, /* helper -> mohrd, unasked, first: sandbox is closed (struct op_ready) */
        OP_READERS,   /* watcher -> mohrd, unasked: struct op_readers */
        OP_BEGIN,     /* -> struct driver_card */
        OP_IDENTIFY,  /* -> struct card_identity */
        OP_READ,      /* u8 object -> bytes16 */
        OP_CONFIRM, /* u8 raw_signature of card.h; mohrd says: issuer confirmed -> bytes16 note (or empty) */
        OP_COUNTER, /* u8 pin_copy -> struct pin_counter */
        OP_PROBE,   /* -> struct card_probe */
        OP_METHOD,  /* u8 key, u8 method -> */
        OP_PIN,     /* the digits, 4..8 bytes; answered when stored in locked memory -> */
        OP_VERIFY,  /* -> i8 tries; the stored PIN is wiped whatever happens */
        OP_SIGN,    /* u8 key, u8 method, bytes16 digest or block -> bytes16 signature */
        OP_CLEAR,   /* -> */
        OP_END,     /* u8 driver_end -> */
        OP_PRESENCE, /* helper of a direct driver -> mohrd, unasked, outside transactions: struct driver_presence */
        OP_RESUME, /* u32 insertion, bytes16 note of an earlier helper: instead of IDENTIFY, for the card that never left;
                    * refused unless BEGIN found that very insertion -> */
        OP_PINPAD, /* u8 seconds for the first key -> i8 tries: the reader asks and makes the VERIFY itself */
        OP_TRANSCRIPT, /* u8 on: from now on it is written down; 0 -> bytes16 text, and no longer */
        OP_FOREIGN,    /* of a card that IDENTIFY did not know -> text16 what else it is */
        OP_NEW_PIN,    /* digits of the PIN that shall be, stored in locked memory -> */
        OP_CHANGE_PIN, /* digits of the PIN that is -> i8 tries; the stored PIN takes its place, or is wiped */
        OP_UNBLOCK_PIN, /* digits of the code that unblocks (PUK) -> i8 tries of that code; the same */
        OP_ANNOUNCE, /* to a linked reader: struct op_announce; what the next PIN and signature are for -> */
        OP_LINK, /* helper of a linked reader -> mohrd, unasked: struct op_link; mohrd -> helper, empty: is it there? Then one
                  * comes, or the helper ends */
        OP_COUNT,
};

struct op_frame {
        uint8_t op;
        bool reply, ahead;
        uint16_t id;
        struct view payload;
};

struct op_ready {
        uint8_t seccomp;  /* value of Seccomp: in /proc/self/status, 2 = filter */
        uint8_t dumpable; /* PR_GET_DUMPABLE */
        uint8_t no_new_privs;
        bool simulated;
        char driver[16];
};

struct op_readers {
        int outcome; /* 0, OUTCOME_READER_SERVICE (absent) or OUTCOME_POLICY (denied) */
        struct driver_reader readers[DRIVER_READERS_MAX];
        size_t count;
};

/* A reader at the other end of a link: a phone, or another computer (docs/phone.md). */
struct op_link {
        char reader[128]; /* as the phone calls it; "" it has none at the moment */
        bool simulated;   /* a program plays the card there, says the phone */
        bool asks_pin; /* it has a screen or terminal: the PIN is typed there, as on a reader's own keys */
        bool pin_sent;       /* in this connection a PIN went to the card from there, or may have */
        uint32_t latency_us; /* of the link, there and back, as measured last; 0 not yet */
};

/* What the person at the phone is told before anything asks for the PIN; valid for one VERIFY. `question` is a frame of
 * daemon/prompt/question.h without what steers programs (tty to pinentry are ""), with at most one document.
 * `signed_request`: the relying party's own, for a phone that has its anchors, or empty. */
#define OPS_ANNOUNCE_SIGNED_MAX 8192
struct op_announce {
        struct view question, signed_request; /* into the frame */
};

/* Its payload is digits that only the holder knows. */
static inline bool op_is_secret(enum op op)
{
        return op == OP_PIN || op == OP_NEW_PIN || op == OP_CHANGE_PIN || op == OP_UNBLOCK_PIN;
}

_must_check_ int op_frame_decode(const void *data, size_t len, struct op_frame *ret);
/* `op` may have OPS_AHEAD set. Writes header; returns a writer over the payload area; op_frame_finish() fills the length in and
 * returns the whole frame's length or < 0. */
struct out op_frame_begin(uint8_t *frame, size_t cap, uint8_t op, bool reply, uint16_t id);
_must_check_ ssize_t op_frame_finish(uint8_t *frame, const struct out *payload);

void op_put_ready(struct out *out, const struct op_ready *v);
_must_check_ int op_get_ready(struct view payload, struct op_ready *ret);
void op_put_readers(struct out *out, const struct op_readers *v);
_must_check_ int op_get_readers(struct view payload, struct op_readers *ret);

void op_put_presence(struct out *out, const struct driver_presence *v);
_must_check_ int op_get_presence(struct view payload, struct driver_presence *ret);

void op_put_link(struct out *out, const struct op_link *v);
_must_check_ int op_get_link(struct view payload, struct op_link *ret);
void op_put_announce(struct out *out, const struct op_announce *v);
_must_check_ int op_get_announce(struct view payload, struct op_announce *ret);

/* Replies: `outcome` and `sw` first. The getters are for payloads of outcome 0; op_get_result reads
 * the head and leaves `in` after it; the outcome may be OPS_SKIPPED. */
void op_put_result(struct out *out, int outcome, uint16_t sw);
_must_check_ int op_get_result(struct in *in, int *ret_outcome, uint16_t *ret_sw);
void op_put_card(struct out *out, const struct driver_card *v);
_must_check_ int op_get_card(struct in *in, struct driver_card *ret);
void op_put_identity(struct out *out, const struct card_identity *v);
_must_check_ int op_get_identity(struct in *in, struct card_identity *ret);
void op_put_counter(struct out *out, const struct pin_counter *v);
_must_check_ int op_get_counter(struct in *in, struct pin_counter *ret);
void op_put_probe(struct out *out, const struct card_probe *v);
_must_check_ int op_get_probe(struct in *in, struct card_probe *ret);

/* Descriptor side, shared by both ends. Receives one packet into buf; 0 = peer closed (ret_len 0);
 * -EMSGSIZE for a packet over cap (never truncated silently). Retries EINTR. */
_must_check_ int ops_send(int fd, const void *frame, size_t len);
_must_check_ int ops_recv(int fd, void *buf, size_t cap, size_t *ret_len);
bool ops_asked_ahead(int fd); /* is a question waiting there that has OPS_AHEAD set? */

#endif

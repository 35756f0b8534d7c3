/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_usb_reader.c: a hostile reader, from its first message on: power, parameters, APDUs at each
 * level, its keys, aborts. The first bytes choose what kind of reader it says to be. Each question
 * that can change something in a card reaches it once.
 */
#include "drivers/usb/icc.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct reader {
        struct in in;
        uint64_t now;
        uint8_t type, slot, seq;  /* of the last question */
        unsigned int handed_over; /* APDUs and entries in this transaction, at APDU level */
        bool blocks;
};

static void check(bool holds)
{
        if (!holds)
                abort();
}

static int out(void *ctx, const uint8_t *data, size_t len, unsigned int ms)
{
        struct reader *reader = ctx;
        check(ms > 0 && len >= CCID_HEADER && len <= CCID_MESSAGE_MAX);
        check(len == CCID_HEADER + (size_t)(data[1] | data[2] << 8));
        reader->type = data[0];
        reader->slot = data[5];
        reader->seq = data[6];
        if (reader->type == CCID_SECURE || (reader->type == CCID_XFR_BLOCK && !reader->blocks))
                reader->handed_over++;
        uint8_t how = in_u8(&reader->in);
        if (reader->in.error)
                return OUTCOME_NO_READER;
        return how == 1 ? -EPIPE : how == 2 ? OUTCOME_TIMED_OUT : 0;
}

/* A byte says what comes: a fault, or a message whose head is put right (even) or left (odd). */
static int in(void *ctx, uint8_t *data, size_t cap, unsigned int ms, size_t *ret_len)
{
        struct reader *reader = ctx;
        uint8_t how = in_u8(&reader->in);
        check(ms > 0);
        reader->now += how >> 2;
        if (reader->in.error)
                return OUTCOME_NO_READER;
        if (how < 8)
                return how == 0   ? -EPIPE
                       : how == 1 ? -EOVERFLOW
                       : how == 2 ? OUTCOME_TIMED_OUT
                                  : -EIO;
        struct view bytes = in_bytes(&reader->in, base_min(how, in_left(&reader->in)));
        size_t len = base_min(bytes.len, cap);
        if (len > 0)
                memcpy(data, bytes.data, len);
        if (len >= CCID_HEADER && how % 2 == 0) {
                data[0] =
                        reader->type == CCID_POWER_ON || reader->type == CCID_XFR_BLOCK ||
                                        reader->type == CCID_SECURE
                                ? CCID_DATA_BLOCK
                        : reader->type == CCID_SET_PARAMETERS || reader->type == CCID_GET_PARAMETERS
                                ? CCID_PARAMETERS
                                : CCID_SLOT_STATUS;
                memset(data + 1, 0, 4);
                data[1] = (uint8_t)(len - CCID_HEADER);
                data[5] = reader->slot;
                data[6] = reader->seq;
        }
        *ret_len = len;
        return 0;
}

static int notice(void *ctx, uint8_t *data, size_t cap, size_t *ret_len)
{
        (void)ctx, (void)data, (void)cap;
        *ret_len = 0;
        return 0;
}

static int control(void *ctx, uint8_t request, uint16_t value, unsigned int ms)
{
        struct reader *reader = ctx;
        check(request == WIRE_ABORT && ms > 0);
        (void)value;
        return in_u8(&reader->in) % 2 ? -EPIPE : 0;
}

static int unstall(void *ctx, enum wire_end end)
{
        (void)end;
        return in_u8(&((struct reader *)ctx)->in) == 1 ? -EIO : 0;
}

static uint64_t now(void *ctx)
{
        return ((struct reader *)ctx)->now;
}

static struct ccid_class class_of(uint8_t kind, uint8_t features)
{
        static const enum ccid_level levels[] = { CCID_LEVEL_TPDU, CCID_LEVEL_SHORT_APDU,
                CCID_LEVEL_EXTENDED_APDU, CCID_LEVEL_TPDU };
        return (struct ccid_class){
                .voltages = kind >> 5,
                .pin = CCID_PIN_VERIFY | CCID_PIN_MODIFY,
                .protocols = CCID_T0 | CCID_T1,
                .lcd = kind & 4,
                .clock_khz = 4000,
                .max_rate = 344086,
                .max_ifsd = 254,
                .features = (uint32_t)features << 1,
                .level = levels[kind & 3],
                .message_max = kind & 8 ? 271 : 20,
        };
}

static int talk(struct icc *icc, struct reader *reader)
{
        static const uint8_t verify[] = { 0x00, 0x20, 0x00, 0x81, 4, 1, 2, 3, 4 };
        static const struct apdu_pinpad how = {
                .ins = 0x20, .p2 = 0x81, .block_len = 8, .pad = 0xFF, .min = 4, .max = 8
        };
        uint8_t rsp[258];
        size_t len = 0;
        uint8_t what = in_u8(&reader->in);
        reader->handed_over = 0;
        ccid_allow(&icc->ccid, 300);
        reader->blocks = icc->class.level == CCID_LEVEL_TPDU && icc->protocol == APDU_T1;
        int r = what & 1 ? icc_pinpad(icc, &how, rsp, sizeof rsp, &len)
                         : icc_transmit(icc, verify, sizeof verify, rsp, sizeof rsp, &len);
        check(r != 0 || (len >= 2 && len <= sizeof rsp));
        check(reader->handed_over <= 1 || icc->class.level == CCID_LEVEL_EXTENDED_APDU);
        return r;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        static struct icc icc;
        struct reader reader = { .in = in_new(data, size) };
        struct wire wire = { out, in, notice, control, unstall, now, &reader, true };
        uint8_t kind = in_u8(&reader.in), features = in_u8(&reader.in);
        struct ccid_class class = class_of(kind, features);
        icc_init(&icc, &wire, &class, 0);
        for (int r = 0; r != OUTCOME_NO_READER && in_left(&reader.in) > 0;) {
                ccid_allow(&icc.ccid, 300);
                r = icc_look(&icc);
                reader.blocks = true; /* a PPS and an S-block are no commands */
                if (r == 0)
                        r = icc_power_on(&icc);
                while (r == 0)
                        r = talk(&icc, &reader);
                ccid_allow(&icc.ccid, 300);
                if (r != OUTCOME_NO_READER)
                        r = icc_power_off(&icc);
        }
        return 0;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* ccid_class.c: see ccid_class.h. The fields are read in the order of the table in CCID rev 1.1, 5.1.
 * Most readers put the descriptor after their interface, some after an endpoint; either way it lies in
 * a run of (length, type) blocks, which ccid_class_find() walks.
 */
#include "drivers/usb/ccid_class.h"

#define LEVEL_MASK 0x00070000
/* A header and the longest short APDU: what every reader must take at every level (5.1). */
#define MESSAGE_MIN 271

static uint16_t le16(struct in *in)
{
        return __builtin_bswap16(in_u16(in));
}

static uint32_t le32(struct in *in)
{
        return __builtin_bswap32(in_u32(in));
}

static enum ccid_level level_of(uint32_t features)
{
        switch (features & LEVEL_MASK) {
        case 0x00010000: return CCID_LEVEL_TPDU;
        case 0x00020000: return CCID_LEVEL_SHORT_APDU;
        case 0x00040000: return CCID_LEVEL_EXTENDED_APDU;
        default: return 0;
        }
}

int ccid_class_parse(const void *data, size_t len, struct ccid_class *ret)
{
        struct ccid_class class = { 0 };
        struct in in = in_new(data, len);
        bool ours = in_u8(&in) == CCID_CLASS_LEN && in_u8(&in) == CCID_CLASS_TYPE;
        (void)le16(&in); /* bcdCCID */
        class.max_slot = in_u8(&in);
        class.voltages = in_u8(&in) & (CCID_5V | CCID_3V | CCID_1V8);
        class.protocols = (uint16_t)(le32(&in) & (CCID_T0 | CCID_T1));
        class.clock_khz = le32(&in);
        (void)le32(&in);  /* dwMaximumClock */
        (void)in_u8(&in); /* bNumClockSupported */
        class.rate = le32(&in);
        class.max_rate = le32(&in);
        class.rate_count = in_u8(&in);
        class.max_ifsd = le32(&in);
        (void)le32(&in); /* dwSynchProtocols */
        (void)le32(&in); /* dwMechanical */
        class.features = le32(&in);
        size_t message = le32(&in);
        (void)in_u16(&in); /* bClassGetResponse, bClassEnvelope */
        class.lcd = le16(&in);
        class.pin = in_u8(&in) & (CCID_PIN_VERIFY | CCID_PIN_MODIFY);
        (void)in_u8(&in); /* bMaxCCIDBusySlots: one at a time is always allowed */
        if (in_done(&in) < 0 || !ours || message < MESSAGE_MIN)
                return -EBADMSG;
        class.message_max = base_min(message, CCID_MESSAGE_MAX);
        class.level = level_of(class.features);
        if (class.level == 0)
                return -ENOTSUP;
        *ret = class;
        return 0;
}

int ccid_class_find(const void *data, size_t len, struct ccid_class *ret)
{
        const uint8_t *bytes = data;
        for (size_t at = 0; at + 2 <= len && bytes[at] >= 2 && bytes[at] <= len - at;
                at += bytes[at])
                if (bytes[at] == CCID_CLASS_LEN && bytes[at + 1] == CCID_CLASS_TYPE)
                        return ccid_class_parse(bytes + at, bytes[at], ret);
        return -ENOENT;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_usb_class.c: descriptors of a device that says what it likes, and the quirks upon them. */
#include "drivers/usb/quirks.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool holds)
{
        if (!holds)
                abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        struct ccid_class class;
        if (size < 4 || ccid_class_find(data + 4, size - 4, &class) != 0)
                return 0;
        usb_quirk_apply(usb_quirk_find((uint16_t)(data[0] << 8 | data[1]),
                                (uint16_t)(data[2] << 8 | data[3])),
                &class);
        check(class.message_max > CCID_HEADER && class.message_max <= CCID_MESSAGE_MAX);
        check(class.level == CCID_LEVEL_TPDU || class.level == CCID_LEVEL_SHORT_APDU ||
                class.level == CCID_LEVEL_EXTENDED_APDU);
        check((class.protocols & ~(CCID_T0 | CCID_T1)) == 0);
        return 0;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* quirks.h: where certain readers are not what their descriptors say. Rows by vendor and product;
 * nothing outside quirks.c may look at those numbers.
 */
#ifndef MOHR_USB_QUIRKS_H
#define MOHR_USB_QUIRKS_H

#include "drivers/usb/ccid_class.h"

enum usb_quirk_flag {
        QUIRK_NO_PIN_PAD = 1 << 0, /* announces PIN entry that does not work */
        QUIRK_SHORT_APDU = 1 << 1, /* announces extended APDUs, takes short ones */
        QUIRK_SLOW = 1 << 2,       /* announces a speed that it does not hold */
        QUIRK_IFSD_254 = 1 << 3,   /* announces an IFSD that is wrong */
        QUIRK_NO_PARAMETERS =
                1 << 4, /* answers questions about parameters with malformed messages */
};

struct usb_quirk {
        uint16_t vendor, product;
        uint32_t flags; /* set of enum usb_quirk_flag */
        uint16_t
                poll_ms; /* how often a reader without an interrupt endpoint is asked for its card */
        char evidence; /* K: known from other drivers of the same reader; M: measured; D: by the standard */
};

/* Never NULL: the last row is everybody else's. */
const struct usb_quirk *usb_quirk_find(uint16_t vendor, uint16_t product);
void usb_quirk_apply(const struct usb_quirk *quirk, struct ccid_class *class);

#endif

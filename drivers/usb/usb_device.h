/* SPDX-License-Identifier: Apache-2.0 */
/* usb_device.h: one CCID interface of one USB device, through libusb. The only file of this room that
 * knows libusb is its other half.
 *
 * Opening happens before the sandbox: the device node is opened by its name and handed to libusb as a
 * descriptor, with device discovery off, so that no thread watches udev and nothing has to be opened
 * later. Nobody is pushed aside: an interface that another program or a kernel driver has claimed is
 * BUSY.
 */
#ifndef MOHR_USB_USB_DEVICE_H
#define MOHR_USB_USB_DEVICE_H

#include "drivers/usb/quirks.h"
#include "drivers/usb/wire.h"

#define USB_CLASS_SMART_CARD 0x0B

struct usb_device;

/* "/dev/bus/usb/BBB/DDD" or "fd:N" for a descriptor that somebody opened for us, then optionally
 * ":INTERFACE" (else the first that is a smart card reader), then optionally ":SLOT" (else 0). */
struct usb_address {
        char node[32]; /* "" for a descriptor */
        int fd, interface;
        uint8_t slot;
};
_must_check_ int usb_address_parse(const char *text, struct usb_address *ret);

/* 0; NO_READER; BUSY: claimed by somebody else; READER_SERVICE: no permission; or < 0. A descriptor
 * is taken over, whatever comes of it. */
_must_check_ int usb_device_open(struct usb_device **ret, const struct usb_address *address);
/* Releases the interface; the card keeps its power, if it has any. */
struct usb_device *usb_device_free(struct usb_device *device);
static inline void usb_device_free_cleanup(struct usb_device **slot)
{
        *slot = usb_device_free(*slot);
}
#define _cleanup_usb_device_ _cleanup_(usb_device_free_cleanup)

const struct wire *usb_device_wire(const struct usb_device *device);
const struct ccid_class *usb_device_class(const struct usb_device *device);
const struct usb_quirk *usb_device_quirk(const struct usb_device *device);
/* The speeds the reader lists (5.3.3); 0 if it lists none. ret holds CCID_RATES_MAX. */
size_t usb_device_rates(struct usb_device *device, uint32_t *ret);
/* Makes the device start anew; the interface stays ours. Before the sandbox only. */
_must_check_ int usb_device_reset(struct usb_device *device);
/* Until `channel` can be read, something came over USB, or ms (-1: for ever) are over. */
_must_check_ int usb_device_wait(struct usb_device *device, int channel, int ms, bool *ret_channel);

#endif

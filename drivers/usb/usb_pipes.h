/* SPDX-License-Identifier: Apache-2.0 */
/* usb_pipes.h: what usb_device.c and usb_pipes.c share, which are one thing in two files: the device and
 * what goes through it. Nobody else includes it.
 */
#ifndef MOHR_USB_USB_PIPES_H
#define MOHR_USB_USB_PIPES_H

#include "drivers/usb/usb_device.h"

#include <libusb.h>

#define INTERRUPT_MAX 64

struct usb_device {
        int fd;
        libusb_context *context;
        libusb_device_handle *handle;
        struct libusb_transfer *notice, *bulk;
        int channel; /* to mohrd, -1: not known yet, or its other end is closed */
        struct wire wire;
        struct ccid_class class;
        const struct usb_quirk *quirk;
        uint8_t number; /* of the interface */
        uint8_t in, out, interrupt;
        bool claimed, noticed, gone, bulk_done, orphan;
        bool under_way; /* the interrupt transfer belongs to the kernel */
        uint8_t message[INTERRUPT_MAX];
        size_t message_len; /* what the endpoint sends at most */
        size_t notice_len;  /* of what it sent */
        unsigned int failures;
};

/* libusb's return value as one of wire.h's. */
int usb_pipes_outcome(int r);
/* Sets device->wire up; the interrupt endpoint, if there is one, listens from now on. */
_must_check_ int usb_pipes_open(struct usb_device *device);
void usb_pipes_close(struct usb_device *device);

#endif

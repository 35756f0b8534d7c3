/* SPDX-License-Identifier: Apache-2.0 */
/* usb_address.c: the text that names a reader, see usb_device.h. It comes from mohrd's watcher or a
 * command line; only device nodes of the USB bus are opened for it.
 */
#include "drivers/usb/usb_device.h"

#include <stdio.h>

#define NODES "/dev/bus/usb/"

/* The decimal number at *text, which moves on. -1 if there is none below `limit`. */
static int number(const char **text, int limit)
{
        int value = 0;
        const char *start = *text;
        for (; **text >= '0' && **text <= '9' && value < limit; (*text)++)
                value = value * 10 + (**text - '0');
        return *text == start || value >= limit ? -1 : value;
}

static bool skip(const char **text, const char *what)
{
        size_t len = strlen(what);
        bool there = strncmp(*text, what, len) == 0;
        *text += there ? len : 0;
        return there;
}

int usb_address_parse(const char *text, struct usb_address *ret)
{
        struct usb_address address = { .fd = -1, .interface = -1 };
        int bus = 0, device = 0, slot = 0;
        if (skip(&text, "fd:")) {
                address.fd = number(&text, 1 << 16);
                device = address.fd;
        } else if (skip(&text, NODES)) {
                bus = number(&text, 1000);
                device = skip(&text, "/") ? number(&text, 1000) : -1;
                (void)snprintf(address.node, sizeof address.node, NODES "%03d/%03d", bus, device);
        } else {
                return -EINVAL;
        }
        if (skip(&text, ":")) {
                address.interface = number(&text, 256);
                slot = skip(&text, ":") ? number(&text, 256) : 0;
                bus = address.interface < 0 ? -1 : bus;
        }
        if (bus < 0 || device < 0 || slot < 0 || *text)
                return -EINVAL;
        address.slot = (uint8_t)slot;
        *ret = address;
        return 0;
}

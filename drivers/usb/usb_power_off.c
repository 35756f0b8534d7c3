/* SPDX-License-Identifier: Apache-2.0 */
/* usb_power_off.c: no power on any card that mohrd left behind, see usb.h.
 *
 * A helper that is killed is followed by another one, whose open() does this. When mohrd itself is
 * gone nobody starts one, so its unit calls this afterwards. It remembers nothing: whatever smart card
 * reader is plugged in and held by nobody can have no session that anybody still wants. Only devices
 * that the kernel lists as such readers are opened.
 */
#include "drivers/usb/usb_settle.h"

#include "drivers/usb/usb.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>

#define DEVICES "/sys/bus/usb/devices"

/* The number in a file of one line; -1 if there is none. */
static int read_number(const char *device, const char *file, int base)
{
        char path[512], text[16] = "";
        (void)snprintf(path, sizeof path, DEVICES "/%s/%s", device, file);
        _cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC);
        if (fd < 0 || read(fd, text, sizeof text - 1) <= 0)
                return -1;
        char *end;
        long value = strtol(text, &end, base);
        return end == text || value < 0 || value > 0xFFFF ? -1 : (int)value;
}

static void power_off(const struct usb_address *address, int *ret_worst)
{
        _cleanup_usb_device_ struct usb_device *device = NULL;
        int r = usb_device_open(&device, address);
        if (r != 0)
                return; /* held by another program, not ours to touch, or gone */
        uint8_t last = usb_device_class(device)->max_slot;
        for (unsigned int slot = 0; slot <= last; slot++) {
                struct icc icc;
                icc_init(&icc, usb_device_wire(device), usb_device_class(device), (uint8_t)slot);
                r = usb_settle(device, &icc);
                if (r == OUTCOME_NO_READER)
                        *ret_worst = OUTCOME_TIMED_OUT;
                if (r != 0)
                        return;
        }
}

/* An entry like "1-2:1.0" is an interface; its device is the folder around it. */
static void power_off_interface(const char *name, int *ret_worst)
{
        if (!strchr(name, ':') || read_number(name, "bInterfaceClass", 16) != USB_CLASS_SMART_CARD)
                return;
        char text[64];
        struct usb_address address;
        (void)snprintf(text, sizeof text, "/dev/bus/usb/%03d/%03d:%d",
                read_number(name, "../busnum", 10), read_number(name, "../devnum", 10),
                read_number(name, "bInterfaceNumber", 16));
        if (usb_address_parse(text, &address) == 0)
                power_off(&address, ret_worst);
}

static int power_off_all(void)
{
        int worst = 0;
        DIR *devices = opendir(DEVICES);
        const struct dirent *entry;
        while (devices && (entry = readdir(devices)))
                power_off_interface(entry->d_name, &worst);
        if (devices)
                closedir(devices);
        return worst;
}

int usb_power_off(char *const *addresses)
{
        int worst = 0;
        if (!*addresses)
                return power_off_all();
        for (; *addresses; addresses++) {
                struct usb_address address;
                if (usb_address_parse(*addresses, &address) < 0)
                        return OUTCOME_USAGE;
                power_off(&address, &worst);
        }
        return worst;
}

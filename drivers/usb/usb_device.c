/* SPDX-License-Identifier: Apache-2.0 */
/* usb_device.c: see usb_device.h. Finding, claiming and letting go; what goes through the device is in
 * usb_pipes.c.
 */
#include "drivers/usb/usb_leftovers.h"
#include "drivers/usb/usb_pipes.h"

#include <fcntl.h>

#define FROM_INTERFACE 0xA1 /* class request, interface to host */
#define CONTROL_MS     1000
#define FIRST_FD       4 /* the sandbox knows the device by this number */

/* Opening */

static int find_class(const struct libusb_interface_descriptor *alt, struct ccid_class *ret)
{
        int r = ccid_class_find(alt->extra, alt->extra ? (size_t)alt->extra_length : 0, ret);
        for (int i = 0; r == -ENOENT && i < alt->bNumEndpoints; i++) {
                const struct libusb_endpoint_descriptor *end = &alt->endpoint[i];
                r = ccid_class_find(end->extra, end->extra ? (size_t)end->extra_length : 0, ret);
        }
        return r;
}

static void take_endpoint(struct usb_device *device, const struct libusb_endpoint_descriptor *end)
{
        unsigned int kind = end->bmAttributes & LIBUSB_TRANSFER_TYPE_MASK;
        bool in = (end->bEndpointAddress & LIBUSB_ENDPOINT_IN) != 0;
        if (kind == LIBUSB_TRANSFER_TYPE_BULK && in)
                device->in = end->bEndpointAddress;
        else if (kind == LIBUSB_TRANSFER_TYPE_BULK)
                device->out = end->bEndpointAddress;
        else if (kind == LIBUSB_TRANSFER_TYPE_INTERRUPT && in)
                device->interrupt = end->bEndpointAddress;
        if (device->interrupt == end->bEndpointAddress)
                device->message_len = base_min(end->wMaxPacketSize & 0x7FF, INTERRUPT_MAX);
}

static int take_interface(struct usb_device *device, const struct libusb_interface_descriptor *alt)
{
        device->number = alt->bInterfaceNumber;
        for (int i = 0; i < alt->bNumEndpoints; i++)
                take_endpoint(device, &alt->endpoint[i]);
        int r = find_class(alt, &device->class);
        return r != 0 || device->in == 0 || device->out == 0 ? OUTCOME_NO_READER : 0;
}

static int find_interface(struct usb_device *device, int wanted)
{
        struct libusb_config_descriptor *config = NULL;
        int r = usb_pipes_outcome(
                libusb_get_active_config_descriptor(libusb_get_device(device->handle), &config));
        if (r != 0)
                return r;
        r = OUTCOME_NO_READER;
        for (int i = 0; r != 0 && i < config->bNumInterfaces; i++) {
                const struct libusb_interface_descriptor *alt = config->interface[i].altsetting;
                if (config->interface[i].num_altsetting > 0 &&
                        alt->bInterfaceClass == USB_CLASS_SMART_CARD &&
                        (wanted < 0 || wanted == alt->bInterfaceNumber))
                        r = take_interface(device, alt);
        }
        libusb_free_config_descriptor(config);
        return r;
}

static void take_quirk(struct usb_device *device)
{
        struct libusb_device_descriptor self = { 0 };
        (void)libusb_get_device_descriptor(libusb_get_device(device->handle), &self);
        device->quirk = usb_quirk_find(self.idVendor, self.idProduct);
        usb_quirk_apply(device->quirk, &device->class);
}

static int open_node(const struct usb_address *address)
{
        int fd = address->node[0] ? open(address->node, O_RDWR | O_CLOEXEC) : address->fd;
        if (fd >= FIRST_FD)
                return fd;
        if (fd < 0)
                return -errno;
        int placed = fcntl(fd, F_DUPFD_CLOEXEC, FIRST_FD);
        int error = errno;
        close(fd);
        return placed < 0 ? -error : placed;
}

static int open_handle(struct usb_device *device, const struct usb_address *address)
{
        device->fd = open_node(address);
        if (device->fd == -EACCES || device->fd == -EPERM)
                return OUTCOME_READER_SERVICE;
        if (device->fd < 0)
                return OUTCOME_NO_READER;
        (void)libusb_set_option(NULL, LIBUSB_OPTION_NO_DEVICE_DISCOVERY);
        int r = libusb_init(&device->context);
        if (r == 0)
                r = libusb_wrap_sys_device(device->context, device->fd, &device->handle);
        return usb_pipes_outcome(r);
}

static int claim(struct usb_device *device)
{
        int r = usb_pipes_outcome(libusb_claim_interface(device->handle, device->number));
        device->claimed = r == 0;
        return r;
}

int usb_device_open(struct usb_device **ret, const struct usb_address *address)
{
        _cleanup_usb_device_ struct usb_device *device = calloc(1, sizeof *device);
        if (!device)
                return -ENOMEM;
        device->fd = -1;
        int r = open_handle(device, address);
        if (r == 0)
                r = find_interface(device, address->interface);
        if (r == 0 && !address->node[0])
                r = usb_leftovers_clear(device->fd, device->number);
        if (r == 0)
                r = claim(device);
        if (r < 0 && r != -ENOMEM)
                r = OUTCOME_NO_READER; /* no USB device, or one that is just being pulled out */
        if (r != 0)
                return r;
        take_quirk(device);
        r = usb_pipes_open(device);
        if (r != 0)
                return r;
        *ret = device;
        device = NULL;
        return 0;
}

struct usb_device *usb_device_free(struct usb_device *device)
{
        if (!device)
                return NULL;
        if (device->bulk)
                usb_pipes_close(device);
        if (device->claimed)
                (void)libusb_release_interface(device->handle, device->number);
        if (device->handle)
                libusb_close(device->handle);
        if (device->context)
                libusb_exit(device->context);
        if (device->fd >= 0)
                close(device->fd);
        free(device);
        return NULL;
}

int usb_device_reset(struct usb_device *device)
{
        return usb_pipes_outcome(libusb_reset_device(device->handle));
}

size_t usb_device_rates(struct usb_device *device, uint32_t *ret)
{
        uint8_t bytes[CCID_RATES_MAX * 4];
        uint16_t want = (uint16_t)(device->class.rate_count * 4U);
        if (want == 0)
                return 0;
        int got = libusb_control_transfer(device->handle, FROM_INTERFACE, WIRE_GET_DATA_RATES, 0,
                device->number, bytes, want, CONTROL_MS);
        struct in in = in_new(bytes, got > 0 ? (size_t)got / 4 * 4 : 0);
        size_t count = 0;
        while (in_left(&in) > 0)
                ret[count++] = __builtin_bswap32(in_u32(&in));
        return count;
}

const struct wire *usb_device_wire(const struct usb_device *device)
{
        return &device->wire;
}

const struct ccid_class *usb_device_class(const struct usb_device *device)
{
        return &device->class;
}

const struct usb_quirk *usb_device_quirk(const struct usb_device *device)
{
        return device->quirk;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* usb_device.c: see usb_device.h. libusb's return values become those of wire.h in one table.
 *
 * The interrupt endpoint always has one transfer under way, submitted before the sandbox and again
 * each time its message was fetched. It completes inside libusb's event handling, also while another
 * transfer is waited for; until somebody fetches the message it is kept.
 */
#include "drivers/usb/usb_device.h"

#include <libusb.h>

#include <fcntl.h>
#include <poll.h>
#include <time.h>

#define TO_INTERFACE   0x21 /* class request, host to interface */
#define FROM_INTERFACE 0xA1
#define CONTROL_MS     1000
#define INTERRUPT_MAX  64
#define FDS_MAX        8
#define FAILURES_MAX   4
#define FIRST_FD       4 /* the sandbox knows the device by this number */

struct usb_device {
        int fd;
        libusb_context *context;
        libusb_device_handle *handle;
        struct libusb_transfer *notice;
        struct wire wire;
        struct ccid_class class;
        const struct usb_quirk *quirk;
        uint8_t number; /* of the interface */
        uint8_t in, out, interrupt;
        bool claimed, noticed, gone;
        bool under_way; /* the interrupt transfer belongs to the kernel */
        uint8_t message[INTERRUPT_MAX];
        size_t message_len; /* what the endpoint sends at most */
        size_t notice_len;  /* of what it sent */
        unsigned int failures;
};

static int from_usb(int r)
{
        /* clang-format off */
        static const struct {
                int usb, ours;
        } answers[] = {
                { LIBUSB_SUCCESS, 0 },
                { LIBUSB_ERROR_NO_DEVICE, OUTCOME_NO_READER },
                { LIBUSB_ERROR_NOT_FOUND, OUTCOME_NO_READER },
                { LIBUSB_ERROR_TIMEOUT, OUTCOME_TIMED_OUT },
                { LIBUSB_ERROR_BUSY, OUTCOME_BUSY },
                { LIBUSB_ERROR_ACCESS, OUTCOME_READER_SERVICE },
                { LIBUSB_ERROR_PIPE, -EPIPE },
                { LIBUSB_ERROR_OVERFLOW, -EOVERFLOW },
                { LIBUSB_ERROR_NO_MEM, -ENOMEM },
        };
        /* clang-format on */
        for (size_t i = 0; i < ARRAY_LEN(answers); i++)
                if (answers[i].usb == r)
                        return answers[i].ours;
        return -EIO;
}

/* The wire */

static int bulk_out(void *ctx, const uint8_t *data, size_t len, unsigned int ms)
{
        struct usb_device *device = ctx;
        int sent = 0;
        /* libusb takes one pointer type for both directions. */
        int r = libusb_bulk_transfer(
                device->handle, device->out, (unsigned char *)(uintptr_t)data, (int)len, &sent, ms);
        return r == 0 && (size_t)sent != len ? -EIO : from_usb(r);
}

/* A reader that ends a message with a full packet and nothing after it leaves libusb waiting for more:
 * what has come by then is a message, or is found out not to be one. */
static int bulk_in(void *ctx, uint8_t *data, size_t cap, unsigned int ms, size_t *ret_len)
{
        struct usb_device *device = ctx;
        int came = 0;
        int r = libusb_bulk_transfer(device->handle, device->in, data, (int)cap, &came, ms);
        if (r == LIBUSB_ERROR_TIMEOUT && came > 0)
                r = 0;
        if (r == 0)
                *ret_len = (size_t)came;
        return from_usb(r);
}

static int control(void *ctx, uint8_t request, uint16_t value, unsigned int ms)
{
        struct usb_device *device = ctx;
        int r = libusb_control_transfer(
                device->handle, TO_INTERFACE, request, value, device->number, NULL, 0, ms);
        return from_usb(r < 0 ? r : 0);
}

static int unstall(void *ctx, enum wire_end end)
{
        struct usb_device *device = ctx;
        return from_usb(
                libusb_clear_halt(device->handle, end == WIRE_IN ? device->in : device->out));
}

static uint64_t now_ms(void *ctx _unused_)
{
        struct timespec now;
        clock_gettime(CLOCK_MONOTONIC, &now);
        return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

/* The interrupt endpoint */

static void take_notice(struct usb_device *device, size_t len)
{
        device->noticed = true;
        device->notice_len = len;
        device->failures = 0;
}

/* As when the machine slept. A message that says nothing makes the driver look for itself; an endpoint
 * that fails again and again is given up, and the card asked for as where there is none. */
static void notice_failed(struct usb_device *device)
{
        device->message[0] = 0;
        device->noticed = true;
        device->notice_len = 1;
        if (++device->failures == FAILURES_MAX)
                device->wire.has_interrupt = false;
}

static void on_notice(struct libusb_transfer *transfer)
{
        struct usb_device *device = transfer->user_data;
        device->under_way = false;
        if (transfer->status == LIBUSB_TRANSFER_NO_DEVICE)
                device->gone = true;
        else if (transfer->status == LIBUSB_TRANSFER_COMPLETED)
                take_notice(device, (size_t)transfer->actual_length);
        else
                notice_failed(device);
}

static int expect_notice(struct usb_device *device)
{
        if (!device->wire.has_interrupt || device->under_way)
                return 0;
        int r = libusb_submit_transfer(device->notice);
        device->under_way = r == 0;
        return from_usb(r);
}

static int handle_events(struct usb_device *device)
{
        struct timeval at_once = { 0 };
        int r = libusb_handle_events_timeout_completed(device->context, &at_once, NULL);
        return device->gone ? OUTCOME_NO_READER : from_usb(r);
}

static int fetch_notice(void *ctx, uint8_t *data, size_t cap, size_t *ret_len)
{
        struct usb_device *device = ctx;
        int r = device->noticed ? 0 : handle_events(device);
        if (r != 0)
                return r;
        size_t len = 0;
        if (device->noticed) {
                len = base_min(cap, device->notice_len);
                memcpy(data, device->message, len);
                device->noticed = false;
                r = expect_notice(device);
        }
        if (r == 0)
                *ret_len = len;
        return r;
}

static int open_notices(struct usb_device *device)
{
        if (device->interrupt == 0)
                return 0;
        device->notice = libusb_alloc_transfer(0);
        if (!device->notice)
                return -ENOMEM;
        libusb_fill_interrupt_transfer(device->notice, device->handle, device->interrupt,
                device->message, (int)device->message_len, on_notice, device, 0);
        device->wire.has_interrupt = true;
        return expect_notice(device);
}

static short events_of(const struct libusb_pollfd *fd)
{
        return fd->events;
}

int usb_device_wait(struct usb_device *device, int channel, int ms, bool *ret_channel)
{
        struct pollfd fds[1 + FDS_MAX] = { { .fd = channel, .events = POLLIN } };
        nfds_t count = 1;
        const struct libusb_pollfd **usb = libusb_get_pollfds(device->context);
        for (size_t i = 0; usb && usb[i] && count < ARRAY_LEN(fds); i++)
                fds[count++] = (struct pollfd){ .fd = usb[i]->fd, .events = events_of(usb[i]) };
        libusb_free_pollfds(usb);
        if (!usb)
                return -ENOMEM;
        /* What came while another transfer was waited for has woken nobody. */
        int n = poll(fds, count, device->noticed || device->gone ? 0 : ms);
        if (n < 0 && errno != EINTR)
                return -errno;
        bool can_read = n > 0 && fds[0].revents != 0;
        int r = can_read ? 0 : handle_events(device);
        if (r == 0)
                *ret_channel = can_read;
        return r;
}

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
        int r = from_usb(
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
        return from_usb(r);
}

static int claim(struct usb_device *device)
{
        int r = from_usb(libusb_claim_interface(device->handle, device->number));
        device->claimed = r == 0;
        return r;
}

int usb_device_open(struct usb_device **ret, const struct usb_address *address)
{
        _cleanup_usb_device_ struct usb_device *device = calloc(1, sizeof *device);
        if (!device)
                return -ENOMEM;
        device->fd = -1;
        device->wire = (struct wire){ bulk_out, bulk_in, fetch_notice, control, unstall, now_ms,
                device, false };
        int r = open_handle(device, address);
        if (r == 0)
                r = find_interface(device, address->interface);
        if (r == 0)
                r = claim(device);
        if (r != 0)
                return r;
        take_quirk(device);
        r = open_notices(device);
        if (r != 0)
                return r;
        *ret = device;
        device = NULL;
        return 0;
}

/* libusb wants a cancelled transfer's end seen before it is freed; a device that is gone has none. */
static void close_notices(struct usb_device *device)
{
        if (device->under_way && libusb_cancel_transfer(device->notice) == 0)
                for (int i = 0; device->under_way && !device->gone && i < 10; i++) {
                        struct timeval soon = { .tv_usec = 50000 };
                        (void)libusb_handle_events_timeout_completed(device->context, &soon, NULL);
                }
        if (!device->under_way)
                libusb_free_transfer(device->notice);
}

struct usb_device *usb_device_free(struct usb_device *device)
{
        if (!device)
                return NULL;
        close_notices(device);
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
        return from_usb(libusb_reset_device(device->handle));
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

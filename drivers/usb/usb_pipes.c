/* SPDX-License-Identifier: Apache-2.0 */
/* usb_pipes.c: see usb_pipes.h. libusb's words become those of wire.h in two tables.
 *
 * A message is waited for together with the channel to mohrd: when nobody is there any more to take the
 * answer, the transfer is called off, so that the helper gets to its end, which takes the power off
 * the card. That is looked for until it was seen once; what the end itself sends is not called off.
 *
 * The interrupt endpoint always has one transfer under way, submitted before the sandbox and again
 * each time its message was fetched. It completes inside libusb's event handling, also while another
 * transfer is waited for; until somebody fetches the message it is kept.
 */
#include "drivers/usb/usb_pipes.h"

#include <poll.h>
#include <time.h>

#define TO_INTERFACE 0x21 /* class request, host to interface */
#define FDS_MAX      8
#define FAILURES_MAX 4
#define CALL_OFF_MS  1000 /* for the kernel to give a transfer back */

int usb_pipes_outcome(int r)
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

/* Waiting */

static uint64_t now_ms(void *ctx _unused_)
{
        struct timespec now;
        clock_gettime(CLOCK_MONOTONIC, &now);
        return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

static int handle_events(struct usb_device *device)
{
        struct timeval at_once = { 0 };
        int r = libusb_handle_events_timeout_completed(device->context, &at_once, NULL);
        return device->gone ? OUTCOME_NO_READER : usb_pipes_outcome(r);
}

/* What poll() finds at `channel`, asked for `events` there; *ret_usb: something came over USB. */
static int wait_for(struct usb_device *device, struct pollfd *channel, int ms, bool *ret_usb)
{
        struct pollfd fds[1 + FDS_MAX] = { *channel };
        nfds_t count = 1;
        const struct libusb_pollfd **usb = libusb_get_pollfds(device->context);
        for (size_t i = 0; usb && usb[i] && count < ARRAY_LEN(fds); i++)
                fds[count++] = (struct pollfd){ .fd = usb[i]->fd, .events = usb[i]->events };
        libusb_free_pollfds(usb);
        if (!usb)
                return -ENOMEM;
        int n = poll(fds, count, ms);
        if (n < 0 && errno != EINTR)
                return -errno;
        channel->revents = n > 0 ? fds[0].revents : 0;
        *ret_usb = n > (channel->revents ? 1 : 0);
        return 0;
}

int usb_device_wait(struct usb_device *device, int channel, int ms, bool *ret_channel)
{
        struct pollfd fd = { .fd = channel, .events = POLLIN };
        bool usb = false;
        device->channel = channel;
        /* What came while another transfer was waited for has woken nobody. */
        int r = wait_for(device, &fd, device->noticed || device->gone ? 0 : ms, &usb);
        if (r == 0 && !fd.revents)
                r = handle_events(device);
        if (r == 0)
                *ret_channel = fd.revents != 0;
        return r;
}

/* Bulk transfers */

static void on_bulk(struct libusb_transfer *transfer)
{
        ((struct usb_device *)transfer->user_data)->bulk_done = true;
}

static int bulk_outcome(const struct libusb_transfer *transfer)
{
        /* clang-format off */
        static const int outcomes[] = {
                [LIBUSB_TRANSFER_COMPLETED] = 0,
                [LIBUSB_TRANSFER_ERROR] = -EIO,
                [LIBUSB_TRANSFER_TIMED_OUT] = OUTCOME_TIMED_OUT,
                [LIBUSB_TRANSFER_CANCELLED] = OUTCOME_TIMED_OUT,
                [LIBUSB_TRANSFER_STALL] = -EPIPE,
                [LIBUSB_TRANSFER_NO_DEVICE] = OUTCOME_NO_READER,
                [LIBUSB_TRANSFER_OVERFLOW] = -EOVERFLOW,
        };
        /* clang-format on */
        size_t status = (size_t)transfer->status;
        return status < ARRAY_LEN(outcomes) ? outcomes[status] : -EIO;
}

/* mohrd's end of the channel is closed, seen for the first time. */
static bool orphaned(struct usb_device *device, const struct pollfd *channel)
{
        bool now = (channel->revents & (POLLHUP | POLLERR)) != 0;
        if (now)
                device->channel = -1;
        device->orphan = device->orphan || now;
        return now;
}

/* Until the transfer ended by itself, or was called off and given back. */
static int await_bulk(struct usb_device *device, uint64_t deadline)
{
        bool called_off = false, orphan = false;
        while (!device->bulk_done) {
                struct pollfd channel = { .fd = device->channel };
                uint64_t now = now_ms(NULL);
                int ms = now < deadline ? (int)(deadline - now) : 0;
                bool usb = false;
                int r = wait_for(device, &channel, ms, &usb);
                if (r < 0)
                        return r;
                if (usb)
                        (void)handle_events(device);
                orphan = orphaned(device, &channel) || orphan;
                bool over = (orphan && !called_off) || now_ms(NULL) >= deadline;
                if (device->bulk_done || !over)
                        continue;
                if (called_off)
                        return OUTCOME_NO_READER; /* the kernel keeps it: nothing works any more */
                called_off = true;
                deadline = now_ms(NULL) + CALL_OFF_MS;
                (void)libusb_cancel_transfer(device->bulk);
        }
        return orphan ? OUTCOME_TIMED_OUT : 0;
}

static int bulk(struct usb_device *device, uint8_t end, uint8_t *data, size_t len, unsigned int ms)
{
        if (device->gone)
                return OUTCOME_NO_READER;
        libusb_fill_bulk_transfer(
                device->bulk, device->handle, end, data, (int)len, on_bulk, device, 0);
        device->bulk_done = false;
        int r = usb_pipes_outcome(libusb_submit_transfer(device->bulk));
        if (r != 0)
                return r;
        r = await_bulk(device, now_ms(NULL) + ms);
        device->gone = device->gone || !device->bulk_done;
        return r != 0 ? r : bulk_outcome(device->bulk);
}

static int bulk_out(void *ctx, const uint8_t *data, size_t len, unsigned int ms)
{
        struct usb_device *device = ctx;
        /* libusb takes one pointer type for both directions. */
        int r = bulk(device, device->out, (uint8_t *)(uintptr_t)data, len, ms);
        return r == 0 && (size_t)device->bulk->actual_length != len ? -EIO : r;
}

/* A reader that ends a message with a full packet and nothing after it leaves us waiting for more:
 * what has come by then is a message, or is found out not to be one. */
static int bulk_in(void *ctx, uint8_t *data, size_t cap, unsigned int ms, size_t *ret_len)
{
        struct usb_device *device = ctx;
        int r = bulk(device, device->in, data, cap, ms);
        if (r == OUTCOME_TIMED_OUT && !device->orphan && device->bulk->actual_length > 0)
                r = 0;
        if (r == 0)
                *ret_len = (size_t)device->bulk->actual_length;
        return r;
}

/* The control pipe */

static int control(void *ctx, uint8_t request, uint16_t value, unsigned int ms)
{
        struct usb_device *device = ctx;
        int r = libusb_control_transfer(
                device->handle, TO_INTERFACE, request, value, device->number, NULL, 0, ms);
        return usb_pipes_outcome(r < 0 ? r : 0);
}

static int unstall(void *ctx, enum wire_end end)
{
        struct usb_device *device = ctx;
        return usb_pipes_outcome(
                libusb_clear_halt(device->handle, end == WIRE_IN ? device->in : device->out));
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
        return usb_pipes_outcome(r);
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

int usb_pipes_open(struct usb_device *device)
{
        device->channel = -1;
        device->wire = (struct wire){ bulk_out, bulk_in, fetch_notice, control, unstall, now_ms,
                device, false };
        device->bulk = libusb_alloc_transfer(0);
        return device->bulk ? open_notices(device) : -ENOMEM;
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

void usb_pipes_close(struct usb_device *device)
{
        close_notices(device);
        if (!device->gone)
                libusb_free_transfer(device->bulk);
}

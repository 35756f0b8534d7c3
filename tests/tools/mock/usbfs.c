/* SPDX-License-Identifier: Apache-2.0 */
/* usbfs.c: ioctls of usbfs, as umockdev's preload brings them.
 *
 * The preload connects each open node to a socket of ours, DIR/ioctl/dev/bus/usb/BBB/DDD, and sends
 * three words for each ioctl: its kind, request and argument. Until we answer DONE we may read and write
 * the caller's memory. libumockdev speaks the same protocol from a thread of its own; doing it here
 * keeps everything in one loop that decides itself when an URB is finished.
 */
#include "tests/tools/mock/bus.h"

#include <sys/ioctl.h>
#include <sys/socket.h>

enum wire {
        WIRE_IOCTL = 1,
        WIRE_DONE = 3,
        WIRE_READ_MEMORY = 5,
        WIRE_WRITE_MEMORY = 6,
        WIRE_READ = 7
};

static bool get_bytes(const struct client *client, void *bytes, size_t len)
{
        return len == 0 || recv(client->fd, bytes, len, MSG_WAITALL) == (ssize_t)len;
}

static bool put_bytes(const struct client *client, const void *bytes, size_t len)
{
        for (size_t done = 0; done < len;) {
                ssize_t n =
                        send(client->fd, (const uint8_t *)bytes + done, len - done, MSG_NOSIGNAL);
                if (n <= 0)
                        return false;
                done += (size_t)n;
        }
        return true;
}

static bool put_words(
        const struct client *client, unsigned long kind, unsigned long one, unsigned long two)
{
        const unsigned long words[] = { kind, one, two };
        return put_bytes(client, words, sizeof words);
}

bool usbfs_read_memory(const struct client *client, unsigned long address, void *out, size_t len)
{
        return len == 0 ||
               (put_words(client, WIRE_READ_MEMORY, address, len) && get_bytes(client, out, len));
}

bool usbfs_write_memory(
        const struct client *client, unsigned long address, const void *bytes, size_t len)
{
        return len == 0 || (put_words(client, WIRE_WRITE_MEMORY, address, len) &&
                                   put_bytes(client, bytes, len));
}

/* `result` < 0 is a negative errno. */
static bool finish(const struct client *client, long result)
{
        unsigned long value = result < 0 ? (unsigned long)-1L : (unsigned long)result;
        return put_words(client, WIRE_DONE, value, result < 0 ? (unsigned long)-result : 0);
}

/* ------------------------------------------------------------ other ioctls */

long usbfs_claim(struct bus *bus, struct client *client, bool claimed)
{
        for (size_t i = 0; i < CLIENTS_MAX; i++)
                if (bus->clients[i] && bus->clients[i] != client && bus->clients[i]->claimed &&
                        bus->clients[i]->device == client->device)
                        return -EBUSY;
        if (client->claimed != claimed) {
                client->claimed = claimed;
                sysfs_bind(bus->p, client->device->address, claimed);
                mock_log(bus->p, "usb %s", claimed ? "claimed" : "released");
        }
        return 0;
}

static long who_holds(struct bus *bus, struct client *client, unsigned long argument)
{
        struct usbdevfs_getdriver answer = { .driver = "usbfs" };
        for (size_t i = 0; i < CLIENTS_MAX; i++)
                if (bus->clients[i] && bus->clients[i]->claimed &&
                        bus->clients[i]->device == client->device)
                        return usbfs_write_memory(client, argument, &answer, sizeof answer)
                                       ? 0
                                       : -EFAULT;
        return -ENODATA;
}

static long clear_halt(struct bus *bus, struct client *client, unsigned long argument)
{
        unsigned int endpoint = 0;
        if (!usbfs_read_memory(client, argument, &endpoint, sizeof endpoint))
                return -EFAULT;
        mock_log(bus->p, "usb clear halt %02x", endpoint);
        if (endpoint == ENDPOINT_OUT)
                bus->out_halted = false;
        if (endpoint == ENDPOINT_IN)
                bus->in.halted = false;
        if (endpoint == ENDPOINT_INTERRUPT)
                bus->interrupt.halted = false;
        return 0;
}

static long reset(struct bus *bus)
{
        urb_forget(bus);
        mock_log(bus->p, "usb reset");
        return packet_send(bus->reader, PACKET_RESET, NULL, 0) < 0 ? -EIO : 0;
}

static long control_now(struct bus *bus, struct client *client, unsigned long argument)
{
        struct usbdevfs_ctrltransfer ask;
        uint8_t answer[256];
        if (!usbfs_read_memory(client, argument, &ask, sizeof ask))
                return -EFAULT;
        const uint8_t setup[8] = { ask.bRequestType, ask.bRequest, (uint8_t)ask.wValue,
                (uint8_t)(ask.wValue >> 8), (uint8_t)ask.wIndex, (uint8_t)(ask.wIndex >> 8),
                (uint8_t)ask.wLength, (uint8_t)(ask.wLength >> 8) };
        long r = urb_control(bus, setup, answer);
        if (r > 0 && !usbfs_write_memory(client, (unsigned long)ask.data, answer, (size_t)r))
                return -EFAULT;
        return r;
}

static long answer_number(struct client *client, unsigned long argument, uint32_t value)
{
        return usbfs_write_memory(client, argument, &value, sizeof value) ? 0 : -EFAULT;
}

static long connect_info(struct client *client, unsigned long argument)
{
        struct usbdevfs_connectinfo info = { .devnum = client->device->address };
        return usbfs_write_memory(client, argument, &info, sizeof info) ? 0 : -EFAULT;
}

/* Reading from the node gives the descriptors. */
static long read_node(
        const struct bus *bus, struct client *client, unsigned long address, size_t len)
{
        uint8_t all[18 + 128];
        size_t size = describe_device(bus->p, all);
        size += describe_config(bus->p, all + size);
        size = base_min(size, len);
        if (!client->device->plugged)
                return -ENODEV;
        return usbfs_write_memory(client, address, all, size) ? (long)size : -EFAULT;
}

static long run_ioctl(struct bus *bus, struct client *client, unsigned long request,
        unsigned long argument, bool *ret_later)
{
        const uint32_t abilities = USBDEVFS_CAP_ZERO_PACKET | USBDEVFS_CAP_NO_PACKET_SIZE_LIM |
                                   USBDEVFS_CAP_REAP_AFTER_DISCONNECT;
        if (request == USBDEVFS_REAPURBNDELAY || request == USBDEVFS_REAPURB) {
                long r = urb_reap(client, argument);
                if (r != -EAGAIN || request == USBDEVFS_REAPURBNDELAY)
                        return r;
                client->reaping = argument;
                *ret_later = true;
                return 0;
        }
        if (request == USBDEVFS_DISCARDURB)
                return urb_discard(client, argument);
        if (request == USBDEVFS_RELEASEINTERFACE && !client->device->plugged)
                return 0;
        if (!client->device->plugged)
                return -ENODEV;
        switch (request) {
        case USBDEVFS_GET_CAPABILITIES: return answer_number(client, argument, abilities);
        case USBDEVFS_GET_SPEED: return 2; /* full */
        case USBDEVFS_CONNECTINFO: return connect_info(client, argument);
        case USBDEVFS_CLAIMINTERFACE: return usbfs_claim(bus, client, true);
        case USBDEVFS_RELEASEINTERFACE: return usbfs_claim(bus, client, false);
        case USBDEVFS_GETDRIVER: return who_holds(bus, client, argument);
        case USBDEVFS_SUBMITURB: return urb_submit(bus, client, argument);
        case USBDEVFS_CONTROL: return control_now(bus, client, argument);
        case USBDEVFS_CLEAR_HALT:
        case USBDEVFS_RESETEP: return clear_halt(bus, client, argument);
        case USBDEVFS_RESET: return reset(bus);
        case USBDEVFS_SETINTERFACE:
        case USBDEVFS_SETCONFIGURATION: return 0;
        case USBDEVFS_IOCTL: return -ENODATA; /* no kernel driver to detach */
        default: return -ENOTTY;
        }
}

bool usbfs_serve(struct bus *bus, struct client *client)
{
        unsigned long words[3];
        bool later = false;
        if (recv(client->fd, words, sizeof words, MSG_WAITALL) != sizeof words)
                return false;
        long r = words[0] == WIRE_IOCTL  ? run_ioctl(bus, client, words[1], words[2], &later)
                 : words[0] == WIRE_READ ? read_node(bus, client, words[1], words[2])
                                         : -EINVAL;
        return later || finish(client, r);
}

bool usbfs_finish_reaping(struct client *client)
{
        long r = client->reaping ? urb_reap(client, client->reaping) : -EAGAIN;
        if (r == -EAGAIN)
                return true;
        client->reaping = 0;
        return finish(client, r);
}

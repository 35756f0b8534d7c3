/* SPDX-License-Identifier: Apache-2.0 */
/* bus.c: the kernel's part: usbfs for whoever opens the device node under umockdev's preload.
 *
 * The preload connects each open node to a socket of ours, DIR/ioctl/dev/bus/usb/BBB/DDD, and sends
 * three words for each ioctl: its kind, request and argument. Until we answer DONE we may read and write
 * the caller's memory. libumockdev speaks the same protocol from a thread of its own; doing it here
 * keeps everything in one loop that decides itself when an URB is finished.
 *
 * libusb waits in poll() for a node that can be written to. A file always can, so it would spin as long
 * as the transfer on the interrupt endpoint waits. The node is therefore a FIFO, kept full except while
 * something can be reaped.
 */
#include "tests/tools/mock/mock.h"

#include <fcntl.h>
#include <linux/usbdevice_fs.h>
#include <poll.h>
#include <sys/inotify.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#define CLIENTS_MAX  16
#define DEVICES_MAX  16 /* pluggings that somebody still holds open */
#define URBS_MAX     32
#define QUEUE_MAX    64
#define GATE_SIZE    4096
#define ADDRESS_SPAN 10

enum { ENDPOINT_OUT = 0x01, ENDPOINT_IN = 0x82, ENDPOINT_INTERRUPT = 0x83 };
enum wire {
        WIRE_IOCTL = 1,
        WIRE_DONE = 3,
        WIRE_READ_MEMORY = 5,
        WIRE_WRITE_MEMORY = 6,
        WIRE_READ = 7
};

struct urb {
        unsigned long address; /* in the client's memory */
        struct usbdevfs_urb head;
        bool done;
        uint8_t *answer; /* owned: what goes into the client's buffer at `offset` */
        size_t answer_len, offset;
};

struct device {
        unsigned int address;
        int gate, listener;
        bool plugged, gate_open;
        size_t clients;
};

struct client {
        int fd;
        struct device *device;
        bool claimed;
        unsigned long reaping; /* REAPURB that waits: where the pointer goes, 0: none */
        struct urb urbs[URBS_MAX];
        size_t count;
};

struct message {
        uint8_t *bytes; /* owned */
        size_t len, pos;
};

struct queue {
        struct message messages[QUEUE_MAX];
        size_t count;
        bool halted;
};

struct bus {
        const struct personality *p;
        int reader, signals, child, control, tester, names;
        struct device *devices[DEVICES_MAX];
        struct client *clients[CLIENTS_MAX];
        struct queue in, interrupt;
        bool out_halted;
        uint8_t *out; /* a bulk message that has not come whole */
        size_t out_len;
        unsigned int plugs;
        int64_t replug_at;
};

/* ------------------------------------------------------------ queues */

static void queue_clear(struct queue *queue)
{
        for (size_t i = 0; i < queue->count; i++)
                free(queue->messages[i].bytes);
        memset(queue, 0, sizeof *queue);
}

static void queue_put(struct queue *queue, const uint8_t *bytes, size_t len)
{
        uint8_t *copy = queue->count < QUEUE_MAX ? malloc(len ? len : 1) : NULL;
        if (!copy)
                return;
        memcpy(copy, bytes, len);
        queue->messages[queue->count++] = (struct message){ copy, len, 0 };
}

static void queue_shift(struct queue *queue)
{
        free(queue->messages[0].bytes);
        queue->count--;
        memmove(queue->messages, queue->messages + 1, queue->count * sizeof queue->messages[0]);
}

/* ------------------------------------------------------------ the preload's protocol */

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

static bool read_memory(const struct client *client, unsigned long address, void *out, size_t len)
{
        return len == 0 ||
               (put_words(client, WIRE_READ_MEMORY, address, len) && get_bytes(client, out, len));
}

static bool write_memory(
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

/* ------------------------------------------------------------ URBs */

static void urb_free(struct client *client, size_t index)
{
        free(client->urbs[index].answer);
        client->count--;
        memmove(&client->urbs[index], &client->urbs[index + 1],
                (client->count - index) * sizeof client->urbs[0]);
}

static void urb_finish(struct urb *urb, int status, size_t actual)
{
        urb->done = true;
        urb->head.status = status;
        urb->head.actual_length = (int)actual;
}

static struct urb *urb_waiting(struct client *client, uint8_t endpoint)
{
        for (size_t i = 0; i < client->count; i++)
                if (!client->urbs[i].done && client->urbs[i].head.endpoint == endpoint &&
                        client->urbs[i].head.type != USBDEVFS_URB_TYPE_CONTROL)
                        return &client->urbs[i];
        return NULL;
}

static void urb_answer(struct urb *urb, const uint8_t *bytes, size_t len, size_t offset)
{
        urb->answer = malloc(len ? len : 1);
        if (urb->answer)
                memcpy(urb->answer, bytes, len);
        urb->answer_len = urb->answer ? len : 0;
        urb->offset = offset;
        urb_finish(urb, 0, len);
}

/* As much of the next message as the URB takes. A packet that is larger than what is left of the buffer
 * is babble, on a real bus too. */
static void deliver(struct bus *bus, struct queue *queue, uint8_t endpoint, size_t packet)
{
        for (size_t i = 0; i < CLIENTS_MAX; i++) {
                struct client *client = bus->clients[i];
                struct urb *urb;
                while (client && client->device->plugged && (queue->count > 0 || queue->halted) &&
                        (urb = urb_waiting(client, endpoint))) {
                        if (queue->halted) {
                                urb_finish(urb, -EPIPE, 0);
                                continue;
                        }
                        struct message *message = &queue->messages[0];
                        size_t left = message->len - message->pos;
                        size_t room = (size_t)urb->head.buffer_length;
                        if (left > room && room % packet != 0) {
                                urb_finish(urb, -EOVERFLOW, 0);
                                mock_log(bus->p, "usb babble: %zu bytes, room for %zu", left, room);
                                queue_shift(queue);
                                continue;
                        }
                        urb_answer(urb, message->bytes + message->pos, base_min(left, room), 0);
                        message->pos += base_min(left, room);
                        if (message->pos == message->len)
                                queue_shift(queue);
                }
        }
}

static bool message_whole(const struct bus *bus)
{
        if (bus->out_len < 10)
                return false;
        const uint8_t *at = bus->out + 1;
        uint32_t len = at[0] | (uint32_t)at[1] << 8 | (uint32_t)at[2] << 16 | (uint32_t)at[3] << 24;
        return len > MOCK_MESSAGE || bus->out_len >= 10 + len;
}

static void take_out(struct bus *bus, struct urb *urb, const uint8_t *bytes, size_t len)
{
        if (bus->out_halted) {
                urb_finish(urb, -EPIPE, 0);
                return;
        }
        size_t room = MOCK_MESSAGE + 10 - bus->out_len, n = base_min(room, len);
        memcpy(bus->out + bus->out_len, bytes, n);
        bus->out_len += n;
        urb_finish(urb, 0, len);
        if (message_whole(bus) || len % 64 != 0) {
                if (packet_send(bus->reader, PACKET_OUT, bus->out, bus->out_len) < 0)
                        mock_log(bus->p, "bus: the reader's process is gone");
                bus->out_len = 0;
        }
}

/* The requests of the default pipe: setup (8 bytes) in, answer out. Length, or -EPIPE. */
static long control_request(
        struct bus *bus, const uint8_t setup[static 8], uint8_t answer[static 256])
{
        size_t asked = setup[6] | (size_t)setup[7] << 8, len = 0;
        if (setup[0] == 0x80 && setup[1] == 6) { /* GET_DESCRIPTOR */
                len = setup[3] == 1   ? describe_device(bus->p, answer)
                      : setup[3] == 2 ? describe_config(bus->p, answer)
                      : setup[3] == 3 ? describe_string(bus->p, setup[2], answer)
                                      : 0;
                return len ? (long)base_min(len, asked) : -EPIPE;
        }
        if (setup[0] == 0x80 && setup[1] == 8) { /* GET_CONFIGURATION */
                answer[0] = 1;
                return 1;
        }
        if (setup[0] == 0x21 && setup[1] == 1) /* ABORT: slot, sequence */
                return packet_send(bus->reader, PACKET_ABORT, setup + 2, 2) < 0 ? -EPIPE : 0;
        mock_log(bus->p, "usb control %02x %02x refused", setup[0], setup[1]);
        return -EPIPE;
}

static void take_control(struct bus *bus, struct urb *urb, const uint8_t *bytes, size_t len)
{
        uint8_t answer[256];
        long r = len < 8 ? -EPIPE : control_request(bus, bytes, answer);
        if (r < 0)
                urb_finish(urb, -EPIPE, 0);
        else
                urb_answer(urb, answer, (size_t)r, 8);
}

static bool is_in(const struct usbdevfs_urb *head)
{
        return head->endpoint & 0x80;
}

static long submit(struct bus *bus, struct client *client, unsigned long argument)
{
        struct urb urb = { .address = argument };
        if (!read_memory(client, argument, &urb.head, sizeof urb.head))
                return -EFAULT;
        if (client->count == URBS_MAX || urb.head.buffer_length < 0 ||
                urb.head.buffer_length > MOCK_MESSAGE)
                return -EINVAL;
        bool control = urb.head.type == USBDEVFS_URB_TYPE_CONTROL;
        if (!control && !client->claimed)
                return -EINVAL;
        size_t len = !control && is_in(&urb.head) ? 0 : (size_t)urb.head.buffer_length;
        _cleanup_free_ uint8_t *bytes = malloc(len + 1);
        if (!bytes || !read_memory(client, (unsigned long)urb.head.buffer, bytes, len))
                return -EFAULT;
        struct urb *slot = &client->urbs[client->count++];
        *slot = urb;
        if (control)
                take_control(bus, slot, bytes, len);
        else if (urb.head.endpoint == ENDPOINT_OUT)
                take_out(bus, slot, bytes, len);
        return 0;
}

static long discard(struct client *client, unsigned long address)
{
        for (size_t i = 0; i < client->count; i++)
                if (client->urbs[i].address == address && !client->urbs[i].done) {
                        urb_finish(&client->urbs[i], -ENOENT, 0);
                        return 0;
                }
        return -EINVAL;
}

/* 0 with the URB's address written to `where`, or -EAGAIN. */
static long reap(struct client *client, unsigned long where)
{
        for (size_t i = 0; i < client->count; i++) {
                struct urb *urb = &client->urbs[i];
                if (!urb->done)
                        continue;
                unsigned long buffer = (unsigned long)urb->head.buffer + urb->offset;
                bool ok = write_memory(client, buffer, urb->answer, urb->answer_len) &&
                          write_memory(client, urb->address, &urb->head, sizeof urb->head) &&
                          write_memory(client, where, &urb->address, sizeof urb->address);
                urb_free(client, i);
                return ok ? 0 : -EFAULT;
        }
        return client->device->plugged ? -EAGAIN : -ENODEV;
}

/* ------------------------------------------------------------ other ioctls */

static long claim(struct bus *bus, struct client *client, bool claimed)
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
                        return write_memory(client, argument, &answer, sizeof answer) ? 0 : -EFAULT;
        return -ENODATA;
}

static long clear_halt(struct bus *bus, struct client *client, unsigned long argument)
{
        unsigned int endpoint = 0;
        if (!read_memory(client, argument, &endpoint, sizeof endpoint))
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

static void forget_transfers(struct bus *bus)
{
        queue_clear(&bus->in);
        queue_clear(&bus->interrupt);
        bus->out_halted = false;
        bus->out_len = 0;
}

static long reset(struct bus *bus)
{
        forget_transfers(bus);
        mock_log(bus->p, "usb reset");
        return packet_send(bus->reader, PACKET_RESET, NULL, 0) < 0 ? -EIO : 0;
}

static long control_now(struct bus *bus, struct client *client, unsigned long argument)
{
        struct usbdevfs_ctrltransfer ask;
        uint8_t answer[256];
        if (!read_memory(client, argument, &ask, sizeof ask))
                return -EFAULT;
        const uint8_t setup[8] = { ask.bRequestType, ask.bRequest, (uint8_t)ask.wValue,
                (uint8_t)(ask.wValue >> 8), (uint8_t)ask.wIndex, (uint8_t)(ask.wIndex >> 8),
                (uint8_t)ask.wLength, (uint8_t)(ask.wLength >> 8) };
        long r = control_request(bus, setup, answer);
        if (r > 0 && !write_memory(client, (unsigned long)ask.data, answer, (size_t)r))
                return -EFAULT;
        return r;
}

static long answer_number(struct client *client, unsigned long argument, uint32_t value)
{
        return write_memory(client, argument, &value, sizeof value) ? 0 : -EFAULT;
}

static long connect_info(struct client *client, unsigned long argument)
{
        struct usbdevfs_connectinfo info = { .devnum = client->device->address };
        return write_memory(client, argument, &info, sizeof info) ? 0 : -EFAULT;
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
        return write_memory(client, address, all, size) ? (long)size : -EFAULT;
}

static long run_ioctl(struct bus *bus, struct client *client, unsigned long request,
        unsigned long argument, bool *ret_later)
{
        const uint32_t abilities = USBDEVFS_CAP_ZERO_PACKET | USBDEVFS_CAP_NO_PACKET_SIZE_LIM |
                                   USBDEVFS_CAP_REAP_AFTER_DISCONNECT;
        if (request == USBDEVFS_REAPURBNDELAY || request == USBDEVFS_REAPURB) {
                long r = reap(client, argument);
                if (r != -EAGAIN || request == USBDEVFS_REAPURBNDELAY)
                        return r;
                client->reaping = argument;
                *ret_later = true;
                return 0;
        }
        if (request == USBDEVFS_DISCARDURB)
                return discard(client, argument);
        if (request == USBDEVFS_RELEASEINTERFACE && !client->device->plugged)
                return 0;
        if (!client->device->plugged)
                return -ENODEV;
        switch (request) {
        case USBDEVFS_GET_CAPABILITIES: return answer_number(client, argument, abilities);
        case USBDEVFS_GET_SPEED: return 2; /* full */
        case USBDEVFS_CONNECTINFO: return connect_info(client, argument);
        case USBDEVFS_CLAIMINTERFACE: return claim(bus, client, true);
        case USBDEVFS_RELEASEINTERFACE: return claim(bus, client, false);
        case USBDEVFS_GETDRIVER: return who_holds(bus, client, argument);
        case USBDEVFS_SUBMITURB: return submit(bus, client, argument);
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

/* ------------------------------------------------------------ coming and going */

static void client_drop(struct bus *bus, size_t index)
{
        struct client *client = bus->clients[index];
        if (client->claimed && client->device->plugged)
                (void)claim(bus, client, false);
        while (client->count > 0)
                urb_free(client, 0);
        client->device->clients--;
        close(client->fd);
        free(client);
        bus->clients[index] = NULL;
}

static void client_serve(struct bus *bus, size_t index)
{
        struct client *client = bus->clients[index];
        unsigned long words[3];
        if (recv(client->fd, words, sizeof words, MSG_WAITALL) != sizeof words) {
                client_drop(bus, index);
                return;
        }
        bool later = false;
        long r = words[0] == WIRE_IOCTL  ? run_ioctl(bus, client, words[1], words[2], &later)
                 : words[0] == WIRE_READ ? read_node(bus, client, words[1], words[2])
                                         : -EINVAL;
        if (!later && !finish(client, r))
                client_drop(bus, index);
}

static void client_accept(struct bus *bus, struct device *device)
{
        int fd = accept4(device->listener, NULL, NULL, SOCK_CLOEXEC);
        for (size_t i = 0; fd >= 0 && i < CLIENTS_MAX; i++)
                if (!bus->clients[i]) {
                        struct client *client = calloc(1, sizeof *client);
                        if (!client)
                                break;
                        client->fd = fd;
                        client->device = device;
                        device->clients++;
                        bus->clients[i] = client;
                        return;
                }
        if (fd >= 0)
                close(fd);
}

static int listen_at(const char *path, int type)
{
        struct sockaddr_un at = { .sun_family = AF_UNIX };
        if (strlen(path) >= sizeof at.sun_path)
                return -ENAMETOOLONG;
        memcpy(at.sun_path, path, strlen(path) + 1);
        unlink(path);
        int fd = socket(AF_UNIX, type | SOCK_CLOEXEC, 0);
        if (fd >= 0 &&
                (bind(fd, (const struct sockaddr *)&at, sizeof at) < 0 || listen(fd, 16) < 0)) {
                close(fd);
                return -errno;
        }
        return fd < 0 ? -errno : fd;
}

static void gate_fill(struct device *device, bool open_it)
{
        uint8_t page[GATE_SIZE] = { 0 };
        if (open_it == device->gate_open)
                return;
        ssize_t n = open_it ? read(device->gate, page, sizeof page)
                            : write(device->gate, page, sizeof page);
        if (n == (ssize_t)sizeof page)
                device->gate_open = open_it;
}

static void node_path(
        char out[static MOCK_LINE], const struct bus *bus, const char *where, unsigned int address)
{
        snprintf(out, MOCK_LINE, "%s%s/dev/bus/usb/001/%03u", bus->p->dir, where, address);
}

static int device_open(struct bus *bus, struct device *device)
{
        char path[MOCK_LINE];
        node_path(path, bus, "/ioctl", device->address);
        device->listener = listen_at(path, SOCK_STREAM);
        if (device->listener < 0)
                return device->listener;
        node_path(path, bus, "", device->address);
        unlink(path);
        if (mkfifo(path, 0666) < 0)
                return -errno;
        device->gate = open(path, O_RDWR | O_NONBLOCK | O_CLOEXEC);
        if (device->gate < 0 || fcntl(device->gate, F_SETPIPE_SZ, GATE_SIZE) != GATE_SIZE)
                return -errno;
        device->gate_open = true;
        gate_fill(device, false);
        device->plugged = true;
        return 0;
}

static struct device *plugged_device(const struct bus *bus)
{
        for (size_t i = 0; i < DEVICES_MAX; i++)
                if (bus->devices[i] && bus->devices[i]->plugged)
                        return bus->devices[i];
        return NULL;
}

static void device_free(struct device *device)
{
        if (device->listener >= 0)
                close(device->listener);
        if (device->gate >= 0)
                close(device->gate);
        free(device);
}

static int plug(struct bus *bus)
{
        size_t at = 0;
        bus->replug_at = 0;
        if (plugged_device(bus))
                return 0;
        while (at < DEVICES_MAX && bus->devices[at])
                at++;
        struct device *device = at < DEVICES_MAX ? calloc(1, sizeof *device) : NULL;
        if (!device)
                return -ENOMEM;
        device->address = bus->p->address + bus->plugs++ % ADDRESS_SPAN;
        device->gate = device->listener = -1;
        bus->devices[at] = device;
        int r = device_open(bus, device);
        if (r < 0)
                return r;
        mock_log(bus->p, "usb plugged in as %u", device->address);
        return sysfs_plug(bus->p, device->address);
}

/* What the kernel does: transfers end, the node vanishes, then udev tells. */
static void unplug(struct bus *bus)
{
        struct device *device = plugged_device(bus);
        char path[MOCK_LINE];
        if (!device)
                return;
        device->plugged = false;
        forget_transfers(bus);
        for (size_t i = 0; i < CLIENTS_MAX; i++)
                for (size_t k = 0; bus->clients[i] && k < bus->clients[i]->count; k++)
                        if (!bus->clients[i]->urbs[k].done)
                                urb_finish(&bus->clients[i]->urbs[k], -ESHUTDOWN, 0);
        node_path(path, bus, "", device->address);
        unlink(path);
        node_path(path, bus, "/ioctl", device->address);
        unlink(path);
        mock_log(bus->p, "usb unplugged");
        sysfs_unplug(bus->p, device->address);
        if (packet_send(bus->reader, PACKET_RESET, NULL, 0) < 0)
                mock_log(bus->p, "bus: the reader's process is gone");
}

/* ------------------------------------------------------------ reader and test */

static void reply(struct bus *bus, const char *text, size_t len)
{
        if (bus->tester >= 0)
                (void)!send(bus->tester, text, len, MSG_NOSIGNAL);
}

/* False: the reader's process is gone. */
static bool from_reader(struct bus *bus, uint8_t *bytes)
{
        ssize_t n = recv(bus->reader, bytes, MOCK_MESSAGE + 16, 0);
        if (n <= 0)
                return false;
        size_t len = (size_t)n - 1;
        bool plugged = plugged_device(bus);
        switch (bytes[0]) {
        case PACKET_IN:
                if (plugged)
                        queue_put(&bus->in, bytes + 1, len);
                break;
        case PACKET_NOTIFY:
                if (plugged && bus->p->interrupt)
                        queue_put(&bus->interrupt, bytes + 1, len);
                break;
        case PACKET_STALL_IN: bus->in.halted = true; break;
        case PACKET_STALL_OUT: bus->out_halted = true; break;
        case PACKET_UNPLUG:
                unplug(bus);
                if (len == 2)
                        bus->replug_at = mock_ms() + (bytes[1] | bytes[2] << 8);
                break;
        default: reply(bus, (const char *)bytes + 1, len); break;
        }
        return true;
}

static void from_tester(struct bus *bus)
{
        char line[MOCK_LINE];
        ssize_t n = recv(bus->tester, line, sizeof line - 1, 0);
        if (n <= 0) {
                close(bus->tester);
                bus->tester = -1;
                return;
        }
        line[n] = '\0';
        bool plugging = strcmp(line, "plug") == 0;
        if (!plugging && strcmp(line, "unplug") != 0) {
                if (packet_send(bus->reader, PACKET_LINE, line, (size_t)n) < 0)
                        reply(bus, "error", 5);
                return;
        }
        int r = 0;
        if (plugging)
                r = plug(bus);
        else
                unplug(bus);
        reply(bus, r < 0 ? "error" : "ok", r < 0 ? 5 : 2);
}

static void from_names(struct bus *bus)
{
        _Alignas(struct inotify_event) char events[4096];
        ssize_t n = read(bus->names, events, sizeof events);
        for (ssize_t at = 0; at < n;) {
                const struct inotify_event *event = (const void *)(events + at);
                if (event->len > 0)
                        uevent_keep(bus->p->dir, event->name);
                at += (ssize_t)(sizeof *event + event->len);
        }
}

/* ------------------------------------------------------------ the loop */

static void finish_reaping(struct bus *bus)
{
        for (size_t i = 0; i < CLIENTS_MAX; i++) {
                struct client *client = bus->clients[i];
                if (!client || !client->reaping)
                        continue;
                long r = reap(client, client->reaping);
                if (r == -EAGAIN)
                        continue;
                client->reaping = 0;
                if (!finish(client, r))
                        client_drop(bus, i);
        }
}

static void settle(struct bus *bus)
{
        deliver(bus, &bus->in, ENDPOINT_IN, 64);
        deliver(bus, &bus->interrupt, ENDPOINT_INTERRUPT, 8);
        finish_reaping(bus);
        for (size_t i = 0; i < DEVICES_MAX; i++) {
                struct device *device = bus->devices[i];
                bool ready = false;
                for (size_t k = 0; device && k < CLIENTS_MAX; k++)
                        for (size_t u = 0; bus->clients[k] && bus->clients[k]->device == device &&
                                           u < bus->clients[k]->count;
                                u++)
                                ready |= bus->clients[k]->urbs[u].done;
                if (device)
                        gate_fill(device, ready);
                if (device && !device->plugged && device->clients == 0) {
                        device_free(device);
                        bus->devices[i] = NULL;
                }
        }
}

static int timeout_of(const struct bus *bus)
{
        if (!bus->replug_at)
                return -1;
        int64_t left = bus->replug_at - mock_ms();
        return left < 0 ? 0 : (int)left;
}

enum { SLOT_READER, SLOT_SIGNALS, SLOT_CHILD, SLOT_CONTROL, SLOT_TESTER, SLOT_NAMES, SLOT_REST };

/* 0 to go on, 1 the end. */
static int step(struct bus *bus, uint8_t *buffer)
{
        struct pollfd fds[SLOT_REST + DEVICES_MAX + CLIENTS_MAX] = {
                { bus->reader, POLLIN, 0 },
                { bus->signals, POLLIN, 0 },
                { bus->child, POLLIN, 0 },
                { bus->tester < 0 ? bus->control : -1, POLLIN, 0 },
                { bus->tester, POLLIN, 0 },
                { bus->names, POLLIN, 0 },
        };
        struct pollfd *devices = fds + SLOT_REST, *clients = devices + DEVICES_MAX;
        for (size_t i = 0; i < DEVICES_MAX; i++)
                devices[i] = (struct pollfd){ bus->devices[i] && bus->devices[i]->plugged
                                                      ? bus->devices[i]->listener
                                                      : -1,
                        POLLIN, 0 };
        for (size_t i = 0; i < CLIENTS_MAX; i++)
                clients[i] =
                        (struct pollfd){ bus->clients[i] ? bus->clients[i]->fd : -1, POLLIN, 0 };
        if (poll(fds, ARRAY_LEN(fds), timeout_of(bus)) < 0 && errno != EINTR)
                return -errno;
        if (fds[SLOT_SIGNALS].revents || fds[SLOT_CHILD].revents)
                return 1;
        if (fds[SLOT_NAMES].revents)
                from_names(bus);
        if (fds[SLOT_CONTROL].revents)
                bus->tester = accept4(bus->control, NULL, NULL, SOCK_CLOEXEC);
        if (fds[SLOT_TESTER].revents)
                from_tester(bus);
        for (size_t i = 0; i < CLIENTS_MAX; i++)
                if (clients[i].revents)
                        client_serve(bus, i);
        for (size_t i = 0; i < DEVICES_MAX; i++)
                if (devices[i].revents)
                        client_accept(bus, bus->devices[i]);
        if (fds[SLOT_READER].revents && !from_reader(bus, buffer))
                return 1;
        if (bus->replug_at && mock_ms() >= bus->replug_at && plug(bus) < 0)
                return -EIO;
        settle(bus);
        return 0;
}

static int prepare(struct bus *bus)
{
        char path[MOCK_LINE];
        int r = sysfs_prepare(bus->p);
        if (r < 0)
                return r;
        snprintf(path, sizeof path, "%s/control-%u", bus->p->dir, bus->p->address);
        bus->control = listen_at(path, SOCK_SEQPACKET);
        bus->names = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
        if (bus->control < 0 || bus->names < 0 ||
                inotify_add_watch(bus->names, bus->p->dir, IN_CREATE) < 0)
                return -errno;
        return bus->p->unplugged ? 0 : plug(bus);
}

int bus_run(const struct personality *p, int reader, int signals, int child)
{
        _cleanup_free_ uint8_t *buffer = malloc(MOCK_MESSAGE + 16);
        _cleanup_free_ uint8_t *out = malloc(MOCK_MESSAGE + 16);
        struct bus bus = { .p = p,
                .reader = reader,
                .signals = signals,
                .child = child,
                .control = -1,
                .tester = -1,
                .names = -1,
                .out = out };
        int r = buffer && out ? prepare(&bus) : -ENOMEM;
        if (r == 0) {
                puts("ready");
                fflush(stdout);
        }
        while (r == 0)
                r = step(&bus, buffer);
        unplug(&bus);
        return r < 0 ? r : 0;
}

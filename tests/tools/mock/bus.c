/* SPDX-License-Identifier: Apache-2.0 */
/* bus.c: the kernel's part: devices that are plugged in and out, programs that open them, and the loop.
 *
 * libusb waits in poll() for a node that can be written to. A file always can, so it would spin as long
 * as the transfer on the interrupt endpoint waits. The node is therefore a FIFO, kept full except while
 * something can be reaped.
 */
#include "tests/tools/mock/bus.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/inotify.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

/* ------------------------------------------------------------ coming and going */

static void client_drop(struct bus *bus, size_t index)
{
        struct client *client = bus->clients[index];
        if (client->claimed && client->device->plugged)
                (void)usbfs_claim(bus, client, false);
        while (client->count > 0)
                urb_free(client, 0);
        client->device->clients--;
        close(client->fd);
        free(client);
        bus->clients[index] = NULL;
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
        urb_forget(bus);
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
        case PACKET_STALL_NOTIFY: bus->interrupt.halted = true; break;
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
        for (size_t i = 0; i < CLIENTS_MAX; i++)
                if (bus->clients[i] && !usbfs_finish_reaping(bus->clients[i]))
                        client_drop(bus, i);
}

static void settle(struct bus *bus)
{
        urb_deliver(bus);
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
                if (clients[i].revents && !usbfs_serve(bus, bus->clients[i]))
                        client_drop(bus, i);
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

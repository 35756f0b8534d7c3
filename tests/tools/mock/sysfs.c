/* SPDX-License-Identifier: Apache-2.0 */
/* sysfs.c: the device as the kernel's sysfs and udev's database show it, in files below DIR, where the
 * programs under umockdev's preload look. The device node is not made here: bus.c owns it.
 *
 * As on a real machine a device has another number, and so another node, each time it is plugged in.
 */
#include "tests/tools/mock/mock.h"

#include <fcntl.h>
#include <ftw.h>
#include <stdarg.h>
#include <sys/stat.h>

#define HUB       "/devices/pci0000:00/0000:00:14.0/usb1"
#define USB_MAJOR 189
#define TEXT      1024

struct place {
        const char *dir;
        char device[64], interface[96]; /* below /sys */
        char port[16];
        unsigned int address;
};

static struct place place_of(const struct personality *p, unsigned int address)
{
        struct place at = { .dir = p->dir, .address = address };
        snprintf(at.port, sizeof at.port, "1-%u", p->address);
        snprintf(at.device, sizeof at.device, HUB "/%s", at.port);
        snprintf(at.interface, sizeof at.interface, "%s/%s:1.0", at.device, at.port);
        return at;
}

static int make_folders(char *path)
{
        for (char *slash = strchr(path + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
                *slash = '\0';
                int r = mkdir(path, 0755);
                *slash = '/';
                if (r < 0 && errno != EEXIST)
                        return -errno;
        }
        return 0;
}

static int write_bytes(const struct place *at, const char *where, const void *bytes, size_t len)
{
        char path[TEXT];
        snprintf(path, sizeof path, "%s%s", at->dir, where);
        int r = make_folders(path);
        if (r < 0)
                return r;
        _cleanup_close_ int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
        return fd >= 0 && write(fd, bytes, len) == (ssize_t)len ? 0 : -EIO;
}

_printf_(4, 5) static int write_text(
        const struct place *at, const char *folder, const char *name, const char *format, ...)
{
        char where[TEXT], text[TEXT];
        va_list args;
        va_start(args, format);
        vsnprintf(text, sizeof text, format, args);
        va_end(args);
        snprintf(where, sizeof where, "%s%s", folder, name);
        return write_bytes(at, where, text, strlen(text));
}

static int link_to(const struct place *at, const char *to, const char *where)
{
        char path[TEXT];
        snprintf(path, sizeof path, "%s%s", at->dir, where);
        int r = make_folders(path);
        if (r < 0)
                return r;
        return symlink(to, path) < 0 && errno != EEXIST ? -errno : 0;
}

/* ------------------------------------------------------------ texts */

static void device_properties(char *out, const struct personality *p, const struct place *at)
{
        snprintf(out, TEXT,
                "MAJOR=%d\nMINOR=%u\nDEVNAME=/dev/bus/usb/001/"
                "%03u\nDEVTYPE=usb_device\nDRIVER=usb\n"
                "PRODUCT=%x/%x/100\nTYPE=0/0/0\nBUSNUM=001\nDEVNUM=%03u\nID_VENDOR=Mohr\n"
                "ID_VENDOR_ENC=Mohr\nID_VENDOR_ID=%04x\nID_MODEL=%s\nID_MODEL_ENC=%s\n"
                "ID_MODEL_ID=%04x\nID_USB_INTERFACES=:0b0000:\nID_BUS=usb\n%s%s%sTAGS=:uaccess:\n",
                USB_MAJOR, at->address - 1, at->address, p->vendor, p->product, at->address,
                p->vendor, p->name, p->name, p->product, p->serial ? "ID_SERIAL_SHORT=" : "",
                p->serial ? p->serial : "", p->serial ? "\n" : "");
}

static void interface_properties(char *out, const struct personality *p, bool bound)
{
        snprintf(out, TEXT,
                "DEVTYPE=usb_interface\n%sPRODUCT=%x/%x/100\nTYPE=0/0/0\nINTERFACE=11/0/0\n",
                bound ? "DRIVER=usbfs\n" : "", p->vendor, p->product);
}

/* udev keeps its properties with a mark before each. */
static int write_database(const struct place *at, const char *id, const char *properties)
{
        char text[TEXT * 2] = "I:1000000\n", where[TEXT];
        size_t len = strlen(text);
        for (const char *line = properties; *line && len + 8 < sizeof text;) {
                size_t size = strcspn(line, "\n") + 1;
                int n = snprintf(text + len, sizeof text - len, "E:%.*s", (int)size, line);
                len += n > 0 ? (size_t)n : 0;
                line += size;
        }
        snprintf(text + len, sizeof text - len, "G:uaccess\nQ:uaccess\nV:1\n");
        snprintf(where, sizeof where, "/run/udev/data/%s", id);
        return write_bytes(at, where, text, strlen(text));
}

/* ------------------------------------------------------------ plugging */

static int describe(const struct personality *p, const struct place *at)
{
        uint8_t all[18 + 128];
        size_t len = describe_device(p, all);
        char where[TEXT], device[TEXT];
        len += describe_config(p, all + len);
        snprintf(where, sizeof where, "/sys%s/descriptors", at->device);
        snprintf(device, sizeof device, "/sys%s", at->device);
        int r = write_bytes(at, where, all, len);
        const struct {
                const char *name, *value;
                unsigned int number;
        } rows[] = {
                { "/busnum", NULL, 1 },
                { "/devnum", NULL, at->address },
                { "/bConfigurationValue", NULL, 1 },
                { "/bNumConfigurations", NULL, 1 },
                { "/speed", NULL, 12 },
                { "/manufacturer", "Mohr", 0 },
                { "/product", p->name, 0 },
                { "/serial", p->serial, 0 },
        };
        for (size_t i = 0; r == 0 && i < ARRAY_LEN(rows) - !p->serial; i++)
                r = rows[i].value ? write_text(at, device, rows[i].name, "%s\n", rows[i].value)
                                  : write_text(at, device, rows[i].name, "%u\n", rows[i].number);
        if (r == 0)
                r = write_text(at, device, "/idVendor", "%04x\n", p->vendor);
        if (r == 0)
                r = write_text(at, device, "/idProduct", "%04x\n", p->product);
        if (r == 0)
                r = write_text(at, device, "/dev", "%d:%u\n", USB_MAJOR, at->address - 1);
        return r;
}

static int describe_interface(const struct place *at)
{
        static const char *const rows[][2] = { { "/bInterfaceNumber", "00\n" },
                { "/bInterfaceClass", "0b\n" }, { "/bInterfaceSubClass", "00\n" },
                { "/bInterfaceProtocol", "00\n" }, { "/bAlternateSetting", " 0\n" } };
        char folder[TEXT];
        int r = 0;
        snprintf(folder, sizeof folder, "/sys%s", at->interface);
        for (size_t i = 0; r == 0 && i < ARRAY_LEN(rows); i++)
                r = write_text(at, folder, rows[i][0], "%s", rows[i][1]);
        return r;
}

static int link_all(const struct place *at)
{
        char to[TEXT], where[TEXT];
        snprintf(where, sizeof where, "/sys%s/subsystem", at->device);
        int r = link_to(at, "../../../../../bus/usb", where);
        snprintf(where, sizeof where, "/sys%s/subsystem", at->interface);
        if (r == 0)
                r = link_to(at, "../../../../../../bus/usb", where);
        snprintf(to, sizeof to, "../../..%s", at->device);
        snprintf(where, sizeof where, "/sys/bus/usb/devices/%s", at->port);
        if (r == 0)
                r = link_to(at, to, where);
        snprintf(to, sizeof to, "../../..%s", at->interface);
        snprintf(where, sizeof where, "/sys/bus/usb/devices/%s:1.0", at->port);
        if (r == 0)
                r = link_to(at, to, where);
        snprintf(to, sizeof to, "../..%s", at->device);
        snprintf(where, sizeof where, "/sys/dev/char/%d:%u", USB_MAJOR, at->address - 1);
        if (r == 0)
                r = link_to(at, to, where);
        /* Where the preload looks for a node's number. */
        snprintf(to, sizeof to, "%d:%u", USB_MAJOR, at->address - 1);
        snprintf(where, sizeof where, "/dev/.node/bus_usb_001_%03u", at->address);
        return r == 0 ? link_to(at, to, where) : r;
}

static void say(const struct place *at, const char *action, const char *path, const char *devtype,
        const char *properties)
{
        uevent_send(at->dir, &(struct uevent){ action, path, devtype, properties });
}

int sysfs_prepare(const struct personality *p)
{
        static const char *const folders[] = { "/sys/class/x", "/sys/bus/usb/devices/x",
                "/dev/bus/usb/001/x", "/run/udev/data/x", "/ioctl/dev/bus/usb/001/x" };
        char path[TEXT];
        int r = 0;
        for (size_t i = 0; r == 0 && i < ARRAY_LEN(folders); i++) {
                snprintf(path, sizeof path, "%s%s", p->dir, folders[i]);
                r = make_folders(path);
        }
        return r;
}

int sysfs_plug(const struct personality *p, unsigned int address)
{
        struct place at = place_of(p, address);
        char device[TEXT], interface[TEXT], folder[TEXT], id[64];
        device_properties(device, p, &at);
        interface_properties(interface, p, false);
        int r = describe(p, &at);
        if (r == 0)
                r = describe_interface(&at);
        if (r == 0)
                r = link_all(&at);
        snprintf(folder, sizeof folder, "/sys%s", at.device);
        if (r == 0)
                r = write_text(&at, folder, "/uevent", "%s", device);
        snprintf(folder, sizeof folder, "/sys%s", at.interface);
        if (r == 0)
                r = write_text(&at, folder, "/uevent", "%s", interface);
        snprintf(id, sizeof id, "c%d:%u", USB_MAJOR, address - 1);
        if (r == 0)
                r = write_database(&at, id, device);
        snprintf(id, sizeof id, "+usb:%s:1.0", at.port);
        if (r == 0)
                r = write_database(&at, id, interface);
        if (r < 0)
                return r;
        say(&at, "add", at.device, "usb_device", device);
        say(&at, "add", at.interface, "usb_interface", interface);
        say(&at, "bind", at.device, "usb_device", device);
        return 0;
}

static int remove_entry(const char *path, const struct stat *what, int kind, struct FTW *where)
{
        (void)what;
        (void)kind;
        (void)where;
        (void)remove(path);
        return 0;
}

static void remove_links(const struct place *at)
{
        char paths[6][TEXT];
        snprintf(paths[0], TEXT, "%s/sys/bus/usb/devices/%s", at->dir, at->port);
        snprintf(paths[1], TEXT, "%s/sys/bus/usb/devices/%s:1.0", at->dir, at->port);
        snprintf(paths[2], TEXT, "%s/sys/dev/char/%d:%u", at->dir, USB_MAJOR, at->address - 1);
        snprintf(paths[3], TEXT, "%s/dev/.node/bus_usb_001_%03u", at->dir, at->address);
        snprintf(paths[4], TEXT, "%s/run/udev/data/c%d:%u", at->dir, USB_MAJOR, at->address - 1);
        snprintf(paths[5], TEXT, "%s/run/udev/data/+usb:%s:1.0", at->dir, at->port);
        for (size_t i = 0; i < ARRAY_LEN(paths); i++)
                unlink(paths[i]);
}

void sysfs_unplug(const struct personality *p, unsigned int address)
{
        struct place at = place_of(p, address);
        char device[TEXT], interface[TEXT], tree[TEXT];
        device_properties(device, p, &at);
        interface_properties(interface, p, false);
        remove_links(&at);
        snprintf(tree, sizeof tree, "%s/sys%s", p->dir, at.device);
        (void)nftw(tree, remove_entry, 8, FTW_DEPTH | FTW_PHYS);
        say(&at, "unbind", at.interface, "usb_interface", interface);
        say(&at, "remove", at.interface, "usb_interface", interface);
        say(&at, "unbind", at.device, "usb_device", device);
        say(&at, "remove", at.device, "usb_device", device);
}

void sysfs_bind(const struct personality *p, unsigned int address, bool bound)
{
        struct place at = place_of(p, address);
        char interface[TEXT], folder[TEXT], id[64];
        interface_properties(interface, p, bound);
        snprintf(folder, sizeof folder, "/sys%s", at.interface);
        snprintf(id, sizeof id, "+usb:%s:1.0", at.port);
        if (write_text(&at, folder, "/uevent", "%s", interface) < 0 ||
                write_database(&at, id, interface) < 0)
                mock_log(p, "bus cannot write below %s", p->dir);
        say(&at, bound ? "bind" : "unbind", at.interface, "usb_interface", interface);
}

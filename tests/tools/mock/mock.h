/* SPDX-License-Identifier: Apache-2.0 */
/* mock.h: what the files of the mocked USB reader share; nothing outside this folder includes it but
 * tests/tools/mock_ccid.c.
 *
 * Two processes. The bus (bus.c) plays the kernel: it answers the ioctls of usbfs and sends the news
 * of udev. The reader (reader.c, ccid.c) plays the firmware: it gets whole bulk messages and answers
 * them, with a card (link.c) behind contacts (icc.c, t1.c). Between them are packets, their first byte
 * says what follows. Written from the USB CCID specification 1.1 and ISO 7816-3, without a look at
 * drivers/usb: what one of both misread, the other one shows.
 */
#ifndef MOHR_MOCK_H
#define MOHR_MOCK_H

#include "base/base.h"

#include <stdio.h>
#include <time.h>

#define MOCK_MESSAGE 65600 /* dwMaxCCIDMessageLength at most */
#define MOCK_APDU    65544
#define MOCK_LINE    256

enum level { LEVEL_TPDU, LEVEL_SHORT, LEVEL_EXTENDED };

/* What kind of reader it is: the options of the program. */
struct personality {
        const char *dir, *log_path, *name, *serial;
        int log;              /* -1: none */
        unsigned int address; /* of the first plugging; also the port it sits at */
        unsigned int vendor, product;
        enum level level;
        unsigned int protocols; /* bit 0: T=0, bit 1: T=1 */
        unsigned int pinpad;    /* bPINSupport */
        unsigned int max_message, max_ifsd;
        bool interrupt, auto_rates, auto_ifsd;
        unsigned int wtx_ms; /* a card asks for more time, or T=0's reader tells, after so long */
        unsigned int card_port; /* 0: any; the card's side of vpcd's protocol */
        bool unplugged;         /* at the start */
};

/* bus -> reader: a bulk message, the abort request of the control pipe, a line of the test's. */
/* reader -> bus: a bulk and an interrupt answer, endpoint stalls, unplugging, the answer to a line. */
enum packet {
        PACKET_OUT = 'O',
        PACKET_ABORT = 'A',
        PACKET_LINE = 'L',
        PACKET_IN = 'I',
        PACKET_NOTIFY = 'N',
        PACKET_STALL_IN = 'i',
        PACKET_STALL_OUT = 'o',
        PACKET_STALL_NOTIFY = 'n',
        PACKET_UNPLUG = 'U',
        PACKET_REPLY = 'R',
        PACKET_RESET = 'Z', /* the device was reset or plugged in anew */
};

static inline int64_t mock_ms(void)
{
        struct timespec now;
        clock_gettime(CLOCK_MONOTONIC, &now);
        return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* One line with the monotonic time in seconds before it. */
_printf_(2, 3) void mock_log(const struct personality *p, const char *format, ...);
_must_check_ int packet_send(int fd, uint8_t what, const void *bytes, size_t len);

/* descriptors.c: both return the length. */
size_t describe_device(const struct personality *p, uint8_t out[static 18]);
size_t describe_config(const struct personality *p, uint8_t out[static 128]);
size_t describe_string(const struct personality *p, uint8_t index, uint8_t out[static 128]);

/* sysfs.c: what can be read below DIR/sys and DIR/run/udev of the device at `address`. */
_must_check_ int sysfs_prepare(const struct personality *p);
_must_check_ int sysfs_plug(const struct personality *p, unsigned int address);
void sysfs_unplug(const struct personality *p, unsigned int address);
/* An interface's driver as the kernel shows it: bound by usbfs, or by none. */
void sysfs_bind(const struct personality *p, unsigned int address, bool bound);

/* uevent.c */
struct uevent {
        const char *action, *devpath, *devtype;
        const char *properties; /* KEY=VALUE lines */
};
void uevent_send(const char *dir, const struct uevent *event);
void uevent_keep(const char *dir, const char *name); /* another process may take this name */

/* bus.c: until SIGTERM, or `child` (if not -1: a pidfd) ends. */
_must_check_ int bus_run(const struct personality *p, int reader, int signals, int child);

/* reader.c: in a process of its own. */
_must_check_ int reader_run(const struct personality *p, int bus, int listener);

#endif

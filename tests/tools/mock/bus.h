/* SPDX-License-Identifier: Apache-2.0 */
/* bus.h: the inside of the process that plays the kernel. See bus.c for the whole, usbfs.c for the
 * protocol, urbs.c for the transfers.
 */
#ifndef MOHR_MOCK_BUS_H
#define MOHR_MOCK_BUS_H

#include "tests/tools/mock/mock.h"

#include <linux/usbdevice_fs.h>

#define CLIENTS_MAX  16
#define DEVICES_MAX  16 /* pluggings that somebody still holds open */
#define URBS_MAX     32
#define QUEUE_MAX    64
#define GATE_SIZE    4096
#define ADDRESS_SPAN 10

enum { ENDPOINT_OUT = 0x01, ENDPOINT_IN = 0x82, ENDPOINT_INTERRUPT = 0x83 };

/* struct usbdevfs_urb without the packets of isochronous transfers at its end. */
struct urb_head {
        unsigned char type, endpoint;
        int status;
        unsigned int flags;
        void *buffer;
        int buffer_length, actual_length, start_frame, number_of_packets, error_count;
        unsigned int signr;
        void *usercontext;
};
_Static_assert(sizeof(struct urb_head) == sizeof(struct usbdevfs_urb), "as in the kernel");

struct urb {
        unsigned long address; /* in the client's memory */
        struct urb_head head;
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

/* usbfs.c: one request of a client was read off its socket. False: the client is to be dropped. */
bool usbfs_serve(struct bus *bus, struct client *client);
/* REAPURB that waited, if it need not any more. False: the client is to be dropped. */
bool usbfs_finish_reaping(struct client *client);
bool usbfs_read_memory(const struct client *client, unsigned long address, void *out, size_t len);
bool usbfs_write_memory(
        const struct client *client, unsigned long address, const void *bytes, size_t len);
long usbfs_claim(struct bus *bus, struct client *client, bool claimed);

/* urbs.c: 0 or a negative errno, as the kernel would. */
long urb_submit(struct bus *bus, struct client *client, unsigned long argument);
long urb_discard(struct client *client, unsigned long address);
long urb_reap(struct client *client, unsigned long where); /* -EAGAIN: none is finished */
void urb_free(struct client *client, size_t index);
void urb_finish(struct urb *urb, int status, size_t actual);
/* The requests of the default pipe: setup in, answer out. Length, or -EPIPE. */
long urb_control(struct bus *bus, const uint8_t setup[static 8], uint8_t answer[static 256]);
/* Gives what the reader said to the transfers that wait for it. */
void urb_deliver(struct bus *bus);
void queue_put(struct queue *queue, const uint8_t *bytes, size_t len);
void urb_forget(struct bus *bus);

#endif

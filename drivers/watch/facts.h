/* SPDX-License-Identifier: Apache-2.0 */
/* facts.h: what a watcher needs to know of a device, taken from the properties of its event. The strings
 * of a USB device are its maker's, or an attacker's: they are bounded and made harmless here.
 */
#ifndef MOHR_WATCH_FACTS_H
#define MOHR_WATCH_FACTS_H

#include "drivers/watch/news.h"

#define FACTS_PATH 256

enum facts_kind { FACTS_OTHER, FACTS_DEVICE, FACTS_INTERFACE };

struct facts {
        enum facts_kind kind;
        char path[FACTS_PATH]; /* below /sys; an interface's begins with its device's */
        /* a device */
        char node[32]; /* "/dev/bus/usb/BBB/DDD" */
        uint16_t vendor, product;
        char label[64];  /* "Vendor Model", never empty */
        char serial[32]; /* or "" */
        char port[32];   /* "1-1.2" */
        /* an interface */
        uint8_t class, number;
        bool held; /* by a program, through usbfs */
};

/* FACTS_OTHER for what is neither, or does not make sense. */
void facts_read(struct facts *ret, news_get get, void *device);

#endif

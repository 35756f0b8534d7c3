/* SPDX-License-Identifier: Apache-2.0 */
/* watch.h: the watchers of the direct drivers, both served by mohr-watch. They list devices and never
 * open one: whether a card lies there is told by the helper that holds the device (drivers/driver.h).
 *
 * usb  interfaces of USB class 0B but for those that the reader table leaves to pcscd. Name for people
 *      "Vendor Model (serial or port) NN", NN the interface. Address "/dev/bus/usb/BBB/DDD:I:S": node,
 *      number of the interface, slot, in decimal. How many slots a reader has stands in descriptors that
 *      the watcher cannot read any more once it is shut in, so it offers the first one. `busy`: a program
 *      holds the interface through usbfs, perhaps our own helper; `events` changes whenever that does.
 * nfc  boards named by options ("device", "device2", ...: a connection string of libnfc), and USB boards
 *      of the reader table. Address: libnfc's connection string.
 */
#ifndef MOHR_WATCH_H
#define MOHR_WATCH_H

#include "drivers/driver.h"

extern const struct driver watch_usb;
extern const struct driver watch_nfc;

#endif

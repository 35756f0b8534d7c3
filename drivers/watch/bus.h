/* SPDX-License-Identifier: Apache-2.0 */
/* bus.h: the USB devices and interfaces that are there now, and the readers among them.
 *
 * A reader keeps its name as long as it is there, and gets the same one when it comes back to the same
 * port: its serial number if no other reader says the same, else its port.
 */
#ifndef MOHR_WATCH_BUS_H
#define MOHR_WATCH_BUS_H

#include "drivers/driver.h"
#include "drivers/watch/facts.h"
#include "drivers/watch/table.h"

struct bus;

/* Keeps what `driver` may offer. */
_must_check_ int bus_new(struct bus **ret, enum table_driver driver);
struct bus *bus_free(struct bus *bus);
void bus_put(struct bus *bus, const struct facts *facts);
/* A device takes its interfaces along. */
void bus_remove(struct bus *bus, const char *path);
/* Fills ret[cap] in the order of arrival, all bytes that are not used zero. */
size_t bus_list(struct bus *bus, struct driver_reader *ret, size_t cap);

#endif

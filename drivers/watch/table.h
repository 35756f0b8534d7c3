/* SPDX-License-Identifier: Apache-2.0 */
/* table.h: the USB devices about which more is known than their class: what udev/readers.table says,
 * as far as a watcher needs it. tests/check-udev compares the two.
 */
#ifndef MOHR_WATCH_TABLE_H
#define MOHR_WATCH_TABLE_H

#include "base/base.h"

enum table_driver { TABLE_NFC, TABLE_USB, TABLE_PCSC };

struct table_row {
        uint16_t vendor, product;
        enum table_driver driver; /* TABLE_PCSC: left to pcscd, no driver of ours offers it */
        const char *name;
};

/* NULL: nothing is known about it. */
const struct table_row *table_find(uint16_t vendor, uint16_t product);

#endif

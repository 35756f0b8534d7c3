/* SPDX-License-Identifier: Apache-2.0 */
/* listing.h: paired phones as a watcher reports them: one reader for each pairing, whether it is near or not. */
#ifndef MOHR_PHONE_LISTING_H
#define MOHR_PHONE_LISTING_H

#include "drivers/driver.h"
#include "drivers/phone/heard.h"

/* Name: the phone's, with the beginning of the pairing's id where two have the same. Address: address.h, as many of those
 * heard as fit. `events` changes when it was heard anew, and when the pairing did (an address that was added, keys that
 * were renewed). */
void listing_make(const struct link_peer *peers, size_t count, const struct heard *heard,
        struct driver_reader ret[static DRIVER_READERS_MAX]);

#endif

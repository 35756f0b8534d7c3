/* SPDX-License-Identifier: Apache-2.0 */
/* phone.h: the driver `phone`: a reader at the other end of a link (docs/phone.md). It passes operations on and runs no
 * card's profile: that is done on the phone.
 *
 * reader   address.h: the pairing's id, and where the phone was heard of
 * options  folder=PATH: where the pairings are (client-sdk/link/store.h); name=TEXT: what the phone is told of this
 *          computer, without it the host's name; discover=no: nothing is listened for in the network
 */
#ifndef MOHR_PHONE_H
#define MOHR_PHONE_H

#include "drivers/driver.h"

extern const struct driver driver_phone; /* mohr-reader-phone */
extern const struct driver watch_phone;  /* mohr-watch-phone */

/* Is there none besides those? */
bool phone_options_known(const char *const *options);
/* The value of an option, or NULL. */
const char *phone_option(const char *const *options, const char *key);

#endif

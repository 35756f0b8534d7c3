/* SPDX-License-Identifier: Apache-2.0 */
/* usb.h: what the program mohr-reader-usb needs besides the driver. */
#ifndef MOHR_USB_USB_H
#define MOHR_USB_USB_H

#include "drivers/driver.h"

/* Takes the power off the cards in all readers, or in those named, that no other program holds; half a
 * second for each slot at most. `addresses` ends with NULL. 0; OUTCOME_TIMED_OUT if a reader did not
 * obey; OUTCOME_USAGE. */
int usb_power_off(char *const *addresses);

#endif

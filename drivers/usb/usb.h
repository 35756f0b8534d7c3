/* SPDX-License-Identifier: Apache-2.0 */
/* usb.h: what the program mohr-reader-usb needs besides the driver. */
#ifndef MOHR_USB_USB_H
#define MOHR_USB_USB_H

#include "drivers/driver.h"

/* Takes the power off the cards in every reader (`addresses` NULL) or in those named, ending with
 * NULL, that no other program holds; half a second for each at most. 0, or OUTCOME_TIMED_OUT if a reader
 * did not obey. */
int usb_power_off(const char *const *addresses);

#endif

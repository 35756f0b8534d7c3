/* SPDX-License-Identifier: Apache-2.0 */
/* usb_leftovers.h: what another process left on a descriptor of a USB device that outlives it.
 */
#ifndef MOHR_USB_USB_LEFTOVERS_H
#define MOHR_USB_USB_LEFTOVERS_H

#include "base/base.h"

/* Calls off every transfer on this interface, and its claim. Before this process has handed one over itself, and
 * before the sandbox. 0 or < 0. */
_must_check_ int usb_leftovers_clear(int fd, uint8_t interface);

#endif

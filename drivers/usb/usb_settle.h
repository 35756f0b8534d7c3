/* SPDX-License-Identifier: Apache-2.0 */
/* usb_settle.h: a reader taken over from whoever had it before, who may have been killed in the middle
 * of anything.
 */
#ifndef MOHR_USB_USB_SETTLE_H
#define MOHR_USB_USB_SETTLE_H

#include "drivers/usb/icc.h"
#include "drivers/usb/usb_device.h"

/* Driver and reader in step, the card without power. What the reader is still at is aborted; a device
 * that cannot be brought there so is made to start anew, once. 0, or NO_READER if that did not help
 * either. */
_must_check_ int usb_settle(struct usb_device *device, struct icc *icc);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* usb_settle.c: see usb_settle.h. Starting a USB device anew takes the power off its card, too. */
#include "drivers/usb/usb_settle.h"

static int settle_once(struct icc *icc, unsigned int ms)
{
        ccid_allow(&icc->ccid, ms);
        int r = icc_look(icc);
        if (r != 0)
                return r == OUTCOME_NO_CARD ? 0 : r;
        ccid_allow(&icc->ccid, ms);
        return icc_power_off(icc);
}

int usb_settle(struct usb_device *device, struct icc *icc, unsigned int ms)
{
        int r = settle_once(icc, ms);
        if (r == 0 || r == OUTCOME_NO_READER)
                return r;
        r = usb_device_reset(device);
        icc->ccid.lost = false;
        if (r == 0)
                r = settle_once(icc, ms);
        return r == 0 ? 0 : OUTCOME_NO_READER;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* usb_settle.c: see usb_settle.h. Starting a USB device anew takes the power off its card, too. */
#include "drivers/usb/usb_settle.h"

/* For each question. A reader that is free answers in a few; one that is not, as with a person at its
 * keys, is to be interrupted while the second in which its card must go dark still lasts. */
#define QUESTION_MS 200
#define STARTED_MS                                                                                 \
        1500 /* of one that was started anew: its card is dark, and the computer may be busy */

static int settle_once(struct icc *icc, unsigned int question_ms)
{
        ccid_allow(&icc->ccid, question_ms);
        int r = icc_look(icc);
        if (r != 0)
                return r == OUTCOME_NO_CARD ? 0 : r;
        ccid_allow(&icc->ccid, question_ms);
        return icc_power_off(icc);
}

int usb_settle(struct usb_device *device, struct icc *icc)
{
        int r = settle_once(icc, QUESTION_MS);
        if (r == 0 || r == OUTCOME_NO_READER)
                return r;
        icc->ccid.lost =
                true; /* it may be busy with its last owner's command, or asking for a PIN */
        r = settle_once(icc, QUESTION_MS);
        if (r == 0 || r == OUTCOME_NO_READER)
                return r;
        r = usb_device_reset(device);
        icc->ccid.lost = false;
        if (r == 0)
                r = settle_once(icc, STARTED_MS);
        return r == 0 ? 0 : OUTCOME_NO_READER;
}

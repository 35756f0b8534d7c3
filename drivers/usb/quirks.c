/* SPDX-License-Identifier: Apache-2.0 */
/* quirks.c: see quirks.h. A row says the least that makes its reader usable: what it takes away is what
 * the reader announces and does not do. The names in the comments are those the readers report.
 */
#include "drivers/usb/quirks.h"

/* clang-format off */
static const struct usb_quirk rows[] = {
        { 0x03F0, 0x1024, QUIRK_NO_PIN_PAD, 1000, 'K' }, /* HP USB Smart Card Keyboard */
        { 0x03F0, 0x0036, QUIRK_NO_PIN_PAD, 1000, 'K' }, /* HP USB CCID Smartcard Keyboard */
        { 0x0BF8, 0x1017, QUIRK_NO_PIN_PAD, 1000, 'K' }, /* Fujitsu SmartCase KB SCR eSIG */
        { 0x04F2, 0x1469, QUIRK_NO_PIN_PAD, 1000, 'K' }, /* Chicony HP Skylab Smartcard Keyboard */
        { 0x0D46, 0x3010, QUIRK_SHORT_APDU, 1000, 'K' }, /* KOBIL TriB@nk */
        { 0x0B97, 0x7762, QUIRK_SLOW,       1000, 'K' }, /* O2 Micro Oz776 */
        { 0x0B97, 0x7772, QUIRK_SLOW,       1000, 'K' }, /* O2 Micro Oz776 */
        { 0x09BE, 0x0002, QUIRK_IFSD_254,   1000, 'K' }, /* MySmart MySMART PAD */
        { 0x08E6, 0x4433, QUIRK_NO_PIN_PAD | QUIRK_NO_PARAMETERS, 1000, 'M' }, /* QEMU USB CCID */
        { 0,      0,      0,                1000, 'D' },
};
/* clang-format on */

#define SLOW_RATE 9600

const struct usb_quirk *usb_quirk_find(uint16_t vendor, uint16_t product)
{
        const struct usb_quirk *row = rows;
        while (row->vendor != 0 && (row->vendor != vendor || row->product != product))
                row++;
        return row;
}

void usb_quirk_apply(const struct usb_quirk *quirk, struct ccid_class *class)
{
        if (quirk->flags & QUIRK_NO_PIN_PAD)
                class->pin = 0;
        if ((quirk->flags & QUIRK_SHORT_APDU) && class->level == CCID_LEVEL_EXTENDED_APDU)
                class->level = CCID_LEVEL_SHORT_APDU;
        if (quirk->flags & QUIRK_SLOW)
                class->max_rate = SLOW_RATE;
        if (quirk->flags & QUIRK_NO_PARAMETERS)
                class->mute_parameters = true;
        if (quirk->flags & QUIRK_IFSD_254)
                class->max_ifsd = 254;
}

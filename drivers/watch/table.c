/* SPDX-License-Identifier: Apache-2.0 */
/* table.c: see table.h. One device a line, as in udev/readers.table and in its order. */
#include "drivers/watch/table.h"

/* clang-format off */
static const struct table_row rows[] = {
        { 0x04cc, 0x0531, TABLE_NFC, "Philips PN531" },
        { 0x054c, 0x0193, TABLE_NFC, "Sony PN531" },
        { 0x04cc, 0x2533, TABLE_NFC, "NXP PN533" },
        { 0x04e6, 0x5591, TABLE_NFC, "SCM Micro SCL3711-NFC&RW" },
        { 0x04e6, 0x5594, TABLE_NFC, "SCM Micro SCL3712-NFC&RW" },
        { 0x1fd3, 0x0608, TABLE_NFC, "ASK LoGO" },
        { 0x054c, 0x02e1, TABLE_NFC, "Sony RC-S360" },
        { 0x072f, 0x2200, TABLE_PCSC, "ACS ACR122U" },
        { 0x072f, 0x90cc, TABLE_PCSC, "ACS Touchatag" },
};
/* clang-format on */

const struct table_row *table_find(uint16_t vendor, uint16_t product)
{
        for (size_t i = 0; i < ARRAY_LEN(rows); i++)
                if (rows[i].vendor == vendor && rows[i].product == product)
                        return &rows[i];
        return NULL;
}

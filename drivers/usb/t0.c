/* SPDX-License-Identifier: Apache-2.0 */
/* t0.c: see t0.h. A TPDU is CLA INS P1 P2 P3, and P3 bytes of data if any follow at all. */
#include "drivers/usb/t0.h"

#define HEAD 4 /* CLA INS P1 P2; the next is Lc, Le or P3 */

bool t0_short_apdu(const uint8_t *cmd, size_t len)
{
        if (len <= HEAD + 1)
                return len >= HEAD;
        size_t with_data = HEAD + 1 + (size_t)cmd[HEAD];
        return cmd[HEAD] != 0 && (len == with_data || len == with_data + 1);
}

ssize_t t0_tpdu(uint8_t tpdu[static T0_TPDU_MAX], const uint8_t *cmd, size_t len)
{
        if (!t0_short_apdu(cmd, len))
                return -EMSGSIZE;
        size_t kept = len > HEAD + 1 ? HEAD + 1 + (size_t)cmd[HEAD] : len;
        memcpy(tpdu, cmd, kept);
        if (kept == HEAD)
                tpdu[kept++] = 0;
        return (ssize_t)kept;
}

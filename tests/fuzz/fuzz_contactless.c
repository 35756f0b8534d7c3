/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_contactless.c: any bytes as what a card says at its activation. What is made of them is always an ATR
 * that adds up, and whose historical bytes are found again.
 */
#include "drivers/nfc/contactless.h"
#include "tests/fuzz/require.h"

#include "apdu/atr.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void adds_up(const uint8_t *atr, size_t len)
{
        uint8_t check = 0;
        require(len >= 5 && len <= CONTACTLESS_ATR_MAX);
        for (size_t i = 1; i < len; i++)
                check ^= atr[i];
        require(atr[0] == 0x3B && check == 0 && atr_historical(atr, len).len == len - 5);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
        uint8_t *atr = malloc(CONTACTLESS_ATR_MAX), *copy = malloc(len + 1);
        memcpy(copy, data, len); /* a block of its own: an overrun is seen */
        adds_up(atr, contactless_atr_a((struct view){ .data = copy, .len = len }, atr));
        if (len >= 8)
                adds_up(atr, contactless_atr_b(copy, copy + 4, copy[7], atr));
        free(atr);
        free(copy);
        return 0;
}

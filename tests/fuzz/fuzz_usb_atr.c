/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_usb_atr.c: answers to reset, read by the driver for readers and by the card's room: both must see
 * the same historical bytes in whatever the stricter one accepts.
 */
#include "apdu/atr.h"
#include "drivers/usb/atr_params.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool holds)
{
        if (!holds)
                abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        struct atr_params params;
        if (atr_params_parse(data, size, &params) != 0)
                return 0;
        check(size <= ATR_MAX && params.offered != 0 && params.first <= 15);
        check(params.ifsc >= 1 && params.ifsc <= ATR_IFS_MAX);
        check(params.offered & (1U << params.first));
        struct view other = atr_historical(data, size);
        check(view_eq(params.historical, other.data, other.len));
        (void)atr_f(params.fi_di);
        (void)atr_d(params.fi_di);
        return 0;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_autopoll.c: any bytes as the beginning of what a board says. A frame is as long as a buffer holds, never
 * shorter than its head, and more of it changes nothing once the head is there.
 */
#include "drivers/nfc/autopoll.h"
#include "tests/fuzz/require.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
        size_t whole = 0;
        for (size_t seen = 0; seen <= len; seen++) {
                uint8_t *copy = malloc(seen + 1);
                memcpy(copy, data, seen); /* a block of its own: an overrun is seen */
                size_t now = autopoll_frame_len(copy, seen);
                require(now == 0 || (now >= 5 && now <= AUTOPOLL_FRAME_MAX));
                require(seen <= 5 || now == whole);
                whole = now;
                free(copy);
        }
        return 0;
}

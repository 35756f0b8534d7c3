/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_nid_der.c: the length that decides how many bytes are read from a card stays within the cap. */
#include "apdu/card.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        static const size_t caps[] = { 0, 1, 2, 4, 131, 1000, CARD_FILE_MAX, SIZE_MAX };
        for (size_t i = 0; i < ARRAY_LEN(caps); i++) {
                size_t total = 0;
                if (nid_der_length((struct view){ data, size }, caps[i], &total) == 0 &&
                        (total < 2 || total > caps[i] || size < 4 || data[0] != 0x30))
                        abort();
        }
        return 0;
}

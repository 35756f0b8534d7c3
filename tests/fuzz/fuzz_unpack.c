/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_unpack.c: a container and a gzip member of anybody's making; what comes out lies inside its bounds. */
#include "daemon/unpack.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool lies_in(struct view part, const uint8_t *whole, size_t len)
{
        return part.len > 0 && part.data >= whole && part.data + part.len <= whole + len;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        static uint8_t buffer[UNPACK_MAX];
        struct view got = { 0 }, file = { data, size };
        if (unpack_certificate(CARD_PIV, file, buffer, &got) == 0 && !lies_in(got, data, size) &&
                !lies_in(got, buffer, sizeof buffer))
                abort();
        if (unpack_gzip(file, buffer, &got) == 0 && !lies_in(got, buffer, sizeof buffer))
                abort();
        return 0;
}

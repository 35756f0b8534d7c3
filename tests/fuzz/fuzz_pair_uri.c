/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_pair_uri.c: what a camera may read. What is taken is within its bounds, and means the same when it is written
 * again; each address of it can be called. */
#include "client-sdk/link/pair.h"
#include "client-sdk/link/place.h"
#include "tests/fuzz/require.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
        char text[2 * PAIR_URI_MAX] = "", again[PAIR_URI_MAX];
        struct pair_uri uri, same;
        struct link_place address;
        if (len >= sizeof text)
                return 0;
        memcpy(text, data, len);
        if (pair_uri_read(text, &uri) < 0)
                return 0;
        require(uri.address_count > 0 && uri.address_count <= PAIR_ADDRESSES);
        for (size_t i = 0; i < uri.address_count; i++)
                require(link_place_read(uri.addresses[i], strlen(uri.addresses[i]), 0, &address) ==
                        0);
        require_text(uri.name, sizeof uri.name);
        if (pair_uri_write(&uri, again) < 0) /* a name that takes more room when written our way */
                return 0;
        require(pair_uri_read(again, &same) == 0 && memcmp(&uri, &same, sizeof uri) == 0);
        return 0;
}

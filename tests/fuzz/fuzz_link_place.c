/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_link_place.c: where a device may be met, as a person types it, a camera reads it, a file keeps it or a helper is started with it.
 * What is taken means the same when it is written again, and has nothing in it that a resolver or a log reads as more.
 */
#include "client-sdk/link/place.h"
#include "tests/fuzz/require.h"

#include <stdio.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
        const char *text = (const char *)data;
        char written[LINK_HOST_MAX + 16];
        struct link_place place, again;
        uint16_t number = 0;
        if (len > 0 && link_port_read(text, len, &number) == 0)
                require(number > 0 && len <= 5);
        for (uint16_t port = 0; port < 2; port++) {
                if (link_place_read(text, len, port, &place) < 0)
                        continue;
                require_text(place.host, sizeof place.host);
                require(strpbrk(place.host, " /@,[]\"'\\") == NULL);
                require(link_port_read(place.port, strlen(place.port), &number) == 0);
                bool v6 = strchr(place.host, ':') != NULL;
                snprintf(written, sizeof written, v6 ? "[%s]:%s" : "%s:%s", place.host, place.port);
                require(link_place_read(written, strlen(written), 0, &again) == 0 &&
                        memcmp(&place, &again, sizeof place) == 0);
        }
        return 0;
}
